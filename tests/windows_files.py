"""Real PE files: linked by zig from a few lines of C, without a C runtime, and launchers that packages bring along."""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import distlib

_ZIG = {"win_amd64": ("x86_64", "i386:x86-64"), "win32": ("x86", "i386"), "win_arm64": ("aarch64", "arm64")}


def launcher(name: str) -> bytes:
    """A program of distlib's: "t64", "t32", "t64-arm"."""
    return (Path(distlib.__file__).parent / f"{name}.exe").read_bytes()


def module(
    name: str = "m",
    tag: str = "win_amd64",
    *,
    imports: Mapping[str, Sequence[str]] | None = None,
    exports: Sequence[str] | None = None,
    text: str = "",
) -> bytes:
    """A DLL.

    Args:
        name: Of the module.
        tag: The platform.
        imports: The functions it calls, by library; default: one of python313.dll.
        exports: The functions it has; default: that of an extension module.
        text: More C.
    """
    wanted = {"python313.dll": ("PyModule_Create2",)} if imports is None else imports
    having = (f"PyInit_{name}",) if exports is None else tuple(exports)
    return _linked(tag, tuple((library, tuple(names)) for library, names in wanted.items()), having, text)


def managed_library() -> bytes:
    """A DLL of .NET's, which says that it is for x86."""
    return module(tag="win32", imports={"mscoree.dll": ("_CorDllMain",)}, exports=())


def object_file(tag: str = "win_amd64") -> bytes:
    """An object file."""
    with tempfile.TemporaryDirectory() as place:
        _zig(
            Path(place), "cc", "-target", f"{_ZIG[tag][0]}-windows-gnu", "-g0", "-c", _source(place, "int a;"), "-ox.o"
        )
        return (Path(place) / "x.o").read_bytes()


@functools.cache
def _linked(tag: str, imports: tuple[tuple[str, tuple[str, ...]], ...], exports: tuple[str, ...], more: str) -> bytes:
    cpu, machine = _ZIG[tag]
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        libraries = []
        text = f"{more}\nint __stdcall DllMainCRTStartup(void *a, int b, void *c) {{ return 1; }}\n"
        for number, (library, names) in enumerate(imports):
            (place / f"{number}.def").write_text("\n".join([f"LIBRARY {library}", "EXPORTS", *names, ""]))
            _zig(place, "dlltool", "-m", machine, "-d", f"{number}.def", "-D", library, "-l", f"{number}.lib")
            libraries.append(f"{number}.lib")
            text += "".join(f"__declspec(dllimport) void *{one}(void);\n" for one in names)
        calls = " ".join(f"{one}();" for _, names in imports for one in names)
        # Each calls all, so that nothing is left out.
        for one in exports or ("unused",):
            text += f"__declspec(dllexport) void *{one}(void) {{ {calls} return 0; }}\n"
        target = ("-target", f"{cpu}-windows-gnu", "-Os", "-g0", "-nostdlib", "-shared")
        _zig(place, "cc", *target, _source(name, text), *libraries, "-o", "x.dll")
        return (place / "x.dll").read_bytes()


def _source(directory: str, text: str) -> str:
    (Path(directory) / "x.c").write_text(text)
    return "x.c"


def _zig(directory: Path, *words: str) -> None:
    subprocess.run([sys.executable, "-m", "ziglang", *words], cwd=directory, check=True)

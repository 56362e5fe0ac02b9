"""What zig's compiles for Windows need: MSVC's `long double`, and headers whose names come in any case."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

from crossenv.compilers.zig.locate import Zig
from crossenv.errors import ToolchainError
from crossenv.files import write_file

_HEADER, _OVERLAY, _PROBE = "windows.h", "headers.yaml", "stack_probe.S"
# Faults of C for which Microsoft's compiler has warnings, and clang errors unless it is told otherwise.
_WARNINGS = (
    *("implicit-function-declaration", "int-conversion"),
    *("incompatible-pointer-types", "incompatible-function-pointer-types"),
)
# Where zig has MinGW's headers, beside the program.
_MINGW_HEADERS = "lib/libc/include/any-windows-any"
# Changes with how the files are made.
_FORMAT = "3"
# The headers that include ours: where the output of the preprocessor is wanted, which projects give to parsers of C
# (zstandard to cffi's), ours is not there otherwise.
_OF_LONG_DOUBLE = ("complex.h", "math.h", "stdio.h", "stdlib.h", "wchar.h")
# Headers of Microsoft's compiler that MinGW has under another name.
_MICROSOFTS = {"arm64_neon.h": "#include <arm_neon.h>\n"}
# This has a type of the kernel's that Microsoft's has not; psutil defines its own, a newer one.
_WINTERNL = "winternl.h"
# Microsoft's name of a header of the compiler for Arm64, which code for Windows includes (xsimd, and so pandas).
_ADDED = {"added/arm64_neon.h": "#include <arm_neon.h>\n"}
_KERNEL_TYPE = re.compile(r"typedef\s+enum\s+_KWAIT_REASON\s*\{[^}]*\}\s*KWAIT_REASON\s*;")
_ITS_MEMBER = re.compile(r"\bKWAIT_REASON(?=\s+WaitReason\s*;)")


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowsParts:
    """What the launchers of a target that runs Windows are told beside the usual.

    Attributes:
        compile: Options of every compile.
        stack_probe: Source code with which most links do without zig's run-time library; "" for none. Of that they
            would take all (60 KB), and with it `memcpy`, `sin` and others in place of the C library's.
    """

    compile: tuple[str, ...]
    stack_probe: str


def windows_parts(zig: Zig, cache: Path, architecture: str) -> WindowsParts:
    """Return the parts for one architecture; the files that they name are made in `cache` where they are missing.

    Raises:
        ToolchainError: The cache cannot be written.
    """
    sources = package_files("crossenv.compilers.zig")
    header, probe = (sources.joinpath(name).read_text(encoding="utf-8") for name in (_HEADER, _PROBE))
    headers = zig.path.resolve().parent / _MINGW_HEADERS
    found = {name: headers / name for name in (*_OF_LONG_DOUBLE, _WINTERNL) if (headers / name).is_file()}
    texts = {name: path.read_text(encoding="utf-8", errors="replace") for name, path in found.items()}
    contents = json.dumps([_overlay(headers, {}), texts])
    key = hashlib.sha256("\0".join((_FORMAT, header, contents, probe)).encode()).hexdigest()[:16]
    directory = cache / "windows" / key
    changed = {f"replaced/{name}": _changed(name, text, directory / _HEADER) for name, text in texts.items()}
    changed |= {f"replaced/{name}": text for name, text in _MICROSOFTS.items()}
    overlay = json.dumps(_overlay(headers, {name: directory / "replaced" / name for name in (*texts, *_MICROSOFTS)}))
    try:
        for name, text in {_HEADER: header, _OVERLAY: overlay, _PROBE: probe, **changed, **_ADDED}.items():
            if not (directory / name).is_file():
                (directory / name).parent.mkdir(parents=True, exist_ok=True)
                write_file(directory / name, text)
    except OSError as error:
        raise ToolchainError(
            f"zig's cache {cache} cannot be written: {error.strerror}", hint="name another with XDG_CACHE_HOME"
        ) from None
    # Arm64's is one of 64 bits in any case.
    long_double = () if architecture == "aarch64" else ("-mlong-double-64",)
    forgiving = tuple(f"-Wno-error={name}" for name in _WARNINGS)
    options = (
        *long_double,
        *forgiving,
        # As Microsoft's: a variable that each source of C declares by a header's line is one.
        "-fcommon",
        "-include",
        str(directory / _HEADER),
        "-ivfsoverlay",
        str(directory / _OVERLAY),
        *(("-idirafter", str(directory / "added")) if architecture == "aarch64" else ()),
    )
    # On 32 bits code asks for more: divisions of 64 bits. Arm64's start-up code asks for nothing.
    return WindowsParts(compile=options, stack_probe=str(directory / _PROBE) if architecture == "x86_64" else "")


def _changed(name: str, text: str, header: Path) -> str:
    """Return the text of one of MinGW's headers as compiles see it; `header` is ours."""
    if name == _WINTERNL:
        return _ITS_MEMBER.sub("ULONG", _KERNEL_TYPE.sub("", text))
    return f'#include "{header}"\n{text}'


def _overlay(headers: Path, replaced: Mapping[str, Path]) -> dict[str, Any]:
    """Return a file system of clang's in which the names of these headers are the same in any case.

    Args:
        headers: The directory of all of them.
        replaced: Other files for some, and more files, by their path below that directory.
    """

    def contents(path: Path) -> str:
        return str(replaced.get(path.relative_to(headers).as_posix(), path))

    roots = [
        {
            "type": "directory",
            "name": str(directory),
            "contents": [{"type": "file", "name": path.name, "external-contents": contents(path)} for path in found],
        }
        for directory, found in _directories(headers)
    ]
    more = [name for name in replaced if not (headers / name).exists()]
    roots += [
        {
            "type": "directory",
            "name": str(headers),
            "contents": [{"type": "file", "name": name, "external-contents": str(replaced[name])} for name in more],
        }
    ]
    return {"version": 0, "case-sensitive": "false", "roots": roots}


def _directories(headers: Path) -> Iterator[tuple[Path, list[Path]]]:
    for directory in sorted(path for path in (headers, *headers.rglob("*")) if path.is_dir()):
        found = sorted(path for path in directory.iterdir() if path.is_file())
        if found:
            yield directory, found

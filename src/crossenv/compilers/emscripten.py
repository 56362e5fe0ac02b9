"""Find emscripten: in an emsdk that the user names, or on PATH."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from crossenv.compilers.binutils import named_tool
from crossenv.compilers.model import Tool, Toolchain
from crossenv.compilers.probe import Prober, objects_made
from crossenv.compilers.run import run_tool
from crossenv.errors import ToolchainError
from crossenv.files import scratch_directory
from crossenv.platforms.emscripten import EmscriptenTarget

# Where an emsdk has emcc, and distributions' packages that were unpacked somewhere.
_PLACES = ("upstream/emscripten", "emscripten", ".", "usr/share/emscripten", "usr/bin")
_TOOLS = {"ar": "emar", "ranlib": "emranlib", "nm": "emnm", "strip": "emstrip"}
# Its programs are Python's, and look for one on PATH: in a build that would be the target's.
_PYTHON = "EMSDK_PYTHON"
# What other linkers take for granted and wasm-ld does not know; threads, for which Pyodide's memory is not made; and
# what makes a shared library, which is called a side module here. Meson asks for the linker's version by a link, for
# which emscripten would make its C library first. wasm-ld warns of every shared library that it makes, so its warnings
# cannot be errors.
_REWRITE = """\
links=yes side= bare=
for word do
  shift
  case $word in
    -c | -S | -E | -M | -MM | -fsyntax-only) links= ;;
    -shared | -bundle | -dynamiclib) side=yes; continue ;;
    -pthread | -static-libgcc | -static-libstdc++ | -rdynamic | -undefined | dynamic_lookup) continue ;;
    -Wl,-z,* | -Wl,-Bsymbolic* | -Wl,--version-script* | -Wl,--exclude-libs* | -Wl,--hash-style* | -Wl,--build-id*)
      continue ;;
    -Wl,-soname* | -Wl,--soname* | -Wl,-h,* | -Wl,-rpath* | -Wl,--rpath* | -Wl,--enable-new-dtags) continue ;;
    -Wl,--as-needed | -Wl,--no-as-needed | -Wl,--no-undefined | -Wl,--allow-shlib-undefined) continue ;;
    -Wl,--start-group | -Wl,--end-group | -Wl,--fatal-warnings) continue ;;
    -sSIDE_MODULE*) side= ;;
    -Wl,--version) bare=yes ;;
  esac
  set -- "$@" "$word"
done
if [ -n "$links" ] && [ -n "$side" ]; then set -- "$@" -sSIDE_MODULE=1; fi
if [ -n "$bare" ]; then set -- "$@" -nostdlib; fi
"""


def find_emscripten(
    target: EmscriptenTarget,
    *,
    emsdk: Path | None,
    environ_path: str,
    overrides: Mapping[str, str],
    any_version: bool,
) -> Toolchain:
    """Emscripten's compilers and tools for an ABI of Pyodide's.

    Args:
        target: The ABI.
        emsdk: The directory that the user names; None for PATH.
        environ_path: PATH.
        overrides: The user's own ar, strip and the like, by tool name.
        any_version: Whether another version of emscripten than the ABI's is taken, with a warning.

    Raises:
        ToolchainError: There is no emcc, it does not work, or it is of another version.
    """
    emcc = _locate(emsdk, environ_path)
    origin = "--emsdk" if emsdk is not None else "emcc on PATH"
    abi = target.abi
    options = ("-fPIC", *abi.options)
    cc = Tool(path=emcc, args=options, origin=origin)
    cxx = Tool(path=emcc.with_name("em++"), args=(*options, *abi.cxx_options), origin=origin)
    environment = {_PYTHON: sys.executable}
    with scratch_directory("probe") as scratch:
        version = version_of(emcc, scratch, environ_path)
        fits = version == abi.emscripten
        problem = f"{emcc} is emscripten {version}, and everything for Pyodide's ABI {abi.name} is built with"
        problem += f" {abi.emscripten}"
        if not fits and not any_version:
            raise ToolchainError(
                problem,
                hint=f"name an emsdk of that version with --emsdk (`emsdk install {abi.emscripten}`), or take this one"
                " with --any-emscripten: its wheels may load and run, and nobody promises it",
            )
        prober = Prober(directory=scratch, search_path=environ_path)
        made, macros = prober.object_identity(cc, "c"), prober.macros(cc, ())
    if made != target.identity:
        raise ToolchainError(f"{emcc} {objects_made(made)}", hint="`emcc --check` says what it lacks; see --emsdk")
    if not macros.has_headers:
        raise ToolchainError(f"{emcc} finds no C headers: {macros.complaint}", hint="install it again")
    binutils = {name: Tool(path=emcc.with_name(file), origin=origin) for name, file in _TOOLS.items()}
    binutils = {name: tool for name, tool in binutils.items() if tool.path.is_file()}
    binutils |= {name: named_tool(name, text, environ_path) for name, text in overrides.items()}
    if "ar" not in binutils:
        raise ToolchainError(f"there is no emar beside {emcc}", hint="install emscripten again")
    return Toolchain(
        family=macros.family,
        version=macros.version,
        cc=cc,
        cxx=cxx,
        fc=binutils.pop("fc", None),
        binutils=binutils,
        triplet=target.gnu_triplet,
        identity=target.identity,
        sysroot=None,
        library_dirs=(),
        macros=macros.probed,
        notes=() if fits else (f"{problem}: what it makes may run, and is not what the tag promises",),
        environment=environment,
        rewrite=_REWRITE,
    )


def _locate(emsdk: Path | None, environ_path: str) -> Path:
    """emcc, where its fellows lie beside it."""
    if emsdk is not None:
        found = next((one for place in _PLACES if (one := emsdk / place / "emcc").is_file()), None)
        if found is None:
            raise ToolchainError(f"there is no emcc in {emsdk}", hint="name the directory of an emsdk with --emsdk")
        return found.absolute()
    name = shutil.which("emcc", path=environ_path)
    if name is None:
        raise ToolchainError(
            "Pyodide needs emscripten, and there is no emcc on PATH",
            hint="name an emsdk with --emsdk, or install emscripten (Debian, Ubuntu: apt-get install emscripten)",
        )
    return Path(name).absolute()


def version_of(emcc: Path, directory: Path, environ_path: str) -> str:
    """The version of emscripten: beside its programs is a file with it.

    Raises:
        ToolchainError: It does not say.
    """
    try:
        text = (emcc.resolve().parent / "emscripten-version.txt").read_text(encoding="utf-8")
    except OSError:
        text = run_tool(Tool(path=emcc), ["--version"], directory=directory, search_path=environ_path).output
    match = re.search(r"\d+\.\d+\.\d+", text)
    if match is None:
        raise ToolchainError(f"{emcc} does not say which version it is", hint="try `emcc --version`")
    return match[0]

"""One-word commands for tools that need arguments."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

from crossenv.compilers.model import Tool, Toolchain
from crossenv.files import script_text

# They look into the sysroot, and always have a launcher.
COMPILERS = ("cc", "cxx", "fc")
# Leaves a sign of a compile where a build asks for one, to tell a wheel that lost its native code from a pure one.
_MARK = """\
if [ -n "$CROSSENV_COMPILER_CALLED" ]; then
  case " $* " in *" -c "* | *" -o "*) echo >>"$CROSSENV_COMPILER_CALLED" ;; esac
fi
"""
# Where this machine's own headers and libraries are: setup.py files name these directories unasked, and the compiler
# would find the wrong files in them. Those of the same names below a sysroot are searched anyway.
_WITHOUT_OWN = """\
for word do
  shift
  case $word in
    -I/usr/include | -I/usr/include/ | -I/usr/local/include | -I/usr/local/include/) continue ;;
    -L/usr/lib/{multiarch} | -L/lib/{multiarch}) ;;
    -L/lib | -L/lib64 | -L/usr/lib | -L/usr/lib64 | -L/usr/lib/ | -L/usr/local/lib | -L/usr/local/lib64) continue ;;
    -L/lib/*-linux-gnu* | -L/usr/lib/*-linux-gnu*) continue ;;
  esac
  set -- "$@" "$word"
done
"""
# Where the sources lie while a wheel is made: in a temporary directory with most front ends, whose name would be in the
# debug information and in what asserts print.
_DIRECTORIES = {
    "CROSSENV_SOURCE_DIRECTORY": ".",
    "CROSSENV_REQUIREMENTS_DIRECTORY": "requirements",
    "CROSSENV_MORE_REQUIREMENTS_DIRECTORY": "requirements",
}
# The first versions that take the option.
_MAPS_PREFIXES = {"gcc": 8, "clang": 10}
_FALLBACK_NAMES = {"cc": "cc", "cxx": "c++", "fc": "gfortran"}


def launcher_name(tool: str, toolchain: Toolchain, path: Path) -> str:
    """The launcher's file name: the tool's own, so that build systems recognise the compiler's family by it."""
    name = path.name
    return name if name.startswith(toolchain.triplet) else f"{toolchain.triplet}-{name or _FALLBACK_NAMES[tool]}"


def leading_arguments(tool: str, chosen: Tool, toolchain: Toolchain) -> tuple[str, ...]:
    """What has to precede a user's arguments."""
    sysroot = (f"--sysroot={toolchain.sysroot}",) if tool in COMPILERS and toolchain.sysroot is not None else ()
    return (*chosen.args, *sysroot)


def trailing_arguments(tool: str, toolchain: Toolchain) -> tuple[str, ...]:
    """What has to follow them: a user's own -L come first."""
    if tool not in COMPILERS or toolchain.family != "gcc":
        return ()
    # Debian's cross gcc searches a C library of its own before the sysroot's.
    return tuple(f"-L{directory}" for directory in toolchain.library_dirs)


def maps_prefixes(toolchain: Toolchain) -> bool:
    """Whether the compiler takes `-ffile-prefix-map`."""
    major = toolchain.version.partition(".")[0]
    return major.isdigit() and int(major) >= _MAPS_PREFIXES.get(toolchain.family, sys.maxsize)


def launcher_text(
    tool: str,
    path: Path,
    leading: Iterable[str],
    trailing: Iterable[str],
    *,
    multiarch: str = "",
    map_prefixes: bool = False,
) -> str:
    """A POSIX shell script that becomes the tool.

    Args:
        tool: Its usual name.
        path: Where it is.
        leading: What precedes the caller's arguments.
        trailing: What follows them.
        multiarch: The name of the directories on this machine that hold the host's libraries; "" for none.
        map_prefixes: Whether to keep the names of temporary directories out of the result, as `maps_prefixes` says.
    """
    # Libraries of build requirements: before the directories in which a build finds those of the build machine.
    link = ('${CROSSENV_LINK_DIRECTORY:+"-L$CROSSENV_LINK_DIRECTORY"}',) if tool in COMPILERS else ()
    option = "-fdebug-prefix-map" if tool == "fc" else "-ffile-prefix-map"
    # Before the caller's own: of two that fit, the last one counts.
    maps = [f'${{{name}:+"{option}=${name}={new}"}}' for name, new in _DIRECTORIES.items()]
    if not map_prefixes or tool not in COMPILERS:
        maps = []
    words = [shlex.quote(str(path)), *map(shlex.quote, leading), *maps, *link, '"$@"', *map(shlex.quote, trailing)]
    before = _MARK + _WITHOUT_OWN.format(multiarch=multiarch or "none") if tool in COMPILERS else ""
    mend = "install it again, or create the environment again with another compiler"
    return script_text(str(path), f"{before}exec {' '.join(words)}", mend)

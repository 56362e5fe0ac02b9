"""One-word commands for tools that need arguments."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from crossenv.compilers.commands import role_of
from crossenv.compilers.model import Tool, Toolchain
from crossenv.files import script_text
from crossenv.platforms import MODULE_SUFFIXES
from crossenv.platforms.native_directories import (
    HEADER_OPTIONS,
    HEADER_PARENTS,
    LIBRARY_OPTIONS,
    MULTIARCH_NAMES,
    MULTIARCH_PARENTS,
    OWN_DIRECTORIES,
)

# These look into the sysroot, and always have a launcher.
COMPILERS = ("cc", "cxx", "fc")
# Records that the compiler was called, which tells a wheel that lost its native code from a pure one.
MARK = """\
if [ -n "$CROSSENV_COMPILER_CALLED" ]; then
  case " $* " in *" -c "* | *" -o "*) echo >>"$CROSSENV_COMPILER_CALLED" ;; esac
fi
"""
# Leaves out this machine's own directories, and the choice of its processor. `{expander}` puts the words of response
# files in their place, and starts this script again.
_WITHOUT_OWN = """\
own() {{
  case ${{1%/}} in
    {own}) return 0 ;;
    */{multiarch}) return 1 ;;
    {deeper}) return 1 ;;
    {parents}) return 0 ;;
  esac
  return 1
}}
in_root() {{
  case $1 in
    {within}) place={sysroot}$1; return 0 ;;
  esac
  return 1
}}
option=
for word do
  case $word in
    @/proc/self/fd/*) ;;
    @*) if [ -f "${{word#@}}" ] && [ -r "${{word#@}}" ]; then exec {expander} "$0" "$@"; fi ;;
  esac
done
for word do
  shift
  if [ -n "$option" ]; then
    directory=${{word#-Wl,}}
    if [ "$option" != -Xlinker ] || [ "${{word#-L}}" != "$word" ]; then
      if own "${{directory#-L}}"; then option=; continue; fi
    fi
    case $option in
      {headers}) if in_root "$word"; then word=$place; fi ;;
    esac
    set -- "$@" "$option" "$word"
    option=
    continue
  fi
  case $word in
    -march=native | -mcpu=native | -mtune=native) continue ;;
    {options} | -Xlinker | -Wl,-rpath-link | -Wl,--rpath-link) option=$word; continue ;;
{joined}
    -Wl,*-L/* | -Wl,*rpath-link*)
      rest=${{word#-Wl,}}, word=-Wl
      while [ -n "$rest" ]; do
        part=${{rest%%,*}} rest=${{rest#*,}}
        case $part in
          -L*) if own "${{part#-L}}"; then continue; fi ;;
          *-rpath-link=*) if own "${{part#*=}}"; then continue; fi ;;
          *-rpath-link) if own "${{rest%%,*}}"; then rest=${{rest#*,}}; continue; fi ;;
        esac
        word=$word,$part
      done
      if [ "$word" = -Wl ]; then continue; fi ;;
  esac
  set -- "$@" "$word"
done
if [ -n "$option" ]; then set -- "$@" "$option"; fi
"""
# Explains a failed link: a linker's message about a native object is hard to understand.
_EXPLAINED = """\
links=yes objects=
for word do
  case $word in
    -c | -S | -E | -M | -MM | -fsyntax-only) links= ;;
    {objects}) objects=yes ;;
  esac
done
if [ -n "$links" ] && [ -n "$objects" ]; then
  {command}
  status=$?
  if [ $status != 0 ]; then {explainer} "$@"; fi
  exit $status
fi
"""
# Most front ends build in a temporary directory, whose name would appear in debug information and in messages of
# `assert`. The environment has the headers, and may hold the others.
_DIRECTORIES = {
    "CROSSENV_ENVIRONMENT_DIRECTORY": "ENV",
    "CROSSENV_SOURCE_DIRECTORY": ".",
    "CROSSENV_REQUIREMENTS_DIRECTORY": "requirements",
    "CROSSENV_MORE_REQUIREMENTS_DIRECTORY": "requirements",
}
# The first versions with the option.
_MAPS_PREFIXES = {"gcc": 8, "clang": 10}
# The names by which build systems recognise a compiler of each family.
_ROLE_NAMES = {
    "gcc": {"cc": "gcc", "cxx": "g++", "fc": "gfortran"},
    "clang": {"cc": "clang", "cxx": "clang++", "fc": "flang"},
}


def launcher_name(tool: str, toolchain: Toolchain, chosen: Tool) -> str:
    """Return the launcher's file name, by which build systems recognise the tool.

    It is the tool's own name, except for a wrapper (`ccache`) and for a name that the C and C++ compilers share.
    """
    name = chosen.name or chosen.path.name
    if tool in COMPILERS and role_of(name) != tool:
        return f"{toolchain.triplet}-{_ROLE_NAMES[toolchain.family][tool]}"
    return name if name.startswith(toolchain.triplet) else f"{toolchain.triplet}-{name}"


def leading_arguments(tool: str, chosen: Tool, toolchain: Toolchain) -> tuple[str, ...]:
    """Return the arguments before the caller's."""
    sysroot = (f"--sysroot={toolchain.sysroot}",) if tool in COMPILERS and toolchain.sysroot is not None else ()
    return (*chosen.args, *sysroot)


def trailing_arguments(tool: str, toolchain: Toolchain) -> tuple[str, ...]:
    """Return the arguments after the caller's, whose own -L come first."""
    if tool not in COMPILERS or toolchain.family != "gcc":
        return ()
    # Debian's cross gcc searches its own C library before the sysroot's.
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
    sysroot: Path | None = None,
    map_prefixes: bool = False,
    expander: Iterable[str] = ("false",),
    explainer: Iterable[str] = (),
    environment: Mapping[str, str] = MappingProxyType({}),
    rewrite: str = "",
) -> str:
    """Write a POSIX shell script that becomes the tool.

    Args:
        tool: Its usual name.
        path: Where it is.
        leading: The arguments before the caller's.
        trailing: The arguments after them.
        multiarch: The name of this machine's directories with the target's libraries; "" for none.
        sysroot: The root of the target's files for the compiler.
        map_prefixes: Whether to keep the names of temporary directories out of the result; see `maps_prefixes`.
        expander: The command that replaces response files among its arguments by their words, and runs the result.
        explainer: The command that gets the words of a failed link and names the objects that are native.
        environment: Variables to set where the caller has not.
        rewrite: Shell lines that change the caller's words; see `Toolchain.rewrite`.
    """
    # Libraries of build requirements, before the directories with the build machine's.
    link = ('${CROSSENV_LINK_DIRECTORY:+"-L$CROSSENV_LINK_DIRECTORY"}',) if tool in COMPILERS else ()
    option = "-fdebug-prefix-map" if tool == "fc" else "-ffile-prefix-map"
    # Before the caller's own, which win: the last match counts.
    maps = [f'${{{name}:+"{option}=${name}={new}"}}' for name, new in _DIRECTORIES.items()]
    if not map_prefixes or tool not in COMPILERS:
        maps = []
    words = [shlex.quote(str(path)), *map(shlex.quote, leading), *maps, *link, '"$@"', *map(shlex.quote, trailing)]
    command = " ".join(words)
    set_up = "".join(f': "${{{name}:={value}}}"\nexport {name}\n' for name, value in environment.items())
    before = set_up + (MARK + _without_own(multiarch, sysroot, expander) + rewrite if tool in COMPILERS else "")
    if tool in COMPILERS and explainer:
        before += _EXPLAINED.format(
            objects=" | ".join(f"*{suffix}" for suffix in (".o", ".lo", ".a", *MODULE_SUFFIXES)),
            command=command,
            explainer=" ".join(map(shlex.quote, explainer)),
        )
    mend = "install it again, or create the environment again with another compiler"
    return script_text(str(path), f"{before}exec {command}", mend)


def _without_own(multiarch: str, sysroot: Path | None, expander: Iterable[str]) -> str:
    def joined(option: str) -> str:
        line = f'    {option}*) if own "${{word#{option}}}"; then continue; fi'
        if option in HEADER_OPTIONS:
            line += f'; if in_root "${{word#{option}}}"; then word={option}$place; fi'
        return line + " ;;"

    return _WITHOUT_OWN.format(
        own=" | ".join(OWN_DIRECTORIES),
        multiarch=multiarch or "none",
        deeper=" | ".join(f"{parent}/{MULTIARCH_NAMES}/*" for parent in MULTIARCH_PARENTS),
        parents=" | ".join(f"{parent}/{MULTIARCH_NAMES}" for parent in MULTIARCH_PARENTS),
        within=" | ".join(f"{parent}/*" for parent in HEADER_PARENTS) if sysroot is not None else "''",
        sysroot=shlex.quote(str(sysroot or "")),
        headers=" | ".join(HEADER_OPTIONS),
        options=" | ".join((*HEADER_OPTIONS, *LIBRARY_OPTIONS)),
        joined="\n".join(map(joined, (*HEADER_OPTIONS, *LIBRARY_OPTIONS))),
        expander=" ".join(map(shlex.quote, expander)),
    )

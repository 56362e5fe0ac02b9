"""Compile through ccache or sccache.

A compiler's own answers do not tell its calls apart: zig is one program for every target. So the cache sees a script
that stands for one compiler with all its settings, and their digest.
"""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

from crossenv.compilers.launchers import MARK
from crossenv.errors import ToolchainError
from crossenv.files import script_text

CCACHE, SCCACHE, AUTO, NONE = "ccache", "sccache", "auto", "none"
PROGRAMS = (CCACHE, SCCACHE)
CHOICES = (AUTO, *PROGRAMS, NONE)
# The names of compilers that both know.
CACHED = re.compile(r"(gcc|g\+\+|clang|clang\+\+)(-\d+)?$")
# Where the compilers are, and the scripts that stand for them, below an environment's root.
DIRECT, KNOWN = "etc/direct/bin", "etc/cached/bin"
PREPROCESSOR = "crossenv-preprocess"

# ccache compares what the preprocessor prints, with the names of files in it, and most of these lie in directories that
# each build makes anew. So it gets other names. Its direct mode, which remembers headers by name, is off for that.
# Before 4.7 it does not name an output, and finds less.
_PREPROCESSOR = """\
#!/bin/sh
# Runs the preprocessor, and gives the files in temporary directories the same names in each build.
output= option=
for word do
  if [ "$option" = -o ]; then output=$word; fi
  option=$word
done
eval "set -- \\"\\$@\\" $CROSSENV_DEPENDENCIES"
unset CROSSENV_DEPENDENCIES
"$@" || exit
if [ -z "$output" ]; then exit; fi
root={root} here=$PWD LC_ALL=C awk '
  # Meson names directories from its build directory, up to the root and down again.
  function absolute(path, place) {{
    place = ENVIRON["here"]
    while (substr(path, 1, 3) == "../") {{
      path = substr(path, 4)
      sub("/[^/]*$", "", place)
    }}
    return place "/" path
  }}
  function name(from, to) {{ if (from != "") {{ ++count; before[count] = from "/"; after[count] = to "/" }} }}
  BEGIN {{
    name(ENVIRON["CROSSENV_SOURCE_DIRECTORY"], ".")
    name(ENVIRON["CROSSENV_REQUIREMENTS_DIRECTORY"], "requirements")
    name(ENVIRON["CROSSENV_MORE_REQUIREMENTS_DIRECTORY"], "requirements")
    name(ENVIRON["root"], "ENV")
  }}
  /^# [0-9]+ "/ {{
    at = index($0, "\\"")
    if (substr($0, at + 1, 3) == "../") $0 = substr($0, 1, at) absolute(substr($0, at + 1))
    for (i = 1; i <= count; i++)
      if (substr($0, at + 1, length(before[i])) == before[i]) {{
        $0 = substr($0, 1, at) after[i] substr($0, at + 1 + length(before[i]))
        break
      }}
  }}
  {{ print }}' "$output" >"$output.named" && mv "$output.named" "$output"
"""
# Files of dependencies name headers, so they are never taken from the cache: the preprocessor writes them.
_DEPENDENCIES = """\
words= file= target= output= option=
case " $* " in
  *"'"*) exec {direct} "$@" ;;
  *" -MD "* | *" -MMD "*)
    for word do
      shift
      case $option in
        -o) output=$word ;;
        -MF) file=$word ;;
      esac
      case $option in
        -MF | -MT | -MQ) words="$words '$word'" option=; continue ;;
      esac
      option=
      case $word in
        -MD | -MMD | -MP) words="$words $word"; continue ;;
        -MF | -MT | -MQ) words="$words $word" option=$word; [ "$word" = -MF ] || target=yes; continue ;;
        -MF*) words="$words '$word'" file=${{word#-MF}}; continue ;;
        -MT* | -MQ*) words="$words '$word'" target=yes; continue ;;
        -o) option=$word ;;
        -o*) output=${{word#-o}} ;;
      esac
      set -- "$@" "$word"
    done
    if [ -z "$output" ]; then eval "exec {direct} \\"\\$@\\" $words"; fi
    if [ -z "$file" ]; then file=${{output%.*}}.d words="$words -MF '$file'"; fi
    if [ -z "$target" ]; then words="$words -MQ '$output'"; fi
    rm -f "$file" ;;
esac
export CROSSENV_DEPENDENCIES="$words"
"""
_CCACHE = """\
# Debug information names the directory.
case " $* " in *" -g"*) place=${{PWD#"${{CROSSENV_SOURCE_DIRECTORY:-/}}"}} ;; *) place= ;; esac
export CCACHE_COMPILERCHECK="string:{key} $place"
export CCACHE_NODIRECT=1 CCACHE_CPP2=1 CCACHE_PREFIX_CPP={preprocessor} PATH={programs}"${{PATH:+:$PATH}}"
if [ -n "$CROSSENV_SOURCE_DIRECTORY" ]; then export CCACHE_NOHASHDIR=1; fi
if [ -z "$file" ]; then exec {program} {direct} "$@"; fi
{program} {direct} "$@" || exit
# It had a reason not to preprocess.
[ -e "$file" ] || eval "exec {direct} \\"\\$@\\" $words"
"""
# It compares the text without the names and numbers of lines, which are in debug information.
_SCCACHE = """\
for word do
  case $word in
    -g0) ;;
    -g*) exec {direct} "$@" ;;
  esac
done
exec {program} {direct} "$@"
"""


def find_compile_cache(kind: str, search_path: str) -> Path | None:
    """Return the cache program; None for no cache.

    Args:
        kind: One of `CHOICES`.
        search_path: PATH.

    Raises:
        ToolchainError: The program that was asked for is not there.
    """
    if kind == NONE:
        return None
    found = (shutil.which(name, path=search_path) for name in (PROGRAMS if kind == AUTO else (kind,)))
    program = next(filter(None, found), None)
    if program is None and kind != AUTO:
        raise ToolchainError(
            f"the compile cache {kind} is not on PATH", hint=f"install it, or say --compile-cache {AUTO} or {NONE}"
        )
    return None if program is None else Path(program).absolute()


def cached_files(name: str, program: Path, root: Path, launchers: str, key: str) -> dict[str, str]:
    """Return the files, by path below the root, by which builds reach a compiler through a cache.

    Args:
        name: The compiler's launcher, which lies in `DIRECT` then.
        program: The cache.
        root: The environment's directory.
        launchers: The directory of launchers below it.
        key: Differs for compilers that make other code of the same text.
    """
    kind = SCCACHE if program.name.startswith(SCCACHE) else CCACHE
    words = {
        "direct": shlex.quote(str(root / KNOWN / name)),
        "program": shlex.quote(str(program)),
        "key": key,
        "preprocessor": PREPROCESSOR,
        "programs": shlex.quote(str(root / DIRECT)),
    }
    body = MARK + 'case " $* " in *" -c "*) ;; *) exec {direct} "$@" ;; esac\n'.format(**words)
    body += (_DEPENDENCIES + _CCACHE if kind == CCACHE else _SCCACHE).format(**words)
    # sccache knows a compiler by what is in its file: nothing of the place of this environment.
    inner = f'#!/bin/sh\n# {key}\nexec "${{0%/*}}/../../direct/bin/${{0##*/}}" "$@"\n'
    mend = "install it again, or create the environment again"
    files = {
        f"{launchers}/{name}": script_text(str(program), body.rstrip("\n"), mend),
        f"{KNOWN}/{name}": inner,
    }
    if kind == CCACHE:
        files[f"{DIRECT}/{PREPROCESSOR}"] = _PREPROCESSOR.format(root=shlex.quote(str(root)))
    return files

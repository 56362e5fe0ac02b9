"""Keeps from a build what a shell or a program says of this machine's libraries, and says so once.

Compilers read directories of headers and libraries from variables, which environment modules, Homebrew and their like
set for this machine. Programs such as `curl-config` describe the library that they were installed with.
"""

import os
import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any

    from _crossenv.facts_types import Facts

# Read by gcc and clang alike.
_SEARCH_PATHS = ("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH", "LIBRARY_PATH")
# Where this machine's gcc has its parts.
_OF_COMPILER = ("COMPILER_PATH", "GCC_EXEC_PREFIX")
_CONFIG = re.compile(r"(?<![\w./+-])((?:/[\w.+-]+)*/)?([A-Za-z][\w.+]*[-_]config)(?![\w./+-])")
# They describe no library of a machine, or crossenv has one of its own.
_HARMLESS = re.compile(r"(python|pypy)[\w.]*-config|(pkg|numpy|pybind11|f2py|git)[-_]config|sys_config")


def drop_search_paths(facts: "Facts", environ: "MutableMapping[str, str]") -> None:
    """Take the directories of this machine out of the variables that compilers read.

    What lies in the sysroot, in the environment or in the build stays; so does what the user set for the target with
    `crossenv create --env`.
    """
    own = {name for name, _operator, _value in facts["variables"]}
    kept = [facts["root"], sys.prefix, os.getcwd(), *([facts["files_root"]] if facts["files_root"] else [])]
    for name in (*_SEARCH_PATHS, *_OF_COMPILER):
        value = environ.get(name)
        if not value or name in own:
            continue
        entries = [] if name in _OF_COMPILER else value.split(os.pathsep)
        left = [entry for entry in entries if not entry.startswith("/") or _is_below(entry, kept)]
        if left == entries and entries:
            continue
        if left:
            environ[name] = os.pathsep.join(left)
        else:
            del environ[name]
        _say(
            f"warning: {name} names directories of this machine and is not used for the target ({value})",
            f"directories of the target: crossenv create --env {name}=...",
        )


def _is_below(entry: str, directories: "list[str]") -> bool:
    path = os.path.realpath(entry) + "/"
    return any(path.startswith(os.path.realpath(directory) + "/") for directory in directories)


def watch_programs(facts: "Facts") -> None:
    """Say so where this process asks a `foo-config` of this machine, or one that is missing, for a library."""
    said: set[str] = set()

    def watch(event: str, args: "tuple[Any, ...]") -> None:
        if event in ("subprocess.Popen", "os.system", "os.posix_spawn", "os.exec"):
            for name in _programs(event, args) - said:
                said.add(name)
                _explain(name, facts)

    sys.addaudithook(watch)


def _programs(event: str, args: "tuple[Any, ...]") -> "set[str]":
    """Return the `foo-config` programs that a process is to start, as they are named."""
    words = [args[0]]
    if event == "subprocess.Popen":
        listed = [args[1]] if isinstance(args[1], (str, bytes, os.PathLike)) else list(args[1])
        # The script of a shell, or the program.
        words = listed if len(listed) == 3 and os.path.basename(os.fsdecode(listed[0])) == "sh" else listed[:1]
    found = set()
    for word in words:
        try:
            text = os.fsdecode(word)
        except TypeError:
            continue
        for match in _CONFIG.finditer(text):
            if not _HARMLESS.fullmatch(match[2]):
                found.add(match[0])
    return found


def _explain(name: str, facts: "Facts") -> None:
    import shutil

    place = shutil.which(name)
    program = os.path.basename(name)
    mend = f"put a script {program} that prints what is right for the target on PATH, first"
    targets = f"{facts['files_root']}/usr/bin/{program}" if facts["files_root"] else ""
    if targets and os.path.exists(targets):
        mend = f"name the target's, {targets}, if the build reads a variable for that (XML2_CONFIG), or {mend}"
    if place is None:
        _say(
            f"note: this build asks {program} for a library, and there is none",
            f"{mend}, or tell the build what it needs in its own variables",
        )
    elif place.startswith(("/usr/bin/", "/usr/local/bin/", "/bin/")) and not facts["in_place"]:
        _say(
            f"warning: this build asks {place}, which describes this machine's library, not the target's",
            mend,
        )


def _say(line: str, hint: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"crossenv: {line}\ncrossenv: hint: {hint}\n")
        sys.stderr.flush()

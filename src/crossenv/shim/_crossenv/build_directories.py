"""Keeps the builds of several environments in one source tree apart.

A build directory that stays in the tree is taken up again by the next build. That is right if nothing but the sources
has changed: objects of another compiler, CPU or sysroot have the same names in setuptools, CMake and cargo. So the name
of a directory ends in the environment's key where a tool lets us choose it. A directory that the user names is refused
where it holds the build of another environment.
"""

import os

from _crossenv import project
from _crossenv.refusal import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from _crossenv.facts_types import Facts

_MARKER = ".crossenv-build"
# Whose values end in objects.
_FLAGS = ("CC", "CXX", "CFLAGS", "CPPFLAGS", "CXXFLAGS", "FFLAGS", "LDFLAGS", "RUSTFLAGS")


def key(facts: "Facts", environ: "Mapping[str, str]") -> str:
    """What stands for the target, the toolchain and its settings: the environment's key, and that of a user's flags."""
    from _crossenv import variables

    ours = variables.defaults(environ)
    flags = [f"{name}={environ[name]}" for name in _FLAGS if name in environ and name not in ours]
    if not flags:
        return str(facts["build_key"])
    import zlib

    return f"{facts['build_key']}-{zlib.crc32(os.fsencode(chr(31).join(flags))):08x}"


def settled(
    words: "Sequence[str]",
    settings: "dict[str, Any]",
    facts: "Facts",
    environ: "Mapping[str, str]",
    *,
    editable: bool = False,
) -> "dict[str, Any]":
    """`settings` (PEP 517) with a build directory of this environment's own.

    Args:
        words: Where the back end takes its build directory from, the strongest first: "setting:NAME", "variable:NAME",
            "project:TABLE.KEY" of pyproject.toml, or "path:DIRECTORY" for one that is always the same. For editable
            builds "default:DIRECTORY", below which they build unless another is named, and "tree:tool.NAME.KEY", a
            setting KEY that has them build in the source tree itself if it is "inplace".
        settings: What the hook is called with.
        facts: The shim's facts.
        environ: The process's environment.
        editable: Whether the build is an editable one.
    """
    name = next((word.removeprefix("setting:") for word in words if word.startswith("setting:")), "")
    for word in words:
        kind, _, where = word.partition(":")
        if kind in ("default", "tree") and not editable:
            continue
        if kind == "default":
            return {**settings, name: f"{where}/{key(facts, environ)}"}
        value = _said(kind, where, settings, facts, environ)
        if not isinstance(value, str) or not value:
            continue
        if name and ("{" in value or kind == "project"):
            return {**settings, name: f"{value}-{key(facts, environ)}"}
        _claim(value, key(facts, environ))
        break
    return settings


def _said(kind: str, where: str, settings: "dict[str, Any]", facts: "Facts", environ: "Mapping[str, str]") -> "Any":
    if kind == "setting":
        return settings.get(where)
    if kind == "variable":
        return environ.get(where)
    if kind == "path":
        return where
    if kind == "tree":
        setting = settings.get(where.split(".", 2)[2])
        mode = setting or _said("project", where, settings, facts, environ)
        return "." if mode == "inplace" else None
    if where.rpartition(".")[2] not in project.text_of("pyproject.toml"):
        return None
    table: Any = project.pyproject(facts)
    for part in where.split("."):
        table = table.get(part) if isinstance(table, dict) else None
    return table


def _claim(directory: str, mine: str) -> None:
    """Note that this environment builds in `directory`; end the process if another has."""
    marker = os.path.join(directory, _MARKER)
    try:
        with open(marker, encoding="utf-8") as file:
            other = file.read()
    except OSError:
        if directory == ".":
            used = os.path.exists("CMakeCache.txt")
        else:
            used = os.path.isdir(directory) and bool(os.listdir(directory))
        other = "" if used else mine
        if other:
            os.makedirs(directory, exist_ok=True)
            with open(marker, "w", encoding="utf-8") as file:
                file.write(mine)
    if other != mine:
        mend = f"remove it (rm -r {directory}), or name another build directory"
        if directory == ".":
            directory, mend = os.getcwd(), "remove its CMakeCache.txt, CMakeFiles and " + _MARKER
        fail(f"{directory} holds a build that this environment did not make, or made with other flags", mend, 6)


def cargo_variables(facts: "Facts", environ: "Mapping[str, str]") -> "dict[str, str]":
    """Cargo's target directory, where the user has not named one."""
    if "CARGO_BUILD_TARGET_DIR" in environ:
        return {}
    directory = os.getcwd()
    text = project.text_of("pyproject.toml")
    if not os.path.exists("Cargo.toml") and "maturin" not in text and "rust" not in text:
        return {}
    above = directory
    while True:
        for name in (".cargo/config.toml", ".cargo/config"):
            if "target-dir" in project.text_of(os.path.join(above, name)):
                return {}
        if above == os.path.dirname(above):
            break
        above = os.path.dirname(above)
    return {"CARGO_TARGET_DIR": os.path.join(directory, "target", key(facts, environ))}

"""Settings, strongest first: option, environment variable, `[tool.crossenv]`, default."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossenv.errors import UsageError, reason_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE_NAME = "pyproject.toml"
TABLE = "tool.crossenv"
# The settings by name, as in the table, and what they mean; the variable of `host-python` is CROSSENV_HOST_PYTHON.
TEXTS = {
    "target": "Build for this target: a platform tag, a triplet or a machine (aarch64).",
    "host-python": "Build for this Python of the target, instead of a target: a path, or known:NAME.",
    "host-prefix": "Where the target has its Python.",
    "sysroot": "The root of the target's headers and libraries.",
    "sdk": "For macOS and iOS: Apple's SDK.",
    "python": "The build Python: a version or a path.",
    "toolchain": "Where the compilers come from.",
    "emsdk": "The emsdk for targets that are Pyodide.",
    "ndk": "The Android NDK, for Android.",
    "cpu": "The oldest processor to support, as `zig cc -mcpu` takes it.",
    "compile-cache": "Compile through ccache or sccache.",
}
LISTS = {"allow-pure": "Projects whose wheels may lack extension modules that did not compile; '*' for all."}
FLAGS = {
    "repair": "Copy the target's libraries that a wheel needs into it.",
    "emulator": "Let Meson and CMake run programs of the target under an emulator.",
    "any-emscripten": "Take an emscripten of another version than the target's.",
    "fetch-python": "Let uv fetch a Python that is not on this machine.",
}
# Lists of `crossenv wheel`: the first place that has one wins.
CHOICES = {"targets": "The targets of `crossenv wheel`.", "pythons": "The Pythons of `crossenv wheel`."}
_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_KEYS = (*TEXTS, *LISTS, *FLAGS, *CHOICES)
# Other programs read variables of these names.
WITHOUT_VARIABLE = ("python", "allow-pure")
# Paths in the file are relative to it.
_PATHS = ("host-python", "sysroot", "sdk", "emsdk", "ndk")
_HOSTS = ("target", "targets", "host-python")
# The prefix of a host Python's name that is not a path.
KNOWN_HOST = "known:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The settings of one run.

    Attributes:
        texts: Those with one value, by name.
        lists: Those with several, from all places or from the first that has any.
        flags: Those that are on or off, all of them.
        origins: Where each came from, for people: "--target", "CROSSENV_TARGET", "pyproject.toml".
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    flags: Mapping[str, bool] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)


def load_settings(
    options: Mapping[str, Any],
    environ: Mapping[str, str],
    directory: Path,
    *,
    defaults: Collection[str] = (),
) -> Settings:
    """Return the settings from all places.

    Args:
        options: The options of the command line, by setting; None or an empty list for missing ones.
        environ: The environment.
        directory: Where to look for `pyproject.toml`: here, then in each directory above, up to the first.
        defaults: The flags that are on by default.

    Raises:
        UsageError: The file is not TOML, or its table holds an unknown key or a value of the wrong type.
    """
    path, table = read_table(directory)
    texts: dict[str, str] = {}
    choices: dict[str, tuple[str, ...]] = {}
    origins: dict[str, str] = {}
    # A host is named by a target or by a Python: the place that names one of them settles the other.
    settled = False
    for origin, values in (("option", options), ("variable", _variables(environ)), ("file", table)):
        said = [name for name in (*TEXTS, *CHOICES) if values.get(name) and not (settled and name in _HOSTS)]
        settled = settled or not set(_HOSTS).isdisjoint(said)
        for name in said:
            if name in CHOICES:
                choices.setdefault(name, tuple(values[name]))
            if name in CHOICES or name in texts:
                continue
            value = str(values[name])
            relative = origin == "file" and name in _PATHS and not value.startswith(KNOWN_HOST)
            texts[name] = os.path.join(path.parent, Path(value).expanduser()) if relative else value  # noqa: PTH118
            origins[name] = {"option": f"--{name}", "variable": variable_name(name), "file": str(path)}[origin]
    lists = {name: (*(options.get(name) or ()), *_strings(table.get(name, []))) for name in LISTS} | choices
    flags = {name: _flag(name, options, environ, {**dict.fromkeys(defaults, True), **table}) for name in FLAGS}
    return Settings(texts=texts, lists=lists, flags=flags, origins=origins)


def _variables(environ: Mapping[str, str]) -> dict[str, Any]:
    """Read settings from environment variables; blanks or commas separate the words of a list."""
    texts = {name: environ.get(variable_name(name)) for name in TEXTS if name not in WITHOUT_VARIABLE}
    return {**texts, **{name: environ.get(variable_name(name), "").replace(",", " ").split() for name in CHOICES}}


def _flag(name: str, options: Mapping[str, Any], environ: Mapping[str, str], table: Mapping[str, Any]) -> bool:
    if options.get(name) is not None:
        return bool(options[name])
    said = environ.get(variable_name(name), "").lower()
    if not said:
        return bool(table.get(name, False))
    if said not in _WORDS:
        raise UsageError(f"{variable_name(name)} is {said!r}", hint="set it to 1 or 0")
    return _WORDS[said]


def variable_name(setting: str) -> str:
    """Return the environment variable of a setting: CROSSENV_HOST_PYTHON."""
    return f"CROSSENV_{setting.upper().replace('-', '_')}"


def read_table(directory: Path) -> tuple[Path, dict[str, Any]]:
    """Find the nearest `pyproject.toml` in `directory` or above, and its `[tool.crossenv]`; empty if there is none.

    Raises:
        UsageError: As `load_settings`.
    """
    for place in (directory, *directory.parents):
        path = place / FILE_NAME
        if path.is_file():
            break
    else:
        return directory / FILE_NAME, {}
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read: {reason_of(error)}", hint="mend the file, or run crossenv elsewhere"
        ) from None
    tool = data.get("tool")
    table = tool.get("crossenv", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise UsageError(f"{path}: [{TABLE}] is not a table", hint=f"write [{TABLE}] and its keys below")
    for name, value in table.items():
        if name not in _KEYS:
            close = difflib.get_close_matches(name, _KEYS, 1)
            hint = f"did you mean {close[0]}?" if close else f"the keys are {', '.join(_KEYS)}"
            raise UsageError(f"{path}: [{TABLE}] has no key {name!r}", hint=hint)
        if name in FLAGS:
            good, kind = isinstance(value, bool), "true or false"
        elif name in TEXTS:
            good, kind = isinstance(value, str), "a string"
        else:
            good, kind = _strings(value) != () or value == [], "a list of strings"
        if not good:
            raise UsageError(f"{path}: {name} in [{TABLE}] is not {kind}", hint=f"write {kind}")
    return path, table


def _strings(value: Any) -> tuple[str, ...]:
    """Return the strings of a list of strings; nothing of anything else."""
    return tuple(value) if isinstance(value, list) and all(isinstance(item, str) for item in value) else ()


def tool_schema(_tool: str = "crossenv") -> dict[str, Any]:
    """Return the JSON Schema (draft 7) of `[tool.crossenv]`; also the entry point of validate-pyproject."""
    kinds: tuple[tuple[Mapping[str, str], dict[str, Any]], ...] = (
        (TEXTS, {"type": "string"}),
        (FLAGS, {"type": "boolean"}),
        (LISTS | CHOICES, {"type": "array", "items": {"type": "string"}}),
    )
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "urn:crossenv:tool-table",
        "title": "Settings of crossenv",
        "type": "object",
        "additionalProperties": False,
        "properties": {name: {"description": said, **kind} for table, kind in kinds for name, said in table.items()},
    }

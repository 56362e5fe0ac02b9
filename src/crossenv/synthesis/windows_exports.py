"""The names that Python's DLLs for Windows export, and the definition files that import libraries are made from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files as package_files
from pathlib import Path

# Lies beside this module; made by scripts/windows_facts.py, which says from what.
TABLE = "windows_exports.txt"
# The DLLs of the table, as their names spell the version: python3.dll (the stable ABI), python310.dll and so on.
VERSIONS = ("3", "310", "311", "312", "313", "313t", "314", "314t")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# PyAPI_FUNC(PyObject *) PyType_FromSpec(...); PyAPI_DATA(const char *const) Py_hexdigits;
_DECLARATION = re.compile(r"\bPyAPI_(FUNC|DATA)\s*\((?:[^()]|\([^()]*\))*\)\s*(?:\w+\s+)*?\*?\s*(\w+)\s*[(;\[,]")


def definition_text(version: str, exports: frozenset[str] | None = None, *, headers: Path | None = None) -> str | None:
    """A module-definition file of `python{version}.dll`; None for a DLL that nothing is known of.

    Args:
        version: "313", "3".
        exports: What the DLL itself has, where it is at hand; the table tells data from functions then.
        headers: Headers of this version, for one that is newer than the table: names are added that they declare.
    """
    if exports is not None:
        table = {name: kind for name, kind, _having in _rows()}
        kinds = {name: table.get(name, "F") for name in exports}
    else:
        flavour = [one for one in VERSIONS if one.endswith("t") == version.endswith("t")]
        newer = headers is not None and version not in VERSIONS and _number(version) > _number(flavour[-1])
        known = flavour[-1] if newer else version
        kinds = {name: kind for name, kind, having in _rows() if known in having}
        if headers is not None and newer:
            kinds = {**declared_names(headers), **kinds}
    names = [f"{name} DATA" if kinds[name] == "D" else name for name in sorted(kinds)]
    return "\n".join([f"LIBRARY python{version}.dll", "EXPORTS", *names, ""]) if names else None


def declared_names(headers: Path) -> dict[str, str]:
    """The names that Python's headers declare for modules: "D" for data, "F" for functions."""
    found: dict[str, str] = {}
    for header in sorted(headers.rglob("*.h")):
        text = _COMMENT.sub("", header.read_text(encoding="utf-8", errors="replace"))
        found |= {name: "D" if kind == "DATA" else "F" for kind, name in _DECLARATION.findall(text)}
    return found


def _number(version: str) -> int:
    return int(version.removesuffix("t"))


def exported_names(version: str) -> frozenset[str]:
    """The names that `python{version}.dll` exports; none for a DLL that the table does not have."""
    return frozenset(name for name, _kind, having in _rows() if version in having)


@lru_cache(maxsize=1)
def _rows() -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return tuple(_read())


def _read() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    text = package_files("crossenv.synthesis").joinpath(TABLE).read_text(encoding="ascii")
    for line in text.splitlines():
        if not line.startswith("#"):
            name, kind, *having = line.split()
            yield name, kind, tuple(having)

"""Which names the host's Python exports: the C API of each version, and the stable ABI (PEP 384)."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files as package_files


@lru_cache(maxsize=1)
def _exports() -> dict[str, frozenset[str]]:
    """By version ("3.13", "3.13t"), the names that CPython exports."""
    names: dict[str, set[str]] = {}
    versions: list[str] = []
    for line in package_files("crossenv").joinpath("wheels/data/python.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            versions = line.strip("[]").split()
        elif not line.startswith("#"):
            for version in versions:
                names.setdefault(version, set()).add(line)
    return {version: frozenset(found) for version, found in names.items()}


@lru_cache(maxsize=1)
def _stable() -> dict[str, tuple[int, int]]:
    """By name, since when it belongs to the stable ABI."""
    from abi3info import DATAS, FUNCTIONS

    # What exists only on some system, or in debug builds, has an `ifdef`: of those nobody may rely on the latter.
    return {
        entry.symbol.name: (entry.added.major, entry.added.minor)
        for table in (FUNCTIONS, DATAS)
        for entry in table.values()
    }


def known_versions() -> tuple[str, ...]:
    """The versions of CPython whose names are known: "3.13", "3.13t"."""
    return tuple(_exports())


def exports_of(version: str) -> frozenset[str] | None:
    """What CPython `version` ("3.13", "3.13t") exports; None if that is not known."""
    return _exports().get(version)


def stable_since(name: str) -> tuple[int, int] | None:
    """The version that put `name` into the stable ABI; None if it does not belong to it."""
    return _stable().get(name)


def is_python_name(name: str) -> bool:
    """Whether only Python can define a symbol of that name."""
    return re.match(r"_?Py[A-Z_]|pypy_", name) is not None

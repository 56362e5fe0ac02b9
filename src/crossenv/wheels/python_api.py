"""Which names the host's Python exports: the C API of each version, and the stable ABI (PEP 384)."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files as package_files

from crossenv.synthesis.windows_exports import exported_names


@lru_cache(maxsize=1)
def _sections() -> list[tuple[list[str], str]]:
    """The names that CPython exports, one a line, with the versions that have them ("3.13", "3.13t")."""
    text = package_files("crossenv").joinpath("wheels/data/python.txt").read_text(encoding="utf-8")
    sections = [section.partition("]\n") for section in text.split("\n[")]
    return [(head.split(), names) for head, _, names in sections[1:]]


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
    return tuple(dict.fromkeys(version for versions, _ in _sections() for version in versions))


@lru_cache
def exports_of(version: str) -> frozenset[str] | None:
    """What CPython `version` ("3.13", "3.13t") exports; None if that is not known."""
    own = [names.split() for versions, names in _sections() if version in versions]
    return frozenset().union(*own) if own else None


def exports_of_library(library: str) -> frozenset[str]:
    """What Python's library exports where it is one of its own ("python313.dll"); none if that is not known."""
    return exported_names(library.lower().removeprefix("python").partition(".")[0])


def stable_since(name: str) -> tuple[int, int] | None:
    """The version that put `name` into the stable ABI; None if it does not belong to it."""
    return _stable().get(name)


def is_python_name(name: str) -> bool:
    """Whether only Python can define a symbol of that name."""
    return re.match(r"_?Py[A-Z_]|pypy_", name) is not None

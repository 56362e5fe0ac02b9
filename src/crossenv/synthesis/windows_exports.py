"""The names that Python's DLLs for Windows export, and the definition files that import libraries are made from."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files as package_files

# Lies beside this module; made by scripts/windows_facts.py, which says from what.
TABLE = "windows_exports.txt"
# The DLLs of the table, as their names spell the version: python3.dll (the stable ABI), python310.dll and so on.
VERSIONS = ("3", "310", "311", "312", "313", "313t", "314", "314t")


def definition_text(version: str, exports: frozenset[str] | None = None) -> str | None:
    """A module-definition file of `python{version}.dll`; None for a DLL that the table does not have.

    Args:
        version: "313", "3".
        exports: What the DLL itself has, where it is at hand; the table tells data from functions then.
    """
    kinds = {name: kind for name, kind, having in _rows() if exports is not None or version in having}
    found = sorted(kinds if exports is None else exports)
    names = [f"{name} DATA" if kinds.get(name) == "D" else name for name in found]
    return "\n".join([f"LIBRARY python{version}.dll", "EXPORTS", *names, ""]) if names else None


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

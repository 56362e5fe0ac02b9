"""Which names the C libraries export."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files as package_files


@lru_cache(maxsize=1)
def musl_names() -> frozenset[str]:
    """Every name that a musl exports on some machine."""
    return frozenset(_lines("musl.txt"))


@lru_cache(maxsize=1)
def glibc_names() -> dict[str, tuple[int, ...]]:
    """Every name that a glibc exports on some machine, and the oldest version that has it."""
    pairs = (line.split() for line in _lines("glibc.txt"))
    return {name: tuple(map(int, version.split("."))) for name, version in pairs}


def _lines(name: str) -> list[str]:
    text = package_files("crossenv").joinpath(f"libc/data/{name}").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]

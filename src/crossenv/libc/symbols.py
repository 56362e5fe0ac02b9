"""Which names the C libraries export."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from functools import lru_cache
from importlib.resources import files as package_files

from crossenv.libc.libraries import has_versions
from crossenv.platforms.architectures import GLIBC, MUSL

# How the names of musl's libraries begin.
_MUSL_LIBC = ("libc.so", "libc.musl-", "ld-musl-")


@lru_cache(maxsize=1)
def musl_names() -> frozenset[str]:
    """Return every name that a musl exports on some machine."""
    return frozenset(_lines("musl.txt"))


@lru_cache(maxsize=1)
def glibc_names() -> dict[str, tuple[int, ...]]:
    """Return every name that a glibc exports on some machine, and the oldest version that has it."""
    pairs = (line.split() for line in _lines("glibc.txt"))
    return {name: tuple(map(int, version.split("."))) for name, version in pairs}


def unprovided(symbols: list[str], libraries: Sequence[str], libc: str, *, versioned: bool) -> list[str]:
    """Return the `symbols`, all without a version, that a C library does not provide; none if that is unknown.

    Args:
        symbols: The names.
        libraries: The libraries that may provide them, by their DT_NEEDED names.
        libc: "glibc" or "musl"; "" if that is not known.
        versioned: Whether the file that needs them names versions at all. One that does not was linked to a C library
            without them: any name may be meant.
    """
    if libc == MUSL and all(library.startswith(_MUSL_LIBC) for library in libraries):
        return [symbol for symbol in symbols if symbol not in musl_names()]
    if libc == GLIBC and versioned and all(map(has_versions, libraries)):
        return symbols
    return []


def loaded_with_python(libc: str) -> Container[str]:
    """Return names that a file may use without naming a library: the interpreter has loaded all of glibc."""
    return glibc_names() if libc == GLIBC else ()


def later_than(floor: tuple[int, ...], symbols: Iterable[str], libc: str) -> list[tuple[str, tuple[int, ...]]]:
    """Return the `symbols` that a C library got after `floor`, each with the version that added it."""
    if libc != GLIBC:
        return []
    known = glibc_names()
    return [(symbol, known[symbol]) for symbol in symbols if symbol in known and known[symbol] > floor]


def _lines(name: str) -> list[str]:
    text = package_files("crossenv").joinpath(f"libc/data/{name}").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]

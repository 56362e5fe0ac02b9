"""Which libraries belong to glibc and which to musl, by the names that files load them by, and what they export."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from functools import lru_cache
from importlib.resources import files as package_files
from pathlib import Path

from crossenv.platforms.architectures import ARCHITECTURES, GLIBC, MUSL, Identity

_GLIBC = "libc.so.6"
_GLIBC_LOADERS = ("ld-linux", "ld64.so")
_MUSL = "libc.so"
_MUSL_PREFIXES = ("libc.musl-", "ld-musl-")
# musl is one file: its loader, which other names may point to.
_MUSL_LOADERS = {row.elf: row.loader(MUSL).rpartition("/")[2] for row in ARCHITECTURES}
# Whatever these export has a version; what has none comes from somewhere else. Loaders have many names.
_VERSIONED = (
    _GLIBC,
    "libm.so.6",
    "libmvec.so.1",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "libutil.so.1",
    "libresolv.so.2",
    "libnsl.so.1",
    "libcrypt.so.1",
    "libanl.so.1",
    "libthread_db.so.1",
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "libatomic.so.1",
)


def libc_of_needed(needed: Iterable[str]) -> str:
    """Return the C library that DT_NEEDED names tell of; "" if none does."""
    for name in needed:
        if name == _GLIBC or name.startswith("ld-linux"):
            return GLIBC
        if is_part_of(name, MUSL):
            return MUSL
    return ""


def is_part_of(library: str, libc: str) -> bool:
    """Whether `library` is the C library `libc` itself, or its loader."""
    if libc == MUSL:
        return library == _MUSL or library.startswith(_MUSL_PREFIXES)
    return library == _GLIBC or library.startswith(_GLIBC_LOADERS)


def is_part_of_another(library: str, libc: str) -> bool:
    """Whether `library` is a part of a C library that is not `libc`."""
    return is_part_of(library, GLIBC if libc == MUSL else MUSL)


def has_versions(library: str) -> bool:
    """Whether everything that `library` exports has a version."""
    return library in _VERSIONED or library.startswith(_GLIBC_LOADERS)


def always_outside(libc: str) -> tuple[str, ...]:
    """Patterns of names that auditwheel does not know to be the C library's own: musl is one file by many names."""
    return (_MUSL, *(f"{prefix}*" for prefix in _MUSL_PREFIXES)) if libc == MUSL else ()


def is_linkable(directories: Iterable[Path]) -> bool:
    """Whether one of these directories has the C library's file for linkers."""
    return any((directory / _MUSL).is_file() for directory in directories)


def names_of_file(library: str, identity: Identity) -> tuple[str, ...]:
    """Return the names that a library may have as a file: its own, and for musl the loader's."""
    loader = _MUSL_LOADERS.get(identity)
    return (library, loader) if loader and library.startswith(("libc.so", "libc.musl-")) else (library,)


def files_of_libc(identity: Identity) -> tuple[str, ...]:
    """Return the files of which a machine with a C library has one."""
    loader = _MUSL_LOADERS.get(identity)
    return (_GLIBC, loader) if loader else (_GLIBC,)


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

"""Which libraries belong to glibc and which to musl, by the names that files load them by (DT_NEEDED)."""

from __future__ import annotations

from collections.abc import Iterable
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

"""Tell a host's C library and its version."""

from __future__ import annotations

import platform
import re
from pathlib import Path, PurePosixPath

from crossenv.binaries.elf import ElfError, ElfFacts, elf_identity, read_elf
from crossenv.platforms import LINUX, Libc
from crossenv.platforms.architectures import GLIBC, MUSL, Identity
from crossenv.platforms.triplets import libc_of_triplet

_GLIBC_BANNER = re.compile(rb"GNU C Library [^\n\0]*release version (\d+\.\d+)")
_GLIBC_VERSION = re.compile(r"GLIBC_(\d+)\.(\d+)(?:\.\d+)?")
_FILES_OF_LIBC = (
    *("usr/include/features.h", "lib*/ld-*.so*", "lib*/libc.so*", "lib/*/libc.so*"),
    *("usr/lib*/ld-*.so*", "usr/lib*/libc.so*", "usr/lib/*/libc.so*"),
)
_MUSL_VERSION = re.compile(rb"\0(1\.\d{1,2}\.\d{1,2})\0")


def find_libc(
    *,
    facts: ElfFacts | None,
    triplets: tuple[str, ...],
    multiarch: str,
    identity: Identity,
    sysroot: Path | None,
) -> Libc | None:
    """Return the C library that a host Python is linked to; None for neither glibc nor musl.

    Args:
        facts: What the host's interpreter or libpython says, if there is one.
        triplets: The host's triplets, for want of anything better.
        multiarch: Names Debian's library directories.
        identity: The host's ELF identity; a library for another machine is not its own.
        sysroot: Where its version is looked up.
    """
    family = _family_of_file(facts) if facts else None
    if family is None:
        family = next((name for name in map(libc_of_triplet, triplets) if name), "")
    if not family:
        return None
    if sysroot is None:
        return Libc(family=family, version="")
    if family == "musl":
        return Libc(family=family, version=_musl_version(sysroot, identity))
    return Libc(family=family, version=_glibc_version(sysroot, multiarch, identity))


def _family_of_file(facts: ElfFacts) -> str | None:
    """Return the C library that a file is linked to: "" for one that is neither, None if it does not tell."""
    loader = PurePosixPath(facts.interpreter).name
    if loader.startswith("ld-musl"):
        return "musl"
    # ld.so.1 is glibc's on MIPS and 32-bit PowerPC, ld64.so.1 and ld64.so.2 on s390x and ppc64.
    if loader.startswith(("ld-linux", "ld64.so", "ld.so")):
        return "glibc"
    if loader:
        return ""
    if "libc.so.6" in facts.needed:
        return "glibc"
    return "musl" if any(name.startswith("libc.musl") for name in facts.needed) else None


def _glibc_version(sysroot: Path, multiarch: str, identity: Identity) -> str:
    for directory in LINUX.library_directories(sysroot, multiarch):
        library = directory / "libc.so.6"
        try:
            if elf_identity(library) != identity:
                continue
            banner = _GLIBC_BANNER.search(library.read_bytes())
            if banner:
                return str(banner[1], "ascii")
            # A release need not define a new symbol version (2.31 did not), so this may be too low, never too high.
            definitions = read_elf(library).version_definitions
        except (ElfError, OSError):
            continue
        versions = [(int(m[1]), int(m[2])) for m in map(_GLIBC_VERSION.fullmatch, definitions) if m]
        if versions:
            return "{}.{}".format(*max(versions))
    for name in ("usr/include/features.h", f"usr/include/{multiarch}/features.h"):
        text = read_text(sysroot / name)
        major = re.search(r"^\s*#\s*define\s+__GLIBC__\s+(\d+)", text, re.M)
        minor = re.search(r"^\s*#\s*define\s+__GLIBC_MINOR__\s+(\d+)", text, re.M)
        if major and minor:
            return f"{major[1]}.{minor[1]}"
    return ""


def _musl_version(sysroot: Path, identity: Identity) -> str:
    for loader in sorted([*sysroot.glob("lib/ld-musl-*.so.1"), *sysroot.glob("usr/lib/ld-musl-*.so.1")]):
        try:
            if elf_identity(loader) != identity:
                continue
            # musl has no symbol versions, but carries its own as a string (`__libc_version`).
            found = set(_MUSL_VERSION.findall(loader.read_bytes()))
        except (ElfError, OSError):
            continue
        if len(found) == 1:
            return str(found.pop(), "ascii")
    return ""


def has_libc(root: Path) -> bool:
    """Whether a C library, its loader or its headers are below `root`."""
    return any(next(root.glob(pattern), None) is not None for pattern in _FILES_OF_LIBC)


def machines_of_libc(root: Path) -> frozenset[Identity]:
    """Return the machines of the C libraries and loaders below `root`; links out of it do not count."""
    found = set()
    for pattern in _FILES_OF_LIBC[1:]:
        for path in root.glob(pattern):
            try:
                if path.resolve().is_relative_to(root.resolve()):
                    found.add(elf_identity(path))
            except (ElfError, OSError, RuntimeError):
                # The text of a linker script; a link that leads nowhere.
                continue
    return frozenset(found)


def libc_of_this_machine() -> str:
    """Return the C library of this machine: "glibc" or "musl"."""
    return GLIBC if platform.libc_ver()[0] == "glibc" else MUSL


def read_text(path: Path) -> str:
    """Return the text of a small file of any encoding; "" if it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(1024 * 1024).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""

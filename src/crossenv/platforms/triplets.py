"""What a GNU triplet says about a machine."""

from __future__ import annotations

import re

from crossenv.platforms.architectures import (
    ARCHITECTURES,
    EF_ARM_ABI_FLOAT_HARD,
    Identity,
    architecture_of,
    elf_identity_of,
)

# Names of a triplet's first part that are not the table's own; matched in this order.
_CPU_NAMES: tuple[tuple[str, str], ...] = (
    (r"x86_64|amd64", "x86_64"),
    (r"i[3-7]86|x86", "i686"),
    (r"aarch64|arm64", "aarch64"),
    (r"(arm|thumb)(?!.*(eb|be)$).*", "armv5tel"),
    (r"p(ower)?pc64(le|el)", "ppc64le"),
    (r"p(ower)?pc64", "ppc64"),
    (r"s390x", "s390x"),
    (r"riscv64.*", "riscv64"),
    (r"loongarch64", "loongarch64"),
    (r"mips64(el|r2el)|mipsisa64(r\d)?el", "mips64"),
    (r"mips(el|r2el)|mipsisa32(r\d)?el", "mips"),
)

# Parts of triplets and compilers' names that only one build system uses.
_VENDORS = (
    (r"-buildroot-", "Buildroot"),
    (r"-(poky|oe)-linux", "Yocto"),
    (r"-openwrt-", "OpenWrt"),
    (r"[-_]conda[-_]", "conda"),
    (r"-alpine-linux", "Alpine Linux"),
    (r"-redhat-linux", "Fedora or a relative"),
)

# A compiler for the wider one makes the narrower one's code too, so HOST_GNU_TYPE may name either.
_BIARCH = ({"x86_64", "i686"}, {"aarch64", "armv7l", "armv5tel"}, {"mips64", "mips"}, {"ppc64", "ppc64le"})


def identity_of_triplet(triplet: str, *, pointer_bytes: int | None = None) -> Identity | None:
    """Return the identity of the ELF files of `triplet`; None for an unknown CPU.

    Args:
        triplet: "aarch64-unknown-linux-gnu", "arm-linux-gnueabihf".
        pointer_bytes: SIZEOF_VOID_P, which tells i686 from an x86_64 compiler's -m32.
    """
    cpu, _, system = triplet.partition("-")
    name = next((name for pattern, name in _CPU_NAMES if re.fullmatch(pattern, cpu)), None)
    row = next((row for row in ARCHITECTURES if row.name == name), None)
    if row is None:
        return None
    identity = row.elf
    if identity.number == 40:
        flags = EF_ARM_ABI_FLOAT_HARD if system.endswith("hf") else 0
        return elf_identity_of(40, 32, identity.byte_order, flags)
    if pointer_bytes == 4 and identity.bits == 64:
        narrow = {"x86_64": "i686", "mips64": "mips"}.get(row.name)
        if narrow and not system.endswith("x32"):
            return next(row.elf for row in ARCHITECTURES if row.name == narrow)
    return identity


def libc_of_triplet(triplet: str) -> str:
    """Return the C library that the end of `triplet` names: "glibc", "musl", or "" for another or none."""
    match = re.search(r"-(gnu|musl)[a-z0-9_]*$", triplet)
    return {"gnu": "glibc", "musl": "musl"}[match[1]] if match else ""


def without_vendor(triplet: str) -> str:
    """Return the triplet without its second part: "aarch64-linux-gnu" for "aarch64-unknown-linux-gnu"."""
    return re.sub(r"^([^-]+)-[^-]+-(linux-.+)$", r"\1-\2", triplet)


def vendor_of(words: str) -> str:
    """Who makes compilers and Pythons with such names: "Buildroot"; "" where they tell nothing."""
    return next((name for pattern, name in _VENDORS if re.search(pattern, words)), "")


def triplet_of_suffix(suffix: str) -> str:
    """Return the multiarch name in an extension module's suffix; "" for none."""
    match = re.search(r"-([^.-]+-linux-[^.]+)\.so$", suffix)
    return match[1] if match else ""


def may_share_a_compiler(one: Identity, other: Identity) -> bool:
    """Whether two machines are the same, or the wide and the narrow half of one family."""
    names = {one.machine, other.machine} - {""}
    return one.number == other.number or any(names <= family for family in _BIARCH if len(names) == 2)


def gnu_triplet(identity: Identity, libc: str) -> str:
    """Return the usual triplet of a machine's cross compiler: "arm-linux-gnueabihf", "riscv64-linux-musl"; or ""."""
    row = architecture_of(identity)
    if row is None:
        return ""
    system = "musl" if libc == "musl" else "gnu"
    # "abi64" is glibc's name for the n64 ABI; musl has no other.
    suffix = "" if system == "musl" and row.abi == "abi64" else row.abi
    return f"{row.gnu_cpu}-linux-{system}{suffix}"

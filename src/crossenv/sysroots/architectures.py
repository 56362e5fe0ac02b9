"""Debian's names of architectures, and of the packages of compilers for them."""

from __future__ import annotations

from crossenv.errors import UsageError
from crossenv.platforms import Libc
from crossenv.platforms.architectures import GLIBC

# By `os.uname().machine`; those of ports that carry a Python.
_NAMES = {
    "x86_64": "amd64",
    "i686": "i386",
    "aarch64": "arm64",
    "armv7l": "armhf",
    "armv5tel": "armel",
    "ppc64le": "ppc64el",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "loongarch64": "loong64",
    "mips64": "mips64el",
}
_COMPILERS = {"cc": "gcc", "cxx": "g++", "fc": "gfortran"}
# The Pythons of each release, its own first.
PYTHONS = {"bookworm": ("3.11",), "trixie": ("3.13",), "forky": ("3.14", "3.13", "3.15")}


def debian_name(machine: str) -> str:
    """Debian's name of the architecture whose `os.uname().machine` is `machine`.

    Raises:
        UsageError: Debian has none.
    """
    if machine not in _NAMES:
        raise UsageError(f"Debian has no architecture for {machine}", hint="use a root file system of another origin")
    return _NAMES[machine]


def compiler_package(tool: str, triplet: str, libc: Libc) -> str:
    """Return the package of a cross compiler: "gcc-aarch64-linux-gnu"; "" where there is none.

    Args:
        tool: "cc", "cxx" or "fc".
        triplet: The machine.
        libc: Its C library.
    """
    return f"{_COMPILERS[tool]}-{triplet.replace('_', '-')}" if triplet and libc.family == GLIBC else ""


def release_with(version: str) -> str | None:
    """Return the first release that has Python `version` ("3.11"); None if none has."""
    return next((release for release, versions in PYTHONS.items() if version in versions), None)

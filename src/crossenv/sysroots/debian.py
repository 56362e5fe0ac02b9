"""Debian's words: its architectures and releases, and the order of its versions (deb-version(7))."""

from __future__ import annotations

import re
from functools import cmp_to_key

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


_PARTS = re.compile(r"(\D*)(\d*)")


def _split(version: str) -> tuple[int, str, str]:
    epoch, colon, rest = version.partition(":")
    if not colon or not epoch.isdigit():
        epoch, rest = "0", version
    upstream, _dash, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch), upstream, revision


def _weight(character: str) -> int:
    """`~` sorts before the end of the text, letters before everything else."""
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256


def _compare_text(one: str, other: str) -> int:
    for index in range(max(len(one), len(other))):
        a = _weight(one[index]) if index < len(one) else 0
        b = _weight(other[index]) if index < len(other) else 0
        if a != b:
            return -1 if a < b else 1
    return 0


def _compare_part(one: str, other: str) -> int:
    ours, theirs = _PARTS.findall(one), _PARTS.findall(other)
    for index in range(max(len(ours), len(theirs))):
        text_a, number_a = ours[index] if index < len(ours) else ("", "")
        text_b, number_b = theirs[index] if index < len(theirs) else ("", "")
        if order := _compare_text(text_a, text_b):
            return order
        a, b = int(number_a or 0), int(number_b or 0)
        if a != b:
            return -1 if a < b else 1
    return 0


def compare(one: str, other: str) -> int:
    """Negative, zero or positive as `one` is older than, equal to or newer than `other`."""
    a, b = _split(one), _split(other)
    if a[0] != b[0]:
        return -1 if a[0] < b[0] else 1
    return _compare_part(a[1], b[1]) or _compare_part(a[2], b[2])


sort_key = cmp_to_key(compare)


def satisfies(version: str, operator: str, wanted: str) -> bool:
    """Whether `version` meets the constraint `operator wanted` (Debian Policy 7.1: << <= = >= >>)."""
    order = compare(version, wanted)
    return {"<<": order < 0, "<=": order <= 0, "=": order == 0, ">=": order >= 0, ">>": order > 0}[operator]

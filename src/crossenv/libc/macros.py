"""How a compiler's headers tell which C library they belong to: glibc defines macros, musl has none."""

from __future__ import annotations

from collections.abc import Mapping

from crossenv.platforms import Libc
from crossenv.platforms.architectures import GLIBC

# Defined by glibc's headers only.
DEFINED = "__GLIBC__"
# The question for its version, and the macro that answers it.
QUESTION, ANSWER = "glibc_minor", "__GLIBC_MINOR__"
VERSION_MACROS = (DEFINED, ANSWER)


def glibc_of(numbers: Mapping[str, int]) -> str:
    """Return the version of the glibc that answered; "" where the C library is another."""
    return f"2.{numbers[QUESTION]}" if QUESTION in numbers else ""


def glibc_of_macros(macros: Mapping[str, str]) -> str:
    """Return the version of the glibc whose headers define these macros; "" where the C library is another."""
    major, minor = (macros.get(name, "") for name in VERSION_MACROS)
    return f"{major}.{minor}" if major.isdigit() and minor.isdigit() else ""


def describe(glibc: str) -> str:
    """Whose headers those of this glibc, or of none, are."""
    return "glibc's" if glibc else "not glibc's"


def fits(glibc: str, libc: str) -> bool:
    """Whether headers of this glibc, or of none, belong to the C library `libc`."""
    return bool(glibc) == (libc == GLIBC)


def is_newer(glibc: str, libc: Libc) -> bool:
    """Whether headers of this glibc are newer than the C library `libc`, so far as its version is known."""
    if not glibc or libc.family != GLIBC or not libc.numbers:
        return False
    return Libc(family=GLIBC, version=glibc).numbers > libc.numbers

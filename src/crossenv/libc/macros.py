"""How a compiler's headers tell which C library they belong to: glibc defines a macro, musl has none."""

from __future__ import annotations

from collections.abc import Mapping

from crossenv.platforms.architectures import GLIBC

# Defined by glibc's headers only.
DEFINED = "__GLIBC__"
# The question for its version, and the macro that answers it.
QUESTION, ANSWER = "glibc_minor", "__GLIBC_MINOR__"


def glibc_of(numbers: Mapping[str, int]) -> str:
    """The version of the glibc that answered; "" where the C library is another."""
    return f"2.{numbers[QUESTION]}" if QUESTION in numbers else ""


def fits(glibc: str, libc: str) -> bool:
    """Whether headers of this glibc, or of none, belong to the C library `libc`."""
    return bool(glibc) == (libc == GLIBC)

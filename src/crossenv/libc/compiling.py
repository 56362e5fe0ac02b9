"""What a compiler has to be told for a C library."""

from __future__ import annotations

from crossenv.platforms.architectures import GLIBC, MUSL
from crossenv.platforms.linux_targets import Target

# glibc has IEEE's `long double` for ppc64le since then.
_IEEE_LONG_DOUBLE = (2, 32)


def compile_options(libc: str) -> tuple[str, ...]:
    """Options of every compile.

    Without them a program has copies of musl's variables (`environ`), which the real library does not see.
    """
    return ("-fPIC",) if libc == MUSL else ()


def has_ibm_long_double(target: Target) -> bool:
    """Whether `long double` is a pair of doubles in the target's C library."""
    return target.machine == "ppc64le" and target.libc == GLIBC and target.floor < _IEEE_LONG_DOUBLE

"""What compiles see of a C library: the options it asks for, the macros that tell which it is, and its age."""

from __future__ import annotations

from collections.abc import Mapping

from crossenv.platforms import Libc
from crossenv.platforms.architectures import GLIBC, MUSL
from crossenv.targets import Target

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


# The glibc that brought a function or header, for floors older than the compiler's own glibc (its NEWS).
_FUNCTIONS_SINCE = {
    "accept4": (2, 10),
    "close_range": (2, 34),
    "closefrom": (2, 34),
    "copy_file_range": (2, 27),
    "dup3": (2, 9),
    "epoll_create1": (2, 9),
    "eventfd": (2, 7),
    "explicit_bzero": (2, 25),
    "futimens": (2, 6),
    "getentropy": (2, 25),
    "getrandom": (2, 25),
    "memfd_create": (2, 27),
    "pipe2": (2, 9),
    "posix_spawn_file_actions_addclosefrom_np": (2, 34),
    "preadv": (2, 10),
    "preadv2": (2, 26),
    "prlimit": (2, 13),
    "process_vm_readv": (2, 15),
    "pthread_getname_np": (2, 12),
    "pthread_setname_np": (2, 12),
    "pwritev": (2, 10),
    "pwritev2": (2, 26),
    "sem_clockwait": (2, 30),
    "setns": (2, 14),
    "strlcpy": (2, 38),
    "timerfd_create": (2, 8),
    "utimensat": (2, 6),
}
_HEADERS_SINCE = {
    "sys/auxv.h": (2, 16),
    "sys/eventfd.h": (2, 7),
    "sys/pidfd.h": (2, 36),
    "sys/random.h": (2, 25),
    "sys/timerfd.h": (2, 8),
    "threads.h": (2, 28),
}


def comes_later(target: Target, *, function: str = "", header: str = "") -> bool:
    """Whether the C library brought a function or header after the version that `target` promises.

    A target without a policy promises nothing: what the compiler's C library has is there.
    """
    if target.libc != GLIBC or not target.policy:
        return False
    since = _HEADERS_SINCE.get(header) if header else _FUNCTIONS_SINCE.get(function)
    return since is not None and since > target.floor

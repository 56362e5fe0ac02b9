"""Which functions and headers a target's C library is too old for."""

from __future__ import annotations

from crossenv.platforms.architectures import GLIBC
from crossenv.platforms.linux_targets import Target

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

"""The errors a user can meet: each has a message, a hint and an exit code.

Only `crossenv.cli.main` turns them into an exit status. An exception that is not a `CrossenvError` is a
bug of ours and shows its traceback (exit status 1).
"""

from __future__ import annotations

import errno
import os
from typing import ClassVar


class CrossenvError(Exception):
    """A fault that the user can mend.

    Attributes:
        message: One line that names the thing at fault.
        hint: One line that names the flag or the command that mends it; empty when there is none.
        exit_code: The process's exit status, one per class (see docs/reference/exit-codes.md).
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(CrossenvError):
    """The command line or the configuration cannot be carried out as it stands."""

    exit_code = 2


class HostPythonError(CrossenvError):
    """The host Python cannot be read, contradicts itself, or does not fit the build Python."""

    exit_code = 3


class ToolchainError(CrossenvError):
    """No usable compiler for the host, or one that compiles for another machine."""

    exit_code = 4


class DownloadError(CrossenvError):
    """Something could not be fetched, or is not what its signature or hash promised."""

    exit_code = 5


class BuildError(CrossenvError):
    """A wheel could not be built."""

    exit_code = 6


class AuditError(CrossenvError):
    """What is inside a wheel, or what an environment answers, is not the host's."""

    exit_code = 7


class EmulatorError(CrossenvError):
    """A host program could not be run here."""

    exit_code = 8


def reason_of(error: Exception) -> str:
    """Return what went wrong, without the number and the path that Python puts around it."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


# What a machine or its user's rights can lack, whatever is done, and what helps.
_MENDS = {
    errno.ENOSPC: "make room on that disk, or use another one (TMPDIR, XDG_CACHE_HOME)",
    errno.EDQUOT: "make room on that disk, or use another one (TMPDIR, XDG_CACHE_HOME)",
    errno.EMFILE: "allow more open files: ulimit -n 1024",
    errno.ENFILE: "close programs that hold many files open",
    errno.ENOMEM: "end other programs, or run fewer jobs at a time",
    errno.EAGAIN: "allow more processes: ulimit -u",
    errno.EROFS: "use a directory that can be written",
    errno.EACCES: "check the permissions of that file and of the directories above it",
    errno.EPERM: "check the permissions of that file and of the directories above it",
    errno.EIO: "check the disk",
}

# In the words of C libraries and of zig.
_SAID = {
    errno.ENOSPC: ("No space left on device", "NoSpaceLeft"),
    errno.EMFILE: ("Too many open files", "No file descriptors available", "ProcessFdQuotaExceeded"),
    errno.ENOMEM: ("Cannot allocate memory", "Out of memory"),
}


def fault_of_the_machine(error: OSError) -> UsageError | None:
    """What to tell a user whose disk is full or who has too few rights; None for another error, which may be a bug."""
    if error.errno not in _MENDS:
        return None
    reason = os.strerror(error.errno)
    # Of two names the second is that of the copy.
    name = next((name for name in (error.filename2, error.filename) if isinstance(name, (str, bytes))), "")
    return UsageError(f"{os.fsdecode(name)}: {reason}" if name else reason.lower(), hint=_MENDS[error.errno])


def fault_in(output: str) -> UsageError | None:
    """Return what to tell a user when a program has failed and said that its machine lacks something."""
    for number, words in _SAID.items():
        if any(word in output for word in words):
            return UsageError(os.strerror(number).lower(), hint=_MENDS[number])
    return None

"""The errors a user can meet: each has a message, a hint and an exit code.

Only `crossenv.cli.main` turns them into an exit status. Any other exception is a bug and shows its traceback (exit
status 1).
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from typing import ClassVar


class CrossenvError(Exception):
    """An error that the user can correct.

    Attributes:
        message: One line: the fault, with the name of the thing.
        hint: One line: the option or the command that helps; empty for none.
        exit_code: The process's exit status, one per class (see docs/reference/exit-codes.md).
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(CrossenvError):
    """The command line or the configuration is wrong."""

    exit_code = 2


class HostPythonError(CrossenvError):
    """The host Python cannot be read, contradicts itself, or does not fit the build Python."""

    exit_code = 3


class ToolchainError(CrossenvError):
    """No usable compiler for the target, or one that compiles for another machine."""

    exit_code = 4


class DownloadError(CrossenvError):
    """A download failed, or its signature or hash is wrong."""

    exit_code = 5


class BuildError(CrossenvError):
    """A wheel could not be built."""

    exit_code = 6


class AuditError(CrossenvError):
    """A wheel, or an environment, is not right for the target."""

    exit_code = 7


class EmulatorError(CrossenvError):
    """A target program could not be run here."""

    exit_code = 8


def reason_of(error: Exception) -> str:
    """Return the reason of an error, without the number and the path that Python adds."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    # shutil.copytree lists each file that it could not copy, with the text of the exception.
    listed = re.search(r"\[Errno \d+\] ([^:'\"]+)", text) if isinstance(error, shutil.Error) else None
    return listed[1] if listed else text


# Errors that a machine or missing rights cause, and the cure.
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
    # Of places outside the file system (`farm/shelves.py`).
    errno.EPROTO: "check its address, and your rights there",
}

# In the words of C libraries and of zig.
_SAID = {
    errno.ENOSPC: ("No space left on device", "NoSpaceLeft"),
    errno.EMFILE: ("Too many open files", "No file descriptors available", "ProcessFdQuotaExceeded"),
    errno.ENOMEM: ("Cannot allocate memory", "Out of memory"),
}


def fault_of_the_machine(error: OSError) -> UsageError | None:
    """Turn an error that the machine causes, such as a full disk, into a user's; None for others, which may be bugs."""
    if error.errno not in _MENDS:
        return None
    reason = reason_of(error) if error.errno == errno.EPROTO else os.strerror(error.errno)
    # If there are two names, the second is the copy's.
    name = next((name for name in (error.filename2, error.filename) if isinstance(name, (str, bytes))), "")
    return UsageError(f"{os.fsdecode(name)}: {reason}" if name else reason.lower(), hint=_MENDS[error.errno])


def fault_in(output: str) -> UsageError | None:
    """Find an error that the machine causes in the output of a failed program; None if there is none."""
    for number, words in _SAID.items():
        if any(word in output for word in words):
            return UsageError(os.strerror(number).lower(), hint=_MENDS[number])
    return None

"""The errors a user can meet: each has a message, a hint and an exit code.

Only `crossenv.cli.main` turns them into an exit status. An exception that is not a `CrossenvError` is a
bug of ours and shows its traceback (exit status 1).
"""

from __future__ import annotations

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

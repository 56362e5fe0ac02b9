"""What a process of the command line needs first and last: UTF-8, its three streams, files that it may use itself."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from crossenv.errors import UsageError
from crossenv.report import Reporter

# They name the directories of one Python, and would reach every other one that is started.
_OF_ONE_PYTHON = ("PYTHONHOME", "PYTHONPLATLIBDIR")
# Those of a file's owner.
_OWNERS_RIGHTS = 0o700


def prepare() -> None:
    """Give this process UTF-8 and its three standard streams; it may start over."""
    _start_over()
    _open_streams()


def require_umask() -> None:
    """Refuse a umask that keeps this process from its own files.

    Raises:
        UsageError: It is one.
    """
    umask = os.umask(0o777)
    os.umask(umask)
    if umask & _OWNERS_RIGHTS:
        raise UsageError(
            f"the umask {umask:04o} keeps crossenv from the files and directories that it makes",
            hint="set another one: umask 022",
        )


def _start_over() -> None:
    """Start over in Python's UTF-8 mode (PEP 540) where the locale has another encoding, and without `PYTHONHOME`.

    Environments, build systems' files and their output are UTF-8. The option is for this process only: programs that
    it starts keep the user's locale.
    """
    mode = ["-X", "utf8"] if sys.getfilesystemencoding() != "utf-8" and not sys.flags.utf8_mode else []
    environ = {name: value for name, value in os.environ.items() if name not in _OF_ONE_PYTHON}
    if sys.executable and (mode or len(environ) < len(os.environ)):
        os.execve(sys.executable, [sys.executable, *mode, *sys.orig_argv[1:]], environ)


def _open_streams() -> None:
    """Open the standard streams that are closed: a file that is opened later must not take their place.

    What is written to a closed standard error is lost; writing to a closed standard output still fails.
    """
    for number, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, flags), True)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    # The names of files need not be text in any encoding.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def finish(status: int, reporter: Reporter) -> int:
    """Write what is left in the streams; returns the process's exit status."""
    try:
        sys.stderr.flush()
    except OSError:
        _forget(sys.stderr)
    try:
        reporter.flush()
    except BrokenPipeError:
        # Whoever read the output has seen enough (`crossenv show | head`).
        pass
    except UsageError as error:
        # What comes after a first failure fails too, and was reported with it.
        if status == 0:
            reporter.error(error)
            status = error.exit_code
    else:
        return status
    _forget(sys.stdout)
    return status


def _forget(stream: TextIO) -> None:
    """Send what a stream could not write nowhere: Python would try once more at its end, and exit with 120."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

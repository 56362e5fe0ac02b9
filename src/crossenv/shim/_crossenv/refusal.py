"""Ends a process that must not go on. Nothing in here may fail."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def fail(message: str, hint: str, status: int = 1) -> "NoReturn":
    """End the process at once with one line and a hint.

    Not by an exception: `site` prints those of start-up code and goes on, and others catch them; either would leave a
    native interpreter behind. Not by way of `sys.stderr`, which is None where descriptor 2 is closed.
    """
    try:
        try:
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
        finally:
            os.write(2, _encoded(f"crossenv: error: {message}\ncrossenv: hint: {hint}\n"))
    finally:
        os._exit(status)


def unexpected(
    error: BaseException, hint: str = "make the environment anew with --clear, or report this"
) -> "NoReturn":
    """End the process because of an unexpected exception."""
    status = 130 if isinstance(error, KeyboardInterrupt) else 1
    try:
        where, trace = "", error.__traceback__
        while trace is not None:
            where = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
            trace = trace.tb_next
        message = f"this process could not be set up for the target: {type(error).__name__}: {error} ({where})"
    except BaseException:
        message = "this process could not be set up for the target"
    fail(message, hint, status)


def _encoded(text: str) -> bytes:
    try:
        # The bytes of a path in another encoding stay as they are.
        return text.encode("utf-8", "surrogateescape")
    except UnicodeError:
        return text.encode("ascii", "backslashreplace")

"""Run a program and read what it prints."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from crossenv.errors import UsageError, fault_in, fault_of_the_machine

# Shortages that keep any program from starting.
_SCARCE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)


def run_text(
    words: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    timeout: float | None = None,
    given: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, and read its output as UTF-8; other bytes become escapes.

    Args:
        words: The program and its arguments.
        environment: Its environment; by default this process's.
        directory: Its working directory.
        timeout: How many seconds it may take.
        given: What it reads from its standard input.

    Raises:
        OSError: It cannot be started.
        subprocess.TimeoutExpired: It took too long.
        UsageError: It cannot be started, or has failed, because the disk is full or too many files are open.
    """
    try:
        done = subprocess.run(
            list(map(str, words)),
            env=environment,
            cwd=directory,
            timeout=timeout,
            input=given,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            check=False,
        )
    except OSError as error:
        fault = fault_of_the_machine(error) if error.errno in _SCARCE else None
        if fault is not None:
            raise fault from None
        raise
    fault = fault_in(done.stderr) if done.returncode else None
    if fault is not None:
        raise UsageError(f"{words[0]}: {fault.message}", hint=fault.hint)
    return done

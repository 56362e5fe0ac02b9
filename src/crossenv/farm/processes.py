"""Run children that write to logs, and end them with the command."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from crossenv.farm.requirements import without_secrets


class EndedError(Exception):
    """The children were ended; this one did not fail."""


class Children:
    """The running children.

    Each leads its own session: a signal reaches everything that it has started, and Ctrl-C on the terminal reaches
    only this process, which ends them in order.

    Args:
        grace: How many seconds they get to end by themselves.
    """

    def __init__(self, grace: float = 5.0) -> None:
        self._grace = grace
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ended = False

    def run(
        self, words: Sequence[str], log: Path, environment: Mapping[str, str], directory: Path | None = None
    ) -> int:
        """Run a command, with its output appended to `log`; returns its exit status.

        Raises:
            EndedError: The children were ended meanwhile.
        """
        with log.open("ab") as file:
            file.write(f"$ {without_secrets(words)}\n".encode(errors="backslashreplace"))
            file.flush()
            with self._lock:
                if self._ended:
                    raise EndedError
                child = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    env=environment,
                    cwd=directory,
                    start_new_session=True,
                )
                self._running.add(child)
            status = child.wait()
        with self._lock:
            self._running.discard(child)
            if self._ended:
                raise EndedError
        return status

    def end(self) -> None:
        """Terminate all, kill those that are still there after the grace period, and start no more."""
        with self._lock:
            self._ended = True
            running = list(self._running)
        _signal(running, signal.SIGTERM)
        deadline = time.monotonic() + self._grace
        try:
            while time.monotonic() < deadline and any(_is_alive(child) for child in running):
                time.sleep(0.05)
        finally:
            # What their leaders have left behind dies too.
            _signal(running, signal.SIGKILL)


def _is_alive(child: subprocess.Popen[bytes]) -> bool:
    """Whether anything of the child's session is still there."""
    try:
        os.killpg(child.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _signal(children: Sequence[subprocess.Popen[bytes]], number: int) -> None:
    for child in children:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)

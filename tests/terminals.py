"""Runs programs on a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Sequence
from pathlib import Path


def on_terminal(words: Sequence[str | Path], **variables: str) -> tuple[int, str]:
    """The exit status of a command on a terminal of 24 lines with 80 columns, and what it writes there."""
    leader, follower = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR", "FORCE_COLOR")}
    environment |= {"TERM": "xterm", "COLUMNS": "80", "LINES": "24", **variables}
    process = subprocess.Popen([*map(str, words)], stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    data = b""
    try:
        while block := os.read(leader, 4096):
            data += block
    except OSError:
        # Linux reports the end of a terminal as an error.
        pass
    os.close(leader)
    return process.wait(), data.decode()

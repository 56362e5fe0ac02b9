"""Run a compiler: no shell, nothing of the user's environment, a limit on its time."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crossenv.children import run_text
from crossenv.compilers.model import Tool

_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        succeeded: Whether its exit status was 0.
        output: Its standard output.
        complaint: The most telling line of its diagnostics; "" if it succeeded.
        diagnostics: All its diagnostics.
    """

    succeeded: bool
    output: str = ""
    complaint: str = ""
    diagnostics: str = ""


def run_tool(
    tool: Tool, arguments: Sequence[str | Path], *, directory: Path, search_path: str, seconds: float | None = None
) -> Outcome:
    """Run `tool` in `directory`, which also takes its temporary files."""
    environment = {
        "PATH": search_path,
        "LC_ALL": "C",
        "TMPDIR": str(directory),
        "HOME": str(directory),
        # Probes would only fill the cache.
        "CCACHE_DISABLE": "1",
    }
    timeout = _TIMEOUT_SECONDS if seconds is None else seconds
    command = [str(tool.path), *tool.args, *map(str, arguments)]
    try:
        done = run_text(command, directory=directory, environment=environment, timeout=timeout)
    except subprocess.TimeoutExpired:
        return Outcome(succeeded=False, complaint=f"no answer in {timeout:.0f} seconds")
    except (OSError, ValueError) as error:
        return Outcome(succeeded=False, complaint=str(getattr(error, "strerror", None) or error))
    if done.returncode == 0:
        return Outcome(succeeded=True, output=done.stdout)
    complaint = _first_complaint(done.stderr) or f"exit status {done.returncode}"
    return Outcome(succeeded=False, output=done.stdout, complaint=complaint, diagnostics=done.stderr)


def _first_complaint(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # The driver's summary follows the linker's own message.
    own = [line for line in lines if not re.search(r"linker command failed|ld returned \d+ exit status", line)]
    telling = [line for line in own if re.search("error|cannot|undefined|unrecogni", line, re.I)]
    return (telling or own or lines or [""])[0][:300]

"""What the output of a build says went wrong."""

from __future__ import annotations

import re
from pathlib import Path

from crossenv.wheels.seal import faults_of, read_status

_LONGEST = 240
# From the plainest to the vaguest. pip's own summary names the project and no reason.
_PATTERNS = tuple(
    map(
        re.compile,
        (
            r"^crossenv: error: ",
            r"fatal error: |\berror: (?!subprocess|metadata|command|failed-|resolution)",
            r"^ERROR: (?!Failed to build|Failed building|Could not build)",
            r"ERROR|Error",
        ),
    )
)
# What pip draws around its messages.
_DRAWN = " \t\r>\u2502\u2570\u2500\u00d7"
_OURS = re.compile(r"^crossenv: (error|warning): ")


def complaint_of(text: str) -> str:
    """The first line of a build's output that says what went wrong."""
    lines = [line.strip(_DRAWN) for line in text.splitlines()]
    for pattern in _PATTERNS:
        for line in lines:
            if pattern.search(line) and "--no-build-isolation" not in line:
                return _OURS.sub("", line)[:_LONGEST]
    return next((line[:_LONGEST] for line in reversed(lines) if line), "no output")


def hint_of(text: str) -> str:
    """The hint of ours below the first error of ours; "" if there is none."""
    lines = [line.strip(_DRAWN) for line in text.splitlines()]
    return next((line.removeprefix("crossenv: hint: ") for line in lines if line.startswith("crossenv: hint: ")), "")


def refusal_in(directory: Path) -> tuple[str, str] | None:
    """Why a wheel was built and refused, and what mends it; None if none of those judged was refused.

    Args:
        directory: Where the judge's answers are (docs/reference/seal.md).
    """
    for path in sorted(directory.glob("*.json")):
        status = read_status(path)
        if status is not None and status["verdict"] == "refused":
            return f"{Path(status['wheel']).name}: {faults_of(status)[0]}"[:_LONGEST], status["hint"]
    return None

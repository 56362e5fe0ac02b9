"""What the output of a build says went wrong."""

from __future__ import annotations

import re

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
# How pip tells that a back end's process ended with the audit's exit code.
_REFUSED = re.compile(r"exit code: 7$", re.MULTILINE)


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


def is_refusal(text: str) -> bool:
    """Whether a wheel was built and refused."""
    return bool(_REFUSED.search(text))

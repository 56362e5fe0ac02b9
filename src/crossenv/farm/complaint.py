"""Find in the output of a build what went wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from crossenv.errors import fault_in
from crossenv.wheels.seal import faults_of, read_status

_LONGEST = 240
if TYPE_CHECKING:
    from _crossenv.mends import MENDS, mend_of
else:
    from crossenv.shim._crossenv.mends import MENDS, mend_of

# From the most specific to the vaguest. pip's own summary gives no reason.
_PATTERNS = (
    *map(
        re.compile,
        (r"^crossenv: error: ", r"fatal error: |\berror: (?!subprocess|metadata|command|failed-|resolution)"),
    ),
    *(pattern for pattern, _ in MENDS),
    *map(
        re.compile,
        (
            r"^/bin/sh: .*(Permission denied|Exec format error)$|^FAILED: ",
            r"^ERROR: (?!Failed to build|Failed building|Could not build)",
            r"(ERROR|Error)(?!: Failed (to build|building))",
        ),
    ),
)
# pip's warning before its last try of an index; the words inside are urllib3's, and differ between versions.
_UNREACHABLE = re.compile(r"Retrying \(Retry\(total=0,.* after connection broken by '(?P<said>.*)':")
# No index, no answer, no space, no memory; `kill`.
_PASSING = re.compile(
    r"cannot be reached|after connection broken|[Cc]onnection (refused|reset|aborted|timed out)|[Rr]ead timed out"
    r"|Temporary failure in name resolution|HTTP error (429|5\d\d)|\b50[234] (Server|Bad|Service|Gateway)"
    r"|No space left on device|Disk quota exceeded|Input/output error|Too many open files"
    r"|Killed signal|signal terminated program|\bKilled$|out of memory|Cannot allocate memory",
    re.MULTILINE,
)
# What pip draws around its messages.
_DRAWN = " \t\r>\u2502\u2570\u2500\u00d7"
# pip's advice, and what setuptools' probes say of compiles that may fail.
_HARMLESS = ("--no-build-isolation", "_configtest.c:")
_OURS = re.compile(r"^crossenv: (error|warning): ")


def complaint_of(text: str) -> str:
    """Return the first line of a build's output that says what went wrong."""
    lines = [line.strip(_DRAWN) for line in text.splitlines()]
    if (fault := fault_in(text)) is not None:
        # Whatever else was said came of it.
        return fault.message
    if (match := _UNREACHABLE.search(text)) is not None and "No matching distribution found" in text:
        host = re.search(r"host='([^']+)'", match["said"])
        reason = re.search(r"\[Errno -?\d+\] ([^()'\"]+)|timed out|[Cc]ertificate[\w ]*", match["said"])
        why = f" ({(reason[1] or reason[0]).strip()})" if reason else ""
        return f"{host[1] if host else 'the package index'} cannot be reached{why}"
    for pattern in _PATTERNS:
        for line in lines:
            if pattern.search(line) and not any(word in line for word in _HARMLESS):
                return _OURS.sub("", line)[:_LONGEST]
    return next((line[:_LONGEST] for line in reversed(lines) if line), "no output")


def hint_of(text: str) -> str:
    """Return our own hint in the output, or ours for another tool's message; "" if there is none."""
    lines = [line.strip(_DRAWN) for line in text.splitlines()]
    ours = next((line.removeprefix("crossenv: hint: ") for line in lines if line.startswith("crossenv: hint: ")), "")
    if ours:
        return ours
    fault = fault_in(text)
    return fault.hint if fault is not None else mend_of(complaint_of(text))


def is_passing(complaint: str, text: str) -> bool:
    """Whether a failure may be another one, or none, at the next try: of the network, the disk or the memory."""
    return _PASSING.search(f"{complaint}\n{text}") is not None


def refusal_in(directory: Path) -> tuple[str, str] | None:
    """Return why a wheel was refused, and the hint; None if the judge refused none.

    Args:
        directory: Where the judge's answers are (docs/reference/seal.md).
    """
    for path in sorted(directory.glob("*.json")):
        status = read_status(path)
        if status is not None and status["verdict"] == "refused":
            return f"{Path(status['wheel']).name}: {faults_of(status)[0]}"[:_LONGEST], status["hint"]
    return None

"""The report of a run: a table for people, an object for machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from crossenv.errors import AuditError, BuildError
from crossenv.farm.model import Build, Outcome
from crossenv.farm.progress import outcome_words


def table(builds: Sequence[Build], outcomes: Mapping[Build, Outcome]) -> Iterator[str]:
    """Lines: one for each combination, and below a failed one where to read on."""
    rows = [("requirement", "python", "for", "result")]
    rows += [
        (build.requirement.label, build.python.label, build.destination.label, outcome_words(outcomes[build]))
        for build in builds
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    below = [None, *(outcomes[build] for build in builds)]
    for row, outcome in zip(rows, below, strict=True):
        start = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        yield f"{start}  {row[3]}"
        if outcome is not None and outcome.exit_code:
            if outcome.hint:
                yield f"    hint: {outcome.hint}"
            if outcome.log is not None:
                yield f"    log: {outcome.log}"


def as_json(
    builds: Sequence[Build], outcomes: Mapping[Build, Outcome], wheel_dir: Path, status: int
) -> dict[str, object]:
    """The report as docs/reference/cli.md describes it."""
    return {
        "passed": not status,
        "exit_code": status,
        "wheel_dir": str(wheel_dir),
        "wheels": sorted({name for outcome in outcomes.values() for name in outcome.wheels}),
        "builds": [_row(build, outcomes[build]) for build in builds],
    }


def _row(build: Build, outcome: Outcome) -> dict[str, object]:
    return {
        "requirement": build.requirement.label,
        "python": build.python.label,
        "for": build.destination.label,
        "status": outcome.status,
        "wheels": list(outcome.wheels),
        "version": outcome.version,
        "seconds": outcome.seconds,
        "error": outcome.complaint,
        "hint": outcome.hint,
        "log": None if outcome.log is None else str(outcome.log),
    }


def exit_code_of(outcomes: Mapping[Build, Outcome]) -> int:
    """The run's: that of a failed build before that of a refused wheel before any other."""
    codes = [outcome.exit_code for outcome in outcomes.values() if outcome.exit_code]
    for code in (BuildError.exit_code, AuditError.exit_code):
        if code in codes:
            return code
    return codes[0] if codes else 0

"""Report on a run: a table for people, an object for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from crossenv.errors import AuditError, BuildError
from crossenv.farm.model import Build, Result
from crossenv.farm.progress import result_words
from crossenv.report import columns


def table(builds: Sequence[Build], results: Mapping[Build, Result]) -> Iterator[str]:
    """Yield the lines of the table: one for each combination, with a hint and the log below a failure."""
    rows = [("requirement", "python", "for", "result")]
    rows += [
        (build.requirement.label, build.python.label, build.destination.label, result_words(results[build]))
        for build in builds
    ]
    below = [None, *(results[build] for build in builds)]
    for line, result in zip(columns(rows), below, strict=True):
        yield line
        if result is not None and result.complaint:
            if result.hint:
                yield f"    hint: {result.hint}"
            if result.log is not None:
                yield f"    log: {result.log}"


def as_json(
    builds: Sequence[Build], results: Mapping[Build, Result], wheel_dir: Path, status: int
) -> dict[str, object]:
    """Return the report that docs/reference/cli.md describes."""
    return {
        "passed": not status,
        "exit_code": status,
        "wheel_dir": str(wheel_dir),
        "wheels": sorted({name for result in results.values() for name in result.wheels}),
        "builds": [_row(build, results[build]) for build in builds],
    }


def _row(build: Build, result: Result) -> dict[str, object]:
    return {
        "requirement": build.requirement.label,
        "python": build.python.label,
        "for": build.destination.label,
        "status": result.status,
        "wheels": list(result.wheels),
        "version": result.version,
        "seconds": result.seconds,
        "error": result.complaint,
        "hint": result.hint,
        "log": None if result.log is None else str(result.log),
    }


def exit_code_of(results: Mapping[Build, Result]) -> int:
    """Return the run's exit code: of a failed build, else of a refused wheel, else of another failure."""
    codes = [result.exit_code for result in results.values() if result.exit_code]
    for code in (BuildError.exit_code, AuditError.exit_code):
        if code in codes:
            return code
    return codes[0] if codes else 0

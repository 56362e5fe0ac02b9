"""What people see while a run is at work: a line that changes for each combination, or a line for each event."""

from __future__ import annotations

import time
from dataclasses import dataclass

from crossenv.farm.model import COVERED, GOOD, KEPT, UNTESTED, Build, Result
from crossenv.report import Reporter, clock


@dataclass
class _Running:
    since: float
    stage: str = "waiting"


class Board:
    """Tells of a run's progress; only `stage` may be called by other threads than the one that made it.

    Args:
        reporter: Who speaks.
        total: How many combinations there are.
    """

    def __init__(self, reporter: Reporter, total: int) -> None:
        self._reporter, self._total = reporter, total
        self._running: dict[Build, _Running] = {}
        self._done = self._failed = 0

    @property
    def pace(self) -> float | None:
        """After how many seconds it wants to be called again."""
        return None if self._reporter.live is None else 0.5

    def started(self, build: Build) -> None:
        """A combination is being built."""
        self._running[build] = _Running(since=time.monotonic())
        if self._reporter.live is None:
            self._reporter.note(f"{build.label}: started")

    def stage(self, build: Build, words: str) -> None:
        """What is being done for it."""
        running = self._running.get(build)
        if running is not None:
            running.stage = words

    def finished(self, build: Build, result: Result) -> None:
        """A combination is done."""
        self._running.pop(build, None)
        self._done += 1
        self._failed += bool(result.exit_code)
        self._reporter.note(f"{build.label}: {result_words(result)}")

    def tick(self) -> None:
        """Draw the lines anew."""
        if self._reporter.live is None:
            return
        now = time.monotonic()
        lines = [
            f"  {build.label}: {running.stage}, {clock(now - running.since)}"
            for build, running in self._running.items()
        ]
        failed = f", {self._failed} failed" if self._failed else ""
        self._reporter.redraw([*lines, f"  {self._done} of {self._total} done{failed}"])

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._reporter.redraw([])


def result_words(result: Result) -> str:
    """What came of a combination, in a line."""
    if result.exit_code:
        return f"{result.status}: {result.complaint}"
    wheel = result.wheels[0] if result.wheels else ""
    more = f" and {len(result.wheels) - 1} more" if len(result.wheels) > 1 else ""
    if result.status == COVERED:
        return f"covered by {wheel}"
    if result.status == UNTESTED:
        return f"untested, {wheel}{more}: {result.complaint}"
    if result.status in GOOD:
        took = f" in {clock(result.seconds)}" if result.seconds else ""
        return f"{'was there already:' if result.status == KEPT else result.status} {wheel}{more}{took}"
    return result.status

"""Show how a run goes: a line that changes for each combination, or a line for each event."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

from crossenv.farm.model import COVERED, GOOD, KEPT, UNTESTED, Build, Requirement, Result
from crossenv.report import Reporter, clock

# A log of CI should show that something is going on.
_PATIENCE_SECONDS = 60
# ECMA-48's control sequences; compilers colour their messages.
_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
# In a command line of a compiler the directories, mostly of the environment, hide what it does.
_DIRECTORY = re.compile(r"(?<!\S)/\S*/(?=\S)")
_WIDTH = 120


class _Tail:
    """Follows a log while a child writes it."""

    def __init__(self, log: Path) -> None:
        self.log, self.last = log, ""
        self._position = 0

    def lines(self) -> list[str]:
        """Return the whole lines that were added since the last call."""
        try:
            with self.log.open("rb") as file:
                file.seek(self._position)
                data = file.read()
        except OSError:
            return []
        data = data[: data.rfind(b"\n") + 1]
        self._position += len(data)
        found = [_printable(line).removeprefix("crossenv: ") for line in data.decode(errors="replace").splitlines()]
        # The user knows the command line.
        said = [line.strip() for line in found if line.strip() and not line.startswith("$ ")]
        self.last = said[-1] if said else self.last
        return found


def _printable(line: str) -> str:
    return "".join(one for one in _SEQUENCE.sub("", line).expandtabs() if one.isprintable())


@dataclass
class _Running:
    label: str
    since: float
    shown: float
    stage: str = "waiting"
    tail: _Tail | None = None


def _line(running: _Running, now: float) -> str:
    tail = _DIRECTORY.sub("", running.tail.last) if running.tail is not None else ""
    said = f": {tail if len(tail) <= _WIDTH else f'{tail[: _WIDTH - 3]}...'}" if tail else ""
    return f"{running.label}: {running.stage}, {clock(now - running.since)}{said}"


class Board:
    """Shows what a run is doing. Only `stage` and `warn` are safe to call from other threads.

    On a terminal each combination has a line with the last line of its build's output. With -v the output itself is
    printed, each line with the combination that it belongs to. Elsewhere each combination has a line a minute.

    Args:
        reporter: Prints.
        total: How many combinations there are.
    """

    def __init__(self, reporter: Reporter, total: int) -> None:
        self._reporter, self._total = reporter, total
        self._running: dict[Build | Requirement, _Running] = {}
        self._tails: dict[Path, _Tail] = {}
        self._done = self._failed = 0

    @property
    def pace(self) -> float:
        """Seconds until the next `tick`."""
        return 0.25 if self._reporter.live is not None or self._reporter.verbosity > 0 else 5

    def started(self, one: Build | Requirement, stage: str = "") -> None:
        """Show that a combination is being built, or a requirement prepared."""
        now = time.monotonic()
        self._running[one] = _Running(label=one.label, since=now, shown=now, stage=stage or "waiting")
        if self._reporter.live is None:
            self._reporter.note(f"{one.label}: {stage or 'started'}")

    def stage(self, one: Build | Requirement, words: str, log: Path | None = None) -> None:
        """Set what is being done for it, and the log to follow."""
        running = self._running.get(one)
        if running is not None:
            # One tail for each log: several combinations wait for one environment.
            running.tail = None if log is None else self._tails.setdefault(log, _Tail(log))
            running.stage = words

    def prepared(self, requirement: Requirement) -> None:
        """Show that a requirement is ready to be built."""
        self._follow()
        self._running.pop(requirement, None)

    def finished(self, build: Build, result: Result) -> None:
        """Show the result of a combination."""
        self._follow()
        self._running.pop(build, None)
        self._done += 1
        self._failed += bool(result.exit_code)
        self._reporter.note(f"{build.label}: {result_words(result)}")

    def tick(self) -> None:
        """Redraw the lines, or print those of combinations that take long."""
        self._follow()
        now = time.monotonic()
        if self._reporter.live is not None:
            failed = f", {self._failed} failed" if self._failed else ""
            lines = [f"  {_line(running, now)}" for running in list(self._running.values())]
            self._reporter.redraw([*lines, f"  {self._done} of {self._total} done{failed}"])
        elif self._reporter.verbosity <= 0:
            for running in list(self._running.values()):
                if now - running.shown >= _PATIENCE_SECONDS:
                    running.shown = now
                    self._reporter.note(_line(running, now))

    def _follow(self) -> None:
        for running in list(self._running.values()):
            for line in running.tail.lines() if running.tail is not None else ():
                self._reporter.step(f"{running.label}: {line}")

    def warn(self, text: str) -> None:
        """Print a warning; safe to call from other threads."""
        self._reporter.warning(text)

    def note(self, text: str) -> None:
        """Print a line; safe to call from other threads."""
        self._reporter.note(text)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._reporter.redraw([])


def result_words(result: Result) -> str:
    """Return a result in one line."""
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

"""What the user sees while something takes long: on a terminal, in a log, and with -q."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import pytest

from crossenv.farm.model import Requirement
from crossenv.farm.progress import Board
from crossenv.report import LiveLines, Reporter, clock, wants_colour, wants_live
from terminals import on_terminal

# Runs a step for a while, with a note in the middle, behind the streams that the command would use.
PROGRAM = """
import os, sys, time
from crossenv.report import LiveLines, Reporter, wants_colour, wants_live
live = LiveLines(sys.stderr) if wants_live(sys.stderr, os.environ) else None
reporter = Reporter(colour=wants_colour(sys.stderr, os.environ), live=live)
with reporter.working("quick"):
    pass
with reporter.working("building", slow=True) as step:
    time.sleep(0.5)
    step.update("2 of 3")
    reporter.note("half of it")
    time.sleep(0.5)
print("result")
"""


def shown(**variables: str) -> str:
    """What the program writes to a terminal."""
    status, data = on_terminal([sys.executable, "-c", PROGRAM], **variables)
    assert status == 0
    return data


def screen(data: str) -> list[str]:
    """The lines that a terminal shows after `data`, which moves the cursor up and erases below it."""
    lines, row = [""], 0
    for part in data.replace("\r\n", "\n").replace("\x1b[J", "\x1b[").split("\n"):
        for index, piece in enumerate(part.split("\r")):
            if index:
                del lines[row:]
                lines.append("")
            lines[row] += piece.replace("\x1b[", "")
        lines.append("")
        row = len(lines) - 1
    return [line for line in lines if line]


def test_a_step_on_a_terminal() -> None:
    data = shown()
    assert "building, 0 s" in data
    assert "building: 2 of 3, 1 s" in data
    assert "quick" not in data
    # The spinner is gone in the end, and what was printed meanwhile is not lost.
    assert screen(data) == ["crossenv: half of it", "crossenv: building: done in 1 s", "result"]


@pytest.mark.parametrize("variables", [{"TERM": "dumb"}, {"CI": "true"}])
def test_a_step_where_lines_cannot_be_redrawn(variables: dict[str, str]) -> None:
    data = shown(**variables, NO_COLOR="1")
    assert data.splitlines() == [
        "crossenv: building ...",
        "crossenv: half of it",
        "crossenv: building: done in 1 s",
        "result",
    ]


def test_colours() -> None:
    file, terminal = io.StringIO(), io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    assert not wants_colour(file, {"TERM": "xterm"})
    assert wants_colour(file, {"FORCE_COLOR": "1"})
    assert wants_colour(terminal, {"TERM": "xterm"})
    assert not wants_colour(terminal, {"TERM": "dumb"})
    assert not wants_colour(terminal, {"TERM": "xterm", "NO_COLOR": "1", "FORCE_COLOR": "1"})
    assert wants_live(terminal, {"TERM": "xterm"})
    assert not any(wants_live(*pair) for pair in [(terminal, {"TERM": "dumb"}), (terminal, {}), (file, {"TERM": "a"})])
    assert not wants_live(terminal, {"TERM": "xterm", "CI": "1"})


def test_a_step_in_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step is announced when it has taken a while; one inside another one instead of it, and neither with -q."""
    monkeypatch.setattr("crossenv.report._LOGGED_AFTER", 0.05)
    log = io.StringIO()
    with Reporter(err=log).working("outer"), Reporter(err=log).working("quick"):
        pass
    reporter = Reporter(err=log)
    with reporter.working("outer"):
        with reporter.working("inner"):
            time.sleep(0.2)
        with Reporter(err=log, verbosity=-1).working("quiet", slow=True):
            pass
    assert log.getvalue().splitlines() == ["crossenv: inner ...", "crossenv: inner: done in 0 s"]
    # What fails is not done.
    with pytest.raises(ZeroDivisionError), reporter.working("failing", slow=True):
        _ = 1 / 0
    assert log.getvalue().splitlines()[2:] == ["crossenv: failing ..."]
    log = io.StringIO()
    with Reporter(err=log, verbosity=1).working("small"):
        pass
    assert log.getvalue() == "crossenv: small ...\n"


def test_lines_are_redrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    monkeypatch.setenv("LINES", "3")
    stream = io.StringIO()
    live = LiveLines(stream)
    live.show(["one", "two", "a line too long"])
    live.show(["x"])
    live.clear()
    live.clear()
    assert stream.getvalue() == "two\na line to\x1b[1A\r\x1b[Jx\r\x1b[J"


def test_durations() -> None:
    assert [clock(seconds) for seconds in (0.4, 59.4, 60, 185)] == ["0 s", "59 s", "1:00", "3:05"]


def test_a_build_that_takes_long_says_so_in_a_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The first build for a target has zig make its libraries, for minutes in which a log of CI had no line."""
    build, log, said = Requirement(label="toy cp313 win_amd64", line="toy"), tmp_path / "log", io.StringIO()
    board = Board(Reporter(err=said), 1)
    board.started(build)
    log.write_text("$ pip wheel toy\ncrossenv: making zig's C library for x86_64-windows-gnu\n")
    board.stage(build, "building", log)
    board.tick()
    assert said.getvalue().splitlines() == ["crossenv: toy cp313 win_amd64: started"]
    monkeypatch.setattr("crossenv.farm.progress._PATIENCE_SECONDS", 0.05)
    time.sleep(0.1)
    board.tick()
    board.tick()
    line = "crossenv: toy cp313 win_amd64: building, 0 s: making zig's C library for x86_64-windows-gnu"
    assert said.getvalue().splitlines()[1:] == [line]
    with log.open("a") as file:
        file.write(f"/cache/run/environments/etc/bin/clang -shared build/{'x' * 150}.o -L/cache/lib -o y.pyd\n")
    time.sleep(0.1)
    board.tick()
    last = said.getvalue().splitlines()[-1]
    assert last.startswith("crossenv: toy cp313 win_amd64: building, 0 s: clang -shared build/xxx")
    assert last.endswith("xxx...")
    quiet = io.StringIO()
    board = Board(Reporter(err=quiet, verbosity=-1), 1)
    board.started(build)
    time.sleep(0.1)
    board.tick()
    assert quiet.getvalue() == ""

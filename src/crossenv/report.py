"""Print steps, warnings and errors to stderr, results to stdout, and show the progress of long work."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from crossenv.errors import CrossenvError, UsageError

_RED, _YELLOW, _DIM, _RESET = "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[0m"
_FRAMES = "-\\|/"
# A step is shown when it has taken this long: at once on a terminal, where the line goes away again.
_SHOWN_AFTER, _LOGGED_AFTER = 0.3, 2.0
_REDRAWN_EVERY = 0.1


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether to colour `stream`: NO_COLOR, then FORCE_COLOR, then a capable terminal."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


def wants_live(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether lines on `stream` can be redrawn: on a capable terminal, but not in the log of a CI job."""
    return stream.isatty() and environ.get("TERM", "dumb") != "dumb" and not environ.get("CI")


def clock(seconds: float) -> str:
    """Format a duration: "12 s", "3:05"."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60}:{whole % 60:02}"


@contextlib.contextmanager
def _required() -> Iterator[None]:
    """Turn a failure to write a result into a `UsageError`."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(
            f"the standard output cannot be written: {error.strerror}", hint="send it to another file, or make room"
        ) from None


class LiveLines:
    """Lines at the bottom of a terminal that are redrawn in place (ECMA-48's CUU, EL and ED).

    Args:
        stream: The terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = 0

    def show(self, lines: Sequence[str]) -> None:
        """Draw these in place of the last ones, cut to the terminal's width and height."""
        width, height = shutil.get_terminal_size()
        fitting = [line[: width - 1] for line in lines][-(height - 1) :]
        self.clear()
        # The cursor stays in the last line, so output of a child destroys only that line.
        self._stream.write("\n".join(fitting))
        self._stream.flush()
        self._shown = len(fitting)

    def clear(self) -> None:
        """Remove the lines; the next output takes their place."""
        if self._shown:
            up = f"\x1b[{self._shown - 1}A" if self._shown > 1 else ""
            self._stream.write(f"{up}\r\x1b[J")
            self._stream.flush()
            self._shown = 0


@dataclass
class Step:
    """A piece of work that is shown while it runs. Any thread may call `update`."""

    text: str
    began: float = field(default_factory=time.monotonic)
    detail: str = ""
    logged: bool = False

    def update(self, detail: str) -> None:
        """Show how far it is: "3 of 12", "libc++"."""
        self.detail = detail

    def line(self, now: float) -> str:
        """Return the line to show."""
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.text}{detail}, {clock(now - self.began)}"


def counted(number: int, noun: str) -> str:
    """Return "1 file" or "2 files"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table: all columns but the last are padded."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for row in rows:
        yield "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])


@dataclass
class Reporter:
    """Prints steps, warnings, errors and results; nothing else in the library prints.

    Attributes:
        verbosity: 0 prints notes, warnings and results, 1 the steps too; -1 leaves out the notes.
        colour: Whether diagnostics are coloured.
        out: The stream of results.
        err: The stream of everything else.
        live: Lines of `err` that can be redrawn; None if it is not a terminal.
    """

    verbosity: int = 0
    colour: bool = False
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    live: LiveLines | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _running: list[Step] = field(default_factory=list, repr=False)

    def step(self, text: str) -> None:
        """Print a step (shown with -v)."""
        if self.verbosity >= 1:
            self._diagnostic("", _DIM, text)

    def note(self, text: str) -> None:
        """Print a note for every user."""
        if self.verbosity >= 0:
            self._diagnostic("", "", text)

    def warning(self, text: str) -> None:
        """Print a warning."""
        self._diagnostic("warning: ", _YELLOW, text)

    def error(self, error: CrossenvError) -> None:
        """Print an error and, below it, its hint."""
        self._diagnostic("error: ", _RED, error.message)
        if error.hint:
            self._diagnostic("hint: ", "", error.hint)

    def output(self, text: str) -> None:
        """Print the output of a child unchanged."""
        with self._lock:
            self._clear()
            with contextlib.suppress(OSError):
                print(text, end="" if text.endswith("\n") else "\n", file=self.err)

    def result(self, text: str) -> None:
        """Print a result to stdout.

        Raises:
            BrokenPipeError: The reader has ended.
            UsageError: It cannot be written.
        """
        with self._lock, _required():
            self._clear()
            print(text, file=self.out, flush=True)

    def flush(self) -> None:
        """Flush stdout; raises like `result`."""
        with _required():
            self.out.flush()

    def json(self, value: Any) -> None:
        """Print a result to stdout as JSON."""
        self.result(json.dumps(value, indent=2, ensure_ascii=False))

    @contextlib.contextmanager
    def working(self, text: str, *, slow: bool = False) -> Iterator[Step]:
        """Show a step while the block runs.

        A terminal shows a line with a spinner and the elapsed time, and removes it at the end. Elsewhere a line is
        printed when the step has taken a while, and another one with its time when it ends. A quick step shows
        nothing. A step inside another one takes its place. No child may write to the terminal meanwhile.

        Args:
            text: The step: "building zig's C library for aarch64".
            slow: Whether it is sure to take long: then it is announced at once, and its time is always printed.

        Yields:
            The step; its `update` shows the progress.
        """
        if self.verbosity < 0:
            yield Step(text)
            return
        step = Step(text)
        with self._lock:
            if self.verbosity >= 1 or (slow and self.live is None):
                self._log_start(step)
            self._running.append(step)
        ended = threading.Event()
        drawer = threading.Thread(target=self._show_until, args=(step, ended), daemon=True)
        drawer.start()
        done = False
        try:
            yield step
            done = True
        finally:
            ended.set()
            drawer.join()
            with self._lock:
                self._running.remove(step)
                self._clear()
                took = time.monotonic() - step.began
                if done and (step.logged or slow) and (slow or took >= _LOGGED_AFTER):
                    self.note(f"{text}: done in {clock(took)}")

    def redraw(self, lines: Sequence[str]) -> None:
        """Show lines that will be redrawn; only on a terminal."""
        if self.live is not None:
            with self._lock:
                self.live.show(lines)

    def _show_until(self, step: Step, ended: threading.Event) -> None:
        if self.live is None:
            while not step.logged and not ended.wait(_LOGGED_AFTER):
                with self._lock:
                    if step is self._running[-1]:
                        self._log_start(step)
            return
        frame, wait = 0, _SHOWN_AFTER
        while not ended.wait(wait):
            wait, frame = _REDRAWN_EVERY, (frame + 1) % len(_FRAMES)
            with self._lock:
                if step is self._running[-1]:
                    self.live.show([f"{_FRAMES[frame]} {step.line(time.monotonic())}"])

    def _log_start(self, step: Step) -> None:
        step.logged = True
        self._diagnostic("", _DIM, f"{step.text} ...")

    def _clear(self) -> None:
        if self.live is not None:
            self.live.clear()

    def _diagnostic(self, label: str, colour: str, text: str) -> None:
        line = f"{colour}crossenv: {label}{_RESET}{text}" if self.colour and colour else f"crossenv: {label}{text}"
        with self._lock:
            self._clear()
            # A lost message must not end the work.
            with contextlib.suppress(OSError):
                print(line, file=self.err)

"""Where output goes: steps and diagnostics to stderr, results to stdout."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from crossenv.errors import CrossenvError

_RED, _YELLOW, _DIM, _RESET = "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[0m"


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether to colour `stream`: NO_COLOR, then FORCE_COLOR, then a capable terminal."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


def wants_live(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether lines on `stream` can be drawn anew: a capable terminal, and no log of a CI."""
    return stream.isatty() and environ.get("TERM", "dumb") != "dumb" and not environ.get("CI")


class LiveLines:
    """Lines at the bottom of a terminal that are drawn anew (ECMA-48's CUU, EL and ED).

    Args:
        stream: The terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = 0

    def show(self, lines: Sequence[str]) -> None:
        """Draw these in place of the last ones; each is cut to the terminal's width, and all to its height."""
        width, height = shutil.get_terminal_size()
        fitting = [line[: width - 1] for line in lines][-(height - 1) :]
        self.clear()
        self._stream.write("".join(f"{line}\n" for line in fitting))
        self._stream.flush()
        self._shown = len(fitting)

    def clear(self) -> None:
        """Take them away; what is printed next stands in their place."""
        if self._shown:
            self._stream.write(f"\x1b[{self._shown}A\r\x1b[J")
            self._stream.flush()
            self._shown = 0


@dataclass
class Reporter:
    """Prints steps, warnings, errors and results; the library's only way to speak.

    Attributes:
        verbosity: 0 prints notes, warnings and results, 1 the steps too; -1 leaves out the notes.
        colour: Whether diagnostics are coloured.
        out: The stream of results.
        err: The stream of everything else.
    """

    verbosity: int = 0
    colour: bool = False
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)

    def step(self, text: str) -> None:
        """Say what is being done (shown with -v)."""
        if self.verbosity >= 1:
            self._diagnostic("", _DIM, text)

    def note(self, text: str) -> None:
        """Say something every user wants to know."""
        if self.verbosity >= 0:
            self._diagnostic("", "", text)

    def warning(self, text: str) -> None:
        """Say what may surprise."""
        self._diagnostic("warning: ", _YELLOW, text)

    def error(self, error: CrossenvError) -> None:
        """Print an error's line and, below it, its mend."""
        self._diagnostic("error: ", _RED, error.message)
        if error.hint:
            self._diagnostic("hint: ", "", error.hint)

    def result(self, text: str) -> None:
        """Print a result to stdout."""
        print(text, file=self.out)

    def json(self, value: Any) -> None:
        """Print a result to stdout as JSON."""
        self.result(json.dumps(value, indent=2, ensure_ascii=False))

    def _diagnostic(self, label: str, colour: str, text: str) -> None:
        line = f"{colour}crossenv: {label}{_RESET}{text}" if self.colour and colour else f"crossenv: {label}{text}"
        print(line, file=self.err)

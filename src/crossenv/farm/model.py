"""What there is to build, and what came of it, as records."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crossenv.wheels.tags import PythonTag

# What can come of a build. "untested" is a good wheel that nothing here could try.
BUILT, KEPT, COVERED, NOT_NEEDED, UNTESTED = "built", "kept", "covered", "not needed", "untested"
FAILED, REFUSED, STOPPED = "failed", "refused", "stopped"
GOOD = (BUILT, KEPT, UNTESTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirement:
    """One thing that wheels are built of.

    Attributes:
        label: What people call it: "markupsafe>=3", "./toy".
        line: Its line in a requirements file for pip; "" for a source tree, which is made an sdist of first.
        options: Lines of pip's options that go before it, from the file that it came from.
        name: The project's normalised name; "" if only the build tells.
        open: Whether the index decides on the version.
        path: The source tree or sdist; None for what pip fetches.
    """

    label: str
    line: str
    options: tuple[str, ...] = ()
    name: str = ""
    open: bool = False
    path: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Python:
    """A Python that wheels are for.

    Attributes:
        tag: What it is.
        executable: The build Python; "" leaves the choice to `crossenv create`.
    """

    tag: PythonTag
    executable: str

    @property
    def label(self) -> str:
        """As in a wheel's tag: "cp313t"."""
        return f"{self.tag.implementation}{''.join(map(str, self.tag.version))}{self.tag.flags}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """A machine that wheels are for.

    Attributes:
        label: What people call it, and its directories: a target, or the platform tag of a host Python's wheels.
        words: How `crossenv create` is told.
    """

    label: str
    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """One combination."""

    requirement: Requirement
    python: Python
    destination: Destination

    @property
    def label(self) -> str:
        """One line that names it."""
        return f"{self.requirement.label} {self.python.label} {self.destination.label}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What came of one combination.

    Attributes:
        status: One of the words above.
        wheels: The names of the wheels in the wheel directory, the requirement's own first.
        tags: The tags of the first.
        version: Its version.
        seconds: How long it took.
        log: Where the output of the build is; None if nothing was run.
        complaint: The line that says what went wrong, or why a wheel is untested.
        hint: What may mend it; "" if nothing is known.
        exit_code: Of the failure; 0 if there was none (docs/reference/exit-codes.md).
    """

    status: str
    wheels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    version: str = ""
    seconds: float = 0.0
    log: Path | None = None
    complaint: str = ""
    hint: str = ""
    exit_code: int = 0

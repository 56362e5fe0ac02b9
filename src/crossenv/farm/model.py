"""Records of what to build, and of the results."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from crossenv.wheels.read_tags import PythonTag

# The results of a build. "untested" is a good wheel that nothing here can run.
BUILT, KEPT, COVERED, NOT_NEEDED, UNTESTED = "built", "kept", "covered", "not needed", "untested"
FAILED, REFUSED, STOPPED = "failed", "refused", "stopped"
GOOD = (BUILT, KEPT, UNTESTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirement:
    """Something to build wheels from.

    Attributes:
        label: Its name for people: "markupsafe>=3", "./toy".
        line: Its line in a requirements file; "" for a source tree, which becomes an sdist first.
        options: Option lines of the requirements file that it comes from.
        name: The project's normalised name; "" if it is not known before the build.
        open: Whether the index decides the version.
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
        tag: Its part of a wheel's tag.
        executable: The build Python; "" if `crossenv create` chooses it.
        words: Options of `crossenv create` that go with it.
    """

    tag: PythonTag
    executable: str
    words: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """As in a wheel's tag: "cp313t"."""
        return f"{self.tag.implementation}{''.join(map(str, self.tag.version))}{self.tag.flags}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """A machine that wheels are for.

    Attributes:
        label: Its name, also of directories: a target, or the platform tag of a host Python's wheels.
        words: The options for `crossenv create`.
        parts: The destinations whose wheels are merged into one for it; none if it has an environment of its own.
    """

    label: str
    words: tuple[str, ...]
    parts: tuple[Destination, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """One combination."""

    requirement: Requirement
    python: Python
    destination: Destination

    @property
    def label(self) -> str:
        """Its name, in one line."""
        return f"{self.requirement.label} {self.python.label} {self.destination.label}"

    @property
    def parts(self) -> tuple[Build, ...]:
        """The builds with an environment that it consists of: itself, or those whose wheels are merged."""
        parts = self.destination.parts
        return tuple(dataclasses.replace(self, destination=part) for part in parts) if parts else (self,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """All that shapes the wheels of one combination.

    Attributes:
        requirement: The requirement, as the user wrote it.
        python: The Python, as in a wheel's tag: "cp313".
        target: The target; for a host Python the platform tag of its wheels.
        source: A digest of the sources; for what pip fetches, the requirement.
        environment: A digest of crossenv, the compilers, the target's Python and libraries.
        circumstances: A digest of pip's options and files, of variables and of other programs.
    """

    requirement: str
    python: str
    target: str
    source: str
    environment: str
    circumstances: str

    @property
    def key(self) -> str:
        """Equal for two jobs only if they make the same wheels. The name of a source tree does not matter."""
        parts = {name: value for name, value in dataclasses.asdict(self).items() if name != "requirement"}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The result of one combination.

    Attributes:
        status: One of the words above.
        wheels: The names of the wheels in the wheel directory, the requirement's own first.
        tags: The tags of the first.
        version: Its version.
        seconds: How long it took.
        log: The output of the build; None if nothing ran.
        complaint: What went wrong, or why a wheel is untested, in one line.
        hint: What may help; "" if nothing is known.
        exit_code: The exit code of a failure (docs/reference/exit-codes.md); 0 if there is none.
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

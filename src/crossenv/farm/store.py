"""Keep wheels by their content, with an entry for each job that made some.

    STORE/wheels/SHA-256/NAME.whl
    STORE/jobs/KEY.json
    STORE/failures/KEY.json
    STORE/plans/SHA-256.json    those that a cluster works on

A file is written beside its place and then renamed, so that it is whole or missing, and writers need not wait for each
other. An entry is written after its wheels. Whoever reads a wheel compares its digest first.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crossenv.codec import WrongValueError, decode, encode
from crossenv.errors import UsageError, reason_of
from crossenv.farm.model import Job
from crossenv.files import locked, write_file

DEFAULT_NAME = ".crossenv-store"
_PART = ".crossenv-part-"
_SCHEMA = 1
_DIGEST = re.compile(r"[0-9a-f]{64}")
# A younger wheel without an entry may belong to a job that is about to write one.
_GRACE = 3600.0
# A cluster may work on a plan for days, and a failure is remembered for as long.
_LONG_GRACE = 30 * 86400.0


class DamagedWheelError(Exception):
    """A wheel of a store is missing, or is not what was put there.

    Attributes:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is damaged" if path.exists() else f"{path} is missing")
        self.path = path


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What a job made.

    Attributes:
        schema: The format's number.
        key: The job's.
        job: The job.
        version: The version of the requirement's own wheel.
        tags: Its tags; none if it serves no other combination.
        wheels: The digests (SHA-256) of the wheels by name, the requirement's own first.
        tested: Whether that one was tried on its target.
        seconds: How long the job took.
        made: When, in seconds since 1970.
    """

    schema: int = _SCHEMA
    key: str
    job: Job
    version: str
    tags: tuple[str, ...]
    wheels: dict[str, str]
    tested: bool
    seconds: float
    made: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """How a job failed that would fail again.

    Attributes:
        schema: The format's number.
        key: The job's.
        version: The version that was built; "" if nobody asked for it.
        status: "failed" or "refused".
        complaint: Why.
        hint: What may help.
        exit_code: The exit code that goes with it.
        made: When, in seconds since 1970.
    """

    schema: int = _SCHEMA
    key: str
    version: str
    status: str
    complaint: str
    hint: str
    exit_code: int
    made: float


class Store:
    """A store.

    Attributes:
        directory: Where it is.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._wheels, self._jobs = directory / "wheels", directory / "jobs"
        self._plans, self._failures = directory / "plans", directory / "failures"

    def open(self) -> None:
        """Make the store.

        Raises:
            UsageError: It cannot be written.
        """
        try:
            for place in (self._wheels, self._jobs):
                place.mkdir(parents=True, exist_ok=True)
            probe = self._jobs / f".probe-{secrets.token_hex(6)}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise UsageError(
                f"the store {self.directory} cannot be written: {reason_of(error)}", hint="name another --store"
            ) from None

    def require(self) -> None:
        """Refuse a directory that is not a store.

        Raises:
            UsageError: It is not one.
        """
        if not self._jobs.is_dir():
            raise UsageError(
                f"{self.directory} is not a store",
                hint=f"name the --store of crossenv wheel; by default it is WHEEL-DIR/{DEFAULT_NAME}",
            )

    def entry(self, key: str) -> Entry | None:
        """Return the entry of a job; None if there is no good one."""
        try:
            entry = decode(Entry, json.loads((self._jobs / f"{key}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, WrongValueError):
            # The job runs again.
            return None
        plain = all(os.path.basename(name) == name for name in entry.wheels)  # noqa: PTH119
        digests = all(map(_DIGEST.fullmatch, entry.wheels.values()))
        good = entry.schema == _SCHEMA and entry.key == key == entry.job.key and plain and digests and entry.wheels
        return entry if good else None

    def entries(self) -> Iterator[Entry]:
        """Yield the good entries, the oldest first."""
        found = [self.entry(path.stem) for path in self._jobs.glob("*.json")]
        yield from sorted((one for one in found if one is not None), key=lambda entry: (entry.made, entry.key))

    def path(self, name: str, digest: str) -> Path:
        """Return where a wheel is."""
        return self._wheels / digest / name

    def read(self, entry: Entry) -> tuple[Path, ...]:
        """Return the wheels of an entry, after a look at each.

        Raises:
            DamagedWheelError: One is missing or damaged.
        """
        paths = []
        for name, digest in entry.wheels.items():
            path = self.path(name, digest)
            if not path.is_file() or hash_of(path) != digest:
                raise DamagedWheelError(path)
            paths.append(path)
        return tuple(paths)

    def write(self, entry: Entry, wheels: Sequence[Path]) -> None:
        """Put wheels into the store, then the entry.

        Args:
            entry: The entry, with the digests of the wheels.
            wheels: Their files.
        """
        for wheel in wheels:
            place = self.path(wheel.name, entry.wheels[wheel.name])
            if place.is_file() and hash_of(place) == entry.wheels[wheel.name]:
                # `collect` leaves what was in use a moment ago.
                os.utime(place)
                continue
            place.parent.mkdir(exist_ok=True)
            copy(wheel, place)
        write_file(self._jobs / f"{entry.key}.json", encode(entry))
        (self._failures / f"{entry.key}.json").unlink(missing_ok=True)

    def failure(self, key: str) -> Failure | None:
        """Return how a job failed; None if that is not known."""
        try:
            failure = decode(Failure, json.loads((self._failures / f"{key}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, WrongValueError):
            return None
        return failure if failure.schema == _SCHEMA and failure.key == key else None

    def write_failure(self, failure: Failure) -> None:
        """Remember how a job failed."""
        self._failures.mkdir(exist_ok=True)
        write_file(self._failures / f"{failure.key}.json", encode(failure))

    def write_plan(self, text: str) -> Path:
        """Put a plan where the machines of a cluster find it; return its file."""
        self._plans.mkdir(exist_ok=True)
        place = self._plans / f"{hashlib.sha256(text.encode()).hexdigest()}.json"
        write_file(place, text)
        return place

    def remove(self, entry: Entry) -> None:
        """Forget a job; `collect` removes the wheels that no other one has."""
        (self._jobs / f"{entry.key}.json").unlink(missing_ok=True)

    def collect(self) -> list[Path]:
        """Remove wheels without an entry, damaged entries, half-written files, old plans and failures; return which."""
        entries = {entry.key: entry for entry in self.entries()}
        used = {self.path(name, digest) for entry in entries.values() for name, digest in entry.wheels.items()}
        before = time.time() - _GRACE
        removed = []
        for path in [*self._wheels.glob("*/*"), *self._jobs.iterdir()]:
            kept = path in used or (path.parent == self._jobs and path.stem in entries and path.name[0] != ".")
            with contextlib.suppress(FileNotFoundError):
                if not kept and path.stat().st_mtime < before:
                    path.unlink()
                    removed.append(path)
        for path in (*self._plans.glob("*"), *self._failures.glob("*")):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - _LONG_GRACE:
                    path.unlink()
                    removed.append(path)
        for directory in self._wheels.iterdir():
            # Only those that are empty.
            with contextlib.suppress(OSError):
                directory.rmdir()
        return removed


class Stores:
    """Several stores: the first is read and written, the others are only read.

    Args:
        first: The first.
        others: The others, in the order in which they are asked.
    """

    def __init__(self, first: Store, others: Sequence[Store] = ()) -> None:
        self.first, self._others = first, others

    def find(self, key: str, warn: Callable[[str], None]) -> tuple[Entry, tuple[Path, ...]] | None:
        """Return what the first store that has a good result of a job knows about it.

        Args:
            key: The job's key.
            warn: Called for a wheel that is damaged.
        """
        for store in (self.first, *self._others):
            entry = store.entry(key)
            if entry is not None:
                try:
                    return entry, store.read(entry)
                except DamagedWheelError as error:
                    warn(f"{error}: it is not used")
        return None


class WheelDirectory:
    """Where a run puts its wheels for the user.

    Attributes:
        directory: Where it is.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = threading.Lock()
        self._placed: set[str] = set()

    def open(self) -> None:
        """Make the directory, or remove half-written files of a run that was killed.

        Raises:
            UsageError: It cannot be written.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with locked(self.directory):
                for path in self.directory.glob(f"{_PART}*"):
                    path.unlink()
                (self.directory / f"{_PART}probe").touch()
                (self.directory / f"{_PART}probe").unlink()
        except OSError as error:
            raise UsageError(
                f"{self.directory} cannot be written: {reason_of(error)}", hint="name another --wheel-dir"
            ) from None

    def place(self, wheels: Sequence[Path]) -> tuple[str, ...]:
        """Put wheels into the directory; of several with one name in one run, the first stays.

        Returns:
            The names of those that this run had not put there already.
        """
        new = []
        with self._lock, locked(self.directory):
            for wheel in wheels:
                place = self.directory / wheel.name
                if wheel.name in self._placed and place.exists():
                    continue
                if not place.is_file() or hash_of(place) != hash_of(wheel):
                    copy(wheel, place)
                self._placed.add(wheel.name)
                new.append(wheel.name)
        return tuple(new)


def copy(source: Path, place: Path) -> None:
    """Copy a file completely or not at all."""
    part = place.with_name(f"{_PART}{secrets.token_hex(6)}")
    try:
        shutil.copyfile(source, part)
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()

"""Keep wheels by their content, with an entry for each job that made some.

    STORE/wheels/SHA-256/NAME.whl
    STORE/jobs/KEY.json
    STORE/failures/KEY.json
    STORE/plans/SHA-256.json    those that a cluster works on

Writers do not wait for each other. An entry is written after its wheels. Whoever reads a wheel compares its digest
first.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crossenv.codec import WrongValueError, decode, encode
from crossenv.errors import UsageError, reason_of
from crossenv.farm.model import Job
from crossenv.farm.shelves import PART, copy, hash_of, shelf_of
from crossenv.files import locked

DEFAULT_NAME = ".crossenv-store"
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

    def __init__(self, path: str, fault: str) -> None:
        super().__init__(f"{path} is {fault}")
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

    Args:
        place: Its directory, or a URL of fsspec.

    Attributes:
        name: What users call it.
    """

    def __init__(self, place: str | Path) -> None:
        self._shelf = shelf_of(str(place))
        self.name = self._shelf.name

    def open(self) -> None:
        """Make the store.

        Raises:
            UsageError: It cannot be written.
        """
        try:
            self._shelf.open()
        except OSError as error:
            raise UsageError(
                f"the store {self.name} cannot be written: {reason_of(error)}", hint="name another --store"
            ) from None

    def require(self) -> None:
        """Refuse a place that is not a store.

        Raises:
            UsageError: It is not one.
        """
        try:
            good = self._shelf.exists()
        except OSError as error:
            raise UsageError(
                f"the store {self.name} cannot be read: {reason_of(error)}", hint="check its address and your rights"
            ) from None
        if not good:
            raise UsageError(
                f"{self.name} is not a store",
                hint=f"name the --store of crossenv wheel; by default it is WHEEL-DIR/{DEFAULT_NAME}",
            )

    def entry(self, key: str) -> Entry | None:
        """Return the entry of a job; None if there is no good one."""
        return _entry(key, self._shelf.read(f"jobs/{key}.json"))

    def entries(self) -> Iterator[Entry]:
        """Yield the good entries, the oldest first."""
        found = [_entry(Path(name).stem, data) for name, data in self._shelf.read_all("jobs").items()]
        yield from sorted((one for one in found if one is not None), key=lambda entry: (entry.made, entry.key))

    def holds(self, wheels: Sequence[Path]) -> bool:
        """Whether these are wheels that this store has returned."""
        return all(self._shelf.root in wheel.parents for wheel in wheels)

    def read(self, entry: Entry) -> tuple[Path, ...]:
        """Return files with the wheels of an entry, after a look at each.

        Raises:
            DamagedWheelError: One is missing or damaged.
        """
        paths = []
        for name, digest in entry.wheels.items():
            path = self._shelf.fetch(_wheel(name, digest))
            if path is None or hash_of(path) != digest:
                fault = "missing" if path is None else "damaged"
                raise DamagedWheelError(f"{self.name}/{_wheel(name, digest)}", fault)
            paths.append(path)
        return tuple(paths)

    def write(self, entry: Entry, wheels: Sequence[Path]) -> None:
        """Put wheels into the store, then the entry.

        Args:
            entry: The entry, with the digests of the wheels.
            wheels: Their files.
        """
        for wheel in wheels:
            digest = entry.wheels[wheel.name]
            self._shelf.put(_wheel(wheel.name, digest), wheel, digest)
        self._shelf.write(f"jobs/{entry.key}.json", encode(entry).encode())
        self._shelf.remove(f"failures/{entry.key}.json")

    def failure(self, key: str) -> Failure | None:
        """Return how a job failed; None if that is not known."""
        try:
            failure = decode(Failure, json.loads(self._shelf.read(f"failures/{key}.json") or b""))
        except (ValueError, WrongValueError):
            return None
        return failure if failure.schema == _SCHEMA and failure.key == key else None

    def write_failure(self, failure: Failure) -> None:
        """Remember how a job failed."""
        self._shelf.write(f"failures/{failure.key}.json", encode(failure).encode())

    def write_plan(self, text: str) -> str:
        """Put a plan where the machines of a cluster find it; return its name."""
        name = f"plans/{hashlib.sha256(text.encode()).hexdigest()}.json"
        self._shelf.write(name, text.encode())
        return name

    def write_log(self, log: Path) -> str:
        """Put the log of a job where others find it; return its name."""
        self._shelf.write(f"logs/{log.name}", log.read_bytes())
        return f"logs/{log.name}"

    def fetch(self, name: str) -> Path | None:
        """Return a file with this plan, or log; None if there is none."""
        return self._shelf.fetch(name)

    def remove(self, entry: Entry) -> None:
        """Forget a job; `collect` removes the wheels that no other one has."""
        self._shelf.remove(f"jobs/{entry.key}.json")

    def collect(self) -> list[str]:
        """Remove wheels without an entry, damaged entries, half-written files, old plans and failures; return which."""
        entries = list(self.entries())
        used = {_wheel(name, digest) for entry in entries for name, digest in entry.wheels.items()}
        used |= {f"jobs/{entry.key}.json" for entry in entries}
        left = [name for folder in ("wheels", "jobs") for name in self._shelf.names(folder) if name not in used]
        old = [name for folder in ("plans", "failures") for name in self._shelf.names(folder)]
        removed = []
        for names, grace in ((left, _GRACE), (old, _LONG_GRACE)):
            for name in names:
                modified = self._shelf.modified(name)
                if modified is not None and modified < time.time() - grace:
                    self._shelf.remove(name)
                    removed.append(f"{self.name}/{name}")
        return removed


def _wheel(name: str, digest: str) -> str:
    return f"wheels/{digest}/{name}"


def _entry(key: str, data: bytes | None) -> Entry | None:
    """Read an entry; None if it is damaged: its job runs again."""
    try:
        entry = decode(Entry, json.loads(data or b""))
    except (ValueError, WrongValueError):
        return None
    plain = all(os.path.basename(name) == name for name in entry.wheels)  # noqa: PTH119
    digests = all(map(_DIGEST.fullmatch, entry.wheels.values()))
    good = entry.schema == _SCHEMA and entry.key == key == entry.job.key and plain and digests and entry.wheels
    return entry if good else None


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
                for path in self.directory.glob(f"{PART}*"):
                    path.unlink()
                (self.directory / f"{PART}probe").touch()
                (self.directory / f"{PART}probe").unlink()
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

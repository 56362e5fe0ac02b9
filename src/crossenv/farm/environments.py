"""Make the throw-away environments of a run when they are needed, and remove them after their last build."""

from __future__ import annotations

import shutil
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crossenv.environment.fingerprint import fingerprint, own_code
from crossenv.errors import CrossenvError
from crossenv.farm.circumstances import digest_of
from crossenv.farm.complaint import complaint_of, hint_of
from crossenv.farm.model import Build
from crossenv.farm.processes import Children
from crossenv.files import locked, write_file
from crossenv.record import Record, load_record

# In an environment that is shared: its key, written when all of it is there.
_READY = "etc/shared-key"


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """An environment that is ready.

    Attributes:
        root: Where it is.
        record: Its record.
        key: Equal for environments that make the same wheels.
    """

    root: Path
    record: Record
    key: str


class EnvironmentFailedError(Exception):
    """`crossenv create`, or the installation of build requirements, failed.

    Attributes:
        complaint: Why.
        hint: What may mend it.
        exit_code: The child's.
        log: Its output.
    """

    def __init__(self, complaint: str, hint: str, exit_code: int, log: Path) -> None:
        super().__init__(complaint)
        self.complaint, self.hint, self.exit_code, self.log = complaint, hint, exit_code, log


@dataclass
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    ready: Environment | None = None
    failure: EnvironmentFailedError | None = None


class Environments:
    """The environments, one for each Python and destination.

    `crossenv create` runs as a child: virtualenv has global state, a child can be ended, and its notes go to a log.

    Args:
        place: Where they are made.
        builds: The builds that will ask.
        logs: Where the output of the children goes.
        words: The options of `crossenv create` that all have.
        installs: Requirements that the build sides get.
        environment: The variables of the children.
        index: Variables of pip that say where these requirements come from.
        keep: Whether to keep them.
        shared: A directory of environments that other runs make and use too, and that stay there.
    """

    def __init__(
        self,
        place: Path,
        builds: Sequence[Build],
        *,
        logs: Path,
        words: Sequence[str],
        installs: Sequence[str],
        environment: Mapping[str, str],
        index: Mapping[str, str],
        keep: bool,
        shared: Path | None = None,
    ) -> None:
        self._place, self._logs, self._words, self._installs, self._keep = place, logs, words, installs, keep
        self._shared = shared
        self._environment, self._index = environment, index
        parts = [part for build in builds for part in build.parts]
        self._slots = {_key(part): _Slot() for part in parts}
        self._users = Counter(map(_key, parts))
        for part in parts:
            # Of an earlier run.
            self.log(part).unlink(missing_ok=True)
        self._lock = threading.Lock()

    def log(self, build: Build) -> Path:
        """Return the log of making a build's environment."""
        return self._logs / f"environment-{_key(build)}.log"

    def get(self, build: Build, children: Children) -> Environment:
        """Return the environment of a build; other builds that need it wait until it is made.

        Raises:
            EnvironmentFailedError: It cannot be made. Every build that needs it gets this error.
        """
        slot = self._slots[_key(build)]
        with slot.lock:
            if slot.failure is not None:
                raise slot.failure
            if slot.ready is None:
                try:
                    slot.ready = self._share(build, children)
                except EnvironmentFailedError as error:
                    slot.failure = error
                    raise
            return slot.ready

    def release(self, build: Build) -> None:
        """Note that a build is done with its environments."""
        for key in map(_key, build.parts):
            with self._lock:
                self._users[key] -= 1
                last = not self._users[key]
            if last and not self._keep and self._shared is None:
                shutil.rmtree(self._place / key, ignore_errors=True)

    def _share(self, build: Build, children: Children) -> Environment:
        """Make an environment, or take the one that another run has made."""
        if self._shared is None:
            return self._make(build, children, self._place / _key(build))
        words = (*self._words, *self._words_of(build), *self._installs, *self._index.values(), own_code())
        root = self._shared / f"{_key(build)}-{digest_of(words, self._environment)[:12]}"
        with locked(self._shared, root.name):
            environment = _left(root)
            if environment is None:
                shutil.rmtree(root, ignore_errors=True)
                environment = self._make(build, children, root)
                write_file(root / _READY, environment.key)
            return environment

    def _words_of(self, build: Build) -> tuple[str, ...]:
        python = ("--python", build.python.executable) if build.python.executable else ()
        return (*build.destination.words, *python, *build.python.words)

    def _make(self, build: Build, children: Children, root: Path) -> Environment:
        log = self.log(build)
        words = [sys.executable, "-m", "crossenv", "create", "-v", *self._words, *self._words_of(build), str(root)]
        own = {name: value for name, value in self._environment.items() if not name.startswith("CROSSENV_")}
        status = children.run(words, log, own, self._place)
        if not status and self._installs:
            status = children.run(
                [str(root / "bin/build-pip"), "install", "--no-input", "--disable-pip-version-check", *self._installs],
                log,
                {**self._environment, **self._index},
            )
        if status:
            text = log.read_text(encoding="utf-8", errors="replace")
            raise EnvironmentFailedError(complaint_of(text), hint_of(text), status, log)
        try:
            return _read(root)
        except CrossenvError as error:
            raise EnvironmentFailedError(error.message, error.hint, error.exit_code, log) from None


def _key(build: Build) -> str:
    return f"{build.python.label}-{build.destination.label}"


def _left(root: Path) -> Environment | None:
    """Return the environment that another run has left, if it is whole and its compilers are still the same."""
    try:
        environment = _read(root)
        return environment if (root / _READY).read_text(encoding="utf-8") == environment.key else None
    except (OSError, CrossenvError):
        return None


def _read(root: Path) -> Environment:
    record = load_record(root)
    return Environment(root=root, record=record, key=fingerprint(record))

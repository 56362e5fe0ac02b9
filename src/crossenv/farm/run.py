"""Builds all combinations, several at a time; what one does is no other's business."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name, parse_wheel_filename

from crossenv.errors import AuditError, BuildError
from crossenv.farm.complaint import complaint_of, hint_of, refusal_in
from crossenv.farm.environments import Environment, EnvironmentFailedError, Environments
from crossenv.farm.model import (
    BUILT,
    COVERED,
    FAILED,
    GOOD,
    KEPT,
    NOT_NEEDED,
    REFUSED,
    STOPPED,
    Build,
    Outcome,
    Requirement,
)
from crossenv.farm.pip_words import pip_variables
from crossenv.farm.processes import Children, EndedError
from crossenv.farm.progress import Board
from crossenv.farm.release import covering, released
from crossenv.farm.requirements import pinned
from crossenv.farm.sources import SdistError, Source, source_of
from crossenv.farm.store import Store
from crossenv.wheels.audit import audit_wheel
from crossenv.wheels.model import ERROR
from crossenv.wheels.seal import STATUS_VARIABLE
from crossenv.wheels.tags import Host

_NOT_IN_LOG_NAMES = re.compile(r"[^A-Za-z0-9._+=-]+")
# Of these the environments know by their options; a child must not hear it a second time.
_OWN_VARIABLES = ("CROSSENV_ROLE", "CROSSENV_RECORD", "CROSSENV_REPAIR")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """How everything is built.

    Attributes:
        create: Options of `crossenv create`.
        pip: Options of `pip wheel`.
        deps: Whether wheels of what the requirements need are wanted too.
        build_installs: What the build sides get, for builds without isolation.
        rebuild: Whether to build what is there already.
        fail_fast: Whether a failure ends the rest.
        allow_pure: Projects that may lose their extension modules.
        jobs: How many combinations are built at a time.
        keep_environments: Whether to leave the environments there.
        test: Whether each wheel is tried on its host, under an emulator.
    """

    create: tuple[str, ...]
    pip: tuple[str, ...]
    deps: bool
    build_installs: tuple[str, ...]
    rebuild: bool
    fail_fast: bool
    allow_pure: tuple[str, ...]
    jobs: int
    keep_environments: bool
    test: bool

    @property
    def digest(self) -> str:
        """The same as long as the same would be built with it."""
        said = [self.create, self.pip, self.deps, self.build_installs, self.test]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


class Run:
    """One run.

    Attributes:
        outcomes: What is known so far.
    """

    def __init__(
        self,
        builds: Sequence[Build],
        wishes: Wishes,
        *,
        place: Path,
        logs: Path,
        store: Store,
        environ: Mapping[str, str],
        board: Board,
    ) -> None:
        self.outcomes: dict[Build, Outcome] = {}
        self._builds = list(builds)
        self._wishes, self._place, self._logs, self._store, self._board = wishes, place, logs, store, board
        self._environment = {name: value for name, value in environ.items() if name not in _OWN_VARIABLES}
        self._children = Children()
        self._sources: dict[Requirement, Source] = {}
        self._versions: dict[tuple[Requirement, str], str] = {}
        (place / "environments").mkdir()
        self._environments = Environments(
            place / "environments",
            builds,
            words=wishes.create,
            installs=wishes.build_installs,
            environment=self._environment,
            index=pip_variables(wishes.pip),
            keep=wishes.keep_environments,
        )

    def all(self) -> Mapping[Build, Outcome]:
        """Build everything.

        Raises:
            KeyboardInterrupt: After the children were ended.
        """
        by_requirement: dict[Requirement, list[Build]] = {}
        for build in self._builds:
            by_requirement.setdefault(build.requirement, []).append(build)
        preparing: dict[Future[dict[Build, Outcome]], Requirement] = {}
        building: dict[Future[Outcome], Build] = {}
        with ThreadPoolExecutor(self._wishes.jobs) as pool:
            try:
                waiting = list(by_requirement)
                while True:
                    while waiting and len(preparing) + len(building) < self._wishes.jobs:
                        requirement = waiting.pop(0)
                        future = pool.submit(self._prepare, requirement, by_requirement[requirement])
                        preparing[future] = requirement
                    known = {one: builds for one, builds in by_requirement.items() if one in self._sources}
                    # What a preparation has found is told when it is done, and not before.
                    for requirement in preparing.values():
                        known.pop(requirement, None)
                    for build in self._startable(known, set(building.values())):
                        if len(preparing) + len(building) < self._wishes.jobs:
                            self._board.started(build)
                            building[pool.submit(self._build, build)] = build
                    if not preparing and not building:
                        return self.outcomes
                    everything: list[Future[Any]] = [*preparing, *building]
                    done, _ = wait(everything, timeout=self._board.pace, return_when=FIRST_COMPLETED)
                    for prepared in done & preparing.keys():
                        del preparing[prepared]
                        for build, outcome in prepared.result().items():
                            self._note(build, outcome)
                    for built in done & building.keys():
                        self._note(building.pop(built), built.result())
                    self._board.tick()
            except BaseException:
                self._children.end()
                raise

    def _startable(self, by_requirement: Mapping[Requirement, Sequence[Build]], running: set[Build]) -> list[Build]:
        """What may be built now; those that a wheel covers already are done."""
        found = []
        for builds in by_requirement.values():
            for build in builds:
                made = None if self._wishes.deps else covering(build, self.outcomes)
                if made is not None and build not in self.outcomes and build not in running:
                    outcome = self.outcomes[made]
                    self._note(build, replace(outcome, status=COVERED, seconds=0.0, log=None))
            if self._wishes.deps:
                found += [build for build in builds if build not in self.outcomes and build not in running]
            else:
                found += released(builds, self.outcomes, running)
        return found

    def _note(self, build: Build, outcome: Outcome) -> None:
        self.outcomes[build] = outcome
        self._environments.release(build)
        if outcome.status in GOOD:
            self._versions.setdefault((build.requirement, build.python.label), outcome.version)
        if outcome.status != STOPPED:
            self._board.finished(build, outcome)
        if outcome.exit_code and self._wishes.fail_fast and outcome.status != STOPPED:
            self._children.end()
            for other in self._builds:
                if other not in self.outcomes:
                    self.outcomes[other] = Outcome(status=STOPPED)

    def _prepare(self, requirement: Requirement, builds: Sequence[Build]) -> dict[Build, Outcome]:
        """Make the sdist of a source tree; find out what is there already."""
        number = list(dict.fromkeys(build.requirement for build in self._builds)).index(requirement)
        log = self._log_of(f"sdist-{requirement.label}")
        try:
            source = source_of(
                requirement,
                place=self._place / f"sdist-{number}",
                log=log,
                children=self._children,
                environment=self._environment,
                pip=self._wishes.pip,
            )
        except SdistError as error:
            outcome = Outcome(status=FAILED, log=log, complaint=error.message, exit_code=error.exit_code)
            return dict.fromkeys(builds, outcome)
        except EndedError:
            return dict.fromkeys(builds, Outcome(status=STOPPED))
        except OSError as error:
            outcome = Outcome(status=FAILED, complaint=str(error), exit_code=BuildError.exit_code)
            return dict.fromkeys(builds, outcome)
        found = {}
        for build in builds if not self._wishes.rebuild else ():
            wheels = self._store.kept(self._key(build, source))
            reports = [audit_wheel(wheel) for wheel in wheels]
            if wheels and not any(report.failed() for report in reports):
                found[build] = self._good(KEPT, build, wheels)
        self._sources[requirement] = source
        return found

    def _build(self, build: Build) -> Outcome:
        started = time.monotonic()
        log = self._log_of(build.label)
        try:
            outcome = self._tried(build, log)
        except EndedError:
            outcome = Outcome(status=STOPPED, log=log)
        except EnvironmentFailedError as error:
            outcome = Outcome(
                status=FAILED, log=error.log, complaint=str(error), hint=error.hint, exit_code=error.exit_code
            )
        except OSError as error:
            outcome = Outcome(status=FAILED, log=log, complaint=str(error), exit_code=BuildError.exit_code)
        return replace(outcome, seconds=round(time.monotonic() - started, 1))

    def _tried(self, build: Build, log: Path) -> Outcome:
        self._board.stage(build, "making the environment")
        environment = self._environments.get(build, self._logs, self._children)
        self._board.stage(build, "building")
        place = self._place / f"wheels-{build.python.label}-{build.destination.label}-{self._builds.index(build)}"
        place.mkdir()
        asked = place / "requirements.txt"
        asked.write_text(
            "".join(f"{line}\n" for line in (*build.requirement.options, self._line(build))), encoding="utf-8"
        )
        words = [str(environment.root / "bin/cross-pip"), "wheel", "--no-input", "--disable-pip-version-check"]
        words += ["--progress-bar", "off", *([] if self._wishes.deps else ["--no-deps"]), *self._wishes.pip]
        words += ["--wheel-dir", str(place), "-r", str(asked)]
        judged = place / "judged"
        judged.mkdir()
        status = self._children.run(words, log, {**self._environment, STATUS_VARIABLE: str(judged)})
        if status:
            refusal = refusal_in(judged)
            if refusal is not None:
                complaint, hint = refusal
                return Outcome(status=REFUSED, log=log, complaint=complaint, hint=hint, exit_code=AuditError.exit_code)
            text = log.read_text(encoding="utf-8", errors="replace")
            return Outcome(
                status=FAILED,
                log=log,
                complaint=complaint_of(text),
                hint=hint_of(text),
                exit_code=BuildError.exit_code,
            )
        wheels = self._own_first(build, sorted(place.glob("*.whl")))
        if not wheels:
            # Its marker says so, and pip with it.
            return Outcome(status=NOT_NEEDED, log=log)
        self._board.stage(build, "auditing")
        faults = [fault for wheel in wheels for fault in faults_of(wheel, environment.host)]
        if faults:
            with log.open("a", encoding="utf-8") as file:
                file.writelines(f"crossenv: error: {fault}\n" for fault in faults)
            return Outcome(status=REFUSED, log=log, complaint=faults[0], exit_code=AuditError.exit_code)
        if self._wishes.test:
            self._board.stage(build, "testing")
            failure = self._failure_on_host(environment, wheels[0], log)
            if failure is not None:
                return failure
        new = self._store.publish(self._key(build, self._sources[build.requirement]), wheels)
        outcome = self._good(BUILT, build, wheels, log)
        return outcome if new or self._wishes.deps else replace(outcome, status=COVERED)

    def _failure_on_host(self, environment: Environment, wheel: Path, log: Path) -> Outcome | None:
        """Install and import the wheel on its host; None if that works."""
        own = log.with_suffix(".test.log")
        own.unlink(missing_ok=True)
        words = [sys.executable, "-m", "crossenv", "test", "--env", str(environment.root), str(wheel)]
        status = self._children.run(words, own, self._environment)
        if not status:
            return None
        text = own.read_text(encoding="utf-8", errors="replace")
        return Outcome(status=REFUSED, log=own, complaint=complaint_of(text), hint=hint_of(text), exit_code=status)

    def _good(self, status: str, build: Build, wheels: Sequence[Path], log: Path | None = None) -> Outcome:
        name, version, _, tags = parse_wheel_filename(wheels[0].name)
        # A wheel that was allowed to lose its extension modules says nothing of other machines.
        allowed = {one if one == "*" else canonicalize_name(one) for one in self._wishes.allow_pure}
        told = () if {"*", str(name)} & allowed else tuple(sorted(map(str, tags)))
        return Outcome(
            status=status, wheels=tuple(wheel.name for wheel in wheels), tags=told, version=str(version), log=log
        )

    def _own_first(self, build: Build, wheels: list[Path]) -> list[Path]:
        """The wheel of what was named before those of what it needs."""
        own = build.requirement.name
        return sorted(wheels, key=lambda wheel: bool(own) and str(parse_wheel_filename(wheel.name)[0]) != own)

    def _line(self, build: Build) -> str:
        """What pip is asked for: one version for all machines, if there is one already for this Python."""
        line = self._sources[build.requirement].line
        version = self._versions.get((build.requirement, build.python.label))
        if not build.requirement.open or version is None:
            return line
        return pinned(line, version)

    def _key(self, build: Build, source: Source) -> str:
        destination = " ".join(build.destination.words)
        return " | ".join([source.identity, build.python.label, destination, self._wishes.digest])

    def _log_of(self, label: str) -> Path:
        path = self._logs / f"{_NOT_IN_LOG_NAMES.sub('-', label).strip('-.')}.log"
        path.unlink(missing_ok=True)
        return path


def faults_of(wheel: Path, host: Host) -> list[str]:
    """What an audit finds wrong with a wheel, one line each."""
    report = audit_wheel(wheel, host)
    return [
        " ".join(filter(None, (wheel.name, finding.path, finding.message)))
        for finding in report.findings
        if finding.severity == ERROR
    ]

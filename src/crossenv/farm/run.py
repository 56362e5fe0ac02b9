"""Build all combinations, several at a time and independently of each other."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from crossenv.environment.fingerprint import SHARES
from crossenv.errors import AuditError, BuildError, EmulatorError, UsageError, fault_of_the_machine
from crossenv.farm.budget import Budget, was_killed
from crossenv.farm.circumstances import digest_of
from crossenv.farm.complaint import complaint_of, hint_of, is_passing, refusal_in
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
    UNTESTED,
    Build,
    Job,
    Requirement,
    Result,
)
from crossenv.farm.newest import newest_version
from crossenv.farm.processes import Children, EndedError
from crossenv.farm.progress import Board
from crossenv.farm.release import EVERYTHING, covering, released, scope_of
from crossenv.farm.requirements import pinned, pip_arguments, pip_variables, settings_in
from crossenv.farm.shelves import hash_of
from crossenv.farm.sources import SdistError, Source, source_of
from crossenv.farm.store import Entry, Failure, Stores, WheelDirectory
from crossenv.record import Record
from crossenv.wheels.audit import audit_wheel
from crossenv.wheels.merge import merge_all
from crossenv.wheels.model import ERROR
from crossenv.wheels.seal import STATUS_VARIABLE

_NOT_IN_LOG_NAMES = re.compile(r"[^A-Za-z0-9._+=-]+")
# The environments have these as options already.
_OWN_VARIABLES = ("CROSSENV_ROLE", "CROSSENV_RECORD", "CROSSENV_REPAIR")

# A good result with its wheels, or a failure.
_Outcome = Result | tuple[Result, tuple[Path, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildOptions:
    """How to build.

    Attributes:
        create: Options of `crossenv create`.
        pip: Options of `pip wheel`.
        deps: Whether to build the dependencies too.
        build_installs: What to install on the build sides, for builds without isolation.
        rebuild: Whether to build even what is there already.
        only_new: Whether to ask the index for newer versions, and not to build again what failed and would fail again.
        fail_fast: Whether to stop at the first failure.
        allow_pure: Projects that may lose their extension modules.
        jobs: How many combinations to build at a time.
        keep_environments: Whether to keep the environments.
        environments: A directory of environments to share with other runs; "" for none.
        test: Whether to try each wheel on its target, under an emulator.
        host_roots: Root file systems of targets with interpreters, for trying wheels.
    """

    create: tuple[str, ...]
    pip: tuple[str, ...]
    deps: bool
    build_installs: tuple[str, ...]
    rebuild: bool
    only_new: bool
    fail_fast: bool
    allow_pure: tuple[str, ...]
    jobs: int
    keep_environments: bool
    environments: str
    test: bool
    host_roots: tuple[str, ...]


class Run:
    """One run.

    Args:
        builds: The combinations.
        options: How to build them.
        place: A directory for this run alone.
        logs: Where the logs go.
        wheels: Where the wheels go.
        stores: Where they are kept.
        environ: The environment.
        board: Shows how the run goes.
        planned: The jobs that a plan expects.

    Attributes:
        results: What is known so far.
        jobs: The job of each combination whose environment was made.
        compilers: Its compiler, for people.
        untested: After a survey, those whose wheels are kept and have yet to be tried.
    """

    def __init__(
        self,
        builds: Sequence[Build],
        options: BuildOptions,
        *,
        place: Path,
        logs: Path,
        wheels: WheelDirectory,
        stores: Stores,
        environ: Mapping[str, str],
        board: Board,
        planned: Mapping[Build, Job] | None = None,
    ) -> None:
        self.results: dict[Build, Result] = {}
        self.jobs: dict[Build, Job] = {}
        self.compilers: dict[Build, str] = {}
        self.untested: set[Build] = set()
        self._builds = list(builds)
        self._options, self._place, self._logs, self._board = options, place, logs, board
        self._wheels, self._stores, self._planned = wheels, stores, planned or {}
        self._environment = {name: value for name, value in environ.items() if name not in _OWN_VARIABLES}
        # Builds use UTF-8 names in any locale.
        self._environment["PYTHONUTF8"] = "1"
        self._children = Children()
        self._cores = len(os.sched_getaffinity(0))
        self._budget = Budget(self._cores)
        self._sources: dict[Requirement, Source] = {}
        self._versions: dict[tuple[Requirement, str], str] = {}
        self._newest_versions: dict[tuple[Requirement, str], str] = {}
        self._asking = threading.Lock()
        self._outcomes: dict[Build, _Outcome] = {}
        self._locks = {one: threading.Lock() for build in builds for one in (build, *build.parts)}
        # Parts that are not combinations themselves are shown as those that they belong to.
        self._shown_as = {part: build for build in builds for part in build.parts if part not in builds}
        (place / "environments").mkdir()
        self._environments = Environments(
            place / "environments",
            builds,
            logs=logs,
            words=options.create,
            installs=options.build_installs,
            environment=self._environment,
            index=pip_variables(options.pip),
            keep=options.keep_environments,
            shared=Path(options.environments) if options.environments else None,
        )

    def all(self) -> Mapping[Build, Result]:
        """Build everything.

        Raises:
            KeyboardInterrupt: After the children were ended.
        """
        by_requirement = self._by_requirement()
        preparing: dict[Future[dict[Build, Result]], Requirement] = {}
        building: dict[Future[Result], Build] = {}
        with ThreadPoolExecutor(self._options.jobs) as pool:
            try:
                waiting = list(by_requirement)
                while True:
                    while waiting and len(preparing) + len(building) < self._options.jobs:
                        requirement = waiting.pop(0)
                        if requirement.path is not None and requirement.path.is_dir():
                            self._board.started(requirement, "making its sdist")
                        future = pool.submit(self._prepare, requirement, by_requirement[requirement])
                        preparing[future] = requirement
                    known = {one: builds for one, builds in by_requirement.items() if one in self._sources}
                    # A source is used only when its preparation has finished.
                    for requirement in preparing.values():
                        known.pop(requirement, None)
                    startable = self._startable(known, set(building.values()))
                    busy = min(self._options.jobs, len(preparing) + len(building) + len(startable))
                    for build in startable:
                        if len(preparing) + len(building) < self._options.jobs:
                            self._board.started(build)
                            building[pool.submit(self._build, build, max(1, self._cores // busy))] = build
                    if not preparing and not building:
                        return self.results
                    everything: list[Future[Any]] = [*preparing, *building]
                    done, _ = wait(everything, timeout=self._board.pace, return_when=FIRST_COMPLETED)
                    for prepared in done & preparing.keys():
                        self._board.prepared(preparing.pop(prepared))
                        for build, result in prepared.result().items():
                            self._note(build, result)
                    for built in done & building.keys():
                        self._note(building.pop(built), built.result())
                    self._board.tick()
            except BaseException:
                self._children.end()
                raise

    def survey(self) -> Mapping[Build, Result]:
        """Prepare everything and build nothing; return what is kept, and what cannot be built.

        Raises:
            KeyboardInterrupt: After the children were ended.
        """
        by_requirement = self._by_requirement()
        with ThreadPoolExecutor(self._options.jobs) as pool:
            try:
                for failed in pool.map(self._prepare, by_requirement, by_requirement.values()):
                    self.results.update(failed)
                left = [build for build in self._builds if build not in self.results]
                for build, result in zip(left, pool.map(self._surveyed, left), strict=True):
                    self._environments.release(build)
                    if result is not None:
                        self.results[build] = result
            except BaseException:
                self._children.end()
                raise
        return self.results

    def _by_requirement(self) -> dict[Requirement, list[Build]]:
        found: dict[Requirement, list[Build]] = {}
        for build in self._builds:
            found.setdefault(build.requirement, []).append(build)
        return found

    def _surveyed(self, build: Build) -> Result | None:
        try:
            environments = [self._environments.get(part, self._children) for part in build.parts]
            job = self._job(build, environments)
            newest = self._newest(build, environments[0])
            found = self._kept(build, job, newest)
            if found is None:
                return self._failed_before(job, newest)
            if self._options.test and not found[0].tested:
                self.untested.add(build)
            return self._good(KEPT, build, found[1])
        except EnvironmentFailedError as error:
            return _without_environment(error)
        except EndedError:
            return Result(status=STOPPED)
        except OSError as error:
            return self._broken_off(error)

    def _startable(self, by_requirement: Mapping[Requirement, Sequence[Build]], running: set[Build]) -> list[Build]:
        """Return what may be built now, and mark what a wheel covers already as done."""
        found = []
        for builds in by_requirement.values():
            for build in builds:
                made = None if self._options.deps else covering(build, self.results)
                if made is not None and build not in self.results and build not in running:
                    result = self.results[made]
                    self._note(build, replace(result, status=COVERED, seconds=0.0, log=None))
            if self._options.deps:
                found += [build for build in builds if build not in self.results and build not in running]
            else:
                found += released(builds, self.results, running)
        return found

    def _note(self, build: Build, result: Result) -> None:
        self.results[build] = result
        self._environments.release(build)
        if result.status in GOOD:
            self._versions.setdefault((build.requirement, build.python.label), result.version)
        if result.status != STOPPED:
            self._board.finished(build, result)
        if result.exit_code and self._options.fail_fast and result.status != STOPPED:
            self._children.end()
            for other in self._builds:
                if other not in self.results:
                    self.results[other] = Result(status=STOPPED)

    def _prepare(self, requirement: Requirement, builds: Sequence[Build]) -> dict[Build, Result]:
        """Make the sdist of a source tree; return the results of all its builds if that fails."""
        number = list(dict.fromkeys(build.requirement for build in self._builds)).index(requirement)
        log = self._log_of(f"sdist-{requirement.label}")
        log.unlink(missing_ok=True)
        self._board.stage(requirement, "making its sdist", log)
        try:
            source = source_of(
                requirement,
                place=self._place / f"sdist-{number}",
                log=log,
                children=self._children,
                environment=self._environment,
                pip=self._options.pip,
            )
        except SdistError as error:
            result = Result(status=FAILED, log=log, complaint=error.message, hint=error.hint, exit_code=error.exit_code)
            return dict.fromkeys(builds, result)
        except EndedError:
            return dict.fromkeys(builds, Result(status=STOPPED))
        except OSError as error:
            return dict.fromkeys(builds, self._broken_off(error))
        self._sources[requirement] = source
        return {}

    def _build(self, build: Build, cores: int) -> Result:
        started = time.monotonic()
        try:
            outcome = self._outcome(build, cores)
            result = outcome if isinstance(outcome, Result) else self._placed(*outcome)
        except EndedError:
            result = Result(status=STOPPED, log=self._log_of(build.label))
        except EnvironmentFailedError as error:
            result = _without_environment(error)
        except OSError as error:
            result = self._broken_off(error)
        if str(self._place) in result.hint and not self._options.keep_environments:
            result = replace(result, hint=f"{result.hint} (--keep-environments leaves it there)")
        return result if result.status == KEPT else replace(result, seconds=round(time.monotonic() - started, 1))

    def _broken_off(self, error: OSError) -> Result:
        """Return the result of what this machine could not do."""
        if error.filename is None:
            error.filename = str(self._place)
        fault = fault_of_the_machine(error)
        complaint, hint = (fault.message, fault.hint) if fault is not None else (str(error), "")
        return Result(status=FAILED, complaint=complaint, hint=hint, exit_code=BuildError.exit_code)

    def _placed(self, result: Result, wheels: tuple[Path, ...]) -> Result:
        """Put wheels into the wheel directory."""
        new = self._wheels.place(wheels)
        return result if new or self._options.deps or result.status != BUILT else replace(result, status=COVERED)

    def _outcome(self, build: Build, cores: int) -> _Outcome:
        """Build a combination, or a part of one, unless it has been built in this run or is kept from an earlier one.

        Raises:
            EnvironmentFailedError: Its environment cannot be made.
            EndedError: The run was ended.
        """
        with self._locks[build]:
            if build not in self._outcomes:
                self._outcomes[build] = self._tried(build, cores)
            return self._outcomes[build]

    def _tried(self, build: Build, cores: int) -> _Outcome:
        log = self._log_of(build.label)
        log.unlink(missing_ok=True)
        environments = []
        for part in build.parts:
            # A part that was asked for itself may be further on, and has a line of its own.
            named = "" if part == build else f"{part.destination.label}: "
            self._stage(build, f"{named}making the environment", self._environments.log(part))
            environments.append(self._environments.get(part, self._children))
        job = self._job(build, environments)
        if (refusal := self._differs(build, job)) is not None:
            return refusal
        newest = self._newest(build, environments[0])
        found = self._kept(build, job, newest)
        if found is None and (failed := self._failed_before(job, newest)) is not None:
            return failed
        if found is not None and (not self._options.test or found[0].tested):
            if not self._stores.first.holds(found[1]):
                self._stores.first.write(*found)
            return self._good(KEPT, build, found[1]), found[1]
        began = time.monotonic()
        untested = None
        if build.destination.parts:
            made, untested = self._merged(build, cores)
        else:
            made = found[1] if found is not None else self._made(build, environments[0], log, cores)
            if self._options.test and not isinstance(made, Result):
                own = log.with_suffix(".test.log")
                own.unlink(missing_ok=True)
                self._stage(build, "testing", own)
                untested = self._failure_on_target(environments[0], made[0], own)
                if untested is not None and untested.status != UNTESTED:
                    made = untested
        if isinstance(made, Result):
            self._remember(job, newest, made)
            return made
        wheels = made
        result = self._good(BUILT if found is None else KEPT, build, wheels, log)
        entry = Entry(
            key=job.key,
            job=job,
            version=result.version,
            tags=result.tags,
            wheels={wheel.name: hash_of(wheel) for wheel in wheels},
            tested=self._options.test and untested is None,
            seconds=round(time.monotonic() - began, 1) if found is None else found[0].seconds,
            made=time.time() if found is None else found[0].made,
        )
        self._stores.first.write(entry, wheels)
        if untested is not None:
            result = replace(result, status=UNTESTED, complaint=untested.complaint, hint=untested.hint)
        return result, wheels

    def _merged(self, build: Build, cores: int) -> tuple[tuple[Path, ...] | Result, Result | None]:
        """Merge the wheels of a build's parts; return them, or a failure, and why one of the parts is untested."""
        made: list[tuple[Path, ...]] = []
        untested = None
        for part in build.parts:
            self._stage(build, f"waiting for {part.destination.label}")
            outcome = self._outcome(part, cores)
            if isinstance(outcome, Result):
                named = f"{part.destination.label}: {outcome.complaint}" if outcome.complaint else ""
                return replace(outcome, complaint=named), None
            result, wheels = outcome
            self._versions.setdefault((build.requirement, build.python.label), result.version)
            untested = result if result.status == UNTESTED else untested
            if not self._options.deps and scope_of(result.tags) == EVERYTHING:
                return wheels, untested
            made.append(wheels)
        self._stage(build, "merging")
        try:
            merged = merge_all(made, Path(tempfile.mkdtemp(prefix="merged-", dir=self._place)))
        except AuditError as error:
            return Result(status=REFUSED, complaint=error.message, hint=error.hint, exit_code=error.exit_code), None
        found = [finding for wheel in merged for finding in findings_of(wheel)]
        if faults := [words for severity, words in found if severity == ERROR]:
            return Result(status=REFUSED, complaint=faults[0], exit_code=AuditError.exit_code), None
        for _warning, words in found:
            self._board.warn(words)
        return merged, untested

    def _stage(self, build: Build, words: str, log: Path | None = None) -> None:
        """Show what is being done for a build, or for a part of one."""
        shown = self._shown_as.get(build, build)
        self._board.stage(shown, words if shown == build else f"{build.destination.label}: {words}", log)

    def _differs(self, build: Build, job: Job) -> Result | None:
        """Compare a job with the plan's; return the result if other sources would be built."""
        planned = self._planned.get(build)
        if planned is None or planned.key == job.key:
            return None
        if planned.source != job.source:
            return Result(
                status=FAILED,
                complaint="the sources are not those of the plan",
                hint="get the sources that the plan was made for, or make the plan again",
                exit_code=UsageError.exit_code,
            )
        names = [name for name in ("environment", "circumstances") if getattr(planned, name) != getattr(job, name)]
        self._board.warn(
            f"{build.label}: the {' and '.join(names)} of this machine are not those of the plan;"
            f" the wheel is kept under {job.key[:12]} instead of {planned.key[:12]}"
        )
        return None

    def _kept(self, build: Build, job: Job, newest: str) -> tuple[Entry, tuple[Path, ...]] | None:
        """Return what a store has of a job, if it is still good, and there is no newer version."""
        found = None if self._options.rebuild else self._stores.find(job.key, self._board.warn)
        if found is None or any(audit_wheel(wheel).failed() for wheel in found[1]):
            return None
        if newest and Version(found[0].version) < Version(newest):
            self._board.note(f"{build.label}: {newest} is new, {found[0].version} is there")
            return None
        return found

    def _newest(self, build: Build, environment: Environment) -> str:
        """Return the newest version for a build if that is wanted and can be told, else ""; builds get this one."""
        requirement = build.requirement
        if not self._options.only_new or not requirement.open:
            return ""
        key = (requirement, build.python.label)
        # Builds for other machines wait for the answer.
        with self._asking:
            if key not in self._newest_versions:
                log = self._log_of(f"versions-{requirement.label}-{build.python.label}")
                log.unlink(missing_ok=True)
                self._newest_versions[key] = newest_version(
                    requirement,
                    environment.root / "bin/cross-pip",
                    self._options.pip,
                    log=log,
                    children=self._children,
                    environment={**self._environment, **pip_variables(self._options.pip, requirement.options)},
                )
                if self._newest_versions[key]:
                    self._versions.setdefault(key, self._newest_versions[key])
                else:
                    self._board.warn(f"{requirement.label}: the index names no version; what is there is kept")
            return self._newest_versions[key]

    def _failed_before(self, job: Job, newest: str) -> Result | None:
        """Return how a job failed in an earlier run, if it would fail again and only new builds are wanted."""
        failure = self._stores.first.failure(job.key) if self._options.only_new else None
        if failure is None or self._options.rebuild or (newest and failure.version != newest):
            return None
        return Result(
            status=failure.status,
            complaint=f"skipped, it failed on {date.fromtimestamp(failure.made)}: {failure.complaint}",
            hint=failure.hint or "nothing has changed since; --rebuild tries it again",
            exit_code=failure.exit_code,
        )

    def _remember(self, job: Job, newest: str, result: Result) -> None:
        """Note a failure, unless another try may succeed."""
        text = result.log.read_text(encoding="utf-8", errors="replace") if result.log is not None else ""
        if result.status not in (FAILED, REFUSED) or is_passing(result.complaint, text):
            return
        self._stores.first.write_failure(
            Failure(
                key=job.key,
                version=newest,
                status=result.status,
                complaint=result.complaint,
                hint=result.hint,
                exit_code=result.exit_code,
                made=time.time(),
            )
        )

    def _made(self, build: Build, environment: Environment, log: Path, cores: int) -> tuple[Path, ...] | Result:
        """Build and audit wheels, in a directory of this run."""
        place = Path(
            tempfile.mkdtemp(prefix=f"wheels-{build.python.label}-{build.destination.label}-", dir=self._place)
        )
        asked = pip_arguments(
            self._line(build), build.requirement.options, settings_in(self._options.pip), place / "requirements.txt"
        )
        words = [str(environment.root / "bin/cross-pip"), "wheel", "--no-input", "--disable-pip-version-check"]
        # So that the back end's output is in the log at once; without it pip prints the output of failures only.
        words += [
            "--verbose",
            "--progress-bar",
            "off",
            *([] if self._options.deps else ["--no-deps"]),
            *self._options.pip,
        ]
        words += ["--wheel-dir", str(place), *asked]
        judged = place / "judged"
        judged.mkdir()
        variables = {"PYTHONUNBUFFERED": "1", **self._environment, STATUS_VARIABLE: str(judged)}
        self._stage(build, "waiting for a core")
        with self._budget.share(cores) as share:
            self._stage(build, "building", log)
            status = self._children.run(words, log, {**shares(share), **variables})
        if status and len(self._builds) > 1 and was_killed(status, log.read_text(encoding="utf-8", errors="replace")):
            self._board.warn(f"{build.label}: a process was killed, or had no memory; building it once more, alone")
            with self._budget.alone() as share:
                status = self._children.run(words, log, {**shares(share), **variables})
        if status:
            refusal = refusal_in(judged)
            if refusal is not None:
                complaint, hint = refusal
                return Result(status=REFUSED, log=log, complaint=complaint, hint=hint, exit_code=AuditError.exit_code)
            text = log.read_text(encoding="utf-8", errors="replace")
            return Result(
                status=FAILED,
                log=log,
                complaint=complaint_of(text),
                hint=hint_of(text),
                exit_code=BuildError.exit_code,
            )
        wheels = self._own_first(build, sorted(place.glob("*.whl")))
        if not wheels:
            # Its marker excludes it.
            return Result(status=NOT_NEEDED, log=log)
        self._stage(build, "auditing")
        found = [finding for wheel in wheels for finding in findings_of(wheel, environment.record)]
        faults = [words for severity, words in found if severity == ERROR]
        if faults:
            with log.open("a", encoding="utf-8") as file:
                file.writelines(f"crossenv: error: {fault}\n" for fault in faults)
            return Result(status=REFUSED, log=log, complaint=faults[0], exit_code=AuditError.exit_code)
        return tuple(wheels)

    def _failure_on_target(self, environment: Environment, wheel: Path, log: Path) -> Result | None:
        """Install and import the wheel on its target; return None on success, "untested" if nothing here can run it."""
        words = [sys.executable, "-m", "crossenv", "test", "--env", str(environment.root)]
        words += [word for root in self._options.host_roots for word in ("--host-root", root)]
        words.append(str(wheel))
        status = self._children.run(words, log, self._environment)
        if not status:
            return None
        text = log.read_text(encoding="utf-8", errors="replace")
        if status == EmulatorError.exit_code:
            return Result(status=UNTESTED, log=log, complaint=complaint_of(text), hint=hint_of(text))
        return Result(status=REFUSED, log=log, complaint=complaint_of(text), hint=hint_of(text), exit_code=status)

    def _good(self, status: str, build: Build, wheels: Sequence[Path], log: Path | None = None) -> Result:
        name, version, _, tags = parse_wheel_filename(wheels[0].name)
        # A wheel that may have lost its extension modules does not serve other machines.
        allowed = {one if one == "*" else canonicalize_name(one) for one in self._options.allow_pure}
        told = () if {"*", str(name)} & allowed else tuple(sorted(map(str, tags)))
        return Result(
            status=status, wheels=tuple(wheel.name for wheel in wheels), tags=told, version=str(version), log=log
        )

    def _own_first(self, build: Build, wheels: list[Path]) -> list[Path]:
        """Sort the requirement's own wheel before those of its dependencies."""
        own = build.requirement.name
        return sorted(wheels, key=lambda wheel: bool(own) and str(parse_wheel_filename(wheel.name)[0]) != own)

    def _line(self, build: Build) -> str:
        """Return the requirement, pinned to the version that another machine got for the same Python."""
        line = self._sources[build.requirement].line
        version = self._versions.get((build.requirement, build.python.label))
        if not build.requirement.open or version is None:
            return line
        return pinned(line, version)

    def _job(self, build: Build, environments: Sequence[Environment]) -> Job:
        options = self._options
        words = (*options.pip, *build.requirement.options, *options.build_installs, str(options.deps))
        toolchain = environments[0].record.toolchain
        self.compilers[build] = f"{toolchain.family} {toolchain.version}, {toolchain.tools['cc'].origin}"
        self.jobs[build] = job = Job(
            requirement=build.requirement.label,
            python=build.python.label,
            target=build.destination.label,
            source=self._sources[build.requirement].identity,
            environment=_key_of(environments),
            circumstances=digest_of(words, self._environment),
        )
        return job

    def _log_of(self, label: str) -> Path:
        return self._logs / f"{_NOT_IN_LOG_NAMES.sub('-', label).strip('-.')}.log"


def shares(cores: int) -> dict[str, str]:
    """Return the variables that limit one build to so many cores.

    MAKEFLAGS is not among them: make uses one core by default, and not every Makefile works in parallel.
    """
    return dict.fromkeys(SHARES, str(cores))


def _key_of(environments: Sequence[Environment]) -> str:
    """Return the key of one environment; of several, one that changes with each of theirs."""
    keys = [environment.key for environment in environments]
    return keys[0] if len(keys) == 1 else hashlib.sha256("\n".join(keys).encode()).hexdigest()


def _without_environment(error: EnvironmentFailedError) -> Result:
    return Result(status=FAILED, log=error.log, complaint=str(error), hint=error.hint, exit_code=error.exit_code)


def findings_of(wheel: Path, record: Record | None = None) -> list[tuple[str, str]]:
    """Return what an audit finds wrong with a wheel: the severity and a line for each fault."""
    return [
        (finding.severity, " ".join(filter(None, (wheel.name, finding.path, finding.message))))
        for finding in audit_wheel(wheel, record).findings
    ]

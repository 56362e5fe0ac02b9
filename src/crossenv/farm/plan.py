"""Write down what a run would do, so that its jobs can run apart, on other machines."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import crossenv
from crossenv.codec import WrongValueError, decode, encode
from crossenv.environment.fingerprint import own_code
from crossenv.errors import UsageError, reason_of
from crossenv.farm.model import COVERED, FAILED, KEPT, STOPPED, Build, Job, Result
from crossenv.farm.release import covering, released, scope_of
from crossenv.farm.store import Entry
from crossenv.report import columns

SCHEMA = 1
# What happens to a job. The words of results are used where nothing runs any more.
BUILD, TEST = "build", "test"
# How much of a key people see.
SHORT = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedJob:
    """A job of a plan.

    Attributes:
        key: Equal for two jobs only if they make the same wheels; also the key in the store. ""
            if it is not known.
        status: "build"; "test": build nothing, try the wheel; "kept": a store has it; "covered": the wheel of another
            combination serves it; "failed": it cannot be built.
        requirement: The requirement, as the user wrote it.
        python: The Python, as in a wheel's tag: "cp313".
        target: The target; for a host Python the platform tag of its wheels.
        source: A digest of the sources; for what pip fetches, the requirement.
        environment: A digest of crossenv, the compilers, the target's Python and libraries.
        circumstances: A digest of pip's options and files, of variables and of other programs.
        compiler: The compiler and its version.
        wheels: The wheels in the store.
        serves: What the wheel in the store serves: "one Python", "one machine" (abi3), "everything" (pure), or "" if it
            is not known yet.
        covered_by: The key of the job whose wheel serves this combination too, if `status` is "covered".
        waits_for: The keys of jobs to run first: their wheels may serve this combination too.
        error: Why it cannot be built.
        hint: What may help.
        exit_code: The exit code that goes with `error`; else 0.
    """

    key: str
    status: str
    requirement: str
    python: str
    target: str
    source: str
    environment: str
    circumstances: str
    compiler: str
    wheels: tuple[str, ...]
    serves: str
    covered_by: str
    waits_for: tuple[str, ...]
    error: str
    hint: str
    exit_code: int

    @property
    def job(self) -> Job:
        """What the key stands for."""
        return Job(**{field.name: getattr(self, field.name) for field in dataclasses.fields(Job)})


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What `crossenv wheel` would do.

    Attributes:
        schema: The format's number: 1.
        crossenv: The version of crossenv.
        code: A digest of crossenv's own files. Jobs are refused where it is another one.
        arguments: The arguments of `crossenv wheel` that say what is built, and how.
        pip_arguments: Those after `--`.
        jobs: The jobs, one for each combination.
    """

    schema: int
    crossenv: str
    code: str
    arguments: tuple[str, ...]
    pip_arguments: tuple[str, ...]
    jobs: tuple[PlannedJob, ...]


def plan_of(
    builds: Sequence[Build],
    jobs: Mapping[Build, Job],
    compilers: Mapping[Build, str],
    results: Mapping[Build, Result],
    *,
    together: bool,
    untested: Set[Build],
    arguments: Sequence[str],
    pip_arguments: Sequence[str],
) -> Plan:
    """Make a plan of what a survey has found.

    Args:
        builds: The combinations.
        jobs: Their jobs.
        compilers: Their compilers, for people.
        results: What is kept, and what cannot be built.
        together: Whether a wheel may serve several combinations.
        untested: Those that are kept, and have to be tried.
        arguments: The arguments of `crossenv wheel`.
        pip_arguments: Those after `--`.
    """
    planned = []
    for build in builds:
        job, result = jobs.get(build), results.get(build)
        made = covering(build, results) if together and result is None else None
        status = BUILD if result is None else TEST if build in untested else result.status
        if made is not None:
            result, status = results[made], COVERED
        tags = result.tags if result is not None else ()
        planned.append(
            PlannedJob(
                key=job.key if job is not None else "",
                status=FAILED if status == STOPPED else status,
                requirement=build.requirement.label,
                python=build.python.label,
                target=build.destination.label,
                source=job.source if job is not None else "",
                environment=job.environment if job is not None else "",
                circumstances=job.circumstances if job is not None else "",
                compiler=compilers.get(build, ""),
                wheels=result.wheels if result is not None else (),
                serves=scope_of(tags) if tags else "",
                covered_by=jobs[made].key if made is not None else "",
                waits_for=tuple(jobs[one].key for one in _awaited(build, builds, results)) if together else (),
                error=result.complaint if result is not None else "",
                hint=result.hint if result is not None else "",
                exit_code=result.exit_code if result is not None else 0,
            )
        )
    return Plan(
        schema=SCHEMA,
        crossenv=crossenv.__version__,
        code=own_code(),
        arguments=tuple(arguments),
        pip_arguments=tuple(pip_arguments),
        jobs=tuple(planned),
    )


def _awaited(build: Build, builds: Sequence[Build], results: Mapping[Build, Result]) -> Iterator[Build]:
    """Yield the builds that may make this one superfluous: the very first, and the first for the same machine."""
    if build in results:
        return
    siblings = [one for one in builds if one.requirement == build.requirement]
    covered = {one: Result(status=COVERED) for one in siblings if one not in results and covering(one, results)}
    known = {**results, **covered}
    first = released(siblings, known, set())
    if build in known or build in first:
        return
    on_machine = next(one for one in siblings if one not in known and one.destination == build.destination)
    yield from dict.fromkeys(one for one in (*first, on_machine) if one != build and _may_cover(one, first, build))


def _may_cover(one: Build, first: Sequence[Build], build: Build) -> bool:
    # With several first ones, each is for its own machine.
    return len(first) == 1 or one.destination == build.destination


def covered_by(build: Build, entries: Mapping[Build, Entry]) -> Result | None:
    """Return the result of a build that one of these wheels serves too; None if none does."""
    results = {one: Result(status=KEPT, tags=entry.tags) for one, entry in entries.items()}
    made = covering(build, results)
    if made is None:
        return None
    return Result(status=COVERED, wheels=tuple(entries[made].wheels), version=entries[made].version)


def known_result(job: PlannedJob) -> Result | None:
    """Return the result of a job that need not run, or cannot; None for the others."""
    if job.status in (BUILD, TEST):
        return None
    return Result(status=job.status, wheels=job.wheels, complaint=job.error, hint=job.hint, exit_code=job.exit_code)


def write_plan(plan: Plan) -> str:
    """Return a plan as JSON."""
    return encode(plan)


def read_plan(path: Path) -> Plan:
    """Read a plan that this version of crossenv has made.

    Raises:
        UsageError: It cannot be read, or another version has made it.
    """
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        schema = data.get("schema") if isinstance(data, dict) else None
        if schema != SCHEMA:
            raise WrongValueError(f"not a plan of format {SCHEMA}")
        plan = decode(Plan, data)
    except (OSError, ValueError, WrongValueError) as error:
        raise UsageError(
            f"the plan {path} cannot be read: {reason_of(error)}", hint="make one: crossenv plan ... -o plan.json"
        ) from None
    if plan.code != own_code():
        raise UsageError(
            f"the plan {path} was made by another crossenv ({plan.crossenv}; this is {crossenv.__version__})",
            hint="use the same crossenv for the plan and its jobs, or make the plan again",
        )
    return plan


def jobs_named(plan: Plan, keys: Sequence[str]) -> list[int]:
    """Return the places of jobs in a plan.

    Args:
        plan: The plan.
        keys: Their keys, or the beginnings of them.

    Raises:
        UsageError: There is no such job, or there are several.
    """
    found = []
    for key in keys:
        places = [place for place, job in enumerate(plan.jobs) if job.key.startswith(key) and job.key]
        if len({plan.jobs[place].key for place in places}) != 1:
            fault = "several jobs" if places else "no job"
            raise UsageError(f"the plan has {fault} {key!r}", hint="crossenv plan lists the keys of its jobs")
        found.append(places[0])
    return found


def waves(plan: Plan) -> list[list[PlannedJob]]:
    """Return the jobs that have to run: those that wait for none, those that wait for these, and so on."""
    left = {job.key: job for job in plan.jobs if job.status in (BUILD, TEST)}
    found: list[list[PlannedJob]] = []
    while left:
        wave = [job for job in left.values() if not left.keys() & set(job.waits_for)]
        for job in wave:
            del left[job.key]
        found.append(wave)
    return found


def exit_code_of_plan(plan: Plan) -> int:
    """Return the exit code of the first job that cannot be built; else 0."""
    return next((job.exit_code for job in plan.jobs if job.exit_code), 0)


def plan_table(plan: Plan) -> Iterator[str]:
    """Yield the lines of a table for people."""
    rows = [("job", "requirement", "python", "for", "what")]
    rows += [(job.key[:SHORT] or "-", job.requirement, job.python, job.target, _what(job)) for job in plan.jobs]
    for line, job in zip(columns(rows), (None, *plan.jobs), strict=True):
        yield line
        if job is not None and job.hint:
            yield f"    hint: {job.hint}"


def _what(job: PlannedJob) -> str:
    if job.status == FAILED:
        return f"cannot be built: {job.error}"
    if job.status in (KEPT, COVERED, TEST):
        words = {KEPT: "is there already:", COVERED: "covered by", TEST: "test"}[job.status]
        return f"{words} {job.wheels[0]}"
    if job.waits_for:
        return f"build, unless {' or '.join(key[:SHORT] for key in job.waits_for)} covers it"
    return f"build with {job.compiler}"


def plan_schema() -> dict[str, Any]:
    """Return the JSON Schema of a plan (docs/reference/plan.schema.json)."""
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "A plan of crossenv", **schema_of(Plan)}


_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def schema_of(kind: Any) -> dict[str, Any]:
    """Return the JSON Schema of what `crossenv.codec.encode` writes; the descriptions are those of the docstring."""
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        said = dict(re.findall(r"(?ms)^ *(\w+): (.*?)(?=\n *\w+: |\Z)", _attributes(kind)))
        properties = {
            name: {"description": " ".join(said[name].split()), **schema_of(hint)} for name, hint in hints.items()
        }
        return {"type": "object", "required": list(hints), "properties": properties}
    if isinstance(kind, types.UnionType):
        (real,) = (one for one in typing.get_args(kind) if one is not types.NoneType)
        found = schema_of(real)
        return {**found, "type": [found["type"], "null"]}
    if typing.get_origin(kind) is tuple:
        return {"type": "array", "items": schema_of(typing.get_args(kind)[0])}
    return {"type": _TYPES[kind]}


def _attributes(kind: Any) -> str:
    return inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")[2]

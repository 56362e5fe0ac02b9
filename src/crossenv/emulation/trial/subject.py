"""Read the wheels to try: their modules, and the machine and Python that they are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from crossenv.errors import AuditError, UsageError
from crossenv.platforms import PLATFORMS
from crossenv.record import Record
from crossenv.report import Reporter
from crossenv.sysroots.debian import PYTHONS
from crossenv.targets import Target
from crossenv.wheels.audit import audit_wheel
from crossenv.wheels.read_tags import accepts, accepts_python, expected_of, python_of, tag_of_python


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A wheel to try.

    Attributes:
        path: The wheel.
        name: Its project's normalised name.
        version: Its version.
        tags: Its tags, expanded.
        modules: Its modules: top-level ones, then extension modules.
    """

    path: Path
    name: str
    version: str
    tags: tuple[str, ...]
    modules: tuple[str, ...]


def read_subject(path: Path, record: Record | None, reporter: Reporter) -> Subject:
    """Audit a wheel and read what a trial needs.

    Raises:
        AuditError: It is not a wheel, or not what its tags say.
    """
    try:
        name, version, _build, tags = parse_wheel_filename(path.name)
    except InvalidWheelFilename as error:
        raise AuditError(
            f"{path} is not a wheel: {error}", hint="name a file such as toy-1-cp311-cp311-linux_aarch64.whl"
        ) from None
    report = audit_wheel(path, record)
    if report.failed(strict=False):
        first = next(finding for finding in report.findings if finding.severity == "error")
        if first.id == "host-tag":
            raise AuditError(
                f"{path.name} {first.message}", hint="name another environment with --env, or use none: --env ''"
            )
        raise AuditError(
            f"{path.name} is not what its tags say: {first.path} {first.message} [{first.id}]",
            hint=f"list all faults with: crossenv audit {path}",
        )
    for finding in report.findings:
        reporter.warning(f"{path.name}: {finding.path} {finding.message} [{finding.id}]")
    texts = tuple(sorted(map(str, tags)))
    if record is not None and not any(accepts(record, tag) for tag in texts):
        raise AuditError(
            f"{path.name} is not for the environment's target ({record.host.machine}, Python {python_of(record).name})",
            hint="name another environment with --env, or use none: --env ''",
        )
    extensions = [file.path for file in report.files if file.kind == "extension"]
    return Subject(path=path, name=name, version=str(version), tags=texts, modules=modules_of(path, extensions))


def modules_of(path: Path, extensions: Sequence[str]) -> tuple[str, ...]:
    """List the modules in a wheel: those at the top, then the extension modules with their packages.

    Args:
        path: The wheel.
        extensions: Its files that are extension modules.
    """
    from crossenv.wheels.archive import opened

    top: dict[str, None] = {}
    with opened(path) as archive:
        for member in archive.members:
            parts = _place(member.name)
            if len(parts) == 1 and parts[0].endswith(".py"):
                top[parts[0].removesuffix(".py")] = None
            elif len(parts) == 2 and parts[1] == "__init__.py":
                top[parts[0]] = None
    inner = [".".join((*parts[:-1], parts[-1].partition(".")[0])) for parts in map(_place, extensions)]
    names = dict.fromkeys([*top, *inner])
    return tuple(name for name in names if all(part.isidentifier() for part in name.split(".")))


def _place(name: str) -> list[str]:
    """Return the path of a wheel's member below site-packages; [] if it is installed elsewhere."""
    parts = name.split("/")
    if parts[0].endswith(".data"):
        return parts[2:] if parts[1:2] in (["purelib"], ["platlib"]) else []
    return [] if parts[0].endswith(".dist-info") else parts


def target_of(subjects: Sequence[Subject]) -> Target | None:
    """Return the target that the wheels are for, whatever its policy; None if all are pure.

    Raises:
        UsageError: They are for several machines or systems, or one that cannot be run here.
    """
    found: dict[str, Target] = {}
    for subject in subjects:
        for target in expected_of(subject.tags, libc="", record=None).targets:
            if not PLATFORMS[target.system].can_run:
                title = PLATFORMS[target.system].title
                raise UsageError(
                    f"{subject.path.name} is for {title}, which no emulator here runs", hint="try it there"
                )
            found[f"{target.system}, {target.architecture.name}"] = target
    if len(found) > 1:
        raise UsageError(f"these wheels are for several machines: {'; '.join(found)}", hint="try them one by one")
    return next(iter(found.values()), None)


def suits(subjects: Sequence[Subject], version: str) -> bool:
    """Return whether a Python takes all the wheels."""
    return all(any(_suits(tag, version) for tag in subject.tags) for subject in subjects)


def python_for(subjects: Sequence[Subject], wanted: str | None, preferred: str) -> str:
    """Choose the version of the Python to try wheels with, from their tags and what Debian has.

    Args:
        subjects: The wheels.
        wanted: The user's choice; None if there is none.
        preferred: The version to take if the wheels leave a choice.

    Raises:
        UsageError: No Python suits all of them.
    """
    known = [version for versions in PYTHONS.values() for version in versions]
    candidates = [wanted] if wanted else [preferred, *known, *(_exact(subjects))]
    for candidate in dict.fromkeys(candidates):
        if suits(subjects, candidate):
            return candidate
    names = ", ".join(subject.path.name for subject in subjects)
    if wanted:
        raise UsageError(f"Python {wanted} does not suit {names}", hint="leave --python out")
    raise UsageError(f"no one Python suits {names}", hint="try them one by one")


def _exact(subjects: Sequence[Subject]) -> list[str]:
    pythons = [python for subject in subjects for python in expected_of(subject.tags, libc="", record=None).pythons]
    return [f"{'.'.join(map(str, python.version))}{python.flags}" for python in pythons if python.abi == "full"]


def _suits(tag: str, version: str) -> bool:
    number = version.removesuffix("t")
    python, abi, _platform = tag.split("-", 2)
    return accepts_python(tag_of_python("cpython", number, version.removeprefix(number)), python, abi)

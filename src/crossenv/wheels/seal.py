"""Judge a wheel that was just built in an environment: check it, repair it if asked, tag it.

The process that built the wheel starts `crossenv seal` and reports on the build.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from crossenv.codec import WrongValueError, decode
from crossenv.errors import AuditError, UsageError
from crossenv.platforms.libraries import LIBRARIES
from crossenv.record import Record, load_record
from crossenv.wheels.archive import ArchiveError
from crossenv.wheels.audit import Judgement, archive_finding, judge, target_findings
from crossenv.wheels.file_checks import machine_finding
from crossenv.wheels.loaded import left_overs
from crossenv.wheels.model import ERROR, WARNING, Finding, listed
from crossenv.wheels.refusals import ANYWHERE_HINT, MENDABLE, READY_MADE_HINT, UNUSABLE, Build, hint_for, refusal_of

if TYPE_CHECKING:
    from _crossenv.seal_types import FORMAT, Fault, Status
else:
    from crossenv.shim._crossenv.seal_types import FORMAT

# Names the directory for the judge's answers.
STATUS_VARIABLE = "CROSSENV_STATUS_DIRECTORY"


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """The build's report; `_crossenv.seal_types.Job` describes the attributes."""

    format: int = FORMAT
    wheel: str
    environment: str
    editable: bool
    ready_made: bool
    written: tuple[str, ...]
    repair: bool
    attempted: dict[str, str]
    compiler_called: bool | None
    allow_pure: tuple[str, ...]
    site_directories: tuple[str, ...]


def parse_job(text: str) -> Job:
    """Read a job.

    Raises:
        UsageError: It cannot be read, or is of another version of crossenv.
    """
    hint = "create the environment again: crossenv create --clear ..."
    try:
        data = json.loads(text)
        if isinstance(data, dict) and data.get("format", FORMAT) != FORMAT:
            raise UsageError("the environment was made by another version of crossenv", hint=hint)
        return decode(Job, data)
    except (ValueError, WrongValueError) as error:
        raise UsageError(f"the build's message to crossenv cannot be read: {error}", hint=hint) from None


class Refused(Exception):  # noqa: N818 - no error of the tool's
    """The wheel is refused."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__()
        self.findings = list(findings)


def read_status(path: Path) -> Status | None:
    """Read the judge's answer from a file; None if that is impossible."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return cast("Status", data) if isinstance(data, dict) and data.get("format") == FORMAT else None


def seal(job: Job) -> Status:
    """Judge the wheel of a job.

    A refused wheel stays here; the build deletes it.
    """
    record = load_record(Path(job.environment))
    notes: list[str] = []
    try:
        wheel = _judged_repaired_and_tagged(job, record, notes)
    except ArchiveError as error:
        return _refusal(job, [archive_finding(error)])
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        return _refusal(job, [archive_finding(ArchiveError(f"cannot be read as a wheel ({error})"))])
    except Refused as refused:
        return _refusal(job, refused.findings)
    return {
        "format": FORMAT,
        "verdict": "sealed",
        "wheel": str(wheel),
        "faults": [],
        "refusal": "",
        "hint": "",
        "notes": notes,
    }


def _judged_repaired_and_tagged(job: Job, record: Record, notes: list[str]) -> Path:
    path = Path(job.wheel)
    build = Build(
        editable=job.editable,
        attempted=job.attempted,
        compiler_called=job.compiler_called,
        allow_pure=(*record.handover.allow_pure, *job.allow_pure),
    )
    judged = judge(path, record, None if job.ready_made else build)
    if job.ready_made:
        # Its makers answer for its links; only code of another machine is refused.
        unusable = [finding for finding in judged.errors if finding.id in UNUSABLE]
        if unusable and not (judged.expected.pure and build.may_be_pure(judged.claims.name)):
            raise Refused(unusable)
        told = [finding for finding in judged.findings if finding.severity == WARNING and finding.id == "platform-tag"]
        notes += [f"warning: {path.name} {finding.message}" for finding in told if judged.contents.foreign]
        return path
    native = list(_written_findings(job, record))
    if native:
        raise Refused(native)
    plain = record.host.plain_tag in path.name.removesuffix(".whl").rpartition("-")[2].split(".")
    mend = job.repair and plain and not job.editable
    fatal = [finding for finding in judged.errors if not (mend and finding.id in MENDABLE)]
    if fatal:
        raise Refused(fatal)
    if job.editable or not plain or not judged.contents.native:
        return path
    _leave_out_left_overs(path, record, judged, notes)
    if record.handover.policy is None:
        return _repaired(path, record, judged, job, notes) if mend else path
    found = target_findings(judged, record.handover.policy)
    outside = [finding for finding in found if finding.id in ("library", "libpython")]
    late = [finding for finding in found if finding.severity == ERROR and finding not in outside]
    if late:
        raise Refused(late)
    if mend and (outside or judged.errors):
        return _repaired(path, record, judged, job, notes)
    if outside:
        notes += [
            f"warning: {path.name} is not tagged {record.handover.policy.tag}: {finding.path} {finding.message}"
            for finding in outside
        ]
        notes.append(
            "hint: `cross-pip wheel --repair` or `crossenv repair` puts such libraries into the wheel and tags it"
        )
        return path
    from crossenv.wheels.rewrite import retag

    return retag(path, record.host.plain_tag, record.handover.policy.tag)


def _leave_out_left_overs(path: Path, record: Record, judged: Judgement, notes: list[str]) -> None:
    libraries = LIBRARIES.get(record.host.system)
    contents = judged.contents
    names = () if libraries is None else left_overs(contents.members, tuple(contents.native), libraries)
    if names:
        from crossenv.wheels.rewrite import leave_out

        leave_out(path, names)
        notes.append(f"left out what a linker has left: {listed(names)}")


def _written_findings(job: Job, record: Record) -> Iterator[Finding]:
    """Find libraries in the source tree that the target cannot load."""
    for name in job.written:
        _words, finding = machine_finding(name, Path(name).read_bytes(), (record.host.identity,), record)
        if finding is not None:
            yield finding


def _repaired(path: Path, record: Record, judged: Judgement, job: Job, notes: list[str]) -> Path:
    # auditwheel takes as long to import as everything else.
    from crossenv.wheels.repair import RepairOptions, repair

    needed = {name for file in judged.contents.linked.values() for name in file.needed} - judged.contents.inside
    options = RepairOptions(libraries=tuple(_directories_with(needed, job.site_directories)))
    try:
        done = repair(path, path.parent, record, options)
    except AuditError as error:
        raise Refused(
            [Finding(id="repair", severity=ERROR, path="", message=f"{error.message} ({error.hint})")]
        ) from None
    notes += [f"{name} comes from {place}" for name, place in sorted(done.grafted.items())]
    if done.short_of:
        notes.append(f"warning: {path.name} is tagged {done.tag}: {done.short_of}")
    if done.wheel != path:
        path.unlink()
    return done.wheel


def _directories_with(names: set[str], roots: Sequence[str]) -> list[Path]:
    """Return the directories below `roots` that hold a file of one of these names."""
    found: dict[Path, None] = {}
    for root in roots if names else ():
        for directory, _directories, files in os.walk(root):
            if names.intersection(files):
                found[Path(directory)] = None
    return list(found)


def _ready_made_hint(wheel: str) -> str:
    return ANYWHERE_HINT if wheel.endswith("-any.whl") else READY_MADE_HINT


def faults_of(status: Status) -> list[str]:
    """Why a wheel was refused, one line each."""
    return [f"{fault['path']} {fault['message']}".strip() for fault in status["faults"]]


def _refusal(job: Job, findings: Sequence[Finding]) -> Status:
    faults: list[Fault] = [{"id": finding.id, "path": finding.path, "message": finding.message} for finding in findings]
    refusal = refusal_of(findings)
    return {
        "format": FORMAT,
        "verdict": "refused",
        "wheel": job.wheel,
        "faults": faults,
        "refusal": refusal.name.lower().replace("_", "-"),
        "hint": hint_for(refusal, job.environment) if not job.ready_made else _ready_made_hint(job.wheel),
        "notes": [],
    }

"""Audit a wheel: everything that can be known of it without running it. This is the judge, of builds too."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path

from crossenv.binaries import FORMATS, BinaryError, Format, Linked, format_of, is_native, objects_in
from crossenv.libc.libraries import libc_of_needed
from crossenv.libc.policies import Policy
from crossenv.platforms import HERE, MODULE_SUFFIXES, format_of_suffix
from crossenv.platforms.libraries import LIBRARIES, Libraries
from crossenv.record import Record
from crossenv.wheels import file_checks
from crossenv.wheels.archive import Archive, ArchiveError, Member, opened
from crossenv.wheels.loaded import left_over_findings, loaded_findings
from crossenv.wheels.metadata import Claims, digest_fault, purelib_finding, read_claims, record_findings
from crossenv.wheels.model import ERROR, WARNING, Finding, NativeFile, WheelReport
from crossenv.wheels.policy_checks import oldest_kept, policy_findings
from crossenv.wheels.read_tags import Expected, accepts, expected_of, python_of
from crossenv.wheels.refusals import Build, loss_findings
from crossenv.wheels.symbols import symbol_findings


@dataclass
class Contents:
    """What was found inside a wheel while it was read once.

    Attributes:
        members: The names of all its files.
        native: Its native files and static libraries: by name, the machine of each object in them, in words.
        archives: Which of these are static libraries.
        linked: Its programs and shared libraries by name.
        findings: The faults of single files.
        foreign: Of a wheel that says that it runs anywhere: its files for other machines than the target's.
        kinds: The machines of all its native files, in words; of those that are data, too.
    """

    members: tuple[str, ...]
    native: dict[str, list[str]] = field(default_factory=dict)
    archives: set[str] = field(default_factory=set)
    linked: dict[str, Linked] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    foreign: list[Finding] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)

    @property
    def inside(self) -> frozenset[str]:
        """The base names of all its files."""
        return frozenset(name.rpartition("/")[2] for name in self.members)

    @property
    def libc(self) -> str:
        """The C library that its files name; "" if none does."""
        return next((name for file in self.linked.values() if (name := libc_of_needed(file.needed))), "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """The findings on a wheel, and what they rest on.

    Attributes:
        claims: What the wheel says of itself.
        expected: What follows from its tags and the host.
        contents: What is in it.
        findings: Its faults, the errors first.
        unchecked: What could not be looked at, and why.
    """

    claims: Claims
    expected: Expected
    contents: Contents
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Those findings for which a wheel is refused."""
        return tuple(finding for finding in self.findings if finding.severity == ERROR)

    @property
    def is_for_another_machine(self) -> bool:
        """Whether a native file is for another machine than its tags."""
        return any(finding.id == "machine" for finding in self.errors)


def audit_wheel(path: Path, record: Record | None = None) -> WheelReport:
    """Audit the wheel at `path`.

    Args:
        path: The wheel; whatever is wrong with it is a finding.
        record: The record of the environment that it is for, if any.
    """
    try:
        judged = judge(path, record)
    except ArchiveError as error:
        finding = archive_finding(error)
        return WheelReport(path=str(path), tags=(), keeps=(), files=(), findings=(finding,), unchecked=())
    return WheelReport(
        path=str(path),
        tags=judged.claims.tags,
        # Its files keep nothing on the machine of its tags.
        keeps=() if judged.is_for_another_machine else tuple(_kept(judged)),
        files=tuple(_native_files(judged.contents)),
        findings=judged.findings,
        unchecked=judged.unchecked,
        policies=not judged.is_for_another_machine
        and all(target.system == HERE.name for target in judged.expected.targets),
    )


def archive_finding(error: ArchiveError) -> Finding:
    """The finding for a wheel that cannot be read."""
    return Finding(id="archive", severity=ERROR, path="", message=str(error))


def judge(path: Path, record: Record | None = None, build: Build | None = None) -> Judgement:
    """Whether a wheel is what its tags say.

    Args:
        path: The wheel.
        record: The record of the environment that it is for, if any.
        build: What the build says that has just made it, if it was one.

    Raises:
        ArchiveError: It is not an archive, or a damaged one.
    """
    with opened(path) as archive:
        claims = read_claims(path.name, archive)
        contents = _read(archive, claims, record)
        several = _is_for_several(claims, contents, build)
        # Each is for one of the machines that the package chooses from: none is judged.
        linked = {} if several else contents.linked
        contents.findings += [] if several else contents.foreign
        expected = expected_of(claims.tags, libc=contents.libc, record=record)
        findings = [*archive.findings, *claims.findings, *record_findings(claims, archive), *contents.findings]
        if several:
            findings += _several_findings(contents, record)
        else:
            findings += _platform_findings(archive, claims, expected, contents, silent=build is not None)
    unchecked = [f"{platform}: nothing is known of that platform" for platform in expected.unknown]
    if record is not None:
        findings += _host_findings(claims, record)
    if build is not None:
        project = claims.name or path.name.partition("-")[0]
        findings += loss_findings(build, project=project, tagged=not expected.pure, native=bool(contents.native))
    findings += _linked_findings(claims, expected, linked, contents.inside)
    libraries = _libraries(expected, record)
    if libraries is not None:
        findings += loaded_findings(linked, contents.members, expected, libraries)
        findings += left_over_findings(contents.members, tuple(contents.native), libraries)
    for policy in {(policy.libc, policy.floor): policy for policy in expected.promised}.values():
        own = record is not None and record.handover.policy == policy
        findings += policy_findings(linked, contents.inside, policy, first_release=own)
    libcs = {target.libc for target in expected.targets}
    # A system with one C library may call it what another calls its own.
    only = next(iter(libcs)) if len(libcs) == 1 else ""
    assumed = contents.libc or only if only in ("", *HERE.libcs) else only
    symbols, not_known = symbol_findings(linked, contents.inside, expected, assumed, record)
    order = {ERROR: 0, WARNING: 1}
    return Judgement(
        claims=claims,
        expected=expected,
        contents=contents,
        findings=tuple(
            sorted(dict.fromkeys([*findings, *symbols]), key=lambda finding: (order[finding.severity], finding.path))
        ),
        unchecked=(*unchecked, *not_known),
    )


def target_findings(judged: Judgement, policy: Policy) -> list[Finding]:
    """What keeps a wheel tagged `linux_...` from the tag of the environment's target."""
    return list(policy_findings(judged.contents.linked, judged.contents.inside, policy, first_release=True))


def _libraries(expected: Expected, record: Record | None) -> Libraries | None:
    """The libraries of the wheel's system, if files name them there."""
    systems = {target.system for target in expected.targets} if record is None else {record.host.system}
    return LIBRARIES.get(systems.pop()) if len(systems) == 1 else None


def _kept(judged: Judgement) -> Iterator[str]:
    """The oldest policy that the files keep, for each machine and C library that the tags name."""
    targets = {(target.machine, target.libc): target for target in judged.expected.targets}
    libc = judged.contents.libc
    several = len({target.libc for target in targets.values()}) > 1
    for target in targets.values():
        # A file that needs no C library keeps the oldest policy of either, which says little.
        if judged.contents.linked and (several or libc in ("", target.libc)):
            policy = oldest_kept(judged.contents.linked, judged.contents.inside, target)
            if policy is not None:
                yield policy.tag


def _read(archive: Archive, claims: Claims, record: Record | None) -> Contents:
    """Go through all members once: their hashes, and of the native ones everything."""
    contents = Contents(members=tuple(member.name for member in archive.members))
    expected = expected_of(claims.tags, libc="", record=record)
    for member in archive.members:
        blocks = archive.blocks(member.name)
        first = next(blocks, b"")
        native = is_native(first)
        # Everything else is only hashed, and may be large.
        data = b"".join((first, *blocks)) if native else first
        fault = digest_fault(member.name, itertools.chain((data,), blocks), claims)
        contents.findings += [fault] if fault is not None else []
        if native:
            _read_native(member, data, contents, expected, record)
        elif member.name.endswith(MODULE_SUFFIXES):
            formats = {machine.format for machine in expected.machines} or {format_of_suffix(member.name)}
            wanted = FORMATS[min(formats)]
            contents.findings.append(_damaged(wanted, member.name, f"is not {wanted.a_file}"))
    return contents


def _read_native(member: Member, data: bytes, contents: Contents, expected: Expected, record: Record | None) -> None:
    native, linked, damaged = format_of(data), None, False
    try:
        linked = None if native is None else native.linked(data)
    except BinaryError as error:
        assert native is not None
        damaged = True
        contents.findings.append(_damaged(native, member.name, str(error)))
    kinds = [kind for _label, content in objects_in(member.name, data) if (kind := format_of(content)) is not None]
    if linked is not None and linked.managed:
        return
    if all(kind.portable and _is_foreign(kind, expected) for kind in kinds) and not member.name.endswith(
        MODULE_SUFFIXES
    ):
        contents.kinds.update(kind.title for kind in kinds)
        return
    loadable = linked is not None and not linked.program
    if kinds and not loadable and all(_is_foreign(kind, expected) for kind in kinds):
        contents.kinds.update(kind.title for kind in kinds)
        # Launchers for other systems lie as data in wheels that run anywhere: those of pip and setuptools. greenlet's
        # has object files.
        if not expected.pure:
            what = "a program" if linked is not None else "an object file"
            says = f"is {what} in the format {kinds[0].title}, which the wheel's machine does not run"
            contents.findings.append(Finding(id="machine", severity=WARNING, path=member.name, message=says))
        return
    words = contents.native[member.name] = []
    for label, content in objects_in(member.name, data):
        said, fault = file_checks.machine_finding(label, content, expected.machines, record)
        if fault is not None and fault.id == "machine" and native is not None and linked is None:
            # Nothing loads an object file, and no compiler of this machine's makes one in another format: greenlet's
            # wheels for Windows bring its assembler for each machine.
            fault = fault if native.name == HERE.native_format else replace(fault, severity=WARNING)
        words.append(said)
        contents.kinds.update([said] if said else [])
        held_back = expected.pure and fault is not None and fault.id == "machine"
        (contents.foreign if held_back else contents.findings).extend([fault] if fault is not None else [])
    trace = file_checks.trace_finding(member.name, data, record)
    contents.findings += [trace] if trace is not None else []
    if any(words) and (wrong := file_checks.kind_finding(member.name, linked)) is not None and not damaged:
        contents.findings.append(wrong)
    if native is None:
        contents.archives.add(member.name)
    elif linked is not None:
        contents.linked[member.name] = linked


def _is_for_several(claims: Claims, contents: Contents, build: Build | None) -> bool:
    """Whether a wheel that says that it runs anywhere has native files for several machines, to choose from.

    debugpy and selenium bring such. A build that has compiled something made a native wheel, whatever else is in it.
    """
    compiled = build is not None and (bool(build.attempted) or build.compiler_called is not False)
    anywhere = {tag.rpartition("-")[2] for tag in claims.tags} == {"any"}
    return anywhere and bool(contents.native) and len(contents.kinds) > 1 and not compiled


def _several_findings(contents: Contents, record: Record | None) -> Iterator[Finding]:
    objects = [words for said in contents.native.values() for words in said if words]
    if record is None or len(contents.foreign) >= len(objects):
        target = "" if record is None else "; none is for the target"
        says = f"says that it runs anywhere, and brings native files for {' / '.join(sorted(contents.kinds))}{target}"
        yield Finding(id="platform-tag", severity=WARNING, path="", message=says)


def _is_foreign(native: Format, expected: Expected) -> bool:
    """Whether a file of this format is for neither the wheel's machines nor this one, whose files tell of a mistake."""
    return native.name not in {HERE.native_format, *(machine.format for machine in expected.machines)}


def _damaged(native: Format, path: str, message: str) -> Finding:
    return Finding(id=f"{native.name}-damaged", severity=ERROR, path=path, message=message)


def _platform_findings(
    archive: Archive, claims: Claims, expected: Expected, contents: Contents, *, silent: bool
) -> Iterator[Finding]:
    """Whether the wheel is native, and says so; `silent` on a tag without code, which the build tells more of."""
    native = list(contents.native)
    if expected.pure and native:
        says = f"says that it runs anywhere and holds native code ({native[0]})"
        yield Finding(id="platform-tag", severity=ERROR, path="", message=says)
    if claims.tags and not expected.pure and not native and not expected.unknown and not silent:
        says = "is tagged for a machine and holds no native code"
        yield Finding(id="platform-tag", severity=WARNING, path="", message=says)
    finding = purelib_finding(claims, archive, native) if claims.dist_info else None
    if finding is not None:
        yield finding


def _host_findings(claims: Claims, record: Record) -> Iterator[Finding]:
    """Tags that the host would not take; one that it does is enough, unless another names a machine of its own."""
    platforms = dict.fromkeys(tag.split("-", 2)[2] for tag in claims.tags)
    takes = f"the target is {record.host.platform_tag} with Python {python_of(record).name}"
    known = ("any", record.host.plain_tag, record.host.platform_tag)
    foreign = [one for one in platforms if one not in known and not one.endswith(f"_{record.host.machine}")]
    if foreign:
        yield Finding(id="host-tag", severity=ERROR, path="", message=f"is tagged {', '.join(foreign)}; {takes}")
    elif claims.tags and not any(accepts(record, tag) for tag in claims.tags):
        says = f"is tagged {', '.join(claims.tags[:3])}, which an installer there would not take; {takes}"
        yield Finding(id="host-tag", severity=ERROR, path="", message=says)


def _linked_findings(
    claims: Claims, expected: Expected, linked: Mapping[str, Linked], inside: Set[str]
) -> Iterator[Finding]:
    yield from file_checks.unserved_findings(linked, expected)
    for name, file in linked.items():
        yield from file_checks.search_path_findings(name, file)
        yield from file_checks.release_findings(name, file, expected, claims.only_for.get(name, ""))
        yield from file_checks.system_findings(name, file, inside, expected)
        for finding in (
            file_checks.name_finding(name, expected),
            file_checks.init_finding(name, file),
            file_checks.needed_finding(name, file, inside, expected),
            file_checks.interpreter_finding(name, file, expected),
            file_checks.stack_finding(name, file),
        ):
            if finding is not None:
                yield finding


def _native_files(contents: Contents) -> Iterator[NativeFile]:
    for name, words in contents.native.items():
        file = contents.linked.get(name)
        kind = "archive" if name in contents.archives else "object"
        if file is not None:
            kind = "program" if file.program else "extension" if file.init_functions else "library"
        yield NativeFile(
            path=name,
            kind=kind,
            machine=next(filter(None, words), ""),
            needs=() if file is None else (*file.needed, *file.delayed),
            versions={} if file is None else _newest_versions(file, contents.inside),
            search_path=() if file is None else file.search_path,
            properties=() if file is None else file.properties,
        )


def _newest_versions(file: Linked, inside: Set[str]) -> dict[str, str]:
    """The newest version of each kind that a file needs of libraries outside the wheel: {"GLIBC": "2.17"}."""
    newest: dict[str, tuple[int, ...]] = {}
    for version in file.versions:
        prefix, _, number = version.name.partition("_")
        if version.library in inside or version.weak or not re.fullmatch(r"\d{1,6}(\.\d{1,6})*", number):
            continue
        newest[prefix] = max(newest.get(prefix, ()), tuple(map(int, number.split("."))))
    return {prefix: ".".join(map(str, number)) for prefix, number in sorted(newest.items())}

"""Audit a wheel: everything that can be known of it without running it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from crossenv.targets import Target
from crossenv.wheels import file_checks
from crossenv.wheels.archive import Archive, ArchiveError, Member, opened
from crossenv.wheels.metadata import Claims, digest_fault, purelib_finding, read_claims, record_findings
from crossenv.wheels.model import ERROR, WARNING, Finding, NativeFile, WheelReport
from crossenv.wheels.native import LinkedFile, init_functions, newest_versions
from crossenv.wheels.promises import oldest_kept, policy_findings
from crossenv.wheels.shim import is_linked
from crossenv.wheels.symbols import symbol_findings
from crossenv.wheels.tags import Expected, Host, accepts, default_libc, expected_of

# ELF files and static libraries; everything else is only hashed.
_NATIVE = (b"\x7fELF", b"!<arch>\n")


@dataclass
class _Contents:
    """What was found inside a wheel while it was read once."""

    headers: dict[str, list[tuple[str, bytes]]] = field(default_factory=dict)
    linked: dict[str, LinkedFile] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def audit_wheel(path: Path, host: Host | None = None) -> WheelReport:
    """Audit the wheel at `path`.

    Args:
        path: The wheel; whatever is wrong with it is a finding.
        host: The host of the environment that it is for, if any.
    """
    try:
        with opened(path) as archive:
            return _audit(path, archive, host)
    except ArchiveError as error:
        finding = Finding(id="archive", severity=ERROR, path="", message=str(error))
        return WheelReport(path=str(path), tags=(), keeps=(), files=(), findings=(finding,), unchecked=())


def _audit(path: Path, archive: Archive, host: Host | None) -> WheelReport:
    claims = read_claims(path.name, archive)
    contents = _read(archive, claims, host)
    libc = next((name for file in contents.linked.values() if (name := default_libc(file.needed))), "")
    expected = expected_of(claims.tags, libc=libc, host=host)
    inside = {member.name.rpartition("/")[2] for member in archive.members}
    findings = [*archive.findings, *claims.findings, *record_findings(claims, archive), *contents.findings]
    unchecked = [f"{platform}: nothing is known of that platform" for platform in expected.unknown]
    if host is not None and claims.tags and not any(accepts(host, tag) for tag in claims.tags):
        says = f"the host ({host.platform_tag}, Python {host.python.name}) would not take it"
        findings.append(Finding(id="host-tag", severity=ERROR, path="", message=says))
    findings += _platform_findings(archive, claims, expected, contents)
    findings += _file_findings(expected, contents)
    promised = {(policy.libc, policy.floor): policy for policy in expected.promised}
    for policy in promised.values():
        findings += policy_findings(contents.linked, inside, policy)
    kept = []
    libcs = {target.libc for target in expected.targets}
    for target in _one_of_each(expected.targets):
        # A file that needs no C library keeps the oldest policy of either, which says little.
        if contents.linked and (len(libcs) > 1 or libc in ("", target.libc)):
            oldest = oldest_kept(contents.linked, inside, target)
            kept += [oldest.tag] if oldest is not None else []
    assumed = libc or (libcs.pop() if len(libcs) == 1 else "")
    symbols, not_known = symbol_findings(contents.linked, inside, expected, assumed, host)
    order = {ERROR: 0, WARNING: 1}
    return WheelReport(
        path=str(path),
        tags=claims.tags,
        keeps=tuple(kept),
        files=tuple(_native_files(contents, inside)),
        findings=tuple(
            sorted(dict.fromkeys([*findings, *symbols]), key=lambda finding: (order[finding.severity], finding.path))
        ),
        unchecked=(*unchecked, *not_known),
    )


def _one_of_each(targets: tuple[Target, ...]) -> list[Target]:
    return list({(target.machine, target.libc): target for target in targets}.values())


def _read(archive: Archive, claims: Claims, host: Host | None) -> _Contents:
    """Go through all members once: their hashes, and of the native ones everything."""
    contents = _Contents()
    for member in archive.members:
        head, fault = digest_fault(member.name, archive.blocks(member.name), claims)
        contents.findings += [fault] if fault is not None else []
        if head.startswith(_NATIVE):
            _read_native(member, archive.read(member.name), contents, host)
        elif member.name.endswith(".so"):
            contents.findings.append(
                Finding(id="elf-damaged", severity=ERROR, path=member.name, message="is not an ELF file")
            )
    return contents


def _read_native(member: Member, data: bytes, contents: _Contents, host: Host | None) -> None:
    contents.headers[member.name] = list(file_checks.headers_of(member.name, data))
    trace = file_checks.trace_finding(member.name, data, host)
    contents.findings += [trace] if trace is not None else []
    if not is_linked(data[:64]):
        return
    try:
        contents.linked[member.name] = LinkedFile(data)
    except ValueError as error:
        contents.findings.append(Finding(id="elf-damaged", severity=ERROR, path=member.name, message=str(error)))


def _platform_findings(archive: Archive, claims: Claims, expected: Expected, contents: _Contents) -> Iterator[Finding]:
    """Whether the wheel is native, and says so."""
    native = list(contents.headers)
    if expected.pure and native:
        says = f"says that it runs anywhere and holds native code ({native[0]})"
        yield Finding(id="platform-tag", severity=ERROR, path="", message=says)
    if claims.tags and not expected.pure and not native and not expected.unknown:
        says = "is tagged for a machine and holds no native code"
        yield Finding(id="platform-tag", severity=WARNING, path="", message=says)
    finding = purelib_finding(claims, archive, native) if claims.dist_info else None
    if finding is not None:
        yield finding


def _file_findings(expected: Expected, contents: _Contents) -> Iterator[Finding]:
    for name, headers in contents.headers.items():
        for label, header in headers:
            finding = file_checks.machine_finding(label, header, expected.machines)[1]
            if finding is not None:
                yield finding
        if name in contents.linked:
            yield from _linked_findings(name, contents.linked[name], expected)


def _linked_findings(name: str, file: LinkedFile, expected: Expected) -> Iterator[Finding]:
    yield from file_checks.search_path_findings(name, file)
    for finding in (
        file_checks.name_finding(name, expected),
        file_checks.init_finding(name, file),
        file_checks.interpreter_finding(name, file, expected),
        file_checks.stack_finding(name, file),
    ):
        if finding is not None:
            yield finding


def _native_files(contents: _Contents, inside: set[str]) -> Iterator[NativeFile]:
    for name, headers in contents.headers.items():
        words = [file_checks.machine_finding(label, header, ())[0] for label, header in headers]
        file = contents.linked.get(name)
        kind = "archive" if headers and headers[0][0] != name else "object"
        if file is not None:
            kind = "program" if file.program else "extension" if init_functions(file) else "library"
        yield NativeFile(
            path=name,
            kind=kind,
            machine=next(filter(None, words), ""),
            needs=() if file is None else tuple(file.needed),
            versions={} if file is None else newest_versions(file, inside),
            search_path=() if file is None else file.search_path,
        )

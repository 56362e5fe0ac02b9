"""What a wheel says of itself: its filename, WHEEL, METADATA and RECORD (binary distribution format; PEP 376, 427)."""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import HeaderParser

from packaging.tags import parse_tag
from packaging.utils import (
    InvalidWheelFilename,
    canonicalize_name,
    canonicalize_version,
    parse_wheel_filename,
)

from crossenv.wheels.archive import Archive
from crossenv.wheels.model import ERROR, WARNING, Finding

# What RECORD cannot hold the hash of: itself and its signatures.
_UNHASHED = ("RECORD", "RECORD.jws", "RECORD.p7s")
# A header of WHEEL that `crossenv merge` writes: of the wheel's machines, the only one that a native file is for, and
# that file's name. Without it such a file is a mistake of the build.
ONLY_FOR = "Crossenv-Only-For"
# PEP 376 and the binary distribution format: sha256 or better.
_ALGORITHMS = ("sha256", "sha384", "sha512")


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """What a wheel says of itself.

    Attributes:
        name: The project's name, normalised; "" where the filename is none of a wheel.
        version: The release.
        tags: Its tags, written out and sorted: "cp311-cp311-linux_aarch64".
        dist_info: Its `.dist-info` directory; "" if it has none, or several.
        digests: By member, what RECORD says: the hash's algorithm, the hash, the size (-1 for none).
        only_for: The machine that a native file is for, of those that the tags name, by the file's name.
        findings: What does not agree.
    """

    name: str
    version: str
    tags: tuple[str, ...]
    dist_info: str
    digests: dict[str, tuple[str, str, int]]
    findings: tuple[Finding, ...]
    only_for: dict[str, str] = field(default_factory=dict)


def read_claims(filename: str, archive: Archive) -> Claims:
    """Read a wheel's claims.

    Raises:
        ArchiveError: The archive is damaged.
    """
    findings: list[Finding] = []
    name = version = ""
    tags: tuple[str, ...] = ()
    try:
        name, parsed, _build, parsed_tags = parse_wheel_filename(filename)
        version = str(parsed)
        tags = tuple(sorted(map(str, parsed_tags)))
    except InvalidWheelFilename as error:
        findings.append(_error("filename", "", f"its filename is not one of a wheel: {error}"))
    names = [member.name for member in archive.members]
    directories = sorted({one.partition("/")[0] for one in names if one.partition("/")[0].endswith(".dist-info")})
    if len(directories) != 1:
        says = "has no .dist-info directory" if not directories else f"has several: {', '.join(directories)}"
        findings.append(_error("metadata-missing", "", says))
        return Claims(name=name, version=version, tags=tags, dist_info="", digests={}, findings=tuple(findings))
    directory = directories[0]
    project, _, release = directory.removesuffix(".dist-info").rpartition("-")
    if name and (canonicalize_name(project), canonicalize_version(release)) != (name, canonicalize_version(version)):
        findings.append(_error("metadata-mismatch", directory, f"does not belong to {name} {version}"))
    digests: dict[str, tuple[str, str, int]] = {}
    only_for: dict[str, str] = {}
    for wanted in ("METADATA", "WHEEL", "RECORD"):
        path = f"{directory}/{wanted}"
        if path not in names:
            findings.append(_error("metadata-missing", path, "is not in the wheel"))
            continue
        try:
            text = archive.read(path).decode("utf-8")
        except UnicodeDecodeError:
            findings.append(_error("metadata-damaged", path, "is not in UTF-8"))
            continue
        if wanted == "RECORD":
            digests, faults = _read_record(path, text)
            findings += faults
        elif wanted == "WHEEL":
            headers = _headers(text)
            findings += _wheel_findings(path, headers, tags)
            said = (str(value).strip().partition(" ") for value in headers.get_all(ONLY_FOR, []))
            only_for = {file: machine for machine, _, file in said}
        elif name:
            findings += _metadata_findings(path, _headers(text), name, version)
    return Claims(
        name=name,
        version=version,
        tags=tags,
        dist_info=directory,
        digests=digests,
        findings=tuple(findings),
        only_for=only_for,
    )


def record_findings(claims: Claims, archive: Archive) -> Iterator[Finding]:
    """Whether the list in RECORD is the list of members; the hashes are `digest_fault`'s.

    Yields:
        The members that RECORD does not have, and the other way round.
    """
    record = f"{claims.dist_info}/RECORD"
    names = {member.name for member in archive.members}
    if not claims.dist_info or record not in names:
        return
    exempt = {f"{claims.dist_info}/{name}" for name in _UNHASHED}
    for name in sorted(names - claims.digests.keys() - exempt):
        yield _error("record-unlisted", name, "is not in RECORD")
    for name in sorted(claims.digests.keys() - names):
        yield _error("record-absent", name, "is in RECORD and not in the wheel")
    for name in sorted((names & claims.digests.keys()) - exempt):
        algorithm, _value, _size = claims.digests[name]
        if algorithm not in _ALGORITHMS:
            says = f"has no hash of a kind that is trusted in RECORD ({algorithm or 'none'})"
            yield _error("record-hash", name, says)


def digest_fault(name: str, blocks: Iterable[bytes], claims: Claims) -> Finding | None:
    """What is wrong with a member by its hash and size in RECORD.

    Args:
        name: The member.
        blocks: Its content.
        claims: What RECORD says.
    """
    algorithm, value, size = claims.digests.get(name, ("", "", -1))
    digest = hashlib.new(algorithm) if algorithm in _ALGORITHMS else None
    read = 0
    for block in blocks:
        read += len(block)
        if digest is not None:
            digest.update(block)
    if 0 <= size != read:
        return _error("record-hash", name, f"has {read} bytes; RECORD says {size}")
    if digest is not None and digest.digest() != _decoded(value):
        return _error("record-hash", name, "is not what RECORD has the hash of")
    return None


def _decoded(value: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (binascii.Error, ValueError):
        return b""


def _read_record(path: str, text: str) -> tuple[dict[str, tuple[str, str, int]], list[Finding]]:
    digests: dict[str, tuple[str, str, int]] = {}
    findings: list[Finding] = []
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        return {}, [_error("metadata-damaged", path, f"is not a table of comma-separated values: {error}")]
    for number, row in enumerate(rows, 1):
        if not row:
            continue
        if len(row) != 3 or (row[2] and not (row[2].isascii() and row[2].isdecimal() and len(row[2]) < 20)):
            findings.append(_error("metadata-damaged", path, f"line {number} is not a path, a hash and a size"))
            continue
        algorithm, _, value = row[1].partition("=")
        if row[0] in digests:
            findings.append(_error("metadata-damaged", path, f"line {number} lists {row[0]} again"))
        digests[row[0]] = (algorithm, value, int(row[2]) if row[2] else -1)
    return digests, findings


def _headers(text: str) -> Message:
    return HeaderParser().parsestr(text)


def _wheel_findings(path: str, headers: Message, tags: tuple[str, ...]) -> Iterator[Finding]:
    version = str(headers.get("Wheel-Version", ""))
    if version.partition(".")[0] != "1":
        yield _error("metadata-mismatch", path, f"has the Wheel-Version {version or '(none)'}; installers know 1.x")
    said: set[str] = set()
    for value in headers.get_all("Tag", []):
        try:
            said |= set(map(str, parse_tag(str(value).strip())))
        except ValueError:
            yield _error("wheel-tags", path, f"says Tag: {value}, which is none")
    if tags and said != set(tags):
        more, fewer = sorted(said - set(tags)), sorted(set(tags) - said)
        words = [f"has {', '.join(more)} that the filename has not"] if more else []
        words += [f"lacks {', '.join(fewer)} of the filename"] if fewer else []
        yield _error("wheel-tags", path, " and ".join(words))


def _metadata_findings(path: str, headers: Message, name: str, version: str) -> Iterator[Finding]:
    said_name, said_version = str(headers.get("Name", "")), str(headers.get("Version", ""))
    if canonicalize_name(said_name) != name:
        yield _error("metadata-mismatch", path, f"says Name: {said_name}; the filename says {name}")
    if canonicalize_version(said_version) != canonicalize_version(version):
        yield _error("metadata-mismatch", path, f"says Version: {said_version}; the filename says {version}")


def purelib_finding(claims: Claims, archive: Archive, native: list[str]) -> Finding | None:
    """Native files in the part of the wheel that is installed among pure Python."""
    path = f"{claims.dist_info}/WHEEL"
    if not native or path not in {member.name for member in archive.members}:
        return None
    headers = _headers(archive.read(path).decode("utf-8", "replace"))
    data = f"{claims.dist_info.removesuffix('.dist-info')}.data/"
    pure = str(headers.get("Root-Is-Purelib", "")).strip().lower() == "true"
    if pure and any(not name.startswith(data) for name in native):
        return Finding(
            id="purelib", severity=WARNING, path=path, message="says Root-Is-Purelib: true, and the wheel is native"
        )
    if any(name.startswith(f"{data}purelib/") for name in native):
        return Finding(id="purelib", severity=WARNING, path=native[0], message="is native, and in purelib")
    return None


def _error(kind: str, path: str, message: str) -> Finding:
    return Finding(id=kind, severity=ERROR, path=path, message=message)

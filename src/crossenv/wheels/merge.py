"""Make one wheel for both kinds of Macs (`universal2`) of two wheels, each for one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from crossenv.binaries import FORMATS, BinaryError
from crossenv.binaries.macho import joined
from crossenv.errors import AuditError
from crossenv.platforms.architectures import MACHO
from crossenv.platforms.macos import MacOSTarget, universal_tag
from crossenv.targets import target_of_tag
from crossenv.wheels.archive import ArchiveError, opened
from crossenv.wheels.metadata import ONLY_FOR
from crossenv.wheels.rewrite import is_metadata, write_wheel

_HINT = "name two wheels of one version, one for macosx_..._arm64 and one for macosx_..._x86_64"

_BILL = re.compile(r"([^/]+\.dist-info/sboms/)(.+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Half:
    path: Path
    target: MacOSTarget
    stem: str
    files: dict[str, bytes]
    executable: frozenset[str]


def merge(first: Path, second: Path, directory: Path) -> Path:
    """Put a wheel for both machines into `directory`.

    Files that are alike are taken once, native files become one file for both machines. Their signatures stay valid.
    Bills of materials (PEP 770) that differ stay two: they have the build's time, and a machine's own dependencies.
    A native file that one of them lacks stays for one machine, and WHEEL says so: `crossenv.wheels.metadata.ONLY_FOR`.

    Returns:
        The wheel.

    Raises:
        AuditError: One of them is not a wheel for macOS, they are for one machine or of two versions, a file that is
            not native differs or is in one of them only, or two native files are for one machine.
    """
    halves = [_read(first), _read(second)]
    intel, arm = sorted(halves, key=lambda half: half.target.machine, reverse=True)
    if (intel.target.machine, arm.target.machine) != ("x86_64", "arm64"):
        raise AuditError(f"{first.name} and {second.name} are for the same machine", hint=_HINT)
    if intel.stem != arm.stem:
        raise AuditError(f"{first.name} and {second.name} are not one project, version and Python", hint=_HINT)
    tag = universal_tag(intel.target, arm.target)
    made = directory / f"{intel.stem}-{tag}.whl"
    files: dict[str, bytes] = {}
    lonely = [*_lonely(intel, arm), *_lonely(arm, intel)]
    for name in sorted(intel.files.keys() & arm.files.keys()):
        if is_metadata(name, "RECORD"):
            continue
        if intel.files[name] != arm.files[name] and (bill := _BILL.fullmatch(name)):
            files |= {f"{bill[1]}{half.target.machine}/{bill[2]}": half.files[name] for half in (intel, arm)}
        else:
            files[name] = _merged(name, intel, arm, tag, lonely)
    files |= {name: half.files[name] for half, name in lonely}
    write_wheel(made, files, intel.executable | arm.executable)
    return made


def merge_all(builds: Sequence[Sequence[Path]], directory: Path) -> tuple[Path, ...]:
    """Merge the wheels of two builds into `directory`, a pair for each project.

    Those that run anywhere are taken as they are.

    Returns:
        The wheels, in the order of the first build's.

    Raises:
        AuditError: A wheel has no counterpart, or `merge` refuses a pair.
    """
    first, second = builds
    others = {parse_wheel_filename(wheel.name)[0]: wheel for wheel in second}
    made = []
    for wheel in first:
        other = others.pop(parse_wheel_filename(wheel.name)[0], None)
        if other is None:
            raise _unpaired(wheel)
        pure = wheel.name == other.name and wheel.name.endswith("-any.whl")
        made.append(wheel if pure else merge(wheel, other, directory))
    for other in others.values():
        raise _unpaired(other)
    return tuple(made)


def _unpaired(wheel: Path) -> AuditError:
    return AuditError(f"{wheel.name} was built for one machine only", hint="build for each machine by itself")


def _read(path: Path) -> _Half:
    stem, _, tag = path.name.removesuffix(".whl").rpartition("-")
    try:
        parse_wheel_filename(path.name)
        target = target_of_tag(tag, "")
    except InvalidWheelFilename:
        target = None
    if not isinstance(target, MacOSTarget) or len(target.identities) != 1:
        raise AuditError(f"{path.name} is not a wheel for one kind of Macs", hint=_HINT)
    try:
        with opened(path) as archive:
            if archive.findings:
                raise ArchiveError(f"is damaged: {archive.findings[0].path} {archive.findings[0].message}")
            files = {member.name: archive.read(member.name) for member in archive.members}
            executable = frozenset(member.name for member in archive.members if member.executable)
    except ArchiveError as error:
        raise AuditError(f"{path.name} {error}", hint="build it again") from None
    return _Half(path=path, target=target, stem=stem, files=files, executable=executable)


def _lonely(half: _Half, other: _Half) -> Iterator[tuple[_Half, str]]:
    """The files of a wheel that the other has not: all native."""
    for name in sorted(half.files.keys() - other.files.keys()):
        if not FORMATS[MACHO].recognises(half.files[name]):
            raise AuditError(
                f"{name} is in {half.path.name} and not in {other.path.name}, and is not a native file",
                hint="publish the two wheels as they are",
            )
        yield half, name


def _merged(name: str, intel: _Half, arm: _Half, tag: str, lonely: Sequence[tuple[_Half, str]]) -> bytes:
    one, other = intel.files[name], arm.files[name]
    if is_metadata(name, "WHEEL"):
        one, other = (_retagged(half.files[name], half.target.platform_tag, tag, lonely) for half in (intel, arm))
    if one == other:
        return one
    form = FORMATS[MACHO]
    if form.recognises(one) and form.recognises(other):
        try:
            return joined([one, other])
        except BinaryError as error:
            raise AuditError(
                f"{name} in {intel.path.name} and {arm.path.name} makes no file for both: it {error}",
                hint="`crossenv audit` says which of the two is not what its tag says",
            ) from None
    raise AuditError(
        f"{name} differs between {intel.path.name} and {arm.path.name}, and is not a native file",
        hint="build both in the same way, or publish the two wheels as they are",
    )


def _retagged(text: bytes, old: str, new: str, lonely: Sequence[tuple[_Half, str]]) -> bytes:
    # Nothing after an empty line is a header.
    lines = filter(None, text.decode("utf-8", "replace").splitlines())
    changed = [
        line.removesuffix(old) + new if line.startswith("Tag:") and line.endswith(old) else line for line in lines
    ]
    changed += [
        f"{ONLY_FOR}: {half.target.machine} {name}"
        for half, name in lonely
        if not FORMATS[MACHO].machine(half.files[name]).others
    ]
    return "".join(f"{line}\n" for line in changed).encode()

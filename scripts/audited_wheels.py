"""Audit wheels that others built and that work: the index's own.

    python scripts/audited_wheels.py

Fetches every Linux wheel of the newest releases of a few projects, for machines other than this one and for musl,
and runs `crossenv audit` on them. Writes docs/explanation/data/audited-wheels. A finding in them is a fault of the
audit, or one that their makers would want to know of.
"""

from __future__ import annotations

import re
import sys
from collections import Counter

from index import Offered, offered_wheels
from packaging.version import Version
from results import CACHE, keep, today

from crossenv.wheels.audit import audit_wheel

WORK = CACHE / "audited"
# Of the first four none has wheels for s390x today.
PROJECTS = ("numpy", "pillow", "lxml", "cryptography", "pyyaml", "charset-normalizer")
MACHINES = ("aarch64", "armv7l", "i686", "ppc64le", "riscv64", "s390x")


def newest_wheels(project: str) -> list[Offered]:
    """The wheels of the newest release that are for another machine, or for musl."""
    found: dict[Version, list[Offered]] = {}
    for wheel in offered_wheels(project):
        platforms = {tag.platform for tag in wheel.tags}
        if not wheel.version.is_prerelease and any(
            "musllinux" in platform or ("manylinux" in platform and platform.endswith(MACHINES))
            for platform in platforms
        ):
            found.setdefault(wheel.version, []).append(wheel)
    return found[max(found)]


def main() -> int:
    """Audit them all and write the data; the exit status is 1 if one fails."""
    releases, failed = {}, 0
    remarks: Counter[str] = Counter()
    for project in PROJECTS:
        wheels = newest_wheels(project)
        passed: Counter[str] = Counter()
        files = 0
        for wheel in wheels:
            report = audit_wheel(wheel.fetch(WORK))
            files += len(report.files)
            platform = report.tags[0].rpartition("-")[2]
            family = "musllinux" if "musllinux" in platform else "manylinux"
            machine = next((name for name in (*MACHINES, "x86_64") if platform.endswith(name)), platform)
            if report.failed():
                failed += 1
            else:
                passed[f"{family} {machine}"] += 1
            for finding in report.findings:
                # Without the hash that auditwheel put into a library's name.
                where = re.sub(r"-[0-9a-f]{8}\.so", ".so", finding.path)
                remarks[f"{project}: {finding.severity}: {where} {finding.message} [{finding.id}]"] += 1
        releases[f"{project} {wheels[0].version}"] = {
            "wheels": len(wheels),
            "files": files,
            "passed": dict(sorted(passed.items())),
        }
        print(
            f"{project} {wheels[0].version}: {sum(passed.values())} of {len(wheels)} passed",
            file=sys.stderr,
            flush=True,
        )
    findings = [f"{count} wheels of {remark}" for remark, count in remarks.items()]
    keep("audited-wheels", "index", {"about": {"date": today()}, "releases": releases, "findings": findings})
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

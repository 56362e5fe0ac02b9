"""Audit wheels that others built and that work: the index's own.

    python scripts/audited_wheels.py

Fetches every Linux wheel of the newest releases of a few projects, for machines other than this one and for musl,
and runs `crossenv audit` on them. Writes docs/explanation/data/audited-wheels. A finding in them is a fault of the
audit, or one that their makers would want to know of.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path

from packaging.utils import parse_wheel_filename
from packaging.version import Version
from results import CACHE, keep, today

from crossenv.wheels.audit import audit_wheel

WORK = CACHE / "audited"
# Of the first four none has wheels for s390x today.
PROJECTS = ("numpy", "pillow", "lxml", "cryptography", "pyyaml", "charset-normalizer")
MACHINES = ("aarch64", "armv7l", "i686", "ppc64le", "riscv64", "s390x")


def index_url() -> str:
    """The index that pip is set to use."""
    told = os.environ.get("PIP_INDEX_URL") or subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False
    ).stdout.strip()  # fmt: skip
    return (told or "https://pypi.org/simple").rstrip("/")


def newest_wheels(project: str) -> list[dict[str, str]]:
    """Name, address and hash of the wheels of the newest release that are for another machine, or for musl."""
    page = f"{index_url()}/{project}/"
    request = urllib.request.Request(page, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request) as answer:
        files = json.load(answer)["files"]
    found: dict[Version, list[dict[str, str]]] = {}
    for file in files:
        if not file["filename"].endswith(".whl") or file.get("yanked"):
            continue
        _name, version, _build, tags = parse_wheel_filename(file["filename"])
        platforms = {tag.platform for tag in tags}
        if version.is_prerelease or not any(
            "musllinux" in platform or ("manylinux" in platform and platform.endswith(MACHINES))
            for platform in platforms
        ):
            continue
        url = urllib.parse.urljoin(page, file["url"])
        found.setdefault(version, []).append({"name": file["filename"], "url": url, "sha256": file["hashes"]["sha256"]})
    return found[max(found)]


def fetch(wheel: dict[str, str]) -> Path:
    """The wheel's file, whose hash is the index's."""
    path = WORK / wheel["name"]
    if not path.exists():
        with urllib.request.urlopen(wheel["url"]) as answer:
            data = answer.read()
        if hashlib.sha256(data).hexdigest() != wheel["sha256"]:
            raise SystemExit(f"{wheel['name']}: not what the index promises")
        path.write_bytes(data)
    return path


def main() -> int:
    """Audit them all and write the data; the exit status is 1 if one fails."""
    WORK.mkdir(parents=True, exist_ok=True)
    releases, failed = {}, 0
    remarks: Counter[str] = Counter()
    for project in PROJECTS:
        wheels = newest_wheels(project)
        passed: Counter[str] = Counter()
        files = 0
        for wheel in wheels:
            report = audit_wheel(fetch(wheel))
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
        version = parse_wheel_filename(wheels[0]["name"])[1]
        releases[f"{project} {version}"] = {
            "wheels": len(wheels),
            "files": files,
            "passed": dict(sorted(passed.items())),
        }
        print(f"{project} {version}: {sum(passed.values())} of {len(wheels)} passed", file=sys.stderr, flush=True)
    findings = [f"{count} wheels of {remark}" for remark, count in remarks.items()]
    keep("audited-wheels", "index", {"about": {"date": today()}, "releases": releases, "findings": findings})
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

"""`crossenv audit`: check a wheel against its tags, without running it."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

from crossenv.cli.common import active_environment, common_options
from crossenv.errors import AuditError, UsageError
from crossenv.record import Record, load_record
from crossenv.report import Reporter, counted
from crossenv.wheels.audit import audit_wheel
from crossenv.wheels.model import WheelReport


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "audit",
        parents=[common_options()],
        help="check wheels against their tags",
        description="Check wheels against their tags, in or out of an environment. Nothing in them is run.",
    )
    parser.add_argument("wheels", metavar="WHEEL", nargs="+", help="a wheel for Linux, Windows, macOS or Pyodide")
    add_host_argument(parser)
    parser.add_argument("--strict", action="store_true", help="fail on warnings too")
    parser.set_defaults(run=run)


def add_host_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the environment to check against."""
    parser.add_argument(
        "--env", metavar="ENV", help="check for the target of this environment; default: the active one, if any"
    )


def chosen_record(given: str | None, environ: Mapping[str, str]) -> Record | None:
    """Return the record of the named or active environment; None for none."""
    root = active_environment(given, environ)
    return None if root is None else load_record(root)


def wheel_path(text: str) -> Path:
    """Return the path of an existing wheel.

    Raises:
        UsageError: There is no such file.
    """
    path = Path(text).expanduser().absolute()
    if not path.is_file():
        there = ", ".join(sorted(one.name for one in path.parent.glob("*.whl"))[:3])
        hint = (
            f"{path.parent} has {there or 'none'}" if path.suffix == ".whl" else "name a file whose name ends in .whl"
        )
        raise UsageError(f"there is no wheel {text}", hint=hint)
    return path


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Audit every wheel; the exit status is 7 if one has a finding."""
    record = chosen_record(args.env, os.environ)
    reports = []
    for path in [wheel_path(text) for text in args.wheels]:
        reporter.step(f"reading {path}")
        report = audit_wheel(path, record)
        reports.append(report)
        if not args.json:
            print_report(report, reporter, strict=args.strict)
    failed = [report for report in reports if report.failed(strict=args.strict)]
    if args.json:
        reporter.json(
            {"passed": not failed, "wheels": [report_as_json(report, strict=args.strict) for report in reports]}
        )
    return AuditError.exit_code if failed else 0


def report_as_json(report: WheelReport, *, strict: bool) -> dict[str, object]:
    """Return a report as docs/reference/audit.md describes it."""
    return {"passed": not report.failed(strict=strict), **dataclasses.asdict(report)}


def print_report(report: WheelReport, reporter: Reporter, *, strict: bool) -> None:
    """Print a report for people: a line on the wheel, a table of its native files, its findings."""
    verdict = "FAIL" if report.failed(strict=strict) else "ok  "
    reporter.result(f"{verdict} {Path(report.path).name}")
    if report.files:
        machines = ", ".join(sorted({file.machine for file in report.files} - {""}))
        count = f"     {counted(len(report.files), 'native file')} for {machines or 'no machine'}"
        if report.policies:
            reporter.result(f"{count}; satisfies {', '.join(report.keeps) or 'no manylinux or musllinux policy'}")
        else:
            reporter.result(count)
        width = min(max(len(file.path) for file in report.files), 70)
        for file in report.files:
            versions = ", ".join(f"{prefix} {version}" for prefix, version in file.versions.items())
            needs = " ".join(file.needs)
            row = f"     {file.path:<{width}}  {file.kind:<9}  {versions or '-':<32}  {needs}"
            reporter.result(row.rstrip())
    for note in report.unchecked:
        reporter.result(f"     not checked: {note}")
    for finding in report.findings:
        where = f"{finding.path} " if finding.path else ""
        reporter.result(f"     {finding.severity}: {where}{finding.message} [{finding.id}]")

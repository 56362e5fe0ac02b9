"""`crossenv merge`: make one wheel for both kinds of Macs of two."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from crossenv.cli.audit import print_report, report_as_json, wheel_path
from crossenv.cli.common import common_options
from crossenv.errors import AuditError
from crossenv.files import scratch_directory
from crossenv.report import Reporter
from crossenv.wheels.audit import audit_wheel
from crossenv.wheels.merge import merge
from crossenv.wheels.rewrite import placed


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "merge",
        parents=[common_options()],
        help="make a universal2 wheel of two",
        description="Make one wheel for both kinds of Macs (universal2) of a wheel for arm64 and one for x86_64, and"
        " audit it. Native files are put together, all others must be alike. A native file that only one of them has is"
        " taken, with a warning.",
    )
    parser.add_argument("wheels", metavar="WHEEL", nargs=2, help="a wheel for macOS")
    parser.add_argument("--dest", metavar="DIR", default="wheelhouse", help="put the result here; default: wheelhouse")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Merge the wheels and print the path of the result; the exit status is 7 if the audit refuses it."""
    first, second = (wheel_path(text) for text in args.wheels)
    directory = Path(args.dest).expanduser().absolute()
    with scratch_directory("merge") as scratch:
        merged = merge(first, second, scratch)
        made = directory / merged.name
        report = replace(audit_wheel(merged, None), path=str(made))
        failed = report.failed(strict=False)
        if not failed:
            placed(merged, merged.name, directory)
    if args.json:
        reporter.json({"wheel": str(made), "report": report_as_json(report, strict=False)})
    elif failed:
        print_report(report, reporter, strict=False)
    else:
        for finding in report.findings:
            reporter.warning(f"{finding.path} {finding.message}")
        reporter.result(str(made))
    return AuditError.exit_code if failed else 0

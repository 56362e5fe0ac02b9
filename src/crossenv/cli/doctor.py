"""`crossenv doctor`: check that an environment works."""

from __future__ import annotations

import argparse
import dataclasses
import os

from crossenv.cli.common import chosen_environment, common_options
from crossenv.cli.show import add_environment_argument
from crossenv.environment.doctor import examine
from crossenv.errors import AuditError
from crossenv.record import load_record
from crossenv.report import Reporter


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "doctor", parents=[common_options()], help="check that an environment works", description=__doc__
    )
    add_environment_argument(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Run every check; the exit status is 7 if one fails."""
    record = load_record(chosen_environment(args.env, os.environ))
    findings = []
    for finding in examine(record, reporter):
        findings.append(finding)
        if args.json:
            continue
        reporter.result(f"{'ok  ' if finding.good else 'FAIL'} {finding.check}")
        if not finding.good:
            reporter.result(f"     {finding.fault}")
            reporter.result(f"     mend: {finding.mend}")
    if args.json:
        reporter.json([dataclasses.asdict(finding) for finding in findings])
    failed = sum(not finding.good for finding in findings)
    return AuditError.exit_code if failed else 0

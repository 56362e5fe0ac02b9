"""`crossenv seal`: check a wheel that was just built; environments start it (docs/reference/seal.md)."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from crossenv.cli.common import common_options
from crossenv.errors import AuditError
from crossenv.files import write_file
from crossenv.report import Reporter
from crossenv.wheels.seal import parse_job, seal


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "seal",
        parents=[common_options()],
        help="check a wheel that was just built (for internal use)",
        description="Read a build's report from standard input; check its wheel, repair it if asked, tag it, and write"
        " the status.",
    )
    parser.add_argument("--status", metavar="FILE", help="write the status to FILE; default: standard output")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Check a wheel; the exit status is 7 if it is refused."""
    status = seal(parse_job(sys.stdin.read()))
    text = json.dumps(status, indent=2) + "\n"
    if args.status is None:
        reporter.result(text.rstrip())
    else:
        write_file(Path(args.status), text)
    return AuditError.exit_code if status["verdict"] == "refused" else 0

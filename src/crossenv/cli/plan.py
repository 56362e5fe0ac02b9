"""`crossenv plan`: say what `crossenv wheel` would do, for people, programs and schedulers."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from crossenv.cli.builds import add_options, survey, wanted
from crossenv.cli.common import common_options
from crossenv.cli.wheel import show_plan
from crossenv.errors import UsageError, reason_of
from crossenv.farm.formats import FORMATS
from crossenv.farm.plan import exit_code_of_plan, write_plan
from crossenv.farm.requirements import without_secrets
from crossenv.files import write_file
from crossenv.report import Reporter


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "plan",
        parents=[common_options()],
        help="say what `crossenv wheel` would do",
        description="Say which jobs `crossenv wheel` would run with these options: which wheels are there already, "
        "which serve several combinations, and what waits for what. Nothing is built.",
        usage="crossenv plan [options] REQ... [-- PIP-OPTION...]",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write the plan to this file too, as JSON")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="print the jobs for this scheduler: a matrix, a child pipeline, an array script",
    )
    add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Make a plan and print it."""
    if args.format and args.json:
        raise UsageError("--format and --json exclude each other", hint="use -o FILE for the plan as JSON")
    asked = wanted(args, reporter)
    if any("@" in word and without_secrets([word]) != shlex.join([word]) for word in asked.arguments):
        raise UsageError("an address has a password, which the plan would show", hint="set PIP_INDEX_URL, or use netrc")
    plan = survey(asked, reporter)
    if args.output:
        try:
            write_file(Path(args.output).expanduser().absolute(), write_plan(plan))
        except OSError as error:
            raise UsageError(f"{args.output} cannot be written: {reason_of(error)}", hint="name another file") from None
    if args.format:
        reporter.result(FORMATS[args.format](plan).rstrip("\n"))
        return exit_code_of_plan(plan)
    return show_plan(plan, args, reporter)

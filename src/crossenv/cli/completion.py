"""`crossenv completion`: print a script that completes commands and options in a shell."""

from __future__ import annotations

import argparse

from crossenv.cli.common import common_options
from crossenv.report import Reporter

SHELLS = ("bash", "zsh", "fish")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "completion", parents=[common_options()], help="complete commands and options in a shell", description=__doc__
    )
    parser.add_argument("shell", choices=SHELLS, help="the shell that reads the script")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Print the script for all commands."""
    import shtab

    from crossenv.cli.parser import build_parser

    script = shtab.complete(build_parser(), shell=args.shell)
    if args.json:
        reporter.json({"shell": args.shell, "script": script})
    else:
        reporter.result(script.rstrip("\n"))
    return 0

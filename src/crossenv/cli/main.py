"""The `crossenv` command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import crossenv
from crossenv.cli import audit, create, doctor, repair, show, sysroot, targets, wheel
from crossenv.errors import CrossenvError
from crossenv.report import Reporter, wants_colour

COMMANDS = (create, show, doctor, targets, sysroot, audit, repair, wheel)


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="crossenv", description="Cross virtual environments: cross-compile Python packages as if with plain pip."
    )
    parser.add_argument("--version", action="version", version=f"crossenv {crossenv.__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(subparsers)
    return parser


def split_passed_on(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands after `--` is another program's; argparse would take it for ours."""
    words = list(arguments)
    if words[:1] != [wheel.NAME] or "--" not in words:
        return words, []
    place = words.index("--")
    return words[:place], words[place + 1 :]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the process's exit status (docs/reference/exit-codes.md)."""
    words, passed_on = split_passed_on(sys.argv[1:] if arguments is None else arguments)
    options = build_parser().parse_args(words)
    options.passed_on = passed_on
    reporter = Reporter(verbosity=-1 if options.quiet else options.verbose, colour=wants_colour(sys.stderr, os.environ))
    try:
        status: int = options.run(options, reporter)
    except CrossenvError as error:
        reporter.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        reporter.warning("interrupted")
        return 130
    except BrokenPipeError:
        # Whoever read the output has seen enough (`crossenv show | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


if __name__ == "__main__":
    sys.exit(main())

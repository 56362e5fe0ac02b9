"""The `crossenv` command."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence

import crossenv
from crossenv.errors import CrossenvError
from crossenv.report import LiveLines, Reporter, wants_colour, wants_live

# Each is a module here. Only the one that is named is imported: `cross-run` may start for every program of a build.
COMMANDS = (
    "create",
    "show",
    "doctor",
    "targets",
    "dump",
    "sysroot",
    "audit",
    "repair",
    "run",
    "test",
    "export",
    "wheel",
)
# Those in whose command lines "--" stands before the words of another command.
WITH_COMMAND = ("run", "test", "wheel")


def build_parser(commands: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """The parser of the command line, as far as these commands go."""
    parser = argparse.ArgumentParser(
        prog="crossenv", description="Cross virtual environments: cross-compile Python packages as if with plain pip."
    )
    parser.add_argument("--version", action="version", version=f"crossenv {crossenv.__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in commands:
        importlib.import_module(f"crossenv.cli.{command}").add_parser(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the process's exit status (docs/reference/exit-codes.md)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    behind = None
    command = words[0] if words and words[0] in COMMANDS else None
    if command is None:
        from crossenv.cli import older

        if older.is_meant(words):
            return run_reported(older.parse(words), older.run)
    if command in WITH_COMMAND and "--" in words:
        place = words.index("--")
        words, behind = words[:place], words[place + 1 :]
    options = build_parser(COMMANDS if command is None else (command,)).parse_args(words)
    options.behind = behind
    return run_reported(options, options.run)


def run_reported(options: argparse.Namespace, run: Callable[[argparse.Namespace, Reporter], int]) -> int:
    """Carry out what the command line asks for; returns the exit status."""
    live = LiveLines(sys.stderr) if not options.quiet and wants_live(sys.stderr, os.environ) else None
    reporter = Reporter(
        verbosity=-1 if options.quiet else options.verbose, colour=wants_colour(sys.stderr, os.environ), live=live
    )
    try:
        return run(options, reporter)
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


if __name__ == "__main__":
    sys.exit(main())

"""The `crossenv` command."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence

from crossenv.cli.installation import require_own_package
from crossenv.cli.parser import COMMANDS, build_parser, closest
from crossenv.cli.process import finish, prepare, require_umask
from crossenv.errors import CrossenvError, UsageError, fault_of_the_machine
from crossenv.report import LiveLines, Reporter, wants_colour, wants_live

# Commands that take another command's words after "--".
WITH_COMMAND = ("run", "test", "wheel", "plan")
# The options that need no command.
_ALONE = ("-h", "--help", "-V", "--version")
# The options of all commands (`crossenv.cli.common`), which may also precede the command.
_COMMON = re.compile(r"-[vq]+|--verbose|--quiet|--json")

Run = Callable[[argparse.Namespace, Reporter], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the process's exit status (docs/reference/exit-codes.md).

    Args:
        arguments: The words after the command's name; by default this process's, which is then prepared first.
    """
    if arguments is None:
        prepare()
    reporter = Reporter(colour=wants_colour(sys.stderr, os.environ))
    try:
        require_umask()
        require_own_package()
        options, run = read_words(list(sys.argv[1:] if arguments is None else arguments))
    except UsageError as error:
        reporter.error(error)
        status = error.exit_code
    except SystemExit as stop:
        # argparse has printed what --help or --version ask for.
        status = int(stop.code or 0)
    else:
        reporter = reporter_for(options)
        status = run_reported(options, run, reporter)
    return finish(status, reporter)


def read_words(words: Sequence[str]) -> tuple[argparse.Namespace, Run]:
    """Parse a command line; return its options and the function to call.

    Raises:
        UsageError: The command line is wrong.
    """
    if not words:
        return argparse.Namespace(quiet=False, verbose=0), _guide
    count = next((index for index, word in enumerate(words) if not _COMMON.fullmatch(word)), len(words))
    common, rest = list(words[:count]), list(words[count:])
    if rest and rest[0] == "help":
        rest = [*rest[1:], "--help"]
    if not rest or rest[0] not in COMMANDS:
        from crossenv.cli import older

        if older.is_meant(rest):
            return older.parse(words), older.run
        _require_command(rest)
        options = build_parser().parse_all(rest)
        return options, options.run
    behind = None
    if rest[0] in WITH_COMMAND and "--" in rest:
        place = rest.index("--")
        rest, behind = rest[:place], rest[place + 1 :]
    options = build_parser((rest[0],)).parse_all([rest[0], *common, *rest[1:]])
    options.behind = behind
    return options, options.run


def _guide(_options: argparse.Namespace, reporter: Reporter) -> int:
    from crossenv.cli.guide import GUIDE

    reporter.result(GUIDE)
    return 0


def _require_command(words: Sequence[str]) -> None:
    """Refuse words that name no command; only --help and --version need none."""
    word = words[0] if words else ""
    # More words follow a forgotten `create`.
    meant = closest(word.lstrip("-"), COMMANDS) if not word.startswith("-") or len(words) == 1 else None
    if word.startswith("--") and meant is None:
        meant = closest(word, _ALONE)
    hint = f"did you mean `crossenv {meant}`?" if meant else f"the commands are {', '.join(COMMANDS)}"
    if not word.startswith("-"):
        problem = f"there is no command {word!r}" if word else "no command"
        raise UsageError(problem, hint=f"{hint}; `crossenv --help` explains the commands")
    if word not in _ALONE:
        raise UsageError(
            f"the option {word.partition('=')[0]} stands before the command",
            hint=hint if meant else "name the command first: crossenv create --target aarch64 ENV",
        )


def reporter_for(options: argparse.Namespace) -> Reporter:
    """Make a reporter from the options of a command line."""
    live = LiveLines(sys.stderr) if not options.quiet and wants_live(sys.stderr, os.environ) else None
    return Reporter(
        verbosity=-1 if options.quiet else options.verbose, colour=wants_colour(sys.stderr, os.environ), live=live
    )


def run_reported(options: argparse.Namespace, run: Run, reporter: Reporter) -> int:
    """Run the command; return the exit status."""
    try:
        return run(options, reporter)
    except CrossenvError as error:
        reporter.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        reporter.warning("interrupted")
        return 130
    except BrokenPipeError:
        return 0
    except OSError as error:
        fault = fault_of_the_machine(error)
        if fault is None:
            raise
        reporter.error(fault)
        return fault.exit_code


if __name__ == "__main__":
    sys.exit(main())

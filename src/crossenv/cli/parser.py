"""The command line's parser: errors come with a suggestion."""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn

import crossenv
from crossenv.errors import UsageError
from crossenv.files import is_utf8

# Each is a module here. Only the one in use is imported: `cross-run` may start for every program of a build.
COMMANDS = (
    "init",
    "create",
    "show",
    "doctor",
    "targets",
    "dump",
    "sysroot",
    "python",
    "audit",
    "repair",
    "merge",
    "seal",
    "run",
    "test",
    "export",
    "wheel",
    "plan",
    "store",
    "completion",
)
# What follows "--", by command, with an example for a hint.
_BEHIND = {
    "wheel": ("options of pip go", "crossenv wheel . -- {}"),
    "plan": ("options of pip go", "crossenv plan . -- {}"),
    "test": ("the command to run goes", "crossenv test WHEEL -- pytest {}"),
    "run": ("the program to run goes", "crossenv run -- python {}"),
}


# `test --env ""` means no environment; `create --env` checks its own values.
_MAY_BE_EMPTY = ("--env",)


class Once(argparse.Action):
    """An option that may be given only once; argparse would silently keep the last value."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Keep the value; complain about a second one."""
        if getattr(namespace, self.dest) is not None:
            parser.error(f"{option_string} is given twice; an environment takes only one")
        setattr(namespace, self.dest, values)


# argparse on a value that is not among the choices; how it quotes these depends on Python's version.
_CHOICE = re.compile(r"invalid choice: '(.*?)'.* \(choose from (.*)\)$")


class Parser(argparse.ArgumentParser):
    """A parser that raises where `argparse` would end the process."""

    def error(self, message: str) -> NoReturn:
        """Raise a `UsageError` instead of ending the process."""
        hint = f"`{self.prog} --help` explains the options"
        for action in self._actions:
            if action.choices and not action.option_strings and message.endswith(f"are required: {action.dest}"):
                hint = f"name one of {', '.join(action.choices)}"
        if (choice := _CHOICE.search(message)) and (meant := closest(choice[1], re.findall(r"[\w-]+", choice[2]))):
            hint = f"did you mean {meant}?"
        # argparse's messages about a value begin with "argument --name: ".
        raise UsageError(message.removeprefix("argument "), hint=hint)

    def format_help(self) -> str:
        """Return the help: the commands by group, examples last, headings in bold on a terminal."""
        from crossenv.cli.guide import EXAMPLES, GROUPS
        from crossenv.report import wants_colour

        command = self.prog.partition(" ")[2]
        if command or not (commands := self._command_actions()):
            text = super().format_help()
        else:
            formatter = self._get_formatter()
            formatter.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
            formatter.add_text(self.description)
            for group, names in GROUPS.items():
                formatter.start_section(group)
                formatter.add_arguments([commands[name] for name in names if name in commands])
                formatter.end_section()
            formatter.start_section("options")
            formatter.add_arguments([action for action in self._actions if action.option_strings])
            formatter.end_section()
            formatter.add_text("`crossenv COMMAND --help` explains a command, with examples.")
            text = formatter.format_help()
        if lines := EXAMPLES.get(command):
            text += "\n".join(("\nexamples:", *(f"  {line}" for line in lines))) + "\n"
        # From Python 3.14 on, argparse colours what it writes itself.
        if sys.version_info < (3, 14) and wants_colour(sys.stdout, os.environ):
            text = re.sub(r"^(\w[\w ]*:)", "\x1b[1m\\1\x1b[0m", text, flags=re.MULTILINE)
        return text

    def _command_actions(self) -> dict[str, argparse.Action]:
        """Return what describes each command, by name."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return {each.dest: each for each in action._get_subactions()}
        return {}

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse words; refuse empty values and names that are not UTF-8.

        Scripts write empty values for unset variables. The files that record names are UTF-8.
        """
        options, unknown = super().parse_known_args(args, namespace)
        for action in self._actions:
            value = getattr(options, action.dest, None)
            name = "/".join(action.option_strings) or action.metavar or action.dest
            if action.nargs == argparse.REMAINDER:
                continue
            for one in value if isinstance(value, list) else [value]:
                if one == "" and name not in _MAY_BE_EMPTY:
                    self.error(f"{name}: the value is empty")
                if isinstance(one, str) and not is_utf8(one):
                    raise UsageError(f"{name}: {one!r} is not UTF-8", hint="rename that file or directory")
        return options, unknown

    def parse_all(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse the words of a command.

        Raises:
            UsageError: They are wrong.
        """
        options, unknown = self.parse_known_args(words)
        if unknown:
            raise _unknown(words[0], unknown, self._options_of(words[0]), options)
        return options

    def _options_of(self, command: str) -> list[str]:
        """The options of a command, and of the commands below it."""
        parsers = [parser for name, parser in self._parsers() if name == command]
        parsers += [below for parser in parsers for _, below in parser._parsers()]
        return [option for parser in parsers for option in parser._option_string_actions]

    def _parsers(self) -> Iterator[tuple[str, Parser]]:
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                yield from action.choices.items()


def build_parser(commands: Sequence[str] = COMMANDS) -> Parser:
    """Make the parser for these commands."""
    parser = Parser(
        prog="crossenv", description="Cross virtual environments: cross-compile Python packages as if with plain pip."
    )
    parser.add_argument("-V", "--version", action="version", version=f"crossenv {crossenv.__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in commands:
        importlib.import_module(f"crossenv.cli.{command}").add_parser(subparsers)
    return parser


def closest(word: str, words: Iterable[str]) -> str | None:
    """Return the word that was probably meant; None if none is similar."""
    return next(iter(difflib.get_close_matches(word, list(words), 1, 0.75)), None)


def _unknown(command: str, unknown: Sequence[str], known: Sequence[str], options: argparse.Namespace) -> UsageError:
    word = unknown[0]
    name = word.partition("=")[0]
    if not word.startswith("-"):
        hint = f"`crossenv {command} --help` explains the arguments"
        if command == "create" and options.target is None and options.host_python is None:
            hint = f"did you mean `crossenv create --target {options.env} {word}`?"
        return UsageError(f"crossenv {command} takes no further argument {word!r}", hint=hint)
    hint = f"`crossenv {command} --help` lists the options"
    if (meant := closest(name, known)) is not None:
        hint = f"did you mean {meant}?"
    elif command in _BEHIND:
        what, example = _BEHIND[command]
        hint = f"{what} after `--`: {example.format(word)}"
    return UsageError(f"crossenv {command} has no option {name}", hint=hint)

"""Parse assignments from the command line: `--config-var NAME=VALUE` and `--env NAME=VALUE` with its operators."""

from __future__ import annotations

import re
from collections.abc import Iterable

from crossenv.errors import UsageError
from crossenv.record import VariableRecord
from crossenv.variables import OWN

_VARIABLE = re.compile(r"\s*(?P<name>[^=?+:]*)(?P<operator>[?+:]?=)(?P<value>.*)", re.S)
_NAME = re.compile(r"[A-Za-z_]\w*", re.A)
# What processes of this tool tell each other, and what an interpreter reads before anything of ours runs.
_RESERVED = frozenset((*OWN, "CROSSENV_ROLE", "CROSSENV_RECORD", "PYTHON_CROSSENV", "PYTHONHOME", "PYTHONPATH"))


def parse_variables(words: Iterable[str]) -> tuple[VariableRecord, ...]:
    """Parse the values of `--env`.

    Raises:
        UsageError: A value is not an assignment, or the variable cannot be set.
    """
    variables = []
    for word in words:
        match = _VARIABLE.fullmatch(word)
        if match is None:
            raise UsageError(
                f"--env {word!r} is not an assignment", hint="write NAME=VALUE, NAME?=VALUE, NAME+=VALUE or NAME:=VALUE"
            )
        if not _NAME.fullmatch(match["name"]):
            raise UsageError(f"--env {word!r}: bad variable name {match['name']!r}", hint="use letters, digits, _")
        if match["name"] in _RESERVED:
            raise UsageError(
                f"--env {word!r}: {match['name']} is read before the environment can set it",
                hint="set it in your shell",
            )
        if "\0" in match["value"]:
            raise UsageError(f"--env {match['name']}: the value holds a NUL", hint="leave it out")
        variables.append(VariableRecord(name=match["name"], operator=match["operator"], value=match["value"]))
    return tuple(variables)


def parse_config_vars(words: Iterable[str]) -> dict[str, str]:
    """Parse the values of `--config-var`; the last value of a variable counts.

    Raises:
        UsageError: A value is not an assignment.
    """
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise UsageError(f"--config-var {word!r} is not an assignment", hint="write NAME=VALUE")
        found[name] = value
    return found

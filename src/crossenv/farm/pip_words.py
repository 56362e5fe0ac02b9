"""What the user wants pip to know."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping

# The options of pip that `python -m build`, which makes the sdists, can be told through pip's variables.
_VARIABLES = {
    "-i": "PIP_INDEX_URL",
    "--index-url": "PIP_INDEX_URL",
    "--extra-index-url": "PIP_EXTRA_INDEX_URL",
    "-f": "PIP_FIND_LINKS",
    "--find-links": "PIP_FIND_LINKS",
    "--trusted-host": "PIP_TRUSTED_HOST",
    "--no-index": "PIP_NO_INDEX",
    "--pre": "PIP_PRE",
}
_SWITCHES = ("--no-index", "--pre")


def pip_variables(words: Iterable[str], lines: Iterable[str] = ()) -> Mapping[str, str]:
    """The variables of pip that say what these options say.

    Args:
        words: A command line's.
        lines: A requirements file's.
    """
    left = [*(word for line in lines for word in shlex.split(line)), *words]
    found: dict[str, str] = {}
    while left:
        word, has_value, value = left.pop(0).partition("=")
        variable = _VARIABLES.get(word)
        if variable is None:
            continue
        if word in _SWITCHES:
            found[variable] = "1"
            continue
        if not has_value:
            value = left.pop(0) if left else ""
        several = variable != "PIP_INDEX_URL" and variable in found
        found[variable] = f"{found[variable]} {value}" if several else value
    return found


def settings_in(words: Iterable[str]) -> tuple[str, ...]:
    """The settings for the build back end (PEP 517) in pip's options: "KEY=VALUE"."""
    left, found = list(words), []
    while left:
        word = left.pop(0)
        if word in ("-C", "--config-settings", "--config-setting") and left:
            found.append(left.pop(0))
        elif match := re.match(r"(?:--config-settings?=|-C)(?=.)", word):
            found.append(word[match.end() :])
    return tuple(found)


def without_secrets(words: Iterable[str]) -> str:
    """A command for a log: addresses lose the name and the password in them."""
    return re.sub(r"://[^/@\s]+@", "://", shlex.join(words))

"""Ask an index for the newest version of a project."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from packaging.version import InvalidVersion, Version

from crossenv.errors import UsageError
from crossenv.farm.model import Requirement
from crossenv.farm.processes import Children
from crossenv.farm.requirements import read_requirements_file, specifier_of

_AVAILABLE = re.compile(r"(?m)^Available versions: (.*)$")
# Options of `pip wheel` that `pip index` has too, and that say which versions there are.
_WORDS = re.compile(r"--(no-binary|only-binary)=|--pre$")


def newest_version(
    requirement: Requirement,
    pip: Path,
    words: Sequence[str],
    *,
    log: Path,
    children: Children,
    environment: Mapping[str, str],
) -> str:
    """Return the newest version that the target's pip finds for a requirement; "" if it finds none.

    Args:
        requirement: The requirement.
        pip: The environment's pip, which knows the target's Python.
        words: The options of `pip wheel`.
        log: Where its output goes.
        children: Runs it.
        environment: Its variables, which say where to look.
    """
    known = [word for word in words if _WORDS.match(word)]
    command = [str(pip), "index", "versions", "--disable-pip-version-check", *known, requirement.name]
    status = children.run(command, log, environment)
    found = _AVAILABLE.search(log.read_text(encoding="utf-8", errors="replace"))
    if status or found is None:
        return ""
    # pip leaves out pre-releases unless it is told otherwise.
    allowed = specifier_of(requirement)
    for other in _constraints(requirement, words, environment):
        if other.name == requirement.name and other.line and "://" not in other.line:
            allowed &= specifier_of(other)
    fitting = allowed.filter(_versions(found[1]), prereleases=True)
    newest = max(fitting, default=None)
    return "" if newest is None else str(newest)


def _constraints(
    requirement: Requirement, words: Sequence[str], environment: Mapping[str, str]
) -> Iterator[Requirement]:
    """Yield the lines of the constraint files that pip will read."""
    said = [*words, *requirement.options]
    files = [match[1] for word in said if (match := re.match(r"(?:--constraint[= ]|-c ?)(.+)", word))]
    files += environment.get("PIP_CONSTRAINT", "").split()
    for file in files:
        # pip says what is wrong with it.
        with contextlib.suppress(UsageError, ValueError):
            yield from read_requirements_file(Path(shlex.split(file)[0]))


def _versions(said: str) -> list[Version]:
    found = []
    for word in said.split(","):
        try:
            found.append(Version(word.strip()))
        except InvalidVersion:
            continue
    return found

"""What is asked of a wheel's native files besides what their format says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set

from crossenv.binaries import Linked

# Directories that only a build has: those of pip, build and uv for one build, and of a tool's checkout in a home.
BUILD_PATHS = re.compile(
    rb"/(?:tmp|var/tmp)/(?:pip-(?:install|req-build|build-env|wheel|ephem|modern-metadata|standalone)-|build-env-|build-via-"
    rb"|\.tmp[A-Za-z0-9]{6}/(?:sdist|build)|cibw-)[\x21-\x7e]*"
)
# A message names so many symbols and counts the rest.
_NAMED = 3


def newest_versions(file: Linked, inside: Set[str]) -> dict[str, str]:
    """The newest version of each kind that a file needs of libraries outside the wheel: {"GLIBC": "2.17"}."""
    newest: dict[str, tuple[int, ...]] = {}
    for version in file.versions:
        prefix, _, number = version.name.partition("_")
        if version.library in inside or version.weak or not re.fullmatch(r"\d{1,6}(\.\d{1,6})*", number):
            continue
        newest[prefix] = max(newest.get(prefix, ()), tuple(map(int, number.split("."))))
    return {prefix: ".".join(map(str, number)) for prefix, number in sorted(newest.items())}


def listed(words: Iterable[str]) -> str:
    """The first few of `words`, and how many more there are."""
    words = list(words)
    rest = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return ", ".join(words[:_NAMED]) + rest

"""Decide which combinations are built next, so that a wheel that serves several is built once.

Whether a project's wheels are for one Python, for several (abi3) or for all is not known beforehand. So the first
combination is built alone, and the tags of its wheel decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

from crossenv.farm.model import GOOD, STOPPED, Build, Result
from crossenv.wheels.read_tags import accepts_python

EVERYTHING, ONE_MACHINE, ONE_PYTHON = "everything", "one machine", "one Python"


def scope_of(tags: Iterable[str]) -> str:
    """Return which combinations a wheel with these tags serves."""
    parts = [tag.split("-", 2) for tag in tags]
    if any(platform == "any" and abi == "none" for _, abi, platform in parts):
        return EVERYTHING
    if any(abi in ("abi3", "abi3t") or (abi == "none" and python.startswith("py")) for python, abi, _ in parts):
        return ONE_MACHINE
    return ONE_PYTHON


def covers(made: Build, tags: Iterable[str], other: Build) -> bool:
    """Return whether the wheel of `made`, which has these tags, serves `other` too.

    A wheel for one target never serves another target, even if it would run there: the user named both.
    """
    if made.requirement != other.requirement:
        return False
    return any(
        accepts_python(other.python.tag, python, abi) and (platform == "any" or made.destination == other.destination)
        for python, abi, platform in (tag.split("-", 2) for tag in tags)
    )


def covering(build: Build, results: Mapping[Build, Result]) -> Build | None:
    """Return the combination whose wheel serves `build` too, if there is one."""
    return next(
        (made for made, result in results.items() if result.status in GOOD and covers(made, result.tags, build)),
        None,
    )


def released(builds: Sequence[Build], results: Mapping[Build, Result], running: Set[Build]) -> list[Build]:
    """Return which combinations of one requirement may start.

    Args:
        builds: All of them; the Pythons in rising order.
        results: Of those that are done.
        running: Those that have started and are not done.
    """
    left = [build for build in builds if build not in results and build not in running]
    done = [results[build] for build in builds if build in results]
    scopes = {scope_of(result.tags) for result in done if result.status in GOOD}
    if ONE_PYTHON in scopes:
        return left
    started = any(build in running for build in builds)
    tried = any(result.status != STOPPED for result in done)
    if not tried:
        return [] if started else left[:1]
    # A failure says nothing about other machines; on the same one the next Python may succeed.
    busy = {build.destination for build in builds if build in running}
    first: dict[object, Build] = {}
    for build in left:
        if build.destination not in busy:
            first.setdefault(build.destination, build)
    return list(first.values())

"""Which combinations are built next: a wheel that several of them can use is built once.

Nobody says beforehand whether a project's wheels are for one Python, for several (abi3) or for all. So the first
combination goes alone, and its tags tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

from crossenv.farm.model import GOOD, STOPPED, Build, Result
from crossenv.wheels.tags import accepts_python

EVERYTHING, ONE_MACHINE, ONE_PYTHON = "everything", "one machine", "one Python"


def scope_of(tags: Iterable[str]) -> str:
    """How far a wheel with these tags reaches."""
    parts = [tag.split("-", 2) for tag in tags]
    if any(platform == "any" and abi == "none" for _, abi, platform in parts):
        return EVERYTHING
    if any(abi in ("abi3", "abi3t") or (abi == "none" and python.startswith("py")) for python, abi, _ in parts):
        return ONE_MACHINE
    return ONE_PYTHON


def covers(made: Build, tags: Iterable[str], other: Build) -> bool:
    """Whether the wheel of `made`, which has these tags, is the wheel of `other` too.

    That a wheel for one target would also run on another one is not enough: whoever names both wants both.
    """
    if made.requirement != other.requirement:
        return False
    return any(
        accepts_python(other.python.tag, python, abi) and (platform == "any" or made.destination == other.destination)
        for python, abi, platform in (tag.split("-", 2) for tag in tags)
    )


def covering(build: Build, results: Mapping[Build, Result]) -> Build | None:
    """The combination whose wheel is also that of `build`, if there is one."""
    return next(
        (made for made, result in results.items() if result.status in GOOD and covers(made, result.tags, build)),
        None,
    )


def released(builds: Sequence[Build], results: Mapping[Build, Result], running: Set[Build]) -> list[Build]:
    """Which combinations of one requirement may start.

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
    # A first one that failed tells nothing of the other machines; on its own machine the next Python may do.
    busy = {build.destination for build in builds if build in running}
    first: dict[object, Build] = {}
    for build in left:
        if build.destination not in busy:
            first.setdefault(build.destination, build)
    return list(first.values())

"""Turn the command line into combinations; refuse bad input before any work is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from crossenv.errors import UsageError
from crossenv.farm.model import Build, Destination, Python, Requirement
from crossenv.pythons.build_python import BuildPython
from crossenv.pythons.model import HostPython
from crossenv.targets import Target, named_target
from crossenv.wheels.read_tags import tag_of_python

Places = list[tuple[Python, Destination]]


def places_for_targets(targets: Sequence[str], pythons: Sequence[tuple[BuildPython, bool]]) -> Places:
    """Combine each Python with each target that can have it; duplicates count once.

    Args:
        targets: What the user named.
        pythons: The build Pythons, and whether each stands for a free-threaded one.

    Raises:
        UsageError: A target is unknown, or no wheel can be made for a Python.
    """
    named = {str(target): target for target in map(named_target, targets)}
    destinations = [_destination(target) for target in named.values()]
    chosen: dict[str, Python] = {}
    for python, free_threaded in pythons:
        flags = "t" if free_threaded else python.abi_flags
        tag = tag_of_python("cpython", python.version, flags)
        one = Python(
            tag=tag,
            executable=str(python.executable),
            words=("--free-threaded",) if free_threaded and "t" not in python.abi_flags else (),
        )
        chosen.setdefault(one.label, one)
    places = [
        (python, destination)
        for python in chosen.values()
        for destination in destinations
        if named[destination.label].python in ("", _version_of(python))
    ]
    for name, target in named.items():
        if not any(destination.label == name for _python, destination in places):
            raise has_one_python_only(name, target.python)
    return places


def has_one_python_only(target: str, version: str) -> UsageError:
    """Return the error for a target that has another version of Python than those that are named."""
    return UsageError(f"{target} has Python {version} only", hint=f"add --python {version}")


def _destination(target: Target) -> Destination:
    name = str(target)
    parts = tuple(map(_destination, target.parts))
    return Destination(label=name, words=() if parts else ("--target", name), parts=parts)


def _version_of(python: Python) -> str:
    return ".".join(map(str, python.tag.version)) + python.tag.flags


def places_for_hosts(paths: Sequence[Path], read: Callable[[Path], HostPython], python: str | None) -> Places:
    """Read each host Python.

    Args:
        paths: Where they are.
        read: Reads one.
        python: The build Python; None for the one that fits.

    Raises:
        HostPythonError: One cannot be read.
        UsageError: Two cannot be told apart by their wheels.
    """
    found: dict[str, tuple[Python, Destination]] = {}
    for path in dict.fromkeys(paths):
        host = read(path)
        tag = tag_of_python(host.implementation, host.version, host.abi_flags)
        one = Python(tag=tag, executable=python or "")
        label = host.plain_tag
        if f"{one.label}-{label}" in found:
            raise UsageError(
                f"{path} is the second host Python of the kind {one.label}-{label}: their wheels have the same names",
                hint="run crossenv wheel once for each, with a --wheel-dir of its own",
            )
        found[f"{one.label}-{label}"] = (one, Destination(label=label, words=("--host-python", str(path))))
    return list(found.values())


def builds_of(requirements: Sequence[Requirement], places: Places) -> list[Build]:
    """List all combinations, with the Pythons in rising order."""
    rising = sorted(places, key=lambda place: (place[0].tag.version, place[0].tag.flags))
    return [
        Build(requirement=requirement, python=python, destination=destination)
        for requirement in dict.fromkeys(requirements)
        for python, destination in rising
    ]

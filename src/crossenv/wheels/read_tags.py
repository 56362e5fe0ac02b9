"""Derive the requirements on a wheel's files from its tags and its environment (PEP 425, 600, 656)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crossenv.errors import UsageError
from crossenv.libc.policies import Policy, policy_of
from crossenv.platforms import MODULE_SUFFIXES
from crossenv.platforms.architectures import Identity
from crossenv.platforms.target import FIRST_ABI3T
from crossenv.record import Record
from crossenv.targets import Target, target_of_tag


@dataclass(frozen=True, kw_only=True, slots=True)
class PythonTag:
    """The Python in a tag or in an extension module's suffix.

    Attributes:
        implementation: "cp", "pp" or "py".
        version: (3, 11); (3,) if the tag has no minor version.
        abi: "full", "stable" or "none".
        flags: ABI flags: "", "t", "d".
    """

    implementation: str
    version: tuple[int, ...]
    abi: str
    flags: str = ""

    @property
    def name(self) -> str:
        """The version in the form of the lists of symbols: "3.13t"."""
        return ".".join(map(str, self.version)) + ("t" if "t" in self.flags else "")


def tag_of_python(implementation: str, version: str, flags: str) -> PythonTag:
    """Return the tag of a wheel for one Python alone.

    Args:
        implementation: "cpython" or "pypy".
        version: "3.13".
        flags: Its ABI flags.
    """
    return PythonTag(
        implementation="pp" if implementation == "pypy" else "cp",
        version=tuple(map(int, version.split("."))),
        abi="full",
        flags=flags,
    )


def python_of(record: Record) -> PythonTag:
    """The same for an environment's host Python."""
    return tag_of_python(record.host.implementation, record.host.version, record.host.abi_flags)


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """The requirements on a wheel's files.

    Attributes:
        pure: Whether its tags say that it runs anywhere.
        pythons: The Pythons in its tags.
        targets: The machines and C libraries in its tags; those of `linux_...` tags promise no policy.
        unknown: Platform tags that this tool does not know.
        machines: The identities that its native files may have; empty if unknown.
        promised: The policies in its tags.
        suffixes: The suffixes that its extension modules may have; empty if unknown.
        stable_suffixes: The same for each stable ABI in its tags, "abi3" and "abi3t".
    """

    pure: bool
    pythons: tuple[PythonTag, ...]
    targets: tuple[Target, ...]
    unknown: tuple[str, ...]
    machines: tuple[Identity, ...]
    promised: tuple[Policy, ...]
    suffixes: tuple[str, ...]
    stable_suffixes: Mapping[str, frozenset[str]]


def expected_of(tags: Sequence[str], *, libc: str, record: Record | None) -> Expected:
    """Derive the requirements from the tags.

    Args:
        tags: The wheel's, written out.
        libc: The C library that its files need, for tags without one: "glibc" or "musl"; "" if unknown.
        record: The environment's record, to check the wheel for that environment.
    """
    parts = [tag.split("-", 2) for tag in tags]
    pythons = tuple(dict.fromkeys(python for one, abi, _ in parts if (python := _python_of(one, abi)) is not None))
    platforms = list(dict.fromkeys(platform for _, _, platform in parts))
    targets: list[Target] = []
    unknown: list[str] = []
    for platform in platforms:
        if platform == "any":
            continue
        target = _target_of(platform, libc or (record.host.libc.family if record is not None else ""))
        if target is None:
            unknown.append(platform)
        else:
            targets.append(target)
    if record is not None:
        machines: tuple[Identity, ...] = (record.host.identity,)
        suffixes = record.host.extension_suffixes
    else:
        machines = tuple(dict.fromkeys(identity for target in targets for identity in target.identities))
        suffixes = tuple(
            dict.fromkeys(
                suffix
                for target in targets
                for python in pythons
                for suffix in _suffixes(python, target, libc_known=target.policy or bool(libc))
            )
        )
    return Expected(
        pure=platforms == ["any"],
        pythons=pythons,
        targets=tuple(targets),
        unknown=tuple(unknown),
        # An environment's target is known, whatever the tags say.
        machines=() if unknown and record is None else machines,
        promised=tuple(policy for target in targets if (policy := policy_of(target)) is not None),
        suffixes=() if unknown else suffixes,
        stable_suffixes={} if unknown else _stable_suffixes(pythons, targets, libc),
    )


def _stable_suffixes(pythons: Sequence[PythonTag], targets: Sequence[Target], libc: str) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for python in pythons if targets else ():
        if python.abi == "stable":
            abi = f"abi3{python.flags}"
            for target in targets:
                taken = _suffixes(python, target, libc_known=target.policy or bool(libc))
                found[abi] = found.get(abi, frozenset()).union(taken)
    return found


def _target_of(platform: str, libc: str) -> Target | None:
    try:
        return target_of_tag(platform, libc)
    except UsageError:
        return None


def _python_of(python: str, abi: str) -> PythonTag | None:
    match = re.fullmatch(r"(cp|pp|py)(\d)(\d*)", python)
    if match is None:
        return None
    version = (int(match[2]), *([int(match[3])] if match[3] else []))
    if abi in ("abi3", "abi3t"):
        kind, flags = "stable", abi.removeprefix("abi3")
    elif abi == "none":
        kind, flags = "none", ""
    else:
        kind, flags = "full", re.sub(r"^[a-z]+\d+(_\w+)?", "", abi)
    return PythonTag(implementation=match[1], version=version, abi=kind, flags=flags)


def _suffixes(python: PythonTag, target: Target, *, libc_known: bool) -> tuple[str, ...]:
    """Return the suffixes that an import system takes; none for PyPy, whose are not known."""
    if python.implementation == "pp":
        return ()
    if python.abi == "stable":
        return target.stable_suffixes(python.version, python.flags, libc_known=libc_known)
    if python.implementation == "cp" and len(python.version) == 2:
        return target.extension_suffixes(python.version, python.flags, libc_known=libc_known)
    return MODULE_SUFFIXES


def python_of_file(name: str, expected: Expected) -> PythonTag | None:
    """Return the Python whose C API an extension module may use; None if unknown.

    Its suffix names it, or else the wheel's tags: the oldest Python in them. A module for both stable ABIs may use what
    both have, which is less than abi3 alone.
    """
    match = re.search(r"\.cp(?:ython-)?3(\d+)([a-z]*)-[^/]*$", name)
    if match is not None and name.endswith(MODULE_SUFFIXES):
        return PythonTag(implementation="cp", version=(3, int(match[1])), abi="full", flags=match[2])
    stable = [python for python in expected.pythons if python.abi == "stable"]
    named = re.search(r"\.(abi3t?)[.-][^/]*$", name)
    if named is not None and named[1] == "abi3":
        stable = [python for python in stable if not python.flags]
    free = [python for python in stable if python.flags]
    if free:
        # Only abi3t has these names; one without a suffix is for all Pythons of the tags.
        older = [python for python in stable if not python.flags and named is None]
        oldest = min(python.version for python in older or free)
        # In a set of tags (cp310.cp315-abi3.abi3t) the older Pythons have no abi3t.
        version = oldest if older else max(oldest, FIRST_ABI3T)
        return PythonTag(implementation="cp", version=version, abi="stable", flags="t")
    if stable:
        return min(stable, key=lambda python: python.version)
    full = [python for python in expected.pythons if python.abi == "full"]
    return full[0] if len(full) == 1 else None


def accepts(record: Record, tag: str) -> bool:
    """Whether the target's installer would take a wheel with this tag."""
    python, abi, platform = tag.split("-", 2)
    return accepts_python(python_of(record), python, abi) and (platform == "any" or _accepts_platform(record, platform))


def accepts_python(ours: PythonTag, python: str, abi: str) -> bool:
    """Whether the installer of a Python would take the first two parts of a tag."""
    said = _python_of(python, abi)
    if said is None or said.implementation not in ("py", ours.implementation):
        return False
    exact = said.version == ours.version
    if said.abi == "full":
        return exact and said.flags == ours.flags
    older = said.version <= ours.version
    if said.abi == "stable":
        free = "t" in ours.flags
        return (
            older
            and said.version > (3, 1)
            and ("t" in said.flags) == free
            and (not free or ours.version >= FIRST_ABI3T)
        )
    return older if said.implementation == "py" else exact


def _accepts_platform(record: Record, platform: str) -> bool:
    if platform in (record.host.plain_tag, record.host.platform_tag):
        return True
    target = _target_of(platform, record.host.libc.family)
    if (
        target is None
        or target.machine != record.host.machine
        or not target.policy
        or target.libc != record.host.libc.family
    ):
        return False
    return not record.host.libc.numbers or target.floor <= record.host.libc.numbers

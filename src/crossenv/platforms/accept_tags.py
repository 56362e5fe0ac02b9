"""The platform tags of ready-made wheels that may be installed (`crossenv create --accept-tag`)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from crossenv.errors import UsageError
from crossenv.platforms.linux_targets import GLIBC, MUSL, OLD_POLICIES

# Wheels for the one machine, without a promise.
UNPROMISED = "linux"

# The older names of policies and those of PEP 600; installers look for either.
_ALIASES = {old: "manylinux_{}_{}".format(*version) for old, version in OLD_POLICIES.items()}
_POLICY = re.compile(
    r"(?P<family>manylinux|musllinux)(?P<name>1|2010|2014|_(?P<major>\d+)_(?P<minor>\d+))(_(?P<rest>.+))?"
)


def accepted_platforms(tags: Iterable[str], *, machine: str, libc: str, version: str) -> tuple[str, ...]:
    """Return the full platform tags that `tags` stand for, in their order.

    Args:
        tags: With or without the machine: manylinux2014, manylinux_2_17_aarch64, linux, or one of the user's own.
        machine: The host's.
        libc: Its C library.
        version: The version of that; "" if it is not known.

    Raises:
        UsageError: Wheels of such a tag do not load on the host.
    """
    found: list[str] = []
    for tag in tags:
        text = tag.strip().lower().replace("-", "_").replace(".", "_")
        if not re.fullmatch(r"\w+", text):
            raise UsageError(f"--accept-tag {tag!r} is not a platform tag", hint="name one such as manylinux_2_17")
        if text == UNPROMISED:
            text = f"linux_{machine}"
        policy = _POLICY.fullmatch(text)
        if policy is None:
            _require_machine(tag, text.removeprefix("linux_") if text.startswith("linux_") else machine, machine)
            found.append(text)
            continue
        _require_machine(tag, policy["rest"] or machine, machine)
        first = f"{policy['family']}{policy['name']}"
        names = [first, _ALIASES.get(first) or next((old for old, new in _ALIASES.items() if new == first), "")]
        _require_library(tag, _ALIASES.get(first, first), libc, version)
        found += [f"{name}_{machine}" for name in names if name]
    return tuple(dict.fromkeys(found))


def _require_machine(tag: str, named: str, machine: str) -> None:
    if named != machine:
        raise UsageError(
            f"--accept-tag {tag}: wheels for {named} do not load on the target, which is {machine}",
            hint="leave the machine out of the tag",
        )


def _require_library(tag: str, policy: str, libc: str, version: str) -> None:
    family, *numbers = policy.split("_")
    if (family == "manylinux") != (libc == GLIBC) or libc not in (GLIBC, MUSL):
        raise UsageError(
            f"--accept-tag {tag}: such wheels do not load on the target, whose C library is {libc}",
            hint=f"name {'manylinux' if libc == GLIBC else 'musllinux'} tags",
        )
    known = [int(part) for part in version.split(".")[:2] if part.isdecimal()]
    if len(known) == 2 and [int(number) for number in numbers] > known:
        raise UsageError(
            f"--accept-tag {tag}: such wheels do not load on the target, whose {libc} is {version}",
            hint=f"name a tag of {libc} {version} or earlier",
        )

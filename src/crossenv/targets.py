"""The targets that users name: each platform reads its own."""

from __future__ import annotations

import dataclasses
import difflib
import re

from crossenv.errors import UsageError
from crossenv.platforms import PLATFORMS
from crossenv.platforms.target import Target

__all__ = ["Target", "named_target", "parse_target", "target_of_tag"]


def parse_target(text: str) -> Target:
    """The target that `text` names, for one environment.

    Raises:
        UsageError: As `named_target`, or it stands for several machines.
    """
    target = named_target(text)
    if target.parts:
        tags = " or ".join(map(str, target.parts))
        raise UsageError(
            f"the target {text!r} stands for several machines, and an environment is for one",
            hint=f"name {tags} here; `crossenv wheel --target {text} REQ` builds for all of them",
        )
    return target


def named_target(text: str) -> Target:
    """The target that `text` names, which may stand for several machines.

    A platform tag names its policy (`manylinux_2_28_aarch64`, `musllinux_1_2_armv7l`, `manylinux2014_x86_64`), a
    short name (`aarch64`) or Docker's (`linux/arm64`) the policy that most wheels on PyPI meet today. `linux_riscv64`
    and a triplet (`aarch64-linux-gnu`, `x86_64-pc-linux-musl`) promise no policy. Upper case counts as lower case.

    Raises:
        UsageError: There is no such target, or its C library does not exist in that version or for that machine.
    """
    name = text.strip().lower()
    for platform in PLATFORMS.values():
        target = platform.parse_target(name)
        if target is not None:
            return dataclasses.replace(target, text=text)
    raise _unknown(text)


def target_of_tag(tag: str, libc: str) -> Target | None:
    """The target that a wheel's platform tag names; None for one that this tool has no facts of.

    Args:
        tag: The platform tag.
        libc: The C library that the wheel's files need, for tags that name none; "" if they do not tell.

    Raises:
        UsageError: Its C library does not exist in that version or for that machine.
    """
    return next((found for one in PLATFORMS.values() if (found := one.target_of_tag(tag, libc)) is not None), None)


def _unknown(text: str) -> UsageError:
    if "," in text or " " in text.strip():
        one = re.split(r"[,\s]+", text.strip())[0]
        return UsageError(
            f"{text!r} names several targets",
            hint=f"repeat the option, --target {one} --target ...; an environment is for one target",
        )
    if re.search(r"arm[/\w]*v[456]|armel|armv?[456](?!\d)", text.lower()):
        return UsageError(
            f"there is no target {text!r}: wheels have no platform for ARM before version 7",
            hint="armv7l code does not run there (Raspberry Pi Zero and 1): build on the machine itself",
        )
    # What is like it: the names of machines by themselves, and in the forms that the text might have meant.
    known = dict.fromkeys(name for platform in PLATFORMS.values() for name in platform.target_names())
    close = difflib.get_close_matches(text.strip().lower(), list(known), 3, 0.7)
    hint = (
        "`crossenv targets` lists them: manylinux_2_28_aarch64, musllinux_1_2_x86_64, macosx_11_0_arm64, win_amd64 ..."
    )
    if close:
        hint = f"did you mean {' or '.join(close)}?"
    return UsageError(f"there is no target {text!r}", hint=hint)

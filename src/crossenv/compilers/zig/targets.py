"""What zig can make for each target, and what it makes of its own accord."""

from __future__ import annotations

import dataclasses

from crossenv.errors import ToolchainError
from crossenv.platforms.linux_targets import GLIBC, Target

# zig has no headers and symbols of an older glibc for these; for the others it reaches below every policy.
OLDEST_GLIBC = {"ppc64le": (2, 19)}
# What zig would assume is more than every machine of the name has: Debian's armhf and others do without NEON.
_PROCESSORS = {"armv7l": "baseline-neon-d32"}


def oldest_glibc(target: Target) -> tuple[int, int]:
    """The oldest glibc that zig can compile against for the architecture of `target`."""
    return OLDEST_GLIBC.get(target.machine, (0, 0))


def zig_target(target: Target) -> str:
    """`zig cc -target`, with a floor that zig has: at least the oldest one asked for."""
    if target.libc != GLIBC:
        return target.zig_triple
    return dataclasses.replace(target, floor=max(target.floor, oldest_glibc(target))).zig_triple


def require_floor(target: Target) -> None:
    """Refuse a target whose floor zig cannot keep.

    Raises:
        ToolchainError: zig has no C library of that age.
    """
    oldest = oldest_glibc(target)
    if target.libc == GLIBC and target.policy and target.floor < oldest:
        raise ToolchainError(
            f"zig compiles for {target.machine} against glibc {oldest[0]}.{oldest[1]} or later, and"
            f" {target.platform_tag} promises {target.floor_text}",
            hint=f"use --target manylinux_2_28_{target.machine}, or an installed cross compiler with a sysroot",
        )


def processor(target: Target, chosen: str | None) -> str:
    """The least processor that code is made for, in zig's words; "" for zig's own baseline."""
    return chosen or _PROCESSORS.get(target.machine, "")

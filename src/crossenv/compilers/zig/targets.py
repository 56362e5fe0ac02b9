"""What zig can make for each target, and what it makes of its own accord."""

from __future__ import annotations

from crossenv.errors import ToolchainError
from crossenv.targets import Target

# What zig would assume is more than every machine of the name has: Debian's armhf and others do without NEON.
_PROCESSORS = {"armv7l": "baseline-neon-d32"}


def require_floor(target: Target) -> None:
    """Refuse a target whose floor zig cannot keep.

    Raises:
        ToolchainError: zig has no C library of that age.
    """
    if target.policy and target.zig_floor > target.floor:
        raise ToolchainError(
            f"zig compiles for {target.machine} against {target.libc} {'.'.join(map(str, target.zig_floor))} or later,"
            f" and {target.platform_tag} promises {target.floor_text}",
            hint=f"use --target manylinux_2_28_{target.machine}, or an installed cross compiler with a sysroot",
        )


def processor(target: Target, chosen: str | None) -> str:
    """The least processor that code is made for, in zig's words; "" for zig's own baseline."""
    return chosen or _PROCESSORS.get(target.machine, "")

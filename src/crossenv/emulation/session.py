"""Prepare everything for running programs of a target."""

from __future__ import annotations

import platform
from pathlib import Path

from crossenv.emulation.enter import works
from crossenv.emulation.model import Emulator, HostInterpreter, Session
from crossenv.emulation.tree import make_tree
from crossenv.errors import EmulatorError
from crossenv.platforms.architectures import Identity, architecture_of

AUTO, KERNEL, LAUNCHER = "auto", "kernel", "launcher"
CHILDREN = (AUTO, KERNEL, LAUNCHER)


def open_session(
    emulator: Emulator,
    interpreter: HostInterpreter,
    tree: Path,
    *,
    site_packages: Path,
    scripts: Path,
    children: str = AUTO,
) -> Session:
    """Make the tree, and find out whether the kernel can start the target's programs.

    Args:
        emulator: The emulator.
        interpreter: The host's interpreter.
        tree: Where its virtual environment is, or is made.
        site_packages: The packages that it sees.
        scripts: Their scripts.
        children: How programs of the host start others: "kernel" (a private binfmt_misc), "launcher", or "auto" for
            the first where it works.

    Raises:
        EmulatorError: The kernel is asked for, and cannot.
    """
    make_tree(tree, interpreter, emulator, site_packages=site_packages, scripts=scripts)
    line, why_not = registration_line(emulator.architecture.elf, emulator.program), ""
    own = architecture_of(emulator.architecture.elf)
    if children == LAUNCHER:
        why_not = "launchers were asked for"
    elif own is not None and own.name == platform.machine():
        # The registration would also catch this machine's own programs, such as the emulator.
        why_not = f"the target has this machine's architecture, {own.name}"
    else:
        why_not = works(line)
    if why_not and children == KERNEL:
        raise EmulatorError(
            f"the kernel cannot start programs of the target: {why_not}",
            hint="leave --children out, and launchers start Python",
        )
    return Session(
        emulator=emulator,
        interpreter=interpreter,
        tree=tree,
        scripts=scripts,
        registration="" if why_not else line,
        why_not=why_not,
    )


def registration_line(identity: Identity, emulator: Path) -> str:
    """Return the line for `/proc/sys/fs/binfmt_misc/register`.

    Programs and shared objects (position-independent programs) of the machine match, whatever their OS ABI. The flag F
    opens the emulator at once, so that it works in any root; P preserves `argv[0]`.
    """
    order = identity.byte_order
    header = bytearray(
        b"\x7fELF" + bytes((1 if identity.bits == 32 else 2, 1 if order == "little" else 2, 1)) + bytes(9)
    )
    mask = bytearray(b"\xff" * 7 + bytes(9))
    # e_type: ET_EXEC (2) and ET_DYN (3)
    header += (2).to_bytes(2, order) + identity.number.to_bytes(2, order)  # type: ignore[arg-type]
    mask += (0xFFFE).to_bytes(2, order) + b"\xff\xff"  # type: ignore[arg-type]
    return f":crossenv:M::{_escaped(header)}:{_escaped(mask)}:{emulator}:PF"


def _escaped(data: bytearray) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)

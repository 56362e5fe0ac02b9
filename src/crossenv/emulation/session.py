"""Puts together what running programs of a host takes."""

from __future__ import annotations

import platform
from pathlib import Path

from crossenv.emulation.enter import works
from crossenv.emulation.model import Emulator, HostInterpreter, Session
from crossenv.emulation.registration import registration_line
from crossenv.emulation.tree import make_tree
from crossenv.errors import EmulatorError
from crossenv.platforms.architectures import architecture_of

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
    """Make the tree, and find out whether the kernel can start the host's programs.

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
        # It would catch this machine's own programs too, the emulator among them.
        why_not = f"the host is of this machine's own kind, {own.name}"
    else:
        why_not = works(line)
    if why_not and children == KERNEL:
        raise EmulatorError(
            f"the kernel cannot be asked to start programs of the host: {why_not}",
            hint="leave --children out; Python is started by a launcher then",
        )
    return Session(
        emulator=emulator,
        interpreter=interpreter,
        tree=tree,
        scripts=scripts,
        registration="" if why_not else line,
        why_not=why_not,
    )

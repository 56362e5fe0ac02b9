"""Records of what it takes to run a target's programs here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crossenv.platforms.architectures import Architecture


@dataclass(frozen=True, kw_only=True, slots=True)
class Emulator:
    """QEMU's user-mode emulator for one architecture.

    Attributes:
        program: The emulator.
        architecture: What it emulates.
        origin: Where it comes from: "--emulator", "PATH", "cache".
    """

    program: Path
    architecture: Architecture
    origin: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HostInterpreter:
    """An interpreter of the target that can be started here: the host Python's own, or one that stands in for it.

    Attributes:
        root: The directory with the target's loader and libraries, at their paths there.
        python: The interpreter's file on this machine.
        version: "3.11".
        flags: ABI flags: "", "t", "d".
        libraries: Directories of further libraries that it needs.
        host_path: The interpreter's path on the target ("/usr/bin/python3.11"), as in shebang lines.
        origin: Where it comes from, for people.
    """

    root: Path
    python: Path
    version: str
    flags: str
    libraries: tuple[Path, ...]
    host_path: str
    origin: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """Everything it takes to start a program of the target.

    Attributes:
        emulator: The emulator.
        interpreter: The target's interpreter.
        tree: A virtual environment of that interpreter on this machine.
        scripts: The directory with the scripts of its packages.
        registration: The line for binfmt_misc by which the kernel starts the target's programs through the emulator; ""
            if it cannot, and launchers start children.
        why_not: Why there is no registration; "" if there is one.
    """

    emulator: Emulator
    interpreter: HostInterpreter
    tree: Path
    scripts: Path
    registration: str
    why_not: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A command of this machine that runs a program of the target.

    Attributes:
        words: The command.
        environment: Its whole environment.
    """

    words: tuple[str, ...]
    environment: Mapping[str, str]

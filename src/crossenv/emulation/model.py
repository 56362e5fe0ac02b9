"""What is needed to run a host's programs here."""

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
        origin: Where it came from: "--emulator", "PATH", "cache".
    """

    program: Path
    architecture: Architecture
    origin: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HostInterpreter:
    """An interpreter of the host that can be started here.

    Attributes:
        root: The directory that holds the host's loader and libraries, at their paths there.
        python: The interpreter's file on this machine.
        version: "3.11".
        flags: ABI flags: "", "t", "d".
        libraries: Directories of libraries that it needs besides those of `root`.
        host_path: The interpreter's path on the host ("/usr/bin/python3.11"), as shebang lines have it.
        origin: Where it came from, for people.
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
    """Everything that starting a program of the host takes.

    Attributes:
        emulator: The emulator.
        interpreter: The host's interpreter.
        tree: A virtual environment of that interpreter on this machine.
        scripts: The directory of the scripts that belong to its packages.
        registration: What makes the kernel start the host's programs through the emulator (a line for binfmt_misc); ""
            where it cannot, so that children are started by launchers.
        why_not: Why there is no registration; "" where there is one.
    """

    emulator: Emulator
    interpreter: HostInterpreter
    tree: Path
    scripts: Path
    registration: str
    why_not: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A command of this machine that runs a program of the host.

    Attributes:
        words: The command.
        environment: All of its environment.
    """

    words: tuple[str, ...]
    environment: Mapping[str, str]

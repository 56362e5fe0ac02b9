"""Turn a command for the target into one that runs it on this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from crossenv.binaries.elf import ElfError, elf_identity
from crossenv.emulation import enter
from crossenv.emulation.interpreters import inside_root
from crossenv.emulation.model import Command, Session
from crossenv.emulation.pyodide import PyodideSession, pyodide_command
from crossenv.emulation.tree import LAUNCHERS
from crossenv.emulation.wine import WineSession, wine_command
from crossenv.errors import EmulatorError, reason_of

# Emulated pointer authentication is six times slower than everything else. The OpenBLAS in wheels of numpy and scipy
# computes wrongly with the scalable vectors of QEMU 7.2 (docs/explanation/emulation.md).
_PROCESSORS = {"aarch64": "max,pauth-impdef=on,sve=off"}
AnySession = Session | WineSession | PyodideSession
_PLACES = ("usr/bin", "usr/local/bin", "bin", "usr/sbin", "sbin")


def host_command(session: AnySession, words: Sequence[str], environ: Mapping[str, str]) -> Command:
    """Return the command that runs `words` for the target.

    `python`, `python3` and `python3.X` are the host's interpreter; other names are looked up among the host-side
    scripts, in the host's root and then on PATH. A program of this machine is started as it is: what it starts may be
    the host's.

    Args:
        session: What running programs of the host takes.
        words: A program and its arguments.
        environ: The environment to start from.

    Raises:
        EmulatorError: There is no such program, or it is for neither machine.
    """
    if isinstance(session, WineSession):
        return wine_command(session, words, environ)
    if isinstance(session, PyodideSession):
        return pyodide_command(session, words, environ)
    program, arguments = _resolve(session, words[0], environ.get("PATH", os.defpath)), list(words[1:])
    environment = _environment(session, environ)
    if not session.registration:
        start = (
            [str(session.emulator.program), "-L", str(session.interpreter.root)] if _is_hosts(session, program) else []
        )
        return Command(words=(*start, *program, *arguments), environment=environment)
    job = {"registration": session.registration, "bind": _bind(session)}
    start = [sys.executable, "-I", "-S", enter.__file__, json.dumps(job)]
    return Command(words=(*start, *program, *arguments), environment=environment)


def _environment(session: Session, environ: Mapping[str, str]) -> dict[str, str]:
    interpreter, tree = session.interpreter, session.tree
    launchers = str(tree / LAUNCHERS)
    first = [launchers] if not session.registration else [str(tree / "bin"), launchers]
    environment = dict(environ)
    environment["PATH"] = os.pathsep.join((*first, environ.get("PATH", os.defpath)))
    environment["QEMU_LD_PREFIX"] = str(interpreter.root)
    processor = _PROCESSORS.get(session.emulator.architecture.name)
    if processor is not None:
        environment.setdefault("QEMU_CPU", processor)
    if interpreter.libraries:
        paths = ":".join(map(str, interpreter.libraries))
        # For emulated programs only: those of this machine must not find them.
        settings = [f"LD_LIBRARY_PATH={paths}", *filter(None, environ.get("QEMU_SET_ENV", "").split(","))]
        environment["QEMU_SET_ENV"] = ",".join(settings)
    if not session.registration:
        environment["CROSSENV_LAUNCHER"] = f"{launchers}/python"
        environment["CROSSENV_HOST_PATH"] = interpreter.host_path
    # Programs for the target do not use the active environment's Python, and do not cross-compile.
    for name in ("PYTHONHOME", "PYTHON_CROSSENV", "CROSSENV_RECORD"):
        environment.pop(name, None)
    return environment


def _bind(session: Session) -> list[list[str]]:
    """Return what to mount: scripts name the target's interpreter, and this machine may have a file of that name."""
    path = session.interpreter.host_path
    if Path(path).is_file() and not Path(path).samefile(session.interpreter.python):
        return [[str(session.interpreter.python.resolve()), path]]
    return []


def _resolve(session: Session, name: str, search_path: str) -> list[str]:
    interpreter, tree = session.interpreter, session.tree
    python = str(tree / "bin/python")
    if match := re.fullmatch(r"python(3(?:\.\d+)?)?[a-z]*", name):
        if match[1] not in (None, "3", interpreter.version):
            raise EmulatorError(f"the target's Python is {interpreter.version}, not {match[1]}", hint="write `python`")
        return [python]
    if "/" in name:
        return _checked(session, Path(name))
    if (tree / LAUNCHERS / name).is_file():
        return [python, str(session.scripts / name)]
    for place in _PLACES:
        candidate = interpreter.root / place / name
        if candidate.is_file() or candidate.is_symlink():
            found = inside_root(interpreter.root, f"/{place}/{name}")
            if _is_hosts(session, [str(found)]):
                return [str(found)]
    if found_here := shutil.which(name, path=search_path):
        return [found_here]
    raise EmulatorError(
        f"there is no program {name} among the host-side packages, in {interpreter.root} or on PATH",
        hint="install it for the target (cross-pip install), or write its path",
    )


def _checked(session: Session, path: Path) -> list[str]:
    """Return how to start a program by its path: the target's, a Python script, or this machine's."""
    if not path.exists():
        raise EmulatorError(f"there is no program {path}", hint="name a file that exists")
    try:
        with path.open("rb") as file:
            first = file.read(256)
        if first.startswith(b"\x7fELF"):
            identity = elf_identity(path)
            if identity not in (session.emulator.architecture.elf, elf_identity(Path(sys.executable))):
                raise EmulatorError(
                    f"{path} is for {identity}, and the target is {session.emulator.architecture.elf}",
                    hint="name a program for the target",
                )
            return [str(path.absolute())]
    except (OSError, ElfError) as error:
        raise EmulatorError(
            f"{path} cannot be read: {reason_of(error)}", hint="name a program for the target"
        ) from None
    line = first.split(b"\n", 1)[0]
    if line.startswith(b"#!") and Path(os.fsdecode(line[2:].split(b" ")[-1].strip())).name.startswith("python"):
        return [str(session.tree / "bin/python"), str(path.absolute())]
    return [str(path.absolute())]


def _is_hosts(session: Session, program: Sequence[str]) -> bool:
    try:
        return elf_identity(Path(program[0])) == session.emulator.architecture.elf
    except (OSError, ElfError):
        return False

"""Run Python programs under Pyodide in node."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path

from crossenv.emulation.model import Command
from crossenv.errors import EmulatorError
from crossenv.platforms.emscripten import EMSCRIPTEN, EmscriptenTarget
from crossenv.pythons.pyodide_layout import PyodidePython, find_pyodide
from crossenv.targets import Target

NAME_A_PYODIDE = "name the directory of npm's package `pyodide` with --host-root (npm pack pyodide@VERSION, and unpack)"
_PYTHON = re.compile(r"python(?P<version>3(?:\.\d+)?)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class PyodideSession:
    """Everything it takes to start a Python program under Pyodide.

    Attributes:
        node: The program that runs it.
        python: The Pyodide.
        site_packages: The packages that it sees, besides its own.
        scripts: Their scripts.
    """

    node: Path
    python: PyodidePython
    site_packages: Path
    scripts: Path


def node_name(target: Target, search_path: str) -> str | None:
    """The node on `search_path` that runs programs for `target`; None if there is none."""
    found = shutil.which("node", path=search_path) if target.system == EMSCRIPTEN else None
    return None if found is None else Path(found).name


def open_pyodide_session(
    directory: Path | None,
    target: EmscriptenTarget,
    *,
    site_packages: Path,
    scripts: Path,
    given: str | None,
    environ: Mapping[str, str],
) -> PyodideSession:
    """Open a session with the Pyodide in `directory`.

    Args:
        directory: Where it is; None if the user has named none.
        target: The ABI that it must have.
        site_packages: The packages that it sees, besides its own.
        scripts: Their scripts.
        given: The node to use; None for PATH.
        environ: The environment.

    Raises:
        EmulatorError: There is no node, or no such Pyodide.
    """
    node = shutil.which(given or "node", path=environ.get("PATH", os.defpath))
    if node is None:
        raise EmulatorError(
            f"there is no program {given}" if given else "running programs for Pyodide needs node, and there is none",
            hint="install it (Debian, Ubuntu: apt-get install nodejs), or name one with --emulator",
        )
    if directory is None:
        raise EmulatorError("no Pyodide is named, and none is fetched", hint=NAME_A_PYODIDE)
    python = find_pyodide(directory)
    if python is None or python.module is None:
        raise EmulatorError(f"there is no Pyodide with a pyodide.mjs in {directory}", hint=NAME_A_PYODIDE)
    if python.abi != target.abi:
        raise EmulatorError(
            f"{python.directory} is Pyodide with the ABI {python.abi.name}, and the target's is {target.abi.name}",
            hint=NAME_A_PYODIDE,
        )
    return PyodideSession(node=Path(node), python=python, site_packages=site_packages, scripts=scripts)


def pyodide_command(session: PyodideSession, words: Sequence[str], environ: Mapping[str, str]) -> Command:
    """Return the command that runs `words` under Pyodide.

    `python`, `python3` and `python3.X` are its interpreter; other names are looked up among the scripts of the
    packages, then on PATH. A program of this machine is started as it is.

    Raises:
        EmulatorError: There is no such program.
    """
    program = _resolve(session, words[0], environ.get("PATH", os.defpath))
    if program is None:
        return Command(words=(_on_this_machine(words[0], environ), *words[1:]), environment=dict(environ))
    assert session.python.module is not None
    environment = {name: value for name, value in environ.items() if name not in _NOT_THERE}
    places = [str(session.site_packages), *filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))]
    job = {"module": str(session.python.module), "path": places}
    runner = str(package_files("crossenv").joinpath("emulation/pyodide_run.mjs"))
    return Command(words=(str(session.node), runner, json.dumps(job), *program, *words[1:]), environment=environment)


_NOT_THERE = ("PYTHONHOME", "PYTHON_CROSSENV", "CROSSENV_RECORD", "PYTHONPATH")


def _resolve(session: PyodideSession, name: str, search_path: str) -> list[str] | None:
    """What the interpreter is given before the arguments; None for a program of this machine."""
    if match := _PYTHON.fullmatch(name):
        version = session.python.version
        if match["version"] not in (None, "3", version):
            raise EmulatorError(f"the target's Python is {version}, not {match['version']}", hint="write `python`")
        return []
    path = Path(name) if "/" in name else session.scripts / name
    if path.is_file():
        return [str(path.absolute())] if _is_python_script(path) else None
    if "/" in name:
        raise EmulatorError(f"there is no program {name}", hint="name a file that exists")
    if shutil.which(name, path=search_path) is None:
        raise EmulatorError(
            f"there is no program {name} among the host-side packages or on PATH",
            hint="install it for the target (cross-pip install), or write its path",
        )
    return None


def _on_this_machine(name: str, environ: Mapping[str, str]) -> str:
    return name if "/" in name else shutil.which(name, path=environ.get("PATH", os.defpath)) or name


def _is_python_script(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(256)
    return path.suffix == ".py" or (first.startswith(b"#!") and b"python" in first)

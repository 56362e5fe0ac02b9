"""Make a virtual environment of the target's interpreter on this machine, with launchers for its scripts."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

from crossenv.emulation.model import Emulator, HostInterpreter
from crossenv.errors import UsageError
from crossenv.sysroots.fetch import store

# Shell scripts that start the target's interpreter and scripts through the emulator.
LAUNCHERS = "launchers"


def make_tree(
    directory: Path, interpreter: HostInterpreter, emulator: Emulator, *, site_packages: Path, scripts: Path
) -> Path:
    """Make, or bring up to date, a virtual environment in `directory`; several processes may do so at once.

    CPython finds its `pyvenv.cfg` beside the name that it was started by, and its standard library by the `home` in
    there; so a link to the host's executable, and this file, are all that it takes (PEP 405).

    Args:
        directory: Where to make it.
        interpreter: The host's interpreter.
        emulator: What starts it.
        site_packages: The directory whose packages it sees.
        scripts: The directory of scripts that belong to them; it need not exist.

    Returns:
        `directory`.

    Raises:
        UsageError: It cannot be written.
    """
    kind = "pypy" if interpreter.python.name.startswith("pypy") else "python"
    library = f"lib/{kind}{interpreter.version}{'t' if 't' in interpreter.flags else ''}"
    names = dict.fromkeys(("python", "python3", f"{kind}{interpreter.version}{interpreter.flags}"))
    try:
        for part in ("bin", LAUNCHERS, library):
            (directory / part).mkdir(parents=True, exist_ok=True)
        write_unless_same(
            directory / "pyvenv.cfg",
            f"home = {interpreter.python.parent}\n"
            f"include-system-site-packages = false\nversion = {interpreter.version}\n",
        )
        # sys.platlibdir is lib64 on some hosts.
        _link(directory / "lib64", "lib")
        _link(directory / library / "site-packages", str(site_packages))
        for name in names:
            _link(directory / "bin" / name, str(interpreter.python))
        wanted = dict.fromkeys(names, "")
        if scripts.is_dir():
            wanted |= {
                path.name: f" {shlex.quote(str(path))}"
                for path in sorted(scripts.iterdir())
                if path.name not in names and not path.name.startswith("python") and _is_python_script(path)
            }
        start = f"exec {shlex.quote(str(emulator.program))} -L {shlex.quote(str(interpreter.root))}"
        start += f" {shlex.quote(str(directory / 'bin/python'))}"
        for name, script in wanted.items():
            write_unless_same(directory / LAUNCHERS / name, f'#!/bin/sh\n{start}{script} "$@"\n', mode=0o755)
        for path in (directory / LAUNCHERS).iterdir():
            if path.name not in wanted and not path.name.startswith("."):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"{directory} cannot be written: {error.strerror}",
            hint="`crossenv run` needs it for the target's interpreter",
        ) from None
    return directory


def _is_python_script(path: Path) -> bool:
    """Whether the file's first line, or the second after a shell's, starts a Python."""
    try:
        with path.open("rb") as file:
            lines = file.read(512).splitlines()[:2]
    except OSError:
        return False
    return bool(lines) and lines[0].startswith(b"#!") and any(b"python" in line for line in lines)


def write_unless_same(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file unless it is so already; never half.

    Raises:
        UsageError: It cannot be written.
    """
    data = text.encode()
    if not path.is_file() or path.read_bytes() != data:
        store(path, data, mode=mode)


def _link(path: Path, goal: str) -> None:
    """Make a symbolic link unless it is so already."""
    if path.is_symlink() and str(path.readlink()) == goal:
        return
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-") as scratch:
        link = Path(scratch) / path.name
        link.symlink_to(goal)
        link.replace(path)

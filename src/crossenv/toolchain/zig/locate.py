"""Where zig is, and whether its version is one that we know."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from packaging.version import InvalidVersion, Version

from crossenv.errors import ToolchainError

OLDEST = Version("0.15")
INSTALL_HINT = "install it: pip install 'crossenv[zig]'"


@dataclass(frozen=True, kw_only=True, slots=True)
class Zig:
    """An installed zig.

    Attributes:
        path: The program.
        version: Its version, "0.17.1".
        clang_version: Its clang's.
        origin: How it was found, for people.
    """

    path: Path
    version: str
    clang_version: str
    origin: str


def has_zig(search_path: str) -> bool:
    """Whether there is any zig, whatever its version."""
    return _candidate(search_path) is not None


def locate_zig(search_path: str) -> Zig:
    """The zig of the PyPI package `ziglang` beside this program, else the one on `search_path`.

    Raises:
        ToolchainError: There is none, it does not start, or it is too old.
    """
    found = _candidate(search_path)
    if found is None:
        raise ToolchainError("there is no zig", hint=INSTALL_HINT)
    path, origin = found
    version = _ask(path, "version").strip()
    try:
        usable = Version(version.partition("-dev")[0]) >= OLDEST
    except InvalidVersion:
        usable = False
    if not usable:
        raise ToolchainError(
            f"{path} is zig {version or 'of no version'}, and {OLDEST} is the oldest that can be used",
            hint=f"install a newer one: pip install 'ziglang>={OLDEST}'",
        )
    clang = re.search(r"clang version ([\d.]+)", _ask(path, "cc", "--version"))
    if clang is None:
        raise ToolchainError(f"{path} cc does not say which clang it is", hint=INSTALL_HINT)
    return Zig(path=path, version=version, clang_version=clang[1], origin=origin)


def _candidate(search_path: str) -> tuple[Path, str] | None:
    spec = importlib.util.find_spec("ziglang")
    for directory in (spec.submodule_search_locations or ()) if spec is not None else ():
        program = Path(directory) / "zig"
        if program.is_file():
            return program, "ziglang of PyPI"
    program_on_path = shutil.which("zig", path=search_path)
    return (Path(program_on_path).absolute(), "zig on PATH") if program_on_path else None


def _ask(path: Path, *words: str) -> str:
    try:
        done = subprocess.run([path, *words], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ToolchainError(f"{path} does not start: {reason}", hint=INSTALL_HINT) from None
    return done.stdout

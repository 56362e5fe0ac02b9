"""Where zig is, and whether its version is one that we know."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from packaging.version import InvalidVersion, Version

from crossenv.children import run_text
from crossenv.errors import ToolchainError

OLDEST = Version("0.15")
INSTALL_HINT = "install zig: pip install ziglang"


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
    """Return whether there is any zig, whatever its version."""
    return _candidate(search_path) is not None


def usable_cache() -> Path:
    """Return the user's cache of what zig makes once: C libraries, the launcher.

    Raises:
        ToolchainError: It cannot be written.
    """
    cache = platformdirs.user_cache_path("crossenv") / "zig"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        if not os.access(cache, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise ToolchainError(
            f"zig's cache {cache} cannot be written: {error.strerror}", hint="name another with XDG_CACHE_HOME"
        ) from None
    return cache


def locate_zig(search_path: str, cache: Path) -> Zig:
    """Return the zig of the PyPI package `ziglang` beside this program, else the one on `search_path`.

    Raises:
        ToolchainError: There is none, it does not start, or it is too old.
    """
    found = _candidate(search_path)
    if found is None:
        raise ToolchainError("there is no zig", hint=INSTALL_HINT)
    path, origin = found
    known = _known_versions(path, cache)
    if known is not None:
        return Zig(path=path, version=known[0], clang_version=known[1], origin=origin)
    version = _ask(path, cache, "version").strip()
    try:
        usable = Version(version.partition("-dev")[0]) >= OLDEST
    except InvalidVersion:
        usable = False
    if not usable:
        raise ToolchainError(
            f"{path} is zig {version or 'of no version'}, and {OLDEST} is the oldest that can be used",
            hint=f"install a newer one: pip install 'ziglang>={OLDEST}'",
        )
    clang = re.search(r"clang version ([\d.]+)", _ask(path, cache, "cc", "--version"))
    if clang is None:
        raise ToolchainError(f"{path} cc does not say which clang it is", hint=INSTALL_HINT)
    with contextlib.suppress(OSError):
        _versions_file(path, cache).parent.mkdir(exist_ok=True)
        _versions_file(path, cache).write_text(f"{version} {clang[1]}\n", encoding="utf-8")
    return Zig(path=path, version=version, clang_version=clang[1], origin=origin)


def _versions_file(path: Path, cache: Path) -> Path:
    """Return where the versions of this very file are noted: asking takes longer than the rest of a creation."""
    about = path.stat()
    key = hashlib.sha256(f"{path} {about.st_mtime_ns} {about.st_size}".encode()).hexdigest()[:16]
    return cache / "versions" / key


def _known_versions(path: Path, cache: Path) -> tuple[str, str] | None:
    try:
        words = _versions_file(path, cache).read_text(encoding="utf-8").split()
    except OSError:
        return None
    return (words[0], words[1]) if len(words) == 2 else None


def _candidate(search_path: str) -> tuple[Path, str] | None:
    spec = importlib.util.find_spec("ziglang")
    for directory in (spec.submodule_search_locations or ()) if spec is not None else ():
        program = Path(directory) / "zig"
        if program.is_file():
            return program, "ziglang of PyPI"
    program_on_path = shutil.which("zig", path=search_path)
    return (Path(program_on_path).absolute(), "zig on PATH") if program_on_path else None


def _ask(path: Path, cache: Path, *words: str) -> str:
    environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(cache)}
    try:
        done = run_text([path, *words], timeout=60, environment=environment)
        done.check_returncode()
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines()
        reason = lines[0] if lines else f"exit status {error.returncode}"
        raise ToolchainError(f"{path} does not start: {reason}", hint=INSTALL_HINT) from None
    except (OSError, subprocess.SubprocessError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ToolchainError(f"{path} does not start: {reason}", hint=INSTALL_HINT) from None
    return done.stdout

"""pip for new environments: hard links to a copy in the user's cache, which virtualenv has installed once.

virtualenv's own copying takes longer than all else that a creation writes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import platformdirs

_LISTING = "files.json"
# The kernel's limit for the first line of a script, on the systems with the shortest.
_LONGEST_LINE = 127


class PipImage:
    """One pip in the cache.

    Attributes:
        place: Its directory.
        library: An environment's site directory, below the environment.
    """

    def __init__(self, cache: Path, python: Path, library: Path, environ: Mapping[str, str]) -> None:
        """Name the image of the pip that virtualenv installs for `python` with these environment variables."""
        settings = Path(environ.get("VIRTUALENV_CONFIG_FILE") or platformdirs.user_config_path("virtualenv"))
        settings = settings / "virtualenv.ini" if settings.is_dir() else settings
        about = [
            version("virtualenv"),
            str(library),
            _state(python),
            _state(settings),
            *(f"{name}={value}" for name, value in sorted(environ.items()) if name.startswith("VIRTUALENV_")),
        ]
        self.place = cache / "pip" / hashlib.sha256("\0".join(about).encode()).hexdigest()[:16]
        self.library = library

    def is_usable(self) -> bool:
        """Whether it exists and is unchanged; a changed one is removed."""
        try:
            listing = json.loads((self.place / _LISTING).read_text(encoding="utf-8"))
            if all(_state(self.place / name) == state for name, state in listing.items()):
                return True
        except (OSError, ValueError, AttributeError):
            pass
        shutil.rmtree(self.place, ignore_errors=True)
        return False

    def install(self, side: Path, python: Path) -> None:
        """Put pip into `side`, whose interpreter will be `python`."""
        packages, programs = side / self.library, side / "bin"
        for path in (self.place / "packages").iterdir():
            if path.is_dir():
                shutil.copytree(path, packages / path.name, copy_function=_link)
            else:
                _link(path, packages / path.name)
        for path in (self.place / "bin").iterdir():
            (programs / path.name).write_bytes(_first_lines(python).encode() + path.read_bytes())
            (programs / path.name).chmod(0o755)

    def keep(self, side: Path) -> None:
        """Copy the pip that virtualenv has installed into `side`; do nothing if the cache cannot be written."""
        with contextlib.suppress(OSError):
            self.place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".making-", dir=self.place.parent) as scratch:
                made = Path(scratch) / "image"
                (made / "bin").mkdir(parents=True)
                for path in (side / self.library).glob("pip*"):
                    goal = made / "packages" / path.name
                    goal.parent.mkdir(exist_ok=True)
                    if path.is_dir():
                        shutil.copytree(path, goal, copy_function=_link)
                    else:
                        _link(path, goal)
                for path in (side / "bin").glob("pip*"):
                    (made / "bin" / path.name).write_bytes(_without_first_lines(path.read_bytes()))
                files = [path for path in made.rglob("*") if path.is_file()]
                listing = {path.relative_to(made).as_posix(): _state(path) for path in files}
                (made / _LISTING).write_text(json.dumps(listing), encoding="utf-8")
                made.rename(self.place)


def _state(path: Path) -> str:
    """Return the facts by which a changed file is recognised."""
    try:
        about = path.stat()
    except OSError:
        return f"{path} is not there"
    return f"{about.st_size} {about.st_mtime_ns}"


def _first_lines(python: Path) -> str:
    line = f"#!{python}\n"
    if len(os.fsencode(line)) <= _LONGEST_LINE and not any(character.isspace() for character in str(python)):
        return line
    # A line that both the shell and Python accept.
    return f"#!/bin/sh\n'''exec' {shlex.quote(str(python))} \"$0\" \"$@\"\n' '''\n"


def _without_first_lines(script: bytes) -> bytes:
    lines = script.splitlines(keepends=True)
    return b"".join(lines[3 if lines[0].startswith(b"#!/bin/sh") else 1 :])


def _link(source: str | Path, goal: str | Path) -> None:
    try:
        os.link(source, goal)
    except OSError:
        # Another file system, one without links, or too many links.
        shutil.copy2(source, goal)

"""Keep the wheel directory, with a record of how its wheels were made.

A file beside the wheels records their hashes and keys. A wheel that is not in that file, or has another hash, is built
again: its name does not say from which sources and with which options it was made.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crossenv.errors import UsageError, reason_of
from crossenv.files import locked

STATE_NAME = ".crossenv-wheels.json"
_PART = ".crossenv-part-"
_SCHEMA = 1


class Store:
    """A wheel directory.

    Attributes:
        directory: Where it is.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = threading.Lock()
        self._published: set[str] = set()

    def open(self) -> None:
        """Make the directory, or remove half-written files of a run that was killed.

        Raises:
            UsageError: It cannot be written.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with locked(self.directory):
                for path in self.directory.glob(f"{_PART}*"):
                    path.unlink()
                (self.directory / f"{_PART}probe").touch()
                (self.directory / f"{_PART}probe").unlink()
        except OSError as error:
            raise UsageError(
                f"{self.directory} cannot be written: {reason_of(error)}", hint="name another --wheel-dir"
            ) from None

    def kept(self, key: str) -> tuple[Path, ...]:
        """Return the wheels that were made under this key; () if one is missing or has changed."""
        found = []
        for name, digest in self._read().get(key, {}).items():
            path = self.directory / name
            if not path.is_file() or hash_of(path) != digest:
                return ()
            found.append(path)
        return tuple(found)

    def publish(self, key: str, wheels: Sequence[Path]) -> tuple[str, ...]:
        """Put wheels into the directory, each atomically, and record them.

        If one run makes several wheels of the same name, the first one stays.

        Returns:
            The names of those that were not there already.
        """
        new = []
        with self._lock, locked(self.directory):
            digests = {}
            for wheel in wheels:
                place = self.directory / wheel.name
                if wheel.name not in self._published or not place.exists():
                    part = self.directory / f"{_PART}{wheel.name}"
                    try:
                        shutil.copyfile(wheel, part)
                        part.replace(place)
                    except BaseException:
                        with contextlib.suppress(FileNotFoundError):
                            part.unlink()
                        raise
                    self._published.add(wheel.name)
                    new.append(wheel.name)
                digests[wheel.name] = hash_of(place)
            # A record of a wheel that was just replaced is void.
            others = {
                other: known
                for other, known in self._read().items()
                if all(digests.get(name, digest) == digest for name, digest in known.items())
            }
            self._write({**others, key: digests})
        return tuple(new)

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            data: Any = json.loads((self.directory / STATE_NAME).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            # Everything is built again.
            return {}
        builds = data.get("builds") if isinstance(data, dict) and data.get("schema") == _SCHEMA else None
        if not isinstance(builds, dict):
            return {}
        return {key: wheels for key, wheels in builds.items() if _is_texts(wheels)}

    def _write(self, builds: Mapping[str, Mapping[str, str]]) -> None:
        part = self.directory / f"{_PART}state"
        part.write_text(json.dumps({"schema": _SCHEMA, "builds": builds}, indent=1) + "\n", encoding="utf-8")
        part.replace(self.directory / STATE_NAME)


def _is_texts(wheels: Any) -> bool:
    """Return whether this is what `_write` writes: hashes by plain file names."""
    return (
        isinstance(wheels, dict)
        and bool(wheels)
        and all(isinstance(text, str) and os.path.basename(name) == name for name, text in wheels.items())  # noqa: PTH119
    )


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()

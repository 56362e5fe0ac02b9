"""The directory that a run works in: its own, and gone afterwards."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from crossenv.errors import UsageError

_PREFIX = "run-"


@contextlib.contextmanager
def workshop(parent: Path, *, keep: bool) -> Iterator[Path]:
    """A new directory below `parent`.

    Its owner holds a lock on it that ends with the process. So what a run that was killed has left is known by having
    no lock, and is removed by the next one.

    Args:
        parent: Where to make it.
        keep: Whether to leave it there.

    Raises:
        UsageError: It cannot be made.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        # One at a time: a new directory has no lock yet.
        with locked_directory(parent):
            for left in parent.glob(f"{_PREFIX}*"):
                _remove_if_left(left)
            place = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        raise UsageError(
            f"{parent} cannot be written: {error.strerror or error}", hint="set XDG_CACHE_HOME to a directory of yours"
        ) from None
    try:
        if keep:
            (place / "keep").touch()
        # The nearest one to commands that are run here: no other project's settings reach them.
        (place / "pyproject.toml").touch()
        yield place
    finally:
        if not keep:
            shutil.rmtree(place, ignore_errors=True)
        os.close(descriptor)


@contextlib.contextmanager
def locked_directory(directory: Path) -> Iterator[None]:
    """Hold a directory, once nobody else does; the lock ends with the process and leaves no file."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_if_left(place: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not (place / "keep").exists():
                shutil.rmtree(place, ignore_errors=True)
        finally:
            os.close(descriptor)

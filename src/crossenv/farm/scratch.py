"""Make the directory that a run works in, and remove it afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from crossenv.errors import UsageError, reason_of
from crossenv.files import locked

_PREFIX = "run-"
_SHARED = "shared-"
# A machine may be given no job of a run for as long as this.
_DAY = 86400.0


def cache() -> Path:
    """Return the directory in the user's cache."""
    return platformdirs.user_cache_path("crossenv") / "wheel"


def shared_place(run: str) -> Path:
    """Make the directory for what the jobs of a run on a cluster share on this machine."""
    place = cache() / f"{_SHARED}{run}"
    place.mkdir(parents=True, exist_ok=True)
    os.utime(place)
    return place


def remove_shared(run: str) -> None:
    """Remove that directory."""
    shutil.rmtree(cache() / f"{_SHARED}{run}", ignore_errors=True)


@contextlib.contextmanager
def workshop(parent: Path, *, keep: bool) -> Iterator[Path]:
    """Make a new directory below `parent`.

    The run holds a lock on it that ends with the process. A directory without a lock is left over from a run that was
    killed, and the next run removes it.

    Args:
        parent: Where to make it.
        keep: Whether to keep it.

    Raises:
        UsageError: It cannot be made.
    """
    ours = contextlib.ExitStack()
    try:
        parent.mkdir(parents=True, exist_ok=True)
        # A new directory has no lock yet: no other process may look meanwhile.
        with locked(parent):
            for left in parent.glob(f"{_PREFIX}*"):
                _remove_if_left(left)
            for left in parent.glob(f"{_SHARED}*"):
                # Of a client that was killed.
                if left.stat().st_mtime < time.time() - _DAY:
                    shutil.rmtree(left, ignore_errors=True)
            place = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            ours.enter_context(locked(place))
    except OSError as error:
        raise UsageError(
            f"{parent} cannot be written: {reason_of(error)}", hint="set XDG_CACHE_HOME to a directory of yours"
        ) from None
    with ours:
        if keep:
            (place / "keep").touch()
        # Keeps the settings of projects above from commands that run here.
        (place / "pyproject.toml").touch()
        try:
            yield place
        finally:
            if not keep:
                shutil.rmtree(place, ignore_errors=True)


def _remove_if_left(place: Path) -> None:
    with contextlib.suppress(OSError), locked(place, wait=False):
        if not (place / "keep").exists():
            shutil.rmtree(place, ignore_errors=True)

"""Make the directory that a run works in, and remove it afterwards."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from crossenv.errors import UsageError, reason_of
from crossenv.files import locked

_PREFIX = "run-"


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

"""A host side outside of its environment: in a directory of its own, or in a root that is being put together."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from crossenv.errors import UsageError

# In a directory that was empty when the host side came: all in it may be removed with that.
OWN = ".crossenv-host-side"
_OTHER = "name a directory that does not exist yet, is empty, or has no Python"


def check_cross_prefix(root: Path, prefix: Path, *, clear: bool) -> None:
    """Refuse a directory that cannot become the host side of the environment in `root`.

    Args:
        root: The environment's directory.
        prefix: The directory.
        clear: Whether an earlier host side in it is to be removed first.

    Raises:
        UsageError: It is no directory, one of the two is in the other, or a Python that is there would be replaced.
    """
    if prefix.exists() and not prefix.is_dir():
        raise UsageError(f"--cross-prefix {prefix} is not a directory", hint=_OTHER)
    real = prefix.resolve()
    if real.is_relative_to(root) or root.is_relative_to(real):
        raise UsageError(
            f"--cross-prefix {prefix} and the environment {root} lie in each other",
            hint="leave --cross-prefix out, or name a directory beside the environment",
        )
    if clear and _is_host_side(prefix) and not (prefix / OWN).exists():
        raise UsageError(
            f"--cross-prefix {prefix} was in use before there was a host side in it, and is not cleared",
            hint="keep what is installed there: --keep cross (from the older command line --clear)",
        )
    if prefix.is_dir() and not _is_host_side(prefix):
        own = sorted((prefix / "bin").glob("python*"))
        if own:
            raise UsageError(f"--cross-prefix {prefix} has a Python of its own ({own[0].name})", hint=_OTHER)


@contextlib.contextmanager
def host_side_in(prefix: Path, *, clear: bool) -> Iterator[None]:
    """Hold `prefix` ready while the host side is made in it; a failure removes what came in meanwhile.

    Args:
        prefix: The directory.
        clear: Whether an earlier host side in it is removed first; anything else in it stays.
    """
    missing = [path for path in (prefix, *prefix.parents) if not path.exists()]
    prefix.mkdir(parents=True, exist_ok=True)
    if clear and (prefix / OWN).exists():
        for path in prefix.iterdir():
            _remove(path)
    before = set(_entries(prefix))
    try:
        if not before:
            (prefix / OWN).touch()
        yield
    except BaseException:
        for path in set(_entries(prefix)) - before:
            _remove(path)
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise


def _is_host_side(prefix: Path) -> bool:
    """Whether an earlier creation has made the host side in `prefix`."""
    shims = prefix.glob("lib/python*/site-packages/_crossenv/facts.marshal")
    return (prefix / "pyvenv.cfg").is_file() and next(shims, None) is not None


def _entries(prefix: Path) -> Iterator[Path]:
    """The paths in `prefix` that a virtual environment may bring: those that it shares with a system go deeper."""
    for pattern in ("*", "bin/*", "lib/*", "lib/python*/*", "lib/python*/site-packages/*"):
        yield from prefix.glob(pattern)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()

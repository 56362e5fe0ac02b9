"""A host side outside of its environment: in a directory of its own, or in a root that is being put together."""

from __future__ import annotations

import os
from pathlib import Path

from crossenv.errors import UsageError

# Marks a directory that was empty when the host side came: --clear may empty it.
OWN = ".crossenv-host-side"
_OTHER = "name a directory that does not exist yet, is empty, or has no Python"


def check_cross_prefix(root: Path, prefix: Path, *, clear: bool) -> None:
    """Refuse a directory that cannot become the host side of the environment in `root`.

    Args:
        root: The environment's directory.
        prefix: The directory.
        clear: Whether an earlier host side in it is to be removed first.

    Raises:
        UsageError: It is not a directory, one of the two contains the other, or it has a Python already.
    """
    if prefix.is_symlink() and not prefix.exists():
        raise UsageError(f"--cross-prefix {prefix} is a broken link: {prefix.readlink()} does not exist", hint=_OTHER)
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


def _is_host_side(prefix: Path) -> bool:
    """Whether an earlier creation has made the host side in `prefix`."""
    shims = prefix.glob("lib/python*/site-packages/_crossenv/facts.marshal")
    return (prefix / "pyvenv.cfg").is_file() and next(shims, None) is not None


def is_own(prefix: Path) -> bool:
    """Whether everything in `prefix` came with a host side, or after it."""
    return (prefix / OWN).exists() or not prefix.is_dir() or not any(os.scandir(prefix))

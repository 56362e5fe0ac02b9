"""Whether another distribution has written into this package.

On PyPI `crossenv` is the older tool, version 1.6, and its import package has the same name as ours. pip silently
overwrites one with the other, and uninstalling either removes files of both.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import crossenv
from crossenv.errors import UsageError

_OLDER = re.compile(r"crossenv-([01]\..*)\.(?:dist|egg)-info")


def require_own_package() -> None:
    """Refuse to run if files of the older tool lie, or have lain, among ours.

    Raises:
        UsageError: They do or did.
    """
    site = Path(__file__).parents[2]
    # Listing one directory takes 0.1 ms; importing importlib.metadata would take a hundred times as long.
    versions = [match[1] for name in os.listdir(site) if (match := _OLDER.fullmatch(name))]  # noqa: PTH208
    if not versions and getattr(crossenv, "DISTRIBUTION", None) == "crossenv2":
        return
    older = f"crossenv {versions[0]} is" if versions else "another distribution called crossenv was"
    raise UsageError(
        f"{older} installed in {site} too, and shares the package `crossenv` with crossenv2",
        hint="keep one of them: pip uninstall -y crossenv crossenv2, then install crossenv2 again",
    )

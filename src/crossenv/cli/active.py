"""Which environment a command is about."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from crossenv.environment.in_place import find_converted
from crossenv.errors import UsageError
from crossenv.record import RECORD_NAME


def active_environment(given: str | None, environ: Mapping[str, str]) -> Path | None:
    """Return the named environment, else the active one, else that of a converted installation; or None."""
    if given is not None:
        return Path(given).expanduser().absolute()
    active = environ.get("VIRTUAL_ENV")
    if active and (Path(active) / RECORD_NAME).exists():
        return Path(active)
    return find_converted(environ, Path(sys.base_prefix))


def chosen_environment(given: str | None, environ: Mapping[str, str]) -> Path:
    """Return the same, for commands that need one.

    Raises:
        UsageError: There is none.
    """
    root = active_environment(given, environ)
    if root is None:
        raise UsageError("no environment", hint="activate one, or name its directory")
    return root

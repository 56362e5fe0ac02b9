"""What commands share: options that all take, and how they fetch a Python."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

from crossenv.config import Settings
from crossenv.pythons.fetch import fetch_python
from crossenv.report import Reporter


def common_options() -> argparse.ArgumentParser:
    """Make a parent parser with the options of every command: -v, -q, --json."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("output")
    group.add_argument("-v", "--verbose", action="count", default=0, help="print each step")
    group.add_argument("-q", "--quiet", action="store_true", help="print only warnings, errors and results")
    group.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def fetcher(settings: Settings, reporter: Reporter) -> Callable[[str], None] | None:
    """Return what fetches a build Python; None where the user does not want it."""

    def fetch(version: str) -> None:
        with reporter.working(f"fetching {version} with uv"):
            fetch_python(version, os.environ)

    return fetch if settings.flags["fetch-python"] else None

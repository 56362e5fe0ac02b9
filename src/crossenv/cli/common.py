"""What commands share: options that all take, the environment they are about, and how they fetch a Python.

Each build starts `crossenv seal`, so that modules which most commands do not need are imported where they are used.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from crossenv.errors import UsageError
from crossenv.record import RECORD_NAME
from crossenv.report import Reporter

if TYPE_CHECKING:
    from crossenv.config import Settings


def common_options() -> argparse.ArgumentParser:
    """Make a parent parser with the options of every command: -v, -q, --json."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("output")
    group.add_argument("-v", "--verbose", action="count", default=0, help="print each step")
    group.add_argument("-q", "--quiet", action="store_true", help="print only warnings, errors and results")
    group.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def add_tool_options(group: argparse._ArgumentGroup) -> None:
    """Add the options on compilers that `create`, `wheel` and `plan` have."""
    from crossenv.compilers.cache import CHOICES as CACHES
    from crossenv.compilers.cache import NONE
    from crossenv.compilers.choose import AUTO, CHOICES

    group.add_argument("--toolchain", choices=CHOICES, help=f"where the compilers come from; default: {AUTO}")
    group.add_argument("--emsdk", metavar="DIR", help="with a target for Pyodide: the emsdk; default: emcc on PATH")
    group.add_argument(
        "--any-emscripten",
        action=argparse.BooleanOptionalAction,
        help="take an emscripten of another version than the target's, with a warning",
    )
    group.add_argument(
        "--ndk",
        metavar="DIR",
        help="for Android: the NDK; default: the directory that ANDROID_NDK_HOME or ANDROID_NDK_ROOT names",
    )
    group.add_argument("--cpu", help="the oldest processor to support, as `zig cc -mcpu` takes it: cortex_a7, z14")
    group.add_argument(
        "--compile-cache",
        choices=CACHES,
        help=f"compile through ccache or sccache; `auto` takes the one that is installed; default: {NONE}",
    )


def add_allow_pure(group: argparse._ArgumentGroup) -> None:
    """Add the option for projects that may lose their extension modules."""
    group.add_argument(
        "--allow-pure",
        action="append",
        default=[],
        metavar="NAME",
        help="accept a wheel of this project without extension modules that did not compile; can be repeated; '*' for"
        " all projects",
    )


def fetcher(settings: Settings, reporter: Reporter) -> Callable[[str], None] | None:
    """Return what fetches a build Python; None where the user does not want it."""

    def fetch(version: str) -> None:
        from crossenv.pythons.fetch import fetch_python

        with reporter.working(f"fetching {version} with uv"):
            fetch_python(version, os.environ)

    return fetch if settings.flags["fetch-python"] else None


def active_environment(given: str | None, environ: Mapping[str, str]) -> Path | None:
    """Return the named environment, else the active one, else that of a converted installation; or None."""
    if given is not None:
        return Path(given).expanduser().absolute()
    active = environ.get("VIRTUAL_ENV")
    if active and (Path(active) / RECORD_NAME).exists():
        return Path(active)
    from crossenv.environment.in_place import find_converted

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

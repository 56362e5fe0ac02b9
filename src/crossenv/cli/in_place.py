"""`crossenv create --in-place`: convert a Python installation in a throw-away container."""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import crossenv
from crossenv.config import FLAGS, LISTS, TEXTS, Settings
from crossenv.environment.in_place import (
    Conversion,
    Installation,
    convert,
    is_whole,
    plan_conversion,
    read_conversion,
    read_installation,
    remove_home,
    undo,
)
from crossenv.environment.plan import Plan
from crossenv.environment.write import write_environment
from crossenv.errors import UsageError
from crossenv.platforms.linux_targets import is_policy, target_of_image
from crossenv.report import Reporter
from crossenv.targets import parse_target

_IDENTIFIER, _PLATFORM = "CIBUILDWHEEL_BUILD_IDENTIFIER", "AUDITWHEEL_PLAT"
# Variables of CI jobs, whose machines are thrown away too.
_THROWN_AWAY = ("CIBUILDWHEEL", _IDENTIFIER, "CI", "GITHUB_ACTIONS", "GITLAB_CI")
# Files that docker and podman put into a container.
_CONTAINER_FILES = ("/.dockerenv", "/run/.containerenv")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `create --in-place`."""
    group = parser.add_argument_group("in place", "for throw-away containers, such as cibuildwheel's")
    group.add_argument(
        "--in-place",
        action="store_true",
        help="convert a Python installation instead of making ENV; builds with it are then for the target. The"
        " installation is --python's, or the one crossenv runs in, or that of `python` on PATH",
    )
    group.add_argument("--undo", action="store_true", help="restore a converted installation")
    group.add_argument("--force", action="store_true", help="convert it even outside CI and containers")


def is_wanted(args: argparse.Namespace) -> bool:
    """Whether --in-place was given.

    Raises:
        UsageError: --undo or --force without it, or a directory with it.
    """
    for name in ("undo", "force"):
        if getattr(args, name) and not args.in_place:
            raise UsageError(f"--{name} goes with --in-place", hint=f"crossenv create --in-place --{name} ...")
    if args.in_place and args.env is not None:
        raise UsageError(
            f"--in-place takes no directory ({args.env})", hint="leave it out; --python names the installation"
        )
    return bool(args.in_place)


def run(
    args: argparse.Namespace,
    reporter: Reporter,
    *,
    settle: Callable[[argparse.Namespace], Settings],
    planner: Callable[[argparse.Namespace, Settings, Path, Reporter], Plan],
) -> int:
    """Convert the installation or restore it; do nothing if that is already done."""
    settings = settle(args)
    installation = read_installation(chosen_interpreter(args.python, os.environ))
    done = read_conversion(installation)
    if args.undo:
        return _undo(installation, done, reporter)
    if not args.force:
        require_throw_away(installation, os.environ, named=args.python is not None)
    if not args.target and not args.host_python:
        args.target = derived_target(os.environ, os.uname().machine)
        if args.target:
            reporter.note(f"the target is {args.target}, from {_IDENTIFIER} and {_PLATFORM}")
    request = _request(args, settings)
    if done is not None and done.request == request and is_whole(done, installation):
        reporter.note(f"{installation.executable} already builds for {done.target}")
        return _report(installation, done, args, reporter)
    args.python = str(installation.executable)
    home = installation.home.parent.resolve() / installation.home.name
    plan = planner(args, settings, home, reporter)
    if args.dry_run:
        for path in (installation.home, *installation.places):
            reporter.result(f"would make {path}")
        return 0
    reporter.note(f"converting the Python installation {installation.prefix} ({installation.executable})")
    if done is not None:
        reporter.note(f"undoing its conversion for {done.target}")
        undo(installation, done)
    remove_home(installation)
    conversion = plan_conversion(installation, target=args.target or args.host_python, request=request)
    reporter.step(f"making {home}")
    try:
        write_environment(plan, clear=True)
        convert(installation, conversion, Path(plan.record.host.site_packages) / "_crossenv")
    except BaseException:
        undo(installation, conversion)
        raise
    return _report(installation, conversion, args, reporter)


def _undo(installation: Installation, done: Conversion | None, reporter: Reporter) -> int:
    if done is None:
        remove_home(installation)
        reporter.note(f"{installation.executable} is not converted: there is nothing to undo")
        return 0
    undo(installation, done)
    reporter.note(f"{installation.executable} is restored: it builds for this machine")
    return 0


def _report(installation: Installation, conversion: Conversion, args: argparse.Namespace, reporter: Reporter) -> int:
    if args.json:
        reporter.json({"home": str(installation.home), **dataclasses.asdict(conversion)})
        return 0
    reporter.result(str(installation.home))
    for name in conversion.placed:
        reporter.note(f"added to the installation: {name}")
    reporter.note(
        f"pip wheel, python -m build and uv build with {installation.executable} build for {conversion.target};"
        " pip install and everything else stay native"
    )
    return 0


def _request(args: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    """Collect everything that decides the result, so that a repeated request can be skipped."""
    left_out = ("in_place", "undo", "force", "env", "run", "quiet", "verbose", "json", "dry_run", "python", "clear")
    words = {name: value for name, value in vars(args).items() if name not in left_out}
    words |= {name: getattr(args, name.replace("-", "_")) for name in (*TEXTS, *LISTS) if name != "python"}
    words |= {name: settings.flags[name] for name in FLAGS}
    told = {name: list(value) if isinstance(value, tuple) else value for name, value in words.items()}
    return {"crossenv": crossenv.__version__, **told}


def chosen_interpreter(given: str | None, environ: Mapping[str, str]) -> Path:
    """Return the interpreter to convert.

    Args:
        given: The value of --python, a path or a program on PATH; None without the option.
        environ: The environment.

    Raises:
        UsageError: No interpreter was found.
    """
    search_path = environ.get("PATH", os.defpath)
    if given is not None:
        found = shutil.which(given, path=search_path)
        if found is None:
            raise UsageError(
                f"there is no Python {given}", hint="name an interpreter: --python /opt/python/.../bin/python"
            )
        return Path(os.path.abspath(found))  # noqa: PTH100 - its links stay
    if sys.prefix == sys.base_prefix:
        return Path(sys.executable)
    # crossenv has an environment of its own.
    own = Path(sys.prefix) / "bin"
    places = [place for place in search_path.split(os.pathsep) if place and Path(place) != own]
    found = shutil.which("python", path=os.pathsep.join(places))
    if found is None:
        raise UsageError(
            "crossenv runs in a virtual environment, and PATH has no other `python` to convert",
            hint="name an installation's interpreter with --python",
        )
    return Path(found)


def require_throw_away(
    installation: Installation, environ: Mapping[str, str], *, named: bool, files: tuple[str, ...] = _CONTAINER_FILES
) -> None:
    """Refuse to convert an installation that somebody may go on using.

    People also work in containers, so a container alone is not enough.

    Args:
        installation: What would be converted.
        environ: The environment.
        named: Whether the user named the installation's interpreter.
        files: The files that mark a container.

    Raises:
        UsageError: This is neither a CI job nor a container in which the user named the interpreter.
    """
    if any(environ.get(name, "").lower() not in ("", "0", "false") for name in _THROWN_AWAY):
        return
    contained = bool(environ.get("container")) or any(Path(name).exists() for name in files)
    if contained and named:
        return
    what = f"--in-place changes the Python installation {installation.prefix} itself"
    if contained:
        raise UsageError(
            f"{what}, and this container may be in use",
            hint=f"to convert it, name it: --in-place --python {installation.executable}",
        )
    raise UsageError(
        f"{what}, and this is neither a CI job nor a container",
        hint="make an environment (crossenv create --target ... ENV), or add --force if you can throw the installation"
        " away",
    )


def derived_target(environ: Mapping[str, str], machine: str) -> str | None:
    """Derive the target from the variables of a build image and cibuildwheel; None if that is this machine.

    The image names a policy (`AUDITWHEEL_PLAT`), cibuildwheel the architecture (`cp313-manylinux_aarch64`).

    Args:
        environ: The environment.
        machine: This machine, `os.uname().machine`.
    """
    platform = environ.get(_PLATFORM, "")
    _, _, wanted = environ.get(_IDENTIFIER, "").partition("-")
    named = target_of_image(platform, wanted, machine)
    if named is None and is_policy(platform) and parse_target(platform).machine != machine:
        return platform
    return named

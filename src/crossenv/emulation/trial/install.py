"""Install wheels and their requirements into a throw-away tree, for the target or for this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crossenv.emulation.command import AnySession, host_command
from crossenv.emulation.model import Command
from crossenv.emulation.pyodide import PyodideSession
from crossenv.emulation.wine import WineSession, windows_path
from crossenv.errors import BuildError
from crossenv.platforms.emscripten import names_of
from crossenv.pythons.build_python import BuildPython
from crossenv.record import Record
from crossenv.report import Reporter

_OPTIONS = (
    "--no-input",
    "--progress-bar",
    "off",
    "--disable-pip-version-check",
    "--no-warn-script-location",
    "--ignore-installed",
)
_HINT = "--find-links names a directory with wheels of them for the target"
_NATIVE_HINT = "--native-wheel names a wheel, an sdist or a project to compare with; by default the index has it"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What to install.

    Attributes:
        requirements: Wheels, and requirements (PEP 508).
        files: Requirements files.
        links: Directories or pages with wheels of requirements (pip's --find-links).
        index: Whether to use the index.
    """

    requirements: tuple[str, ...]
    files: tuple[Path, ...] = ()
    links: tuple[str, ...] = ()
    index: bool = True

    def words(self) -> list[str]:
        """Return pip's arguments."""
        words = [word for link in self.links for word in ("--find-links", link)]
        words += [] if self.index else ["--no-index"]
        words += [word for file in self.files for word in ("-r", str(file))]
        return [*words, *self.requirements]


def install_with_environment(
    record: Record, prefix: Path, wanted: Wanted, environ: Mapping[str, str], reporter: Reporter
) -> None:
    """Install with the environment's pip, which takes wheels for the target and builds sdists for it.

    Raises:
        BuildError: pip failed.
    """
    pip = (f"{record.root}/cross/bin/python", "-m", "pip", "install", *_OPTIONS, "--prefix", str(prefix))
    command = Command(words=(*pip, *wanted.words()), environment=environ)
    _run(command, "installing the wheel and its requirements for the target", reporter)


def install_on_target(
    session: AnySession, prefix: Path, wanted: Wanted, environ: Mapping[str, str], reporter: Reporter
) -> None:
    """Install with a pip that runs in the target's interpreter.

    Raises:
        BuildError: pip failed.
    """
    if isinstance(session, WineSession):
        version, under, place = session.python.version, "wine", windows_path(str(prefix))
        words = [windows_path(str(Path(word).absolute())) if Path(word).exists() else word for word in wanted.words()]
    elif isinstance(session, PyodideSession):
        install_for_pyodide(session, wanted, environ, reporter)
        return
    else:
        version, under, place = session.interpreter.version, "emulation", str(prefix)
        words = wanted.words()
    command = ["python", f"{_pip(version)}/pip", "install", *_OPTIONS, "--prefix", place, *words]
    what = f"installing the wheel and its requirements, with the target's own pip under {under}"
    _run(host_command(session, command, environ), what, reporter)


def install_for_pyodide(
    session: PyodideSession, wanted: Wanted, environ: Mapping[str, str], reporter: Reporter
) -> None:
    """Install ready-made wheels only, with a pip of this machine: none runs under Pyodide.

    Raises:
        BuildError: pip failed.
    """
    python = session.python
    tags = [word for tag in names_of(python.abi) for word in ("--platform", tag)]
    which = ["--python-version", python.version, "--implementation", "cp", *tags, "--only-binary", ":all:"]
    pip = (sys.executable, f"{_pip(python.version)}/pip", "install", *_OPTIONS, *which)
    command = Command(words=(*pip, "--target", str(session.site_packages), *wanted.words()), environment=environ)
    _run(command, "installing the wheel and its requirements for Pyodide", reporter)


def _pip(version: str) -> Path:
    """Return a wheel of pip for a version, which can be run as it is."""
    from virtualenv.seed.wheels.embed import get_embed_wheel

    wheel = get_embed_wheel("pip", version)
    if wheel is None:
        raise BuildError(f"virtualenv has no pip for Python {version}", hint="name an environment: --env")
    path: Path = wheel.path
    return path


def install_natively(
    build: BuildPython, prefix: Path, wanted: Wanted, environ: Mapping[str, str], reporter: Reporter
) -> Path:
    """Make a virtual environment of this machine in `prefix` and install into it; return its interpreter.

    Raises:
        BuildError: virtualenv or pip failed.
    """
    from virtualenv import cli_run

    try:
        cli_run(
            [str(prefix), "--python", str(build.executable), "--no-download", "--no-periodic-update"],
            setup_logging=False,
        )
    except (RuntimeError, SystemExit, subprocess.SubprocessError) as error:
        raise BuildError(f"virtualenv could not make {prefix}: {error}", hint="try `virtualenv` by hand") from None
    python = prefix / "bin/python"
    words = (str(python), "-m", "pip", "install", *_OPTIONS, *wanted.words())
    _run(
        Command(words=words, environment=environ),
        "installing the native wheel and its requirements",
        reporter,
        _NATIVE_HINT,
    )
    return python


def _run(command: Command, what: str, reporter: Reporter, hint: str = _HINT) -> None:
    """Run pip; its output is shown if it fails."""
    output: list[str] = []
    with (
        reporter.working(what) as step,
        subprocess.Popen(
            command.words,
            env=dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as child,
    ):
        assert child.stdout is not None
        for line in child.stdout:
            output.append(line)
            step.update(line.strip())
    if child.returncode:
        reporter.output("".join(output))
        raise BuildError(
            "the wheel and its requirements cannot be installed (see pip's message above)",
            hint=hint,
        )

"""`crossenv run`: run a program of the target here, under an emulator."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

import platformdirs

from crossenv.cli.common import active_environment, common_options
from crossenv.emulation.command import AnySession, host_command
from crossenv.emulation.environment import (
    EmulationOptions,
    interpreter_for,
    pyodide_session_in,
    runs_under_pyodide,
    runs_under_wine,
    session_in,
    session_of,
    wine_session_in,
)
from crossenv.emulation.session import AUTO, CHILDREN
from crossenv.errors import EmulatorError, UsageError
from crossenv.record import load_record
from crossenv.report import Reporter
from crossenv.targets import parse_target


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "run",
        parents=[common_options()],
        help="run a program of the target here",
        description="Run a program of the target under QEMU's user-mode emulator, wine (Windows) or node (Pyodide),"
        " with the target-side packages.",
    )
    parser.add_argument("--env", metavar="ENV", help="the environment; default: the active one, if any")
    parser.add_argument(
        "--target", metavar="TARGET", help="run a bare Python for this machine (aarch64), without an environment"
    )
    parser.add_argument("--python", metavar="VERSION", help="with --target: the version of Python (3.13)")
    add_emulator_options(parser)
    parser.add_argument(
        "command", metavar="COMMAND", nargs=argparse.REMAINDER, help="a program and its arguments, after --"
    )
    parser.set_defaults(run=run)


def add_emulator_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every command that runs programs of the target."""
    group = parser.add_argument_group("emulator")
    group.add_argument(
        "--emulator",
        metavar="PROGRAM",
        help="use this emulator; default: wine or node on PATH for Windows and Pyodide, else qemu-ARCH on PATH, or"
        " Debian's",
    )
    group.add_argument(
        "--host-root",
        action="append",
        default=[],
        metavar="DIR",
        help="a root directory of the target with a Python in it, or a directory with a Python for Windows or Pyodide;"
        " can be repeated; default: the environment's sysroot or Python, or one from Debian",
    )
    group.add_argument(
        "--children",
        choices=CHILDREN,
        default=AUTO,
        help="how target programs start others: through a private binfmt_misc of the kernel, or through launchers;"
        f" default: {AUTO}, the kernel if possible",
    )


def emulation_options(args: argparse.Namespace) -> EmulationOptions:
    """Read the options of `add_emulator_options`."""
    return EmulationOptions(
        emulator=args.emulator,
        host_roots=tuple(Path(root).expanduser().resolve() for root in args.host_root),
        children=args.children,
        environ=os.environ,
        cache=platformdirs.user_cache_path("crossenv"),
    )


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Replace this process with the program."""
    words = [*args.command, *(["--"] if args.command and args.behind is not None else []), *(args.behind or [])]
    if not words:
        raise UsageError("no command", hint="write: crossenv run -- python -c 'print(1)'")
    return become(_session(args, reporter), words)


def _session(args: argparse.Namespace, reporter: Reporter) -> AnySession:
    root = active_environment(args.env, os.environ)
    options = emulation_options(args)
    if args.target is None:
        if args.python is not None:
            raise UsageError("--python goes with --target; an environment has its own Python", hint="leave it out")
        if root is None:
            raise UsageError(
                "no environment",
                hint="activate one, name one with --env, or run a bare Python with --target",
            )
        return session_of(load_record(root), options, reporter)
    if args.env is not None:
        raise UsageError("--env and --target exclude each other", hint="leave one of them out")
    target = parse_target(args.target)
    if runs_under_wine(target.identity):
        directory = options.cache / "run" / target.platform_tag
        return wine_session_in(directory, target, args.python, options, reporter)
    if runs_under_pyodide(target.identity):
        return pyodide_session_in(options.cache / "run" / target.platform_tag, target, options)
    version = args.python or platform.python_version().rpartition(".")[0]
    interpreter = interpreter_for(target, version, options, reporter)
    directory = options.cache / "run" / f"{target.gnu_triplet}-python{version}"
    return session_in(directory, target.architecture, interpreter, options, reporter)


def become(session: AnySession, words: list[str]) -> int:
    """Replace this process with a program of the target.

    Raises:
        EmulatorError: It cannot be started.
    """
    command = host_command(session, words, os.environ)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvpe(command.words[0], list(command.words), dict(command.environment))
    except OSError as error:
        raise EmulatorError(
            f"{command.words[0]} cannot be started: {error.strerror}", hint="name another emulator with --emulator"
        ) from None

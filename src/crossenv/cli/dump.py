"""`crossenv dump`: describe a Python as one JSON document, so that another machine can build for it."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crossenv.children import run_text
from crossenv.cli.common import common_options
from crossenv.errors import CrossenvError, UsageError
from crossenv.files import scratch_directory
from crossenv.pythons import crossenv_dump
from crossenv.pythons.build_python import find_interpreter
from crossenv.pythons.crossenv_dump import document_text
from crossenv.pythons.dump_document import load_dump
from crossenv.pythons.dump_from_files import describe_host
from crossenv.pythons.from_dump import LAYOUT
from crossenv.pythons.known import host_python_path
from crossenv.pythons.read import read_host_python
from crossenv.report import Reporter

SCRIPT = Path(crossenv_dump.__file__)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "dump",
        parents=[common_options()],
        help="describe a Python so that another machine can build for it",
        description=__doc__,
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--python",
        metavar="SPEC",
        help="run and describe this interpreter: a path or a version (3.12); default: the one crossenv runs in",
    )
    which.add_argument(
        "--host-python",
        metavar="PATH",
        help="describe this host Python, anything `create --host-python` takes; it is read, never run",
    )
    which.add_argument(
        "--script", action="store_true", help="print the dump program itself; it runs on any target with a Python"
    )
    parser.add_argument("--output", "-o", metavar="FILE", help="write it to FILE; default: standard output")
    parser.add_argument("--with-headers", metavar="FILE.tar.gz", help="also write Python's headers to this archive")
    parser.add_argument(
        "--sysroot", metavar="DIR", help="with --host-python: the root of the target's headers and libraries"
    )
    parser.add_argument("--machine", help="with --host-python: os.uname().machine on the target (armv7l)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Print or write what was asked for."""
    if args.host_python is None and (args.sysroot or args.machine):
        raise UsageError("--sysroot and --machine go with --host-python", hint="leave them out")
    if args.script:
        if args.with_headers:
            raise UsageError("--with-headers cannot be used with --script", hint="leave it out")
        _put(SCRIPT.read_text(encoding="utf-8"), args.output, reporter)
    elif args.host_python is not None:
        if args.with_headers:
            raise UsageError(
                "--with-headers cannot be used with --host-python, whose headers are already on this machine",
                hint="leave it out",
            )
        _put(document_text(_read(args)), args.output, reporter)
    else:
        _put(_taken(args, reporter), args.output, reporter)
    return 0


def _read(args: argparse.Namespace) -> Mapping[str, Any]:
    path = host_python_path(args.host_python)
    sysroot = None if args.sysroot is None else Path(args.sysroot).expanduser().resolve()
    host = read_host_python(path, sysroot=sysroot, machine=args.machine)
    if host.layout == LAYOUT:
        return load_dump(path).document
    return describe_host(host, today=datetime.datetime.now(datetime.timezone.utc).date())


def _taken(args: argparse.Namespace, reporter: Reporter) -> str:
    """Run the dump program with the interpreter; return its output."""
    python = find_interpreter(args.python) if args.python else Path(sys.executable)
    reporter.step(f"running {python}")
    # These variables would change the interpreter's description of itself.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "_PYTHON"))}
    words = [str(python), "-I", str(SCRIPT)]
    if args.with_headers:
        words += ["--with-headers", args.with_headers]
    with scratch_directory("dump") as directory:
        file = Path(directory, "dump.json")
        try:
            done = run_text([*words, "--output", file], environment=environment)
        except OSError as error:
            problem = f"{python} cannot be run: {error.strerror}"
            raise UsageError(problem, hint="name another with --python") from None
        if done.returncode:
            if "SyntaxError" in done.stderr:
                raise UsageError(f"{python} is older than Python 3.8", hint="name a later one with --python")
            lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            raise CrossenvError(f"{python}: {lines[-1].removeprefix('crossenv_dump: error: ')}")
        return file.read_text(encoding="ascii")


def _put(text: str, output: str | None, reporter: Reporter) -> None:
    if output is None:
        reporter.result(text.rstrip("\n"))
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}", hint="name another with --output") from None
    reporter.note(f"written to {output}")

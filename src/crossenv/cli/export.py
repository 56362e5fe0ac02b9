"""`crossenv export`: print a configuration with which another build system compiles for the target."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from crossenv.cli.common import chosen_environment, common_options
from crossenv.errors import UsageError
from crossenv.export import EXPORTERS
from crossenv.files import write_file
from crossenv.record import load_record
from crossenv.report import Reporter


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "export",
        parents=[common_options()],
        help="print a configuration for another build system",
        description="Print a Meson cross file, a CMake toolchain file, a cargo configuration, a Conan profile, a vcpkg"
        " triplet, or environment variables, for the target of an environment.",
    )
    parser.add_argument("format", choices=tuple(EXPORTERS), help="the build system; env or bash for variables")
    parser.add_argument("--env", metavar="ENV", help="the environment; default: the active one")
    parser.add_argument("-o", "--output", metavar="FILE", help="write it to FILE; default: standard output")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Print the text, or write it."""
    record = load_record(chosen_environment(args.env, os.environ))
    text = EXPORTERS[args.format](record)
    path = None if args.output is None else Path(args.output).expanduser().absolute()
    if path is not None:
        _write(path, text)
    if args.json:
        output = None if path is None else str(path)
        reporter.json({"format": args.format, "environment": record.root, "output": output, "text": text})
    elif path is not None:
        reporter.result(str(path))
    else:
        reporter.result(text.removesuffix("\n"))
    return 0


def _write(path: Path, text: str) -> None:
    try:
        write_file(path, text)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}", hint="name a file in a directory that you may write to"
        ) from None

"""`crossenv show`: say what an environment is."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

from crossenv.cli.common import common_options
from crossenv.environment.record import RECORD_NAME, Record, load_record
from crossenv.errors import UsageError
from crossenv.report import Reporter


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "show", parents=[common_options()], help="say what an environment is", description=__doc__
    )
    add_environment_argument(parser)
    parser.set_defaults(run=run)


def add_environment_argument(parser: argparse.ArgumentParser) -> None:
    """Add the optional argument that names an environment."""
    parser.add_argument("env", metavar="ENV", nargs="?", help="the environment; default: the active one")


def chosen_environment(given: str | None, environ: Mapping[str, str]) -> Path:
    """The environment that the user named, or else the active one.

    Raises:
        UsageError: Neither.
    """
    if given is not None:
        return Path(given).expanduser().absolute()
    active = environ.get("VIRTUAL_ENV")
    if active and (Path(active) / RECORD_NAME).exists():
        return Path(active)
    raise UsageError("no environment was named and none is active", hint="name one: crossenv show ENV")


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Print the record, for people or as JSON."""
    record = load_record(chosen_environment(args.env, os.environ))
    if args.json:
        reporter.json(dataclasses.asdict(record))
    else:
        for name, value in summary(record):
            reporter.result(f"{name:<16}{value}")
    return 0


def summary(record: Record) -> list[tuple[str, str]]:
    """The record's main facts, as labels and values."""
    host, build, toolchain = record.host, record.build, record.toolchain
    rows = [
        ("environment", record.root),
        ("host Python", f"CPython {host.full_version or host.version}{host.abi_flags} ({host.source})"),
        ("host machine", f"{host.machine}, {host.elf.bits}-bit, {host.elf.byte_order}-endian"),
        ("host libc", f"{host.libc_family} {host.libc_version}".strip()),
        ("wheel tag", host.platform_tag),
        ("extensions", host.extension_suffixes[0]),
        ("shebang", f"#!{host.executable}"),
        ("sysroot", toolchain.sysroot or "none"),
        ("build Python", f"CPython {build.version} ({build.python}) on {build.machine}"),
        ("compiler", f"{toolchain.family} {toolchain.version}, {toolchain.triplet}"),
    ]
    rows += [(f"  {name}", f"{tool.command} ({tool.origin})") for name, tool in toolchain.tools.items()]
    rows.append(("crossenv", f"{record.crossenv}, record schema {record.schema}"))
    return rows

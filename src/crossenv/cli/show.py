"""`crossenv show`: describe an environment or a host Python."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from pathlib import Path

from crossenv.cli.common import chosen_environment, common_options
from crossenv.errors import UsageError
from crossenv.pythons.known import host_python_path
from crossenv.pythons.model import HostPython
from crossenv.pythons.pyodide_layout import PyodidePython, find_pyodide
from crossenv.pythons.read import read_host_python
from crossenv.pythons.windows_layout import WindowsPython, find_windows_python, target_name
from crossenv.record import Record, load_record
from crossenv.report import Reporter
from crossenv.synthesis.files import LAYOUT as SYNTHESISED

_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy"}


def python_words(implementation: str, version: str, abi_flags: str) -> str:
    """Return words such as "CPython 3.13.5t" or "PyPy 3.11.11"."""
    return f"{_IMPLEMENTATIONS.get(implementation, implementation)} {version}{abi_flags}"


def host_words(host: HostPython) -> str:
    """Describe a host Python in one line."""
    name = python_words(host.implementation, host.full_version or host.version, host.abi_flags)
    system = host.platform.describe(host.libc)
    if host.layout == SYNTHESISED:
        newer = " and newer" if host.platform.later_versions else ""
        return f"{name} for {host.machine}, {system}{newer} (headers made by crossenv)"
    made = f"{host.layout}, {host.origin}" if host.origin else host.layout
    return f"{name} for {host.machine}, {system} ({made})"


def host_rows(host: HostPython) -> list[tuple[str, str]]:
    """Describe a host Python as labels and values."""
    recorded = host.recorded_prefix
    if host.prefix is not None and str(host.prefix) != recorded:
        recorded += f", here {host.prefix}"
    rows = [
        ("host Python", python_words(host.implementation, host.full_version or host.version, host.abi_flags)),
        ("named", str(host.source)),
        ("layout", host.layout),
        ("made by", host.origin or "unknown"),
        ("machine", f"{host.machine}, {host.identity.bits}-bit, {host.identity.byte_order}-endian"),
        ("system", host.platform.describe(host.libc)),
        ("platform tag", host.plain_tag),
        ("extensions", host.ext_suffix),
        ("multiarch", host.multiarch or "none"),
        ("configuration", str(host.sysconfigdata)),
        ("headers", ", ".join(map(str, host.include_dirs)) or "none here"),
        ("libraries", str(host.lib_dir or "none")),
        ("interpreter", str(host.executable or "none")),
        ("on the target", host.host_executable),
        ("prefix", recorded),
        ("sysroot", str(host.sysroot or "none")),
    ]
    if host.config.get("CC"):
        rows.append(("compiler", f"{host.config['CC']} (recorded)"))
    return rows


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "show", parents=[common_options()], help="describe an environment or a host Python", description=__doc__
    )
    add_environment_argument(parser)
    parser.add_argument(
        "--host-python", metavar="PATH", help="describe the host Python that `create` would find here; make nothing"
    )
    parser.add_argument(
        "--sysroot", metavar="DIR", help="with --host-python: the root of the target's headers and libraries"
    )
    parser.set_defaults(run=run)


def add_environment_argument(parser: argparse.ArgumentParser) -> None:
    """Add the optional argument that names an environment."""
    parser.add_argument("env", metavar="ENV", nargs="?", help="the environment; default: the active one")


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Print the record or the host Python, for people or as JSON."""
    if args.host_python is not None:
        return show_host_python(args, reporter)
    record = load_record(chosen_environment(args.env, os.environ))
    if args.json:
        reporter.json(dataclasses.asdict(record))
    else:
        for name, value in summary(record):
            reporter.result(f"{name:<16}{value}")
    return 0


def show_host_python(args: argparse.Namespace, reporter: Reporter) -> int:
    """Print a host Python, even one that nothing can be built for here, such as one for iOS."""
    if args.env is not None:
        raise UsageError("both an environment and --host-python", hint="leave one of them out")
    sysroot = None if args.sysroot is None else Path(args.sysroot).expanduser().resolve()
    path = host_python_path(args.host_python)
    windows = find_windows_python(path) if path.exists() else None
    if windows is not None:
        return show_windows_python(windows, args, reporter)
    pyodide = find_pyodide(path)
    if pyodide is not None:
        return show_pyodide(pyodide, args, reporter)
    host = read_host_python(path, sysroot=sysroot)
    if args.json:
        reporter.json(json.loads(json.dumps(dataclasses.asdict(host), default=str)))
    else:
        for name, value in host_rows(host):
            reporter.result(f"{name:<16}{value}")
    for note in host.notes:
        reporter.warning(note)
    return 0


def show_windows_python(python: WindowsPython, args: argparse.Namespace, reporter: Reporter) -> int:
    """Print what is known of a Python for Windows before anything is made of it."""
    target = target_name(python)
    if args.json:
        document = {**dataclasses.asdict(python), "target": target, "exports": sorted(python.exports)}
        reporter.json(json.loads(json.dumps(document, default=str)))
        return 0
    made = "made from the names that the DLL exports"
    rows = [
        ("host Python", python_words("cpython", python.full_version or python.version, python.flags)),
        ("named", args.host_python),
        ("target", target),
        ("directory", str(python.directory)),
        ("library", f"{python.dll.name}, {len(python.exports)} names"),
        ("interpreter", str(python.program or "none")),
        ("headers", str(python.include or "none; the build Python's are taken")),
        ("libraries", ", ".join(map(str, python.libraries.values())) or f"none; {made}"),
    ]
    for name, value in rows:
        reporter.result(f"{name:<16}{value}")
    return 0


def show_pyodide(python: PyodidePython, args: argparse.Namespace, reporter: Reporter) -> int:
    """Print what is known of a Pyodide before anything is made of it."""
    facts = {
        "host Python": python_words("cpython", python.full_version or python.version, ""),
        "named": args.host_python,
        "target": python.abi.tag,
        "emscripten": python.abi.emscripten,
        "directory": str(python.directory),
        "configuration": str(python.source),
        "headers": str(python.include or "none; the build Python's are taken"),
        "runs in node": "no: pyodide.mjs is not there" if python.module is None else "yes",
    }
    if args.json:
        reporter.json({name.replace(" ", "_").lower(): value for name, value in facts.items()})
    else:
        for name, value in facts.items():
            reporter.result(f"{name:<16}{value}")
    return 0


def summary(record: Record) -> list[tuple[str, str]]:
    """Return the record's main facts, as labels and values."""
    host, build, toolchain = record.host, record.build, record.toolchain
    rows = [
        ("environment", record.root),
        (
            "host Python",
            f"{python_words(host.implementation, host.full_version or host.version, host.abi_flags)} ({host.source})",
        ),
        ("target", f"{host.machine}, {host.identity.bits}-bit, {host.identity.byte_order}-endian"),
        ("C library", f"{host.libc.family} {host.libc.version}".strip()),
        ("wheel tag", host.platform_tag),
        ("extensions", host.extension_suffixes[0]),
        ("shebang", f"#!{host.executable}"),
        ("sysroot", toolchain.sysroot or "none"),
        ("build Python", f"{python_words(host.implementation, build.version, '')} ({build.python}) on {build.machine}"),
        ("compiler", f"{toolchain.family} {toolchain.version}, {toolchain.triplet}"),
    ]
    rows += [(f"  {name}", f"{tool.command} ({tool.origin})") for name, tool in toolchain.tools.items()]
    rows.append(("crossenv", f"{record.crossenv}, record schema {record.schema}"))
    return rows

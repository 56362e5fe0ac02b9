"""`crossenv store`: look after the wheels that `crossenv wheel` keeps."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import time
from collections.abc import Callable
from pathlib import Path

from crossenv.cli.common import common_options
from crossenv.errors import AuditError, UsageError, reason_of
from crossenv.farm.index import write_index
from crossenv.farm.plan import SHORT
from crossenv.farm.store import DamagedWheelError, Entry, Store
from crossenv.report import Reporter, columns, counted


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser("store", help="look after the wheels of `crossenv wheel`", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, run: Callable[[argparse.Namespace, Reporter], int], words: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name, parents=[common_options()], help=words, description=f"{words.capitalize()}."
        )
        command.add_argument("store", metavar="STORE", help="the store: the --store of crossenv wheel")
        command.set_defaults(run=functools.partial(_run, run))
        return command

    add("list", run_list, "list the jobs whose wheels are in a store")
    verify = add("verify", run_verify, "compare every wheel with its digest")
    verify.add_argument(
        "--remove", action="store_true", help="forget the jobs of damaged wheels, so that they run again"
    )
    collect = add("gc", run_gc, "remove what no job needs: wheels without one, damaged entries, half-written files")
    collect.add_argument("--older-than", type=float, metavar="DAYS", help="forget jobs that ended before that first")
    merge = add("merge", run_merge, "copy the wheels of other stores into a store, each compared with its digest")
    merge.add_argument("others", metavar="FROM", nargs="+", help="a store to copy from")
    index = add("index", run_index, "write a simple index, from which pip installs")
    index.add_argument("directory", metavar="DIR", help="where to write it; an earlier index is replaced")


def _run(run: Callable[[argparse.Namespace, Reporter], int], args: argparse.Namespace, reporter: Reporter) -> int:
    try:
        return run(args, reporter)
    except PermissionError as error:
        raise UsageError(
            f"{error.filename} cannot be written: {reason_of(error)}", hint="check the permissions of the store"
        ) from None


def _store(name: str) -> Store:
    store = Store(name)
    store.require()
    return store


def run_list(args: argparse.Namespace, reporter: Reporter) -> int:
    """List the jobs."""
    store = _store(args.store)
    entries = list(store.entries())
    if args.json:
        reporter.json([dataclasses.asdict(entry) for entry in entries])
        return 0
    rows = [("job", "requirement", "python", "for", "made", "wheel")]
    rows += [
        (
            entry.key[:SHORT],
            entry.job.requirement,
            entry.job.python,
            entry.job.target,
            time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.made)),
            next(iter(entry.wheels)) + (", tested" if entry.tested else ""),
        )
        for entry in entries
    ]
    for line in columns(rows):
        reporter.result(line)
    return 0


def _damage(store: Store, entry: Entry) -> DamagedWheelError | None:
    try:
        store.read(entry)
    except DamagedWheelError as error:
        return error
    return None


def run_verify(args: argparse.Namespace, reporter: Reporter) -> int:
    """Look at every wheel."""
    store = _store(args.store)
    found = [(entry, error) for entry in store.entries() if (error := _damage(store, entry)) is not None]
    for entry, _ in found if args.remove else ():
        store.remove(entry)
    if args.json:
        reporter.json([{"key": entry.key, "path": error.path, "fault": str(error)} for entry, error in found])
    else:
        for entry, error in found:
            reporter.result(f"{entry.key[:SHORT]}: {error}")
    if not found:
        reporter.note("every wheel is whole")
        return 0
    if not args.remove:
        reporter.note("the next crossenv wheel builds them again; crossenv store verify --remove forgets them")
    return AuditError.exit_code


def run_gc(args: argparse.Namespace, reporter: Reporter) -> int:
    """Remove what is not needed."""
    store = _store(args.store)
    if args.older_than is not None:
        before = time.time() - args.older_than * 86400
        for entry in list(store.entries()):
            if entry.made < before:
                store.remove(entry)
    removed = store.collect()
    if args.json:
        reporter.json(removed)
    else:
        for path in removed:
            reporter.result(path)
    return 0


def run_merge(args: argparse.Namespace, reporter: Reporter) -> int:
    """Copy from other stores."""
    others = [_store(name) for name in args.others]
    store = Store(args.store)
    store.open()
    damaged, copied = 0, 0
    for other in others:
        for entry in other.entries():
            known = store.entry(entry.key)
            # Of two results of one job the first stays, unless only the other was tested.
            if known is not None and known.tested >= entry.tested and _damage(store, known) is None:
                continue
            try:
                wheels = other.read(entry)
            except DamagedWheelError as error:
                reporter.warning(f"{error}: it is left out")
                damaged += 1
                continue
            store.write(entry, wheels)
            copied += 1
    if args.json:
        reporter.json({"copied": copied, "damaged": damaged})
    else:
        reporter.result(f"{counted(copied, 'job')} copied to {store.name}")
    return AuditError.exit_code if damaged else 0


def run_index(args: argparse.Namespace, reporter: Reporter) -> int:
    """Write an index."""
    store = _store(args.store)
    directory = Path(args.directory).expanduser().absolute()
    wheels: dict[str, Path] = {}
    damaged = False
    for entry in store.entries():
        try:
            # Of two wheels of one name the newest is offered.
            wheels |= {path.name: path for path in store.read(entry)}
        except DamagedWheelError as error:
            reporter.warning(f"{error}: it is left out")
            damaged = True
    projects = write_index(directory, wheels)
    if args.json:
        reporter.json({"directory": str(directory), "wheels": sorted(wheels), "projects": projects})
    else:
        reporter.result(f"{directory}: {counted(len(wheels), 'wheel')} of {counted(projects, 'project')}")
    return AuditError.exit_code if damaged else 0

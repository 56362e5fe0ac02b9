"""`crossenv repair`: copy the target's libraries into a wheel and tag it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from crossenv.cli.audit import add_host_argument, chosen_record, report_as_json, wheel_path
from crossenv.cli.common import common_options
from crossenv.report import Reporter
from crossenv.wheels.repair import Repaired, RepairOptions, repair


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "repair",
        parents=[common_options()],
        help="copy the target's libraries into wheels and tag them",
        description="Copy the target's libraries that a wheel needs into it, tag it with the oldest policy that it"
        " then satisfies, and audit it.",
    )
    parser.add_argument("wheels", metavar="WHEEL", nargs="+", help="a wheel for Linux or Windows")
    add_host_argument(parser)
    parser.add_argument("--dest", metavar="DIR", default="wheelhouse", help="put the results here; default: wheelhouse")
    parser.add_argument("--replace", action="store_true", help="replace the wheel by the result")
    parser.add_argument(
        "--plat",
        metavar="TAG",
        help="require this platform tag (manylinux_2_28_aarch64); default: the target's, else the best possible",
    )
    parser.add_argument(
        "--library-dir",
        action="append",
        default=[],
        metavar="DIR",
        help="look for the target's libraries here before the sysroot; can be repeated",
    )
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="NAME",
        help="leave this library out; a name or a pattern (libcuda*); can be repeated",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Repair every wheel and print the paths of the results."""
    record = chosen_record(args.env, os.environ)
    options = RepairOptions(
        platform=args.plat,
        libraries=tuple(Path(name).expanduser().absolute() for name in args.library_dir),
        exclude=tuple(args.exclude),
    )
    results = []
    for path in [wheel_path(text) for text in args.wheels]:
        directory = path.parent if args.replace else Path(args.dest).expanduser().absolute()
        reporter.step(f"repairing {path}")
        done = repair(path, directory, record, options)
        if args.replace and done.wheel != path:
            path.unlink()
        results.append(done)
        _tell(path, done, reporter)
        if not args.json:
            reporter.result(str(done.wheel))
    if args.json:
        reporter.json([_as_json(done) for done in results])
    return 0


def _tell(path: Path, done: Repaired, reporter: Reporter) -> None:
    if done.tag == "any":
        reporter.note(f"{path.name} has no native files: there is nothing to repair")
        return
    for name, place in sorted(done.grafted.items()):
        reporter.note(f"{name} comes from {place}")
    if done.short_of:
        reporter.warning(f"{path.name} is tagged {done.tag}: {done.short_of}")


def _as_json(done: Repaired) -> dict[str, object]:
    return {
        "wheel": str(done.wheel),
        "tag": done.tag,
        "grafted": done.grafted,
        "short_of": done.short_of,
        "report": report_as_json(done.report, strict=False),
    }

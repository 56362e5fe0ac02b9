"""`crossenv python`: build a CPython of the target, to run wheels in."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from crossenv.cli.common import common_options
from crossenv.emulation.interpreters import built_root, make_c_library
from crossenv.environment.build_cpython import build_cpython, unpacked_source
from crossenv.errors import BuildError, CrossenvError, UsageError, reason_of
from crossenv.files import scratch_directory
from crossenv.platforms.linux_targets import LinuxTarget
from crossenv.record import Record, load_record
from crossenv.report import Reporter
from crossenv.targets import parse_target


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser("python", help="build a Python of the target", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    build = commands.add_parser(
        "build",
        parents=[common_options()],
        help="build a CPython from its sources",
        description="Cross-compile CPython into a root of the target, with the C library that it needs to run."
        " `crossenv run` and `crossenv test` find it in the cache.",
    )
    build.add_argument("directory", metavar="DIR", nargs="?", help="make the root here; default: in the cache")
    build.add_argument(
        "--from", dest="origin", metavar="SDIST", required=True, help="CPython's sources, an archive or a directory"
    )
    build.add_argument("--target", metavar="TARGET", required=True, help="a target for Linux (musllinux_1_2_aarch64)")
    build.add_argument(
        "--python",
        metavar="SPEC",
        help="the build Python, of the version of the sources; a free-threaded one builds a free-threaded one",
    )
    build.add_argument("--toolchain", metavar="KIND", help="where the compilers come from, as for `create`")
    build.add_argument("--sysroot", metavar="DIR", help="take the target's headers and libraries from this root")
    build.add_argument(
        "--jobs", metavar="N", type=int, default=os.cpu_count() or 1, help="run N compilers at once; default: all cores"
    )
    build.set_defaults(run=run)


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Build it and print its root."""
    target = parse_target(args.target)
    if not isinstance(target, LinuxTarget):
        raise UsageError(f"no CPython can be built for {args.target}", hint="name a target for Linux")
    named = None if args.directory is None else Path(args.directory).expanduser().resolve()
    cache = platformdirs.user_cache_path("crossenv")
    with scratch_directory("cpython") as work:
        for name in ("source", "build"):
            (work / name).mkdir()
        source, version = unpacked_source(Path(args.origin).expanduser().absolute(), work / "source")
        if named is not None:
            _require_new(named)
        words = ["--target", args.target, "--python", args.python or ".".join(version.split(".")[:2])]
        words += ["--toolchain", args.toolchain] if args.toolchain else []
        words += ["--sysroot", args.sysroot] if args.sysroot else []
        create = [sys.executable, "-m", "crossenv", "create", "-q", "--without-pip", *words, str(work / "environment")]
        made = subprocess.run(create, stdout=subprocess.DEVNULL, check=False)
        if made.returncode:
            # It has said why.
            return made.returncode
        record = load_record(work / "environment")
        _require_same_version(record, args.origin, version)
        if record.build.version != version:
            reporter.warning(
                f"the build Python is {record.build.version}, and is to run the library of {version}: if that fails,"
                f" name a CPython {version} with --python"
            )
        root = named or built_root(cache, record.toolchain.triplet, version, record.host.abi_flags)
        _require_new(root)
        with _beside(root) as tree:
            try:
                make_c_library(
                    tree, target.architecture, target.libc, environ=os.environ, cache=cache, reporter=reporter
                )
            except CrossenvError as error:
                tree.mkdir(exist_ok=True)
                reporter.warning(f"it gets no C library, and cannot be run without one: {error.message}")
            with reporter.working(f"compiling CPython {version} for {target.gnu_triplet}", slow=True):
                _build(args, record, source, version, tree, root, work)
            tree.rename(root)
    if args.json:
        reporter.json({"directory": str(root), "version": version, "target": target.platform_tag})
    else:
        reporter.result(str(root))
    return 0


def _require_new(root: Path) -> None:
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UsageError(f"{root} exists and is not empty", hint="name another directory, or remove it")


def _require_same_version(record: Record, origin: str, version: str) -> None:
    # Its own compiler of frozen modules and of sysconfig's data is the build Python.
    free = Path(record.host.site_packages).parent.name.endswith("t")
    if not version.startswith(f"{record.host.version}.") or free != record.host.free_threaded:
        kind = "free-threaded " if record.host.free_threaded else ""
        raise UsageError(
            f"{origin} is CPython {version}, and the build Python {record.build.python} is no {kind}build of it",
            hint=f"name a {kind}CPython {'.'.join(version.split('.')[:2])} of this machine with --python",
        )


@contextlib.contextmanager
def _beside(root: Path) -> Iterator[Path]:
    """Yield a path beside a root, for what becomes the root; what is left there is removed."""
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    except OSError as error:
        raise UsageError(f"{root} cannot be written: {reason_of(error)}", hint="name another directory") from None
    try:
        yield beside / "root"
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _build(
    args: argparse.Namespace, record: Record, source: Path, version: str, tree: Path, root: Path, work: Path
) -> None:
    log = work / "log"
    try:
        build_cpython(source, record, tree, place=work / "build", log=log, jobs=args.jobs, environ=os.environ)
    except BuildError as error:
        kept = root.with_name(f"{root.name}.log")
        shutil.copyfile(log, kept)
        hint = f"its output is in {kept}"
        if record.build.version != version:
            # It runs the library of the sources, which may want what only its own interpreter has.
            hint = f"build with CPython {version} (--python), not {record.build.version}, or see {kept}"
        raise BuildError(error.message, hint=hint) from None

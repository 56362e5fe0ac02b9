"""`crossenv sysroot`: get a target's Python and libraries from Debian, without root."""

from __future__ import annotations

import argparse
import dataclasses
import os
from pathlib import Path

import platformdirs

from crossenv.cli.common import common_options
from crossenv.errors import UsageError
from crossenv.report import Reporter
from crossenv.sysroots.archive import DEFAULT_KEYRING, Source, default_mirror
from crossenv.sysroots.sysroot import Manifest, add_packages, create_sysroot, load_manifest


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "sysroot", help="get a target's Python and libraries from Debian", description=__doc__
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    create = commands.add_parser(
        "create", parents=[common_options()], help="make a sysroot", description="Make a sysroot with a Python in it."
    )
    create.add_argument("directory", metavar="DIR", help="the directory to make")
    create.add_argument(
        "--from", dest="origin", metavar="debian:RELEASE", required=True, help="the release, such as debian:bookworm"
    )
    create.add_argument(
        "--arch", required=True, metavar="ARCH", help="the architecture in Debian's words: arm64, armhf, s390x ..."
    )
    create.add_argument(
        "--package", action="append", default=[], metavar="NAME", help="add a package (libffi-dev); can be repeated"
    )
    _add_source_options(create)
    create.set_defaults(run=run_create)
    add = commands.add_parser(
        "add", parents=[common_options()], help="add packages to a sysroot", description="Add packages to a sysroot."
    )
    add.add_argument("directory", metavar="DIR", help="a sysroot that `crossenv sysroot create` made")
    add.add_argument("packages", metavar="NAME", nargs="+", help="a Debian package, such as libffi-dev")
    _add_source_options(add)
    add.set_defaults(run=run_add)


def _add_source_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("archive")
    group.add_argument(
        "--mirror", metavar="URL", help="download from here; default: CROSSENV_DEBIAN_MIRROR, or apt's mirror"
    )
    group.add_argument(
        "--keyring", metavar="FILE", type=Path, default=DEFAULT_KEYRING, help="the keys to trust; default: Debian's"
    )
    group.add_argument("--insecure", action="store_true", help="do not check the archive's signature")


def _source(args: argparse.Namespace, suite: str, architecture: str, mirror: str, reporter: Reporter) -> Source:
    if args.insecure:
        reporter.warning("the archive's signature is not checked (--insecure)")
    return Source(
        mirror=mirror,
        suite=suite,
        architecture=architecture,
        keyring=None if args.insecure else args.keyring,
        cache=Path(platformdirs.user_cache_dir("crossenv")) / "debian",
    )


def run_create(args: argparse.Namespace, reporter: Reporter) -> int:
    """Make the sysroot and print its path."""
    kind, _colon, suite = args.origin.partition(":")
    if kind != "debian" or not suite:
        raise UsageError(f"--from cannot be {args.origin!r}", hint="write --from debian:bookworm")
    mirror = args.mirror.rstrip("/") if args.mirror else default_mirror(os.environ)
    directory = Path(args.directory).expanduser().resolve()
    source = _source(args, suite, args.arch, mirror, reporter)
    return _print(create_sysroot(directory, source, args.package, reporter), directory, args, reporter)


def run_add(args: argparse.Namespace, reporter: Reporter) -> int:
    """Extend the sysroot and print its path."""
    # A link to a sysroot stays a link.
    directory = Path(args.directory).expanduser().resolve()
    old = load_manifest(directory)
    mirror = args.mirror.rstrip("/") if args.mirror else old.mirror
    source = _source(args, old.suite, old.architecture, mirror, reporter)
    return _print(add_packages(directory, args.packages, source, reporter), directory, args, reporter)


def _print(manifest: Manifest, directory: Path, args: argparse.Namespace, reporter: Reporter) -> int:
    if args.json:
        reporter.json({"directory": str(directory), **dataclasses.asdict(manifest)})
    else:
        reporter.result(str(directory))
    return 0

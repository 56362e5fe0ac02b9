"""`crossenv targets`: list what wheels can be made for, and what of it this machine is ready for."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterator
from typing import Any

from crossenv.cli.common import common_options
from crossenv.report import Reporter
from crossenv.target import GLIBC, MUSL, Architecture, Target, default_target, target_architectures
from crossenv.toolchain.zig.locate import has_zig
from crossenv.toolchain.zig.targets import oldest_glibc


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "targets", parents=[common_options()], help="list what wheels can be made for", description=__doc__
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Print the table, for people or as JSON."""
    rows = list(available(os.environ.get("PATH", os.defpath)))
    if args.json:
        reporter.json(rows)
        return 0
    reporter.result(f"{'target':<32}{'floors':<16}{'compilers here':<34}emulator here")
    for row in rows:
        compilers = ", ".join(row["compilers"]) or "none"
        floors = f"{row['libc']} {row['oldest']}+"
        reporter.result(f"{row['target']:<32}{floors:<16}{compilers:<34}{row['emulator'] or 'none'}")
    reporter.note("a target with another floor is spelled alike: manylinux_2_17_x86_64, musllinux_1_1_aarch64")
    if not has_zig(os.environ.get("PATH", os.defpath)):
        reporter.note("zig has compilers for all of them: pip install 'crossenv[zig]'")
    return 0


def available(search_path: str) -> Iterator[dict[str, Any]]:
    """One row a target with the usual floor: its names, and what is on `search_path` for it."""
    zig = has_zig(search_path)
    for libc in (GLIBC, MUSL):
        for architecture in target_architectures():
            target = default_target(architecture, libc)
            oldest = architecture.oldest(libc)
            with_zig = max(oldest, oldest_glibc(target)) if libc == GLIBC else oldest
            yield {
                "target": target.platform_tag,
                "machine": target.machine,
                "libc": libc,
                "oldest": ".".join(map(str, oldest)),
                "oldest_with_zig": ".".join(map(str, with_zig)),
                "triplet": target.gnu_triplet,
                "multiarch": target.multiarch,
                "rust": target.rust_triple,
                "loader": target.loader,
                "bits": target.elf.bits,
                "byte_order": target.elf.byte_order,
                "compilers": [*_installed(target, search_path), *(["zig"] if zig else [])],
                "emulator": _emulator(architecture, search_path),
            }


def _installed(target: Target, search_path: str) -> list[str]:
    """Cross compilers by their usual names; whether one fits, `crossenv create` finds out."""
    names = (f"{target.gnu_triplet}-gcc", f"{target.gnu_triplet}-clang")
    return [name for name in names if shutil.which(name, path=search_path)]


def _emulator(architecture: Architecture, search_path: str) -> str | None:
    names = (f"qemu-{architecture.qemu}", f"qemu-{architecture.qemu}-static")
    return next((name for name in names if shutil.which(name, path=search_path)), None)

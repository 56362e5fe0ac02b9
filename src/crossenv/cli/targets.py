"""`crossenv targets`: list the targets, and the compilers and emulators for them on this machine."""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crossenv.cli.common import common_options
from crossenv.compilers.choose import AUTO, CHOICES, ZIG, Wishes, choose_toolchain_for_target
from crossenv.compilers.ndk import named_ndk
from crossenv.compilers.zig.apple import LINKER_HINT, find_linker
from crossenv.compilers.zig.locate import has_zig
from crossenv.config import KNOWN_HOST
from crossenv.emulation.pyodide import node_name
from crossenv.emulation.wine import wine_name
from crossenv.errors import UsageError
from crossenv.platforms import APPLE, HERE, PLATFORMS
from crossenv.platforms.android import NDK
from crossenv.platforms.architectures import Architecture, architecture_of
from crossenv.platforms.emscripten import EMSCRIPTEN
from crossenv.platforms.triplets import gnu_triplet
from crossenv.pythons.build_python import find_build_python
from crossenv.pythons.compare import compare_configurations
from crossenv.pythons.known import known_host, known_hosts
from crossenv.pythons.pyconfig import config_values
from crossenv.pythons.read import read_host_python
from crossenv.report import Reporter, columns
from crossenv.synthesis.synthesise import read_build_facts, synthesise_host_python
from crossenv.targets import Target, parse_target


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser("targets", parents=[common_options()], help="list the targets", description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--known",
        action="store_true",
        help="list the known hosts: descriptions of real Pythons, for `create --host-python known:NAME`",
    )
    which.add_argument(
        "--compare",
        metavar="NAME",
        help="compare a known host or a dump with the Python that --target would derive for its machine",
    )
    parser.add_argument(
        "--python", metavar="SPEC", help="with --compare: the build Python; default: the version of the known host"
    )
    parser.add_argument(
        "--toolchain", choices=CHOICES, default=AUTO, help="with --compare: where the compiler comes from"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Print the table, for people or as JSON."""
    if args.known:
        return print_known(args, reporter)
    if args.compare:
        return print_comparison(args, reporter)
    rows = list(available(os.environ.get("PATH", os.defpath)))
    if args.json:
        reporter.json(rows)
        return 0
    lines = [("target", "C library", "compilers here", "emulator here")]
    for row in rows:
        floor = f"{row['libc']} {row['oldest']}{'+' if row['newer'] else ''}"
        lines.append((row["target"], floor, ", ".join(row["compilers"]) or "none", row["emulator"] or "none"))
    for line in columns(lines):
        reporter.result(line)
    reporter.note("other versions work too, such as manylinux_2_17_x86_64 and musllinux_1_1_aarch64")
    if not has_zig(os.environ.get("PATH", os.defpath)):
        reporter.note("zig has compilers for all of them but Pyodide and Android: pip install ziglang")
    elif not any(row["compilers"] for row in rows if "-apple-" in row["triplet"]):
        reporter.note(f"for macOS and iOS zig needs a linker besides: {LINKER_HINT}")
    return 0


def print_known(args: argparse.Namespace, reporter: Reporter) -> int:
    """Print the known hosts."""
    hosts = known_hosts()
    if args.json:
        reporter.json([dataclasses.asdict(host) for host in hosts])
        return 0
    lines = [("known host", "Python", "machine", "C library", "taken", "origin")]
    for host in hosts:
        python = f"{host.implementation} {host.version}"
        lines.append((KNOWN_HOST + host.name, python, host.machine, host.libc, host.date, host.origin))
    for line in columns(lines):
        reporter.result(line)
    return 0


def print_comparison(args: argparse.Namespace, reporter: Reporter) -> int:
    """Print the differences between a real host Python and the one derived for its machine."""
    path = Path(args.compare).expanduser().absolute()
    real = read_host_python(path if path.is_file() else known_host(args.compare).path)
    row = architecture_of(real.identity)
    if row is None or row.oldest_libcs is None:
        raise UsageError(f"nothing can be synthesised for {real.machine}", hint="`crossenv targets` lists the machines")
    target = parse_target(gnu_triplet(real.identity, real.libc.family))
    build = read_build_facts(find_build_python(args.python, real).executable)
    search_path = os.environ.get("PATH", os.defpath)
    wishes = Wishes(kind=args.toolchain, environ_path=search_path, sysroot=None, overrides={}, cpu=None)
    toolchain = choose_toolchain_for_target(target, wishes)
    made = synthesise_host_python(target, build, toolchain, Path("/"), search_path=search_path)
    text = str(made.files[made.host.include_dirs[-1] / "pyconfig.h"])
    found = compare_configurations(real.config, made.host.config, config_values(text))
    if args.json:
        reporter.json({"build": str(build.source), "compiler": str(toolchain.cc.path), **dataclasses.asdict(found)})
        return 0
    reporter.note(f"synthesised for {target} from {build.source} {build.full_version} with {toolchain.cc.path}")
    differing = sum(difference.machine for difference in found.differences)
    reporter.result(f"of {found.machine} facts about the machine, {differing} differ")
    reporter.result(f"of {found.others} others, {len(found.differences) - differing} differ")
    if found.differences:
        reporter.result(f"{'variable':<40}{'real':<30}{'synthesised':<30}")
    for difference in found.differences:
        real_value, made_value = (f"{value!r:.28}" for value in (difference.real, difference.synthesised))
        mark = "*" if difference.machine else " "
        reporter.result(f"{mark} {difference.name:<38}{real_value:<30}{made_value:<30}".rstrip())
    return 0


def available(search_path: str) -> Iterator[dict[str, Any]]:
    """Yield a row for each usual target: its names, and its compilers and emulator on `search_path`."""
    zig, linker = has_zig(search_path), find_linker(search_path) is not None
    for platform in sorted(PLATFORMS.values(), key=lambda platform: platform is not HERE):
        for target in platform.usual_targets():
            architecture, libc = target.architecture, target.libc
            oldest, can_link = target.oldest_floor, linker or target.system not in APPLE
            with_zig = dataclasses.replace(target, floor=oldest).zig_floor
            yield {
                "target": target.platform_tag,
                "machine": _each(target, "machine"),
                "libc": libc,
                "oldest": target.release_text(oldest),
                "newer": platform.later_versions,
                "oldest_with_zig": ".".join(map(str, with_zig)),
                "triplet": _each(target, "gnu_triplet"),
                "multiarch": target.multiarch,
                "rust": _each(target, "rust_triple"),
                "loader": target.loader,
                "bits": target.identity.bits,
                "byte_order": target.identity.byte_order,
                "compilers": [
                    *_installed(target, search_path),
                    *(["zig"] if zig and ZIG in (platform.toolchains or CHOICES) and can_link else []),
                ],
                "emulator": _emulator(architecture, search_path)
                if platform is HERE
                else wine_name(target, search_path) or node_name(target, search_path),
            }


def _each(target: Target, attribute: str) -> str:
    """One word for each machine that a target stands for."""
    return ", ".join(str(getattr(one, attribute)) for one in target.parts or (target,))


def _installed(target: Target, search_path: str) -> list[str]:
    """Find cross compilers by their usual names; only `crossenv create` tests them."""
    toolchains = PLATFORMS[target.system].toolchains
    names = [] if toolchains else [f"{target.gnu_triplet}-gcc", f"{target.gnu_triplet}-clang"]
    names += ["emcc"] if EMSCRIPTEN in toolchains else []
    ndk = named_ndk(None, os.environ) if NDK in toolchains else None
    own = [NDK] if ndk is not None and ndk.is_dir() else []
    return [*(name for name in names if shutil.which(name, path=search_path)), *own]


def _emulator(architecture: Architecture, search_path: str) -> str | None:
    names = (f"qemu-{architecture.qemu}", f"qemu-{architecture.qemu}-static")
    return next((name for name in names if shutil.which(name, path=search_path)), None)

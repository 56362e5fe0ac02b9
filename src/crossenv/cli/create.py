"""`crossenv create`: make a cross environment."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import os
import re
import shlex
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from crossenv.cli import in_place
from crossenv.cli.assignments import parse_config_vars, parse_variables
from crossenv.cli.common import add_allow_pure, add_tool_options, common_options, fetcher
from crossenv.cli.parser import Once
from crossenv.cli.show import host_words, python_words
from crossenv.compilers import cache as cache_of_compiles
from crossenv.compilers.choose import (
    AUTO,
    CHOICES,
    Wishes,
    choose_toolchain,
    choose_toolchain_for_target,
    linked_to_python,
    replaced_compiler,
    require_linkable,
)
from crossenv.compilers.commands import with_relative_tools
from crossenv.compilers.model import Toolchain
from crossenv.compilers.ndk import named_ndk
from crossenv.config import FLAGS, LISTS, TEXTS, Settings, load_settings
from crossenv.environment.cross_prefix import check_cross_prefix
from crossenv.environment.fingerprint import surroundings
from crossenv.environment.localise import flag_directories
from crossenv.environment.plan import HOST_FILES, Options, Plan, make_plan, pkg_config_libdir
from crossenv.environment.warm import warm
from crossenv.environment.write import check_destination, write_environment
from crossenv.errors import UsageError
from crossenv.files import scratch_directory, write_tree
from crossenv.libc.version import libc_of_this_machine
from crossenv.platforms import Libc, platform_of_target
from crossenv.platforms.android import ANDROID
from crossenv.platforms.ios import IOS
from crossenv.pythons.build_python import find_build_python, find_build_python_for_target
from crossenv.pythons.check import host_for_target
from crossenv.pythons.dump_document import Dump, load_dump
from crossenv.pythons.dump_headers import Headers, adapted_headers, find_headers, with_headers
from crossenv.pythons.from_dump import LAYOUT as DUMP
from crossenv.pythons.known import host_python_path
from crossenv.pythons.model import HostPython, UnwrittenHost
from crossenv.pythons.named import IOSPython, NamedPython, named_python
from crossenv.pythons.read import read_host_python
from crossenv.report import Reporter
from crossenv.synthesis.synthesise import as_free_threaded, read_build_facts, synthesise_host_python
from crossenv.targets import Target, parse_target

TOOL_OPTIONS = ("cc", "cxx", "fc", "ar", "ranlib", "strip", "nm", "objcopy", "objdump", "readelf", "ld")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "create", parents=[common_options()], help="make a cross environment", description=__doc__
    )
    parser.add_argument("env", metavar="ENV", nargs="?", help="the directory to make it in")
    host = parser.add_argument_group("target")
    host.add_argument(
        "--target",
        action=Once,
        metavar="TARGET",
        help="build for this target: a platform tag (manylinux_2_28_aarch64, musllinux_1_2_armv7l, linux_riscv64), a"
        " triplet (aarch64-linux-gnu), a machine (aarch64) or one of Docker's platforms (linux/arm64); `crossenv"
        " targets` lists them",
    )
    host.add_argument(
        "--host-python",
        metavar="PATH",
        help="build for this Python of the target. PATH is an executable, a prefix, a sysroot, a build tree, a"
        " _sysconfigdata*.py file, a build-details.json, a dump, or a directory with a Python for Windows, macOS,"
        " iOS or Pyodide (one for iOS or Android may be named beside its --target); it is read, never run. known:NAME"
        " takes one of `crossenv targets --known`",
    )
    host.add_argument(
        "--headers",
        metavar="ARCHIVE",
        help="use these headers with a dump: an archive from `crossenv dump --with-headers` or a directory with"
        " Python.h; default: the archive beside the dump, the sysroot's headers, or the build Python's",
    )
    host.add_argument("--sysroot", metavar="DIR", help="take the target's headers and libraries from this root")
    host.add_argument(
        "--sdk",
        metavar="DIR",
        help="for macOS: take frameworks, and libraries beside the C and C++ libraries, from this SDK of Apple's; iOS"
        " needs one: iPhoneOS.sdk or iPhoneSimulator.sdk",
    )
    host.add_argument(
        "--host-prefix",
        metavar="DIR",
        help="where the target has its Python (/usr/local); scripts start with #!DIR/bin/python3.X",
    )
    host.add_argument(
        "--sysconfigdata",
        metavar="FILE",
        help="read the configuration of the host Python from this _sysconfigdata*.py, not from the one beside it",
    )
    host.add_argument(
        "--config-var",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a variable of the target's sysconfig (CFLAGS=-O2); can be repeated",
    )
    host.add_argument(
        "--accept-tag",
        action="append",
        default=[],
        metavar="TAG",
        help="install ready-made wheels only if they have this platform tag (manylinux_2_17); can be repeated;"
        " default: any wheel that the target can load",
    )
    host.add_argument(
        "--machine", help="os.uname().machine on the target (armv7l); needed where the host Python does not record it"
    )
    build = parser.add_argument_group("build")
    build.add_argument(
        "--python",
        action=Once,
        metavar="SPEC",
        help="the build Python: a path or a version (3.13); default: the version of the host Python",
    )
    build.add_argument(
        "--free-threaded",
        action="store_true",
        help="with --target: build for a free-threaded Python; the build Python may have the GIL",
    )
    build.add_argument(
        "--fetch-python",
        action=argparse.BooleanOptionalAction,
        help="let uv fetch the build Python if it is not on this machine; default: off",
    )
    build.add_argument(
        "--system-site-packages", action="store_true", help="let the build side see the build Python's packages"
    )
    tools = parser.add_argument_group(
        "toolchain", "default: the compiler the host Python recorded, then <triplet>-gcc, clang, zig (the extra `zig`)"
    )
    add_tool_options(tools)
    tools.add_argument(
        "--warm",
        action="store_true",
        help="compile zig's C and C++ libraries for the target now (a minute or two, once for each user); default:"
        " in the background of the first compile",
    )
    for name in TOOL_OPTIONS:
        tools.add_argument(f"--{name}", metavar="COMMAND", help=f"use this {name.upper()}; it may have arguments")
    tools.add_argument(
        "--relative-toolchain",
        action="store_true",
        help="find the tools that the host Python recorded on PATH; ignore their recorded directories",
    )
    environment = parser.add_argument_group("environment")
    environment.add_argument(
        "--env",
        action="append",
        default=[],
        dest="variables",
        metavar="NAME=VALUE",
        help="set a variable in target-side processes; NAME?=VALUE sets it only if it is unset, NAME+=VALUE appends,"
        " NAME:=VALUE appends after a colon; can be repeated",
    )
    environment.add_argument("--cross-prefix", metavar="DIR", help="put the target side here; default: ENV/cross")
    environment.add_argument("--prompt", help="the prompt of an activated shell; default: the directory's name")
    environment.add_argument("--clear", action="store_true", help="remove an existing environment first")
    environment.add_argument(
        "--keep",
        action="append",
        choices=("build", "cross"),
        default=[],
        metavar="SIDE",
        help="with --clear: keep the packages of this side, build or cross; can be repeated",
    )
    environment.add_argument(
        "--allow-non-empty",
        action="store_true",
        help="allow a directory with other files; they stay, also with --clear",
    )
    pip = environment.add_mutually_exclusive_group()
    pip.add_argument("--without-pip", action="store_true", help="install no pip on either side")
    pip.add_argument("--without-cross-pip", action="store_true", help="install no pip on the target side")
    add_allow_pure(environment)
    environment.add_argument(
        "--repair",
        action=argparse.BooleanOptionalAction,
        help="copy the target's libraries that a wheel needs into it after each build, as `crossenv repair` does",
    )
    environment.add_argument(
        "--emulator",
        action=argparse.BooleanOptionalAction,
        help="let Meson and CMake run target programs under an emulator, as `crossenv run` does; default: off",
    )
    environment.add_argument("--dry-run", action="store_true", help="print the plan; make nothing")
    in_place.add_options(parser)
    parser.set_defaults(run=run, found=())


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Make the environment, or with --dry-run print the plan."""
    if args.keep and not args.clear:
        raise UsageError("--keep goes with --clear", hint="add --clear")
    if in_place.is_wanted(args):
        if args.keep or args.cross_prefix:
            raise UsageError("--keep and --cross-prefix cannot be used with --in-place", hint="leave them out")
        return in_place.run(args, reporter, settle=settle, planner=plan_environment)
    if args.env is None:
        raise UsageError(
            "no directory is named", hint="name the directory to make: crossenv create --target aarch64 env"
        )
    root = Path(os.path.abspath(Path(args.env).expanduser()))  # noqa: PTH100 - resolve() would follow ENV itself
    root = root.parent.resolve() / root.name
    args.found = check_destination(root, clear=args.clear, keep=args.keep, beside=args.allow_non_empty)
    args.cross_prefix = cross_prefix_for(root, args)
    plan = plan_environment(args, settle(args), root, reporter)
    if args.dry_run:
        return print_plan(plan, args, reporter)
    reporter.step(f"making {root}")
    write_environment(plan, clear=args.clear, keep=args.keep)
    if args.warm:
        warm(plan.record, reporter)
    if args.json:
        reporter.json(dataclasses.asdict(plan.record))
    else:
        reporter.result(str(root))
        programs = shlex.quote(str(root / "bin"))
        reporter.note(f"activate it with `. {programs}/activate`, or run {programs}/cross-pip wheel NAME")
    return 0


def cross_prefix_for(root: Path, args: argparse.Namespace) -> Path | None:
    """Return the directory of the target side; None for the usual one inside the environment."""
    if args.cross_prefix is None:
        return None
    prefix = Path(args.cross_prefix).expanduser().absolute()
    if prefix == root / "cross":
        return None
    check_cross_prefix(root, prefix, clear=args.clear and "cross" not in args.keep)
    return prefix


def settle(args: argparse.Namespace) -> Settings:
    """Fill options missing from the command line from `CROSSENV_*` and pyproject.toml."""
    settings = load_settings(
        {name: getattr(args, name.replace("-", "_")) for name in (*TEXTS, *LISTS, *FLAGS)}, os.environ, Path.cwd()
    )
    for name in (*TEXTS, *LISTS):
        value = settings.lists[name] if name in settings.lists else settings.texts.get(name)
        setattr(args, name.replace("-", "_"), value)
    return settings


def plan_environment(args: argparse.Namespace, settings: Settings, root: Path, reporter: Reporter) -> Plan:
    """Find the parts of the environment in `root` and plan it."""
    if not args.target and not args.host_python:
        raise UsageError(
            "no target and no host Python",
            hint="add --target, such as --target aarch64 (`crossenv targets` lists them), or --host-python PATH",
        )
    kind = args.toolchain or AUTO
    if kind not in CHOICES:
        raise UsageError(f"{settings.origins['toolchain']}: there is no toolchain {kind!r}", hint=", ".join(CHOICES))
    cache = args.compile_cache or cache_of_compiles.NONE
    if cache not in cache_of_compiles.CHOICES:
        raise UsageError(
            f"{settings.origins['compile-cache']}: there is no compile cache {cache!r}",
            hint=", ".join(cache_of_compiles.CHOICES),
        )
    sysroot = None if args.sysroot is None else Path(args.sysroot).expanduser().resolve()
    wishes = Wishes(
        kind=kind,
        environ_path=os.environ.get("PATH", os.defpath),
        sysroot=sysroot,
        overrides={name: getattr(args, name) for name in TOOL_OPTIONS if getattr(args, name)},
        cpu=args.cpu,
        sdk=None if args.sdk is None else Path(args.sdk).expanduser().resolve(),
        emsdk=None if args.emsdk is None else Path(args.emsdk).expanduser().absolute(),
        any_emscripten=settings.flags["any-emscripten"],
        ndk=named_ndk(None if args.ndk is None else Path(args.ndk).expanduser().absolute(), os.environ),
    )
    options = Options(
        prompt=args.prompt,
        pip=not (args.without_pip or args.without_cross_pip),
        build_pip=not args.without_pip,
        system_site_packages=args.system_site_packages,
        allow_pure=tuple(args.allow_pure),
        user_pip_cache=user_pip_cache(os.environ),
        repair=settings.flags["repair"],
        emulator=settings.flags["emulator"],
        crossenv_python=sys.executable,
        programs=Path(sys.executable).parent,
        user_cache=platformdirs.user_cache_path("crossenv"),
        cross_prefix=args.cross_prefix,
        config_vars=parse_config_vars(args.config_var),
        variables=parse_variables(args.variables),
        compile_cache=cache_of_compiles.find_compile_cache(cache, wishes.environ_path),
        beside=args.allow_non_empty,
        found=args.found,
        in_place=args.in_place,
    )
    args.fetch = fetcher(settings, reporter)
    plan = (_plan_for_host if args.host_python else plan_for_target)(args, root, wishes, options, reporter)
    for line in describe(plan):
        reporter.note(line)
    full_version = plan.record.host.full_version
    if re.search(r"\d[ab]\d", full_version):
        reporter.warning(
            f"the ABI of Python {full_version} may still change: wheels made for it may not load in"
            f" {full_version.partition('a')[0].partition('b')[0]}; take a release candidate or a later one"
        )
    return plan


def _plan_for_host(args: argparse.Namespace, root: Path, wishes: Wishes, options: Options, reporter: Reporter) -> Plan:
    """Plan an environment for the host Python that the user names, whatever its system."""
    path = host_python_path(args.host_python)
    target = parse_target(args.target) if args.target else None
    if target is not None and target.system not in (ANDROID, IOS):
        raise UsageError("--target and --host-python exclude each other", hint="leave one of them out")
    if args.free_threaded:
        raise UsageError("--free-threaded goes with --target; a host Python decides this itself", hint="leave it out")
    if target is not None and target.system == ANDROID:
        return plan_for_host_python(args, root, wishes, options, reporter, target)
    given = named_python(path, target)
    if target is not None and (given is None or not isinstance(given.python, IOSPython)):
        raise UsageError(
            f"{path} is not a Python for iOS", hint="name Python.xcframework of CPython's release with --host-python"
        )
    if given is None:
        return plan_for_host_python(args, root, wishes, options, reporter)
    reporter.step(f"reading {given.source}")
    return plan_for_target(args, root, wishes, options, reporter, given)


def plan_for_host_python(
    args: argparse.Namespace,
    root: Path,
    wishes: Wishes,
    options: Options,
    reporter: Reporter,
    target: Target | None = None,
) -> Plan:
    """Read the host Python and find compilers for it.

    Args:
        args: The command line.
        root: Where the environment will be.
        wishes: What compilers the user wants.
        options: The user's other choices.
        reporter: Told what is done.
        target: What the user has named beside the Python, whose floor may be higher than that of the Python.
    """
    reporter.step(f"reading the host Python {args.host_python}")
    path = host_python_path(args.host_python)
    data = Path(args.sysconfigdata).expanduser().absolute() if args.sysconfigdata else None
    host = read_host_python(
        path, sysroot=wishes.sysroot, machine=args.machine, host_prefix=args.host_prefix, sysconfigdata=data
    )
    if data is not None and host.layout == DUMP:
        raise UsageError(f"--sysconfigdata cannot be used with a dump ({path})", hint="leave it out")
    if target is not None:
        host = host_for_target(host, target)
    if args.relative_toolchain:
        host = with_relative_tools(host)
    accepted = host.platform.declared_tags(args.accept_tag, machine=host.machine, libc=host.libc)
    options = dataclasses.replace(options, accepted_platforms=accepted)
    if args.headers and host.layout != DUMP:
        raise UsageError(
            f"--headers goes with a dump, and {path} is a {host.layout}", hint="leave it out, or name a --sysroot"
        )
    reporter.note(f"target: {host_words(host)}")
    require_linkable(host, wishes)
    reporter.step(f"finding a build Python {host.version}")
    build = find_build_python(args.python, host, fetch=args.fetch)
    headers = None
    if host.layout == DUMP:
        named = Path(args.headers).expanduser().absolute() if args.headers else None
        headers = headers_of_dump(load_dump(path), host, named, build.executable)
    reporter.step("finding a toolchain")
    # While compilers are tried, this process waits; what writes the environment takes a while to import.
    threading.Thread(target=importlib.import_module, args=("virtualenv",), daemon=True).start()
    unwritten = UnwrittenHost(host=host)
    if headers is None:
        toolchain = choose_toolchain(host, wishes)
    else:
        # Test the compiler with the headers before anything is made.
        with scratch_directory("headers") as directory:
            trial = with_headers(headers, host, directory)
            write_tree(trial.files)
            toolchain = choose_toolchain(trial.host, wishes)
        unwritten = with_headers(headers, host, root / HOST_FILES)
        reporter.note(f"headers: {headers.origin}")
    if replaced := replaced_compiler(host, toolchain):
        reporter.note(replaced)
    for note in (*host.notes, *toolchain.notes):
        reporter.warning(note)
    return make_plan(
        root,
        build=build,
        host=unwritten.host,
        toolchain=toolchain,
        options=options,
        host_files=unwritten.files,
        flag_directories=flag_directories(host),
    )


def headers_of_dump(dump: Dump, host: HostPython, named: Path | None, build: Path) -> Headers | None:
    """Return the headers to write for a dump; None if a sysroot has them."""
    headers = find_headers(dump, named)
    if headers is not None or host.include_dirs:
        return headers
    return adapted_headers(read_build_facts(build), dump)


def plan_for_target(
    args: argparse.Namespace,
    root: Path,
    wishes: Wishes,
    options: Options,
    reporter: Reporter,
    given: NamedPython | None = None,
) -> Plan:
    """Find compilers for the target and derive the host Python from them and the build Python.

    Args:
        args: The command line.
        root: Where the environment will be.
        wishes: What compilers the user wants.
        options: The user's other choices.
        reporter: Told what is done.
        given: The Python that the user has named instead of a target, and that stands for one.
    """
    if args.machine:
        raise UsageError("--machine goes with --host-python; a target already names it", hint="leave --machine out")
    for option, named in (("--sysconfigdata", args.sysconfigdata), ("--relative-toolchain", args.relative_toolchain)):
        if named:
            raise UsageError(f"{option} goes with a --host-python for Linux", hint="leave it out")
    target = parse_target(args.target if given is None else given.target)
    if platform_of_target(target).linked_by:
        title = platform_of_target(target).title
        raise UsageError(
            f"the target {target} needs a Python for {title}: crossenv derives none",
            hint=f"name the prefix of CPython's release for {title} with --host-python, beside --target",
        )
    libc = Libc(family=target.libc, version=target.floor_text)
    accepted = platform_of_target(target).declared_tags(args.accept_tag, machine=target.machine, libc=libc)
    options = dataclasses.replace(options, accepted_platforms=accepted)
    reporter.step("finding the build Python")
    build, free_threaded = find_build_python_for_target(
        args.python or target.python or (None if given is None else given.version),
        free_threaded=args.free_threaded if given is None else "t" in given.flags,
        fetch=args.fetch,
    )
    if given is not None and build.version != given.version:
        raise UsageError(
            f"{given.source} is Python {given.version}, and the build Python is {build.version}",
            hint=f"name a Python {given.version} of this machine with --python",
        )
    facts = read_build_facts(build.executable)
    if free_threaded:
        facts = as_free_threaded(facts)
    reporter.step(f"finding a toolchain for {target.gnu_triplet}")
    toolchain = choose_toolchain_for_target(target, wishes)

    reporter.step(f"deriving the configuration of Python for {target}")
    made = synthesise_host_python(
        target,
        facts,
        toolchain,
        root / HOST_FILES,
        search_path=wishes.environ_path,
        given=None if given is None else given.python,
        **({"host_prefix": args.host_prefix} if args.host_prefix else {}),
    )
    reporter.note(f"target: {host_words(made.host)}")
    toolchain = linked_to_python(toolchain, made.host)
    for note in toolchain.notes:
        reporter.warning(note)
    if target.machine == build.machine and target.libc == libc_of_this_machine():
        reporter.note(f"{target.platform_tag} also fits this machine; its wheels are cross-built all the same")
    return make_plan(
        root,
        build=build,
        host=made.host,
        toolchain=toolchain,
        options=options,
        target=target,
        host_files=made.files,
        surroundings=surroundings_of(made.host, toolchain),
    )


def surroundings_of(host: HostPython, toolchain: Toolchain) -> str:
    """Fingerprint the tools and the target's libraries in their present state."""
    tools = [tool.path for tool in (toolchain.cc, toolchain.cxx, toolchain.fc, *toolchain.binutils.values()) if tool]
    return surroundings(
        [*tools, *([Path(toolchain.zig.settings["zig"])] if toolchain.zig else [])],
        [root for root in (toolchain.sysroot, host.sysroot) if root],
        host.multiarch,
        map(Path, pkg_config_libdir(host, toolchain)),
    )


def print_plan(plan: Plan, args: argparse.Namespace, reporter: Reporter) -> int:
    """Print what --dry-run prints."""
    if args.json:
        reporter.json({"record": dataclasses.asdict(plan.record), "files": sorted(plan.files)})
    else:
        reporter.result(f"would create {plan.root}")
        names = sorted((*plan.files, *plan.links))
        # Python's own headers: more than all else together.
        headers = [name for name in names if name.endswith(".h")]
        for name in names:
            if not name.endswith(".h"):
                reporter.result(f"  {name}")
        if headers:
            reporter.result(f"  and {len(headers)} headers of Python in {os.path.commonpath(headers)}")
    return 0


def user_pip_cache(environ: Mapping[str, str]) -> Path | None:
    """Return the cache directory of the user's pip; None if caching is off."""
    if environ.get("PIP_NO_CACHE_DIR", "").lower() not in ("", "0", "false", "off", "no"):
        return None
    return Path(environ.get("PIP_CACHE_DIR") or platformdirs.user_cache_dir("pip"))


def describe(plan: Plan) -> list[str]:
    """Describe the choices, one line each."""
    record = plan.record
    toolchain = record.toolchain
    compiler = toolchain.tools["cc"]
    lines = [
        f"build: {python_words(record.host.implementation, record.build.version, '')} for {record.build.machine}"
        f" ({record.build.python})",
        f"compiler: {toolchain.family} {toolchain.version}, {compiler.path} ({compiler.origin})",
    ]
    if plan.options.compile_cache is not None:
        lines.append(f"compile cache: {plan.options.compile_cache}")
    if toolchain.sysroot:
        lines.append(f"sysroot: {toolchain.sysroot}")
    return lines

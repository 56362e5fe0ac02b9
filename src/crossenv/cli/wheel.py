"""`crossenv wheel`: build every variant of a wheel, in throw-away environments."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from crossenv.cli.common import common_options, fetcher
from crossenv.compilers.choose import AUTO, CHOICES
from crossenv.config import FLAGS, Settings, load_settings
from crossenv.errors import UsageError
from crossenv.farm.combinations import Places, builds_of, places_for_hosts, places_for_targets
from crossenv.farm.model import Requirement
from crossenv.farm.progress import Board
from crossenv.farm.requirements import read_requirement, read_requirements_file
from crossenv.farm.run import BuildOptions, Run
from crossenv.farm.scratch import workshop
from crossenv.farm.store import Store
from crossenv.farm.table import as_json, exit_code_of, table
from crossenv.pythons.build_python import find_build_python_for_target
from crossenv.pythons.known import host_python_path
from crossenv.pythons.read import read_host_python
from crossenv.report import Reporter

# Options of pip that are ours too: those with a value, and those without.
_PIP_VALUES = (
    ("no-binary", "LIST", "build these projects; do not download their wheels"),
    ("only-binary", "LIST", "download wheels of these projects; do not build them"),
    ("config-settings", "KEY=VALUE", "pass a setting to the build back end"),
    ("constraint", "FILE", "limit versions by this file"),
    ("index-url", "URL", "use this index"),
    ("extra-index-url", "URL", "use this index too"),
    ("find-links", "WHERE", "look for archives in this directory or page"),
)
_PIP_SHORT = {"config-settings": "-C", "constraint": "-c", "index-url": "-i", "find-links": "-f"}
_PIP_SWITCHES = (
    ("no-index", "use no index"),
    ("pre", "take pre-releases too"),
    ("no-build-isolation", "build with the packages of --build-install only"),
)
# Options of pip that would change what is built, or where it goes, behind our back.
_OURS = re.compile(r"-[wr]|--wheel-dir(=|$)|--requirement(=|$)")
_PIP_PATHS = ("constraint", "find-links")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "wheel",
        parents=[common_options()],
        help="build every variant of a wheel",
        description="Build wheels for several targets and Pythons, each combination in a throw-away environment."
        " Every wheel is audited. Wheels that are already in the wheel directory are kept if a new build would make"
        " the same ones.",
        usage="crossenv wheel [options] REQ... [-- PIP-OPTION...]",
    )
    parser.add_argument(
        "requirements",
        metavar="REQ",
        nargs="*",
        help="a requirement (numpy>=2), a source tree (.), an sdist or a URL",
    )
    parser.add_argument(
        "-r", "--requirement", action="append", default=[], metavar="FILE", help="a requirements file; can be repeated"
    )
    what = parser.add_argument_group("what for")
    what.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="TARGET",
        help="build for this target, as for `create` (manylinux_2_28_aarch64); can be repeated",
    )
    what.add_argument(
        "--host-python",
        action="append",
        default=[],
        metavar="PATH",
        help="build for this host Python, as for `create`, instead of targets; can be repeated",
    )
    what.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="SPEC",
        help="build for this version of Python (3.13), or with this interpreter; can be repeated",
    )
    how = parser.add_argument_group("how")
    how.add_argument(
        "--deps",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="build the dependencies too; default: only the requirements",
    )
    how.add_argument(
        "--fetch-python",
        action=argparse.BooleanOptionalAction,
        help="let uv fetch a Python that is not on this machine; default: yes",
    )
    how.add_argument("--toolchain", choices=CHOICES, help=f"where the compilers come from; default: {AUTO}")
    how.add_argument("--cpu", help="the oldest processor to support, as `zig cc -mcpu` takes it: cortex_a7, z14")
    how.add_argument("--sysroot", metavar="DIR", help="take the target's headers and libraries from this root")
    how.add_argument("--host-prefix", metavar="DIR", help="where the target has its Python (/usr/local)")
    how.add_argument(
        "--repair",
        action=argparse.BooleanOptionalAction,
        help="copy the target's libraries that a wheel needs into it, as `crossenv repair` does",
    )
    how.add_argument(
        "--emulator",
        action=argparse.BooleanOptionalAction,
        help="let Meson and CMake run target programs under an emulator",
    )
    how.add_argument(
        "--allow-pure",
        action="append",
        default=[],
        metavar="NAME",
        help="accept a wheel of this project without extension modules that did not compile; can be repeated; '*' for"
        " all projects",
    )
    how.add_argument(
        "--build-install",
        action="append",
        default=[],
        metavar="REQ",
        help="with --no-build-isolation: install this on the build side first; can be repeated",
    )
    pip = parser.add_argument_group("pip", "arguments after -- go to `pip wheel`")
    for name, metavar, words in _PIP_VALUES:
        short = [_PIP_SHORT[name]] if name in _PIP_SHORT else []
        pip.add_argument(*short, f"--{name}", action="append", default=[], metavar=metavar, help=words)
    for name, words in _PIP_SWITCHES:
        pip.add_argument(f"--{name}", action="store_true", help=words)
    run_group = parser.add_argument_group("run")
    run_group.add_argument(
        "-w", "--wheel-dir", metavar="DIR", default="wheelhouse", help="put the wheels here; default: wheelhouse"
    )
    run_group.add_argument(
        "--log-dir", metavar="DIR", help="put the logs of the builds here; default: in the user's cache"
    )
    run_group.add_argument(
        "-j",
        "--jobs",
        type=int,
        metavar="N",
        help="build N combinations at a time; default: one for each core",
    )
    run_group.add_argument(
        "--test", action="store_true", help="also try each wheel on its target, as `crossenv test` does"
    )
    run_group.add_argument(
        "--host-root",
        action="append",
        default=[],
        metavar="DIR",
        help="with --test: a root directory of a target with a Python in it; can be repeated",
    )
    run_group.add_argument("--rebuild", action="store_true", help="build wheels that are already there too")
    run_group.add_argument("--fail-fast", action="store_true", help="stop at the first failure")
    run_group.add_argument("--keep-environments", action="store_true", help="do not remove the environments")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Build all combinations and report."""
    settings = _settings(args)
    requirements = _requirements(args, reporter)
    builds = builds_of(requirements, _places(args, settings, reporter))
    options = _options(args, settings)
    store = Store(Path(args.wheel_dir).expanduser().absolute())
    cache = platformdirs.user_cache_path("crossenv") / "wheel"
    logs = Path(args.log_dir).expanduser().absolute() if args.log_dir else cache / "logs"
    _make_directory(logs, "--log-dir")
    store.open()
    with _interrupted_by_signals(), workshop(cache, keep=args.keep_environments) as place:
        board = Board(reporter, len(builds))
        try:
            results = Run(builds, options, place=place, logs=logs, store=store, environ=os.environ, board=board).all()
        finally:
            board.close()
    if args.keep_environments:
        reporter.note(f"the environments are in {place / 'environments'}")
    status = exit_code_of(results)
    if args.json:
        reporter.json(as_json(builds, results, store.directory, status))
    else:
        for line in table(builds, results):
            reporter.result(line)
    return status


def _settings(args: argparse.Namespace) -> Settings:
    options = {
        "targets": args.target,
        "pythons": args.python,
        # One is enough to show that host Pythons were named here.
        "host-python": next(iter(args.host_python), None),
        "allow-pure": args.allow_pure,
        **{name: getattr(args, name.replace("-", "_")) for name in ("toolchain", "cpu", "sysroot", "host-prefix")},
        "repair": args.repair,
        "emulator": args.emulator,
        "fetch-python": args.fetch_python,
    }
    return load_settings(options, os.environ, Path.cwd(), defaults=("fetch-python",))


def _requirements(args: argparse.Namespace, reporter: Reporter) -> list[Requirement]:
    found = [read_requirement(word, Path.cwd()) for word in args.requirements]
    for word in args.requirements:
        if word[:1].isalnum() and os.sep not in word and Path(word).is_dir():
            reporter.warning(f"taking {word} from the index; write ./{word} for the directory")
    for name in args.requirement:
        found += read_requirements_file(Path(name).expanduser().absolute())
    return found


def _places(args: argparse.Namespace, settings: Settings, reporter: Reporter) -> Places:
    targets = settings.lists.get("targets") or tuple(filter(None, [settings.texts.get("target")]))
    hosts = args.host_python or list(filter(None, [settings.texts.get("host-python")]))
    pythons = settings.lists.get("pythons") or tuple(filter(None, [settings.texts.get("python")]))
    sysroot = settings.texts.get("sysroot")
    if args.target and args.host_python:
        raise UsageError("--target and --host-python exclude each other", hint="leave one of them out")
    if sysroot is not None and len(targets) + len(hosts) > 1:
        raise UsageError("--sysroot goes with one target, not several", hint="run crossenv wheel once for each sysroot")
    if targets:
        reporter.step("finding the build Pythons")
        fetch = fetcher(settings, reporter)
        return places_for_targets(
            targets, [find_build_python_for_target(one, fetch=fetch) for one in pythons or (None,)]
        )
    if not hosts:
        raise UsageError(
            "no target and no host Python",
            hint="add targets, such as --target aarch64 --target musllinux_1_2_x86_64, or --host-python PATH",
        )
    if len(pythons) > 1:
        raise UsageError(
            "--host-python goes with one build Python, not several",
            hint="leave --python out: crossenv finds the one that fits",
        )
    root = None if sysroot is None else Path(sysroot).expanduser().resolve()
    prefix = settings.texts.get("host-prefix")
    return places_for_hosts(
        [host_python_path(host) for host in hosts],
        lambda path: read_host_python(path, sysroot=root, machine=None, host_prefix=prefix),
        next((_whole(one) if os.sep in one else one for one in pythons), None),
    )


def _options(args: argparse.Namespace, settings: Settings) -> BuildOptions:
    kind = settings.texts.get("toolchain", AUTO)
    if kind not in CHOICES:
        raise UsageError(f"{settings.origins['toolchain']}: there is no toolchain {kind!r}", hint=", ".join(CHOICES))
    if args.host_root and not args.test:
        raise UsageError("--host-root goes with --test", hint="add --test")
    if args.jobs is not None and args.jobs < 1:
        raise UsageError(f"--jobs cannot be {args.jobs}", hint="use 1 or more")
    create = [
        word
        for name in ("toolchain", "cpu", "sysroot", "host-prefix")
        if name in settings.texts
        for word in (f"--{name}", _whole(settings.texts[name]) if name == "sysroot" else settings.texts[name])
    ]
    create += [f"--{'' if settings.flags[name] else 'no-'}{name}" for name in FLAGS]
    for name in settings.lists["allow-pure"]:
        create += ["--allow-pure", name]
    # The environments read this variable too.
    allowed = os.environ.get("CROSSENV_ALLOW_PURE", "").split(",")
    return BuildOptions(
        create=tuple(create),
        pip=tuple(_pip_words(args)),
        deps=args.deps,
        build_installs=tuple(args.build_install),
        rebuild=args.rebuild,
        fail_fast=args.fail_fast,
        allow_pure=(*settings.lists["allow-pure"], *filter(None, allowed)),
        jobs=args.jobs or len(os.sched_getaffinity(0)),
        keep_environments=args.keep_environments,
        test=args.test,
        host_roots=tuple(map(_whole, args.host_root)),
    )


def _pip_words(args: argparse.Namespace) -> Iterator[str]:
    for name, _, _ in _PIP_VALUES:
        for value in getattr(args, name.replace("-", "_")):
            yield f"--{name}={_whole(value) if name in _PIP_PATHS and Path(value).exists() else value}"
    for name, _ in _PIP_SWITCHES:
        if getattr(args, name.replace("-", "_")):
            yield f"--{name}"
    for word in args.behind or ():
        if _OURS.match(word):
            raise UsageError(
                f"{word.partition('=')[0]} is among the options of pip, which is called once for each combination",
                hint="name it before `--`",
            )
    yield from args.behind or ()


def _whole(path: str) -> str:
    return str(Path(path).expanduser().absolute())


def _make_directory(directory: Path, option: str) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{directory} cannot be made: {error.strerror}", hint=f"name another directory with {option}"
        ) from None


@contextlib.contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    """Treat signals that end this process like Ctrl-C, so that its children end too."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    # Ignored signals stay ignored: nohup relies on it.
    numbers = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

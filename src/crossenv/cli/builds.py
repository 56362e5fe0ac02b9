"""What `crossenv wheel` and `crossenv plan` share: which wheels, for what, and how."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crossenv.cli.common import add_allow_pure, add_tool_options, fetcher
from crossenv.compilers.choose import AUTO, CHOICES
from crossenv.config import FLAGS, Settings, load_settings
from crossenv.errors import UsageError
from crossenv.farm.combinations import Places, builds_of, has_one_python_only, places_for_hosts, places_for_targets
from crossenv.farm.model import Build, Job, Requirement
from crossenv.farm.plan import Plan, plan_of
from crossenv.farm.progress import Board
from crossenv.farm.requirements import read_requirement, read_requirements_file
from crossenv.farm.run import BuildOptions, Run
from crossenv.farm.scratch import cache, workshop
from crossenv.farm.store import DEFAULT_NAME, Store, Stores, WheelDirectory
from crossenv.pythons.build_python import find_build_python_for_target, require_supported, version_of
from crossenv.pythons.known import host_python_path
from crossenv.pythons.read import read_host_python
from crossenv.report import Reporter
from crossenv.targets import named_target

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
# Options of `crossenv create` with a value.
_CREATE_PATHS = ("sysroot", "sdk", "emsdk", "ndk")
_CREATE_TEXTS = ("toolchain", "emsdk", "ndk", "cpu", "compile-cache", "sysroot", "sdk", "host-prefix")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the requirements, and the options that say what is built and how."""
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
    add_tool_options(how)
    how.add_argument("--sysroot", metavar="DIR", help="take the target's headers and libraries from this root")
    how.add_argument("--sdk", metavar="DIR", help="for macOS and iOS: Apple's SDK")
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
    add_allow_pure(how)
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
    run = parser.add_argument_group("run")
    run.add_argument(
        "-w", "--wheel-dir", metavar="DIR", default="wheelhouse", help="put the wheels here; default: wheelhouse"
    )
    run.add_argument(
        "--store",
        action="append",
        default=[],
        metavar="PLACE",
        help=f"keep wheels here for later runs: a directory, or a URL of fsspec (s3://BUCKET/PATH); default:"
        f" {DEFAULT_NAME} in the wheel directory; can be repeated: the others are only read",
    )
    run.add_argument("--log-dir", metavar="DIR", help="put the logs of the builds here; default: in the user's cache")
    run.add_argument(
        "-j", "--jobs", type=int, metavar="N", help="build N combinations at a time; default: one for each core"
    )
    run.add_argument(
        "--environments",
        metavar="DIR",
        help="take environments that earlier runs have left here, and leave them here; for several runs at once too",
    )
    run.add_argument("--test", action="store_true", help="also try each wheel on its target, as `crossenv test` does")
    run.add_argument(
        "--host-root",
        action="append",
        default=[],
        metavar="DIR",
        help="with --test: a root directory of a target with a Python in it; can be repeated",
    )
    again = run.add_mutually_exclusive_group()
    again.add_argument("--rebuild", action="store_true", help="build wheels that are already there too")
    again.add_argument(
        "--only-new",
        action="store_true",
        help="ask the index for newer versions of what is there, and skip what has failed before if nothing changed",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a command line asks for.

    Attributes:
        builds: The combinations.
        options: How to build them.
        wheels: Where the wheels go.
        stores: Where they are kept.
        logs: Where the logs go.
        arguments: Arguments of `crossenv wheel` that ask for the same on another machine, without its directories.
        pip_arguments: Those after `--`.
    """

    builds: Sequence[Build]
    options: BuildOptions
    wheels: WheelDirectory
    stores: Stores
    logs: Path
    arguments: tuple[str, ...]
    pip_arguments: tuple[str, ...]


def wanted(args: argparse.Namespace, reporter: Reporter) -> Wanted:
    """Read a command line.

    Raises:
        UsageError: It is wrong, or names something that does not exist.
    """
    settings = _settings(args)
    options = _options(args, settings)
    requirements = _requirements(args, reporter)
    # Last: it may fetch Pythons.
    builds = builds_of(requirements, _places(args, settings, reporter))
    wheel_dir = Path(_whole(args.wheel_dir))
    first, *others = (Store(one) for one in args.store or [wheel_dir / DEFAULT_NAME])
    for other in others:
        other.require()
    return Wanted(
        builds=builds,
        options=options,
        wheels=WheelDirectory(wheel_dir),
        stores=Stores(first, others),
        logs=Path(_whole(args.log_dir)) if args.log_dir else cache() / "logs",
        arguments=tuple(_arguments(args, settings)),
        pip_arguments=tuple(args.behind or ()),
    )


@contextlib.contextmanager
def opened(wanted: Wanted, reporter: Reporter, planned: Mapping[Build, Job] | None = None) -> Iterator[Run]:
    """Make a run, and clean up behind it; signals that end this process count as Ctrl-C.

    Args:
        wanted: What is wanted.
        reporter: Shows how it goes.
        planned: The jobs that a plan expects.
    """
    _make_directory(wanted.logs, "--log-dir")
    if wanted.options.environments:
        _make_directory(Path(wanted.options.environments), "--environments")
    keep = wanted.options.keep_environments
    with _interrupted_by_signals(), workshop(cache(), keep=keep) as place:
        board = Board(reporter, len(wanted.builds))
        try:
            yield Run(
                wanted.builds,
                wanted.options,
                place=place,
                logs=wanted.logs,
                wheels=wanted.wheels,
                stores=wanted.stores,
                environ=os.environ,
                board=board,
                planned=planned,
            )
        finally:
            board.close()
    if keep:
        reporter.note(f"the environments are in {place / 'environments'}")


def survey(wanted: Wanted, reporter: Reporter) -> Plan:
    """Make a plan: environments are made and removed, nothing is built."""
    with opened(wanted, reporter) as run, reporter.working("making the plan"):
        results = run.survey()
    return plan_of(
        wanted.builds,
        run.jobs,
        run.compilers,
        results,
        together=not wanted.options.deps,
        untested=run.untested,
        arguments=wanted.arguments,
        pip_arguments=wanted.pip_arguments,
    )


def _arguments(args: argparse.Namespace, settings: Settings) -> Iterator[str]:
    """Yield the command line again, with the settings that came from elsewhere."""
    yield from args.requirements
    targets, hosts, pythons = _named_places(args, settings)
    if targets and not pythons and not any(named_target(target).python for target in targets):
        pythons = (f"{sys.version_info[0]}.{sys.version_info[1]}",)
    lists = {
        "requirement": args.requirement,
        "target": targets,
        "host-python": hosts if not targets else (),
        "python": pythons,
        "allow-pure": settings.lists["allow-pure"],
        "build-install": args.build_install,
        "host-root": args.host_root,
        **{name: getattr(args, name.replace("-", "_")) for name, _, _ in _PIP_VALUES},
        **{name: [settings.texts[name]] for name in _CREATE_TEXTS if name in settings.texts},
    }
    for name, values in lists.items():
        for value in values:
            yield f"--{name}={value}"
    for name in (*FLAGS, "deps"):
        yield f"--{'' if settings.flags.get(name, getattr(args, name.replace('-', '_'), False)) else 'no-'}{name}"
    for name in ("test", *(name for name, _ in _PIP_SWITCHES)):
        if getattr(args, name.replace("-", "_")):
            yield f"--{name}"


def _settings(args: argparse.Namespace) -> Settings:
    options = {
        "targets": args.target,
        "pythons": args.python,
        # One is enough to show that host Pythons were named here.
        "host-python": next(iter(args.host_python), None),
        "allow-pure": args.allow_pure,
        **{name: getattr(args, name.replace("-", "_")) for name in _CREATE_TEXTS},
        "repair": args.repair,
        "emulator": args.emulator,
        "any-emscripten": args.any_emscripten,
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
    if not found:
        raise UsageError(
            "nothing to build", hint="name a project (markupsafe), a source tree (.), an sdist, or -r FILE"
        )
    return found


def _named_places(args: argparse.Namespace, settings: Settings) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    """Return the targets, the host Pythons and the Pythons that were named."""
    targets = settings.lists.get("targets") or tuple(filter(None, [settings.texts.get("target")]))
    hosts = args.host_python or tuple(filter(None, [settings.texts.get("host-python")]))
    pythons = settings.lists.get("pythons") or tuple(filter(None, [settings.texts.get("python")]))
    return targets, hosts, pythons


def _places(args: argparse.Namespace, settings: Settings, reporter: Reporter) -> Places:
    targets, hosts, pythons = _named_places(args, settings)
    sysroot = settings.texts.get("sysroot")
    if args.target and args.host_python:
        raise UsageError("--target and --host-python exclude each other", hint="leave one of them out")
    if sysroot is not None and len(targets) + len(hosts) > 1:
        raise UsageError("--sysroot goes with one target, not several", hint="run crossenv wheel once for each sysroot")
    if targets:
        own = {target: named_target(target).python or None for target in targets}
        for one in pythons:
            require_supported(one)
        named = [version_of(one) for one in pythons]
        for target, only in own.items():
            if only and named and only not in named and None not in named:
                raise has_one_python_only(target, only)
        reporter.step("finding the build Pythons")
        fetch = fetcher(settings, reporter)
        # A target with one version of Python has that one unless others are named.
        wanted: dict[str | None, list[str]] = {}
        for target in targets:
            wanted.setdefault(None if pythons else own[target], []).append(target)
        return [
            place
            for version, names in wanted.items()
            for place in places_for_targets(
                names, [find_build_python_for_target(one, fetch=fetch) for one in pythons or (version,)]
            )
        ]
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
        for name in _CREATE_TEXTS
        if name in settings.texts
        for word in (f"--{name}", _whole(settings.texts[name]) if name in _CREATE_PATHS else settings.texts[name])
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
        only_new=args.only_new,
        fail_fast=getattr(args, "fail_fast", False),
        allow_pure=(*settings.lists["allow-pure"], *filter(None, allowed)),
        jobs=args.jobs or len(os.sched_getaffinity(0)),
        keep_environments=getattr(args, "keep_environments", False),
        environments=_whole(args.environments) if args.environments else "",
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

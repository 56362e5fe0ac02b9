"""`crossenv test`: try wheels on their target, under an emulator."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from crossenv.cli.audit import wheel_path
from crossenv.cli.common import active_environment, common_options
from crossenv.cli.run import add_emulator_options, emulation_options
from crossenv.emulation.environment import (
    EmulationOptions,
    interpreter_for,
    pyodide_session_in,
    pyodide_session_of,
    runs_under_pyodide,
    runs_under_wine,
    session_in,
    wine_session_in,
    wine_session_of,
)
from crossenv.emulation.interpreters import architecture_of_host, interpreter_of
from crossenv.emulation.model import Session
from crossenv.emulation.trial.install import (
    Wanted,
    install_natively,
    install_on_target,
    install_with_environment,
)
from crossenv.emulation.trial.outcomes import Outcome, differences, summary
from crossenv.emulation.trial.subject import Subject, python_for, read_subject, suits, target_of
from crossenv.emulation.trial.trial import Import, Place, is_pytest, run_tests, test_outcomes, try_imports
from crossenv.emulation.wine import NAME_A_PYTHON
from crossenv.errors import AuditError, UsageError
from crossenv.files import scratch_directory
from crossenv.pythons.build_python import BuildPython, find_build_python
from crossenv.record import Record, load_record
from crossenv.report import Reporter, counted
from crossenv.targets import Target, parse_target


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "test",
        parents=[common_options()],
        help="try wheels on their target, under an emulator",
        description="Install wheels and their requirements into a throw-away tree, import their modules, and run the"
        " command after -- there (-- pytest -q tests), under QEMU's user-mode emulator, wine or node.",
        usage="crossenv test [OPTION...] WHEEL... [-- COMMAND...]",
    )
    parser.add_argument("wheels", metavar="WHEEL", nargs="+", help="a wheel for Linux, Windows or Pyodide")
    parser.add_argument(
        "--env", metavar="ENV", help="try them on the target of this environment; default: the active one, if any"
    )
    parser.add_argument("--target", metavar="TARGET", help="without an environment: try pure wheels on this machine")
    parser.add_argument(
        "--python", metavar="VERSION", help="without an environment: use this Python, if several suit the tags"
    )
    group = parser.add_argument_group("what is installed")
    group.add_argument(
        "-r",
        "--requirement",
        action="append",
        default=[],
        metavar="FILE",
        help="install a requirements file too; can be repeated",
    )
    group.add_argument(
        "--with", dest="extra", action="append", default=[], metavar="REQ", help="install this too; can be repeated"
    )
    group.add_argument(
        "--find-links",
        action="append",
        default=[],
        metavar="DIR",
        help="look for wheels of requirements here (pip's option)",
    )
    group.add_argument("--no-index", action="store_true", help="do not use the index (pip's option)")
    group.add_argument("--keep", metavar="DIR", help="make the tree in DIR and keep it")
    compare = parser.add_argument_group("comparison")
    compare.add_argument(
        "--compare",
        action="store_true",
        help="do the same with the native wheel on this machine, and print only the differences",
    )
    compare.add_argument(
        "--native-wheel",
        action="append",
        default=[],
        metavar="WHEEL",
        help="install this on this machine: a wheel, an sdist or a project; default: NAME==VERSION from the index",
    )
    compare.add_argument(
        "--known-difference",
        action="append",
        default=[],
        metavar="PATTERN",
        help="a test or an import that may differ (tests/test_time.py::*); can be repeated",
    )
    add_emulator_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Try the wheels; return the command's exit status, or 7 if an import fails or something differs."""
    args.command = args.behind or []
    _require_sense(args)
    root = active_environment(args.env or None, os.environ) if args.env != "" else None
    record = None if root is None else load_record(root)
    with reporter.working("auditing the wheel"):
        subjects = [read_subject(wheel_path(text), record, reporter) for text in args.wheels]
    with scratch_directory("test") if args.keep is None else _kept(args.keep) as directory:
        host_place = _host_place(args, record, subjects, directory, reporter)
        if args.compare:
            build = _build_python(record, host_place)
            return _compare(
                args,
                subjects,
                host_place,
                _build_place(args, build, subjects, directory, reporter),
                directory,
                reporter,
            )
        return _try(args, subjects, host_place, directory, reporter)


def _require_sense(args: argparse.Namespace) -> None:
    if args.native_wheel and not args.compare:
        raise UsageError("--native-wheel goes with --compare", hint="add --compare")
    if args.command and args.command[0].startswith("-"):
        raise UsageError(f"{args.command[0]!r} is not a command", hint="write: crossenv test WHEEL -- pytest -q tests")
    for text in args.wheels[1:]:
        if not text.endswith(".whl") and not Path(text).exists():
            raise UsageError(
                f"there is no wheel {text}", hint=f"a command goes after `--`: crossenv test {args.wheels[0]} -- {text}"
            )
    for text in args.extra:
        try:
            Requirement(text)
        except InvalidRequirement as error:
            raise UsageError(f"--with {text!r} is not a requirement: {error}", hint="write it as for pip") from None
    for name in args.requirement:
        if not Path(name).is_file():
            raise UsageError(f"there is no requirements file {name}", hint="name a file that exists")


@contextlib.contextmanager
def _kept(name: str) -> Iterator[Path]:
    directory = Path(name).expanduser().absolute()
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"{directory} exists and is not empty", hint="name another directory with --keep")
    directory.mkdir(parents=True, exist_ok=True)
    yield directory


def _wanted(args: argparse.Namespace, wheels: list[str]) -> Wanted:
    extra = list(args.extra)
    if is_pytest(args.command) and not any(Requirement(text).name.lower() == "pytest" for text in extra):
        extra.append("pytest")
    return Wanted(
        requirements=(*wheels, *extra),
        files=tuple(Path(name) for name in args.requirement),
        links=tuple(args.find_links),
        index=not args.no_index,
    )


def _host_place(
    args: argparse.Namespace, record: Record | None, subjects: list[Subject], directory: Path, reporter: Reporter
) -> Place:
    """Install for the target; return where its programs run."""
    options = emulation_options(args)
    wanted = _wanted(args, [str(subject.path) for subject in subjects])
    prefix = directory / "host"
    site_packages = None
    if record is not None:
        if runs_under_wine(record.host.identity):
            return _wine_place_of(record, prefix, wanted, options, reporter)
        if runs_under_pyodide(record.host.identity):
            site_packages = _site_packages(record, prefix)
            pyodide = pyodide_session_of(record, site_packages, prefix / "bin", options)
            install_with_environment(record, prefix, wanted, os.environ, reporter)
            return Place(label="host", session=pyodide, scripts=pyodide.scripts, python="python", environ=os.environ)
        architecture = architecture_of_host(record.host.identity)
        interpreter = interpreter_of(
            record, given_roots=options.host_roots, environ=options.environ, cache=options.cache, reporter=reporter
        )
        site_packages = _site_packages(record, prefix)
        session_in(prefix, architecture, interpreter, options, reporter, site_packages)
        install_with_environment(record, prefix, wanted, os.environ, reporter)
    else:
        target = parse_target(args.target) if args.target else target_of(subjects)
        if target is None:
            raise UsageError(
                "these wheels are pure: no target to try them on",
                hint="name one, such as --target aarch64, or an environment with --env",
            )
        if runs_under_wine(target.identity):
            return _wine_place_in(prefix, target, args.python, subjects, wanted, options, reporter)
        if runs_under_pyodide(target.identity):
            pyodide = pyodide_session_in(prefix, target, options)
            install_on_target(pyodide, prefix, wanted, os.environ, reporter)
            return Place(label="host", session=pyodide, scripts=pyodide.scripts, python="python", environ=os.environ)
        architecture = target.architecture
        version = python_for(subjects, args.python, platform.python_version().rpartition(".")[0])
        interpreter = interpreter_for(target, version, options, reporter)
        session = session_in(prefix, architecture, interpreter, options, reporter)
        install_on_target(session, prefix, wanted, os.environ, reporter)
    # Again, now with the installed scripts.
    session = session_in(prefix, architecture, interpreter, options, reporter, site_packages)
    return Place(label="host", session=session, scripts=prefix / "bin", python="python", environ=os.environ)


def _site_packages(record: Record, prefix: Path) -> Path:
    """Return where an environment's pip installs packages with --prefix: where the target's Python looks for them."""
    directory = Path(record.host.site_packages).relative_to(f"{record.root}/cross").parent
    thread = "t" if record.host.free_threaded else ""
    return prefix / f"{str(directory).removesuffix('t')}{thread}" / "site-packages"


def _wine_place_of(
    record: Record, prefix: Path, wanted: Wanted, options: EmulationOptions, reporter: Reporter
) -> Place:
    """Install with an environment for Windows; return where its programs run."""
    site_packages, scripts = _site_packages(record, prefix), prefix / "bin"
    session = wine_session_of(record, site_packages, scripts, options, reporter)
    install_with_environment(record, prefix, wanted, os.environ, reporter)
    return Place(label="host", session=session, scripts=scripts, python="python", environ=os.environ)


def _wine_place_in(
    prefix: Path,
    target: Target,
    version: str | None,
    subjects: list[Subject],
    wanted: Wanted,
    options: EmulationOptions,
    reporter: Reporter,
) -> Place:
    """Install with the Windows Python that the user named; return where its programs run."""
    session = wine_session_in(prefix, target, version, options, reporter)
    name = f"{session.python.version}{session.python.flags}"
    if not suits(subjects, name):
        names = ", ".join(subject.path.name for subject in subjects)
        raise UsageError(f"{session.python.program} is Python {name}, which does not suit {names}", hint=NAME_A_PYTHON)
    install_on_target(session, prefix, wanted, os.environ, reporter)
    return Place(label="host", session=session, scripts=session.scripts, python="python", environ=os.environ)


def _build_python(record: Record | None, place: Place) -> BuildPython:
    session = place.session
    assert session is not None
    version = session.interpreter.version if isinstance(session, Session) else session.python.version
    return find_build_python(record.build.python if record is not None else version)


def _build_place(
    args: argparse.Namespace, build: BuildPython, subjects: list[Subject], directory: Path, reporter: Reporter
) -> Place:
    """Install natively; return where the same programs run on this machine."""
    for name in args.native_wheel:
        if not Path(name).exists():
            raise UsageError(
                f"there is no {name}", hint="--native-wheel names a wheel, an sdist or a project's directory"
            )
    given = [str(Path(name).absolute()) for name in args.native_wheel]
    wheels = given or [f"{subject.name}=={subject.version}" for subject in subjects]
    prefix = directory / "build"
    python = install_natively(build, prefix, _wanted(args, wheels), os.environ, reporter)
    return Place(label="build", session=None, scripts=prefix / "bin", python=str(python), environ=os.environ)


def _try(args: argparse.Namespace, subjects: list[Subject], place: Place, directory: Path, reporter: Reporter) -> int:
    imports = _imported(place, subjects, directory, reporter)
    failed = [item for item in imports if item.failed]
    _tell_imports(imports, reporter)
    status = 0
    if failed:
        status = AuditError.exit_code
    elif args.command:
        reporter.step(f"running on the target: {' '.join(args.command)}")
        status = run_tests(place, args.command)
    if args.json:
        reporter.json(
            {
                "passed": status == 0,
                "wheels": [str(subject.path) for subject in subjects],
                "imports": [dataclasses.asdict(item) for item in imports],
                "command": list(args.command),
                "status": status,
            }
        )
    elif not failed:
        count = sum(item.outcome == "imported" for item in imports)
        reporter.note(f"{count} of {counted(len(imports), 'module')} imported on the target")
    return status


def _imported(place: Place, subjects: list[Subject], directory: Path, reporter: Reporter) -> tuple[Import, ...]:
    modules = [module for subject in subjects for module in subject.modules]
    with reporter.working(f"importing {counted(len(modules), 'module')} {place.where}"):
        return try_imports(place, modules, directory)


def _tell_imports(imports: tuple[Import, ...], reporter: Reporter) -> None:
    for item in imports:
        if item.failed:
            reporter.warning(f"{item.module} {item.outcome}: {item.message}")
        elif item.outcome != "imported":
            reporter.note(f"{item.module} {item.outcome}: {item.message}")


def _compare(
    args: argparse.Namespace, subjects: list[Subject], host: Place, build: Place, directory: Path, reporter: Reporter
) -> int:
    outcomes = {}
    counts = {}
    for place in (host, build):
        found = {
            f"import {item.module}": Outcome(result=item.outcome, message=item.message)
            for item in _imported(place, subjects, directory, reporter)
        }
        if args.command:
            with reporter.working(f"running {place.where}: {' '.join(args.command)}"):
                tests = test_outcomes(place, args.command, directory, directory / f"tests-{place.label}.log")
            counts[place.label] = summary(tests)
            found |= tests
        outcomes[place.label] = found
    unexpected, known = differences(outcomes["host"], outcomes["build"], args.known_difference)
    rows = [
        (difference.test, *(f"{one.result} {one.message}".strip() for one in (difference.host, difference.build)))
        for difference in unexpected
    ]
    if args.json:
        reporter.json(
            {
                "same": not rows,
                "wheels": [str(subject.path) for subject in subjects],
                "counts": counts,
                "differences": [{"what": name, "host": on_host, "build": here} for name, on_host, here in rows],
                "known": [difference.test for difference in known],
            }
        )
    else:
        for name, on_host, here in rows:
            reporter.result(f"{name}\n    host:  {on_host}\n    build: {here}")
        if is_pytest(args.command):
            for label, line in counts.items():
                reporter.note(f"{label}: {line}")
        if known:
            reporter.note(f"known to differ: {', '.join(difference.test for difference in known)}")
        reporter.note(f"{len(rows)} differences" if rows else "no difference")
    return AuditError.exit_code if rows else 0

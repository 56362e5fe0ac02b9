"""`crossenv init`: write `[tool.crossenv]` and a CI job that builds the wheels."""

from __future__ import annotations

import argparse
import importlib.resources
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from crossenv.cli.common import common_options
from crossenv.config import FILE_NAME, TABLE, read_table
from crossenv.errors import UsageError
from crossenv.files import write_file
from crossenv.platforms import APPLE
from crossenv.report import Reporter
from crossenv.targets import Target, named_target

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CROSSENV, CIBUILDWHEEL = "crossenv", "cibuildwheel"
PLACES = {"github": ".github/workflows/wheels.yml", "gitlab": ".gitlab-ci.yml"}
# What CI has machines of its own for: there builds are native, and tests need no emulator.
RUNNERS = {
    "github": {"x86_64": "ubuntu-latest", "aarch64": "ubuntu-24.04-arm"},
    "gitlab": {"x86_64": "saas-linux-small-amd64", "aarch64": "saas-linux-small-arm64"},
}
USUAL = "x86_64"
# What links for macOS, which the extra `zig` does not bring.
LINKER = {
    "github": "      - run: sudo apt-get update && sudo apt-get install --yes lld\n",
    "gitlab": "    - apt-get update && apt-get install --yes lld\n",
}
# Those of the images in which cibuildwheel builds.
FAMILIES = ("manylinux_", "musllinux_")
# It goes into quotation marks of the shell.
_SPEC = re.compile(r"[\w.,/@:+=~<>!{}\[\]-]+")
TARGETS = ("x86_64", "aarch64")
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One job: targets that are built on one kind of runner."""

    name: str
    runner: str
    targets: tuple[Target, ...]
    native: bool
    pythons: tuple[str, ...]

    @property
    def build(self) -> str:
        """The builds of cibuildwheel. Their machine is the runner's."""
        family = self.targets[0].platform_tag.partition("_")[0]
        return " ".join(f"cp{python.replace('.', '')}-{family}_*" for python in self.pythons)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "init",
        parents=[common_options()],
        help="write [tool.crossenv] and a CI job for a project",
        description="Write [tool.crossenv] into a project's pyproject.toml and, with --ci, a job that builds its"
        " wheels. A file that is there is not replaced unless --force says so.",
    )
    parser.add_argument("directory", metavar="DIR", nargs="?", default=".", help="the project; default: this directory")
    parser.add_argument("--ci", choices=tuple(PLACES), help="write a job for this service")
    parser.add_argument(
        "--builder",
        choices=(CROSSENV, CIBUILDWHEEL),
        default=CROSSENV,
        help="what the job builds with: `crossenv wheel` or cibuildwheel; default: crossenv",
    )
    parser.add_argument(
        "--target",
        action="append",
        metavar="TARGET",
        help="build for this target; can be repeated; default: those of [tool.crossenv], else x86_64 and aarch64",
    )
    parser.add_argument(
        "--python",
        action="append",
        metavar="VERSION",
        help="build for this Python (3.13); can be repeated; default: those that the project supports",
    )
    parser.add_argument(
        "--install",
        metavar="SPEC",
        help="what the job installs: a requirement or the path of a wheel; default: crossenv2 with its extras",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write the job here; default: where the service looks")
    parser.add_argument("--force", action="store_true", help="replace the job's file if there is one")
    parser.add_argument("--dry-run", action="store_true", help="print what would be written; write nothing")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Write the files, all or none; print their names."""
    project = Path(args.directory).expanduser().absolute()
    path = project / FILE_NAME
    if not path.is_file():
        raise UsageError(
            f"{project} has no {FILE_NAME}" if project.is_dir() else f"there is no directory {project}",
            hint="name the directory of a project (crossenv init ./project), or write that file first",
        )
    _, table = read_table(project)
    targets = tuple(args.target or table.get("targets") or TARGETS)
    parsed = [named_target(text) for text in targets]
    text = path.read_text(encoding="utf-8")
    pythons = tuple(args.python or table.get("pythons") or supported_pythons(text, path))
    files: dict[Path, str] = {}
    if table:
        asked = {"targets": args.target, "pythons": args.python}
        if differing := [key for key, value in asked.items() if value and value != table.get(key)]:
            raise UsageError(
                f"{path} has [{TABLE}] already, with other {' and '.join(differing)}", hint=f"change them in {path}"
            )
        reporter.note(f"{path} has [{TABLE}] already; it stays")
    else:
        files[path] = f"{text.rstrip()}\n\n{table_text(targets, pythons)}"
    if args.ci:
        place = project / (args.output or PLACES[args.ci])
        if place.exists() and not args.force:
            raise UsageError(
                f"{place} exists", hint="add --force to replace it, or --output FILE to write another file"
            )
        files[place] = ci_text(args.ci, args.builder, parsed, pythons, args.install)
    elif args.output or args.install:
        raise UsageError("--output and --install go with --ci", hint="add --ci github or --ci gitlab")
    if not args.dry_run:
        for file, content in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            write_file(file, content)
    if args.json:
        reporter.json({"files": {str(file): content for file, content in files.items()}})
        return 0
    for file, content in files.items():
        reporter.result(f"# {file}\n{content}" if args.dry_run else str(file))
    if not args.dry_run:
        reporter.note("build here: crossenv wheel .")
    return 0


def supported_pythons(text: str, path: Path) -> tuple[str, ...]:
    """Return the versions that a project's `requires-python` admits, of those that crossenv builds for.

    Raises:
        UsageError: There is none, or it is not a specifier.
    """
    project = tomllib.loads(text).get("project")
    said = project.get("requires-python", "") if isinstance(project, dict) else ""
    try:
        specifier = SpecifierSet(said)
    except InvalidSpecifier:
        raise UsageError(f"{path}: requires-python is {said!r}", hint='write one such as ">=3.10"') from None
    # A bound such as >=3.12.1 admits later releases of 3.12.
    found = tuple(version for version in PYTHONS if specifier.contains(f"{version}.99"))
    if not found:
        raise UsageError(f"{path}: requires-python {said!r} admits none of {', '.join(PYTHONS)}", hint="name --python")
    return found


def table_text(targets: tuple[str, ...], pythons: tuple[str, ...]) -> str:
    """Return `[tool.crossenv]`; JSON's strings and lists are TOML's."""
    return f"[{TABLE}]\ntargets = {json.dumps(list(targets))}\npythons = {json.dumps(list(pythons))}\n"


def rows(ci: str, builder: str, targets: list[Target], pythons: tuple[str, ...]) -> list[Row]:
    """Share the targets out: a job for each kind of runner and, in cibuildwheel, for each target."""
    runners = RUNNERS[ci]
    grouped: dict[str, list[Target]] = {}
    for target in targets:
        machine = target.machine if target.machine in runners else USUAL
        name = target.platform_tag if builder == CIBUILDWHEEL else machine
        grouped.setdefault(name, []).append(target)
    return [
        Row(
            name=name,
            runner=runners.get(ones[0].machine, runners[USUAL]),
            targets=tuple(ones),
            native=ones[0].machine in runners,
            pythons=pythons,
        )
        for name, ones in grouped.items()
    ]


def ci_text(ci: str, builder: str, targets: list[Target], pythons: tuple[str, ...], install: str | None) -> str:
    """Return the job's file.

    Raises:
        UsageError: cibuildwheel cannot build one of the targets in its containers.
    """
    others = [target.text for target in targets if not target.platform_tag.startswith(FAMILIES)]
    if builder == CIBUILDWHEEL and others:
        raise UsageError(
            f"cibuildwheel's containers do not build for {', '.join(others)}", hint="use --builder crossenv"
        )
    template = importlib.resources.files("crossenv.cli").joinpath(f"ci/{ci}-{builder}.yml").read_text(encoding="utf-8")
    install = install or ("crossenv2[zig]" if builder == CIBUILDWHEEL else "crossenv2[zig,fetch]")
    if not _SPEC.fullmatch(install):
        raise UsageError(
            f"--install {install!r} is not a requirement", hint="write one without blanks: crossenv2[zig]==2.0"
        )
    shared = rows(ci, builder, targets, pythons)
    lines = [_row(ci, builder, row) for row in shared]
    jobs = "\n".join(_gitlab_job(row, install) for row in shared)
    linker = LINKER[ci] if any(target.system in APPLE for target in targets) else ""
    parts = {"@ROWS@": "\n".join(lines), "@JOBS@\n": jobs, "@INSTALL@": install, "@LINKER@\n": linker}
    for name, part in parts.items():
        template = template.replace(name, part)
    return template


def _row(ci: str, builder: str, row: Row) -> str:
    targets = " ".join(target.text for target in row.targets)
    if ci == "gitlab":
        return f"      - RUNNER: {row.runner}\n        CROSSENV_TARGETS: {targets}"
    if builder == CROSSENV:
        return f"          - {{name: {row.name}, runner: {row.runner}, targets: {json.dumps(targets)}}}"
    target = "" if row.native else f", target: {row.targets[0].platform_tag}"
    return f"          - {{name: {row.name}, runner: {row.runner}, build: {json.dumps(row.build)}{target}}}"


def _gitlab_job(row: Row, install: str) -> str:
    variables = {"RUNNER": row.runner, "BUILD": row.build}
    if not row.native:
        variables |= {
            "CIBW_BEFORE_BUILD": f"pip install '{install}' && crossenv create --in-place"
            f" --target {row.targets[0].platform_tag}",
            "CIBW_REPAIR_WHEEL_COMMAND": "crossenv repair --dest {dest_dir} {wheel}",
            "CIBW_TEST_SKIP": "*",
        }
    lines = "".join(f"    {name}: {json.dumps(value)}\n" for name, value in variables.items())
    return (
        f"{row.name}:\n  extends: .wheels\n  variables:\n{lines}  script:\n    - cibuildwheel --output-dir wheelhouse\n"
    )

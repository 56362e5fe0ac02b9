"""Import a wheel's modules and run tests, on the target and on this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path

from crossenv.emulation.command import AnySession, host_command
from crossenv.emulation.model import Command
from crossenv.emulation.trial.outcomes import Outcome, read_outcomes
from crossenv.errors import BuildError


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where programs run: on the target, or on this machine.

    Attributes:
        label: "host" or "build".
        session: The session for programs of the target; None for this machine.
        scripts: The directory of the installed scripts.
        python: The interpreter's name or path there.
        environ: The environment.
    """

    label: str
    session: AnySession | None
    scripts: Path
    python: str
    environ: Mapping[str, str]

    @property
    def where(self) -> str:
        """Where programs run, for people."""
        return "on this machine" if self.session is None else "on the target"

    def command(self, words: Sequence[str]) -> Command:
        """Return the command of this machine that runs `words` there.

        Raises:
            EmulatorError: There is no such program.
        """
        if self.session is not None:
            return host_command(self.session, words, self.environ)
        path = os.pathsep.join((str(self.scripts), self.environ.get("PATH", os.defpath)))
        first = shutil.which(words[0], path=path) or words[0]
        return Command(words=(first, *words[1:]), environment={**self.environ, "PATH": path})


IMPORTED, FAILED, NEEDS_MORE, ENDED = "imported", "failed", "needs more", "ended the interpreter"


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """The import of one module.

    Attributes:
        module: Its full name.
        outcome: "imported"; "failed"; "needs more", if another package is missing; "ended the interpreter".
        message: The error's message.
    """

    module: str
    outcome: str
    message: str = ""

    @property
    def failed(self) -> bool:
        """Whether the module is at fault."""
        return self.outcome in (FAILED, ENDED)


def try_imports(place: Place, modules: Sequence[str], scratch: Path) -> tuple[Import, ...]:
    """Import `modules` in one interpreter; if one ends it, go on with the rest in another."""
    script = str(package_files("crossenv").joinpath("emulation/trial/try_imports.py"))
    results: dict[str, Import] = {}
    left = list(modules)
    while left:
        report = scratch / f"imports-{place.label}.jsonl"
        command = place.command([place.python, script, str(report), *left])
        # The current directory may contain a module of the same name.
        done = subprocess.run(
            command.words,
            env=dict(command.environment),
            cwd=scratch,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
        )
        found = read_imports(report, left, done.returncode)
        reached = [item for item in found if item.message != "not reached"]
        if not reached:
            lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            raise BuildError(
                f"the interpreter did not start {place.where}: {lines[-1]}",
                hint="name a root of the target that has its libraries too: --host-root DIR"
                if "shared libraries" in lines[-1]
                else "check whether it runs: crossenv run -- python -V",
            )
        results |= {item.module: item for item in reached}
        left = [name for name in left if name not in results]
    return tuple(results[name] for name in modules)


def run_tests(place: Place, words: Sequence[str]) -> int:
    """Run a command with its output shown; return its exit status, or 128 plus the signal that ended it."""
    command = place.command(words)
    status = subprocess.run(command.words, env=dict(command.environment), check=False).returncode
    return status if status >= 0 else 128 - status


# The older form of the report names each test's file.
_REPORT = ("-o", "junit_family=xunit1", "-p", "no:cacheprovider")


def is_pytest(words: Sequence[str]) -> bool:
    """Return whether a command is pytest, which reports each test."""
    return words[:1] == ["pytest"] or list(words[:3]) == ["python", "-m", "pytest"]


def test_outcomes(place: Place, words: Sequence[str], scratch: Path, log: Path) -> dict[str, Outcome]:
    """Run a command with its output in `log`; return the outcome of each test, or each printed line.

    Raises:
        BuildError: pytest left no report.
    """
    if is_pytest(words):
        report = scratch / f"junit-{place.label}.xml"
        command = place.command([*words, f"--junit-xml={report}", *_REPORT])
        with log.open("w", encoding="utf-8") as file:
            subprocess.run(command.words, env=dict(command.environment), stdout=file, stderr=file, check=False)
        try:
            return read_outcomes(report)
        except BuildError as error:
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["nothing"]
            raise BuildError(f"{error.message}; it said {place.where}: {said[-1]}", hint=error.hint) from None
    command = place.command(words)
    with log.open("w+", encoding="utf-8", errors="replace") as file:
        status = subprocess.run(
            command.words, env=dict(command.environment), stdout=file, stderr=file, check=False
        ).returncode
        file.seek(0)
        lines = file.read().splitlines()
    outcomes = {f"line {number}": Outcome(result=line) for number, line in enumerate(lines, 1)}
    return {**outcomes, "exit status": Outcome(result=str(status))}


def read_imports(path: Path, modules: Sequence[str], status: int) -> tuple[Import, ...]:
    """Read what `try_imports.py` wrote, for each of `modules`.

    Args:
        path: Its report.
        modules: What it was asked to import.
        status: Its exit status.
    """
    rows: dict[str, dict[str, str]] = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            rows[row["module"]] = row
    except (OSError, ValueError):
        pass
    tops = {name.partition(".")[0] for name in modules}
    return tuple(_import(name, rows.get(name), tops, status) for name in modules)


def _import(name: str, row: dict[str, str] | None, tops: set[str], status: int) -> Import:
    if row is None:
        return Import(module=name, outcome=FAILED, message="not reached")
    if row["outcome"] == "started":
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        return Import(module=name, outcome=ENDED, message=how)
    if row["outcome"] == "absent":
        # A module of the wheel itself must be there; an optional requirement need not.
        own = row["missing"].partition(".")[0] in tops
        return Import(module=name, outcome=FAILED if own else NEEDS_MORE, message=row["message"])
    return Import(module=name, outcome=row["outcome"], message=row.get("message", ""))

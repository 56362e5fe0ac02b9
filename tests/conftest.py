"""Fixtures: hosts, environments, and two guards over every test."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

import hosts
from crossenv.errors import DownloadError

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
RELEASES = {"3.11": "bookworm", "3.13": "trixie", "3.14": "forky", "3.15": "forky"}


def with_thorough(usual: Iterable[object], thorough: Iterable[object]) -> list[object]:
    """Parameters of a test: those of every run, and those that `nox -s integration` adds."""
    return [*usual, *(pytest.param(value, marks=pytest.mark.thorough) for value in thorough)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List why tests were skipped: one line for each reason."""
    skipped = [report.longrepr for report in terminalreporter.stats.get("skipped", ())]
    reasons = Counter(str(where[2]).removeprefix("Skipped: ") for where in skipped if isinstance(where, tuple))
    if reasons:
        terminalreporter.section("skipped", sep="=")
        for reason, number in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
            terminalreporter.write_line(f"{number:4} {reason}")


@pytest.fixture(autouse=True)
def _leaves_no_trace() -> Iterator[None]:
    """A test that changes the working directory or the environment fails."""
    directory, environment = Path.cwd(), dict(os.environ)
    yield
    assert Path.cwd() == directory, "the test changed the working directory"
    now = dict(os.environ)
    # pytest's own, and distutils', which python-discovery asks where it is part of Python.
    for name in ("PYTEST_CURRENT_TEST", "PLAT"):
        environment.pop(name, None)
        now.pop(name, None)
    assert now == environment, "the test changed os.environ"


@pytest.fixture(scope="session")
def host_prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A host Python made from the running one: aarch64 by its configuration and its ELF header."""
    return hosts.make_prefix(tmp_path_factory.mktemp("host"))


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a compiler that makes aarch64 objects and nothing else."""
    return hosts.make_cross_tools(tmp_path_factory.mktemp("tools"))


class CrossenvCommand:
    """The `crossenv` command, run as a user would."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self, *words: str | Path, check: bool = True, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run it; `extra` are environment variables."""
        environment = {**os.environ, "PATH": self.path, **extra}
        result = subprocess.run(
            [sys.executable, "-m", "crossenv", *map(str, words)],
            text=True,
            capture_output=True,
            env=environment,
            check=False,
            # zig's first link for C++ compiles a library.
            timeout=900,
        )
        if check:
            assert result.returncode == 0, result.stderr
        return result


@pytest.fixture(scope="session")
def crossenv(tools: Path) -> CrossenvCommand:
    """The command with the fake compiler first on PATH."""
    return CrossenvCommand(f"{tools}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture(scope="session")
def env(tmp_path_factory: pytest.TempPathFactory, crossenv: CrossenvCommand, host_prefix: Path) -> Path:
    """A cross environment for the made-up host; tests only read it."""
    directory = tmp_path_factory.mktemp("environments") / "env"
    crossenv("create", "--python", sys.executable, "--host-python", host_prefix, directory)
    return directory


Run = Callable[..., str]


@pytest.fixture(scope="session")
def run() -> Run:
    """Run a program and return what it prints; a failure shows its output."""

    def run_program(*words: str | Path, cwd: Path | None = None, **extra: str) -> str:
        result = subprocess.run(
            [str(word) for word in words],
            text=True,
            capture_output=True,
            cwd=cwd,
            env={**os.environ, **extra},
            check=False,
            timeout=1500,
        )
        assert result.returncode == 0, f"{words}: {result.stdout[-4000:]}\n{result.stderr[-6000:]}"
        return result.stdout

    return run_program


@pytest.fixture(scope="session")
def cross_gcc() -> str:
    """The real cross compiler for arm64; tests that need it are skipped where it is missing."""
    found = shutil.which("aarch64-linux-gnu-gcc")
    if found is None or shutil.which("aarch64-linux-gnu-g++") is None:
        pytest.skip("needs aarch64-linux-gnu-gcc and aarch64-linux-gnu-g++ on PATH")
    return found


@pytest.fixture(scope="session")
def real_env(tmp_path_factory: pytest.TempPathFactory, cross_gcc: str, host_prefix: Path) -> Path:
    """A cross environment that compiles for aarch64 with the real cross compiler."""
    directory = tmp_path_factory.mktemp("environments") / "real env"
    CrossenvCommand(os.environ["PATH"])(
        "create", "--python", sys.executable, "--host-python", host_prefix, "--cc", cross_gcc, directory
    )
    return directory


@pytest.fixture(scope="session")
def sysroot(run: Run) -> Path:
    """Debian's arm64 Python of the running version; fetched once, and kept for the next run."""
    release = RELEASES.get(VERSION)
    if release is None:
        pytest.skip(f"Debian ships no Python {VERSION}")
    given = os.environ.get("CROSSENV_TEST_SYSROOTS")
    home = Path(given) if given else Path(__file__).parent.parent / ".cache/sysroots"
    directory = home / f"{release}-arm64"
    if given and not directory.is_dir():
        pytest.skip(f"{given} has no {directory.name}")
    if not given and shutil.which("gpgv") is None:
        pytest.skip("needs gpgv to fetch Debian's Python")
    home.mkdir(parents=True, exist_ok=True)
    # The workers of one run share it.
    with (home / f".{directory.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.is_dir():
            words = ["sysroot", "create", "--from", f"debian:{release}", "--arch", "arm64", str(directory)]
            for package in (f"python{VERSION}", f"libpython{VERSION}-dev"):
                words += ["--package", package]
            done = subprocess.run(
                [sys.executable, "-m", "crossenv", *words], text=True, capture_output=True, check=False
            )
            if done.returncode == DownloadError.exit_code:
                pytest.skip(f"needs Debian's Python {VERSION}: {done.stderr.splitlines()[0]}")
            assert done.returncode == 0, done.stderr
    return directory


@pytest.fixture(scope="session")
def debian_env(sysroot: Path, cross_gcc: str, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    env = tmp_path_factory.mktemp("debian") / "env"
    run(
        sys.executable, "-m", "crossenv", "create", "--python", sys.executable,
        "--host-python", sysroot / f"usr/bin/python{VERSION}", env,
    )  # fmt: skip
    return env


@pytest.fixture(scope="session")
def rust_target(run: Run) -> str:
    """Rust's name of the arm64 host, where cargo can compile for it."""
    target = "aarch64-unknown-linux-gnu"
    rustc = shutil.which("rustc")
    if rustc is None or shutil.which("cargo") is None:
        pytest.skip("needs cargo and rustc on PATH")
    if not Path(run(rustc, "--print", "target-libdir", "--target", target).strip()).is_dir():
        pytest.skip(f"needs Rust's standard library for {target}")
    return target

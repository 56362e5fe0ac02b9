"""Measure creation, start, compilers and launchers against their counterparts, in one paired run.

    python scripts/bench.py --host-python SYSROOT/usr/bin/python3.11 --python python3.11 [--rounds 9]

Creation and start against venv, virtualenv and PyPI's crossenv 1.6.2; builds of two packages with zig and GNU's cross
compiler against native ones; the judge of a built wheel; a compile through zig's launcher against one without.

The candidates take turns within each round, so that a machine that slows down slows all of them; what is
reported is the median over the rounds of each ratio. Writes docs/explanation/speed.md.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from crossenv.codec import encode
from crossenv.wheels.seal import Job

CHECKOUT = Path(__file__).resolve().parent.parent
PEER = "crossenv==1.6.2"
STARTS_A_ROUND = 20
TARGET, WINDOWS = "manylinux_2_28_aarch64", "win_amd64"
# One in C and one in C++; both build with setuptools and nothing else.
PACKAGES = ("regex", "greenlet")
BUILD_ROUNDS = 3
FOR_WINDOWS = f"zig, for {WINDOWS}"
COMPILES_A_ROUND = 10


def timed(words: list[str | Path]) -> float:
    """The wall time of one command, in seconds."""
    started = time.perf_counter()
    subprocess.run([str(word) for word in words], check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return time.perf_counter() - started


def rounds(candidates: dict[str, Callable[[], float]], count: int) -> dict[str, list[float]]:
    """Time every candidate `count` times, in turn, after one round that is not counted."""
    results: dict[str, list[float]] = {name: [] for name in candidates}
    for index in range(count + 1):
        for name, run in candidates.items():
            seconds = run()
            if index:
                results[name].append(seconds)
    return results


def ratio(results: dict[str, list[float]], one: str, other: str) -> str:
    """The median of the pairwise ratios, with the least and the greatest."""
    pairs = [a / b for a, b in zip(results[one], results[other], strict=True)]
    return f"{statistics.median(pairs):.2f} ({min(pairs):.2f} to {max(pairs):.2f})"


def creation(scratch: Path, python: Path, tool: Path, peer: Path, host_python: Path) -> dict[str, Callable[[], float]]:
    """The commands that make an environment with pip on every side it has."""
    commands: dict[str, list[str | Path]] = {
        "crossenv create": [tool / "crossenv", "create", "-q", "--python", python, "--host-python", host_python],
        "crossenv create --target": [
            *(tool / "crossenv", "create", "-q", "--python", python, "--toolchain", "zig", "--target", TARGET),
        ],
        f"crossenv create --target {WINDOWS}": [
            tool / "crossenv",
            "create",
            "-q",
            "--python",
            python,
            "--target",
            WINDOWS,
        ],
        "python -m venv": [python, "-m", "venv"],
        "virtualenv": [tool / "virtualenv", "-q", "--python", python, "--no-download", "--no-periodic-update"],
        "crossenv 1.6.2": [peer / "python", "-m", "crossenv", host_python],
    }

    def run(name: str, words: list[str | Path]) -> Callable[[], float]:
        directory = scratch / name.replace(" ", "-")

        def once() -> float:
            shutil.rmtree(directory, ignore_errors=True)
            return timed([*words, directory])

        return once

    return {name: run(name, words) for name, words in commands.items()}


def starts(scratch: Path, python: Path) -> dict[str, Callable[[], float]]:
    """Starts of the interpreters that `creation` left behind, and of a venv without start-up files of setuptools."""
    timed([python, "-m", "venv", "--without-pip", scratch / "empty-venv"])
    programs = {
        "cross-python of crossenv": scratch / "crossenv-create/bin/cross-python",
        "python of a venv": scratch / "python--m-venv/bin/python",
        "python of an empty venv": scratch / "empty-venv/bin/python",
        "cross-python of crossenv 1.6.2": scratch / "crossenv-1.6.2/bin/cross-python",
    }

    def run(program: Path) -> Callable[[], float]:
        return lambda: sum(timed([program, "-c", "pass"]) for _ in range(STARTS_A_ROUND)) / STARTS_A_ROUND

    return {name: run(program) for name, program in programs.items()}


def builds(scratch: Path, python: Path, tool: Path, host_python: Path) -> dict[str, dict[str, Callable[[], float]]]:
    """Builds of each package, by compiler; downloads and build requirements are there already."""
    create: list[str | Path] = [tool / "crossenv", "create", "-q", "--python", python]
    timed([*create, "--toolchain", "zig", "--target", TARGET, scratch / "zig"])
    timed([*create, "--target", WINDOWS, scratch / "windows"])
    timed([*create, "--toolchain", "recorded", "--host-python", host_python, scratch / "gnu"])
    timed([python, "-m", "venv", scratch / "native"])
    pips = {
        "zig": scratch / "zig/bin",
        FOR_WINDOWS: scratch / "windows/bin",
        "GNU's cross compiler": scratch / "gnu/bin",
        "native": scratch / "native/bin",
    }
    made: dict[str, dict[str, Callable[[], float]]] = {}
    for name, directory in pips.items():
        build_side = directory / ("pip" if name == "native" else "build-pip")
        timed([build_side, "install", "-q", "-U", "setuptools", "wheel"])
    for package in PACKAGES:
        sdists = scratch / "sdists" / package
        timed([pips["native"] / "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", sdists, package])
        (sdist,) = sdists.iterdir()
        words: list[str | Path] = [
            "wheel",
            "-q",
            "--no-deps",
            "--no-cache-dir",
            "--no-build-isolation",
            "-w",
            scratch / "out",
            sdist,
        ]
        made[package] = {name: _build([directory / "pip", *words]) for name, directory in pips.items()}
    return made


def _build(words: list[str | Path]) -> Callable[[], float]:
    return lambda: timed(words)


def compiles(scratch: Path) -> dict[str, Callable[[], float]]:
    """A small compile through the launcher, and by zig called as the launcher calls it."""
    launcher = next((scratch / "zig/etc/bin").glob("*-clang"))
    settings = dict(line.split(" ", 1) for line in (launcher.parent / "zig.conf").read_text().splitlines())
    source = scratch / "small.c"
    source.write_text("int small(int x) { return x + 1; }\n", encoding="utf-8")
    words: list[str | Path] = ["-O2", "-fPIC", "-c", source, "-o", scratch / "small.o"]
    os.environ |= {"ZIG_GLOBAL_CACHE_DIR": settings["cache"], "ZIG_LOCAL_CACHE_DIR": str(scratch / "objects")}
    direct: list[str | Path] = ["cc", "-target", settings["target"], "-fno-sanitize=undefined", "-g0", "-Wno-date-time"]
    commands: dict[str, list[str | Path]] = {
        "through the launcher": [launcher, *words],
        "zig called directly": [settings["zig"], *direct, *words],
    }

    def run(command: list[str | Path]) -> Callable[[], float]:
        return lambda: sum(timed(command) for _ in range(COMPILES_A_ROUND)) / COMPILES_A_ROUND

    return {name: run(command) for name, command in commands.items()}


def judgements(scratch: Path, python: Path) -> dict[str, Callable[[], float]]:
    """What each build pays for its judge: a wheel of `builds` judged, and the start of an interpreter."""
    (wheel,) = (scratch / "out").glob(f"{PACKAGES[-1]}-*-{TARGET}.whl")
    job = Job(
        wheel=str(wheel),
        environment=str(scratch / "zig"),
        editable=False,
        ready_made=False,
        written=(),
        repair=False,
        attempted={},
        compiler_called=True,
        allow_pure=(),
        site_directories=(),
    )
    told = encode(job).encode()

    def judged() -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "crossenv", "seal"], input=told, check=True, capture_output=True)
        return time.perf_counter() - started

    return {"crossenv seal": judged, "python -c pass": lambda: timed([python, "-c", "pass"])}


def table(results: dict[str, list[float]], base: str) -> list[str]:
    """Rows of a Markdown table: each candidate's ratio to the base and its median time."""
    lines = [f"| | ratio to {base} | median here |", "| --- | --- | --- |"]
    for name, values in results.items():
        lines.append(f"| {name} | {ratio(results, name, base)} | {statistics.median(values) * 1000:.0f} ms |")
    return lines


def main() -> int:
    """Run both comparisons and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host-python", type=Path, required=True, help="a host Python in a sysroot")
    parser.add_argument("--python", type=Path, required=True, help="the build Python, of the same version")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    # Without their byte code, starts compile their modules each time.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="crossenv-bench-") as directory:
        scratch = Path(directory)
        peer = scratch / "peer/bin"
        subprocess.run([options.python, "-m", "venv", scratch / "peer"], check=True)
        subprocess.run([peer / "python", "-m", "pip", "install", "-q", PEER], check=True)
        tool = Path(sys.executable).parent
        created = rounds(creation(scratch, options.python, tool, peer, options.host_python.resolve()), options.rounds)
        started = rounds(starts(scratch, options.python), options.rounds)
        built = {
            package: rounds(candidates, BUILD_ROUNDS)
            for package, candidates in builds(scratch, options.python, tool, options.host_python.resolve()).items()
        }
        compiled = rounds(compiles(scratch), options.rounds)
        judged = rounds(judgements(scratch, options.python), options.rounds)
    difference = [
        (a - b) * 1000 for a, b in zip(compiled["through the launcher"], compiled["zig called directly"], strict=True)
    ]
    date = datetime.datetime.now(datetime.timezone.utc).date()
    lines = [
        "# Speed",
        "",
        f"Written by `nox -s bench` on {date}: Python {platform.python_version()}, {os.cpu_count()} cores,",
        f"{options.rounds} rounds. Ratios are the medians of pairs made in turn, with the least and the greatest.",
        "Single times depend on the machine and are given for scale only.",
        "",
        "## Making an environment, with pip on both sides",
        "",
        *table(created, "crossenv 1.6.2"),
        "",
        f"Against `python -m venv`: {ratio(created, 'crossenv create', 'python -m venv')};"
        f" against virtualenv: {ratio(created, 'crossenv create', 'virtualenv')}.",
        "",
        "## Starting the interpreter (`-c pass`)",
        "",
        *table(started, "python of a venv"),
        "",
        f"## Building a wheel for {TARGET}, against the native one",
        "",
        "`pip wheel --no-build-isolation` of a downloaded sdist, the C library and libc++ of zig made before.",
        *(line for package in PACKAGES for line in ("", f"### {package}", "", *table(built[package], "native"))),
        "",
        f"For {WINDOWS} against {TARGET}, both with zig: "
        + "; ".join(f"{package} {ratio(built[package], FOR_WINDOWS, 'zig')}" for package in PACKAGES)
        + ".",
        "",
        "## Judging a small wheel that was built",
        "",
        *table(judged, "python -c pass"),
        "",
        "## A compile of one small file through zig's launcher",
        "",
        *table(compiled, "zig called directly"),
        "",
        f"The launcher costs {statistics.median(difference):.1f} ms a compile"
        f" ({min(difference):.1f} to {max(difference):.1f} over the rounds).",
    ]
    text = "\n".join(lines) + "\n"
    (CHECKOUT / "docs/explanation/speed.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure creation and start against venv, virtualenv and PyPI's crossenv 1.6.2, in one paired run.

    python scripts/bench.py --host-python SYSROOT/usr/bin/python3.11 [--rounds 9]

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

CHECKOUT = Path(__file__).resolve().parent.parent
PEER = "crossenv==1.6.2"
STARTS_A_ROUND = 20


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


def starts(scratch: Path) -> dict[str, Callable[[], float]]:
    """Starts of the interpreters that `creation` left behind."""
    programs = {
        "cross-python of crossenv": scratch / "crossenv-create/bin/cross-python",
        "python of a venv": scratch / "python--m-venv/bin/python",
        "cross-python of crossenv 1.6.2": scratch / "crossenv-1.6.2/bin/cross-python",
    }

    def run(program: Path) -> Callable[[], float]:
        return lambda: sum(timed([program, "-c", "pass"]) for _ in range(STARTS_A_ROUND)) / STARTS_A_ROUND

    return {name: run(program) for name, program in programs.items()}


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
    with tempfile.TemporaryDirectory(prefix="crossenv-bench-") as directory:
        scratch = Path(directory)
        peer = scratch / "peer/bin"
        subprocess.run([options.python, "-m", "venv", scratch / "peer"], check=True)
        subprocess.run([peer / "python", "-m", "pip", "install", "-q", PEER], check=True)
        tool = Path(sys.executable).parent
        created = rounds(creation(scratch, options.python, tool, peer, options.host_python.resolve()), options.rounds)
        started = rounds(starts(scratch), options.rounds)
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
    ]
    text = "\n".join(lines) + "\n"
    (CHECKOUT / "docs/explanation/speed.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

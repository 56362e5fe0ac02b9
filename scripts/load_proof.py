"""How many compiles run at once with `--jobs 4`, with the core budget and without it.

    python scripts/load_proof.py [--target NAME] [--jobs N] [--seconds N] [REQ ...]

Samples /proc while `crossenv wheel` builds packages that compile in parallel. Without the budget is as it was before
there was one: every build may start, and no tool is told how many processes to use. Processes that wait for a core
count as much as those that have one, so other work on the machine changes the time, not the counts. Writes
docs/explanation/peak-load.md.
"""

from __future__ import annotations

import argparse
import datetime
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = CHECKOUT / "docs/explanation/peak-load.md"
# With Meson and Ninja, and with scikit-build-core and Ninja.
REQUIREMENTS = ("contourpy==1.3.3", "pywavelets==1.8.0", "h3==4.3.1", "pandas==2.3.3")
LIMIT = 1.3
PAUSE = 0.2
# A peak is what lasts: a load average over this many seconds.
WINDOW = 5.0
# What works in a compile; the drivers that wait for it do not count.
COMPILERS = ("cc1", "cc1plus", "as", "clang", "zig", "ld", "ld.lld", "collect2")
WITHOUT = """
import contextlib, sys
import crossenv.farm.run as run

class NoBudget:
    def __init__(self, cores):
        self.cores = cores
    @contextlib.contextmanager
    def share(self, wanted):
        yield self.cores
    alone = share

run.Budget, run.shares = NoBudget, lambda cores: {}
from crossenv.cli.main import main
sys.exit(main())
"""


@dataclass
class Load:
    """What was seen of a run.

    Attributes:
        samples: When, how many compiles were runnable, and how many processes of the run were.
        seconds: How long it took.
    """

    samples: list[tuple[float, int, int]]
    seconds: float

    def most(self, column: int) -> int:
        """Return the most in one sample."""
        return int(max(sample[column] for sample in self.samples))

    def peak(self, column: int) -> float:
        """Return the highest average over the window."""
        best, start = 0.0, 0
        for end, sample in enumerate(self.samples):
            while sample[0] - self.samples[start][0] > WINDOW:
                start += 1
            window = [one[column] for one in self.samples[start : end + 1]]
            if sample[0] >= WINDOW:
                best = max(best, sum(window) / len(window))
        return best


def main() -> int:
    """Build both ways, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--target", default="aarch64")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=300.0, help="how long to look, from the first compile on")
    parser.add_argument("requirements", nargs="*", default=REQUIREMENTS)
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    loads = {}
    with tempfile.TemporaryDirectory(prefix="crossenv-load-") as name:
        for label, start in (("with", ["-m", "crossenv"]), ("without", ["-c", WITHOUT])):
            words = [*start, "wheel", "-q", "--target", options.target, "--toolchain", "zig", "-j", str(options.jobs)]
            words += ["-w", f"{name}/{label}", *options.requirements]
            loads[label] = watched([sys.executable, *words], Path(name), options.seconds)
            print(label, *(f"{loads[label].peak(n):.2f} {loads[label].most(n)}" for n in (1, 2)), flush=True)
    PAGE.write_text("\n".join(page(options, cores, loads)), encoding="utf-8")
    return loads["with"].peak(2) > LIMIT * cores


def watched(words: list[str], directory: Path, limit: float) -> Load:
    """Run a command, and count what of it is runnable, for a while."""
    began, compiled = time.monotonic(), 0.0
    samples: list[tuple[float, int, int]] = []
    with subprocess.Popen(words, cwd=directory) as process:
        while process.poll() is None and (not compiled or samples[-1][0] < compiled + limit):
            samples.append((time.monotonic() - began, *runnable(process.pid)))
            compiled = compiled or samples[-1][0] * bool(samples[-1][1])
            time.sleep(PAUSE)
        process.terminate()
    if process.returncode not in (0, 130):
        raise SystemExit(f"a build failed: {words}")
    return Load(samples, samples[-1][0])


def runnable(root: int) -> tuple[int, int]:
    """Return how many compilers and how many processes in all below a process are runnable (proc(5))."""
    parents, busy = {}, {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            before, _, after = Path(entry.path, "stat").read_text().rpartition(")")
        except OSError:
            continue
        state, parent = after.split()[:2]
        parents[int(entry.name)] = int(parent)
        if state in "RD":
            busy[int(entry.name)] = before.partition("(")[2]
    compilers = everything = 0
    for number, name in busy.items():
        above = number
        while above in parents and above != root:
            above = parents[above]
        if above == root:
            everything += 1
            compilers += name in COMPILERS
    return compilers, everything


def page(options: argparse.Namespace, cores: int, loads: dict[str, Load]) -> list[str]:
    """Return the page's lines."""
    date = datetime.datetime.now(datetime.timezone.utc).date()
    rows = [
        f"| {label} the budget | {load.peak(1):.1f} | {load.most(1)} | {load.peak(2):.1f} | {load.peak(2) / cores:.2f}"
        f" | {load.most(2)} |"
        for label, load in loads.items()
    ]
    return [
        "# Peak load",
        "",
        f"Written by `nox -s peak_load` on {date}: `crossenv wheel --jobs {options.jobs}` with zig for",
        f"{options.target}, on {cores} cores, which other work used too. These projects compile in parallel:",
        f"{', '.join(options.requirements)}.",
        "",
        "The processes of the run that are runnable (running, or waiting for a core) were counted five times a second,",
        f"for {options.seconds:g} seconds from the first compile on. A peak is the highest average over",
        f"{WINDOW:g} seconds.",
        "",
        "| | compilers, peak | at most | all processes, peak | for each core | at most |",
        "| --- | --- | --- | --- | --- | --- |",
        *rows,
        "",
        "Without the budget every build may start, and no tool is told how many processes to use: Ninja runs two",
        "more compiles for each build than there are cores.",
        "",
    ]


if __name__ == "__main__":
    sys.exit(main())

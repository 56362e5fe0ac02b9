"""Compile caches: no wrong hit among fuzzed targets and options, and what a rebuild costs.

    python scripts/compile_cache_proof.py [--kinds N] [--seed N] [REQ ...]

Writes docs/explanation/compile-cache.md.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = CHECKOUT / "docs/explanation/compile-cache.md"
# Options of `crossenv create`: machines, C libraries, glibc floors, processors.
TARGETS = (
    ("--target", "manylinux_2_28_aarch64"),
    ("--target", "manylinux_2_17_aarch64"),
    ("--target", "manylinux_2_28_aarch64", "--cpu", "cortex_a72"),
    ("--target", "musllinux_1_2_aarch64"),
    ("--target", "manylinux_2_28_x86_64"),
    ("--target", "manylinux_2_28_x86_64", "--cpu", "x86_64_v3"),
    ("--target", "manylinux_2_31_armv7l"),
    ("--target", "manylinux_2_31_riscv64"),
)
CHOICES = (
    ("", "-O0", "-O1", "-O2", "-O3", "-Os"),
    ("", "-fPIC"),
    ("", "-g"),
    ("", "-DSIZE=3", "-DSIZE=4", "-USIZE"),
    ("", "-ffast-math"),
    ("", "-fvisibility=hidden"),
    ("", "-fwrapv"),
    ("", "-funroll-loops"),
    ("", "-std=c99", "-std=gnu17"),
    ("", "-Wall"),
)
# What they make differs, though they all read the same text.
SOURCE = """#ifndef SIZE
#define SIZE 5
#endif
int sum(const int *numbers, int count) {
    int total = 0;
    for (int i = 0; i < count * SIZE; i++) total += numbers[i];
    return total + (total + 1 > total);
}
double mean(const double *numbers) { return (numbers[0] + numbers[1] + numbers[2]) / 3.0; }
const char *name(void) { return __FILE__; }
"""
REQUIREMENTS = ("contourpy==1.3.3", "zstandard==0.23.0", "kiwisolver==1.4.7")


@dataclass
class Fuzz:
    """What was seen of one cache."""

    program: str
    kinds: int
    objects: int
    hits: int
    wrong: list[str]


@dataclass
class Rebuild:
    """How long a build took without and with a filled cache: seconds of the clock, and of processors."""

    requirement: str
    cold: tuple[float, float]
    warm: tuple[float, float]


def main() -> int:
    """Fuzz, build, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kinds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("requirements", nargs="*", default=REQUIREMENTS)
    options = parser.parse_args()
    seen: list[Fuzz] = []
    with tempfile.TemporaryDirectory(prefix="crossenv-cache-") as name:
        directory = Path(name)
        os.environ.update(CCACHE_DIR=f"{name}/cache", SCCACHE_DIR=f"{name}/scache", SCCACHE_SERVER_PORT="4390")
        for program in ("ccache", "sccache"):
            if shutil.which(program):
                seen.append(fuzz(directory / program, program, options.kinds, options.seed))
                print(seen[-1], flush=True)
        rebuilds = rebuilt(directory / "builds", options.requirements)
        print(rebuilds, flush=True)
        if shutil.which("sccache"):
            subprocess.run(["sccache", "--stop-server"], check=False, capture_output=True)
    PAGE.write_text("\n".join(page(seen, rebuilds, options.seed)), encoding="utf-8")
    return any(one.wrong for one in seen) or not seen


def environment(place: Path, *words: str) -> Path:
    """Make an environment with zig."""
    create = [sys.executable, "-m", "crossenv", "create", "-q", "--toolchain", "zig", "--without-pip", *words]
    subprocess.run([*create, str(place)], check=True, stdout=subprocess.DEVNULL)
    return place


def compiler_of(place: Path) -> str:
    """Return the C compiler that builds call."""
    (found,) = (place / "etc/bin").glob("*-clang")
    return str(found)


def fuzz(directory: Path, program: str, kinds: int, seed: int) -> Fuzz:
    """Compile in many ways through one cache, and compare each object with one that was compiled without it.

    If each way gets its own object, with the cache empty and with all the others in it, the cache mixes up no two.
    """
    directory.mkdir()
    compilers = [
        compiler_of(environment(directory / f"env-{number}", *words, "--compile-cache", program))
        for number, words in enumerate(TARGETS)
    ]
    chance = random.Random(seed)  # noqa: S311
    # pip gives each build a directory of its own.
    trees = [directory / f"tree-{number}" for number in range(2)]
    for tree in trees:
        tree.mkdir()
        (tree / "one.c").write_text(SOURCE)
    ways: dict[tuple[int, tuple[str, ...]], str] = {}
    while len(ways) < kinds:
        options = options_of(chance)
        # The same options for another target too.
        for target in chance.sample(range(len(TARGETS)), 2):
            ways[target, options] = ""
    for target, options in ways:
        ways[target, options] = made(compilers[target].replace("/etc/bin/", "/etc/direct/bin/"), options, trees[0])
    wrong = []
    for tree in trees:
        for target, options in chance.sample(list(ways), len(ways)):
            if made(compilers[target], options, tree) != ways[target, options]:
                wrong.append(" ".join((*TARGETS[target], *options)))
    return Fuzz(program, len(ways), len(set(ways.values())), hits_of(program), wrong)


def options_of(chance: random.Random) -> tuple[str, ...]:
    """Choose options of a compile; few of them, so that some come again."""
    found = [chance.choice(choice) if chance.random() < 0.3 else "" for choice in CHOICES]
    return tuple(filter(None, found))


def made(compiler: str, options: tuple[str, ...], tree: Path) -> str:
    """Compile; return the object's digest."""
    words = [compiler, *options, "-c", "one.c", "-o", "one.o"]
    environ = {**os.environ, "CROSSENV_SOURCE_DIRECTORY": str(tree)}
    subprocess.run(words, check=True, cwd=tree, env=environ)
    data = (tree / "one.o").read_bytes()
    # With -g the name of the tree is in it.
    return hashlib.sha256(data.replace(str(tree).encode(), str(tree.parent / "tree-0").encode())).hexdigest()


def hits_of(program: str) -> int:
    """Return how many hits a cache has counted."""
    words = ["sccache", "--show-stats"] if program == "sccache" else ["ccache", "--show-stats"]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    found = re.search(r"(?:Cache hits|Hits:)\s+(\d+)", said)
    return int(found[1]) if found else 0


def rebuilt(directory: Path, requirements: list[str]) -> list[Rebuild]:
    """Build each twice: with an empty cache, and again in another environment."""
    found = []
    directory.mkdir()
    words = ("--target", "aarch64", "--toolchain", "zig", "--compile-cache", "ccache")
    places = [directory / "cold", directory / "warm"]
    for place in places:
        subprocess.run([sys.executable, "-m", "crossenv", "create", "-q", *words, str(place)], check=True)
    for requirement in requirements:
        shutil.rmtree(os.environ["CCACHE_DIR"], ignore_errors=True)
        found.append(Rebuild(requirement, *(timed(place, requirement, directory / "wheels") for place in places)))
        print(found[-1], flush=True)
    return found


def timed(place: Path, requirement: str, wheels: Path) -> tuple[float, float]:
    """Build a wheel; return the seconds that it took: of the clock, and of processors."""
    pip = str(place / "bin/cross-pip")
    # Only it: the build requirements may come as wheels.
    own = requirement.partition("=")[0]
    words = [pip, "wheel", "-q", "--no-deps", "--no-binary", own, "-w", str(wheels), requirement]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(words, check=True)
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    shutil.rmtree(wheels)
    # What pip has cached of it.
    subprocess.run([pip, "-q", "cache", "remove", own], check=False, stderr=-3)
    return ended - began, used


def page(seen: list[Fuzz], rebuilds: list[Rebuild], seed: int) -> list[str]:
    """Return the page's lines."""
    date = datetime.datetime.now(datetime.timezone.utc).date()
    cold, warm = (tuple(sum(getattr(one, name)[at] for one in rebuilds) for at in (0, 1)) for name in ("cold", "warm"))
    lines = [
        "# Compile caches",
        "",
        f"Written by `nox -s compile_cache` on {date}, with zig as the compiler.",
        "",
        "## Wrong hits",
        "",
        f"Compiles of one source for {len(TARGETS)} targets (machines, C libraries, floors of glibc, processors), with",
        f"options drawn by chance (seed {seed}), all through one cache: once to fill it, and again from another",
        "directory. Each object is compared with one that was compiled without a cache, so any two kinds of compiles",
        "that the cache took for each other would show.",
        "",
        "| cache | kinds of compiles | pairs of them | different objects | hits | wrong |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {one.program} | {one.kinds} | {one.kinds * (one.kinds - 1) // 2} | {one.objects} | {one.hits}"
            f" | {len(one.wrong)} |"
            for one in seen
        ),
        *(f"\nwrong: `{text}`" for one in seen for text in one.wrong[:10]),
        "",
    ]
    if not rebuilds:
        return lines
    return [
        *lines,
        "## A rebuild",
        "",
        "`cross-pip wheel` with an empty ccache, and once more in another environment, which has other paths. Seconds",
        "of the clock, and of processors, which other work disturbs less:",
        "",
        "| project | cold | warm | ratio | cold, processors | warm, processors | ratio |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(_row(one.requirement, one.cold, one.warm) for one in rebuilds),
        _row("all", cold, warm),
        "",
        "What is left is the preprocessor, the link, and pip's own work, which makes an environment for the",
        "build: some seconds. kiwisolver includes the C++ library before `Python.h`, so clang warns of a macro that is",
        "defined twice and names the headers' directories; ccache takes what is said as part of a compile, and misses",
        "three files of seven.",
        "",
    ]


def _row(name: str, cold: tuple[float, ...], warm: tuple[float, ...]) -> str:
    ratios = [f"{there / here:.2f}" for here, there in zip(cold, warm, strict=True)]
    return f"| {name} | {cold[0]:.1f} | {warm[0]:.1f} | {ratios[0]} | {cold[1]:.1f} | {warm[1]:.1f} | {ratios[1]} |"


if __name__ == "__main__":
    sys.exit(main())

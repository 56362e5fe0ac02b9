"""Build ten packages for free-threaded Python on arm64 twice, with and without the GIL here, and compare and use them.

    python scripts/free_threaded_proof.py --gil PYTHON --free-threaded PYTHON --host PYTHON [--only NAME ...]

--gil and --free-threaded are two builds of one CPython for this machine, --host is the free-threaded one for arm64
(`cpython_hosts.py` makes the last two). Each package is built from its newest sdist with plain `cross-pip wheel NAME`.
Every allocated section of the native files is compared, after `strip`. The wheel that the Python with the GIL made is
used under qemu-user, with PYTHON_GIL=0 and without. Writes docs/explanation/data/free-threaded/VERSION.json. Needs
gcc-aarch64-linux-gnu.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from checks import CHECKS, Check
from elftools.elf.elffile import ELFFile
from inspection import native_files
from results import CACHE, keep, known, today
from small_set import output

# One that no list of popular packages has: the smallest module of nanobind.
NANOBIND = {
    "pyproject.toml": """[build-system]
requires = ["scikit-build-core", "nanobind"]
build-backend = "scikit_build_core.build"
[project]
name = "nano-project"
version = "1"
""",
    "CMakeLists.txt": """cmake_minimum_required(VERSION 3.15...3.30)
project(nano_project LANGUAGES CXX)
find_package(Python 3.9 REQUIRED COMPONENTS Interpreter Development.Module)
find_package(nanobind CONFIG REQUIRED)
nanobind_add_module(nano_project FREE_THREADED nano.cpp)
install(TARGETS nano_project LIBRARY DESTINATION .)
""",
    "nano.cpp": """#include <nanobind/nanobind.h>
NB_MODULE(nano_project, module) { module.def("add", [](int a, int b) { return a + b; }); }
""",
}
PACKAGES = {
    **{name: CHECKS[name] for name in ("markupsafe", "frozenlist", "wrapt", "kiwisolver", "contourpy", "rpds-py")},
    "msgpack": dataclasses.replace(CHECKS["msgpack"], back_end="setuptools, Cython"),
    "propcache": dataclasses.replace(CHECKS["propcache"], back_end="setuptools, Cython"),
    "levenshtein": Check(
        back_end="scikit-build-core, Cython",
        code="from Levenshtein import levenshtein_cpp as c; assert c.median(['spam', 'spam', 'sam']) == 'spam'",
        needs=("rapidfuzz",),
    ),
    "nano-project": Check(
        back_end="scikit-build-core, nanobind", code="import nano_project; assert nano_project.add(40, 2) == 42"
    ),
}
# The last release that takes free-threaded Python 3.13.
REQUIREMENTS = {"rpds-py": "rpds-py==0.30.0"}
ASK = "\nimport sys; print('GIL' if sys._is_gil_enabled() else 'no GIL')"


def sections(data: bytes) -> dict[str, bytes]:
    """What a native file brings into memory, by section; the build ID hashes debug information as well."""
    elf = ELFFile(io.BytesIO(data))
    allocated = 2
    loaded = (one for one in elf.iter_sections() if one["sh_flags"] & allocated)
    return {one.name: one.data() for one in loaded if one.name != ".note.gnu.build-id"}


def stripped(wheel: Path, work: Path) -> dict[str, dict[str, bytes]]:
    """The sections of each native file of a wheel, after strip."""
    found = {}
    for name, data in native_files(wheel).items():
        file = work / "stripped.so"
        file.write_bytes(data)
        output(["aarch64-linux-gnu-strip", file])
        found[name] = sections(file.read_bytes())
    return found


def difference(one: dict[str, dict[str, bytes]], other: dict[str, dict[str, bytes]]) -> str:
    """The first three sections in which two wheels differ; "" if they are the same."""
    if one.keys() != other.keys():
        return f"other files: {' '.join(sorted(one.keys() ^ other.keys()))}"
    differing = [
        f"{name.rpartition('/')[2]}{section}"
        for name, mine in one.items()
        for section in sorted(mine.keys() | other[name].keys())
        if mine.get(section) != other[name].get(section)
    ]
    return ", ".join(differing[:3])


class Proof:
    """Two environments for one target, and what is built in them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.work = CACHE / "free-threaded"
        self.host: Path = options.host
        self.root: Path = options.root
        self.environments = {"gil": options.gil, "free": options.free_threaded}
        crossenv = Path(sys.executable).parent / "crossenv"
        for name, python in self.environments.items():
            if not (self.work / name / "crossenv.json").exists():
                words: list[str | Path] = [crossenv, "create", "-q", "--target", "linux_aarch64", "--toolchain", "gnu"]
                output([*words, "--free-threaded", "--python", python, self.work / name])
        project = self.work / "nano-project"
        for file, text in NANOBIND.items():
            project.mkdir(parents=True, exist_ok=True)
            (project / file).write_text(text, encoding="utf-8")

    def wheel(self, side: str, name: str) -> Path:
        """The wheel from one of the environments."""
        directory = self.work / "wheels" / side / name
        if not list(directory.glob("*.whl")):
            project = self.work / name
            what = project if project.is_dir() else REQUIREMENTS.get(name, name)
            words: list[str | Path] = [self.work / side / "bin/cross-pip", "wheel", "--no-deps", "--no-binary", name]
            output([*words, "-w", directory, what])
        return next(directory.glob("*.whl"))

    def build(self, names: list[str], jobs: int) -> None:
        """Build several at a time; what fails is told when it is asked for."""

        def one(job: tuple[str, str]) -> None:
            with contextlib.suppress(RuntimeError):
                self.wheel(*job)
                print(*job, "built", flush=True)

        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(one, [(side, name) for name in names for side in self.environments]))

    def use(self, wheel: Path, check: Check) -> dict[str, str]:
        """What the interpreter for arm64 says of the GIL once it has used a wheel, with PYTHON_GIL=0 and without."""
        target = self.work / "used"
        shutil.rmtree(target, ignore_errors=True)
        shutil.unpack_archive(wheel, target, "zip")
        if check.needs:
            words: list[str | Path] = [self.work / "gil/bin/cross-pip", "install", "-q", "--target", target / "needs"]
            output([*words, "--prefer-binary", *check.needs])
        emulated = ["qemu-aarch64-static", "-L", str(self.root), str(self.host)]
        path = f"{target}{os.pathsep}{target / 'needs'}"
        said = {}
        for name, extra in (("forced", {"PYTHON_GIL": "0"}), ("free", {})):
            lines = output([*emulated, "-W", "ignore", "-c", check.code + ASK], PYTHONPATH=path, **extra)
            said[name] = lines.strip().splitlines()[-1]
        return said

    def prove(self, name: str, check: Check) -> dict[str, Any]:
        """Build a package twice; what the page shows of it."""
        row: dict[str, Any] = {"back_end": check.back_end, "wheel": "", "date": today()}
        try:
            ours, theirs = self.wheel("gil", name), self.wheel("free", name)
            row["wheel"] = ours.name
            row["differs"] = difference(stripped(ours, self.work), stripped(theirs, self.work))
            if ours.name != theirs.name:
                row["differs"] = f"is called {theirs.name}"
            row["used"] = self.use(ours, check)
            row["result"] = "works" if row["used"]["forced"] == "no GIL" else "failed"
        except (RuntimeError, StopIteration) as error:
            row |= {"result": "failed", "error": str(error)}
        return row


def main() -> int:
    """Build, compare and use them, and write the data after each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gil", type=Path, required=True, help="a CPython with the GIL")
    parser.add_argument("--free-threaded", type=Path, required=True, help="the free-threaded build of it")
    parser.add_argument("--host", type=Path, required=True, help="the free-threaded one for arm64")
    parser.add_argument(
        "--root",
        type=Path,
        default=Path("/usr/aarch64-linux-gnu"),
        help="where its C library is, and zlib, which numpy wants (`crossenv sysroot create`)",
    )
    parser.add_argument("--only", action="append", choices=PACKAGES, help="only this package, again")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    proof = Proof(options)
    record = json.loads((proof.work / "gil/crossenv.json").read_text(encoding="utf-8"))
    version = record["host"]["version"]
    rows: dict[str, Any] = known("free-threaded", version).get("packages", {})
    proof.build(options.only or list(PACKAGES), options.jobs)
    for name in options.only or PACKAGES:
        rows[name] = proof.prove(name, PACKAGES[name])
        print(name, json.dumps(rows[name]), flush=True)
        compiler = f"{record['toolchain']['family']} {record['toolchain']['version']}"
        about = {"version": version, "compiler": compiler, "date": today()}
        keep(
            "free-threaded", version, {"about": about, "packages": {one: rows[one] for one in PACKAGES if one in rows}}
        )
    return int(any(row["result"] != "works" for row in rows.values()))


if __name__ == "__main__":
    sys.exit(main())

"""Build packages for Pyodide, audit them, and run their own tests under node.

    python scripts/pyodide_proof.py --emsdk DIR [--abis 2025_0,2026_0] [--packages markupsafe,msgpack]

Pyodide comes from npm's packages `pyodide` (into `.cache/pyodide`), sdists from the index. Needs npm, node, emscripten
in DIR or on PATH (`--any-emscripten` takes one of another version), and a Python of each ABI's version on this machine
(uv gets one that is missing). Of a package whose tests cannot run there the modules are imported only. Prints a line
for each package and ABI, and writes docs/explanation/data/pyodide; the exit status is 1 if one fails.

With `--index` the wheels of the index are taken where there are any (msgpack), and the same tests run with them.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from results import CACHE, has_failed, keep, known, today
from windows_proof import Tests, crossenv, outcome, source_of

from crossenv.platforms.emscripten import ABIS

# A release of npm's package for each ABI.
RELEASES = {"2024_0": "0.27.8", "2025_0": "0.29.5", "2026_0": "314.0.7", "2026_5": "315.0.0-alpha.2"}
# Most of what has native code in it.
NUMPY = ("numpy.linalg", "numpy.fft", "numpy.random", "numpy._core.tests.test_ufunc", "numpy._core.tests.test_umath")
# None: the modules are imported.
TESTS: dict[str, Tests | None] = {
    "markupsafe": Tests(place="tests"),
    "msgpack": Tests(place="test"),
    "ujson": Tests(place="tests"),
    # Without threads, without `asyncio.run` (it needs a later node); one wants modules that are files.
    "wrapt": Tests(
        place="tests/core",
        without="(test_synchronized_async or test_synchronized_markers or import_deadlock or test_loader or aiter"
        " or await or threading_safety or async_context_manager)",
    ),
    "lz4": Tests(place="tests/block/test_block_1.py"),
    # `test_main` starts unittest, which reads pytest's options; the other starts threads.
    "regex": Tests(place="regex/tests", without="(test_main or test_shared_iterators)"),
    "kiwisolver": Tests(place="py/tests", without="(test_expression_creation or test_term_creation)"),
    # The newest hypothesis is partly in Rust.
    "rapidfuzz": Tests(place="tests", needs=("hypothesis<6.140",)),
    # Its own settings of pytest want a plugin; the tests left out start threads, or are of how it is built.
    "propcache": Tests(
        place="tests",
        without="concurrent_eviction",
        options=("-c", "/dev/null", "--ignore-glob=*pep517*"),
    ),
    "numpy": Tests(needs=("hypothesis<6.140",), options=("--pyargs", *NUMPY)),
    # Without threads, and without the tests that compare images, which need matplotlib.
    "contourpy": Tests(
        place="tests/test_filled.py", without="(thread or simple or filled_random or slow)", needs=("numpy",)
    ),
    "iminuit": Tests(place="tests", needs=("numpy",), options=("-c", "/dev/null")),
    "multidict": None,
    "zstandard": None,
}
# Their own faults end the process. kiwisolver's `tp_clear` functions return nothing where CPython calls for an int, and
# WebAssembly does not forgive that: a garbage collection that clears one of its objects is the last, even at exit.
FAULTY = ("kiwisolver",)


def main() -> int:
    """Prove each package with each ABI."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emsdk", type=Path)
    parser.add_argument("--any-emscripten", action="store_true")
    parser.add_argument("--abis", default="2026_0")
    parser.add_argument("--packages", default=",".join(TESTS))
    parser.add_argument("--index", action="store_true")
    parser.add_argument("--python", help="the build Python, for one ABI")
    args = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory(prefix="crossenv-pyodide-") as name:
        scratch = Path(name)
        packages = args.packages.split(",")
        sources = {package: source_of(package, scratch / "sources" / package) for package in packages}
        for abi in (abi for abi in ABIS if abi.name in args.abis.split(",")):
            pyodide = fetched(RELEASES[abi.name])
            environment, wheels = scratch / f"env-{abi.name}", scratch / f"wheels-{abi.name}"
            more: list[str | Path] = []
            if args.emsdk:
                more += ["--emsdk", args.emsdk.absolute()]
            if args.any_emscripten:
                more.append("--any-emscripten")
            python = args.python or abi.python
            crossenv("create", "-q", "--host-python", pyodide, "--python", python, "--fetch-python", *more, environment)
            toolchain = json.loads((environment / "crossenv.json").read_text(encoding="utf-8"))["toolchain"]
            said = subprocess.run(
                [toolchain["tools"]["cc"]["path"], "--version"], capture_output=True, text=True, check=True
            )
            (emscripten,) = re.findall(r"\d+\.\d+\.\d+", said.stdout.splitlines()[0])
            about = {"tag": abi.tag, "pyodide": RELEASES[abi.name], "compiler": f"emscripten {emscripten}"}
            rows = known("pyodide", abi.name).get("packages", {})
            for package, source in sources.items():
                others = taken(package, abi.tag, scratch, args.index)
                rows[package] = prove(package, source, environment, wheels, others)
                failed |= package not in FAULTY and ("error" in rows[package] or has_failed(rows[package]))
                print(f"{package} for {abi.tag}: {rows[package]}", flush=True)
                keep("pyodide", abi.name, {"about": about, "packages": rows})
    return int(failed)


def prove(package: str, source: Path, environment: Path, wheels: Path, others: list[Path]) -> dict[str, Any]:
    """Build a package, audit the wheel, and run its tests with it, and with the index's wheel; what came out."""
    pip = [environment / "bin/cross-pip", "wheel", "-q", "--no-deps", "-w", wheels, source]
    if subprocess.run(list(map(str, pip)), check=False).returncode:
        return {"error": "does not build", "date": today()}
    (wheel,) = wheels.glob(f"{package}-*.whl")
    row: dict[str, Any] = {"wheel": wheel.name}
    if crossenv("audit", "--strict", "--env", environment, wheel, check=False).returncode:
        return {**row, "error": "the audit refuses it", "date": today()}
    row["tests"] = tested(package, wheel, source, environment, wheels)
    if others:
        row["index"] = tested(package, others[0], source, environment, wheels)
    return {**row, "date": today()}


def tested(package: str, wheel: Path, source: Path, environment: Path, wheels: Path) -> str:
    """Run a package's tests with a wheel in node, and with what else was built for it; pytest's last line."""
    tests = TESTS.get(package)
    words: list[str | Path] = ["test", "-q", "--env", environment]
    if tests is None:
        done = crossenv(*words, wheel, check=False)
        return "imported" if not done.returncode else outcome(done)
    for need in tests.needs:
        built = sorted(wheels.glob(f"{need}-*.whl"))
        words += ["--with", f"{need} @ {built[0].as_uri()}" if built else need]
    return outcome(crossenv(*words, wheel, "--", *tests.words(source), check=False))


def taken(package: str, tag: str, scratch: Path, wanted: bool) -> list[Path]:
    """The index's own wheel for a target, if there is one."""
    place = scratch / f"index-{tag}-{package}"
    version = next(abi.python for abi in ABIS if abi.tag == tag)
    words = ["-q", "--no-deps", "--only-binary", ":all:", "--platform", tag, "--python-version", version]
    if wanted:
        command = [sys.executable, "-m", "pip", "download", *words, "-d", str(place), package]
        subprocess.run(command, check=False, stderr=subprocess.DEVNULL)
    return sorted(place.glob(f"*{tag}.whl"))


def fetched(release: str) -> Path:
    """A release of npm's package, unpacked."""
    place = CACHE / "pyodide" / release
    if not (place / "package/pyodide.mjs").is_file():
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "pack", "--silent", f"pyodide@{release}"], cwd=place, check=True, stdout=subprocess.DEVNULL
        )
        with tarfile.open(place / f"pyodide-{release}.tgz") as opened:
            opened.extractall(place, filter="data")
    return place / "package"


if __name__ == "__main__":
    sys.exit(main())

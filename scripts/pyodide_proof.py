"""Build packages for Pyodide, audit them, and run their own tests under node.

    python scripts/pyodide_proof.py --emsdk DIR [--abis 2025_0,2026_0] [--packages markupsafe,msgpack]

Pyodide comes from npm's packages `pyodide` (into `.cache/pyodide`), sdists from the index. Needs npm, node, emscripten
in DIR or on PATH (`--any-emscripten` takes one of another version), and a Python of each ABI's version on this machine
(uv gets one that is missing). Prints a line for each package and ABI; the exit status is 1 if one fails. Of a package
without a row in TESTS the modules are imported only, and the line says so.

With `--index` the wheels of the index are taken where there are any (msgpack), and the same tests run with them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from windows_proof import crossenv, source_of

from crossenv.platforms.emscripten import ABIS

ROOT = Path(__file__).parent.parent
# A release of npm's package for each ABI.
RELEASES = {"2024_0": "0.27.8", "2025_0": "0.29.5", "2026_0": "314.0.7", "2026_5": "315.0.0-alpha.2"}
# Where each project's tests are in its sdist; "" where only the modules are imported.
TESTS = {
    "markupsafe": "tests",
    "msgpack": "test",
    "ujson": "tests",
    "wrapt": "",
    "lz4": "",
    "regex": "regex/tests",
    "kiwisolver": "py/tests",
    "pyyaml": "",
    "zstandard": "",
    "rapidfuzz": "",
}
# regex's starts unittest, which reads pytest's options.
NOT_FOR_PYTEST = "test_main"


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
    failures = []
    with tempfile.TemporaryDirectory(prefix="crossenv-pyodide-") as name:
        scratch = Path(name)
        packages = args.packages.split(",")
        sources = {package: source_of(package, scratch / "sources" / package) for package in packages}
        for abi in (abi for abi in ABIS if abi.name in args.abis.split(",")):
            pyodide = fetched(RELEASES[abi.name])
            environment = scratch / f"env-{abi.name}"
            more: list[str | Path] = []
            if args.emsdk:
                more += ["--emsdk", args.emsdk.absolute()]
            if args.any_emscripten:
                more.append("--any-emscripten")
            python = args.python or abi.python
            crossenv("create", "--host-python", pyodide, "--python", python, "--fetch-python", *more, environment)
            for package, source in sources.items():
                wheels = scratch / f"wheels-{abi.name}"
                works = prove(package, source, environment, wheels, taken(package, abi.tag, scratch, args.index))
                how = "its tests passed" if TESTS.get(package) else "its modules were imported"
                print(f"{package} for {abi.tag}: {how if works else 'FAILED'}", flush=True)
                failures += [] if works else [(package, abi.name)]
    return bool(failures)


def prove(package: str, source: Path, environment: Path, wheels: Path, others: list[Path]) -> bool:
    """Build a package, audit the wheel, and run its tests with it, and with others of the same project."""
    pip = [environment / "bin/cross-pip", "wheel", "-q", "--no-deps", "-w", wheels, source]
    if subprocess.run(list(map(str, pip)), check=False).returncode:
        return False
    (wheel,) = wheels.glob(f"{package}-*.whl")
    if crossenv("audit", "--strict", "--env", environment, wheel, check=False):
        return False
    tests = TESTS.get(package)
    words: list[str | Path] = []
    if tests:
        words = ["--", "pytest", "-q", "-p", "no:cacheprovider", "-k", f"not {NOT_FOR_PYTEST}", source / tests]
    return not any(crossenv("test", "--env", environment, one, *words, check=False) for one in (wheel, *others))


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
    place = ROOT / ".cache/pyodide" / release
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

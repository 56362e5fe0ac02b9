"""Build one package for every platform that the index takes wheels for, with one command, and check every cell.

    python scripts/every_target.py [--emsdk DIR] [--any-emscripten] [--reports DIR] [--python SPEC ...] [REQ]

Eight Linux architectures with glibc and musl, three kinds of Windows, both kinds of Macs and a wheel for both, and the
Pyodide of the Python: `crossenv wheel --target ... --report report.html --report report.json`, once for each Python.
Each wheel has to have its target's tag and to pass a strict audit. Writes docs/explanation/data/every-target, of which
`pictures.py` draws the README's picture (3.13's); the exit status is 1 if a cell is wrong. Needs zig, LLVM's ld64.lld,
emscripten and the Pythons.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from results import keep, today

from crossenv.platforms.architectures import target_architectures
from crossenv.platforms.emscripten import ABIS
from crossenv.platforms.linux_targets import GLIBC, MUSL, default_target
from crossenv.pythons.build_python import find_build_python
from crossenv.wheels.audit import audit_wheel

LINUX = [str(default_target(row, libc)) for libc in (GLIBC, MUSL) for row in target_architectures()]
WINDOWS = ["win_amd64", "win_arm64", "win32"]
MACOS = ["macosx_11_0_arm64", "macosx_10_13_x86_64", "macosx_10_13_universal2"]
PYTHON = "3.13"


def main() -> int:
    """Build, and print a line for each target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("requirement", nargs="?", default="markupsafe")
    parser.add_argument("--emsdk", type=Path)
    parser.add_argument("--any-emscripten", action="store_true")
    parser.add_argument("--reports", type=Path, help="where the reports and wheels go; default: a temporary directory")
    parser.add_argument("--python", nargs="+", default=[PYTHON], help="the build Pythons")
    args = parser.parse_args()
    place = args.reports or Path(tempfile.mkdtemp(prefix="every-target-"))
    options = ["--emsdk", str(args.emsdk.absolute())] if args.emsdk else []
    options += ["--any-emscripten"] if args.any_emscripten else []
    right = [built(args.requirement, python, options, place) for python in args.python]
    return int(not all(right))


def built(requirement: str, python: str, options: Sequence[str], place: Path) -> bool:
    """Build with one Python, keep what there is to say; whether every cell is right."""
    version = find_build_python(python).version
    place = place / version
    place.mkdir(parents=True, exist_ok=True)
    name = re.split(r"[^\w.-]", requirement)[0]
    pyodide = [abi.tag for abi in ABIS if abi.python == version]
    targets = [*LINUX, *WINDOWS, *MACOS, *pyodide]
    words = ["wheel", requirement, "--no-binary", name, "--python", python]
    words += [word for target in targets for word in ("--target", target)]
    words += [*options, "-w", str(place / "wheels"), "--log-dir", str(place / "logs")]
    words += ["--report", str(place / "report.html"), "--report", str(place / "report.json")]
    started = time.monotonic()
    status = subprocess.run([sys.executable, "-m", "crossenv", *words], check=False).returncode
    took = round(time.monotonic() - started)
    cells = {row["for"]: row for row in json.loads((place / "report.json").read_text(encoding="utf-8"))["builds"]}
    rows = {}
    for target in targets:
        fault, cell = fault_of(cells[target], target, place / "wheels"), cells[target]
        rows[target] = {"result": fault or "right", **{key: cell[key] for key in ("wheels", "seconds", "size")}}
        print(f"{version:6}{target:32}{rows[target]['result']}")
    about = {"package": name, "python": version, "seconds": took, "cores": os.cpu_count(), "date": today()}
    keep("every-target", version, {"about": about, "targets": rows})
    return status == 0 and all(row["result"] == "right" for row in rows.values())


def fault_of(row: dict[str, object], target: str, wheels: Path) -> str:
    """What is wrong with a cell; "" if nothing is."""
    names = row["wheels"]
    if row["status"] not in ("built", "kept") or not isinstance(names, list):
        return f"{row['status']}: {row['error']}"
    if not names[0].endswith(f"-{target}.whl"):
        return f"tagged {names[0]}"
    report = audit_wheel(wheels / names[0])
    return "; ".join(finding.message for finding in report.findings) if report.failed(strict=True) else ""


if __name__ == "__main__":
    sys.exit(main())

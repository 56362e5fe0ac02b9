"""Build one package for every platform that the index takes wheels for, with one command, and check every cell.

    python scripts/every_target.py [--emsdk DIR] [--any-emscripten] [--reports DIR] [REQ]

Eight Linux architectures with glibc and musl, three kinds of Windows, both kinds of Macs and a wheel for both, Pyodide:
`crossenv wheel --target ... --report report.html --report report.json`. Each wheel has to have its target's tag and to
pass a strict audit. Writes docs/explanation/data/every-target, of which `pictures.py` draws the README's picture; the
exit status is 1 if a cell is wrong. Needs zig, LLVM's ld64.lld, emscripten and a CPython 3.13.
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
from pathlib import Path

from results import keep, today

from crossenv.platforms.architectures import target_architectures
from crossenv.platforms.linux_targets import GLIBC, MUSL, default_target
from crossenv.wheels.audit import audit_wheel

LINUX = [str(default_target(row, libc)) for libc in (GLIBC, MUSL) for row in target_architectures()]
WINDOWS = ["win_amd64", "win_arm64", "win32"]
MACOS = ["macosx_11_0_arm64", "macosx_10_13_x86_64", "macosx_10_13_universal2"]
# The ABI whose Python is the one below.
PYODIDE = ["pyemscripten_2025_0_wasm32"]
PYTHON = "3.13"


def main() -> int:
    """Build, and print a line for each target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("requirement", nargs="?", default="markupsafe")
    parser.add_argument("--emsdk", type=Path)
    parser.add_argument("--any-emscripten", action="store_true")
    parser.add_argument("--reports", type=Path, help="where the reports and wheels go; default: a temporary directory")
    parser.add_argument("--python", default=PYTHON, help="the build Python")
    args = parser.parse_args()
    place = args.reports or Path(tempfile.mkdtemp(prefix="every-target-"))
    place.mkdir(parents=True, exist_ok=True)
    name = re.split(r"[^\w.-]", args.requirement)[0]
    targets = [*LINUX, *WINDOWS, *MACOS, *PYODIDE]
    words = ["wheel", args.requirement, "--no-binary", name, "--python", args.python]
    words += [word for target in targets for word in ("--target", target)]
    words += ["--emsdk", str(args.emsdk.absolute())] if args.emsdk else []
    words += ["--any-emscripten"] if args.any_emscripten else []
    words += ["-w", str(place / "wheels"), "--log-dir", str(place / "logs")]
    words += ["--report", str(place / "report.html"), "--report", str(place / "report.json")]
    started = time.monotonic()
    status = subprocess.run([sys.executable, "-m", "crossenv", *words], check=False).returncode
    took = round(time.monotonic() - started)
    cells = {row["for"]: row for row in json.loads((place / "report.json").read_text(encoding="utf-8"))["builds"]}
    rows = {}
    for target in targets:
        fault, cell = fault_of(cells[target], target, place / "wheels"), cells[target]
        rows[target] = {"result": fault or "right", **{name: cell[name] for name in ("wheels", "seconds", "size")}}
        print(f"{target:32}{rows[target]['result']}")
    about = {"package": name, "python": PYTHON, "seconds": took, "cores": os.cpu_count(), "date": today()}
    keep("every-target", PYTHON, {"about": about, "targets": rows})
    return int(status != 0 or any(row["result"] != "right" for row in rows.values()))


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

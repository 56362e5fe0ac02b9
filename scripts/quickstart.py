"""Set up crossenv from nothing, make a cross environment, build a wheel in it.

    python3 scripts/quickstart.py [PACKAGE] [--target manylinux_2_28_aarch64]

Prints the path of the wheel. Needs no root and no compiler: zig comes from PyPI. Writes only below this checkout and
the user's cache.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from checkout_venv import make_venv

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
DEMO = CHECKOUT / "demo"


def run(*words: str | Path) -> None:
    """Run a command, shown first; ends the script with its status if it fails."""
    print("+", *words, file=sys.stderr, flush=True)
    status = subprocess.run([str(word) for word in words], check=False, stdout=sys.stderr).returncode
    if status:
        sys.exit(status)


def main() -> int:
    """Do it all; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("package", nargs="?", default="numpy", help="what to build (default: numpy)")
    parser.add_argument("--target", default="manylinux_2_28_aarch64", help="what for (`crossenv targets` lists them)")
    parser.add_argument("--clean", action="store_true", help="start anew: remove what an earlier run made")
    options = parser.parse_args()
    if options.clean:
        for directory in (VENV, DEMO):
            shutil.rmtree(directory, ignore_errors=True)
    python = make_venv(VENV)
    if not (VENV / "bin/crossenv").exists():
        run(python, "-m", "pip", "install", "--disable-pip-version-check", "-e", f"{CHECKOUT}[zig]")
    environment = DEMO / f"{options.target}-{sys.version_info[0]}.{sys.version_info[1]}"
    create = ("create", "--clear", "--python", sys.executable, "--target", options.target, "--toolchain", "zig")
    run(VENV / "bin/crossenv", *create, environment)
    wheels = DEMO / "wheels"
    before = {path: path.stat().st_mtime_ns for path in wheels.glob("*.whl")}
    run(environment / "bin/cross-pip", "wheel", "--wheel-dir", wheels, options.package)
    made = [path for path in sorted(wheels.glob("*.whl")) if before.get(path) != path.stat().st_mtime_ns]
    print("quickstart: done; the wheel is", file=sys.stderr, flush=True)
    for path in made:
        print(path)
    return 0 if made else 1


if __name__ == "__main__":
    sys.exit(main())

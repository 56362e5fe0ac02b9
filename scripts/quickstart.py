"""Set up crossenv from nothing, make a cross environment, build a wheel in it.

    python3 scripts/quickstart.py [PACKAGE] [--target manylinux_2_28_aarch64]

Prints the path of the wheel. Needs no root and no compiler: zig comes from PyPI, and the headers of Debian's Python
from Debian. Writes only below this checkout and the user's cache.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import sysconfig
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


def debian_release() -> str:
    """The name of this Debian's release; empty on other systems."""
    release = Path("/etc/os-release")
    text = release.read_text(encoding="utf-8") if release.exists() else ""
    named = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
    return named.get("VERSION_CODENAME", "") if named.get("ID") == "debian" else ""


def build_python() -> Path:
    """This Python if it has headers; else the same one of Debian with them, unpacked without root."""
    headers = Path(sysconfig.get_path("include"), "Python.h")
    release = debian_release()
    if headers.exists() or not release:
        return Path(sys.executable)
    root = DEMO / "python"
    arch = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()
    python = root / f"usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
    if not python.exists():
        print(f"quickstart: {headers} is missing; Debian's is fetched", file=sys.stderr, flush=True)
        run(VENV / "bin/crossenv", "sysroot", "create", "--from", f"debian:{release}", "--arch", arch, root)
    return python


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
    create = ("create", "--clear", "--python", build_python(), "--target", options.target, "--toolchain", "zig")
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

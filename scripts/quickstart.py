"""The main job, from nothing: set up crossenv, make a cross environment for Debian on arm64, build a wheel in it.

    python3 scripts/quickstart.py [PACKAGE] [--arch arm64]

Prints the path of the wheel. Writes only below this checkout and the user's cache; the cross compiler is the one thing
that is installed (with apt-get, if it is not there yet).
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from checkout_venv import apt_get_install, make_venv

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
DEMO = CHECKOUT / "demo"
# Debian's release for each Python that it ships: the host Python is Debian's own.
RELEASES = {"3.11": "bookworm", "3.13": "trixie"}
TRIPLETS = {
    "arm64": "aarch64-linux-gnu",
    "armhf": "arm-linux-gnueabihf",
    "s390x": "s390x-linux-gnu",
    "ppc64el": "powerpc64le-linux-gnu",
    "riscv64": "riscv64-linux-gnu",
}


def say(text: str) -> None:
    """Print a step."""
    print(f"quickstart: {text}", file=sys.stderr, flush=True)


def attempt(*words: str | Path) -> int:
    """Run a command, shown first; returns its status."""
    print("+", *words, file=sys.stderr, flush=True)
    return subprocess.run([str(word) for word in words], check=False, stdout=sys.stderr).returncode


def run(*words: str | Path) -> None:
    """Run a command; ends the script with its status if it fails."""
    if status := attempt(*words):
        sys.exit(status)


def set_up_crossenv() -> Path:
    """Install this checkout into `.venv`; returns the environment's bin directory."""
    python = make_venv(VENV)
    if not (VENV / "bin/crossenv").exists():
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-e", CHECKOUT)
    return VENV / "bin"


def set_up_compiler(arch: str) -> None:
    """Install the cross compiler and a C library for it if they are not there."""
    triplet = TRIPLETS[arch]
    missing = [name for name in (f"{triplet}-gcc", f"{triplet}-g++") if shutil.which(name) is None]
    if not missing:
        return
    package = triplet.replace("_", "-")
    if not apt_get_install(f"gcc-{package}", f"g++-{package}", f"libc6-dev-{arch}-cross"):
        sys.exit(f"quickstart: error: {missing[0]} is not on PATH; install a cross compiler for {triplet}")


def host(arch: str, bin_directory: Path) -> list[str | Path]:
    """How `crossenv create` is told about the host.

    Debian's own Python where it has one of the running version, so that the wheel can be run there; else one that is
    derived from the running Python.
    """
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if version not in RELEASES:
        return ["--target", TRIPLETS[arch]]
    release = RELEASES[version]
    sysroot = CHECKOUT / ".cache/sysroots" / f"{release}-{arch}"
    if not sysroot.exists():
        words = ["sysroot", "create", "--from", f"debian:{release}", "--arch", arch, str(sysroot)]
        if attempt(bin_directory / "crossenv", *words):
            say("going on without Debian's Python: the host's configuration is derived")
            return ["--target", TRIPLETS[arch]]
    return ["--host-python", sysroot / f"usr/bin/python{version}"]


def main() -> int:
    """Do it all; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("package", nargs="?", default="numpy", help="what to build (default: numpy)")
    parser.add_argument(
        "--arch", default="arm64", choices=sorted(TRIPLETS), help="Debian's name of the host architecture"
    )
    parser.add_argument("--clean", action="store_true", help="start anew: remove what an earlier run made")
    options = parser.parse_args()
    if options.clean:
        for directory in (VENV, DEMO):
            shutil.rmtree(directory, ignore_errors=True)
    bin_directory = set_up_crossenv()
    set_up_compiler(options.arch)
    environment = DEMO / f"{options.arch}-{sys.version_info[0]}.{sys.version_info[1]}"
    described = host(options.arch, bin_directory)
    run(bin_directory / "crossenv", "create", "--clear", "--python", sys.executable, *described, environment)
    wheels = DEMO / "wheels"
    before = {path: path.stat().st_mtime_ns for path in wheels.glob("*.whl")}
    run(environment / "bin/cross-pip", "wheel", "--wheel-dir", wheels, options.package)
    made = [path for path in sorted(wheels.glob("*.whl")) if before.get(path) != path.stat().st_mtime_ns]
    say("done; the wheel is")
    for path in made:
        print(path)
    return 0 if made else 1


if __name__ == "__main__":
    sys.exit(main())

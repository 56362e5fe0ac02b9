"""Run the tests with the Pythons of another Debian release, in a root file system of it, as an ordinary user.

    sudo python3 scripts/root_tests.py [DIRECTORY] [--python 3.14 ...] [-- PYTEST ARGUMENTS]

DIRECTORY (`.cache/roots/SUITE` by default) is made with debootstrap if it is not there, takes 2 GB and is kept. Mounts
are made in a namespace of their own and end with it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
USER = "tester"
PYTHONS = ("3.14", "3.15")
PACKAGES = (
    *("ca-certificates", "g++", "gcc", "git", "make", "cmake", "ninja-build", "pkg-config", "procps"),
    *("gpg", "gpg-agent", "gpgv", "debian-archive-keyring", "qemu-user"),
    *(f"{tool}-{triplet}" for triplet in ("aarch64-linux-gnu", "arm-linux-gnueabihf") for tool in ("gcc", "g++")),
    *("gcc-powerpc64le-linux-gnu", "gcc-riscv64-linux-gnu", "gcc-s390x-linux-gnu", "gfortran-aarch64-linux-gnu"),
)
# What the outside lends: names and certificates of this network.
BORROWED = ("etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt")
_ENTER = 'for name in proc sys dev; do mount --rbind "/$name" "$0/$name"; done; exec chroot "$@"'


def run(*words: str | Path) -> None:
    """Print a command and run it."""
    print("+", *words, file=sys.stderr, flush=True)
    subprocess.run(words, check=True)


def enter(root: Path, *words: str, user: str = "root") -> subprocess.CompletedProcess[bytes]:
    """Run a command in the root, with pip's settings, this network's certificates, and nothing else from here."""
    home = "/root" if user == "root" else f"/home/{user}"
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_") and name != "PIP_FIND_LINKS"}
    kept["SSL_CERT_FILE"] = "/etc/ssl/certs/ca-certificates.crt"
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home, "LANG": "C.UTF-8", **kept}
    chroot = ["unshare", "--mount", "sh", "-ec", _ENTER, str(root), f"--userspec={user}:{user}", str(root)]
    print("+", "chroot", root, *words, file=sys.stderr, flush=True)
    return subprocess.run([*chroot, *words], check=False, env=environment)


def make_root(root: Path, suite: str, mirror: str, pythons: list[str]) -> None:
    """Make the root, or add to it what is missing."""
    if not (root / "etc/debian_version").exists():
        root.parent.mkdir(parents=True, exist_ok=True)
        # An older debootstrap does not know the newest suites, which are all made alike.
        script = "/usr/share/debootstrap/scripts/sid"
        run("debootstrap", "--variant=minbase", suite, root, mirror, script)
    for name in BORROWED:
        if Path("/", name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path("/", name), root / name)
    wanted = [*PACKAGES, *(f"python{version}{part}" for version in pythons for part in ("", "-venv", "-dev"))]
    # A mirror that is a snapshot has lists that have expired.
    install = (
        "export DEBIAN_FRONTEND=noninteractive; apt-get -qq -o Acquire::Check-Valid-Until=false update;"
        f" apt-get -qq install --no-install-recommends {' '.join(wanted)};"
        f" id {USER} 2>/dev/null || useradd --create-home {USER}"
    )
    if enter(root, "sh", "-ec", install).returncode:
        sys.exit("the packages could not be installed")
    for name in BORROWED:
        if Path("/", name).exists():
            shutil.copyfile(Path("/", name), root / name)


def copy_checkout(root: Path, name: str) -> None:
    """Bring the checkout into the root as its user's own; the test environment from an earlier run stays."""
    destination = root / "home" / USER / name
    destination.mkdir(parents=True, exist_ok=True)
    for entry in destination.iterdir():
        if entry.is_dir() and not entry.name.startswith(".venv") and entry.name != ".cache":
            shutil.rmtree(entry)
    ignored = shutil.ignore_patterns(".git", ".venv*", ".cache", ".*_cache", "__pycache__")
    shutil.copytree(CHECKOUT, destination, ignore=ignored, dirs_exist_ok=True, symlinks=True)
    enter(root, "chown", "-R", f"{USER}:", f"/home/{USER}/{name}")


def main() -> int:
    """Make the root and run the tests in it with each Python; the exit status is that of the first failure."""
    words = sys.argv[1:]
    split = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=Path, help="the root file system")
    parser.add_argument("--python", action="append", metavar="VERSION", help="default: " + " and ".join(PYTHONS))
    parser.add_argument("--suite", default="forky")
    parser.add_argument("--mirror", default="http://deb.debian.org/debian")
    options = parser.parse_args(words[:split])
    tests = words[split + 1 :]
    if os.geteuid() != 0:
        parser.error("making and entering a root file system needs root")
    root = (options.directory or CHECKOUT / ".cache/roots" / options.suite).resolve()
    pythons = options.python or list(PYTHONS)
    make_root(root, options.suite, options.mirror, pythons)
    status = 0
    for version in pythons:
        name = f"crossenv-{version}"
        copy_checkout(root, name)
        test = ("sh", "-c", f'cd ~/{name} && exec python{version} scripts/test.py "$@"', "sh", *tests)
        code = enter(root, *test, user=USER).returncode
        status = status or code
    return status


if __name__ == "__main__":
    sys.exit(main())

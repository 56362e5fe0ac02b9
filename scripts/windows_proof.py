"""Build packages for Windows, audit them, and run their own tests under wine with real Pythons for Windows.

    python scripts/windows_proof.py [--versions 3.11,3.13,3.14] [--packages markupsafe,msgpack] [--pythons DIR]

Everything comes from registries: sdists from the index, Pythons from Maven Central (scripts/windows_pythons.py, into
`.cache/windows-pythons`). Needs wine, `mvn`, and a Python of each version on this machine (`--fetch-python` gets
those that are missing with uv). Prints a line for each package and version; the exit status is 1 if one fails.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from windows_pythons import RELEASES, fetched

ROOT = Path(__file__).parent.parent
# Where each project's tests are in its sdist.
TESTS = {"markupsafe": "tests", "msgpack": "test", "regex": "regex/tests", "kiwisolver": "py/tests"}
# regex's starts unittest, which reads pytest's options.
NOT_FOR_PYTEST = "test_main"


def main() -> int:
    """Prove each package with each version."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", default="3.11,3.13,3.14")
    parser.add_argument("--packages", default=",".join(TESTS))
    parser.add_argument("--pythons", type=Path, default=ROOT / ".cache/windows-pythons")
    args = parser.parse_args()
    failures = []
    with tempfile.TemporaryDirectory(prefix="crossenv-windows-") as name:
        scratch = Path(name)
        sources = {package: source_of(package, scratch / "sources" / package) for package in args.packages.split(",")}
        for version in args.versions.split(","):
            host = fetched(args.pythons, version)
            environment = scratch / f"env-{version}"
            build = RELEASES["x86_64"][version].rpartition("-")[0].rpartition(".")[0]
            crossenv("create", "--host-python", host, "--python", build, "--fetch-python", environment)
            for package, source in sources.items():
                works = prove(package, source, environment, scratch / f"wheels-{version}", host)
                print(f"{package} on Python {version}: {'passed' if works else 'FAILED'}", flush=True)
                failures += [] if works else [(package, version)]
    return bool(failures)


def prove(package: str, source: Path, environment: Path, wheels: Path, host: Path) -> bool:
    """Build a package, audit the wheel, and run its tests."""
    pip = [environment / "bin/cross-pip", "wheel", "-q", "--no-deps", "-w", wheels, source]
    if subprocess.run(list(map(str, pip)), check=False).returncode:
        return False
    (wheel,) = wheels.glob(f"{package}-*.whl")
    tests = source / TESTS[package]
    pytest: list[str | Path] = ["pytest", "-q", "-p", "no:cacheprovider", "-k", f"not {NOT_FOR_PYTEST}", tests]
    words = ("test", "--env", environment, "--host-root", host, wheel, "--", *pytest)
    return not crossenv("audit", "--env", environment, wheel, check=False) and not crossenv(*words, check=False)


def source_of(package: str, directory: Path) -> Path:
    """Unpack the newest sdist of a package; return its top directory."""
    directory.mkdir(parents=True)
    words = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(directory)]
    subprocess.run([*words, package], check=True)
    (archive,) = directory.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(directory / "source", filter="data")
    (top,) = (directory / "source").iterdir()
    return top


def crossenv(*words: str | Path, check: bool = True) -> int:
    """Run the tool; return its exit status."""
    command = [sys.executable, "-m", "crossenv", *map(str, words)]
    # No environment of the user's, and no project's settings.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CROSSENV_")}
    return subprocess.run(command, env=environ, cwd="/", check=check).returncode


if __name__ == "__main__":
    sys.exit(main())

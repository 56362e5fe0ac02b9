"""Fetch Pythons for Windows to test with: those that bytedeco builds for Java, from Maven Central (24 MB each).

    python scripts/windows_pythons.py DIRECTORY [VERSION...] [--machine x86_64|x86]

Prints where each lies; VERSION is "3.13" and the like, all of them by default. They are for tests: nothing of them is
shipped. Needs `mvn`.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import zipfile
from pathlib import Path

# By machine, the releases of org.bytedeco:cpython that have one.
RELEASES = {
    "x86_64": {
        "3.10": "3.10.8-1.5.8",
        "3.11": "3.11.3-1.5.9",
        "3.12": "3.12.1-1.5.10",
        "3.13": "3.13.5-1.5.12",
        "3.14": "3.14.3-1.5.13",
    },
    "x86": {"3.10": "3.10.8-1.5.8", "3.11": "3.11.3-1.5.9"},
}


def main() -> None:
    """Fetch what is not there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("versions", nargs="*")
    parser.add_argument("--machine", choices=list(RELEASES), default="x86_64")
    args = parser.parse_args()
    for version in args.versions or RELEASES[args.machine]:
        print(fetched(args.directory, version, args.machine))


def fetched(directory: Path, version: str, machine: str = "x86_64") -> Path:
    """The directory of a Python, fetched unless it is there.

    Args:
        directory: Where all of them are.
        version: "3.13".
        machine: "x86_64" or "x86".
    """
    release = RELEASES[machine][version]
    goal = directory.absolute() / f"{release}-{machine}"
    if not goal.is_dir():
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory) as name:
            artifact = f"org.bytedeco:cpython:{release}:jar:windows-{machine}"
            words = ["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={name}"]
            subprocess.run(words, cwd=name, check=True)
            (jar,) = Path(name).glob("*.jar")
            with zipfile.ZipFile(jar) as archive:
                archive.extractall(Path(name) / "python")
            (Path(name) / "python").rename(goal)
    return goal


if __name__ == "__main__":
    main()

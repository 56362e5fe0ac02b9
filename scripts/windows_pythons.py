"""Fetch Pythons for Windows to test with: those that bytedeco builds for Java, from Maven Central (24 MB each).

    python scripts/windows_pythons.py DIRECTORY [VERSION...] [--machine x86_64|x86] [--stable-abi]

Prints where each lies; VERSION is "3.13" and the like, all of them by default. They are for tests: nothing of them is
shipped. Needs `mvn`; and for `--stable-abi` the packages `crossenv2` and `ziglang`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
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
    parser.add_argument("--stable-abi", action="store_true", help="make the python3.dll that they do not have")
    args = parser.parse_args()
    for version in args.versions or RELEASES[args.machine]:
        directory = fetched(args.directory, version, args.machine)
        if args.stable_abi:
            add_stable_abi(directory)
        print(directory)


def fetched(directory: Path, version: str, machine: str = "x86_64") -> Path:
    """The directory of a Python, fetched unless it is there.

    Args:
        directory: Where all of them are.
        version: "3.13".
        machine: "x86_64" or "x86".
    """
    # Before Python 3.12 a temporary directory in a relative one has a relative name, and maven runs in it.
    directory = directory.absolute()
    release = RELEASES[machine][version]
    goal = directory / f"{release}-{machine}"
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


def add_stable_abi(directory: Path) -> None:
    """Make the `python3.dll` of a Python: modules for the stable ABI are linked to it, and these Pythons have none."""
    # The packages `crossenv2` and `ziglang` are not needed to fetch.
    from crossenv.pythons.windows_layout import find_windows_python
    from crossenv.synthesis.windows_exports import exported_names

    python = find_windows_python(directory)
    assert python is not None, directory
    made = python.directory / "python3.dll"
    if made.exists():
        return
    names = sorted(exported_names("3") & python.exports)
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        definition = Path(scratch) / "python3.def"
        lines = (f"{name}={python.dll.stem}.{name}" for name in names)
        definition.write_text("\n".join(["LIBRARY python3.dll", "EXPORTS", *lines, ""]))
        entry = "int __stdcall DllMainCRTStartup(void *module, int why, void *unused) { return 1; }\n"
        (Path(scratch) / "empty.c").write_text(entry)
        triple = {"x86_64": "x86_64-windows-gnu", "i686": "x86-windows-gnu"}[python.identity.machine or ""]
        words = ["cc", "-target", triple, "-shared", "-nostdlib", "-o", "python3.dll", "empty.c", definition.name]
        subprocess.run([sys.executable, "-m", "ziglang", *words], cwd=scratch, check=True)
        (Path(scratch) / "python3.dll").rename(made)


if __name__ == "__main__":
    main()

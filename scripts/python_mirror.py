"""Make a mirror of Pythons that `uv python install` takes, from builds of CPython on Maven Central.

    python3 scripts/python_mirror.py DIRECTORY [3.10 3.12 3.14 3.12-arm64 3.14-arm64]

Prints the variable that makes uv use it: UV_PYTHON_DOWNLOADS_JSON_URL=file://DIRECTORY/downloads.json. The archives are
bytedeco's for x86-64 and for arm64, for tests only; patchelf lets them find their own libraries.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from pathlib import Path

# Version, and bytedeco's own after the dash.
BUILDS = {"3.10": "3.10.8-1.5.8", "3.11": "3.11.3-1.5.9", "3.12": "3.12.1-1.5.10", "3.14": "3.14.3-1.5.13"}
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
ADDRESS = "https://repo1.maven.org/maven2/org/bytedeco/cpython/{0}/cpython-{0}-linux-{1}.jar"
INSIDE = "org/bytedeco/cpython/linux-{}/"


def make_archive(version: str, machine: str, destination: Path) -> str:
    """Write one archive and return its SHA-256."""
    with urllib.request.urlopen(ADDRESS.format(BUILDS[version], machine)) as answer:
        jar = zipfile.ZipFile(io.BytesIO(answer.read()))
    inside = INSIDE.format(machine)
    with tempfile.TemporaryDirectory() as name:
        for one in jar.namelist():
            if one.startswith(inside):
                jar.extract(one, name)
        tree = Path(name, inside)
        library = tree / "lib" / f"python{version}"
        for unwanted in ("test", "idlelib", "turtledemo", "site-packages"):
            shutil.rmtree(library / unwanted, ignore_errors=True)
        for program in (tree / "bin").iterdir():
            program.chmod(0o755)
        modules = sorted(library.glob("lib-dynload/*.so"))
        subprocess.run(["patchelf", "--set-rpath", "$ORIGIN/../../..", *modules], check=True)
        (library / "site-packages").mkdir()
        with tarfile.open(destination, "w:gz", compresslevel=1) as archive:
            archive.add(tree, "python")
    return hashlib.sha256(destination.read_bytes()).hexdigest()


def make_mirror(directory: Path, words: list[str]) -> Path:
    """Write the archives and uv's list of them, and return the list's path."""
    directory.mkdir(parents=True, exist_ok=True)
    downloads = {}
    for word in words:
        version, _, machine = word.partition("-")
        machine = machine or "x86_64"
        family = MACHINES[machine]
        full = BUILDS[version].partition("-")[0]
        major, minor, patch = map(int, full.split("."))
        archive = directory / f"cpython-{full}-{family}-unknown-linux-gnu-install_only.tar.gz"
        downloads[f"cpython-{full}-linux-{family}-gnu"] = {
            "name": "cpython",
            "arch": {"family": family, "variant": None},
            "os": "linux",
            "libc": "gnu",
            "major": major,
            "minor": minor,
            "patch": patch,
            "prerelease": "",
            "variant": None,
            "build": "1",
            "url": archive.as_uri(),
            "sha256": make_archive(version, machine, archive),
        }
    path = directory / "downloads.json"
    path.write_text(json.dumps(downloads, indent=1), encoding="utf-8")
    return path


if __name__ == "__main__":
    made = make_mirror(Path(sys.argv[1]).absolute(), sys.argv[2:] or list(BUILDS))
    print(f"UV_PYTHON_DOWNLOADS_JSON_URL={made.as_uri()}")

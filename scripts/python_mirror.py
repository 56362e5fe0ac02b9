"""Make a mirror of Pythons that `uv python install` takes, from builds of CPython on Maven Central and from your own.

    python3 scripts/python_mirror.py DIRECTORY [3.10 3.12 3.14 3.12-arm64 3.14-arm64] [3.13.5t-arm64=PREFIX]

Prints the variable that makes uv use it: UV_PYTHON_DOWNLOADS_JSON_URL=file://DIRECTORY/downloads.json. The archives are
bytedeco's for x86-64 and for arm64, for tests only; patchelf lets them find their own libraries. PREFIX is an installed
CPython with the library linked in, such as those of `cpython_hosts.py`.
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
from typing import Any

# Version, and bytedeco's own after the dash.
BUILDS = {
    "3.10": "3.10.8-1.5.8",
    "3.11": "3.11.3-1.5.9",
    "3.12": "3.12.1-1.5.10",
    "3.13": "3.13.5-1.5.12",
    "3.14": "3.14.3-1.5.13",
}
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
ADDRESS = "https://repo1.maven.org/maven2/org/bytedeco/cpython/{0}/cpython-{0}-linux-{1}.jar"
INSIDE = "org/bytedeco/cpython/linux-{}/"
UNWANTED = ("test", "idlelib", "turtledemo", "site-packages", "__pycache__")


def fetched_tree(version: str, machine: str, place: Path) -> Path:
    """Fetch one of bytedeco's builds and return its directory in `place`."""
    with urllib.request.urlopen(ADDRESS.format(BUILDS[version], machine)) as answer:
        jar = zipfile.ZipFile(io.BytesIO(answer.read()))
    inside = INSIDE.format(machine)
    for one in jar.namelist():
        if one.startswith(inside):
            jar.extract(one, place)
    tree = place / inside
    for program in (tree / "bin").iterdir():
        program.chmod(0o755)
    modules = sorted(tree.glob("lib/python*/lib-dynload/*.so"))
    subprocess.run(["patchelf", "--set-rpath", "$ORIGIN/../../..", *modules], check=True)
    return tree


def pack(tree: Path, destination: Path) -> str:
    """Write an archive as uv takes it and return its SHA-256."""
    for unwanted in UNWANTED:
        for path in tree.glob(f"lib/python*/{unwanted}"):
            shutil.rmtree(path)
    for library in tree.glob("lib/python3.*"):
        (library / "site-packages").mkdir()
    with tarfile.open(destination, "w:gz", compresslevel=1) as archive:
        archive.add(tree, "python")
    return hashlib.sha256(destination.read_bytes()).hexdigest()


def make_mirror(directory: Path, words: list[str]) -> Path:
    """Write the archives and uv's list of them, and return the list's path."""
    directory.mkdir(parents=True, exist_ok=True)
    downloads: dict[str, Any] = {}
    for word in words:
        name, _, prefix = word.partition("=")
        version, _, machine = name.partition("-")
        family = MACHINES[machine or "x86_64"]
        full = version.rstrip("t") if prefix else BUILDS[version].partition("-")[0]
        free = "+freethreaded" if version.endswith("t") else ""
        archive = directory / f"cpython-{full}{free.replace('+', '-')}-{family}-unknown-linux-gnu-install_only.tar.gz"
        with tempfile.TemporaryDirectory() as temporary:
            if prefix:
                tree = Path(temporary, "tree")
                shutil.copytree(prefix, tree, symlinks=True, ignore=shutil.ignore_patterns(*UNWANTED))
            else:
                tree = fetched_tree(version, machine or "x86_64", Path(temporary))
            digest = pack(tree, archive)
        major, minor, patch = map(int, full.split("."))
        downloads[f"cpython-{full}{free}-linux-{family}-gnu"] = {
            "name": "cpython",
            "arch": {"family": family, "variant": None},
            "os": "linux",
            "libc": "gnu",
            "major": major,
            "minor": minor,
            "patch": patch,
            "prerelease": "",
            "variant": free.removeprefix("+") or None,
            "build": "1",
            "url": archive.as_uri(),
            "sha256": digest,
        }
    path = directory / "downloads.json"
    path.write_text(json.dumps(downloads, indent=1), encoding="utf-8")
    return path


if __name__ == "__main__":
    made = make_mirror(Path(sys.argv[1]).absolute(), sys.argv[2:] or [one for one in BUILDS if one != "3.13"])
    print(f"UV_PYTHON_DOWNLOADS_JSON_URL={made.as_uri()}")

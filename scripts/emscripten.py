"""Get emscripten from a later release of Debian: what CI builds with for Pyodide.

    python3 scripts/emscripten.py [DIRECTORY] [--suite forky]

apt fetches and verifies the packages, for x86-64; they are unpacked into DIRECTORY (`.cache/emscripten`) and nothing is
installed. patchelf lets the programs find that release's own libraries. Needs both, and node. Prints the directory, for
`--emsdk`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from results import CACHE

LIBRARIES = "usr/lib/x86_64-linux-gnu"
PROGRAMS = ("clang", "lld", "llvm-", "wasm-")


def fetch(directory: Path, suite: str, scratch: Path) -> None:
    """Unpack emscripten and all that it depends on.

    Raises:
        CalledProcessError: apt cannot have it.
    """
    mirror = os.environ.get("CROSSENV_DEBIAN_MIRROR", "http://deb.debian.org/debian")
    # An old index will do, as long as it is signed: this is a compiler for tests.
    source = f"deb [arch=amd64 check-valid-until=no] {mirror} {suite} main\n"
    (scratch / "sources.list").write_text(source, encoding="utf-8")
    (scratch / "status").touch()
    for name in ("lists/partial", "cache/archives/partial"):
        (scratch / name).mkdir(parents=True)
    options = {
        "Dir::Etc::SourceList": scratch / "sources.list",
        "Dir::Etc::SourceParts": "-",
        "Dir::State::Lists": scratch / "lists",
        "Dir::State::status": scratch / "status",
        "Dir::Cache": scratch / "cache",
        "APT::Architecture": "amd64",
        "APT::Architectures": "amd64",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "Debug::NoLocking": "true",
    }
    apt = ["apt-get", "-qq", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
    subprocess.run([*apt, "update"], check=True)
    subprocess.run([*apt, "install", "-y", "--download-only", "emscripten"], check=True)
    for package in sorted((scratch / "cache/archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, directory], check=True)


def make_usable(directory: Path, place: Path) -> None:
    """Let the programs run, once the directory is at its place."""
    (llvm,) = directory.glob("usr/lib/llvm-*")
    found = {path.resolve() for folder in (directory / "usr/bin", llvm / "bin") for path in folder.iterdir()}
    programs = [path for path in found if path.name.startswith(PROGRAMS) and path.read_bytes()[:4] == b"\x7fELF"]
    # DT_RPATH holds for the libraries' own libraries too, unless they have a DT_RUNPATH.
    own = {path.resolve() for name in ("LLVM", "clang") for path in (directory / LIBRARIES).glob(f"lib{name}*.so*")}
    subprocess.run(["patchelf", "--remove-rpath", *own], check=True)
    places = f"{place / LIBRARIES}:{place / llvm.relative_to(directory) / 'lib'}"
    loader = place / LIBRARIES / "ld-linux-x86-64.so.2"
    words: list[str | Path] = ["patchelf", "--set-interpreter", loader, "--force-rpath", "--set-rpath", places]
    subprocess.run([*words, *programs], check=True)
    config = directory / "usr/share/emscripten/.emscripten"
    config.unlink(missing_ok=True)
    values = {
        "LLVM_ROOT": place / llvm.relative_to(directory) / "bin",
        "BINARYEN_ROOT": place / "usr",
        # Debian's own has parts at places that are fixed.
        "NODE_JS": shutil.which("node"),
        "CACHE": place / "cache",
    }
    config.write_text("".join(f"{name} = {str(path)!r}\n" for name, path in values.items()), encoding="utf-8")


def main() -> int:
    """Get it, unless it is there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("directory", nargs="?", type=Path, default=CACHE / "emscripten")
    parser.add_argument("--suite", default="forky")
    args = parser.parse_args()
    place = args.directory.absolute()
    missing = [name for name in ("apt-get", "dpkg-deb", "patchelf", "node") if shutil.which(name) is None]
    if missing:
        parser.error(f"needs {', '.join(missing)} on PATH")
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".emscripten-", dir=place.parent) as name:
            tree, scratch = Path(name, "tree"), Path(name, "apt")
            tree.mkdir()
            scratch.mkdir()
            fetch(tree, args.suite, scratch)
            shutil.rmtree(scratch)
            make_usable(tree, place)
            tree.rename(place)
    print(place)
    return 0


if __name__ == "__main__":
    sys.exit(main())

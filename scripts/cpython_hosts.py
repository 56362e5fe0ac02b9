"""Build the CPythons for arm64 that `layouts_proof.py --cpython DIR` takes, out of CPython's own sources.

    python scripts/cpython_hosts.py SOURCE DIR [--jobs N]

SOURCE is an unpacked CPython 3.13. DIR gets `native-t` (a free-threaded build Python of this machine, which also builds
the others), `install` and `build` (`make install DESTDIR=...` and its build tree), `install-t` (free-threaded) and
`install-td` (free-threaded, debug). Needs gcc-aarch64-linux-gnu; modules that need libraries are left out. Ten
minutes of CPU time each.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

# They would be found by this machine's pkg-config.
WITHOUT = (
    *("_ctypes", "_ctypes_test", "_ssl", "_hashlib", "readline", "_curses", "_curses_panel", "_dbm", "_gdbm"),
    *("_tkinter", "_sqlite3", "_lzma", "_bz2", "_uuid", "nis", "binascii", "zlib"),
)
COMMON = ("--disable-test-modules", "--with-ensurepip=no", "CFLAGS=-O1")
CROSS = (
    *("--build=x86_64-pc-linux-gnu", "--host=aarch64-linux-gnu"),
    # What configure would run a program for.
    *("ac_cv_file__dev_ptmx=yes", "ac_cv_file__dev_ptc=no", "ac_cv_buggy_getaddrinfo=no"),
)


def build(source: Path, place: Path, words: list[str], jobs: int, *, without: tuple[str, ...] = ()) -> None:
    """Configure and make in `place`."""
    place.mkdir(parents=True, exist_ok=True)
    if not (place / "Makefile").exists():
        subprocess.run([source / "configure", *words, *COMMON], cwd=place, check=True)
    if without:
        (place / "Modules/Setup.local").write_text("\n".join(["*disabled*", *without, ""]), encoding="utf-8")
    subprocess.run(["make", f"-j{jobs}"], cwd=place, check=True)


def main() -> int:
    """Build all that are not there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    source, place = options.source.resolve(), options.directory.resolve()
    native = place / "native-t"
    if not (native / "bin/python3.13t").exists():
        build(source, place / "build-native-t", ["--disable-gil", f"--prefix={native}"], options.jobs)
        subprocess.run(["make", "install"], cwd=place / "build-native-t", check=True)
    for name, prefix, words in (
        ("", "/opt/python", ()),
        ("-t", "/usr/local", ("--disable-gil",)),
        ("-td", "/usr/local", ("--disable-gil", "--with-pydebug")),
    ):
        if (place / f"install{name}").exists():
            continue
        tree = place / f"build{name}"
        python = f"--with-build-python={native}/bin/python3.13t"
        build(source, tree, [*CROSS, f"--prefix={prefix}", python, *words], options.jobs, without=WITHOUT)
        subprocess.run(["make", "install", f"DESTDIR={place}/install{name}"], cwd=tree, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

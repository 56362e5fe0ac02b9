"""Compare wheels that `corpus.py` built with the index's own for the same version, Python and machine.

    python scripts/parity.py LABEL [--set hard]

Of each pair it reads: the native modules, the other files, the size, and the newest glibc that is asked for, which is
the oldest that the wheel runs with. Writes docs/explanation/data/parity/LABEL.json. The exit status is 1 if a wheel
lacks a native module of the index's.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corpus import SETS
from index import Offered, offered_wheels
from inspection import newest_glibc
from packaging.tags import Tag, cpython_tags
from packaging.utils import parse_wheel_filename
from results import CACHE, keep, today

# Each build writes its own of these.
OWN = re.compile(r"\.dist-info/(RECORD|WHEEL|DELVEWHEEL|sboms/.*)$")
# What follows a module's name; the stable ABI's modules have another suffix than the others.
SUFFIX = re.compile(r"(\.(cpython-\d+t?(-[\w-]+)?|abi3|cp\d+t?-\w+))?\.(so|pyd)$")
# ELF, PE, Mach-O for one machine and for several, WebAssembly.
NATIVE = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\0asm")
# Where auditwheel, delocate and delvewheel put libraries.
LIBRARIES = re.compile(r"^[^/]*\.libs/|/\.dylibs/|\.data/platlib/[^/]+-[0-9a-f]{32}\.dll$")


def platform_of(tag: Tag) -> tuple[str, str]:
    """The system, with its C library, and the machine of a wheel's tag."""
    match = re.fullmatch(r"([a-z]+)(?:\d+(?=_)|(?:_\d+){2})?_(\w+)", tag.platform)
    return (match[1].replace("manylinux", "linux"), match[2]) if match else (tag.platform, "")


def counterpart(wheel: str, python: tuple[int, int], offered: Sequence[Offered]) -> Offered | None:
    """The index's wheel that pip would take on the target: the same tag first, then others that this Python takes."""
    _name, version, _build, tags = parse_wheel_filename(wheel)
    platforms = {platform_of(tag) for tag in tags}
    wanted = {(tag.interpreter, tag.abi) for tag in tags}
    ranks = {(tag.interpreter, tag.abi): rank for rank, tag in enumerate(cpython_tags(python, platforms=["any"]))}
    ranks |= dict.fromkeys(wanted, -1)
    found = [
        (ranks[tag.interpreter, tag.abi], offer.name, offer)
        for offer in offered
        for tag in offer.tags
        if offer.version == version and platform_of(tag) in platforms and (tag.interpreter, tag.abi) in ranks
    ]
    return min(found)[2] if found else None


def contents(wheel: Path) -> tuple[dict[str, int], dict[str, bytes], str, int]:
    """The native modules with their sizes, the other files, the glibc that is needed, how many bundled libraries."""
    modules: dict[str, int] = {}
    files: dict[str, bytes] = {}
    bundled = 0
    newest: tuple[int, ...] = ()
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            if data.startswith(NATIVE):
                newest = max(newest, newest_glibc(data) if data.startswith(NATIVE[0]) else ())
                if LIBRARIES.search(name):
                    bundled += 1
                else:
                    modules[SUFFIX.sub("", name)] = len(data)
            elif not name.endswith("/") and not OWN.search(name):
                files[name] = data
    return modules, files, f"glibc {'.'.join(map(str, newest))}" if newest else "", bundled


def compared(ours: Path, theirs: Path) -> dict[str, Any]:
    """What the two have in common, and what only one has."""
    (modules, files, needs, bundled), (their_modules, their_files, their_needs, their_bundled) = map(
        contents, (ours, theirs)
    )
    both = files.keys() & their_files.keys()
    return {
        "index": theirs.name,
        "modules": len(modules),
        "modules_ours": sorted(modules.keys() - their_modules.keys()),
        "modules_index": sorted(their_modules.keys() - modules.keys()),
        "files": len(both),
        "files_ours": sorted(files.keys() - their_files.keys()),
        "files_index": sorted(their_files.keys() - files.keys()),
        "changed": sorted(name for name in both if files[name] != their_files[name]),
        "size": [ours.stat().st_size, theirs.stat().st_size],
        "bundled": [bundled, their_bundled],
        "needs": [needs, their_needs],
    }


def main() -> int:
    """Compare every wheel of a configuration and write the data."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("label", help="a configuration of corpus.py")
    parser.add_argument("--set", choices=SETS, default="fifty", help="the list of packages")
    options = parser.parse_args()
    work = SETS[options.set].work / options.label
    host = json.loads((work / "env/crossenv.json").read_text(encoding="utf-8"))["host"]
    major, minor = map(int, host["version"].split("."))
    packages: dict[str, Any] = {}
    for wheel in sorted((work / "wheels").glob("*.whl")):
        name, version, _build, tags = parse_wheel_filename(wheel.name)
        if {tag.platform for tag in tags} == {"any"}:
            continue
        offer = counterpart(wheel.name, (major, minor), offered_wheels(name))
        row: dict[str, Any] = {"version": str(version)}
        if offer is not None:
            row |= compared(wheel, offer.fetch(CACHE / "parity"))
        packages[name] = row
        print(f"{name} {row}"[:200], file=sys.stderr, flush=True)
    about = {"platform": host["platform_tag"], "version": host["version"], "date": today()}
    keep("parity", options.label, {"about": about, "packages": packages})
    return int(any(row.get("modules_index") for row in packages.values()))


if __name__ == "__main__":
    sys.exit(main())

"""Build packages for macOS, merge them, and compare their modules with those of the index's wheels.

    python scripts/macos_proof.py [--work DIR] [--only NAME ...]

For each package: a wheel for arm64, one for x86-64, the two merged, and the index's wheels of the same version. Printed
is how the modules differ: load commands, libraries, exports, imports, oldest release. Nothing is run. Needs zig, LLVM's
ld64.lld and a CPython 3.13.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from crossenv.binaries import FORMATS, Linked
from crossenv.platforms.architectures import MACHO

PACKAGES = (
    *("markupsafe==3.0.3", "msgpack==1.2.4", "kiwisolver==1.5.1", "ujson==6.1.0", "wrapt==2.5.2", "lz4==4.4.5"),
    *("greenlet==3.5.6", "regex==2026.11.19", "rapidfuzz==3.14.6"),
)
TARGETS = ("macosx_11_0_arm64", "macosx_10_13_x86_64")


def main() -> int:
    """Print a line for each module that was compared."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="where wheels are kept; default: a temporary directory")
    parser.add_argument("--only", nargs="*", default=PACKAGES, metavar="NAME==VERSION")
    args = parser.parse_args()
    work = args.work or Path(tempfile.mkdtemp(prefix="macos-proof-"))
    worst = 0
    for package in args.only:
        name = package.partition("==")[0]
        made, theirs = work / "made", work / "index"
        for target in TARGETS:
            words = ["--target", target, "--python", "3.13", "-w", made]
            if not [*made.glob(f"{name}-*{target}.whl")]:
                crossenv("wheel", package, *words, "--", "--no-binary", name)
            index = ["--platform", target, "--python-version", "3.13", "--only-binary", ":all:", "--no-deps"]
            words = [sys.executable, "-m", "pip", "download", "-q", package, *index, "-d", str(theirs)]
            subprocess.run(words, check=False)
        pair = [next(made.glob(f"{name}-*{target}.whl")) for target in TARGETS]
        crossenv("merge", *pair, "--dest", made)
        for wheel in pair:
            other = theirs / wheel.name
            lines = [*differences(wheel, other)] if other.is_file() else ["the index has no wheel of this name"]
            print(f"{wheel.name}: {'; '.join(lines) or 'as the index has it'}")
            worst |= any(line.startswith("!") for line in lines)
    return worst


def crossenv(*words: str | Path) -> None:
    """Run the tool."""
    subprocess.run([sys.executable, "-m", "crossenv", *map(str, words)], check=True)


def differences(ours: Path, theirs: Path) -> Iterator[str]:
    """How modules differ; what must not begins with an exclamation mark."""
    one, other = modules(ours), modules(theirs)
    if one.keys() != other.keys():
        yield f"! files: {sorted(one.keys() ^ other.keys())}"
    for name in sorted(one.keys() & other.keys()):
        (data, linked), (their_data, their_linked) = one[name], other[name]
        more = sorted(hex(command) for command in commands(data) - commands(their_data))
        less = sorted(hex(command) for command in commands(their_data) - commands(data))
        rows: tuple[tuple[str, object, object], ...] = (
            ("! kind", data[12], their_data[12]),
            ("! libraries", linked.needed, their_linked.needed),
            ("! oldest release", linked.oldest_systems, their_linked.oldest_systems),
            ("! exports", sorted(linked.exports - their_linked.exports), []),
            ("imports beside theirs", sorted(linked.imports.keys() - their_linked.imports.keys()), []),
            ("no imports of", sorted(their_linked.imports.keys() - linked.imports.keys()), []),
            ("load commands beside theirs", more, []),
            ("no load commands", less, []),
        )
        yield from (f"{what} {found}" for what, found, wanted in rows if found != wanted)


def modules(wheel: Path) -> dict[str, tuple[bytes, Linked]]:
    """The native files of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        contents = {name: archive.read(name) for name in archive.namelist() if name.endswith(".so")}
    found = ((name, data, FORMATS[MACHO].linked(data)) for name, data in contents.items())
    return {name: (data, linked) for name, data, linked in found if linked is not None}


def commands(data: bytes) -> set[int]:
    """The load commands of a file."""
    at, found = 32, set()
    for _number in range(int.from_bytes(data[16:20], "little")):
        found.add(int.from_bytes(data[at : at + 4], "little") & 0x7FFF_FFFF)
        at += int.from_bytes(data[at + 4 : at + 8], "little")
    return found


if __name__ == "__main__":
    sys.exit(main())

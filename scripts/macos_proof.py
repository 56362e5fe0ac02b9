"""Build ten packages for macOS, compare their modules with those of the index's wheels, and run what can be run.

    python scripts/macos_proof.py [--work DIR] [--only NAME ...] [--python SPEC]

One `crossenv wheel` makes every package's wheels for arm64, for x86-64 and for both. Each module is compared with the
one in the index's wheel of the same version: kind, load commands, libraries, exports, imports, oldest release. Then the
packages' own tests run with the modules for x86-64 on Linux, by `tests/macho_loader.py`, which says what that proves.
Writes docs/explanation/data/macos; the exit status is 1 if something is wrong. Needs zig, LLVM's ld64.lld, a CPython
3.13, Debian's libc++1, and for orjson cargo with Rust's standard library for both Macs.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name, parse_wheel_filename
from results import CHECKOUT, has_failed, keep, known, today
from windows_proof import Tests, outcome, source_of

from crossenv.binaries import FORMATS
from crossenv.platforms.architectures import MACHO
from crossenv.pythons.build_python import find_build_python

PACKAGES = ("markupsafe", "msgpack", "ujson", "wrapt", "lz4", "greenlet", "regex", "orjson", "kiwisolver", "rapidfuzz")
RUST = {"orjson"}
TARGETS = ("macosx_11_0_arm64", "macosx_10_13_x86_64", "macosx_10_13_universal2")
VERSION = "3.13"
# Those that catch no C++ exceptions and use nothing of Rust's library: the loader cannot unwind.
TESTS = {
    "markupsafe": Tests(place="tests"),
    "msgpack": Tests(place="test"),
    "ujson": Tests(place="tests"),
    "wrapt": Tests(place="tests/core"),
    "lz4": Tests(place="tests/block", without="test_block_2"),
    # `test_main` starts unittest, which reads pytest's options; the other pickles a function, whose module has no name.
    "regex": Tests(place="regex/tests", without="(test_main or test_hg_bugs)"),
}
# Their tests import one another.
NEIGHBOURS = {"wrapt"}
# Names of C++: what compilers make of headers' templates is each module's own.
CXX = "_Z"
CPU = {0x0100_000C: "arm64", 0x0100_0007: "x86_64"}
# <mach-o/loader.h>
COMMANDS = {
    0x22: "LC_DYLD_INFO",
    0x24: "LC_VERSION_MIN_MACOSX",
    0x2A: "LC_SOURCE_VERSION",
    0x32: "LC_BUILD_VERSION",
    0x33: "LC_DYLD_EXPORTS_TRIE",
    0x34: "LC_DYLD_CHAINED_FIXUPS",
}
BOTH = b"\xca\xfe\xba\xbe"


def main() -> int:
    """Print a line for each wheel."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="where wheels are kept; default: a temporary directory")
    parser.add_argument("--only", nargs="*", default=PACKAGES, metavar="NAME")
    parser.add_argument("--python", default=VERSION, help="the build Python")
    parser.add_argument("--built", action="store_true", help="compare the wheels that are in DIR/made, and build none")
    args = parser.parse_args()
    work = (args.work or Path(tempfile.mkdtemp(prefix="macos-proof-"))).absolute()
    work.mkdir(parents=True, exist_ok=True)
    packages = [name for name in args.only if usable(name)]
    words = [*packages, "--no-binary", ",".join(packages), "--python", args.python]
    words += [word for target in TARGETS for word in ("--target", target)]
    words += ["-w", str(work / "made"), "--log-dir", str(work / "logs")]
    words += [word for name in ("report.html", "report.json") for word in ("--report", str(work / name))]
    command = [sys.executable, "-m", "crossenv", "wheel", *words]
    if not args.built:
        # What was not built has no wheel, which counts below.
        subprocess.run(command, check=False)
    failed = False
    rows = known("macos", VERSION).get("packages", {})
    for package in packages:
        rows[package] = prove(package, work, args.python)
        failed |= "!" in str(rows[package]) or has_failed(rows[package])
        print(f"{package}: {rows[package]}", flush=True)
        keep("macos", VERSION, {"about": {"version": VERSION}, "packages": rows})
    return int(failed)


def usable(package: str) -> bool:
    """Whether this machine can build a package; says what is missing."""

    def libraries(cpu: str) -> Path:
        words = ["rustc", "--print", "target-libdir", "--target", f"{cpu}-apple-darwin"]
        return Path(subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip())

    found = package not in RUST
    if shutil.which("cargo") and shutil.which("rustc"):
        found |= all(libraries(cpu).is_dir() for cpu in ("aarch64", "x86_64"))
    if not found:
        print(f"{package} is left out: it needs cargo and Rust's standard library for both Macs", file=sys.stderr)
    return found


def prove(package: str, work: Path, python: str) -> dict[str, Any]:
    """What is to be said of a package's wheels."""
    row: dict[str, Any] = {"version": ""}
    theirs: dict[tuple[str, str], bytes] = {}
    for target in TARGETS:
        kind = next(one for one in ("arm64", "x86_64", "universal2") if target.endswith(one))
        wheel = next((work / "made").glob(f"{package}-*-{target}.whl"), None)
        if wheel is None:
            row[kind] = "failed"
            continue
        row["version"] = str(parse_wheel_filename(wheel.name)[1])
        if kind != "universal2":
            # The one for arm64 may be for both.
            theirs |= slices(of_the_index(package, row["version"], target, work / "index" / target))
        wanted = {"arm64", "x86_64"} if kind == "universal2" else {kind}
        row[kind] = "; ".join(differences(slices(wheel), theirs, wanted)) or "as the index's"
        if kind == "x86_64" and package in TESTS:
            row["tests"] = tested(package, wheel, work, python)
    return {**row, "date": today()}


def of_the_index(package: str, version: str, target: str, place: Path) -> Path | None:
    """The index's wheel that pip takes on the target."""
    index = ["--platform", target, "--python-version", VERSION, "--only-binary", ":all:", "--no-deps"]
    command = [sys.executable, "-m", "pip", "download", "-q", f"{package}=={version}", *index, "-d", str(place)]
    subprocess.run(command, check=False)
    found = (path for path in place.glob("*.whl") if parse_wheel_filename(path.name)[0] == canonicalize_name(package))
    return next(found, None)


def slices(wheel: Path | None) -> dict[tuple[str, str], bytes]:
    """The native files of a wheel, each for one machine, by name and machine."""
    if wheel is None:
        return {}
    with zipfile.ZipFile(wheel) as archive:
        contents = {name: archive.read(name) for name in archive.namelist() if name.endswith(".so")}
    return {
        (name, CPU[struct.unpack_from("<I", content, 4)[0]]): content
        for name, data in contents.items()
        for content in machines(data)
    }


def machines(data: bytes) -> Iterator[bytes]:
    """The files for one machine in a file (`mach-o/fat.h`)."""
    if data[:4] != BOTH:
        yield data
        return
    for number in range(struct.unpack_from(">I", data, 4)[0]):
        _cpu, _subtype, offset, size, _align = struct.unpack_from(">iiIII", data, 8 + 20 * number)
        yield data[offset : offset + size]


def differences(
    ours: dict[tuple[str, str], bytes], theirs: dict[tuple[str, str], bytes], wanted: set[str]
) -> Iterator[str]:
    """How modules differ, each difference once; what must not be begins with an exclamation mark."""
    theirs = {key: data for key, data in theirs.items() if key[1] in wanted}
    if {machine for _name, machine in ours} != wanted:
        yield "! machines"
    if not theirs:
        yield "the index has no wheel"
        return
    if ours.keys() != theirs.keys():
        yield f"! files: {sorted(ours.keys() ^ theirs.keys())}"
    said: dict[str, None] = {}
    for key in sorted(ours.keys() & theirs.keys()):
        data, their_data = ours[key], theirs[key]
        linked, their_linked = FORMATS[MACHO].linked(data), FORMATS[MACHO].linked(their_data)
        if linked is None or their_linked is None:
            yield f"! {key} cannot be read"
            continue
        more = sorted(untagged(linked.exports) - untagged(their_linked.exports))
        rows: tuple[tuple[str, object, object], ...] = (
            ("! kind", data[12], their_data[12]),
            ("! libraries beside theirs", sorted({*linked.needed} - {*their_linked.needed}), []),
            ("no library", sorted({*their_linked.needed} - {*linked.needed}), []),
            ("oldest release", [*linked.oldest_systems.values()], [*their_linked.oldest_systems.values()]),
            ("! exports beside theirs", [name for name in more if not name.startswith(CXX)], []),
            ("C++ exports beside theirs", [name for name in more if name.startswith(CXX)], []),
            ("no exports of", sorted(untagged(their_linked.exports) - untagged(linked.exports)), []),
            ("imports beside theirs", sorted(linked.imports.keys() - their_linked.imports.keys()), []),
            ("no imports of", sorted(their_linked.imports.keys() - linked.imports.keys()), []),
            ("load commands beside theirs", sorted(commands(data) - commands(their_data)), []),
            ("no load commands", sorted(commands(their_data) - commands(data)), []),
        )
        said |= dict.fromkeys(f"{what} {shown(found)}" for what, found, wish in rows if found != wish)
    yield from said


def untagged(names: frozenset[str]) -> set[str]:
    """Names without the release of libc++ that its templates are tagged with."""
    return {re.sub(r"B\d+n[a-z]+\d{6}", "", name) for name in names}


def shown(found: object) -> str:
    """A list in a few words."""
    names = [str(name) for name in found] if isinstance(found, list) else [str(found)]
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def commands(data: bytes) -> set[str]:
    """The load commands of a file."""
    at, found = 32, set()
    for _number in range(int.from_bytes(data[16:20], "little")):
        number = int.from_bytes(data[at : at + 4], "little") & 0x7FFF_FFFF
        found.add(COMMANDS.get(number, hex(number)))
        at += int.from_bytes(data[at + 4 : at + 8], "little")
    return found


def tested(package: str, wheel: Path, work: Path, python: str) -> str:
    """Run a package's own tests on this machine; pytest's last line."""
    tests, site = TESTS[package], work / "site" / package
    tools = work / "tools"
    if not (tools / "bin/pytest").is_file():
        subprocess.run([find_build_python(python).executable, "-m", "venv", tools], check=True)
        more = ["pytest", "hypothesis", "tzdata", "pytz", "psutil", "arrow", "python-dateutil"]
        subprocess.run([tools / "bin/python", "-m", "pip", "install", "-q", *more], check=True)
    shutil.rmtree(site, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    sources = work / "sources" / package
    shutil.rmtree(sources, ignore_errors=True)
    # Tests that were installed are the package's own part.
    top = site if (site / tests.place).is_dir() else source_of(package, sources)
    words = [*tests.words(top), "-p", "macho_loader", "-o", "addopts="]
    words += ["--import-mode=importlib"] if package not in NEIGHBOURS else []
    environ = {**os.environ, "PYTHONPATH": f"{CHECKOUT / 'tests'}{os.pathsep}{site}"}
    command: list[str | Path] = [tools / "bin/python", "-P", "-m", *words]
    done = subprocess.run(command, cwd=site, env=environ, check=False, capture_output=True, text=True)
    return re.sub(r"\x1b\[[\d;]*m", "", outcome(done))


if __name__ == "__main__":
    sys.exit(main())

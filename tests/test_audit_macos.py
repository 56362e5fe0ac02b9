"""Audits of wheels for macOS: as the index has them, and with one fault each."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import CrossenvCommand
from crossenv.wheels.audit import audit_wheel
from crossenv.wheels.model import ERROR, WARNING
from macos_files import SYSTEM, module, universal
from wheels import extension, make_wheel

ARM = "cp313-cp313-macosx_11_0_arm64"
INTEL = "cp313-cp313-macosx_10_13_x86_64"
BOTH = "cp313-cp313-macosx_10_13_universal2"
MODULE = "toy/m.cpython-313-darwin.so"
FAT = universal(module(machine="x86_64", oldest=(10, 13)), module())
LIBRARY = "@loader_path/.dylibs/liba.dylib"


def faults(path: Path) -> list[tuple[str, str]]:
    return [(one.id, one.message) for one in audit_wheel(path).findings if one.severity == ERROR]


@pytest.mark.parametrize(
    ("files", "tag"),
    [
        ({MODULE: module()}, ARM),
        ({MODULE: module(machine="x86_64", oldest=(10, 13))}, INTEL),
        ({MODULE: FAT}, BOTH),
        # Code for more machines than the tag names does no harm.
        ({MODULE: FAT}, ARM),
        ({MODULE: FAT}, "cp313-cp313-macosx_10_13_x86_64.macosx_11_0_arm64.macosx_10_13_universal2"),
        ({"toy/m.abi3.so": module(imports={"": ["PyList_New"]})}, "cp39-abi3-macosx_11_0_arm64"),
        (
            {
                MODULE: module(imports={"": ["PyList_New"], LIBRARY: ["a"]}, rpaths=["@loader_path/.dylibs"]),
                "toy/.dylibs/liba.dylib": module(imports={SYSTEM: []}, exports=["a"], kind=6),
            },
            ARM,
        ),
    ],
)
def test_good_wheels(tmp_path: Path, files: dict[str, bytes], tag: str) -> None:
    report = audit_wheel(make_wheel(tmp_path, files, tag))
    assert (report.findings, report.unchecked) == ((), ())


@pytest.mark.parametrize(
    ("files", "tag", "fault", "says"),
    [
        ({MODULE: module(machine="x86_64")}, ARM, "machine", "is for x86_64; the wheel is for arm64"),
        ({MODULE: module()}, BOTH, "machine", "no code for x86_64, which the tag macosx_10_13_universal2 names"),
        ({MODULE: extension()}, ARM, "machine", "; the wheel is for arm64"),
        ({MODULE: b"text"}, ARM, "macho-damaged", "is not a Mach-O file"),
        ({MODULE: module(oldest=(14, 0))}, ARM, "policy", "is for macOS 14.0 and later on arm64; macosx_11_0_arm64"),
        (
            {MODULE: universal(module(machine="x86_64", oldest=(10, 15)), module())},
            BOTH,
            "policy",
            "macOS 10.15 and later on x86_64; macosx_10_13_universal2 promises macOS 10.13",
        ),
        ({MODULE: module(signed=False)}, ARM, "macho-damaged", "has no signature"),
        ({MODULE: module(imports={"": ["PyList_New", "deflate"]})}, ARM, "symbol", "needs deflate, which neither"),
        ({MODULE: module(imports={"": ["PyList_Gone"]})}, ARM, "python-api", "needs PyList_Gone"),
        (
            {"toy/m.abi3.so": module(imports={"": ["PyBytes_Join"]})},
            "cp39-abi3-macosx_11_0_arm64",
            "stable-abi",
            "PyBytes_Join",
        ),
        (
            {MODULE: module(imports={"": [], "/opt/homebrew/lib/libz.1.dylib": ["deflate"]})},
            ARM,
            "library",
            "needs /opt/homebrew/lib/libz.1.dylib, which is not in the wheel",
        ),
        ({MODULE: module(imports={LIBRARY: ["a"]})}, ARM, "library", f"needs {LIBRARY}, which is not in the wheel"),
        (
            {MODULE: module(imports={"@rpath/libpython3.13.dylib": ["PyList_New"]})},
            ARM,
            "libpython",
            "which most Pythons do not have",
        ),
        (
            {
                MODULE: module(imports={"": ["PyList_New"], "@rpath/liba.dylib": ["a"]}, rpaths=["/Users/me/lib"]),
                "toy/liba.dylib": module(imports={SYSTEM: []}, exports=["a"], kind=6),
            },
            ARM,
            "rpath",
            "/Users/me/lib",
        ),
        ({"toy/m.cpython-312-darwin.so": module()}, ARM, "extension-suffix", ".cpython-312-darwin.so"),
        ({MODULE: module("other")}, ARM, "init-function", "has no function"),
    ],
)
def test_faults(tmp_path: Path, files: dict[str, bytes], tag: str, fault: str, says: str) -> None:
    found = faults(make_wheel(tmp_path, files, tag))
    assert fault in {one for one, _ in found} and says in " ".join(words for _, words in found)


def test_a_directory_of_the_builder_that_nothing_is_looked_for_in(tmp_path: Path) -> None:
    """The wheels of shapely and pyzmq have such; their libraries are named by `@loader_path`."""
    report = audit_wheel(make_wheel(tmp_path, {MODULE: module(rpaths=["/Users/me/lib"])}, ARM))
    assert [(one.id, one.severity) for one in report.findings] == [("rpath", WARNING)]


def test_what_is_not_done_for_macos(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    result = crossenv("test", make_wheel(tmp_path, {MODULE: module()}, ARM), check=False, VIRTUAL_ENV="")
    assert result.returncode == 2
    assert "is for macOS, which no emulator here runs" in result.stderr
    assert "crossenv: hint:" in result.stderr


def test_nothing_to_repair(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {MODULE: module()}, ARM)
    made = Path(crossenv("repair", "--dest", tmp_path / "out", wheel, VIRTUAL_ENV="").stdout.strip())
    assert made.read_bytes() == wheel.read_bytes()


def test_names_that_have_no_room(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    library = module(machine="x86_64", oldest=(10, 13), imports={SYSTEM: []}, exports=["a"], kind=6)
    (tmp_path / "liba.dylib").write_bytes(library)
    wanting = module(machine="x86_64", oldest=(10, 13), imports={"": ["PyList_New"], "/lib/liba.dylib": ["a"]})
    words = ("repair", "--dest", tmp_path / "out", "--library-dir", tmp_path)
    result = crossenv(*words, make_wheel(tmp_path, {MODULE: wanting}, INTEL), check=False, VIRTUAL_ENV="")
    assert result.returncode == 6
    assert f"{MODULE} has no room for longer names of libraries" in result.stderr
    assert not (tmp_path / "out").exists()

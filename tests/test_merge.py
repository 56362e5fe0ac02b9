"""One wheel for both kinds of Macs, of two."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from conftest import CrossenvCommand
from crossenv.binaries import FORMATS, BinaryError
from crossenv.binaries.macho import joined
from crossenv.platforms.architectures import MACHO
from macos_files import module
from wheels import make_wheel

NAME = "toy/_toy.cpython-311-darwin.so"
INTEL, ARM = "cp311-cp311-macosx_10_13_x86_64", "cp311-cp311-macosx_11_0_arm64"
TEXT = "toy/__init__.py"


def intel(directory: Path) -> Path:
    return make_wheel(directory, {TEXT: b"x = 1\n", NAME: module("_toy", "x86_64", oldest=(10, 13))}, INTEL)


def arm(directory: Path, oldest: tuple[int, int] = (11, 0), tag: str = ARM, *, more: dict[str, bytes] = {}) -> Path:  # noqa: B006
    return make_wheel(directory, {TEXT: b"x = 1\n", NAME: module("_toy", oldest=oldest), **more}, tag)


def test_merge(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    one, other = intel(tmp_path), arm(tmp_path)
    said = crossenv("merge", other, one, "--dest", tmp_path / "out").stdout
    made = tmp_path / "out/toy-1-cp311-cp311-macosx_10_13_universal2.whl"
    assert said.splitlines() == [str(made)]
    with zipfile.ZipFile(made) as archive, zipfile.ZipFile(one) as first, zipfile.ZipFile(other) as second:
        assert {*archive.namelist()} == {*first.namelist()}
        assert archive.read(TEXT) == b"x = 1\n"
        data = archive.read(NAME)
        magic, count = struct.unpack_from(">II", data)
        parts = [struct.unpack_from(">iiIII", data, 8 + 20 * number) for number in range(count)]
        assert (magic, [part[0] for part in parts]) == (0xCAFEBABE, [0x0100_0007, 0x0100_000C])
        # Signatures are for a part, from its own beginning on.
        contents = [data[start : start + size] for _cpu, _subtype, start, size, _align in parts]
        assert contents == [first.read(NAME), second.read(NAME)]
        assert all(start % (1 << align) == 0 for _cpu, _subtype, start, _size, align in parts)
        tags = archive.read("toy-1.dist-info/WHEEL").decode().splitlines()
        assert "Tag: cp311-cp311-macosx_10_13_universal2" in tags
        assert [line for line in tags if "arm64" in line or "x86_64" in line] == []
    again = made.read_bytes()
    crossenv("merge", one, other, "--dest", tmp_path / "out")
    assert made.read_bytes() == again
    crossenv("audit", "--strict", made)


@pytest.mark.parametrize("alike", [True, False])
def test_bills_of_materials_may_differ(crossenv: CrossenvCommand, tmp_path: Path, *, alike: bool) -> None:
    """They have the time of the build; two that differ stay two (PEP 770 has directories for them)."""
    top, wheels = "toy-1.dist-info/sboms", []
    for tag, machine in ((INTEL, "x86_64"), (ARM, "arm64")):
        data = module("_toy", machine, oldest=(10, 13) if machine == "x86_64" else (11, 0))
        bill = b"{}" if alike else machine.encode()
        wheels.append(make_wheel(tmp_path, {NAME: data, f"{top}/toy.cyclonedx.json": bill}, tag))
    crossenv("merge", *wheels, "--dest", tmp_path / "out")
    (made,) = (tmp_path / "out").iterdir()
    with zipfile.ZipFile(made) as archive:
        found = {name: archive.read(name) for name in archive.namelist() if "/sboms/" in name}
    one = {f"{top}/toy.cyclonedx.json": b"{}"}
    both = {f"{top}/{machine}/toy.cyclonedx.json": machine.encode() for machine in ("x86_64", "arm64")}
    assert found == (one if alike else both)
    crossenv("audit", "--strict", made)


def test_a_module_for_one_machine(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    """rapidfuzz has such, and does without them elsewhere. A mistake of a build looks alike, so the wheel says so."""
    more = "toy/_sse2.cpython-311-darwin.so"
    modules = {NAME: "_toy", more: "_sse2"}
    files = {name: module(said, "x86_64", oldest=(10, 13)) for name, said in modules.items()} | {TEXT: b"x = 1\n"}
    wheel = make_wheel(tmp_path, files, INTEL)
    said = crossenv("merge", wheel, arm(tmp_path), "--dest", tmp_path / "out")
    made = Path(said.stdout.strip())
    assert f"warning: {more} has no code for arm64" in said.stderr
    assert said.stderr.count("warning") == 1
    with zipfile.ZipFile(made) as archive, zipfile.ZipFile(wheel) as first:
        assert archive.read(more) == first.read(more)
        head = archive.read("toy-1.dist-info/WHEEL").decode()
        contents = {name: archive.read(name) for name in archive.namelist() if "dist-info" not in name}
    assert f"Crossenv-Only-For: x86_64 {more}\n" in head
    assert "merged from a wheel for x86_64 alone [machine]" in crossenv("audit", made).stdout
    assert crossenv("audit", "--strict", made, check=False).returncode == 7
    # The same files of a build that compiled for one machine by mistake.
    (tmp_path / "mistaken").mkdir()
    mistaken = make_wheel(tmp_path / "mistaken", contents, "cp311-cp311-macosx_10_13_universal2")
    result = crossenv("audit", mistaken, check=False)
    assert result.returncode == 7
    assert f"error: {more} has no code for arm64" in result.stdout


def test_a_library_for_both_in_one_wheel_only(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    more = {"toy/_more.cpython-311-darwin.so": joined([module("_more", "x86_64", oldest=(10, 13)), module("_more")])}
    said = crossenv("merge", intel(tmp_path), arm(tmp_path, more=more), "--dest", tmp_path / "out")
    with zipfile.ZipFile(said.stdout.strip()) as archive:
        assert "Crossenv-Only-For" not in archive.read("toy-1.dist-info/WHEEL").decode()
    crossenv("audit", "--strict", said.stdout.strip())


def test_the_tag_is_for_what_both_run_on(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    newer = arm(tmp_path, oldest=(14, 0), tag="cp311-cp311-macosx_14_0_arm64")
    said = crossenv("merge", intel(tmp_path), newer, "--dest", tmp_path / "out").stdout
    assert said.strip().endswith("macosx_14_0_universal2.whl")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({TEXT: b"x = 2\n"}, "toy/__init__.py differs between"),
        ({"toy/more.py": b""}, "toy/more.py is in toy-1-cp311-cp311-macosx_11_0_arm64.whl and not in"),
        ({NAME: b"\x7fELF"}, f"{NAME} differs between"),
    ],
)
def test_what_differs_is_refused(
    crossenv: CrossenvCommand, tmp_path: Path, change: dict[str, bytes], says: str
) -> None:
    result = crossenv("merge", intel(tmp_path), arm(tmp_path, more=change), "--dest", tmp_path / "out", check=False)
    assert result.returncode == 7
    assert says in result.stderr
    assert not [*tmp_path.glob("out/*")]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (intel, "are for the same machine"),
        (lambda path: arm(path).rename(path / f"toy-2-{ARM}.whl"), "are not one project, version and Python"),
        (
            lambda path: arm(path).rename(path / "toy-1-cp311-cp311-linux_x86_64.whl"),
            "is not a wheel for one kind",
        ),
        (lambda path: Path(path / f"toy-1-{ARM}.whl"), "no such"),
    ],
)
def test_what_is_no_pair(crossenv: CrossenvCommand, tmp_path: Path, make: object, says: str) -> None:
    assert callable(make)
    (tmp_path / "other").mkdir()
    result = crossenv("merge", intel(tmp_path), make(tmp_path / "other"), check=False)
    assert result.returncode in (2, 7)
    assert says in result.stderr or says == "no such"


def test_a_wheel_with_the_other_machines_code_gets_one_line(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    wrong = make_wheel(tmp_path, {TEXT: b"x = 1\n", NAME: module("_toy", "x86_64") + bytes(16)}, ARM)
    result = crossenv("merge", intel(tmp_path), wrong, "--dest", tmp_path / "out", check=False)
    assert result.returncode == 7
    assert len(result.stderr.splitlines()) == 2
    assert f"{NAME} in toy-1-{INTEL}.whl and toy-1-{ARM}.whl makes no file for both" in result.stderr


def test_what_the_audit_refuses_leaves_the_earlier_result(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    crossenv("merge", intel(tmp_path), arm(tmp_path), "--dest", tmp_path / "out")
    (made,) = (tmp_path / "out").iterdir()
    good = made.read_bytes()
    more = {"toy/_more.cpython-311-darwin.so": module("_more", "x86_64")}
    assert (
        crossenv("merge", intel(tmp_path), arm(tmp_path, more=more), "--dest", made.parent, check=False).returncode == 7
    )
    assert made.read_bytes() == good
    assert [*made.parent.iterdir()] == [made]


def test_a_directory_that_cannot_be_written_gets_one_line(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    result = crossenv("merge", intel(tmp_path), arm(tmp_path), "--dest", tmp_path / "out", check=False)
    assert result.returncode == 2
    assert "cannot be written: File exists" in result.stderr
    assert len(result.stderr.splitlines()) == 2


def test_one_machine_twice_is_refused() -> None:
    both = joined([module(machine="x86_64"), module()])
    assert [one.machine for one in (FORMATS[MACHO].machine(both).identity, *FORMATS[MACHO].machine(both).others)] == [
        *("x86_64", "aarch64")
    ]  # fmt: skip
    with pytest.raises(BinaryError, match="for one machine twice"):
        joined([both, module()])

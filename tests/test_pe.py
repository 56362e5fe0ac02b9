"""The reader of PE files, on real ones and on such that were damaged."""

from __future__ import annotations

import random
import struct

import pytest

import windows_files
from crossenv.binaries import FORMATS, BinaryError, format_of, is_native, objects_in
from crossenv.binaries.pe import Pe
from crossenv.platforms.architectures import ELF, PE, architecture_of

READER = Pe()


def test_the_table_has_it() -> None:
    assert isinstance(FORMATS[PE], Pe)


@pytest.mark.parametrize(
    ("tag", "words", "architecture"),
    [("win_amd64", "x86-64", "x86_64"), ("win32", "x86", "i686"), ("win_arm64", "ARM64", "aarch64")],
)
def test_machines(tag: str, words: str, architecture: str) -> None:
    for data in (windows_files.module(tag=tag), windows_files.object_file(tag)):
        machine = READER.machine(data)
        assert isinstance(format_of(data), Pe)
        assert (machine.words, READER.describe(machine.identity)) == (words, words)
        row = architecture_of(machine.identity)
        assert row is not None and row.name == architecture
        assert machine.fits(row.identity(PE)) and not machine.fits(row.identity(ELF))


def test_what_a_module_says() -> None:
    data = windows_files.module(
        imports={"python313.dll": ["PyModule_Create2", "Py_DecRef"], "KERNEL32.dll": ["GetTickCount"]}
    )
    linked = READER.linked(data)
    assert linked is not None
    assert sorted(linked.needed) == ["KERNEL32.dll", "python313.dll"]
    assert linked.imported_from == {
        "python313.dll": {"PyModule_Create2", "Py_DecRef"},
        "KERNEL32.dll": {"GetTickCount"},
    }
    assert linked.init_functions == {"PyInit_m"} and linked.uses_python
    assert not linked.program and linked.soname == "x.dll" and not linked.delayed
    assert "NX" in linked.properties


@pytest.mark.parametrize(("name", "words"), [("t64", "x86-64"), ("t32", "x86"), ("t64-arm", "ARM64")])
def test_programs(name: str, words: str) -> None:
    data = windows_files.launcher(name)
    linked = READER.linked(data)
    assert linked is not None and linked.program and not linked.exports
    assert "KERNEL32.dll" in linked.needed
    assert READER.machine(data).words == words


def test_object_files_are_not_linked() -> None:
    assert READER.linked(windows_files.object_file()) is None


@pytest.mark.parametrize(
    ("tag", "words", "architecture"), [("win_amd64", "ARM64EC", ""), ("win_arm64", "ARM64X", "aarch64")]
)
def test_code_for_two_kinds_of_processes(tag: str, words: str, architecture: str) -> None:
    """Microsoft's linker writes a pointer to the table of such code (CHPEMetadataPointer) for either."""
    data = windows_files.module(tag=tag, text="const unsigned _load_config_used[80] = {0x140, [0xC8 / 4] = 1};")
    machine = READER.machine(data)
    # An x86-64 machine cannot run the one, and an ARM64 process takes the other.
    assert (machine.words, machine.identity.machine) == (words, architecture)
    without = windows_files.module(tag=tag, text="const unsigned _load_config_used[80] = {0x140};")
    assert READER.machine(without).words == ("x86-64" if architecture == "" else "ARM64")


def test_objects_of_the_two_kinds() -> None:
    data = bytearray(windows_files.object_file("win_arm64"))
    for number, words in ((0xA641, "ARM64EC"), (0xA64E, "ARM64X")):
        struct.pack_into("<H", data, 0, number)
        assert READER.machine(bytes(data)).words == words


def test_files_that_are_none() -> None:
    for data in (b"", b"MZ", b"MZ;Mozambique\n", b"MZ" + b" text" * 40, b"#!/bin/sh\n", b"\x7fELF" + bytes(60)):
        assert not READER.recognises(data), data
    assert is_native(windows_files.module())


def test_members_of_an_import_library() -> None:
    member = b"\0\0\xff\xff\0\0\x64\x86" + bytes(12) + b"f\0python313.dll\0"
    header = b"x.obj/          0           0     0     644     %-10d`\n" % len(member)
    ((_, content),) = objects_in("x.lib", b"!<arch>\n" + header + member)
    assert READER.recognises(content) and READER.machine(content).words == "x86-64"
    assert READER.linked(content) is None


@pytest.mark.parametrize("tag", ["win_amd64", "win32"])
def test_a_file_that_is_cut_off_is_damaged_wherever_it_ends(tag: str) -> None:
    data = windows_files.module(tag=tag)
    for length in range(64, len(data), 37):
        with pytest.raises(BinaryError):
            READER.linked(data[:length])


def test_a_certificate_that_is_cut_off() -> None:
    data = bytearray(windows_files.launcher("t64"))
    directory = _directories(data) + 8 * 4
    struct.pack_into("<II", data, directory, len(data), 4096)
    with pytest.raises(BinaryError, match="is cut off"):
        READER.linked(bytes(data))
    linked = READER.linked(bytes(data) + bytes(4096))
    assert linked is not None and "signed" in linked.properties


@pytest.mark.parametrize("index", range(6))
def test_damaged_files_end_in_one_error(index: int) -> None:
    """Whatever is written into the headers and tables: facts, or the one exception."""
    chance = random.Random(index)
    sources = [windows_files.module(), windows_files.module(tag="win32"), windows_files.launcher("t64")]
    good = sources[index % 3]
    for _ in range(150):
        data = bytearray(good)
        for _ in range(chance.choice([1, 4, 40])):
            place = chance.randrange(64, 600) if chance.random() < 0.5 else chance.randrange(len(data))
            data[place] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
        try:
            READER.machine(bytes(data))
            READER.linked(bytes(data))
        except BinaryError as error:
            assert str(error).startswith("is ") and "\n" not in str(error)


def test_an_import_directory_that_points_outside() -> None:
    data = bytearray(windows_files.module())
    struct.pack_into("<I", data, _directories(data) + 8, 0x7FFF0000)
    with pytest.raises(BinaryError, match="is damaged"):
        READER.linked(bytes(data))


def _header(data: bytearray) -> int:
    return int(struct.unpack_from("<I", data, 0x3C)[0])


def _directories(data: bytearray) -> int:
    """Where the table of directories begins."""
    optional = _header(data) + 24
    return optional + (112 if struct.unpack_from("<H", data, optional)[0] == 0x20B else 96)

"""The reader of Mach-O files, on files written from the format and on such that were damaged."""

from __future__ import annotations

import random
import struct

import pytest

import macos_files
from crossenv.binaries import ANY_LIBRARY, FORMATS, BinaryError, format_of, is_native
from crossenv.binaries.macho import MachO
from crossenv.platforms.architectures import ELF, MACHO, architecture_of
from macos_files import SYSTEM, module, universal

READER = MachO()


def test_the_table_has_it() -> None:
    assert isinstance(FORMATS[MACHO], MachO)


@pytest.mark.parametrize(("words", "architecture"), [("arm64", "aarch64"), ("x86_64", "x86_64")])
def test_machines(words: str, architecture: str) -> None:
    for kind in (macos_files.BUNDLE, macos_files.LIBRARY, macos_files.OBJECT):
        data = module(machine=words, kind=kind)
        machine = READER.machine(data)
        assert isinstance(format_of(data), MachO)
        assert (machine.words, READER.describe(machine.identity)) == (words, words)
        row = architecture_of(machine.identity)
        assert row is not None and row.name == architecture
        assert machine.fits(row.identity(MACHO)) and not machine.fits(row.identity(ELF))


def test_what_a_module_says() -> None:
    data = module(
        imports={"": ["PyModule_Create2", "_Py_Dealloc"], SYSTEM: ["memcpy"], "@loader_path/.dylibs/liba.dylib": ["a"]},
        rpaths=["@loader_path/.dylibs"],
    )
    linked = READER.linked(data)
    assert linked is not None and linked.init_functions == {"PyInit_m"} and linked.uses_python
    assert linked.needed == (SYSTEM, "@loader_path/.dylibs/liba.dylib")
    assert linked.search_path == ("@loader_path/.dylibs",)
    assert linked.imported_from == {
        ANY_LIBRARY: {"PyModule_Create2", "_Py_Dealloc"},
        SYSTEM: {"memcpy"},
        "@loader_path/.dylibs/liba.dylib": {"a"},
    }
    assert linked.oldest_systems == {"aarch64": (11, 0)}
    assert linked.properties == ("bundle", "macOS 11.0", "ad-hoc signature")


def test_exports_of_a_stripped_file() -> None:
    linked = READER.linked(module(exports=["PyInit_a", "PyInit_b"], in_trie=True))
    assert linked is not None and linked.exports == {"PyInit_a", "PyInit_b"}


def test_one_file_for_two_machines() -> None:
    data = universal(
        module(machine="x86_64", oldest=(10, 13), exports=["PyInit_m", "a"]),
        module(imports={"": ["PyList_New"], SYSTEM: ["bzero"]}),
    )
    machine, linked = READER.machine(data), READER.linked(data)
    assert machine.words == "x86_64 and arm64"
    rows = [row for identity in (machine.identity, *machine.others) if (row := architecture_of(identity))]
    assert len(rows) == 2 and all(machine.fits(row.identity(MACHO)) for row in rows)
    assert linked is not None and linked.oldest_systems == {"x86_64": (10, 13), "aarch64": (11, 0)}
    assert linked.exports == {"PyInit_m"}
    assert linked.imported_from == {ANY_LIBRARY: {"PyModule_Create2", "PyList_New"}, SYSTEM: {"bzero"}}


def test_object_files_are_not_linked() -> None:
    assert READER.linked(module(kind=macos_files.OBJECT)) is None


def test_classes_of_java_are_not_native() -> None:
    assert not is_native(struct.pack(">IHH", 0xCAFE_BABE, 0, 52) + bytes(100))


def test_arm64_code_has_to_be_signed() -> None:
    with pytest.raises(BinaryError, match="has no signature"):
        READER.linked(module(signed=False))
    assert READER.linked(module(machine="x86_64", signed=False)) is not None


def test_a_file_that_was_changed_after_it_was_signed() -> None:
    data = bytearray(module())
    place = data.index(b"_PyInit_m")
    data[place + 1 : place + 3] = b"QQ"
    with pytest.raises(BinaryError, match="changed after it was signed"):
        READER.linked(bytes(data))


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.98])
def test_cut_off(share: float) -> None:
    data = module()
    with pytest.raises(BinaryError, match=r"is cut off|is damaged"):
        READER.linked(data[: int(len(data) * share)])


@pytest.mark.parametrize("seed", range(3))
def test_damage_of_any_kind_is_said(seed: int) -> None:
    """Any bytes: the reader ends, and with its own error if it fails."""
    numbers = random.Random(seed)
    whole = universal(module(machine="x86_64", in_trie=True), module(in_trie=True))
    for _attempt in range(100):
        data = bytearray(whole)
        for _place in range(numbers.randrange(1, 6)):
            data[numbers.randrange(4, len(data))] = numbers.randrange(256)
        try:
            READER.machine(bytes(data))
            READER.linked(bytes(data))
        except BinaryError:
            continue

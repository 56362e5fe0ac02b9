"""The reader of WebAssembly files."""

from __future__ import annotations

import pytest

from crossenv.binaries import FORMATS, BinaryError, format_of, is_native
from wasm_files import object_file, side_module

WASM = FORMATS["wasm"]


def test_a_side_module() -> None:
    data = side_module("toy", imports=["PyList_New", "free"], data=["PyExc_TypeError"], needed=["liba.so"])
    linked = WASM.linked(data)
    assert linked is not None and not linked.program
    assert linked.init_functions == {"PyInit_toy"} and linked.uses_python
    assert linked.needed == ("liba.so",)
    # "e" is the tag of an exception; memory and table are the loader's.
    assert set(linked.imports) == {"PyList_New", "free", "PyExc_TypeError", "e"}
    assert str(WASM.machine(data).identity) == "wasm32"
    assert WASM.machine(data).words == "WebAssembly, 32-bit"
    assert format_of(data) is WASM and is_native(data)


def test_names_that_it_defines_and_weak_ones() -> None:
    """A side module asks the loader for the place of its own data too."""
    linked = WASM.linked(side_module(imports=["gone"], data=["PyInit_m"], weak=["gone"]))
    assert linked is not None
    assert "PyInit_m" not in linked.imports and linked.imports["gone"].weak


def test_what_is_not_a_side_module() -> None:
    program = WASM.linked(side_module(dylink=""))
    assert program is not None and program.program
    assert WASM.linked(object_file()) is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shared": True}, "WebAssembly, 32-bit, memory shared by threads"),
        ({"wide": True}, "WebAssembly, 64-bit"),
    ],
)
def test_other_machines(options: dict[str, bool], words: str) -> None:
    machine, own = WASM.machine(side_module(**options)), WASM.machine(side_module())  # type: ignore[arg-type]
    assert machine.words == words
    assert not machine.fits(own.identity)


def test_damaged_files() -> None:
    data = side_module("toy", needed=["liba.so"])
    for length in range(8, len(data)):
        try:
            WASM.linked(data[:length])
        except BinaryError:
            continue
        # A cut between two sections leaves a whole file.
        assert WASM.linked(data[:length]) is not None
    with pytest.raises(BinaryError, match=r"an emscripten before 3\.0"):
        WASM.linked(side_module(dylink="dylink"))
    with pytest.raises(BinaryError, match="unknown version"):
        WASM.machine(b"\0asm\2\0\0\0")
    with pytest.raises(BinaryError, match="cut off"):
        WASM.machine(b"\0asm")

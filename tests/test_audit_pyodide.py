"""Audits of wheels for Pyodide: as the index has them, and with one fault each."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossenv.wheels.audit import audit_wheel
from crossenv.wheels.model import ERROR
from wasm_files import object_file, side_module
from wheels import extension, make_wheel

TAG = "cp314-cp314-pyemscripten_2026_0_wasm32"
MODULE = "toy/m.cpython-314-wasm32-emscripten.so"


def faults(path: Path) -> list[tuple[str, str]]:
    return [(one.id, one.message) for one in audit_wheel(path).findings if one.severity == ERROR]


@pytest.mark.parametrize(
    ("files", "tag"),
    [
        ({MODULE: side_module(imports=["PyList_New", "malloc", "_Unwind_CallPersonality"])}, TAG),
        ({"toy/m.cpython-313-wasm32-emscripten.so": side_module()}, "cp313-cp313-pyemscripten_2025_0_wasm32"),
        ({"toy/m.cpython-312-wasm32-emscripten.so": side_module()}, "cp312-cp312-pyodide_2024_0_wasm32"),
        ({"toy/m.abi3.so": side_module(imports=["PyList_New"])}, "cp311-abi3-pyemscripten_2026_0_wasm32"),
        (
            {MODULE: side_module(imports=["a"], needed=["liba.so"]), "toy/liba.so": side_module(exports=["a"])},
            TAG,
        ),
        # Where it is not a module, it is data that JavaScript loads.
        ({"toy/a.wasm": side_module(dylink=""), "toy/m.so": extension()}, "cp311-cp311-manylinux_2_28_aarch64"),
    ],
)
def test_good_wheels(tmp_path: Path, files: dict[str, bytes], tag: str) -> None:
    report = audit_wheel(make_wheel(tmp_path, files, tag))
    assert (report.findings, report.unchecked) == ((), ())


@pytest.mark.parametrize(
    ("files", "tag", "fault", "says"),
    [
        ({MODULE: extension("m")}, TAG, "machine", "the wheel is for WebAssembly, 32-bit"),
        ({MODULE: b"text"}, TAG, "wasm-damaged", "is not a WebAssembly file"),
        ({MODULE: side_module()[:40]}, TAG, "wasm-damaged", "is cut off"),
        ({MODULE: side_module(dylink="")}, TAG, "module-kind", "is a program, which Python cannot load"),
        ({MODULE: object_file()}, TAG, "module-kind", "is an object file, which Python cannot load"),
        ({MODULE: side_module(shared=True)}, TAG, "machine", "memory shared by threads; the wheel is for"),
        ({MODULE: side_module("other")}, TAG, "init-function", "has no function PyInit_m"),
        ({MODULE: side_module(imports=["PyList_Gone"])}, TAG, "python-api", "needs PyList_Gone"),
        ({MODULE: side_module(needed=["liba.so"])}, TAG, "library", "needs liba.so, which is not in the wheel"),
        (
            {"toy/m.cpython-313-wasm32-emscripten.so": side_module()},
            TAG,
            "extension-suffix",
            "has the suffix .cpython-313-wasm32-emscripten.so",
        ),
        ({MODULE: side_module()}, "cp314-cp314-manylinux_2_28_x86_64", "machine", "is for WebAssembly, 32-bit"),
    ],
)
def test_one_fault_each(tmp_path: Path, files: dict[str, bytes], tag: str, fault: str, says: str) -> None:
    found = faults(make_wheel(tmp_path, files, tag))
    assert [one for one in found if one[0] == fault and says in one[1]], found

"""Audits of wheels with PE files: real ones, some with one fault each."""

from __future__ import annotations

from pathlib import Path

import pytest

import windows_files
from crossenv.wheels.audit import audit_wheel
from crossenv.wheels.model import ERROR, WARNING
from test_audit import MODULE
from wheels import TAG, extension, make_wheel


def found(path: Path, severity: str = ERROR) -> set[tuple[str, str]]:
    return {(one.id, one.path) for one in audit_wheel(path).findings if one.severity == severity}


def test_launchers_for_windows_are_data_elsewhere(tmp_path: Path) -> None:
    """The wheels of pip and setuptools are tagged `any` and have such programs."""
    launchers = {f"toy/{name}.exe": windows_files.launcher(name) for name in ("t32", "t64", "t64-arm")}
    assert audit_wheel(make_wheel(tmp_path, launchers, "py3-none-any")).findings == ()
    path = make_wheel(tmp_path, {**launchers, MODULE: extension()}, TAG)
    assert found(path) == set()
    assert found(path, WARNING) == {("machine", name) for name in launchers}


def test_a_module_for_windows_is_for_another_machine(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, {MODULE: extension(), "toy/m.dll": windows_files.module()}, TAG)
    (finding,) = (one for one in audit_wheel(path).findings if one.severity == ERROR and one.id == "machine")
    assert finding.path == "toy/m.dll" and "is for x86-64; the wheel is for AArch64" in finding.message
    assert ("platform-tag", "") in found(make_wheel(tmp_path, {"toy/m.pyd": windows_files.module()}, "py3-none-any"))


def test_a_dll_that_is_cut_off(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, {"toy/m.dll": windows_files.module()[:900]}, "py3-none-any")
    assert ("pe-damaged", "toy/m.dll") in found(path)


@pytest.mark.parametrize("text", [b"MZ;Mozambique\n", b"MZ " + b"text " * 50])
def test_text_that_begins_like_a_program(tmp_path: Path, text: bytes) -> None:
    assert audit_wheel(make_wheel(tmp_path, {"toy/data.txt": text}, "py3-none-any")).findings == ()

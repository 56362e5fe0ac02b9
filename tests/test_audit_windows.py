"""Audits of wheels with PE files: real ones, some with one fault each."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import windows_files
from crossenv.wheels.audit import audit_wheel
from crossenv.wheels.model import ERROR, WARNING
from test_audit import MODULE
from wheels import TAG, extension, make_wheel

WINDOWS = "cp313-cp313-win_amd64"
PYD = "toy/m.cp313-win_amd64.pyd"


def found(path: Path, severity: str = ERROR) -> set[tuple[str, str]]:
    return {(one.id, one.path) for one in audit_wheel(path).findings if one.severity == severity}


def test_launchers_for_windows_are_data_elsewhere(tmp_path: Path) -> None:
    """The wheels of pip and setuptools are tagged `any` and have such programs."""
    launchers = {f"toy/{name}.exe": windows_files.launcher(name) for name in ("t32", "t64", "t64-arm")}
    assert audit_wheel(make_wheel(tmp_path, launchers, "py3-none-any")).findings == ()
    path = make_wheel(tmp_path, {**launchers, MODULE: extension()}, TAG)
    assert found(path) == set()
    assert found(path, WARNING) == {("machine", name) for name in launchers}


def test_object_files_for_windows_are_data_elsewhere(tmp_path: Path) -> None:
    """The wheels of greenlet have such files."""
    # An object file of COFF: its header, and no sections.
    data = struct.pack("<HHIIIHH", 0x8664, 0, 0, 0, 0, 0, 0)
    archive = b"!<arch>\n" + f"{'x.obj/':<16}{0:<12}{0:<6}{0:<6}{0:<8}{len(data):<10}`\n".encode() + data
    path = make_wheel(tmp_path, {"toy/x.obj": data, "toy/x.lib": archive, MODULE: extension()}, TAG)
    assert found(path) == set()
    assert found(path, WARNING) == {("machine", "toy/x.obj"), ("machine", "toy/x.lib")}


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


# Wheels for Windows


@pytest.mark.parametrize(
    ("tag", "suffix", "library"),
    [
        ("cp313-cp313-win_amd64", ".cp313-win_amd64.pyd", "python313.dll"),
        ("cp313-cp313-win32", ".cp313-win32.pyd", "python313.dll"),
        ("cp313-cp313-win_arm64", ".cp313-win_arm64.pyd", "python313.dll"),
        ("cp314-cp314t-win_amd64", ".cp314t-win_amd64.pyd", "python314t.dll"),
        ("cp310-abi3-win_amd64", ".pyd", "python3.dll"),
        ("cp313-cp313-win_amd64", ".pyd", "python3.dll"),
    ],
)
def test_good_wheels(tmp_path: Path, tag: str, suffix: str, library: str) -> None:
    system = ["KERNEL32.dll", "api-ms-win-crt-runtime-l1-1-0.dll", "VCRUNTIME140.dll"]
    data = windows_files.module(
        tag=tag.rpartition("-")[2],
        imports={library: ["PyModule_Create2"], **{name: [f"f{number}"] for number, name in enumerate(system)}},
    )
    report = audit_wheel(make_wheel(tmp_path, {f"toy/m{suffix}": data}, tag))
    assert report.findings == () and report.unchecked == ()
    (file,) = report.files
    assert file.kind == "extension" and set(file.needs) == {library, *system}
    assert "NX" in file.properties


def needing(library: str, *names: str) -> bytes:
    return windows_files.module(imports={library: names or ("f",)})


FAULTS: list[Any] = [
    pytest.param({PYD: windows_files.module(tag="win_arm64")}, WINDOWS, "machine", "is for ARM64; the", id="arm64"),
    pytest.param({PYD: windows_files.module(tag="win32")}, WINDOWS, "machine", "is for x86; the", id="32 bits"),
    pytest.param(
        {PYD: windows_files.module(), "toy/tool": extension()},
        WINDOWS,
        "machine",
        "is for AArch64",
        id="a file of Linux",
    ),
    pytest.param({PYD: windows_files.module("n")}, WINDOWS, "init-function", "it has PyInit_n", id="another name"),
    pytest.param(
        {"toy/m.pyd": windows_files.module(exports=["f"])}, WINDOWS, "init-function", "PyInit_m", id="no module"
    ),
    pytest.param({PYD: windows_files.module()[:1500]}, WINDOWS, "pe-damaged", "is cut off", id="cut off"),
    pytest.param({PYD: b"x"}, WINDOWS, "pe-damaged", "is not a PE file", id="text"),
    pytest.param({PYD: needing("python312.dll", "Py_DecRef")}, WINDOWS, "libpython", "is python313.dll", id="3.12"),
    pytest.param({PYD: needing("python313t.dll", "Py_DecRef")}, WINDOWS, "libpython", "python313t.dll", id="3.13t"),
    pytest.param({PYD: needing("python313_d.dll", "Py_DecRef")}, WINDOWS, "libpython", "python313_d", id="debug"),
    pytest.param(
        {"toy/m.pyd": needing("python313.dll", "Py_DecRef")},
        "cp310-abi3-win_amd64",
        "libpython",
        "the library of the stable ABI of Python 3.10 is python3.dll",
        id="abi3 with one version's library",
    ),
    pytest.param(
        {"toy/m.pyd": needing("python3.dll", "PyType_GetName")},
        "cp310-abi3-win_amd64",
        "stable-abi",
        "PyType_GetName (since 3.11)",
        id="abi3 too late",
    ),
    pytest.param({PYD: needing("python313.dll", "_PyNothing")}, WINDOWS, "python-api", "_PyNothing", id="no such name"),
    pytest.param({PYD: needing("libfoo-1.dll")}, WINDOWS, "library", "needs libfoo-1.dll, which is not", id="library"),
    pytest.param(
        {PYD: needing("foo-1a2b.dll"), "toy.libs/foo-1a2b.dll": windows_files.module(imports={}, exports=["g"])},
        WINDOWS,
        "symbol",
        "needs f of foo-1a2b.dll",
        id="a function that is not there",
    ),
    pytest.param(
        {"toy/m.cp312-win_amd64.pyd": needing("python312.dll", "Py_DecRef")},
        WINDOWS,
        "extension-suffix",
        "take .pyd .cp313-win_amd64.pyd",
        id="suffix",
    ),
    pytest.param({PYD: windows_files.module()}, "cp313-cp313-win_arm64", "machine", "the wheel is for ARM64", id="tag"),
]


@pytest.mark.parametrize(("files", "tag", "kind", "says"), FAULTS)
def test_each_fault_has_its_finding(tmp_path: Path, files: dict[str, bytes], tag: str, kind: str, says: str) -> None:
    report = audit_wheel(make_wheel(tmp_path, files, tag))
    errors = [one for one in report.findings if one.severity == ERROR]
    assert kind in {one.id for one in errors} <= {kind, "extension-suffix"}, errors
    assert says in " ".join(one.message for one in errors)
    assert report.failed()


WARNINGS: list[Any] = [
    pytest.param({PYD: needing("MSVCP140.dll")}, "library", "does not bring it along", id="redistributable"),
    pytest.param({PYD: needing("msvcrt.dll")}, "libc", "another C library than Python's", id="old C runtime"),
    *(
        pytest.param({PYD: windows_files.module(), name: b"x"}, "left-over", name, id=name)
        for name in ("toy/m.cp313-win_amd64.lib", "toy/m.cp313-win_amd64.dll.a", "toy/other.pdb", "m.exp")
    ),
    pytest.param(
        {PYD: windows_files.module(), "toy/switch.obj": windows_files.object_file("win_arm64")},
        "machine",
        "is for ARM64",
        id="an object for another machine",
    ),
    pytest.param(
        {PYD: windows_files.module(), f"toy/{'d' * 260}.txt": b""}, "long-path", "268 characters", id="a long path"
    ),
]


@pytest.mark.parametrize(("files", "kind", "says"), WARNINGS)
def test_warnings(tmp_path: Path, files: dict[str, bytes], kind: str, says: str) -> None:
    report = audit_wheel(make_wheel(tmp_path, files, WINDOWS))
    assert [(one.id, one.severity) for one in report.findings] == [(kind, WARNING)]
    assert says in report.findings[0].message


def test_libraries_within_the_wheel(tmp_path: Path) -> None:
    """As delvewheel puts them there; DLLs are found whatever the case of their names. Static libraries may stay."""
    inner = windows_files.module(imports={"KERNEL32.dll": ["f"]}, exports=["f"])
    files = {PYD: needing("Foo-1a2b.DLL"), "toy.libs/foo-1a2b.dll": inner, "toy/lib/npymath.lib": b"!<arch>\n"}
    assert audit_wheel(make_wheel(tmp_path, files, WINDOWS)).findings == ()


def test_the_report_says_nothing_of_policies(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, {PYD: windows_files.module()}, WINDOWS)
    text = subprocess.run([sys.executable, "-m", "crossenv", "audit", path], capture_output=True, text=True, check=True)
    assert "1 native file for x86-64\n" in text.stdout and "policy" not in text.stdout
    words = [sys.executable, "-m", "crossenv", "audit", "--json", str(path)]
    data = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    assert "NX" in data["wheels"][0]["files"][0]["properties"]


@pytest.mark.integration
@pytest.mark.parametrize("platform", ["win_amd64", "win_arm64", "win32"])
def test_wheels_of_the_index(tmp_path: Path, platform: str) -> None:
    names = ("numpy", "pillow", "lxml", "cryptography", "orjson")
    options = [f"--platform={platform}", "--python-version=3.13", "--only-binary=:all:", "--no-deps", "-qd", "."]
    abis = ["--abi=cp313", "--abi=abi3", "--abi=none"]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, *abis, *names], cwd=tmp_path, check=True)
    reports = [audit_wheel(path) for path in tmp_path.glob("*.whl")]
    assert len(reports) == len(names)
    for report in reports:
        assert not report.failed() and report.files and not report.unchecked, report.findings
        assert {one.id for one in report.findings} <= {"left-over", "library"}, report.findings


# Repairs


def repaired(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crossenv", "repair", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_repair_puts_dlls_in(tmp_path: Path) -> None:
    """Those that are named, and what they need in turn; system DLLs stay outside."""
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    (libraries / "foo-1.dll").write_bytes(windows_files.module(imports={"Bar.dll": ["b"]}, exports=["f"]))
    (libraries / "bar.dll").write_bytes(windows_files.module(imports={"KERNEL32.dll": ["k"]}, exports=["b"]))
    module = windows_files.module(imports={"python313.dll": ["PyModule_Create2"], "foo-1.dll": ["f"]})
    path = make_wheel(tmp_path, {"toy/__init__.py": b"", PYD: module}, WINDOWS)
    assert ("library", PYD) in found(path)
    missing = repaired(path, "--dest", tmp_path / "out")
    assert missing.returncode == 7 and "foo-1.dll" in missing.stderr and "--library-dir" in missing.stderr
    assert not list(tmp_path.glob("out/*"))
    done = repaired(path, "--dest", tmp_path / "out", "--library-dir", libraries)
    assert done.returncode == 0, done.stderr
    (result,) = tmp_path.glob("out/*.whl")
    report = audit_wheel(result)
    assert report.findings == ()
    names = {file.path.rpartition("/")[2].partition("-")[0] for file in report.files}
    assert names == {"m.cp313", "foo", "bar"}
    assert str(libraries / "foo-1.dll") in done.stderr


def test_what_repair_does_not_do(tmp_path: Path) -> None:
    good = make_wheel(tmp_path, {PYD: windows_files.module()}, WINDOWS)
    assert repaired(good, "--dest", tmp_path / "out").returncode == 0
    assert (tmp_path / "out" / good.name).read_bytes() == good.read_bytes()
    policy = repaired(good, "--dest", tmp_path / "out", "--plat", "manylinux_2_28_x86_64")
    assert policy.returncode == 2 and "has no policies" in policy.stderr
    wrong = make_wheel(tmp_path, {PYD: needing("python312.dll", "Py_DecRef")}, WINDOWS)
    refused = repaired(wrong, "--dest", tmp_path / "out2")
    assert refused.returncode == 7 and "python312.dll" in refused.stderr and not list(tmp_path.glob("out2/*"))

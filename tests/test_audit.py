"""What a wheel holds is what its tags say: each fault has its own finding."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.tags import parse_tag

from conftest import CrossenvCommand
from crossenv.platforms import Libc
from crossenv.platforms.linux_targets import MUSL
from crossenv.record import Record
from crossenv.testing import made_up_record
from crossenv.wheels.audit import audit_wheel
from crossenv.wheels.model import ERROR, WARNING
from crossenv.wheels.read_tags import accepts, accepts_python, expected_of, tag_of_python
from crossenv.wheels.symbols import exports_of, known_versions, stable_since
from makers import ARMEL, ARMHF, S390X, X86_64, elf_bytes, write
from wheels import (
    LIBC,
    SUFFIX,
    TAG,
    extension,
    good_files,
    linked,
    make_wheel,
    record_row,
    static_library,
    wheel_text,
)

MODULE = f"toy/_toy{SUFFIX}"
MUSL_TAG = "cp311-cp311-musllinux_1_2_aarch64"
MUSL_MODULE = "toy/_toy.cpython-311-aarch64-linux-musl.so"


def ids(path: Path, severity: str = ERROR) -> set[str]:
    return {finding.id for finding in audit_wheel(path).findings if finding.severity == severity}


def musl(**changes: Any) -> bytes:
    return extension(**{"needed": ("libc.so",), "imports": {"PyModule_Create2": None, "open": None}, **changes})


# What is right


def test_a_good_wheel(tmp_path: Path) -> None:
    report = audit_wheel(make_wheel(tmp_path))
    assert report.findings == ()
    assert report.keeps == ("manylinux_2_17_aarch64",)
    assert report.unchecked == ()
    (file,) = report.files
    assert (file.path, file.kind, file.needs, file.versions) == (MODULE, "extension", ("libc.so.6",), {"GLIBC": "2.17"})
    assert file.machine == "AArch64, 64-bit, little-endian"


@pytest.mark.parametrize(
    ("files", "tag"),
    [
        pytest.param({"toy.py": b""}, "py3-none-any", id="pure"),
        pytest.param({MUSL_MODULE: musl()}, MUSL_TAG, id="musl"),
        pytest.param(
            {"toy/_toy.abi3.so": extension()}, "cp39-abi3-manylinux_2_17_aarch64.manylinux2014_aarch64", id="abi3"
        ),
        pytest.param({MODULE: extension(executable_stack=None)}, TAG, id="no word on the stack"),
        pytest.param(
            {
                MODULE: extension(
                    needed=("libown-1.so", "libc.so.6"), runpath="$ORIGIN/../toy.libs", imports={"own": None}
                ),
                "toy.libs/libown-1.so": linked(exports=("own",), soname="libown-1.so"),
            },
            TAG,
            id="a library of its own",
        ),
        pytest.param({MODULE: extension(imports={"dlopen": None, "malloc": LIBC})}, TAG, id="glibc by the interpreter"),
        pytest.param({MODULE: extension(imports={"absent": None, "malloc": LIBC}, weak=("absent",))}, TAG, id="weak"),
        pytest.param(
            {MODULE: extension(needed=("libz.so.1", "libc.so.6"), imports={"inflate": None, "malloc": LIBC})},
            TAG,
            id="a promised library without versions",
        ),
        pytest.param({"toy/__init__" + SUFFIX: extension("toy")}, TAG, id="the module of a package"),
        pytest.param(
            {"toy/h\u00e4.cpython-311-aarch64-linux-gnu.so": linked(exports=("PyInitU_h_0fa",))}, TAG, id="PEP 489"
        ),
        pytest.param(
            {"toy/tool": linked(interpreter="/lib/ld-linux-aarch64.so.1")},
            "py3-none-manylinux_2_28_aarch64",
            id="a program",
        ),
        pytest.param(
            {"toy/a.cpython-310-aarch64-linux-gnu.so": extension("a"), "toy/a" + SUFFIX: extension("a")},
            "py3-none-manylinux_2_28_aarch64",
            id="a module for each Python",
        ),
        pytest.param(
            {"t/_t.cpython-313t-aarch64-linux-gnu.so": extension("_t", imports={"_Py_DecRefShared": None})},
            "cp313-cp313t-manylinux_2_28_aarch64",
            id="free-threaded",
        ),
        pytest.param(
            {"toy/_toy.abi3t.so": linked(exports=("PyModExport__toy",), imports={"PyLong_FromLong": None})},
            "cp315-abi3.abi3t-manylinux_2_28_aarch64",
            id="both stable ABIs",
        ),
        pytest.param(
            {
                "toy/_toy.abi3.so": extension(),
                "toy/_toy.abi3t.so": linked(exports=("PyModExport__toy",), imports={"PyList_GetItemRef": None}),
            },
            "cp310.cp315-abi3.abi3t-manylinux_2_28_aarch64",
            id="a module for each stable ABI",
        ),
        pytest.param(
            {"toy/_toy.abi3-aarch64-linux-gnu.so": extension()},
            "cp315-abi3-manylinux_2_28_aarch64",
            id="abi3 with a multiarch",
        ),
        pytest.param(
            {"toy/_toy.abi3-aarch64-linux-musl.so": musl()},
            "cp315-abi3-musllinux_1_2_aarch64",
            id="abi3 with a multiarch of musl",
        ),
        pytest.param(
            {
                "toy/_toy.abi3-aarch64-linux-gnu.so": extension(),
                "toy/_toy.abi3t-aarch64-linux-gnu.so": linked(exports=("PyModExport__toy",)),
            },
            "cp315-abi3.abi3t-manylinux_2_28_aarch64",
            id="each stable ABI with a multiarch",
        ),
    ],
)
def test_nothing_is_found_where_nothing_is_wrong(tmp_path: Path, files: dict[str, bytes], tag: str) -> None:
    report = audit_wheel(make_wheel(tmp_path, files, tag))
    assert report.findings == ()
    assert report.unchecked == ()


# Native files

AARCH64_LOADER = "/lib/ld-linux-aarch64.so.1"
FAULTS: list[Any] = [
    pytest.param({MODULE: elf_bytes(X86_64)}, TAG, "machine", "is for x86-64", id="machine"),
    pytest.param({MODULE: elf_bytes(ARMHF)}, TAG, "machine", "32-bit", id="class"),
    pytest.param({MODULE: elf_bytes(S390X)}, TAG, "machine", "big-endian", id="byte order"),
    pytest.param(
        {"toy/x.so": elf_bytes(ARMEL, flags=0x05000200)},
        "cp311-cp311-manylinux_2_31_armv7l",
        "machine",
        "the wheel is for ARM, 32-bit, little-endian, ABI flags 0x400",
        id="ABI flags",
    ),
    pytest.param(
        {"toy/lib.a": static_library(("a.o", elf_bytes()), ("b.o", elf_bytes(X86_64)))},
        TAG,
        "machine",
        "is for x86-64",
        id="a member of a static library",
    ),
    pytest.param(
        {MODULE: extension(imports={"strtol": ("libc.so.6", "GLIBC_2.38")})},
        TAG,
        "policy",
        "needs strtol@GLIBC_2.38; manylinux_2_28_aarch64 promises glibc 2.28",
        id="a late symbol",
    ),
    pytest.param(
        {MODULE: extension(imports={"__isoc23_strtol": None, "malloc": LIBC})},
        TAG,
        "policy",
        "needs __isoc23_strtol (glibc 2.38); its tags promise glibc 2.28",
        id="a late symbol that hides its version",
    ),
    pytest.param(
        {MODULE: extension(needed=("libstdc++.so.6",), imports={"x": ("libstdc++.so.6", "GLIBCXX_3.4.30")})},
        TAG,
        "policy",
        "needs x@GLIBCXX_3.4.30",
        id="a late symbol of C++",
    ),
    pytest.param(
        {MODULE: extension(imports={"strtol": ("libc.so.6", "GLIBC_2.24")})},
        "cp311-cp311-manylinux_2_17_aarch64.manylinux_2_28_aarch64",
        "policy",
        "manylinux_2_17_aarch64 promises glibc 2.17",
        id="one of several tags",
    ),
    pytest.param(
        {MODULE: extension(needed=("libxml2.so.2", "libc.so.6"))},
        TAG,
        "library",
        "needs libxml2.so.2, which is not in the wheel",
        id="a library",
    ),
    pytest.param(
        {MODULE: extension(needed=("libpython3.11.so.1.0", "libc.so.6"))},
        TAG,
        "libpython",
        "libpython3.11",
        id="libpython",
    ),
    pytest.param({MODULE: extension(needed=("libc.musl-aarch64.so.1",))}, TAG, "libc", "another C library", id="libc"),
    pytest.param(
        {MODULE: extension(imports={"nobody": None, "malloc": LIBC})},
        TAG,
        "symbol",
        "needs nobody, which neither Python, the C library nor another file of the wheel provides",
        id="a symbol",
    ),
    pytest.param(
        {MUSL_MODULE: musl(imports={"nobody": None, "open": None})},
        MUSL_TAG,
        "symbol",
        "needs nobody",
        id="a symbol, musl",
    ),
    pytest.param(
        {MUSL_MODULE: musl(imports={"gettid": None})},
        "cp311-cp311-musllinux_1_1_aarch64",
        "policy",
        "needs gettid; musllinux_1_1_aarch64 promises musl 1.1",
        id="a late symbol, musl",
    ),
    pytest.param(
        {MODULE: extension(imports={"PyObject_CallNoArgs": None, "PyUnstable_Object_IsUniquelyReferenced": None})},
        TAG,
        "python-api",
        "needs PyUnstable_Object_IsUniquelyReferenced, which Python 3.11 does not export",
        id="Python's C API",
    ),
    pytest.param(
        {
            "toy/_toy.abi3.so": extension(
                imports={"PyList_GetItemRef": None, "PyUnicode_AsUTF8": None, "PyList_New": None}
            )
        },
        "cp39-abi3-manylinux_2_28_aarch64",
        "stable-abi",
        "needs PyList_GetItemRef (since 3.13), PyUnicode_AsUTF8, not in the stable ABI of Python 3.9",
        id="the stable ABI",
    ),
    pytest.param(
        {"toy/_toy.abi3.so": extension()},
        "cp315-abi3.abi3t-manylinux_2_28_aarch64",
        "extension-suffix",
        "has the suffix .abi3.so; Pythons of abi3t, which the tags name, do not take it",
        id="abi3 alone for both stable ABIs",
    ),
    pytest.param(
        {"toy/_toy.abi3.so": extension()},
        "cp315-abi3t-manylinux_2_28_aarch64",
        "extension-suffix",
        "the wheel's Pythons take .so .abi3t.so .abi3t-aarch64-linux-gnu.so",
        id="abi3 for abi3t",
    ),
    pytest.param(
        {"toy/_toy.abi3-aarch64-linux-gnu.so": extension()},
        "cp314-abi3-manylinux_2_28_aarch64",
        "extension-suffix",
        "has the suffix .abi3-aarch64-linux-gnu.so; the wheel's Pythons take .so .abi3.so",
        id="abi3 with a multiarch before 3.15",
    ),
    pytest.param(
        {"toy/_toy.abi3-aarch64-linux-musl.so": extension()},
        "cp315-abi3-manylinux_2_28_aarch64",
        "extension-suffix",
        "has the suffix .abi3-aarch64-linux-musl.so",
        id="abi3 with the multiarch of another C library",
    ),
    pytest.param(
        {"toy/_toy.abi3-aarch64-linux-gnu.so": extension()},
        "cp315-abi3.abi3t-manylinux_2_28_aarch64",
        "extension-suffix",
        "Pythons of abi3t, which the tags name, do not take it",
        id="abi3 with a multiarch for both stable ABIs",
    ),
    pytest.param(
        {
            "toy/_toy.abi3t-aarch64-linux-gnu.so": linked(
                exports=("PyModExport__toy",), imports={"PyModule_Create2": None}
            )
        },
        "cp315-abi3.abi3t-manylinux_2_28_aarch64",
        "stable-abi",
        "needs PyModule_Create2, not in the stable ABI of Python 3.15t",
        id="the ABI that a name with a multiarch promises",
    ),
    pytest.param(
        {"toy/_toy.abi3t.so": linked(exports=("PyModExport__toy",), imports={"PyLong_FromLong": None})},
        "cp310-abi3.abi3t-manylinux_2_28_aarch64",
        "extension-suffix",
        "has the suffix .abi3t.so; Pythons of abi3, which the tags name, do not take it",
        id="abi3t alone before it",
    ),
    pytest.param(
        {"toy/_toy.so": extension()},
        "cp315-abi3.abi3t-manylinux_2_28_aarch64",
        "stable-abi",
        "needs PyModule_Create2, not in the stable ABI of Python 3.15t",
        id="a PyModuleDef in abi3t",
    ),
    pytest.param(
        {"toy/_toy.abi3.so": extension(imports={"_PyLong_New": None})},
        "cp311-abi3-manylinux_2_28_aarch64",
        "stable-abi",
        "needs _PyLong_New, not in the stable ABI",
        id="a private name, abi3",
    ),
    pytest.param(
        {"toy/_toy.so": extension()},
        "py3-none-manylinux_2_28_aarch64",
        "python-abi",
        "the wheel's tags name no ABI",
        id="the C API without an ABI tag",
    ),
    pytest.param(
        {MODULE: extension(runpath="/home/me/sysroot/lib")}, TAG, "rpath", "has /home/me/sysroot/lib", id="RPATH"
    ),
    pytest.param(
        {MODULE: extension(runpath="$ORIGIN:")}, TAG, "rpath", "depends on the working directory", id="no RPATH"
    ),
    pytest.param(
        {MODULE: extension(executable_stack=True)}, TAG, "executable-stack", "stack", id="an executable stack"
    ),
    pytest.param({MODULE: extension("other")}, TAG, "init-function", "has no function PyInit__toy", id="init function"),
    pytest.param({MODULE: extension(exports=())}, TAG, "init-function", "has no function", id="no init function"),
    pytest.param(
        {"toy/_toy.cpython-312-aarch64-linux-gnu.so": extension(imports={})},
        TAG,
        "extension-suffix",
        "has the suffix .cpython-312-aarch64-linux-gnu.so",
        id="another Python's suffix",
    ),
    pytest.param(
        {"toy/_toy.cpython-311-x86_64-linux-gnu.so": extension()},
        TAG,
        "extension-suffix",
        "take",
        id="a machine's suffix",
    ),
    pytest.param(
        {"toy/_toy.cpython-311-aarch64-linux-gnu.so": extension()},
        "cp311-abi3-manylinux_2_28_aarch64",
        "extension-suffix",
        "take .so .abi3.so",
        id="one Python's suffix, abi3",
    ),
    pytest.param(
        {"toy/tool": linked(interpreter="/opt/sysroot/lib/ld.so")},
        "py3-none-manylinux_2_28_aarch64",
        "interpreter",
        f"asks for the loader /opt/sysroot/lib/ld.so; the target's is {AARCH64_LOADER}",
        id="loader",
    ),
    pytest.param({MODULE: extension()[:200]}, TAG, "elf-damaged", "is cut off", id="a truncated file"),
    pytest.param({MODULE: extension()[:40]}, TAG, "elf-damaged", "within its ELF header", id="a truncated header"),
    pytest.param({MODULE: b""}, TAG, "elf-damaged", "is not an ELF file", id="an empty file"),
    pytest.param(good_files(), "py3-none-any", "platform-tag", "runs anywhere", id="a pure tag"),
]


@pytest.mark.parametrize(("files", "tag", "kind", "says"), FAULTS)
def test_each_fault_has_its_finding(tmp_path: Path, files: dict[str, bytes], tag: str, kind: str, says: str) -> None:
    report = audit_wheel(make_wheel(tmp_path, files, tag))
    found = [finding for finding in report.findings if finding.severity == ERROR]
    assert {finding.id for finding in found} == {kind}
    assert says in " ".join(finding.message for finding in found)
    assert all(finding.path in {"", *files} or finding.path.startswith("toy/lib.a(b.o)") for finding in found)
    assert report.failed()


WARNINGS: list[Any] = [
    pytest.param(
        {MODULE: extension(text=b"\0/tmp/pip-req-build-x3k_9a/src/toy.c\0")},
        TAG,
        "build-path",
        "/tmp/pip-req",
        id="pip",
    ),
    pytest.param({MODULE: extension(runpath="$ORIGIN/../../lib")}, TAG, "rpath", "outside the wheel", id="RPATH"),
    pytest.param({"toy.py": b""}, "cp311-cp311-manylinux_2_28_aarch64", "platform-tag", "no native code", id="pure"),
    pytest.param({MODULE: linked()}, TAG, "init-function", "has no function", id="a library with an extension's name"),
    pytest.param(
        {MUSL_MODULE: musl(imports={"qsort_r": None})}, MUSL_TAG, "musl-release", "needs qsort_r", id="musl 1.2.3"
    ),
    pytest.param({f"toy-1.data/purelib/{MODULE}": extension()}, TAG, "purelib", "in purelib", id="purelib"),
]


@pytest.mark.parametrize(("files", "tag", "kind", "says"), WARNINGS)
def test_warnings(tmp_path: Path, files: dict[str, bytes], tag: str, kind: str, says: str) -> None:
    report = audit_wheel(make_wheel(tmp_path, files, tag))
    assert [(finding.id, finding.severity) for finding in report.findings] == [(kind, WARNING)]
    assert says in report.findings[0].message
    assert report.failed(strict=True)
    assert not report.failed()


def test_root_is_purelib(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, replace={"WHEEL": wheel_text(TAG, "true").encode()})
    assert ids(path, WARNING) == {"purelib"}


# What the wheel says of itself

OWN = "toy-1.dist-info"


@pytest.mark.parametrize(
    ("changes", "kind", "says"),
    [
        pytest.param({"replace": {"WHEEL": None}}, "metadata-missing", "is not in the wheel", id="no WHEEL"),
        pytest.param({"replace": {"METADATA": None}}, "metadata-missing", "is not in the wheel", id="no METADATA"),
        pytest.param({"replace": {"RECORD": None}}, "metadata-missing", "is not in the wheel", id="no RECORD"),
        pytest.param(
            {"replace": {"METADATA": b"Name: tor\nVersion: 1\n"}}, "metadata-mismatch", "says Name: tor", id="name"
        ),
        pytest.param(
            {"replace": {"METADATA": b"Name: toy\nVersion: 2\n"}}, "metadata-mismatch", "Version: 2", id="version"
        ),
        pytest.param({"replace": {"METADATA": b"Name: \xff\n"}}, "metadata-damaged", "not in UTF-8", id="encoding"),
        pytest.param(
            {"replace": {"WHEEL": b"Wheel-Version: 2.0\nTag: " + TAG.encode()}}, "metadata-mismatch", "2.0", id="2.0"
        ),
        pytest.param(
            {"replace": {"WHEEL": wheel_text("cp311-cp311-linux_aarch64").encode()}},
            "wheel-tags",
            "has cp311-cp311-linux_aarch64 that the filename has not and lacks cp311-cp311-manylinux_2_28_aarch64",
            id="tags",
        ),
        pytest.param({"unlisted": {"toy/more.py": b""}}, "record-unlisted", "is not in RECORD", id="unlisted"),
        pytest.param(
            {"record": f"a,,\n{OWN}/RECORD,,\n"}, "record-unlisted record-absent record-hash", "a", id="another's"
        ),
        pytest.param({"record": '"'}, "record-unlisted metadata-damaged", "", id="no table"),
        pytest.param({"record": "a,b,c\n"}, "record-unlisted metadata-damaged", "line 1", id="no size"),
    ],
)
def test_what_does_not_agree(tmp_path: Path, changes: dict[str, Any], kind: str, says: str) -> None:
    path = make_wheel(tmp_path, **changes)
    found = [finding for finding in audit_wheel(path).findings if finding.severity == ERROR]
    assert {finding.id for finding in found} <= set(kind.split())
    assert found
    assert says in " ".join(finding.path + finding.message for finding in found)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (record_row("toy/a.py", b"other").replace(",5", ",4"), "is not what RECORD has the hash of"),
        (record_row("toy/a.py", b"text").replace(",4", ",5"), "has 4 bytes; RECORD says 5"),
        ("toy/a.py,,\n", "has no hash of a kind that is trusted in RECORD (none)"),
        ("toy/a.py,md5=1B2M2Y8AsgTpgAmY7PhCfg,4\n", "(md5)"),
    ],
)
def test_hashes(tmp_path: Path, row: str, says: str) -> None:
    good = zipfile.ZipFile(make_wheel(tmp_path, {"toy/a.py": b"text"}, "py3-none-any")).read(f"{OWN}/RECORD").decode()
    rows = [line if not line.startswith("toy/a.py") else row for line in good.splitlines(keepends=True)]
    (finding,) = audit_wheel(make_wheel(tmp_path, {"toy/a.py": b"text"}, "py3-none-any", record="".join(rows))).findings
    assert (finding.id, finding.path) == ("record-hash", "toy/a.py")
    assert says in finding.message


def test_the_filename(tmp_path: Path) -> None:
    for name in ("toy.whl", "toy-1-py3-none.whl", "toy-x-py3-none-any.whl", "toy-1-py3-none-any.zip"):
        path = make_wheel(tmp_path, {"toy.py": b""}, "py3-none-any").rename(tmp_path / name)
        assert ids(path) == {"filename"}
    path = make_wheel(tmp_path, {"toy.py": b""}, "py3-none-any").rename(tmp_path / "tor-1-py3-none-any.whl")
    assert ids(path) == {"metadata-mismatch"}


# The archive


def evil(directory: Path, name: str, mode: int = stat.S_IFREG | 0o644) -> Path:
    path = make_wheel(directory)
    info = zipfile.ZipInfo("placeholder")
    info.filename = info.orig_filename = name
    info.external_attr = mode << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, b"../../target")
    return path


@pytest.mark.parametrize(
    ("name", "mode", "kind"),
    [
        ("../evil.py", stat.S_IFREG, "member-outside"),
        ("toy/../../evil.py", stat.S_IFREG, "member-outside"),
        ("/etc/evil", stat.S_IFREG, "member-outside"),
        ("toy\\..\\evil.py", stat.S_IFREG, "member-outside"),
        ("C:evil.py", stat.S_IFREG, "member-outside"),
        ("toy//evil.py", stat.S_IFREG, "member-outside"),
        ("./evil.py", stat.S_IFREG, "member-outside"),
        ("toy/li\nnk", stat.S_IFREG, "member-outside"),
        ("toy/link", stat.S_IFLNK, "member-link"),
        ("toy/pipe", stat.S_IFIFO, "member-link"),
        ("toy/__init__.py/more.py", stat.S_IFREG, "member-twice"),
        ("toy/__init__.py", stat.S_IFREG, "member-twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_that_nobody_should_unpack(tmp_path: Path, name: str, mode: int, kind: str) -> None:
    assert kind in ids(evil(tmp_path, name, mode))


def test_a_member_whose_place_is_before_the_beginning(tmp_path: Path) -> None:
    path = make_wheel(tmp_path)
    data = bytearray(path.read_bytes())
    directory = data.index(b"PK\x01\x02")
    # Where the directory begins, as it says itself: later than it does, which moves all members to the front.
    end = data.rindex(b"PK\x05\x06")
    claimed = int.from_bytes(data[end + 16 : end + 20], "little")
    assert claimed == directory
    data[end + 16 : end + 20] = (claimed + 5000).to_bytes(4, "little")
    path.write_bytes(data)
    (finding,) = audit_wheel(path).findings
    assert finding.id == "archive"


def test_a_member_without_a_name(tmp_path: Path) -> None:
    path = make_wheel(tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("x")
        info.filename = ""
        archive.writestr(info, "")
    findings = audit_wheel(path).findings
    assert "member-outside" in {finding.id for finding in findings}


def test_what_is_no_archive(tmp_path: Path) -> None:
    good = make_wheel(tmp_path).read_bytes()
    path = tmp_path / f"toy-1-{TAG}.whl"
    flipped = bytearray(good)
    flipped[100] ^= 0xFF
    for data in (b"", b"PK", b"no wheel at all", good[:-30], good[: len(good) // 2], bytes(flipped)):
        path.write_bytes(data)
        report = audit_wheel(path)
        assert [finding.id for finding in report.findings] == ["archive"]
    assert audit_wheel(tmp_path).findings[0].id == "archive"


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "toy-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(1 << 20))
    data = bytearray(path.read_bytes())
    # Its size in the directory, the only one that counts: 4 GB.
    where = data.index(b"PK\x01\x02") + 24
    data[where : where + 4] = (0xFFFFFFF0).to_bytes(4, "little")
    path.write_bytes(data)
    (finding,) = audit_wheel(path).findings
    assert finding.id == "archive"
    assert "would unpack to 4095 MiB" in finding.message


def test_other_compressions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "toy-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", bytes(100))
    (finding,) = [finding for finding in audit_wheel(path).findings if finding.id == "archive"]
    assert "neither stored nor deflated" in finding.message


# What is not known


@pytest.mark.parametrize(
    ("files", "tag", "says"),
    [
        ({"toy/a.dylib": b"x"}, "cp311-cp311-freebsd_14_amd64", "freebsd_14_amd64: nothing is known"),
        # Installers on macOS take no tag of a minor release.
        ({"toy/a.dylib": b"x"}, "cp311-cp311-macosx_11_1_arm64", "macosx_11_1_arm64: nothing is known"),
        ({"toy/a.so": extension()}, "cp399-cp399-manylinux_2_28_aarch64", "the C API of Python 3.99"),
        (
            {"toy/a.pypy311-pp73-aarch64-linux-gnu.so": extension("a")},
            "pp311-pypy311_pp73-manylinux_2_28_aarch64",
            "PyPy",
        ),
    ],
)
def test_what_cannot_be_checked_is_said(tmp_path: Path, files: dict[str, bytes], tag: str, says: str) -> None:
    report = audit_wheel(make_wheel(tmp_path, files, tag))
    assert report.findings == ()
    assert says in " ".join(report.unchecked)


def test_a_plain_tag_promises_nothing(tmp_path: Path) -> None:
    files = {
        MODULE: extension(
            needed=("libxml2.so.2", "libc.so.6"), imports={"xmlFree": None, "a": ("libc.so.6", "GLIBC_2.36")}
        )
    }
    report = audit_wheel(make_wheel(tmp_path, files, "cp311-cp311-linux_aarch64"))
    assert report.findings == ()
    assert report.keeps == ()
    files = {MODULE: extension(imports={"a": ("libc.so.6", "GLIBC_2.36")})}
    report = audit_wheel(make_wheel(tmp_path, files, "cp311-cp311-linux_aarch64"))
    assert report.keeps == ("manylinux_2_36_aarch64",)


def test_the_libc_of_a_plain_tag_is_that_of_its_files() -> None:
    assert expected_of(["cp311-cp311-linux_armv7l"], libc=MUSL, record=None).targets[0].libc == MUSL
    (target,) = expected_of(["cp311-cp311-linux_armv7l"], libc="", record=None).targets
    assert target.libc == "glibc"


def test_the_lists_of_names() -> None:
    assert {"3.10", "3.11", "3.12", "3.13", "3.14", "3.13t"} <= set(known_versions())
    # Of each version's own.
    for version, has, lacks in (
        ("3.10", "_PyFloat_Pack8", "PyFloat_Pack8"),
        ("3.11", "PyFloat_Pack8", "PyType_FromMetaclass"),
        ("3.12", "PyType_FromMetaclass", "PyList_GetItemRef"),
        ("3.13", "PyList_GetItemRef", "PyLong_FromInt32"),
        ("3.14", "PyLong_FromInt32", "_Py_DecRefShared"),
        ("3.14t", "_Py_DecRefShared", "_PyFloat_Pack8"),
    ):
        names = exports_of(version)
        assert names is not None
        assert has in names
        assert lacks not in names
        # Whatever the stable ABI has is exported.
        assert stable_since("PyList_New") == (3, 2)
        assert "PyList_New" in names


# The command


def test_the_command(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    good = make_wheel(tmp_path)
    bad = make_wheel(tmp_path, {MODULE: extension(runpath="/opt/lib")}, "cp311-cp311-manylinux_2_31_aarch64")
    warned = make_wheel(tmp_path, {"toy.py": b""}, "cp311-cp311-linux_aarch64")
    result = crossenv("audit", good)
    assert result.stdout.splitlines()[0] == f"ok   {good.name}"
    assert "satisfies manylinux_2_17_aarch64" in result.stdout
    result = crossenv("audit", good, bad, check=False)
    assert result.returncode == 7
    assert f"error: {MODULE} has /opt/lib in its RPATH" in result.stdout
    assert crossenv("audit", warned).returncode == 0
    assert crossenv("audit", "--strict", warned, check=False).returncode == 7
    foreign = make_wheel(tmp_path, tag="cp311-cp311-manylinux_2_17_x86_64")
    result = crossenv("audit", foreign, check=False)
    assert result.returncode == 7
    assert "keeps" not in result.stdout
    missing = crossenv("audit", tmp_path / "none.whl", check=False)
    assert missing.returncode == 2
    assert "hint:" in missing.stderr
    done = crossenv("audit", "--json", good, bad, check=False)
    assert done.returncode == 7
    data = json.loads(done.stdout)
    assert data["passed"] is False
    first, second = data["wheels"]
    assert first["passed"]
    assert set(first) == {"passed", "path", "tags", "keeps", "policies", "files", "findings", "unchecked"}
    assert second["findings"][0] == {
        "id": "rpath",
        "severity": "error",
        "path": MODULE,
        "message": "has /opt/lib in its RPATH, a directory of the machine that it was built on",
    }


def test_every_finding_is_documented() -> None:
    text = (Path(__file__).parent.parent / "docs/reference/audit.md").read_text()
    tested = {fault.values[2] for fault in [*FAULTS, *WARNINGS]}
    assert not [kind for kind in sorted(tested) if f"`{kind}`" not in text]
    source = Path(__file__).parent.parent / "src/crossenv/wheels"
    named = {
        word
        for path in source.glob("*.py")
        for word in re.findall(
            r'\bid="([a-z-]+)"|_(?:error|lost)\("([a-z-]+)"|return "(member-[a-z]+)"', path.read_text()
        )
        for word in word
        if word
    }
    assert named
    assert not [kind for kind in sorted(named) if f"`{kind}`" not in text]


def test_in_an_environment(crossenv: CrossenvCommand, env: Path, tmp_path: Path) -> None:
    """Its host decides what is taken, not only the tags that the wheel gives itself."""
    number = f"{sys.version_info[0]}{sys.version_info[1]}"
    good = make_wheel(
        tmp_path, {f"_toy.cpython-{number}-aarch64-linux-gnu.so": extension()}, f"cp{number}-cp{number}-linux_aarch64"
    )
    other = make_wheel(
        tmp_path, {"_toy.cpython-399-aarch64-linux-gnu.so": extension(imports={})}, "cp399-cp399-linux_aarch64"
    )
    assert crossenv("audit", "--env", env, good).returncode == 0
    assert crossenv("audit", good, VIRTUAL_ENV=str(env)).returncode == 0
    for words, extra in ((("--env", env), {}), ((), {"VIRTUAL_ENV": str(env)})):
        result = crossenv("audit", *words, other, check=False, **extra)
        assert result.returncode == 7
        assert "[host-tag]" in result.stdout
        assert "[extension-suffix]" in result.stdout
    assert crossenv("audit", other).returncode == 0
    assert crossenv("audit", "--env", tmp_path, good, check=False).returncode == 2


def record_with(**host: Any) -> Record:
    """The record of an environment for Debian 12's Python."""
    record = made_up_record("linux_aarch64", python="3.11", root="/home/me/env")
    return dataclasses.replace(
        record, host=dataclasses.replace(record.host, libc=Libc(family="glibc", version="2.36"), **host)
    )


RECORD = record_with()
PLAIN = "cp311-cp311-linux_aarch64"


@pytest.mark.parametrize(
    ("tag", "taken"),
    [
        (PLAIN, True),
        ("py3-none-any", True),
        ("py2.py3-none-any", True),
        ("cp39-abi3-manylinux2014_aarch64", True),
        ("cp311-cp311-manylinux_2_36_aarch64", True),
        ("py3-none-manylinux_2_17_aarch64", True),
        ("cp311-cp311-manylinux_2_38_aarch64", False),
        ("cp311-cp311-musllinux_1_2_aarch64", False),
        ("cp311-cp311-linux_armv7l", False),
        ("cp312-cp312-linux_aarch64", False),
        ("cp312-abi3-linux_aarch64", False),
        ("cp311-cp311t-linux_aarch64", False),
        ("pp311-pypy311_pp73-linux_aarch64", False),
        ("cp310-none-any", False),
    ],
)
def test_which_tags_a_host_takes(tag: str, taken: bool) -> None:
    assert any(accepts(RECORD, str(one)) for one in parse_tag(tag)) == taken


@pytest.mark.parametrize(
    ("version", "flags", "tags"),
    [
        ("3.13", "", {"cp39-abi3", "cp313-cp313", "cp310-abi3.abi3t"}),
        ("3.13", "t", {"cp313-cp313t"}),
        ("3.15", "", {"cp39-abi3", "cp315-abi3.abi3t", "cp310-abi3.abi3t"}),
        ("3.15", "t", {"cp315-abi3t", "cp315-abi3.abi3t", "cp310-abi3.abi3t"}),
        ("3.16", "t", {"cp315-abi3t", "cp315-abi3.abi3t", "cp310-abi3.abi3t"}),
    ],
)
def test_each_python_takes_its_own_stable_abi(version: str, flags: str, tags: set[str]) -> None:
    """No free-threaded Python before 3.15 has one, although installers take `cp310-abi3t` there."""
    ours = tag_of_python("cpython", version, flags)
    named = ("cp39-abi3", "cp313-cp313", "cp313-cp313t", "cp315-abi3t", "cp315-abi3.abi3t", "cp310-abi3.abi3t")
    taken = {
        name
        for name in named
        if any(accepts_python(ours, one.interpreter, one.abi) for one in parse_tag(f"{name}-any"))
    }
    assert taken == tags


def test_a_sysroot_tells_which_symbols_there_are(tmp_path: Path) -> None:
    root = tmp_path / "root"
    place = root / "usr/lib/aarch64-linux-gnu"
    write(place / "libc.so.6", linked(needed=(), imports={}, exports=("malloc", "strtol"), soname="libc.so.6"))
    write(place / "libxml2.so.2", linked(exports=("xmlFree",), soname="libxml2.so.2"))
    # For another machine: the loader goes on to the next directory.
    write(root / "usr/local/lib/libxml2.so.2", elf_bytes(X86_64))
    record = record_with(sysroot=str(root))

    def found(needed: tuple[str, ...], imports: dict[str, tuple[str, str] | None]) -> list[tuple[str, str]]:
        files = {MODULE: extension(needed=needed, imports=imports)}
        report = audit_wheel(make_wheel(tmp_path, files, PLAIN), record)
        return [(finding.id, finding.message) for finding in report.findings]

    assert found(("libxml2.so.2", "libc.so.6"), {"xmlFree": None, "malloc": LIBC}) == []
    ((kind, says),) = found(("libxml2.so.2", "libc.so.6"), {"xmlNobody": None, "malloc": LIBC})
    assert kind == "symbol"
    assert says == "needs xmlNobody, which neither the target nor another file of the wheel provides"
    ((kind, says),) = found(("libc.so.6",), {"strtoll": LIBC})
    assert (kind, says) == ("symbol", "needs strtoll@GLIBC_2.17, which the target's libc.so.6 does not have")
    # glibc 2.34 moved the functions of libpthread.so.0 to libc.so.6, and left the version in both.
    write(place / "libpthread.so.0", linked(imports={}, soname="libpthread.so.0"))
    thread = ("libpthread.so.0", "GLIBC_2.17")
    assert found(("libpthread.so.0", "libc.so.6"), {"malloc": thread}) == []
    ((kind, says),) = found(("libpthread.so.0", "libc.so.6"), {"nobody": thread})
    assert says == "needs nobody@GLIBC_2.17, which the target's libpthread.so.0 does not have"
    ((kind, says),) = found(("libabsent.so.1", "libc.so.6"), {"malloc": LIBC, "absent": None})
    assert (kind, says) == ("library", "needs libabsent.so.1, which is not in the wheel nor in the sysroot")
    # Another wheel may bring it along, and the tag promises nothing.
    files = {MODULE: extension(needed=("libabsent.so.1", "libc.so.6"), imports={"malloc": LIBC, "absent": None})}
    assert not audit_wheel(make_wheel(tmp_path, files, PLAIN), record).failed()
    assert audit_wheel(make_wheel(tmp_path, files, PLAIN), record).failed(strict=True)


def test_what_pypy_exports_is_not_known(tmp_path: Path) -> None:
    name = "_toy.pypy311-pp73-aarch64-linux-gnu.so"
    files = {name: extension(imports={"pypy_init_embedded_cffi_module": None, "malloc": LIBC})}
    report = audit_wheel(make_wheel(tmp_path, files, "pp311-pypy311_pp73-manylinux_2_28_aarch64"))
    assert report.findings == ()
    assert report.unchecked == ("the C API of PyPy: its names are not known here",)


def test_paths_of_the_environment_are_traces(tmp_path: Path) -> None:
    files = {MODULE: extension(text=b"\0/home/me/env/etc/bin/gcc\0/home/me/environment\0")}
    report = audit_wheel(make_wheel(tmp_path, files, PLAIN), RECORD)
    assert [finding.id for finding in report.findings] == ["build-path"]
    assert "/home/me/env/etc/bin/gcc" in report.findings[0].message
    elsewhere = dataclasses.replace(RECORD, root="/elsewhere", requirements_cache="")
    assert audit_wheel(make_wheel(tmp_path, files, PLAIN), elsewhere).findings == ()


def test_a_real_file(tmp_path: Path) -> None:
    """What a compiler and a linker make, beside what the tests' maker does."""
    compiler = shutil.which("aarch64-linux-gnu-gcc")
    if compiler is None:
        pytest.skip("needs aarch64-linux-gnu-gcc on PATH")
    source = "#include <stdlib.h>\nvoid *PyModule_Create2(void *, int);\nvoid nobody(void);\n"
    source += "void *PyInit__toy(void) { nobody(); return PyModule_Create2(malloc(1), 1013); }\n"
    made = tmp_path / "made.so"
    words = [compiler, "-shared", "-fPIC", "-g", "-z", "execstack", "-Wl,-rpath,/opt/host/lib", "-o", str(made)]
    subprocess.run([*words, str(write(tmp_path / "toy.c", source))], check=True, capture_output=True)
    report = audit_wheel(make_wheel(tmp_path, {MODULE: made.read_bytes()}))
    assert {finding.id for finding in report.findings} == {"symbol", "rpath", "executable-stack"}
    assert report.files[0].kind == "extension"

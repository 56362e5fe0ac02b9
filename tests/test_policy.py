"""The promise of a platform tag: what is checked, and the tag itself."""

from __future__ import annotations

import base64
import csv
import dataclasses
import hashlib
import io
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path

import pytest
from packaging.tags import parse_tag
from packaging.utils import parse_wheel_filename

from crossenv.binaries import BinaryError, NeededVersion
from crossenv.binaries import Linked as Read
from crossenv.binaries.elf import Dynamic, Elf
from crossenv.libc.policies import Policy, policy_of
from crossenv.targets import parse_target
from crossenv.wheels.model import ERROR
from crossenv.wheels.policy_checks import policy_findings
from crossenv.wheels.rewrite import leave_out, retag
from makers import write

COMPILERS = {
    "aarch64": "aarch64-linux-gnu-gcc",
    "armv7l": "arm-linux-gnueabihf-gcc",
    "s390x": "s390x-linux-gnu-gcc",
    "i686": "i686-linux-gnu-gcc",
    "x86_64": "x86_64-linux-gnu-gcc",
}


def promise(target: str) -> Policy:
    made = policy_of(parse_target(target))
    assert made is not None
    return made


class Linked:
    """Makes shared libraries against C libraries that are made up too: any symbol of any version."""

    def __init__(self, compiler: str, directory: Path) -> None:
        self.compiler = compiler
        self.directory = directory

    def _link(self, *words: str | Path) -> None:
        common = ("-shared", "-nostdlib", "-fPIC", "-Wl,--no-as-needed")
        subprocess.run([self.compiler, *common, *map(str, words)], check=True, cwd=self.directory)

    def library(self, soname: str, symbols: dict[str, str]) -> Path:
        """A library with a function in each version ("" for none)."""
        source = "".join(f"void {name}(void) {{}}\n" for name in symbols)
        versions: dict[str, list[str]] = {}
        for name, version in symbols.items():
            versions.setdefault(version, []).append(name)
        script = "".join(
            f"{version} {{ global: {'; '.join(names)}; }};\n" for version, names in versions.items() if version
        )
        text = write(self.directory / f"{soname}.c", source)
        made = self.directory / soname
        extra = [f"-Wl,--version-script={write(self.directory / f'{soname}.map', script)}"] if script else []
        self._link(text, "-o", made, f"-Wl,-soname,{soname}", *extra)
        return made

    def extension(self, symbols: list[str], *libraries: Path, flags: tuple[str, ...] = ()) -> bytes:
        source = "".join(f"void {name}(void);\n" for name in symbols)
        source += f"void use(void) {{ {' '.join(f'{name}();' for name in symbols)} }}\n"
        made = self.directory / "made.so"
        self._link(write(self.directory / "use.c", source), *libraries, "-o", made, *flags)
        return made.read_bytes()

    def program(self, symbols: list[str], *libraries: Path, flags: tuple[str, ...] = ()) -> bytes:
        source = "".join(f"void {name}(void);\n" for name in symbols)
        source += f"void _start(void) {{ {' '.join(f'{name}();' for name in symbols)} }}\n"
        made = self.directory / "made"
        words = ("-nostdlib", "-fPIC", "-Wl,--no-as-needed", write(self.directory / "main.c", source), *libraries)
        subprocess.run([self.compiler, *map(str, words), "-o", made, *flags], check=True)
        return made.read_bytes()


@pytest.fixture(params=COMPILERS)
def machine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if shutil.which(COMPILERS[name]) is None:
        pytest.skip(f"needs {COMPILERS[name]} on PATH")
    return name


@pytest.fixture
def linked(machine: str, tmp_path: Path) -> Linked:
    return Linked(COMPILERS[machine], tmp_path)


def make_wheel(
    directory: Path, files: dict[str, bytes], tag: str = "cp311-cp311-linux_aarch64", build: str = ""
) -> Path:
    path = directory / f"toy-1{build}-{tag}.whl"
    text = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\n"
    text += "".join(f"Tag: {one}\n" for one in sorted(map(str, parse_tag(tag))))
    members = {**files, "toy-1.dist-info/METADATA": b"Name: toy\n", "toy-1.dist-info/WHEEL": text.encode()}
    rows = io.StringIO()
    for name, data in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        csv.writer(rows, lineterminator="\n").writerow([name, f"sha256={digest}", len(data)])
    csv.writer(rows, lineterminator="\n").writerow(["toy-1.dist-info/RECORD", "", ""])
    members["toy-1.dist-info/RECORD"] = rows.getvalue().encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, (2020, 2, 2, 2, 2, 2))
            info.external_attr = (0o100755 if name.endswith(".so") else 0o100644) << 16
            info.compress_type = zipfile.ZIP_STORED if name.endswith(".txt") else zipfile.ZIP_DEFLATED
            wheel.writestr(info, data)
    return path


def judged(files: dict[str, bytes], policy: Policy) -> tuple[list[str], list[str]]:
    """The faults of a wheel with these files for a target of that policy, and the libraries it does not have."""
    linked: dict[str, Read] = {}
    faults = []
    for name, data in files.items():
        try:
            read = Elf().linked(data)
        except BinaryError as error:
            faults.append(f"{name} {error}")
        else:
            linked |= {} if read is None else {name: read}
    inside = {name.rpartition("/")[2] for name in files}
    found = list(policy_findings(linked, inside, policy, first_release=True))
    assert all(finding.severity == ERROR for finding in found)
    outside = [f"{finding.path} {finding.message}" for finding in found if finding.id == "library"]
    return faults + [f"{one.path} {one.message}" for one in found if one.id != "library"], outside


def test_a_symbol_above_the_floor(linked: Linked, machine: str, tmp_path: Path) -> None:
    libc = linked.library("libc.so.6", {"strtol": "GLIBC_2.17", "__isoc23_strtol": "GLIBC_2.38"})
    facts = promise(f"manylinux_2_28_{machine}")
    old, new = linked.extension(["strtol"], libc), linked.extension(["strtol", "__isoc23_strtol"], libc)
    assert judged({"a.so": old}, facts) == ([], [])
    faults, outside = judged({"pkg/a.so": new, "b.so": old}, facts)
    assert faults == [f"pkg/a.so needs __isoc23_strtol@GLIBC_2.38; manylinux_2_28_{machine} promises glibc 2.28"]
    assert outside == []
    assert judged({"a.so": new}, promise(f"manylinux_2_38_{machine}")) == ([], [])


@pytest.mark.parametrize("style", ["gnu", "sysv"])
def test_both_kinds_of_hash_table_and_stripped_files(linked: Linked, machine: str, tmp_path: Path, style: str) -> None:
    libc = linked.library("libc.so.6", {f"f{number}": "GLIBC_2.99" for number in range(5)})
    data = linked.extension([f"f{number}" for number in range(5)], libc, flags=("-s", f"-Wl,--hash-style={style}"))
    faults, _outside = judged({"a.so": data}, promise(f"manylinux_2_28_{machine}"))
    assert len(faults) == 1
    assert faults[0].count("@GLIBC_2.99") == 3
    assert " and 2 more; " in faults[0]


def test_versions_of_other_libraries(linked: Linked, machine: str, tmp_path: Path) -> None:
    """Those that every machine has are checked, those that the wheel brings along are its own affair."""
    runtime = linked.library("libstdc++.so.6", {"old": "GLIBCXX_3.4.19", "new": "GLIBCXX_3.4.30"})
    own = linked.library("libown.so.1", {"mine": "GLIBC_2.99"})
    facts = promise(f"manylinux_2_28_{machine}")
    both = linked.extension(["old", "new"], runtime)
    assert "needs new@GLIBCXX_3.4.30; " in judged({"a.so": both}, facts)[0][0]
    uses = linked.extension(["mine"], own)
    assert judged({"a.so": uses, "toy.libs/libown.so.1": own.read_bytes()}, facts) == ([], [])
    faults, outside = judged({"a.so": uses}, facts)
    assert faults == []
    assert outside == [
        f"a.so needs libown.so.1, which is not in the wheel, and manylinux_2_28_{machine} does not promise"
    ]


def test_musl_has_names_instead_of_versions(linked: Linked, machine: str, tmp_path: Path) -> None:
    libc = linked.library("libc.so", dict.fromkeys(("open", "gettid", "qsort_r", "__time_time64"), ""))
    usual, older = promise(f"musllinux_1_2_{machine}"), promise(f"musllinux_1_1_{machine}")
    assert judged({"a.so": linked.extension(["open", "gettid"], libc)}, usual) == ([], [])
    faults, _ = judged({"a.so": linked.extension(["open", "qsort_r"], libc)}, usual)
    assert faults == [f"a.so needs qsort_r; musllinux_1_2_{machine} promises musl 1.2"]
    faults, _ = judged({"a.so": linked.extension(["gettid"], libc)}, older)
    assert faults == [f"a.so needs gettid; musllinux_1_1_{machine} promises musl 1.1"]
    time64 = linked.extension(["__time_time64"], libc)
    assert judged({"a.so": time64}, usual) == ([], [])
    assert bool(judged({"a.so": time64}, older)[0]) == (machine in ("armv7l", "i686"))
    # The names of some end otherwise.
    libc = linked.library("libc.so", {"__clock_gettime64": ""})
    clock = linked.extension(["__clock_gettime64"], libc)
    assert bool(judged({"a.so": clock}, older)[0]) == (machine in ("armv7l", "i686"))


def test_the_other_libc_is_a_fault(linked: Linked, machine: str, tmp_path: Path) -> None:
    """No tool can put a C library into a wheel."""
    libc = linked.library("libc.so.6", {"strtol": "GLIBC_2.17"})
    found = judged({"a.so": linked.extension(["strtol"], libc)}, promise(f"musllinux_1_2_{machine}"))
    says = f"a.so needs libc.so.6 of another C library; musllinux_1_2_{machine} promises musl 1.2"
    assert found == ([says], [])
    other = linked.extension(["open"], linked.library("libc.musl-x.so.1", {"open": ""}))
    faults, outside = judged({"a.so": other}, promise(f"manylinux_2_28_{machine}"))
    assert "needs libc.musl-x.so.1 of another C library" in faults[0]
    assert outside == []


@pytest.mark.parametrize("style", ["gnu", "sysv"])
def test_a_program_that_exports_nothing(linked: Linked, machine: str, tmp_path: Path, style: str) -> None:
    """Its GNU hash table is empty and does not tell how many symbols are imported."""
    flags = ("-nostartfiles", "-pie", "-s", f"-Wl,--hash-style={style}")
    libc = linked.library("libc.so.6", {"strtol": "GLIBC_2.17", "__isoc23_strtol": "GLIBC_2.38"})
    program = linked.program(["strtol", "__isoc23_strtol"], libc, flags=flags)
    faults, _ = judged({"toy-1.data/scripts/tool": program}, promise(f"manylinux_2_28_{machine}"))
    assert faults == [
        f"toy-1.data/scripts/tool needs __isoc23_strtol@GLIBC_2.38; manylinux_2_28_{machine} promises glibc 2.28"
    ]
    musl = linked.library("libc.so", dict.fromkeys(("open", "qsort_r"), ""))
    program = linked.program(["open", "qsort_r"], musl, flags=flags)
    faults, _ = judged({"tool": program}, promise(f"musllinux_1_2_{machine}"))
    assert faults == [f"tool needs qsort_r; musllinux_1_2_{machine} promises musl 1.2"]


def test_weak_symbols(linked: Linked, machine: str, tmp_path: Path) -> None:
    """The loader wants a version even for weak symbols; one without a version may be missing."""
    weak = write(tmp_path / "weak.h", "void late(void) __attribute__((weak));\n")
    flags = ("-include", str(weak))
    libc = linked.library("libc.so.6", {"late": "GLIBC_2.99"})
    facts = promise(f"manylinux_2_28_{machine}")
    assert judged({"a.so": linked.extension(["late"], libc, flags=flags)}, facts)[0]
    musl = linked.library("libc.so", {"late": ""})
    facts = dataclasses.replace(promise(f"musllinux_1_2_{machine}"), late=("late",))
    assert judged({"a.so": linked.extension(["late"], musl, flags=flags)}, facts) == ([], [])
    assert judged({"a.so": linked.extension(["late"], musl)}, facts)[0]


def test_auditwheel_says_the_same(linked: Linked, machine: str, tmp_path: Path) -> None:
    """The tool by which PyPI's projects get these tags."""
    libc = linked.library("libc.so.6", {"strtol": "GLIBC_2.17", "new": "GLIBC_2.27", "late": "GLIBC_2.38"})
    zlib = linked.library("libz.so.1", dict.fromkeys(("inflate", "zcalloc"), ""))
    facts = promise(f"manylinux_2_28_{machine}")
    for symbols, libraries in (
        (["new"], [libc]),
        (["new", "late"], [libc]),
        (["inflate"], [zlib]),
        (["zcalloc"], [zlib]),
    ):
        name = f"toy.cpython-311-{machine}-linux-gnu.so"
        files = {name: linked.extension([*symbols, "strtol"], *libraries, libc)}
        faults, outside = judged(files, facts)
        wheel = make_wheel(tmp_path, files, f"cp311-cp311-linux_{machine}")
        words = [sys.executable, "-m", "auditwheel", "show", str(wheel)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        tag = re.search(r'tag:\s+"(\w+?)_(\d+)_(\d+)_', done.stdout)
        kept = tag is not None and tag[1] == "manylinux" and (int(tag[2]), int(tag[3])) <= (2, 28)
        assert kept == (not faults), (symbols, faults, done.stdout)
        assert outside == []


@pytest.mark.parametrize("flags", [0, 2])
def test_a_weak_version_is_no_fault(tmp_path: Path, flags: int) -> None:
    """VER_FLG_WEAK: the loader warns and goes on."""
    facts = dataclasses.replace(promise("manylinux_2_28_aarch64"), libraries=("libv.so.1",), versions={"V": ("1",)})
    faults, outside = judged({"a.so": handmade(True, ">", flags=flags)}, facts)
    assert outside == []
    assert faults == ([] if flags else ["a.so needs f@V_2; manylinux_2_28_aarch64 promises glibc 2.28, V 1"])


def test_what_the_wheel_defines_itself(linked: Linked, machine: str, tmp_path: Path) -> None:
    musl = linked.library("libc.so", {"open": "", "qsort_r": ""})
    own = linked.library("libown.so", {"qsort_r": ""})
    uses = linked.extension(["qsort_r"], own, musl)
    facts = promise(f"musllinux_1_2_{machine}")
    assert judged({"a.so": uses, "libown.so": own.read_bytes()}, facts) == ([], [])
    other = linked.library("libown.so", {"other": ""})
    assert judged({"a.so": uses, "libown.so": other.read_bytes()}, facts)[0]

    runtime = linked.library("libstdc++.so.6", {"new": "GLIBCXX_3.4.30"})
    uses = linked.extension(["new"], runtime)
    facts = promise(f"manylinux_2_28_{machine}")
    assert judged({"a.so": uses, "toy.libs/libstdc++.so.6": runtime.read_bytes()}, facts) == ([], [])
    faults = judged({"a.so": uses}, facts)[0]
    assert faults[0].endswith(f"; manylinux_2_28_{machine} promises glibc 2.28, GLIBCXX 3.4.24")


def test_names_are_as_long_as_they_are(linked: Linked, machine: str, tmp_path: Path) -> None:
    name = "_Z" + "x" * 20000
    own = linked.library("libown.so", {name: ""})
    libc = linked.library("libc.so.6", {"late": "GLIBC_2.99"})
    files = {"a.so": linked.extension([name, "late"], own, libc), "libown.so": own.read_bytes()}
    faults, _ = judged(files, promise(f"manylinux_2_28_{machine}"))
    assert faults == [f"a.so needs late@GLIBC_2.99; manylinux_2_28_{machine} promises glibc 2.28"]


def test_versions_that_are_no_numbers(linked: Linked, machine: str, tmp_path: Path) -> None:
    """GLIBC_ABI_DT_RELR is since glibc 2.36; GLIBC_PRIVATE is never promised."""
    libc = linked.library("libc.so.6", {"f": "GLIBC_2.17", "relative": "GLIBC_ABI_DT_RELR", "own": "GLIBC_PRIVATE"})
    relative = linked.extension(["f", "relative"], libc)
    assert judged({"a.so": relative}, promise(f"manylinux_2_36_{machine}")) == ([], [])
    assert "GLIBC_ABI_DT_RELR" in judged({"a.so": relative}, promise(f"manylinux_2_35_{machine}"))[0][0]
    private = linked.extension(["own"], libc)
    assert "own@GLIBC_PRIVATE" in judged({"a.so": private}, promise(f"manylinux_2_38_{machine}"))[0][0]


def test_private_symbols_of_a_promised_library(linked: Linked, machine: str, tmp_path: Path) -> None:
    """Some distributions' zlib exports them, others' does not."""
    zlib = linked.library("libz.so.1", dict.fromkeys(("inflate", "zcalloc"), ""))
    for target in (f"manylinux_2_28_{machine}", f"musllinux_1_2_{machine}"):
        assert judged({"a.so": linked.extension(["inflate"], zlib)}, promise(target)) == ([], [])
        assert "needs zcalloc; " in judged({"a.so": linked.extension(["zcalloc"], zlib)}, promise(target))[0][0]


def test_damaged_files_are_faults_and_take_no_time(linked: Linked, machine: str, tmp_path: Path) -> None:
    libc = linked.library("libc.so.6", {f"f{number}": "GLIBC_2.99" for number in range(9)})
    data = linked.extension([f"f{number}" for number in range(9)], libc)
    facts = promise(f"manylinux_2_28_{machine}")
    start = time.monotonic()
    broken = 0
    for size in range(64, len(data), max(64, len(data) // 100)):
        broken += judged({"a.so": data[:size]}, facts) != judged({"a.so": data}, facts)
    for offset in range(0, min(len(data), 2048), 8):
        planted = data[:offset] + b"\xff" * 8 + data[offset + 8 :]
        # No exception, whatever is wrong; what is said may be anything.
        judged({"a.so": planted}, facts)
    assert broken > 10
    assert time.monotonic() - start < 60, "the time grows with more than the size"


def handmade(wide: bool, order: str, *, names: bytes = b"", next_need: int = 0, aux: int = 1, flags: int = 0) -> bytes:
    """A library that needs `f` of version V_2 of libv.so.1, without any section header."""
    word = "Q" if wide else "I"
    strings = b"\0libv.so.1\0V_2\0f\0" + names
    header, entry = (64, 56) if wide else (52, 32)
    base = header + 2 * entry
    symbol = "IBBHQQ" if wide else "IIIBBH"
    symbols = struct.pack(order + symbol, *[0] * 6)
    symbols += struct.pack(order + symbol, *((15, 0x10, 0, 0, 0, 0) if wide else (15, 0, 0, 0x10, 0, 0)))
    need = struct.pack(order + "HHIII", 1, aux, 1, 16, next_need) + struct.pack(order + "IHHII", 0, flags, 2, 11, 0)
    blobs = {
        5: strings,
        6: symbols,
        4: struct.pack(order + "IIIII", 1, 2, 1, 0, 0),
        0x6FFFFFFE: need,
        0x6FFFFFF0: struct.pack(order + "HH", 0, 2),
    }
    body, tags = b"", [(1, 1), (0x6FFFFFFF, 9 if next_need else 1), (10, len(strings))]
    for tag, blob in blobs.items():
        tags.append((tag, base + len(body)))
        body += blob + bytes(-len(blob) % 8)
    where = base + len(body)
    body += b"".join(struct.pack(order + word * 2, *tag) for tag in (*tags, (0, 0)))

    def segment(kind: int, offset: int, size: int) -> bytes:
        if wide:
            return struct.pack(order + "IIQQQQQQ", kind, 4, offset, offset, offset, size, size, 8)
        return struct.pack(order + "IIIIIIII", kind, offset, offset, offset, size, size, 4, 4)

    start = b"\x7fELF" + bytes([1 + wide, 1 if order == "<" else 2, 1]) + bytes(9)
    start += struct.pack(order + f"HHI{word * 3}IHHHHHH", 3, 8, 1, 0, header, 0, 0, header, entry, 2, 0, 0, 0)
    end = base + len(body)
    return start + segment(1, 0, end) + segment(2, where, end - where) + body


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("wide", [False, True])
def test_every_class_and_byte_order(wide: bool, order: str) -> None:
    made = Dynamic(handmade(wide, order))
    assert made.needed == ["libv.so.1"]
    assert made.versions == [NeededVersion(library="libv.so.1", name="V_2", weak=False, index=2)]
    assert list(made.symbols()) == [("f", False, False, 2)]


def read_all(data: bytes) -> bool:
    """Whether a file can be read; nothing but a ValueError may say that it cannot."""
    try:
        for _symbol in Dynamic(data).symbols():
            pass
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("wide", [False, True])
def test_any_damage_is_a_value_error(wide: bool, order: str) -> None:
    data = handmade(wide, order)
    start = time.monotonic()
    assert read_all(data)
    assert not any(read_all(data[:size]) for size in range(20, len(data)))
    chance = random.Random(7)
    good = 0
    for _ in range(20000):
        planted = bytearray(data)
        for _ in range(chance.randint(1, 3)):
            where = chance.randrange(6, len(data))
            planted[where] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
        good += read_all(bytes(planted))
    assert 0 < good < 20000
    assert time.monotonic() - start < 20, "the time grows with more than the size"


def test_chains_without_an_end() -> None:
    """Each entry is followed by itself, or by one that goes back round in 32 bits."""
    assert not read_all(handmade(True, "<", aux=0xFFFF))
    start = time.monotonic()
    for step in (1, 16, 0xFFFFFFF0):
        assert not read_all(handmade(True, "<", next_need=step))
    assert time.monotonic() - start < 1


def test_names_that_together_are_too_long() -> None:
    """Each symbol may have a name as long as the file: reading all of them is quadratic."""
    made = Dynamic(handmade(True, "<", names=b"x" * 1_000_000 + b"\0"))
    first = 17
    assert len(made._text(first)) == 1_000_000
    with pytest.raises(ValueError, match="no end"):
        for _ in range(100):
            made._text(first)


def test_what_targets_promise() -> None:
    assert policy_of(parse_target("aarch64-linux-gnu")) is None
    between = promise("manylinux_2_30_x86_64")
    assert between.floor == (2, 30)
    assert between.versions == promise("manylinux_2_28_x86_64").versions, "the newest policy at or below it"
    assert "3.4.19" in promise("manylinux2014_x86_64").versions["GLIBCXX"]
    assert "3.4.20" not in promise("manylinux2014_x86_64").versions["GLIBCXX"]
    assert "ld-linux-aarch64.so.1" in promise("aarch64").libraries
    assert "libc.musl-armv7.so.1" in promise("musllinux_1_2_armv7l").libraries


def test_retagging_changes_the_tag_and_nothing_else(tmp_path: Path) -> None:
    files = {"toy/a.so": os.urandom(3000), "toy/__init__.py": b"", "toy/data.txt": b"x" * 5000}
    old = make_wheel(tmp_path, files, "cp311.cp312-abi3-linux_aarch64")
    with zipfile.ZipFile(old) as wheel:
        before = {info.filename: info for info in wheel.infolist()}
    new = retag(old, "linux_aarch64", "manylinux_2_28_aarch64")
    assert new.name == "toy-1-cp311.cp312-abi3-manylinux_2_28_aarch64.whl"
    assert sorted(path.name for path in tmp_path.iterdir()) == [new.name]
    _name, _version, _build, tags = parse_wheel_filename(new.name)
    with zipfile.ZipFile(new) as wheel:
        assert wheel.testzip() is None
        assert [info.filename for info in wheel.infolist()] == list(before)
        for info in wheel.infolist():
            was = before[info.filename]
            assert (info.date_time, info.external_attr, info.compress_type) == (
                was.date_time, was.external_attr, was.compress_type,
            )  # fmt: skip
        text = wheel.read("toy-1.dist-info/WHEEL").decode()
        assert {line.partition(": ")[2] for line in text.splitlines() if line.startswith("Tag")} == set(map(str, tags))
        for name, digest, size in csv.reader(io.StringIO(wheel.read("toy-1.dist-info/RECORD").decode())):
            if name.endswith("/RECORD"):
                continue
            data = wheel.read(name)
            assert digest == "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert size == str(len(data))


def test_files_are_left_out(tmp_path: Path) -> None:
    files = {"toy/a.so": os.urandom(3000), "toy/a.dll.a": b"x", "toy/data.txt": b"x" * 5000}
    wheel = make_wheel(tmp_path, files, "cp311-cp311-win_amd64")
    leave_out(wheel, ["toy/a.dll.a"])
    assert [path.name for path in tmp_path.iterdir()] == [wheel.name]
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        kept = [name for name in archive.namelist() if ".dist-info/" not in name]
        assert {name: archive.read(name) for name in kept} == {
            name: files[name] for name in ("toy/a.so", "toy/data.txt")
        }
        rows = csv.reader(io.StringIO(archive.read("toy-1.dist-info/RECORD").decode()))
        assert [row[0] for row in rows] == archive.namelist()


def test_members_are_copied_as_they_are(tmp_path: Path) -> None:
    """Compressed again they would differ, and take most of the time of a check."""
    files = {"toy/a.so": b"same" * 5000, "toy/data.txt": b"x" * 5000, "toy/\u00e9.py": b""}
    old = make_wheel(tmp_path, files, "py3-none-linux_aarch64", build="-1build")
    with zipfile.ZipFile(old, "a") as wheel:
        wheel.comment = b"said"
        # Written with sizes of 64 bits, and with its sizes behind the data.
        with wheel.open("toy/late.bin", "w", force_zip64=True) as member:
            member.write(b"late" * 1000)
    # Members of old tools name themselves in code page 437.
    data = old.read_bytes().replace("toy/\u00e9.py".encode(), b"toy/\x82_.py")
    assert data.count(b"toy/\x82_.py") >= 2
    old.write_bytes(without_utf8_flags(data))
    old.chmod(0o640)
    with zipfile.ZipFile(old) as wheel:
        before = {info.filename: (info.CRC, info.compress_size) for info in wheel.infolist()}
        assert "toy/\u00e9_.py" in before
    new = retag(old, "linux_aarch64", "manylinux_2_28_aarch64")
    assert new.name == "toy-1-1build-py3-none-manylinux_2_28_aarch64.whl"
    assert parse_wheel_filename(new.name)[2] == (1, "build")
    assert new.stat().st_mode & 0o777 == 0o640
    with zipfile.ZipFile(new) as wheel:
        assert wheel.comment == b"said"
        after = {info.filename: (info.CRC, info.compress_size) for info in wheel.infolist()}
    assert list(after) == list(before)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"toy-1.dist-info/WHEEL", "toy-1.dist-info/RECORD"}
    done = subprocess.run([sys.executable, "-m", "zipfile", "-t", new], capture_output=True, text=True, check=True)
    assert "Done testing" in done.stdout
    with zipfile.ZipFile(new) as wheel:
        assert wheel.read("toy/late.bin") == b"late" * 1000


def without_utf8_flags(data: bytes) -> bytes:
    """A zip file whose headers say that no name is in UTF-8."""
    made = bytearray(data)
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        where = -1
        while (where := data.find(signature, where + 1)) >= 0:
            made[where + at + 1] &= ~0x08
    return bytes(made)


def test_damaged_metadata_leaves_the_wheel(tmp_path: Path) -> None:
    old = make_wheel(tmp_path, {"toy.py": b""})
    data = old.read_bytes()
    with zipfile.ZipFile(old) as wheel:
        where = wheel.getinfo("toy-1.dist-info/RECORD").header_offset
    old.write_bytes(data[: where + 60] + b"\xff" * 20 + data[where + 80 :])
    with pytest.raises((zipfile.BadZipFile, zlib.error)):
        retag(old, "linux_aarch64", "manylinux_2_28_aarch64")
    assert [path.name for path in tmp_path.iterdir()] == [old.name]


@pytest.mark.parametrize("tag", ["py3-none-any", "cp311-cp311-manylinux_2_17_aarch64"])
def test_other_tags_stay(tmp_path: Path, tag: str) -> None:
    old = make_wheel(tmp_path, {"toy.py": b""}, tag)
    data = old.read_bytes()
    assert retag(old, "linux_aarch64", "manylinux_2_28_aarch64") == old
    assert old.read_bytes() == data

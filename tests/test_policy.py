"""The promise of a platform tag: what is checked, and the tag itself."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import shutil
import subprocess
import time
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from _crossenv import policy, verify
from packaging.tags import parse_tag
from packaging.utils import parse_wheel_filename

from crossenv.policy import policy_of
from crossenv.target import parse_target
from makers import write

COMPILERS = {
    "aarch64": "aarch64-linux-gnu-gcc",
    "armv7l": "arm-linux-gnueabihf-gcc",
    "s390x": "s390x-linux-gnu-gcc",
    "i686": "i686-linux-gnu-gcc",
    "x86_64": "x86_64-linux-gnu-gcc",
}


def promise(target: str) -> dict[str, Any]:
    made = policy_of(parse_target(target))
    assert made is not None
    return asdict(made)


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


@pytest.fixture(params=COMPILERS)
def machine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if shutil.which(COMPILERS[name]) is None:
        pytest.skip(f"needs {COMPILERS[name]} on PATH")
    return name


@pytest.fixture
def linked(machine: str, tmp_path: Path) -> Linked:
    return Linked(COMPILERS[machine], tmp_path)


def make_wheel(directory: Path, files: dict[str, bytes], tag: str = "cp311-cp311-linux_aarch64") -> Path:
    path = directory / f"toy-1-{tag}.whl"
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


def judged(directory: Path, files: dict[str, bytes], facts: dict[str, Any]) -> tuple[list[str], list[str]]:
    with zipfile.ZipFile(make_wheel(directory, files)) as wheel:
        return policy.findings(wheel, facts)


def test_a_symbol_above_the_floor(linked: Linked, machine: str, tmp_path: Path) -> None:
    libc = linked.library("libc.so.6", {"strtol": "GLIBC_2.17", "__isoc23_strtol": "GLIBC_2.38"})
    facts = promise(f"manylinux_2_28_{machine}")
    old, new = linked.extension(["strtol"], libc), linked.extension(["strtol", "__isoc23_strtol"], libc)
    assert judged(tmp_path, {"a.so": old}, facts) == ([], [])
    faults, outside = judged(tmp_path, {"pkg/a.so": new, "b.so": old}, facts)
    assert faults == [f"pkg/a.so needs __isoc23_strtol@GLIBC_2.38; manylinux_2_28_{machine} promises glibc 2.28"]
    assert outside == []
    assert judged(tmp_path, {"a.so": new}, promise(f"manylinux_2_38_{machine}")) == ([], [])


@pytest.mark.parametrize("style", ["gnu", "sysv"])
def test_both_kinds_of_hash_table_and_stripped_files(linked: Linked, machine: str, tmp_path: Path, style: str) -> None:
    libc = linked.library("libc.so.6", {f"f{number}": "GLIBC_2.99" for number in range(5)})
    data = linked.extension([f"f{number}" for number in range(5)], libc, flags=("-s", f"-Wl,--hash-style={style}"))
    faults, _outside = judged(tmp_path, {"a.so": data}, promise(f"manylinux_2_28_{machine}"))
    assert len(faults) == 1
    assert faults[0].count("@GLIBC_2.99") == 3
    assert " and 2 more; " in faults[0]


def test_versions_of_other_libraries(linked: Linked, machine: str, tmp_path: Path) -> None:
    """Those that every machine has are checked, those that the wheel brings along are its own affair."""
    runtime = linked.library("libstdc++.so.6", {"old": "GLIBCXX_3.4.19", "new": "GLIBCXX_3.4.30"})
    own = linked.library("libown.so.1", {"mine": "GLIBC_2.99"})
    facts = promise(f"manylinux_2_28_{machine}")
    both = linked.extension(["old", "new"], runtime)
    assert "needs new@GLIBCXX_3.4.30; " in judged(tmp_path, {"a.so": both}, facts)[0][0]
    uses = linked.extension(["mine"], own)
    assert judged(tmp_path, {"a.so": uses, "toy.libs/libown.so.1": own.read_bytes()}, facts) == ([], [])
    faults, outside = judged(tmp_path, {"a.so": uses}, facts)
    assert faults == []
    assert outside == [f"a.so needs libown.so.1, which manylinux_2_28_{machine} does not promise"]


def test_musl_has_names_instead_of_versions(linked: Linked, machine: str, tmp_path: Path) -> None:
    libc = linked.library("libc.so", dict.fromkeys(("open", "gettid", "qsort_r", "__time_time64"), ""))
    usual, older = promise(f"musllinux_1_2_{machine}"), promise(f"musllinux_1_1_{machine}")
    assert judged(tmp_path, {"a.so": linked.extension(["open", "gettid"], libc)}, usual) == ([], [])
    faults, _ = judged(tmp_path, {"a.so": linked.extension(["open", "qsort_r"], libc)}, usual)
    assert faults == [f"a.so needs qsort_r; musllinux_1_2_{machine} promises musl 1.2"]
    faults, _ = judged(tmp_path, {"a.so": linked.extension(["gettid"], libc)}, older)
    assert faults == [f"a.so needs gettid; musllinux_1_1_{machine} promises musl 1.1"]
    time64 = linked.extension(["__time_time64"], libc)
    assert judged(tmp_path, {"a.so": time64}, usual) == ([], [])
    assert bool(judged(tmp_path, {"a.so": time64}, older)[0]) == (machine in ("armv7l", "i686"))


def test_a_program_of_the_other_libc_is_outside(linked: Linked, machine: str, tmp_path: Path) -> None:
    libc = linked.library("libc.so.6", {"strtol": "GLIBC_2.17"})
    _faults, outside = judged(
        tmp_path, {"a.so": linked.extension(["strtol"], libc)}, promise(f"musllinux_1_2_{machine}")
    )
    assert outside == [f"a.so needs libc.so.6, which musllinux_1_2_{machine} does not promise"]


def test_damaged_files_are_faults_and_take_no_time(linked: Linked, machine: str, tmp_path: Path) -> None:
    libc = linked.library("libc.so.6", {f"f{number}": "GLIBC_2.99" for number in range(9)})
    data = linked.extension([f"f{number}" for number in range(9)], libc)
    facts = promise(f"manylinux_2_28_{machine}")
    start = time.monotonic()
    broken = 0
    for size in range(64, len(data), max(64, len(data) // 100)):
        broken += judged(tmp_path, {"a.so": data[:size]}, facts) != judged(tmp_path, {"a.so": data}, facts)
    for offset in range(0, min(len(data), 2048), 8):
        planted = data[:offset] + b"\xff" * 8 + data[offset + 8 :]
        # No exception, whatever is wrong; what is said may be anything.
        judged(tmp_path, {"a.so": planted}, facts)
    assert broken > 10
    assert time.monotonic() - start < 60, "the time grows with more than the size"


def test_what_targets_promise() -> None:
    assert policy_of(parse_target("aarch64-linux-gnu")) is None
    between = promise("manylinux_2_30_x86_64")
    assert between["floor"] == (2, 30)
    assert between["versions"] == promise("manylinux_2_28_x86_64")["versions"], "the newest policy at or below it"
    assert "3.4.19" in promise("manylinux2014_x86_64")["versions"]["GLIBCXX"]
    assert "3.4.20" not in promise("manylinux2014_x86_64")["versions"]["GLIBCXX"]
    assert "ld-linux-aarch64.so.1" in promise("aarch64")["libraries"]
    assert "libc.musl-armv7.so.1" in promise("musllinux_1_2_armv7l")["libraries"]


def test_retagging_changes_the_tag_and_nothing_else(tmp_path: Path) -> None:
    files = {"toy/a.so": os.urandom(3000), "toy/__init__.py": b"", "toy/data.txt": b"x" * 5000}
    old = make_wheel(tmp_path, files, "cp311.cp312-abi3-linux_aarch64")
    with zipfile.ZipFile(old) as wheel:
        before = {info.filename: info for info in wheel.infolist()}
    new = Path(policy.retag(str(old), "manylinux_2_28_aarch64"))
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


@pytest.mark.parametrize("tag", ["py3-none-any", "cp311-cp311-manylinux_2_17_aarch64"])
def test_other_tags_stay(tmp_path: Path, tag: str) -> None:
    old = make_wheel(tmp_path, {"toy.py": b""}, tag)
    data = old.read_bytes()
    assert policy.retag(str(old), "manylinux_2_28_aarch64") == str(old)
    assert old.read_bytes() == data


def test_a_wheel_is_refused_tagged_or_left(
    linked: Linked, machine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = parse_target(f"manylinux_2_28_{machine}")
    facts = {
        "root": "/e", "machine": machine, "elf": asdict(target.elf), "extension_suffixes": [".so"], "allow_pure": [],
        "policy": promise(target.text),
    }  # fmt: skip
    tag = f"cp311-cp311-linux_{machine}"
    libc = linked.library("libc.so.6", {"strtol": "GLIBC_2.17", "__isoc23_strtol": "GLIBC_2.38"})
    good, late = linked.extension(["strtol"], libc), linked.extension(["__isoc23_strtol"], libc)
    foreign = linked.extension(["mine"], linked.library("libown.so.1", {"mine": "V1"}))

    path = verify.require_host_wheel(str(make_wheel(tmp_path, {"a.so": good}, tag)), facts)
    assert path.endswith(f"-manylinux_2_28_{machine}.whl")
    assert Path(path).exists()

    wheel = make_wheel(tmp_path, {"a.so": late}, tag)
    with pytest.raises(SystemExit) as ended:
        verify.require_host_wheel(str(wheel), facts)
    assert ended.value.code == 7
    assert not wheel.exists()
    assert "a.so needs __isoc23_strtol@GLIBC_2.38" in capsys.readouterr().err

    wheel = make_wheel(tmp_path, {"a.so": foreign}, tag)
    assert verify.require_host_wheel(str(wheel), facts) == str(wheel)
    assert "libown.so.1" in capsys.readouterr().err
    wheel = make_wheel(tmp_path, {"a.so": late}, tag)
    assert verify.require_host_wheel(str(wheel), facts, editable=True) == str(wheel)

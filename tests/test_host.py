"""Reading a host Python: what users name, what is found, what is refused."""

from __future__ import annotations

import os
import random
import struct
import sys
import sysconfig
from dataclasses import replace
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import makers
from crossenv.binaries.elf import ElfError, elf_identity, read_elf
from crossenv.errors import HostPythonError
from crossenv.platforms.architectures import Identity, elf_identity_of
from crossenv.platforms.triplets import gnu_triplet, identity_of_triplet, libc_of_triplet
from crossenv.pythons.build_details import build_details
from crossenv.pythons.read import read_host_python
from crossenv.pythons.sysconfigdata import parse_sysconfigdata
from makers import HostTree, config_of, config_text, elf_bytes, write


def fault_of(path: Path, **options: Path | str) -> HostPythonError:
    """The error that a user sees for a host Python that cannot be read."""
    with pytest.raises(HostPythonError) as caught:
        read_host_python(path, **options)  # type: ignore[arg-type]
    error = caught.value
    assert error.exit_code == 3
    assert error.message and "\n" not in error.message
    assert error.hint and "\n" not in error.hint
    return error


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    return HostTree(prefix=tmp_path / "sysroot/usr").make()


# What a configuration file may say.


def test_configuration_is_what_the_file_says(tmp_path: Path) -> None:
    config = config_of(CFLAGS="-O2 -DX='a b' \\\n\té", NEGATIVE=-1)
    assert parse_sysconfigdata(write(tmp_path / "_sysconfigdata_x.py", config_text(config))) == config


def test_configuration_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "was run"
    text = f"open({str(mark)!r}, 'w').close()\n" + config_text(config_of())
    assert parse_sysconfigdata(write(tmp_path / "_sysconfigdata_x.py", text)) == config_of()
    assert not mark.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"build_time_vars = {'A': '\xff'}", "is not UTF-8 text: byte 25", id="not UTF-8"),
        pytest.param(b"build_time_vars = {'A': }", "is cut short or damaged: line 1", id="syntax"),
        pytest.param(config_text(config_of())[:300].encode(), "is cut short or damaged: line", id="cut short"),
        pytest.param(b"build_time_vars = {'A': '\0'}", "", id="NUL byte"),
        pytest.param(b"", "no 'build_time_vars' in", id="empty"),
        pytest.param(b"other = {}", "no 'build_time_vars' in", id="another variable"),
        pytest.param(b"build_time_vars = dict(A=1)", "build_time_vars in", id="a call"),
        pytest.param(b"build_time_vars = {'A': f()}", "build_time_vars['A'] in", id="a call in it"),
        pytest.param(b"build_time_vars = {**other}", "build_time_vars in", id="unpacking"),
        pytest.param(b"build_time_vars = {1: 'A'}", "expected string keys in build_time_vars, not 1", id="key"),
        pytest.param(b"build_time_vars = {'CC': None}", "expected a string or an integer at build_time_vars['CC']"),
        pytest.param(b"build_time_vars = {'CC': 1.5}", "expected a string or an integer at build_time_vars['CC']"),
        pytest.param(b"build_time_vars = {'CC': True}", "expected a string or an integer at build_time_vars['CC']"),
        pytest.param(b"build_time_vars = {'CC': ['gcc']}", "expected a string or an integer at build_time_vars['CC']"),
        pytest.param(b"build_time_vars = {'CC': '\\0'}", "expected text without NUL"),
        pytest.param(b"build_time_vars = {'CC': '\\ud800'}", "expected text without NUL"),
        pytest.param(b"build_time_vars = " + b"(" * 9000, "", id="nesting"),
        pytest.param(b"build_time_vars = {'A': " + b"-" * 90000 + b"1}", "", id="long chain"),
        pytest.param(b"#" * (16 * 1024 * 1024 + 1), "is larger than 16 MB", id="huge"),
    ],
)
def test_bad_configuration_is_one_line_and_a_hint(tmp_path: Path, content: bytes, message: str) -> None:
    file = write(tmp_path / "_sysconfigdata_x.py", content)
    error = fault_of(file)
    assert message in error.message
    assert str(file) in error.message


def test_live_code_is_refused_with_the_way_out(tmp_path: Path) -> None:
    """PyPy's `_sysconfigdata.py` asks the machine it runs on."""
    text = "import _imp\nbuild_time_vars = {'EXT_SUFFIX': _imp.extension_suffixes()[0]}\n"
    error = fault_of(write(tmp_path / "_sysconfigdata.py", text))
    assert "build_time_vars['EXT_SUFFIX']" in error.message
    assert "is code, not a literal" in error.message
    assert "static _sysconfigdata_*.py" in error.hint


@pytest.mark.parametrize(
    ("version", "flags", "stable"),
    [
        ("3.11", "", [".abi3.so"]),
        ("3.14", "", [".abi3.so"]),
        ("3.15", "", [".abi3-aarch64-linux-gnu.so", ".abi3.so", ".abi3t-aarch64-linux-gnu.so", ".abi3t.so"]),
        ("3.15", "t", [".abi3t-aarch64-linux-gnu.so", ".abi3t.so"]),
    ],
)
def test_suffixes_of_the_stable_abi(tmp_path: Path, version: str, flags: str, stable: list[str]) -> None:
    host = read_host_python(HostTree(prefix=tmp_path / "usr", version=version, flags=flags).make().prefix)
    own = f".cpython-{version.replace('.', '')}{flags}-aarch64-linux-gnu.so"
    assert list(host.extension_suffixes) == [own, *stable, ".so"]


def test_suffixes_are_those_of_the_running_python() -> None:
    """Distributions add to them; none may be missing there."""
    host = read_host_python(Path(sys.base_prefix) / f"bin/python{sys.version_info[0]}.{sys.version_info[1]}")
    assert set(host.extension_suffixes) <= set(EXTENSION_SUFFIXES)


@pytest.mark.parametrize("key", ["SOABI", "VERSION", "EXT_SUFFIX"])
def test_what_must_be_recorded(tmp_path: Path, key: str) -> None:
    missing = HostTree(prefix=tmp_path / "a/usr", changes={key: None}).make()
    assert f"no build_time_vars['{key}'] in {missing.data}" in fault_of(missing.prefix).message
    number = HostTree(prefix=tmp_path / "b/usr", changes={key: 3}).make()
    assert f"expected a string at build_time_vars['{key}'] in {number.data}" in fault_of(number.prefix).message


def test_damaged_configurations_end_well(tree: HostTree) -> None:
    """Each mutation gives a right answer or the error for users; anything else is a bug."""
    good = tree.data.read_bytes()
    dice = random.Random(20261101)
    refused = 0
    for _ in range(400):
        bad = bytearray(good)
        for _ in range(dice.choice((1, 1, 2, 8))):
            at = dice.randrange(len(bad))
            match dice.randrange(4):
                case 0:
                    bad[at] = dice.randrange(256)
                case 1:
                    del bad[at : at + dice.randrange(1, 40)]
                case 2:
                    bad[at:at] = dice.choice((b"'", b"{", b"(", b"\\", b"\n", b"..", b"\xc3", b"/", b"0", b"#"))
                case _:
                    bad[at] ^= 1 << dice.randrange(8)
        tree.data.write_bytes(bad)
        try:
            host = read_host_python(tree.prefix)
        except HostPythonError as error:
            assert error.hint
            refused += 1
        else:
            assert host.machine == "aarch64"
    assert refused > 100


# What a user may name.


def test_every_way_to_name_one_python_finds_the_same(tree: HostTree) -> None:
    root = tree.prefix.parent
    (tree.prefix / "bin/python3").symlink_to("python3.11")
    (root / "bin").symlink_to("usr/bin")
    names = [tree.prefix, root, tree.program, tree.prefix / "bin/python3", root / "bin/python3", tree.data]
    found = [replace(read_host_python(name), source=Path("same")) for name in names]
    assert all(host == found[0] for host in found)
    host = found[0]
    assert (host.layout, host.implementation) == ("prefix", "cpython")
    assert (host.version, host.full_version, host.abi_flags) == ("3.11", "3.11.2", "")
    assert (host.soabi, host.ext_suffix) == (
        "cpython-311-aarch64-linux-gnu",
        ".cpython-311-aarch64-linux-gnu.so",
    )
    assert (host.multiarch, host.gnu_type) == ("aarch64-linux-gnu", "aarch64-unknown-linux-gnu")
    assert host.sysconfigdata == tree.data
    assert host.config == tree.config()
    assert host.include_dirs == (tree.include,)
    assert host.executable == tree.program
    assert host.host_executable == "/usr/bin/python3.11"
    assert host.sysroot == root
    assert host.lib_dir == tree.prefix / "lib"
    assert (host.identity, host.machine) == (makers.AARCH64, "aarch64")
    assert (host.libc.family, host.libc.version) == ("glibc", "")


def test_an_absolute_link_is_followed_inside_the_sysroot(tree: HostTree) -> None:
    tree = replace(tree, prefix=tree.prefix.parents[1] / "other/usr", version="3.99").make()
    link = tree.prefix / "bin/python3"
    link.symlink_to("/usr/bin/python3.99")
    assert read_host_python(link).executable == tree.program
    assert read_host_python(link, sysroot=tree.prefix.parent).executable == tree.program
    link.unlink()
    link.symlink_to(sys.executable)
    error = fault_of(link, sysroot=tree.prefix.parent)
    assert f"links to {sys.executable}, which is not in {tree.prefix.parent}" in error.message


def test_relative_paths_become_absolute(tree: HostTree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree.prefix)
    for name in ("lib/../bin/python3.11", "../usr", "."):
        host = read_host_python(Path(name))
        assert host.executable == tree.program
        assert host.sysroot == tree.prefix.parent
    assert read_host_python(Path("bin/python3.11"), sysroot=Path("..")).sysroot == tree.prefix.parent


def test_lib64(tmp_path: Path) -> None:
    tree = HostTree(prefix=tmp_path / "usr").make()
    (tree.prefix / "lib").rename(tree.prefix / "lib64")
    assert read_host_python(tmp_path).sysconfigdata == tree.prefix / "lib64/python3.11" / tree.data.name


def test_configuration_in_the_config_directory(tree: HostTree) -> None:
    place = tree.stdlib / "config-3.11-aarch64-linux-gnu" / tree.data.name
    place.parent.mkdir()
    tree.data.rename(place)
    assert read_host_python(tree.prefix).sysconfigdata == place


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path / "nowhere", "does not exist"),
        (lambda path: link(path / "python3", "gone"), "is a broken link"),
        (
            lambda path: write(path / "notes.txt", "python\n"),
            "neither an ELF program nor a _sysconfigdata file",
        ),
        (
            lambda path: write(path / "python3", "#!/bin/sh\nexec python3.11\n"),
            "is not a Python: it is a script",
        ),
        (lambda path: write(path / "bin/ls", elf_bytes()), "is not a Python: the program's name is ls"),
        (lambda path: write(path / "bin/python3", elf_bytes()), "no lib/python3/_sysconfigdata*.py beside"),
        (lambda path: write(path / "python3", b""), "neither an ELF program"),
        (lambda path: path, "no Python in"),
        (lambda path: write(path / "usr/lib/python3.11/os.py", "").parents[3], "no _sysconfigdata*.py in"),
        (lambda path: write(path / "python.exe", b"MZ\0\0"), "is a Windows program; only Linux targets"),
        (lambda path: write(path / "python.exe", b"MZ\0\0").parent, "is a Windows installation"),
        (lambda path: write(path / "bin/python3.11", struct.pack("<I", 0xFEEDFACF)), "is a macOS program"),
        (lambda path: write(path / "Python.framework/Python", "").parents[1], "is a macOS framework"),
        (lambda path: write(path / "bin/pypy3", elf_bytes()), "no lib/pypy3/_sysconfigdata*.py beside"),
        (lambda path: write(path / "lib/pypy3.11/os.py", "").parents[2], "no _sysconfigdata*.py in"),
    ],
)
def test_what_is_not_a_host_python(tmp_path: Path, make: object, message: str) -> None:
    assert callable(make)
    assert message in fault_of(make(tmp_path)).message


def link(path: Path, target: str) -> Path:
    path.symlink_to(target)
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"SOABI": "graalpy242-311-native"}, "is not CPython's or PyPy's"),
        ({"SOABI": "cpython-313-wasm32-emscripten", "MACHDEP": "emscripten"}, "is for emscripten"),
    ],
)
def test_kinds_that_cannot_be_hosts(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    tree = HostTree(prefix=tmp_path / "usr", changes=changes).make()
    error = fault_of(tree.prefix)
    assert message in error.message
    assert "CPython" in error.hint


# Several at once.


@pytest.mark.parametrize("name", ["_sysconfigdata__aarch64-linux-gnu.py", "_sysconfigdata__zlink.py"])
def test_a_file_and_a_link_to_it_are_one(tree: HostTree, name: str) -> None:
    """Debian's layout, either way round."""
    first = tree.stdlib / name
    tree.data.rename(first)
    tree.data.symlink_to(first.name)
    assert read_host_python(tree.prefix).sysconfigdata == first
    assert read_host_python(tree.data).sysconfigdata == tree.data


def test_configurations_that_differ_are_the_users_choice(tree: HostTree) -> None:
    other = write(tree.stdlib / "_sysconfigdata_d_linux_aarch64-linux-gnu.py", config_text(config_of(flags="d")))
    error = fault_of(tree.prefix)
    assert "several configurations that differ" in error.message
    assert str(tree.data) in error.message and str(other) in error.message
    assert "--host-python" in error.hint
    assert read_host_python(tree.data).sysconfigdata == tree.data
    assert read_host_python(tree.program).sysconfigdata == tree.data


def test_versions_in_one_prefix_are_the_users_choice(tree: HostTree) -> None:
    newer = replace(tree, version="3.13").make()
    error = fault_of(tree.prefix)
    assert f"several Pythons in {tree.prefix}: {tree.stdlib}, {newer.stdlib}" in error.message
    assert "--host-python" in error.hint
    assert read_host_python(tree.program).version == "3.11"
    assert read_host_python(newer.program).version == "3.13"


def test_free_threaded_beside_the_usual_one(tmp_path: Path) -> None:
    usual = HostTree(prefix=tmp_path / "usr", version="3.13").make()
    free = replace(usual, flags="t").make()
    host = read_host_python(free.program)
    assert (host.abi_flags, host.free_threaded) == ("t", True)
    assert host.sysconfigdata == free.data
    assert host.include_dirs == (free.include,)
    assert host.host_executable == "/usr/bin/python3.13t"
    assert not read_host_python(usual.program).free_threaded


def test_abi_flags_of_configurations_without_them(tmp_path: Path) -> None:
    tree = HostTree(prefix=tmp_path / "usr", version="3.13", flags="t", changes={"ABIFLAGS": None}).make()
    assert read_host_python(tree.prefix).abi_flags == "t"


# Where its tree begins.


@pytest.mark.parametrize(
    ("where", "recorded", "libc", "root"),
    [
        ("root/usr", "/usr", False, "root"),
        ("root/usr/local", "/usr/local", False, "root"),
        ("root/opt/python", "/opt/python", True, "root"),
        ("root/opt/python", "/opt/python", False, None),
        ("copy", "/opt/python", False, None),
        ("python", "/install", False, None),
    ],
)
def test_the_sysroot_is_what_precedes_the_recorded_prefix(
    tmp_path: Path, where: str, recorded: str, libc: bool, root: str | None
) -> None:
    tree = HostTree(prefix=tmp_path / where, recorded=recorded).make()
    if libc:
        write(tmp_path / "root/usr/include/features.h", "")
    host = read_host_python(tree.prefix)
    assert host.sysroot == (tmp_path / root if root else None)
    assert host.include_dirs == (tree.include,)
    assert host.executable == tree.program
    assert host.host_executable == f"{recorded}/bin/python3.11"


def test_recorded_paths_move_with_the_prefix(tmp_path: Path) -> None:
    places = {"INCLUDEPY": "/opt/python/headers", "LIBDIR": "/opt/python/shared"}
    tree = HostTree(prefix=tmp_path / "copy", recorded="/opt/python", changes=places).make()
    tree.include.rename(tree.prefix / "headers")
    write(tree.prefix / "shared/libpython3.11.so", b"")
    host = read_host_python(tree.prefix)
    assert host.include_dirs == (tree.prefix / "headers",)
    assert host.lib_dir == tree.prefix / "shared"


def test_a_python_at_its_recorded_place_has_no_sysroot(tmp_path: Path) -> None:
    tree = HostTree(prefix=tmp_path / "opt/python", recorded=str(tmp_path / "opt/python")).make()
    host = read_host_python(tree.prefix)
    assert host.sysroot is None
    assert host.host_executable == str(tree.program)


def test_the_users_sysroot_and_host_prefix_win(tmp_path: Path) -> None:
    tree = HostTree(prefix=tmp_path / "root/usr").make()
    other = tmp_path / "other"
    other.mkdir()
    host = read_host_python(tree.prefix, sysroot=other, host_prefix="/opt/app/python/")
    assert host.sysroot == other
    assert host.include_dirs == (tree.include,)
    assert host.host_executable == "/opt/app/python/bin/python3.11"
    assert "is not a directory" in fault_of(tree.prefix, sysroot=tmp_path / "none").message


# Headers.


def test_debian_headers_are_two_directories(tree: HostTree) -> None:
    makers.make_debian_headers(tree, architectures=["s390x-linux-gnu", "aarch64-linux-gnu"])
    own = tree.prefix / "include/aarch64-linux-gnu/python3.11"
    assert read_host_python(tree.prefix).include_dirs == (tree.include, own)


def test_debian_headers_of_another_architecture_only(tree: HostTree) -> None:
    makers.make_debian_headers(tree, architectures=["s390x-linux-gnu"])
    error = fault_of(tree.prefix)
    assert "no pyconfig.h for aarch64-linux-gnu" in error.message
    assert "libpython3.11-dev" in error.hint


def test_no_headers(tree: HostTree) -> None:
    (tree.include / "Python.h").unlink()
    error = fault_of(tree.prefix)
    assert f"no Python.h for {tree.data}" in error.message
    assert "libpython3.11-dev" in error.hint and "--sysroot" in error.hint


# Build trees and lone files.


@pytest.mark.parametrize("source", [".", "..", "absolute"])
def test_build_tree(tmp_path: Path, source: str) -> None:
    build = tmp_path / "cpython" if source == "." else tmp_path / "cpython/build-arm"
    recorded = str(tmp_path / "cpython") if source == "absolute" else source
    config = config_of(prefix="/opt/python", srcdir=recorded)
    data = write(build / "build/lib.linux-aarch64-3.11/_sysconfigdata__linux_aarch64-linux-gnu.py", config_text(config))
    write(build / "pybuilddir.txt", "build/lib.linux-aarch64-3.11")
    write(build / "Makefile", "")
    write(build / "pyconfig.h", "#define SIZEOF_VOID_P 8\n")
    program = write(build / "python", elf_bytes(interpreter=makers.GLIBC_LOADER), mode=0o755)
    headers = write(tmp_path / "cpython/Include/Python.h", "").parent
    write(headers / "patchlevel.h", makers.patchlevel("3.11.9+"))
    for name in (build, program, data):
        host = read_host_python(name)
        assert host.layout == "build tree"
        assert host.sysconfigdata == data
        assert host.include_dirs == (headers, build)
        assert (host.executable, host.lib_dir, host.sysroot) == (program, build, None)
        assert host.host_executable == "/opt/python/bin/python3.11"
        assert host.full_version == "3.11.9+"


def test_unfinished_build_tree(tmp_path: Path) -> None:
    write(tmp_path / "pybuilddir.txt", "build/lib.linux-aarch64-3.11")
    error = fault_of(tmp_path)
    assert "the build tree" in error.message and "make" in error.hint


def test_lone_configuration_needs_headers_from_somewhere(tmp_path: Path) -> None:
    config = config_of("arm-linux-gnueabihf")
    lone = write(tmp_path / "_sysconfigdata__linux_arm-linux-gnueabihf.py", config_text(config))
    assert "--sysroot" in fault_of(lone).hint
    root = tmp_path / "root"
    for name in ("Python.h", "pyconfig.h"):
        write(root / "usr/include/python3.11" / name, "")
    host = read_host_python(lone, sysroot=root)
    assert host.layout == "sysconfigdata file"
    assert host.include_dirs == (root / "usr/include/python3.11",)
    assert (host.executable, host.full_version) == (None, "")
    assert (host.identity, host.machine, host.libc.family) == (makers.ARMHF, "armv7l", "glibc")
    assert read_host_python(lone, sysroot=root, machine="armv6l").machine == "armv6l"


def test_a_machine_that_nothing_tells(tmp_path: Path) -> None:
    tree = HostTree(prefix=tmp_path / "usr", changes={"MULTIARCH": None, "HOST_GNU_TYPE": None}).make()
    assert read_host_python(tree.prefix).multiarch == ""
    tree.program.unlink()
    assert "cannot tell the target's machine" in fault_of(tree.prefix).message


def test_the_machine_comes_from_libpython_or_a_module_without_an_interpreter(tree: HostTree) -> None:
    tree.program.unlink()
    module = write(tree.stdlib / "lib-dynload/_ssl.so", elf_bytes(makers.S390X))
    assert "s390x" in fault_of(tree.prefix).message
    write(tree.prefix / "lib/libpython3.11.so.1.0", elf_bytes(makers.AARCH64))
    assert read_host_python(tree.prefix).identity == makers.AARCH64
    module.unlink()
    assert read_host_python(tree.prefix).executable is None


def test_an_unknown_machine_is_asked_for(tmp_path: Path) -> None:
    tree = HostTree(prefix=tmp_path / "usr", triplet="sparc64-linux-gnu", identity=makers.SPARC64).make()
    write(tree.data, config_text({**tree.config(), "SIZEOF_VOID_P": 8}))
    error = fault_of(tree.prefix)
    assert "ELF machine 43, 64-bit, big-endian" in error.message and "--machine" in error.hint
    assert read_host_python(tree.prefix, machine="sparc64").machine == "sparc64"


# Facts that exclude each other.


@pytest.mark.parametrize(
    ("tree", "facts"),
    [
        ({"changes": {"SIZEOF_VOID_P": 4}}, ["is 64-bit", "SIZEOF_VOID_P is 4"]),
        ({"identity": makers.X86_64}, ["python3.11 is for x86_64", "MULTIARCH is 'aarch64-linux-gnu'"]),
        (
            {"changes": {"HOST_GNU_TYPE": "s390x-ibm-linux-gnu"}},
            ["is for aarch64", "HOST_GNU_TYPE is 's390x-ibm"],
        ),
        (
            {"changes": {"EXT_SUFFIX": ".cpython-311-arm.so"}},
            ["EXT_SUFFIX is '.cpython-311-arm.so'", "SOABI is"],
        ),
        ({"changes": {"VERSION": "3.12"}}, ["SOABI is 'cpython-311-", "VERSION is '3.12'"]),
        ({"changes": {"ABIFLAGS": "d", "Py_DEBUG": 1}}, ["SOABI is 'cpython-311-", "the ABI flags are 'd'"]),
        ({"changes": {"Py_DEBUG": 1}}, ["Py_DEBUG is 1", "the ABI flags are ''"]),
        ({"changes": {"Py_GIL_DISABLED": 1}}, ["Py_GIL_DISABLED is 1", "the ABI flags are ''"]),
        (
            {"flags": "t", "changes": {"Py_GIL_DISABLED": 0}},
            ["Py_GIL_DISABLED is 0", "the ABI flags are 't'"],
        ),
        ({"changes": {"WORDS_BIGENDIAN": 1}}, ["is little-endian", "WORDS_BIGENDIAN is 1"]),
        (
            {"identity": makers.ARMEL, "triplet": "arm-linux-gnueabihf"},
            ["is for armv5tel", "MULTIARCH is 'arm-linux-gnueabihf'"],
        ),
    ],
)
def test_contradictions_name_both_facts(tmp_path: Path, tree: dict[str, object], facts: list[str]) -> None:
    made = HostTree(prefix=tmp_path / "usr", **tree).make()  # type: ignore[arg-type]
    error = fault_of(made.prefix)
    assert "contradicts itself" in error.message
    for fact in facts:
        assert fact in error.message
    assert "--host-python" in error.hint


def test_directory_and_headers_of_another_version(tree: HostTree) -> None:
    write(tree.include / "patchlevel.h", makers.patchlevel("3.12.1"))
    error = fault_of(tree.prefix)
    assert f"{tree.include / 'patchlevel.h'} says 3.12.1 but VERSION is '3.11'" in error.message
    tree.stdlib.rename(tree.stdlib.with_name("python3.12"))
    error = fault_of(tree.prefix)
    assert "lib/python3.12 but VERSION is '3.11'" in error.message
    assert "; " in error.message, "all contradictions at once"


@pytest.mark.parametrize(
    ("triplet", "gnu_type", "elf"),
    [
        ("i386-linux-gnu", "x86_64-pc-linux-gnu", elf_identity_of(3, 32, "little")),
        ("arm-linux-gnueabihf", "armv8l-unknown-linux-gnueabihf", makers.ARMHF),
        ("arm-linux-gnueabi", "arm-unknown-linux-gnueabi", makers.ARMEL),
        ("riscv64-linux-gnu", "riscv64-unknown-linux-gnu", makers.RISCV64),
        ("s390x-linux-gnu", "s390x-ibm-linux-gnu", makers.S390X),
    ],
)
def test_machines_that_go_by_several_names(tmp_path: Path, triplet: str, gnu_type: str, elf: Identity) -> None:
    tree = HostTree(prefix=tmp_path / "usr", triplet=triplet, identity=elf, changes={"HOST_GNU_TYPE": gnu_type}).make()
    assert read_host_python(tree.prefix).identity == elf


@pytest.mark.parametrize("size", [0, 3, 20, 63, 64, 100, 200])
def test_a_damaged_interpreter_is_one_line(tree: HostTree, size: int) -> None:
    tree.program.write_bytes(tree.program.read_bytes()[:size])
    assert str(tree.program) in fault_of(tree.program).message


# The C library.


def test_glibc_version_is_what_the_library_says(tree: HostTree) -> None:
    root = tree.prefix.parent
    write(root / "usr/include/features.h", "#define\t__GLIBC__\t2\n#define\t__GLIBC_MINOR__\t31\n")
    assert read_host_python(tree.prefix).libc.version == "2.31"
    versions = ["GLIBC_2.17", "GLIBC_2.9", "GLIBC_2.36", "GLIBC_2.4", "GLIBC_PRIVATE"]
    library = write(root / "lib/aarch64-linux-gnu/libc.so.6", elf_bytes(versions=versions))
    assert read_host_python(tree.prefix).libc.version == "2.36"
    banner = b"GNU C Library (Debian GLIBC 2.37-13) stable release version 2.37.\nCopyright (C)"
    library.write_bytes(elf_bytes(versions=versions) + banner)
    assert read_host_python(tree.prefix).libc.version == "2.37", "which defined no symbol version of its own"
    library.write_bytes(elf_bytes(makers.X86_64, versions=["GLIBC_2.99"]) + banner)
    assert read_host_python(tree.prefix).libc.version == "2.31"
    library.write_bytes(elf_bytes(versions=versions)[:150])
    assert read_host_python(tree.prefix).libc.version == "2.31"


def test_musl(tmp_path: Path) -> None:
    """Older CPythons say "gnu" on musl: the interpreter's loader knows better."""
    tree = HostTree(prefix=tmp_path / "usr", loader=makers.MUSL_LOADER).make()
    host = read_host_python(tree.prefix)
    assert (host.libc.family, host.libc.version) == ("musl", "")
    write(tmp_path / "lib/ld-musl-aarch64.so.1", elf_bytes() + b"\0libc\0001.2.4\0ldd\0")
    assert read_host_python(tree.prefix).libc.version == "1.2.4"


@pytest.mark.parametrize(("needed", "family"), [("libc.so.6", "glibc"), ("libc.musl-aarch64.so.1", "musl")])
def test_c_library_of_a_libpython(tree: HostTree, needed: str, family: str) -> None:
    tree.program.unlink()
    write(tree.prefix / "lib/libpython3.11.so", elf_bytes(needed=[needed]))
    assert read_host_python(tree.prefix).libc.family == family


def test_another_c_library(tmp_path: Path) -> None:
    tree = HostTree(prefix=tmp_path / "usr", loader="/lib/ld-uClibc.so.0").make()
    assert "neither glibc nor musl" in fault_of(tree.prefix).message


# ELF files and triplets.


def test_elf_facts(tmp_path: Path) -> None:
    for elf in (makers.AARCH64, makers.ARMHF, makers.S390X):
        data = elf_bytes(elf, interpreter="/lib/ld", needed=["liba.so", "libc.so.6"], soname="x", versions=["V_1"])
        facts = read_elf(write(tmp_path / "x", data))
        assert facts.identity == elf
        assert (facts.interpreter, facts.needed, facts.soname) == ("/lib/ld", ("liba.so", "libc.so.6"), "x")
        assert facts.version_definitions == ("V_1",)


@pytest.mark.parametrize(
    ("flags", "vfp_args", "hard"),
    [
        (0x05000400, None, True),
        (0x05000200, None, False),
        (0x05000000, 1, True),
        (0x05000000, 0, False),
        (0, None, False),
    ],
)
def test_float_abi_of_arm_files(tmp_path: Path, flags: int, vfp_args: int | None, hard: bool) -> None:
    """Objects have it in their attributes, linked files in their flags."""
    data = elf_bytes(makers.ARMEL, flags=flags, arm_vfp_args=vfp_args)
    assert elf_identity(write(tmp_path / "x.o", data)) == (makers.ARMHF if hard else makers.ARMEL)


def test_damaged_elf_files_are_elf_errors(tmp_path: Path) -> None:
    whole = elf_bytes(
        makers.ARMEL,
        interpreter="/lib/ld",
        needed=["libc.so.6"],
        soname="x",
        versions=["V_1", "V_2"],
        arm_vfp_args=1,
    )
    dice = random.Random(7)
    for turn in range(400):
        bad = bytearray(whole)
        for _ in range(3):
            bad[dice.randrange(4, len(bad))] = dice.choice((0, 1, 0x7F, 0xFF, dice.randrange(256)))
        file = write(tmp_path / "x", bytes(bad[: dice.randrange(len(bad))] if turn % 2 else bad))
        try:
            read_elf(file)
        except ElfError as error:
            assert str(file) in str(error)


@pytest.mark.parametrize(
    ("triplet", "machine", "libc"),
    [
        ("aarch64-unknown-linux-gnu", 183, "glibc"),
        ("armv7l-unknown-linux-musleabihf", 40, "musl"),
        ("powerpc64le-linux-gnu", 21, "glibc"),
        ("i686-pc-linux-gnu", 3, "glibc"),
        ("mips64el-linux-gnuabi64", 8, "glibc"),
        ("x86_64-alpine-linux-musl", 62, "musl"),
        ("aarch64_be-linux-gnu", None, "glibc"),
        ("armeb-linux-gnueabi", None, "glibc"),
        ("aarch64-linux-android", 183, ""),
    ],
)
def test_triplets(triplet: str, machine: int | None, libc: str) -> None:
    elf = identity_of_triplet(triplet)
    assert (elf.number if elf else None) == machine
    assert libc_of_triplet(triplet) == libc


def test_usual_triplets_name_their_machine() -> None:
    for elf in (makers.AARCH64, makers.ARMHF, makers.ARMEL, makers.S390X, makers.RISCV64):
        assert identity_of_triplet(gnu_triplet(elf, "glibc")) == elf
    assert gnu_triplet(makers.ARMHF, "musl") == "arm-linux-musleabihf"


# The real thing.


@pytest.mark.integration
def test_the_running_python_is_read_as_it_reports_itself() -> None:
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        pytest.skip("needs the headers of the Python that runs the tests")
    host = read_host_python(Path(sys.base_prefix, "bin", f"python{sysconfig.get_config_var('LDVERSION')}"))
    assert host.version == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert host.full_version == sys.version.split()[0]
    assert host.abi_flags == sys.abiflags
    assert host.ext_suffix == sysconfig.get_config_var("EXT_SUFFIX")
    assert host.multiarch == getattr(sys.implementation, "_multiarch", "")
    assert host.machine == os.uname().machine


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "machine", "version", "glibc"),
    [
        ("bookworm-arm64", "aarch64", "3.11", "2.36"),
        ("bookworm-armhf", "armv7l", "3.11", "2.36"),
        ("bookworm-s390x", "s390x", "3.11", "2.36"),
        ("trixie-riscv64", "riscv64", "3.13", "2.41"),
    ],
)
def test_debian_hosts(debian_root: Path, name: str, machine: str, version: str, glibc: str) -> None:
    host = read_host_python(debian_root)
    assert (host.machine, host.version) == (machine, version)
    assert host.full_version.startswith(f"{version}.")
    assert (host.libc.family, host.libc.version) == ("glibc", glibc)
    assert host.sysroot == debian_root
    assert host.include_dirs == (
        debian_root / f"usr/include/python{version}",
        debian_root / f"usr/include/{host.multiarch}/python{version}",
    )
    assert host.host_executable == f"/usr/bin/python{version}"
    assert host.ext_suffix == f".cpython-{version.replace('.', '')}-{host.multiarch}.so"


@pytest.fixture
def debian_root(name: str) -> Path:
    return makers.debian_sysroot(name)


def test_an_alpha_says_so_in_every_form(tmp_path: Path) -> None:
    tree = HostTree(prefix=tmp_path / "usr", version="3.16").make()
    write(tree.include / "patchlevel.h", makers.patchlevel("3.16.0a2+"))
    host = read_host_python(tree.prefix)
    assert (host.version, host.full_version) == ("3.16", "3.16.0a2+")
    details = build_details(host, headers=tree.include, pkgconfig=None)
    assert details is not None
    version = {"major": 3, "minor": 16, "micro": 0, "releaselevel": "alpha", "serial": 2}
    assert details["language"] == {"version": "3.16", "version_info": version}
    assert details["implementation"]["hexversion"] == 0x031000A2

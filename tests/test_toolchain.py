"""Choosing a toolchain: what is taken, what is refused, and what users are told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

import makers
from crossenv.compilers.find import find_toolchain
from crossenv.compilers.launchers import launcher_name, launcher_text
from crossenv.compilers.model import Toolchain
from crossenv.errors import ToolchainError
from crossenv.platforms import Libc
from crossenv.platforms.architectures import Identity
from crossenv.pythons.model import HostPython
from crossenv.pythons.read import read_host_python
from makers import HostTree, calls_of, elf_bytes, make_compiler, make_program, make_tools, write

TRIPLET = "aarch64-linux-gnu"


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """The only directory on PATH."""
    return tmp_path / "bin"


@pytest.fixture
def host(tmp_path: Path) -> HostPython:
    """An aarch64 host without a sysroot."""
    return host_of(tmp_path)


def host_of(tmp_path: Path, **options: object) -> HostPython:
    tree = HostTree(prefix=tmp_path / "host", recorded="/opt/python", **options)  # type: ignore[arg-type]
    return read_host_python(tree.make().prefix)


def recorded(tmp_path: Path, cc: str, **others: str) -> HostPython:
    return host_of(tmp_path, changes={"CC": cc, **others})


def find(
    host: HostPython, tools: Path, *, sysroot: Path | None = None, overrides: Mapping[str, str] | None = None
) -> Toolchain:
    return find_toolchain(host, environ_path=str(tools), sysroot=sysroot, overrides=overrides or {})


def fault_of(
    host: HostPython, tools: Path, *, sysroot: Path | None = None, overrides: Mapping[str, str] | None = None
) -> ToolchainError:
    """The error that a user sees for a toolchain that does not fit."""
    with pytest.raises(ToolchainError) as caught:
        find(host, tools, sysroot=sysroot, overrides=overrides)
    error = caught.value
    assert error.exit_code == 4
    assert error.message and "\n" not in error.message
    assert error.hint and "\n" not in error.hint
    return error


def cross_tools(tools: Path, prefix: str = f"{TRIPLET}-") -> None:
    """Binutils as a cross package installs them."""
    make_tools(
        tools,
        *(f"{prefix}{name}" for name in ("ar", "ranlib", "strip", "nm", "objcopy", "objdump", "readelf")),
    )


# Which C compiler.


def test_a_cross_gcc_on_path(host: HostPython, tools: Path) -> None:
    gcc = make_compiler(tools / f"{TRIPLET}-gcc")
    gxx = make_compiler(tools / f"{TRIPLET}-g++")
    cross_tools(tools)
    found = find(host, tools)
    assert (found.family, found.version, found.triplet) == ("gcc", "12.2.0", TRIPLET)
    assert (found.cc.path, found.cc.args, found.cc.origin) == (gcc, (), "recorded by the host Python")
    assert found.cxx is not None and found.cxx.path == gxx
    assert found.fc is None
    assert found.identity == host.identity
    assert (found.sysroot, found.library_dirs, found.notes) == (None, (), ())
    assert found.macros["__LDBL_MANT_DIG__"] == "113"
    assert sorted(found.binutils) == ["ar", "nm", "objcopy", "objdump", "ranlib", "readelf", "strip"]
    assert len(calls_of(gcc)) == 3, "one compilation, one look at the macros, one at Python.h"


def test_the_recorded_compiler_by_its_path_then_by_its_name(tmp_path: Path, tools: Path) -> None:
    cross_tools(tools)
    away = make_compiler(tmp_path / "sdk/bin/my-gcc")
    here = make_compiler(tools / "my-gcc")
    host = recorded(tmp_path, f"{away} -pthread")
    assert find(host, tools).cc.path == away
    away.unlink()
    assert find(host, tools).cc.path == here


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("my-gcc -pthread -O2 -Wall", ()),
        (
            "ccache my-gcc -march=armv8-a+crc -mcpu=cortex-a72 -fPIC",
            ("-march=armv8-a+crc", "-mcpu=cortex-a72"),
        ),
        (
            "distcc ccache my-gcc -mfloat-abi=hard -mfpu=neon -mabi=lp64",
            ("-mfloat-abi=hard", "-mfpu=neon", "-mabi=lp64"),
        ),
        ("my-gcc -target aarch64-linux-gnu --sysroot=/yocto", ("--target=aarch64-linux-gnu",)),
        ("my-gcc -m32 --target=i686-linux-gnu -DX=-m64", ("-m32", "--target=i686-linux-gnu")),
    ],
)
def test_of_a_recorded_command_only_the_machine_counts(
    tmp_path: Path, tools: Path, command: str, args: tuple[str, ...]
) -> None:
    cross_tools(tools)
    make_compiler(tools / "my-gcc")
    make_program(tools / "ccache")
    found = find(recorded(tmp_path, command), tools).cc
    assert (found.path.name, found.args) == ("my-gcc", args)


@pytest.mark.parametrize("name", [f"{TRIPLET}-gcc", "aarch64-unknown-linux-gnu-gcc", "aarch64-none-linux-gnu-gcc"])
def test_a_compiler_that_the_host_did_not_record(tmp_path: Path, tools: Path, name: str) -> None:
    cross_tools(tools)
    native = make_compiler(tools / "gcc", identity=makers.X86_64)
    make_compiler(tools / name)
    found = find(recorded(tmp_path, str(native)), tools)
    assert (found.cc.path, found.cc.origin) == (tools / name, f"{name} on PATH")
    assert found.triplet == name.removesuffix("-gcc")
    assert len(calls_of(native)) == 1, "it was tried once, and refused for what it makes"


def test_versioned_names_newest_first(host: HostPython, tools: Path) -> None:
    cross_tools(tools)
    for version in ("9", "12", "13-posix", "10.2"):
        make_compiler(tools / f"{TRIPLET}-gcc-{version}")
    gxx = make_compiler(tools / f"{TRIPLET}-g++-12")
    found = find(host, tools)
    assert found.cc.path.name == f"{TRIPLET}-gcc-12"
    assert found.cxx is not None and found.cxx.path == gxx
    assert found.triplet == TRIPLET


def test_clang_for_a_triplet(host: HostPython, tools: Path) -> None:
    make_compiler(tools / "clang", macros=makers.CLANG_17, says="aarch64-unknown-linux-gnu")
    make_compiler(tools / "clang++", macros=makers.CLANG_17)
    make_tools(tools, "llvm-ar", "llvm-strip", "ld.lld", "ar", "strip", "objcopy")
    found = find(host, tools)
    assert (found.family, found.version) == ("clang", "17.0.6")
    assert found.cc.args == (f"--target={TRIPLET}",)
    assert found.cxx is not None and found.cxx.args == (f"--target={TRIPLET}",)
    assert found.triplet == "aarch64-unknown-linux-gnu"
    names = {name: tool.path.name for name, tool in found.binutils.items()}
    assert names == {"ar": "llvm-ar", "strip": "llvm-strip", "ld": "ld.lld"}


def test_no_compiler_tells_what_was_tried(tmp_path: Path, tools: Path) -> None:
    make_compiler(tools / "gcc", identity=makers.X86_64)
    error = fault_of(recorded(tmp_path, "gcc -pthread"), tools)
    assert error.message.startswith(
        "no C compiler for aarch64 (aarch64-linux-gnu): "
        "gcc: it makes x86_64 objects, and the host Python is aarch64; not found: aarch64-linux-gnu-gcc, "
        "aarch64-linux-gnu-clang, aarch64-unknown-linux-gnu-gcc, aarch64-unknown-linux-gnu-clang and 3 more"
    )
    assert "install gcc-aarch64-linux-gnu (apt)" in error.hint and "--cc" in error.hint


def test_a_compiler_that_does_not_work_is_passed_over(tmp_path: Path, tools: Path) -> None:
    write(tools / "gcc", "#!/bin/sh\necho 'gcc: fatal error: cannot execute cc1' >&2\nexit 1\n", mode=0o755)
    write(tools / f"{TRIPLET}-gcc", "#!/bin/sh\n", mode=0o755)
    write(tools / f"{TRIPLET}-clang", b"\x7fELF", mode=0o755)
    error = fault_of(recorded(tmp_path, "gcc"), tools)
    assert "gcc: it does not compile (gcc: fatal error: cannot execute cc1)" in error.message
    assert f"{TRIPLET}-gcc: it does not compile (made no native object)" in error.message
    assert f"{TRIPLET}-clang: it does not compile (Exec format error)" in error.message


def test_a_compiler_that_never_ends(
    tmp_path: Path, host: HostPython, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossenv.compilers.run._TIMEOUT_SECONDS", 0.2)
    write(tools / f"{TRIPLET}-gcc", f"#!/bin/sh\nexec {shutil.which('sleep')} 20\n", mode=0o755)
    assert "no answer in" in fault_of(host, tools).message


def test_nothing_of_the_users_environment_reaches_a_compiler(
    host: HostPython, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CPATH", "LIBRARY_PATH", "CFLAGS", "GCC_EXEC_PREFIX", "LANG"):
        monkeypatch.setenv(name, "of this machine")
    gcc = make_compiler(tools / f"{TRIPLET}-gcc")
    check = '[ -z "$CPATH$LIBRARY_PATH$CFLAGS$GCC_EXEC_PREFIX$LANG" ] || exit 1\n'
    write(gcc, gcc.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\n{check}"))
    cross_tools(tools)
    assert find(host, tools).cc.path == gcc


# The float ABI of ARM, which a header does not tell for objects.


@pytest.mark.parametrize(("vfp_args", "fits"), [(1, True), (0, False)])
def test_arm_float_abi(tmp_path: Path, tools: Path, vfp_args: int, fits: bool) -> None:
    host = host_of(tmp_path, triplet="arm-linux-gnueabihf", identity=makers.ARMHF, loader="/lib/ld-linux-armhf.so.3")
    made = elf_bytes(makers.ARMEL, flags=0x05000000, arm_vfp_args=vfp_args)
    gcc = make_compiler(tools / "arm-linux-gnueabihf-gcc", made=made)
    cross_tools(tools, "arm-linux-gnueabihf-")
    if fits:
        assert find(host, tools).cc.path == gcc
    else:
        error = fault_of(host, tools)
        assert "it makes armv5tel objects, and the host Python is armv7l" in error.message
        assert "gcc-arm-linux-gnueabihf" in error.hint


# What users name.


def test_a_users_compiler_with_arguments(tmp_path: Path, host: HostPython, tools: Path) -> None:
    make_compiler(tools / f"{TRIPLET}-gcc")
    mine = make_compiler(tmp_path / "my tools/mine-gcc-12")
    gxx = make_compiler(tmp_path / "my tools/mine-g++-12")
    cross_tools(tools)
    for text in (f"'{mine}' -mcpu=cortex-a72 -g0", str(mine)):
        found = find(host, tools, overrides={"cc": text})
        args = ("-mcpu=cortex-a72", "-g0") if "'" in text else ()
        assert (found.cc.path, found.cc.args, found.cc.origin) == (mine, args, "--cc")
        assert found.cxx is not None and (found.cxx.path, found.cxx.args) == (gxx, args)
        assert found.triplet == TRIPLET


def test_a_users_compiler_behind_ccache(host: HostPython, tools: Path) -> None:
    gcc, gxx = make_compiler(tools / f"{TRIPLET}-gcc"), make_compiler(tools / f"{TRIPLET}-g++")
    ccache = write(tools / "ccache", '#!/bin/sh\nexec "$@"\n', mode=0o755)
    cross_tools(tools)
    found = find(host, tools, overrides={"cc": f"ccache {TRIPLET}-gcc -O1"})
    assert (found.cc.path, found.cc.args) == (ccache, (str(gcc), "-O1"))
    assert found.cxx is not None and (found.cxx.path, found.cxx.args) == (ccache, (str(gxx), "-O1"))
    assert (found.triplet, found.binutils["strip"].path) == (TRIPLET, tools / f"{TRIPLET}-strip")


@pytest.mark.parametrize("option", ["cc", "cxx", "fc"])
def test_a_users_compiler_for_another_machine(host: HostPython, tools: Path, option: str) -> None:
    make_compiler(tools / f"{TRIPLET}-gcc")
    make_compiler(tools / "theirs", identity=makers.X86_64)
    cross_tools(tools)
    error = fault_of(host, tools, overrides={option: "theirs"})
    expected = f"--{option} theirs cannot be used: it makes x86_64 objects, and the host Python is aarch64"
    assert error.message == expected
    package = {"cc": "gcc", "cxx": "g++", "fc": "gfortran"}[option]
    assert f"install {package}-aarch64-linux-gnu (apt)" in error.hint and f"--{option}" in error.hint


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("cc", "nowhere-gcc", "--cc: nowhere-gcc is not an executable file or a name on PATH"),
        ("cc", "/nowhere/gcc", "--cc: /nowhere/gcc is not an executable file or a name on PATH"),
        ("cc", "gcc 'x", "cannot split --cc"),
        ("cc", " ", "--cc is empty"),
        ("cxx", "nowhere-g++", "--cxx: nowhere-g++ is not an executable file"),
        ("fc", "nowhere", "--fc: nowhere is not an executable file"),
        ("ar", "nowhere-ar", "--ar: nowhere-ar is not an executable file"),
        ("strip", "", "--strip is empty"),
        ("objcpy", "x", "there is no tool 'objcpy' in a toolchain"),
    ],
)
def test_what_users_get_wrong(host: HostPython, tools: Path, option: str, text: str, message: str) -> None:
    make_compiler(tools / f"{TRIPLET}-gcc")
    cross_tools(tools)
    error = fault_of(host, tools, overrides={option: text})
    assert message in error.message
    if option == "objcpy":
        assert error.hint == "did you mean 'objcopy'?"


# C++ and Fortran.


def test_the_recorded_cpp_compiler_goes_with_the_recorded_c_compiler(tmp_path: Path, tools: Path) -> None:
    for name in ("my-gcc", "my-g++", "other-g++"):
        make_compiler(tools / name)
    cross_tools(tools)
    host = recorded(tmp_path, "my-gcc", CXX="other-g++ -pthread -march=armv8-a")
    first = find(host, tools).cxx
    assert first is not None and (first.path.name, first.args) == ("other-g++", ("-march=armv8-a",))
    own = find(host, tools, overrides={"cc": "my-gcc"}).cxx
    assert own is not None and own.path.name == "my-g++"


def test_no_cpp_compiler_is_a_note(host: HostPython, tools: Path) -> None:
    make_compiler(tools / f"{TRIPLET}-gcc")
    make_compiler(tools / f"{TRIPLET}-g++", identity=makers.X86_64)
    make_compiler(tools / f"{TRIPLET}-gfortran")
    cross_tools(tools)
    found = find(host, tools)
    assert found.cxx is None
    assert found.fc is not None and found.fc.path.name == f"{TRIPLET}-gfortran"
    (note,) = found.notes
    assert "no C++ compiler was found" in note and "makes x86_64 objects" in note and "--cxx" in note


# Binutils.


def test_binutils_of_a_foreign_host_are_its_own(host: HostPython, tools: Path) -> None:
    make_compiler(tools / f"{TRIPLET}-gcc")
    make_tools(tools, "ar", "ranlib", "strip", "nm", "objcopy", "objdump", "readelf", "ld")
    make_tools(tools, f"{TRIPLET}-nm", f"{TRIPLET}-gcc-ranlib")
    found = {name: tool.path.name for name, tool in find(host, tools).binutils.items()}
    assert found == {
        "ar": "ar",
        "ranlib": f"{TRIPLET}-gcc-ranlib",
        "nm": f"{TRIPLET}-nm",
        "readelf": "readelf",
    }, "a foreign strip destroys files: better none"


def test_binutils_order(tmp_path: Path, host: HostPython, tools: Path) -> None:
    compiler = make_compiler(tmp_path / f"sdk/{TRIPLET}-gcc")
    make_tools(tools, f"{TRIPLET}-gcc-ar", f"{TRIPLET}-strip", "mystrip")
    make_tools(compiler.parent, f"{TRIPLET}-strip", f"{TRIPLET}-ar")
    overrides = {"cc": str(compiler)}
    found = find(host, tools, overrides=overrides).binutils
    assert found["strip"].path == compiler.with_name(f"{TRIPLET}-strip")
    assert (found["ar"].path.name, found["ar"].origin) == (f"{TRIPLET}-gcc-ar", "recorded by the host Python")
    mine = find(host, tools, overrides={**overrides, "strip": "mystrip -S"}).binutils["strip"]
    assert (mine.path, mine.args, mine.origin) == (tools / "mystrip", ("-S",), "--strip")


def test_plain_tools_beside_a_plain_compiler(tmp_path: Path, tools: Path) -> None:
    """A toolchain in its own directory need not have a prefix; neither has the machine's own."""
    sdk = tmp_path / "sdk"
    make_compiler(sdk / "gcc", says="aarch64-buildroot-linux-gnu")
    make_tools(sdk, "ar", "strip")
    make_tools(tools, "objcopy", "strip")
    found = find(recorded(tmp_path, "gcc"), tools, overrides={"cc": str(sdk / "gcc")})
    assert found.triplet == "aarch64-buildroot-linux-gnu"
    assert found.binutils["strip"].path == sdk / "strip"
    assert "objcopy" not in found.binutils


def test_no_ar(host: HostPython, tools: Path) -> None:
    make_compiler(tools / f"{TRIPLET}-gcc")
    error = fault_of(host, tools)
    assert "no ar for aarch64-linux-gnu" in error.message and "--ar" in error.hint


# The sysroot.


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A sysroot with a C library to link against."""
    write(tmp_path / "root/usr/lib/aarch64-linux-gnu/libc.so", "INPUT(libc.so.6)")
    (tmp_path / "root/lib").symlink_to("usr/lib")
    return tmp_path / "root"


def test_the_sysroots_libraries_come_first(host: HostPython, tools: Path, root: Path) -> None:
    gcc = make_compiler(tools / f"{TRIPLET}-gcc")
    cross_tools(tools)
    # An absolute link of the host's would lead to this machine's libraries.
    (root / "lib64").symlink_to("/usr/lib")
    found = find(host, tools, sysroot=root)
    assert found.sysroot == root
    assert found.library_dirs == (root / "usr/lib/aarch64-linux-gnu", root / "usr/lib")
    (link,) = [call for call in calls_of(gcc) if "-shared" in call]
    assert f"--sysroot={root} -L{root}/usr/lib/aarch64-linux-gnu -L{root}/usr/lib" in link
    of_host = find(replace(host, sysroot=root), tools)
    assert (of_host.sysroot, of_host.library_dirs) == (root, found.library_dirs)


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("ld: cannot find libc.so.6 inside the root", "install libc6-dev"),
        ("ld: undefined reference to `__isoc23_strtol`", "headers are newer"),
        ("ld: unrecognised emulation mode: elf64lppc", "-fuse-ld=lld"),
        ("ld: cannot find -lgcc: No such file or directory", "libgcc"),
    ],
)
def test_a_sysroot_that_does_not_link(host: HostPython, tools: Path, root: Path, said: str, hint: str) -> None:
    lines = f"warning: nothing to see\n{said}\nclang: error: linker command failed with exit code 1"
    make_compiler(tools / f"{TRIPLET}-gcc", link_fault=lines)
    cross_tools(tools)
    error = fault_of(host, tools, sysroot=root)
    assert error.message.endswith(f"cannot link against the sysroot {root}: {said}")
    assert hint in error.hint


def test_a_complaint_names_the_compiler_behind_a_wrapper(host: HostPython, tools: Path, root: Path) -> None:
    make_compiler(tools / f"{TRIPLET}-gcc", link_fault="ld: error")
    wrapper = write(tools / "distcc", '#!/bin/sh\nexec "$@"\n', mode=0o755)
    error = fault_of(host, tools, sysroot=root, overrides={"cc": f"{wrapper} {TRIPLET}-gcc"})
    assert error.message.startswith(f"{TRIPLET}-gcc cannot link against the sysroot")


def test_a_sysroot_without_a_c_library_is_not_linked_against(host: HostPython, tools: Path, root: Path) -> None:
    gcc = make_compiler(tools / f"{TRIPLET}-gcc", link_fault="no")
    cross_tools(tools)
    (root / "usr/lib/aarch64-linux-gnu/libc.so").unlink()
    assert find(host, tools, sysroot=root).sysroot == root
    assert not [call for call in calls_of(gcc) if "-shared" in call]


def test_a_sysroot_without_headers(host: HostPython, tools: Path, root: Path) -> None:
    """One that was only found is left alone; one that the user named is an error."""
    make_compiler(tools / f"{TRIPLET}-gcc", headers="own")
    cross_tools(tools)
    found = find(replace(host, sysroot=root), tools)
    assert found.sysroot is None and found.library_dirs == ()
    assert any(f"{root} has no C headers" in note for note in found.notes)
    error = fault_of(host, tools, sysroot=root)
    assert f"it finds no C headers in the sysroot {root} ({makers.NO_HEADERS})" in error.message


def test_a_compiler_without_headers(host: HostPython, tools: Path) -> None:
    make_compiler(tools / f"{TRIPLET}-gcc", headers="nowhere")
    cross_tools(tools)
    notes = find(host, tools).notes
    assert any("finds no C headers" in note and "--sysroot" in note for note in notes)


def test_no_such_sysroot(host: HostPython, tools: Path, tmp_path: Path) -> None:
    assert "is not a directory" in fault_of(host, tools, sysroot=tmp_path / "nowhere").message


@pytest.mark.parametrize(("library", "told"), [("2.31", True), ("2.36", False), ("2.41", False), ("", False)])
def test_headers_newer_than_the_library_are_noted(host: HostPython, tools: Path, library: str, told: bool) -> None:
    make_compiler(tools / f"{TRIPLET}-gcc")
    make_compiler(tools / f"{TRIPLET}-g++")
    cross_tools(tools)
    notes = find(replace(host, libc=Libc(family="glibc", version=library)), tools).notes
    assert len(notes) == told
    if told:
        assert "headers are glibc 2.36's, the target's library is 2.31" in notes[0]


def test_a_compiler_for_another_c_library(tmp_path: Path, tools: Path) -> None:
    host = replace(host_of(tmp_path, loader=makers.MUSL_LOADER), libc=Libc(family="musl", version=""))
    make_compiler(tools / f"{TRIPLET}-gcc")
    error = fault_of(host, tools)
    assert "its C headers are glibc's, and the target uses musl" in error.message
    assert "cross compiler for aarch64-linux-musl" in error.hint
    cross_tools(tools, "aarch64-linux-musl-")
    musl = {name: value for name, value in makers.GCC_12.items() if "GLIBC" not in name}
    make_compiler(tools / "aarch64-linux-musl-gcc", macros=musl)
    assert find(host, tools).triplet == "aarch64-linux-musl"


def test_something_that_is_no_compiler_of_a_known_family(host: HostPython, tools: Path) -> None:
    make_compiler(tools / "tcc", macros={"__TINYC__": "1"})
    assert "neither gcc nor clang" in fault_of(host, tools, overrides={"cc": "tcc"}).message


# The real thing.

CROSS = [
    (TRIPLET, makers.AARCH64, makers.GLIBC_LOADER),
    ("arm-linux-gnueabihf", makers.ARMHF, "/lib/ld-linux-armhf.so.3"),
    ("s390x-linux-gnu", makers.S390X, "/lib/ld64.so.1"),
]


@pytest.mark.integration
@pytest.mark.parametrize(("triplet", "elf", "loader"), CROSS, ids=[row[0] for row in CROSS])
def test_real_cross_compilers(tmp_path: Path, triplet: str, elf: Identity, loader: str) -> None:
    if shutil.which(f"{triplet}-gcc") is None:
        pytest.skip(f"needs {triplet}-gcc on PATH")
    host = host_of(tmp_path, triplet=triplet, identity=elf, loader=loader, changes={"CC": "gcc"})
    found = find_toolchain(host, environ_path=os.environ["PATH"], sysroot=None, overrides={})
    assert (found.family, found.triplet) == ("gcc", triplet)
    assert found.identity == elf
    assert {"ar", "ranlib", "strip", "nm", "objcopy", "objdump", "readelf", "ld"} <= set(found.binutils)
    assert all(tool.path.name.startswith(triplet) for tool in found.binutils.values())


@pytest.mark.integration
def test_a_real_compiler_without_hard_float(tmp_path: Path) -> None:
    if shutil.which("arm-linux-gnueabihf-gcc") is None:
        pytest.skip("needs arm-linux-gnueabihf-gcc on PATH")
    host = host_of(tmp_path, triplet="arm-linux-gnueabihf", identity=makers.ARMHF, loader="/lib/ld-linux-armhf.so.3")
    soft = {"cc": "arm-linux-gnueabihf-gcc -march=armv5te -mfloat-abi=soft"}
    with pytest.raises(ToolchainError, match="makes armv5tel objects, and the host Python is armv7l"):
        find_toolchain(host, environ_path=os.environ["PATH"], sysroot=None, overrides=soft)


@pytest.mark.integration
@pytest.mark.parametrize("name", ["bookworm-arm64", "bookworm-armhf", "bookworm-s390x"])
def test_debian_sysroots(name: str) -> None:
    root = makers.debian_sysroot(name)
    host = read_host_python(root)
    if shutil.which(f"{host.multiarch}-gcc") is None:
        pytest.skip(f"needs {host.multiarch}-gcc on PATH")
    found = find_toolchain(host, environ_path=os.environ["PATH"], sysroot=None, overrides={})
    assert found.sysroot == root
    assert found.library_dirs[0] == root / f"usr/lib/{host.multiarch}"
    assert found.triplet == host.multiarch


WORDS = Path(__file__).parent.parent / "src/crossenv/shim/_crossenv/response_words.py"


@pytest.fixture
def launcher(tmp_path: Path) -> Callable[..., list[str]]:
    """Run the launcher of a compiler that prints its words."""
    says = write(tmp_path / "says", '#!/bin/sh\nfor word do printf "%s\\n" "$word"; done\n', mode=0o755)
    text = launcher_text("cc", says, [], [], multiarch="aarch64-linux-gnu", expander=(sys.executable, "-I", str(WORDS)))
    program = write(tmp_path / "a launcher", text, mode=0o755)

    def run(*words: str) -> list[str]:
        shown = subprocess.run([program, *words], capture_output=True, text=True, check=True, cwd=tmp_path).stdout
        return shown.splitlines()

    return run


OWN_DIRECTORIES = [
    *(["-I/usr/include"], ["-I/usr/local/include"], ["-I/usr/include/"], ["-L/usr/lib"], ["-L/lib64"]),
    *(["-I", "/usr/include"], ["-isystem", "/usr/include"], ["-isystem/usr/include"], ["-idirafter", "/usr/include"]),
    *(["-iquote/usr/local/include"], ["-L", "/usr/lib"], ["-L/usr/lib/x86_64-linux-gnu"]),
    *(["-I/usr/include/x86_64-linux-gnu"], ["-Wl,-L/usr/lib"], ["-Xlinker", "-L/usr/lib"]),
    *(["-Wl,-rpath-link,/usr/lib"], ["-Wl,-rpath-link=/lib"], ["-Wl,-rpath-link", "-Wl,/usr/lib"]),
    *(["-march=native"], ["-mcpu=native"], ["-mtune=native"]),
]
OTHERS = ["-I/usr/include/a b", "-L/usr/lib/aarch64-linux-gnu", '-DA="x y"', "-c", "a*.c", "", "-I", "inc", "-Xlinker",
          "-Map", "-Wl,-rpath,/usr/lib", "-I/usr/include/x86_64-linux-gnu/sub", "-I"]  # fmt: skip


@pytest.mark.parametrize("words", OWN_DIRECTORIES, ids=" ".join)
def test_a_compilers_launcher_leaves_this_machine_out(launcher: Callable[..., list[str]], words: list[str]) -> None:
    assert launcher(OTHERS[0], *words, *OTHERS[1:]) == OTHERS


@pytest.mark.parametrize("option", ["-I", "-isystem", "-iquote", "-idirafter"])
def test_headers_of_one_library_are_the_sysroots(tmp_path: Path, option: str) -> None:
    """`pg_config --includedir` of the build machine says /usr/include/postgresql."""
    says = write(tmp_path / "says", '#!/bin/sh\nfor word do printf "%s\\n" "$word"; done\n', mode=0o755)
    text = launcher_text("cc", says, [], [], sysroot=Path("/the root"))
    program = write(tmp_path / "launcher", text, mode=0o755)
    given = [f"{option}/usr/include/pg", option, "/usr/local/include/x", "-L/usr/lib/pg", "-I", "/usr/include"]
    shown = subprocess.run([program, *given], capture_output=True, text=True, check=True).stdout.splitlines()
    assert shown == [f"{option}/the root/usr/include/pg", option, "/the root/usr/local/include/x", "-L/usr/lib/pg"]


def test_of_several_linker_options_only_this_machines_go(launcher: Callable[..., list[str]]) -> None:
    given = "-Wl,--as-needed,-L/usr/lib,-rpath-link,/lib,-z,defs"
    assert launcher(given) == ["-Wl,--as-needed,-z,defs"]


def test_words_of_response_files_are_no_exception(launcher: Callable[..., list[str]], tmp_path: Path) -> None:
    write(tmp_path / "inner", "-isystem /usr/include 'a b.o'\n")
    write(tmp_path / "outer", '-shared "-DX=\\"y z\\"" @inner\n-L/usr/lib -o x.so')
    assert launcher("@outer", "@absent") == ["-shared", '-DX="y z"', "a b.o", "-o", "x.so", "@absent"]


@pytest.mark.parametrize(
    "wrapper",
    ["ccache", "env CROSSENV_TEST=1", "env -u CROSSENV_TEST nice", "unknown-wrapper"],
)
def test_a_compiler_behind_a_wrapper(host_prefix: Path, tmp_path: Path, wrapper: str) -> None:
    """Launchers are named for what they do: build systems look at the names, and two tools need two."""
    first = wrapper.split(maxsplit=1)[0]
    if first != "env":
        write(tmp_path / f"bin/{first}", '#!/bin/sh\nexec "$@"\n', mode=0o755)
    for name in ("gcc", "g++"):
        makers.make_compiler(tmp_path / f"bin/aarch64-linux-gnu-{name}")
    write(tmp_path / "bin/aarch64-linux-gnu-ar", "#!/bin/sh\n", mode=0o755)
    command = f"{wrapper} aarch64-linux-gnu-gcc"
    path = f"{tmp_path}/bin{os.pathsep}{os.defpath}"
    found = find_toolchain(read_host_python(host_prefix), environ_path=path, sysroot=None, overrides={"cc": command})
    assert found.cxx is not None
    assert launcher_name("cc", found, found.cc) == "aarch64-linux-gnu-gcc"
    assert launcher_name("cxx", found, found.cxx) == "aarch64-linux-gnu-g++"
    assert found.cxx.args[-1] == str(tmp_path / "bin/aarch64-linux-gnu-g++")


@pytest.mark.integration
def test_each_language_has_its_own_compiler(tmp_path: Path) -> None:
    """A real one: what compiles both as C++ is no C compiler."""
    if shutil.which("aarch64-linux-gnu-g++") is None:
        pytest.skip("needs aarch64-linux-gnu-g++")
    with pytest.raises(ToolchainError, match="does not compile"):
        find_toolchain(
            read_host_python(HostTree(prefix=tmp_path / "host").make().prefix),
            environ_path=os.environ["PATH"], sysroot=None, overrides={"cc": "env aarch64-linux-gnu-g++"},
        )  # fmt: skip

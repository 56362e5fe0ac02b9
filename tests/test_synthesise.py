"""A host Python made from the build Python: the parts, and the whole against Debian's real ones."""

from __future__ import annotations

import dataclasses
import filecmp
import json
import os
import re
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

import projects
from conftest import Run
from crossenv.compilers.find import find_toolchain
from crossenv.compilers.memory import Memory
from crossenv.compilers.model import Tool, Toolchain
from crossenv.environment.plan import Options, make_plan
from crossenv.environment.write import write_environment
from crossenv.errors import HostPythonError, ToolchainError
from crossenv.files import write_tree
from crossenv.platforms import LINUX, Libc
from crossenv.platforms.architectures import architecture_of
from crossenv.platforms.linux_targets import LinuxTarget
from crossenv.pythons.build_details import build_details_text, pkg_config_texts
from crossenv.pythons.build_python import find_build_python
from crossenv.pythons.model import HostPython
from crossenv.pythons.pyconfig import Macro, config_values, edit_pyconfig, parse_pyconfig
from crossenv.pythons.read import read_host_python
from crossenv.pythons.sysconfigdata import parse_sysconfigdata
from crossenv.synthesis.config import synthesised_config
from crossenv.synthesis.machine_macros import functions_to_ask, machine_macros
from crossenv.synthesis.probe_object import Answers, ask_compiler
from crossenv.synthesis.probe_source import CONDITIONS, EXPRESSIONS
from crossenv.synthesis.synthesise import read_build_facts, synthesise_host_python
from crossenv.targets import Target, parse_target
from makers import X86_64, HostTree, write

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
SUITES = {"bookworm": "3.11", "trixie": "3.13"}
GLIBC_OF = {"bookworm": (2, 36), "trixie": (2, 41)}
DEBIAN = {
    "arm64": "aarch64",
    "armhf": "armv7l",
    "i386": "i686",
    "ppc64el": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
}
DIFFERENCES = Path(__file__).parent / "data/synthesis-differences.json"
PAGE = Path(__file__).parents[1] / "docs/explanation/synthesis.md"

PYCONFIG = """\
/* pyconfig.h.  Generated from pyconfig.h.in by configure.  */
#ifndef Py_PYCONFIG_H
#define Py_PYCONFIG_H

/* Define if building universal (internal helper macro) */
/* #undef AC_APPLE_UNIVERSAL_BUILD */

/* The normal alignment of `long', in bytes. */
#define ALIGNOF_LONG 8

/* Define if C doubles are 64-bit IEEE 754 binary format, stored with the
   least significant byte first */
#define DOUBLE_IS_LITTLE_ENDIAN_IEEE754 1

/* Define if C doubles are 64-bit IEEE 754 binary format, stored with the most
   significant byte first */
/* #undef DOUBLE_IS_BIG_ENDIAN_IEEE754 */

/* Define to 1 if you have the `close_range' function. */
#define HAVE_CLOSE_RANGE 1

/* Define if you have the 'epoll' functions. */
#define HAVE_EPOLL 1

/* Define if you have the 'has_key' function. */
#define HAVE_CURSES_HAS_KEY 1

/* Define to 1 if you have the declaration of `RTLD_DEEPBIND', and to 0 if you
   don't. */
#define HAVE_DECL_RTLD_DEEPBIND 1

/* Define if we can use x64 gcc inline assembler */
#define HAVE_GCC_ASM_FOR_X64 1

/* Define to 1 if the getrandom() function is available */
#define HAVE_GETRANDOM 1

/* Define to 1 if you have the 'lchmod' function. */
/* #undef HAVE_LCHMOD */

/* Define to 1 if you have the 'strlcpy' function. */
/* #undef HAVE_STRLCPY */

/* Define to 1 if you have the <sys/ndir.h> header file, and it defines `DIR'.
   */
/* #undef HAVE_SYS_NDIR_H */

/* Define to 1 if you have the <stropts.h> header file. */
#define HAVE_STROPTS_H 1

/* Define to 1 if you have the <zlib.h> header file. */
#define HAVE_ZLIB_H 1

/* Define if you want documentation strings in extension modules */
#define WITH_DOC_STRINGS 1

/* Define if you have a useable wchar_t type */
/* #undef HAVE_USABLE_WCHAR_T */

#define PLATLIBDIR "lib"

/* The size of `void *', as computed by sizeof. */
#define SIZEOF_VOID_P 8

/* PEP 11 Support tier */
#define PY_SUPPORT_TIER 1

/* Define if you want to build an interpreter with many run-time checks. */
/* #undef Py_DEBUG */

/* Define to 1 if a shared library was built */
#define Py_ENABLE_SHARED 1

#ifndef _GNU_SOURCE
# define _GNU_SOURCE 1
#endif

#if defined AC_APPLE_UNIVERSAL_BUILD
# if defined __BIG_ENDIAN__
#  define WORDS_BIGENDIAN 1
# endif
#else
# ifndef WORDS_BIGENDIAN
/* #  undef WORDS_BIGENDIAN */
# endif
#endif

#endif /*Py_PYCONFIG_H*/
"""


def answers(target: Target, functions: set[str], **numbers: int) -> Answers:
    """What a compiler for `target` would say: everything there, unless told otherwise."""
    double = bytes.fromhex("433fff0102030405")
    asked = {name: 1 for name, macro in parse_pyconfig(PYCONFIG).items() if macro.header}
    return Answers(
        identity=target.identity,
        numbers={
            **dict.fromkeys((*EXPRESSIONS, *CONDITIONS), 0),
            **asked,
            **({"glibc_minor": 36} if target.libc == "glibc" else {}),
            **numbers,
        },
        double=double if target.identity.byte_order == "big" else double[::-1],
        functions=frozenset(functions),
    )


def changed(target: Target, said: Answers, *, same_libc: bool = True) -> dict[str, str | None]:
    macros = parse_pyconfig(PYCONFIG)
    text = edit_pyconfig(PYCONFIG, machine_macros(target, macros, said, same_libc=same_libc))
    return {name: macro.value for name, macro in parse_pyconfig(text).items() if macro.value != macros[name].value}


# pyconfig.h


def test_reading_pyconfig() -> None:
    macros = parse_pyconfig(PYCONFIG)
    assert macros["SIZEOF_VOID_P"] == Macro(
        name="SIZEOF_VOID_P", value="8", comment="The size of `void *', as computed by sizeof."
    )
    assert macros["SIZEOF_VOID_P"].sized_type == "void *"
    assert macros["ALIGNOF_LONG"].aligned_type == "long"
    assert macros["HAVE_CLOSE_RANGE"].function == "close_range"
    assert macros["HAVE_CURSES_HAS_KEY"].function == "has_key"
    assert macros["HAVE_EPOLL"].function == ""
    assert macros["HAVE_GETRANDOM"].function == "getrandom"
    assert macros["HAVE_ZLIB_H"].header == "zlib.h"
    assert macros["HAVE_SYS_NDIR_H"].header == ""
    assert macros["HAVE_DECL_RTLD_DEEPBIND"].declaration == "RTLD_DEEPBIND"
    assert macros["HAVE_LCHMOD"].value is None
    assert macros["PLATLIBDIR"] == Macro(name="PLATLIBDIR", value='"lib"', comment="")
    assert macros["WORDS_BIGENDIAN"].value is None


def test_an_edit_touches_the_named_lines_only() -> None:
    assert edit_pyconfig(PYCONFIG, {}) == PYCONFIG
    values = {name: macro.value for name, macro in parse_pyconfig(PYCONFIG).items()}
    assert edit_pyconfig(PYCONFIG, values) == PYCONFIG
    text = edit_pyconfig(PYCONFIG, {"WORDS_BIGENDIAN": "1", "HAVE_ZLIB_H": None, "SIZEOF_VOID_P": "4", "OTHER": "1"})
    before, after = PYCONFIG.splitlines(), text.splitlines()
    assert [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]] == [
        ("#define HAVE_ZLIB_H 1", "/* #undef HAVE_ZLIB_H */"),
        ("#define SIZEOF_VOID_P 8", "#define SIZEOF_VOID_P 4"),
        ("/* #  undef WORDS_BIGENDIAN */", "#  define WORDS_BIGENDIAN 1"),
    ]


def test_the_running_pythons_own_header() -> None:
    header = Path(sysconfig.get_config_h_filename())
    if not header.is_file():
        pytest.skip("this Python's headers are not installed")
    text = header.read_text()
    macros = parse_pyconfig(text)
    assert edit_pyconfig(text, {name: macro.value for name, macro in macros.items()}) == text
    expected: dict[str, int | str] = {}
    with header.open() as stream:
        sysconfig.parse_config_h(stream, expected)
    assert config_values(text) == expected


# What the machine decides


def test_a_big_endian_machine() -> None:
    target = parse_target("s390x")
    said = answers(target, {"close_range", "getrandom"}, SIZEOF_VOID_P=8, ALIGNOF_LONG=8, HAVE_DECL_RTLD_DEEPBIND=1)
    assert changed(dataclasses.replace(target, floor=(2, 36)), said) == {
        "DOUBLE_IS_LITTLE_ENDIAN_IEEE754": None,
        "DOUBLE_IS_BIG_ENDIAN_IEEE754": "1",
        "HAVE_GCC_ASM_FOR_X64": None,
        "PY_SUPPORT_TIER": "3",
        "Py_ENABLE_SHARED": None,
        "WORDS_BIGENDIAN": "1",
    }


def test_a_narrow_machine_with_unsigned_wchar_t() -> None:
    target = parse_target("manylinux_2_36_armv7l")
    said = answers(target, {"close_range", "getrandom"}, SIZEOF_VOID_P=4, ALIGNOF_LONG=4, wchar_unsigned=1)
    found = changed(target, said)
    assert (found["SIZEOF_VOID_P"], found["ALIGNOF_LONG"], found["HAVE_USABLE_WCHAR_T"]) == ("4", "4", "1")


def test_the_floor_decides_what_the_c_library_has() -> None:
    macros = parse_pyconfig(PYCONFIG)
    every = functions_to_ask(macros, same_libc=True)
    assert every == {"close_range", "getrandom"}
    old, new = parse_target("manylinux_2_17_x86_64"), parse_target("manylinux_2_36_x86_64")
    assert {"HAVE_CLOSE_RANGE", "HAVE_GETRANDOM"} <= set(changed(old, answers(old, every)))
    assert not {"HAVE_CLOSE_RANGE", "HAVE_GETRANDOM"} & set(changed(new, answers(new, every)))
    # What does not link is not there, whatever the floor.
    assert "HAVE_CLOSE_RANGE" in changed(new, answers(new, {"getrandom"}))


def test_another_c_library_may_have_more() -> None:
    macros = parse_pyconfig(PYCONFIG)
    target = parse_target("musllinux_1_2_x86_64")
    asked = functions_to_ask(macros, same_libc=False)
    assert asked == {"close_range", "getrandom", "lchmod", "strlcpy"}
    found = changed(
        target, answers(target, {"getrandom", "lchmod", "strlcpy"}, HAVE_STROPTS_H=0, HAVE_ZLIB_H=0), same_libc=False
    )
    assert found["HAVE_STRLCPY"] == "1"
    assert found["HAVE_CLOSE_RANGE"] is None
    assert found["HAVE_STROPTS_H"] is None
    # Other people's libraries stay as they were, and CPython wants no lchmod on Linux.
    assert not {"HAVE_ZLIB_H", "HAVE_CURSES_HAS_KEY", "HAVE_LCHMOD", "WITH_DOC_STRINGS"} & set(found)


def test_arm_doubles_of_mixed_order_are_told_apart() -> None:
    macros = {
        name: Macro(name=name, value=None, comment="")
        for name in ("DOUBLE_IS_ARM_MIXED_ENDIAN_IEEE754", "FLOAT_WORDS_BIGENDIAN", "DOUBLE_IS_LITTLE_ENDIAN_IEEE754")
    }
    target = parse_target("armv7l")
    said = dataclasses.replace(answers(target, set()), double=bytes.fromhex("01ff3f4305040302"))
    found = machine_macros(target, macros, said, same_libc=True)
    assert found == {
        "DOUBLE_IS_ARM_MIXED_ENDIAN_IEEE754": "1",
        "FLOAT_WORDS_BIGENDIAN": "1",
        "DOUBLE_IS_LITTLE_ENDIAN_IEEE754": None,
    }


# The data


def build_python(tmp_path: Path, **changes: object) -> HostPython:
    """A build Python's record, as a pyenv would leave it."""
    include = tmp_path / "build/include/python3.13"
    for name in ("Python.h", "patchlevel.h", "cpython/object.h", "internal/pycore_object.h", "greenlet/greenlet.h"):
        write(include / name, f"/* {name} */\n")
    write(include / "pyconfig.h", PYCONFIG)
    prefix = "/home/me/versions/3.13.0"
    link = f"-L{prefix}/lib -Wl,-rpath,{prefix}/lib"
    host = HostPython(
        source=tmp_path / "build/bin/python3.13",
        layout="prefix",
        sysconfigdata=tmp_path / "build/lib/python3.13/_sysconfigdata__linux_x86_64-linux-gnu.py",
        config={
            "AR": "x86_64-linux-gnu-gcc-ar",
            "BINDIR": f"{prefix}/bin",
            "BLDLIBRARY": "-L. -lpython3.13",
            "BLDSHARED": f"gcc -shared {link} {link}",
            "BUILD_GNU_TYPE": "x86_64-pc-linux-gnu",
            "CC": "ccache-less/gcc-12 -pthread -m64",
            "CFLAGS": "-fno-strict-overflow  -O3 -march=x86-64-v2 -mtune=generic -fcf-protection=full -mllvm -x -Wall",
            "CONFIG_ARGS": f"'--prefix={prefix}' '--enable-shared' '--with-lto' 'LDFLAGS={link}'",
            "CPPFLAGS": f"-I. -isystem {prefix}/include -I./Include",
            "CXX": "x86_64-linux-gnu-g++",
            "EXT_SUFFIX": ".cpython-313-x86_64-linux-gnu.so",
            "HAVE_GCC_ASM_FOR_X64": 1,
            "HOST_GNU_TYPE": "x86_64-pc-linux-gnu",
            "INSTSONAME": "libpython3.13.so.1.0",
            "LDSHARED": f"gcc -shared {link}",
            "LIBPC": f"{prefix}/lib/pkgconfig",
            "LIBPL": f"{prefix}/lib/python3.13/config-3.13-x86_64-linux-gnu",
            "MULTIARCH": "x86_64-linux-gnu",
            "Py_ENABLE_SHARED": 1,
            "RUNSHARED": "LD_LIBRARY_PATH=/build/here/Python-3.13.0",
            "SIZEOF_VOID_P": 8,
            "SOABI": "cpython-313-x86_64-linux-gnu",
            "TZPATH": "/usr/share/zoneinfo",
            "WASM_STDLIB": f".{prefix}/lib/python3.13/os.py",
            "abs_srcdir": "/build/here/Python-3.13.0",
            "prefix": prefix,
        },
        implementation="cpython",
        version="3.13",
        full_version="3.13.0",
        abi_flags="",
        soabi="cpython-313-x86_64-linux-gnu",
        ext_suffix=".cpython-313-x86_64-linux-gnu.so",
        multiarch="x86_64-linux-gnu",
        gnu_type="x86_64-pc-linux-gnu",
        include_dirs=(include,),
        lib_dir=None,
        executable=None,
        host_executable=f"{prefix}/bin/python3.13",
        sysroot=None,
        identity=X86_64,
        machine="x86_64",
        libc=Libc(family="glibc", version="2.36"),
    )
    return dataclasses.replace(host, **changes)  # type: ignore[arg-type]


def config_for(
    build: HostPython, text: str, family: str = "gcc", defines: tuple[str, ...] = ()
) -> Mapping[str, object]:
    target = parse_target(text)
    return synthesised_config(
        target,
        build,
        pyconfig=edit_pyconfig(PYCONFIG, {"SIZEOF_VOID_P": "4", "HAVE_GCC_ASM_FOR_X64": None}),
        soabi=f"cpython-313-{target.multiarch}",
        multiarch=target.multiarch,
        compiler_family=family,
        host_prefix="/usr/local",
        defines=defines,
    )


def test_the_data_has_nothing_of_the_build_machine(tmp_path: Path) -> None:
    config = config_for(build_python(tmp_path), "i686")
    text = repr(config)
    assert "/home/me" not in text
    assert "/build/here" not in text
    assert "x86_64" not in text.replace("X64", "")
    assert "x86-64" not in text
    assert config["CC"] == "i686-linux-gnu-gcc -pthread"
    assert config["CXX"] == "i686-linux-gnu-g++"
    assert config["AR"] == "i686-linux-gnu-gcc-ar"
    assert config["CFLAGS"] == "-fno-strict-overflow -O3 -Wall"
    assert config["CPPFLAGS"] == "-I. -I./Include"
    assert config["LDSHARED"] == "i686-linux-gnu-gcc -shared"
    assert config["CONFIG_ARGS"] == "'--prefix=/usr/local' '--with-lto'"
    assert config["EXT_SUFFIX"] == ".cpython-313-i386-linux-gnu.so"
    assert config["LIBPL"] == "/usr/local/lib/python3.13/config-3.13-i386-linux-gnu"
    assert config["HOST_GNU_TYPE"] == "i686-pc-linux-gnu"
    assert config["TZPATH"] == "/usr/share/zoneinfo"
    assert (config["SIZEOF_VOID_P"], config["HAVE_GCC_ASM_FOR_X64"], config["Py_ENABLE_SHARED"]) == (4, 0, 0)
    assert not {"LIBPC", "WASM_STDLIB", "abs_srcdir"} & set(config)
    # parse_config_h does not see the indented macro, so CPython's own data has none.
    assert "WORDS_BIGENDIAN" not in config


def test_a_system_prefix_is_replaced_where_it_is_the_prefix_only(tmp_path: Path) -> None:
    build = build_python(tmp_path)
    build = dataclasses.replace(build, config={"prefix": "/usr", "BINDIR": "/usr/bin", "INSTALL": "/usr/bin/install"})
    config = config_for(build, "aarch64")
    assert (config["BINDIR"], config["INSTALL"], config["prefix"]) == (
        "/usr/local/bin",
        "/usr/bin/install",
        "/usr/local",
    )


def test_clang_and_defines(tmp_path: Path) -> None:
    config = config_for(build_python(tmp_path), "armv7l", "clang", ("-D_TIME_BITS=64",))
    assert config["CC"] == "arm-linux-gnueabihf-clang -pthread"
    assert config["CXX"] == "arm-linux-gnueabihf-clang++"
    assert str(config["CFLAGS"]).startswith("-D_TIME_BITS=64 ")


def test_build_details_and_pkg_config(tmp_path: Path) -> None:
    host = build_python(tmp_path, abi_flags="t", full_version="3.13.0rc2+", machine="aarch64")
    details = json.loads(build_details_text(host, headers=tmp_path / "include", pkgconfig=tmp_path / "pc"))
    assert details["schema_version"] == "1.0"
    assert details["platform"] == "linux-aarch64"
    assert details["language"]["version_info"] == {
        "major": 3, "minor": 13, "micro": 0, "releaselevel": "candidate", "serial": 2,
    }  # fmt: skip
    assert details["implementation"]["hexversion"] == 0x030D00C2
    assert details["abi"] == {
        "flags": ["t"], "extension_suffix": host.ext_suffix, "stable_abi_suffix": ".abi3.so",
    }  # fmt: skip
    assert details["c_api"]["headers"] == str(tmp_path / "include")
    texts = pkg_config_texts(host)
    assert sorted(texts) == ["python-3.13t-embed.pc", "python-3.13t.pc"]
    assert "Cflags: -I${includedir}/python3.13t" in texts["python-3.13t.pc"]
    assert "-lpython" not in texts["python-3.13t.pc"]


# The compiler


def native_toolchain(target: Target) -> Toolchain:
    found = shutil.which("gcc") or shutil.which("cc")
    if found is None:
        pytest.skip("needs a C compiler for this machine")
    return gcc(target, Path(found))


def gcc(target: Target, path: Path, sysroot: Path | None = None) -> Toolchain:
    return Toolchain(
        family="gcc",
        version="12.2.0",
        cc=Tool(path=path),
        cxx=None,
        fc=None,
        binutils={},
        triplet=target.gnu_triplet,
        identity=target.identity,
        sysroot=sysroot,
        library_dirs=LINUX.library_directories(sysroot, target.multiarch) if sysroot else (),
        macros={},
    )


@pytest.fixture(scope="module")
def own() -> HostPython:
    """The running Python, as a build Python."""
    executable = Path(sys.base_prefix) / f"bin/python{VERSION}{sys.abiflags}"
    try:
        return read_build_facts(executable)
    except HostPythonError as error:
        pytest.skip(error.message)


def own_target(own: HostPython) -> Target:
    row = architecture_of(own.identity)
    assert row is not None
    return LinuxTarget(text="own", architecture=row, libc=own.libc.family, floor=(2, 50), policy=False)


def synthesised(target: Target, build: HostPython, compiler: Toolchain, directory: Path, **more: Any) -> HostPython:
    """A synthesised host Python, written."""
    made = synthesise_host_python(target, build, compiler, directory, **more)
    write_tree(made.files)
    return made.host


def test_synthesised_for_the_build_machine_itself_it_is_the_build_python(own: HostPython, tmp_path: Path) -> None:
    target = own_target(own)
    prefix = str(own.config["prefix"])
    host = synthesised(target, own, native_toolchain(target), tmp_path / "host", host_prefix=prefix)
    old, new = (parse_pyconfig((d / "pyconfig.h").read_text()) for d in (own.include_dirs[-1], host.include_dirs[0]))
    different = {name for name in old if old[name].value != new[name].value}
    assert different <= {"Py_ENABLE_SHARED", "PY_SUPPORT_TIER"}
    assert list(old) == list(new)
    for name in ("SOABI", "EXT_SUFFIX", "MULTIARCH", "SIZEOF_VOID_P", "VERSION", "prefix"):
        assert host.config[name] == own.config[name]
    assert host.identity == own.identity
    assert host.machine == os.uname().machine


def test_what_is_on_disk(own: HostPython, tmp_path: Path) -> None:
    target = own_target(own)
    directory = tmp_path / "deep/host"
    host = synthesised(target, own, native_toolchain(target), directory)
    name = f"python{VERSION}{own.abi_flags}"
    assert host.include_dirs == (directory / "include" / name,)
    assert parse_sysconfigdata(host.sysconfigdata) == dict(host.config)
    assert json.loads((directory / "build-details.json").read_text())["abi"]["extension_suffix"] == host.ext_suffix
    assert (directory / f"lib/pkgconfig/python-{VERSION}{own.abi_flags}.pc").is_file()
    assert bool(list(directory.glob("_sysconfig_vars_*.json"))) == (sys.version_info >= (3, 14))
    assert not [path for path in directory.parent.iterdir() if path != directory]
    assert (host.layout, host.sysroot, host.executable, host.lib_dir) == ("synthesised", None, None, directory / "lib")
    assert host.host_executable == f"/usr/local/bin/{name}"


def say(monkeypatch: pytest.MonkeyPatch, said: Answers) -> None:
    """Have the compiler say that."""
    monkeypatch.setattr("crossenv.synthesis.synthesise.ask_compiler", lambda *_, **__: said)


def test_three_fourteen_free_threaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = parse_target("aarch64")
    say(monkeypatch, answers(target, {"getrandom"}, HAVE_DECL_RTLD_DEEPBIND=1))
    build = build_python(tmp_path, version="3.14", full_version="3.14.0", abi_flags="t")
    host = synthesised(target, build, gcc(target, tmp_path / "gcc"), tmp_path / "host")
    assert host.ext_suffix == ".cpython-314t-aarch64-linux-gnu.so"
    assert host.sysconfigdata.name == "_sysconfigdata_t_linux_aarch64-linux-gnu.py"
    assert host.include_dirs[0].name == "python3.14t"
    assert host.free_threaded
    variables = json.loads((tmp_path / "host/_sysconfig_vars_t_linux_aarch64-linux-gnu.json").read_text())
    assert variables["EXT_SUFFIX"] == host.ext_suffix
    assert (variables["py_version_short"], variables["base"], variables["abiflags"]) == ("3.14", "/usr/local", "t")
    include = host.include_dirs[0]
    assert (include / "cpython/object.h").is_file()
    assert (include / "internal/pycore_object.h").is_file()
    assert not (include / "greenlet").exists()


@pytest.mark.parametrize(
    ("version", "soabi"), [("3.13", "cpython-313-x86_64-linux-musl"), ("3.10", "cpython-310-x86_64-linux-gnu")]
)
def test_a_musl_host_says_so_from_three_eleven_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, soabi: str
) -> None:
    target = parse_target("musllinux_1_2_x86_64")
    say(monkeypatch, answers(target, set(), HAVE_DECL_RTLD_DEEPBIND=0))
    build = build_python(tmp_path, version=version, full_version=f"{version}.1")
    host = synthesised(target, build, gcc(target, tmp_path / "gcc"), tmp_path / "host")
    assert (host.soabi, host.libc) == (soabi, Libc(family="musl", version="1.2"))
    header = (host.include_dirs[0] / "pyconfig.h").read_text()
    assert "#define HAVE_DECL_RTLD_DEEPBIND 0\n" in header


@pytest.mark.parametrize(
    ("text", "version"), [("manylinux_2_28_aarch64", "2.28"), ("aarch64-linux-gnu", "2.36"), ("linux_aarch64", "2.36")]
)
def test_without_a_policy_the_host_has_the_compilers_glibc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, version: str
) -> None:
    target = parse_target(text)
    say(monkeypatch, answers(target, {"close_range", "getrandom"}))
    host = synthesised(target, build_python(tmp_path), gcc(target, tmp_path / "gcc"), tmp_path / "host")
    assert host.libc == Libc(family="glibc", version=version)
    header = (host.include_dirs[0] / "pyconfig.h").read_text()
    assert ("#define HAVE_CLOSE_RANGE 1" in header) == (version == "2.36")


@pytest.mark.parametrize(
    ("text", "other", "says"),
    [
        ("musllinux_1_2_aarch64", "aarch64", "has glibc, and the target musllinux_1_2_aarch64 has musl"),
        ("aarch64", "musllinux_1_2_aarch64", "has no glibc, and the target manylinux_2_28_aarch64 has glibc"),
    ],
)
def test_a_compiler_for_another_c_library_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, other: str, says: str
) -> None:
    target = parse_target(text)
    say(monkeypatch, answers(parse_target(other), set()))
    with pytest.raises(ToolchainError, match=says):
        synthesised(target, build_python(tmp_path), gcc(target, tmp_path / "gcc"), tmp_path / "host")


def test_a_compiler_for_another_machine_is_refused(own: HostPython, tmp_path: Path) -> None:
    name = "s390x" if own.machine != "s390x" else "aarch64"
    with pytest.raises(ToolchainError, match=rf"makes .* objects, and the target manylinux_2_28_{name} is {name}"):
        synthesised(parse_target(name), own, native_toolchain(own_target(own)), tmp_path / "host")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo 'questions.c:1: error: no luck' >&2; exit 1", "cannot compile a C file .* no luck"),
        ("exit 0", "cannot be read"),
        ("echo text > questions.o", "cannot be read .*not an ELF file"),
    ],
)
def test_a_compiler_that_cannot_answer(tmp_path: Path, script: str, says: str) -> None:
    compiler = write(tmp_path / "bad-gcc", f"#!/bin/sh\n{script}\n", mode=0o755)
    target = parse_target("aarch64")
    with pytest.raises(ToolchainError, match=says) as caught:
        synthesised(target, build_python(tmp_path), gcc(target, compiler), tmp_path / "host")
    assert str(compiler) in caught.value.message
    assert not (tmp_path / "host").exists()


def test_functions_that_only_pretend_are_not_there() -> None:
    row = next(row for row in [architecture_of(X86_64)] if row)
    target = LinuxTarget(text="", architecture=row, libc="glibc", floor=(2, 50), policy=False)
    macros = parse_pyconfig(PYCONFIG)
    said = ask_compiler(native_toolchain(target), macros, ["strlen", "no_such_function_", "another_missing_one_"])
    assert said.functions == {"strlen"}
    assert said.numbers["SIZEOF_VOID_P"] * 8 == said.identity.bits
    assert sorted(said.double) == sorted(bytes.fromhex("433fff0102030405"))


def test_answers_are_kept_for_one_compiler_and_one_question(tmp_path: Path) -> None:
    row = architecture_of(X86_64)
    assert row is not None
    target = LinuxTarget(text="", architecture=row, libc="glibc", floor=(2, 50), policy=False)
    real, log, macros = native_toolchain(target).cc.path, tmp_path / "log", parse_pyconfig(PYCONFIG)
    compiler = tmp_path / "compiler"

    def asked(functions: list[str], *about: str, defines: tuple[str, ...] = ()) -> tuple[Answers, int]:
        log.write_text("")
        memory = Memory.of(tmp_path / "cache", compiler, about)
        toolchain = dataclasses.replace(gcc(target, compiler), memory=memory)
        return ask_compiler(toolchain, macros, functions, defines=defines), len(log.read_text())

    write(compiler, f'#!/bin/sh\nprintf x >>{log}\nexec {real} "$@"\n', mode=0o755)
    first, runs = asked(["strlen"])
    assert runs
    assert asked(["strlen"]) == (first, 0)
    assert asked(["strlen", "strnlen"])[1]
    assert asked(["strlen"], defines=("-D_TIME_BITS=64", "-D_FILE_OFFSET_BITS=64"))[1]
    assert asked(["strlen"], "-mcpu=another")[1]
    # The same path, another file.
    write(compiler, f'#!/bin/sh\nprintf x >>{log}\nexec {real} -DNEWER "$@"\n', mode=0o755)
    assert asked(["strlen"])[1]
    for file in (tmp_path / "cache").rglob("*.json"):
        file.write_text('{"identity": 1}')
    assert asked(["strlen"]) == (first, runs)


def test_pypy_cannot_be_the_build_python(tmp_path: Path) -> None:
    with pytest.raises(
        HostPythonError, match="is PyPy, and a target's Python is derived from a CPython only"
    ) as caught:
        read_build_facts(tmp_path / "pypy3.10")
    assert "--python" in caught.value.hint
    with pytest.raises(HostPythonError, match="is pypy, and a target"):
        target = parse_target("aarch64")
        build = build_python(tmp_path, implementation="pypy")
        synthesised(target, build, gcc(target, tmp_path / "gcc"), tmp_path / "host")


def test_a_build_python_without_headers_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(HostPythonError, match=r"no target's Python can be derived from .* does not exist") as caught:
        read_build_facts(tmp_path / "bin/python3.13")
    assert "--python" in caught.value.hint
    tree = HostTree(prefix=tmp_path / "usr", version="3.13").make()
    (tree.include / "Python.h").unlink()
    with pytest.raises(HostPythonError, match=r"no Python\.h") as caught:
        read_build_facts(tree.program)
    assert "python3.13-dev" in caught.value.hint
    assert "--python 3.13 --fetch-python" in caught.value.hint


def test_synthesis_writes_nothing(own: HostPython, tmp_path: Path) -> None:
    target = own_target(own)
    made = synthesise_host_python(target, own, native_toolchain(target), tmp_path / "host")
    assert not any(tmp_path.iterdir())
    assert made.host.include_dirs[0] / "Python.h" in made.files


# Against Debian's real host Pythons


def sysroots() -> Path:
    given = os.environ.get("CROSSENV_TEST_SYSROOTS")
    if given is None:
        pytest.skip("CROSSENV_TEST_SYSROOTS names no directory of sysroots")
    return Path(given)


def sysroot(suite: str, architecture: str) -> Path:
    directory = sysroots() / f"{suite}-{architecture}"
    if not directory.is_dir():
        pytest.skip(f"{directory.parent} has no {directory.name}")
    return directory


def debian_target(suite: str, architecture: str) -> Target:
    target = parse_target(DEBIAN[architecture])
    return dataclasses.replace(target, floor=GLIBC_OF[suite])


def cross_gcc_for(target: Target, root: Path) -> Toolchain:
    found = shutil.which(f"{target.gnu_triplet}-gcc")
    if found is None:
        pytest.skip(f"needs {target.gnu_triplet}-gcc on PATH")
    return gcc(target, Path(found), root)


def listed(kind: str, host: str) -> Iterator[str]:
    """The patterns of names whose difference is explained for `host`."""
    for row in json.loads(DIFFERENCES.read_text())[kind]:
        if any(fnmatchcase(host, pattern) for pattern in row["hosts"]):
            yield from row["names"]


def unexplained(kind: str, host: str, ours: Mapping[str, object], real: Mapping[str, object]) -> dict[str, object]:
    patterns = list(listed(kind, host))

    def same(name: str) -> bool:
        # A flag that was scrubbed takes its space along.
        left, right = (None if d.get(name) is None else " ".join(str(d[name]).split()) for d in (ours, real))
        return left == right

    names = sorted(set(ours) | set(real))
    return {
        name: (ours.get(name), real.get(name))
        for name in names
        if not same(name) and not any(fnmatchcase(name, pattern) for pattern in patterns)
    }


def macro_values(header: Path) -> dict[str, str | None]:
    return {name: macro.value for name, macro in parse_pyconfig(header.read_text()).items()}


@pytest.mark.integration
@pytest.mark.parametrize("architecture", DEBIAN)
@pytest.mark.parametrize("suite", SUITES)
def test_it_is_debians_real_host_python(suite: str, architecture: str, tmp_path: Path) -> None:
    """Made from Debian's amd64 Python: what differs from Debian's own build for the host is explained."""
    root = sysroot(suite, architecture)
    base = read_build_facts(sysroot(suite, "amd64") / f"usr/bin/python{SUITES[suite]}")
    target = debian_target(suite, architecture)
    toolchain = cross_gcc_for(target, root)
    ours = synthesised(target, base, toolchain, tmp_path / "host", host_prefix="/usr")
    real = read_host_python(root)
    host = f"{suite}-{architecture}"
    headers = macro_values(ours.include_dirs[0] / "pyconfig.h"), macro_values(real.include_dirs[-1] / "pyconfig.h")
    assert len(headers[1]) > 500
    assert unexplained("pyconfig.h", host, *headers) == {}
    assert unexplained("sysconfigdata", host, *without(headers[1], ours.config, real.config)) == {}
    for name in (
        "soabi",
        "ext_suffix",
        "multiarch",
        "identity",
        "version",
        "full_version",
        "abi_flags",
        "host_executable",
    ):
        assert getattr(ours, name) == getattr(real, name)
    assert different_headers(ours.include_dirs[0], real.include_dirs[0]) == []


@pytest.mark.integration
@pytest.mark.parametrize("architecture", DEBIAN)
@pytest.mark.parametrize("suite", SUITES)
def test_from_another_build_python_only_its_own_options_differ(
    suite: str, architecture: str, own: HostPython, tmp_path: Path
) -> None:
    """Made from the running Python: where it is not Debian's host, it is itself, and Debian is the same on amd64."""
    if own.version != SUITES[suite]:
        pytest.skip(f"{suite} has Python {SUITES[suite]}")
    root = sysroot(suite, architecture)
    debian = read_host_python(sysroot(suite, "amd64"))
    target = debian_target(suite, architecture)
    ours = synthesised(target, own, cross_gcc_for(target, root), tmp_path / "host")
    real = macro_values(read_host_python(root).include_dirs[-1] / "pyconfig.h")
    option = {
        name for name, value in macro_values(debian.include_dirs[-1] / "pyconfig.h").items() if real.get(name) == value
    }
    own_values = macro_values(own.include_dirs[-1] / "pyconfig.h")
    rest = {
        name: values
        for name, values in unexplained(
            "pyconfig.h", f"{suite}-{architecture}", macro_values(ours.include_dirs[0] / "pyconfig.h"), real
        ).items()
        if not (name in option or name not in real) or own_values.get(name) != values[0]  # type: ignore[index]
    }
    assert rest == {}


@pytest.mark.integration
def test_a_wide_time_t_can_be_asked_for(own: HostPython, tmp_path: Path) -> None:
    """As Debian 13 builds armhf."""
    root = sysroot("bookworm", "armhf")
    toolchain = cross_gcc_for(parse_target("armv7l"), root)
    for name, defines, size in (("32", (), 4), ("64", ("-D_FILE_OFFSET_BITS=64", "-D_TIME_BITS=64"), 8)):
        target = parse_target("manylinux_2_36_armv7l")
        host = synthesised(target, own, toolchain, tmp_path / name, defines=defines)
        assert host.config["SIZEOF_TIME_T"] == size
        assert ("-D_TIME_BITS=64" in str(host.config["CFLAGS"])) == (size == 8)


def without(names: Mapping[str, object], *configs: Mapping[str, object]) -> list[dict[str, object]]:
    """Configurations without what they have from `pyconfig.h`."""
    return [{name: value for name, value in config.items() if name not in names} for config in configs]


def different_headers(ours: Path, real: Path) -> list[str]:
    names = [path.relative_to(real) for path in real.rglob("*.h") if path.name != "pyconfig.h"]
    assert len(names) > 100
    _, mismatched, missing = filecmp.cmpfiles(ours, real, map(str, names), shallow=False)
    return mismatched + missing


@pytest.mark.integration
def test_a_wheel_from_a_synthesised_host_runs_on_the_real_one(own: HostPython, tmp_path: Path, run: Run) -> None:
    suite = next((suite for suite, version in SUITES.items() if version == VERSION), None)
    if suite is None:
        pytest.skip(f"Debian ships no Python {VERSION}")
    root = sysroot(suite, "arm64")
    qemu = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    if qemu is None:
        pytest.skip("needs qemu-aarch64 or qemu-aarch64-static")
    target = parse_target("manylinux_2_36_aarch64")
    host = synthesised(target, own, cross_gcc_for(target, root), tmp_path / "host")
    toolchain = find_toolchain(host, environ_path=os.environ["PATH"], sysroot=root, overrides={})
    build = find_build_python(sys.executable, host)
    env = tmp_path / "env"
    plan = make_plan(env, build=build, host=host, toolchain=toolchain, options=Options())
    write_environment(plan, clear=False)
    project = projects.setuptools_c(tmp_path / "project")
    run(env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project)
    (wheel,) = (tmp_path / "out").glob("*.whl")
    assert re.fullmatch(r"toy-1-cp3\d+-cp3\d+-\w+_aarch64\.whl", wheel.name)
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    code = "import toy._toy, platform; print(platform.machine(), toy._toy.answer())"
    said = run(qemu, "-L", root, root / f"usr/bin/python{VERSION}", "-c", code, PYTHONPATH=str(tmp_path / "site"))
    assert said.split() == ["aarch64", "8"]


def test_every_listed_difference_is_in_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for rows in json.loads(DIFFERENCES.read_text()).values():
        for row in rows:
            assert set(row) == {"names", "hosts", "why"}
            assert len(row["why"]) > 40
            assert all(f"`{name}`" in page for name in row["names"]), row["names"]

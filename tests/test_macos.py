"""Targets that run macOS: names, the host Python that is derived for them, its compilers, and builds for them."""

from __future__ import annotations

import builtins
import json
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from _crossenv import project_platform

import crossenv.compilers.zig
import projects
from conftest import CrossenvCommand, Run
from crossenv import testing
from crossenv.binaries import FORMATS, BinaryError
from crossenv.binaries.macho import relinked
from crossenv.cli.targets import available
from crossenv.compilers.zig.apple import apple_parts, find_linker
from crossenv.compilers.zig.locate import Zig
from crossenv.errors import HostPythonError, ToolchainError, UsageError
from crossenv.platforms import PLATFORMS, Libc, Machine
from crossenv.platforms.architectures import MACHO
from crossenv.pythons.named import named_python
from crossenv.pythons.pyconfig import edit_pyconfig, parse_pyconfig
from crossenv.synthesis.macos_pyconfig import changes
from crossenv.targets import parse_target
from crossenv.wheels.audit import audit_wheel
from crossenv.wheels.model import ERROR
from test_zig import needs_zig
from wheels import built, make_wheel

MACOS = PLATFORMS["darwin"]
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
NODOT = VERSION.replace(".", "")
ZIG_SOURCES = Path(crossenv.compilers.zig.__file__).parent
SUFFIX = f".cpython-{NODOT}-darwin.so"

needs_linker = pytest.mark.skipif(
    find_linker(os.environ["PATH"]) is None, reason="needs LLVM's linker for macOS (ld64.lld)"
)


@pytest.mark.parametrize(
    ("names", "tag", "machine", "number", "zig", "rust"),
    [
        (
            ("macosx_11_0_arm64", "arm64-apple-darwin", "aarch64-apple-darwin", "aarch64-macos"),
            *("macosx_11_0_arm64", "arm64", 0x0100_000C, "aarch64-macos.11.0", "aarch64-apple-darwin"),
        ),
        (
            ("macosx_14_0_arm64",),
            *("macosx_14_0_arm64", "arm64", 0x0100_000C, "aarch64-macos.14.0", "aarch64-apple-darwin"),
        ),
        (
            ("macosx_10_13_x86_64", "x86_64-apple-darwin", "x86_64-apple-macosx"),
            *("macosx_10_13_x86_64", "x86_64", 0x0100_0007, "x86_64-macos.10.13", "x86_64-apple-darwin"),
        ),
        (
            ("macosx_26_0_x86_64",),
            *("macosx_26_0_x86_64", "x86_64", 0x0100_0007, "x86_64-macos.26.0", "x86_64-apple-darwin"),
        ),
    ],
)  # fmt: skip
def test_targets(names: tuple[str, ...], tag: str, machine: str, number: int, zig: str, rust: str) -> None:
    for name in names:
        target = parse_target(name)
        assert (target.platform_tag, target.machine, target.zig_triple, target.rust_triple) == (tag, machine, zig, rust)
        assert (target.identity.format, target.identity.number, target.system) == (MACHO, number, "darwin")
        assert target.soabi_for((3, 13), "t") == "cpython-313t-darwin"
        libc = Libc(family=target.libc, version=target.floor_text)
        where = Machine(name=machine, libc=libc, multiarch="darwin", identity=target.identity)
        assert MACOS.plain_tag(where) == tag
        assert MACOS.get_platform(where) == tag.replace("_", "-", 1).replace("_", ".", 1).replace("_", "-", 1)
        assert MACOS.rust_target(where) == rust


def test_both_kinds_of_macs_are_listed() -> None:
    rows = {row["target"]: row for row in available("")}
    both = rows["macosx_10_13_universal2"]
    assert (both["machine"], both["triplet"]) == ("arm64, x86_64", "arm64-apple-darwin, x86_64-apple-darwin")
    assert both["rust"] == "aarch64-apple-darwin, x86_64-apple-darwin"


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("macosx_11_1_arm64", "there is no target 'macosx_11_1_arm64' for macOS", "macosx_11_0_arm64"),
        ("macosx_11_0_ppc64", "there is no target", "macosx_11_0_arm64"),
        ("macosx_10_15_arm64", "the oldest macOS for arm64 is 11.0", "use macosx_11_0_arm64"),
        ("macosx_10_9_x86_64", "the oldest macOS for x86_64 is 10.13", "use macosx_10_13_x86_64"),
        ("arm64-apple-darwin20", "there is no target", "macosx_11_0_arm64"),
        ("macosx_10_13_universal2", "stands for several machines", "macosx_11_0_arm64 or macosx_10_13_x86_64"),
        ("macosx_10_9_universal2", "the oldest macOS", "use macosx_10_13_universal2"),
    ],
)
def test_what_is_no_target(text: str, says: str, hint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)) as caught:
        parse_target(text)
    assert hint in str(caught.value.hint)


def test_tags_that_are_taken() -> None:
    target = parse_target("macosx_12_0_arm64")
    libc = Libc(family=target.libc, version=target.floor_text)
    where = Machine(name="arm64", libc=libc, multiarch="darwin", identity=target.identity)
    tags = MACOS.accepted_tags(where)
    assert tags[0] == "macosx_12_0_arm64"
    assert {"macosx_11_0_arm64", "macosx_11_0_universal2", "macosx_10_9_universal2"} <= {*tags}
    assert not [tag for tag in tags if tag.startswith("macosx_13") or tag.endswith("x86_64")]
    with pytest.raises(UsageError, match="runs macOS"):
        MACOS.declared_tags(["manylinux_2_28"], machine="arm64", libc=libc)


@pytest.mark.parametrize("machine", ["arm64", "x86_64"])
def test_pyconfig(machine: str) -> None:
    """scripts/macos_facts.py compares every macro with those of real Pythons."""
    header = Path(sys.base_prefix) / f"include/python{VERSION}{sys.abiflags}/pyconfig.h"
    if not header.is_file() or "SIZEOF_LONG_DOUBLE" not in (text := header.read_text()):
        pytest.skip("needs the headers of this Python")
    before = parse_pyconfig(text)
    changed = changes(before, machine=machine, free_threaded=False)
    after = {name: macro.value for name, macro in parse_pyconfig(edit_pyconfig(text, changed)).items()}
    assert after["SIZEOF_LONG_DOUBLE"] == ("8" if machine == "arm64" else "16")
    assert after["HAVE_GCC_ASM_FOR_X64"] == (None if machine == "arm64" else "1")
    assert (after["HAVE_KQUEUE"], after["HAVE_EPOLL"], after["HAVE_LINUX_VM_SOCKETS_H"]) == ("1", None, None)
    assert (after["_DARWIN_C_SOURCE"], after["_POSIX_C_SOURCE"], after["Py_ENABLE_SHARED"]) == ("1", None, None)
    assert changes(before, machine=machine, free_threaded=True)["Py_GIL_DISABLED"] == "1"


def test_the_made_up_environment() -> None:
    host = testing.made_up("macosx_11_0_arm64")["host"]
    assert (host["wheel"]["platform_tag"], host["markers"]["sys_platform"]) == ("macosx_11_0_arm64", "darwin")
    details = host["python"]["build_details"]
    assert details["abi"]["extension_suffix"].endswith("-darwin.so")
    assert details["platform"] == "macosx-11.0-arm64"


@pytest.fixture
def import_() -> Iterator[None]:
    before = builtins.__import__
    yield
    builtins.__import__ = before


@pytest.mark.usefixtures("import_")
@pytest.mark.parametrize(
    ("macos", "machine", "kernel"), [("11.0", "arm64", "20"), ("10.13", "x86_64", "17"), ("26.0", "arm64", "25")]
)
def test_a_project_is_told_of_the_target(tmp_path: Path, macos: str, machine: str, kernel: str) -> None:
    system: Any = {"os_name": "posix", "sys_platform": "darwin", "system": "Darwin"}
    facts: Any = {"machine": machine, "identity": {"bits": 64}, "libc": {"family": "libSystem", "version": macos}}
    project_platform.install(str(tmp_path), facts, system)
    asks = """
        import sys, os, platform
        said = [sys.platform, os.name, platform.system(), platform.machine(), platform.mac_ver()[0], platform.release(),
                os.uname().sysname, os.uname().machine, hasattr(sys, "winver"), platform.uname().system]
    """
    namespace: dict[str, Any] = {"__file__": str(tmp_path / "setup.py")}
    exec(compile(textwrap.dedent(asks), "setup.py", "exec"), namespace)
    assert namespace["said"] == [
        *("darwin", "posix", "Darwin", machine, macos, f"{kernel}.0.0", "Darwin", machine, False, "Darwin")
    ]  # fmt: skip
    namespace["__file__"] = "/elsewhere.py"
    exec(compile(textwrap.dedent(asks), "elsewhere.py", "exec"), namespace)
    assert namespace["said"][:3] == [sys.platform, os.name, platform.system()]


def tool(directory: Path, name: str, does: str = "") -> Path:
    projects.write(directory, {name: f"#!/bin/sh\n{does}\n"})
    (directory / name).chmod(0o755)
    return directory / name


def test_the_linker_that_is_taken(tmp_path: Path) -> None:
    empty, path = tmp_path / "empty", tmp_path / "bin"
    empty.mkdir()
    assert find_linker(str(empty)) is None
    any_flavour = tool(path, "lld-18")
    assert find_linker(str(path)) == (str(any_flavour), "-flavor", "darwin")
    tool(path, "ld64.lld-16")
    newer = tool(path, "ld64.lld-19")
    assert find_linker(str(path)) == (str(newer),)
    plain = tool(path, "ld64.lld")
    assert find_linker(str(path)) == (str(plain),)


TBD = """\
--- !tapi-tbd
targets: [ x86_64-macos, arm64e-macos,
           arm64e.x1-macos, arm64e.x1-maccatalyst ]
...
"""


def test_descriptions_of_the_systems_libraries(tmp_path: Path) -> None:
    projects.write(
        tmp_path,
        {
            "zig/lib/libc/darwin/libSystem.tbd": TBD,
            "zig/lib/libc/darwin/SDKSettings.json": '{"Version":"27.0"}',
            "sdk/usr/lib/libSystem.tbd": TBD,
        },
    )
    zig = Zig(path=tmp_path / "zig/zig", version="0.17.1", clang_version="22.1.8", origin="")
    target = parse_target("macosx_10_13_x86_64")
    with pytest.raises(ToolchainError, match="no linker for macOS") as caught:
        apple_parts(zig, tmp_path / "cache", target, search_path=str(tmp_path), sdk=None)
    assert "lld" in str(caught.value.hint)
    linker = tool(tmp_path / "bin", "ld64.lld")
    search_path = str(linker.parent)
    with pytest.raises(ToolchainError, match="is not an SDK for macOS"):
        apple_parts(zig, tmp_path / "cache", target, search_path=search_path, sdk=tmp_path / "zig")
    for _again in range(2):
        parts = apple_parts(zig, tmp_path / "cache", target, search_path=search_path, sdk=tmp_path / "sdk")
        assert (parts.settings["release"], parts.settings["sdk_release"]) == ("10.13", "27.0")
        assert parts.settings["own_sdk"] == str(tmp_path / "sdk")
        libraries = Path(parts.settings["sdk"]) / "usr/lib"
        known = TBD.replace(",\n           arm64e.x1-macos, arm64e.x1-maccatalyst", "").replace("arm64e-", "arm64-")
        assert (libraries / "libm.tbd").read_text() == known
        cxx = (libraries / "libc++.tbd").read_text()
        # Programs may have their own.
        strong, _, weak = cxx.partition("weak-symbols:")
        assert "'__Znwm'" in weak and "'__Znwm'" not in strong
        assert "'__ZNSt13runtime_errorD1Ev'" in strong and "'___cxa_throw'" in strong


@pytest.mark.parametrize(
    ("place", "config", "target"),
    [
        (
            "lib",
            {"HOST_GNU_TYPE": "aarch64-apple-darwin23.6.0", "MACOSX_DEPLOYMENT_TARGET": "14.7"},
            "macosx_14_0_arm64",
        ),
        ("lib", {"HOST_GNU_TYPE": "powerpc-apple-darwin9"}, "for macOS 10.13 on powerpc"),
        ("org/bytedeco/cpython/macosx-x86_64/lib", {"MACOSX_DEPLOYMENT_TARGET": "10.9"}, "macosx_10_13_x86_64"),
        ("Python.framework/Versions/3.13/lib", {"CFLAGS": "-arch arm64 -arch x86_64"}, "for arm64 and x86_64"),
    ],
)
def test_pythons_for_macos_are_named(tmp_path: Path, place: str, config: dict[str, str], target: str) -> None:
    whole = {"VERSION": "3.13", "ABIFLAGS": "", "HOST_GNU_TYPE": "x86_64-apple-darwin", "CFLAGS": "-O3"}
    text = f"build_time_vars = { {**whole, 'MACOSX_DEPLOYMENT_TARGET': '10.13', **config}!r}\n"
    projects.write(tmp_path, {f"{place}/python3.13/_sysconfigdata__darwin_darwin.py": text})
    if target.startswith("for"):
        with pytest.raises(HostPythonError, match=target):
            named_python(tmp_path)
        return
    found = named_python(tmp_path)
    assert found is not None
    assert (found.target, found.version, found.flags) == (target, "3.13", "")
    assert named_python(found.source) == found


def test_only_zig_compiles_for_it(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    words = ("create", "--python", sys.executable, "--target", "macosx_11_0_arm64", "--cc", "gcc", tmp_path / "env")
    said = crossenv(*words, check=False)
    assert said.returncode == 4
    assert "wheels for macosx_11_0_arm64 are compiled with zig only" in said.stderr


@pytest.fixture(scope="module")
def macos_env(tmp_path_factory: pytest.TempPathFactory) -> Path:
    env = tmp_path_factory.mktemp("macos") / "env"
    CrossenvCommand(os.environ["PATH"])("create", "--python", sys.executable, "--target", "macosx_11_0_arm64", env)
    return env


def load_commands(data: bytes) -> list[int]:
    """The load commands of a file, read here independently."""
    count, at, found = int.from_bytes(data[16:20], "little"), 32, []
    for _number in range(count):
        found.append(int.from_bytes(data[at : at + 4], "little") & 0x7FFF_FFFF)
        at += int.from_bytes(data[at + 4 : at + 8], "little")
    return found


# LC_SEGMENT_64, LC_SYMTAB, LC_DYSYMTAB, LC_LOAD_DYLIB, LC_UUID, LC_SEGMENT_SPLIT_INFO, LC_CODE_SIGNATURE, LC_DYLD_INFO,
# LC_FUNCTION_STARTS, LC_DATA_IN_CODE, LC_SOURCE_VERSION, LC_BUILD_VERSION, LC_DYLD_EXPORTS_TRIE, LC_DYLD_CHAINED_FIXUPS
USUAL = {0x19, 0x2, 0xB, 0xC, 0x1B, 0x1E, 0x1D, 0x22, 0x26, 0x29, 0x2A, 0x32, 0x33, 0x34}
BUNDLE = 8


def require_right(data: bytes, *libraries: str) -> None:
    """A module is a bundle of the right machine, signed, and says nothing that Apple's linker would not."""
    linked = FORMATS[MACHO].linked(data)
    assert linked is not None
    assert int.from_bytes(data[12:16], "little") == BUNDLE
    assert {*load_commands(data)} <= USUAL
    assert {"bundle", "macOS 11.0", "ad-hoc signature"} <= {*linked.properties}
    assert (linked.soname, linked.search_path) == ("", ())
    assert linked.needed == (*libraries, "/usr/lib/libSystem.B.dylib")
    # Of the program are Python's names, and no others.
    assert linked.imported_from[""]
    assert all(name.startswith(("Py", "_Py")) for name in linked.imported_from[""])


@needs_zig
@needs_linker
@pytest.mark.integration
def test_a_linker_that_does_not_link(tmp_path: Path) -> None:
    """`create` says so, and not the first build."""
    broken = tool(tmp_path / "bin", "ld64.lld", "echo 'ld64.lld: error: libSystem.tbd: no such machine' >&2; exit 1")
    crossenv = CrossenvCommand(f"{broken.parent}{os.pathsep}{os.environ['PATH']}")
    words = ("--python", sys.executable, "--target", "macosx_11_0_arm64", tmp_path / "env")
    done = crossenv("create", *words, check=False)
    assert done.returncode == ToolchainError.exit_code
    said = done.stderr
    assert "cannot link for macosx_11_0_arm64: ld64.lld: error: libSystem.tbd: no such machine" in said
    assert not (tmp_path / "env").exists()


@needs_zig
@pytest.mark.integration
@pytest.mark.parametrize("number", [14, 19])
def test_debians_linkers(number: int, tmp_path: Path, run: Run) -> None:
    """Debian 12's own, the package `lld`, is LLVM 14: it knew less of the machines that libraries are for."""
    linker = shutil.which(f"ld64.lld-{number}")
    if linker is None:
        pytest.skip(f"needs ld64.lld-{number}: apt install lld-{number}")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/ld64.lld").symlink_to(linker)
    projects.write(tmp_path, {"x.c": '#include <stdio.h>\nint f(void) { return puts("a"); }\n'})
    for target, machine in (("macosx_11_0_arm64", "arm64"), ("macosx_10_13_x86_64", "x86_64")):
        search_path = f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}"
        env = tmp_path / machine
        CrossenvCommand(search_path)("create", "--python", sys.executable, "--target", target, env)
        made = tmp_path / f"{machine}.so"
        run(env / f"etc/bin/{machine}-apple-darwin-clang", "-bundle", tmp_path / "x.c", "-o", made)
        linked = FORMATS[MACHO].linked(made.read_bytes())
        assert linked is not None
        assert linked.imported_from["/usr/lib/libSystem.B.dylib"] >= {"puts"}


@needs_zig
@needs_linker
@pytest.mark.integration
def test_environment(macos_env: Path, run: Run) -> None:
    code = """
        import json, os, platform, sys, sysconfig
        names = "EXT_SUFFIX SOABI MACHDEP MACOSX_DEPLOYMENT_TARGET SIZEOF_LONG_DOUBLE Py_ENABLE_SHARED".split()
        print(json.dumps([sysconfig.get_platform(), [sysconfig.get_config_var(n) for n in names], sys.platform, os.name,
                          platform.machine()]))
    """
    said = json.loads(run(macos_env / "bin/cross-python", "-c", textwrap.dedent(code)))
    config = [SUFFIX, f"cpython-{NODOT}-darwin", "darwin", "11.0", 8, 0]
    assert said == ["macosx-11.0-arm64", config, sys.platform, os.name, "arm64"]


@needs_zig
@needs_linker
@pytest.mark.integration
def test_setuptools(macos_env: Path, tmp_path: Path, run: Run) -> None:
    """A project that asks for the system, and has C++ with exceptions and a module for the stable ABI too."""
    project = projects.setuptools_c(tmp_path / "project")
    projects.write(
        project,
        {
            "setup.py": """
from setuptools import Extension, setup
import platform, sys
assert (sys.platform, platform.machine()) == ("darwin", "arm64")
flags = ["-mmacosx-version-min=10.9", "-arch", "arm64", "-g"]
words = dict(extra_compile_args=flags, extra_link_args=["-Wl,-dead_strip"])
limited = dict(py_limited_api=True, define_macros=[("Py_LIMITED_API", "0x030A0000")])
setup(packages=["toy"], ext_modules=[
    Extension("toy._toy", ["toy.c"], libraries=["m", "dl"], **words),
    Extension("toy._stable", ["stable.c"], **limited),
    Extension("toy._cxx", ["cxx.cc"]),
])
""",
            "stable.c": (project / "toy.c").read_text().replace("_toy", "_stable"),
            "cxx.cc": (project / "toy.c").read_text().replace("_toy", "_cxx")
            + """
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
int tried(int n) {
    try {
        std::map<std::string, int> all{{std::to_string(n), n}};
        if (n) throw std::runtime_error("it is " + all.begin()->first);
        std::cout << all.size() << std::endl;
    } catch (const std::exception &error) { return error.what()[0]; }
    return 0;
}
""",
        },
    )
    files = built(macos_env, project, tmp_path / "out", run, "macosx_11_0_arm64")
    native = {name: data for name, data in files.items() if name.endswith(".so")}
    assert sorted(native) == ["toy/_cxx" + SUFFIX, "toy/_stable.abi3.so", "toy/_toy" + SUFFIX]
    for name, data in native.items():
        require_right(data, *(["/usr/lib/libc++.1.dylib"] if "_cxx" in name else []))
        assert str(tmp_path).encode() not in data
        assert str(macos_env).encode() not in data


@needs_zig
@needs_linker
@pytest.mark.integration
@pytest.mark.parametrize("make", [projects.meson, projects.scikit_build_core], ids=["Meson", "CMake"])
def test_build_systems(make: Callable[[Path], Path], macos_env: Path, tmp_path: Path, run: Run) -> None:
    files = built(macos_env, make(tmp_path / "project"), tmp_path / "out", run, "macosx_11_0_arm64")
    (name,) = (name for name in files if name.endswith((".so", ".dylib")))
    assert name.endswith(SUFFIX)
    require_right(files[name])


@needs_zig
@needs_linker
@pytest.mark.integration
def test_what_the_compiler_refuses(macos_env: Path, tmp_path: Path, run: Run) -> None:
    projects.write(tmp_path, {"x.c": "int nowhere(void);\nint f(void) { return nowhere(); }\n"})
    compiler = macos_env / "etc/bin/arm64-apple-darwin-clang"
    for words, says in (
        (["-framework", "CoreFoundation"], "the framework CoreFoundation is a part of Apple's SDK"),
        (["-Wl,-framework,IOKit"], "the framework IOKit is a part of Apple's SDK"),
        (["-arch", "x86_64"], "this compiler is for arm64, and -arch x86_64 was asked for"),
        ([], "undefined symbol: _nowhere"),
        (["-lnot_there"], "library not found for -lnot_there"),
    ):
        with pytest.raises(AssertionError, match=re.escape(says)):
            run(compiler, "-bundle", *words, tmp_path / "x.c", "-o", tmp_path / "x.so")
        assert not (tmp_path / "x.so").exists()


@needs_zig
@needs_linker
@pytest.mark.integration
@pytest.mark.parametrize("machine", ["arm64", "x86_64"])
def test_what_apples_compilers_bring_with_them(machine: str, tmp_path: Path, run: Run) -> None:
    """Functions that compilers call and libSystem lacks are in the module; undefined, they stopped its import."""
    target = {"arm64": "macosx_11_0_arm64", "x86_64": "macosx_10_13_x86_64"}[machine]
    source = """
        #include <complex.h>
        double complex divided(double complex a, double complex b) { return a / b; }
        float complex divided_float(float complex a, float complex b) { return a / b; }
        double complex times(double complex a, double complex b) { return a * b; }
        double up(double x) { return __builtin_ceil(x); }
        int newer(void) { return __builtin_available(macOS 14.2, *) ? 1 : 0; }
        int filled(void (*fill)(char *)) { char text[64]; fill(text); return text[3]; }
    """
    projects.write(tmp_path, {"x.c": source})
    CrossenvCommand(os.environ["PATH"])("create", "--python", sys.executable, "--target", target, tmp_path / "env")
    compiler = tmp_path / f"env/etc/bin/{machine}-apple-darwin-clang"
    run(compiler, "-O2", "-bundle", "-undefined", "dynamic_lookup", tmp_path / "x.c", "-o", tmp_path / "x.so")
    linked = FORMATS[MACHO].linked((tmp_path / "x.so").read_bytes())
    assert linked is not None
    assert not linked.imported_from.get("")
    # Apple's compiler protects the stack where nobody says a word, and rounds by an instruction (SSE 4.1).
    imported = {"__muldc3", "__stack_chk_fail", "__stack_chk_guard", "dlsym", "sysctlbyname", "dyld_stub_binder"}
    imported |= {"__divdc3", "__divsc3"} if machine == "x86_64" else set()
    assert linked.imported_from["/usr/lib/libSystem.B.dylib"] == imported
    assert linked.exports == {"divided", "divided_float", "times", "up", "newer", "filled"}


# A little program, which a C compiler of the build machine makes.
QUOTIENTS = """
    #include <complex.h>
    #include <math.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>

    double _Complex ours(double a, double b, double c, double d);
    float _Complex ours_float(float a, float b, float c, float d);

    static const double special[] = {0.0, -0.0, 1, -3, INFINITY, -INFINITY, NAN, 5e-324, 2e-308, 1.7e308, 1e154};

    static double number(void)
    {
        if (rand() % 3 == 0)
            return special[rand() % (sizeof special / sizeof *special)];
        return ldexp(rand() / (double)RAND_MAX - 0.5, rand() % 2000 - 1000);
    }

    static int apart(double x, double y, double size, double allowed)
    {
        if (isnan(x) || isnan(y))
            return !isnan(x) != !isnan(y);
        if (isinf(x) || isinf(y))
            return x != y;
        return fabs(x - y) > allowed * size;
    }

    static int differ(double _Complex x, double _Complex y, double allowed, double least)
    {
        double size = fmax(fabs(creal(y)), fabs(cimag(y)));
        if (isinf(size)) /* whatever the other part is (C11, annex G) */
            return !isinf(creal(x)) && !isinf(cimag(x));
        if (size < least)
            size = least;
        return apart(creal(x), creal(y), size, allowed) || apart(cimag(x), cimag(y), size, allowed);
    }

    int main(void)
    {
        int wrong = 0;
        for (int i = 0; i < 200000; i++) {
            double a = number(), b = number(), c = number(), d = number();
            double _Complex theirs = CMPLXL(a, b) / CMPLXL(c, d); /* without overflow */
            if (differ(ours(a, b, c, d), theirs, 8 * 0x1p-53, 1e-290) && wrong++ < 9)
                printf("(%a %a) / (%a %a): %a %a\\n", a, b, c, d, creal(theirs), cimag(theirs));
            float e = a, f = b, g = c, h = d;
            float _Complex single = CMPLX(e, f) / CMPLX(g, h);
            if (differ(ours_float(e, f, g, h), single, 8 * 0x1p-24, 1e-36) && wrong++ < 9)
                printf("(%a %a) / (%a %a): %a %a, floats\\n", e, f, g, h, creal(single), cimag(single));
        }
        printf("%d\\n", wrong);
        return 0;
    }
"""


@pytest.mark.skipif(
    platform.machine() != "x86_64" or not shutil.which("gcc"), reason="needs gcc for x86-64: -mlong-double-64"
)
def test_quotients_of_complex_numbers(tmp_path: Path, run: Run) -> None:
    """What a module for arm64 gets is what gcc's run-time library says, with infinities, NaNs and subnormal numbers."""
    projects.write(tmp_path, {"quotients.c": QUOTIENTS})
    names = ("-D__APPLE__", "-D__divdc3=ours", "-D__divsc3=ours_float", "-mlong-double-64")
    source = ZIG_SOURCES / "complex.c"
    run("gcc", "-O1", "-std=c11", "-Wall", "-Werror", *names, "-c", source, "-o", tmp_path / "ours.o")
    run("gcc", "-O1", "-std=c11", tmp_path / "quotients.c", tmp_path / "ours.o", "-o", tmp_path / "quotients", "-lm")
    assert run(tmp_path / "quotients") == "0\n"


@pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")
@pytest.mark.parametrize("asks", ["the system", "the release", "neither"])
def test_availability(asks: str, tmp_path: Path, run: Run) -> None:
    """With a made-up macOS 10.14.6: its function where there is one (10.15), else its number, else nothing is there."""
    system = """
        #include <stdint.h>
        #include <string.h>
        struct wanted { uint32_t platform, version; };
        int _availability_version_check(uint32_t count, const struct wanted *all)
        {
            return count == 1 && all->platform == 1 && all->version <= 0x000a0e06;
        }
    """
    program = """
        #include <stdint.h>
        #include <stdio.h>
        #include <string.h>
        int __isPlatformVersionAtLeast(uint32_t platform, uint32_t major, uint32_t minor, uint32_t patch);
        int sysctlbyname(const char *name, char *text, size_t *size, void *new, size_t length)
        {
            if (!NUMBERED || strcmp(name, "kern.osproductversion") || *size < 8 || new || length)
                return -1;
            *size = sizeof "10.14.6";
            memcpy(text, "10.14.6", *size);
            return 0;
        }
        int main(void)
        {
            const unsigned versions[][3] = {{10, 9, 0}, {10, 14, 6}, {10, 14, 7}, {10, 15, 0}, {11, 0, 0}, {9, 99, 9}};
            for (int i = 0; i < 6; i++)
                putchar('0' + __isPlatformVersionAtLeast(1, versions[i][0], versions[i][1], versions[i][2]));
        }
    """
    projects.write(
        tmp_path,
        {
            "sys/sysctl.h": "#include <stddef.h>\nint sysctlbyname(const char *, char *, size_t *, void *, size_t);\n",
            "system.c": textwrap.dedent(system),
            "program.c": textwrap.dedent(program),
        },
    )
    sources = [ZIG_SOURCES / "availability.c", tmp_path / "program.c"]
    sources += [tmp_path / "system.c"] if asks == "the system" else []
    words = ("-std=gnu11", "-D_GNU_SOURCE", f"-DNUMBERED={int(asks == 'the release')}", f"-I{tmp_path}", "-rdynamic")
    run("gcc", *words, *sources, "-o", tmp_path / "program", "-ldl")
    assert run(tmp_path / "program") == ("000000" if asks == "neither" else "110001")


@needs_zig
@needs_linker
@pytest.mark.integration
def test_rusts_library_is_linked_to_iconv(macos_env: Path, tmp_path: Path, run: Run) -> None:
    """rustc asks for it in every link, so a module in Rust had no way to be linked."""
    source = '#include <iconv.h>\niconv_t f(void) { return iconv_open("a", "b"); }\n'
    (tmp_path / "x.c").write_text(source)
    compiler = macos_env / "etc/bin/arm64-apple-darwin-clang"
    run(compiler, "-bundle", tmp_path / "x.c", "-liconv", "-o", tmp_path / "x.so")
    linked = FORMATS[MACHO].linked((tmp_path / "x.so").read_bytes())
    assert linked is not None
    assert linked.imported_from["/usr/lib/libiconv.2.dylib"] == {"iconv_open"}


@needs_zig
@needs_linker
@pytest.mark.integration
def test_frameworks_of_an_sdk(macos_env: Path, tmp_path: Path, run: Run) -> None:
    """A user's SDK has frameworks and libraries; here it is made up, with one of each."""
    stub = "--- !tapi-tbd\ntbd-version: 4\ntargets: [ arm64-macos, x86_64-macos ]\ninstall-name: '{}'\nexports:\n" + (
        "  - targets: [ arm64-macos, x86_64-macos ]\n    symbols: [ {} ]\n...\n"
    )
    place = "System/Library/Frameworks/Toy.framework"
    projects.write(
        tmp_path,
        {
            f"sdk/{place}/Toy.tbd": stub.format(
                "/System/Library/Frameworks/Toy.framework/Versions/A/Toy", "_toy_there"
            ),
            f"sdk/{place}/Headers/Toy.h": "int toy_there(void);\n",
            "sdk/usr/include/extra.h": "int extra(void);\n",
            "sdk/usr/lib/libextra.tbd": stub.format("/usr/lib/libextra.dylib", "_extra"),
            "sdk/usr/lib/libSystem.tbd": "",
            "x.c": "#include <Toy/Toy.h>\n#include <extra.h>\nint f(void) { return toy_there() + extra(); }\n",
        },
    )
    words = ("--python", sys.executable, "--target", "macosx_11_0_arm64", "--sdk", tmp_path / "sdk")
    CrossenvCommand(os.environ["PATH"])("create", *words, tmp_path / "env")
    compiler = tmp_path / "env/etc/bin/arm64-apple-darwin-clang"
    run(compiler, "-bundle", "-framework", "Toy", "-lextra", tmp_path / "x.c", "-o", tmp_path / "x.so")
    linked = FORMATS[MACHO].linked((tmp_path / "x.so").read_bytes())
    assert linked is not None
    assert linked.imported_from[f"/{place}/Versions/A/Toy"] == {"toy_there"}
    assert linked.imported_from["/usr/lib/libextra.dylib"] == {"extra"}


@needs_zig
@needs_linker
@pytest.mark.integration
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the loader is for x86-64")
def test_code_for_x86_64_runs(tmp_path: Path, run: Run) -> None:
    """A test aid stands in for macOS: `tests/macho_loader.py` says what that proves."""
    words = ("--python", sys.executable, "--target", "macosx_10_13_x86_64", tmp_path / "env")
    CrossenvCommand(os.environ["PATH"])("create", *words)
    source = projects.MODULE_C.format(
        top="#include <ctype.h>\n#include <math.h>\nstatic __thread long count = 40;",
        answer="(count += 1) + (long)floor(cos(0.0)) + !isalpha('a')",
    )
    projects.write(tmp_path, {"toy.c": source})
    include = next((tmp_path / "env/host/include").iterdir())
    made = tmp_path / f"_toy{SUFFIX}"
    flags = ("-O2", "-bundle", "-undefined", "dynamic_lookup", f"-I{include}")
    run(tmp_path / "env/etc/bin/x86_64-apple-darwin-clang", *flags, tmp_path / "toy.c", "-o", made)
    linked = FORMATS[MACHO].linked(made.read_bytes())
    assert linked is not None
    assert linked.oldest_systems == {"x86_64": (10, 13)}
    code = "import macho_loader; macho_loader.install(); import _toy; print(_toy.answer(), _toy.answer())"
    tests = str(Path(__file__).parent)
    said = run(sys.executable, "-c", code, cwd=tmp_path, PYTHONPATH=f"{tmp_path}{os.pathsep}{tests}")
    assert said.split() == ["42", "43"]


@needs_zig
@needs_linker
@pytest.mark.integration
def test_wheel_for_both_kinds_of_macs(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    """One cell of the plan, the table and the store; its parts are kept too, and not put beside it."""
    module = "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('_toy', ['toy.c'])])\n"
    more = (
        "import platform\nfrom setuptools import Extension, setup\n"
        "machines = ['x86_64'] * (platform.machine() == 'x86_64')\n"
        "modules = [Extension(f'more.{name}', [f'{name}.c']) for name in ['_toy', *machines]]\n"
        "setup(packages=['more'], ext_modules=modules)\n"
    )
    differing = "import platform\nopen('where.py', 'w').write(platform.machine())\n"
    top = (
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n[project]\nversion = "1"\n'
    )
    files = {"toy.c": projects.PLAIN_C}
    files_of = {
        "both": {**files, "setup.py": module},
        "pure": {"pure.py": ""},
        "more": {
            **{f"{name}.c": projects.PLAIN_C.replace("_toy", name) for name in ("_toy", "x86_64")},
            "more/__init__.py": "",
            "setup.py": more,
        },
        "odd": {**files, "where.py": "", "setup.py": differing + module.replace("ext_", "py_modules=['where'], ext_")},
    }
    trees = [
        projects.write(tmp_path / name, {"pyproject.toml": f'{top}name = "{name}"\n', **own})
        for name, own in files_of.items()
    ]
    targets = ("--target", "macosx_10_13_universal2", "--target", "macosx_11_0_arm64", "--python", sys.executable)
    words: list[str | Path] = ["--json", "-w", tmp_path / "out", "--log-dir", tmp_path / "logs", *targets, *trees]
    cache = str(tmp_path / "cache")
    done = crossenv("wheel", *words, "--report", tmp_path / "report.html", check=False, XDG_CACHE_HOME=cache)
    report = json.loads(done.stdout)
    assert done.returncode == 7, done.stderr
    rows = {(Path(row["requirement"]).name, row["for"]): row for row in report["builds"]}
    assert [(name, row["status"]) for (name, target), row in rows.items() if target.endswith("universal2")] == [
        *(("both", "built"), ("pure", "built"), ("more", "built"), ("odd", "refused")),
    ]  # fmt: skip
    assert report["wheels"] == [
        f"both-1-cp{NODOT}-cp{NODOT}-macosx_10_13_universal2.whl",
        f"both-1-cp{NODOT}-cp{NODOT}-macosx_11_0_arm64.whl",
        f"more-1-cp{NODOT}-cp{NODOT}-macosx_10_13_universal2.whl",
        f"more-1-cp{NODOT}-cp{NODOT}-macosx_11_0_arm64.whl",
        f"odd-1-cp{NODOT}-cp{NODOT}-macosx_11_0_arm64.whl",
        "pure-1-py3-none-any.whl",
    ]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.whl")) == report["wheels"]
    odd = rows["odd", "macosx_10_13_universal2"]
    assert odd["error"].startswith("where.py differs between odd-1-")
    assert done.stderr.count(f"universal2.whl more/x86_64{SUFFIX} has no code for arm64") == 1
    assert "macosx_10_13_universal2" in (tmp_path / "report.html").read_text()
    with zipfile.ZipFile(tmp_path / "out" / report["wheels"][0]) as archive:
        assert archive.read(f"_toy{SUFFIX}")[:4] == b"\xca\xfe\xba\xbe"
    # An environment for each machine, made once.
    logs = sorted(path.name for path in (tmp_path / "logs").glob("environment-*"))
    assert [name.partition("macosx")[2] for name in logs] == ["_10_13_x86_64.log", "_11_0_arm64.log"]

    plan = json.loads(crossenv("plan", *words, XDG_CACHE_HOME=cache).stdout)
    assert [(job["target"], job["status"]) for job in plan["jobs"] if job["requirement"] == str(trees[0])] == [
        *(("macosx_10_13_universal2", "kept"), ("macosx_11_0_arm64", "kept")),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def compiled(macos_env: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., bytes]:
    """Compile and link by the environment's compiler; return the file."""
    place = tmp_path_factory.mktemp("compiled")
    include = next((macos_env / "host/include").iterdir())

    def make(source: str, name: str, *options: str) -> bytes:
        (place / "source.c").write_text(source)
        kind = ("-dynamiclib",) if name.endswith(".dylib") else ("-bundle", "-undefined", "dynamic_lookup")
        compiler = macos_env / "etc/bin/arm64-apple-darwin-clang"
        words = ["-O2", *kind, f"-I{include}", f"-L{place}", *options, "source.c", "-o", name]
        subprocess.run([compiler, *words], cwd=place, check=True)
        return (place / name).read_bytes()

    return make


ARM = f"cp{NODOT}-cp{NODOT}-macosx_11_0_arm64"
CALLS_C = projects.MODULE_C.format(top="extern long other(void);", answer="other()")
OTHER_C = "long other(void) { return 42; }\n"


@needs_zig
@needs_linker
@pytest.mark.integration
def test_planted_faults_are_refused(compiled: Callable[..., bytes], tmp_path: Path) -> None:
    """Each module is linked by the tools of an environment, and has one fault."""
    made = compiled(projects.PLAIN_C, "_toy.so")
    compiled(OTHER_C, "libother.dylib", "-install_name", "@rpath/libother.dylib")
    missing = compiled(CALLS_C, "missing.so", "-lother", "-Wl,-rpath,@loader_path")
    placed = compiled(OTHER_C, "libplaced.dylib", "-install_name", "/home/me/build/libplaced.dylib")
    absolute = compiled(CALLS_C, "absolute.so", "-lplaced")
    elsewhere = compiled(CALLS_C, "elsewhere.so", "-lother", "-Wl,-rpath,/home/me/build")
    # The compiler takes no other release than the environment's.
    newer = made.replace(struct.pack("<2I", 1, 11 << 16), struct.pack("<2I", 1, 14 << 16), 1)
    text = made.index(b"answer\0")
    changed = made[:text] + b"Answer" + made[text + 6 :]
    other = (tmp_path / "libother.dylib", compiled(OTHER_C, "libother.dylib", "-install_name", "@rpath/libother.dylib"))
    name = f"_toy{SUFFIX}"
    cases: list[tuple[dict[str, bytes], str, str, str]] = [
        ({name: made}, ARM, "", ""),
        ({name: made}, ARM.replace("macosx_11_0_arm64", "macosx_11_0_x86_64"), "machine", "no code for x86_64"),
        ({name: relinked(newer, {}, "")}, ARM, "policy", "macOS 14.0"),
        ({name: missing}, ARM, "library", "needs @rpath/libother.dylib, which is not in the wheel"),
        ({name: changed}, ARM, "macho-damaged", "has been changed after it was signed"),
        ({name: absolute, "libplaced.dylib": placed}, ARM, "library", "needs /home/me/build/libplaced.dylib"),
        ({name: elsewhere, other[0].name: other[1]}, ARM, "rpath", "/home/me/build"),
        ({name: compiled(CALLS_C, "undefined.so")}, ARM, "symbol", "needs other, which neither"),
    ]
    for number, (files, tag, fault, says) in enumerate(cases):
        (tmp_path / str(number)).mkdir()
        wheel = make_wheel(tmp_path / str(number), files, tag)
        found = {one.id: one.message for one in audit_wheel(wheel).findings if one.severity == ERROR}
        assert {*found} == ({fault} if fault else set()), (number, found)
        assert says in found.get(fault, ""), number


@needs_zig
@needs_linker
@pytest.mark.integration
def test_repair_puts_libraries_in(compiled: Callable[..., bytes], crossenv: CrossenvCommand, tmp_path: Path) -> None:
    """A library that needs another: both get in, under names beside the module, and every signature is made anew."""
    (tmp_path / "libs").mkdir()
    last = compiled("long last(void) { return 42; }\n", "liblast.dylib", "-install_name", "/home/me/lib/liblast.dylib")
    source = "extern long last(void);\nlong other(void) { return last(); }\n"
    options = ("-install_name", "@rpath/libother.dylib", "-llast", "-Wl,-rpath,/home/me/lib")
    first = compiled(source, "libother.dylib", *options)
    (tmp_path / "libs/liblast.1.dylib").write_bytes(last)
    (tmp_path / "libs/liblast.dylib").symlink_to("liblast.1.dylib")
    (tmp_path / "libs/libother.dylib").write_bytes(first)
    module = f"pkg/_toy{SUFFIX}"
    files = {"pkg/__init__.py": b"", module: compiled(CALLS_C, "_toy.so", "-lother", "-Wl,-rpath,/home/me/lib")}
    wheel = make_wheel(tmp_path, files, ARM)
    assert audit_wheel(wheel).failed()
    refused = crossenv("repair", "--dest", tmp_path / "out", wheel, check=False)
    assert refused.returncode == 7
    assert "needs @rpath/libother.dylib, which is in no directory named" in refused.stderr
    assert not (tmp_path / "out").exists()
    said = crossenv("repair", "--dest", tmp_path / "out", "--library-dir", tmp_path / "libs", wheel)
    assert f"libother.dylib comes from {tmp_path / 'libs/libother.dylib'}" in said.stderr
    made = Path(said.stdout.strip())
    assert made.name == wheel.name
    crossenv("audit", "--strict", made)
    with zipfile.ZipFile(made) as archive:
        linked = {name: FORMATS[MACHO].linked(archive.read(name)) for name in archive.namelist() if "lib" in name}
        linked[module] = FORMATS[MACHO].linked(archive.read(module))
    needed = {name: [*file.needed, *file.search_path] for name, file in linked.items() if file is not None}
    system = "/usr/lib/libSystem.B.dylib"
    assert needed == {
        module: ["@loader_path/../toy.dylibs/libother.dylib", system],
        "toy.dylibs/libother.dylib": ["@loader_path/liblast.dylib", system],
        "toy.dylibs/liblast.dylib": [system],
    }
    # The flags of a signature follow its magic number, length and version.
    signed = bytearray(files[module])
    flags = signed.index(b"\xfa\xde\x0c\x02") + 12
    signed[flags : flags + 4] = bytes(4)
    with pytest.raises(BinaryError, match="is signed with somebody's key"):
        relinked(bytes(signed), {}, "")
    # What is right is left alone.
    again = Path(crossenv("repair", "--dest", tmp_path / "again", made).stdout.strip())
    assert again.read_bytes() == made.read_bytes()

"""Targets that run iOS: names, the user's Python and SDK, and builds. Both are made up here (`tests/ios_files.py`)."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import ios_files
import makers
import projects
from conftest import CrossenvCommand, Run
from crossenv.binaries import FORMATS
from crossenv.compilers.zig.apple import apple_parts
from crossenv.compilers.zig.locate import Zig
from crossenv.errors import HostPythonError, ToolchainError, UsageError
from crossenv.platforms import PLATFORMS, Libc, Machine
from crossenv.platforms.architectures import MACHO
from crossenv.pythons.named import named_python
from crossenv.targets import parse_target
from crossenv.wheels.audit import audit_wheel
from test_macos import load_commands, needs_linker, tool
from test_zig import needs_zig
from wheels import built

IOS = PLATFORMS["ios"]
DEVICE, SIMULATOR, INTEL = (
    "ios_13_0_arm64_iphoneos",
    "ios_13_0_arm64_iphonesimulator",
    "ios_13_0_x86_64_iphonesimulator",
)
SYSTEM, PYTHON = "/usr/lib/libSystem.B.dylib", "@rpath/Python.framework/Python"
LIBRARY = 6


@pytest.mark.parametrize(
    ("names", "tag", "zig", "rust"),
    [
        ((DEVICE, "arm64-apple-ios", "aarch64-apple-ios"), DEVICE, "aarch64-ios.13.0", "aarch64-apple-ios"),
        (
            (SIMULATOR, "arm64-apple-ios-simulator", "aarch64-apple-ios-sim"),
            *(SIMULATOR, "aarch64-ios.14.0-simulator", "aarch64-apple-ios-sim"),
        ),
        (
            (INTEL, "x86_64-apple-ios-simulator", "x86_64-apple-ios"),
            *(INTEL, "x86_64-ios.13.0-simulator", "x86_64-apple-ios"),
        ),
        (("ios_17_4_arm64_iphoneos",), "ios_17_4_arm64_iphoneos", "aarch64-ios.17.4", "aarch64-apple-ios"),
    ],
)
def test_targets(names: tuple[str, ...], tag: str, zig: str, rust: str) -> None:
    for name in names:
        target = parse_target(name)
        assert (target.platform_tag, target.zig_triple, target.rust_triple) == (tag, zig, rust)
        assert (target.identity.format, target.system) == (MACHO, "ios")
        libc = Libc(family=target.libc, version=target.floor_text)
        where = Machine(name=target.machine, libc=libc, multiarch=target.multiarch, identity=target.identity)
        assert IOS.plain_tag(where) == IOS.accepted_tags(where)[0] == tag
        assert IOS.rust_target(where) == rust
        assert IOS.get_platform(where) == f"ios-{target.floor_text}-{target.multiarch}"
    assert "ios_16_9_arm64_iphoneos" in IOS.accepted_tags(where) or tag != "ios_17_4_arm64_iphoneos"


@pytest.mark.parametrize("name", ["ios_12_0_arm64_iphoneos", "ios_13_0_x86_64_iphoneos", "ios_13_0_armv7_iphoneos"])
def test_what_is_no_target(name: str) -> None:
    with pytest.raises(UsageError, match=r"no target .* for iOS") as caught:
        parse_target(name)
    assert DEVICE in str(caught.value.hint)


@pytest.mark.parametrize(
    ("tag", "make", "says", "mend"),
    [
        (DEVICE, lambda _: None, "needs Apple's SDK for iOS", "--sdk"),
        (
            DEVICE,
            lambda path: ios_files.sdk(path / "sdk", "iphonesimulator"),
            "is for iphonesimulator18.2, and ios_13_0_arm64_iphoneos is built with one for iphoneos",
            "iPhoneOS.sdk",
        ),
        (INTEL, lambda path: ios_files.sdk(path / "sdk"), "built with one for iphonesimulator", "iPhoneSimulator.sdk"),
        (DEVICE, lambda path: ios_files.sdk(path / "sdk", "macosx"), "is for macosx18.2", "iPhoneOS.sdk"),
        (DEVICE, lambda path: path, "is not an SDK for iOS: it has no usr/lib/libSystem.tbd", "iPhoneOS.sdk"),
        (
            DEVICE,
            lambda path: projects.write(path / "sdk", {"usr/lib/libSystem.tbd": "", "SDKSettings.json": "[]"}),
            *("SDKSettings.json does not say its name", "iPhoneOS.sdk"),
        ),
    ],
)
def test_sdks_that_do_not_fit(
    tmp_path: Path, tag: str, make: Callable[[Path], Path | None], says: str, mend: str
) -> None:
    zig = Zig(path=tmp_path / "zig", version="0.17.1", clang_version="22.1.8", origin="")
    search_path = str(tool(tmp_path / "bin", "ld64.lld").parent)
    with pytest.raises(ToolchainError, match=says) as caught:
        apple_parts(zig, tmp_path / "cache", parse_target(tag), search_path=search_path, sdk=make(tmp_path))
    assert mend in str(caught.value.hint)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ios_files.xcframework(tmp_path_factory.mktemp("python"))


@pytest.mark.parametrize("place", ["", ".."])
@pytest.mark.parametrize("tag", [DEVICE, SIMULATOR, INTEL, "ios_17_0_arm64_iphoneos"])
def test_the_python_of_a_target(python: Path, place: str, tag: str) -> None:
    target = parse_target(tag)
    found = named_python(python / place, target)
    assert found is not None
    assert (found.target, found.version, found.flags) == (tag, ios_files.VERSION, "")
    assert found.source.name == f"_sysconfigdata__ios_{target.multiarch}.py"
    alone = named_python(found.source)
    assert alone is not None and alone.source == found.source


def test_pythons_that_are_not_meant(python: Path, tmp_path: Path) -> None:
    with pytest.raises(HostPythonError, match="several Pythons for iOS") as caught:
        named_python(python)
    assert "--target" in str(caught.value.hint)
    with pytest.raises(HostPythonError, match=f"has no Python for {INTEL}: it is for {DEVICE}"):
        named_python(python / "ios-arm64", parse_target(INTEL))
    data = {"lib/python3.13/_sysconfigdata__ios_x.py": "build_time_vars = {'MULTIARCH': 'armv7-iphoneos'}\n"}
    with pytest.raises(HostPythonError, match="ios_13_0_armv7_iphoneos, which is not a target"):
        named_python(projects.write(tmp_path / "other", data))
    newer = ios_files.config("arm64-iphoneos", IPHONEOS_DEPLOYMENT_TARGET="16.0")
    (tmp_path / "lib/python3.13").mkdir(parents=True)
    (tmp_path / "lib/python3.13/_sysconfigdata__ios_a.py").write_text(makers.config_text(newer))
    with pytest.raises(HostPythonError, match=r"is for iOS 16\.0 and later") as caught:
        named_python(tmp_path, parse_target(DEVICE))
    assert "ios_16_0_arm64_iphoneos" in str(caught.value.hint)


@needs_zig
@needs_linker
@pytest.mark.parametrize(
    ("words", "code", "says", "hint"),
    [
        (["--target", DEVICE], 4, "needs Apple's SDK for iOS", "--host-python"),
        (["--target", DEVICE, "--host-python", "{python}"], 4, "needs Apple's SDK for iOS", "iPhoneOS.sdk"),
        (["--target", DEVICE, "--cc", "gcc", "--sdk", "{sdk}"], 4, "compiled with zig only", "leave it out"),
        (["--target", DEVICE, "--sdk", "{sdk}"], 3, "needs Python's release for iOS", "--host-python"),
        (["--host-python", "{python}", "--sdk", "{sdk}"], 3, "several Pythons for iOS", "--target"),
        (["--target", DEVICE, "--host-python", sys.executable, "--sdk", "{sdk}"], 2, "is not a Python for iOS", "name"),
        (["--target", SIMULATOR, "--host-python", "{python}/ios-arm64"], 3, f"has no Python for {SIMULATOR}", "name"),
    ],
)
def test_nothing_is_left_half_made(
    crossenv: CrossenvCommand, python: Path, tmp_path: Path, words: list[str], code: int, says: str, hint: str
) -> None:
    places = {"python": str(python), "sdk": str(ios_files.sdk(tmp_path / "iPhoneOS.sdk"))}
    named = [word.format(**places) for word in words]
    done = crossenv("create", "--python", sys.executable, *named, tmp_path / "env", check=False)
    assert (done.returncode, says in done.stderr, hint in done.stderr) == (code, True, True), done.stderr
    assert not (tmp_path / "env").exists()


def create(directory: Path, tag: str) -> Path:
    """An environment with a made-up Python and SDK."""
    target = parse_target(tag)
    python = ios_files.xcframework(directory, linked=target.multiarch)
    sdk = ios_files.sdk(directory / "Some.sdk", target.multiarch.partition("-")[2])
    words = ("--target", tag, "--host-python", python, "--sdk", sdk, "--python", sys.executable)
    CrossenvCommand(os.environ["PATH"])("create", *words, directory / "env")
    return directory / "env"


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return create(tmp_path_factory.mktemp("ios"), DEVICE)


def require_right(data: bytes, system: str, *libraries: str) -> None:
    """A module is a dynamic library for the system, without a path of this machine, and names Python's framework."""
    linked = FORMATS[MACHO].linked(data)
    assert linked is not None
    assert int.from_bytes(data[12:16], "little") == LIBRARY
    assert system in linked.properties
    assert linked.soname.startswith(("@rpath/_toy.cpython-", "@rpath/_cxx.cpython-"))
    assert {*linked.needed} == {PYTHON, SYSTEM, *libraries}
    assert linked.imported_from[PYTHON]
    assert "" not in linked.imported_from
    assert 0x32 in load_commands(data)
    assert str(Path.home()).encode() not in data


@needs_zig
@needs_linker
@pytest.mark.integration
def test_environment(device: Path, run: Run) -> None:
    code = """if True:
        import json, platform, sys, sysconfig
        names = "EXT_SUFFIX SOABI MACHDEP IPHONEOS_DEPLOYMENT_TARGET".split()
        print(json.dumps([sysconfig.get_platform(), [sysconfig.get_config_var(n) for n in names],
                          platform.machine(), getattr(sys.implementation, "_multiarch")]))
    """
    said = json.loads(run(device / "bin/cross-python", "-c", code))
    soabi = f"cpython-{ios_files.VERSION.replace('.', '')}-iphoneos"
    assert said == ["ios-13.0-arm64-iphoneos", [f".{soabi}.so", soabi, "ios", "13.0"], "arm64", "arm64-iphoneos"]


@needs_zig
@needs_linker
@pytest.mark.integration
def test_setuptools(device: Path, tmp_path: Path, run: Run) -> None:
    project = projects.setuptools_c(tmp_path / "project")
    projects.write(
        project,
        {
            "setup.py": """
import os, platform, sys, sysconfig
from setuptools import Extension, setup
assert (sys.platform, platform.system(), platform.machine(), platform.release()) == ("ios", "iOS", "arm64", "13.0")
assert (os.uname().sysname, os.uname().machine) == ("Darwin", "arm64")
assert sys.version_info < (3, 13) or platform.ios_ver() == ("iOS", "13.0", "iPhone", False)
assert sysconfig.get_platform() == "ios-13.0-arm64-iphoneos"
flags = ["-miphoneos-version-min=12.0"]
setup(packages=["toy"], ext_modules=[
    Extension("toy._toy", ["toy.c"], extra_compile_args=flags),
    Extension("toy._cxx", ["cxx.cc"]),
])
""",
            "toy.c": projects.MODULE_C.format(
                top="#include <TargetConditionals.h>\n#include <stdio.h>\n#if !TARGET_OS_IOS || TARGET_OS_SIMULATOR\n"
                "#error not iOS\n#endif\nint newer(void) { return __builtin_available(iOS 17, *); }",
                answer="newer() + puts(__FILE__)",
            ),
            "cxx.cc": projects.MODULE_C.format(
                top="#include <map>\n#include <stdexcept>\n#include <string>\n"
                "static long tried(int n) { try { std::map<int, std::string> all{{n, std::to_string(n)}};"
                " if (n) throw std::runtime_error(all[n]); } catch (const std::exception &) { return 1; } return 0; }",
                answer="tried(1)",
            ).replace("_toy", "_cxx"),
        },
    )
    files = built(device, project, tmp_path / "out", run, DEVICE)
    cxx, plain = sorted(name for name in files if name.endswith("-iphoneos.so"))
    require_right(files[plain], "iOS 13.0")
    require_right(files[cxx], "iOS 13.0", "/usr/lib/libc++.1.dylib")
    assert str(tmp_path).encode() not in files[plain]
    (wheel,) = (tmp_path / "out").glob("*.whl")
    assert audit_wheel(wheel).findings == ()


@needs_zig
@needs_linker
@pytest.mark.integration
@pytest.mark.parametrize("make", [projects.meson, projects.scikit_build_core], ids=["Meson", "CMake"])
def test_build_systems(make: Callable[[Path], Path], device: Path, tmp_path: Path, run: Run) -> None:
    files = built(device, make(tmp_path / "project"), tmp_path / "out", run, DEVICE)
    (name,) = (name for name in files if name.endswith((".so", ".dylib")))
    assert name.endswith("-iphoneos.so")
    require_right(files[name], "iOS 13.0")


@needs_zig
@needs_linker
@pytest.mark.integration
def test_cpus_and_systems_of_others_are_refused(device: Path, tmp_path: Path, run: Run) -> None:
    projects.write(tmp_path, {"x.c": "int x;\n"})
    compiler = device / "etc/bin/arm64-apple-ios-clang"
    for triple in ("arm64-apple-ios13.0", "arm64-apple-ios"):
        run(compiler, f"--target={triple}", "-c", tmp_path / "x.c", "-o", tmp_path / "x.o")
    for triple in ("arm64-apple-ios13.0-simulator", "arm64-apple-darwin", "x86_64-apple-ios"):
        command = f"{compiler} --target={triple} -c {tmp_path}/x.c -o {tmp_path}/x.o 2>&1 || :"
        assert re.search(f"is for arm64-apple-ios, and .*{triple}", run("sh", "-c", command))


@needs_zig
@needs_linker
@pytest.mark.integration
@pytest.mark.parametrize("tag", [SIMULATOR, INTEL])
def test_simulators(tag: str, tmp_path: Path, run: Run) -> None:
    env = create(tmp_path, tag)
    files = built(env, projects.setuptools_c(tmp_path / "project"), tmp_path / "out", run, tag)
    (name,) = (name for name in files if name.endswith(".so"))
    assert name.endswith("-iphonesimulator.so")
    require_right(files[name], f"iOS Simulator {'14.0' if tag == SIMULATOR else '13.0'}")

"""Wheels for Android: with an NDK and a Python that are made up, so far as they can be."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import android_files
import projects
from android_files import PREBUILT, TRIPLET, VERSION
from conftest import CrossenvCommand, Run
from crossenv.binaries.elf import Elf
from crossenv.cli.main import main
from crossenv.compilers.launchers import launcher_text
from crossenv.compilers.ndk import _REWRITE, named_ndk, read_ndk
from crossenv.compilers.zig.locate import usable_cache
from crossenv.errors import ToolchainError, UsageError
from crossenv.targets import parse_target
from crossenv.wheels.audit import audit_wheel
from makers import ARMEL, X86_64, elf_bytes, make_program, write
from wheels import built

TAG = "android_24_arm64_v8a"
PYTHON_TAG = f"cp{VERSION.replace('.', '')}"


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return android_files.make_prefix(tmp_path_factory.mktemp("android"))


@pytest.fixture(scope="module")
def ndk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return android_files.make_ndk(tmp_path_factory.mktemp("ndk") / "27.3")


def refused(directory: Path, words: list[str | Path], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """How `create` ends: the exit code, the message, the hint; nothing is made."""
    env = directory / "env"
    code = main(["create", "--python", sys.executable, *map(str, words), str(env)])
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("crossenv: ")]
    assert not env.exists()
    message, hint = lines[-2:]
    return code, message.removeprefix("crossenv: error: "), hint.removeprefix("crossenv: hint: ")


@pytest.mark.parametrize(
    ("tag", "triplet", "multiarch", "rust"),
    [
        (TAG, TRIPLET, TRIPLET, TRIPLET),
        ("android_21_x86_64", *["x86_64-linux-android"] * 3),
        ("android_24_armeabi_v7a", "armv7a-linux-androideabi", "arm-linux-androideabi", "armv7-linux-androideabi"),
        ("android_24_x86", *["i686-linux-android"] * 3),
    ],
)
def test_names(tag: str, triplet: str, multiarch: str, rust: str) -> None:
    target = parse_target(tag)
    assert (target.platform_tag, target.gnu_triplet, target.multiarch, target.rust_triple) == (
        *(tag, triplet, multiarch, rust),
    )


@pytest.mark.parametrize("name", ["android_24_mips", "aarch64-linux-android24", "android"])
def test_names_of_no_target(name: str) -> None:
    with pytest.raises(UsageError, match="for Android") as caught:
        parse_target(name)
    assert TAG in caught.value.hint


def test_reads_an_ndk(ndk: Path) -> None:
    found = read_ndk(ndk)
    assert (found.version, found.programs) == ("27.3.13750724", ndk / PREBUILT / "bin")


def test_the_option_wins_over_the_variables() -> None:
    environ = {"ANDROID_NDK_HOME": "/a", "ANDROID_NDK_ROOT": "/b"}
    assert named_ndk(Path("/c"), environ) == Path("/c")
    assert named_ndk(None, environ) == Path("/a")
    assert named_ndk(None, {**environ, "ANDROID_NDK_HOME": ""}) == Path("/b")
    assert named_ndk(None, {}) is None


def test_directories_without_an_ndk(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match=r"no source\.properties"):
        read_ndk(tmp_path / "missing")
    properties = write(tmp_path / "source.properties", "Pkg.Desc = Android SDK\n")
    with pytest.raises(ToolchainError, match=r"does not say Pkg\.Revision"):
        read_ndk(tmp_path)
    properties.write_text("Pkg.Revision=27.3.1\n", encoding="utf-8")
    with pytest.raises(ToolchainError, match="there is no toolchains/llvm/prebuilt"):
        read_ndk(tmp_path)
    (tmp_path / "toolchains/llvm/prebuilt/darwin-x86_64/bin").mkdir(parents=True)
    with pytest.raises(ToolchainError, match="it is for darwin-x86_64") as caught:
        read_ndk(tmp_path)
    assert "--ndk" in caught.value.hint


def test_without_an_ndk_nothing_is_made(
    tmp_path: Path, prefix: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ANDROID_NDK_HOME", "ANDROID_NDK_ROOT", "CROSSENV_NDK"):
        monkeypatch.delenv(name, raising=False)
    code, message, hint = refused(tmp_path, ["--host-python", prefix], capsys)
    assert code == 4 and "the Android NDK's clang, and none is named" in message and "--ndk" in hint
    code, message, hint = refused(tmp_path, ["--host-python", prefix, "--ndk", tmp_path], capsys)
    assert code == 4 and "there is no Android NDK in" in message and "--ndk" in hint


def test_without_its_python_nothing_is_made(tmp_path: Path, ndk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, message, hint = refused(tmp_path, ["--target", TAG, "--ndk", ndk], capsys)
    assert code == 2 and "needs a Python for Android" in message and "--host-python" in hint


@pytest.mark.parametrize("words", [["--toolchain", "zig"], ["--cc", "gcc"]])
def test_no_other_compiler_is_taken(
    tmp_path: Path, prefix: Path, ndk: Path, capsys: pytest.CaptureFixture[str], words: list[str | Path]
) -> None:
    code, message, _ = refused(tmp_path, ["--host-python", prefix, "--ndk", ndk, *words], capsys)
    assert code == 4 and "compiled with ndk only" in message


@pytest.mark.parametrize(
    ("target", "code", "says", "mend"),
    [
        ("android_21_arm64_v8a", 3, "Android 24 and later", "android_24_arm64_v8a"),
        ("android_24_x86_64", 3, "a Python for Android on aarch64", "--host-python"),
        ("android_36_arm64_v8a", 4, "no compiler for the API level 36: it has 21 to 35", "android_35_arm64_v8a"),
        ("manylinux_2_28_aarch64", 2, "--target and --host-python exclude each other", "leave one"),
    ],
)
def test_targets_that_do_not_go_with_the_python(
    tmp_path: Path,
    prefix: Path,
    ndk: Path,
    capsys: pytest.CaptureFixture[str],
    target: str,
    code: int,
    says: str,
    mend: str,
) -> None:
    words: list[str | Path] = ["--host-python", prefix, "--ndk", ndk, "--target", target]
    found, message, hint = refused(tmp_path, words, capsys)
    assert found == code and says in message and mend in hint


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        (f"{TRIPLET}24-clang++", f"has no {TRIPLET}24-clang++"),
        ("llvm-strip", "has no llvm-strip"),
        ("llvm-ar", "has no llvm-ar"),
    ],
)
def test_an_ndk_without_a_tool(
    tmp_path: Path, prefix: Path, capsys: pytest.CaptureFixture[str], missing: str, says: str
) -> None:
    ndk = android_files.make_ndk(tmp_path / "ndk")
    (ndk / PREBUILT / "bin" / missing).unlink()
    code, message, _ = refused(tmp_path, ["--host-python", prefix, "--ndk", ndk], capsys)
    assert code == 4 and says in message


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"triplet": "x86_64-linux-android", "identity": X86_64}, "has no compilers for arm64_v8a"),
        ({"identity": X86_64}, "makes x86_64 objects"),
        ({"macros": {"__clang__": "1"}}, "does not compile for Android: __ANDROID__ is not defined"),
    ],
)
def test_compilers_that_are_not_for_the_target(
    tmp_path: Path, prefix: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], says: str
) -> None:
    ndk = android_files.make_ndk(tmp_path / "ndk", **changes)
    code, message, _ = refused(tmp_path, ["--host-python", prefix, "--ndk", ndk], capsys)
    assert code == 4 and says in message


def test_a_python_without_its_library(tmp_path: Path, ndk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prefix = android_files.make_prefix(tmp_path, libraries={})
    code, message, _ = refused(tmp_path, ["--host-python", prefix, "--ndk", ndk], capsys)
    assert code == 4 and f"has no libpython{VERSION}.so" in message


def test_a_library_of_another_machine(tmp_path: Path, ndk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prefix = android_files.make_prefix(tmp_path, libraries={f"libpython{VERSION}.so": elf_bytes(ARMEL)})
    code, message, _ = refused(tmp_path, ["--host-python", prefix, "--ndk", ndk], capsys)
    assert code == 3 and "contradicts itself" in message


def test_targets_are_listed(crossenv: CrossenvCommand, ndk: Path) -> None:
    for home, compilers in ((str(ndk), ["ndk"]), (str(ndk / "missing"), [])):
        listed = crossenv("targets", "--json", ANDROID_NDK_HOME=home).stdout
        row = next(row for row in json.loads(listed) if row["target"] == TAG)
        assert (row["libc"], row["oldest"], row["triplet"], row["compilers"]) == ("bionic", "24", TRIPLET, compilers)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, crossenv: CrossenvCommand, prefix: Path, ndk: Path) -> Path:
    """An environment whose compiler only copies an object file."""
    env = tmp_path_factory.mktemp("made") / "env"
    words: list[str | Path] = ["create", "--python", sys.executable, "--host-python", prefix, "--ndk", ndk]
    assert "warning" not in crossenv(*words, "--target", "android_35_arm64_v8a", env).stderr
    return env


def test_an_environment_for_a_later_level(made: Path, ndk: Path, run: Run) -> None:
    record = json.loads((made / "crossenv.json").read_text(encoding="utf-8"))
    assert record["host"]["platform_tag"] == "android_35_arm64_v8a"
    assert record["toolchain"]["tools"]["cc"]["path"] == str(ndk / PREBUILT / f"bin/{TRIPLET}35-clang")
    assert record["toolchain"]["tools"]["strip"]["command"] == str(ndk / PREBUILT / "bin/llvm-strip")
    code = """if True:
        import json, sysconfig
        from packaging import tags
        names = ("ANDROID_API_LEVEL", "EXT_SUFFIX", "MULTIARCH", "MACHDEP")
        found = [sysconfig.get_config_var(name) for name in names]
        print(json.dumps([sysconfig.get_platform(), *found, [tag.platform for tag in tags.sys_tags()][:2]]))
    """.replace("packaging", "pip._vendor.packaging")
    platform, level, suffix, multiarch, machdep, tags = json.loads(run(made / "bin/cross-python", "-c", code))
    assert (platform, level, machdep) == ("android-35-arm64_v8a", 35, "android")
    assert (suffix, multiarch) == (f".cpython-{VERSION.replace('.', '')}-{TRIPLET}.so", TRIPLET)
    assert tags == ["android_35_arm64_v8a", "android_34_arm64_v8a"]


def test_settings_of_build_systems(made: Path, ndk: Path) -> None:
    record = json.loads((made / "crossenv.json").read_text(encoding="utf-8"))
    given = record["handover"]["environment"]
    assert given["CARGO_BUILD_TARGET"] == TRIPLET
    assert given["CARGO_TARGET_AARCH64_LINUX_ANDROID_LINKER"] == str(made / f"etc/bin/{TRIPLET}35-clang")
    # The environment's own copy of the configuration, whose paths are those of this machine.
    assert (Path(given["PYO3_CROSS_LIB_DIR"]) / f"libpython{VERSION}.so").exists()
    assert Path(given["PYO3_CROSS_LIB_DIR"]).is_relative_to(made)
    assert Path(given["ANDROID_NDK_HOME"]).resolve() == ndk.resolve()
    meson = (made / "etc/meson-cross.ini").read_text(encoding="utf-8")
    assert "system = 'android'" in meson and "build_config" not in meson


def test_a_project_is_told_of_the_system(made: Path, tmp_path: Path, run: Run) -> None:
    """A project's own code asks `sys` and `platform`; everything else of its process runs here."""
    project = projects.setuptools_c(tmp_path / "toy")
    asks = (
        "import json, os, platform, sys\n"
        "said = [sys.platform, os.name, platform.system(), platform.machine(), sys.getandroidapilevel(),\n"
        "        platform.android_ver().api_level]\n"
        f"open({str(tmp_path / 'said')!r}, 'w').write(json.dumps(said))\n"
    )
    setup = project / "setup.py"
    setup.write_text(asks + setup.read_text(encoding="utf-8"), encoding="utf-8")
    run(made / "bin/cross-python", "-m", "pip", "--version")
    subprocess.run([made / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path, project], check=False)
    said = json.loads((tmp_path / "said").read_text(encoding="utf-8"))
    assert said == ["android", "posix", "Android", "aarch64", 35, 35]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("-shared a.o -o a.so", "{before} -shared a.o -o a.so {place} {after} -lpython3.14 -lm {end}"),
        (
            "-shared a.o -lpython3.14 -o a.so",
            "{before} -shared a.o -lpython3.14 -o a.so {place} {after} -lpython3.14 -lm {end}",
        ),
        (
            "-shared a.o -lpython3.14 -o a.abi3.so",
            "{before} -shared a.o -lpython3 -o a.abi3.so {place} {after} -lpython3 -lm {end}",
        ),
        ("-shared -fPIC -c a.c", "-shared -fPIC -c a.c"),
        ("a.o -o program", "a.o -o program {place}"),
        ("-v", "-v {place}"),
    ],
)
def test_what_a_shared_library_is_linked_with(tmp_path: Path, words: str, expected: str) -> None:
    tool = make_program(tmp_path / "clang")
    tool.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    place = shlex.quote("/a b/lib")
    rewrite = _REWRITE.format(python="python3.14", stable="python3", suffix=".abi3.so", page=16384, directory=place)
    launcher = write(tmp_path / "launcher", launcher_text("cc", tool, [], [], rewrite=rewrite), mode=0o755)
    said = subprocess.run([launcher, *words.split()], capture_output=True, text=True, check=True).stdout.splitlines()
    before, after = "-Wl,-z,max-page-size=16384 -Wl,--no-undefined", "-Wl,--as-needed"
    text = expected.format(before=before, after=after, end="-Wl,--no-as-needed", place="-L/a\0b/lib")
    expected_words = [word.replace("\0", " ") for word in text.split(" ")]
    assert said == expected_words
    # Devices have no C++ library.
    cxx = launcher.rename(tmp_path / "clang++")
    said = subprocess.run([cxx, *words.split()], capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == expected_words + ["-static-libstdc++"] * ("-Wl,--no-as-needed" in expected_words)


# A real linker: zig's, for musl. What it makes is for aarch64, and says what the judge asks for.

_CLANG = """#!/bin/sh
ZIG_GLOBAL_CACHE_DIR={cache} ZIG_LOCAL_CACHE_DIR={cache}
export ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR
links=yes
for word do
  shift
  case $word in
    -c | -S | -E | --version | -v | -dM) links= ;;
    -fsyntax-only)
      # zig would link.
      links=
      set -- "$@" -c -o "$TMPDIR/syntax.o"
      continue ;;
    --sysroot=* | -Wl,--no-rosegment) continue ;;
  esac
  set -- "$@" "$word"
done
set -- -target aarch64-linux-musl -fno-sanitize=undefined -D__ANDROID__=1 -D__ANDROID_API__={level} "$@"
exec {zig} {kind} "$@" ${{links:+{note}}}
"""
_NOTE = """
__attribute__((section(".note.android.ident"), used, aligned(4)))
static const struct { unsigned name, size, type; char text[8]; unsigned level; } note = { 8, 4, 1, "Android", LEVEL };
"""
_PYTHON = """
void *PyModule_Create2(void *definition, int version) { return definition; }
void *PyModuleDef_Init(void *definition) { return definition; }
void *PyLong_FromLong(long value) { return (void *) value; }
"""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment whose NDK is zig's clang and linker, and whose libpython has a few functions that return."""
    pytest.importorskip("ziglang", reason="needs ziglang")
    directory = tmp_path_factory.mktemp("real android")
    zig = f"{shlex.quote(sys.executable)} -m ziglang"
    ndk = android_files.make_ndk(directory / "ndk", levels=(24,))
    programs, note = ndk / PREBUILT / "bin", directory / "note.o"
    words = {"cache": shlex.quote(str(usable_cache())), "zig": zig, "note": shlex.quote(str(note)), "level": 24}
    for name, kind in ((f"{TRIPLET}24-clang", "cc"), (f"{TRIPLET}24-clang++", "c++")):
        write(programs / name, _CLANG.format(kind=kind, **words), mode=0o755)
    for tool in ("ar", "ranlib"):
        write(programs / f"llvm-{tool}", f'#!/bin/sh\nexec {zig} {tool} "$@"\n', mode=0o755)
    clang = programs / f"{TRIPLET}24-clang"
    source = write(directory / "note.c", _NOTE)
    subprocess.run([clang, "-DLEVEL=24", "-c", source, "-o", note], check=True)
    source, library = write(directory / "python.c", _PYTHON), directory / "libpython.so"
    names = (f"libpython{VERSION}.so", "libpython3.so")
    made = {}
    for name in names:
        link: list[str | Path] = [
            "-shared",
            "-fPIC",
            f"-Wl,-soname,{name}",
            "-Wl,-z,max-page-size=16384",
            source,
            "-o",
            library,
        ]
        subprocess.run([clang, *link], check=True)
        made[name] = library.read_bytes()
    prefix = android_files.make_prefix(directory, libraries=made)
    crossenv = CrossenvCommand(os.environ["PATH"])
    crossenv("create", "--python", sys.executable, "--host-python", prefix, "--ndk", ndk, directory / "env")
    return directory / "env"


def facts_of(data: bytes) -> tuple[set[str], int, str, tuple[int, int]]:
    """What the judge sees: the libraries, the size of pages, the system and its version."""
    read = Elf().linked(data)
    assert read is not None
    return set(read.needed), read.page_size, read.built_for, read.oldest_systems["aarch64"]


@pytest.mark.integration
def test_a_doctor_finds_no_fault(real: Path, run: Run) -> None:
    said = run(sys.executable, "-m", "crossenv", "doctor", real)
    assert "FAIL" not in said


@pytest.mark.integration
def test_a_wheel(real: Path, tmp_path: Path, run: Run) -> None:
    files = built(real, projects.setuptools_c(tmp_path / "toy"), tmp_path, run, f"{PYTHON_TAG}-{PYTHON_TAG}-{TAG}")
    module = files[f"toy/_toy.cpython-{VERSION.replace('.', '')}-{TRIPLET}.so"]
    libraries, page, system, level = facts_of(module)
    assert f"libpython{VERSION}.so" in libraries and (page, system, level) == (16384, "Android", (24, 0))
    (wheel,) = tmp_path.glob("*.whl")
    report = audit_wheel(wheel)
    assert (report.findings, report.unchecked) == ((), ())


@pytest.mark.integration
def test_a_wheel_for_the_stable_abi(real: Path, tmp_path: Path, run: Run) -> None:
    """The version's library is on no device with another version."""
    files = built(real, projects.limited_api(tmp_path / "toy"), tmp_path, run, f"{PYTHON_TAG}-{PYTHON_TAG}-{TAG}")
    libraries = facts_of(files["toy/_toy.abi3.so"])[0]
    assert "libpython3.so" in libraries and f"libpython{VERSION}.so" not in libraries


@pytest.mark.integration
def test_meson_finds_the_library(real: Path, tmp_path: Path, run: Run) -> None:
    """It asks by linking a program."""
    tag = f"{PYTHON_TAG}-{PYTHON_TAG}-{TAG}"
    files = built(real, projects.meson(tmp_path / "toy"), tmp_path, run, tag)
    (module,) = (data for name, data in files.items() if name.endswith(".so"))
    libraries, page, system, _ = facts_of(module)
    assert f"libpython{VERSION}.so" in libraries and (page, system) == (16384, "Android")


@pytest.mark.integration
def test_cmake_takes_the_environments_compiler(real: Path, tmp_path: Path, run: Run) -> None:
    """It looks for an NDK by itself, such as the one that a variable of the user's names, and takes its clang."""
    if shutil.which("cmake") is None or shutil.which("ninja") is None:
        pytest.skip("needs cmake and ninja on PATH")
    text = "cmake_minimum_required(VERSION 3.15)\nproject(toy C)\nadd_library(toy MODULE toy.c)\n"
    text += 'message("said: ${CMAKE_C_COMPILER} ${ANDROID} ${ANDROID_ABI} ${CMAKE_ANDROID_NDK}")\n'
    write(tmp_path / "CMakeLists.txt", text)
    write(tmp_path / "toy.c", "long PyLong_FromLong(long); long toy(void) { return PyLong_FromLong(1); }\n")
    other = android_files.make_ndk(tmp_path / "other")
    environment = {**os.environ, "ANDROID_NDK_ROOT": str(other), "ANDROID_NDK_HOME": str(other)}
    words: list[str | Path] = ["cmake", "-G", "Ninja", "-S", tmp_path, "-B", tmp_path / "out"]
    done = subprocess.run(
        [*words, f"-DCMAKE_TOOLCHAIN_FILE={real}/etc/toolchain.cmake"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"said: {real}/etc/bin/{TRIPLET}24-clang 1 arm64-v8a {real}/etc/ndk" in done.stderr
    run("cmake", "--build", tmp_path / "out")
    libraries, page, system, _ = facts_of((tmp_path / "out/libtoy.so").read_bytes())
    assert f"libpython{VERSION}.so" in libraries and (page, system) == (16384, "Android")

"""What build systems outside of an environment are given: read back by their own rules, and used for real."""

from __future__ import annotations

import ast
import configparser
import dataclasses
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import projects
from conftest import CrossenvCommand, Run
from crossenv.binaries.elf import elf_identity
from crossenv.errors import UsageError
from crossenv.export import EXPORTERS
from crossenv.testing import made_up_record

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# What the file system takes and each of the formats has a meaning for.
ODD = '/made up/it\'s $HOME #1 "x" (é)'
PATHS = ["/made-up/env", "/made up/a b", ODD, "/made up/back\\slash", "/made up/${HOME}"]


@pytest.mark.parametrize("root", PATHS)
def test_meson_reads_the_same_paths(root: str) -> None:
    text = EXPORTERS["meson"](made_up_record("aarch64", root=root))
    parser = configparser.ConfigParser(delimiters=["="], interpolation=None)
    parser.read_string(text)
    word = parser["binaries"]["c"]
    quote = "'''" if word.startswith("'''") else "'"
    # Meson escapes backslashes before it reads the string, and a string in three quotes has no escapes.
    assert word == f"{quote}{root}/etc/bin/aarch64-linux-gnu-gcc{quote}"
    assert "'" not in root or quote == "'''"


# CMake takes a backslash in a path for what Windows has.
@pytest.mark.parametrize("root", [root for root in PATHS if "\\" not in root])
def test_cmake_reads_the_same_paths(root: str, tmp_path: Path, run: Run) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("needs cmake on PATH")
    record = made_up_record("aarch64", root=root)
    for name in ("cmake", "vcpkg"):
        (tmp_path / f"{name}.cmake").write_text(EXPORTERS[name](record))
    (tmp_path / "CMakeLists.txt").write_text(
        "include(cmake.cmake)\ninclude(vcpkg.cmake)\n"
        'file(WRITE said "${CMAKE_C_COMPILER}\\n${PKG_CONFIG_EXECUTABLE}\\n${VCPKG_CHAINLOAD_TOOLCHAIN_FILE}\\n'
        '${VCPKG_TARGET_ARCHITECTURE} ${VCPKG_MAKE_BUILD_TRIPLET} ${VCPKG_CMAKE_SYSTEM_NAME}\\n")\n'
    )
    run("cmake", "-P", tmp_path / "CMakeLists.txt", cwd=tmp_path)
    assert (tmp_path / "said").read_text().splitlines() == [
        f"{root}/etc/bin/aarch64-linux-gnu-gcc",
        f"{root}/etc/bin/aarch64-linux-gnu-pkg-config",
        f"{root}/etc/vcpkg-toolchain.cmake",
        "arm64 --host=aarch64-linux-gnu Linux",
    ]


@pytest.mark.parametrize("root", [*PATHS, "/made up/\x7f\x01"])
def test_cargo_reads_the_same_paths(root: str) -> None:
    data = tomllib.loads(EXPORTERS["cargo"](made_up_record("musllinux_1_2_armv7l", root=root)))
    triple = "armv7-unknown-linux-musleabihf"
    compiler = f"{root}/etc/bin/arm-linux-musleabihf-gcc"
    assert data["build"] == {"target": triple}
    assert data["target"] == {triple: {"linker": compiler}}
    assert data["env"]["CC_armv7_unknown_linux_musleabihf"] == compiler
    assert data["env"]["PKG_CONFIG_armv7_unknown_linux_musleabihf"].endswith("-pkg-config")
    assert not [name for name in data["env"] if name.startswith("CARGO_")]


@pytest.mark.parametrize("root", PATHS)
def test_conan_reads_the_same_paths(root: str) -> None:
    lines = EXPORTERS["conan"](made_up_record("s390x", root=root)).splitlines()
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    compilers = ast.literal_eval(values["tools.build:compiler_executables"])
    assert compilers["c"] == f"{root}/etc/bin/s390x-linux-gnu-gcc"
    assert ast.literal_eval(values["tools.cmake.cmaketoolchain:user_toolchain"]) == [f"{root}/etc/toolchain.cmake"]
    assert (values["os"], values["arch"], values["compiler"], values["compiler.version"]) == (
        *("Linux", "s390x", "gcc", "12"),
    )


@pytest.mark.parametrize("root", PATHS)
def test_env_reads_the_same_values(root: str, run: Run) -> None:
    """`env -S`, as coreutils have it."""
    text = EXPORTERS["env"](made_up_record("aarch64", root=root))
    # "=" alone is a word of env's, so a program follows.
    said = run("env", "-S", f"-i {text} env -0")
    values = dict(item.split("=", 1) for item in said.split("\0") if item)
    assert values["CC"] == f"{root}/etc/bin/aarch64-linux-gnu-gcc"
    assert values["CMAKE_TOOLCHAIN_FILE"] == f"{root}/etc/toolchain.cmake"
    assert values["CARGO_BUILD_TARGET"] == "aarch64-unknown-linux-gnu"
    assert not {"CFLAGS", "PYTHON_CROSSENV", "CROSSENV_RECORD", "PATH"} & set(values)


@pytest.mark.parametrize("root", PATHS)
def test_bash_takes_it_and_puts_everything_back(root: str, tmp_path: Path) -> None:
    if shutil.which("bash") is None:
        pytest.skip("needs bash on PATH")
    (tmp_path / "script").write_text(EXPORTERS["bash"](made_up_record("aarch64", root=root)))
    (tmp_path / "other").write_text(EXPORTERS["bash"](made_up_record("i686", root="/other")))
    program = (
        "set -eu\nCC='a  \"b\" $x'; export CXX='two\nlines'; unset AR\n"
        '. ./script; printf "%s\\0" "$CC" "$CMAKE_TOOLCHAIN_FILE"\n'
        # Another one takes the place of the first.
        '. ./other; printf "%s\\0" "$CC" "$CARGO_BUILD_TARGET"\n'
        'crossenv_undo; printf "%s\\0" "$CC" "$CXX" "${AR-unset}" "${CC@a}" "${CXX@a}" "$(declare -F)"\n'
        'for name in ${!_crossenv*}; do printf "%s\\0" "$name"; done\n'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.stdout.split("\0") == [
        f"{root}/etc/bin/aarch64-linux-gnu-gcc",
        f"{root}/etc/toolchain.cmake",
        "/other/etc/bin/i686-linux-gnu-gcc",
        "i686-unknown-linux-gnu",
        'a  "b" $x',
        "two\nlines",
        "unset",
        # One was exported before and the other was not.
        "",
        "x",
        "",
        "",
    ]
    assert done.stderr == ""


def test_windows_has_names_of_its_own() -> None:
    """Its machines too: AMD64."""
    for target, conan, vcpkg, rust in (
        ("win_amd64", "x86_64", "x64", "x86_64-pc-windows-gnu"),
        ("win32", "x86", "x86", "i686-pc-windows-gnu"),
        ("win_arm64", "armv8", "arm64", "aarch64-pc-windows-gnullvm"),
    ):
        record = made_up_record(target)
        assert {"os=Windows", f"arch={conan}"} < set(EXPORTERS["conan"](record).splitlines())
        triplet = EXPORTERS["vcpkg"](record).splitlines()
        # vcpkg calls Windows by its compiler.
        assert {f"set(VCPKG_TARGET_ARCHITECTURE {vcpkg})", "set(VCPKG_CMAKE_SYSTEM_NAME MinGW)"} < set(triplet)
        assert "set(CMAKE_SYSTEM_NAME Windows)" in EXPORTERS["cmake"](record)
        assert "system = 'windows'" in EXPORTERS["meson"](record)
        assert f'target = "{rust}"' in EXPORTERS["cargo"](record)


@pytest.mark.parametrize("kind", ["cargo", "conan", "vcpkg"])
def test_a_machine_without_a_name_there(kind: str) -> None:
    record = made_up_record("aarch64")
    elf = dataclasses.replace(record.host.identity, machine="mips64", number=8)
    record = dataclasses.replace(record, host=dataclasses.replace(record.host, machine="mips64", identity=elf))
    with pytest.raises(UsageError, match="mips64") as caught:
        EXPORTERS[kind](record)
    assert caught.value.hint


# The command


def test_the_command_prints_and_writes(crossenv: CrossenvCommand, env: Path, tmp_path: Path) -> None:
    printed = crossenv("export", "env", "--env", env).stdout
    assert f"CC={env}/etc/bin/aarch64-linux-gnu-gcc\n" in printed
    assert crossenv("export", "env", VIRTUAL_ENV=str(env)).stdout == printed
    path = tmp_path / "file"
    path.write_text("old")
    assert crossenv("export", "env", "--env", env, "--output", path).stdout == f"{path}\n"
    assert path.read_text() == printed
    data = json.loads(crossenv("export", "env", "--env", env, "--json").stdout)
    assert data == {"format": "env", "environment": str(env), "output": None, "text": printed}
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_what_the_command_cannot_do(crossenv: CrossenvCommand, env: Path, tmp_path: Path) -> None:
    cases: tuple[tuple[tuple[str | Path, ...], str], ...] = (
        (("meson", "--env", tmp_path), "is not a cross environment"),
        (("meson",), "no environment"),
        (("meson", "--env", env, "-o", tmp_path / "missing/file"), "cannot be written"),
        (("meson", "--env", env, "-o", tmp_path), "cannot be written"),
        (("make", "--env", env), "invalid choice: 'make'"),
    )
    for words, says in cases:
        result = crossenv("export", *words, check=False, VIRTUAL_ENV="")
        assert result.returncode == 2
        assert says in result.stderr
        assert result.stdout == ""
        assert not list(tmp_path.iterdir())


# The real build systems

MAIN_C = '#include <stdio.h>\nint twice(int);\nint main(void) { printf("%d\\n", twice(21)); return 0; }\n'
TWICE_C = "int twice(int x) { return 2 * x; }\n"
SOURCES = {"main.c": MAIN_C, "twice.c": TWICE_C}


def is_aarch64(program: Path) -> bool:
    return elf_identity(program).number == 183


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment of its own with Meson, Conan and a reader of dotenv files."""
    directory = tmp_path_factory.mktemp("outside")
    subprocess.run([sys.executable, "-m", "venv", directory], check=True)
    words: list[str | Path] = [directory / "bin/pip", "install", "-q", "meson", "ninja", "conan", "python-dotenv"]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("needs meson, ninja, conan and python-dotenv from an index")
    return directory / "bin"


@pytest.fixture
def exported(real_env: Path, tmp_path: Path, run: Run) -> Callable[[str], Path]:
    """Exports for the environment that compiles for arm64, whose path has a blank in it."""

    def export(kind: str) -> Path:
        path = tmp_path / f"exported {kind}"
        run(sys.executable, "-m", "crossenv", "export", kind, "--env", real_env, "-o", path)
        return path

    return export


@pytest.mark.integration
def test_meson(outside: Path, exported: Callable[[str], Path], tmp_path: Path, run: Run) -> None:
    text = "project('p', 'c')\nassert(meson.is_cross_build())\nexecutable('p', 'main.c', 'twice.c')\n"
    project = projects.write(tmp_path / "project", {"meson.build": text, **SOURCES})
    path = f"{outside}{os.pathsep}{os.environ['PATH']}"
    run(outside / "meson", "setup", "--cross-file", exported("meson"), tmp_path / "out", project, PATH=path)
    run(outside / "ninja", "-C", tmp_path / "out")
    assert is_aarch64(tmp_path / "out/p")


CMAKE = (
    "cmake_minimum_required(VERSION 3.15...3.31)\nproject(p LANGUAGES C)\n"
    "if(NOT CMAKE_CROSSCOMPILING)\n  message(FATAL_ERROR native)\nendif()\n"
)


@pytest.mark.integration
def test_cmake(exported: Callable[[str], Path], tmp_path: Path, run: Run) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("needs cmake on PATH")
    text = CMAKE + "add_executable(p main.c twice.c)\n"
    project = projects.write(tmp_path / "project", {"CMakeLists.txt": text, **SOURCES})
    run("cmake", "-S", project, "-B", tmp_path / "out", f"-DCMAKE_TOOLCHAIN_FILE={exported('cmake')}")
    run("cmake", "--build", tmp_path / "out")
    assert is_aarch64(tmp_path / "out/p")


@pytest.mark.integration
def test_vcpkg_chain_loads(exported: Callable[[str], Path], tmp_path: Path, run: Run) -> None:
    """vcpkg itself is not here: what it does with a triplet is done by hand."""
    if shutil.which("cmake") is None:
        pytest.skip("needs cmake on PATH")
    text = CMAKE + "add_library(p STATIC twice.c)\nfile(WRITE flags ${CMAKE_C_FLAGS})\n"
    project = projects.write(tmp_path / "project", {"CMakeLists.txt": text, **SOURCES})
    asking = f'include("{exported("vcpkg")}")\nmessage("${{VCPKG_CHAINLOAD_TOOLCHAIN_FILE}}")\n'
    (tmp_path / "ask.cmake").write_text(asking)
    done = subprocess.run(
        ["cmake", "-P", tmp_path / "ask.cmake"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    words = [f"-DCMAKE_TOOLCHAIN_FILE={done.stderr.strip()}", "-DVCPKG_C_FLAGS=-DGIVEN"]
    run("cmake", "-S", project, "-B", tmp_path / "out", *words)
    run("cmake", "--build", tmp_path / "out")
    assert shlex.split((project / "flags").read_text()) == ["-fPIC", "-DGIVEN"]
    run("ar", "x", tmp_path / "out/libp.a", cwd=tmp_path)
    assert is_aarch64(next(tmp_path.glob("twice*.o")))


@pytest.mark.integration
def test_cargo(exported: Callable[[str], Path], rust_target: str, tmp_path: Path, run: Run) -> None:
    manifest = '[package]\nname = "p"\nversion = "1.0.0"\nedition = "2021"\n'
    build = 'fn main() { println!("cargo:warning={}", std::env::var("CC_aarch64_unknown_linux_gnu").unwrap()); }\n'
    project = projects.write(
        tmp_path / "project",
        {"Cargo.toml": manifest, "src/main.rs": 'fn main() { println!("{}", usize::BITS); }\n', "build.rs": build},
    )
    (project / ".cargo").mkdir()
    exported("cargo").rename(project / ".cargo/config.toml")
    run("cargo", "build", "-q", "--offline", cwd=project)
    assert is_aarch64(project / "target" / rust_target / "debug/p")


CONANFILE = """
from conan import ConanFile
from conan.tools.cmake import CMake

class {kind}(ConanFile):
    name = "{name}"
    version = "1.0"
    settings = "os", "arch", "compiler", "build_type"
    generators = "CMakeToolchain", "CMakeDeps"
    exports_sources = "*"
    {requires}

    def build(self):
        self.run('test -n "$AR" && "$AR" --version')
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()

    def package_info(self):
        self.cpp_info.libs = [{libs}]
        self.cpp_info.includedirs = []
"""


@pytest.mark.integration
def test_conan(outside: Path, exported: Callable[[str], Path], tmp_path: Path, run: Run) -> None:
    """A library, and a program that finds it as a package."""
    if shutil.which("cmake") is None:
        pytest.skip("needs cmake on PATH")
    projects.write(
        tmp_path,
        {
            "library/conanfile.py": CONANFILE.format(kind="Library", name="twice", requires="", libs="'twice'"),
            "library/CMakeLists.txt": CMAKE + "add_library(twice STATIC twice.c)\ninstall(TARGETS twice)\n",
            "library/twice.c": TWICE_C,
            "program/conanfile.py": CONANFILE.format(
                kind="Program", name="program", requires='requires = "twice/1.0"', libs=""
            ),
            "program/CMakeLists.txt": CMAKE + "find_package(twice REQUIRED)\nadd_executable(p main.c)\n"
            "target_link_libraries(p twice::twice)\ninstall(TARGETS p)\n",
            "program/main.c": MAIN_C,
        },
    )
    extra = {"CONAN_HOME": str(tmp_path / "home")}
    run(outside / "conan", "profile", "detect", **extra)
    words = [f"--profile:host={exported('conan')}", "--profile:build=default", "--no-remote"]
    for name in ("library", "program"):
        run(outside / "conan", "create", tmp_path / name, *words, **extra)
    (program,) = (tmp_path / "home/p").glob("b/*/p/bin/p")
    assert is_aarch64(program)


@pytest.mark.integration
def test_variables(outside: Path, exported: Callable[[str], Path], tmp_path: Path, run: Run) -> None:
    """A compiler that a script calls by its variable, under `env -S`, from a dotenv file and in bash."""
    projects.write(tmp_path, SOURCES)
    command = '"$CC" main.c twice.c -o'
    run("env", "-S", f"{exported('env').read_text()} sh -c '{command} first'", cwd=tmp_path)
    code = (
        "import dotenv, subprocess, sys\n"
        "values = dotenv.dotenv_values(sys.argv[1])\n"
        "subprocess.run([values['CC'], 'main.c', 'twice.c', '-o', 'second'], check=True)\n"
    )
    run(outside / "python", "-c", code, exported("env"), cwd=tmp_path)
    run(
        "bash",
        "-euc",
        f'. "$1"; {command} third; crossenv_undo; test -z "${{CC-}}"',
        "-",
        exported("bash"),
        cwd=tmp_path,
    )
    assert all(is_aarch64(tmp_path / name) for name in ("first", "second", "third"))

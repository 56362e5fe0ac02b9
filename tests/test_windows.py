"""Targets that run Windows: names, the host Python that is derived for them, and what a project is told."""

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
import sysconfig
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from _crossenv import patches, project_platform

import projects
from conftest import CrossenvCommand, Run
from crossenv import testing
from crossenv.emulation.wine import wine_name
from crossenv.platforms import PLATFORMS, Libc, Machine
from crossenv.platforms.architectures import PE
from crossenv.synthesis.windows_exports import VERSIONS, declared_names, definition_text, exported_names
from crossenv.synthesis.windows_pyconfig import pyconfig_text, sizes
from crossenv.targets import parse_target
from test_zig import needs_zig
from wheels import built

SYSTEM: Any = {
    "title": "Windows",
    "platform": "win-amd64",
    "tags": ["win_amd64"],
    "os_name": "nt",
    "sys_platform": "win32",
    "system": "Windows",
    "stable_suffix": ".pyd",
    "libraries": ["python313", "python3"],
}
FACTS: Any = {"machine": "AMD64", "identity": {"bits": 64}, "system": SYSTEM, "accepted_platforms": [], "abi_flags": ""}
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
NODOT = VERSION.replace(".", "")


@pytest.mark.parametrize(
    ("names", "tag", "machine", "number", "zig", "rust"),
    [
        (
            ("win_amd64", "x86_64-w64-mingw32", "x86_64-pc-windows-msvc", "x86_64-windows-gnu"),
            *("win_amd64", "AMD64", 0x8664, "x86_64-windows-gnu", "x86_64-pc-windows-gnu"),
        ),
        (("win32", "i686-w64-mingw32"), "win32", "x86", 0x14C, "x86-windows-gnu", "i686-pc-windows-gnu"),
        (
            ("win_arm64", "aarch64-w64-mingw32", "aarch64-pc-windows-msvc", "aarch64-pc-windows-gnullvm"),
            *("win_arm64", "ARM64", 0xAA64, "aarch64-windows-gnu", "aarch64-pc-windows-gnullvm"),
        ),
    ],
)
def test_targets(names: tuple[str, ...], tag: str, machine: str, number: int, zig: str, rust: str) -> None:
    for name in names:
        target = parse_target(name)
        assert (target.platform_tag, target.machine, target.zig_triple, target.rust_triple) == (tag, machine, zig, rust)
        assert (target.identity.format, target.identity.number, target.system) == (PE, number, "win32")
        assert target.extension_suffixes((3, 13), "t", libc_known=True) == (".pyd", f".cp313t-{tag}.pyd")
        windows = PLATFORMS["win32"]
        where = Machine(name=machine, libc=Libc(family="ucrt", version=""), multiarch="", identity=target.identity)
        assert windows.accepted_tags(where) == (tag,)
        assert windows.get_platform(where) == tag.replace("_", "-")
        assert windows.rust_target(where) == rust


def test_targets_are_listed(crossenv: CrossenvCommand) -> None:
    rows = {row["target"]: row for row in json.loads(crossenv("targets", "--json").stdout)}
    found = rows["win_arm64"]
    assert (found["machine"], found["triplet"]) == ("ARM64", "aarch64-w64-mingw32")


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="wine runs programs of its own machine")
def test_the_emulator_is_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("crossenv.emulation.wine.PLACES", ())
    monkeypatch.setattr("crossenv.emulation.wine._PARTS_32", ())
    names = ("win_amd64", "win32", "win_arm64", "aarch64")
    assert [wine_name(parse_target(name), str(tmp_path)) for name in names] == [None] * 4
    projects.write(tmp_path, {"wine": "#!/bin/sh\n"})
    (tmp_path / "wine").chmod(0o755)
    assert [wine_name(parse_target(name), str(tmp_path)) for name in names] == ["wine", None, None, None]
    monkeypatch.setattr("crossenv.emulation.wine._PARTS_32", (str(tmp_path.relative_to("/")),))
    assert wine_name(parse_target("win32"), str(tmp_path)) == "wine"


def test_the_exports_of_each_version() -> None:
    for version in VERSIONS:
        names = exported_names(version)
        assert len(names) > 900
        text = definition_text(version) or ""
        assert text.startswith(f"LIBRARY python{version}.dll\nEXPORTS\n")
        assert "\nPyModule_Create2\n" in text
        assert "\nPy_None DATA\n" not in text
        assert "\n_Py_NoneStruct DATA\n" in text
    # Added in 3.12 and 3.13; the stable ABI has nothing of the free-threaded build's own.
    assert "PyType_FromMetaclass" in exported_names("312") - exported_names("311")
    assert "PyDict_Pop" in exported_names("313") - exported_names("312")
    assert "_Py_MergeZeroLocalRefcount" in exported_names("313t") - exported_names("313") - exported_names("3")
    assert definition_text("39") is None


def test_the_exports_of_a_later_version(tmp_path: Path) -> None:
    """They are those of the newest that is known, and what the version's headers declare."""
    declarations = """
        PyAPI_FUNC(PyObject *) PyNew_FromInt(int);
        /* PyAPI_FUNC(int) PyNew_Gone(void); */
        PyAPI_FUNC(void (*)(int)) PyNew_Handler(void);
        PyAPI_DATA(const char *const) PyNew_Name;
        extern PyAPI_DATA(PyTypeObject) PyNew_Type;
    """
    projects.write(tmp_path, {"cpython/new.h": declarations})
    lines = (definition_text("399t", headers=tmp_path) or "").splitlines()
    assert lines[0] == "LIBRARY python399t.dll"
    assert [line for line in lines if "PyNew" in line] == [
        *("PyNew_FromInt", "PyNew_Handler", "PyNew_Name DATA", "PyNew_Type DATA")
    ]  # fmt: skip
    assert exported_names("314t") <= {line.removesuffix(" DATA") for line in lines}
    # Nothing is guessed of an older one, nor added to one of the table.
    assert definition_text("39", headers=tmp_path) is None
    assert "PyNew_Name" not in (definition_text("312", headers=tmp_path) or "")


def test_headers_declare_what_is_exported() -> None:
    headers = Path(sysconfig.get_path("include"))
    if not (headers / "Python.h").is_file() or NODOT not in VERSIONS:
        pytest.skip("needs the headers of a Python of the table")
    names = exported_names(NODOT)
    missing = names - declared_names(headers).keys()
    # Names for the binary alone: those of older headers.
    assert len(missing) < 50 < len(names)
    assert not missing & {"PyModule_Create2", "PyType_FromModuleAndSpec", "_Py_NoneStruct", "PyExc_ValueError"}


def test_pyconfig_of_each_version() -> None:
    """scripts/windows_facts.py compares every macro with the real ones."""
    for minor, present, absent in (
        (10, "HAVE_COPYSIGN 1", "HAVE_SOCKET"),
        (11, "HAVE_SOCKET 1", "ALIGNOF_MAX_ALIGN_T"),
        (12, "HAVE_LIBNSL 1", "WITH_MIMALLOC"),
        (13, "WITH_MIMALLOC 1", "HAVE_LIBNSL"),
        (14, "_PYTHREAD_NAME_MAXLEN 32766", "WITH_FREELISTS"),
    ):
        text = pyconfig_text((3, minor), free_threaded=False)
        assert f"#define {present}\n" in text
        assert absent not in text
        assert "Py_GIL_DISABLED" not in text
        names = re.findall(r"^#define (\w+)", text, re.MULTILINE)
        twice = {name for name in names if names.count(name) > 1}
        # Of pointers, on 64 and on 32 bits.
        assert twice == {"SIZEOF_VOID_P", "SIZEOF_SIZE_T", "SIZEOF_HKEY", "ALIGNOF_SIZE_T"}
    assert "#define Py_GIL_DISABLED 1\n" in pyconfig_text((3, 13), free_threaded=True)
    assert (sizes(64)["SIZEOF_VOID_P"], sizes(32)["SIZEOF_VOID_P"], sizes(64)["SIZEOF_LONG"]) == (8, 4, 4)


def test_markers_of_what_is_resolved_for_the_target() -> None:
    from packaging import markers

    module = type(markers)("packaging.markers")
    module.__dict__.update(vars(markers))
    patches.packaging_markers(module, FACTS)
    answers = module.default_environment()
    wanted = {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64"}
    assert {name: answers[name] for name in wanted} == wanted
    assert answers["python_version"] == VERSION


@pytest.fixture
def import_() -> Iterator[None]:
    before = builtins.__import__
    yield
    builtins.__import__ = before


ASKS = """
import sys, os, platform, os.path
from sys import platform as said, version_info
from os import name, sep
from platform import system
import sysconfig as other
answers = [sys.platform, said, os.name, name, platform.system(), system(), platform.machine(), platform.architecture()]
version = sys.getwindowsversion()[:2]
built = sys.version
real = (sep, version_info, sys.executable, os.path.join("a", "b"), isinstance(os, type(other)))
sys.crossenv_mark = 1
"""


@pytest.mark.usefixtures("import_")
def test_a_project_is_told_of_the_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "project"
    program_files = "ProgramFiles"
    for name in (program_files, "ProgramFiles(x86)"):
        # Gone afterwards.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    project_platform.install(str(project), FACTS, SYSTEM)

    def run_as(file: Path) -> dict[str, Any]:
        namespace: dict[str, Any] = {"__file__": str(file), "__name__": "__main__"}
        exec(
            compile(
                ASKS.replace("sys.getwindowsversion()[:2]", "getattr(sys, 'getwindowsversion', tuple)()[:2]"),
                str(file),
                "exec",
            ),
            namespace,
        )
        return namespace

    # pillow lists it.
    assert not any(Path(os.environ[program_files]).iterdir())
    told = run_as(project / "setup.py")
    windows = ["win32", "win32", "nt", "nt", "Windows", "Windows", "AMD64", ("64bit", "WindowsPE")]
    assert told["answers"] == windows
    assert told["version"] == (10, 0)
    assert told["built"].startswith(sys.version[:-1]) and told["built"].endswith(" 64 bit (AMD64)]")
    assert told["real"] == (os.sep, sys.version_info, sys.executable, "a/b", True)
    # What it changes is changed.
    assert vars(sys).pop("crossenv_mark") == 1
    # Nobody else is told so: the standard library, build requirements beside or in the project.
    for other in (tmp_path / "other.py", project / "venv/lib/site-packages/x.py"):
        native = run_as(other)
        assert native["answers"][:5] == [sys.platform, sys.platform, os.name, os.name, platform.system()]
    assert vars(sys).pop("crossenv_mark") == 1


@pytest.mark.usefixtures("import_")
def test_a_project_can_be_told_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(project_platform.VARIABLE, "native")
    before = builtins.__import__
    project_platform.install(str(tmp_path), FACTS, SYSTEM)
    assert builtins.__import__ is before


@pytest.mark.parametrize("option", [("--cc", "gcc"), ("--toolchain", "gnu")])
def test_compilers_that_cannot_be_used_yet(crossenv: CrossenvCommand, tmp_path: Path, option: tuple[str, str]) -> None:
    words = ("create", "--python", sys.executable, "--target", "win_amd64", *option, tmp_path / "env")
    said = crossenv(*words, check=False)
    assert said.returncode == 4
    assert "wheels for win_amd64 are compiled with zig only" in said.stderr
    assert not (tmp_path / "env").exists()


@pytest.fixture(scope="module")
def windows_env(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dll = f"{sys.version_info[0]}{sys.version_info[1]}"
    if dll not in VERSIONS:
        pytest.skip(f"nothing is known of what python{dll}.dll for Windows exports")
    env = tmp_path_factory.mktemp("windows") / "env"
    CrossenvCommand(os.environ["PATH"])("create", "--python", sys.executable, "--target", "win_amd64", env)
    return env


def imported_dlls(data: bytes) -> list[str]:
    """The DLLs in a 64-bit DLL's import table, read here independently."""
    (at,) = struct.unpack_from("<I", data, 0x3C)
    assert (data[at : at + 4], struct.unpack_from("<H", data, at + 4)[0]) == (b"PE\0\0", 0x8664)
    sections, size = struct.unpack_from("<H", data, at + 6)[0], struct.unpack_from("<H", data, at + 20)[0]
    rows: list[tuple[int, int, int, int]] = [
        struct.unpack_from("<8xIIII", data, at + 24 + size + 40 * number) for number in range(sections)
    ]

    def place(address: int) -> int:
        return next(address - start + raw for _size, start, length, raw in rows if start <= address < start + length)

    table, found = place(struct.unpack_from("<I", data, at + 24 + 120)[0]), []
    while name := struct.unpack_from("<12xI4x", data, table)[0]:
        start = place(name)
        found.append(data[start : data.index(b"\0", start)].decode().lower())
        table += 20
    return found


@needs_zig
@pytest.mark.integration
def test_environment(windows_env: Path, run: Run) -> None:
    code = """
        import json, os, platform, sys, sysconfig
        names = "EXT_SUFFIX SOABI EXE VERSION Py_ENABLE_SHARED SIZEOF_VOID_P".split()
        print(json.dumps([sysconfig.get_platform(), [sysconfig.get_config_var(n) for n in names], sys.platform, os.name,
                          platform.machine()]))
    """
    said = run(windows_env / "bin/cross-python", "-c", textwrap.dedent(code))
    suffix = f"cp{NODOT}-win_amd64"
    assert eval(said) == [
        *("win-amd64", [f".{suffix}.pyd", suffix, "", NODOT, 1, 8], sys.platform, os.name, "AMD64")
    ]  # fmt: skip


@needs_zig
@pytest.mark.integration
def test_setuptools(windows_env: Path, tmp_path: Path, run: Run) -> None:
    """A project that asks for the system, speaks to MSVC, and has a module for the stable ABI too."""
    project = projects.setuptools_c(tmp_path / "project")
    (project / "setup.py").write_text(
        textwrap.dedent("""
            import sys
            from setuptools import Extension, setup
            assert sys.platform == "win32"
            words = dict(extra_compile_args=["/O2", "/DANSWER=1"], extra_link_args=["Ws2_32.lib", "/OPT:REF"])
            limited = [("Py_LIMITED_API", "0x030A0000")]
            setup(packages=["toy"], ext_modules=[
                Extension("toy._toy", ["toy.c"], **words),
                Extension("toy._stable", ["stable.c"], py_limited_api=True, define_macros=limited),
            ])
        """)
    )
    head = "#include <Windows.h>\n#include <WinSock2.h>\n#if ANSWER != 1\n#error\n#endif\n"
    (project / "stable.c").write_text((project / "toy.c").read_text().replace("_toy", "_stable"))
    (project / "toy.c").write_text(
        head + (project / "toy.c").read_text().replace("sizeof(void *)", "sizeof(long double)")
    )
    files = built(windows_env, project, tmp_path / "out", run, "win_amd64")
    ours = f"toy/_toy.cp{NODOT}-win_amd64.pyd"
    assert sorted(name for name in files if name.endswith((".pyd", ".dll", ".lib", ".pdb", ".so"))) == [
        *("toy/_stable.pyd", ours)
    ]  # fmt: skip
    assert f"python{NODOT}.dll" in imported_dlls(files[ours])
    stable = imported_dlls(files["toy/_stable.pyd"])
    assert "python3.dll" in stable
    assert f"python{NODOT}.dll" not in stable


@needs_zig
@pytest.mark.integration
def test_modules_built_in_place(windows_env: Path, tmp_path: Path, run: Run) -> None:
    """They are package data named `*.so`; and C that Microsoft's compiler only warns of."""
    project = projects.setuptools_c(tmp_path / "project")
    (project / "setup.py").write_text(
        textwrap.dedent("""
            import sys
            from setuptools import Distribution, Extension, setup
            if "bdist_wheel" in sys.argv:
                words = ["build_ext", "--inplace"]
                setup(packages=["toy"], ext_modules=[Extension("toy._toy", ["toy.c"])], script_args=words)
            class Native(Distribution):
                has_ext_modules = lambda self: True
            setup(packages=["toy"], package_data={"toy": ["*.so"]}, distclass=Native)
        """)
    )
    careless = "int pid(void) { long *at = (int *)0; int number = (char *)at; return number + _getpid(); }\n"
    (project / "toy.c").write_text(careless + (project / "toy.c").read_text())
    files = built(windows_env, project, tmp_path / "out", run, "win_amd64")
    assert f"toy/_toy.cp{NODOT}-win_amd64.pyd" in files


@needs_zig
@pytest.mark.integration
@pytest.mark.parametrize("make", [projects.meson, projects.scikit_build_core], ids=["Meson", "CMake"])
def test_build_systems(make: Any, windows_env: Path, tmp_path: Path, run: Run) -> None:
    project = make(tmp_path / "project")
    if (project / "meson.build").exists():
        with (project / "meson.build").open("a") as file:
            file.write("shared_library('helper', 'helper.c', install: true)\n")
        (project / "helper.c").write_text("__declspec(dllexport) int helper(void) { return 3; }\n")
    files = built(windows_env, project, tmp_path / "out", run, "win_amd64")
    # Meson's targets bring import libraries with them, which nobody links to in a wheel.
    assert [name for name in files if name.endswith((".lib", ".a", ".pdb"))] == []
    assert ".toy.mesonpy.libs/libhelper.dll" in files or not (project / "helper.c").exists()
    native = [name for name in files if name.endswith((".pyd", ".so"))]
    assert len(native) == 1
    assert native[0].endswith(f".cp{NODOT}-win_amd64.pyd")
    assert f"python{NODOT}.dll" in imported_dlls(files[native[0]])


@needs_zig
@pytest.mark.integration
def test_only_what_needs_it_has_the_run_time_library(windows_env: Path, tmp_path: Path, run: Run) -> None:
    """It is 60 KB, all or nothing, and has a `memcpy` and a `sin` of its own, which the C library has too."""
    compiler = windows_env / "etc/bin/x86_64-w64-mingw32-clang"
    projects.write(
        tmp_path,
        {
            "plain.c": """
                #include <math.h>
                #include <string.h>
                double f(char *a, char *b, int n) {
                    volatile char large[9999];
                    memcpy(a, b, n);
                    return large[n] + sin(n);
                }
            """,
            "wide.c": "__int128 f(__int128 a, __int128 b) { return a / b; }\n",
            "wrong.c": "int nowhere(void);\nint f(void) { return nowhere(); }\n",
        },
    )
    for name, least, most in (("plain", 5_000, 20_000), ("wide", 50_000, 100_000)):
        run(compiler, "-O2", "-shared", tmp_path / f"{name}.c", "-o", tmp_path / f"{name}.dll")
        data = (tmp_path / f"{name}.dll").read_bytes()
        assert least < len(data) < most, name
        imported = [one for one in imported_dlls(data) if one.startswith("api-ms-win-crt-math")]
        assert len(imported) == (name == "plain")
    words = [compiler, "-shared", tmp_path / "wrong.c", "-o", tmp_path / "wrong.dll"]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    assert done.returncode and done.stderr.count("undefined symbol: nowhere") == 1


RESOURCES = """
#include <Windows.h>
#include "toy.h"
VS_VERSION_INFO VERSIONINFO
FILEVERSION 1, 2, 3, 4
BEGIN
  BLOCK "StringFileInfo"
  BEGIN
    BLOCK "040904B0"
    BEGIN
      VALUE "ProductName", PRODUCT
    END
  END
END
"""


def with_resources(make: Callable[[Path], Path], directory: Path) -> Path:
    """A project whose module has a resource too, beside a C file of the same name."""
    project = make(directory)
    projects.write(project, {"toy.rc": RESOURCES, "res/toy.h": '#define PRODUCT "A small toy"\n'})
    for name, old, new in (
        ("setup.py", "['toy.c']", "['toy.c', 'toy.rc'], include_dirs=['res']"),
        (
            "meson.build",
            "'toy.c', header",
            "'toy.c', header, import('windows').compile_resources('toy.rc',"
            " include_directories: include_directories('res'))",
        ),
        ("CMakeLists.txt", "MODULE toy.c", "MODULE toy.c toy.rc"),
        ("CMakeLists.txt", "LANGUAGES C", "LANGUAGES C RC"),
        ("CMakeLists.txt", "install(", "target_include_directories(_toy PRIVATE res)\ninstall("),
    ):
        if (file := project / name).exists():
            assert old in file.read_text()
            file.write_text(file.read_text().replace(old, new))
    return project


@needs_zig
@pytest.mark.integration
@pytest.mark.thorough
@pytest.mark.parametrize(
    "make",
    [projects.setuptools_c, projects.meson, projects.scikit_build_core],
    ids=["setuptools", "Meson", "CMake"],
)
def test_resources(make: Callable[[Path], Path], windows_env: Path, tmp_path: Path, run: Run) -> None:
    """The same words for each: zig makes its resource compiler for a minute when it is first used."""
    files = built(windows_env, with_resources(make, tmp_path / "project"), tmp_path / "out", run, "win_amd64")
    (module,) = [data for name, data in files.items() if name.endswith(".pyd")]
    assert "A small toy".encode("utf-16-le") in module
    assert f"python{NODOT}.dll" in imported_dlls(module)


@needs_zig
@pytest.mark.integration
def test_resource_compiler_says_what_is_missing(windows_env: Path, tmp_path: Path) -> None:
    windres = str(windows_env / "etc/bin/x86_64-w64-mingw32-windres")
    for words, says in (
        (["x.rc"], "the output is not named"),
        (["-o"], "-o needs a value"),
        (["--input-format=res", "x.res", "x.o"], "reads .rc files only"),
    ):
        done = subprocess.run([windres, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert says in line


@pytest.fixture
def rust_target(run: Run) -> None:
    rustc = shutil.which("rustc")
    if rustc is None or shutil.which("cargo") is None:
        pytest.skip("needs cargo and rustc on PATH")
    if not Path(run(rustc, "--print", "target-libdir", "--target", "x86_64-pc-windows-gnu").strip()).is_dir():
        pytest.skip("needs Rust's standard library for x86_64-pc-windows-gnu")


@needs_zig
@pytest.mark.integration
def test_rust_finds_the_library(windows_env: Path) -> None:
    """PyO3 looks for it here, and maturin for a description, for want of `_sysconfigdata` with SOABI "cpython-..."."""
    environment = json.loads((windows_env / "crossenv.json").read_text())["handover"]["environment"]
    libraries = Path(environment["PYO3_CROSS_LIB_DIR"])
    assert (libraries / f"python{NODOT}.lib").is_file()
    details = json.loads((libraries / "build-details.json").read_text())
    assert details["abi"]["extension_suffix"] == f".cp{NODOT}-win_amd64.pyd"


@needs_zig
@pytest.mark.integration
@pytest.mark.thorough
@pytest.mark.usefixtures("rust_target")
@pytest.mark.parametrize(
    ("backend", "features", "tag", "name", "dll"),
    [
        ("maturin", "extension-module", f"cp{NODOT}-cp{NODOT}", f".cp{NODOT}-win_amd64.pyd", f"python{NODOT}.dll"),
        ("maturin", "abi3-py310", "cp310-abi3", ".pyd", "python3.dll"),
        ("setuptools-rust", "abi3-py310", "cp310-abi3", ".pyd", "python3.dll"),
    ],
)
def test_rust(
    backend: str, features: str, tag: str, name: str, dll: str, windows_env: Path, tmp_path: Path, run: Run
) -> None:
    project = projects.rust(tmp_path / "project", backend)
    manifest = project / "Cargo.toml"
    manifest.write_text(re.sub(r"features = .*]", f'features = ["{features}"]', manifest.read_text()))
    files = built(windows_env, project, tmp_path / "out", run, "win_amd64")
    (wheel,) = (tmp_path / "out").glob("*.whl")
    assert wheel.name.endswith(f"-{tag}-win_amd64.whl")
    native = {one: data for one, data in files.items() if one.endswith((".pyd", ".dll", ".so"))}
    assert [one.rpartition("_toy")[2] for one in native] == [name]
    assert [one for one in imported_dlls(*native.values()) if one.startswith("python")] == [dll]


def test_the_made_up_environment_of_a_windows_target() -> None:
    host = testing.made_up("win_amd64")["host"]
    assert (host["wheel"]["platform_tag"], host["markers"]["sys_platform"]) == ("win_amd64", "win32")
    details = host["python"]["build_details"]
    assert details["abi"]["extension_suffix"].endswith("-win_amd64.pyd")
    assert details["platform"] == "win-amd64"


@needs_zig
@pytest.mark.integration
@pytest.mark.parametrize(("tool", "name"), [("clang", "x.c"), ("clang++", "x.cc")])
def test_long_double(windows_env: Path, tmp_path: Path, run: Run, tool: str, name: str) -> None:
    """MinGW's own functions are for 80 bits, and so is its printf, which headers choose for GNU's and C++'s words."""
    source = tmp_path / name
    source.write_text("""
        #include <math.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <wchar.h>
        int size[sizeof(long double) == 8 ? 1 : -1];
        void f(long double x) {
            printf("%Lf", sinl(x) + powl(x, 2) + fmodl(x, 3) + nextafterl(x, 1) + strtold("2", NULL));
            printf("%Lf", wcstold(L"2", NULL));
        }
    """)
    compiler = windows_env / f"etc/bin/x86_64-w64-mingw32-{tool}"
    run(compiler, "-O2", "-D_GNU_SOURCE", "-D__USE_MINGW_ANSI_STDIO=1", "-c", source, "-o", tmp_path / "x.o")
    data = (tmp_path / "x.o").read_bytes()
    wide = (b"sinl", b"powl", b"fmodl", b"nextafterl", b"strtold", b"wcstold", b"__mingw_")
    assert [one for one in wide if one in data] == []
    assert b"wcstod" in data


@needs_zig
@pytest.mark.integration
def test_a_type_that_is_not_in_microsofts_winternl(windows_env: Path, tmp_path: Path, run: Run) -> None:
    """psutil defines it itself; the structure that has a member of it keeps its layout."""
    source = tmp_path / "x.c"
    source.write_text("""
        #include <stddef.h>
        #include <windows.h>
        #include <Winternl.h>
        typedef enum _KWAIT_REASON { Executive, WrKeyedEvent } KWAIT_REASON;
        int place[offsetof(SYSTEM_THREADS, WaitReason) == 72 && sizeof(SYSTEM_THREADS) == 80 ? 1 : -1];
    """)
    run(windows_env / "etc/bin/x86_64-w64-mingw32-clang", "-c", source, "-o", tmp_path / "x.o")


@needs_zig
@pytest.mark.integration
def test_xgetbv_needs_no_option(windows_env: Path, tmp_path: Path, run: Run) -> None:
    """Code that finds out at run time what the processor has, as Microsoft's compiler takes it."""
    source = tmp_path / "x.cc"
    source.write_text("#include <intrin.h>\n#include <immintrin.h>\nunsigned long long f() { return _xgetbv(0); }\n")
    strict = ("-Wall", "-Wextra", "-Wpedantic", "-Weverything", "-Werror", "-Wno-missing-prototypes")
    quiet = ("-Wno-c++98-compat-pedantic", "-Wno-language-extension-token")
    run(
        windows_env / "etc/bin/x86_64-w64-mingw32-clang++", "-O2", *strict, *quiet, "-c", source, "-o", tmp_path / "x.o"
    )
    assert b"\x0f\x01\xd0" in (tmp_path / "x.o").read_bytes()


@needs_zig
@pytest.mark.integration
def test_the_preprocessors_output_is_the_projects(windows_env: Path, tmp_path: Path, run: Run) -> None:
    """zstandard gives it to a parser of C; what else is compiled of it has a long double of 64 bits."""
    compiler = windows_env / "etc/bin/x86_64-w64-mingw32-clang"
    source, output = tmp_path / "x.c", tmp_path / "x.i"
    source.write_text("long double f(long double x);\n")
    lines = [line for line in run(compiler, "-E", source).splitlines() if line and not line.startswith("#")]
    assert lines == [source.read_text().strip()]
    source.write_text("#include <math.h>\nlong double f(long double x) { return sinl(x); }\n")
    run(compiler, "-E", source, "-o", output)
    run(compiler, "-O2", "-c", output, "-o", tmp_path / "x.o")
    assert b"sinl" not in (tmp_path / "x.o").read_bytes()


@needs_zig
@pytest.mark.integration
def test_a_variable_that_two_sources_declare(windows_env: Path, tmp_path: Path, run: Run) -> None:
    """C in which a header has `int shared;`, as psutil's has: it is one variable for Microsoft's compiler."""
    for name in ("one.c", "two.c"):
        (tmp_path / name).write_text(f"int shared; int in_{name[:3]}(void) {{ return ++shared; }}\n")
    compiler = windows_env / "etc/bin/x86_64-w64-mingw32-clang"
    run(compiler, "-shared", tmp_path / "one.c", tmp_path / "two.c", "-o", tmp_path / "x.dll")


@needs_zig
@pytest.mark.integration
def test_a_static_library_under_microsofts_name(windows_env: Path, tmp_path: Path, run: Run) -> None:
    """`libthing.lib` of a project that has made `libthing.a` itself (pynacl's libsodium)."""
    (tmp_path / "thing.c").write_text("int thing(void) { return 1; }\n")
    (tmp_path / "user.c").write_text("int thing(void);\nint user(void) { return thing(); }\n")
    tools = windows_env / "etc/bin"
    compiler = tools / "x86_64-w64-mingw32-clang"
    run(compiler, "-c", tmp_path / "thing.c", "-o", tmp_path / "thing.o")
    run(tools / "x86_64-w64-mingw32-ar", "rcs", tmp_path / "libthing.a", tmp_path / "thing.o")
    for library in ("-llibthing", "-lthing", "libthing.lib"):
        # rapidfuzz asks for optimisation by the linker as well, with which no link would succeed.
        run(compiler, "-shared", "-flto=thin", tmp_path / "user.c", "-L", tmp_path, library, "-o", tmp_path / "x.dll")


@needs_zig
@pytest.mark.integration
@pytest.mark.thorough
@pytest.mark.skipif(sys.version_info < (3, 13), reason="no older Python is free-threaded")
@pytest.mark.parametrize("target", ["win_amd64", "win_arm64", "win32"])
def test_free_threaded(target: str, tmp_path: Path, run: Run, crossenv: CrossenvCommand) -> None:
    """A target whose Python has no GIL, from nothing; the headers for Arm64 ask for a register as MSVC's users do."""
    env, project = tmp_path / "env", projects.setuptools_c(tmp_path / "project")
    crossenv("create", "--python", sys.executable, "--target", target, "--free-threaded", env)
    run(env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project)
    (wheel,) = (tmp_path / "out").glob(f"*-cp{NODOT}-cp{NODOT}t-{target}.whl")
    said = crossenv("audit", wheel).stdout
    assert f"python{NODOT}t.dll" in said


@needs_zig
@pytest.mark.integration
@pytest.mark.parametrize("target", ["win_arm64", "win32"])
def test_an_option_that_says_what_is_so(target: str, tmp_path: Path, run: Run, crossenv: CrossenvCommand) -> None:
    """numpy passes it for every machine with Windows."""
    env = tmp_path / "env"
    crossenv("create", "--python", sys.executable, "--target", target, env)
    (compiler,) = (env / "etc/bin").glob("*-mingw32-clang")
    (tmp_path / "asks.c").write_text('_Static_assert(sizeof(long double) == 8, "as Microsoft\'s");\n')
    run(compiler, "-mlong-double-64", "-c", tmp_path / "asks.c", "-o", tmp_path / "asks.o")


@needs_zig
@pytest.mark.integration
def test_microsofts_header_for_arm64(tmp_path: Path, run: Run, crossenv: CrossenvCommand) -> None:
    """xsimd includes it for Windows, and so does pandas."""
    env = tmp_path / "env"
    crossenv("create", "--python", sys.executable, "--target", "win_arm64", env)
    (compiler,) = (env / "etc/bin").glob("*-mingw32-clang")
    (tmp_path / "adds.c").write_text("""
        #include <arm64_neon.h>
        float32x4_t twice(float32x4_t value) { return vaddq_f32(value, value); }
    """)
    run(compiler, "-c", tmp_path / "adds.c", "-o", tmp_path / "adds.o")


@needs_zig
@pytest.mark.integration
@pytest.mark.parametrize("through", ["objects", "a static library", "sources"])
def test_a_library_by_pragma(windows_env: Path, tmp_path: Path, run: Run, through: str) -> None:
    """psutil asks so for IPHLPAPI.."""
    (tmp_path / "asks.c").write_text("""
        #include <windows.h>
        #include <iphlpapi.h>
        # pragma comment(lib, "IPHLPAPI.lib")
        #pragma comment(lib,"of_our_own.lib")
        #pragma comment(linker, "/x")
        unsigned long asks(void) { return GetNumberOfInterfaces(0); }
    """)
    (tmp_path / "user.c").write_text("unsigned long asks(void); int user(void) { return (int)asks(); }\n")
    tools = windows_env / "etc/bin"
    compiler = tools / "x86_64-w64-mingw32-clang"
    inputs = [tmp_path / "user.c", tmp_path / "asks.c"]
    if through != "sources":
        for source in inputs:
            run(compiler, "-Wno-unknown-pragmas", "-c", source, "-o", source.with_suffix(".o"))
        inputs = [source.with_suffix(".o") for source in inputs]
    if through == "a static library":
        run(tools / "x86_64-w64-mingw32-ar", "rcs", tmp_path / "libasks.a", inputs[1])
        inputs[1] = tmp_path / "libasks.a"
    run(compiler, "-shared", *inputs, "-o", tmp_path / "x.dll")
    assert "IPHLPAPI.DLL" in map(str.upper, imported_dlls((tmp_path / "x.dll").read_bytes()))


@needs_zig
@pytest.mark.integration
def test_arm64(tmp_path: Path, run: Run, crossenv: CrossenvCommand) -> None:
    """Microsoft's header for its vectors (pandas), and the word by which numpy asks for what is so already."""
    crossenv("create", "--python", sys.executable, "--target", "win_arm64", tmp_path / "env")
    (tmp_path / "x.c").write_text("""
        #include <arm64_neon.h>
        int size[sizeof(long double) == 8 ? 1 : -1];
        float32x4_t f(float32x4_t a) { return vaddq_f32(a, a); }
    """)
    compiler = tmp_path / "env/etc/bin/aarch64-w64-mingw32-clang"
    run(compiler, "-mlong-double-64", "-c", tmp_path / "x.c", "-o", tmp_path / "x.o")

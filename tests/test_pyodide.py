"""Targets that are Pyodide: names, the Python that is described for them, and the compilers' launchers."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from _crossenv import project_platform

import projects
from conftest import CrossenvCommand, Run
from crossenv.compilers.emscripten import find_emscripten
from crossenv.compilers.launchers import launcher_text
from crossenv.compilers.model import Toolchain
from crossenv.emulation.pyodide import PyodideSession, open_pyodide_session, pyodide_command
from crossenv.errors import EmulatorError, HostPythonError, ToolchainError, UsageError
from crossenv.farm.combinations import places_for_targets
from crossenv.platforms import PLATFORMS, Libc, Machine
from crossenv.platforms.emscripten import ABIS, Abi, EmscriptenTarget
from crossenv.pythons.build_python import BuildPython, find_build_python
from crossenv.pythons.model import HostPython, UnwrittenHost
from crossenv.pythons.named import named_python
from crossenv.pythons.pyconfig import parse_pyconfig
from crossenv.pythons.pyodide_layout import PyodidePython, find_pyodide
from crossenv.record import load_record
from crossenv.synthesis.pyodide import facts
from crossenv.synthesis.synthesise import read_build_facts, synthesise_host_python
from crossenv.targets import parse_target, target_of_tag
from crossenv.wheels.audit import audit_wheel
from crossenv.wheels.model import ERROR
from wasm_files import object_file, side_module
from wheels import linked, make_wheel

CONFIG: dict[str, Any] = {
    "PYODIDE_ABI_VERSION": "2026_0",
    "VERSION": "3.14",
    "SOABI": "cpython-314-wasm32-emscripten",
    "CC": "cc",
    "HAVE_FORK": 0,
    "SIZEOF_LONG": 4,
    "SIZEOF_VOID_P": 4,
    "prefix": "/root/somewhere/python-3.14.2",
}
# Its makers have the places of their tools put together when the module is imported.
DATA = "EMSCRIPTEN_DIR = 1/0\nbuild_time_vars = {text}\nbuild_time_vars['X'] = 1/0\n"


# By version of Python, a release of npm's package.
RELEASES = {"3.12": "0.27.8", "3.13": "0.29.5", "3.14": "314.0.7"}


def a_python() -> tuple[Abi, Path]:
    """The newest ABI with a Python on this machine, and that."""
    for abi in reversed(ABIS):
        with contextlib.suppress(UsageError):
            if abi.python in RELEASES:
                return abi, find_build_python(abi.python).executable
    pytest.skip(f"needs one of the Pythons {', '.join(RELEASES)}")


def npm_package(directory: Path, changes: Mapping[str, Any] | None = None) -> Path:
    """A directory with what npm's package `pyodide` has, as far as it is read."""
    directory.mkdir(parents=True)
    text = repr({**CONFIG, **(changes or {})}).removesuffix("}") + ", 'AR': f'{EMSCRIPTEN_DIR}/emar'}"
    with zipfile.ZipFile(directory / "python_stdlib.zip", "w") as archive:
        archive.writestr("_sysconfigdata__emscripten_wasm32-emscripten.py", DATA.format(text=text))
    (directory / "pyodide.asm.wasm").write_bytes(b"\0asm\1\0\0\0")
    (directory / "pyodide.mjs").write_text("", encoding="utf-8")
    (directory / "pyodide-lock.json").write_text('{"info": {"python": "3.14.2"}}', encoding="utf-8")
    return directory


@pytest.mark.parametrize("abi", ABIS, ids=lambda abi: abi.name)
def test_targets(abi: Any) -> None:
    for prefix in ("pyodide", "pyemscripten"):
        target = parse_target(f"{prefix}_{abi.name}_wasm32")
        assert (target.platform_tag, str(target), target.python) == (abi.tag, abi.tag, abi.python)
        assert (target.system, str(target.identity), target.identity.bits) == ("emscripten", "wasm32", 32)
        assert target_of_tag(f"{prefix}_{abi.name}_wasm32", "") is not None
    version = tuple(map(int, abi.python.split(".")))
    suffixes = target.extension_suffixes(version, "", libc_known=True)
    assert (
        suffixes[0] == f".cpython-3{version[1]}-wasm32-emscripten.so" and ".so" in suffixes and ".abi3.so" in suffixes
    )
    machine = Machine(
        name="wasm32",
        libc=Libc(family="emscripten", version=target.floor_text),
        multiarch="wasm32-emscripten",
        identity=target.identity,
    )
    platform = PLATFORMS["emscripten"]
    assert platform.get_platform(machine) == platform.plain_tag(machine) == abi.tag
    assert set(platform.accepted_tags(machine)) >= {abi.tag, f"pyemscripten_{abi.name}_wasm32"}
    assert platform.declared_tags([abi.tag], machine="wasm32", libc=machine.libc) == (abi.tag,)
    with pytest.raises(UsageError, match="do not load on the target"):
        platform.declared_tags(["linux_x86_64"], machine="wasm32", libc=machine.libc)


def test_the_names_of_the_index() -> None:
    """The first had a name of Pyodide's own; PEP 783 gave the others theirs."""
    assert [abi.tag.partition("_")[0] for abi in ABIS] == ["pyodide", *3 * ["pyemscripten"]]


def test_the_package_of_npm_is_read_and_not_run(tmp_path: Path) -> None:
    place = npm_package(tmp_path / "node_modules/pyodide")
    found = find_pyodide(tmp_path)
    assert found is not None and found.directory == place
    assert (found.abi.name, found.version, found.full_version) == ("2026_0", "3.14", "3.14.2")
    assert found.config["SIZEOF_LONG"] == 4 and not {"AR", "X"} & set(found.config)
    assert found.include is None and found.module == place / "pyodide.mjs"
    named = named_python(tmp_path)
    assert named is not None and (named.target, named.version) == ("pyemscripten_2026_0_wasm32", "3.14")


def test_a_cross_build_environment_has_headers(tmp_path: Path) -> None:
    """In pyodide-build's layout; inspected by its documents only."""
    root = tmp_path / "xbuildenv/pyodide-root"
    npm_package(root / "dist", {"SIZEOF_LONG": 8})
    install = root / "cpython/installs/python-3.14.2"
    (install / "include/python3.14").mkdir(parents=True)
    (install / "include/python3.14/Python.h").write_text("", encoding="utf-8")
    (install / "sysconfigdata").mkdir()
    data = install / "sysconfigdata/_sysconfigdata__emscripten_wasm32-emscripten.py"
    data.write_text(DATA.format(text=repr(CONFIG)), encoding="utf-8")
    found = find_pyodide(tmp_path)
    assert found is not None and found.source == data and found.config["SIZEOF_LONG"] == 4
    assert found.include == install / "include/python3.14"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"PYODIDE_ABI_VERSION": "2031_0"}, "the ABI 2031_0, which is not known"),
        ({"PYODIDE_ABI_VERSION": ""}, "a release without one, which is not known"),
        ({"VERSION": "3.13"}, "says Python 3.13, and Pyodide's ABI 2026_0 has 3.14"),
    ],
)
def test_a_package_that_is_not_known(tmp_path: Path, changes: dict[str, str], says: str) -> None:
    npm_package(tmp_path / "pyodide", changes)
    with pytest.raises(HostPythonError, match=says):
        find_pyodide(tmp_path)


def test_a_damaged_package(tmp_path: Path) -> None:
    (npm_package(tmp_path / "pyodide") / "python_stdlib.zip").write_bytes(b"PK")
    with pytest.raises(HostPythonError, match="cannot be read"):
        find_pyodide(tmp_path)


def build_python(version: str) -> HostPython:
    return replace(
        read_build_facts(Path(sys.base_prefix) / "bin" / Path(sys.executable).resolve().name), version=version
    )


def described(target: str, version: str, directory: Path, given: PyodidePython | None = None) -> UnwrittenHost:
    toolchain: Any = None
    return synthesise_host_python(parse_target(target), build_python(version), toolchain, directory, given=given)


def test_the_python_of_an_abi(tmp_path: Path) -> None:
    made = described("pyodide_2025_0_wasm32", "3.13", tmp_path)
    host = made.host
    assert host.ext_suffix == ".cpython-313-wasm32-emscripten.so" and host.plain_tag == "pyemscripten_2025_0_wasm32"
    assert host.extension_suffixes == (host.ext_suffix, ".abi3.so", ".so")
    assert host.config["SIZEOF_LONG"] == 4 and host.config["PYODIDE_ABI_VERSION"] == "2025_0"
    macros = parse_pyconfig(str(made.files[host.include_dirs[0] / "pyconfig.h"]))
    assert (macros["SIZEOF_VOID_P"].value, macros["HAVE_EPOLL"].value) == ("4", None)
    assert macros["SIZEOF_LONG_DOUBLE"].value == "16"
    assert host.include_dirs[0] / "Python.h" in made.files
    assert "x86_64" not in str(made.files[host.sysconfigdata])


def test_a_pyodide_on_disk_says_more(tmp_path: Path) -> None:
    pyodide = find_pyodide(npm_package(tmp_path / "pyodide", {"FOO_OF_ITS_OWN": "yes"}))
    made = described("pyemscripten_2026_0_wasm32", "3.14", tmp_path / "made", pyodide)
    assert made.host.config["FOO_OF_ITS_OWN"] == "yes"
    macros = parse_pyconfig(str(made.files[made.host.include_dirs[0] / "pyconfig.h"]))
    assert macros["HAVE_FORK"].value is None


def test_another_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HostPythonError, match=r"2026_0 has Python 3\.14, and the build Python is 3\.12"):
        described("pyemscripten_2026_0_wasm32", "3.12", tmp_path)


def test_facts_of_each_abi() -> None:
    for abi in ABIS:
        known = facts(abi.name)
        assert (known["SIZEOF_LONG"], known["SIZEOF_TIME_T"], known["PYLONG_BITS_IN_DIGIT"]) == ("4", "8", "30")
        assert len(known) > 250


def emsdk(directory: Path, version: str, compiler: str = "exit 1") -> Path:
    """A directory laid out like an emsdk; of its programs only the compiler does anything."""
    place = directory / "upstream/emscripten"
    place.mkdir(parents=True)
    for name in ("emcc", "em++", "emar", "emranlib", "emnm", "emstrip"):
        (place / name).write_text(f"#!/bin/sh\n{compiler}\n", encoding="utf-8")
        (place / name).chmod(0o755)
    (place / "emscripten-version.txt").write_text(f'"{version}"\n', encoding="utf-8")
    return directory


def find(place: Path | None, *, any_version: bool = False, path: str = "/nowhere") -> Toolchain:
    target = parse_target("pyemscripten_2026_0_wasm32")
    assert isinstance(target, EmscriptenTarget)
    return find_emscripten(target, emsdk=place, environ_path=path, overrides={}, any_version=any_version)


def test_the_version_of_emscripten_is_the_abis(tmp_path: Path) -> None:
    with pytest.raises(
        ToolchainError, match=r"is emscripten 5\.0\.4, and .* ABI 2026_0 is built with 5\.0\.3"
    ) as caught:
        find(emsdk(tmp_path / "sdk", "5.0.4"))
    assert "--any-emscripten" in caught.value.hint and "emsdk install 5.0.3" in caught.value.hint


def test_where_emscripten_is(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match="there is no emcc in"):
        find(tmp_path)
    with pytest.raises(ToolchainError, match="there is no emcc on PATH"):
        find(None)
    # As Debian has it: on PATH stands a link.
    place = emsdk(tmp_path / "sdk", "5.0.3") / "upstream/emscripten"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/emcc").symlink_to(place / "emcc")
    with pytest.raises(ToolchainError, match="does not compile"):
        find(None, path=str(tmp_path / "bin"))


def test_a_compiler_of_this_machine_is_none(tmp_path: Path) -> None:
    (tmp_path / "native.o").write_bytes(linked())
    native = (
        'while [ $# -gt 1 ]; do if [ "$1" = -o ]; then /bin/cp ' + str(tmp_path / "native.o") + ' "$2"; fi; shift; done'
    )
    with pytest.raises(ToolchainError, match=r"makes .* objects"):
        find(emsdk(tmp_path / "sdk", "5.0.3", native))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-shared", "a.o", "-o", "a.so"], ["a.o", "-o", "a.so", "-sSIDE_MODULE=1"]),
        (["-shared", "-fPIC", "-c", "a.c"], ["-fPIC", "-c", "a.c"]),
        (["a.o", "-o", "program"], ["a.o", "-o", "program"]),
        (["-Wl,--version", "a.c"], ["-Wl,--version", "a.c", "-nostdlib"]),
        (["-shared", "-sSIDE_MODULE=2", "a.o"], ["-sSIDE_MODULE=2", "a.o"]),
        (["-shared", "-Wl,--fatal-warnings", "a.o"], ["a.o", "-sSIDE_MODULE=1"]),
        (["-pthread", "-Wl,-soname,liba.so", "-Wl,-z,relro", "-Wl,--as-needed", "a b.o"], ["a b.o"]),
        (
            ["-Wl,--whole-archive", "-Wl,--gc-sections", "liba.a"],
            ["-Wl,--whole-archive", "-Wl,--gc-sections", "liba.a"],
        ),
    ],
)
def test_a_shared_library_is_a_side_module(tmp_path: Path, words: list[str], expected: list[str]) -> None:
    from crossenv.compilers.emscripten import _REWRITE

    tool = tmp_path / "emcc"
    tool.write_text('#!/bin/sh\nprintf "%s\\n" "$EMSDK_PYTHON" "$@"\n', encoding="utf-8")
    tool.chmod(0o755)
    launcher = tmp_path / "launcher"
    text = launcher_text("cc", tool, ["-fPIC"], [], environment={"EMSDK_PYTHON": "/a b/python"}, rewrite=_REWRITE)
    launcher.write_text(text, encoding="utf-8")
    launcher.chmod(0o755)
    said = subprocess.run([launcher, *words], capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == ["/a b/python", "-fPIC", *expected]


def test_a_project_is_told_of_the_system() -> None:
    system: Any = {"sys_platform": "emscripten", "os_name": "posix", "system": "Emscripten"}
    told = project_platform.stand_ins({"machine": "wasm32", "identity": {"bits": 32}}, system)  # type: ignore[typeddict-item]
    assert told["sys"].platform == "emscripten" and told["sys"].maxsize == 2**31 - 1
    assert not hasattr(told["sys"], "winver")
    assert told["platform"].uname().system == "Emscripten" and told["platform"].platform() == "Emscripten"
    assert told["platform"].architecture()[0] == "32bit"


def test_targets_are_listed(crossenv: CrossenvCommand) -> None:
    rows = {row["target"]: row for row in json.loads(crossenv("targets", "--json").stdout)}
    found = rows["pyemscripten_2026_0_wasm32"]
    assert (found["machine"], found["bits"], found["triplet"]) == ("wasm32", 32, "wasm32-emscripten")
    assert found["compilers"] == (["emcc"] if shutil.which("emcc") else [])
    assert found["emulator"] in (None, "node")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, crossenv: CrossenvCommand) -> Path:
    """An environment whose compiler only copies an object file: enough for `create`, which asks it little."""
    abi, python = a_python()
    directory = tmp_path_factory.mktemp("made")
    (directory / "object.o").write_bytes(object_file())
    compiler = f"""\
case " $* " in *" -dM "*) echo '#define __clang__ 1'; echo '#define __clang_major__ 21'; exit 0 ;; esac
while [ $# -gt 1 ]; do
  if [ "$1" = -o ]; then /bin/cp {directory / "object.o"} "$2"; fi
  shift
done"""
    place = npm_package(directory / "pyodide", {"PYODIDE_ABI_VERSION": abi.name, "VERSION": abi.python})
    (place / "pyodide.asm.wasm").write_bytes(side_module(exports=["PyModule_Create2", "_ZSt9terminatev"]))
    sdk = emsdk(directory / "sdk", abi.emscripten, compiler)
    words: list[str | Path] = ["create", "--host-python", place, "--python", python, "--emsdk", sdk, directory / "env"]
    assert "warning" not in crossenv(*words).stderr
    return directory / "env"


def test_an_environment(made: Path, run: Run) -> None:
    record = json.loads((made / "crossenv.json").read_text(encoding="utf-8"))
    tag = record["host"]["platform_tag"]
    code = "import sys, sysconfig, platform; print(sys.platform, sysconfig.get_platform(), platform.system())"
    # The interpreter's own `sys.platform` is this machine's: the standard library asks it.
    assert run(made / "bin/cross-python", "-c", code).split()[1] == tag
    code = "import sysconfig as s; print(s.get_config_var('EXT_SUFFIX'), s.get_config_var('SIZEOF_VOID_P'))"
    assert run(made / "bin/cross-python", "-c", code).split()[1] == "4"
    assert (made / "etc/bin/wasm32-emscripten-emcc").is_file()
    assert "skip_sanity_check = true" in (made / "etc/meson-cross.ini").read_text(encoding="utf-8")
    assert "set(CMAKE_SYSTEM_NAME Emscripten)" in (made / "etc/toolchain.cmake").read_text(encoding="utf-8")


def test_the_cxx_library_is_that_of_the_program(made: Path, tmp_path: Path) -> None:
    """Headers of a later emscripten want functions that an older Pyodide does not have."""
    record = load_record(made)
    number, suffix = record.host.version.replace(".", ""), record.host.extension_suffixes[0]
    for wanted, expected in (("_ZSt9terminatev", []), ("_ZNSt3__213__hash_memoryEPKvm", ["symbol"]), ("fopen", [])):
        files = {f"toy/m{suffix}": side_module(imports=["PyModule_Create2", wanted])}
        wheel = make_wheel(tmp_path, files, f"cp{number}-cp{number}-{record.host.platform_tag}")
        assert [one.id for one in audit_wheel(wheel, record).findings] == expected


def test_a_target_has_its_own_python_only() -> None:
    def build(version: str) -> BuildPython:
        place = Path("/usr")
        return BuildPython(
            executable=place / f"python{version}",
            prefix=place,
            stdlib=place,
            implementation="cpython",
            version=version,
            full_version=f"{version}.1",
            abi_flags="",
            machine="x86_64",
        )

    pythons = [(build("3.13"), False), (build("3.14"), False)]
    targets = ["pyodide_2025_0_wasm32", "manylinux_2_28_aarch64"]
    found = [(python.label, place.label) for python, place in places_for_targets(targets, pythons)]
    assert found == [
        ("cp313", "pyemscripten_2025_0_wasm32"),
        ("cp313", "manylinux_2_28_aarch64"),
        ("cp314", "manylinux_2_28_aarch64"),
    ]
    with pytest.raises(UsageError, match=r"pyemscripten_2026_5_wasm32 has Python 3\.15 only"):
        places_for_targets(["pyemscripten_2026_5_wasm32"], pythons)


def test_a_pyodide_is_shown(tmp_path: Path, crossenv: CrossenvCommand) -> None:
    place = npm_package(tmp_path / "pyodide")
    said = crossenv("show", "--host-python", tmp_path).stdout
    for line in ("CPython 3.14.2", "pyemscripten_2026_0_wasm32", "5.0.3", str(place), "the build Python's are taken"):
        assert line in said
    assert json.loads(crossenv("show", "--json", "--host-python", tmp_path).stdout)["emscripten"] == "5.0.3"


def test_running_needs_node_and_the_right_pyodide(tmp_path: Path) -> None:
    target, place = parse_target("pyemscripten_2026_0_wasm32"), npm_package(tmp_path / "pyodide")
    assert isinstance(target, EmscriptenTarget)

    def opened(directory: Path | None, wanted: EmscriptenTarget = target, path: str = str(tmp_path)) -> PyodideSession:
        places = {"site_packages": tmp_path / "site", "scripts": tmp_path / "bin"}
        return open_pyodide_session(directory, wanted, **places, given=None, environ={"PATH": path})

    with pytest.raises(EmulatorError, match="needs node"):
        opened(place)
    (tmp_path / "node").write_text("", encoding="utf-8")
    (tmp_path / "node").chmod(0o755)
    with pytest.raises(EmulatorError, match="no Pyodide is named"):
        opened(None)
    with pytest.raises(EmulatorError, match="there is no Pyodide"):
        opened(tmp_path / "bin")
    other = parse_target("pyemscripten_2025_0_wasm32")
    assert isinstance(other, EmscriptenTarget)
    with pytest.raises(EmulatorError, match="the ABI 2026_0, and the target's is 2025_0"):
        opened(place, other)
    session = opened(place)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/tool").write_text("#!/usr/bin/python3.14\n", encoding="utf-8")
    for words, rest in (
        (["python", "-c", "1"], ["-c", "1"]),
        (["python3.14", "x.py"], ["x.py"]),
        (["tool", "-v"], [str(tmp_path / "bin/tool"), "-v"]),
    ):
        command = pyodide_command(session, words, {"PATH": str(tmp_path), "PYTHONPATH": "/a:/b", "PYTHONHOME": "/c"})
        assert list(command.words[3:]) == rest
        assert json.loads(command.words[2])["path"] == [str(tmp_path / "site"), "/a", "/b"]
        assert not {"PYTHONPATH", "PYTHONHOME"} & set(command.environment)
    with pytest.raises(EmulatorError, match=r"the target's Python is 3\.14, not 3\.13"):
        pyodide_command(session, ["python3.13"], {})
    with pytest.raises(EmulatorError, match="there is no program gone"):
        pyodide_command(session, ["gone"], {"PATH": str(tmp_path)})


@pytest.fixture(scope="module")
def pyodide_environment(tmp_path_factory: pytest.TempPathFactory, crossenv: CrossenvCommand) -> Path:
    """An environment for the newest ABI whose Python is on this machine, made from npm's package."""
    sdk = os.environ.get("EMSDK")
    if sdk is None and shutil.which("emcc") is None:
        pytest.skip("needs emscripten: emcc on PATH, or the directory of an emsdk in EMSDK")
    if shutil.which("node") is None:
        pytest.skip("needs node")
    abi, python = a_python()
    version = abi.python
    directory = tmp_path_factory.mktemp("pyodide")
    registry = os.environ.get("NPM_CONFIG_REGISTRY", "https://registry.npmjs.org").rstrip("/")
    archive, _headers = urllib.request.urlretrieve(
        f"{registry}/pyodide/-/pyodide-{RELEASES[version]}.tgz", directory / "pyodide.tgz"
    )
    shutil.unpack_archive(archive, directory)
    more: list[str | Path] = [] if sdk is None else ["--emsdk", sdk]
    words: list[str | Path] = ["create", "--host-python", directory / "package", "--python", python]
    crossenv(*words, "--any-emscripten", *more, directory / "env")
    return directory / "env"


@pytest.mark.integration
def test_what_was_built_runs_under_node(pyodide_environment: Path, tmp_path: Path, run: Run) -> None:
    """C and C++ with exceptions that go from one module to another; the wheel has the target's tag and no other."""
    env = pyodide_environment
    record = json.loads((env / "crossenv.json").read_text(encoding="utf-8"))
    (tmp_path / "toy").mkdir()
    run(env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path, projects.exceptions(tmp_path / "toy"))
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith(f"-{record['host']['platform_tag']}.whl")
    assert [finding for finding in audit_wheel(wheel).findings if finding.severity == ERROR] == []
    run(env / "bin/cross-pip", "install", "--no-index", wheel)
    code = "import toy._catches as c, toy._throws as t, sys; print(sys.platform, c.call(t.function))"
    said = run(env / "bin/cross-run", "python", "-c", code)
    assert said == "emscripten caught thrown in another module, then std::out_of_range\n"


@pytest.mark.integration
def test_a_call_by_another_type_is_explained(pyodide_environment: Path, tmp_path: Path, run: Run) -> None:
    """As CPython calls a `tp_clear` that returns nothing: the process ends, and says what to look for."""
    env = pyodide_environment
    project = projects.setuptools_c(tmp_path / "toy")
    (source,) = project.rglob("*.c")
    text = source.read_text(encoding="utf-8")
    body = "int (*volatile f)(void) = (int (*)(void))(void *)nothing; return PyLong_FromLong(f());"
    text, count = re.subn(r"return PyLong_From\w+\(.*?\);", body, text)
    assert count == 1
    source.write_text(
        text.replace("static PyObject", "static void nothing(int x) {}\nstatic PyObject", 1), encoding="utf-8"
    )
    run(env / "bin/cross-pip", "install", "--no-deps", "-q", project)
    words: list[str | Path] = [env / "bin/cross-run", "python", "-c", "import toy._toy as t; print(t.answer())"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 70
    assert "crossenv: hint: C called a function through a pointer of another type" in done.stderr

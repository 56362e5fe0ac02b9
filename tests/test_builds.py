"""Real builds of small projects with the real cross compiler, through each back end and front end."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import hosts
import projects
from conftest import Run, with_thorough
from crossenv.binaries.elf import elf_identity
from crossenv.platforms.architectures import Identity
from makers import AARCH64, X86_64, elf_bytes, write

pytestmark = pytest.mark.integration

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
NODOT = VERSION.replace(".", "")


def extension(wheel: Path, directory: Path) -> Path:
    """The one extension module of a wheel, unpacked; it is proved to be the host's."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".so")]
        assert len(names) == 1, names
        # The stable ABI has the machine in its suffix from Python 3.15 on.
        stable = ".abi3-aarch64-linux-gnu.so" if sys.version_info >= (3, 15) else ".abi3.so"
        assert names[0].endswith((f".cpython-{NODOT}{sys.abiflags}-aarch64-linux-gnu.so", stable)), names
        path = Path(archive.extract(names[0], directory))
    identity = elf_identity(path)
    assert (identity.number, identity.bits, identity.byte_order) == (183, 64, "little")
    return path


def only_wheel(directory: Path) -> Path:
    (wheel,) = directory.glob("*.whl")
    return wheel


COMPILED: dict[str, Callable[[Path], Path]] = {
    "setuptools": projects.setuptools_c,
    "setuptools C++": projects.setuptools_cxx,
    "Cython": projects.cython,
    "cffi": projects.cffi,
    "meson-python": projects.meson,
    "scikit-build-core": projects.scikit_build_core,
    "scikit-build-core, FindPython3": lambda d: projects.scikit_build_core(d, find="Python3"),
    "scikit-build-core, CMake 4.1 or later": lambda d: projects.scikit_build_core(d, requires=("cmake>=4.1", "ninja")),
    "scikit-build-core, CMake before 4.1": lambda d: projects.scikit_build_core(d, requires=("cmake<4.1", "ninja")),
    "pybind11": projects.pybind11,
    "nanobind": projects.nanobind,
}


@pytest.mark.parametrize("backend", with_thorough((name for name in COMPILED if name != "nanobind"), ["nanobind"]))
def test_back_end(backend: str, real_env: Path, tmp_path: Path, run: Run) -> None:
    project = COMPILED[backend](tmp_path / "project")
    run(real_env / "bin/cross-pip", "wheel", "-v", "--no-deps", "-w", tmp_path / "out", project)
    wheel = only_wheel(tmp_path / "out")
    assert wheel.name.endswith("-linux_aarch64.whl")
    extension(wheel, tmp_path)


@pytest.mark.thorough
def test_stubs_of_nanobind_cannot_be_made(real_env: Path, tmp_path: Path) -> None:
    """Its stubgen imports the module that was just compiled; Python's own words are that there is no such module."""
    project = projects.nanobind(tmp_path / "project")
    with (project / "CMakeLists.txt").open("a") as file:
        file.write(
            "nanobind_add_stub(stub MODULE _toy OUTPUT _toy.pyi PYTHON_PATH $<TARGET_FILE_DIR:_toy> DEPENDS _toy)\n"
        )
    words: list[str | Path] = [real_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project]
    done = subprocess.run(words, text=True, capture_output=True, check=False)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "is an extension module for the target (aarch64), which this machine cannot load" in said
    assert "can only leave that step out" in said


def test_mypyc(real_env: Path, tmp_path: Path, run: Run) -> None:
    project = projects.mypyc(tmp_path / "project")
    run(real_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project)
    with zipfile.ZipFile(only_wheel(tmp_path / "out")) as archive:
        names = [name for name in archive.namelist() if name.endswith(".so")]
        assert {elf_identity(Path(archive.extract(name, tmp_path))).number for name in names} == {183}
    assert len(names) == 2


@pytest.mark.parametrize("backend", ["hatchling", "flit", "poetry", "pdm"])
def test_pure_back_end(backend: str, real_env: Path, tmp_path: Path, run: Run) -> None:
    project = projects.pure(tmp_path / "project", backend)
    run(real_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project)
    assert only_wheel(tmp_path / "out").name.endswith("-none-any.whl")


@pytest.mark.parametrize("backend", with_thorough(["setuptools", "meson-python"], ["pybind11"]))
def test_build_front_end(backend: str, real_env: Path, tmp_path: Path, run: Run) -> None:
    run(real_env / "bin/cross-pip", "install", "-q", "build")
    project = COMPILED[backend](tmp_path / "project")
    run(real_env / "bin/cross-python", "-m", "build", "--wheel", "-o", tmp_path / "out", project)
    extension(only_wheel(tmp_path / "out"), tmp_path)


@pytest.mark.parametrize("installer", ["virtualenv", "uv"])
def test_build_with_other_tools(installer: str, cross_gcc: str, host_prefix: Path, tmp_path: Path, run: Run) -> None:
    """`build` isolates with virtualenv where it is installed, and installs with uv if it is told to."""
    env = tmp_path / "env"
    run(
        sys.executable, "-m", "crossenv", "create", "--python", sys.executable, "--host-python", host_prefix,
        "--cc", cross_gcc, env,
    )  # fmt: skip
    run(env / "bin/cross-pip", "install", "-q", "build", *(["virtualenv"] if installer == "virtualenv" else []))
    words: list[str | Path] = [env / "bin/cross-python", "-m", "build", "--wheel", "-o", tmp_path / "out"]
    path = os.environ["PATH"]
    if installer == "uv":
        # A program of the build side.
        run(env / "bin/build-pip", "install", "-q", "uv")
        words.append("--installer=uv")
        path = f"{env}/build/bin{os.pathsep}{path}"
    run(*words, projects.cython(tmp_path / "project"), PATH=path)
    extension(only_wheel(tmp_path / "out"), tmp_path)


@pytest.mark.parametrize("payload", [AARCH64, X86_64], ids=["host", "native"])
def test_uv_without_isolation_is_checked(real_env: Path, tmp_path: Path, run: Run, payload: Identity) -> None:
    run(real_env / "bin/build-pip", "install", "-q", "uv")
    project = projects.in_tree(tmp_path / "project", elf_bytes(payload))
    result = subprocess.run(
        [real_env / "build/bin/uv", "build", "--wheel", "--no-build-isolation", "--python", real_env / "bin/python",
         "-o", tmp_path / "out", project],
        text=True, capture_output=True, check=False,
    )  # fmt: skip
    if payload == AARCH64:
        assert result.returncode == 0, result.stderr
        extension(only_wheel(tmp_path / "out"), tmp_path)
    else:
        assert result.returncode != 0
        assert "is for x86-64" in result.stderr
        assert not list(tmp_path.glob("out/*.whl"))


def test_build_makes_the_sdist_natively_and_the_wheel_for_the_host(real_env: Path, tmp_path: Path, run: Run) -> None:
    run(real_env / "bin/cross-pip", "install", "-q", "build")
    project = projects.setuptools_c(tmp_path / "project")
    run(real_env / "bin/cross-python", "-m", "build", "-o", tmp_path / "out", project)
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".gz", ".whl"}
    extension(only_wheel(tmp_path / "out"), tmp_path)


def test_setup_py_by_hand(real_env: Path, tmp_path: Path, run: Run) -> None:
    run(real_env / "bin/build-pip", "install", "-q", "setuptools")
    project = projects.setuptools_c(tmp_path / "project")
    run(real_env / "bin/cross-python", "setup.py", "-q", "bdist_wheel", cwd=project)
    extension(only_wheel(project / "dist"), tmp_path)


def test_without_isolation_tools_come_from_the_build_side(real_env: Path, tmp_path: Path, run: Run) -> None:
    run(real_env / "bin/build-pip", "install", "-q", "setuptools", "cython")
    project = projects.cython(tmp_path / "project")
    run(real_env / "bin/cross-pip", "wheel", "--no-build-isolation", "--no-deps", "-w", tmp_path / "out", project)
    extension(only_wheel(tmp_path / "out"), tmp_path)


# Build requirements run here


def sdist(project: Path, name: str, destination: Path) -> None:
    """Pack a project as an sdist."""
    destination.mkdir(exist_ok=True)
    with tarfile.open(destination / f"{name}-1.tar.gz", "w:gz") as archive:
        archive.add(project, f"{name}-1")
        information = b"Metadata-Version: 2.1\nName: %s\nVersion: 1\n" % name.encode()
        member = tarfile.TarInfo(f"{name}-1/PKG-INFO")
        member.size = len(information)
        archive.addfile(member, io.BytesIO(information))


def test_a_build_requirement_from_source_stays_native(real_env: Path, tmp_path: Path, run: Run) -> None:
    """The requirement is compiled here from an sdist, and its extension module is imported by the build."""
    sdist(projects.setuptools_c(tmp_path / "tool", "crossenv_helper"), "crossenv_helper", tmp_path / "links")
    project = projects.setuptools_c(tmp_path / "project", requires=("setuptools", "crossenv_helper"))
    setup = project / "setup.py"
    setup.write_text(
        "import crossenv_helper._toy, platform, sys\n"
        "assert crossenv_helper._toy.answer() == 8\n"
        "assert platform.machine() == 'aarch64' and sys.cross_compiling\n" + setup.read_text()
    )
    run(
        real_env / "bin/cross-pip", "wheel", "-v", "--no-deps", "--find-links", tmp_path / "links",
        "-w", tmp_path / "out", project,
    )  # fmt: skip
    extension(only_wheel(tmp_path / "out"), tmp_path)


def test_the_same_package_as_requirement_and_as_product(real_env: Path, tmp_path: Path, run: Run) -> None:
    """Built natively as a requirement first, then for the host: the caches do not mix them up."""
    test_a_build_requirement_from_source_stays_native(real_env, tmp_path, run)
    run(
        real_env / "bin/cross-pip",
        "wheel",
        "--no-deps",
        "--find-links",
        tmp_path / "links",
        "-w",
        tmp_path / "two",
        "crossenv_helper",
    )
    extension(only_wheel(tmp_path / "two"), tmp_path)
    shutil.rmtree(tmp_path / "out")
    test_a_build_requirement_from_source_stays_native(real_env, tmp_path, run)


def test_the_users_pip_cache_never_sees_a_wheel_built_here(real_env: Path, tmp_path: Path, run: Run) -> None:
    sdist(projects.setuptools_c(tmp_path / "project"), "toy", tmp_path / "links")
    cache = tmp_path / "cache"
    run(
        real_env / "bin/cross-pip", "wheel", "--no-deps", "--find-links", tmp_path / "links",
        "-w", tmp_path / "out", "toy",
        PIP_CACHE_DIR=str(cache),
    )  # fmt: skip
    extension(only_wheel(tmp_path / "out"), tmp_path)
    assert not list(cache.rglob("*.whl"))


def test_what_is_named_is_built_and_what_it_needs_may_be_fetched(real_env: Path, tmp_path: Path, run: Run) -> None:
    """An index offers both; `wheel NAME` takes the sdist, `--prefer-binary` the wheel."""
    links = tmp_path / "links"
    sdist(projects.setuptools_c(tmp_path / "project"), "toy", links)
    ready = links / f"toy-1-cp{NODOT}-cp{NODOT}{sys.abiflags}-linux_aarch64.whl"
    with zipfile.ZipFile(ready, "w") as wheel:
        wheel.writestr("toy/ready_made.py", "")
        wheel.writestr("toy-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: toy\nVersion: 1\n")
        wheel.writestr("toy-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: false\n")
        wheel.writestr("toy-1.dist-info/RECORD", "")
    common: list[str | Path] = [
        real_env / "bin/cross-pip",
        "wheel",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "--find-links",
        links,
    ]
    run(real_env / "bin/build-pip", "install", "-q", "setuptools")
    run(*common, "-w", tmp_path / "built", "toy==1")
    extension(only_wheel(tmp_path / "built"), tmp_path)
    run(*common, "-w", tmp_path / "fetched", "--prefer-binary", "toy")
    assert "toy/ready_made.py" in zipfile.ZipFile(only_wheel(tmp_path / "fetched")).namelist()


# Never silently native


@pytest.mark.parametrize("front_end", ["pip", "build"])
def test_a_planted_native_extension_is_refused(real_env: Path, tmp_path: Path, run: Run, front_end: str) -> None:
    project = projects.in_tree(tmp_path / "project", elf_bytes(X86_64))
    run(real_env / "bin/cross-pip", "install", "-q", "build")
    commands: dict[str, list[str | Path]] = {
        "pip": [real_env / "bin/cross-pip", "wheel", "-w", tmp_path / "out", project],
        "build": [real_env / "bin/cross-python", "-m", "build", "--wheel", "-o", tmp_path / "out", project],
    }
    result = subprocess.run(commands[front_end], text=True, capture_output=True, check=False)
    assert result.returncode != 0
    output = result.stdout + result.stderr
    assert "refused toy-1-py3-none-linux_aarch64.whl: toy/_toy.cpython-" in output
    assert "is for x86-64, 64-bit, little-endian; the target is AArch64" in output
    assert not list((tmp_path / "out").glob("*.whl")) if (tmp_path / "out").exists() else True


def test_the_same_project_with_a_host_extension_passes(real_env: Path, tmp_path: Path, run: Run) -> None:
    project = projects.in_tree(tmp_path / "project", elf_bytes(AARCH64))
    run(real_env / "bin/cross-pip", "wheel", "-w", tmp_path / "out", project)
    extension(only_wheel(tmp_path / "out"), tmp_path)


def test_a_native_compiler_in_cc_is_caught(real_env: Path, tmp_path: Path) -> None:
    """A user's CC wins, and then the wheel does not pass."""
    project = projects.setuptools_c(tmp_path / "project")
    native = shutil.which("gcc")
    if native is None:
        pytest.skip("needs a native gcc")
    result = subprocess.run(
        [real_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project],
        text=True, capture_output=True, check=False,
        env={**os.environ, "CC": native, "LDSHARED": f"{native} -shared"},
    )  # fmt: skip
    assert result.returncode != 0
    assert "is for x86-64" in result.stdout + result.stderr
    assert not list(tmp_path.glob("out/*.whl"))
    assert f"CC={native} is set" in result.stderr


def test_setup_py_by_hand_is_checked_too(real_env: Path, tmp_path: Path, run: Run) -> None:
    run(real_env / "bin/build-pip", "install", "-q", "setuptools")
    project = projects.setuptools_c(tmp_path / "project")
    (project / "toy/stray.so").write_bytes(elf_bytes(X86_64))
    setup = project / "setup.py"
    setup.write_text(
        setup.read_text().replace("packages=['toy'],", "packages=['toy'], package_data={'toy': ['*.so']},")
    )
    result = subprocess.run(
        [real_env / "bin/cross-python", "setup.py", "-q", "bdist_wheel"],
        cwd=project,
        text=True,
        capture_output=True,
        check=False,
    )
    assert result.returncode == 7, result.stderr
    assert "toy/stray.so is for x86-64" in result.stderr
    assert not list(project.glob("dist/*.whl"))


def test_pips_unsafe_feature_is_refused(real_env: Path, tmp_path: Path) -> None:
    project = projects.setuptools_c(tmp_path / "project")
    for words, extra in (
        (["--use-feature=inprocess-build-deps"], {}),
        ([], {"PIP_USE_FEATURE": "inprocess-build-deps"}),
    ):
        result = subprocess.run(
            [real_env / "bin/cross-pip", "wheel", *words, "-w", tmp_path / "out", project],
            text=True, capture_output=True, check=False, env={**os.environ, **extra},
        )  # fmt: skip
        if "invalid choice" in result.stderr:
            pytest.skip("this pip has no inprocess-build-deps")
        assert result.returncode == 2, result.stderr
        assert "inprocess-build-deps installs the target's wheels as build requirements" in result.stderr


def optional(project: Path, fallback: bool) -> Path:
    """Make the extension of a project optional, in one of the two ways that packages use, and impossible to compile."""
    (project / "toy.c").write_text("#error no such luck\n")
    extension = "Extension('toy._toy', ['toy.c'], optional=True)"
    text = f"from setuptools import Extension, setup\nsetup(packages=['toy'], ext_modules=[{extension}])\n"
    if fallback:
        text = text.replace(", optional=True", "").replace("setup(packages", "try:\n    setup(packages")
        text += "except (Exception, SystemExit):\n    setup(packages=['toy'])\n"
    (project / "setup.py").write_text(text)
    return project


@pytest.mark.parametrize("fallback", [False, True], ids=["optional=True", "falls back to pure"])
def test_an_extension_that_got_lost_is_noticed(real_env: Path, tmp_path: Path, run: Run, fallback: bool) -> None:
    project = optional(projects.setuptools_c(tmp_path / "project"), fallback)
    words: list[str | Path] = [real_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project]
    result = subprocess.run(words, text=True, capture_output=True, check=False)
    assert result.returncode != 0
    output = result.stdout + result.stderr
    assert re.search(r"toy._toy was not built: toy.c:1:2: error: #error .?no such luck", output), (
        "the compiler's own words"
    )
    assert "CROSSENV_ALLOW_PURE=NAME" in output
    assert not list(tmp_path.glob("out/*.whl"))
    run(*words, CROSSENV_ALLOW_PURE="toy")
    assert only_wheel(tmp_path / "out")


LOSING = {
    "setup.py": """
import subprocess, sys
from setuptools import Extension, setup
if "bdist_wheel" in sys.argv:
    subprocess.call([sys.executable, "setup.py", "build_ext", "--inplace"])
    setup(packages=["toy"], package_data={"toy": ["*.so"]})
else:
    setup(packages=["toy"], ext_modules=[Extension("toy._toy", ["toy.c"])])
""",
    "processes": """
import multiprocessing
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

class Command(build_ext):
    def build_extensions(self):
        fork = multiprocessing.get_context("fork")
        children = [fork.Process(target=self.build_extension, args=(one,)) for one in self.extensions]
        for child in children:
            child.start()
        for child in children:
            child.join()

    def copy_extensions_to_source(self):
        pass

    def get_outputs(self):
        return []

modules = [Extension(f"toy._{name}", [f"{name}.c"]) for name in ("other", "toy")]
setup(packages=["toy"], ext_modules=modules, cmdclass={"build_ext": Command})
""",
    "distutils": """
from setuptools import Extension, setup
from distutils.command.build_ext import build_ext

class Command(build_ext):
    def build_extension(self, extension):
        try:
            build_ext.build_extension(self, extension)
        except Exception as error:
            print("going on without", extension.name, error)

    def get_outputs(self):
        return []

modules = [Extension(f"toy._{name}", [f"{name}.c"]) for name in ("other", "toy")]
setup(packages=["toy"], ext_modules=modules, cmdclass={"build_ext": Command})
""",
}


@pytest.mark.parametrize("way", LOSING)
def test_an_extension_that_the_build_lost(real_env: Path, tmp_path: Path, way: str) -> None:
    """Nobody looks at how a child or a command ended: the wheel would be pure, or have one module of two."""
    project = projects.setuptools_c(tmp_path / "project")
    (project / "other.c").write_text((project / "toy.c").read_text().replace("PyInit__toy", "PyInit__other"))
    (project / "toy.c").write_text("#error no such luck\n")
    (project / "setup.py").write_text(LOSING[way])
    words: list[str | Path] = [real_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project]
    result = subprocess.run(words, text=True, capture_output=True, check=False)
    assert result.returncode != 0
    output = result.stdout + result.stderr
    assert re.search(r"toy._toy was not built: toy.c:1:2: error: #error .?no such luck", output)
    assert not list(tmp_path.glob("out/*.whl"))


PROBES = """
import os, subprocess, sys, sysconfig
from setuptools import setup
compiler = sysconfig.get_config_var("CC").split()
{call}
setup(packages=["toy"])
"""


@pytest.mark.parametrize(
    ("call", "good"),
    [
        ('subprocess.run([*compiler, "-c", "toy.c", "-o", "toy.o"])', False),
        ('subprocess.run([*compiler, "--version"])', True),
        ("", True),
    ],
    ids=["compiles", "asks", "pure"],
)
def test_a_wheel_that_is_pure_by_accident(host_prefix: Path, tmp_path: Path, run: Run, call: str, good: bool) -> None:
    """A setup.py that tries the compiler, finds something missing, and goes on without an extension."""
    gcc = shutil.which("aarch64-linux-gnu-gcc")
    if gcc is None:
        pytest.skip("needs aarch64-linux-gnu-gcc on PATH")
    env = tmp_path / "env"
    python: tuple[str | Path, ...] = ("--python", sys.executable, "--host-python", host_prefix)
    run(sys.executable, "-m", "crossenv", "create", *python, "--cc", gcc, env)
    project = projects.setuptools_c(tmp_path / "project")
    (project / "setup.py").write_text(PROBES.format(call=call))
    words: list[str | Path] = [env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project]
    result = subprocess.run(words, text=True, capture_output=True, check=False)
    assert (result.returncode == 0) == good, result.stderr
    if not good:
        assert "holds no native code, though the build called a compiler" in result.stdout + result.stderr
        run(*words, CROSSENV_ALLOW_PURE="toy")
    assert only_wheel(tmp_path / "out").name.endswith("none-any.whl")


# Compilers beside the back end


@pytest.fixture
def plain_env(host_prefix: Path, cross_gcc: str, tmp_path: Path, run: Run) -> Path:
    """An environment whose path make can deal with: it has no blank."""
    env = tmp_path / "env"
    python: tuple[str | Path, ...] = ("--python", sys.executable, "--host-python", host_prefix)
    run(sys.executable, "-m", "crossenv", "create", *python, "--cc", cross_gcc, env)
    return env


@pytest.mark.usefixtures("rust_target")
@pytest.mark.parametrize("backend", ["maturin", "setuptools-rust"])
def test_rust(plain_env: Path, tmp_path: Path, run: Run, backend: str) -> None:
    project = projects.rust(tmp_path / "project", backend)
    run(plain_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project)
    wheel = only_wheel(tmp_path / "out")
    assert wheel.name.endswith("linux_aarch64.whl")
    assert ("abi3" in wheel.name) == (backend == "setuptools-rust")
    with zipfile.ZipFile(wheel) as archive:
        assert [name for name in archive.namelist() if name.endswith(".so")]


def test_a_missing_rust_target_gets_one_line(host_prefix: Path, tmp_path: Path, run: Run) -> None:
    """The compiler's own answer is one error for each crate."""
    gcc = shutil.which("aarch64-linux-gnu-gcc")
    if gcc is None:
        pytest.skip("needs aarch64-linux-gnu-gcc on PATH")
    env = tmp_path / "env"
    python: tuple[str | Path, ...] = ("--python", sys.executable, "--host-python", host_prefix)
    run(sys.executable, "-m", "crossenv", "create", *python, "--cc", gcc, env)
    rustc = tmp_path / "bin/rustc"
    rustc.parent.mkdir()
    rustc.write_text("#!/bin/sh\necho /no/such/directory\n")
    rustc.chmod(0o755)
    project = projects.pure(tmp_path / "project", "hatchling")
    with (project / "pyproject.toml").open("a") as file:
        file.write("# setuptools-rust\n")
    path = f"{rustc.parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        [env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project],
        text=True, capture_output=True, check=False, env={**os.environ, "PATH": path},
    )  # fmt: skip
    assert result.returncode != 0
    assert (
        "crossenv: error: Rust has no standard library for aarch64-unknown-linux-gnu" in result.stderr + result.stdout
    )
    assert "rustup target add aarch64-unknown-linux-gnu" in result.stderr + result.stdout


def test_a_configure_script_in_a_setup_py(plain_env: Path, tmp_path: Path, run: Run) -> None:
    project = projects.configured(tmp_path / "project")
    run(plain_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project)
    assert only_wheel(tmp_path / "out").name.endswith("linux_aarch64.whl")


def test_the_site_file_gives_way(plain_env: Path, run: Run) -> None:
    """To a caller who names a host or a compiler."""
    site = f'. {plain_env}/etc/config.site; echo "$host_alias $cross_compiling $CC"'
    assert run("sh", "-c", site).split()[:2] == ["aarch64-linux-gnu", "yes"]
    assert run("sh", "-c", f"host_alias=mine; {site}").split() == ["mine"]
    assert run("sh", "-c", f"CC=mine; {site}").split() == ["aarch64-linux-gnu", "yes", "mine"]


# Settings


def test_the_users_meson_settings_win(real_env: Path, tmp_path: Path, run: Run) -> None:
    project = projects.meson(tmp_path / "project", extra="assert(get_option('buildtype') == 'debug')\n")
    (tmp_path / "mine.ini").write_text(
        "[host_machine]\nsystem = 'linux'\ncpu_family = 'aarch64'\ncpu = 'mine'\nendian = 'little'\n"
    )
    with (project / "meson.build").open("a") as file:
        file.write("assert(host_machine.cpu() == 'mine')\n")
    run(
        real_env / "bin/cross-pip", "wheel", "-w", tmp_path / "out",
        "-Csetup-args=-Dbuildtype=debug", f"-Csetup-args=--cross-file={tmp_path / 'mine.ini'}", project,
    )  # fmt: skip
    extension(only_wheel(tmp_path / "out"), tmp_path)


def test_meson_uses_no_compile_cache_that_nobody_asked_for(real_env: Path, tmp_path: Path, run: Run) -> None:
    """Not for native compilers either: the server of the cache may be another user's."""
    for name in ("ccache", "sccache"):
        write(tmp_path / "programs" / name, "#!/bin/sh\necho 'Permission denied' >&2\nexit 2\n", mode=0o755)
    project = projects.meson(tmp_path / "project")
    path = f"{tmp_path / 'programs'}:{os.environ['PATH']}"
    run(real_env / "bin/cross-pip", "wheel", "-w", tmp_path / "out", project, PATH=path)
    extension(only_wheel(tmp_path / "out"), tmp_path)


def test_variables_reach_the_hooks_and_nothing_else(real_env: Path, tmp_path: Path, run: Run) -> None:
    project = projects.setuptools_c(tmp_path / "project")
    setup = project / "setup.py"
    seen = tmp_path / "seen.json"
    setup.write_text(f"import json, os\njson.dump(dict(os.environ), open({str(seen)!r}, 'w'))\n" + setup.read_text())
    run(real_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project)
    inside = json.loads(seen.read_text())
    assert inside["CMAKE_TOOLCHAIN_FILE"] == f"{real_env}/etc/toolchain.cmake"
    assert inside["CROSSENV_ROLE"] == "host"
    assert "PKG_CONFIG_LIBDIR" in inside
    # For projects that call a compiler by name; setuptools itself does not see it (tests/test_backends.py).
    assert inside["CC"] == os.environ.get("CC", "aarch64-linux-gnu-gcc")
    for forbidden in ("CFLAGS", "LDFLAGS", "LIBRARY_PATH", "_PYTHON_HOST_PLATFORM", "_PYTHON_SYSCONFIGDATA_NAME"):
        assert inside.get(forbidden) == os.environ.get(forbidden)
    run(
        real_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project,
        CMAKE_TOOLCHAIN_FILE="/my/own.cmake", PKG_CONFIG_LIBDIR="/my/own",
    )  # fmt: skip
    inside = json.loads(seen.read_text())
    assert inside["CMAKE_TOOLCHAIN_FILE"] == "/my/own.cmake"
    assert inside["PKG_CONFIG_LIBDIR"] == "/my/own"


# Installing into the host side


def test_installed_scripts_start_the_hosts_python(real_env: Path, tmp_path: Path, run: Run) -> None:
    project = projects.setuptools_c(tmp_path / "project", "scripted")
    (project / "old-style").write_text("#!python\nprint('old')\n")
    setup = project / "setup.py"
    setup.write_text(setup.read_text().replace("packages=", "scripts=['old-style'], packages="))
    run(real_env / "bin/cross-pip", "install", "--no-deps", project)
    shebang = f"#!/usr/bin/python{VERSION}\n"
    assert (real_env / "cross/bin/scripted-tool").read_text().startswith(shebang)
    assert (real_env / "cross/bin/old-style").read_text().startswith(shebang)
    listed = json.loads(run(real_env / "bin/cross-pip", "list", "--format=json"))
    assert "scripted" in {package["name"] for package in listed}
    metadata = "import importlib.metadata as m; print(m.version('scripted'))"
    assert run(real_env / "bin/cross-python", "-c", metadata) == "1\n"
    native = subprocess.run([real_env / "bin/build-python", "-c", metadata], capture_output=True, check=False)
    assert native.returncode != 0
    # The environment's own commands still start.
    run(real_env / "bin/cross-pip", "--version")


def test_a_sysroot_without_the_hosts_headers_is_refused(cross_gcc: str, tmp_path: Path) -> None:
    """pyconfig.h of another word size stands for all headers that are not the host's."""
    prefix = hosts.make_prefix(tmp_path / "host")
    pyconfig = prefix / f"include/python{VERSION}{sys.abiflags}/pyconfig.h"
    # Debian's includes another file, which says it.
    pyconfig.write_text(f"{pyconfig.read_text()}\n#undef SIZEOF_VOID_P\n#define SIZEOF_VOID_P 4\n")
    words = [sys.executable, "-m", "crossenv", "create", "--python", sys.executable, "--cc", cross_gcc]
    result = subprocess.run(
        [*words, "--host-python", prefix, tmp_path / "env"], text=True, capture_output=True, check=False
    )
    assert result.returncode == 4
    assert "cannot compile against" in result.stderr
    assert "another word size" in result.stderr
    assert "--sysroot" in result.stderr
    assert not (tmp_path / "env").exists()


def test_doctor_proves_the_environment(real_env: Path, run: Run) -> None:
    output = run(sys.executable, "-m", "crossenv", "doctor", real_env)
    assert "ok   a C++ extension compiles and links for the target" in output
    assert "FAIL" not in output


# Fortran


@pytest.mark.parametrize("backend", ["meson-python", "scikit-build-core", "f2py"])
def test_fortran(backend: str, real_env: Path, tmp_path: Path, run: Run) -> None:
    if shutil.which("aarch64-linux-gnu-gfortran") is None:
        pytest.skip("needs aarch64-linux-gnu-gfortran on PATH")
    project = projects.fortran(tmp_path / "project", backend)
    run(real_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project)
    path = extension(only_wheel(tmp_path / "out"), tmp_path)
    assert b"libgfortran.so" in path.read_bytes()


@pytest.mark.parametrize("backend", ["meson-python", "scikit-build-core"])
def test_without_a_fortran_compiler_the_build_says_so(backend: str, tmp_path: Path, run: Run) -> None:
    """And does not take the build machine's."""
    pytest.importorskip("ziglang")
    env = tmp_path / "env"
    run(
        sys.executable, "-m", "crossenv", "create", "--python", sys.executable, "--toolchain", "zig",
        "--target", "manylinux_2_28_aarch64", env,
    )  # fmt: skip
    words: list[str | Path] = [env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out"]
    result = subprocess.run(
        [*words, projects.fortran(tmp_path / "project", backend)], capture_output=True, text=True, check=False
    )
    assert result.returncode != 0
    said = {
        "meson-python": "no-fortran-compiler-for-aarch64-linux-gnu",
        "scikit-build-core": "this environment has no Fortran compiler for aarch64-linux-gnu",
    }
    assert said[backend] in result.stdout + result.stderr


# A project of each kind, which comes out pure if a compile fails.
FALLS_BACK = {
    "an override": {"pyproject.toml": """
[build-system]
requires = ["scikit-build-core"]
build-backend = "scikit_build_core.build"
[project]
name = "toy"
version = "1"
[[tool.scikit-build.overrides]]
if.failed = true
wheel.cmake = false
"""},
    "a setup.py": {
        "pyproject.toml": """
[build-system]
requires = ["scikit-build-core", "setuptools"]
build-backend = "scikit_build_core.setuptools.build_meta"
[project]
name = "toy"
version = "1"
""",
        "setup.py": """
import setuptools
from scikit_build_core.setuptools.wrapper import setup
try:
    setup(packages=["toy"], cmake_source_dir=".")
except BaseException as error:
    setuptools.setup(packages=["toy"])
""",
    },
}  # fmt: skip


@pytest.mark.parametrize("files", FALLS_BACK.values(), ids=FALLS_BACK)
def test_a_cmake_project_that_goes_on_after_a_failed_compile(
    real_env: Path, tmp_path: Path, run: Run, files: dict[str, str]
) -> None:
    project = projects.scikit_build_core(tmp_path / "project")
    projects.write(project, {**files, "toy/__init__.py": ""})
    words: list[str | Path] = [real_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project]
    run(*words)
    extension(only_wheel(tmp_path / "out"), tmp_path)
    shutil.rmtree(tmp_path / "out")
    (project / "toy.c").write_text("#error on this machine\n", encoding="utf-8")
    result = subprocess.run(words, text=True, capture_output=True, check=False)
    assert result.returncode != 0, result.stdout
    assert "holds no native code, though the build called a compiler" in result.stdout + result.stderr
    run(*words, CROSSENV_ALLOW_PURE="toy")
    assert only_wheel(tmp_path / "out").name.endswith("none-any.whl")

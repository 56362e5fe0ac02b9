"""Every front end makes the same wheel: pip of several ages, build, uv of several ages, setup.py, editable installs."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import projects
from conftest import Run, with_thorough
from crossenv.binaries.elf import elf_identity
from test_zig import needs_zig

pytestmark = pytest.mark.integration

NODOT = f"{sys.version_info[0]}{sys.version_info[1]}"
PIPS = ("23.0", "23.3", "24.0", "25.0", "25.3", "newest")
UVS = with_thorough(("0.5.31", "newest"), ("0.9.10",))


@pytest.fixture(scope="module")
def make_env(
    tmp_path_factory: pytest.TempPathFactory, cross_gcc: str, host_prefix: Path, run: Run
) -> Callable[[], Path]:
    """Makes environments; make cannot deal with a blank in their path, cargo and CMake can."""

    def make() -> Path:
        directory = tmp_path_factory.mktemp("environments") / "env"
        python: tuple[str | Path, ...] = ("--python", sys.executable, "--host-python", host_prefix)
        run(sys.executable, "-m", "crossenv", "create", "-q", *python, "--cc", cross_gcc, directory)
        return directory

    return make


def is_host(wheel: Path) -> bool:
    """Whether a wheel holds extension modules, and all of them the host's."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".so")]
        return bool(names) and all(archive.read(name)[18:20] == b"\xb7\0" for name in names)


def only_wheel(directory: Path) -> Path:
    (wheel,) = directory.glob("*.whl")
    return wheel


def sdist(project: Path, name: str, destination: Path) -> Path:
    destination.mkdir(exist_ok=True)
    path = destination / f"{name}-1.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(project, f"{name}-1")
        information = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n".encode()
        member = tarfile.TarInfo(f"{name}-1/PKG-INFO")
        member.size = len(information)
        archive.addfile(member, io.BytesIO(information))
    return path


def ready_made(name: str, destination: Path, requires: str = "") -> Path:
    """A wheel for the host as an index has them."""
    tag = f"cp{NODOT}-cp{NODOT}{sys.abiflags}-linux_aarch64"
    path = destination / f"{name}-1-{tag}.whl"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n"
    metadata += f"Requires-Dist: {requires}\n" if requires else ""
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}/ready_made.py", "")
        wheel.writestr(f"{name}-1.dist-info/METADATA", metadata)
        wheel.writestr(f"{name}-1.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
        wheel.writestr(f"{name}-1.dist-info/RECORD", "")
    return path


def built(directory: Path) -> dict[str, bool]:
    """The wheels in a directory by project: whether each was built here (else it is the ready-made one)."""
    found = {}
    for path in directory.glob("*.whl"):
        ready = any(name.endswith("ready_made.py") for name in zipfile.ZipFile(path).namelist())
        assert ready or is_host(path)
        found[path.name.partition("-")[0]] = not ready
    return found


@pytest.fixture(scope="module")
def links(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two projects, each as an sdist and as a wheel for the host; the first requires the second."""
    directory = tmp_path_factory.mktemp("index")
    for name, requires in (("first", "second"), ("second", "")):
        project = projects.setuptools_c(directory / "sources" / name, name)
        with (project / "pyproject.toml").open("a") as file:
            file.write(f'dependencies = ["{requires}"]\n' if requires else "")
        sdist(project, name, directory / "links")
        ready_made(name, directory / "links", requires)
    return directory / "links"


# pip


@pytest.fixture(scope="module", params=PIPS)
def pip_env(request: pytest.FixtureRequest, make_env: Callable[[], Path], run: Run) -> Path:
    """An environment with a pip of this version, and setuptools in the build side."""
    version = str(request.param)
    for ends_before, versions in (((3, 12), ("23.0",)), ((3, 15), ("23.3", "24.0", "25.0"))):
        if version in versions and sys.version_info >= ends_before:
            pytest.skip(f"pip {version} does not run on Python {'.'.join(map(str, ends_before))} or later")
    env = make_env()
    wanted = "pip" if version == "newest" else f"pip=={version}"
    done = subprocess.run(
        [env / "bin/cross-pip", "install", "-q", "-U", wanted], text=True, capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"needs {wanted} from an index")
    run(env / "bin/build-pip", "install", "-q", "setuptools")
    if version != "newest":
        assert f"pip {version} " in run(env / "bin/cross-pip", "--version")
    return env


def test_pip_builds_with_isolation(pip_env: Path, tmp_path: Path, run: Run) -> None:
    project = projects.cython(tmp_path / "project")
    run(pip_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project)
    assert is_host(only_wheel(tmp_path / "out"))


def digest(path: Path) -> str:
    return f"--hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


@pytest.mark.parametrize("case", ["name", "file", "hashes", "constraint", "prefer", "only", "variable"])
def test_what_pip_wheel_builds(pip_env: Path, links: Path, tmp_path: Path, run: Run, case: str) -> None:
    """What is named, on the command line or in a file, is built; what it requires and a constraint names is not."""
    out, requirements = tmp_path / "out", tmp_path / "requirements.txt"
    words: list[str | Path] = ["-r", requirements]
    extra: dict[str, str] = {}
    expected = {"first": True, "second": False}
    text = "first\n"
    if case == "name":
        words = ["first"]
    elif case == "hashes":
        hashes = {
            name: " ".join(digest(path) for path in sorted(links.glob(f"{name}-*"))) for name in ("first", "second")
        }
        text = "".join(f"{name}==1 {value}\n" for name, value in hashes.items())
        words += ["--require-hashes"]
        expected = {"first": True, "second": True}
    elif case == "constraint":
        requirements.write_text("second==1\n")
        words = ["-c", requirements, "first"]
        text = "second==1\n"
    elif case == "prefer":
        text = "--prefer-binary\nsecond\n"
        expected = {"second": False}
    elif case == "only":
        text = "--only-binary second\nsecond\n"
        expected = {"second": False}
    elif case == "variable":
        extra = {"PIP_NO_BINARY": "second"}
        expected = {"second": True}
        text = "second\n"
    requirements.write_text(text)
    common = ["wheel", "--no-index", "--no-build-isolation", "--find-links", str(links), "-w", str(out)]
    run(pip_env / "bin/cross-pip", *common, *words, **extra)
    assert built(out) == expected


def test_pip_downloads_for_the_host(pip_env: Path, links: Path, tmp_path: Path, run: Run) -> None:
    run(pip_env / "bin/cross-pip", "download", "--no-index", "--find-links", links, "-d", tmp_path, "second")
    assert built(tmp_path) == {"second": False}


def test_pip_installs_into_the_host_side(pip_env: Path, links: Path, run: Run) -> None:
    pip = pip_env / "bin/cross-pip"
    common: list[str | Path] = ["--no-index", "--no-build-isolation", "--find-links", links]
    run(pip, "install", *common, "--no-binary", "first", "first")
    listed = {package["name"] for package in json.loads(run(pip, "list", "--format=json"))}
    assert {"first", "second"} <= listed
    (module,) = (pip_env / "cross").glob("lib/*/site-packages/first/*.so")
    assert elf_identity(module).number == 183
    run(pip, "uninstall", "-y", "first", "second")


def test_settings_of_the_user_reach_the_back_end(pip_env: Path, tmp_path: Path, run: Run) -> None:
    project = projects.write(
        tmp_path / "project",
        {
            "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
            "backend.py": projects.IN_TREE.replace(
                "    name = f", "    assert config_settings == {'colour': 'red'}, config_settings\n    name = f"
            ),
        },
    )
    (project / "payload").write_bytes(b"")
    words = ["wheel", "--no-deps", "--config-settings", "colour=red", "-w", str(tmp_path / "out")]
    result = subprocess.run([pip_env / "bin/cross-pip", *words, project], text=True, capture_output=True, check=False)
    # It got past the assertion; an empty file is no extension module.
    assert "is not an ELF file" in result.stdout + result.stderr


@pytest.mark.parametrize("feature", ["venv-isolation", "inprocess-build-deps"])
@pytest.mark.parametrize("command", ["wheel", "install", "download"])
def test_pips_new_ways_of_isolation(
    make_env: Callable[[], Path], tmp_path: Path, run: Run, feature: str, command: str
) -> None:
    env = make_env()
    run(env / "bin/cross-pip", "install", "-q", "-U", "pip")
    project = projects.cython(tmp_path / "project")
    words: list[str | Path] = [env / "bin/cross-pip", command, f"--use-feature={feature}", "--no-deps"]
    if command != "install":
        words += ["-w" if command == "wheel" else "-d", tmp_path / "out"]
    result = subprocess.run([*words, project], text=True, capture_output=True, check=False)
    if "invalid choice" in result.stderr:
        pytest.skip(f"this pip has no {feature}")
    if feature == "inprocess-build-deps":
        assert result.returncode == 2
        assert "inprocess-build-deps installs the target's wheels as build requirements" in result.stderr
    else:
        assert result.returncode == 0, result.stderr
        if command == "wheel":
            assert is_host(only_wheel(tmp_path / "out"))


# uv


@pytest.fixture(scope="module", params=UVS)
def uv(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a uv of this version."""
    wanted = "uv" if request.param == "newest" else f"uv=={request.param}"
    directory = tmp_path_factory.mktemp("uv")
    words = [sys.executable, "-m", "pip", "install", "-q", "--target", str(directory), wanted]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip(f"needs {wanted} from an index")
    return directory / "bin"


@pytest.fixture
def with_uv(uv: Path) -> dict[str, str]:
    return {"PATH": f"{uv}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def uv_env(make_env: Callable[[], Path], run: Run) -> Path:
    env = make_env()
    run(env / "bin/build-pip", "install", "-q", "setuptools")
    return env


@pytest.mark.parametrize("backend", ["Cython", "meson-python", "scikit-build-core"])
def test_uv_builds(backend: str, uv_env: Path, with_uv: dict[str, str], tmp_path: Path, run: Run) -> None:
    make = {
        "Cython": projects.cython,
        "meson-python": projects.meson,
        "scikit-build-core": projects.scikit_build_core,
    }[backend]
    project = make(tmp_path / "project")
    run(uv_env / "bin/cross-uv", "build", "--wheel", "-o", tmp_path / "out", project, **with_uv)
    assert is_host(only_wheel(tmp_path / "out"))


def test_uv_builds_in_a_path_with_a_blank(real_env: Path, with_uv: dict[str, str], tmp_path: Path, run: Run) -> None:
    project = projects.setuptools_c(tmp_path / "a project")
    run(real_env / "bin/cross-uv", "build", "--wheel", "-o", tmp_path / "out", project, **with_uv)
    assert is_host(only_wheel(tmp_path / "out"))
    run(real_env / "bin/cross-uv", "pip", "install", project, **with_uv)
    assert (real_env / "cross/bin/toy-tool").read_text().startswith(f"#!/usr/bin/python{sys.version_info[0]}.")
    run(real_env / "bin/cross-uv", "pip", "uninstall", "toy", **with_uv)


def test_uv_builds_sdist_and_wheel(uv_env: Path, with_uv: dict[str, str], tmp_path: Path, run: Run) -> None:
    project = projects.setuptools_c(tmp_path / "project")
    run(uv_env / "bin/cross-uv", "build", "-o", tmp_path / "out", project, **with_uv)
    assert (tmp_path / "out/toy-1.tar.gz").exists()
    assert is_host(only_wheel(tmp_path / "out"))


def test_a_requirement_that_uv_builds_stays_native(
    uv_env: Path, with_uv: dict[str, str], tmp_path: Path, run: Run
) -> None:
    helper = projects.setuptools_c(tmp_path / "tool", "crossenv_helper")
    sdist(helper, "crossenv_helper", tmp_path / "links")
    project = projects.setuptools_c(tmp_path / "project", requires=("setuptools", "crossenv_helper"))
    setup = project / "setup.py"
    setup.write_text("import crossenv_helper._toy\n" + setup.read_text())
    words: list[str | Path] = ["build", "--find-links", tmp_path / "links", "-o", tmp_path / "out", project]
    run(uv_env / "bin/cross-uv", *words, **with_uv)
    assert is_host(only_wheel(tmp_path / "out"))


def test_uv_without_isolation(uv_env: Path, with_uv: dict[str, str], tmp_path: Path, run: Run) -> None:
    """What is run comes from the build side."""
    project = projects.setuptools_c(tmp_path / "project")
    words: list[str | Path] = ["build", "--wheel", "--no-build-isolation", "-o", tmp_path / "out", project]
    run(uv_env / "bin/cross-uv", *words, **with_uv)
    assert is_host(only_wheel(tmp_path / "out"))


def test_uv_installs_into_the_host_side(
    uv_env: Path, with_uv: dict[str, str], links: Path, tmp_path: Path, run: Run
) -> None:
    """Wheels of the index by the host's tags, sources built for it, and markers that are the host's."""
    command = uv_env / "bin/cross-uv"
    marked = tmp_path / "requirements.txt"
    marked.write_text("first\nnothing-of-this-name; platform_machine == 'x86_64'\n")
    common: list[str | Path] = ["--no-index", "--find-links", links, "--no-build-isolation"]
    run(command, "pip", "install", *common, "-r", marked, "--no-binary", "first", **with_uv)
    site = next((uv_env / "cross").glob("lib/*/site-packages"))
    (module,) = (site / "first").glob("*.so")
    assert elf_identity(module).number == 183
    assert (site / "second/ready_made.py").exists()
    assert (uv_env / "cross/bin/first-tool").read_text().startswith("#!/usr/bin/python")
    assert "first v1" in run(command, "pip", "tree", **with_uv)
    compiled = run(command, "pip", "compile", "-q", *common, marked, **with_uv)
    assert "first==1" in compiled
    assert "second==1" in compiled
    assert "nothing-of-this-name" not in compiled.replace("first\nnothing", "")
    assert "cross-uv pip compile" in compiled
    run(command, "pip", "uninstall", "first", "second", **with_uv)
    assert not list(site.glob("first*"))


def test_plain_uv_is_never_silently_native(uv_env: Path, uv: Path, tmp_path: Path, run: Run) -> None:
    """uv with the cross python builds for the host, or is refused where it has chosen requirements for the host."""
    run(
        uv / "uv", "build", "--wheel", "--python", uv_env / "bin/python", "-o", tmp_path / "pure",
        projects.setuptools_c(tmp_path / "one"),
        UV_CACHE_DIR=str(tmp_path / "cache"),
    )  # fmt: skip
    assert is_host(only_wheel(tmp_path / "pure"))
    project = projects.cython(tmp_path / "two")
    words: list[str | Path] = [uv / "uv", "build", "--wheel"]
    words += ["--python", uv_env / "bin/python", "-o", tmp_path / "out", project]
    result = subprocess.run(
        words, text=True, capture_output=True, check=False,
        env={**os.environ, "UV_CACHE_DIR": str(tmp_path / "cache")},
    )  # fmt: skip
    assert result.returncode != 0
    assert "crossenv: error: uv has installed the target's cython as build requirements" in result.stderr.lower()
    assert not list(tmp_path.glob("out/*.whl"))


# The same wheel from each of them

SAME: dict[str, Callable[[Path], Path]] = {
    "setuptools": projects.setuptools_c,
    "Cython": projects.cython,
    "cffi": projects.cffi,
    "meson-python": projects.meson,
    "scikit-build-core": projects.scikit_build_core,
    "pybind11": projects.pybind11,
    "hatchling": projects.hatchling,
    "nanobind": projects.nanobind,
    "mypyc": projects.mypyc,
    "maturin": lambda directory: projects.rust(directory, "maturin"),
    "setuptools-rust": lambda directory: projects.rust(directory, "setuptools-rust"),
}
USUAL = ("setuptools", "Cython", "meson-python", "scikit-build-core")


@pytest.mark.parametrize("backend", with_thorough(USUAL, (name for name in SAME if name not in USUAL)))
def test_pip_build_and_uv_make_the_same_modules(
    backend: str, uv_env: Path, tmp_path: Path, run: Run, request: pytest.FixtureRequest
) -> None:
    """Byte for byte, build id and debug information included, from sources in three directories."""
    if backend in ("maturin", "setuptools-rust"):
        request.getfixturevalue("rust_target")
    run(uv_env / "bin/cross-pip", "install", "-q", "build")
    run(uv_env / "bin/build-pip", "install", "-q", "uv")
    archive = sdist(SAME[backend](tmp_path / "project"), "toy", tmp_path / "sdist")
    (tmp_path / "unpacked").mkdir()
    run("tar", "-xzf", archive, "-C", tmp_path / "unpacked")
    cross: dict[str, list[str | Path]] = {
        "pip": [uv_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "pip", archive],
        "build": [
            *(uv_env / "bin/cross-python", "-m", "build", "--wheel"),
            *("-o", tmp_path / "build", tmp_path / "unpacked/toy-1"),
        ],
        "uv": [uv_env / "bin/cross-uv", "build", "--wheel", "-o", tmp_path / "uv", archive],
    }
    modules = {}
    for name, words in cross.items():
        run(*words)
        wheel = only_wheel(tmp_path / name)
        assert is_host(wheel)
        with zipfile.ZipFile(wheel) as opened:
            modules[name] = {member: opened.read(member) for member in opened.namelist() if member.endswith(".so")}
    assert modules["pip"] == modules["build"] == modules["uv"]


@pytest.mark.parametrize("toolchain", ["gnu", pytest.param("zig", marks=needs_zig)])
def test_two_environments_make_the_same_module(toolchain: str, cross_gcc: str, tmp_path: Path, run: Run) -> None:
    """Debug information names the files that were compiled, and so the environment's headers."""
    project = projects.setuptools_c(tmp_path / "project")
    target = ["--target", "aarch64", "--toolchain", "zig"]
    if toolchain == "gnu":
        target = ["--target", "aarch64-linux-gnu", "--cc", cross_gcc]
    modules = set()
    for number in range(2):
        env, wheels = tmp_path / f"env-{number}", tmp_path / f"wheels-{number}"
        run(sys.executable, "-m", "crossenv", "create", "-q", "--python", sys.executable, *target, env)
        run(env / "bin/cross-pip", "wheel", "--no-deps", "-w", wheels, project, CFLAGS="-O1 -g -gz=none")
        with zipfile.ZipFile(only_wheel(wheels)) as opened:
            (name,) = (member for member in opened.namelist() if member.endswith(".so"))
            modules.add(opened.read(name))
    (module,) = modules
    assert b"ENV/" in module


# setup.py, editable installs, no isolation


def test_setup_py_in_place(uv_env: Path, tmp_path: Path, run: Run) -> None:
    project = projects.setuptools_c(tmp_path / "project")
    run(uv_env / "bin/cross-python", "setup.py", "-q", "build_ext", "--inplace", cwd=project)
    (module,) = (project / "toy").glob("*.so")
    assert elf_identity(module).number == 183


@pytest.mark.parametrize("front_end", ["pip", "uv"])
@pytest.mark.parametrize("backend", ["setuptools", "meson-python", "scikit-build-core"])
def test_editable(backend: str, front_end: str, uv_env: Path, tmp_path: Path, run: Run) -> None:
    """Installed into the host side, compiled for the host; the directory of the sources is what is imported."""
    project = SAME[backend](tmp_path / "project")
    run(uv_env / "bin/build-pip", "install", "-q", "setuptools", "meson-python", "ninja", "scikit-build-core", "uv")
    install: list[str | Path] = [uv_env / "bin/cross-pip", "install"]
    if front_end == "uv":
        install = [uv_env / "bin/cross-uv", "pip", "install"]
    run(*install, "--no-build-isolation", "-e", project)
    listed = json.loads(run(uv_env / "bin/cross-pip", "list", "--format=json"))
    (toy,) = [package for package in listed if package["name"] == "toy"]
    assert toy["editable_project_location"] == str(project)
    site = next((uv_env / "cross").glob("lib/*/site-packages"))
    modules = [*project.rglob("*.so"), *(site / "toy").glob("*.so")]
    assert modules
    assert all(elf_identity(module).number == 183 for module in modules)
    run(uv_env / "bin/cross-pip", "uninstall", "-y", "toy")
    assert not (site / "toy").exists()


NUMPY_PYX = """
cimport numpy as np
np.import_array()
cdef extern from "numpy/npy_math.h":
    double npy_copysign(double a, double b)
def copysign(double a, double b):
    return npy_copysign(a, b)
"""


def test_numpy_on_both_sides(uv_env: Path, tmp_path: Path, run: Run) -> None:
    """Without isolation: imported from the build side, linked from the host side, metadata of the host side."""
    project = projects.write(
        tmp_path / "project",
        {
            "pyproject.toml": '[build-system]\nrequires = ["setuptools", "cython", "numpy"]\n'
            'build-backend = "setuptools.build_meta"\n[project]\nname = "toy"\nversion = "1"\n'
            'dependencies = ["numpy"]\n',
            "setup.py": "import os, platform, numpy\nfrom importlib.metadata import distribution\n"
            "from Cython.Build import cythonize\nfrom setuptools import Extension, setup\n"
            "assert numpy.zeros(2).sum() == 0 and platform.machine() == 'aarch64'\n"
            "home = os.path.dirname(numpy.__file__)\nassert '/build/' in home, home\n"
            "module = Extension('toy._toy', ['toy/_toy.pyx'], include_dirs=[numpy.get_include()],\n"
            "    library_dirs=[home + '/_core/lib'], libraries=['npymath', 'm'])\n"
            "setup(packages=['toy'], ext_modules=cythonize([module]))\n",
            "toy/__init__.py": "",
            "toy/_toy.pyx": NUMPY_PYX,
        },
    )
    run(uv_env / "bin/build-pip", "install", "-q", "setuptools", "cython", "numpy")
    version = run(uv_env / "bin/build-python", "-c", "import numpy; print(numpy.__version__)").strip()
    run(uv_env / "bin/cross-pip", "install", "-q", "--only-binary", "numpy", f"numpy=={version}")
    run(uv_env / "bin/cross-pip", "wheel", "--no-build-isolation", "--no-deps", "-w", tmp_path / "out", project)
    assert is_host(only_wheel(tmp_path / "out"))
    # Its requirement is met by the host side's numpy.
    common: list[str | Path] = ["install", "--no-build-isolation", "--no-index", project]
    run(uv_env / "bin/cross-pip", *common)
    run(uv_env / "bin/cross-pip", "check")
    run(uv_env / "bin/cross-pip", "uninstall", "-y", "toy", "numpy")
    assert run(uv_env / "bin/build-python", "-c", "import numpy; print(numpy.__version__)").strip() == version


# Programs that make environments of their own


def test_uv_sync_is_native_or_refused(uv_env: Path, uv: Path, tmp_path: Path, run: Run) -> None:
    """It believes the interpreter that it finds: the cross python may not have it build for a native environment."""
    project = projects.setuptools_c(tmp_path / "project")
    with (project / "pyproject.toml").open("a") as file:
        file.write(f'requires-python = ">={sys.version_info[0]}.{sys.version_info[1]}"\n')
    activated = {
        "PATH": f"{uv_env}/bin{os.pathsep}{uv}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(uv_env),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
    }
    done = subprocess.run(
        ["uv", "sync", "--python", uv_env / "bin/python"],
        cwd=project, env={**os.environ, **activated}, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "crossenv: error: uv sync makes an environment for this machine" in done.stderr
    # Earlier uvs break lines.
    assert f"uv venv --python {uv_env}/build/bin/python" in " ".join(done.stderr.split())
    assert not list(tmp_path.rglob("_toy*.so"))
    shutil.rmtree(project / ".venv", ignore_errors=True)
    run(uv / "uv", "venv", "-q", "--python", uv_env / "build/bin/python", project / ".venv")
    run(uv / "uv", "sync", "-q", "--project", project, **activated)
    told = "import sysconfig, toy._toy; print(sysconfig.get_platform(), toy._toy.answer())"
    assert run(project / ".venv/bin/python", "-c", told) == f"linux-{os.uname().machine} 8\n"


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory, run: Run) -> Path:
    """A virtual environment with nox, tox and hatch, as pipx makes them."""
    directory = tmp_path_factory.mktemp("outside") / "tools"
    run(sys.executable, "-m", "venv", directory)
    run(directory / "bin/pip", "install", "-q", "nox", "tox", "hatch")
    return directory


@pytest.fixture(scope="module")
def tools_env(make_env: Callable[[], Path], run: Run) -> Path:
    """An environment that has nox, tox and hatch in its target side."""
    env = make_env()
    run(env / "bin/cross-pip", "install", "-q", "nox", "tox", "hatch")
    return env


RUNNERS = {"nox": ("-s", "tell"), "tox": ("-q", "-e", "tell"), "hatch": ("run", "tell")}


@pytest.mark.parametrize("whose", ["outside", "ours"])
@pytest.mark.parametrize("tool", with_thorough(["tox"], ["nox", "hatch"]))
def test_test_runners_make_native_environments_and_say_so(
    tool: str, whose: str, outside: Path, tools_env: Path, tmp_path: Path
) -> None:
    """Started with a cross environment activated: what they build is for this machine and runs here."""
    project = projects.setuptools_c(tmp_path / "project")
    (project / "src").mkdir()
    (project / "toy").rename(project / "src/toy")
    setup = project / "setup.py"
    setup.write_text(setup.read_text().replace("packages=", "package_dir={'': 'src'}, packages="))
    projects.write(
        project,
        {
            "tell.py": "import toy._toy, sysconfig; print('IS', sysconfig.get_platform(), toy._toy.answer())\n",
            "noxfile.py": "import nox\n@nox.session\ndef tell(s): s.install('.'); s.run('python', 'tell.py')\n",
            "tox.ini": "[testenv:tell]\npackage = wheel\ncommands = python tell.py\n",
            "hatch.toml": '[envs.default.scripts]\ntell = "python tell.py"\n',
        },
    )
    start: list[str | Path] = [outside / "bin" / tool] if whose == "outside" else ["python", "-m", tool]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("NOX", "TOX", "HATCH"))}
    environment |= {
        "PATH": f"{tools_env}/bin{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(tools_env),
        "HATCH_DATA_DIR": str(tmp_path / "hatch"),
    }
    words = [*start, *RUNNERS[tool]]
    done = subprocess.run(words, cwd=project, env=environment, text=True, capture_output=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert f"IS linux-{os.uname().machine} 8\n" in said
    modules = [*project.rglob("_toy*.so"), *tmp_path.glob("hatch/**/_toy*.so")]
    assert modules
    assert {elf_identity(module).number for module in modules} == {elf_identity(Path("/proc/self/exe")).number}
    if whose == "ours" and tool == "tox":
        # The others show what virtualenv says only where it fails.
        assert "is an environment for this machine" in said

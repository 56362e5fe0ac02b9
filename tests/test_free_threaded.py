"""Hosts without the GIL that are made from a build Python with it (PEP 703)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import projects
from conftest import CrossenvCommand, Run
from crossenv.errors import UsageError
from crossenv.pythons.build_python import find_build_python, find_build_python_for_target
from crossenv.synthesis.synthesise import as_free_threaded, read_build_facts

VERSION = "3.13" if sys.version_info < (3, 13) else f"{sys.version_info[0]}.{sys.version_info[1]}"
NODOT = VERSION.replace(".", "")


@pytest.fixture(scope="module")
def build_python() -> Path:
    """A CPython with the GIL that could have been built without."""
    try:
        found = find_build_python(VERSION)
        read_build_facts(found.executable)
    except Exception as error:
        pytest.skip(f"needs a CPython {VERSION} with headers: {error}")
    if "t" in found.abi_flags:
        pytest.skip("needs a CPython with the GIL")
    return found.executable


def test_names_follow_the_flags() -> None:
    build = read_build_facts(find_build_python(sys.executable).executable)
    if build.free_threaded:
        pytest.skip("needs a CPython with the GIL")
    free = as_free_threaded(build)
    version, nodot = build.version, build.version.replace(".", "")
    assert (free.abi_flags, free.free_threaded) == (f"t{build.abi_flags}", True)
    assert free.soabi == build.soabi.replace(f"cpython-{nodot}", f"cpython-{nodot}t")
    assert free.config["Py_GIL_DISABLED"] == 1
    assert free.config["LDVERSION"] == f"{version}t{build.abi_flags}"
    assert free.config["VERSION"] == version
    assert str(free.config["INCLUDEPY"]).endswith(f"/python{version}t{build.abi_flags}")
    assert str(free.config["LIBDEST"]).endswith(f"/python{version}t")
    assert str(free.config["LIBRARY"]) == f"libpython{version}t{build.abi_flags}.a"
    # Nothing is renamed twice.
    assert as_free_threaded(free) is free
    text = "\n".join(map(str, free.config.values()))
    assert f"{version}tt" not in text
    assert f"{nodot}tt" not in text


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="this Python exists without the GIL")
def test_no_free_threaded_python_before_313() -> None:
    with pytest.raises(UsageError, match="there is no free-threaded Python"):
        find_build_python_for_target(sys.executable, free_threaded=True)


def test_the_build_python_may_have_the_gil(build_python: Path) -> None:
    found, free_threaded = find_build_python_for_target(f"{VERSION}t")
    assert free_threaded
    assert found.version == VERSION
    assert find_build_python_for_target(str(build_python)) == (find_build_python(str(build_python)), False)
    assert find_build_python_for_target(str(build_python), free_threaded=True)[1]


QUESTIONS = """
import json, sys, sysconfig
names = ("Py_GIL_DISABLED", "EXT_SUFFIX", "SOABI", "LDVERSION", "abiflags", "abi_thread", "INCLUDEPY")
def build_wheel(directory, *_):
    print("ANSWERS", json.dumps({**{name: sysconfig.get_config_var(name) for name in names},
        "flags": sys.abiflags, "include": sysconfig.get_path("include")}), file=sys.stderr)
    raise SystemExit("asked enough")
"""


@pytest.fixture(scope="module")
def env(build_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of a free-threaded host."""
    pytest.importorskip("ziglang")
    directory = tmp_path_factory.mktemp("free") / "env"
    words = ("--target", "aarch64", "--toolchain", "zig", "--python", build_python, "--free-threaded")
    CrossenvCommand(os.environ["PATH"])("create", *words, directory)
    return directory


@pytest.mark.integration
def test_a_free_threaded_wheel(env: Path, tmp_path: Path, run: Run, crossenv: CrossenvCommand) -> None:
    project = projects.cython(tmp_path / "toy")
    run(env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "wheels", project)
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    assert f"-cp{NODOT}-cp{NODOT}t-manylinux_2_28_aarch64" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".so")]
        assert f".cpython-{NODOT}t-aarch64-linux-gnu.so" in name
        # A header without the GIL has another PyObject, whose counts need these.
        assert b"_Py_DecRefShared" in archive.read(name)
    crossenv("audit", "--env", env, wheel)
    # What is installed for the target is where this interpreter looks.
    run(env / "bin/cross-pip", "install", "--no-deps", wheel)
    assert "toy" in run(env / "bin/cross-pip", "list")
    # A tree that goes to the target is laid out as its interpreter wants it.
    run(env / "bin/cross-pip", "install", "--no-deps", "--ignore-installed", "--prefix", tmp_path / "staged", wheel)
    assert [path.name for path in (tmp_path / "staged/lib").iterdir()] == [f"python{VERSION}t"]
    crossenv("doctor", env)


@pytest.mark.integration
def test_what_a_back_end_is_told(env: Path, tmp_path: Path) -> None:
    project = tmp_path / "asking"
    project.mkdir()
    (project / "backend.py").write_text(QUESTIONS)
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "asking"\nversion = "1"\n'
    )
    done = subprocess.run(
        [env / "bin/cross-pip", "wheel", "-w", tmp_path, project], capture_output=True, text=True, check=False
    )
    line = next(line for line in (done.stdout + done.stderr).splitlines() if "ANSWERS" in line)
    include = f"{env}/host/python/include/python{VERSION}t"
    assert json.loads(line.partition("ANSWERS ")[2]) == {
        "Py_GIL_DISABLED": 1,
        "EXT_SUFFIX": f".cpython-{NODOT}t-aarch64-linux-gnu.so",
        "SOABI": f"cpython-{NODOT}t-aarch64-linux-gnu",
        "LDVERSION": f"{VERSION}t",
        "abiflags": "t",
        # Packages are where this interpreter looks.
        "abi_thread": "",
        "INCLUDEPY": include,
        "flags": "t",
        "include": include,
    }

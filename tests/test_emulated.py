"""The result on a real host: Debian's own Python for arm64, under qemu-user."""

from __future__ import annotations

import datetime
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import projects
from conftest import VERSION, Run, with_thorough
from crossenv.pythons import crossenv_dump
from crossenv.pythons.dump_from_files import describe_host
from crossenv.pythons.read import read_host_python
from dumps import differences, ours, schema_faults

pytestmark = pytest.mark.integration

PYTHON_TAG = f"cp{sys.version_info[0]}{sys.version_info[1]}-cp{sys.version_info[0]}{sys.version_info[1]}"


Emulate = Callable[..., str]


@pytest.fixture(scope="module")
def emulate(sysroot: Path, debian_env: Path, run: Run) -> Emulate:
    """Run the host's own Python with the host side's packages."""
    qemu = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    if qemu is None:
        pytest.skip("needs qemu-aarch64 or qemu-aarch64-static")

    def run_emulated(*words: str | Path, **extra: str) -> str:
        site = json.loads((debian_env / "crossenv.json").read_text())["host"]["site_packages"]
        return run(qemu, "-L", sysroot, sysroot / f"usr/bin/python{VERSION}", *words, **{"PYTHONPATH": site, **extra})

    return run_emulated


def test_what_was_read_is_what_the_host_says(emulate: Emulate, debian_env: Path, run: Run) -> None:
    """The host Python itself is the judge of what we read in its files, and of what our interpreter answers."""
    ask = (
        "import json, os, platform, sys, sysconfig; print(json.dumps({"
        "'machine': platform.machine(), 'libc': platform.libc_ver(), 'soabi': sysconfig.get_config_var('SOABI'),"
        "'suffix': sysconfig.get_config_var('EXT_SUFFIX'), 'platform': sysconfig.get_platform(),"
        "'multiarch': sys.implementation._multiarch, 'bits': platform.architecture()[0], 'abiflags': sys.abiflags,"
        "'size': sysconfig.get_config_var('SIZEOF_LONG'), 'confstr': os.confstr('CS_GNU_LIBC_VERSION')}))"
    )
    assert json.loads(run(debian_env / "bin/cross-python", "-c", ask)) == json.loads(emulate("-c", ask))
    record = json.loads((debian_env / "crossenv.json").read_text())["host"]
    full = emulate("-c", "import platform; print(platform.python_version())").strip()
    assert record["full_version"] == full
    suffixes = emulate("-c", "import importlib.machinery as m; print(*m.EXTENSION_SUFFIXES)").split()
    # Debian's 3.13 takes one more, .abi3-TRIPLET.so, which nothing on disk tells and nothing builds.
    assert set(record["extension_suffixes"]) <= set(suffixes)


def test_tags_are_those_of_the_host(emulate: Emulate, debian_env: Path, run: Run) -> None:
    ask = "from pip._vendor.packaging.tags import sys_tags; print(*sys_tags())"
    assert run(debian_env / "bin/cross-python", "-c", ask) == emulate("-c", ask)


def test_markers_are_those_of_the_host(emulate: Emulate, debian_env: Path, run: Run) -> None:
    ask = (
        "import json; from pip._vendor.packaging.markers import default_environment as e; d = e();"
        "print(json.dumps({k: d[k] for k in ('os_name', 'sys_platform', 'platform_machine', 'platform_system',"
        "'implementation_name', 'platform_python_implementation', 'python_version')}))"
    )
    assert json.loads(run(debian_env / "bin/cross-python", "-c", ask)) == json.loads(emulate("-c", ask))


def test_doctor_on_the_real_host(debian_env: Path, run: Run) -> None:
    assert "FAIL" not in run(sys.executable, "-m", "crossenv", "doctor", debian_env)


def test_installed_packages_run_on_the_host(emulate: Emulate, debian_env: Path, tmp_path: Path, run: Run) -> None:
    """A compiled and a pure package, built here and installed into the host side, with a script each."""
    compiled = projects.setuptools_c(tmp_path / "compiled", "crossenv_compiled")
    pure = projects.pure(tmp_path / "pure", "flit")
    with (pure / "pyproject.toml").open("a") as file:
        file.write('scripts = { toy-tool = "toy:main" }\n')
    (pure / "toy/__init__.py").write_text('"""A toy."""\ndef main(): print("pure on the target")\n')
    run(debian_env / "bin/cross-pip", "install", compiled, pure)
    answer = emulate("-c", "import crossenv_compiled._toy as t, platform; print(t.answer(), platform.machine())")
    assert answer == "8 aarch64\n"
    for script, says in (("crossenv_compiled-tool", "toy\n"), ("toy-tool", "pure on the target\n")):
        path = debian_env / "cross/bin" / script
        assert path.read_text().startswith(f"#!/usr/bin/python{VERSION}\n")
        assert emulate(path) == says
    listed = emulate("-c", "import importlib.metadata as m; print(m.version('crossenv_compiled'), m.version('toy'))")
    assert listed == "1 1\n"


@pytest.mark.parametrize("backend", with_thorough(["cython", "cffi", "meson"], ["pybind11"]))
def test_each_back_ends_extension_runs_on_the_host(
    backend: str, emulate: Emulate, debian_env: Path, tmp_path: Path, run: Run
) -> None:
    project = getattr(projects, backend)(tmp_path / "project")
    run(debian_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project)
    (wheel,) = (tmp_path / "out").glob("*.whl")
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    if backend == "cffi":
        # The extension needs cffi's own back end, which is the host's ready-made wheel.
        run(debian_env / "bin/cross-pip", "install", "-q", "--target", tmp_path / "site", "cffi")
    call = "t.lib.answer()" if backend == "cffi" else "t.answer()"
    answer = emulate("-c", f"import toy._toy as t; print({call})", PYTHONPATH=str(tmp_path / "site"))
    assert answer == ("42\n" if backend == "meson" else "8\n")


@pytest.mark.usefixtures("rust_target")
@pytest.mark.parametrize("bindings", ["cffi", "bin"])
def test_maturins_other_bindings_run_on_the_host(
    bindings: str, sysroot: Path, emulate: Emulate, debian_env: Path, tmp_path: Path, run: Run
) -> None:
    """A library that cffi loads, and a program that embeds the host's Python."""
    project = projects.rust_bindings(tmp_path / "project", bindings)
    run(debian_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project)
    (wheel,) = (tmp_path / "out").glob("*.whl")
    # A program that embeds Python is for that version of it.
    assert wheel.name == f"toy-1-{'py3-none' if bindings == 'cffi' else PYTHON_TAG}-linux_aarch64.whl"
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    if bindings == "cffi":
        run(debian_env / "bin/cross-pip", "install", "-q", "--target", tmp_path / "site", "cffi")
        code = "import toy; print(toy.lib.answer())"
        assert emulate("-c", code, PYTHONPATH=str(tmp_path / "site")) == "64\n"
    else:
        qemu = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
        assert qemu is not None
        (program,) = tmp_path.glob("site/*.data/scripts/toy")
        program.chmod(0o755)
        answer = run(qemu, "-L", sysroot, program, PYTHONHOME=str(sysroot / "usr"))
        assert answer == "Python 3 in a program of 64 bits\n"


def test_no_host_python_is_needed(sysroot: Path, cross_gcc: str, emulate: Emulate, tmp_path: Path, run: Run) -> None:
    """The host's configuration is derived from the build Python and the compiler; the real host takes the result."""
    env = tmp_path / "env"
    run(
        sys.executable, "-m", "crossenv", "create", "--python", sys.executable, "--target", "aarch64-linux-gnu",
        "--cc", cross_gcc, env,
    )  # fmt: skip
    assert "FAIL" not in run(sys.executable, "-m", "crossenv", "doctor", env)
    for name in ("setuptools_cxx", "meson", "scikit_build_core"):
        project = getattr(projects, name)(tmp_path / name)
        run(env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / name / "out", project)
        (wheel,) = (tmp_path / name / "out").glob("*.whl")
        assert wheel.name.endswith("-linux_aarch64.whl")
        shutil.unpack_archive(wheel, tmp_path / name / "site", "zip")
        answer = emulate("-c", "import toy._toy as t; print(t.answer())", PYTHONPATH=str(tmp_path / name / "site"))
        assert int(answer) in (3, 8, 42)


def test_a_real_package_from_its_sdist(emulate: Emulate, debian_env: Path, tmp_path: Path, run: Run) -> None:
    run(debian_env / "bin/cross-pip", "wheel", "-w", tmp_path / "out", "markupsafe")
    (wheel,) = (tmp_path / "out").glob("*.whl")
    assert wheel.name.endswith("-linux_aarch64.whl")
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    code = "import markupsafe._speedups, markupsafe; print(markupsafe.escape('<'))"
    assert emulate("-c", code, PYTHONPATH=str(tmp_path / "site")) == "&lt;\n"


def test_a_dump_that_was_taken_there_and_a_reading_agree(sysroot: Path, emulate: Emulate, tmp_path: Path) -> None:
    emulate(crossenv_dump.__file__, "--root", sysroot, "--output", tmp_path / "taken.json")
    taken = json.loads((tmp_path / "taken.json").read_text())
    read = describe_host(read_host_python(sysroot / f"usr/bin/python{VERSION}"), today=datetime.date(2026, 1, 2))
    assert schema_faults(taken) == schema_faults(read) == []
    assert differences(taken, read) == []
    tags = emulate("-c", "from pip._vendor.packaging.tags import sys_tags; print(*sys_tags())").split()
    assert set(tags) == set(ours(taken)["tags"])


def test_what_was_built_from_a_dump_alone_runs_there(
    sysroot: Path, emulate: Emulate, cross_gcc: str, tmp_path: Path, run: Run
) -> None:
    """No sysroot, no headers of the host's: the build Python's, and what the dump says."""
    emulate(crossenv_dump.__file__, "--root", sysroot, "--output", tmp_path / "dump.json")
    words = ("create", "--python", sys.executable, "--host-python", tmp_path / "dump.json", "--cc", cross_gcc)
    run(sys.executable, "-m", "crossenv", *words, tmp_path / "env")
    assert json.loads((tmp_path / "env/crossenv.json").read_text())["host"]["sysroot"] is None
    run(tmp_path / "env/bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "wheels", "markupsafe")
    (wheel,) = (tmp_path / "wheels").iterdir()
    shutil.unpack_archive(wheel, tmp_path / "use", "zip")
    code = "import markupsafe._speedups as s, platform; print(s.__name__, platform.machine())"
    assert emulate("-c", code, PYTHONPATH=str(tmp_path / "use")) == "markupsafe._speedups aarch64\n"

"""Build requirements in both flavours: what is run is the build machine's, what is linked the host's."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from _crossenv import overlay, project
from _crossenv.distribution import Distribution, is_library

import projects
from conftest import Run
from crossenv.binaries.elf import elf_identity
from makers import AARCH64, X86_64, elf_bytes

NODOT = f"{sys.version_info[0]}{sys.version_info[1]}"


def make_wheel(directory: Path, name: str, tag: str, files: dict[str, str | bytes]) -> Path:
    """A wheel (PEP 427) of version 1."""
    directory.mkdir(parents=True, exist_ok=True)
    info = f"{name}-1.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n",
    }
    rows = []
    path = directory / f"{name}-1-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.append(f"{member},sha256={digest},{len(data)}\n")
            wheel.writestr(member, data)
        wheel.writestr(f"{info}/RECORD", "".join([*rows, f"{info}/RECORD,,\n"]))
    return path


def install(site: Path, tag: str, files: dict[str, str | bytes], name: str = "linked") -> Distribution:
    """A distribution as pip leaves it in a site directory."""
    wheel = make_wheel(site.parent / "wheels", name, tag, files)
    site.mkdir(exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return Distribution(str(site), f"{name}-1.dist-info")


PLATFORM = f"cp{NODOT}-cp{NODOT}-linux_x86_64"
MODULE = f"linked/_core.cpython-{NODOT}-x86_64-linux-gnu.so"


@pytest.mark.parametrize(
    ("tag", "files", "linked"),
    [
        pytest.param(PLATFORM, ["linked/lib/libnpymath.a", "linked/a.h"], True, id="static library"),
        pytest.param("py3-none-linux_x86_64", ["linked/lib/libx.so", "linked/x.h"], True, id="library and headers"),
        pytest.param("py3-none-linux_x86_64", ["linked/lib/libx.so.1.2", "linked/x.pc"], True, id="library and .pc"),
        pytest.param(PLATFORM, [MODULE, "linked/include/ffi_config.h"], True, id="configured header"),
        pytest.param(PLATFORM, [MODULE, "linked/lib/cmake/linkedConfig.cmake"], True, id="CMake package"),
        pytest.param(PLATFORM, [MODULE, "linked/include/linked.h"], False, id="plain headers"),
        pytest.param(PLATFORM, [MODULE, "linked.libs/libgfortran-1.so.5", "linked/x.h"], False, id="grafted library"),
        pytest.param("py3-none-linux_x86_64", ["linked/native/libclang.so"], False, id="library loaded by ctypes"),
        pytest.param(
            "py3-none-linux_x86_64", ["linked/Modules/FindConfig.cmake", "linked/a_config.h"], False, id="program"
        ),
        pytest.param("py3-none-any", ["linked/lib/liba.a", "linked/a.h"], False, id="the same for all machines"),
    ],
)
def test_what_is_linked_from_is_seen_by_its_contents(
    tmp_path: Path, tag: str, files: list[str], *, linked: bool
) -> None:
    distribution = install(tmp_path / "site", tag, {"linked/__init__.py": "", **dict.fromkeys(files, "x")})
    assert distribution.is_linked_from() is linked


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("scipy_openblas32/lib/libscipy_openblas.so", True),
        ("pyarrow/libarrow.so.2600", True),
        ("numpy.libs/libscipy_openblas64_-32a4b2a6.so", False),
        ("pyarrow/lib.cpython-311-x86_64-linux-gnu.so", False),
        ("library/libx.abi3.so", False),
        ("numpy/_core/lib/libnpymath.a", False),
    ],
)
def test_a_library_is_no_extension_module(file: str, *, expected: bool) -> None:
    assert is_library(file) is expected


FACTS: Any = {"identity": {"number": 183, "bits": 64, "byte_order": "little", "abi_flags": 0}}


def test_laying_over_keeps_what_runs_and_never_writes_into_a_file(tmp_path: Path) -> None:
    site = tmp_path / "site"
    own: dict[str, str | bytes] = {
        "linked/__init__.py": "native",
        "linked/include/linked_config.h": "native",
        "linked/lib/liblinked.a": b"native",
        "linked/lib/libplain.so": elf_bytes(X86_64),
        MODULE: elf_bytes(X86_64),
    }
    distribution = install(site, PLATFORM, own)
    # As an installer with a cache of unpacked wheels leaves it.
    cached = tmp_path / "cached.h"
    os.link(site / "linked/include/linked_config.h", cached)
    hosts = {
        "linked/__init__.py": b"host",
        "linked/include/linked_config.h": b"host",
        "linked/lib/liblinked.a": b"host",
        "linked/lib/libplain.so": elf_bytes(AARCH64),
        "linked/lib/libforeign.so": elf_bytes(X86_64),
        "linked/_core.cpython-311-aarch64-linux-gnu.so": elf_bytes(AARCH64),
        "linked/include/new.h": b"host",
    }
    home = tmp_path / "home"
    overlay._copy(distribution, {name: lambda data=data: data for name, data in hosts.items()}, str(home), FACTS)  # type: ignore[misc]
    assert (site / "linked/__init__.py").read_text() == "native"
    assert (site / "linked/include/linked_config.h").read_text() == "host"
    assert cached.read_text() == "native"
    assert (site / "linked/lib/liblinked.a").read_text() == "host"
    assert (site / "linked/include/new.h").read_text() == "host"
    assert (site / MODULE).read_bytes() == elf_bytes(X86_64)
    assert not (site / "linked/_core.cpython-311-aarch64-linux-gnu.so").exists()
    assert not (site / "linked/lib/libforeign.so").exists()
    assert elf_identity(site / "linked/lib/libplain.so").number == 183
    moved = json.loads((home / "native.json").read_text())
    assert elf_identity(Path(moved[str(site / "linked/lib/libplain.so")])).number == 62


@pytest.mark.parametrize("name", ["../evil.h", "/evil.h", "a/../../evil.h", "linked-1.data/scripts/tool", "linked/"])
def test_a_wheels_members_stay_in_their_place(tmp_path: Path, name: str) -> None:
    distribution = install(tmp_path / "site", PLATFORM, {"linked/__init__.py": ""})
    assert overlay._installed_name(name, distribution) == ""


def test_members_of_data_directories_are_found_where_pip_puts_them(tmp_path: Path) -> None:
    distribution = install(tmp_path / "site", PLATFORM, {"linked/__init__.py": ""})
    assert overlay._installed_name("linked-1.data/platlib/linked/a.h", distribution) == "linked/a.h"
    assert overlay._installed_name("linked-1.data/data/include/a.h", distribution) == "../../../include/a.h"
    assert overlay._installed_name("linked/a.h", distribution) == "linked/a.h"


# What a project declares (PEP 725)


def declared(*host: str, build: tuple[str, ...] = ()) -> dict[str, object]:
    return {"external": {"host-requires": list(host), "build-requires": list(build)}}


def test_declared_libraries_are_looked_for_in_the_sysroot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lib/pkgconfig").mkdir(parents=True)
    (tmp_path / "lib/libz.so").touch()
    (tmp_path / "lib/libxml2.a").touch()
    (tmp_path / "lib/pkgconfig/libffi.pc").touch()
    monkeypatch.setenv("PKG_CONFIG_LIBDIR", str(tmp_path / "lib/pkgconfig"))
    facts: Any = {"hook_environment": {}, "fortran": False}
    there = ("dep:generic/zlib", "dep:generic/libxml2@>=2.9", "dep:generic/libffi", "dep:pypi/numpy", "dep:github/a/b")
    assert project.missing_requirements(declared(*there), facts) == []
    (line,) = project.missing_requirements(declared(*there, "dep:generic/geos>=3"), facts)
    assert "declares geos as a host requirement" in line
    assert "sysroot" in line
    (line,) = project.missing_requirements(declared(build=("dep:virtual/compiler/fortran",)), facts)
    assert "Fortran" in line
    facts["fortran"] = True
    assert project.missing_requirements(declared(build=("dep:virtual/compiler/fortran",)), facts) == []
    assert project.host_distributions(declared(*there)) == ["numpy"]


@pytest.mark.parametrize("table", [{}, {"external": 1}, {"external": {"host-requires": "x"}}, declared(1, "zlib")])  # type: ignore[arg-type]
def test_what_is_declared_otherwise_is_passed_over(table: dict[str, object]) -> None:
    facts: Any = {"hook_environment": {}, "fortran": False}
    assert project.missing_requirements(table, facts) == []


# With real compilers

LIBRARY_C = "#include <linked/linked_config.h>\nint linked_machine(void) { return MACHINE; }\n"
SETUP = """
import ctypes, os, subprocess, sys
from setuptools import Extension, setup
import linked
# It runs here, although the target's library lies in its place by now.
native = ctypes.CDLL(os.path.join(linked.directory, "lib", "libshared.so"))
assert native.linked_machine() == 62, native.linked_machine()
flags = subprocess.run(["pkg-config", "--cflags", "--libs", "linked"], capture_output=True, text=True)
if "build_ext" in sys.argv or "bdist_wheel" in sys.argv:
    assert flags.stdout.split() == ["-DFROM_PC", "-llinked"], flags
setup(
    packages=["toy"],
    ext_modules=[
        Extension("toy._toy", ["toy.c"], include_dirs=[linked.directory + "/include"],
                  library_dirs=[linked.directory + "/lib"], libraries=["linked", "shared"])
    ],
)
"""
TOY_C = projects.MODULE_C.format(
    top="#include <linked/linked_config.h>\nint linked_machine(void);\n"
    '_Static_assert(MACHINE == 183, "the build machine\'s header");',
    answer="linked_machine()",
)


def built_flavour(directory: Path, links: Path, compiler: str, machine: int, tag: str) -> None:
    """A wheel with headers, a static and a shared library for one machine."""
    directory.mkdir()
    (directory / "linked").mkdir()
    header = f"#define MACHINE {machine}\n"
    (directory / "linked/linked_config.h").write_text(header)
    source = directory / "linked.c"
    source.write_text(LIBRARY_C)
    subprocess.run([compiler, "-fPIC", "-I", directory, "-c", source, "-o", directory / "linked.o"], check=True)
    subprocess.run(["ar", "rcs", directory / "liblinked.a", directory / "linked.o"], check=True)
    subprocess.run([compiler, "-shared", directory / "linked.o", "-o", directory / "libshared.so"], check=True)
    make_wheel(
        links,
        "linked",
        tag,
        {
            "linked/__init__.py": "import os\ndirectory = os.path.dirname(__file__)\n",
            "linked/include/linked/linked_config.h": header,
            "linked/lib/liblinked.a": (directory / "liblinked.a").read_bytes(),
            "linked/lib/libshared.so": (directory / "libshared.so").read_bytes(),
            "linked/lib/pkgconfig/linked.pc": "Name: linked\nDescription: x\nVersion: 1\n"
            "Cflags: -DFROM_PC\nLibs: -llinked\n",
        },
    )


def linking_project(directory: Path) -> Path:
    """A project that runs and links from the requirement `linked`."""
    project = projects.setuptools_c(directory, requires=("setuptools", "linked"))
    (project / "setup.py").write_text(SETUP)
    (project / "toy.c").write_text(TOY_C)
    return project


@pytest.fixture
def links(tmp_path: Path, cross_gcc: str) -> Path:
    """A directory with both flavours of `linked`."""
    if shutil.which("gcc") is None or os.uname().machine != "x86_64":
        pytest.skip("needs gcc on an x86_64 build machine")
    directory = tmp_path / "links"
    built_flavour(tmp_path / "native", directory, "gcc", 62, "py3-none-linux_x86_64")
    built_flavour(tmp_path / "cross", directory, cross_gcc, 183, "py3-none-linux_aarch64")
    return directory


def host_extension(wheel_directory: Path, tmp_path: Path) -> Path:
    (wheel,) = wheel_directory.glob("toy-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".so"))
        path = Path(archive.extract(name, tmp_path))
    assert elf_identity(path).number == 183
    return path


@pytest.mark.integration
@pytest.mark.parametrize("front_end", ["pip", "build"])
def test_a_requirement_is_run_here_and_linked_from_the_hosts(
    front_end: str, real_env: Path, links: Path, tmp_path: Path, run: Run
) -> None:
    project = linking_project(tmp_path / "project")
    if front_end == "pip":
        run(
            real_env / "bin/cross-pip", "wheel", "-v", "--no-deps", "--find-links", links,
            "-w", tmp_path / "out", project,
        )  # fmt: skip
    else:
        run(real_env / "bin/cross-pip", "install", "-q", "build")
        run(
            real_env / "bin/cross-python", "-m", "build", "--wheel", "-o", tmp_path / "out", project,
            PIP_FIND_LINKS=str(links),
        )  # fmt: skip
    path = host_extension(tmp_path / "out", tmp_path)
    assert b"libshared.so" not in path.read_bytes() or b"linked_machine" in path.read_bytes()


@pytest.mark.integration
def test_without_isolation_the_host_side_gives_what_is_linked(
    cross_gcc: str, host_prefix: Path, links: Path, tmp_path: Path, run: Run
) -> None:
    env = tmp_path / "env"
    run(
        sys.executable, "-m", "crossenv", "create", "--python", sys.executable, "--host-python", host_prefix,
        "--cc", cross_gcc, env,
    )  # fmt: skip
    run(env / "bin/build-pip", "install", "-q", "--find-links", links, "setuptools", "linked")
    run(env / "bin/cross-pip", "install", "-q", "--no-index", "--find-links", links, "linked")
    # No index and no links: what is laid over is what is installed.
    run(
        env / "bin/cross-pip", "wheel", "--no-build-isolation", "--no-deps", "--no-index", "-w", tmp_path / "out",
        linking_project(tmp_path / "project"),
    )  # fmt: skip
    host_extension(tmp_path / "out", tmp_path)


@pytest.mark.integration
def test_a_requirement_without_a_wheel_for_the_host_is_built_once(
    cross_gcc: str, host_prefix: Path, links: Path, tmp_path: Path, run: Run
) -> None:
    from test_builds import sdist

    env = tmp_path / "env"
    run(
        sys.executable, "-m", "crossenv", "create", "--python", sys.executable, "--host-python", host_prefix,
        "--cc", cross_gcc, env,
    )  # fmt: skip
    (links / "linked-1-py3-none-linux_aarch64.whl").unlink()
    source = projects.write(
        tmp_path / "source",
        {
            "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
            '[project]\nname = "linked"\nversion = "1"\n',
            # Takes the wheel that a test has made of the host's flavour, and notes that it was asked.
            "backend.py": f"""
import os, pathlib, platform, shutil
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    assert platform.machine() == "aarch64"
    with open({str(tmp_path / "asked")!r}, "a") as file:
        file.write("x")
    name = "linked-1-py3-none-linux_aarch64.whl"
    shutil.copy(os.path.join({str(tmp_path / "host-wheel")!r}, name), wheel_directory)
    return name
""",
        },
    )
    built_flavour(tmp_path / "again", tmp_path / "host-wheel", cross_gcc, 183, "py3-none-linux_aarch64")
    sdist(source, "linked", links)
    words: list[str | Path] = [env / "bin/cross-pip", "wheel", "-v", "--no-deps", "--no-cache-dir", "-w"]
    project = linking_project(tmp_path / "project")
    run(*words, tmp_path / "out", "--find-links", links, project)
    host_extension(tmp_path / "out", tmp_path)
    assert (tmp_path / "asked").read_text() == "x"
    # Once more, from the index of this machine: the native wheel alone.
    (links / "linked-1.tar.gz").unlink()
    run(*words, tmp_path / "again-out", "--find-links", links, project)
    host_extension(tmp_path / "again-out", tmp_path)
    assert (tmp_path / "asked").read_text() == "x"


@pytest.mark.integration
def test_a_requirement_that_is_nowhere_for_the_host_is_named(real_env: Path, links: Path, tmp_path: Path) -> None:
    shutil.rmtree(real_env / "cache/requirements", ignore_errors=True)
    (links / "linked-1-py3-none-linux_aarch64.whl").unlink()
    result = subprocess.run(
        [real_env / "bin/cross-pip", "wheel", "--no-deps", "--find-links", links, "-w", tmp_path / "out",
         linking_project(tmp_path / "project")],
        capture_output=True, text=True, check=False, env={**os.environ, "PIP_NO_CACHE_DIR": "1"},
    )  # fmt: skip
    assert result.returncode != 0
    assert "linked 1 is here for the build machine only" in result.stdout + result.stderr
    assert not list(tmp_path.glob("out/*.whl"))


@pytest.mark.integration
@pytest.mark.parametrize(
    "table",
    ['[build-system]\ntarget-requires = ["linked"]', '[external]\nhost-requires = ["dep:pypi/linked"]\n[build-system]'],
    ids=["xbuild", "PEP 725"],
)
def test_declared_host_requirements_are_installed_for_the_host(
    table: str, real_env: Path, links: Path, tmp_path: Path, run: Run
) -> None:
    """What is linked from and need not run here."""
    project = projects.setuptools_c(tmp_path / "project")
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(text.replace("[build-system]", table, 1))
    (project / "setup.py").write_text(
        "import subprocess\nfrom setuptools import Extension, setup\n"
        "flags = subprocess.run(['pkg-config', '--variable=pcfiledir', 'linked'], capture_output=True, text=True)\n"
        "top = flags.stdout.strip() + '/../..'\n"
        "setup(packages=['toy'], ext_modules=[Extension('toy._toy', ['toy.c'], include_dirs=[top + '/include'],\n"
        "      library_dirs=[top + '/lib'], libraries=['linked'])])\n"
    )
    (project / "toy.c").write_text(TOY_C)
    run(real_env / "bin/cross-pip", "wheel", "--no-deps", "--find-links", links, "-w", tmp_path / "out", project)
    host_extension(tmp_path / "out", tmp_path)


@pytest.mark.integration
def test_meson_runs_the_python_that_has_the_requirements(real_env: Path, links: Path, tmp_path: Path, run: Run) -> None:
    """Under `build` the isolated environment has an interpreter of its own; scipy's way to find numpy needs it."""
    run(real_env / "bin/cross-pip", "install", "-q", "build")
    project = projects.meson(
        tmp_path / "project",
        extra="""
directory = run_command(py, '-c', 'import linked; print(linked.directory)', check: true).stdout().strip()
assert(meson.get_compiler('c').compiles('#include <linked/linked_config.h>\\n_Static_assert(MACHINE == 183, "");',
  args: '-I' + directory / 'include'))
dependency('linked')
""",
    )
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(text.replace("'meson-python'", "'meson-python', 'linked'"))
    run(
        real_env / "bin/cross-python", "-m", "build", "--wheel", "-o", tmp_path / "out", project,
        PIP_FIND_LINKS=str(links),
    )  # fmt: skip
    host_extension(tmp_path / "out", tmp_path)

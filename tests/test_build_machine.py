"""What a shell or a program of this machine tells a build: directories in variables, `foo-config` programs, objects."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from _crossenv import foreign_objects

from conftest import CrossenvCommand
from crossenv.binaries import ar
from makers import AARCH64, X86_64, elf_bytes, write
from wheels import static_library

VARIABLES = (
    *("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH", "LIBRARY_PATH"),
    *("COMPILER_PATH", "GCC_EXEC_PREFIX"),
)


def setup(env: Path, directory: Path, code: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run `setup.py` of that code as a build does."""
    write(directory / "setup.py", code)
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES} | extra
    words: list[str | Path] = [env / "bin/python", "setup.py", "bdist_wheel"]
    done = subprocess.run(words, cwd=directory, env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


SHOW = f"import json, os; print(json.dumps({{n: os.environ[n] for n in {VARIABLES!r} if n in os.environ}}))"


@pytest.mark.parametrize("name", VARIABLES)
def test_directories_of_this_machine_in_variables_are_not_used(env: Path, tmp_path: Path, name: str) -> None:
    """Environment modules and Homebrew set them; a compiler for the target would find the wrong headers, silently."""
    value = "/usr/include" if name != "GCC_EXEC_PREFIX" else "/usr/lib/gcc/"
    done = setup(env, tmp_path, SHOW, **{name: value})
    assert json.loads(done.stdout) == {}
    assert done.stderr.splitlines() == [
        f"crossenv: warning: {name} names directories of this machine and is not used for the target ({value})",
        f"crossenv: hint: directories of the target: crossenv create --env {name}=...",
    ]


def test_the_builds_own_directories_in_variables_stay(env: Path, tmp_path: Path) -> None:
    own = f"include:{tmp_path}/vendored:{env}/host"
    done = setup(env, tmp_path, SHOW, CPATH=own, LIBRARY_PATH=f"/opt/brew/lib:{tmp_path}/lib")
    assert json.loads(done.stdout) == {"CPATH": own, "LIBRARY_PATH": f"{tmp_path}/lib"}
    assert "CPATH" not in done.stderr


@pytest.fixture(scope="module")
def env_with_root(
    tmp_path_factory: pytest.TempPathFactory, crossenv: CrossenvCommand, host_prefix: Path, sysroot_of_libc: Path
) -> Path:
    directory = tmp_path_factory.mktemp("with root") / "env"
    python: tuple[str | Path, ...] = ("--python", sys.executable, "--host-python", host_prefix)
    crossenv("create", *python, "--sysroot", sysroot_of_libc, "--env", "CPATH=/of/the/target", directory)
    return directory


@pytest.fixture(scope="module")
def sysroot_of_libc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("root")
    write(root / "usr/include/stdio.h", "")
    return root


def test_directories_of_the_target_in_variables_stay(
    env_with_root: Path, sysroot_of_libc: Path, tmp_path: Path
) -> None:
    inside = f"{sysroot_of_libc}/opt/lib"
    done = setup(env_with_root, tmp_path, SHOW, LIBRARY_PATH=inside)
    assert json.loads(done.stdout) == {"CPATH": "/of/the/target", "LIBRARY_PATH": inside}
    assert "warning" not in done.stderr


ASK = """
import os, subprocess
for word in (["{0}", "--libs"], "{0} --cflags", ["{0}"]):
    try:
        subprocess.run(word, shell=isinstance(word, str), stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        pass
os.system("{0} --version 2>/dev/null")
"""


def test_a_missing_config_program_is_named(env: Path, tmp_path: Path) -> None:
    """pycurl's and psycopg2's own words are about this machine's packages."""
    done = setup(env, tmp_path, ASK.format("nosuch-config"))
    assert done.stderr.splitlines() == [
        "crossenv: note: this build asks nosuch-config for a library, and there is none",
        "crossenv: hint: put a script nosuch-config that prints what is right for the target on PATH, first,"
        " or tell the build what it needs in its own variables",
    ]


def test_a_config_program_of_this_machine_is_warned_of(env: Path, tmp_path: Path) -> None:
    found = sorted(path for path in Path("/usr/bin").glob("*-config") if not path.name.startswith(("python", "pkg")))
    if not found:
        pytest.skip("needs a foo-config in /usr/bin")
    name = found[0].name
    done = setup(env, tmp_path, ASK.format(name))
    assert done.stderr.count(f"crossenv: warning: this build asks {found[0]}, which describes this machine's") == 1
    own = write(tmp_path / f"bin/{name}", "#!/bin/sh\n", mode=0o755).parent
    done = setup(env, tmp_path, ASK.format(name), PATH=f"{own}:{os.environ['PATH']}")
    assert done.stderr == ""


@pytest.mark.parametrize("command", ["python3-config", "pkg-config", "numpy-config", "my-config.sh", "a-configure"])
def test_other_programs_are_none_of_its_business(env: Path, tmp_path: Path, command: str) -> None:
    assert "crossenv" not in setup(env, tmp_path, ASK.format(command)).stderr


OWN = (183, 64, "little")


def test_native_objects_are_named(tmp_path: Path) -> None:
    path = str(tmp_path / "x")
    for data, part in (
        (elf_bytes(X86_64), ""),
        (static_library(("a.o", elf_bytes(AARCH64)), ("b.o", elf_bytes(X86_64))), "(b.o)"),
    ):
        write(tmp_path / "x", data)
        assert foreign_objects.foreign_part(path, OWN) == path + part
    for data in (elf_bytes(AARCH64), b"", b"INPUT(libz.so.1)", ar.MAGIC, static_library(("a.o", elf_bytes(AARCH64)))):
        write(tmp_path / "x", data)
        assert foreign_objects.foreign_part(path, OWN) == ""
    assert foreign_objects.foreign_part(str(tmp_path / "none"), OWN) == ""


@pytest.fixture(scope="module", params=["gcc", "zig"])
def compiler(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, cross_gcc: str, run: Any) -> str:
    """The C compiler of an environment for aarch64."""
    directory = tmp_path_factory.mktemp("real") / "the env"
    words: list[str | Path] = ["create", "--python", sys.executable, directory]
    # A triplet promises no C library, whichever this GCC has.
    words += ["--target", "aarch64-linux-gnu"] if request.param == "gcc" else ["--target", "manylinux_2_36_aarch64"]
    words += ["--cc", cross_gcc] if request.param == "gcc" else ["--toolchain", "zig"]
    run(sys.executable, "-m", "crossenv", *words)
    record = json.loads((directory / "crossenv.json").read_text())
    return str(record["toolchain"]["tools"]["cc"]["command"])


CONFIGURE = r"""#!/bin/sh
# What Autoconf's scripts do: the answers of foo-config go into a test and then into the Makefile.
CFLAGS=`foo-config --cflags` LIBS=`foo-config --libs`
echo '#include <foo.h>
int main(void) { return foo() + FOO_OF_ROOT; }' >conftest.c
"$CC" $CFLAGS -c conftest.c -o conftest.o || exit 2
"$CC" conftest.o -o conftest $LIBS || exit 3
"""


@pytest.mark.integration
def test_a_configure_script_gets_no_library_of_this_machine(compiler: str, tmp_path: Path) -> None:
    """From a foo-config on PATH: the library that it names is refused, and named."""
    prefix = tmp_path / "prefix"
    write(prefix / "include/foo.h", "#define FOO_OF_ROOT 0\nint foo(void);\n")
    write(tmp_path / "foo.c", "int foo(void) { return 0; }\n")
    answers = f'--cflags) echo "-I{prefix}/include" ;; --libs) echo "-L{prefix}/lib -lfoo" ;;'
    write(prefix / "bin/foo-config", f"#!/bin/sh\ncase $1 in {answers} esac\n", mode=0o755)
    configure = write(tmp_path / "configure", CONFIGURE, mode=0o755)
    (prefix / "lib").mkdir()
    subprocess.run(["gcc", "-fPIC", "-c", "foo.c"], cwd=tmp_path, check=True)
    environment = {**os.environ, "PATH": f"{prefix}/bin:{os.environ['PATH']}", "CC": compiler}
    for name, maker, part in (("libfoo.a", ["ar", "rcs"], "(foo.o)"), ("libfoo.so", ["gcc", "-shared", "-o"], "")):
        made = prefix / "lib" / name
        subprocess.run([*maker, made, "foo.o"], cwd=tmp_path, check=True)
        done = subprocess.run([configure], cwd=tmp_path, env=environment, text=True, capture_output=True, check=False)
        assert done.returncode == 3, done.stderr
        assert f"crossenv: hint: {made}{part} is not for the target (aarch64): a foo-config" in done.stderr


@pytest.mark.integration
def test_a_link_of_native_objects_says_which(compiler: str, tmp_path: Path) -> None:
    """Make, waf and CMake below a setup.py: the linker's own words are about formats."""
    write(tmp_path / "x.c", "int f(void) { return 1; }\n")
    write(tmp_path / "y.c", "int f(void); int g(void) { return f() + h(); }\n")
    subprocess.run(["gcc", "-c", "x.c"], cwd=tmp_path, check=True)
    subprocess.run([compiler, "-w", "-Wno-implicit-function-declaration", "-c", "y.c"], cwd=tmp_path, check=True)
    words = [compiler, "-shared", "y.o", "x.o", "-o", "z.so"]
    done = subprocess.run(words, cwd=tmp_path, text=True, capture_output=True, check=False)
    assert done.returncode != 0
    assert "crossenv: hint: x.o is not for the target (aarch64): something in this build calls" in done.stderr
    words = [compiler, "y.o", "-Wl,-z,defs", "-o", "z"]
    done = subprocess.run(words, cwd=tmp_path, text=True, capture_output=True, check=False)
    assert done.returncode != 0
    assert "crossenv: hint" not in done.stderr

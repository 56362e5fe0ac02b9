"""The toolchain from PyPI, for real: no host Python, no compiler, no root."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

import hosts
import projects
from conftest import CrossenvCommand, Run, with_thorough
from crossenv.binaries.elf import Dynamic
from crossenv.compilers.zig import locate
from crossenv.compilers.zig.find import find_zig_toolchain
from crossenv.platforms.architectures import target_architectures
from crossenv.platforms.linux_targets import GLIBC, MUSL, default_target
from crossenv.targets import parse_target
from makers import debian_sysroot, make_compiler, write

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
ALL = [
    default_target(architecture, libc).platform_tag for libc in (GLIBC, MUSL) for architecture in target_architectures()
]
# 64 and 32 bits, both byte orders, both C libraries.
USUAL = ("manylinux_2_28_aarch64", "manylinux_2_28_armv7l", "manylinux_2_28_s390x", "musllinux_1_2_x86_64")

needs_zig = pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="needs ziglang from PyPI")


@pytest.fixture(scope="module")
def bare_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with what a shell script needs and no compiler."""
    directory = tmp_path_factory.mktemp("bare")
    for name in ("sh", "env", "cat", "sed", "rm", "mkdir", "uname"):
        found = shutil.which(name)
        assert found is not None
        (directory / name).symlink_to(found)
    return str(directory)


Make = Callable[[str], Path]


@pytest.fixture(scope="module")
def zig_env(tmp_path_factory: pytest.TempPathFactory, bare_path: str) -> Make:
    """An environment for a target; no compiler is installed, so that zig is what is left."""

    def make(target: str) -> Path:
        env = tmp_path_factory.mktemp("zig") / "env"
        CrossenvCommand(bare_path)("create", "--python", sys.executable, "--target", target, env)
        return env

    return make


@needs_zig
@pytest.mark.integration
def test_answers_are_kept_for_each_processor_and_for_no_sysroot(tmp_path: Path) -> None:
    target, path = parse_target("aarch64"), os.environ["PATH"]
    usual, other = (find_zig_toolchain(target, environ_path=path, cpu=cpu) for cpu in (None, "neoverse_n1"))
    again = find_zig_toolchain(target, environ_path=path)
    assert usual == again
    assert usual.memory is not None
    assert usual.memory != other.memory
    assert find_zig_toolchain(target, environ_path=path, sysroot=tmp_path).memory is None


@needs_zig
@pytest.mark.integration
def test_the_targets_c_library_is_made_while_the_launcher_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it is the one that links need: none makes another."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cc = find_zig_toolchain(parse_target("armv7l"), environ_path=os.environ["PATH"]).cc

    def libraries() -> int:
        return len(list((tmp_path / "crossenv/zig/o").glob("*/libc_nonshared.a")))

    of_both_machines = libraries()
    assert of_both_machines == 2
    subprocess.run(
        [cc.path, *cc.args, "-rtlib=none", "-shared", "-x", "c", "/dev/null", "-o", tmp_path / "x.so"], check=True
    )
    assert libraries() == of_both_machines


@needs_zig
@pytest.mark.integration
def test_floats_of_armv7l_are_passed_in_registers(tmp_path: Path) -> None:
    """A zig whose ABI for ARM changes ends here: an object without floating point, as a probe may be, fits either."""
    cc = find_zig_toolchain(parse_target("linux_armv7l"), environ_path=os.environ["PATH"]).cc
    write(tmp_path / "x.c", "double f(double a, double b) { return a * b; }\n")
    subprocess.run([cc.path, *cc.args, "-O1", "-c", "x.c"], cwd=tmp_path, check=True)
    with (tmp_path / "x.o").open("rb") as file:
        section: Any = ELFFile(file).get_section_by_name(".ARM.attributes")
        scopes = [scope for part in section.iter_subsections() for scope in part.iter_subsubsections("TAG_FILE")]
        found = {attribute.tag: attribute.value for scope in scopes for attribute in scope.iter_attributes()}
    # Addenda to the Arm ABI: 10 is v7, 1 is registers; 3 and 4 are VFPv3, which hard float on ARMv7 has.
    assert (found["TAG_CPU_ARCH"], found["TAG_ABI_VFP_ARGS"]) == (10, 1)
    assert found["TAG_FP_ARCH"] in (3, 4)


def built(env: Path, project: Path, out: Path, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [env / "bin/cross-pip", "wheel", "--no-deps", "-w", out, project],
        text=True, capture_output=True, check=False, env={**os.environ, "PATH": path},
    )  # fmt: skip


@needs_zig
@pytest.mark.integration
@pytest.mark.parametrize("target", with_thorough(USUAL, (target for target in ALL if target not in USUAL)))
def test_every_target_from_one_machine(zig_env: Make, bare_path: str, tmp_path: Path, target: str) -> None:
    """A C extension that uses libm; machine, tag and floor are checked in the build and here again."""
    env = zig_env(target)
    project = projects.setuptools_c(tmp_path / "project")
    source = (project / "toy.c").read_text()
    (project / "toy.c").write_text(
        f"#include <math.h>\ndouble crossenv_pow(double x) {{ return pow(x, x); }}\n{source}"
    )
    result = built(env, project, tmp_path / "out", bare_path)
    assert result.returncode == 0, result.stdout + result.stderr
    (wheel,) = (tmp_path / "out").glob("*.whl")
    assert wheel.name.endswith(f"-{target}.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".so"))
        dynamic = Dynamic(archive.read(name))
    wanted = parse_target(target)
    versions = [version.name for version in dynamic.versions]
    if wanted.libc == GLIBC:
        assert versions, "nothing of glibc is needed: the check above has had nothing to check"
        numbers = [tuple(map(int, version.removeprefix("GLIBC_").split("."))) for version in versions]
        assert max(numbers) <= wanted.floor
    else:
        assert versions == []
        assert "libc.so" in dynamic.needed


@needs_zig
@pytest.mark.integration
def test_zigs_libraries_can_be_made_beforehand(bare_path: str, tmp_path: Path) -> None:
    """After `create --warm` no build waits for them."""
    words = ("create", "--python", sys.executable, "--target", "aarch64", "--without-pip", "--warm", tmp_path / "env")
    made = CrossenvCommand(bare_path)(*words)
    for library in ("C", "C++"):
        assert f"crossenv: making zig's {library} library for aarch64-linux-gnu ...\n" in made.stderr
        assert f"crossenv: making zig's {library} library for aarch64-linux-gnu: done in " in made.stderr
    source = write(tmp_path / "toy.cc", "#include <string>\nstd::string toy() { return std::to_string(1); }\n")
    compiler = tmp_path / "env/etc/bin/aarch64-linux-gnu-clang++"
    done = subprocess.run(
        [compiler, "-shared", source, "-o", tmp_path / "toy.so"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@needs_zig
@pytest.mark.integration
@pytest.mark.thorough
def test_warming_that_was_killed_is_done_again(bare_path: str, tmp_path: Path) -> None:
    """With an empty cache: what zig and crossenv had made by half is no library to anybody."""
    words = ["create", "--python", sys.executable, "--target", "aarch64", "--toolchain", "zig", "--without-pip"]
    words += ["--warm", str(tmp_path / "env")]
    environment = {**os.environ, "PATH": bare_path, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for library in ("C", "C++"):
        child = subprocess.Popen(
            [sys.executable, "-m", "crossenv", *words, "--clear"],
            env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True,
        )  # fmt: skip
        assert child.stderr is not None
        assert any(f"making zig's {library} library" in line for line in child.stderr)
        # It and all that it has started, in the middle of their work.
        time.sleep(1)
        os.killpg(child.pid, signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    again = [sys.executable, "-m", "crossenv", *words, "--clear"]
    subprocess.run(again, env=environment, stdout=subprocess.DEVNULL, check=True)
    source = write(tmp_path / "toy.cc", "#include <string>\nstd::string toy() { return std::to_string(1); }\n")
    compiler = tmp_path / "env/etc/bin/aarch64-linux-gnu-clang++"
    done = subprocess.run([compiler, "-shared", source, "-o", tmp_path / "toy.so"], env=environment, check=False)
    assert done.returncode == 0


@needs_zig
@pytest.mark.integration
def test_cxx_brings_its_own_library(zig_env: Make, bare_path: str, tmp_path: Path) -> None:
    """The floor's libstdc++ may be too old for it, and musl's images have none: it is linked in."""
    env = zig_env("manylinux_2_17_aarch64")
    project = projects.setuptools_cxx(tmp_path / "project")
    source = (project / "toy.cc").read_text()
    uses = (
        "#include <iostream>\n#include <stdexcept>\n"
        + 'void say(int n) { if (n) throw std::runtime_error("x"); std::cout << n; }\n'
    )
    (project / "toy.cc").write_text(uses + source)
    result = built(env, project, tmp_path / "out", bare_path)
    assert result.returncode == 0, result.stdout + result.stderr
    (wheel,) = (tmp_path / "out").glob("*-manylinux_2_17_aarch64.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".so"))
        needed = Dynamic(archive.read(name)).needed
    assert "libc.so.6" in needed
    assert not [library for library in needed if "c++" in library]


@needs_zig
@pytest.mark.integration
@pytest.mark.parametrize(
    "project", [projects.meson, projects.scikit_build_core], ids=["meson-python", "scikit-build-core"]
)
def test_back_ends(zig_env: Make, tmp_path: Path, project: Callable[[Path], Path]) -> None:
    env = zig_env("manylinux_2_28_s390x")
    result = built(env, project(tmp_path / "project"), tmp_path / "out", os.environ["PATH"])
    assert result.returncode == 0, result.stdout + result.stderr
    (wheel,) = (tmp_path / "out").glob("*.whl")
    assert "manylinux_2_28_s390x" in wheel.name


@needs_zig
@pytest.mark.integration
def test_a_symbol_above_the_floor_ends_the_build(zig_env: Make, bare_path: str, tmp_path: Path) -> None:
    """Headers and library of the floor do not have it: a package that says so by hand is refused by name."""
    env = zig_env("manylinux_2_28_x86_64")
    project = projects.setuptools_c(tmp_path / "project")
    source = (project / "toy.c").read_text()
    planted = 'void late(void);\n__asm__(".symver late,__isoc23_strtol@GLIBC_2.38");\nvoid use(void) { late(); }\n'
    (project / "toy.c").write_text(planted + source)
    result = built(env, project, tmp_path / "out", bare_path)
    assert result.returncode != 0
    output = result.stdout + result.stderr
    assert "__isoc23_strtol@GLIBC_2.38" in output
    assert not list((tmp_path / "out").glob("*.whl"))


@needs_zig
@pytest.mark.integration
def test_tag_lists_agree_with_the_target(zig_env: Make, run: Run) -> None:
    """The wheels that pip would fetch for the host side, by its own list and by packaging's copies."""
    env = zig_env("musllinux_1_2_armv7l")
    code = "from pip._vendor.packaging.tags import sys_tags; print(*dict.fromkeys(t.platform for t in sys_tags()))"
    platforms = run(env / "bin/python", "-c", code).split()
    assert {"musllinux_1_2_armv7l", "musllinux_1_1_armv7l", "linux_armv7l"} <= set(platforms)
    assert not [platform for platform in platforms if platform.startswith("manylinux")]
    env = zig_env("manylinux_2_19_x86_64")
    platforms = run(env / "bin/python", "-c", code).split()
    assert {"manylinux_2_19_x86_64", "manylinux2014_x86_64", "linux_x86_64"} <= set(platforms)
    assert "manylinux_2_20_x86_64" not in platforms


@needs_zig
@pytest.mark.integration
def test_the_doctor_agrees(zig_env: Make, run: Run) -> None:
    report = run(sys.executable, "-m", "crossenv", "doctor", zig_env("manylinux_2_28_aarch64"))
    assert "FAIL" not in report


@needs_zig
def test_a_target_that_is_the_build_machine(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    machine = os.uname().machine
    try:
        target = parse_target(machine)
    except Exception:
        pytest.skip(f"{machine} is no target")
    result = crossenv("create", "--python", sys.executable, "--toolchain", "zig", "--target", machine, tmp_path / "env")
    assert f"{target.platform_tag} also fits this machine" in result.stderr


# What is wrong with a zig


@needs_zig
def test_a_compiler_without_a_c_library_is_passed_over(host_prefix: Path, bare_path: str, tmp_path: Path) -> None:
    """As a distribution's cross compiler is, of which only the compiler was installed."""
    tools = hosts.make_cross_tools(tmp_path / "bin")
    make_compiler(tools / "aarch64-linux-gnu-gcc", headers="nowhere")
    dump = tmp_path / "dump.json"
    crossenv = CrossenvCommand(f"{tools}{os.pathsep}{bare_path}")
    crossenv("dump", "--host-python", host_prefix, "--output", dump)
    words = ("create", "--dry-run", "--json", "--python", sys.executable, "--host-python", dump)
    for extra, expected in (((), "zig"), (("--toolchain", "gnu"), "aarch64-linux-gnu-gcc")):
        done = crossenv(*words, *extra, tmp_path / "env")
        tool = json.loads(done.stdout)["record"]["toolchain"]["tools"]["cc"]
        assert expected in (tool["origin"] if expected == "zig" else tool["path"])


def test_without_zig_the_hint_says_how_to_get_one(bare_path: str, tmp_path: Path) -> None:
    hidden = write(tmp_path / "ziglang.py", "raise ImportError\n").parent
    result = CrossenvCommand(bare_path)(
        "create", "--python", sys.executable, "--target", "s390x", tmp_path / "env", check=False, PYTHONPATH=str(hidden)
    )
    assert result.returncode == 4
    assert "no C compiler for s390x" in result.stderr
    assert "pip install ziglang" in result.stderr
    assert not (tmp_path / "env").exists()


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo 0.13.0", "is zig 0.13.0, and 0.15 is the oldest that can be used"),
        ("echo nonsense", "is zig nonsense, and 0.15"),
        ("exit 3", "does not start"),
        ('case "$1" in version) echo 0.17.1 ;; *) echo "no clang" ;; esac', "does not say which clang it is"),
    ],
)
def test_an_unusable_zig(bare_path: str, tmp_path: Path, script: str, says: str) -> None:
    hidden = write(tmp_path / "ziglang.py", "raise ImportError\n").parent
    zig = write(tmp_path / "bin/zig", f"#!/bin/sh\n{script}\n", mode=0o755)
    result = CrossenvCommand(f"{zig.parent}{os.pathsep}{bare_path}")(
        "create", "--python", sys.executable, "--target", "s390x", "--toolchain", "zig", tmp_path / "env",
        check=False, PYTHONPATH=str(hidden),
    )  # fmt: skip
    assert result.returncode == 4
    assert says in result.stderr
    assert len([line for line in result.stderr.splitlines() if "error" in line]) == 1
    assert not (tmp_path / "env").exists()


@needs_zig
def test_a_cache_that_cannot_be_written(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    blocked = write(tmp_path / "cache", "a file")
    result = crossenv(
        "create", "--python", sys.executable, "--target", "s390x", "--toolchain", "zig", tmp_path / "env",
        check=False, XDG_CACHE_HOME=str(blocked),
    )  # fmt: skip
    assert result.returncode == 4
    assert "cannot be written" in result.stderr
    assert "XDG_CACHE_HOME" in result.stderr


@needs_zig
@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("--target", "manylinux_2_17_ppc64le"), 4, "zig compiles for ppc64le against glibc 2.19 or later"),
        (("--target", "aarch64", "--cc", "gcc"), 4, "--cc names another compiler than zig"),
        (("--target", "aarch64", "--sysroot", "/nowhere"), 4, "the sysroot /nowhere is not a directory"),
        (("--target", "aarch64", "--ar", "no-such-ar"), 4, "--ar: no-such-ar is not an executable"),
        (("--target", "aarch64", "--cpu", "no-such-cpu"), 4, "unknown CPU: 'no'"),
        (("--target", "aarch64", "--cpu", "no-such-cpu"), 4, "hint: --cpu no-such-cpu: name a processor of the target"),
    ],
)
def test_what_zig_cannot_do(
    crossenv: CrossenvCommand, tmp_path: Path, words: tuple[str, ...], status: int, says: str
) -> None:
    result = crossenv("create", "--python", sys.executable, "--toolchain", "zig", *words, tmp_path / "env", check=False)
    assert result.returncode == status, result.stderr
    assert says in result.stderr
    assert not (tmp_path / "env").exists()


def test_the_version_of_pypis_package_is_read(tmp_path: Path) -> None:
    zig = write(
        tmp_path / "zig",
        "#!/bin/sh\ncase $1 in version) echo 0.16.0 ;; *) echo clang version 21.1.0 ;; esac\n",
        mode=0o755,
    )
    if importlib.util.find_spec("ziglang") is None:
        assert locate.locate_zig(str(tmp_path), tmp_path).clang_version == "21.1.0"
        assert locate.locate_zig(str(tmp_path), tmp_path).path == zig
    else:
        found = locate.locate_zig(str(tmp_path), tmp_path)
        assert found.origin == "ziglang of PyPI", "the package goes before what lies on PATH"
        assert found.clang_version.count(".") == 2


# Run-time support

MATHS = """
#include <math.h>
#include <string.h>
double plain(double x, double y) { return sin(x) + fmod(x, y) + log(y); }
long double wide(long double x, long double y) { return sinl(x) / y + fmodl(x, y); }
unsigned __int128 divided(unsigned __int128 x, unsigned __int128 y) { return x / y; }
void copied(char *to, const char *from, unsigned long size) { memcpy(to, from, size); }
"""


@needs_zig
@pytest.mark.integration
@pytest.mark.parametrize("target", ["manylinux_2_28_aarch64", "manylinux_2_28_x86_64", "musllinux_1_2_s390x"])
def test_functions_of_the_c_library_are_the_hosts(zig_env: Make, tmp_path: Path, target: str) -> None:
    """zig's own library has copies of them, and would put them in: `sinl` would be a double's."""
    env = zig_env(target)
    compiler = next((env / "etc/bin").glob("*-clang"))
    made = tmp_path / "maths.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", write(tmp_path / "m.c", MATHS), "-o", made, "-lm"], check=True)
    undefined = {name for name, defined, _weak, _version in Dynamic(made.read_bytes()).symbols() if not defined}
    expected = {"sin", "fmod", "log", "sinl", "fmodl"}
    # S/390 has an instruction for memcpy.
    assert expected | (set() if "s390x" in target else {"memcpy"}) <= undefined
    assert "__udivti3" not in undefined, "what compilers call is linked in"


LONG_DOUBLE = """
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
typedef union { long double value; double parts[2]; } Number;
static void say(long double x) { Number n = {x}; printf("%.17g %.17g\\n", n.parts[0], n.parts[1]); }
int main(void) {
    double a[4];
    while (scanf("%lf %lf %lf %lf", a, a + 1, a + 2, a + 3) == 4) {
        volatile long double x = (Number){.parts = {a[0], a[1]}}.value, y = (Number){.parts = {a[2], a[3]}}.value;
        say(x + y); say(x - y); say(x * y); say(x / y);
        printf("%ld\\n", (long)x); say((long double)(long)x);
    }
    printf("%.30Lg %.30Lg %d\\n", sqrtl(2.0L), strtold("0.1", NULL), __LDBL_MANT_DIG__);
    return 0;
}
"""


@needs_zig
@pytest.mark.integration
def test_the_long_double_of_ppc64le(zig_env: Make, tmp_path: Path) -> None:
    """Before glibc 2.32 it is a sum of two doubles: arithmetic against exact fractions, and the C library's answers."""
    cross = Path("/usr/powerpc64le-linux-gnu")
    sysroot = cross if (cross / "lib").is_dir() else debian_sysroot("bookworm-ppc64el")
    qemu = shutil.which("qemu-ppc64le-static") or shutil.which("qemu-ppc64le")
    if qemu is None:
        pytest.skip("needs qemu-ppc64le")
    compiler = next((zig_env("manylinux_2_28_ppc64le") / "etc/bin").glob("*-clang"))
    program = tmp_path / "numbers"
    subprocess.run([compiler, "-O1", write(tmp_path / "n.c", LONG_DOUBLE), "-o", program, "-lm"], check=True)
    random = Random(20)

    def number() -> tuple[float, float]:
        high = random.uniform(-1, 1) * 10.0 ** random.randrange(-15, 16)
        low = random.uniform(-0.5, 0.5) * math.ulp(high)
        return high + low, low - ((high + low) - high)

    cases = [(*number(), *number()) for _ in range(500)]
    text = "".join(" ".join(map(repr, case)) + "\n" for case in cases)
    done = subprocess.run([qemu, "-L", sysroot, program], input=text, capture_output=True, text=True, check=True)
    *lines, last = done.stdout.splitlines()
    assert last.split() == ["1.41421356237309504880168872421", "0.1", "106"]
    answers = iter(lines)
    for a, b, c, d in cases:
        x, y = Fraction(a) + Fraction(b), Fraction(c) + Fraction(d)
        for exact in (x + y, x - y, x * y, x / y):
            got = sum(map(Fraction, map(float, next(answers).split())))
            assert abs(got - exact) <= abs(exact) * Fraction(8, 2**106), (a, b, c, d)
        assert int(next(answers)) == math.trunc(x)
        assert sum(map(Fraction, map(float, next(answers).split()))) == math.trunc(x)

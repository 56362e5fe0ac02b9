"""Compiles through ccache and sccache: fewer of them, and never another one's object."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import CrossenvCommand
from crossenv.compilers.cache import find_compile_cache
from crossenv.config import load_settings
from crossenv.errors import ToolchainError
from makers import write

SOURCE = """#include "size.h"
int sum(const int *numbers, int count) {
    int total = 0;
    for (int i = 0; i < count * SIZE; i++) total += numbers[i];
    return total + (total + 1 > total);
}
const char *name(void) { return __FILE__; }
"""


def test_which_one(tmp_path: Path) -> None:
    """An option, a variable, the table; `auto` takes what is there."""
    write(tmp_path / "pyproject.toml", '[tool.crossenv]\ncompile-cache = "auto"\n')
    assert load_settings({}, {}, tmp_path).texts == {"compile-cache": "auto"}
    assert load_settings({}, {"CROSSENV_COMPILE_CACHE": "none"}, tmp_path).texts == {"compile-cache": "none"}
    assert find_compile_cache("auto", str(tmp_path)) is None
    with pytest.raises(ToolchainError, match="the compile cache ccache is not on PATH"):
        find_compile_cache("ccache", str(tmp_path))
    sccache = write(tmp_path / "sccache", "", mode=0o755)
    assert find_compile_cache("auto", str(tmp_path)) == sccache
    ccache = write(tmp_path / "ccache", "", mode=0o755)
    assert find_compile_cache("auto", str(tmp_path)) == ccache
    assert find_compile_cache("none", str(tmp_path)) is None


def test_one_that_does_not_exist(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path) -> None:
    words: list[str | Path] = ["create", "--host-python", host_prefix, tmp_path / "env"]
    done = crossenv(*words, check=False, CROSSENV_COMPILE_CACHE="fastcc")
    assert done.returncode == 2
    assert "CROSSENV_COMPILE_CACHE: there is no compile cache 'fastcc'" in done.stderr
    assert not (tmp_path / "env").exists()


class Cache:
    """A cache of this test alone."""

    def __init__(self, program: str, directory: Path) -> None:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = str(one.getsockname()[1])
        self.program = program
        self.variables = {
            "CCACHE_DIR": str(directory / "cache"),
            "SCCACHE_DIR": str(directory / "cache"),
            "SCCACHE_SERVER_PORT": port,
        }

    def run(self, *words: str) -> str:
        environ = {**os.environ, **self.variables}
        return subprocess.run([self.program, *words], env=environ, check=True, capture_output=True, text=True).stdout

    def hits(self) -> int:
        found = re.search(r"(?:Cache hits|Hits:)\s+(\d+)", self.run("--show-stats"))
        return int(found[1]) if found else 0


@pytest.fixture(params=["ccache", "sccache"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cache]:
    if shutil.which(request.param) is None:
        pytest.skip(f"needs {request.param} on PATH")
    one = Cache(request.param, tmp_path)
    if request.param == "sccache":
        one.run("--start-server")
    yield one
    if request.param == "sccache":
        one.run("--stop-server")


def tree(directory: Path, size: int = 3) -> Path:
    write(directory / "inc/size.h", f"#define SIZE {size}\n")
    write(directory / "sum.c", SOURCE)
    return directory


def compiled(env: Path, place: Path, cache: Cache, *options: str, make_dependencies: bool = True) -> bytes:
    # With zig the other names are links.
    compiler = min(path for path in (env / "etc/bin").iterdir() if re.search(r"linux-gnu-(gcc|clang)$", path.name))
    words: list[str | Path] = [compiler, *options, "-c", place / "sum.c", "-I", place / "inc", "-o", "sum.o"]
    dependencies = ["-MD", "-MP", "-MT", "sum o", "-MF", "sum.d"] if make_dependencies else []
    environ = {**os.environ, **cache.variables, "CROSSENV_SOURCE_DIRECTORY": str(place)}
    subprocess.run([*words, *dependencies], cwd=place, env=environ, check=True)
    if make_dependencies:
        assert str(place / "inc/size.h").replace(" ", "\\ ") in (place / "sum.d").read_text()
        (place / "sum.d").unlink()
    return (place / "sum.o").read_bytes()


@pytest.fixture
def real_envs(cross_gcc: str, host_prefix: Path, cache: Cache, tmp_path: Path) -> list[Path]:
    """Two environments that go through the cache, and one that does not."""
    run = CrossenvCommand(os.environ["PATH"])
    envs = [tmp_path / "one env", tmp_path / "other env", tmp_path / "direct env"]
    words: list[str | Path] = [
        "create",
        "--python",
        sys.executable,
        "--host-python",
        host_prefix,
        "--cc",
        cross_gcc,
        "--without-pip",
    ]
    for env, program in zip(envs, (cache.program, cache.program, "none"), strict=True):
        run(*words, "--compile-cache", program, env)
    return envs


@pytest.mark.integration
def test_gcc(real_envs: list[Path], cache: Cache, tmp_path: Path) -> None:
    """The same source in other directories, by other environments, is compiled once; nothing else is mixed up."""
    one, other, direct = real_envs
    trees = [tree(tmp_path / "first tree"), tree(tmp_path / "second tree")]
    first = compiled(one, trees[0], cache, "-O2")
    assert cache.hits() == 0
    assert compiled(other, trees[1], cache, "-O2") == first == compiled(direct, trees[0], cache, "-O2")
    assert cache.hits() == 1
    # Other options, another header, the same name elsewhere.
    for options in (["-O0"], ["-O2", "-fwrapv"], ["-O2", "-DNDEBUG"], ["-O2", "-mcpu=cortex-a72"], ["-O2", "-g"]):
        made = [compiled(env, trees[0], cache, *options) for env in real_envs]
        assert len(set(made)) == 1, options
    third = tree(tmp_path / "third tree", size=4)
    assert compiled(one, third, cache, "-O2") == compiled(direct, third, cache, "-O2") != first
    # What is no compile of a file goes by.
    (gcc,) = (one / "etc/bin").glob("*-gcc")
    said = subprocess.run(
        [gcc, "--version"], check=True, capture_output=True, text=True, env={**os.environ, **cache.variables}
    )
    assert "gcc" in said.stdout.lower()


@pytest.mark.integration
def test_headers_that_are_named_from_the_build_directory(real_envs: list[Path], cache: Cache, tmp_path: Path) -> None:
    """As Meson names those of build requirements, which pip installs into a new directory for each build."""
    made = set()
    for number, env in enumerate(real_envs):
        place, requirements = tmp_path / f"tree-{number}", tmp_path / f"requirements-{number}"
        tree(place)
        (place / "inc").rename(requirements)
        compiler = env / "etc/bin/aarch64-linux-gnu-gcc"
        environ = {
            **os.environ,
            **cache.variables,
            "CROSSENV_SOURCE_DIRECTORY": str(place),
            "CROSSENV_REQUIREMENTS_DIRECTORY": str(requirements),
        }
        words: list[str | Path] = [compiler, "-O2", f"-I../{requirements.name}", "-c", "sum.c", "-o", "sum.o"]
        subprocess.run(words, cwd=place, env=environ, check=True)
        made.add((place / "sum.o").read_bytes())
    assert len(made) == 1
    assert cache.hits() == 1


@pytest.mark.integration
def test_zig_and_the_names_of_temporary_directories(tmp_path: Path) -> None:
    """As gcc's launcher does: what `__FILE__` says of sources and build requirements is the same in each build."""
    run = CrossenvCommand(os.environ["PATH"])
    run("create", "--toolchain", "zig", "--without-pip", "--target", "aarch64", tmp_path / "env")
    made = {}
    for number in range(2):
        place, requirements = tmp_path / f"tree-{number}", tmp_path / f"requirements-{number}"
        write(requirements / "name.h", "static inline const char *where(void) { return __FILE__; }\n")
        write(
            place / "one.c", "#include <name.h>\nconst char *one(void) { return where(); }\n" + SOURCE.split("\n", 1)[1]
        )
        environ = {
            **os.environ,
            "CROSSENV_SOURCE_DIRECTORY": str(place),
            "CROSSENV_REQUIREMENTS_DIRECTORY": str(requirements),
        }
        compiler = str(tmp_path / "env/etc/bin/aarch64-linux-gnu-clang")
        words = [compiler, "-DSIZE=1", "-I", str(requirements), str(place / "one.c")]
        for options in (["-O1", "-c"], ["-O1", "-g", "-c"], ["-E", "-P"]):
            subprocess.run([*words, *options, "-o", "one.o"], cwd=place, env=environ, check=True)
            made[number, options[-2]] = data = (place / "one.o").read_bytes()
            assert str(tmp_path).encode() not in data
    assert all(made[0, kind] == made[1, kind] for _, kind in made)


@pytest.mark.integration
def test_zig_with_other_targets(cache: Cache, tmp_path: Path) -> None:
    """zig is one program for all: another floor of glibc or another processor is another compiler."""
    targets = (
        ["manylinux_2_28_aarch64"],
        ["manylinux_2_17_aarch64"],
        ["manylinux_2_28_aarch64", "--cpu", "cortex_a72"],
    )
    place = tree(tmp_path / "tree")
    write(place / "sum.c", SOURCE.replace("SIZE;", "SIZE * (int)sizeof(long);"))
    run = CrossenvCommand(os.environ["PATH"])
    for number, target in enumerate(targets):
        words: list[str | Path] = ["create", "--toolchain", "zig", "--without-pip", "--target", *target]
        run(*words, "--compile-cache", cache.program, tmp_path / f"through{number}")
        run(*words, tmp_path / f"direct{number}")
        before = cache.hits()
        # With -MD zig leaves out the pass that sorts the sections.
        options = ("-O3", "-fPIC")
        made = compiled(tmp_path / f"through{number}", place, cache, *options, make_dependencies=False)
        assert cache.hits() == before
        assert made == compiled(tmp_path / f"direct{number}", place, cache, *options, make_dependencies=False)
        assert made == compiled(tmp_path / f"through{number}", place, cache, *options, make_dependencies=False)
        assert cache.hits() == before + 1


@pytest.fixture
def distccd(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon that compiles for distcc; its address is in DISTCC_HOSTS."""
    if shutil.which("distcc") is None or shutil.which("distccd") is None:
        pytest.skip("needs distcc and distccd on PATH")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    words = ["--no-detach", "--daemon", "--user", "nobody", "--listen", "127.0.0.1", "--port", str(port)]
    words += ["--allow", "127.0.0.1", "--enable-tcp-insecure", "--log-stderr"]
    (tmp_path / "distcc").mkdir()
    with pytest.MonkeyPatch.context() as patch, (tmp_path / "log").open("wb") as log:
        # Without the fallback a compile that succeeds was done by the daemon.
        patch.setenv("DISTCC_HOSTS", f"127.0.0.1:{port}")
        patch.setenv("DISTCC_FALLBACK", "0")
        patch.setenv("DISTCC_SKIP_LOCAL_RETRY", "1")
        patch.setenv("DISTCC_BACKOFF_PERIOD", "0")
        patch.setenv("DISTCC_DIR", str(tmp_path / "distcc"))
        daemon = subprocess.Popen(["distccd", *words], stdout=log, stderr=log, cwd="/")
        with socket.socket() as one:
            while one.connect_ex(("127.0.0.1", port)):
                assert daemon.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.1)
        yield daemon
        daemon.terminate()
        daemon.wait()


@pytest.mark.integration
def test_distcc(distccd: subprocess.Popen[bytes], cross_gcc: str, host_prefix: Path, tmp_path: Path) -> None:
    """The same object from another machine; with a cache before it, the second time from neither."""
    run = CrossenvCommand(os.environ["PATH"])
    place = tree(tmp_path / "tree")
    cache = Cache("ccache", tmp_path)
    words: list[str | Path] = ["create", "--host-python", host_prefix, "--without-pip"]
    run(*words, "--cc", cross_gcc, tmp_path / "direct")
    run(*words, "--cc", f"distcc {cross_gcc}", tmp_path / "distributed")
    kept = shutil.which("ccache") is not None
    if kept:
        run(*words, "--cc", f"distcc {cross_gcc}", "--compile-cache", "ccache", tmp_path / "kept")
    made = compiled(tmp_path / "direct", place, cache, "-O2", make_dependencies=False)
    assert compiled(tmp_path / "distributed", place, cache, "-O2", make_dependencies=False) == made
    if kept:
        assert compiled(tmp_path / "kept", place, cache, "-O2", make_dependencies=False) == made
    distccd.terminate()
    distccd.wait()
    with pytest.raises(subprocess.CalledProcessError):
        compiled(tmp_path / "distributed", place, cache, "-O2", make_dependencies=False)
    if kept:
        assert compiled(tmp_path / "kept", place, cache, "-O2", make_dependencies=False) == made

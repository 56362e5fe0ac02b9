"""`crossenv python build`: a CPython of the target out of its sources."""

from __future__ import annotations

import os
import sys
import tarfile
from pathlib import Path

import pytest

import projects
from conftest import CrossenvCommand, Run
from crossenv.binaries.elf import elf_identity
from crossenv.cli.main import main
from crossenv.emulation.interpreters import built_root, fetched_interpreter
from crossenv.emulation.model import HostInterpreter
from crossenv.errors import EmulatorError
from crossenv.report import Reporter
from crossenv.targets import parse_target
from makers import AARCH64, elf_bytes, patchlevel, write

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
OTHER = "3.12" if VERSION != "3.12" else "3.13"


def make_source(directory: Path, version: str = f"{VERSION}.99", configure: str = "exit 3\n") -> Path:
    """A tree that says that it is CPython's, with a configure of the test's own."""
    write(directory / "Include/patchlevel.h", patchlevel(version))
    write(directory / "config.guess", "#!/bin/sh\necho x86_64-pc-linux-gnu\n", mode=0o755)
    write(directory / "configure", f"#!/bin/sh\n{configure}", mode=0o755)
    return directory


def build(capfd: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str]:
    """Run the command; its status and its error."""
    status = main(["python", "build", *map(str, words)])
    return status, capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "No such file"),
        ("empty", "is not a source of CPython"),
        ("other.tar", "is not a source of CPython"),
        ("text", "cannot unpack"),
        ("truncated.tar.xz", "cannot unpack"),
        ("old", "is CPython 3.10.4, and only 3.11 and later"),
    ],
)
def test_what_is_no_source(name: str, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make_source(tmp_path / "old", "3.10.4")
    (tmp_path / "empty").mkdir()
    write(tmp_path / "text", "text\n")
    with tarfile.open(tmp_path / "other.tar", "w") as archive:
        archive.add(tmp_path / "text", "other/text")
    with tarfile.open(tmp_path / "truncated.tar.xz", "w:xz") as archive:
        archive.add(make_source(tmp_path / "source"), "Python")
    whole = (tmp_path / "truncated.tar.xz").read_bytes()
    (tmp_path / "truncated.tar.xz").write_bytes(whole[: len(whole) // 2])
    status, said = build(capfd, "--from", tmp_path / name, "--target", "aarch64", tmp_path / "root")
    assert status == 2
    error, hint = said.splitlines()
    assert message in error
    assert "--from" in hint or "name the sources of" in hint
    assert not (tmp_path / "root").exists()


def test_what_cannot_be_built(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = make_source(tmp_path / "source")
    status, said = build(capfd, "--from", source, "--target", "win_amd64")
    assert (status, "no CPython can be built for win_amd64" in said) == (2, True)
    write(tmp_path / "root/mine", "mine\n")
    status, said = build(capfd, "--from", source, "--target", "aarch64", tmp_path / "root")
    assert (status, "exists and is not empty" in said) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["source", "root"]


def test_without_a_compiler(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_source(tmp_path / "source")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    words = ("--from", source, "--target", "linux_aarch64", "--toolchain", "gnu", "--python", sys.executable)
    status, said = build(capfd, *words, tmp_path / "root")
    assert status == 4, said
    assert len([line for line in said.splitlines() if "error:" in line]) == 1
    assert not (tmp_path / "root").exists()


def test_what_was_built_is_found_again(tmp_path: Path) -> None:
    target = parse_target("musllinux_1_2_aarch64")
    environ = {"PATH": "", "CROSSENV_DEBIAN_MIRROR": f"file://{tmp_path}/nothing", "HOME": str(tmp_path)}
    environ |= {"UV_OFFLINE": "1"}

    def find(libc: str, version: str = "3.13", flags: str = "") -> HostInterpreter:
        return fetched_interpreter(
            target.architecture, libc, version, flags, environ=environ, cache=tmp_path, reporter=Reporter()
        )

    for version, flags, triplet in (
        *(("3.13.9", "", "musl"), ("3.13.10", "", "musl")),
        *(("3.13.4", "t", "musl"), ("3.12.1", "", "gnu")),
    ):
        root = built_root(tmp_path, f"aarch64-linux-{triplet}", version, flags)
        write(root / f"usr/local/bin/python{version[:4]}{flags}", elf_bytes(AARCH64), mode=0o755)
    found = find("musl")
    assert (found.root.name, found.flags) == ("cpython-3.13.10-aarch64-linux-musl", "")
    assert found.host_path == "/usr/local/bin/python3.13"
    assert find("musl", flags="t").root.name == "cpython-3.13.4t-aarch64-linux-musl"
    assert find("glibc", "3.12").root.name == "cpython-3.12.1-aarch64-linux-gnu"
    for libc, version in (("glibc", "3.13"), ("musl", "3.12")):
        with pytest.raises(EmulatorError, match=rf"Python {version}|cannot be fetched|uv could not fetch") as refusal:
            find(libc, version)
        assert "crossenv python build" in refusal.value.hint
        assert "it has amd64" not in refusal.value.hint


def test_what_uv_does_not_have_either(tmp_path: Path) -> None:
    """Whether uv is here makes no difference then."""
    target = parse_target("musllinux_1_2_armv7l")
    with pytest.raises(EmulatorError, match="uv has no Python for armv7l with musl"):
        fetched_interpreter(
            target.architecture, "musl", "3.13", environ={"PATH": ""}, cache=tmp_path, reporter=Reporter()
        )


@pytest.fixture
def words(cross_gcc: str) -> tuple[str, ...]:
    """The options of a build with Debian's cross compiler, whose C library this network may not have."""
    del cross_gcc
    return ("--target", "linux_aarch64", "--toolchain", "gnu", "--python", sys.executable)


@pytest.mark.integration
def test_sources_of_another_version(words: tuple[str, ...], tmp_path: Path) -> None:
    crossenv = CrossenvCommand(os.environ["PATH"])
    source = make_source(tmp_path / "source", f"{OTHER}.1")
    done = crossenv("python", "build", "--from", source, *words, tmp_path / "root", check=False)
    assert done.returncode == 2, done.stderr
    assert f"is CPython {OTHER}.1, and the build Python {sys.base_prefix}" in done.stderr
    assert not (tmp_path / "root").exists()


# Stands for CPython's: a program that is compiled for the target and installed.
CONFIGURE = """\
for word; do case $word in CC=*) cc=${word#CC=};; --prefix=*) prefix=${word#--prefix=};; esac; done
printf 'all:\n\t%s -o python %s\n' "$cc" "$(dirname "$0")/main.c" > Makefile
printf 'install:\n\tmkdir -p $(DESTDIR)%s/bin\n\tcp python $(DESTDIR)%s/bin/pythonVERSION\n' $prefix $prefix >> Makefile
"""


@pytest.mark.integration
def test_whole_or_not_at_all(words: tuple[str, ...], tmp_path: Path) -> None:
    crossenv = CrossenvCommand(os.environ["PATH"])
    source = make_source(tmp_path / "source", configure=CONFIGURE.replace("VERSION", VERSION))
    (tmp_path / "out").mkdir()
    root = tmp_path / "out/root"
    words = ("python", "build", "--from", str(source), *words, str(root))
    mirror, cache = f"file://{tmp_path}/nothing", str(tmp_path / "cache")
    write(source / "main.c", "int main(void) { return wrong; }\n")
    done = crossenv(*words, check=False, CROSSENV_DEBIAN_MIRROR=mirror, XDG_CACHE_HOME=cache)
    assert done.returncode == 6, done.stderr
    (error,) = [line for line in done.stderr.splitlines() if "error:" in line]
    assert "make failed with exit status 2" in error
    assert f"is to run the library of {VERSION}.99" in done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["root.log"]
    assert "wrong" in (tmp_path / "out/root.log").read_text()
    write(source / "main.c", "int main(void) { return 0; }\n")
    done = crossenv(*words, CROSSENV_DEBIAN_MIRROR=mirror, XDG_CACHE_HOME=cache)
    assert done.stdout == f"{root}\n"
    assert "cannot be run without one" in done.stderr
    assert elf_identity(root / f"usr/local/bin/python{VERSION}") == AARCH64
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["root", "root.log"]


@pytest.mark.integration
@pytest.mark.thorough
def test_a_wheel_in_a_python_for_musl(tmp_path: Path, run: Run) -> None:
    """CPYTHON_SOURCE names sources of this Python's version (Debian's python3.X_*.orig.tar.xz)."""
    source = os.environ.get("CPYTHON_SOURCE")
    if source is None:
        pytest.skip("CPYTHON_SOURCE names no sources of CPython")
    pytest.importorskip("ziglang")
    crossenv = CrossenvCommand(os.environ["PATH"])
    target = ("--target", "musllinux_1_2_aarch64", "--python", sys.executable)
    crossenv("python", "build", "--from", source, *target, tmp_path / "root")
    crossenv("create", *target, tmp_path / "env")
    project = projects.setuptools_c(tmp_path / "toy")
    run(tmp_path / "env/bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "wheels", project)
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    done = crossenv("test", "--env", tmp_path / "env", "--host-root", tmp_path / "root", wheel)
    assert "imported on the target" in done.stderr

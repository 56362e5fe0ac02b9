"""`cross-expose`: the host side sees that a package of the build side is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import CrossenvCommand

VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}{'t' if 't' in sys.abiflags else ''}"


@pytest.fixture(scope="module")
def own_env(tmp_path_factory: pytest.TempPathFactory, crossenv: CrossenvCommand, host_prefix: Path) -> Path:
    directory = tmp_path_factory.mktemp("environments") / "an env"
    crossenv("create", "--python", sys.executable, "--host-python", host_prefix, directory)
    for side, name, version in (("build", "Some.Tool", "1.2"), ("build", "other", "3"), ("cross", "hosts", "1")):
        add(directory / side, name, version)
    add(directory / "build", "hosts", "2")
    return directory


def add(side: Path, name: str, version: str) -> None:
    directory = side / f"lib/{VERSION}/site-packages/{name.replace('.', '_')}-{version}.dist-info"
    directory.mkdir()
    (directory / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def expose(env: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([env / "bin/cross-expose", *words], text=True, capture_output=True, check=False)


def seen(env: Path, name: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({name!r}))"
    done = subprocess.run([env / "bin/cross-python", "-c", code], text=True, capture_output=True, check=False)
    return done.stdout.strip()


def test_expose_and_hide(own_env: Path) -> None:
    assert seen(own_env, "some-tool") == ""
    assert expose(own_env, "Some_Tool").returncode == 0
    assert seen(own_env, "some-tool") == "1.2"
    assert expose(own_env, "--list").stdout == "some-tool\n"
    assert expose(own_env, "some-tool").returncode == 0, "once more is no error"
    assert expose(own_env, "--unexpose", "some-tool", "-v").stderr == "crossenv: some-tool is not exposed any more\n"
    assert seen(own_env, "some-tool") == ""
    assert expose(own_env).stdout == ""


def test_another_version_takes_the_place_of_the_old_one(own_env: Path) -> None:
    site = own_env / f"build/lib/{VERSION}/site-packages"
    expose(own_env, "other")
    (site / "other-3.dist-info").rename(site / "other-4.dist-info")
    (site / "other-4.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 4\n")
    assert expose(own_env, "other").returncode == 0
    assert seen(own_env, "other") == "4"
    expose(own_env, "-u", ":all:")


def test_all(own_env: Path) -> None:
    assert expose(own_env, ":all:").returncode == 0
    assert expose(own_env, "-l").stdout == "other\nsome-tool\n"
    assert seen(own_env, "hosts") == "1"
    assert expose(own_env, "-u", ":all:").returncode == 0
    assert expose(own_env, "-l").stdout == ""


def test_pip_takes_it_for_installed_and_can_remove_it(own_env: Path) -> None:
    expose(own_env, "some-tool")
    pip = own_env / "bin/cross-pip"
    wanted = subprocess.run([pip, "install", "--no-index", "some-tool>=1"], text=True, capture_output=True, check=False)
    assert "already satisfied" in wanted.stdout
    assert subprocess.run([pip, "uninstall", "-y", "some-tool"], capture_output=True, check=False).returncode == 0
    assert expose(own_env, "-l").stdout == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["other", "nothing"], "nothing is not installed in the build side"),
        (["hosts"], "hosts 1 is installed in the host side itself"),
        (["-u", "hosts"], "hosts is not exposed"),
    ],
)
def test_all_or_nothing(own_env: Path, words: list[str], message: str) -> None:
    result = expose(own_env, *words)
    assert result.returncode == 2
    assert result.stderr.startswith(f"crossenv: error: {message}\ncrossenv: hint: ")
    assert expose(own_env, "-l").stdout == ""

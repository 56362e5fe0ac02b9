"""What a mistyped command line is told."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import CrossenvCommand


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("crate x", ("no command 'crate'", "did you mean `crossenv create`?")),
        ("--targets", ("--targets stands before the command", "did you mean `crossenv targets`?")),
        ("--target aarch64 env", ("--target stands before the command", "crossenv create --target")),
        ("", ("no command", "create, show")),
        ("create aarch64 env", ("no further argument 'env'", "did you mean `crossenv create --target aarch64 env`?")),
        ("create --tagret aarch64 env", ("create has no option --tagret", "did you mean --target?")),
        ("create --cc", ("--cc: expected one argument", "crossenv create --help")),
        ("create --target aarch64,armv7l env", ("names several targets", "repeat the option")),
        ("wheel . --target aarch64,armv7l", ("names several targets", "repeat the option")),
        ("create --target armv6l env", ("no platform for ARM before version 7", "armv7l code does not run there")),
        ("create --target linux_armv6l env", ("no platform for ARM before version 7", "build on the machine itself")),
        ("wheel . --no-cache-dir", ("no option --no-cache-dir", "after `--`: crossenv wheel . -- --no-cache-dir")),
        ("test a.whl pytest -q", ("no wheel pytest", "after `--`: crossenv test a.whl -- pytest")),
        ("test a.whl pytest -x", ("no option -x", "after `--`: crossenv test WHEEL -- pytest -x")),
        ("create --target aarch64 ''", ("ENV: the value is empty", "crossenv create --help")),
        ("create --target aarch64 --cc '' env", ("--cc: the value is empty", "crossenv create --help")),
        ("create --target aarch64 --prompt= env", ("--prompt: the value is empty", "crossenv create --help")),
        ("create --host-python '' env", ("--host-python: the value is empty", "crossenv create --help")),
        ("create --target aarch64 --keep build --accept-tag '' env", ("--accept-tag: the value is empty", "--help")),
        ("--sysroot= /usr/bin/python3 env", ("--sysroot: the value is empty", "python -m crossenv --help")),
        ("wheel --target aarch64 ''", ("REQ: the value is empty", "crossenv wheel --help")),
        ("wheel --target aarch64 -r ''", ("-r/--requirement: the value is empty", "crossenv wheel --help")),
        ("wheel --target aarch64 -r nosuch.txt", ("nosuch.txt cannot be read: No such file or directory", "-r FILE")),
        ("wheel toy --target aarch64 -- -w elsewhere", ("-w is among the options of pip", "before `--`")),
        ("wheel toy --target aarch64 -- --wheel-dir=elsewhere", ("--wheel-dir is among", "before `--`")),
        ("wheel toy --target aarch64 -- -r more.txt", ("-r is among the options of pip", "before `--`")),
        ("audit ''", ("WHEEL: the value is empty", "crossenv audit --help")),
        ("show nosuch", ("nosuch does not exist", "crossenv create")),
        ("export", ("required: format", "name one of meson, cmake, cargo")),
        ("run --version-of it", ("no option --version-of", "after `--`: crossenv run -- python --version-of")),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(
    crossenv: CrossenvCommand, tmp_path: Path, words: str, says: tuple[str, str]
) -> None:
    result = crossenv(*shlex.split(words), check=False, HOME=str(tmp_path))
    assert result.returncode == 2
    error, hint = result.stderr.splitlines()
    assert error.startswith("crossenv: error: ") and says[0] in error
    assert hint.startswith("crossenv: hint: ") and says[1] in hint
    assert not Path("env").exists()


def test_version_by_either_name(crossenv: CrossenvCommand) -> None:
    assert crossenv("-V").stdout == crossenv("--version").stdout != ""


def test_an_unwritable_working_directory_is_no_obstacle(tmp_path: Path, host_prefix: Path) -> None:
    """Root cannot write to /proc either."""
    words = [sys.executable, "-m", "crossenv", "create", "--dry-run", "--python", sys.executable]
    words += ["--host-python", str(host_prefix), str(tmp_path / "env")]
    done = subprocess.run(words, cwd="/proc", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "would create" in done.stdout


def test_the_line_that_activates_is_quoted(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path) -> None:
    env = tmp_path / "my env"
    result = crossenv("create", "--python", sys.executable, "--host-python", host_prefix, env)
    line = next(line for line in result.stderr.splitlines() if "activate it with" in line)
    command = line.partition("`")[2].partition("`")[0]
    done = subprocess.run(
        ["sh", "-c", f'{command} && printf %s "$VIRTUAL_ENV"'], capture_output=True, text=True, check=True
    )
    assert done.stdout == str(env)


def test_a_name_that_is_also_a_directory_is_warned_of(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    """`crossenv wheel toyc` fetches a stranger's project, as pip does."""
    (tmp_path / "toyc").mkdir()
    words = [sys.executable, "-m", "crossenv", "wheel", "toyc", "--target", "aarch64", "--no-index"]
    done = subprocess.run(words, cwd=tmp_path, text=True, capture_output=True, check=False)
    assert "taking toyc from the index; write ./toyc for the directory" in done.stderr


def test_one_environment_is_for_one_target(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    done = crossenv("create", "--target", "aarch64", "--target", "armv7l", tmp_path / "env", check=False)
    assert done.returncode == 2
    assert "--target is given twice; an environment takes only one" in done.stderr
    assert not (tmp_path / "env").exists()

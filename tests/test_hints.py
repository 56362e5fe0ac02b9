"""What `cross-pip` says when a build cannot succeed as it was asked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import projects
from conftest import Run
from wheels import make_wheel

BACK_END = """
import sys

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    sys.exit({message!r})
"""


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("/bin/sh: 1: gen: not found", "hint: if gen is compiled by this build, --emulator lets it run"),
        ("meson.build:3: ERROR: Can not run test applications in this cross environment.", "--emulator lets it"),
        ("toy.c:1: error: expected ';'", ""),
    ],
)
def test_a_failed_build_tells_what_helps(env: Path, tmp_path: Path, message: str, hint: str) -> None:
    files = {
        "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'own'\nbackend-path = ['.']\n",
        "own.py": BACK_END.format(message=message),
    }
    words: list[str | Path] = [
        env / "bin/cross-pip",
        "wheel",
        "--no-index",
        "-w",
        tmp_path,
        projects.write(tmp_path / "toy", files),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    said = " ".join((done.stdout + done.stderr).split())
    assert message in said
    assert hint in said if hint else "emulator" not in said


def test_a_project_that_has_wheels_only(env: Path, tmp_path: Path, run: Run) -> None:
    make_wheel(tmp_path, {"toy.py": b""}, "py3-none-any")
    words: list[str | Path] = [
        env / "bin/cross-pip",
        "wheel",
        "--no-index",
        "--find-links",
        tmp_path,
        "-w",
        tmp_path / "out",
    ]
    done = subprocess.run([*words, "toy"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "crossenv: hint: what is named is built from source; --only-binary toy takes a wheel" in done.stderr
    run(*words, "--only-binary", "toy", "toy")
    assert len(list((tmp_path / "out").iterdir())) == 1
    # A requirement that nobody has named is not built for its name.
    done = subprocess.run([*words, "--only-binary", "x", "missing"], capture_output=True, text=True, check=False)
    assert "crossenv: hint" not in done.stderr

"""Wheels of build requirements are shared by environments that would make them alike, and by no others."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from _crossenv.host_wheels import _circumstances

from conftest import CrossenvCommand
from crossenv.environment.fingerprint import SESSION, surroundings
from makers import write

FACTS: Any = {"root": "/home/me/env", "session_variables": SESSION}
USUAL = {"PATH": "/usr/bin", "CROSSENV_PIP_OPTIONS": '["--index-url=https://one"]', "PIP_CACHE_DIR": "/home/me/env/c"}


@pytest.mark.integration
def test_what_shapes_a_wheel_is_in_its_key(cross_gcc: str, tmp_path: Path) -> None:
    """Once wheels were shared between compilers, processors and flags."""
    compiler = write(tmp_path / "tools/aarch64-linux-gnu-gcc", f'#!/bin/sh\nexec {cross_gcc} "$@"\n', mode=0o755)
    command = CrossenvCommand(f"{compiler.parent}{os.pathsep}{os.environ['PATH']}")

    # Any compiler here has an older glibc.
    def cache(*words: str, env: str = "env", target: str = "manylinux_2_50_aarch64") -> str:
        fixed = ("create", "--dry-run", "--json", "--toolchain", "gnu", "--target", target)
        plan = command(*fixed, *words, tmp_path / env)
        return str(json.loads(plan.stdout)["record"]["requirements_cache"])

    usual = cache()
    assert not usual.startswith(str(tmp_path / "env"))
    assert cache("--prompt", "other", env="other") == usual
    different = [
        cache("--config-var", "CFLAGS=-O1"),
        cache("--env", "CFLAGS=-O1"),
        cache("--cc", f"{compiler} -mcpu=neoverse-n1"),
        cache(target="manylinux_2_49_aarch64"),
    ]
    # The same compiler, installed again.
    os.utime(compiler, (1, 1))
    assert cache() == usual
    # Another one of the same version under the same name.
    compiler.write_text(f'#!/bin/sh\nexec {cross_gcc} -mcpu=neoverse-n1 "$@"\n')
    different.append(cache())
    assert len({usual, *different}) == 6


def test_tools_and_libraries_are_seen_to_change(tmp_path: Path) -> None:
    tool, library = write(tmp_path / "gcc", ""), write(tmp_path / "root/usr/lib/aarch64-linux-gnu/libone.so", "")
    more = tmp_path / "pkgconfig"
    more.mkdir()

    def seen() -> str:
        return surroundings([tool], [tmp_path / "root"], "aarch64-linux-gnu", [more])

    found = [seen()]
    for change in (
        lambda: tool.write_text("new"),
        lambda: library.write_text("new"),
        lambda: write(more / "new.pc", ""),
        lambda: write(tmp_path / "root/usr/include/new.h", ""),
    ):
        change()
        found.append(seen())
    assert found[-1] == seen()
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    "change",
    [
        {"CFLAGS": "-O0"},
        {"NUMPY_USE_NOTHING": "1"},
        {"CROSSENV_PIP_OPTIONS": '["--index-url=https://two"]'},
        {"PIP_INDEX_URL": "https://two"},
    ],
)
def test_what_a_project_sets_is_in_the_key(change: dict[str, str]) -> None:
    assert _circumstances(FACTS, {**USUAL, **change}) != _circumstances(FACTS, USUAL)


def test_an_index_in_a_file_of_pip_is_in_the_key(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    keys = set()
    for index in ("one", "two"):
        file.write_text(f"[global]\nindex-url = https://{index}\n")
        keys.add(_circumstances(FACTS, {**USUAL, "PIP_CONFIG_FILE": str(file)}))
    assert len(keys) == 2


@pytest.mark.parametrize("change", [{"TERM": "dumb"}, {"CROSSENV_PYTHON": "/tmp/x"}, {"PATH": "/tmp/y"}, {"_": "z"}])
def test_what_shapes_nothing_is_not(change: dict[str, str]) -> None:
    assert _circumstances(FACTS, {**USUAL, **change}) == _circumstances(FACTS, USUAL)


def test_environments_in_different_places_share() -> None:
    other: Any = {**FACTS, "root": "/srv/other"}
    assert _circumstances(other, {**USUAL, "PIP_CACHE_DIR": "/srv/other/c"}) == _circumstances(FACTS, USUAL)

"""What `cross-uv` makes of a command line, and the Python that uv makes its environments from."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from _crossenv import patches, uv_command

from conftest import Run
from makers import AARCH64, X86_64, elf_bytes, write

FACTS: Any = {
    "root": "/e",
    "uv_prefix": "/e/etc/uv",
    "uv_cache": "/e/cache/uv",
    "machine": "aarch64",
    "libc": {"family": "glibc", "version": "2.36"},
    "host_executable": "/usr/bin/python3.11",
}
NATIVE = ["--python", "/e/etc/uv/bin/python"]
CROSS = ["--python", "/e/cross/bin/python"]
PLATFORM = ["--python-platform", "P"]
PREFIX = ["--prefix", "/e/cross"]
KNOWN = [
    *(f"aarch64-manylinux_2_{minor}" for minor in (17, 28, 36, 40)),
    *("aarch64-manylinux2014", "x86_64-manylinux_2_28", "aarch64-unknown-linux-gnu", "aarch64-unknown-linux-musl"),
]


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ([], ()),
        (["--version"], ()),
        (["build", "-o", "dist"], ("build",)),
        (["-q", "--directory", "build", "pip", "-v", "install", "x"], ("pip", "install")),
        (["--directory=build", "pip", "list"], ("pip", "list")),
        (["pip"], ("pip",)),
    ],
)
def test_command(words: list[str], command: tuple[str, ...]) -> None:
    assert uv_command.find_command(words) == command


@pytest.mark.parametrize(
    ("words", "platform", "arguments"),
    [
        (["build", "--wheel", "."], "", ["build", *NATIVE, "--wheel", "."]),
        (["-v", "build"], "", ["-v", "build", *NATIVE]),
        (["pip", "install", "x"], "P", ["pip", "install", *NATIVE, *PLATFORM, *PREFIX, "x"]),
        (["pip", "sync", "r.txt"], "P", ["pip", "sync", *NATIVE, *PLATFORM, *PREFIX, "r.txt"]),
        (["pip", "install", "--target=t", "x"], "P", ["pip", "install", *NATIVE, *PLATFORM, "--target=t", "x"]),
        (
            ["pip", "install", "--python-platform", "Q", "x"],
            "",
            ["pip", "install", *NATIVE, *PREFIX, "--python-platform", "Q", "x"],
        ),
        (["pip", "install", "x"], "", ["pip", "install", *CROSS, "x"]),
        (["pip", "compile", "r.in"], "P", ["pip", "compile", *NATIVE, *PLATFORM, "r.in"]),
        (["pip", "tree"], "", ["pip", "tree", *CROSS]),
        (["pip", "uninstall", "x"], "", ["pip", "uninstall", *CROSS, "x"]),
        (["pip", "install", "--help"], "P", ["pip", "install", "--help"]),
        (["cache", "dir"], "", ["cache", "dir"]),
        (["--version"], "", ["--version"]),
    ],
)
def test_arguments(words: list[str], platform: str, arguments: list[str]) -> None:
    assert uv_command.cross_arguments(words, uv_command.find_command(words), FACTS, platform) == arguments


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sync"], "cross-uv has no command 'sync'"),
        (["pip", "debug"], "cross-uv has no command 'pip debug'"),
        (["build", "--python=3.12"], "cross-uv chooses the interpreter"),
        (["build", "-p", "3.12"], "cross-uv chooses the interpreter"),
        (["pip", "install", "-p3.12", "x"], "cross-uv chooses the interpreter"),
        (["pip", "install", "--system", "x"], "cross-uv chooses the interpreter"),
    ],
)
def test_refusals(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        uv_command.cross_arguments(words, uv_command.find_command(words), FACTS, "P")
    assert ended.value.code == 2
    assert f"crossenv: error: {message}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("machine", "family", "version", "platform"),
    [
        ("aarch64", "glibc", "2.36", "aarch64-manylinux_2_36"),
        ("aarch64", "glibc", "2.35", "aarch64-manylinux_2_28"),
        ("aarch64", "glibc", "2.12", ""),
        ("aarch64", "glibc", "", ""),
        ("x86_64", "glibc", "2.40", "x86_64-manylinux_2_28"),
        ("armv7l", "glibc", "2.36", ""),
        ("aarch64", "musl", "1.2", "aarch64-unknown-linux-musl"),
        ("aarch64", "musl", "1.1", ""),
        ("armv7l", "musl", "1.2", ""),
    ],
)
def test_platform(machine: str, family: str, version: str, platform: str) -> None:
    facts: Any = {"machine": machine, "libc": {"family": family, "version": version}}
    assert uv_command.choose_platform(KNOWN, facts) == platform


def test_what_one_build_accepts_is_not_taken_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel without its extension modules: of pip's cache and uv's, each such list of projects has its own."""
    words = (["build"], ("build",))
    found = {}
    for names in ("", " , ", "toy", "other,toy", "toy, other", "*"):
        changed = uv_command.cross_environment({"CROSSENV_ALLOW_PURE": names}, *words, FACTS)
        found[names] = changed["UV_CACHE_DIR"]
    assert found[""] == found[" , "] == "/e/cache/uv"
    assert found["other,toy"] == found["toy, other"]
    assert len(set(found.values())) == 4
    assert all(place.startswith("/e/cache/uv") for place in found.values())

    (tmp_path / "http-v2").mkdir()
    monkeypatch.setenv("PIP_CACHE_DIR", "")
    for names in ("", "toy", "toy"):
        monkeypatch.setenv("CROSSENV_ALLOW_PURE", names)
        facts: Any = {"pip_cache": str(tmp_path)}
        patches.pip_module(types.ModuleType("pip"), facts)
        place = Path(os.environ["PIP_CACHE_DIR"])
        assert (place == tmp_path) == (not names)
        # Downloads are shared.
        assert (place / "http-v2").resolve() == (tmp_path / "http-v2").resolve()


def test_environment() -> None:
    given = {"UV_PYTHON": "3.12", "CROSSENV_ROLE": "host", "HOME": "/h", "UV_INDEX_URL": "https://i/simple"}
    environ = uv_command.cross_environment(given, ["build"], ("build",), FACTS)
    assert environ == {
        "HOME": "/h",
        "UV_INDEX_URL": "https://i/simple",
        "UV_CACHE_DIR": "/e/cache/uv",
        "CROSSENV_UV": "build",
        "CROSSENV_PIP_OPTIONS": '["--index-url=https://i/simple"]',
    }
    assert uv_command.cross_environment({"CROSSENV_ROLE": "build"}, [], (), FACTS)["CROSSENV_ROLE"] == "build"
    words = ["pip", "compile", "a b.in"]
    environ = uv_command.cross_environment({}, words, ("pip", "compile"), FACTS)
    assert environ["UV_CUSTOM_COMPILE_COMMAND"] == "cross-uv pip compile 'a b.in'"


def test_index_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In pip's words, and such that they hold in another directory."""
    (tmp_path / "links").mkdir()
    with monkeypatch.context() as context:
        context.chdir(tmp_path)
        words = ["build", "-f", "links", "--index", "mine=https://m/simple?a=b", "--no-index"]
        assert uv_command.index_options(words, {"UV_INDEX_URL": "https://not-this"}) == [
            f"--find-links={tmp_path / 'links'}",
            "--extra-index-url=https://m/simple?a=b",
            "--no-index",
        ]
    environ = {"UV_DEFAULT_INDEX": "https://d", "UV_INDEX": "https://a https://b", "UV_NO_INDEX": "false"}
    assert uv_command.index_options([], environ) == [
        "--index-url=https://d",
        "--extra-index-url=https://a",
        "--extra-index-url=https://b",
    ]


def test_scripts_start_the_hosts_python(tmp_path: Path) -> None:
    scripts, site = tmp_path / "bin", tmp_path / "lib/python3.11/site-packages/x-1.dist-info"
    scripts.mkdir()
    site.mkdir(parents=True)
    facts: Any = {**FACTS, "uv_prefix": "/a b/etc/uv"}
    old = {
        "plain": b"#!/e/cross/bin/python\nprint()\n",
        "quoted": b"#!/bin/sh\n'''exec' '/a b/etc/uv/bin/python' \"$0\" \"$@\"\n' '''\nprint()\n",
        "others": b"#!/opt/python\nprint()\n",
        "binary": b"\x7fELF",
    }
    for name, data in old.items():
        (scripts / name).write_bytes(data)
    rows = [f"../../../bin/{name},sha256=old,1\n" for name in old]
    (site / "RECORD").write_text("".join(rows) + "x.py,sha256=x,2\n")
    uv_command.correct_scripts(str(scripts), facts)
    new = b"#!/usr/bin/python3.11\nprint()\n"
    assert {path.name: path.read_bytes() for path in scripts.iterdir()} == {**old, "plain": new, "quoted": new}
    digest = base64.urlsafe_b64encode(hashlib.sha256(new).digest()).rstrip(b"=").decode()
    hashed = f"sha256={digest},{len(new)}\n"
    assert (site / "RECORD").read_text() == (
        f"../../../bin/plain,{hashed}../../../bin/quoted,{hashed}{rows[2]}{rows[3]}x.py,sha256=x,2\n"
    )


# In an environment


def run(*words: str | Path, **extra: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "CROSSENV_"))}
    return subprocess.run(
        [str(word) for word in words], text=True, capture_output=True, check=False, env={**environ, **extra}
    )


@pytest.fixture
def uv(tmp_path: Path) -> Path:
    """A program that says what it was started with."""
    program = tmp_path / "bin/uv"
    program.parent.mkdir()
    says = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{says}" "$@"\n')
    program.chmod(0o755)
    return program


def test_the_command_starts_uv(env: Path, uv: Path) -> None:
    result = run(env / "bin/cross-uv", "build", "a b", PATH=f"{uv.parent}{os.pathsep}{os.environ['PATH']}")
    arguments, environ = json.loads(result.stdout)
    assert arguments == ["build", "--python", f"{env}/etc/uv/bin/python", "a b"]
    assert environ["UV_CACHE_DIR"] == f"{env}/cache/uv"


def test_no_uv_gets_one_line(env: Path, tmp_path: Path) -> None:
    shim = env / f"cross/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages/_crossenv"
    result = run(env / "build/bin/python", "-I", shim / "uv_command.py", "", "build", PATH=str(tmp_path))
    assert result.returncode == 2
    assert result.stderr == (
        "crossenv: error: there is no uv in the build side, on PATH or beside crossenv\n"
        f"crossenv: hint: install it: {env}/bin/build-pip install uv\n"
    )


def test_another_sitecustomize_is_refused(env: Path, uv: Path, tmp_path: Path) -> None:
    """It would be found first, and the wheel would be native."""
    (tmp_path / "sitecustomize.py").write_text("")
    result = run(
        env / "bin/cross-uv", "build", PYTHONPATH=str(tmp_path), PATH=f"{uv.parent}{os.pathsep}{os.environ['PATH']}"
    )
    assert result.returncode == 2
    assert f"the sitecustomize in {tmp_path} would keep crossenv out of uv's environments" in result.stderr


@pytest.mark.parametrize(("allowed", "status"), [("Toy.Box", 0), ("a, toy-box", 0), ("*", 0), ("toy", 7)])
def test_what_may_be_pure_is_named_as_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: str, status: int
) -> None:
    facts: Any = {**FACTS, "cross_site": str(tmp_path), "identity": {"bits": 64, "byte_order": "little", "number": 183}}
    write(tmp_path / "toy_box-1.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    write(tmp_path / "toy_box-1.dist-info/RECORD", "toy/_toy.so,,\n")
    write(tmp_path / "toy/_toy.so", elf_bytes(X86_64))
    monkeypatch.setenv("CROSSENV_ALLOW_PURE", allowed)
    assert uv_command.check_installed(facts, {}) == status


@pytest.mark.parametrize(
    ("kind", "status"),
    [("for one", 7), ("tagged", 7), ("several", 0), ("several, with the target's", 0), ("the target's", 0)],
)
def test_what_uv_installs_is_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, status: int
) -> None:
    facts: Any = {**FACTS, "cross_site": str(tmp_path), "identity": {"bits": 64, "byte_order": "little", "number": 183}}
    write(tmp_path / "old-1.dist-info/RECORD", "")
    before = uv_command._distributions(str(tmp_path))
    tag = "cp311-cp311-linux_aarch64" if kind == "tagged" else "py3-none-any"
    write(tmp_path / "toy-1.dist-info/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
    write(tmp_path / "toy-1.dist-info/RECORD", "toy/gone.py,,\ntoy/_toy.so,,\ntoy/other,,\n")
    write(tmp_path / "toy/_toy.so", elf_bytes(AARCH64 if kind == "the target's" else X86_64))
    others = {"several": b"MZ\0\0", "several, with the target's": elf_bytes(AARCH64), "tagged": elf_bytes(AARCH64)}
    if kind in others:
        write(tmp_path / "toy/other", others[kind])
    assert uv_command.check_installed(facts, before) == status
    said = capsys.readouterr().err
    if status:
        assert "crossenv: error: uv has installed toy, and toy/_toy.so in it is not for the target (aarch64)\n" in said
        assert "cross-uv pip uninstall toy" in said
    else:
        assert said == (
            "crossenv: warning: toy: toy/_toy.so is not for the target (aarch64)\n" if kind == "several" else ""
        )


PLACE = "import sys, platform, _crossenv; print(_crossenv.place, _crossenv.role, platform.machine())"
BASE = "import sys; print(sys._base_executable)"
# How uv asks; what it asks with is in a temporary directory of its own.
QUERY = f"{BASE} # from python.get_interpreter_info import main; main()"


def test_what_cross_uv_gives_to_uv_answers_for_the_build_machine(env: Path) -> None:
    assert run(env / "etc/uv/bin/python", "-c", PLACE).stdout.split() == ["isolated", "build", os.uname().machine]


@pytest.mark.parametrize("python", ["bin/python", "cross/bin/python", "etc/uv/bin/python"])
def test_uv_is_told_of_a_base_that_has_the_shim(env: Path, python: str) -> None:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert run(env / python, "-I", "-B", "-c", QUERY).stdout.strip() == f"{env}/etc/base/bin/python{version}"
    if python != "etc/uv/bin/python":
        assert run(env / python, "-c", BASE).stdout.strip() != f"{env}/etc/base/bin/python{version}"


@pytest.fixture
def made_by_uv(env: Path, tmp_path: Path) -> Path:
    """An environment as uv makes them for a build: a link, a pyvenv.cfg and an empty site directory."""
    return environment_of_uv(env, tmp_path / "builds-v0/.tmp1")


def environment_of_uv(env: Path, directory: Path) -> Path:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (directory / "bin").mkdir(parents=True)
    (directory / f"lib/{version}/site-packages").mkdir(parents=True)
    (directory / "pyvenv.cfg").write_text(f"home = {env}/etc/base/bin\nuv = 0.9.10\n")
    (directory / "bin/python").symlink_to(env / "etc/base/bin" / version)
    return directory


BACKEND = f"{PLACE}\nif False:\n    import a as backend\n"


def test_uvs_isolated_environments_have_the_shim(made_by_uv: Path) -> None:
    python = made_by_uv / "bin/python"
    assert run(python, "-c", PLACE).stdout.split()[:2] == ["isolated", "build"]
    assert run(python, "-c", BACKEND).stdout.split() == ["isolated", "host", "aarch64"]
    assert run(python, "-c", BACKEND, CROSSENV_ROLE="build").stdout.split()[:2] == ["isolated", "build"]
    assert run(python, "-c", "import ssl, ctypes, decimal").returncode == 0


def test_requirements_of_the_host_are_refused(made_by_uv: Path, env: Path) -> None:
    site = next((made_by_uv / "lib").glob("python*/site-packages"))
    for name, tag in (("mixed", "linux_x86_64"), ("tool_x", "manylinux_2_17_aarch64"), ("pure", "any")):
        (site / f"{name}-1.dist-info").mkdir()
        (site / f"{name}-1.dist-info/WHEEL").write_text(f"Wheel-Version: 1.0\nTag: cp311-cp311-{tag}\n")
    if os.uname().machine == "aarch64":
        pytest.skip("the build machine is the target's kind")
    result = run(made_by_uv / "bin/python", "-c", BACKEND)
    assert result.returncode == 1
    assert result.stderr == (
        "crossenv: error: uv has installed the target's tool_x as build requirements, which cannot run here\n"
        f"crossenv: hint: use {env}/bin/cross-uv in place of uv\n"
    )
    through = run(made_by_uv / "bin/python", "-c", BACKEND, CROSSENV_UV="pip install")
    assert f"use {env}/bin/cross-pip in place of cross-uv" in through.stderr


def test_an_environment_of_the_user_is_native(env: Path, tmp_path: Path, run: Run) -> None:
    """`uv venv` in an activated environment, and a build for it: the shim stays out."""
    made = environment_of_uv(env, tmp_path / "vv")
    answers = "import sysconfig, _crossenv; print(_crossenv.role, sysconfig.get_platform())"
    assert run(made / "bin/python", "-c", answers) == f"none linux-{os.uname().machine}\n"
    script = answers + "\nif False:\n    import a as backend\n"
    built_in = environment_of_uv(env, tmp_path / "builds-v0/.tmp2")
    # A shell stands for uv, which gives what it starts another VIRTUAL_ENV than its own.
    start = '(cd / && VIRTUAL_ENV=/of/the/build exec "$0" -c "$1"); exit $?'
    uv = ["/bin/sh", "-c", start, built_in / "bin/python", script]
    native = f"build linux-{os.uname().machine}\n"
    for command in ("pip", "build"):
        assert run(*uv, command, VIRTUAL_ENV=str(made)) == native
        for option in ("-p", "--python"):
            # Named relatively to the directory of uv.
            assert run(*uv, command, option, "vv", cwd=tmp_path, VIRTUAL_ENV=str(env)) == native
        assert run(*uv, command, VIRTUAL_ENV=str(env)).startswith("host ")
        assert run(*uv, command, "--python", env / "bin/python").startswith("host ")
    unknown = subprocess.run(
        [made / "bin/python", "-c", script],
        env={**os.environ, "CROSSENV_UV": "build"},
        capture_output=True,
        check=False,
    )
    assert unknown.returncode == 1
    assert b"crossenv knows other places" in unknown.stderr


@pytest.mark.parametrize("command", ["sync", "run", "tool"])
def test_uv_does_not_fill_environments_of_its_own_for_the_target(made_by_uv: Path, command: str) -> None:
    # A shell stands for uv; what follows its script are uv's words.
    words = ["/bin/sh", "-c", '"$0" -c "$1"; exit $?', str(made_by_uv / "bin/python"), BACKEND, command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"crossenv: error: uv {command} makes an environment for this machine")
    assert "crossenv: hint: make it first" in done.stderr

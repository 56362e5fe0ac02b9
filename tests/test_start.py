"""An interpreter of a cross environment answers for the target or ends: never silently native."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import VERSION, CrossenvCommand, Run

TELL = "import sysconfig; print(sysconfig.get_platform())"
SITE = f"lib/python{VERSION}{sys.abiflags}/site-packages"
NATIVE = f"linux-{os.uname().machine}"

# Placed before the shim's own start-up file: from the first event inside the shim on, the Nth one raises.
FAULTS = """
import os, sys
def install():
    wanted, kind = os.environ.get("FAULT_AT", ""), os.environ.get("FAULT_KIND", "")
    if not wanted:
        return
    errors = {
        "os": OSError(5, "injected"), "unicode": UnicodeEncodeError("ascii", "\\xfc", 0, 1, "injected"),
        "memory": MemoryError("injected"), "interrupt": KeyboardInterrupt(), "exit": SystemExit(0),
        "type": TypeError("injected"), "import": ImportError("injected"),
    }
    seen = 0
    def profile(frame, event, argument):
        nonlocal seen
        if "_crossenv" not in frame.f_code.co_filename or "faults" in frame.f_code.co_filename:
            return
        seen += 1
        if seen == int(wanted):
            sys.setprofile(None)
            raise errors[kind]
    sys.setprofile(profile)
install()
"""
KINDS = ("os", "unicode", "memory", "interrupt", "exit", "type", "import")
MODES: tuple[tuple[str, ...], ...] = (
    ("bin/python", "-c"), ("bin/cross-python", "-c"), ("cross/bin/python", "-c"), ("cross/bin/python", "-I", "-c"),
    ("cross/bin/python", "-E", "-s", "-c"), ("cross/bin/python", "-B", "-c"), ("cross/bin/python", "-O", "-c"),
    ("cross/bin/python", "SCRIPT"), ("cross/bin/python", "-m", "tell"),
)  # fmt: skip


@pytest.fixture(scope="module")
def broken(crossenv: CrossenvCommand, host_prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of this module's own, without pip."""
    directory = tmp_path_factory.mktemp("start") / "env"
    words = ("create", "--python", sys.executable, "--host-python", host_prefix, "--without-pip", directory)
    crossenv(*words)
    return directory


def start(*words: str | Path, cwd: Path | None = None, **extra: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **extra}
    return subprocess.run(
        list(map(str, words)), text=True, capture_output=True, check=False, cwd=cwd, env=environment, timeout=60,
        errors="surrogateescape",
    )  # fmt: skip


def assert_refused(done: subprocess.CompletedProcess[str], says: str = "") -> None:
    assert done.returncode not in (0, None), done.stdout
    assert NATIVE not in done.stdout
    assert "linux-" not in done.stdout
    assert says in done.stderr


@pytest.fixture
def with_faults(broken: Path) -> Iterator[Path]:
    site = broken / "cross" / SITE
    (site / "000_a.pth").write_text("import crossenv_faults\n")
    (site / "crossenv_faults.py").write_text(FAULTS)
    yield broken
    (site / "000_a.pth").unlink()
    (site / "crossenv_faults.py").unlink()


def test_two_hundred_broken_starts_are_two_hundred_refusals(with_faults: Path, tmp_path: Path) -> None:
    """An exception of each kind at each point of a start, in each way to start."""
    script = tmp_path / "tell.py"
    script.write_text(TELL)
    refused, at = 0, 0
    while refused < 200:
        at += 1
        for kind in KINDS:
            mode = MODES[(at + refused) % len(MODES)]
            words = [str(script) if word == "SCRIPT" else word for word in mode[1:]]
            words += [TELL] if words[-1] == "-c" else []
            extra = {"FAULT_AT": str(at), "FAULT_KIND": kind}
            # -E and -I ignore PYTHON variables only.
            done = start(with_faults / mode[0], *words, cwd=tmp_path, **extra)
            if done.returncode == 0:
                # The start is over: nothing was injected any more.
                assert done.stdout == "linux-aarch64\n"
                assert at > 20, f"a start has only {at} points"
                at = 0
                break
            assert_refused(done, "crossenv: error: ")
            refused += 1


@pytest.mark.parametrize(
    "damage",
    ["no facts", "empty facts", "other facts", "cut facts", "bad code", "no module", "unreadable module", "bad module"],
)
def test_damage_is_refused(broken: Path, tmp_path: Path, damage: str) -> None:
    site = broken / "cross" / SITE
    package = site / "_crossenv"
    kept = tmp_path / "kept"
    shutil.copytree(package, kept, symlinks=True)
    try:
        facts, module = package / "facts.marshal", package / "__init__.py"
        if damage == "no facts":
            facts.unlink()
        elif damage == "empty facts":
            facts.write_bytes(b"")
        elif damage == "other facts":
            facts.write_bytes(b"{0")
        elif damage == "cut facts":
            facts.write_bytes(facts.read_bytes()[:100])
        elif damage == "bad code":
            for path in (package / "__pycache__").glob("__init__.*.pyc"):
                path.write_bytes(path.read_bytes()[:40])
        elif damage == "no module":
            shutil.rmtree(package)
        elif damage == "unreadable module":
            shutil.rmtree(package)
            package.write_text("")
        elif damage == "bad module":
            module.write_text("start = \n")
            shutil.rmtree(package / "__pycache__")
        for mode in ("bin/python", "cross/bin/python"):
            done = start(broken / mode, "-c", TELL)
            assert_refused(done, "crossenv: error: ")
    finally:
        shutil.rmtree(package, ignore_errors=True)
        package.unlink(missing_ok=True)
        shutil.copytree(kept, package, symlinks=True)


def test_a_module_of_the_same_name_is_refused(broken: Path, tmp_path: Path) -> None:
    """Earlier on PYTHONPATH it does no harm; loaded by an earlier start-up file it does."""
    (tmp_path / "_crossenv.py").write_text("def start(): pass\ndef start_from(directory): pass\n")
    done = start(broken / "bin/python", "-c", TELL, PYTHONPATH=str(tmp_path))
    assert done.stdout == "linux-aarch64\n"
    site = broken / "cross" / SITE
    line = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import _crossenv; sys.path.pop(0)\n"
    (site / "000_a.pth").write_text(line)
    try:
        assert_refused(start(broken / "bin/python", "-c", TELL), "crossenv: error: ")
    finally:
        (site / "000_a.pth").unlink()


def test_a_refusal_without_standard_error(broken: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(broken, moved, symlinks=True)
    for mode in ("bin/python", "cross/bin/python"):
        done = start("/bin/sh", "-c", f'exec "$0" -c "{TELL}" 2>&-', moved / mode)
        assert_refused(done)
    full = start("/bin/sh", "-c", f'exec "$0" -c "{TELL}" 2>/dev/full', moved / "bin/python")
    assert_refused(full)


def test_a_directory_with_letters_beyond_ascii(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path) -> None:
    env = tmp_path / "ü ber" / "env"
    crossenv("create", "--python", sys.executable, "--host-python", host_prefix, env)
    cases: tuple[dict[str, str], ...] = ({}, {"LC_ALL": "C", "PYTHONUTF8": "0"}, {"LC_ALL": "C.UTF-8"})
    for extra in cases:
        for mode in ("bin/python", "cross/bin/python"):
            done = start(env / mode, "-c", TELL, cwd=None, **extra)
            assert done.stdout == "linux-aarch64\n", done.stderr
        done = start(env / "bin/cross-pip", "debug", cwd=None, **extra)
        assert "linux_aarch64" in done.stdout, done.stderr


def test_commands_of_a_moved_environment(broken: Path, crossenv: CrossenvCommand, tmp_path: Path) -> None:
    """One line in place of the shell's."""
    moved = tmp_path / "moved"
    shutil.copytree(broken, moved, symlinks=True)
    here = broken.rename(tmp_path / "elsewhere")
    try:
        for name in ("cross-uv", "cross-expose", "build-python"):
            done = start(moved / "bin" / name, "--version")
            assert done.returncode == 2
            assert done.stderr.splitlines() == [
                f"crossenv: error: {broken}/build/bin/python is missing",
                "crossenv: hint: create the environment again: it was moved, or a Python that it needs was removed",
            ]
    finally:
        here.rename(broken)


@pytest.mark.parametrize("source", ["--python", "PIP_PYTHON", "pip.conf"])
def test_pip_is_not_led_to_another_interpreter(env: Path, tmp_path: Path, source: str) -> None:
    words: list[str] = ["wheel", "--no-deps", str(tmp_path)]
    extra: dict[str, str] = {}
    if source == "--python":
        words = ["--python", sys.executable, *words]
    elif source == "PIP_PYTHON":
        extra["PIP_PYTHON"] = sys.executable
    else:
        (tmp_path / "pip.conf").write_text(f"[global]\npython = {sys.executable}\n")
        extra["PIP_CONFIG_FILE"] = str(tmp_path / "pip.conf")
    done = start(env / "bin/cross-pip", *words, cwd=tmp_path, **extra)
    assert done.returncode == 2
    assert source in done.stderr and sys.executable in done.stderr
    # The environment's own may be named.
    own = start(env / "bin/cross-pip", "--python", env / "bin/python", "list")
    assert own.returncode == 0, own.stderr


def test_a_virtual_environment_made_from_ours_is_native(env: Path, tmp_path: Path, run: Run) -> None:
    done = start(env / "bin/python", "-m", "venv", tmp_path / "vv")
    assert done.returncode == 0
    assert "is an environment for this machine" in done.stderr
    assert run(tmp_path / "vv/bin/python", "-c", TELL) == f"{NATIVE}\n"
    assert "_crossenv" not in run(tmp_path / "vv/bin/python", "-c", "import sys; print(sorted(sys.modules))")
    assert not list((tmp_path / "vv").glob("lib/*/site-packages/*crossenv*"))


def test_the_targets_modules_and_libraries_are_named(env: Path, tmp_path: Path) -> None:
    suffix = start(env / "bin/python", "-c", "import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'))")
    (tmp_path / f"fast{suffix.stdout.strip()}").write_bytes(b"\x7fELF")
    done = start(env / "bin/python", "-c", "import fast", cwd=tmp_path)
    assert "ModuleNotFoundError" in done.stderr and "extension module for the target" in done.stderr
    assert "cross-run python" in done.stderr
    (tmp_path / "libx.so").write_bytes(b"\x7fELF")
    done = start(env / "bin/python", "-c", "import ctypes; ctypes.CDLL('./libx.so')", cwd=tmp_path)
    assert "libx.so cannot be loaded on this machine" in done.stderr
    done = start(env / "bin/python", "-c", "import nothing_of_the_kind", cwd=tmp_path)
    assert "No module named 'nothing_of_the_kind'" in done.stderr


def test_an_unknown_runner_of_back_ends_is_refused(env: Path, tmp_path: Path) -> None:
    """A front end that starts hooks in another way would build natively in an isolated environment."""
    extra = {"_PYPROJECT_HOOKS_BUILD_BACKEND": "setuptools.build_meta"}
    assert_refused(start(env / "bin/python", "-c", TELL, cwd=None, **extra), "in a way that crossenv does not know")
    code = "backend = None\nif backend: backend.build_wheel('x')"
    assert_refused(start(env / "bin/python", "-c", code), "in a way that crossenv does not know")

"""An interpreter of a cross environment answers for the target or ends: never silently native."""

from __future__ import annotations

import fcntl
import marshal
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
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
        list(map(str, words)), text=True, capture_output=True, check=False, cwd=cwd, env=environment, timeout=600,
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
            assert_refused(done)
            # An interrupt before the shim has begun ends Python itself.
            assert "crossenv: error: " in done.stderr or "Fatal Python error: init_import_site" in done.stderr
            refused += 1


def _write_facts(site: Path, change: Callable[[bytes], bytes]) -> None:
    path = site / "_crossenv/facts.marshal"
    path.write_bytes(change(path.read_bytes()))


def _without_fact(site: Path, name: str) -> None:
    facts = marshal.loads((site / "_crossenv/facts.marshal").read_bytes())
    del facts[name]
    _write_facts(site, lambda _data: marshal.dumps(facts))


def _damage(site: Path, damage: str) -> None:
    package, pth = site / "_crossenv", site / "000_crossenv.pth"
    name, _, rest = damage.partition(": ")
    if name == "facts":
        changes: dict[str, Callable[[bytes], bytes]] = {
            "empty": lambda _data: b"",
            "other bytes": lambda _data: b"{0",
            "cut off": lambda data: data[:100],
            "a later format": lambda data: b"\xff" + data,
            "a list": lambda _data: marshal.dumps([1]),
        }
        _write_facts(site, changes[rest])
    elif name == "no fact":
        _without_fact(site, rest)
    elif damage == "no facts":
        (package / "facts.marshal").unlink()
    elif damage == "no facts, and no module to refuse with":
        (package / "facts.marshal").unlink()
        (package / "refusal.py").unlink()
    elif damage == "bad byte code":
        for path in (package / "__pycache__").glob("__init__.*.pyc"):
            path.write_bytes(path.read_bytes()[:40])
        # -O has none of its own.
        (package / "__init__.py").unlink()
    elif damage == "bad module":
        (package / "__init__.py").write_text("start = \n")
    elif damage == "another module":
        (package / "__init__.py").write_text("def start(*words): pass\n")
    elif damage == "no module":
        shutil.rmtree(package)
    elif damage == "a file for a module":
        shutil.rmtree(package)
        package.write_text("")
    elif damage == "no start-up file":
        pth.unlink()
    elif damage == "an empty start-up file":
        pth.write_bytes(b"")
    elif damage == "a start-up file that is no text":
        pth.write_bytes(b"import \xff\n")


@pytest.mark.parametrize(
    "damage",
    [
        *("facts: empty", "facts: other bytes", "facts: cut off", "facts: a later format", "facts: a list", "no facts"),
        *(
            "no fact: root",
            "no fact: machine",
            "no fact: variables",
            "no fact: backends",
        ),
        *("bad byte code", "bad module", "another module", "no module", "a file for a module"),
        *("no start-up file", "an empty start-up file", "a start-up file that is no text"),
        "no facts, and no module to refuse with",
    ],
)
def test_damage_is_refused_in_every_start_mode(broken: Path, tmp_path: Path, damage: str) -> None:
    site, kept = broken / "cross" / SITE, tmp_path / "kept"
    script = tmp_path / "tell.py"
    script.write_text(TELL)
    shutil.copytree(site, kept, symlinks=True)
    try:
        _damage(site, damage)
        for mode in MODES:
            words = [str(script) if word == "SCRIPT" else word for word in mode[1:]]
            done = start(broken / mode[0], *words, *([TELL] if words[-1] == "-c" else []), cwd=tmp_path)
            # Where the start-up file cannot even be decoded, Python itself ends.
            assert_refused(done, "" if damage == "a start-up file that is no text" else "crossenv: error: ")
    finally:
        shutil.rmtree(site)
        shutil.copytree(kept, site, symlinks=True)


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


def test_a_refusal_into_a_full_pipe(broken: Path) -> None:
    facts = broken / "cross" / SITE / "_crossenv/facts.marshal"
    kept = facts.read_bytes()
    reader, writer = os.pipe()
    try:
        facts.write_bytes(b"")
        fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
        with pytest.raises(BlockingIOError):
            while os.write(writer, b"x" * 4096):
                pass
        done = subprocess.run([broken / "bin/python", "-c", TELL], stdout=subprocess.PIPE, stderr=writer, check=False)
        assert (done.returncode, done.stdout) == (1, b"")
    finally:
        facts.write_bytes(kept)
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize("name", [b"moved", "\u00fc moved".encode(), b"not \xff UTF-8"])
@pytest.mark.parametrize("side", ["", "cross"])
def test_what_was_moved_is_refused(broken: Path, tmp_path: Path, side: str, name: bytes) -> None:
    """The whole environment, and its host side alone, to places of every spelling."""
    source, moved = broken / side, tmp_path / os.fsdecode(name)
    source.rename(moved)
    try:
        for program in ("bin/python",) if side else ("bin/python", "cross/bin/python"):
            assert_refused(start(moved / program, "-c", TELL), "was created as")
            assert_refused(start(moved / program, "-c", TELL, LC_ALL="C", PYTHONUTF8="0"), "was created as")
            closed = start("/bin/sh", "-c", f'exec "$0" -c "{TELL}" 2>&-', moved / program)
            assert_refused(closed)
    finally:
        moved.rename(source)


def test_another_python_below_pip_is_left_alone(env: Path, tmp_path: Path) -> None:
    """pip's `sitecustomize` has every Python of whatever version run the start-up files of the host side."""
    foreign = tmp_path / "lib/python2.7/site-packages"
    shutil.copytree(env / "cross" / SITE, foreign, symlinks=True, ignore=shutil.ignore_patterns("pip*"))
    (foreign / "_crossenv/facts.marshal").unlink()
    code = f"import site; site.addsitedir({str(foreign)!r}); {TELL}"
    done = start(sys.executable, "-c", code)
    assert (done.stdout, done.stderr) == (f"{NATIVE}\n", "")


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


def test_the_configuration_is_in_the_encoding_of_the_process(
    crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path
) -> None:
    env = tmp_path / "\u00fc/env"
    crossenv("create", "--python", sys.executable, "--host-python", host_prefix, "--without-pip", env)
    code = (
        "import os, shlex, sysconfig as s;"
        " os.stat(s.get_path('include')); os.stat(shlex.split(s.get_config_var('CC'))[0])"
    )
    done = start(env / "bin/python", "-c", code, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 0, done.stderr


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
                f"crossenv: error: this environment was created as {broken} and has been moved or copied",
                "crossenv: hint: create it again where it is now",
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


@pytest.mark.parametrize("variable", ["PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__"])
def test_cross_pip_is_not_led_away_by_a_variable(env: Path, variable: str) -> None:
    done = start(env / "bin/cross-pip", "debug", cwd=None, **{variable: "/usr/bin/python3"})
    assert "linux_aarch64" in done.stdout, done.stderr

"""An environment takes the place of another at once, or not at all."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import CrossenvCommand
from crossenv import testing
from crossenv.environment.exchange import carry_out, is_interrupted, moves_in, scratch_in, staged, take_back
from crossenv.environment.plan import Options, make_plan
from crossenv.errors import UsageError
from crossenv.targets import parse_target
from makers import write

# Run in a process of its own, which ends at the rename of that number, as if killed.
KILLED = """
import os, sys
from pathlib import Path
import test_exchange
count, rename = int(sys.argv[2]), Path.rename
def killed(self, goal):
    global count
    if not count:
        os._exit(9)
    count -= 1
    return rename(self, goal)
Path.rename = killed
test_exchange.exchange(Path(sys.argv[1]))
"""


def tree(root: Path) -> dict[str, str]:
    """What is in a directory: contents of files and goals of links by path."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_dir():
            found[name] = "directory"
        else:
            found[name] = path.read_bytes().hex()
    return found


def old_and_new(root: Path) -> tuple[Path, Path]:
    """Two places with an old tree each."""
    place, other = root / "place", root / "other"
    for name in ("record", "bin/python", "cross/lib/shim/stale", "cross/lib/installed", "mine/file"):
        write(place / name, f"old {name}")
    (place / "link").symlink_to("bin")
    write(other / "tool", "somebody's")
    return other, place


def exchange(root: Path) -> None:
    """Replace both trees; `cross` and `mine` are kept."""
    other, place = root / "other", root / "place"
    with scratch_in(other), scratch_in(place):
        for name in ("record", "bin/python", "bin/pip", "cross/lib/shim/new", "cross/lib/own", "mine/new"):
            write(staged(place) / name, f"new {name}")
        write(staged(other) / "tool", "ours")
        moves = moves_in(other) + moves_in(
            place,
            removed=("bin", "link", "record"),
            whole=("cross/lib/shim",),
            last="record",
        )
        carry_out((other, place), moves)


NEW = {
    "record": "new record",
    "bin/python": "new bin/python",
    "bin/pip": "new bin/pip",
    "cross/lib/shim/new": "new cross/lib/shim/new",
    "cross/lib/own": "new cross/lib/own",
    "cross/lib/installed": "old cross/lib/installed",
    "mine/file": "old mine/file",
    "mine/new": "new mine/new",
}


def require_new(root: Path) -> None:
    found = tree(root / "place")
    assert {name: bytes.fromhex(text).decode() for name, text in found.items() if text != "directory"} == NEW
    assert (root / "other/tool").read_text() == "ours"


def test_kept_directories_are_merged_and_the_rest_is_replaced(tmp_path: Path) -> None:
    old_and_new(tmp_path)
    exchange(tmp_path)
    require_new(tmp_path)


def test_a_failure_at_any_rename_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each rename fails once."""
    rename, left = Path.rename, 0

    def failing(path: Path, goal: Path) -> Path:
        nonlocal left
        left -= 1
        if left == -1:
            raise OSError(28, "No space left on device")
        return rename(path, goal)

    monkeypatch.setattr(Path, "rename", failing)
    for number in range(100):
        root = tmp_path / str(number)
        left = -100
        old_and_new(root)
        before = tree(root)
        left = number
        try:
            exchange(root)
        except OSError:
            assert tree(root) == before, number
            continue
        require_new(root)
        assert number > 8
        return
    pytest.fail("the renames have no end")


def test_a_kill_at_any_rename_is_taken_back(tmp_path: Path) -> None:
    for number in range(100):
        root = tmp_path / str(number)
        old_and_new(root)
        before = tree(root)
        path = os.pathsep.join(filter(None, [str(Path(__file__).parent), *sys.path]))
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(root), str(number)], env={**os.environ, "PYTHONPATH": path}, check=False
        )
        assert done.returncode in (0, 9)
        assert is_interrupted(root / "place") == bool(done.returncode)
        # In whichever of the two the next creation begins.
        for name in ("place", "other") if number % 2 else ("other", "place"):
            take_back(root / name)
        if not done.returncode:
            require_new(root)
            assert number > 8
            return
        assert tree(root) == before, number
    pytest.fail("the renames have no end")


def test_files_of_somebody_else_are_not_replaced(tmp_path: Path) -> None:
    write(tmp_path / "bin/python", "theirs")
    with scratch_in(tmp_path):
        write(staged(tmp_path) / "bin/python", "ours")
        with pytest.raises(UsageError, match="bin/python is in the way"):
            moves_in(tmp_path, replace=False)
    assert tree(tmp_path) == {"bin": "directory", "bin/python": b"theirs".hex()}


# The command


@pytest.mark.parametrize(
    ("words", "variables"),
    [(("--cc", "no-such-gcc"), {}), ((), {"VIRTUALENV_PIP": "0.0.nonsense"})],
    ids=["no compiler", "no pip"],
)
def test_a_failing_clear_leaves_the_old_environment(
    crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path, words: tuple[str, ...], variables: dict[str, str]
) -> None:
    command = ("create", "--python", sys.executable, "--host-python", host_prefix, tmp_path / "env")
    crossenv(*command)
    write(tmp_path / "env/cross/lib/keepsake", "")
    before = tree(tmp_path)
    result = crossenv(*command, "--clear", *words, check=False, **variables)
    assert result.returncode
    assert "Traceback" not in result.stderr
    assert tree(tmp_path) == before
    assert crossenv("show", tmp_path / "env").returncode == 0


def test_a_failing_clear_leaves_a_host_side_elsewhere(
    crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path
) -> None:
    command = (
        *("create", "--python", sys.executable, "--host-python", host_prefix),
        *("--cross-prefix", tmp_path / "root/usr", tmp_path / "env"),
    )
    crossenv(*command)
    before = tree(tmp_path)
    assert crossenv(*command, "--clear", check=False, VIRTUALENV_PIP="0.0.nonsense").returncode
    assert tree(tmp_path) == before
    write(tmp_path / "root/usr/stale", "")
    crossenv(*command, "--clear")
    assert tree(tmp_path).keys() == before.keys()


def test_an_environment_beside_other_files(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path) -> None:
    """As with venv and crossenv 1; with `create`, it has to be asked for."""
    env = tmp_path / "env"
    write(env / "thesis.txt", "years")
    write(env / "bin/script", "mine")
    command = ("--python", sys.executable, "--host-python", host_prefix, env)
    refused = crossenv("create", *command, check=False)
    assert refused.returncode == 2
    assert "--allow-non-empty" in refused.stderr
    made = crossenv(host_prefix, env)
    assert "--allow-non-empty" in made.stderr
    assert json.loads((env / "crossenv.json").read_text())["found"] == ["bin", "thesis.txt"]
    write(env / "stray", "")
    crossenv("create", "--clear", *command)
    assert not (env / "stray").exists()
    crossenv("create", "--clear", *command)
    assert (env / "thesis.txt").read_text() == "years"
    assert (env / "bin/script").read_text() == "mine"
    assert crossenv("doctor", env, "--json", check=False).stdout.count('"fault": ""') >= 10


def test_a_file_in_the_way_is_named(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path) -> None:
    write(tmp_path / "env/bin/python", "mine")
    result = crossenv(host_prefix, tmp_path / "env", check=False)
    assert result.returncode == 2
    assert "env/bin/python is in the way" in result.stderr
    assert tree(tmp_path / "env") == {"bin": "directory", "bin/python": b"mine".hex()}


# The plan


def test_a_plan_neither_reads_nor_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = parse_target("aarch64")
    host = dataclasses.replace(
        testing._host_python(target, "3.11"),
        lib_dir=tmp_path / "lib",
        sysroot=tmp_path,
        config={"CFLAGS": "-O2 -I/usr/include/x -L /usr/lib", "LIBPL": "/usr/lib/config"},
    )
    parts = {"build": testing._build_python("3.11"), "host": host}

    def plan() -> object:
        toolchain = testing._toolchain(target)
        return make_plan(tmp_path / "env", **parts, toolchain=toolchain, options=Options(), target=target)  # type: ignore[arg-type]

    # What belongs to this tool, and to auditwheel, is read once.
    first = plan()
    asked = []
    for name in ("stat", "lstat", "scandir", "listdir", "readlink", "access", "mkdir"):
        original = getattr(os, name)

        def watched(path: object, *words: object, _original: object = original, **more: object) -> object:
            asked.append(str(path))
            return _original(path, *words, **more)  # type: ignore[operator]

        monkeypatch.setattr(os, name, watched)
    again = plan()
    monkeypatch.undo()
    own = str(Path(testing.__file__).parent)
    assert [path for path in asked if not path.startswith(own)] == []
    assert first == again


@pytest.mark.parametrize("kind", ["host", "dump"])
def test_a_dry_run_says_what_is_made(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path, kind: str) -> None:
    host = host_prefix
    if kind == "dump":
        words = ("--sysroot", str(host_prefix.parent)) if host_prefix.name == "usr" else ()
        crossenv("dump", "--host-python", host_prefix, *words, "-o", tmp_path / "dump.json")
        host = tmp_path / "dump.json"
    command = ("create", "--python", sys.executable, "--host-python", host, tmp_path / "env")
    plan = json.loads(crossenv(*command, "--dry-run", "--json").stdout)
    assert not (tmp_path / "env").exists()
    crossenv(*command)
    assert plan["record"] == json.loads((tmp_path / "env/crossenv.json").read_text())
    assert [name for name in plan["files"] if not (tmp_path / "env" / name).is_file()] == []
    shutil.rmtree(tmp_path / "env")

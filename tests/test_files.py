"""Locks, whole files, and JSON whose faults have a place."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from crossenv.codec import Node, WrongValueError, decode, encode
from crossenv.files import locked, write_file

HOLDER = """
import sys, time
from pathlib import Path
from crossenv.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@dataclass(frozen=True, kw_only=True)
class Inner:
    names: tuple[str, ...]
    pair: tuple[int, str]


@dataclass(frozen=True, kw_only=True)
class Outer:
    inner: Inner
    table: Mapping[str, int]
    maybe: str | None


def test_a_dataclass_survives_json(tmp_path: Path) -> None:
    value = Outer(inner=Inner(names=("a", "ü"), pair=(1, "x")), table={"k": 2}, maybe=None)
    write_file(tmp_path / "file", encode(value))
    assert decode(Outer, json.loads((tmp_path / "file").read_text(encoding="utf-8"))) == value


GOOD = {"inner": {"names": ["a"], "pair": [1, "x"]}, "table": {"k": 2}, "maybe": None}


@pytest.mark.parametrize(
    "change, says",
    [
        ({"inner": []}, "expected an object at 'inner'"),
        ({"inner": {"names": ["a", 3], "pair": [1, "x"]}}, r"expected str at 'inner.names\[1\]'"),
        ({"inner": {"names": [], "pair": [1]}}, "expected 2 values at 'inner.pair'"),
        ({"inner": {"names": []}}, "missing 'inner.pair'"),
        ({"table": {"k": True}}, "expected int at 'table.k'"),
        ({"maybe": 1}, "expected str at 'maybe'"),
    ],
)
def test_a_wrong_value_is_named_by_its_path(change: dict[str, object], says: str) -> None:
    with pytest.raises(WrongValueError, match=says):
        decode(Outer, {**GOOD, **change})


def test_a_missing_value_is_found_or_named() -> None:
    top = Node({"a": {"b": None}})
    assert top.find("a.b.c") is None
    with pytest.raises(WrongValueError, match=r"nothing at 'a\.c'"):
        top.at("a.c")
    with pytest.raises(WrongValueError, match="expected an object at the top"):
        Node([]).find("a")


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError), locked(tmp_path, wait=False):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with locked(tmp_path, wait=False):
        assert not any(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_stays_what_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(UnicodeEncodeError):
        write_file(path, "\ud800")
    directory = tmp_path / "directory"
    directory.mkdir()
    with pytest.raises(OSError):
        write_file(directory, "text")
    assert path.read_text(encoding="utf-8") == "old"
    assert sorted(os.listdir(tmp_path)) == ["directory", "file"]  # noqa: PTH208

"""Setup.py files that look for headers and libraries see the host's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from _crossenv.host_files import counterparts

HOST = "aarch64-linux-gnu"


@pytest.mark.parametrize(
    ("path", "root", "expected"),
    [
        ("/usr/include/zlib.h", "/s", ("/s/usr/include/zlib.h",)),
        ("/usr/local/include/a/b.h", "/s", ("/s/usr/local/include/a/b.h",)),
        ("/usr/include/zlib.h", None, ()),
        ("/usr/include/zlib.h", "", ("/usr/include/zlib.h",)),
        ("/usr/lib/libz.so", "/s", (f"/s/usr/lib/{HOST}/libz.so", "/s/usr/lib/libz.so")),
        ("/usr/lib/x86_64-linux-gnu/libz.a", "/s", (f"/s/usr/lib/{HOST}/libz.a",)),
        ("/usr/lib/x86_64-linux-gnu/libz.so", "", (f"/usr/lib/{HOST}/libz.so",)),
        ("/usr/lib/libz.so", "", (f"/usr/lib/{HOST}/libz.so",)),
        ("/lib64/libz.so", None, ()),
        ("/usr/lib/python3.11/os.py", "/s", None),
        ("/usr/lib/libreoffice/a.so", "/s", None),
        ("/usr/bin/libz.so", "/s", None),
        ("/home/usr/include/zlib.h", "/s", None),
    ],
)
def test_counterparts(path: str, root: str | None, expected: tuple[str, ...] | None) -> None:
    assert counterparts(path, root, HOST) == expected


def test_in_a_process_of_its_own(tmp_path: Path) -> None:
    """What is there here and not there for the host is not there; other files are as they are."""
    (tmp_path / "usr/include").mkdir(parents=True)
    (tmp_path / "usr/include/only_the_hosts.h").touch()
    code = """
import json, os, pathlib, sys
from _crossenv import host_files
before = os.path.exists("/usr/bin/env")
host_files.answer_for_host({"files_root": sys.argv[1], "multiarch": "aarch64-linux-gnu"})
print(json.dumps([
    os.path.isfile("/usr/include/only_the_hosts.h"), os.path.exists("/usr/include/stdio.h"),
    os.path.exists("/usr/include/../include/stdio.h"), os.path.exists(pathlib.Path("/usr/include/stdio.h")),
    os.path.exists("/usr/bin/env") == before, os.path.exists(b"/usr/bin") and os.path.isfile(0) in (True, False),
]))
"""
    runtime = Path(__file__).parent.parent / "src/crossenv/shim"
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(runtime)},
    )
    assert json.loads(done.stdout) == [True, False, False, False, True, True]

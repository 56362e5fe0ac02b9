"""Setup.py files that look for headers and libraries see the host's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from _crossenv import host_files
from _crossenv.host_files import Places

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
        ("/usr/include", "/s", ("/s/usr/include",)),
        ("/usr/include/x86_64-linux-gnu/a.h", "/s", (f"/s/usr/include/{HOST}/a.h",)),
        ("/usr/local/include/a.h", "", ()),
        ("/usr/lib/x86_64-linux-gnu/libz.so.1.2.13", "/s", (f"/s/usr/lib/{HOST}/libz.so.1.2.13",)),
        ("/usr/lib/x86_64-linux-gnu/pkgconfig/zlib.pc", "/s", (f"/s/usr/lib/{HOST}/pkgconfig/zlib.pc",)),
        ("/usr/lib/x86_64-linux-gnu", "/s", None),
        ("/usr/include/python3.11/Python.h", "/s", None),
    ],
)
def test_counterparts(path: str, root: str | None, expected: tuple[str, ...] | None) -> None:
    found = Places(root, HOST, own=("/usr/include/python3.11",)).of(path)
    assert (None if found is None else tuple(found)) == expected


def test_headers_of_the_compiler_come_first() -> None:
    """zig and Debian's cross gcc have headers of the C library and the kernel in directories of their own."""
    places = Places(None, HOST, headers=lambda: ["/z/arch", "/z/any"])
    assert places.of("/usr/include/linux/input.h") == ["/z/arch/linux/input.h", "/z/any/linux/input.h"]
    assert places.of("/usr/include/x86_64-linux-gnu/asm/a.h") == [
        *("/z/arch/asm/a.h", "/z/any/asm/a.h", f"/z/arch/{HOST}/asm/a.h", f"/z/any/{HOST}/asm/a.h")
    ]
    assert places.of("/usr/local/include/a.h") == []


# Every way in which Python asks for a file; each says whether it is there.
ASK = """
import ctypes.util, glob, io, json, os, pathlib, shutil, subprocess, sys, tempfile

if sys.argv[1:]:
    from _crossenv import host_files
    facts = {"root": "/env", "files_root": sys.argv[1], "multiarch": "aarch64-linux-gnu", "include_dirs": []}
    host_files.answer_for_host({**facts, "compiler": sys.argv[2]})

def tried(ask):
    try:
        return bool(ask())
    except OSError as error:
        assert error.filename is not None
        return False

def read(opener):
    with opener as file:
        return file.read()

def os_open(path):
    descriptor = os.open(path, os.O_RDONLY)
    os.close(descriptor)
    return True

def scanned(directory, name):
    with os.scandir(directory) as entries:
        return [entry for entry in entries if entry.name == name and entry.is_file()]

def ways(path):
    directory, name = os.path.split(path)
    p = pathlib.Path(path)
    return {
        "exists": tried(lambda: os.path.exists(path)), "isfile": tried(lambda: os.path.isfile(path)),
        "lexists": tried(lambda: os.path.lexists(path)), "bytes": tried(lambda: os.path.exists(os.fsencode(path))),
        "dots": tried(lambda: os.path.exists(directory + "/../" + os.path.basename(directory) + "/" + name)),
        "slashes": tried(lambda: os.path.exists("/" + path)),
        "stat": tried(lambda: os.stat(path)), "lstat": tried(lambda: os.lstat(path)),
        "getsize": tried(lambda: os.path.getsize(path)), "access": tried(lambda: os.access(path, os.R_OK)),
        "open": tried(lambda: read(open(path, errors="replace"))),
        "keyword": tried(lambda: read(open(file=path, mode="rb"))),
        "io.open": tried(lambda: read(io.open(path, "rb"))),
        "os.open": tried(lambda: os_open(path)), "Path.exists": tried(p.exists), "Path.is_file": tried(p.is_file),
        "Path.open": tried(lambda: read(p.open(errors="replace"))), "Path.read_bytes": tried(p.read_bytes),
        "Path.iterdir": tried(lambda: [entry for entry in p.parent.iterdir() if entry.name == name]),
        "Path.glob": tried(lambda: list(p.parent.glob(name[:-1] + "*"))),
        "Path.rglob": tried(lambda: list(p.parent.rglob(name))),
        "listdir": tried(lambda: name in os.listdir(directory)), "scandir": tried(lambda: scanned(directory, name)),
        "walk": tried(lambda: [name for _, _, files in os.walk(directory) if name in files]),
        "glob": tried(lambda: glob.glob(path[:-1] + "*")), "glob one": tried(lambda: glob.glob(path)),
        "copy": tried(lambda: shutil.copy(path, tempfile.mkdtemp())),
    }
"""


@pytest.fixture
def redirected(tmp_path: Path) -> tuple[str, str, dict[str, str]]:
    """A sysroot and a compiler with a directory of headers of its own, and what is needed to use the shim."""
    for name in ("usr/include/only_the_targets.h", "usr/include/sub/deep.h", f"usr/lib/{HOST}/libonly.so.3"):
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_text("the target's")
    (tmp_path / "own/linux").mkdir(parents=True)
    (tmp_path / "own/linux/input.h").write_text("the compiler's")
    compiler = tmp_path / "cc"
    search = f"#include <...> search starts here:\n {tmp_path}/own\n {tmp_path}/root/usr/include\nEnd of search list."
    compiler.write_text(f"#!/bin/sh\nprintf '%s\\n' '{search}' >&2\n")
    compiler.chmod(0o755)
    shim = Path(__file__).parent.parent / "src/crossenv/shim"
    return str(tmp_path / "root"), str(compiler), {"PYTHONPATH": str(shim), "PATH": "/usr/bin:/bin"}


def asked(code: str, *arguments: str, environment: dict[str, str]) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", ASK + code, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_way_of_asking_gets_the_same_answer(redirected: tuple[str, str, dict[str, str]]) -> None:
    root, compiler, environment = redirected
    code = "print(json.dumps([ways('/usr/include/only_the_targets.h'), ways('/usr/include/stdio.h')]))"
    there, not_there = asked(code, root, compiler, environment=environment)
    assert set(there.values()) == {True}, there
    # This machine's, which is not there for the target. Without a native compiler it is not there anyway.
    assert set(not_there.values()) == {False}, not_there


def hidden(code: str, root: str | None, compiler: str, environment: dict[str, str]) -> list[str]:
    """What standard error says of code in a process that is redirected to `root`."""
    answer = (
        "from _crossenv import host_files\n"
        f"facts = {{'root': '/env', 'files_root': {root!r}, 'multiarch': {HOST!r}, 'include_dirs': []}}\n"
        f"host_files.answer_for_host({{**facts, 'compiler': {compiler!r}}})\n"
    )
    words = [sys.executable, "-c", answer + code]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    return done.stderr.splitlines()


@pytest.mark.parametrize(
    "code",
    [
        "import shutil; shutil.copy(PATH, '.')",
        "open(PATH, 'rb')",
        "import io; io.open(PATH, 'rb')",
        "import os; os.open(PATH, os.O_RDONLY)",
        "import pathlib; pathlib.Path(PATH).read_bytes()",
    ],
)
def test_a_hidden_file_that_is_opened_is_named_once(redirected: tuple[str, str, dict[str, str]], code: str) -> None:
    root, compiler, environment = redirected
    library = next(iter(sorted(Path("/usr/lib").glob("*-linux-*/libc.so.6"))), None)
    if library is None:
        pytest.skip("this system has its C library elsewhere")
    code = code.replace("PATH", repr(str(library)))
    twice = f"try:\n    {code}\nexcept FileNotFoundError:\n    pass\n{code}"
    first, *others = hidden(twice, root, compiler, environment)
    assert first == (
        f"crossenv: warning: {library} is hidden: it is the build machine's; the target's would be"
        f" {root}/usr/lib/{HOST}/libc.so.6"
    )
    assert "FileNotFoundError" in others[-1]
    assert not [line for line in others if "is hidden" in line]
    first, *_ = hidden(twice, None, compiler, environment)
    assert first.endswith("there is no sysroot with the target's (crossenv create --sysroot DIR)")
    # One that is nowhere, and one that is only asked for.
    (*_, last) = lines = hidden(code.replace("libc.so.6", "libnosuch.so"), root, compiler, environment)
    assert "FileNotFoundError" in last
    assert "is hidden" not in " ".join(lines)
    assert hidden(f"import os; assert not os.path.exists({str(library)!r})", root, compiler, environment) == []


def test_files_that_are_not_redirected_are_as_they_were(redirected: tuple[str, str, dict[str, str]]) -> None:
    root, compiler, environment = redirected
    code = (
        "print(json.dumps([ways('/usr/bin/env'), os.path.isdir(b'/usr/bin'), os.listdir() == os.listdir('.'),\n"
        "    shutil.rmtree.avoids_symlink_attacks, os.stat in os.supports_dir_fd, os.path.isfile(0) in (True, False)]))"
    )
    plain = asked(code, environment=environment)
    assert asked(code, root, compiler, environment=environment) == plain
    assert plain[3:5] == [True, True]


def test_headers_of_the_compiler_itself_and_directories(redirected: tuple[str, str, dict[str, str]]) -> None:
    root, compiler, environment = redirected
    code = """
print(json.dumps([
    open("/usr/include/linux/input.h").read(), os.listdir("/usr/include/linux"), sorted(os.listdir("/usr/include")),
    os.path.isdir("/usr/include/sub"), sorted(glob.glob("/usr/include/s*/*.h")),
    [name for name in os.listdir("/usr/lib/x86_64-linux-gnu") if host_files.is_library(name)] if
        os.path.isdir("/usr/lib/x86_64-linux-gnu") else ["libonly.so.3"],
    ctypes.util.find_library("only"), ctypes.util.find_library("z"), ctypes.util.find_library("c"),
]))
"""
    code = "import ctypes.util\nfind = ctypes.util.find_library\n" + code
    code = "ctypes.util.find_library = lambda name: host_files.find_library(name, lambda name: 'libc.so.6')\n" + code
    header, listed, top, is_directory, globbed, libraries, only, z, libc = asked(
        code, root, compiler, environment=environment
    )
    assert header == "the compiler's"
    assert listed == ["input.h"]
    assert top == ["linux", "only_the_targets.h", "sub"]
    assert is_directory
    assert globbed == ["/usr/include/sub/deep.h"]
    assert libraries == ["libonly.so.3"]
    assert (only, z, libc) == ("libonly.so.3", None, "libc.so.6")


def test_nothing_is_written_into_the_sysroot(redirected: tuple[str, str, dict[str, str]], tmp_path: Path) -> None:
    root, compiler, environment = redirected
    code = """
for mode in ("w", "a", "r+", "x"):
    try:
        open("/usr/include/../include/no-such-directory/x.h", mode)
    except OSError:
        pass
print(json.dumps(sorted(str(p) for p in pathlib.Path(sys.argv[1]).rglob("*.h"))))
"""
    assert asked(code, root, compiler, environment=environment) == [
        f"{root}/usr/include/only_the_targets.h",
        f"{root}/usr/include/sub/deep.h",
    ]


def test_processes_that_a_hook_starts_see_the_same(env: Path, tmp_path: Path) -> None:
    """evdev generates code in a child; a native child sees this machine."""
    record = json.loads((env / "crossenv.json").read_text())
    code = (
        "import os, subprocess, sys\n"
        'ask = "import os; print(os.stat.__class__.__name__)"\n'
        f"for python in (sys.executable, '{env}/bin/build-python'):\n"
        "    subprocess.run([python, '-c', ask], check=True)\n"
        "subprocess.run([sys.executable, '-c', ask], check=True, env={**os.environ, 'CROSSENV_ROLE': 'build'})\n"
    )
    (tmp_path / "setup.py").write_text(code)
    words = [env / "bin/cross-python", tmp_path / "setup.py"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == ["_Asked", "builtin_function_or_method", "builtin_function_or_method"]
    plain: list[str | Path] = [env / "bin/cross-python", "-c", "import os; print(os.stat.__class__.__name__)"]
    assert subprocess.check_output(plain, text=True).strip() == "builtin_function_or_method"
    assert record["root"] == str(env)


def test_another_environments_answers_are_not_taken_over() -> None:
    """Where one environment's build starts one of another: its compiler looks elsewhere."""
    environ = {host_files.MARK: "/env\x1f/usr/aarch64-linux-gnu/include"}
    assert host_files.is_marked("/env", environ)
    assert not host_files.is_marked("/other", environ)
    assert not host_files.is_marked("/env", {})

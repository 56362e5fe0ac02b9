"""`crossenv wheel`: what is built, what is not built twice, what is left when something goes wrong."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import crossenv as crossenv_package
import projects
import wheels
from conftest import CrossenvCommand, Run
from crossenv.config import load_settings
from crossenv.errors import UsageError
from crossenv.farm import circumstances
from crossenv.farm.combinations import builds_of, places_for_targets
from crossenv.farm.complaint import complaint_of, hint_of, refusal_in
from crossenv.farm.model import BUILT, FAILED, Build, Destination, Python, Requirement, Result
from crossenv.farm.processes import Children, EndedError
from crossenv.farm.release import ONE_MACHINE, covering, covers, released, scope_of
from crossenv.farm.requirements import pinned, pip_variables, read_requirement, read_requirements_file, without_secrets
from crossenv.farm.scratch import workshop
from crossenv.farm.sources import digest_of
from crossenv.farm.store import DEFAULT_NAME, WheelDirectory
from crossenv.pythons.build_python import BuildPython
from crossenv.wheels.read_tags import PythonTag
from makers import X86_64, write
from terminals import on_terminal

# --- which combinations are built

HERE = Requirement(label="toy", line="toy", name="toy", open=True)
ARM = Destination(label="manylinux_2_28_aarch64", words=("--target", "manylinux_2_28_aarch64"))
MUSL = Destination(label="musllinux_1_2_x86_64", words=("--target", "musllinux_1_2_x86_64"))


def python(minor: int, flags: str = "") -> Python:
    return Python(tag=PythonTag(implementation="cp", version=(3, minor), abi="full", flags=flags), executable="")


def full(build: Build) -> str:
    return f"{build.python.label}-{build.python.label}-{build.destination.label}"


def simulated(builds: list[Build], tag_of: Callable[[Build], str | None], jobs: int = 100) -> list[list[Build]]:
    """The waves in which the builds would be done; None for a build that fails."""
    results: dict[Build, Result] = {}
    waves: list[list[Build]] = []
    while True:
        for build in builds:
            if build not in results and covering(build, results) is not None:
                results[build] = Result(status="covered")
        wave = released(builds, results, set())[:jobs]
        if not wave:
            assert results.keys() == set(builds)
            return waves
        waves.append(wave)
        for build in wave:
            tag = tag_of(build)
            results[build] = Result(status=FAILED) if tag is None else Result(status=BUILT, tags=(tag,))


PYTHONS = [python(13), python(11), python(12), python(13, "t")]


def matrix() -> list[Build]:
    return builds_of([HERE], [(one, place) for one in PYTHONS for place in (ARM, MUSL)])


def test_pythons_are_tried_in_rising_order() -> None:
    assert [build.python.label for build in matrix()[::2]] == ["cp311", "cp312", "cp313", "cp313t"]


def build_python(version: str) -> BuildPython:
    return BuildPython(
        executable=Path(f"/opt/python{version}"),
        prefix=Path("/opt"),
        stdlib=Path("/opt/lib"),
        implementation="cpython",
        version=version,
        full_version=f"{version}.1",
        abi_flags="",
        machine="x86_64",
    )


def test_a_target_with_one_python_is_built_for_it_beside_others() -> None:
    pythons = [build_python(version) for version in ("3.12", "3.13")]
    names = ["aarch64", "pyemscripten_2025_0_wasm32"]
    places = places_for_targets(names, [(one, free) for one in pythons for free in (False, True)])
    assert [one.label for one, place in places if "wasm32" in place.label] == ["cp313"]
    assert len(places) == 5
    with pytest.raises(UsageError, match=r"pyemscripten_2025_0_wasm32 has Python 3\.13 only"):
        places_for_targets(names, [(pythons[0], False), (pythons[1], True)])


def test_both_kinds_of_macs_are_one_destination() -> None:
    """Its parts have environments; they are no combinations of their own."""
    names = ["macosx_10_13_universal2", "macosx_14_0_universal2"]
    places = places_for_targets(names, [(build_python("3.13"), False)])
    assert [(place.label, place.words, [part.words[-1] for part in place.parts]) for _python, place in places] == [
        ("macosx_10_13_universal2", (), ["macosx_11_0_arm64", "macosx_10_13_x86_64"]),
        ("macosx_14_0_universal2", (), ["macosx_14_0_arm64", "macosx_14_0_x86_64"]),
    ]


def test_the_first_wheel_decides_whether_all_others_start_at_once() -> None:
    waves = simulated(matrix(), full)
    assert [len(wave) for wave in waves] == [1, 7]
    assert waves[0][0].python.label == "cp311"


def test_a_pure_wheel_is_built_once() -> None:
    assert [len(wave) for wave in simulated(matrix(), lambda _build: "py3-none-any")] == [1]


def test_a_pure_wheel_for_later_pythons_only() -> None:
    """The tag names the oldest Python that takes it."""
    waves = simulated(matrix(), lambda build: "py312-none-any" if build.python.tag.version > (3, 11) else full(build))
    assert [len(wave) for wave in waves] == [1, 7]


def test_abi3_is_built_once_for_each_target() -> None:
    """A free-threaded Python does not take it (PEP 803)."""

    def tag_of(build: Build) -> str:
        return full(build) if build.python.tag.flags else f"cp311-abi3-{build.destination.label}"

    built = [build for wave in simulated(matrix(), tag_of) for build in wave]
    assert [(build.python.label, build.destination) for build in built] == [
        ("cp311", ARM),
        ("cp311", MUSL),
        ("cp313t", ARM),
        ("cp313t", MUSL),
    ]


def test_abi3t_is_built_once_for_both_builds_of_a_python() -> None:
    """PEP 803: `cp315-abi3.abi3t` serves 3.15 and later, with the GIL and without; not 3.14."""
    pythons = [python(14), python(15), python(15, "t"), python(16), python(16, "t")]
    builds = builds_of([HERE], [(one, ARM) for one in pythons])
    stable = [f"cp315-{abi}-{ARM.label}" for abi in ("abi3", "abi3t")]
    served = {build.python.label for build in builds if covers(builds[1], stable, build)}
    assert served == {"cp315", "cp315t", "cp316", "cp316t"}
    assert {build.python.label for build in builds if covers(builds[1], stable[:1], build)} == {"cp315", "cp316"}
    assert scope_of(stable) == ONE_MACHINE


def test_a_failure_tells_nothing_of_the_others() -> None:
    """The lowest Python fails for one machine: there the next one is the first."""
    waves = simulated(
        matrix()[:6],
        lambda build: (
            None
            if (build.python.label, build.destination) == ("cp311", ARM)
            else f"{build.python.label}-abi3-{build.destination.label}"
        ),
    )
    assert [[(build.python.label, build.destination) for build in wave] for wave in waves] == [
        [("cp311", ARM)],
        [("cp311", MUSL), ("cp312", ARM)],
    ]


def test_everything_fails() -> None:
    assert sum(map(len, simulated(matrix(), lambda _build: None))) == 8


# --- requirements


def test_names_and_paths(tmp_path: Path) -> None:
    write(tmp_path / "toy/pyproject.toml", "")
    write(tmp_path / "toy-1.0.tar.gz", b"")
    assert read_requirement("MarkupSafe>=3", tmp_path) == Requirement(
        label="MarkupSafe>=3", line="MarkupSafe>=3", name="markupsafe", open=True
    )
    assert not read_requirement("markupsafe==3.0.2", tmp_path).open
    assert read_requirement("markupsafe==3.*", tmp_path).open
    assert read_requirement("./toy", tmp_path).path == tmp_path / "toy"
    # A plain word is a project, also where a directory has its name.
    assert read_requirement("toy", tmp_path).path is None
    sdist = read_requirement("toy-1.0.tar.gz", tmp_path)
    assert (sdist.path, sdist.name) == (tmp_path / "toy-1.0.tar.gz", "toy")
    address = read_requirement("git+https://example.invalid/toy.git", tmp_path)
    assert (address.label, address.path, address.open) == ("toy.git", None, False)
    assert not read_requirement("toy @ https://example.invalid/toy-1.tar.gz", tmp_path).open


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("./absent", "there is no "),
        ("./empty", "is not a source tree"),
        ("toy-1-py3-none-any.whl", "is built already"),
        ("./text.txt", "is not an sdist"),
        ("toy=1", "is not a requirement"),
    ],
)
def test_what_cannot_be_built_is_refused(tmp_path: Path, word: str, says: str) -> None:
    (tmp_path / "empty").mkdir()
    write(tmp_path / "toy-1-py3-none-any.whl", b"")
    write(tmp_path / "text.txt", b"")
    with pytest.raises(UsageError, match=says) as error:
        read_requirement(word, tmp_path)
    assert error.value.hint


def test_requirements_files(tmp_path: Path) -> None:
    write(tmp_path / "sub/toy/setup.py", "")
    write(
        tmp_path / "sub/all.txt",
        "# what we ship\n-r ../more.txt\n--find-links ./archives\n-i https://index.invalid/simple\n"
        "markupsafe == 3.0.2 \\\n    --hash=sha256:00 # pinned\n./toy\n",
    )
    write(tmp_path / "more.txt", "lz4>=4 ; python_version > '3.8'\n")
    (tmp_path / "sub/archives").mkdir()
    pin, tree, more = read_requirements_file(tmp_path / "sub/all.txt")
    assert pin.line == "markupsafe == 3.0.2  --hash=sha256:00"
    assert not pin.open
    assert pin.options == (f"--find-links {tmp_path}/sub/archives", "-i https://index.invalid/simple")
    assert tree.path == tmp_path / "sub/toy"
    assert (more.name, more.open, more.options) == ("lz4", True, ())
    assert pinned(more.line, "4.3.3") == 'lz4==4.3.3 ; python_version > "3.8"'
    write(tmp_path / "loop.txt", "-r loop.txt\n")
    with pytest.raises(UsageError, match="includes itself"):
        read_requirements_file(tmp_path / "loop.txt")
    write(tmp_path / "editable.txt", "-e ./sub/toy\n")
    with pytest.raises(UsageError, match="is editable"):
        read_requirements_file(tmp_path / "editable.txt")
    with pytest.raises(UsageError, match="cannot be read"):
        read_requirements_file(tmp_path / "absent.txt")


def test_a_version_in_place_of_specifiers() -> None:
    assert pinned("Toy[b,a]>1,!=1.5", "2.0") == "Toy[a,b]==2.0"
    assert pinned("toy --hash=sha256:00", "2") == "toy==2 --hash=sha256:00"


def test_options_become_variables() -> None:
    words = ["--index-url=https://a.invalid", "--extra-index-url", "https://b.invalid", "--no-binary", "x", "--pre"]
    assert pip_variables(words, ["--extra-index-url https://c.invalid", "-f 'a b'"]) == {
        "PIP_INDEX_URL": "https://a.invalid",
        "PIP_EXTRA_INDEX_URL": "https://c.invalid https://b.invalid",
        "PIP_FIND_LINKS": "a b",
        "PIP_PRE": "1",
    }
    assert without_secrets(["pip", "-i", "https://me:secret@a.invalid/x"]) == "pip -i https://a.invalid/x"


def test_settings(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[tool.crossenv]\ntargets = ['aarch64', 's390x']\npythons = ['3.11', '3.13']\n")
    found = load_settings({}, {}, tmp_path)
    assert found.lists["targets"] == ("aarch64", "s390x")
    assert found.lists["pythons"] == ("3.11", "3.13")
    # The nearer word wins whole, and one that names a host settles the other ways to name one.
    found = load_settings({"pythons": ["3.12"]}, {"CROSSENV_TARGETS": "x86_64, armv7l"}, tmp_path)
    assert (found.lists["targets"], found.lists["pythons"]) == (("x86_64", "armv7l"), ("3.12",))
    assert "targets" not in load_settings({"host-python": "/x"}, {}, tmp_path).lists
    assert "targets" not in load_settings({}, {"CROSSENV_TARGET": "x86_64"}, tmp_path).lists


# --- the wheel directory, and what surrounds it


def test_of_wheels_of_one_name_the_first_of_a_run_stays(tmp_path: Path) -> None:
    wheel = wheels.make_wheel(tmp_path)
    directory = WheelDirectory(tmp_path / "wheelhouse")
    directory.open()
    assert directory.place([wheel]) == (wheel.name,)
    place = tmp_path / "wheelhouse" / wheel.name
    content = place.read_bytes()
    wheel.write_bytes(b"other")
    assert directory.place([wheel]) == ()
    assert place.read_bytes() == content
    # A later run replaces it.
    assert WheelDirectory(tmp_path / "wheelhouse").place([wheel]) == (wheel.name,)
    assert place.read_bytes() == b"other"


def test_leftovers_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    write(tmp_path / "wheelhouse/.crossenv-part-toy.whl", b"half")
    WheelDirectory(tmp_path / "wheelhouse").open()
    assert list((tmp_path / "wheelhouse").iterdir()) == []
    write(tmp_path / "file", b"")
    with pytest.raises(UsageError, match="cannot be written"):
        WheelDirectory(tmp_path / "file/wheelhouse").open()

    left = tmp_path / "cache/run-left/x"
    left.mkdir(parents=True)
    with workshop(tmp_path / "cache", keep=False) as first:
        assert not left.exists()
        with workshop(tmp_path / "cache", keep=True) as second:
            assert first.is_dir()
    with workshop(tmp_path / "cache", keep=False):
        assert not first.exists()
        assert second.is_dir()


def test_the_digest_of_an_sdist_has_no_times(tmp_path: Path) -> None:
    def sdist(name: str, content: bytes, when: int) -> Path:
        with tarfile.open(tmp_path / name, "w:gz") as archive:
            info = tarfile.TarInfo("toy-1/toy.c")
            info.size, info.mtime = len(content), when
            archive.addfile(info, io.BytesIO(content))
        return tmp_path / name

    first = digest_of(sdist("a.tar.gz", b"int x;", 1))
    assert digest_of(sdist("b.tar.gz", b"int x;", 2)) == first
    assert digest_of(sdist("c.tar.gz", b"int y;", 1)) != first
    assert digest_of(write(tmp_path / "d.zip", b"PK")) != first


OUTPUT = """
Building wheel for toy (pyproject.toml): finished with status 'error'
  error: subprocess-exited-with-error
  x Building wheel for toy (pyproject.toml) did not run successfully.
  │ exit code: {code}
  ╰─> [12 lines of output]
      toy.c:1:10: fatal error: 'x.h' file not found
      {ours}
  ERROR: Failed building wheel for toy
ERROR: Failed to build one or more wheels
"""


def test_the_line_that_says_what_went_wrong() -> None:
    text = OUTPUT.format(code=1, ours="")
    assert complaint_of(text) == "toy.c:1:10: fatal error: 'x.h' file not found"
    assert hint_of(text) == ""
    text = OUTPUT.format(code=7, ours="crossenv: error: it is native\n      crossenv: hint: mend it")
    assert (complaint_of(text), hint_of(text)) == ("it is native", "mend it")
    assert complaint_of("ERROR: No matching distribution found for x\n").endswith("found for x")
    assert complaint_of("crossenv: warning: toy failed: RuntimeError: no") == "toy failed: RuntimeError: no"
    assert complaint_of("") == "no output"


def test_the_judges_answers_tell_a_refusal(tmp_path: Path) -> None:
    """Whatever pip prints: its words for an exit status are its own."""
    sealed = {
        "format": 2,
        "verdict": "sealed",
        "wheel": "/w/a.whl",
        "faults": [],
        "refusal": "",
        "hint": "",
        "notes": [],
    }
    fault = {"id": "machine", "path": "b.so", "message": "is for x86-64"}
    refused = {**sealed, "verdict": "refused", "wheel": "/w/b.whl", "faults": [fault], "hint": "mend it"}
    assert refusal_in(tmp_path) is None
    (tmp_path / "a.whl.json").write_text(json.dumps(sealed))
    (tmp_path / "c.whl.json").write_text("{")
    (tmp_path / "d.whl.json").write_text(json.dumps({**refused, "format": 1}))
    assert refusal_in(tmp_path) is None
    (tmp_path / "b.whl.json").write_text(json.dumps(refused))
    assert refusal_in(tmp_path) == ("b.whl: b.so is for x86-64", "mend it")


def test_a_probe_that_fails_is_no_reason() -> None:
    text = "_configtest.c:2:2: error: not MSVC\nx.c:6:10: fatal error: 'ffi.h' file not found\n"
    assert complaint_of(text) == "x.c:6:10: fatal error: 'ffi.h' file not found"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("meson.build:3: ERROR: Can not run test applications in this cross environment.", "--emulator lets it"),
        ("An exe_wrapper is needed but was not found. Please define one in cross file", "--emulator lets it"),
        ("/bin/sh: 1: gen: not found", "if gen is compiled by this build, --emulator lets it run"),
        ("/bin/sh: gen: not found", "if gen is compiled by this build, --emulator lets it run"),
        ('error: unable to find dynamic system library "python3.11" using strategy', "has no libpython3.11 here"),
        ("/usr/bin/ld: cannot find -lpython3.12: No such file or directory", "has no libpython3.12 here"),
        ("toy.c:1:10: fatal error: 'atlbase.h' file not found", "atlbase.h belongs to Microsoft's class libraries"),
        ("toy.cpp:1:10: fatal error: 'afxwin.h' file not found", "afxwin.h belongs to Microsoft's class libraries"),
        ("toy.cpp:1:10: fatal error: 'winrt/base.h' file not found", "winrt/base.h comes with Visual Studio"),
        ("x.c:1:10: fatal error: 'CoreFoundation/CoreFoundation.h' file not found", "is a part of Apple's SDK: name"),
        ("x.c:1:10: fatal error: 'SystemConfiguration/SCNetwork.h' file not found", "is a part of Apple's SDK: name"),
        ("x.c:1:10: fatal error: 'netinet/tcp_fsm.h' file not found", "netinet/tcp_fsm.h is a part of Apple's SDK"),
        ("x.c:1:10: fatal error: 'Core/x.h' file not found", ""),
        ("error: unknown file type '.asm' (from 'x.asm')", "Microsoft's assembler (MASM) runs on Windows alone"),
        ("meson.build:1:0: ERROR: Unknown compiler(s): [['ml64'], ['ml']]", "Microsoft's assembler (MASM)"),
        ("No CMAKE_ASM_MASM_COMPILER could be found.", "Microsoft's assembler (MASM)"),
        ("error: linker `cc` not found", "is compiled for this machine, which has no compiler"),
        ('error occurred in cc-rs: failed to find tool "cc": No such file', "is compiled for this machine"),
        ("../meson.build:1:0: ERROR: Unknown compiler(s): [['cc'], ['gcc']]", "is compiled for this machine"),
        ("error: linker `aarch64-linux-gnu-clang` not found", ""),
        ("toy.c:1:10: fatal error: 'atlas.h' file not found", ""),
        ("toy.c:1: error: expected ';'", ""),
    ],
)
def test_messages_of_other_tools_get_a_hint(line: str, hint: str) -> None:
    text = OUTPUT.format(code=1, ours=line).replace("toy.c:1:10: fatal error: 'x.h' file not found", "")
    assert complaint_of(text) == line
    found = hint_of(text)
    assert hint in found
    assert bool(hint) == bool(found)
    assert hint_of(f"{line}\ncrossenv: error: it is native\ncrossenv: hint: mend it") == "mend it"


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (
            "NameResolutionError(\"HTTPSConnection(host='pypi.org', port=443): Failed to resolve 'pypi.org'"
            ' ([Errno -3] Temporary failure in name resolution)")',
            "pypi.org cannot be reached (Temporary failure in name resolution)",
        ),
        (
            "NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f1>: Failed to establish"
            " a new connection: [Errno 101] Network is unreachable')",
            "the package index cannot be reached (Network is unreachable)",
        ),
        (
            "ReadTimeoutError(\"HTTPSConnectionPool(host='pypi.org', port=443): Read timed out. (read timeout=15)\")",
            "pypi.org cannot be reached (timed out)",
        ),
        ("ProtocolError('Connection aborted.')", "the package index cannot be reached"),
    ],
)
def test_an_index_that_cannot_be_reached_is_named(said: str, complaint: str) -> None:
    """pip says that it found no version, and before that an object of urllib3's as Python shows it."""
    text = (
        "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection"
        f" broken by '{said}': /simple/x/\nERROR: Could not find a version that satisfies x (from versions:"
        " none)\ncrossenv: hint: an index could not be reached, as the warnings say; name another\n"
        "ERROR: No matching distribution found for x\n"
    )
    assert complaint_of(text) == complaint
    assert hint_of(text).startswith("an index could not be reached")
    assert "cannot be reached" not in complaint_of(text.replace("No matching distribution found", "built"))


def test_what_the_machine_lacked_is_the_reason() -> None:
    """pip, zig and others have their own words around it."""
    text = OUTPUT.format(
        code=1, ours="ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    )
    assert complaint_of(text) == "no space left on device"
    assert hint_of(text).startswith("make room on that disk")
    assert (
        complaint_of("x.c:1:1: error: cannot open file 'stdio.h': No file descriptors available")
        == "too many open files"
    )


def test_children_are_ended_with_theirs(tmp_path: Path) -> None:
    children = Children(grace=0.2)
    script = "sleep 60 & echo $! > pid; trap '' TERM; wait; sleep 60"
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(children.run, ["sh", "-c", script], tmp_path / "log", os.environ, tmp_path)
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
            time.sleep(0.01)
        children.end()
        with pytest.raises(EndedError):
            running.result()
    with pytest.raises(EndedError):
        children.run(["true"], tmp_path / "log", os.environ)
    assert not is_running(int((tmp_path / "pid").read_text()))


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# --- the command, with a compiler and hosts that are made up


BACKEND = '''
"""A back end that asks for nothing: it packs what is in `payload`, tagged as `tag` says."""
import base64, hashlib, json, os, pathlib, sysconfig, tarfile, time, zipfile

def build_sdist(sdist_directory, config_settings=None):
    if pathlib.Path("tag").read_text() == "slow":
        # Longer than a terminal's lines stay as they are.
        time.sleep(1.1)
    pathlib.Path(sdist_directory, "settings").write_text(json.dumps(config_settings))
    with tarfile.open(pathlib.Path(sdist_directory, f"{NAME}-{VERSION}.tar.gz"), "w:gz") as archive:
        for name in ("pyproject.toml", "tools/backend.py", "payload", "tag"):
            archive.add(name, f"{NAME}-{VERSION}/{name}")
        archive.add(pathlib.Path(sdist_directory, "settings"), f"{NAME}-{VERSION}/sdist-settings")
    pathlib.Path(sdist_directory, "settings").unlink()
    return f"{NAME}-{VERSION}.tar.gz"

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    for name in REQUIRED:
        __import__(name)
    platform = sysconfig.get_platform().replace("-", "_")
    python = "cp" + sysconfig.get_config_var("py_version_nodot")
    tag = pathlib.Path("tag").read_text().format(platform=platform, python=python)
    if tag == "fail":
        print("toy.c:1:10: fatal error: toy.h: No such file")
        raise SystemExit(1)
    if tag == "slow":
        print("compiling 1 of 2", flush=True)
        time.sleep(1.1)
        print("compiling 2 of 2", flush=True)
        tag = "py3-none-any"
    if tag == "wait":
        pathlib.Path(os.environ["TOY_PID"]).write_text(str(os.getpid()))
        time.sleep(120)
    files = {f"{NAME}/__init__.py": b"", f"{NAME}/settings": json.dumps(config_settings).encode()}
    said = pathlib.Path("sdist-settings")
    files[f"{NAME}/sdist-settings"] = said.read_bytes() if said.exists() else b"null"
    files[f"{NAME}/jobs"] = json.dumps({name: os.environ.get(name) for name in JOBS}).encode()
    if not tag.endswith("any"):
        files[f"{NAME}/_toy" + sysconfig.get_config_var("EXT_SUFFIX")] = pathlib.Path("payload").read_bytes()
    info = f"{NAME}-{VERSION}.dist-info"
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\\nName: {NAME}\\nVersion: {VERSION}\\n".encode()
    pure = str(tag.endswith("any")).lower()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\\nGenerator: toy\\nRoot-Is-Purelib: {pure}\\nTag: {tag}\\n".encode()
    rows = []
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},{len(data)}\\n")
    files[f"{info}/RECORD"] = ("".join(rows) + f"{info}/RECORD,,\\n").encode()
    with zipfile.ZipFile(pathlib.Path(wheel_directory, f"{NAME}-{VERSION}-{tag}.whl"), "w") as wheel:
        for name, data in files.items():
            wheel.writestr(name, data)
    return f"{NAME}-{VERSION}-{tag}.whl"
'''
JOBS = ("CMAKE_BUILD_PARALLEL_LEVEL", "CARGO_BUILD_JOBS")
PROGRAM = f"python{sys.version_info[0]}.{sys.version_info[1]}"
FULL = "{python}-{python}-{platform}"


def project(
    directory: Path,
    name: str,
    tag: str,
    payload: bytes | None = None,
    *,
    version: str = "1",
    requires: tuple[str, ...] = (),
) -> Path:
    projects.write(
        directory / name,
        {
            "pyproject.toml": f"[build-system]\nrequires = {list(requires)}\n"
            'build-backend = "backend"\nbackend-path = ["tools"]\n',
            "tools/backend.py": f"NAME, VERSION, JOBS, REQUIRED = {(name, version, JOBS, requires)!r}\n{BACKEND}",
            "tag": tag,
        },
    )
    (directory / name / "payload").write_bytes(wheels.extension() if payload is None else payload)
    return directory / name


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    """Variables that keep a run below the test's directory."""
    return {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PIP_NO_INDEX": "1"}


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {Path(row["requirement"]).name: row["status"] for row in report["builds"]}


def test_one_command(crossenv: CrossenvCommand, host_prefix: Path, places: dict[str, str], tmp_path: Path) -> None:
    """Good and bad ones together: each has its own end, and what is right is not done twice."""
    trees = {
        "native": project(tmp_path, "native", FULL),
        "pure": project(tmp_path, "pure", "py3-none-any"),
        "broken": project(tmp_path, "broken", "fail"),
        "foreign": project(tmp_path, "foreign", FULL, wheels.extension(identity=X86_64)),
    }
    words: list[str | Path] = ["wheel", "-w", tmp_path / "out", "--host-python", host_prefix]

    def run(*more: str | Path) -> tuple[int, dict[str, Any]]:
        done = crossenv(*words, "--json", *more, check=False, **places)
        return done.returncode, json.loads(done.stdout)

    status, report = run("-j2", "--log-dir", tmp_path / "logs", *trees.values())
    assert statuses(report) == {"native": "built", "pure": "built", "broken": "failed", "foreign": "refused"}
    assert (status, report["passed"], report["exit_code"]) == (6, False, 6)
    assert sorted(path.name for path in (tmp_path / "out").glob("*")) == sorted([*report["wheels"], DEFAULT_NAME])
    assert {name.split("-")[0] for name in report["wheels"]} == {"native", "pure"}
    failed, refused = report["builds"][2:]
    assert failed["error"] == "toy.c:1:10: fatal error: toy.h: No such file"
    assert failed["error"] in Path(failed["log"]).read_text()
    assert "x86-64" in refused["error"]
    assert refused["error"].count("refused") == 0
    # The environment that it names is gone.
    assert "crossenv doctor" not in refused["hint"] or "(--keep-environments" in refused["hint"]
    # Nothing is left of the environments, and the trees are as they were.
    assert list((tmp_path / "cache/crossenv/wheel").glob("run-*")) == []
    assert sorted(path.name for path in trees["native"].iterdir()) == ["payload", "pyproject.toml", "tag", "tools"]

    # Other sources of the same version are another wheel.
    with (trees["native"] / "payload").open("ab") as file:
        file.write(b"more")
    assert statuses(run(trees["native"], trees["pure"])[1]) == {"native": "built", "pure": "kept"}

    more: list[str | Path] = ["--fail-fast", "--keep-environments", "-j1", trees["foreign"], trees["broken"]]
    done = crossenv(*words, *more, "--", "--no-clean", check=False, **places)
    assert done.returncode == 7
    assert [line.split()[3] for line in done.stdout.splitlines() if " linux_aarch64 " in line] == [
        "refused:",
        "stopped",
    ]
    log = Path(done.stdout.partition("    log: ")[2].splitlines()[0])
    # What stood after -- reached pip.
    assert "--no-clean" in log.read_text().splitlines()[0]
    (environment,) = Path(done.stderr.splitlines()[-1].partition("are in ")[2]).iterdir()
    assert "linux_aarch64" in crossenv("show", environment).stdout


def sdist(directory: Path, name: str, version: str, *, requires: tuple[str, ...] = ()) -> Path:
    """An sdist of a pure project, in `directory`."""
    with tempfile.TemporaryDirectory() as scratch:
        tree = project(Path(scratch), name, "py3-none-any", version=version, requires=requires)
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{name}-{version}.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            archive.add(tree, f"{name}-{version}")
    return path


def index(directory: Path, *sdists: Path) -> str:
    """The address of an index (PEP 503) with these sdists."""
    for one in sdists:
        name = one.name.partition("-")[0]
        write(directory / name / "index.html", f'<a href="{one.as_uri()}">{one.name}</a>')
    return directory.as_uri()


def member(wheel_directory: Path, wheel: str, name: str) -> Any:
    """A JSON file of a wheel's package."""
    path = wheel_directory / wheel
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(f"{wheel.partition('-')[0]}/{name}"))


def try_every_option_of_pip(run: Callable[..., dict[str, Any]], tmp_path: Path, *, modern: bool) -> None:
    """Each option that we hand on to pip shows in what is built.

    Args:
        run: `crossenv wheel` with these options, in `tmp_path`; its report.
        tmp_path: Where everything is.
        modern: Whether pip takes settings for one line of a file, and several of one name (pip 23.1).
    """
    links, out = tmp_path / "links", tmp_path / "out"
    for version in ("1", "2", "3a1"):
        sdist(links, "alpha", version)
    sdist(links, "beta", "1")
    sdist(links, "beta", "2")
    gamma = sdist(links, "gamma", "1")
    sdist(links, "helper", "1")
    sdist(links, "needy", "1", requires=("helper",))
    write(tmp_path / "constraints.txt", "beta<2\n")
    digest = hashlib.sha256(gamma.read_bytes()).hexdigest()
    write(tmp_path / "all.txt", f"gamma==1 --hash=sha256:{digest}\n")
    tree = project(tmp_path, "delta", "py3-none-any")

    # Relative paths are relative to where the command is given.
    words = ["--no-index", "--find-links", "links", "--pre", "--constraint", "constraints.txt"]
    settings = ["-C", "a=1", "-C", "a=2", "--config-settings", "b=x #y ${HOME}", "--", "--config-settings=c=3"]
    files = ["-r", "all.txt"] if modern else []
    report = run(*words, "alpha", "beta", "./delta", *files, *settings)
    names = ["alpha-3a1", "beta-1", "delta-1", *(["gamma-1"] if modern else [])]
    assert report["wheels"] == [f"{name}-py3-none-any.whl" for name in names]
    # A number sign and a dollar mean something else on the line of a file.
    said = {"a": ["1", "2"], "b": "x #y ${HOME}", "c": "3"}
    for wheel in report["wheels"]:
        assert member(out, wheel, "settings") == (said if modern else {**said, "a": "2"})
    assert member(out, report["wheels"][2], "sdist-settings") == said

    # Without them it is another wheel, from the same sources.
    report = run("--no-index", "--find-links", "links", "alpha", tree)
    assert report["wheels"] == ["alpha-2-py3-none-any.whl", "delta-1-py3-none-any.whl"]
    assert [row["status"] for row in report["builds"]] == ["built", "built"]
    assert member(out, report["wheels"][1], "settings") is None

    first, second = sdist(tmp_path / "first", "epsilon", "1"), sdist(tmp_path / "second", "zeta", "1")
    indexes = ["-i", index(tmp_path / "index", first), "--extra-index-url", index(tmp_path / "more", second)]
    report = run(*indexes, "epsilon", "zeta")
    assert report["wheels"] == ["epsilon-1-py3-none-any.whl", "zeta-1-py3-none-any.whl"]

    # A wheel that is there is taken or built, as the options say; without isolation there is what was installed.
    ready = Path(shutil.copy(out / "delta-1-py3-none-any.whl", links))
    words = ["--no-index", "--find-links", "links"]
    sdist(links, "delta", "1")
    run(*words, "delta", "--only-binary", "delta", "-C", "d=1")
    assert (out / ready.name).read_bytes() == ready.read_bytes()
    run(*words, "delta", "--no-binary", "delta", "-C", "d=1")
    assert member(out, ready.name, "settings") == {"d": "1"}
    failed = run("--no-index", "needy", "--find-links", links, "--no-build-isolation", check=False)
    assert failed["exit_code"] == 6
    run("--no-index", "needy", "--find-links", links, "--no-build-isolation", "--build-install", "helper")


def test_every_option_of_pip_arrives(
    crossenv: CrossenvCommand, host_prefix: Path, places: dict[str, str], tmp_path: Path
) -> None:
    run = in_directory(crossenv, host_prefix, tmp_path, {**places, "PIP_NO_INDEX": "", "PIP_FIND_LINKS": ""})
    try_every_option_of_pip(run, tmp_path, modern=True)


def test_only_what_is_new(crossenv: CrossenvCommand, host_prefix: Path, places: dict[str, str], tmp_path: Path) -> None:
    """Newer versions are built, what is there is kept, and what failed is skipped until something changes."""
    run = in_directory(crossenv, host_prefix, tmp_path, {**places, "PIP_FIND_LINKS": str(tmp_path / "links")})
    links = tmp_path / "links"
    for name in ("alpha", "beta", "gamma"):
        sdist(links, name, "1")
    write(tmp_path / "packages.txt", "alpha\nbeta<2\ngamma\nomega\n")
    write(tmp_path / "constraints.txt", "gamma<2\n")
    broken = sdist(links, "omega", "1", requires=("nothing-has-this-name",))
    words = ["-r", "packages.txt", "-c", "constraints.txt"]
    assert statuses(run(*words, check=False)) == {
        "alpha": "built", "beta<2": "built", "gamma": "built", "omega": "failed",
    }  # fmt: skip

    # Without --only-new nobody asks the index, and what failed is tried again.
    for name in ("alpha", "beta", "gamma"):
        sdist(links, name, "2")
    again = run(*words, check=False)
    assert again["wheels"] == [f"{name}-1-py3-none-any.whl" for name in ("alpha", "beta", "gamma")]
    assert "skipped" not in again["builds"][3]["error"]

    report = run(*words, "--only-new", check=False)
    assert report["wheels"] == ["alpha-2-py3-none-any.whl", "beta-1-py3-none-any.whl", "gamma-1-py3-none-any.whl"]
    assert [row["status"] for row in report["builds"]] == ["built", "kept", "kept", "failed"]
    report = run(*words, "--only-new", check=False)
    assert [row["status"] for row in report["builds"]] == ["kept", "kept", "kept", "failed"]
    assert report["exit_code"] == 6
    assert re.match(r"skipped, it failed on \d{4}-\d\d-\d\d: ", report["builds"][3]["error"])
    assert "nothing-has-this-name" in report["builds"][3]["error"]

    # A new version of it may be better.
    broken.unlink()
    sdist(links, "omega", "2")
    assert statuses(run(*words, "--only-new"))["omega"] == "built"
    assert list((tmp_path / "out" / DEFAULT_NAME / "failures").iterdir()) == []
    # An index that does not answer takes nothing away.
    report = run(*words, "--only-new", "--find-links", tmp_path / "empty")
    assert "alpha-2-py3-none-any.whl" in report["wheels"]


@pytest.mark.integration
@pytest.mark.parametrize("pip", ["23.0", "23.1.2"])
def test_every_option_arrives_with_an_old_pip(
    crossenv: CrossenvCommand, host_prefix: Path, places: dict[str, str], tmp_path: Path, run: Run, pip: str
) -> None:
    """The oldest pip that can make environments here, and the oldest with settings in requirements files."""
    if sys.version_info >= (3, 12):
        pytest.skip("these versions of pip do not run on this Python")
    words = ["download", "--no-deps", "--no-build-isolation", "-d", tmp_path / "pip", f"pip=={pip}"]
    run(sys.executable, "-m", "pip", *words)
    seed = {"VIRTUALENV_PIP": pip, "VIRTUALENV_EXTRA_SEARCH_DIR": str(tmp_path / "pip")}
    variables = {**places, "PIP_NO_INDEX": "", "PIP_FIND_LINKS": "", **seed}
    wheel = in_directory(crossenv, host_prefix, tmp_path, variables)
    try_every_option_of_pip(wheel, tmp_path, modern=pip != "23.0")
    wheel("--keep-environments", "./delta", "--rebuild")
    (root,) = (tmp_path / "cache/crossenv/wheel").glob("run-*/environments/*")
    assert f"pip {pip} " in run(root / "bin/cross-pip", "--version")


def in_directory(
    crossenv: CrossenvCommand, host: Path, directory: Path, variables: dict[str, str]
) -> Callable[..., dict[str, Any]]:
    """`crossenv wheel` in a directory, with a relative path of the host Python; its report."""
    relative = os.path.relpath(host, directory)

    def run(*words: str | Path, check: bool = True) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "crossenv", "wheel", "--json", "-w", "out", "--log-dir", "logs",
             "--host-python", relative, *map(str, words)],
            cwd=directory,
            env={**os.environ, "PATH": crossenv.path, **variables},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        assert done.stdout, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        assert report["passed"] or not check, report
        return report

    return run


def test_a_wheel_is_kept_as_long_as_the_same_would_be_built(
    crossenv: CrossenvCommand, host_prefix: Path, places: dict[str, str], tmp_path: Path
) -> None:
    """With other compilers, variables or another crossenv it is built again."""
    tools = tmp_path / "tools"
    shutil.copytree(crossenv.path.partition(os.pathsep)[0], tools, symlinks=True)
    tree = project(tmp_path, "toy", FULL)
    variables = {**places, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}

    def status(**more: str) -> str:
        run = in_directory(crossenv, host_prefix, tmp_path, {**variables, **more})
        (row,) = run(tree)["builds"]
        return str(row["status"])

    assert status() == "built"
    assert status(GITHUB_RUN_ID="2", TERM="vt100") == "kept"
    assert status(CFLAGS="-O3") == "built"
    variables["CFLAGS"] = "-O3"
    (compiler,) = tools.glob("*-gcc")
    program = compiler.resolve()
    program.write_bytes(program.read_bytes() + b"\n")
    assert status() == "built"
    shutil.copytree(Path(crossenv_package.__file__).parent, tmp_path / "later/crossenv")
    with (tmp_path / "later/crossenv/__init__.py").open("a") as file:
        file.write('__version__ = "99"\n')
    assert status(PYTHONPATH=str(tmp_path / "later")) == "built"


def test_what_else_shapes_a_wheel(tmp_path: Path) -> None:
    constraints = write(tmp_path / "constraints.txt", "other<2\n")
    settings = write(tmp_path / "home/.config/pip/pip.conf", "[global]\n")
    programs = tmp_path / "bin"
    cmake = write(programs / "cmake", "#!/bin/sh\n", mode=0o755)
    environ = {"PATH": str(programs), "HOME": str(tmp_path / "home"), "PIP_CONSTRAINT": ""}

    def digest(*words: str, **more: str) -> str:
        return circumstances.digest_of(words, {**environ, **more})

    first = digest(f"--constraint={constraints}")
    assert digest(f"--constraint={constraints}", TERM="vt100", GITHUB_SHA="1", XDG_SESSION_ID="3") == first
    assert digest(f"--constraint={constraints}", SOURCE_DATE_EPOCH="1") != first
    assert digest() != first
    named = digest(PIP_CONSTRAINT=str(constraints))
    lines = digest(f"-c '{constraints}'")
    write(constraints, "other<3\n")
    assert digest(f"--constraint={constraints}") != first
    assert digest(PIP_CONSTRAINT=str(constraints)) != named
    assert digest(f"-c '{constraints}'") != lines
    # What could never name a file is a word like any other.
    assert digest("-C", "x" * 5000, "~nobody-of-this-name/x", "it's") != digest("-C", "y")
    before = digest()
    write(settings, "[global]\npre = true\n")
    after = digest()
    assert after != before
    cmake.write_text("#!/bin/bash\n")
    assert digest() != after


def test_a_wheel_that_nothing_here_can_try_is_kept(
    crossenv: CrossenvCommand, host_prefix: Path, places: dict[str, str], tmp_path: Path
) -> None:
    """It is said, and the next run tries again without building again; a fault that a trial finds is another thing."""
    tree = project(tmp_path, "toy", FULL)
    (tmp_path / "root/usr/bin").mkdir(parents=True)
    run = in_directory(crossenv, host_prefix, tmp_path, places)
    for expected in ("built", "kept"):
        report = run("--test", "--host-root", "root", tree)
        (row,) = report["builds"]
        assert (report["passed"], row["status"]) == (True, "untested"), expected
        assert f"no {PROGRAM} for" in row["error"]
        assert "--host-root" in row["hint"]
        assert report["wheels"] == [path.name for path in (tmp_path / "out").glob("*.whl")]
        log = tmp_path / "logs" / f"{str(tree).strip('/').replace('/', '-')}-{row['python']}-{row['for']}.log"
        assert log.exists() == (expected == "built")
    assert run(tree)["builds"][0]["status"] == "kept"
    done = crossenv("wheel", tree, "--host-python", host_prefix, "--host-root", tmp_path, check=False, **places)
    assert "--host-root goes with --test" in done.stderr


def test_the_output_of_a_build_is_shown(
    crossenv: CrossenvCommand, host_prefix: Path, places: dict[str, str], tmp_path: Path
) -> None:
    """All of it with -v; on a terminal the last line, where the elapsed time is."""
    tree = project(tmp_path, "toy", "slow")
    words: list[str | Path] = ["wheel", "-w", tmp_path / "out", "--host-python", host_prefix, tree]
    done = crossenv(*words, "-v", check=True, **places)
    label = f"crossenv: {tree} {done.stdout.split()[5]} linux_aarch64: "
    lines = done.stderr.splitlines()
    shown = [line.removeprefix(label).strip() for line in lines if line.startswith(label)]
    order = ["started", "making", "compiling 1 of 2", "built toy-1"]
    places_of = [next(index for index, line in enumerate(shown) if line.startswith(one)) for one in order]
    assert places_of == sorted(places_of)
    # What made the environment and the sdist too.
    assert any(line.startswith(f"crossenv: {tree}: * Building sdist") for line in lines)

    command = [sys.executable, "-m", "crossenv", *words, "--rebuild"]
    status, data = on_terminal(command, **places, PATH=crossenv.path, COLUMNS="200")
    assert status == 0
    assert re.search(r"linux_aarch64: building, \d+ s: compiling 1 of 2", data)
    assert "making its sdist, " in data


def test_pip_tells_for_how_long_it_builds(env: Path, tmp_path: Path) -> None:
    """A back end without a hook for metadata builds the wheel for them, as meson-python does."""
    tree = project(tmp_path, "toy", "slow")
    command: list[str | Path] = [env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", tree]
    status, data = on_terminal(command, PIP_NO_INDEX="1")
    assert status == 0, data
    assert re.search(r"Preparing metadata \(pyproject.toml\) ... .*[-|/\\] 0:01.*done", data), data


def test_builds_share_the_cores(
    crossenv: CrossenvCommand, host_prefix: Path, places: dict[str, str], tmp_path: Path
) -> None:
    """A lone build gets all of them; what the user sets stays."""
    run = in_directory(crossenv, host_prefix, tmp_path, {**places, "CARGO_BUILD_JOBS": "7"})
    cores = len(os.sched_getaffinity(0))
    trees = [project(tmp_path, name, "py3-none-any") for name in ("one", "two", "three")]
    (wheel,) = run(trees[0])["wheels"]
    assert member(tmp_path / "out", wheel, "jobs") == {
        "CMAKE_BUILD_PARALLEL_LEVEL": str(cores),
        "CARGO_BUILD_JOBS": "7",
    }
    report = run("--rebuild", f"-j{cores}", *trees)
    said = [int(member(tmp_path / "out", one, "jobs")["CMAKE_BUILD_PARALLEL_LEVEL"]) for one in report["wheels"]]
    assert all(1 <= share <= cores for share in said)
    if cores > 1:
        assert min(said) < cores


def test_an_environment_that_cannot_be_made(
    crossenv: CrossenvCommand, host_prefix: Path, places: dict[str, str], tmp_path: Path
) -> None:
    """Its exit code is that of `crossenv create`, and the log has the rest."""
    words: list[str | Path] = ["wheel", "-w", tmp_path / "out", "--host-python", host_prefix, "--toolchain", "clang"]
    done = crossenv(*words, project(tmp_path, "native", FULL), check=False, **{**places, "PATH": "/nowhere"})
    assert done.returncode == 4
    assert "failed: " in done.stdout
    assert "hint: " in done.stdout


def test_an_interrupted_run_leaves_nothing(
    crossenv: CrossenvCommand, host_prefix: Path, places: dict[str, str], tmp_path: Path
) -> None:
    tree, pure = project(tmp_path, "native", "wait"), project(tmp_path, "pure", "py3-none-any")
    words: list[str | Path] = ["wheel", "-j1", "-w", tmp_path / "out", "--host-python", host_prefix, pure, tree]
    cache = tmp_path / "cache/crossenv/wheel"

    pid = tmp_path / "pid"

    def ended_by(number: signal.Signals) -> tuple[int, str, int]:
        pid.unlink(missing_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "crossenv", *map(str, words)],
            env={**os.environ, **places, "PATH": crossenv.path, "TOY_PID": str(pid)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        while not pid.exists() or not pid.read_text():
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(number)
        return process.wait(), process.communicate()[1], int(pid.read_text())

    # Ctrl-C takes the same way; where tests are started in the background it would be ignored.
    status, errors, child = ended_by(signal.SIGTERM)
    assert status == 130
    assert errors.endswith("crossenv: warning: interrupted\n")
    assert not is_running(child)
    assert list(cache.glob("run-*")) == []
    assert [path.name for path in (tmp_path / "out").glob("*.whl")] == ["pure-1-py3-none-any.whl"]

    status, errors, child = ended_by(signal.SIGKILL)
    # Nobody is left who could end it.
    os.killpg(os.getpgid(child), signal.SIGKILL)
    assert status == -signal.SIGKILL
    assert "pure-1-py3-none-any.whl" in errors
    assert "was there already" in errors
    # The next run goes on where this one was, and tidies up behind it.
    write(tree / "tag", FULL)
    report = json.loads(crossenv(*words, "--json", check=True, **places, TOY_PID=str(pid)).stdout)
    assert statuses(report) == {"pure": "kept", "native": "built"}
    assert list(cache.glob("run-*")) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["toy"], "no target and no host Python"),
        (["--target", "aarch64"], "nothing to build"),
        # Before anything is fetched.
        (["toy", "--target", "macos", "--python", "3.99"], "there is no target 'macos'"),
        (["toy", "--target", "aarch64", "--python", "3.99", "--python", "3.9"], "Python 3.9 is too old"),
        (["toy", "--target", "aarch64", "--python", "3.99", "--python", "cp312t"], "no free-threaded Python 3.12"),
        (["toy", "--target", "aarch64", "--python", "3.99", "--jobs", "0"], "--jobs cannot be 0"),
        (["--target", "aarch64", "--python", "3.99"], "nothing to build"),
        (["toy", "--target", "pyemscripten_2026_0_wasm32", "--python", "3.99"], "has Python 3.14 only"),
        (["toy", "--target", "no-such-machine"], "there is no target 'no-such-machine'"),
        (["toy", "--target", "aarch64", "--python", "3.99"], "no build Python found for '3.99'"),
        (["toy", "--target", "aarch64", "--host-python", "/x"], "exclude each other"),
        (["toy", "--target", "aarch64", "--target", "s390x", "--sysroot", "/"], "--sysroot goes with one target"),
        (["toy", "--target", "aarch64", "--jobs", "0"], "--jobs cannot be 0"),
        (["toy", "--host-python", "HOST", "--host-python", "HOST/bin/PYTHON"], "is the second host Python of the kind"),
    ],
)
def test_a_command_line_that_cannot_be_carried_out(
    crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path, words: list[str], says: str
) -> None:
    words = [word.replace("HOST", str(host_prefix)).replace("PYTHON", PROGRAM) for word in words]
    done = crossenv("wheel", *words, "-w", tmp_path / "out", check=False)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert not (tmp_path / "out").exists()


# --- real builds


def another_python() -> str | None:
    """A Python beside the running one, of another version that can be a build Python."""
    own = f"python3.{sys.version_info[1]}"
    names = [f"python3.{minor}" for minor in range(10, 16) if f"python3.{minor}" != own]

    def found() -> Iterator[Path]:
        for name in names:
            on_path = shutil.which(name)
            yield from [Path(on_path)] if on_path else []
            yield from Path(sys.base_prefix).parent.glob(f"*/bin/{name}")

    usable = (one for one in found() if list(one.resolve().parent.parent.glob("include/python3.*/Python.h")))
    return next(map(str, usable), None)


@pytest.mark.integration
def test_the_stable_abi_once_for_each_target(run: Run, tmp_path: Path) -> None:
    other = another_python()
    if other is None or importlib.util.find_spec("ziglang") is None:
        pytest.skip("needs ziglang, and a second Python with headers")
    tree = projects.write(
        tmp_path / "stable",
        {
            "pyproject.toml": '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
            '[project]\nname = "stable"\nversion = "1"\n',
            "setup.py": "from setuptools import Extension, setup\n"
            "macros = [('Py_LIMITED_API', '0x030a0000')]\n"
            "module = Extension('_toy', ['toy.c'], py_limited_api=True, define_macros=macros)\n"
            "setup(ext_modules=[module], options={'bdist_wheel': {'py_limited_api': 'cp310'}})\n",
            "toy.c": projects.PLAIN_C,
        },
    )
    targets = ["manylinux_2_28_aarch64", "musllinux_1_2_x86_64"]
    words: list[str | Path] = ["wheel", "--json", "--toolchain", "zig", "-w", tmp_path / "out", tree]
    words += ["--log-dir", tmp_path / "logs"]
    words += [word for target in targets for word in ("--target", target)]
    words += ["--python", sys.executable, "--python", other]
    report = json.loads(run(sys.executable, "-m", "crossenv", *words))
    assert [row["status"] for row in report["builds"]] == ["built", "built", "covered", "covered"]
    assert report["wheels"] == [f"stable-1-cp310-abi3-{target}.whl" for target in targets]

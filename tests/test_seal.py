"""The judge of wheels that were just built: what is inside must be the target's, whatever the back end says."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from _crossenv import ask_judge, attempts, hooks, patches, seal_types, source_tree, variables

import projects
import windows_files
from conftest import CrossenvCommand
from crossenv.binaries import ar
from crossenv.binaries.elf import Elf
from crossenv.errors import UsageError
from crossenv.libc.policies import policy_of
from crossenv.platforms import Libc
from crossenv.platforms.architectures import Identity
from crossenv.record import load_record
from crossenv.targets import parse_target
from crossenv.wheels.audit import audit_wheel
from crossenv.wheels.audit import judge as judged_of
from crossenv.wheels.model import ERROR
from crossenv.wheels.refusals import Build, Refusal, hint_for
from crossenv.wheels.seal import Job, parse_job, seal
from makers import AARCH64, ARMEL, ARMHF, S390X, X86_64, elf_bytes, write
from wheels import LIBC, extension, linked, make_wheel, static_library

NUMBER = f"{sys.version_info[0]}{sys.version_info[1]}"
SUFFIX = f".cpython-{NUMBER}-aarch64-linux-gnu.so"
MODULE = f"toy/_toy{SUFFIX}"
PLAIN = f"cp{NUMBER}-cp{NUMBER}-linux_aarch64"
GOOD = {MODULE: extension(), "toy/__init__.py": b""}
PURE = {"toy/__init__.py": b""}


def environment(root: Path, like: Path, target: str = "", **host: Any) -> Path:
    """An environment with the record of another one, for another target."""
    record = load_record(like)
    wanted = parse_target(target) if target else None
    if wanted is not None:
        row = {
            "machine": wanted.machine,
            "identity": wanted.identity,
            "libc": Libc(family=wanted.libc, version=wanted.floor_text),
        }
        host = {**row, "platform_tag": wanted.platform_tag, "sysroot": None, **host}
    policy = None if wanted is None else policy_of(wanted)
    record = dataclasses.replace(
        record,
        root=str(root),
        host=dataclasses.replace(record.host, **host),
        toolchain=dataclasses.replace(record.toolchain, sysroot=host.get("sysroot", record.toolchain.sysroot)),
        handover=dataclasses.replace(record.handover, policy=policy),
    )
    root.mkdir(exist_ok=True)
    (root / "crossenv.json").write_text(record.to_json())
    return root


def job(wheel: Path, env: Path, **changes: Any) -> Job:
    plain = Job(
        format=seal_types.FORMAT,
        wheel=str(wheel),
        environment=str(env),
        editable=False,
        ready_made=False,
        written=(),
        repair=False,
        attempted={},
        compiler_called=None,
        allow_pure=(),
        site_directories=(),
    )
    return dataclasses.replace(plain, **changes)


def faults(wheel: Path, env: Path, **changes: Any) -> list[str]:
    """What is wrong with a wheel; what crossenv audit says of it must agree."""
    told = job(wheel, env, **changes)
    status = seal(told)
    report = audit_wheel(wheel if wheel.exists() else Path(status["wheel"]), load_record(env))
    audited = {(one.id, one.path, one.message) for one in report.findings if one.severity == ERROR}
    said = {(one["id"], one["path"], one["message"]) for one in status["faults"]}
    if not (told.attempted or told.compiler_called is not None or any("no native code" in one[2] for one in said)):
        assert said == audited
    return [f"{fault['path']} {fault['message']}".strip() for fault in status["faults"]]


def facts(env: Path, **changes: Any) -> Any:
    known = {"root": str(env), "crossenv_python": sys.executable, "repair": False, "extension_suffixes": [".so"]}
    return known | changes


# What is inside


def test_a_wheel_of_the_target_passes(env: Path, tmp_path: Path) -> None:
    assert faults(make_wheel(tmp_path, GOOD, PLAIN), env) == []
    assert faults(make_wheel(tmp_path, PURE, "py3-none-any"), env) == []


@pytest.mark.parametrize(
    ("files", "tag", "says"),
    [
        pytest.param({MODULE: elf_bytes(X86_64)}, PLAIN, "is for x86-64", id="planted x86_64 .so"),
        pytest.param({"toy/lib.so.1": elf_bytes(X86_64)}, PLAIN, "toy/lib.so.1 is for x86-64", id="a bundled library"),
        pytest.param({"toy-1.data/scripts/tool": elf_bytes(X86_64)}, PLAIN, "scripts/tool is for", id="a program"),
        pytest.param({"toy/x.so": elf_bytes(S390X)}, PLAIN, "big-endian", id="byte order"),
        pytest.param({"toy/x.so": elf_bytes(ARMHF)}, PLAIN, "32-bit", id="class"),
        pytest.param(
            {"toy/lib.a": static_library(("a.o", elf_bytes(AARCH64)), ("b.o", elf_bytes(X86_64)))},
            PLAIN,
            "toy/lib.a(b.o) is for x86-64",
            id="a member of a static library",
        ),
        pytest.param(
            {f"toy/_toy.cpython-{NUMBER}-x86_64-linux-gnu.so": extension()}, PLAIN, "has the suffix", id="suffix"
        ),
        pytest.param({MODULE: b""}, PLAIN, "is not an ELF file", id="an empty output"),
        pytest.param({MODULE: elf_bytes()[:40]}, PLAIN, "cut off", id="a truncated file"),
        pytest.param(GOOD, f"cp{NUMBER}-cp{NUMBER}-linux_x86_64", "is tagged linux_x86_64", id="the wrong tag"),
        pytest.param(GOOD, f"{PLAIN}.linux_x86_64", "is tagged linux_x86_64", id="one wrong tag of two"),
        pytest.param(GOOD, "py3-none-any", "says that it runs anywhere", id="a pure tag"),
        pytest.param(PURE, PLAIN, "tagged for a machine and holds no native code", id="nothing native"),
        pytest.param({MODULE: extension(runpath="/usr/lib/x86_64-linux-gnu")}, PLAIN, "in its RPATH", id="RUNPATH"),
        pytest.param({MODULE: extension(executable_stack=True)}, PLAIN, "executable stack", id="executable stack"),
        pytest.param(
            {MODULE: extension(imports={"nobody": None, "malloc": LIBC})}, PLAIN, "needs nobody", id="a symbol"
        ),
        pytest.param({MODULE: extension("other")}, PLAIN, "has no function PyInit__toy", id="the init function"),
        # What sip and scikit-build's users write by hand.
        pytest.param(
            GOOD,
            f"cp{NUMBER}-cp{NUMBER}-manylinux_2_5_aarch64",
            f"is tagged cp{NUMBER}-cp{NUMBER}-manylinux_2_5_aarch64, which an installer there would not take",
            id="a policy that aarch64 does not have",
        ),
        pytest.param(
            GOOD, f"cp{NUMBER}-cp{NUMBER}-musllinux_1_2_aarch64", "an installer there would not take", id="musl"
        ),
        pytest.param({MODULE: extension()}, "cp399-cp399-linux_aarch64", "would not take", id="another Python"),
    ],
)
def test_a_wheel_that_is_not_the_targets_is_refused(
    env: Path, tmp_path: Path, files: dict[str, bytes], tag: str, says: str
) -> None:
    assert says in " ".join(faults(make_wheel(tmp_path, files, tag), env))


def test_a_glibc_tag_for_a_musl_target(env: Path, tmp_path: Path) -> None:
    musl = environment(tmp_path / "env", env, "musllinux_1_2_aarch64", extension_suffixes=(".so",))
    files = {"toy/_toy.so": linked(needed=(), imports={}, exports=("PyInit__toy",))}
    wheel = make_wheel(tmp_path, files, f"cp{NUMBER}-cp{NUMBER}-manylinux_2_17_aarch64")
    assert "an installer there would not take" in " ".join(faults(wheel, musl))


def test_arm_float_abi_is_told_apart(env: Path, tmp_path: Path) -> None:
    arm = environment(tmp_path / "env", env, "linux_armv7l", extension_suffixes=(".so",))
    tag = f"cp{NUMBER}-cp{NUMBER}-linux_armv7l"
    assert faults(make_wheel(tmp_path, {"toy/x.so": elf_bytes(ARMHF)}, tag), arm) == []
    soft = make_wheel(tmp_path, {"toy/x.so": elf_bytes(ARMEL, flags=0x05000200)}, tag)
    assert "ABI flags 0x400" in faults(soft, arm)[0]
    # Without a flag, the build attributes say it.
    marked = elf_bytes(ARMEL, flags=0x05000000, arm_vfp_args=1)
    assert faults(make_wheel(tmp_path, {"toy/x.so": marked}, tag), arm) == []
    unmarked = make_wheel(tmp_path, {"toy/x.so": elf_bytes(ARMEL, flags=0x05000000)}, tag)
    assert "is for ARM, 32-bit, little-endian" in faults(unmarked, arm)[0]


def test_objects_without_an_abi_fit_every_abi(env: Path, tmp_path: Path) -> None:
    ppc = environment(tmp_path / "env", env, "linux_ppc64le")
    unmarked = elf_bytes(parse_target("ppc64le").identity, flags=0)
    wheel = make_wheel(tmp_path, {"toy/x.so": unmarked}, f"cp{NUMBER}-cp{NUMBER}-linux_ppc64le")
    assert faults(wheel, ppc) == []
    arm = environment(tmp_path / "arm", env, "linux_armv7l")
    tag = f"cp{NUMBER}-cp{NUMBER}-linux_armv7l"
    relocatable = b"\x01\x00"
    for vfp, fits in ((None, True), (1, True), (0, False)):
        data = elf_bytes(ARMEL, flags=0x05000000, arm_vfp_args=vfp)
        data = data[:16] + relocatable + data[18:]
        files = {"toy/lib.a": static_library(("a.o", data)), "toy/x.so": elf_bytes(ARMHF)}
        assert (faults(make_wheel(tmp_path, files, tag), arm) == []) == fits, vfp


def test_a_real_arm_compiler_says_the_same(env: Path, tmp_path: Path) -> None:
    compiler = shutil.which("arm-linux-gnueabihf-gcc")
    if compiler is None:
        pytest.skip("needs arm-linux-gnueabihf-gcc on PATH")
    hard = parse_target("armv7l").identity
    write(tmp_path / "a.c", "double f(double a) { return a + 1; }\n")
    write(tmp_path / "b.s", ".text\n.globl g\ng: bx lr\n")
    for source in ("a.c", "b.s"):
        subprocess.run([compiler, "-c", source, "-o", f"{source}.o"], check=True, cwd=tmp_path)
        assert Elf().machine((tmp_path / f"{source}.o").read_bytes()).fits(hard)
    words = [compiler, "-c", "-mfloat-abi=softfp", "a.c", "-o", "soft.o"]
    subprocess.run(words, check=True, cwd=tmp_path)
    assert not Elf().machine((tmp_path / "soft.o").read_bytes()).fits(hard)


def test_static_libraries_of_either_kind() -> None:
    data = static_library(("a.o", b"one"), ("/", b"index"), ("//", b"names"), ("b.o", b"four"))
    assert list(ar.members(data)) == [("a.o", b"one"), ("b.o", b"four")]
    name = b"a_long_name.o\0\0\0"
    bsd = ar.MAGIC + f"{'#1/16':<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{20:<10}".encode() + b"`\n" + name + b"data"
    assert list(ar.members(bsd)) == [("a_long_name.o", b"data")]
    assert list(ar.members(data[:70])) == [("a.o", b"on")]


# Extension modules that got lost


@pytest.mark.parametrize(
    ("attempted", "files", "tag", "says"),
    [
        ({"toy._toy": "command failed"}, PURE, "py3-none-any", "toy._toy was not built: command failed"),
        ({"toy._toy": "command failed", "toy._b": ""}, GOOD, PLAIN, "toy._toy was not built"),
        ({"toy._toy": ""}, PURE, "py3-none-any", "holds no native code, though toy._toy was built"),
        ({"toy._toy": ""}, GOOD, PLAIN, ""),
        ({}, PURE, "py3-none-any", ""),
    ],
)
def test_lost_extensions(
    env: Path, tmp_path: Path, attempted: dict[str, str], files: dict[str, bytes], tag: str, says: str
) -> None:
    wheel = make_wheel(tmp_path, files, tag)
    found = " ".join(faults(wheel, env, attempted=attempted))
    assert says in found
    assert bool(found) == bool(says)
    for allowed in ("toy", "*", "Toy"):
        assert faults(wheel, env, attempted=attempted, allow_pure=("other", allowed)) == []
    assert bool(faults(wheel, env, attempted=attempted, allow_pure=("other",))) == bool(says)


@pytest.mark.parametrize(
    ("called", "says", "refusal"),
    [
        (True, "holds no native code, though the build called a compiler", Refusal.LOST),
        (False, "holds no native code; the build called no compiler", Refusal.EMPTY),
        (None, "is tagged for a machine and holds no native code", Refusal.LOST),
    ],
)
def test_a_hint_speaks_of_the_compiler_only_if_one_was_called(
    env: Path, tmp_path: Path, called: bool | None, says: str, refusal: Refusal
) -> None:
    """nuitka's wheel names a machine, and no compiler has a part in it."""
    status = seal(job(make_wheel(tmp_path, PURE, PLAIN), env, compiler_called=called))
    assert says in status["faults"][0]["message"]
    assert status["hint"] == hint_for(refusal, str(env))
    assert ("compiler's errors" in status["hint"]) == (refusal is Refusal.LOST)


@pytest.mark.parametrize(
    ("files", "tag", "refusal"),
    [
        (GOOD, f"cp{NUMBER}-cp{NUMBER}-linux_x86_64", Refusal.TAG),
        (GOOD, "py3-none-any", Refusal.TAG),
        ({MODULE: elf_bytes(X86_64)}, PLAIN, Refusal.FOREIGN),
        ({MODULE: extension(runpath="/opt/lib")}, PLAIN, Refusal.SEARCH_PATH),
    ],
)
def test_each_refusal_has_its_hint(
    env: Path, tmp_path: Path, files: dict[str, bytes], tag: str, refusal: Refusal
) -> None:
    status = seal(job(make_wheel(tmp_path, files, tag), env))
    assert (status["verdict"], status["refusal"]) == ("refused", refusal.name.lower().replace("_", "-"))
    assert status["hint"] == hint_for(refusal, str(env))


def test_every_finding_has_a_refusal() -> None:
    text = (Path(__file__).parent.parent / "docs/reference/audit.md").read_text()
    known = {kind for refusal in Refusal for kind in refusal.value}
    assert len(known) == sum(len(refusal.value) for refusal in Refusal)
    for kind in known:
        assert f"`{kind}`" in text
    assert all(hint_for(refusal, "/e") for refusal in Refusal)


@pytest.mark.parametrize("tag", ["py3-none-any", PLAIN])
def test_an_editable_wheel_only_points_to_its_modules(env: Path, tmp_path: Path, tag: str) -> None:
    """setuptools tags it pure, meson-python for the machine; but no module may be lost."""
    wheel = make_wheel(tmp_path, PURE, tag)
    assert faults(wheel, env, attempted={"toy._toy": ""}, editable=True) == []
    assert faults(wheel, env, attempted={"toy._toy": ""}) != []
    lost = {"toy._toy": "no such luck"}
    assert faults(wheel, env, attempted=lost, editable=True) == ["toy._toy was not built: no such luck"]


# The target's policy


def test_a_wheel_is_refused_tagged_or_left(env: Path, tmp_path: Path) -> None:
    own = environment(tmp_path / "env", env, "manylinux_2_28_aarch64")
    late = {MODULE: extension(imports={"strtol": ("libc.so.6", "GLIBC_2.38")})}
    foreign = {MODULE: extension(needed=("libown.so.1", "libc.so.6"))}
    promised = f"cp{NUMBER}-cp{NUMBER}-manylinux_2_28_aarch64"

    wheel = make_wheel(tmp_path, GOOD, PLAIN)
    status = seal(job(wheel, own))
    assert status["wheel"] == str(tmp_path / f"toy-1-{promised}.whl")
    assert Path(status["wheel"]).exists()
    assert not wheel.exists()
    assert audit_wheel(Path(status["wheel"]), load_record(own)).findings == ()

    wheel = make_wheel(tmp_path, late, PLAIN)
    status = seal(job(wheel, own))
    assert (status["verdict"], status["refusal"]) == ("refused", "late")
    assert "needs strtol@GLIBC_2.38" in status["faults"][0]["message"]
    assert seal(job(wheel, own, editable=True))["wheel"] == str(wheel)

    wheel = make_wheel(tmp_path, foreign, PLAIN)
    status = seal(job(wheel, own))
    assert status["wheel"] == str(wheel)
    assert "libown.so.1" in status["notes"][0]
    assert "crossenv repair" in status["notes"][1]

    # A tag of the back end's own is a promise too.
    status = seal(job(make_wheel(tmp_path, foreign, promised), own))
    assert (status["verdict"], status["refusal"]) == ("refused", "outside")
    wheel = make_wheel(tmp_path, GOOD, promised)
    assert seal(job(wheel, own))["wheel"] == str(wheel)
    # Later than the target's.
    later = make_wheel(tmp_path, GOOD, f"cp{NUMBER}-cp{NUMBER}-manylinux_2_38_aarch64")
    assert seal(job(later, own))["refusal"] == "tag"


def test_later_names_of_musl(env: Path, tmp_path: Path) -> None:
    """A target means the first release of its musl; a tag alone does not say."""
    own = environment(tmp_path / "env", env, "musllinux_1_2_aarch64", extension_suffixes=(".so",))
    files = {"toy/_toy.so": extension(needed=("libc.so",), imports={"PyModule_Create2": None, "qsort_r": None})}
    for platform in ("linux_aarch64", "musllinux_1_2_aarch64"):
        wheel = make_wheel(tmp_path, files, f"cp{NUMBER}-cp{NUMBER}-{platform}")
        status = seal(job(wheel, own))
        assert status["refusal"] == "late"
        assert "needs qsort_r; musllinux_1_2_aarch64 promises musl 1.2" in status["faults"][0]["message"]
    assert audit_wheel(wheel, load_record(own)).failed()
    assert not audit_wheel(wheel).failed()


# The build's side


def test_a_refused_wheel_is_deleted_and_named(env: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = make_wheel(tmp_path, {MODULE: elf_bytes(X86_64)}, PLAIN)
    with pytest.raises(SystemExit) as stop:
        ask_judge.require_sealed(str(path), facts(env))
    assert stop.value.code == 7
    assert not path.exists()
    message = capfd.readouterr().err
    assert f"refused {path.name}: {MODULE} is for x86-64" in message
    assert f"hint: {hint_for(Refusal.FOREIGN, str(env))}" in message


def test_a_sealed_wheel_is_where_the_judge_says(
    env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    own = environment(tmp_path / "env", env, "manylinux_2_28_aarch64")
    wheel = make_wheel(tmp_path, GOOD, PLAIN)
    (tmp_path / "statuses").mkdir()
    monkeypatch.setenv("CROSSENV_STATUS_DIRECTORY", str(tmp_path / "statuses"))
    made = ask_judge.require_sealed(str(wheel), facts(own))
    monkeypatch.undo()
    assert made == str(tmp_path / f"toy-1-cp{NUMBER}-cp{NUMBER}-manylinux_2_28_aarch64.whl")
    assert capfd.readouterr().err == ""
    (status,) = (tmp_path / "statuses").iterdir()
    assert status.name == f"{wheel.name}.json"
    assert json.loads(status.read_text()) == {
        "format": seal_types.FORMAT, "verdict": "sealed", "wheel": made,
        "faults": [], "refusal": "", "hint": "", "notes": [],
    }  # fmt: skip


def damaged(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[60:200] = b"\xff" * 140
    path.write_bytes(data)


@pytest.mark.parametrize("damage", ["member", "archive", "record"])
def test_what_cannot_be_read_is_refused(
    env: Path, tmp_path: Path, damage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    own = environment(tmp_path / "env", env, "manylinux_2_28_aarch64")
    path = make_wheel(tmp_path, {"toy/data.bin": bytes(range(256)) * 9, **GOOD}, PLAIN)
    if damage == "member":
        damaged(path)
    elif damage == "archive":
        path.write_bytes(b"PK\x03\x04 and no more")
    else:
        path = make_wheel(tmp_path, GOOD, PLAIN, record="\udcff".encode("utf-8", "surrogatepass").decode("latin-1"))
    with pytest.raises(SystemExit):
        ask_judge.require_sealed(str(path), facts(own))
    assert not list(tmp_path.glob("*.whl"))
    assert f"crossenv: error: refused {path.name}" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (None, "crossenv cannot be started"),
        ("exit 1", "crossenv ended with status 1"),
        ("kill -9 $$", "crossenv ended with status -9"),
        ("exit 0", "its answer cannot be read (FileNotFoundError"),
        ("exit 7", "its answer cannot be read (FileNotFoundError"),
        ('while [ "$1" != --status ]; do shift; done; echo "{" > "$2"', "its answer cannot be read (JSONDecodeError"),
        ('while [ "$1" != --status ]; do shift; done; echo "{}" > "$2"', "its answer cannot be read (KeyError"),
        (
            'while [ "$1" != --status ]; do shift; done; echo \'{"format": 1, "verdict": "sealed"}\' > "$2"',
            "its answer is of another version",
        ),
        (
            'while [ "$1" != --status ]; do shift; done;'
            ' echo \'{"format": 2, "verdict": "sealed", "wheel": "/none"}\' > "$2"',
            "its answer is of another version",
        ),
        ("sleep 60", "crossenv took more than 1 seconds"),
    ],
)
def test_a_judge_that_cannot_judge_ends_the_build(
    env: Path, tmp_path: Path, script: str | None, says: str,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = make_wheel(tmp_path, GOOD, PLAIN)
    python = tmp_path / "python"
    if script is not None:
        write(python, f"#!/bin/sh\n{script.replace('sleep', 'exec sleep')}\n", mode=0o755)
    monkeypatch.setattr(ask_judge, "TIMEOUT", 1 if script and "sleep" in script else 60)
    with pytest.raises(SystemExit) as stop:
        ask_judge.require_sealed(str(path), facts(env, crossenv_python=str(python)))
    monkeypatch.undo()
    assert stop.value.code == 7
    assert not path.exists()
    error, hint = capfd.readouterr().err.splitlines()
    assert error.startswith(f"crossenv: error: {path.name} could not be checked, so it was deleted: {says}")
    assert str(python) in hint


def test_an_environment_without_a_record(env: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = make_wheel(tmp_path, GOOD, PLAIN)
    with pytest.raises(SystemExit):
        ask_judge.require_sealed(str(path), facts(tmp_path))
    assert not path.exists()
    assert "is not a cross environment" in capfd.readouterr().err


def test_nothing_of_the_build_reaches_the_judge(env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a build sets for its own Python."""
    write(tmp_path / "lib/crossenv/__init__.py", "raise SystemExit(3)\n")
    wheel = make_wheel(tmp_path, GOOD, PLAIN)
    for name, value in {"PYTHONPATH": str(tmp_path / "lib"), "PYTHONHOME": "/none", "CROSSENV_ROLE": "host"}.items():
        monkeypatch.setenv(name, value)
    made = ask_judge.require_sealed(str(wheel), facts(env))
    monkeypatch.undo()
    assert made == str(wheel)


def test_hooks_are_checked_whatever_they_are(env: Path, tmp_path: Path) -> None:
    """PyYAML's back end has partial objects for hooks, which have no name."""

    def build(directory: str, settings: object = None, *, files: dict[str, bytes]) -> str:
        return make_wheel(Path(directory), files, PLAIN).name

    backend = types.SimpleNamespace(
        build_wheel=functools.partial(build, files=GOOD),
        build_editable=functools.partial(build, files={"toy.so": elf_bytes(X86_64)}),
    )
    hooks.check_results(backend, facts(env))
    assert backend.build_wheel(str(tmp_path)).endswith("linux_aarch64.whl")
    with pytest.raises(SystemExit):
        backend.build_editable(str(tmp_path))


@pytest.mark.parametrize("files", [GOOD, {MODULE: elf_bytes(X86_64)}], ids=["good", "native"])
def test_a_wheel_is_not_seen_before_it_is_judged(
    env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]
) -> None:
    """A build that is killed leaves none behind."""
    place = tmp_path / "out"
    seen: list[Path] = []

    def build(directory: str, settings: object = None) -> str:
        (Path(directory) / "beside").write_text("")
        return make_wheel(Path(directory), files, PLAIN).name

    def require_sealed(path: str, *args: Any, **kwargs: Any) -> str:
        seen.extend(place.glob("*.whl"))
        return judged(path, *args, **kwargs)

    judged = ask_judge.require_sealed
    monkeypatch.setattr(ask_judge, "require_sealed", require_sealed)
    backend = types.SimpleNamespace(build_wheel=build)
    hooks.check_results(backend, facts(env))
    if files is GOOD:
        name = backend.build_wheel(str(place))
        assert {entry.name for entry in place.iterdir()} == {name, "beside"}
    else:
        with pytest.raises(SystemExit):
            backend.build_wheel(str(place))
        assert not [*place.iterdir()]
    assert not seen


def test_both_sides_have_the_same_words() -> None:
    """The shim cannot import the tool, nor the tool the shim's copy: one description, read by both."""
    assert ask_judge.FORMAT == seal_types.FORMAT
    assert set(seal_types.Job.__annotations__) == {field.name for field in dataclasses.fields(Job)}
    facts: Any = {"root": "/e"}
    told = ask_judge._job("/w.whl", facts, editable=True)
    assert dataclasses.asdict(parse_job(json.dumps(told))) == {
        **told,
        "allow_pure": (),
        "site_directories": tuple(told["site_directories"]),
        "written": (),
    }
    for text in ("", "[]", json.dumps({**told, "format": 1}), json.dumps({**told, "editable": 1})):
        with pytest.raises(UsageError):
            parse_job(text)


def test_tools_of_the_user_are_told_from_ours() -> None:
    """GNU's ld has no launcher, and lies where the system has it."""
    environ = {"CC": "/e/etc/bin/gcc", "CXX": "my-g++", "PATH": "/usr/bin"}
    variables.set_defaults({"LD": "/usr/bin/aarch64-linux-gnu-ld", "CXX": "/e/etc/bin/g++"}, environ)
    assert ask_judge.tools_of_user(environ, "/e") == [("CXX", "my-g++")]
    environ["LD"] = "/usr/bin/ld"
    assert ask_judge.tools_of_user(environ, "/e") == [("CXX", "my-g++"), ("LD", "/usr/bin/ld")]


# Editable installations

BUILDS_IN_PLACE = """
import os, shutil, sys
from setuptools import setup
if sys.argv[1] in ("build_ext", "editable_wheel", "develop"):
    shutil.copy2(os.environ["PAYLOAD"], "toy/_toy.so")
setup(name="toy", version="1", packages=["toy"])
"""


@pytest.fixture(scope="module")
def editable_env(tmp_path_factory: pytest.TempPathFactory, crossenv: CrossenvCommand, host_prefix: Path) -> Path:
    """An environment that can be installed into, with setuptools in its build side."""
    directory = tmp_path_factory.mktemp("editable") / "env"
    crossenv("create", "--python", sys.executable, "--host-python", host_prefix, directory)
    done = subprocess.run(
        [directory / "bin/build-pip", "install", "-q", "setuptools>=64"], text=True, capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("needs setuptools from an index")
    return directory


@pytest.mark.parametrize("payload", [X86_64, AARCH64], ids=["native", "target"])
@pytest.mark.parametrize("how", ["pip", "setup.py"])
def test_what_an_editable_build_leaves_in_the_source_tree_is_judged(
    editable_env: Path, tmp_path: Path, how: str, payload: Identity
) -> None:
    """A setup.py that calls gcc by itself; the time of the file says nothing, and what was there before is left."""
    project = projects.write(
        tmp_path / "project",
        {"setup.py": BUILDS_IN_PLACE, "toy/__init__.py": "", "pyproject.toml": "[build-system]\nrequires = []\n"},
    )
    write(project / "toy/older.cpython-311-x86_64-linux-gnu.so", elf_bytes(X86_64))
    write(tmp_path / "payload", elf_bytes(payload))
    os.utime(tmp_path / "payload", (1, 1))
    words: dict[str, list[str | Path]] = {
        "pip": [editable_env / "bin/cross-pip", "install", "--no-deps", "--no-build-isolation", "-e", project],
        "setup.py": [editable_env / "bin/cross-python", "setup.py", "build_ext", "--inplace"],
    }
    environment = {**os.environ, "PAYLOAD": str(tmp_path / "payload")}
    done = subprocess.run(words[how], cwd=project, text=True, capture_output=True, check=False, env=environment)
    said = done.stdout + done.stderr
    if payload == AARCH64:
        assert done.returncode == 0, said
        return
    assert done.returncode == (1 if how == "pip" else 7), said
    assert f"{project}/toy/_toy.so" in said
    assert "is for x86-64" in said if how == "pip" else "is not for the target (aarch64)" in said
    assert "older" not in said


COMPILES_BY_HAND = """
import os, shutil
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

class Copies(build_ext):
    def build_extension(self, ext):
        place = self.get_ext_fullpath(ext.name)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        shutil.copyfile(os.environ["PAYLOAD"], place)

setup(name="toy", version="1", ext_modules=[Extension("_toy", [])], cmdclass={"build_ext": Copies}, zip_safe=False)
"""
COMMANDS: dict[str, list[str]] = {
    "build": ["build"],
    "build elsewhere": ["build", "--build-base", "../elsewhere"],
    "install": ["install"],
    "install into a root": ["install", "--root=../root", "--prefix=/usr"],
    "install_lib": ["install_lib", "-d", "../there"],
    "bdist_egg": ["bdist_egg"],
    "bdist_dumb": ["bdist_dumb"],
}


@pytest.mark.parametrize("payload", [X86_64, AARCH64], ids=["native", "target"])
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_each_command_of_a_setup_py_is_judged(
    editable_env: Path, tmp_path: Path, words: list[str], payload: Identity
) -> None:
    """They make no wheel, so none of them was looked at: what they built and installed could be native in silence."""
    project = projects.write(tmp_path / "project", {"setup.py": COMPILES_BY_HAND})
    write(tmp_path / "payload", elf_bytes(payload))
    site = next((editable_env / "cross").glob("lib/*/site-packages"))
    before = {*site.rglob("*")}
    environment = {**os.environ, "PAYLOAD": str(tmp_path / "payload"), "CC": "my-cc"}
    command: list[str | Path] = [editable_env / "bin/cross-python", "setup.py", "-q", *words]
    done = subprocess.run(command, cwd=project, text=True, capture_output=True, check=False, env=environment)
    places = [path for path in (*tmp_path.rglob("*"), *({*site.rglob("*")} - before)) if path.is_file()]
    made = [path for path in places if path.name.startswith("_toy") and path.suffix == ".so"]
    archives = [path for path in places if path.name.endswith((".egg", ".tar.gz"))]
    if payload == AARCH64:
        assert done.returncode == 0, done.stderr
        assert made
        return
    assert done.returncode == 7, done.stderr
    assert "was not for the target (aarch64) and is deleted" in done.stderr
    assert "mend setup.py, or unset CC=my-cc" in done.stderr
    assert made == archives == []


def test_where_libraries_in_a_source_tree_are_looked_for(tmp_path: Path) -> None:
    before = source_tree.libraries(str(tmp_path))
    for name in ("toy/a.so", "toy/lib/libb.so.1.2", "toy/tool", "toy/a.o"):
        write(tmp_path / name, b"")
    for mark in ("target/CACHEDIR.TAG", "venv/pyvenv.cfg"):
        write(tmp_path / mark, "")
        write(tmp_path / mark.partition("/")[0] / "debug/libmacro.so", b"")
    (tmp_path / "toy/gone.so").symlink_to("nowhere")
    found = source_tree.written(str(tmp_path), before)
    assert found == [f"{tmp_path}/toy/a.so", f"{tmp_path}/toy/lib/libb.so.1.2"]
    before = source_tree.libraries(str(tmp_path))
    os.utime(tmp_path / "toy/a.so", (1, 1))
    assert source_tree.written(str(tmp_path), before) == [f"{tmp_path}/toy/a.so"]


def test_what_the_target_would_import_from_a_source_tree(tmp_path: Path) -> None:
    """Also what an earlier build has left there: an abi3 module has the same name on every machine."""
    for name in ("toy/_a.abi3.so", "toy/_b.so", "toy/_c.cpython-311-x86_64-linux-gnu.so", "build/lib/toy/_a.abi3.so"):
        write(tmp_path / name, b"")
        write(tmp_path / name.rpartition("/")[0] / "__init__.py", "")
    write(tmp_path / "data/_d.abi3.so", b"")
    suffixes = [".cpython-311-aarch64-linux-gnu.so", ".abi3.so", ".so"]
    assert source_tree.importable(str(tmp_path), suffixes) == [f"{tmp_path}/toy/_a.abi3.so"]


# Wheels that nothing built here


def pip(env: Path, *words: str | Path, status: int = 0) -> str:
    """Run cross-pip without an index; what it says on its standard error."""
    command = [env / "bin/cross-pip", *words, "--no-index", "--no-deps", "--disable-pip-version-check"]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stderr


NATIVE = {"toy/_toy.so": elf_bytes(X86_64), "toy/__init__.py": b""}
REFUSED = "crossenv: error: refused toy-1-"


@pytest.mark.parametrize(
    ("command", "tag", "by_name"),
    [
        ("install", "py3-none-any", False),
        ("wheel", "py3-none-any", False),
        ("download", "py3-none-any", False),
        ("install", PLAIN, False),
        ("install", PLAIN, True),
        ("wheel", PLAIN, True),
        ("download", PLAIN, True),
    ],
)
def test_ready_made_wheels_are_looked_at(env: Path, tmp_path: Path, command: str, tag: str, by_name: bool) -> None:
    """A tag promises what nobody here has compiled: code of this machine gets in by no way."""
    wheel = make_wheel(tmp_path, NATIVE, tag)
    out = tmp_path / "out"
    given: dict[str, list[str | Path]] = {
        "install": ["--target", out],
        "wheel": ["-w", out, "--prefer-binary"],
        "download": ["-d", out],
    }
    named: list[str | Path] = ["--find-links", tmp_path, "toy"] if by_name else [wheel]
    said = pip(env, command, *given[command], *named, status=7)
    assert f"{REFUSED}{tag}.whl: toy/_toy.so is for x86-64" in said
    assert "crossenv: hint: this wheel was not built here: take one for the target" in said
    assert "Traceback" not in said
    assert wheel.exists()
    assert not out.exists() or not list(out.iterdir())


@pytest.mark.parametrize(
    "other",
    [
        {"toy/attach.dll": windows_files.module()},
        {"toy/manager.exe": windows_files.launcher("t64")},
        {"toy/attach.dylib": b"\xcf\xfa\xed\xfe" + bytes(60)},
        {"toy/_toy.cpython-311-darwin.so": b"\xcf\xfa\xed\xfe" + bytes(60)},
        {"toy/toy.wasm": b"\0asm\1\0\0\0"},
    ],
    ids=["a DLL", "a program of Windows", "a library of macOS", "a module of macOS", "WebAssembly"],
)
def test_a_wheel_for_every_machine_may_bring_files_for_several(
    env: Path, tmp_path: Path, other: dict[str, bytes]
) -> None:
    """debugpy and selenium bring some, and choose where they run."""
    path = make_wheel(tmp_path, {**NATIVE, **other}, "py3-none-any")
    (finding,) = audit_wheel(path, load_record(env)).findings
    assert (finding.id, finding.severity) == ("platform-tag", "warning")
    assert finding.message.startswith("says that it runs anywhere, and brings native files for ")
    assert finding.message.endswith("; none is for the target")


def test_a_wheel_for_every_machine_with_files_for_several_is_warned_of(env: Path, tmp_path: Path) -> None:
    """In the words of `crossenv audit`."""
    path = make_wheel(tmp_path, {**NATIVE, "toy/toy.wasm": b"\0asm\1\0\0\0"}, "py3-none-any")
    said = pip(env, "install", "--target", tmp_path / "out", "--find-links", tmp_path, "toy")
    (finding,) = audit_wheel(path, load_record(env)).findings
    assert f"crossenv: warning: toy-1-py3-none-any.whl {finding.message}\n" in said
    assert (tmp_path / "out/toy/_toy.so").exists()


def test_one_of_several_files_may_be_the_targets(env: Path, tmp_path: Path) -> None:
    path = make_wheel(tmp_path, {**NATIVE, "toy/other.so": elf_bytes(AARCH64)}, "py3-none-any")
    assert audit_wheel(path, load_record(env)).findings == ()


def test_a_build_that_compiled_does_not_run_anywhere(env: Path, tmp_path: Path) -> None:
    """Whatever else is in the wheel: the other files may be anybody's."""
    files = {**NATIVE, "toy/other.so": elf_bytes(AARCH64)}
    build = Build(attempted={"toy._toy": ""}, compiler_called=True)
    judged = judged_of(make_wheel(tmp_path, files, "py3-none-any"), load_record(env), build)
    assert {"machine", "platform-tag"} <= {finding.id for finding in judged.errors}
    idle = judged_of(make_wheel(tmp_path, files, "py3-none-any"), load_record(env), Build(compiler_called=False))
    assert idle.errors == ()


def test_a_wheel_for_every_machine_with_files_for_one(
    env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a native wheel with a wrong tag, and refused unless the user says that it works without that file."""
    path = make_wheel(tmp_path, {"toy/m.pyd": windows_files.module()}, "py3-none-any")
    words: list[str | Path] = ["install", "--target", tmp_path / "out", "--find-links", tmp_path, "toy"]
    said = pip(env, *words, status=7)
    assert f"{REFUSED}py3-none-any.whl: toy/m.pyd is for x86-64" in said
    assert "say so with CROSSENV_ALLOW_PURE=NAME" in said
    assert "machine" in {finding.id for finding in audit_wheel(path, load_record(env)).findings}
    monkeypatch.setenv("CROSSENV_ALLOW_PURE", "Toy")
    assert "crossenv" not in pip(env, *words)


def test_files_of_other_systems_are_data_in_a_wheel_for_every_machine(env: Path, tmp_path: Path) -> None:
    """The launchers of pip and setuptools, and a library of .NET's (pythonnet's)."""
    launchers = {f"toy/{name}.exe": windows_files.launcher(name) for name in ("t32", "t64", "t64-arm")}
    path = make_wheel(tmp_path, {**launchers, "toy/Runtime.dll": windows_files.managed_library()}, "py3-none-any")
    assert "crossenv" not in pip(env, "install", "--target", tmp_path / "out", path)
    assert audit_wheel(path, load_record(env)).findings == ()


def test_ready_made_wheels_that_fit_are_left_alone(env: Path, tmp_path: Path) -> None:
    """Others answer for what they link: this one has no way to a library that it needs."""
    wheel = make_wheel(tmp_path, {MODULE: extension(runpath="/opt/lib", imports={"nobody": None})}, PLAIN)
    assert "crossenv" not in pip(env, "install", "--target", tmp_path / "out", wheel)
    other = tmp_path / "other"
    other.mkdir()
    make_wheel(other, NATIVE, f"cp{NUMBER}-cp{NUMBER}-linux_x86_64")
    words: list[str | Path] = ["--platform", "linux_x86_64", "--only-binary", ":all:", "--find-links", other, "toy"]
    assert "crossenv" not in pip(env, "download", "-d", tmp_path / "down", *words)


def test_the_command(crossenv: CrossenvCommand, env: Path, tmp_path: Path) -> None:
    told = dataclasses.asdict(job(make_wheel(tmp_path, GOOD, PLAIN), env))
    done = subprocess.run(
        [sys.executable, "-m", "crossenv", "seal"], input=json.dumps(told), text=True, capture_output=True, check=True
    )
    assert json.loads(done.stdout)["verdict"] == "sealed"
    assert crossenv("seal", check=False).returncode == 2


# What a compiler says


class Compiler:
    """What setuptools' compiler does: one method calls the other, and both run programs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def call(self, command: list[str]) -> None:
        subprocess.run(command, check=True, cwd=self.directory)

    def spawn(self, command: list[str]) -> None:
        self.call(command)


def test_a_compile_that_fails_is_not_run_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    compiler = Compiler(tmp_path)
    complaints = attempts.watch_commands(compiler)
    script = "echo run >> runs; echo toy.c: In function f: >&2; echo toy.c:1:2: error: no such luck >&2; exit 1"
    compiler.spawn(["sh", "-c", "echo a warning >&2"])
    with pytest.raises(subprocess.CalledProcessError):
        compiler.spawn(["sh", "-c", script])
    assert complaints == ["toy.c:1:2: error: no such luck"]
    assert (tmp_path / "runs").read_text() == "run\n"
    # Nothing of it is kept from the user.
    err = capfd.readouterr().err
    assert err == "a warning\ntoy.c: In function f:\ntoy.c:1:2: error: no such luck\n"


def test_a_compiler_is_watched_once(tmp_path: Path) -> None:
    """It builds thousands of extension modules one after the other; each failure is told of its own."""
    compiler = Compiler(tmp_path)
    watched = [attempts.watch_commands(compiler) for _ in range(3000)]
    for _ in range(2):
        with pytest.raises(subprocess.CalledProcessError):
            compiler.spawn(["sh", "-c", "echo error: the same >&2; exit 1"])
    assert watched[0] is watched[-1]
    assert watched[0] == ["error: the same", "error: the same"]


def test_a_build_started_by_another_answers_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the other for both."""
    monkeypatch.setattr(attempts, "_attempted", {})
    monkeypatch.setattr(attempts, "_before", {"calls": 0, "attempts": 0})
    called = tmp_path / "called"
    called.write_text("\n")
    monkeypatch.setenv(attempts.CALLED_VARIABLE, str(called))
    attempts.note("of_the_first", "")
    script = (
        "import os; from _crossenv import attempts as one; one.watch_compiler(part_of_build=True);"
        " print(one.attempted(), one.compiler_was_called()); one.note('of_its_child', 'no such luck');"
        " open(os.environ[one.CALLED_VARIABLE], 'a').write('called');"
        " print(one.attempted(), one.compiler_was_called())"
    )
    shim = str(Path(attempts.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": shim}, stdout=subprocess.PIPE, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["{} False", "{'of_its_child': 'no such luck'} True"]
    assert attempts.attempted() == {"of_the_first": "", "of_its_child": "no such luck"}


def test_commands_derived_from_distutils_are_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command may compile in its own way, and distutils then drops what fails and is optional."""
    monkeypatch.setattr(attempts, "_attempted", {})
    monkeypatch.delenv(attempts.CALLED_VARIABLE, raising=False)

    class Command:
        compiler = types.SimpleNamespace()

        @contextlib.contextmanager
        def _filter_build_errors(self, ext: Any) -> Any:
            with contextlib.suppress(ValueError):
                yield

        def build_extension(self, ext: Any) -> None:
            if ext.name == "lost":
                raise ValueError("no such luck")

    module = types.ModuleType("distutils.command.build_ext")
    module.build_ext = Command  # type: ignore[attr-defined]
    patches.distutils_build_ext(module, facts(Path()))
    command, one, other, own = Command(), *(types.SimpleNamespace(name=name) for name in ("good", "lost", "own"))
    for ext in (one, other):
        with command._filter_build_errors(ext):
            command.build_extension(ext)
    with command._filter_build_errors(own):
        raise ValueError("cmake failed")
    assert attempts.attempted() == {"good": "", "lost": "no such luck", "own": "cmake failed"}


def test_optional_extensions_in_rust_are_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """setuptools-rust prints what went wrong, be it cargo or that there is none, and goes on."""
    monkeypatch.setattr(attempts, "_attempted", {})
    monkeypatch.delenv(attempts.CALLED_VARIABLE, raising=False)

    class Command:
        def __init__(self, *names: str) -> None:
            self.extensions = [types.SimpleNamespace(name=name) for name in names]

        def run(self) -> None:
            for ext in self.extensions:
                if ext.name != "rustless":
                    with contextlib.suppress(ValueError):
                        self.run_for_extension(ext)

        def run_for_extension(self, ext: Any) -> None:
            if ext.name == "lost":
                raise ValueError("no such luck")

    module = types.ModuleType("setuptools_rust.build")
    module.build_rust = Command  # type: ignore[attr-defined]
    patches.build_rust_module(module, facts(Path()))
    Command("good", "lost", "rustless").run()
    said = {"good": "", "lost": "no such luck", "rustless": "its compiler was not called"}
    assert attempts.attempted() == said


CLOSED = """
import os, subprocess, sys
sys.path.insert(0, sys.argv[1])
from _crossenv import attempts
class Compiler:
    def spawn(self, command):
        subprocess.run(command, check=True)
os.close(2)
compiler = Compiler()
complaints = attempts.watch_commands(compiler)
for _ in range(2):
    try:
        compiler.spawn(["sh", "-c", "echo error: none >&2; exit 1"])
    except subprocess.CalledProcessError:
        pass
print(complaints)
"""


def test_a_closed_standard_error(tmp_path: Path) -> None:
    shim = Path(attempts.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", CLOSED, str(shim)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "['error: none', 'error: none']\n"), done


def test_a_server_that_a_compile_leaves_behind_holds_nothing_up(tmp_path: Path) -> None:
    """ccache and sccache start one, and it inherits the standard error."""
    compiler = Compiler(tmp_path)
    complaints = attempts.watch_commands(compiler)
    with pytest.raises(subprocess.CalledProcessError):
        compiler.spawn(["sh", "-c", "sleep 300 & echo $! > server; echo error: none >&2; exit 1"])
    os.kill(int((tmp_path / "server").read_text()), 9)
    assert complaints == ["error: none"]


# Real builds


@pytest.mark.integration
def test_the_build_tells_what_it_lost(real_env: Path, tmp_path: Path) -> None:
    """`setup.py bdist_wheel` by hand, and pip: the same judge, and the compiler's first error."""
    project = projects.setuptools_c(tmp_path / "project")
    (project / "toy.c").write_text("#error no such luck\n")
    setup = (project / "setup.py").read_text()
    (project / "setup.py").write_text(setup.replace("['toy.c']", "['toy.c'], optional=True"))
    statuses = tmp_path / "statuses"
    statuses.mkdir()
    words: list[str | Path] = [real_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False,
        env={**os.environ, "CROSSENV_STATUS_DIRECTORY": str(statuses)},
    )  # fmt: skip
    assert done.returncode != 0
    assert "toy._toy was not built: toy.c:1:2: error" in done.stdout + done.stderr
    (status,) = statuses.iterdir()
    said = json.loads(status.read_text())
    assert (said["verdict"], said["refusal"]) == ("refused", "lost")
    assert not list(tmp_path.glob("out/*.whl"))


@pytest.mark.integration
def test_a_build_whose_judge_is_gone(real_env: Path, tmp_path: Path) -> None:
    """crossenv was uninstalled since, with its interpreter."""
    project = projects.setuptools_c(tmp_path / "project")
    facts_path = next(real_env.rglob("facts.marshal"))
    before = facts_path.read_bytes()
    facts_path.write_bytes(before.replace(sys.executable.encode(), b"/" * len(sys.executable.encode())))
    words: list[str | Path] = [
        real_env / "bin/cross-pip",
        "wheel",
        "--no-deps",
        "--no-cache-dir",
        "-w",
        tmp_path / "out",
        project,
    ]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    finally:
        facts_path.write_bytes(before)
    assert done.returncode != 0
    assert "could not be checked, so it was deleted: crossenv cannot be started" in done.stdout + done.stderr
    assert not list(tmp_path.glob("out/*.whl"))

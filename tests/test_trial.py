"""`crossenv test`: what is imported, how tests are compared, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import projects
from conftest import VERSION, CrossenvCommand, Run
from crossenv.emulation.trial import try_imports
from crossenv.emulation.trial.install import Wanted, install_natively
from crossenv.emulation.trial.outcomes import Difference, Outcome, differences, read_outcomes, summary
from crossenv.emulation.trial.subject import Subject, modules_of, python_for, read_subject, target_of
from crossenv.emulation.trial.trial import Place, is_pytest, read_imports, run_tests
from crossenv.errors import AuditError, BuildError, UsageError
from crossenv.pythons.build_python import find_build_python
from crossenv.report import Reporter
from makers import write
from wheels import SUFFIX, extension, good_files, make_wheel

HERE = {"PATH": os.environ["PATH"]}


def subject(*tags: str, name: str = "toy") -> Subject:
    return Subject(path=Path(f"{name}-1-{tags[0]}.whl"), name=name, version="1", tags=tags, modules=())


def test_a_wheels_modules(tmp_path: Path) -> None:
    """Packages and modules at the top, extension modules with their packages; no libraries, data or metadata."""
    wheel = make_wheel(
        tmp_path,
        {
            **good_files(),
            "single.py": b"",
            f"toy/inner/_deep{SUFFIX}": extension("_deep"),
            "toy/inner/__init__.py": b"",
            "toy-1.data/purelib/other/__init__.py": b"",
            "toy-1.data/scripts/tool": b"#!python\n",
            "not-a-module/__init__.py": b"",
        },
    )
    found = read_subject(wheel, None, Reporter())
    assert {"toy", "single", "other", "toy.inner._deep"} <= set(found.modules)
    assert all(name.partition(".")[0] in ("toy", "single", "other", "_toy") for name in found.modules)
    assert modules_of(wheel, [])[0] in ("toy", "single", "other")


def test_what_is_no_wheel_is_not_tried(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="is not a wheel"):
        read_subject(write(tmp_path / "toy.whl", b""), None, Reporter())
    broken = make_wheel(tmp_path, {f"toy/_toy{SUFFIX}": b"\x7fELF"})
    with pytest.raises(AuditError, match="is not what its tags say") as refusal:
        read_subject(broken, None, Reporter())
    assert f"crossenv audit {broken}" in refusal.value.hint


@pytest.mark.parametrize(
    ("tag", "wanted", "preferred", "version"),
    [
        ("cp311-cp311-manylinux_2_28_aarch64", None, "3.13", "3.11"),
        ("cp39-abi3-manylinux_2_28_aarch64", None, "3.12", "3.12"),
        ("cp312-abi3-manylinux_2_28_aarch64", None, "3.11", "3.13"),
        ("py3-none-any", "3.13", "3.11", "3.13"),
        ("cp310-cp310-linux_s390x", None, "3.11", "3.10"),
        ("cp313-cp313t-manylinux_2_28_aarch64", None, "3.13", "3.13t"),
        ("cp313-cp313t-manylinux_2_28_aarch64", "3.13t", "3.11", "3.13t"),
    ],
)
def test_which_python(tag: str, wanted: str | None, preferred: str, version: str) -> None:
    assert python_for([subject(tag)], wanted, preferred) == version


def test_no_python_suits() -> None:
    with pytest.raises(UsageError, match=r"Python 3\.13 does not suit"):
        python_for([subject("cp311-cp311-linux_aarch64")], "3.13", "3.11")
    with pytest.raises(UsageError, match="no one Python suits"):
        python_for([subject("cp311-cp311-linux_aarch64"), subject("cp313-cp313-linux_aarch64")], None, "3.11")


def test_which_machine() -> None:
    arm, pure, z = (
        subject("cp311-cp311-manylinux_2_28_aarch64"),
        subject("py3-none-any"),
        subject("py3-none-linux_s390x"),
    )
    found = target_of([arm, pure])
    assert found is not None
    assert found.machine == "aarch64"
    assert target_of([pure]) is None
    with pytest.raises(UsageError, match="several machines: linux, aarch64; linux, s390x"):
        target_of([arm, z])


def test_imports_are_tried_for_real(tmp_path: Path) -> None:
    write(tmp_path / "good.py", "x = 1\n")
    write(tmp_path / "bad.py", "raise ValueError('no')\n")
    write(tmp_path / "wants.py", "import nothing_of_the_kind\n")
    write(tmp_path / "half/__init__.py", "import half.lost\n")
    write(tmp_path / "ends.py", "import os\nos._exit(3)\n")
    names = ["good", "bad", "wants", "half", "ends", "last"]
    report = tmp_path / "report"
    done = subprocess.run(
        [sys.executable, try_imports.__file__, report, *names], env={"PYTHONPATH": str(tmp_path)}, check=False
    )
    found = {item.module: item for item in read_imports(report, names, done.returncode)}
    assert {name: item.outcome for name, item in found.items()} == {
        "good": "imported",
        "bad": "failed",
        "wants": "needs more",
        "half": "failed",
        "ends": "ended the interpreter",
        "last": "failed",
    }
    assert found["bad"].message == "ValueError: no"
    assert found["ends"].message == "exit status 3"
    assert found["last"].message == "not reached"
    assert [name for name, item in found.items() if item.failed] == ["bad", "half", "ends", "last"]


def test_outcomes_are_compared(tmp_path: Path) -> None:
    tests = write(
        tmp_path / "test_some.py",
        "import os, pytest\n"
        "@pytest.mark.parametrize('n', [1, 2])\n"
        "def test_n(n): assert n != int(os.environ['BAD'])\n"
        "def test_skip(): pytest.skip('why not')\n"
        "@pytest.fixture\n"
        "def broken():\n    yield\n    raise OSError('late')\n"
        "def test_late(broken): pass\n",
    )
    found = {}
    for bad in ("1", "2"):
        report = tmp_path / f"{bad}.xml"
        words = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider", str(tests)]
        environment = {**HERE, "BAD": bad}
        subprocess.run([*words, f"--junit-xml={report}"], env=environment, check=False, stdout=subprocess.DEVNULL)
        found[bad] = read_outcomes(report)
    assert summary(found["1"]) == "1 failed, 1 error, 1 passed, 1 skipped"
    (skipped,) = [outcome for name, outcome in found["1"].items() if name.endswith("test_skip")]
    assert skipped == Outcome(result="skipped", message="why not")
    unexpected, known = differences(found["1"], found["2"], ["*test_n?2?"])
    assert [row.test.rpartition(".")[2] for row in unexpected] == ["test_n[1]"]
    assert [row.test.rpartition(".")[2] for row in known] == ["test_n[2]"]
    assert differences(found["1"], found["1"], []) == ([], [])
    lost = {name: outcome for name, outcome in found["1"].items() if not name.endswith("test_skip")}
    (row,), _ = differences(lost, found["1"], [])
    assert isinstance(row, Difference)
    assert row.host.result == "not run"


def test_no_report_is_no_result(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", write(tmp_path / "cut", "<testsuites><testcase")):
        with pytest.raises(BuildError, match="no readable report"):
            read_outcomes(path)


def test_a_commands_exit_status() -> None:
    place = Place(label="build", session=None, scripts=Path("/nothing"), python=sys.executable, environ=HERE)
    assert run_tests(place, ["sh", "-c", "exit 5"]) == 5
    assert run_tests(place, ["sh", "-c", "kill -TERM $$"]) == 128 + 15
    assert is_pytest(["pytest", "-q"])
    assert is_pytest(["python", "-m", "pytest"])
    assert not is_pytest(["python", "-m", "unittest"])


def test_test_refuses_what_makes_no_sense(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, good_files())
    pure = make_wheel(tmp_path, {"toy.py": b""}, tag="py3-none-any")
    cases: list[tuple[list[str | Path], str]] = [
        (["test", tmp_path / "nothing.whl"], "there is no wheel"),
        (["test", wheel, "--native-wheel", wheel], "--native-wheel goes with --compare"),
        (["test", wheel, "--", "-q"], "'-q' is not a command"),
        (["test", wheel, "-r", tmp_path / "nothing"], "there is no requirements file"),
        (["test", wheel, "--with", "a b"], "is not a requirement"),
        (["test", wheel, "--keep", tmp_path], "exists and is not empty"),
        (["test", wheel, "--python", "3.13"], "Python 3.13 does not suit"),
        (["test", pure], "no target to try them on"),
    ]
    for words, says in cases:
        result = crossenv(*words, check=False, VIRTUAL_ENV="")
        assert result.returncode == 2, (words, result.stderr)
        assert says in result.stderr
        assert "crossenv: hint:" in result.stderr
        assert "Traceback" not in result.stderr


def test_a_native_wheel_that_the_index_does_not_have(tmp_path: Path) -> None:
    build = find_build_python(sys.executable)
    wanted = Wanted(requirements=("toy==1",), index=False)
    with pytest.raises(BuildError, match="cannot be installed") as refusal:
        install_natively(build, tmp_path / "native", wanted, os.environ, Reporter(verbosity=-1))
    assert "--native-wheel" in refusal.value.hint


def test_a_wheel_for_another_host(crossenv: CrossenvCommand, env: Path, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"toy.py": b""}, tag="py3-none-any")
    other = wheel.rename(tmp_path / "toy-1-py2-none-any.whl")
    result = crossenv("test", "--env", env, other, check=False)
    assert result.returncode == 7, result.stderr
    native = make_wheel(tmp_path, good_files(), tag="cp311-cp311-musllinux_1_2_armv7l")
    result = crossenv("test", "--env", env, native, check=False)
    assert "is tagged musllinux_1_2_armv7l; the target is" in result.stderr
    assert "is not what its tags say" not in result.stderr
    assert "hint: name another environment with --env" in result.stderr


@pytest.fixture(scope="module")
def toy_wheel(debian_env: Path, tmp_path_factory: pytest.TempPathFactory, run: Run) -> Path:
    if shutil.which("qemu-aarch64") is None and shutil.which("qemu-aarch64-static") is None:
        pytest.skip("needs qemu-aarch64 or qemu-aarch64-static")
    directory = tmp_path_factory.mktemp("toy")
    project = projects.setuptools_c(directory / "project")
    run(debian_env / "bin/cross-pip", "wheel", "--no-deps", "-w", directory, project)
    (wheel,) = directory.glob("*.whl")
    return wheel


@pytest.mark.integration
def test_tests_run_on_the_host(debian_env: Path, toy_wheel: Path, tmp_path: Path) -> None:
    tests = write(
        tmp_path / "check.py",
        "import platform, subprocess, sys, toy._toy as t\n"
        "code = 'import toy._toy as t; print(t.answer())'\n"
        "child = subprocess.run([sys.executable, '-c', code], capture_output=True)\n"
        "print(platform.machine(), t.answer(), child.stdout)\n"
        "sys.exit(int(sys.argv[1]))\n",
    )
    for status in ("0", "9"):
        words = ["test", "--json", "--env", debian_env, toy_wheel, "--", "python", tests, status]
        done = subprocess.run(
            [sys.executable, "-m", "crossenv", *map(str, words)], capture_output=True, text=True, check=False
        )
        assert done.returncode == int(status), done.stderr
        first, _newline, report = done.stdout.partition("\n")
        assert first == "aarch64 8 b'8\\n'"
        imports = {row["module"]: row["outcome"] for row in json.loads(report)["imports"]}
        assert imports == {"toy": "imported", "toy._toy": "imported"}


@pytest.mark.integration
def test_only_differences_are_printed(debian_env: Path, toy_wheel: Path, tmp_path: Path) -> None:
    tests = write(
        tmp_path / "test_toy.py",
        "import platform, toy._toy as t\n"
        "def test_answer(): assert t.answer() == 8\n"
        "def test_machine(): assert platform.machine() == 'aarch64'\n",
    )
    words = [sys.executable, "-m", "crossenv", "test", "--env", debian_env, "--compare", toy_wheel, "--native-wheel"]
    words += [toy_wheel.parent / "project", "--with", "pytest"]
    command = ["--", "pytest", "-q", "-c", os.devnull, "--rootdir", tmp_path, tests]
    done = subprocess.run([*map(str, [*words, *command])], capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].endswith("test_machine")
    assert [line.split()[:2] for line in lines[1:]] == [["host:", "passed"], ["build:", "failed"]]
    assert "test_answer" not in done.stdout
    known = [*map(str, [*words, "--known-difference", "*test_machine", *command])]
    done = subprocess.run(known, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "no difference" in done.stderr


@pytest.mark.integration
def test_a_wheel_by_itself(toy_wheel: Path, tmp_path: Path) -> None:
    """No environment: the interpreter comes from Debian, and pip runs in it."""
    if shutil.which("gpgv") is None or VERSION not in ("3.11", "3.13"):
        pytest.skip("needs gpgv, and a Python that a stable Debian has")
    done = subprocess.run(
        [sys.executable, "-m", "crossenv", "test", str(toy_wheel)], capture_output=True, text=True, check=False,
        cwd=tmp_path, env={**os.environ, "VIRTUAL_ENV": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 of 2 modules imported on the target" in done.stderr

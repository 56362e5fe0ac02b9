"""What the command line does in odd processes: other locales, closed streams, a full disk, left-overs."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import projects
from conftest import CrossenvCommand, Run
from crossenv.children import run_text
from crossenv.errors import fault_of_the_machine, reason_of
from makers import X86_64, elf_bytes, write

COMMAND = f"{sys.executable} -m crossenv"
# A locale whose encoding is ASCII, and nothing that makes up for it.
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
NOT_UTF8 = os.fsdecode(b"b\xff")


def shell(line: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a line of the shell does."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "", **variables}
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, env=environment, check=False)


@pytest.fixture(scope="module")
def elsewhere(crossenv: CrossenvCommand, host_prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment in a directory whose name is not ASCII, made where the locale's encoding is."""
    env = tmp_path_factory.mktemp("ü") / "env"
    crossenv("create", "--python", sys.executable, "--host-python", host_prefix, env, check=True, **ASCII)
    return env


def test_the_locale_does_not_matter(elsewhere: Path, crossenv: CrossenvCommand, run: Run, tmp_path: Path) -> None:
    shown = crossenv("show", elsewhere, check=True, **ASCII)
    assert str(elsewhere) in shown.stdout
    faults = crossenv("doctor", elsewhere, check=False, **ASCII)
    assert faults.stdout.count("ok  ") >= 10
    assert "Traceback" not in faults.stderr
    project = projects.in_tree(tmp_path / "ö/project", elf_bytes())
    run(
        elsewhere / "bin/cross-pip",
        "wheel",
        "--no-index",
        "--no-deps",
        "-w",
        tmp_path / "ö",
        project,
        cwd=tmp_path,
        **ASCII,
    )
    assert len(list((tmp_path / "ö").glob("*.whl"))) == 1


def test_names_that_are_not_utf8_are_refused(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path) -> None:
    place = tmp_path / NOT_UTF8
    place.mkdir()
    for words in (
        ["--host-python", str(host_prefix), str(place / "env")],
        ["--host-python", str(host_prefix), "--sysroot", str(place), str(tmp_path / "env")],
    ):
        result = crossenv("create", "--python", sys.executable, *words, check=False)
        assert result.returncode == 2
        error, _hint = result.stderr.splitlines()
        assert "b\\udcff" in error and error.endswith("is not UTF-8")
    inside = shell(f"cd '{place}' && {COMMAND} create --host-python '{host_prefix}' env")
    assert inside.returncode == 2
    assert "is not UTF-8" in inside.stderr
    assert list(place.iterdir()) == [] and not (tmp_path / "env").exists()


def test_what_a_program_prints_need_not_be_text() -> None:
    done = run_text(["sh", "-c", r"printf 'a\377b'"])
    assert done.stdout == "a\\xffb"


def test_without_standard_error(env: Path, host_prefix: Path, tmp_path: Path, crossenv: CrossenvCommand) -> None:
    assert shell(f"{COMMAND} show '{env}' 2>&-").stdout == shell(f"{COMMAND} show '{env}'").stdout != ""
    assert "aarch64" in shell(f"{COMMAND} targets 2>&-").stdout
    made = tmp_path / "env"
    words = f"create --python {sys.executable} --host-python '{host_prefix}' --without-pip '{made}'"
    done = shell(f"{COMMAND} {words} <&- 2>&-", PATH=crossenv.path)
    assert done.returncode == 0
    assert done.stdout == f"{made}\n"
    full = shell(f"{COMMAND} {words} --clear 2>/dev/full", PATH=crossenv.path)
    assert (full.returncode, full.stdout) == (0, f"{made}\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_pip_without_its_streams(env: Path, tmp_path: Path, closed: str) -> None:
    project = projects.in_tree(tmp_path / "project", elf_bytes())
    done = shell(f"'{env}/bin/cross-pip' wheel --no-index --no-deps -w '{tmp_path}/out' '{project}' {closed}")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert len(list((tmp_path / "out").glob("*.whl"))) == 1


@pytest.mark.parametrize(
    ("stream", "reason"),
    [(">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")],
    ids=["closed", "full"],
)
@pytest.mark.parametrize("words", ["show ENV", "show --json ENV", "export cmake --env ENV", "targets", "--help", "-V"])
def test_a_result_that_cannot_be_written_is_an_error(env: Path, words: str, stream: str, reason: str) -> None:
    done = shell(f"{COMMAND} {words.replace('ENV', str(env))} {stream}")
    assert done.returncode == 2
    error = done.stderr.splitlines()[-2]
    assert error == f"crossenv: error: the standard output cannot be written: {reason}"


def test_a_reader_that_has_seen_enough(env: Path) -> None:
    done = shell(f"{COMMAND} show --json '{env}' | true; {COMMAND} --help | true")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_umask_that_takes_ones_own_rights(tmp_path: Path, host_prefix: Path) -> None:
    done = shell(f"umask 777; {COMMAND} create --host-python '{host_prefix}' '{tmp_path}/env'")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "crossenv: error: the umask 0777 keeps crossenv from the files and directories that it makes",
        "crossenv: hint: set another one: umask 022",
    ]
    assert list(tmp_path.iterdir()) == []


def test_too_many_open_files(env: Path) -> None:
    """The compiler is not to blame."""
    script = textwrap.dedent(
        """
        import resource, sys
        from crossenv.children import run_text
        from crossenv.errors import UsageError
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), 64))
        try:
            run_text(["sh", "-c", "echo 'x.h: Too many open files' >&2; exit 1"])
        except UsageError as error:
            print(error.message, error.hint)
        """
    )
    for limit, says in (("4", "too many open files"), ("64", "sh: too many open files")):
        done = subprocess.run([sys.executable, "-c", script, limit], capture_output=True, text=True, check=False)
        assert done.stdout == f"{says} allow more open files: ulimit -n 1024\n", done.stderr


def full_disk(size: str, line: str) -> subprocess.CompletedProcess[str]:
    """What a line of the shell does with a small file system in $SMALL, seen by itself only."""
    script = f'mount -t tmpfs -o size={size} none "$SMALL" && {line}'
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script],
        capture_output=True,
        cwd="/",
        text=True,
        check=False,
    )
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        pytest.skip("needs user namespaces that may mount")
    return done


def test_a_full_disk(
    crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    monkeypatch.setenv("SMALL", str(small))
    monkeypatch.setenv("PATH", crossenv.path)
    words = f"create --python {sys.executable} --host-python '{host_prefix}' '{small}/a/env'"
    done = full_disk("3m", f"{{ {COMMAND} {words}; echo status $?; ls -A '{small}'; }}")
    assert done.stdout == "status 2\n"
    error = next(line for line in done.stderr.splitlines() if "error:" in line)
    assert error == f"crossenv: error: {small}/a/env cannot be written: No space left on device"
    assert "Traceback" not in done.stderr


def test_no_place_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALL", str(tmp_path))
    code = "from crossenv.files import scratch_directory\nwith scratch_directory('x'): pass"
    read_only = (
        "for place in /tmp /var/tmp /usr/tmp; do"
        " [ ! -d $place ] || { mount --bind $place $place && mount -o remount,ro,bind $place; } || exit 1; done"
    )
    done = full_disk("1m", f'{read_only}; cd /sys; unset TMPDIR TEMP TMP; {sys.executable} -c "{code}"')
    assert "UsageError: no temporary directory can be made: No usable temporary directory found in" in done.stderr


def test_what_a_machine_lacks_is_told_by_its_place() -> None:
    copied = fault_of_the_machine(OSError(errno.ENOSPC, "", "/from", None, "/disk/to"))
    assert copied is not None
    assert (copied.message, copied.exit_code) == ("/disk/to: No space left on device", 2)
    without_a_name = fault_of_the_machine(OSError(errno.EMFILE, ""))
    assert without_a_name is not None
    assert without_a_name.message == "too many open files"
    assert fault_of_the_machine(FileNotFoundError(errno.ENOENT, "", "/x")) is None
    listed = shutil.Error([("/from", "/to", "[Errno 28] No space left on device: '/from' -> '/to'")])
    assert reason_of(listed) == "No space left on device"


SCRATCH = """
import sys, time
from crossenv.files import scratch_directory
with scratch_directory("test") as place:
    (place / "file").touch()
    print(place, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_process_leaves_is_removed(tmp_path: Path) -> None:
    def start() -> tuple[subprocess.Popen[str], Path]:
        child = subprocess.Popen(
            [sys.executable, "-c", SCRATCH],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        )
        assert child.stdout is not None
        return child, Path(child.stdout.readline().strip())

    own_prefix = f"crossenv-tmp-{os.uname().nodename}-"
    (tmp_path / f"{own_prefix}file").touch()
    (tmp_path / f"{own_prefix}link").symlink_to(tmp_path)
    for name in ("another", "crossenv-tmp-another.machine-test-x"):
        (tmp_path / name).mkdir()
    before = sorted(path.name for path in tmp_path.iterdir())
    living, its = start()
    killed, left = start()
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert left.is_dir()
    third, own = start()
    assert its.is_dir() and own.is_dir() and not left.exists()
    for child in (living, third):
        child.communicate()
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_sysroot_of_another_machine(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path) -> None:
    write(tmp_path / "root/lib/x86_64-linux-gnu/libc.so.6", elf_bytes(X86_64))
    words = ["create", "--python", sys.executable, "--host-python", str(host_prefix)]
    result = crossenv(*words, "--sysroot", tmp_path / "root", tmp_path / "env", check=False)
    assert result.returncode == 4
    assert f"the sysroot {tmp_path}/root has the C library of x86_64, not of aarch64" in result.stderr
    assert not (tmp_path / "env").exists()
    # This machine's libraries beside the target's, as Debian has them.
    write(tmp_path / "root/lib/aarch64-linux-gnu/libc.so.6", elf_bytes())
    both = crossenv(*words, "--sysroot", tmp_path / "root", tmp_path / "env", check=False)
    assert "has the C library of" not in both.stderr


@pytest.mark.parametrize("character", ["'", '"', "$", "\\", ";", ":", "\n"])
def test_a_path_that_build_tools_take_apart(
    crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path, character: str
) -> None:
    env = tmp_path / f"a{character}b" / "env"
    result = crossenv("create", "--python", sys.executable, "--host-python", host_prefix, env, check=False)
    assert result.returncode == 2
    error, _hint = result.stderr.splitlines()
    assert repr(character) in error and "build tools" in error
    assert list(tmp_path.iterdir()) == []


def test_a_copied_environment(env: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(env, copy, symlinks=True)
    for name in ("cross-pip", "pip", "build-pip", "build-python", "cross-uv", "cross-expose", "cross-run", "crossenv"):
        done = subprocess.run([copy / "bin" / name, "--version"], capture_output=True, text=True, check=False)
        assert done.returncode == 2, name
        assert f"created as {env} and has been moved or copied" in done.stderr
    # By other names it is the same one.
    (tmp_path / "link").symlink_to(env)
    (tmp_path / "cross-pip").symlink_to(env / "bin/cross-pip")
    for program in (tmp_path / "link/bin/cross-pip", tmp_path / "cross-pip"):
        assert subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0


def test_an_environment_has_crossenv(env: Path, run: Run) -> None:
    """Activating takes the one that made it off PATH."""
    shown = run(env / "bin/crossenv", "show", VIRTUAL_ENV="")
    assert shown.splitlines()[0].split() == ["environment", str(env)]


@pytest.mark.parametrize("name", ["PYTHONHOME", "PYTHONPLATLIBDIR"])
def test_another_pythonhome(env: Path, run: Run, name: str) -> None:
    assert "pip" in run(env / "bin/cross-pip", "--version", **{name: "/nonexistent"})
    assert run(env / "bin/build-python", "-c", "print(1)", **{name: "/nonexistent"}) == "1\n"


def test_a_pythonhome_of_our_own_is_for_nobody_else(run: Run) -> None:
    """`crossenv` starts with its own; a build Python of another version would not."""
    code = "from crossenv.cli.process import prepare; prepare(); import os; print(os.environ.get('PYTHONHOME'))"
    given = {"PYTHONHOME": f"{sys.base_prefix}:{sys.base_exec_prefix}", "PYTHONPATH": os.pathsep.join(sys.path)}
    assert run(sys.executable, "-c", code, **given) == "None\n"

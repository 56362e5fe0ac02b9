"""Programs of the host on this machine: how they are found, started, and how they start others."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from _crossenv import guest

import projects
from conftest import VERSION, CrossenvCommand, Run
from crossenv.emulation.command import host_command
from crossenv.emulation.enter import works
from crossenv.emulation.interpreters import interpreter_in
from crossenv.emulation.model import Emulator, HostInterpreter, Session
from crossenv.emulation.qemu import find_emulator
from crossenv.emulation.session import open_session, registration_line
from crossenv.emulation.tree import make_tree
from crossenv.errors import DownloadError, EmulatorError, UsageError
from crossenv.platforms.architectures import ARCHITECTURES, target_architectures
from crossenv.report import Reporter
from crossenv.sysroots.debian import PYTHONS, debian_name, release_with
from crossenv.sysroots.unpack import read_member
from debian_archive import deb
from makers import AARCH64, ARMHF, S390X, X86_64, elf_bytes, write

ROWS = {row.name: row for row in ARCHITECTURES}


def make_root(directory: Path, version: str = "3.11", flags: str = "") -> Path:
    """A root file system of an arm64 host that holds an interpreter's file and a script."""
    write(directory / f"usr/bin/python{version}{flags}", elf_bytes(AARCH64, interpreter="/lib/ld-linux-aarch64.so.1"))
    write(directory / "usr/bin/tool", elf_bytes(AARCH64), mode=0o755)
    (directory / "usr/bin/absolute").symlink_to("/usr/bin/tool")
    return directory


def make_session(tmp_path: Path, *, registration: str = "") -> Session:
    root = make_root(tmp_path / "root")
    qemu = write(tmp_path / "tools/qemu-aarch64", "#!/bin/sh\n", mode=0o755)
    emulator = Emulator(program=qemu, architecture=ROWS["aarch64"], origin="PATH")
    interpreter = interpreter_in([root], AARCH64, version="3.11", flags="")
    (tmp_path / "site").mkdir()
    write(tmp_path / "scripts/hello", "#!/usr/bin/python3.11\nprint(1)\n", mode=0o755)
    write(tmp_path / "scripts/other.sh", "#!/bin/sh\n", mode=0o755)
    session = open_session(
        emulator, interpreter, tmp_path / "tree", site_packages=tmp_path / "site", scripts=tmp_path / "scripts",
        children="launcher",
    )  # fmt: skip
    return Session(
        emulator=session.emulator, interpreter=session.interpreter, tree=session.tree, scripts=session.scripts,
        registration=registration, why_not=session.why_not,
    )  # fmt: skip


def test_registration_says_which_programs() -> None:
    """Magic and mask as in QEMU's scripts/qemu-binfmt-conf.sh, whatever the OS ABI."""
    line = registration_line(AARCH64, Path("/usr/bin/qemu-aarch64"))
    _, name, kind, offset, magic, mask, program, flags = line.split(":")
    assert (name, kind, offset, program, flags) == ("crossenv", "M", "", "/usr/bin/qemu-aarch64", "PF")
    magics = bytes.fromhex(magic.replace("\\x", ""))
    masks = bytes.fromhex(mask.replace("\\x", ""))

    def matches(identity_bytes: bytes) -> bool:
        return all(
            one & bits == wanted & bits for one, wanted, bits in zip(identity_bytes, magics, masks, strict=False)
        )

    for kind_number in (2, 3):
        header = bytearray(elf_bytes(AARCH64))
        header[16:18] = kind_number.to_bytes(2, "little")
        header[7] = 3
        assert matches(bytes(header))
    header[16:18] = (1).to_bytes(2, "little")
    assert not matches(bytes(header)), "an object file is no program"
    assert not matches(elf_bytes(X86_64))
    assert not matches(elf_bytes(ARMHF))
    big = bytes.fromhex(registration_line(S390X, Path("/q")).split(":")[4].replace("\\x", ""))
    assert big[16:20] == b"\x00\x02\x00\x16"


def test_tree_is_a_virtual_environment_of_the_host(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    tree = session.tree
    assert (tree / "bin/python").readlink() == tmp_path / "root/usr/bin/python3.11"
    assert (tree / "lib/python3.11/site-packages").resolve() == tmp_path / "site"
    assert f"home = {tmp_path}/root/usr/bin\n" in (tree / "pyvenv.cfg").read_text()
    names = {path.name for path in (tree / "launchers").iterdir()}
    assert names == {"python", "python3", "python3.11", "hello"}, "shell scripts need no launcher"
    # Once more, after a script went and another came.
    (tmp_path / "scripts/hello").unlink()
    write(tmp_path / "scripts/new", "#!/bin/sh\n'''exec' /x/python \"$0\" \"$@\"\n' '''\n", mode=0o755)
    before = (tree / "launchers/python").stat().st_mtime_ns
    make_tree(
        tree, session.interpreter, session.emulator, site_packages=tmp_path / "site", scripts=tmp_path / "scripts"
    )
    assert {path.name for path in (tree / "launchers").iterdir()} == {"python", "python3", "python3.11", "new"}
    assert (tree / "launchers/python").stat().st_mtime_ns == before, "what is right is left alone"


def test_launchers_carry_awkward_paths(tmp_path: Path) -> None:
    place = tmp_path / "a 'b' $c"
    root = make_root(place / "root")
    says = write(place / "qemu aarch64", '#!/bin/sh\nprintf "%s\\n" "$@"\n', mode=0o755)
    emulator = Emulator(program=says, architecture=ROWS["aarch64"], origin="--emulator")
    interpreter = interpreter_in([root], AARCH64, version="", flags="")
    write(place / "scripts/hello", "#!/usr/bin/python3\n", mode=0o755)
    tree = make_tree(place / "tree", interpreter, emulator, site_packages=place, scripts=place / "scripts")
    done = subprocess.run([tree / "launchers/hello", "x y"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["-L", str(root), str(tree / "bin/python"), f"{place}/scripts/hello", "x y"]


@pytest.mark.parametrize(
    ("words", "program"),
    [
        (["python", "-V"], ["{tree}/bin/python", "-V"]),
        (["python3"], ["{tree}/bin/python"]),
        (["python3.11"], ["{tree}/bin/python"]),
        (["hello", "1"], ["{tree}/bin/python", "{tmp}/scripts/hello", "1"]),
        (["tool"], ["{tmp}/root/usr/bin/tool"]),
        (["absolute"], ["{tmp}/root/usr/bin/tool"]),
        (["{tmp}/scripts/hello"], ["{tree}/bin/python", "{tmp}/scripts/hello"]),
        (["{tmp}/root/usr/bin/tool"], ["{tmp}/root/usr/bin/tool"]),
    ],
)
def test_host_programs_are_found(words: list[str], program: list[str], tmp_path: Path) -> None:
    session = make_session(tmp_path)
    names = {"tree": str(session.tree), "tmp": str(tmp_path)}
    command = host_command(session, [word.format(**names) for word in words], {"PATH": "/usr/bin:/bin"})
    start = [str(session.emulator.program), "-L", str(tmp_path / "root")]
    assert list(command.words) == start + [word.format(**names) for word in program]


def test_programs_of_this_machine_are_started_as_they_are(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    command = host_command(session, ["sh", "-c", "true"], {"PATH": os.environ["PATH"]})
    assert Path(command.words[0]).name == "sh"


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("nothing-of-the-kind", "there is no program nothing-of-the-kind"),
        ("./nothing", "there is no program nothing"),
        ("python3.9", "the target's Python is 3.11, not 3.9"),
        ("{tmp}/armhf", "is for armv7l, and the target is aarch64"),
        ("{tmp}/cut", "cannot be read"),
    ],
)
def test_other_programs_are_refused(word: str, says: str, tmp_path: Path) -> None:
    session = make_session(tmp_path)
    write(tmp_path / "armhf", elf_bytes(ARMHF))
    write(tmp_path / "cut", b"\x7fELF\x02")
    with pytest.raises(EmulatorError, match=says) as refusal:
        host_command(session, [word.format(tmp=tmp_path)], {"PATH": "/usr/bin:/bin"})
    assert refusal.value.hint


def test_environment_of_a_host_program(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    given: Mapping[str, str] = {"PATH": "/bin", "PYTHONHOME": "/native", "PYTHON_CROSSENV": "1", "OTHER": "kept"}
    found = host_command(session, ["python"], given).environment
    assert found["PATH"] == f"{session.tree}/launchers:/bin"
    assert found["QEMU_LD_PREFIX"] == str(tmp_path / "root")
    assert found["CROSSENV_LAUNCHER"] == f"{session.tree}/launchers/python"
    assert found["OTHER"] == "kept"
    assert "PYTHONHOME" not in found
    assert "PYTHON_CROSSENV" not in found
    assert "sve=off" in found["QEMU_CPU"]
    kernel = make_session(tmp_path / "kernel", registration="line")
    found = host_command(kernel, ["python"], {**given, "QEMU_CPU": "cortex-a53"}).environment
    assert found["PATH"] == f"{kernel.tree}/bin:{kernel.tree}/launchers:/bin"
    assert "CROSSENV_LAUNCHER" not in found
    assert found["QEMU_CPU"] == "cortex-a53", "the user's choice wins"


def test_libraries_outside_the_root_are_for_emulated_programs_only(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    interpreter = HostInterpreter(
        root=tmp_path / "root", python=session.interpreter.python, version="3.11", flags="",
        libraries=(tmp_path / "lib",), host_path="/opt/bin/python3.11", origin="test",
    )  # fmt: skip
    moved = Session(
        emulator=session.emulator, interpreter=interpreter, tree=session.tree, scripts=session.scripts,
        registration="", why_not="",
    )  # fmt: skip
    found = host_command(moved, ["python"], {"QEMU_SET_ENV": "A=1"}).environment
    assert found["QEMU_SET_ENV"] == f"LD_LIBRARY_PATH={tmp_path}/lib,A=1"
    assert "LD_LIBRARY_PATH" not in found


@pytest.mark.parametrize(("version", "flags"), [("3.11", ""), ("3.13", "t")])
def test_an_interpreter_in_a_root(version: str, flags: str, tmp_path: Path) -> None:
    root = make_root(tmp_path, version, flags)
    found = interpreter_in([root], AARCH64, version=version, flags=flags)
    assert (found.python, found.host_path) == (
        root / f"usr/bin/python{version}{flags}",
        f"/usr/bin/python{version}{flags}",
    )
    for wanted, kind, identity in (("3.12", flags, AARCH64), (version, "d", AARCH64), (version, flags, ARMHF)):
        with pytest.raises(EmulatorError, match="no python"):
            interpreter_in([root], identity, version=wanted, flags=kind)
    with pytest.raises(EmulatorError, match="there is no directory"):
        interpreter_in([tmp_path / "nothing"], AARCH64, version="", flags="")


def test_packages_are_where_the_interpreter_looks(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root")
    write(root / "usr/bin/pypy3.11", elf_bytes(AARCH64, interpreter="/lib/ld-linux-aarch64.so.1"))
    qemu = write(tmp_path / "qemu-aarch64", "#!/bin/sh\n", mode=0o755)
    emulator = Emulator(program=qemu, architecture=ROWS["aarch64"], origin="PATH")
    for kind in ("python", "pypy"):
        found = interpreter_in([root], AARCH64, version="3.11", flags="", kind=kind)
        assert found.python.name == f"{kind}3.11"
        tree = make_tree(tmp_path / kind, found, emulator, site_packages=tmp_path / "site", scripts=tmp_path)
        assert (tree / f"lib/{kind}3.11/site-packages").readlink() == tmp_path / "site"
        assert [path.name for path in (tree / "lib").iterdir()] == [f"{kind}3.11"]
        assert (tree / f"bin/{kind}3.11").is_symlink()


def test_emulators_are_found(tmp_path: Path) -> None:
    row, reporter = ROWS["armv7l"], Reporter()
    first = write(tmp_path / "a/qemu-arm-static", "#!/bin/sh\n", mode=0o755)
    found = find_emulator(row, given=None, environ={"PATH": f"{tmp_path}/a"}, cache=tmp_path / "c", reporter=reporter)
    assert (found.program, found.origin) == (first, "PATH")
    better = write(tmp_path / "b/qemu-arm", "#!/bin/sh\n", mode=0o755)
    path = {"PATH": f"{tmp_path}/a:{tmp_path}/b"}
    assert find_emulator(row, given=None, environ=path, cache=tmp_path, reporter=reporter).program == better
    assert find_emulator(row, given=str(first), environ=path, cache=tmp_path, reporter=reporter).origin == "--emulator"
    with pytest.raises(EmulatorError, match="there is no emulator nothing"):
        find_emulator(row, given="nothing", environ=path, cache=tmp_path, reporter=reporter)
    kept = write(tmp_path / f"c/emulators/{os.uname().machine}/qemu-arm", "#!/bin/sh\n", mode=0o755)
    found = find_emulator(row, given=None, environ={"PATH": ""}, cache=tmp_path / "c", reporter=reporter)
    assert (found.program, found.origin) == (kept, "cache")


def test_no_emulator_and_no_network(tmp_path: Path) -> None:
    environ = {"PATH": "", "CROSSENV_DEBIAN_MIRROR": f"file://{tmp_path}/nothing"}
    with pytest.raises(EmulatorError, match="qemu-arm is not on PATH and cannot be fetched") as refusal:
        find_emulator(ROWS["armv7l"], given=None, environ=environ, cache=tmp_path / "cache", reporter=Reporter())
    assert "apt-get install" in refusal.value.hint
    assert not (tmp_path / "cache/emulators").exists()


def test_one_file_of_a_package() -> None:
    data = deb([("./usr/bin/qemu-arm", b"program"), ("./usr/bin/link", "qemu-arm")])
    assert read_member(data, "qemu-user", "usr/bin/qemu-arm") == b"program"
    assert read_member(data, "qemu-user", "usr/bin/link") is None
    assert read_member(data, "qemu-user", "usr/bin/qemu-ppc") is None
    for broken in (data[:-20], b"nothing", data.replace(b"\xfd7zXZ", b"\xfd7zXY")):
        with pytest.raises(DownloadError):
            read_member(broken, "qemu-user", "usr/bin/other")


def test_debian_has_a_name_for_each_target() -> None:
    assert {debian_name(row.name) for row in target_architectures()} >= {"arm64", "armhf", "ppc64el", "loong64"}
    with pytest.raises(UsageError, match="Debian has no architecture for sparc64"):
        debian_name("sparc64")
    assert all(release_with(version) for versions in PYTHONS.values() for version in versions)
    assert release_with("3.10") is None


def test_a_registration_that_the_kernel_refuses_is_told() -> None:
    """Whatever this kernel allows, a line that is none is refused, and this process is as it was."""
    before = Path("/proc/self/ns/user").readlink()
    assert works("no line") != ""
    assert Path("/proc/self/ns/user").readlink() == before


def test_guest_watches_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "prefix/bin/python"
    write(own, elf_bytes(AARCH64))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    monkeypatch.setenv(guest.HOST_PATH_VARIABLE, "/opt/host/bin/python3.11")
    host = write(tmp_path / "host-program", elf_bytes(AARCH64), mode=0o755)
    here = write(tmp_path / "build-program", elf_bytes(X86_64), mode=0o755)
    script = write(tmp_path / "script", "#!/opt/host/bin/python3\n", mode=0o755)
    other = write(tmp_path / "other", "#!/usr/bin/env python3\n", mode=0o755)
    assert guest.is_of_host(str(host))
    assert guest.is_of_host(str(script))
    assert not guest.is_of_host(str(here))
    assert not guest.is_of_host(str(other))
    assert not guest.is_of_host(str(tmp_path / "nothing"))
    with pytest.raises(OSError, match="without binfmt_misc only Python"):
        guest._watch("subprocess.Popen", ("host-program", ["host-program"], None, {"PATH": str(tmp_path)}))
    guest._watch("subprocess.Popen", (str(here), [str(here)], None, None))
    guest._watch("open", (str(host),))


def test_run_needs_something_to_run(crossenv: CrossenvCommand, env: Path, tmp_path: Path) -> None:
    for words, says in (
        (["run", "--env", str(env)], "no command"),
        (["run", "--", "python"], "no environment"),
        (["run", "--python", "3.11", "--", "python"], "--python goes with --target"),
        (["run", "--env", str(env), "--target", "aarch64", "--", "python"], "exclude each other"),
        (["run", "--env", str(tmp_path), "--", "python"], "is not a cross environment"),
    ):
        result = crossenv(*words, check=False, VIRTUAL_ENV="")
        assert result.returncode == 2, result.stderr
        assert says in result.stderr
        assert "crossenv: hint:" in result.stderr


def test_no_interpreter_to_run(crossenv: CrossenvCommand, env: Path, tmp_path: Path) -> None:
    """The made-up host has no loader here, and the mirror is none."""
    result = crossenv(
        "run", "--env", env, "--", "python", check=False, XDG_CACHE_HOME=str(tmp_path),
        CROSSENV_DEBIAN_MIRROR=f"file://{tmp_path}/nothing",
    )  # fmt: skip
    assert result.returncode == 8, result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.glob("crossenv/hosts/[a-z]*"))


CHILDREN = """
import multiprocessing, os, platform, subprocess, sys
def square(number): return number * number, platform.machine()
if __name__ == "__main__":
    print(platform.machine(), sys.prefix == sys.base_prefix)
    child = [sys.executable, "-c", "import platform; print(platform.machine())"]
    print(subprocess.run(child, capture_output=True, text=True, check=True).stdout.strip())
    line = "python -c 'import platform; print(platform.machine())'"
    print(subprocess.run(line, shell=True, capture_output=True, text=True, check=True).stdout.strip())
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(square, [3]))
"""


@pytest.fixture(scope="session")
def qemu() -> str:
    found = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
    if found is None:
        pytest.skip("needs qemu-aarch64 or qemu-aarch64-static")
    return found


@pytest.mark.integration
@pytest.mark.parametrize("children", ["kernel", "launcher"])
def test_children_are_the_hosts(children: str, qemu: str, debian_env: Path, tmp_path: Path, run: Run) -> None:
    if children == "kernel" and (reason := works(registration_line(AARCH64, Path(qemu)))):
        pytest.skip(f"needs a kernel with a binfmt_misc for each user namespace: {reason}")
    script = write(tmp_path / "children.py", CHILDREN)
    said = run(
        sys.executable, "-m", "crossenv", "run", "--env", debian_env, "--children", children, "--", "python", script
    )
    assert said.splitlines() == ["aarch64 False", "aarch64", "aarch64", "[(9, 'aarch64')]"]


@pytest.mark.integration
@pytest.mark.usefixtures("qemu")
def test_cross_run(debian_env: Path, cross_gcc: str, tmp_path: Path, run: Run) -> None:
    """Exit codes and signals pass through; host-side packages and their scripts are there; programs in C too."""
    cross_run = debian_env / "bin/cross-run"
    project = projects.setuptools_c(tmp_path / "project", "crossenv_runs")
    run(debian_env / "bin/cross-pip", "install", project)
    assert run(cross_run, "python", "-c", "import crossenv_runs._toy as t; print(t.answer())") == "8\n"
    assert run(cross_run, "crossenv_runs-tool") == "toy\n"
    assert subprocess.run([cross_run, "python", "-c", "raise SystemExit(17)"], check=False).returncode == 17
    ends = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    assert subprocess.run([cross_run, "python", "-c", ends], check=False).returncode == -signal.SIGTERM
    source = write(tmp_path / "main.c", "int puts(const char *); int main(int c, char **v) { puts(v[1]); return c; }")
    run(cross_gcc, source, "-o", tmp_path / "program")
    done = subprocess.run([cross_run, "./program", "a  b"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "a  b\n")


@pytest.mark.integration
@pytest.mark.usefixtures("qemu")
def test_refused_children_say_so(debian_env: Path, cross_gcc: str, tmp_path: Path, run: Run) -> None:
    source = write(tmp_path / "main.c", "int main(void) { return 0; }")
    run(cross_gcc, source, "-o", tmp_path / "program")
    code = f"import subprocess; subprocess.run([{str(tmp_path / 'program')!r}])"
    words = ["run", "--env", str(debian_env), "--children", "launcher", "--", "python", "-c", code]
    done = subprocess.run([sys.executable, "-m", "crossenv", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    says = "this is a program of the target, and without binfmt_misc only Python is started from a target's program"
    assert says in done.stderr


@pytest.mark.integration
@pytest.mark.usefixtures("qemu")
@pytest.mark.parametrize("backend", ["meson", "cmake"])
def test_an_emulator_for_the_build_is_opt_in(
    backend: str, sysroot: Path, debian_env: Path, cross_gcc: str, tmp_path: Path, run: Run
) -> None:
    """A build that runs a program of the host to learn something: refused as a rule, allowed on request."""
    willing = tmp_path / "willing"
    run(
        sys.executable, "-m", "crossenv", "create", "--python", sys.executable, "--cc", cross_gcc, "--emulator",
        "--host-python", sysroot / f"usr/bin/python{VERSION}", willing,
    )  # fmt: skip
    project = getattr(projects, f"asks_{backend}")(tmp_path / "project")
    wheel = ("wheel", "--no-deps", "-w", tmp_path / "out", project)
    refused = subprocess.run([debian_env / "bin/cross-pip", *wheel], capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    run(willing / "bin/cross-pip", *wheel)
    (made,) = (tmp_path / "out").glob("*.whl")
    shutil.unpack_archive(made, tmp_path / "site", "zip")
    answer = run(
        willing / "bin/cross-run", "python", "-c", "import toy._toy as t; print(t.answer())",
        PYTHONPATH=str(tmp_path / "site"),
    )  # fmt: skip
    assert answer == "183\n", "what the program of the target said at configure time"


@pytest.mark.integration
@pytest.mark.skipif(shutil.which("gpgv") is None, reason="needs gpgv to fetch from Debian")
def test_everything_is_fetched_once(tmp_path: Path, run: Run) -> None:
    """Neither an emulator nor a host Python at hand; the second run has no network."""
    if VERSION not in ("3.11", "3.13"):
        pytest.skip(f"no stable Debian has Python {VERSION}")
    path = os.pathsep.join(
        entry for entry in os.environ["PATH"].split(os.pathsep) if not list(Path(entry).glob("qemu-aarch64*"))
    )
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("gpgv", "env", "sh"):
        (tools / name).symlink_to(str(shutil.which(name)))
    words = [sys.executable, "-m", "crossenv", "run", "--target", "aarch64", "--python", VERSION, "--", "python", "-c"]
    code = "import platform, ssl, sqlite3; print(platform.machine())"
    kept = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": f"{tools}{os.pathsep}{path}"}
    assert run(*words, code, **kept) == "aarch64\n"
    assert list(tmp_path.glob("cache/crossenv/emulators/*/qemu-aarch64"))
    nowhere = {"CROSSENV_DEBIAN_MIRROR": f"file://{tmp_path}/nothing"}
    assert run(*words, code, **kept, **nowhere) == "aarch64\n"


def test_a_build_may_not_emulate_unless_it_is_told_to(env: Path) -> None:
    assert json.loads((env / "crossenv.json").read_text())["handover"]["emulator"] is False
    assert "\nexe_wrapper" not in (env / "etc/meson-cross.ini").read_text()
    assert "cannot run here" in (env / "etc/bin/cross-python-only").read_text()

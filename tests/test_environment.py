"""Environments: how they are made, and what their interpreters answer."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import hosts
import makers
from conftest import CrossenvCommand, Run
from makers import write

ANSWERS = """
import json, os, platform, sys, sysconfig
print(json.dumps({
    "cross": getattr(sys, "cross_compiling", False),
    "machine": platform.machine(),
    "uname": os.uname().machine,
    "platform": sysconfig.get_platform(),
    "suffix": sysconfig.get_config_var("EXT_SUFFIX"),
    "include": sysconfig.get_path("include"),
    "purelib": sysconfig.get_path("purelib"),
    "executable": sys.executable,
    "prefix": sys.prefix,
    "path": sys.path,
    "multiarch": sys.implementation._multiarch,
    "architecture": platform.architecture(),
    "processor": platform.uname().processor,
}))
"""
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


def test_show_says_what_was_made(crossenv: CrossenvCommand, env: Path) -> None:
    record = json.loads(crossenv("show", env, "--json").stdout)
    assert record["schema"] == 11
    assert record["root"] == str(env)
    assert record["host"]["machine"] == "aarch64"
    assert record["host"]["soabi"].endswith("-aarch64-linux-gnu")
    assert record["host"]["platform_tag"] == "linux_aarch64"
    assert record["toolchain"]["triplet"] == "aarch64-linux-gnu"
    text = crossenv("show", env).stdout
    assert "aarch64, 64-bit, little-endian" in text
    assert "linux_aarch64" in text


def test_the_active_environment_is_the_default(crossenv: CrossenvCommand, env: Path) -> None:
    assert json.loads(crossenv("show", "--json", VIRTUAL_ENV=str(env)).stdout)["root"] == str(env)
    result = crossenv("show", check=False, VIRTUAL_ENV="")
    assert result.returncode == 2
    assert "hint: activate one, or name its directory" in result.stderr


@pytest.mark.parametrize("name", ["bin/python", "bin/python3", "bin/cross-python", "cross/bin/python"])
@pytest.mark.parametrize("flags", ["", "-I", "-E", "-s", "-B", "-Es", "-O", "-I -B", "-X utf8"])
def test_every_start_mode_answers_for_the_host(env: Path, run: Run, name: str, flags: str) -> None:
    answers = json.loads(run(env / name, *flags.split(), "-c", ANSWERS))
    expected = {
        "cross": True,
        "machine": "aarch64",
        "uname": "aarch64",
        "platform": "linux-aarch64",
        "multiarch": "aarch64-linux-gnu",
        "prefix": str(env / "cross"),
        "purelib": str(env / f"cross/lib/python{VERSION}{sys.abiflags}/site-packages"),
        "architecture": ["64bit", "ELF"],
        "processor": "",
    }
    assert {key: answers[key] for key in expected} == expected
    assert answers["suffix"].endswith("-aarch64-linux-gnu.so")
    assert answers["executable"].startswith(f"{env}/cross/bin/python")
    assert len(answers["path"]) == len(set(answers["path"]))


@pytest.mark.parametrize("kind", ["script", "module", "stdin", "directory"])
def test_every_kind_of_program_answers_for_the_host(env: Path, tmp_path: Path, run: Run, kind: str) -> None:
    program = tmp_path / "__main__.py"
    program.write_text(ANSWERS)
    words = {
        "script": [str(program)],
        "module": ["-m", "__main__answers"],
        "stdin": ["-"],
        "directory": [str(tmp_path)],
    }[kind]
    shutil.copy(program, tmp_path / "__main__answers.py")
    output = subprocess.run(
        [env / "bin/python", *words], input=ANSWERS, capture_output=True, text=True, cwd=tmp_path, check=True
    ).stdout
    assert json.loads(output)["machine"] == "aarch64"


def test_a_foreign_sitecustomize_does_not_shadow_the_shim(env: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "sitecustomize.py").write_text("import platform\n")
    answers = json.loads(run(env / "bin/python", "-c", ANSWERS, PYTHONPATH=str(tmp_path), PYTHONDONTWRITEBYTECODE="1"))
    assert answers["machine"] == "aarch64"


def test_the_build_side_is_native(env: Path, run: Run) -> None:
    answers = json.loads(run(env / "bin/build-python", "-c", ANSWERS))
    assert not answers["cross"]
    assert answers["machine"] == os.uname().machine
    assert answers["prefix"] == str(env / "build")
    assert json.loads(run(env / "build/bin/python", "-c", ANSWERS))["machine"] == os.uname().machine


def test_the_two_sides_do_not_see_each_other(env: Path, run: Run) -> None:
    cross = json.loads(run(env / "bin/python", "-c", ANSWERS))["path"]
    build = json.loads(run(env / "bin/build-python", "-c", ANSWERS))["path"]
    assert any(entry.startswith(f"{env}/cross/") for entry in cross)
    assert not any(entry.startswith(f"{env}/build/") for entry in cross)
    assert any(entry.startswith(f"{env}/build/") for entry in build)
    assert not any(entry.startswith(f"{env}/cross/") for entry in build)


def test_nothing_of_the_host_is_in_a_childs_environment(env: Path, run: Run) -> None:
    show = "import json, os, subprocess, sys; print(subprocess.check_output(['env', '-0'], text=True), end='')"
    before = set(run("env", "-0").split("\0"))
    added = {entry.partition("=")[0] for entry in set(run(env / "bin/python", "-c", show).split("\0")) - before}
    assert added <= {"CROSSENV_RECORD", "PYTHON_CROSSENV"}


def test_markers_and_tags_are_the_hosts(env: Path, run: Run) -> None:
    code = (
        "from pip._vendor.packaging.markers import default_environment as e\n"
        "from pip._vendor.packaging.tags import sys_tags\n"
        "print(e()['platform_machine'], next(sys_tags()))\n"
        "print(*sorted({t.platform.rpartition('_')[2] for t in sys_tags()}))\n"
    )
    first, machines = run(env / "bin/python", "-c", code).splitlines()
    nodot = VERSION.replace(".", "")
    assert first == f"aarch64 cp{nodot}-cp{nodot}{sys.abiflags}-linux_aarch64"
    assert machines == "aarch64 any" or machines == "any aarch64" or set(machines.split()) == {"any", "aarch64"}


def test_python_config_answers_for_the_host(env: Path, run: Run) -> None:
    config = env / f"etc/bin/python{VERSION}{sys.abiflags}-config"
    assert run(config, "--extension-suffix").endswith("-aarch64-linux-gnu.so\n")
    assert f"/include/python{VERSION}" in run(config, "--includes")
    prefix = run(config, "--prefix").strip()
    assert (Path(prefix) / f"include/python{VERSION}{sys.abiflags}/Python.h").exists()
    assert subprocess.run([config, "--nonsense"], capture_output=True, check=False).returncode == 1


def test_doctor_finds_nothing_wrong_with_the_start_modes(crossenv: CrossenvCommand, env: Path) -> None:
    findings = json.loads(crossenv("doctor", env, "--json", check=False).stdout)
    starts = [finding for finding in findings if "reports the target" in finding["check"]]
    assert len(starts) >= 8
    assert all(not finding["fault"] for finding in starts)


@pytest.mark.integration
def test_doctor_takes_the_compilers_own_headers_for_its_own(
    crossenv: CrossenvCommand, sysroot: Path, cross_gcc: str, tmp_path: Path
) -> None:
    """A directory of the compiler with links into /usr/include, as Debian's cross compilers have from gcc 16 on."""
    (tmp_path / "own/linux").mkdir(parents=True)
    (tmp_path / "own/linux/limits.h").symlink_to("/usr/include/linux/limits.h")
    for name, real in (("gcc", cross_gcc), ("g++", cross_gcc.removesuffix("gcc") + "g++")):
        script = f'#!/bin/sh\nexec {real} -isystem {tmp_path}/own "$@"\n'
        write(tmp_path / f"bin/aarch64-linux-gnu-{name}", script, mode=0o755)
    words = ("--python", sys.executable, "--host-python", sysroot / f"usr/bin/python{VERSION}")
    crossenv("create", *words, "--cc", tmp_path / "bin/aarch64-linux-gnu-gcc", tmp_path / "env")
    assert "FAIL" not in crossenv("doctor", tmp_path / "env").stdout


def test_the_headers_are_the_hosts_however_they_are_asked_for(env: Path, host_prefix: Path, run: Run) -> None:
    """Python 3.14 reads the data before it sets its bases, and reads them again where `sys.prefix` has changed."""
    program = """
import json, sys, sysconfig
answers = [sysconfig.get_path("include"), sysconfig.get_paths()["platinclude"], sysconfig.get_config_var("INCLUDEPY")]
sys.prefix += "/elsewhere"
answers.append(sysconfig.get_path("include"))
print(json.dumps([*answers, *sysconfig.get_config_vars("installed_base", "installed_platbase")]))
"""
    *headers, base, platbase = json.loads(run(env / "bin/python", "-c", program))
    assert set(headers) == {str(next((host_prefix / "include").glob("python3*")))}
    assert base == platbase == str(host_prefix)
    printed = run(env / "bin/python", "-m", "sysconfig")
    assert f'include = "{headers[0]}"' in printed


def test_no_start_file_is_beside_the_pth_files(env: Path) -> None:
    """It would turn their lines off, from Python 3.15 on (PEP 829)."""
    names = sorted(path.name for path in env.glob("cross/lib/python3*/site-packages/000_*"))
    assert names == ["000_crossenv.pth", "000_crossenv_check.pth"]


@pytest.mark.skipif(sys.version_info < (3, 15), reason="sys.abi_info came in Python 3.15")
def test_abi_info_is_the_hosts(env: Path, run: Run) -> None:
    """Also that of a machine which differs from this one."""
    site = next(env.glob("cross/lib/python3*/site-packages"))
    program = f"""
import marshal, sys
import _crossenv
with open("{site}/_crossenv/facts.marshal", "rb") as file:
    facts = marshal.load(file)
facts["identity"] |= {{"bits": 32, "byte_order": "big"}}
_crossenv.install(facts)
print(sys.abi_info.pointer_bits, sys.abi_info.byteorder, sys.abi_info.free_threaded)
"""
    assert run(sys.executable, "-c", program, PYTHONPATH=str(site)) == f"32 big {'t' in sys.abiflags}\n"


def test_doctor_names_a_broken_environment(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path) -> None:
    env = tmp_path / "env"
    crossenv("create", "--python", sys.executable, "--host-python", host_prefix, env)
    site = env / f"cross/lib/python{VERSION}{sys.abiflags}/site-packages"
    (site / "000_crossenv.pth").unlink()
    for damaged in (site, Path(str(site).replace("/cross/", "/build/"))):
        # Other environments have links to the same file.
        (damaged / "pip/_internal/commands/wheel.py").unlink()
        write(damaged / "pip/_internal/commands/wheel.py", "")
    result = crossenv("doctor", "-v", env, check=False)
    # A terminal shows these while they run; elsewhere those are told that take long.
    assert "checking that the build side reports this machine" in result.stderr
    assert result.returncode == 7
    assert "FAIL `cross/bin/python -c` reports the target" in result.stdout
    for side in ("target", "build"):
        assert f"FAIL pip works on the {side} side" in result.stdout
    assert "mend: make the environment anew: `crossenv create --clear`" in result.stdout


# The destination


def test_creation_again_needs_clear(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path) -> None:
    words = ("create", "--python", sys.executable, "--host-python", host_prefix, tmp_path / "env", "--without-pip")
    crossenv(*words)
    (tmp_path / "env/keepsake").touch()
    again = crossenv(*words, check=False)
    assert again.returncode == 2
    assert "is already a cross environment" in again.stderr
    assert "--clear" in again.stderr
    assert (tmp_path / "env/keepsake").exists()
    crossenv(*words, "--clear")
    assert not (tmp_path / "env/keepsake").exists()
    assert not (tmp_path / "env/bin/cross-pip").exists()


@pytest.mark.parametrize("clear", [False, True])
def test_a_directory_that_is_not_ours_is_left_alone(
    crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path, clear: bool
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/thesis.txt").write_text("years")
    words: list[str | Path] = [
        "create",
        "--host-python",
        host_prefix,
        tmp_path / "home",
        *(["--clear"] if clear else []),
    ]
    result = crossenv(*words, check=False)
    assert result.returncode == 2
    assert "is not empty and no cross environment" in result.stderr
    assert (tmp_path / "home/thesis.txt").read_text() == "years"


def test_unusable_destinations(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    for destination, says in (
        (tmp_path / "file", "is not a directory"),
        (tmp_path / "link", f"link is a broken link: {tmp_path}/gone does not exist"),
        (tmp_path / "file/below", "cannot be"),
        (Path("/proc/crossenv/env"), "cannot be made"),
        (tmp_path / "a:b", "which build tools take apart"),
    ):
        result = crossenv("create", "--python", sys.executable, "--host-python", host_prefix, destination, check=False)
        assert result.returncode == 2, destination
        assert says in result.stderr
        assert re.search(r"hint: .*name (a|another) directory", result.stderr)
        assert "Traceback" not in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]


@pytest.mark.parametrize(
    "name",
    ["with spaces, (brackets) & #1", "Grüße-日本語", "deep/" + "/".join(["x" * 60] * 4)],
    ids=["spaces", "letters", "long"],
)
def test_paths_of_every_kind_work(
    crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path, run: Run, name: str
) -> None:
    env = tmp_path / name
    crossenv("create", "--python", sys.executable, "--host-python", host_prefix, env)
    assert json.loads(run(env / "bin/cross-python", "-c", ANSWERS))["machine"] == "aarch64"
    assert str(env / "cross") in run(env / "bin/cross-pip", "--version")
    assert str(env / "build") in run(env / "bin/build-pip", "--version")
    assert run(env / f"etc/bin/python{VERSION}{sys.abiflags}-config", "--abiflags").strip() == sys.abiflags
    assert (
        run("sh", "-c", '. "$1/bin/activate" && python -c "import platform; print(platform.machine())"', "sh", env)
        == "aarch64\n"
    )


def test_two_creations_at_once(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path) -> None:
    words = ("create", "--python", sys.executable, "--host-python", host_prefix, tmp_path / "env")
    results: list[subprocess.CompletedProcess[str]] = []
    threads = [threading.Thread(target=lambda: results.append(crossenv(*words, check=False))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.returncode for result in results) == [0, 2, 2]
    for result in results:
        assert result.returncode == 0 or "at work in" in result.stderr or "already a cross environment" in result.stderr
    assert crossenv("show", tmp_path / "env").returncode == 0


def test_killing_create_leaves_nothing_that_show_accepts(
    crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path
) -> None:
    words = ["create", "--python", sys.executable, "--host-python", str(host_prefix)]
    command = [sys.executable, "-m", "crossenv", *words]
    started = time.monotonic()
    crossenv(*words, tmp_path / "whole")
    whole = time.monotonic() - started
    refused = 0
    for step in range(1, 16):
        env = tmp_path / f"env{step}"
        process = subprocess.Popen(
            [*command, str(env)],
            env={**os.environ, "PATH": crossenv.path},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # Denser towards the end, where the files are written.
        time.sleep(whole * (step / 15) ** 0.5)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if crossenv("show", env, check=False).returncode == 0:
            assert crossenv("doctor", env, "--json", check=False).stdout.count('"fault": ""') >= 10
            continue
        refused += 1
        # What is left is not in the way.
        crossenv(*words, env)
        assert crossenv("show", env).returncode == 0
    assert refused, "no kill came before the end; the test saw nothing"


def test_a_failing_creation_leaves_nothing(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path) -> None:
    # virtualenv cannot write its application data, and has none to read.
    result = crossenv(
        "create",
        "--python",
        sys.executable,
        "--host-python",
        host_prefix,
        tmp_path / "a/b/env",
        check=False,
        VIRTUALENV_PIP="0.0.nonsense",
    )
    assert result.returncode != 0
    assert "Traceback" not in result.stderr, result.stderr
    assert not (tmp_path / "a").exists()


# What becomes of an environment


def test_a_moved_environment_says_so(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path) -> None:
    crossenv("create", "--python", sys.executable, "--host-python", host_prefix, tmp_path / "env", "--without-pip")
    (tmp_path / "env").rename(tmp_path / "moved")
    for program in ("bin/python", "cross/bin/python"):
        result = subprocess.run(
            [tmp_path / "moved" / program, "-c", "print('native')"], capture_output=True, text=True, check=False
        )
        assert result.returncode != 0
        assert "has been moved" in result.stderr
        assert "native" not in result.stdout
    result = crossenv("show", tmp_path / "moved", check=False)
    assert result.returncode == 2
    assert "has been moved" in result.stderr


def test_an_environment_reached_through_a_link(env: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "link").symlink_to(env)
    assert json.loads(run(tmp_path / "link/bin/python", "-c", ANSWERS))["machine"] == "aarch64"
    assert json.loads(run(tmp_path / "link/cross/bin/python", "-c", ANSWERS))["machine"] == "aarch64"


def test_the_shim_sleeps_where_the_packages_are_deployed(env: Path, tmp_path: Path, run: Run) -> None:
    # A site directory copied to a device, or read from there by a Python of its own.
    site = env / f"cross/lib/python{VERSION}{sys.abiflags}/site-packages"
    shutil.copytree(site, tmp_path / "site", symlinks=True)
    code = f"import site; site.addsitedir({str(tmp_path / 'site')!r}); " + ANSWERS
    answers = json.loads(run(sys.executable, "-c", code))
    assert not answers["cross"]
    assert answers["machine"] == os.uname().machine


def test_a_damaged_shim_ends_the_process(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path) -> None:
    env = tmp_path / "env"
    crossenv("create", "--python", sys.executable, "--host-python", host_prefix, env, "--without-pip")
    facts = env / f"cross/lib/python{VERSION}{sys.abiflags}/site-packages/_crossenv/facts.marshal"
    facts.write_bytes(facts.read_bytes()[:50])
    result = subprocess.run([env / "bin/python", "-c", "print('native')"], capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "native" not in result.stdout
    assert "facts cannot be read" in result.stderr
    assert "hint:" in result.stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text[: len(text) // 2], "is not a record"),
        (lambda text: text.replace('"schema": 11', '"schema": 9'), "is of schema 9; this crossenv reads schema 11"),
        (lambda text: text.replace('"bits": 64', '"bits": "64"'), "expected int at 'host.identity.bits'"),
        (lambda text: text.replace('"multiarch"', '"multiarsch"'), "missing 'host.multiarch'"),
        (lambda text: "[]", "is of schema None"),
    ],
    ids=["truncated", "another schema", "wrong type", "missing key", "a list"],
)
def test_a_damaged_record_is_refused(
    crossenv: CrossenvCommand, env: Path, tmp_path: Path, change: object, says: str
) -> None:
    assert callable(change)
    (tmp_path / "crossenv.json").write_text(change((env / "crossenv.json").read_text()))
    result = crossenv("show", tmp_path, check=False)
    assert result.returncode == 2
    assert says in result.stderr
    assert "hint: create the environment again" in result.stderr


# Targets


def test_a_target_needs_no_host_python(crossenv: CrossenvCommand, tmp_path: Path, run: Run) -> None:
    gcc = shutil.which("aarch64-linux-gnu-gcc")
    if gcc is None:
        pytest.skip("needs aarch64-linux-gnu-gcc: what a host is like is asked of a real compiler")
    env = tmp_path / "env"
    crossenv("create", "--python", sys.executable, "--target", "linux_aarch64", "--cc", gcc, env, "--without-pip")
    record = json.loads((env / "crossenv.json").read_text())
    assert record["host"]["layout"] == "synthesised"
    assert record["host"]["platform_tag"] == "linux_aarch64"
    answers = json.loads(run(env / "bin/python", "-c", ANSWERS))
    assert answers["suffix"].endswith("-aarch64-linux-gnu.so")
    assert answers["include"].startswith(str(env))
    assert (Path(answers["include"]) / "pyconfig.h").is_file()
    plan = crossenv("create", "--dry-run", "--target", "linux_aarch64", "--cc", gcc, tmp_path / "not made")
    assert "would create" in plan.stdout
    assert re.search(r"^  and \d+ headers of Python in host/python/include/python3", plan.stdout, re.MULTILINE)
    words = ("create", "--dry-run", "--json", "--target", "linux_aarch64", "--cc", gcc, tmp_path / "not made")
    include = json.loads(crossenv(*words).stdout)["record"]["host"]["include_dirs"][0]
    assert include.startswith(f"{tmp_path}/not made/host/python/include/")
    assert not (tmp_path / "not made").exists()


@pytest.mark.parametrize(
    ("words", "code", "says", "mend"),
    [
        (["--target", "aarch65"], 2, "there is no target 'aarch65'", "did you mean aarch64"),
        (["--target", "manylinux_2_5_aarch64"], 2, "the oldest manylinux policy for aarch64", "use manylinux_2_28"),
        (["--target", "s390x-linux-gnu", "--cc", "aarch64-linux-gnu-gcc"], 4, "it makes aarch64 objects", "--cc"),
        (
            ["--target", "aarch64", "--machine", "aarch64"],
            2,
            "--machine goes with --host-python",
            "leave --machine out",
        ),
        (["--target", "aarch64", "--host-python", "/usr"], 2, "--target and --host-python exclude", "leave one"),
        ([], 2, "no target and no host Python", ""),
    ],
)
def test_targets_that_cannot_be(
    crossenv: CrossenvCommand, tmp_path: Path, words: list[str], code: int, says: str, mend: str
) -> None:
    result = crossenv("create", "--python", sys.executable, *words, tmp_path / "env", check=False)
    assert result.returncode == code, result.stderr
    assert says in result.stderr
    assert mend in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "env").exists()


# Options


def test_a_build_python_without_venv(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path, run: Run) -> None:
    """Debian has venv and ensurepip in a package of their own."""
    own = Path(os.__file__).parent
    library = tmp_path / f"python/lib/{own.name}"
    library.mkdir(parents=True)
    for entry in own.iterdir():
        if entry.name not in ("venv", "ensurepip", "site-packages"):
            (library / entry.name).symlink_to(entry)
    python = tmp_path / f"python/bin/python{VERSION}"
    python.parent.mkdir()
    shutil.copy2(Path(sys.executable).resolve(), python)
    lacks = subprocess.run([python, "-c", "import venv"], capture_output=True, text=True, check=False)
    if "No module named 'venv'" not in lacks.stderr:
        pytest.skip("this Python cannot be copied")
    crossenv("create", "--python", python, "--host-python", host_prefix, tmp_path / "env")
    assert run(tmp_path / "env/bin/cross-python", "-c", "import os; print(os.uname().machine)").strip() == "aarch64"
    assert "pip" in run(tmp_path / "env/bin/cross-pip", "--version")


def test_an_alpha_is_warned_of(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    prefix = hosts.make_prefix(tmp_path)
    (header,) = prefix.glob("include/python*/patchlevel.h")
    words = ("create", "--dry-run", "--python", sys.executable, "--host-python", prefix, tmp_path / "env")
    for suffix, warned in (("a3", True), ("b1+", True), ("rc1", False), ("", False)):
        header.write_text(makers.patchlevel(f"{VERSION}.0{suffix}"))
        lines = [line for line in crossenv(*words).stderr.splitlines() if "warning: " in line and "ABI" in line]
        assert len(lines) == warned
        assert not warned or f"may not load in {VERSION}.0; take a release candidate" in lines[0]


def test_dry_run_makes_nothing(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path) -> None:
    words = ("create", "--dry-run", "--python", sys.executable, "--host-python", host_prefix, tmp_path / "env")
    assert "etc/meson-cross.ini" in crossenv(*words).stdout
    plan = json.loads(crossenv(*words, "--json").stdout)
    assert plan["record"]["host"]["machine"] == "aarch64"
    assert not (tmp_path / "env").exists()


def test_prompt_host_prefix_and_sides(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path, run: Run) -> None:
    env = tmp_path / "env"
    crossenv(
        "create", "--python", sys.executable, "--host-python", host_prefix, env,
        "--prompt", "arm box", "--host-prefix", "/opt/appliance", "--system-site-packages", "--without-pip",
    )  # fmt: skip
    record = json.loads((env / "crossenv.json").read_text())
    assert record["host"]["executable"] == f"/opt/appliance/bin/python{VERSION}"
    assert record["prompt"] == "arm box"
    assert "arm box" in (env / "bin/activate").read_text()
    assert "include-system-site-packages = true" in (env / "build/pyvenv.cfg").read_text()
    assert "include-system-site-packages = false" in (env / "cross/pyvenv.cfg").read_text()
    assert not (env / "bin/cross-pip").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "tcsh"])
def test_activation(env: Path, run: Run, shell: str) -> None:
    assert (env / "bin/pip3").resolve() == (env / f"bin/pip{VERSION}").resolve() == (env / "bin/cross-pip").resolve()
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    suffix, setup = {"fish": (".fish", ""), "tcsh": (".csh", "set prompt=x; ")}.get(shell, ("", ""))
    ask = 'python -c "import platform; print(platform.machine())"; pip --version'
    words = f'{setup}source "{env}/bin/activate{suffix}"; {ask}'
    output = run(shell, *(["-f"] if shell == "tcsh" else []), "-c", words)
    assert output.startswith("aarch64\n")
    assert str(env / "cross") in output

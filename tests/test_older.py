"""The command line of crossenv 1, `python -m crossenv HOST_PYTHON ENV_DIR`: every option, on a real host Python."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from _crossenv import variables

import projects
from conftest import VERSION, CrossenvCommand, Run
from crossenv.binaries.elf import elf_identity
from crossenv.cli import older
from crossenv.cli.assignments import parse_config_vars, parse_variables
from crossenv.errors import UsageError
from crossenv.platforms.accept_tags import accepted_platforms
from crossenv.record import VariableRecord
from makers import AARCH64, write

SITE = f"lib/python{VERSION}{sys.abiflags}/site-packages"


# Which of the two command lines is meant


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["./create", "env"], True),
        (["/opt/arm/bin/python3", "env"], True),
        (["--cc", "gcc", "/opt/python3", "env"], True),
        (["--env=A=b", "/opt/python3", "env"], True),
        (["--target", "aarch64", "env"], False),
        (["--targets"], False),
        (["-V"], False),
        (["--help"], False),
        (["--version"], False),
        (["crate", "x"], False),
        ([], False),
    ],
)
def test_a_path_or_an_option_first_is_the_older_command_line(words: list[str], meant: bool) -> None:
    assert older.is_meant(words) is meant


def test_a_commands_name_wins(tmp_path: Path) -> None:
    """Although there is a file of that name."""
    write(tmp_path / "show", "")
    words = [sys.executable, "-m", "crossenv", "show", str(tmp_path)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is not a cross environment" in done.stderr


def test_a_command_behind_options_is_not_taken_for_a_host_python(crossenv: CrossenvCommand) -> None:
    result = crossenv("--cc", "gcc", "create", "env", check=False)
    assert result.returncode == 2
    assert "there is no host Python create" in result.stderr
    assert "put the options after it" in result.stderr


def test_verbosity_may_precede_either_command_line(
    crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path
) -> None:
    result = crossenv("-v", "create", "--dry-run", "--host-python", host_prefix, tmp_path / "env")
    assert "reading the host Python" in result.stderr
    assert not crossenv("-q", "create", "--dry-run", "--host-python", host_prefix, tmp_path / "env").stderr
    result = crossenv("-v", host_prefix, tmp_path / "env")
    assert "reading the host Python" in result.stderr
    assert not crossenv("-q", host_prefix, tmp_path / "env").stderr


# What the options say


def test_env_has_four_operators() -> None:
    assert parse_variables(["A=x=y", " B?=", "C+= -g", "D:=/lib"]) == (
        VariableRecord(name="A", operator="=", value="x=y"),
        VariableRecord(name="B", operator="?=", value=""),
        VariableRecord(name="C", operator="+=", value=" -g"),
        VariableRecord(name="D", operator=":=", value="/lib"),
    )


@pytest.mark.parametrize("word", ["A", "", "=x", "1A=x", "A B=x", "A-=x", "A??=x", "CROSSENV_ROLE=build"])
def test_what_is_no_assignment_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="--env"):
        parse_variables([word])


def test_config_vars_are_strings_and_the_last_counts() -> None:
    assert parse_config_vars(["A=1", "B=x=y", "A="]) == {"A": "", "B": "x=y"}
    with pytest.raises(UsageError, match="not an assignment"):
        parse_config_vars(["A"])


@pytest.mark.parametrize(
    ("tags", "platforms"),
    [
        (["manylinux2014"], ("manylinux2014_aarch64", "manylinux_2_17_aarch64")),
        (["manylinux_2_17_aarch64", "manylinux2014"], ("manylinux_2_17_aarch64", "manylinux2014_aarch64")),
        (["manylinux_2_28"], ("manylinux_2_28_aarch64",)),
        (["linux", "mytag"], ("linux_aarch64", "mytag")),
    ],
)
def test_tags_may_leave_the_machine_out(tags: list[str], platforms: tuple[str, ...]) -> None:
    assert accepted_platforms(tags, machine="aarch64", libc="glibc", version="2.36") == platforms


@pytest.mark.parametrize("tag", ["musllinux_1_2", "manylinux_2_39", "manylinux2014_x86_64", "linux_armv7l", "a/b"])
def test_tags_of_wheels_that_do_not_load_are_refused(tag: str) -> None:
    with pytest.raises(UsageError, match="--accept-tag"):
        accepted_platforms([tag], machine="aarch64", libc="glibc", version="2.36")


def test_variables_are_put_in_place_once_and_taken_back() -> None:
    first = {"SET": "old", "APP": "a"}
    environ = dict(first)
    wanted = [("SET", "=", "new"), ("DEF", "?=", "d"), ("APP", "+=", "b"), ("APP", "+=", "c"), ("LST", ":=", "/x")]
    for _ in range(2):
        variables.apply(wanted, "/env", environ)
        assert {name: environ[name] for name in ("SET", "DEF", "APP", "LST")} == {
            "SET": "new",
            "DEF": "d",
            "APP": "abc",
            "LST": "/x",
        }
    # A build in this environment that starts one in another.
    variables.apply([("APP", "+=", "z")], "/other", environ)
    assert {name: environ.get(name) for name in ("SET", "DEF", "APP")} == {"SET": "old", "DEF": None, "APP": "az"}
    variables.take_back(environ)
    assert environ == first


# What is refused, and what is there already


def test_words_stand_where_they_are_understood() -> None:
    args = older.parse(["-v", "--manylinux", "manylinux2014", "--without-pip", "/opt/python3", "--", "-env"])
    assert older.translated(args, "-env") == [
        "create", "--host-python=/opt/python3", f"--python={sys.executable}", "--without-pip",
        "--accept-tag=manylinux2014", "--", "-env",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--env", "FOO"], "--env 'FOO' is not an assignment"),
        (["--config-var", "FOO"], "--config-var 'FOO' is not an assignment"),
        (["--manylinux", "musllinux_1_2"], "whose C library is glibc"),
        (["--sysconfigdata-file", "/none.py"], "/none.py is not a file"),
        (["--cross-prefix", "/usr"], "has a Python of its own"),
        (["second", "--cross-prefix", "prefix"], "several environments"),
        (["--cc", "/bin/true"], "--cc /bin/true cannot be used"),
    ],
)
def test_bad_words_leave_nothing_behind(
    crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    env = tmp_path / "env"
    result = crossenv(host_prefix / f"bin/python{VERSION}", env, *words, check=False)
    assert result.returncode in (2, 3, 4)
    assert message in result.stderr
    assert "hint: " in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_environment_of_crossenv_1_is_replaced_on_demand(
    crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path
) -> None:
    env = tmp_path / "env"
    for name in ("bin/cross-expose", "build/pyvenv.cfg", "cross/pyvenv.cfg", "lib/site.py"):
        (env / name).parent.mkdir(parents=True, exist_ok=True)
        (env / name).touch()
    host_python = host_prefix / f"bin/python{VERSION}"
    for words in ([], ["--clear-build"]):
        result = crossenv(host_python, env, *words, "--without-pip", check=False)
        assert result.returncode == 2
        assert "was made by crossenv 1" in result.stderr
        assert (env / "lib/site.py").exists()
    result = crossenv(host_python, env, "--clear", "--without-pip")
    assert not (env / "lib/site.py").exists()
    assert (env / "crossenv.json").exists()
    assert "in today's words: crossenv create --host-python=" in result.stderr


def test_several_directories_are_several_environments(
    crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path
) -> None:
    crossenv(host_prefix / f"bin/python{VERSION}", tmp_path / "one", tmp_path / "two", "--without-pip")
    for name in ("one", "two"):
        record = json.loads((tmp_path / name / "crossenv.json").read_text())
        assert (record["root"], record["pip"], record["build_pip"]) == (str(tmp_path / name), False, False)
        assert not list((tmp_path / name).glob("**/bin/*pip*"))


# A real host Python

integration = pytest.mark.integration


@pytest.fixture(scope="module")
def host_python(sysroot: Path) -> Path:
    return sysroot / f"usr/bin/python{VERSION}"


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, host_python: Path, sysroot: Path, cross_gcc: str, run: Run) -> Path:
    """An environment with the options that go together; its host side is beside it, in `root/usr`."""
    directory = tmp_path_factory.mktemp("older")
    # A root that is being put together has other things too.
    (directory / "root/usr/bin").mkdir(parents=True)
    (directory / "root/usr/bin/tool").touch()
    run(
        sys.executable, "-m", "crossenv", host_python, directory / "env",
        "--cc", f"{cross_gcc} -DFROM_CC", "--cxx", cross_gcc.replace("gcc", "g++"),
        "--ar", cross_gcc.replace("gcc", "gcc-ar"), "--sysroot", sysroot,
        "--config-var", "FOO=BAR", "--config-var=CFLAGS=-O1 -DFROM_CONFIG",
        "--env", "OLD_SET=x", "--env=OLD_DEFAULT?=d", "--env=OLD_APPEND+=-b", "--env=OLD_PATH:=/more",
        "--manylinux", "manylinux2014", "--platform-tag", "manylinux_2_28", "--platform-tag=linux_aarch64",
        "--cross-prefix", directory / "root/usr", "--system-site-packages",
    )  # fmt: skip
    return directory / "env"


@integration
def test_the_layout_is_that_of_crossenv_1(full: Path, run: Run) -> None:
    names = ["activate", "cross-expose"]
    for side in ("cross-", "build-"):
        names += [f"{side}{name}" for name in ("python", "python3", f"python{VERSION}", "pip", "pip3")]
    for name in (*names, "python", "python3", "pip", "pip3"):
        assert (full / "bin" / name).is_file(), name
    for side, machine in (("cross", "aarch64"), ("build", os.uname().machine)):
        assert (full / side / SITE).is_dir()
        assert (full / side / "bin/python").is_file()
        for name in (f"bin/{side}-python", f"bin/{side}-python3", f"{side}/bin/python"):
            code = "import platform, sysconfig; print(platform.machine(), sysconfig.get_path('purelib'))"
            assert run(full / name, "-c", code).split() == [machine, str(full / side / SITE)]
        assert run(full / f"bin/{side}-pip3", "--version").split()[3] == str(full / side / SITE / "pip")
    assert "is not exposed" not in run(full / "bin/cross-expose", "--list")


@integration
def test_the_host_side_is_where_cross_prefix_says(full: Path, run: Run) -> None:
    prefix = full.parent / "root/usr"
    assert (full / "cross").resolve() == prefix
    assert (prefix / "bin/tool").exists()
    assert (prefix / SITE / "pip").is_dir()
    assert run(prefix / "bin/python", "-c", "import platform; print(platform.machine())").strip() == "aarch64"


@integration
def test_activation_puts_both_sides_on_the_path(full: Path, run: Run) -> None:
    show = "python -c 'import sys; print(sys.cross_compiling)'; command -v pip build-pip cross-python; echo $PS1"
    lines = run("bash", "--norc", "-c", f"PS1='$ '; . '{full}/bin/activate'; {show}").splitlines()
    assert lines[0] == "True"
    assert lines[1:4] == [str(full / "bin" / name) for name in ("pip", "build-pip", "cross-python")]
    assert "(env)" in lines[4]


@integration
def test_system_site_packages_are_for_the_build_side(full: Path) -> None:
    configuration = {side: (full / side / "pyvenv.cfg").read_text() for side in ("build", "cross")}
    assert "include-system-site-packages = true" in configuration["build"]
    assert "include-system-site-packages = false" in configuration["cross"]


@integration
def test_tools_and_config_vars_are_what_sysconfig_says(full: Path, run: Run) -> None:
    code = "import json, sysconfig; print(json.dumps(sysconfig.get_config_vars('CC', 'CXX', 'AR', 'FOO', 'CFLAGS')))"
    cc, cxx, ar, *others = json.loads(run(full / "bin/python", "-c", code))
    assert others == ["BAR", "-O1 -DFROM_CONFIG"]
    assert Path(cc.split()[0]).name == "aarch64-linux-gnu-gcc"
    assert Path(cxx.split()[0]).name == "aarch64-linux-gnu-g++"
    assert Path(ar.split()[0]).name == "aarch64-linux-gnu-gcc-ar"


@integration
def test_only_the_declared_tags_are_accepted(full: Path, run: Run) -> None:
    code = "from pip._vendor.packaging.tags import sys_tags; print(*dict.fromkeys(t.platform for t in sys_tags()))"
    found = run(full / "bin/python", "-c", code).split()
    assert found == [
        "manylinux2014_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux_2_28_aarch64",
        "linux_aarch64",
        "any",
    ]
    # What build requirements are laid over with is linked from here, and not installed.
    assert "manylinux_2_31_aarch64" in run(full / "bin/python", "-c", code, CROSSENV_OVERLAY_STACK="numpy").split()
    run(sys.executable, "-m", "crossenv", "doctor", full)


@integration
def test_env_is_for_the_host_side_and_not_for_build_requirements(full: Path, tmp_path: Path, run: Run) -> None:
    names = ("OLD_SET", "OLD_DEFAULT", "OLD_APPEND", "OLD_PATH")
    print_them = f"import os; print(*[os.environ.get(name) for name in {names}])"
    given = {"OLD_SET": "mine", "OLD_DEFAULT": "mine", "OLD_APPEND": "a", "OLD_PATH": "/first"}
    expected = ["x", "mine", "a-b", "/first:/more"]
    assert run(full / "bin/python", "-c", print_them, **given).split() == expected
    # A child inherits them: what is appended is appended once.
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {print_them!r}], check=True)"
    assert run(full / "bin/cross-python", "-c", child, **given).split() == expected
    assert run(full / "bin/python", "-c", print_them).split() == ["x", "d", "-b", "/more"]
    assert run(full / "bin/build-python", "-c", print_them, **given).split() == list(given.values())
    # As pip starts its own runner to install build requirements.
    (tmp_path / "__pip-runner__.py").write_text(print_them)
    words = ["install", "--prefix", "/tmp/pip-build-env-x/overlay"]
    start = (
        f"import subprocess, sys; subprocess.run([sys.executable, {str(tmp_path / '__pip-runner__.py')!r}, *{words}])"
    )
    assert run(full / "bin/python", "-c", start, **given).split() == list(given.values())


@integration
def test_a_wheel_is_built_with_all_of_it(full: Path, tmp_path: Path, run: Run) -> None:
    project = projects.setuptools_c(tmp_path / "toy")
    source = (project / "toy.c").read_text()
    (project / "toy.c").write_text(
        "#if !defined FROM_CC || !defined FROM_CONFIG\n#error not the compiler that was named\n#endif\n" + source
    )
    (project / "setup.py").write_text(
        "import os\nopen('toy/seen.py', 'w').write(repr(os.environ.get('OLD_APPEND')))\n"
        + (project / "setup.py").read_text()
    )
    run(full / "bin/pip", "wheel", "--no-deps", "-w", tmp_path / "out", project)
    (wheel,) = (tmp_path / "out").iterdir()
    tag = f"cp{VERSION.replace('.', '')}"
    assert wheel.name == f"toy-1-{tag}-{tag}-linux_aarch64.whl"
    with ZipFile(wheel) as archive:
        assert archive.read("toy/seen.py") == b"'-b'"
        (module,) = [name for name in archive.namelist() if name.endswith(".so")]
        assert module.endswith(f".cpython-{VERSION.replace('.', '')}-aarch64-linux-gnu.so")
        archive.extract(module, tmp_path)
    assert elf_identity(tmp_path / module) == AARCH64
    run(full / "bin/pip", "install", "--no-deps", wheel)
    assert (full.parent / "root/usr" / SITE / "toy").is_dir()


@pytest.fixture(scope="module")
def recorded(
    tmp_path_factory: pytest.TempPathFactory, host_python: Path, sysroot: Path, cross_gcc: str, run: Run
) -> Path:
    """An environment whose host Python recorded tools by places that are of no use here."""
    directory = tmp_path_factory.mktemp("recorded")
    (original,) = {path.resolve() for path in (sysroot / "usr/lib").glob(f"python{VERSION}/_sysconfigdata__*.py")}
    text = original.read_text()
    for name in ("gcc", "g++", "gcc-ar", "gcc-nm", "gcc-ranlib"):
        # A compiler that must not be taken.
        tool = directory / f"opt/aarch64-linux-gnu-{name}"
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(f'#!/bin/sh\nexec {shutil.which(tool.name)} "$@"\n')
        tool.chmod(0o755)
    for name in ("CC", "CXX", "AR"):
        text = text.replace(f"'{name}': '", f"'{name}': '{directory}/opt/")
    text = text.replace("build_time_vars = {", "build_time_vars = {'CHOSEN': 'yes',")
    (directory / "_sysconfigdata__linux_other.py").write_text(text)
    run(
        sys.executable, "-m", "crossenv", host_python, directory / "env", "--relative-toolchain",
        "--sysconfigdata-file", directory / "_sysconfigdata__linux_other.py",
        "--machine", "arm64", "--without-cross-pip",
    )  # fmt: skip
    return directory / "env"


@integration
def test_the_relative_toolchain_is_that_of_the_path(recorded: Path, cross_gcc: str, run: Run) -> None:
    tools = json.loads(run(sys.executable, "-m", "crossenv", "show", recorded, "--json"))["toolchain"]["tools"]
    assert tools["cc"]["path"] == cross_gcc
    assert tools["cxx"]["path"] == cross_gcc.replace("gcc", "g++")
    assert str(recorded.parent / "opt") not in json.dumps(tools)


@integration
def test_the_sysconfigdata_file_is_the_one_that_counts(recorded: Path, run: Run) -> None:
    code = "import sysconfig; print(sysconfig.get_config_var('CHOSEN'), sysconfig.get_config_var('MULTIARCH'))"
    assert run(recorded / "bin/python", "-c", code).split() == ["yes", "aarch64-linux-gnu"]


@integration
def test_no_policy_is_accepted_where_none_is_declared(recorded: Path, run: Run) -> None:
    run(recorded / "bin/build-pip", "install", "-q", "packaging")
    code = f"import sys; sys.path.append({str(recorded / 'build' / SITE)!r}); from packaging.tags import sys_tags"
    code += "; print(*dict.fromkeys(tag.platform for tag in sys_tags()))"
    assert run(recorded / "bin/python", "-c", code).split() == ["linux_arm64", "any"]


@integration
def test_without_cross_pip_wheels_are_built_by_setup_py(recorded: Path, tmp_path: Path, run: Run) -> None:
    for name in ("bin/pip", "bin/pip3", "bin/cross-pip", "cross/bin/pip"):
        assert not (recorded / name).exists(), name
    run(recorded / "bin/build-pip", "install", "-q", "setuptools")
    project = projects.setuptools_c(tmp_path / "toy")
    run(recorded / "bin/python", "setup.py", "-q", "bdist_wheel", cwd=project)
    (wheel,) = (project / "dist").iterdir()
    # --machine is what the host says of itself, in tags too.
    assert wheel.name.endswith("-linux_arm64.whl")
    code = "import os, platform, sysconfig; print(os.uname().machine, platform.machine(), sysconfig.get_platform())"
    assert run(recorded / "bin/python", "-c", code).split() == ["arm64", "arm64", "linux-arm64"]


@integration
@pytest.mark.parametrize(
    ("prefix", "rounds"),
    [
        (
            None,
            {
                "": {"build", "cross"},
                "--clear-build": {"cross"},
                "--clear-cross": {"build"},
                "--clear": set(),
            },
        ),
        ("side", {"--clear": {"cross"}, "--clear-both": set()}),
    ],
)
def test_what_is_cleared(
    tmp_path: Path, host_python: Path, cross_gcc: str, run: Run, prefix: str | None, rounds: dict[str, set[str]]
) -> None:
    """One environment, made again and again."""
    env = tmp_path / "env"
    place = ["--cross-prefix", tmp_path / prefix] if prefix else []
    command = (sys.executable, "-m", "crossenv", host_python, env, *place, "--without-pip")
    run(*command)
    for flag, kept in rounds.items():
        for side in ("build", "cross"):
            (env / side / SITE / "installed.py").write_text("")
        (env / "stray").touch()
        run(*command, *filter(None, [flag]))
        assert {side for side in ("build", "cross") if (env / side / SITE / "installed.py").exists()} == kept, flag
        assert not (env / "stray").exists()
        for side, machine in (("cross", "aarch64"), ("build", os.uname().machine)):
            code = "import platform; print(platform.machine())"
            assert run(env / f"bin/{side}-python", "-c", code).strip() == machine

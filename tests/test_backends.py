"""What the record declares for build back ends, and what their processes make of it."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import marshal
import os
import shlex
import shutil
import subprocess
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest
from _crossenv import build_directories, settings, variables

import projects
from conftest import CrossenvCommand, Run, with_thorough
from crossenv.backends.cmake import TOOLCHAIN_FILE, CMake
from crossenv.record import load_record

# A back end in the source tree that writes down what it was called with.
BACKEND = """
import json, os, zipfile

class Hooks:
    def build_wheel(self, wheel_directory, config_settings=None, metadata_directory=None):
        with open(os.environ["SEEN"], "w") as file:
            json.dump({"settings": config_settings, "environment": dict(os.environ)}, file)
        name = "toy-1-py3-none-any.whl"
        with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
            wheel.writestr("toy.py", "")
            wheel.writestr("toy-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: toy\\nVersion: 1\\n")
            wheel.writestr("toy-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
            write_record(wheel, "toy-1.dist-info")
        return name

an_object = Hooks()
build_wheel = an_object.build_wheel
"""

# Creates an environment with a back end that crossenv does not know.
CREATE = """
import sys
import crossenv.backends as backends
from crossenv.record import BackendRecord

class MadeUp:
    def files(self, record): return {"etc/made-up.conf": "yes"}
    def environment(self, record): return {"FOR_ALL": "1"}
    def modules(self, record):
        path = f"{record.root}/etc/made-up.conf"
        settings = {"made-up-args": (f"--file={path}", "--second"), "one": ("word",)}
        return {"made_up": BackendRecord(settings=settings, environment={"FOR_MADE_UP": path}, fails_by_itself=True,
            jobs_setting="jobs")}

backends.BACKENDS += (MadeUp(),)
from crossenv.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def called(env: Path, tmp_path: Path, backend: str, *options: str, **extra: str) -> Any:
    """What a hook of `backend`, in the source tree, sees when pip builds a wheel."""
    module, _, attribute = backend.partition(":")
    project = tmp_path / "project"
    name = f'"{module}:{attribute}"' if attribute else f'"{module}"'
    system = f'[build-system]\nrequires = []\nbuild-backend = {name}\nbackend-path = ["."]\n'
    projects.write(project, {"pyproject.toml": system, f"{module.replace('.', '/')}.py": BACKEND + projects.RECORD})
    seen = tmp_path / "seen.json"
    done = subprocess.run(
        [env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", *options, project],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "SEEN": str(seen), **extra},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(seen.read_text())


@pytest.fixture(scope="module")
def made_up_env(tmp_path_factory: pytest.TempPathFactory, tools: Path, host_prefix: Path, run: Run) -> Path:
    env = tmp_path_factory.mktemp("made up") / "env"
    path = f"{tools}:/usr/bin:/bin"
    words = ("create", "--python", sys.executable, "--host-python", host_prefix, env)
    run(sys.executable, "-c", CREATE, *words, PATH=path)
    return env


@pytest.mark.parametrize("backend", ["made_up", "made_up:an_object", "made_up.inner"])
def test_a_back_end_from_the_table_gets_what_its_adapter_declares(
    made_up_env: Path, tmp_path: Path, backend: str
) -> None:
    seen = called(made_up_env, tmp_path, backend, "-Cmade-up-args=--users", "-Cother=1")
    path = f"{made_up_env}/etc/made-up.conf"
    assert seen["settings"] == {
        "made-up-args": [f"--file={path}", "--second", "--users"],
        "one": "word",
        "other": "1",
    }
    assert seen["environment"]["FOR_ALL"] == "1"
    assert seen["environment"]["FOR_MADE_UP"] == path
    # It fails by itself, so nobody watches its compiles; and it has a way of its own to name compilers.
    assert "CROSSENV_COMPILER_CALLED" not in seen["environment"]
    assert "CC" not in seen["environment"]


def test_a_share_of_the_cores_becomes_a_setting(made_up_env: Path, tmp_path: Path) -> None:
    """The user's own follows it."""
    seen = called(made_up_env, tmp_path, "made_up", "-Cjobs=-j7", CROSSENV_JOBS="2")
    assert seen["settings"]["jobs"] == ["-j2", "-j7"]


def test_a_back_end_of_no_table_gets_compilers_by_their_usual_variables(made_up_env: Path, tmp_path: Path) -> None:
    seen = called(made_up_env, tmp_path, "unknown", AR="/opt/users-ar")
    tools = json.loads((made_up_env / "crossenv.json").read_text())["toolchain"]["tools"]
    environment = seen["environment"]
    # The environment's path has a blank, which one word cannot have: the name is on PATH.
    assert environment["CC"] == Path(tools["cc"]["command"]).name
    assert "CROSSENV_COMPILER_CALLED" in environment
    assert environment["CC_FOR_BUILD"] == environment["HOSTCC"] == environment["HOST_CC"] == "cc"
    assert environment["AR"] == "/opt/users-ar"
    assert environment["FOR_ALL"] == "1"
    assert "FOR_MADE_UP" not in environment
    assert seen["settings"] in ({}, None)


@pytest.mark.parametrize("backend", ["mesonpy", "maturin", "scikit_build_core", "py_build_cmake"])
def test_back_ends_that_name_compilers_in_a_better_way(env: Path, backend: str) -> None:
    declared = json.loads((env / "crossenv.json").read_text())["handover"]["backends"]
    assert not {"CC", "CXX", "AR", "LD"} & declared[backend]["environment"].keys()
    assert declared[backend]["fails_by_itself"]
    assert (
        declared[""]["environment"]["CC"]
        == json.loads((env / "crossenv.json").read_text())["toolchain"]["tools"]["cc"]["command"]
    )


def test_tools_go_by_a_prefix(env: Path, run: Run) -> None:
    """`$(CROSS)gcc` of LuaJIT's makefile."""
    declared = json.loads((env / "crossenv.json").read_text())["handover"]["backends"][""]["environment"]
    program = f"{declared['CROSS']}gcc"
    path = f"{env}/etc/bin:/usr/bin:/bin"
    assert (
        "183" in run("env", f"PATH={path}", program, "-dM", "-E", "-x", "c", "/dev/null")
        or Path(f"{env}/etc/bin/{program}").is_file()
    )


def test_native_processes_get_none_of_it(env: Path, tmp_path: Path, run: Run) -> None:
    """The build side, and what pip installs as a build requirement on the way."""
    declared = json.loads((env / "crossenv.json").read_text())["handover"]
    given = {**declared["environment"], **declared["backends"][""]["environment"]}
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    asked = json.loads(run(env / "bin/build-python", "-c", code, **given))
    assert not set(given) & set(asked)
    # A process of the host side that answers for the build machine.
    mark = {variables.DEFAULTS_MARK: "\x1f".join(f"{name}={value}" for name, value in given.items())}
    own = {"CC": "/opt/what-the-project-set"}
    words = (env / "bin/cross-python", "-c", code)
    asked = json.loads(run(*words, **{**given, **mark, **own, "CROSSENV_ROLE": "build"}))
    assert set(given) & set(asked) == {"CC"}
    assert asked["CC"] == "/opt/what-the-project-set"


def test_another_environment_takes_back_what_the_first_has_set(made_up_env: Path, env: Path, tmp_path: Path) -> None:
    """A build that starts a build of another environment: nothing of the first one's is taken for the user's."""
    first = called(made_up_env, tmp_path / "first", "unknown")["environment"]
    own = ("PIP_", "_PYPROJECT", "PYTHON", "SEEN", "PATH", "CROSSENV_ROLE")
    inherited = {name: value for name, value in first.items() if not name.startswith(own)}
    second = called(env, tmp_path / "second", "unknown", **inherited)["environment"]
    assert second["CMAKE_TOOLCHAIN_FILE"] == f"{env}/etc/toolchain.cmake"
    assert second["CC"].startswith(f"{env}/etc/bin")
    assert "FOR_ALL" not in second


def test_defaults_are_set_where_the_user_has_set_nothing() -> None:
    environ = {"CC": "users"}
    variables.set_defaults({"CC": "ours", "CXX": "ours=1", "AR": "ours"}, environ)
    assert (environ["CC"], environ["CXX"], environ["AR"]) == ("users", "ours=1", "ours")
    environ["AR"] = "changed by the build"
    with variables.WithoutDefaults(environ):
        assert "CXX" not in environ
    assert environ["CXX"] == "ours=1"
    variables.take_back_defaults(environ)
    assert environ == {"CC": "users", "AR": "changed by the build"}


@pytest.mark.parametrize(
    ("users", "expected"),
    [
        (None, {"a": ["1", "2"], "b": "3"}),
        ({"a": "x"}, {"a": ["1", "2", "x"], "b": "3"}),
        ({"b": ["x", "y"], "c": "z"}, {"a": ["1", "2"], "b": ["3", "x", "y"], "c": "z"}),
    ],
)
def test_settings_of_the_user_come_last(users: dict[str, Any] | None, expected: dict[str, Any]) -> None:
    assert settings.merged({"a": ["1", "2"], "b": ["3"]}, users) == expected


def test_a_function_with_the_name_of_a_hook_is_left_alone() -> None:
    """A package of the table has modules that are not back ends: scikit_build_core.build.wheel."""
    backends = {"made_up": {"settings": {"a": ["1", "2"]}, "build_directory": [], "jobs_setting": ""}}

    def hook(wheel_directory: str, config_settings: Any = None, metadata_directory: Any = None) -> Any:
        return config_settings

    def build_wheel(builder: str) -> str:
        return builder

    inner, outer = types.SimpleNamespace(build_wheel=build_wheel), types.SimpleNamespace(build_wheel=hook)
    for module in (inner, outer):
        facts: Any = {"backends": backends}
        settings.adapt(module, facts, "made_up.module", known=False)
    assert inner.build_wheel("mine") == "mine"
    assert outer.build_wheel("out") == {"a": ["1", "2"]}


CUSTOMIZED = """
import json, os, sys
try:
    from setuptools._distutils import ccompiler, sysconfig
except ImportError:
    from distutils import ccompiler, sysconfig
compiler = ccompiler.new_compiler()
sysconfig.customize_compiler(compiler)
names = ("compiler", "compiler_so", "compiler_cxx", "linker_so", "archiver", "preprocessor")
print(json.dumps([os.environ.get("CC"), {name: getattr(compiler, name, None) for name in names}]))
"""


def test_setuptools_commands_are_those_of_the_configuration(env: Path, tmp_path: Path, run: Run) -> None:
    """CC is set for what a setup.py calls itself, and changes nothing of setuptools' own command lines."""
    pytest.importorskip("distutils" if sys.version_info < (3, 12) else "setuptools")
    for name in ("setup.py", "other.py"):
        (tmp_path / name).write_text(CUSTOMIZED)
    python = env / "bin/cross-python"
    extra = {"PYTHONPATH": str(setuptools_directory())}
    cc, hook = json.loads(run(python, tmp_path / "setup.py", **extra))
    none, plain = json.loads(run(python, tmp_path / "other.py", **extra))
    assert cc is not None
    assert none is None
    assert hook == plain
    _, users = json.loads(run(python, tmp_path / "setup.py", CC="/opt/users-cc", **extra))
    assert users["compiler"][0] == "/opt/users-cc"


def test_the_targets_python_is_laid_out_as_an_installation(env: Path, run: Run) -> None:
    """Build scripts find headers and libraries from `PYO3_CROSS_LIB_DIR`, and `python3.pc` and its like by name."""
    record = json.loads((env / "crossenv.json").read_text())
    host = record["host"]
    version = f"{host['version']}{host['abi_flags']}"
    library = Path(record["handover"]["environment"]["PYO3_CROSS_LIB_DIR"])
    assert library == env / f"host/lib/python{version}"
    assert [path.name for path in library.glob("_sysconfigdata_*.py")] == [Path(host["sysconfigdata"]).name]
    assert (library.parent.parent / f"include/python{version}/Python.h").is_file()
    for name in ("python3", "python", f"python{host['version']}", f"{record['toolchain']['triplet']}-python3"):
        assert run(env / f"etc/bin/{name}-config", "--extension-suffix").strip() == host["extension_suffixes"][0]
        assert run(env / f"host/bin/{name}-config", "--abiflags").strip() == host["abi_flags"]


@pytest.mark.parametrize("name", ["python3", "python3-embed", "python-{version}", "python-{version}-embed"])
def test_pkg_config_answers_for_the_targets_python(made_up_env: Path, run: Run, name: str) -> None:
    """Below a directory with a blank in its name, too."""
    if shutil.which("pkg-config") is None:
        pytest.skip("needs pkg-config")
    host = json.loads((made_up_env / "crossenv.json").read_text())["host"]
    program = made_up_env / "etc/pkg-config/bin/pkg-config"
    module = name.format(version=host["version"])
    assert shlex.split(run(program, "--cflags", module)) == [f"-I{directory}" for directory in host["include_dirs"]]
    libraries = shlex.split(run(program, "--libs", module))
    assert (f"-lpython{host['version']}{host['abi_flags']}" in libraries) == name.endswith("-embed")
    assert module not in run(program, "--list-all").split()


@pytest.mark.parametrize("bits", [32, 64])
def test_the_size_of_a_pointer_is_the_targets(env: Path, tmp_path: Path, run: Run, bits: int) -> None:
    """FindPythonLibsNew (pybind11's classic mode) asks a Python that runs here, and compares."""
    if shutil.which("cmake") is None:
        pytest.skip("needs cmake")
    record = load_record(env)
    host = dataclasses.replace(record.host, identity=dataclasses.replace(record.host.identity, bits=bits))
    toolchain = tmp_path / "toolchain.cmake"
    toolchain.write_text(CMake().files(dataclasses.replace(record, host=host))[TOOLCHAIN_FILE])
    script = tmp_path / "ask.cmake"
    script.write_text(
        # As pybind11 does; CMake reads a toolchain file more than once.
        f'include("{toolchain}")\ninclude("{toolchain}")\n'
        "macro(get list index name)\n  list(GET ${list} ${index} ${name})\nendmacro()\n"
        "set(values 3.11 16)\nget(values 1 PYTHON_SIZEOF_VOID_P)\n"
        "function(inside)\n  get(values 1 PYTHON_SIZEOF_VOID_P)\n"
        '  message("${PYTHON_SIZEOF_VOID_P}")\nendfunction()\n'
        'inside()\nmessage("${PYTHON_SIZEOF_VOID_P}")\n'
    )
    done = subprocess.run(["cmake", "-P", script], capture_output=True, text=True, check=True)
    assert done.stderr.split() == [str(bits // 8)] * 2


# Build directories in the source tree

ASK_DIRECTORIES = """
import json, os, sys
from setuptools import Distribution
command = Distribution().get_command_obj("build")
for name, value in json.loads(sys.argv[1]).items():
    setattr(command, name, value)
command.ensure_finalized()
print(json.dumps([getattr(command, name) for name in ("build_lib", "build_platlib", "build_temp")]))
"""


def setuptools_directory() -> Path:
    """Where this interpreter has setuptools; not imported, which fails once another test has imported distutils."""
    spec = importlib.util.find_spec("setuptools")
    if spec is None or spec.origin is None:
        pytest.skip("needs setuptools")
    return Path(spec.origin).parent.parent


def directories(env: Path, tmp_path: Path, run: Run, given: str = "{}", **extra: str) -> list[str]:
    """What setuptools' `build` command uses in an environment."""
    (tmp_path / "setup.py").write_text(ASK_DIRECTORIES)
    words = (env / "bin/cross-python", tmp_path / "setup.py", given)
    found: list[str] = json.loads(run(*words, cwd=tmp_path, PYTHONPATH=str(setuptools_directory()), **extra))
    return found


def test_setuptools_directories_are_the_environments_own(
    env: Path, made_up_env: Path, tmp_path: Path, run: Run
) -> None:
    here, other = directories(env, tmp_path, run), directories(made_up_env, tmp_path, run)
    assert not set(here) & set(other)
    assert here == directories(env, tmp_path, run)
    # Other flags of the user's make other objects.
    assert not set(here) & set(directories(env, tmp_path, run, CFLAGS="-O1"))
    assert all(name.startswith("build/") for name in here)
    # A directory that the user names is that.
    assert directories(env, tmp_path, run, '{"build_lib": "mine", "build_temp": "objects"}')[::2] == ["mine", "objects"]


@pytest.mark.parametrize("option", ["--env=CFLAGS=-O1", "--repair", "--config-var=OPT=-O1"])
def test_the_key_tells_environments_of_one_target_apart(
    crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path, option: str
) -> None:
    keys = []
    for options in ((), (option,), ()):
        env = tmp_path / "env"
        crossenv("create", "--clear", "--python", sys.executable, "--host-python", host_prefix, *options, env)
        site = Path(json.loads((env / "crossenv.json").read_text())["host"]["site_packages"])
        keys.append(marshal.loads((site / "_crossenv/facts.marshal").read_bytes())["build_key"])
    assert keys[0] == keys[2] != keys[1]


PLACES = ("setting:build-dir", "variable:BUILD_DIR", "project:tool.x.build-dir")


@pytest.mark.parametrize(
    ("settings_given", "environ", "expected"),
    [
        ({}, {}, {}),
        ({"build-dir": "mine"}, {}, {"build-dir": "mine"}),
        ({"build-dir": "build/{wheel_tag}"}, {}, {"build-dir": "build/{wheel_tag}-KEY"}),
        ({"other": "1"}, {"BUILD_DIR": "mine"}, {"other": "1"}),
    ],
)
def test_a_back_ends_build_directory(
    tmp_path: Path, settings_given: dict[str, str], environ: dict[str, str], expected: dict[str, str]
) -> None:
    code = (
        "import json, sys; from _crossenv import build_directories as b\n"
        f"print(json.dumps(b.settled({PLACES!r}, {settings_given!r}, {{'build_key': sys.argv[1]}}, {environ!r})))"
    )

    def settled(key: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-c", code, key]
        extra = {"PYTHONPATH": str(Path(build_directories.__file__).parent.parent)}
        return subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, env=extra)

    # Ours from the first time on, and nobody else's.
    for _ in range(2):
        assert json.loads(settled("KEY").stdout) == expected
    if "mine" in (settings_given.get("build-dir"), environ.get("BUILD_DIR")):
        other = settled("OTHER")
        assert other.returncode == 6
        assert "mine holds a build that this environment did not make" in other.stderr
        assert "rm -r mine" in other.stderr


@pytest.mark.parametrize(
    ("words", "given", "expected"),
    [
        (("setting:build-dir", "default:build"), {}, {"build-dir": "build/KEY"}),
        (
            ("tree:tool.x.editable.mode", "setting:build-dir"),
            {"editable.mode": "inplace"},
            {"editable.mode": "inplace"},
        ),
        (("tree:tool.x.editable.mode",), {}, {}),
    ],
)
def test_an_editable_builds_directory(
    tmp_path: Path, words: tuple[str, ...], given: dict[str, str], expected: dict[str, str],
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    ended: list[int] = []

    def settled(key: str, *, editable: bool) -> dict[str, Any]:
        facts: Any = {"build_key": key}
        return build_directories.settled(words, given, facts, {}, editable=editable)

    def end(message: str, _hint: str, status: int) -> None:
        ended.append(status)
        assert message.startswith(f"{tmp_path} holds a build that this environment did not make")

    monkeypatch.setattr(build_directories, "fail", end)
    assert settled("KEY", editable=True) == expected
    assert settled("KEY", editable=False) == given
    settled("OTHER", editable=True)
    monkeypatch.undo()
    assert ended == ([6] if given else [])


def test_cargo_has_a_directory_of_the_environments_own(env: Path, made_up_env: Path, tmp_path: Path) -> None:
    found = []
    for one in (env, made_up_env):
        project = tmp_path / "project"
        projects.write(project, {"Cargo.toml": "", "pyproject.toml": ""})
        found.append(called(one, tmp_path, "unknown")["environment"]["CARGO_TARGET_DIR"])
    assert found[0] != found[1]
    assert all("/target/" in directory for directory in found)
    seen = called(env, tmp_path, "unknown", CARGO_TARGET_DIR="/users")["environment"]
    assert seen["CARGO_TARGET_DIR"] == "/users"
    projects.write(tmp_path / "project", {".cargo/config.toml": '[build]\ntarget-dir = "/users"\n'})
    assert "CARGO_TARGET_DIR" not in called(env, tmp_path, "unknown")["environment"]


@pytest.mark.integration
def test_environments_with_other_compilers_and_cpus_build_in_one_tree(real_env: Path, tmp_path: Path, run: Run) -> None:
    """gcc first, then zig, then zig for another CPU: each wheel holds what its own compiler made."""
    pytest.importorskip("ziglang")
    project = projects.setuptools_c(tmp_path / "project")
    environments = [real_env]
    for cpu in ("baseline", "cortex_a72"):
        env = tmp_path / cpu
        words = ("create", "--python", sys.executable, "--target", "linux_aarch64", "--toolchain", "zig", "--cpu", cpu)
        run(sys.executable, "-m", "crossenv", *words, env)
        environments.append(env)
    contents = []
    for number, env in enumerate(environments):
        out = tmp_path / f"out{number}"
        # Without isolation the build stays in the source tree; pip builds there in any case.
        run(env / "bin/cross-pip", "wheel", "--no-deps", "-w", out, project)
        (wheel,) = out.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith(".so")]
            contents.append(archive.read(name))
    assert b"GCC: (" in contents[0]
    assert b"GCC: (" not in contents[1]
    assert b"GCC: (" not in contents[2]
    assert len(list((project / "build").glob("temp.*"))) == 3


IN_PLACE = {
    "setuptools": projects.setuptools_c,
    "setuptools, abi3": projects.limited_api,
    "meson-python": projects.meson,
    "scikit-build-core": projects.scikit_build_core,
}


@pytest.mark.integration
@pytest.mark.parametrize(
    "backend", with_thorough(["setuptools, abi3", "meson-python"], ["setuptools", "scikit-build-core"])
)
def test_editable_builds_of_several_machines_in_one_tree(
    real_env: Path, armv7l_env: Path, tmp_path: Path, run: Run, backend: str
) -> None:
    """Natively first, then for two targets: each installation loads what its own compiler made."""
    project = IN_PLACE[backend](tmp_path / "project")
    for file in (*project.glob("meson.build"), *project.glob("CMakeLists.txt")):
        # They insist on a cross build.
        text = file.read_text().replace("if(NOT CMAKE_CROSSCOMPILING)", "if(FALSE)")
        file.write_text("".join(line for line in text.splitlines(keepends=True) if not line.startswith("assert(")))
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", venv)
    requirements = ("setuptools", "meson-python", "ninja", "scikit-build-core", "cmake")
    seen: dict[str, set[int]] = {}
    for name, build, install in (
        ("native", venv / "bin/pip", venv / "bin/pip"),
        ("aarch64", real_env / "bin/build-pip", real_env / "bin/cross-pip"),
        ("armv7l", armv7l_env / "bin/build-pip", armv7l_env / "bin/cross-pip"),
        ("aarch64 again", real_env / "bin/build-pip", real_env / "bin/cross-pip"),
    ):
        run(build, "install", "-q", "-U", *requirements)
        before = {path: path.stat().st_mtime_ns for path in project.rglob("*.so")}
        words = ("install", "-q", "--no-deps", "--no-build-isolation", "-e", project)
        run(install, *words, PATH=f"{install.parent}{os.pathsep}{os.environ['PATH']}")
        root = install.parent.parent
        sites = [*root.glob("lib/python*/site-packages"), *root.glob("cross/lib/python*/site-packages")]
        made = {path for path in project.rglob("*.so") if before.get(path) != path.stat().st_mtime_ns}
        made |= {path for site in sites for path in (site / "toy").glob("*.so")}
        if name != "aarch64 again":
            assert made, name
        seen[name] = {path.read_bytes()[18] for path in made}
    # x86-64, AArch64, ARM.
    assert seen["native"] == {62 if os.uname().machine == "x86_64" else 183}
    assert seen["aarch64"] == {183}
    assert seen["armv7l"] == {40}
    assert seen["aarch64 again"] <= {183}
    # Others use these environments, and pip 26.3 runs the start-up files of editable installations with an empty
    # sys.path in each Python that a hook starts.
    for env in (real_env, armv7l_env):
        run(env / "bin/cross-pip", "uninstall", "-q", "-y", "toy")


@pytest.fixture(scope="module")
def armv7l_env(tmp_path_factory: pytest.TempPathFactory, run: Run) -> Path:
    pytest.importorskip("ziglang")
    env = tmp_path_factory.mktemp("armv7l") / "env"
    run(sys.executable, "-m", "crossenv", "create", "--python", sys.executable, "--target", "linux_armv7l", env)
    return env


@pytest.mark.integration
@pytest.mark.parametrize(
    ("requirement", "classic"),
    [
        ("pybind11", True),
        *(
            pytest.param(*variant, marks=pytest.mark.thorough)
            for variant in (
                ("pybind11==2.6.2", True),
                ("pybind11==2.9.2", True),
                ("pybind11==2.13.6", True),
                ("pybind11", False),
                ("nanobind", False),
            )
        ),
    ],
)
def test_32_bit_modules_with_cmake(armv7l_env: Path, tmp_path: Path, run: Run, requirement: str, classic: bool) -> None:
    """The size of a pointer differs between the Python that runs and the compiler."""
    if requirement == "pybind11==2.6.2" and sys.version_info >= (3, 11):
        pytest.skip("pybind11 2.6 was written for Python 3.10 at most")
    if requirement == "nanobind":
        project = projects.nanobind(tmp_path / "project")
    else:
        project = projects.pybind11(tmp_path / "project", requirement, classic=classic)
    run(armv7l_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "out", project)
    (wheel,) = (tmp_path / "out").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".so")]
        header = archive.read(name)[:20]
    # 32 bits, ARM.
    assert (header[4], header[18]) == (1, 40)

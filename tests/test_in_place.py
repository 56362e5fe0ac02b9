"""Installations that are converted in place: what their processes are for, and that nothing is left of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from _crossenv import decide_role

import projects
from conftest import CrossenvCommand, Run
from crossenv.cli.in_place import derived_target, require_throw_away
from crossenv.environment.in_place import Installation, find_converted
from crossenv.errors import UsageError

VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}{'t' if 't' in sys.abiflags else ''}"
ANSWERS = "import _crossenv, os, sys, sysconfig; print(_crossenv.place, _crossenv.role, os.uname().machine)"


def copy_installation(directory: Path) -> Path:
    """An installation of its own that shares the running one's files, but for those that a conversion touches."""
    library = Path(sysconfig.get_path("stdlib"))
    base = Path(sys.base_prefix)
    if library != base / "lib" / VERSION:
        pytest.skip(f"needs a Python whose library is in {base}/lib/{VERSION}")
    (directory / "bin").mkdir(parents=True)
    shutil.copy2(os.path.realpath(sys.executable), directory / "bin" / VERSION)
    for name in ("python", "python3"):
        (directory / "bin" / name).symlink_to(VERSION)
    (directory / "lib" / VERSION).mkdir(parents=True)
    for entry in os.scandir(library):
        if entry.name not in ("site-packages", "__pycache__", "sitecustomize.py"):
            (directory / "lib" / VERSION / entry.name).symlink_to(entry.path)
    (directory / "lib" / VERSION / "sitecustomize.py").write_text("import sys\nsys.customised = True\n")
    for path in (base / "lib").glob("libpython*"):
        (directory / "lib" / path.name).symlink_to(path)
    (directory / "include").symlink_to(base / "include")
    python = directory / "bin/python"
    site_directory(python).mkdir(parents=True)
    # All byte code that there will be.
    if (library / "__pycache__").is_dir():
        shutil.copytree(library / "__pycache__", directory / "lib" / VERSION / "__pycache__")
    subprocess.run([python, "-I", "-m", "compileall", "-q", "-l", directory / "lib" / VERSION], check=True)
    return python


def site_directory(python: Path) -> Path:
    """Where the interpreter's packages are: Debian's own Python has `local/lib/python3.X/dist-packages`."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'), end='')"
    return Path(subprocess.run([python, "-I", "-B", "-c", code], text=True, capture_output=True, check=True).stdout)


def tree(directory: Path) -> dict[str, tuple[object, ...]]:
    """All that a directory is: kinds, modes, times, contents and targets of links."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted([directory, *directory.rglob("*")]):
        state = path.lstat()
        content: object = None
        if path.is_symlink():
            content = path.readlink()
        elif path.is_file():
            content = path.read_bytes()
        found[str(path.relative_to(directory))] = (state.st_mode, state.st_mtime_ns, content)
    return found


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation's interpreter; each test undoes what it did."""
    return copy_installation(tmp_path_factory.mktemp("installation"))


def test_conversion_and_back(installation: Path, crossenv: CrossenvCommand, host_prefix: Path, run: Run) -> None:
    prefix = installation.parent.parent
    before = tree(prefix)
    words = ("create", "--in-place", "--force", "--python", installation, "--host-python", host_prefix)
    assert f"would make {prefix}/crossenv\n" in crossenv(*words, "--dry-run").stdout
    assert tree(prefix) == before
    done = crossenv(*words)
    assert done.stdout == f"{prefix}/crossenv\n"
    assert f"{prefix}/lib/{VERSION}/sitecustomize" in done.stderr
    # Programs stay native, and the installation's own customisation is run.
    machine = os.uname().machine
    assert run(installation, "-c", ANSWERS) == f"in-place build {machine}\n"
    assert run(installation, "-c", "import sys; print(sys.customised)") == "True\n"
    # A hook of pyproject-hooks is for the host: in the installation and in a virtual environment of it.
    venv = prefix.parent / "venv"
    run(installation, "-m", "venv", "--without-pip", venv)
    hook = prefix.parent / "_in_process.py"
    hook.write_text(ANSWERS)
    for python in (installation, venv / "bin/python"):
        assert run(python, hook, "build_wheel", "x") == "in-place host aarch64\n"
        assert run(python, hook, "build_sdist", "x") == f"in-place build {machine}\n"
    # The sides of the environment inside are what they always are.
    assert run(prefix / "crossenv/cross/bin/python", "-c", ANSWERS) == "cross host aarch64\n"
    assert run(prefix / "crossenv/build/bin/python", hook, "build_wheel", "x") == f" none {machine}\n"
    # Nobody names it, and it is found.
    path = f"{installation.parent}{os.pathsep}{os.environ['PATH']}"
    assert json.loads(crossenv("show", prefix / "crossenv", "--json").stdout)["host"]["machine"] == "aarch64"
    assert json.loads(crossenv("show", "--json", PATH=path).stdout)["root"] == f"{prefix}/crossenv"
    assert f"CC={prefix}/crossenv/etc/bin/" in crossenv("export", "env", PATH=path).stdout
    assert find_converted({"PATH": path}, Path("/nowhere")) == prefix / "crossenv"
    assert find_converted({"PATH": f"{venv}/bin"}, Path("/nowhere")) == prefix / "crossenv"
    assert find_converted({"PATH": "/nowhere"}, Path("/nowhere")) is None
    # Once more changes nothing; another wish is carried out.
    stamp = (prefix / "crossenv/crossenv.json").stat().st_mtime_ns
    assert "already" in crossenv(*words).stderr
    assert (prefix / "crossenv/crossenv.json").stat().st_mtime_ns == stamp
    assert "undoing its conversion" in crossenv(*words, "--allow-pure", "toy").stderr
    assert json.loads((prefix / "crossenv/crossenv.json").read_text())["handover"]["allow_pure"] == ["toy"]
    undone = crossenv("create", "--in-place", "--undo", "--python", installation)
    assert "is restored" in undone.stderr
    assert tree(prefix) == before
    assert "nothing to undo" in crossenv("create", "--in-place", "--undo", "--python", installation).stderr


def test_what_somebody_else_added_stays(installation: Path, crossenv: CrossenvCommand, host_prefix: Path) -> None:
    crossenv("create", "--in-place", "--force", "--python", installation, "--host-python", host_prefix)
    theirs = site_directory(installation) / "theirs.py"
    theirs.write_text("")
    crossenv("create", "--in-place", "--undo", "--python", installation)
    assert theirs.exists()
    theirs.unlink()


def test_a_failure_leaves_the_installation_as_it_was(
    installation: Path, crossenv: CrossenvCommand, host_prefix: Path
) -> None:
    prefix = installation.parent.parent
    words = ("create", "--in-place", "--force", "--python", installation, "--host-python", host_prefix)
    foreign = site_directory(installation) / "000_crossenv.pth"
    foreign.write_text("")
    before = tree(prefix)
    refused = crossenv(*words, check=False)
    assert refused.returncode == 2
    assert f"{foreign} is there already" in refused.stderr
    assert tree(prefix) == before
    foreign.unlink()
    before = tree(prefix)
    refused = crossenv(*words, "--cc", "no-such-gcc", check=False)
    assert refused.returncode == 4
    assert tree(prefix) == before
    # A damaged manifest is said, not obeyed.
    (prefix / "crossenv").mkdir()
    (prefix / "crossenv/in-place.json").write_text('{"schema": 1}')
    refused = crossenv(*words, check=False)
    assert refused.returncode == 2
    assert "in-place.json cannot be read" in refused.stderr
    shutil.rmtree(prefix / "crossenv")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--in-place", "--target", "aarch64", "--python", sys.executable, "--force"), "virtual environment"),
        (("--in-place", "--target", "aarch64", "--python", "no-such-python", "--force"), "there is no Python no-such"),
        (("--in-place", "--target", "aarch64", "somewhere"), "takes no directory (somewhere)"),
        (("--undo", "somewhere"), "--undo goes with --in-place"),
        (("--force", "--target", "aarch64", "somewhere"), "--force goes with --in-place"),
        (("--target", "aarch64"), "no directory is named"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(words: tuple[str, ...], says: str, crossenv: CrossenvCommand) -> None:
    if sys.executable in words and sys.prefix == sys.base_prefix:
        pytest.skip("needs to run in a virtual environment")
    done = crossenv("create", *words, check=False)
    assert done.returncode == 2
    assert says in done.stderr
    assert not Path("somewhere").exists()


def test_only_what_is_thrown_away_is_converted(tmp_path: Path) -> None:
    file = tmp_path / ".containerenv"
    installation = Installation(
        executable=Path("/opt/python/bin/python"),
        prefix=Path("/opt/python"),
        library=Path("/opt/python/lib/python3.11"),
        site=Path("/opt/python/lib/python3.11/site-packages"),
        customisation=None,
    )

    def ask(environ: dict[str, str], *, named: bool = False) -> None:
        require_throw_away(installation, environ, named=named, files=(str(file),))

    for named in (False, True):
        with pytest.raises(UsageError, match="/opt/python itself, and this is neither a CI job nor a container"):
            ask({"CI": "false"}, named=named)
    for environ in ({"CI": "true"}, {"CIBUILDWHEEL": "1"}, {"CIBUILDWHEEL_BUILD_IDENTIFIER": "cp311-manylinux_x86_64"}):
        ask(environ)
    # People develop in containers too.
    file.touch()
    with pytest.raises(UsageError) as caught:
        ask({})
    assert "--python /opt/python/bin/python" in caught.value.hint
    ask({}, named=True)


@pytest.mark.parametrize(
    ("identifier", "platform", "target"),
    [
        ("cp311-manylinux_x86_64", "manylinux_2_28_x86_64", None),
        ("", "", None),
        ("cp311-manylinux_aarch64", "manylinux_2_34_x86_64", "manylinux_2_34_aarch64"),
        ("cp311-manylinux_aarch64", "manylinux2014_x86_64", "manylinux2014_aarch64"),
        ("cp311-manylinux_riscv64", "", "manylinux_2_28_riscv64"),
        ("cp313t-musllinux_armv7l", "musllinux_1_2_x86_64", "musllinux_1_2_armv7l"),
        # A glibc image in a musllinux slot.
        ("cp311-musllinux_aarch64", "manylinux_2_28_x86_64", "musllinux_1_2_aarch64"),
        ("", "manylinux_2_28_aarch64", "manylinux_2_28_aarch64"),
        ("cp311-manylinux_x86_64", "manylinux_2_28_aarch64", "manylinux_2_28_aarch64"),
        ("cp311-macosx_arm64", "", None),
    ],
)
def test_the_target_that_the_image_speaks_of(identifier: str, platform: str, target: str | None) -> None:
    environ = {"CIBUILDWHEEL_BUILD_IDENTIFIER": identifier, "AUDITWHEEL_PLAT": platform}
    assert derived_target(environ, "x86_64") == target


HOOKS = "/opt/python/lib/pyproject_hooks/_in_process/_in_process.py"
RUNNER = "/opt/python/lib/python3.11/site-packages/pip/__pip-runner__.py"
BACKEND = "import setuptools.build_meta as backend"


@pytest.mark.parametrize(
    ("orig", "argv", "role", "export"),
    [
        ("-c x", "-c", "build", False),
        ("tool.py", "tool.py", "build", False),
        ("setup.py bdist_wheel", "setup.py bdist_wheel", "build", False),
        ("-m pip wheel . --no-deps", "-m wheel . --no-deps", "host", False),
        ("-I -m pip --verbose wheel .", "-m --verbose wheel .", "host", False),
        ("/opt/bin/pip wheel .", "/opt/bin/pip wheel .", "host", False),
        ("/opt/bin/pip3.11 wheel .", "/opt/bin/pip3.11 wheel .", "host", False),
        ("-m pip install wheel", "-m install wheel", "build", True),
        ("/opt/bin/pip install .", "/opt/bin/pip install .", "build", True),
        (f"{RUNNER} install build", f"{RUNNER} install build", "build", True),
        ("-m build --wheel .", "-m --wheel .", "build", False),
        (f"{HOOKS} build_wheel /x", f"{HOOKS} build_wheel /x", "host", True),
        (f"{HOOKS} build_sdist /x", f"{HOOKS} build_sdist /x", "build", True),
        ("/t/bin/meson setup", "/t/bin/meson setup", "build", False),
    ],
)
def test_roles_in_place(orig: str, argv: str, role: str, export: bool) -> None:
    found = decide_role("in-place", argv.split(), ["python", *orig.split()], {}, lambda: "/src", lambda: ())
    assert found[:2] == (role, export)


@pytest.mark.parametrize(
    ("uv", "directory", "role"),
    [
        ("uv build --python=/opt/bin/python /project --wheel", "/project", "host"),
        ("/usr/bin/uv --quiet build", "/project", "host"),
        ("uv build", "/root/.cache/uv/sdists-v9/index/x/toy", "build"),
        ("uv pip install --python /t/bin/python cython", "/src", "build"),
        ("uv pip install build", "/src", "build"),
        ("uv tool install .", "/src", "build"),
        ("", "/project", "host"),
    ],
)
def test_roles_below_uv(uv: str, directory: str, role: str) -> None:
    orig = ["python", "-I", "-c", BACKEND]
    assert decide_role("in-place", ["-c"], orig, {}, lambda: directory, uv.split)[0] == role


@pytest.mark.integration
def test_every_front_end_builds_for_the_host(
    installation: Path, cross_gcc: str, host_prefix: Path, tmp_path: Path, run: Run
) -> None:
    """Build requirements run here; a front end that slips is caught by the repair."""
    prefix, python = installation.parent.parent, installation
    # Debian's Python has no ensurepip, is marked as Debian's own, and installs below local/.
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "-q", "--break-system-packages")
    run(*pip, "pip", "build", "uv")
    path = f"{prefix}/bin{os.pathsep}{prefix}/local/bin{os.pathsep}{os.environ['PATH']}"
    convert = ("create", "--in-place", "--force", "--python", python, "--host-python", host_prefix, "--cc", cross_gcc)
    crossenv = CrossenvCommand(path)
    crossenv(*convert)
    # Cython is a native extension itself: it has to run.
    project = projects.cython(tmp_path / "toy")
    uv = shutil.which("uv", path=path)
    assert uv is not None
    assert uv.startswith(f"{prefix}/")
    for name, words in {
        "pip": (python, "-m", "pip", "wheel", project, "--no-deps", "-w"),
        "build": (python, "-m", "build", project, "--wheel", "--outdir"),
        "build[uv]": (python, "-m", "build", project, "--wheel", "--installer=uv", "--outdir"),
        "uv": (uv, "build", f"--python={python}", project, "--wheel", "--out-dir"),
    }.items():
        out = tmp_path / name
        run(*words, out, PATH=path)
        (wheel,) = out.glob("*.whl")
        assert wheel.name.endswith("-linux_aarch64.whl")
        with zipfile.ZipFile(wheel) as archive:
            (module,) = [archive.read(file) for file in archive.namelist() if file.endswith(".so")]
        assert module[18:20] == b"\xb7\0"
        shutil.rmtree(project / "build")
        done = crossenv("repair", "--dest", tmp_path / "repaired", wheel, VIRTUAL_ENV="")
        assert "aarch64" in done.stdout
    # Planted: the file that uv's environments start the shim with.
    shutil.rmtree(prefix / "lib" / VERSION / "sitecustomize")
    run(uv, "build", f"--python={python}", project, "--wheel", "--out-dir", tmp_path / "slipped", PATH=path)
    (wheel,) = (tmp_path / "slipped").glob("*.whl")
    refused = crossenv("repair", "--dest", tmp_path / "repaired", wheel, check=False, VIRTUAL_ENV="")
    assert refused.returncode == 7
    assert wheel.name in refused.stderr
    # What is damaged is made anew.
    assert "undoing its conversion" in crossenv(*convert).stderr
    crossenv("create", "--in-place", "--undo", "--python", python)
    assert not (prefix / "crossenv").exists()

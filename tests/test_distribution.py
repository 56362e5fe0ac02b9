"""The wheel of this checkout, installed as the documentation says, and beside the older tool's."""

from __future__ import annotations

import functools
import hashlib
import http.server
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import zipfile
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from conftest import Run, with_thorough
from crossenv.compilers.zig.locate import OLDEST

CHECKOUT = Path(__file__).parent.parent
OLDER = "crossenv==1.6.2"
# "pip install ..." with our distribution, up to where a shell's word list ends.
INSTALL = re.compile(r"(?:\S*/)?((?:uv )?pip install (?:[^\n&|`;#]*?)['\"]?(?:\./)?crossenv2[^\s&|`;]*)")
PAGES = sorted([CHECKOUT / "README.md", *(CHECKOUT / "docs").rglob("*.md")])


def install_lines() -> list[str]:
    """Every line of the documentation that installs crossenv2, once."""
    found = (match[1] for page in PAGES for match in INSTALL.finditer(page.read_text(encoding="utf-8")))
    return sorted({line.rstrip("'") if line.count("'") % 2 else line for line in found})


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, run: Run) -> Path:
    """The wheel of this checkout; building it needs no network."""
    directory = tmp_path_factory.mktemp("dist")
    pip = (sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation")
    run(*pip, "--wheel-dir", directory, CHECKOUT)
    (path,) = directory.iterdir()
    return path


class Place:
    """A virtual environment with pip."""

    def __init__(self, directory: Path, run: Run) -> None:
        run(sys.executable, "-m", "virtualenv", "-q", "--no-periodic-update", directory)
        self.bin = directory / "bin"
        self._run = run

    def pip(self, *words: str | Path) -> str:
        return self._run(self.bin / "python", "-m", "pip", "-q", "--disable-pip-version-check", *words)

    def crossenv(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run it; the dependencies that were not installed are those of the tests."""
        environment = {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib")}
        words = (str(self.bin / "crossenv"), *words)
        return subprocess.run(words, text=True, capture_output=True, check=False, env=environment)


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The older tool's wheel, from the index."""
    directory = tmp_path_factory.mktemp("older")
    words = (sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", directory, OLDER)
    if subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip(f"needs {OLDER} from the package index")
    return next(directory.iterdir())


@pytest.mark.integration
def test_name_and_version(wheel: Path, tmp_path: Path, run: Run) -> None:
    assert wheel.name == "crossenv2-2.0.0-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"crossenv", "crossenv_info-stubs"}
    place = Place(tmp_path / "venv", run)
    place.pip("install", "--no-deps", wheel)
    assert place.crossenv("--version").stdout == "crossenv 2.0.0\n"


@pytest.mark.integration
@pytest.mark.parametrize("ours_last", [True, False], ids=["ours over the older", "the older over ours"])
def test_the_older_tool_in_the_same_place_is_refused(
    wheel: Path, older: Path, tmp_path: Path, run: Run, ours_last: bool
) -> None:
    place = Place(tmp_path / "venv", run)
    for path in (older, wheel) if ours_last else (wheel, older):
        place.pip("install", "--no-deps", path)
    refused = place.crossenv("--version")
    assert refused.returncode == 2
    error, hint = refused.stderr.splitlines()
    assert "crossenv 1.6.2 is installed in" in error and "crossenv2" in error
    # Uninstalling the older one takes files that both had: still refused, until the hint is followed.
    place.pip("uninstall", "-y", "crossenv")
    assert place.crossenv("targets").returncode == 2
    assert "pip uninstall -y crossenv crossenv2" in hint
    place.pip("uninstall", "-y", "crossenv", "crossenv2")
    place.pip("install", "--no-deps", wheel)
    assert place.crossenv("--version").stdout == "crossenv 2.0.0\n"


def test_the_documentation_installs_what_this_project_is_called() -> None:
    lines = install_lines()
    assert any(line.startswith("pip") for line in lines) and any(line.startswith("uv pip") for line in lines)
    for page in PAGES:
        for line in page.read_text(encoding="utf-8").splitlines():
            assert not re.search(r"(?<!un)install (?:[^\s&|;]+ )*['\"]?crossenv(?:\[|['\"]?$)", line), f"{page}: {line}"


@pytest.mark.integration
@pytest.mark.parametrize("line", with_thorough(install_lines()[:1], install_lines()[1:]))
def test_install_lines_with_the_wheel_of_this_checkout(
    line: str, wheel: Path, older: Path, tmp_path: Path, run: Run
) -> None:
    """`older` is asked for because it says whether there is an index: the line installs dependencies too."""
    if line.startswith("uv ") and shutil.which("uv") is None:
        pytest.skip("needs uv on PATH")
    place = Place(tmp_path / "venv", run)
    shutil.copy(wheel, tmp_path)
    places = {"PIP_FIND_LINKS": str(wheel.parent), "UV_FIND_LINKS": str(wheel.parent)}
    path = f"{place.bin}{os.pathsep}{os.environ['PATH']}"
    # cibuildwheel puts the path of the project there.
    line = line.replace("{project}", ".")
    run("sh", "-ec", line, cwd=tmp_path, PATH=path, VIRTUAL_ENV=str(place.bin.parent), **places)
    assert place.crossenv("--version").stdout == "crossenv 2.0.0\n"
    if "[zig]" in line:
        words = ("create", "--dry-run", "--target", "s390x", "--toolchain", "zig", "--python", sys.executable, "env")
        made = place.crossenv(*words)
        assert made.returncode == 0, made.stderr


def test_pip_is_fetched_where_debian_keeps_ensurepip_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `scripts/quickstart.py` does then: the newest release that is not yanked, with the index's hash."""
    monkeypatch.syspath_prepend(CHECKOUT / "scripts")
    checkout_venv = importlib.import_module("checkout_venv")
    names = ("pip-9.0-py3-none-any.whl", "pip-25.1.1-py3-none-any.whl", "pip-26.0b1-py3-none-any.whl", "pip-30.tar.gz")
    files = [
        {"filename": name, "url": f"../{name}", "hashes": {"sha256": hashlib.sha256(name.encode()).hexdigest()}}
        for name in (*names, "pip-27.0-py3-none-any.whl")
    ]
    files[-1]["yanked"] = "broken"
    for file in files:
        (tmp_path / str(file["filename"])).write_text(str(file["filename"]))
    (tmp_path / "pip").mkdir()
    # What a server of files answers for a directory.
    (tmp_path / "pip/index.html").write_text(json.dumps({"files": files}))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    (tmp_path / "venv").mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_address[1]}")
        fetched = checkout_venv.fetch_pip(tmp_path / "venv")
        assert fetched.read_text() == fetched.name == "pip-25.1.1-py3-none-any.whl"
        (tmp_path / fetched.name).write_text("damaged")
        with pytest.raises(SystemExit, match="not what the index promises"):
            checkout_venv.fetch_pip(tmp_path / "venv")
        server.shutdown()


def test_the_page_of_tested_versions_has_the_bounds_of_the_distribution() -> None:
    text = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    page = (CHECKOUT / "docs/reference/tested-versions.md").read_text(encoding="utf-8")
    rows = {
        name: (low, high) for name, low, high in re.findall(r"^\| ([\w]+)[^|]*\| ([\d.]+) \| ([\d.]+) \|", page, re.M)
    }
    assert set(rows) >= {"pip", "packaging", "uv", "build", "virtualenv", "auditwheel", "ziglang"}
    for name in ("uv", "build", "virtualenv", "auditwheel", "ziglang"):
        low, high = rows[name]
        bounds = {SpecifierSet(found) for found in re.findall(rf'"{name}([<>=][\d.,<>=]*)"', text)}
        assert len(bounds) == 1, f"{name} has other bounds in other places"
        (allowed,) = bounds
        assert f">={low}" in {str(one) for one in allowed}, name
        assert high in allowed, name
    assert str(OLDEST) == rows["ziglang"][0]

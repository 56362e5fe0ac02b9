"""Back ends that ask which machine they build for, and back ends that do not."""

from __future__ import annotations

import json
import subprocess
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest
from _crossenv import cross_hooks

import projects
from conftest import Run
from crossenv import testing
from test_front_ends import is_host, only_wheel, sdist

DESCRIPTION = testing.made_up("manylinux_2_28_aarch64")


@pytest.fixture
def facts(tmp_path: Path) -> Any:
    (tmp_path / "crossenv.json").write_text(json.dumps({"schema": 0, "cross_build_info": DESCRIPTION}))
    return {"root": str(tmp_path)}


def back_end(**attributes: Any) -> types.SimpleNamespace:
    """A back end whose hooks return what they were called with."""

    def hook(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    return types.SimpleNamespace(build_wheel=hook, get_requires_for_build_wheel=hook, **attributes)


def test_a_back_end_that_does_not_ask_is_left_alone(facts: Any) -> None:
    plain = back_end()
    before = dict(vars(plain))
    cross_hooks.tell(plain, facts)
    assert vars(plain) == before


@pytest.mark.parametrize("declared", [(1,), [1], (2, 1)])
def test_settings_where_they_are_declared(facts: Any, declared: object) -> None:
    asking = back_end(cross_build_info_versions=declared)
    cross_hooks.tell(asking, facts)
    path = facts["root"] + "/crossenv.json"
    assert asking.build_wheel("out") == (("out",), {"config_settings": {"cross-build-info": path}})
    assert asking.build_wheel("out", {"a": "b"}, "meta") == (("out", {"cross-build-info": path, "a": "b"}, "meta"), {})
    assert asking.get_requires_for_build_wheel(None) == (({"cross-build-info": path},), {})
    assert asking.build_wheel("out", config_settings={"cross-build-info": "mine"})[1]["config_settings"] == {
        "cross-build-info": "mine"
    }


def test_a_version_that_there_is_not(facts: Any, capsys: pytest.CaptureFixture[str]) -> None:
    later = back_end(cross_build_info_versions=(2, 3), cross_build_wheel=lambda *_: "never")
    cross_hooks.tell(later, facts)
    assert later.build_wheel("out") == (("out",), {})
    assert "of version 2, 3; this is version 1" in capsys.readouterr().err


def test_the_hook_is_called_in_place_of_build_wheel(facts: Any) -> None:
    calls: list[Any] = []
    mine = {"cross-build-info": facts["root"] + "/mine.json"}
    Path(mine["cross-build-info"]).write_text(json.dumps({"cross_build_info": {"version": "1.0"}}))

    def cross_build_wheel(*args: Any) -> str:
        calls.append(args)
        args[1].clear()
        return "toy-1-py3-none-any.whl"

    asking = back_end(cross_build_wheel=cross_build_wheel)
    cross_hooks.tell(asking, facts)
    assert asking.build_wheel("out", {"a": "b"}, metadata_directory="meta") == "toy-1-py3-none-any.whl"
    assert asking.build_wheel("out") == "toy-1-py3-none-any.whl"
    asking.build_wheel("out", mine)
    assert calls.pop()[2] == mine
    # What one call does to its description no other call sees.
    assert [(call[0], call[2:]) for call in calls] == [("out", ({"a": "b"}, "meta")), ("out", (None, None))]


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"cross_build_info_versions": "1"}, "cross_build_info_versions of the back end"),
        ({"cross_build_info_versions": (True,)}, "is not a tuple of integers"),
        ({"cross_build_wheel": lambda *_: None}, "cross_build_wheel of the back end returned None"),
        ({"cross_build_wheel": lambda *_: "/tmp/x.whl"}, "returned '/tmp/x.whl'"),
        ({"cross_build_wheel": lambda *_: "x.whl"}, "/missing does not describe a cross build"),
    ],
)
def test_a_wrong_answer_ends_the_build(
    facts: Any, monkeypatch: pytest.MonkeyPatch, attributes: dict[str, Any], says: str
) -> None:
    class Ended(Exception):
        pass

    def fail(message: str, hint: str, status: int) -> None:
        assert hint
        assert status == 6
        raise Ended(message)

    monkeypatch.setattr(cross_hooks, "fail", fail)
    asking = back_end(**attributes)
    with pytest.raises(Ended) as caught:
        cross_hooks.tell(asking, facts)
        asking.build_wheel("out", {"cross-build-info": "/missing"} if "missing" in says else None)
    assert says in str(caught.value)


# Real builds

TOLD = {
    "hook": "cross_build_wheel",
    "settings": "config_settings",
    "module": "crossenv_info",
    "neither": "nobody",
}


@pytest.fixture(scope="module")
def front_ends(real_env: Path, run: Run) -> Path:
    """An environment with every front end."""
    for words in (("cross-pip", "install", "-q", "build"), ("build-pip", "install", "-q", "uv")):
        if subprocess.run([real_env / "bin" / words[0], *words[1:]], capture_output=True, check=False).returncode:
            pytest.skip(f"needs {words[-1]} from an index")
    return real_env


def command(env: Path, front_end: str, out: Path, project: Path) -> list[str | Path]:
    commands: dict[str, list[str | Path]] = {
        "pip": [env / "bin/cross-pip", "wheel", "--no-deps", "-w", out, project],
        "build": [env / "bin/cross-python", "-m", "build", "--wheel", "-o", out, project],
        "build, from an sdist": [env / "bin/cross-python", "-m", "build", "-o", out, project],
        "uv": [env / "bin/cross-uv", "build", "--wheel", "-o", out, project],
        "crossenv wheel": [
            *(sys.executable, "-m", "crossenv", "wheel", "--target", "aarch64-linux-gnu", "--toolchain", "gnu"),
            *("--log-dir", out.parent / "logs", "-w", out, project),
        ],
    }
    return commands[front_end]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("front_end", "variant"),
    [
        *(("pip", variant) for variant in TOLD),
        *(("build", variant) for variant in ("hook", "settings")),
        ("build, from an sdist", "module"),
        *(("uv", variant) for variant in ("hook", "settings", "neither")),
        *(("crossenv wheel", variant) for variant in ("hook", "settings")),
    ],
)
def test_every_front_end_tells_the_back_end(
    front_ends: Path, tmp_path: Path, run: Run, front_end: str, variant: str
) -> None:
    project = projects.cross_back_end(tmp_path / "project", variant)
    run(*command(front_ends, front_end, tmp_path / "out", project))
    wheel = only_wheel(tmp_path / "out")
    assert is_host(wheel)
    assert wheel.name.endswith("-linux_aarch64.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("toy/told_by").decode() == TOLD[variant]


@pytest.mark.integration
@pytest.mark.parametrize("front_end", ["pip", "build", "uv", "crossenv wheel"])
def test_a_native_result_is_refused(front_ends: Path, tmp_path: Path, front_end: str) -> None:
    project = projects.cross_back_end(tmp_path / "project", "wrong")
    words = command(front_ends, front_end, tmp_path / "out", project)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "is for x86-64" in done.stdout + done.stderr
    assert not list((tmp_path / "out").glob("*.whl"))


@pytest.mark.integration
def test_the_hook_needs_no_cross_environment(real_env: Path, tmp_path: Path, run: Run) -> None:
    """What it is told is enough: any interpreter of this machine can call it."""
    project = projects.cross_back_end(tmp_path / "project", "hook")
    code = (
        "import json, sys\nsys.path.insert(0, 'back_ends')\nfrom variant import back_end\n"
        f"info = json.load(open({str(real_env / 'crossenv.json')!r}))['cross_build_info']\n"
        "back_end.cross_build_wheel('.', info)\n"
    )
    run(sys.executable, "-c", code, cwd=project)
    assert is_host(only_wheel(project))


PROBE = """
import json, os, sys, zipfile
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    try:
        import crossenv_info
        importable = True
    except ImportError:
        importable = False
    names = [name for name in ("PYTHON_CROSSENV", "CROSSENV_RECORD") if name in os.environ]
    seen = {"names": names, "importable": importable, "cross": getattr(sys, "cross_compiling", False)}
    with zipfile.ZipFile(os.path.join(wheel_directory, "probe-1-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("probe.py", f"SEEN = {seen!r}\\n")
        wheel.writestr("probe-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: probe\\nVersion: 1\\n")
        wheel.writestr("probe-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr("probe-1.dist-info/RECORD", "")
    return "probe-1-py3-none-any.whl"
"""
ASKING = """
import importlib.util, os, subprocess, sys, probe
assert probe.SEEN == {"names": [], "importable": False, "cross": False}, probe.SEEN
import crossenv_info
assert crossenv_info.host.machine == "aarch64" and sys.cross_compiling and os.environ["PYTHON_CROSSENV"] == "1"
native = [crossenv_info.build.python, "-c", "import crossenv_info"]
assert b"ModuleNotFoundError" in subprocess.run(native, stderr=subprocess.PIPE).stderr
ask = "import os; print([n for n in ('PYTHON_CROSSENV', 'CROSSENV_RECORD') if n in os.environ])"
program = os.path.join(os.path.dirname(os.environ["CROSSENV_RECORD"]), "bin/build-python")
assert subprocess.check_output([program, "-c", ask]) == b"[]\\n"
"""


@pytest.mark.integration
@pytest.mark.parametrize("front_end", ["pip", "build"])
def test_build_requirements_see_nothing_of_the_cross_build(
    front_ends: Path, tmp_path: Path, run: Run, front_end: str
) -> None:
    """A build requirement that is built on the way is built natively, and is not told otherwise."""
    system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    probe = projects.write(tmp_path / "probe", {"pyproject.toml": system, "backend.py": PROBE})
    sdist(probe, "probe", tmp_path / "links")
    project = projects.cross_back_end(tmp_path / "project", "module")
    pyproject = project / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("requires = []", 'requires = ["probe"]'))
    variant = project / "back_ends/variant.py"
    variant.write_text(ASKING + variant.read_text())
    extra = {"PIP_FIND_LINKS": str(tmp_path / "links"), "PIP_NO_INDEX": "1"}
    run(*command(front_ends, front_end, tmp_path / "out", project), **extra)
    assert is_host(only_wheel(tmp_path / "out"))

"""What one process of the cross python is for."""

from __future__ import annotations

import pytest
from _crossenv import decide_role

RUNNER = "/e/cross/lib/python3.11/site-packages/pip/__pip-runner__.py"
HOOKS = "/e/cross/lib/python3.11/site-packages/pip/_vendor/pyproject_hooks/_in_process/_in_process.py"
PREFIX = "/tmp/pip-build-env-abc123/overlay"


@pytest.mark.parametrize(
    ("place", "argv", "environ", "role", "export", "hook"),
    [
        pytest.param("cross", ["-c"], {}, "host", False, "", id="by place: the cross side"),
        pytest.param("isolated", ["-c"], {}, "build", False, "", id="by place: an isolated environment"),
        pytest.param("cross", [""], {}, "host", False, "", id="interactive"),
        pytest.param("cross", [], {}, "host", False, "", id="embedded"),
        pytest.param("cross", ["-c"], {"CROSSENV_ROLE": "build"}, "build", False, "", id="the environment says build"),
        pytest.param("isolated", ["-c"], {"CROSSENV_ROLE": "host"}, "host", False, "", id="the environment says host"),
        pytest.param(
            "cross", [RUNNER, "install", "--prefix", PREFIX], {}, "build", True, "", id="pip installs requirements"
        ),
        pytest.param("cross", [RUNNER, "install", f"--prefix={PREFIX}"], {}, "build", True, "", id="--prefix=..."),
        pytest.param("cross", [RUNNER, "install", "--prefix", "/opt/x"], {}, "host", False, "", id="pip --python"),
        pytest.param(
            "isolated", [RUNNER, "--python", "/t/bin/python", "install", "x"], {}, "build", True, "", id="build's pip"
        ),
        pytest.param(
            "isolated",
            [RUNNER, "--python", "/t/bin/python", "install", "x"],
            {"CROSSENV_ROLE": "host"},
            "host",
            False,
            "",
            id="pip in an isolated environment below a hook",
        ),
        pytest.param("cross", [RUNNER, "list"], {}, "host", False, "", id="pip --python list"),
        pytest.param(
            "cross",
            [RUNNER, "install", "--prefix", PREFIX],
            {"CROSSENV_ROLE": "host"},
            "build",
            True,
            "",
            id="requirements are native even below a hook",
        ),
        pytest.param(
            "cross",
            [HOOKS, "build_wheel", "/tmp/x"],
            {"CROSSENV_ROLE": "build"},
            "build",
            False,
            "",
            id="a nested source build of a requirement stays native",
        ),
        pytest.param("cross", [HOOKS, "build_wheel", "/tmp/x"], {}, "host", True, "build_wheel", id="a hook"),
        pytest.param(
            "isolated", [HOOKS, "build_wheel", "/tmp/x"], {}, "host", True, "build_wheel", id="a hook of build"
        ),
        pytest.param(
            "cross",
            [HOOKS, "get_requires_for_build_wheel", "/tmp/x"],
            {},
            "host",
            True,
            "get_requires_for_build_wheel",
            id="a question is the target's too",
        ),
        pytest.param("cross", [HOOKS, "build_sdist", "/tmp/x"], {}, "build", True, "", id="a sdist is for no machine"),
        pytest.param("cross", [HOOKS, "get_requires_for_build_sdist", "/t"], {}, "build", True, "", id="nor its needs"),
        pytest.param(
            "cross", ["/t/vendored-meson/meson/meson.py"], {"CROSSENV_ROLE": "host"}, "build", False, "", id="meson.py"
        ),
        pytest.param("isolated", ["/t/bin/meson", "setup"], {"CROSSENV_ROLE": "host"}, "build", False, "", id="meson"),
        pytest.param("cross", ["setup.py", "bdist_wheel"], {}, "host", True, "setup.py", id="setup.py by hand"),
        pytest.param("isolated", ["/t/setup.py", "build_ext"], {}, "build", False, "", id="setup.py of a requirement"),
        pytest.param(
            "isolated",
            ["/t/setup.py"],
            {"CROSSENV_ROLE": "host"},
            "host",
            True,
            "setup.py",
            id="setup.py run by a hook",
        ),
    ],
)
def test_role(place: str, argv: list[str], environ: dict[str, str], role: str, export: bool, hook: str) -> None:
    assert decide_role(place, argv, ["python", *argv], environ, lambda: "/src") == (role, export, hook)


@pytest.mark.parametrize(
    ("code", "role", "export", "hook"),
    [
        (
            "import sys\nimport flit_core.buildapi as backend\nbackend.build_wheel(1)",
            "host",
            True,
            "uv:flit_core.buildapi",
        ),
        (
            "from setuptools.build_meta import __legacy__ as backend\n",
            "host",
            True,
            "uv:setuptools.build_meta:__legacy__",
        ),
        ("import a.b as backend\nbackend.build_sdist(1)", "build", True, ""),
        ("import a as backend\ngetattr(backend, 'get_requires_for_build_sdist', None)", "build", True, ""),
        ("print('as backend')", "host", False, ""),
        ("", "host", False, ""),
    ],
)
def test_scripts_of_uv(code: str, role: str, export: bool, hook: str) -> None:
    assert decide_role("cross", ["-c"], ["python", "-I", "-c", code], {}, lambda: "/src") == (role, export, hook)
    assert decide_role("cross", ["-c"], ["python", "-c", code], {"CROSSENV_ROLE": "build"}, lambda: "/src") == (
        "build",
        False,
        "",
    )


@pytest.mark.parametrize(
    ("command", "role"),
    [
        ("uv build", "host"),
        ("uv pip install --python /usr .", "build"),
        ("uv pip install .", "host"),
        ("uv lock --python /e/bin/python", "build"),
        ("", "host"),
    ],
)
def test_uv_itself(command: str, role: str) -> None:
    code = "import a as backend\nbackend.build_wheel(1)"
    orig = ["python", "-c", code]
    assert decide_role("isolated", ["-c"], orig, {}, lambda: "/src", command.split, root="/e")[0] == role

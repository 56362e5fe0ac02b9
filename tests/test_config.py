"""Settings: option, variable, file, default."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import jsonschema
import pytest

from conftest import CrossenvCommand
from crossenv.config import load_settings, tool_schema
from crossenv.errors import UsageError
from makers import write

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = """
[tool.crossenv]
target = "aarch64"
toolchain = "zig"
sysroot = "root"
allow-pure = ["toy"]
"""


def test_the_nearer_word_wins(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", FILE)
    below = tmp_path / "a/b"
    below.mkdir(parents=True)
    settings = load_settings(
        {"target": None, "toolchain": "gnu", "allow-pure": ["other"]},
        {"CROSSENV_TOOLCHAIN": "clang", "CROSSENV_CPU": "z14"},
        below,
    )
    assert settings.texts == {
        "target": "aarch64", "toolchain": "gnu", "sysroot": str(tmp_path / "root"), "cpu": "z14",
    }  # fmt: skip
    assert settings.origins["toolchain"] == "--toolchain"
    assert settings.origins["cpu"] == "CROSSENV_CPU"
    assert settings.origins["target"] == str(tmp_path / "pyproject.toml")
    assert settings.lists["allow-pure"] == ("other", "toy")


def test_a_host_is_named_in_one_place(tmp_path: Path) -> None:
    """A target in the file is no answer where the command line names a host Python."""
    write(tmp_path / "pyproject.toml", FILE)
    settings = load_settings({"host-python": "/x"}, {"CROSSENV_TARGET": "s390x"}, tmp_path)
    assert settings.texts["host-python"] == "/x"
    assert "target" not in settings.texts
    settings = load_settings({}, {"CROSSENV_HOST_PYTHON": "/y"}, tmp_path)
    assert settings.texts["host-python"] == "/y"
    assert "target" not in settings.texts


def test_without_a_file(tmp_path: Path) -> None:
    assert load_settings({"target": "s390x"}, {}, tmp_path).texts == {"target": "s390x"}
    write(tmp_path / "pyproject.toml", "[project]\nname = 'x'\n")
    assert load_settings({}, {}, tmp_path).texts == {}


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("[tool.crossenv]\ntraget = 'x'\n", "has no key 'traget'", "did you mean target?"),
        ("[tool.crossenv]\ntarget = 1\n", "target in [tool.crossenv] is not a string", "write a string"),
        (
            "[tool.crossenv]\nallow-pure = 'x'\n",
            "allow-pure in [tool.crossenv] is not a list of strings",
            "write a list",
        ),
        ("[tool]\ncrossenv = 1\n", "[tool.crossenv] is not a table", "write [tool.crossenv]"),
        ("[tool.crossenv\n", "cannot be read", "mend the file"),
    ],
)
def test_a_file_with_faults(tmp_path: Path, text: str, says: str, hint: str) -> None:
    write(tmp_path / "pyproject.toml", text)
    with pytest.raises(UsageError) as error:
        load_settings({}, {}, tmp_path)
    assert says in error.value.message
    assert str(tmp_path / "pyproject.toml") in error.value.message
    assert error.value.hint.startswith(hint)


def test_create_reads_it(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    result = crossenv("create", tmp_path / "env", check=False, CROSSENV_TARGET="no-such-machine")
    assert result.returncode == 2
    assert "there is no target 'no-such-machine'" in result.stderr
    result = crossenv("create", tmp_path / "env", check=False, CROSSENV_TARGET="s390x", CROSSENV_TOOLCHAIN="zgi")
    assert result.returncode == 2
    assert "CROSSENV_TOOLCHAIN: there is no toolchain 'zgi'" in result.stderr


SCHEMA = Path(__file__).resolve().parent.parent / "docs/reference/tool-table.schema.json"


def test_the_schema_is_that_of_the_code() -> None:
    """To write it: python -c 'import json, crossenv.config as c; print(json.dumps(c.tool_schema(), indent=2))'."""
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == tool_schema()


@pytest.mark.parametrize(
    ("table", "good"),
    [
        ('target = "aarch64"\nrepair = true\nallow-pure = ["x"]', True),
        ('targets = ["aarch64"]\npythons = ["3.13", "3.14t"]\nfetch-python = false', True),
        ('tagret = "aarch64"', False),
        ('target = ["aarch64"]', False),
        ('repair = "yes"', False),
    ],
)
def test_validate_pyproject_agrees_with_the_reader(tmp_path: Path, table: str, good: bool) -> None:
    text = f'[project]\nname = "x"\nversion = "1"\n[tool.crossenv]\n{table}\n'
    path = write(tmp_path / "pyproject.toml", text)
    done = subprocess.run(
        [sys.executable, "-m", "validate_pyproject", path], capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) == good, done.stdout + done.stderr
    if good:
        load_settings({}, {}, tmp_path)
    else:
        with pytest.raises(UsageError):
            load_settings({}, {}, tmp_path)


def test_the_tables_in_the_docs_are_good() -> None:
    pages = [*(SCHEMA.parent.parent).rglob("*.md"), SCHEMA.parent.parent.parent / "README.md"]
    found = [
        block
        for page in pages
        for block in re.findall(r"^ *\[tool\.crossenv\]\n(?:^ *[\w-]+ = .*\n)+", page.read_text("utf-8"), re.MULTILINE)
    ]
    assert len(found) >= 3
    for block in found:
        jsonschema.validate(tomllib.loads(textwrap.dedent(block))["tool"]["crossenv"], tool_schema())

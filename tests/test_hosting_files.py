"""The files for the hosting site: the programs that they are for take them, and they fit their schemas."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crossenv import __version__

CHECKOUT = Path(__file__).parent.parent
# A schema that check-jsonschema brings, so that no network is needed, and the files that it is for.
SCHEMAS = {
    "citation-file-format": "CITATION.cff",
    "dependabot": ".github/dependabot.yml",
    "github-actions": "action.yml",
    "github-issue-config": ".github/ISSUE_TEMPLATE/config.yml",
    "github-issue-forms": ".github/ISSUE_TEMPLATE/[!c]*.yml",
    "github-workflows": ".github/workflows/*.yml",
    "readthedocs": ".readthedocs.yaml",
}


@pytest.mark.parametrize(("schema", "pattern"), SCHEMAS.items(), ids=list(SCHEMAS))
def test_files_fit_their_schemas(schema: str, pattern: str) -> None:
    files = [str(file) for file in CHECKOUT.glob(pattern)]
    assert files
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *files]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("program", "arguments"),
    [("actionlint", []), ("hadolint", ["Dockerfile"]), ("pre-commit", ["validate-config"])],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_programs_take_their_files(program: str, arguments: list[str]) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}")
    words = arguments or [str(file) for file in (CHECKOUT / ".github/workflows").glob("*.yml")]
    done = subprocess.run([program, *words], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_devcontainer_installs_what_there_is() -> None:
    """Dependency groups and the interpreter that it names are this project's."""
    text = (CHECKOUT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8")
    made = json.loads(text)["postCreateCommand"]
    project = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    groups = re.findall(r"--group (\S+)", made)
    assert groups
    assert [name for name in groups if not re.search(rf"^{name} = \[", project, re.MULTILINE)] == []


def test_jobs_run_sessions_that_there_are() -> None:
    sessions = set(
        re.findall(r"^def (\w+)\(session", (CHECKOUT / "noxfile.py").read_text(encoding="utf-8"), re.MULTILINE)
    )
    workflow = (CHECKOUT / ".github/workflows/test.yml").read_text(encoding="utf-8")
    (named,) = re.findall(r"session: \[(.*)\]", workflow)
    assert set(named.split(", ")) <= sessions


def test_the_version_is_said_once() -> None:
    """The changelog's newest section and the citation are of the version that is installed."""
    changes = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = [name for name in re.findall(r"^## \[(.*?)\]", changes, re.MULTILINE) if name != "Unreleased"]
    assert released[0] == __version__
    citation = (CHECKOUT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {__version__}\n" in citation

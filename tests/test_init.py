"""`crossenv init`: what it writes is read by the programs that it is for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import CrossenvCommand
from crossenv.cli.main import main
from crossenv.config import load_settings

PROJECT = '[project]\nname = "toy"\nversion = "1"\nrequires-python = ">=3.12"  # kept\n'
TARGETS = ("aarch64", "x86_64", "musllinux_1_2_armv7l")
WORDS = [word for target in TARGETS for word in ("--target", target)]
KINDS = [(ci, builder) for ci in ("github", "gitlab") for builder in ("crossenv", "cibuildwheel")]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    return tmp_path


def test_the_table_is_read_again(project: Path) -> None:
    assert main(["init", *WORDS, str(project)]) == 0
    settings = load_settings({}, {}, project)
    assert settings.lists["targets"] == TARGETS
    assert settings.lists["pythons"] == ("3.12", "3.13", "3.14")
    assert (project / "pyproject.toml").read_text().startswith(PROJECT)


@pytest.mark.parametrize(("ci", "builder"), KINDS)
def test_a_file_that_is_there_is_kept(ci: str, builder: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = project / {"github": ".github/workflows/wheels.yml", "gitlab": ".gitlab-ci.yml"}[ci]
    words = ["init", "--ci", ci, "--builder", builder, str(project)]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("mine")
    assert main(words) == 2
    assert "--force" in capsys.readouterr().err
    # Nothing is half written.
    assert (place.read_text(), (project / "pyproject.toml").read_text()) == ("mine", PROJECT)
    assert main([*words, "--dry-run", "--force"]) == 0
    assert place.read_text() == "mine"
    assert main([*words, "--force"]) == 0
    assert "@" not in place.read_text().replace("checkout@v", "").replace("python@v", "").replace(
        "artifact@v", ""
    ).replace("cibuildwheel@v", "")
    # The table is there now, and stays as it is.
    assert main([*words, "--force", "--target", "s390x"]) == 2


def test_jobs_are_shared_out_by_machine(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Machines that the service has build for themselves; the others' wheels are cross-built."""
    assert main(["init", "--ci", "github", *WORDS, str(project)]) == 0
    text = (project / ".github/workflows/wheels.yml").read_text()
    assert 'runner: ubuntu-24.04-arm, targets: "aarch64"' in text
    assert 'runner: ubuntu-latest, targets: "x86_64 musllinux_1_2_armv7l"' in text
    capsys.readouterr()
    words = ["init", "--ci", "github", "--builder", "cibuildwheel", "--force", "--json", str(project)]
    assert main(words) == 0
    (text,) = json.loads(capsys.readouterr().out)["files"].values()
    rows = [line for line in text.splitlines() if "runner:" in line]
    assert len(rows) == len(TARGETS)
    assert ["target: " in row for row in rows] == [False, False, True]


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_a_job_for_macos_has_its_linker(ci: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["init", "--ci", ci, "--dry-run", str(project)]
    assert main([*words, "--target", "macosx_11_0_arm64"]) == 0
    assert "apt-get install --yes lld\n" in capsys.readouterr().out
    assert main(words) == 0
    assert "lld" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--target", "nosuch"], "no target 'nosuch'"),
        (["--ci", "github", "--install", "a b"], "is not a requirement"),
        (["--ci", "gitlab", "--builder", "cibuildwheel", "--target", "win_amd64"], "do not build for win_amd64"),
        (["--output", "x.yml"], "go with --ci"),
    ],
)
def test_mistakes(words: list[str], says: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", *words, str(project)]) == 2
    assert says in capsys.readouterr().err
    assert [file.name for file in project.iterdir()] == ["pyproject.toml"]
    assert (project / "pyproject.toml").read_text() == PROJECT


def test_a_directory_without_a_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path)]) == 2
    assert "no pyproject.toml" in capsys.readouterr().err
    assert main(["init", str(tmp_path / "nothing")]) == 2
    assert "there is no directory" in capsys.readouterr().err


@pytest.mark.parametrize("builder", ["crossenv", "cibuildwheel"])
def test_actionlint_takes_the_workflow(builder: str, project: Path, crossenv: CrossenvCommand) -> None:
    if shutil.which("actionlint") is None:
        pytest.skip("needs actionlint")
    crossenv("init", "--ci", "github", "--builder", builder, *WORDS, project)
    file = project / ".github/workflows/wheels.yml"
    done = subprocess.run(["actionlint", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_cibuildwheel_takes_the_builds(project: Path, crossenv: CrossenvCommand) -> None:
    if shutil.which("cibuildwheel") is None:
        pytest.skip("needs cibuildwheel")
    crossenv("init", "--ci", "github", "--builder", "cibuildwheel", *WORDS, project)
    text = (project / ".github/workflows/wheels.yml").read_text()
    row = next(line for line in text.splitlines() if "name: musllinux" in line)
    build = row.partition('build: "')[2].partition('"')[0]
    done = subprocess.run(
        ["cibuildwheel", "--platform", "linux", "--archs", "x86_64", "--print-build-identifiers"],
        cwd=project,
        env=os.environ | {"CIBW_BUILD": build},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == [f"cp{number}-musllinux_x86_64" for number in ("312", "313", "314")], done.stderr


def test_actionlint_takes_the_action(project: Path) -> None:
    if shutil.which("actionlint") is None:
        pytest.skip("needs actionlint")
    workflow = project / ".github/workflows/try.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(
        "on: push\njobs:\n  wheels:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n"
        "      - uses: ./\n        with: {targets: aarch64, pythons: '3.13', test: true}\n"
    )
    shutil.copy(Path(__file__).parent.parent / "action.yml", project)
    (project / ".git").mkdir()
    done = subprocess.run(["actionlint", workflow], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout

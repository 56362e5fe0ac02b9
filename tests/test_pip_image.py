"""The pip that new environments share: hard links that a changed file ends, and scripts that start anywhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from crossenv.environment.pip_image import PipImage

LIBRARY = Path("lib/python3.11/site-packages")
SCRIPT = "import sys\nprint(sys.argv[1])\n"


@pytest.fixture
def side(tmp_path: Path) -> Path:
    """What virtualenv leaves, as far as pip is concerned."""
    made = make_side(tmp_path / "first")
    (made / LIBRARY / "pip/_internal").mkdir(parents=True)
    (made / LIBRARY / "pip/_internal/main.py").write_text("answer = 1\n")
    (made / LIBRARY / "pip-1.virtualenv").touch()
    (made / "bin/pip").write_text(f"#!{made}/bin/python\n{SCRIPT}")
    return made


def make_side(place: Path) -> Path:
    (place / "bin").mkdir(parents=True)
    (place / LIBRARY).mkdir(parents=True)
    (place / "bin/python").symlink_to(sys.executable)
    return place


def image(tmp_path: Path, python: Path = Path(sys.executable), **environ: str) -> PipImage:
    return PipImage(tmp_path / "cache", python, LIBRARY, environ)


@pytest.mark.parametrize("name", ["plain", "with a blank", "long" * 40])
def test_a_kept_pip_is_linked(tmp_path: Path, side: Path, name: str) -> None:
    assert not image(tmp_path).is_usable()
    image(tmp_path).keep(side)
    assert image(tmp_path).is_usable()
    other = make_side(tmp_path / name)
    image(tmp_path).install(other, other / "bin/python")
    assert (other / LIBRARY / "pip/_internal/main.py").samefile(side / LIBRARY / "pip/_internal/main.py")
    assert (other / LIBRARY / "pip-1.virtualenv").is_file()
    done = subprocess.run([other / "bin/pip", "a b"], capture_output=True, text=True, check=True)
    assert done.stdout == "a b\n"


def test_a_changed_file_ends_an_image(tmp_path: Path, side: Path) -> None:
    image(tmp_path).keep(side)
    (side / LIBRARY / "pip/_internal/main.py").write_text("answer = 2\n")
    assert not image(tmp_path).is_usable()
    assert not image(tmp_path).place.exists()
    image(tmp_path).keep(side)
    next(image(tmp_path).place.rglob("main.py")).unlink()
    assert not image(tmp_path).is_usable()


def test_other_circumstances_have_other_images(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("one")
    places = {image(tmp_path, python).place, image(tmp_path, python, VIRTUALENV_PIP="25.0").place}
    places.add(image(tmp_path, python, PATH="/bin").place)
    python.write_text("another")
    places.add(image(tmp_path, python).place)
    assert len(places) == 3


def test_a_cache_that_cannot_be_written_is_left(tmp_path: Path, side: Path) -> None:
    (tmp_path / "cache").write_text("not a directory")
    image(tmp_path).keep(side)
    assert not image(tmp_path).is_usable()

"""Names of packages that crossenv replaces: right in every version that has them, an error where one is missing."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

VERSION_LINE = "__version__ = '99.1'\n"
OLD_MANYLINUX = """
class _ELFFileHeader:
    ELFCLASS32, ELFCLASS64, ELFDATA2LSB, ELFDATA2MSB = 1, 2, 1, 2
    EM_386, EM_ARM = 3, 40
    EF_ARM_ABIMASK, EF_ARM_ABI_VER5, EF_ARM_ABI_FLOAT_HARD = 0xFF000000, 0x05000000, 0x00000400
    def __init__(self, file):
        raise AssertionError("reads the build machine's interpreter")


def _get_elf_header():
    return _ELFFileHeader(None)


def _glibc_version_string():
    return "9.9"
"""


def start(env: Path, code: str, search: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [env / "bin/python", *flags, "-c", f"import sys; sys.path.insert(0, {str(search)!r})\n{code}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def package(directory: Path, name: str, text: str) -> None:
    """A module, with the version of its package where a program looks for that."""
    *parents, last = name.split(".")
    for index in range(len(parents)):
        place = directory.joinpath(*parents[: index + 1])
        place.mkdir(parents=True)
        (place / "__init__.py").write_text("" if index else VERSION_LINE, encoding="utf-8")
    text = text if parents else text + VERSION_LINE
    directory.joinpath(*parents, f"{last}.py").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("module", "text", "missing"),
    [
        ("packaging._manylinux", "def _glibc_version_string(): return '2.99'\n", "_parse_elf"),
        ("packaging._manylinux", "def _parse_elf(path): ...\n", "_glibc_version_string"),
        ("wheel.vendored.packaging._musllinux", "", "_get_musl_version"),
        ("virtualenv.run.session", "class Session: ...\n", "Session.run"),
        ("setuptools.command.build_ext", "class build_ext: ...\n", "build_ext.build_extension"),
    ],
)
def test_a_missing_name_ends_the_process(env: Path, tmp_path: Path, module: str, text: str, missing: str) -> None:
    package(tmp_path, module, text)
    # Whoever asks may do without.
    done = start(env, f"try:\n    import {module}\nexcept Exception: pass\nprint('went on')", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{module.partition('.')[0]} 99.1 has no {module}.{missing}" in done.stderr


def test_an_exception_in_a_patch_ends_the_process(env: Path, tmp_path: Path) -> None:
    package(tmp_path, "setuptools.command.build_ext", "build_ext = 1\n")
    done = start(env, "try:\n    import setuptools.command.build_ext\nexcept Exception: pass\nprint('on')", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "crossenv: error: " in done.stderr


@pytest.mark.parametrize("name", ["packaging._manylinux", "packaging.tags"])
def test_old_versions_of_packaging(env: Path, tmp_path: Path, name: str) -> None:
    """Up to 22 they have another name for what reads the interpreter, up to 20 in another module."""
    more = "def platform_tags(): ...\ndef _have_compatible_manylinux_abi(arch): ...\n" if name.endswith("tags") else ""
    package(tmp_path, name, OLD_MANYLINUX + more)
    code = (
        f"import {name} as m; h = m._get_elf_header(); print(h.e_machine, h.e_ident_class, m._glibc_version_string())"
    )
    assert start(env, code, tmp_path).stdout == "183 2 2.36\n"


def test_modules_of_a_zip_file_have_one_loader(env: Path, tmp_path: Path) -> None:
    """As with get-pip.py: what is done after the import of one of them is not done after that of the next."""
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("packaging/__init__.py", "")
        archive.writestr("packaging/_manylinux.py", "def _parse_elf(p): ...\ndef _glibc_version_string(): ...\n")
        archive.writestr("packaging/other.py", "")
    code = "import packaging._manylinux as m, packaging.other; print(m._glibc_version_string())"
    done = start(env, code, tmp_path / "all.zip")
    assert done.stdout == "2.36\n", done.stderr


def test_pip_must_start_its_own_script(env: Path, tmp_path: Path) -> None:
    """The process that installs build requirements is known by that script's name."""
    done = start(env, "from pip._internal.utils.misc import get_runnable_pip as g\nprint(g())", tmp_path)
    assert done.stdout.endswith("pip/__pip-runner__.py\n"), done.stderr
    package(tmp_path / "other", "pip._internal.utils.misc", "def get_runnable_pip(): return '/x/__pip-other__.py'\n")
    done = start(env, "from pip._internal.utils.misc import get_runnable_pip as g\nprint(g())", tmp_path / "other")
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip 99.1 has no pip._internal.utils.misc.__pip-runner__.py" in done.stderr

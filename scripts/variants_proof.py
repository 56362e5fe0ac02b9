"""All variants of wheels from one machine: one command for several packages, Pythons and targets.

    python scripts/variants_proof.py --python PATH [--python PATH ...] [REQ ...]

The command is killed when a third of the wheels is there, and given again. Writes docs/explanation/data/variants.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from results import keep, today

TARGETS = ("x86_64", "aarch64", "armv7l", "riscv64", "musllinux_1_2_x86_64", "musllinux_1_2_aarch64")
# An extension module for each Python, one that needs a library of its own sources, one for the stable ABI, a pure one.
REQUIREMENTS = ("markupsafe", "lz4", "STABLE", "flask")
STABLE = {
    "pyproject.toml": """[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "stable"
version = "1"
""",
    "setup.py": """from setuptools import Extension, setup
macros = [("Py_LIMITED_API", "0x030a0000")]
module = Extension("stable", ["stable.c"], py_limited_api=True, define_macros=macros)
setup(ext_modules=[module], options={"bdist_wheel": {"py_limited_api": "cp310"}})
""",
    "stable.c": """#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *args) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "stable", NULL, -1, methods};
PyMODINIT_FUNC PyInit_stable(void) { return PyModule_Create(&module); }
""",
}


def main() -> int:
    """Build them and write the data."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", action="append", required=True, help="a build Python; can be repeated")
    parser.add_argument("--target", action="append", help=f"a target; default: {' '.join(TARGETS)}")
    parser.add_argument("requirements", nargs="*", default=REQUIREMENTS)
    options = parser.parse_args()
    targets = options.target or TARGETS
    with tempfile.TemporaryDirectory(prefix="crossenv-variants-") as name:
        directory = Path(name)
        for file, text in STABLE.items():
            (directory / "stable").mkdir(exist_ok=True)
            (directory / "stable" / file).write_text(text, encoding="utf-8")
        words = ["wheel", *("./stable" if word == "STABLE" else word for word in options.requirements)]
        words += [word for target in targets for word in ("--target", target)]
        shown = " ".join(
            ["crossenv", *words, *(f"--python {_version(one)}" for one in options.python), "--toolchain zig"]
        )
        words += [word for python in options.python for word in ("--python", python)]
        words += ["--toolchain", "zig", "--json", "--wheel-dir", str(directory / "wheels")]
        combinations = len(options.requirements) * len(targets) * len(options.python)
        killed_at = _killed([str(Path(sys.executable).parent / "crossenv"), *words], directory, combinations // 3)
        done = subprocess.run(
            [Path(sys.executable).parent / "crossenv", *words],
            check=False,
            stdout=subprocess.PIPE,
            text=True,
            cwd=directory,
        )
        report = json.loads(done.stdout)
        audited = subprocess.run(
            [Path(sys.executable).parent / "crossenv", "audit", *sorted((directory / "wheels").glob("*.whl"))],
            check=False,
            stdout=subprocess.DEVNULL,
        )
    verdict = "DOES NOT PASS" if audited.returncode else "passes"
    about = {"command": shown, "killed_at": killed_at, "audit": verdict, "date": today()}
    builds = [_build(row) for row in report["builds"]]
    keep("variants", "one-machine", {"about": about, "builds": builds, "wheels": report["wheels"]})
    return done.returncode or audited.returncode


def _killed(words: list[str], directory: Path, wheels: int) -> int:
    """Start the command and kill it when there are so many wheels; returns how many there were."""
    process = subprocess.Popen(words, cwd=directory, stdout=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and len(list((directory / "wheels").glob("*.whl"))) < wheels:
        time.sleep(0.5)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return len(list((directory / "wheels").glob("*.whl")))


def _version(python: str) -> str:
    words = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def _build(row: dict[str, Any]) -> dict[str, str]:
    """What the site shows of one combination."""
    shown = {
        "requirement": row["requirement"],
        "python": row["python"],
        "platform": row["for"],
        "status": row["status"],
    }
    if row["status"] == "covered":
        shown["by"] = row["wheels"][0]
    if row["error"]:
        shown["error"] = row["error"]
    return shown


if __name__ == "__main__":
    sys.exit(main())

"""Run a part of packages' own tests under emulation, on wheels that `corpus.py` has built.

    python scripts/own_tests.py LABEL --host-root DIR [--only NAME ...]

Each package is installed for the host with what its tests need, then pytest runs in the host's Python under qemu-user.
Writes docs/explanation/data/own-tests/LABEL.json.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from results import CACHE, has_failed, keep, known, today

WORK = CACHE / "corpus"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What is run of a package's tests.

    Attributes:
        files: Test files, relative to the site directory.
        needs: What the tests need besides the package's own requirements.
        deselect: Tests left out.
        remark: What the page says of them, and of a wheel that took more than its name.
    """

    files: tuple[str, ...]
    needs: tuple[str, ...] = ()
    deselect: tuple[str, ...] = ()
    remark: str = ""


PARTS = {
    "pandas": Part(
        files=(
            "pandas/tests/libs/test_hashtable.py",
            "pandas/tests/groupby/test_libgroupby.py",
            "pandas/tests/frame/methods/test_sort_values.py",
            "pandas/tests/tslibs/test_parsing.py",
        ),
        needs=("hypothesis",),
    ),
    "scikit-learn": Part(
        files=(
            "sklearn/tree/tests/test_monotonic_tree.py",
            "sklearn/linear_model/tests/test_base.py",
            "sklearn/metrics/tests/test_dist_metrics.py",
        ),
        needs=("scipy", "joblib", "threadpoolctl", "cloudpickle", "narwhals"),
    ),
    "matplotlib": Part(
        files=(
            "matplotlib/tests/test_path.py",
            "matplotlib/tests/test_transforms.py",
            "matplotlib/tests/test_colors.py",
            "matplotlib/tests/test_ft2font.py",
            "matplotlib/tests/test_triangulation.py",
        ),
        # Its tests make errors of what later ones warn of.
        needs=("pytest<9",),
        deselect=(
            "matplotlib/tests/test_path.py::test_log_transform_with_zero",
            "matplotlib/tests/test_colors.py::test_cmap_and_norm_from_levels_and_colors",
            "matplotlib/tests/test_colors.py::test_boundarynorm_and_colorbarbase",
            "matplotlib/tests/test_ft2font.py::test_ft2font_get_kerning",
            "matplotlib/tests/test_triangulation.py::test_tripcolor",
        ),
        remark="3.10 with `-Csetup-args=-Dsystem-freetype=true -Csetup-args=-Dsystem-qhull=true"
        " -Cinstall-args=--tags=data,python-runtime,runtime,tests` (3.11 downloads more); left out are five tests whose"
        " images and widths are those of FreeType 2.6.1, where Debian has 2.12.1: `test_log_transform_with_zero`,"
        " `test_cmap_and_norm_from_levels_and_colors`, `test_boundarynorm_and_colorbarbase`,"
        " `test_ft2font_get_kerning`, `test_tripcolor`",
    ),
}
SUMMARY = re.compile(
    r"^=* ?((?:\d+ (?:passed|failed|skipped|xfailed|xpassed|error|errors|deselected|warnings?),? ?)+)in "
)


def run_part(name: str, work: Path, root: Path) -> str:
    """Install one package for the host, run its part; pytest's summary."""
    environment = work / "env"
    record = json.loads((environment / "crossenv.json").read_text(encoding="utf-8"))
    (wheel,) = (work / "wheels").glob(f"{name.replace('-', '_')}-*.whl")
    place = work / "tests" / name
    shutil.rmtree(place, ignore_errors=True)
    part = PARTS[name]
    pip: list[str | Path] = [environment / "bin/cross-pip", "install", "-q", "--target", place, "--prefer-binary"]
    words = [*pip, "--find-links", work / "wheels", "--only-binary", ":all:", wheel, "pytest", *part.needs]
    subprocess.run(words, check=True)
    machine = record["host"]["machine"]
    python = root / f"usr/bin/python{record['host']['version']}"
    command: list[str | Path] = [
        f"qemu-{machine}-static",
        "-L",
        root,
        python,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        # Not this project's settings.
        "-c",
        os.devnull,
        "--rootdir",
        place,
    ]
    command += [str(place / file) for file in part.files]
    command += [word for test in part.deselect for word in ("--deselect", test)]
    # OpenBLAS of the index's scipy solves wrongly with the SVE of qemu 7.2.
    extra = {"PYTHONPATH": str(place), "QEMU_CPU": "max,pauth-impdef=on,sve=off", "OMP_NUM_THREADS": "1"}
    if machine != "aarch64":
        del extra["QEMU_CPU"]
    done = subprocess.run(command, env={**os.environ, **extra}, cwd=place, capture_output=True, text=True, check=False)
    (work / f"logs/{name}.tests.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    last = [match[1] for line in done.stdout.splitlines() if (match := SUMMARY.match(line))]
    return last[-1].strip().rstrip(",") if last else f"pytest ended with {done.returncode}"


def main() -> int:
    """Run every part and write the data; the exit status is 1 if a test failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("label", help="a configuration of corpus.py")
    parser.add_argument("--host-root", type=Path, required=True, help="a root with the host's Python")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only this package, again")
    options = parser.parse_args()
    work = WORK / options.label
    record = json.loads((work / "env/crossenv.json").read_text(encoding="utf-8"))
    about = {"platform": record["host"]["platform_tag"], "compiler": record["toolchain"]["family"]}
    results = known("own-tests", options.label).get("packages", {})
    for name in options.only or list(PARTS):
        (wheel,) = (work / "wheels").glob(f"{name.replace('-', '_')}-*.whl")
        said = run_part(name, work, options.host_root.resolve())
        part = PARTS[name]
        results[name] = {
            "wheel": wheel.name,
            "said": said,
            "files": part.files,
            "remark": part.remark,
            "date": today(),
        }
        print(f"{name}: {said}", file=sys.stderr, flush=True)
        keep("own-tests", options.label, {"about": about, "packages": results})
    return int(any(has_failed(row["said"]) or "ended" in row["said"] for row in results.values()))


if __name__ == "__main__":
    sys.exit(main())

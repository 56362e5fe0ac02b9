"""Run numpy's own tests under wine, on a wheel that was cross-built and on the index's own, and compare each test.

    python scripts/windows_numpy.py [--wheel numpy-...-win_amd64.whl] [--version 3.13] [--pythons DIR]

Without `--wheel` numpy is built, which takes a while. The Pythons for Windows are those of scripts/windows_pythons.py.
wine has none of the C runtime's complex functions: it gets musl's (wine_complex.py), on both sides. Where it lacks
another function, it ends the process: the test in which it did is named, and the others go on. What
`numpy.longdouble` is, and what printing, parsing and the functions of the C library give for it, is asked of both
wheels, too. Writes docs/explanation/data/windows-numpy; the exit status is 1 if a test ends differently with the two.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from index import offered_wheels
from packaging.utils import parse_wheel_filename
from pythons import get
from results import CACHE, keep, today
from windows_proof import crossenv, wine_version
from windows_pythons import fetched
from wine_complex import fill_from, make_complex_functions

from crossenv.emulation.wine import windows_path

PARTS = ("_core", "lib", "linalg", "fft", "random", "ma", "polynomial")
COMPLEX = "of_musl"
NEEDS = ("pytest<9", "hypothesis", "typing_extensions")
# In which order they are said; wine ended the process in one that "ended".
KINDS = ("passed", "failed", "skipped", "xfailed", "xpassed", "ended", "not run")
# Wheels of the index differ from ours in these, by a part of the test's name.
EXPLAINED = {
    "test_blas64_geqrf_lwork_smoketest": "needs a LAPACK with integers of 64 bits: the index's wheel brings OpenBLAS,"
    " and for this one nobody has provided a BLAS",
    **dict.fromkeys(
        ("-npy_cabs-absolute]", "TestAbs::test_builtin_abs[complex128]"),
        "the index's wheel calls `_cabs`: wine's gives nan for an infinity and a nan",
    ),
    "_512_X86_V4_": "the module that the tests call has no such vectors in the index's wheel",
    **dict.fromkeys(
        ("TestLog::test_log_precision", "TestComplexFunctions"),
        "takes the complex logarithm of the C runtime, here musl's, which is less exact; the index's wheel does not"
        " import it",
    ),
    "TestSpecialFloats::test_arctanh": "its last line asks for the sign of a zero of the complex arc tangent, which the"
    " C runtime gives, here musl's; the index's wheel does not import it",
    "TestSpecialFloats::test_exp2": "the index's wheel imports `exp2`, here wine's; ours has MinGW's linked in",
    **dict.fromkeys(
        ("test_regression_gh32947", "test_check_reference_module_scope", "_no_deadlock", "_error_paths_unraisable"),
        "starts another Python, in which wine has no complex functions: the index's wheel ends it when it is imported",
    ),
}
# Notes what happens to each test at once, and leaves out what an earlier process has done; pytest is its importer.
PLUGIN = """
import os, pytest

HERE = os.path.dirname(os.path.abspath(__file__))
NOTES = os.path.join(HERE, "notes.txt")

def note(*words):
    with open(NOTES, "a", encoding="utf-8") as file:
        file.write("\\t".join(words) + "\\n")

def function(name):
    return name.partition("[")[0]

def pytest_collection_modifyitems(config, items):
    done, ended = set(), set()
    if os.path.exists(NOTES):
        last = ""
        for line in open(NOTES, encoding="utf-8"):
            what, _, name = line.rstrip("\\n").partition("\\t")
            if what == "start":
                last = name
            elif what != "ended":
                done.add(name)
                last = ""
            else:
                ended.add(function(name))
        if last:
            note("ended", last)
            ended.add(function(last))
    left = [one for one in items if key(one) not in done and function(key(one)) not in ended]
    config.hook.pytest_deselected(items=[one for one in items if one not in left])
    for one in items:
        if function(key(one)) in ended and key(one) not in done:
            note("not run", key(one))
    items[:] = left

def key(item):
    return item.nodeid.encode("ascii", "backslashreplace").decode()

def pytest_runtest_logstart(nodeid, location):
    note("start", nodeid.encode("ascii", "backslashreplace").decode())

def pytest_runtest_logreport(report):
    name = report.nodeid.encode("ascii", "backslashreplace").decode()
    if hasattr(report, "wasxfail"):
        if report.when == "call":
            note("xfailed" if report.skipped else "xpassed", name)
    elif report.failed:
        note("failed", name)
    elif report.skipped:
        note("skipped", name)
    elif report.when == "call":
        note("passed", name)
"""
LONG_DOUBLE = """
import json, math, numpy as n
from numpy._core import _multiarray_tests as t
big = n.longdouble(1) / 3
one = n.array([0.5, 1.25, 2.0], dtype="g")
functions = ["sin", "cos", "tan", "exp", "log", "sqrt", "arctan", "sinh", "cosh", "tanh", "log1p", "expm1", "exp2",
             "cbrt", "floor", "ceil", "rint", "trunc", "log10", "log2", "arcsinh"]
print(json.dumps({
    "itemsize": n.dtype("g").itemsize,
    "mantissa": int(n.finfo("g").nmant),
    "eps": float(n.finfo("g").eps),
    "largest is double's": bool(n.finfo("g").max == n.finfo("d").max),
    "repr": repr(big) + " " + str(n.longdouble("1e-300")) + " " + "%s" % n.longdouble(2) ** 0.5,
    "parsed": float(n.longdouble("0.1")) == 0.1 and float(n.fromstring("0.1", dtype="g", sep=" ")[0]) == 0.1,
    "functions as double's": [f for f in functions
        if not n.array_equal(getattr(n, f)(one).astype("d"), getattr(n, f)(one.astype("d")))] or "all",
    "powers as double's": bool(((one ** 1.5).astype("d") == one.astype("d") ** 1.5).all()),
    "complex": n.dtype("G").itemsize,
    "sum": float((one * n.clongdouble(1j)).sum().imag),
}))
"""


def main() -> int:
    """Run both sides; the exit status is 1 if they differ in what is not explained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", type=Path)
    parser.add_argument("--version", default="3.13")
    parser.add_argument("--pythons", type=Path, default=CACHE / "windows-pythons")
    parser.add_argument("--parts", default=",".join(PARTS))
    args = parser.parse_args()
    host = fetched(args.pythons, args.version)
    with tempfile.TemporaryDirectory(prefix="crossenv-numpy-") as name:
        scratch = Path(name)
        environment = scratch / "env"
        crossenv("create", "-q", "--target", "win_amd64", "--python", get(args.version), environment)
        wheel = args.wheel or built(environment, scratch / "wheels")
        _name, version, _build, tags = parse_wheel_filename(wheel.name)
        (theirs,) = (one for one in offered_wheels("numpy") if one.version == version and one.tags == tags)
        sides = {"ours": wheel, "index": theirs.fetch(scratch / "index")}
        places = {side: install(environment, path, scratch / side) for side, path in sides.items()}
        for place in places.values():
            make_complex_functions(environment, place / COMPLEX)
        answers = {side: asked(host, place) for side, place in places.items()}
        long_double = {what: {side: said[what] for side, said in answers.items()} for what in answers["ours"]}
        print(json.dumps(long_double, indent=1), flush=True)
        about = {
            "wheel": wheel.name,
            "python": args.version,
            "wine": ".".join(map(str, wine_version())),
            "date": today(),
        }
        parts: dict[str, dict[str, str]] = {}
        differences: dict[str, dict[str, str]] = {}
        for part in args.parts.split(","):
            with ThreadPoolExecutor() as pool:
                jobs = {side: pool.submit(run_tests, host, place, part) for side, place in places.items()}
                found = {side: job.result() for side, job in jobs.items()}
            parts[f"numpy/{part}"] = {side: counted(one) for side, one in found.items()}
            for test in sorted(found["ours"].keys() | found["index"].keys()):
                pair = [found[side].get(test, "absent") for side in sides]
                if pair[0] != pair[1]:
                    reason = next((text for name, text in EXPLAINED.items() if name in test), "")
                    differences[test] = {"ours": pair[0], "index": pair[1], "why": reason}
            print(part, json.dumps(parts[f"numpy/{part}"]), flush=True)
            data = {"about": about, "parts": parts, "long double": long_double, "differences": differences}
            keep("windows-numpy", args.version, data)
    print(json.dumps(differences, indent=1))
    return int(any(not one["why"] for one in differences.values()) or answers["ours"] != answers["index"])


def counted(found: Mapping[str, str]) -> str:
    """How many tests ended how."""
    counts = Counter(found.values())
    return ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])


def built(environment: Path, wheels: Path) -> Path:
    """Numpy's wheel of its newest sdist."""
    words = [environment / "bin/cross-pip", "wheel", "-q", "--no-deps", "--no-binary", "numpy", "-w", wheels, "numpy"]
    subprocess.run(list(map(str, words)), check=True)
    return next(wheels.glob("numpy-*.whl"))


def install(environment: Path, wheel: Path, place: Path) -> Path:
    """Unpack a wheel and what its tests import into a directory."""
    words: list[str | Path] = [environment / "bin/cross-pip", "install", "-q", "--target", place, wheel, *NEEDS]
    subprocess.run(list(map(str, words)), check=True)
    (place / "crossenv_notes.py").write_text(PLUGIN, encoding="utf-8")
    return place


def asked(host: Path, place: Path) -> dict[str, Any]:
    """What a wheel says of `numpy.longdouble`."""
    done = python(host, place, "-c", start(place) + LONG_DOUBLE)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def run_tests(host: Path, place: Path, part: str) -> dict[str, str]:
    """The outcome of every test of one part of numpy."""
    notes = place / "notes.txt"
    notes.unlink(missing_ok=True)
    paths = sorted((place / "numpy" / part).glob("**/tests/test_*.py"))
    words = [
        "-q",
        "--rootdir",
        ".",
        "-p",
        "no:cacheprovider",
        "-p",
        "crossenv_notes",
        "-m",
        "not slow",
        "-x",
        "--maxfail=100000",
    ]
    code = f"{start(place)}\nimport os, pytest\nos.chdir({windows_path(str(place))!r})\n"
    for _attempt in range(60):
        files = [path.relative_to(place).as_posix() for path in paths]
        before = notes.stat().st_size if notes.exists() else 0
        done = python(host, place, "-c", f"{code}sys.exit(pytest.main({[*words, *files]!r}))")
        (place / f"{part}.log").write_text(done.stdout + done.stderr, encoding="utf-8")
        if done.returncode in (0, 1, 5) and re.search(r"(?m) in [\d.]+s", done.stdout):
            break
        if (notes.stat().st_size if notes.exists() else 0) == before:
            print(f"{part}: {done.stdout[-2000:]} {done.stderr[-2000:]}", file=sys.stderr, flush=True)
            break
    saved = place / f"{part}.notes"
    if notes.exists():
        shutil.move(notes, saved)
    return outcomes(saved)


def outcomes(notes: Path) -> dict[str, str]:
    """What happened to each test, by the plugin's notes."""
    found: dict[str, str] = {}
    for line in notes.read_text(encoding="utf-8").splitlines() if notes.exists() else ():
        what, _, name = line.partition("\t")
        if what != "start" and found.get(name) not in ("failed", "ended"):
            # The order of numpy's integer types, and so these numbers, changes from run to run.
            found[re.sub(r"ex_val\d+", "ex_val", name)] = what
    return found


def start(place: Path) -> str:
    """What each Python runs first."""
    return (
        f"import sys\nsys.path.insert(0, {windows_path(str(place))!r})\n{fill_from(place / COMPLEX / 'complex.dll')}\n"
    )


def python(host: Path, place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the Windows Python; wine 8 lacks what one of its modules calls."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CROSSENV_")}
    command = [sys.executable, "-m", "crossenv", "run", "-q", "--target", "win_amd64", "--host-root", str(host), "--"]
    environ |= {"PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"}
    # What wine says itself need not be UTF-8.
    texts: dict[str, Any] = {"capture_output": True, "encoding": "utf-8", "errors": "replace"}
    return subprocess.run([*command, "python", *words], env=environ, cwd=place, check=False, **texts)


if __name__ == "__main__":
    sys.exit(main())

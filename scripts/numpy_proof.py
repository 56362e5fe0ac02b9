"""Prove a cross-built numpy: the same tests, under emulation and natively, must end the same.

    python scripts/numpy_proof.py --env ENV --wheel numpy-...-aarch64.whl [--sysroot DIR] [--native-wheel ...]

Unpacks the wheel for a real host Python in the environment's sysroot or another, runs numpy's own test files there
under qemu-user and, with a wheel that is built natively from the same sdist, here. Writes every difference to
docs/explanation/numpy-proof.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
TEST_FILES = ("numpy/_core/tests/test_multiarray.py", "numpy/_core/tests/test_umath.py")
REQUIREMENTS = ("pytest", "hypothesis", "typing_extensions")
# Differences that have another cause than the wheel, by a part of the test's name.
EXPLAINED = {
    "test_check_reference_module_scope": "starts `sys.executable`; without binfmt_misc the kernel cannot start a child"
    " of an emulated Python (`Exec format error`)",
    "test_huge_vectordot": "skips itself where less than 9 or 18 GiB of memory are free; the two sides run at once",
    "test_loss_of_precision[clongdouble]": "skips itself on every machine but x86_64 (numpy#17554)",
}


def install(pip: list[str], wheel: Path, target: Path) -> None:
    """Unpack a wheel and what numpy's tests import into a directory."""
    subprocess.run([*pip, "install", "-q", "--target", str(target), *REQUIREMENTS], check=True)
    shutil.unpack_archive(wheel, target, "zip")


def run_tests(interpreter: list[str], target: Path, file: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The outcome of every test of one file: "passed", "failed", "skipped"."""
    report = target / (Path(file).stem + ".xml")
    command = [*interpreter, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", file]
    print("+", *command, file=sys.stderr, flush=True)
    subprocess.run(
        command,
        cwd=target,
        env={**os.environ, **environment, "PYTHONPATH": str(target), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=sys.stderr,
        check=False,
    )
    outcomes: dict[str, str] = {}
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        # The order of numpy's integer types, and so these numbers, changes from run to run.
        test = re.sub(r"ex_val\d+", "ex_val", case.get("name", ""))
        name = f"{Path(file).name}::{case.get('classname', '').rpartition('.')[2]}::{test}"
        count = sum(known.partition("#")[0] == name for known in outcomes) if "ex_val" in test else 0
        outcomes[f"{name}#{count}" if count else name] = outcome
    return outcomes


def main() -> int:
    """Run both sides and compare; the exit status is 1 if they differ in what is not named above."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--wheel", type=Path, required=True, help="the cross-built wheel")
    parser.add_argument("--env", type=Path, required=True, help="the cross environment")
    parser.add_argument("--sysroot", type=Path, help="a root with the host's Python; default: the environment's own")
    parser.add_argument(
        "--native-wheel", type=Path, help="a wheel built natively from the same sdist; built if missing"
    )
    parser.add_argument("--qemu", default="qemu-aarch64-static", help="the emulator")
    parser.add_argument("--python", default=sys.executable, help="a native Python of the same version, with pip")
    options = parser.parse_args()
    version = options.wheel.name.split("-")[1]
    with tempfile.TemporaryDirectory(prefix="crossenv-numpy-") as scratch:
        native_wheel = options.native_wheel or build_natively(options.python, version, Path(scratch))
        targets = {"host": Path(scratch) / "host", "native": Path(scratch) / "native"}
        install([str(options.env / "bin/cross-pip")], options.wheel, targets["host"])
        install([options.python, "-m", "pip", "--disable-pip-version-check"], native_wheel, targets["native"])
        record = json.loads((options.env / "crossenv.json").read_text(encoding="utf-8"))
        sysroot = str(options.sysroot or record["host"]["sysroot"])
        program = f"/usr/bin/python{record['host']['version']}" if options.sysroot else record["host"]["executable"]
        interpreters = {
            "host": [options.qemu, "-L", sysroot, sysroot + program],
            "native": [options.python],
        }
        # Pointer authentication is what makes emulation of Debian's arm64 slow.
        environment = {"QEMU_CPU": "max,pauth-impdef=on"} if "aarch64" in options.qemu else {}
        with ThreadPoolExecutor(2) as pool:
            jobs = {
                (side, file): pool.submit(run_tests, interpreters[side], targets[side], file, environment)
                for side in ("host", "native")
                for file in TEST_FILES
            }
            results = {key: job.result() for key, job in jobs.items()}
    compiler = f"{record['toolchain']['family']} {record['toolchain']['version']}"
    how = f"{compiler} ({record['toolchain']['tools']['cc']['origin']})"
    return write_report(options.wheel.name, how, native_wheel.name, results)


def build_natively(python: str, version: str, directory: Path) -> Path:
    """Numpy of the same version, from the same sdist, for this machine."""
    pip = [python, "-m", "pip", "wheel", "-q", "--no-deps", "--no-binary", "numpy", "-w", str(directory)]
    subprocess.run([*pip, f"numpy=={version}"], check=True)
    return next(directory.glob("numpy-*.whl"))


def write_report(wheel: str, how: str, native: str, results: Mapping[tuple[str, str], Mapping[str, str]]) -> int:
    """Write the table; returns the exit status."""
    lines = [
        "# numpy, cross-built and proved",
        "",
        f"Written by `nox -s numpy` on {datetime.datetime.now(datetime.timezone.utc).date()}.",
        "",
        f"`{wheel}`, built with plain `cross-pip wheel numpy` and {how},",
        "runs numpy's own tests under qemu-user with Debian's Python;",
        f"`{native}`, built from the same sdist by native pip, runs them here. The outcome",
        "of every test is compared.",
        "",
        "| file | side | passed | failed | skipped |",
        "| --- | --- | --- | --- | --- |",
    ]
    for file in TEST_FILES:
        for side, label in (("host", "target, emulated"), ("native", "native")):
            count = Counter(results[side, file].values())
            lines.append(f"| `{file}` | {label} | {count['passed']} | {count['failed']} | {count['skipped']} |")
    unexplained = 0
    rows = []
    for file in TEST_FILES:
        host, ours = results["host", file], results["native", file]
        for name in sorted(host.keys() | ours.keys()):
            pair = host.get(name, "absent"), ours.get(name, "absent")
            if pair[0] == pair[1]:
                continue
            reason = next((text for part, text in EXPLAINED.items() if part in name), "")
            unexplained += not reason
            rows.append(f"| `{name}` | {pair[0]} | {pair[1]} | {reason or '**unexplained**'} |")
    lines += ["", f"{len(rows)} tests end differently, {unexplained} of them without an explanation."]
    if rows:
        lines += ["", "| test | target, emulated | native | why |", "| --- | --- | --- | --- |", *rows]
    text = "\n".join(lines) + "\n"
    (CHECKOUT / "docs/explanation/numpy-proof.md").write_text(text, encoding="utf-8")
    print(text)
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())

"""Build real wheels, and run a part of their own tests on their host with `crossenv test --compare`.

    python scripts/trials_proof.py [--only NAME ...] [--python VERSION]

numpy is built for manylinux_2_28_aarch64 with zig; lxml and pillow against a sysroot that `crossenv sysroot` makes, and
repaired. What was built stays in .cache/trials and is not built again. Writes docs/explanation/trials.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
WORK = CHECKOUT / ".cache/trials"
PAGE = CHECKOUT / "docs/explanation/trials.md"
CROSSENV = [sys.executable, "-m", "crossenv"]
RELEASES = {"3.11": "bookworm", "3.13": "trixie"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One package.

    Attributes:
        environment: "target" or "sysroot": what it is built in.
        tests: What pytest is given: modules of the package (`--pyargs`), or files below `directory`.
        directory: The directory of the sdist that holds its tests; None if the wheel brings them.
        needs: What the tests need besides pytest.
        known: Tests that are known to end otherwise under emulation, and why.
        options: More of pytest's options.
    """

    environment: str
    tests: tuple[str, ...]
    directory: str | None = None
    needs: tuple[str, ...] = ()
    known: tuple[tuple[str, str], ...] = ()
    options: tuple[str, ...] = ()


TRIALS = {
    "numpy": Trial(
        environment="target",
        tests=("numpy._core.tests.test_umath", "numpy._core.tests.test_multiarray"),
        needs=("hypothesis",),
        known=(
            ("*test_loss_of_precision?clongdouble?", "numpy skips it on all machines but x86-64"),
            (
                "*TestDivision.test_division_int_boundary*",
                "its parameters are a set's, so that int64 and longlong, which are one type, change names",
            ),
        ),
    ),
    "lxml": Trial(
        environment="sysroot",
        directory="src/lxml/tests",
        tests=("test_etree.py", "test_xslt.py", "test_htmlparser.py"),
        # A base class that only its subclasses fill, and the texts of the sdist's documentation.
        options=("-k", "not test_suite and not _XIncludeTestCase"),
        known=(("*test_module_HTML_cdata_ignored", "skipped where libxml2 is older than 2.10, as Debian 12's is"),),
    ),
    "pillow": Trial(
        environment="sysroot",
        directory="Tests",
        tests=("test_image.py", "test_file_jpeg.py", "test_image_resample.py", "test_file_png.py"),
        known=(
            ("import PIL._imagingtk", "the host's Python has no tkinter here"),
            ("*test_exif_webp", "skipped: libwebp is not in this sysroot"),
            ("*test_pathlib", "skipped: OpenJPEG is not in this sysroot"),
        ),
    ),
}


def run(*words: str | Path) -> None:
    """Run a command with its output on stderr.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    print("+", *words, file=sys.stderr, flush=True)
    subprocess.run([str(word) for word in words], check=True, stdout=sys.stderr)


def environment(kind: str, version: str) -> Path:
    """The environment of that kind, made if it is not there."""
    env = WORK / f"{kind}-env"
    if (env / "crossenv.json").is_file():
        return env
    if kind == "target":
        run(*CROSSENV, "create", "--python", version, "--target", "aarch64", env)
    else:
        root = WORK / "sysroot"
        if not root.is_dir():
            run(*CROSSENV, "sysroot", "create", "--from", f"debian:{RELEASES[version]}", "--arch", "arm64", root)
            run(*CROSSENV, "sysroot", "add", root, "libxml2-dev", "libxslt1-dev", "libjpeg-dev", "libfreetype-dev")
        run(*CROSSENV, "create", "--host-python", root / f"usr/bin/python{version}", "--repair", env)
    return env


def wheel_of(name: str, env: Path) -> Path:
    """The package's wheel, built if it is not there."""
    found = sorted((WORK / "wheels").glob(f"{name}-*.whl"))
    if not found:
        run(env / "bin/cross-pip", "wheel", "--no-deps", "-w", WORK / "wheels", name)
        found = sorted((WORK / "wheels").glob(f"{name}-*.whl"))
    return found[-1]


def tests_of(name: str, version: str, trial: Trial, env: Path) -> list[str]:
    """What pytest is given; tests that only the sdist has lie beside nothing of its sources."""
    if trial.directory is None:
        return ["--pyargs", *trial.tests]
    place = WORK / "tests" / f"{name}-{version}"
    if not place.is_dir():
        with tempfile.TemporaryDirectory() as scratch:
            # pip asks an sdist for its metadata, which this environment can give.
            words = ["download", "--no-deps", "--no-binary", name, "-d", scratch, f"{name}=={version}"]
            run(env / "bin/cross-pip", *words)
            (sdist,) = Path(scratch).glob("*.tar.gz")
            with tarfile.open(sdist) as archive:
                archive.extractall(scratch, filter="data")
            (tree,) = (path for path in Path(scratch).iterdir() if path.is_dir())
            shutil.copytree(tree / trial.directory, place / Path(trial.directory).name)
    folder = Path(trial.directory).name
    return ["--rootdir", str(place), *(str(place / folder / test) for test in trial.tests)]


def try_package(name: str, trial: Trial, version: str) -> dict[str, object]:
    """One row of the page."""
    env = environment(trial.environment, version)
    wheel = wheel_of(name, env)
    words: list[str | Path] = [*CROSSENV, "test", "--json", "--compare", "--env", env, wheel]
    words += [word for need in trial.needs for word in ("--with", need)]
    words += [word for pattern, _why in trial.known for word in ("--known-difference", pattern)]
    words += ["--", "pytest", "-q", "-c", "/dev/null", *trial.options]
    words += tests_of(name, wheel.name.split("-")[1], trial, env)
    print("+", *words, file=sys.stderr, flush=True)
    # pytest looks for settings and tests around where it is started, and tests for their files.
    place = WORK if trial.directory is None else WORK / "tests" / "-".join(wheel.name.split("-")[:2])
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, text=True, check=False, cwd=place)
    answer = json.loads(done.stdout)
    audit = subprocess.run([*CROSSENV, "audit", "--env", str(env), str(wheel)], check=False, stdout=subprocess.DEVNULL)
    return {
        "wheel": wheel.name,
        "tests": trial.tests,
        "counts": answer["counts"],
        "differences": answer["differences"],
        "known": answer["known"],
        "audit": "passes" if audit.returncode == 0 else "fails",
        "date": str(datetime.datetime.now(datetime.timezone.utc).date()),
    }


def main() -> int:
    """Try every package and write the page; the exit status is 1 if something differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only this package, again")
    parser.add_argument("--python", default="3.11", choices=sorted(RELEASES), help="the host's Python")
    options = parser.parse_args()
    (WORK / "wheels").mkdir(parents=True, exist_ok=True)
    store = WORK / "trials.json"
    rows = json.loads(store.read_text(encoding="utf-8")) if store.exists() else {}
    for name in options.only or TRIALS:
        rows[name] = try_package(name, TRIALS[name], options.python)
        print(f"{name}: {rows[name]['counts']}", file=sys.stderr, flush=True)
        store.write_text(json.dumps(rows), encoding="utf-8")
    PAGE.write_text(page(rows), encoding="utf-8")
    return int(any(row["differences"] for row in rows.values()))


def page(rows: dict[str, dict[str, object]]) -> str:
    """The page."""
    lines = [
        "# Wheels tried on their target",
        "",
        "Written by `nox -s trials`. Each wheel was cross-compiled here, and a part of its own tests ran twice: in the",
        "target's Python under qemu-user, and in this machine's with the native wheel of that version",
        "(`crossenv test --compare`). lxml and pillow are built against Debian's libraries in a sysroot that",
        "`crossenv sysroot` made, and repaired.",
        "",
        "| wheel | audit | tests | on the target | native | differences | date |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    details: list[str] = []
    for name, row in rows.items():
        counts, differences = row["counts"], row["differences"]
        assert isinstance(counts, dict)
        assert isinstance(differences, list)
        tests = ", ".join(f"`{test}`" for test in (*TRIALS[name].tests, " ".join(TRIALS[name].options)) if test)
        lines.append(
            f"| `{row['wheel']}` | {row['audit']} | {tests} | {counts['host']} | {counts['build']} |"
            f" {len(differences) or 'none'} | {row['date']} |"
        )
        details += [f"- {name}: `{item['what']}`: host {item['host']}; native {item['build']}" for item in differences]
        details += [f"- {name}, known: `{pattern}`: {why}" for pattern, why in TRIALS[name].known]
    return "\n".join([*lines, *(["", *details] if details else []), ""])


if __name__ == "__main__":
    sys.exit(main())

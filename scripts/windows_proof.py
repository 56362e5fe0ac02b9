"""Build packages for Windows and run their own tests under wine, on real Pythons for Windows.

    python scripts/windows_proof.py [--versions 3.11,3.13,3.14] [--packages markupsafe,msgpack] [--pythons DIR]

For each version: `crossenv create --target win_amd64` with a build Python of that version, `cross-pip wheel`, the names
of the wheels compared with the index's, `crossenv audit`, the packages' tests. Everything comes from registries: sdists
and build Pythons from the index, Pythons for Windows from Maven Central (scripts/windows_pythons.py, into
`.cache/windows-pythons`). Needs wine and `mvn`. The packages with Rust need its standard library for
x86_64-pc-windows-gnu and wine 10, and are left out where there is none. Writes docs/explanation/data/windows; the exit
status is 1 if something failed.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index import newest_sdist, offered_wheels
from packaging.utils import parse_wheel_filename
from pythons import get
from results import CACHE, has_failed, keep, known, today
from windows_pythons import add_stable_abi, fetched

RUST = "x86_64-pc-windows-gnu"
SUMMARY = re.compile(r"^=* ?(\d+ (?:passed|failed|skipped|error).*?) in [\d.]+s")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tests:
    """A package's own tests.

    Attributes:
        place: Where they are in its sdist; "" if `options` name them.
        needs: What they import besides pytest.
        without: A test that is left out.
        rust: Whether the package is built by cargo.
        options: More words for pytest.
    """

    place: str = ""
    needs: tuple[str, ...] = ()
    without: str = ""
    rust: bool = False
    options: tuple[str, ...] = ()

    def words(self, source: Path) -> list[str | Path]:
        """The command that runs them, in a tree of the package's sdist."""
        chosen = ["-k", f"not {self.without}"] if self.without else []
        places = [source / self.place] if self.place else []
        return ["pytest", "-q", "-p", "no:cacheprovider", *self.options, *chosen, *places]


TESTS = {
    "markupsafe": Tests(place="tests"),
    "msgpack": Tests(place="test"),
    # Its `test_main` starts unittest, which reads pytest's options.
    "regex": Tests(place="regex/tests", without="test_main"),
    "kiwisolver": Tests(place="py/tests"),
    "rpds-py": Tests(place="tests", needs=("attrs",), rust=True),
    "bcrypt": Tests(place="tests", rust=True),
}


def main() -> int:
    """Prove each package with each version."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", default="3.11,3.13,3.14")
    parser.add_argument("--packages", default="")
    parser.add_argument("--pythons", type=Path, default=CACHE / "windows-pythons")
    args = parser.parse_args()
    packages = args.packages.split(",") if args.packages else [name for name in TESTS if usable(name)]
    failed = False
    with tempfile.TemporaryDirectory(prefix="crossenv-windows-") as name:
        scratch = Path(name)
        sources = {package: source_of(package, scratch / "sources" / package) for package in packages}
        for version in args.versions.split(","):
            host = fetched(args.pythons, version)
            add_stable_abi(host)
            environment, wheels = scratch / f"env-{version}", scratch / f"wheels-{version}"
            crossenv("create", "-q", "--target", "win_amd64", "--python", get(version), environment)
            rows = known("windows", version).get("packages", {})
            for package in packages:
                rows[package] = prove(package, sources[package], environment, wheels, host)
                failed |= "error" in rows[package] or has_failed(rows[package]["tests"])
                print(f"{package} on Python {version}: {rows[package]}", flush=True)
                keep("windows", version, {"about": about(environment, host, version), "packages": rows})
    return int(failed)


def usable(package: str) -> bool:
    """Whether this machine can build and run a package; says what is missing."""
    if not TESTS[package].rust:
        return True
    asked = ["rustc", "--print", "target-libdir", "--target", RUST]
    found = shutil.which("rustc") and shutil.which("cargo")
    missing = []
    if not found or not Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()).is_dir():
        missing.append(f"cargo and Rust's standard library for {RUST}")
    if wine_version() < (10,):
        missing.append("wine 10")
    if missing:
        print(f"{package} is left out: it needs {' and '.join(missing)}", file=sys.stderr, flush=True)
    return not missing


def wine_version() -> tuple[int, ...]:
    """The version of wine on PATH."""
    program = shutil.which("wine64") or shutil.which("wine")
    if program is None:
        raise SystemExit("needs wine on PATH")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.findall(r"\d+", said)[:2]))


def about(environment: Path, host: Path, version: str) -> dict[str, str]:
    """What the page says of a version's rows."""
    said = crossenv("run", "-q", "--target", "win_amd64", "--host-root", host, "--", "python", "-V").stdout
    toolchain = json.loads((environment / "crossenv.json").read_text(encoding="utf-8"))["toolchain"]
    return {
        "version": version,
        "python": said.strip(),
        "wine": ".".join(map(str, wine_version())),
        "compiler": f"{toolchain['family']} {toolchain['version']}",
    }


def prove(package: str, source: Path, environment: Path, wheels: Path, host: Path) -> dict[str, Any]:
    """Build a package, compare its name, audit the wheel, run its tests; what came out."""
    version = source.name.rpartition("-")[2]
    pip = [environment / "bin/cross-pip", "wheel", "-q", "--no-deps", "-w", wheels, "--no-binary", package]
    if subprocess.run([*map(str, pip), f"{package}=={version}"], check=False).returncode:
        return {"error": "does not build", "date": today()}
    (wheel,) = wheels.glob(f"{package.replace('-', '_')}-*.whl")
    row: dict[str, Any] = {"wheel": wheel.name, "index": of_the_index(package, wheel)}
    if crossenv("audit", "-q", "--env", environment, wheel, check=False).returncode:
        return {**row, "error": "the audit refuses it", "date": today()}
    tests = TESTS[package]
    words: list[str | Path] = ["test", "-q", "--env", environment, "--host-root", host]
    words += [word for need in tests.needs for word in ("--with", need)]
    return {**row, "tests": outcome(crossenv(*words, wheel, "--", *tests.words(source), check=False)), "date": today()}


def outcome(done: subprocess.CompletedProcess[str]) -> str:
    """What pytest's last line says, or how the process ended; prints everything if that was not well."""
    said = [match[1] for line in done.stdout.splitlines() if (match := SUMMARY.match(line.strip()))]
    if done.returncode or not said:
        print(done.stdout, done.stderr, file=sys.stderr)
    if not said:
        return f"failed: ended with {done.returncode}"
    # pytest's own word for failed tests is 1; what comes after its last line is the process's end.
    return said[-1] if done.returncode in (0, 1) else f"{said[-1]}, then failed: ended with {done.returncode}"


def of_the_index(package: str, wheel: Path) -> str:
    """The name of the index's wheel for the same version, Python and machine: "same name" as ours or another."""
    _name, version, _build, tags = parse_wheel_filename(wheel.name)
    names = [one.name for one in offered_wheels(package) if one.version == version]
    if wheel.name in names:
        return "same name"
    (tag,) = tags
    return ", ".join(name for name in names if f"{tag.interpreter}-{tag.abi}-win_amd64" in name) or "no such wheel"


def source_of(package: str, directory: Path) -> Path:
    """Unpack the newest sdist of a package; return its top directory."""
    archive = newest_sdist(package).fetch(directory)
    shutil.unpack_archive(archive, directory / "source")
    (top,) = (directory / "source").iterdir()
    return top


def crossenv(*words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the tool, without the user's environment and projects' settings."""
    command = [sys.executable, "-m", "crossenv", *map(str, words)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CROSSENV_")}
    texts: dict[str, Any] = {"capture_output": True, "encoding": "utf-8", "errors": "replace"}
    return subprocess.run(command, env=environ, cwd="/", check=check, **texts)


if __name__ == "__main__":
    sys.exit(main())

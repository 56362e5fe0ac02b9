"""Build fifty popular packages for one host from their newest sdists, with no flags, and use each of them there.

    python scripts/corpus.py LABEL --python PYTHON [--set hard] [--only NAME ...] [--jobs 2] \
        --host-root DIR -- --target manylinux_2_28_aarch64 --toolchain zig

What follows `--` goes to `crossenv create`. Each wheel is inspected independently of the build (machine, tag, needed
glibc or DLLs) and used under qemu-user or wine in the Python below DIR (corpus_hosts.py knows the systems); without
`--host-root` it is inspected and audited only. What fails is built natively from the same sdist, to tell a package's
own fault from ours. Results are kept in .cache/corpus/LABEL, so that a run goes on where it was, and what does not
depend on this machine goes to docs/explanation/data/corpus/LABEL.json, from which the site draws the page.
`--set hard` does the same with a few packages that ask the build machine in ways of their own (data/hard-packages).
`--data-only` builds nothing and writes the data from what is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checks import CHECKS, CORPUS, HARD
from corpus_hosts import HOSTS, Host
from inspection import WrongWheelError, modules
from results import CACHE, command_shown, keep, known, today

from crossenv.farm.complaint import complaint_of

PATIENCE_SECONDS = 3600
UNSUPPORTED = "no support for the system"
# What a build's output says when the fault is neither ours nor the package's.
CLASSES = {
    "a download made by the build": (
        r"urlopen error|URLError|HTTPError|ConnectionError|Could not resolve host",
        r"[Ff]ailed to download|Download.*failed|Unable to (fetch|download)",
        r"Temporary failure in name resolution|Remote end closed",
    ),
    "code for Microsoft's headers or compiler alone": (
        r"ntextapi\.h:\d+:\d+: error: redefinition of",
        r"is for Microsoft's (compiler|assembler)",
        # numexpr's takes a compiler that is no MSVC for one of 2003.
        r"msvc_function_stubs\.hpp:\d+:\d+: error",
        # Where Visual Studio's generator for CMake puts a library; what only Windows takes for directories.
        r"No such file or directory: '[^'\n]*(/Release/[\w-]+\.lib|\w\\\\\w)",
        r'error: "not MSVC"',
    ),
    UNSUPPORTED: (r"does not support Windows",),
    # Before version 10: complex functions, and a DLL that Rust's standard library calls.
    "a function that wine lacks": (r"to unimplemented function [\w.]+\.dll", r"bcryptprimitives\.dll.* not found"),
    "a part of Apple's SDK, which was not there": (
        r"is a part of Apple's SDK",
        r"fatal error: '(?:(?:Core|System)[A-Z]\w*|CoreFoundation|IOKit|Security)/[\w/]+\.h|'netinet/tcp_fsm\.h' file",
    ),
    "a standard library of Rust's that nobody provided": (r"Rust has no standard library for",),
    "a fault in the compiler itself": (r"internal compiler error",),
    "a Fortran compiler that nobody provided": (r"no-fortran-compiler-for-",),
    "a host library that nobody provided": (
        r"fatal error: '?[\w./-]+\.h'?( file not found|: No such file)",
        r"Dependency \"[\w-]+\" not found|[Cc]ould not find [\w-]+ \(missing|Package .* was not found",
        r"Please make sure the libxml2|headers or library files could not be found|geos-config",
        r"cannot find -l\w+|unable to find library -l",
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection:
    """A list of packages, where its results are kept, and the page that shows them."""

    names: Sequence[str]
    work: Path
    page: str


SETS = {
    "fifty": Collection(names=CORPUS, work=CACHE / "corpus", page="corpus"),
    "hard": Collection(names=HARD, work=CACHE / "hard", page="hard-packages"),
}


class FailedError(Exception):
    """A build or a check that did not work: one line."""


def run(words: Sequence[str | Path], log: Path, **extra: str) -> None:
    """Run a command with its output in `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        try:
            done = subprocess.run(
                [str(word) for word in words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env={**os.environ, **extra},
                timeout=PATIENCE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise FailedError(f"not done after {PATIENCE_SECONDS // 60} minutes") from None
    if done.returncode:
        raise FailedError(complaint_of(log.read_text(encoding="utf-8", errors="replace")))


def output_of(work: Path, name: str) -> str:
    """What the build and the use of a package said."""
    logs = [work / f"logs/{name}.built.log", work / f"logs/{name}.log"]
    return "".join(path.read_text("utf-8", "replace") for path in logs if path.exists())


def failure_class(work: Path, name: str) -> str:
    """What a build's output names as the reason; "" for a reason of its own."""
    text = output_of(work, name)
    return next((label for label, patterns in CLASSES.items() if any(re.search(p, text) for p in patterns)), "")


class Corpus:
    """One configuration: an environment, its wheels and what is known about them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.collection = SETS[options.set]
        self.work = self.collection.work / options.label
        self.environment = self.work / "env"
        self.crossenv = Path(sys.executable).parent / "crossenv"
        self.wheels = self.work / "wheels"
        self.wheels.mkdir(parents=True, exist_ok=True)
        self.store = self.work / "results.json"
        self.lock = threading.Lock()
        kept = json.loads(self.store.read_text(encoding="utf-8")) if self.store.exists() else {"packages": {}}
        self.results: dict[str, dict[str, Any]] = kept["packages"]
        for row in self.results.values():
            # Earlier runs had one date for all.
            row.setdefault("date", kept.get("about", {}).get("date", today()))

    def prepare(self) -> dict[str, Any]:
        """The environment's record; the environment is made if it is not there."""
        if not (self.environment / "crossenv.json").exists():
            words = [self.crossenv, "create", "-q", "--clear", "--python", self.options.python]
            run([*words, *self.options.create, self.environment], self.work / "logs/create.log")
        record: dict[str, Any] = json.loads((self.environment / "crossenv.json").read_text(encoding="utf-8"))
        return record

    def save(self) -> None:
        """Keep what is known so far."""
        temporary = self.store.with_suffix(".new")
        temporary.write_text(json.dumps({"packages": self.results}, indent=1), encoding="utf-8")
        temporary.replace(self.store)

    def publish(self, record: dict[str, Any]) -> None:
        """Write the data for the site; of packages that this machine has not built, what is there stays."""
        about = {
            "command": command_shown(["crossenv create", *self.options.create]),
            "platform": record["host"]["platform_tag"],
            "version": record["host"]["version"],
            "compiler": f"{record['toolchain']['family']} {record['toolchain']['version']}",
        }
        packages = known(self.collection.page, self.options.label).get("packages", {})
        for name, row in self.results.items():
            packages[name] = published(row, failure_class(self.work, name))
        ordered = {name: packages[name] for name in self.collection.names if name in packages}
        keep(self.collection.page, self.options.label, {"about": about, "packages": ordered})

    def wheel(self, name: str) -> Path | None:
        """The wheel of a package, if it has been built."""
        stem = re.escape(re.sub(r"[-_.]+", "_", name))
        pattern = re.compile(rf"{stem}-.*\.whl", re.IGNORECASE)
        found = [path for path in self.wheels.iterdir() if pattern.fullmatch(path.name)]
        return found[0] if found else None

    def prove(self, name: str, record: dict[str, Any]) -> None:
        """Build, inspect and use one package; what comes out is kept."""
        started = time.monotonic()
        row: dict[str, Any] = {"back_end": CHECKS[name].back_end, "wheel": "", "needs": "", "result": "works"}
        log = self.work / f"logs/{name}.log"
        built = self.work / f"logs/{name}.built.log"
        log.unlink(missing_ok=True)
        host = HOSTS[record["host"]["system"]](record, self.options.host_root)
        try:
            if self.wheel(name) is None:
                pip = [self.environment / "bin/cross-pip", "wheel", "-v", "--no-deps", "-w", self.wheels, name]
                try:
                    run(pip, log)
                finally:
                    log.replace(built)
            wheel = self.wheel(name)
            assert wheel is not None
            row["wheel"] = wheel.name
            if wheel.name.endswith("-none-any.whl"):
                row["native"] = self.native(name, wheel.name.split("-")[1])
                if row["native"] != "pure":
                    raise FailedError("came out pure; the native build has compiled code")
                row["result"] = "pure, as its native build is"
            else:
                row["needs"] = host.inspect(wheel)
                if record["host"]["system"] != "linux":
                    row["index"] = self.against_index(name, wheel, record["host"]["platform_tag"])
            if self.options.host_root is not None:
                self.use(name, wheel, host, log)
            else:
                run([self.crossenv, "audit", wheel], log)
                row["result"] = row["result"].replace("works", "inspected")
        except (FailedError, WrongWheelError) as failure:
            text = output_of(self.work, name)
            row["result"], row["error"] = "failed", str(failure)
            # What refuses the target's system builds natively, and that says nothing.
            if not row["wheel"] and failure_class(self.work, name) != UNSUPPORTED:
                match = re.search(rf"(?im)^\s*Downloading {_loose(name)}-(.*?)\.tar\.gz", text)
                row["native"] = self.native(name, match[1] if match else "")
        row["seconds"], row["date"] = round(time.monotonic() - started), today()
        with self.lock:
            self.results[name] = row
            self.save()
            print(f"{self.options.label:<12}{name:<22}{row['needs']:<13}{row['result']} {row.get('error', '')}"
                  f" ({row['seconds']} s)", file=sys.stderr, flush=True)  # fmt: skip

    def use(self, name: str, wheel: Path, host: Host, log: Path) -> None:
        """Install the wheel for the host and call its compiled code under emulation."""
        place = self.work / "installed" / name
        shutil.rmtree(place, ignore_errors=True)
        pip = [self.environment / "bin/cross-pip", "install", "-q", "--no-deps", "--target", place, "--upgrade"]
        run([*pip, wheel], log)
        if needs := CHECKS[name].needs:
            # Wheels of ours before those of the index, which pip takes where they are equal; built if there is neither.
            wanted = [self.wheel(need) or need for need in needs]
            run([*pip, "--find-links", self.wheels, "--prefer-binary", *wanted], log)
            run([*pip, wheel], log)
        words, extra = host.command(CHECKS[name].code, place)
        run(words, log, **extra)

    def against_index(self, name: str, wheel: Path, platform: str) -> str:
        """How the native modules differ from those of the index's own wheel: "same", "no wheel" or which."""
        place, log = self.work / "index" / name, self.work / f"logs/{name}.index.log"
        version, python = wheel.name.split("-")[1], wheel.name.split("-")[2].removeprefix("cp")
        shutil.rmtree(place, ignore_errors=True)
        words = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "-d", place]
        try:
            run([*words, "--platform", platform, "--python-version", python, f"{name}=={version}"], log)
        except FailedError:
            return "no wheel"
        (theirs,) = place.glob("*.whl")
        here, there = modules(wheel), modules(theirs)
        differences = [("only here", here - there), ("only there", there - here)]
        return "; ".join(f"{where}: {', '.join(sorted(names))}" for where, names in differences if names) or "same"

    def native(self, name: str, version: str) -> str:
        """How a native build of the same sdist ends: "works", "pure" or why it does not."""
        place, log = self.work / "native" / name, self.work / f"logs/{name}.native.log"
        shutil.rmtree(place, ignore_errors=True)
        log.unlink(missing_ok=True)
        python = self.collection.work / f"native-{Path(self.options.python).resolve().parent.parent.name}"
        if not (python / "bin/python").exists():
            run([self.options.python, "-m", "venv", python], log)
            run([python / "bin/python", "-m", "pip", "install", "-q", "--upgrade", "pip"], log)
        wanted = f"{name}=={version}" if version else name
        words = [python / "bin/python", "-m", "pip", "wheel", "-v", "--no-deps", "--no-cache-dir", "-w", place]
        try:
            run([*words, "--no-binary", name, wanted], log)
        except FailedError as failure:
            return f"fails too: {failure}"
        (wheel,) = place.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            compiled = any(member.endswith(".so") for member in archive.namelist())
        return "works" if compiled else "pure"


def _loose(name: str) -> str:
    return re.sub(r"[-_.]+", "[-_.]+", name)


def published(row: dict[str, Any], kind: str) -> dict[str, Any]:
    """What of a package's result does not depend on the machine that it was built on."""
    version, tag = _version_and_tag(row["wheel"])
    shown = {"back_end": row["back_end"], "version": version, "tag": tag, "needs": row["needs"], "date": row["date"]}
    shown.update({"index": row["index"]} if "index" in row else {})
    if row["result"] != "failed":
        return {**shown, "result": row["result"].partition(",")[0]}
    native = {"native": row["native"]} if "native" in row else {}
    return {**shown, "result": "failed", "kind": kind, "error": row["error"], **native}


def _version_and_tag(wheel: str) -> tuple[str, str]:
    _, version, tag = wheel.removesuffix(".whl").split("-", 2) if wheel else ("", "", "")
    return version, tag


def main() -> int:
    """Run one configuration and write its data; the exit status is 1 if a fault is ours."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("label", help="the configuration's name, a directory below .cache/corpus")
    parser.add_argument("--python", default=sys.executable, help="the build Python")
    parser.add_argument(
        "--host-root",
        type=Path,
        help="a root with the target's Python, to use the wheels in; without it: inspected only",
    )
    parser.add_argument("--set", choices=SETS, default="fifty", help="the list of packages")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only this package, again")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--data-only", action="store_true", help="build nothing, write the data from what is kept")
    words = sys.argv[1:]
    where = words.index("--") if "--" in words else len(words)
    options = parser.parse_args(words[:where])
    options.create = words[where + 1 :]
    options.host_root = options.host_root and options.host_root.resolve()
    corpus = Corpus(options)
    record = corpus.prepare()
    names = corpus.collection.names
    undone = [name for name in names if corpus.results.get(name, {}).get("result", "failed") == "failed"]
    left = [] if options.data_only else options.only or undone
    print(f"{options.label}: {len(left)} of {len(names)} packages to do", file=sys.stderr, flush=True)
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(lambda name: corpus.prove(name, record), left))
    corpus.publish(record)
    failed = {name: row for name, row in corpus.results.items() if row["result"] == "failed"}
    ours = [row for name, row in failed.items() if not failure_class(corpus.work, name)]
    return int(any(row.get("native", "works") in ("works", "pure") for row in ours))


if __name__ == "__main__":
    sys.exit(main())

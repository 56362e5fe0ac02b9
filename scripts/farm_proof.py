"""Two hundred small builds on a Dask cluster that is killed piece by piece, and a thousand jobs that sleep.

    python scripts/farm_proof.py --python PATH [--python PATH ...] [--builds N] [--sleepers N]

A client, a worker and the scheduler are killed (SIGKILL) in the middle, each at another time, and the command is given
again. What the store holds then is compared with that of an undisturbed run without a cluster. Writes
docs/explanation/farm-proof.md.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import importlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from crossenv.farm.cluster import dask_cluster, run_plan
from crossenv.farm.model import Result
from crossenv.farm.plan import BUILD, Plan, PlannedJob

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = CHECKOUT / "docs/explanation/farm-proof.md"
CROSSENV = str(Path(sys.executable).parent / "crossenv")
WORKERS = 8
TARGETS = ("aarch64", "armv7l", "x86_64")
REAL = ("markupsafe==3.0.2",)
# A project of one C file; its back end is a part of it, so that nothing is downloaded for it.
BACKEND = """
import base64, hashlib, os, pathlib, shlex, subprocess, sysconfig, zipfile

def build_sdist(sdist_directory, config_settings=None):
    import tarfile
    name = f"{NAME}-1"
    with tarfile.open(f"{sdist_directory}/{name}.tar.gz", "w:gz") as archive:
        for file in ("pyproject.toml", "backend.py", "module.c"):
            archive.add(file, f"{name}/{file}")
    return f"{name}.tar.gz"

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    module = NAME + sysconfig.get_config_var("EXT_SUFFIX")
    compiler = shlex.split(sysconfig.get_config_var("CC"))
    include = sysconfig.get_path("include")
    subprocess.run([*compiler, "-shared", "-fPIC", f"-I{include}", "module.c", "-o", module], check=True)
    python = "cp" + sysconfig.get_config_var("py_version_nodot")
    tag = f"{python}-{python}-" + sysconfig.get_platform().replace("-", "_")
    info = f"{NAME}-1.dist-info"
    files = {module: pathlib.Path(module).read_bytes()}
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\\nName: {NAME}\\nVersion: 1\\n".encode()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\\nGenerator: one\\nRoot-Is-Purelib: false\\nTag: {tag}\\n".encode()
    rows = ""
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        rows += f"{name},sha256={digest},{len(data)}\\n"
    files[f"{info}/RECORD"] = f"{rows}{info}/RECORD,,\\n".encode()
    with zipfile.ZipFile(f"{wheel_directory}/{NAME}-1-{tag}.whl", "w") as wheel:
        for name, data in files.items():
            wheel.writestr(zipfile.ZipInfo(name), data)
    return f"{NAME}-1-{tag}.whl"
"""
MODULE = """#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "%(name)s", "%(name)s", -1, NULL};
PyMODINIT_FUNC PyInit_%(name)s(void) { return PyModule_Create(&module); }
"""


class Cluster:
    """A scheduler and workers on this machine."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self._log = (directory / "log").open("ab")
        file = directory / "scheduler.json"
        words = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file)
        self.scheduler = self._start(directory, "scheduler", *words)
        while not file.exists() or not file.read_text().endswith("}"):
            if self.scheduler.poll() is not None:
                raise SystemExit(f"the scheduler ended: see {directory}/log")
            time.sleep(0.1)
        self.address = json.loads(file.read_text())["address"]
        alone = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0")
        self.workers = [self._start(directory, "worker", self.address, *alone) for _ in range(WORKERS)]

    def _start(self, directory: Path, kind: str, *words: str | Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *map(str, words)]
        return subprocess.Popen(command, cwd=directory, stdout=self._log, stderr=self._log)

    def wait(self) -> None:
        """Wait until all workers are there."""
        distributed: Any = importlib.import_module("distributed")
        with distributed.Client(self.address, timeout="120s", set_as_default=False) as client:
            client.wait_for_workers(WORKERS, timeout=600)

    def end(self) -> None:
        """Kill what is left of it."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@dataclass
class Sleepers:
    """What was measured with jobs that sleep."""

    jobs: int
    seconds: float
    took: float
    scheduler: tuple[int, int]
    client: tuple[int, int]
    load: float

    @property
    def efficiency(self) -> float:
        """How much of the workers' time they slept."""
        return self.jobs * self.seconds / WORKERS / self.took


def main() -> int:
    """Build, kill, compare, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", action="append", required=True, help="a build Python; can be repeated")
    parser.add_argument("--builds", type=int, default=200, help="how many combinations at least; default: 200")
    parser.add_argument("--sleepers", type=int, default=1000, help="how many jobs that sleep; default: 1000")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each of them sleeps; default: 1")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crossenv-farm-") as name:
        directory = Path(name)
        each = len(TARGETS) * len(options.python)
        projects = max(1, -(-options.builds // each) - len(REAL))
        options.builds = (projects + len(REAL)) * each
        words = ["wheel", *REAL, *(made(directory, f"one{number:03}") for number in range(projects))]
        words += [word for target in TARGETS for word in ("--target", target)]
        words += [word for python in options.python for word in ("--python", python)]
        words += ["--toolchain", "zig", "--json"]
        # At the same time: it takes long enough.
        quiet = started(directory, words, "quiet", "--jobs", str(WORKERS))
        told = disturbed(directory, words, options.builds)
        if quiet.wait():
            raise SystemExit(f"the undisturbed run failed: {(directory / 'quiet.json').read_text()}")
        same, files = compared(directory / "quiet-store", directory / "farm-store")
        statuses = Counter(row["status"] for row in told.report["builds"])
        print(same, files, statuses, told.events, told.took, told.scheduler, told.client, flush=True)
        slept = sleepers(directory, options.sleepers, options.seconds)
        print(slept, slept.efficiency, flush=True)
    page(options, slept, told, statuses, same, files, projects)
    good = same and slept.efficiency >= 0.85 and set(statuses) <= {"built", "kept"} and told.status == 0
    print("good" if good else "NOT good", statuses, same)
    return not good


def made(directory: Path, name: str) -> str:
    """Write a project of one C file; return the word that names it."""
    place = directory / name
    place.mkdir()
    (place / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (place / "backend.py").write_text(f"NAME = {name!r}\n{BACKEND}")
    (place / "module.c").write_text(MODULE % {"name": name})
    return f"./{name}"


def started(directory: Path, words: list[str], name: str, *more: str) -> subprocess.Popen[bytes]:
    """Start the command with a store and a wheel directory of this name."""
    own = ["--store", str(directory / f"{name}-store"), "-w", str(directory / f"{name}-wheels"), *more]
    # setuptools writes the time into its archives.
    environ = {**os.environ, "SOURCE_DATE_EPOCH": "1500000000", "PYTHONHASHSEED": "0"}
    with (directory / f"{name}.json").open("wb") as out:
        return subprocess.Popen([CROSSENV, *words, *own], cwd=directory, stdout=out, env=environ)


@dataclass
class Disturbed:
    """What happened to the run that was disturbed."""

    events: list[str]
    report: dict[str, Any]
    status: int
    took: float
    scheduler: int
    client: int


def disturbed(directory: Path, words: list[str], builds: int) -> Disturbed:
    """Build on a cluster that is killed piece by piece."""
    began = time.monotonic()
    events = []
    jobs = directory / "farm-store/jobs"
    cluster = Cluster(directory / "first")

    def until(share: float, client: subprocess.Popen[bytes]) -> str:
        while (count := len(list(jobs.glob("*.json")))) < builds * share and client.poll() is None:
            time.sleep(0.2)
        if client.poll() is not None:
            raise SystemExit(f"the client ended too early, with {client.returncode}")
        return f"{count} of {builds}"

    try:
        cluster.wait()
        client = started(directory, words, "farm", "--executor", f"dask:{cluster.address}")
        events.append(f"{until(0.15, client)} jobs were in the store: the client was killed (SIGKILL)")
        client.kill()
        client.wait()
        client = started(directory, words, "farm", "--executor", f"dask:{cluster.address}")
        events.append(f"{until(0.4, client)}: a worker was killed; the same run went on")
        cluster.workers[0].kill()
        said = until(0.65, client)
        cluster.scheduler.kill()
        client.wait()
        events.append(f"{said}: the scheduler was killed; the client ended with exit status {client.returncode}")
    finally:
        cluster.end()
    cluster = Cluster(directory / "second")
    try:
        cluster.wait()
        client = started(directory, words, "farm", "--executor", f"dask:{cluster.address}")
        _, status, used = os.wait4(client.pid, 0)
        scheduler = peak(cluster.scheduler.pid)
    finally:
        cluster.end()
    report = json.loads((directory / "farm.json").read_text())
    status = os.waitstatus_to_exitcode(status)
    return Disturbed(events, report, status, time.monotonic() - began, scheduler, used.ru_maxrss // 1024)


def compared(quiet: Path, farm: Path) -> tuple[bool, int]:
    """Compare two stores file for file; in the entries all but the times. Return also how many files there are."""
    content = []
    for store in (quiet, farm):
        found = {}
        for path in sorted(path for part in ("wheels", "jobs") for path in (store / part).rglob("*") if path.is_file()):
            data: Any = path.read_bytes()
            if path.parent.name == "jobs":
                data = {name: value for name, value in json.loads(data).items() if name not in ("made", "seconds")}
            found[str(path.relative_to(store))] = data
        content.append(found)
    for name in sorted(set(content[0]) ^ set(content[1])):
        print("in one store only:", name)
    for name in sorted(set(content[0]) & set(content[1])):
        if content[0][name] != content[1][name]:
            print("differs:", name)
    return content[0] == content[1], len(content[1])


def nap(seconds: float, _key: str) -> dict[str, Any]:
    """Stand in for a build."""
    time.sleep(seconds)
    return {"status": "built", "error": "", "hint": "", "exit_code": 0}


def sleepers(directory: Path, count: int, seconds: float) -> Sleepers:
    """Run jobs that sleep; return what was measured."""
    cluster = Cluster(directory / "sleepers")
    try:
        cluster.wait()
        with dask_cluster(f"dask:{cluster.address}") as dask:
            executor = dask.executor()
            # So that the workers have imported what they need.
            list(executor.map(time.sleep, [0.01] * WORKERS))
            before = (peak(cluster.scheduler.pid), own_peak())
            plan = sleeping(count)
            ended: list[Result] = []
            began = time.monotonic()
            run_plan(
                plan,
                lambda _: executor,
                functools.partial(nap, seconds),
                started=lambda job: None,
                finished=lambda job, result: ended.append(result),
            )
            took = time.monotonic() - began
            after = (peak(cluster.scheduler.pid), own_peak())
    finally:
        cluster.end()
    if len(ended) != count or {result.status for result in ended} != {"built"}:
        raise SystemExit(f"not every sleeper woke: {Counter(result.complaint for result in ended)}")
    return Sleepers(count, seconds, took, (before[0], after[0]), (before[1], after[1]), os.getloadavg()[1])


def sleeping(count: int) -> Plan:
    """Return a plan of so many jobs; one of four waits for the one before it."""
    jobs: list[PlannedJob] = []
    for number in range(count):
        waits = (jobs[-1].key,) if number % 4 == 3 and number < count // 2 else ()
        jobs.append(
            PlannedJob(
                key=f"{number:064}", status=BUILD, requirement=f"sleeper{number}", python="cp313", target="aarch64",
                source="", environment="", circumstances="", compiler="", wheels=(), serves="", covered_by="",
                waits_for=waits, error="", hint="", exit_code=0,
            )
        )  # fmt: skip
    return Plan(schema=1, crossenv="", code="", arguments=(), pip_arguments=(), jobs=tuple(jobs))


def peak(pid: int) -> int:
    """Return the most memory that a process has had, in MiB."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


def own_peak() -> int:
    """Return the most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def page(
    options: argparse.Namespace,
    slept: Sleepers,
    told: Disturbed,
    statuses: Counter[str],
    same: bool,
    files: int,
    projects: int,
) -> None:
    """Write the page."""
    date = datetime.datetime.now(datetime.timezone.utc).date()
    cores = len(os.sched_getaffinity(0))
    verdict = "are equal, file for file" if same else "DIFFER"
    real = " and ".join(REAL)
    lines = [
        "# A cluster that is killed in the middle",
        "",
        f"Written by `nox -s farm` on {date}: Dask {version('distributed')}, Python {platform.python_version()}, a",
        f"scheduler and {WORKERS} workers on one machine with {cores} cores, which other work used too.",
        "",
        "## Killed, and given again",
        "",
        f"`crossenv wheel --executor dask:...` built {options.builds} combinations with zig, for",
        f"{', '.join(TARGETS)} and {len(options.python)} Pythons: {real}, and {projects} projects of one C file each.",
        "",
        *(f"- When {event}." for event in told.events),
        f"- Another cluster was started and the same command given again. It ended with {told.status}:"
        f" {', '.join(f'{number} {status}' for status, number in sorted(statuses.items()))}.",
        "",
        f"The store of these runs and that of an undisturbed `crossenv wheel` without a cluster {verdict}:",
        f"{files} files, wheels byte for byte, and in the entries of jobs all but their times.",
        "`SOURCE_DATE_EPOCH` was set for both, because setuptools writes the time into wheels.",
        "",
        f"All of it took {told.took / 60:.0f} minutes. Both ran at the same time.",
        "",
        "## Scheduling",
        "",
        "On two cores builds cannot show how well a cluster is used. Jobs that sleep can:",
        "",
        f"| {slept.jobs} jobs of {slept.seconds:g} s on {WORKERS} workers | |",
        "| --- | --- |",
        f"| took | {slept.took:.1f} s |",
        f"| of the workers' time slept | {slept.efficiency:.0%} |",
        f"| load average of the machine, over 5 minutes | {slept.load:.1f} |",
        f"| scheduler's memory, before and at most | {slept.scheduler[0]} and {slept.scheduler[1]} MiB |",
        f"| client's memory, before and at most | {slept.client[0]} and {slept.client[1]} MiB |",
        "",
        f"In the last run of the builds the scheduler had at most {told.scheduler} MiB, the client {told.client} MiB.",
        "Wheels, logs and the plan travel by the store, so a job costs the scheduler some kilobytes.",
        "",
    ]
    PAGE.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

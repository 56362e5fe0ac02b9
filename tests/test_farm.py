"""Plans, their jobs, and the stores that wheels travel by."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

import crossenv as crossenv_package
import wheels
from conftest import CrossenvCommand
from crossenv.cli.main import main
from crossenv.errors import UsageError
from crossenv.farm.budget import Budget, was_killed
from crossenv.farm.cluster import Order, resource_for, run_job, run_plan
from crossenv.farm.combinations import builds_of
from crossenv.farm.formats import FORMATS
from crossenv.farm.model import KEPT, Build, Destination, Job, Python, Requirement, Result
from crossenv.farm.plan import Plan, jobs_named, plan_of, plan_schema, plan_table, read_plan, waves, write_plan
from crossenv.farm.reports import as_junit, as_page, report_of
from crossenv.farm.shelves import hash_of
from crossenv.farm.store import DamagedWheelError, Entry, Store, Stores
from crossenv.wheels.read_tags import PythonTag
from makers import write
from test_wheel_command import FULL, project

fsspec: Any = importlib.import_module("fsspec")
SCHEMA = Path(__file__).resolve().parent.parent / "docs/reference/plan.schema.json"
TOY = Requirement(label="toy", line="toy", name="toy", open=True)
PLACES = [
    (
        Python(tag=PythonTag(implementation="cp", version=(3, minor), abi="full", flags=""), executable=""),
        Destination(label=target, words=("--target", target)),
    )
    for minor in (11, 12)
    for target in ("aarch64", "s390x")
]


def job_of(build: Build, source: str = "sha256:00") -> Job:
    python, target = build.python.label, build.destination.label
    return Job(requirement="toy", python=python, target=target, source=source, environment="e", circumstances="c")


def plan(results: dict[Build, Result] | None = None, *, together: bool = True) -> Plan:
    builds = builds_of([TOY], PLACES)
    return plan_of(
        builds,
        {build: job_of(build) for build in builds},
        dict.fromkeys(builds, "gcc 12"),
        results or {},
        together=together,
        untested=set(),
        arguments=["toy"],
        pip_arguments=[],
    )


def entry_of(wheel: Path, job: Job, **changes: Any) -> Entry:
    usual: dict[str, Any] = {"version": "1", "tags": (), "tested": False, "seconds": 1.0, "made": 1.0}
    return Entry(key=job.key, job=job, wheels={wheel.name: hash_of(wheel)}, **{**usual, **changes})


# --- plans


def test_the_schema_is_that_of_the_code() -> None:
    """To write it: python -c 'import json, crossenv.farm.plan as p; print(json.dumps(p.plan_schema(), indent=2))'."""
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == plan_schema()
    jsonschema.validate(json.loads(write_plan(plan())), plan_schema())


def test_jobs_wait_for_those_whose_wheels_may_serve_them_too() -> None:
    """The first one tells whether a wheel is for one Python; the first on a machine, whether it is for that alone."""
    made = plan()
    first, other, later, last = made.jobs
    assert first.waits_for == ()
    assert other.waits_for == later.waits_for == (first.key,)
    assert set(last.waits_for) == {first.key, other.key}
    assert [[job.key for job in wave] for wave in waves(made)] == [[first.key], [other.key, later.key], [last.key]]
    assert all(not job.waits_for for job in plan(together=False).jobs)


@pytest.mark.parametrize(
    ("tag", "serves", "statuses"),
    [
        ("py3-none-any", "everything", ["kept", "covered", "covered", "covered"]),
        ("cp311-abi3-linux_aarch64", "one machine", ["kept", "build", "covered", "build"]),
        ("cp311-cp311-linux_aarch64", "one Python", ["kept", "build", "build", "build"]),
    ],
)
def test_a_wheel_in_the_store_tells_what_is_left(tag: str, serves: str, statuses: list[str]) -> None:
    build = builds_of([TOY], PLACES)[0]
    made = plan({build: Result(status=KEPT, wheels=(f"toy-1-{tag}.whl",), tags=(tag,))})
    assert [job.status for job in made.jobs] == statuses
    assert made.jobs[0].serves == serves
    waiting = [job for job in made.jobs if job.waits_for]
    # With an abi3 wheel only the second Python of the other machine waits: for the first one there.
    assert [job.waits_for for job in waiting] == ([(made.jobs[1].key,)] if serves == "one machine" else [])


def test_a_plan_is_read_by_the_crossenv_that_made_it(tmp_path: Path) -> None:
    path = write(tmp_path / "plan.json", write_plan(plan()))
    made = read_plan(path)
    assert made == plan()
    assert jobs_named(made, [made.jobs[1].key[:12]]) == [1]
    with pytest.raises(UsageError, match="no job"):
        jobs_named(made, ["nothing"])
    with pytest.raises(UsageError, match="several jobs"):
        jobs_named(made, [""])
    assert "build with gcc 12" in list(plan_table(made))[1]
    for text in ("", "{}", '{"schema": 1}', '{"schema": 2}', "[]", "\xff"):
        with pytest.raises(UsageError, match=r"the plan .* cannot be read"):
            read_plan(write(tmp_path / "bad.json", text.encode("latin-1")))
    other = {**json.loads(path.read_text()), "code": "0", "crossenv": "9"}
    with pytest.raises(UsageError, match=r"was made by another crossenv \(9;"):
        read_plan(write(tmp_path / "other.json", json.dumps(other)))


# --- for schedulers

PAGE = SCHEMA.parent.parent / "how-to/wheel-farm.md"


def checked(program: str, *words: str | Path) -> None:
    """Run a checker, which must be content; skip the test where it is missing."""
    place = Path(sys.executable).parent / program
    found = str(place) if place.exists() else shutil.which(program)
    if found is None:
        pytest.skip(f"needs {program}")
    done = subprocess.run([found, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_matrices_for_github() -> None:
    lines = dict(line.split("=", 1) for line in FORMATS["github"](plan()).splitlines())
    first, rest = (json.loads(lines[name])["include"] for name in ("first", "rest"))
    assert [one["jobs"] for one in first] == [f"--job {plan().jobs[0].key}"]
    assert {one["jobs"] for one in rest} == {f"--job {job.key}" for job in plan().jobs[1:]}
    assert rest[0]["name"].startswith("toy cp311 s390x")
    # The longest matrix has 256 entries; an empty one is a fault.
    many = dataclasses.replace(
        plan(), jobs=tuple(dataclasses.replace(plan().jobs[0], key=f"{n:064}") for n in range(600))
    )
    lines = dict(line.split("=", 1) for line in FORMATS["github"](many).splitlines())
    groups = json.loads(lines["first"])["include"]
    assert len(groups) == 200
    assert sum(group["jobs"].count("--job ") for group in groups) == 600
    assert lines["rest"] == ""


def test_the_workflow_of_the_page(tmp_path: Path) -> None:
    (text,) = re.findall(r"(?ms)^```yaml\n(# \.github.*?)^```", PAGE.read_text(encoding="utf-8"))
    checked("actionlint", write(tmp_path / "wheels.yml", text))


def test_a_pipeline_for_gitlab(tmp_path: Path) -> None:
    pipeline = json.loads(FORMATS["gitlab"](plan()))
    first, *rest = (next(name for name in pipeline if job.key[:12] in name) for job in plan().jobs)
    assert [need.get("job") for need in pipeline[first]["needs"]] == ["plan"]
    assert all({"job": first} in pipeline[name]["needs"] for name in rest)
    # The jobs go on where the first one fails.
    assert all(pipeline[name]["when"] == "always" for name in rest)
    path = write(tmp_path / "child.yml", FORMATS["gitlab"](plan()))
    checked("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", path)


def test_a_script_for_slurm_is_good(tmp_path: Path) -> None:
    checked("shellcheck", write(tmp_path / "farm.sh", FORMATS["slurm"](plan())))


SBATCH = """#!/bin/sh
# Stands in for a cluster: runs the tasks of an array at once, here, and prints the job's number.
number=$(($(cat "$JOBS" 2>/dev/null || echo 0) + 1))
echo $number >"$JOBS"
echo "$*" >>"$JOBS.said"
for word; do case $word in --array=0-*) last=${word#--array=0-} ;; esac; script=$wave wave=$word; done
for task in $(seq 0 "$last"); do SLURM_ARRAY_TASK_ID=$task bash "$script" "$wave" >&2 || exit; done
echo $number
"""


def test_a_script_for_slurm_runs_each_job_once(tmp_path: Path) -> None:
    """In waves, the later after the earlier."""
    script = write(tmp_path / "farm.sh", FORMATS["slurm"](plan()))
    write(tmp_path / "bin/sbatch", SBATCH, mode=0o755)
    write(tmp_path / "bin/crossenv", '#!/bin/sh\necho "$*" >>"$JOBS.run"\n', mode=0o755)
    jobs = tmp_path / "jobs"
    environ = {**os.environ, "PATH": f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}", "JOBS": str(jobs)}
    subprocess.run(["bash", script, "--partition=arm"], env=environ, check=True, cwd=tmp_path)
    said = Path(f"{jobs}.said").read_text().splitlines()
    assert [re.findall(r"--array=\S+|--dependency=\S+|--partition=\S+", line) for line in said] == [
        ["--array=0-0", "--partition=arm"],
        ["--dependency=afterany:1", "--array=0-1", "--partition=arm"],
        ["--dependency=afterany:2", "--array=0-0", "--partition=arm"],
    ]
    run = Path(f"{jobs}.run").read_text()
    assert [run.count(job.key) for job in plan().jobs] == [1, 1, 1, 1]


# --- stores


def test_only_what_is_known_to_be_right_is_read(tmp_path: Path) -> None:
    wheel, job = wheels.make_wheel(tmp_path), job_of(builds_of([TOY], PLACES)[0])
    store, team = Store(tmp_path / "mine"), Store(tmp_path / "team")
    said: list[str] = []
    stores = Stores(store, [team])
    assert stores.find(job.key, said.append) is None
    for one in (store, team):
        one.open()
        one.write(entry_of(wheel, job), [wheel])
    found = stores.find(job.key, said.append)
    assert found is not None
    assert found[0] == entry_of(wheel, job)
    (place,) = found[1]
    assert place.is_relative_to(store.name)
    assert place.read_bytes() == wheel.read_bytes()
    # A damaged one is refused, the next store asked, and the next write mends it.
    place.write_bytes(b"half")
    found = stores.find(job.key, said.append)
    assert found is not None
    assert found[1][0].is_relative_to(team.name)
    assert said == [f"{place} is damaged: it is not used"]
    store.write(entry_of(wheel, job), [wheel])
    assert store.read(entry_of(wheel, job)) == (place,)
    place.unlink()
    with pytest.raises(DamagedWheelError, match="is missing"):
        store.read(entry_of(wheel, job))
    file = Path(store.name) / f"jobs/{job.key}.json"
    good = json.loads(file.read_text())
    for damage in ("", "{", "[]", {**good, "wheels": {"../x": "0" * 64}}, {**good, "wheels": {"x": "../y"}},
                   {**good, "schema": 9}, {**good, "job": {**good["job"], "source": "other"}}):  # fmt: skip
        file.write_text(damage if isinstance(damage, str) else json.dumps(damage))
        assert store.entry(job.key) is None


WRITER = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
import test_farm
from crossenv.farm.budget import Budget, was_killed
from crossenv.farm.cluster import Order, run_job, run_plan
from crossenv.farm.combinations import builds_of
from crossenv.farm.store import Store
store, build, wheel = Store({store!r}), builds_of([test_farm.TOY], test_farm.PLACES)[0], Path({wheel!r})
for number in range(20):
    job = test_farm.job_of(build, str(number % 20))
    store.write(test_farm.entry_of(wheel, job), [wheel])
    store.collect()
"""


def test_many_writers_and_a_collector_at_once(tmp_path: Path) -> None:
    """Whatever a reader sees meanwhile is whole."""
    wheel, store = wheels.make_wheel(tmp_path), Store(tmp_path / "store")
    store.open()
    text = WRITER.format(path=sys.path, store=store.name, wheel=str(wheel))
    writers = [subprocess.Popen([sys.executable, "-c", text]) for _ in range(3)]
    # One more that is killed again and again.
    killed = text.replace("range(20)", "range(10**9)")
    doomed = subprocess.Popen([sys.executable, "-c", killed])
    seen = 0
    while any(writer.poll() is None for writer in writers):
        for entry in store.entries():
            store.read(entry)
            seen += 1
        if seen > 20:
            doomed.kill()
            doomed.wait()
            doomed, seen = subprocess.Popen([sys.executable, "-c", killed]), 1
    doomed.kill()
    doomed.wait()
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert seen
    assert len(list(store.entries())) == 20
    # What it has left goes when nobody can need it any more.
    long_ago = time.time() - 7200
    for path in Path(store.name).rglob("*"):
        os.utime(path, (long_ago, long_ago))
    store.collect()
    assert len([path for path in Path(store.name).rglob("*") if path.is_file()]) == 21


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    write(tmp_path / "file", "")
    with pytest.raises(UsageError, match=r"the store .*file/store cannot be written: Not a directory") as error:
        Store(tmp_path / "file/store").open()
    assert error.value.hint == "name another --store"


@pytest.fixture
def memory() -> Iterator[Any]:
    """fsspec's file system in the memory of this process."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


def test_a_store_that_is_no_directory(memory: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Mine, then the team's."""
    wheel, job = wheels.make_wheel(tmp_path), job_of(builds_of([TOY], PLACES)[0])
    mine, team = Store(tmp_path / "mine"), Store("memory://farm/wheels")
    with pytest.raises(UsageError, match="memory://farm/wheels is not a store"):
        team.require()
    mine.open()
    team.open()
    team.require()
    said: list[str] = []
    stores = Stores(mine, [team])
    assert stores.find(job.key, said.append) is None
    team.write(entry_of(wheel, job), [wheel])
    found = stores.find(job.key, said.append)
    assert found is not None
    assert (found[0], found[1][0].read_bytes()) == (entry_of(wheel, job), wheel.read_bytes())
    assert team.holds(found[1])
    assert not mine.holds(found[1])

    # A damaged wheel is refused, and built again; so is an entry that was half written.
    name = f"/farm/wheels/wheels/{hash_of(wheel)}/{wheel.name}"
    memory.pipe_file(name, b"half")
    assert Stores(mine, [Store(team.name)]).find(job.key, said.append) is None
    assert said == [f"memory://farm/wheels/wheels/{hash_of(wheel)}/{wheel.name} is damaged: it is not used"]
    assert main(["store", "verify", team.name]) == 7
    team.write(entry_of(wheel, job), [wheel])
    assert main(["store", "verify", team.name]) == 0
    memory.pipe_file(f"/farm/wheels/jobs/{job.key}.json", b"{")
    assert team.entry(job.key) is None
    team.write(entry_of(wheel, job), [wheel])

    # What looks after directories looks after these too.
    other = filled(tmp_path / "other", wheel, "1", "2")
    assert main(["store", "merge", team.name, other.name]) == 0
    assert len(list(team.entries())) == 3
    capsys.readouterr()
    assert main(["store", "merge", str(tmp_path / "back"), team.name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"copied": 3, "damaged": 0}
    assert main(["store", "index", team.name, str(tmp_path / "index")]) == 0
    assert [path.name for path in (tmp_path / "index/toy").glob("*.whl")] == [wheel.name]
    old = memory.store["/farm/wheels/wheels/0/left.whl"] = type(memory.store[name])(memory, "", b"x")
    old.modified = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    capsys.readouterr()
    assert main(["store", "gc", team.name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == ["memory://farm/wheels/wheels/0/left.whl"]
    assert main(["store", "verify", team.name]) == 0


def test_a_directory_by_its_url(tmp_path: Path) -> None:
    wheel = wheels.make_wheel(tmp_path)
    filled(tmp_path / "a store", wheel, "1")
    assert [entry.version for entry in Store((tmp_path / "a store").as_uri()).entries()] == ["1"]


class Refusing(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """A file system that has what it has, and takes nothing."""

    protocol = "refusing"

    def exists(self, path: str, **_: Any) -> bool:
        if "unreachable" in path:
            raise RuntimeError("no route to the place\nand more")
        return True

    def pipe_file(self, path: str, value: bytes, **_: Any) -> None:
        raise PermissionError("Access Denied")


def test_stores_that_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fsspec.register_implementation("refusing", Refusing, clobber=True)
    fsspec.register_implementation("missing", "absent_module.Absent", clobber=True, errtxt="Install absent for this")
    words = ["wheel", "toy", "--target", "aarch64", "-w", str(tmp_path / "out"), "--store"]
    for place, says in [
        ("unknown://x", "the store unknown://x cannot be used: Protocol not known"),
        ("missing://x", "the store missing://x cannot be used: Install absent for this"),
        ("ftp://me:secret@host/x", "the store at host has a password in its address"),
        ("refusing://x", "the store refusing://x cannot be written: Access Denied"),
    ]:
        assert main([*words, place]) == 2
        said = capsys.readouterr().err
        assert says in said
        assert "secret" not in said
        assert "Traceback" not in said
    # In the middle of work, too.
    filled(tmp_path / "full", wheels.make_wheel(tmp_path), "1")
    assert main(["store", "verify", "refusing://unreachable"]) == 2
    assert "the store refusing://unreachable cannot be read: no route to the place\n" in capsys.readouterr().err
    assert [path.name for path in tmp_path.glob("out/*.whl")] == []


@contextlib.contextmanager
def disk(place: Path, size: str) -> Iterator[Path]:
    """Mount a small disk."""
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.mark.integration
def test_a_full_disk_leaves_no_half_wheel(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "256k") as place:
        store = Store(place / "store")
        store.open()
        big = write(tmp_path / "big-1-py3-none-any.whl", b"x" * 1_000_000)
        entry = entry_of(big, job_of(builds_of([TOY], PLACES)[0]))
        with pytest.raises(OSError, match="No space left"):
            store.write(entry, [big])
        assert [path for path in (place / "store").rglob("*") if path.is_file()] == []
        # With room again the same is written.
        subprocess.run(["mount", "-o", "remount,size=4m", place], check=True)
        store.write(entry, [big])
        assert store.read(entry)[0].read_bytes() == big.read_bytes()


def filled(directory: Path, wheel: Path, *sources: str) -> Store:
    store = Store(directory)
    store.open()
    for source in sources:
        store.write(entry_of(wheel, job_of(builds_of([TOY], PLACES)[0], source)), [wheel])
    return store


def test_looking_after_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wheel = wheels.make_wheel(tmp_path)
    store = filled(tmp_path / "store", wheel, "1", "2")
    (place,) = Path(store.name).glob("wheels/*/*")

    def run(*words: str | Path) -> tuple[int, Any]:
        status = main(["store", *map(str, words), "--json"])
        return status, json.loads(capsys.readouterr().out or "null")

    assert [one["version"] for one in run("list", store.name)[1]] == ["1", "1"]
    assert run("verify", store.name) == (0, [])
    place.write_bytes(b"x")
    status, faults = run("verify", store.name)
    assert (status, {one["path"] for one in faults}) == (7, {str(place)})
    # Good ones come from elsewhere; damaged ones do not spread.
    assert run("merge", tmp_path / "copy", store.name) == (7, {"copied": 0, "damaged": 2})
    other = filled(tmp_path / "other", wheel, "1", "2", "3")
    # One wheel serves them all.
    assert run("merge", store.name, other.name) == (0, {"copied": 1, "damaged": 0})
    assert len(list(store.entries())) == 3
    assert run("merge", store.name, other.name) == (0, {"copied": 0, "damaged": 0})
    assert run("verify", store.name) == (0, [])
    # A wheel without a job goes, unless its job may be about to be written.
    assert run("gc", store.name, "--older-than", "1") == (0, [])
    assert place.exists()
    long_ago = time.time() - 7200
    os.utime(place, (long_ago, long_ago))
    assert run("gc", store.name) == (0, [str(place)])
    assert main(["store", "list", str(tmp_path / "nothing")]) == 2
    assert "is not a store" in capsys.readouterr().err


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """The address of `tmp_path`/index, and what was asked for there."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *words: Any) -> None:
            super().__init__(*words, directory=str(tmp_path / "index"))

        def log_message(self, *words: Any) -> None:
            asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_pip_installs_from_the_index(
    tmp_path: Path, served: tuple[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """As `python -m http.server` serves it; the metadata come first, by themselves."""
    metadata = b"Metadata-Version: 2.1\nName: toy\nVersion: 1\nRequires-Python: >=3.9, <4\n"
    files = {"toy/__init__.py": b"answer = 42\n"}
    wheel = wheels.make_wheel(tmp_path, files, "py3-none-any", replace={"METADATA": metadata})
    store = filled(tmp_path / "store", wheel, "1")
    for _ in range(2):
        assert main(["store", "index", str(Path(store.name)), str(tmp_path / "index")]) == 0
    page = json.loads((tmp_path / "index/toy/index.json").read_text())
    assert page["files"][0]["hashes"] == {"sha256": hash_of(wheel)}
    assert (page["versions"], page["files"][0]["requires-python"]) == (["1"], ">=3.9, <4")
    words = [sys.executable, "-m", "pip", "install", "--isolated", "--no-cache-dir", "--target", tmp_path / "site"]
    subprocess.run([*map(str, words), "--index-url", served[0], "toy"], check=True, capture_output=True)
    assert (tmp_path / "site/toy/__init__.py").read_bytes() == b"answer = 42\n"
    assert [path for path in served[1] if ".whl" in path] == [f"/toy/{wheel.name}.metadata", f"/toy/{wheel.name}"]
    # What is damaged on the way is refused.
    (tmp_path / "index/toy" / wheel.name).write_bytes(b"x")
    done = subprocess.run(
        [*map(str, words), "--upgrade", "--index-url", served[0], "toy"], check=False, capture_output=True, text=True
    )
    assert done.returncode
    assert "DO NOT MATCH THE HASHES" in done.stderr
    write(tmp_path / "full/x", "")
    capsys.readouterr()
    assert main(["store", "index", str(Path(store.name)), str(tmp_path / "full")]) == 2
    assert "is not an index of crossenv" in capsys.readouterr().err


# --- cores


def test_builds_never_get_more_cores_than_there_are() -> None:
    budget, held, most = Budget(3), [0], [0]
    lock = threading.Lock()

    def build(wanted: int) -> None:
        for _ in range(50):
            with budget.share(wanted) as got:
                assert 1 <= got <= wanted
                with lock:
                    held[0] += got
                    most[0] = max(most[0], held[0])
                time.sleep(0)
                with lock:
                    held[0] -= got
        with budget.alone():
            assert held == [0]

    threads = [threading.Thread(target=build, args=(wanted,)) for wanted in (1, 2, 3, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (held, most) == ([0], [3])


@pytest.mark.parametrize(
    ("status", "output", "killed"),
    [
        (-9, "", True),
        (1, "g++: fatal error: Killed signal terminated program cc1plus\n", True),
        (1, "make: *** [Makefile:2: a.o] Error 1\n", False),
        (1, "make: *** [Makefile:2: a.o] Killed\n", True),
        (1, "      LLVM ERROR: out of memory\n", True),
    ],
)
def test_what_a_process_without_memory_leaves(status: int, output: str, killed: bool) -> None:
    assert was_killed(status, output) == killed


# A back end that compiles as many files at a time as it may, and writes down from when to when.
PARALLEL = """
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    import subprocess, sys
    from concurrent.futures import ThreadPoolExecutor
    compiler = "import sys, time; t = time.time(); time.sleep(0.2); print(t, time.time(), file=open(sys.argv[1], 'a'))"
    words = [sys.executable, "-I", "-c", compiler, os.environ["TOY_TIMES"]]
    with ThreadPoolExecutor(int(os.environ["CMAKE_BUILD_PARALLEL_LEVEL"])) as pool:
        list(pool.map(subprocess.check_call, [words] * 6))
    mark = pathlib.Path(os.environ["TOY_TIMES"] + "." + NAME)
    if NAME == "hungry" and not mark.exists():
        mark.touch()
        print("c++: fatal error: Killed signal terminated program cc1plus")
        raise SystemExit(1)
    return make_wheel(wheel_directory, config_settings)
"""


def test_more_jobs_than_cores_compile_no_more_at_a_time(
    crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path
) -> None:
    """And one that was killed for want of memory is built once more, by itself."""
    trees = [project(tmp_path, name, "py3-none-any") for name in ("one", "two", "three", "hungry")]
    for tree in trees:
        backend = tree / "tools/backend.py"
        backend.write_text(backend.read_text().replace("def build_wheel", "def make_wheel") + PARALLEL)
    times = tmp_path / "times"
    words = ["wheel", "--json", "-j4", "-w", str(tmp_path / "out"), "--host-python", str(host_prefix), *map(str, trees)]
    cores = sorted(os.sched_getaffinity(0))[:2]
    limited = (
        f"import os, sys; os.sched_setaffinity(0, {cores}); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, "-m", "crossenv", *words],
        env={
            **os.environ,
            "PATH": crossenv.path,
            "PIP_NO_INDEX": "1",
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "TOY_TIMES": str(times),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "hungry cp3" in done.stderr
    assert "building it once more, alone" in done.stderr
    spans = [tuple(map(float, line.split())) for line in times.read_text().splitlines()]
    assert len(spans) == 6 * 5
    events = sorted([(began, 1) for began, _ in spans] + [(ended, -1) for _, ended in spans])
    running = most = 0
    for _, change in events:
        running += change
        most = max(most, running)
    assert most <= len(cores)


# --- with environments


@pytest.fixture
def farm(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path) -> Any:
    """`crossenv` in a directory with two source trees; also what is for the made-up host."""
    project(tmp_path, "native", FULL)
    project(tmp_path, "pure", "py3-none-any")
    place = ["--host-python", str(host_prefix)]

    def run(*words: str | Path, status: int = 0, **variables: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "crossenv", *map(str, words)],
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": crossenv.path,
                "XDG_CACHE_HOME": str(tmp_path / "cache"),
                "PIP_NO_INDEX": "1",
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return json.loads(done.stdout) if "--json" in words and done.stdout else done.stderr

    return run, place


def test_the_jobs_of_a_plan_run_apart(farm: Any, tmp_path: Path) -> None:
    run, place = farm
    trees = ["./native", "./pure"]
    made = run("plan", *trees, *place, "-o", "plan.json", "--json", "-C", "a=1")
    jsonschema.validate(made, plan_schema())
    assert json.loads((tmp_path / "plan.json").read_text()) == made
    assert [job["status"] for job in made["jobs"]] == ["build", "build"]
    # Nothing was built or left, and the same plan has the same keys.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "native", "plan.json", "pure"]
    assert run("wheel", *trees, *place, "-C", "a=1", "--dry-run", "--json") == made
    keys = [job["key"] for job in made["jobs"]]

    for number, key in enumerate(keys):
        words = ["--plan", "plan.json", "--job", key[:12], "--store", f"store{number}", "-w", f"out{number}"]
        (row,) = run("wheel", *words, "--json")["builds"]
        assert (row["status"], row["requirement"]) == ("built", trees[number])
        assert [entry["key"] for entry in run("store", "list", f"store{number}", "--json")] == [key]
    run("store", "merge", "all", "store0", "store1")
    # Whoever has the wheels of the jobs builds none of them, and finds them all in the wheel directory.
    stores = ["--store", "mine", "--store", "all"]
    left = run("plan", *trees, *place, "-C", "a=1", *stores, "--json")
    assert [(job["key"], job["status"], job["serves"]) for job in left["jobs"]] == [
        (keys[0], "kept", "one Python"),
        (keys[1], "kept", "everything"),
    ]
    report = run("wheel", *trees, *place, "-C", "a=1", *stores, "--json")
    assert [row["status"] for row in report["builds"]] == ["kept", "kept"]
    assert sorted(path.name for path in (tmp_path / "wheelhouse").glob("*.whl")) == report["wheels"]
    # What a killed writer or a bad disk has left is built again.
    for path in tmp_path.glob("*/wheels/*/native*"):
        path.write_bytes(b"half")
    report = run("wheel", *trees, *place, "-C", "a=1", *stores, "--json")
    assert [row["status"] for row in report["builds"]] == ["built", "kept"]
    assert run("store", "verify", "mine", "--json") == []


def test_runs_share_environments(farm: Any, tmp_path: Path) -> None:
    """Each is made once, also by two runs at once, and again if it is not whole or its compilers have changed."""
    run, place = farm
    words = ["wheel", *place, "--json", "--environments", "shared"]

    def stamp() -> int:
        (environment,) = (tmp_path / "shared").glob("[a-z]*")
        # Not its inode number: the system gives that to the next directory.
        return (environment / "crossenv.json").stat().st_mtime_ns

    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda tree: run(*words, tree, "-w", f"out-{Path(tree).name}"), ["./native", "./pure"]))
    assert [row["status"] for report in reports for row in report["builds"]] == ["built", "built"]
    first = stamp()
    # With the keys and the wheels of environments of one's own.
    assert [row["status"] for row in run("wheel", "./native", *place, "--json", "-w", "out-native")["builds"]] == [
        "kept"
    ]
    assert [row["status"] for row in run(*words, "./native", "--rebuild", "-w", "out-native")["builds"]] == ["built"]
    assert stamp() == first
    (key,) = (tmp_path / "shared").glob("*/etc/shared-key")
    key.write_text("another compiler")
    assert [row["status"] for row in run(*words, "./pure")["builds"]] == ["built"]
    assert stamp() != first
    assert len(list((tmp_path / "shared").glob("[a-z]*"))) == 1


@pytest.mark.integration
def test_a_disk_that_is_full_and_one_that_is_read_only(farm: Any, tmp_path: Path) -> None:
    """One clear line, and a second run goes on."""
    run, place = farm
    words = ["wheel", "./native", "./pure", *place]
    with disk(tmp_path / "disk", "64k") as small:
        (small / "store/wheels").mkdir(parents=True)
        (small / "store/jobs").mkdir()
        (small / "filler").write_bytes(b"x" * 60_000)
        said = run(*words, "--store", small / "store", status=6)
        assert said.count("No space left on device") == 2
        assert "Traceback" not in said
        (small / "filler").unlink()
        assert run("store", "verify", small / "store", "--json") == []
        report = run(*words, "--store", small / "store", "--json")
        assert [row["status"] for row in report["builds"]] == ["built", "built"]

        subprocess.run(["mount", "-o", "remount,ro", small], check=True)
        for option in (["--store", small / "store"], ["-w", small / "out"], ["--report", small / "report.html"]):
            said = run(*words, *option, status=2)
            assert re.search("cannot be written: .*[Rr]ead-only", said)
            assert len(said.splitlines()) == 2, said
        # A store that is only read may be read-only.
        report = run(*words, "--store", "mine", "--store", small / "store", "-w", "again", "--json")
        assert [row["status"] for row in report["builds"]] == ["kept", "kept"]


def test_two_clients_build_the_same_at_once(farm: Any, tmp_path: Path) -> None:
    """With one store and one wheel directory; both succeed."""
    run, place = farm
    words = ["wheel", "./native", "./pure", *place, "--store", "store", "--json"]
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda _: run(*words), range(2)))
    assert {row["status"] for report in reports for row in report["builds"]} <= {"built", "kept"}
    assert reports[0]["wheels"] == reports[1]["wheels"]
    assert len(run("store", "list", "store", "--json")) == 2
    assert run("store", "verify", "store", "--json") == []
    assert [path.name for path in tmp_path.rglob(".crossenv-part-*")] == []


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment variables of an S3 server on this machine that has a bucket "team"."""
    for name in ("s3fs", "moto.server"):
        pytest.importorskip(name)
    server: Any = importlib.import_module("moto.server").ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    variables = {
        "FSSPEC_S3_ENDPOINT_URL": "http://{}:{}".format(*server.get_host_and_port()),
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    make = "import fsspec; fsspec.filesystem('s3').mkdir('team')"
    subprocess.run([sys.executable, "-c", make], env={**os.environ, **variables}, check=True)
    yield variables
    server.stop()


@pytest.mark.integration
def test_a_store_in_s3(farm: Any, bucket: dict[str, str], tmp_path: Path) -> None:
    run, place = farm
    run = functools.partial(run, **bucket)
    words = ["wheel", "./native", "./pure", *place, "--json", "--store"]
    with ThreadPoolExecutor(2) as pool:
        stores = ["s3://team/wheels", "s3://team/wheels"]
        reports = list(pool.map(lambda number: run(*words, stores[number], "-w", f"out{number}"), range(2)))
    assert {row["status"] for report in reports for row in report["builds"]} <= {"built", "kept"}
    assert run("store", "verify", "s3://team/wheels", "--json") == []
    assert len(run("store", "list", "s3://team/wheels", "--json")) == 2
    # The keys are those of other stores, whatever the rights are; the second store is only read.
    before = run("store", "list", "s3://team/wheels", "--json")
    mine = [*words, "mine", "--store", "s3://team/wheels"]
    report = run(*mine, AWS_SECRET_ACCESS_KEY="other")
    assert [row["status"] for row in report["builds"]] == ["kept", "kept"]
    assert sorted(path.name for path in (tmp_path / "wheelhouse").glob("*.whl")) == report["wheels"]
    assert run("store", "list", "s3://team/wheels", "--json") == before
    # A damaged wheel is not used.
    damage = "import fsspec; f = fsspec.filesystem('s3')\nfor n in f.find('team/wheels/wheels'): f.pipe(n, b'half')"
    subprocess.run([sys.executable, "-c", damage], env={**os.environ, **bucket}, check=True)
    assert {row["status"] for row in run(*words, "s3://team/wheels", "-w", "again")["builds"]} == {"built"}
    assert run("store", "verify", "s3://team/wheels", "--json") == []
    # A mistyped bucket is not made.
    said = run(*words, "s3://nobodys/wheels", status=2)
    assert "the store s3://nobodys/wheels cannot be written: " in said
    assert len(said.splitlines()) == 2, said


def test_a_job_that_is_not_the_plans(farm: Any, tmp_path: Path) -> None:
    run, place = farm
    key = run("plan", "./native", *place, "-o", "plan.json", "--json")["jobs"][0]["key"]
    job = ["wheel", "--plan", "plan.json", "--job", key]
    for words, says in [
        (["wheel", "--job", key], "--job goes with --plan"),
        (["wheel", "--plan", "plan.json"], "--job goes with --plan"),
        ([*job, "./pure"], "takes what is built, and how, from the plan"),
        ([*job, "-C", "a=1"], "takes what is built, and how, from the plan"),
        (["wheel", "--plan", "plan.json", "--job", "nothing"], "the plan has no job 'nothing'"),
        (["wheel", "--plan", "absent.json", "--job", key], "the plan absent.json cannot be read"),
        (["plan", "./pure", *place, "-i", "https://me:secret@x.invalid/"], "an address has a password"),
        (["plan", "./pure", *place, "-o", "absent/plan.json"], "absent/plan.json cannot be written"),
        (["plan", "./pure", *place, "--store", "a", "--store", "b"], "b is not a store"),
    ]:
        assert says in run(*words, status=2), words
    # Another environment makes another wheel: it is kept under a key of its own.
    said = run(*job, CFLAGS="-O3")
    assert "warning: ./native" in said
    assert "the circumstances of this machine are not those of the plan" in said
    assert key not in [entry["key"] for entry in run("store", "list", "wheelhouse/.crossenv-store", "--json")]
    with (tmp_path / "native/payload").open("ab") as file:
        file.write(b"more")
    assert "the sources are not those of the plan" in run(*job, status=2)
    run(*job, "--json", status=2)
    assert (tmp_path / "wheelhouse").is_dir()


def test_reports(farm: Any, tmp_path: Path) -> None:
    run, place = farm
    project(tmp_path, "broken", "fail")
    names = ["report.html", "report.json", "report.xml"]
    words = ["wheel", "./native", "./pure", "./broken", *place, "--json"]
    printed = run(*words, *(f"--report={name}" for name in names), status=6)

    data = json.loads((tmp_path / "report.json").read_text())
    assert {**data, "builds": [{key: row[key] for key in printed["builds"][0]} for row in data["builds"]]} == printed
    assert [row["size"] > 0 for row in data["builds"]] == [True, True, False]
    assert data["builds"][0]["needs"].startswith("GLIBC 2.")

    suite = ElementTree.parse(tmp_path / "report.xml").getroot()[0]
    assert [suite.get(name) for name in ("tests", "failures", "skipped")] == ["3", "1", "0"]
    assert [case.get("classname") for case in suite] == ["./native", "./pure", "./broken"]
    fault = suite[2][0]
    assert fault.get("message") == "toy.c:1:10: fatal error: toy.h: No such file"
    assert "broken-1.tar.gz" in str(fault.text)

    page = (tmp_path / "report.html").read_text()
    assert "2 built, 1 failed" in page
    assert re.search(r'<td class="built"><details><summary>built</summary><small>native-1-[^<]*whl</small>', page)
    assert "toy.c:1:10: fatal error: toy.h: No such file" in page
    # It needs no other file, and what a build prints is text.
    assert not re.search(r"(src|href)=(?!\"file:)|@import|<script", page)
    for bad, says in [("report.pdf", "--report cannot be"), ("absent/report.html", "there is no directory")]:
        assert says in run(*words[:-1], "--report", bad, status=2)
    # The results are there all the same where the report is not.
    (tmp_path / "taken.html").mkdir()
    assert "taken.html cannot be written" in run("wheel", "./pure", *place, "--report", "taken.html", status=2)


def test_what_is_not_used_is_not_loaded(tmp_path: Path) -> None:
    """A cluster, fsspec and reports cost nothing elsewhere, nor does the rest of it where no wheels are built."""
    text = """
import sys
from crossenv.cli.main import main

def loaded():
    names = ("crossenv.farm.", "fsspec", "dask", "distributed")
    return {name for name in sys.modules if name.startswith(names)}

assert main(["targets", "--quiet"]) == 0
assert not loaded(), loaded()
assert main(["wheel", "--job", "x"]) == 2
sys.modules["crossenv.farm.store"].Store(sys.argv[1]).open()
left = loaded() & {"fsspec", "dask", "distributed", "crossenv.farm.cluster", "crossenv.farm.reports"}
assert not left, left
"""
    subprocess.run([sys.executable, "-c", text, tmp_path / "store"], check=True, capture_output=True)


def test_a_page_shows_what_builds_print_as_text(tmp_path: Path) -> None:
    build = builds_of([TOY], PLACES)[0]
    log = write(tmp_path / "log", "<script>x</script>\x1b[31m & more\n")
    result = Result(status="failed", log=log, complaint="<b>", hint="&", exit_code=6)
    report = report_of([build], {build: result}, tmp_path, {"builds": [{}]})
    page, xml = as_page(report), as_junit(report)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "<p>&lt;b&gt;</p><p>&amp;</p>" in page
    assert "<script>x</script>[31m & more" in str(ElementTree.fromstring(xml)[0][0][0].text)


@pytest.mark.integration
def test_a_page_in_a_browser(tmp_path: Path) -> None:
    """A browser finds the grid, with what became of each combination, and draws it."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs chromium on PATH")
    builds = builds_of([TOY], PLACES)
    log = write(tmp_path / "log", "toy.c:1: <error>\n")
    failed = Result(status="failed", log=log, complaint="toy.c:1: <error>", hint="mend it", exit_code=6)
    results = {build: Result(status=KEPT, version="1") for build in builds} | {builds[1]: failed}
    page = write(tmp_path / "report.html", as_page(report_of(builds, results, tmp_path, {"builds": [{}] * 4})))
    words = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    picture = tmp_path / "report.png"
    for more in (["--dump-dom"], [f"--screenshot={picture}", "--window-size=800,600"]):
        done = subprocess.run([*words, *more, page.as_uri()], capture_output=True, text=True, check=True)
        if "--dump-dom" in more:
            said = done.stdout
    assert said.count('<td class="kept">') == 3
    assert said.count('<td class="failed"><details><summary>failed</summary>') == 1
    assert "<pre>toy.c:1: &lt;error&gt;" in said
    # Each row has a head and a cell for each Python.
    assert said.count("<th>manylinux") + said.count("<th>aarch64") + said.count("<th>s390x") == 2
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 5000


def test_environments_for_a_target_that_are_made_again_make_the_same_wheels(farm: Any, cross_gcc: str) -> None:
    """They have files of the target's Python themselves."""
    run, _ = farm
    path = f"{Path(cross_gcc).parent}{os.pathsep}{os.environ['PATH']}"
    words = ["plan", "./native", "--target", "aarch64-linux-gnu", "--toolchain", "gnu", "--json"]
    first, second = run(*words, PATH=path), run(*words, PATH=path)
    assert first["jobs"][0]["status"] == "build", first
    assert first == second


# --- on other machines


class Cluster:
    """A Dask cluster on this machine."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._processes: list[subprocess.Popen[bytes]] = []
        file = directory / "scheduler.json"
        self.scheduler = self.start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                                    "--scheduler-file", file)  # fmt: skip
        while not file.exists() or not file.read_text().endswith("}"):
            assert self.scheduler.poll() is None
            time.sleep(0.05)
        self.address = json.loads(file.read_text())["address"]

    def start(self, kind: str, *words: str | Path, **variables: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *map(str, words)]
        with (self._directory / "cluster.log").open("ab") as log:
            environ = {**os.environ, "XDG_CACHE_HOME": str(self._directory / "cache"), **variables}
            process = subprocess.Popen(command, env=environ, cwd=self._directory, stdout=log, stderr=log)
        self._processes.append(process)
        return process

    def worker(self, *words: str, **variables: str) -> subprocess.Popen[bytes]:
        alone = ("--nthreads", "1", "--no-nanny", "--no-dashboard")
        return self.start("worker", self.address, *alone, *words, **variables)

    def end(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    pytest.importorskip("distributed")
    (tmp_path / "cluster").mkdir()
    one = Cluster(tmp_path / "cluster")
    yield one
    one.end()


# A back end that waits, the first time, until it is ended.
FIRST_WAITS = """
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    mark = pathlib.Path(os.environ["TOY_PID"])
    if not mark.exists():
        mark.write_text(str(os.getpid()))
        time.sleep(120)
    return make_wheel(wheel_directory, config_settings)
"""


def test_jobs_run_on_any_executor(farm: Any, crossenv: CrossenvCommand, tmp_path: Path) -> None:
    """With the variables of the plan, not of the machine: so the key is the plan's."""
    run, place = farm
    run("plan", "./native", *place, "-o", "plan.json")
    made = read_plan(tmp_path / "plan.json")
    store = Store(tmp_path / "store")
    store.open()
    order = Order(
        plan=store.write_plan(write_plan(made)),
        directory=str(tmp_path),
        store=store.name,
        options=(),
        variables={**os.environ, "PATH": crossenv.path, "PIP_NO_INDEX": "1", "XDG_CACHE_HOME": str(tmp_path / "cache")},
        run="one",
    )
    results: dict[str, Result] = {}
    with ThreadPoolExecutor(2) as pool:
        work = functools.partial(run_job, order)
        run_plan(
            made,
            lambda _: pool,
            work,
            started=lambda job: None,
            finished=lambda job, it: results.update({job.key: it}),
        )
    assert {key: result.status for key, result in results.items()} == {job.key: "built" for job in made.jobs}
    assert {entry.key for entry in store.entries()} == set(results)


def test_jobs_start_when_those_they_wait_for_are_done() -> None:
    """In good order and each once, with what each takes along small: the plan travels by the store."""
    many = dataclasses.replace(
        plan(),
        jobs=tuple(
            dataclasses.replace(job, key=f"{number}-{job.key}", waits_for=tuple(f"{number}-{k}" for k in job.waits_for))
            for number in range(500)
            for job in plan().jobs
        ),
    )
    ended: list[str] = []
    waits = {job.key: set(job.waits_for) for job in many.jobs}

    def work(key: str) -> dict[str, Any]:
        assert waits[key] <= set(ended)
        return {"status": "failed", "error": "no", "hint": "", "exit_code": 6}

    with ThreadPoolExecutor(4) as pool:
        run_plan(
            many,
            lambda _: pool,
            work,
            started=lambda job: None,
            finished=lambda job, result: ended.append(job.key),
        )
    assert sorted(ended) == sorted(waits)


@pytest.mark.parametrize(
    ("offered", "test", "resource"),
    [
        ([], False, ""),
        (["GPU", "memory"], True, ""),
        (["GPU", "aarch64", "s390x"], False, "aarch64"),
        (["aarch64", "manylinux_2_28_aarch64"], False, "manylinux_2_28_aarch64"),
        # Without workers that say so, those that build try the wheels too.
        (["aarch64"], True, "aarch64"),
        (["aarch64", "test-aarch64"], True, "test-aarch64"),
        (["test-aarch64"], False, ""),
    ],
)
def test_resources_name_targets(offered: list[str], test: bool, resource: str) -> None:
    assert resource_for("manylinux_2_28_aarch64", offered, test=test) == resource


def test_targets_that_no_resource_names() -> None:
    for target, offered, test, says in [
        ("musllinux_1_2_aarch64", ["manylinux_2_28_aarch64"], False, "builds wheels for musllinux_1_2_aarch64"),
        ("manylinux_2_28_aarch64", ["s390x", "64"], False, "builds wheels for manylinux_2_28_aarch64"),
        ("win_amd64", ["aarch64", "test-aarch64"], True, "tries wheels for win_amd64"),
    ]:
        with pytest.raises(UsageError, match=f"no worker of the cluster {says}"):
            resource_for(target, offered, test=test)
    assert resource_for("win_amd64", ["aarch64", "amd64"], test=False) == "amd64"


@pytest.mark.integration
def test_workers_name_their_targets(farm: Any, cluster: Cluster, tmp_path: Path) -> None:
    run, place = farm
    backend = tmp_path / "native/tools/backend.py"
    seen = tmp_path / "seen"
    backend.write_text(backend.read_text() + f"\nopen({str(seen)!r}, 'a').write(os.environ.get('RUNNER_NAME', ''))\n")
    target = run("plan", "./native", *place, "--json")["jobs"][0]["target"]
    words = ["wheel", "./native", *place, "--store", "store", "--executor", f"dask:{cluster.address}", "--rebuild"]
    cluster.worker("--resources", "s390x=1", RUNNER_NAME="wrong")
    while "no worker\n" in (said := run(*words, status=2)):
        pass
    assert f"no worker of the cluster builds wheels for {target}" in said
    cluster.worker("--resources", f"{target}=2", RUNNER_NAME="right")
    with distributed_client(cluster) as client:
        client.wait_for_workers(2, timeout=120)
    seen.unlink(missing_ok=True)
    for _ in range(2):
        run(*words)
    assert set(re.findall("wrong|right", seen.read_text())) == {"right"}


def distributed_client(cluster: Cluster) -> Any:
    return importlib.import_module("distributed").Client(cluster.address, set_as_default=False)


@pytest.mark.integration
def test_jobs_run_on_a_cluster(farm: Any, cluster: Cluster, tmp_path: Path) -> None:
    """One whose worker is lost runs again on another, and what was made is found at home."""
    run, place = farm
    backend = tmp_path / "pure/tools/backend.py"
    backend.write_text(backend.read_text().replace("def build_wheel", "def make_wheel") + FIRST_WAITS)
    pid = tmp_path / "pid"
    workers = [cluster.worker(), cluster.worker()]
    words = ["wheel", "./native", "./pure", *place, "--store", "store", "--json"]
    here = threading.Thread(target=lose, args=(pid, workers))
    here.start()
    report = run(*words, "--executor", f"dask:{cluster.address}", TOY_PID=str(pid))
    here.join()
    assert [row["status"] for row in report["builds"]] == ["built", "built"]
    assert sorted(path.name for path in (tmp_path / "wheelhouse").glob("*.whl")) == report["wheels"]
    assert Path(report["builds"][0]["log"]).is_relative_to(tmp_path / "store/logs")
    assert [worker.poll() is None for worker in workers].count(True) == 1
    # The keys are those of a run without a cluster.
    report = run(*words, TOY_PID=str(pid))
    assert [row["status"] for row in report["builds"]] == ["kept", "kept"]


def lose(pid: Path, processes: list[subprocess.Popen[bytes]]) -> None:
    """When the build has started that waits, kill it, and the first of these processes that it comes from, if any."""
    while not pid.exists() or not pid.read_text():
        time.sleep(0.1)
    build = number = int(pid.read_text())
    known = {process.pid: process for process in processes}
    while number > 1 and number not in known:
        # The parent (proc(5)).
        number = int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
    known.get(number, processes[0]).kill()
    os.killpg(os.getpgid(build), signal.SIGKILL)


@pytest.mark.integration
def test_a_scheduler_that_goes_away(farm: Any, cluster: Cluster, tmp_path: Path) -> None:
    """What was built is in the store."""
    run, place = farm
    backend = tmp_path / "pure/tools/backend.py"
    backend.write_text(backend.read_text().replace("def build_wheel", "def make_wheel") + FIRST_WAITS)
    pid = tmp_path / "pid"
    cluster.worker()
    words = ["wheel", "./native", "./pure", *place, "--store", "store"]
    here = threading.Thread(target=lose, args=(pid, [cluster.scheduler]))
    here.start()
    said = run(*words, "--executor", f"dask:{cluster.address}", status=2, TOY_PID=str(pid))
    here.join()
    assert "the scheduler went away" in said
    assert "Traceback" not in said
    report = run(*words, "--json", TOY_PID=str(pid))
    assert [row["status"] for row in report["builds"]] == ["kept", "built"]


@pytest.mark.integration
def test_a_cluster_that_cannot_do_it(farm: Any, cluster: Cluster, tmp_path: Path) -> None:
    run, place = farm
    words = ["wheel", "./native", *place, "--store", "store"]
    name = f"dask:{cluster.address}"
    for bad, says in [
        ("slurm", "--executor cannot be slurm"),
        ("dask:host", "--executor cannot be dask:host"),
        ("dask:tcp://127.0.0.1:9", "no Dask scheduler at tcp://127.0.0.1:9"),
        (name, "has no worker"),
    ]:
        said = run(*words, "--executor", bad, status=2)
        assert says in said
        assert len(said.splitlines()) == 2, said
    later = tmp_path / "later/crossenv"
    shutil.copytree(Path(crossenv_package.__file__).parent, later)
    with (later / "__init__.py").open("a") as file:
        file.write('__version__ = "99"\n')
    worker = cluster.worker(PYTHONPATH=str(later.parent))
    while "has no worker" in (said := run(*words, "--executor", name, status=2)):
        assert worker.poll() is None
    assert "has another crossenv" in said

"""Run the jobs of a plan on other machines, by any executor; those of a Dask cluster, for one.

What a job makes goes to a store that all machines share. Only a line about it comes back.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from crossenv.environment.fingerprint import is_of_session, own_code
from crossenv.errors import BuildError, UsageError
from crossenv.farm.complaint import complaint_of, hint_of
from crossenv.farm.model import FAILED, STOPPED, Result
from crossenv.farm.plan import BUILD, TEST, Plan, PlannedJob, write_plan
from crossenv.farm.run import shares
from crossenv.farm.scratch import remove_shared, shared_place
from crossenv.farm.store import Store
from crossenv.targets import parse_target

DASK = "dask:"
_TEST = "test-"
# How long to look for a scheduler.
_PATIENCE = "10s"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What all jobs of a plan have in common, for the machine that runs one.

    Each job takes it along, so the plan itself travels by the store.

    Attributes:
        plan: The plan's name in the store.
        directory: Where it was made.
        store: The store that all machines reach.
        options: Further options of `crossenv wheel`.
        variables: The environment variables that shape wheels: with others a job would have another key.
        run: The name of the run, whose jobs share their environments on each machine.
    """

    plan: str
    directory: str
    store: str
    options: tuple[str, ...]
    variables: Mapping[str, str]
    run: str


def order_of(plan: Plan, store: Store, options: tuple[str, ...], environ: Mapping[str, str]) -> Order:
    """Put a plan that was made here into the store, and return the order for it."""
    return Order(
        plan=store.write_plan(write_plan(plan)),
        directory=str(Path.cwd()),
        store=store.name,
        options=options,
        variables={name: value for name, value in environ.items() if not is_of_session(name)},
        run=secrets.token_hex(6),
    )


def run_job(order: Order, key: str) -> dict[str, Any]:
    """Run a job on this machine; return its row of the report of `crossenv wheel`, and its exit code.

    It gets one core: a worker has as many threads as it may use cores, and runs a job in each.
    """
    store = Store(order.store)
    plan = store.fetch(order.plan)
    if plan is None:
        return {"status": FAILED, "error": f"the store {order.store} has no {order.plan}", "hint": "", "exit_code": 2}
    own = {name: value for name, value in os.environ.items() if is_of_session(name)}
    shared = shared_place(order.run)
    words = [sys.executable, "-m", "crossenv", "wheel", "-q", "--json", "--plan", str(plan), "--job", key]
    with tempfile.TemporaryDirectory(prefix="crossenv-job-") as place:
        words += ["--store", order.store, "-w", f"{place}/out", "--log-dir", f"{place}/logs", *order.options]
        words += ["--environments", str(shared)]
        done = subprocess.run(
            words,
            cwd=order.directory,
            env={**shares(1), **own, **order.variables},
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            (row,) = json.loads(done.stdout)["builds"]
        except ValueError:
            row = {"status": FAILED, "error": complaint_of(done.stderr), "hint": hint_of(done.stderr)}
        if row.get("log"):
            row["log"] = store.write_log(Path(row["log"]))
    return {**row, "exit_code": done.returncode}


def run_plan(
    plan: Plan,
    executor_for: Callable[[PlannedJob], Executor],
    run: Callable[[str], dict[str, Any]],
    *,
    started: Callable[[PlannedJob], None],
    finished: Callable[[PlannedJob, Result], None],
) -> None:
    """Run the jobs of a plan that have to run, each when those that it waits for are done.

    Args:
        plan: The plan.
        executor_for: Returns what runs a job.
        run: Runs one, by its key, as `run_job` does.
        started: Called when a job is handed over.
        finished: Called with its result.

    Raises:
        UsageError: The executor went away.
    """
    left = {job.key: job for job in plan.jobs if job.status in (BUILD, TEST)}
    waits = {key: left.keys() & set(job.waits_for) for key, job in left.items()}
    behind: dict[str, list[str]] = {}
    for key, others in waits.items():
        for other in others:
            behind.setdefault(other, []).append(key)
    # Not `wait`, which looks at every future each time.
    ended: SimpleQueue[tuple[str, Future[dict[str, Any]]]] = SimpleQueue()
    running: dict[str, Future[dict[str, Any]]] = {}

    def start(key: str) -> None:
        started(left[key])
        running[key] = executor_for(left[key]).submit(run, key)
        running[key].add_done_callback(lambda future: ended.put((key, future)))

    try:
        for key, others in waits.items():
            if not others:
                start(key)
        while running:
            done, future = ended.get()
            del running[done]
            finished(left[done], _result_of(future))
            for key in behind.get(done, ()):
                waits[key].discard(done)
                if not waits[key]:
                    start(key)
    finally:
        for future in running.values():
            future.cancel()


def _result_of(future: Future[dict[str, Any]]) -> Result:
    try:
        row = future.result()
    except CancelledError:
        raise UsageError(
            "the scheduler went away", hint="run the same again when it is back: what was built is in the store"
        ) from None
    except Exception as error:
        # A worker that was lost with the job several times, or cannot run it at all.
        text = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        return Result(status=FAILED, complaint=text, exit_code=BuildError.exit_code)
    log = row.get("log")
    return Result(
        status=row["status"],
        wheels=tuple(row.get("wheels", ())),
        version=row.get("version", ""),
        seconds=row.get("seconds", 0.0),
        log=Path(log) if log else None,
        complaint=row["error"],
        hint=row["hint"],
        exit_code=row["exit_code"] if row["status"] != STOPPED else 0,
    )


def resource_for(target: str, offered: Collection[str], *, test: bool) -> str:
    """Return the resource that workers for a target have; "" if no worker of the cluster names targets.

    A worker names a target as users do, or the end of its tag (`aarch64`); those that can try its wheels too, with
    `test-` before it.

    Args:
        target: The target of a job.
        offered: The resources of all workers.
        test: Whether its wheel is to be tried.

    Raises:
        UsageError: Workers name targets, and none this one.
    """
    kinds = {True: set[str](), False: set[str]()}
    for name in offered:
        plain = name.removeprefix(_TEST)
        if _is_target(plain):
            kinds[name != plain].add(plain)
    tests = test and bool(kinds[True])
    if not kinds[tests]:
        return ""
    named = [name for name in kinds[tests] if target == name or target.endswith(f"_{name}")]
    prefix = _TEST if tests else ""
    if not named:
        raise UsageError(
            f"no worker of the cluster {'tries' if tests else 'builds'} wheels for {target}",
            hint=f"start one that does: dask worker ADDRESS --resources {prefix}{target}=1",
        )
    return f"{prefix}{max(named, key=len)}"


def _is_target(name: str) -> bool:
    # Names of processors and machines that only tags have.
    if re.fullmatch(r"[a-z0-9_]*(amd64|arm64)", name):
        return True
    try:
        parse_target(name)
    except UsageError:
        return False
    return True


class DaskCluster:
    """The workers of a Dask cluster.

    Args:
        client: Connected to it.

    Attributes:
        offered: The resources of its workers.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self.offered = frozenset(chain.from_iterable(client.run(_resources_of_worker).values()))
        self._executors: dict[str, Executor] = {}

    def executor(self, resource: str = "") -> Executor:
        """Return what runs functions on any worker, or on those that have a resource."""
        if resource not in self._executors:
            wanted = {"resources": {resource: 1}} if resource else {}
            self._executors[resource] = self._client.get_executor(pure=False, **wanted)
        return self._executors[resource]

    def forget(self, order: Order) -> None:
        """Remove what the jobs of an order have left on the workers' machines, unless the cluster is gone."""
        with contextlib.suppress(Exception):
            self._client.run(remove_shared, order.run, on_error="ignore")


def _resources_of_worker(dask_worker: Any) -> list[str]:
    return list(dask_worker.state.total_resources)


@contextlib.contextmanager
def dask_cluster(name: str) -> Iterator[DaskCluster]:
    """Connect to a Dask cluster.

    Args:
        name: "dask:tcp://host:8786".

    Raises:
        UsageError: It cannot be reached, has no worker, or its workers have another crossenv.
    """
    address = name.removeprefix(DASK)
    if not name.startswith(DASK) or "://" not in address:
        raise UsageError(f"--executor cannot be {name}", hint="name a Dask scheduler: dask:tcp://host:8786")
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise UsageError(
            "--executor dask: needs the package distributed", hint="pip install 'crossenv2[dask]'"
        ) from None
    # It logs what is told here in one line, with tracebacks.
    logging.disable(logging.CRITICAL)
    try:
        client = distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"no Dask scheduler at {address}: {text}", hint="start one: dask scheduler") from None
    with client:
        workers = client.run(own_code, on_error="return")
        if not workers:
            raise UsageError(f"the Dask cluster at {address} has no worker", hint=f"start one: dask worker {address}")
        for worker, code in workers.items():
            if code != own_code():
                found = f"no crossenv ({code})" if isinstance(code, Exception) else "another crossenv"
                raise UsageError(f"the worker {worker} has {found}", hint="install the same crossenv on all machines")
        yield DaskCluster(client)

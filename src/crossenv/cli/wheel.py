"""`crossenv wheel`: build every variant of a wheel, in throw-away environments."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import os
from pathlib import Path

from crossenv.cli.builds import Wanted, add_options, opened, survey, wanted
from crossenv.cli.common import common_options
from crossenv.cli.parser import build_parser
from crossenv.errors import BuildError, UsageError
from crossenv.farm.model import FAILED, GOOD, Build, Job, Result
from crossenv.farm.plan import (
    Plan,
    PlannedJob,
    covered_by,
    exit_code_of_plan,
    jobs_named,
    known_result,
    plan_table,
    read_plan,
    write_plan,
)
from crossenv.farm.progress import Board
from crossenv.farm.table import as_json, exit_code_of, table
from crossenv.report import Reporter

# What goes with --job; all else is in the plan.
_WITH_JOB = (
    *("wheel_dir", "store", "log_dir", "jobs", "fail_fast", "keep_environments", "environments", "rebuild", "only_new"),
    "test",
)
_OF_OUTPUT = ("job", "plan", "report", "json", "verbose", "quiet", "behind")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "wheel",
        parents=[common_options()],
        help="build every variant of a wheel",
        description="Build wheels for several targets and Pythons, each combination in a throw-away environment."
        " Every wheel is audited. Wheels that are already in the store are kept if a new build would make the same"
        " ones.",
        usage="crossenv wheel [options] REQ... [-- PIP-OPTION...]",
    )
    add_options(parser)
    group = parser.add_argument_group("some of it")
    group.add_argument("--dry-run", action="store_true", help="print what would be done, as `crossenv plan` does")
    group.add_argument("--plan", metavar="FILE", help="a plan that `crossenv plan -o FILE` made")
    group.add_argument(
        "--job",
        action="append",
        default=[],
        metavar="KEY",
        help="run this job of the plan, and no other; can be repeated",
    )
    group.add_argument(
        "--executor",
        metavar="NAME",
        help="run the jobs on a Dask cluster (dask:tcp://HOST:8786); its machines need the directory and the --store",
    )
    group.add_argument(
        "--report",
        action="append",
        default=[],
        metavar="FILE",
        help="write a report: a page (.html), JSON (.json) or JUnit's XML (.xml); can be repeated",
    )
    group.add_argument("--fail-fast", action="store_true", help="stop at the first failure")
    group.add_argument("--keep-environments", action="store_true", help="do not remove the environments")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Build all combinations and report."""
    reports = [Path(name).expanduser().absolute() for name in args.report]
    if reports:
        from crossenv.farm.reports import report_of, require_places, write_reports

        require_places(reports)
    if args.executor and args.job:
        raise UsageError("--executor and --job exclude each other", hint="leave one of them out")
    if args.job or args.plan:
        asked, planned, covered = _of_plan(args, reporter)
    else:
        asked, planned, covered = wanted(args, reporter), {}, {}
    if args.dry_run:
        return show_plan(survey(asked, reporter), args, reporter)
    asked.wheels.open()
    asked.stores.first.open()
    results = dict(covered)
    if args.executor:
        results |= _on_cluster(args.executor, asked, reporter)
    elif left := [build for build in asked.builds if build not in covered]:
        with opened(dataclasses.replace(asked, builds=left), reporter, planned) as one:
            results |= one.all()
    status = exit_code_of(results)
    data = as_json(asked.builds, results, asked.wheels.directory, status)
    if args.json:
        reporter.json(data)
    else:
        for line in table(asked.builds, results):
            reporter.result(line)
    if reports:
        for fault in write_reports(reports, report_of(asked.builds, results, asked.wheels.directory, data)):
            reporter.error(fault)
            status = status or fault.exit_code
    return status


def _on_cluster(name: str, asked: Wanted, reporter: Reporter) -> dict[Build, Result]:
    """Make a plan, let other machines run its jobs, and take what they have made from the store."""
    from crossenv.farm.cluster import dask_cluster, order_of, resource_for, run_job, run_plan

    options = tuple(
        f"--{name.replace('_', '-')}" for name in ("test", "rebuild", "only_new") if getattr(asked.options, name)
    )
    with dask_cluster(name) as cluster:
        targets = {build.destination.label for build in asked.builds}
        needs = {one: resource_for(one, cluster.offered, test=asked.options.test) for one in sorted(targets)}
        plan = survey(asked, reporter)
        by_job = dict(zip(plan.jobs, asked.builds, strict=True))
        results = {build: result for job, build in by_job.items() if (result := known_result(job)) is not None}
        board = Board(reporter, len(by_job) - len(results))

        def finished(job: PlannedJob, result: Result) -> None:
            build = by_job[job]
            found = asked.stores.find(job.key, reporter.warning) if result.status in GOOD else None
            if result.status in GOOD and found is None:
                result = Result(
                    status=FAILED,
                    complaint=f"the store {asked.stores.first.name} has no wheel of the job",
                    hint="all machines need that store, and the same compilers and Pythons at the same paths",
                    exit_code=BuildError.exit_code,
                )
            log = None if result.log is None else asked.stores.first.fetch(str(result.log))
            results[build] = result = dataclasses.replace(result, log=log)
            board.finished(build, result)

        order = order_of(plan, asked.stores.first, options, os.environ)
        try:
            run_plan(
                plan,
                lambda job: cluster.executor(needs[job.target]),
                functools.partial(run_job, order),
                started=lambda job: board.started(by_job[job]),
                finished=finished,
            )
        finally:
            board.close()
        # Otherwise the next run does it, later.
        cluster.forget(order)
    for job in plan.jobs:
        if job.key and (found := asked.stores.find(job.key, reporter.warning)) is not None:
            asked.wheels.place(found[1])
    return results


def show_plan(plan: Plan, args: argparse.Namespace, reporter: Reporter) -> int:
    """Print a plan; return the exit code of what cannot be built."""
    if args.json:
        reporter.result(write_plan(plan).rstrip("\n"))
    else:
        for line in plan_table(plan):
            reporter.result(line)
    return exit_code_of_plan(plan)


def _of_plan(args: argparse.Namespace, reporter: Reporter) -> tuple[Wanted, dict[Build, Job], dict[Build, Result]]:
    """Return what the jobs of a plan want, the jobs, and those that need not run any more."""
    if not args.plan or not args.job:
        raise UsageError("--job goes with --plan", hint="crossenv wheel --plan plan.json --job KEY")
    usual = build_parser(("wheel",)).parse_all(["wheel"])
    free = (*_WITH_JOB, *_OF_OUTPUT)
    given = [name for name, value in vars(usual).items() if name not in free and value != vars(args)[name]]
    if given or args.behind:
        first = "--" if not given else "REQ" if given[0] == "requirements" else f"--{given[0].replace('_', '-')}"
        raise UsageError(
            f"--job takes what is built, and how, from the plan, not from the command line ({first})",
            hint="name it where the plan is made: crossenv plan",
        )
    plan = read_plan(Path(args.plan).expanduser())
    words = build_parser(("wheel",)).parse_all(["wheel", *plan.arguments])
    words.behind = list(plan.pip_arguments)
    for name in _WITH_JOB:
        setattr(words, name, getattr(args, name) or getattr(words, name))
    asked = wanted(words, reporter)
    places = jobs_named(plan, args.job)
    if [(job.requirement, job.python, job.target) for job in plan.jobs] != [
        (build.requirement.label, build.python.label, build.destination.label) for build in asked.builds
    ]:
        raise UsageError(
            f"the plan {args.plan} does not fit: here its arguments mean other combinations",
            hint="run its jobs in the directory, and with the files, that it was made for",
        )
    by_key = {job.key: build for job, build in zip(plan.jobs, asked.builds, strict=True)}
    planned, covered = {}, {}
    for place in places:
        job, build = plan.jobs[place], asked.builds[place]
        planned[build] = job.job
        found = {by_key[key]: asked.stores.find(key, reporter.warning) for key in job.waits_for}
        entries = {one: result[0] for one, result in found.items() if result is not None}
        if (result := covered_by(build, entries)) is not None:
            covered[build] = result
    return dataclasses.replace(asked, builds=list(planned)), planned, covered

"""Write the jobs of a plan for schedulers: matrices for GitHub, a pipeline for GitLab, a script for Slurm.

Jobs that wait for others run in a later wave, whether those succeeded or not.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

from crossenv.farm.plan import SHORT, Plan, PlannedJob, waves

# GitHub's longest matrix, and Slurm's longest array where MaxArraySize is the default.
_MATRIX, _ARRAY = 256, 1000
_SLURM = """\
#!/bin/bash
#SBATCH --job-name=crossenv
#SBATCH --output=%x-%A-%a.log
# Written by crossenv plan --format slurm. Start it with bash: it submits itself, once for each wave of jobs, with
# the options of sbatch that follow its name. PLAN and STORE must be on a file system that the nodes share.
set -eu
plan=${{PLAN:-plan.json}} store=${{STORE:-store}}
find_jobs() {{
  case $1 in
{waves}
  esac
}}
if [ -z "${{SLURM_ARRAY_TASK_ID:-}}" ]; then
  wait_for=()
  for wave in {numbers}; do
    find_jobs "$wave"
    last=$((${{#jobs[@]}} - 1))
    number=$(sbatch --parsable "${{wait_for[@]}}" "--array=0-$last" --export=ALL "$@" "$0" "$wave")
    echo "wave $wave: job $number"
    wait_for=("--dependency=afterany:${{number%%;*}}")
  done
  exit
fi
find_jobs "$1"
read -ra options <<<"${{jobs[$SLURM_ARRAY_TASK_ID]}}"
# Variables are part of a job's key: these are Slurm's and this script's.
unset PLAN STORE ENVIRONMENT
exec crossenv wheel --plan "$plan" "${{options[@]}}" --store "$store" --wheel-dir "$store/out" --log-dir "$store/logs"
"""


def github(plan: Plan) -> str:
    """Return the lines for `$GITHUB_OUTPUT`: the matrices `first` and `rest`, which are empty if there are no jobs."""
    first, rest = _two_waves(plan)
    return "".join(
        f"{name}={json.dumps({'include': list(_groups(jobs, _MATRIX))}) if jobs else ''}\n"
        for name, jobs in (("first", first), ("rest", rest))
    )


def gitlab(plan: Plan) -> str:
    """Return a child pipeline, as JSON, which is YAML; it is started by a job `plan` that has `plan.json`."""
    jobs = list(chain.from_iterable(waves(plan)))
    names = {job.key: _name(job) for job in jobs}
    parent = {"pipeline": "$GITLAB_PARENT_PIPELINE_ID", "job": "plan"}
    pipeline: dict[str, object] = {
        "stages": ["build", "collect"],
        "default": {
            "image": "$GITLAB_WHEEL_IMAGE",
            "before_script": [f"python3 -m pip install 'crossenv2[zig]=={plan.crossenv}'"],
        },
        "collect": {
            "stage": "collect",
            "when": "always",
            # The wheels of all jobs have been unpacked into one store.
            "script": ["crossenv store verify store", "crossenv store index store public"],
            "artifacts": {"paths": ["store", "public"]},
        },
    }
    for job in jobs:
        pipeline[names[job.key]] = {
            "stage": "build",
            "needs": [parent, *({"job": names[key]} for key in job.waits_for if key in names)],
            **({"when": "always"} if job.waits_for else {}),
            "script": [f"crossenv wheel --plan plan.json --job {job.key} --store store --log-dir store/logs"],
            "artifacts": {"paths": ["store"], "when": "always"},
        }
    return json.dumps(pipeline, indent=2) + "\n"


def slurm(plan: Plan) -> str:
    """Return a script that submits itself as array jobs, a wave after the other."""
    found = [[group["jobs"] for group in _groups(wave, _ARRAY)] for wave in waves(plan)]
    lines = [f"  {number}) jobs=({shlex.join(groups)}) ;;" for number, groups in enumerate(found)]
    return _SLURM.format(waves="\n".join(lines), numbers=" ".join(str(number) for number in range(len(found))))


FORMATS: Mapping[str, Callable[[Plan], str]] = {"github": github, "gitlab": gitlab, "slurm": slurm}


def _two_waves(plan: Plan) -> tuple[list[PlannedJob], list[PlannedJob]]:
    first, *rest = waves(plan) or [[]]
    return first, list(chain.from_iterable(rest))


def _groups(jobs: Sequence[PlannedJob], most: int) -> Iterator[dict[str, str]]:
    """Yield at most so many groups of jobs, each with its name and the options of `crossenv wheel`."""
    size = -(-len(jobs) // most) or 1
    for start in range(0, len(jobs), size):
        group = jobs[start : start + size]
        more = f" and {len(group) - 1} more" if len(group) > 1 else ""
        yield {"name": f"{_name(group[0])}{more}", "jobs": " ".join(f"--job {job.key}" for job in group)}


def _name(job: PlannedJob) -> str:
    return f"{job.requirement} {job.python} {job.target} {job.key[:SHORT]}"

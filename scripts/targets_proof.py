"""Build ten packages for every target from this one machine, and use them where a host Python can be emulated.

    python scripts/targets_proof.py --libc glibc --python 3.11 [--host aarch64=DIR ...] [--only TARGET ...]

For each architecture: `crossenv create --target ... --toolchain zig`, `cross-pip wheel NAME` for every package from its
newest sdist with no flags, an inspection of each wheel that is independent of the one in the build, and under
qemu-user the checks of `checks.py` with the host Python in DIR (a root with usr/bin/python3.X). Writes
docs/explanation/data/targets/TARGET.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from checks import CHECKS, WITHOUT_LIBRARIES
from inspection import WrongWheelError, inspected
from results import CACHE, keep, today

from crossenv.platforms.architectures import target_architectures
from crossenv.platforms.linux_targets import GLIBC, MUSL, default_target
from crossenv.targets import Target

WORK = CACHE / "targets"


def output(words: list[str | Path], **extra: str) -> str:
    """Run a command; its output, both streams."""
    result = subprocess.run(
        [str(word) for word in words],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **extra},
        check=False,
    )
    if result.returncode:
        lines = [line for line in result.stdout.splitlines() if "error" in line.lower()] or result.stdout.splitlines()
        raise RuntimeError(lines[0].strip()[:200] if lines else "no output")
    return result.stdout


def prove(target: Target, python: str, host: Path | None) -> list[dict[str, str]]:
    """Build and check every package for one target; one row each. What was built stays for the next run."""
    work = WORK / target.platform_tag
    environment, wheels = work / "env", work / "wheels"
    crossenv = Path(sys.executable).parent / "crossenv"
    words: list[str | Path] = ["-q", "--python", python, "--toolchain", "zig", "--target", target.platform_tag]
    if not (environment / "crossenv.json").exists():
        output([crossenv, "create", *words, environment])
    version = json.loads((environment / "crossenv.json").read_text(encoding="utf-8"))["host"]["version"]
    host_python = None if host is None else host / f"usr/bin/python{version}"
    rows = []
    for name in WITHOUT_LIBRARIES:
        check, row = CHECKS[name], {"target": target.platform_tag, "package": name, "needs": "", "result": "inspected"}
        try:
            if not list(wheels.glob(f"{name}-*.whl")):
                output([environment / "bin/cross-pip", "wheel", "--no-deps", "-w", wheels, name])
            wheel = next(wheels.glob(f"{name}-*.whl"))
            if not wheel.name.endswith(f"-{target.platform_tag}.whl"):
                raise RuntimeError(f"tagged {wheel.name}")
            floor = target.floor if target.libc == GLIBC else None
            needs = inspected(wheel, target.machine, target.identity.byte_order, target.identity.bits, floor)
            row["needs"] = needs if target.libc == GLIBC else MUSL
            if host is not None and host_python is not None:
                place = work / "installed" / name
                shutil.rmtree(place, ignore_errors=True)
                pip: list[str | Path] = [environment / "bin/cross-pip", "install", "-q", "--no-deps", "--target"]
                output([*pip, place, wheel])
                emulator: list[str | Path] = [f"qemu-{target.architecture.qemu}-static", "-L", host, host_python]
                extra = {"PYTHONPATH": f"{place}{os.pathsep}{work / 'needs'}", **CPUS.get(target.machine, {})}
                for need in check.needs:
                    # Unless the host has it already.
                    if subprocess.run(
                        [*emulator, "-c", f"import {need}"], env={**os.environ, **extra}, check=False
                    ).returncode:
                        output([*pip, work / "needs", "--upgrade", "--prefer-binary", need])
                output([*emulator, "-c", check.code], **extra)
                row["result"] = "works"
        except (RuntimeError, WrongWheelError, StopIteration) as error:
            row["result"] = f"**{error}**"
        print(f"{target.platform_tag:<32}{name:<14}{row['needs']:<14}{row['result']}", file=sys.stderr, flush=True)
        rows.append(row)
    return rows


# Pointer authentication is slow to emulate as the real thing; the others' defaults will do.
CPUS = {"aarch64": {"QEMU_CPU": "max,pauth-impdef=on"}}


def published(rows: list[dict[str, str]], version: str) -> dict[str, Any]:
    """What the site shows of a target."""
    versions = [tuple(map(int, row["needs"][6:].split("."))) for row in rows if row["needs"].startswith("glibc ")]
    needs = f"glibc {'.'.join(map(str, max(versions)))}" if versions else ""
    about = {"version": version, "date": today(), "needs": needs}
    return {"about": about, "packages": {row["package"]: row["result"] for row in rows}}


def main() -> int:
    """Prove the targets of one C library and write the data; the exit status is 1 if something fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--libc", choices=(GLIBC, MUSL), required=True)
    parser.add_argument("--python", default=sys.executable, help="the build Python")
    parser.add_argument(
        "--host", action="append", default=[], metavar="MACHINE=DIR", help="a root with the host's Python"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="MACHINE", help="only this machine; can be repeated"
    )
    parser.add_argument("--jobs", type=int, default=2, help="targets at once")
    options = parser.parse_args()
    hosts = {name: Path(path).resolve() for name, path in (text.split("=", 1) for text in options.host)}
    targets = [default_target(row, options.libc) for row in target_architectures()]
    targets = [target for target in targets if not options.only or target.machine in options.only]
    version = output([options.python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).strip()
    failed = False
    with ThreadPoolExecutor(options.jobs) as pool:
        proved = pool.map(lambda target: prove(target, options.python, hosts.get(target.machine)), targets)
        for target, rows in zip(targets, proved, strict=True):
            keep("targets", target.platform_tag, published(rows, version))
            failed = failed or any("**" in row["result"] for row in rows)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

"""Build a small set of packages for a host and use each of them there under emulation.

    python scripts/small_set.py --sysroot DIR [--sysroot DIR ...] [--python 3.11]

For each sysroot, made by `crossenv sysroot create` with libffi-dev and libyaml-dev: a cross environment,
`cross-pip wheel NAME` for every package from its newest sdist and with no flags, then a check that runs in the host's
own Python under qemu-user and calls compiled code. Writes
docs/explanation/data/small-set/SYSROOT.json.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from checks import CHECKS, WITH_LIBRARIES
from results import CACHE, keep, today

QEMU = {
    "aarch64": "aarch64",
    "armv7l": "arm",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "ppc64le": "ppc64le",
    "i686": "i386",
}


def output(words: list[str | Path], **extra: str) -> str:
    """Run a command; its output, both streams, even if it fails."""
    result = subprocess.run(
        [str(word) for word in words],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **extra},
        check=False,
    )
    if result.returncode:
        raise RuntimeError(result.stdout.strip().splitlines()[-1] if result.stdout.strip() else "no output")
    return result.stdout


def prove(sysroot: Path, python: str, work: Path) -> dict[str, dict[str, Any]]:
    """Build and check every package for one sysroot; returns what its page shows.

    The environment and the wheels stay in `work`, so that an interrupted run goes on where it was.
    """
    host_python = next(sysroot.glob("usr/bin/python3.[0-9]*[0-9]"))
    environment, wheels = work / "env", work / "wheels"
    if not (environment / "crossenv.json").exists():
        crossenv = Path(sys.executable).parent / "crossenv"
        output([crossenv, "create", "-q", "--python", python, "--host-python", host_python, environment])
    record = json.loads((environment / "crossenv.json").read_text(encoding="utf-8"))
    machine = record["host"]["machine"]
    emulated = [f"qemu-{QEMU[machine]}-static", "-L", str(sysroot), str(host_python)]
    packages = {}
    for name in WITH_LIBRARIES:
        check = CHECKS[name]
        target = work / "targets" / name
        shutil.rmtree(target, ignore_errors=True)
        wheel, result = "", "works"
        try:
            if not list(wheels.glob(f"{name}-*.whl")):
                output([environment / "bin/cross-pip", "wheel", "--no-deps", "-w", wheels, name])
            wheel = next(wheels.glob(f"{name}-*.whl")).name
            target.mkdir(parents=True)
            shutil.unpack_archive(wheels / wheel, target, "zip")
            if check.needs:
                output([environment / "bin/cross-pip", "install", "-q", "--target", target / "needs", *check.needs])
            output([*emulated, "-c", check.code], PYTHONPATH=f"{target}{os.pathsep}{target / 'needs'}")
        except (RuntimeError, StopIteration) as error:
            result = f"**{error}**"
        packages[name] = {"back_end": check.back_end, "wheel": wheel, "result": result}
        print(f"{machine}: {name}: {wheel} {result}", file=sys.stderr, flush=True)
    identity = record["host"]["identity"]
    about = {
        "machine": machine,
        "bits": identity["bits"],
        "byte_order": identity["byte_order"],
        "libc": " ".join(record["host"]["libc"].values()),
        "date": today(),
    }
    return {"about": about, "packages": packages}


def main() -> int:
    """Prove the set on every sysroot and write the data; the exit status is 1 if something fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sysroot", type=Path, action="append", required=True, help="can be repeated")
    parser.add_argument("--python", default=sys.executable, help="the build Python")
    options = parser.parse_args()
    failed = False
    for sysroot in options.sysroot:
        found = prove(sysroot.resolve(), options.python, CACHE / "small-set" / sysroot.name)
        keep("small-set", sysroot.name, found)
        failed = failed or any(row["result"] != "works" for row in found["packages"].values())
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

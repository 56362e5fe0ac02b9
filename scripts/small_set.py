"""Build a small set of packages for a host and use each of them there under emulation.

    python scripts/small_set.py --sysroot DIR [--sysroot DIR ...] [--python 3.11]

For each sysroot, made by `crossenv sysroot create` with libffi-dev and libyaml-dev: a cross environment,
`cross-pip wheel NAME` for every package from its newest sdist and with no flags, then a check that runs in the host's
own Python under qemu-user and calls compiled code. Writes docs/explanation/small-set.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
QEMU = {
    "aarch64": "aarch64",
    "armv7l": "arm",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "ppc64le": "ppc64le",
    "i686": "i386",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One package, and how it is used on the host.

    Attributes:
        back_end: What builds it, for the table.
        code: Ends without an exception if the package works; uses its compiled code.
        needs: Requirements to run it, installed for the host (their ready-made wheels are not: pure, or built here).
    """

    back_end: str
    code: str
    needs: tuple[str, ...] = ()


CHECKS = {
    "markupsafe": Check(
        back_end="setuptools",
        code="import markupsafe, markupsafe._speedups as s; assert str(markupsafe.escape('<a>')) == '&lt;a&gt;'",
    ),
    "pyyaml": Check(
        back_end="setuptools, Cython, libyaml",
        code="import yaml; assert yaml.load('a: [1, 2.5]', Loader=yaml.CSafeLoader) == {'a': [1, 2.5]}",
    ),
    "msgpack": Check(
        back_end="setuptools, Cython",
        code="import msgpack, msgpack._cmsgpack as c; v = {'a': [1, -2**40, 2.5, b'x']};"
        " assert c.unpackb(c.Packer().pack(v)) == v; assert c.Packer().pack(258) == b'\\xcd\\x01\\x02'",
    ),
    "kiwisolver": Check(
        back_end="setuptools, C++",
        code="import kiwisolver as k; x = k.Variable('x'); s = k.Solver(); s.addConstraint(x * 2 == 5);"
        " s.updateVariables(); assert x.value() == 2.5",
    ),
    "contourpy": Check(
        back_end="meson-python, pybind11",
        code="import contourpy; lines = contourpy.contour_generator(z=[[0, 1], [2, 3]]).lines(1.5);"
        " assert sorted(lines[0].tolist()) == [[0.0, 0.75], [1.0, 0.25]], lines",
        # For most hosts of this page there is no ready-made wheel of it, so that it is cross-built too.
        needs=("numpy",),
    ),
    "rapidfuzz": Check(
        back_end="scikit-build-core, Cython, C++",
        code="import rapidfuzz.fuzz_cpp as f; assert f.ratio('kitten', 'kitten') == 100;"
        " import rapidfuzz.distance as d; assert d.Levenshtein.distance('kitten', 'sitting') == 3",
    ),
    "cffi": Check(
        back_end="setuptools, libffi",
        code="import cffi; f = cffi.FFI(); f.cdef('int abs(int); double sqrt(double);'); c = f.dlopen('libm.so.6');"
        " assert c.sqrt(9.0) == 3; n = f.callback('int(int)', lambda i: i + 1); assert n(41) == 42;"
        " assert f.sizeof('void *') == __import__('struct').calcsize('P')",
        needs=("pycparser",),
    ),
    "lz4": Check(
        back_end="setuptools, bundled C",
        code="import lz4.frame as z; d = bytes(range(256)) * 99; assert z.decompress(z.compress(d)) == d",
    ),
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


def prove(sysroot: Path, python: str, work: Path) -> list[str]:
    """Build and check every package for one sysroot; returns the rows of its table.

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
    rows = []
    for name, check in CHECKS.items():
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
        row = f"| {name} | {check.back_end} | `{wheel}` | {result} |"
        print(row, file=sys.stderr, flush=True)
        rows.append(row)
    libc = f"{record['host']['libc_family']} {record['host']['libc_version']}"
    title = f"## {machine}: {record['host']['elf']['bits']} bits, {record['host']['elf']['byte_order']}-endian, {libc}"
    return [title, "", "| package | built with | wheel | under emulation |", "| --- | --- | --- | --- |", *rows, ""]


def main() -> int:
    """Prove the set on every sysroot and write the page; the exit status is 1 if something fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sysroot", type=Path, action="append", required=True, help="can be repeated")
    parser.add_argument("--python", default=sys.executable, help="the build Python")
    options = parser.parse_args()
    date = datetime.datetime.now(datetime.timezone.utc).date()
    lines = [
        "# A small set, where lazy handling shows",
        "",
        f"Written by `nox -s small_set` on {date}. Each package is built from its newest sdist with plain",
        "`cross-pip wheel NAME`, and its compiled code is called in the host's own Python under qemu-user.",
        "",
    ]
    for sysroot in options.sysroot:
        lines += prove(sysroot.resolve(), options.python, CHECKOUT / ".cache/small-set" / sysroot.name)
    (CHECKOUT / "docs/explanation/small-set.md").write_text("\n".join(lines), encoding="utf-8")
    return int(any("**" in line for line in lines))


if __name__ == "__main__":
    sys.exit(main())

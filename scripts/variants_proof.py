"""All variants of a wheel from one machine: one command each, for several Pythons and targets.

    python scripts/variants_proof.py --python PATH [--python PATH ...] [PACKAGE]

Writes docs/explanation/variants.md.
"""

from __future__ import annotations

import argparse
import datetime
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
TARGETS = ("x86_64", "aarch64", "armv7l", "riscv64", "musllinux_1_2_x86_64", "musllinux_1_2_aarch64")


def main() -> int:
    """Build them and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", action="append", required=True, help="a build Python; can be repeated")
    parser.add_argument("package", nargs="?", default="markupsafe")
    options = parser.parse_args()
    crossenv = Path(sys.executable).parent / "crossenv"
    date = datetime.datetime.now(datetime.timezone.utc).date()
    lines = [
        "# All variants of a wheel from one machine",
        "",
        f"Written by `nox -s variants` on {date}. Each line is what these two commands made, with zig as the compiler:",
        "",
        "    crossenv create --python PYTHON --target TARGET --toolchain zig ENV",
        f"    ENV/bin/cross-pip wheel --no-deps {options.package}",
        "",
    ]
    with tempfile.TemporaryDirectory(prefix="crossenv-variants-") as directory:
        for python in options.python:
            for target in TARGETS:
                env, out = Path(directory) / "env", Path(directory) / f"out-{len(lines)}"
                words = ["create", "-q", "--clear", "--python", python, "--toolchain", "zig", "--target", target]
                subprocess.run([crossenv, *words, env], check=True, stdout=sys.stderr)
                pip = [env / "bin/cross-pip", "wheel", "-q", "--no-deps", "-w", out, options.package]
                subprocess.run(pip, check=True)
                lines += [f"- `{wheel.name}`" for wheel in out.iterdir()]
                print(lines[-1], file=sys.stderr, flush=True)
    (CHECKOUT / "docs/explanation/variants.md").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

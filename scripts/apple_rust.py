"""Make a Rust toolchain with a standard library for macOS, from the library's sources.

    python scripts/apple_rust.py --library DIR --out DIR [--rustc PATH]

Where rustup's server cannot be reached. The library's sources are those of the compiler's release, with its vendored
dependencies: `usr/src/rustc-*/library` of Debian's package rust-src. OUT is a copy of the toolchain, by hard links, and
has the libraries for both Macs; put OUT/bin first on PATH. Needs cargo beside rustc, and takes two minutes of CPU time.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# The oldest release for each, as CPython's.
TARGETS = {"aarch64-apple-darwin": "11.0", "x86_64-apple-darwin": "10.13"}
# A release's library can be optimised with a program (LTO), and one of its crates panics in another way than the rest.
COMPILER = """#!/bin/sh
case " $* " in *" --crate-name panic_abort "*) set -- "$@" -C panic=abort ;; esac
exec "{rustc}" "$@" -C embed-bitcode=yes
"""


def main() -> int:
    """Make it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rustc", default="rustc")
    args = parser.parse_args()
    root = Path(subprocess.check_output([args.rustc, "--print", "sysroot"], text=True).strip())
    out = args.out.absolute()
    shutil.copytree(root / "bin", out / "bin", copy_function=os.link)
    here = subprocess.check_output([args.rustc, "--print", "host-tuple"], text=True).strip()
    shutil.copytree(root / "lib/rustlib" / here, out / "lib/rustlib" / here, copy_function=os.link)
    for library in (root / "lib").glob("*.so*"):
        os.link(library, out / "lib" / library.name)
    (out / "lib/rustlib/src/rust").mkdir(parents=True)
    (out / "lib/rustlib/src/rust/library").symlink_to(args.library.absolute())
    with tempfile.TemporaryDirectory(prefix="apple-rust-") as name:
        project = Path(name)
        (project / "src").mkdir()
        (project / "src/lib.rs").touch()
        (project / "Cargo.toml").write_text('[package]\nname = "none"\nversion = "0.1.0"\nedition = "2021"\n')
        compiler = project / "rustc"
        compiler.write_text(COMPILER.format(rustc=out / "bin/rustc"))
        compiler.chmod(0o755)
        for target, oldest in TARGETS.items():
            # -Zbuild-std is of nightly compilers; this lets a release have it.
            more = {"RUSTC_BOOTSTRAP": "1", "RUSTC": str(compiler), "MACOSX_DEPLOYMENT_TARGET": oldest}
            words = ["build", "--release", "-Zbuild-std=std,panic_abort,proc_macro", "--target", target]
            subprocess.run([out / "bin/cargo", *words], cwd=project, env={**os.environ, **more}, check=True)
            place = out / "lib/rustlib" / target / "lib"
            place.mkdir(parents=True)
            for made in (project / "target" / target / "release/deps").glob("lib*.rlib"):
                if not made.name.startswith("libnone-"):
                    shutil.copy(made, place)
    return 0


if __name__ == "__main__":
    sys.exit(main())

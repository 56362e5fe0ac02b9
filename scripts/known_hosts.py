"""Make the library of known hosts: dumps of real Pythons, taken under qemu-user from sysroots.

    python scripts/known_hosts.py SYSROOT...

A sysroot is one that `crossenv sysroot create` made; its manifest says which packages it was made of. Those that cannot
run here are read instead. Writes src/crossenv/pythons/known_hosts: a compressed dump each, and the index.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crossenv.platforms.architectures import architecture_of
from crossenv.pythons import crossenv_dump
from crossenv.pythons.crossenv_dump import document_text
from crossenv.pythons.dump_document import parse_dump
from crossenv.pythons.dump_from_files import describe_host
from crossenv.pythons.from_dump import host_of_dump
from crossenv.pythons.known import INDEX, LIBRARY
from crossenv.pythons.model import HostPython
from crossenv.pythons.read import read_host_python
from crossenv.sysroots.sysroot import Manifest, load_manifest

# What a user can see of the origin: the packages that the facts come from.
_PACKAGES = r"python3\.\d+|libc6"


def take(sysroot: Path, host: HostPython) -> tuple[dict[str, Any], str]:
    """The dump of a sysroot's Python, and how it was taken."""
    row = architecture_of(host.identity)
    names = [f"qemu-{row.qemu}-static", f"qemu-{row.qemu}"] if row else []
    emulator = next(filter(None, map(shutil.which, names)), None)
    # qemu's ARM says which processor it emulates; armel runs on lesser ones.
    if emulator is None or host.executable is None or host.machine == "armv5tel":
        return describe_host(host, today=datetime.datetime.now(datetime.timezone.utc).date()), "read from its files"
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "dump.json")
        program = [emulator, "-L", str(sysroot), str(host.executable), "-I", crossenv_dump.__file__]
        subprocess.run([*program, "--root", str(sysroot), "--output", str(file)], check=True)
        document: dict[str, Any] = json.loads(file.read_text(encoding="ascii"))
    return document, f"run under {Path(emulator).name}"


def origin(manifest: Manifest) -> str:
    """Whose Python it is."""
    named = {name: version for name, version in manifest.packages.items() if re.fullmatch(_PACKAGES, name)}
    return f"Debian {manifest.suite}: " + ", ".join(f"{name} {version}" for name, version in sorted(named.items()))


def entry(document: Mapping[str, Any], manifest: Manifest, taken: str) -> dict[str, str]:
    """The line of the index."""
    host = host_of_dump(parse_dump(document, Path("dump")))
    return {
        "implementation": host.implementation,
        "version": host.full_version,
        "machine": host.machine,
        "libc": f"{host.libc.family} {host.libc.version}",
        "tag": f"linux_{host.machine}",
        "taken": taken,
        "date": document["arbitrary_data"]["crossenv"]["taken"]["on"],
        "origin": origin(manifest),
    }


def main() -> int:
    """Take all dumps."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sysroots", nargs="+", type=Path, metavar="SYSROOT")
    options = parser.parse_args()
    LIBRARY.mkdir(exist_ok=True)
    index_file = LIBRARY / INDEX
    index = json.loads(index_file.read_text(encoding="utf-8")) if index_file.exists() else {}
    for path in options.sysroots:
        sysroot = path.resolve()
        manifest = load_manifest(sysroot)
        name = f"debian-{manifest.suite}-{manifest.architecture}"
        document, taken = take(sysroot, read_host_python(sysroot))
        index[name] = entry(document, manifest, taken)
        data = gzip.compress(document_text(document).encode("ascii"), compresslevel=9, mtime=0)
        (LIBRARY / f"{name}.json.gz").write_bytes(data)
        print(name, len(data), index[name], file=sys.stderr)
    index_file.write_text(json.dumps(index, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Tell whether two environments would make the same wheels."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path

from crossenv.record import Record

# Of the record: where an environment is, and how it is used, but not what it makes.
_NO_MATTER = ("root", "prompt", "crossenv_python", "pip_cache", "requirements_cache")


def fingerprint(record: Record) -> str:
    """Return the same text for two environments only if they make the same wheels of the same sources.

    It depends on this tool's own code, on everything that the record says, on the compilers' files, on the target's
    Python configuration, and on what lies at the usual places of a sysroot. Files are compared by size and time, and
    directories by their entries, so that it costs milliseconds: a header that is edited three levels down is not seen.

    Args:
        record: The environment's record.
    """
    data = {name: value for name, value in dataclasses.asdict(record).items() if name not in _NO_MATTER}
    said = [json.dumps(data, sort_keys=True), *_configuration(record)]
    texts = [text.replace(record.root, "ENV") for text in said]
    texts += [own_code(), *_tools(record), *_libraries(record)]
    return hashlib.sha256("\0".join(texts).encode(errors="surrogateescape")).hexdigest()


@cache
def own_code() -> str:
    """Return a digest of this tool's own files."""
    package = Path(str(package_files("crossenv")))
    digest = hashlib.sha256()
    for path in sorted(path for path in package.rglob("*") if path.suffix in (".py", ".c", ".h", ".json", ".txt")):
        digest.update(f"{path.relative_to(package)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def stamp(path: Path) -> str:
    """Return what changes when a file does: its size and time; "" if there is none."""
    try:
        state = path.stat()
    except OSError:
        return ""
    return f"{path} {state.st_size} {state.st_mtime_ns}"


def _configuration(record: Record) -> Iterator[str]:
    """What the target's Python says; below an environment it is written anew each time, so its time says nothing."""
    headers = [
        Path(directory) / name for directory in record.host.include_dirs for name in ("pyconfig.h", "patchlevel.h")
    ]
    for path in (Path(record.host.sysconfigdata), *headers):
        try:
            yield path.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            yield ""


def _tools(record: Record) -> Iterator[str]:
    for tool in record.toolchain.tools.values():
        yield stamp(Path(os.path.realpath(tool.path)))


def _libraries(record: Record) -> Iterator[str]:
    roots = dict.fromkeys(filter(None, (record.toolchain.sysroot, record.host.sysroot)))
    places = ("include", "lib", f"lib/{record.host.multiarch}", "local/include", "local/lib")
    directories = [Path(root) / "usr" / place for root in roots for place in places]
    for directory in (*directories, *map(Path, record.toolchain.pkg_config_libdir)):
        try:
            entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
        except OSError:
            continue
        yield f"{directory}:"
        for entry in entries:
            yield stamp(Path(entry.path))

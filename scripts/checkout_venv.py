"""Virtual environments of the scripts beside this file."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path


def make_venv(directory: Path) -> Path:
    """Make a virtual environment of the running Python, if it is not there; returns its interpreter.

    Debian keeps ensurepip in a package of its own (python3-venv). Where it is missing, pip comes from the index.
    """
    python = directory / "bin/python"
    # One of another Python is made anew.
    ready = "import pip, sys; print((sys.base_prefix, *sys.version_info))"
    if python.exists():
        asked = subprocess.run([str(python), "-c", ready], check=False, capture_output=True, text=True)
        if asked.stdout.strip() == str((sys.base_prefix, *sys.version_info)):
            return python
    make = [sys.executable, "-m", "venv", "--clear", str(directory)]
    print("+", *make, file=sys.stderr, flush=True)
    if subprocess.run(make, check=False, capture_output=True).returncode:
        print("+ ... without ensurepip: pip is fetched", file=sys.stderr, flush=True)
        subprocess.run([*make, "--without-pip"], check=True)
        pip = fetch_pip(directory)
        subprocess.run([python, pip / "pip", "install", "-q", "--no-index", pip], check=True)
    return python


def fetch_pip(directory: Path) -> Path:
    """Download pip's newest wheel from the index that pip would ask; its hash is the index's."""
    page = f"{os.environ.get('PIP_INDEX_URL', 'https://pypi.org/simple').rstrip('/')}/pip/"
    request = urllib.request.Request(page, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request) as answer:
        files = json.load(answer)["files"]
    found = {}
    for file in files:
        match = re.fullmatch(r"pip-(\d+(?:\.\d+)*)-py3-none-any\.whl", file["filename"])
        if match and not file.get("yanked"):
            found[tuple(map(int, match[1].split(".")))] = file
    newest = found[max(found)]
    with urllib.request.urlopen(urllib.parse.urljoin(page, newest["url"])) as answer:
        data = answer.read()
    if hashlib.sha256(data).hexdigest() != newest["hashes"]["sha256"]:
        raise SystemExit(f"{newest['filename']}: not what the index promises")
    path = directory / str(newest["filename"])
    path.write_bytes(data)
    return path

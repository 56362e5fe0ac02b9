"""Virtual environments of the scripts beside this file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def apt_get_install(*packages: str) -> bool:
    """Install Debian packages, as root or with sudo; False where neither is there."""
    prefix = [] if os.geteuid() == 0 else ["sudo"]
    if shutil.which("apt-get") is None or (prefix and shutil.which("sudo") is None):
        return False
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        command = [*prefix, "apt-get", *words]
        print("+", *command, file=sys.stderr, flush=True)
        if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
            return False
    return True


def make_venv(directory: Path) -> Path:
    """Make a virtual environment of the running Python, if it is not there; returns its interpreter."""
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
        # Debian keeps ensurepip in a package of its own.
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        apt_get_install(f"python{version}-venv")
        subprocess.run(make, check=True)
    return python

"""Set up what the tests need and run them: python3 scripts/test.py [PYTEST ARGUMENTS].

Tests that need a cross compiler, an emulator or a download are skipped where that is missing; the last lines say what.
TEST_VENV names another environment than .venv-test, to keep one for each Python.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from checkout_venv import make_venv

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / os.environ.get("TEST_VENV", ".venv-test")


def main() -> int:
    """Make the test environment if need be, run pytest, return its exit status."""
    python = make_venv(VENV)
    install: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # pip 25.1 learned --group; an older one would not do.
    subprocess.run([*install, "--upgrade", "pip>=25.1"], check=True)
    subprocess.run([*install, "-e", CHECKOUT, "--group", f"{CHECKOUT}/pyproject.toml:test"], check=True)
    arguments = ["-n", "2", "--quiet", "--tb=short", *sys.argv[1:]]
    return subprocess.run([python, "-m", "pytest", *arguments], cwd=CHECKOUT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

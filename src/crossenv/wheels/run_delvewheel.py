"""Put the DLLs that a wheel for Windows needs into it, with delvewheel, which works on any system."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from crossenv.children import run_text
from crossenv.errors import AuditError, BuildError

_LONGEST = 600


def put_in_dlls(path: Path, directory: Path, libraries: Sequence[Path], exclude: Sequence[str]) -> Path:
    """Repair the wheel at `path`; return the result, which is in `directory`.

    Args:
        path: The wheel.
        directory: The directory for the result.
        libraries: Directories of the target's DLLs.
        exclude: DLLs that stay outside.

    Raises:
        AuditError: A DLL was not found.
        BuildError: delvewheel failed.
    """
    words = [sys.executable, "-P" if sys.version_info >= (3, 11) else "-s", "-m", "delvewheel", "repair"]
    words += ["--add-path", os.pathsep.join(map(str, libraries))] if libraries else []
    words += ["--exclude", os.pathsep.join(exclude)] if exclude else []
    # It looks for DLLs on PATH.
    environment = {**os.environ, "PATH": "", "TMPDIR": str(directory)}
    done = run_text([*words, "-w", str(directory), str(path)], directory=directory, environment=environment)
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines() or [f"exit status {done.returncode}"]
        if "Unable to find library" in lines[-1]:
            raise AuditError(
                f"{path.name} needs a DLL that is in no directory named: {lines[-1][:_LONGEST]}",
                hint="name its directory with --library-dir DIR",
            )
        raise BuildError(f"delvewheel failed: {lines[-1][:_LONGEST]}", hint="see its documentation")
    made = sorted(directory.glob("*.whl"))
    if len(made) != 1:
        raise BuildError(f"delvewheel made {len(made)} wheels of {path.name}", hint="see its documentation")
    return made[0]

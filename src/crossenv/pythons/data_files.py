"""The recorded configurations in a standard library's directory, and which of several is the Python's own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from crossenv.errors import HostPythonError
from crossenv.platforms import DEFAULT
from crossenv.platforms.architectures import Identity
from crossenv.platforms.triplets import identity_of_triplet
from crossenv.pythons.model import ConfigValue
from crossenv.pythons.sysconfigdata import parse_sysconfigdata

DATA_FILES = "_sysconfigdata*.py"
DETAILS_FILES = "build-details*.json"
# PyPy's answers for the machine that it runs on.
LIVE_NAME = "_sysconfigdata.py"
CHOOSE = "pass the one meant as --host-python"


def data_files(stdlib: Path) -> list[Path]:
    """Return the recorded configurations in `stdlib`, one of each that are the same file or text."""
    candidates = sorted(stdlib.glob(DATA_FILES)) or sorted(stdlib.glob(f"config-*/{DATA_FILES}"))
    different: dict[bytes, Path] = {}
    for file in candidates:
        try:
            text = file.read_bytes()
        except OSError:
            continue
        kept = different.get(text)
        # Of a file and a link to it, the file is the one that a reader wants to see named.
        if kept is None or (kept.is_symlink() and not file.is_symlink()):
            different[text] = file
    files = sorted(different.values())
    return [file for file in files if file.name != LIVE_NAME] or files


def details_files(stdlib: Path) -> list[Path]:
    """Return the `build-details.json` in `stdlib`, under whatever name."""
    return sorted(stdlib.glob(DETAILS_FILES))


def only_data_file(files: list[Path], *, flags: str | None = None, identity: Identity | None = None) -> Path:
    """Return the configuration that the Python itself would import.

    Args:
        files: The candidates, at least one.
        flags: The ABI flags of the program that the user named; None if none was.
        identity: The machine of the interpreter beside them, if there is one.

    Raises:
        HostPythonError: More than one is left; all that are, are named.
    """
    if len(files) == 1:
        return files[0]
    if flags is not None:
        # A release and a debug build share a directory; the name begins with the ABI flags.
        files = [file for file in files if file.name.startswith(f"_sysconfigdata_{flags}_")] or files
    configs = {file: _config_or_none(file) for file in files}
    # conda writes one more for each name that its compilers go by; a cross prefix may hold one for each machine.
    files = [file for file, config in configs.items() if config and file.name in _own_names(config)] or files
    if identity is not None:
        files = [file for file in files if _machine(configs[file]) in (None, identity)] or files
    if len(files) > 1:
        raise HostPythonError(f"several configurations that differ: {listed(files)}", hint=CHOOSE)
    return files[0]


def _config_or_none(file: Path) -> dict[str, ConfigValue] | None:
    try:
        return parse_sysconfigdata(file)
    except HostPythonError:
        return None


def _own_names(config: dict[str, ConfigValue]) -> set[str]:
    """Return what `sysconfig` imports: CPython's name, and Debian's, which has no platform."""
    flags, multiarch = config.get("ABIFLAGS", ""), config.get("MULTIARCH", "")
    platform = str(config.get("MACHDEP", "")) or DEFAULT.name
    return {f"_sysconfigdata_{flags}_{platform}_{multiarch}.py", f"_sysconfigdata_{flags}_{multiarch}.py"}


def _machine(config: dict[str, ConfigValue] | None) -> Identity | None:
    triplet = str((config or {}).get("MULTIARCH", ""))
    identity = identity_of_triplet(triplet)
    # Float ABIs of other machines than ARM are in ELF files alone.
    return None if identity is None or (identity.abi_flags and identity.number != 40) else identity


def listed(paths: Iterable[Path]) -> str:
    """Paths in a message."""
    return ", ".join(map(str, paths))

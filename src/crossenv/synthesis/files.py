"""Files of a host Python that is synthesised, whatever its system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from crossenv.pythons.model import ConfigValue, HostPython

LAYOUT = "synthesised"
# Python's own; what else lies beside them belongs to packages of the build machine.
_HEADER_DIRECTORIES = ("cpython", "internal")


def data_text(config: Mapping[str, ConfigValue], build: HostPython) -> str:
    """The data module with these variables."""
    lines = [f"# Synthesised by crossenv from CPython {build.full_version}.", "build_time_vars = {"]
    lines += [f"    {name!r}: {config[name]!r}," for name in sorted(config)]
    return "\n".join([*lines, "}"]) + "\n"


def copied_headers(headers: Path, include: Path) -> dict[Path, Path]:
    """The build Python's headers, by where they will be."""
    found = [*headers.glob("*.h"), *(path for name in _HEADER_DIRECTORIES for path in (headers / name).rglob("*.h"))]
    return {include / path.relative_to(headers): path for path in sorted(found)}

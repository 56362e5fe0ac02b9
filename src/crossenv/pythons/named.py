"""What a user names instead of a target, and that stands for one: a Python for Windows, a dump of one, or Pyodide."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crossenv.platforms.windows import WINDOWS
from crossenv.pythons.dump_document import is_dump, load_dump
from crossenv.pythons.pyodide_layout import PyodidePython, find_pyodide
from crossenv.pythons.windows_layout import WindowsPython, find_windows_python, target_name

Given = WindowsPython | PyodidePython


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedPython:
    """A Python that stands for its target.

    Attributes:
        source: What was named.
        target: Its platform tag: "win_amd64".
        version: "3.13".
        flags: ABI flags.
        python: Its files; None for a dump.
    """

    source: Path
    target: str
    version: str
    flags: str
    python: Given | None


def named_python(path: Path) -> NamedPython | None:
    """The Python that `path` stands for; None if it is of another kind.

    Raises:
        HostPythonError: It is one that cannot be read.
    """
    if not path.exists():
        return None
    if is_dump(path):
        dump = load_dump(path)
        # ".cp313-win_amd64.pyd"
        tag = dump.extension_suffix.rpartition("-")[2].partition(".")[0]
        found = NamedPython(source=path, target=tag, version=dump.version, flags=dump.abi_flags, python=None)
        return found if dump.system == WINDOWS else None
    if pyodide := find_pyodide(path):
        return NamedPython(
            source=pyodide.directory, target=pyodide.abi.tag, version=pyodide.version, flags="", python=pyodide
        )
    python = find_windows_python(path)
    if python is None:
        return None
    return NamedPython(
        source=python.dll, target=target_name(python), version=python.version, flags=python.flags, python=python
    )

"""Find Pyodide in a directory: npm's package `pyodide`, or a cross-build environment of pyodide-build.

Nothing of it is run: its `_sysconfigdata` is read as literals, out of `python_stdlib.zip` if it is there.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from crossenv.binaries import FORMATS, BinaryError
from crossenv.errors import HostPythonError
from crossenv.platforms.architectures import WASM
from crossenv.platforms.emscripten import ABIS, EMSCRIPTEN, MULTIARCH, Abi
from crossenv.pythons.model import ConfigValue
from crossenv.pythons.sysconfigdata import parse_sysconfigdata_text

_DATA = f"_sysconfigdata__{EMSCRIPTEN}_{MULTIARCH}.py"
_ZIP, _MODULE = "python_stdlib.zip", "pyodide.asm.wasm"
# How far below a directory that the user names it may be, and how.
_PLACES = (
    *(".", "package", "pyodide", "node_modules/pyodide", "dist"),
    *("pyodide-root/dist", "xbuildenv/pyodide-root/dist", "*/xbuildenv/pyodide-root/dist"),
)
# A cross-build environment has the headers, and the data beside them.
_INSTALLS = "cpython/installs/python-3.*"


@dataclass(frozen=True, kw_only=True, slots=True)
class PyodidePython:
    """A Pyodide.

    Attributes:
        directory: Where its programs are.
        source: The file that `config` comes from.
        abi: Its ABI.
        version: "3.14".
        full_version: "3.14.2"; "" if its files do not tell.
        config: Its recorded configuration variables.
        include: Its headers; None in npm's package, which has none.
        module: The script that loads it in node; None if it is not there.
    """

    directory: Path
    source: Path
    abi: Abi
    version: str
    full_version: str
    config: Mapping[str, ConfigValue]
    include: Path | None
    module: Path | None


def find_pyodide(path: Path) -> PyodidePython | None:
    """The Pyodide in or below a directory; None if there is none.

    Raises:
        HostPythonError: It cannot be read, or its ABI is not known.
    """
    if not path.is_dir():
        return None
    for place in _PLACES:
        for directory in [path] if place == "." else sorted(path.glob(place)):
            if (directory / _ZIP).is_file() and (directory / _MODULE).is_file():
                return _read(directory)
    return None


@lru_cache
def exports_of_program(directory: Path) -> frozenset[str] | None:
    """The names that the program of a Pyodide has for the modules that it loads; None if it cannot be read."""
    try:
        linked = FORMATS[WASM].linked((directory / _MODULE).read_bytes())
    except (OSError, BinaryError):
        return None
    return None if linked is None else linked.exports


def _read(directory: Path) -> PyodidePython:
    install = next(iter(sorted(directory.parent.glob(_INSTALLS))), None)
    data = None if install is None else next(iter(sorted(install.rglob(_DATA))), None)
    source = data or directory / _ZIP
    # The places of emscripten's tools are put together when it is imported.
    config = parse_sysconfigdata_text(_data_text(source), source, skip_formatted=True)
    name = str(config.get("PYODIDE_ABI_VERSION", ""))
    abi = next((abi for abi in ABIS if abi.name == name), None)
    if abi is None:
        known = ", ".join(f"{abi.name} (Python {abi.python})" for abi in ABIS)
        raise HostPythonError(
            f"{source} is Pyodide with the ABI {name or 'of a release without one'}, which is not known",
            hint=f"name a Pyodide with the ABI {known}",
        )
    version = str(config.get("VERSION", ""))
    if version != abi.python:
        raise HostPythonError(
            f"{source} says Python {version}, and Pyodide's ABI {name} has {abi.python}", hint="unpack it again"
        )
    include = None if install is None else install / f"include/python{version}"
    return PyodidePython(
        directory=directory,
        source=source,
        abi=abi,
        version=version,
        full_version=_full_version(directory),
        config=config,
        include=include if include is not None and (include / "Python.h").is_file() else None,
        module=next((one for one in (directory / "pyodide.mjs",) if one.is_file()), None),
    )


def _full_version(directory: Path) -> str:
    try:
        lock = json.loads((directory / "pyodide-lock.json").read_text(encoding="utf-8"))
        return str(lock["info"]["python"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _data_text(source: Path) -> str:
    try:
        if source.suffix == ".py":
            return source.read_text(encoding="utf-8")
        with zipfile.ZipFile(source) as opened:
            return opened.read(_DATA).decode("utf-8")
    except KeyError:
        raise HostPythonError(f"{source} has no {_DATA}", hint="name Pyodide 0.26 or later") from None
    except (OSError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise HostPythonError(f"{source} cannot be read: {error}", hint="unpack the package again") from None

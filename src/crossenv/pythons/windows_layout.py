"""Find a Python for Windows in a directory, and what it is, from its DLL.

Read are python.org's installer and embeddable zip, its NuGet packages (`tools/`), uv's Pythons, and the jars of
bytedeco's `cpython` (`org/bytedeco/cpython/windows-x86_64/`). Nothing of them is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crossenv.binaries import FORMATS, BinaryError, objects_in
from crossenv.errors import HostPythonError
from crossenv.platforms import PLATFORMS
from crossenv.platforms.architectures import PE, Identity
from crossenv.platforms.windows import WINDOWS

_DLL = re.compile(r"python3(?P<minor>\d+)(?P<flags>t?(?:_d)?)\.dll", re.IGNORECASE)
_INCLUDES = ("include", "Include")
# How far below a directory that the user names it may be, and how.
_PLACES = (".", "tools", "python", "install", "org/bytedeco/cpython/windows-*", "*/tools", "*/python")
_PATCHLEVEL = re.compile(r'^#define\s+PY_VERSION\s+"([^"]+)"', re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowsPython:
    """A Python for Windows.

    Attributes:
        directory: Where its programs and `python3XX.dll` are.
        dll: That DLL.
        program: `python.exe`; None if there is none.
        version: "3.13".
        full_version: "3.13.5"; "" if its headers are not there.
        flags: ABI flags: "", "t", "d".
        identity: What its files say of their machine.
        exports: The names that the DLL has.
        include: Its headers; None if there are none, as in an embeddable zip.
        libraries: Its import libraries by name.
    """

    directory: Path
    dll: Path
    program: Path | None
    version: str
    full_version: str
    flags: str
    identity: Identity
    exports: frozenset[str]
    include: Path | None
    libraries: dict[str, Path]


def find_windows_python(path: Path) -> WindowsPython | None:
    """The Python for Windows in or below a directory, or beside a program or DLL of it; None if there is none.

    Raises:
        HostPythonError: There are several, or its DLL cannot be read or is not Python's.
    """
    base = path if path.is_dir() else path.parent
    if not path.is_dir() and path.suffix.lower() not in (".exe", ".dll"):
        return None
    found = list(dict.fromkeys(_dlls(base)))
    if len(found) > 1:
        names = ", ".join(str(dll) for dll in found)
        raise HostPythonError(f"several Pythons for Windows in {path}: {names}", hint="name the directory of one")
    return _read(found[0]) if found else None


def target_name(python: WindowsPython) -> str:
    """The target that it is: "win_amd64".

    Raises:
        HostPythonError: No wheels are built for its machine.
    """
    targets = PLATFORMS[WINDOWS].usual_targets()
    found = next((one for one in targets if one.identity == python.identity), None)
    if found is None:
        raise HostPythonError(
            f"{python.dll} is for {FORMATS[PE].describe(python.identity)}, which is not a target",
            hint="name a Python for x86, x86-64 or ARM64",
        )
    return found.platform_tag


def _dlls(base: Path) -> Iterator[Path]:
    for place in _PLACES:
        for directory in [base] if place == "." else sorted(base.glob(place)):
            if directory.is_dir():
                yield from sorted(one for one in directory.iterdir() if _DLL.fullmatch(one.name))


def _read(dll: Path) -> WindowsPython:
    match = _DLL.fullmatch(dll.name)
    assert match is not None
    reader = FORMATS[PE]
    try:
        data = dll.read_bytes()
        linked, machine = reader.linked(data), reader.machine(data)
    except OSError as error:
        raise HostPythonError(f"{dll} cannot be read: {error.strerror}", hint="name another copy of it") from None
    except BinaryError as error:
        raise HostPythonError(f"{dll} {error}", hint="unpack this Python again") from None
    if linked is None or "Py_GetVersion" not in linked.exports:
        raise HostPythonError(f"{dll} is not a Python: it has no Py_GetVersion", hint="name the directory of a CPython")
    directory = dll.parent
    libraries = {one.name.lower(): one for one in sorted((directory / "libs").glob("*.lib"))}
    for library in libraries.values():
        _require_machine(library, dll, machine.identity)
    include = next((one for name in _INCLUDES if ((one := directory / name) / "Python.h").is_file()), None)
    return WindowsPython(
        directory=directory,
        dll=dll,
        program=next((one for name in ("python.exe", "python3.exe") if (one := directory / name).is_file()), None),
        version=f"3.{match['minor']}",
        full_version=_full_version(include),
        flags=match["flags"].lower().replace("_", ""),
        identity=machine.identity,
        exports=linked.exports,
        include=include,
        libraries=libraries,
    )


def _require_machine(library: Path, dll: Path, identity: Identity) -> None:
    """Refuse an import library that was made for another machine: the first object in it tells."""
    reader = FORMATS[PE]
    try:
        objects = (content for _label, content in objects_in(library.name, library.read_bytes()))
        first = next((content for content in objects if reader.recognises(content)), None)
        found = identity if first is None else reader.machine(first).identity
    except OSError as error:
        raise HostPythonError(f"{library} cannot be read: {error.strerror}", hint="name another copy of it") from None
    except BinaryError as error:
        raise HostPythonError(f"{library} {error}", hint="unpack this Python again") from None
    if found != identity:
        words = reader.describe(found), reader.describe(identity)
        raise HostPythonError(
            f"{library} is for {words[0]}, and {dll.name} for {words[1]}",
            hint="take both from one Python, or remove the library: it is made anew then",
        )


def _full_version(include: Path | None) -> str:
    try:
        text = "" if include is None else (include / "patchlevel.h").read_text(encoding="utf-8")
    except OSError:
        return ""
    match = _PATCHLEVEL.search(text)
    return match[1] if match else ""

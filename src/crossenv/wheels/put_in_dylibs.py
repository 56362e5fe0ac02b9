"""Put the libraries that a wheel for macOS needs into it; delocate does so on a Mac, with programs of Apple's."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from crossenv.binaries import FORMATS, BinaryError
from crossenv.binaries.macho import relinked
from crossenv.errors import AuditError, BuildError
from crossenv.platforms.architectures import MACHO
from crossenv.platforms.libraries import UNKNOWN, Libraries
from crossenv.wheels.archive import opened
from crossenv.wheels.rewrite import write_wheel


def put_in_dylibs(
    path: Path, directory: Path, places: Sequence[Path], exclude: Sequence[str], libraries: Libraries
) -> tuple[Path, dict[str, str]]:
    """Repair the wheel at `path`; return the result, which is in `directory`, and the origin of each library by name.

    Args:
        path: The wheel.
        directory: The directory for the result.
        places: Directories of the target's libraries.
        exclude: Libraries that stay outside, by name or pattern.
        libraries: The system's.

    Raises:
        AuditError: A library was not found.
        BuildError: A file cannot get other names of libraries.
    """
    with opened(path) as archive:
        files = {member.name: archive.read(member.name) for member in archive.members}
        executable = frozenset(member.name for member in archive.members if member.executable)
    inside = {name.rpartition("/")[2].lower() for name in files}
    home = f"{path.name.partition('-')[0]}.dylibs"
    taken: dict[str, Path] = {}
    waiting = [name for name, data in files.items() if FORMATS[MACHO].recognises(data)]
    for name in waiting:
        grafted = taken.get(name)
        data = files[name] if grafted is None else grafted.read_bytes()
        try:
            linked = FORMATS[MACHO].linked(data)
            names: dict[str, str] = {}
            for library in linked.needed if linked is not None else ():
                base = library.rpartition("/")[2]
                known = grafted is None and libraries.in_wheel(library) in inside
                if known or libraries.provider(library) != UNKNOWN or any(fnmatchcase(base, one) for one in exclude):
                    continue
                made = f"{home}/{base}"
                if made not in taken:
                    beside = () if grafted is None else (grafted.resolve().parent,)
                    taken[made] = _found(path, name, library, (*beside, *places))
                    waiting.append(made)
                names[library] = f"@loader_path/{posixpath.relpath(made, posixpath.dirname(_installed(name)) or '.')}"
            if names or grafted is not None:
                files[name] = relinked(data, names, f"@loader_path/{name.rpartition('/')[2]}")
        except BinaryError as error:
            raise BuildError(
                f"{grafted or name} {error}", hint="build it so that its libraries' names can be changed"
            ) from None
    made_wheel = directory / path.name
    write_wheel(made_wheel, files, executable)
    return made_wheel, {name.rpartition("/")[2]: str(place) for name, place in sorted(taken.items())}


def _installed(name: str) -> str:
    """Where a file of a wheel is installed, beside its packages."""
    first, _, rest = name.partition("/")
    scheme, _, below = rest.partition("/")
    return below if first.endswith(".data") and scheme in ("platlib", "purelib") else name


def _found(path: Path, name: str, library: str, places: Sequence[Path]) -> Path:
    base = library.rpartition("/")[2]
    found = next((place / base for place in places if (place / base).is_file()), None)
    if found is None:
        raise AuditError(
            f"{path.name}: {name} needs {library}, which is in no directory named",
            hint="name the directory of the target's library with --library-dir DIR",
        )
    return found

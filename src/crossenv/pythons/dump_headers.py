"""Find the headers for a dump: in an archive, a directory, a sysroot, or the build Python's own."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from crossenv.errors import HostPythonError
from crossenv.libc.version import read_text
from crossenv.pythons.build_details import build_details_text, pkg_config_texts
from crossenv.pythons.dump_document import OURS, Dump
from crossenv.pythons.model import ConfigValue, HostPython, UnwrittenHost
from crossenv.pythons.pyconfig import config_values, edit_pyconfig, parse_pyconfig

# Python's own; other headers beside them belong to packages.
_DIRECTORIES = ("", "cpython", "internal")
_MEMBER = re.compile(r"include/(?:python|pypy)3\.\d+[a-z]*/((?:[\w+-][\w.+-]*/)*[\w+-][\w.+-]*\.h)")
_LARGEST = 64 * 1024 * 1024
_MOST = 10_000
_WRAPPER = re.compile(r"#\s*include\s+<(.+)/pyconfig\.h>")
_ARCHIVE_HINT = "make it again on the target: python crossenv_dump.py --output FILE.json --with-headers FILE.tar.gz"
# Macros that are numbers: of these, 0 is a value and does not mean "not defined".
_NUMERIC = {"PY_SUPPORT_TIER"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Headers:
    """Python's headers.

    Attributes:
        origin: Their origin, for people.
        files: Their contents by path: "Python.h", "cpython/object.h".
    """

    origin: str
    files: Mapping[str, bytes]


def headers_below(sysroot: Path, dump: Dump) -> tuple[Path, ...]:
    """Return the directories of `Python.h` and `pyconfig.h` in a sysroot, each once; none if one is missing."""
    if not dump.headers.startswith("/"):
        return ()
    directory = sysroot / PurePosixPath(dump.headers).relative_to("/")
    if not (directory / "Python.h").is_file():
        return ()
    own = _own_pyconfig(directory, dump.multiarch)
    if own is None:
        return ()
    return (directory,) if own.parent == directory else (directory, own.parent)


def find_headers(dump: Dump, named: Path | None) -> Headers | None:
    """Find the headers that were taken with a dump.

    Args:
        dump: The dump.
        named: The archive or the directory that the user named.

    Returns:
        The user's headers, else those in the archive of the dump if it lies beside the dump, else None.

    Raises:
        HostPythonError: They are not the target's, or cannot be read.
    """
    if named is not None:
        return _checked(_in_directory(named, dump) if named.is_dir() else read_archive(named), dump, named)
    beside = dump.source.parent / dump.archive
    if dump.archive and beside.is_file():
        return _checked(read_archive(beside, expected_hash=dump.archive_hash), dump, beside)
    return None


def read_archive(path: Path, *, expected_hash: str = "") -> Headers:
    """Read the headers in an archive; nothing is written.

    Args:
        path: The result of `--with-headers`: `include/pythonX.Y/...` in a compressed tar file.
        expected_hash: Its SHA-256, if known.

    Raises:
        HostPythonError: It is damaged, is another archive, or holds more than headers: links, paths that lead out.
    """
    try:
        data = path.read_bytes()
        if expected_hash and hashlib.sha256(data).hexdigest() != expected_hash:
            problem = f"{path} is not the archive that was made with the dump: its SHA-256 is another"
            raise HostPythonError(problem, hint=f"name the right one with --headers, or {_ARCHIVE_HINT}")
        files = _members(path)
    except (OSError, tarfile.TarError, EOFError, zlib.error, ValueError) as error:
        raise HostPythonError(f"cannot read the headers {path}: {error}", hint=_ARCHIVE_HINT) from error
    return Headers(origin=f"the archive {path}", files=files)


def _members(path: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    total = 0
    with tarfile.open(path, "r:*") as archive:
        for number, member in enumerate(archive):
            match = _MEMBER.fullmatch(member.name)
            if member.isdir():
                continue
            if not member.isreg() or match is None:
                kind = "a link" if member.issym() or member.islnk() else "no header of Python's"
                raise HostPythonError(f"{path} holds {member.name!r:.200}, {kind}", hint=_ARCHIVE_HINT)
            total += member.size
            if total > _LARGEST or number > _MOST:
                raise HostPythonError(f"{path} is larger than all headers of a Python", hint=_ARCHIVE_HINT)
            stream = archive.extractfile(member)
            assert stream is not None, member.name
            files[match[1]] = stream.read()
    return files


def _in_directory(directory: Path, dump: Dump) -> Headers:
    if not (directory / "Python.h").is_file():
        raise HostPythonError(f"there is no Python.h in {directory}", hint="name its directory with --headers")
    files = _own_headers(directory)
    own = _own_pyconfig(directory, dump.multiarch)
    if own is not None:
        files["pyconfig.h"] = own.read_bytes()
    return Headers(origin=str(directory), files=files)


def _own_headers(directory: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for name in _DIRECTORIES:
        for path in sorted((directory / name).glob("**/*.h" if name else "*.h")):
            files[path.relative_to(directory).as_posix()] = path.read_bytes()
    return files


def _own_pyconfig(directory: Path, multiarch: str) -> Path | None:
    """`pyconfig.h`; Debian's beside `Python.h` only chooses between those of several machines."""
    path = directory / "pyconfig.h"
    if not _WRAPPER.search(read_text(path)):
        return path if path.is_file() else None
    own = directory.parent / multiarch / directory.name / "pyconfig.h"
    return own if own.is_file() and multiarch else None


def _checked(headers: Headers, dump: Dump, path: Path) -> Headers:
    """Return the headers if they can be the dump's."""
    for name in ("Python.h", "pyconfig.h", "patchlevel.h"):
        if name not in headers.files:
            raise HostPythonError(f"there is no {name} in {path}", hint=_ARCHIVE_HINT)
    text = headers.files["patchlevel.h"].decode("utf-8", "replace")
    match = re.search(r'^\s*#\s*define\s+PY_VERSION\s+"(3\.\d+)', text, re.M)
    version = match[1] if match else "unknown"
    if version != dump.version:
        raise HostPythonError(
            f"the headers {path} are of Python {version} and the dump {dump.source} is of {dump.version}",
            hint="name the target's own with --headers",
        )
    values = config_values(headers.files["pyconfig.h"].decode("utf-8", "replace"))
    for name, value in values.items():
        recorded = dump.variables.get(name)
        if name.startswith("SIZEOF_") and isinstance(recorded, int) and recorded != value:
            raise HostPythonError(
                f"{name} is {value} in {path} and {recorded} at '{OURS}.variables.{name}' in {dump.source}",
                hint="name the target's own headers with --headers",
            )
    return headers


def adapted_headers(build: HostPython, dump: Dump) -> Headers:
    """Return the build Python's own headers with the target's `pyconfig.h`.

    CPython's headers are the same on all machines; for extension modules they are in all releases of X.Y.

    Raises:
        HostPythonError: The host Python is PyPy, whose headers depend on the machine.
    """
    if dump.implementation != "cpython":
        raise HostPythonError(
            f"there are no headers for {dump.source}, and those of another {dump.implementation} will not do",
            hint="name those that were taken with it with --headers, or the root that holds them with --sysroot",
        )
    files = _own_headers(build.include_dirs[0])
    path = build.include_dirs[-1] / "pyconfig.h"
    text = derived_pyconfig(read_text(path), dump.variables, dump.byte_order)
    files["pyconfig.h"] = text.encode("utf-8")
    origin = f"those of the build Python {build.full_version}, with the target's pyconfig.h"
    return Headers(origin=origin, files=files)


def derived_pyconfig(text: str, variables: Mapping[str, ConfigValue], byte_order: str) -> str:
    """Derive a target's `pyconfig.h` from that of another machine and the target's recorded configuration.

    The recorded configuration holds every macro whose name begins with a capital letter (`sysconfig.parse_config_h`),
    except `WORDS_BIGENDIAN`, which is indented between conditions. The others are not facts about a machine.

    Args:
        text: The `pyconfig.h` of another machine.
        variables: The target's `build_time_vars`.
        byte_order: The target's: "little" or "big".
    """
    changes: dict[str, str | None] = {}
    for macro in parse_pyconfig(text).values():
        value = variables.get(macro.name)
        if macro.name == "WORDS_BIGENDIAN":
            changes[macro.name] = "1" if byte_order == "big" else None
        elif value == 0 and macro.value is None:
            continue
        elif value == 0:
            numeric = macro.declaration or macro.sized_type or macro.aligned_type or macro.name in _NUMERIC
            changes[macro.name] = "0" if numeric else None
        elif isinstance(value, int) or (isinstance(value, str) and value.isprintable()):
            changes[macro.name] = str(value)
    return edit_pyconfig(text, changes)


def with_headers(headers: Headers, host: HostPython, directory: Path) -> UnwrittenHost:
    """Give a host Python headers, and the files that describe them to build systems.

    Args:
        headers: Python's headers.
        host: The host Python, which has none yet.
        directory: Where they will be: `include/pythonX.Y` or `include/pypyX.Y`, `lib/pkgconfig`, `build-details.json`.
    """
    include = directory / f"include/{host.directory_name.rstrip('t')}{host.abi_flags}"
    pkgconfig = directory / "lib/pkgconfig"
    files: dict[Path, str | bytes | Path] = {include / name: content for name, content in headers.files.items()}
    files |= {pkgconfig / name: text for name, text in pkg_config_texts(host).items()}
    files[directory / "build-details.json"] = build_details_text(host, headers=include, pkgconfig=pkgconfig)
    placed = dataclasses.replace(host, include_dirs=(include,), lib_dir=host.lib_dir or pkgconfig.parent)
    return UnwrittenHost(host=placed, files=files)

"""Check that each symbol that a wheel's files need is provided.

A symbol with a version comes from the library of that version, and policies say which versions there are. The others
have no version: Python's C API, musl, other files of the wheel, and libraries that have no versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from functools import lru_cache
from importlib.resources import files as package_files
from pathlib import Path

from crossenv.binaries import FORMATS, Linked
from crossenv.libc.libraries import later_than, loaded_with_python, unprovided
from crossenv.pythons.pyodide_layout import exports_of_program
from crossenv.record import Record
from crossenv.synthesis.windows_exports import exported_names
from crossenv.wheels.model import ERROR, WARNING, Finding, listed
from crossenv.wheels.read_tags import Expected, PythonTag, python_of_file
from crossenv.wheels.sysroot_libraries import Libraries

# PEP 803: they take a PyModuleDef, which modules for abi3t cannot have.
_NOT_IN_ABI3T = frozenset({"PyModuleDef_Init", "PyModule_Create2", "PyModule_FromDefAndSpec2"})


@lru_cache(maxsize=1)
def _sections() -> list[tuple[list[str], str]]:
    """The names that CPython exports, one a line, with the versions that have them ("3.13", "3.13t")."""
    text = package_files("crossenv").joinpath("wheels/data/python.txt").read_text(encoding="utf-8")
    sections = [section.partition("]\n") for section in text.split("\n[")]
    return [(head.split(), names) for head, _, names in sections[1:]]


@lru_cache(maxsize=1)
def _stable() -> dict[str, tuple[int, int]]:
    """By name, since when it belongs to the stable ABI."""
    from abi3info import DATAS, FUNCTIONS

    # Names of one system, or of debug builds, have an `ifdef`; nobody may rely on those of debug builds.
    return {
        entry.symbol.name: (entry.added.major, entry.added.minor)
        for table in (FUNCTIONS, DATAS)
        for entry in table.values()
    }


def known_versions() -> tuple[str, ...]:
    """Return the versions of CPython with known names: "3.13", "3.13t"."""
    return tuple(dict.fromkeys(version for versions, _ in _sections() for version in versions))


@lru_cache
def exports_of(version: str) -> frozenset[str] | None:
    """Return the names that CPython `version` ("3.13", "3.13t") exports; None if unknown."""
    own = [names.split() for versions, names in _sections() if version in versions]
    return frozenset().union(*own) if own else None


def exports_of_library(library: str) -> frozenset[str]:
    """Return the names that Python's own library ("python313.dll") exports; none if unknown."""
    return exported_names(library.lower().removeprefix("python").partition(".")[0])


def stable_since(name: str) -> tuple[int, int] | None:
    """Return the version that put `name` into the stable ABI; None if it is not in there."""
    return _stable().get(name)


def is_python_name(name: str) -> bool:
    """Whether only Python can define a symbol of that name."""
    return re.match(r"_?Py[A-Z_]|pypy_", name) is not None


def symbol_findings(
    files: Mapping[str, Linked], inside: Set[str], expected: Expected, libc: str, record: Record | None
) -> tuple[list[Finding], list[str]]:
    """Find the symbols that nothing provides.

    Args:
        files: The wheel's linked files by name.
        inside: The base names of all its files.
        expected: The requirements of its tags.
        libc: "glibc" or "musl"; "" if unknown.
        record: The environment's record, if any.

    Returns:
        The findings, and the parts that could not be checked.
    """
    offered = set().union(*(file.exports for file in files.values()))
    libraries = _host_libraries(record)
    findings: list[Finding] = []
    unchecked: dict[str, None] = {}
    for name, file in files.items():
        if file.imported_from:
            # They name the library of each: `loaded_findings` looks there.
            continue
        wanted = {
            symbol
            for symbol, said in file.imports.items()
            if not said.weak and said.version < 2 and symbol not in offered
        }
        python = {symbol for symbol in wanted if is_python_name(symbol)}
        if python:
            tag = python_of_file(name, expected)
            fault, says = python_fault(python, tag, expected)
            if fault is not None:
                findings.append(Finding(id=fault, severity=ERROR, path=name, message=says))
            elif says:
                unchecked.setdefault(says)
        other = sorted(wanted - python)
        findings += _absent_in_program(name, other, record)
        outside = [library for library in file.needed if library not in inside]
        missing = _missing(other, file, outside, libc, libraries)
        findings += _late_names(name, missing, libc, expected)
        loaded = loaded_with_python(libc)
        missing = [symbol for symbol in missing if symbol not in loaded]
        if missing:
            where = "the target" if libraries is not None else "Python, the C library"
            says = f"needs {listed(missing)}, which neither {where} nor another file of the wheel provides"
            findings.append(Finding(id="symbol", severity=ERROR, path=name, message=says))
        findings += _absent_versions(name, file, inside, libraries)
        findings += _absent_libraries(name, outside, expected, libraries)
    return findings, list(unchecked)


def _host_libraries(record: Record | None) -> Libraries | None:
    if record is None or record.sysroot is None:
        return None
    libraries = Libraries(record.host.identity, Path(record.sysroot), record.library_directories)
    return libraries if libraries.has_libc() else None


def python_fault(symbols: set[str], tag: PythonTag | None, expected: Expected) -> tuple[str | None, str]:
    """Return the finding's id and message; None and the part that could not be checked; None and "" if all is well."""
    if tag is None:
        if any(python.implementation == "pp" for python in expected.pythons):
            return None, "the C API of PyPy: its names are not known here"
        if expected.pythons and all(python.abi == "none" for python in expected.pythons):
            says = f"needs {listed(sorted(symbols))} of Python's C API, and the wheel's tags name no ABI"
            return "python-abi", says
        return None, "Python's C API: the tags do not tell which"
    if tag.implementation == "pp":
        return None, "the C API of PyPy: its names are not known here"
    if tag.abi == "stable":
        words = []
        for symbol in sorted(symbols):
            since = stable_since(symbol)
            if since is None or (tag.flags and symbol in _NOT_IN_ABI3T):
                words.append(symbol)
            elif since > tag.version:
                words.append(f"{symbol} (since {since[0]}.{since[1]})")
        version = ".".join(map(str, tag.version))
        return (
            ("stable-abi", f"needs {listed(words)}, not in the stable ABI of Python {version}{tag.flags}")
            if words
            else (None, "")
        )
    names = exports_of(tag.name)
    if names is None:
        return None, f"the C API of Python {tag.name}: its names are not known here"
    missing = sorted(symbols - names)
    return (
        ("python-api", f"needs {listed(missing)}, which Python {tag.name} does not export") if missing else (None, "")
    )


def _missing(symbols: list[str], file: Linked, outside: list[str], libc: str, libraries: Libraries | None) -> list[str]:
    """Return those of `symbols`, all without a version, that nothing provides; none if that is unknown."""
    if not symbols:
        return []
    if libraries is not None:
        provided = libraries.exports(outside)
        if provided is not None:
            return [symbol for symbol in symbols if symbol not in provided]
    return unprovided(symbols, outside, libc, versioned=bool(file.versions) or not outside)


def _absent_in_program(name: str, symbols: list[str], record: Record | None) -> Iterator[Finding]:
    """Find names of the C++ library that the program lacks which loads the modules, if it is at hand.

    Those of the C library may be JavaScript's, and do not show.
    """
    wanted = [symbol for symbol in symbols if symbol.startswith("_Z")]
    if record is None or not wanted or not FORMATS[record.host.identity.format].portable:
        return
    exports = exports_of_program(Path(record.host.source))
    missing = [] if exports is None else [symbol for symbol in wanted if symbol not in exports]
    if missing:
        says = f"needs {listed(missing)} of the C++ library, which {record.host.source} does not have"
        yield Finding(id="symbol", severity=ERROR, path=name, message=says)


def _late_names(name: str, symbols: list[str], libc: str, expected: Expected) -> Iterator[Finding]:
    """Find names of the C library that are later than the tags promise; without a version they do not show that."""
    floors = [policy.floor for policy in expected.promised if policy.libc == libc]
    late = later_than(min(floors), symbols, libc) if floors else []
    if late:
        words = [f"{symbol} ({libc} {'.'.join(map(str, since))})" for symbol, since in late]
        says = f"needs {listed(words)}; its tags promise {libc} {'.'.join(map(str, min(floors)))}"
        yield Finding(id="policy", severity=ERROR, path=name, message=says)


def _absent_libraries(
    name: str, outside: list[str], expected: Expected, libraries: Libraries | None
) -> Iterator[Finding]:
    """Find libraries that the target lacks; if the tags promise a policy, that decides."""
    if libraries is None or expected.promised:
        return
    for library in outside:
        if libraries.find(library) is None and not library.startswith("libpython3"):
            # Another wheel may provide it: `linux_...` promises nothing about libraries.
            says = f"needs {library}, which is not in the wheel nor in the sysroot"
            yield Finding(id="library", severity=WARNING, path=name, message=says)


def _absent_versions(name: str, file: Linked, inside: Set[str], libraries: Libraries | None) -> Iterator[Finding]:
    """Find symbols with a version that the target's library lacks."""
    if libraries is None:
        return
    wanted: dict[int, tuple[str, str]] = {}
    for one in file.versions:
        if one.library not in inside and not one.weak and libraries.load(one.library) is not None:
            wanted[one.index] = (one.library, one.name)
    missing: dict[str, list[str]] = {}
    for symbol, said in file.imports.items():
        if said.version in wanted and not said.weak:
            library, version = wanted[said.version]
            loaded = libraries.load(library)
            # Those of libpthread.so.0 moved to libc.so.6 (glibc 2.34); the loader looks everywhere for them.
            if loaded is not None and symbol not in (libraries.exports([library]) or loaded.exports):
                missing.setdefault(library, []).append(f"{symbol}@{version}")
    for library, symbols in sorted(missing.items()):
        says = f"needs {listed(sorted(symbols))}, which the target's {library} does not have"
        yield Finding(id="symbol", severity=ERROR, path=name, message=says)

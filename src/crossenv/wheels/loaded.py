"""Libraries and functions where a file names the library of each: whether that is there, and has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from crossenv.binaries import ANY_LIBRARY, Linked
from crossenv.platforms.libraries import APART, OLD_RUNTIME, UNKNOWN, Libraries
from crossenv.wheels.model import ERROR, WARNING, Finding, listed
from crossenv.wheels.read_tags import Expected, PythonTag, python_of_file
from crossenv.wheels.symbols import exports_of_library, is_python_name, python_fault, stable_since


def loaded_findings(
    files: Mapping[str, Linked], members: Sequence[str], expected: Expected, libraries: Libraries
) -> Iterator[Finding]:
    """The libraries that a file names and nobody brings along, and functions that a library does not have.

    Args:
        files: The wheel's linked files by name.
        members: The names of all its files.
        expected: What its tags say.
        libraries: The system's.

    Yields:
        A finding for each file and kind of fault.
    """
    exports = {name.rpartition("/")[2].lower(): file.exports for name, file in files.items()}
    inside = {name.rpartition("/")[2].lower() for name in members}
    for name, file in files.items():
        tag = python_of_file(name, expected)
        for library, wanted in file.imported_from.items():
            own = libraries.in_wheel(library)
            if library == ANY_LIBRARY:
                yield from _program_findings(name, wanted, frozenset().union(*exports.values()), expected)
            elif own in inside:
                missing = sorted(wanted - exports.get(own, wanted))
                if missing:
                    says = f"needs {listed(missing)} of {library}, which the wheel's file of that name does not have"
                    yield Finding(id="symbol", severity=ERROR, path=name, message=says)
            elif libraries.is_python(library):
                yield from _python_findings(name, library, wanted, tag, libraries)
            else:
                yield from _library_findings(name, file, library, libraries)


def left_overs(members: Sequence[str], native: Sequence[str], libraries: Libraries) -> list[str]:
    """The files that a linker has left: nobody links to a module, nor to what lies where only loaders look.

    Args:
        members: The names of all files.
        native: Those of the native ones.
        libraries: The system's.
    """
    end = libraries.module_suffix
    modules = {name.removesuffix(end) for name in native if name.endswith(end)}
    found = [name for name in members if name.lower().endswith(libraries.leftovers)]
    for suffix in libraries.import_libraries:
        ours = (name for name in members if name.endswith(suffix))
        found += [name for name in ours if name.removesuffix(suffix) in modules or ".libs/" in name]
    return found


def left_over_findings(members: Sequence[str], native: Sequence[str], libraries: Libraries) -> Iterator[Finding]:
    """What a linker has left beside the modules, and paths that are too long there.

    Args:
        members: The names of all files.
        native: Those of the native ones.
        libraries: The system's.
    """
    found = left_overs(members, native, libraries)
    if found:
        says = f"holds what a linker has left beside its modules, which nobody needs: {listed(found)}"
        yield Finding(id="left-over", severity=WARNING, path="", message=says)
    for name in members:
        if len(name) > libraries.longest_path:
            says = (
                f"is a path of {len(name)} characters; without a setting of the user's {libraries.longest_path} is all"
            )
            yield Finding(id="long-path", severity=WARNING, path=name, message=says)


def _library_findings(name: str, file: Linked, library: str, libraries: Libraries) -> Iterator[Finding]:
    provider = libraries.provider(library)
    if provider == UNKNOWN:
        later = library in file.delayed
        says = f"needs {library}, which is not in the wheel, and neither the system nor Python has it"
        says += "; it is loaded when it is first used" if later else ""
        yield Finding(id="library", severity=WARNING if later else ERROR, path=name, message=says)
    elif provider == APART:
        says = (
            f"needs {library}, which is not in the wheel: not every system has it, and Python does not bring it along"
        )
        yield Finding(id="library", severity=WARNING, path=name, message=says)
    elif provider == OLD_RUNTIME:
        says = f"needs {library}, another C library than Python's: memory, files and errno are not shared with it"
        yield Finding(id="libc", severity=WARNING, path=name, message=says)


def _program_findings(
    name: str, wanted: frozenset[str], offered: frozenset[str], expected: Expected
) -> Iterator[Finding]:
    """Names that the program has to have which loads the module: Python's."""
    python = frozenset(filter(is_python_name, wanted))
    fault, says = python_fault(set(python), python_of_file(name, expected), expected) if python else (None, "")
    if fault is not None:
        yield Finding(id=fault, severity=ERROR, path=name, message=says)
    other = sorted(wanted - python - offered)
    if other:
        says = f"needs {listed(other)}, which neither Python nor another file of the wheel provides"
        yield Finding(id="symbol", severity=ERROR, path=name, message=says)


def _python_findings(
    name: str, library: str, wanted: frozenset[str], tag: PythonTag | None, libraries: Libraries
) -> Iterator[Finding]:
    """Python's library is the one of the tag, and has the names."""
    if tag is None or tag.implementation != "cp":
        return
    stable = tag.abi == "stable"
    own = libraries.stable_python(tag.flags)
    takes = [own] if stable else [libraries.python(".".join(map(str, tag.version)), tag.flags)]
    # A module for one version may keep to the stable ABI all the same.
    takes += [own] if not stable and "t" not in tag.flags else []
    if not own:
        says = f"needs {library}, which most Pythons do not have; extension modules must do without"
        yield Finding(id="libpython", severity=ERROR, path=name, message=says)
        return
    if library.lower() not in takes:
        words = f"the stable ABI of Python {tag.name}" if stable else f"Python {tag.name}"
        says = f"needs {library}; the library of {words} is {takes[0]}"
        yield Finding(id="libpython", severity=ERROR, path=name, message=says)
        return
    if stable:
        late = [(one, since) for one in sorted(wanted) if (since := stable_since(one)) is None or since > tag.version]
        words = listed(one if since is None else f"{one} (since {since[0]}.{since[1]})" for one, since in late)
        if late:
            says = f"needs {words}, not in the stable ABI of Python {tag.name}"
            yield Finding(id="stable-abi", severity=ERROR, path=name, message=says)
        return
    known = exports_of_library(library)
    missing = sorted(wanted - known) if known else []
    if missing:
        says = f"needs {listed(missing)}, which {library} does not export"
        yield Finding(id="python-api", severity=ERROR, path=name, message=says)

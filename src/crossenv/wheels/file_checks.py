"""Checks of single native files: machine, name, way to the libraries, stack, traces of the build machine."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence, Set

from crossenv.binaries import FORMATS, BinaryError, Linked, format_of
from crossenv.platforms import MODULE_SUFFIXES, ONLY_MODULE_SUFFIXES, PLATFORMS
from crossenv.platforms.architectures import Identity
from crossenv.record import Record
from crossenv.wheels.model import ERROR, WARNING, Finding, listed
from crossenv.wheels.read_tags import Expected

# What extension modules are named (PEP 3149, 384).
_ENDS = "|".join(map(re.escape, MODULE_SUFFIXES))
_MODULES = "|".join(map(re.escape, ONLY_MODULE_SUFFIXES))
_EXTENSION = re.compile(rf"^(?P<stem>[^/]*?)(?P<suffix>\.(?:cpython-|cp3\d|abi3|pypy)[^/]*(?:{_ENDS})|(?:{_MODULES}))$")
_IN_DATA = re.compile(r"^[^/]+\.data/(?!(?:purelib|platlib)/)")
_SHOWN = 80
# Directories that only a build has: those of pip, build and uv for one build, and of a tool's checkout in a home.
_BUILD_PATHS = re.compile(
    rb"/(?:tmp|var/tmp)/(?:pip-(?:install|req-build|build-env|wheel|ephem|modern-metadata|standalone)-|build-env-|build-via-"
    rb"|\.tmp[A-Za-z0-9]{6}/(?:sdist|build)|cibw-)[\x21-\x7e]*"
)


def machine_finding(
    label: str, data: bytes, machines: Sequence[Identity], record: Record | None
) -> tuple[str, Finding | None]:
    """The machine that a native file is for, in words, and whether the wheel is for that machine.

    Args:
        label: The file.
        data: Its content.
        machines: Those that the wheel is for; empty if that is not known.
        record: The environment's record, if the wheel is for one.

    Returns:
        The words, "" for a file that is not native; and the fault.
    """
    native = format_of(data)
    if native is None:
        return "", None
    try:
        machine = native.machine(data)
    except BinaryError as error:
        return "", Finding(id=f"{native.name}-damaged", severity=ERROR, path=label, message=str(error))
    if machines and not any(machine.fits(wanted) for wanted in machines):
        words = " or ".join(FORMATS[wanted.format].describe(wanted) for wanted in machines)
        says = f"is for {machine.words}; {'the wheel is for' if record is None else 'the target is'} {words}"
        return machine.words, Finding(id="machine", severity=ERROR, path=label, message=says)
    return machine.words, None


def name_finding(name: str, expected: Expected) -> Finding | None:
    """An extension module whose suffix the host's import system would not take."""
    match = _EXTENSION.match(name.rpartition("/")[2])
    if match is None or not expected.suffixes or match["suffix"] in expected.suffixes:
        return None
    if match["suffix"].startswith(".pypy") and any(python.implementation == "pp" for python in expected.pythons):
        return None
    if not any(python.abi != "none" for python in expected.pythons):
        # It names no Python: there may be one module for each.
        return None
    takes = " ".join(expected.suffixes)
    says = f"has the suffix {match['suffix']}; the wheel's Pythons take {takes}"
    return Finding(id="extension-suffix", severity=ERROR, path=name, message=says)


def unserved_findings(names: Iterable[str], expected: Expected) -> Iterator[Finding]:
    """Find extension modules that one of the wheel's stable ABIs lacks: no free-threaded Python takes `.abi3.so`."""
    if len(expected.stable_suffixes) < 2:
        return
    modules: dict[str, dict[str, str]] = {}
    for name in names:
        directory, slash, base = name.rpartition("/")
        match = _EXTENSION.match(base)
        if match is not None and match["suffix"] in expected.suffixes:
            modules.setdefault(directory + slash + match["stem"], {})[match["suffix"]] = name
    for suffixes in modules.values():
        for abi, taken in expected.stable_suffixes.items():
            if not taken.intersection(suffixes):
                has = " ".join(suffixes)
                says = f"has the suffix {has}; Pythons of {abi}, which the tags name, do not take it"
                yield Finding(id="extension-suffix", severity=ERROR, path=min(suffixes.values()), message=says)


def kind_finding(name: str, file: Linked | None) -> Finding | None:
    """A file that is named like an extension module, and is a program or an object file."""
    if _EXTENSION.match(name.rpartition("/")[2]) is None or (file is not None and not file.program):
        return None
    what = "an object file" if file is None else "a program"
    says = f"is {what}, which Python cannot load: it has to be linked as a shared library"
    return Finding(id="module-kind", severity=ERROR, path=name, message=says)


def needed_finding(name: str, file: Linked, inside: Set[str], expected: Expected) -> Finding | None:
    """A library that no system brings along, where the wheel's machine is not a system's but a virtual one."""
    missing = [library for library in file.needed if library not in inside]
    if not missing or not expected.machines or not all(FORMATS[one.format].portable for one in expected.machines):
        return None
    says = f"needs {listed(missing)}, which is not in the wheel, and Python does not bring it along"
    return Finding(id="library", severity=ERROR, path=name, message=says)


def init_finding(name: str, file: Linked) -> Finding | None:
    """An extension module without the function that the import system calls."""
    match = _EXTENSION.match(name.rpartition("/")[2])
    if match is None:
        return None
    stems = {match["stem"]}
    if match["stem"] == "__init__":
        stems.add(posixpath.basename(posixpath.dirname(name)))
    wanted = {f"{prefix}_{stem}" for stem in stems for prefix in ("PyInit", "PyModExport")}
    for stem in stems:
        if not stem.isascii():
            # PEP 489
            encoded = stem.encode("punycode").replace(b"-", b"_").decode("ascii")
            wanted |= {f"PyInitU_{encoded}", f"PyModExportU_{encoded}"}
    found = file.init_functions
    if found & wanted:
        return None
    has = f" (it has {', '.join(sorted(found)[:3])})" if found else ""
    says = f"has no function {min(wanted)}: Python cannot import it{has}"
    # What asks nothing of Python may be meant for ctypes or cffi, and has its name from setuptools.
    severity = ERROR if found or file.uses_python else WARNING
    return Finding(id="init-function", severity=severity, path=name, message=says)


def search_path_findings(name: str, file: Linked) -> Iterator[Finding]:
    """RPATH entries that are not inside the directory that the wheel is installed into."""
    severity = ERROR if file.searches else WARNING
    for entry in file.search_path:
        first, _, rest = entry.partition("/")
        if first in ("$ORIGIN", "${ORIGIN}", "@loader_path"):
            if _IN_DATA.match(name):
                # Where it will lie, only the installer knows.
                continue
            place = posixpath.normpath(posixpath.join(posixpath.dirname(name), rest))
            if place == ".." or place.startswith("../"):
                says = f"has {entry} in its RPATH, which is outside the wheel"
                yield Finding(id="rpath", severity=WARNING, path=name, message=says)
        elif entry.startswith("/"):
            says = f"has {_short(entry)} in its RPATH, a directory of the machine that it was built on"
            yield Finding(id="rpath", severity=severity, path=name, message=says)
        else:
            says = f"has {_short(entry)!r} in its RPATH, which depends on the working directory"
            yield Finding(id="rpath", severity=severity, path=name, message=says)


def interpreter_finding(name: str, file: Linked, expected: Expected) -> Finding | None:
    """A program that asks for a loader which the host does not have."""
    loaders = {target.loader for target in expected.targets}
    if not file.interpreter or not loaders or expected.unknown or file.interpreter in loaders:
        return None
    says = f"asks for the loader {_short(file.interpreter)}; the target's is {' or '.join(sorted(loaders))}"
    return Finding(id="interpreter", severity=ERROR, path=name, message=says)


def release_findings(name: str, file: Linked, expected: Expected, only_for: str) -> Iterator[Finding]:
    """Machines of the tags that a file has no code for, and releases of their system that do not take it.

    Args:
        name: The file.
        file: What it says.
        expected: What follows from the tags.
        only_for: The one machine that the wheel's maker meant it for, in words; "" for all.
    """
    for target in expected.targets if file.oldest_systems else ():
        for identity in target.identities:
            oldest, floor = file.oldest_systems.get(identity.machine), target.floor_of(identity)
            words = FORMATS[identity.format].describe(identity)
            title = PLATFORMS[target.system].title
            if oldest is None:
                says = f"has no code for {words}, which the tag {target.platform_tag} names"
                meant = only_for not in ("", words)
                says += f"; it was merged from a wheel for {only_for} alone" if meant else ""
                yield Finding(id="machine", severity=WARNING if meant else ERROR, path=name, message=says)
            elif oldest > floor:
                says = (
                    f"is for {title} {target.release_text(oldest)} and later on {words}; {target.platform_tag} promises"
                )
                says += f" {title} {target.release_text(floor)}"
                yield Finding(id="policy", severity=ERROR, path=name, message=says)


def system_findings(name: str, file: Linked, inside: Set[str], expected: Expected) -> Iterator[Finding]:
    """What phones ask of a file: to be built for them, to name Python's library, and to fit their pages of memory."""
    for target in expected.targets:
        if file.built_for and target.built_for and file.built_for != target.built_for:
            says = f"is for {file.built_for}; the wheel is for {target.built_for}"
            yield Finding(id="machine", severity=ERROR, path=name, message=says)
        if target.python_library and file.uses_python:
            own = [library for library in file.needed if re.fullmatch(target.python_library, library)]
            if not own:
                says = "takes names from Python and does not name its library, which extension modules do there"
                yield Finding(id="libpython", severity=ERROR, path=name, message=says)
        if 0 < file.page_size < target.page_size and target.identity.bits == 64:
            says = f"is laid out for pages of {file.page_size} bytes; newer devices have {target.page_size}"
            yield Finding(id="page-size", severity=WARNING, path=name, message=says)
        if target.system_libraries:
            if not file.built_for:
                says = f"does not say that it is for {target.built_for}, as what its linkers make does"
                yield Finding(id="machine", severity=WARNING, path=name, message=says)
            python = re.compile(target.python_library)
            others = [one for one in file.needed if one not in inside and not python.fullmatch(one)]
            if missing := [library for library in others if library not in target.system_libraries]:
                says = f"needs {listed(missing)}, which is not in the wheel, and the system does not have it"
                yield Finding(id="library", severity=ERROR, path=name, message=says)


def stack_finding(name: str, file: Linked) -> Finding | None:
    """A file that wants an executable stack."""
    if not file.executable_stack:
        return None
    says = "asks for an executable stack, which hardened systems and glibc from 2.41 on refuse"
    return Finding(id="executable-stack", severity=ERROR, path=name, message=says)


def trace_finding(name: str, data: bytes, record: Record | None) -> Finding | None:
    """Paths of the build in a file's strings."""
    found = {match[0] for match in _BUILD_PATHS.finditer(data)}
    for place in _places(record) if record is not None else ():
        found |= {match[0] for match in re.finditer(re.escape(place.encode()) + rb"/[\x21-\x7e]*", data)}
    if not found:
        return None
    first = _short(min(found).decode("ascii", "replace"))
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    says = f"holds paths of the machine that it was built on: {first}{more}"
    return Finding(id="build-path", severity=WARNING, path=name, message=says)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _places(record: Record) -> tuple[str, ...]:
    """Directories of the build machine that no file of a wheel may know."""
    places = (record.root, record.requirements_cache, record.sysroot or "")
    return tuple(place for place in places if place not in ("", "/"))

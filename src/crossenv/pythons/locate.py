"""Find a host Python's files from any path in it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from crossenv.binaries import format_of
from crossenv.binaries.elf import ElfError, elf_identity, is_elf
from crossenv.errors import HostPythonError, reason_of
from crossenv.libc.version import read_text
from crossenv.platforms.architectures import Identity
from crossenv.pythons.data_files import (
    CHOOSE,
    DATA_FILES,
    DETAILS_FILES,
    data_files,
    details_files,
    listed,
    only_data_file,
)
from crossenv.pythons.directories import STDLIB_NAME, stdlibs_below, stdlibs_further_below, stdlibs_of

# The layout of one that stands alone.
DETAILS = "build-details.json"
_PROGRAM_NAME = re.compile(r"(?P<kind>python|pypy)(?P<version>3(?:\.\d+)?)?(?P<flags>[a-z]*)(?:\.exe)?")
_MACH_O = {bytes.fromhex(magic) for magic in ("feedface", "feedfacf", "cefaedfe", "cffaedfe", "cafebabe")}
_NAME_ONE = (
    "name an interpreter (SYSROOT/usr/bin/python3.11), its prefix, a build tree, a _sysconfigdata file or a "
    "build-details.json with --host-python"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """The places of a host Python's files.

    Attributes:
        layout: "prefix", "build tree", "sysconfigdata file" or "build-details.json".
        sysconfigdata: Its recorded configuration, or else its `build-details.json`.
        prefix: The directory that is its `sys.prefix` on the target, or the build tree's root; None for a lone file.
        stdlib: `lib/python3.X` of a prefix, else the directory that holds `sysconfigdata`.
        executable: The interpreter, if the user named one.
        details: Its `build-details.json`, if there is one beside the configuration.
    """

    layout: str
    sysconfigdata: Path
    prefix: Path | None
    stdlib: Path
    executable: Path | None = None
    details: Path | None = None


def locate(path: Path, *, sysroot: Path | None = None) -> Located:
    """Find the host Python that `path` names.

    Raises:
        HostPythonError: There is none, more than one, or one of an unsupported kind.
    """
    # The target's absolute links are broken here unless they are followed inside its tree.
    if not path.exists() and not (path.is_symlink() and _follow(path, sysroot).exists()):
        what = "is a broken link" if path.is_symlink() else "does not exist"
        raise HostPythonError(f"{path} {what}", hint=_NAME_ONE)
    if path.is_dir():
        return _in_directory(path)
    if path.match(DATA_FILES):
        return _around_data_file(path)
    if path.match(DETAILS_FILES):
        return _around_details(path)
    return _around_program(path, sysroot)


def locate_with_data(path: Path, data: Path, *, sysroot: Path | None = None) -> Located:
    """Find the host Python that `path` names, with the configuration in `data`.

    Raises:
        HostPythonError: As `locate`; or there is no such configuration.
    """
    if not data.is_file():
        raise HostPythonError(f"{data} is not a file", hint="name a _sysconfigdata*.py file with --sysconfigdata")
    try:
        return dataclasses.replace(locate(path, sysroot=sysroot), sysconfigdata=data)
    except HostPythonError:
        # This file tells which of several configurations is the Python's.
        if not path.exists():
            raise
        located = _around_data_file(data)
        return dataclasses.replace(located, executable=_follow(path, sysroot)) if is_elf(path) else located


def _in_directory(path: Path) -> Located:
    if (path / "pybuilddir.txt").is_file() or _looks_built(path):
        return _build_tree(path)
    if STDLIB_NAME.fullmatch(path.name) and _has_facts(path):
        return _in_stdlib(path)
    stdlibs = stdlibs_below(path)
    holders = [stdlib for stdlib in stdlibs if _has_facts(stdlib)]
    if not holders:
        inside = stdlibs_further_below(path)
        holders = [stdlib for stdlib in inside if _has_facts(stdlib)]
        stdlibs += inside
    if not holders:
        _refuse_other_kinds(path)
        if stdlibs:
            raise HostPythonError(
                f"no {DATA_FILES} in {stdlibs[0]}",
                hint=f"install the target's {_package(stdlibs[0].name)} package there",
            )
        raise HostPythonError(f"no Python in {path}: it has no lib/python3.X", hint=_NAME_ONE)
    if len(holders) > 1:
        raise HostPythonError(f"several Pythons in {path}: {listed(holders)}", hint=CHOOSE)
    return _in_stdlib(holders[0])


def _has_facts(stdlib: Path) -> bool:
    return bool(data_files(stdlib) or details_files(stdlib))


def _around_data_file(path: Path) -> Located:
    for stdlib in (path.parent, path.parent.parent):
        if STDLIB_NAME.fullmatch(stdlib.name):
            return Located(
                layout="prefix",
                sysconfigdata=path,
                prefix=stdlib.parent.parent,
                stdlib=stdlib,
                details=_details_in(stdlib),
            )
    for tree in (path.parent.parent, path.parent.parent.parent):
        if (tree / "pybuilddir.txt").is_file():
            return Located(layout="build tree", sysconfigdata=path, prefix=tree, stdlib=path.parent)
    return Located(layout="sysconfigdata file", sysconfigdata=path, prefix=None, stdlib=path.parent)


def _around_details(path: Path) -> Located:
    """Take the configuration beside a `build-details.json`, or else the file itself."""
    if data_files(path.parent):
        located = _in_stdlib(path.parent) if STDLIB_NAME.fullmatch(path.parent.name) else _lone_pair(path)
        return dataclasses.replace(located, details=path)
    prefix = path.parent.parent.parent if STDLIB_NAME.fullmatch(path.parent.name) else None
    return Located(layout=DETAILS, sysconfigdata=path, prefix=prefix, stdlib=path.parent, details=path)


def _lone_pair(path: Path) -> Located:
    return _around_data_file(only_data_file(data_files(path.parent)))


def _around_program(path: Path, sysroot: Path | None) -> Located:
    program = _follow(path, sysroot)
    try:
        with program.open("rb") as stream:
            magic = stream.read(4)
    except OSError as error:
        raise HostPythonError(f"cannot read {program}: {reason_of(error)}", hint=_NAME_ONE) from error
    if magic[:2] == b"MZ":
        raise _unsupported(path, "a Windows program")
    if magic in _MACH_O:
        raise _unsupported(path, "a macOS program")
    if format_of(magic) is None:
        if magic[:2] == b"#!":
            raise HostPythonError(f"{path} is not a Python: it is a script", hint=_NAME_ONE)
        raise HostPythonError(
            f"{path} is not a Python: it is neither an ELF program nor a _sysconfigdata file", hint=_NAME_ONE
        )
    match = _PROGRAM_NAME.fullmatch(program.name)
    if match is None:
        raise HostPythonError(f"{path} is not a Python: the program's name is {program.name}", hint=_NAME_ONE)
    if (program.parent / "pybuilddir.txt").is_file():
        return _build_tree(program.parent, program)
    prefix = program.parent.parent
    stdlibs = [stdlib for stdlib in stdlibs_of(prefix) if _has_facts(stdlib) and stdlib.name.startswith(match["kind"])]
    flags, version = match["flags"], match["version"] or ""
    if "." in version:
        names = [f"{match['kind']}{version}t"] if "t" in flags else []
        names += [f"{match['kind']}{version}"]
        stdlibs = next(filter(None, ([s for s in stdlibs if s.name == name] for name in names)), [])
    if not stdlibs:
        raise HostPythonError(
            f"no lib/{program.name}/{DATA_FILES} beside {path}",
            hint=f"install the target's {_package(program.name)} package there",
        )
    if len(stdlibs) > 1:
        raise HostPythonError(f"several Pythons beside {path}: {listed(stdlibs)}", hint=CHOOSE)
    return _in_stdlib(stdlibs[0], program, flags)


def _in_stdlib(stdlib: Path, program: Path | None = None, flags: str | None = None) -> Located:
    files = data_files(stdlib)
    details = _details_in(stdlib)
    if not files:
        assert details is not None, stdlib
        return Located(
            layout=DETAILS,
            sysconfigdata=details,
            prefix=stdlib.parent.parent,
            stdlib=stdlib,
            executable=program,
            details=details,
        )
    prefix = stdlib.parent.parent
    return Located(
        layout="prefix",
        sysconfigdata=only_data_file(
            files, flags=flags, identity=_machine(program or find_program(prefix, [stdlib.name]))
        ),
        prefix=prefix,
        stdlib=stdlib,
        executable=program,
        details=details,
    )


def _details_in(stdlib: Path) -> Path | None:
    """Return the file of the name in the specification, or else any."""
    files = details_files(stdlib)
    return next((file for file in files if file.name == "build-details.json"), files[0] if files else None)


def _machine(program: Path | None) -> Identity | None:
    try:
        return None if program is None else elf_identity(program)
    except ElfError:
        return None


def _build_tree(tree: Path, program: Path | None = None) -> Located:
    recorded = read_text(tree / "pybuilddir.txt").strip()
    directories = sorted(tree.glob("build/lib.*"))
    if recorded and "\0" not in recorded:
        directories = [tree / recorded]
    files = [file for directory in directories for file in sorted(directory.glob(DATA_FILES))]
    if not files:
        raise HostPythonError(
            f"the build tree {tree} has no {DATA_FILES}",
            hint="finish the host Python's build: make sharedmods",
        )
    data = only_data_file(files)
    return Located(
        layout="build tree",
        sysconfigdata=data,
        prefix=tree,
        stdlib=data.parent,
        executable=program,
        details=_details_in(data.parent),
    )


def _looks_built(path: Path) -> bool:
    return all((path / name).is_file() for name in ("Makefile", "pyconfig.h", "Modules/Setup.local"))


def _follow(path: Path, sysroot: Path | None) -> Path:
    """Follow a link; absolute links start at the target's root."""
    for _ in range(40):
        if not path.is_symlink():
            break
        target = path.readlink()
        if target.is_absolute():
            roots = [sysroot] if sysroot else [*path.parents][:-1]
            inside = [root / target.relative_to("/") for root in roots]
            here = next((candidate for candidate in inside if candidate.exists()), None)
            if here is None and sysroot:
                # Followed from this machine's root it would lead to this machine's Python.
                raise HostPythonError(
                    f"{path} links to {target}, which is not in {sysroot}", hint="name the interpreter itself"
                )
            path = here or target
        else:
            path = path.parent / target
    return path.parent.resolve() / path.name


def _refuse_other_kinds(path: Path) -> None:
    if any((path / name).exists() for name in ("python.exe", "python3.dll", "pythonw.exe")):
        raise _unsupported(path, "a Windows installation")
    if (path / "Python.framework").exists() or path.name == "Python.framework":
        raise _unsupported(path, "a macOS framework")


def _unsupported(path: Path, kind: str) -> HostPythonError:
    problem = f"{path} is {kind}; only Linux targets can be read here"
    return HostPythonError(
        problem, hint="name the CPython of a Linux target; `crossenv create --host-python` also takes one for Windows"
    )


def _package(name: str) -> str:
    """Name the package with a Python's headers and configuration, by the name of its directory or program."""
    return f"{name}-dev (or pypy3-dev)" if name.startswith("pypy") else f"lib{name}-dev (or -devel)"


def find_program(prefix: Path, names: Iterable[str]) -> Path | None:
    """Return the first ELF file of these names in a prefix's `bin`."""
    candidates = (prefix / "bin" / name for name in names)
    return next((candidate for candidate in candidates if is_elf(candidate)), None)

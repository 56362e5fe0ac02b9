"""Find a host Python's files, whatever of it the user named."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from crossenv.elf import is_elf
from crossenv.errors import HostPythonError
from crossenv.host.libc import read_text

_STDLIB_NAME = re.compile(r"python(3\.\d+)(t?)")
_PROGRAM_NAME = re.compile(r"python(?P<version>3(?:\.\d+)?)?(?P<flags>[a-z]*)(?:\.exe)?")
_DATA_FILES = "_sysconfigdata*.py"
_MACH_O = {bytes.fromhex(magic) for magic in ("feedface", "feedfacf", "cefaedfe", "cffaedfe", "cafebabe")}
_CHOOSE = "pass the one meant as --host-python"
_NAME_ONE = (
    "name an interpreter (SYSROOT/usr/bin/python3.11), its prefix, a build tree or a _sysconfigdata file "
    "with --host-python"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """Where a host Python's files are.

    Attributes:
        layout: "prefix", "build tree" or "sysconfigdata file".
        sysconfigdata: Its recorded configuration.
        prefix: What is its `sys.prefix` on the host, or the build tree's root; None for a lone file.
        stdlib: `lib/python3.X` of a prefix, else the directory that holds `sysconfigdata`.
        executable: The interpreter that the user named, if it was one.
    """

    layout: str
    sysconfigdata: Path
    prefix: Path | None
    stdlib: Path
    executable: Path | None = None


def locate(path: Path, *, sysroot: Path | None = None) -> Located:
    """The host Python that `path` stands for.

    Raises:
        HostPythonError: There is none, more than one, or one of a kind that is not supported.
    """
    # The host's absolute links are broken here until they are followed inside its tree.
    if not path.exists() and not (path.is_symlink() and _follow(path, sysroot).exists()):
        what = "is a broken link" if path.is_symlink() else "does not exist"
        raise HostPythonError(f"{path} {what}", hint=_NAME_ONE)
    if path.is_dir():
        return _in_directory(path)
    if path.match(_DATA_FILES):
        return _around_data_file(path)
    return _around_program(path, sysroot)


def _in_directory(path: Path) -> Located:
    if (path / "pybuilddir.txt").is_file() or _looks_built(path):
        return _build_tree(path)
    if _STDLIB_NAME.fullmatch(path.name) and _data_files(path):
        return _in_stdlib(path)
    # A sysroot's own lib may be a link to usr/lib, so its usr goes first.
    prefixes = [path / "usr", path / "usr/local", path]
    stdlibs = _unique(stdlib for prefix in prefixes for stdlib in _stdlibs(prefix))
    data_holders = [stdlib for stdlib in stdlibs if _data_files(stdlib)]
    if not data_holders:
        _refuse_other_kinds(path)
        if stdlibs:
            raise HostPythonError(
                f"no {_DATA_FILES} in {stdlibs[0]}",
                hint=f"install the host's lib{stdlibs[0].name}-dev (or -devel) package there",
            )
        raise HostPythonError(f"no Python in {path}: it has no lib/python3.X", hint=_NAME_ONE)
    if len(data_holders) > 1:
        raise HostPythonError(f"several Pythons in {path}: {_listed(data_holders)}", hint=_CHOOSE)
    return _in_stdlib(data_holders[0])


def _around_data_file(path: Path) -> Located:
    for stdlib in (path.parent, path.parent.parent):
        if _STDLIB_NAME.fullmatch(stdlib.name):
            return Located(layout="prefix", sysconfigdata=path, prefix=stdlib.parent.parent, stdlib=stdlib)
    for tree in (path.parent.parent, path.parent.parent.parent):
        if (tree / "pybuilddir.txt").is_file():
            return Located(layout="build tree", sysconfigdata=path, prefix=tree, stdlib=path.parent)
    return Located(layout="sysconfigdata file", sysconfigdata=path, prefix=None, stdlib=path.parent)


def _around_program(path: Path, sysroot: Path | None) -> Located:
    program = _follow(path, sysroot)
    try:
        with program.open("rb") as stream:
            magic = stream.read(4)
    except OSError as error:
        raise HostPythonError(f"cannot read {program}: {error.strerror or error}", hint=_NAME_ONE) from error
    if magic[:2] == b"MZ":
        raise _unsupported(path, "a Windows program")
    if magic in _MACH_O:
        raise _unsupported(path, "a macOS program")
    if "pypy" in program.name or "pypy" in path.name:
        raise _pypy(path)
    if magic != b"\x7fELF":
        kind = "a script" if magic[:2] == b"#!" else "neither an ELF program nor a _sysconfigdata file"
        raise HostPythonError(f"{path} is not a Python: it is {kind}", hint=_NAME_ONE)
    match = _PROGRAM_NAME.fullmatch(program.name)
    if match is None:
        raise HostPythonError(f"{path} is not a Python: the program's name is {program.name}", hint=_NAME_ONE)
    if (program.parent / "pybuilddir.txt").is_file():
        return _build_tree(program.parent, program)
    prefix = program.parent.parent
    stdlibs = [stdlib for stdlib in _stdlibs(prefix) if _data_files(stdlib)]
    flags, version = match["flags"], match["version"] or ""
    if "." in version:
        names = [f"python{version}t"] if "t" in flags else []
        names += [f"python{version}"]
        stdlibs = next(filter(None, ([s for s in stdlibs if s.name == name] for name in names)), [])
    if not stdlibs:
        raise HostPythonError(
            f"no lib/{program.name}/{_DATA_FILES} beside {path}",
            hint=f"install the host's lib{program.name}-dev (or -devel) package there",
        )
    if len(stdlibs) > 1:
        raise HostPythonError(f"several Pythons beside {path}: {_listed(stdlibs)}", hint=_CHOOSE)
    return _in_stdlib(stdlibs[0], program, flags.replace("t", "") if flags else None)


def _in_stdlib(stdlib: Path, program: Path | None = None, flags: str | None = None) -> Located:
    files = _data_files(stdlib)
    if len(files) > 1 and program is not None:
        # A release and a debug build share a directory; the name begins with the ABI flags.
        named = [file for file in files if file.name.startswith(f"_sysconfigdata_{flags or ''}_")]
        files = named or files
    return Located(
        layout="prefix",
        sysconfigdata=_only(files),
        prefix=stdlib.parent.parent,
        stdlib=stdlib,
        executable=program,
    )


def _build_tree(tree: Path, program: Path | None = None) -> Located:
    recorded = read_text(tree / "pybuilddir.txt").strip()
    directories = sorted(tree.glob("build/lib.*"))
    if recorded and "\0" not in recorded:
        directories = [tree / recorded]
    files = [file for directory in directories for file in sorted(directory.glob(_DATA_FILES))]
    if not files:
        raise HostPythonError(
            f"the build tree {tree} has no {_DATA_FILES}",
            hint="finish the host Python's build: make sharedmods",
        )
    data = _only(files)
    return Located(layout="build tree", sysconfigdata=data, prefix=tree, stdlib=data.parent, executable=program)


def _looks_built(path: Path) -> bool:
    return all((path / name).is_file() for name in ("Makefile", "pyconfig.h", "Modules/Setup.local"))


def _stdlibs(prefix: Path) -> list[Path]:
    found = []
    for name in ("lib", "lib64"):
        directory = prefix / name
        children = sorted(directory.iterdir()) if directory.is_dir() else []
        found += [child for child in children if _STDLIB_NAME.fullmatch(child.name) and child.is_dir()]
    return _unique(found)


def _data_files(stdlib: Path) -> list[Path]:
    """The recorded configurations in `stdlib`, one of each that are the same file or text."""
    candidates = sorted(stdlib.glob(_DATA_FILES)) or sorted(stdlib.glob(f"config-*/{_DATA_FILES}"))
    different: dict[bytes, Path] = {}
    for file in candidates:
        try:
            text = file.read_bytes()
        except OSError:
            continue
        kept = different.get(text)
        # Of a file and a link to it, the file is the one that a reader wants to see named.
        if kept is None or (kept.is_symlink() and not file.is_symlink()):
            different[text] = file
    return sorted(different.values())


def _only(files: list[Path]) -> Path:
    if len(files) > 1:
        raise HostPythonError(f"several configurations that differ: {_listed(files)}", hint=_CHOOSE)
    return files[0]


def _follow(path: Path, sysroot: Path | None) -> Path:
    """The file that a link ends at, absolute links being the host's own."""
    for _ in range(40):
        if not path.is_symlink():
            break
        target = path.readlink()
        if target.is_absolute():
            roots = [sysroot] if sysroot else [*path.parents][:-1]
            inside = [root / target.relative_to("/") for root in roots]
            here = next((candidate for candidate in inside if candidate.exists()), None)
            if here is None and sysroot:
                # Followed as it stands, it would name this machine's own Python.
                raise HostPythonError(
                    f"{path} links to {target}, which is not in {sysroot}", hint="name the interpreter itself"
                )
            path = here or target
        else:
            path = path.parent / target
    return path.parent.resolve() / path.name


def _refuse_other_kinds(path: Path) -> None:
    for prefix in (path, path / "usr", path / "usr/local"):
        if any(prefix.glob("lib/pypy3*")) or any(prefix.glob("bin/pypy3*")):
            raise _pypy(path)
    if any((path / name).exists() for name in ("python.exe", "python3.dll", "pythonw.exe")):
        raise _unsupported(path, "a Windows installation")
    if (path / "Python.framework").exists() or path.name == "Python.framework":
        raise _unsupported(path, "a macOS framework")


def _pypy(path: Path) -> HostPythonError:
    problem = f"{path} is PyPy; PyPy hosts are not supported yet"
    return HostPythonError(problem, hint="name a CPython with --host-python")


def _unsupported(path: Path, kind: str) -> HostPythonError:
    problem = f"{path} is {kind}; only Linux hosts can be read"
    return HostPythonError(problem, hint="name the CPython of a Linux host with --host-python")


def _unique(paths: Iterable[Path]) -> list[Path]:
    return list({path.resolve(): path for path in reversed(list(paths))}.values())[::-1]


def _listed(paths: Iterable[Path]) -> str:
    return ", ".join(map(str, paths))


def find_program(prefix: Path, names: Iterable[str]) -> Path | None:
    """The first ELF file of these names in a prefix's `bin`."""
    candidates = (prefix / "bin" / name for name in names)
    return next((candidate for candidate in candidates if is_elf(candidate)), None)

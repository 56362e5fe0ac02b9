"""Read a host Python from its files on disk, without running it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from crossenv.binaries import FORMATS
from crossenv.binaries.elf import ElfError, ElfFacts, is_elf, read_elf
from crossenv.errors import HostPythonError, reason_of
from crossenv.libc.version import find_libc, read_text
from crossenv.platforms import Platform, platform_of_config
from crossenv.platforms.architectures import Identity, architecture_of
from crossenv.platforms.triplets import identity_of_triplet
from crossenv.pythons.check import check_host_python
from crossenv.pythons.details import Details, configuration, disagreements, load_details
from crossenv.pythons.dump_document import is_dump, load_dump
from crossenv.pythons.from_dump import host_of_dump
from crossenv.pythons.locate import DETAILS, Located, locate, locate_with_data
from crossenv.pythons.model import ConfigValue, HostPython
from crossenv.pythons.origin import origin_of, prefix_is_provisional
from crossenv.pythons.places import Names, Places, executable_of, include_dirs_of, lib_dir_of, libraries_in, sysroot_of
from crossenv.pythons.pypy import configuration_by_names, is_live
from crossenv.pythons.sysconfigdata import number_of, parse_sysconfigdata, text_of

_MIX_HINT = "name one whole installation with --host-python"


def read_host_python(
    path: Path,
    *,
    sysroot: Path | None = None,
    machine: str | None = None,
    host_prefix: str | None = None,
    sysconfigdata: Path | None = None,
) -> HostPython:
    """Read the Python that the wheels are for from `path`.

    Args:
        path: An interpreter, a prefix, a sysroot, a CPython build tree, a `_sysconfigdata*.py`, a
            `build-details.json` or a dump.
        sysroot: The root for recorded paths; None to find it from the recorded prefix.
        machine: `os.uname().machine` of the target; None to take it from the ELF files.
        host_prefix: `sys.prefix` on the target, if it differs from the recorded one.
        sysconfigdata: The configuration to read instead of the one beside `path`.

    Raises:
        HostPythonError: There is no such Python, it is of an unsupported kind, or its facts contradict each other.
    """
    try:
        if sysroot is not None:
            sysroot = _absolute(sysroot)
            if not sysroot.is_dir():
                problem = f"the sysroot {sysroot} is not a directory"
                raise HostPythonError(problem, hint="name another with --sysroot")
        path = _absolute(path)
        if is_dump(path):
            return host_of_dump(load_dump(path), sysroot=sysroot, machine=machine, host_prefix=host_prefix)
        located = (
            locate(path, sysroot=sysroot)
            if sysconfigdata is None
            else locate_with_data(path, _absolute(sysconfigdata), sysroot=sysroot)
        )
        return _read(path, located, sysroot, machine, host_prefix)
    except OSError as error:
        problem = f"cannot read {error.filename or path}: {reason_of(error)}"
        raise HostPythonError(problem, hint="name another with --host-python") from error


def _read(
    path: Path, located: Located, sysroot: Path | None, machine: str | None, host_prefix: str | None
) -> HostPython:
    file = located.sysconfigdata
    details = load_details(located.details) if located.details is not None else None
    config, notes = _configuration(located, details, ())
    implementation, platform = _implementation(config, file), platform_of_config(config, str(file))
    version = text_of(config, "VERSION", file)
    abi_flags = _abi_flags(config, file)
    multiarch = text_of(config, "MULTIARCH", file, "")
    gnu_type = text_of(config, "HOST_GNU_TYPE", file, "")
    prefix = PurePosixPath(text_of(config, "prefix", file, "/usr"))
    if sysroot is None and located.layout in ("prefix", DETAILS):
        sysroot = sysroot_of(located.prefix, prefix)
    here = Places(located=located, recorded=prefix, sysroot=sysroot)
    names = Names(implementation=implementation, version=version, abi_flags=abi_flags, multiarch=multiarch)
    include_dirs = include_dirs_of(here, names, config)
    if located.layout == DETAILS:
        config, notes = _configuration(located, details, include_dirs)
    executable = located.executable or executable_of(here, names)
    lib_dir = lib_dir_of(here, names, config)
    facts, elf_file = None, None
    if platform.native_format in FORMATS:
        facts, elf_file = _elf_facts(executable, lib_dir, located.stdlib, platform)
    identity = facts.identity if facts else _elf_of_config(config, file, multiarch or gnu_type)
    host_machine = machine or _machine_of(identity, path)
    libc = platform.only_libc(config) or find_libc(
        facts=facts, triplets=(gnu_type, multiarch), multiarch=multiarch, identity=identity, sysroot=sysroot
    )
    if libc is None:
        problem = f"{path} uses a C library that is neither glibc nor musl"
        raise HostPythonError(problem, hint="name the CPython of a Linux target")
    bin_dir = text_of(config, "BINDIR", file, f"{prefix}/bin")
    if host_prefix:
        bin_dir = f"{host_prefix.rstrip('/')}/bin"
    elif prefix_is_provisional(config):
        notes.append(
            f"the recorded prefix {_shortened(str(prefix))} is not a place on the target: installed scripts need"
            " --host-prefix"
        )
    if details is not None and located.layout != DETAILS:
        notes += [*details.notes, *disagreements(details, config, host_machine)]
    host = HostPython(
        source=path,
        layout=located.layout,
        sysconfigdata=file,
        config=config,
        implementation=implementation,
        version=version,
        full_version=_full_version(include_dirs) or (details.full_version if details else ""),
        abi_flags=abi_flags,
        soabi=text_of(config, "SOABI", file),
        ext_suffix=text_of(config, "EXT_SUFFIX", file),
        multiarch=multiarch,
        gnu_type=gnu_type,
        include_dirs=include_dirs,
        lib_dir=lib_dir,
        libraries=libraries_in(lib_dir),
        executable=executable,
        host_executable=f"{bin_dir}/{names.programs[0]}",
        sysroot=sysroot,
        identity=identity,
        machine=host_machine,
        libc=libc,
        system=platform.name,
        origin=origin_of(config, prefix=here.prefix, sysroot=sysroot),
        prefix=here.prefix,
        notes=tuple(notes),
    )
    check_host_python(host, stdlib=located.stdlib, elf_file=elf_file)
    return host


def _configuration(
    located: Located, details: Details | None, include_dirs: tuple[Path, ...]
) -> tuple[dict[str, ConfigValue], list[str]]:
    """Return the configuration variables, recorded or derived, and remarks for the user."""
    file = located.sysconfigdata
    if located.layout == DETAILS:
        assert details is not None
        notes = [*details.notes, f"{file} names no compiler flags; CPython's own are taken"]
        return configuration(details, include_dirs), notes
    if is_live(file):
        return configuration_by_names(file), [f"{file} is code and not run; the names of PyPy's modules are read"]
    return parse_sysconfigdata(file), []


def _shortened(path: str) -> str:
    return path if len(path) <= 60 else f"{path[:40]}...{path[-12:]}"


def _implementation(config: Mapping[str, ConfigValue], file: Path) -> str:
    soabi = text_of(config, "SOABI", file)
    for start, name in (("cpython-", "cpython"), ("pypy", "pypy")):
        if soabi.startswith(start):
            return name
    raise HostPythonError(
        f"{file} is not CPython's or PyPy's: its SOABI is {soabi!r}", hint="name a CPython with --host-python"
    )


def _abi_flags(config: Mapping[str, ConfigValue], file: Path) -> str:
    if "ABIFLAGS" in config:
        return text_of(config, "ABIFLAGS", file)
    threads = "t" if number_of(config, "Py_GIL_DISABLED", file) else ""
    return threads + ("d" if number_of(config, "Py_DEBUG", file) else "")


def _full_version(include_dirs: tuple[Path, ...]) -> str:
    text = read_text(include_dirs[0] / "patchlevel.h")
    match = re.search(r'^\s*#\s*define\s+PY_VERSION\s+"([^"]+)"', text, re.M)
    return match[1] if match else ""


def _elf_facts(
    executable: Path | None, lib_dir: Path | None, stdlib: Path, platform: Platform
) -> tuple[ElfFacts | None, Path | None]:
    """Return the facts in its ELF files: the interpreter, else libpython, else an extension module."""
    candidates: list[Path] = [executable] if executable else []
    if not candidates and lib_dir is not None:
        candidates += sorted(lib_dir.glob(f"libpython3*{platform.library_suffix}*"))
    if not candidates:
        modules = f"*{platform.module_suffix}"
        candidates += sorted((stdlib / "lib-dynload").glob(modules)) or sorted(stdlib.glob(modules))
    file = next((candidate for candidate in candidates if is_elf(candidate)), None)
    if file is None:
        return None, None
    try:
        return read_elf(file), file
    except ElfError as error:
        raise HostPythonError(f"cannot read the host Python: {error}", hint=_MIX_HINT) from error


def _elf_of_config(config: Mapping[str, ConfigValue], file: Path, triplet: str) -> Identity:
    identity = identity_of_triplet(triplet, pointer_bytes=number_of(config, "SIZEOF_VOID_P", file))
    if identity is None:
        what = f"the triplet {triplet!r}" if triplet else "no MULTIARCH, no HOST_GNU_TYPE"
        raise HostPythonError(
            f"cannot tell the target's machine: {file} has {what} and no ELF files beside it",
            hint="name the interpreter or its prefix with --host-python",
        )
    return identity


def _machine_of(identity: Identity, path: Path) -> str:
    row = architecture_of(identity)
    if row is None:
        problem = f"{path} is for {identity}, a machine that crossenv does not know"
        raise HostPythonError(problem, hint="say what `uname -m` prints there: --machine")
    return row.name


def _absolute(path: Path) -> Path:
    path = path.absolute()
    return path.resolve() if ".." in path.parts and path.is_dir() else path

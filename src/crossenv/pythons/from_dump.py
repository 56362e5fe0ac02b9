"""Make the host Python that a dump describes."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from crossenv.errors import HostPythonError
from crossenv.platforms import is_built_for
from crossenv.platforms.architectures import Identity, architecture_of
from crossenv.platforms.triplets import identity_of_triplet
from crossenv.pythons.check import check_host_python
from crossenv.pythons.dump_document import OURS, Dump
from crossenv.pythons.dump_headers import headers_below
from crossenv.pythons.model import HostPython
from crossenv.pythons.places import libraries_in

LAYOUT = "dump"
_SYSTEMS = {"win32": "Windows", "darwin": "macOS"}


def host_of_dump(
    dump: Dump, *, sysroot: Path | None = None, machine: str | None = None, host_prefix: str | None = None
) -> HostPython:
    """Return the host Python, with headers only if they are in `sysroot`.

    Args:
        dump: The dump.
        sysroot: The root of the target's files here; None if there is only the dump.
        machine: `os.uname().machine` of the target; None for the dump's.
        host_prefix: `sys.prefix` on the target, if it differs from the dump's.

    Raises:
        HostPythonError: It is of an unsupported kind, or its facts contradict each other.
    """
    _refuse_other_kinds(dump)
    variables = dump.variables
    gnu_type = str(variables.get("HOST_GNU_TYPE", ""))
    name = PurePosixPath(dump.interpreter).name
    lib_dir = _library_directory(sysroot, dump)
    host = HostPython(
        source=dump.source,
        layout=LAYOUT,
        sysconfigdata=dump.source,
        config=variables,
        implementation=dump.implementation,
        version=dump.version,
        full_version=dump.full_version,
        abi_flags=dump.abi_flags,
        soabi=str(variables.get("SOABI", dump.extension_suffix.split(".")[1])),
        ext_suffix=dump.extension_suffix,
        multiarch=dump.multiarch,
        gnu_type=gnu_type,
        include_dirs=headers_below(sysroot, dump) if sysroot is not None else (),
        lib_dir=lib_dir,
        libraries=libraries_in(lib_dir),
        executable=None,
        host_executable=f"{host_prefix.rstrip('/')}/bin/{name}" if host_prefix else dump.interpreter,
        sysroot=sysroot,
        identity=dump.identity or _identity_of_names(dump, gnu_type),
        machine=machine or dump.machine,
        libc=dump.libc,
    )
    if architecture_of(host.identity) is None and machine is None:
        problem = f"{dump.source} is for {host.identity}, a machine that crossenv does not know"
        raise HostPythonError(problem, hint="say what `uname -m` prints there: --machine")
    check_host_python(host, stdlib=dump.source.parent, elf_file=dump.source)
    return host


def _refuse_other_kinds(dump: Dump) -> None:
    if dump.implementation not in ("cpython", "pypy"):
        raise HostPythonError(
            f"{dump.source} is a dump of {dump.implementation}; only CPython and PyPy targets are supported",
            hint="take one of the target's CPython",
        )
    if not is_built_for(dump.system, dump.libc.family):
        system = _SYSTEMS.get(dump.system, dump.system)
        libc = f" with {dump.libc.family or 'an unknown C library'}" if is_built_for(dump.system) else ""
        raise HostPythonError(
            f"{dump.source} is a dump of {system}{libc}; only Linux targets with glibc or musl can be built for",
            hint="take one of a Linux target's CPython",
        )


def _library_directory(sysroot: Path | None, dump: Dump) -> Path | None:
    if sysroot is None or not dump.library.startswith("/"):
        return None
    directory = sysroot / PurePosixPath(dump.library).parent.relative_to("/")
    return directory if directory.is_dir() else None


def _identity_of_names(dump: Dump, gnu_type: str) -> Identity:
    triplet = dump.multiarch or gnu_type
    identity = identity_of_triplet(triplet, pointer_bytes=dump.pointer_size) if triplet else None
    if identity is None:
        raise HostPythonError(
            f"cannot tell the target's machine: nothing at '{OURS}.machine.elf' and the triplet is {triplet!r}"
            f" in {dump.source}",
            hint="take the dump again on the target, as a user who may read the interpreter's file",
        )
    return identity

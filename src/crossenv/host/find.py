"""Read a host Python from its files on disk, without running it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from crossenv.elf import ElfError, ElfFacts, is_elf, read_elf
from crossenv.errors import HostPythonError
from crossenv.host.check import check_host_python
from crossenv.host.dump_document import is_dump, load_dump
from crossenv.host.from_dump import host_of_dump
from crossenv.host.libc import find_libc, read_text
from crossenv.host.locate import Located, find_program, locate
from crossenv.host.model import ConfigValue, HostPython
from crossenv.host.sysconfigdata import number_of, parse_sysconfigdata, text_of
from crossenv.host.triplet import identity_of_triplet
from crossenv.target import ElfIdentity, architecture_of

# Prefixes of a system root; any other prefix is only below a sysroot if there is a C library too.
_SYSTEM_PREFIXES = {"/usr", "/usr/local", "/"}
_MIX_HINT = "name one whole installation with --host-python"


def read_host_python(
    path: Path, *, sysroot: Path | None = None, machine: str | None = None, host_prefix: str | None = None
) -> HostPython:
    """What `path` says about the Python that the wheels are for.

    Args:
        path: An interpreter, a prefix, a sysroot, a CPython build tree, a `_sysconfigdata*.py` or a dump.
        sysroot: The root that recorded paths are below; found from the recorded prefix if None.
        machine: `os.uname().machine` of the host; by its ELF files if None.
        host_prefix: `sys.prefix` on the host, if it will be installed elsewhere than recorded.

    Raises:
        HostPythonError: There is no such Python, it is of an unsupported kind, or its facts exclude each
            other.
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
        return _read(path, locate(path, sysroot=sysroot), sysroot, machine, host_prefix)
    except OSError as error:
        problem = f"cannot read {error.filename or path}: {error.strerror or error}"
        raise HostPythonError(problem, hint="name another with --host-python") from error


def _read(
    path: Path, located: Located, sysroot: Path | None, machine: str | None, host_prefix: str | None
) -> HostPython:
    file = located.sysconfigdata
    config = parse_sysconfigdata(file)
    soabi = _refuse_other_kinds(config, file)
    version = text_of(config, "VERSION", file)
    abi_flags = _abi_flags(config, file)
    multiarch = text_of(config, "MULTIARCH", file, "")
    gnu_type = text_of(config, "HOST_GNU_TYPE", file, "")
    prefix = PurePosixPath(text_of(config, "prefix", file, "/usr"))
    if sysroot is None and located.layout == "prefix":
        sysroot = _sysroot_of(located.prefix, prefix)
    here = _Places(located=located, recorded=prefix, sysroot=sysroot)
    names = _Names(version=version, abi_flags=abi_flags, multiarch=multiarch)
    include_dirs = _include_dirs(here, names, config)
    executable = located.executable or _executable(here, names)
    lib_dir = _lib_dir(here, names, config)
    facts, elf_file = _elf_facts(executable, lib_dir, located.stdlib)
    elf = facts.identity if facts else _elf_of_config(config, file, multiarch or gnu_type)
    host_machine = machine or _machine_of(elf, path)
    libc = find_libc(facts=facts, triplets=(gnu_type, multiarch), multiarch=multiarch, elf=elf, sysroot=sysroot)
    if libc is None:
        problem = f"{path} uses a C library that is neither glibc nor musl"
        raise HostPythonError(problem, hint="name the CPython of a Linux host")
    bin_dir = text_of(config, "BINDIR", file, f"{prefix}/bin")
    if host_prefix:
        bin_dir = f"{host_prefix.rstrip('/')}/bin"
    host = HostPython(
        source=path,
        layout=located.layout,
        sysconfigdata=file,
        config=config,
        implementation="cpython",
        version=version,
        full_version=_full_version(include_dirs),
        abi_flags=abi_flags,
        soabi=soabi,
        ext_suffix=text_of(config, "EXT_SUFFIX", file),
        multiarch=multiarch,
        gnu_type=gnu_type,
        include_dirs=include_dirs,
        lib_dir=lib_dir,
        executable=executable,
        host_executable=f"{bin_dir}/{names.programs[0]}",
        sysroot=sysroot,
        elf=elf,
        machine=host_machine,
        libc=libc,
    )
    check_host_python(host, stdlib=located.stdlib, elf_file=elf_file)
    return host


@dataclass(frozen=True, kw_only=True, slots=True)
class _Names:
    """What files of one Python are called."""

    version: str
    abi_flags: str
    multiarch: str

    @property
    def programs(self) -> list[str]:
        return list(dict.fromkeys([f"python{self.version}{self.abi_flags}", f"python{self.version}"]))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Places:
    """Where recorded paths are on this machine.

    Attributes:
        located: The files that were found.
        recorded: `sys.prefix` on the host.
        sysroot: The root of the host's tree, if known.
    """

    located: Located
    recorded: PurePosixPath
    sysroot: Path | None

    @property
    def prefix(self) -> Path | None:
        """The host's prefix here; None where only its configuration is."""
        if self.located.layout == "prefix":
            return self.located.prefix
        return self.below_sysroot(self.recorded)

    def below_sysroot(self, path: PurePosixPath) -> Path | None:
        if self.sysroot is None or not path.is_absolute():
            return None
        return self.sysroot / path.relative_to("/")

    def find(self, recorded: str) -> Iterator[Path]:
        """Where a recorded path may be here, likeliest first."""
        path = PurePosixPath(recorded)
        if not recorded or not path.is_absolute():
            return
        if self.prefix is not None and path.is_relative_to(self.recorded):
            yield self.prefix / path.relative_to(self.recorded)
        below = self.below_sysroot(path)
        if below is not None:
            yield below


def _sysroot_of(prefix: Path | None, recorded: PurePosixPath) -> Path | None:
    """The root that `prefix` is in, if it ends with the path recorded for it."""
    if prefix is None or not recorded.is_absolute():
        return None
    tail = recorded.parts[1:]
    for real in (prefix, prefix.resolve()):
        count = len(real.parts) - len(tail)
        if count < 1 or real.parts[count:] != tail:
            continue
        root = Path(*real.parts[:count])
        if root == Path(root.anchor):
            return None
        if str(recorded) in _SYSTEM_PREFIXES or _has_libc(root):
            return root
    return None


def _has_libc(root: Path) -> bool:
    patterns = ["usr/include/features.h", "lib*/ld-*.so*", "lib*/libc.so*", "lib/*/libc.so*"]
    patterns += ("usr/lib*/ld-*.so*", "usr/lib*/libc.so*", "usr/lib/*/libc.so*")
    return any(next(root.glob(pattern), None) is not None for pattern in patterns)


def _refuse_other_kinds(config: Mapping[str, ConfigValue], file: Path) -> str:
    soabi = text_of(config, "SOABI", file)
    system = str(config.get("MACHDEP", ""))
    if soabi.startswith("pypy"):
        raise HostPythonError(
            f"{file} is PyPy's; PyPy hosts are not supported yet", hint="name a CPython with --host-python"
        )
    if not soabi.startswith("cpython-"):
        raise HostPythonError(
            f"{file} is not CPython's: its SOABI is {soabi!r}", hint="name a CPython with --host-python"
        )
    for other in ("darwin", "android", "emscripten", "wasi", "ios", "cygwin", "mingw"):
        if system.startswith(other) or other in soabi:
            raise HostPythonError(
                f"{file} is for {other}; only Linux hosts with glibc or musl can be read",
                hint="name a Linux host's CPython with --host-python",
            )
    return soabi


def _abi_flags(config: Mapping[str, ConfigValue], file: Path) -> str:
    if "ABIFLAGS" in config:
        return text_of(config, "ABIFLAGS", file)
    threads = "t" if number_of(config, "Py_GIL_DISABLED", file) else ""
    return threads + ("d" if number_of(config, "Py_DEBUG", file) else "")


def _include_dirs(here: _Places, names: _Names, config: Mapping[str, ConfigValue]) -> tuple[Path, ...]:
    candidates = list(_include_candidates(here, names, config))
    headers = next((directory for directory in candidates if (directory / "Python.h").is_file()), None)
    if headers is None:
        raise HostPythonError(
            f"no Python.h for {here.located.sysconfigdata}",
            hint=f"install the host's libpython{names.version}-dev (or python-devel) package in its sysroot, "
            "or name the root that holds it with --sysroot",
        )
    wrapped = re.search(r"#\s*include\s+<(.+)/pyconfig\.h>", read_text(headers / "pyconfig.h"))
    if wrapped is None:
        own = [headers, *(c for c in candidates if c != headers)]
        found = next((directory for directory in own if (directory / "pyconfig.h").is_file()), None)
    else:
        # Debian's is a list of `#include <TRIPLET/python3.X/pyconfig.h>`, one for each architecture.
        parts = [f"{names.multiarch}/{name}" for name in names.programs]
        own = [headers.parent / part for part in parts]
        found = next((directory for directory in own if (directory / "pyconfig.h").is_file()), None)
    if found is None:
        raise HostPythonError(
            f"no pyconfig.h for {names.multiarch or here.located.sysconfigdata} with {headers / 'Python.h'}",
            hint=f"install the libpython{names.version}-dev package of the host's architecture",
        )
    return (headers,) if found == headers else (headers, found)


def _include_candidates(here: _Places, names: _Names, config: Mapping[str, ConfigValue]) -> Iterator[Path]:
    file = here.located.sysconfigdata
    if here.located.layout == "build tree" and here.located.prefix is not None:
        tree = here.located.prefix
        recorded = [text_of(config, key, file, "") for key in ("srcdir", "abs_srcdir")]
        for directory in [tree / name for name in recorded if name] + [tree, tree.parent]:
            yield (directory / "Include").resolve()
        yield tree
        return
    for key in ("INCLUDEPY", "CONFINCLUDEPY"):
        yield from here.find(text_of(config, key, file, ""))
    if here.prefix is not None:
        yield from (here.prefix / "include" / name for name in names.programs)


def _full_version(include_dirs: tuple[Path, ...]) -> str:
    text = read_text(include_dirs[0] / "patchlevel.h")
    match = re.search(r'^\s*#\s*define\s+PY_VERSION\s+"([^"]+)"', text, re.M)
    return match[1] if match else ""


def _executable(here: _Places, names: _Names) -> Path | None:
    if here.located.layout == "build tree" and here.located.prefix is not None:
        program = here.located.prefix / "python"
        return program if is_elf(program) else None
    return find_program(here.prefix, names.programs) if here.prefix is not None else None


def _lib_dir(here: _Places, names: _Names, config: Mapping[str, ConfigValue]) -> Path | None:
    if here.located.layout == "build tree":
        return here.located.prefix
    file = here.located.sysconfigdata
    candidates = [*here.find(text_of(config, "LIBDIR", file, ""))]
    if here.prefix is not None:
        candidates += [here.prefix / name for name in (f"lib/{names.multiarch}", "lib64", "lib")]
    candidates += here.find(text_of(config, "LIBPL", file, ""))
    present = [directory for directory in candidates if directory.is_dir()]
    with_library = (d for d in present if any(next(d.glob(f"lib{p}*.*"), None) for p in names.programs))
    return next(with_library, present[0] if present else None)


def _elf_facts(executable: Path | None, lib_dir: Path | None, stdlib: Path) -> tuple[ElfFacts | None, Path | None]:
    """What the host's own ELF files say: its interpreter, else libpython, else an extension module."""
    candidates: list[Path] = [executable] if executable else []
    if not candidates and lib_dir is not None:
        candidates += sorted(lib_dir.glob("libpython3*.so*"))
    if not candidates:
        candidates += sorted((stdlib / "lib-dynload").glob("*.so")) or sorted(stdlib.glob("*.so"))
    file = next((candidate for candidate in candidates if is_elf(candidate)), None)
    if file is None:
        return None, None
    try:
        return read_elf(file), file
    except ElfError as error:
        raise HostPythonError(f"cannot read the host Python: {error}", hint=_MIX_HINT) from error


def _elf_of_config(config: Mapping[str, ConfigValue], file: Path, triplet: str) -> ElfIdentity:
    elf = identity_of_triplet(triplet, pointer_bytes=number_of(config, "SIZEOF_VOID_P", file))
    if elf is None:
        what = f"the triplet {triplet!r}" if triplet else "no MULTIARCH, no HOST_GNU_TYPE"
        raise HostPythonError(
            f"cannot tell the host's machine: {file} has {what} and no ELF files beside it",
            hint="name the interpreter or its prefix with --host-python",
        )
    return elf


def _machine_of(elf: ElfIdentity, path: Path) -> str:
    row = architecture_of(elf)
    if row is None:
        problem = f"{path} is for {elf}, a machine that crossenv does not know"
        raise HostPythonError(problem, hint="say what `uname -m` prints there: --machine")
    return row.name


def _absolute(path: Path) -> Path:
    path = path.absolute()
    return path.resolve() if ".." in path.parts and path.is_dir() else path

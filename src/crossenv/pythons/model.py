"""The record of a host Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crossenv.platforms import DEFAULT, PLATFORMS, Libc, Machine, Platform
from crossenv.platforms.architectures import Identity
from crossenv.platforms.target import FIRST_ABI3T

ConfigValue = int | str


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """The facts of a host Python that every stage needs, without the places of its files.

    `HostPython` adds the places in which its files were found, `crossenv.record.HostRecord` those in an environment.

    Attributes:
        layout: The kind of thing that the user named: "prefix", "build tree", "sysconfigdata file",
            "build-details.json" or "dump".
        implementation: "cpython" or "pypy".
        version: "3.11".
        full_version: "3.11.2", from `patchlevel.h`; "" without headers.
        abi_flags: its `sys.abiflags`: "", "d", "t", "td".
        soabi: "cpython-311-aarch64-linux-gnu".
        multiarch: `sys.implementation._multiarch`: "aarch64-linux-gnu"; "" if it has none.
        gnu_type: The recorded HOST_GNU_TYPE: "aarch64-unknown-linux-gnu"; "" if there is none.
        machine: `os.uname().machine` of the target.
        identity: The identity of its native files; if there are none here, from the recorded triplet and sizes.
        libc: Its C library.
        system: `sys.platform` on the target, a key of `crossenv.platforms.PLATFORMS`.
    """

    layout: str
    implementation: str
    version: str
    full_version: str
    abi_flags: str
    soabi: str
    multiarch: str
    gnu_type: str
    machine: str
    identity: Identity
    libc: Libc
    system: str = DEFAULT.name

    @property
    def platform(self) -> Platform:
        """Its operating system."""
        return PLATFORMS[self.system]

    @property
    def as_machine(self) -> Machine:
        """The facts on which its platform's names and tags depend."""
        return Machine(name=self.machine, libc=self.libc, multiarch=self.multiarch, identity=self.identity)

    @property
    def plain_tag(self) -> str:
        """The platform tag of wheels without a promise: "linux_aarch64"."""
        return self.platform.plain_tag(self.as_machine)

    @property
    def free_threaded(self) -> bool:
        """Whether it is a free-threaded build (PEP 703)."""
        return "t" in self.abi_flags


@dataclass(frozen=True, kw_only=True, slots=True)
class HostPython(Host):
    """The Python that the wheels are for, as its files describe it; nobody has run it.

    All paths are absolute paths of this machine.

    Attributes:
        source: The file or directory that the user named.
        sysconfigdata: The file that `config` comes from.
        config: Its recorded `build_time_vars`; their paths and compilers are those of the machine that built it.
        ext_suffix: ".cpython-311-aarch64-linux-gnu.so".
        include_dirs: Directories that together hold `Python.h` and `pyconfig.h` (the latter's own last).
        lib_dir: The directory for libpython, whether it is there or not; None if there is no such directory here.
        libraries: Its libpythons there.
        executable: The interpreter's file, if one was found.
        host_executable: The path of the interpreter on the target ("/usr/bin/python3.11").
        sysroot: The root directory below which the recorded paths are; None if they are not here.
        origin: Its distributor, if its files tell: "Debian GNU/Linux 12 (bookworm)", "conda"; else "".
        prefix: Its prefix here; None if it is not here. The recorded one is `config["prefix"]`.
        notes: The faults of its files that were mended, one line each.
    """

    source: Path
    sysconfigdata: Path
    config: Mapping[str, ConfigValue]
    ext_suffix: str
    include_dirs: tuple[Path, ...]
    lib_dir: Path | None
    libraries: tuple[Path, ...] = ()
    executable: Path | None
    host_executable: str
    sysroot: Path | None
    origin: str = ""
    prefix: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def extension_suffixes(self) -> tuple[str, ...]:
        """The suffixes of extension modules that it imports, the most specific first. PyPy has only its own."""
        if self.implementation == "pypy":
            return (self.ext_suffix,)
        plain, names = self.platform.module_suffix, [self.platform.stable_suffix]
        if tuple(map(int, self.version.split("."))) >= FIRST_ABI3T:
            # PEP 803. Each is also taken with the multiarch tuple, which comes first.
            names = [name.replace(".abi3", f".{abi}") for name in names for abi in self._stable_abis]
            if self.multiarch:
                names = [
                    either for name in names for either in (name.replace(plain, f"-{self.multiarch}{plain}"), name)
                ]
        return tuple(dict.fromkeys((self.ext_suffix, *names, plain)))

    @property
    def _stable_abis(self) -> tuple[str, ...]:
        return ("abi3t",) if self.free_threaded else ("abi3", "abi3t")

    @property
    def recorded_prefix(self) -> str:
        """The recorded `sys.prefix`."""
        return str(self.config.get("prefix") or "/usr")

    @property
    def directory_name(self) -> str:
        """The name of its standard library's directory: "python3.13t", "pypy3.11"."""
        kind = "pypy" if self.implementation == "pypy" else "python"
        return f"{kind}{self.version}{'t' if self.free_threaded else ''}"


@dataclass(frozen=True, kw_only=True, slots=True)
class UnwrittenHost:
    """A host Python with files that are yet to be written: from a dump, or synthesised.

    Attributes:
        host: The host Python once they are written.
        files: By absolute path, the content of each file, or the file to copy.
    """

    host: HostPython
    files: Mapping[Path, str | bytes | Path] = field(default_factory=dict)

"""The record of a host Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crossenv.platforms import DEFAULT, PLATFORMS, Libc, Machine, Platform
from crossenv.platforms.architectures import Identity

ConfigValue = int | str


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """What a host Python is, wherever its files are: the facts that every stage has in common.

    `HostPython` adds where its files were found, `crossenv.record.HostRecord` where they are in an environment.

    Attributes:
        layout: What the user named: "prefix", "build tree", "sysconfigdata file", "build-details.json" or "dump".
        implementation: "cpython" or "pypy".
        version: "3.11".
        full_version: "3.11.2", from `patchlevel.h`; "" without headers.
        abi_flags: `sys.abiflags` of the host: "", "d", "t", "td".
        soabi: "cpython-311-aarch64-linux-gnu".
        multiarch: `sys.implementation._multiarch`: "aarch64-linux-gnu"; "" where the host has none.
        gnu_type: HOST_GNU_TYPE as recorded: "aarch64-unknown-linux-gnu"; "" where it is not.
        machine: `os.uname().machine` of the host.
        identity: What its native files say; from the config's triplet and sizes where it has none here.
        libc: Its C library.
        system: `sys.platform` on the host, a key of `crossenv.platforms.PLATFORMS`.
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
        """What its platform's names and tags depend on."""
        return Machine(name=self.machine, libc=self.libc, multiarch=self.multiarch, identity=self.identity)

    @property
    def plain_tag(self) -> str:
        """The platform tag of wheels for it that promise nothing: "linux_aarch64"."""
        return self.platform.plain_tag(self.as_machine)

    @property
    def free_threaded(self) -> bool:
        """Whether it is a free-threaded build (PEP 703)."""
        return "t" in self.abi_flags


@dataclass(frozen=True, kw_only=True, slots=True)
class HostPython(Host):
    """What was found of the Python that the wheels are for: everything that is decided before there is an environment.

    All paths are absolute paths of this machine. Nothing here was learned by running it.

    Attributes:
        source: What the user named.
        sysconfigdata: The file that `config` was parsed from, or follows from.
        config: Its `build_time_vars`, as recorded: paths and compilers are the host's own.
        ext_suffix: ".cpython-311-aarch64-linux-gnu.so".
        include_dirs: Directories that together hold `Python.h` and `pyconfig.h` (the latter's own last).
        lib_dir: Where libpython is, or would be; None where nothing like it exists here.
        libraries: Its libpythons there.
        executable: The interpreter's file, if one was found.
        host_executable: The path of the interpreter on the host machine ("/usr/bin/python3.11").
        sysroot: The root of the tree that it lives in: recorded paths are below it. None if they are not
            to be found anywhere.
        origin: Who made it, as far as its files tell: "Debian GNU/Linux 12 (bookworm)", "conda"; "" if they do not.
        prefix: Where its prefix is here; None where it is not. The recorded one is `config["prefix"]`.
        notes: What was wrong with its files and was mended, one line each.
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
        """What its import system takes, the most specific first. PyPy takes its own only."""
        if self.implementation == "pypy":
            return (self.ext_suffix,)
        plain, names = self.platform.module_suffix, [self.platform.stable_suffix]
        if tuple(map(int, self.version.split("."))) >= (3, 15):
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
        """`sys.prefix` on the host, as recorded."""
        return str(self.config.get("prefix") or "/usr")

    @property
    def directory_name(self) -> str:
        """What its standard library's directory is called: "python3.13t", "pypy3.11"."""
        kind = "pypy" if self.implementation == "pypy" else "python"
        return f"{kind}{self.version}{'t' if self.free_threaded else ''}"


@dataclass(frozen=True, kw_only=True, slots=True)
class UnwrittenHost:
    """A host Python some of whose files are yet to be written: a dump's, or one that was synthesised.

    Attributes:
        host: What it will be then.
        files: The files by absolute path: what each will hold, or the file to copy.
    """

    host: HostPython
    files: Mapping[Path, str | bytes | Path] = field(default_factory=dict)

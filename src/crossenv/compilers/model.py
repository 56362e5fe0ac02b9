"""A toolchain, and what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from crossenv.compilers.memory import Memory
from crossenv.compilers.zig.launchers import Launchers
from crossenv.libc.compiling import VERSION_MACROS
from crossenv.platforms import Libc, Platform
from crossenv.platforms.architectures import Identity
from crossenv.pythons.model import ConfigValue


class Purpose(Protocol):
    """What a toolchain is for: a machine, and what is recorded of how its Python was built. A `HostPython` is one."""

    @property
    def identity(self) -> Identity:
        """What the machine's files say."""

    @property
    def platform(self) -> Platform:
        """Its operating system."""

    @property
    def libc(self) -> Libc:
        """Its C library; without a version where nothing is promised."""

    @property
    def multiarch(self) -> str:
        """Debian's name of it; "" for none."""

    @property
    def gnu_type(self) -> str:
        """GNU's name of it; "" for none."""

    @property
    def config(self) -> Mapping[str, ConfigValue]:
        """What its Python recorded, such as its compilers."""

    @property
    def sysroot(self) -> Path | None:
        """The root of its files here."""

    @property
    def include_dirs(self) -> tuple[Path, ...]:
        """Where its Python's headers are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BarePurpose:
    """A machine of whose Python nothing is recorded; see `Purpose`."""

    identity: Identity
    platform: Platform
    libc: Libc
    multiarch: str
    gnu_type: str
    config: Mapping[str, ConfigValue] = field(default_factory=dict)
    sysroot: Path | None = None
    include_dirs: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """One program of a toolchain.

    Attributes:
        path: The program, absolute.
        args: Arguments that always come first ("-m32", "--target=aarch64-linux-gnu").
        origin: How it was chosen, for people: "--cc", "recorded by the host Python", "aarch64-linux-gnu-gcc on PATH".
        launcher: Whether it is a launcher of ours, of which each environment has its own.
        name: The tool's own file name, where `path` may be a wrapper (`ccache`); "" for that of `path`.
    """

    path: Path
    args: tuple[str, ...] = ()
    origin: str = ""
    launcher: bool = False
    name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Toolchain:
    """How to compile for the host.

    Attributes:
        family: "gcc" or "clang".
        version: The compiler's version, "12.2.0".
        cc: The C compiler; proved to make objects for `elf`.
        cxx: The C++ compiler; None where there is none.
        fc: The Fortran compiler; None where there is none.
        binutils: The other tools that exist, by their usual names: ar, ranlib, strip, nm, objcopy, objdump,
            readelf, ld.
        triplet: What the tools' names begin with, or `-dumpmachine` says ("aarch64-linux-gnu").
        identity: What the compiler's objects say.
        sysroot: What to pass as `--sysroot`; None to leave the compiler its own.
        library_dirs: Directories of the sysroot that the linker must search before the compiler's own.
        macros: The compiler's predefined macros that a build needs to know: see `PROBED_MACROS`.
        has_headers: Whether it finds the C library's headers.
        notes: What a user should know of the choice, one line each.
        probe_link: Options of links that only ask what the C library has; they save work.
        memory: Where its answers are kept; None for a compiler whose answers other files change.
        zig: What an environment's own launchers are made of where the compiler is zig; None for any other.
    """

    family: str
    version: str
    cc: Tool
    cxx: Tool | None
    fc: Tool | None
    binutils: dict[str, Tool]
    triplet: str
    identity: Identity
    sysroot: Path | None
    library_dirs: tuple[Path, ...]
    macros: dict[str, str]
    has_headers: bool = True
    notes: tuple[str, ...] = ()
    probe_link: tuple[str, ...] = ()
    memory: Memory | None = None
    zig: Launchers | None = None


PROBED_MACROS: tuple[str, ...] = (
    "__LDBL_MANT_DIG__",
    "__SIZEOF_POINTER__",
    "__SIZEOF_LONG_DOUBLE__",
    "__BYTE_ORDER__",
    "__GNUC__",
    "__clang_major__",
    *VERSION_MACROS,
)

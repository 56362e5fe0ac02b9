"""A toolchain and its purpose."""

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
    """The machine of a toolchain, and its Python's recorded build. A `HostPython` is one."""

    @property
    def identity(self) -> Identity:
        """The identity of the machine's files."""

    @property
    def platform(self) -> Platform:
        """Its operating system."""

    @property
    def libc(self) -> Libc:
        """Its C library; without a version if none is promised."""

    @property
    def multiarch(self) -> str:
        """Debian's name of it; "" for none."""

    @property
    def gnu_type(self) -> str:
        """GNU's name of it; "" for none."""

    @property
    def config(self) -> Mapping[str, ConfigValue]:
        """Its Python's recorded configuration, such as its compilers."""

    @property
    def sysroot(self) -> Path | None:
        """The root of its files here."""

    @property
    def include_dirs(self) -> tuple[Path, ...]:
        """The directories of its Python's headers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BarePurpose:
    """A machine without a recorded Python; see `Purpose`."""

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
        origin: Who chose it, for people: "--cc", "recorded by the host Python", "aarch64-linux-gnu-gcc on PATH".
        launcher: Whether it is our launcher, of which each environment gets a copy.
        name: The tool's own file name if `path` is a wrapper (`ccache`); else "".
    """

    path: Path
    args: tuple[str, ...] = ()
    origin: str = ""
    launcher: bool = False
    name: str = ""

    def __str__(self) -> str:
        """Name the compiler, for people: not the wrapper before it."""
        return self.name or str(self.path)


@dataclass(frozen=True, kw_only=True, slots=True)
class Toolchain:
    """The compilers and tools for the target.

    Attributes:
        family: "gcc" or "clang".
        version: The compiler's version, "12.2.0".
        cc: The C compiler; proved to make objects of `identity`.
        cxx: The C++ compiler; None where there is none.
        fc: The Fortran compiler; None where there is none.
        binutils: The other tools that exist, by their usual names: ar, ranlib, strip, nm, objcopy, objdump,
            readelf, ld.
        triplet: The prefix of the tools' names, or the answer to `-dumpmachine` ("aarch64-linux-gnu").
        identity: The identity of the compiler's objects.
        sysroot: The `--sysroot` to pass; None for the compiler's own.
        library_dirs: The sysroot's directories that the linker must search before the compiler's own.
        macros: The compiler's predefined macros that builds need; see `PROBED_MACROS`.
        has_headers: Whether it finds the C library's headers.
        notes: Remarks for the user, one line each.
        probe_link: Options for links that only probe the C library; they save time.
        memory: The cache of its answers; None for a compiler whose answers depend on other files.
        zig: The parts of an environment's own launchers if the compiler is zig; else None.
        environment: Variables that its programs need, where the user has not set them.
        rewrite: Shell lines with which the compilers' launchers change the caller's words.
        sdk: The vendor's kit that it is a part of, where build systems ask for that.
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
    environment: Mapping[str, str] = field(default_factory=dict)
    rewrite: str = ""
    sdk: Path | None = None


PROBED_MACROS: tuple[str, ...] = (
    "__LDBL_MANT_DIG__",
    "__SIZEOF_POINTER__",
    "__SIZEOF_LONG_DOUBLE__",
    "__BYTE_ORDER__",
    "__GNUC__",
    "__clang_major__",
    *VERSION_MACROS,
)

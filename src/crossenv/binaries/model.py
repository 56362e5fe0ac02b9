"""What crossenv reads from a native file of any format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from crossenv.platforms.architectures import Identity

# PEP 489, and PEP 793 from Python 3.15 on.
_INIT_PREFIXES = ("PyInit_", "PyInitU_", "PyModExport_", "PyModExportU_")


# The key of names that the loader looks for in every library, in `Linked.imported_from`.
ANY_LIBRARY = ""


class BinaryError(ValueError):
    """A damaged file; its text continues the file's name: "is cut off"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """The machine that a file is for.

    Attributes:
        identity: What its header says.
        words: The same for messages: "AArch64, 64-bit, little-endian".
        any_abi: Whether the file suits each ABI of the machine: it holds nothing that depends on the ABI.
        others: What the headers of a file for several machines say further.
    """

    identity: Identity
    words: str
    any_abi: bool = False
    others: tuple[Identity, ...] = ()

    def fits(self, wanted: Identity) -> bool:
        """Whether the file can be used on a machine whose files say `wanted`."""
        return any(
            own.format == wanted.format
            and own.numbers == wanted.numbers
            and (self.any_abi or own.abi_flags == wanted.abi_flags)
            for own in (self.identity, *self.others)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class NeededVersion:
    """A version of symbols that a file needs of a library.

    Attributes:
        library: The library's name as the file has it.
        name: "GLIBC_2.17".
        weak: Whether the loader goes on without it.
        index: How the file's symbols refer to it.
    """

    library: str
    name: str
    weak: bool
    index: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """How a file refers to a symbol that it does not define.

    Attributes:
        weak: Whether the loader goes on without it.
        version: The `NeededVersion.index`; 0 or 1 for none.
    """

    weak: bool
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Linked:
    """A program or shared library.

    Attributes:
        needed: The libraries that it loads, by name, in their order.
        versions: The versions of symbols that it needs of them.
        soname: Its own name; "" for none.
        search_path: Where the loader looks for its libraries first, as written.
        searches: Whether it has libraries that the loader looks for there; others name the library's own place.
        interpreter: The loader that a program asks for; "" for none.
        executable_stack: Whether it asks for an executable stack; None where it says nothing.
        program: Whether it is a program.
        exports: The names that it defines for others.
        imports: The names that it wants from others.
        version_definitions: The versions of symbols that it defines, without its base name.
        delayed: The libraries that it loads when it first calls them; the loader does not ask for them.
        imported_from: The names that it wants of each library, `ANY_LIBRARY` for those that are looked for in all;
            empty in a format whose loader always does that.
        properties: What else it says, for people: "ASLR", "debug information in x.pdb".
        managed: Whether it is .NET's, and runs on each machine.
        built_for: The system that it was built for, where it says so: "macOS", "iOS", "iOS Simulator", "Android".
        page_size: The largest pages of memory that its loader can have; 0 where its format says nothing.
        oldest_systems: By machine, the oldest release of the system that takes it; empty in a format that says none.
    """

    needed: tuple[str, ...]
    versions: tuple[NeededVersion, ...] = ()
    soname: str = ""
    search_path: tuple[str, ...] = ()
    searches: bool = True
    interpreter: str = ""
    executable_stack: bool | None = None
    program: bool = False
    exports: frozenset[str] = frozenset()
    imports: Mapping[str, Import] = field(default_factory=dict)
    version_definitions: tuple[str, ...] = ()
    delayed: tuple[str, ...] = ()
    imported_from: Mapping[str, frozenset[str]] = field(default_factory=dict)
    properties: tuple[str, ...] = ()
    managed: bool = False
    built_for: str = ""
    page_size: int = 0
    oldest_systems: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def init_functions(self) -> frozenset[str]:
        """The functions that the import system may call; a file that has one is an extension module."""
        return frozenset(name for name in self.exports if name.startswith(_INIT_PREFIXES))

    @property
    def uses_python(self) -> bool:
        """Whether it wants a name of Python's C API."""
        return any(name.startswith(("Py", "_Py")) for name in self.imports)


class Format(Protocol):
    """A format of native files.

    Attributes:
        name: "elf".
        title: "ELF".
        a_file: "an ELF file".
        portable: Whether programs of every system can load it: where it is not named like an extension module, it may
            be data.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def title(self) -> str: ...  # noqa: D102

    @property
    def a_file(self) -> str: ...  # noqa: D102

    @property
    def portable(self) -> bool: ...  # noqa: D102

    def recognises(self, head: bytes) -> bool:
        """Whether a file that begins with these bytes is of this format."""

    def machine(self, data: bytes) -> Machine:
        """Return the machine that a file is for.

        Raises:
            BinaryError: It is damaged.
        """

    def linked(self, data: bytes) -> Linked | None:
        """Return the content of a program or shared library; None for an object file.

        Raises:
            BinaryError: It is damaged.
        """

    def describe(self, identity: Identity) -> str:
        """Return a machine in words, as `Machine.words`."""

"""Read ELF files (System V ABI, chapters 4 and 5; GNU's symbol versions; the processors' supplements).

The reader is our own because the judge reads each file of each wheel that is built: pyelftools makes a Python object of
each field, and takes damaged tables for endless ones. It is asked for ARM's build attributes alone.
"""

from __future__ import annotations

import dataclasses
import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from crossenv.binaries.model import BinaryError, Import, Linked, Machine, NeededVersion
from crossenv.platforms.architectures import Identity, elf_identity_of

_MAGIC = b"\x7fELF"
_EHDR32, _EHDR64 = 52, 64
_EM_ARM = 40
_EF_ARM_ABI_FLOAT_SOFT, _EF_ARM_ABI_FLOAT_HARD = 0x200, 0x400
_ET_REL, _ET_EXEC, _ET_DYN = 1, 2, 3
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP, _PT_NOTE, _PT_GNU_STACK, _PF_X = 1, 2, 3, 4, 0x6474E551, 1
# A note with the API level (bionic, `crtbegin.c`).
_ANDROID_NOTE = b"Android\0"
_DT_NEEDED, _DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_STRSZ, _DT_SONAME = 1, 4, 5, 6, 10, 14
_DT_RPATH, _DT_RUNPATH, _DT_GNU_HASH, _DT_VERSYM, _DT_FLAGS_1 = 15, 29, 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFB
_DT_VERDEF, _DT_VERDEFNUM, _DT_VERNEED, _DT_VERNEEDNUM = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
_DF_1_PIE = 0x08000000
# Whose values are addresses of tables: DT_PLTGOT, the above, DT_RELA, DT_INIT, DT_FINI, DT_REL, DT_JMPREL,
# DT_INIT_ARRAY, DT_FINI_ARRAY, DT_RELR.
_TABLES = {3, 4, 5, 7, 12, 13, 17, 23, 25, 26, 36, _DT_GNU_HASH, _DT_VERSYM, _DT_VERNEED, _DT_VERDEF}
_VER_FLG_BASE, _VER_FLG_WEAK, _STB_WEAK = 1, 2, 2
_TAG_ABI_VFP_ARGS_REGISTERS = "1"
# Counts and chained offsets in a damaged file can make a table endless.
_LONGEST_TABLE = 10_000
_LONGEST_PATH = 4096
_NAMES = {3: "i386", 8: "MIPS", 21: "PowerPC64", 22: "S/390", 40: "ARM", 62: "x86-64", 183: "AArch64"}
_NAMES |= {243: "RISC-V", 258: "LoongArch"}


class ElfError(ValueError):
    """A file that is not ELF, or is damaged; its text names the file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ElfFacts:
    """What an ELF file on disk says of itself.

    Attributes:
        identity: The machine that it is for.
        interpreter: The program interpreter (PT_INTERP); "" where it has none.
        needed: The shared libraries that it names (DT_NEEDED), in their order.
        soname: Its own name (DT_SONAME); "" where it has none.
        version_definitions: The symbol versions that it defines, without its base name.
    """

    identity: Identity
    interpreter: str
    needed: tuple[str, ...]
    soname: str
    version_definitions: tuple[str, ...]


class Elf:
    """The format, as `crossenv.binaries.Format` has it."""

    name = "elf"
    title = "ELF"
    a_file = "an ELF file"
    portable = False

    def recognises(self, head: bytes) -> bool:
        """Whether it begins with ELF's magic number."""
        return head.startswith(_MAGIC)

    def machine(self, data: bytes) -> Machine:
        """Return the machine that a file is for.

        Raises:
            BinaryError: It ends within its header.
        """
        header = _header(data)
        identity, any_abi = header.identity, False
        if identity.number == _EM_ARM and not header.flags & (_EF_ARM_ABI_FLOAT_SOFT | _EF_ARM_ABI_FLOAT_HARD):
            # Only linked files must carry the float ABI in e_flags; objects have it in their build attributes.
            floats = _arm_floats(data)
            flags = _EF_ARM_ABI_FLOAT_HARD if floats == "registers" else 0
            any_abi = header.kind == _ET_REL and floats == "none"
            identity = elf_identity_of(_EM_ARM, identity.bits, identity.byte_order, flags)
        return Machine(identity=identity, words=self.describe(identity), any_abi=any_abi)

    def linked(self, data: bytes) -> Linked | None:
        """Return the content of a program or shared library; None for an object file.

        Raises:
            BinaryError: It is damaged.
        """
        # A header that ends within itself is `machine`'s to find.
        if len(data) < _EHDR32 or data[5] not in (1, 2):
            return None
        if struct.unpack_from("<H" if data[5] == 1 else ">H", data, 16)[0] not in (_ET_EXEC, _ET_DYN):
            return None
        dynamic = Dynamic(data)
        exports: set[str] = set()
        imports: dict[str, Import] = {}
        for name, defined, weak, version in dynamic.symbols():
            if defined:
                exports.add(name)
            else:
                imports[name] = Import(weak=weak, version=version)
        linked = dynamic.as_linked(frozenset(exports), imports)
        if not dynamic.android_level:
            return linked
        oldest = {self.machine(data).identity.machine: (dynamic.android_level, 0)}
        return dataclasses.replace(linked, built_for="Android", oldest_systems=oldest)

    def describe(self, identity: Identity) -> str:
        """`AArch64, 64-bit, little-endian`."""
        machine = _NAMES.get(identity.number, f"machine {identity.number}")
        words = f"{machine}, {identity.bits}-bit, {identity.byte_order}-endian"
        return words + (f", ABI flags {identity.abi_flags:#x}" if identity.abi_flags else "")


def is_elf(path: Path) -> bool:
    """Whether a readable regular file begins like an ELF file."""
    try:
        return path.is_file() and _first_bytes(path, 4) == _MAGIC
    except OSError:
        return False


def elf_identity(path: Path) -> Identity:
    """Return the machine that an ELF file is for.

    Raises:
        ElfError: It cannot be read, is not ELF, or is damaged.
    """
    try:
        data = _first_bytes(path, _EHDR64)
        header = _required_header(path, data)
        if header.identity.number == _EM_ARM:
            data = path.read_bytes()
        return Elf().machine(data).identity
    except OSError as error:
        raise ElfError(f"{path}: {error.strerror or error}") from error
    except BinaryError as error:
        raise ElfError(f"{path}: {error}") from error


def elf_flags(path: Path) -> int:
    """`e_flags` of an ELF file, all of its bits.

    Raises:
        ElfError: It cannot be read, is not ELF, or is damaged.
    """
    try:
        return _required_header(path, _first_bytes(path, _EHDR64)).flags
    except OSError as error:
        raise ElfError(f"{path}: {error.strerror or error}") from error


def read_elf(path: Path) -> ElfFacts:
    """Return the identity of an ELF file on disk.

    Raises:
        ElfError: It cannot be read, is not ELF, or is damaged.
    """
    identity = elf_identity(path)
    try:
        linked = Dynamic(path.read_bytes()).as_linked(frozenset(), {})
    except OSError as error:
        raise ElfError(f"{path}: {error.strerror or error}") from error
    except BinaryError as error:
        raise ElfError(f"{path}: {error}") from error
    return ElfFacts(
        identity=identity,
        interpreter=linked.interpreter,
        needed=linked.needed,
        soname=linked.soname,
        version_definitions=linked.version_definitions,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class SizedSymbol:
    """A symbol of an object or a linked file.

    Attributes:
        name: Its name.
        size: The size in bytes of what it names.
        content: Reads what it names.
    """

    name: str
    size: int
    content: Callable[[], bytes]


def sized_symbols(path: Path) -> Iterator[SizedSymbol]:
    """Yield the symbols of an ELF file, those of a linked file's debugger included if there are any.

    Raises:
        ElfError: It cannot be read, is not ELF, or is damaged.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    def content_of(elf: Any, symbol: Any) -> bytes:
        section = elf.get_section(symbol["st_shndx"])
        start = int(symbol["st_value"]) - int(section["sh_addr"])
        return bytes(section.data()[start : start + int(symbol["st_size"])])

    try:
        with path.open("rb") as stream:
            elf: Any = ELFFile(stream)
            # Linked files may come stripped; their dynamic symbols do not go.
            table = elf.get_section_by_name(".symtab") or elf.get_section_by_name(".dynsym")
            for symbol in () if table is None else table.iter_symbols():
                yield SizedSymbol(
                    name=str(symbol.name), size=int(symbol["st_size"]), content=partial(content_of, elf, symbol)
                )
    except (ELFError, OSError) as error:
        raise ElfError(f"{path}: damaged ELF file") from error


def _first_bytes(path: Path, count: int) -> bytes:
    with path.open("rb") as stream:
        return stream.read(count)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Header:
    identity: Identity
    kind: int
    flags: int


def _required_header(path: Path, data: bytes) -> _Header:
    if not data.startswith(_MAGIC):
        raise ElfError(f"{path}: not an ELF file")
    try:
        return _header(data)
    except BinaryError as error:
        raise ElfError(f"{path}: {error}") from error


def _header(data: bytes) -> _Header:
    if len(data) < _EHDR32 or (data[4] == 2 and len(data) < _EHDR64):
        raise BinaryError("is cut off within its ELF header")
    bits, byte_order = {1: 32, 2: 64}.get(data[4], 0), {1: "little", 2: "big"}.get(data[5], "")
    if not bits or not byte_order:
        raise BinaryError("has an ELF header that is neither 32 nor 64 bits, or of no byte order")
    order = "<" if byte_order == "little" else ">"
    kind, machine = struct.unpack_from(order + "HH", data, 16)
    flags = struct.unpack_from(order + "I", data, 36 if bits == 32 else 48)[0]
    return _Header(identity=elf_identity_of(machine, bits, byte_order, flags), kind=kind, flags=flags)


def _arm_floats(data: bytes) -> str:
    """Return how an ARM file passes floating-point arguments, by its build attributes (Addenda to the Arm ABI).

    Returns:
        "registers"; "memory"; "none" where it has no floating-point code, or says nothing at all.
    """
    from elftools.elf.elffile import ELFFile

    used = False
    try:
        section: Any = ELFFile(io.BytesIO(data)).get_section_by_name(".ARM.attributes")
        for part in islice(section.iter_subsections("aeabi"), _LONGEST_TABLE) if section is not None else ():
            for scope in islice(part.iter_subsubsections("TAG_FILE"), _LONGEST_TABLE):
                for attribute in islice(scope.iter_attributes(), _LONGEST_TABLE):
                    if attribute.tag == "TAG_ABI_VFP_ARGS":
                        return "registers" if str(attribute.value) == _TAG_ABI_VFP_ARGS_REGISTERS else "memory"
                    used = used or (attribute.tag == "TAG_ABI_FP_NUMBER_MODEL" and str(attribute.value) != "0")
    except Exception as error:
        # On damage pyelftools raises any exception that its parsing runs into, such as KeyError and AttributeError.
        raise BinaryError("is damaged: its build attributes cannot be read") from error
    return "memory" if used else "none"


class Dynamic:
    """What a linked ELF file asks of others, by its program headers: section headers may be stripped.

    Attributes:
        needed: The libraries, by their DT_NEEDED names.
        versions: The needed versions of symbols.
        version_definitions: The versions that it defines, without its base name.
        interpreter: PT_INTERP; "" where it has none.
        executable_stack: What PT_GNU_STACK asks for; None where there is none.
        android_level: The API level in the note that Android's linkers leave; 0 where there is none.
        page_size: The smallest alignment of its segments.
    """

    def __init__(self, data: bytes) -> None:
        """Read the dynamic section.

        Raises:
            BinaryError: The file is damaged.
        """
        self.data = data
        self.wide = data[4] == 2
        self.order = "<" if data[5] == 1 else ">"
        self.needed: list[str] = []
        self.versions: list[NeededVersion] = []
        self.version_definitions: list[str] = []
        self.interpreter = ""
        self.executable_stack: bool | None = None
        self.android_level = 0
        self.page_size = 0
        self._tags: dict[int, int] = {}
        self._loads: list[tuple[int, int, int]] = []
        self._strings = (0, 0)
        # Names may share their ends, so that together they are longer than their table, but never by much: a file
        # that says otherwise was made to waste time.
        self._letters = 8 * len(data)
        try:
            self._read()
        except (struct.error, OverflowError):
            raise BinaryError("is damaged: its dynamic section points outside") from None

    def _read(self) -> None:
        header = self._unpack("QQ" if self.wide else "II", 32 if self.wide else 28)[0]
        size, count = self._unpack("HH", 54 if self.wide else 42)
        dynamic = None
        for index in range(count):
            at = header + index * size
            if self.wide:
                kind, flags, offset, address, _physical, length, _memory, align = self._unpack("IIQQQQQQ", at)
            else:
                kind, offset, address, _physical, length, _memory, flags, align = self._unpack("IIIIIIII", at)
            if kind in (_PT_LOAD, _PT_DYNAMIC) and offset + length > len(self.data):
                # What only holds debug information has such segments too, of length 0.
                raise BinaryError("is cut off")
            if kind == _PT_LOAD:
                self._loads.append((address, offset, length))
                self.page_size = min(align, self.page_size or align)
            elif kind == _PT_NOTE:
                self._read_notes(offset, min(offset + length, len(self.data)))
            elif kind == _PT_DYNAMIC:
                dynamic = (offset, length)
            elif kind == _PT_GNU_STACK:
                self.executable_stack = bool(flags & _PF_X)
            elif kind == _PT_INTERP:
                end = self.data.find(b"\0", offset, offset + _LONGEST_PATH)
                if end < 0:
                    raise BinaryError("is damaged: its program interpreter has no end")
                self.interpreter = self.data[offset:end].decode("utf-8", "replace")
        if dynamic is None:
            return
        names = []
        step = 16 if self.wide else 8
        for at in range(dynamic[0], dynamic[0] + dynamic[1] - step + 1, step):
            tag, value = self._unpack("QQ" if self.wide else "II", at)
            if tag == 0:
                break
            if tag == _DT_NEEDED:
                names.append(value)
            self._tags.setdefault(tag, value)
        if _DT_STRTAB in self._tags:
            start = self._offset(self._tags[_DT_STRTAB])
            end = start + self._tags.get(_DT_STRSZ, len(self.data))
            self._strings = (start, min(end, len(self.data)))
        self.needed = [self._text(name) for name in names]
        self._read_versions()
        self._read_definitions()

    def _read_notes(self, start: int, end: int) -> None:
        """Look for Android's among the notes (System V ABI, "Note Section")."""
        while start + 12 <= end:
            name, length, kind = self._unpack("III", start)
            text = self.data[start + 12 : start + 12 + name]
            start += 12 + (name + 3) // 4 * 4
            if text == _ANDROID_NOTE and kind == 1 and length >= 4:
                self.android_level = self._unpack("I", start)[0]
            start += (length + 3) // 4 * 4

    def as_linked(self, exports: frozenset[str], imports: dict[str, Import]) -> Linked:
        """Return the file with these symbols, without its content."""
        soname = self._string_of(_DT_SONAME)
        path = self._string_of(_DT_RUNPATH) or self._string_of(_DT_RPATH)
        position_independent = bool(self._tags.get(_DT_FLAGS_1, 0) & _DF_1_PIE)
        kind = self._unpack("H", 16)[0]
        return Linked(
            needed=tuple(self.needed),
            versions=tuple(self.versions),
            soname=soname,
            search_path=tuple(path.split(":")) if path else (),
            interpreter=self.interpreter,
            executable_stack=self.executable_stack,
            program=kind == _ET_EXEC or bool(self.interpreter and not soname) or position_independent,
            exports=exports,
            imports=imports,
            version_definitions=tuple(self.version_definitions),
            page_size=self.page_size,
        )

    def _string_of(self, tag: int) -> str:
        return self._text(self._tags[tag]) if tag in self._tags else ""

    def _read_definitions(self) -> None:
        if _DT_VERDEF not in self._tags:
            return
        at = self._offset(self._tags[_DT_VERDEF])
        # Each record is 20 bytes.
        for _ in range(min(self._tags.get(_DT_VERDEFNUM, 0), len(self.data) // 20)):
            _version, flags, _index, _count, _hash, first, following = self._unpack("HHHHIII", at)
            if not flags & _VER_FLG_BASE:
                self.version_definitions.append(self._text(self._unpack("I", at + first)[0]))
            if not following:
                break
            at += following

    def _read_versions(self) -> None:
        if _DT_VERNEED not in self._tags:
            return
        at = self._offset(self._tags[_DT_VERNEED])
        # Each record is 16 bytes: more than fit into the file are a loop.
        left = len(self.data) // 16
        for _ in range(min(self._tags.get(_DT_VERNEEDNUM, 0), left)):
            _version, count, file, first, following = self._unpack("HHIII", at)
            library, entry = self._text(file), at + first
            for _ in range(count):
                left -= 1
                if left < 0:
                    raise BinaryError("is damaged: its table of versions has no end")
                _hash, flags, index, name, step = self._unpack("IHHII", entry)
                weak = bool(flags & _VER_FLG_WEAK)
                self.versions.append(
                    NeededVersion(library=library, name=self._text(name), weak=weak, index=index & 0x7FFF)
                )
                entry += step
            if not following:
                break
            at += following

    def symbols(self) -> Iterator[tuple[str, bool, bool, int]]:
        """Yield each dynamic symbol that has a name.

        Yields:
            Its name, whether it is defined here, whether it is weak, and its version's index (0 and 1 are for none).

        Raises:
            BinaryError: The file is damaged.
        """
        try:
            yield from self._symbols()
        except (struct.error, OverflowError):
            raise BinaryError("is damaged: its table of symbols points outside") from None

    def _symbols(self) -> Iterator[tuple[str, bool, bool, int]]:
        if _DT_SYMTAB not in self._tags:
            return
        table = self._offset(self._tags[_DT_SYMTAB])
        size = 24 if self.wide else 16
        count = self._symbol_count()
        if table + count * size > len(self.data):
            raise BinaryError("is damaged: its table of symbols points outside")
        versions: tuple[int, ...] = ()
        if _DT_VERSYM in self._tags:
            versions = self._unpack(f"{count}H", self._offset(self._tags[_DT_VERSYM]))
        entries = struct.iter_unpack(
            self.order + ("IBBHQQ" if self.wide else "IIIBBH"), memoryview(self.data)[table : table + count * size]
        )
        self._letters = 8 * len(self.data)
        for index, entry in enumerate(entries):
            info, section = (entry[1], entry[3]) if self.wide else (entry[3], entry[5])
            if entry[0]:
                version = versions[index] & 0x7FFF if versions else 0
                yield self._text(entry[0]), section != 0, info >> 4 == _STB_WEAK, version

    def _symbol_count(self) -> int:
        """Return the number of dynamic symbols, which no header contains."""
        if _DT_HASH in self._tags:
            at = self._offset(self._tags[_DT_HASH])
            # GNU's linker has words of 64 bits there for S/390, big-endian: the first half of the first is 0.
            wide = self.wide and self._unpack("I", at)[0] == 0
            return int(self._unpack("QQ" if wide else "II", at)[1])
        if _DT_GNU_HASH not in self._tags:
            return self._symbols_before_the_next_table()
        at = self._offset(self._tags[_DT_GNU_HASH])
        buckets, first, bloom, _shift = self._unpack("IIII", at)
        at += 16 + bloom * (8 if self.wide else 4)
        if buckets > len(self.data) // 4:
            raise BinaryError("is damaged: its hash table is longer than itself")
        last = max(self._unpack(f"{buckets}I", at), default=0)
        if last < first:
            # A program that exports nothing; GNU's linker writes 1 for `first` then, however many are imported.
            return self._symbols_before_the_next_table()
        chain = at + 4 * buckets + 4 * (last - first)
        while not self._unpack("I", chain)[0] & 1:
            chain += 4
            last += 1
        return int(last) + 1

    def _symbols_before_the_next_table(self) -> int:
        """Return how many symbols fit in before the section that linkers put after them."""
        start = self._tags[_DT_SYMTAB]
        behind = [value for tag, value in self._tags.items() if tag in _TABLES and value > start]
        return (min(behind) - start) // (24 if self.wide else 16) if behind else 0

    def _unpack(self, form: str, offset: int) -> tuple[Any, ...]:
        return struct.unpack_from(self.order + form, self.data, offset)

    def _offset(self, address: int) -> int:
        for start, offset, length in self._loads:
            if start <= address < start + length:
                return offset + address - start
        raise BinaryError("is damaged: an address is in none of its segments")

    def _text(self, offset: int) -> str:
        start, end = self._strings
        at = self.data.find(b"\0", start + offset, end)
        # A mangled name may be tens of thousands of letters long.
        self._letters -= at - start - offset
        if at < 0 or self._letters < 0:
            raise BinaryError("is damaged: a name has no end")
        return self.data[start + offset : at].decode("utf-8", "replace")

"""Read WebAssembly files (the core specification's binary format; the tool conventions "Linking" and "DynamicLinking").

A module that a running program can load begins with the section `dylink.0`: emscripten calls it a side module. An
object file has the section `linking`, and everything else is a program.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from crossenv.binaries.model import BinaryError, Import, Linked, Machine
from crossenv.platforms.architectures import WASM, Identity, identity_of

_MAGIC, _VERSION, _NUMBER = b"\0asm", b"\1\0\0\0", 1
_CUSTOM, _IMPORTS, _EXPORTS = 0, 2, 7
_DYLINK, _OLD_DYLINK, _LINKING = "dylink.0", "dylink", "linking"
# Parts of `dylink.0`.
_NEEDED, _IMPORT_INFO, _RUNTIME_PATH = 2, 4, 5
_FUNCTION, _TABLE, _MEMORY, _GLOBAL, _TAG = range(5)
# Flags of a memory's limits, and of a symbol's binding.
_HAS_MAXIMUM, _SHARED, _WIDE = 1, 2, 4
_BINDING, _WEAK = 3, 1
# Where the names come from that a side module wants: functions and data, and the places of either.
_WANTED_FROM = ("env", "GOT.func", "GOT.mem")
# What the loader gives every side module; the last two are the tags of exceptions.
_LOADERS = {"memory", "__indirect_function_table", "__stack_pointer", "__memory_base", "__table_base"}
_LOADERS |= {"__cpp_exception", "__c_longjmp"}


class Wasm:
    """The format, as `crossenv.binaries.Format` has it."""

    name = WASM
    title = "WebAssembly"
    a_file = "a WebAssembly file"
    portable = True

    def recognises(self, head: bytes) -> bool:
        """Whether this is how a module begins; a component (of another version) is none."""
        return head.startswith(_MAGIC) and head[4:8] in (_VERSION, b"")

    def machine(self, data: bytes) -> Machine:
        """Return the machine of the file: how wide its addresses are, and whether threads share its memory.

        Raises:
            BinaryError: It is damaged.
        """
        identity = _read(data).identity
        return Machine(identity=identity, words=self.describe(identity))

    def linked(self, data: bytes) -> Linked | None:
        """Return a side module or program; None for an object file.

        Raises:
            BinaryError: It is damaged.
        """
        found = _read(data)
        if _LINKING in found.custom:
            return None
        imports = {
            name: Import(weak=name in found.weak, version=0)
            for name in found.wanted
            if name not in _LOADERS and name not in found.exports
        }
        return Linked(
            needed=tuple(found.needed),
            search_path=tuple(found.search_path),
            program=not found.loadable,
            exports=frozenset(found.exports),
            imports=imports,
        )

    def describe(self, identity: Identity) -> str:
        """Return a machine in words."""
        shared = ", memory shared by threads" if identity.abi_flags & _SHARED else ""
        return f"WebAssembly, {identity.bits}-bit{shared}"


@dataclass
class _Module:
    identity: Identity
    custom: set[str] = field(default_factory=set)
    loadable: bool = False
    needed: list[str] = field(default_factory=list)
    search_path: list[str] = field(default_factory=list)
    wanted: list[str] = field(default_factory=list)
    weak: set[str] = field(default_factory=set)
    exports: set[str] = field(default_factory=set)


class _Reader:
    """A part of a file, read from its beginning."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self.data, self.at, self.end = data, start, end

    def byte(self) -> int:
        if self.at >= self.end:
            raise BinaryError("is cut off")
        self.at += 1
        return self.data[self.at - 1]

    def number(self) -> int:
        """An unsigned number in LEB128."""
        value = 0
        for shift in range(0, 70, 7):
            part = self.byte()
            value |= (part & 0x7F) << shift
            if part < 0x80:
                return value
        raise BinaryError("holds a number that is too long")

    def part(self) -> _Reader:
        """What follows its length."""
        length = self.number()
        start = self.at
        if length > self.end - start:
            raise BinaryError("is cut off")
        self.at += length
        return _Reader(self.data, start, self.at)

    def text(self) -> str:
        part = self.part()
        try:
            return self.data[part.at : part.end].decode()
        except UnicodeDecodeError:
            raise BinaryError("holds a name that is not in UTF-8") from None

    def texts(self) -> Iterator[str]:
        for _ in range(self.number()):
            yield self.text()


def _read(data: bytes) -> _Module:
    if data[4:8] != _VERSION:
        raise BinaryError("is cut off" if len(data) < 8 else "is of an unknown version of WebAssembly")
    file = _Reader(data, 8, len(data))
    found = _Module(identity=identity_of(WASM, _NUMBER, 32, "little"))
    first = True
    while file.at < file.end:
        kind, section = file.byte(), file.part()
        if kind == _CUSTOM:
            name = section.text()
            found.custom.add(name)
            if name == _OLD_DYLINK:
                raise BinaryError("was linked by an emscripten before 3.0, whose side modules are of another form")
            if name == _DYLINK and first:
                found.loadable = True
                _read_dylink(section, found)
        elif kind == _IMPORTS:
            _read_imports(section, found)
        elif kind == _EXPORTS:
            for _ in range(section.number()):
                found.exports.add(section.text())
                section.byte()
                section.number()
        first = False
    return found


def _read_dylink(section: _Reader, found: _Module) -> None:
    while section.at < section.end:
        kind, part = section.byte(), section.part()
        if kind == _NEEDED:
            found.needed += part.texts()
        elif kind == _RUNTIME_PATH:
            found.search_path += part.texts()
        elif kind == _IMPORT_INFO:
            for _ in range(part.number()):
                part.text()
                name = part.text()
                if part.number() & _BINDING == _WEAK:
                    found.weak.add(name)


def _read_imports(section: _Reader, found: _Module) -> None:
    for _ in range(section.number()):
        module, name, kind = section.text(), section.text(), section.byte()
        if kind == _FUNCTION:
            section.number()
        elif kind == _GLOBAL:
            section.byte()
            section.byte()
        elif kind == _TAG:
            section.byte()
            section.number()
        elif kind in (_TABLE, _MEMORY):
            if kind == _TABLE:
                section.byte()
            flags = section.number()
            section.number()
            if flags & _HAS_MAXIMUM:
                section.number()
            if kind == _MEMORY:
                bits = 64 if flags & _WIDE else 32
                found.identity = identity_of(WASM, _NUMBER, bits, "little", flags & _SHARED)
        else:
            raise BinaryError(f"imports {name}, which is of an unknown kind")
        if module in _WANTED_FROM:
            found.wanted.append(name)

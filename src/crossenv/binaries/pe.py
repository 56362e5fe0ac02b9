"""Read PE and COFF files (Microsoft's "PE Format"), with pefile.

pefile takes what a damaged file says for what can be had of it; what is missing then is looked for here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from crossenv.binaries.model import BinaryError, Import, Linked, Machine
from crossenv.platforms.architectures import PE, Identity, identity_of

if TYPE_CHECKING:
    import pefile

_MZ, _PE = b"MZ", b"PE\0\0"
_DOS_HEADER, _FILE_HEADER = 64, 20
# The library that loads a program or DLL of .NET.
_DOTNET = "mscoree.dll"
# Compilers put it behind a DOS program of a few hundred bytes; text that begins with "MZ" gives a large number.
_FARTHEST_HEADER = 1 << 16
_I386, _ARMNT, _AMD64, _ARM64, _ARM64EC, _ARM64X = 0x14C, 0x1C4, 0x8664, 0xAA64, 0xA641, 0xA64E
_WORDS = {_I386: "x86", _ARMNT: "ARM", _AMD64: "x86-64", _ARM64: "ARM64", _ARM64EC: "ARM64EC", _ARM64X: "ARM64X"}
_BITS = {_I386: 32, _ARMNT: 32}
# A file whose code calls x86-64 code and is called by it on Windows for ARM64. Neither an x86-64 machine nor an ARM64
# process runs it, though its header says x86-64.
_EC = 1
# How import libraries and objects with many sections begin, instead of with the machine.
_ANONYMOUS = b"\0\0\xff\xff"
_DLL = 0x2000
_DIRECTORIES = {"EXPORT": 0, "IMPORT": 1, "SECURITY": 4, "DEBUG": 6, "LOAD_CONFIG": 10, "DELAY_IMPORT": 13}
# Of tables that pefile would end earlier: real DLLs have tens of thousands of exports.
_LONGEST_TABLE = 1 << 20
_DEBUG_CODEVIEW, _DEBUG_REPRODUCIBLE, _DEBUG_CHARACTERISTICS, _CET_COMPATIBLE = 2, 16, 20, 1


class Pe:
    """The format, as `crossenv.binaries.Format` has it."""

    name = PE
    title = "PE"
    a_file = "a PE file"
    portable = False

    def recognises(self, head: bytes) -> bool:
        """Whether this is how a program or DLL begins, or an object file."""
        if not head.startswith(_MZ):
            return _object_machine(head) is not None
        if len(head) < _DOS_HEADER:
            return b"\0" in head
        offset = _header_offset(head)
        return offset < _FARTHEST_HEADER and (len(head) < offset + 2 or head[offset : offset + 2] == _PE[:2])

    def machine(self, data: bytes) -> Machine:
        """Return the identity in the header; ARM64's two kinds differ in the load configuration.

        Raises:
            BinaryError: It is damaged.
        """
        number = _object_machine(data) if not data.startswith(_MZ) else None
        hybrid = False
        if number is None:
            image = _image(data)
            number = image.FILE_HEADER.Machine
            hybrid = number in (_AMD64, _ARM64) and _is_hybrid(image)
        if hybrid:
            number = _ARM64EC if number == _AMD64 else _ARM64X
        words = _WORDS.get(number, f"machine {number:#06x}")
        # ARM64X is code for both kinds of processes.
        return Machine(identity=_identity(number), words=words)

    def linked(self, data: bytes) -> Linked | None:
        """Return a program or DLL; None for an object file.

        Raises:
            BinaryError: It is damaged.
        """
        if not data.startswith(_MZ):
            return None
        image = _image(data, *_DIRECTORIES)
        at_once = _imports(image, "IMPORT")
        delayed = _imports(image, "DELAY_IMPORT")
        names: dict[str, set[str]] = {}
        for library, wanted in (*at_once, *delayed):
            names.setdefault(library, set()).update(wanted)
        soname, exports = _exports(image)
        return Linked(
            needed=tuple(dict.fromkeys(library for library, _ in at_once)),
            delayed=tuple(dict.fromkeys(library for library, _ in delayed)),
            soname=soname,
            program=not image.FILE_HEADER.Characteristics & _DLL,
            exports=exports,
            imports={name: Import(weak=False, version=0) for wanted in names.values() for name in wanted},
            imported_from={library: frozenset(wanted) for library, wanted in names.items()},
            properties=tuple(_properties(image)),
            managed={library.lower() for library, _ in at_once} == {_DOTNET},
        )

    def describe(self, identity: Identity) -> str:
        """Return a machine in words."""
        number = _ARM64EC if identity.abi_flags else identity.number
        return _WORDS.get(number, f"machine {number:#06x}")


def _identity(number: int) -> Identity:
    if number == _ARM64EC:
        return identity_of(PE, _AMD64, 64, "little", _EC)
    number = _ARM64 if number == _ARM64X else number
    return identity_of(PE, number, _BITS.get(number, 64), "little")


def _object_machine(data: bytes) -> int | None:
    """Return the machine of an object file or of a member of an import library; None for other files."""
    if len(data) < _FILE_HEADER:
        return None
    number, optional, _flags = struct.unpack_from("<H14xHH", data)
    if data.startswith(_ANONYMOUS):
        number = struct.unpack_from("<6xH", data)[0]
        return number if number in _WORDS else None
    return number if number in _WORDS and optional == 0 else None


def _header_offset(data: bytes) -> int:
    return int(struct.unpack_from("<I", data, 0x3C)[0])


def _image(data: bytes, *directories: str) -> pefile.PE:
    """Parse the headers and the named directories.

    Raises:
        BinaryError: It is damaged.
    """
    # A tenth of the time that `crossenv` takes to start.
    import pefile

    try:
        image = pefile.PE(
            data=data, fast_load=True, max_symbol_exports=_LONGEST_TABLE, max_repeated_symbol=_LONGEST_TABLE
        )
        image.parse_data_directories([_DIRECTORIES[name] for name in directories])
    except pefile.PEFormatError as error:
        raise BinaryError(f"is damaged: {str(error).strip(chr(39))}") from None
    except Exception:
        # On hostile offsets it raises any exception.
        raise BinaryError("is damaged: its tables contradict each other") from None
    _require_whole(image, len(data), directories)
    return image


def _require_whole(image: pefile.PE, size: int, directories: tuple[str, ...]) -> None:
    """Refuse a file that ends early, or a directory that pefile could not read."""
    ends = [section.PointerToRawData + section.SizeOfRawData for section in image.sections if section.SizeOfRawData]
    certificates = _directory(image, "SECURITY")
    # The only directory that is named by its place in the file.
    ends += [certificates.VirtualAddress + certificates.Size] if certificates is not None else []
    if len(image.sections) != image.FILE_HEADER.NumberOfSections or max(ends, default=0) > size:
        raise BinaryError("is cut off")
    for name in ("IMPORT", "EXPORT", "DELAY_IMPORT"):
        there = _directory(image, name) is not None
        if (
            name in directories
            and there
            and not hasattr(image, f"DIRECTORY_ENTRY_{name}")
            and _has_entries(image, name)
        ):
            raise BinaryError(f"is damaged: its {name.lower().replace('_', ' ')} directory cannot be read")


def _directory(image: pefile.PE, name: str) -> Any:
    """Return an entry of the table of directories; None for one that is not there."""
    table = image.OPTIONAL_HEADER.DATA_DIRECTORY
    entry = table[_DIRECTORIES[name]] if len(table) > _DIRECTORIES[name] else None
    return entry if entry is not None and entry.VirtualAddress and entry.Size else None


def _has_entries(image: pefile.PE, name: str) -> bool:
    """Whether a directory that gave nothing has something in it, or lies outside the file."""
    try:
        return any(image.get_data(_directory(image, name).VirtualAddress, _FILE_HEADER))
    except Exception:
        return True


def _is_hybrid(image: pefile.PE) -> bool:
    """Whether the load configuration has a CHPEMetadataPointer: there is ARM64EC code in the file."""
    import pefile

    directory = _directory(image, "LOAD_CONFIG")
    if directory is None:
        return False
    try:
        data = image.get_data(directory.VirtualAddress, 0xD0)
    except pefile.PEFormatError:
        raise BinaryError("is damaged: its load configuration lies outside") from None
    size = struct.unpack_from("<I", data)[0] if len(data) == 0xD0 else 0
    return size >= 0xD0 and struct.unpack_from("<Q", data, 0xC8)[0] != 0


def _imports(image: pefile.PE, name: str) -> list[tuple[str, set[str]]]:
    """Return the libraries of a directory, and the names that are wanted of each; ordinals are left out."""
    found = []
    for entry in getattr(image, f"DIRECTORY_ENTRY_{name}", []):
        library = _text(entry.dll)
        wanted = {_text(one.name) for one in entry.imports if one.name}
        if not library or "*invalid*" in (library, *wanted):
            raise BinaryError("is damaged: a name in its import directory cannot be read")
        found.append((library, wanted))
    return found


def _exports(image: pefile.PE) -> tuple[str, frozenset[str]]:
    """Return its own name and the names that it exports."""
    directory = getattr(image, "DIRECTORY_ENTRY_EXPORT", None)
    if directory is None:
        return "", frozenset()
    return _text(directory.name), frozenset(_text(symbol.name) for symbol in directory.symbols if symbol.name)


def _properties(image: pefile.PE) -> Iterator[str]:
    """Yield what else the file says, for people."""
    flags = image.OPTIONAL_HEADER.DllCharacteristics
    for bit, words in ((0x40, "ASLR"), (0x20, "64-bit ASLR"), (0x100, "NX"), (0x4000, "CFG")):
        if flags & bit:
            yield words
    debug = getattr(image, "DIRECTORY_ENTRY_DEBUG", [])
    kinds = {entry.struct.Type for entry in debug}
    for entry in debug:
        kind, length = entry.struct.Type, entry.struct.SizeOfData
        if kind == _DEBUG_CHARACTERISTICS and length >= 4:
            bits = image.get_data(entry.struct.AddressOfRawData, 4)
            if len(bits) == 4 and struct.unpack("<I", bits)[0] & _CET_COMPATIBLE:
                yield "CET shadow stack"
        elif kind == _DEBUG_CODEVIEW and getattr(entry.entry, "PdbFileName", b""):
            yield f"debug information in {_text(entry.entry.PdbFileName)}"
    if any(section.Name.startswith((b".debug_", b"/")) for section in image.sections):
        yield "DWARF debug information"
    if _directory(image, "SECURITY") is not None:
        yield "signed"
    stamp = image.FILE_HEADER.TimeDateStamp
    if _DEBUG_REPRODUCIBLE in kinds:
        yield "reproducible (a hash for a timestamp)"
    elif stamp:
        yield f"linked {datetime.fromtimestamp(stamp, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"


def _text(data: bytes | None) -> str:
    return (data or b"").rstrip(b"\0").decode("utf-8", "replace")

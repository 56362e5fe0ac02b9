"""Give the symbols that an object file defines other names."""

from __future__ import annotations

import struct

from crossenv.platforms.architectures import ELF

_SHT_SYMTAB, _SHT_STRTAB = 2, 3
_STB_LOCAL = 0


def can_rename(format: str) -> bool:
    """Whether `rename_symbols` reads object files of this format."""
    return format == ELF


def rename_symbols(data: bytes, *, keep: bytes, prefix: bytes) -> bytes:
    """Return a relocatable ELF file whose symbols have `prefix`, all that it defines but those that begin with `keep`.

    References within the file go by the symbol's number, so that they stay.

    Raises:
        ValueError: It is not such a file.
        struct.error: It is cut off.
    """
    if data[:4] != b"\x7fELF":
        raise ValueError("not an ELF file")
    wide, order = data[4] == 2, "<" if data[5] == 1 else ">"
    header = struct.Struct(order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII"))
    (table,) = struct.unpack_from(order + ("Q" if wide else "I"), data, 40 if wide else 32)
    size, count = struct.unpack_from(order + "HH", data, 58 if wide else 46)
    sections = [list(header.unpack_from(data, table + index * size)) for index in range(count)]
    symtab = next((section for section in sections if section[1] == _SHT_SYMTAB), None)
    if symtab is None or sections[symtab[6]][1] != _SHT_STRTAB:
        raise ValueError("no table of symbols")
    _name, _kind, _flags, _address, names_at, names_size = sections[symtab[6]][:6]
    names = bytearray(data[names_at : names_at + names_size])
    changed = bytearray(data)
    for at in range(symtab[4], symtab[4] + symtab[5], symtab[9]):
        (name_at,) = struct.unpack_from(order + "I", data, at)
        info = data[at + (4 if wide else 12)]
        (section,) = struct.unpack_from(order + "H", data, at + (6 if wide else 14))
        name = bytes(names[name_at : names.index(0, name_at)])
        if info >> 4 == _STB_LOCAL or not section or not name or name.startswith(keep):
            continue
        struct.pack_into(order + "I", changed, at, len(names))
        names += prefix + name + b"\0"
    # A longer table of names has no room where the old one is.
    changed += b"\0" * (-len(changed) % 8)
    place = table + symtab[6] * size
    sections[symtab[6]][4:6] = len(changed), len(names)
    header.pack_into(changed, place, *sections[symtab[6]])
    return bytes(changed + names)

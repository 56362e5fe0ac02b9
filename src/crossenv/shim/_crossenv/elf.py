"""Reads what laying over build requirements asks of ELF files (System V ABI, chapters 4 and 5).

Wheels are judged elsewhere (`_crossenv.ask_judge`): here a file that cannot be read is one that asks for nothing.
"""

import struct


def machine(header: bytes) -> "tuple[int, int, str] | None":
    """Return the machine's number, the bits and the byte order from a file's first bytes; None if it is not ELF."""
    if header[:4] != b"\x7fELF" or len(header) < 20 or header[4] not in (1, 2) or header[5] not in (1, 2):
        return None
    (number,) = struct.unpack_from("<H" if header[5] == 1 else ">H", header, 18)
    return number, 32 * header[4], "little" if header[5] == 1 else "big"


def needed(data: bytes) -> "list[str]":
    """Return the libraries that a program or shared library loads (DT_NEEDED)."""
    try:
        return _needed(data) if machine(data) else []
    except (struct.error, OverflowError, ValueError):
        return []


def _needed(data: bytes) -> "list[str]":
    wide, order = data[4] == 2, "<" if data[5] == 1 else ">"
    word = "Q" if wide else "I"
    (table,) = struct.unpack_from(order + word, data, 32 if wide else 28)
    size, count = struct.unpack_from(order + "HH", data, 54 if wide else 42)
    loads, dynamic = [], b""
    for at in range(table, table + count * size, size or 1):
        if wide:
            kind, _flags, offset, address, _physical, length = struct.unpack_from(order + "IIQQQQ", data, at)
        else:
            kind, offset, address, _physical, length = struct.unpack_from(order + "IIIII", data, at)
        if kind == 1:  # PT_LOAD
            loads.append((address, offset, length))
        elif kind == 2:  # PT_DYNAMIC
            dynamic = data[offset : offset + length]
    step = 2 * struct.calcsize(order + word)
    tags = list(struct.iter_unpack(order + 2 * word, dynamic[: len(dynamic) // step * step]))
    strings = next((value for tag, value in tags if tag == 5), 0)  # DT_STRTAB
    start = next(
        (offset + strings - address for address, offset, length in loads if 0 <= strings - address < length), 0
    )
    names = [start + value for tag, value in tags if tag == 1]  # DT_NEEDED
    return [data[at : data.index(b"\0", at)].decode("utf-8", "replace") for at in names]

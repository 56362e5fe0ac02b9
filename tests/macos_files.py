"""Mach-O files, written from their format: modules as Apple's linker makes them, of one machine or of several."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence

CPUS = {"x86_64": (0x0100_0007, 3), "arm64": (0x0100_000C, 0)}
SYSTEM = "/usr/lib/libSystem.B.dylib"
BUNDLE, LIBRARY, OBJECT = 8, 6, 1
EVERYWHERE = 254
_PAGE = 4096


def module(
    name: str = "m",
    machine: str = "arm64",
    *,
    oldest: tuple[int, int] = (11, 0),
    imports: Mapping[str, Sequence[str]] | None = None,
    exports: Sequence[str] | None = None,
    rpaths: Sequence[str] = (),
    kind: int = BUNDLE,
    signed: bool | None = None,
    in_trie: bool = False,
    system: int = 1,
) -> bytes:
    """A module.

    Args:
        name: Of the module.
        machine: "arm64" or "x86_64".
        oldest: The oldest macOS.
        imports: The names it wants, by library, "" for those of the program; default: one of Python's.
        exports: The functions it has; default: that of an extension module.
        rpaths: Where its libraries are looked for.
        kind: The type of the file.
        signed: Whether it has a signature; default: where Apple's linker makes one.
        system: The number of its system: macOS is 1, iOS 2, its simulator 7.
        in_trie: Whether its exports are in their trie alone, as after `strip`.
    """
    wanted = {"": ("PyModule_Create2",), SYSTEM: ()} if imports is None else imports
    having = (f"PyInit_{name}",) if exports is None else tuple(exports)
    libraries = [library for library in wanted if library]
    commands = [_text(0xC, library, 24) for library in libraries] + [_text(0x8000_001C, path, 12) for path in rpaths]
    commands.append(struct.pack("<6I", 0x32, 24, system, oldest[0] << 16 | oldest[1] << 8, 0, 0))
    names, symbols = b"\0", b""
    for symbol in () if in_trie else having:
        symbols += struct.pack("<IBBHQ", len(names), 0x0F, 1, 0, 0x1000)
        names += f"_{symbol}\0".encode()
    for library, some in wanted.items():
        ordinal = libraries.index(library) + 1 if library else EVERYWHERE
        for symbol in some:
            symbols += struct.pack("<IBBHQ", len(names), 0x01, 0, ordinal << 8, 0)
            names += f"_{symbol}\0".encode()
    trie = _trie(having) if in_trie else b""
    signed = machine == "arm64" if signed is None else signed
    start = 32 + sum(map(len, commands)) + 24 + (16 if trie else 0) + (16 if signed else 0)
    commands.append(struct.pack("<6I", 2, 24, start, len(symbols) // 16, start + len(symbols), len(names)))
    body = symbols + names
    if trie:
        commands.append(struct.pack("<4I", 0x8000_0033, 16, start + len(body), len(trie)))
        body += trie
    limit = start + len(body)
    if signed:
        commands.append(struct.pack("<4I", 0x1D, 16, limit, len(_signature(bytes(limit)))))
    cpu, subtype = CPUS[machine]
    head = struct.pack("<8I", 0xFEED_FACF, cpu, subtype, kind, len(commands), sum(map(len, commands)), 0x85, 0)
    data = head + b"".join(commands) + body
    return data + (_signature(data) if signed else b"")


def universal(*contents: bytes) -> bytes:
    """One file of several."""
    table, offset, bodies = b"", 8 + 20 * len(contents), b""
    for content in contents:
        cpu, subtype = struct.unpack_from("<II", content, 4)
        table += struct.pack(">5I", cpu, subtype, offset + len(bodies), len(content), 0)
        bodies += content
    return struct.pack(">II", 0xCAFE_BABE, len(contents)) + table + bodies


def _text(command: int, text: str, start: int) -> bytes:
    content = text.encode() + b"\0"
    content += bytes(-(start + len(content)) % 8)
    return struct.pack("<III", command, start + len(content), start) + bytes(start - 12) + content


def _trie(names: Sequence[str]) -> bytes:
    """A node that all names begin at, each with a node of its own."""
    edges = [f"_{name}\0".encode() for name in names]
    first = 2 + sum(len(edge) + 1 for edge in edges)
    leaf = bytes((2, 0, 0, 0))
    root = bytes((0, len(edges))) + b"".join(
        edge + bytes((first + number * len(leaf),)) for number, edge in enumerate(edges)
    )
    return root + leaf * len(edges)


def _signature(data: bytes) -> bytes:
    """An ad-hoc signature with the hashes of the pages."""
    pages = [data[at : at + _PAGE] for at in range(0, len(data), _PAGE)]
    hashes = b"".join(hashlib.sha256(page).digest() for page in pages)
    length = 44 + len(hashes)
    fields = (0xFADE_0C02, length, 0x20400, 2, 44, 40, 0, len(pages), len(data))
    directory = struct.pack(">9I", *fields) + bytes((32, 2, 0, 12)) + bytes(4) + hashes
    return struct.pack(">5I", 0xFADE_0CC0, 20 + length, 1, 0, 20) + directory

"""Native files: one reader a format behind `Format`, in one table.

A format tells what machine a file is for, what it needs, what it defines and wants, and whether it is an extension
module. Adding a format: write its module, add it to the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crossenv.binaries import ar
from crossenv.binaries.elf import Elf
from crossenv.binaries.macho import MachO
from crossenv.binaries.model import ANY_LIBRARY, BinaryError, Format, Import, Linked, Machine, NeededVersion
from crossenv.binaries.pe import Pe
from crossenv.binaries.wasm import Wasm

__all__ = [
    "ANY_LIBRARY",
    "FORMATS",
    "BinaryError",
    "Format",
    "Import",
    "Linked",
    "Machine",
    "NeededVersion",
    "format_of",
    "is_native",
    "objects_in",
]

# By the names that platforms use for their native format.
FORMATS: Mapping[str, Format] = {one.name: one for one in (Elf(), Pe(), MachO(), Wasm())}


def format_of(head: bytes) -> Format | None:
    """Return the format of a file that begins with these bytes; None for a file that is not native."""
    return next((one for one in FORMATS.values() if one.recognises(head)), None)


def is_native(head: bytes) -> bool:
    """Whether a file that begins with these bytes is native, or a static library of native files."""
    return head.startswith(ar.MAGIC) or format_of(head) is not None


def objects_in(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the label and content of a file itself, or of each member of a static library."""
    if data.startswith(ar.MAGIC):
        for inner, content in ar.members(data):
            yield f"{name}({inner})", content
    else:
        yield name, data

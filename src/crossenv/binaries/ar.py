"""Read static libraries (ar(5), GNU's and BSD's variants)."""

from __future__ import annotations

from collections.abc import Iterator

MAGIC = b"!<arch>\n"
_HEADER = 60
_BSD_NAME = "#1/"
# The index of symbols and the table of long names, of either variant.
_TABLES = ("/", "//", "/SYM64", "__.SYMDEF", "__.SYMDEF SORTED")


def members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of the members, up to the first damaged header.

    A long name of GNU's stays the reference into its table that it is.
    """
    offset = len(MAGIC)
    while offset + _HEADER <= len(data):
        name = data[offset : offset + 16].decode("ascii", "replace").strip()
        size_text = data[offset + 48 : offset + 58].strip()
        if not size_text.isdigit():
            return
        start, size = offset + _HEADER, int(size_text)
        content = data[start : start + size]
        if name.startswith(_BSD_NAME) and name[len(_BSD_NAME) :].isdigit():
            length = int(name[len(_BSD_NAME) :])
            name, content = content[:length].rstrip(b"\0").decode("utf-8", "replace"), content[length:]
        # GNU ends a name with "/"; its two tables begin with it.
        plain = name if name in ("/", "//") else name.rstrip("/")
        if plain not in _TABLES:
            yield plain, content
        offset = start + size + size % 2


def one_member(archive: bytes) -> tuple[str, bytes]:
    """Return the name and content of the only object in a static library.

    Raises:
        ValueError: There is none, or more than one.
    """
    found = list(members(archive))
    if len(found) != 1:
        raise ValueError(f"{len(found)} objects, and there should be one")
    return found[0]

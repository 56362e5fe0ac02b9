"""Says which objects of a link that failed are not the target's; the compilers' launchers start it then.

The linker's own words are "file in wrong format" or "incompatible". Run by a Python without the shim.
"""

import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

_ENDS = (".o", ".lo", ".obj", ".a", ".so", ".os")


def main(words: "Iterable[str]") -> None:
    """Say it of the first one among `words`, the link's; else of the first library that they ask for."""
    words = list(words)
    with open(os.path.dirname(os.path.abspath(__file__)) + "/facts.marshal", "rb") as file:
        facts = marshal.load(file)  # noqa: S302 - written by `crossenv create` into this very directory
    identity = facts["identity"]
    if identity["format"] != "elf":
        return
    own = identity["number"], identity["bits"], identity["byte_order"]
    for word in words:
        name = foreign_part(word, own) if word.endswith(_ENDS) or ".so." in word else ""
        if name:
            sys.stderr.write(
                f"crossenv: hint: {name} is not for the target ({facts['machine']}): something in this build calls a"
                " compiler by name (gcc, cc) where $CC should stand, or the file is left over from a native build:"
                " remove it\n"
            )
            return
    for path in _libraries(words):
        name = foreign_part(path, own)
        if name:
            sys.stderr.write(
                f"crossenv: hint: {name} is not for the target ({facts['machine']}): a foo-config or the like names"
                " its directory; put a script of the same name that prints the target's on PATH, first\n"
            )
            return


def _libraries(words: "list[str]") -> "Iterator[str]":
    """Yield the files that may be meant by each `-lNAME`."""
    pairs = zip(words, [*words[1:], ""], strict=True)
    directories = [word[2:] or following for word, following in pairs if word.startswith("-L")]
    for word in words:
        if word.startswith("-l") and len(word) > len("-l"):
            for directory in directories:
                yield from (f"{directory}/lib{word[2:]}{end}" for end in (".so", ".a"))


def foreign_part(path: str, own: "tuple[int, int, str]") -> str:
    """Find a file, or an object in a static library, that is not for the machine `own`; "" for none."""
    try:
        with open(path, "rb") as file:
            magic = file.read(8)
            if magic == b"!<arch>\n":
                return next((f"{path}({name})" for name, head in _members(file) if _differs(head, own)), "")
            return path if _differs(magic + file.read(12), own) else ""
    except (OSError, ValueError):
        return ""


def _members(file: "BinaryIO") -> "Iterator[tuple[str, bytes]]":
    """Yield the objects of a static library, each with its first bytes."""
    while len(header := file.read(60)) == 60:
        size = int(header[48:58])
        start = file.tell()
        yield header[:16].decode("utf-8", "replace").rstrip("/ "), file.read(min(size, 20))
        file.seek(start + size + size % 2)


def _differs(head: bytes, own: "tuple[int, int, str]") -> bool:
    if head[:4] != b"\x7fELF" or len(head) < 20:
        return False
    order = "little" if head[5] == 1 else "big"
    return (int.from_bytes(head[18:20], "little" if head[5] == 1 else "big"), 32 * head[4], order) != own


if __name__ == "__main__":
    main(sys.argv[1:])

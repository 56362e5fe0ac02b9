"""Read Mach-O files (Apple's `mach-o/loader.h`, `nlist.h` and `fat.h`): for one machine, or for several in one file."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from crossenv.binaries.model import ANY_LIBRARY, BinaryError, Import, Linked, Machine
from crossenv.platforms.architectures import MACHO, Identity, identity_of

_THIN = {b"\xcf\xfa\xed\xfe": 64, b"\xce\xfa\xed\xfe": 32}
# Java's class files begin so too, with a version of at least 45 where the number of machines is here.
_FAT, _FAT_64 = b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"
_MOST_MACHINES = 20
# What Apple's `lipo` aligns each machine's part to.
_PAGE = 1 << 14
_X86_64, _ARM64 = 0x0100_0007, 0x0100_000C
_WORDS = {_X86_64: "x86_64", 7: "i386", _ARM64: "arm64", 12: "arm", 0x0100_0012: "ppc64", 18: "ppc"}
# Bits of `cpusubtype` that tell of features, not of another machine; pointers of arm64e are signed.
_SUBTYPE, _ARM64E = 0x00FF_FFFF, 2
_OBJECT, _PROGRAM, _LIBRARY, _BUNDLE = 1, 2, 6, 8
_TWO_LEVEL = 0x80
_MACOS = "macOS"
_SYSTEMS = {1: _MACOS, 2: "iOS", 7: "iOS Simulator"}
_SEGMENT_64 = 0x19
_SEGMENTS = {0x1: "<24xII", _SEGMENT_64: "<32xQQ"}
_SYMBOLS, _LIBRARY_NAME, _RPATH, _SIGNATURE = 0x2, 0xD, 0x8000_001C, 0x1D
_LOADS = (0xC, 0x8000_0018, 0x8000_001F, 0x20, 0x8000_0023)
_OLDEST_MACOS, _BUILD_VERSION = 0x24, 0x32
_INFO, _EXPORTS = (0x22, 0x8000_0022), 0x8000_0033
# Ordinals of libraries that are none: the file itself, a search in every library, the program.
_ITSELF, _EVERYWHERE, _IN_PROGRAM = 0, 254, 255
_DEEPEST_EXPORT = 512
_SIGNATURE_BLOB, _CODE_DIRECTORY = 0xFADE_0CC0, 0xFADE_0C02
_AD_HOC = 2


class MachO:
    """The format, as `crossenv.binaries.Format` has it."""

    name = MACHO
    title = "Mach-O"
    a_file = "a Mach-O file"
    portable = False

    def recognises(self, head: bytes) -> bool:
        """Whether this is how a file for one machine begins, or one for several."""
        if head[:4] in (_FAT, _FAT_64):
            return len(head) < 8 or 0 < struct.unpack_from(">I", head, 4)[0] < _MOST_MACHINES
        return head[:4] in _THIN

    def machine(self, data: bytes) -> Machine:
        """Return the machine of the file; of several the first, and the rest as `others`.

        Raises:
            BinaryError: It is damaged.
        """
        found = [_Header.of(content).identity for content in _contents(data)]
        words = " and ".join(self.describe(identity) for identity in found)
        return Machine(identity=found[0], words=words, others=tuple(found[1:]))

    def linked(self, data: bytes) -> Linked | None:
        """Return a program or library; None for an object file.

        Of a file for several machines this is what any of them needs, and what all of them define.

        Raises:
            BinaryError: It is damaged, or its signature is not that of its content.
        """
        found = [one for content in _contents(data) if (one := _linked(content)) is not None]
        if not found:
            return None
        first = found[0]
        wanted: dict[str, frozenset[str]] = {}
        for one in found:
            for library, names in one.imported_from.items():
                wanted[library] = wanted.get(library, frozenset()) | names
        return Linked(
            needed=tuple(dict.fromkeys(library for one in found for library in one.needed)),
            soname=first.soname,
            search_path=tuple(dict.fromkeys(entry for one in found for entry in one.search_path)),
            searches=any(one.searches for one in found),
            program=first.program,
            exports=frozenset.intersection(*(one.exports for one in found)),
            imports={name: said for one in found for name, said in one.imports.items()},
            imported_from=wanted,
            properties=tuple(dict.fromkeys(text for one in found for text in one.properties)),
            built_for=first.built_for,
            oldest_systems={machine: version for one in found for machine, version in one.oldest_systems.items()},
        )

    def describe(self, identity: Identity) -> str:
        """Return a machine in words."""
        words = _WORDS.get(identity.number, f"machine {identity.number:#x}")
        return f"{words}e" if identity.abi_flags and identity.number == _ARM64 else words


def joined(files: Sequence[bytes]) -> bytes:
    """Return one file for all the machines that these are for (`mach-o/fat.h`).

    Raises:
        BinaryError: One of them is damaged, or two are for one machine.
    """
    parts = [content for data in files for content in _contents(data)]
    machines = [struct.unpack_from("<ii", content, 4) for content in parts if _Header.of(content)]
    if len(set(machines)) < len(machines):
        raise BinaryError("is for one machine twice")
    head = _FAT + struct.pack(">I", len(parts))
    at, body = len(head) + 20 * len(parts), b""
    start = at
    for (cpu, subtype), content in zip(machines, parts, strict=True):
        at += -at % _PAGE
        head += struct.pack(">iiIII", cpu, subtype, at, len(content), _PAGE.bit_length() - 1)
        body += bytes(at - start - len(body)) + content
        at += len(content)
    return head + body


def relinked(data: bytes, libraries: Mapping[str, str], name: str) -> bytes:
    """Return a file that loads libraries by other names, with its ad-hoc signature made anew.

    RPATHs that are directories of the build machine are left out.

    Args:
        data: The file, for one machine or for several.
        libraries: The new names by the old ones.
        name: The file's own new name, if it is a library.

    Raises:
        BinaryError: It is damaged, has no room for the names, or its signature is of somebody's key.
    """
    made = bytearray(data)
    for start, content in _parts(data):
        made[start : start + len(content)] = _relinked(content, libraries, name)
    return bytes(made)


def _relinked(data: bytes, libraries: Mapping[str, str], name: str) -> bytes:
    header = _Header.of(data)
    made = bytearray(data)
    written, count, room = bytearray(), 0, len(data)
    signatures = []
    for command, body in _commands(data, header):
        said = body
        if command in _LOADS and (text := _text(body)) in libraries:
            said = _renamed(body, libraries[text])
        elif command == _LIBRARY_NAME:
            said = _renamed(body, name)
        elif command == _RPATH and not _text(body).startswith("@"):
            continue
        elif command == _SIGNATURE:
            signatures.append(_pair(_unpack("<II", body, 8)))
        elif command == _SEGMENT_64:
            places = (_unpack("<I", body, at + 48)[0] for at in range(72, len(body), 80))
            room = min([room, *filter(None, places)])
        elif command == _SYMBOLS:
            room = min(room, *_unpack("<I4xI", body, 8))
        written += said
        count += 1
    if header.size + len(written) > room:
        raise BinaryError("has no room for longer names of libraries: link it with -headerpad_max_install_names")
    made[header.size : room] = written + bytes(room - header.size - len(written))
    struct.pack_into("<2I", made, 16, count, len(written))
    for offset, size in signatures:
        for start in _code_directories(data, offset, size):
            _sign(made, start)
    return bytes(made)


def _renamed(body: bytes, name: str) -> bytes:
    """A load command of a library with another name."""
    text = body[:24] + name.encode() + b"\0"
    text += bytes(-len(text) % 8)
    return struct.pack("<4sII", text[:4], len(text), 24) + text[12:]


def _contents(data: bytes) -> Iterator[bytes]:
    """The files for single machines in a file."""
    return (content for _start, content in _parts(data))


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The same, each with its place."""
    if data[:4] not in (_FAT, _FAT_64):
        yield 0, data
        return
    form = ">iiQQII" if data[:4] == _FAT_64 else ">iiIII"
    (count,) = _unpack(">I", data, 4)
    if not 0 < count < _MOST_MACHINES:
        raise BinaryError("is damaged: it is for no machine")
    for number in range(count):
        _cpu, _subtype, offset, size, *_rest = _unpack(form, data, 8 + number * struct.calcsize(form))
        yield offset, _part(data, offset, size)


def _unpack(form: str, data: bytes, offset: int) -> tuple[int, ...]:
    if offset + struct.calcsize(form) > len(data):
        raise BinaryError("is cut off")
    return struct.unpack_from(form, data, offset)


def _part(data: bytes, offset: int, size: int) -> bytes:
    if offset + size > len(data):
        raise BinaryError("is cut off")
    return data[offset : offset + size]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Header:
    """The header of a file for one machine."""

    identity: Identity
    kind: int
    commands: int
    flags: int
    size: int

    @classmethod
    def of(cls, data: bytes) -> _Header:
        bits = _THIN.get(data[:4])
        if bits is None:
            raise BinaryError("is damaged: a part of it is not Mach-O")
        cpu, subtype, kind, commands, size, flags = _unpack("<6I", data, 4)
        abi = subtype & _SUBTYPE if cpu == _ARM64 and subtype & _SUBTYPE == _ARM64E else 0
        start = 32 if bits == 64 else 28
        if start + size > len(data):
            raise BinaryError("is cut off")
        identity = identity_of(MACHO, cpu, bits, "little", abi)
        return cls(identity=identity, kind=kind, commands=commands, flags=flags, size=start)


@dataclass
class _Said:
    """What the load commands say."""

    needed: list[str] = field(default_factory=list)
    search_path: list[str] = field(default_factory=list)
    name: str = ""
    built_for: str = ""
    oldest: tuple[int, int] | None = None
    symbols: tuple[int, ...] = ()
    exports: tuple[int, int] = (0, 0)
    signature: tuple[int, int] | None = None


def _linked(data: bytes) -> Linked | None:
    header = _Header.of(data)
    if header.kind not in (_PROGRAM, _LIBRARY, _BUNDLE):
        return None
    said = _read_commands(data, header)
    exports, wanted, weak = _read_symbols(data, header, said)
    exports |= _exported(_part(data, *said.exports))
    imports = {name: Import(weak=name in weak, version=0) for names in wanted.values() for name in names}
    properties = ["bundle"] if header.kind == _BUNDLE else []
    if said.oldest is not None:
        properties.append(f"{said.built_for} {said.oldest[0]}.{said.oldest[1]}")
    if said.signature is not None:
        properties.append(_signed(data, *said.signature))
    elif header.identity.number == _ARM64 and said.built_for == _MACOS:
        raise BinaryError("has no signature; Macs with Apple's processors load signed code only")
    return Linked(
        needed=tuple(dict.fromkeys(said.needed)),
        soname=said.name,
        search_path=tuple(said.search_path),
        searches=any(library.startswith("@rpath/") for library in said.needed),
        program=header.kind == _PROGRAM,
        exports=frozenset(exports),
        imports=imports,
        # Each library, also if nothing is wanted of it: the loader asks for it.
        imported_from={name: frozenset(wanted.get(name, ())) for name in dict.fromkeys((*said.needed, *wanted))},
        properties=tuple(properties),
        built_for=said.built_for,
        oldest_systems={} if said.oldest is None else {header.identity.machine: said.oldest},
    )


def _commands(data: bytes, header: _Header) -> Iterator[tuple[int, bytes]]:
    """The load commands, each with its number."""
    offset = header.size
    for _number in range(header.commands):
        command, size = _unpack("<II", data, offset)
        if size < 8:
            raise BinaryError("is damaged: a load command has no length")
        yield command, _part(data, offset, size)
        offset += size


def _read_commands(data: bytes, header: _Header) -> _Said:
    said = _Said()
    for command, body in _commands(data, header):
        if command in _SEGMENTS:
            _part(data, *_unpack(_SEGMENTS[command], body, 8))
        elif command in _LOADS:
            said.needed.append(_text(body))
        elif command == _LIBRARY_NAME:
            said.name = _text(body)
        elif command == _RPATH:
            said.search_path.append(_text(body))
        elif command == _SYMBOLS:
            said.symbols = _unpack("<4I", body, 8)
        elif command in _INFO:
            said.exports = _pair(_unpack("<II", body, 40))
        elif command == _EXPORTS:
            said.exports = _pair(_unpack("<II", body, 8))
        elif command == _SIGNATURE:
            said.signature = _pair(_unpack("<II", body, 8))
        elif command == _OLDEST_MACOS:
            said.built_for = _MACOS
            said.oldest = _release(_unpack("<I", body, 8)[0])
        elif command == _BUILD_VERSION:
            system, oldest = _unpack("<II", body, 8)
            # A file may be for Mac Catalyst besides.
            if system in _SYSTEMS and said.built_for != _MACOS:
                said.built_for, said.oldest = _SYSTEMS[system], _release(oldest)
    return said


def _pair(numbers: tuple[int, ...]) -> tuple[int, int]:
    return numbers[0], numbers[1]


def _release(number: int) -> tuple[int, int]:
    return number >> 16, number >> 8 & 0xFF


def _text(body: bytes) -> str:
    """The text of a load command, whose place is its first field."""
    (start,) = _unpack("<I", body, 8)
    if not 8 <= start < len(body):
        raise BinaryError("is damaged: a load command names nothing")
    return body[start:].partition(b"\0")[0].decode("utf-8", "replace")


def _read_symbols(data: bytes, header: _Header, said: _Said) -> tuple[set[str], dict[str, set[str]], set[str]]:
    """The names that the symbol table defines for others, those that it wants of each library, and the weak ones."""
    exports: set[str] = set()
    wanted: dict[str, set[str]] = {}
    weak: set[str] = set()
    if not said.symbols:
        return exports, wanted, weak
    offset, count, text_offset, text_size = said.symbols
    texts = _part(data, text_offset, text_size)
    form = "<IBBHQ" if header.identity.bits == 64 else "<IBBHI"
    table = _part(data, offset, count * struct.calcsize(form))
    for start, kind, _section, described, value in struct.iter_unpack(form, table):
        # Neither debug information nor names for the file alone.
        if kind & 0xE0 or not kind & 1:
            continue
        end = texts.find(b"\0", start)
        if end < 0:
            raise BinaryError("is damaged: a symbol has no name")
        # C's names have an underscore more.
        name = texts[start:end].decode("utf-8", "replace").removeprefix("_")
        if kind & 0x0E:
            exports |= set() if kind & 0x10 else {name}
        # A definition that a library may replace is wanted of the file itself.
        elif not value and (described >> 8 != _ITSELF or not header.flags & _TWO_LEVEL):
            wanted.setdefault(_library(described >> 8, header, said), set()).add(name)
            weak |= {name} if described & 0x40 else set()
    return exports, wanted, weak


def _library(ordinal: int, header: _Header, said: _Said) -> str:
    if not header.flags & _TWO_LEVEL or ordinal in (_EVERYWHERE, _IN_PROGRAM):
        return ANY_LIBRARY
    if ordinal > len(said.needed):
        raise BinaryError("is damaged: a symbol is of a library that is not named")
    return said.needed[ordinal - 1]


def _exported(trie: bytes) -> set[str]:
    """The names in the trie of exports, the only place of them in a file that is stripped."""
    found: set[str] = set()
    nodes = [(0, b"")] if trie else []
    seen: set[int] = set()
    while nodes:
        at, prefix = nodes.pop()
        if at in seen or at >= len(trie) or len(prefix) > _DEEPEST_EXPORT * 64:
            raise BinaryError("is damaged: its exports contradict each other")
        seen.add(at)
        size, at = _number(trie, at)
        if size:
            found.add(prefix.decode("utf-8", "replace").removeprefix("_"))
        at += size
        (children,) = _unpack("<B", trie, at)
        at += 1
        for _child in range(children):
            end = trie.find(b"\0", at)
            if end < 0:
                raise BinaryError("is damaged: its exports contradict each other")
            place, after = _number(trie, end + 1)
            nodes.append((place, prefix + trie[at:end]))
            at = after
    return found


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte (ULEB128), and where it ends."""
    value = shift = 0
    while True:
        (byte,) = _unpack("<B", data, at)
        value |= (byte & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if byte < 0x80:
            return value, at


def _signed(data: bytes, offset: int, size: int) -> str:
    """What kind of signature a file has.

    Raises:
        BinaryError: It is that of another content; the system ends a process that loads the file.
    """
    kinds = []
    for start in _code_directories(data, offset, size):
        ad_hoc, pages = _pages(data, start)
        for place, digest in pages:
            if _part(data, place, len(digest)) != digest:
                raise BinaryError("has been changed after it was signed: Macs do not load it")
        kinds.append(ad_hoc)
    if not kinds:
        raise BinaryError("is damaged: its signature is empty")
    return "ad-hoc signature" if all(kinds) else "signature"


def _code_directories(data: bytes, offset: int, size: int) -> Iterator[int]:
    """Where the parts of a signature are that hold hashes of the file's pages."""
    blob = _part(data, offset, size)
    magic, _length, count = _unpack(">III", blob, 0)
    if magic != _SIGNATURE_BLOB or count > size // 8:
        raise BinaryError("is damaged: its signature cannot be read")
    for number in range(count):
        _slot, start = _unpack(">II", blob, 12 + 8 * number)
        if _unpack(">I", blob, start)[0] == _CODE_DIRECTORY:
            yield offset + start


def _pages(data: bytes, start: int) -> tuple[bool, list[tuple[int, bytes]]]:
    """Whether a signature is ad hoc, and for each page the place of its hash and what that has to be."""
    _magic, _length, _version, flags, hashes, _name, _special, count, limit = _unpack(">9I", data, start)
    hash_size, kind, _platform, page = _unpack(">4B", data, start + 36)
    ad_hoc = bool(flags & _AD_HOC)
    digest = {1: hashlib.sha1, 2: hashlib.sha256}.get(kind)
    if digest is None:
        return ad_hoc, []
    length = 1 << page if page else limit
    if count != -(-limit // max(length, 1)) or limit > len(data):
        raise BinaryError("is damaged: its signature is not for all of it")
    contents = (data[number * length : min((number + 1) * length, limit)] for number in range(count))
    return ad_hoc, [
        (start + hashes + number * hash_size, digest(content).digest()[:hash_size])
        for number, content in enumerate(contents)
    ]


def _sign(data: bytearray, start: int) -> None:
    """Bring the hashes of a signature up to date."""
    ad_hoc, pages = _pages(bytes(data), start)
    if not ad_hoc:
        raise BinaryError("is signed with somebody's key, which a change would make invalid")
    for place, digest in pages:
        data[place : place + len(digest)] = digest

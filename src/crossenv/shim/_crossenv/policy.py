"""Whether what is inside a wheel keeps the promise of a platform tag, and the tag itself (PEP 600, 656, 427).

Runs inside the process that built the wheel, so it reads ELF files itself (System V ABI, chapter 5, and the GNU
extensions for symbol versions): that process has nothing but the standard library.
"""

import base64
import fnmatch
import hashlib
import os
import struct
import zipfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, BinaryIO

_ET_EXEC, _ET_DYN = 2, 3
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NEEDED, _DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_STRSZ = 1, 4, 5, 6, 10
_DT_GNU_HASH, _DT_VERSYM, _DT_VERNEED, _DT_VERNEEDNUM = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFE, 0x6FFFFFFF
# Whose values are addresses of tables: DT_PLTGOT, the above, DT_RELA, DT_INIT, DT_FINI, DT_REL, DT_JMPREL,
# DT_INIT_ARRAY, DT_FINI_ARRAY, DT_RELR, DT_VERDEF.
_TABLES = {3, 4, 5, 7, 12, 13, 17, 23, 25, 26, 36, _DT_GNU_HASH, _DT_VERSYM, _DT_VERNEED, 0x6FFFFFFC}
_VER_FLG_WEAK, _STB_WEAK = 2, 2
# The general purpose flag of a zip member whose name is in UTF-8 (APPNOTE.TXT 4.4.4).
_ZIP_UTF8 = 0x800
# A message names so many symbols and counts the rest.
_NAMED = 3


class Dynamic:
    """What a linked ELF file asks of others.

    Attributes:
        needed: The libraries, by their DT_NEEDED names.
        versions: For each needed version: the library it comes from, its name, whether it is weak, its index.
    """

    def __init__(self, data: bytes) -> None:
        """Read the dynamic section.

        Raises:
            ValueError: The file is damaged.
        """
        self.data = data
        self.wide = data[4] == 2
        self.order = "<" if data[5] == 1 else ">"
        self.needed: list[str] = []
        self.versions: list[tuple[str, str, bool, int]] = []
        self._tags: dict[int, int] = {}
        self._loads: list[tuple[int, int, int]] = []
        self._strings = (0, 0)
        # Names may share their ends, so that together they are longer than their table, but never by much: a file
        # that says otherwise was made to waste time.
        self._letters = 8 * len(data)
        try:
            self._read()
        except (struct.error, OverflowError):
            raise ValueError("is damaged: its dynamic section points outside") from None

    def _read(self) -> None:
        header = self._unpack("QQ" if self.wide else "II", 32 if self.wide else 28)[0]
        size, count = self._unpack("HH", 54 if self.wide else 42)
        dynamic = None
        for index in range(count):
            at = header + index * size
            if self.wide:
                kind, _flags, offset, address, _physical, length = self._unpack("IIQQQQ", at)
            else:
                kind, offset, address, _physical, length = self._unpack("IIIII", at)
            if kind in (_PT_LOAD, _PT_DYNAMIC) and offset + length > len(self.data):
                # What only holds debug information has such segments too, of length 0.
                raise ValueError("is cut off")
            if kind == _PT_LOAD:
                self._loads.append((address, offset, length))
            elif kind == _PT_DYNAMIC:
                dynamic = (offset, length)
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
                    raise ValueError("is damaged: its table of versions has no end")
                _hash, flags, index, name, step = self._unpack("IHHII", entry)
                self.versions.append((library, self._text(name), bool(flags & _VER_FLG_WEAK), index & 0x7FFF))
                entry += step
            if not following:
                break
            at += following

    def symbols(self) -> "Iterator[tuple[str, bool, bool, int]]":
        """Each dynamic symbol that has a name.

        Yields:
            Its name, whether it is defined here, whether it is weak, and its version's index (0 and 1 are for none).

        Raises:
            ValueError: The file is damaged.
        """
        try:
            yield from self._symbols()
        except (struct.error, OverflowError):
            raise ValueError("is damaged: its table of symbols points outside") from None

    def _symbols(self) -> "Iterator[tuple[str, bool, bool, int]]":
        if _DT_SYMTAB not in self._tags:
            return
        table = self._offset(self._tags[_DT_SYMTAB])
        size = 24 if self.wide else 16
        count = self._symbol_count()
        if table + count * size > len(self.data):
            raise ValueError("is damaged: its table of symbols points outside")
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
        """How many dynamic symbols there are, which nothing says as such."""
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
            raise ValueError("is damaged: its hash table is longer than itself")
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
        """How many symbols fit in before whatever linkers put behind them."""
        start = self._tags[_DT_SYMTAB]
        behind = [value for tag, value in self._tags.items() if tag in _TABLES and value > start]
        return (min(behind) - start) // (24 if self.wide else 16) if behind else 0

    def _unpack(self, form: str, offset: int) -> "tuple[Any, ...]":
        return struct.unpack_from(self.order + form, self.data, offset)

    def _offset(self, address: int) -> int:
        for start, offset, length in self._loads:
            if start <= address < start + length:
                return offset + address - start
        raise ValueError("is damaged: an address is in none of its segments")

    def _text(self, offset: int) -> str:
        start, end = self._strings
        at = self.data.find(b"\0", start + offset, end)
        # A mangled name may be tens of thousands of letters long.
        self._letters -= at - start - offset
        if at < 0 or self._letters < 0:
            raise ValueError("is damaged: a name has no end")
        return self.data[start + offset : at].decode("utf-8", "replace")


def is_linked(header: bytes) -> bool:
    """Whether the first bytes of a file are those of a program or a shared library."""
    if header[:4] != b"\x7fELF" or len(header) < 20 or header[5] not in (1, 2):
        return False
    kind = struct.unpack_from("<H" if header[5] == 1 else ">H", header, 16)[0]
    return kind in (_ET_EXEC, _ET_DYN)


def findings(wheel: zipfile.ZipFile, policy: "dict[str, Any]") -> "tuple[list[str], list[str]]":
    """What in a wheel breaks the promise of `policy` (the attributes of `crossenv.libc.policies.Policy` by name).

    Returns:
        Faults, one line for each file; and one line for each library that is neither in the wheel nor on every such
        machine. Those have to be put into the wheel before it may carry the tag.
    """
    faults: dict[str, str] = {}
    late: dict[str, tuple[list[str], list[str]]] = {}
    outside: list[str] = []
    inside = {name.rpartition("/")[2] for name in wheel.namelist()}
    for name, data in _linked_members(wheel):
        try:
            dynamic = Dynamic(data)
            late[name] = late_symbols(dynamic, policy, inside)
        except ValueError as error:
            faults[name] = f"{name} {error}"
            continue
        for library in dynamic.needed:
            if library in policy["libraries"] or library in inside:
                continue
            if is_other_libc(library, policy["libc"]):
                faults[name] = f"{name} needs {library} of another C library; {promise_words(policy)}"
            else:
                outside.append(f"{name} needs {library}, which {policy['tag']} does not promise")
    wanted = {symbol for _versioned, plain in late.values() for symbol in plain}
    provided = _defined_inside(wheel, wanted) if wanted else set()
    for name, (versioned, plain) in late.items():
        words = [*versioned, *(symbol for symbol in plain if symbol not in provided)]
        if words:
            faults.setdefault(name, f"{name} needs {listed(words)}; {promise_words(policy, words)}")
    return list(faults.values()), outside


def _linked_members(wheel: zipfile.ZipFile) -> "Iterator[tuple[str, bytes]]":
    for info in wheel.infolist():
        with wheel.open(info) as member:
            header = member.read(64)
            if is_linked(header):
                yield info.filename, header + member.read()


def late_symbols(dynamic: Dynamic, policy: "dict[str, Any]", inside: "set[str]") -> "tuple[list[str], list[str]]":
    """What `dynamic` needs that is later than the floor: with versions, and by names alone.

    Args:
        dynamic: The file.
        policy: As of `findings`.
        inside: The names of the files in the wheel.
    """
    late = {
        index: version
        for library, version, weak, index in dynamic.versions
        if library in policy["libraries"] and library not in inside and not weak and not _allowed(version, policy)
    }
    exact = {name for name in policy["late"] if "*" not in name}
    patterns = [name for name in policy["late"] if "*" in name]
    if not late and not policy["late"]:
        return [], []
    symbols: dict[int, list[str]] = {index: [] for index in late}
    plain = set()
    for symbol, defined, weak, index in dynamic.symbols():
        if defined:
            continue
        if index in symbols:
            symbols[index].append(symbol)
        elif weak:
            # Without a version it may be missing: the program asks whether it is there.
            continue
        elif symbol in exact or any(fnmatch.fnmatchcase(symbol, pattern) for pattern in patterns):
            plain.add(symbol)
    # A version that no symbol has is a demand of the linker's (GLIBC_ABI_DT_RELR).
    words = [
        f"{symbol}@{version}" if symbol else version
        for index, version in late.items()
        for symbol in symbols[index] or [""]
    ]
    return words, sorted(plain)


def _defined_inside(wheel: zipfile.ZipFile, wanted: "set[str]") -> "set[str]":
    """Which of `wanted` the wheel's own files define: those may be theirs."""
    found = set()
    for _name, data in _linked_members(wheel):
        try:
            found |= {symbol for symbol, defined, _weak, _index in Dynamic(data).symbols() if defined} & wanted
        except ValueError:
            # A fault already.
            continue
    return found


def is_other_libc(library: str, libc: str) -> bool:
    """Whether `library` is a part of a C library that is not `libc`."""
    if libc == "musl":
        return library == "libc.so.6" or library.startswith(("ld-linux", "ld64.so"))
    return library == "libc.so" or library.startswith(("libc.musl-", "ld-musl-"))


def _allowed(version: str, policy: "dict[str, Any]") -> bool:
    prefix, _, number = version.partition("_")
    known = policy["versions"].get(prefix)
    if prefix != "GLIBC":
        return known is None or number in known
    parts = number.split(".")
    if all(part.isdecimal() and len(part) < 9 for part in parts):
        return [int(part) for part in parts][:2] <= list(policy["floor"])
    return number in (known or ())


def listed(words: "list[str]") -> str:
    """The first few of `words`, and how many more there are."""
    rest = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return ", ".join(words[:_NAMED]) + rest


def promise_words(policy: "dict[str, Any]", words: "Iterable[str]" = ()) -> str:
    """What the tag promises that a file which needs `words` asks too much of."""
    version = ".".join(map(str, policy["floor"]))
    promised = [f"{policy['libc']} {version}"]
    for prefix in sorted({word.rpartition("@")[2].partition("_")[0] for word in words if "@" in word} - {"GLIBC"}):
        numbers = [name for name in policy["versions"][prefix] if name.replace(".", "").isdecimal()]
        highest = max(numbers, key=lambda name: [int(part) for part in name.split(".")], default="")
        promised.append(f"{prefix} {highest}" if highest else f"no {prefix}")
    return f"{policy['tag']} promises {', '.join(promised)}"


def retag(path: str, tag: str) -> str:
    """Replace the platform tag `linux_...` of the wheel at `path` by `tag`: in its name, its WHEEL and its RECORD.

    Everything else stays as it is: the members' order, dates, permissions and compressed bytes.

    Returns:
        The wheel's new path; `path` itself if it has no such tag.

    Raises:
        zipfile.BadZipFile: What it has to change cannot be read.
    """
    directory, filename = os.path.split(path)
    stem, _, platforms = filename.removesuffix(".whl").rpartition("-")
    replaced = [tag if platform.startswith("linux_") else platform for platform in platforms.split(".")]
    name = f"{stem}-{'.'.join(dict.fromkeys(replaced))}.whl"
    if name == filename:
        return path
    made, partial = os.path.join(directory, name), os.path.join(directory, f".{name}.part")
    try:
        with open(path, "rb") as source, zipfile.ZipFile(source) as old, zipfile.ZipFile(partial, "w") as new:
            _copy_retagged(source, old, new, tag)
        os.chmod(partial, os.stat(path).st_mode & 0o777)
        os.replace(partial, made)
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise
    os.unlink(path)
    return made


def _copy_retagged(source: "BinaryIO", old: zipfile.ZipFile, new: zipfile.ZipFile, tag: str) -> None:
    """Write into `new` what `old` has, which is read from `source`."""
    new.comment = old.comment
    changed: dict[str, bytes] = {}
    for info in old.infolist():
        if _is_metadata(info, "WHEEL"):
            changed[info.filename] = _retagged_text(old.read(info), tag)
    for info in old.infolist():
        if _is_metadata(info, "RECORD"):
            changed[info.filename] = _record_of(old.read(info), changed)
        elif not info.filename.isascii() and not info.flag_bits & _ZIP_UTF8:
            # The directory's entry will be in UTF-8, and a reader wants the member's own header to agree.
            changed[info.filename] = old.read(info)
    # Members lie one behind the other, and the directory behind the last one.
    starts = sorted(info.header_offset for info in old.infolist())
    ends = dict(zip(starts, [*starts[1:], old.start_dir], strict=True))
    for info in old.infolist():
        if info.filename in changed:
            made = zipfile.ZipInfo(info.filename, info.date_time)
            made.external_attr, made.create_system = info.external_attr, info.create_system
            made.internal_attr, made.comment = info.internal_attr, info.comment
            new.writestr(made, changed[info.filename], compress_type=info.compress_type)
        else:
            _copy_member(source, info, ends[info.header_offset], new)


def _is_metadata(info: zipfile.ZipInfo, name: str) -> bool:
    parent, _, base = info.filename.rpartition("/")
    return base == name and parent.endswith(".dist-info") and "/" not in parent


def _copy_member(source: "BinaryIO", info: zipfile.ZipInfo, end: int, new: zipfile.ZipFile) -> None:
    """Append a member as it is: to compress it again would take most of the time, and change its bytes."""
    assert new.fp is not None
    left = end - info.header_offset
    source.seek(info.header_offset)
    info.header_offset = new.start_dir
    new.fp.seek(new.start_dir)
    while left > 0 and (block := source.read(min(left, 1 << 20))):
        new.fp.write(block)
        left -= len(block)
    new.start_dir = new.fp.tell()
    new.filelist.append(info)
    new.NameToInfo[info.filename] = info


def _retagged_text(data: bytes, tag: str) -> bytes:
    lines = _decoded(data).split("\n")
    for number, line in enumerate(lines):
        if line.startswith("Tag:"):
            head, _, platform = line.rstrip("\r").rpartition("-")
            if platform.startswith("linux_"):
                lines[number] = f"{head}-{tag}" + ("\r" if line.endswith("\r") else "")
    return "\n".join(lines).encode("utf-8")


def _record_of(data: bytes, changed: "dict[str, bytes]") -> bytes:
    import csv
    import io

    try:
        rows = list(csv.reader(io.StringIO(_decoded(data), newline="")))
    except csv.Error as error:
        raise zipfile.BadZipFile(f"its RECORD is damaged: {error}") from None
    for row in rows:
        if row and row[0] in changed:
            digest = base64.urlsafe_b64encode(hashlib.sha256(changed[row[0]]).digest()).rstrip(b"=").decode("ascii")
            row[1:3] = [f"sha256={digest}", str(len(changed[row[0]]))]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise zipfile.BadZipFile("its metadata is not in UTF-8") from None

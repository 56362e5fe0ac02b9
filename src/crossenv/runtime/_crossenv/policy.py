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
    from collections.abc import Iterator
    from typing import Any

_ET_EXEC, _ET_DYN = 2, 3
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NEEDED, _DT_HASH, _DT_STRTAB, _DT_SYMTAB = 1, 4, 5, 6
_DT_GNU_HASH, _DT_VERSYM, _DT_VERNEED, _DT_VERNEEDNUM = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFE, 0x6FFFFFFF
_VER_FLG_WEAK = 2
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
            if kind == _PT_LOAD:
                self._loads.append((address, offset, length))
            elif kind == _PT_DYNAMIC:
                dynamic = (offset, length)
        if dynamic is None:
            return
        names = []
        step = 16 if self.wide else 8
        for at in range(dynamic[0], min(dynamic[0] + dynamic[1], len(self.data)), step):
            tag, value = self._unpack("QQ" if self.wide else "II", at)
            if tag == 0:
                break
            if tag == _DT_NEEDED:
                names.append(value)
            self._tags.setdefault(tag, value)
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

    def undefined(self) -> "Iterator[tuple[str, int]]":
        """The symbols that other files have to provide, each with its version's index (0 and 1 are for none).

        Raises:
            ValueError: The file is damaged.
        """
        try:
            yield from self._undefined()
        except (struct.error, OverflowError):
            raise ValueError("is damaged: its table of symbols points outside") from None

    def _undefined(self) -> "Iterator[tuple[str, int]]":
        if _DT_SYMTAB not in self._tags:
            return
        table = self._offset(self._tags[_DT_SYMTAB])
        versions = self._offset(self._tags[_DT_VERSYM]) if _DT_VERSYM in self._tags else None
        size = 24 if self.wide else 16
        for index in range(1, min(self._symbol_count(), len(self.data) // size)):
            at = table + index * size
            name = self._unpack("I", at)[0]
            section = self._unpack("H", at + (6 if self.wide else 14))[0]
            if section == 0 and name:
                version = self._unpack("H", versions + 2 * index)[0] & 0x7FFF if versions is not None else 0
                yield self._text(name), version

    def _symbol_count(self) -> int:
        """How many dynamic symbols there are: only the hash tables say so."""
        if _DT_HASH in self._tags:
            at = self._offset(self._tags[_DT_HASH])
            # GNU's linker has words of 64 bits there for S/390, big-endian: the first half of the first is 0.
            wide = self.wide and self._unpack("I", at)[0] == 0
            return int(self._unpack("QQ" if wide else "II", at)[1])
        if _DT_GNU_HASH not in self._tags:
            return 0
        at = self._offset(self._tags[_DT_GNU_HASH])
        buckets, first, bloom, _shift = self._unpack("IIII", at)
        at += 16 + bloom * (8 if self.wide else 4)
        if buckets > len(self.data) // 4:
            raise ValueError("is damaged: its hash table is longer than itself")
        last = max(self._unpack(f"{buckets}I", at), default=0)
        if last < first:
            return int(first)
        chain = at + 4 * buckets + 4 * (last - first)
        while not self._unpack("I", chain)[0] & 1:
            chain += 4
            last += 1
        return int(last) + 1

    def _unpack(self, form: str, offset: int) -> "tuple[Any, ...]":
        return struct.unpack_from(self.order + form, self.data, offset)

    def _offset(self, address: int) -> int:
        for start, offset, length in self._loads:
            if start <= address < start + length:
                return offset + address - start
        raise ValueError("is damaged: an address is in none of its segments")

    def _text(self, offset: int) -> str:
        start = self._offset(self._tags.get(_DT_STRTAB, 0)) + offset
        end = self.data.find(b"\0", start, start + 4096)
        if end < 0:
            raise ValueError("is damaged: a name has no end")
        return self.data[start:end].decode("utf-8", "replace")


def is_linked(header: bytes) -> bool:
    """Whether the first bytes of a file are those of a program or a shared library."""
    if header[:4] != b"\x7fELF" or len(header) < 20 or header[5] not in (1, 2):
        return False
    kind = struct.unpack_from("<H" if header[5] == 1 else ">H", header, 16)[0]
    return kind in (_ET_EXEC, _ET_DYN)


def findings(wheel: zipfile.ZipFile, policy: "dict[str, Any]") -> "tuple[list[str], list[str]]":
    """What in a wheel breaks the promise of `policy` (the attributes of `crossenv.policy.Policy` by name).

    Returns:
        Faults, one line each; and one line for each library that is neither in the wheel nor on every such machine.
        Those have to be put into the wheel before it may carry the tag.
    """
    faults: list[str] = []
    outside: list[str] = []
    members = [name for name in wheel.namelist() if not name.endswith("/")]
    inside = {name.rpartition("/")[2] for name in members}
    for name in members:
        with wheel.open(name) as member:
            header = member.read(64)
            if not is_linked(header):
                continue
            data = header + member.read()
        try:
            dynamic = Dynamic(data)
            faults += [f"{name} {fault}" for fault in _version_faults(dynamic, policy)]
            faults += [f"{name} {fault}" for fault in _late_faults(dynamic, policy)]
        except ValueError as error:
            faults.append(f"{name} {error}")
            continue
        outside += [
            f"{name} needs {library}, which {policy['tag']} does not promise"
            for library in dynamic.needed
            if library not in policy["libraries"] and library not in inside
        ]
    return faults, outside


def _version_faults(dynamic: Dynamic, policy: "dict[str, Any]") -> "list[str]":
    late = {
        index: version
        for library, version, weak, index in dynamic.versions
        if library in policy["libraries"] and not weak and not _allowed(version, policy)
    }
    if not late:
        return []
    symbols: dict[int, list[str]] = {index: [] for index in late}
    for symbol, index in dynamic.undefined():
        if index in symbols:
            symbols[index].append(symbol)
    words = [f"{symbol}@{late[index]}" for index in late for symbol in symbols[index] or [""]]
    return [f"needs {_listed(words)}; {_promise(policy)}"]


def _allowed(version: str, policy: "dict[str, Any]") -> bool:
    prefix, _, number = version.partition("_")
    if prefix == "GLIBC":
        parts = number.split(".")
        return all(part.isdigit() for part in parts) and [int(part) for part in parts][:2] <= list(policy["floor"])
    known = policy["versions"].get(prefix)
    return known is None or number in known


def _late_faults(dynamic: Dynamic, policy: "dict[str, Any]") -> "list[str]":
    if not policy["late"]:
        return []
    names = sorted(
        {
            name
            for name, _index in dynamic.undefined()
            if any(fnmatch.fnmatchcase(name, late) for late in policy["late"])
        }
    )
    return [f"needs {_listed(names)}; {_promise(policy)}"] if names else []


def _listed(words: "list[str]") -> str:
    rest = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return ", ".join(words[:_NAMED]) + rest


def _promise(policy: "dict[str, Any]") -> str:
    version = ".".join(map(str, policy["floor"]))
    return f"{policy['tag']} promises {policy['libc']} {version}"


def retag(path: str, tag: str) -> str:
    """Replace the platform tag `linux_...` of the wheel at `path` by `tag`: in its name, its WHEEL and its RECORD.

    Everything else stays as it is: the members' order, dates, permissions and kind of compression.

    Returns:
        The wheel's new path; `path` itself if it has no such tag.
    """
    directory, filename = os.path.split(path)
    stem, _, platforms = filename.removesuffix(".whl").rpartition("-")
    replaced = [tag if platform.startswith("linux_") else platform for platform in platforms.split(".")]
    name = f"{stem}-{'.'.join(dict.fromkeys(replaced))}.whl"
    if name == filename:
        return path
    made, partial = os.path.join(directory, name), os.path.join(directory, f".{name}.part")
    try:
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(partial, "w") as new:
            _copy_retagged(old, new, tag)
        os.replace(partial, made)
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise
    os.unlink(path)
    return made


def _copy_retagged(old: zipfile.ZipFile, new: zipfile.ZipFile, tag: str) -> None:
    changed: dict[str, bytes] = {}
    for info in old.infolist():
        parent, _, base = info.filename.rpartition("/")
        if parent.endswith(".dist-info") and "/" not in parent and base == "WHEEL":
            changed[info.filename] = _retagged_text(old.read(info), tag)
    for info in old.infolist():
        parent, _, base = info.filename.rpartition("/")
        if parent.endswith(".dist-info") and "/" not in parent and base == "RECORD":
            changed[info.filename] = _record_of(old.read(info), changed)
    for info in old.infolist():
        if info.filename in changed:
            new.writestr(info, changed[info.filename], compress_type=info.compress_type)
            continue
        # A new one, because the writer changes it; of the members themselves nothing is held in memory.
        with old.open(info) as source, new.open(_like(info), "w", force_zip64=info.file_size > 2**31) as target:
            while block := source.read(1 << 20):
                target.write(block)


def _like(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(info.filename, info.date_time)
    made.compress_type = info.compress_type
    made.external_attr = info.external_attr
    made.create_system = info.create_system
    made.comment = info.comment
    made.file_size = info.file_size
    return made


def _retagged_text(data: bytes, tag: str) -> bytes:
    lines = data.decode("utf-8").split("\n")
    for number, line in enumerate(lines):
        if line.startswith("Tag:"):
            head, _, platform = line.rstrip("\r").rpartition("-")
            if platform.startswith("linux_"):
                lines[number] = f"{head}-{tag}" + ("\r" if line.endswith("\r") else "")
    return "\n".join(lines).encode("utf-8")


def _record_of(data: bytes, changed: "dict[str, bytes]") -> bytes:
    import csv
    import io

    rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))
    for row in rows:
        if row and row[0] in changed:
            digest = base64.urlsafe_b64encode(hashlib.sha256(changed[row[0]]).digest()).rstrip(b"=").decode("ascii")
            row[1:3] = [f"sha256={digest}", str(len(changed[row[0]]))]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")

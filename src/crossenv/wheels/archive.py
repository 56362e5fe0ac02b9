"""Read a wheel's archive without believing it (PEP 427, APPNOTE.TXT)."""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from crossenv.errors import reason_of
from crossenv.wheels.model import ERROR, Finding

# What zipfile and what it calls may say of damaged input.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    IndexError,
    OverflowError,
    struct.error,
    # Offsets that point before the beginning.
    OSError,
)
# Deflate packs at most 1:1032, and real wheels with long runs of zeros come near it in single files, never as a whole.
_LARGEST, _LARGEST_RATIO = 1 << 30, 100
_BLOCK = 1 << 20
_ENCRYPTED = 0x1
# A drive letter, or a character that a path on some system cannot have or takes for a separator.
_FOREIGN = re.compile(r"^[A-Za-z]:|[\\\x00-\x1f\x7f]")


class ArchiveError(ValueError):
    """A file that is not an archive, or a damaged one; the text continues "the wheel ..."."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One file in the archive.

    Attributes:
        name: Its path there.
        size: Its size in bytes, unpacked.
        executable: Whether its mode has an executable bit.
    """

    name: str
    size: int
    executable: bool


class Archive:
    """An open archive.

    Attributes:
        members: Its files, in their order, each name once.
        findings: The faults in the list of them.
    """

    def __init__(self, opened: zipfile.ZipFile, size: int) -> None:
        """Look at the list of members.

        Raises:
            ArchiveError: It asks for more than a wheel would.
        """
        self._zip = opened
        self.findings: list[Finding] = []
        infos: dict[str, zipfile.ZipInfo] = {}
        total = packed = 0
        for info in opened.infolist():
            total += info.file_size
            packed += info.compress_size
            fault = _fault_of(info)
            if fault is not None:
                self.findings.append(Finding(id=fault[0], severity=ERROR, path=info.filename, message=fault[1]))
            # zipfile's own question fails for an empty name.
            if info.filename.endswith("/"):
                continue
            if info.filename in infos:
                says = "is in the archive twice; which one is installed depends on the installer"
                self.findings.append(Finding(id="member-twice", severity=ERROR, path=info.filename, message=says))
            infos[info.filename] = info
        if packed > size:
            raise ArchiveError("has members that lie one over the other")
        if total > _LARGEST + _LARGEST_RATIO * size:
            raise ArchiveError(f"would unpack to {total >> 20} MiB, more than its size explains")
        parents = {parent for name in infos for parent in _parents(name)}
        for name in sorted(parents & infos.keys()):
            says = "is a file, and a directory for other members"
            self.findings.append(Finding(id="member-twice", severity=ERROR, path=name, message=says))
        self._infos = infos
        self.members = tuple(
            Member(name=name, size=info.file_size, executable=bool(info.external_attr >> 16 & 0o111))
            for name, info in infos.items()
        )

    def blocks(self, name: str) -> Iterator[bytes]:
        """The content of a member in pieces, its check sum compared at the end.

        Raises:
            ArchiveError: It is damaged.
        """
        info = self._infos[name]
        if info.flag_bits & _ENCRYPTED:
            raise ArchiveError(f"has an encrypted member {name}")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ArchiveError(f"has a member {name} that is neither stored nor deflated")
        read = 0
        try:
            with self._zip.open(info) as stream:
                while block := stream.read(_BLOCK):
                    read += len(block)
                    yield block
        except _DAMAGE as error:
            raise ArchiveError(f"is damaged at {name}: {_words(error)}") from None
        if read != info.file_size:
            raise ArchiveError(f"is damaged at {name}: it has {read} bytes and not {info.file_size}")

    def read(self, name: str) -> bytes:
        """The content of a member.

        Raises:
            ArchiveError: It is damaged.
        """
        return b"".join(self.blocks(name))


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open the archive at `path`.

    Raises:
        ArchiveError: It is not an archive, is damaged, or cannot be read.
    """
    try:
        size = path.stat().st_size
        stream = path.open("rb")
    except OSError as error:
        raise ArchiveError(f"cannot be read: {reason_of(error)}") from None
    with stream:
        try:
            archive = zipfile.ZipFile(stream)
        except _DAMAGE as error:
            raise ArchiveError(f"is not a zip archive, or is cut off ({_words(error)})") from None
        with archive:
            yield Archive(archive, size)


def _fault_of(info: zipfile.ZipInfo) -> tuple[str, str] | None:
    """Return the fault for which a member must not be unpacked: the finding's id and message."""
    name = info.filename
    if name.startswith("/") or ".." in name.split("/") or _FOREIGN.search(info.orig_filename):
        return "member-outside", "is a path that leaves the directory it is unpacked into, or does on some system"
    if "" in name.removesuffix("/").split("/") or "." in name.split("/"):
        return "member-outside", "is a path with an empty or dotted part, which installers read in different ways"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "member-link", "is a symbolic link; wheels cannot have any (installers write its target as text)"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "member-link", "is neither a file nor a directory"
    return None


def _parents(name: str) -> Iterator[str]:
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__

"""Unpacks `.deb` files into a tree, and nothing outside it."""

from __future__ import annotations

import io
import lzma
import os
import posixpath
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from crossenv.errors import DownloadError

# What neither a compiler nor an interpreter reads.
_LEFT_OUT = re.compile(
    r"^(usr/share/(doc|man|locale|info|lintian|bug|gdb|i18n|zoneinfo|menu|applications|icons|bash-completion)/|etc/(?!ld\.so)"
    r"|var/|usr/lib/(systemd|udev|tmpfiles\.d|sysusers\.d)/)"
)
# Static libraries are large, and only the C library's own are ever linked without being asked for.
_LARGEST_ARCHIVE = 5 << 20
_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


def unpack_deb(data: bytes, name: str, root: Path) -> int:
    """Unpack the files of a `.deb` (deb(5)) into the tree `root`.

    Directories that a merged /usr has as links are merged; absolute links become relative ones, so that they
    stay inside. Maintainer scripts are not read. Device nodes are left out.

    Args:
        data: The `.deb`.
        name: What to call it in messages.
        root: An existing directory.

    Returns:
        How many bytes the files have that were written.

    Raises:
        DownloadError: It is no `.deb`, is damaged, or has a member that would leave the tree.
    """
    written = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(_data_tar(data, name))) as archive:
            for member in archive:
                written += _place(archive, member, root, name)
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError) as error:
        raise DownloadError(f"{name} is damaged: {error}", hint="remove it from the cache and try again") from None
    return written


def _data_tar(data: bytes, name: str) -> bytes:
    """The tar archive in the `data.tar.*` member of a `.deb`, which is an ar(5) archive."""
    for member, content in _ar_members(data, name):
        if member == "data.tar":
            return content
        if member == "data.tar.xz":
            return lzma.decompress(content)
        if member == "data.tar.gz":
            return zlib.decompress(content, wbits=31)
        if member.startswith("data.tar."):
            raise DownloadError(
                f"{name} is compressed as {member.removeprefix('data.tar.')}, which is not supported",
                hint="use Debian's own packages, which are compressed with xz",
            )
    raise DownloadError(f"{name} holds no data.tar", hint="it is no Debian package; try another --mirror")


def _ar_members(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    if not data.startswith(b"!<arch>\n"):
        raise DownloadError(f"{name} is no Debian package", hint="try another --mirror")
    offset = 8
    while offset + 60 <= len(data):
        header = data[offset : offset + 60]
        size_text = header[48:58].strip()
        end = offset + 60 + int(size_text) if size_text.isdigit() else -1
        if end < 0 or end > len(data):
            raise DownloadError(f"{name} is cut off", hint="remove it from the cache and try again")
        yield header[:16].decode("ascii", "replace").strip().rstrip("/"), data[offset + 60 : end]
        offset = end + end % 2


def _inside(path: str, name: str) -> str:
    """A member's path, relative and normal."""
    parts = path.split("/")
    if path.startswith("/") or ".." in parts:
        raise DownloadError(f"{name} has a member outside its tree: {path!r}", hint="do not use it")
    clean = "/".join(part for part in parts if part not in ("", "."))
    first, _slash, rest = clean.partition("/")
    return f"usr/{first}/{rest}".rstrip("/") if first in _MERGED else clean


def _place(archive: tarfile.TarFile, member: tarfile.TarInfo, root: Path, name: str) -> int:
    """Write one member; returns its size."""
    path = _inside(member.name, name)
    if not path or _LEFT_OUT.match(path + ("/" if member.isdir() else "")):
        return 0
    if path.endswith(".a") and (member.size > _LARGEST_ARCHIVE or re.search(r"/libpython[^/]*\.a$", path)):
        return 0
    target = root / path
    _require_real_parents(target, root, name)
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return 0
    if not (member.isfile() or member.issym() or member.islnk()):
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() and not target.is_symlink():
        raise DownloadError(f"{name} puts a file where there is a directory: {path}", hint="leave that package out")
    target.unlink(missing_ok=True)
    if member.issym():
        target.symlink_to(_link_inside(path, member.linkname, name))
        return 0
    if member.islnk():
        source = root / _inside(member.linkname, name)
        _require_real_parents(source, root, name)
        if not source.is_file() or source.is_symlink():
            raise DownloadError(f"{name} links {path} to nothing: {member.linkname!r}", hint="leave that package out")
        target.hardlink_to(source)
        return 0
    content = archive.extractfile(member)
    assert content is not None
    with target.open("wb") as file:
        shutil.copyfileobj(content, file)
    # Never setuid, never unreadable to the owner.
    target.chmod((member.mode & 0o755) | 0o600)
    return member.size


def _require_real_parents(target: Path, root: Path, name: str) -> None:
    """Refuse to write through a link that an earlier member made, unless it stays inside."""
    parent = target.parent
    while parent != root:
        if parent.is_symlink():
            real = parent.resolve()
            if not real.is_relative_to(root.resolve()):
                raise DownloadError(
                    f"{name} writes through a link that leaves the tree: {target}", hint="do not use it"
                )
            return
        parent = parent.parent


def _link_inside(path: str, link: str, name: str) -> str:
    """A symbolic link's text: relative, and to a place inside the tree."""
    directory = posixpath.dirname(path)
    if link.startswith("/"):
        goal = _inside(posixpath.normpath(link).lstrip("/"), name)
    else:
        joined = posixpath.normpath(posixpath.join(directory, link))
        if joined == ".." or joined.startswith("../"):
            raise DownloadError(f"{name} has a link that leaves the tree: {path} -> {link}", hint="do not use it")
        goal = _inside(joined, name)
    return posixpath.relpath(goal, directory) if goal else posixpath.relpath(".", directory)


def make_skeleton(root: Path, architecture: str) -> None:
    """The directories of a merged /usr, and the links to them."""
    for directory in ("bin", "sbin", "lib"):
        (root / "usr" / directory).mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(root / directory):
            (root / directory).symlink_to(f"usr/{directory}")
    # The loaders of these are named by a path below /lib64.
    if architecture in ("amd64", "ppc64el", "loong64"):
        (root / "usr/lib64").mkdir(exist_ok=True)
        if not os.path.lexists(root / "lib64"):
            (root / "lib64").symlink_to("usr/lib64")

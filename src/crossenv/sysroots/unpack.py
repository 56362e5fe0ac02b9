"""Unpacks `.deb` files into a tree, and nothing outside it."""

from __future__ import annotations

import errno
import gzip
import importlib
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
from typing import IO, cast

from crossenv.errors import DownloadError

# What neither a compiler nor an interpreter reads.
_LEFT_OUT = re.compile(
    r"^(usr/share/(doc|man|locale|info|lintian|bug|gdb|i18n|menu|applications|icons|bash-completion)/|etc/(?!ld\.so)"
    r"|var/|usr/lib/(systemd|udev|tmpfiles\.d|sysusers\.d)/)"
)
# Static libraries are large, and only the C library's own are ever linked without being asked for.
_LARGEST_ARCHIVE = 5 << 20
# What the system says when two members disagree about what a path is, or when one cannot be a path.
_CONFLICTS = frozenset({errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL})
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
        with _data_tar(data, name) as stream:
            with tarfile.open(fileobj=stream, mode="r:") as archive:
                for member in archive:
                    written += _place(archive, member, root, name)
            # To the end, where the compression keeps its check sum.
            while stream.read(1 << 20):
                pass
    except OSError as error:
        if error.errno in _CONFLICTS:
            raise DownloadError(
                f"{name} puts a file where there is a directory, or the other way round: {error.filename}",
                hint="leave that package out",
            ) from None
        if not isinstance(error, gzip.BadGzipFile):
            raise
        raise _damaged(name, error) from None
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, ValueError) as error:
        # ValueError: a NUL in a name.
        raise _damaged(name, error) from None
    return written


def read_member(data: bytes, name: str, path: str) -> bytes | None:
    """Return the content of one regular file in a `.deb`; None if there is no such file.

    Args:
        data: The `.deb`.
        name: What to call it in messages.
        path: The file's path below the root, "usr/bin/qemu-arm".

    Raises:
        DownloadError: It is no `.deb`, or is damaged.
    """
    try:
        with _data_tar(data, name) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            for member in archive:
                if member.isfile() and member.name.removeprefix("./") == path:
                    content = archive.extractfile(member)
                    return None if content is None else content.read()
    except (OSError, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, ValueError) as error:
        raise _damaged(name, error) from None
    return None


def _damaged(name: str, error: Exception) -> DownloadError:
    return DownloadError(f"{name} is damaged: {error}", hint="remove it from the cache and try again")


def _data_tar(data: bytes, name: str) -> IO[bytes]:
    """Open the tar archive in the `data.tar.*` member of a `.deb`, an ar(5) archive; reading decompresses it."""
    for member, content in _ar_members(data, name):
        if member == "data.tar":
            return io.BytesIO(content)
        if member == "data.tar.xz":
            return lzma.LZMAFile(io.BytesIO(content))
        if member == "data.tar.gz":
            return cast(IO[bytes], gzip.GzipFile(fileobj=io.BytesIO(content)))
        if member == "data.tar.zst":
            return _zstd(content, name)
        if member.startswith("data.tar."):
            raise DownloadError(
                f"{name} is compressed as {member.removeprefix('data.tar.')}, which is not supported",
                hint="use Debian's own packages, which are compressed with xz",
            )
    raise DownloadError(f"{name} holds no data.tar", hint="it is not a Debian package; try another --mirror")


def _zstd(content: bytes, name: str) -> IO[bytes]:
    try:
        zstd = importlib.import_module("compression.zstd")
    except ImportError:
        raise DownloadError(
            f"{name} is compressed as zst, which this Python cannot read",
            hint="run crossenv with Python 3.14 or later, or use Debian's own packages, which are compressed with xz",
        ) from None
    try:
        return io.BytesIO(zstd.decompress(content))
    except zstd.ZstdError as error:
        raise _damaged(name, error) from None


def _ar_members(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    if not data.startswith(b"!<arch>\n"):
        raise DownloadError(f"{name} is not a Debian package", hint="try another --mirror")
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
    """Return a member's path, relative and normal."""
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
        # Where the member really goes: below a link that an earlier member made, `..` counts from the link's goal.
        real = os.path.relpath(os.path.realpath(target.parent), os.path.realpath(root))
        target.symlink_to(_link_inside(f"{real}/{target.name}", member.linkname, name))
        return 0
    if member.islnk():
        source = root / _inside(member.linkname, name)
        _require_real_parents(source, root, name)
        if source.is_file() and not source.is_symlink():
            target.hardlink_to(source)
            return 0
        # The other name of the file was left out.
    try:
        content = archive.extractfile(member)
    except KeyError:
        content = None
    if content is None:
        raise DownloadError(f"{name} links {path} to nothing: {member.linkname!r}", hint="leave that package out")
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
            # Not resolve(): that raises RuntimeError when links go round in a circle.
            real = Path(os.path.realpath(parent))
            if not real.is_relative_to(os.path.realpath(root)):
                raise DownloadError(
                    f"{name} writes through a link that leaves the tree: {target}", hint="do not use it"
                )
            return
        parent = parent.parent


def _link_inside(path: str, link: str, name: str) -> str:
    """Return a symbolic link's text: relative, and to a place inside the tree."""
    directory = posixpath.dirname(posixpath.normpath(path))
    if link.startswith("/"):
        goal = _inside(posixpath.normpath(link).lstrip("/"), name)
    else:
        joined = posixpath.normpath(posixpath.join(directory, link))
        if joined == ".." or joined.startswith("../"):
            raise DownloadError(f"{name} has a link that leaves the tree: {path} -> {link}", hint="do not use it")
        goal = _inside(joined, name)
    return posixpath.relpath(goal, directory) if goal else posixpath.relpath(".", directory)


def make_skeleton(root: Path) -> None:
    """The directories of a merged /usr, and the links to them."""
    for directory in ("bin", "sbin", "lib"):
        (root / "usr" / directory).mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(root / directory):
            (root / directory).symlink_to(f"usr/{directory}")


def finish_tree(root: Path) -> None:
    """Finish after all packages are unpacked: make the links of the merged /usr, remove links to missing files."""
    # Some architectures' loaders are named by a path below /lib64 (amd64, ppc64el, mips64el, loong64).
    for name in _MERGED:
        if (root / "usr" / name).is_dir() and not os.path.lexists(root / name):
            (root / name).symlink_to(f"usr/{name}")
    for link in root.glob("usr/lib/**/*.a"):
        if link.is_symlink() and not link.exists():
            link.unlink()

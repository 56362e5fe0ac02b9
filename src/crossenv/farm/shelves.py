"""Where the files of a store are: a directory, or any place that fsspec knows (S3 and its like)."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib
import os
import secrets
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from crossenv.errors import UsageError, reason_of
from crossenv.files import write_file

PART = ".crossenv-part-"
_FOLDERS = ("wheels", "jobs", "plans", "failures")
# Shows that a store is one, where there are no directories.
_MARK = "store.txt"
_TRIES = 5


class Shelf(Protocol):
    """A place for files, which are named by their path below it.

    Every method raises OSError if the place does not answer.

    Attributes:
        name: What users call it.
        root: The directory where `fetch` has its files.
    """

    name: str
    root: Path

    def open(self) -> None:
        """Make it, and try to write."""

    def exists(self) -> bool:
        """Whether it is a store."""

    def read(self, name: str) -> bytes | None:
        """Return a file's content; None if there is none."""

    def read_all(self, folder: str) -> Mapping[str, bytes]:
        """Return the content of all files in a folder, by name below the shelf."""

    def write(self, name: str, data: bytes) -> None:
        """Write a file."""

    def put(self, name: str, file: Path, digest: str) -> None:
        """Copy a file that has this digest."""

    def fetch(self, name: str) -> Path | None:
        """Return a file of this machine with the content of that one; None if there is none."""

    def names(self, folder: str) -> list[str]:
        """Return the names of all files below a folder."""

    def modified(self, name: str) -> float | None:
        """Return when a file was written, in seconds since 1970; None if there is none."""

    def remove(self, name: str) -> None:
        """Remove a file, if there is one."""


class Directory:
    """A directory. A file is written beside its place and then renamed, so that it is whole or missing."""

    def __init__(self, root: Path) -> None:
        self.name, self.root = str(root), root

    def open(self) -> None:
        """Make it, and try to write."""
        for folder in ("wheels", "jobs"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        probe = self.root / "jobs" / f".probe-{secrets.token_hex(6)}"
        probe.touch()
        probe.unlink()

    def exists(self) -> bool:
        """Whether it is a store."""
        return (self.root / "jobs").is_dir()

    def read(self, name: str) -> bytes | None:
        """Return a file's content; None if there is none."""
        with contextlib.suppress(OSError):
            return (self.root / name).read_bytes()
        return None

    def read_all(self, folder: str) -> Mapping[str, bytes]:
        """Return the content of all files in a folder, by name below the shelf."""
        found = {name: self.read(name) for name in self.names(folder)}
        return {name: data for name, data in found.items() if data is not None}

    def write(self, name: str, data: bytes) -> None:
        """Write a file."""
        place = self.root / name
        place.parent.mkdir(exist_ok=True)
        write_file(place, data)

    def put(self, name: str, file: Path, digest: str) -> None:
        """Copy a file, unless it is there."""
        place = self.root / name
        for last in (*[False] * _TRIES, True):
            try:
                if place.is_file() and hash_of(place) == digest:
                    # What was in use a moment ago is not collected.
                    os.utime(place)
                else:
                    place.parent.mkdir(exist_ok=True)
                    copy(file, place)
            except FileNotFoundError:
                # Somebody may have removed the folder, while it was empty.
                if last or not file.is_file():
                    raise
            else:
                return

    def fetch(self, name: str) -> Path | None:
        """Return a file itself; None if there is none."""
        place = self.root / name
        return place if place.is_file() else None

    def names(self, folder: str) -> list[str]:
        """Return the names of all files below a folder."""
        files = (path for path in (self.root / folder).rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.root)) for path in files)

    def modified(self, name: str) -> float | None:
        """Return when a file was written; None if there is none."""
        with contextlib.suppress(FileNotFoundError):
            return (self.root / name).stat().st_mtime
        return None

    def remove(self, name: str) -> None:
        """Remove a file, and its folder if it was the last one there."""
        place = self.root / name
        place.unlink(missing_ok=True)
        if name.count("/") > 1:
            with contextlib.suppress(OSError):
                place.parent.rmdir()


class Remote:
    """A place that fsspec knows.

    Not every one renames files, so a file that was half written is possible: readers compare digests, and entries that
    are not JSON do not count.
    """

    def __init__(self, url: str) -> None:
        self.name = url
        if urlsplit(url).password is not None:
            raise UsageError(
                f"the store at {urlsplit(url).hostname} has a password in its address",
                hint="put it into fsspec's configuration, or a variable of the file system",
            )
        try:
            fsspec: Any = importlib.import_module("fsspec")
        except ImportError:
            raise UsageError(
                f"the store {url} needs the package fsspec", hint="pip install 'crossenv2[fsspec]'"
            ) from None
        try:
            # Another machine may have written a moment ago.
            self._files, root = fsspec.url_to_fs(url, use_listings_cache=False)
        except ImportError as error:
            raise UsageError(f"the store {url} cannot be used: {error}", hint="install what is named there") from None
        except ValueError as error:
            raise UsageError(f"the store {url} cannot be used: {error}", hint="name another --store") from None
        self._root = root.rstrip("/")
        self.root = Path(tempfile.mkdtemp(prefix="crossenv-store-"))
        weakref.finalize(self, shutil.rmtree, self.root, ignore_errors=True)

    def open(self) -> None:
        """Try to write."""
        self.write(_MARK, b"A store of crossenv wheel.\n")

    def exists(self) -> bool:
        """Whether it is a store."""
        with _Errors(self.name):
            return any(self._files.exists(self._path(name)) for name in (_MARK, "jobs"))

    def read(self, name: str) -> bytes | None:
        """Return a file's content; None if there is none."""
        with _Errors(self.name), contextlib.suppress(FileNotFoundError):
            return bytes(self._files.cat_file(self._path(name)))
        return None

    def read_all(self, folder: str) -> Mapping[str, bytes]:
        """Return the content of all files in a folder, by name below the shelf."""
        if not (names := self.names(folder)):
            return {}
        with _Errors(self.name):
            found = self._files.cat([self._path(name) for name in names], on_error="omit")
            return {self._name(path): data for path, data in found.items()}

    def write(self, name: str, data: bytes) -> None:
        """Write a file."""
        path = self._path(name)
        (self.root / name).unlink(missing_ok=True)
        with _Errors(self.name):
            try:
                self._files.pipe_file(path, data)
            except FileNotFoundError:
                # Only some places have directories.
                self._make_folder(path.rpartition("/")[0])
                self._files.pipe_file(path, data)

    def _make_folder(self, path: str) -> None:
        """Make a folder, and those between it and the root; not the bucket: its name may be mistyped."""
        try:
            self._files.mkdir(path, create_parents=False)
        except FileExistsError:
            pass
        except FileNotFoundError:
            if path == self._root:
                raise
            self._make_folder(path.rpartition("/")[0])
            self._files.mkdir(path, create_parents=False)

    def put(self, name: str, file: Path, digest: str) -> None:
        """Copy a file."""
        self.write(name, file.read_bytes())

    def fetch(self, name: str) -> Path | None:
        """Return a copy of a file, made once; None if there is none."""
        place = self.root / name
        if not place.is_file():
            if (data := self.read(name)) is None:
                return None
            place.parent.mkdir(parents=True, exist_ok=True)
            write_file(place, data)
        return place

    def names(self, folder: str) -> list[str]:
        """Return the names of all files below a folder."""
        with _Errors(self.name), contextlib.suppress(FileNotFoundError):
            return sorted(map(self._name, self._files.find(self._path(folder))))
        return []

    def modified(self, name: str) -> float | None:
        """Return when a file was written; None if there is none."""
        with _Errors(self.name), contextlib.suppress(FileNotFoundError):
            return float(self._files.modified(self._path(name)).timestamp())
        return None

    def remove(self, name: str) -> None:
        """Remove a file, if there is one."""
        (self.root / name).unlink(missing_ok=True)
        with _Errors(self.name), contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _name(self, path: str) -> str:
        """Return the name of a file; only its end is sure, because places write their paths in several ways."""
        parts = path.split("/")
        at = max((number for number, part in enumerate(parts) if part in _FOLDERS), default=0)
        return "/".join(parts[at:])


class _Errors:
    """Make an OSError with one line of whatever the libraries behind fsspec raise."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            lines = reason_of(error).splitlines()
            raise OSError(errno.EPROTO, lines[0] if lines else type(error).__name__, self._name) from None


def shelf_of(name: str) -> Shelf:
    """Return the place that a path, or a URL, names."""
    scheme = urlsplit(name).scheme if "://" in name else ""
    if scheme == "file":
        return Directory(Path(unquote(urlsplit(name).path)))
    return Remote(name) if scheme else Directory(Path(name).expanduser().absolute())


def copy(source: Path, place: Path) -> None:
    """Copy a file completely or not at all."""
    part = place.with_name(f"{PART}{secrets.token_hex(6)}")
    try:
        shutil.copyfile(source, part)
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()

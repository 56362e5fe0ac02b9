"""Find the shared libraries of a sysroot, and the symbols that they define."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from crossenv.binaries import BinaryError, Linked, format_of
from crossenv.libc.libraries import files_of_libc, names_of_file
from crossenv.platforms.architectures import Identity

# The kernel's limit, too.
_MOST_LINKS = 40


def inside(root: Path, path: Path) -> Path | None:
    """Follow the links of `path`, a file below `root`, as the target would.

    An absolute link starts at the target's root; this machine would follow it to a file of its own.

    Returns:
        A path below `root` without links; None if there is no such file, or its links leave `root` or have no end.
    """
    top = root.resolve()
    waiting = list(reversed(path.relative_to(root).parts))
    found: list[str] = []
    links = 0
    while waiting:
        part = waiting.pop()
        if part == "..":
            # Above the root is the root, as on the target.
            found = found[:-1]
            continue
        here = top.joinpath(*found, part)
        if not here.is_symlink():
            found.append(part)
            continue
        links += 1
        if links > _MOST_LINKS:
            return None
        target = here.readlink()
        if target.is_absolute():
            # An absolute link into the sysroot, by the tool that made that on this machine.
            own = target.is_relative_to(top)
            found, target = [], target.relative_to(top if own else "/")
        waiting += reversed([one for one in target.parts if one != "."])
    place = top.joinpath(*found)
    return place if place.exists() else None


class Libraries:
    """Looks up a target's libraries, and reads each once.

    Args:
        identity: The identity of the target's files.
        sysroot: The root of its files here; None for none.
        directories: The directories of libraries below `sysroot`.
        first: Directories of this machine with the target's libraries; searched first.
    """

    def __init__(
        self, identity: Identity, sysroot: Path | None, directories: Iterable[Path], first: Iterable[Path] = ()
    ) -> None:
        self._elf, self._sysroot = identity, sysroot
        self._first, self._directories = tuple(first), tuple(directories)
        self._read: dict[str, Linked | None] = {}

    def find(self, name: str) -> Path | None:
        """Return the target's library of that name; None if there is none."""
        if "/" in name:
            return None
        for one in names_of_file(name, self._elf):
            for path in self._candidates(one):
                try:
                    if path.is_file() and self._is_for_target(path):
                        return path
                except (BinaryError, OSError):
                    # A linker script, or a damaged file: the loader goes on to the next directory, too.
                    continue
        return None

    def _candidates(self, name: str) -> Iterator[Path]:
        for directory in self._first:
            yield directory / name
        if self._sysroot is not None:
            for directory in self._directories:
                path = inside(self._sysroot, directory / name)
                if path is not None:
                    yield path

    def closure(self, names: Iterable[str]) -> dict[str, Path]:
        """Return the paths of libraries and of those that they need, without those that were not found."""
        found: dict[str, Path] = {}
        waiting = list(names)
        seen = set(waiting)
        while waiting:
            name = waiting.pop()
            path, library = self.find(name), self.load(name)
            if path is None or library is None:
                continue
            found[name] = path
            waiting += [other for other in library.needed if other not in seen]
            seen |= set(library.needed)
        return found

    def has_libc(self) -> bool:
        """Whether the C library itself is there; without it a sysroot is for compiling only."""
        return any(self.find(name) is not None for name in files_of_libc(self._elf))

    def load(self, name: str) -> Linked | None:
        """Return the symbols and needs of that library; None if it is not there or cannot be read."""
        if name not in self._read:
            path = self.find(name)
            try:
                data = b"" if path is None else path.read_bytes()
                native = format_of(data)
                self._read[name] = None if native is None else native.linked(data)
            except (OSError, BinaryError):
                self._read[name] = None
        return self._read[name]

    def exports(self, names: Iterable[str]) -> set[str] | None:
        """Return the symbols of libraries and of those that they need; None if one of them is missing."""
        defined: set[str] = set()
        waiting = list(names)
        seen = set(waiting)
        while waiting:
            library = self.load(waiting.pop())
            if library is None:
                return None
            defined |= library.exports
            waiting += [name for name in library.needed if name not in seen]
            seen |= set(library.needed)
        return defined

    def _is_for_target(self, path: Path) -> bool:
        data = path.read_bytes()
        native = format_of(data)
        return native is not None and native.machine(data).fits(self._elf)

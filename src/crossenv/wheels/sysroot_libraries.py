"""The shared libraries of a sysroot: where they are, and which symbols they define."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from crossenv.binaries import BinaryError, Linked, format_of
from crossenv.libc.libraries import files_of_libc, names_of_file
from crossenv.platforms.architectures import Identity

# The kernel gives up there too.
_MOST_LINKS = 40


def inside(root: Path, path: Path) -> Path | None:
    """Where `path`, a file below `root`, is on this machine, with its links followed as on the target.

    An absolute link leads from the target's root: opened as it stands, it would lead to a file of this machine.

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
            # Written for this machine, by a tool that made the sysroot here.
            own = target.is_relative_to(top)
            found, target = [], target.relative_to(top if own else "/")
        waiting += reversed([one for one in target.parts if one != "."])
    place = top.joinpath(*found)
    return place if place.exists() else None


class Libraries:
    """Looks libraries of a target up, and reads each once.

    Args:
        identity: What the target's files say.
        sysroot: The root of its files here; None for none.
        directories: Those below `sysroot` that hold libraries.
        first: Directories of this machine that hold libraries of the target; searched first.
    """

    def __init__(
        self, identity: Identity, sysroot: Path | None, directories: Iterable[Path], first: Iterable[Path] = ()
    ) -> None:
        self._elf, self._sysroot = identity, sysroot
        self._first, self._directories = tuple(first), tuple(directories)
        self._read: dict[str, Linked | None] = {}

    def find(self, name: str) -> Path | None:
        """The library of that name if it is for the target; None if there is none."""
        if "/" in name:
            return None
        for one in names_of_file(name, self._elf):
            for path in self._candidates(one):
                try:
                    if path.is_file() and self._is_for_target(path):
                        return path
                except (BinaryError, OSError):
                    # A linker script, or a damaged file: the loader goes on too.
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
        """Where libraries, and those that they need, are; those that are not found are left out."""
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
        """Whether the C library itself is there; a sysroot without it is for compiling only."""
        return any(self.find(name) is not None for name in files_of_libc(self._elf))

    def load(self, name: str) -> Linked | None:
        """What that library defines and needs; None if it is not there or cannot be read."""
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
        """What libraries, and those that they need, define together; None if one of them is missing."""
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

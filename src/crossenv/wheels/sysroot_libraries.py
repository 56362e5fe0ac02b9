"""The shared libraries of a sysroot: where they are, and which symbols they define."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from crossenv.elf import ElfError, elf_identity
from crossenv.targets import ARCHITECTURES, MUSL, ElfIdentity
from crossenv.wheels.native import LinkedFile


def library_directories(sysroot: Path, multiarch: str) -> tuple[Path, ...]:
    """Where the loader of a system in `sysroot` would look, as far as that can be known without running it."""
    names = ["usr/local/lib", "lib", "usr/lib", "lib64", "usr/lib64"]
    if multiarch:
        names = [f"usr/local/lib/{multiarch}", f"lib/{multiarch}", f"usr/lib/{multiarch}", *names]
    found = [sysroot / name for name in names if (sysroot / name).is_dir()]
    # /lib is often a link to /usr/lib.
    return tuple({path.resolve(): path for path in reversed(found)}.values())[::-1]


# musl is one file: its loader, which other names may point to.
_MUSL_NAMES = {row.elf: (row.loader(MUSL).rpartition("/")[2],) for row in ARCHITECTURES}


class SysrootLibraries:
    """Looks libraries up in directories, and reads each once."""

    def __init__(self, directories: Iterable[Path], elf: ElfIdentity) -> None:
        self._directories = tuple(directories)
        self._elf = elf
        self._read: dict[str, LinkedFile | None] = {}

    def find(self, name: str) -> Path | None:
        """The library of that DT_NEEDED name, if it is the host's; None if there is none."""
        names = (name, *_MUSL_NAMES.get(self._elf, ())) if name.startswith(("libc.so", "libc.musl-")) else (name,)
        paths: list[Path] = [directory / one for one in names for directory in self._directories]
        for path in paths:
            try:
                if "/" not in name and path.is_file() and elf_identity(path) == self._elf:
                    return path
            except (ElfError, OSError):
                # A linker script, or a file for another machine: the loader goes on too.
                continue
        return None

    def has_libc(self) -> bool:
        """Whether the C library itself is there; a sysroot without it is for compiling only."""
        return any(self.find(name) is not None for name in ("libc.so.6", *_MUSL_NAMES.get(self._elf, ())))

    def load(self, name: str) -> LinkedFile | None:
        """What that library defines and needs; None if it is not there or cannot be read."""
        if name not in self._read:
            path = self.find(name)
            try:
                self._read[name] = None if path is None else LinkedFile(path.read_bytes())
            except (OSError, ValueError):
                self._read[name] = None
        return self._read[name]

    def exports(self, names: Iterable[str]) -> set[str] | None:
        """What libraries, and those that they need, define together; None if one of them is missing."""
        defined: set[str] = set()
        waiting, seen = list(names), set(names)
        while waiting:
            library = self.load(waiting.pop())
            if library is None:
                return None
            defined |= library.exports
            waiting += [name for name in library.needed if name not in seen]
            seen |= set(library.needed)
        return defined

"""Systems on which a file names the library of each function that it calls: what those libraries are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from crossenv.platforms.macos_libraries import MacOSLibraries
from crossenv.platforms.windows_libraries import APART, OLD_RUNTIME, PYTHON, SYSTEM, UNKNOWN, WindowsLibraries

__all__ = ["APART", "LIBRARIES", "OLD_RUNTIME", "PYTHON", "SYSTEM", "UNKNOWN", "Libraries"]


class Libraries(Protocol):
    """The libraries of one system.

    Attributes:
        longest_path: How many characters a file's path may have there.
        module_suffix: How the names of extension modules end.
        leftovers: How the names of files end that compilers and linkers leave behind.
        import_libraries: How the names of files end that only a linker reads.
    """

    longest_path: int
    module_suffix: str
    leftovers: tuple[str, ...]
    import_libraries: tuple[str, ...]

    def in_wheel(self, library: str) -> str:
        """The name, in lower case, of the file of a wheel that a library's name can stand for; "" for none."""

    def provider(self, library: str) -> str:
        """Who brings a library along: the system, Python, an installer of its own, nobody (`UNKNOWN`).

        `OLD_RUNTIME` is a C library that the system has and Python does not use.
        """

    def is_python(self, library: str) -> bool:
        """Whether it is Python's own library, of any version."""

    def python(self, version: str, abi_flags: str) -> str:
        """The library from which extension modules for one version take Python's names; "" for the program."""

    def stable_python(self, abi_flags: str) -> str:
        """The one from which those for the stable ABI do."""


# By the platform's name. Elsewhere a loader looks for a name in all libraries, and policies tell which there are.
LIBRARIES: Mapping[str, Libraries] = {"win32": WindowsLibraries(), "darwin": MacOSLibraries()}

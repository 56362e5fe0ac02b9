"""Which libraries a Mac has, and how files name them."""

from __future__ import annotations

import re

from crossenv.platforms.windows_libraries import PYTHON, SYSTEM, UNKNOWN

_SYSTEM = ("/usr/lib/", "/System/Library/", "/System/iOSSupport/")
_PYTHON = re.compile(r"(.*/)?(libpython3[\d.]*t?d?\.dylib|PythonT?\.framework/Versions/[^/]+/PythonT?)")


class MacOSLibraries:
    """The libraries of macOS, as `crossenv.platforms.libraries.Libraries` has them."""

    longest_path = 1024
    module_suffix = ".so"
    leftovers: tuple[str, ...] = (".dSYM/Contents/Info.plist",)
    import_libraries: tuple[str, ...] = (".tbd",)

    def in_wheel(self, library: str) -> str:
        """The last part of a name that begins with `@loader_path` or `@rpath`; other names are places of the system."""
        return library.rpartition("/")[2].lower() if library.startswith(("@loader_path/", "@rpath/")) else ""

    def provider(self, library: str) -> str:
        """The system has what lies in its own directories."""
        if library.startswith(_SYSTEM) and ".." not in library:
            return SYSTEM
        return PYTHON if self.is_python(library) else UNKNOWN

    def is_python(self, library: str) -> bool:
        """`libpython3.13.dylib`, or the library of a framework."""
        return _PYTHON.fullmatch(library) is not None

    def python(self, version: str, abi_flags: str) -> str:
        """None: the program that loads a module has the names."""
        return ""

    def stable_python(self, abi_flags: str) -> str:
        """None, as above."""
        return ""

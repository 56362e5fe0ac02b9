"""Read the native files of a wheel: which machine they are for, what they ask of others, what they offer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crossenv.wheels.shim import Dynamic

_PT_INTERP, _PT_GNU_STACK, _PF_X = 3, 0x6474E551, 1
_DT_SONAME, _DT_RPATH, _DT_RUNPATH, _DT_FLAGS_1, _DF_1_PIE = 14, 15, 29, 0x6FFFFFFB, 0x08000000
_ET_EXEC = 2

# Directories that only a build has: those of pip, build and uv for one build, and of a tool's checkout in a home.
BUILD_PATHS = re.compile(
    rb"/(?:tmp|var/tmp)/(?:pip-(?:install|req-build|build-env|wheel|ephem|modern-metadata|standalone)-|build-env-|build-via-"
    rb"|\.tmp[A-Za-z0-9]{6}/(?:sdist|build)|cibw-)[\x21-\x7e]*"
)


class LinkedFile(Dynamic):
    """A program or shared library, read once; its content is not kept.

    Attributes:
        soname: Its own name (DT_SONAME); "" where it has none.
        search_path: RUNPATH, or RPATH where there is none, as it stands.
        interpreter: The program interpreter (PT_INTERP); "" where it has none.
        executable_stack: What PT_GNU_STACK asks for; None where there is none.
        program: Whether it is a program.
        exports: The names it defines for others.
        imports: The names it does not define: whether each is weak, and its version's index (0 and 1 for none).
    """

    def __init__(self, data: bytes) -> None:
        """Read all of it.

        Raises:
            ValueError: The file is damaged.
        """
        super().__init__(data)
        self.soname = self._string_of(_DT_SONAME)
        path = self._string_of(_DT_RUNPATH) or self._string_of(_DT_RPATH)
        self.search_path: tuple[str, ...] = tuple(path.split(":")) if path else ()
        self.interpreter = ""
        self.executable_stack: bool | None = None
        self._read_segments()
        kind = int(self._unpack("H", 16)[0])
        pie = bool(self._tags.get(_DT_FLAGS_1, 0) & _DF_1_PIE)
        self.program = kind == _ET_EXEC or bool(self.interpreter and not self.soname) or pie
        self.exports: set[str] = set()
        self.imports: dict[str, tuple[bool, int]] = {}
        for name, defined, weak, version in super().symbols():
            if defined:
                self.exports.add(name)
            else:
                self.imports[name] = (weak, version)
        self.data = b""

    def symbols(self) -> Iterator[tuple[str, bool, bool, int]]:
        """Each name that it imports, as `Dynamic.symbols` yields them."""
        for name, (weak, version) in self.imports.items():
            yield name, False, weak, version

    def _string_of(self, tag: int) -> str:
        return self._text(self._tags[tag]) if tag in self._tags else ""

    def _read_segments(self) -> None:
        # Their table was gone through before: it is inside the file.
        table = self._unpack("QQ" if self.wide else "II", 32 if self.wide else 28)[0]
        size, count = self._unpack("HH", 54 if self.wide else 42)
        for at in range(table, table + count * size, size or 1):
            kind = self._unpack("I", at)[0]
            if kind == _PT_GNU_STACK:
                flags = self._unpack("I", at + (4 if self.wide else 24))[0]
                self.executable_stack = bool(flags & _PF_X)
            elif kind == _PT_INTERP:
                offset = self._unpack("Q" if self.wide else "I", at + (8 if self.wide else 4))[0]
                end = self.data.find(b"\0", offset, offset + 4096)
                if end < 0:
                    raise ValueError("is damaged: its program interpreter has no end")
                self.interpreter = self.data[offset:end].decode("utf-8", "replace")


def newest_versions(file: LinkedFile, inside: set[str]) -> dict[str, str]:
    """The newest version of each kind that a file needs of libraries outside the wheel: {"GLIBC": "2.17"}."""
    newest: dict[str, tuple[int, ...]] = {}
    for library, version, weak, _index in file.versions:
        prefix, _, number = version.partition("_")
        if library in inside or weak or not re.fullmatch(r"\d{1,6}(\.\d{1,6})*", number):
            continue
        newest[prefix] = max(newest.get(prefix, ()), tuple(map(int, number.split("."))))
    return {prefix: ".".join(map(str, number)) for prefix, number in sorted(newest.items())}


def init_functions(file: LinkedFile) -> set[str]:
    """The functions that the import system may call: `PyInit_NAME` (PEP 489), `PyModExport_NAME` (PEP 793)."""
    return {name for name in file.exports if name.startswith(("PyInit_", "PyInitU_", "PyModExport_", "PyModExportU_"))}


def uses_python(file: LinkedFile) -> bool:
    """Whether it imports a name of Python's C API."""
    return any(name.startswith(("Py", "_Py")) for name in file.imports)

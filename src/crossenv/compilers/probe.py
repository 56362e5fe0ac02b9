"""Ask a compiler about its target without running its results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crossenv.binaries import BinaryError, format_of
from crossenv.compilers.model import PROBED_MACROS, Tool
from crossenv.compilers.run import Outcome, run_tool
from crossenv.libc.compiling import glibc_of_macros
from crossenv.platforms.architectures import Identity

_SOURCES = {
    # Neither is valid in the other language.
    "c": ("probe.c", "int crossenv_probe(int class) { return class + 1; }\n"),
    "c++": ("probe.cc", "class Probe { public: int x; };\nint crossenv_probe(Probe &probe) { return probe.x; }\n"),
    "fortran": ("probe.f90", "subroutine crossenv_probe(x)\ninteger :: x\nx = x + 1\nend subroutine\n"),
}
# strtol got a second symbol in glibc 2.38, which reveals headers that are newer than the library.
_LINKED = "#include <stdlib.h>\nlong crossenv_link(const char *s) { return strtol(s, 0, 10); }\n"

_INCLUDES_PYTHON = """#include <Python.h>
#if SIZEOF_VOID_P * 8 != {bits}
#error "pyconfig.h is for another word size than the target's {bits} bits"
#endif
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Macros:
    """The predefined macros of a compiler.

    Attributes:
        values: All macros after `#include <stdio.h>`.
        has_headers: Whether there is a `<stdio.h>`.
        complaint: The compiler's message if there is none.
    """

    values: dict[str, str]
    has_headers: bool
    complaint: str = ""

    @property
    def family(self) -> str:
        """The compiler's family: "gcc", "clang", or "" for neither."""
        if "__clang__" in self.values:
            return "clang"
        return "gcc" if "__GNUC__" in self.values else ""

    @property
    def version(self) -> str:
        """The compiler's version, "12.2.0"."""
        names = (
            ("__clang_major__", "__clang_minor__", "__clang_patchlevel__")
            if self.family == "clang"
            else ("__GNUC__", "__GNUC_MINOR__", "__GNUC_PATCHLEVEL__")
        )
        return ".".join(self.values.get(name, "0") for name in names)

    @property
    def glibc(self) -> str:
        """The glibc version of its headers; "" for another C library."""
        return glibc_of_macros(self.values)

    @property
    def probed(self) -> dict[str, str]:
        """The macros that a toolchain records."""
        return {name: self.values[name] for name in PROBED_MACROS if name in self.values}


@dataclass(frozen=True, kw_only=True, slots=True)
class Prober:
    """The place in which probes run.

    Attributes:
        directory: An empty directory for them.
        search_path: PATH for the compilers.
    """

    directory: Path
    search_path: str

    def object_identity(self, tool: Tool, language: str) -> Identity | str:
        """Return the machine that `tool` compiles for, or its message if it does not compile."""
        name, text = _SOURCES[language]
        source, made = self.directory / name, self.directory / f"{name}.o"
        source.write_text(text, encoding="utf-8")
        made.unlink(missing_ok=True)
        outcome = self._run(tool, ["-c", source, "-o", made])
        if not outcome.succeeded:
            return outcome.complaint
        try:
            data = made.read_bytes()
            form = format_of(data)
            return form.machine(data).identity if form is not None else "made no native object"
        except (BinaryError, OSError):
            return "made no native object"

    def macros(self, tool: Tool, arguments: Sequence[str | Path]) -> Macros:
        """Return the macros with these `arguments`; if there are no headers, without theirs."""
        source = self.directory / "headers.c"
        source.write_text("#include <stdio.h>\n", encoding="utf-8")
        outcome = self._run(tool, ["-dM", "-E", "-x", "c", *arguments, source])
        if outcome.succeeded:
            return Macros(values=_defined(outcome.output), has_headers=True)
        source.write_text("", encoding="utf-8")
        bare = self._run(tool, ["-dM", "-E", "-x", "c", *arguments, source])
        return Macros(values=_defined(bare.output), has_headers=False, complaint=outcome.complaint)

    def python_headers(self, tool: Tool, arguments: Sequence[str | Path], bits: int) -> Outcome:
        """Compile against `Python.h`, and prove that its `pyconfig.h` is one for `bits` bits."""
        source = self.directory / "python.c"
        source.write_text(_INCLUDES_PYTHON.format(bits=bits), encoding="utf-8")
        return self._run(tool, ["-fsyntax-only", *arguments, source])

    def link(self, tool: Tool, arguments: Sequence[str | Path]) -> Outcome:
        """Link a shared library that needs the C library."""
        source = self.directory / "link.c"
        source.write_text(_LINKED, encoding="utf-8")
        # -z defs, since a shared library may otherwise leave symbols undefined.
        words = ["-shared", "-fPIC", "-Wl,-z,defs", source, "-o", self.directory / "linked", *arguments]
        return self._run(tool, words)

    def ask(self, tool: Tool, option: str) -> str:
        """Return the line that `option` (-dumpmachine) prints; "" if it fails."""
        outcome = self._run(tool, [option])
        return outcome.output.strip() if outcome.succeeded and "\n" not in outcome.output.strip() else ""

    def _run(self, tool: Tool, arguments: Sequence[str | Path]) -> Outcome:
        return run_tool(tool, arguments, directory=self.directory, search_path=self.search_path)


def objects_made(made: Identity | str) -> str:
    """What is wrong with a compiler, of which `Prober.object_identity` says this and not the target's machine."""
    return f"makes {made} objects" if isinstance(made, Identity) else f"does not compile ({made})"


def _defined(text: str) -> dict[str, str]:
    rows = (line.split(None, 2) for line in text.splitlines() if line.startswith("#define "))
    return {row[1]: (row[2] if len(row) > 2 else "") for row in rows if len(row) > 1}

"""Make the table of what configure says on a Mac, and compare what we make of it with real Pythons for macOS.

    python scripts/macos_facts.py DIR...
    python scripts/macos_facts.py --compare DIR...

Each DIR holds a real Python for macOS: the jars `org.bytedeco:cpython:...:macosx-arm64` (and `-x86_64`) of Maven
Central, unpacked, are such. The table has the macros that all of them define alike, where they are there at all.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from crossenv.pythons.pyconfig import parse_pyconfig
from crossenv.synthesis.macos_pyconfig import TABLE, changes

_HEADER = """\
# What configure finds on a Mac: a macro of pyconfig.h, and its value unless that is 1.
# Made by scripts/macos_facts.py from the pyconfig.h of {pythons}.
"""
# How Python is built, and of libraries that somebody has installed besides.
_LEFT_OUT = re.compile(
    r"Py_ENABLE_SHARED|STRICT_SYSV_CURSES|HAVE_(N?CURSES\w*|LIB(INTL|READLINE|SQLITE3)\w*|GDBM\w*|NDBM\w*|BZLIB_H|ZLIB\w*|RL_\w*)"
)


def main() -> int:
    """Write the table, or print the differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pythons", type=Path, nargs="+", help="directories of real Pythons for macOS")
    parser.add_argument("--compare", action="store_true", help="compare `pyconfig.h` instead")
    args = parser.parse_args()
    found = {}
    for directory in args.pythons:
        header = next(directory.rglob("pyconfig.h"))
        library = header.parent.name.removeprefix("python")
        machine = "arm64" if "arm64" in str(header) else "x86_64"
        macros = parse_pyconfig(header.read_text(encoding="utf-8"))
        found[f"{library} {machine}"] = {name: macro.value for name, macro in macros.items()}
    if args.compare:
        lines = [line for name, macros in found.items() for line in compared(name, macros)]
        print("\n".join(lines) or "no macro differs")
        return bool(lines)
    text = _HEADER.format(pythons=", ".join(sorted(found)))
    for name in sorted({name for macros in found.values() for name in macros}):
        values = {macros[name] for macros in found.values() if name in macros}
        if len(values) == 1 and (value := values.pop()) and not _LEFT_OUT.match(name):
            text += name + ("" if value == "1" else f" {value}") + "\n"
    (Path(__file__).parent.parent / "src/crossenv/synthesis" / TABLE).write_text(text, encoding="ascii")
    return 0


def compared(python: str, macros: dict[str, str | None]) -> Iterator[str]:
    """The macros that differ between a real Python's `pyconfig.h` and ours."""
    version, _, machine = python.partition(" ")
    ours = changes(macros, machine=machine, free_threaded=False)
    for name, value in sorted(macros.items()):
        here = ours.get(name, value)
        if here != value and not _LEFT_OUT.match(name):
            yield f"{version} {machine}: {name} is {value!r} there and {here!r} here"


if __name__ == "__main__":
    sys.exit(main())

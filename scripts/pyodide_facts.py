"""Take the facts about Pyodide's Pythons that crossenv has from npm's packages `pyodide`.

`python scripts/pyodide_facts.py DIR...` reads unpacked packages, one for each ABI in `crossenv.platforms.emscripten`,
and writes src/crossenv/synthesis/pyodide.txt: the macros of `pyconfig.h` that are defined. The names are those that the
`pyconfig.h` of a Python on this machine has, of each version that is found in the directories of `--headers`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from crossenv.platforms.emscripten import ABIS
from crossenv.pythons.pyconfig import parse_pyconfig
from crossenv.pythons.pyodide_layout import find_pyodide

FILE = Path(__file__).parent.parent / "src/crossenv/synthesis/pyodide.txt"
_HEAD = """\
# The macros of pyconfig.h that are defined in Pyodide's Pythons, by ABI; "-" where one is not. Written by
# scripts/pyodide_facts.py from npm's packages.
"""


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", metavar="DIR", type=Path, nargs="+", help="an unpacked package of npm's")
    parser.add_argument("--headers", metavar="DIR", type=Path, action="append", required=True, help="has a pyconfig.h")
    args = parser.parse_args()
    names = {name for place in args.headers for name in parse_pyconfig((place / "pyconfig.h").read_text())}
    found = {python.abi.name: python for path in args.packages if (python := find_pyodide(path)) is not None}
    columns = [abi.name for abi in ABIS]
    wrong = ("RETSIGTYPE", "STRICT_SYSV_CURSES")
    rows = {
        name: [str(found[abi].config.get(name) or "-") for abi in columns]
        for name in sorted(names)
        if name not in wrong
    }
    lines = [" ".join(["abi", *columns])]
    lines += [" ".join([name, *values]) for name, values in rows.items() if set(values) != {"-"}]
    FILE.write_text(_HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    releases = ", ".join(f"{abi}: {found[abi].full_version}" for abi in columns)
    print(f"{FILE}: {len(lines) - 1} macros of {releases}")


if __name__ == "__main__":
    main()

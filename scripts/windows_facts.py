"""Make the table of names that Python's DLLs for Windows export, and compare our `pyconfig.h` with the real ones.

    python scripts/windows_facts.py --definitions DIR --pythons DIR...
    python scripts/windows_facts.py --compare --pythons DIR...

DIR of `--definitions` holds the `.def` files of the crate python3-dll-a (crates.io, MIT), each of `--pythons` a real
Python for Windows: the jars `org.bytedeco:cpython:...:windows-x86_64` of Maven Central, unpacked, are such. The names
of a version are those of its definition file; a name that a real DLL has beside them is added, and said.

Needs `pefile`, and for `--compare` the package `ziglang`.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from crossenv.synthesis.windows_exports import TABLE, VERSIONS
from crossenv.synthesis.windows_pyconfig import pyconfig_text

_HEADER = """\
# The names that CPython's DLLs for Windows export: name, "D" for data or "F" for functions, the DLLs that have it.
# Made by scripts/windows_facts.py from the definition files of the crate python3-dll-a {crate} (MIT, PyO3's
# contributors) and from the DLLs of {pythons}.
"""
_DLL = re.compile(r"python3(\d\d?t?)?\.dll", re.IGNORECASE)
_TARGETS = ("x86_64-windows-gnu", "x86-windows-gnu", "aarch64-windows-gnu")


def main() -> int:
    """Write the table, or print the differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--definitions", type=Path, help="the crate's directory `src`")
    parser.add_argument("--crate", default="0.2.15", help="its version")
    parser.add_argument("--pythons", type=Path, nargs="*", default=[], help="directories of real Pythons for Windows")
    parser.add_argument("--compare", action="store_true", help="compare `pyconfig.h` instead")
    args = parser.parse_args()
    if args.compare:
        found = [line for directory in args.pythons for line in compared(directory)]
        print("\n".join(found) or "no macro differs")
        return bool(found)
    if args.definitions is None:
        parser.error("name the directory of the definition files with --definitions")
    names = {version: definitions(args.definitions / f"python{version}.def") for version in VERSIONS}
    seen = []
    for directory in args.pythons:
        for version, exports in libraries(directory):
            seen.append(f"{version} ({directory.name})")
            more = exports - names[version].keys()
            names[version] |= dict.fromkeys(more, "F")
            print(f"{directory}: {len(exports)} names, {len(more)} of them new: {sorted(more)}", file=sys.stderr)
    text = _HEADER.format(crate=args.crate, pythons=", ".join(seen) or "no real Python")
    for name in sorted({name for version in names.values() for name in version}):
        kinds = {names[version][name] for version in VERSIONS if name in names[version]}
        having = [version for version in VERSIONS if name in names[version]]
        text += f"{name} {'D' if 'D' in kinds else 'F'} {' '.join(having)}\n"
    (Path(__file__).parent.parent / "src/crossenv/synthesis" / TABLE).write_text(text, encoding="ascii")
    return 0


def definitions(path: Path) -> dict[str, str]:
    """The names of a definition file: "D" for data, "F" for functions."""
    _, _, text = path.read_text(encoding="utf-8").partition("EXPORTS")
    rows = (line.split() for line in text.splitlines() if line.strip() and not line.lstrip().startswith(";"))
    return {row[0]: "D" if "DATA" in row[1:] else "F" for row in rows}


def libraries(directory: Path) -> Iterator[tuple[str, set[str]]]:
    """The version and the exported names of each of Python's DLLs in a directory."""
    import pefile  # type: ignore[import-untyped, import-not-found, unused-ignore]

    for path in sorted(directory.rglob("python3*.dll")):
        if match := _DLL.fullmatch(path.name):
            image = pefile.PE(str(path), fast_load=True)
            image.parse_data_directories([pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_EXPORT"]])
            symbols = image.DIRECTORY_ENTRY_EXPORT.symbols
            yield f"3{match[1] or ''}", {symbol.name.decode() for symbol in symbols if symbol.name}


def compared(directory: Path) -> Iterator[str]:
    """The macros that differ between a real Python's `pyconfig.h` and ours, for each machine."""
    real = next(directory.rglob("pyconfig.h"))
    patchlevel = (real.parent / "patchlevel.h").read_text(encoding="utf-8")
    minor = int(re.search(r"define PY_MINOR_VERSION\s+(\d+)", patchlevel)[1])  # type: ignore[index]
    with tempfile.TemporaryDirectory() as scratch:
        ours = Path(scratch) / "pyconfig.h"
        ours.write_text(pyconfig_text((3, minor), free_threaded=False), encoding="ascii")
        for target in _TARGETS:
            # Up to 3.11 theirs wants to be told.
            one, other = (
                macros(real, target, *([] if target.startswith("x86-") else ["-DMS_WIN64="])),
                macros(ours, target),
            )
            if target.startswith("x86-"):
                one["SIZEOF_TIME_T"] = "8"
            for name in sorted(one.keys() | other.keys()):
                if one.get(name) != other.get(name):
                    yield f"3.{minor} {target}: {name} is {one.get(name)!r} there and {other.get(name)!r} here"


def macros(path: Path, target: str, *more: str) -> dict[str, str]:
    """The macros that a compile for `target` sees after including a file."""
    words = [sys.executable, "-m", "ziglang", "cc", "-target", target, "-dM", "-E", "-x", "c", *more, str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    rows = (line.split(None, 2) for line in done.stdout.splitlines() if line.startswith("#define "))
    return {row[1]: row[2] if len(row) > 2 else "" for row in rows}


if __name__ == "__main__":
    sys.exit(main())

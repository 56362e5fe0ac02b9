"""Write the lists of symbols that `crossenv audit` knows: Python's C API by version, musl's names, and glibc's.

    python scripts/symbol_data.py python 3.13=/usr/lib/libpython3.13.so.1.0 3.14t=/usr/include/python3.14 ...
    python scripts/symbol_data.py musl /lib/ld-musl-x86_64.so.1 ...
    python scripts/symbol_data.py glibc SYSROOT/lib/aarch64-linux-gnu ...

What an interpreter or a libpython exports is its C API, private names included: extension modules use those too. Name
each version by several builds of it, old and new ones, because releases add names; the list has what any of them has.
A directory of headers stands for a free-threaded build where there is none at hand: every name that they declare for
other files, in addition to what the ordinary build of that version exports (for 3.13 that misses none of the names of a
real build). Of musl, name several versions and
machines; of glibc the directories of its libraries for several machines. What was read is written into the list.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

SOURCE = Path(__file__).resolve().parent.parent / "src/crossenv"
# CPython's macros for what leaves the library (Include/exports.h), and musl's names are all C identifiers.
DECLARED = re.compile(r"Py(?:API_FUNC|API_DATA|_EXPORTED_SYMBOL)\s*\(.*?\)\s*\**\s*(_?Py\w+)", re.DOTALL)


# Declared, and for another system or no name of the linker's.
ELSEWHERE = re.compile(r"Windows|MBCS|CodePage|Sigint|_[A-Z]+_|NO_RETURN")


def exported(path: Path) -> Iterator[str]:
    """The names that a linked file defines for others."""
    with path.open("rb") as stream:
        for segment in ELFFile(stream).iter_segments():
            if isinstance(segment, DynamicSegment):
                for symbol in segment.iter_symbols():
                    if symbol.name and symbol["st_shndx"] != "SHN_UNDEF":
                        yield symbol.name


def declared(directory: Path) -> Iterator[str]:
    """The names that the headers below a directory declare for other files."""
    for header in sorted(directory.rglob("*.h")):
        for name in DECLARED.findall(header.read_text(encoding="utf-8", errors="replace")):
            if not ELSEWHERE.search(name):
                yield name


def full_version(version: str, path: Path) -> str:
    """The release: from `patchlevel.h` or from the string that `sys.version` begins with."""
    number = re.escape(version.removesuffix("t"))
    if path.is_dir():
        text = next(path.rglob("patchlevel.h")).read_text(encoding="utf-8")
        found = re.search(rf'PY_VERSION\s+"({number}\.[^"]+)"', text)
    else:
        found = re.search(rf"(?<![\w.])({number}\.\d+\+?(?:a|b|rc)?\d*)\0", path.read_bytes().decode("latin-1"))
    return found[1] if found else version


def machine(path: Path) -> str:
    """The machine that a file is for."""
    with path.open("rb") as stream:
        return str(ELFFile(stream).get_machine_arch())


def python_text(sources: Iterable[tuple[str, Path]]) -> str:
    """The list of Python's names, grouped by the versions that have them."""
    versions: dict[str, set[str]] = {}
    origins: list[str] = []
    headers: dict[str, set[str]] = {}
    for version, path in sources:
        found = versions.setdefault(version, set())
        if path.is_dir():
            headers.setdefault(version, set()).update(declared(path))
            origins.append(f"# {version}: the headers of CPython {full_version(version, path)}")
        else:
            found |= {name for name in exported(path) if re.match("_?Py", name) and not name.startswith("PyInit_")}
            origins.append(f"# {version}: CPython {full_version(version, path)} for {machine(path)}, {path.name}")
    for version, names in headers.items():
        versions[version] |= names | versions.get(version.removesuffix("t"), set())
    order = sorted(versions, key=lambda version: (*map(int, version.rstrip("t").split(".")), version.endswith("t")))
    groups: dict[str, list[str]] = {}
    for name in sorted(set().union(*versions.values())):
        groups.setdefault(" ".join(version for version in order if name in versions[version]), []).append(name)
    lines = [
        "# The names that CPython exports, by version; written by scripts/symbol_data.py. Read were:",
        *dict.fromkeys(origins),
    ]
    for group in sorted(groups, key=lambda text: (-text.count(" "), text)):
        lines += [f"[{group}]", *groups[group]]
    return "\n".join([*lines, ""])


def musl_text(paths: Iterable[Path]) -> str:
    """The list of musl's names."""
    names: set[str] = set()
    origins = []
    for path in paths:
        names |= set(exported(path))
        found = re.search(rb"(?<![\w.])(1\.\d\.\d+)\0", path.read_bytes())
        origins.append(f"# musl {found[1].decode() if found else 'of unknown version'} for {machine(path)}")
    return "\n".join(
        [
            "# The names that musl exports on any machine; written by scripts/symbol_data.py. Read were:",
            *sorted(set(origins)),
            *sorted(names),
            "",
        ]
    )


GLIBC_LIBRARIES = ("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1")


def glibc_text(directories: Iterable[Path]) -> str:
    """The list of glibc's names, with the oldest version that any machine has them since."""
    since: dict[str, tuple[int, ...]] = {}
    origins = []
    for directory in directories:
        newest: tuple[int, ...] = ()
        for library in GLIBC_LIBRARIES:
            for name, version in versioned(directory / library):
                newest = max(newest, version)
                since[name] = min(since.get(name, version), version)
        origins.append(f"# glibc {'.'.join(map(str, newest))} for {machine(directory / GLIBC_LIBRARIES[0])}")
    lines = ["# The names of glibc, and since when it has them; written by scripts/symbol_data.py. Read were:"]
    lines += sorted(set(origins))
    lines += [f"{name} {'.'.join(map(str, since[name]))}" for name in sorted(since)]
    return "\n".join([*lines, ""])


def versioned(path: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The names that a library of glibc defines, each with its version; private ones are left out."""
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        names: Any = elf.get_section_by_name(".dynsym")
        numbers: Any = elf.get_section_by_name(".gnu.version")
        definitions: Any = elf.get_section_by_name(".gnu.version_d")
        if names is None or numbers is None or definitions is None:
            return
        texts = {definition["vd_ndx"]: next(words).name for definition, words in definitions.iter_versions()}
        for index, symbol in enumerate(names.iter_symbols()):
            number = numbers.get_symbol(index)["ndx"]
            text = texts.get(number & 0x7FFF, "") if isinstance(number, int) else ""
            if symbol["st_shndx"] != "SHN_UNDEF" and re.fullmatch(r"GLIBC_[\d.]+", text):
                yield symbol.name, tuple(map(int, text.removeprefix("GLIBC_").split(".")))


def main() -> int:
    """Write one of the lists."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kind", choices=("python", "musl", "glibc"))
    parser.add_argument("sources", nargs="+", metavar="[VERSION=]PATH")
    options = parser.parse_args()
    if options.kind == "musl":
        (SOURCE / "libc/data/musl.txt").write_text(musl_text(map(Path, options.sources)), encoding="utf-8")
        return 0
    if options.kind == "glibc":
        (SOURCE / "libc/data/glibc.txt").write_text(glibc_text(map(Path, options.sources)), encoding="utf-8")
        return 0
    pairs = [source.split("=", 1) for source in options.sources]
    text = python_text((version, Path(path)) for version, path in pairs)
    (SOURCE / "wheels/data/python.txt").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

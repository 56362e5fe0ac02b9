"""Find the files of a host Python on this machine: its recorded paths, relocated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from crossenv.binaries.elf import is_elf
from crossenv.errors import HostPythonError
from crossenv.libc.version import has_libc, read_text
from crossenv.pythons.locate import DETAILS, Located, find_program
from crossenv.pythons.model import ConfigValue
from crossenv.pythons.sysconfigdata import text_of

# Prefixes in a root file system. Another prefix is below a sysroot only if there is a C library too.
_SYSTEM_PREFIXES = {"/usr", "/usr/local", "/"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """The names of one Python's files."""

    implementation: str
    version: str
    abi_flags: str
    multiarch: str

    @property
    def programs(self) -> list[str]:
        """The names of the interpreter, which directories of headers and libraries have too."""
        kind = "pypy" if self.implementation == "pypy" else "python"
        return list(dict.fromkeys([f"{kind}{self.version}{self.abi_flags}", f"{kind}{self.version}"]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """The places of recorded paths on this machine.

    Attributes:
        located: The files that were found.
        recorded: `sys.prefix` on the target.
        sysroot: The root of the target's tree, if known.
    """

    located: Located
    recorded: PurePosixPath
    sysroot: Path | None

    @property
    def prefix(self) -> Path | None:
        """The prefix here; None if only the configuration is here."""
        if self.located.layout == "prefix" or (self.located.layout == DETAILS and self.located.prefix is not None):
            return self.located.prefix
        return self.below_sysroot(self.recorded)

    def below_sysroot(self, path: PurePosixPath) -> Path | None:
        """Return the place of an absolute path in the target's tree here; None without a tree."""
        if self.sysroot is None or not path.is_absolute():
            return None
        return self.sysroot / path.relative_to("/")

    def find(self, recorded: str) -> Iterator[Path]:
        """Yield the possible places of a recorded path here, likeliest first."""
        path = PurePosixPath(recorded)
        if not recorded or not path.is_absolute():
            return
        if self.prefix is not None and path.is_relative_to(self.recorded):
            yield self.prefix / path.relative_to(self.recorded)
        below = self.below_sysroot(path)
        if below is not None:
            yield below


def sysroot_of(prefix: Path | None, recorded: PurePosixPath) -> Path | None:
    """Return the root of `prefix`, if that ends with the recorded prefix."""
    if prefix is None or not recorded.is_absolute():
        return None
    tail = recorded.parts[1:]
    for real in (prefix, prefix.resolve()):
        count = len(real.parts) - len(tail)
        if count < 1 or real.parts[count:] != tail:
            continue
        root = Path(*real.parts[:count])
        if root == Path(root.anchor):
            return None
        if str(recorded) in _SYSTEM_PREFIXES or has_libc(root):
            return root
    return None


def include_dirs_of(here: Places, names: Names, config: Mapping[str, ConfigValue]) -> tuple[Path, ...]:
    """Return the directories that together hold `Python.h` and `pyconfig.h`.

    Raises:
        HostPythonError: One of the two is not there.
    """
    candidates = list(_include_candidates(here, names, config))
    headers = next((directory for directory in candidates if (directory / "Python.h").is_file()), None)
    if headers is None:
        raise HostPythonError(
            f"no Python.h for {here.located.sysconfigdata}",
            hint=f"install the target's libpython{names.version}-dev (or python-devel) package in its sysroot, "
            "or name the root that holds it with --sysroot",
        )
    wrapped = re.search(r"#\s*include\s+<(.+)/pyconfig\.h>", read_text(headers / "pyconfig.h"))
    if wrapped is None:
        own = [headers, *(c for c in candidates if c != headers)]
        found = next((directory for directory in own if (directory / "pyconfig.h").is_file()), None)
    else:
        # Debian's file only includes <TRIPLET/python3.X/pyconfig.h>, one for each architecture.
        parts = [f"{names.multiarch}/{name}" for name in names.programs]
        own = [headers.parent / part for part in parts]
        found = next((directory for directory in own if (directory / "pyconfig.h").is_file()), None)
    if found is None:
        raise HostPythonError(
            f"no pyconfig.h for {names.multiarch or here.located.sysconfigdata} with {headers / 'Python.h'}",
            hint=f"install the libpython{names.version}-dev package of the target's architecture",
        )
    return (headers,) if found == headers else (headers, found)


def _include_candidates(here: Places, names: Names, config: Mapping[str, ConfigValue]) -> Iterator[Path]:
    file = here.located.sysconfigdata
    if here.located.layout == "build tree" and here.located.prefix is not None:
        tree = here.located.prefix
        recorded = [text_of(config, key, file, "") for key in ("srcdir", "abs_srcdir")]
        for directory in [tree / name for name in recorded if name] + [tree, tree.parent]:
            yield (directory / "Include").resolve()
        yield tree
        return
    for key in ("INCLUDEPY", "CONFINCLUDEPY"):
        yield from here.find(text_of(config, key, file, ""))
    if here.prefix is not None:
        yield from (here.prefix / "include" / name for name in names.programs)
        # Apple's way to ship headers.
        yield here.prefix / "Python.framework/Headers"


def executable_of(here: Places, names: Names) -> Path | None:
    """Return the interpreter, if it is here."""
    if here.located.layout == "build tree" and here.located.prefix is not None:
        program = here.located.prefix / "python"
        return program if is_elf(program) else None
    return find_program(here.prefix, names.programs) if here.prefix is not None else None


def lib_dir_of(here: Places, names: Names, config: Mapping[str, ConfigValue]) -> Path | None:
    """Return the directory for libpython, whether it is there or not; None if there is no such directory here."""
    if here.located.layout == "build tree":
        return here.located.prefix
    file = here.located.sysconfigdata
    candidates = [*here.find(text_of(config, "LIBDIR", file, ""))]
    if here.prefix is not None:
        candidates += [here.prefix / name for name in (f"lib/{names.multiarch}", "lib64", "lib")]
    candidates += here.find(text_of(config, "LIBPL", file, ""))
    present = [directory for directory in candidates if directory.is_dir()]
    with_library = (d for d in present if any(next(d.glob(f"lib{p}*.*"), None) for p in names.programs))
    return next(with_library, present[0] if present else None)


def libraries_in(lib_dir: Path | None) -> tuple[Path, ...]:
    """Return the libpythons in a directory."""
    return () if lib_dir is None else tuple(sorted(lib_dir.glob("libpython*")))

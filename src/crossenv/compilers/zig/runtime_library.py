"""The run-time support that is linked before zig's own.

Zig's library is one object with two kinds of functions: those that compilers call (`__divti3`), and copies of the C
library's (`sin`, `fmodl`, `memcpy`), for targets that have none. As soon as an extension needs one of the first kind,
the whole object is taken, and its definitions win over those of the host's libm: `sinl` would be computed with doubles.

So this library is zig's with the second kind renamed. Before it stand our own functions where zig's are wrong: for
machines that compute IEEE's 128 bits in software, arithmetic that rounds as it is told and raises exceptions; for
ppc64le before glibc 2.32, the arithmetic of its long double, and what zig's C++ library lacks there.

For Apple's systems there are our own functions alone: LLVM's linker takes nothing of zig's, and libSystem has nearly
all of them.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path

from crossenv.binaries.ar import one_member
from crossenv.binaries.rename import can_rename, rename_symbols
from crossenv.children import run_text
from crossenv.errors import ToolchainError, reason_of
from crossenv.files import locked
from crossenv.libc.compiling import has_ibm_long_double
from crossenv.platforms import APPLE
from crossenv.report import Reporter
from crossenv.targets import Target

NAME = "libcrossenv_rt.a"
_IBM_LONG_DOUBLE = ("-mabi=ibmlongdouble",)
# They have the 128 bits of IEEE's in software.
_SOFTWARE_LONG_DOUBLE = ("aarch64", "riscv64", "loongarch64")
_SOFTWARE_SOURCES = ("binary128.c", "complex.c")
_IBM_SOURCES = ("ibm128.c", "complex.c", "stdio128.c", "ibm128.cpp")
# What Apple's compilers bring with them: libSystem has the rest.
_APPLE_SOURCES = {"aarch64": ("availability.c", "complex.c"), "x86_64": ("availability.c",)}
# libc++'s stold is for the other format, and has no weaker definition than that.
_STOLD = "_ZNSt3__15stoldERKNS_12basic_stringI{0}NS_11char_traitsI{0}EENS_9allocatorI{0}EEEEPm"
_IBM_LINK = tuple(f"-Wl,--wrap={_STOLD.format(char)}" for char in "cw")


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeLibrary:
    """The library of one target, which the first link makes.

    Attributes:
        triple: The target in zig's words.
        cpu: The minimum processor, in zig's words; "" for zig's own.
        sources: Our own sources that go into it.
        options: Options that they are compiled with.
    """

    triple: str
    cpu: str
    sources: tuple[str, ...]
    options: tuple[str, ...]

    @property
    def has_zigs(self) -> bool:
        """Whether zig's own functions are in it, renamed."""
        return not re.search("-(macos|ios)", self.triple)

    def place(self, zig_version: str) -> str:
        """Return where it lies below a cache; another library lies elsewhere."""
        files = package_files("crossenv.compilers.zig")
        parts = [files.joinpath(name).read_bytes() for name in (Path(__file__).name, *self.sources)]
        parts += [text.encode() for text in (zig_version, self.triple, self.cpu, *self.options)]
        key = hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
        return f"runtime/{self.triple}-{key}/{NAME}"

    def words(self) -> tuple[str, ...]:
        """Return the arguments from which `main` makes it, after its place and zig's."""
        return (self.triple, self.cpu, ",".join(self.sources), *self.options)

    def make(self, zig: Path, made: Path, cache: Path) -> None:
        """Make the library, unless somebody has made it in the meantime.

        Args:
            zig: The compiler.
            made: The file.
            cache: zig's cache.

        Raises:
            ToolchainError: zig cannot link, its own library is not what it is known to be, or the cache cannot be
                written.
        """
        try:
            made.parent.mkdir(parents=True, exist_ok=True)
            with (
                locked(made.parent),
                tempfile.TemporaryDirectory(prefix=".making-", dir=made.parent) as scratch,
            ):
                if made.is_file():
                    return
                work = _Work(zig, self.triple, self.cpu, cache, Path(scratch))
                files = package_files("crossenv.compilers.zig")
                objects = [
                    work.compiled(name, files.joinpath(name).read_bytes(), *self.options) for name in self.sources
                ]
                if self.has_zigs:
                    objects.append(work.renamed(work.zigs_library()))
                archive = Path(scratch) / NAME
                work.run("ar", "rcs", str(archive), *map(str, objects))
                archive.replace(made)
        except OSError as error:
            raise ToolchainError(
                f"{error.filename or made} cannot be written: {reason_of(error)}",
                hint="make room, or name another cache with XDG_CACHE_HOME",
            ) from None


def runtime_library(target: Target, triple: str, cpu: str) -> RuntimeLibrary | None:
    """Return the library that a target needs, None for none; `triple` and `cpu` are what zig is told."""
    if sources := _APPLE_SOURCES.get(target.architecture.name) if target.system in APPLE else None:
        return RuntimeLibrary(triple=triple, cpu=cpu, sources=sources, options=())
    if not can_rename(target.identity.format):
        return None
    options = long_double_options(target)
    sources = _IBM_SOURCES if options else _SOFTWARE_SOURCES if target.machine in _SOFTWARE_LONG_DOUBLE else ()
    return RuntimeLibrary(triple=triple, cpu=cpu, sources=sources, options=options)


def long_double_options(target: Target) -> tuple[str, ...]:
    """Return what makes `long double` the format that the target's C library has, where zig's default is another."""
    return _IBM_LONG_DOUBLE if has_ibm_long_double(target) else ()


def long_double_link_options(target: Target) -> tuple[str, ...]:
    """Return what a link needs where `long_double_options` says something."""
    return _IBM_LINK if long_double_options(target) else ()


class _Work:
    """Runs of one zig for one target in one scratch directory."""

    def __init__(self, zig: Path, triple: str, cpu: str, cache: Path, directory: Path) -> None:
        self.zig = zig
        self.target = ["-target", triple, *([f"-mcpu={cpu}"] if cpu else [])]
        self.cache = cache
        self.directory = directory

    def run(self, *words: str, verbose: bool = False) -> str:
        """Return what zig prints to standard error."""
        environment = {
            **os.environ,
            "ZIG_GLOBAL_CACHE_DIR": str(self.cache),
            "ZIG_LOCAL_CACHE_DIR": str(self.directory / "objects"),
            **({"ZIG_VERBOSE_LINK": "1"} if verbose else {}),
        }
        done = run_text([self.zig, *words], environment=environment, directory=self.directory)
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if "error" in line] or ["it said nothing"]
            hint = "name one in zig's words with --cpu" if "CPU" in lines[0] else "try another version of ziglang"
            raise ToolchainError(f"{self.zig} cannot link for {self.target[1]}: {lines[0]}", hint=hint)
        return done.stderr

    def compiled(self, name: str, source: bytes, *options: str) -> Path:
        text, made = self.directory / name, self.directory / f"{name}.o"
        text.write_bytes(source)
        language, standard = ("c++", "-std=c++17") if name.endswith(".cpp") else ("cc", "-std=c11")
        # Hidden: what one extension exports the loader would lend to the next.
        common = ("-O2", "-g0", "-fPIC", "-fno-builtin", "-fvisibility=hidden", "-ffunction-sections")
        words = (standard, *common, "-fno-sanitize=undefined", *options, "-c", str(text), "-o", str(made))
        self.run(language, *self.target, *words)
        return made

    def zigs_library(self) -> Path:
        """Zig's own library, made by a first link, which every build would have to wait for anyway."""
        empty = self.directory / "empty.c"
        empty.write_text("int crossenv_empty;\n", encoding="utf-8")
        words = ("cc", *self.target, "-O2", "-g0", "-fno-sanitize=undefined", "-shared", "-fPIC", str(empty))
        said = self.run(*words, "-o", str(self.directory / "empty"), verbose=True)
        found = re.search(r"\S+compiler_rt\.a", said)
        if found is None or not Path(found[0]).is_file():
            raise ToolchainError(
                f"{self.zig} links without a run-time library", hint="use ziglang 0.17, or an installed compiler"
            )
        return Path(found[0])

    def renamed(self, library: Path) -> Path:
        """Return the library's object, with the C library's functions renamed.

        Compilers call functions that begin with two underscores; every other one is the C library's. `sin` becomes
        `__crossenv_sin`.
        """
        made = self.directory / "compiler_rt.o"
        try:
            _name, content = one_member(library.read_bytes())
            made.write_bytes(rename_symbols(content, keep=b"__", prefix=b"__crossenv_"))
        except (ValueError, struct.error) as error:
            raise ToolchainError(
                f"{library} cannot be read: {reason_of(error)}", hint="try another version of ziglang"
            ) from None
        return made


def main(arguments: Sequence[str]) -> int:
    """Make a library for a launcher, whose environment names zig's cache.

    Args:
        arguments: The library's place, zig's, and `RuntimeLibrary.words`.

    Returns:
        The exit status.
    """
    place, zig, triple, cpu, sources, *options = arguments
    library = RuntimeLibrary(
        triple=triple, cpu=cpu, sources=tuple(filter(None, sources.split(","))), options=tuple(options)
    )
    try:
        library.make(Path(zig), Path(place), Path(os.environ["ZIG_GLOBAL_CACHE_DIR"]))
    except ToolchainError as error:
        Reporter().error(error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

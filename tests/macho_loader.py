"""Loads extension modules for macOS on x86-64 into CPython for Linux on x86-64: an aid for tests, not for users.

    python -c "import macho_loader; macho_loader.install(); import toy"
    python -m pytest -p macho_loader ...

It maps a module's segments, rebases and binds it, and calls `PyInit_...`. What a module takes from libSystem it gets
from glibc or from the few functions below. So a test proves the compiled code, its relocations and its use of Python's
C API, and nothing of dyld, libSystem or signatures. It needs a C compiler, and for C++ LLVM's libc++ (libc++1 in
Debian). An exception that is thrown ends the process: Linux' unwinders do not read the tables of such modules.

Only the standard library is imported: this runs in the Python that the module is for.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.abc
import importlib.machinery
import importlib.util
import mmap
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

SUFFIXES = (f".cpython-{sys.version_info[0]}{sys.version_info[1]}-darwin.so", ".abi3.so", ".so")
MAGIC, X86_64 = 0xFEEDFACF, 0x0100_0007
# What libSystem has and glibc does not, or under another name; the prefix keeps it from other libraries.
SUPPORT = r"""
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int *mac___error(void) { return &errno; }
void mac_bzero(void *at, size_t size) { memset(at, 0, size); }
void mac___bzero(void *at, size_t size) { memset(at, 0, size); }
void mac_memset_pattern16(void *to, const void *pattern, size_t size) {
    for (size_t i = 0; i < size; i++) ((char *)to)[i] = ((const char *)pattern)[i % 16];
}
void mac___assert_rtn(const char *function, const char *file, int line, const char *text) {
    fprintf(stderr, "%s:%d: %s: %s\n", file, line, function, text);
    abort();
}
uint64_t mac_mach_absolute_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
struct two_doubles { double sine, cosine; };
struct two_doubles mac___sincos_stret(double x) { return (struct two_doubles){sin(x), cos(x)}; }
double mac___exp10(double x) { return pow(10, x); }

void *mac_data___stack_chk_guard = (void *)0x5f3759df;
void *mac_data___stdinp, *mac_data___stdoutp, *mac_data___stderrp;
/* <runetype.h>: bits of each character, by which <ctype.h> decides inline. */
struct { char head[60]; uint32_t kind[256]; int lower[256], upper[256]; char rest[64]; } mac_data__DefaultRuneLocale;
static uint32_t kind_of(int c) {
    if (c > 127) return 0;
    return (isalpha(c) ? 0x100 : 0) | (iscntrl(c) ? 0x200 : 0) | (isdigit(c) ? 0x400 : 0) | (isgraph(c) ? 0x800 : 0) |
           (islower(c) ? 0x1000 : 0) | (ispunct(c) ? 0x2000 : 0) | (isspace(c) ? 0x4000 : 0) |
           (isupper(c) ? 0x8000 : 0) | (isxdigit(c) ? 0x10000 : 0) | (isblank(c) ? 0x20000 : 0) |
           (isprint(c) ? 0x40000 : 0);
}
int mac___maskrune(int c, unsigned long mask) { return (int)(kind_of(c) & mask); }
int mac___tolower(int c) { return tolower(c); }
int mac___toupper(int c) { return toupper(c); }

/* Thread-local variables: the module calls the first word of a descriptor, with every register as it was. */
struct variable { void *(*get)(struct variable *); unsigned long module, offset; };
static struct { const char *content; size_t filled, size; } templates[64];
static __thread char *areas[64];
void mac_add_variables(unsigned long module, const char *content, size_t filled, size_t size) {
    templates[module].content = content, templates[module].filled = filled, templates[module].size = size;
}
void *mac_variable(struct variable *about) {
    if (areas[about->module] == NULL) {
        areas[about->module] = calloc(1, templates[about->module].size + 64);
        memcpy(areas[about->module], templates[about->module].content, templates[about->module].filled);
    }
    return areas[about->module] + about->offset;
}
__asm__(".globl mac__tlv_bootstrap\n"
        "mac__tlv_bootstrap:\n"
        " push %rbp\n mov %rsp, %rbp\n"
        " push %rcx\n push %rdx\n push %rsi\n push %rdi\n push %r8\n push %r9\n push %r10\n push %r11\n"
        " sub $256, %rsp\n and $-16, %rsp\n"
        " movups %xmm0, (%rsp)\n movups %xmm1, 16(%rsp)\n movups %xmm2, 32(%rsp)\n movups %xmm3, 48(%rsp)\n"
        " movups %xmm4, 64(%rsp)\n movups %xmm5, 80(%rsp)\n movups %xmm6, 96(%rsp)\n movups %xmm7, 112(%rsp)\n"
        " call mac_variable\n"
        " movups (%rsp), %xmm0\n movups 16(%rsp), %xmm1\n movups 32(%rsp), %xmm2\n movups 48(%rsp), %xmm3\n"
        " movups 64(%rsp), %xmm4\n movups 80(%rsp), %xmm5\n movups 96(%rsp), %xmm6\n movups 112(%rsp), %xmm7\n"
        " lea -64(%rbp), %rsp\n"
        " pop %r11\n pop %r10\n pop %r9\n pop %r8\n pop %rdi\n pop %rsi\n pop %rdx\n pop %rcx\n"
        " pop %rbp\n ret\n");
void mac_dyld_stub_binder(void) { abort(); }

__attribute__((constructor)) static void fill(void) {
    for (int c = 0; c < 256; c++) {
        mac_data__DefaultRuneLocale.kind[c] = kind_of(c);
        mac_data__DefaultRuneLocale.lower[c] = c < 128 ? tolower(c) : c;
        mac_data__DefaultRuneLocale.upper[c] = c < 128 ? toupper(c) : c;
    }
    mac_data___stdinp = stdin, mac_data___stdoutp = stdout, mac_data___stderrp = stderr;
}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    name: str
    address: int
    size: int
    kind: int


@dataclass(kw_only=True, slots=True)
class Image:
    """One module in memory."""

    data: bytes
    segments: list[tuple[int, int, int, int]] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    info: tuple[int, ...] = ()
    symbols: tuple[int, ...] = ()
    slide: int = 0

    @classmethod
    def read(cls, data: bytes) -> Image:
        """Read the load commands (`mach-o/loader.h`)."""
        magic, cpu, _subtype, _kind, count = struct.unpack_from("<IiiII", data)
        if (magic, cpu) != (MAGIC, X86_64):
            raise ImportError("is not Mach-O for x86-64 alone")
        image, at = cls(data=data), 32
        for _number in range(count):
            command, size = struct.unpack_from("<II", data, at)
            if command == 0x19:
                address, length, offset, filled = struct.unpack_from("<4Q", data, at + 24)
                image.segments.append((address, length, offset, filled))
                for number in range(struct.unpack_from("<I", data, at + 64)[0]):
                    row = at + 72 + 80 * number
                    name = data[row : row + 16].rstrip(b"\0").decode()
                    start, extent = struct.unpack_from("<QQ", data, row + 32)
                    kind = struct.unpack_from("<I", data, row + 64)[0] & 0xFF
                    image.sections.append(Section(name=name, address=start, size=extent, kind=kind))
            elif command in (0x22, 0x8000_0022):
                image.info = struct.unpack_from("<10I", data, at + 8)
            elif command == 0x2:
                image.symbols = struct.unpack_from("<4I", data, at + 8)
            at += size
        if not image.info:
            raise ImportError("has chained fixups, which this loader does not read: build for macOS 10.13")
        return image

    def exports(self) -> dict[str, int]:
        """The addresses of what it defines for others."""
        offset, count, texts, _size = self.symbols
        found = {}
        for number in range(count):
            start, kind, _section, _more, value = struct.unpack_from("<IBBHQ", self.data, offset + 16 * number)
            if kind & 0x0E == 0x0E and kind & 1 and not kind & 0xE0:
                end = self.data.index(b"\0", texts + start)
                found[self.data[texts + start : end].decode()] = value
        return found

    def place(self, segment: int, offset: int) -> int:
        return self.segments[segment][0] + offset


class Stream:
    """The opcodes of `LC_DYLD_INFO`."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def signed(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value - (1 << shift) if byte & 0x40 else value

    def text(self) -> str:
        end = self.data.index(b"\0", self.at)
        found = self.data[self.at : end].decode()
        self.at = end + 1
        return found


def rebased(image: Image, data: bytes) -> Iterator[int]:
    """The places that hold an address of the module itself."""
    stream, at, times, skip = Stream(data), 0, 0, 0
    while stream.at < len(data):
        byte = stream.byte()
        opcode, small = byte & 0xF0, byte & 0x0F
        times, skip = 0, 0
        if opcode == 0x00:
            return
        if opcode == 0x20:
            at = image.place(small, stream.number())
        elif opcode == 0x30:
            at += stream.number()
        elif opcode == 0x40:
            at += 8 * small
        elif opcode == 0x50:
            times = small
        elif opcode == 0x60:
            times = stream.number()
        elif opcode == 0x70:
            times, skip = 1, stream.number()
        elif opcode == 0x80:
            times, skip = stream.number(), stream.number()
        for _number in range(times):
            yield at
            at += 8 + skip


def bound(image: Image, data: bytes, *, lazy: bool = False) -> Iterator[tuple[int, str, int]]:
    """The places that hold an address of another library's, the name and what is added."""
    stream, at, name, more = Stream(data), 0, "", 0
    while stream.at < len(data):
        byte = stream.byte()
        opcode, small = byte & 0xF0, byte & 0x0F
        times, skip = 0, 0
        if opcode == 0x00 and not lazy:
            return
        if opcode == 0x20:
            stream.number()
        elif opcode == 0x40:
            name = stream.text()
        elif opcode == 0x60:
            more = stream.signed()
        elif opcode == 0x70:
            at = image.place(small, stream.number())
        elif opcode == 0x80:
            at = (at + stream.number()) & 0xFFFF_FFFF_FFFF_FFFF
        elif opcode == 0x90:
            times = 1
        elif opcode == 0xA0:
            times, skip = 1, stream.number()
        elif opcode == 0xB0:
            times, skip = 1, 8 * small
        elif opcode == 0xC0:
            times, skip = stream.number(), stream.number()
        for _number in range(times):
            yield at, name, more
            at = (at + 8 + skip) & 0xFFFF_FFFF_FFFF_FFFF


class System:
    """What modules find in place of libSystem, libc++ and the program."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory(prefix="macho-loader-") as directory:
            source, made = Path(directory) / "support.c", Path(directory) / "support.so"
            source.write_text(SUPPORT, encoding="ascii")
            subprocess.run(["cc", "-O1", "-w", "-shared", "-fPIC", source, "-o", made, "-lm"], check=True)
            self.support = ctypes.CDLL(str(made))
        self.others = [ctypes.CDLL(None), ctypes.CDLL("libm.so.6")]
        with contextlib.suppress(OSError):
            self.others.append(ctypes.CDLL("libc++.so.1", mode=ctypes.RTLD_GLOBAL))
        self.modules = 0

    def address(self, symbol: str) -> int:
        """Where it is."""
        name = symbol.removeprefix("_").partition("$")[0]
        for library, known in (
            (self.support, f"mac_{name}"),
            (self.support, f"mac_data_{name}"),
            *((one, name) for one in self.others),
        ):
            try:
                return ctypes.addressof(ctypes.c_char.in_dll(library, known))
            except ValueError:
                continue
        raise ImportError(f"nothing here has {name}")


@cache
def the_system() -> System:
    """Make it once."""
    return System()


_kept: list[Any] = []


def load(path: str, name: str) -> int:
    """Load a module; return the address of its `PyInit_...`."""
    system, image = the_system(), Image.read(Path(path).read_bytes())
    lowest = min(address for address, _length, _offset, _filled in image.segments)
    highest = max(address + length for address, length, _offset, _filled in image.segments)
    memory = mmap.mmap(-1, highest - lowest, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
                       prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)  # fmt: skip
    # It outlives the interpreter, which calls into it to the last.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(memory))
    image.slide = ctypes.addressof(ctypes.c_char.from_buffer(memory)) - lowest
    _kept.append((memory, image))
    for address, _length, offset, filled in image.segments:
        memory[address - lowest : address - lowest + filled] = image.data[offset : offset + filled]

    def word(at: int) -> ctypes.c_uint64:
        return ctypes.c_uint64.from_address(at + image.slide)

    rebase, rebase_size, bind, bind_size, weak, weak_size, lazy, lazy_size = image.info[:8]
    for at in rebased(image, image.data[rebase : rebase + rebase_size]):
        word(at).value += image.slide
    exports = image.exports()
    for start, size, is_lazy in ((bind, bind_size, False), (lazy, lazy_size, True), (weak, weak_size, False)):
        for at, symbol, more in bound(image, image.data[start : start + size], lazy=is_lazy):
            own = exports.get(symbol)
            found = own + image.slide if own is not None else system.address(symbol)
            word(at).value = (found + more) & 0xFFFF_FFFF_FFFF_FFFF
    _prepare_variables(image, system)
    for section in image.sections:
        for number in range(section.size // 8 if section.name == "__mod_init_func" else 0):
            ctypes.CFUNCTYPE(None)(word(section.address + 8 * number).value)()
        for number in range(section.size // 4 if section.name == "__init_offsets" else 0):
            offset = ctypes.c_uint32.from_address(section.address + image.slide + 4 * number).value
            ctypes.CFUNCTYPE(None)(lowest + image.slide + offset)()
    return exports[f"_PyInit_{name.rpartition('.')[2]}"] + image.slide


def _prepare_variables(image: Image, system: System) -> None:
    """Give each thread-local variable's descriptor its module's number."""
    contents = [one for one in image.sections if one.kind in (0x11, 0x12)]
    descriptors = [one for one in image.sections if one.kind == 0x13]
    if not descriptors:
        return
    start = min(one.address for one in contents)
    filled = sum(one.size for one in contents if one.kind == 0x11)
    size = max(one.address + one.size for one in contents) - start
    system.support.mac_add_variables(
        ctypes.c_ulong(system.modules),
        ctypes.c_void_p(start + image.slide),
        ctypes.c_size_t(filled),
        ctypes.c_size_t(size),
    )
    for section in descriptors:
        for at in range(section.address, section.address + section.size, 24):
            ctypes.c_uint64.from_address(at + image.slide + 8).value = system.modules
    system.modules += 1


class Loader(importlib.abc.Loader):
    """Loads one module."""

    def __init__(self, name: str, path: str) -> None:
        self.name, self.path = name, path
        self.definition: int | None = None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """Call `PyInit_...`, whose result is a module or describes one."""
        made = ctypes.PYFUNCTYPE(ctypes.c_void_p)(load(self.path, self.name))()
        if not made:
            raise ImportError(f"{self.path} did not start")
        found = ctypes.cast(made, ctypes.py_object).value
        if isinstance(found, ModuleType):
            found.__file__ = self.path
            # What the import system does for modules that are made at once; they look for themselves there.
            definition_of = ctypes.pythonapi.PyModule_GetDef
            definition_of.restype, definition_of.argtypes = ctypes.c_void_p, [ctypes.py_object]
            add = ctypes.pythonapi.PyState_AddModule
            add.argtypes = [ctypes.py_object, ctypes.c_void_p]
            if definition := definition_of(found):
                add(found, definition)
            return found
        self.definition = made
        make = ctypes.pythonapi.PyModule_FromDefAndSpec2
        make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_int]
        module: ModuleType = make(made, spec, 1013)
        module.__file__ = self.path
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run what a description has for it."""
        if self.definition is not None:
            run = ctypes.pythonapi.PyModule_ExecDef
            run.argtypes = [ctypes.py_object, ctypes.c_void_p]
            run(module, self.definition)


class Finder(importlib.abc.MetaPathFinder):
    """Finds modules for macOS wherever Python looks."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of a module whose file is Mach-O."""
        for directory in sys.path if path is None else path:
            for suffix in SUFFIXES:
                file = Path(directory) / (name.rpartition(".")[2] + suffix)
                if file.is_file() and file.read_bytes()[:4] == struct.pack("<I", MAGIC):
                    return importlib.util.spec_from_file_location(name, file, loader=Loader(name, str(file)))
        return None


def install() -> None:
    """Find modules for macOS from now on."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())


# As a plug-in of pytest's it is there before any test is collected.
if "pytest" in sys.modules:
    install()

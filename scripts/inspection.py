"""Looks into wheels for the proofs, independently of what looked into them during the build."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pefile
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

# pyelftools' names of the machines.
NAMES = {
    "x86_64": "x64",
    "i686": "x86",
    "aarch64": "AArch64",
    "armv7l": "ARM",
    "ppc64le": "64-bit PowerPC",
    "s390x": "IBM S/390",
    "riscv64": "RISC-V",
    "loongarch64": "LoongArch",
}
# The Microsoft format's numbers of the machines.
PE_MACHINES = {"x86_64": 0x8664, "i686": 0x14C, "aarch64": 0xAA64}
# Apple's numbers of the machines.
MACH_O_MACHINES = {"x86_64": 0x01000007, "arm64": 0x0100000C}
# How native files begin, by format: the fat kind of Mach-O as the plain one.
ELF, PE, MACH_O = (b"\x7fELF",), (b"MZ",), (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
# What a repaired wheel brings along, and a module's name with the part that differs between targets.
_BROUGHT = re.compile(r"[^/]+\.libs/|.*-[0-9a-f]{32}\.dll")
_MODULE = re.compile(r"(.+?)(?:\.[\w-]+)?\.(?:so|pyd)")


class WrongWheelError(Exception):
    """A wheel that is not what it should be: one line."""


def native_files(wheel: Path, magic: tuple[bytes, ...] = ELF) -> dict[str, bytes]:
    """The native files of a wheel, of one format or several."""
    with zipfile.ZipFile(wheel) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return {name: data for name, data in members.items() if data.startswith(magic)}


def modules(wheel: Path) -> set[str]:
    """The native modules and libraries of a wheel, without those that a repair has added.

    Their names are those that all targets have in common: "msgpack/_cmsgpack".
    """
    found = set()
    for member in native_files(wheel, ELF + PE + MACH_O):
        name = re.sub(r"^[^/]+\.data/(?:plat|pure)lib/", "", member)
        if not _BROUGHT.match(name):
            match = _MODULE.fullmatch(name)
            found.add(match[1] if match else name)
    return found


def newest_glibc(data: bytes) -> tuple[int, ...]:
    """The newest version of glibc that an ELF file asks for; () for none."""
    newest: tuple[int, ...] = ()
    section = ELFFile(io.BytesIO(data)).get_section_by_name(".gnu.version_r")
    for _need, entries in section.iter_versions() if isinstance(section, GNUVerNeedSection) else ():
        for entry in entries:
            if entry.name.startswith("GLIBC_2"):
                newest = max(newest, tuple(int(part) for part in entry.name[6:].split(".")))
    return newest


def inspected(wheel: Path, machine: str, byte_order: str, bits: int, floor: tuple[int, ...] | None) -> str:
    """What the wheel's native files need at most: "glibc 2.17" or "no glibc".

    Raises:
        WrongWheelError: One is for another machine, newer than the floor, or there is none.
    """
    expected = ("ELFDATA2LSB" if byte_order == "little" else "ELFDATA2MSB", bits, NAMES[machine])
    newest: tuple[int, ...] = ()
    files = native_files(wheel)
    if not files:
        raise WrongWheelError("no native code")
    for name, data in files.items():
        try:
            elf = ELFFile(io.BytesIO(data))
            found: tuple[Any, ...] = (elf.header["e_ident"]["EI_DATA"], elf.elfclass, elf.get_machine_arch())
            newest = max(newest, newest_glibc(data))
        except ELFError as error:
            raise WrongWheelError(f"{name}: {error}") from None
        if found != expected:
            raise WrongWheelError(f"{name} is for {found}")
    if floor is not None and newest > floor:
        raise WrongWheelError(f"needs glibc {newest}")
    return f"glibc {'.'.join(map(str, newest))}" if newest else "no glibc"


def inspected_pe(wheel: Path, machine: str, python: str, at_hand: Collection[str], exported: Collection[str]) -> str:
    """What the wheel's native files need besides Windows: "python313.dll vcruntime140.dll".

    Args:
        wheel: The wheel.
        machine: "x86_64".
        python: The Python's DLL.
        at_hand: Names in lower case of the DLLs that Windows and Python bring.
        exported: The names that the Python's DLL exports; empty if they are not known.

    Raises:
        WrongWheelError: One is for another machine or another Python, a DLL or a name of Python is missing, or there
            is no native file.
    """
    files = native_files(wheel, PE)
    if not files:
        raise WrongWheelError("no native code")
    brought = {name.rpartition("/")[2].lower() for name in files}
    needs: set[str] = set()
    for name, data in files.items():
        try:
            image = pefile.PE(data=data)
        except pefile.PEFormatError as error:
            raise WrongWheelError(f"{name}: {error}") from None
        if image.FILE_HEADER.Machine != PE_MACHINES[machine]:
            raise WrongWheelError(f"{name} is for machine {image.FILE_HEADER.Machine:#x}")
        tables = [*getattr(image, "DIRECTORY_ENTRY_IMPORT", []), *getattr(image, "DIRECTORY_ENTRY_DELAY_IMPORT", [])]
        for table in tables:
            library = table.dll.decode().lower()
            if library.startswith("python"):
                wanted = {entry.name.decode() for entry in table.imports if entry.name}
                if library not in (python, "python3.dll"):
                    raise WrongWheelError(f"{name} needs {library}")
                if exported and not wanted <= set(exported):
                    raise WrongWheelError(f"{name} wants {sorted(wanted - set(exported))} of {library}")
            elif library not in brought and library not in at_hand and not library.startswith("api-ms-win-"):
                raise WrongWheelError(f"{name} needs {library}, which is neither in the wheel nor in Windows")
            if library.startswith(("python", "vcruntime", "msvc")):
                needs.add(library)
    return " ".join(sorted(needs)) or "Windows alone"


def pe_exports(library: Path) -> set[str]:
    """The names that a DLL exports."""
    image = pefile.PE(str(library))
    return {symbol.name.decode() for symbol in image.DIRECTORY_ENTRY_EXPORT.symbols if symbol.name}


def inspected_mach_o(wheel: Path, machines: Collection[str], floor: tuple[int, int]) -> str:
    """The newest release that one of the wheel's native files was linked for: "macOS 11.0".

    Args:
        wheel: The wheel.
        machines: "x86_64", "arm64": each file must hold code for all of them, and for no other.
        floor: The release in the wheel's tag.

    Raises:
        WrongWheelError: A file is for another machine or a later release, is no bundle or library, is for arm64 and
            not signed, names a library that is neither the system's nor in the wheel, or there is no native file.
    """
    from macholib.MachO import MachO

    files = native_files(wheel, MACH_O)
    if not files:
        raise WrongWheelError("no native code")
    newest = (0, 0)
    for name, data in files.items():
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            try:
                headers = MachO(file.name).headers
            except ValueError as error:
                raise WrongWheelError(f"{name}: {error}") from None
        found = {header.header.cputype for header in headers}
        if found != {MACH_O_MACHINES[machine] for machine in machines}:
            raise WrongWheelError(f"{name} is for machines {sorted(map(hex, found))}")
        for header in headers:
            newest = max(newest, _mach_o_release(name, header))
    if newest > floor:
        raise WrongWheelError(f"needs macOS {newest}")
    return f"macOS {newest[0]}.{newest[1]}"


def _mach_o_release(name: str, header: Any) -> tuple[int, int]:
    from macholib import mach_o

    if header.filetype not in ("bundle", "dylib", "execute"):
        raise WrongWheelError(f"{name} is a {header.filetype}")
    release = (0, 0)
    commands = {load.cmd for load, _command, _data in header.commands}
    if header.header.cputype == MACH_O_MACHINES["arm64"] and mach_o.LC_CODE_SIGNATURE not in commands:
        raise WrongWheelError(f"{name} is not signed")
    for load, command, data in header.commands:
        if load.cmd == mach_o.LC_BUILD_VERSION:
            release = (command.minos >> 16, command.minos >> 8 & 0xFF)
        elif load.cmd == mach_o.LC_VERSION_MIN_MACOSX:
            release = (command.version >> 16, command.version >> 8 & 0xFF)
        elif load.cmd in (mach_o.LC_LOAD_DYLIB, mach_o.LC_LOAD_WEAK_DYLIB):
            library = data.rstrip(b"\0").decode()
            if not library.startswith(("/usr/lib/", "/System/", "@loader_path/", "@rpath/")):
                raise WrongWheelError(f"{name} needs {library}")
    return release

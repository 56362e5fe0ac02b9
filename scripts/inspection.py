"""Looks into wheels for the proofs, independently of what looked into them during the build."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

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


class WrongWheelError(Exception):
    """A wheel that is not what it should be: one line."""


def native_files(wheel: Path) -> dict[str, bytes]:
    """The ELF files of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return {name: data for name, data in members.items() if data.startswith(b"\x7fELF")}


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

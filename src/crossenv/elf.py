"""Read ELF files: which machine they are for and what they ask of it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from crossenv.targets import ElfIdentity, abi_flag_mask

_EM_PPC64 = 21
_EM_ARM = 40
_EF_ARM_ABI_FLOAT_SOFT = 0x200
_EF_ARM_ABI_FLOAT_HARD = 0x400
_TAG_ABI_VFP_ARGS_REGISTERS = "1"
_EHDR32, _EHDR64 = 52, 64

# Counts and chained offsets in a damaged file can make a table endless.
_LONGEST_TABLE = 10_000


class ElfError(ValueError):
    """A file that is not ELF, or is damaged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ElfFacts:
    """What an ELF file says of itself.

    Attributes:
        identity: The machine it is for.
        interpreter: The program interpreter (PT_INTERP); "" where it has none.
        needed: The shared libraries it names (DT_NEEDED), in their order.
        soname: Its own name (DT_SONAME); "" where it has none.
        version_definitions: The symbol versions it defines (`.gnu.version_d`), without its base name.
    """

    identity: ElfIdentity
    interpreter: str
    needed: tuple[str, ...]
    soname: str
    version_definitions: tuple[str, ...]


def is_elf(path: Path) -> bool:
    """Whether a readable regular file begins like an ELF file."""
    try:
        return path.is_file() and _first_bytes(path, 4) == b"\x7fELF"
    except OSError:
        return False


def elf_identity(path: Path) -> ElfIdentity:
    """The machine that an ELF file is for.

    Raises:
        ElfError: It cannot be read, is not ELF, or is damaged.
    """
    try:
        header = _first_bytes(path, _EHDR64)
    except OSError as error:
        raise ElfError(f"{path}: {error.strerror or error}") from error
    if header[:4] != b"\x7fELF":
        raise ElfError(f"{path}: not an ELF file")
    bits = {1: 32, 2: 64}.get(header[4] if len(header) > 4 else 0)
    order = {1: "little", 2: "big"}.get(header[5] if len(header) > 5 else 0)
    if bits is None or order is None or len(header) < (_EHDR32 if bits == 32 else _EHDR64):
        raise ElfError(f"{path}: damaged ELF header")
    prefix = "<" if order == "little" else ">"
    machine: int = struct.unpack_from(prefix + "H", header, 18)[0]
    flags: int = struct.unpack_from(prefix + "I", header, 36 if bits == 32 else 48)[0]
    abi_flags = flags & abi_flag_mask(machine)
    if machine == _EM_PPC64 and abi_flags == 0:
        # 0 is "not affected by the difference" (OpenPOWER ELFv2 ABI, 4.1): the byte order's usual ABI.
        abi_flags = 2 if order == "little" else 1
    if machine == _EM_ARM and not flags & (_EF_ARM_ABI_FLOAT_SOFT | _EF_ARM_ABI_FLOAT_HARD):
        # Only linked files must carry the float ABI in e_flags; objects have it in their build attributes.
        abi_flags = _EF_ARM_ABI_FLOAT_HARD if _arm_passes_floats_in_registers(path) else 0
    return ElfIdentity(machine=machine, bits=bits, byte_order=order, abi_flags=abi_flags)


def elf_flags(path: Path) -> int:
    """`e_flags` of an ELF file, all of its bits.

    Raises:
        ElfError: It cannot be read, is not ELF, or is damaged.
    """
    identity = elf_identity(path)
    prefix = "<" if identity.byte_order == "little" else ">"
    flags: int = struct.unpack_from(prefix + "I", _first_bytes(path, _EHDR64), 36 if identity.bits == 32 else 48)[0]
    return flags


def read_elf(path: Path) -> ElfFacts:
    """Everything this package asks of an ELF file.

    Raises:
        ElfError: It cannot be read, is not ELF, or is damaged.
    """
    from elftools.elf.dynamic import DynamicSegment
    from elftools.elf.gnuversions import GNUVerDefSection
    from elftools.elf.segments import InterpSegment

    identity = elf_identity(path)
    interpreter, soname = "", ""
    needed: list[str] = []
    versions: list[str] = []
    with _opened(path) as elf:
        for segment in islice(elf.iter_segments(), _LONGEST_TABLE):
            if isinstance(segment, InterpSegment):
                interpreter = str(segment.get_interp_name())
            elif isinstance(segment, DynamicSegment):
                tags: Iterator[Any] = segment.iter_tags()
                for tag in islice(tags, _LONGEST_TABLE):
                    if tag.entry.d_tag == "DT_NEEDED":
                        needed.append(str(tag.needed))
                    elif tag.entry.d_tag == "DT_SONAME":
                        soname = str(tag.soname)
        section = elf.get_section_by_name(".gnu.version_d")
        if isinstance(section, GNUVerDefSection):
            for definition, names in islice(section.iter_versions(), _LONGEST_TABLE):
                base = definition["vd_flags"] & 1
                versions += [] if base else [str(name.name) for name in islice(names, 1)]
    return ElfFacts(
        identity=identity,
        interpreter=interpreter,
        needed=tuple(needed),
        soname=soname,
        version_definitions=tuple(versions),
    )


def _arm_passes_floats_in_registers(path: Path) -> bool:
    """Whether `Tag_ABI_VFP_args` says so (Addenda to the Arm ABI, build attributes)."""
    with _opened(path) as elf:
        section = elf.get_section_by_name(".ARM.attributes")
        if section is None:
            return False
        for part in islice(section.iter_subsections("aeabi"), _LONGEST_TABLE):
            for scope in islice(part.iter_subsubsections("TAG_FILE"), _LONGEST_TABLE):
                for attribute in islice(scope.iter_attributes("TAG_ABI_VFP_ARGS"), 1):
                    return str(attribute.value) == _TAG_ABI_VFP_ARGS_REGISTERS
    return False


def _first_bytes(path: Path, count: int) -> bytes:
    with path.open("rb") as stream:
        return stream.read(count)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from elftools.elf.elffile import ELFFile

    stream: BinaryIO
    try:
        with path.open("rb") as stream:
            yield ELFFile(stream)
    except OSError as error:
        raise ElfError(f"{path}: {error.strerror or error}") from error
    except Exception as error:
        # pyelftools answers damage with whatever its parsing ran into, KeyError and AttributeError too.
        raise ElfError(f"{path}: damaged ELF file") from error

"""The architectures, by all the names they go by."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

# ELF header flags that belong to the ABI, per machine (the processor supplements to the System V ABI).
EF_ARM_ABI_FLOAT_HARD = 0x400
EF_RISCV_FLOAT_ABI = 0x6
EF_PPC64_ABI = 0x3
EF_LOONGARCH_ABI = 0x7
_EM_PPC64 = 21

GLIBC, MUSL = "glibc", "musl"
# PyPI's big projects (numpy, pandas, cryptography) ship this policy or, where an architecture is younger, its first.
_DEFAULT_GLIBC = (2, 28)
_DEFAULT_MUSL = (1, 2)

ELF, PE, MACHO, WASM = "elf", "pe", "macho", "wasm"
# The formats' own numbers of the machines: PE's `Machine`, Mach-O's `cputype`, WebAssembly's version. ELF's are in the
# table of architectures.
_NUMBERS = {
    PE: {"x86_64": 0x8664, "i686": 0x14C, "aarch64": 0xAA64, "armv7l": 0x1C4},
    MACHO: {"x86_64": 0x0100_0007, "i686": 7, "aarch64": 0x0100_000C, "armv7l": 12},
    WASM: {"wasm32": 1},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What a native file says about the machine that it is for, whatever its format.

    Each reader of `crossenv.binaries` makes these of the files that it reads, `Architecture.identity` of what a user
    names. Two are equal if files of the one can be linked with files of the other.

    Attributes:
        format: The name of the file's format, a key of `crossenv.binaries.FORMATS`: "elf".
        machine: The architecture, a name in `ARCHITECTURES`: "aarch64"; "" for one that is not there.
        bits: 32 or 64, the size of a pointer.
        byte_order: "little" or "big".
        number: The format's own number of the machine (ELF's `e_machine`: 62 is x86-64); 0 where it has none.
        abi_flags: The format's own bits that tell two ABIs of one machine apart (ELF's `e_flags`: ARM hard float,
            RISC-V float ABI, PowerPC64 ELF version; Mach-O's `cpusubtype`); 0 where a machine has none.
    """

    format: str
    machine: str
    bits: int
    byte_order: str
    number: int = 0
    abi_flags: int = 0

    @property
    def numbers(self) -> tuple[int, int, str]:
        """All but the ABI: the machine's number, bits and byte order."""
        return self.number, self.bits, self.byte_order

    def __str__(self) -> str:
        if self.machine:
            return self.machine
        for row in ARCHITECTURES:
            if row.identity(self.format).numbers == self.numbers:
                return f"{row.name} with ABI flags {self.abi_flags:#x}"
        return f"{self.format.upper()} machine {self.number}, {self.bits}-bit, {self.byte_order}-endian"


def identity_of(format: str, number: int, bits: int, byte_order: str, flags: int = 0) -> Identity:
    """The identity of a file with these numbers in its header.

    Args:
        format: The file's format.
        number: The format's number of the machine.
        bits: 32 or 64.
        byte_order: "little" or "big".
        flags: The format's flags, of which only those count that tell two ABIs of the machine apart.
    """
    abi_flags = flags
    if format == ELF:
        abi_flags &= abi_flag_mask(number)
        if number == _EM_PPC64 and abi_flags == 0:
            # 0 is "not affected by the difference" (OpenPOWER ELFv2 ABI, 4.1): the byte order's usual ABI.
            abi_flags = 2 if byte_order == "little" else 1
    found = Identity(format=format, machine="", bits=bits, byte_order=byte_order, number=number, abi_flags=abi_flags)
    rows = (row.identity(format) for row in ARCHITECTURES)
    return next((one for one in rows if one == dataclasses.replace(found, machine=one.machine)), found)


def elf_identity_of(number: int, bits: int, byte_order: str, flags: int = 0) -> Identity:
    """The identity of an ELF file with this `e_machine` and these `e_flags`."""
    return identity_of(ELF, number, bits, byte_order, flags)


def abi_flag_mask(machine: int) -> int:
    """The bits of `e_flags` that belong to the ABI on ELF machine number `machine`."""
    return {40: EF_ARM_ABI_FLOAT_HARD, 243: EF_RISCV_FLOAT_ABI, 21: EF_PPC64_ABI, 258: EF_LOONGARCH_ABI}.get(machine, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class OldestLibcs:
    """The oldest C libraries that a target of one architecture may name.

    Attributes:
        glibc: The glibc of its oldest manylinux policy.
        musl: The musl of its oldest musllinux policy.
    """

    glibc: tuple[int, int]
    musl: tuple[int, int] = (1, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    """One architecture, by all the names it goes by.

    Attributes:
        name: `os.uname().machine` on such a machine, which is also the wheel tag's (PEP 600).
        elf: What its ELF files say.
        gnu_cpu: The first part of its GNU triplet.
        vendor: The second part of it, as config.guess says.
        abi: What follows "gnu" or "musl" in its triplet ("eabihf").
        multiarch_cpu: The first part of Debian's multiarch name, which CPython uses in SOABI.
        rust_cpu: The first part of its Rust target.
        zig_cpu: The first part of its zig target.
        loaders: The program interpreter of each C library (PT_INTERP).
        meson_family: Meson's `cpu_family` (its reference table of CPU families).
        qemu: The suffix of QEMU's user-mode emulator.
        spellings: A pattern of its other names.
        oldest_libcs: The oldest that its targets may name; None for one whose files are read but that is not a target.
    """

    name: str
    elf: Identity
    gnu_cpu: str
    vendor: str
    abi: str
    multiarch_cpu: str
    rust_cpu: str
    zig_cpu: str
    loaders: tuple[tuple[str, str], ...]
    meson_family: str
    qemu: str
    spellings: str
    oldest_libcs: OldestLibcs | None

    def identity(self, format: str) -> Identity:
        """What its files of a format say."""
        if format == ELF:
            return self.elf
        number = _NUMBERS.get(format, {}).get(self.name, 0)
        return dataclasses.replace(self.elf, format=format, number=number, abi_flags=0)

    def oldest(self, libc: str) -> tuple[int, int]:
        """The oldest version of "glibc" or "musl" that a target of it may name."""
        assert self.oldest_libcs is not None, f"{self.name} is not a target"
        return self.oldest_libcs.musl if libc == MUSL else self.oldest_libcs.glibc

    def loader(self, libc: str) -> str:
        """The program interpreter that goes with "glibc" or "musl"."""
        return dict(self.loaders)[libc]


def _row(
    name: str,
    elf: tuple[int, int, str],
    loader: str,
    oldest_libcs: OldestLibcs | None = None,
    flags: int = 0,
    **names: str,
) -> Architecture:
    machine, bits, order = elf
    gnu = names.get("gnu", name)
    return Architecture(
        name=name,
        elf=Identity(format=ELF, machine=name, bits=bits, byte_order=order, number=machine, abi_flags=flags),
        gnu_cpu=gnu,
        vendor=names.get("vendor", "unknown"),
        abi=names.get("abi", ""),
        multiarch_cpu=names.get("multiarch", gnu),
        rust_cpu=names.get("rust", gnu),
        zig_cpu=names.get("zig", gnu),
        loaders=((GLIBC, loader), (MUSL, f"/lib/ld-musl-{names.get('musl', gnu)}.so.1")),
        meson_family=names.get("meson", gnu),
        qemu=names.get("qemu", gnu),
        spellings=names.get("spellings", re.escape(name)),
        oldest_libcs=oldest_libcs,
    )


# The oldest C libraries are those of auditwheel's policies (manylinux-policy.json and musllinux-policy.json of 6.8.2);
# glibc itself is for riscv64 from 2.27 and for loongarch64 from 2.36 on. Loaders are those of glibc's shlib-versions
# and musl's configure.
# fmt: off
ARCHITECTURES: tuple[Architecture, ...] = (
    _row("x86_64", (62, 64, "little"), "/lib64/ld-linux-x86-64.so.2", OldestLibcs(glibc=(2, 5)),
         vendor="pc", spellings="x86_64|x86-64|amd64|x64"),
    _row("i686", (3, 32, "little"), "/lib/ld-linux.so.2", OldestLibcs(glibc=(2, 5)), vendor="pc", multiarch="i386",
         zig="x86", musl="i386", meson="x86", qemu="i386", spellings="i[3-6]86|x86"),
    _row("aarch64", (183, 64, "little"), "/lib/ld-linux-aarch64.so.1", OldestLibcs(glibc=(2, 17)),
         spellings="aarch64|arm64"),
    _row("armv7l", (40, 32, "little"), "/lib/ld-linux-armhf.so.3", OldestLibcs(glibc=(2, 17)), EF_ARM_ABI_FLOAT_HARD,
         gnu="arm", abi="eabihf", rust="armv7", musl="armhf", spellings="arm|armhf|armv7[a-z]*"),
    _row("armv5tel", (40, 32, "little"), "/lib/ld-linux.so.3", gnu="arm", abi="eabi", rust="armv5te"),
    _row("ppc64le", (21, 64, "little"), "/lib64/ld64.so.2", OldestLibcs(glibc=(2, 17)), 2,
         gnu="powerpc64le", meson="ppc64", qemu="ppc64le", spellings="p(ower)?pc64(le|el)"),
    _row("ppc64", (21, 64, "big"), "/lib64/ld64.so.1", None, 1, gnu="powerpc64", meson="ppc64", qemu="ppc64"),
    _row("s390x", (22, 64, "big"), "/lib/ld64.so.1", OldestLibcs(glibc=(2, 17)), vendor="ibm"),
    _row("riscv64", (243, 64, "little"), "/lib/ld-linux-riscv64-lp64d.so.1", OldestLibcs(glibc=(2, 31)), 4,
         rust="riscv64gc", spellings="riscv64(gc)?"),
    _row("loongarch64", (258, 64, "little"), "/lib64/ld-linux-loongarch-lp64d.so.1",
         OldestLibcs(glibc=(2, 36), musl=(1, 2)), 3, spellings="loongarch64|loong64"),
    _row("mips64", (8, 64, "little"), "/lib64/ld.so.1", gnu="mips64el", abi="abi64", meson="mips64"),
    _row("mips", (8, 32, "little"), "/lib/ld.so.1", gnu="mipsel", meson="mips"),
    # Its files are never ELF.
    _row("wasm32", (0, 32, "little"), ""),
)
# fmt: on


def architecture_of(identity: Identity) -> Architecture | None:
    """The architecture of a file; None for one that is not in the table."""
    return next((row for row in ARCHITECTURES if row.name == identity.machine), None)


def target_architectures() -> tuple[Architecture, ...]:
    """The architectures that can be targets."""
    return tuple(row for row in ARCHITECTURES if row.oldest_libcs is not None)


def default_floor(architecture: Architecture, libc: str) -> tuple[int, int]:
    """The floor of a target without one in its name: that of big projects, or the architecture's oldest if later."""
    usual = _DEFAULT_MUSL if libc == MUSL else _DEFAULT_GLIBC
    return max(usual, architecture.oldest(libc))

"""Facts about machines that are known without looking: one row per architecture."""

from __future__ import annotations

from dataclasses import dataclass

# ELF header flags that belong to the ABI, per machine (the processor supplements to the System V ABI).
EF_ARM_ABI_FLOAT_HARD = 0x400
EF_RISCV_FLOAT_ABI = 0x6
EF_PPC64_ABI = 0x3
EF_LOONGARCH_ABI = 0x7


@dataclass(frozen=True, kw_only=True, slots=True)
class ElfIdentity:
    """What the header of an ELF file says about the machine it is for.

    Attributes:
        machine: `e_machine`, the number (62 is x86-64, 183 AArch64).
        bits: 32 or 64, the ELF class.
        byte_order: "little" or "big".
        abi_flags: The bits of `e_flags` that tell two ABIs of one machine apart (ARM hard float, RISC-V
            float ABI, PowerPC64 ELF version); 0 where a machine has none.
    """

    machine: int
    bits: int
    byte_order: str
    abi_flags: int = 0

    def __str__(self) -> str:
        for row in ARCHITECTURES:
            if row.elf == self:
                return row.name
        for row in ARCHITECTURES:
            if (row.elf.machine, row.elf.bits, row.elf.byte_order) == (self.machine, self.bits, self.byte_order):
                return f"{row.name} with ABI flags {self.abi_flags:#x}"
        return f"ELF machine {self.machine}, {self.bits}-bit, {self.byte_order}-endian"


def abi_flag_mask(machine: int) -> int:
    """The bits of `e_flags` that belong to the ABI on ELF machine number `machine`."""
    return {40: EF_ARM_ABI_FLOAT_HARD, 243: EF_RISCV_FLOAT_ABI, 21: EF_PPC64_ABI, 258: EF_LOONGARCH_ABI}.get(machine, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    """One architecture, by all the names it goes by.

    Attributes:
        name: `os.uname().machine` on such a machine, which is also the wheel tag's (PEP 600).
        elf: What its ELF files say.
        gnu_cpu: The first part of its GNU triplet.
        meson_family: Meson's `cpu_family` (its reference table of CPU families).
        qemu: The suffix of QEMU's user-mode emulator.
    """

    name: str
    elf: ElfIdentity
    gnu_cpu: str
    meson_family: str
    qemu: str


def _row(
    name: str, machine: int, bits: int, order: str, gnu: str, meson: str, qemu: str, flags: int = 0
) -> Architecture:
    identity = ElfIdentity(machine=machine, bits=bits, byte_order=order, abi_flags=flags)
    return Architecture(name=name, elf=identity, gnu_cpu=gnu, meson_family=meson, qemu=qemu)


ARCHITECTURES: tuple[Architecture, ...] = (
    _row("x86_64", 62, 64, "little", "x86_64", "x86_64", "x86_64"),
    _row("i686", 3, 32, "little", "i686", "x86", "i386"),
    _row("aarch64", 183, 64, "little", "aarch64", "aarch64", "aarch64"),
    _row("armv7l", 40, 32, "little", "arm", "arm", "arm", EF_ARM_ABI_FLOAT_HARD),
    _row("armv5tel", 40, 32, "little", "arm", "arm", "arm"),
    _row("ppc64le", 21, 64, "little", "powerpc64le", "ppc64", "ppc64le", 2),
    _row("ppc64", 21, 64, "big", "powerpc64", "ppc64", "ppc64", 1),
    _row("s390x", 22, 64, "big", "s390x", "s390x", "s390x"),
    _row("riscv64", 243, 64, "little", "riscv64", "riscv64", "riscv64", 4),
    _row("loongarch64", 258, 64, "little", "loongarch64", "loongarch64", "loongarch64", 3),
    _row("mips64", 8, 64, "little", "mips64el", "mips64", "mips64el"),
    _row("mips", 8, 32, "little", "mipsel", "mips", "mipsel"),
)


def architecture_of(elf: ElfIdentity) -> Architecture | None:
    """The architecture whose ELF files look like `elf`; None for one that is not in the table."""
    return next((row for row in ARCHITECTURES if row.elf == elf), None)

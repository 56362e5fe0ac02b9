"""Facts about machines that are known without looking, and the target that a user names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from crossenv.errors import UsageError

# ELF header flags that belong to the ABI, per machine (the processor supplements to the System V ABI).
EF_ARM_ABI_FLOAT_HARD = 0x400
EF_RISCV_FLOAT_ABI = 0x6
EF_PPC64_ABI = 0x3
EF_LOONGARCH_ABI = 0x7

GLIBC, MUSL = "glibc", "musl"
_SYSTEMS = {GLIBC: "gnu", MUSL: "musl"}

# PyPI's big projects (numpy, pandas, cryptography) ship this policy or, where an architecture is younger, its first.
_USUAL_GLIBC = (2, 28)
_USUAL_MUSL = (1, 2)
# Two releases a year: a list of those that exist would be out of date at once. packaging assumes the same end.
_LAST_GLIBC = (2, 50)
_MUSL_FLOORS = ((1, 1), (1, 2))
# PEP 513, 571 and 599 by the names that PEP 600 gave them.
OLD_POLICIES = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


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
class Policies:
    """From which C libraries on an architecture can be a target.

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
        policies: Its oldest policies; None for one whose files are read but that is no target.
    """

    name: str
    elf: ElfIdentity
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
    policies: Policies | None

    def oldest(self, libc: str) -> tuple[int, int]:
        """The oldest version of "glibc" or "musl" that a target of it may name."""
        assert self.policies is not None, f"{self.name} is no target"
        return self.policies.musl if libc == MUSL else self.policies.glibc

    def loader(self, libc: str) -> str:
        """The program interpreter that goes with "glibc" or "musl"."""
        return dict(self.loaders)[libc]


def _row(
    name: str, elf: tuple[int, int, str], loader: str, policies: Policies | None = None, flags: int = 0, **names: str
) -> Architecture:
    machine, bits, order = elf
    gnu = names.get("gnu", name)
    return Architecture(
        name=name,
        elf=ElfIdentity(machine=machine, bits=bits, byte_order=order, abi_flags=flags),
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
        policies=policies,
    )


# Policies are auditwheel's (manylinux-policy.json and musllinux-policy.json of 6.8.2); glibc itself is for riscv64
# from 2.27 and for loongarch64 from 2.36 on. Loaders are those of glibc's shlib-versions and musl's configure.
# fmt: off
ARCHITECTURES: tuple[Architecture, ...] = (
    _row("x86_64", (62, 64, "little"), "/lib64/ld-linux-x86-64.so.2", Policies(glibc=(2, 5)),
         vendor="pc", spellings="x86_64|x86-64|amd64|x64"),
    _row("i686", (3, 32, "little"), "/lib/ld-linux.so.2", Policies(glibc=(2, 5)), vendor="pc", multiarch="i386",
         zig="x86", musl="i386", meson="x86", qemu="i386", spellings="i[3-6]86|x86"),
    _row("aarch64", (183, 64, "little"), "/lib/ld-linux-aarch64.so.1", Policies(glibc=(2, 17)),
         spellings="aarch64|arm64"),
    _row("armv7l", (40, 32, "little"), "/lib/ld-linux-armhf.so.3", Policies(glibc=(2, 17)), EF_ARM_ABI_FLOAT_HARD,
         gnu="arm", abi="eabihf", rust="armv7", musl="armhf", spellings="arm|armhf|armv7[a-z]*"),
    _row("armv5tel", (40, 32, "little"), "/lib/ld-linux.so.3", gnu="arm", abi="eabi", rust="armv5te"),
    _row("ppc64le", (21, 64, "little"), "/lib64/ld64.so.2", Policies(glibc=(2, 17)), 2,
         gnu="powerpc64le", meson="ppc64", qemu="ppc64le", spellings="p(ower)?pc64(le|el)"),
    _row("ppc64", (21, 64, "big"), "/lib64/ld64.so.1", None, 1, gnu="powerpc64", meson="ppc64", qemu="ppc64"),
    _row("s390x", (22, 64, "big"), "/lib/ld64.so.1", Policies(glibc=(2, 17)), vendor="ibm"),
    _row("riscv64", (243, 64, "little"), "/lib/ld-linux-riscv64-lp64d.so.1", Policies(glibc=(2, 31)), 4,
         rust="riscv64gc", spellings="riscv64(gc)?"),
    _row("loongarch64", (258, 64, "little"), "/lib64/ld-linux-loongarch-lp64d.so.1",
         Policies(glibc=(2, 36), musl=(1, 2)), 3, spellings="loongarch64|loong64"),
    _row("mips64", (8, 64, "little"), "/lib64/ld.so.1", gnu="mips64el", abi="abi64", meson="mips64"),
    _row("mips", (8, 32, "little"), "/lib/ld.so.1", gnu="mipsel", meson="mips"),
)
# fmt: on


def architecture_of(elf: ElfIdentity) -> Architecture | None:
    """The architecture whose ELF files look like `elf`; None for one that is not in the table."""
    return next((row for row in ARCHITECTURES if row.elf == elf), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What the user wants wheels for.

    Attributes:
        text: What the user said.
        architecture: The machine.
        libc: "glibc" or "musl".
        floor: The oldest version of it that the wheels shall run with.
        policy: Whether the wheels keep a manylinux or musllinux policy; if not, they are tagged `linux_...`.
    """

    text: str
    architecture: Architecture
    libc: str
    floor: tuple[int, int]
    policy: bool

    @property
    def machine(self) -> str:
        """`os.uname().machine` there."""
        return self.architecture.name

    @property
    def elf(self) -> ElfIdentity:
        """What its ELF files say."""
        return self.architecture.elf

    @property
    def floor_text(self) -> str:
        """The floor as text: "2.28"."""
        return f"{self.floor[0]}.{self.floor[1]}"

    @property
    def platform_tag(self) -> str:
        """The platform tag of its wheels (PEP 425, 600, 656)."""
        if not self.policy:
            return f"linux_{self.machine}"
        family = "musllinux" if self.libc == MUSL else "manylinux"
        return f"{family}_{self.floor[0]}_{self.floor[1]}_{self.machine}"

    @property
    def gnu_triplet(self) -> str:
        """The name of its cross compiler: "arm-linux-gnueabihf", "i686-linux-gnu"."""
        return f"{self.architecture.gnu_cpu}-linux-{self._system}"

    @property
    def gnu_type(self) -> str:
        """HOST_GNU_TYPE of a Python built there: "aarch64-unknown-linux-gnu"."""
        return f"{self.architecture.gnu_cpu}-{self.architecture.vendor}-linux-{self._system}"

    @property
    def multiarch(self) -> str:
        """`sys.implementation._multiarch` of a CPython 3.11 or later there: "i386-linux-gnu"."""
        return f"{self.architecture.multiarch_cpu}-linux-{self._system}"

    @property
    def zig_triple(self) -> str:
        """`zig cc -target`: "aarch64-linux-gnu.2.28"; zig has one musl only."""
        version = f".{self.floor_text}" if self.libc == GLIBC else ""
        return f"{self.architecture.zig_cpu}-linux-{self._system}{version}"

    @property
    def rust_triple(self) -> str:
        """`rustc --target`: "armv7-unknown-linux-gnueabihf"."""
        return f"{self.architecture.rust_cpu}-unknown-linux-{self._system}"

    @property
    def loader(self) -> str:
        """The program interpreter there (PT_INTERP)."""
        return self.architecture.loader(self.libc)

    @property
    def _system(self) -> str:
        return _SYSTEMS[self.libc] + self.architecture.abi

    def __str__(self) -> str:
        return self.platform_tag if self.policy else self.gnu_triplet


def target_architectures() -> tuple[Architecture, ...]:
    """The architectures that can be targets."""
    return tuple(row for row in ARCHITECTURES if row.policies is not None)


def usual_floor(architecture: Architecture, libc: str) -> tuple[int, int]:
    """The floor of a target that names none: what big projects ship, or the architecture's oldest if it is younger."""
    usual = _USUAL_MUSL if libc == MUSL else _USUAL_GLIBC
    return max(usual, architecture.oldest(libc))


def default_target(architecture: Architecture, libc: str) -> Target:
    """The target with the floor that most wheels on PyPI have."""
    floor = usual_floor(architecture, libc)
    return Target(text=architecture.name, architecture=architecture, libc=libc, floor=floor, policy=True)


def parse_target(text: str) -> Target:
    """The target that `text` names.

    A platform tag names its policy (`manylinux_2_28_aarch64`, `musllinux_1_2_armv7l`, `manylinux2014_x86_64`), a
    short name (`aarch64`) the policy that most wheels on PyPI keep today. `linux_riscv64` and a triplet
    (`aarch64-linux-gnu`, `x86_64-pc-linux-musl`) promise no policy.

    Raises:
        UsageError: There is no such target, or its C library does not exist in that version or for that machine.
    """
    name = text.strip()
    _refuse_other_systems(name)
    if match := re.fullmatch(r"(many|musl)linux_(\d+)_(\d+)_(\w+)", name):
        libc = MUSL if match[1] == "musl" else GLIBC
        floor = (int(match[2]), int(match[3]))
        return _checked(text, _architecture(match[4], text), libc, floor)
    if match := re.fullmatch(r"(manylinux1|manylinux2010|manylinux2014)_(\w+)", name):
        return _checked(text, _architecture(match[2], text), GLIBC, OLD_POLICIES[match[1]])
    if match := re.fullmatch(r"linux_(\w+)", name):
        return _without_policy(text, _architecture(match[1], text), GLIBC)
    if match := re.fullmatch(r"([\w]+)(?:-(?!linux)[\w]+)?-linux-(gnu|musl)(\w*)", name):
        row = _architecture(match[1], text)
        if match[3] == row.abi:
            return _without_policy(text, row, MUSL if match[2] == "musl" else GLIBC)
        raise _unknown(text)
    row = _architecture(name, text)
    return _checked(text, row, GLIBC, usual_floor(row, GLIBC))


def _without_policy(text: str, row: Architecture, libc: str) -> Target:
    return Target(text=text, architecture=row, libc=libc, floor=usual_floor(row, libc), policy=False)


def _checked(text: str, row: Architecture, libc: str, floor: tuple[int, int]) -> Target:
    oldest = row.oldest(libc)
    family = "musllinux" if libc == MUSL else "manylinux"
    usual = f"{family}_{'_'.join(map(str, usual_floor(row, libc)))}_{row.name}"
    version = f"{floor[0]}.{floor[1]}"
    if floor not in _MUSL_FLOORS if libc == MUSL else floor[0] != 2 or floor > _LAST_GLIBC:
        exist = "1.1 and 1.2 exist" if libc == MUSL else f"2.x exists, up to {_LAST_GLIBC[0]}.{_LAST_GLIBC[1]}"
        raise UsageError(f"the target {text!r} names {libc} {version}: there is none ({exist})", hint=f"use {usual}")
    if floor < oldest:
        raise UsageError(
            f"the target {text!r} asks for {libc} {version}, and the oldest {family} policy for {row.name} is"
            f" {family}_{oldest[0]}_{oldest[1]}",
            hint=f"use {usual}",
        )
    return Target(text=text, architecture=row, libc=libc, floor=floor, policy=True)


def _architecture(name: str, text: str) -> Architecture:
    for row in target_architectures():
        if re.fullmatch(row.spellings, name):
            return row
    raise _unknown(text)


def _refuse_other_systems(name: str) -> None:
    for pattern, system in (
        (r"win(32|_\w+)|.*-(windows|mingw32|w64).*", "Windows"),
        (r"macosx_.*|.*-(darwin|macos).*", "macOS"),
        (r"ios_.*|.*-ios.*", "iOS"),
        (r"android_.*|.*-android.*", "Android"),
        (r"(pyodide|pyemscripten|emscripten|wasi|wasm).*", "WebAssembly"),
    ):
        if re.fullmatch(pattern, name):
            raise UsageError(
                f"the target {name!r} is for {system}: not yet; targets are Linux machines with glibc or musl",
                hint="name one such as manylinux_2_28_aarch64 or musllinux_1_2_x86_64",
            )


def _unknown(text: str) -> UsageError:
    if "," in text or " " in text.strip():
        one = re.split(r"[,\s]+", text.strip())[0]
        return UsageError(
            f"{text!r} names several targets",
            hint=f"repeat the option, --target {one} --target ...; an environment is for one target",
        )
    if re.search(r"arm\w*v[456]|armel|armv?[456]", text):
        return UsageError(
            f"there is no target {text!r}: wheels have no platform for ARM before version 7",
            hint="armv7l code does not run there (Raspberry Pi Zero and 1): build on the machine itself",
        )
    # What is like it: the names of machines by themselves, and in the forms that the text might have meant.
    close = difflib.get_close_matches(text.strip(), list(dict.fromkeys(_examples())), 3, 0.7)
    names = ", ".join(row.name for row in target_architectures())
    hint = f"did you mean {' or '.join(close)}?" if close else f"use manylinux_2_28_ARCH, ARCH being one of {names}"
    return UsageError(f"there is no target {text!r}", hint=hint)


def _examples() -> Iterator[str]:
    for row in target_architectures():
        yield row.name
        for libc in (GLIBC, MUSL):
            target = _without_policy("", row, libc)
            yield _checked("", row, libc, target.floor).platform_tag
            yield target.gnu_triplet
        yield f"linux_{row.name}"

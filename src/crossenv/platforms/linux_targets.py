"""Targets that run Linux, and the names that users may give them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crossenv.errors import UsageError
from crossenv.platforms.architectures import (
    ARCHITECTURES,
    GLIBC,
    MUSL,
    Architecture,
    Identity,
    default_floor,
    target_architectures,
)
from crossenv.platforms.target import Target, no_target

__all__ = ["GLIBC", "MUSL", "OLD_POLICIES", "LinuxTarget", "Target", "default_target", "examples", "parse"]

_SYSTEMS = {GLIBC: "gnu", MUSL: "musl"}
_SUPPORT_TIERS = {"x86_64": 1, "aarch64": 2, "ppc64le": 2, "s390x": 3, "armv7l": 3}
_TRAMPOLINES = ("x86_64-linux-gnu", "aarch64-linux-gnu")
# CPython before 3.11 named no C library but GNU's in the suffix, on musl too.
_FIRST_WITH_MUSL_SUFFIX = (3, 11)

# Two releases a year: a list of those that exist would be out of date at once. packaging assumes the same end.
_LAST_GLIBC = (2, 50)
# zig has no headers and symbols of an older glibc for these; for the others it reaches below every policy.
_ZIG_OLDEST_GLIBC = {"ppc64le": (2, 19)}
_MUSL_FLOORS = ((1, 1), (1, 2))
# PEP 513, 571 and 599 by the names that PEP 600 gave them.
OLD_POLICIES = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}

# Docker's `linux/ARCH/VARIANT`: the name of a machine that is nobody else's, and the variants that wheels are for.
_DOCKER_MACHINES = {"386": "i686"}
_DOCKER_VARIANTS = {"aarch64": ("", "v8"), "armv7l": ("", "v7")}
# What a newcomer calls the systems with either C library.
_SYSTEM_NAMES = {
    MUSL: re.compile(r"(alpine|musl(linux)?)(\W.*)?"),
    GLIBC: re.compile(r"(linux|manylinux|glibc|gnu|debian|ubuntu|fedora|raspbian|raspberry ?pi)([^\w/].*)?"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class LinuxTarget(Target):
    """A machine that runs Linux with glibc or musl; without a policy its wheels are tagged `linux_...`."""

    @property
    def system(self) -> str:
        """The platform's name."""
        return "linux"

    @property
    def identity(self) -> Identity:
        """What its native files say."""
        return self.architecture.elf

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

    def multiarch_for(self, version: tuple[int, ...]) -> str:
        """The same, as CPython of that version says it."""
        old = self.libc == MUSL and version < _FIRST_WITH_MUSL_SUFFIX
        return self.multiarch.replace("-musl", "-gnu") if old else self.multiarch

    def extension_suffixes(self, version: tuple[int, ...], flags: str, *, libc_known: bool) -> tuple[str, ...]:
        """What the import system of a CPython takes there (its `dynload_shlib.c`).

        Args:
            version: (3, 11).
            flags: Its ABI flags.
            libc_known: Whether the C library is more than a guess; if not, the suffixes of either are taken.
        """
        names = self._multiarches(version, libc_known=libc_known)
        number = f"{version[0]}{version[1]}{flags}"
        stable = self._imported_stable(version, flags, libc_known=libc_known)
        return (".so", *(f".cpython-{number}-{name}.so" for name in names), *stable)

    def _multiarches(self, version: tuple[int, ...], *, libc_known: bool) -> Sequence[str]:
        if libc_known and self.multiarch_for(version) == self.multiarch:
            return [self.multiarch]
        return [self.multiarch.replace(f"-linux-{old}", f"-linux-{new}") for old, new in _BOTH_WAYS]

    @property
    def support_tier(self) -> int:
        """PEP 11 with the compiler that it names, gcc; 0 for none."""
        return _SUPPORT_TIERS.get(self.machine, 0) if self.libc == GLIBC else 0

    @property
    def has_perf_trampoline(self) -> bool:
        """Whether CPython has one there, by the triplets in its configure.ac."""
        return self.multiarch in _TRAMPOLINES

    @property
    def oldest_floor(self) -> tuple[int, int]:
        """The oldest floor that a target of this machine can have."""
        return self.architecture.oldest(self.libc)

    @property
    def zig_floor(self) -> tuple[int, int]:
        """The oldest version of the C library from the floor on that zig can compile against."""
        oldest = _ZIG_OLDEST_GLIBC.get(self.machine, (0, 0)) if self.libc == GLIBC else (0, 0)
        return max(self.floor, oldest)

    @property
    def zig_triple(self) -> str:
        """`zig cc -target`: "aarch64-linux-gnu.2.28"; zig has one musl only."""
        version = ".{}.{}".format(*self.zig_floor) if self.libc == GLIBC else ""
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


_BOTH_WAYS = (("musl", "gnu"), ("gnu", "musl"))


def default_target(architecture: Architecture, libc: str) -> LinuxTarget:
    """The target with the floor that most wheels on PyPI have."""
    floor = default_floor(architecture, libc)
    return LinuxTarget(text=architecture.name, architecture=architecture, libc=libc, floor=floor, policy=True)


def parse(name: str) -> LinuxTarget | None:
    """The target that `name` names; None if it names none that runs Linux.

    Raises:
        UsageError: Its C library does not exist in that version or for that machine.
    """
    if match := re.fullmatch(r"(many|musl)linux_(\d+)_(\d+)_(\w+)", name):
        libc = MUSL if match[1] == "musl" else GLIBC
        row = _architecture(match[4])
        return _checked(name, row, libc, (int(match[2]), int(match[3]))) if row else None
    if match := re.fullmatch(r"(manylinux1|manylinux2010|manylinux2014)_(\w+)", name):
        row = _architecture(match[2])
        return _checked(name, row, GLIBC, OLD_POLICIES[match[1]]) if row else None
    if match := re.fullmatch(r"linux_(\w+)", name):
        row = _architecture(match[1])
        return _without_policy(name, row, GLIBC) if row else None
    if match := re.fullmatch(r"([\w]+)(?:-(?!linux)[\w]+)?-linux-(gnu|musl)(\w*)", name):
        row = _architecture(match[1])
        fits = row is not None and match[3] == row.abi
        return _without_policy(name, row, MUSL if match[2] == "musl" else GLIBC) if row and fits else None
    row = _architecture(name) or _architecture_of_docker(name)
    return _checked(name, row, GLIBC, default_floor(row, GLIBC)) if row else None


def require_machine(name: str) -> None:
    """Refuse the name of a system that says nothing of the machine.

    Raises:
        UsageError: It is one.
    """
    for libc, names in _SYSTEM_NAMES.items():
        if names.fullmatch(name):
            usual = [default_target(row, libc).platform_tag for row in target_architectures()]
            raise no_target(name, f"Linux with {libc}", f"use {', '.join(usual)}")


def target_of_tag(tag: str, libc: str) -> LinuxTarget | None:
    """The target that a wheel's platform tag names; `libc` is what the wheel's files need, where the tag is silent."""
    target = parse(tag)
    if target is None or target.policy or libc != MUSL or not tag.startswith("linux_"):
        return target
    return _without_policy(
        f"{target.architecture.gnu_cpu}-linux-musl{target.architecture.abi}", target.architecture, MUSL
    )


def target_of_machine(architecture: Architecture, libc: str, version: tuple[int, ...]) -> LinuxTarget:
    """The target of one machine whose C library has this version; () if that is unknown."""
    target = _without_policy("", architecture, libc)
    if libc == GLIBC and len(version) == 2:
        target = dataclasses.replace(target, floor=(version[0], version[1]))
    return dataclasses.replace(target, text=target.multiarch)


def _without_policy(text: str, row: Architecture, libc: str) -> LinuxTarget:
    return LinuxTarget(text=text, architecture=row, libc=libc, floor=default_floor(row, libc), policy=False)


def _checked(text: str, row: Architecture, libc: str, floor: tuple[int, int]) -> LinuxTarget:
    oldest = row.oldest(libc)
    family = "musllinux" if libc == MUSL else "manylinux"
    usual = f"{family}_{'_'.join(map(str, default_floor(row, libc)))}_{row.name}"
    version = f"{floor[0]}.{floor[1]}"
    if not _exists(libc, floor):
        exist = "1.1 and 1.2 exist" if libc == MUSL else f"2.x exists, up to {_LAST_GLIBC[0]}.{_LAST_GLIBC[1]}"
        raise UsageError(f"the target {text!r} names {libc} {version}: there is none ({exist})", hint=f"use {usual}")
    if floor < oldest:
        raise UsageError(
            f"the target {text!r} asks for {libc} {version}, and the oldest {family} policy for {row.name} is"
            f" {family}_{oldest[0]}_{oldest[1]}",
            hint=f"use {usual}",
        )
    return LinuxTarget(text=text, architecture=row, libc=libc, floor=floor, policy=True)


def _exists(libc: str, version: tuple[int, int]) -> bool:
    """Whether there is, or may soon be, such a version of a C library."""
    return version in _MUSL_FLOORS if libc == MUSL else version[0] == 2 and version <= _LAST_GLIBC


def _architecture(name: str) -> Architecture | None:
    return next((row for row in target_architectures() if re.fullmatch(row.spellings, name)), None)


def _architecture_of_docker(name: str) -> Architecture | None:
    """Return the architecture of one of Docker's platforms: linux/arm64, linux/arm/v7."""
    system, _, rest = name.partition("/")
    machine, _, variant = rest.partition("/")
    row = _architecture(_DOCKER_MACHINES.get(machine, machine)) if system == "linux" else None
    return row if row is not None and variant in _DOCKER_VARIANTS.get(row.name, ("",)) else None


def examples() -> Iterator[str]:
    """Every target by its usual names, for suggestions."""
    for row in target_architectures():
        yield row.name
        for libc in (GLIBC, MUSL):
            target = _without_policy("", row, libc)
            yield _checked("", row, libc, target.floor).platform_tag
            yield target.gnu_triplet
        yield f"linux_{row.name}"


# The policy of an image without one of the family.
_USUAL = {"manylinux": "manylinux_2_28", "musllinux": "musllinux_1_2"}


def target_of_image(policy: str, wanted: str, machine: str) -> str | None:
    """Return the platform tag of an image, by cibuildwheel's word for it; None if it is not for another machine.

    Args:
        policy: The image's label: "manylinux_2_28_x86_64".
        wanted: cibuildwheel's platform: "manylinux_aarch64".
        machine: This machine, `os.uname().machine`.
    """
    family, _, architecture = wanted.partition("_")
    if not architecture or architecture == machine or family not in _USUAL:
        return None
    own = next((policy.removesuffix(end) for row in ARCHITECTURES if policy.endswith(end := f"_{row.name}")), "")
    return f"{own if own.startswith(family) else _USUAL[family]}_{architecture}"


def is_policy(text: str) -> bool:
    """Whether a label of an image is a policy's tag."""
    return text.startswith(tuple(_USUAL))

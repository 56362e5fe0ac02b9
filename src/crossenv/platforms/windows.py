"""Windows, with the universal C runtime that CPython is built for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from crossenv.errors import UsageError
from crossenv.platforms.architectures import PE, Architecture, Identity, target_architectures
from crossenv.platforms.model import BuildSystemNames, Libc, Machine, NoVariables
from crossenv.platforms.target import Target, no_target

WINDOWS = "win32"
UCRT = "ucrt"
# Each architecture that can be a target: its wheel tag, and `platform.machine()` there.
_MACHINES = {"x86_64": ("win_amd64", "AMD64"), "i686": ("win32", "x86"), "aarch64": ("win_arm64", "ARM64")}
_TAGS = {tag: name for name, (tag, _machine) in _MACHINES.items()}
_RUST = {"x86_64": "x86_64-pc-windows-gnu", "i686": "i686-pc-windows-gnu", "aarch64": "aarch64-pc-windows-gnullvm"}
_TRIPLET = re.compile(r"(?P<cpu>\w+)-(w64-(mingw32|windows-gnu)|(pc-)?windows-(gnullvm|gnu|msvc))(?P<rest>\w*)")
# What CPython 3.13 wants, and about all that zig's headers know.
_OLDEST = (10, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowsTarget(Target):
    """A machine that runs Windows. Its C library is part of the system, so there is no floor to choose."""

    @property
    def machine(self) -> str:
        """`platform.machine()` there: "AMD64"."""
        return _MACHINES[self.architecture.name][1]

    @property
    def identity(self) -> Identity:
        """What its native files say."""
        return self.architecture.identity(PE)

    @property
    def platform_tag(self) -> str:
        """`win_amd64`."""
        return _MACHINES[self.architecture.name][0]

    @property
    def gnu_triplet(self) -> str:
        """MinGW-w64's name: "x86_64-w64-mingw32"."""
        return f"{self.architecture.gnu_cpu}-w64-mingw32"

    @property
    def multiarch(self) -> str:
        """None there."""
        return ""

    def soabi_for(self, version: tuple[int, ...], flags: str) -> str:
        """What stands in the names of extension modules."""
        return f"cp{version[0]}{version[1]}{flags}-{self.platform_tag}"

    def extension_suffixes(self, version: tuple[int, ...], flags: str, *, libc_known: bool) -> tuple[str, ...]:
        """What the import system takes (CPython's `dynload_win.c`)."""
        return (".pyd", f".{self.soabi_for(version, flags)}.pyd")

    def stable_suffixes(self, version: tuple[int, ...], flags: str, *, libc_known: bool) -> tuple[str, ...]:
        """Modules for the stable ABI have no name of their own there."""
        return (".pyd",)

    @property
    def system(self) -> str:
        """The platform's name."""
        return WINDOWS

    @property
    def zig_triple(self) -> str:
        """`zig cc -target`: MinGW's headers over the universal C runtime."""
        return f"{self.architecture.zig_cpu}-windows-gnu"

    @property
    def rust_triple(self) -> str:
        """`rustc --target`."""
        return _RUST[self.architecture.name]


class Windows(NoVariables):
    """Windows 10 and later on x86-64, x86 and Arm64."""

    name = WINDOWS
    title = "Windows"
    os_name = "nt"
    system = "Windows"
    names = BuildSystemNames(
        meson_system="windows",
        meson_subsystem="windows",
        meson_kernel="nt",
        cmake="Windows",
        conan="Windows",
        vcpkg="MinGW",
    )
    native_format = PE
    module_suffix = ".pyd"
    stable_suffix = ".pyd"
    library_suffix = ".dll"
    libcs: tuple[str, ...] = (UCRT,)
    toolchains: tuple[str, ...] = ("zig",)
    linked_by = ""
    link_hint = ""
    later_versions = True
    can_repair = True
    can_run = True

    def parse_target(self, name: str) -> Target | None:
        """A wheel's tag, or a triplet of MinGW, clang or Rust; the C runtime is the universal one in each case.

        Raises:
            UsageError: There is no such machine, or no such C runtime.
        """
        if name in _TAGS:
            return _target(name, _TAGS[name])
        match = _TRIPLET.fullmatch(name)
        if match is None:
            _refuse_wrong_tag(name)
            return None
        row = next((row for row in _architectures() if re.fullmatch(row.spellings, match["cpu"])), None)
        if row is None:
            raise UsageError(f"the target {name!r}: there are no wheels for Windows on {match['cpu']}", hint=_hint())
        if match["rest"] and match["rest"] != "ucrt":
            raise UsageError(
                f"the target {name!r} asks for the C runtime {match['rest']}; CPython has the universal one (UCRT)",
                hint=f"use --target {_MACHINES[row.name][0]}",
            )
        return _target(name, row.name)

    def target_of_tag(self, tag: str, libc: str) -> Target | None:
        """The machine that the tag names."""
        return _target(tag, _TAGS[tag]) if tag in _TAGS else None

    def target_of_machine(self, architecture: Architecture, libc: Libc) -> Target:
        """There is one target a machine."""
        return _target(_MACHINES[architecture.name][0], architecture.name)

    def target_names(self) -> Iterable[str]:
        """Tags and triplets."""
        for target in self.usual_targets():
            yield target.platform_tag
            yield target.gnu_triplet

    def usual_targets(self) -> Iterable[Target]:
        """The three machines."""
        return (_target(tag, name) for tag, name in _TAGS.items())

    def recognises(self, config: Mapping[str, int | str]) -> bool:
        """SOABI, or the suffix of extension modules."""
        return str(config.get("MACHDEP", "")) == self.name or str(config.get("EXT_SUFFIX", "")).endswith(".pyd")

    def only_libc(self, config: Mapping[str, int | str]) -> Libc | None:
        """The universal C runtime, a part of the system."""
        return Libc(family=UCRT, version="")

    def describe(self, libc: Libc) -> str:
        """The oldest release that wheels are for: its C library is part of it."""
        return f"{self.title} {_OLDEST[0]}"

    def libc_ver(self, libc: Libc) -> tuple[str, str]:
        """Nothing: it reads files of glibc."""
        return "", ""

    def plain_tag(self, machine: Machine) -> str:
        """`win_amd64`."""
        return _MACHINES[machine.identity.machine][0]

    def accepted_tags(self, machine: Machine) -> tuple[str, ...]:
        """The machine's own and no other: `packaging` knows of no emulation."""
        return (self.plain_tag(machine),)

    def declared_tags(self, tags: Iterable[str], *, machine: str, libc: Libc) -> tuple[str, ...]:
        """The machine's own tag, or the user's.

        Raises:
            UsageError: It is the tag of another machine or system.
        """
        own = next(tag for tag, name in _MACHINES.values() if name == machine)
        found = []
        for tag in tags:
            text = tag.strip().lower().replace("-", "_").replace(".", "_")
            if text != own and re.match(r"win|(many|musl)?linux|macosx", text):
                raise UsageError(f"--accept-tag {tag}: such wheels do not load on the target, which takes {own}")
            found.append(text)
        return tuple(dict.fromkeys(found))

    def get_platform(self, machine: Machine) -> str:
        """`win-amd64`, `win32`."""
        return self.plain_tag(machine).replace("_", "-")

    def data_module(self, abi_flags: str, multiarch: str) -> str:
        """Windows' Pythons have no such module; this is the name that ours asks for here."""
        return f"_sysconfigdata_{abi_flags}_win32_"

    def python_libraries(self, version: str, abi_flags: str) -> tuple[str, ...]:
        """The import libraries `python313.lib` and, unless it is free-threaded, `python3.lib`."""
        return (f"python{version.replace('.', '')}{abi_flags}.lib", *(() if "t" in abi_flags else ("python3.lib",)))

    def default_prefix(self, version: str) -> str:
        """Where python.org's installer offers to put it for all users, without blanks."""
        return f"C:\\Python{version.replace('.', '')}"

    def rust_target(self, machine: Machine) -> str | None:
        """The one whose C runtime zig has: MinGW's, or LLVM's for Arm64."""
        return _RUST.get(machine.identity.machine)

    def library_directories(self, root: Path, multiarch: str) -> tuple[Path, ...]:
        """Those of MinGW's roots."""
        return tuple(path for path in (root / "lib", root / "bin") if path.is_dir())

    def pkg_config_directories(self, machine: Machine) -> tuple[str, ...]:
        """Those of MinGW's roots."""
        return ("lib/pkgconfig", "share/pkgconfig")


def _architectures() -> Iterator[Architecture]:
    return (row for row in target_architectures() if row.name in _MACHINES)


def _target(text: str, name: str) -> WindowsTarget:
    row = next(row for row in _architectures() if row.name == name)
    return WindowsTarget(text=text, architecture=row, libc=UCRT, floor=_OLDEST, policy=False)


def _refuse_wrong_tag(name: str) -> None:
    """Refuse what is meant as a tag of Windows and is not one."""
    if re.fullmatch(r"win(dows)?[-_]?\w*|.*-mingw32|.*-windows.*", name):
        raise no_target(name, "Windows", _hint())


def _hint() -> str:
    return f"use {', '.join(_TAGS)}, or a triplet such as x86_64-w64-mingw32"

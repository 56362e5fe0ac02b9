"""macOS: the wheels for it are audited; what is built for it is linked by Xcode."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from crossenv.platforms.architectures import ARCHITECTURES, MACHO, Identity
from crossenv.platforms.model import BuildSystemNames, Libc, Machine, NoTargets
from crossenv.platforms.target import Target

MACOS = "darwin"
_LIBC = "libSystem"
# By the name in tags, the architectures.
_MACHINES = {"arm64": ("aarch64",), "x86_64": ("x86_64",), "universal2": ("x86_64", "aarch64")}
# The first release for Apple's own processors; from then on the second number of a tag is 0.
_FIRST_WITH_ARM64 = (11, 0)
_OLDEST = {"arm64": _FIRST_WITH_ARM64, "x86_64": (10, 13), "universal2": (10, 13)}


@dataclass(frozen=True, kw_only=True, slots=True)
class MacOSTarget(Target):
    """Macs of one kind, or of both.

    Attributes:
        kind: What tags call them: "arm64", "x86_64" or "universal2".
    """

    kind: str

    @property
    def machine(self) -> str:
        """`platform.machine()` there; of two the first."""
        return "arm64" if self.architecture.name == "aarch64" else self.architecture.name

    @property
    def identity(self) -> Identity:
        """What its native files say; of two machines the first."""
        return self.identities[0]

    @property
    def identities(self) -> tuple[Identity, ...]:
        """What its native files say of each machine."""
        return tuple(row.identity(MACHO) for row in ARCHITECTURES if row.name in _MACHINES[self.kind])

    def floor_of(self, identity: Identity) -> tuple[int, int]:
        """The oldest release that the wheels run with on one machine."""
        return max(self.floor, _FIRST_WITH_ARM64) if identity.machine == "aarch64" else self.floor

    @property
    def platform_tag(self) -> str:
        """`macosx_11_0_arm64`."""
        return f"macosx_{self.floor[0]}_{self.floor[1]}_{self.kind}"

    @property
    def gnu_triplet(self) -> str:
        """Apple's: "arm64-apple-darwin", "x86_64-apple-darwin"."""
        return f"{self.machine}-apple-darwin"

    @property
    def multiarch(self) -> str:
        """`sys.implementation._multiarch`."""
        return MACOS

    def soabi_for(self, version: tuple[int, ...], flags: str) -> str:
        """The same for all machines."""
        return f"cpython-{version[0]}{version[1]}{flags}-{MACOS}"

    def extension_suffixes(self, version: tuple[int, ...], flags: str, *, libc_known: bool) -> tuple[str, ...]:
        """What the import system takes there (CPython's `dynload_shlib.c`)."""
        stable = self._imported_stable(version, flags, libc_known=libc_known)
        return (".so", f".{self.soabi_for(version, flags)}.so", *stable)

    @property
    def support_tier(self) -> int:
        """The tier of PEP 11."""
        return 1

    @property
    def system(self) -> str:
        """The platform's name."""
        return MACOS

    @property
    def oldest_floor(self) -> tuple[int, int]:
        """What CPython 3.13 needs."""
        return _OLDEST[self.kind]

    @property
    def zig_triple(self) -> str:
        """`zig cc -target`: "aarch64-macos.11.0"."""
        return f"{self.architecture.zig_cpu}-macos.{self.floor_text}"

    @property
    def rust_triple(self) -> str:
        """`rustc --target`."""
        return f"{self.architecture.rust_cpu}-apple-darwin"


class MacOS(NoTargets):
    """macOS on Apple's and Intel's processors."""

    name = MACOS
    title = "macOS"
    os_name = "posix"
    system = "Darwin"
    names = BuildSystemNames(
        meson_system="darwin", meson_subsystem="macos", meson_kernel="xnu", cmake="Darwin", conan="Macos"
    )
    native_format = MACHO
    module_suffix = ".so"
    stable_suffix = ".abi3.so"
    library_suffix = ".dylib"
    libcs: tuple[str, ...] = (_LIBC,)
    toolchains: tuple[str, ...] = ()
    linked_by = "Xcode's clang, on macOS"
    link_hint = "build on macOS with `cibuildwheel --platform macos`"
    later_versions = True

    def target_of_tag(self, tag: str, libc: str) -> Target | None:
        """The Macs that a tag names; None for a tag that no installer takes, such as `macosx_11_1_arm64`."""
        match = re.fullmatch(rf"macosx_(\d{{1,3}})_(\d{{1,3}})_({'|'.join(_MACHINES)})", tag)
        if match is None:
            return None
        floor = (int(match[1]), int(match[2]))
        if floor < (10, 0) or (floor > _FIRST_WITH_ARM64 and floor[1]):
            return None
        row = next(row for row in ARCHITECTURES if row.name in _MACHINES[match[3]])
        return MacOSTarget(text=tag, architecture=row, libc=_LIBC, floor=floor, policy=False, kind=match[3])

    def recognises(self, config: Mapping[str, int | str]) -> bool:
        """No: its Pythons are not read."""
        return False

    def only_libc(self, config: Mapping[str, int | str]) -> Libc | None:
        """Its own, whose version is that of the system."""
        return Libc(family=_LIBC, version=str(config.get("MACOSX_DEPLOYMENT_TARGET", "")))

    def describe(self, libc: Libc) -> str:
        """The oldest release."""
        return f"{self.title} {libc.version}".strip()

    def libc_ver(self, libc: Libc) -> tuple[str, str]:
        """Nothing: it reads files of glibc."""
        return "", ""

    def plain_tag(self, machine: Machine) -> str:
        """`macosx_11_0_arm64`."""
        return f"macosx_{'_'.join(map(str, machine.libc.numbers))}_{machine.name}"

    def accepted_tags(self, machine: Machine) -> tuple[str, ...]:
        """The machine's own."""
        return (self.plain_tag(machine),)

    def declared_tags(self, tags: Iterable[str], *, machine: str, libc: Libc) -> tuple[str, ...]:
        """The user's own, as they are."""
        return tuple(dict.fromkeys(tags))

    def get_platform(self, machine: Machine) -> str:
        """`macosx-11.0-arm64`."""
        return f"macosx-{machine.libc.version}-{machine.name}"

    def data_module(self, abi_flags: str, multiarch: str) -> str:
        """`_sysconfigdata__darwin_darwin`."""
        return f"_sysconfigdata_{abi_flags}_{MACOS}_{multiarch}"

    def python_libraries(self, version: str, abi_flags: str) -> tuple[str, ...]:
        """None."""
        return ()

    def default_prefix(self, version: str) -> str:
        """Where python.org's installer puts it."""
        return f"/Library/Frameworks/Python.framework/Versions/{version}"

    def rust_target(self, machine: Machine) -> str | None:
        """`aarch64-apple-darwin`."""
        return f"{machine.identity.machine}-apple-darwin"

    def library_directories(self, root: Path, multiarch: str) -> tuple[Path, ...]:
        """None: the system's libraries are stubs of an SDK."""
        return ()

    def pkg_config_directories(self, machine: Machine) -> tuple[str, ...]:
        """None of the system's."""
        return ()

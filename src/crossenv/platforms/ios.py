"""iOS (PEP 730): its Pythons are read; what is built for them is linked by Xcode."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from crossenv.platforms.accept_tags import accepted_platforms
from crossenv.platforms.architectures import ARCHITECTURES, MACHO, Identity
from crossenv.platforms.model import BuildSystemNames, Libc, Machine, NoTargets, NoVariables
from crossenv.platforms.target import Target

_OLDEST_RELEASE = "13.0"


_TAG = re.compile(
    r"ios_(?P<major>\d{1,2})_(?P<minor>\d{1,2})_(?P<multiarch>(?P<cpu>arm64)_iphoneos|(?P<other>arm64|x86_64)_iphonesimulator)"
)
_CPUS = {"arm64": "aarch64", "x86_64": "x86_64"}


@dataclass(frozen=True, kw_only=True, slots=True)
class IOSTarget(Target):
    """What a wheel's tag names; nothing is built for it.

    Attributes:
        kind: `sys.implementation._multiarch`: "arm64-iphoneos", "x86_64-iphonesimulator".
    """

    kind: str

    @property
    def system(self) -> str:
        """The platform's name."""
        return "ios"

    @property
    def machine(self) -> str:
        """`platform.machine()` there."""
        return self.kind.partition("-")[0]

    @property
    def platform_tag(self) -> str:
        """`ios_13_0_arm64_iphoneos`."""
        return f"ios_{self.floor[0]}_{self.floor[1]}_{self.kind.replace('-', '_')}"

    @property
    def identity(self) -> Identity:
        """What its native files say."""
        return self.architecture.identity(MACHO)

    def floor_of(self, identity: Identity) -> tuple[int, int]:
        """Apple's processors have a simulator since iOS 14, and its linker writes that for older ones."""
        return max(self.floor, (14, 0)) if self.kind == "arm64-iphonesimulator" else self.floor

    @property
    def built_for(self) -> str:
        """Files for devices do not load in the simulator, nor the other way round."""
        return "iOS Simulator" if self.kind.endswith("simulator") else "iOS"

    @property
    def python_library(self) -> str:
        """Extension modules are linked to the framework (PEP 730)."""
        return r"@rpath/Python\.framework/Python"

    @property
    def gnu_triplet(self) -> str:
        """Apple's."""
        return f"{self.machine}-apple-ios" + ("-simulator" if self.kind.endswith("simulator") else "")

    @property
    def multiarch(self) -> str:
        """The same for every version."""
        return self.kind

    def soabi_for(self, version: tuple[int, ...], flags: str) -> str:
        """`cpython-314-iphoneos`: without the machine."""
        return f"cpython-{version[0]}{version[1]}{flags}-{self.kind.partition('-')[2]}"

    @property
    def zig_triple(self) -> str:
        """Zig has no C library for it."""
        return f"{self.architecture.zig_cpu}-ios"

    @property
    def rust_triple(self) -> str:
        """`rustc --target`."""
        simulator = self.kind == "arm64-iphonesimulator"
        return f"{self.architecture.rust_cpu}-apple-ios" + ("-sim" if simulator else "")


class IOS(NoTargets, NoVariables):
    """iOS, on a device or in the simulator."""

    name = "ios"
    title = "iOS"
    os_name = "posix"
    system = "iOS"
    names = BuildSystemNames(meson_system="darwin", meson_subsystem="ios", meson_kernel="xnu", cmake="iOS", conan="iOS")
    native_format = "macho"
    module_suffix = ".so"
    stable_suffix = ".abi3.so"
    library_suffix = ".dylib"
    libcs: tuple[str, ...] = ("apple",)
    toolchains: tuple[str, ...] = ()
    linked_by = "Xcode's clang, on macOS"
    link_hint = "build on macOS with Xcode and `cibuildwheel --platform ios` (PEP 730)"
    later_versions = True
    can_repair = False
    can_run = False

    def target_of_tag(self, tag: str, libc: str) -> Target | None:
        """What the tag names; wheels for it are audited."""
        match = _TAG.fullmatch(tag)
        if match is None:
            return None
        row = next(row for row in ARCHITECTURES if row.name == _CPUS[match["cpu"] or match["other"]])
        floor = (int(match["major"]), int(match["minor"]))
        kind = "-".join(match["multiarch"].rsplit("_", 1))
        return IOSTarget(text=tag, architecture=row, libc="apple", floor=floor, kind=kind)

    def recognises(self, config: Mapping[str, int | str]) -> bool:
        """MACHDEP or SOABI."""
        return str(config.get("MACHDEP", "")).lower().startswith("ios") or "iphone" in str(config.get("SOABI", ""))

    def only_libc(self, config: Mapping[str, int | str]) -> Libc | None:
        """Apple's, whose version is that of the system."""
        return Libc(family="apple", version=str(config.get("IPHONEOS_DEPLOYMENT_TARGET") or _OLDEST_RELEASE))

    def describe(self, libc: Libc) -> str:
        """The oldest release."""
        return f"iOS {libc.version}".strip()

    def libc_ver(self, libc: Libc) -> tuple[str, str]:
        """Nothing: it reads files of glibc."""
        return "", ""

    def plain_tag(self, machine: Machine) -> str:
        """`ios_13_0_arm64_iphoneos`."""
        return f"ios_{machine.libc.version.replace('.', '_')}_{machine.multiarch.replace('-', '_')}"

    def accepted_tags(self, machine: Machine) -> tuple[str, ...]:
        """The machine's own; an installer on iOS installs nothing."""
        return (self.plain_tag(machine),)

    def declared_tags(self, tags: Iterable[str], *, machine: str, libc: Libc) -> tuple[str, ...]:
        """The user's own, as they are."""
        return accepted_platforms(tags, machine=machine, libc=libc.family, version=libc.version)

    def get_platform(self, machine: Machine) -> str:
        """`ios-13.0-arm64-iphoneos`."""
        return f"ios-{machine.libc.version}-{machine.multiarch}"

    def data_module(self, abi_flags: str, multiarch: str) -> str:
        """`_sysconfigdata__ios_arm64-iphoneos`."""
        return f"_sysconfigdata_{abi_flags}_ios_{multiarch}"

    def python_libraries(self, version: str, abi_flags: str) -> tuple[str, ...]:
        """None."""
        return ()

    def default_prefix(self, version: str) -> str:
        """What CPython's configure says by default."""
        return "/usr/local"

    def rust_target(self, machine: Machine) -> str | None:
        """`aarch64-apple-ios`, and its simulator's name."""
        cpu = {"arm64": "aarch64"}.get(machine.name, machine.name)
        simulator = machine.multiarch.endswith("simulator")
        return f"{cpu}-apple-ios" + ("-sim" if simulator and cpu == "aarch64" else "")

    def library_directories(self, root: Path, multiarch: str) -> tuple[Path, ...]:
        """None: libraries are frameworks of the SDK."""
        return ()

    def pkg_config_directories(self, machine: Machine) -> tuple[str, ...]:
        """None of the system's."""
        return ()

"""iOS (PEP 730): its Pythons are read; what is built for them is linked by Xcode."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from crossenv.platforms.accept_tags import accepted_platforms
from crossenv.platforms.model import BuildSystemNames, Libc, Machine, NoTargets

_OLDEST_RELEASE = "13.0"


class IOS(NoTargets):
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

    def build_variables(self, machine: Machine, sdk: str) -> Mapping[str, str]:
        """Return none."""
        return {}

    def cmake_variables(self, machine: Machine, sdk: str) -> Mapping[str, str]:
        """Return none."""
        return {}

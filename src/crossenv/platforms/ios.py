"""iOS (PEP 730), on devices and in Apple's simulator."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.tags import ios_platforms

from crossenv.platforms.accept_tags import accepted_platforms
from crossenv.platforms.apple import ApplePlatform
from crossenv.platforms.architectures import ARCHITECTURES, MACHO, Architecture, Identity
from crossenv.platforms.model import BuildSystemNames, Libc, Machine
from crossenv.platforms.target import Target, no_target

IOS = "ios"
_LIBC = "apple"
# What CPython needs, and the first release that Apple's processors have a simulator of.
_OLDEST = (13, 0)
_FIRST_SIMULATOR_ON_ARM64 = (14, 0)
_KINDS = ("arm64-iphoneos", "arm64-iphonesimulator", "x86_64-iphonesimulator")
_TAG = re.compile(rf"ios_(\d{{1,2}})_(\d{{1,2}})_({'|'.join(_KINDS).replace('-', '_')})")
_CPUS = {"arm64": "aarch64", "x86_64": "x86_64"}
_HINT = (
    "use ios_13_0_arm64_iphoneos or a later release, ios_13_0_arm64_iphonesimulator, ios_13_0_x86_64_iphonesimulator"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class IOSTarget(Target):
    """iPhones and iPads, or their simulator on one kind of Macs.

    Attributes:
        kind: `sys.implementation._multiarch`: "arm64-iphoneos", "x86_64-iphonesimulator".
    """

    kind: str

    @property
    def system(self) -> str:
        """The platform's name."""
        return IOS

    @property
    def simulated(self) -> bool:
        """Whether it is the simulator."""
        return self.kind.endswith("simulator")

    @property
    def sdk(self) -> str:
        """What Apple calls its SDK: "iphoneos"."""
        return self.kind.partition("-")[2]

    @property
    def oldest_floor(self) -> tuple[int, int]:
        """What CPython needs."""
        return _OLDEST

    @property
    def support_tier(self) -> int:
        """The tier of PEP 11; none has the simulator on Intel's processors."""
        return 3 if self.machine == "arm64" else 0

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
        old = self.simulated and self.machine == "arm64"
        return max(self.floor, _FIRST_SIMULATOR_ON_ARM64) if old else self.floor

    @property
    def built_for(self) -> str:
        """Files for devices do not load in the simulator, nor the other way round."""
        return "iOS Simulator" if self.simulated else "iOS"

    @property
    def python_library(self) -> str:
        """Extension modules are linked to the framework (PEP 730)."""
        return r"@rpath/Python\.framework/Python"

    @property
    def gnu_triplet(self) -> str:
        """Apple's."""
        return f"{self.machine}-apple-ios" + ("-simulator" if self.simulated else "")

    @property
    def multiarch(self) -> str:
        """The same for every version."""
        return self.kind

    def soabi_for(self, version: tuple[int, ...], flags: str) -> str:
        """`cpython-314-iphoneos`: without the machine."""
        return f"cpython-{version[0]}{version[1]}{flags}-{self.kind.partition('-')[2]}"

    @property
    def zig_triple(self) -> str:
        """`zig cc -target`: "aarch64-ios.13.0", "x86_64-ios.13.0-simulator"."""
        release = ".".join(map(str, self.floor_of(self.identity)))
        return f"{self.architecture.zig_cpu}-ios.{release}" + ("-simulator" if self.simulated else "")

    @property
    def rust_triple(self) -> str:
        """`rustc --target`."""
        return _rust_triple(self.kind)


class IOSPlatform(ApplePlatform):
    """iOS from 13.0 on, on a device or in the simulator."""

    name = IOS
    title = "iOS"
    deployment_target = "IPHONEOS_DEPLOYMENT_TARGET"
    libcs: tuple[str, ...] = (_LIBC,)
    system = "iOS"
    names = BuildSystemNames(meson_system="ios", meson_subsystem="ios", meson_kernel="xnu", cmake="iOS", conan="iOS")
    can_repair = False
    # CMake takes no directory of another name for an SDK for iOS.
    sdk_link = "etc/iPhoneOS.sdk"

    def parse_target(self, name: str) -> Target | None:
        """A wheel's tag, or a triplet of Apple's or Rust's.

        Raises:
            UsageError: There is no such release or machine.
        """
        if name.startswith("ios_"):
            target = self.target_of_tag(name, "")
            if target is None or target.floor < target.oldest_floor:
                raise no_target(name, "iOS", _HINT)
            return target
        if re.fullmatch(r"ios(?!_).*|i?(phone|pad)os.*|i(phone|pad).*", name):
            raise no_target(name, "iOS", _HINT)
        known = {known: target for target in self.usual_targets() for known in (target.gnu_triplet, target.rust_triple)}
        return known.get(name)

    def target_of_tag(self, tag: str, libc: str) -> Target | None:
        """What the tag names."""
        match = _TAG.fullmatch(tag)
        return _target(tag, "-".join(match[3].rsplit("_", 1)), (int(match[1]), int(match[2]))) if match else None

    def target_of_machine(self, architecture: Architecture, libc: Libc) -> Target | None:
        """None: a machine alone does not tell a device from the simulator."""
        return None

    def target_names(self) -> Iterable[str]:
        """Tags and triplets."""
        return (name for target in self.usual_targets() for name in (target.platform_tag, target.gnu_triplet))

    def usual_targets(self) -> Iterable[Target]:
        """Devices, and the simulator on both kinds of Macs, with the oldest release that CPython runs on."""
        return (_target("", kind, _OLDEST) for kind in _KINDS)

    def recognises(self, config: Mapping[str, int | str]) -> bool:
        """MACHDEP or SOABI."""
        return str(config.get("MACHDEP", "")).lower().startswith("ios") or "iphone" in str(config.get("SOABI", ""))

    def only_libc(self, config: Mapping[str, int | str]) -> Libc | None:
        """Apple's, whose version is that of the system."""
        release = str(config.get(self.deployment_target) or ".".join(map(str, _OLDEST)))
        return Libc(family=_LIBC, version=release)

    def plain_tag(self, machine: Machine) -> str:
        """`ios_13_0_arm64_iphoneos`."""
        return f"ios_{machine.libc.version.replace('.', '_')}_{machine.multiarch.replace('-', '_')}"

    def accepted_tags(self, machine: Machine) -> tuple[str, ...]:
        """Every release down to the oldest."""
        numbers = machine.libc.numbers
        return tuple(ios_platforms((numbers[0], numbers[1]), machine.multiarch)) if numbers else ()

    def declared_tags(self, tags: Iterable[str], *, machine: str, libc: Libc) -> tuple[str, ...]:
        """The user's own, as they are."""
        return accepted_platforms(tags, machine=machine, libc=libc.family, version=libc.version)

    def get_platform(self, machine: Machine) -> str:
        """`ios-13.0-arm64-iphoneos`."""
        return f"ios-{machine.libc.version}-{machine.multiarch}"

    def data_module(self, abi_flags: str, multiarch: str) -> str:
        """`_sysconfigdata__ios_arm64-iphoneos`."""
        return f"_sysconfigdata_{abi_flags}_ios_{multiarch}"

    def default_prefix(self, version: str) -> str:
        """What CPython's configure says by default."""
        return "/usr/local"

    def rust_target(self, machine: Machine) -> str | None:
        """`aarch64-apple-ios`, and its simulator's name."""
        return _rust_triple(machine.multiarch)


def _rust_triple(kind: str) -> str:
    """Rust has one name for the simulator on Intel's processors, on which no device runs."""
    cpu = _CPUS[kind.partition("-")[0]]
    return f"{cpu}-apple-ios" + ("-sim" if kind == "arm64-iphonesimulator" else "")


def _target(text: str, kind: str, floor: tuple[int, int]) -> IOSTarget:
    row = next(row for row in ARCHITECTURES if row.name == _CPUS[kind.partition("-")[0]])
    return IOSTarget(text=text, architecture=row, libc=_LIBC, floor=floor, kind=kind)

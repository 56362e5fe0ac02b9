"""macOS on Apple's and Intel's processors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.tags import mac_platforms

from crossenv.errors import UsageError
from crossenv.platforms.apple import ApplePlatform
from crossenv.platforms.architectures import ARCHITECTURES, MACHO, Architecture, Identity
from crossenv.platforms.model import BuildSystemNames, Libc, Machine
from crossenv.platforms.target import Target, no_target

MACOS = "darwin"
_LIBC = "libSystem"
# By the name in tags, the architectures.
_MACHINES = {"arm64": ("aarch64",), "x86_64": ("x86_64",), "universal2": ("x86_64", "aarch64")}
# The first release for Apple's own processors; from then on the second number of a tag is 0.
_FIRST_WITH_ARM64 = (11, 0)
_BOTH = "universal2"
# The number of every release before those for Apple's own processors.
_OLD = 10
_OLDEST = {"arm64": _FIRST_WITH_ARM64, "x86_64": (10, 13), "universal2": (10, 13)}
_TRIPLET = re.compile(r"(?P<cpu>\w+)-(apple-)?(darwin|macosx?)(?P<release>[\d.]*)")


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

    @property
    def parts(self) -> tuple[Target, ...]:
        """One for each machine, if it stands for both."""
        if self.kind != _BOTH:
            return ()
        return tuple(_target("", kind, max(self.floor, floor)) for kind, floor in _OLDEST.items() if kind != _BOTH)

    def floor_of(self, identity: Identity) -> tuple[int, int]:
        """The oldest release that the wheels run with on one machine."""
        return max(self.floor, _FIRST_WITH_ARM64) if identity.machine == "aarch64" else self.floor

    @property
    def built_for(self) -> str:
        """As its name is."""
        return MacOS.title

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


class MacOS(ApplePlatform):
    """macOS from 10.13 on x86-64, and from 11.0 on arm64."""

    name = MACOS
    title = "macOS"
    deployment_target = "MACOSX_DEPLOYMENT_TARGET"
    libcs: tuple[str, ...] = (_LIBC,)
    system = "Darwin"
    names = BuildSystemNames(
        meson_system="darwin", meson_subsystem="macos", meson_kernel="xnu", cmake="Darwin", conan="Macos"
    )
    can_repair = True
    sdk_link = "etc/sdk"

    def parse_target(self, name: str) -> Target | None:
        """A wheel's tag, or a triplet of Apple's or Rust's.

        Raises:
            UsageError: There is no such release or machine.
        """
        if name.startswith("macosx"):
            target = self.target_of_tag(name, "")
            if not isinstance(target, MacOSTarget):
                raise no_target(name, "macOS", _HINT)
            return _checked(target)
        match = _TRIPLET.fullmatch(name)
        if match is None and re.match(r"mac|osx|darwin", name):
            raise no_target(name, "macOS", _HINT)
        if match is None:
            return None
        kind = next((kind for kind, rows in _MACHINES.items() if match["cpu"] in (kind, *rows)), None)
        # A release of Darwin is not one of macOS.
        if kind is None or match["release"]:
            raise no_target(name, "macOS", _HINT)
        return _target(name, kind, _OLDEST[kind])

    def target_of_tag(self, tag: str, libc: str) -> Target | None:
        """The Macs that a tag names; None for a tag that no installer takes, such as `macosx_11_1_arm64`."""
        match = re.fullmatch(rf"macosx_(\d{{1,3}})_(\d{{1,3}})_({'|'.join(_MACHINES)})", tag)
        if match is None:
            return None
        floor = (int(match[1]), int(match[2]))
        if floor < (10, 0) or (floor > _FIRST_WITH_ARM64 and floor[1]):
            return None
        return _target(tag, match[3], floor)

    def target_of_machine(self, architecture: Architecture, libc: Libc) -> Target | None:
        """Its Macs, from the release that stands for the C library's version on."""
        kind = next((kind for kind, rows in _MACHINES.items() if architecture.name in rows), None)
        if kind is None:
            return None
        numbers = libc.numbers
        return _target("", kind, max((numbers[0], numbers[1]), _OLDEST[kind]) if numbers else _OLDEST[kind])

    def target_names(self) -> Iterable[str]:
        """Tags and triplets."""
        for target in self.usual_targets():
            yield target.platform_tag
            if not target.parts:
                yield target.gnu_triplet

    def usual_targets(self) -> Iterable[Target]:
        """The two machines, with the oldest release that CPython runs on, and both in one wheel."""
        return (_target(f"macosx_{a}_{b}_{kind}", kind, (a, b)) for kind, (a, b) in _OLDEST.items())

    def recognises(self, config: Mapping[str, int | str]) -> bool:
        """MACHDEP."""
        return str(config.get("MACHDEP", "")) == self.name

    def only_libc(self, config: Mapping[str, int | str]) -> Libc | None:
        """Its own, whose version is that of the system."""
        return Libc(family=_LIBC, version=str(config.get(self.deployment_target, "")))

    def plain_tag(self, machine: Machine) -> str:
        """`macosx_11_0_arm64`."""
        return f"macosx_{'_'.join(map(str, machine.libc.numbers))}_{machine.name}"

    def accepted_tags(self, machine: Machine) -> tuple[str, ...]:
        """Every release down to the oldest, for the machine alone and for both."""
        numbers = machine.libc.numbers
        return tuple(mac_platforms((numbers[0], numbers[1]), machine.name)) if numbers else (self.plain_tag(machine),)

    def declared_tags(self, tags: Iterable[str], *, machine: str, libc: Libc) -> tuple[str, ...]:
        """The user's own, as they are.

        Raises:
            UsageError: It is the tag of another system.
        """
        found = []
        for tag in tags:
            text = tag.strip().lower().replace("-", "_").replace(".", "_")
            if re.match(r"win|(many|musl)?linux", text):
                raise UsageError(f"--accept-tag {tag}: such wheels do not load on the target, which runs macOS")
            found.append(text)
        return tuple(dict.fromkeys(found))

    def get_platform(self, machine: Machine) -> str:
        """`macosx-11.0-arm64`."""
        return f"macosx-{machine.libc.version}-{machine.name}"

    def data_module(self, abi_flags: str, multiarch: str) -> str:
        """`_sysconfigdata__darwin_darwin`."""
        return f"_sysconfigdata_{abi_flags}_{MACOS}_{multiarch}"

    def default_prefix(self, version: str) -> str:
        """Where python.org's installer puts it."""
        return f"/Library/Frameworks/Python.framework/Versions/{version}"

    def rust_target(self, machine: Machine) -> str | None:
        """`aarch64-apple-darwin`."""
        return f"{machine.identity.machine}-apple-darwin"


_HINT = "use macosx_11_0_arm64, macosx_10_13_x86_64 or a later release: macosx_14_0_arm64"


def tag_of_release(release: str, kind: str) -> str:
    """Return the tag of wheels for a release: from 11 on the second number does not count."""
    major, minor = (*map(int, release.split(".")), 0)[:2]
    oldest = _OLDEST.get(kind, (0, 0))
    return _target("", kind, max((major, minor if major == _OLD else 0), oldest)).platform_tag


def universal_tag(intel: MacOSTarget, arm: MacOSTarget) -> str:
    """Return the tag of what runs where both run: `macosx_10_13_universal2`."""
    # Every Mac with Apple's processor has 11.0, so that the tag need not say it.
    floor = intel.floor if arm.floor <= _FIRST_WITH_ARM64 else max(intel.floor, arm.floor)
    return _target("", _BOTH, floor).platform_tag


def _target(text: str, kind: str, floor: tuple[int, int]) -> MacOSTarget:
    row = next(row for row in ARCHITECTURES if row.name in _MACHINES[kind])
    return MacOSTarget(text=text, architecture=row, libc=_LIBC, floor=floor, policy=False, kind=kind)


def _checked(target: MacOSTarget) -> MacOSTarget:
    """Refuse what no build can be for."""
    if target.floor < target.oldest_floor:
        oldest = ".".join(map(str, target.oldest_floor))
        raise UsageError(
            f"the target {target.text!r}: the oldest macOS for {target.machine} is {oldest}",
            hint=f"use {_target('', target.kind, target.oldest_floor).platform_tag}",
        )
    return target

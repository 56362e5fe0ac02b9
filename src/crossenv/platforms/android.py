"""Android (PEP 738): crossenv reads its Pythons; only the NDK can link for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from crossenv.platforms.linux import Linux
from crossenv.platforms.model import BuildSystemNames, Libc, Machine, NoTargets

# Android's names of its ABIs, as wheel tags spell them.
_ABIS = {"aarch64": "arm64_v8a", "armv7l": "armeabi_v7a", "armv5tel": "armeabi_v7a", "i686": "x86"}


class Android(NoTargets, Linux):
    """Android: a Linux kernel with another C library."""

    name = "android"
    title = "Android"
    system = "Android"
    names = BuildSystemNames(
        meson_system="android", meson_subsystem="android", meson_kernel="linux", cmake="Android", conan="Android"
    )
    libcs: tuple[str, ...] = ("bionic",)
    linked_by = "the Android NDK's clang"
    link_hint = "install the NDK and build with `cibuildwheel --platform android` (PEP 738)"
    can_repair = False
    can_run = False

    def recognises(self, config: Mapping[str, int | str]) -> bool:
        """MACHDEP, or SOABI where that says Linux."""
        return str(config.get("MACHDEP", "")).startswith("android") or "android" in str(config.get("SOABI", ""))

    def only_libc(self, config: Mapping[str, int | str]) -> Libc | None:
        """Bionic, whose version is the API level."""
        return Libc(family="bionic", version=str(config.get("ANDROID_API_LEVEL", "")))

    def describe(self, libc: Libc) -> str:
        """Name the API level, which stands for the system's version."""
        return f"Android {libc.version}".strip()

    def plain_tag(self, machine: Machine) -> str:
        """`android_24_arm64_v8a`."""
        return f"android_{machine.libc.version}_{_ABIS.get(machine.name, machine.name)}"

    def accepted_tags(self, machine: Machine) -> tuple[str, ...]:
        """Return the tag of each API level down to the first that CPython supports."""
        level = int(machine.libc.version) if machine.libc.version.isdigit() else 0
        abi = _ABIS.get(machine.name, machine.name)
        return tuple(f"android_{number}_{abi}" for number in range(level, 15, -1))

    def get_platform(self, machine: Machine) -> str:
        """`android-24-arm64_v8a`."""
        return f"android-{machine.libc.version}-{_ABIS.get(machine.name, machine.name)}"

    def data_module(self, abi_flags: str, multiarch: str) -> str:
        """`_sysconfigdata__android_aarch64-linux-android`."""
        return f"_sysconfigdata_{abi_flags}_android_{multiarch}"

    def rust_target(self, machine: Machine) -> str | None:
        """`aarch64-linux-android`."""
        return machine.multiarch or None

    def library_directories(self, root: Path, multiarch: str) -> tuple[Path, ...]:
        """Return the one of a prefix: a device's own libraries are not here."""
        return tuple(path for path in (root / "lib",) if path.is_dir())

"""Android (PEP 738): crossenv reads its Pythons; only the NDK can link for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crossenv.platforms.architectures import ARCHITECTURES, Identity
from crossenv.platforms.linux import Linux
from crossenv.platforms.model import BuildSystemNames, Libc, Machine, NoTargets
from crossenv.platforms.target import Target

# Android's names of its ABIs, as wheel tags spell them.
_ABIS = {"aarch64": "arm64_v8a", "armv7l": "armeabi_v7a", "armv5tel": "armeabi_v7a", "i686": "x86"}


# What CPython runs on (PEP 738).
_TARGETS = {"arm64_v8a": "aarch64", "x86_64": "x86_64"}
_TAG = re.compile(rf"android_(?P<level>\d{{1,3}})_(?P<abi>{'|'.join(_TARGETS)})")
# The NDK's "Android stable APIs", and what Python for Android brings along.
_LIBRARIES = (
    *("aaudio", "amidi", "android", "binder_ndk", "c", "camera2ndk", "dl", "EGL", "GLESv1_CM", "GLESv2", "GLESv3"),
    *("icu", "jnigraphics", "log", "m", "mediandk", "nativehelper", "nativewindow", "neuralnetworks", "OpenMAXAL"),
    *("OpenSLES", "stdc++", "sync", "vulkan", "z", "crypto_python", "ssl_python", "sqlite3_python"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class AndroidTarget(Target):
    """What a wheel's tag names; nothing is built for it. Its floor is the API level."""

    @property
    def system(self) -> str:
        """The platform's name."""
        return "android"

    @property
    def platform_tag(self) -> str:
        """`android_24_arm64_v8a`."""
        return f"android_{self.floor[0]}_{_ABIS.get(self.architecture.name, self.architecture.name)}"

    @property
    def identity(self) -> Identity:
        """What its native files say."""
        return self.architecture.elf

    @property
    def built_for(self) -> str:
        """The note that the NDK's linker leaves."""
        return "Android"

    def release_text(self, version: tuple[int, int]) -> str:
        """The API level."""
        return str(version[0])

    @property
    def python_library(self) -> str:
        """Extension modules are linked to it (PEP 738)."""
        return r"libpython3(\.\d+t?)?\.so"

    @property
    def page_size(self) -> int:
        """Devices with pages of 16 KiB exist since Android 15."""
        return 16384

    @property
    def system_libraries(self) -> frozenset[str]:
        """The NDK's, and Python's own."""
        return frozenset(f"lib{name}.so" for name in _LIBRARIES)

    @property
    def gnu_triplet(self) -> str:
        """The NDK's."""
        return f"{self.architecture.gnu_cpu}-linux-android"

    @property
    def multiarch(self) -> str:
        """The same."""
        return self.gnu_triplet

    @property
    def zig_triple(self) -> str:
        """Zig has no C library for it."""
        return self.gnu_triplet

    @property
    def rust_triple(self) -> str:
        """`rustc --target`."""
        return self.gnu_triplet


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

    def target_of_tag(self, tag: str, libc: str) -> Target | None:
        """What the tag names; wheels for it are audited."""
        match = _TAG.fullmatch(tag)
        if match is None:
            return None
        row = next(row for row in ARCHITECTURES if row.name == _TARGETS[match["abi"]])
        return AndroidTarget(text=tag, architecture=row, libc="bionic", floor=(int(match["level"]), 0))

    def recognises(self, config: Mapping[str, int | str]) -> bool:
        """MACHDEP; SOABI or the API level where that says Linux, as before PEP 738."""
        named = str(config.get("MACHDEP", "")).startswith("android") or "android" in str(config.get("SOABI", ""))
        return named or bool(config.get("ANDROID_API_LEVEL"))

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

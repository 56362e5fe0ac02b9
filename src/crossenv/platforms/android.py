"""Android (PEP 738): its own Python and the user's NDK are needed, whose clang compiles and links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from crossenv.platforms.architectures import ARCHITECTURES, Architecture, Identity
from crossenv.platforms.linux import Linux
from crossenv.platforms.model import BuildSystemNames, Libc, Machine
from crossenv.platforms.target import Target, no_target

ANDROID = "android"
# The toolchain that targets for Android take.
NDK = "ndk"
# Android's names of its ABIs, as wheel tags spell them.
_ABIS = {"aarch64": "arm64_v8a", "armv7l": "armeabi_v7a", "armv5tel": "armeabi_v7a", "i686": "x86"}
# The NDK's own spelling, where it differs.
_NDK_ABIS = {"arm64_v8a": "arm64-v8a", "armeabi_v7a": "armeabi-v7a"}
# By ABI, the architecture of its files: 32-bit ARM's have the soft-float calling convention.
_TARGETS = {"arm64_v8a": "aarch64", "x86_64": "x86_64", "armeabi_v7a": "armv5tel", "x86": "i686"}
_TAG = re.compile(rf"android_(?P<level>\d{{1,3}})_(?P<abi>{'|'.join(_TARGETS)})")
_OTHERS = re.compile(r"android.*|.*-android.*")
# What CPython supports (PEP 738), and the API level of its releases from 3.14 on.
_SUPPORTED = ("arm64_v8a", "x86_64")
_USUAL_LEVEL = 24
# Where an NDK has its compilers, by the system that they run on.
PREBUILT, PREBUILT_HERE = "toolchains/llvm/prebuilt", "linux-x86_64"
# The NDK's "Android stable APIs", and what Python for Android brings along.
_LIBRARIES = (
    *("aaudio", "amidi", "android", "binder_ndk", "c", "camera2ndk", "dl", "EGL", "GLESv1_CM", "GLESv2", "GLESv3"),
    *("icu", "jnigraphics", "log", "m", "mediandk", "nativehelper", "nativewindow", "neuralnetworks", "OpenMAXAL"),
    *("OpenSLES", "stdc++", "sync", "vulkan", "z", "crypto_python", "ssl_python", "sqlite3_python"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class AndroidTarget(Target):
    """One ABI. Its floor is the API level."""

    @property
    def system(self) -> str:
        """The platform's name."""
        return ANDROID

    @property
    def platform_tag(self) -> str:
        """`android_24_arm64_v8a`."""
        return f"android_{self.floor[0]}_{self.abi}"

    @property
    def abi(self) -> str:
        """Android's name of it, as tags spell it."""
        return _ABIS.get(self.architecture.name, self.architecture.name)

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
    def floor_text(self) -> str:
        """The API level."""
        return str(self.floor[0])

    @property
    def floor_variables(self) -> Mapping[str, int | str]:
        """The API level, of which `sysconfig` makes the platform's name."""
        return {"ANDROID_API_LEVEL": self.floor[0]}

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
        """How the names of the NDK's compilers begin, before the API level."""
        return "armv7a-linux-androideabi" if self._is_arm else f"{self.architecture.gnu_cpu}-linux-android"

    @property
    def multiarch(self) -> str:
        """CPython's."""
        return "arm-linux-androideabi" if self._is_arm else self.gnu_triplet

    @property
    def zig_triple(self) -> str:
        """Zig has no C library for it."""
        return self.gnu_triplet

    @property
    def rust_triple(self) -> str:
        """`rustc --target`."""
        return "armv7-linux-androideabi" if self._is_arm else self.gnu_triplet

    @property
    def _is_arm(self) -> bool:
        return self.abi == "armeabi_v7a"


class Android(Linux):
    """Android: a Linux kernel with another C library."""

    name = ANDROID
    title = "Android"
    system = "Android"
    names = BuildSystemNames(
        meson_system="android", meson_subsystem="android", meson_kernel="linux", cmake="Android", conan="Android"
    )
    libcs: tuple[str, ...] = ("bionic",)
    toolchains: tuple[str, ...] = (NDK,)
    linked_by = "the Android NDK's clang"
    link_hint = "name the directory of an NDK with --ndk, or in ANDROID_NDK_HOME"
    sdk_link = "etc/ndk"
    can_repair = False
    can_run = False

    def parse_target(self, name: str) -> Target | None:
        """A wheel's tag.

        Raises:
            UsageError: It is another name for Android.
        """
        target = self.target_of_tag(name, "")
        if target is None and _OTHERS.fullmatch(name):
            tags = " or ".join(str(target) for target in self.usual_targets())
            raise no_target(name, "Android", f"use {tags}, or another API level")
        return target

    def target_of_tag(self, tag: str, libc: str) -> Target | None:
        """The ABI and the API level that the tag names."""
        match = _TAG.fullmatch(tag)
        return None if match is None else _target(tag, match["abi"], int(match["level"]))

    def target_of_machine(self, architecture: Architecture, libc: Libc) -> Target | None:
        """Its ABI, with the API level that stands for the C library's version."""
        abi = _ABIS.get(architecture.name, architecture.name)
        return _target("", abi, int(libc.version)) if abi in _TARGETS and libc.version.isdigit() else None

    def target_names(self) -> Iterable[str]:
        """Tags."""
        return (target.platform_tag for target in self.usual_targets())

    def usual_targets(self) -> Iterable[Target]:
        """Those that CPython supports."""
        return (_target(f"android_{_USUAL_LEVEL}_{abi}", abi, _USUAL_LEVEL) for abi in _SUPPORTED)

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

    def libc_ver(self, libc: Libc) -> tuple[str, str]:
        """Nothing: it reads files of glibc."""
        return "", ""

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
        abi = _ABIS.get(machine.name, machine.name)
        return _target("", abi, 0).rust_triple if abi in _TARGETS else None

    def python_libraries(self, version: str, abi_flags: str) -> tuple[str, ...]:
        """The version's: a loaded module does not see the names of the program (PEP 738)."""
        return (f"libpython{version}{abi_flags}.so",)

    def library_directories(self, root: Path, multiarch: str) -> tuple[Path, ...]:
        """Return the one of a prefix: a device's own libraries are not here."""
        return tuple(path for path in (root / "lib",) if path.is_dir())

    def pkg_config_directories(self, machine: Machine) -> tuple[str, ...]:
        """Those of a prefix."""
        return ("lib/pkgconfig", "share/pkgconfig")

    def build_variables(self, machine: Machine, sdk: str) -> Mapping[str, str]:
        """Return the variables by which build systems find an NDK: this one, and no other that is installed."""
        return {"ANDROID_NDK_HOME": sdk, "ANDROID_NDK_ROOT": sdk, "ANDROID_API_LEVEL": machine.libc.version}

    def cmake_variables(self, machine: Machine, sdk: str) -> Mapping[str, str]:
        """Return what the NDK's own toolchain file sets, in CMake's words and in the NDK's.

        With CMAKE_SYSTEM_VERSION 1 CMake chooses nothing itself (its Platform/Android-Determine.cmake); else it takes
        an NDK's clang in place of the compiler that it is told.
        """
        level, abi = machine.libc.version, _ABIS.get(machine.name, machine.name)
        # Older Pythons say nothing of their own name.
        triplet = _target("", abi, 0).multiarch if abi in _TARGETS else machine.multiarch
        return {
            "CMAKE_SYSTEM_VERSION": "1",
            "CMAKE_SYSROOT": f"{sdk}/{PREBUILT}/{PREBUILT_HERE}/sysroot",
            "CMAKE_SYSTEM_LIBRARY_PATH": f"/usr/lib/{triplet}/{level};/usr/lib/{triplet}",
            "CMAKE_ANDROID_NDK": sdk,
            "CMAKE_ANDROID_ARCH_ABI": _NDK_ABIS.get(abi, abi),
            "CMAKE_ANDROID_API": level,
            "ANDROID_NDK": sdk,
            "ANDROID_ABI": _NDK_ABIS.get(abi, abi),
            "ANDROID_PLATFORM": f"android-{level}",
            "ANDROID_NATIVE_API_LEVEL": level,
        }


def _target(text: str, abi: str, level: int) -> AndroidTarget:
    row = next(row for row in ARCHITECTURES if row.name == _TARGETS[abi])
    return AndroidTarget(text=text, architecture=row, libc="bionic", floor=(level, 0))

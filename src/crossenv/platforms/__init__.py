"""The operating systems that targets run: one module each behind `Platform`, in one table.

What a system calls things and where it keeps them is decided here, what its native files say in `crossenv.binaries`.
To add a system, write its module and add it to `PLATFORMS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from crossenv.errors import HostPythonError
from crossenv.platforms.android import Android
from crossenv.platforms.apple import ApplePlatform
from crossenv.platforms.emscripten import Emscripten
from crossenv.platforms.ios import IOSPlatform
from crossenv.platforms.linux import Linux
from crossenv.platforms.macos import MacOS
from crossenv.platforms.model import BuildSystemNames, Libc, Machine, Platform
from crossenv.platforms.target import Target
from crossenv.platforms.windows import Windows

__all__ = [
    "APPLE",
    "DEFAULT",
    "EXAMPLE",
    "HERE",
    "LINUX",
    "MODULE_SUFFIXES",
    "ONLY_MODULE_SUFFIXES",
    "PLATFORMS",
    "BuildSystemNames",
    "Libc",
    "Machine",
    "Platform",
    "format_of_suffix",
    "is_built_for",
    "link_name",
    "platform_of_config",
    "platform_of_target",
]

LINUX: Platform = Linux()
# Android's Pythons may call themselves Linux, so Android is asked first.
PLATFORMS: Mapping[str, Platform] = {
    platform.name: platform for platform in (Android(), IOSPlatform(), MacOS(), Windows(), Emscripten(), LINUX)
}
# Those for which LLVM's linker for Mach-O links.
APPLE = tuple(name for name, platform in PLATFORMS.items() if isinstance(platform, ApplePlatform))
# The system that this tool runs on, and that of a host whose files name none.
HERE = DEFAULT = LINUX
# A target for those who do not care which.
EXAMPLE = "manylinux_2_28_aarch64"
# How the names of extension modules end, whatever the system.
MODULE_SUFFIXES = tuple(dict.fromkeys(platform.module_suffix for platform in PLATFORMS.values()))

# Those that no other library's name ends in.
ONLY_MODULE_SUFFIXES = tuple(
    suffix for suffix in MODULE_SUFFIXES if all(suffix != platform.library_suffix for platform in PLATFORMS.values())
)


def format_of_suffix(name: str) -> str:
    """The format of a file that is named like an extension module, one of `MODULE_SUFFIXES`."""
    return next(one.native_format for one in PLATFORMS.values() if name.endswith(one.module_suffix))


def link_name(library: str) -> str:
    """What stands after `-l` for a library of that name."""
    return Path(library).stem.removeprefix("lib")


def is_built_for(system: str, libc: str | None = None) -> bool:
    """Whether this tool builds for a system by itself, with that C library if one is named."""
    platform = PLATFORMS.get(system)
    return platform is not None and not platform.linked_by and (libc is None or libc in platform.libcs)


def platform_of_target(target: Target) -> Platform:
    """The system of a target."""
    return PLATFORMS[target.system]


def platform_of_config(config: Mapping[str, int | str], source: str) -> Platform:
    """The system of the Python that recorded these configuration variables.

    Args:
        config: CPython's `build_time_vars`.
        source: The file they were read from, for the message.

    Raises:
        HostPythonError: It is for a system that is not in the table.
    """
    for platform in PLATFORMS.values():
        if platform.recognises(config):
            return platform
    system = str(config.get("MACHDEP") or str(config.get("SOABI", "")).rpartition("-")[2])
    raise HostPythonError(
        f"{source} is for {system}; only Linux targets with glibc or musl can be read",
        hint="name the CPython of a Linux target with --host-python",
    )

"""What macOS and iOS have in common."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from crossenv.platforms.architectures import MACHO
from crossenv.platforms.model import Libc, Machine


class ApplePlatform:
    """An Apple system: one C library, whose version is that of the system, and Mach-O files made by zig.

    Attributes:
        title: Its name in messages.
        deployment_target: The variable for the oldest release, of compilers and of Python's configuration.
    """

    title: str
    deployment_target: str
    os_name = "posix"
    native_format = MACHO
    module_suffix = ".so"
    stable_suffix = ".abi3.so"
    library_suffix = ".dylib"
    toolchains: tuple[str, ...] = ("zig",)
    linked_by = ""
    link_hint = ""
    later_versions = True
    can_run = False

    def describe(self, libc: Libc) -> str:
        """The oldest release."""
        return f"{self.title} {libc.version}".strip()

    def libc_ver(self, libc: Libc) -> tuple[str, str]:
        """Nothing: it reads files of glibc."""
        return "", ""

    def python_libraries(self, version: str, abi_flags: str) -> tuple[str, ...]:
        """None."""
        return ()

    def library_directories(self, root: Path, multiarch: str) -> tuple[Path, ...]:
        """None: the system's libraries are stubs or frameworks of an SDK."""
        return ()

    def pkg_config_directories(self, machine: Machine) -> tuple[str, ...]:
        """None of the system's."""
        return ()

    def build_variables(self, machine: Machine, sdk: str) -> Mapping[str, str]:
        """Return the oldest release and the SDK, for which tools would ask Xcode.

        ARCHFLAGS is not among them: by it meson-python calls `cc -arch` whatever its cross file says.
        """
        return {self.deployment_target: machine.libc.version, "SDKROOT": sdk}

    def cmake_variables(self, machine: Machine, sdk: str) -> Mapping[str, str]:
        """Return what CMake would ask Xcode for."""
        return {
            "CMAKE_OSX_SYSROOT": sdk,
            "CMAKE_OSX_ARCHITECTURES": machine.name,
            "CMAKE_OSX_DEPLOYMENT_TARGET": machine.libc.version,
        }

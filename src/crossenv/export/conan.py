"""Conan 2: a host profile (Conan manual, "Profiles")."""

from __future__ import annotations

from pathlib import Path

from crossenv.backends.cmake import TOOLCHAIN_FILE
from crossenv.backends.pkg_config import launcher_path
from crossenv.errors import UsageError
from crossenv.record import Record

# Conan's own names (its settings.yml).
_ARCHITECTURES = {
    "x86_64": "x86_64",
    "i686": "x86",
    "aarch64": "armv8",
    "armv7l": "armv7hf",
    "armv5tel": "armv5el",
    "ppc64le": "ppc64le",
    "ppc64": "ppc64",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "loongarch64": "loongarch64",
}
# The first versions whose own default is C++17.
_CPP17 = {"gcc": 11, "clang": 16}
_EXECUTABLES = {"cc": "c", "cxx": "cpp", "fc": "fortran"}
_VARIABLES = {
    "ar": "AR",
    "ranlib": "RANLIB",
    "strip": "STRIP",
    "nm": "NM",
    "objcopy": "OBJCOPY",
    "objdump": "OBJDUMP",
    "readelf": "READELF",
    "ld": "LD",
}


def conan_profile(record: Record) -> str:
    """For `conan install --profile:host`.

    Raises:
        UsageError: Conan has no name for the host's machine.
    """
    toolchain, machine = record.toolchain, record.host.machine
    architecture = _ARCHITECTURES.get(machine)
    if architecture is None:
        raise UsageError(f"Conan has no name for {machine}", hint="use another format, or write the profile by hand")
    major = toolchain.version.partition(".")[0]
    modern = major.isdigit() and int(major) >= _CPP17.get(toolchain.family, 0)
    zig = Path(toolchain.tools["cc"].path).name.startswith("zig")
    executables = {
        name: toolchain.tools[tool].command for tool, name in _EXECUTABLES.items() if tool in toolchain.tools
    }
    lines = [
        "# Made by crossenv: the host machine for Conan 2.",
        "[settings]",
        f"os={record.host.platform.names.conan}",
        f"arch={architecture}",
        "build_type=Release",
        f"compiler={toolchain.family}",
        f"compiler.version={major}",
        f"compiler.libcxx={'libc++' if zig else 'libstdc++11'}",
        f"compiler.cppstd=gnu{17 if modern else 14}",
        "",
        "[conf]",
        f"tools.build:compiler_executables={executables!r}",
        f"tools.cmake.cmaketoolchain:user_toolchain={[f'{record.root}/{TOOLCHAIN_FILE}']!r}",
        f"tools.gnu:host_triplet={toolchain.triplet}",
        f"tools.gnu:pkg_config={launcher_path(record)}",
        "",
        "[buildenv]",
        *(f"{name}={toolchain.tools[tool].command}" for tool, name in _VARIABLES.items() if tool in toolchain.tools),
    ]
    return "\n".join(lines) + "\n"

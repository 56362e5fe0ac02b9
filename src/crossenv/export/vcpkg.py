"""vcpkg: a triplet (vcpkg documentation, "Triplet variables")."""

from __future__ import annotations

from crossenv.backends.cmake import VCPKG_TOOLCHAIN_FILE, quoted
from crossenv.errors import UsageError
from crossenv.record import Record

# VCPKG_TARGET_ARCHITECTURE.
_ARCHITECTURES = {
    "x86_64": "x64",
    "i686": "x86",
    "aarch64": "arm64",
    "armv7l": "arm",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "loongarch64": "loongarch64",
}


def vcpkg_triplet(record: Record) -> str:
    """For a file `NAME.cmake` in a directory of `--overlay-triplets`.

    Raises:
        UsageError: vcpkg has no name for the host's machine.
    """
    machine = record.host.machine
    architecture = _ARCHITECTURES.get(machine)
    if architecture is None:
        raise UsageError(f"vcpkg has no name for {machine}", hint="use another format, or write the triplet by hand")
    lines = [
        "# Made by crossenv: the host machine for vcpkg. Static libraries, which become part of extension modules.",
        f"set(VCPKG_TARGET_ARCHITECTURE {architecture})",
        "set(VCPKG_CRT_LINKAGE dynamic)",
        "set(VCPKG_LIBRARY_LINKAGE static)",
        f"set(VCPKG_CMAKE_SYSTEM_NAME {record.host.platform.names.cmake})",
        f"set(VCPKG_CHAINLOAD_TOOLCHAIN_FILE {quoted(f'{record.root}/{VCPKG_TOOLCHAIN_FILE}')})",
        f"set(VCPKG_MAKE_BUILD_TRIPLET {quoted(f'--host={record.toolchain.triplet}')})",
    ]
    return "\n".join(lines) + "\n"

"""Meson and CMake: the files that the environment's own builds get."""

from __future__ import annotations

from crossenv.backends.cmake import TOOLCHAIN_FILE, CMake, quoted
from crossenv.backends.meson import CROSS_FILE, Meson
from crossenv.backends.pkg_config import launcher_path
from crossenv.record import Record


def meson_cross_file(record: Record) -> str:
    """For `meson setup --cross-file`."""
    return Meson().files(record)[CROSS_FILE]


def cmake_toolchain_file(record: Record) -> str:
    """For `cmake --toolchain`; with pkg-config, which the environment's own builds find on their PATH."""
    program = quoted(launcher_path(record))
    lines = [
        CMake().files(record)[TOOLCHAIN_FILE],
        "# FindPkgConfig: asks for the host's libraries.",
        f'set(PKG_CONFIG_EXECUTABLE {program} CACHE FILEPATH "")',
    ]
    return "\n".join(lines) + "\n"

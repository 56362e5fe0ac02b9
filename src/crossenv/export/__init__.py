"""What build systems outside of an environment need to compile for its host: record in, text out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from crossenv.export.build_files import cmake_toolchain_file, meson_cross_file
from crossenv.export.cargo import cargo_configuration
from crossenv.export.conan import conan_profile
from crossenv.export.variables import bash_script, variable_file
from crossenv.export.vcpkg import vcpkg_triplet
from crossenv.record import Record

EXPORTERS: Mapping[str, Callable[[Record], str]] = {
    "meson": meson_cross_file,
    "cmake": cmake_toolchain_file,
    "cargo": cargo_configuration,
    "conan": conan_profile,
    "vcpkg": vcpkg_triplet,
    "env": variable_file,
    "bash": bash_script,
}

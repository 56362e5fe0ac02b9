"""What each build back end needs beyond the host's configuration variables: one module each.

setuptools, flit, hatchling, pdm and poetry read `sysconfig`, or run something that does, and need nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from crossenv.backends import autotools, cmake, fortran, meson, pkg_config, rust
from crossenv.record import Record


class Backend(Protocol):
    """An adapter: record in, data out, no side effects."""

    def files(self, record: Record) -> Mapping[str, str]:
        """Files to write, by path below the environment; those below `etc/bin` are programs."""

    def environment(self, record: Record) -> Mapping[str, str]:
        """Variables for the processes that run the back end, set where the user has not set them."""

    def settings(self, record: Record) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """By back-end module: `config_settings` to put before the user's (PEP 517)."""


BACKENDS: tuple[Backend, ...] = (
    pkg_config.PkgConfig(),
    meson.Meson(),
    cmake.CMake(),
    rust.Rust(),
    fortran.Fortran(),
    autotools.Autotools(),
)

"""What each build tool needs beyond the target's configuration variables: one module each.

To add a back end, write its module and add it to `BACKENDS`: the shim reads everything from the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from crossenv.backends import autotools, cmake, fortran, meson, named_tools, pkg_config, rust
from crossenv.record import BackendRecord, Record


class Backend(Protocol):
    """An adapter: record in, data out, no side effects."""

    def files(self, record: Record) -> Mapping[str, str]:
        """Return files to write, by path below the environment; those below `etc/bin` are programs."""

    def environment(self, record: Record) -> Mapping[str, str]:
        """Variables for every process that runs hooks, set where the user has not set them."""

    def modules(self, record: Record) -> Mapping[str, BackendRecord]:
        """Return the shim's work by module or package of the back end; "" stands for all others."""


BACKENDS: tuple[Backend, ...] = (
    pkg_config.PkgConfig(),
    meson.Meson(),
    cmake.CMake(),
    rust.Rust(),
    named_tools.NamedTools(),
    fortran.Fortran(),
    autotools.Autotools(),
)

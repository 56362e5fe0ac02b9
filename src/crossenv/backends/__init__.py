"""Tell each build tool about the target: one module a tool.

To add a back end, write its module and add it to `BACKENDS`. Its files, variables and settings get into the record, and
from there to the shim.
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
        """Return variables for every process that runs hooks; the user's own win."""

    def modules(self, record: Record) -> Mapping[str, BackendRecord]:
        """Return the shim's work by the module or package of the hooks ("mesonpy"); the key "" is for all others."""


BACKENDS: tuple[Backend, ...] = (
    pkg_config.PkgConfig(),
    meson.Meson(),
    cmake.CMake(),
    rust.Rust(),
    named_tools.NamedTools(),
    fortran.Fortran(),
    autotools.Autotools(),
)

"""pkg-config, answering for the host's sysroot only."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from crossenv.environment.record import Record

EMPTY_DIRECTORY = "etc/pkgconfig"


def launcher_path(record: Record) -> str:
    """The program that answers for the host."""
    return f"{record.root}/etc/bin/{record.toolchain.triplet}-pkg-config"


class PkgConfig:
    """pkg-config: by variables for builds that call the program, by a launcher for those that can name it."""

    def files(self, record: Record) -> Mapping[str, str]:
        """The launcher, and the program the host's own Python came with: `pythonX.Y-config`."""
        name = f"{record.toolchain.triplet}-pkg-config"
        exports = "".join(
            f"{variable}={shlex.quote(value)}\nexport {variable}\n"
            for variable, value in self.environment(record).items()
        )
        # PKG_CONFIG_PATH is left alone: it is a user's addition.
        launcher = f'#!/bin/sh\n{exports}exec pkg-config "$@"\n'
        python_config = (
            f'#!/bin/sh\nexec {shlex.quote(record.root + "/cross/bin/python")} -I -m _crossenv.python_config "$@"\n'
        )
        return {
            f"etc/bin/{name}": launcher,
            f"etc/bin/python{record.host.version}{record.host.abi_flags}-config": python_config,
        }

    def environment(self, record: Record) -> Mapping[str, str]:
        """Where the host's `.pc` files are, and what their paths are relative to."""
        # Never empty: pkg-config would fall back to the build machine's directories.
        directories = record.toolchain.pkg_config_libdir or (f"{record.root}/{EMPTY_DIRECTORY}",)
        variables = {"PKG_CONFIG_LIBDIR": ":".join(directories)}
        sysroot = record.toolchain.sysroot or record.host.sysroot
        if sysroot is not None:
            variables["PKG_CONFIG_SYSROOT_DIR"] = sysroot
        return variables

    def settings(self, record: Record) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """None: pkg-config is no back end."""
        return {}

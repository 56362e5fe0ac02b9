"""`./configure` started from a setup.py: a site file (Autoconf manual, "Setting Site Defaults")."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from crossenv.backends.fortran import fortran_command
from crossenv.record import BackendRecord, Record

SITE_FILE = "etc/config.site"
# Runs no test, and says so as automake understands it (Automake manual, "Scripts-based Testsuites").
TEST_RUNNER = "etc/bin/skip-host-test"
_TOOLS = {"CC": "cc", "CXX": "cxx", "AR": "ar", "RANLIB": "ranlib", "STRIP": "strip", "NM": "nm", "RC": "windres"}


class Autotools:
    """Packages that bring a library with a configure script along (libsodium, libuv, libev)."""

    def files(self, record: Record) -> Mapping[str, str]:
        """Write the site file: it gives `--host`, and the compilers unless the caller named them."""
        tools = record.toolchain.tools
        triplet = shlex.quote(record.toolchain.triplet)
        lines = [
            "# Made by crossenv: the host machine for configure scripts. What the caller says wins.",
            'if test -z "$host_alias"; then',
            f"  host_alias={triplet}",
            f"  ac_tool_prefix={triplet}-",
            "  cross_compiling=yes",
            *(
                f'  test -n "${name}" || {name}={shlex.quote(tools[tool].command)}'
                for name, tool in _TOOLS.items()
                if tool in tools
            ),
            f'  test -n "$FC" || FC={shlex.quote(fortran_command(record))}',
            f'  test -n "$F77" || F77={shlex.quote(fortran_command(record))}',
            "fi",
        ]
        return {SITE_FILE: "\n".join(lines) + "\n", TEST_RUNNER: "#!/bin/sh\nexit 77\n"}

    def environment(self, record: Record) -> Mapping[str, str]:
        """Return CONFIG_SITE, for configure scripts, and LOG_COMPILER, through which `make check` starts tests."""
        return {"CONFIG_SITE": f"{record.root}/{SITE_FILE}", "LOG_COMPILER": f"{record.root}/{TEST_RUNNER}"}

    def modules(self, record: Record) -> Mapping[str, BackendRecord]:
        """None: it is not a back end."""
        return {}

"""Compilers and tools in their usual variables, for setup.py files, make and waf.

Without them, a setup.py that runs `os.environ.get("CC", "gcc")` finds the build machine's gcc. A back end gets these
variables unless it names compilers in a better way and starts native builds that would take them for theirs (CMake's
external projects, cargo's build scripts): docs/explanation/back-ends.md has the rule for each.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from crossenv.record import BackendRecord, Record

_TARGET = {"CC": "cc", "CXX": "cxx", "FC": "fc", "F77": "fc", "F90": "fc", "AR": "ar", "RANLIB": "ranlib"}
_TARGET |= {"NM": "nm", "STRIP": "strip", "LD": "ld", "OBJCOPY": "objcopy", "OBJDUMP": "objdump", "READELF": "readelf"}
_TARGET |= {"WINDRES": "windres", "RC": "windres"}
# Compilers for programs that run during the build: GNU's names (AX_PROG_CC_FOR_BUILD), Linux's and Kconfig's, and those
# of the crate cc, which would use CC for a build script's own C code.
_NATIVE = {
    "cc": ("CC_FOR_BUILD", "BUILD_CC", "HOSTCC", "HOST_CC"),
    "c++": ("CXX_FOR_BUILD", "BUILD_CXX", "HOSTCXX", "HOST_CXX"),
    "ar": ("AR_FOR_BUILD", "BUILD_AR", "HOSTAR", "HOST_AR"),
    "ranlib": ("RANLIB_FOR_BUILD", "HOST_RANLIB"),
}


# The names after the prefix that builds such as `make CROSS=aarch64-linux-gnu-` look for.
_PREFIXED = {"gcc": "cc", "cc": "cc", "g++": "cxx", "c++": "cxx", "ar": "ar", "ranlib": "ranlib", "nm": "nm"}
_PREFIXED |= {"strip": "strip", "ld": "ld", "objcopy": "objcopy", "objdump": "objdump", "readelf": "readelf"}


def _one_word(command: str) -> str:
    """Return `command` as one word for shells and `str.split`: only its name if the path has blanks, as PATH has it."""
    return command if re.fullmatch(r"[\w@%+=:,./-]+", command, re.ASCII) else command.rpartition("/")[2]


class NamedTools:
    """Setuptools and every back end without an adapter."""

    def files(self, record: Record) -> Mapping[str, str]:
        """Return the tools under prefixed names, if they have other names."""
        scripts = {}
        for name, tool in _PREFIXED.items():
            path = f"{record.root}/etc/bin/{record.toolchain.triplet}-{name}"
            if tool in record.toolchain.tools and record.toolchain.tools[tool].command != path:
                command = shlex.quote(record.toolchain.tools[tool].command)
                scripts[path.removeprefix(f"{record.root}/")] = f'#!/bin/sh\nexec {command} "$@"\n'
        return scripts

    def environment(self, record: Record) -> Mapping[str, str]:
        """None for every back end."""
        return {}

    def modules(self, record: Record) -> Mapping[str, BackendRecord]:
        """Return the variables for back ends without an adapter."""
        tools = record.toolchain.tools
        variables = {name: _one_word(tools[tool].command) for name, tool in _TARGET.items() if tool in tools}
        # For LuaJIT. CROSS_COMPILE is not set, because OpenSSL puts it before CC.
        variables["CROSS"] = f"{record.toolchain.triplet}-"
        variables |= {name: program for program, names in _NATIVE.items() for name in names}
        return {"": BackendRecord(environment=variables)}

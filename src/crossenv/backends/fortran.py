"""Fortran: the target's compiler, or a program that says that there is none."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from crossenv.record import BackendRecord, Record


def fortran_command(record: Record) -> str:
    """Return the Fortran compiler for builds; without one they would find the build machine's."""
    tool = record.toolchain.tools.get("fc")
    return _substitute(record) if tool is None else tool.command


def _substitute(record: Record) -> str:
    # The program's name is the message: Meson prints it, but hides the program's output in a log.
    return f"{record.root}/etc/bin/no-fortran-compiler-for-{record.toolchain.triplet}"


class Fortran:
    """Fortran in any build system."""

    def files(self, record: Record) -> Mapping[str, str]:
        """Return the program that says that there is no compiler, if there is none."""
        if "fc" in record.toolchain.tools:
            return {}
        lines = (
            f"crossenv: error: this environment has no Fortran compiler for {record.toolchain.triplet}",
            "crossenv: hint: install one, and create the environment with --fc or --toolchain gnu"
            f" (Debian's is in gfortran-{record.host.multiarch})",
        )
        says = "".join(f"echo {shlex.quote(line)} >&2\n" for line in lines)
        return {_substitute(record).removeprefix(f"{record.root}/"): f"#!/bin/sh\n{says}exit 1\n"}

    def environment(self, record: Record) -> Mapping[str, str]:
        """None: configure scripts, Meson and CMake have files of their own."""
        return {}

    def modules(self, record: Record) -> Mapping[str, BackendRecord]:
        """None: it is not a back end."""
        return {}

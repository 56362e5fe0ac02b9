"""Fortran: the host's compiler, or a program in its place that says there is none."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from crossenv.record import BackendRecord, Record


def fortran_command(record: Record) -> str:
    """Return the Fortran compiler that builds are told of. Told of none, they would find the build machine's."""
    tool = record.toolchain.tools.get("fc")
    return _substitute(record) if tool is None else tool.command


def _substitute(record: Record) -> str:
    # The name is the message: Meson shows it and keeps what the program says in a file.
    return f"{record.root}/etc/bin/no-fortran-compiler-for-{record.toolchain.triplet}"


class Fortran:
    """Fortran in any build system."""

    def files(self, record: Record) -> Mapping[str, str]:
        """Return a program that names the missing compiler, where there is none."""
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
        """None: configure scripts have their site file, Meson and CMake files of theirs."""
        return {}

    def modules(self, record: Record) -> Mapping[str, BackendRecord]:
        """None: it is not a back end."""
        return {}

"""Meson and meson-python: a cross file (Meson manual, "Cross compilation")."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from crossenv.backends.fortran import fortran_command
from crossenv.backends.pkg_config import launcher_path
from crossenv.platforms.architectures import Identity, architecture_of
from crossenv.record import CROSS_RUN, BackendRecord, Record

CROSS_FILE = "etc/meson-cross.ini"
# The interpreter with the build requirements: the hook's, which an isolated environment may have of its own.
HOOK_PYTHON = "etc/bin/hook-python"

# Programs of build requirements, which name their own headers and libraries; Meson finds them on PATH.
_CONFIG_TOOLS = ("cmake", "numpy-config", "pybind11-config")
_BINARIES = {"cc": "c", "cxx": "cpp", "ar": "ar", "ranlib": "ranlib", "strip": "strip", "nm": "nm"}
_BINARIES |= {"objcopy": "objcopy", "readelf": "readelf", "objdump": "objdump", "windres": "windres"}


def long_double_format(macros: Mapping[str, str], identity: Identity) -> str | None:
    """Return numpy's name for the target's long double; None for an unknown one.

    Args:
        macros: The compiler's macros, with `__LDBL_MANT_DIG__` and `__SIZEOF_LONG_DOUBLE__`.
        identity: The target's identity, for the byte order.
    """
    order = "LE" if identity.byte_order == "little" else "BE"
    size = macros.get("__SIZEOF_LONG_DOUBLE__", "")
    return {
        "53": f"IEEE_DOUBLE_{order}",
        "64": f"INTEL_EXTENDED_{size}_BYTES_LE",
        "106": f"IBM_DOUBLE_DOUBLE_{order}",
        "113": f"IEEE_QUAD_{order}",
    }.get(macros.get("__LDBL_MANT_DIG__", ""))


def quoted(text: str) -> str:
    """Quote a string for Meson's machine files; Meson escapes backslashes itself."""
    return f"'''{text}'''" if "'" in text else f"'{text}'"


class Meson:
    """Meson through meson-python, whatever copy of Meson the package uses."""

    def files(self, record: Record) -> Mapping[str, str]:
        """Return the cross file, and the interpreter that it names."""
        identity = record.host.identity
        architecture = architecture_of(identity)
        tools, names = record.toolchain.tools, record.host.platform.names
        lines = ["# Made by crossenv: the host machine for Meson.", "[binaries]"]
        lines += [f"{name} = {quoted(tools[tool].command)}" for tool, name in _BINARIES.items() if tool in tools]
        lines += [
            f"fortran = {quoted(fortran_command(record))}",
            f"pkg-config = {quoted(launcher_path(record))}",
            f"python = {quoted(f'{record.root}/{HOOK_PYTHON}')}",
        ]
        lines += [f"{name} = {quoted(name)}" for name in _CONFIG_TOOLS]
        if record.handover.emulator:
            lines.append(f"exe_wrapper = {quoted(f'{record.root}/{CROSS_RUN}')}")
        lines += ["", "[properties]", "needs_exe_wrapper = true"]
        if not names.runs_programs:
            # It would link a program, for which emscripten first makes its libraries.
            lines.append("skip_sanity_check = true")
        if long_double := long_double_format(record.toolchain.macros, identity):
            lines.append(f"longdouble_format = {quoted(long_double)}")
        lines += self._python_lines(record)
        lines += [
            "",
            "[host_machine]",
            f"system = {quoted(names.meson_system)}",
            f"subsystem = {quoted(names.meson_subsystem)}",
            f"kernel = {quoted(names.meson_kernel)}",
            f"cpu_family = {quoted(architecture.meson_family if architecture else record.host.machine)}",
            f"cpu = {quoted(identity.machine or record.host.machine)}",
            f"endian = {quoted(identity.byte_order)}",
        ]
        python = shlex.quote(f"{record.root}/cross/bin/python")
        choice = f'[ -x "$CROSSENV_PYTHON" ] || CROSSENV_PYTHON={python}\nexec "$CROSSENV_PYTHON" "$@"\n'
        return {
            CROSS_FILE: "\n".join(lines) + "\n",
            HOOK_PYTHON: f"#!/bin/sh\n{choice}",
        }

    def _python_lines(self, record: Record) -> list[str]:
        """Name Python's build details (PEP 739), which Meson prefers to the interpreter, if modules link to Python."""
        host = record.host
        if record.made_libraries is None or not host.platform.python_libraries(host.version, host.abi_flags):
            return []
        details = Path(record.made_libraries) / "build-details.json"
        return ["", "[built-in options]", f"python.build_config = {quoted(str(details))}"]

    def environment(self, record: Record) -> Mapping[str, str]:
        """None for every back end: `MESON` would replace the Meson that a package brings along (numpy does)."""
        return {}

    def modules(self, record: Record) -> Mapping[str, BackendRecord]:
        """Return the cross file, before the user's own `setup-args`: a later cross file overrides an earlier one."""
        settings: dict[str, tuple[str, ...]] = {"setup-args": (f"--cross-file={record.root}/{CROSS_FILE}",)}
        # By default editable builds stay in build/cp311, where Meson keeps the first build's cross file.
        places = ("setting:build-dir", "setting:builddir", "default:build")
        mesonpy = BackendRecord(
            settings=settings,
            # Unless they are named, Meson calls native compilers through any sccache or ccache on PATH.
            environment={"CC_FOR_BUILD": "cc", "CXX_FOR_BUILD": "c++"},
            fails_by_itself=True,
            build_directory=places,
            jobs_setting="compile-args",
        )
        return {"mesonpy": mesonpy}

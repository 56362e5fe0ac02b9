"""The public part of the record (docs/reference/crossenv-info.md).

The rest of the record is internal and may change. This part has a version of its own, for readers outside this tool:
`crossenv_info`, back ends, build systems, other front ends.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from crossenv.backends.cmake import TOOLCHAIN_FILE
from crossenv.backends.meson import CROSS_FILE, long_double_format
from crossenv.backends.pkg_config import launcher_path
from crossenv.platforms import HERE
from crossenv.pythons.model import ConfigValue
from crossenv.record import CROSS_RUN, HostRecord, Record

# A new minor number for a new key, a new major one for every other change.
VERSION = "1.0"


def public_part(record: Record, config: Mapping[str, ConfigValue], details: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the public part.

    Args:
        record: The record without it.
        config: The host Python's localised configuration.
        details: The host Python's build details (PEP 739); None if unknown.
    """
    host, build, toolchain = record.host, record.build, record.toolchain
    identity = host.identity
    python_tag, abi_tag = _python_tags(host)
    accepted = record.handover.accepted_platforms or host.platform.accepted_tags(host.as_machine)
    return {
        "version": VERSION,
        "generator": f"crossenv {record.crossenv}",
        "build": {
            "system": HERE.name,
            "machine": build.machine,
            "python": f"{record.root}/build/bin/python",
            "python_version": build.version,
        },
        "host": {
            "system": host.system,
            "machine": host.machine,
            "triplet": toolchain.triplet,
            "rust_target": host.platform.rust_target(host.as_machine),
            "bits": identity.bits,
            "byte_order": identity.byte_order,
            "long_double_format": long_double_format(toolchain.macros, identity),
            identity.format: {"machine": identity.number, "abi_flags": identity.abi_flags},
            "libc": {"family": host.libc.family, "version": host.libc.version or None},
            "sysroot": record.sysroot,
            "emulator": [f"{record.root}/{CROSS_RUN}"] if record.handover.emulator else None,
            "markers": _markers(host),
            "wheel": {
                "python_tag": python_tag,
                "abi_tag": abi_tag,
                "platform_tag": host.platform_tag,
                "accepted_platforms": list(accepted),
            },
            "python": {
                "build_details": None if details is None else dict(details),
                "version": host.full_version or host.version,
                "soabi": host.soabi,
                "extension_suffixes": list(host.extension_suffixes),
                "executable": host.executable,
                "include_dirs": list(host.include_dirs),
                "library_dir": host.lib_dir,
                "sysconfigdata": host.sysconfigdata,
            },
        },
        "toolchain": {
            "family": toolchain.family,
            "version": toolchain.version,
            "sysroot": toolchain.sysroot,
            "tools": {name: tool.command for name, tool in toolchain.tools.items()},
            "flags": _flags(config),
            "pkg_config": {"command": launcher_path(record), "directories": list(toolchain.pkg_config_libdir)},
            "meson_cross_file": f"{record.root}/{CROSS_FILE}",
            "cmake_toolchain_file": f"{record.root}/{TOOLCHAIN_FILE}",
        },
    }


def _python_tags(host: HostRecord) -> tuple[str, str]:
    """Return the first two tags of an extension module for this Python alone (PEP 425)."""
    digits = host.version.replace(".", "")
    if host.implementation == "pypy":
        # The ABI's name is "pypy311-pp73".
        return f"pp{digits}", host.soabi.replace("-", "_")
    return f"cp{digits}", f"cp{digits}{host.abi_flags}"


def _markers(host: HostRecord) -> dict[str, str]:
    """Return the environment markers of the target (PEP 508); "" for unknown ones: its kernel, the release of PyPy."""
    return {
        "implementation_name": host.implementation,
        "implementation_version": "" if host.implementation == "pypy" else host.full_version or host.version,
        "os_name": host.platform.os_name,
        "platform_machine": host.machine,
        "platform_python_implementation": "PyPy" if host.implementation == "pypy" else "CPython",
        "platform_release": "",
        "platform_system": host.platform.system,
        "platform_version": "",
        "python_full_version": host.full_version or host.version,
        "python_version": host.version,
        "sys_platform": host.system,
    }


def _flags(config: Mapping[str, ConfigValue]) -> dict[str, list[str]]:
    """Return the arguments after a compiler's name, as setuptools takes them from the configuration."""

    def words(name: str) -> list[str]:
        value = config.get(name, "")
        return shlex.split(value) if isinstance(value, str) else []

    compile_flags = [*words("CFLAGS"), *words("CCSHARED")]
    return {
        "c": [*words("CC")[1:], *compile_flags],
        "cxx": [*words("CXX")[1:], *compile_flags],
        "link_module": words("LDSHARED")[1:],
        "link_module_cxx": words("LDCXXSHARED")[1:],
    }

"""Describe a host Python to build systems: `build-details.json` (PEP 739) and pkg-config files."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crossenv.platforms import link_name
from crossenv.pythons.model import HostPython

_RELEASE_LEVELS = {"": "final", "a": "alpha", "b": "beta", "rc": "candidate"}
_LEVEL_NUMBERS = {"alpha": 0xA, "beta": 0xB, "candidate": 0xC, "final": 0xF}


def build_details_text(host: HostPython, *, headers: Path, pkgconfig: Path, libraries: Sequence[Path] = ()) -> str:
    """Return the text of a `build-details.json` of schema 1.0.

    Args:
        host: The host Python.
        headers: The directory of `Python.h` on this machine.
        pkgconfig: The directory of its `.pc` files on this machine.
        libraries: Its libpythons on this machine, or their substitutes for links.
    """
    details = build_details(host, headers=headers, pkgconfig=pkgconfig, libraries=libraries)
    assert details is not None, host.full_version
    return json.dumps(details, indent=2) + "\n"


def build_details(
    host: HostPython, *, headers: Path, pkgconfig: Path | None, libraries: Sequence[Path] = ()
) -> dict[str, Any] | None:
    """Return the contents of that file; None if the full version of Python or its implementation is unknown.

    Args:
        host: The host Python.
        headers: The directory of `Python.h` on this machine.
        pkgconfig: The directory of its `.pc` files on this machine; None if there is none.
        libraries: Its libpythons on this machine.
    """
    match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)(?:(a|b|rc)(\d+))?\+?", host.full_version)
    if match is None or host.implementation != "cpython":
        return None
    level = _RELEASE_LEVELS[match[4] or ""]
    major, minor, micro, serial = int(match[1]), int(match[2]), int(match[3]), int(match[5] or 0)
    version = {"major": major, "minor": minor, "micro": micro, "releaselevel": level, "serial": serial}
    number = major << 24 | minor << 16 | micro << 8 | _LEVEL_NUMBERS[level] << 4 | serial
    prefix = host.host_executable.rpartition("/bin/")[0] or host.recorded_prefix
    return {
        "schema_version": "1.0",
        "base_prefix": prefix,
        "base_interpreter": host.host_executable,
        "platform": host.platform.get_platform(host.as_machine),
        "language": {"version": host.version, "version_info": version},
        "implementation": {
            "name": host.implementation,
            "version": version,
            "hexversion": number,
            "cache_tag": f"cpython-{major}{minor}",
            "_multiarch": host.multiarch,
        },
        "abi": {
            "flags": list(host.abi_flags),
            "extension_suffix": host.ext_suffix,
            "stable_abi_suffix": host.platform.stable_suffix,
        },
        "suffixes": {
            "source": [".py"],
            "bytecode": [".pyc"],
            "extensions": list(host.extension_suffixes),
        },
        "libpython": _libpython(host, libraries),
        "c_api": {"headers": str(headers)} | ({} if pkgconfig is None else {"pkgconfig_path": str(pkgconfig)}),
    }


def _libpython(host: HostPython, libraries: Sequence[Path]) -> dict[str, Any]:
    suffix = host.platform.library_suffix
    names = {
        f"libpython{host.version}{host.abi_flags}{suffix}": "dynamic",
        f"libpython3{suffix}": "dynamic_stableabi",
        f"libpython{host.version}{host.abi_flags}.a": "static",
    }
    linked = host.platform.python_libraries(host.version, host.abi_flags)
    names |= dict(zip(linked, ("dynamic", "dynamic_stableabi"), strict=False))
    found = {names[library.name]: str(library) for library in libraries if library.name in names}
    # On other systems extension modules find Python's symbols in the program that loads them.
    return {**found, "link_extensions": bool(linked)}


def pkg_config_texts(host: HostPython) -> dict[str, str]:
    """Return the `.pc` files by name; they name headers relative to their own directory, `PREFIX/lib/pkgconfig`."""
    name = f"python-{host.version}{host.abi_flags}"
    directory = f"python{host.version}{host.abi_flags}"
    linked = host.platform.python_libraries(host.version, host.abi_flags)
    library = f" -l{link_name(linked[0])}" if linked else f" -lpython{host.version}{host.abi_flags}"
    texts = {}
    for suffix, description, libs in (
        ("", "Build a C extension for Python", library if linked else ""),
        ("-embed", "Embed Python into an application", library),
    ):
        texts[f"{name}{suffix}.pc"] = "\n".join(
            [
                "# Made by crossenv: the headers of a host Python that is not here.",
                "prefix=${pcfiledir}/../..",
                "exec_prefix=${prefix}",
                "libdir=${exec_prefix}/lib",
                "includedir=${prefix}/include",
                "",
                "Name: Python",
                f"Description: {description}",
                "Requires:",
                f"Version: {host.version}",
                "Libs.private:",
                f"Libs:{libs and ' -L${libdir}'}{libs}",
                f"Cflags: -I${{includedir}}/{directory}",
                "",
            ]
        )
    return texts

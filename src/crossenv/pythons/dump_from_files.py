"""Make the dump of a host Python that is read from its files: what `crossenv_dump.py` would say there."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import crossenv
from crossenv.binaries.elf import elf_flags, read_elf
from crossenv.errors import HostPythonError
from crossenv.libc.version import read_text
from crossenv.platforms import is_built_for
from crossenv.platforms.architectures import architecture_of
from crossenv.platforms.target import FIRST_ABI3T
from crossenv.pythons.crossenv_dump import (
    SCHEMA,
    build_details,
    build_flags,
    compilers,
    libraries,
    linux_platforms,
    version_object,
    wheel_abi,
    wheel_tags,
)
from crossenv.pythons.model import HostPython

# What no file says, below `arbitrary_data.crossenv`: only a running interpreter does.
UNKNOWN_TO_A_READER = (
    *("taken", "uname.release", "uname.version", "markers.platform_release", "markers.platform_version"),
    *("platform.platform", "platform.release", "platform.version"),
    *("platform.python_build", "platform.python_compiler"),
    # A distribution's own, in code; `install.schemes.posix_prefix` is CPython's, and known.
    *("install.default", "install.schemes.deb_system", "install.schemes.posix_local"),
    # The archive that was made with a dump.
    *("headers.archive", "headers.sha256"),
)
# On these two formats have the same size, and the distribution's compilers decide.
UNKNOWN_ON_POWERPC = ("machine.long_double_format",)
_NAMES = {"cpython": "CPython", "pypy": "PyPy"}
_CACHE_TAGS = {"cpython": "cpython-", "pypy": "pypy"}
_LEVELS = {"": "final", "a": "alpha", "b": "beta", "rc": "candidate"}
_LEVEL_NUMBERS = {"alpha": 0xA, "beta": 0xB, "candidate": 0xC, "final": 0xF}


def describe_host(host: HostPython, *, today: datetime.date) -> dict[str, Any]:
    """Return the dump of a host Python.

    What only a running interpreter knows, `UNKNOWN_TO_A_READER`, is null, empty or left out.

    Args:
        host: The host Python.
        today: The date.

    Raises:
        HostPythonError: It is not a Linux host's.
    """
    here = _Here(host)
    if not is_built_for(host.system):
        raise HostPythonError(
            f"{host.source} is a Python of {host.system}, and only a Linux target's files tell enough for a dump",
            hint="run what `crossenv dump --script` prints on the target",
        )
    version = _version(host.full_version or f"{host.version}.0")
    own_version = _implementation_version(host, version)
    numbers = (version["major"], version["minor"])
    config = dict(sorted(host.config.items()))
    variables = {key: value for key, value in config.items() if isinstance(value, (int, str))}
    suffixes = _suffixes(host)
    interpreter = here.on_host(host.executable) or host.host_executable
    places = libraries(variables, here.prefix, host.version, here.exists)
    identity = _elf(host)
    libc = {"family": host.libc.family, "version": host.libc.version}
    names = {"machine": host.machine, "system": host.platform.system}
    platforms = list(linux_platforms(host.machine, libc, identity, lambda _major, _minor, _machine: True))
    abi = wheel_abi(host.implementation, host.ext_suffix, numbers, host.abi_flags)
    include = str(host.config.get("INCLUDEPY") or f"{here.prefix}/include/{_include_name(host)}")
    libc_version = [host.libc.family, host.libc.version] if host.libc.version else ["", ""]
    extra = {
        "schema": SCHEMA,
        "taken": {"how": "reading", "by": f"crossenv {crossenv.__version__}", "on": today.isoformat()},
        "machine": {
            "name": host.machine,
            "pointer_size": host.identity.bits // 8,
            "byte_order": host.identity.byte_order,
            **_formats(host),
            host.identity.format: identity,
        },
        "libc": libc,
        "uname": {"sysname": host.platform.system, "release": "", "version": "", "machine": host.machine},
        "platform": {
            **names,
            "python_implementation": _NAMES[host.implementation],
            "python_version": host.full_version,
            "libc_ver": libc_version,
        },
        "markers": _markers(host, own_version),
        "compilers": compilers(variables),
        "libraries": places,
        "headers": {"present": bool(host.include_dirs)},
        "build_flags": build_flags(variables),
        "install": {"default": "", "schemes": {"posix_prefix": _posix_prefix(host, here.prefix)}},
        "variables": variables,
        "tags": list(wheel_tags(numbers, abi, host.implementation, platforms)),
    }
    number = own_version["major"] << 24 | own_version["minor"] << 16 | own_version["micro"] << 8
    number |= _LEVEL_NUMBERS[own_version["releaselevel"]] << 4 | own_version["serial"]
    return build_details(
        prefix=here.prefix,
        interpreter=interpreter,
        platform_name=host.platform.get_platform(host.as_machine),
        version=tuple(version.values()),
        implementation={
            "name": host.implementation,
            "version": own_version,
            "hexversion": number,
            "cache_tag": f"{_CACHE_TAGS[host.implementation]}{numbers[0]}{numbers[1]}",
            "_multiarch": host.multiarch,
        },
        flags=host.abi_flags,
        suffixes=suffixes,
        libpython=places,
        link_extensions=bool(variables.get("LIBPYTHON")),
        headers=include,
        pkgconfig=_pkgconfig(host, here),
        extra=extra,
    )


class _Here:
    """Where the host's paths are on this machine.

    Attributes:
        prefix: `sys.base_prefix` on the host.
    """

    def __init__(self, host: HostPython) -> None:
        self.prefix = host.recorded_prefix
        self._sysroot = host.sysroot
        self._installed = host.prefix

    def find(self, path: str) -> Path | None:
        """Return where a path of the host is here; None where it cannot be told."""
        if self._sysroot is not None:
            return self._sysroot / path.lstrip("/")
        if self._installed is not None and path.startswith(self.prefix + "/"):
            return self._installed / path[len(self.prefix) + 1 :]
        return None

    def exists(self, path: str) -> bool:
        place = self.find(path)
        return place is not None and place.is_file()

    def on_host(self, path: Path | None) -> str:
        """Return the host's name of a path; "" where it cannot be told."""
        if path is None:
            return ""
        if self._sysroot is not None and path.is_relative_to(self._sysroot):
            return f"/{path.relative_to(self._sysroot)}"
        if self._installed is not None and path.is_relative_to(self._installed):
            return f"{self.prefix}/{path.relative_to(self._installed)}"
        return ""


def _version(text: str) -> dict[str, Any]:
    match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)(?:(a|b|rc)(\d+))?\+?", text)
    assert match is not None, text
    parts = (int(match[1]), int(match[2]), int(match[3]), _LEVELS[match[4] or ""], int(match[5] or 0))
    return version_object(parts)


def _implementation_version(host: HostPython, version: dict[str, Any]) -> dict[str, Any]:
    """CPython's is Python's; PyPy's own is in its headers."""
    if host.implementation == "cpython":
        return version
    texts = (read_text(directory / "patchlevel.h") for directory in host.include_dirs)
    found = next(filter(None, (re.search(r'PYPY_VERSION\s+"([\d.]+)', text) for text in texts)), None)
    return _version(found[1]) if found else version


def _include_name(host: HostPython) -> str:
    return f"{host.directory_name.rstrip('t')}{host.abi_flags}"


def _suffixes(host: HostPython) -> dict[str, list[str]]:
    other = host.config.get("ALT_SOABI")
    # Of a debug build: those that end like a release build's.
    without_flag = [f".{other.strip(chr(34))}{host.platform.module_suffix}"] if isinstance(other, str) and other else []
    plain = [host.platform.module_suffix] if host.implementation == "cpython" else []
    extensions = [host.ext_suffix, *without_flag, *_stable_suffixes(host), *plain]
    return {"source": [".py"], "bytecode": [".pyc"], "extensions": extensions}


def _stable_suffixes(host: HostPython) -> list[str]:
    """Return the suffixes of the stable ABI that the interpreter itself looks for: distributions add to them."""
    files = [] if host.executable is None else [host.executable]
    files += (
        []
        if host.lib_dir is None
        else sorted(host.lib_dir.glob(f"libpython{host.version}*{host.platform.library_suffix}.*"))
    )
    end = re.escape(host.platform.module_suffix).encode("ascii")
    pattern = re.compile(rb"(?<=\0)\.abi3[\w.-]*" + end + rb"(?=\0)")
    found: set[str] = set()
    for file in files:
        try:
            found |= {str(name, "ascii") for name in pattern.findall(file.read_bytes())}
        except OSError:
            continue
    usual = [host.platform.stable_suffix] if host.implementation == "cpython" else []
    # Python 3.15 looks for the longer of two first.
    last = tuple(map(int, host.version.split("."))) >= FIRST_ABI3T
    return sorted(found, key=lambda name: (name.startswith(".abi3t"), -len(name) if last else len(name))) or usual


def _elf(host: HostPython) -> dict[str, Any] | None:
    if host.executable is None:
        return None
    return {
        "machine": host.identity.number,
        "bits": host.identity.bits,
        "byte_order": host.identity.byte_order,
        "flags": elf_flags(host.executable),
        "loader": read_elf(host.executable).interpreter,
    }


def _formats(host: HostPython) -> dict[str, Any]:
    """Return the formats of numbers; that of a long double from its size, where a machine has one of that size only."""
    end = "LE" if host.identity.byte_order == "little" else "BE"
    row = architecture_of(host.identity)
    machine = row.name if row else ""
    size = host.config.get("SIZEOF_LONG_DOUBLE")
    size = size if isinstance(size, int) and size else None
    long_double = {8: f"IEEE_DOUBLE_{end}", 12: "INTEL_EXTENDED_12_BYTES_LE", 16: f"IEEE_QUAD_{end}"}.get(size or 0)
    if machine == "x86_64" and size == 16:
        long_double = "INTEL_EXTENDED_16_BYTES_LE"
    if machine in ("ppc64", "ppc64le") and size == 16:
        # Two doubles or IEEE's, by how the distribution's compilers are configured.
        long_double = None
    return {
        "float_format": f"IEEE_SINGLE_{end}",
        "double_format": f"IEEE_DOUBLE_{end}",
        "long_double_format": long_double,
        "long_double_size": size,
    }


def _markers(host: HostPython, version: Mapping[str, Any]) -> dict[str, str]:
    number = "{major}.{minor}.{micro}".format(**version)
    if version["releaselevel"] != "final":
        number += f"{version['releaselevel'][0]}{version['serial']}"
    return {
        "implementation_name": host.implementation,
        "implementation_version": number,
        "os_name": host.platform.os_name,
        "platform_machine": host.machine,
        "platform_python_implementation": _NAMES[host.implementation],
        "platform_release": "",
        "platform_system": host.platform.system,
        "platform_version": "",
        "python_full_version": host.full_version,
        "python_version": host.version,
        "sys_platform": host.platform.name,
    }


def _posix_prefix(host: HostPython, prefix: str) -> dict[str, str]:
    """CPython's own scheme: the one that each of its distributors starts from."""
    name = host.directory_name
    platlib = str(host.config.get("PLATLIBDIR") or "lib")
    include = f"{prefix}/include/{_include_name(host)}"
    return {
        "data": prefix,
        "include": include,
        "platinclude": include,
        "platlib": f"{prefix}/{platlib}/{name}/site-packages",
        "platstdlib": f"{prefix}/{platlib}/{name}",
        "purelib": f"{prefix}/lib/{name}/site-packages",
        "scripts": f"{prefix}/bin",
        "stdlib": f"{prefix}/{platlib}/{name}",
    }


def _pkgconfig(host: HostPython, here: _Here) -> str | None:
    directory = str(host.config.get("LIBPC") or "")
    if directory and here.exists(f"{directory}/python-{host.version}{host.abi_flags}.pc"):
        return str(PurePosixPath(directory))
    return None

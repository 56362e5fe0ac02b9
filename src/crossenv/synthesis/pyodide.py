"""Pyodide's Python for builds: headers of the build Python, and the configuration that Pyodide's own has.

No compiler is asked: each ABI has one configuration, whose facts are in `pyodide.txt` (scripts/pyodide_facts.py).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files as package_files
from pathlib import Path

from crossenv.compilers.model import Toolchain
from crossenv.errors import HostPythonError
from crossenv.platforms import Libc, platform_of_target
from crossenv.platforms.emscripten import EMSCRIPTEN, EmscriptenTarget
from crossenv.pythons.build_details import build_details_text, pkg_config_texts
from crossenv.pythons.model import ConfigValue, HostPython, UnwrittenHost
from crossenv.pythons.named import Given
from crossenv.pythons.pyconfig import config_values, edit_pyconfig, parse_pyconfig
from crossenv.pythons.pyodide_layout import PyodidePython
from crossenv.synthesis.files import copied_headers, data_text, made_host, pyconfig_of
from crossenv.targets import Target

# How hosts are called that were made from a Pyodide on disk.
INSTALLATION = "Pyodide"
# What its `sysconfig` does not have: the names that `sysconfig.parse_config_h` passes over, and the header's guard.
_NOT_RECORDED = re.compile(r"[a-z_].*|Py_PYCONFIG_H")
# What a build asks of its `sysconfig`; of a Pyodide that is here come all the others too.
_OPTIMISE = "-DNDEBUG -O2 -g0 -Wall"


def pyodide_host_python(
    target: Target,
    build: HostPython,
    toolchain: Toolchain,
    directory: Path,
    *,
    host_prefix: str,
    search_path: str,
    given: Given | None = None,
) -> UnwrittenHost:
    """Make what Pyodide's Python would have for builds; see `synthesise_host_python`.

    Of a Pyodide that the user has (`given`) comes the configuration, and its headers if they are there.

    Raises:
        HostPythonError: The build Python is of another version, or free-threaded, or its `pyconfig.h` cannot be read.
    """
    assert isinstance(target, EmscriptenTarget)
    abi = target.abi
    if build.version != abi.python or build.free_threaded:
        raise HostPythonError(
            f"Pyodide's ABI {abi.name} has Python {abi.python}, and the build Python is"
            f" {build.version}{'t' if build.free_threaded else ''}",
            hint=f"name a Python {abi.python} of this machine with --python",
        )
    pyodide = given if isinstance(given, PyodidePython) else None
    text = pyconfig_of(build)
    defined = facts(abi.name) if pyodide is None else _defined(pyodide.config)
    changes = {name: defined.get(name) for name in parse_pyconfig(text) if not _NOT_RECORDED.fullmatch(name)}
    pyconfig = edit_pyconfig(text, changes)
    known = {} if pyodide is None else pyodide.config
    config = {**known, **_config(target, build, host_prefix), **config_values(pyconfig)}
    host = made_host(
        target,
        build,
        config,
        directory,
        host_executable=f"{host_prefix.rstrip('/')}/bin/python{build.version}",
        libc=Libc(family=target.libc, version=target.floor_text),
    )
    own_headers = build.include_dirs[0]
    if pyodide is not None:
        host = dataclasses.replace(
            host,
            source=pyodide.directory,
            layout=INSTALLATION,
            full_version=pyodide.full_version or host.full_version,
        )
    if pyodide is not None and pyodide.include is not None:
        own_headers = pyodide.include
        pyconfig = (own_headers / "pyconfig.h").read_text(encoding="utf-8")
    headers, pkgconfig = host.include_dirs[0], directory / "lib/pkgconfig"
    return UnwrittenHost(
        host=host,
        files={
            **copied_headers(own_headers, headers),
            headers / "pyconfig.h": pyconfig,
            host.sysconfigdata: data_text(config, build),
            directory / "build-details.json": build_details_text(host, headers=headers, pkgconfig=pkgconfig),
            **{pkgconfig / name: text for name, text in pkg_config_texts(host).items()},
        },
    )


@lru_cache
def facts(abi: str) -> dict[str, str]:
    """The macros of `pyconfig.h` that are defined in the Python of an ABI, with their values."""
    text = package_files("crossenv").joinpath("synthesis/pyodide.txt").read_text(encoding="utf-8")
    head, *rows = (line.split() for line in text.splitlines() if not line.startswith("#"))
    column = head.index(abi)
    return {row[0]: row[column] for row in rows if row[column] != "-"}


def _defined(config: Mapping[str, ConfigValue]) -> dict[str, str]:
    return {name: str(value) for name, value in config.items() if value not in (0, "")}


def _config(target: EmscriptenTarget, build: HostPython, host_prefix: str) -> dict[str, ConfigValue]:
    """What a build asks of its `sysconfig`, with the compilers' names that are replaced later."""
    version = tuple(map(int, build.version.split(".")))
    soabi, suffix = target.soabi_for(version, ""), platform_of_target(target).module_suffix
    return {
        "ABIFLAGS": "",
        "AR": "emar",
        "ARFLAGS": "rcs",
        "BASECFLAGS": "",
        "BLDLIBRARY": "",
        "BLDSHARED": "emcc -shared",
        "CC": "emcc",
        "CCSHARED": "-fPIC",
        "CFLAGS": _OPTIMISE,
        "CPP": "emcc -E",
        "CPPFLAGS": "",
        "CXX": "em++",
        # Its own is ".js"; packages that run here would add it to names of programs of this machine.
        "EXE": "",
        "EXT_SUFFIX": f".{soabi}{suffix}",
        "HOST_GNU_TYPE": target.gnu_type,
        "LDCXXSHARED": "em++ -shared",
        "LDFLAGS": "",
        "LDLIBRARY": f"libpython{build.version}.a",
        "LDSHARED": "emcc -shared",
        "LDVERSION": build.version,
        "LIBPYTHON": "",
        "LIBRARY": f"libpython{build.version}.a",
        "MACHDEP": EMSCRIPTEN,
        "MULTIARCH": target.multiarch,
        "OPT": _OPTIMISE,
        "PLATLIBDIR": "lib",
        "PYODIDE_ABI_VERSION": target.abi.name,
        "PY_CFLAGS": _OPTIMISE,
        "Py_DEBUG": 0,
        "Py_ENABLE_SHARED": 0,
        "RANLIB": "emranlib",
        "SHLIB_SUFFIX": suffix,
        "SOABI": soabi,
        "TZPATH": "/usr/share/zoneinfo:/usr/lib/zoneinfo:/usr/share/lib/zoneinfo:/etc/zoneinfo",
        "VERSION": build.version,
        "exec_prefix": host_prefix,
        "prefix": host_prefix,
    }

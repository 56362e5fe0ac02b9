"""A host Python for macOS that nobody has installed here: headers, `pyconfig.h` and configuration.

No compiler is asked: configure finds the same on every Mac (`crossenv.synthesis.macos_pyconfig`).
"""

from __future__ import annotations

from pathlib import Path

from crossenv.compilers.model import Toolchain
from crossenv.platforms import Libc, platform_of_target
from crossenv.platforms.macos import MACOS
from crossenv.pythons.model import ConfigValue, HostPython, UnwrittenHost
from crossenv.pythons.named import Given
from crossenv.pythons.pyconfig import config_values, edit_pyconfig, parse_pyconfig
from crossenv.synthesis.files import copied_headers, made_files, made_host, pyconfig_of
from crossenv.synthesis.macos_pyconfig import changes
from crossenv.targets import Target

# What python.org's installer has, without the two machines that it is for and without debug information.
_WARNINGS = "-fno-strict-overflow -Wsign-compare -Wunreachable-code -fno-common"
_OPTIMISE = "-DNDEBUG -O3 -Wall"


def macos_host_python(
    target: Target,
    build: HostPython,
    toolchain: Toolchain,
    directory: Path,
    *,
    host_prefix: str,
    search_path: str,
    given: Given | None = None,
) -> UnwrittenHost:
    """Make what an installation for `target` would have for builds; see `synthesise_host_python`.

    Raises:
        HostPythonError: The build Python's `pyconfig.h` cannot be read.
    """
    text = pyconfig_of(build)
    changed = changes(parse_pyconfig(text), machine=target.machine, free_threaded=build.free_threaded)
    pyconfig = edit_pyconfig(text, changed)
    config = _config(target, build, pyconfig, host_prefix)
    host = made_host(
        target,
        build,
        config,
        directory,
        host_executable=f"{host_prefix}/bin/python{build.version}{build.abi_flags}",
        libc=Libc(family=target.libc, version=target.floor_text),
    )
    headers = copied_headers(build.include_dirs[0], host.include_dirs[0])
    return UnwrittenHost(host=host, files={**headers, **made_files(host, build, config, pyconfig, host_prefix)})


def _config(target: Target, build: HostPython, pyconfig: str, host_prefix: str) -> dict[str, ConfigValue]:
    """What `sysconfig` says there of an installation of python.org's, with our tools' names."""
    version = tuple(map(int, build.version.split(".")))
    number = f"{build.version}{build.abi_flags}"
    soabi = target.soabi_for(version, build.abi_flags)
    cc, cxx = f"{target.gnu_triplet}-clang", f"{target.gnu_triplet}-clang++"
    module = "-bundle -undefined dynamic_lookup"
    library, include = f"{host_prefix}/lib", f"{host_prefix}/include/python{number}"
    return {
        **config_values(pyconfig),
        "ABIFLAGS": build.abi_flags,
        "AR": f"{target.gnu_triplet}-ar",
        "ARFLAGS": "rcs",
        "BASECFLAGS": _WARNINGS,
        "BINDIR": f"{host_prefix}/bin",
        "BLDSHARED": f"{cc} {module}",
        "BUILD_GNU_TYPE": target.gnu_type,
        "CC": cc,
        "CCSHARED": "",
        "CFLAGS": f"{_WARNINGS} {_OPTIMISE}",
        "CONFINCLUDEPY": include,
        "CPP": f"{cc} -E",
        "CPPFLAGS": "",
        "CXX": cxx,
        "EXE": "",
        "EXT_SUFFIX": f".{soabi}{platform_of_target(target).module_suffix}",
        "HOST_GNU_TYPE": target.gnu_type,
        "INCLUDEDIR": f"{host_prefix}/include",
        "INCLUDEPY": include,
        "LDCXXSHARED": f"{cxx} {module}",
        "LDFLAGS": "",
        "LDLIBRARY": f"libpython{number}.a",
        "LDSHARED": f"{cc} {module}",
        "LDVERSION": number,
        "LIBDEST": f"{library}/python{number}",
        "LIBDIR": library,
        "LIBM": "",
        "LIBPL": f"{library}/python{number}/config-{number}-{MACOS}",
        "LIBPYTHON": "",
        "LIBRARY": f"libpython{number}.a",
        "LIBS": "-ldl",
        "LINKCC": cc,
        "LINKFORSHARED": "-Wl,-stack_size,1000000",
        "MACHDEP": MACOS,
        "MACOSX_DEPLOYMENT_TARGET": target.floor_text,
        "MULTIARCH": target.multiarch,
        "OPT": _OPTIMISE,
        "PLATLIBDIR": "lib",
        "PYTHONFRAMEWORK": "",
        "Py_DEBUG": 0,
        "Py_ENABLE_SHARED": 0,
        "PY_CFLAGS": f"{_WARNINGS} {_OPTIMISE}",
        "RANLIB": f"{target.gnu_triplet}-ranlib",
        "SHLIB_SUFFIX": platform_of_target(target).module_suffix,
        "SOABI": soabi,
        "TZPATH": "/usr/share/zoneinfo:/usr/lib/zoneinfo:/usr/share/lib/zoneinfo:/etc/zoneinfo",
        "VERSION": build.version,
        "exec_prefix": host_prefix,
        "prefix": host_prefix,
        **({"Py_GIL_DISABLED": int(build.free_threaded)} if version >= (3, 13) else {}),
    }

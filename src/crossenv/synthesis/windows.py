"""A host Python for Windows that nobody has installed here: headers, configuration and import libraries.

No compiler is asked: CPython for Windows is not configured, its `pyconfig.h` is part of its sources.
"""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

from crossenv.compilers.model import Tool, Toolchain
from crossenv.compilers.run import run_tool
from crossenv.errors import HostPythonError, ToolchainError
from crossenv.platforms import Libc, platform_of_target
from crossenv.platforms.windows import WINDOWS
from crossenv.pythons.build_details import build_details_text, pkg_config_texts
from crossenv.pythons.model import ConfigValue, HostPython, UnwrittenHost
from crossenv.pythons.named import Given
from crossenv.pythons.windows_layout import WindowsPython
from crossenv.synthesis.files import copied_headers, data_text, made_host
from crossenv.synthesis.windows_exports import VERSIONS, definition_text
from crossenv.synthesis.windows_pyconfig import pyconfig_text, sizes
from crossenv.targets import Target

# How hosts are called that were made from a Python for Windows.
INSTALLATION = "Windows installation"
# dlltool's names of the machines (GNU binutils, -m).
_DLLTOOL_MACHINES = {"x86_64": "i386:x86-64", "i686": "i386", "aarch64": "arm64"}


def windows_host_python(
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

    Of a Python that the user has (`given`) come the headers, except for `pyconfig.h`, and the import libraries; and
    what is not there (an embeddable zip has neither) from its DLL's exports and the build Python.

    Raises:
        HostPythonError: Nothing is known of what the DLL of this version exports.
        ToolchainError: The import libraries cannot be made.
    """
    given = given if isinstance(given, WindowsPython) else None
    version = tuple(map(int, build.version.split(".")))
    libraries = platform_of_target(target).python_libraries(build.version, build.abi_flags)
    there = {} if given is None else {name: given.libraries[name] for name in libraries if name in given.libraries}
    exports = None if given is None else given.exports
    wanted = tuple(name for name in libraries if name not in there)
    made = _import_libraries(target, toolchain, wanted, build, search_path, exports)
    config = _config(target, build, host_prefix)
    host = made_host(
        target,
        build,
        config,
        directory,
        host_executable=f"{host_prefix}\\python.exe",
        libc=Libc(family=target.libc, version=""),
        libraries=tuple(directory / "lib" / library for library in libraries),
    )
    own_headers = build.include_dirs[0]
    if given is not None:
        full_version = given.full_version or build.full_version
        host = dataclasses.replace(host, source=given.directory, layout=INSTALLATION, full_version=full_version)
        own_headers = given.include or own_headers
    pyconfig = pyconfig_text(version, free_threaded=host.free_threaded)
    headers, pkgconfig = host.include_dirs[0], directory / "lib/pkgconfig"
    details = build_details_text(host, headers=headers, pkgconfig=pkgconfig, libraries=host.libraries)
    return UnwrittenHost(
        host=host,
        files={
            **copied_headers(own_headers, headers),
            headers / "pyconfig.h": pyconfig,
            host.sysconfigdata: data_text(config, build),
            directory / "lib/build-details.json": details,
            **{pkgconfig / name: text for name, text in pkg_config_texts(host).items()},
            **{directory / "lib" / name: content for name, content in made.items()},
            **{directory / "lib" / name: library for name, library in there.items()},
        },
    )


def _import_libraries(
    target: Target,
    toolchain: Toolchain,
    names: tuple[str, ...],
    build: HostPython,
    search_path: str,
    exports: frozenset[str] | None,
) -> dict[str, bytes]:
    """Make import libraries of these names; `exports` are those of the version's own DLL, if it is at hand."""
    dlltool = toolchain.binutils.get("dlltool")
    if dlltool is None:
        raise ToolchainError(
            f"{toolchain.cc.path} has no dlltool, which makes import libraries", hint="use --toolchain zig"
        )
    names_of_version = platform_of_target(target).python_libraries(build.version, build.abi_flags)
    tool = Tool(path=dlltool.path, args=dlltool.args)
    made = {}
    with tempfile.TemporaryDirectory(prefix="crossenv-dlltool-") as scratch:
        for name in names:
            dll = name.removesuffix(".lib")
            number, own = dll.removeprefix("python"), exports if name == names_of_version[0] else None
            text = definition_text(number, own, headers=build.include_dirs[0])
            if text is None:
                known = ", ".join(f"{one[0]}.{one[1:]}" for one in VERSIONS if len(one) > 1)
                raise HostPythonError(
                    f"nothing is known of what {dll}.dll for Windows exports: Python is one of {known}",
                    hint="name a build Python of such a version with --python",
                )
            definition, library = Path(scratch) / f"{dll}.def", Path(scratch) / name
            definition.write_text(text, encoding="ascii")
            machine = _DLLTOOL_MACHINES[target.identity.machine]
            words: list[str | Path] = ["-m", machine, "-d", definition, "-D", f"{dll}.dll", "-l", library]
            outcome = run_tool(tool, words, directory=Path(scratch), search_path=search_path)
            if not outcome.succeeded:
                raise ToolchainError(
                    f"{dlltool.path} cannot make {name}: {outcome.complaint}", hint="try another version of ziglang"
                )
            made[name] = library.read_bytes()
    return made


def _config(target: Target, build: HostPython, host_prefix: str) -> dict[str, ConfigValue]:
    """What `sysconfig` says there, and what build tools on this machine ask of any Python beside it."""
    version = tuple(map(int, build.version.split(".")))
    number = f"{build.version.replace('.', '')}{build.abi_flags}"
    soabi = target.soabi_for(version, build.abi_flags)
    cc, cxx = f"{target.gnu_triplet}-clang", f"{target.gnu_triplet}-clang++"
    optimise = "-DNDEBUG -O2 -Wall"
    config: dict[str, ConfigValue] = {
        "ABIFLAGS": build.abi_flags,
        "AR": f"{target.gnu_triplet}-ar",
        "ARFLAGS": "rcs",
        "BASECFLAGS": "",
        "BLDLIBRARY": f"-lpython{number}",
        "CC": cc,
        "CCSHARED": "",
        "CFLAGS": optimise,
        "CPP": f"{cc} -E",
        "CPPFLAGS": "",
        "CXX": cxx,
        # On Windows ".exe"; packages that run here would add it to names of programs of this machine (ninja).
        "EXE": "",
        "EXT_SUFFIX": f".{soabi}.pyd",
        "HOST_GNU_TYPE": target.gnu_type,
        "LDCXXSHARED": f"{cxx} -shared",
        "LDFLAGS": "",
        "LDLIBRARY": f"python{number}.dll",
        "LDSHARED": f"{cc} -shared",
        "LDVERSION": number,
        "LIBRARY": f"python{number}.dll",
        "LIBPYTHON": f"-lpython{number}",
        "MACHDEP": WINDOWS,
        "MULTIARCH": "",
        "OPT": optimise,
        "PLATLIBDIR": "DLLs",
        "Py_DEBUG": 0,
        "Py_ENABLE_SHARED": 1,
        "RANLIB": f"{target.gnu_triplet}-ranlib",
        "SHLIB_SUFFIX": platform_of_target(target).library_suffix,
        "SOABI": soabi,
        "TZPATH": "",
        "VERSION": number.rstrip("t"),
        "WITH_PYMALLOC": 1,
        "exec_prefix": host_prefix,
        "prefix": host_prefix,
        **sizes(target.identity.bits),
    }
    return config | ({"Py_GIL_DISABLED": int("t" in build.abi_flags)} if version >= (3, 13) else {})

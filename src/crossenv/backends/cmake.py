"""CMake and what is built on it: a toolchain file (cmake-toolchains(7))."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from crossenv.backends.fortran import fortran_command
from crossenv.record import CROSS_RUN, PREFIX, BackendRecord, Record

TOOLCHAIN_FILE = "etc/toolchain.cmake"
# The same for vcpkg, which has its own flags passed through it (vcpkg, "VCPKG_CHAINLOAD_TOOLCHAIN_FILE").
VCPKG_TOOLCHAIN_FILE = "etc/vcpkg-toolchain.cmake"
EMULATOR = "etc/bin/cross-python-only"
_TOOLS = {"AR": "ar", "RANLIB": "ranlib", "STRIP": "strip", "NM": "nm", "OBJCOPY": "objcopy", "OBJDUMP": "objdump"}
_TOOLS |= {"READELF": "readelf", "LINKER": "ld", "RC_COMPILER": "windres", "INSTALL_NAME_TOOL": "install_name_tool"}


_VCPKG = """\
# Made by crossenv: the host machine for vcpkg's ports.
include("${CMAKE_CURRENT_LIST_DIR}/toolchain.cmake")
get_property(_crossenv_trying GLOBAL PROPERTY IN_TRY_COMPILE)
# CMake reads this file more than once, and its test projects inherit the flags.
if(NOT _crossenv_trying AND NOT DEFINED _crossenv_vcpkg_flags)
  set(_crossenv_vcpkg_flags 1)
  string(APPEND CMAKE_C_FLAGS_INIT " -fPIC ${VCPKG_C_FLAGS}")
  string(APPEND CMAKE_CXX_FLAGS_INIT " -fPIC ${VCPKG_CXX_FLAGS}")
  foreach(_crossenv_kind DEBUG RELEASE)
    string(APPEND CMAKE_C_FLAGS_${_crossenv_kind}_INIT " ${VCPKG_C_FLAGS_${_crossenv_kind}}")
    string(APPEND CMAKE_CXX_FLAGS_${_crossenv_kind}_INIT " ${VCPKG_CXX_FLAGS_${_crossenv_kind}}")
  endforeach()
  foreach(_crossenv_kind EXE SHARED MODULE)
    string(APPEND CMAKE_${_crossenv_kind}_LINKER_FLAGS_INIT " ${VCPKG_LINKER_FLAGS}")
  endforeach()
endif()
"""


def quoted(text: str) -> str:
    """Quote an argument for the CMake language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'


class CMake:
    """scikit-build-core, scikit-build, py-build-cmake and setup.py files that call CMake."""

    def files(self, record: Record) -> Mapping[str, str]:
        """Return the toolchain file."""
        host, tools = record.host, record.toolchain.tools
        lines = [
            "# Made by crossenv: the host machine for CMake.",
            f"set(CMAKE_SYSTEM_NAME {host.platform.names.cmake})",
            f"set(CMAKE_SYSTEM_PROCESSOR {host.machine})",
        ]
        # A user's -D and variables win.
        compilers = {language: tools[tool].command for language, tool in (("C", "cc"), ("CXX", "cxx")) if tool in tools}
        compilers["Fortran"] = fortran_command(record)
        for language, command in compilers.items():
            lines += [
                f"if(NOT DEFINED CMAKE_{language}_COMPILER)",
                f"  set(CMAKE_{language}_COMPILER {quoted(command)})",
                "endif()",
            ]
        lines += [
            f'set(CMAKE_{name} {quoted(tools[tool].command)} CACHE FILEPATH "")'
            for name, tool in _TOOLS.items()
            if tool in tools
        ]
        sdk = f"{record.root}/{host.platform.sdk_link}"
        of_system = host.platform.cmake_variables(host.as_machine, sdk)
        lines += [f'set({name} {quoted(value)} CACHE STRING "")' for name, value in of_system.items()]
        # Link-time optimisation calls these; by default CMake looks for them beside the compiler.
        lines += [
            f"set(CMAKE_{language}_COMPILER_{name} {quoted(tools[tool].command)})"
            for language in ("C", "CXX")
            for name, tool in (("AR", "ar"), ("RANLIB", "ranlib"))
            if record.toolchain.family == "clang" and tool in tools
        ]
        roots = [root for root in (record.sysroot, sdk if of_system else None) if root is not None]
        lines += [
            "",
            "# Programs are the build machine's; headers, libraries, packages the target's or a build requirement's.",
            *(f"list(APPEND CMAKE_FIND_ROOT_PATH {quoted(root)})" for root in roots),
            f"list(APPEND CMAKE_FIND_ROOT_PATH {quoted(f'{record.root}/{PREFIX}')})",
            "if(DEFINED ENV{CROSSENV_BUILD_ROOTS})",
            '  string(REPLACE ":" ";" _crossenv_roots "$ENV{CROSSENV_BUILD_ROOTS}")',
            "  list(APPEND CMAKE_FIND_ROOT_PATH ${_crossenv_roots})",
            "  unset(_crossenv_roots)",
            "endif()",
            *(f"list(APPEND CMAKE_FIND_ROOT_PATH {quoted(directory)})" for directory in _include_roots(record)),
            # CMake reads this file more than once.
            "list(REMOVE_DUPLICATES CMAKE_FIND_ROOT_PATH)",
            "set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)",
            *(
                f"if(NOT DEFINED CMAKE_FIND_ROOT_PATH_MODE_{kind})\n"
                f"  set(CMAKE_FIND_ROOT_PATH_MODE_{kind} ONLY)\n"
                "endif()"
                for kind in ("LIBRARY", "INCLUDE", "PACKAGE")
            ),
        ]
        if host.multiarch:
            lines.append(f"set(CMAKE_LIBRARY_ARCHITECTURE {host.multiarch})")
        lines += ["", *_python_lines(record)]
        return {
            TOOLCHAIN_FILE: "\n".join(lines) + "\n",
            VCPKG_TOOLCHAIN_FILE: _VCPKG,
            EMULATOR: _emulator_text(record),
        }

    def environment(self, record: Record) -> Mapping[str, str]:
        """Return the variable that names the toolchain file (CMake 3.21)."""
        return {"CMAKE_TOOLCHAIN_FILE": f"{record.root}/{TOOLCHAIN_FILE}"}

    def modules(self, record: Record) -> Mapping[str, BackendRecord]:
        """Return their build directories; a failed compile ends their builds, unless a project says otherwise."""
        # scikit-build-core builds in a temporary directory unless the project names one.
        places = (
            *("tree:tool.scikit-build.editable.mode", "setting:build-dir", "variable:SKBUILD_BUILD_DIR"),
            "project:tool.scikit-build.build-dir",
        )
        # An override for builds that failed: `if.failed = true`.
        falls_back = r"\bfailed\s*=\s*true"
        return {
            "scikit_build_core": BackendRecord(fails_by_itself=True, falls_back=falls_back, build_directory=places),
            # A setup.py may catch the failure.
            "scikit_build_core.setuptools": BackendRecord(build_directory=places),
            "py_build_cmake": BackendRecord(fails_by_itself=True, build_directory=("path:.py-build-cmake_cache",)),
        }


def _include_roots(record: Record) -> list[str]:
    """Return the directories of the host Python's headers outside its sysroot."""
    sysroot = record.host.sysroot
    return [entry for entry in record.host.include_dirs if sysroot is None or not entry.startswith(sysroot + "/")]


def _emulator_text(record: Record) -> str:
    """Write a script that runs the environment's interpreters, and other programs only with --emulator."""
    if record.handover.emulator:
        others = f'exec {shlex.quote(f"{record.root}/{CROSS_RUN}")} "$@"\n'
    else:
        others = 'echo "crossenv: error: $1 is a program of the target and cannot run here" >&2\nexit 126\n'
    own = " | ".join(f"{shlex.quote(record.root)}/{place}/*" for place in ("bin", "cross/bin", "etc/bin"))
    return f'#!/bin/sh\ncase "$1" in\n{own} | "$CROSSENV_PYTHON") exec "$@" ;;\nesac\n' + others


def _python_lines(record: Record) -> list[str]:
    """Answer FindPython's questions to an interpreter, for its old and its new version."""
    config = f"{record.root}/etc/bin/python{record.host.version}{record.host.abi_flags}-config"
    launcher = f"{record.root}/{EMULATOR}"
    lines = [
        "# FindPython, FindPython3: the interpreter runs here, for the target. An isolated build has its own.",
        f"set(_crossenv_python {quoted(record.root + '/cross/bin/python')})",
        "if(DEFINED ENV{CROSSENV_PYTHON})",
        '  set(_crossenv_python "$ENV{CROSSENV_PYTHON}")',
        "endif()",
    ]
    # The last is FindPythonInterp's.
    for module in ("Python", "Python3", "PYTHON"):
        lines += [
            f"if(NOT DEFINED {module}_EXECUTABLE)",
            f'  set({module}_EXECUTABLE "${{_crossenv_python}}" CACHE FILEPATH "")',
            "endif()",
        ]
    for module in ("Python", "Python3"):
        lines += [
            # Before 4.1 it asks pythonX.Y-config for the extension suffix. Plain variables, not cached ones: 4.0
            # removes these from the cache before it has asked.
            f"set(_{module}_CONFIG {quoted(config)})",
            f"set(_{module}_CONFIG_LAUNCHER {quoted(config)})",
        ]
    lines += [
        "# FindPythonLibsNew (pybind11's classic mode) asks this interpreter for the size of a pointer, which",
        "# is its own, and compares it with the compiler's.",
        "macro(_crossenv_pointer_size variable access)",
        '  if("${access}" STREQUAL "MODIFIED_ACCESS")',
        f"    set(${{variable}} {record.host.identity.bits // 8})",
        "  endif()",
        "endmacro()",
        "if(NOT _crossenv_watches_pointer_size)",
        "  set(_crossenv_watches_pointer_size 1)",
        "  variable_watch(PYTHON_SIZEOF_VOID_P _crossenv_pointer_size)",
        "endif()",
    ]
    condition = "" if record.handover.emulator else "NOT CMAKE_VERSION VERSION_LESS 4.1 AND "
    lines += [
        "# From 4.1 on (CMP0190) FindPython asks the interpreter, through an emulator that has to be there. This one",
        "# runs the interpreter, and programs of the target only if the environment was made with --emulator.",
        f"if({condition}NOT DEFINED CMAKE_CROSSCOMPILING_EMULATOR)",
        f"  set(CMAKE_CROSSCOMPILING_EMULATOR {quoted(launcher)})",
        "endif()",
    ]
    return lines

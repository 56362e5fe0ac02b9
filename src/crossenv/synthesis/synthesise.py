"""Make a host Python's configuration from the build Python's own files and what a compiler says about the host."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from crossenv.compilers.model import Toolchain
from crossenv.errors import HostPythonError, ToolchainError, reason_of
from crossenv.libc.compiling import fits
from crossenv.platforms import Libc, platform_of_target
from crossenv.platforms.emscripten import EMSCRIPTEN
from crossenv.platforms.ios import IOS
from crossenv.platforms.macos import MACOS
from crossenv.platforms.windows import WINDOWS
from crossenv.pythons.build_python import headers_hint
from crossenv.pythons.model import ConfigValue, HostPython, UnwrittenHost
from crossenv.pythons.named import Given
from crossenv.pythons.pyconfig import edit_pyconfig, parse_pyconfig
from crossenv.pythons.read import read_host_python
from crossenv.synthesis.config import synthesised_config
from crossenv.synthesis.files import copied_headers, made_files, made_host
from crossenv.synthesis.ios import ios_host_python
from crossenv.synthesis.machine_macros import functions_to_ask, machine_macros
from crossenv.synthesis.macos import macos_host_python
from crossenv.synthesis.probe_object import Answers, ask_compiler
from crossenv.synthesis.pyodide import pyodide_host_python
from crossenv.synthesis.windows import windows_host_python
from crossenv.targets import Target


class Maker(Protocol):
    """Makes a host Python without asking a compiler; see `synthesise_host_python`."""

    def __call__(
        self,
        target: Target,
        build: HostPython,
        toolchain: Toolchain,
        directory: Path,
        *,
        host_prefix: str,
        search_path: str,
        given: Given | None = None,
    ) -> UnwrittenHost:
        """Make it."""


# For the systems on which a Python's configuration does not depend on the compiler.
_MAKERS_WITHOUT_COMPILER: Mapping[str, Maker] = {
    WINDOWS: windows_host_python,
    MACOS: macos_host_python,
    IOS: ios_host_python,
    EMSCRIPTEN: pyodide_host_python,
}


def read_build_facts(executable: Path) -> HostPython:
    """The build Python's headers and configuration, read like a host's.

    Args:
        executable: The build Python's own executable, not one of a virtual environment.

    Raises:
        HostPythonError: It is not a CPython, or its headers or configuration are not there.
    """
    if "pypy" in executable.name or "pypy" in executable.resolve().name:
        raise HostPythonError(
            f"{executable} is PyPy, and a target's Python is derived from a CPython only",
            hint="name a CPython of this machine with --python",
        )
    try:
        return read_host_python(executable)
    except HostPythonError as error:
        lacks_files = re.search(r"Python\.h|pyconfig\.h|_sysconfigdata", error.message)
        raise HostPythonError(
            f"no target's Python can be derived from {executable}: {error.message}",
            hint=headers_hint(version[0] if (version := re.search(r"3\.\d+", executable.name)) else "3.X")
            if lacks_files
            else "name a CPython of this machine with --python",
        ) from error


def as_free_threaded(build: HostPython) -> HostPython:
    """Return what a build Python with the GIL would say of itself if it had been built without one (PEP 703).

    `configure --disable-gil` changes one macro, the ABI flags, and the names that hold them.

    Args:
        build: The build Python, by `read_build_facts`.
    """
    if build.free_threaded:
        return build
    flags = f"t{build.abi_flags}"
    nodot = build.version.replace(".", "")
    number = re.escape(build.version)
    names = re.compile(rf"(?P<name>python{number}|config-{number}(?=-)|cpython-{nodot}(?=-))(?![\dt])")

    def renamed(value: ConfigValue) -> ConfigValue:
        return names.sub(r"\g<name>t", value) if isinstance(value, str) else value

    config = {name: renamed(value) for name, value in build.config.items()}
    config |= {"Py_GIL_DISABLED": 1, "ABIFLAGS": flags, "LDVERSION": f"{build.version}{flags}"}
    if "ABI_THREAD" in config:
        config["ABI_THREAD"] = "t"
    return replace(build, abi_flags=flags, soabi=str(renamed(build.soabi)), config=config)


def synthesise_host_python(
    target: Target,
    build: HostPython,
    toolchain: Toolchain,
    directory: Path,
    *,
    host_prefix: str = "",
    defines: tuple[str, ...] = (),
    search_path: str = os.defpath,
    given: Given | None = None,
) -> UnwrittenHost:
    """Make a host Python's headers and configuration, as they would be if it had been built for `target`.

    Nothing of the host is run: the compiler's objects are read. Nothing is written.

    Args:
        target: The host.
        build: The build Python, by `read_build_facts`.
        toolchain: The compiler for the host.
        directory: Where the files will be: `include/pythonX.Y`, `lib/pkgconfig`, `_sysconfigdata_*.py`,
            `build-details.json`.
        host_prefix: `sys.prefix` on the host; "" for the system's usual one.
        defines: Options that every compile for the host needs (`-D_TIME_BITS=64`).
        search_path: PATH, for the programs that the compiler starts.
        given: A Python for Windows or iOS or a Pyodide that the user has, to take what is there from it.

    Raises:
        HostPythonError: The build Python is not a CPython for Linux, or lacks headers.
        ToolchainError: The compiler makes objects for another machine, or cannot answer.
    """
    if build.implementation != "cpython":
        raise HostPythonError(
            f"{build.source} is {build.implementation}, and a target's Python is derived from a CPython only",
            hint="name a CPython of this machine with --python",
        )
    if not build.full_version:
        raise HostPythonError(
            f"{build.include_dirs[0]} has no patchlevel.h", hint="install all of this Python's headers"
        )
    host_prefix = host_prefix or platform_of_target(target).default_prefix(build.version)
    if make := _MAKERS_WITHOUT_COMPILER.get(target.system):
        return make(target, build, toolchain, directory, host_prefix=host_prefix, search_path=search_path, given=given)
    header = build.include_dirs[-1] / "pyconfig.h"
    try:
        text = header.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HostPythonError(
            f"cannot read {header}: {reason_of(error)}", hint="install this Python's headers again"
        ) from error
    macros = parse_pyconfig(text)
    same_libc = build.libc.family == target.libc
    functions = functions_to_ask(macros, same_libc=same_libc)
    answers = ask_compiler(toolchain, macros, functions, defines=defines, search_path=search_path)
    _require_machine(toolchain, answers, target)
    changed = machine_macros(target, macros, answers, same_libc=same_libc)
    if build.free_threaded:
        changed |= {"Py_GIL_DISABLED": "1"}
    pyconfig = edit_pyconfig(text, changed)
    version = tuple(map(int, build.version.split(".")))
    multiarch, soabi = target.multiarch_for(version), target.soabi_for(version, build.abi_flags)
    config = synthesised_config(
        target,
        build,
        pyconfig=pyconfig,
        soabi=soabi,
        multiarch=multiarch,
        compiler_family=toolchain.family,
        host_prefix=host_prefix,
        defines=defines,
    )
    libc = Libc(family=target.libc, version=_libc_version(target, answers))
    program = f"{host_prefix.rstrip('/')}/bin/python{build.version}{build.abi_flags}"
    host = made_host(target, build, config, directory, host_executable=program, libc=libc)
    headers = copied_headers(build.include_dirs[0], host.include_dirs[0])
    return UnwrittenHost(host=host, files={**headers, **made_files(host, build, config, pyconfig, host_prefix)})


def _require_machine(toolchain: Toolchain, answers: Answers, target: Target) -> None:
    if answers.identity != target.identity:
        raise ToolchainError(
            f"{toolchain.cc.path} makes {answers.identity} objects, and the target {target} is {target.identity}",
            hint=f"name a compiler for {target.gnu_triplet} with --cc",
        )
    if not fits(answers.glibc, target.libc):
        raise ToolchainError(
            f"{toolchain.cc.path} has {'' if answers.glibc else 'no '}glibc, and the target {target} has {target.libc}",
            hint=f"name a compiler for {target.gnu_triplet} with --cc",
        )


def _libc_version(target: Target, answers: Answers) -> str:
    # Without a policy, the host has what its compiler has.
    return target.floor_text if target.policy else answers.glibc or target.floor_text

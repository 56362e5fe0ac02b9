"""A cross build that is made up: lets a build tool test what it does in one, anywhere that crossenv is installed."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from importlib.resources import as_file
from importlib.resources import files as package_files
from pathlib import Path
from types import ModuleType
from typing import Any

from crossenv.compilers.model import Tool, Toolchain
from crossenv.environment.plan import Options, make_plan
from crossenv.errors import UsageError
from crossenv.files import scratch_directory
from crossenv.platforms import EXAMPLE, Libc, platform_of_target
from crossenv.pythons.build_python import BuildPython
from crossenv.pythons.model import HostPython
from crossenv.record import Record
from crossenv.targets import Target, parse_target

_MODULE = "crossenv_info"
_BINUTILS = ("ar", "ranlib", "strip", "nm", "objcopy", "objdump", "readelf", "ld")


@contextlib.contextmanager
def mock(
    target: str = EXAMPLE,
    *,
    python: str = "",
    root: str = "/made-up/env",
    changes: Mapping[str, Any] | None = None,
) -> Iterator[ModuleType]:
    """Let `import crossenv_info` succeed for a while, as in an environment for `target`; a decorator, too.

    `sys.cross_compiling`, `PYTHON_CROSSENV` and `CROSSENV_RECORD` are there with it, the last one with a file behind
    it. What `platform`, `sysconfig` and the like say is not changed. Everything is as before at the end.

    Args:
        target: A target's name, as `crossenv create --target` takes it.
        python: The host Python's version, "3.12"; the running one's if empty.
        root: Where the environment is said to be. Nothing is there.
        changes: Values of the description that differ, nested as there:
            `{"toolchain": {"tools": {"cc": "/usr/bin/cc"}}}`. None is a value.

    Yields:
        The module.

    Raises:
        UsageError: There is no such target or Python.
        CrossInfoError: A change is of the wrong type; the message names the key.
    """
    description = _changed(made_up(target, python=python, root=root), changes or {})
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(scratch_directory("mock")))
        (directory / "crossenv.json").write_text(json.dumps({"cross_build_info": description}), encoding="utf-8")
        module = stack.enter_context(_module())
        module._use(description)
        stack.enter_context(_replaced(vars(sys), "cross_compiling", True))
        stack.enter_context(_replaced(os.environ, "PYTHON_CROSSENV", "1"))
        stack.enter_context(_replaced(os.environ, "CROSSENV_RECORD", str(directory / "crossenv.json")))
        yield module


def made_up(target: str, *, python: str = "", root: str = "/made-up/env") -> dict[str, Any]:
    """What describes the cross build in a made-up environment (docs/reference/crossenv-info.md).

    The arguments are those of `mock`.

    Raises:
        UsageError: There is no such target or Python.
    """
    return made_up_record(target, python=python, root=root).cross_build_info


def made_up_record(target: str, *, python: str = "", root: str = "/made-up/env") -> Record:
    """The whole record of a made-up environment.

    The arguments are those of `mock`.

    Raises:
        UsageError: There is no such target or Python.
    """
    parsed = parse_target(target)
    version = python or f"{sys.version_info[0]}.{sys.version_info[1]}"
    if not re.fullmatch(r"3\.\d+", version):
        raise UsageError(f"{version!r} is not a version of Python", hint='name one such as "3.12"')
    plan = make_plan(
        Path(root),
        build=_build_python(version),
        host=_host_python(parsed, version),
        toolchain=_toolchain(parsed),
        options=Options(),
        target=parsed,
    )
    return plan.record


def _build_python(version: str) -> BuildPython:
    return BuildPython(
        executable=Path(f"/usr/bin/python{version}"),
        prefix=Path("/usr"),
        stdlib=Path(f"/usr/lib/python{version}"),
        implementation="cpython",
        version=version,
        full_version=f"{version}.0",
        abi_flags="",
        machine="x86_64",
    )


def _host_python(target: Target, version: str) -> HostPython:
    data = f"{platform_of_target(target).data_module('', target.multiarch)}.py"
    soabi = target.soabi_for(tuple(map(int, version.split("."))), "")
    return HostPython(
        source=Path(target.text),
        layout="made up",
        sysconfigdata=Path("/made-up/host") / data,
        config={"CFLAGS": "-Wall -O3 -DNDEBUG"},
        implementation="cpython",
        version=version,
        full_version=f"{version}.0",
        abi_flags="",
        soabi=soabi,
        ext_suffix=f".{soabi}{platform_of_target(target).module_suffix}",
        multiarch=target.multiarch,
        gnu_type=target.gnu_type,
        include_dirs=(Path(f"/made-up/host/include/python{version}"),),
        lib_dir=None,
        executable=None,
        host_executable=f"/usr/bin/python{version}",
        sysroot=None,
        identity=target.identity,
        machine=target.machine,
        libc=Libc(family=target.libc, version=target.floor_text),
        system=target.system,
    )


def _toolchain(target: Target) -> Toolchain:
    tools = {name: Tool(path=Path(f"/usr/bin/{target.gnu_triplet}-{name}")) for name in ("gcc", "g++", *_BINUTILS)}
    return Toolchain(
        family="gcc",
        version="12.2.0",
        cc=tools.pop("gcc"),
        cxx=tools.pop("g++"),
        fc=None,
        binutils=tools,
        triplet=target.gnu_triplet,
        identity=target.identity,
        sysroot=None,
        library_dirs=(),
        macros={},
    )


def _changed(description: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(description)
    for key, value in changes.items():
        old = changed.get(key)
        changed[key] = _changed(old, value) if isinstance(old, dict) and isinstance(value, Mapping) else value
    return changed


@contextlib.contextmanager
def _replaced(mapping: MutableMapping[str, Any], key: str, value: object) -> Iterator[None]:
    missing = object()
    old = mapping.get(key, missing)
    mapping[key] = value
    try:
        yield
    finally:
        if old is missing:
            mapping.pop(key, None)
        else:
            mapping[key] = old


@contextlib.contextmanager
def _module() -> Iterator[ModuleType]:
    """The very module that environments serve, importable for a while."""
    with as_file(package_files("crossenv").joinpath("shim/_crossenv/crossenv_info.py")) as path:
        spec = importlib.util.spec_from_file_location(_MODULE, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        with _replaced(sys.modules, _MODULE, module):
            spec.loader.exec_module(module)
            yield module

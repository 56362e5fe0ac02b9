"""What a project's own build code is told of the system, where the target's is another than this machine's.

A `setup.py` that asks `sys.platform` asks for the target: it chooses sources, libraries and options by the answer. The
standard library and the back ends ask for the machine that they run on: they choose path separators, shells and ways to
start processes. So modules whose files lie in the project import stand-ins of `sys`, `os` and `platform`, and all
others the modules themselves.

Not reached: `sys.modules["sys"]`, `importlib.import_module("sys")`, and code that is executed without a `__file__`.
With CROSSENV_PROJECT_PLATFORM=native a project is told of this machine.
"""

import builtins
import os
import platform
import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from _crossenv.facts_types import Facts, System

VARIABLE = "CROSSENV_PROJECT_PLATFORM"
# What the oldest system says that CPython 3.13 runs on.
_WINDOWS_VERSION = (10, 0, 19045, 2, "")


class StandIn(types.ModuleType):
    """A module with other answers to a few questions."""

    def __init__(self, real: types.ModuleType, answers: "Mapping[str, Any]") -> None:
        super().__init__(real.__name__, real.__doc__)
        own = object.__getattribute__(self, "__dict__")
        own.clear()
        own.update(answers)
        own["_real"] = real

    def __getattr__(self, name: str) -> "Any":
        return getattr(object.__getattribute__(self, "__dict__")["_real"], name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._real, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._real, name)

    def __dir__(self) -> "list[str]":
        return dir(self._real)


class WindowsVersion(tuple):  # type: ignore[type-arg]
    """`sys.getwindowsversion()`."""

    __slots__ = ()
    major, minor, build, platform, service_pack = _WINDOWS_VERSION
    platform_version = _WINDOWS_VERSION[:3]
    product_type = 1


def stand_ins(facts: "Facts", system: "System") -> "dict[str, StandIn]":
    """`sys`, `os` and `platform` as they are on the target."""
    machine = facts["machine"]
    windows = system["sys_platform"] == "win32"
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    release = f"{_WINDOWS_VERSION[0]}" if windows else ""
    number = ".".join(map(str, _WINDOWS_VERSION[:3])) if windows else ""
    bits = facts["identity"]["bits"]
    linkage = "WindowsPE" if windows else ""
    of_windows = {"winver": version, "getwindowsversion": lambda: WindowsVersion(_WINDOWS_VERSION)}
    named = platform.uname()._replace(system=system["system"], release=release, version=number)
    return {
        "sys": StandIn(
            sys,
            {
                "platform": system["sys_platform"],
                "maxsize": 2 ** (bits - 1) - 1,
                **(of_windows if windows else {}),
            },
        ),
        "os": StandIn(os, {"name": system["os_name"]}),
        "platform": StandIn(
            platform,
            {
                "system": lambda: system["system"],
                "machine": lambda: machine,
                "release": lambda: release,
                "version": lambda: number,
                "uname": lambda: named,
                "architecture": lambda *_arguments, **_options: (f"{bits}bit", linkage),
                "platform": lambda *_arguments, **_options: "-".join(filter(None, (system["system"], release, number))),
                "win32_ver": lambda *_arguments, **_options: (release, number, "", "") if windows else ("", "", "", ""),
                "libc_ver": lambda *_arguments, **_options: ("", ""),
            },
        ),
    }


def install(project: str, facts: "Facts", system: "System") -> None:
    """Give the modules of the project in this directory the stand-ins, from now on."""
    if os.environ.get(VARIABLE, "") == "native":
        return
    root = os.path.realpath(project) + os.sep
    answers = stand_ins(facts, system)
    real_import = builtins.__import__
    decided: dict[str, bool] = {}

    def is_projects(file: object) -> bool:
        if not isinstance(file, str):
            return False
        if file not in decided:
            inside = "site-packages" not in file and "dist-packages" not in file
            decided[file] = inside and os.path.realpath(file).startswith(root)
        return decided[file]

    def import_(
        name: str,
        globals: "Mapping[str, object] | None" = None,
        locals: "Mapping[str, object] | None" = None,
        fromlist: "Sequence[str] | None" = (),
        level: int = 0,
    ) -> types.ModuleType:
        module = real_import(name, globals, locals, fromlist, level)
        if level or globals is None:
            return module
        # `import os.path` binds `os`.
        asked = name if fromlist else name.partition(".")[0]
        if asked in answers and is_projects(globals.get("__file__")):
            return answers[asked]
        return module

    builtins.__import__ = import_

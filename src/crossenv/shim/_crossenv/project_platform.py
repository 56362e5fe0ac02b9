"""What a project's own build code is told of the system, where the target's is another than this machine's.

A `setup.py` that asks `sys.platform` asks for the target: it chooses sources, libraries and options by the answer. The
standard library and the back ends ask for the machine that they run on: they choose path separators, shells and ways to
start processes. So modules whose files lie in the project import stand-ins of `sys`, `os` and `platform`, and all
others the modules themselves.

Not reached: `sys.modules["sys"]`, `importlib.import_module("sys")`, and code that is executed without a `__file__`.
With CROSSENV_PROJECT_PLATFORM=native a project is told of this machine.
"""

import builtins
import collections
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
# How `sys.version` ends there (CPython's PC/pyconfig.h), whatever the compiler before it.
_WINDOWS_WORDS = {"AMD64": "64 bit (AMD64)", "ARM64": "64 bit (ARM64)", "x86": "32 bit (Intel)"}


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
    bits, machine = facts["identity"]["bits"], facts["machine"]
    own = {"win32": _on_windows, "darwin": _on_macos, "ios": _on_ios, "android": _on_android}
    answers = own.get(system["sys_platform"], _elsewhere)(facts, system)
    asked = answers["platform"]
    release, version = asked["release"](), asked["version"]()
    named = platform.uname()._replace(system=system["system"], release=release, version=version)
    common: dict[str, dict[str, Any]] = {
        "sys": {"platform": system["sys_platform"], "maxsize": 2 ** (bits - 1) - 1},
        "os": {"name": system["os_name"]},
        "platform": {
            "system": lambda: system["system"],
            "machine": lambda: machine,
            "uname": lambda: named,
            "libc_ver": lambda *_arguments, **_options: ("", ""),
        },
    }
    modules = {"sys": sys, "os": os, "platform": platform}
    return {name: StandIn(module, {**common[name], **answers[name]}) for name, module in modules.items()}


def _on_windows(facts: "Facts", system: "System") -> "dict[str, dict[str, Any]]":
    bits, release = facts["identity"]["bits"], f"{_WINDOWS_VERSION[0]}"
    number = ".".join(map(str, _WINDOWS_VERSION[:3]))
    return {
        "sys": {
            "version": f"{sys.version.rstrip().rstrip(']')} {_WINDOWS_WORDS.get(facts['machine'], '')}]",
            "winver": f"{sys.version_info[0]}.{sys.version_info[1]}",
            "getwindowsversion": lambda: WindowsVersion(_WINDOWS_VERSION),
        },
        "os": {},
        "platform": {
            "release": lambda: release,
            "version": lambda: number,
            "architecture": lambda *_arguments, **_options: (f"{bits}bit", "WindowsPE"),
            "platform": lambda *_arguments, **_options: f"{system['system']}-{release}-{number}",
            "win32_ver": lambda *_arguments, **_options: (release, number, "", ""),
        },
    }


def _on_macos(facts: "Facts", system: "System") -> "dict[str, dict[str, Any]]":
    bits, machine, macos = facts["identity"]["bits"], facts["machine"], facts["libc"]["version"]
    major, minor = map(int, macos.split(".")[:2])
    # The kernel of 10.13 is Darwin 17, that of 11 Darwin 20, of 15 24, and of 26, the next one, 25.
    release = f"{minor + 4 if major == 10 else major + 9 if major < 26 else major - 1}.0.0"
    version = f"Darwin Kernel Version {release}"
    named = os.uname()
    uname = type(named)((system["system"], named.nodename, release, version, machine))
    processor = "arm" if machine == "arm64" else "i386"
    return {
        "sys": {},
        "os": {"uname": lambda: uname},
        "platform": {
            "release": lambda: release,
            "version": lambda: version,
            "processor": lambda: processor,
            "architecture": lambda *_arguments, **_options: (f"{bits}bit", ""),
            "platform": lambda *_arguments, **_options: f"macOS-{macos}-{machine}-{processor}-{bits}bit",
            "mac_ver": lambda *_arguments, **_options: (macos, ("", "", ""), machine),
        },
    }


# `platform.android_ver()`, and its defaults.
AndroidVer = collections.namedtuple("AndroidVer", "release api_level manufacturer model device is_emulator")
_NO_DEVICE = AndroidVer("", 0, "", "", "", False)


def _on_android(facts: "Facts", system: "System") -> "dict[str, dict[str, Any]]":
    """Say nothing of a device but the API level, which is the lowest that it may have."""
    level = int(facts["libc"]["version"] or 0)
    answers = _elsewhere(facts, system)
    answers["sys"]["getandroidapilevel"] = lambda: level
    answers["platform"]["android_ver"] = lambda *_arguments, **_options: _NO_DEVICE._replace(api_level=level)
    return answers


def _on_ios(facts: "Facts", system: "System") -> "dict[str, dict[str, Any]]":
    """Answer as CPython does there: `platform` speaks of iOS, and `os.uname` of its kernel."""
    bits, machine, ios = facts["identity"]["bits"], facts["machine"], facts["libc"]["version"]
    major = int(ios.partition(".")[0])
    # The kernel of iOS 13 is Darwin 19, that of 18 Darwin 24, and of 26, the next one, 25.
    kernel = f"{major + 6 if major < 26 else major - 1}.0.0"
    named = os.uname()
    uname = type(named)(("Darwin", named.nodename, kernel, f"Darwin Kernel Version {kernel}", machine))
    return {
        "sys": {},
        "os": {"uname": lambda: uname},
        "platform": {
            "release": lambda: ios,
            "version": lambda: "",
            "processor": lambda: "arm" if machine == "arm64" else "i386",
            "architecture": lambda *_arguments, **_options: (f"{bits}bit", ""),
            "platform": lambda *_arguments, **_options: f"iOS-{ios}-{machine}-{bits}bit",
        },
    }


def _elsewhere(facts: "Facts", system: "System") -> "dict[str, dict[str, Any]]":
    """Say nothing of versions."""
    bits = facts["identity"]["bits"]
    return {
        "sys": {},
        "os": {},
        "platform": {
            "release": lambda: "",
            "version": lambda: "",
            "architecture": lambda *_arguments, **_options: (f"{bits}bit", ""),
            "platform": lambda *_arguments, **_options: system["system"],
        },
    }


def install(project: str, facts: "Facts", system: "System") -> None:
    """Give the modules of the project in this directory the stand-ins, from now on."""
    if os.environ.get(VARIABLE, "") == "native":
        return
    if system["sys_platform"] == "win32":
        _name_program_files()
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


def _name_program_files() -> None:
    """Set what is always set on Windows, and what projects list (pillow): nothing is installed there."""
    from _crossenv import scratch

    empty = os.path.join(scratch.directory(), "Program Files")
    os.makedirs(empty, exist_ok=True)
    for name in ("ProgramFiles", "ProgramFiles(x86)"):
        os.environ.setdefault(name, empty)

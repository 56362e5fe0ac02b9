"""Which implementation a recorded configuration is of, and for which system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from crossenv.errors import HostPythonError
from crossenv.host.model import ConfigValue, Libc
from crossenv.host.sysconfigdata import text_of

LINUX, ANDROID, IOS = "linux", "android", "ios"
_OTHER_SYSTEMS = ("darwin", "emscripten", "wasi", "cygwin", "mingw", "win32")
# The ABIs of Android by machine, as wheel tags spell them (PEP 738).
_ANDROID_ABIS = {"aarch64": "arm64_v8a", "armv7l": "armeabi_v7a", "armv5tel": "armeabi_v7a", "i686": "x86"}


def implementation_of(config: Mapping[str, ConfigValue], file: Path) -> str:
    """Either "cpython" or "pypy".

    Raises:
        HostPythonError: Another one.
    """
    soabi = text_of(config, "SOABI", file)
    for start, name in (("cpython-", "cpython"), ("pypy", "pypy")):
        if soabi.startswith(start):
            return name
    raise HostPythonError(
        f"{file} is not CPython's or PyPy's: its SOABI is {soabi!r}", hint="name a CPython with --host-python"
    )


def system_of(config: Mapping[str, ConfigValue], file: Path) -> str:
    """`LINUX`, `ANDROID` or `IOS`.

    Raises:
        HostPythonError: Another system.
    """
    soabi = text_of(config, "SOABI", file)
    system = str(config.get("MACHDEP", ""))
    if system.startswith(ANDROID) or "android" in soabi:
        return ANDROID
    if system.lower().startswith(IOS) or "iphone" in soabi:
        return IOS
    for other in _OTHER_SYSTEMS:
        if system.startswith(other) or other in soabi:
            raise HostPythonError(
                f"{file} is for {other}; only Linux hosts with glibc or musl can be read",
                hint="name a Linux host's CPython with --host-python",
            )
    return LINUX


def library_of_system(system: str, config: Mapping[str, ConfigValue]) -> Libc:
    """The C library of a system that has but one."""
    if system == ANDROID:
        return Libc(family="bionic", version=str(config.get("ANDROID_API_LEVEL", "")))
    return Libc(family="apple", version=str(config.get("IPHONEOS_DEPLOYMENT_TARGET") or "13.0"))


def platform_tag_of(system: str, *, machine: str, multiarch: str, libc: Libc) -> str:
    """The platform tag of wheels for a host Python itself: "linux_aarch64", "android_24_arm64_v8a" (PEP 730, 738)."""
    if system == ANDROID:
        return f"android_{libc.version}_{_ANDROID_ABIS.get(machine, machine)}"
    if system == IOS:
        return f"ios_{libc.version.replace('.', '_')}_{multiarch.replace('-', '_')}"
    return f"linux_{machine}"

"""What a user names instead of a target, and that stands for one: a Python of another system than Linux, or a dump."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crossenv.errors import HostPythonError
from crossenv.platforms import PLATFORMS
from crossenv.platforms.ios import IOS
from crossenv.platforms.macos import MACOS, tag_of_release
from crossenv.platforms.target import Target
from crossenv.platforms.windows import WINDOWS
from crossenv.pythons.dump_document import is_dump, load_dump
from crossenv.pythons.model import ConfigValue
from crossenv.pythons.pyodide_layout import PyodidePython, find_pyodide
from crossenv.pythons.sysconfigdata import parse_sysconfigdata, text_of
from crossenv.pythons.windows_layout import WindowsPython, find_windows_python, target_name


@dataclass(frozen=True, kw_only=True, slots=True)
class IOSPython:
    """A Python for iOS.

    Attributes:
        data: Its configuration.
    """

    data: Path


Given = WindowsPython | PyodidePython | IOSPython
_IOS_DATA = f"_sysconfigdata_*_{IOS}_*.py"
# A slice of an XCframework, the XCframework, and the archive with that.
_IOS_PLACES = (".", "ios-*", "Python.xcframework/ios-*")
_MACOS_DATA = f"_sysconfigdata_*_{MACOS}_{MACOS}.py"
# A prefix, a framework as python.org installs it, uv's Pythons and bytedeco's jars.
_MACOS_PLACES = (
    ".",
    "Versions/3*",
    "Python.framework/Versions/3*",
    "install",
    "python",
    "org/bytedeco/cpython/macosx-*",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedPython:
    """A Python that stands for its target.

    Attributes:
        source: What was named.
        target: Its platform tag: "win_amd64".
        version: "3.13".
        flags: ABI flags.
        python: Its files; None where only its version and its target count.
    """

    source: Path
    target: str
    version: str
    flags: str
    python: Given | None


def named_python(path: Path, target: Target | None = None) -> NamedPython | None:
    """The Python that `path` stands for; None if it is of another kind.

    Args:
        path: The file or directory.
        target: Which of several Pythons for iOS is meant; None if the user does not say.

    Raises:
        HostPythonError: It is one that cannot be read.
    """
    if not path.exists():
        return None
    if is_dump(path):
        dump = load_dump(path)
        # ".cp313-win_amd64.pyd"
        tag = dump.extension_suffix.rpartition("-")[2].partition(".")[0]
        found = NamedPython(source=path, target=tag, version=dump.version, flags=dump.abi_flags, python=None)
        return found if dump.system == WINDOWS else None
    if pyodide := find_pyodide(path):
        return NamedPython(
            source=pyodide.directory, target=pyodide.abi.tag, version=pyodide.version, flags="", python=pyodide
        )
    if apple := _macos_python(path) or _ios_python(path, target):
        return apple
    python = find_windows_python(path)
    if python is None:
        return None
    return NamedPython(
        source=python.dll, target=target_name(python), version=python.version, flags=python.flags, python=python
    )


def _macos_python(path: Path) -> NamedPython | None:
    """Find a Python for macOS by its configuration: its version, machine and oldest release are all that counts."""
    if path.is_file():
        found = [path] if path.match(_MACOS_DATA) else []
    else:
        found = [one for place in _MACOS_PLACES for one in sorted(path.glob(f"{place}/lib/python3*/{_MACOS_DATA}"))]
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(map(str, found))
        raise HostPythonError(f"several Pythons for macOS in {path}: {names}", hint="name the directory of one")
    (data,) = found
    config = parse_sysconfigdata(data)
    machines = {*re.findall(r"-arch (\S+)", text_of(config, "CFLAGS", data, ""))}
    machines = machines or {text_of(config, "HOST_GNU_TYPE", data).partition("-")[0].replace("aarch64", "arm64")}
    release = text_of(config, "MACOSX_DEPLOYMENT_TARGET", data)
    if not re.fullmatch(r"\d+(\.\d+)*", release) or not machines <= {"arm64", "x86_64"}:
        raise HostPythonError(
            f"{data} is for macOS {release} on {' and '.join(sorted(machines))}, which is not a target",
            hint="name a Python for arm64 or x86_64",
        )
    if len(machines) > 1:
        tag = tag_of_release(release, "arm64")
        raise HostPythonError(
            f"{data} is of a Python for {' and '.join(sorted(machines))}, and an environment is for one machine",
            hint=f"name the target, such as --target {tag}, and the version with --python",
        )
    return NamedPython(
        source=data,
        target=tag_of_release(release, *machines),
        version=text_of(config, "VERSION", data),
        flags=text_of(config, "ABIFLAGS", data, ""),
        python=None,
    )


def _ios_python(path: Path, target: Target | None) -> NamedPython | None:
    """Find a Python for iOS by its configuration; an XCframework has one for devices and two for the simulator."""
    if path.is_file():
        files = [path] if path.match(_IOS_DATA) else []
    else:
        files = [one for place in _IOS_PLACES for one in sorted(path.glob(f"{place}/lib*/python3*/{_IOS_DATA}"))]
    found = [(file, _ios_tag(file, parse_sysconfigdata(file))) for file in files]
    if not found:
        return None
    tags = ", ".join(dict.fromkeys(tag for _, tag in found))
    if target is not None:
        found = [(file, tag) for file, tag in found if _kind_of(tag) == _kind_of(target.platform_tag)]
        if not found:
            raise HostPythonError(
                f"{path} has no Python for {target.platform_tag}: it is for {tags}",
                hint="name Python.xcframework of CPython's release for iOS with --host-python",
            )
    if len(found) > 1:
        raise HostPythonError(f"several Pythons for iOS in {path}: {tags}", hint="name the one meant with --target")
    ((data, tag),) = found
    config = parse_sysconfigdata(data)
    floor = PLATFORMS[IOS].only_libc(config)
    if target is not None and floor is not None and target.floor < floor.numbers:
        raise HostPythonError(f"{data} is for iOS {floor.version} and later", hint=f"use --target {tag}")
    return NamedPython(
        source=data,
        target=tag if target is None else target.platform_tag,
        version=text_of(config, "VERSION", data),
        flags=text_of(config, "ABIFLAGS", data, ""),
        python=IOSPython(data=data),
    )


def _ios_tag(data: Path, config: Mapping[str, ConfigValue]) -> str:
    libc = PLATFORMS[IOS].only_libc(config)
    tag = f"ios_{'_'.join(map(str, libc.numbers)) if libc else ''}_{text_of(config, 'MULTIARCH', data)}".replace(
        "-", "_"
    )
    if PLATFORMS[IOS].target_of_tag(tag, "") is None:
        raise HostPythonError(
            f"{data} is for {tag}, which is not a target", hint="name CPython's release for iOS with --host-python"
        )
    return tag


def _kind_of(tag: str) -> str:
    """What a tag for iOS says besides the release: "arm64_iphoneos"."""
    return tag.split("_", 3)[-1]

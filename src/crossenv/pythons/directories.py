"""Find the directories of Pythons below one that the user names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

STDLIB_NAME = re.compile(r"(?P<kind>python|pypy)(?P<version>3\.\d+)(?P<threads>t?)")

# A sysroot's own lib may be a link to usr/lib, so its usr goes first.
_PREFIXES = ("usr", "usr/local", ".")
# The directories around a prefix or a sysroot and who makes them, for a directory without a Python of its own.
_INSIDE = (
    *("python", "install", "python/install"),  # python-build-standalone, both kinds of its archives
    *("staging/usr", "host/*/sysroot/usr", "*/sysroot/usr"),  # Buildroot: output, and its host directory as an SDK
    *("sysroots/*/usr", "staging_dir/target-*/usr", "target-*/usr"),  # Yocto's SDK; OpenWrt
    "nix/store/*",
    "prefix",  # CPython's archive for Android
    *("Python.xcframework/*", "ios-*"),  # for iOS
)
# Yocto's SDK also holds a Python for the machine that runs it, in a directory named ARCHITECTURE-VENDOR-SYSTEM whose
# vendor ends with "sdk" (SDK_SYS in its manual).
_OF_THE_SDK = re.compile(r"[^-]+-[^-]*sdk-.+")


def stdlibs_below(path: Path) -> list[Path]:
    """Return the `lib/python3.X` and `lib/pypy3.X` of the Pythons in `path`, likeliest first, each once."""
    return _unique(stdlib for name in _PREFIXES for stdlib in stdlibs_of(path / name))


def stdlibs_further_below(path: Path) -> list[Path]:
    """Return those below the directories that distributions and build systems make around a prefix."""
    prefixes = [prefix for pattern in _INSIDE for prefix in sorted(path.glob(pattern))]
    own = [prefix for prefix in prefixes if not any(map(_OF_THE_SDK.fullmatch, prefix.relative_to(path).parts))]
    return _unique(stdlib for prefix in own for stdlib in stdlibs_of(prefix))


def stdlibs_of(prefix: Path) -> list[Path]:
    """Return the `lib/python3.X` and `lib/pypy3.X` of one prefix, each once.

    Some distributions call the directory `lib64`, and CPython's releases for iOS have one for each machine.
    """
    found = []
    for name in ("lib", "lib64", "lib-arm64", "lib-x86_64"):
        directory = prefix / name
        children = sorted(directory.iterdir()) if directory.is_dir() else []
        found += [child for child in children if STDLIB_NAME.fullmatch(child.name) and child.is_dir()]
    return _unique(found)


def compilers_beside(root: Path) -> Iterator[Path]:
    """Return the directories in which build systems keep the compilers for a sysroot."""
    # Buildroot's host/TRIPLET/sysroot, Yocto's sysroots/TARGET, OpenWrt's staging_dir/target-NAME.
    for place, pattern in (
        (root.parent.parent, "bin"),
        (root.parent, "*-*sdk-*/usr/bin/*"),
        (root.parent, "toolchain-*/bin"),
    ):
        yield from sorted(place.glob(pattern))


def _unique(paths: Iterable[Path]) -> list[Path]:
    return list({path.resolve(): path for path in reversed(list(paths))}.values())[::-1]

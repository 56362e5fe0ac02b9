"""Tell a host Python's distributor by its files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from crossenv.libc.version import read_text
from crossenv.platforms.triplets import vendor_of
from crossenv.pythons.model import ConfigValue

# The recorded prefix of python-build-standalone's archives, in which they are made.
STANDALONE_PREFIX = "/install"
# conda's placeholder for the prefix of a package that is not installed.
_CONDA_PLACEHOLDER = "_placehold"
_RECORDED = ("HOST_GNU_TYPE", "CC", "AR", "CONFIG_ARGS")


def origin_of(config: Mapping[str, ConfigValue], *, prefix: Path | None, sysroot: Path | None) -> str:
    """Return its distributor: "Debian GNU/Linux 12 (bookworm)", "conda"; "" if the files do not tell.

    Args:
        config: The recorded configuration.
        prefix: Its prefix here.
        sysroot: Its root directory.
    """
    recorded = str(config.get("prefix", ""))
    # Resolved, since an SDK's symbolic links hide its name.
    place = str(prefix.resolve()) if prefix is not None else ""
    if recorded == STANDALONE_PREFIX:
        return "python-build-standalone"
    if f"--prefix={STANDALONE_PREFIX}'" in str(config.get("CONFIG_ARGS", "")):
        return "python-build-standalone, installed by uv"
    if recorded.startswith("/nix/store/"):
        return "Nix"
    if _CONDA_PLACEHOLDER in recorded or (prefix is not None and (prefix / "conda-meta").is_dir()):
        return "conda"
    if re.search(r"/staging_dir/target-", place):
        return "OpenWrt"
    words = " ".join(str(config.get(name, "")) for name in _RECORDED)
    made = vendor_of(words)
    return made or _distribution(sysroot, str(config.get("MULTIARCH", "")))


def prefix_is_provisional(config: Mapping[str, ConfigValue]) -> bool:
    """Whether the recorded prefix is a placeholder."""
    recorded = str(config.get("prefix", ""))
    return recorded == STANDALONE_PREFIX or _CONDA_PLACEHOLDER in recorded


def _distribution(sysroot: Path | None, multiarch: str) -> str:
    """Return PRETTY_NAME of the sysroot's os-release(5), or the distribution with this layout of libraries."""
    for name in ("etc/os-release", "usr/lib/os-release"):
        text = read_text(sysroot / name) if sysroot is not None else ""
        match = re.search(r"^PRETTY_NAME=([\"']?)([^\"'\n]{1,80})\1$", text, re.M)
        if match:
            return match[2]
    if sysroot is not None and multiarch and (sysroot / "usr/lib" / multiarch).is_dir():
        return "Debian or a relative"
    return ""

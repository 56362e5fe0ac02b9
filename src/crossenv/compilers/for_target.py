"""Find a toolchain for a target, where there is no host Python that recorded one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from crossenv.compilers.find import KINDS, find_toolchain
from crossenv.compilers.model import Toolchain
from crossenv.errors import ToolchainError
from crossenv.platforms import Libc
from crossenv.platforms.linux_targets import GLIBC, Target
from crossenv.pythons.model import HostPython


def find_toolchain_for_target(
    target: Target,
    build: HostPython,
    *,
    environ_path: str,
    sysroot: Path | None,
    overrides: Mapping[str, str],
    kinds: Collection[str] = KINDS,
) -> Toolchain:
    """The compilers and tools for `target`.

    Args:
        target: What the wheels are for.
        build: The build Python; the host's will be of its version.
        environ_path: PATH, where tools are looked up.
        sysroot: The root of the host's headers and libraries, if the user named one.
        overrides: The user's command lines by tool name; see `find_toolchain`.
        kinds: Where a compiler may come from; see `find_toolchain`.

    Raises:
        ToolchainError: There is none, or its C library is newer than the target's policy allows.
    """
    toolchain = find_toolchain(
        _unknown_python(target, build),
        environ_path=environ_path,
        sysroot=sysroot,
        overrides=overrides,
        kinds=kinds,
    )
    _require_floor(target, toolchain)
    return toolchain


def _unknown_python(target: Target, build: HostPython) -> HostPython:
    """What is known of the host Python before anything was derived: the machine it is for."""
    return HostPython(
        source=Path(target.text),
        layout="target",
        sysconfigdata=Path(target.text),
        config={},
        implementation=build.implementation,
        version=build.version,
        full_version="",
        abi_flags=build.abi_flags,
        soabi="",
        ext_suffix="",
        multiarch=target.multiarch,
        gnu_type=target.gnu_type,
        include_dirs=(),
        lib_dir=None,
        executable=None,
        host_executable="",
        sysroot=None,
        elf=target.elf,
        machine=target.machine,
        # Of a target without a policy nothing is promised, so no compiler's headers are too new.
        libc=Libc(family=target.libc, version=target.floor_text if target.policy else ""),
    )


def _require_floor(target: Target, toolchain: Toolchain) -> None:
    """A wheel must not be compiled against a C library that is newer than its tag says."""
    major, minor = toolchain.macros.get("__GLIBC__", ""), toolchain.macros.get("__GLIBC_MINOR__", "")
    if not target.policy or target.libc != GLIBC or not (major.isdigit() and minor.isdigit()):
        return
    if (int(major), int(minor)) > target.floor:
        raise ToolchainError(
            f"{toolchain.cc.path} compiles against glibc {major}.{minor}, and {target.platform_tag} promises"
            f" {target.floor_text}",
            hint=f"name a root with an older C library with --sysroot, or no promise: --target {target.gnu_triplet}",
        )

"""Choose an installed compiler or zig."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from crossenv.compilers.emscripten import find_emscripten
from crossenv.compilers.find import KINDS, find_toolchain
from crossenv.compilers.model import BarePurpose, Tool, Toolchain
from crossenv.compilers.ndk import find_ndk_toolchain, read_ndk
from crossenv.compilers.probe import Macros
from crossenv.compilers.zig.find import find_zig_toolchain
from crossenv.compilers.zig.locate import INSTALL_HINT, has_zig
from crossenv.errors import ToolchainError, UsageError
from crossenv.libc.compiling import is_newer
from crossenv.libc.version import machines_of_libc
from crossenv.platforms import Libc, link_name, platform_of_target
from crossenv.platforms.android import NDK, AndroidTarget
from crossenv.platforms.architectures import Identity, architecture_of
from crossenv.platforms.emscripten import EMSCRIPTEN, EmscriptenTarget
from crossenv.platforms.ios import IOS
from crossenv.pythons.model import HostPython
from crossenv.targets import Target

AUTO, ZIG = "auto", "zig"
CHOICES = (AUTO, *KINDS, ZIG, EMSCRIPTEN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """The user's choices for the toolchain.

    Attributes:
        kind: One of `CHOICES`; "auto" takes an installed compiler that fits, else zig.
        environ_path: PATH.
        sysroot: The root of the target's headers and libraries.
        overrides: Command lines by tool name; see `find_toolchain`.
        cpu: The oldest processor that the code must run on, in the compiler's words.
        sdk: Apple's SDK, for macOS and iOS.
        emsdk: The directory of an emsdk; None for the emscripten on PATH.
        any_emscripten: Whether an emscripten of another version than the target's is taken.
        ndk: The directory of an Android NDK.
    """

    kind: str
    environ_path: str
    sysroot: Path | None
    overrides: Mapping[str, str]
    cpu: str | None
    sdk: Path | None = None
    emsdk: Path | None = None
    any_emscripten: bool = False
    ndk: Path | None = None


def choose_toolchain(host: HostPython, wishes: Wishes) -> Toolchain:
    """Return the compilers and tools for a host Python.

    Raises:
        ToolchainError: No compiler fits, the user's does not, or nothing can be linked here for the target's system.
    """
    require_linkable(host, wishes)
    _refuse_emscripten(wishes)
    _require_sysroot_for(host.identity, wishes.sysroot)
    if host.platform.toolchains:
        target = _target_of(host)
        _require_one_of(host.platform.toolchains, target, wishes)
        if isinstance(target, AndroidTarget):
            assert wishes.ndk is not None
            ndk, path = read_ndk(wishes.ndk), wishes.environ_path
            return find_ndk_toolchain(host, target, ndk, environ_path=path, overrides=wishes.overrides)

    def installed() -> Toolchain:
        return find_toolchain(
            host,
            environ_path=wishes.environ_path,
            sysroot=wishes.sysroot,
            overrides=wishes.overrides,
            kinds=_kinds(wishes),
        )

    return _installed_or_zig(wishes, installed, lambda: _zig(_target_of(host), wishes, wishes.sysroot or host.sysroot))


def _require_sysroot_for(identity: Identity, sysroot: Path | None) -> None:
    """Refuse a sysroot of another machine, such as "/"."""
    machines = machines_of_libc(sysroot) if sysroot is not None else frozenset()
    if machines and identity.numbers not in {one.numbers for one in machines}:
        raise ToolchainError(
            f"the sysroot {sysroot} has the C library of {' and '.join(sorted(map(str, machines)))}, not of {identity}",
            hint="name the root of the target's own headers and libraries with --sysroot, or leave it out",
        )


def require_linkable(host: HostPython, wishes: Wishes) -> None:
    """Refuse a target that only its vendor's tools can link for, unless the user names them.

    Raises:
        ToolchainError: They are not named, or it is a part of a Python for iOS.
    """
    platform = host.platform
    if host.system == IOS:
        raise ToolchainError(
            f"{host.source} alone does not tell enough of a Python for iOS: modules are linked to its framework",
            hint="name Python.xcframework of CPython's release with --host-python, and the target with --target",
        )
    if platform.linked_by and not (NDK in platform.toolchains and wishes.ndk is not None):
        raise ToolchainError(
            f"{host.source} is a Python for {platform.describe(host.libc)} on {host.machine}: what is built for it is"
            f" linked by {platform.linked_by}, and none is named",
            hint=f"{platform.link_hint}; `crossenv show --host-python` says what was read",
        )


def replaced_compiler(host: HostPython, toolchain: Toolchain) -> str:
    """Name the substitute for the recorded compiler; "" if that was found, or none was recorded."""
    recorded = str(host.config.get("CC", "")).split()
    same = bool(recorded) and Path(recorded[0]).name == toolchain.cc.path.name
    if not recorded or toolchain.cc.origin.startswith("recorded") or (toolchain.sdk is not None and same):
        return ""
    return (
        f"the host Python recorded the compiler {recorded[0]}, which is not used: {toolchain.cc.origin} takes its place"
    )


def choose_toolchain_for_target(target: Target, wishes: Wishes) -> Toolchain:
    """Return the compilers and tools for a target.

    Raises:
        ToolchainError: No compiler fits, the user's does not, or its C library is too new for the target's policy.
    """
    if "recorded" in _kinds(wishes) and wishes.kind != AUTO:
        raise UsageError("a target has no recorded compilers", hint="use --toolchain gnu, clang or zig")
    _require_sysroot_for(target.identity, wishes.sysroot)

    if only := platform_of_target(target).toolchains:
        _require_one_of(only, target, wishes)
        if isinstance(target, EmscriptenTarget):
            return find_emscripten(
                target,
                emsdk=wishes.emsdk,
                environ_path=wishes.environ_path,
                overrides=wishes.overrides,
                any_version=wishes.any_emscripten,
            )
        return _zig(target, wishes, wishes.sysroot)
    _refuse_emscripten(wishes)

    def installed() -> Toolchain:
        # Without a policy there is no promise, so headers cannot be too new.
        libc = Libc(family=target.libc, version=target.floor_text if target.policy else "")
        return find_toolchain(
            BarePurpose(
                identity=target.identity,
                platform=platform_of_target(target),
                libc=libc,
                multiarch=target.multiarch,
                gnu_type=target.gnu_type,
            ),
            environ_path=wishes.environ_path,
            sysroot=wishes.sysroot,
            overrides=wishes.overrides,
            kinds=_kinds(wishes),
            accept=lambda tool, macros: _require_floor(target, tool, macros, libc),
        )

    return _installed_or_zig(wishes, installed, lambda: _zig(target, wishes, wishes.sysroot))


def _require_one_of(kinds: tuple[str, ...], target: Target, wishes: Wishes) -> None:
    """Refuse the user's compiler if it is of a kind that the target does not allow."""
    named = next((f"--{name}" for name in ("cc", "cxx") if name in wishes.overrides), "")
    if wishes.kind not in (AUTO, *kinds):
        named = f"--toolchain {wishes.kind}"
    if named:
        raise ToolchainError(
            f"{named}: so far, wheels for {target.platform_tag} are compiled with {' or '.join(kinds)} only",
            hint=f"leave it out, and if there is no zig: {INSTALL_HINT}" if ZIG in kinds else "leave it out",
        )


def _refuse_emscripten(wishes: Wishes) -> None:
    """Refuse emscripten for a target that is not WebAssembly."""
    if wishes.kind == EMSCRIPTEN:
        raise ToolchainError("--toolchain emscripten compiles for Pyodide only", hint="leave it out")


def _require_floor(target: Target, cc: Tool, macros: Macros, libc: Libc) -> None:
    """Refuse a compiler whose C library is newer than the wheel's tag promises."""
    if is_newer(macros.glibc, libc):
        raise ToolchainError(
            f"{cc} compiles against glibc {macros.glibc}, and {target.platform_tag} promises {target.floor_text}",
            hint=f"name a root with an older C library with --sysroot, or no promise: --target {target.gnu_triplet}",
        )


def _kinds(wishes: Wishes) -> tuple[str, ...]:
    return KINDS if wishes.kind == AUTO else (wishes.kind,)


def _installed_or_zig(wishes: Wishes, installed: Callable[[], Toolchain], zig: Callable[[], Toolchain]) -> Toolchain:
    if wishes.kind == ZIG:
        return zig()
    named = any(name in wishes.overrides for name in ("cc", "cxx", "fc"))
    may_be_zig = wishes.kind == AUTO and not named
    try:
        found = installed()
    except ToolchainError as error:
        if not may_be_zig:
            raise
        if not has_zig(wishes.environ_path):
            hint = f"{error.hint}; or {INSTALL_HINT}" if error.hint else INSTALL_HINT
            raise ToolchainError(error.message, hint=hint) from None
        return zig()
    if found.has_headers or not may_be_zig or not has_zig(wishes.environ_path):
        return found
    # A cross compiler without a C library compiles almost nothing.
    try:
        return zig()
    except ToolchainError:
        return found


def linked_to_python(toolchain: Toolchain, host: HostPython) -> Toolchain:
    """The toolchain for a written host Python: every link ends with the library of its names, where there is one.

    A library that nothing of a link needs leaves no trace in the result.
    """
    libraries = host.platform.python_libraries(host.version, host.abi_flags)
    words: tuple[str, ...] = ()
    if libraries:
        words = (f"-L{host.lib_dir}", f"-l{link_name(libraries[0])}")
    elif host.system == IOS:
        words = (f"-F{host.prefix}", "-framework", "Python", "-dead_strip_dylibs")
    if not words or toolchain.zig is None:
        return toolchain
    link = (*toolchain.zig.link, *words)
    return dataclasses.replace(toolchain, zig=dataclasses.replace(toolchain.zig, link=link))


def _zig(target: Target, wishes: Wishes, sysroot: Path | None) -> Toolchain:
    return find_zig_toolchain(
        target,
        environ_path=wishes.environ_path,
        sysroot=sysroot,
        overrides=wishes.overrides,
        cpu=wishes.cpu,
        sdk=wishes.sdk,
    )


def _target_of(host: HostPython) -> Target:
    """Return the target of a host Python, as compilers need it."""
    row = architecture_of(host.identity)
    target = host.platform.target_of_machine(row, host.libc) if row is not None else None
    if target is None:
        raise ToolchainError(f"there is no compiler for {host.identity}", hint="name one with --cc")
    return target

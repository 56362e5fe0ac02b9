"""What zig's compiles for Apple's systems need beside zig: LLVM's linker, and descriptions of libraries to link to.

zig's own linker makes no bundles, which extension modules are on macOS. zig has a description of macOS' libSystem,
which lld reads after its newest machine is left out; of the system's C++ library it has the names, as its own is the
same one. For iOS it has neither headers nor descriptions: those are the user's.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path

from crossenv.children import run_text
from crossenv.compilers.commands import find_program
from crossenv.compilers.zig.locate import Zig
from crossenv.errors import ToolchainError
from crossenv.files import write_file
from crossenv.platforms.ios import IOSTarget
from crossenv.targets import Target

LINKER_HINT = "install LLVM's lld: apt install lld (Debian, Ubuntu), dnf install lld, or conda install lld"
_NEWEST = 40
_IOS_HINT = (
    "copy it from a Mac with Xcode: name iPhoneOS.sdk (devices) or iPhoneSimulator.sdk (simulator) with --sdk, and"
    " Python's release for iOS with --host-python"
)
# Where zig has macOS' parts, beside the program.
_DARWIN = "lib/libc/darwin"
# Other names of the one library that the system has.
_LIBSYSTEM = ("libSystem.B", "libc", "libm", "libpthread", "libdl", "libinfo", "libproc", "libdbm", "libpoll")
# A program may replace these.
_REPLACEABLE = re.compile(r"__Z(n[wa]|d[la])[A-Z]?")
_LIBRARY = """\
--- !tapi-tbd
tbd-version: 4
targets: [ x86_64-macos, arm64-macos ]
install-name: '/usr/lib/{name}.dylib'
current-version: 1
compatibility-version: 1
exports:
  - targets: [ x86_64-macos, arm64-macos ]
    symbols: [ {strong} ]
    weak-symbols: [ {weak} ]
...
"""
# Rust's library is linked to it whatever a program uses; these are the names of its header that every release has.
_ICONV = ["_iconv", "_iconv_close", "_iconv_open", "_iconvctl", "_iconvlist"]
# zig's headers of C++ take for granted that their own library is linked. So told, they use what a release has, and what
# it lacks they define themselves or refuse.
_SYSTEMS_CXX = ("-U_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS", "-D_LIBCPP_HAS_VENDOR_AVAILABILITY_ANNOTATIONS=1")

# What Apple's compiler does where nobody tells it otherwise.
_APPLES_DEFAULTS = ("-fstack-protector",)


@dataclass(frozen=True, kw_only=True, slots=True)
class AppleParts:
    """What the launchers of a target that runs one of Apple's systems are told beside the usual.

    Attributes:
        settings: Their configuration by key.
        compile: Options of every compile.
        linker: The linker's command.
    """

    settings: dict[str, str]
    compile: tuple[str, ...]
    linker: tuple[str, ...]


def apple_parts(zig: Zig, cache: Path, target: Target, *, search_path: str, sdk: Path | None) -> AppleParts:
    """The files that they name are made in `cache` if they are not there.

    Args:
        zig: The compiler.
        cache: The user's cache.
        target: What the wheels are for.
        search_path: PATH, for LLVM's linker.
        sdk: The user's SDK of Apple's; None for none. For iOS there has to be one.

    Raises:
        ToolchainError: There is no linker, the SDK is not one, or the cache cannot be written.
    """
    system = "iOS" if isinstance(target, IOSTarget) else "macOS"
    linker = find_linker(search_path)
    if linker is None:
        raise ToolchainError(f"there is no linker for {system} (ld64.lld)", hint=LINKER_HINT)
    if sdk is not None and not any((sdk / "usr/lib" / f"{name}.tbd").exists() for name in ("libSystem", "libSystem.B")):
        raise ToolchainError(
            f"{sdk} is not an SDK for {system}: it has no usr/lib/libSystem.tbd",
            hint=_IOS_HINT
            if system == "iOS"
            else "name the directory MacOSX.sdk of Xcode's command line tools with --sdk",
        )
    if isinstance(target, IOSTarget):
        sdk_release, stubs = _release_for_ios(target, sdk), sdk
        linker_name = "ios-simulator" if target.simulated else "ios"
    else:
        darwin = zig.path.resolve().parent / _DARWIN
        sdk_release, stubs = _release(darwin), _stubs(darwin, cache)
        linker_name = "macos"
    tool = next(
        (found for name in _versions("llvm-install-name-tool") if (found := find_program(name, search_path))), None
    )
    own = () if sdk is None else (f"-F{sdk}/System/Library/Frameworks", "-idirafter", f"{sdk}/usr/include")
    # Headers warn of a processor that they say is not supported any more.
    warnings = ("-Wno-#warnings",) if target.architecture.name == "x86_64" else ()
    return AppleParts(
        settings={
            "apple_system": linker_name,
            "release": ".".join(map(str, target.floor_of(target.identity))),
            "sdk_release": sdk_release,
            "sdk": str(stubs),
            "own_sdk": str(sdk or ""),
            "install_name_tool": str(tool or ""),
        },
        compile=(*_APPLES_DEFAULTS, *_SYSTEMS_CXX, *warnings, *own),
        linker=linker,
    )


def find_linker(search_path: str) -> tuple[str, ...] | None:
    """The command of LLVM's linker for Apple's systems: the newest on `search_path`, or Rust's; None for none."""
    for name in _versions("ld64.lld"):
        if program := find_program(name, search_path):
            return (str(program),)
    for name in _versions("lld"):
        if program := find_program(name, search_path):
            return (str(program), "-flavor", "darwin")
    rustc = shutil.which("rustc", path=search_path)
    if rustc is not None:
        with contextlib.suppress(OSError):
            root = Path(run_text([rustc, "--print", "sysroot"]).stdout.strip())
            if program := next(root.glob("lib/rustlib/*/bin/rust-lld"), None):
                return (str(program), "-flavor", "darwin")
    return None


def _versions(name: str) -> Iterator[str]:
    """A program's plain name, and those with a version (Debian's), the newest first."""
    yield name
    yield from (f"{name}-{number}" for number in range(_NEWEST, 12, -1))


def _release(darwin: Path) -> str:
    """The release that zig's headers are of."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads((darwin / "SDKSettings.json").read_text(encoding="utf-8"))["Version"])
    return "15.0"


def _release_for_ios(target: IOSTarget, sdk: Path | None) -> str:
    """The release that the user's SDK is of.

    Raises:
        ToolchainError: There is none, or it is for another system.
    """
    if sdk is None:
        raise ToolchainError(f"building for {target} needs Apple's SDK for iOS", hint=_IOS_HINT)
    try:
        settings = json.loads((sdk / "SDKSettings.json").read_text(encoding="utf-8"))
        name, release = str(settings["CanonicalName"]), str(settings["Version"])
    except (OSError, ValueError, KeyError, TypeError):
        raise ToolchainError(
            f"{sdk} is not an SDK of Apple's: SDKSettings.json does not say its name and version", hint=_IOS_HINT
        ) from None
    if name.rstrip("0123456789.") != target.sdk:
        raise ToolchainError(
            f"the SDK {sdk} is for {name}, and {target} is built with one for {target.sdk}", hint=_IOS_HINT
        )
    return release


def _stubs(darwin: Path, cache: Path) -> Path:
    """A directory with descriptions of the system's libraries in `usr/lib`, for the linker."""
    try:
        text = (darwin / "libSystem.tbd").read_text(encoding="utf-8")
    except OSError as error:
        raise ToolchainError(
            f"{darwin}/libSystem.tbd cannot be read: {error.strerror}", hint="install ziglang again"
        ) from None
    libraries = {"libSystem": _readable(text), "libc++": _cxx_text(), "libiconv": _library("libiconv.2", _ICONV, [])}
    key = hashlib.sha256("\0".join((*libraries.values(), *_LIBSYSTEM)).encode()).hexdigest()[:16]
    root = cache / "macos" / key
    directory = root / "usr/lib"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in libraries.items():
            if not (directory / f"{name}.tbd").is_file():
                write_file(directory / f"{name}.tbd", content)
        for name, goal in (
            *((name, "libSystem") for name in _LIBSYSTEM),
            ("libc++.1", "libc++"),
            ("libc++abi", "libc++"),
            ("libiconv.2", "libiconv"),
        ):
            with contextlib.suppress(FileExistsError):
                (directory / f"{name}.tbd").symlink_to(f"{goal}.tbd")
    except OSError as error:
        raise ToolchainError(
            f"zig's cache {cache} cannot be written: {error.strerror}", hint="name another with XDG_CACHE_HOME"
        ) from None
    return root


def _readable(text: str) -> str:
    """A description of libraries, as every lld reads it.

    lld knows of no machine that is newer than itself, and reads nothing of a file that names one. LLVM 14's does not
    know either that what is there for arm64e, as most of the system is, is there for arm64.
    """
    text = re.sub(r",\s*arm64e\.x1-\w+(?=[\s,\]])", "", text)
    libraries = re.split(r"(?m)^(?=---)", text)
    return "".join(one if " arm64-macos" in one else one.replace("arm64e-", "arm64-") for one in libraries)


def _cxx_text() -> str:
    names = package_files("crossenv.compilers.zig").joinpath("libcxx.txt").read_text(encoding="ascii").split()
    weak = [name for name in names if _REPLACEABLE.match(name)]
    strong = [name for name in names if not _REPLACEABLE.match(name)]
    return _library("libc++.1", strong, weak)


def _library(name: str, strong: list[str], weak: list[str]) -> str:
    return _LIBRARY.format(name=name, strong=_quoted(strong), weak=_quoted(weak))


def _quoted(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)

"""Make a toolchain of zig for a target."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from crossenv.codec import WrongValueError, decode
from crossenv.compilers.binutils import BINUTILS, named_tool
from crossenv.compilers.memory import Memory
from crossenv.compilers.model import Tool, Toolchain
from crossenv.compilers.probe import Macros, Prober, objects_made
from crossenv.compilers.zig.apple import LINKER_HINT, apple_parts
from crossenv.compilers.zig.launchers import (
    APPLE_ENDINGS,
    CONFIGURATION_NAME,
    ENDINGS,
    WINDOWS_ENDINGS,
    Launchers,
    compiled_launcher,
    place_launchers,
)
from crossenv.compilers.zig.locate import locate_zig, usable_cache
from crossenv.compilers.zig.runtime_library import (
    long_double_link_options,
    long_double_options,
    runtime_library,
)
from crossenv.compilers.zig.windows import windows_parts
from crossenv.errors import ToolchainError
from crossenv.files import scratch_directory
from crossenv.libc.compiling import compile_options
from crossenv.platforms import APPLE, platform_of_target
from crossenv.platforms.architectures import Identity
from crossenv.platforms.ios import IOS
from crossenv.platforms.macos import MACOS
from crossenv.platforms.windows import WINDOWS
from crossenv.targets import Target

# What zig would assume is more than every machine of the name has: Debian's armhf and others do without NEON.
_PROCESSORS = {"armv7l": "baseline-neon-d32"}
# What Apple's compiler assumes, where zig assumes less: every Mac that macOS 10.13 runs on has it.
_APPLES_PROCESSORS = {"x86_64": "penryn"}
# zig's run-time library takes seconds to make, and has nothing of the C library's.
_PROBE_LINK = ("-rtlib=none",)


def require_floor(target: Target) -> None:
    """Refuse a target whose floor zig cannot keep.

    Raises:
        ToolchainError: zig has no C library of that age.
    """
    if target.policy and target.zig_floor > target.floor:
        raise ToolchainError(
            f"zig compiles for {target.machine} against {target.libc} {'.'.join(map(str, target.zig_floor))} or later,"
            f" and {target.platform_tag} promises {target.floor_text}",
            hint=f"use --target manylinux_2_28_{target.machine}, or an installed cross compiler with a sysroot",
        )


def processor(target: Target, chosen: str | None) -> str:
    """Return the least processor that code is made for, in zig's words; "" for zig's own baseline."""
    known = _APPLES_PROCESSORS if target.system == MACOS else _PROCESSORS
    return chosen or known.get(target.machine, "")


def find_zig_toolchain(
    target: Target,
    *,
    environ_path: str,
    sysroot: Path | None = None,
    overrides: Mapping[str, str] | None = None,
    cpu: str | None = None,
    sdk: Path | None = None,
) -> Toolchain:
    """Zig's compilers and tools for `target`.

    Args:
        target: What the wheels are for.
        environ_path: PATH, where zig is looked up if the package `ziglang` is not installed.
        sysroot: Where libraries of the host other than the C library are; those and their headers come after zig's.
        overrides: The user's own Fortran compiler, ar, strip and the like, by tool name.
        cpu: The least processor of the host, in zig's words (`zig cc -mcpu`).
        sdk: Apple's SDK, for macOS and iOS.

    Raises:
        ToolchainError: There is no usable zig, the user named a compiler beside it, or zig cannot make what the target
            promises.
    """
    overrides = overrides or {}
    for name in ("cc", "cxx"):
        if name in overrides:
            raise ToolchainError(
                f"--{name} names another compiler than zig", hint=f"leave out --{name} or --toolchain zig"
            )
    require_floor(target)
    cache = usable_cache()
    zig = locate_zig(environ_path, cache)
    if sysroot is not None and not sysroot.is_dir():
        raise ToolchainError(f"the sysroot {sysroot} is not a directory", hint="name another with --sysroot")
    library_dirs = (
        platform_of_target(target).library_directories(sysroot, target.multiarch) if sysroot is not None else ()
    )
    runtime = runtime_library(target, target.zig_triple, processor(target, cpu))
    for_windows = target.system == WINDOWS
    windows = windows_parts(zig, cache, target.architecture.name) if for_windows else None
    for_apple = target.system in APPLE
    apple = apple_parts(zig, cache, target, search_path=environ_path, sdk=sdk) if for_apple else None
    if runtime is not None and target.system == IOS:
        runtime = dataclasses.replace(runtime, options=("-idirafter", f"{sdk}/usr/include"))
    # Where there is no library to make, signs are left of what zig has made itself.
    place = runtime.place(zig.version) if runtime else f"runtime/{target.zig_triple}-{zig.version}/none"
    launchers = Launchers(
        program=compiled_launcher(zig, cache, target, processor(target, cpu)),
        settings={
            "zig": str(zig.path),
            "cache": str(cache),
            "target": target.zig_triple,
            "cpu": processor(target, cpu),
            "architecture": target.architecture.name,
            "triplet": target.gnu_triplet,
            "multiarch": target.multiarch,
            "version": zig.clang_version,
            "sysroot": str(sysroot or ""),
            "runtime": place,
            "stack_probe": windows.stack_probe if windows else "",
            "python": sys.executable,
            **(apple.settings if apple else {}),
        },
        compile=(
            *compile_options(target.libc),
            *long_double_options(target),
            *(windows.compile if windows else ()),
            *(apple.compile if apple else ()),
            *_header_options(sysroot, target),
        ),
        link=(*long_double_link_options(target), *(f"-L{directory}" for directory in library_dirs)),
        linker=apple.linker if apple else (),
        make_runtime=runtime.words() if runtime else (),
    )
    endings = {**ENDINGS, **(WINDOWS_ENDINGS if for_windows else {}), **(APPLE_ENDINGS if apple else {})}
    names = {tool: f"{target.gnu_triplet}-{ending}" for tool, ending in endings.items()}
    # For our own questions: they link nothing of zig's run-time library, and shall not have it made.
    asking = dataclasses.replace(launchers, settings={**launchers.settings, "runtime": ""})
    directory = _staged(asking, names, cache)
    origin = f"zig {zig.version}, {zig.origin}"
    tools = {tool: Tool(path=directory / name, origin=origin, launcher=True) for tool, name in names.items()}
    binutils = {name: tools[name] for name in (*BINUTILS, *WINDOWS_ENDINGS, *APPLE_ENDINGS) if name in tools}
    binutils |= {name: named_tool(name, text, environ_path) for name, text in overrides.items()}
    fc = binutils.pop("fc", None)
    told = (asking.configuration(objects=Path()), asking.program.name)
    # A sysroot's files may change.
    memory = Memory.of(cache, zig.path, told) if sysroot is None else None
    with scratch_directory("probe") as scratch:
        prober = Prober(directory=scratch, search_path=environ_path)
        made, macros = _ask(prober, tools["cc"], target, memory, linker=apple.linker if apple else ())
        fortran = target.identity if fc is None else prober.object_identity(fc, "fortran")
    if made != target.identity:
        about = "name a processor of the target in zig's words, as `zig cc -mcpu` takes it: cortex_a7, z14"
        raise ToolchainError(
            f"{zig.path} {objects_made(made)}; the target is {target.identity}",
            hint="try another version of ziglang" if cpu is None else f"--cpu {cpu}: {about}",
        )
    if fortran != target.identity:
        raise ToolchainError(
            f"--fc {objects_made(fortran)}; the target is {target.identity}", hint="name another with --fc"
        )
    if not macros.has_headers:
        raise ToolchainError(
            f"{zig.path} has no C library for {target.zig_triple}: {macros.complaint}",
            hint=f"name another target, such as {target.machine}",
        )
    return Toolchain(
        family=macros.family,
        version=macros.version,
        cc=tools["cc"],
        cxx=tools["cxx"],
        fc=fc,
        binutils=binutils,
        triplet=target.gnu_triplet,
        identity=target.identity,
        sysroot=sysroot,
        library_dirs=library_dirs,
        macros=macros.probed,
        probe_link=_PROBE_LINK,
        memory=memory,
        zig=launchers,
    )


def _ask(
    prober: Prober, cc: Tool, target: Target, memory: Memory | None, *, linker: Sequence[str]
) -> tuple[Identity | str, Macros]:
    """Return the machine that the compiler makes objects for, and its macros; remembered where it was right before.

    A `linker` that is not zig's own has to link one of them.
    """
    question = f"macros of a compiler that makes {target.identity!r}"
    with contextlib.suppress(WrongValueError):
        if memory is not None and (known := memory.recall(question)) is not None:
            return target.identity, decode(Macros, known)
    made, macros = prober.object_identity(cc, "c"), prober.macros(cc, ())
    if linker and made == target.identity:
        outcome = prober.link(cc, _PROBE_LINK)
        if not outcome.succeeded:
            raise ToolchainError(f"{linker[0]} cannot link for {target}: {outcome.complaint}", hint=LINKER_HINT)
    if memory is not None and made == target.identity and macros.has_headers:
        memory.keep(question, dataclasses.asdict(macros))
    return made, macros


def _header_options(sysroot: Path | None, target: Target) -> tuple[str, ...]:
    """Return the sysroot's headers, after zig's own of the C library."""
    if sysroot is None:
        return ()
    places = (
        f"usr/local/include/{target.multiarch}",
        "usr/local/include",
        f"usr/include/{target.multiarch}",
        "usr/include",
    )
    found = [sysroot / place for place in places if (sysroot / place).is_dir()]
    return tuple(word for directory in found for word in ("-idirafter", str(directory)))


def _staged(launchers: Launchers, names: Mapping[str, str], cache: Path) -> Path:
    """Return a directory with the launchers, for use before there is an environment; one for each configuration."""
    text = launchers.configuration(objects=Path())
    key = hashlib.sha256(text.encode() + launchers.program.name.encode()).hexdigest()[:16]
    directory = cache / "targets" / f"{names['cc']}-{key}"
    if (directory / CONFIGURATION_NAME).is_file():
        return directory
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=directory.parent) as scratch:
            made = Path(scratch) / "bin"
            place_launchers(launchers, names, made, objects=directory / "objects")
            made.rename(directory)
    except OSError as error:
        # Another process may have been faster.
        if not (directory / CONFIGURATION_NAME).is_file():
            raise ToolchainError(
                f"zig's cache {cache} cannot be written: {error.strerror}", hint="name another with XDG_CACHE_HOME"
            ) from None
    return directory

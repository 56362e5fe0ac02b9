"""Find the Android NDK that the user names, and prove its clang for a host Python."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crossenv.compilers.binutils import named_tool
from crossenv.compilers.model import Tool, Toolchain
from crossenv.compilers.probe import Prober, objects_made
from crossenv.errors import ToolchainError
from crossenv.files import scratch_directory
from crossenv.platforms import link_name
from crossenv.platforms.android import PREBUILT, PREBUILT_HERE, AndroidTarget
from crossenv.pythons.model import HostPython

# Where users name an NDK for every tool.
VARIABLES = ("ANDROID_NDK_HOME", "ANDROID_NDK_ROOT")
_TOOLS = {name: f"llvm-{name}" for name in ("ar", "ranlib", "strip", "nm", "objcopy", "objdump", "readelf")}
_TOOLS["ld"] = "ld.lld"
# Without these no build gets far.
_NEEDED = ("ar", "ranlib", "strip", "nm")
_HINT = "name the directory of an NDK with --ndk, or in ANDROID_NDK_HOME"
_UNPACK_HINT = "unpack the NDK again, or name another: --ndk"
_PREFIX_HINT = "name the whole prefix of Android's Python with --host-python"
# What each shared library is linked with: pages as large as some devices have, no name that nothing provides (loading
# it would fail), and Python's library, since the loader does not look into the program for its names. A module for the
# stable ABI is linked to the library of that, if the Python has one: the version's is on no other version's devices.
# Programs only need its directory: Meson links one to see whether there is such a library.
# `-lm` is there because other systems take it for granted. Devices have no C++ library that modules could share.
_REWRITE = """\
links=yes shared= python={python}
for word do
  case $word in
    -c | -S | -E | -M | -MM | -fsyntax-only) links= ;;
    -shared) shared=yes ;;
    *{suffix}) python={stable} ;;
  esac
done
if [ -n "$links" ]; then set -- "$@" -L{directory}; fi
if [ -n "$links" ] && [ -n "$shared" ]; then
  for word do
    shift
    if [ "$word" = -l{python} ]; then word=-l$python; fi
    set -- "$@" "$word"
  done
  set -- -Wl,-z,max-page-size={page} -Wl,--no-undefined "$@" -Wl,--as-needed "-l$python" -lm \\
    -Wl,--no-as-needed
  case $0 in *++) set -- "$@" -static-libstdc++ ;; esac
fi
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ndk:
    """An installed NDK.

    Attributes:
        path: Its directory.
        version: `Pkg.Revision` of its `source.properties`: "27.3.13750724".
        programs: The directory of its compilers.
    """

    path: Path
    version: str
    programs: Path

    def __str__(self) -> str:
        return f"the NDK {self.version} in {self.path}"


def named_ndk(option: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The directory that the user names for an NDK: by the option, else by a variable; None for none."""
    if option is not None:
        return option
    named = next((environ[name] for name in VARIABLES if environ.get(name)), None)
    return None if named is None else Path(named).absolute()


def read_ndk(path: Path) -> Ndk:
    """Read the NDK in a directory.

    Raises:
        ToolchainError: There is none, or it is one for another system.
    """
    try:
        text = (path / "source.properties").read_text(encoding="utf-8", errors="replace")
    except OSError:
        raise ToolchainError(f"there is no Android NDK in {path}: it has no source.properties", hint=_HINT) from None
    match = re.search(r"^\s*Pkg\.Revision\s*=\s*(\S+)", text, re.M)
    if match is None:
        raise ToolchainError(f"{path}/source.properties does not say Pkg.Revision, the NDK's version", hint=_HINT)
    programs = path / PREBUILT / PREBUILT_HERE / "bin"
    if not programs.is_dir():
        others = sorted(entry.name for entry in (path / PREBUILT).glob("*"))
        says = f"it is for {', '.join(others)}" if others else f"there is no {PREBUILT}"
        raise ToolchainError(f"the NDK {match[1]} in {path} has no compilers for {PREBUILT_HERE}: {says}", hint=_HINT)
    return Ndk(path=path, version=match[1], programs=programs)


def find_ndk_toolchain(
    host: HostPython, target: AndroidTarget, ndk: Ndk, *, environ_path: str, overrides: Mapping[str, str]
) -> Toolchain:
    """The NDK's compilers and tools for a host Python.

    Args:
        host: Android's Python.
        target: Its ABI and the API level.
        ndk: The NDK.
        environ_path: PATH.
        overrides: The user's own ar, strip and the like, by tool name.

    Raises:
        ToolchainError: The NDK lacks a tool or the API level, its clang does not work or is not for the target, or
            modules cannot be linked to the host Python's library.
    """
    origin = f"NDK {ndk.version}"
    cc = Tool(path=_compiler(ndk, target), origin=origin)
    cxx = Tool(path=cc.path.with_name(f"{cc.path.name}++"), origin=origin)
    binutils = {
        name: Tool(path=path, origin=origin) for name, file in _TOOLS.items() if (path := ndk.programs / file).is_file()
    }
    binutils |= {name: named_tool(name, text, environ_path) for name, text in overrides.items()}
    lacking = [] if cxx.path.is_file() else [cxx.path.name]
    lacking += [_TOOLS[name] for name in _NEEDED if name not in binutils]
    if lacking:
        raise ToolchainError(f"{ndk} has no {', '.join(lacking)}", hint=_UNPACK_HINT)
    library, directory = _python_library(host)
    with scratch_directory("probe") as scratch:
        prober = Prober(directory=scratch, search_path=environ_path)
        for tool, language in ((cc, "c"), (cxx, "c++")):
            made = prober.object_identity(tool, language)
            if made != target.identity:
                raise ToolchainError(f"{tool} {objects_made(made)}", hint=_UNPACK_HINT)
        macros = prober.macros(cc, ())
        if not macros.has_headers or "__ANDROID__" not in macros.values:
            says = macros.complaint or "__ANDROID__ is not defined"
            raise ToolchainError(f"{cc} does not compile for Android: {says}", hint="name another NDK with --ndk")
        outcome = prober.python_headers(cc, [f"-I{place}" for place in host.include_dirs], host.identity.bits)
        if not outcome.succeeded:
            raise ToolchainError(
                f"{cc} cannot compile against {host.include_dirs[0]}: {outcome.complaint}",
                hint=_PREFIX_HINT,
            )
        outcome = prober.link(cc, [f"-L{directory}", f"-l{library}"])
        if not outcome.succeeded:
            raise ToolchainError(
                f"{cc} cannot link to {directory}/lib{library}.so: {outcome.complaint}",
                hint=_PREFIX_HINT,
            )
    stable = f"libpython3{host.platform.library_suffix}"
    return Toolchain(
        family=macros.family,
        version=macros.version,
        cc=cc,
        cxx=cxx,
        fc=binutils.pop("fc", None),
        binutils=binutils,
        triplet=target.gnu_triplet,
        identity=target.identity,
        sysroot=None,
        library_dirs=(),
        macros=macros.probed,
        rewrite=_REWRITE.format(
            python=library,
            stable=link_name(stable) if (directory / stable).is_file() else library,
            suffix=host.platform.stable_suffix,
            page=target.page_size,
            directory=shlex.quote(str(directory)),
        ),
        sdk=ndk.path,
    )


def _compiler(ndk: Ndk, target: AndroidTarget) -> Path:
    """The C compiler for the target's ABI and API level."""
    found = ndk.programs / f"{target.gnu_triplet}{target.floor_text}-clang"
    if found.is_file():
        return found
    pattern = re.compile(rf"{re.escape(target.gnu_triplet)}(\d+)-clang")
    levels = sorted(int(match[1]) for file in ndk.programs.iterdir() if (match := pattern.fullmatch(file.name)))
    if not levels:
        raise ToolchainError(f"{ndk} has no compilers for {target.abi}", hint="name another NDK with --ndk")
    raise ToolchainError(
        f"{ndk} has no compiler for the API level {target.floor_text}: it has {levels[0]} to {levels[-1]}",
        hint=f"name another NDK with --ndk, or another level: --target android_{levels[-1]}_{target.abi}",
    )


def _python_library(host: HostPython) -> tuple[str, Path]:
    """The name of the library that modules are linked to, and its directory."""
    name = host.platform.python_libraries(host.version, host.abi_flags)[0]
    found = next((library for library in host.libraries if library.name == name), None)
    if found is None:
        raise ToolchainError(
            f"{host.source} has no {name}, to which modules are linked on Android",
            hint=_PREFIX_HINT,
        )
    return link_name(name), found.parent

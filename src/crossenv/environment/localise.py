"""Adapt the host Python's configuration variables to builds on this machine."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath

from crossenv.pythons.model import ConfigValue, HostPython

# Variables that begin with a compiler, and the tool that replaces it.
_COMPILER_VARIABLES = {
    "CC": "cc",
    "CPP": "cc",
    "LDSHARED": "cc",
    "BLDSHARED": "cc",
    "LINKCC": "cc",
    "MAINCC": "cc",
    "CXX": "cxx",
    "LDCXXSHARED": "cxx",
}
_PLAIN_TOOLS = {
    "AR": "ar",
    "RANLIB": "ranlib",
    "NM": "nm",
    "READELF": "readelf",
    "OBJCOPY": "objcopy",
    "STRIP": "strip",
}
_FLAG_VARIABLES = re.compile(
    r"(^|_)(CFLAGS|CPPFLAGS|LDFLAGS|CXXFLAGS|LDFLAGS_NODIST|CFLAGS_NODIST|OPT|BASECFLAGS|CONFIGURE_\w+|LINKFORSHARED)$"
    r"|^(PY_\w*FLAGS\w*|CCSHARED|LDSHARED|LDCXXSHARED|BLDSHARED|CC|CXX|LINKCC|CPP)$"
)
_WRAPPERS = ("ccache", "distcc", "sccache", "icecc")
_PATH_OPTION = re.compile(r"^(-I|-L|-isystem=?|-iquote|-idirafter|-Wl,-rpath-link[,=]|--sysroot=|-B)(/.*)$")
_PATH_FOLLOWS = frozenset({"-I", "-L", "-isystem", "-iquote", "-idirafter", "-B"})
# These get into the linked file, where no directory of this machine or of the host Python's builder may be.
_RUN_PATH = re.compile(r"^(-Wl,-rpath[,=]|-R)/")
# Options for debug information mean nothing to a linker, but zig's would keep that information in the wheel.
_LINK_COMMANDS = ("LDSHARED", "LDCXXSHARED", "BLDSHARED")
_DEBUG_OPTION = re.compile(r"-g(\d|gdb\d?|dwarf-\d)?")
_PREFIX_MAP = re.compile(r"^-f(file|debug|macro|profile|canon)-prefix-map=")


def flag_directories(host: HostPython) -> frozenset[Path]:
    """Find the directories in the recorded flags on this machine; no other step looks at the disk."""
    words = (word for name, value in host.config.items() if _has_flags(name, value) for word in _split(str(value)))
    named: set[Path | None] = set()
    for word in words:
        option = _PATH_OPTION.match(word)
        named.add(_here(host, option[2] if option else word))
    return frozenset(path for path in named if path is not None and path.exists())


def localise(
    host: HostPython,
    *,
    commands: Mapping[str, str],
    include_dirs: Iterable[Path],
    lib_dir: Path | None,
    directories: Collection[Path],
) -> dict[str, ConfigValue]:
    """Return `host.config` for this machine: with our tools and headers, and without paths of the builder's machine.

    Args:
        host: The host Python.
        commands: The command of each tool by usual name; "cc" and "ar" are required.
        include_dirs: Where Python.h is (first) and pyconfig.h (last). The first is `X/include/pythonX.Y`.
        lib_dir: The value of LIBDIR.
        directories: The result of `flag_directories`; options with other directories are dropped.

    Returns:
        The variables; those about the target itself (SOABI, sizes, prefix) as recorded.
    """
    config = dict(host.config)
    includes = list(include_dirs)
    cxx = commands.get("cxx") or f"{commands['cc']}-has-no-c++-compiler"
    programs = {**commands, "cxx": cxx}
    for name, tool in _COMPILER_VARIABLES.items():
        if isinstance(value := config.get(name), str) and value.strip():
            config[name] = _with_program(value, programs[tool])
    # distutils and setuptools assert that these exist; missing ones are derived from the others.
    cc_arguments = " ".join(_arguments(str(config.get("CC", ""))))
    defaults: dict[str, ConfigValue] = {
        "CC": programs["cc"],
        "CXX": f"{programs['cxx']} {cc_arguments}".strip(),
        "CFLAGS": "",
        "CCSHARED": "-fPIC",
        "LDSHARED": f"{programs['cc']} {cc_arguments} -shared".replace("  ", " "),
        "LDCXXSHARED": f"{programs['cxx']} {cc_arguments} -shared".replace("  ", " "),
        "SHLIB_SUFFIX": host.platform.module_suffix,
        "ARFLAGS": "rcs",
        "OPT": "",
    }
    for name, default in defaults.items():
        if not config.get(name):
            config[name] = default
    for name, tool in _PLAIN_TOOLS.items():
        if tool in commands:
            config[name] = commands[tool]
    for name, value in config.items():
        if _has_flags(name, value):
            config[name] = _scrubbed(str(value), host, directories)
    for name in _LINK_COMMANDS:
        if isinstance(command := config.get(name), str):
            kept = (word for word in _split(command) if not _DEBUG_OPTION.fullmatch(word))
            config[name] = " ".join(map(shlex.quote, kept))
    base = str(includes[0].parent.parent)
    config |= {
        "INCLUDEPY": str(includes[0]),
        "CONFINCLUDEPY": str(includes[-1]),
        "INCLUDEDIR": str(includes[0].parent),
        "CONFINCLUDEDIR": str(includes[-1].parent),
        # sysconfig._init_posix reads this last, so that get_path("include") is the target's while purelib stays.
        "installed_base": base,
        "installed_platbase": base,
    }
    if lib_dir is not None:
        config["LIBDIR"] = str(lib_dir)
        config["LIBPL"] = str(_config_dir(host, lib_dir))
    # Meson prefers it to everything else, and its .pc file has the target's paths.
    config.pop("LIBPC", None)
    # A path of the machine that built the host Python.
    for name in ("srcdir", "abs_srcdir", "abs_builddir", "projectbase"):
        config.pop(name, None)
    return config


def _config_dir(host: HostPython, lib_dir: Path) -> Path:
    recorded = Path(str(host.config.get("LIBPL", "")))
    here = _here(host, str(recorded))
    if here is not None:
        return here
    return lib_dir / host.directory_name / (recorded.name or "config")


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _arguments(command: str) -> list[str]:
    """Return what follows the compiler in a recorded command line."""
    words = _split(command)
    while words and Path(words[0]).name in _WRAPPERS:
        del words[0]
    return [shlex.quote(word) for word in words[1:]]


def _with_program(command: str, program: str) -> str:
    return " ".join([shlex.quote(program), *_arguments(command)])


def _has_flags(name: str, value: ConfigValue) -> bool:
    return isinstance(value, str) and _FLAG_VARIABLES.search(name) is not None


def _scrubbed(flags: str, host: HostPython, directories: Collection[Path]) -> str:
    """`flags` without paths that exist only where the host Python was built."""
    kept = []
    words = iter(_split(flags))
    for word in words:
        if _PREFIX_MAP.match(word) or _RUN_PATH.match(word):
            continue
        # conda writes the directory as a word of its own.
        path = next(words, "") if word in _PATH_FOLLOWS else ""
        option = _PATH_OPTION.match(f"{word}{path}")
        if option:
            inside = _here(host, option[2])
            if inside is None or inside not in directories:
                continue
            kept.append(f"{word} {shlex.quote(str(inside))}" if path else shlex.quote(f"{option[1]}{inside}"))
            continue
        kept.append(shlex.quote(word))
        if path:
            kept.append(shlex.quote(path))
    return " ".join(kept)


def _here(host: HostPython, recorded: str) -> Path | None:
    """Return a recorded absolute path as a path of this machine; None if it does not exist here."""
    path = PurePosixPath(recorded)
    if not path.is_absolute():
        return None
    if host.prefix is not None and path.is_relative_to(host.recorded_prefix):
        return host.prefix / path.relative_to(host.recorded_prefix)
    return host.sysroot / path.relative_to("/") if host.sysroot is not None else None


def data_module_text(config: Mapping[str, ConfigValue], origin: Path) -> str:
    """Write a `_sysconfigdata` module: one literal, as CPython's `sysconfig --generate-posix-vars` does."""
    lines = [f"# Made by crossenv from {origin}: the target's configuration for builds on this machine."]
    lines.append("build_time_vars = {")
    lines += [f"    {name!r}: {config[name]!r}," for name in sorted(config)]
    lines.append("}")
    return "\n".join(lines) + "\n"

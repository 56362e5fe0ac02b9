"""The configuration variables of a derived host Python."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from crossenv.platforms import platform_of_target
from crossenv.pythons.model import ConfigValue, HostPython
from crossenv.pythons.pyconfig import config_values
from crossenv.targets import Target

# Directories and machine options of the build Python's own build.
_FOREIGN = re.compile(
    # GCC's manual has all of a machine's options begin with -m; the others of these exist for some machines only.
    r"-m[a-z0-9].*|-fcf-protection(=.*)?"
    r"|-(I|L|B|R|isystem|iquote|idirafter)=?/.*|-Wl,-rpath(-link)?[,=].*|--sysroot=.*"
    r"|-specs=.*|-fplugin=.*|-f\w+-prefix-map=.*"
)
# Options whose directory is the next word.
_TAKES_A_WORD = {"-isystem", "-iquote", "-idirafter", "-L", "-I", "-B", "-mllvm"}
_COMPILERS = {"cc": "gcc", "gcc": "gcc", "clang": "gcc", "c++": "g++", "g++": "g++", "clang++": "g++"}
_CLANG = {"gcc": "clang", "g++": "clang++"}
_COMPILER_KEYS = ("CC", "CXX", "CPP", "LDSHARED", "LDCXXSHARED", "BLDSHARED", "LINKCC", "MAINCC")
_INSTALLED_AT = (
    *("BINDIR", "BINLIBDEST", "CONFINCLUDEDIR", "CONFINCLUDEPY", "DESTDIRS", "DESTLIB", "DESTSHARED", "EXENAME"),
    *("INCLDIRSTOMAKE", "INCLUDEDIR", "INCLUDEPY", "LIBDEST", "LIBDIR", "LIBPL", "MACHDESTLIB", "MANDIR", "SCRIPTDIR"),
    *("datarootdir", "exec_prefix", "prefix", "host_prefix", "host_exec_prefix"),
)
_SYSTEM_PREFIXES = ("/", "/usr", "/usr/local")
# What the directory of the build Python's source was called.
_BUILD_DIRECTORIES = ("abs_builddir", "abs_srcdir")
_DROPPED = ("LIBPC", "srcdir", "projectbase", "PGO_PROF_USE_FLAG", "PGO_PROF_GEN_FLAG", *_BUILD_DIRECTORIES)


def synthesised_config(
    target: Target,
    build: HostPython,
    *,
    pyconfig: str,
    soabi: str,
    multiarch: str,
    compiler_family: str,
    host_prefix: str,
    defines: tuple[str, ...],
) -> dict[str, ConfigValue]:
    """Return the host's `build_time_vars`, made from the build Python's.

    Args:
        target: The host.
        build: The build Python.
        pyconfig: The host's `pyconfig.h`.
        soabi: The host's SOABI.
        multiarch: The host's MULTIARCH.
        compiler_family: "gcc" or "clang".
        host_prefix: `sys.prefix` on the host.
        defines: Options that every compile for the host needs.
    """
    scrub = _Scrub(target, build, soabi=soabi, multiarch=multiarch, host_prefix=host_prefix)
    config: dict[str, ConfigValue] = {}
    for name, value in build.config.items():
        if name in _DROPPED:
            continue
        if isinstance(value, int):
            config[name] = value
        elif not scrub.is_foreign(scrubbed := scrub.text(name, value)):
            config[name] = scrubbed
    for name in _COMPILER_KEYS:
        if name in config:
            config[name] = _renamed(str(config[name]), target, compiler_family)
    # A name that is only in the host's header is not the build Python's configure's, which is the one that counts.
    config |= {name: value for name, value in config_values(pyconfig).items() if name in config}
    library = f"libpython{build.version}{build.abi_flags}.a"
    config |= {
        "SOABI": soabi,
        "EXT_SUFFIX": f".{soabi}{platform_of_target(target).module_suffix}",
        "MULTIARCH": multiarch,
        "MULTIARCH_CPPFLAGS": f'-DMULTIARCH=\\"{multiarch}\\"',
        "HOST_GNU_TYPE": target.gnu_type,
        "BUILD_GNU_TYPE": target.gnu_type,
        "CONFIG_ARGS": _config_args(str(build.config.get("CONFIG_ARGS", "")), host_prefix),
        # As of a Python without a shared library: extension modules link to no libpython.
        "Py_ENABLE_SHARED": 0,
        **dict.fromkeys(("LIBRARY", "LDLIBRARY", "BLDLIBRARY", "INSTSONAME"), library),
        "PY3LIBRARY": "",
        "RUNSHARED": "",
    }
    if defines:
        config["CFLAGS"] = " ".join([*defines, str(config.get("CFLAGS", ""))]).strip()
        config["PY_CFLAGS"] = " ".join([*defines, str(config.get("PY_CFLAGS", ""))]).strip()
    return config


class _Scrub:
    """Replaces what is the build machine's in recorded text."""

    def __init__(self, target: Target, build: HostPython, *, soabi: str, multiarch: str, host_prefix: str) -> None:
        config = build.config
        self._prefix = str(config.get("prefix", ""))
        self._host_prefix = host_prefix
        directories = {str(config.get(name, "")) for name in _BUILD_DIRECTORIES} | {self._prefix}
        self._foreign_directories = {name for name in directories if name.startswith("/")} - {*_SYSTEM_PREFIXES}
        self._foreign_directories.discard(host_prefix)
        # The longer first; a tool's name begins with the triplet of compilers, which is i686's on i386.
        self._names = [(build.soabi, soabi)]
        if build.multiarch:
            self._names += [
                (f"{build.multiarch}-gcc", f"{target.gnu_triplet}-gcc"),
                (f"{build.multiarch}-g++", f"{target.gnu_triplet}-g++"),
                (build.multiarch, multiarch),
            ]

    def is_foreign(self, text: str) -> bool:
        """Whether scrubbed `text` still names a directory of the build machine."""
        return any(directory in text for directory in self._foreign_directories)

    def text(self, name: str, text: str) -> str:
        """Return the value of variable `name`, for the host."""
        text = _without_foreign_words(text)
        if self._prefix and (name in _INSTALLED_AT or self._prefix not in _SYSTEM_PREFIXES):
            text = re.sub(rf"(?<![\w.-]){re.escape(self._prefix)}(?=[/\s'\"]|$)", lambda _: self._host_prefix, text)
        for old, new in self._names:
            text = text.replace(old, new)
        return text


def _without_foreign_words(text: str) -> str:
    words = text.split()
    kept: list[str] = []
    skip = False
    for position, word in enumerate(words):
        following = words[position + 1] if position + 1 < len(words) else ""
        if skip:
            skip = False
        elif word in _TAKES_A_WORD and (following.startswith("/") or word == "-mllvm"):
            skip = True
        elif not _FOREIGN.fullmatch(word):
            kept.append(word)
    # What needs no change keeps its own spaces.
    return text if len(kept) == len(words) else " ".join(kept)


def _renamed(command: str, target: Target, family: str) -> str:
    """Return a recorded command with the name of the host's compiler."""
    name, _, arguments = command.strip().partition(" ")
    base = re.sub(r"-\d[\d.]*$", "", name.rpartition("/")[2])
    kind = next((kind for end, kind in _COMPILERS.items() if base == end or base.endswith(f"-{end}")), None)
    if kind is None:
        return command
    program = f"{target.gnu_triplet}-{_CLANG[kind] if family == 'clang' else kind}"
    return f"{program} {arguments}" if arguments else program


def _config_args(text: str, host_prefix: str) -> str:
    """Return configure's arguments without directories and flags of the build machine."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    kept = [word for word in words if word.startswith("--") and "/" not in word and "shared" not in word]
    return " ".join(f"'{word}'" for word in [f"--prefix={host_prefix}", *kept])


def config_variables(config: Mapping[str, ConfigValue], build: HostPython, host_prefix: str) -> dict[str, ConfigValue]:
    """Return the target's `sysconfig.get_config_vars()`: the content of 3.14's `_sysconfig_vars_*.json`."""
    nodot = build.version.replace(".", "")
    return {
        **config,
        "abiflags": build.abi_flags,
        "base": host_prefix,
        "exec_prefix": host_prefix,
        "implementation": "Python",
        "implementation_lower": "python",
        "installed_base": host_prefix,
        "installed_platbase": host_prefix,
        "platbase": host_prefix,
        "platlibdir": str(config.get("PLATLIBDIR", "lib")),
        "prefix": host_prefix,
        "py_version": build.full_version,
        "py_version_nodot": nodot,
        "py_version_nodot_plat": nodot,
        "py_version_short": build.version,
    }

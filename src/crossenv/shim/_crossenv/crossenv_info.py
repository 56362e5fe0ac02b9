"""Facts about the target for build tools: `import crossenv_info`.

The module can be imported where an interpreter answers for a host machine, and nowhere else: that it can is the
answer to "are we cross-compiling?", and its attributes are the answers to what one asks next. It is the public part of
the environment's record, documented in docs/reference/crossenv-info.md. Everything in it is read-only.

Nothing of it is loaded before somebody imports it, and nothing is read before somebody asks.

Floor: CPython 3.10. Standard library only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The major number of the format that this module reads.
MAJOR_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """The build machine, where the compiler runs.

    Attributes:
        system: `sys.platform` there: "linux".
        machine: `os.uname().machine` there.
        python: An interpreter of the host's version that answers for the build machine.
        python_version: Its full version.
    """

    system: str
    machine: str
    python: str
    python_version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Elf:
    """What tells the host's ELF files from those of other machines, beside `Host.bits` and `Host.byte_order`.

    Attributes:
        machine: `e_machine`.
        abi_flags: The bits of `e_flags` that belong to the ABI.
    """

    machine: int
    abi_flags: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Libc:
    """A C library.

    Attributes:
        family: "glibc" or "musl", or another system's own.
        version: The oldest one that the result has to run with: "2.28"; None if unknown.
    """

    family: str
    version: "str | None"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wheel:
    """The tags of wheels (PEP 425).

    Attributes:
        python_tag: Of an extension module for this Python alone: "cp312".
        abi_tag: Likewise: "cp312".
        platform_tag: What wheels that are built here are for: "manylinux_2_28_aarch64".
        accepted_platforms: The platform tags that an installer on the host takes, best first.
    """

    python_tag: str
    abi_tag: str
    platform_tag: str
    accepted_platforms: "tuple[str, ...]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Python:
    """The host Python, which will load the result. Paths are of the build machine unless it says otherwise.

    Attributes:
        build_details: Its build-details.json (PEP 739); `base_prefix` and `base_interpreter` are paths on the host.
            None if its full version is not known.
        version: "3.12.3", or "3.12" if nothing more is known.
        soabi: "cpython-312-aarch64-linux-gnu".
        extension_suffixes: The suffixes of extension modules that it takes, the full one first.
        executable: The path of its interpreter on the host.
        include_dirs: Where Python.h and pyconfig.h are.
        library_dir: Where libpython is, or would be; None if it is nowhere here.
        sysconfigdata: Its configuration variables: a Python file with one literal.
    """

    build_details: "Mapping[str, Any] | None"
    version: str
    soabi: str
    extension_suffixes: "tuple[str, ...]"
    executable: str
    include_dirs: "tuple[str, ...]"
    library_dir: "str | None"
    sysconfigdata: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """The host machine, where the result runs.

    Attributes:
        system: `sys.platform` there: "linux".
        machine: `os.uname().machine` there: "aarch64".
        triplet: Its GNU triplet, as the compiler has it: "aarch64-linux-gnu".
        rust_target: Rust's name of it; None if it has none.
        bits: 32 or 64, the size of a pointer.
        byte_order: "little" or "big".
        long_double_format: What a `long double` is, in numpy's words: "IEEE_QUAD_LE"; None if unknown.
        elf: What its ELF files say; None where it has none.
        libc: Its C library.
        sysroot: The root of its files here; None if there is none.
        emulator: A command that runs its programs here; None if there is none or it must not be used.
        markers: Its environment markers (PEP 508).
        wheel: The tags of its wheels.
        python: Its Python.
    """

    system: str
    machine: str
    triplet: str
    rust_target: "str | None"
    bits: int
    byte_order: str
    long_double_format: "str | None"
    elf: "Elf | None"
    libc: Libc
    sysroot: "str | None"
    emulator: "tuple[str, ...] | None"
    markers: "Mapping[str, str]"
    wheel: Wheel
    python: Python


@dataclass(frozen=True, kw_only=True, slots=True)
class Flags:
    """What follows a compiler's name, before a project's own arguments.

    Attributes:
        c: To compile C for an extension module.
        cxx: To compile C++ for one.
        link_module: To link one of C; after the C compiler.
        link_module_cxx: To link one with C++ in it; after the C++ compiler.
    """

    c: "tuple[str, ...]"
    cxx: "tuple[str, ...]"
    link_module: "tuple[str, ...]"
    link_module_cxx: "tuple[str, ...]"


@dataclass(frozen=True, kw_only=True, slots=True)
class PkgConfig:
    """pkg-config for the host's libraries.

    Attributes:
        command: A pkg-config that answers for the host; it needs one of the build machine's on PATH.
        directories: Where it looks for `.pc` files.
    """

    command: str
    directories: "tuple[str, ...]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Toolchain:
    """How to compile for the host.

    Attributes:
        family: "gcc" or "clang": whose options the compilers take.
        version: The compiler's version.
        sysroot: What the compilers look into; None for directories of their own. They know it: it need not be passed.
        tools: By usual name ("cc", "cxx", "fc", "ar", "strip", ...): programs to call, each one path without arguments.
            Those that exist.
        flags: What the host Python was compiled with.
        pkg_config: Where the host's libraries are known.
        meson_cross_file: The same for Meson.
        cmake_toolchain_file: The same for CMake.
    """

    family: str
    version: str
    sysroot: "str | None"
    tools: "Mapping[str, str]"
    flags: Flags
    pkg_config: PkgConfig
    meson_cross_file: str
    cmake_toolchain_file: str


class CrossInfoError(Exception):
    """What describes the cross build cannot be read, or is of a version that this module does not know."""


# The module's attributes, and what they are.
_ATTRIBUTES = {"version": "str", "generator": "str", "build": "Build", "host": "Host", "toolchain": "Toolchain"}
_CLASSES = {kind.__name__: kind for kind in (Build, Elf, Libc, Wheel, Python, Host, Flags, PkgConfig, Toolchain)}
_document: "dict[str, Any]" = {}


def as_dict() -> "dict[str, Any]":
    """Return everything as the plain values of JSON: a copy, for the caller to change."""
    import copy

    if not _document:
        _use(read_document(_record_path()))
    return copy.deepcopy(_document)


def read_document(path: str) -> "dict[str, Any]":
    """Read the description of a cross build from `path`, a record or another file that follows the convention.

    Raises:
        CrossInfoError: It cannot be read, or says nothing.
    """
    import json

    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)["cross_build_info"]
        if not isinstance(found, dict) or not isinstance(found.get("version"), str):
            raise TypeError("cross_build_info is not an object with a version")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CrossInfoError(f"{path} does not describe a cross build: {error!r}") from None
    return found


def _record_path() -> str:
    # Not the variable of that name, which a build may have changed.
    import sys

    # The shim is loaded: without it this module cannot be found.
    return str(sys.modules["_crossenv"].facts["root"]) + "/crossenv.json"


def _use(document: "dict[str, Any]") -> None:
    """Make the module's attributes those of `document`."""
    major = document["version"].partition(".")[0]
    if major != str(MAJOR_VERSION):
        raise CrossInfoError(f"cross_build_info is of version {document['version']}; this reads {MAJOR_VERSION}.x")
    found = {name: _decode(kind, document.get(name), name) for name, kind in _ATTRIBUTES.items()}
    globals().update(found, _document=document)


def _decode(kind: "str | type", value: "Any", where: str) -> "Any":
    """`value` of JSON as the annotation `kind` has it, read-only; keys that are not known are passed over."""
    name = kind if isinstance(kind, str) else kind.__name__
    if name.endswith(" | None"):
        if value is None:
            return None
        name = name.removesuffix(" | None")
    if name in _CLASSES:
        if isinstance(value, dict):
            cls = _CLASSES[name]
            fields = cls.__annotations__.items()
            return cls(**{key: _decode(hint, value.get(key), f"{where}.{key}") for key, hint in fields})
    elif name == "tuple[str, ...]":
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
    elif name.startswith("Mapping["):
        if isinstance(value, dict):
            return _frozen(value)
    elif type(value).__name__ == name:
        return value
    raise CrossInfoError(f"cross_build_info: expected {name} at {where!r}")


def _frozen(value: "Any") -> "Any":
    if isinstance(value, dict):
        return MappingProxyType({key: _frozen(item) for key, item in value.items()})
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def __getattr__(name: str) -> "Any":
    if name in _ATTRIBUTES and name not in globals():
        _use(read_document(_record_path()))
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> "list[str]":
    return sorted({*globals(), *_ATTRIBUTES})

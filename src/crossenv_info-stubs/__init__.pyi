"""Types of `crossenv_info`, which exists in the host side of a cross environment (PEP 561)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

MAJOR_VERSION: Final = 1

version: str
generator: str
build: Build
host: Host
toolchain: Toolchain

@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    system: str
    machine: str
    python: str
    python_version: str

@dataclass(frozen=True, kw_only=True, slots=True)
class Elf:
    machine: int
    abi_flags: int

@dataclass(frozen=True, kw_only=True, slots=True)
class Libc:
    family: str
    version: str | None

@dataclass(frozen=True, kw_only=True, slots=True)
class Wheel:
    python_tag: str
    abi_tag: str
    platform_tag: str
    accepted_platforms: tuple[str, ...]

@dataclass(frozen=True, kw_only=True, slots=True)
class Python:
    build_details: Mapping[str, Any] | None
    version: str
    soabi: str
    extension_suffixes: tuple[str, ...]
    executable: str
    include_dirs: tuple[str, ...]
    library_dir: str | None
    sysconfigdata: str

@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    system: str
    machine: str
    triplet: str
    rust_target: str | None
    bits: int
    byte_order: str
    long_double_format: str | None
    elf: Elf | None
    libc: Libc
    sysroot: str | None
    emulator: tuple[str, ...] | None
    markers: Mapping[str, str]
    wheel: Wheel
    python: Python

@dataclass(frozen=True, kw_only=True, slots=True)
class Flags:
    c: tuple[str, ...]
    cxx: tuple[str, ...]
    link_module: tuple[str, ...]
    link_module_cxx: tuple[str, ...]

@dataclass(frozen=True, kw_only=True, slots=True)
class PkgConfig:
    command: str
    directories: tuple[str, ...]

@dataclass(frozen=True, kw_only=True, slots=True)
class Toolchain:
    family: str
    version: str
    sysroot: str | None
    tools: Mapping[str, str]
    flags: Flags
    pkg_config: PkgConfig
    meson_cross_file: str
    cmake_toolchain_file: str

class CrossInfoError(Exception): ...

def as_dict() -> dict[str, Any]: ...
def read_document(path: str) -> dict[str, Any]: ...

"""The toolchain in other build systems' words: record in, text out."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from crossenv.backends.cmake import TOOLCHAIN_FILE, VCPKG_TOOLCHAIN_FILE, CMake, quoted
from crossenv.backends.meson import CROSS_FILE, Meson
from crossenv.backends.pkg_config import launcher_path
from crossenv.backends.rust import Rust
from crossenv.errors import UsageError
from crossenv.record import CROSS_RUN, Record

# Of each machine, the name that Conan has (its settings.yml), and vcpkg's VCPKG_TARGET_ARCHITECTURE.
_ARCHITECTURES = {
    "x86_64": ("x86_64", "x64"),
    "i686": ("x86", "x86"),
    "aarch64": ("armv8", "arm64"),
    "armv7l": ("armv7hf", "arm"),
    "armv5tel": ("armv5el", None),
    "ppc64le": ("ppc64le", "ppc64le"),
    "ppc64": ("ppc64", None),
    "s390x": ("s390x", "s390x"),
    "riscv64": ("riscv64", "riscv64"),
    "loongarch64": ("loongarch64", "loongarch64"),
    "wasm32": ("wasm", "wasm32"),
}
_TOOLS = {"cc": "CC", "cxx": "CXX", "fc": "FC", "ar": "AR", "ranlib": "RANLIB", "strip": "STRIP", "nm": "NM"}
_TOOLS |= {"objcopy": "OBJCOPY", "objdump": "OBJDUMP", "readelf": "READELF", "ld": "LD", "windres": "RC"}

# Restores all variables, also those that were not exported.
_UNDO = """\
crossenv_undo() {{
  local name before
  for name in {names}; do
    before=_crossenv_before_$name
    unset "$name"
    [ -z "${{!before}}" ] || eval "${{!before/#declare /declare -g }}"
    unset "$before"
  done
  unset -f crossenv_undo
}}
"""


def variables(record: Record) -> Mapping[str, str]:
    """Return the tools by their usual names, and the variables of processes that run back ends."""
    tools = {
        name: record.toolchain.tools[tool].command for tool, name in _TOOLS.items() if tool in record.toolchain.tools
    }
    return {**tools, "PKG_CONFIG": launcher_path(record), **record.handover.environment}


def variable_file(record: Record) -> str:
    """Lines `NAME=VALUE` that `env -S` and readers of dotenv files take alike."""
    return "".join(f"{name}={_quoted(value)}\n" for name, value in variables(record).items())


def _quoted(text: str) -> str:
    if re.fullmatch(r"[\w@%+=:,./-]+", text, re.ASCII):
        return text
    # Both know these two escapes within single quotes, and no other.
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def bash_script(record: Record) -> str:
    """Return a script to source, and the function `crossenv_undo` with it."""
    chosen = variables(record)
    lines = [
        f"# Made by crossenv: compilers and settings for {record.toolchain.triplet}. `crossenv_undo` takes them away.",
        "if declare -F crossenv_undo >/dev/null; then crossenv_undo; fi",
    ]
    for name, value in chosen.items():
        lines.append(f"_crossenv_before_{name}=$(declare -p {name} 2>/dev/null) || true")
        lines.append(f"export {name}={shlex.quote(value)}")
    return "\n".join(lines) + "\n" + _UNDO.format(names=" ".join(chosen))


# The first versions whose own default is C++17.
_CPP17 = {"gcc": 11, "clang": 16}
_EXECUTABLES = {"cc": "c", "cxx": "cpp", "fc": "fortran"}


def _architecture(record: Record) -> tuple[str | None, str | None]:
    """The machine's names in that table: some systems have their own word for it (AMD64)."""
    names = (record.host.machine, record.host.identity.machine or "")
    return next((_ARCHITECTURES[name] for name in names if name in _ARCHITECTURES), (None, None))


def conan_profile(record: Record) -> str:
    """Conan 2: a host profile (its manual, "Profiles"), for `conan install --profile:host`.

    Raises:
        UsageError: Conan has no name for the host's machine.
    """
    toolchain, machine = record.toolchain, record.host.machine
    architecture, _vcpkg = _architecture(record)
    if architecture is None:
        raise UsageError(f"Conan has no name for {machine}", hint="use another format, or write the profile by hand")
    major = toolchain.version.partition(".")[0]
    modern = major.isdigit() and int(major) >= _CPP17.get(toolchain.family, 0)
    zig = Path(toolchain.tools["cc"].path).name.startswith("zig")
    executables = {
        name: toolchain.tools[tool].command for tool, name in _EXECUTABLES.items() if tool in toolchain.tools
    }
    lines = [
        "# Made by crossenv: the host machine for Conan 2.",
        "[settings]",
        f"os={record.host.platform.names.conan}",
        f"arch={architecture}",
        "build_type=Release",
        f"compiler={toolchain.family}",
        f"compiler.version={major}",
        f"compiler.libcxx={'libc++' if zig else 'libstdc++11'}",
        f"compiler.cppstd=gnu{17 if modern else 14}",
        "",
        "[conf]",
        f"tools.build:compiler_executables={executables!r}",
        f"tools.cmake.cmaketoolchain:user_toolchain={[f'{record.root}/{TOOLCHAIN_FILE}']!r}",
        f"tools.gnu:host_triplet={toolchain.triplet}",
        f"tools.gnu:pkg_config={launcher_path(record)}",
        "",
        "[buildenv]",
        *(
            f"{name}={toolchain.tools[tool].command}"
            for tool, name in _TOOLS.items()
            if tool in toolchain.tools and tool not in _EXECUTABLES
        ),
    ]
    return "\n".join(lines) + "\n"


def vcpkg_triplet(record: Record) -> str:
    """vcpkg: a triplet (its documentation, "Triplet variables"), for a file below one of `--overlay-triplets`.

    Raises:
        UsageError: vcpkg has no name for the host's machine.
    """
    machine, names = record.host.machine, record.host.platform.names
    _conan, architecture = _architecture(record)
    if architecture is None:
        raise UsageError(f"vcpkg has no name for {machine}", hint="use another format, or write the triplet by hand")
    lines = [
        "# Made by crossenv: the host machine for vcpkg. Static libraries, which become part of extension modules.",
        f"set(VCPKG_TARGET_ARCHITECTURE {architecture})",
        "set(VCPKG_CRT_LINKAGE dynamic)",
        "set(VCPKG_LIBRARY_LINKAGE static)",
        f"set(VCPKG_CMAKE_SYSTEM_NAME {names.vcpkg or names.cmake})",
        f"set(VCPKG_CHAINLOAD_TOOLCHAIN_FILE {quoted(f'{record.root}/{VCPKG_TOOLCHAIN_FILE}')})",
        f"set(VCPKG_MAKE_BUILD_TRIPLET {quoted(f'--host={record.toolchain.triplet}')})",
    ]
    return "\n".join(lines) + "\n"


def cargo_configuration(record: Record) -> str:
    """Cargo: a configuration (The Cargo Book, "Configuration"), for `.cargo/config.toml` for `cargo --config FILE`.

    Raises:
        UsageError: Rust has no name for the host.
    """
    triple = record.host.platform.rust_target(record.host.as_machine)
    if triple is None:
        raise UsageError(
            f"Rust has no target for {record.host.machine} with this C library",
            hint="use another format; `crossenv targets` lists the machines with one",
        )
    # Those that cargo has a table for are said there. A user's own variables win over [env].
    variables = {name: value for name, value in Rust().environment(record).items() if not name.startswith("CARGO_")}
    # The crate pkg-config takes programs by target, which leaves build scripts' own libraries alone.
    variables[f"PKG_CONFIG_{triple.replace('-', '_')}"] = launcher_path(record)
    lines = [
        "# Made by crossenv: the host machine for cargo.",
        "[build]",
        f"target = {_toml_string(triple)}",
        "",
        f"[target.{triple}]",
        f"linker = {_toml_string(record.toolchain.tools['cc'].command)}",
        *([f"runner = [{_toml_string(f'{record.root}/{CROSS_RUN}')}]"] if record.handover.emulator else []),
        "",
        "[env]",
        *(f"{name} = {_toml_string(value)}" for name, value in variables.items()),
    ]
    return "\n".join(lines) + "\n"


def _toml_string(text: str) -> str:
    """Return a basic string of TOML, whose escapes are JSON's; DEL has to be one, too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def meson_cross_file(record: Record) -> str:
    """Meson: the file for `meson setup --cross-file`, which the environment's own builds get."""
    return Meson().files(record)[CROSS_FILE]


def cmake_toolchain_file(record: Record) -> str:
    """CMake: the file for `cmake --toolchain`; with pkg-config, which our own builds find on their PATH."""
    program = quoted(launcher_path(record))
    lines = [
        CMake().files(record)[TOOLCHAIN_FILE],
        "# FindPkgConfig: asks for the target's libraries.",
        f'set(PKG_CONFIG_EXECUTABLE {program} CACHE FILEPATH "")',
    ]
    return "\n".join(lines) + "\n"


EXPORTERS: Mapping[str, Callable[[Record], str]] = {
    "meson": meson_cross_file,
    "cmake": cmake_toolchain_file,
    "cargo": cargo_configuration,
    "conan": conan_profile,
    "vcpkg": vcpkg_triplet,
    "env": variable_file,
    "bash": bash_script,
}

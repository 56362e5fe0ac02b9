"""Pyodide: CPython for WebAssembly, in a browser or under node, built with emscripten."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from crossenv.errors import UsageError
from crossenv.platforms.architectures import ARCHITECTURES, WASM, Architecture, Identity
from crossenv.platforms.model import BuildSystemNames, Libc, Machine, NoVariables
from crossenv.platforms.target import Target, no_target

EMSCRIPTEN = "emscripten"
MULTIARCH = "wasm32-emscripten"
_NAME = re.compile(r"(pyodide|pyemscripten)_(\d{4})_(\d+)_wasm32")
_OTHERS = re.compile(r"(pyodide|pyemscripten|emscripten|wasi|wasm).*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Abi:
    """One ABI of Pyodide's: modules for it can be loaded by each release that has it.

    Attributes:
        version: (2026, 0).
        python: The one version of Python that has it: "3.14".
        emscripten: The version of emscripten that everything for it is built with.
        prefix: How the tags of its wheels begin: "pyemscripten" since PEP 783.
        options: What every compile and link needs, in emcc's words.
        cxx_options: The same for C++.
    """

    version: tuple[int, int]
    python: str
    emscripten: str
    prefix: str
    options: tuple[str, ...]
    cxx_options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`2026_0`."""
        return f"{self.version[0]}_{self.version[1]}"

    @property
    def tag(self) -> str:
        """`pyemscripten_2026_0_wasm32`."""
        return f"{self.prefix}_{self.name}_wasm32"


# Of the first exceptions go through JavaScript, of the others they are WebAssembly's own.
_WASM_EXCEPTIONS = ("-fwasm-exceptions", "-sSUPPORT_LONGJMP=wasm")
ABIS = (
    Abi(
        version=(2024, 0),
        python="3.12",
        emscripten="3.1.58",
        prefix="pyodide",
        options=(),
        cxx_options=("-fexceptions",),
    ),
    Abi(version=(2025, 0), python="3.13", emscripten="4.0.9", prefix="pyemscripten", options=_WASM_EXCEPTIONS),
    Abi(version=(2026, 0), python="3.14", emscripten="5.0.3", prefix="pyemscripten", options=_WASM_EXCEPTIONS),
    Abi(version=(2026, 5), python="3.15", emscripten="6.0.5", prefix="pyemscripten", options=_WASM_EXCEPTIONS),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class EmscriptenTarget(Target):
    """One ABI of Pyodide's. Its version is the floor: there is no later one that takes its modules."""

    @property
    def abi(self) -> Abi:
        """The ABI."""
        return next(abi for abi in ABIS if abi.version == self.floor)

    @property
    def python(self) -> str:
        """An ABI is one of a version of Python."""
        return self.abi.python

    @property
    def identity(self) -> Identity:
        """What its native files say."""
        return self.architecture.identity(WASM)

    @property
    def platform_tag(self) -> str:
        """`pyemscripten_2026_0_wasm32`."""
        return self.abi.tag

    @property
    def gnu_triplet(self) -> str:
        """Emscripten's own name of it."""
        return MULTIARCH

    @property
    def gnu_type(self) -> str:
        """What CPython's configure is told."""
        return "wasm32-unknown-emscripten"

    @property
    def multiarch(self) -> str:
        """The same for every version."""
        return MULTIARCH

    def extension_suffixes(self, version: tuple[int, ...], flags: str, *, libc_known: bool) -> tuple[str, ...]:
        """What the import system takes (CPython's `dynload_shlib.c`)."""
        stable = self._imported_stable(version, flags, libc_known=libc_known)
        return (f".{self.soabi_for(version, flags)}.so", *stable, ".so")

    @property
    def support_tier(self) -> int:
        """PEP 11."""
        return 3

    @property
    def system(self) -> str:
        """The platform's name."""
        return EMSCRIPTEN

    @property
    def zig_triple(self) -> str:
        """None that has a C library: it is what zig calls the machine."""
        return MULTIARCH

    @property
    def rust_triple(self) -> str:
        """`rustc --target`."""
        return "wasm32-unknown-emscripten"


class Emscripten(NoVariables):
    """Pyodide, by the versions of its ABI."""

    name = EMSCRIPTEN
    title = "Pyodide"
    os_name = "posix"
    system = "Emscripten"
    names = BuildSystemNames(
        meson_system="emscripten",
        meson_subsystem="emscripten",
        meson_kernel="none",
        cmake="Emscripten",
        conan="Emscripten",
        vcpkg="Emscripten",
        runs_programs=False,
    )
    native_format = WASM
    module_suffix = ".so"
    stable_suffix = ".abi3.so"
    library_suffix = ".so"
    libcs: tuple[str, ...] = (EMSCRIPTEN,)
    toolchains: tuple[str, ...] = (EMSCRIPTEN,)
    linked_by = ""
    link_hint = ""
    can_repair = True
    can_run = True
    later_versions = False

    def parse_target(self, name: str) -> Target | None:
        """A wheel's tag, with the older name of its first part or the newer.

        Raises:
            UsageError: There is no such ABI, or it is another kind of WebAssembly.
        """
        match = _NAME.fullmatch(name)
        abi = next((abi for abi in ABIS if match is not None and abi.version == (int(match[2]), int(match[3]))), None)
        if abi is not None:
            return _target(name, abi)
        if match is not None:
            known = ", ".join(abi.name for abi in ABIS)
            raise UsageError(f"the target {name!r} names an ABI of Pyodide that is not known", hint=f"known: {known}")
        if _OTHERS.fullmatch(name):
            raise no_target(name, "WebAssembly", f"use {ABIS[-2].tag} (Pyodide)")
        return None

    def target_of_tag(self, tag: str, libc: str) -> Target | None:
        """The ABI that the tag names, if it is known."""
        abi = next((abi for abi in ABIS if tag in names_of(abi)), None)
        return None if abi is None else _target(tag, abi)

    def target_of_machine(self, architecture: Architecture, libc: Libc) -> Target | None:
        """The ABI of this version."""
        abi = next((abi for abi in ABIS if abi.version == libc.numbers), None)
        return None if abi is None else _target(abi.tag, abi)

    def target_names(self) -> Iterable[str]:
        """Tags by either name."""
        for abi in ABIS:
            yield from names_of(abi)

    def usual_targets(self) -> Iterable[Target]:
        """Each ABI."""
        return (_target(abi.tag, abi) for abi in ABIS)

    def recognises(self, config: Mapping[str, int | str]) -> bool:
        """No: Pyodide is read as its own layout, `crossenv.pythons.pyodide_layout`."""
        return False

    def only_libc(self, config: Mapping[str, int | str]) -> Libc | None:
        """None, as above."""
        return None

    def describe(self, libc: Libc) -> str:
        """Name the ABI."""
        return f"{self.title} {libc.version.replace('.', '_')}".strip()

    def libc_ver(self, libc: Libc) -> tuple[str, str]:
        """Nothing: it reads files of glibc."""
        return "", ""

    def plain_tag(self, machine: Machine) -> str:
        """`pyemscripten_2026_0_wasm32`."""
        abi = next((abi for abi in ABIS if abi.version == machine.libc.numbers), None)
        return f"emscripten_{machine.name}" if abi is None else abi.tag

    def accepted_tags(self, machine: Machine) -> tuple[str, ...]:
        """Its ABI's, by either name."""
        own = self.plain_tag(machine)
        abi = next((abi for abi in ABIS if abi.tag == own), None)
        return (own,) if abi is None else names_of(abi)

    def declared_tags(self, tags: Iterable[str], *, machine: str, libc: Libc) -> tuple[str, ...]:
        """The ABI's own tag, by either name.

        Raises:
            UsageError: It is another tag.
        """
        abi = next(abi for abi in ABIS if abi.version == libc.numbers)
        found = []
        for tag in tags:
            text = tag.strip().lower().replace("-", "_").replace(".", "_")
            if text not in names_of(abi):
                raise UsageError(f"--accept-tag {tag}: such wheels do not load on the target, which takes {abi.tag}")
            found.append(text)
        return tuple(dict.fromkeys(found))

    def get_platform(self, machine: Machine) -> str:
        """What back ends make the tag of: pyodide-build says the same, the interpreter `emscripten-5.0.3-wasm32`."""
        return self.plain_tag(machine)

    def data_module(self, abi_flags: str, multiarch: str) -> str:
        """`_sysconfigdata__emscripten_wasm32-emscripten`."""
        return f"_sysconfigdata_{abi_flags}_emscripten_{multiarch}"

    def python_libraries(self, version: str, abi_flags: str) -> tuple[str, ...]:
        """None: the program that loads a module has the names."""
        return ()

    def default_prefix(self, version: str) -> str:
        """What `sys.prefix` is there, spelled so that directories below it have two parts."""
        return "/usr"

    def rust_target(self, machine: Machine) -> str | None:
        """Rust's name of it."""
        return "wasm32-unknown-emscripten"

    def library_directories(self, root: Path, multiarch: str) -> tuple[Path, ...]:
        """Those of emscripten's sysroots."""
        return tuple(path for path in (root / "lib" / MULTIARCH, root / "lib") if path.is_dir())

    def pkg_config_directories(self, machine: Machine) -> tuple[str, ...]:
        """Those of emscripten's sysroots."""
        return ("lib/pkgconfig", "share/pkgconfig")


def names_of(abi: Abi) -> tuple[str, ...]:
    """The tags that name an ABI, its own first."""
    return tuple(dict.fromkeys((abi.tag, f"pyemscripten_{abi.name}_wasm32", f"pyodide_{abi.name}_wasm32")))


def _target(text: str, abi: Abi) -> EmscriptenTarget:
    row = next(row for row in ARCHITECTURES if row.name == "wasm32")
    return EmscriptenTarget(text=text, architecture=row, libc=EMSCRIPTEN, floor=abi.version)

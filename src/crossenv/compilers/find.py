"""Find a toolchain for a machine and prove that it compiles for it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from crossenv.compilers.binutils import BINUTILS, find_binutils
from crossenv.compilers.candidates import c_compilers, host_triplets, sibling_compilers
from crossenv.compilers.commands import Command, find_program, split_override
from crossenv.compilers.model import Purpose, Tool, Toolchain
from crossenv.compilers.probe import Macros, Prober
from crossenv.errors import ToolchainError
from crossenv.files import scratch_directory
from crossenv.libc.compiling import describe, fits, is_newer
from crossenv.libc.libraries import is_linkable
from crossenv.platforms.architectures import Identity
from crossenv.platforms.triplets import gnu_triplet
from crossenv.sysroots.debian import compiler_package

# The host Python's recorded compiler; GNU's and clang by their usual names.
KINDS = ("recorded", "gnu", "clang")
_COMPILERS = ("cc", "cxx", "fc")
# Linkers' messages about a missing part, and the package to install.
_LINK_HINTS = (
    ("__isoc23_", "the compiler's C headers are newer than this library: use an older --cc or a newer --sysroot"),
    (
        "emulation|fuse-ld",
        "install the target's linker (its binutils), or lld and -fuse-ld=lld among the words of --cc",
    ),
    ("crtbegin|-lgcc", "the compiler has no libgcc for the target: install it (libgcc-dev, gcc-multilib) or use a GCC"),
    ("", "install libc6-dev (or its like) of the target in the sysroot, or name another with --sysroot"),
)
# One line is enough: the other names differ in the vendor only.
_NAMED_AT_MOST = 4
_LANGUAGES = {"cc": "c", "cxx": "c++", "fc": "fortran"}


def find_toolchain(
    purpose: Purpose,
    *,
    environ_path: str,
    sysroot: Path | None,
    overrides: Mapping[str, str],
    kinds: Collection[str] = KINDS,
    accept: Callable[[Tool, Macros], None] | None = None,
) -> Toolchain:
    """Return the compilers and tools for a machine.

    Args:
        purpose: The machine, or the host Python on it.
        environ_path: PATH, where tools are looked up.
        sysroot: The user's choice; None for that of `purpose`.
        overrides: The user's command lines by tool name (cc, cxx, fc, ar, ranlib, strip, nm, objcopy,
            objdump, readelf, ld).
        kinds: The sources to try, of `KINDS`; a compiler that the user names may be of any kind.
        accept: Raises an error for a C compiler that cannot be used; called before the other tools are looked for.

    Raises:
        ToolchainError: There is no compiler for the target, or the user's is missing, compiles for another machine, or
            cannot link against the sysroot.
    """
    _check_names(overrides)
    sysroot = sysroot.absolute() if sysroot is not None else None
    if sysroot is not None and not sysroot.is_dir():
        raise ToolchainError(f"the sysroot {sysroot} is not a directory", hint="name another with --sysroot")
    with scratch_directory("probe") as directory:
        search = _Search(
            purpose=purpose,
            prober=Prober(directory=directory, search_path=environ_path),
            overrides=overrides,
            sysroot=sysroot,
            kinds=kinds,
            accept=accept,
        )
        return search.toolchain()


@dataclass(frozen=True, kw_only=True, slots=True)
class _CCompiler:
    """An accepted C compiler.

    Attributes:
        command: The command line that chose it.
        tool: The program and its arguments.
        macros: Its predefined macros.
        sysroot: Its sysroot.
        notes: Remarks for the user.
    """

    command: Command
    tool: Tool
    macros: Macros
    sysroot: Path | None
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Search:
    """One search for a toolchain; its attributes are `find_toolchain`'s arguments."""

    purpose: Purpose
    prober: Prober
    overrides: Mapping[str, str]
    sysroot: Path | None
    kinds: Collection[str]
    accept: Callable[[Tool, Macros], None] | None

    def toolchain(self) -> Toolchain:
        cc = self._c_compiler()
        if self.accept is not None:
            self.accept(cc.tool, cc.macros)
        triplet = cc.command.triplet
        if "-" not in triplet:
            triplet = self.prober.ask(cc.tool, "-dumpmachine") or self._triplet()
        multiarch = self.purpose.multiarch or triplet
        library_dirs = self.purpose.platform.library_directories(cc.sysroot, multiarch) if cc.sysroot else ()
        notes = [*cc.notes, *self._header_notes(cc)]
        # Compilers take most of a search's time.
        with ThreadPoolExecutor() as pool:
            proofs = (pool.submit(self._prove_headers, cc), pool.submit(self._prove_linking, cc, library_dirs))
            siblings = [pool.submit(self._sibling, name, cc.command) for name in ("cxx", "fc")]
        for proof in proofs:
            proof.result()
        (cxx, tried), (fc, _tried_too) = (sibling.result() for sibling in siblings)
        if cxx is None:
            notes.append(f"no C++ compiler was found ({tried}); name one with --cxx if a package needs it")
        compiler = find_program(cc.command.name, self.prober.search_path) or cc.tool.path
        binutils = find_binutils(
            compiler=compiler,
            command=cc.command,
            family=cc.macros.family,
            triplets=[triplet, *host_triplets(self.purpose)],
            config=self.purpose.config,
            overrides=self.overrides,
            search_path=self.prober.search_path,
        )
        return Toolchain(
            family=cc.macros.family,
            version=cc.macros.version,
            cc=cc.tool,
            cxx=cxx,
            fc=fc,
            binutils=binutils,
            triplet=triplet,
            identity=self.purpose.identity,
            sysroot=cc.sysroot,
            library_dirs=library_dirs,
            macros=cc.macros.probed,
            has_headers=cc.macros.has_headers,
            notes=tuple(notes),
        )

    def _c_compiler(self) -> _CCompiler:
        if "cc" in self.overrides:
            command = split_override("cc", self.overrides["cc"])
            tool = self._named(command, "cc")
            accepted = self._accept_c(command, tool)
            if isinstance(accepted, str):
                problem = f"--cc {self.overrides['cc']} cannot be used: {accepted}"
                raise ToolchainError(problem, hint=self._hint("cc"))
            return accepted
        missing: list[str] = []
        refused: list[str] = []
        seen: set[tuple[Path, tuple[str, ...]]] = set()
        for command in c_compilers(self.purpose, self.prober.search_path, self.kinds):
            found = command.find(self.prober.search_path)
            if found is None:
                missing.append(command.name)
                continue
            if (found.path, found.args) in seen:
                continue
            seen.add((found.path, found.args))
            reason = self._wrong_machine("cc", found)
            accepted = reason or self._accept_c(command, found)
            if isinstance(accepted, _CCompiler):
                return accepted
            refused.append(f"{command}: {accepted}")
        problem = f"no C compiler for {self._target()}: {_tried(refused, missing)}"
        raise ToolchainError(problem, hint=self._hint("cc"))

    def _accept_c(self, command: Command, tool: Tool) -> _CCompiler | str:
        """Return the compiler if its objects are the target's, with facts of its C library; else a reason."""
        sysroot = self.sysroot or self.purpose.sysroot
        macros = self.prober.macros(tool, _sysroot_argument(sysroot))
        notes: list[str] = []
        if not macros.has_headers and sysroot is not None:
            own = self.prober.macros(tool, ())
            if self.sysroot is not None:
                return f"it finds no C headers in the sysroot {sysroot} ({macros.complaint})"
            if own.has_headers:
                notes.append(f"{sysroot} has no C headers, so the compiler's own C library is used")
                sysroot, macros = None, own
        if not macros.has_headers:
            notes.append(
                f"{tool.path.name} finds no C headers ({macros.complaint}); name the root that has them with --sysroot"
            )
        if not macros.family:
            return "it is neither gcc nor clang"
        wanted = self.purpose.libc.family
        if macros.has_headers and not fits(macros.glibc, wanted):
            return f"its C headers are {describe(macros.glibc)}, and the target uses {wanted}"
        return _CCompiler(command=command, tool=tool, macros=macros, sysroot=sysroot, notes=tuple(notes))

    def _sibling(self, name: str, cc: Command) -> tuple[Tool | None, str]:
        """Return the C++ or Fortran compiler, or the names that were tried."""
        if name in self.overrides:
            return self._named(split_override(name, self.overrides[name]), name), ""
        missing: list[str] = []
        refused: list[str] = []
        for command in sibling_compilers(name, cc, self.purpose):
            tool = command.find(self.prober.search_path)
            if tool is None:
                missing.append(command.name)
                continue
            reason = self._wrong_machine(name, tool)
            if not reason:
                return tool, ""
            refused.append(f"{command}: {reason}")
        return None, _tried(refused, missing)

    def _named(self, command: Command, option: str) -> Tool:
        """Return the user's compiler, proved."""
        tool = command.find(self.prober.search_path)
        if tool is None:
            problem = f"--{option}: {command.name} is not an executable file or a name on PATH"
            raise ToolchainError(problem, hint=self._hint(option))
        reason = self._wrong_machine(option, tool)
        if reason:
            problem = f"--{option} {self.overrides[option]} cannot be used: {reason}"
            raise ToolchainError(problem, hint=self._hint(option))
        return tool

    def _wrong_machine(self, name: str, tool: Tool) -> str:
        """Say why `tool`'s objects are not the target's; "" if they are."""
        made = self.prober.object_identity(tool, _LANGUAGES[name])
        if made == self.purpose.identity:
            return ""
        if isinstance(made, Identity):
            return f"it makes {made} objects, and the host Python is {self.purpose.identity}"
        return f"it does not compile ({made})"

    def _prove_headers(self, cc: _CCompiler) -> None:
        """Compile against the target's `Python.h`."""
        if not cc.macros.has_headers or not self.purpose.include_dirs:
            return
        includes = [f"-I{directory}" for directory in self.purpose.include_dirs]
        outcome = self.prober.python_headers(
            cc.tool, [*_sysroot_argument(cc.sysroot), *includes], self.purpose.identity.bits
        )
        if not outcome.succeeded:
            raise ToolchainError(
                f"{cc.tool} cannot compile against {self.purpose.include_dirs[0]}: {outcome.complaint}",
                hint="name the root that holds all of the target's headers with --sysroot",
            )

    def _prove_linking(self, cc: _CCompiler, library_dirs: tuple[Path, ...]) -> None:
        """Link against the sysroot's C library, if it has one to link against."""
        if not cc.macros.has_headers or not is_linkable(library_dirs):
            return
        arguments = [*_sysroot_argument(cc.sysroot), *(f"-L{directory}" for directory in library_dirs)]
        outcome = self.prober.link(cc.tool, arguments)
        if outcome.succeeded:
            return
        hint = next(hint for sign, hint in _LINK_HINTS if re.search(sign, outcome.complaint))
        raise ToolchainError(f"{cc.tool} cannot link against the sysroot {cc.sysroot}: {outcome.complaint}", hint=hint)

    def _header_notes(self, cc: _CCompiler) -> list[str]:
        libc = self.purpose.libc
        says = (
            f"the compiler's headers are glibc {cc.macros.glibc}'s, the target's library is {libc.version}: what it"
            " builds may need symbols that the target does not have"
        )
        return [says] if is_newer(cc.macros.glibc, libc) else []

    def _target(self) -> str:
        triplet = self._triplet()
        return f"{self.purpose.identity} ({triplet})" if triplet else str(self.purpose.identity)

    def _triplet(self) -> str:
        usual = gnu_triplet(self.purpose.identity, self.purpose.libc.family)
        return usual or self.purpose.multiarch or self.purpose.gnu_type

    def _hint(self, option: str) -> str:
        triplet = self._triplet()
        package = compiler_package(option, triplet, self.purpose.libc)
        if not package:
            return f"install a cross compiler for {triplet or self.purpose.identity}, and name it with --{option}"
        return f"install {package} (apt), or name a compiler for {triplet} with --{option}"


def _check_names(overrides: Mapping[str, str]) -> None:
    known = (*_COMPILERS, *BINUTILS)
    for name in overrides:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"the tools are {', '.join(known)}"
            raise ToolchainError(f"there is no tool {name!r} in a toolchain", hint=hint)


def _sysroot_argument(sysroot: Path | None) -> list[str]:
    return [f"--sysroot={sysroot}"] if sysroot is not None else []


def _tried(refused: Iterable[str], missing: Iterable[str]) -> str:
    absent = list(dict.fromkeys(missing))
    named = ", ".join(absent[:_NAMED_AT_MOST])
    if len(absent) > _NAMED_AT_MOST:
        named += f" and {len(absent) - _NAMED_AT_MOST} more"
    return "; ".join([*refused, *([f"not found: {named}"] if named else [])])

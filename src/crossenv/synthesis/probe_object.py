"""Run the compiler on our questions and read its answers from the ELF files it makes; nothing of them is run."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossenv.binaries.elf import ElfError, elf_identity, sized_symbols
from crossenv.codec import WrongValueError, decode
from crossenv.compilers.model import Toolchain
from crossenv.compilers.run import Outcome, run_tool
from crossenv.errors import ToolchainError
from crossenv.files import scratch_directory
from crossenv.libc.compiling import glibc_of
from crossenv.platforms import DEFAULT
from crossenv.platforms.architectures import Identity
from crossenv.pythons.pyconfig import Macro
from crossenv.synthesis.probe_source import BYTES, NUMBER, questions, references

_TIMEOUT_SECONDS = 300.0
# GNU ld, gold, lld and mold.
_UNDEFINED = re.compile(r"undefined (?:reference to|symbol:?)\s*[`'\"]?(\w+)")
# lld stops after twenty: each round asks for what the last one did not complain of.
_ROUNDS = 40
_LIBRARIES = ("-lm", "-lpthread", "-ldl", "-lrt", "-lutil")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """What a compiler says about the host.

    Attributes:
        identity: The machine of its objects.
        numbers: The answers by question: macros of `pyconfig.h`, and the names in `probe_source`.
        double: The bytes of `probe_source`'s double in memory.
        functions: Those of the functions asked for that its C library has.
    """

    identity: Identity
    numbers: Mapping[str, int]
    double: bytes
    functions: frozenset[str]

    @property
    def glibc(self) -> str:
        """The version of the compiler's glibc; "" where its C library is another."""
        return glibc_of(self.numbers)


def ask_compiler(
    compiler: Toolchain,
    macros: Mapping[str, Macro],
    functions: Iterable[str],
    *,
    defines: Sequence[str] = (),
    search_path: str = os.defpath,
) -> Answers:
    """Ask about everything in a `pyconfig.h` that depends on the host.

    Args:
        compiler: The compiler for the host.
        macros: The macros of a `pyconfig.h`.
        functions: Functions to look for in its C library.
        defines: Options of every compile (`-D_TIME_BITS=64`).
        search_path: PATH, for the programs that the compiler starts.

    Raises:
        ToolchainError: It does not compile or link, or what it made cannot be read.
    """
    text, wanted = questions(macros, {name: macro.value for name, macro in macros.items()}), sorted(set(functions))
    # The rest of what is told to the compiler is a part of the memory's name, or stands in this file.
    told = [Path(__file__).read_text(encoding="utf-8"), text, *wanted, *defines, *compiler.probe_link]
    question = "\0".join([*told, *map(str, compiler.library_dirs)])
    memory = compiler.memory
    if memory is not None and (answers := _decoded(memory.recall(question))) is not None:
        return answers
    with scratch_directory("ask") as directory:
        run = _Run(compiler=compiler, defines=tuple(defines), directory=directory, search_path=search_path)
        made = run.compile(text)
        try:
            identity = elf_identity(made)
            numbers, data = _read_object(made)
        except (ElfError, KeyError, IndexError, ValueError) as error:
            raise run.error(f"made an object that cannot be read ({error})") from error
        missing = {macro.name for macro in macros.values() if macro.sized_type or macro.aligned_type} - set(numbers)
        if missing or "double" not in data:
            raise run.error(f"made an object without answers ({', '.join(sorted(missing)) or 'double'})")
        linked = run.link(wanted)
    answers = Answers(identity=identity, numbers=numbers, double=data["double"], functions=linked)
    if memory is not None:
        memory.keep(question, _encoded(answers))
    return answers


def _encoded(answers: Answers) -> dict[str, Any]:
    return {
        "identity": dataclasses.asdict(answers.identity),
        "numbers": dict(answers.numbers),
        "double": answers.double.hex(),
        "functions": sorted(answers.functions),
    }


def _decoded(known: Any) -> Answers | None:
    try:
        return Answers(
            identity=decode(Identity, known["identity"]),
            numbers=known["numbers"],
            double=bytes.fromhex(known["double"]),
            functions=frozenset(known["functions"]),
        )
    except (TypeError, KeyError, ValueError, WrongValueError):
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """Runs of one compiler in one temporary directory."""

    compiler: Toolchain
    defines: tuple[str, ...]
    directory: Path
    search_path: str

    def compile(self, text: str) -> Path:
        source, made = self.directory / "questions.c", self.directory / "questions.o"
        source.write_text(text, encoding="utf-8")
        outcome = self._cc("-c", "-O0", "-w", "-fPIC", *self.defines, source, "-o", made)
        if not outcome.succeeded:
            raise self.error(f"cannot compile a C file that asks about the target: {outcome.complaint}")
        return made

    def link(self, wanted: Sequence[str]) -> frozenset[str]:
        source, made = self.directory / "references.c", self.directory / f"references{DEFAULT.library_suffix}"
        complaint = ""
        for _ in range(_ROUNDS):
            source.write_text(references(wanted), encoding="utf-8")
            directories = [f"-L{directory}" for directory in self.compiler.library_dirs]
            words = [
                *self.compiler.probe_link,
                "-shared",
                "-w",
                "-fPIC",
                "-Wl,-z,defs",
                *self.defines,
                str(source),
                "-o",
                str(made),
            ]
            outcome = self._cc(*words, *directories, *_LIBRARIES)
            complaint = outcome.complaint
            if outcome.succeeded:
                # Those that were there to be referred to: a stub had no reference and no symbol.
                return frozenset(_read_object(made)[0])
            absent = set(_UNDEFINED.findall(outcome.diagnostics)) & set(wanted)
            if not absent:
                break
            wanted = [name for name in wanted if name not in absent]
        raise self.error(f"cannot link against the target's C library: {complaint}")

    def error(self, problem: str) -> ToolchainError:
        hint = "name a compiler that has the target's C library with --cc, or the root that holds it with --sysroot"
        return ToolchainError(f"{self.compiler.cc.path} {problem}", hint=hint)

    def _cc(self, *arguments: str | Path) -> Outcome:
        sysroot = self.compiler.sysroot
        root = [f"--sysroot={sysroot}"] if sysroot is not None else []
        words = [*root, *arguments]
        directory, path = self.directory, self.search_path
        return run_tool(self.compiler.cc, words, directory=directory, search_path=path, seconds=_TIMEOUT_SECONDS)


def _read_object(path: Path) -> tuple[dict[str, int], dict[str, bytes]]:
    """The numbers and the bytes that an ELF file's symbols say."""
    numbers: dict[str, int] = {}
    data: dict[str, bytes] = {}
    for symbol in sized_symbols(path):
        if symbol.name.startswith(NUMBER):
            numbers[symbol.name.removeprefix(NUMBER)] = symbol.size - 1
        elif symbol.name.startswith(BYTES):
            data[symbol.name.removeprefix(BYTES)] = symbol.content()
    return numbers, data

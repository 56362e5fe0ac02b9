"""Command lines of tools: split them, look them up, name their siblings."""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import shutil
from dataclasses import dataclass, replace
from pathlib import Path, PurePath, PurePosixPath

from crossenv.compilers.model import Tool
from crossenv.errors import ToolchainError
from crossenv.pythons.model import HostPython

WRAPPERS = frozenset({"ccache", "sccache", "distcc", "icecc", "gomacc"})

# Options that choose the machine or its ABI; builds here do not need the others of a recorded command.
_MACHINE_OPTION = re.compile(
    r"-m(16|32|64|x32|thumb|arm|(little|big)-endian|hard-float|soft-float)|-E[BL]"
    r"|-m(arch|cpu|tune|float-abi|fpu|abi|isa-spec|cmodel|mode)=.+|--target=.+"
)
# These run a command that follows their own options: `env CCACHE_DIR=/x gcc`.
_RUNNERS = frozenset({*WRAPPERS, "env", "nice", "ionice", "time", "taskset", "setarch"})
_ROLES = {
    "cc": ("gcc", "clang", "emcc", "cc"),
    "cxx": ("g++", "clang++", "em++", "c++"),
    "fc": ("gfortran", "flang", "flang-new", "f95"),
}
_KINDS = "|".join(re.escape(kind) for kinds in _ROLES.values() for kind in kinds)
_COMPILER_NAME = re.compile(rf"(?P<prefix>(.+-)?)(?P<kind>{_KINDS})(?P<suffix>-[\d.]+)?")
_SIBLINGS = {
    "cxx": {"gcc": "g++", "clang": "clang++", "cc": "c++"},
    "fc": {"gcc": "gfortran", "clang": "flang", "cc": "gfortran"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A compiler's command line, before it is looked up.

    Attributes:
        name: The compiler, a path or a name.
        args: The arguments that always follow it.
        wrapper: The words before it ("ccache").
        origin: Who chose it, for people.
    """

    name: str
    args: tuple[str, ...] = ()
    wrapper: tuple[str, ...] = ()
    origin: str = ""

    @property
    def triplet(self) -> str:
        """The prefix of the compiler's name: "aarch64-linux-gnu"; "" for a plain name."""
        match = _COMPILER_NAME.fullmatch(PurePath(self.name).name)
        return match["prefix"].rstrip("-") if match else ""

    def sibling(self, tool: str) -> Command | None:
        """Return the C++ ("cxx") or Fortran ("fc") compiler of the same family; None for an unknown name."""
        path = PurePath(self.name)
        if path.name == "zig" and self.args[:1] == ("cc",) and tool == "cxx":
            return replace(self, args=("c++", *self.args[1:]), origin="beside zig cc")
        match = _COMPILER_NAME.fullmatch(path.name)
        kind = _SIBLINGS[tool].get(match["kind"]) if match else None
        if match is None or kind is None:
            return None
        name = f"{match['prefix']}{kind}{match['suffix'] or ''}"
        return replace(self, name=str(path.with_name(name)), origin=f"beside {path.name}")

    def find(self, search_path: str) -> Tool | None:
        """Look it up; None if one of its programs does not exist."""
        found = [find_program(word, search_path) for word in (*self.wrapper[:1], self.name)]
        if None in found:
            return None
        first, compiler = found[0], str(found[-1])
        assert first is not None
        args = (*self.wrapper[1:], compiler, *self.args) if self.wrapper else self.args
        return Tool(path=first, args=args, origin=self.origin, name=PurePath(self.name).name)

    def __str__(self) -> str:
        return shlex.join((self.name, *self.args))


def role_of(name: str) -> str:
    """Return the role of a compiler by its file name: "cc", "cxx" or "fc"; "" for other names."""
    match = _COMPILER_NAME.fullmatch(name)
    return next((role for role, kinds in _ROLES.items() if match is not None and match["kind"] in kinds), "")


def find_program(name: str, search_path: str) -> Path | None:
    """Find an executable file: `name` itself if it is a path, else the first of that name on `search_path`."""
    if "/" in name:
        path = Path(name).absolute()
        return path if path.is_file() and os.access(path, os.X_OK) else None
    found = shutil.which(name, path=search_path)
    return Path(found).absolute() if found else None


def split_override(option: str, text: str) -> Command:
    """Parse the command of `--cc` or a similar option.

    Raises:
        ToolchainError: It is empty, or lacks a closing quotation mark.
    """
    if Path(text).is_file():
        return Command(name=text, origin=f"--{option}")
    try:
        words = shlex.split(text)
    except ValueError as error:
        problem = f"cannot split --{option} {text!r}: {error}"
        raise ToolchainError(problem, hint="quote it as for a shell") from error
    if not words:
        raise ToolchainError(f"--{option} is empty", hint=f"name a program, or leave --{option} out")
    return _command(words, origin=f"--{option}", only_machine_args=False)


def split_recorded(text: str) -> Command | None:
    """Parse a command that the host Python recorded; of its options only those that choose the machine stay."""
    try:
        words = shlex.split(text)
    except ValueError:
        return None
    while words and PurePath(words[0]).name in WRAPPERS:
        words = words[1:]
    if not words or words[0].startswith(("-", "@")):
        return None
    return _command(words, origin="recorded by the host Python", only_machine_args=True)


def _command(words: list[str], *, origin: str, only_machine_args: bool) -> Command:
    start = _before_compiler(words)
    wrapper, (name, *rest) = tuple(words[:start]), words[start:]
    args = tuple(machine_args(rest)) if only_machine_args else tuple(rest)
    return Command(name=name, args=args, wrapper=wrapper, origin=origin)


def _before_compiler(words: list[str]) -> int:
    """Return how many words stand before the compiler's name: those of `ccache` or `env` and their options."""
    first = PurePath(words[0]).name
    if first == "zig" or role_of(first):
        return 0
    for index, word in enumerate(words):
        if index and role_of(PurePath(word).name) and (index == 1 or first in _RUNNERS):
            return index
    # A compiler with an unknown name behind a wrapper.
    return 1 if first in WRAPPERS and len(words) > 1 and not words[1].startswith("-") else 0


def machine_args(words: list[str]) -> list[str]:
    """Return the options that choose the machine or its ABI."""
    kept: list[str] = []
    for index, word in enumerate(words):
        if _MACHINE_OPTION.fullmatch(word):
            kept.append(word)
        elif word in ("-target", "--target") and index + 1 < len(words):
            kept.append(f"--target={words[index + 1]}")
    return kept


_TOOL_VARIABLES = ("CC", "CXX", "AR", "RANLIB", "NM", "READELF", "OBJCOPY", "STRIP")


def with_relative_tools(host: HostPython) -> HostPython:
    """`host` with its recorded tools named without their directories, to be looked up on PATH.

    The directories that the host Python recorded are of another machine.
    """
    config = dict(host.config)
    for name in _TOOL_VARIABLES:
        value = config.get(name)
        if isinstance(value, str):
            config[name] = _relative(value)
    return dataclasses.replace(host, config=config)


def _relative(command: str) -> str:
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    for index, word in enumerate(words):
        words[index] = PurePosixPath(word).name
        if words[index] not in WRAPPERS:
            break
    return shlex.join(words)

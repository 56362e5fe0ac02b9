"""Find the tools beside a compiler: ar, strip and the like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath

from crossenv.compilers.commands import Command, find_program, split_override, split_recorded
from crossenv.compilers.model import Tool
from crossenv.errors import ToolchainError
from crossenv.pythons.model import ConfigValue

BINUTILS: tuple[str, ...] = ("ar", "ranlib", "strip", "nm", "objcopy", "objdump", "readelf", "ld")

# For these gcc has front ends of its own, which load its LTO plug-in.
_WRAPPED_BY_GCC = ("ar", "ranlib", "nm")
# These work on archives of any machine's objects. A `strip` or `objcopy` for another machine would damage files.
_MACHINE_INDEPENDENT = ("ar", "ranlib", "readelf")


def find_binutils(
    *,
    compiler: Path,
    command: Command,
    family: str,
    triplets: Sequence[str],
    config: Mapping[str, ConfigValue],
    overrides: Mapping[str, str],
    search_path: str,
) -> dict[str, Tool]:
    """Return the tools that exist, by their usual names.

    Args:
        compiler: The chosen C compiler's file.
        command: The command line that chose it.
        family: "gcc" or "clang".
        triplets: The prefixes that the tools' names may have, likeliest first.
        config: The host Python's recorded configuration.
        overrides: The user's choices by tool name.
        search_path: PATH.

    Raises:
        ToolchainError: A tool that the user named is not there, or there is no ar.
    """
    found: dict[str, Tool] = {}
    for name in BINUTILS:
        if name in overrides:
            found[name] = named_tool(name, overrides[name], search_path)
            continue
        for candidate, origin in _candidates(name, command, family, triplets, config):
            beside = find_program(str(compiler.with_name(candidate)), search_path)
            # A plain name only goes with a plain compiler of its own directory.
            path = beside or (find_program(candidate, search_path) if candidate != name else None)
            if path is not None:
                found[name] = Tool(path=path, origin=origin)
                break
        else:
            own = find_program(name, search_path) if name in _MACHINE_INDEPENDENT else None
            if own is not None:
                found[name] = Tool(path=own, origin="the build machine's own")
    if "ar" not in found:
        raise ToolchainError(
            f"no ar for {triplets[0] if triplets else compiler}",
            hint="install the binutils of the cross compiler, or name one with --ar",
        )
    return found


def named_tool(option: str, text: str, search_path: str) -> Tool:
    """Return the tool that the user named with `--ar` or a similar option.

    Raises:
        ToolchainError: There is no such program.
    """
    command = split_override(option, text)
    tool = command.find(search_path)
    if tool is None:
        raise ToolchainError(
            f"--{option}: {command.name} is not an executable file or a name on PATH",
            hint=f"name one that exists with --{option}, or leave it out",
        )
    return tool


def _candidates(
    name: str, command: Command, family: str, triplets: Sequence[str], config: Mapping[str, ConfigValue]
) -> Iterator[tuple[str, str]]:
    recorded = split_recorded(str(config.get(name.upper(), "")))
    # A recorded plain `ar` was right where the host Python was built; here it would be the build machine's.
    if recorded is not None and PurePath(recorded.name).name != name:
        yield PurePath(recorded.name).name, "recorded by the host Python"
    for triplet in dict.fromkeys([command.triplet, *triplets]):
        if triplet:
            yield f"{triplet}-{name}", f"{triplet}-{name}"
            if name in _WRAPPED_BY_GCC:
                yield f"{triplet}-gcc-{name}", f"{triplet}-gcc-{name}"
    if family == "clang":
        version = PurePath(command.name).name.partition("clang")[2]
        llvm = "ld.lld" if name == "ld" else f"llvm-{name}"
        yield f"{llvm}{version}", f"{llvm}{version}"
        yield llvm, llvm
    if not command.triplet and not any(word.startswith("--target") for word in command.args):
        yield name, "beside the compiler"

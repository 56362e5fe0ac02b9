"""Which compilers to try for a machine, likeliest first."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path, PurePath

from crossenv.compilers.commands import Command, split_recorded
from crossenv.compilers.model import Purpose
from crossenv.platforms.triplets import gnu_triplet, without_vendor
from crossenv.pythons.directories import compilers_beside


def host_triplets(purpose: Purpose) -> list[str]:
    """Return the triplets that compilers for `purpose` may have in their names, likeliest first."""
    vendorless = without_vendor(purpose.gnu_type)
    usual = gnu_triplet(purpose.identity, purpose.libc.family)
    cpu, _, system = usual.partition("-")
    # Arm's own releases say "none", crosstool-NG "unknown".
    others = [f"{cpu}-{vendor}-{system}" for vendor in ("none", "unknown")] if usual else []
    names = [purpose.multiarch, purpose.gnu_type, vendorless, usual, *others]
    return [name for name in dict.fromkeys(names) if name]


def c_compilers(purpose: Purpose, search_path: str, kinds: Collection[str]) -> Iterator[Command]:
    """Return the C compilers to try.

    Args:
        purpose: The machine, or the host Python on it.
        search_path: PATH.
        kinds: The kinds to try, of "recorded", "gnu" and "clang".
    """
    recorded = split_recorded(str(purpose.config.get("CC", "")))
    if recorded is not None and "recorded" in kinds:
        yield from recorded_forms(recorded)
        yield from _nearby(recorded, purpose)
    args = tuple(word for word in recorded.args if not word.startswith("--target")) if recorded else ()
    triplets = host_triplets(purpose)
    installed = [name for kind, name in (("gnu", "gcc"), ("clang", "clang")) if kind in kinds]
    for triplet in triplets:
        for name in (f"{triplet}-{compiler}" for compiler in installed):
            for arguments in dict.fromkeys((args, ())):
                yield Command(name=name, args=arguments, origin=f"{name} on PATH")
    if "gnu" in kinds:
        for name in _versioned([f"{triplet}-gcc" for triplet in triplets], search_path):
            yield Command(name=name, origin=f"{name} on PATH")
    target = gnu_triplet(purpose.identity, purpose.libc.family) or next(iter(triplets), "")
    if target and "clang" in kinds:
        yield Command(name="clang", args=(f"--target={target}", *args), origin="clang on PATH")


def sibling_compilers(tool: str, cc: Command, purpose: Purpose) -> Iterator[Command]:
    """Return the C++ ("cxx") or Fortran ("fc") compilers to try with the chosen C compiler."""
    derived = cc.sibling(tool)
    recorded = split_recorded(str(purpose.config.get("CXX", ""))) if tool == "cxx" else None
    first = list(recorded_forms(recorded)) if recorded is not None else []
    last: list[Command] = []
    if derived is not None:
        # The compilers must be of one release: the recorded pair, or the chosen one and its sibling.
        if cc.origin.startswith("recorded"):
            last.append(derived)
        else:
            first.insert(0, derived)
    yield from first
    yield from last
    kind = {"cxx": "g++", "fc": "gfortran"}[tool]
    for triplet in host_triplets(purpose):
        yield Command(name=f"{triplet}-{kind}", origin=f"{triplet}-{kind} on PATH")


def recorded_forms(command: Command) -> Iterator[Command]:
    """Yield a recorded command as it stands, then its base name on PATH."""
    yield command
    base = PurePath(command.name).name
    if base != command.name:
        yield replace(command, name=base)


def _nearby(command: Command, purpose: Purpose) -> Iterator[Command]:
    """Look for a recorded compiler where build systems keep it, beside the sysroot that they made."""
    if purpose.sysroot is None:
        return
    base = PurePath(command.name).name
    for directory in compilers_beside(purpose.sysroot.resolve()):
        if (directory / base).is_file():
            origin = f"{command.origin}, found beside the sysroot"
            yield replace(command, name=str(directory / base), origin=origin)


def _versioned(names: list[str], search_path: str) -> list[str]:
    """Return programs such as `aarch64-linux-gnu-gcc-12`: the likeliest name first, of each the newest first."""
    pattern = re.compile(rf"({'|'.join(map(re.escape, names))})-(\d+(?:\.\d+)*)")
    found: dict[str, tuple[int, tuple[int, ...]]] = {}
    for directory in map(Path, filter(None, search_path.split(os.pathsep))):
        try:
            programs = [file.name for file in directory.iterdir()]
        except OSError:
            continue
        for match in filter(None, map(pattern.fullmatch, programs)):
            version = tuple(-int(part) for part in match[2].split("."))
            found[match[0]] = (names.index(match[1]), version)
    return sorted(found, key=found.__getitem__)

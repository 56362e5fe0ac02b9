"""Compare a synthesised host Python with a real one."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from crossenv.pythons.model import ConfigValue

_NAMES = ("SOABI", "EXT_SUFFIX", "MULTIARCH", "VERSION", "ABIFLAGS")
# What the machine and its ABI decide; the rest is what whoever ran configure chose, or had libraries for.
_MACHINE = re.compile(
    r"(SIZEOF|ALIGNOF)_\w+|DOUBLE_IS_\w+|FLOAT_WORDS_BIGENDIAN|HAVE_GCC_\w+|HAVE___UINT128_T|HAVE_\w+_ATOMIC"
    r"|HAVE_LARGEFILE_SUPPORT|HAVE_USABLE_WCHAR_T|VA_LIST_IS_ARRAY|X87_DOUBLE_ROUNDING|" + "|".join(_NAMES)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A variable that two host Pythons do not agree on.

    Attributes:
        name: "SIZEOF_TIME_T".
        machine: Whether the machine and its ABI decide it.
        real: What the real one recorded.
        synthesised: What the synthesis made of it.
    """

    name: str
    machine: bool
    real: ConfigValue
    synthesised: ConfigValue


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What was compared.

    Attributes:
        machine: How many variables that the machine decides.
        others: How many others.
        differences: Those that differ, the machine's first.
    """

    machine: int
    others: int
    differences: tuple[Difference, ...]


def compare_configurations(
    real: Mapping[str, ConfigValue], synthesised: Mapping[str, ConfigValue], macros: Collection[str]
) -> Comparison:
    """The macros of `pyconfig.h` and the names of the ABI that two configurations both have.

    Args:
        real: The `build_time_vars` of the real host Python.
        synthesised: Those that were synthesised.
        macros: The names of the macros.
    """
    names = sorted(name for name in {*macros, *_NAMES} if name in real and name in synthesised)
    decided = {name for name in names if _MACHINE.fullmatch(name)}
    differences = [
        Difference(name=name, machine=name in decided, real=real[name], synthesised=synthesised[name])
        for name in names
        if real[name] != synthesised[name]
    ]
    differences.sort(key=lambda difference: (not difference.machine, difference.name))
    return Comparison(machine=len(decided), others=len(names) - len(decided), differences=tuple(differences))

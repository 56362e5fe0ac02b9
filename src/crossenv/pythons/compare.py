"""Compare a synthesised host Python with a real one."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from crossenv.pythons.model import ConfigValue

_NAMES = ("SOABI", "EXT_SUFFIX", "MULTIARCH", "VERSION", "ABIFLAGS")
# The machine and its ABI decide these. The others depend on configure's options and the libraries that it found.
_MACHINE = re.compile(
    r"(SIZEOF|ALIGNOF)_\w+|DOUBLE_IS_\w+|FLOAT_WORDS_BIGENDIAN|HAVE_GCC_\w+|HAVE___UINT128_T|HAVE_\w+_ATOMIC"
    r"|HAVE_LARGEFILE_SUPPORT|HAVE_USABLE_WCHAR_T|VA_LIST_IS_ARRAY|X87_DOUBLE_ROUNDING|" + "|".join(_NAMES)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A variable with different values in two host Pythons.

    Attributes:
        name: "SIZEOF_TIME_T".
        machine: Whether the machine and its ABI decide it.
        real: The value in the real one.
        synthesised: The value in the synthesised one.
    """

    name: str
    machine: bool
    real: ConfigValue
    synthesised: ConfigValue


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The result of a comparison.

    Attributes:
        machine: The number of variables that the machine decides.
        others: The number of others.
        differences: The differences, those of the machine first.
    """

    machine: int
    others: int
    differences: tuple[Difference, ...]


def compare_configurations(
    real: Mapping[str, ConfigValue], synthesised: Mapping[str, ConfigValue], macros: Collection[str]
) -> Comparison:
    """Compare the macros of `pyconfig.h` and the names of the ABI that both configurations have.

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

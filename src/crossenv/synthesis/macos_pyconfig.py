"""What `pyconfig.h` says on a Mac: configure finds the same on each, whatever compiles Python there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files as package_files

TABLE = "macos_pyconfig.txt"
# These say how Python is built, and not on what.
_OF_THE_BUILD = re.compile(r"_?Py\w*|PY_BUILTIN_HASHLIB_HASHES|WITH_\w+|_PYTHREAD\w*")
# `long double` is a `double` there, and the processor has no assembler of Intel's.
_ARM64: dict[str, str | None] = {
    "ALIGNOF_MAX_ALIGN_T": "8",
    "SIZEOF_LONG_DOUBLE": "8",
    "HAVE_GCC_ASM_FOR_X64": None,
    "HAVE_GCC_ASM_FOR_X87": None,
}
_X86_64: dict[str, str | None] = {
    "ALIGNOF_MAX_ALIGN_T": "16",
    "SIZEOF_LONG_DOUBLE": "16",
    "HAVE_GCC_ASM_FOR_X64": "1",
    "HAVE_GCC_ASM_FOR_X87": "1",
}


@cache
def _known() -> dict[str, str]:
    text = package_files("crossenv.synthesis").joinpath(TABLE).read_text(encoding="ascii")
    rows = (line.partition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: value or "1" for name, _, value in rows}


def changes(macros: Iterable[str], *, machine: str, free_threaded: bool) -> dict[str, str | None]:
    """What a `pyconfig.h` with these macros says for a Mac; None for "not defined".

    Args:
        macros: The names that it has, in the version at hand.
        machine: "arm64" or "x86_64".
        free_threaded: Whether the Python is built without the GIL (PEP 703).
    """
    of_machine = _ARM64 if machine == "arm64" else _X86_64
    known = _known() | of_machine
    found = {name: known.get(name) for name in macros if name in known or not _OF_THE_BUILD.fullmatch(name)}
    # Extension modules take Python's names from the program that loads them.
    found["Py_ENABLE_SHARED"] = None
    return found | ({"Py_GIL_DISABLED": "1"} if free_threaded else {})

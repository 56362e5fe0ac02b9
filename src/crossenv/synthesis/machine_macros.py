"""Which macros of `pyconfig.h` the host's machine and C library decide, and what they are there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from crossenv.libc.compiling import comes_later
from crossenv.pythons.pyconfig import Macro
from crossenv.synthesis.probe_object import Answers
from crossenv.synthesis.probe_source import DOUBLE_PATTERN
from crossenv.targets import Target

# Libraries that CPython's own modules use. No extension module may ask pyconfig.h for them, and a compiler's C
# library says nothing of them: what the build Python was built with stays.
_OTHERS_FUNCTIONS = re.compile(
    r"rl_\w+|uuid_\w+|ffi_\w+|crypt\w*|_dyld\w*|filter|getmouse|has_key|immedok|is_pad|is_term_resized|resize_term"
    r"|resizeterm|set_escdelay|set_tabsize|syncok|typeahead|use_env|wchgat"
)
_OTHERS_HEADERS = re.compile(
    r"(n?curses\w*/)?(n?curses|panel|term)\.h|(db|gdbm|gdbm[-/]ndbm|ndbm|crypt|zlib|bzlib|lzma|ffi|expat|zstd)\.h"
    r"|(readline|editline|uuid|bluetooth|openssl|rpc|tirpc)/.*|(bluetooth|uuid)\.h"
)
# CPython's configure does not look for it on Linux, where links have no mode.
_NEVER = "lchmod"


def functions_to_ask(macros: Mapping[str, Macro], *, same_libc: bool) -> set[str]:
    """Return the functions whose existence the host's C library decides.

    Args:
        macros: Those of the build Python.
        same_libc: Whether the host has the build Python's C library: then what that did not have or its
            configure refused stays out.
    """
    asked = (macro for macro in macros.values() if macro.value is not None or not same_libc)
    return {macro.function for macro in asked if macro.function and not _OTHERS_FUNCTIONS.fullmatch(macro.function)}


def machine_macros(
    target: Target, macros: Mapping[str, Macro], answers: Answers, *, same_libc: bool
) -> dict[str, str | None]:
    """Return the new values, None for "not defined"; only macros that the build Python has."""
    found = {
        **dict(_numbers(macros, answers)),
        **_processor(target, answers),
        **dict(_c_library(target, macros, answers, same_libc)),
    }
    return {name: value for name, value in found.items() if name in macros}


def _numbers(macros: Mapping[str, Macro], answers: Answers) -> Iterator[tuple[str, str]]:
    for macro in macros.values():
        if (macro.sized_type or macro.aligned_type or macro.declaration) and macro.name in answers.numbers:
            yield macro.name, str(answers.numbers[macro.name])


def _processor(target: Target, answers: Answers) -> dict[str, str | None]:
    says = {name: bool(number) for name, number in answers.numbers.items()}
    big = answers.identity.byte_order == "big"
    little_words = DOUBLE_PATTERN[4:] + DOUBLE_PATTERN[:4]
    truths = {
        "WORDS_BIGENDIAN": big,
        "FLOAT_WORDS_BIGENDIAN": answers.double in (DOUBLE_PATTERN, little_words[::-1]),
        "DOUBLE_IS_BIG_ENDIAN_IEEE754": answers.double == DOUBLE_PATTERN,
        "DOUBLE_IS_LITTLE_ENDIAN_IEEE754": answers.double == DOUBLE_PATTERN[::-1],
        "DOUBLE_IS_ARM_MIXED_ENDIAN_IEEE754": answers.double == little_words[::-1],
        "HAVE_GCC_ASM_FOR_X64": says["x86_64"],
        "HAVE_GCC_ASM_FOR_X87": says["x87"],
        "HAVE_GCC_ASM_FOR_MC68881": says["mc68881"],
        "X87_DOUBLE_ROUNDING": says["x87_rounding"],
        "HAVE_GCC_UINT128_T": says["int128"],
        "HAVE___UINT128_T": says["int128"],
        "HAVE_BUILTIN_ATOMIC": says["builtin_atomics"],
        "HAVE_STD_ATOMIC": says["std_atomics"],
        "VA_LIST_IS_ARRAY": says["va_list_is_array"],
        # What configure calls usable is unsigned; nothing but its name was left of the reason.
        "HAVE_USABLE_WCHAR_T": says["wchar_unsigned"],
        "HAVE_LARGEFILE_SUPPORT": says["off_t_exceeds_long"],
        "PY_HAVE_PERF_TRAMPOLINE": target.has_perf_trampoline,
        # Nothing of a libpython is synthesised, so nothing can be linked to one.
        "Py_ENABLE_SHARED": False,
    }
    defined: dict[str, str | None] = {name: "1" if truth else None for name, truth in truths.items()}
    # _hashlib's own code for SSE and AVX.
    vectors = {"_Py_HACL_CAN_COMPILE_VEC128": None, "_Py_HACL_CAN_COMPILE_VEC256": None}
    return defined | ({} if says["x86_64"] else vectors) | {"PY_SUPPORT_TIER": str(target.support_tier)}


def _c_library(
    target: Target, macros: Mapping[str, Macro], answers: Answers, same_libc: bool
) -> Iterator[tuple[str, str | None]]:
    asked = functions_to_ask(macros, same_libc=same_libc)
    for macro in macros.values():
        if macro.function in asked:
            there = macro.function in answers.functions and macro.function != _NEVER
            late = comes_later(target, function=macro.function)
        elif macro.header and not _OTHERS_HEADERS.fullmatch(macro.header):
            there = bool(answers.numbers.get(macro.name)) and (macro.value is not None or not same_libc)
            late = comes_later(target, header=macro.header)
        else:
            continue
        if (there := there and not late) != (macro.value is not None):
            yield macro.name, "1" if there else None

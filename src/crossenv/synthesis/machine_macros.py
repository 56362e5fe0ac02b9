"""Which macros of `pyconfig.h` the host's machine and C library decide, and what they are there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from crossenv.platforms.linux_targets import GLIBC, Target
from crossenv.pythons.pyconfig import Macro
from crossenv.synthesis.probe_object import Answers
from crossenv.synthesis.probe_source import DOUBLE_PATTERN

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

# The glibc that brought a function or header, for floors older than the compiler's own glibc (its NEWS).
_FUNCTIONS_SINCE = {
    "accept4": (2, 10),
    "close_range": (2, 34),
    "closefrom": (2, 34),
    "copy_file_range": (2, 27),
    "dup3": (2, 9),
    "epoll_create1": (2, 9),
    "eventfd": (2, 7),
    "explicit_bzero": (2, 25),
    "futimens": (2, 6),
    "getentropy": (2, 25),
    "getrandom": (2, 25),
    "memfd_create": (2, 27),
    "pipe2": (2, 9),
    "posix_spawn_file_actions_addclosefrom_np": (2, 34),
    "preadv": (2, 10),
    "preadv2": (2, 26),
    "prlimit": (2, 13),
    "process_vm_readv": (2, 15),
    "pthread_getname_np": (2, 12),
    "pthread_setname_np": (2, 12),
    "pwritev": (2, 10),
    "pwritev2": (2, 26),
    "sem_clockwait": (2, 30),
    "setns": (2, 14),
    "strlcpy": (2, 38),
    "timerfd_create": (2, 8),
    "utimensat": (2, 6),
}
_HEADERS_SINCE = {
    "sys/auxv.h": (2, 16),
    "sys/eventfd.h": (2, 7),
    "sys/pidfd.h": (2, 36),
    "sys/random.h": (2, 25),
    "sys/timerfd.h": (2, 8),
    "threads.h": (2, 28),
}
# PEP 11 with the compiler that it names, gcc.
_SUPPORT_TIERS = {"x86_64": 1, "aarch64": 2, "ppc64le": 2, "s390x": 3, "armv7l": 3}
# configure.ac: the triplets that have a perf trampoline.
_TRAMPOLINES = {"x86_64-linux-gnu", "aarch64-linux-gnu"}


def functions_to_ask(macros: Mapping[str, Macro], *, same_libc: bool) -> set[str]:
    """The functions whose existence the host's C library decides.

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
    """The new values, None for "not defined"; only macros that the build Python has."""
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
    big = answers.elf.byte_order == "big"
    little_words = DOUBLE_PATTERN[4:] + DOUBLE_PATTERN[:4]
    tier = _SUPPORT_TIERS.get(target.machine, 0) if target.libc == GLIBC else 0
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
        "PY_HAVE_PERF_TRAMPOLINE": target.multiarch in _TRAMPOLINES,
        # Nothing of a libpython is synthesised, so nothing can be linked to one.
        "Py_ENABLE_SHARED": False,
    }
    defined: dict[str, str | None] = {name: "1" if truth else None for name, truth in truths.items()}
    # _hashlib's own code for SSE and AVX.
    vectors = {"_Py_HACL_CAN_COMPILE_VEC128": None, "_Py_HACL_CAN_COMPILE_VEC256": None}
    return defined | ({} if says["x86_64"] else vectors) | {"PY_SUPPORT_TIER": str(tier)}


def _c_library(
    target: Target, macros: Mapping[str, Macro], answers: Answers, same_libc: bool
) -> Iterator[tuple[str, str | None]]:
    # A target without a policy promises nothing: what the compiler's C library has is there.
    floor = target.floor if target.libc == GLIBC and target.policy else None
    asked = functions_to_ask(macros, same_libc=same_libc)
    for macro in macros.values():
        if macro.function in asked:
            there = macro.function in answers.functions and macro.function != _NEVER
            since = _FUNCTIONS_SINCE.get(macro.function)
        elif macro.header and not _OTHERS_HEADERS.fullmatch(macro.header):
            there = bool(answers.numbers.get(macro.name)) and (macro.value is not None or not same_libc)
            since = _HEADERS_SINCE.get(macro.header)
        else:
            continue
        if floor is not None and since is not None and since > floor:
            there = False
        if there != (macro.value is not None):
            yield macro.name, "1" if there else None

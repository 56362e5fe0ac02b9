"""The C files that ask a compiler about the host: the answers are the sizes and bytes of symbols.

One object answers everything that a compiler knows: `char crossenv_n_NAME[N + 1]` says that NAME is N. Nothing
of it is run. A second file refers to functions and is linked, which says whether the C library has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crossenv.libc import compiling as c_library
from crossenv.pythons.pyconfig import Macro

NUMBER = "crossenv_n_"
BYTES = "crossenv_b_"
# The value that Autoconf and CPython's configure look for: each of its bytes in memory is another.
DOUBLE_PATTERN = bytes.fromhex("433fff0102030405")

# What decides the width of off_t, time_t and what the headers declare; CPython's own pyconfig.h sets them.
_FEATURES = ("_GNU_SOURCE", "_FILE_OFFSET_BITS", "_LARGEFILE_SOURCE", "_XOPEN_SOURCE", "_POSIX_C_SOURCE")
_INCLUDES = (
    "limits.h",
    "pthread.h",
    "stdarg.h",
    "stddef.h",
    "stdint.h",
    "stdio.h",
    "stdlib.h",
    "sys/types.h",
    "time.h",
    "wchar.h",
    "dlfcn.h",
)
# Questions about the compiler and the processor that are more than a size: C expressions and preprocessor conditions.
EXPRESSIONS = {
    "char_unsigned": "(char)-1 > 0",
    "wchar_unsigned": "(wchar_t)-1 > 0",
    # The comma operator makes a pointer of an array and leaves everything else.
    "va_list_is_array": "sizeof(0, *(va_list *)0) != sizeof(va_list)",
    "off_t_exceeds_long": "sizeof(off_t) > sizeof(long)",
}
CONDITIONS = {
    "int128": "defined __SIZEOF_INT128__",
    "x86_64": "defined __x86_64__",
    "x87": "defined __x86_64__ || defined __i386__",
    "mc68881": "defined __m68k__ && defined __HAVE_68881__",
    # Registers of 80 bits round twice.
    "x87_rounding": "defined __i386__ && defined __FLT_EVAL_METHOD__ && __FLT_EVAL_METHOD__ + 0 == 2",
    "builtin_atomics": "defined __GCC_ATOMIC_INT_LOCK_FREE && defined __GCC_ATOMIC_POINTER_LOCK_FREE",
    "std_atomics": "!defined __STDC_NO_ATOMICS__ && __has_include(<stdatomic.h>)",
}


def questions(macros: Mapping[str, Macro], values: Mapping[str, str | None]) -> str:
    """Return the C file to compile.

    Args:
        macros: Those of the build Python's `pyconfig.h`: what to ask sizes, alignments, headers and
            declarations of.
        values: Its feature macros.
    """
    lines = [f"#define {name} {values[name]}" for name in _FEATURES if values.get(name)]
    lines += ["#ifndef __has_include", "#error a compiler that knows __has_include is needed", "#endif"]
    lines += [f"#if __has_include(<{name}>)\n#include <{name}>\n#endif" for name in _INCLUDES]
    for macro in macros.values():
        if macro.sized_type:
            lines.append(_number(macro.name, f"sizeof({macro.sized_type})"))
        elif macro.aligned_type:
            lines.append(_number(macro.name, f"_Alignof({macro.aligned_type})"))
        elif macro.header:
            lines += _condition(macro.name, f"__has_include(<{macro.header}>)")
        elif macro.declaration.startswith("RTLD_"):
            lines += _condition(macro.name, f"defined {macro.declaration}")
    lines += [_number(name, expression) for name, expression in EXPRESSIONS.items()]
    for name, condition in CONDITIONS.items():
        lines += _condition(name, condition)
    lines += [f"#ifdef {c_library.DEFINED}", _number(c_library.QUESTION, c_library.ANSWER), "#endif"]
    lines.append(f"const double {BYTES}double = 9006104071832581.0;")
    return "\n".join(lines) + "\n"


def references(functions: Iterable[str]) -> str:
    """Write the C file to link: it refers to each of `functions`, except stubs of the C library."""
    # glibc lists functions that always fail in <gnu/stubs.h>, which every header of its own includes.
    lines = ["#include <limits.h>"]
    for number, name in enumerate(functions):
        lines += [
            f"#if !defined __stub_{name} && !defined __stub___{name}",
            # By its assembler name, the compiler has no opinion about the function's type.
            f'extern char crossenv_f{number}[] __asm__("{name}");',
            f"char *crossenv_p{number} = crossenv_f{number};",
            f"char {NUMBER}{name}[2];",
            "#endif",
        ]
    return "\n".join(lines) + "\n"


def _number(name: str, expression: str) -> str:
    return f"char {NUMBER}{name}[({expression}) + 1];"


def _condition(name: str, condition: str) -> list[str]:
    return [f"#if {condition}", f"char {NUMBER}{name}[2];", "#else", f"char {NUMBER}{name}[1];", "#endif"]

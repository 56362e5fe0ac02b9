"""Windows' `pyconfig.h`, which CPython's sources hold ready-made: nothing of it comes from a configure script.

The macros are those that a compiler of MinGW's kind sees in CPython's `PC/pyconfig.h`, by version; scripts/
windows_facts.py compares them with real ones. Ours differs where theirs is wrong for such a compiler: up to 3.11 it
forgets MS_WIN64, and on 32 bits it takes `time_t` for one of 32 bits, which the universal C runtime's is not.
"""

from __future__ import annotations

from collections.abc import Iterator

_SINCE, _UNTIL = (3, 10), (3, 99)
_NAMES = (
    *("HAVE_IO_H", "HAVE_SYS_UTIME_H", "HAVE_TEMPNAM", "HAVE_TMPFILE", "HAVE_TMPNAM", "HAVE_CLOCK", "HAVE_STRERROR"),
    *("HAVE_STRFTIME", "DONT_HAVE_SIG_ALARM", "DONT_HAVE_SIG_PAUSE", "MS_WIN32", "MS_WINDOWS", "NT_THREADS"),
    *("WITH_THREAD", "USE_SOCKET", "MS_COREDLL", "HAVE_DECLSPEC_DLL", "HAVE_LARGEFILE_SUPPORT", "HAVE_TZNAME"),
    *("HAVE_PUTENV", "HAVE_PROTOTYPES", "HAVE_DYNAMIC_LOADING", "HAVE_FTIME", "HAVE_GETPEERNAME", "HAVE_GETPID"),
    *("HAVE_MKTIME", "HAVE_SETVBUF", "Py_SOCKET_FD_CAN_BE_GE_FD_SETSIZE"),
)
_ONES = (
    *("HAVE_CONIO_H", "HAVE_DIRECT_H", "HAVE_DECL_TZNAME", "HAVE_ERRNO_H", "HAVE_FCNTL_H", "HAVE_PROCESS_H"),
    *("HAVE_SIGNAL_H", "HAVE_STDDEF_H", "HAVE_SYS_STAT_H", "HAVE_SYS_TYPES_H", "HAVE_WCHAR_H", "HAVE_WCSCOLL"),
    *("HAVE_WCSXFRM", "HAVE_ZLIB_COPY", "HAVE_LIBSOCKET", "HAVE_ERF", "HAVE_ERFC", "HAVE_INET_PTON", "STDC_HEADERS"),
    *("WITH_DECIMAL_CONTEXTVAR", "WITH_DOC_STRINGS", "WITH_PYMALLOC", "Py_ENABLE_SHARED"),
    *("HAVE_X509_VERIFY_PARAM_SET1_HOST", "DOUBLE_IS_LITTLE_ENDIAN_IEEE754"),
)
_ONES_SINCE_3_11 = (
    *("HAVE_GETHOSTNAME", "HAVE_GETHOSTBYADDR", "HAVE_GETHOSTBYNAME", "HAVE_GETPROTOBYNAME", "HAVE_ACCEPT"),
    *("HAVE_GETSERVBYNAME", "HAVE_GETSERVBYPORT", "HAVE_INET_NTOA", "HAVE_BIND", "HAVE_CONNECT", "HAVE_DUP"),
    *("HAVE_GETSOCKNAME", "HAVE_LISTEN", "HAVE_RECVFROM", "HAVE_SENDTO", "HAVE_SETSOCKOPT", "HAVE_SOCKET"),
    *("HAVE_SHUTDOWN", "HAVE_UMASK"),
)
# Value, and the first and the last version that has it. The value "" defines the bare name.
_MACROS: dict[str, tuple[str, tuple[int, int], tuple[int, int]]] = {
    **dict.fromkeys(_NAMES, ("", _SINCE, _UNTIL)),
    **dict.fromkeys(_ONES, ("1", _SINCE, _UNTIL)),
    **dict.fromkeys(_ONES_SINCE_3_11, ("1", (3, 11), _UNTIL)),
    "HAVE_HYPOT": ("", _SINCE, (3, 10)),
    "HAVE_COPYSIGN": ("1", _SINCE, (3, 10)),
    "HAVE_DECL_ISINF": ("1", _SINCE, (3, 10)),
    "HAVE_DECL_ISNAN": ("1", _SINCE, (3, 10)),
    "PLATLIBDIR": ('"lib"', _SINCE, (3, 10)),
    "PYTHONPATH": ('L".\\\\DLLs;.\\\\lib"', _SINCE, (3, 10)),
    "HAVE_STDARG_PROTOTYPES": ("", _SINCE, (3, 11)),
    "HAVE_LIBNSL": ("1", _SINCE, (3, 12)),
    "WITH_FREELISTS": ("1", (3, 11), (3, 13)),
    "WITH_MIMALLOC": ("1", (3, 13), _UNTIL),
    "_PYTHREAD_NAME_MAXLEN": ("32766", (3, 14), _UNTIL),
    "ALIGNOF_MAX_ALIGN_T": ("8", (3, 12), _UNTIL),
    "COMPILER": ('"[gcc]"', _SINCE, _UNTIL),
    "PLATFORM": ('"win32"', _SINCE, _UNTIL),
    "RETSIGTYPE": ("void", _SINCE, _UNTIL),
    "_PYTHONFRAMEWORK": ('""', _SINCE, _UNTIL),
    "LONG_BIT": ("32", _SINCE, _UNTIL),
    "WORD_BIT": ("32", _SINCE, _UNTIL),
    "PY_LONG_LONG": ("long long", _SINCE, _UNTIL),
    "PY_LLONG_MIN": ("LLONG_MIN", _SINCE, _UNTIL),
    "PY_LLONG_MAX": ("LLONG_MAX", _SINCE, _UNTIL),
    "PY_ULLONG_MAX": ("ULLONG_MAX", _SINCE, _UNTIL),
    **{f"PY_{name.upper()}": (name, _SINCE, _UNTIL) for name in ("int32_t", "int64_t", "uint32_t", "uint64_t")},
    # The same for every machine: `long` has 32 bits.
    "SIZEOF_SHORT": ("2", _SINCE, _UNTIL),
    "SIZEOF_INT": ("4", _SINCE, _UNTIL),
    "SIZEOF_LONG": ("4", _SINCE, _UNTIL),
    "ALIGNOF_LONG": ("4", _SINCE, _UNTIL),
    "SIZEOF_LONG_LONG": ("8", _SINCE, _UNTIL),
    "SIZEOF_DOUBLE": ("8", _SINCE, _UNTIL),
    "SIZEOF_FLOAT": ("4", _SINCE, _UNTIL),
    "SIZEOF_OFF_T": ("4", _SINCE, _UNTIL),
    "SIZEOF_FPOS_T": ("8", _SINCE, _UNTIL),
    "SIZEOF_TIME_T": ("8", _SINCE, _UNTIL),
    "SIZEOF_WCHAR_T": ("2", _SINCE, _UNTIL),
    "SIZEOF__BOOL": ("1", _SINCE, _UNTIL),
    "SIZEOF_PID_T": ("SIZEOF_INT", _SINCE, _UNTIL),
}
_OF_A_POINTER = ("SIZEOF_VOID_P", "SIZEOF_SIZE_T", "SIZEOF_HKEY", "ALIGNOF_SIZE_T")


def sizes(bits: int) -> dict[str, int]:
    """The sizes and alignments that it states, for a machine with pointers of so many bits."""
    found = {name: int(value) for name, (value, _first, _last) in _MACROS.items() if _is_size(name) and value.isdigit()}
    return found | dict.fromkeys(_OF_A_POINTER, bits // 8)


def _is_size(name: str) -> bool:
    return name.startswith(("SIZEOF_", "ALIGNOF_"))


def pyconfig_text(version: tuple[int, ...], *, free_threaded: bool) -> str:
    """The `pyconfig.h` of a CPython for Windows, for compilers of MinGW's kind and each of its machines.

    Args:
        version: (3, 13).
        free_threaded: Whether the Python is built without the GIL (PEP 703).
    """
    return "\n".join(_lines((version[0], version[1]), free_threaded)) + "\n"


def _lines(version: tuple[int, int], free_threaded: bool) -> Iterator[str]:
    yield "/* Made by crossenv: what CPython's PC/pyconfig.h says to compilers of MinGW's kind. */"
    yield from ("#ifndef Py_CONFIG_H", "#define Py_CONFIG_H", "")
    # Before the headers of the C runtime, whose warnings they turn off.
    for name in ("_CRT_SECURE_NO_DEPRECATE", "_CRT_NONSTDC_NO_DEPRECATE"):
        yield from (f"#ifndef {name}", f"#define {name} 1", "#endif")
    yield from ("#include <io.h>", "#include <stdio.h>", "", "#ifdef _WIN64", "#define MS_WIN64")
    yield from (f"#define {name} 8" for name in _OF_A_POINTER)
    yield "#else"
    yield from (f"#define {name} 4" for name in _OF_A_POINTER)
    yield from ("#endif", "")
    if free_threaded:
        yield from ("#define Py_GIL_DISABLED 1", "")
    for name, (value, first, last) in _MACROS.items():
        if first <= version <= last:
            yield f"#define {name} {value}".rstrip()
    yield from ("", "#endif")

"""Messages of other tools about cross builds, and what helps.

Read by `crossenv wheel` too, in the logs of its builds.
"""

import re

# From the most specific to the vaguest.
MENDS = tuple(
    (re.compile(pattern, re.MULTILINE), mend)
    for pattern, mend in (
        (
            # Meson; our own launcher, which CMake 4.1 and later call
            r"exe_wrapper is needed|define one in cross file|Can not run test applications in this cross environment"
            r"|is a program of the (host|target) and cannot run here",
            "the build runs a program that it has compiled: --emulator lets it, under QEMU"
            " (of `crossenv create` and `wheel`)",
        ),
        (
            # CMake before 4.1 leaves the program's name as it is.
            r"/bin/sh: (?:\d+: )?(?P<name>[\w.+-]+): not found$",
            "if {name} is compiled by this build, --emulator lets it run under QEMU (of `crossenv create` and"
            " `wheel`); if not, install it",
        ),
        (
            # zig, GNU ld
            r"unable to find (?:dynamic )?system library \W?(?P<name>python3[\w.]*)"
            r"|cannot find -l(?P<other>python3[\w.]*)",
            "the target's Python has no lib{name} here: name one that has, with --host-python or in a --sysroot",
        ),
        (
            r"fatal error: '?(?P<name>(?i:atl(?:base|app|coll|com|conv|ctl|def|file|host|image|path|safe|sec|str"
            r"|time|win)|cstringt|afx\w*)\.h)'? file not found",
            "{name} belongs to Microsoft's class libraries (ATL, MFC), which come with Visual Studio alone: build"
            " without it, or on Windows",
        ),
        (
            r"fatal error: '?(?P<name>(?i:winrt/[\w./]+|wil/[\w./]+|ppl(?:tasks)?\.h|concrt\.h"
            r"|vcclr\.h|msclr/[\w./]+))'? file not found",
            "{name} comes with Visual Studio or Microsoft's SDK, and MinGW has none: build without it, or on Windows",
        ),
        (
            # setuptools, Meson, CMake
            r"unknown file type '\.asm'|Unknown compiler\(s\): \[\['ml(?:64)?'\]|No CMAKE_ASM_MASM_COMPILER"
            r"|(?:No such file or directory|not found)[^\n]*\bml(?:64)?(?:\.exe)?\b",
            "Microsoft's assembler (MASM) runs on Windows alone: build without its sources (.asm), or on Windows",
        ),
        (
            # Headers of frameworks, and one of BSD's that Apple has in a further directory.
            r"fatal error: '?(?P<name>(?:(?:Application|Core|Disk|System|Audio)[A-Z]\w*|CoreFoundation|Foundation|IOKit"
            r"|Security|Accelerate|AppKit|Carbon|Cocoa|Metal|OpenCL|OpenGL)/[\w/]+\.h"
            r"|netinet/tcp_fsm\.h)'? file not found",
            "{name} is a part of Apple's SDK: name a copy of one with --sdk DIR (of `crossenv create` and `wheel`)",
        ),
        (
            # cargo, the cc crate, Meson: the target's compilers have other names
            r"linker [`'](?P<name>cc)[`'] not found|[Ff]ailed to find tool[^\n]*[\"`](?P<other>c(?:c|\+\+))[\"`]"
            r"|Unknown compiler\(s\): \[\['(?:cc|c\+\+)'\]",
            "a part of the build is compiled for this machine, which has no compiler: install one (Debian: gcc, g++,"
            " libc6-dev)",
        ),
    )
)


def mend_of(text: str) -> str:
    """Return the hint for the first known message in `text`; "" if there is none."""
    for pattern, mend in MENDS:
        match = pattern.search(text)
        if match:
            found = match.groupdict()
            return mend.format(name=found.get("name") or found.get("other") or "")
    return ""

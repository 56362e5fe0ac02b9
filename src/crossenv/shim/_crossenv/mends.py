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

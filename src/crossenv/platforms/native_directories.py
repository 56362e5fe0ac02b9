"""The build machine's own directories of headers and libraries, and the options that name directories to compilers.

A setup.py or a foo-config of the build machine names these directories unasked, and a compiler for the target would
find the wrong files in them. Both kinds of launchers leave them out; the directories of the same names below a sysroot
are searched anyway. A directory of headers below them (`-I/usr/include/libxml2`) is taken from the sysroot.
"""

from __future__ import annotations

# With the directory in the same word or in the next one.
HEADER_OPTIONS = ("-isystem", "-iquote", "-idirafter", "-I")
LIBRARY_OPTIONS = ("-L",)
OWN_DIRECTORIES = (
    *("/usr/include", "/usr/local/include", "/lib", "/lib32", "/lib64", "/libx32", "/usr/lib", "/usr/lib32"),
    *("/usr/lib64", "/usr/libx32", "/usr/local/lib", "/usr/local/lib64"),
)
# Below these stand Debian's directories for one architecture each, whose names are of this form.
MULTIARCH_NAMES = "*-linux-gnu*"
MULTIARCH_PARENTS = ("/usr/include", "/usr/local/include", "/lib", "/usr/lib", "/usr/local/lib")
# The directories below them that hold one library's headers each have their counterparts in a sysroot.
HEADER_PARENTS = ("/usr/include", "/usr/local/include")

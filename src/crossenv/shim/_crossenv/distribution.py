"""What an installed distribution holds: what runs, and what is compiled against or linked."""

import csv
import os
import re

from _crossenv import elf
from _crossenv.project import text_of

HEADERS = (".h", ".hh", ".hpp", ".hxx", ".inc", ".pxd", ".pxi")
# A header in which a build writes down what it found out about its machine: _numpyconfig.h, pyconfig.h, ffi_conf.h.
_CONFIGURED = re.compile(r"conf(ig)?[^/]*\.h(h|pp|xx)?$", re.IGNORECASE)
_LIBRARY = re.compile(r"\.so(\.[0-9]+)*$")
CMAKE_PACKAGE = re.compile(r"(^|/)(?!Find)[^/]*([Cc]onfig|-config|Targets[^/]*|-targets[^/]*)\.cmake$")


class Distribution:
    """One installed distribution (the binary distribution format, PEP 427, and PEP 376's RECORD).

    Attributes:
        name: As its directory spells it.
        version: Likewise.
        site: The directory that it is installed in.
        files: Its files, relative to `site`.
    """

    def __init__(self, site: str, dist_info: str) -> None:
        self.site = site
        self.name, _, self.version = dist_info.removesuffix(".dist-info").partition("-")
        directory = os.path.join(site, dist_info)
        self.pure = _is_pure(text_of(os.path.join(directory, "WHEEL")))
        record = text_of(os.path.join(directory, "RECORD"))
        self.files = [row[0] for row in csv.reader(record.splitlines()) if row]

    def is_linked_from(self) -> bool:
        """Whether it holds something that is not the same for every machine and that a build compiles or links."""
        if self.pure:
            return False
        inside = [file for file in self.files if not file.startswith("../")]
        if any(file.endswith(".a") for file in inside):
            return True
        described = any(file.endswith(".pc") or CMAKE_PACKAGE.search(file) for file in inside)
        libraries = [file for file in inside if is_library(file)]
        if libraries and (described or any(file.endswith(HEADERS) for file in inside)):
            return True
        compiled = libraries or any(_LIBRARY.search(file) for file in inside)
        return bool(compiled) and (described or any(_CONFIGURED.search(file) for file in inside))

    def needed_here(self) -> "set[str]":
        """Return the names of the libraries that its ELF files load."""
        names: set[str] = set()
        for file in self.files:
            if _LIBRARY.search(file):
                names.update(_needed(os.path.join(self.site, file)))
        return names


def is_library(file: str) -> bool:
    """Whether a file's name is that of a shared library for other programs.

    Not one is an extension module, nor what `auditwheel repair` has put into NAME.libs for the wheel's own use.
    """
    directory, _, name = file.rpartition("/")
    if not _LIBRARY.search(name) or directory.partition("/")[0].endswith(".libs"):
        return False
    return name.startswith("lib") and ".cpython-" not in name and ".abi3" not in name


def _is_pure(wheel_text: str) -> bool:
    tags = [line.partition(":")[2].strip() for line in wheel_text.splitlines() if line.startswith("Tag:")]
    return all(tag.endswith("-any") for tag in tags)


def _needed(path: str) -> "list[str]":
    try:
        with open(path, "rb") as file:
            data = file.read()
        return elf.needed(data)
    except OSError:
        return []

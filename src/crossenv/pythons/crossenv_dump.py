#!/usr/bin/env python3
"""Describe the Python that runs this file, for a machine that builds packages for it.

    python crossenv_dump.py [--output FILE] [--with-headers FILE.tar.gz] [--root DIR]

Writes one JSON document: a `build-details.json` (PEP 739, schema 1.0) with everything else that a build wants to know
under `arbitrary_data.crossenv`. docs/reference/dump.md describes it, docs/reference/dump.schema.json is its schema.
On the build machine, `crossenv create --host-python FILE ENV` reads it.

This file stands alone: copy it to any machine with CPython 3.8 or later, or PyPy. It needs the standard library only,
asks nothing that the platform may not have without a guard, and changes nothing but the files that it is told to write.
The machine's name in its network and the user's directories are left out.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib
import importlib.machinery
import json
import os
import platform
import re
import struct
import sys
import sysconfig
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any, TypeVar, Union

VERSION = 1
SCHEMA = 1

# What makes an interpreter answer for another machine.
_FOREIGN_VARIABLES = ("_PYTHON_HOST_PLATFORM", "_PYTHON_SYSCONFIGDATA_NAME", "_PYTHON_SYSCONFIGDATA_PATH")
# CPython's own headers; what else lies beside them belongs to packages.
_HEADER_DIRECTORIES = ("cpython", "internal", "_numpypy")
_COMPILERS = {
    "cc": "CC",
    "cxx": "CXX",
    "cpp": "CPP",
    "ar": "AR",
    "ldshared": "LDSHARED",
    "ldcxxshared": "LDCXXSHARED",
    "opt": "OPT",
    "cflags": "CFLAGS",
    "cppflags": "CPPFLAGS",
    "ccshared": "CCSHARED",
    "ldflags": "LDFLAGS",
}
# Those that PyO3 knows.
_BUILD_FLAGS = ("Py_DEBUG", "Py_REF_DEBUG", "Py_TRACE_REFS", "Py_GIL_DISABLED", "COUNT_ALLOCS")
# Answers that name the running kernel.
_KERNEL = ("platform", "release", "version")
# A number with an exact image in every format, all of whose bytes tell something.
_SAMPLE = -123456789.0
_MACHINES_WITH_MANYLINUX = ("x86_64", "aarch64", "ppc64", "ppc64le", "s390x", "loongarch64", "riscv64")
_OLD_POLICIES = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
_MUSL_VERSION = re.compile(rb"\0(1\.\d{1,2}\.\d{1,2})\0")

T = TypeVar("T")
Value = Union[int, str]  # evaluated by 3.8


class DumpError(Exception):
    """What this program was asked for cannot be had."""


# What follows from facts, wherever they come from: `crossenv dump --host-python` uses these too.


def version_object(version: Sequence[Any]) -> dict[str, Any]:
    """Return a version as PEP 739 writes `sys.version_info`."""
    names = ("major", "minor", "micro", "releaselevel", "serial")
    return {name: version[place] for place, name in enumerate(names)}


def long_double_format(data: bytes, byte_order: str) -> str | None:
    """Numpy's name for the format of a long double, from the bytes of one that is `_SAMPLE`; None if there is none."""
    end = "LE" if byte_order == "little" else "BE"
    big = data[::-1] if byte_order == "little" else data
    double = struct.pack(">d", _SAMPLE)
    bits = int.from_bytes(double, "big")
    sign_and_exponent = (0xC000 | ((bits >> 52) & 0x7FF) - 1023 - 1).to_bytes(2, "big")
    fraction = bits & ((1 << 52) - 1)
    if big == double:
        return "IEEE_DOUBLE_" + end
    if big == sign_and_exponent + (fraction << 60).to_bytes(14, "big"):
        return "IEEE_QUAD_" + end
    if byte_order == "little" and big[-10:] == sign_and_exponent + ((1 << 63) | fraction << 11).to_bytes(8, "big"):
        # Above the ten bytes is padding, of any content.
        return f"INTEL_EXTENDED_{len(data)}_BYTES_LE"
    # The half with the rest, which is nothing here, follows in memory whatever the byte order.
    if len(data) == 16 and struct.unpack(("<" if byte_order == "little" else ">") + "dd", data) == (_SAMPLE, 0.0):
        return "IBM_DOUBLE_DOUBLE_" + end
    return None


def build_flags(variables: Mapping[str, Value]) -> dict[str, bool]:
    """Which of the macros that change the ABI this Python was built with."""
    return {name: bool(variables.get(name)) for name in _BUILD_FLAGS}


def compilers(variables: Mapping[str, Value]) -> dict[str, str]:
    """Return the commands and flags that this Python was built with, as far as they are recorded."""
    found = {key: variables.get(name) for key, name in _COMPILERS.items()}
    return {key: value for key, value in found.items() if isinstance(value, str) and value}


def libraries(
    variables: Mapping[str, Value], prefix: str, version: str, exists: Callable[[str], bool], *, windows: bool = False
) -> dict[str, Any]:
    """Return where libpython and import libraries are.

    Args:
        variables: The recorded configuration.
        prefix: `sys.base_prefix`.
        version: "3.11".
        exists: Whether there is such a file on the host.
        windows: Whether the host is one.
    """
    separator = "\\" if windows else "/"
    names, directories = _windows_libraries(variables, prefix, version) if windows else _libraries(variables, prefix)
    found: dict[str, Any] = {}
    for kind, files in names.items():
        places = [directory + separator + name for name in files for directory in directories if directory]
        place = next((path for path in places if exists(path)), None)
        if place is not None:
            found[kind] = place
    if "dynamic" not in found:
        found.pop("dynamic_stableabi", None)
    linked = [*names["dynamic"], *names.get("static", []), ""][0].rpartition("/")[2]
    return {**found, "link_name": re.sub(r"^lib|\.(so|dylib|dll|a)\b.*$", "", linked)}


def _libraries(variables: Mapping[str, Value], prefix: str) -> tuple[dict[str, list[str]], list[str]]:
    """Return the names of libraries by kind, and the directories that they may be in."""

    def said(*keys: str) -> list[str]:
        return [str(variables[key]) for key in keys if isinstance(variables.get(key), str) and variables[key]]

    recorded = str(variables.get("prefix") or prefix)
    names = {
        "dynamic": [name for name in said("INSTSONAME", "LDLIBRARY") if not name.endswith(".a")],
        "static": said("LIBRARY"),
        "dynamic_stableabi": ["libpython3.so"],
    }
    places = said("LIBDIR", "LIBPL", "PYTHONFRAMEWORKPREFIX")
    # An installation that was moved still records where it was made for.
    moved = [prefix + path[len(recorded) :] for path in places if path.startswith(recorded + "/")]
    usual = [f"{prefix}/lib/{name}" for name in said("MULTIARCH")]
    return names, [*moved, *places, *usual, prefix + "/lib"]


def _windows_libraries(
    variables: Mapping[str, Value], prefix: str, version: str
) -> tuple[dict[str, list[str]], list[str]]:
    suffix = ("t" if variables.get("Py_GIL_DISABLED") else "") + ("_d" if variables.get("Py_DEBUG") else "")
    own, stable = f"python{version.replace('.', '')}{suffix}", f"python3{suffix}"
    names = {
        "dynamic": [own + ".dll"],
        "dynamic_stableabi": [stable + ".dll"],
        "import_library": [own + ".lib"],
        "import_library_stableabi": [stable + ".lib"],
    }
    return names, [prefix, prefix + "\\libs"]


def stable_suffix(extensions: Iterable[str]) -> str | None:
    """Return the plainest suffix of extension modules of the stable ABI, of all that are taken."""
    return min((suffix for suffix in extensions if suffix.startswith(".abi3")), key=len, default=None)


def wheel_tags(version: tuple[int, int], abi: str, implementation: str, platforms: Sequence[str]) -> Iterator[str]:
    """Yield the tags of the wheels that can be installed, best first (PEP 425, 803).

    Args:
        version: (3, 11).
        abi: "cp311", "cp313t", "pypy39_pp73".
        implementation: `sys.implementation.name`.
        platforms: The platform tags, best first.
    """
    major, minor = version
    digits = f"{major}{minor}"
    name = {"cpython": "cp", "pypy": "pp"}.get(implementation, implementation)
    own, pairs = name + digits, []
    if implementation == "cpython":
        flags = abi[len(own) :]
        stable = "abi3t" if "t" in flags else "abi3"
        pairs = [(own, abi)]
        if "d" in flags:
            pairs.append((own, own + flags.replace("d", "")))
        pairs += [(own, stable), (own, "none")]
        pairs += [(f"cp{major}{older}", stable) for older in range(minor - 1, 1, -1)]
    else:
        pairs = [(own, abi), (own, "none")]
    pure = ["py" + digits, f"py{major}"]
    pure += [f"py{major}{older}" for older in range(minor - 1, -1, -1)]
    pairs += [(python, "none") for python in pure]
    for python, tag in pairs:
        for place in platforms:
            yield "-".join((python, tag, place))
    generic = {"cpython": own, "pypy": f"pp{major}"}.get(implementation)
    for python in [generic] if generic else []:
        yield python + "-none-any"
    for python in pure:
        yield python + "-none-any"


def wheel_abi(implementation: str, extension_suffix: str, version: tuple[int, int], flags: str) -> str:
    """Return the ABI tag of a Python: "cp311", "cp313td", "pypy39_pp73"."""
    if implementation == "cpython":
        return f"cp{version[0]}{version[1]}{flags}"
    parts = extension_suffix.split(".")[1].split("-")
    return "_".join(parts[: 3 if implementation == "graalpy" else 2]).replace(" ", "_")


def linux_platforms(
    machine: str, libc: Mapping[str, str], elf: Mapping[str, Any] | None, allowed: Callable[[int, int, str], bool]
) -> Iterator[str]:
    """Yield the platform tags of a Linux, best first (PEP 600, 656).

    Args:
        machine: What `sysconfig.get_platform()` says after "linux-", of a Python of this width.
        libc: "family" and "version".
        elf: What the interpreter's ELF header says.
        allowed: What a module `_manylinux` says of a version of glibc and a machine.
    """
    machines = ["armv8l", "armv7l"] if machine == "armv8l" else [machine]
    for name in machines:
        yield "linux_" + name
    numbers = [int(part) for part in re.findall(r"\d+", libc["version"])[:2]]
    if len(numbers) < 2:
        return
    if libc["family"] == "glibc" and _keeps_manylinux(machines, elf):
        oldest = 5 if machine in ("x86_64", "i686") else 17
        for name in machines:
            for minor in range(numbers[1], oldest - 1, -1):
                if allowed(numbers[0], minor, name):
                    yield f"manylinux_{numbers[0]}_{minor}_{name}"
                    if (numbers[0], minor) in _OLD_POLICIES:
                        yield f"{_OLD_POLICIES[numbers[0], minor]}_{name}"
    if libc["family"] == "musl":
        for name in machines:
            for minor in range(numbers[1], -1, -1):
                yield f"musllinux_{numbers[0]}_{minor}_{name}"


def _keeps_manylinux(machines: Sequence[str], elf: Mapping[str, Any] | None) -> bool:
    if "armv7l" in machines:
        # Version 5 of the ABI, floats in registers.
        return elf is not None and elf["machine"] == 40 and elf["flags"] & 0xFF000400 == 0x05000400
    if "i686" in machines:
        return elf is not None and elf["machine"] == 3
    return any(machine in _MACHINES_WITH_MANYLINUX for machine in machines)


def mac_platforms(version: tuple[int, int], machine: str) -> Iterator[str]:
    """Yield the platform tags of a macOS, best first."""
    tags = {"x86_64": ["x86_64", "intel", "fat64", "fat3", "universal2", "universal"], "arm64": ["arm64", "universal2"]}
    formats = tags.get(machine, [machine])
    for major in range(version[0], 10, -1):
        for kind in formats:
            yield f"macosx_{major}_0_{kind}"
    if version[0] >= 11:
        # The half for x86_64 of a universal file may be older than Apple's own processors.
        older = formats if machine == "x86_64" else ["universal2"]
        first, last = 16, 4
    else:
        older, first, last = formats, version[1], 4 if machine == "x86_64" else 0
    for minor in range(first, last - 1, -1):
        for kind in older:
            yield f"macosx_10_{minor}_{kind}"


def ios_platforms(version: tuple[int, int], multiarch: str) -> Iterator[str]:
    """Yield the platform tags of an iOS, best first (PEP 730)."""
    name = multiarch.replace("-", "_")
    for major in range(version[0], 11, -1):
        for minor in range(version[1] if major == version[0] else 9, -1, -1):
            yield f"ios_{major}_{minor}_{name}"


def android_platforms(level: int, abi: str) -> Iterator[str]:
    """Yield the platform tags of an Android, best first (PEP 738)."""
    for older in range(level, 15, -1):
        yield "android_{}_{}".format(older, re.sub(r"[-. ]", "_", abi))


# What the running interpreter says.


def asked(question: Callable[[], T | None], otherwise: T) -> T:
    """Return the answer, or `otherwise` where this platform has none."""
    try:
        answer = question()
    except Exception:
        return otherwise
    return otherwise if answer is None else answer


def read_elf_header(path: str) -> dict[str, Any] | None:
    """Return what the header of an ELF file says, and its program interpreter; None for another kind of file."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(64)
            if head[:4] != b"\x7fELF" or head[4] not in (1, 2) or head[5] not in (1, 2):
                return None
            wide, order = head[4] == 2, "<" if head[5] == 1 else ">"
            (machine,) = struct.unpack_from(order + "H", head, 18)
            (flags,) = struct.unpack_from(order + "I", head, 48 if wide else 36)
            (start,) = struct.unpack_from(order + ("Q" if wide else "I"), head, 32 if wide else 28)
            size, count = struct.unpack_from(order + "HH", head, 54 if wide else 42)
            loader = ""
            for number in range(count):
                stream.seek(start + number * size)
                entry = stream.read(size)
                if struct.unpack_from(order + "I", entry)[0] == 3:  # PT_INTERP
                    word, at = ("Q", (8, 32)) if wide else ("I", (4, 16))
                    place, length = (struct.unpack_from(order + word, entry, offset)[0] for offset in at)
                    stream.seek(place)
                    loader = stream.read(min(length, 4096)).rstrip(b"\0").decode("utf-8", "replace")
    except (OSError, struct.error, IndexError, OverflowError):
        return None
    names = {"machine": machine, "bits": 64 if wide else 32, "byte_order": "little" if order == "<" else "big"}
    return {**names, "flags": flags, "loader": loader}


class Interpreter:
    """The facts of the interpreter that runs this.

    Attributes:
        root: What is taken off the front of paths: the directory that is / on the host, for one that is emulated here.
            Then the kernel is not the host's either, and what it says is left out.
    """

    def __init__(self, root: str = "") -> None:
        # As it was named, and as the interpreter may have found it.
        self._roots = [os.path.abspath(root), os.path.realpath(root)] if root else []
        self.root = self._roots[0] if root else ""
        self.implementation = sys.implementation.name
        self.version = "{}.{}".format(*sys.version_info[:2])
        self.variables = self._recorded_variables()
        self.prefix: str = sys.base_prefix
        self.extensions: list[str] = list(importlib.machinery.EXTENSION_SUFFIXES)
        self.flags = self._abi_flags()
        self.executable = self._executable()
        self.elf = read_elf_header(self.executable)
        self.scheme = self._scheme()
        self.libc = self._libc()

    def on_host(self, path: str) -> str:
        """Return the path as it is on the host."""
        for root in self._roots:
            if path.startswith(root + os.sep):
                return path[len(root) :]
        return path

    def here(self, path: str) -> str:
        """Return where a path of the host is for this process."""
        return self.root + self.on_host(path) if self.root else path

    def _recorded_variables(self) -> dict[str, Value]:
        # The name is CPython's affair and PyPy may have another; on Windows there is no such module.
        name = asked(lambda: str(getattr(sysconfig, "_get_sysconfigdata_name")()), "_sysconfigdata")  # noqa: B009
        for module in (name, "_sysconfigdata"):
            try:
                recorded = importlib.import_module(module).build_time_vars
            except (ImportError, AttributeError):
                continue
            return self._plain(recorded)
        volatile = ("userbase", "srcdir", "projectbase", "base", "platbase", "installed_base", "installed_platbase")
        config = sysconfig.get_config_vars()
        return self._plain({key: value for key, value in config.items() if key not in volatile})

    def _plain(self, variables: Mapping[str, Any]) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for key, value in sorted(variables.items()):
            if isinstance(value, str):
                # PyPy's are not recorded but asked for, and name where it was found.
                found[key] = value
                for root in self._roots:
                    found[key] = str(found[key]).replace(root + os.sep, os.sep)
            elif isinstance(value, int):
                found[key] = int(value)
        return found

    def _abi_flags(self) -> str:
        if hasattr(sys, "abiflags"):
            return str(sys.abiflags)
        debug = hasattr(sys, "gettotalrefcount") or any(suffix.startswith("_d.") for suffix in self.extensions)
        return ("t" if self.variables.get("Py_GIL_DISABLED") else "") + ("d" if debug else "")

    def _executable(self) -> str:
        name = "pypy" if self.implementation == "pypy" else "python"
        program = os.path.join(sys.base_exec_prefix, "bin", name + self.version + self.flags)
        if os.name == "posix" and os.path.exists(program):
            return program
        return str(getattr(sys, "_base_executable", None) or sys.executable or "")

    def _scheme(self) -> str:
        ask = getattr(sysconfig, "get_default_scheme", None) or getattr(sysconfig, "_get_default_scheme", None)
        name = asked(lambda: str(ask()) if ask else None, "") or ("nt" if os.name == "nt" else "posix_prefix")
        # That of a virtual environment is not the installation's.
        return {"venv": "posix_prefix" if os.name == "posix" else "nt"}.get(name, name)

    def _libc(self) -> dict[str, str]:
        loader = self.elf["loader"] if self.elf else ""
        if sys.platform == "win32":
            return {"family": "ucrt", "version": ""}
        if sys.platform == "darwin" or sys.platform == "ios":
            return {"family": "libSystem", "version": ""}
        if hasattr(sys, "getandroidapilevel"):
            return {"family": "bionic", "version": str(sys.getandroidapilevel())}
        if "musl" in loader or "musl" in str(self.variables.get("MULTIARCH")):
            return {"family": "musl", "version": asked(lambda: _musl_version(self.here(loader)), "")}
        text = asked(lambda: os.confstr("CS_GNU_LIBC_VERSION"), "")
        if not text:
            family, version = asked(platform.libc_ver, ("", ""))
            return {"family": family, "version": version}
        return {"family": "glibc", "version": text.split()[-1]}

    def machine(self) -> dict[str, Any]:
        """Return the name, the width of a pointer, the formats of numbers and the ELF header of the interpreter."""
        end = "LE" if sys.byteorder == "little" else "BE"
        ieee = f"IEEE, {sys.byteorder}-endian"
        ask = getattr(float, "__getformat__", None)
        formats = [ask(kind) if ask else ieee for kind in ("float", "double")]
        long_double = asked(_long_double_bytes, b"")
        return {
            "name": platform.machine(),
            "pointer_size": struct.calcsize("P"),
            "byte_order": sys.byteorder,
            "float_format": "IEEE_SINGLE_" + end if formats[0] == ieee else None,
            "double_format": "IEEE_DOUBLE_" + end if formats[1] == ieee else None,
            "long_double_format": long_double_format(long_double, sys.byteorder) if long_double else None,
            "long_double_size": len(long_double) or None,
            "elf": self.elf and {**self.elf, "loader": self.on_host(self.elf["loader"])},
        }

    def platforms(self) -> list[str]:
        """Return the platform tags, best first."""
        name = sysconfig.get_platform()
        system = platform.system()
        narrow = struct.calcsize("P") == 4
        if system == "Linux" and name.startswith("linux-"):
            machine = re.sub(r"[-. ]", "_", name[len("linux-") :])
            if narrow:
                machine = {"x86_64": "i686", "aarch64": "armv8l"}.get(machine, machine)
            return list(linux_platforms(machine, self.libc, self.elf, _manylinux_allows))
        if system == "Darwin":
            release, _, machine = platform.mac_ver()
            return list(mac_platforms(_two(release), machine))
        if system == "iOS":
            release = asked(lambda: str(getattr(platform, "ios_ver")().release), "")  # noqa: B009
            return list(ios_platforms(_two(release), str(getattr(sys.implementation, "_multiarch", ""))))
        if hasattr(sys, "getandroidapilevel"):
            level = asked(lambda: int(getattr(platform, "android_ver")().api_level), 0)  # noqa: B009
            return list(android_platforms(level or int(sys.getandroidapilevel()), name.split("-")[-1]))
        return [re.sub(r"[-. ]", "_", name)]

    def include(self) -> str:
        """Return the directory of `Python.h`, or where it would be."""
        places = [self._path("include", scheme) for scheme in ("posix_prefix", self.scheme)]
        places += [str(sysconfig.get_config_var("INCLUDEPY") or ""), sysconfig.get_path("include") or ""]
        places = [place for place in places if place]
        return next(
            (place for place in places if os.path.isfile(os.path.join(self.here(place), "Python.h"))), places[0]
        )

    def _path(self, key: str, scheme: str) -> str:
        return str(self._scheme_paths(scheme).get(key, ""))

    def _scheme_paths(self, scheme: str) -> dict[str, str]:
        base, platbase = sys.base_prefix, sys.base_exec_prefix
        names = {"base": base, "platbase": platbase, "installed_base": base, "installed_platbase": platbase}
        return asked(lambda: dict(sysconfig.get_paths(scheme, vars=names)), {})

    def schemes(self) -> dict[str, dict[str, str]]:
        """Return where things are installed, by scheme; schemes of users, venvs and other systems are left out."""
        found = {}
        for name in sysconfig.get_scheme_names():
            if name.endswith(("user", "venv")) or name == "posix_home" or name.startswith("nt") != (os.name == "nt"):
                continue
            found[name] = {key: self.on_host(path) for key, path in sorted(self._scheme_paths(name).items())}
        return found

    def headers(self) -> dict[str, bytes]:
        """Python's own headers, by path below their directory; `pyconfig.h` is the one of this machine."""
        directory = self.here(self.include())
        found: dict[str, bytes] = {}
        for top in ("", *_HEADER_DIRECTORIES):
            for place, directories, names in os.walk(os.path.join(directory, top)):
                directories[:] = sorted(directories) if top else []
                for name in sorted(names):
                    if name.endswith(".h"):
                        path = os.path.join(place, name)
                        with open(path, "rb") as stream:
                            found[os.path.relpath(path, directory).replace(os.sep, "/")] = stream.read()
        if "Python.h" not in found:
            raise DumpError(f"there is no Python.h in {directory}: install this Python's headers")
        own = self._own_pyconfig(directory)
        if own is not None:
            found["pyconfig.h"] = own
        if "pyconfig.h" not in found:
            raise DumpError(f"there is no pyconfig.h in {directory}: install this Python's headers")
        return found

    def header_archive(self) -> bytes:
        """Return the headers as an archive."""
        name = "pypy" if self.implementation == "pypy" else "python"
        return header_archive(name + self.version + self.flags, self.headers())

    def _own_pyconfig(self, directory: str) -> bytes | None:
        """`pyconfig.h` where it is not beside the others: Debian's there only chooses between several."""
        try:
            with open(os.path.join(directory, "pyconfig.h"), "rb") as stream:
                if not re.search(rb"#\s*include\s+<.+/pyconfig\.h>", stream.read()):
                    return None
        except OSError:
            pass
        multiarch = str(self.variables.get("MULTIARCH") or getattr(sys.implementation, "_multiarch", ""))
        named = os.path.join(os.path.dirname(directory), multiarch, os.path.basename(directory), "pyconfig.h")
        for path in (named, self.here(asked(sysconfig.get_config_h_filename, ""))):
            if path and os.path.isfile(path):
                with open(path, "rb") as stream:
                    text = stream.read()
                if not re.search(rb"#\s*include\s+<.+/pyconfig\.h>", text):
                    return text
        return None

    def markers(self) -> dict[str, str]:
        """Return the environment of PEP 508's markers."""
        info = sys.implementation.version
        number = "{}.{}.{}".format(*info[:3])
        if info.releaselevel != "final":
            number += info.releaselevel[0] + str(info.serial)
        return {
            "implementation_name": self.implementation,
            "implementation_version": number,
            "os_name": os.name,
            "platform_machine": platform.machine(),
            "platform_python_implementation": platform.python_implementation(),
            "platform_release": "" if self.root else platform.release(),
            "platform_system": platform.system(),
            "platform_version": "" if self.root else platform.version(),
            "python_full_version": platform.python_version(),
            "python_version": self.version,
            "sys_platform": sys.platform,
        }

    def document(self, archive: str = "", content: bytes = b"") -> dict[str, Any]:
        """Return the whole document.

        Args:
            archive: The name of the archive of headers that goes with it; "" for none.
            content: What is in that file.
        """
        include = self.include()
        headers: dict[str, Any] = {"present": os.path.isfile(os.path.join(self.here(include), "Python.h"))}
        if archive:
            headers.update(archive=archive, sha256=hashlib.sha256(content).hexdigest())
        places = libraries(
            self.variables, self.on_host(self.prefix), self.version, self._exists, windows=os.name == "nt"
        )
        uname = asked(os.uname, None) if hasattr(os, "uname") else None
        extra = {
            "schema": SCHEMA,
            "taken": {"how": "running", "by": f"crossenv_dump {VERSION}", "on": _today()},
            "machine": self.machine(),
            "libc": self.libc,
            "uname": uname and self._uname(uname),
            "platform": _platform_answers(_KERNEL if self.root else ()),
            "markers": self.markers(),
            "compilers": compilers(self.variables),
            "libraries": places,
            "headers": headers,
            "build_flags": build_flags(self.variables),
            "install": {"default": self.scheme, "schemes": self.schemes()},
            "variables": self.variables,
            "tags": list(self._tags()),
        }
        return build_details(
            prefix=self.on_host(self.prefix),
            interpreter=self.on_host(self.executable),
            platform_name=sysconfig.get_platform(),
            version=sys.version_info,
            implementation={
                "name": self.implementation,
                "version": version_object(sys.implementation.version),
                "hexversion": sys.implementation.hexversion,
                "cache_tag": sys.implementation.cache_tag or "",
                "_multiarch": str(getattr(sys.implementation, "_multiarch", "")),
            },
            flags=self.flags,
            suffixes={
                "source": list(importlib.machinery.SOURCE_SUFFIXES),
                "bytecode": list(importlib.machinery.BYTECODE_SUFFIXES),
                "extensions": self.extensions,
            },
            libpython=places,
            link_extensions=bool(self.variables.get("LIBPYTHON")) or os.name == "nt",
            headers=self.on_host(include),
            pkgconfig=self._pkgconfig(),
            extra=extra,
        )

    def _uname(self, answer: Any) -> dict[str, str]:
        names = ("sysname", "release", "version", "machine")
        return {name: "" if self.root and name in _KERNEL else getattr(answer, name) for name in names}

    def _exists(self, path: str) -> bool:
        return os.path.isfile(self.here(path))

    def _pkgconfig(self) -> str | None:
        directory = str(self.variables.get("LIBPC") or "")
        if directory and self._exists(f"{directory}/python-{self.version}{self.flags}.pc"):
            return directory
        return None

    def _tags(self) -> Iterator[str]:
        version = sys.version_info[:2]
        abi = wheel_abi(self.implementation, self.extensions[0], version, self.flags)
        return wheel_tags(version, abi, self.implementation, self.platforms())


def build_details(
    *,
    prefix: str,
    interpreter: str,
    platform_name: str,
    version: Sequence[Any],
    implementation: Mapping[str, Any],
    flags: str,
    suffixes: Mapping[str, Sequence[str]],
    libpython: Mapping[str, Any],
    link_extensions: bool,
    headers: str,
    pkgconfig: str | None,
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the document of PEP 739 around ours."""
    extensions = suffixes["extensions"]
    abi: dict[str, Any] = {"flags": list(flags), "extension_suffix": extensions[0]}
    stable = stable_suffix(extensions)
    if stable is not None:
        abi["stable_abi_suffix"] = stable
    document: dict[str, Any] = {
        "schema_version": "1.0",
        "base_prefix": prefix,
        "base_interpreter": interpreter,
        "platform": platform_name,
        "language": {"version": "{}.{}".format(*version[:2]), "version_info": version_object(version)},
        "implementation": dict(implementation),
        "abi": abi,
        "suffixes": {kind: list(names) for kind, names in suffixes.items()},
    }
    library = {key: libpython[key] for key in ("dynamic", "dynamic_stableabi", "static") if key in libpython}
    if library:
        document["libpython"] = {**library, "link_extensions": link_extensions}
    document["c_api"] = {"headers": headers}
    if pkgconfig is not None:
        document["c_api"]["pkgconfig_path"] = pkgconfig
    document["arbitrary_data"] = {"crossenv": dict(extra)}
    return document


def header_archive(name: str, headers: Mapping[str, bytes]) -> bytes:
    """Return a `.tar.gz` of `include/NAME`: the same headers make the same bytes."""
    buffer = BytesIO()
    stream = gzip.GzipFile(filename="", fileobj=buffer, mode="wb", compresslevel=9, mtime=0)
    with stream, tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(headers):
            member = tarfile.TarInfo(f"include/{name}/{path}")
            member.size, member.mode = len(headers[path]), 0o644
            archive.addfile(member, BytesIO(headers[path]))
    return buffer.getvalue()


def document_text(document: Mapping[str, Any]) -> str:
    """Return the document as it is written: ASCII, whatever the terminal's encoding is."""
    return json.dumps(document, indent=1, ensure_ascii=True) + "\n"


def _long_double_bytes() -> bytes:
    import ctypes

    return bytes(ctypes.c_longdouble(_SAMPLE))


def _musl_version(loader: str) -> str:
    """Return the version that musl carries as text: its loader is its library."""
    with open(loader, "rb") as stream:
        found = set(_MUSL_VERSION.findall(stream.read()))
    return found.pop().decode("ascii") if len(found) == 1 else ""


def _two(release: str) -> tuple[int, int]:
    numbers = [int(number) for number in re.findall(r"\d+", release)[:2]] + [0, 0]
    return numbers[0], numbers[1]


def _manylinux_allows(major: int, minor: int, machine: str) -> bool:
    """Return what a distributor's module `_manylinux` says (PEP 600)."""
    try:
        module = importlib.import_module("_manylinux")
    except ImportError:
        return True
    function = getattr(module, "manylinux_compatible", None)
    if function is not None:
        answer = function(major, minor, machine)
        return True if answer is None else bool(answer)
    return bool(getattr(module, "{}_compatible".format(_OLD_POLICIES.get((major, minor), "")), True))


def _platform_answers(unwanted: Sequence[str]) -> dict[str, Any]:
    names = ("platform", "system", "machine", "release", "version", "python_implementation", "python_version")
    answers: dict[str, Any] = {name: asked(getattr(platform, name), "") for name in names if name not in unwanted}
    answers["python_compiler"] = asked(platform.python_compiler, "")
    answers["python_build"] = list(asked(platform.python_build, ("", "")))
    answers["libc_ver"] = list(asked(platform.libc_ver, ("", "")))
    for name in {"darwin": ["mac_ver"], "win32": ["win32_ver"], "ios": ["ios_ver"]}.get(sys.platform, ["android_ver"]):
        if hasattr(platform, name) and (name != "android_ver" or hasattr(sys, "getandroidapilevel")):
            parts: Sequence[object] = asked(getattr(platform, name), ())
            answers[name] = [str(part) for part in parts]
    return answers


def _today() -> str:
    seconds = asked(lambda: float(os.environ["SOURCE_DATE_EPOCH"]), time.time())
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def _write(path: str, content: bytes) -> None:
    """Write a file whole or not at all."""
    part = path + ".part"
    try:
        with open(part, "wb") as stream:
            stream.write(content)
        os.replace(part, path)
    except BaseException:
        if os.path.exists(part):
            os.remove(part)
        raise


def refuse_foreign_answers(environment: Mapping[str, str]) -> None:
    """Refuse to describe an interpreter that answers for another machine.

    Raises:
        DumpError: It does.
    """
    if getattr(sys, "cross_compiling", False):
        raise DumpError("this is the host side of a cross environment: run it with the host Python itself")
    for name in _FOREIGN_VARIABLES:
        if environment.get(name):
            raise DumpError(f"{name} makes this Python answer for another: unset it")


def main(arguments: list[str] | None = None) -> int:
    """Write the document, and the headers if they are wanted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--output", metavar="FILE", help="where to write it; default: standard output")
    parser.add_argument("--with-headers", metavar="FILE.tar.gz", help="also write Python's headers, as an archive")
    parser.add_argument(
        "--root",
        metavar="DIR",
        default="",
        help="of a Python that is emulated: the directory that is / on its own machine, taken off the front of paths",
    )
    options = parser.parse_args(arguments)
    try:
        refuse_foreign_answers(os.environ)
        interpreter, archive = Interpreter(options.root), options.with_headers
        content = interpreter.header_archive() if archive else b""
        text = document_text(interpreter.document(os.path.basename(archive or ""), content))
        if archive:
            _write(archive, content)
        if options.output:
            _write(options.output, text.encode("ascii"))
        else:
            sys.stdout.write(text)
    except (DumpError, OSError) as error:
        print(f"crossenv_dump: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Read a target's `build-details.json` (PEP 739), and mend the known faults of existing ones."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from crossenv.codec import Node, WrongValueError
from crossenv.errors import HostPythonError, reason_of
from crossenv.libc.version import read_text
from crossenv.platforms import DEFAULT, Libc, Machine
from crossenv.platforms.architectures import ARCHITECTURES
from crossenv.platforms.triplets import gnu_triplet, identity_of_triplet, libc_of_triplet, triplet_of_suffix
from crossenv.pythons.model import ConfigValue
from crossenv.pythons.pyconfig import config_values

_LARGEST = 1024 * 1024
_HINT = "copy the file again from the host Python's lib/python3.X, or name its _sysconfigdata_*.py with --host-python"
_PLAIN = DEFAULT.module_suffix
_SOABI = re.compile(rf"\.?((?:cpython-|pypy)\d+[^.]*){re.escape(_PLAIN)}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Details:
    """The mended contents of a `build-details.json`, a source of a `HostPython` or of notes on one.

    Attributes:
        source: The file.
        platform: `sysconfig.get_platform()`: "linux-aarch64"; "" if it is unknown.
        implementation: "cpython".
        version: "3.14".
        full_version: "3.14.2"; "" if it is missing.
        abi_flags: "", "d", "t", "td".
        extension_suffix: ".cpython-314-aarch64-linux-gnu.so".
        multiarch: "aarch64-linux-gnu"; "" if there is none.
        prefix: `sys.base_prefix` on the target, absolute.
        interpreter: The interpreter there; "" if there is none.
        headers: The directory of Python.h there; "" if it is missing.
        notes: Its faults, one line each.
    """

    source: Path
    platform: str
    implementation: str
    version: str
    full_version: str
    abi_flags: str
    extension_suffix: str
    multiarch: str
    prefix: str
    interpreter: str
    headers: str
    notes: tuple[str, ...]

    @property
    def soabi(self) -> str:
        """SOABI, a part of the suffix."""
        return self.extension_suffix.removeprefix(".").removesuffix(_PLAIN)


def load_details(path: Path) -> Details:
    """Read a `build-details.json` of schema 1.

    Raises:
        HostPythonError: It cannot be read, is not JSON, is of another schema, or lacks a necessary key; the message has
            the key's path.
    """
    document = _document(path)
    try:
        return _details(Node(document), path)
    except WrongValueError as error:
        raise HostPythonError(f"{error} in {path}", hint=_HINT) from None


def _details(top: Node, path: Path) -> Details:
    schema = top.at("schema_version").text()
    if schema.partition(".")[0] != "1":
        raise HostPythonError(f"{path} is of schema {schema!r}, and 1.0 is read", hint=_HINT)
    notes: list[str] = []
    if ".." in path.name:
        notes.append(f"{path} has two dots in its name, and build systems look for build-details.json")
    version = top.at("language.version").text()
    implementation = top.at("implementation.name").text()
    flags = "".join(_texts(top, "abi.flags"))
    multiarch = _text(top, "implementation._multiarch")
    suffix = _text(top, "abi.extension_suffix")
    if not suffix:
        suffix = next((name for name in _texts(top, "suffixes.extensions") if _SOABI.fullmatch(name)), "")
        suffix = suffix or _usual_suffix(implementation, version, flags, multiarch)
        if not suffix:
            raise HostPythonError(f"no 'abi.extension_suffix' in {path}, and nothing tells it", hint=_HINT)
        notes.append(f"{path} has no abi.extension_suffix; taken to be {suffix}")
    multiarch = multiarch or triplet_of_suffix(suffix)
    platform = _text(top, "platform")
    if not platform:
        platform = _platform_of(multiarch)
        notes.append(f"{path} has an empty platform; taken to be {platform or 'unknown'}")
    prefix = _joined(str(path.parent), _text(top, "base_prefix", "/usr"))
    interpreter = _text(top, "base_interpreter")
    headers = _text(top, "c_api.headers")
    return Details(
        source=path,
        platform=platform,
        implementation=implementation,
        version=version,
        full_version=_full_version(top),
        abi_flags=flags,
        extension_suffix=suffix,
        multiarch=multiarch,
        prefix=prefix,
        interpreter=_joined(prefix, interpreter) if interpreter else "",
        headers=_joined(prefix, headers) if headers else "",
        notes=tuple(notes),
    )


def disagreements(details: Details, config: dict[str, ConfigValue], machine: str) -> Iterator[str]:
    """Yield its contradictions to the recorded configuration, which counts, one line each.

    Builds for another machine have put the build machine's values there (python/cpython#136267, #140266).
    """
    flags = config.get("ABIFLAGS", "")
    for key, said, name, recorded in (
        ("language.version", details.version, "VERSION", config.get("VERSION", "")),
        ("abi.flags", details.abi_flags, "ABIFLAGS", flags),
        ("abi.extension_suffix", details.extension_suffix, "EXT_SUFFIX", config.get("EXT_SUFFIX", "")),
        ("implementation._multiarch", details.multiarch, "MULTIARCH", config.get("MULTIARCH") or details.multiarch),
    ):
        if said != recorded:
            yield f"{details.source} says {said!r} for {key}, and {name} is {recorded!r}, which is used"
    cpu = details.platform.rpartition("-")[2]
    row = next((row for row in ARCHITECTURES if re.fullmatch(row.spellings, cpu) or row.name == cpu), None)
    if row is not None and row.name != machine and not {row.name, machine} <= {"armv7l", "armv5tel", "aarch64"}:
        yield f"{details.source} says {details.platform!r} for platform, and the target is {machine}, which is used"


def configuration(details: Details, include_dirs: tuple[Path, ...]) -> dict[str, ConfigValue]:
    """Derive the configuration variables from a `build-details.json` and the headers.

    Neither names compilers or flags; the flags are CPython's defaults.
    """
    identity = identity_of_triplet(details.multiarch)
    prefix, flags = PurePosixPath(details.prefix), details.abi_flags
    name = f"python{details.version}{flags}"
    library = "lib" if identity is None or identity.bits == 32 else _library_directory(details)
    config: dict[str, ConfigValue] = {
        "ABIFLAGS": flags,
        "ARFLAGS": "rcs",
        "BINDIR": str(PurePosixPath(details.interpreter).parent) if details.interpreter else str(prefix / "bin"),
        "CCSHARED": "-fPIC",
        "CFLAGS": "-fno-strict-overflow -Wsign-compare -DNDEBUG -g -O3 -Wall",
        "CONFINCLUDEPY": details.headers or str(prefix / "include" / name),
        "EXT_SUFFIX": details.extension_suffix,
        "HOST_GNU_TYPE": details.multiarch,
        "INCLUDEPY": details.headers or str(prefix / "include" / name),
        "LDVERSION": f"{details.version}{flags}",
        "LIBDIR": str(prefix / library),
        "MACHDEP": DEFAULT.name,
        "MULTIARCH": details.multiarch,
        "OPT": "-DNDEBUG -g -O3 -Wall",
        "Py_DEBUG": int("d" in flags),
        "Py_ENABLE_SHARED": 0,
        "Py_GIL_DISABLED": int("t" in flags),
        "SHLIB_SUFFIX": _PLAIN,
        "SOABI": details.soabi,
        "VERSION": details.version,
        "prefix": str(prefix),
        "exec_prefix": str(prefix),
    }
    if identity is not None:
        config["SIZEOF_VOID_P"] = identity.bits // 8
    texts = [read_text(directory / "pyconfig.h") for directory in include_dirs[-1:]]
    return {**(config_values(texts[0]) if texts else {}), **config}


def _library_directory(details: Details) -> str:
    return "lib64" if details.source.parent.parent.name == "lib64" else "lib"


def _document(path: Path) -> object:
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise HostPythonError(f"{path} is larger than {_LARGEST >> 20} MB", hint=_HINT)
        document: object = json.loads(data.decode("utf-8-sig"))
    except OSError as error:
        raise HostPythonError(f"cannot read {path}: {reason_of(error)}", hint=_HINT) from error
    except (ValueError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        raise HostPythonError(f"{path} is cut short or damaged: {reason}", hint=_HINT) from error
    return document


def _text(top: Node, keys: str, default: str = "") -> str:
    node = top.find(keys)
    return default if node is None else node.text()


def _texts(top: Node, keys: str) -> list[str]:
    node = top.find(keys)
    return [] if node is None else node.texts()


def _full_version(top: Node) -> str:
    nodes = [top.find(f"language.version_info.{name}") for name in ("major", "minor", "micro")]
    return ".".join(str(node.number()) for node in nodes if node is not None) if None not in nodes else ""


def _usual_suffix(implementation: str, version: str, flags: str, multiarch: str) -> str:
    if implementation != "cpython" or not multiarch:
        return ""
    return f".cpython-{version.replace('.', '')}{flags}-{multiarch}{_PLAIN}"


def _platform_of(multiarch: str) -> str:
    identity = identity_of_triplet(multiarch)
    row = next((row for row in ARCHITECTURES if row.elf == identity), None)
    libc = Libc(family=libc_of_triplet(multiarch), version="")
    if row is None or not gnu_triplet(row.elf, libc.family):
        return ""
    return DEFAULT.get_platform(Machine(name=row.name, libc=libc, multiarch=multiarch, identity=row.elf))


def _joined(base: str, path: str) -> str:
    """Join a path to another that it may be relative to, without a look at the disk."""
    return posixpath.normpath(posixpath.join(base, path))

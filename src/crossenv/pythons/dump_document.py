"""Read a dump, the document that `crossenv_dump.py` writes on a host; faults are named by their key paths."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossenv.binaries import FORMATS
from crossenv.codec import Node, WrongValueError
from crossenv.errors import HostPythonError, reason_of
from crossenv.platforms import Libc, is_built_for
from crossenv.platforms.architectures import Identity, identity_of
from crossenv.pythons.crossenv_dump import SCHEMA
from crossenv.pythons.model import ConfigValue

OURS = "arbitrary_data.crossenv"
_LARGEST = 16 * 1024 * 1024
_HINT = "take the dump again on the target: `crossenv dump --script` prints the program for it"
_LEVELS = {"alpha": "a", "beta": "b", "candidate": "rc", "final": ""}
# Variables that are compared with other facts; an undefined macro is recorded as 0.
_NUMBERS = (
    *("SIZEOF_VOID_P", "Py_DEBUG", "Py_GIL_DISABLED", "WORDS_BIGENDIAN"),
    *("DOUBLE_IS_BIG_ENDIAN_IEEE754", "DOUBLE_IS_LITTLE_ENDIAN_IEEE754"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dump:
    """What a dump says, as far as an environment needs it: a source of a `HostPython` (`from_dump.host_of_dump`).

    Attributes:
        source: The file.
        system: `sys.platform` of the host.
        implementation: "cpython".
        version: "3.11".
        full_version: "3.11.2".
        abi_flags: "", "d", "t", "td".
        extension_suffix: The suffix of extension modules.
        multiarch: `sys.implementation._multiarch`; "" where there is none.
        interpreter: The interpreter's path on the host.
        headers: The directory of `Python.h` there.
        library: Where libpython is there; "" if it has none.
        archive: The name of the archive of headers that was made with it; "" if there is none.
        archive_hash: The archive's SHA-256.
        machine: `os.uname().machine`.
        pointer_size: In bytes.
        byte_order: "little" or "big".
        identity: What the interpreter's header says; None where it was not read.
        libc: The C library.
        variables: The recorded configuration.
        document: The whole.
    """

    source: Path
    system: str
    implementation: str
    version: str
    full_version: str
    abi_flags: str
    extension_suffix: str
    multiarch: str
    interpreter: str
    headers: str
    library: str
    archive: str
    archive_hash: str
    machine: str
    pointer_size: int
    byte_order: str
    identity: Identity | None
    libc: Libc
    variables: Mapping[str, ConfigValue]
    document: Mapping[str, Any]


def is_dump(path: Path) -> bool:
    """Return whether a file is a dump by its name, or a `build-details.json` that holds our part."""
    if not path.name.endswith((".json", ".json.gz")) or not path.is_file():
        return False
    if not path.name.startswith(("build-details", "_sysconfig")):
        return True
    return b'"crossenv"' in _content(path)


def load_dump(path: Path) -> Dump:
    """Read a dump; one that is compressed, `.json.gz`, too.

    Raises:
        HostPythonError: It cannot be read, is not JSON, of another schema, lacks something, holds a value of another
            type, or says two things that exclude each other.
    """
    try:
        document = json.loads(_content(path).decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        raise HostPythonError(f"{path} is cut short or damaged: {reason}", hint=_HINT) from error
    return parse_dump(document, path)


def parse_dump(document: object, source: Path) -> Dump:
    """Return the dump in a parsed document.

    Raises:
        HostPythonError: See `load_dump`.
    """
    try:
        return _parse(Node(document), source)
    except WrongValueError as error:
        raise HostPythonError(f"{error} in {source}", hint=_HINT) from None


def _parse(top: Node, source: Path) -> Dump:
    top.at("schema_version").one_of(["1.0"])
    ours = top.at(OURS)
    schema = ours.at("schema").number()
    if schema != SCHEMA:
        raise WrongValueError(f"expected {SCHEMA} at '{OURS}.schema', which is {schema}: this crossenv reads no other,")
    machine, extensions = ours.at("machine"), top.at("suffixes.extensions").texts()
    archived = ours.at("headers").has("archive")
    headers = ours.at("headers")
    says = "a suffix like '.cpython-311.so'"
    dump = Dump(
        source=source,
        system=ours.at("markers.sys_platform").text(),
        implementation=top.at("implementation.name").text(),
        version=top.at("language.version").matching(r"3\.\d{1,3}", "a version like '3.11'"),
        full_version=_full_version(top.at("language.version_info")),
        abi_flags="".join(top.at("abi.flags").texts()),
        extension_suffix=top.at("abi.extension_suffix").matching(r"\.[\w.+-]+", says),
        multiarch=_optional(top.at("implementation"), "_multiarch"),
        # Scripts will begin with it.
        interpreter=top.at("base_interpreter").matching(r"[^\x00-\x1f]+", "a path"),
        headers=_path(top.at("c_api.headers")),
        library=_path(top.at("libpython.dynamic"))
        if top.has("libpython") and top.at("libpython").has("dynamic")
        else "",
        archive=headers.at("archive").matching(r"[^/\\]+", "a file's name") if archived else "",
        archive_hash=headers.at("sha256").matching(r"[0-9a-f]{64}", "64 hexadecimal digits") if archived else "",
        machine=machine.at("name").matching(r"[\w.+-]+", "a machine's name"),
        pointer_size=machine.at("pointer_size").number(16),
        byte_order=machine.at("byte_order").one_of(["little", "big"]),
        identity=_identity(machine),
        libc=Libc(
            family=ours.at("libc.family").text(),
            version=ours.at("libc.version").matching(r"\d{1,4}(\.\d{1,4})*|", "a version like '2.36', or nothing,"),
        ),
        variables=_variables(ours.at("variables")),
        document=top.value if isinstance(top.value, dict) else {},
    )
    _refuse_contradictions(dump, extensions)
    return dump


def _full_version(info: Node) -> str:
    numbers = ".".join(str(info.at(name).number(999)) for name in ("major", "minor", "micro"))
    level = _LEVELS[info.at("releaselevel").one_of([*_LEVELS])]
    return numbers + (f"{level}{info.at('serial').number(999)}" if level else "")


def _path(node: Node) -> str:
    """Return a path that is looked up below a sysroot and may not lead out of it."""
    if ".." in re.split(r"[/\\]", node.text()):
        raise node.expected("a path without '..'")
    return node.text()


def _optional(node: Node, key: str) -> str:
    return node.at(key).text() if node.has(key) else ""


def _identity(machine: Node) -> Identity | None:
    """Return what the interpreter's header says, whose format the key names."""
    format = next((name for name in FORMATS if machine.has(name)), "")
    if not format:
        return None
    node = machine.at(format)
    bits = node.at("bits").number()
    if bits not in (32, 64):
        raise node.at("bits").expected("32 or 64")
    number, order = node.at("machine").number(0xFFFF), node.at("byte_order").one_of(["little", "big"])
    return identity_of(format, number, bits, order, node.at("flags").number())


def _variables(node: Node) -> dict[str, ConfigValue]:
    if not isinstance(node.value, dict):
        raise node.expected("an object")
    variables: dict[str, ConfigValue] = {}
    for key, value in node.value.items():
        item = Node(value, f"{node.path}.{key}")
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise item.expected("a string or an integer")
        variables[key] = value if isinstance(value, int) else item.text()
        # What an interpreter would read back as another name, or as more than one.
        if not key.isprintable():
            raise WrongValueError(f"expected a printable name at {item.path!r}")
    for name in _NUMBERS:
        if variables.get(name, "") != "" and not isinstance(variables[name], int):
            raise Node(variables[name], f"{node.path}.{name}").expected("an integer")
    for name in ("EXT_SUFFIX", "SOABI", "VERSION", "MULTIARCH", "HOST_GNU_TYPE", "ABIFLAGS"):
        if name in variables:
            Node(variables[name], f"{node.path}.{name}").text()
    return variables


def _refuse_contradictions(dump: Dump, extensions: list[str]) -> None:
    """Two keys that exclude each other."""
    variables, ours = dump.variables, f"{OURS}.variables"
    identity = dump.identity
    facts: list[tuple[str, object, str, object]] = [
        ("language.version", dump.version, "language.version_info", ".".join(dump.full_version.split(".")[:2])),
        ("abi.extension_suffix", dump.extension_suffix, "suffixes.extensions[0]", (extensions or [""])[0]),
    ]
    for name, key, value in (
        ("EXT_SUFFIX", "abi.extension_suffix", dump.extension_suffix),
        ("VERSION", "language.version", dump.version),
        ("ABIFLAGS", "abi.flags", dump.abi_flags),
        ("MULTIARCH", "implementation._multiarch", dump.multiarch),
        ("SIZEOF_VOID_P", f"{OURS}.machine.pointer_size", dump.pointer_size),
    ):
        if is_built_for(dump.system) and variables.get(name, "") != "":
            said = variables[name]
            # Windows' VERSION has no dot.
            same = name == "VERSION" and str(said) == dump.version.replace(".", "") and not dump.multiarch
            facts.append((f"{ours}.{name}", value if same else said, key, value))
    if identity is not None:
        machine, header = f"{OURS}.machine", f"{OURS}.machine.{identity.format}"
        facts.append((f"{header}.byte_order", identity.byte_order, f"{machine}.byte_order", dump.byte_order))
        facts.append((f"{header}.bits", identity.bits // 8, f"{machine}.pointer_size", dump.pointer_size))
    for one, this, other, that in facts:
        if this != that:
            raise WrongValueError(f"{one!r} says {this!r} and {other!r} says {that!r}: they exclude each other")


def _content(path: Path) -> bytes:
    opened: Any = gzip.open if path.name.endswith(".gz") else open
    try:
        with opened(path, "rb") as stream:
            data: bytes = stream.read(_LARGEST + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise HostPythonError(f"{path} is cut short or damaged: {error}", hint=_HINT) from error
    except OSError as error:
        problem = f"cannot read {path}: {reason_of(error)}"
        raise HostPythonError(problem, hint="name a readable file with --host-python") from error
    if len(data) > _LARGEST:
        raise HostPythonError(f"{path} is larger than {_LARGEST >> 20} MB: not a dump", hint=_HINT)
    return data


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not a JSON number")

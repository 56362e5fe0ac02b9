"""Makes wheels and linked ELF files, good ones and such with one fault each."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from packaging.tags import parse_tag

from conftest import Run
from crossenv.platforms.architectures import Identity
from makers import AARCH64

LIBC = ("libc.so.6", "GLIBC_2.17")
SUFFIX = ".cpython-311-aarch64-linux-gnu.so"
TAG = "cp311-cp311-manylinux_2_28_aarch64"


def linked(
    identity: Identity = AARCH64,
    *,
    needed: Sequence[str] = ("libc.so.6",),
    exports: Sequence[str] = (),
    imports: Mapping[str, tuple[str, str] | None] | None = None,
    weak: Sequence[str] = (),
    soname: str = "",
    runpath: str = "",
    interpreter: str = "",
    executable_stack: bool | None = False,
    text: bytes = b"",
    android: int = 0,
    page_size: int = 8,
) -> bytes:
    """A shared library without code or section headers, as the loader reads one (System V ABI, chapter 5).

    Args:
        identity: The machine.
        needed: DT_NEEDED.
        exports: The functions it defines.
        imports: Those it does not: by name the library and version they come from, None for no version.
        weak: Which of the imports are weak.
        soname: DT_SONAME.
        runpath: DT_RUNPATH.
        interpreter: PT_INTERP.
        executable_stack: What PT_GNU_STACK says; None leaves it out.
        android: The API level in the note of Android's linkers; 0 for no note.
        page_size: How its segments are aligned.
        text: Bytes that lie somewhere in it.
    """
    imports = {"malloc": LIBC} if imports is None else imports
    wide, order = identity.bits == 64, "<" if identity.byte_order == "little" else ">"
    word = "Q" if wide else "I"
    strings = bytearray(b"\0")
    places: dict[str, int] = {}

    def place(name: str) -> int:
        if name not in places:
            places[name] = len(strings)
            strings.extend(name.encode() + b"\0")
        return places[name]

    versions = list(dict.fromkeys(pair for pair in imports.values() if pair is not None))
    index_of = {pair: number for number, pair in enumerate(versions, 2)}
    symbol = "IBBHQQ" if wide else "IIIBBH"
    rows, numbers = [struct.pack(order + symbol, *[0] * 6)], [0]
    for name in (*imports, *exports):
        info, section = (0x20 if name in weak else 0x10) | 2, 0 if name in imports else 1
        fields = (info, 0, section, 0, 0) if wide else (0, 0, info, 0, section)
        rows.append(struct.pack(order + symbol, place(name), *fields))
        version = imports.get(name)
        numbers.append(1 if version is None else index_of[version])
    libraries = list(dict.fromkeys(library for library, _ in versions))
    need = bytearray()
    for number, library in enumerate(libraries):
        own = [pair for pair in versions if pair[0] == library]
        size = 16 * (1 + len(own))
        following = size if number + 1 < len(libraries) else 0
        need += struct.pack(order + "HHIII", 1, len(own), place(library), 16, following)
        for position, pair in enumerate(own):
            step = 16 if position + 1 < len(own) else 0
            need += struct.pack(order + "IHHII", 0, 0, index_of[pair], place(pair[1]), step)
    tags = [(1, place(name)) for name in needed]
    tags += [(14, place(soname))] if soname else []
    tags += [(29, place(runpath))] if runpath else []
    blobs: dict[int, bytes] = {
        5: bytes(strings),
        6: b"".join(rows),
        4: struct.pack(order + "IIIII", 1, len(rows), 0, 0, 0),
        0x6FFFFFF0: struct.pack(f"{order}{len(numbers)}H", *numbers),
    }
    if versions:
        blobs[0x6FFFFFFE] = bytes(need)
        tags.append((0x6FFFFFFF, len(libraries)))
    count = 2 + (executable_stack is not None) + bool(interpreter) + bool(android)
    header, entry = (64, 56) if wide else (52, 32)
    base = header + count * entry
    text += bytes(-len(text) % 8)
    note = struct.pack(order + "III8sI", 8, 4, 1, b"Android", android) if android else b""
    body = bytearray(text + note)
    for tag, blob in blobs.items():
        tags.append((tag, base + len(body)))
        body += blob + bytes(-len(blob) % 8)
    tags += [(10, len(strings)), (11, 24 if wide else 16), (0, 0)]
    where = base + len(body)
    body += b"".join(struct.pack(order + word * 2, *tag) for tag in tags)
    end = base + len(body)
    table = segment(wide, order, 1, 5, 0, end + len(interpreter) + 1, page_size) + segment(
        wide, order, 2, 6, where, end - where
    )
    if executable_stack is not None:
        table += segment(wide, order, 0x6474E551, 7 if executable_stack else 6, 0, 0)
    if interpreter:
        table += segment(wide, order, 3, 4, end, len(interpreter) + 1)
    if android:
        table += segment(wide, order, 4, 4, base + len(text), len(note))
    start = b"\x7fELF" + bytes([1 + wide, 1 if order == "<" else 2, 1]) + bytes(9)
    header_fields = (3, identity.number, 1, 0, header, 0, identity.abi_flags, header, entry, count, 0, 0, 0)
    start += struct.pack(order + f"HHI{word * 3}IHHHHHH", *header_fields)
    return start + table + bytes(body) + interpreter.encode() + b"\0"


def segment(wide: bool, order: str, kind: int, flags: int, offset: int, size: int, align: int = 0) -> bytes:
    """A program header."""
    if wide:
        return struct.pack(order + "IIQQQQQQ", kind, flags, offset, offset, offset, size, size, align or 8)
    return struct.pack(order + "IIIIIIII", kind, offset, offset, offset, size, size, flags, align or 4)


def extension(name: str = "_toy", **changes: object) -> bytes:
    """An extension module that asks nothing wrong of anybody."""
    facts: dict[str, object] = {
        "exports": (f"PyInit_{name}",),
        "imports": {"PyModule_Create2": None, "malloc": LIBC},
    }
    return linked(**{**facts, **changes})  # type: ignore[arg-type]


def good_files() -> dict[str, bytes]:
    """The files of a wheel without faults."""
    return {f"toy/_toy{SUFFIX}": extension(), "toy/__init__.py": b""}


def record_row(name: str, data: bytes) -> str:
    """A line of RECORD."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow([name, f"sha256={digest}", len(data)])
    return text.getvalue()


def wheel_text(tag: str, pure: str = "false") -> str:
    """The WHEEL of a wheel with that tag."""
    lines = "".join(f"Tag: {one}\n" for one in sorted(map(str, parse_tag(tag))))
    return f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {pure}\n{lines}"


def make_wheel(
    directory: Path,
    files: Mapping[str, bytes] | None = None,
    tag: str = TAG,
    *,
    replace: Mapping[str, bytes | None] | None = None,
    record: str | None = None,
    unlisted: Mapping[str, bytes] | None = None,
) -> Path:
    """A wheel.

    Args:
        directory: Where to put it.
        files: Its files; those of `good_files` if None.
        tag: Its tags, as in its name.
        replace: Files of its `.dist-info`, by base name, that differ; None leaves one out.
        record: Its RECORD; the right one if None.
        unlisted: Files that are not in RECORD.
    """
    info = "toy-1.dist-info"
    members = dict(good_files() if files is None else files)
    own: dict[str, bytes | None] = {
        "METADATA": b"Metadata-Version: 2.1\nName: toy\nVersion: 1\n",
        "WHEEL": wheel_text(tag).encode(),
        **(replace or {}),
    }
    members |= {f"{info}/{name}": data for name, data in own.items() if data is not None and name != "RECORD"}
    if record is None:
        record = "".join(record_row(name, data) for name, data in members.items()) + f"{info}/RECORD,,\n"
    if own.get("RECORD", b"") is not None:
        members[f"{info}/RECORD"] = record.encode()
    path = directory / f"toy-1-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**members, **(unlisted or {})}.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 2, 2, 2, 2, 2)), data)
    return path


def static_library(*members: tuple[str, bytes]) -> bytes:
    """A static library (ar(5))."""
    data = b"!<arch>\n"
    for name, content in members:
        # Its own two tables begin with the character that ends a name.
        label = name if name.startswith("/") else f"{name}/"
        data += f"{label:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}".encode() + b"`\n" + content
        data += b"\n" * (len(content) % 2)
    return data


def built(env: Path, project: Path, out: Path, run: Run, tag: str) -> dict[str, bytes]:
    """What the wheel of a project that an environment builds holds beside its metadata; its tag is checked."""
    run(env / "bin/cross-pip", "wheel", "--no-deps", "-w", out, project)
    (wheel,) = out.glob("*.whl")
    assert wheel.name.endswith(f"-{tag}.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}

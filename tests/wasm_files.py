"""Makes WebAssembly files by the byte: side modules, programs and object files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def number(value: int) -> bytes:
    """LEB128."""
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


def text(value: str) -> bytes:
    return number(len(value.encode())) + value.encode()


def _section(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + number(len(content)) + content


def custom(name: str, content: bytes = b"") -> bytes:
    return _section(0, text(name) + content)


def side_module(
    name: str = "m",
    *,
    exports: Sequence[str] | None = None,
    imports: Sequence[str] = ("PyModule_Create2",),
    data: Sequence[str] = (),
    weak: Sequence[str] = (),
    needed: Sequence[str] = (),
    dylink: str = "dylink.0",
    shared: bool = False,
    wide: bool = False,
    more: Mapping[str, bytes] | None = None,
) -> bytes:
    """A module that Pyodide can load.

    Args:
        name: Of the extension module.
        exports: The functions it has; default: that of an extension module.
        imports: The functions that it calls.
        data: The names of others' data that it uses.
        weak: Which of those it can do without.
        needed: The libraries that it names.
        dylink: The section that makes it one; "" for a program.
        shared: Whether its memory is shared by threads.
        wide: Whether addresses have 64 bits.
        more: Further custom sections.
    """
    needs = _section(2, number(len(needed)) + b"".join(map(text, needed)))
    info = _section(4, number(len(weak)) + b"".join(text("env") + text(one) + number(1) for one in weak))
    limits = (3 if shared else 0) | (4 if wide else 0)
    rows = [text("env") + text("memory") + b"\2" + number(limits) + number(1) + (number(9) if shared else b"")]
    rows += [text("env") + text("__indirect_function_table") + b"\1\x70\0\0", text("env") + text("e") + b"\4\0\0"]
    rows += [text("env") + text(one) + b"\0\0" for one in imports]
    rows += [text("GOT.mem") + text(one) + b"\3\x7f\1" for one in data]
    functions = [f"PyInit_{name}"] if exports is None else list(exports)
    out = number(len(functions)) + b"".join(text(one) + b"\0" + number(at) for at, one in enumerate(functions))
    return b"".join(
        [
            b"\0asm\1\0\0\0",
            custom(dylink, _section(1, b"\0\0\0\0") + needs + info) if dylink else b"",
            *(custom(one, content) for one, content in (more or {}).items()),
            _section(2, number(len(rows)) + b"".join(rows)),
            _section(7, out),
        ]
    )


def object_file() -> bytes:
    """What a compiler makes before a link."""
    return side_module(dylink="", more={"linking": b"\2"})

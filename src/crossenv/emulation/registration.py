"""The line with which binfmt_misc knows a host's programs."""

from __future__ import annotations

from pathlib import Path

from crossenv.platforms.architectures import ElfIdentity


def registration_line(identity: ElfIdentity, emulator: Path) -> str:
    """The line for `/proc/sys/fs/binfmt_misc/register`.

    Programs and shared objects (position-independent programs) of the machine match, whatever their OS ABI. The flag F
    opens the emulator at once, so that it is found from any root; P lets the program see its own `argv[0]`.
    """
    order = identity.byte_order
    header = bytearray(
        b"\x7fELF" + bytes((1 if identity.bits == 32 else 2, 1 if order == "little" else 2, 1)) + bytes(9)
    )
    mask = bytearray(b"\xff" * 7 + bytes(9))
    # e_type: ET_EXEC (2) and ET_DYN (3)
    header += (2).to_bytes(2, order) + identity.machine.to_bytes(2, order)  # type: ignore[arg-type]
    mask += (0xFFFE).to_bytes(2, order) + b"\xff\xff"  # type: ignore[arg-type]
    return f":crossenv:M::{_escaped(header)}:{_escaped(mask)}:{emulator}:PF"


def _escaped(data: bytearray) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)

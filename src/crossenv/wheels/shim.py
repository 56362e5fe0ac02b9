"""The rules by which the start-up shim judges every build, for the audit: one truth, not two.

The shim's modules stand alone, because environments get verbatim copies of them; here the originals are imported. Only
those that do nothing but read are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _crossenv.policy import Dynamic, is_linked, is_other_libc, late_symbols, listed, promise_words, retag
    from _crossenv.verify import archive_members, describe, elf_identity
else:
    from crossenv.shim._crossenv.policy import (
        Dynamic,
        is_linked,
        is_other_libc,
        late_symbols,
        listed,
        promise_words,
        retag,
    )
    from crossenv.shim._crossenv.verify import archive_members, describe, elf_identity

__all__ = [
    "Dynamic",
    "archive_members",
    "describe",
    "elf_identity",
    "is_linked",
    "is_other_libc",
    "late_symbols",
    "listed",
    "promise_words",
    "retag",
]

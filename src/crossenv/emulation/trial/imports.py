"""What came of importing a wheel's modules."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

IMPORTED, FAILED, NEEDS_MORE, ENDED = "imported", "failed", "needs more", "ended the interpreter"


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """One module.

    Attributes:
        module: Its full name.
        outcome: "imported"; "failed"; "needs more", if a package that it wants is not installed; "ended the
            interpreter".
        message: What it said.
    """

    module: str
    outcome: str
    message: str = ""

    @property
    def failed(self) -> bool:
        """Whether the module is at fault."""
        return self.outcome in (FAILED, ENDED)


def read_imports(path: Path, modules: Sequence[str], status: int) -> tuple[Import, ...]:
    """What `try_imports.py` wrote, for each of `modules`.

    Args:
        path: Its report.
        modules: What it was asked to import.
        status: Its exit status.
    """
    rows: dict[str, dict[str, str]] = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            rows[row["module"]] = row
    except (OSError, ValueError):
        pass
    tops = {name.partition(".")[0] for name in modules}
    return tuple(_import(name, rows.get(name), tops, status) for name in modules)


def _import(name: str, row: dict[str, str] | None, tops: set[str], status: int) -> Import:
    if row is None:
        return Import(module=name, outcome=FAILED, message="not reached")
    if row["outcome"] == "started":
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        return Import(module=name, outcome=ENDED, message=how)
    if row["outcome"] == "absent":
        # What the wheel itself should have brought is its fault; an optional requirement is not.
        own = row["missing"].partition(".")[0] in tops
        return Import(module=name, outcome=FAILED if own else NEEDS_MORE, message=row["message"])
    return Import(module=name, outcome=row["outcome"], message=row.get("message", ""))

"""What the proofs measured, as data: docs/explanation/data/PAGE/LABEL.json, from which the site draws its tables."""

from __future__ import annotations

import datetime
import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
DATA = CHECKOUT / "docs/explanation/data"
CACHE = CHECKOUT / ".cache"


def today() -> str:
    """The day, as the data has it."""
    return str(datetime.datetime.now(datetime.timezone.utc).date())


def has_failed(said: object) -> bool:
    """Whether what pytest says has a failure in it; "1 xfailed" is none."""
    return re.search(r"\bfailed\b", str(said)) is not None


def portable(text: str) -> str:
    """A text without the directories of the machine that it was written on."""
    places = {CACHE.resolve(), CACHE, CHECKOUT, Path.home(), Path(tempfile.gettempdir())}
    for place in sorted(map(str, places), key=len, reverse=True):
        text = text.replace(place, "DIR")
    return text


def command_shown(words: list[str]) -> str:
    """A command in which directories outside the system's have no name."""
    shown = (re.sub(r"(^|=)/(?:.*?(?=/usr/)|.*)", r"\1DIR", word) for word in words)
    return " ".join(shown)


def known(page: str, label: str, *, root: Path | None = None) -> dict[str, Any]:
    """What is kept of a configuration; empty if nothing is."""
    path = (root or DATA) / page / f"{label}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def keep(page: str, label: str, data: Mapping[str, Mapping[str, Any] | list[Any]], *, root: Path | None = None) -> Path:
    """Write the results of one configuration; those of the others stay. Every row has its line, for readable diffs."""
    sections = []
    for name, value in data.items():
        if isinstance(value, Mapping):
            rows = [f"{json.dumps(key)}: {json.dumps(row, ensure_ascii=False)}" for key, row in value.items()]
        else:
            rows = [json.dumps(row, ensure_ascii=False) for row in value]
        opening, closing = "{}" if isinstance(value, Mapping) else "[]"
        body = ",\n".join(f"    {row}" for row in rows)
        sections.append(f"  {json.dumps(name)}: {opening}\n{body}\n  {closing}")
    text = portable("{\n" + ",\n".join(sections) + "\n}\n")
    path = (root or DATA) / page / f"{label}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path

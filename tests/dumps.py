"""Dumps in tests: the published schema, and two dumps of one Python held against each other."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema

from crossenv.pythons.dump_document import OURS
from crossenv.pythons.dump_from_files import UNKNOWN_ON_POWERPC, UNKNOWN_TO_A_READER

SCHEMA = Path(__file__).parents[1] / "docs/reference/dump.schema.json"


def schema_faults(document: Mapping[str, Any]) -> list[str]:
    """Where a document does not keep the published schema."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return [
        f"{error.json_path}: {error.message}" for error in jsonschema.Draft202012Validator(schema).iter_errors(document)
    ]


def ours(document: Mapping[str, Any]) -> dict[str, Any]:
    """What PEP 739 has no place for."""
    return dict(document["arbitrary_data"]["crossenv"])


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Everything in a document that is no object, by its key path."""
    if not isinstance(value, dict):
        return {path: value}
    found: dict[str, Any] = {}
    for key, item in value.items():
        found |= leaves(item, f"{path}.{key}".removeprefix("."))
    return found


def differences(taken: Mapping[str, Any], read: Mapping[str, Any], *more: str) -> list[str]:
    """What the dump that a Python took of itself and a reading of its files do not agree on.

    Args:
        taken: The one.
        read: The other.
        more: Keys to leave out, besides those that no file tells.
    """
    names = [*UNKNOWN_TO_A_READER, *more]
    if taken["platform"].startswith("linux-ppc"):
        names += UNKNOWN_ON_POWERPC
    apart = [f"{OURS}.{name}" for name in names]
    one, other = leaves(taken), leaves(read)
    return [
        f"{path}: {one.get(path)!r} and {other.get(path)!r}"
        for path in sorted({*one, *other})
        if one.get(path) != other.get(path) and not any(path == name or path.startswith(f"{name}.") for name in apart)
    ]


def with_value(document: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The document with another value at a path of keys; without it for `...`."""
    changed = copy.deepcopy(dict(document))
    *parents, last = path.split(".")
    node = changed
    for key in parents:
        node = node[key]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return changed

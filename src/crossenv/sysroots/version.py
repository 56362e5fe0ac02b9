"""Debian's version order (deb-version(7))."""

from __future__ import annotations

import re
from functools import cmp_to_key

_PARTS = re.compile(r"(\D*)(\d*)")


def _split(version: str) -> tuple[int, str, str]:
    epoch, colon, rest = version.partition(":")
    if not colon or not epoch.isdigit():
        epoch, rest = "0", version
    upstream, _dash, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch), upstream, revision


def _weight(character: str) -> int:
    """`~` sorts before the end of the text, letters before everything else."""
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256


def _compare_text(one: str, other: str) -> int:
    for index in range(max(len(one), len(other))):
        a = _weight(one[index]) if index < len(one) else 0
        b = _weight(other[index]) if index < len(other) else 0
        if a != b:
            return -1 if a < b else 1
    return 0


def _compare_part(one: str, other: str) -> int:
    ours, theirs = _PARTS.findall(one), _PARTS.findall(other)
    for index in range(max(len(ours), len(theirs))):
        text_a, number_a = ours[index] if index < len(ours) else ("", "")
        text_b, number_b = theirs[index] if index < len(theirs) else ("", "")
        if order := _compare_text(text_a, text_b):
            return order
        a, b = int(number_a or 0), int(number_b or 0)
        if a != b:
            return -1 if a < b else 1
    return 0


def compare(one: str, other: str) -> int:
    """Negative, zero or positive as `one` is older than, equal to or newer than `other`."""
    a, b = _split(one), _split(other)
    if a[0] != b[0]:
        return -1 if a[0] < b[0] else 1
    return _compare_part(a[1], b[1]) or _compare_part(a[2], b[2])


sort_key = cmp_to_key(compare)


def satisfies(version: str, operator: str, wanted: str) -> bool:
    """Whether `version` meets the constraint `operator wanted` (Debian Policy 7.1: << <= = >= >>)."""
    order = compare(version, wanted)
    return {"<<": order < 0, "<=": order <= 0, "=": order == 0, ">=": order >= 0, ">>": order > 0}[operator]

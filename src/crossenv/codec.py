"""JSON to typed values and back; errors name the path of keys."""

from __future__ import annotations

import collections.abc
import dataclasses
import json
import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


class WrongValueError(Exception):
    """A value that is missing or of the wrong type: "expected an integer at 'version_info.major'"."""


def encode(value: Any) -> str:
    """Encode a dataclass as the text of a JSON file."""
    return json.dumps(dataclasses.asdict(value), indent=2, ensure_ascii=False) + "\n"


def decode(kind: type[T], value: object) -> T:
    """Decode a dataclass from the result of `json.loads`; unknown keys are ignored.

    Raises:
        WrongValueError: A key is missing or of the wrong type.
    """
    decoded: T = _decode(kind, value, "")
    return decoded


def _decode(kind: Any, value: Any, where: str) -> Any:
    if kind is Any:
        return value
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    place = _place(where)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, dict):
            raise WrongValueError(f"expected an object {place}")
        fields = {}
        for name, hint in typing.get_type_hints(kind).items():
            path = f"{where}.{name}" if where else name
            if name not in value:
                raise WrongValueError(f"missing {path!r}")
            fields[name] = _decode(hint, value[name], path)
        return kind(**fields)
    if origin is types.UnionType:
        if value is None:
            return None
        return _decode(next(argument for argument in arguments if argument is not types.NoneType), value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise WrongValueError(f"expected a list {place}")
        kinds = [arguments[0]] * len(value) if arguments[1:] == (...,) else arguments
        if len(kinds) != len(value):
            raise WrongValueError(f"expected {len(kinds)} values {place}")
        return tuple(
            _decode(kind, item, f"{where}[{index}]")
            for index, (kind, item) in enumerate(zip(kinds, value, strict=True))
        )
    if origin in (dict, collections.abc.Mapping):
        if not isinstance(value, dict):
            raise WrongValueError(f"expected an object {place}")
        return {key: _decode(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise WrongValueError(f"expected {kind.__name__} {place}")
    return value


def _place(path: str) -> str:
    return f"at {path!r}" if path else "at the top"


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a document that others wrote, and the path of keys to it.

    Attributes:
        value: The value, as `json.loads` returns it.
        path: "abi.flags"; "" for the whole document.
    """

    value: object
    path: str = ""

    def at(self, keys: str) -> Node:
        """Return the value below; the keys are separated by dots.

        Raises:
            WrongValueError: It is missing.
        """
        node = self
        for key in keys.split("."):
            path = f"{node.path}.{key}" if node.path else key
            if key not in node.mapping():
                raise WrongValueError(f"nothing at {path!r}")
            node = Node(node.mapping()[key], path)
        return node

    def find(self, keys: str) -> Node | None:
        """Return the value below; None where it, or what is around it, is missing or null."""
        node = self
        for key in keys.split("."):
            if not node.has(key):
                return None
            node = node.at(key)
        return node

    def has(self, key: str) -> bool:
        """Whether there is a value of this key other than null."""
        return self.mapping().get(key) is not None

    def mapping(self) -> Mapping[str, object]:
        """Return the value, which must be an object."""
        if not isinstance(self.value, dict):
            raise self.expected("an object")
        return self.value

    def text(self) -> str:
        """Return the value, which must be text that can be written to a file or passed to a program."""
        if not isinstance(self.value, str):
            raise self.expected("a string")
        if "\0" in self.value or any("\ud800" <= character <= "\udfff" for character in self.value):
            raise WrongValueError(f"expected text without NUL or lone surrogates at {self.path!r}")
        return self.value

    def one_of(self, choices: Sequence[str]) -> str:
        """Return the value, which must be one of these."""
        if self.text() not in choices:
            raise self.expected(" or ".join(map(repr, choices)))
        return self.text()

    def matching(self, pattern: str, what: str) -> str:
        """Return the value, which must match; `what` says what is expected."""
        if not re.fullmatch(pattern, self.text()):
            raise self.expected(what)
        return self.text()

    def number(self, largest: int = 2**32 - 1) -> int:
        """Return the value, which must be an integer from 0 to `largest`."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.expected("an integer")
        if not 0 <= self.value <= largest:
            raise self.expected(f"a number from 0 to {largest}")
        return self.value

    def texts(self) -> list[str]:
        """Return the value, which must be a list of strings."""
        if not isinstance(self.value, list):
            raise self.expected("a list of strings")
        return [Node(item, f"{self.path}[{index}]").text() for index, item in enumerate(self.value)]

    def expected(self, what: str) -> WrongValueError:
        """Return the error to raise for another value."""
        return WrongValueError(f"expected {what} {_place(self.path)}")

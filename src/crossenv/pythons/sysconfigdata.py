"""Parse a host's recorded configuration as literals; it is never imported or run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from pathlib import Path

from crossenv.errors import HostPythonError, reason_of
from crossenv.pythons.model import ConfigValue

_VARIABLE = "build_time_vars"
_LARGEST = 16 * 1024 * 1024
_HINT = "copy the file again from the host Python's lib/python3.X, or name another with --host-python"


def parse_sysconfigdata(path: Path) -> dict[str, ConfigValue]:
    """The `build_time_vars` of a `_sysconfigdata*.py`.

    Raises:
        HostPythonError: The file cannot be read, is not Python, or holds anything but literal strings
            and integers.
    """
    return parse_sysconfigdata_text(_read(path), path)


def parse_sysconfigdata_text(text: str, path: Path, *, skip_formatted: bool = False) -> dict[str, ConfigValue]:
    """The same of the text of such a file; `path` is what messages name.

    With `skip_formatted` it leaves out what is put together of other values (an f-string), which is not evaluated.

    Raises:
        HostPythonError: It is not Python, or holds anything but literal strings and integers.
    """
    tree = _parse(path, text)
    value: ast.expr | None = None
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == _VARIABLE for target in statement.targets
        ):
            value = statement.value
    if value is None:
        raise HostPythonError(f"no {_VARIABLE!r} in {path}", hint=_HINT)
    if not isinstance(value, ast.Dict):
        raise _is_code(_VARIABLE, path)
    config: dict[str, ConfigValue] = {}
    for key_node, value_node in zip(value.keys, value.values, strict=True):
        key = _literal(key_node, _VARIABLE, path)
        if not isinstance(key, str):
            problem = f"expected string keys in {_VARIABLE}, not {key!r:.60}, in {path}"
            raise HostPythonError(problem, hint=_HINT)
        key_path = f"{_VARIABLE}[{key!r:.60}]"
        if skip_formatted and isinstance(value_node, ast.JoinedStr):
            continue
        item = _literal(value_node, key_path, path)
        if isinstance(item, bool) or not isinstance(item, (int, str)):
            raise HostPythonError(f"expected a string or an integer at {key_path} in {path}", hint=_HINT)
        if isinstance(item, str) and not _fits_a_path(item):
            problem = f"expected text without NUL or lone surrogates at {key_path} in {path}"
            raise HostPythonError(problem, hint=_HINT)
        config[key] = item
    return config


def text_of(config: Mapping[str, ConfigValue], key: str, path: Path, default: str | None = None) -> str:
    """The string at `key`; `default` if it is not there.

    Raises:
        HostPythonError: It is an integer, or absent without a default.
    """
    value = config.get(key, default)
    if value is None:
        raise HostPythonError(f"no {_VARIABLE}[{key!r}] in {path}", hint=_HINT)
    if not isinstance(value, str):
        raise HostPythonError(f"expected a string at {_VARIABLE}[{key!r}] in {path}", hint=_HINT)
    return value


def number_of(config: Mapping[str, ConfigValue], key: str, path: Path) -> int | None:
    """The integer at `key`; None if it is absent or recorded as empty text.

    Raises:
        HostPythonError: It is other text.
    """
    value = config.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, int):
        raise HostPythonError(f"expected an integer at {_VARIABLE}[{key!r}] in {path}", hint=_HINT)
    return value


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        problem = f"cannot read {path}: {reason_of(error)}"
        raise HostPythonError(problem, hint="name a readable file with --host-python") from error
    if len(data) > _LARGEST:
        problem = f"{path} is larger than {_LARGEST >> 20} MB: not a _sysconfigdata file"
        raise HostPythonError(problem, hint=_HINT)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HostPythonError(f"{path} is not UTF-8 text: byte {error.start}", hint=_HINT) from error


def _parse(path: Path, text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            # Compilers' options hold backslashes that Python's parser warns of.
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        where = f"line {error.lineno}: " if error.lineno else ""
        raise HostPythonError(f"{path} is cut short or damaged: {where}{error.msg}", hint=_HINT) from error
    except (ValueError, MemoryError, RecursionError, OverflowError) as error:
        reason = str(error) or type(error).__name__
        raise HostPythonError(f"{path} cannot be parsed: {reason}", hint=_HINT) from error


def _literal(node: ast.expr | None, key_path: str, path: Path) -> object:
    if node is None:  # `**other` inside the braces
        raise _is_code(key_path, path)
    try:
        value: object = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise _is_code(key_path, path) from error
    return value


def _is_code(key_path: str, path: Path) -> HostPythonError:
    return HostPythonError(
        f"{key_path} in {path} is code, not a literal; it would answer for this machine",
        hint="name the target's static _sysconfigdata_*.py with --host-python",
    )


def _fits_a_path(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)

"""Read CPython's `pyconfig.h` and change single macros of it, every other byte staying as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# Autoconf writes `#define NAME value` or `/* #undef NAME */`; a name may come indented, inside a condition.
_LINE = re.compile(
    r"^(?:#(?P<indent>[ \t]*)define[ \t]+(?P<defined>\w+)(?![\w(])[ \t]*(?P<value>[^\n]*?)[ \t]*"
    r"|(?:/\*[ \t]*)?#(?P<gap>[ \t]*)undef[ \t]+(?P<undefined>\w+)(?:[ \t]*\*/)?[ \t]*)$",
    re.M,
)
_COMMENT = re.compile(r"/\*((?:(?!\*/).)*)\*/\s*\Z", re.S)
# The name is quoted `thus' up to Autoconf 2.71 and 'thus' after it.
_FUNCTION = re.compile(r"\bhave the ['`]?(\w+)'? function\b")
_GETRANDOM = re.compile(r"\bif the (\w+)\(\) function is available")
# "... header file, and it defines `DIR'" asks for more than the file.
_HEADER = re.compile(r"\bhave the <([^>]+)> header file\.")
_SIZE = re.compile(r"The size of ['`]([^']+)', as computed by sizeof")
_ALIGNMENT = re.compile(r"The normal alignment of ['`]([^']+)', in bytes")
_DECLARATION = re.compile(r"\bhave the declaration of ['`](\w+)'")


@dataclass(frozen=True, kw_only=True, slots=True)
class Macro:
    """One macro that configure decided on.

    Attributes:
        name: "SIZEOF_LONG".
        value: What it is defined to; None if it is not defined.
        comment: What the line above it says of it, on one line.
    """

    name: str
    value: str | None
    comment: str

    @property
    def function(self) -> str:
        """The function whose existence it states; "" for other macros."""
        match = _FUNCTION.search(self.comment) or _GETRANDOM.search(self.comment)
        return match[1] if match else ""

    @property
    def header(self) -> str:
        """The header whose existence it states; "" for other macros."""
        return _found(_HEADER, self.comment)

    @property
    def sized_type(self) -> str:
        """The type whose size it states; "" for other macros."""
        return _found(_SIZE, self.comment)

    @property
    def aligned_type(self) -> str:
        """The type whose alignment it states; "" for other macros."""
        return _found(_ALIGNMENT, self.comment)

    @property
    def declaration(self) -> str:
        """The name whose declaration it states with 0 or 1; "" for other macros."""
        return _found(_DECLARATION, self.comment)


def parse_pyconfig(text: str) -> dict[str, Macro]:
    """The macros of a `pyconfig.h`; of one that occurs twice, the last line decides, as it does for a compiler."""
    macros: dict[str, Macro] = {}
    end = 0
    for match in _LINE.finditer(text):
        comment = _COMMENT.search(text, end, match.start())
        end = match.end()
        name = match["defined"] or match["undefined"]
        words = " ".join(comment[1].split()) if comment else ""
        macros[name] = Macro(name=name, value=match["value"], comment=words)
    return macros


def edit_pyconfig(text: str, changes: Mapping[str, str | None]) -> str:
    """`text` with other values for some of its macros.

    Args:
        text: A `pyconfig.h`.
        changes: The new values, None for "not defined". Names that the text does not have are left out.
    """
    last = {match["defined"] or match["undefined"]: match.start() for match in _LINE.finditer(text)}

    def changed(match: re.Match[str]) -> str:
        name = match["defined"] or match["undefined"]
        # WORDS_BIGENDIAN stands there twice: first for universal binaries of macOS.
        if name not in changes or last[name] != match.start() or match["value"] == changes[name]:
            return match[0]
        value, space = changes[name], match["indent"] or match["gap"] or ""
        return f"/* #{space}undef {name} */" if value is None else f"#{space}define {name} {value}"

    return _LINE.sub(changed, text)


def config_values(text: str) -> dict[str, int | str]:
    """What `sysconfig.parse_config_h` makes of a `pyconfig.h`: the part of it that `build_time_vars` has."""
    values: dict[str, int | str] = {}
    for name, value in re.findall(r"^#define ([A-Z][A-Za-z0-9_]+) (.*)$", text, re.M):
        values[name] = int(value) if re.fullmatch(r"[+-]?\d+", value) else value
    for name in re.findall(r"^/\* #undef ([A-Z][A-Za-z0-9_]+) \*/$", text, re.M):
        values[name] = 0
    return values


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""

"""Environment variables for make, configure scripts and other build scripts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from crossenv.backends.pkg_config import launcher_path
from crossenv.record import Record

_TOOLS = {"cc": "CC", "cxx": "CXX", "fc": "FC", "ar": "AR", "ranlib": "RANLIB", "strip": "STRIP", "nm": "NM"}
_TOOLS |= {"objcopy": "OBJCOPY", "objdump": "OBJDUMP", "readelf": "READELF", "ld": "LD"}

# Restores all variables, also those that were not exported.
_UNDO = """\
crossenv_undo() {{
  local name before
  for name in {names}; do
    before=_crossenv_before_$name
    unset "$name"
    [ -z "${{!before}}" ] || eval "${{!before/#declare /declare -g }}"
    unset "$before"
  done
  unset -f crossenv_undo
}}
"""


def variables(record: Record) -> Mapping[str, str]:
    """Return the tools by their usual names, and the variables of processes that run back ends."""
    tools = {
        name: record.toolchain.tools[tool].command for tool, name in _TOOLS.items() if tool in record.toolchain.tools
    }
    return {**tools, "PKG_CONFIG": launcher_path(record), **record.handover.environment}


def variable_file(record: Record) -> str:
    """Lines `NAME=VALUE` that `env -S` and readers of dotenv files take alike."""
    return "".join(f"{name}={_quoted(value)}\n" for name, value in variables(record).items())


def _quoted(text: str) -> str:
    if re.fullmatch(r"[\w@%+=:,./-]+", text, re.ASCII):
        return text
    # Both know these two escapes within single quotes, and no other.
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def bash_script(record: Record) -> str:
    """Return a script to source, and the function `crossenv_undo` with it."""
    chosen = variables(record)
    lines = [
        f"# Made by crossenv: compilers and settings for {record.toolchain.triplet}. `crossenv_undo` takes them away.",
        "if declare -F crossenv_undo >/dev/null; then crossenv_undo; fi",
    ]
    for name, value in chosen.items():
        lines.append(f"_crossenv_before_{name}=$(declare -p {name} 2>/dev/null) || true")
        lines.append(f"export {name}={shlex.quote(value)}")
    return "\n".join(lines) + "\n" + _UNDO.format(names=" ".join(chosen))

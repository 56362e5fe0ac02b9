"""Messages, comments and pages say "is not a", not "is no", and messages "the target", not "the host"."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
# "There is no sysroot" is good English; "/bin/true is no compiler" is not.
STILTED = re.compile(r"(?<!there )\b(?:is|are) no (?!longer\b|more\b)[a-z]", re.IGNORECASE)


def test_nothing_is_no_thing() -> None:
    files = [*(CHECKOUT / "src").rglob("*.py"), *(CHECKOUT / "docs").rglob("*.md"), CHECKOUT / "README.md"]
    found = [
        f"{path.relative_to(CHECKOUT)}:{number}: {line.strip()}"
        for path in files
        # A draft of a PEP keeps its wording.
        if path.name != "pep-cross-builds.md"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if STILTED.search(line)
    ]
    assert found == []


# The host Python, the host side of an environment, and the host machine of GNU, Meson and Conan keep their names.
HOST = re.compile(r"\b(the|a) host\b(?! Python|[- ]side| machine| requirement)")


def test_messages_name_the_target() -> None:
    found = [
        f"{path.relative_to(CHECKOUT)}:{number}: {text}"
        for path in (CHECKOUT / "src/crossenv").rglob("*.py")
        for number, text in _texts(ast.parse(path.read_text(encoding="utf-8")))
        if HOST.search(text)
    ]
    assert found == []


def _texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the texts of a module, docstrings left out."""
    bodies = (node.body for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)))
    docstrings = {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value

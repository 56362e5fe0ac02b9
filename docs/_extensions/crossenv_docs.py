"""Directives that generate parts of the reference from the code: options of commands, and JSON schemas."""

from __future__ import annotations

import argparse
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plots
import proofs
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from crossenv.cli.parser import build_parser

SCHEMA_COLUMNS = ("key", "type", "required", "meaning")


def subparser(command: str) -> argparse.ArgumentParser:
    """The parser of one command; of "sysroot create", the one below `sysroot`."""
    parser: argparse.ArgumentParser = build_parser(command.split()[:1])
    for word in command.split():
        (choices,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
        parser = choices.choices[word]
    return parser


def coded(text: str) -> str:
    """A help text with its options and tables as code: typography would make a dash of two hyphens."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"(?<![\w-])(--[a-z][\w-]*|\[tool\.crossenv\])", r"`\1`", part) for part in parts[::2]]
    return "`".join(parts)


def option_rows(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Spelling and help of each argument."""
    for action in parser._actions:
        if action.help == argparse.SUPPRESS or isinstance(action, argparse._SubParsersAction | argparse._HelpAction):
            continue
        value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
        value = "{" + ",".join(map(str, action.choices)) + "}" if action.choices and not action.metavar else value
        names = [f"`{name} {value}`" if action.nargs != 0 else f"`{name}`" for name in action.option_strings]
        yield ", ".join(names) or f"`{value}`", coded((action.help or "").replace("%(default)s", str(action.default)))


def schema_rows(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Each key of an object's schema, nested ones with dots."""
    required = schema.get("required", ())
    for name, value in schema.get("properties", {}).items():
        types = value.get("type", value.get("enum", value.get("const", "")))
        words = ", ".join(map(str, types)) if isinstance(types, list) else str(types)
        described = str(value.get("description", ""))
        yield f"`{prefix}{name}`", words, "yes" if name in required else "", described
        yield from schema_rows(value, f"{prefix}{name}.")
        yield from schema_rows(value.get("items", {}), f"{prefix}{name}[].")


class _Markdown(SphinxDirective):
    """A directive whose content is Markdown that it writes."""

    required_arguments = 1
    final_argument_whitespace = True

    def lines(self) -> list[str]:
        """The content."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Read the content as the page's own."""
        holder = nodes.container()
        for module in (__file__, proofs.__file__, plots.__file__):
            self.env.note_dependency(module)
        text = StringList(self.lines(), source="generated")
        self.state.nested_parse(text, self.content_offset, holder, match_titles=True)
        return holder.children


class Options(_Markdown):
    """`{crossenv-options} COMMAND`: usage and options, from the command's parser."""

    def lines(self) -> list[str]:
        """Usage, description, table."""
        parser = subparser(self.arguments[0])
        parser.formatter_class = functools.partial(argparse.HelpFormatter, width=88)  # type: ignore[assignment]
        shown = ["```text", *parser.format_usage().removeprefix("usage: ").splitlines(), "```", ""]
        return [
            *shown,
            coded(str(parser.description or "")),
            "",
            *proofs.table(("argument", "meaning"), option_rows(parser)),
        ]


class Schema(_Markdown):
    """`{json-schema} FILE`: the keys of a JSON schema."""

    def lines(self) -> list[str]:
        """The table."""
        path = Path(self.env.doc2path(self.env.docname)).parent / self.arguments[0]
        self.env.note_dependency(str(path))
        return proofs.table(SCHEMA_COLUMNS, schema_rows(json.loads(path.read_text(encoding="utf-8"))))


class Data(_Markdown):
    """`{crossenv-data} PAGE`: every figure in the page's data files."""

    def explanation(self) -> Path:
        """The directory of the page and of the data, on which the page now depends."""
        path = Path(self.env.doc2path(self.env.docname)).parent
        for file in (path / f"{self.arguments[0]}.md", *(path / "data" / self.arguments[0]).glob("*.json")):
            self.env.note_dependency(str(file))
        return path

    def lines(self) -> list[str]:
        """The tables."""
        return proofs.drawn(self.arguments[0], proofs.results(self.explanation(), self.arguments[0]))


class Proof(Data):
    """`{crossenv-proof} PAGE`: the figures of a page, summed up."""

    def lines(self) -> list[str]:
        """The line on where they come from, then the summary."""
        explanation, page = self.explanation(), self.arguments[0]
        data = proofs.results(explanation, page)
        plotted = plots.drawn(page, data, proofs.counts(page, data))
        summed = proofs.table(*proofs.summary(explanation, page))
        return [*proofs.origin(explanation, page), "", *plotted, *summed]


def _dashes(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Between a field's name and its meaning Sphinx writes two hyphens, and has its typography make a dash of them."""
    for text in doctree.findall(nodes.Text):
        if text == " -- ":
            text.parent.replace(text, nodes.Text(" \N{EN DASH} "))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.connect("doctree-resolved", _dashes)
    app.add_directive("crossenv-options", Options)
    app.add_directive("json-schema", Schema)
    app.add_directive("crossenv-data", Data)
    app.add_directive("crossenv-proof", Proof)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

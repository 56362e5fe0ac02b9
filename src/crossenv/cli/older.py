"""The command line of crossenv 1, `python -m crossenv HOST_PYTHON ENV_DIR`, translated for `crossenv create`."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from crossenv.cli import create
from crossenv.cli.parser import Parser, build_parser
from crossenv.environment.exchange import SCRATCH
from crossenv.errors import UsageError
from crossenv.platforms.accept_tags import UNPROMISED
from crossenv.record import RECORD_NAME
from crossenv.report import Reporter

# The sides whose packages stay, by the side to clear.
_KEPT = {None: ("build", "cross"), "build": ("cross",), "cross": ("build",), "both": ()}
_TOGETHER = ("sysroot", "cc", "cxx", "ar", "machine", "cross_prefix", "prompt")
_FLAGS = ("system_site_packages", "without_pip", "without_cross_pip", "relative_toolchain")
_LISTS = ("config_var", "env", "manylinux", "platform_tag")
_CLEARED = {"--clear": "default", "--clear-cross": "cross", "--clear-build": "build", "--clear-both": "both"}


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


_OPTIONS = (*map(_option, (*_TOGETHER, *_FLAGS, *_LISTS, "sysconfigdata_file")), *_CLEARED)


def is_meant(words: Sequence[str]) -> bool:
    """Whether a command line is crossenv 1's: it begins with one of its options or with a path."""
    word = words[0] if words else ""
    if word.startswith("--"):
        name = word.partition("=")[0]
        return any(option.startswith(name) for option in _OPTIONS)
    return bool(word) and not word.startswith("-") and ("/" in word or Path(word).exists())


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Parse the older command line.

    Raises:
        UsageError: It is wrong.
    """
    parser = Parser(prog="python -m crossenv", description=__doc__)
    parser.add_argument("host_python", metavar="HOST_PYTHON")
    parser.add_argument("environments", metavar="ENV_DIR", nargs="+")
    for name in (*_TOGETHER, "sysconfigdata_file"):
        parser.add_argument(_option(name))
    for name in _FLAGS:
        parser.add_argument(_option(name), action="store_true")
    for name in _LISTS:
        parser.add_argument(_option(name), action="append", default=[])
    for name, cleared in _CLEARED.items():
        parser.add_argument(name, action="store_const", const=cleared, dest="clear")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("-q", "--quiet", action="store_true")
    return parser.parse_args(words, argparse.Namespace(json=False))


def run(args: argparse.Namespace, reporter: Reporter) -> int:
    """Make the environments with `create`, and print today's command."""
    if not Path(args.host_python).exists() and not re.search("/", args.host_python):
        raise UsageError(
            f"there is no host Python {args.host_python}",
            hint="name its path; if it is a command, put the options after it",
        )
    if args.cross_prefix is not None and len(args.environments) > 1:
        raise UsageError("several environments cannot share one --cross-prefix", hint="make them one by one")
    for environment in args.environments:
        words = translated(args, environment)
        reporter.note(f"in today's words: crossenv {shlex.join(words)}")
        # --verbose goes right after the command: the line may end in "--" and a directory whose name begins with "-".
        options = build_parser(("create",)).parse_all([words[0], *["--verbose"] * args.verbose, *words[1:]])
        create.run(options, reporter)
    return 0


def translated(args: argparse.Namespace, environment: str) -> list[str]:
    """Translate into the words of `crossenv create`."""
    words = ["create", f"--host-python={args.host_python}", f"--python={sys.executable}"]
    if args.sysconfigdata_file is not None:
        words.append(f"--sysconfigdata={args.sysconfigdata_file}")
    words += [f"{_option(name)}={getattr(args, name)}" for name in _TOGETHER if getattr(args, name) is not None]
    words += [_option(name) for name in _FLAGS if getattr(args, name) and name not in _implied(args)]
    words += [f"--config-var={word}" for word in args.config_var]
    words += [f"--env={word}" for word in args.env]
    # crossenv 1 installs ready-made binary wheels only if one of their tags is declared.
    words += [f"--accept-tag={tag}" for tag in dict.fromkeys((*args.manylinux, *args.platform_tag)) or (UNPROMISED,)]
    words += _clearing(args, Path(environment))
    return [*words, "--", environment] if environment.startswith("-") else [*words, environment]


def _implied(args: argparse.Namespace) -> tuple[str, ...]:
    return ("without_cross_pip",) if args.without_pip else ()


def _clearing(args: argparse.Namespace, environment: Path) -> list[str]:
    """Without an option to clear, an existing environment is renewed and its packages stay."""
    cleared = args.clear
    if cleared is None and not any((environment / name).exists() for name in (RECORD_NAME, SCRATCH)):
        # As venv does, and crossenv 1.
        in_use = environment.is_dir() and any(environment.iterdir())
        return ["--allow-non-empty"] if in_use else []
    if cleared == "default":
        cleared = "both" if args.cross_prefix is None else "build"
    return ["--clear", *(f"--keep={side}" for side in _KEPT[cleared])]

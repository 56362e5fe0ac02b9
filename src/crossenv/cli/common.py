"""Options that every command takes."""

from __future__ import annotations

import argparse


def common_options() -> argparse.ArgumentParser:
    """Make a parent parser with the options of every command: -v, -q, --json."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("output")
    group.add_argument("-v", "--verbose", action="count", default=0, help="print each step")
    group.add_argument("-q", "--quiet", action="store_true", help="print only warnings, errors and results")
    group.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser

"""Reads the project's own description, pyproject.toml (PEP 518)."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from _crossenv.facts_types import Facts


def text_of(path: str) -> str:
    """Return the text of a file; "" if it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def pyproject(facts: "Facts") -> "dict[str, Any]":
    """Return the contents of pyproject.toml in the working directory; {} if there is none that can be read."""
    try:
        import importlib

        tomllib = importlib.import_module("tomllib")
        with open("pyproject.toml", "rb") as file:
            data: dict[str, Any] = tomllib.load(file)
    except ImportError:
        # Python 3.10: pip brings a reader along.
        import json
        import subprocess

        from _crossenv.outer import outer_environment

        code = (
            "import json; from pip._vendor import tomli; print(json.dumps(tomli.load(open('pyproject.toml', 'rb')),"
            " default=str))"
        )
        words = [facts["root"] + "/cross/bin/python", "-c", code]
        done = subprocess.run(words, capture_output=True, check=False, env=outer_environment())
        data = json.loads(done.stdout) if done.returncode == 0 else {}
    except (OSError, ValueError):
        return {}
    return data

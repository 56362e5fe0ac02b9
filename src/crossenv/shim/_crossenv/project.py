"""Reads the project's own description, pyproject.toml: PEP 518's, and the requirements of PEP 725 (a draft)."""

import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from _crossenv.facts_types import Facts

_DEPENDENCY = re.compile(r"dep:(?P<kind>[^/]+)/(?P<name>[^@<>=!~;\s]+)")
# The name of a library where it is not that of its project.
_LIBRARIES = {
    "bzip2": ("bz2",),
    "geos": ("geos_c",),
    "libjpeg-turbo": ("jpeg",),
    "openssl": ("ssl",),
    "postgresql": ("pq",),
    "sqlite": ("sqlite3",),
    "xz": ("lzma",),
    "zeromq": ("zmq",),
    "zlib": ("z",),
    "blas": ("blas", "openblas"),
    "lapack": ("lapack", "openblas"),
}


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

        from _crossenv.variables import outer_environment

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


def host_distributions(project: "dict[str, Any]") -> "list[str]":
    """Return the PyPI projects among the host requirements: `dep:pypi/NAME`."""
    return [name for kind, name in _declared(project, "host-requires") if kind == "pypi"]


def missing_requirements(project: "dict[str, Any]", facts: "Facts") -> "list[str]":
    """Lines on declared libraries and compilers that the environment seems to lack; a guess by their names."""
    lines = []
    directories = _pkg_config_directories(facts)
    for kind, name in _declared(project, "host-requires"):
        if kind in ("generic", "virtual") and not _is_there(name.rpartition("/")[2], directories):
            lines.append(
                f"crossenv: warning: the project declares {name} as a host requirement, and there is no such library"
                " for the target\n"
                "crossenv: hint: put it into a sysroot (`crossenv sysroot add`) and name that (`create --sysroot`)"
            )
    if ("virtual", "compiler/fortran") in _declared(project, "build-requires") and not facts["fortran"]:
        lines.append(
            "crossenv: warning: the project declares that it needs a Fortran compiler, and this environment has none\n"
            "crossenv: hint: create the environment with --fc COMPILER"
        )
    return lines


def _declared(project: "dict[str, Any]", key: str) -> "list[tuple[str, str]]":
    """Return the kinds and names of one list of `[external]`; entries that break the draft's rules are skipped."""
    table = project.get("external", {})
    words = table.get(key, []) if isinstance(table, dict) else []
    found = [_DEPENDENCY.match(word) for word in words if isinstance(word, str)] if isinstance(words, list) else []
    return [(match["kind"], match["name"].removeprefix("interface/")) for match in found if match]


def _pkg_config_directories(facts: "Facts") -> "list[str]":
    text = os.environ.get("PKG_CONFIG_LIBDIR") or facts["hook_environment"].get("PKG_CONFIG_LIBDIR", "")
    return [directory for directory in text.split(os.pathsep) if os.path.isdir(directory)]


def _is_there(name: str, directories: "list[str]") -> bool:
    names = _LIBRARIES.get(name, (name.removeprefix("lib"), name))
    for directory in directories:
        above = os.path.dirname(directory)
        for wanted in names:
            libraries = (f"lib{wanted}.so", f"lib{wanted}.a", f"{wanted}.so")
            if any(os.path.exists(os.path.join(above, library)) for library in libraries):
                return True
            if any(os.path.exists(os.path.join(directory, file)) for file in (f"{wanted}.pc", f"lib{wanted}.pc")):
                return True
    return False

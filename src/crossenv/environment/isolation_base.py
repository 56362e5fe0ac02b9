"""The Python that uv makes its isolated environments from.

uv asks an interpreter for its base and makes environments from that; no Python module that the shim could adapt takes
part. So the environment has a base of its own: links to the build Python's standard library, and the shim, which the
`sitecustomize` of that library starts. `ENV/etc/uv` is a virtual environment of this base. `cross-uv` passes its
interpreter to uv, because that answers for the build machine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files as package_files
from pathlib import Path

from crossenv.platforms import HERE
from crossenv.pythons.build_python import BuildPython

BASE = "etc/base"
UV = "etc/uv"
# The first starts the shim in a site directory, the second ends the process if that has failed.
START_FILES = ("000_crossenv.pth", "000_crossenv_check.pth")
# The installation's own packages, and the mark that forbids pip to change them (PEP 668).
_NOT_LINKED = frozenset({"site-packages", "dist-packages", "__pycache__", "EXTERNALLY-MANAGED", "sitecustomize.py"})


def base_links(build: BuildPython, directory: str) -> Mapping[str, str]:
    """Return symbolic links by path below the environment's root: the interpreters, and the files beside the library.

    Args:
        build: The build Python.
        directory: The name of its library's directory, "python3.11".
    """
    program = f"python{build.version}"
    interpreters = {f"{UV}/bin/{program}": f"../../base/bin/{program}"}
    if not _resolves_links(build):
        interpreters[f"{BASE}/bin/{program}"] = str(build.executable)
    for prefix in (BASE, UV):
        interpreters |= dict.fromkeys((f"{prefix}/bin/python3", f"{prefix}/bin/python"), program)
    links = {**interpreters, f"{BASE}/include": str(build.prefix / "include")}
    library = _library(build)
    if library.parts[0] != "lib":
        # uv looks for `lib` only.
        links[f"{BASE}/lib"] = library.parts[0]
    return {
        **links,
        f"{BASE}/{library}/_crossenv": f"{_to_root(library)}/cross/lib/{directory}/site-packages/_crossenv",
    }


def base_copies(build: BuildPython) -> Mapping[str, Path]:
    """Return programs to copy, by path below the environment's root."""
    return {f"{BASE}/bin/python{build.version}": build.executable} if _resolves_links(build) else {}


def _resolves_links(build: BuildPython) -> bool:
    """Whether this Python follows links to find its library, and ignores `home`."""
    return tuple(map(int, build.version.split("."))) < (3, 11)


def base_files(root: Path, build: BuildPython, directory: str) -> Mapping[str, str]:
    """Return texts by path below the environment's root `root`; `directory` as for `base_links`."""
    start = package_files("crossenv").joinpath("shim/_crossenv/start_isolated.py").read_text(encoding="utf-8")
    settings = {
        "home": f"{root}/{BASE}/bin",
        "include-system-site-packages": "false",
        "version": build.full_version,
    }
    return {
        f"{BASE}/{_library(build)}/sitecustomize/__init__.py": start,
        f"{UV}/pyvenv.cfg": "".join(f"{key} = {value}\n" for key, value in settings.items()),
        f"{UV}/lib/{directory}/site-packages/README": "Empty: cross-uv installs into the host side.\n",
    }


def link_standard_library(root: Path, build: BuildPython) -> None:
    """Link the build Python's standard library into the base in the environment `root`."""
    library = root / BASE / _library(build)
    for entry in os.scandir(build.stdlib):
        if entry.name not in _NOT_LINKED:
            (library / entry.name).symlink_to(entry.path)
    if _resolves_links(build):
        # The copied program may look for it relative to its own path.
        for path in (build.prefix / "lib").glob(f"libpython*{HERE.library_suffix}*"):
            (root / BASE / "lib" / path.name).symlink_to(path)
    customisation = build.stdlib / "sitecustomize.py"
    if customisation.exists():
        (library / "sitecustomize/of_the_installation.py").symlink_to(customisation)


def _library(build: BuildPython) -> Path:
    """Return the standard library's place below its prefix: "lib/python3.11", on some systems below "lib64"."""
    if build.stdlib.is_relative_to(build.prefix):
        return build.stdlib.relative_to(build.prefix)
    return Path("lib") / build.stdlib.name


def _to_root(library: Path) -> str:
    return "/".join([".."] * (len(library.parts) + len(Path(BASE).parts)))

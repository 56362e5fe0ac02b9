"""The links of BLAS and LAPACK that maintainer scripts would make (update-alternatives(1))."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

# Directories below usr/lib/MULTIARCH that hold an implementation each, best first, as Debian's priorities have it.
_PROVIDERS = ("openblas-pthread", "openblas-openmp", "openblas-serial", "blas", "lapack")
# What the link is called, and what it may lead to, best first: the names differ for these.
_RENAMED = {
    "pkgconfig/blas.pc": ("{openblas}/pkgconfig/blas-openblas.pc", "pkgconfig/blas-netlib.pc"),
    "pkgconfig/lapack.pc": ("{openblas}/pkgconfig/lapack-openblas.pc", "pkgconfig/lapack-netlib.pc"),
    "pkgconfig/openblas.pc": ("{openblas}/pkgconfig/openblas.pc",),
    "cmake/openblas/OpenBLASConfig.cmake": ("{openblas}/cmake/openblas/OpenBLASConfig.cmake",),
    "cmake/openblas/OpenBLASConfigVersion.cmake": ("{openblas}/cmake/openblas/OpenBLASConfigVersion.cmake",),
}


def link_alternatives(tree: Path) -> None:
    """Make the links in every multiarch directory of a tree; a file that is there already is left alone."""
    for libraries in sorted(tree.glob("usr/lib/*-linux-*")):
        _link(libraries, _library_links(libraries))
    for headers in sorted(tree.glob("usr/include/*-linux-*")):
        _link(headers, _header_links(headers))


def _library_links(directory: Path) -> Iterator[tuple[str, str]]:
    """Pairs of a link's name and its goal, both relative to `directory`; the best goal of a name comes first."""
    openblas = [name for name in _PROVIDERS if name.startswith("openblas") and (directory / name).is_dir()]
    for name in _PROVIDERS:
        if (directory / name).is_dir():
            for library in sorted((directory / name).glob("lib*")):
                yield library.name, f"{name}/{library.name}"
    for link, goals in _RENAMED.items():
        for goal in goals:
            if "{openblas}" not in goal:
                yield link, goal
            elif openblas:
                yield link, goal.format(openblas=openblas[0])


def _header_links(directory: Path) -> Iterator[tuple[str, str]]:
    for name in _PROVIDERS:
        for header in sorted((directory / name).glob("*.h")):
            yield header.name, f"{name}/{header.name}"
    yield "cblas.h", "cblas-netlib.h"


def _link(directory: Path, pairs: Iterator[tuple[str, str]]) -> None:
    best: dict[str, str] = {}
    ours: set[tuple[str, str]] = set()
    for name, goal in pairs:
        # A goal may be a link to a file that was too large to be unpacked.
        if (directory / goal).exists():
            best.setdefault(name, goal)
            ours.add((name, _relative(name, goal)))
    for name, goal in best.items():
        link = directory / name
        # One that an earlier run made gives way to a better one.
        if link.is_symlink() and (name, os.readlink(link)) in ours:  # noqa: PTH115 - the text, not a path
            link.unlink()
        if not os.path.lexists(link):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(_relative(name, goal))


def _relative(name: str, goal: str) -> str:
    return "../" * name.count("/") + goal

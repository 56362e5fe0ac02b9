"""Which packages a set of packages needs (Debian Policy, chapter 7)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Container, Iterable, Mapping

from crossenv.errors import UsageError
from crossenv.sysroots.archive import Package
from crossenv.sysroots.debian import satisfies

# Needed by an installed system and by no compiler and no interpreter: their maintainer scripts never run here, and
# each pulls in dozens of others. They come if they are named.
NOT_FOLLOWED = frozenset(
    {
        "adduser", "ca-certificates", "debconf", "debconf-2.0", "dpkg", "gcc-12-base", "gcc-14-base",
        "init-system-helpers", "install-info", "libpam-modules", "libpam-runtime", "mailcap", "media-types",
        "mime-support", "passwd", "perl", "perl-base", "sensible-utils", "systemd", "tar", "tzdata", "ucf",
    }
)  # fmt: skip
_RELATION = re.compile(r"^([a-z0-9][a-z0-9+.-]*)(?::[a-z0-9-]+)?\s*(?:\(\s*(<<|<=|=|>=|>>)\s*([^\s)]+)\s*\))?")


def resolve(names: Iterable[str], packages: Mapping[str, Package]) -> list[Package]:
    """Return the packages of `names` and what they depend on, each once, in a fixed order.

    Raises:
        UsageError: A package that was named is not there; the nearest names are given. A dependency that cannot be met.
    """
    providers: dict[str, list[tuple[Package, str | None]]] = {}
    for package in packages.values():
        for relation in filter(None, package.provides.split(", ")):
            if match := _RELATION.match(relation.strip()):
                providers.setdefault(match[1], []).append((package, match[3]))
    chosen: dict[str, Package] = {}
    queue: list[Package] = []
    names = list(names)
    # Of "a | b" the one that comes anyway is taken, and what was asked for by name comes.
    coming = set(names)
    for name in names:
        found = packages.get(name)
        if found is None:
            near = difflib.get_close_matches(name, packages, n=4, cutoff=0.6)
            raise UsageError(
                f"there is no package {name!r}",
                hint=f"the nearest are {', '.join(near)}" if near else "check its spelling",
            )
        queue.append(found)
    while queue:
        package = queue.pop()
        if package.name in chosen:
            continue
        chosen[package.name] = package
        for clause in filter(None, package.depends.split(", ")):
            needed = _choose(clause, package, packages, providers, coming)
            if needed is not None and needed.name not in coming:
                coming.add(needed.name)
                queue.append(needed)
    return sorted(chosen.values(), key=lambda package: package.name)


def _choose(
    clause: str,
    package: Package,
    packages: Mapping[str, Package],
    providers: Mapping[str, list[tuple[Package, str | None]]],
    coming: Container[str],
) -> Package | None:
    """Return the first alternative of a dependency that can be met; None for one that is not followed."""
    candidates: list[Package] = []
    for alternative in clause.split("|"):
        match = _RELATION.match(alternative.strip())
        if match is None:
            continue
        name, operator, version = match.groups()
        if name in NOT_FOLLOWED:
            return None
        real = packages.get(name)
        if real is not None and (operator is None or satisfies(real.version, operator, version)):
            candidates.append(real)
        # A name provided without a version meets no constraint on one (Policy 7.5).
        candidates += [
            provider
            for provider, provided in providers.get(name, [])
            if operator is None or (provided is not None and satisfies(provided, operator, version))
        ]
    for candidate in candidates:
        if candidate.name in coming:
            return candidate
    if not candidates:
        raise UsageError(
            f"{package.name} {package.version} needs {clause.strip()}, which this release does not have",
            hint="name another release, or leave the package out",
        )
    return candidates[0]

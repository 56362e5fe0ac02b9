"""Check whether a wheel keeps the policies in its tags, and find the oldest that it keeps (PEP 600, PEP 656)."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Set

from crossenv.binaries import Linked
from crossenv.libc.libraries import is_part_of_another
from crossenv.libc.policies import LATE_RELEASE, Policy, policies_for
from crossenv.targets import Target
from crossenv.wheels.model import ERROR, WARNING, Finding, listed


def policy_findings(
    files: Mapping[str, Linked], inside: Set[str], policy: Policy, *, first_release: bool = False
) -> Iterator[Finding]:
    """Find what breaks `policy`.

    Args:
        files: The wheel's linked files by name.
        inside: The base names of all its files.
        policy: The policy.
        first_release: Whether the policy means musl's first release of its series, as a target does. A tag alone
            means the series (PEP 656 has no third number), and real wheels rely on its later releases.

    Yields:
        A finding for each file and kind of fault.
    """
    offered: set[str] | None = None
    for name, file in files.items():
        others = [library for library in file.needed if library not in policy.libraries and library not in inside]
        for library in others:
            if is_part_of_another(library, policy.libc):
                says = f"needs {library} of another C library; {policy.promise()}"
                yield Finding(id="libc", severity=ERROR, path=name, message=says)
            elif library.startswith("libpython3"):
                says = f"needs {library}, which most Pythons do not have; extension modules must do without"
                yield Finding(id="libpython", severity=ERROR, path=name, message=says)
            else:
                says = f"needs {library}, which is not in the wheel, and {policy.tag} does not promise"
                yield Finding(id="library", severity=ERROR, path=name, message=says)
        versioned, plain = _late_symbols(file, policy, inside)
        if plain and offered is None:
            offered = set().union(*(one.exports for one in files.values()))
        words = [*versioned, *(symbol for symbol in plain if symbol not in (offered or ()))]
        if words and policy.names_a_series and not first_release:
            says = f"needs {listed(words)}, which the first releases of {policy.libc_words} do not have"
            yield Finding(id=LATE_RELEASE, severity=WARNING, path=name, message=says)
        elif words:
            says = f"needs {listed(words)}; {policy.promise(words)}"
            yield Finding(id="policy", severity=ERROR, path=name, message=says)


def oldest_kept(files: Mapping[str, Linked], inside: Set[str], target: Target) -> Policy | None:
    """Return the oldest policy for `target`'s machine and C library that the files keep; None if there is none."""
    for policy in policies_for(target):
        if all(finding.severity != ERROR for finding in policy_findings(files, inside, policy)):
            return policy
    return None


def _late_symbols(file: Linked, policy: Policy, inside: Set[str]) -> tuple[list[str], list[str]]:
    """Return the symbols of a file that are later than the floor: those with versions, and those without."""
    late = {
        version.index: version.name
        for version in file.versions
        if version.library in policy.libraries
        and version.library not in inside
        and not version.weak
        and not policy.allows(version.name)
    }
    exact = {name for name in policy.late if "*" not in name}
    patterns = [name for name in policy.late if "*" in name]
    symbols: dict[int, list[str]] = {index: [] for index in late}
    plain = set()
    for symbol, wanted in file.imports.items():
        if wanted.version in symbols:
            symbols[wanted.version].append(symbol)
        elif wanted.weak:
            # A weak symbol may be missing: the program checks for it.
            continue
        elif symbol in exact or any(fnmatch.fnmatchcase(symbol, pattern) for pattern in patterns):
            plain.add(symbol)
    # The linker adds a version without a symbol (GLIBC_ABI_DT_RELR).
    words = [
        f"{symbol}@{version}" if symbol else version
        for index, version in late.items()
        for symbol in symbols[index] or [""]
    ]
    return words, sorted(plain)

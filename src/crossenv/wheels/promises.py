"""Which policies a wheel keeps: those that its tags promise, and the oldest one (PEP 600, PEP 656)."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Set

from crossenv.binaries import Linked
from crossenv.libc.policies import Policy, policies_for
from crossenv.platforms.linux_targets import MUSL, Target
from crossenv.wheels.model import ERROR, WARNING, Finding
from crossenv.wheels.native import listed

# The newest series of musl, whose late names are those of its own later releases.
_MUSL_SERIES = (1, 2)


def policy_findings(
    files: Mapping[str, Linked], inside: Set[str], policy: Policy, *, first_release: bool = False
) -> Iterator[Finding]:
    """What breaks the promise of `policy`.

    Args:
        files: The wheel's linked files by name.
        inside: The base names of all its files.
        policy: The policy.
        first_release: Whether musl's first release of the series counts, because a target names it. A tag alone names
            the series (PEP 656 has no third number), and real wheels rely on later releases of it.

    Yields:
        A finding for each file and kind of fault.
    """
    offered: set[str] | None = None
    for name, file in files.items():
        others = [library for library in file.needed if library not in policy.libraries and library not in inside]
        for library in others:
            if is_other_libc(library, policy.libc):
                says = f"needs {library} of another C library; {_promise(policy)}"
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
        if words and policy.libc == MUSL and policy.floor == _MUSL_SERIES and not first_release:
            says = f"needs {listed(words)}, which the first releases of musl 1.2 do not have"
            yield Finding(id="musl-release", severity=WARNING, path=name, message=says)
        elif words:
            says = f"needs {listed(words)}; {_promise(policy, words)}"
            yield Finding(id="policy", severity=ERROR, path=name, message=says)


def oldest_kept(files: Mapping[str, Linked], inside: Set[str], target: Target) -> Policy | None:
    """The oldest policy for the machine and C library of `target` that the files keep; None if they keep none."""
    for policy in policies_for(target):
        if all(finding.severity != ERROR for finding in policy_findings(files, inside, policy)):
            return policy
    return None


def is_other_libc(library: str, libc: str) -> bool:
    """Whether `library` is a part of a C library that is not `libc`."""
    if libc == MUSL:
        return library == "libc.so.6" or library.startswith(("ld-linux", "ld64.so"))
    return library == "libc.so" or library.startswith(("libc.musl-", "ld-musl-"))


def _late_symbols(file: Linked, policy: Policy, inside: Set[str]) -> tuple[list[str], list[str]]:
    """What a file needs that is later than the floor: with versions, and by names alone."""
    late = {
        version.index: version.name
        for version in file.versions
        if version.library in policy.libraries
        and version.library not in inside
        and not version.weak
        and not _allowed(version.name, policy)
    }
    exact = {name for name in policy.late if "*" not in name}
    patterns = [name for name in policy.late if "*" in name]
    symbols: dict[int, list[str]] = {index: [] for index in late}
    plain = set()
    for symbol, wanted in file.imports.items():
        if wanted.version in symbols:
            symbols[wanted.version].append(symbol)
        elif wanted.weak:
            # Without a version it may be missing: the program asks whether it is there.
            continue
        elif symbol in exact or any(fnmatch.fnmatchcase(symbol, pattern) for pattern in patterns):
            plain.add(symbol)
    # A version that no symbol has is a demand of the linker's (GLIBC_ABI_DT_RELR).
    words = [
        f"{symbol}@{version}" if symbol else version
        for index, version in late.items()
        for symbol in symbols[index] or [""]
    ]
    return words, sorted(plain)


def _allowed(version: str, policy: Policy) -> bool:
    prefix, _, number = version.partition("_")
    known = policy.versions.get(prefix)
    if prefix != "GLIBC":
        return known is None or number in known
    parts = number.split(".")
    if all(part.isdecimal() and len(part) < 9 for part in parts):
        return [int(part) for part in parts][:2] <= list(policy.floor)
    return number in (known or ())


def _promise(policy: Policy, words: Iterable[str] = ()) -> str:
    """What the tag promises that a file which needs `words` asks too much of."""
    promised = [f"{policy.libc} {'.'.join(map(str, policy.floor))}"]
    for prefix in sorted({word.rpartition("@")[2].partition("_")[0] for word in words if "@" in word} - {"GLIBC"}):
        numbers = [name for name in policy.versions[prefix] if name.replace(".", "").isdecimal()]
        highest = max(numbers, key=lambda name: [int(part) for part in name.split(".")], default="")
        promised.append(f"{prefix} {highest}" if highest else f"no {prefix}")
    return f"{policy.tag} promises {', '.join(promised)}"

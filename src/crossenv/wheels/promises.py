"""Whether a wheel keeps the policies that its tags promise, and which is the oldest one that it keeps."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from crossenv.libc.policies import Policy, policies_for
from crossenv.targets import MUSL, Target
from crossenv.wheels.model import ERROR, WARNING, Finding
from crossenv.wheels.native import LinkedFile
from crossenv.wheels.shim import is_other_libc, late_symbols, listed, promise_words

# The newest series of musl, whose late names are those of its own later releases.
_MUSL_SERIES = (1, 2)


def policy_findings(files: Mapping[str, LinkedFile], inside: set[str], policy: Policy) -> Iterator[Finding]:
    """What breaks the promise of `policy`.

    Args:
        files: The wheel's linked files by name.
        inside: The base names of all its files.
        policy: The policy.

    Yields:
        A finding for each file and kind of fault.
    """
    facts: dict[str, Any] = dataclasses.asdict(policy)
    offered: set[str] | None = None
    for name, file in files.items():
        others = [library for library in file.needed if library not in policy.libraries and library not in inside]
        for library in others:
            if is_other_libc(library, policy.libc):
                says = f"needs {library} of another C library; {promise_words(facts)}"
                yield Finding(id="libc", severity=ERROR, path=name, message=says)
            elif library.startswith("libpython3"):
                says = f"needs {library}, which most Pythons do not have; extension modules must do without"
                yield Finding(id="libpython", severity=ERROR, path=name, message=says)
            else:
                says = f"needs {library}, which is not in the wheel, and {policy.tag} does not promise"
                yield Finding(id="library", severity=ERROR, path=name, message=says)
        versioned, plain = late_symbols(file, facts, inside)
        if plain and offered is None:
            offered = set().union(*(one.exports for one in files.values()))
        words = [*versioned, *(symbol for symbol in plain if symbol not in (offered or ()))]
        if words and policy.libc == MUSL and policy.floor == _MUSL_SERIES:
            # The tag names the series (PEP 656 has no third number), and only later releases of it have them.
            says = f"needs {listed(words)}, which the first releases of musl 1.2 do not have"
            yield Finding(id="musl-release", severity=WARNING, path=name, message=says)
        elif words:
            says = f"needs {listed(words)}; {promise_words(facts, words)}"
            yield Finding(id="policy", severity=ERROR, path=name, message=says)


def oldest_kept(files: Mapping[str, LinkedFile], inside: set[str], target: Target) -> Policy | None:
    """The oldest policy for the machine and C library of `target` that the files keep; None if they keep none."""
    for policy in policies_for(target):
        if all(finding.severity != ERROR for finding in policy_findings(files, inside, policy)):
            return policy
    return None

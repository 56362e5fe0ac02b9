"""The results of an audit, as records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ERROR, WARNING = "error", "warning"
# The number of symbols that a message names; it counts the rest.
_NAMED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One fault.

    Attributes:
        id: The kind of fault (docs/reference/audit.md lists them).
        severity: "error" or "warning".
        path: The member at fault; "" for the wheel itself.
        message: One line that says what is wrong, without the path.
    """

    id: str
    severity: str
    path: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NativeFile:
    """A program, shared library, object or static library in a wheel.

    Attributes:
        path: The member's name.
        kind: "extension", "library", "program", "object" or "archive".
        machine: The machine in its header, in words.
        needs: The libraries that it names (DT_NEEDED; PE's imports, then those that are delayed).
        versions: The newest version of each kind that it needs, by prefix ("GLIBC": "2.17").
        search_path: Its RUNPATH or RPATH.
        properties: Further facts, for information ("ASLR", "debug information in x.pdb"); () for ELF.
    """

    path: str
    kind: str
    machine: str
    needs: tuple[str, ...]
    versions: Mapping[str, str]
    search_path: tuple[str, ...]
    properties: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class WheelReport:
    """The result of one wheel's audit.

    Attributes:
        path: The wheel.
        tags: Its tags (PEP 425).
        keeps: The oldest policy that it keeps, for each C library in its tags; empty if no file needs one,
            or one is for another machine than the tags.
        policies: Whether there are policies for its tags and its files.
        files: Its native files.
        findings: Its faults, the errors first.
        unchecked: The parts that could not be checked, and why.
    """

    path: str
    tags: tuple[str, ...]
    keeps: tuple[str, ...]
    files: tuple[NativeFile, ...]
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...]
    policies: bool = True

    def failed(self, *, strict: bool = False) -> bool:
        """Whether there is an error, or if `strict` a warning."""
        return any(strict or finding.severity == ERROR for finding in self.findings)


def listed(words: Iterable[str]) -> str:
    """List the first few of `words`, and count the rest."""
    words = list(words)
    rest = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return ", ".join(words[:_NAMED]) + rest

"""What an audit finds out about a wheel, as records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ERROR, WARNING = "error", "warning"
# A message names so many symbols and counts the rest.
_NAMED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One fault.

    Attributes:
        id: Which kind of fault (docs/reference/audit.md lists them).
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
        machine: What its header says, in words.
        needs: The libraries it names (DT_NEEDED; PE's imports, then those that are delayed).
        versions: The newest version of each kind that it needs, by prefix ("GLIBC": "2.17").
        search_path: Its RUNPATH or RPATH.
        properties: What else it says, as information ("ASLR", "debug information in x.pdb"); () for ELF.
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
    """What an audit found out about one wheel.

    Attributes:
        path: The wheel.
        tags: Its tags (PEP 425).
        keeps: The oldest policy that it keeps, for each C library its tags name; empty where no file has one.
        policies: Whether there are policies for what its tags name.
        files: Its native files.
        findings: Its faults, the errors first.
        unchecked: What could not be looked at, and why.
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
    """The first few of `words`, and how many more there are."""
    words = list(words)
    rest = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return ", ".join(words[:_NAMED]) + rest

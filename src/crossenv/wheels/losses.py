"""Native code that a build meant to make and did not: only the build itself knows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from packaging.utils import canonicalize_name

from crossenv.wheels.model import ERROR, Finding


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """What the process that built a wheel tells of the build.

    Attributes:
        editable: Whether the wheel is an editable one (PEP 660): it points to its modules and need not hold any.
        attempted: The extension modules that it tried to build, each with what went wrong ("" for nothing).
        compiler_called: Whether it called a compiler; None if nobody watched.
        allow_pure: The projects that may lose their extension modules; "*" for all.
    """

    editable: bool = False
    attempted: Mapping[str, str] = field(default_factory=dict)
    compiler_called: bool | None = None
    allow_pure: tuple[str, ...] = ()

    def may_be_pure(self, project: str) -> bool:
        """Whether the wheel of that project may do without its extension modules."""
        return bool({"*", canonicalize_name(project)} & {canonicalize_name(name) or name for name in self.allow_pure})


def loss_findings(build: Build, *, project: str, tagged: bool, native: bool) -> Iterator[Finding]:
    """What a build lost.

    Args:
        build: What the build says.
        project: The project's name.
        tagged: Whether the wheel's tags name a machine.
        native: Whether it holds native code.

    Yields:
        Extension modules that were tried and not made, and native code that its tags or the build promised.
    """
    if build.may_be_pure(project):
        return
    failed = {name: error for name, error in build.attempted.items() if error}
    for name, error in failed.items():
        yield _lost("extension-lost", f"{name} was not built: {error}")
    if failed or native or build.editable:
        return
    if build.attempted:
        yield _lost("native-lost", f"holds no native code, though {', '.join(build.attempted)} was built")
    elif build.compiler_called:
        yield _lost("native-lost", "holds no native code, though the build called a compiler")
    elif tagged and build.compiler_called is None:
        yield _lost("native-lost", "is tagged for a machine and holds no native code")
    elif tagged:
        yield _lost("native-absent", "is tagged for a machine and holds no native code; the build called no compiler")


def _lost(kind: str, message: str) -> Finding:
    return Finding(id=kind, severity=ERROR, path="", message=message)

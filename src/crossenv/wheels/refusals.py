"""Why a wheel that was just built is refused, and what mends it."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from packaging.utils import canonicalize_name

from crossenv.binaries import FORMATS
from crossenv.libc.policies import LATE_RELEASE
from crossenv.wheels.model import ERROR, Finding


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """A build, as reported by the process that ran it.

    Attributes:
        editable: Whether the wheel is an editable one (PEP 660): it points to its modules and need not hold any.
        attempted: The extension modules that it tried to build, each with its error ("" for none).
        compiler_called: Whether it called a compiler; None if unknown.
        allow_pure: The projects that may lose their extension modules; "*" for all.
    """

    editable: bool = False
    attempted: Mapping[str, str] = field(default_factory=dict)
    compiler_called: bool | None = None
    allow_pure: tuple[str, ...] = ()

    def may_be_pure(self, project: str) -> bool:
        """Whether the project's wheel may lack its extension modules."""
        return bool({"*", canonicalize_name(project)} & {canonicalize_name(name) or name for name in self.allow_pure})


def loss_findings(build: Build, *, project: str, tagged: bool, native: bool) -> Iterator[Finding]:
    """Find native code that a build lost.

    Args:
        build: The build's report.
        project: The project's name.
        tagged: Whether the wheel's tags name a machine.
        native: Whether it holds native code.

    Yields:
        Extension modules that failed, and missing native code that the tags or the build promise.
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


# A native file that cannot be read, by its format.
_DAMAGED = tuple(f"{name}-damaged" for name in FORMATS)

# The findings that a repair can mend. A wheel with any other is refused.
MENDABLE = ("library", "libpython", "policy", "rpath", "symbol", "host-tag", "platform-tag", "libc")


class Refusal(enum.Enum):
    """A kind of refusal: the findings (docs/reference/audit.md) that one remedy mends.

    Their order decides which hint is printed if a wheel has several faults.
    """

    FOREIGN = ("machine", "libc", "interpreter", "extension-suffix", "module-kind", *_DAMAGED)
    LOST = ("extension-lost", "native-lost")
    EMPTY = ("native-absent",)
    TAG = ("host-tag", "platform-tag", "wheel-tags")
    LATE = ("policy", LATE_RELEASE)
    OUTSIDE = ("library", "libpython")
    SEARCH_PATH = ("rpath",)
    SYMBOL = ("symbol", "init-function", "python-api", "python-abi", "stable-abi")
    STACK = ("executable-stack",)
    REPAIR = ("repair",)
    ARCHIVE = (
        *("archive", "filename", "member-outside", "member-link", "member-twice", "metadata-missing"),
        *("metadata-mismatch", "metadata-damaged", "record-unlisted", "record-absent", "record-hash"),
    )


_HINTS = {
    Refusal.FOREIGN: "a part of this build did not use the target's compiler or Python;"
    " `crossenv doctor {root}` checks the environment",
    Refusal.LOST: "the compiler's errors are in the output above; if the package may do without,"
    " say so with CROSSENV_ALLOW_PURE=NAME or `crossenv create --allow-pure NAME`",
    Refusal.EMPTY: "if the package has no native code for this target, say so with CROSSENV_ALLOW_PURE=NAME"
    " or `crossenv create --allow-pure NAME`",
    Refusal.TAG: "the project or its back end chooses the tag itself: have it take the platform from"
    " sysconfig.get_platform(), or set its option for that",
    Refusal.LATE: "make the environment for a later policy, with an older C library (--sysroot), or with"
    " --toolchain zig, which has one of every age",
    Refusal.OUTSIDE: "have the back end tag the wheel linux_..., so that `crossenv repair` can put such"
    " libraries into it, or link them statically",
    Refusal.SEARCH_PATH: "take -Wl,-rpath (runtime_library_dirs) out of the build, or let `cross-pip wheel --repair`"
    " take such directories out of the wheel",
    Refusal.SYMBOL: "a library is missing on the link line, or the code was compiled for another Python, or a later"
    " stable ABI, than the tag says",
    Refusal.STACK: "give each assembler file a .note.GNU-stack section, or link with -Wl,-z,noexecstack",
    Refusal.REPAIR: "`--no-repair` leaves the wheel as the back end made it",
    Refusal.ARCHIVE: "the back end made a broken archive: report it to its project",
}
# The findings for which a wheel that was not built here is refused.
UNUSABLE = ("machine", *_DAMAGED)
READY_MADE_HINT = (
    "this wheel was not built here: take one for the target, or build it from its source"
    " (`cross-pip wheel PROJECT`, `cross-pip install --no-binary NAME NAME`)"
)
ANYWHERE_HINT = f"{READY_MADE_HINT}; if it works without this file, say so with CROSSENV_ALLOW_PURE=NAME"
_BY_ID = {kind: refusal for refusal in Refusal for kind in refusal.value}


def refusal_of(findings: Iterable[Finding]) -> Refusal:
    """Return the kind that comes first."""
    kinds = {_BY_ID[finding.id] for finding in findings}
    return next(kind for kind in Refusal if kind in kinds)


def hint_for(refusal: Refusal, root: str) -> str:
    """Return the hint for a refusal in the environment at `root`."""
    return _HINTS[refusal].replace("{root}", root)

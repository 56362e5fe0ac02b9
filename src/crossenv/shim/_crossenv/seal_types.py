"""The messages between the process that built a wheel and the judge, in JSON: one description for both sides."""

from typing import TypedDict

# Both sides compare it: an environment may be older than the tool.
FORMAT = 2


class Job(TypedDict):
    """The judge's input.

    Attributes:
        format: `FORMAT`.
        wheel: The path of the wheel.
        environment: The environment's directory.
        editable: Whether the wheel is an editable one (PEP 660).
        ready_made: Whether nothing built it here: it is fetched, or a file of the user's.
        written: The libraries that the build left in its source tree, where an editable wheel loads them.
        repair: Whether to put the target's libraries into it.
        attempted: The extension modules that the build tried, each with what went wrong ("" for nothing).
        compiler_called: Whether the build called a compiler; None if that was not watched.
        allow_pure: Projects, besides the environment's, that may lose their extension modules.
        site_directories: Where build requirements are installed, which may bring libraries of the target.
    """

    format: int
    wheel: str
    environment: str
    editable: bool
    ready_made: bool
    written: "list[str]"
    repair: bool
    attempted: "dict[str, str]"
    compiler_called: "bool | None"
    allow_pure: "list[str]"
    site_directories: "list[str]"


class Fault(TypedDict):
    """A reason for a refusal.

    Attributes:
        id: The finding's (docs/reference/audit.md).
        path: The file at fault; "" for the wheel itself.
        message: What is wrong, without the path.
    """

    id: str
    path: str
    message: str


class Status(TypedDict):
    """What the judge answers, in the status file.

    Attributes:
        format: `FORMAT`.
        verdict: "sealed" or "refused".
        wheel: The path of the wheel: a sealed one may have another tag.
        faults: Why it was refused; empty for a sealed one.
        refusal: The kind of the refusal ("foreign", "lost", ...); "" for a sealed one.
        hint: What mends it; "" for a sealed one.
        notes: Lines that the user should see of a sealed one.
    """

    format: int
    verdict: str
    wheel: str
    faults: "list[Fault]"
    refusal: str
    hint: str
    notes: "list[str]"

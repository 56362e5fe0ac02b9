"""Reads the command lines of front ends: what a process was started for."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def command_line_of_parent() -> "Sequence[str]":
    """The command line of the process that started this one; () where it cannot be seen."""
    try:
        with open(f"/proc/{os.getppid()}/cmdline", "rb") as file:
            return os.fsdecode(file.read()).split("\0")
    except OSError:
        return ()


def uv_backend(orig_argv: "Sequence[str]") -> str:
    """What a script of uv's imports as the back end: "MODULE" or "MODULE:OBJECT".

    "sdist" if it makes one, "" for other scripts.
    """
    code = next((after for word, after in zip(orig_argv, orig_argv[1:], strict=False) if word == "-c"), "")  # noqa: RUF007
    for line in code.splitlines():
        words = line.split()
        # `import MODULE as backend` or `from MODULE import OBJECT as backend`.
        if words[-2:] == ["as", "backend"] and words[0] in ("import", "from"):
            sdist = "backend.build_sdist(" in code or "get_requires_for_build_sdist" in code
            if sdist:
                return "sdist"
            return words[1] if words[0] == "import" else f"{words[1]}:{words[3]}"
    return ""


def is_requirement_of_uv(directory: str) -> bool:
    """Whether `uv build` builds a build requirement in `directory`.

    It unpacks the source distributions of those where its cache keeps them (`sdists-v9/index/...`); the project itself
    it builds where it lies, or from a source distribution that it has unpacked into `sdists-v9/.tmp...`.
    """
    _, found, inside = directory.partition("/sdists-v")
    return bool(found) and not inside.partition("/")[2].startswith(".tmp")


def pip_command(script: str, argv: "Sequence[str]", orig_argv: "Sequence[str]") -> str:
    """The command that pip was given, "wheel" or "install" for all others; "" where this is not pip."""
    if script == "-m":
        module = next((after for word, after in zip(orig_argv, orig_argv[1:], strict=False) if word == "-m"), "")  # noqa: RUF007
        if module != "pip" and "-mpip" not in orig_argv:
            return ""
    elif script != "__pip-runner__.py" and script.rstrip("0123456789.") != "pip":
        return ""
    # Options of pip's own that stand before the command may have values.
    commands = (word for word in argv[1:] if word in ("wheel", "install", "download", "lock", "index", "uninstall"))
    return "wheel" if next(commands, "") == "wheel" else "install"


def uv_command(words: "Sequence[str]") -> str:
    """The command that uv was given, of those that build projects; "build" where it cannot be seen."""
    known = ("build", "pip", "sync", "run", "tool", "add", "lock", "export", "remove", "tree")
    return next((word for word in words[1:] if word in known), "build")

"""Reads the command lines of front ends: what a process was started for."""

import os

from _crossenv.refusal import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def command_line_of_parent() -> "Sequence[str]":
    """Return the command line of the process that started this one; () where it cannot be seen."""
    try:
        with open(f"/proc/{os.getppid()}/cmdline", "rb") as file:
            return os.fsdecode(file.read()).split("\0")
    except OSError:
        return ()


def uv_backend(orig_argv: "Sequence[str]") -> str:
    """Return the back end that a script of uv's imports: "MODULE" or "MODULE:OBJECT".

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


def _variable_of_parent(name: str) -> str:
    """Return a variable of the process that started this one; "" where it is not set or cannot be seen."""
    start = name + "="
    try:
        with open(f"/proc/{os.getppid()}/environ", "rb") as file:
            variables = os.fsdecode(file.read()).split("\0")
    except OSError:
        return ""
    # uv gives what it starts another VIRTUAL_ENV: the one it has made for the build.
    return next((line[len(start) :] for line in variables if line.startswith(start)), "")


def uv_serves_another(words: "Sequence[str]", root: str) -> bool:
    """Whether the uv with this command line installs into an environment that is not the one in `root`.

    An environment that `uv venv` makes from ours is native, and so is what uv builds for it, or to resolve. An
    environment that uv makes itself is native too, but uv takes it for the target's until it is there: refused.
    """
    command = uv_command(words)
    if command in ("sync", "run", "tool", "add", "remove"):
        fail(
            f"uv {command} makes an environment for this machine from an interpreter that answers for the target",
            f"make it first, from the build machine's Python: uv venv --python {root}/build/bin/python",
        )
    if command not in ("build", "pip"):
        return True
    named = _variable_of_parent("VIRTUAL_ENV")
    for index, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option in ("--python", "-p"):
            named = value if equals else "".join(words[index + 1 : index + 2])
    try:
        # This process runs in the project's directory.
        directory = os.readlink(f"/proc/{os.getppid()}/cwd")
    except OSError:
        directory = os.getcwd()
    path = os.path.normpath(os.path.join(directory, named)) if named else ""
    # A version, or the name of a program, is none of an environment's.
    path = path if os.path.exists(path) else ""
    return bool(path and root) and path != root and not path.startswith(root + "/")


def require_known_runner(script: str, orig_argv: "Sequence[str]", environ: "Mapping[str, str]") -> None:
    """End the process if it runs a build back end in a way that is not known: it would build natively."""
    code = next((after for word, after in zip(orig_argv, orig_argv[1:], strict=False) if word == "-c"), "")  # noqa: RUF007
    if "backend.build_wheel(" in code or "backend.build_editable(" in code:
        fail("this version of uv runs back ends in a way that crossenv does not know", "use an older uv, or cross-pip")
    if environ.get("_PYPROJECT_HOOKS_BUILD_BACKEND"):
        fail(
            f"{script} runs a build back end in a way that crossenv does not know",
            "use an older version of the front end, or cross-pip",
        )


def pip_command(script: str, argv: "Sequence[str]", orig_argv: "Sequence[str]") -> str:
    """Return the command that pip was given, "wheel" or "install" for all others; "" where this is not pip."""
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
    """Return the command that uv was given, of those that build projects; "build" where it cannot be seen."""
    known = ("build", "pip", "sync", "run", "tool", "add", "lock", "export", "remove", "tree")
    return next((word for word in words[1:] if word in known), "build")

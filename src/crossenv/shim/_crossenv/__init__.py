"""The start-up shim of a cross environment: makes this interpreter report the host machine.

`000_crossenv.pth` calls `start` while `site` runs, that is before any user code. Whatever goes wrong there or here
ends the process: `site` would print the exception and go on with a native interpreter. (PEP 829 replaces the import
lines of `.pth` files from Python 3.18 on; a `.start` file cannot end the process when its module fails to load.)
`start` finds out three things, each from what this process can see of itself:

1. The *place*: the environment's host side ("cross"), an isolated environment made from it ("isolated"), an
   installation that `crossenv create --in-place` converted or an environment made from that one ("in-place"), or
   none of them, in which case the shim does nothing (the site directory was copied to a device, or a host Python
   reads it under an emulator).
2. The *role*, "build" or "host": see `decide_role`.
3. Whether the process runs the hooks of a build back end; then `_crossenv.hooks` prepares it.

In role "build" the interpreter is left as it is. In role "host" `_crossenv.host` replaces what it says of the
machine. Facts come from `facts.marshal` beside this file, which `crossenv create` derives from the record
`crossenv.json` (reading JSON would double the cost of a start).

Floor: CPython 3.10 (`sys.orig_argv`). Standard library only.
"""

import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, NoReturn

ROLE_VARIABLE = "CROSSENV_ROLE"
RECORD_VARIABLE = "CROSSENV_RECORD"
# "1" where `crossenv_info` can be imported.
CROSS_VARIABLE = "PYTHON_CROSSENV"
# Set by `cross-uv` to uv's command.
UV_VARIABLE = "CROSSENV_UV"

# What `start` found out, for the rest of the shim, the doctor and the curious. Empty until it has run.
place: str = ""
role: str = ""
facts: "dict[str, Any]" = {}


def start() -> None:
    """Make this process what its role asks for. Ends the process if it cannot: never silently native."""
    global place, role, facts  # noqa: PLW0603 - the one state of this package
    if role:
        # Up to Python 3.13 `site` goes through the directories of `sys.prefix` twice, and `enter_cross_prefix` has
        # changed its spelling in between.
        sys.path[:] = dict.fromkeys(sys.path)
        return
    here = os.path.dirname(__file__)
    try:
        with open(here + "/facts.marshal", "rb") as file:
            facts = marshal.load(file)  # noqa: S302 - written by `crossenv create` into this very directory
        if sys.getfilesystemencoding() != "utf-8":
            # LC_ALL=C PYTHONUTF8=0: paths are spelled with surrogates, as everywhere in this process.
            facts = _as_file_names(facts)
        root = facts["root"]
    except (OSError, ValueError, EOFError, TypeError, KeyError) as error:
        fail(f"the environment's facts cannot be read from {here} ({error})", "create the environment again")
    place = find_place(here, root)
    if not place:
        role = "none"
        if "CROSSENV_LAUNCHER" in os.environ:
            from _crossenv import guest

            guest.install()
        return
    role, export, hook = decide_role(place, sys.argv, sys.orig_argv, os.environ, os.getcwd, root=root)
    if place == "cross":
        enter_cross_prefix(root)
    if sys.argv[:1] == ["-c"] and _asked_by_uv(sys.orig_argv) and sys.prefix in (root + "/cross", facts["uv_prefix"]):
        # uv makes its isolated environments from what it is told here; this base brings the shim along.
        sys._base_executable = facts["base"]  # type: ignore[attr-defined]
    if export:
        os.environ[ROLE_VARIABLE] = role
    if role == "build" and os.environ.get(ROLE_VARIABLE) != "host":
        # Meson, below a hook, hands on what the hook has set.
        _forget_host()
    if role == "host":
        if facts["variables"]:
            from _crossenv import variables

            variables.apply(facts["variables"], root, os.environ)
        from _crossenv import host

        finder = host.install(facts)
        if hook:
            from _crossenv import hooks

            hooks.prepare(facts, hook, finder)
        elif os.environ.get("CROSSENV_FILES") == root:
            # What a hook has started.
            from _crossenv import host_files

            host_files.answer_for_host(facts)


def find_place(here: str, root: str) -> str:
    """Where this interpreter runs: "cross", "isolated", "in-place", or "" for none of them."""
    prefix = sys.prefix
    if prefix in (root, root + "/cross"):
        return "cross"
    linked = os.path.islink(here)
    if linked and not facts["in_place"]:
        # `_crossenv.isolation` links the shim into the environments that front ends make for a build. Those that uv
        # makes have it from their base, and so do those that users make with uv, which are native.
        by_uv = here.startswith(root + "/etc/base/") and prefix != facts["uv_prefix"]
        if not by_uv or "/builds-v" in prefix:
            return "isolated"
        if UV_VARIABLE in os.environ and _uv_backend(sys.orig_argv):
            fail(f"uv builds in {prefix}, and crossenv knows other places for that", "use an older uv, or cross-pip")
        return ""
    try:
        # The environment reached by another name: a symbolic link, a bind mount.
        if os.path.samefile(prefix, root) or os.path.samefile(prefix, root + "/cross"):
            return "cross"
        if linked and os.path.samefile(prefix, root + "/build"):
            # The build side of the environment in a converted installation starts the shim like all that is made
            # from that one. It and what it starts are native.
            os.environ[ROLE_VARIABLE] = "build"
            _forget_host()
            return ""
    except OSError:
        pass
    if linked:
        return "in-place"
    # Not beside the build side: that loads the shim where it is started below pip, whose `sitecustomize` brings the
    # host side's start-up files along.
    above, name = os.path.split(prefix)
    for directory in (prefix, above if name == "cross" else prefix):
        if os.path.exists(directory + "/crossenv.json"):
            fail(f"this environment was created as {root} and has been moved", "create it again where it is now")
    return ""


def _forget_host() -> None:
    """Take away what a parent in role "host" has set: nothing that this process starts is for the host."""
    for name in (RECORD_VARIABLE, CROSS_VARIABLE):
        os.environ.pop(name, None)
    if "CROSSENV_VARIABLES" in os.environ or "CROSSENV_HOOK_VARIABLES" in os.environ:
        from _crossenv import variables

        variables.take_back_defaults(os.environ)
        variables.take_back(os.environ)


def command_line_of_parent() -> "Sequence[str]":
    """The command line of the process that started this one; () where it cannot be seen."""
    try:
        with open(f"/proc/{os.getppid()}/cmdline", "rb") as file:
            return os.fsdecode(file.read()).split("\0")
    except OSError:
        return ()


def decide_role(
    place: str,
    argv: "Sequence[str]",
    orig_argv: "Sequence[str]",
    environ: "Mapping[str, str]",
    getcwd: "Callable[[], str]",
    get_parent: "Callable[[], Sequence[str]]" = command_line_of_parent,
    root: str = "",
) -> "tuple[str, bool, str]":
    """What this process is for.

    Args:
        place: "cross", "isolated" or "in-place".
        argv: `sys.argv` as `site` sees it: the script's path or "-c" or "-m" first.
        orig_argv: `sys.orig_argv`.
        environ: The process's environment.
        getcwd: Says the working directory.
        get_parent: Says the command line of the process that started this one.
        root: The environment's directory.

    Returns:
        The role ("build" or "host"), whether children inherit it, and what the process runs: the name of a PEP 517
        hook, "setup.py" for a direct run of one, "uv:MODULE" or "uv:MODULE:OBJECT" where uv calls that back end; "" for
        none of them.
    """
    asked = environ.get(ROLE_VARIABLE, "")
    if asked == "build":
        return "build", False, ""
    script = argv[0].rpartition("/")[2] if argv else ""
    # pip installs build requirements in a child of its own, into a temporary prefix: they are for this machine,
    # and so is everything that is built on the way.
    if script == "__pip-runner__.py" and "install" in argv[1:2] and _names_build_prefix(argv):
        return "build", True, ""
    # So it is where a front end has made an environment for the build and has pip fill it (`build`).
    if place == "isolated" and asked != "host" and (script == "__pip-runner__.py" or _runs_pip(orig_argv)):
        return "build", True, ""
    # Meson decides what the build machine is by asking `platform`.
    if script in ("meson", "meson.py"):
        return "build", False, ""
    if script == "_in_process.py" and len(argv) > 1:
        # pyproject-hooks. A source distribution is not for a machine: back ends that configure the project to
        # make one do it natively.
        if argv[1].endswith("build_sdist"):
            return "build", True, ""
        return "host", True, argv[1]
    if script == "-c" and (backend := _uv_backend(orig_argv)):
        command = environ.get(UV_VARIABLE)
        if place == "in-place":
            # uv itself: what it builds to install it are tools, with the project's own `uv build` for an exception.
            command = _uv_command(get_parent())
            if command != "build":
                return "build", True, ""
        elif command is None and _uv_serves_another(get_parent(), environ, root):
            return "build", True, ""
        if backend == "sdist" or (command == "build" and _is_requirement_of_uv(getcwd())):
            return "build", True, ""
        return "host", True, f"uv:{backend}"
    if script == "setup.py" and (place == "cross" or asked == "host"):
        return "host", True, "setup.py"
    if asked == "host":
        return "host", False, ""
    _require_known_runner(script, orig_argv, environ)
    if place == "in-place" and (command := _pip_command(script, argv, orig_argv)):
        # Wheels are made for the host, by whatever pip. What it installs is tools, and so is what it builds for that.
        return ("host", False, "") if command == "wheel" else ("build", True, "")
    return ("host" if place == "cross" else "build"), False, ""


def _names_build_prefix(argv: "Sequence[str]") -> bool:
    # Both spellings of the option; the prefix is pip's own invention, so no other word looks like it.
    return any("/pip-build-env-" in word for word in argv[2:]) and any(word.startswith("--prefix") for word in argv)


def _runs_pip(orig_argv: "Sequence[str]") -> bool:
    pairs = zip(orig_argv[1:], orig_argv[2:], strict=False)  # noqa: RUF007 - itertools would cost an import
    return any(word[:1] == "-" and word[-1:] == "m" and after == "pip" for word, after in pairs)


def _asked_by_uv(orig_argv: "Sequence[str]") -> bool:
    """Whether uv asks this interpreter what it is."""
    return any("from python.get_interpreter_info import main" in word for word in orig_argv)


def _uv_backend(orig_argv: "Sequence[str]") -> str:
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


def _is_requirement_of_uv(directory: str) -> bool:
    """Whether `uv build` builds a build requirement in `directory`.

    It unpacks the source distributions of those where its cache keeps them (`sdists-v9/index/...`); the project itself
    it builds where it lies, or from a source distribution that it has unpacked into `sdists-v9/.tmp...`.
    """
    _, found, inside = directory.partition("/sdists-v")
    return bool(found) and not inside.partition("/")[2].startswith(".tmp")


def _uv_serves_another(words: "Sequence[str]", environ: "Mapping[str, str]", root: str) -> bool:
    """Whether the uv with this command line installs into an environment that is not the one in `root`.

    An environment that `uv venv` makes from ours is native, and so is what uv builds for it.
    """
    named = environ.get("VIRTUAL_ENV", "")
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


def _require_known_runner(script: str, orig_argv: "Sequence[str]", environ: "Mapping[str, str]") -> None:
    """End the process if it runs a build back end in a way that is not known: it would build natively."""
    code = next((after for word, after in zip(orig_argv, orig_argv[1:], strict=False) if word == "-c"), "")  # noqa: RUF007
    if "backend.build_wheel(" in code or "backend.build_editable(" in code:
        fail("this version of uv runs back ends in a way that crossenv does not know", "use an older uv, or cross-pip")
    if environ.get("_PYPROJECT_HOOKS_BUILD_BACKEND"):
        fail(
            f"{script} runs a build back end in a way that crossenv does not know",
            "use an older version of the front end, or cross-pip",
        )


def _pip_command(script: str, argv: "Sequence[str]", orig_argv: "Sequence[str]") -> str:
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


def _uv_command(words: "Sequence[str]") -> str:
    """The command that uv was given, of those that build projects; "build" where it cannot be seen."""
    known = ("build", "pip", "sync", "run", "tool", "add", "lock", "export", "remove", "tree")
    return next((word for word in words[1:] if word in known), "build")


def enter_cross_prefix(root: str) -> None:
    """Make ENV/bin/python and ENV/cross/bin/python the same interpreter: the one whose prefix is ENV/cross.

    ENV itself is a virtual environment, so that ENV/bin/python needs no wrapper; its `lib/pythonX.Y` is a link to
    that of ENV/cross. Only the names differ, and packages must see one of them.
    """
    cross = root + "/cross"
    old = sys.prefix
    if old == cross:
        return
    sys.prefix = sys.exec_prefix = cross
    name = sys.executable.rpartition("/")[2]
    sys.executable = cross + "/bin/" + (name if name.startswith("python") else "python")
    sys.path[:] = [cross + entry[len(old) :] if entry.startswith(old + "/lib") else entry for entry in sys.path]


def fail(message: str, hint: str, status: int = 1) -> "NoReturn":
    """End the process at once with one line and a hint.

    `site` prints the exceptions of start-up code and goes on, which would leave a native interpreter behind.
    """
    try:
        # Not `sys.stderr`, which may be missing, closed or not yet there.
        os.write(2, f"crossenv: error: {message}\ncrossenv: hint: {hint}\n".encode("utf-8", "surrogateescape"))
    finally:
        os._exit(status)


def _as_file_names(value: "Any") -> "Any":
    """Facts with their strings as this process spells file names."""
    if isinstance(value, str):
        return os.fsdecode(value.encode("utf-8", "surrogateescape"))
    if isinstance(value, dict):
        return {_as_file_names(key): _as_file_names(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_as_file_names, value))
    return value

"""Has crossenv judge each wheel that is built, before a front end sees it: never silently native.

The judge is a child (`crossenv seal`), run by the interpreter that has the tool. It checks the wheel, puts the target's
libraries into it if asked, and tags it. What it cannot judge fails: the wheel is deleted, and the build ends.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile

from _crossenv import scratch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from _crossenv.facts_types import Facts
    from _crossenv.seal_types import Job, Status

FORMAT = 2
REPAIR_VARIABLE = "CROSSENV_REPAIR"
# Where the judge's status files stay, for the program that started the front end.
STATUS_VARIABLE = "CROSSENV_STATUS_DIRECTORY"
# A repair of a large wheel takes minutes.
TIMEOUT = 1800
REFUSED = 7
# These must not reach crossenv's own interpreter: they are about this build.
_FOREIGN = ("PYTHON", "CROSSENV_", "PIP_", "AUDITWHEEL_")
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def require_sealed(path: str, facts: "Facts", *, editable: bool = False, written: "Sequence[str]" = ()) -> str:
    """End the process with an error unless the judge seals the wheel at `path`; the wheel is deleted then.

    Args:
        path: The wheel.
        facts: The environment's.
        editable: Whether it is an editable one (PEP 660), which never leaves this machine.
        written: The libraries that its build left in the source tree.

    Returns:
        Where the wheel is now.
    """
    job = _job(path, facts, editable=editable, written=written)
    try:
        status = _judged(job, facts)
    except BaseException:
        _delete(path)
        raise
    if status is not None and status["verdict"] == "sealed":
        _say(f"crossenv: {note}" for note in status["notes"])
        return status["wheel"]
    _delete(path)
    if status is not None:
        _say_refusal(status)
        _say(
            f"crossenv: hint: {name}={value} is set and used for the target; unset it if it is this machine's"
            for name, value in tools_of_user(os.environ, facts["root"])
        )
    raise SystemExit(REFUSED)


def require_usable(path: str, facts: "Facts") -> None:
    """End the process with an error if a ready-made wheel, which stays, holds code that the target cannot run."""
    if not _holds_code(path):
        return
    status = _judged(_job(path, facts, editable=False, ready_made=True), facts, deletes=False)
    if status is None:
        raise SystemExit(REFUSED)
    if status["verdict"] == "sealed":
        _say(f"crossenv: {note}" for note in status["notes"])
        return
    _say_refusal(status)
    raise SystemExit(REFUSED)


# The first bytes of native files of all systems, and of static libraries.
_NATIVE = (b"\x7fELF", b"!<ar", b"MZ", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\0asm")


def _holds_code(path: str) -> bool:
    """Whether the judge has anything to look at: most wheels are fetched, and of these most are pure."""
    import zipfile

    if not path.endswith("-any.whl"):
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            # Programs of Windows are data elsewhere, and run on each of its machines: pip and setuptools have some.
            for name in archive.namelist():
                if name.endswith(".exe"):
                    continue
                with archive.open(name) as file:
                    if file.read(4).startswith(_NATIVE):
                        return True
    except (OSError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
        return True
    return False


def checking_ready_made(facts: "Facts", select: "Callable[..., Any]") -> "Callable[[Any], Any]":
    """Wrap a function of pip's that takes requirements: what is ready-made among them is checked first.

    Args:
        facts: The environment's.
        select: The requirements among the function's arguments.
    """
    # At once: while pip installs, it lets nothing more be imported.
    import zipfile  # noqa: F401

    from _crossenv import attempts, pip_commands  # noqa: F401

    def make(original: "Any") -> "Any":
        def checked(*args: "Any", **kwargs: "Any") -> "Any":
            for requirement in select(*args, **kwargs):
                if _is_ready_made(requirement) and not pip_commands.for_another_target:
                    path = requirement.local_file_path
                    require_usable(path, facts)
            return original(*args, **kwargs)

        return checked

    return make


def _is_ready_made(requirement: "Any") -> bool:
    """Whether a requirement of pip's is a wheel that was not built in this environment."""
    if not requirement.is_wheel or not requirement.local_file_path:
        return False
    if requirement.local_file_path.startswith(os.environ.get("PIP_CACHE_DIR", "/nowhere") + os.sep + "wheels"):
        return False
    # Where it came from: of one that was built that is the source.
    source = getattr(requirement, "download_info", None)
    return source is None or source.url.partition("#")[0].endswith(".whl")


def tools_of_user(environ: "Mapping[str, str]", root: str) -> "list[tuple[str, str]]":
    """Return the variables naming a compiler or linker that the user, not `variables.set_defaults`, has set."""
    from _crossenv import variables

    names = ("CC", "CXX", "LD", "LDSHARED", "FC")
    ours = variables.defaults(environ)
    set_by_user = {name: environ[name] for name in names if environ.get(name) and name not in ours}
    return [(name, value) for name, value in set_by_user.items() if root not in value]


def repair_is_wanted(facts: "Facts") -> bool:
    """Whether wheels are repaired: CROSSENV_REPAIR decides, then what the environment was made with."""
    said = os.environ.get(REPAIR_VARIABLE, "").lower()
    if said in _YES or said in _NO:
        return said in _YES
    return facts["repair"]


def _job(
    path: str, facts: "Facts", *, editable: bool, ready_made: bool = False, written: "Sequence[str]" = ()
) -> "Job":
    from _crossenv import attempts

    sites = [entry for entry in dict.fromkeys(sys.path) if _is_site(entry)]
    return {
        "format": FORMAT,
        "wheel": os.path.abspath(path),
        "environment": facts["root"],
        "editable": editable,
        "ready_made": ready_made,
        "written": list(written),
        "repair": not editable and repair_is_wanted(facts),
        "attempted": attempts.attempted(),
        "compiler_called": attempts.compiler_was_called(),
        "allow_pure": [name for name in os.environ.get("CROSSENV_ALLOW_PURE", "").split(",") if name.strip()],
        "site_directories": sites,
    }


def _is_site(entry: str) -> bool:
    return os.path.basename(entry.rstrip("/")) in ("site-packages", "dist-packages") and os.path.isdir(entry)


def _judged(job: "Job", facts: "Facts", *, deletes: bool = True) -> "Status | None":
    """Return the judge's answer; None if there is none, which has been said."""
    name = os.path.basename(job["wheel"])
    directory = os.environ.get(STATUS_VARIABLE, "")
    with tempfile.TemporaryDirectory(dir=scratch.directory()) as own:
        file = os.path.join(directory or own, name + ".json")
        with contextlib.suppress(OSError):
            os.unlink(file)
        problem = _run_judge([facts["crossenv_python"], "-m", "crossenv", "seal", "--status", file], job, facts)
        if not problem:
            try:
                with open(file, encoding="utf-8") as stream:
                    status: Status = json.load(stream)
                if status["format"] == FORMAT and (status["verdict"] == "refused" or os.path.exists(status["wheel"])):
                    return status
                problem = "its answer is of another version"
            except (OSError, ValueError, KeyError, TypeError) as error:
                problem = f"its answer cannot be read ({type(error).__name__}: {error})"
    python = facts["crossenv_python"] or "nobody"
    _say(
        [
            f"crossenv: error: {name} could not be checked{', so it was deleted' if deletes else ''}: {problem}",
            f"crossenv: hint: the checker is crossenv of {python}; install it there, or create the environment again",
        ]
    )
    return None


def _run_judge(words: "list[str]", job: "Job", facts: "Facts") -> str:
    """Run the judge; return why it gave no answer, "" if it did."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    try:
        done = subprocess.run(
            words,
            input=json.dumps(job),
            stdout=subprocess.DEVNULL,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
            env=environment,
            cwd=facts["root"],
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        return f"crossenv took more than {TIMEOUT} seconds"
    except (OSError, ValueError) as error:
        return f"crossenv cannot be started ({error})"
    return "" if done.returncode in (0, REFUSED) else f"crossenv ended with status {done.returncode}"


def _delete(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _say(lines: "Any") -> None:
    text = "".join(f"{line}\n" for line in lines)
    if text:
        sys.stderr.write(text)
        sys.stderr.flush()


def _say_refusal(status: "Status") -> None:
    name = os.path.basename(status["wheel"])
    faults = [" ".join(filter(None, (fault["path"], fault["message"]))) for fault in status["faults"]]
    _say([*(f"crossenv: error: refused {name}: {fault}" for fault in faults), f"crossenv: hint: {status['hint']}"])


def add_option(original: "Any") -> "Any":
    """Wrap `WheelCommand.add_options`: `--repair` and `--no-repair`."""

    def add_options(self: "Any") -> None:
        original(self)
        self.cmd_opts.add_option(
            "--repair",
            dest="crossenv_repair",
            action="store_true",
            default=None,
            help="Put the target's libraries into the wheels and tag them (crossenv).",
        )
        self.cmd_opts.add_option(
            "--no-repair", dest="crossenv_repair", action="store_false", help="Leave the wheels as they are (crossenv)."
        )

    return add_options


def sweeping(facts: "Facts") -> "Callable[[Any], Any]":
    """Wrap `WheelCommand.run`: hand the option on to the hooks, and repair what pip took from its cache of wheels."""

    def make_run(original: "Any") -> "Any":
        def run(self: "Any", options: "Any", args: "list[str]") -> int:
            said = getattr(options, "crossenv_repair", None)
            if said is not None:
                os.environ[REPAIR_VARIABLE] = "1" if said else "0"
            before = _plain_wheels(options.wheel_dir)
            status = int(original(self, options, args))
            if status or not repair_is_wanted(facts):
                return status
            for path, stamp in _plain_wheels(options.wheel_dir).items():
                if before.get(path) != stamp:
                    try:
                        require_sealed(path, facts)
                    except SystemExit:
                        status = REFUSED
            return status

        return run

    return make_run


def _plain_wheels(directory: str) -> "dict[str, tuple[int, int]]":
    """Return the wheels in `directory` that promise no policy, with what tells one file from the next."""
    found = {}
    place = os.path.abspath(directory)
    for name in os.listdir(place) if os.path.isdir(place) else ():
        if name.endswith(".whl") and name.removesuffix(".whl").rpartition("-")[2].startswith("linux_"):
            path = os.path.join(place, name)
            state = os.stat(path)
            found[path] = (state.st_mtime_ns, state.st_ino)
    return found

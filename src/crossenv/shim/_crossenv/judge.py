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
    from collections.abc import Callable, Mapping
    from typing import Any

    from _crossenv.facts_types import Facts
    from _crossenv.seal_types import Job, Status

FORMAT = 1
REPAIR_VARIABLE = "CROSSENV_REPAIR"
# Where the status files stay that the judge writes, for whoever started the front end.
STATUS_VARIABLE = "CROSSENV_STATUS_DIRECTORY"
# A repair of a large wheel takes minutes.
TIMEOUT = 1800
REFUSED = 7
# Nothing of these may reach crossenv's own interpreter: they speak of this build.
_FOREIGN = ("PYTHON", "CROSSENV_", "PIP_", "AUDITWHEEL_")
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def require_sealed(path: str, facts: "Facts", *, editable: bool = False) -> str:
    """End the process with an error unless the judge seals the wheel at `path`; the wheel is deleted then.

    Args:
        path: The wheel.
        facts: The environment's.
        editable: Whether it is an editable one (PEP 660), which never leaves this machine.

    Returns:
        Where the wheel is now.
    """
    job = _job(path, facts, editable=editable)
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


def tools_of_user(environ: "Mapping[str, str]", root: str) -> "list[tuple[str, str]]":
    """The variables that name a compiler or linker and that the user has set."""
    names = ("CC", "CXX", "LD", "LDSHARED", "FC")
    return [(name, environ[name]) for name in names if environ.get(name) and root not in environ[name]]


def repair_is_wanted(facts: "Facts") -> bool:
    """Whether wheels are repaired: CROSSENV_REPAIR decides, then what the environment was made with."""
    said = os.environ.get(REPAIR_VARIABLE, "").lower()
    if said in _YES or said in _NO:
        return said in _YES
    return facts["repair"]


def _job(path: str, facts: "Facts", *, editable: bool) -> "Job":
    from _crossenv import attempts

    sites = [entry for entry in dict.fromkeys(sys.path) if _is_site(entry)]
    return {
        "format": FORMAT,
        "wheel": os.path.abspath(path),
        "environment": facts["root"],
        "editable": editable,
        "repair": not editable and repair_is_wanted(facts),
        "attempted": attempts.attempted,
        "compiler_called": attempts.compiler_was_called(),
        "allow_pure": [name for name in os.environ.get("CROSSENV_ALLOW_PURE", "").split(",") if name.strip()],
        "site_directories": sites,
    }


def _is_site(entry: str) -> bool:
    return os.path.basename(entry.rstrip("/")) in ("site-packages", "dist-packages") and os.path.isdir(entry)


def _judged(job: "Job", facts: "Facts") -> "Status | None":
    """The judge's answer; None if there is none, which has been said."""
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
            f"crossenv: error: {name} could not be checked, so it was deleted: {problem}",
            f"crossenv: hint: the checker is crossenv of {python}; install it there, or create the environment again",
        ]
    )
    return None


def _run_judge(words: "list[str]", job: "Job", facts: "Facts") -> str:
    """Run the judge; why there is no answer, "" if there is one."""
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
    """The wheels in `directory` that promise no policy, with what tells one file from the next."""
    found = {}
    place = os.path.abspath(directory)
    for name in os.listdir(place) if os.path.isdir(place) else ():
        if name.endswith(".whl") and name.removesuffix(".whl").rpartition("-")[2].startswith("linux_"):
            path = os.path.join(place, name)
            state = os.stat(path)
            found[path] = (state.st_mtime_ns, state.st_ino)
    return found

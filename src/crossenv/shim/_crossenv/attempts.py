"""What a build has tried to compile in this process, for the judge of its wheel."""

import contextlib
import os
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

# The extension modules that this process has tried to build, each with what went wrong ("" for nothing).
_attempted: "dict[str, str]" = {}

# Names a file that the environment's compilers write to when they are called; set in hook processes.
CALLED_VARIABLE = "CROSSENV_COMPILER_CALLED"
_LONGEST = 300
# How long that file and the one of attempts were when this process began: what stands there is not of its build.
_before = {"calls": 0, "attempts": 0}


def watch_compiler(*, part_of_build: bool = False) -> None:
    """Have this process's children note that they compile, and what; see `compiler_was_called` and `attempted`.

    Args:
        part_of_build: Whether a build may have started this process (a setup.py that starts another). It notes where
            that build does: whoever started it may not look at how it ended.
    """
    from _crossenv import scratch

    path = os.environ.get(CALLED_VARIABLE, "")
    if part_of_build and path and os.path.exists(path):
        _before.update(calls=os.path.getsize(path), attempts=_size(_attempts_file(path)))
        return
    path = os.path.join(scratch.directory(), "called")
    with open(path, "wb"):
        os.environ[CALLED_VARIABLE] = path


def compiler_was_called() -> "bool | None":
    """Whether a launcher has compiled anything for this process; None if that was not watched."""
    try:
        return os.path.getsize(os.environ[CALLED_VARIABLE]) > _before["calls"]
    except (KeyError, OSError):
        return None


def note(name: str, problem: str) -> None:
    """Remember that this build has tried to build an extension module.

    Args:
        name: The module.
        problem: What went wrong; "" for nothing.
    """
    _attempted[name] = problem
    called = os.environ.get(CALLED_VARIABLE, "")
    if called and os.path.exists(called):
        import json

        # One write for each, as several processes may build.
        with open(_attempts_file(called), "ab", buffering=0) as file:
            file.write(json.dumps([name, problem]).encode() + b"\n")


def attempted() -> "dict[str, str]":
    """Return the extension modules that this process and its children have tried to build, as `note` was told."""
    found = dict(_attempted)
    with contextlib.suppress(KeyError, OSError), open(_attempts_file(os.environ[CALLED_VARIABLE]), "rb") as file:
        import json

        file.seek(_before["attempts"])
        found.update(json.loads(line) for line in file)
    return found


def _attempts_file(called: str) -> str:
    return called + "-for"


def _size(path: str) -> int:
    return os.path.getsize(path) if os.path.exists(path) else 0


def watch_commands(compiler: "Any") -> "list[str]":
    """Return a list to which what `compiler` (distutils) complains of is added, for each command of it that fails.

    It is one list for each compiler, which builds one extension module after the other.
    """
    watched: list[str] | None = getattr(compiler, "_crossenv_complaints", None)
    if watched is not None:
        return watched
    complaints: list[str] = []
    compiler._crossenv_complaints = complaints

    def noting(start: "Callable[..., Any]") -> "Callable[..., Any]":
        def start_noted(*args: "Any", **kwargs: "Any") -> "Any":
            before = len(complaints)
            with _StandardError() as output:
                try:
                    return start(*args, **kwargs)
                except Exception:
                    complaint = _first_complaint(output.text())
                    # One of the two calls the other: which one depends on the version.
                    if complaint and len(complaints) == before:
                        complaints.append(complaint)
                    raise

        return start_noted

    for name in ("spawn", "call"):
        start = getattr(compiler, name, None)
        if start is not None:
            setattr(compiler, name, noting(start))
    return complaints


def _first_complaint(output: str) -> str:
    """Return the first error in the output of a command that has failed; "" if it said nothing."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() or "undefined" in line.lower()]
    return (telling or lines or [""])[0][:_LONGEST]


class _StandardError:
    """Reads along what children write to the standard error, which they inherit from this process.

    It goes to a file and from there to where it would have gone. Not through a pipe: a compiler may leave a server
    behind (ccache, sccache) that keeps the pipe open.
    """

    _lock = threading.Lock()
    # Compilers may be called from several threads, and there is one standard error.
    _users = 0
    _file: "Any" = None
    _old = -1

    def __enter__(self) -> "_StandardError":
        import tempfile

        shared = _StandardError
        with shared._lock:
            if shared._users == 0:
                with contextlib.suppress(Exception):
                    sys.stderr.flush()
                shared._file = tempfile.TemporaryFile()
                try:
                    shared._old = os.dup(2)
                except OSError:
                    # It is closed.
                    shared._old = -1
                os.dup2(shared._file.fileno(), 2)
                os.set_inheritable(2, True)
            shared._users += 1
            self._start = os.fstat(shared._file.fileno()).st_size
        return self

    def text(self) -> str:
        """Return what was written since the beginning."""
        size = os.fstat(_StandardError._file.fileno()).st_size
        data = os.pread(_StandardError._file.fileno(), size - self._start, self._start)
        return data.decode("utf-8", "replace")

    def __exit__(self, *_error: object) -> None:
        shared = _StandardError
        with shared._lock:
            shared._users -= 1
            if shared._users:
                return
            with contextlib.suppress(Exception):
                sys.stderr.flush()
            # Where it was closed the file may have taken its number.
            with contextlib.suppress(OSError):
                if shared._old < 0:
                    os.close(2)
                else:
                    os.dup2(shared._old, 2)
                    os.close(shared._old)
                    for block in _blocks(shared._file):
                        os.write(2, block)
                shared._file.close()


def _blocks(file: "Any") -> "Iterator[bytes]":
    file.seek(0)
    while block := file.read(1 << 16):
        yield block

"""Lock directories, write files atomically, and make scripts that start a program."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from crossenv.errors import UsageError


@contextlib.contextmanager
def locked(directory: Path, name: str = "", *, wait: bool = True) -> Iterator[None]:
    """Hold an exclusive lock, which ends with the process at the latest.

    Args:
        directory: The directory to lock. It carries the lock itself, so no file is left behind.
        name: What to lock in the directory instead, where one lock for all of it would be too coarse.
        wait: Whether to wait for its holder.

    Raises:
        BlockingIOError: Somebody holds it, and `wait` is false.
        OSError: The directory is missing or cannot be used.
    """
    while True:
        if name:
            descriptor = os.open(directory / f".{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        else:
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            # Whoever held it may have put another directory in its place.
            if not name and not _is_still(directory, descriptor):
                continue
            yield
            return
        finally:
            os.close(descriptor)


def _is_still(directory: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), directory.stat())
    except FileNotFoundError:
        return False


# Of the names of temporary directories that carry a lock for as long as they are in use. Another machine's, on a file
# system that is shared, may be in use without a lock that is seen here.
_SCRATCH = f"crossenv-tmp-{os.uname().nodename}-"


@contextlib.contextmanager
def scratch_directory(purpose: str) -> Iterator[Path]:
    """Make an empty temporary directory, and remove it afterwards.

    It carries a lock that ends with the process: one without a lock is left over from a process that was killed, and
    the next process of the same user removes it.

    Args:
        purpose: A word of its name.

    Raises:
        UsageError: None can be made.
    """
    with contextlib.ExitStack() as held:
        try:
            parent = Path(tempfile.gettempdir())
            _remove_left_over(parent)
            place = _make_locked(parent, f"{_SCRATCH}{purpose}-", held)
        except OSError as error:
            named = f"{error.filename}: " if error.filename else ""
            raise UsageError(
                f"no temporary directory can be made: {named}{error.strerror}",
                hint="set TMPDIR to a directory of yours with room",
            ) from None
        held.callback(shutil.rmtree, place, ignore_errors=True)
        yield place


def _make_locked(parent: Path, prefix: str, held: contextlib.ExitStack) -> Path:
    while True:
        place = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        try:
            held.enter_context(locked(place))
        except FileNotFoundError:
            # Another process removed it as a left-over.
            continue
        except OSError:
            # This file system has no locks, so left-overs cannot be told apart.
            pass
        return place


@functools.cache
def _remove_left_over(parent: Path) -> None:
    with contextlib.suppress(OSError):
        entries = [entry for entry in os.scandir(parent) if entry.name.startswith(_SCRATCH)]
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.stat(follow_symlinks=False).st_uid == os.geteuid():
                    with locked(Path(entry.path), wait=False):
                        shutil.rmtree(entry.path, ignore_errors=True)


def numbers_in(path: Path) -> list[int]:
    """Return the key by which 3.13.10 comes after 3.13.9."""
    return [int(number) for number in re.findall(r"\d+", str(path))]


def is_utf8(name: str) -> bool:
    """Whether a name is text; Python keeps other bytes as surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def write_file(path: Path, content: str | bytes, *, mode: int = 0o666) -> None:
    """Write a file completely or not at all.

    Args:
        path: The file.
        content: Its content; text is written as UTF-8.
        mode: Its permissions, less the umask.
    """
    partial = path.with_name(f".{path.name[:32]}-{os.urandom(6).hex()}")
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
            file.write(data)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_tree(files: Mapping[Path, str | bytes | Path], *, executable: Collection[Path] = ()) -> None:
    """Write files and their directories.

    Args:
        files: By path: the content, or a file to copy.
        executable: The paths of programs among them.
    """
    directories: set[Path] = set()
    for path, content in files.items():
        if path.parent not in directories:
            path.parent.mkdir(parents=True, exist_ok=True)
            directories.add(path.parent)
        if isinstance(content, Path):
            shutil.copyfile(content, path)
        else:
            path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        if path in executable:
            path.chmod(0o755)


def script_text(program: str, body: str, mend: str) -> str:
    """Return a POSIX shell script that needs a program, and says so in one line where that is missing.

    A script rather than a `#!` line, which holds neither blanks nor more than 127 bytes of path.
    """
    return f"#!/bin/sh\n{script_body(program, body, mend)}"


def script_body(program: str, body: str, mend: str) -> str:
    """Return the lines of such a script below its first.

    Args:
        program: The absolute path of the program.
        body: What the script does.
        mend: What to do where the program is missing.
    """
    fault = shlex.quote(f"crossenv: error: {program} is missing")
    return (
        f"if ! [ -x {shlex.quote(program)} ]; then\n"
        f"  printf '%s\\n' {fault} {shlex.quote(f'crossenv: hint: {mend}')} >&2\n  exit 2\nfi\n{body}\n"
    )

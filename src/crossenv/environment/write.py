"""Makes the environment that a plan describes, or nothing."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator
from importlib.resources import files as package_files
from pathlib import Path

from crossenv.environment.cross_prefix import host_side_in
from crossenv.environment.isolation_base import BASE, START_FILES, link_standard_library
from crossenv.environment.plan import Plan
from crossenv.errors import BuildError, CrossenvError, UsageError
from crossenv.record import RECORD_NAME

# Stands in a directory from the first moment of a creation to its last: what has it is ours to clear.
MARKER = ".crossenv-creating"

# Run by the build Python: its marshal format and byte code are what the shim will read. Paths come on stdin.
_COMPILE = """
import json, marshal, os, py_compile, sys
job = json.load(sys.stdin)
with open(job["facts_file"], "wb") as file:
    marshal.dump(job["facts"], file)
for path in job["sources"]:
    py_compile.compile(path, doraise=True)
"""


def write_environment(root: Path, make_plan: Callable[[], Plan], *, clear: bool, keep: Collection[str] = ()) -> Plan:
    """Make the environment that `make_plan` plans, in `root`.

    The record is written last: until then nothing takes the directory for an environment. A failure removes what was
    made; a process that is killed leaves a directory that the next creation clears.

    Args:
        root: The environment's directory.
        make_plan: Called when `root` is ours and empty; it may put the host's own files there.
        clear: Whether an environment that is already there is removed first.
        keep: Of "build" and "cross", the sides of it that keep what is installed in them. They also stay if the
            creation fails.

    Returns:
        The plan.

    Raises:
        UsageError: The directory is in use, not ours to clear, or cannot be written.
        BuildError: virtualenv failed.
    """
    made = _make_directory(root)
    try:
        with _locked(root):
            _require_free(root, clear=clear, keep=keep)
            _empty(root, keep)
            (root / MARKER).touch()
            try:
                plan = make_plan()
                prefix = plan.options.cross_prefix
                if prefix is not None and not (root / "cross").is_symlink():
                    # One that was kept is of no more use.
                    shutil.rmtree(root / "cross", ignore_errors=True)
                with host_side_in(prefix, clear=clear and "cross" not in keep) if prefix else contextlib.nullcontext():
                    _fill(plan)
                    # The marker becomes the record: there is no moment with both or neither.
                    (root / MARKER).write_text(plan.record.to_json(), encoding="utf-8")
                    (root / MARKER).replace(root / RECORD_NAME)
            except BaseException:
                _empty(root, keep)
                raise
    except BaseException as error:
        for directory in made:
            with contextlib.suppress(OSError):
                directory.rmdir()
        if isinstance(error, OSError):
            raise UsageError(
                f"{root} cannot be written: {error.strerror or error}",
                hint="name a directory that you may write to, on a disk with room",
            ) from None
        raise
    return plan


def check_destination(root: Path, *, clear: bool, keep: Collection[str] = ()) -> None:
    """Refuse a destination that `write_environment` would refuse, before any work is done.

    Raises:
        UsageError: There is something else, or an environment and `clear` is not set.
    """
    if root.exists() and not root.is_dir():
        raise UsageError(f"{root} is not a directory", hint="name a directory that does not exist yet")
    if os.pathsep in str(root) or "\n" in str(root):
        raise UsageError(f"{str(root)!r} holds a character that PATH cannot", hint="name another directory")
    if root.is_dir():
        _require_free(root, clear=clear, keep=keep)


def _make_directory(root: Path) -> list[Path]:
    """Make `root` with its parents; what was made, innermost first."""
    made: list[Path] = []
    missing = [path for path in (root, *root.parents) if not path.exists()]
    try:
        for path in reversed(missing):
            path.mkdir(exist_ok=True)
            made.insert(0, path)
    except OSError as error:
        for path in made:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise UsageError(
            f"{root} cannot be made: {error.strerror}", hint="name a directory that you may write to"
        ) from None
    return made


@contextlib.contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Hold the directory itself: a lock that ends with the process and leaves no file."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"another `crossenv create` is at work in {root}", hint="wait for it, or name another directory"
            ) from None
        yield
    finally:
        os.close(descriptor)


def _require_free(root: Path, *, clear: bool, keep: Collection[str]) -> None:
    try:
        names = {entry.name for entry in os.scandir(root)}
    except OSError as error:
        raise UsageError(f"{root} cannot be read: {error.strerror}", hint="check its permissions") from None
    if not names or MARKER in names:
        return
    if RECORD_NAME not in names and (root / "bin/cross-expose").exists() and (root / "build/pyvenv.cfg").exists():
        if clear and not keep:
            return
        raise UsageError(
            f"{root} was made by crossenv 1, and what is installed in it cannot be kept",
            hint="make it anew with --clear (from the older command line with --clear-both)",
        )
    if RECORD_NAME not in names:
        raise UsageError(f"{root} is not empty and no cross environment", hint="name another directory")
    if not clear:
        raise UsageError(f"{root} is already a cross environment", hint="make it anew with --clear")


def _empty(root: Path, keep: Collection[str] = ()) -> None:
    """Remove everything below `root`: the record first and the marker last, so that it never looks finished.

    Where directories are kept, so is the marker.
    """
    last = root / MARKER
    if any(os.scandir(root)) and not last.exists():
        last.touch()
    with contextlib.suppress(FileNotFoundError):
        (root / RECORD_NAME).unlink()
    for entry in list(os.scandir(root)):
        if entry.name == MARKER or (entry.name in keep and entry.is_dir(follow_symlinks=False)):
            continue
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            Path(entry.path).unlink()
    with contextlib.suppress(FileNotFoundError):
        if not any((root / name).exists() for name in keep):
            last.unlink()


def _fill(plan: Plan) -> None:
    root, record = plan.root, plan.record
    build_seed = () if record.build_pip else ("--no-seed",)
    seed = () if record.pip else ("--no-seed",)
    site = ("--system-site-packages",) if plan.options.system_site_packages else ()
    _virtualenv(plan, root, "--no-seed", f"--prompt={record.prompt}")
    _virtualenv(plan, root / "build", *build_seed, *site, "--activators", "")
    if record.cross_prefix is not None:
        (root / "cross").symlink_to(record.cross_prefix)
    _virtualenv(plan, root / "cross", *seed, "--activators", "")
    for side in (root, root / "cross"):
        with (side / "pyvenv.cfg").open("a", encoding="utf-8") as file:
            # The shim tells by it a side that was moved away from its environment from one that never was in any.
            file.write(f"crossenv = {root}\n")
    shutil.rmtree(root / "lib")
    (root / "lib").mkdir()
    for name, text in plan.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if path.parent.name == "bin" and path.suffix != ".conf":
            path.chmod(0o755)
    for name, source in plan.copies.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, root / name)
    for name, target in plan.links.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)
    link_standard_library(root, plan.build)
    _link_headers(plan)
    _link_pip_cache(plan)
    _install_shim(plan)


def _virtualenv(plan: Plan, directory: Path, *arguments: str) -> None:
    from virtualenv import cli_run

    common = ["--no-download", "--no-periodic-update", "--no-vcs-ignore", "--no-setuptools", "--symlinks"]
    if "--no-seed" in arguments:
        common.remove("--no-setuptools")
    try:
        cli_run([str(directory), "--python", plan.record.build.python, *common, *arguments], setup_logging=False)
    except (RuntimeError, SystemExit, subprocess.SubprocessError) as error:
        raise BuildError(
            f"virtualenv could not make {directory}: {error}", hint="try `virtualenv` by hand to see why"
        ) from None


def _link_headers(plan: Plan) -> None:
    """Bring headers that lie in other places together where `sysconfig` looks for them."""
    if not plan.header_farm:
        return
    farm = Path(plan.record.host.include_dirs[0])
    farm.mkdir(parents=True)
    for directory in plan.header_farm:
        for entry in os.scandir(directory):
            link = farm / entry.name
            if not os.path.lexists(link):
                link.symlink_to(entry.path)


def _link_pip_cache(plan: Plan) -> None:
    """Share pip's downloads with the user's cache, and nothing else of it: its key for wheels has no platform."""
    if not plan.options.pip:
        return
    cache = Path(plan.record.pip_cache)
    cache.mkdir(parents=True)
    users = plan.options.user_pip_cache
    if users is None:
        return
    # Without a writable cache of the user's, pip makes one of its own in the environment.
    with contextlib.suppress(OSError):
        (users / "http-v2").mkdir(parents=True, exist_ok=True)
        (cache / "http-v2").symlink_to(users / "http-v2")


def _install_shim(plan: Plan) -> None:
    """Copy the shim verbatim, and give it its facts and byte code."""
    site_packages = Path(plan.record.host.site_packages)
    runtime = package_files("crossenv").joinpath("shim")
    package = site_packages / "_crossenv"
    # That of an earlier creation, where the host side was kept.
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir()
    sources = [plan.record.host.sysconfigdata]
    for entry in runtime.joinpath("_crossenv").iterdir():
        if entry.name.endswith(".py"):
            (package / entry.name).write_bytes(entry.read_bytes())
            sources.append(str(package / entry.name))
    for name in START_FILES:
        (site_packages / name).write_bytes(runtime.joinpath(name).read_bytes())
    sources += map(str, (plan.root / BASE).glob("lib*/python*/sitecustomize/__init__.py"))
    job = {"facts": plan.facts, "facts_file": str(package / "facts.marshal"), "sources": sources}
    try:
        subprocess.run(
            [plan.record.build.python, "-I", "-S", "-c", _COMPILE],
            input=json.dumps(job),
            text=True,
            check=True,
            capture_output=True,
            encoding="utf-8",
        )
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or [f"exit status {error.returncode}"]
        raise CrossenvError(f"the start-up shim could not be compiled: {lines[-1]}") from None

"""Make a planned environment, completely or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files as package_files
from pathlib import Path, PurePath

from crossenv.children import run_text
from crossenv.environment.cross_prefix import OWN, is_own
from crossenv.environment.exchange import (
    NEW,
    SCRATCH,
    Move,
    carry_out,
    is_interrupted,
    moves_in,
    scratch_in,
    staged,
    take_back,
)
from crossenv.environment.facts import shim_facts
from crossenv.environment.isolation_base import BASE, START_FILES, link_standard_library
from crossenv.environment.pip_image import PipImage
from crossenv.environment.plan import Plan
from crossenv.errors import BuildError, CrossenvError, UsageError, reason_of
from crossenv.files import is_utf8, locked, write_tree
from crossenv.record import RECORD_NAME

_TRACED = re.compile(r"OSError: \[Errno (?P<number>\d+)\] (?P<reason>.*)")
# PATH, or the commands and files of setuptools, Meson and CMake, break on these, whatever the quoting.
_NOT_IN_PATHS = (os.pathsep, "'", '"', "\\", "$", ";", "\n", "\r")

# Run by the build Python, so that marshal's format and the byte code are the right ones. Paths come on stdin.
_COMPILE = """
import json, marshal, os, py_compile, sys
job = json.load(sys.stdin)
with open(job["facts_file"], "wb") as file:
    marshal.dump(job["facts"], file)
for path, shown in job["sources"].items():
    py_compile.compile(path, dfile=shown, doraise=True)
"""


def write_environment(plan: Plan, *, clear: bool, keep: Collection[str] = ()) -> None:
    """Make the planned environment.

    It is made beside the old one and put in its place at the end. A failure leaves everything as it was; after a killed
    process the next creation restores that.

    Args:
        plan: The plan.
        clear: Whether to replace an environment that is already there.
        keep: The sides, "build" or "cross", that keep their packages.

    Raises:
        UsageError: The directory is in use, is not ours to clear, or cannot be written.
        BuildError: virtualenv failed.
    """
    root, prefix = plan.root, plan.options.cross_prefix
    places = (root,) if prefix is None else (prefix, root)
    made: list[Path] = []
    try:
        with contextlib.ExitStack() as stack:
            for place in places:
                made = [*_make_directory(place), *made]
            stack.enter_context(_locked(root))
            take_back(root)
            found = check_destination(root, clear=clear, keep=keep, beside=plan.options.beside)
            if found != plan.record.found:
                raise UsageError(f"{root} has changed in the meantime", hint="run the command again")
            names = {entry.name for entry in os.scandir(root)}
            kept = {name for name in keep if _keeps(root / name, prefix)}
            own = prefix is not None and is_own(prefix)
            for place in places:
                stack.enter_context(scratch_in(place))
            _fill(plan, kept)
            if own:
                (staged(places[0]) / OWN).touch()
            carry_out(places, _moves(plan, names - kept - set(found), own=own and clear and "cross" not in keep))
    except BaseException as error:
        for directory in made:
            with contextlib.suppress(OSError):
                directory.rmdir()
        if isinstance(error, OSError):
            raise UsageError(
                f"{root} cannot be written: {reason_of(error)}",
                hint="name a directory that you may write to, on a disk with room",
            ) from None
        raise


def _keeps(side: Path, prefix: Path | None) -> bool:
    """Whether a side can be kept; a host side that moves cannot."""
    return side.is_dir() and not side.is_symlink() and not (side.name == "cross" and prefix is not None)


def _moves(plan: Plan, removed: Collection[str], *, own: bool) -> list[Move]:
    """Yield the renames that put the environment in place; `own` replaces its whole prefix."""
    prefix = plan.options.cross_prefix
    shim = f"{_site_packages(plan)}/_crossenv"
    moves: list[Move] = []
    if prefix is not None:
        gone = [entry.name for entry in os.scandir(prefix) if own and entry.name != SCRATCH]
        moves = moves_in(prefix, removed=gone, whole=(shim,))
    # Files that are older than the environment are not replaced.
    first = not removed and bool(plan.record.found)
    return moves + moves_in(plan.root, removed=removed, whole=(f"cross/{shim}",), last=RECORD_NAME, replace=not first)


def _site_packages(plan: Plan) -> Path:
    """The host side's site directory, below the host side."""
    return Path(plan.record.host.site_packages).relative_to(plan.root / "cross")


def check_destination(root: Path, *, clear: bool, keep: Collection[str] = (), beside: bool = False) -> tuple[str, ...]:
    """Refuse a destination that cannot be used, before any work is done.

    Args:
        root: The environment's directory.
        clear: Whether to replace an existing environment.
        keep: The sides to keep.
        beside: Whether to accept other files.

    Returns:
        The entries that are older than any environment; they stay.

    Raises:
        UsageError: It is a broken link, there are other files, or an environment and `clear` is not set.
    """
    if root.is_symlink() and not root.exists():
        raise UsageError(
            f"{root} is a broken link: {root.readlink()} does not exist",
            hint=f"remove the link (rm {shlex.quote(str(root))}), make what it leads to, or name another directory",
        )
    if root.exists() and not root.is_dir():
        raise UsageError(f"{root} is not a directory", hint="name a directory that does not exist yet")
    if not is_utf8(str(root)):
        raise UsageError(f"{str(root)!r} is not UTF-8", hint="name another directory")
    wrong = [character for character in _NOT_IN_PATHS if character in str(root)]
    if wrong:
        raise UsageError(
            f"{str(root)!r} holds {' and '.join(map(repr, wrong))}, which build tools take apart",
            hint="name a directory without quotation marks, backslashes, dollars, colons, semicolons and line breaks",
        )
    if not root.is_dir():
        return ()
    try:
        names = {entry.name for entry in os.scandir(root)}
    except OSError as error:
        raise UsageError(f"{root} cannot be read: {error.strerror}", hint="check its permissions") from None
    if RECORD_NAME in names:
        if not clear:
            raise UsageError(f"{root} is already a cross environment", hint="make it anew with --clear")
        return tuple(sorted(names.intersection(_found_before(root))))
    names.discard(SCRATCH)
    # Renames are in progress or were interrupted; only the holder of the lock can tell.
    if not names or is_interrupted(root):
        return ()
    if (root / "bin/cross-expose").exists() and (root / "build/pyvenv.cfg").exists():
        if clear and not keep:
            return ()
        raise UsageError(
            f"{root} was made by crossenv 1, and what is installed in it cannot be kept",
            hint="make it anew with --clear (from the older command line with --clear-both)",
        )
    if not beside:
        raise UsageError(
            f"{root} is not empty and no cross environment",
            hint="name another directory, or add --allow-non-empty to keep what is there beside the environment",
        )
    return tuple(sorted(names))


def _found_before(root: Path) -> Collection[str]:
    """Return the entries that are older than the environment, by its record of any schema."""
    with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
        return {str(name) for name in json.loads((root / RECORD_NAME).read_text(encoding="utf-8")).get("found", ())}
    return ()


def _make_directory(root: Path) -> list[Path]:
    """Make `root` with its parents; return the new directories, innermost first."""
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
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(root, wait=False))
        except BlockingIOError:
            raise UsageError(
                f"another `crossenv create` is at work in {root}", hint="wait for it, or name another directory"
            ) from None
        yield


def _fill(plan: Plan, kept: Collection[str]) -> None:
    """Make the environment in scratch directories; `kept` are the sides whose packages stay."""
    root, record = staged(plan.root), plan.record
    _virtualenv(plan, root, "--no-seed", f"--prompt={record.prompt}")
    library = _site_packages(plan)
    cache = plan.options.user_cache
    pip = PipImage(cache, Path(record.build.python), library, os.environ) if cache is not None else None
    pip_less: list[tuple[Path, Path]] = []
    for side, has_pip in (("build", record.build_pip), ("cross", record.pip)):
        place, final = root / side, plan.root / side
        if side == "cross" and plan.options.cross_prefix is not None:
            place.symlink_to(plan.options.cross_prefix)
            place, final = staged(plan.options.cross_prefix), plan.options.cross_prefix
        wants_pip = has_pip and not (side in kept and (plan.root / side / library / "pip").is_dir())
        sees_more = side == "build" and plan.options.system_site_packages
        if not wants_pip:
            _derive(root, place, final, system_site_packages=sees_more)
        elif pip is not None and pip.is_usable():
            _derive(root, place, final, system_site_packages=sees_more)
            pip_less.append((place, final))
        else:
            more = ("--system-site-packages",) if sees_more else ()
            _virtualenv(plan, place, *more, "--activators", "")
            if pip is not None:
                pip.keep(place)
        if side == "cross":
            with (place / "pyvenv.cfg").open("a", encoding="utf-8") as file:
                # By this line the shim recognises a host side that was moved away from its environment.
                file.write(f"crossenv = {plan.root}\n")
    shutil.rmtree(root / "lib")
    (root / "lib").mkdir()
    write_tree(
        {root / name: content for name, content in plan.files.items()},
        executable={root / name for name in plan.files if _is_program(name)},
    )
    with ThreadPoolExecutor(1) as pool:
        # The build Python compiles the shim while this process writes the other files.
        shim = pool.submit(_install_shim, plan)
        if pip is not None:
            for place, final in pip_less:
                pip.install(place, final / "bin/python")
        for name, source in plan.copies.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, root / name)
        for name, target in plan.links.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(target)
        link_standard_library(root, plan.build)
        _link_headers(plan)
        _link_pip_cache(plan)
        shim.result()
    (root / RECORD_NAME).write_text(record.to_json(), encoding="utf-8")


def _derive(root: Path, place: Path, final: Path, *, system_site_packages: bool) -> None:
    """Make a side like the virtual environment in `root`, without activation scripts; a second virtualenv run is slow.

    Args:
        root: The virtual environment.
        place: The directory in which the side is made.
        final: Its final directory.
        system_site_packages: Whether it sees the build Python's packages.
    """
    place.mkdir(exist_ok=True)
    for path in [path for path in root.iterdir() if path.name not in ("build", "cross")]:
        if path.is_symlink() or path.is_file():
            shutil.copy2(path, place / path.name, follow_symlinks=False)
        elif path.name != "bin":
            shutil.copytree(path, place / path.name, symlinks=True)
    (place / "bin").mkdir()
    for path in (root / "bin").iterdir():
        # The interpreter and its links; activation scripts are files.
        if path.is_symlink() or os.access(path, os.X_OK):
            shutil.copy2(path, place / "bin" / path.name, follow_symlinks=False)
    lines = []
    for line in (root / "pyvenv.cfg").read_text(encoding="utf-8").splitlines():
        key = line.partition("=")[0].strip()
        if key == "include-system-site-packages":
            lines.append(f"{key} = {str(system_site_packages).lower()}")
        elif key == "command":
            lines.append(f"{line.rpartition(' ')[0]} {final}")
        elif key != "prompt":
            lines.append(line)
    (place / "pyvenv.cfg").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _is_program(name: str) -> bool:
    return PurePath(name).parent.name == "bin" and not name.endswith(".conf")


def _virtualenv(plan: Plan, directory: Path, *arguments: str) -> None:
    from virtualenv import cli_run

    common = ["--no-download", "--no-periodic-update", "--no-vcs-ignore", "--no-setuptools", "--symlinks"]
    if "--no-seed" in arguments:
        common.remove("--no-setuptools")
    try:
        cli_run([str(directory), "--python", plan.record.build.python, *common, *arguments], setup_logging=False)
    except (RuntimeError, SystemExit, subprocess.SubprocessError) as error:
        reason = (str(error).strip().splitlines() or ["it gave no reason"])[-1]
        if match := _TRACED.match(reason):
            # virtualenv reports an exception of a thread as the text of a traceback.
            raise OSError(int(match["number"]), match["reason"]) from None
        raise BuildError(
            f"virtualenv could not make an environment of {plan.record.build.python}: {reason}",
            hint="try `virtualenv` by hand to see why",
        ) from None
    # Its files contain the scratch path. However that is quoted, its end reads as here.
    scratch = f"/{SCRATCH}/{NEW}".encode()
    for path in (directory / "pyvenv.cfg", *(directory / "bin").iterdir()):
        if not path.is_symlink() and scratch in (data := path.read_bytes()):
            path.write_bytes(data.replace(scratch, b""))


def _staged_path(plan: Plan, path: str) -> Path:
    """Return the scratch path of a path in the environment."""
    return staged(plan.root) / Path(path).relative_to(plan.root)


def _link_headers(plan: Plan) -> None:
    """Link headers from several directories into the one that `sysconfig` names."""
    if not plan.header_farm:
        return
    farm = _staged_path(plan, plan.record.host.include_dirs[0])
    farm.mkdir(parents=True)
    for directory in plan.header_farm:
        for entry in os.scandir(directory):
            link = farm / entry.name
            if not os.path.lexists(link):
                link.symlink_to(entry.path)


def _link_pip_cache(plan: Plan) -> None:
    """Share pip's downloads with the user's cache, but not its wheels, whose keys lack the platform."""
    if not plan.options.pip:
        return
    cache = _staged_path(plan, plan.record.pip_cache)
    cache.mkdir(parents=True)
    users = plan.options.user_pip_cache
    if users is None:
        return
    # If the user's cache cannot be written, pip makes its own in the environment.
    with contextlib.suppress(OSError):
        (users / "http-v2").mkdir(parents=True, exist_ok=True)
        (cache / "http-v2").symlink_to(users / "http-v2")


def _install_shim(plan: Plan) -> None:
    """Copy the shim verbatim, and give it its facts and byte code."""
    root, prefix = staged(plan.root), plan.options.cross_prefix
    site_packages = (root / "cross" if prefix is None else staged(prefix)) / _site_packages(plan)
    shim = package_files("crossenv").joinpath("shim")
    package = site_packages / "_crossenv"
    package.mkdir()
    # The files to compile, and the paths that tracebacks will show.
    sources = {str(_staged_path(plan, plan.record.host.sysconfigdata)): plan.record.host.sysconfigdata}
    for entry in shim.joinpath("_crossenv").iterdir():
        if entry.name.endswith(".py"):
            (package / entry.name).write_bytes(entry.read_bytes())
            sources[str(package / entry.name)] = f"{plan.record.host.site_packages}/_crossenv/{entry.name}"
    for name in START_FILES:
        (site_packages / name).write_bytes(shim.joinpath(name).read_bytes())
    for path in (root / BASE).glob("lib*/python*/sitecustomize/__init__.py"):
        sources[str(path)] = str(plan.root / path.relative_to(root))
    job = {"facts": shim_facts(plan.record), "facts_file": str(package / "facts.marshal"), "sources": sources}
    try:
        run_text([plan.record.build.python, "-I", "-S", "-c", _COMPILE], given=json.dumps(job)).check_returncode()
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or [f"exit status {error.returncode}"]
        raise CrossenvError(f"the start-up shim could not be compiled: {lines[-1]}") from None

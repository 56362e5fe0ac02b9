"""Converts a Python installation: builds with its interpreter, through any front end, are then for the target.

For containers that are thrown away (cibuildwheel's), where the front end names the interpreter. The environment is made
inside the installation, and two files start the shim: a `.pth` file in its site directory, which pip's isolated builds
obey, and a `sitecustomize` in its standard library, which the virtual environments of `build` and uv share. What
stands where, and how the directories looked before, is written down, so that all of it can be taken back.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

from crossenv.children import run_text
from crossenv.codec import WrongValueError, decode, encode
from crossenv.environment.isolation_base import START_FILES
from crossenv.errors import BuildError, UsageError, reason_of
from crossenv.files import write_file
from crossenv.record import RECORD_NAME

# Both below the installation's prefix: the environment, and what was done to the installation.
HOME = "crossenv"
MANIFEST = f"{HOME}/in-place.json"
SCHEMA = 1

_ASK = """
import json, os, sys, sysconfig
from importlib.machinery import PathFinder
found = PathFinder.find_spec("sitecustomize", [entry for entry in sys.path if entry])
print(json.dumps({
    "executable": sys.executable,
    "prefix": sys.prefix,
    "base_prefix": sys.base_prefix,
    "library": sysconfig.get_path("stdlib"),
    "site": sysconfig.get_path("purelib"),
    "customisation": found.origin or "" if found else "",
    "searched": sys.path,
}))
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Installation:
    """An interpreter's installation, as it says itself.

    Attributes:
        executable: The interpreter.
        prefix: Its `sys.prefix`.
        library: Where its standard library is.
        site: Its site directory.
        customisation: The `sitecustomize` that it starts with; None for none.
    """

    executable: Path
    prefix: Path
    library: Path
    site: Path
    customisation: Path | None

    @property
    def home(self) -> Path:
        """Where the environment is, if it is converted."""
        return self.prefix / HOME

    @property
    def places(self) -> tuple[Path, ...]:
        """What a conversion puts into it besides."""
        own = (self.library / "_crossenv", self.library / "sitecustomize")
        return (*own, *(self.site / name for name in ("_crossenv", *START_FILES)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """What was done to an installation.

    Attributes:
        schema: The format's number, `SCHEMA`.
        python: The interpreter.
        target: What it builds for, for people.
        request: What was asked for; the same once more changes nothing.
        placed: What was put into the installation, besides its `crossenv` directory.
        directories: The directories that changed: their time of change in nanoseconds, and a digest of the names in
            them, as they were.
    """

    schema: int
    python: str
    target: str
    request: Mapping[str, Any]
    placed: tuple[str, ...]
    directories: Mapping[str, tuple[int, str]]


def read_installation(python: Path) -> Installation:
    """Ask an interpreter about itself.

    Raises:
        UsageError: It cannot be run, or is that of a virtual environment.
    """
    try:
        done = run_text([python, "-I", "-c", _ASK])
        done.check_returncode()
        answers = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        said = error.stderr.strip().splitlines() if isinstance(error, subprocess.CalledProcessError) else []
        raise UsageError(
            f"{python} cannot be asked about itself: {said[-1] if said else error}", hint="name a working Python"
        ) from None
    if answers["prefix"] != answers["base_prefix"]:
        raise UsageError(
            f"{python} belongs to the virtual environment {answers['prefix']}",
            hint=f"name the installation's own interpreter, below {answers['base_prefix']}",
        )
    installation = Installation(
        executable=Path(answers["executable"]),
        prefix=Path(answers["prefix"]),
        library=Path(answers["library"]),
        site=Path(answers["site"]),
        customisation=Path(answers["customisation"]) if answers["customisation"] else None,
    )
    if str(installation.site) not in answers["searched"]:
        raise UsageError(
            f"{python} does not look into its site directory {installation.site}", hint="use another Python"
        )
    return installation


def find_converted(environ: Mapping[str, str], own_prefix: Path) -> Path | None:
    """Return the environment of the converted installation that is in use here; None for none.

    Args:
        environ: The environment: the first `python` on its PATH counts, or what that one was made from.
        own_prefix: The `sys.base_prefix` of this process, which counts next.
    """
    prefixes = []
    found = shutil.which("python", path=environ.get("PATH", os.defpath))
    if found is not None:
        prefix = Path(found).parent.parent
        prefixes.append(prefix)
        with contextlib.suppress(OSError):
            lines = (prefix / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
            homes = [line.partition("=")[2].strip() for line in lines if line.partition("=")[0].strip() == "home"]
            prefixes += [Path(home).parent for home in homes]
    for prefix in (*prefixes, own_prefix):
        if (prefix / MANIFEST).is_file() and (prefix / HOME / RECORD_NAME).is_file():
            return prefix / HOME
    return None


def read_conversion(installation: Installation) -> Conversion | None:
    """Return what was done to an installation; None if it is as it was installed.

    Raises:
        UsageError: What was written down about it cannot be read.
    """
    path = installation.prefix / MANIFEST
    hint = "throw the container away; or remove what is named crossenv in the installation by hand"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        conversion = decode(Conversion, data)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, WrongValueError) as error:
        raise UsageError(f"{path} cannot be read: {reason_of(error)}", hint=hint) from None
    if conversion.schema != SCHEMA:
        raise UsageError(f"{path} is of schema {conversion.schema}; this crossenv reads {SCHEMA}", hint=hint)
    return conversion


def is_whole(conversion: Conversion, installation: Installation) -> bool:
    """Whether all that the conversion put in place is still there."""
    return all(Path(name).exists() for name in conversion.placed) and (installation.home / RECORD_NAME).is_file()


def plan_conversion(installation: Installation, *, target: str, request: Mapping[str, Any]) -> Conversion:
    """Decide what will be put where, and look at what will change; call it before anything has.

    Raises:
        UsageError: The installation may not be written to, or something else is where ours would be.
    """
    for path in installation.places:
        if os.path.lexists(path):
            raise UsageError(f"{path} is there already, and not by `crossenv create --in-place`", hint="remove it")
    directories = (installation.prefix, installation.library, installation.site)
    for directory in directories:
        if not os.access(directory, os.W_OK):
            raise UsageError(
                f"{directory} cannot be written to", hint="run as the user that the installation belongs to"
            )
    return Conversion(
        schema=SCHEMA,
        python=str(installation.executable),
        target=target,
        request=request,
        placed=tuple(map(str, installation.places)),
        directories={str(path): (path.stat().st_mtime_ns, _names_in(path)) for path in dict.fromkeys(directories)},
    )


def convert(installation: Installation, conversion: Conversion, shim: Path) -> None:
    """Have the installation start the shim of the environment that was made in it.

    Args:
        installation: What to convert.
        conversion: The plan.
        shim: The environment's `_crossenv` directory.

    Raises:
        BuildError: It does not start as it should then; all is undone.
    """
    manifest = installation.prefix / MANIFEST
    write_file(manifest, encode(conversion))
    runtime = package_files("crossenv").joinpath("shim")
    try:
        for directory in (installation.library, installation.site):
            (directory / "_crossenv").symlink_to(os.path.relpath(shim, directory.resolve()))
        package = installation.library / "sitecustomize"
        package.mkdir()
        start = runtime.joinpath("_crossenv/start_isolated.py").read_bytes()
        (package / "__init__.py").write_bytes(start)
        if installation.customisation is not None:
            (package / "of_the_installation.py").symlink_to(installation.customisation)
        # Here, not at the first start: it may be under another user or with a read-only disk.
        _run(installation, "-m", "compileall", "-q", str(package))
        for name in START_FILES:
            (installation.site / name).write_bytes(runtime.joinpath(name).read_bytes())
        answer = "import sys, _crossenv; print(_crossenv.place, _crossenv.role, end='')"
        said = _run(installation, "-I", "-c", answer)
        if said != "in-place build":
            raise BuildError(f"{installation.executable} does not start as a converted Python: {said!r}")
    except BaseException as error:
        undo(installation, conversion)
        if isinstance(error, OSError):
            raise UsageError(
                f"{error.filename or installation.prefix} cannot be written: {reason_of(error)}",
                hint="make room, and see that the installation may be written to",
            ) from None
        raise


def undo(installation: Installation, conversion: Conversion) -> None:
    """Make the installation what it was before; the interpreter is native first and clean then."""
    for name in reversed(conversion.placed):
        path = Path(name)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    remove_home(installation)
    for name, (time, names) in conversion.directories.items():
        directory = Path(name)
        # What somebody else has put there since is younger.
        if directory.is_dir() and _names_in(directory) == names:
            os.utime(directory, ns=(directory.stat().st_atime_ns, time))


def remove_home(installation: Installation) -> None:
    """Remove the environment in the installation, also one whose creation was interrupted."""
    if installation.home.is_dir():
        # While there is a manifest, an undoing that is interrupted can be taken up again.
        manifest = installation.prefix / MANIFEST
        for entry in list(os.scandir(installation.home)):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            elif entry.path != str(manifest):
                Path(entry.path).unlink()
        shutil.rmtree(installation.home)


def _names_in(directory: Path) -> str:
    return hashlib.sha256(
        "\0".join(sorted(entry.name for entry in directory.iterdir())).encode(errors="surrogateescape")
    ).hexdigest()


def _run(installation: Installation, *words: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CROSSENV_", "PYTHON"))}
    done = run_text([installation.executable, *words], environment=environment)
    if done.returncode or done.stderr:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise BuildError(f"{installation.executable} does not start as a converted Python: {lines[0]}")
    return done.stdout

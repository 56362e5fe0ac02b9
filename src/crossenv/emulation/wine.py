"""Run Windows programs here, under wine."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path

from crossenv.binaries import FORMATS
from crossenv.children import run_text
from crossenv.emulation.model import Command
from crossenv.emulation.wine_run import end_server
from crossenv.errors import EmulatorError
from crossenv.files import locked
from crossenv.platforms.architectures import PE, Identity
from crossenv.platforms.windows import WINDOWS
from crossenv.pythons.windows_layout import WindowsPython, find_windows_python
from crossenv.report import Reporter
from crossenv.targets import Target

# No messages, no debugger, and none of the parts that wine would offer to download; nothing of them is needed.
_SETTINGS = {"WINEDEBUG": "-all", "WINEDLLOVERRIDES": "winedbg.exe=;mscoree=;mshtml=;winewayland.drv="}
# Without them wine opens no window.
_SCREEN = ("DISPLAY", "WAYLAND_DISPLAY")
# Debian's `wine` is a shell script that chooses; its programs are elsewhere.
PLACES = ("/usr/lib/wine", "/opt/wine-stable/bin", "/opt/wine-devel/bin")
_NAMES = ("wine64", "wine")
# What programs it runs, by this machine.
_FITS = {"x86_64": ("x86_64", "i686"), "aarch64": ("aarch64",), "i686": ("i686",)}
# Where in the file system Debian's and WineHQ's packages have what 32-bit programs need.
_PARTS_32 = ("usr/lib/i386-linux-gnu/wine/i386-unix", "usr/lib*/wine/i386-unix", "opt/wine-*/lib*/wine/i386-windows")
NAME_A_PYTHON = (
    "name the directory of one with --host-root: an installation, an unpacked embeddable zip or NuGet package"
)
_INSTALL = "install it (Debian, Ubuntu: apt-get install wine64; Fedora: dnf install wine-core)"
_INSTALL_32 = "install its 32-bit part (Debian, Ubuntu: dpkg --add-architecture i386, then apt-get install wine32:i386)"
_PYTHON = re.compile(r"python(?P<version>3(?:\.\d+)?)?t?(?:\.exe)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wine:
    """A wine that is installed here.

    Attributes:
        program: What starts programs.
        server: Its server.
        version: "8.0".
    """

    program: Path
    server: Path
    version: str

    @property
    def old(self) -> bool:
        """Whether functions are missing in it that Python calls."""
        return self.version.partition(".")[0] in ("6", "7", "8", "9")


@dataclass(frozen=True, kw_only=True, slots=True)
class WineSession:
    """Everything it takes to start a Windows program.

    Attributes:
        wine: The wine.
        prefix: The directory that it has set up.
        python: The target's Python.
        site_packages: The packages that it sees, besides its own.
        scripts: Their scripts.
    """

    wine: Wine
    prefix: Path
    python: WindowsPython
    site_packages: Path
    scripts: Path


def find_wine(identity: Identity, *, given: str | None, environ: Mapping[str, str]) -> Wine:
    """Find wine: the given one, or on PATH.

    Raises:
        EmulatorError: There is none, or none for that machine.
    """
    if identity.machine not in _FITS.get(platform.machine(), ()):
        raise EmulatorError(
            f"wine on {platform.machine()} does not run programs for Windows on {identity}",
            hint="`crossenv audit` looks at such wheels; run them on a machine of that kind",
        )
    path = os.pathsep.join((environ.get("PATH", os.defpath), *PLACES))
    names = (given,) if given else _NAMES
    found = next((one for name in names if (one := shutil.which(name, path=path))), None)
    if found is None:
        problem = (
            f"there is no program {given}" if given else "running programs for Windows needs wine, and there is none"
        )
        raise EmulatorError(problem, hint=_INSTALL)
    program = Path(found).resolve()
    server = next(
        (
            Path(one)
            for name in ("wineserver64", "wineserver")
            if (one := shutil.which(name, path=os.pathsep.join((str(program.parent), path))))
        ),
        None,
    )
    if server is None:
        raise EmulatorError(f"there is no wineserver beside {program}", hint=_INSTALL)
    match = re.search(r"wine-(\d+(?:\.\d+)*)", run_text([program, "--version"]).stdout)
    return Wine(program=program, server=server, version=match[1] if match else "unknown")


def wine_name(target: Target, search_path: str) -> str | None:
    """The wine on `search_path` that runs programs for `target`; None if there is none."""
    if target.system != WINDOWS or target.identity.machine not in _FITS.get(platform.machine(), ()):
        return None
    path = os.pathsep.join((search_path, *PLACES))
    program = next((one for name in _NAMES if (one := shutil.which(name, path=path))), None)
    if program is None or (target.identity.bits == 32 and not any(any(Path("/").glob(one)) for one in _PARTS_32)):
        return None
    return Path(program).name


def open_wine_session(
    directory: Path | None,
    *,
    site_packages: Path,
    scripts: Path,
    identity: Identity,
    version: str = "",
    flags: str = "",
    given: str | None,
    environ: Mapping[str, str],
    cache: Path,
    reporter: Reporter,
) -> WineSession:
    """Open a session with the Python for Windows in `directory`.

    Args:
        directory: Where that Python is; None if the user has named none.
        site_packages: The packages that it sees, besides its own.
        scripts: Their scripts.
        identity: The machine it must be for.
        version: The version it must have; "" for any.
        flags: Its ABI flags.
        given: The wine to use; None to find one.
        environ: The environment.
        cache: The user's cache directory of this tool.
        reporter: Told when wine sets up its directory, which takes a while.

    Raises:
        EmulatorError: There is no wine, or no such Python.
    """
    hint = NAME_A_PYTHON
    wine = find_wine(identity, given=given, environ=environ)
    if directory is None:
        raise EmulatorError("no Python for Windows is named, and none can be fetched", hint=hint)
    python = find_windows_python(directory)
    if python is None or python.program is None:
        raise EmulatorError(f"there is no python.exe in {directory}", hint=hint)
    if python.identity != identity:
        raise EmulatorError(f"{python.program} is for {python.identity}, and the target is {identity}", hint=hint)
    if version and (python.version, python.flags) != (version, flags):
        said, wanted = f"{python.version}{python.flags}", f"{version}{flags}"
        raise EmulatorError(f"{python.program} is Python {said}, and the target's is {wanted}", hint=hint)
    prefix = _prefix(wine, environ, cache, reporter)
    if identity.bits == 32 and not (prefix / "drive_c/windows/syswow64/ntdll.dll").is_file():
        raise EmulatorError(f"{wine.program} does not run 32-bit programs", hint=_INSTALL_32)
    return WineSession(wine=wine, prefix=prefix, python=python, site_packages=site_packages, scripts=scripts)


def wine_command(session: WineSession, words: Sequence[str], environ: Mapping[str, str]) -> Command:
    """Return the command that runs `words` under wine.

    `python`, `python3` and `python3.X` are the target's interpreter; other names are looked up among the scripts of
    its packages, then on PATH. A program of this machine is started as it is.

    Raises:
        EmulatorError: There is no such program.
    """
    program = _resolve(session, words[0], environ.get("PATH", os.defpath))
    if len(program) == 1 and not _is_windows(Path(program[0])):
        return Command(words=(*program, *words[1:]), environment=dict(environ))
    environment = _without(environ, ("PYTHONHOME", "PYTHON_CROSSENV", "CROSSENV_RECORD", "WINEPREFIX", *_SCREEN))
    environment |= {name: environ.get(name, value) for name, value in _SETTINGS.items()}
    # This machine's names of directories mean nothing there; of these two the program may need more.
    gaps = [str(package_files("crossenv").joinpath("emulation/wine_gaps"))] if session.wine.old else []
    places = [*gaps, str(session.site_packages), *filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))]
    environment["PYTHONPATH"] = ";".join(map(windows_path, places))
    environment["TMP"] = environment["TEMP"] = windows_path(environ.get("TMPDIR", "/tmp"))
    job = {
        "wine": str(session.wine.program),
        "server": str(session.wine.server),
        "prefix": str(session.prefix),
        "runs": str(session.prefix.parent),
    }
    runner = str(package_files("crossenv").joinpath("emulation/wine_run.py"))
    start = (sys.executable, "-I", "-S", runner, json.dumps(job))
    return Command(words=(*start, *program, *words[1:]), environment=environment)


def _without(environ: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in names}


def windows_path(path: str) -> str:
    r"""A path of this machine's as programs under wine see it: `Z:\tmp\x`; relative ones stay so."""
    return "Z:" + path.replace("/", "\\") if path.startswith("/") else path.replace("/", "\\")


def _resolve(session: WineSession, name: str, search_path: str) -> list[str]:
    python = session.python
    program = str(python.program)
    if match := _PYTHON.fullmatch(name):
        if match["version"] not in (None, "3", python.version):
            said = f"the target's Python is {python.version}, not {match['version']}"
            raise EmulatorError(said, hint="write `python`")
        return [program]
    if "/" in name:
        path = Path(name)
        if not path.exists():
            raise EmulatorError(f"there is no program {name}", hint="name a file that exists")
        return [program, name] if _is_python_script(path) else [str(path.absolute())]
    for candidate in (name, f"{name}.exe", f"{name}-script.py"):
        path = session.scripts / candidate
        if path.is_file():
            return [str(path)] if _is_windows(path) else [program, str(path)]
    if found := shutil.which(name, path=search_path):
        return [found]
    raise EmulatorError(
        f"there is no program {name} among the host-side packages or on PATH",
        hint="install it for the target (cross-pip install), or write its path",
    )


def _is_windows(path: Path) -> bool:
    with path.open("rb") as file:
        return FORMATS[PE].recognises(file.read(4096))


def _is_python_script(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline(256)
    return path.suffix == ".py" or (first.startswith(b"#!") and b"python" in first)


def _prefix(wine: Wine, environ: Mapping[str, str], cache: Path, reporter: Reporter) -> Path:
    """The directory that this wine has set up, which all runs share the disk of.

    Raises:
        EmulatorError: It cannot be made.
    """
    home = cache / "wine"
    name = f"{wine.version}-{platform.machine()}"
    prefix = home / name / "prefix"
    ready = home / name / "ready"
    if ready.is_file():
        return prefix
    with ExitStack() as stack:
        try:
            prefix.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(home, name))
        except OSError as error:
            raise EmulatorError(
                f"{home} cannot be written: {error.strerror}", hint="put the cache elsewhere with XDG_CACHE_HOME"
            ) from None
        if ready.is_file():
            return prefix
        stack.enter_context(reporter.working(f"wine {wine.version} sets up its directory", slow=True))
        environment = {**_without(environ, _SCREEN), **_SETTINGS, "WINEPREFIX": str(prefix)}
        done = run_text([wine.program, "wineboot", "-i"], environment=environment)
        # Its registry is on disk when the server has ended.
        end_server(str(wine.server), environment)
        if done.returncode or not (prefix / "system.reg").is_file():
            lines = f"{done.stdout}{done.stderr}".strip().splitlines() or [f"exit status {done.returncode}"]
            raise EmulatorError(f"{wine.program} cannot set up {prefix}: {lines[-1]}", hint="try `wineboot` by hand")
        ready.write_text(f"{wine.program}\n", encoding="utf-8")
    return prefix

"""Open the session of a cross environment, or of a target without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path

from crossenv.emulation.command import AnySession
from crossenv.emulation.interpreters import (
    architecture_of_host,
    fetched_interpreter,
    interpreter_in,
    interpreter_of,
)
from crossenv.emulation.model import HostInterpreter, Session
from crossenv.emulation.pyodide import PyodideSession, open_pyodide_session
from crossenv.emulation.qemu import find_emulator
from crossenv.emulation.session import AUTO, open_session
from crossenv.emulation.tree import write_unless_same
from crossenv.emulation.wine import WineSession, open_wine_session
from crossenv.platforms.architectures import PE, WASM, Architecture, Identity, architecture_of
from crossenv.platforms.emscripten import EmscriptenTarget
from crossenv.pythons.pyodide_layout import find_pyodide
from crossenv.pythons.windows_layout import find_windows_python
from crossenv.record import Record
from crossenv.report import Reporter
from crossenv.targets import Target

# In an environment; two levels down, or the shim would take it for a moved environment.
TREE = "cache/run"


@dataclass(frozen=True, kw_only=True, slots=True)
class EmulationOptions:
    """How programs of the target are run.

    Attributes:
        emulator: The emulator to use; None to find one.
        host_roots: Roots of the target with interpreters in them; without any, one is found.
        children: How programs of the target start others; see `open_session`.
        environ: The environment.
        cache: The user's cache directory of this tool.
    """

    emulator: str | None = None
    host_roots: tuple[Path, ...] = ()
    children: str = AUTO
    environ: Mapping[str, str]
    cache: Path


def session_of(record: Record, options: EmulationOptions, reporter: Reporter) -> AnySession:
    """Open the session of an environment, with its host-side packages on the interpreter's path.

    Raises:
        EmulatorError: No emulator or no interpreter can be had.
    """
    if runs_under_wine(record.host.identity):
        return wine_session_of(
            record, Path(record.host.site_packages), Path(record.root) / "cross/bin", options, reporter
        )
    if runs_under_pyodide(record.host.identity):
        return pyodide_session_of(record, Path(record.host.site_packages), Path(record.root) / "cross/bin", options)
    architecture = architecture_of_host(record.host.identity)
    interpreter = interpreter_of(
        record, given_roots=options.host_roots, environ=options.environ, cache=options.cache, reporter=reporter
    )
    return _open(
        architecture,
        interpreter,
        Path(record.root) / TREE,
        Path(record.host.site_packages),
        Path(record.root) / "cross/bin",
        options,
        reporter,
    )


def wine_session_of(
    record: Record, site_packages: Path, scripts: Path, options: EmulationOptions, reporter: Reporter
) -> WineSession:
    """Open the session of an environment for Windows, with the packages in a directory.

    Raises:
        EmulatorError: There is no wine, or no such Python is named.
    """
    host = record.host
    roots = [*options.host_roots, *([Path(host.source)] if Path(host.source).is_dir() else [])]
    # An environment that was made from nothing has no programs.
    named = next(iter(options.host_roots), None)
    directory = next((root for root in roots if find_windows_python(root) is not None), named)
    return _wine_session(
        directory, host.identity, f"{host.version}{host.abi_flags}", site_packages, scripts, options, reporter
    )


def pyodide_session_of(record: Record, site_packages: Path, scripts: Path, options: EmulationOptions) -> PyodideSession:
    """Open the session of an environment for Pyodide, with the packages in a directory.

    Raises:
        EmulatorError: There is no node, or no such Pyodide is named.
    """
    host = record.host
    row = architecture_of(host.identity)
    target = None if row is None else host.platform.target_of_machine(row, host.libc)
    assert isinstance(target, EmscriptenTarget)
    # One that it was made from.
    roots = [*options.host_roots, *([Path(host.source)] if Path(host.source).is_dir() else [])]
    directory = next((root for root in roots if find_pyodide(root) is not None), next(iter(options.host_roots), None))
    return open_pyodide_session(
        directory,
        target,
        site_packages=site_packages,
        scripts=scripts,
        given=options.emulator,
        environ=options.environ,
    )


def pyodide_session_in(prefix: Path, target: Target, options: EmulationOptions) -> PyodideSession:
    """Open a session under Pyodide with the packages in `prefix`.

    Raises:
        EmulatorError: There is no node, or no such Pyodide is named.
    """
    assert isinstance(target, EmscriptenTarget)
    site_packages = prefix / f"lib/python{target.python}/site-packages"
    site_packages.mkdir(parents=True, exist_ok=True)
    return open_pyodide_session(
        next(iter(options.host_roots), None),
        target,
        site_packages=site_packages,
        # Where pip puts them with --target.
        scripts=site_packages / "bin",
        given=options.emulator,
        environ=options.environ,
    )


def runs_under_pyodide(identity: Identity) -> bool:
    """Whether programs are run by Pyodide in node."""
    return identity.format == WASM


def runs_under_wine(identity: Identity) -> bool:
    """Whether programs are run by wine, and not by an emulator."""
    return identity.format == PE


def wine_session_in(
    prefix: Path, target: Target, version: str | None, options: EmulationOptions, reporter: Reporter
) -> WineSession:
    """Open a session for Windows with the packages in `prefix`, as Windows' pip puts them there.

    Args:
        prefix: The directory.
        target: The machine.
        version: The Python's version, "3.13" or "3.13t"; None for whatever is in the user's root.
        options: The user's choices.
        reporter: Told what wine does.

    Raises:
        EmulatorError: There is no wine, or no such Python is named.
    """
    directory = options.host_roots[0] if options.host_roots else None
    site_packages = prefix / "Lib/site-packages"
    site_packages.mkdir(parents=True, exist_ok=True)
    return _wine_session(
        directory, target.identity, version or "", site_packages, prefix / "Scripts", options, reporter
    )


def _wine_session(
    directory: Path | None,
    identity: Identity,
    version: str,
    site_packages: Path,
    scripts: Path,
    options: EmulationOptions,
    reporter: Reporter,
) -> WineSession:
    number = version.rstrip("td")
    return open_wine_session(
        directory,
        site_packages=site_packages,
        scripts=scripts,
        identity=identity,
        version=number,
        flags=version.removeprefix(number),
        given=options.emulator,
        environ=options.environ,
        cache=options.cache,
        reporter=reporter,
    )


def interpreter_for(target: Target, version: str, options: EmulationOptions, reporter: Reporter) -> HostInterpreter:
    """Find an interpreter of a target without an environment: in the user's roots, one built here, Debian's or uv's.

    Args:
        target: The target.
        version: Its version, "3.13" or "3.13t".
        options: The user's choices.
        reporter: Told what is fetched.

    Raises:
        EmulatorError: There is none.
    """
    number = version.removesuffix("t")
    flags = version.removeprefix(number)
    if options.host_roots:
        return interpreter_in(options.host_roots, target.architecture.elf, version=number, flags=flags)
    return fetched_interpreter(
        target.architecture,
        target.libc,
        number,
        flags,
        environ=options.environ,
        cache=options.cache,
        reporter=reporter,
    )


def session_in(
    prefix: Path,
    architecture: Architecture,
    interpreter: HostInterpreter,
    options: EmulationOptions,
    reporter: Reporter,
    site_packages: Path | None = None,
) -> Session:
    """Open a session with the packages in `prefix`, as `pip install --prefix` puts them there.

    Args:
        prefix: The directory.
        architecture: The target's.
        interpreter: The target's.
        options: The user's choices.
        reporter: Told what is found and fetched.
        site_packages: Where in `prefix` the packages are; None if the interpreter's own pip has installed them.

    Raises:
        EmulatorError: No emulator can be had.
    """
    version = f"python{interpreter.version}{'t' if 't' in interpreter.flags else ''}"
    site_packages = site_packages or prefix / f"lib/{version}/site-packages"
    site_packages.mkdir(parents=True, exist_ok=True)
    guest = package_files("crossenv").joinpath("shim/_crossenv/guest.py").read_text(encoding="utf-8")
    for name, text in (
        ("_crossenv_guest.py", guest),
        ("000_crossenv_guest.pth", "import _crossenv_guest; _crossenv_guest.install()\n"),
        # PEP 829
        ("000_crossenv_guest.start", "_crossenv_guest:install\n"),
    ):
        write_unless_same(site_packages / name, text)
    return _open(architecture, interpreter, prefix / TREE, site_packages, prefix / "bin", options, reporter)


def _open(
    architecture: Architecture,
    interpreter: HostInterpreter,
    tree: Path,
    site_packages: Path,
    scripts: Path,
    options: EmulationOptions,
    reporter: Reporter,
) -> Session:
    emulator = find_emulator(
        architecture, given=options.emulator, environ=options.environ, cache=options.cache, reporter=reporter
    )
    session = open_session(
        emulator, interpreter, tree, site_packages=site_packages, scripts=scripts, children=options.children
    )
    reporter.step(f"emulator: {emulator.program} ({emulator.origin})")
    reporter.step(f"the target's Python {interpreter.version}: {interpreter.origin}")
    if session.why_not:
        reporter.step(f"children are started by launchers: {session.why_not}")
    return session

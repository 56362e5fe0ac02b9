"""Find the build Python."""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path
from python_discovery import DiskCache, PythonInfo, get_interpreter

from crossenv.errors import DownloadError, UsageError
from crossenv.files import numbers_in
from crossenv.pythons.fetch import fetchable
from crossenv.pythons.model import HostPython
from crossenv.sysroots.debian import PYTHONS, debian_name

MINIMUM = (3, 10)
# PEP 703.
FIRST_FREE_THREADED = (3, 13)
_PATIENCE_SECONDS = 60
# PEP 829: later versions ignore the import lines of .pth files, by which an environment starts.
LAST = (3, 17)


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildPython:
    """The interpreter that runs on this machine.

    Attributes:
        executable: The installation's own executable, not one of a virtual environment.
        prefix: The installation's `sys.base_prefix`.
        stdlib: The directory of its standard library.
        implementation: "cpython".
        version: "3.11".
        full_version: "3.11.7".
        abi_flags: Its `sys.abiflags`.
        machine: `os.uname().machine` of this machine.
    """

    executable: Path
    prefix: Path
    stdlib: Path
    implementation: str
    version: str
    full_version: str
    abi_flags: str
    machine: str


def find_build_python(
    spec: str | None,
    host: HostPython | None = None,
    *,
    fetch: Callable[[str], None] | None = None,
    with_headers: bool = False,
) -> BuildPython:
    """Find the interpreter that `spec` names, or one that fits `host`, or this one.

    Args:
        spec: A path, a version ("3.11") or another specification of python-discovery's; None for the host Python's
            version, or for the interpreter that runs this tool.
        host: The host Python that it must match in version, implementation and ABI flags; None for any.
        fetch: Installs a version ("cpython3.14") that this machine lacks; None to fetch nothing.
        with_headers: Whether one with headers is preferred, and fetched if there is none.

    Raises:
        UsageError: There is no such interpreter, or it does not match the host Python.
        DownloadError: It could not be fetched, or what was fetched does not run.
    """
    fitting = (
        sys.executable if host is None else f"{host.implementation}{host.version}{'t' if host.free_threaded else ''}"
    )
    if spec is not None:
        require_supported(spec)
    wanted = spec or fitting
    found = _discover(wanted)
    version = fetchable(wanted)
    why, how = "", ", let uv fetch it (--fetch-python)" if fetch is None and version is not None else ""
    if found is None and fetch is not None and version is not None:
        try:
            fetch(version)
        except UsageError as error:
            why, how = f": {error.message}", f", {error.hint}" if error.hint else ""
        else:
            found = _fetched(version, wanted)
    if found is not None and with_headers and not _has_headers(found):
        found = _another_with_headers(found, spec, fetch) or found
    if found is None and Path(wanted).expanduser().is_file():
        raise UsageError(
            f"{wanted} does not say which Python it is", hint=f"try it: {shlex.quote(wanted)} -m sysconfig"
        )
    if found is None:
        missing = "it" if host is None else _words(host)
        raise UsageError(
            f"no build Python found for {wanted!r}{why}",
            hint=f"install {missing} on this machine{how}, or name one with --python PATH",
        )
    info = found.version_info
    build = BuildPython(
        executable=Path(found.system_executable or found.executable),
        prefix=Path(found.system_prefix),
        stdlib=Path(found.system_stdlib),
        implementation=str(found.implementation).lower(),
        version=f"{info.major}.{info.minor}",
        full_version=f"{info.major}.{info.minor}.{info.micro}",
        abi_flags=str(found.sysconfig_vars.get("abiflags", "")),
        machine=os.uname().machine,
    )
    _require_usable(build)
    if host is not None:
        _require_match(build, host)
    return build


def _another_with_headers(
    found: PythonInfo, spec: str | None, fetch: Callable[[str], None] | None
) -> PythonInfo | None:
    """Return a Python of the version of `found` with headers; None if there is none, or `spec` names a path."""
    info = found.version_info
    wanted = spec or f"{found.implementation.lower()}{info.major}.{info.minor}"
    version = fetchable(wanted)
    if version is None:
        return None
    other = _discover(wanted, _has_headers)
    if other is not None or fetch is None:
        return other
    try:
        fetch(version)
    except UsageError:
        # No uv, or one that has no such Python. What lacks the headers is said of the one that is here.
        return None
    except DownloadError as error:
        raise DownloadError(
            f"{found.executable} has no headers, and {error.message}", hint=headers_hint(f"{info.major}.{info.minor}")
        ) from error
    return _fetched(version, wanted, _has_headers)


def _fetched(version: str, wanted: str, accepts: Callable[[PythonInfo], bool] | None = None) -> PythonInfo:
    found = _discover(wanted, accepts)
    if found is None:
        raise DownloadError(
            f"uv fetched {version}, but no such Python can be started here",
            hint=f"remove it (`uv python uninstall {version}`) and name another mirror"
            " (UV_PYTHON_INSTALL_MIRROR), or name a Python with --python PATH",
        )
    return found


def _has_headers(found: PythonInfo) -> bool:
    return Path(found.system_include, "Python.h").is_file()


def headers_hint(version: str) -> str:
    """Say how to get a Python of this machine with headers, first without root.

    Args:
        version: "3.11".
    """
    fetch = f"`--python {version} --fetch-python`, for which uv needs the network"
    release = _debian_release()
    if version not in PYTHONS.get(release, ()):
        return f"install this Python's headers (python{version}-dev or python3-devel), or add {fetch}"
    return (
        f"without root: `crossenv sysroot create --from debian:{release} --arch {debian_name(os.uname().machine)}"
        f" python-root`, then the command with `--python python-root/usr/bin/python{version}`; or"
        f" `apt install python{version}-dev`; or {fetch}"
    )


def _debian_release() -> str:
    """Return the name of this machine's release of Debian; "" on other systems."""
    with contextlib.suppress(OSError):
        release = platform.freedesktop_os_release()
        return release.get("VERSION_CODENAME", "") if release.get("ID") == "debian" else ""
    return ""


def find_build_python_for_target(
    spec: str | None, *, free_threaded: bool = False, fetch: Callable[[str], None] | None = None
) -> tuple[BuildPython, bool]:
    """Find the interpreter from which a target's host Python is derived.

    A free-threaded host Python can be derived from a build Python with the GIL: no build sees that.

    Args:
        spec: As for `find_build_python`; "3.14t" asks for a free-threaded host Python.
        free_threaded: Whether the host Python must be free-threaded whatever `spec` says.
        fetch: As for `find_build_python`.

    Returns:
        The interpreter, and whether the host Python is to be free-threaded.

    Raises:
        UsageError: There is no such interpreter, or no free-threaded Python of that version.
        DownloadError: It could not be fetched.
    """
    if spec is not None:
        require_supported(spec)
    version = None if spec is None else fetchable(spec)
    wanted = version is not None and version.endswith("t")
    if spec is not None and wanted:
        spec = _with_or_without_gil(spec, fetch)
    build = find_build_python(spec, fetch=fetch, with_headers=True)
    free = wanted or free_threaded or "t" in build.abi_flags
    if free:
        _require_free_threaded(build.version)
    return build, free


def require_supported(spec: str) -> None:
    """Refuse a version that is too old, before any Python is looked for or fetched.

    Args:
        spec: As for `find_build_python`; a path says nothing of the version.

    Raises:
        UsageError: It names such a version.
    """
    named = version_of(spec)
    if named is None:
        return
    version = named.rstrip("t")
    if tuple(map(int, version.split("."))) < MINIMUM:
        raise UsageError(
            f"Python {version} is too old: {MINIMUM[0]}.{MINIMUM[1]} or later is needed",
            hint="name a later one with --python",
        )
    if named != version:
        _require_free_threaded(version)


def version_of(spec: str) -> str | None:
    """Return the version that `spec` names, "3.14" or "3.14t"; None for a path."""
    match = re.search(r"(3\.\d+)[.\d]*(t?)$", fetchable(spec) or "")
    return None if match is None else match[1] + match[2]


def _require_free_threaded(version: str) -> None:
    if tuple(map(int, version.split("."))) < FIRST_FREE_THREADED:
        raise UsageError(
            f"there is no free-threaded Python {version}",
            hint=f"name {'.'.join(map(str, FIRST_FREE_THREADED))} or a later one with --python",
        )


def _with_or_without_gil(spec: str, fetch: Callable[[str], None] | None) -> str:
    """Return `spec`, of a free-threaded Python, or that of the same one with the GIL if only this can be had."""
    with_gil = spec.removesuffix("t")
    for one in (spec, with_gil):
        if _discover(one) is not None:
            return one
    for one in (spec, with_gil):
        version = fetchable(one)
        if fetch is not None and version is not None:
            # uv and its mirrors have fewer free-threaded builds than others.
            with contextlib.suppress(UsageError):
                fetch(version)
                return one
    return spec


def find_interpreter(spec: str) -> Path:
    """Return the executable of this machine's interpreter that `spec` names, of any kind and version.

    Raises:
        UsageError: There is none.
    """
    named = Path(spec).expanduser()
    if named.is_file():
        return named.absolute()
    found = _discover(spec)
    if found is None:
        raise UsageError(f"no Python found for {spec!r}", hint="name a path or a version: --python 3.11")
    # The executable may be pyenv's shim, which starts another Python or none.
    return Path(found.original_executable or found.executable)


def _discover(spec: str, accepts: Callable[[PythonInfo], bool] | None = None) -> PythonInfo | None:
    # It warns if it cannot write its cache, which helps nobody here.
    logging.getLogger("python_discovery").addHandler(logging.NullHandler())
    search_path = os.pathsep.join([os.environ.get("PATH", os.defpath), *managed_places(os.environ)])
    try:
        return get_interpreter(
            spec,
            cache=DiskCache(user_cache_path("crossenv") / "interpreters"),
            # A machine that builds wheels is busy: 15 s, the library's own patience, were not enough.
            env={"PY_DISCOVERY_TIMEOUT": str(_PATIENCE_SECONDS), **os.environ, "PATH": search_path},
            predicate=accepts,
        )
    except (RuntimeError, ValueError, OSError):
        return None


def managed_places(environ: Mapping[str, str]) -> Iterator[str]:
    """Return the program directories of version managers, which may not be on PATH; uv's are found anyway."""
    home = Path(environ.get("HOME", "/nonexistent"))
    for variable, usual, versions in (
        ("PYENV_ROOT", ".pyenv", "versions"),
        ("ASDF_DATA_DIR", ".asdf", "installs/python"),
        ("MISE_DATA_DIR", ".local/share/mise", "installs/python"),
    ):
        root = Path(environ.get(variable) or home / usual)
        found: list[Path] = []
        # Another user's directory, which `su` has left in the variable.
        with contextlib.suppress(PermissionError):
            found += (path for path in root.glob(f"{versions}/*/bin") if not path.parent.is_symlink())
        # The newest patch release of a version first.
        yield from map(str, sorted(found, key=numbers_in, reverse=True))
    try:
        conda = (home / ".conda/environments.txt").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    yield from (str(Path(line) / "bin") for line in conda if line.strip())


def _require_usable(build: BuildPython) -> None:
    if tuple(map(int, build.version.split("."))) < MINIMUM:
        raise UsageError(
            f"{build.executable} is Python {build.full_version}; {MINIMUM[0]}.{MINIMUM[1]} or later is needed",
            hint="use a later Python on both sides",
        )
    if tuple(map(int, build.version.split("."))) > LAST:
        raise UsageError(
            f"{build.executable} is Python {build.full_version}; crossenv supports those up to {LAST[0]}.{LAST[1]}",
            hint="name an earlier one with --python",
        )


def _words(host: HostPython) -> str:
    """Name the build Python for a host Python, for a hint to install it."""
    if host.implementation == "pypy":
        version = host.version
        return f"PyPy {version} of the ABI {host.soabi} (Debian's pypy3, or `uv python install pypy{version}`)"
    words = f"CPython {host.version}"
    if host.free_threaded:
        program = f"python{host.version}t"
        words = f"a free-threaded {words} ({program}: configure --disable-gil, or `uv python install {host.version}t`)"
    if "d" in host.abi_flags:
        words += (
            f" that is a debug build (python{host.version}{host.abi_flags}: configure --with-pydebug, or python3-dbg)"
        )
    return words


def _require_match(build: BuildPython, host: HostPython) -> None:
    hint = f"install {_words(host)} on this machine, or name one with --python PATH"
    for what, ours, hosts in (
        ("implementation", build.implementation, host.implementation),
        ("version", build.version, host.version),
        ("ABI flags", build.abi_flags or "none", host.abi_flags or "none"),
    ):
        if ours != hosts:
            raise UsageError(
                f"the build Python {build.executable} and the host Python {host.source} differ in {what}:"
                f" {ours} and {hosts}",
                hint=hint,
            )

"""Find an interpreter of the target that can be started here: the environment's, one in a root, Debian's or uv's."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from crossenv.binaries.elf import ElfError, elf_identity, read_elf
from crossenv.emulation.model import HostInterpreter
from crossenv.errors import CrossenvError, EmulatorError, UsageError
from crossenv.files import locked, numbers_in
from crossenv.platforms import PLATFORMS
from crossenv.platforms.architectures import GLIBC, MUSL, Architecture, Identity, architecture_of
from crossenv.platforms.triplets import gnu_triplet
from crossenv.pythons.fetch import fetch_python
from crossenv.record import Record
from crossenv.report import Reporter
from crossenv.sysroots.archive import DEFAULT_KEYRING, Source, default_mirror
from crossenv.sysroots.debian import debian_name, release_with
from crossenv.sysroots.sysroot import create_host_root

# Where the C library under uv's interpreters comes from.
LIBC_RELEASE = "trixie"
# uv's names of the machines for which it has Pythons; those for musl end in "musl" for "gnu".
_UV_MACHINES = {
    "x86_64": "x86_64-gnu",
    "aarch64": "aarch64-gnu",
    "armv7l": "armv7-gnueabihf",
    "ppc64le": "powerpc64le-gnu",
    "riscv64": "riscv64-gnu",
    "s390x": "s390x-gnu",
}
_UV_MACHINES_WITH_MUSL = ("x86_64", "aarch64")
_PROGRAMS = {"cpython": "python", "pypy": "pypy"}
_NAME_A_ROOT = "name a root of the target with this Python in it: --host-root DIR"
_BUILD_OR_NAME = f"build one (`crossenv python build`), or {_NAME_A_ROOT}"


def architecture_of_host(identity: Identity) -> Architecture:
    """Return the architecture of a target.

    Raises:
        EmulatorError: No emulator is known for it.
    """
    row = architecture_of(identity)
    if row is None:
        raise EmulatorError(f"no emulator is known for {identity}", hint="run it on a machine of that kind")
    return row


def interpreter_of(
    record: Record, *, given_roots: Sequence[Path], environ: Mapping[str, str], cache: Path, reporter: Reporter
) -> HostInterpreter:
    """Find the interpreter for an environment: its own if it is on this machine, else Debian's or uv's of that version.

    Raises:
        EmulatorError: None can be started here.
    """
    host = record.host
    identity = host.identity
    if given_roots:
        kind = _PROGRAMS[host.implementation]
        return interpreter_in(given_roots, identity, version=host.version, flags=host.abi_flags, kind=kind)
    own = next(
        (
            path
            for path in _own_interpreters(record)
            if _is_for(path, identity) and not path.is_relative_to(record.root)
        ),
        None,
    )
    if own is not None:
        roots = [record.toolchain.sysroot, host.sysroot, *_cross_roots(record)]
        loader = _loader_of(own)
        root = next((Path(root) for root in roots if root and _has_loader(Path(root), loader)), None)
        if root is not None:
            inside = host.sysroot is not None and own.is_relative_to(host.sysroot)
            return HostInterpreter(
                root=root,
                python=own,
                version=host.version,
                flags=host.abi_flags,
                libraries=() if inside or host.lib_dir is None else (Path(host.lib_dir),),
                host_path=host.executable,
                origin=f"the environment's own, {own}",
            )
        reporter.note(f"{own} cannot be started: its loader ({loader or 'none, it is static'}) is in no root here")
    if not PLATFORMS[host.system].can_run:
        title = PLATFORMS[host.system].title
        raise EmulatorError(f"{record.root} is for {title}, which no emulator here runs", hint="try it there")
    if host.implementation != "cpython" or host.libc.family not in (GLIBC, MUSL) or host.abi_flags not in ("", "t"):
        raise EmulatorError(f"no interpreter for {host.soabi} here, and none can be fetched", hint=_NAME_A_ROOT)
    architecture = architecture_of_host(identity)
    return fetched_interpreter(
        architecture, host.libc.family, host.version, host.abi_flags, environ=environ, cache=cache, reporter=reporter
    )


def _own_interpreters(record: Record) -> Iterator[Path]:
    """Yield where the environment's host Python may be on this machine."""
    host = record.host
    if host.sysroot is not None:
        yield inside_root(Path(host.sysroot), host.executable)
    source = Path(host.source)
    yield source
    kind = _PROGRAMS[host.implementation]
    for name in (f"{kind}{host.version}{host.abi_flags}", f"{kind}{host.version}", f"{kind}3"):
        yield source / "bin" / name
        # Named by a file in its lib/pythonX.Y.
        yield source.parent.parent.parent / "bin" / name


def _cross_roots(record: Record) -> list[str]:
    """Return where a GNU cross compiler's own C library is: Debian's libc6-ARCH-cross."""
    return [f"/usr/{name}" for name in dict.fromkeys((record.toolchain.triplet, record.host.multiarch)) if name]


def interpreter_in(
    roots: Sequence[Path], identity: Identity, *, version: str, flags: str, kind: str = "python"
) -> HostInterpreter:
    """Find the interpreter in root file systems of the target.

    Args:
        roots: The roots; the first one that has it is taken.
        identity: The identity of the target's ELF files.
        version: The wanted version, "3.11"; "" for any.
        flags: Its ABI flags.
        kind: The first part of its program's name, "python" or "pypy".

    Raises:
        EmulatorError: There is none.
    """
    for root in roots:
        if not root.is_dir():
            raise EmulatorError(f"there is no directory {root}", hint=_NAME_A_ROOT)
    for root, path in [(one, path) for one in roots for path in _programs_in(one, kind)]:
        match = re.fullmatch(rf"{kind}(3\.\d+)([a-z]*)", path.name)
        if match is None or (version and match[1] != version) or match[2] != flags:
            continue
        inside = f"/{path.relative_to(root)}"
        if _is_for(inside_root(root, inside), identity):
            return HostInterpreter(
                root=root,
                python=path,
                version=match[1],
                flags=match[2],
                libraries=(),
                host_path=inside,
                origin=f"{path} (--host-root)",
            )
    names = ", ".join(map(str, roots))
    raise EmulatorError(
        f"no {kind}{version or '3.X'}{flags} for {identity} in {names}",
        hint="name another root, or one more: --host-root DIR",
    )


def _programs_in(root: Path, kind: str) -> Iterator[Path]:
    for place in ("usr/bin", "usr/local/bin", "bin", "opt/python/bin"):
        yield from sorted((root / place).glob(f"{kind}3*"))


def built_root(cache: Path, triplet: str, version: str, flags: str) -> Path:
    """Return where `crossenv python build` puts a CPython: "3.13.5" for "aarch64-linux-musl"."""
    return cache / "pythons" / f"cpython-{version}{flags}-{triplet}"


def fetched_interpreter(
    architecture: Architecture,
    libc: str,
    version: str,
    flags: str = "",
    *,
    environ: Mapping[str, str],
    cache: Path,
    reporter: Reporter,
) -> HostInterpreter:
    """Return the interpreter that was built here, or Debian's, or uv's where Debian has none; fetch it if need be.

    Raises:
        EmulatorError: There is no such Python, or it cannot be fetched.
    """
    built = built_root(cache, gnu_triplet(architecture.elf, libc), f"{version}.*", flags)
    for root in sorted(built.parent.glob(built.name), key=numbers_in, reverse=True):
        found = interpreter_in([root], architecture.elf, version=version, flags=flags)
        return dataclasses.replace(found, origin=f"one that was built here, {found.python}")
    home = cache / "hosts"
    release = None if flags or libc != GLIBC else release_with(version)
    kind = f"for {libc} " if libc != GLIBC else ""
    failure = EmulatorError(f"Debian has no Python {version}{flags} {kind}to run", hint=_NAME_A_ROOT)
    if release is not None:
        try:
            root = _debian_root(release, architecture, version, home, environ=environ, reporter=reporter)
        except EmulatorError as error:
            failure = error
        else:
            return HostInterpreter(
                root=root,
                python=root / f"usr/bin/python{version}",
                version=version,
                flags="",
                libraries=(),
                host_path=f"/usr/bin/python{version}",
                origin=f"Debian {release}'s",
            )
    try:
        python = _uvs_python(architecture, libc, version, flags, home, environ=environ, reporter=reporter)
        root = _debian_root(LIBC_RELEASE, architecture, "", home, libc=libc, environ=environ, reporter=reporter)
    except UsageError as error:
        # What Debian has for other machines does not help here.
        raise EmulatorError(f"{failure.message}; {error.message}", hint=_hint(error)) from None
    except CrossenvError as error:
        raise EmulatorError(f"{failure.message}; {error.message}", hint=_BUILD_OR_NAME) from None
    return HostInterpreter(
        root=root,
        python=python,
        version=version,
        flags=flags,
        libraries=(),
        host_path=f"/usr/local/bin/{python.name}",
        origin=f"uv's, {python}",
    )


def _hint(error: UsageError) -> str:
    return f"{error.hint}, {_BUILD_OR_NAME}" if error.hint else _BUILD_OR_NAME


def make_c_library(
    root: Path,
    architecture: Architecture,
    libc: str,
    *,
    environ: Mapping[str, str],
    cache: Path,
    reporter: Reporter,
) -> None:
    """Make a root with Debian's C library in it, and no Python.

    Raises:
        CrossenvError: It cannot be fetched.
    """
    create_host_root(root, _source(LIBC_RELEASE, architecture, cache, environ), "", reporter, libc=libc)


def _source(release: str, architecture: Architecture, cache: Path, environ: Mapping[str, str]) -> Source:
    return Source(
        mirror=default_mirror(environ),
        suite=release,
        architecture=debian_name(architecture.name),
        keyring=DEFAULT_KEYRING,
        cache=cache / "debian",
    )


def _debian_root(
    release: str,
    architecture: Architecture,
    version: str,
    home: Path,
    *,
    libc: str = GLIBC,
    environ: Mapping[str, str],
    reporter: Reporter,
) -> Path:
    """Return a root with Debian's Python of a version, or with a C library alone (version "").

    Raises:
        EmulatorError: It cannot be fetched.
    """
    what = f"Python {version}" if version else "the C library"
    library = "libc" if libc == GLIBC else libc
    root = home / f"{release}-{debian_name(architecture.name)}-{f'python{version}' if version else library}"
    try:
        with _locked(home, root.name):
            if not root.is_dir():
                reporter.note(f"fetching {what} for {architecture.name} from Debian {release}, to run it here")
                source = _source(release, architecture, home.parent, environ)
                create_host_root(root, source, version, reporter, libc=libc)
    except CrossenvError as error:
        raise EmulatorError(
            f"{what} for {architecture.name} cannot be fetched from Debian {release}: {error.message}",
            hint=error.hint or _NAME_A_ROOT,
        ) from None
    return root


def _uvs_python(
    architecture: Architecture,
    libc: str,
    version: str,
    flags: str,
    home: Path,
    *,
    environ: Mapping[str, str],
    reporter: Reporter,
) -> Path:
    """Return uv's interpreter of a version for a machine.

    Raises:
        EmulatorError: uv has none for that machine, or what it has is for another one.
        UsageError: uv is not here.
        DownloadError: It cannot be fetched.
    """
    if architecture.name not in (_UV_MACHINES if libc == GLIBC else _UV_MACHINES_WITH_MUSL):
        with_libc = "" if libc == GLIBC else f" with {libc}"
        raise EmulatorError(f"uv has no Python for {architecture.name}{with_libc}", hint=_NAME_A_ROOT)
    variant = "+freethreaded" if flags else ""
    machine = _UV_MACHINES[architecture.name].replace("-gnu", "-gnu" if libc == GLIBC else "-musl")
    place = home.parent / "uv"
    # uv names its directories with the patch release.
    pattern = f"cpython-{version}.*{variant}-linux-{machine}/bin/python{version}{flags}"
    found = sorted(place.glob(pattern), key=numbers_in)
    if not found:
        wanted = f"cpython-{version}{variant}-linux-{machine}"
        with reporter.working(f"fetching {wanted} with uv, to run it here"):
            fetch_python(wanted, environ, place)
        found = sorted(place.glob(pattern), key=numbers_in)
    if not found or not _is_for(found[-1], architecture.elf):
        raise EmulatorError(f"uv has no Python {version}{flags} for {architecture.name}", hint=_NAME_A_ROOT)
    return found[-1]


@contextmanager
def _locked(home: Path, name: str) -> Iterator[None]:
    """Let one process at a time fetch a root."""
    with ExitStack() as stack:
        try:
            home.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(home, name))
        except OSError as error:
            # A read-only cache may hold what is needed.
            if not (home / name).is_dir():
                raise EmulatorError(
                    f"{home} cannot be written: {error.strerror}",
                    hint="put the cache elsewhere with XDG_CACHE_HOME",
                ) from None
        yield


def inside_root(root: Path, path: str) -> Path:
    """Return where the target's `path` is below `root`, following absolute links as the target would."""
    current = root / path.lstrip("/")
    for _ in range(40):
        if not current.is_symlink():
            break
        goal = current.readlink()
        current = root / str(goal).lstrip("/") if goal.is_absolute() else current.parent / goal
    return current


def _is_for(path: Path, identity: Identity) -> bool:
    try:
        return path.is_file() and elf_identity(path) == identity
    except (ElfError, OSError):
        return False


def _loader_of(python: Path) -> str:
    return read_elf(python).interpreter or ""


def _has_loader(root: Path, loader: str) -> bool:
    return bool(loader) and inside_root(root, loader).exists()

"""Makes a sysroot from Debian packages, or adds to one: whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from crossenv.codec import WrongValueError, decode, encode
from crossenv.errors import UsageError, reason_of
from crossenv.files import locked, write_file
from crossenv.platforms.architectures import GLIBC
from crossenv.report import Reporter
from crossenv.sysroots.alternatives import link_alternatives
from crossenv.sysroots.archive import Package, Source, load_packages
from crossenv.sysroots.fetch import fetch_verified, unwritable
from crossenv.sysroots.resolve import resolve
from crossenv.sysroots.unpack import finish_tree, make_skeleton, unpack_deb

MANIFEST = ".crossenv-sysroot.json"
SCHEMA = 1
# The oldest Python that an environment can have.
_OLDEST = (3, 10)
_AT_ONCE = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a sysroot was made of; `DIR/.crossenv-sysroot.json`.

    Attributes:
        schema: The format's number.
        mirror: Where the packages came from.
        suite: The Debian release.
        architecture: Debian's name of the host's architecture.
        requested: The packages that were asked for.
        packages: The versions of all packages, by name.
    """

    schema: int = SCHEMA
    mirror: str
    suite: str
    architecture: str
    requested: tuple[str, ...]
    packages: dict[str, str]


def base_packages(suite: str, packages: Mapping[str, Package]) -> tuple[str, ...]:
    """Return the packages for builds and emulation: the interpreter, its headers, the C and C++ libraries.

    Which Python is the release's own, its package `python3` says.

    Raises:
        UsageError: The release has no Python, or one that is too old.
    """
    default = packages.get("python3")
    match = re.match(r"(?:\d+:)?(\d+)\.(\d+)(?![^.~+-])", default.version) if default else None
    if match is None:
        raise UsageError(f"Debian {suite} has no package python3", hint="name a release: --from debian:bookworm")
    version = f"{match[1]}.{match[2]}"
    if (int(match[1]), int(match[2])) < _OLDEST:
        raise UsageError(
            f"the Python of Debian {suite} is {version}; environments need {_OLDEST[0]}.{_OLDEST[1]} or later",
            hint="name a newer release: --from debian:bookworm",
        )
    return (f"python{version}", f"libpython{version}-dev", "libc6-dev", "libstdc++6", "libgcc-s1", "zlib1g-dev")


def create_sysroot(directory: Path, source: Source, extra: Sequence[str], reporter: Reporter) -> Manifest:
    """Make a sysroot in `directory`.

    Raises:
        UsageError: The directory is in use, or a package or the release is not there.
        DownloadError: Something could not be fetched or verified.
    """
    return _create(directory, source, lambda packages: (*base_packages(source.suite, packages), *extra), reporter)


def create_host_root(
    directory: Path, source: Source, version: str, reporter: Reporter, *, libc: str = GLIBC
) -> Manifest:
    """Make a root in `directory` with what running a host Python takes, and nothing to build with.

    Args:
        directory: The directory.
        source: Where packages come from.
        version: The Python's version, "3.11"; "" for the libraries alone.
        reporter: Told what is fetched.
        libc: The C library, for the libraries alone: Debian's own, or "musl".

    Raises:
        UsageError: The directory is in use, or the release has no such Python.
        DownloadError: Something could not be fetched or verified.
    """
    # For another C library Debian has nothing else.
    names = (f"python{version}" if version else "libc6", "libstdc++6", "libgcc-s1", "zlib1g")
    return _create(directory, source, lambda _packages: names if libc == GLIBC else (libc,), reporter)


def _create(
    directory: Path,
    source: Source,
    wanted: Callable[[Mapping[str, Package]], Sequence[str]],
    reporter: Reporter,
) -> Manifest:
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(
            f"{directory} exists and is not empty", hint="name another directory, or `crossenv sysroot add` to it"
        )
    _require_suite_name(source.suite)
    packages = _read_index(source, reporter)
    return _build(directory, None, source, tuple(dict.fromkeys(wanted(packages))), packages, reporter)


def _read_index(source: Source, reporter: Reporter) -> dict[str, Package]:
    with reporter.working(f"reading the index of {source.suite} for {source.architecture}"):
        return load_packages(source, reporter)


def _require_suite_name(suite: str) -> None:
    # It becomes a part of addresses and of file names.
    if not re.fullmatch(r"[a-z][a-z0-9-]*", suite):
        raise UsageError(f"Debian has no release {suite!r}", hint="use its code name: --from debian:bookworm")


def add_packages(directory: Path, names: Sequence[str], source: Source, reporter: Reporter) -> Manifest:
    """Add packages, and what they need, to the sysroot in `directory`.

    Raises:
        UsageError: `crossenv sysroot create` did not make it, or a package does not exist.
        DownloadError: Something could not be fetched or verified.
    """
    with _locked(directory):
        # Read again after waiting for the lock.
        manifest = load_manifest(directory)
        _require_suite_name(source.suite)
        requested = tuple(dict.fromkeys((*manifest.requested, *names)))
        return _build(directory, manifest, source, requested, _read_index(source, reporter), reporter)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Let one process at a time add to a sysroot."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(directory))
        except OSError as error:
            raise UsageError(
                f"`crossenv sysroot create` has not made {directory}: {error.strerror}",
                hint="name the directory of a sysroot",
            ) from None
        yield


def load_manifest(directory: Path) -> Manifest:
    """Return the manifest of the sysroot in `directory`.

    Raises:
        UsageError: There is none, or it cannot be read.
    """
    path = directory / MANIFEST
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        manifest = decode(Manifest, data)
    except FileNotFoundError:
        raise UsageError(
            f"`crossenv sysroot create` did not make {directory}", hint="make a sysroot with it first"
        ) from None
    except (OSError, ValueError, WrongValueError) as error:
        raise UsageError(f"{path} cannot be read: {reason_of(error)}", hint="make the sysroot again") from None
    if manifest.schema != SCHEMA:
        raise UsageError(f"{path} is of schema {manifest.schema}", hint="make the sysroot again")
    return manifest


def _build(
    directory: Path,
    old: Manifest | None,
    source: Source,
    requested: Iterable[str],
    packages: Mapping[str, Package],
    reporter: Reporter,
) -> Manifest:
    wanted = resolve(requested, packages)
    have = {} if old is None else old.packages
    missing = [package for package in wanted if have.get(package.name) != package.version]
    megabytes = sum(package.size for package in missing) / 1e6
    reporter.note(f"packages of {source.suite} for {source.architecture} to fetch: {len(missing)}, {megabytes:.0f} MB")
    manifest = Manifest(
        mirror=source.mirror,
        suite=source.suite,
        architecture=source.architecture,
        requested=tuple(requested),
        packages={**have, **{package.name: package.version for package in wanted}},
    )
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    except OSError as error:
        raise unwritable(directory, error, hint="name another directory") from None
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        tree = scratch / "tree"
        if old is None:
            tree.mkdir()
        else:
            # Hard links: unpacking replaces files and never writes into them.
            shutil.copytree(directory, tree, symlinks=True, copy_function=os.link)
            (tree / MANIFEST).unlink()
        make_skeleton(tree)
        fetched = zip(missing, pool.map(lambda p: fetch_package(p, source), missing), strict=True)
        with reporter.working("fetching and unpacking packages") as step:
            for number, (package, data) in enumerate(fetched, 1):
                step.update(f"{number} of {len(missing)}, {package.name}")
                unpack_deb(data, Path(package.filename).name, tree)
        finish_tree(tree)
        link_alternatives(tree)
        write_file(tree / MANIFEST, encode(manifest))
        tree.chmod(0o755)
        if old is not None:
            directory.rename(scratch / "old")
        # Replaces an empty directory and no other: one that somebody filled in the meantime stays.
        tree.rename(directory)
    except OSError as error:
        raise unwritable(directory, error, hint="name another directory") from None
    finally:
        # What is still to be fetched is not waited for.
        pool.shutdown(cancel_futures=True)
        # Whatever came between the two renames, Ctrl-C included.
        if (scratch / "old").is_dir() and not directory.exists():
            (scratch / "old").rename(directory)
        shutil.rmtree(scratch, ignore_errors=True)
    return manifest


def fetch_package(package: Package, source: Source) -> bytes:
    """Return the verified `.deb` of `package`, from the cache if it is there.

    Raises:
        DownloadError: It could not be fetched, or is not what the index promised.
    """
    cached = source.cache / "packages" / f"{package.sha256}.deb"
    return fetch_verified(f"{source.mirror}/{package.filename}", package.sha256, package.size, cached)

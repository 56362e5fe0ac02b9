"""Makes a sysroot from Debian packages, or adds to one: whole or not at all."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from crossenv.debian.archive import Package, Source, load_packages
from crossenv.debian.fetch import fetch_verified
from crossenv.debian.resolve import resolve
from crossenv.debian.unpack import make_skeleton, unpack_deb
from crossenv.errors import CrossenvError, UsageError
from crossenv.report import Reporter

MANIFEST = ".crossenv-sysroot.json"
SCHEMA = 1
# The Python that each release ships as its own, where it is one that an environment can have.
PYTHONS = {"bookworm": "3.11", "trixie": "3.13", "forky": "3.14", "sid": "3.14"}
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


def base_packages(suite: str) -> tuple[str, ...]:
    """What a build and an emulated host Python need: the interpreter, its headers, the C and C++ libraries.

    Raises:
        UsageError: The release's Python is not known.
    """
    version = PYTHONS.get(suite)
    if version is None:
        raise UsageError(
            f"the Python of Debian {suite!r} is not known", hint=f"name one of {', '.join(sorted(PYTHONS))}"
        )
    return (f"python{version}", f"libpython{version}-dev", "libc6-dev", "libstdc++6", "libgcc-s1", "zlib1g-dev")


def create_sysroot(directory: Path, source: Source, extra: Sequence[str], reporter: Reporter) -> Manifest:
    """Make a sysroot in `directory`.

    Raises:
        UsageError: The directory is in use, or a package or the release is not there.
        DownloadError: Something could not be fetched or verified.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(
            f"{directory} exists and is not empty", hint="name another directory, or `crossenv sysroot add` to it"
        )
    requested = (*base_packages(source.suite), *extra)
    return _build(directory, None, source, requested, reporter)


def add_packages(directory: Path, names: Sequence[str], source: Source, reporter: Reporter) -> Manifest:
    """Add packages, and what they need, to the sysroot in `directory`.

    Raises:
        UsageError: It is no sysroot of ours, or a package is not there.
        DownloadError: Something could not be fetched or verified.
    """
    manifest = load_manifest(directory)
    requested = tuple(dict.fromkeys((*manifest.requested, *names)))
    return _build(directory, manifest, source, requested, reporter)


def load_manifest(directory: Path) -> Manifest:
    """The manifest of the sysroot in `directory`.

    Raises:
        UsageError: There is none, or it cannot be read.
    """
    path = directory / MANIFEST
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            raise UsageError(f"{path} is of schema {data['schema']!r}", hint="make the sysroot again")
        return Manifest(
            mirror=str(data["mirror"]),
            suite=str(data["suite"]),
            architecture=str(data["architecture"]),
            requested=tuple(map(str, data["requested"])),
            packages={str(name): str(version) for name, version in data["packages"].items()},
        )
    except FileNotFoundError:
        raise UsageError(
            f"{directory} is no sysroot that `crossenv sysroot create` made", hint="make one, or unpack by other means"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} cannot be read: {error!r}", hint="make the sysroot again") from None


def _build(
    directory: Path, old: Manifest | None, source: Source, requested: Iterable[str], reporter: Reporter
) -> Manifest:
    reporter.step(f"reading the index of {source.suite} for {source.architecture}")
    packages = load_packages(source, reporter)
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
        raise UsageError(f"{directory} cannot be made: {error.strerror}", hint="name another directory") from None
    try:
        tree = scratch / "tree"
        if old is None:
            tree.mkdir()
        else:
            # Hard links: unpacking replaces files and never writes into them.
            shutil.copytree(directory, tree, symlinks=True, copy_function=os.link)
            (tree / MANIFEST).unlink()
        make_skeleton(tree, source.architecture)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for package, data in zip(missing, pool.map(lambda p: _deb(p, source), missing), strict=True):
                reporter.step(f"unpacking {package.name} {package.version}")
                unpack_deb(data, Path(package.filename).name, tree)
        _link_alternatives(tree)
        text = json.dumps(dataclasses.asdict(manifest), indent=2) + "\n"
        (tree / MANIFEST).write_text(text, encoding="utf-8")
        tree.chmod(0o755)
        if directory.exists():
            directory.rename(scratch / "old")
        tree.rename(directory)
    except OSError as error:
        if not directory.exists() and (scratch / "old").exists():
            (scratch / "old").rename(directory)
        if error.errno == errno.ENOSPC:
            raise UsageError(f"the disk of {directory} is full", hint="make room, or name another directory") from None
        raise UsageError(f"{directory} cannot be written: {error}", hint="name another directory") from None
    except CrossenvError:
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return manifest


def _deb(package: Package, source: Source) -> bytes:
    cached = source.cache / "packages" / f"{package.sha256}.deb"
    return fetch_verified(f"{source.mirror}/{package.filename}", package.sha256, package.size, cached)


def _link_alternatives(tree: Path) -> None:
    """Make the links of BLAS and LAPACK that a maintainer script would have made (update-alternatives(1))."""
    for provider in (*tree.glob("usr/lib/*/openblas-*"), *tree.glob("usr/lib/*/blas"), *tree.glob("usr/lib/*/lapack")):
        for library in provider.iterdir():
            link = provider.parent / library.name
            if not os.path.lexists(link):
                link.symlink_to(f"{provider.name}/{library.name}")
    for headers in (*tree.glob("usr/include/*/openblas-*"),):
        for header in headers.iterdir():
            link = headers.parent / header.name
            if not os.path.lexists(link):
                link.symlink_to(f"{headers.name}/{header.name}")

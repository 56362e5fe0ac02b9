"""Find QEMU's user-mode emulator, or fetch it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path

from crossenv.emulation.model import Emulator
from crossenv.errors import CrossenvError, EmulatorError
from crossenv.platforms.architectures import Architecture
from crossenv.report import Reporter
from crossenv.sysroots.archive import DEFAULT_KEYRING, Source, default_mirror, load_packages
from crossenv.sysroots.debian import debian_name
from crossenv.sysroots.fetch import store
from crossenv.sysroots.sysroot import fetch_package
from crossenv.sysroots.unpack import read_member

# Its emulators are static-pie: they run on any Linux of the build machine's architecture.
_SUITE, _PACKAGE = "trixie", "qemu-user"


def find_emulator(
    architecture: Architecture, *, given: str | None, environ: Mapping[str, str], cache: Path, reporter: Reporter
) -> Emulator:
    """Find the emulator for `architecture`: the given one, on PATH, in the cache, or fetched from Debian.

    Args:
        architecture: The host's.
        given: The user's choice: a path, or a program on PATH.
        environ: The environment.
        cache: The user's cache directory of this tool.
        reporter: Told of a download.

    Raises:
        EmulatorError: There is none and none can be fetched.
    """
    path = environ.get("PATH", os.defpath)
    if given is not None:
        found = shutil.which(given, path=path)
        if found is None:
            raise EmulatorError(f"there is no emulator {given}", hint="name a program such as qemu-arm with --emulator")
        return Emulator(program=Path(found).absolute(), architecture=architecture, origin="--emulator")
    name = f"qemu-{architecture.qemu}"
    for candidate in (name, f"{name}-static"):
        if found := shutil.which(candidate, path=path):
            return Emulator(program=Path(found).absolute(), architecture=architecture, origin="PATH")
    kept = cache / "emulators" / platform.machine() / name
    if not os.access(kept, os.X_OK):
        with reporter.working(f"fetching {name}, which is not on PATH, from Debian {_SUITE}", slow=True):
            _fetch(name, kept, environ, cache, reporter)
    return Emulator(program=kept, architecture=architecture, origin="cache")


def _fetch(name: str, kept: Path, environ: Mapping[str, str], cache: Path, reporter: Reporter) -> None:
    hint = "install qemu-user (Debian, Ubuntu: apt-get install qemu-user-static), or name one with --emulator"
    try:
        source = Source(
            mirror=default_mirror(environ),
            suite=_SUITE,
            architecture=debian_name(platform.machine()),
            keyring=DEFAULT_KEYRING,
            cache=cache / "debian",
        )
        package = load_packages(source, reporter).get(_PACKAGE)
        member = f"usr/bin/{name}"
        data = None if package is None else read_member(fetch_package(package, source), package.name, member)
        if data is None:
            raise EmulatorError(f"Debian's {_PACKAGE} has no {name}", hint=hint)
        store(kept, data, mode=0o755)
    except CrossenvError as error:
        raise EmulatorError(f"{name} is not on PATH and cannot be fetched: {error.message}", hint=hint) from None

"""A host Python for iOS: the user's own, as nothing here says what configure finds there."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from crossenv.compilers.model import Toolchain
from crossenv.errors import HostPythonError
from crossenv.platforms import Libc
from crossenv.pythons.model import HostPython, UnwrittenHost
from crossenv.pythons.named import Given, IOSPython
from crossenv.pythons.read import read_host_python
from crossenv.targets import Target


def ios_host_python(
    target: Target,
    build: HostPython,
    toolchain: Toolchain,
    directory: Path,
    *,
    host_prefix: str,
    search_path: str,
    given: Given | None = None,
) -> UnwrittenHost:
    """Read the user's Python; see `synthesise_host_python`.

    Raises:
        HostPythonError: There is none, it cannot be read, or its framework is not there.
    """
    if not isinstance(given, IOSPython):
        raise HostPythonError(
            f"building for {target} needs Python's release for iOS",
            hint="unpack CPython's (python-3.X-iOS-XCframework.tar.gz, from https://www.python.org/downloads/ios/), and"
            " name the directory with --host-python",
        )
    host = read_host_python(given.data, machine=target.machine)
    if host.prefix is None or not (host.prefix / "Python.framework").is_dir():
        raise HostPythonError(
            f"there is no Python.framework beside {given.data}, to which modules are linked",
            hint="name Python.xcframework of CPython's release for iOS with --host-python",
        )
    libc = Libc(family=target.libc, version=target.floor_text)
    config = {**host.config, "IPHONEOS_DEPLOYMENT_TARGET": target.floor_text}
    return UnwrittenHost(
        host=dataclasses.replace(host, source=given.data, identity=target.identity, libc=libc, config=config)
    )

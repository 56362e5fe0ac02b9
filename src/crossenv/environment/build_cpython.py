"""Build CPython itself for a target, with an environment's compilers."""

from __future__ import annotations

import lzma
import os
import re
import subprocess
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from crossenv.children import run_text
from crossenv.errors import BuildError, UsageError, reason_of
from crossenv.libc.version import read_text
from crossenv.record import Record

# `configure --with-build-python` came with it.
FIRST = (3, 11)
PREFIX = "/usr/local"
_HINT = "name an archive or an unpacked tree of CPython's own sources: --from Python-3.13.5.tar.xz"
# What configure would run a program of the target for, or look for on this machine.
_ANSWERS = ("ac_cv_file__dev_ptmx=yes", "ac_cv_file__dev_ptc=no", "ac_cv_buggy_getaddrinfo=no")


def unpacked_source(origin: Path, place: Path) -> tuple[Path, str]:
    """Return the tree of CPython's sources in an archive or a directory, and their version: "3.13.5".

    Args:
        origin: The archive or the directory.
        place: An empty directory for what is unpacked.

    Raises:
        UsageError: It holds something else, or its configure cannot do without the target.
    """
    tree = origin
    if not origin.is_dir():
        try:
            with tarfile.open(origin) as archive:
                # The earliest 3.10 and 3.11 have no filters.
                archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _path: member)
                archive.extractall(place)  # noqa: S202 - the filter keeps all below it
        except (OSError, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError) as error:
            # tarfile lists every format that it has tried.
            reason = reason_of(error).partition(":\n")[0]
            raise UsageError(f"cannot unpack {origin}: {reason}", hint=_HINT) from None
        tree = next(iter(sorted(place.iterdir())), place)
    match = re.search(r'#define\s+PY_VERSION\s+"((3\.\d+)[^"]*)"', read_text(tree / "Include/patchlevel.h"))
    if match is None or not all((tree / name).is_file() for name in ("configure", "config.guess")):
        raise UsageError(f"{origin} is not a source of CPython", hint=_HINT)
    if tuple(map(int, match[2].split("."))) < FIRST:
        first = ".".join(map(str, FIRST))
        raise UsageError(
            f"{origin} is CPython {match[1]}, and only {first} and later can be built here",
            hint=f"name the sources of {first} or later",
        )
    return tree, match[1]


def build_cpython(
    source: Path, record: Record, root: Path, *, place: Path, log: Path, jobs: int, environ: Mapping[str, str]
) -> None:
    """Configure, make and install it below a root.

    Args:
        source: The tree of its sources.
        record: An environment for the target; its build Python is of the same version.
        root: Where it goes, below `PREFIX`.
        place: A directory to build in.
        log: The file for the output.
        jobs: How many compilers run at once.
        environ: The variables to start from.

    Raises:
        BuildError: A step failed.
    """
    tools = record.toolchain.tools
    # By name and on PATH: the names stay in its sysconfig.
    directories = dict.fromkeys(str(Path(tool.command).parent) for tool in tools.values())
    environ = {
        **{name: value for name, value in environ.items() if not name.startswith(("CROSSENV_", "PYTHON"))},
        "PATH": os.pathsep.join([*directories, environ.get("PATH", os.defpath)]),
        # Nothing of this machine's.
        "PKG_CONFIG_LIBDIR": os.pathsep.join(record.toolchain.pkg_config_libdir),
    }
    named = {"CC": "cc", "CXX": "cxx", "AR": "ar", "RANLIB": "ranlib", "READELF": "readelf"}
    threads = ("--disable-gil",) if record.host.free_threaded else ()
    cc = Path(tools["cc"].command).name
    # It knows one C library by a macro of that library's stdarg.h, which clang's own hides; others have no such macro.
    preprocessor = f"CPP={cc} -E -D__DEFINED_va_list"
    configure: Sequence[str] = (
        str(source / "configure"),
        f"--build={run_text([source / 'config.guess']).stdout.strip()}",
        f"--host={record.toolchain.triplet}",
        f"--with-build-python={record.build.python}",
        f"--prefix={PREFIX}",
        "--without-ensurepip",
        "--disable-test-modules",
        *threads,
        preprocessor,
        *(f"{name}={Path(tools[tool].command).name}" for name, tool in named.items() if tool in tools),
        *_ANSWERS,
    )
    for what, words in (
        ("configure", configure),
        ("make", ("make", f"-j{jobs}")),
        ("make install", ("make", "install", f"DESTDIR={root}")),
    ):
        try:
            with log.open("ab") as file:
                done = subprocess.run(
                    words,
                    cwd=place,
                    env=environ,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    check=False,
                )
        except OSError as error:
            raise BuildError(f"{words[0]} cannot be started: {reason_of(error)}", hint=f"install {words[0]}") from None
        if done.returncode:
            raise BuildError(f"{what} failed with exit status {done.returncode}", hint=f"its output is in {log}")
    for data in root.glob(f"{PREFIX.lstrip('/')}/lib/python3*/_sysconfigdata*.py"):
        if f"'SOABI': '{record.host.soabi}'" not in read_text(data):
            raise BuildError(f"it does not import modules for {record.host.soabi}", hint=f"its output is in {log}")

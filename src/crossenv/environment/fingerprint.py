"""Tell whether two environments would make the same wheels."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path

from crossenv.record import Record

# How many processes a build may use at a time, in the words of several tools. What it makes is the same.
SHARES = (
    *("CROSSENV_JOBS", "CMAKE_BUILD_PARALLEL_LEVEL", "CARGO_BUILD_JOBS", "MAX_JOBS", "NPY_NUM_BUILD_JOBS"),
    "GRPC_PYTHON_BUILD_EXT_COMPILER_JOBS",
)
# Variables of a session, a terminal or a CI job. A build may read any other one.
SESSION = (
    r"_|PWD|OLDPWD|SHLVL|SHELL|USER|LOGNAME|HOSTNAME|HOSTTYPE|TERM.*|COLORTERM|COLUMNS|LINES|LC_.*|LANG|LANGUAGE|DISPLAY"
    r"|WINDOWID|.*_SESSION.*|SESSION_.*|WAYLAND_.*|XDG_.*|DBUS_.*|SSH_.*|GPG_.*|SUDO_.*|TMUX.*|STY|MAIL|EDITOR|VISUAL|PAGER"
    r"|LESS.*|LS_COLORS|PS[0-9]|PROMPT_.*|HIST.*|TMPDIR|TMP|TEMP|NO_COLOR|FORCE_COLOR|CLICOLOR.*|PY_COLORS|VSCODE_.*"
    r"|KITTY_.*|ALACRITTY_.*|ITERM_.*|KONSOLE_.*|GNOME_.*|WT_.*|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_.*|DEBIAN_FRONTEND"
    r"|CI|CI_.*|GITHUB_.*|RUNNER_.*|ACTIONS_.*|GITLAB_.*|BUILDKITE.*|CIRCLE.*|TRAVIS.*|JENKINS.*|BUILD_(ID|NUMBER|URL|TAG)"
    r"|SLURMD?_.*|CUDA_VISIBLE_DEVICES|GPU_DEVICE_ORDINAL|ROCR_VISIBLE_DEVICES|PYTEST_.*|TOX_.*|NOX_.*|VIRTUAL_ENV.*|MAKELEVEL|MFLAGS|PYTHON_CROSSENV|"
    r"S?CCACHE_.*|AWS_.*|FSSPEC_.*|GOOGLE_APPLICATION_CREDENTIALS|AZURE_STORAGE_.*|" + "|".join(SHARES)
)
_SAMPLE = 1 << 16
# Of the record: where an environment is, and how it is used, but not what it makes.
NO_MATTER = (
    "root",
    "prompt",
    "crossenv_python",
    "pip_cache",
    "requirements_cache",
    "cross_prefix",
    "found",
    "in_place",
    "build_key",
)


def fingerprint(record: Record) -> str:
    """Return the same text for two environments only if they make the same wheels of the same sources.

    It depends on this tool's own code, on everything that the record says, on the compilers' files, on the target's
    Python configuration, and on what lies at the usual places of a sysroot. Its files are compared by size and time,
    directories by their entries, and compilers by samples, so that it costs milliseconds: a header that is edited three
    levels down is not seen.

    Args:
        record: The environment's record.
    """
    data = {name: value for name, value in dataclasses.asdict(record).items() if name not in NO_MATTER}
    said = [json.dumps(data, sort_keys=True), *_configuration(record)]
    texts = [text.replace(record.root, "ENV") for text in said]
    texts += [
        own_code(),
        surroundings(
            (Path(tool.path) for tool in record.toolchain.tools.values()),
            (Path(root) for root in (record.toolchain.sysroot, record.host.sysroot) if root),
            record.host.multiarch,
            # What an environment has there itself follows from the record, and is written anew each time.
            (Path(one) for one in record.toolchain.pkg_config_libdir if Path(record.root) not in Path(one).parents),
        ),
    ]
    return hashlib.sha256("\0".join(texts).encode(errors="surrogateescape")).hexdigest()


@cache
def own_code() -> str:
    """Return a digest of this tool's own files."""
    package = Path(str(package_files("crossenv")))
    digest = hashlib.sha256()
    for path in sorted(path for path in package.rglob("*") if path.suffix in (".py", ".c", ".h", ".json", ".txt")):
        digest.update(f"{path.relative_to(package)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def content_stamp(path: Path) -> str:
    """Return what changes when another version of a program is installed, and is the same on every machine that has it.

    The beginning and the end of a file and its size: compilers have hundreds of megabytes.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            digest = hashlib.sha256()
            for place in (0, size // 2, max(0, size - _SAMPLE)):
                file.seek(place)
                digest.update(file.read(_SAMPLE))
    except OSError:
        return ""
    return f"{path} {size} {digest.hexdigest()}"


def stamp(path: Path) -> str:
    """Return what changes when a file does: its size and time; "" if there is none."""
    try:
        state = path.stat()
    except OSError:
        return ""
    return f"{path} {state.st_size} {state.st_mtime_ns}"


def _configuration(record: Record) -> Iterator[str]:
    """Fingerprint the target's Python by content: each creation writes it again, so its time means nothing."""
    headers = [
        Path(directory) / name for directory in record.host.include_dirs for name in ("pyconfig.h", "patchlevel.h")
    ]
    for path in (Path(record.host.sysconfigdata), *headers):
        try:
            yield path.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            yield ""


def surroundings(tools: Iterable[Path], roots: Iterable[Path], multiarch: str, directories: Iterable[Path]) -> str:
    """Return the same text only if tools and libraries are the same; files are compared as `fingerprint` does.

    Args:
        tools: The programs of a toolchain.
        roots: The roots of the target's files.
        multiarch: The name of its directories there; "" for none.
        directories: Further directories whose entries count.
    """
    found = [content_stamp(Path(os.path.realpath(tool))) for tool in tools]
    places = ("include", "lib", f"lib/{multiarch}", "local/include", "local/lib")
    for directory in (*(root / "usr" / place for root in dict.fromkeys(roots) for place in places), *directories):
        try:
            entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
        except OSError:
            continue
        found += [f"{directory}:", *(stamp(Path(entry.path)) for entry in entries)]
    return "\n".join(found)


def is_of_session(variable: str) -> bool:
    """Whether an environment variable belongs to a session, a terminal or a CI job, and to no build."""
    return re.fullmatch(SESSION, variable) is not None

"""What shapes a wheel besides its sources and its environment: variables, pip's options and files, other tools."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from crossenv.environment.fingerprint import content_stamp, is_of_session

# Found by builds on PATH.
_PROGRAMS = ("cmake", "make", "meson", "ninja", "pkg-config", "cargo", "rustc", "swig", "gfortran")
# Read by pip, setuptools and cargo without being named.
_FILES = (
    "/etc/pip.conf",
    "~/.config/pip/pip.conf",
    "~/.pip/pip.conf",
    "~/.pydistutils.cfg",
    "~/.cargo/config.toml",
    "~/.cargo/config",
)


def digest_of(words: Iterable[str], environ: Mapping[str, str]) -> str:
    """Return the same text for two runs only if these say the same to every build.

    Args:
        words: Options, of pip's and of ours, and lines of requirements files. Those that name a file stand for what is
            in it.
        environ: The environment.
    """
    variables = {name: value for name, value in environ.items() if not is_of_session(name)}
    said = [*words, *(f"{name}={value}" for name, value in sorted(variables.items()))]
    programs = [shutil.which(name, path=environ.get("PATH", os.defpath)) for name in _PROGRAMS]
    said += [content_stamp(Path(os.path.realpath(program))) for program in programs if program]
    named = [one for word in words for one in _named_files(word)]
    named += [one for name, value in variables.items() if name.startswith("PIP_") for one in _named_files(value)]
    home = environ.get("HOME", "~")
    for name in (*named, *(name.replace("~", home, 1) for name in _FILES)):
        # This does not mind what could never be a path.
        if os.path.isfile(name):  # noqa: PTH113
            said.append(f"{name} {hashlib.sha256(Path(name).read_bytes()).hexdigest()}")
    return hashlib.sha256("\0".join(said).encode(errors="surrogateescape")).hexdigest()


def _named_files(word: str) -> Iterator[str]:
    """Yield the files that an option, a line of options or a variable of pip's may name."""
    try:
        parts = shlex.split(word)
    except ValueError:
        parts = [word]
    for part in (word, *parts):
        for text in (part, part.partition("=")[2]):
            if text:
                yield os.path.expanduser(text)  # noqa: PTH111 - an unknown ~user stays as it is

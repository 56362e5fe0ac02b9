"""Turn a requirement into what pip builds, and identify its state."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crossenv.errors import BuildError
from crossenv.farm.complaint import complaint_of, hint_of
from crossenv.farm.model import Requirement
from crossenv.farm.processes import Children
from crossenv.farm.requirements import pip_variables, settings_in


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What pip is given.

    Attributes:
        line: The line of a requirements file.
        identity: The requirement, or a digest of the sources.
    """

    line: str
    identity: str


class SdistError(BuildError):
    """No sdist could be made of a source tree."""


def source_of(
    requirement: Requirement,
    *,
    place: Path,
    log: Path,
    children: Children,
    environment: Mapping[str, str],
    pip: tuple[str, ...],
) -> Source:
    """Prepare a requirement.

    A source tree becomes an sdist, once. Otherwise builds for several machines would share its `build` directory, where
    setuptools reuses object files of any machine. `python -m build` does the same, and the wheels are
    those that users of the sdist get.

    Args:
        requirement: What to prepare.
        place: A directory of this run.
        log: Where the output goes.
        children: Runs the program.
        environment: Its variables.
        pip: The user's options of pip.

    Raises:
        SdistError: No sdist could be made.
    """
    path = requirement.path
    if path is None:
        return Source(line=requirement.line, identity=requirement.line)
    if path.is_dir():
        variables = {**environment, **pip_variables(pip, requirement.options)}
        path = _make_sdist(path, place, log, children, variables, settings_in(pip))
    own = f" {requirement.line}" if requirement.line else ""
    return Source(line=f"{path.as_uri()}{own}", identity=f"sha256:{digest_of(path)}{own}")


def _make_sdist(
    tree: Path, place: Path, log: Path, children: Children, environment: Mapping[str, str], settings: Sequence[str]
) -> Path:
    # Any interpreter makes the same sdist, so this one does. Some projects need the settings here too, and get them
    # from `python -m build` as well.
    words = [sys.executable, "-m", "build", "--sdist", "--outdir", str(place)]
    words += [*(f"--config-setting={setting}" for setting in settings), str(tree)]
    status = children.run(words, log, environment)
    found = sorted(place.glob("*.tar.gz"))
    if status or len(found) != 1:
        shutil.rmtree(place, ignore_errors=True)
        text = log.read_text(encoding="utf-8", errors="replace")
        raise SdistError(complaint_of(text), hint=hint_of(text))
    return found[0]


def digest_of(archive: Path) -> str:
    """Return a digest of an sdist's contents, without the times, which differ each time it is made."""
    digest = hashlib.sha256()
    try:
        with tarfile.open(archive) as opened:
            members = sorted((member for member in opened if not member.isdir()), key=lambda member: member.name)
            for member in members:
                stream = opened.extractfile(member) if member.isfile() else None
                content = hashlib.sha256(b"" if stream is None else stream.read()).hexdigest()
                digest.update(f"{member.name}\0{member.mode & 0o111}\0{member.linkname}\0{content}\n".encode())
    except (tarfile.TarError, OSError, EOFError, ValueError):
        # A zip file, or a damaged one, which pip will report.
        return hashlib.sha256(archive.read_bytes()).hexdigest()
    return digest.hexdigest()

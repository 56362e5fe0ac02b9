"""Write a simple index of wheels for any web server (PEP 503), with hashes and metadata (PEP 658, PEP 691, PEP 714)."""

from __future__ import annotations

import html
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.metadata import RawMetadata, parse_email
from packaging.utils import canonicalize_name, parse_wheel_filename

from crossenv.errors import UsageError
from crossenv.farm.shelves import copy, hash_of
from crossenv.files import write_file

# Shows that an index may be replaced.
_MARK = "crossenv-index.json"
_HEAD = (
    '<!DOCTYPE html>\n<html><head><meta name="pypi:repository-version" content="1.1"><title>{0}</title></head><body>\n'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _File:
    name: str
    digest: str
    size: int
    metadata: str
    requires_python: str


def write_index(directory: Path, wheels: Mapping[str, Path]) -> int:
    """Write an index, in the place of an earlier one; return the number of projects.

    Args:
        directory: Where to write it.
        wheels: The wheels by name.

    Raises:
        UsageError: Something else is there.
    """
    if (
        directory.exists()
        and not (directory / _MARK).is_file()
        and (not directory.is_dir() or any(directory.iterdir()))
    ):
        raise UsageError(f"{directory} is not an index of crossenv", hint="name an empty directory, or a new one")
    directory.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        part.chmod(0o755)
        projects: dict[str, list[_File]] = {}
        for name, wheel in sorted(wheels.items()):
            project = str(parse_wheel_filename(name)[0])
            (part / project).mkdir(exist_ok=True)
            projects.setdefault(project, []).append(_add(part / project, name, wheel))
        for project, files in projects.items():
            _write_page(part / project, project, map(_link, files))
            data = {"meta": {"api-version": "1.1"}, "name": project, "files": [_json(one) for one in files]}
            data["versions"] = sorted({str(parse_wheel_filename(one.name)[1]) for one in files})
            write_file(part / project / "index.json", json.dumps(data, indent=1))
        _write_page(part, "Simple index", (f'<a href="{name}/">{name}</a>' for name in projects))
        names = [{"name": name} for name in projects]
        write_file(part / "index.json", json.dumps({"meta": {"api-version": "1.1"}, "projects": names}, indent=1))
        write_file(part / _MARK, json.dumps({"wheels": len(wheels)}))
        old = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
        if directory.exists():
            directory.rename(old / "old")
        part.rename(directory)
        shutil.rmtree(old)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return len(projects)


def _add(place: Path, name: str, wheel: Path) -> _File:
    copy(wheel, place / name)
    project, _, _, _ = parse_wheel_filename(name)
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(
            archive.read(member)
            for member in archive.namelist()
            if member.endswith(".dist-info/METADATA") and member.count("/") == 1
            if canonicalize_name(member.partition("-")[0]) == project
        )
    write_file(place / f"{name}.metadata", metadata)
    raw: RawMetadata = parse_email(metadata)[0]
    return _File(
        name=name,
        digest=hash_of(place / name),
        size=(place / name).stat().st_size,
        metadata=hash_of(place / f"{name}.metadata"),
        requires_python=raw.get("requires_python", ""),
    )


def _link(file: _File) -> str:
    words = {f"data-{key}": f"sha256={file.metadata}" for key in ("core-metadata", "dist-info-metadata")}
    if file.requires_python:
        words["data-requires-python"] = file.requires_python
    said = "".join(f' {key}="{html.escape(value)}"' for key, value in words.items())
    return f'<a href="{html.escape(file.name)}#sha256={file.digest}"{said}>{html.escape(file.name)}</a>'


def _json(file: _File) -> dict[str, Any]:
    required = {"requires-python": file.requires_python} if file.requires_python else {}
    return {
        "filename": file.name,
        "url": file.name,
        "hashes": {"sha256": file.digest},
        "size": file.size,
        "core-metadata": {"sha256": file.metadata},
        **required,
    }


def _write_page(place: Path, title: str, links: Iterable[str]) -> None:
    write_file(
        place / "index.html",
        f"{_HEAD.format(title)}{''.join(f'{link}<br>{chr(10)}' for link in links)}</body></html>\n",
    )

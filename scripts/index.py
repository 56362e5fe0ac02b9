"""The files that the package index offers, for proofs that build them or compare with them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from packaging.tags import Tag
from packaging.utils import parse_sdist_filename, parse_wheel_filename
from packaging.version import Version


@dataclass(frozen=True, kw_only=True, slots=True)
class Offered:
    """A wheel or an sdist of the index; an sdist has no tags."""

    name: str
    version: Version
    tags: frozenset[Tag]
    url: str
    sha256: str

    def fetch(self, directory: Path) -> Path:
        """The file itself; its hash is the index's."""
        path = directory / self.name
        if not path.exists():
            with urllib.request.urlopen(self.url) as answer:
                data = answer.read()
            if hashlib.sha256(data).hexdigest() != self.sha256:
                raise SystemExit(f"{self.name}: not what the index promises")
            directory.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return path


def index_url() -> str:
    """The index that pip is set to use."""
    told = os.environ.get("PIP_INDEX_URL") or subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False
    ).stdout.strip()  # fmt: skip
    return (told or "https://pypi.org/simple").rstrip("/")


def offered_wheels(project: str) -> list[Offered]:
    """All wheels of a project that are not yanked."""
    return [one for one in _offered(project) if one.tags]


def newest_sdist(project: str) -> Offered:
    """The sdist of the newest release; pip would have the back end tell its metadata, for which some build a wheel."""
    return max(
        (one for one in _offered(project) if not one.tags and not one.version.is_prerelease),
        key=lambda one: one.version,
    )


def _offered(project: str) -> list[Offered]:
    page = f"{index_url()}/{project}/"
    request = urllib.request.Request(page, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request) as answer:
        files = json.load(answer)["files"]
    found = []
    for file in files:
        name = file["filename"]
        if file.get("yanked") or not name.endswith((".whl", ".tar.gz")):
            continue
        try:
            version, tags = (
                parse_wheel_filename(name)[1::2] if name.endswith(".whl") else (parse_sdist_filename(name)[1], ())
            )
        except ValueError:
            # Old releases have names that no standard knows.
            continue
        url, sha256 = urllib.parse.urljoin(page, file["url"]), file["hashes"]["sha256"]
        found.append(Offered(name=name, version=version, tags=frozenset(tags), url=url, sha256=sha256))
    return found

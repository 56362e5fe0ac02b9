"""The known hosts: dumps of real Pythons that come with crossenv."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from pathlib import Path

from crossenv.config import KNOWN_HOST
from crossenv.errors import UsageError

LIBRARY = Path(__file__).with_name("known_hosts")
INDEX = "index.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownHost:
    """One known host's entry in the index, which lists show without reading the dump.

    Attributes:
        name: "debian-bookworm-arm64".
        implementation: "cpython".
        version: "3.11.2".
        machine: "aarch64".
        libc: "glibc 2.36".
        tag: The platform tag of its wheels without a policy.
        taken: How the dump was taken: "running" (under an emulator) or "reading".
        date: The day: "2026-11-28".
        origin: Its distributor, with the versions of the packages.
    """

    name: str
    implementation: str
    version: str
    machine: str
    libc: str
    tag: str
    taken: str
    date: str
    origin: str

    @property
    def path(self) -> Path:
        """The dump's file."""
        return LIBRARY / f"{self.name}.json.gz"


def known_hosts() -> list[KnownHost]:
    """Return all known hosts by name."""
    entries = json.loads((LIBRARY / INDEX).read_text(encoding="utf-8"))
    return [KnownHost(name=name, **entry) for name, entry in sorted(entries.items())]


def known_host(name: str) -> KnownHost:
    """Return the known host of a name, with or without "known:".

    Raises:
        UsageError: There is none.
    """
    wanted = name.removeprefix(KNOWN_HOST)
    hosts = {host.name: host for host in known_hosts()}
    if wanted not in hosts:
        close = difflib.get_close_matches(wanted, hosts, n=1)
        hint = f"did you mean {KNOWN_HOST}{close[0]}?" if close else "`crossenv targets --known` lists them"
        raise UsageError(f"there is no known host {wanted!r}", hint=hint)
    return hosts[wanted]


def host_python_path(text: str) -> Path:
    """Return the absolute path that `--host-python` names.

    Raises:
        UsageError: It names a known host that does not exist.
    """
    if text.startswith(KNOWN_HOST):
        return known_host(text).path
    return Path(text).expanduser().absolute()

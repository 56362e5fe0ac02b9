"""The verified package index of one Debian release and architecture."""

from __future__ import annotations

import datetime
import email.utils
import hashlib
import lzma
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crossenv.debian.fetch import fetch, fetch_verified, store
from crossenv.debian.version import compare
from crossenv.errors import DownloadError, UsageError
from crossenv.report import Reporter

PUBLIC_MIRROR = "http://mirror.example/debian"
DEFAULT_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_RELEASE_LIMIT = 4 << 20
_FIELDS = ("Package", "Version", "Depends", "Pre-Depends", "Provides", "Filename", "SHA256", "Size")


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """One stanza of a package index.

    Attributes:
        name: The package.
        version: Its version.
        depends: Depends and Pre-Depends, as written.
        provides: Provides, as written.
        filename: Its path below the mirror.
        sha256: The hash of the `.deb`.
        size: Its size in bytes.
    """

    name: str
    version: str
    depends: str
    provides: str
    filename: str
    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where packages come from.

    Attributes:
        mirror: The archive's address.
        suite: The release's code name, "bookworm".
        architecture: Debian's name of it, "arm64".
        keyring: What the release is signed with; None to accept any (--insecure).
        cache: The directory that keeps what was fetched.
    """

    mirror: str
    suite: str
    architecture: str
    keyring: Path | None
    cache: Path


def default_mirror(environ: Mapping[str, str], etc_apt: Path = Path("/etc/apt")) -> str:
    """CROSSENV_DEBIAN_MIRROR, else what this machine's apt uses for Debian, else the public mirror."""
    if mirror := environ.get("CROSSENV_DEBIAN_MIRROR"):
        return mirror.rstrip("/")
    files = [etc_apt / "sources.list", *sorted(etc_apt.glob("sources.list.d/*"))]
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        one_line = re.search(r"^deb\s+(?:\[[^]]*\]\s+)?(https?://\S+/debian/?)\s+\S+\s+.*\bmain\b", text, re.MULTILINE)
        deb822 = re.search(r"^URIs:\s*(https?://\S+/debian/?)\s*$", text, re.MULTILINE)
        if match := one_line or deb822:
            return match[1].rstrip("/")
    return PUBLIC_MIRROR


def load_packages(source: Source, reporter: Reporter) -> dict[str, Package]:
    """The newest version of each package of `source`, by name.

    Raises:
        DownloadError: The release or its index cannot be had, verified, or is stale.
        UsageError: The release has no such architecture.
    """
    release = _load_release(source, reporter)
    # "all" packages are in every architecture's index.
    wanted = f"main/binary-{source.architecture}/Packages.xz"
    entries = dict(_sha256_entries(release))
    if wanted not in entries:
        known = sorted(
            {name.split("/")[1].removeprefix("binary-") for name in entries if name.startswith("main/binary-")}
        )
        known = [name for name in known if name != "all"]
        raise UsageError(
            f"Debian {source.suite} has no architecture {source.architecture!r}",
            hint=f"it has {', '.join(known)}" if known else "name another release with --from debian:NAME",
        )
    sha256, size = entries[wanted]
    base = f"{source.mirror}/dists/{source.suite}"
    path = f"main/binary-{source.architecture}"
    cached = source.cache / "indexes" / sha256
    url = f"{base}/{wanted}"
    by_hash = f"{base}/{path}/by-hash/SHA256/{sha256}"
    try:
        data = fetch_verified(by_hash if "Acquire-By-Hash: yes" in release else url, sha256, size, cached)
    except DownloadError:
        # A mirror that lacks the one may have the other.
        data = fetch_verified(url, sha256, size, cached)
    try:
        text = lzma.decompress(data).decode("utf-8")
    except (lzma.LZMAError, UnicodeDecodeError) as error:
        raise DownloadError(f"{url} cannot be unpacked: {error}", hint="try another --mirror") from None
    return parse_packages(text)


def _sha256_entries(release: str) -> list[tuple[str, tuple[str, int]]]:
    section = re.search(r"^SHA256:\n((?: .*\n)+)", release + "\n", re.MULTILINE)
    rows = [line.split() for line in (section[1].splitlines() if section else [])]
    return [(row[2], (row[0], int(row[1]))) for row in rows if len(row) == 3 and row[1].isdigit()]


def parse_packages(text: str) -> dict[str, Package]:
    """The newest version of each package of an index (deb822(5)); stanzas without a file are left out."""
    found: dict[str, Package] = {}
    for stanza in text.split("\n\n"):
        fields = {}
        for line in stanza.split("\n"):
            name, colon, value = line.partition(": ")
            if colon and name in _FIELDS:
                fields[name] = value
        if not fields.keys() >= {"Package", "Version", "Filename", "SHA256", "Size"} or not fields["Size"].isdigit():
            continue
        package = Package(
            name=fields["Package"],
            version=fields["Version"],
            depends=", ".join(fields[name] for name in ("Pre-Depends", "Depends") if name in fields),
            provides=fields.get("Provides", ""),
            filename=fields["Filename"],
            sha256=fields["SHA256"],
            size=int(fields["Size"]),
        )
        older = found.get(package.name)
        if older is None or compare(older.version, package.version) < 0:
            found[package.name] = package
    return found


def _load_release(source: Source, reporter: Reporter) -> str:
    """The release's signed text; from the cache if the network is down and it is still valid."""
    name = hashlib.sha256(source.mirror.encode()).hexdigest()[:16]
    cached = source.cache / "releases" / name / f"{source.suite}.InRelease"
    url = f"{source.mirror}/dists/{source.suite}/InRelease"
    try:
        data = fetch(url, limit=_RELEASE_LIMIT)
    except DownloadError as error:
        if not cached.is_file():
            if "404" in error.message:
                raise DownloadError(
                    f"there is no Debian release {source.suite!r} at {source.mirror}",
                    hint="name one by its code name: --from debian:bookworm, debian:trixie",
                ) from None
            raise
        reporter.note(f"using the cached index of {source.suite}: {error.message}")
        data = cached.read_bytes()
    text = _verified(data, source)
    _require_fresh(text, source)
    _require_suite(text, source)
    store(cached, data)
    return text


def _verified(data: bytes, source: Source) -> str:
    """What gpgv says was signed, and nothing around it."""
    if source.keyring is None:
        return data.decode("utf-8", "replace")
    gpgv = shutil.which("gpgv")
    if gpgv is None:
        raise DownloadError(
            "gpgv is not on PATH, so Debian's signature cannot be checked",
            hint="install gpgv, or give --insecure if you trust the mirror and the way to it",
        )
    if not source.keyring.is_file():
        raise DownloadError(
            f"there is no keyring {source.keyring}",
            hint="install debian-archive-keyring, name another file with --keyring, or give --insecure",
        )
    with tempfile.TemporaryDirectory(prefix="crossenv-gpgv-") as directory:
        signed, plain = Path(directory) / "InRelease", Path(directory) / "Release"
        signed.write_bytes(data)
        result = subprocess.run(
            [
                gpgv,
                "--homedir",
                directory,
                "--keyring",
                str(source.keyring.absolute()),
                "--output",
                str(plain),
                str(signed),
            ],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.defpath, "LC_ALL": "C"},
        )
        if result.returncode or not plain.is_file():
            lines = [line.removeprefix("gpgv: ") for line in result.stderr.splitlines() if line.strip()]
            reason = lines[-1] if lines else "no signature"
            raise DownloadError(
                f"the signature of {source.suite} at {source.mirror} is not good: {reason}",
                hint="try another --mirror; --keyring names the keys to trust",
            )
        return plain.read_text(encoding="utf-8", errors="replace")


def _field(text: str, name: str) -> str:
    match = re.search(rf"^{name}:\s*(.+)$", text, re.MULTILINE)
    return match[1].strip() if match else ""


def _require_fresh(text: str, source: Source) -> None:
    until = _field(text, "Valid-Until")
    if not until:
        return
    try:
        expires = email.utils.parsedate_to_datetime(until)
    except ValueError:
        raise DownloadError(
            f"{source.suite} has an unreadable Valid-Until: {until}", hint="try another --mirror"
        ) from None
    if expires < datetime.datetime.now(datetime.timezone.utc):
        raise DownloadError(
            f"the index of {source.suite} at {source.mirror} is stale: it was valid until {until}",
            hint="try another --mirror, or a stable release",
        )


def _require_suite(text: str, source: Source) -> None:
    # A mirror must not pass one release off as another: the signature covers both.
    names = {_field(text, "Suite"), _field(text, "Codename")}
    if source.suite not in names:
        raise DownloadError(
            f"{source.mirror} gives {' / '.join(sorted(names - {''})) or 'no name'} for {source.suite}",
            hint="name the release by its code name",
        )

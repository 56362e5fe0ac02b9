"""The verified package index of one Debian release and architecture."""

from __future__ import annotations

import contextlib
import datetime
import difflib
import email.utils
import hashlib
import json
import lzma
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from crossenv.children import run_text
from crossenv.errors import DownloadError, UsageError, reason_of
from crossenv.files import scratch_directory
from crossenv.report import Reporter
from crossenv.sysroots.debian import compare
from crossenv.sysroots.fetch import NotThereError, WrongContentError, fetch, fetch_verified, store

DEFAULT_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# For suggestions only: what there is, the mirror knows.
RELEASES = ("bookworm", "trixie", "forky", "sid")
_RELEASE_LIMIT = 4 << 20
# Of the status lines in gnupg's doc/DETAILS, those that spoil a signature that is good otherwise.
_DISTRUST = frozenset({"BADSIG", "NODATA", "UNEXPECTED", "BADARMOR"})
_CLEARSIGNED = re.compile(
    rb"-----BEGIN PGP SIGNED MESSAGE-----\r?\n.*\n-----BEGIN PGP SIGNATURE-----\r?\n.*\n-----END PGP SIGNATURE-----\s*",
    re.DOTALL,
)
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
    """CROSSENV_DEBIAN_MIRROR, else what this machine's apt uses for Debian.

    Raises:
        UsageError: There is neither.
    """
    if mirror := environ.get("CROSSENV_DEBIAN_MIRROR"):
        return mirror.rstrip("/")
    # apt reads these suffixes and no others.
    files = [
        etc_apt / "sources.list",
        *sorted((*etc_apt.glob("sources.list.d/*.list"), *etc_apt.glob("sources.list.d/*.sources"))),
    ]
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        entries = _deb822_entries(text) if file.suffix == ".sources" else _one_line_entries(text)
        for uris, suites, components, signed_by in entries:
            if "main" not in components or not any(_SUITE.fullmatch(suite) for suite in suites):
                continue
            # Other publishers have a "main" for "bookworm" too, at "/product/debian", with a key of their own.
            debians = not signed_by or "debian-archive" in signed_by
            for uri in uris:
                if re.fullmatch(r"https?://\S+/debian/?" if debians else r"https?://[^/]+/debian/?", uri):
                    return uri.rstrip("/")
    raise UsageError(
        "no mirror of Debian is known: this machine's apt has none",
        hint="name one with --mirror http://HOST/debian or CROSSENV_DEBIAN_MIRROR; Debian's web site lists them",
    )


# The releases themselves: not -updates, -backports or -security, which are archives without a Python in them.
_SUITE = re.compile(r"bookworm|trixie|forky|duke|sid|unstable|testing|stable|oldstable|oldoldstable|bullseye|buster")
_AptEntry = tuple[list[str], list[str], list[str], str]


def _one_line_entries(text: str) -> Iterator[_AptEntry]:
    """URIs, suites, components and Signed-By of each `deb` line (sources.list(5))."""
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)", line.strip())
        if match:
            signed_by = re.search(r"signed-by=(\S+)", match[1] or "")
            yield [match[2]], [match[3]], match[4].split(), signed_by[1] if signed_by else ""


def _deb822_entries(text: str) -> Iterator[_AptEntry]:
    """Yield the same of each stanza of a `.sources` file."""
    text = re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE)
    for stanza in re.split(r"\n\s*\n", text):
        unfolded = re.sub(r"\n[ \t]+", " ", stanza)
        fields = {name.lower(): value for name, _colon, value in (row.partition(":") for row in unfolded.splitlines())}
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").strip().lower() != "no":
            uris, suites, components = (fields.get(name, "").split() for name in ("uris", "suites", "components"))
            yield uris, suites, components, fields.get("signed-by", "").strip()


def load_packages(source: Source, reporter: Reporter) -> dict[str, Package]:
    """Return the newest version of each package of `source`, by name.

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
    parsed = source.cache / "indexes" / f"{sha256}.v{_PARSED_FORMAT}"
    if (packages := _read_parsed(parsed)) is not None:
        return packages
    cached = source.cache / "indexes" / sha256
    url = f"{base}/{wanted}"
    by_hash = f"{base}/{path}/by-hash/SHA256/{sha256}"
    data = None
    if _field(release, "Acquire-By-Hash") == "yes":
        # A mirror that lacks the one may have the other.
        with contextlib.suppress(DownloadError):
            data = fetch_verified(by_hash, sha256, size, cached)
    if data is None:
        try:
            data = fetch_verified(url, sha256, size, cached)
        except WrongContentError:
            raise DownloadError(
                f"{url} is not the index that the release {_field(release, 'Version') or source.suite} of"
                f" {_field(release, 'Date')} signs (SHA-256 differs)",
                hint="a mirror answers so while it is being updated: try later, or another --mirror",
            ) from None
    try:
        text = lzma.decompress(data).decode("utf-8")
    except (lzma.LZMAError, UnicodeDecodeError) as error:
        raise DownloadError(f"{url} cannot be unpacked: {reason_of(error)}", hint="try another --mirror") from None
    packages = parse_packages(text)
    _store_parsed(parsed, packages)
    return packages


# Raise it when Package changes.
_PARSED_FORMAT = 1


def _store_parsed(path: Path, packages: Mapping[str, Package]) -> None:
    """Keep a verified index as rows, which are read in a third of the time; a digest tells damage."""
    rows = [[getattr(package, name) for name in Package.__slots__] for package in packages.values()]
    payload = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()
    store(path, hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload)


def _read_parsed(path: Path) -> dict[str, Package] | None:
    """Load the result of `_store_parsed`; None if it is missing or damaged."""
    try:
        digest, _newline, payload = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if digest.decode("ascii", "replace") != hashlib.sha256(payload).hexdigest():
        return None
    return {row[0]: Package(**dict(zip(Package.__slots__, row, strict=True))) for row in json.loads(payload)}


def _sha256_entries(release: str) -> list[tuple[str, tuple[str, int]]]:
    section = re.search(r"^SHA256:\n((?: .*\n)+)", release + "\n", re.MULTILINE)
    rows = [line.split() for line in (section[1].splitlines() if section else [])]
    return [(row[2], (row[0], int(row[1]))) for row in rows if len(row) == 3 and row[1].isdigit()]


def parse_packages(text: str) -> dict[str, Package]:
    """Return the newest version of each package of an index (deb822(5)); stanzas without a file are left out."""
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
    """Return the release's signed text; from the cache if the network is down and it is still valid."""
    name = hashlib.sha256(source.mirror.encode()).hexdigest()[:16]
    cached = source.cache / "releases" / name / f"{source.suite}.InRelease"
    url = f"{source.mirror}/dists/{source.suite}/InRelease"
    kept = None
    try:
        data = fetch(url, limit=_RELEASE_LIMIT)
    except DownloadError as error:
        if not cached.is_file():
            if isinstance(error, NotThereError):
                near = difflib.get_close_matches(source.suite, RELEASES, n=1)
                raise DownloadError(
                    f"there is no Debian release {source.suite!r} at {source.mirror}",
                    hint=f"name one by its code name: --from debian:{near[0] if near else 'bookworm'}",
                ) from None
            raise
        reporter.note(f"using the cached index of {source.suite}: {error.message}")
        data = kept = cached.read_bytes()
    text = _verified(data, source)
    _require_fresh(text, source)
    _require_suite(text, source)
    if data is not kept:
        store(cached, data)
    return text


def _verified(data: bytes, source: Source) -> str:
    """Return the signed text only, as gpgv prints it."""
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
    # Exactly one message: gpgv also writes out other parts of a file, whoever signed them.
    if not _CLEARSIGNED.fullmatch(data) or data.count(b"-----BEGIN PGP") != 2 or data.count(b"-----END PGP") != 1:
        raise DownloadError(
            f"the signature of {source.suite} at {source.mirror} is not good: it is not one signed message",
            hint="try another --mirror",
        )
    with scratch_directory("gpgv") as directory:
        signed, plain = directory / "InRelease", directory / "Release"
        signed.write_bytes(data)
        result = run_text(
            [
                gpgv,
                "--homedir",
                directory,
                "--status-fd",
                "1",
                "--keyring",
                str(source.keyring.absolute()),
                "--output",
                str(plain),
                str(signed),
            ],
            environment={"PATH": os.defpath, "LC_ALL": "C"},
        )
        # A release is signed by several keys and an older keyring lacks the newest; gpgv then fails although one that
        # is trusted signed it. So the status lines decide, as they do for apt: one good (an expired or a
        # revoked key makes another word of it), and none bad.
        status = [line.split()[1] for line in result.stdout.splitlines() if line.startswith("[GNUPG:] ")]
        trusted = {"GOODSIG", "VALIDSIG"} <= set(status) and not _DISTRUST & set(status)
        if not trusted or not plain.is_file():
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
    except (TypeError, ValueError):
        raise DownloadError(
            f"{source.suite} has an unreadable Valid-Until: {until}", hint="try another --mirror"
        ) from None
    if expires.tzinfo is None:
        # RFC 5322 writes "UTC, and no word about the local time" as -0000.
        expires = expires.replace(tzinfo=datetime.timezone.utc)
    if expires < datetime.datetime.now(datetime.timezone.utc):
        raise DownloadError(
            f"the index of {source.suite} at {source.mirror} is stale: it was valid until {until}",
            hint="try another --mirror, or a stable release",
        )


def _require_suite(text: str, source: Source) -> None:
    # A mirror must not pass one release off as another: the signature covers both.
    name, codename = _field(text, "Suite"), _field(text, "Codename")
    if source.suite == name != codename:
        # A sysroot of "stable" would turn into a mixture on the next release's day.
        raise UsageError(
            f"{name!r} is another release from time to time", hint=f"name it by its code name: --from debian:{codename}"
        )
    names = {name, codename}
    if source.suite != codename:
        raise DownloadError(
            f"{source.mirror} gives {' / '.join(sorted(names - {''})) or 'no name'} for {source.suite}",
            hint="name the release by its code name",
        )

"""Downloads that are checked before they are kept."""

from __future__ import annotations

import errno
import hashlib
import http.client
import time
import urllib.error
import urllib.request
from pathlib import Path

from crossenv.errors import CrossenvError, DownloadError, UsageError, reason_of
from crossenv.files import write_file

TIMEOUT_SECONDS = 60
ATTEMPTS = 3


class NotThereError(DownloadError):
    """The server answers that there is no such file."""


class WrongContentError(DownloadError):
    """What came is not what its hash promised."""


def fetch(url: str, *, limit: int) -> bytes:
    """Return the content behind `url` (http, https or file).

    Args:
        url: What to fetch.
        limit: The most bytes that it may have.

    Raises:
        DownloadError: It could not be fetched in three attempts, or is larger.
        NotThereError: There is no such file.
        UsageError: It is not a URL.
    """
    problem: Exception | str = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(attempt)
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:
                data: bytes = response.read(limit + 1)
                length = response.headers.get("Content-Length")
            if len(data) > limit:
                raise DownloadError(
                    f"{url} is larger than the {limit} bytes it should have", hint="try another --mirror"
                )
            if length is not None and length.isdigit() and int(length) != len(data):
                problem = f"{len(data)} of {length} bytes came"
                continue
            return data
        except urllib.error.HTTPError as error:
            problem = error
            if error.code in (404, 410):
                raise NotThereError(
                    f"{url} could not be fetched: {problem}", hint="try another --mirror, this one is not complete"
                ) from None
        except (OSError, http.client.HTTPException) as error:
            problem = error
            if isinstance(getattr(error, "reason", None), FileNotFoundError):  # file:
                raise NotThereError(f"{url} could not be fetched: no such file", hint="name another --mirror") from None
        except ValueError as error:
            raise UsageError(f"{url} is not a URL: {error}", hint="write --mirror http://HOST/debian") from None
    raise DownloadError(
        f"{url} could not be fetched: {problem}",
        hint="check the network and --mirror; what is in the cache needs neither",
    )


def fetch_verified(url: str, sha256: str, size: int, cached: Path) -> bytes:
    """Return the content behind `url`, from the cache if it is there; kept only if its hash is right.

    Raises:
        DownloadError: It could not be fetched.
        WrongContentError: Its SHA-256 is not `sha256`.
    """
    if cached.is_file():
        data = cached.read_bytes()
        if hashlib.sha256(data).hexdigest() == sha256:
            return data
    data = fetch(url, limit=size)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise WrongContentError(
            f"{url} is not what its index promised (SHA-256 differs)", hint="try again, or another --mirror"
        )
    store(cached, data)
    return data


def store(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a file of the cache whole or not at all.

    Args:
        path: The file.
        data: Its content.
        mode: Its permissions.

    Raises:
        UsageError: The cache cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, data, mode=mode)
    except OSError as error:
        raise unwritable(path.parent, error, hint="XDG_CACHE_HOME names another place for the cache") from None


def unwritable(path: Path, error: OSError, *, hint: str) -> CrossenvError:
    """Describe a missing right, or missing space, to write `path`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UsageError(f"the disk of {path} is full", hint=f"make room; {hint}")
    return UsageError(f"{path} cannot be written: {reason_of(error)}", hint=hint)

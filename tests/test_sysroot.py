"""Sysroots from Debian's archive: what is trusted, what is unpacked, what is refused."""

from __future__ import annotations

import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import CrossenvCommand
from crossenv.debian import fetch as fetching
from crossenv.debian.archive import default_mirror
from crossenv.debian.unpack import unpack_deb
from crossenv.debian.version import compare, satisfies, sort_key
from crossenv.errors import DownloadError
from debian_archive import Archive, Member, ar, deb, small_archive

Create = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = small_archive(tmp_path / "archive")
    made.publish()
    return made


@pytest.fixture
def create(crossenv: CrossenvCommand, archive: Archive, tmp_path: Path) -> Create:
    """`crossenv sysroot create` from the small archive, with a cache of the test's own."""

    def run(*words: str, suite: str = "bookworm", arch: str = "arm64", mirror: str | None = None, check: bool = True,
            secure: bool = False, directory: str = "sysroot") -> subprocess.CompletedProcess[str]:  # fmt: skip
        return crossenv(
            "sysroot", "create", "--from", f"debian:{suite}", "--arch", arch, "--mirror", mirror or archive.mirror,
            *([] if secure else ["--insecure"]), tmp_path / directory, *words,
            check=check, XDG_CACHE_HOME=str(tmp_path / "cache"),
        )  # fmt: skip

    return run


def refused(result: subprocess.CompletedProcess[str], code: int, says: str) -> None:
    assert result.returncode == code, result.stderr
    lines = [line for line in result.stderr.splitlines() if "signature is not checked" not in line]
    assert any(says in line and line.startswith("crossenv: error:") for line in lines), result.stderr
    assert any(line.startswith("crossenv: hint:") for line in lines), result.stderr
    assert "Traceback" not in result.stderr


def test_a_sysroot_is_made(create: Create, tmp_path: Path) -> None:
    result = create("--json", "--package", "libyaml-dev")
    root = tmp_path / "sysroot"
    manifest = json.loads(result.stdout)
    assert manifest["directory"] == str(root)
    assert manifest["suite"] == "bookworm"
    assert manifest["packages"]["libc6"] == "1"
    assert "libdb5.3" in manifest["packages"], "a virtual package is provided"
    assert "media-types" not in manifest["packages"], "what only an installed system needs is not followed"
    assert json.loads((root / ".crossenv-sysroot.json").read_text())["schema"] == 1
    assert (root / "usr/bin/python3.11").stat().st_mode & 0o777 == 0o644
    assert (root / "usr/include/yaml.h").is_file()
    # A merged /usr, and links that stay inside.
    assert (root / "lib").readlink() == Path("usr/lib")
    assert (root / "usr/lib/x/libm.so.6").read_bytes() == b"m"
    assert (root / "usr/lib/x/libm.so").readlink() == Path("libm.so.6")
    assert (root / "usr/lib/ld-linux-aarch64.so.1").exists()
    # What no compiler and no interpreter reads.
    assert not (root / "usr/share/doc").exists()
    assert not (root / "usr/lib/x/libpython3.11.a").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "cache", "sysroot"]


def test_packages_are_added(create: Create, crossenv: CrossenvCommand, archive: Archive, tmp_path: Path) -> None:
    create()
    root = tmp_path / "sysroot"
    assert not (root / "usr/include/yaml.h").exists()
    crossenv("sysroot", "add", "--insecure", root, "libyaml-dev", XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert (root / "usr/include/yaml.h").is_file()
    assert (root / "usr/bin/python3.11").is_file()
    assert "libyaml-dev" in json.loads((root / ".crossenv-sysroot.json").read_text())["packages"]
    result = crossenv(
        "sysroot", "add", "--insecure", root, "libyamel-dev", check=False, XDG_CACHE_HOME=str(tmp_path / "cache")
    )
    refused(result, 2, "there is no package 'libyamel-dev'")
    assert "the nearest are libyaml-dev" in result.stderr
    assert (root / "usr/include/yaml.h").is_file()


def test_a_second_run_needs_no_network(create: Create, archive: Archive, tmp_path: Path) -> None:
    create(directory="one")
    archive.directory.rename(tmp_path / "gone")
    result = create(directory="two")
    assert "using the cached index of bookworm" in result.stderr
    assert (tmp_path / "two/usr/bin/python3.11").is_file()


def test_no_network_and_no_cache(create: Create, tmp_path: Path) -> None:
    refused(create(mirror="http://127.0.0.1:9/debian", check=False), 5, "could not be fetched")
    assert not (tmp_path / "sysroot").exists()


def test_over_http(create: Create, archive: Archive, tmp_path: Path) -> None:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(archive.directory))  # type: ignore[arg-type]

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        mirror = f"http://127.0.0.1:{server.server_address[1]}"
        create(mirror=mirror)
        refused(
            create(suite="trixie", mirror=mirror, check=False, directory="b"), 5, "there is no Debian release 'trixie'"
        )
        server.shutdown()
    assert (tmp_path / "sysroot/usr/bin/python3.11").is_file()
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("spoil", "code", "says"),
    [
        pytest.param(lambda a: a.publish(codename="trixie"), 5, "gives trixie for bookworm", id="another release"),
        pytest.param(
            lambda a: a.publish(extra="Valid-Until: Sat, 01 Jan 2022 00:00:00 UTC\n"),
            5, "is stale: it was valid until", id="stale",
        ),
        pytest.param(
            lambda a: (a.directory / "dists/bookworm/main/binary-arm64/Packages.xz").write_bytes(b"tampered"),
            5, "is not what its index promised", id="tampered index",
        ),
        pytest.param(
            lambda a: a.tamper("libc6_1.deb"),
            5, "is not what its index promised", id="tampered package",
        ),
        pytest.param(
            lambda a: (a.directory / "pool/libc6_1.deb").unlink(), 5, "could not be fetched", id="missing package"
        ),
        pytest.param(
            lambda a: a.add("zlib1g-dev", [("../../outside", b"")], version="2") and a.publish(),
            5, "has a member outside its tree", id="a member that leaves the tree",
        ),
        pytest.param(
            lambda a: a.add("zlib1g-dev", [], version="2", Depends="no-such-thing (>= 3)") and a.publish(),
            2, "needs no-such-thing (>= 3), which this release does not have", id="a dependency that cannot be met",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_leaves_nothing(
    create: Create, archive: Archive, tmp_path: Path, spoil: Callable[[Archive], object], code: int, says: str
) -> None:
    spoil(archive)
    refused(create(check=False), code, says)
    assert not (tmp_path / "sysroot").exists()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "cache") == ["archive"]


def test_bad_words(create: Create, crossenv: CrossenvCommand, tmp_path: Path) -> None:
    refused(create(arch="arm65", check=False), 2, "has no architecture 'arm65'")
    refused(create(suite="bookwurm", check=False), 2, "the Python of Debian 'bookwurm' is not known")
    refused(
        crossenv("sysroot", "create", "--from", "ubuntu", "--arch", "arm64", tmp_path / "s", check=False), 2, "origin"
    )
    refused(crossenv("sysroot", "add", tmp_path, "zlib1g-dev", check=False), 2, "is no sysroot that")
    (tmp_path / "sysroot").mkdir()
    (tmp_path / "sysroot/mine").touch()
    refused(create(check=False), 2, "exists and is not empty")
    assert (tmp_path / "sysroot/mine").exists()


def test_the_signature_decides(create: Create, archive: Archive, tmp_path: Path) -> None:
    if shutil.which("gpg") is None or shutil.which("gpgv") is None:
        pytest.skip("needs gpg and gpgv")
    home = tmp_path / "gpg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet"]
    subprocess.run(
        [*gpg, "--passphrase", "", "--quick-gen-key", "test@example.org", "ed25519"], check=True, capture_output=True
    )
    keys = tmp_path / "keys.gpg"
    subprocess.run([*gpg, "--export", "-o", str(keys)], check=True)
    archive.publish(keyring=home)
    create("--keyring", str(keys), secure=True)
    release = archive.directory / "dists/bookworm/InRelease"
    release.write_text(release.read_text().replace("Origin: Debian", "Origin: Mallory"))
    refused(create("--keyring", str(keys), secure=True, check=False, directory="b"), 5, "signature of bookworm")
    archive.publish()
    refused(create("--keyring", str(keys), secure=True, check=False, directory="b"), 5, "signature of bookworm")
    refused(
        create("--keyring", str(tmp_path / "none"), secure=True, check=False, directory="b"), 5, "there is no keyring"
    )
    assert not (tmp_path / "b").exists()


# Packages


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ([("/etc/passwd", b"")], "outside its tree"),
        ([("./usr/../../x", b"")], "outside its tree"),
        ([("./usr/lib/x", "../../../outside")], "leaves the tree"),
        ([("./usr/lib/d", None), ("./usr/lib/d", b"")], "puts a file where there is a directory"),
    ],
)
def test_hostile_members(tmp_path: Path, members: list[Member], says: str) -> None:
    (tmp_path / "root").mkdir()
    with pytest.raises(DownloadError, match=says):
        unpack_deb(deb(members), "hostile.deb", tmp_path / "root")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["root"]


def test_an_absolute_link_cannot_be_written_through(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside").mkdir()
    (root / "usr").mkdir()
    (root / "usr/evil").symlink_to(tmp_path / "outside")
    with pytest.raises(DownloadError, match="leaves the tree"):
        unpack_deb(deb([("./usr/evil/file", b"x")]), "hostile.deb", root)
    assert not list((tmp_path / "outside").iterdir())


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is no Debian package"),
        (b"<html>not found</html>", "is no Debian package"),
        (ar([("debian-binary", b"2.0\n")]), "holds no data.tar"),
        (ar([("data.tar.zst", b"x")]), "compressed as zst"),
        (ar([("data.tar.xz", b"not xz")]), "is damaged"),
        (deb([("./a", b"content" * 99)])[:-40], "is cut off"),
    ],
)
def test_damaged_packages(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(DownloadError, match=says):
        unpack_deb(data, "x.deb", tmp_path)


def test_setuid_bits_are_dropped_and_devices_left_out(tmp_path: Path) -> None:
    unpack_deb(deb([("./usr/bin/tool", b"x")]), "x.deb", tmp_path)
    assert (tmp_path / "usr/bin/tool").stat().st_mode & 0o7000 == 0


# Versions


def test_version_order() -> None:
    ordered = [
        "0.9~rc1-1",
        "0.9-1",
        "1.0~~",
        "1.0~beta",
        "1.0",
        "1.0-0.1",
        "1.0-1",
        "1.0a",
        "1.0+b1",
        "1.2",
        "1.10",
        "1:0.1",
    ]
    assert sorted(ordered, key=sort_key) == ordered
    assert sorted(ordered, key=sort_key, reverse=True) == ordered[::-1]
    assert compare("1.0", "0:1.0") == 0
    assert satisfies("2.36-9+deb12u10", ">=", "2.36")
    assert not satisfies("1.0~rc1", ">=", "1.0")
    assert (
        satisfies("1", "=", "1")
        and satisfies("1", "<<", "2")
        and satisfies("2", ">>", "1")
        and satisfies("1", "<=", "1")
    )


# The mirror


def test_the_machines_own_mirror(tmp_path: Path) -> None:
    assert default_mirror({}, tmp_path) == "http://mirror.example/debian"
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/debian.sources").write_text(
        "Types: deb\nURIs: http://mirror.example/debian/\nSuites: trixie\nComponents: main\n"
    )
    assert default_mirror({}, tmp_path) == "http://mirror.example/debian"
    (tmp_path / "sources.list").write_text("deb [signed-by=/k] https://other.example/debian bookworm main contrib\n")
    assert default_mirror({}, tmp_path) == "https://other.example/debian"
    assert default_mirror({"CROSSENV_DEBIAN_MIRROR": "http://mine/"}, tmp_path) == "http://mine"


def test_an_endless_answer_is_cut(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 100)
    with pytest.raises(DownloadError, match="larger than the 10 bytes"):
        fetching.fetch((tmp_path / "big").as_uri(), limit=10)

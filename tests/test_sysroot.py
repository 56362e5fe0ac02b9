"""Sysroots from Debian's archive: what is trusted, what is unpacked, what is refused."""

from __future__ import annotations

import errno
import http.server
import importlib
import json
import lzma
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import CrossenvCommand
from crossenv.errors import DownloadError, UsageError
from crossenv.report import Reporter
from crossenv.sysroots import fetch as fetching
from crossenv.sysroots import sysroot as making
from crossenv.sysroots.alternatives import link_alternatives
from crossenv.sysroots.archive import Package, Source, default_mirror, parse_packages
from crossenv.sysroots.debian import compare, satisfies, sort_key
from crossenv.sysroots.resolve import resolve
from crossenv.sysroots.unpack import finish_tree, unpack_deb
from debian_archive import Archive, HardLink, Member, ar, deb, sign, small_archive, stop_agent, tar

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
            secure: bool = False, directory: str = "sysroot",
            cache: Path | None = None) -> subprocess.CompletedProcess[str]:  # fmt: skip
        return crossenv(
            "sysroot", "create", "--from", f"debian:{suite}", "--arch", arch, "--mirror", mirror or archive.mirror,
            *([] if secure else ["--insecure"]), tmp_path / directory, *words,
            check=check, XDG_CACHE_HOME=str(cache or tmp_path / "cache"),
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
            lambda a: (a.directory / "dists/bookworm/main/binary-arm64/Packages.xz").write_bytes(b"x" * 100000),
            5, "Packages.xz is larger than the", id="a longer index",
        ),
        pytest.param(
            lambda a: (a.directory / "dists/bookworm/main/binary-arm64/Packages.xz").write_bytes(b"older"),
            5, "is not the index that the release bookworm", id="another index, as from a mirror being updated",
        ),
        pytest.param(
            lambda a: a.tamper("libc6_1.deb"),
            5, "is not what its index promised", id="tampered package",
        ),
        pytest.param(
            lambda a: (a.directory / "pool/libc6_1.deb").unlink(), 5, "could not be fetched", id="missing package"
        ),
        pytest.param(
            lambda a: os.truncate(a.directory / "pool/libc6_1.deb", 100),
            5, "is not what its index promised", id="a package that was cut off",
        ),
        pytest.param(
            lambda a: a.add("python3", [], version="3.9.2-3") and a.stanzas.pop(0) and a.publish(),
            2, "the Python of Debian bookworm is 3.9", id="a Python that is too old",
        ),
        pytest.param(
            lambda a: a.stanzas.pop(0) and a.publish(), 2, "has no package python3", id="no Python",
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
    assert "it has arm64" in create(arch="arm65", check=False).stderr
    wrong = create(suite="bookwurm", check=False)
    refused(wrong, 5, "there is no Debian release 'bookwurm'")
    assert "--from debian:bookworm" in wrong.stderr, "the nearest name"
    refused(create(suite="../bookworm", check=False), 2, "Debian has no release")
    refused(create(mirror="no address", check=False), 2, "is not a URL")
    refused(
        crossenv("sysroot", "create", "--from", "ubuntu", "--arch", "arm64", tmp_path / "s", check=False),
        2,
        "--from cannot be",
    )
    refused(crossenv("sysroot", "add", tmp_path, "zlib1g-dev", check=False), 2, "did not make")
    (tmp_path / "sysroot").mkdir()
    (tmp_path / "sysroot/mine").touch()
    refused(create(check=False), 2, "exists and is not empty")
    assert (tmp_path / "sysroot/mine").exists()


@pytest.fixture
def homes() -> Iterator[Path]:
    """A directory for gpg homes: its agent's sockets need a short path."""
    with tempfile.TemporaryDirectory(prefix="gpg") as directory:
        yield Path(directory)


def make_keys(home: Path, *names: str) -> Path:
    """A gpg home with a key of each name, and a keyring of the first one."""
    if not all(map(shutil.which, ("gpg", "gpg-agent", "gpgconf", "gpgv"))):
        pytest.skip("needs gpg, gpg-agent and gpgv")
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet"]
    try:
        for name in names:
            subprocess.run(
                [*gpg, "--passphrase", "", "--quick-gen-key", f"{name}@example.org", "ed25519"],
                check=True,
                capture_output=True,
            )
        keys = home.parent / f"{home.name}.keys"
        subprocess.run([*gpg, "--export", "-o", str(keys), f"{names[0]}@example.org"], check=True)
    finally:
        # gpg has started an agent, which would stay.
        stop_agent(home)
    return keys


def test_one_trusted_key_is_enough(create: Create, archive: Archive, homes: Path) -> None:
    """Debian signs a release with several keys, and a keyring can be older than one of them."""
    keys = make_keys(homes / "gpg", "old", "new")
    archive.publish(keyring=homes / "gpg")
    create("--keyring", str(keys), secure=True)
    stranger = make_keys(homes / "stranger", "mallory")
    refused(create("--keyring", str(stranger), secure=True, check=False, directory="b"), 5, "signature of bookworm")


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("signed", [True, False])
def test_nothing_is_believed_around_what_is_signed(
    create: Create, archive: Archive, homes: Path, tmp_path: Path, before: bool, signed: bool
) -> None:
    keys = make_keys(homes / "gpg", "debian")
    archive.publish(keyring=homes / "gpg")
    release = archive.directory / "dists/bookworm/InRelease"
    evil = tmp_path / "evil"
    evil.write_text(release.with_name("Release").read_text().replace("Origin: Debian", "Origin: Mallory"))
    if signed:
        make_keys(homes / "mallory", "mallory")
        sign(evil, tmp_path / "evil.asc", homes / "mallory")
        evil = tmp_path / "evil.asc"
    parts = [evil.read_text(), release.read_text()]
    release.write_text("\n".join(parts if before else parts[::-1]))
    refused(create("--keyring", str(keys), secure=True, check=False), 5, "signature of bookworm")


def test_without_gpgv(crossenv: CrossenvCommand, archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    result = crossenv(
        "sysroot", "create", "--from", "debian:bookworm", "--arch", "arm64", "--mirror", archive.mirror, tmp_path / "s",
        check=False, PATH=str(tmp_path / "bin"), XDG_CACHE_HOME=str(tmp_path / "cache"),
    )  # fmt: skip
    refused(result, 5, "gpgv is not on PATH")
    assert "--insecure" in result.stderr


def test_the_signature_decides(create: Create, archive: Archive, homes: Path, tmp_path: Path) -> None:
    home = homes / "gpg"
    keys = make_keys(home, "test")
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


# Whole or not at all


def contents(root: Path) -> dict[str, object]:
    return {
        str(path.relative_to(root)): path.readlink() if path.is_symlink() else path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


@pytest.fixture
def source(archive: Archive, tmp_path: Path) -> Source:
    return Source(
        mirror=archive.mirror, suite="bookworm", architecture="arm64", keyring=None, cache=tmp_path / "library-cache"
    )


QUIET = Reporter(verbosity=-1)


def test_an_addition_that_fails_changes_nothing(
    create: Create, archive: Archive, source: Source, tmp_path: Path
) -> None:
    create()
    root = tmp_path / "sysroot"
    before = contents(root)
    archive.tamper("libyaml-dev_1.deb")
    with pytest.raises(DownloadError, match="is not what its index promised"):
        making.add_packages(root, ["libyaml-dev"], source, QUIET)
    archive.add("bad", [("./usr/include/zlib.h", b"changed"), ("./usr/include/new.h", b""), ("./usr/lib", b"")])
    archive.publish()
    with pytest.raises(DownloadError, match="puts a file where there is a directory"):
        making.add_packages(root, ["bad"], source, QUIET)
    assert contents(root) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "cache", "library-cache", "sysroot"]


@pytest.mark.parametrize("which", [1, 2])
def test_ctrl_c_while_the_new_tree_takes_its_place(
    create: Create, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    create()
    root = tmp_path / "sysroot"
    before = contents(root)
    rename, calls = Path.rename, []

    def interrupted(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == which:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        making.add_packages(root, ["libyaml-dev"], source, QUIET)
    assert contents(root) == before
    assert not list(tmp_path.glob(".sysroot*"))


def test_a_full_disk(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(making, "unpack_deb", full)
    with pytest.raises(UsageError, match=r"the disk of .*sysroot is full") as caught:
        making.create_sysroot(tmp_path / "sysroot", source, [], QUIET)
    assert "make room" in caught.value.hint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "library-cache"]


def test_a_cache_that_cannot_be_written(create: Create, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = create(check=False, cache=tmp_path / "file")
    refused(result, 2, "cannot be written")
    assert "XDG_CACHE_HOME" in result.stderr


def test_who_creates_at_the_same_time_does_not_lose(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The directory is looked at first, and filled by somebody else before it is replaced."""

    def link(_tree: Path) -> None:
        (tmp_path / "sysroot").mkdir()
        (tmp_path / "sysroot/mine").touch()

    monkeypatch.setattr(making, "link_alternatives", link)
    with pytest.raises(UsageError, match="cannot be written"):
        making.create_sysroot(tmp_path / "sysroot", source, [], QUIET)
    assert [path.name for path in (tmp_path / "sysroot").iterdir()] == ["mine"]


def test_two_additions_at_a_time(create: Create, crossenv: CrossenvCommand, archive: Archive, tmp_path: Path) -> None:
    names = ["libyaml-dev", "libffi-dev", "liblzma-dev"]
    for name in names[1:]:
        archive.add(name, [(f"./usr/include/{name}.h", b"")])
    archive.publish()
    create()

    def add(name: str) -> None:
        crossenv(
            "sysroot", "add", "--insecure", tmp_path / "sysroot", name, XDG_CACHE_HOME=str(tmp_path / "cache")
        )  # fmt: skip

    with ThreadPoolExecutor() as pool:
        list(pool.map(add, names))
    packages = json.loads((tmp_path / "sysroot/.crossenv-sysroot.json").read_text())["packages"]
    assert packages.keys() >= set(names)
    assert {path.name for path in (tmp_path / "sysroot/usr/include").iterdir()} >= {"libffi-dev.h", "liblzma-dev.h"}


def test_a_link_to_a_sysroot_stays_one(create: Create, crossenv: CrossenvCommand, tmp_path: Path) -> None:
    create()
    (tmp_path / "current").symlink_to("sysroot")
    crossenv(
        "sysroot", "add", "--insecure", tmp_path / "current", "libyaml-dev", XDG_CACHE_HOME=str(tmp_path / "cache")
    )
    assert (tmp_path / "current").readlink() == Path("sysroot")
    assert (tmp_path / "sysroot/usr/include/yaml.h").is_file()


def test_the_parsed_index_is_kept_and_its_damage_noticed(create: Create, archive: Archive, tmp_path: Path) -> None:
    create(directory="one")
    index = archive.directory / "dists/bookworm/main/binary-arm64/Packages.xz"
    (parsed,) = (tmp_path / "cache/crossenv/debian/indexes").glob("*.v*")
    kept = parsed.with_suffix("")
    index.rename(tmp_path / "Packages.xz")
    kept.unlink()
    create(directory="two")
    parsed.write_bytes(parsed.read_bytes()[:-1])
    refused(create(check=False, directory="three"), 5, "could not be fetched")
    (tmp_path / "Packages.xz").rename(index)
    create(directory="three")


def test_a_time_without_a_zone(create: Create, archive: Archive) -> None:
    archive.publish(extra="Valid-Until: Sat, 01 Jan 2124 00:00:00 -0000\n")
    create()


def test_a_release_by_the_name_that_moves_on(create: Create, archive: Archive, tmp_path: Path) -> None:
    archive.suite = "stable"
    archive.publish(codename="trixie", extra="Suite: stable\n")
    result = create(suite="stable", check=False)
    refused(result, 2, "'stable' is another release from time to time")
    assert "--from debian:trixie" in result.stderr


# Dependencies


def index(*stanzas: Mapping[str, str]) -> dict[str, Package]:
    base = {"Version": "1", "Filename": "x.deb", "SHA256": "0", "Size": "1"}
    return parse_packages("\n\n".join("\n".join(f"{k}: {v}" for k, v in {**base, **s}.items()) for s in stanzas))


@pytest.mark.parametrize(
    ("depends", "asked", "expected"),
    [
        ({"Depends": "b (>= 2) | c"}, [], ["a", "c"]),
        ({"Depends": "b | c"}, [], ["a", "b"]),
        ({"Depends": "b | c"}, ["c"], ["a", "c"]),
        ({"Depends": "b:any, c:native (<< 2)"}, [], ["a", "b", "c"]),
        ({"Pre-Depends": "b", "Depends": "c"}, [], ["a", "b", "c"]),
        ({"Depends": "virtual"}, [], ["a", "unversioned"]),
        ({"Depends": "virtual (>= 2)"}, [], ["a", "newer"]),
        ({"Depends": "virtual (>= 2)"}, ["newest"], ["a", "newest"]),
        ({"Depends": "tzdata | b"}, [], ["a"]),
        ({"Depends": "tzdata"}, ["tzdata"], ["a", "tzdata"]),
        ({"Depends": "circle"}, [], ["a", "circle"]),
    ],
)
def test_what_a_package_needs(depends: dict[str, str], asked: list[str], expected: list[str]) -> None:
    packages = index(
        {"Package": "a", **depends},
        {"Package": "b"},
        {"Package": "c"},
        {"Package": "tzdata"},
        {"Package": "circle", "Depends": "a"},
        {"Package": "unversioned", "Provides": "virtual"},
        {"Package": "older", "Provides": "virtual (= 1)"},
        {"Package": "newer", "Provides": "virtual (= 2)"},
        {"Package": "newest", "Provides": "other, virtual (= 3)"},
    )
    for names in (["a", *asked], [*asked, "a"]):
        assert [package.name for package in resolve(names, packages)] == expected


def test_the_newest_of_a_package_is_taken() -> None:
    packages = index({"Package": "a", "Version": "1.9"}, {"Package": "a", "Version": "1.10"}, {"Package": "a"})
    assert packages["a"].version == "1.10"


# BLAS


def test_blas_is_found_where_it_is_looked_for(tmp_path: Path) -> None:
    lib, include = tmp_path / "usr/lib/aarch64-linux-gnu", tmp_path / "usr/include/aarch64-linux-gnu"
    for name in ("blas/libblas.so", "lapack/liblapack.so", "pkgconfig/blas-netlib.pc"):
        (lib / name).parent.mkdir(parents=True, exist_ok=True)
        (lib / name).touch()
    include.mkdir(parents=True)
    (include / "cblas-netlib.h").touch()
    link_alternatives(tmp_path)
    assert (lib / "libblas.so").readlink() == Path("blas/libblas.so")
    assert (lib / "pkgconfig/blas.pc").resolve() == lib / "pkgconfig/blas-netlib.pc"
    assert (include / "cblas.h").readlink() == Path("cblas-netlib.h")

    # OpenBLAS comes later, and is better.
    openblas = lib / "openblas-pthread"
    for name in ("libblas.so", "libopenblas.so", "pkgconfig/openblas.pc", "pkgconfig/blas-openblas.pc",
                 "cmake/openblas/OpenBLASConfig.cmake"):  # fmt: skip
        (openblas / name).parent.mkdir(parents=True, exist_ok=True)
        (openblas / name).touch()
    (openblas / "libblas.a").symlink_to("libopenblas.a")
    (include / "openblas-pthread").mkdir()
    (include / "openblas-pthread/cblas.h").touch()
    # A package of CMake files of the same name, and a file of the user's own.
    (lib / "cmake/openblas").mkdir(parents=True)
    (lib / "liblapack.so").unlink()
    (lib / "liblapack.so").write_text("mine")
    for _again in range(2):
        link_alternatives(tmp_path)
        assert (lib / "libblas.so").readlink() == Path("openblas-pthread/libblas.so")
        assert (lib / "libopenblas.so").exists()
        assert (lib / "pkgconfig/blas.pc").resolve() == openblas / "pkgconfig/blas-openblas.pc"
        assert (lib / "pkgconfig/openblas.pc").resolve() == openblas / "pkgconfig/openblas.pc"
        assert (lib / "cmake/openblas/OpenBLASConfig.cmake").exists()
        assert (include / "cblas.h").readlink() == Path("openblas-pthread/cblas.h")
        assert (lib / "liblapack.so").read_text() == "mine"
        assert not os.path.lexists(lib / "libblas.a"), "its goal was left out"


# Packages


def test_links_do_not_leave_the_tree_through_other_links(tmp_path: Path) -> None:
    """As written the last link stays inside; where it really goes, it is one step below the top."""
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(DownloadError, match="leaves the tree"):
        unpack_deb(deb([("./o", "."), ("./o/o/o/x", "../../../outside")]), "hostile.deb", root)
    assert not os.path.lexists(root / "x")
    unpack_deb(deb([("./usr/a/b/f", b"f"), ("./usr/s", "a/b"), ("./usr/s/l", "../b/f")]), "good.deb", root)
    assert (root / "usr/a/b/l").read_bytes() == b"f"


def test_links_in_a_circle(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="puts a file where there is a directory, or the other way round"):
        unpack_deb(deb([("./a", "b"), ("./b", "a"), ("./a/f", b"")]), "circle.deb", tmp_path)


def test_hard_links(tmp_path: Path) -> None:
    doc, one, two = "./usr/share/doc/x", "./usr/bin/one", "./usr/bin/two"
    unpack_deb(
        deb([(one, b"1"), (two, HardLink(goal=one)), (doc, b"text"), ("./usr/text", HardLink(goal=doc))]),
        "x.deb",
        tmp_path,
    )
    assert (tmp_path / "usr/bin/two").samefile(tmp_path / "usr/bin/one")
    assert (tmp_path / "usr/text").read_bytes() == b"text", "its other name was left out"
    with pytest.raises(DownloadError, match="to nothing"):
        unpack_deb(deb([("./usr/a", HardLink(goal="./usr/b"))]), "x.deb", tmp_path)


def test_a_second_unpacking_does_not_write_into_hard_links(tmp_path: Path) -> None:
    """What `add` copies is hard-linked to the sysroot as it was."""
    (tmp_path / "new/usr").mkdir(parents=True)
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "new/usr/f").hardlink_to(tmp_path / "old")
    unpack_deb(deb([("./usr/f", b"new")]), "x.deb", tmp_path / "new")
    assert (tmp_path / "old").read_bytes() == b"old"


def test_lib64_is_there_for_who_needs_it(tmp_path: Path) -> None:
    unpack_deb(deb([("./lib64/ld64.so.2", b"")]), "libc6.deb", tmp_path)
    finish_tree(tmp_path)
    assert (tmp_path / "lib64").readlink() == Path("usr/lib64")
    assert (tmp_path / "lib64/ld64.so.2").is_file()


def test_no_link_is_left_to_a_static_library_that_was_left_out(tmp_path: Path) -> None:
    (tmp_path / "usr/lib/t").mkdir(parents=True)
    (tmp_path / "usr/lib/t/libx.a").symlink_to("libx-1.a")
    (tmp_path / "usr/lib/t/libx.so").symlink_to("libx.so.1")
    finish_tree(tmp_path)
    assert [path.name for path in (tmp_path / "usr/lib/t").iterdir()] == ["libx.so"]


def test_time_zones_come_with_tzdata(tmp_path: Path) -> None:
    unpack_deb(deb([("./usr/share/zoneinfo/UTC", b"TZif")]), "tzdata.deb", tmp_path)
    assert (tmp_path / "usr/share/zoneinfo/UTC").is_file()


@pytest.mark.skipif(sys.version_info < (3, 14), reason="compression.zstd came in Python 3.14")
def test_zst(tmp_path: Path) -> None:
    zstd = importlib.import_module("compression.zstd")
    unpack_deb(ar([("data.tar.zst", zstd.compress(tar([("./usr/f", b"x")])))]), "x.deb", tmp_path)
    assert (tmp_path / "usr/f").is_file()


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
        (b"", "is not a Debian package"),
        (b"<html>not found</html>", "is not a Debian package"),
        (ar([("debian-binary", b"2.0\n")]), "holds no data.tar"),
        (ar([("data.tar.zst", b"x")]), "compressed as zst" if sys.version_info < (3, 14) else "is damaged"),
        (ar([("data.tar.xz", b"not xz")]), "is damaged"),
        (ar([("data.tar.gz", b"not gz")]), "is damaged"),
        (ar([("data.tar", b"not tar" * 99)]), "is damaged"),
        (ar([("data.tar.xz", lzma.compress(b"\0" * 9999)[:-20])]), "is damaged"),
        (ar([("data.tar.lzma", b"x")]), "compressed as lzma, which is not supported"),
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
    with pytest.raises(UsageError, match="no mirror of Debian is known"):
        default_mirror({}, tmp_path)
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/debian.sources").write_text(
        "Types: deb\nURIs: http://mirror.example/debian/\nSuites: trixie\nComponents: main\n"
    )
    assert default_mirror({}, tmp_path) == "http://mirror.example/debian"
    (tmp_path / "sources.list").write_text("deb [signed-by=/k] https://other.example/debian bookworm main contrib\n")
    assert default_mirror({}, tmp_path) == "https://other.example/debian"
    assert default_mirror({"CROSSENV_DEBIAN_MIRROR": "http://mine/"}, tmp_path) == "http://mine"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("docker.sources", "Types: deb\nURIs: https://x.example/linux/debian\nSuites: bookworm\nComponents: stable\n"),
        (
            "security.sources",
            "Types: deb\nURIs: http://x.example/debian\nSuites: bookworm-security\nComponents: main\n",
        ),
        ("off.sources", "Types: deb\nEnabled: no\nURIs: http://x.example/debian\nSuites: sid\nComponents: main\n"),
        ("source.sources", "Types: deb-src\nURIs: http://x.example/debian\nSuites: sid\nComponents: main\n"),
        ("comment.sources", "#Types: deb\n#URIs: http://x.example/debian\n#Suites: sid\n#Components: main\n"),
        ("runner.list", "deb [signed-by=/k/runner.gpg] https://x.example/runner/debian bookworm main\n"),
        ("ubuntu.list", "deb http://x.example/ubuntu noble main\n"),
        ("comment.list", "# deb http://x.example/debian bookworm main\n"),
        ("saved.list.save", "deb http://x.example/debian bookworm main\n"),
    ],
)
def test_what_is_no_mirror_of_debian(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / file).write_text(text)
    with pytest.raises(UsageError, match="no mirror of Debian is known"):
        default_mirror({}, tmp_path)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("debian.sources", "# ours\nTypes: deb deb-src\nURIs:\n http://m.example/pub/debian/\nSuites: trixie\n"
         " trixie-updates\nComponents: main non-free-firmware\n"
         "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"),
        ("d.list", "deb-src http://no.example/debian sid main\n"
         "deb [arch=amd64] http://m.example/pub/debian sid contrib main\n"),
    ],
)  # fmt: skip
def test_what_is_a_mirror_of_debian(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / file).write_text(text)
    assert default_mirror({}, tmp_path) == "http://m.example/pub/debian"


@pytest.mark.integration
def test_the_real_archive(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    """Debian's own arm64 Python, from the network, started here."""
    root = tmp_path / "sysroot"
    made = crossenv(
        "sysroot",
        "create",
        "--from",
        "debian:bookworm",
        "--arch",
        "arm64",
        "--package",
        "libopenblas-dev",
        "--json",
        root,
    )
    assert "python3.11" in json.loads(made.stdout)["packages"]
    lib = root / "usr/lib/aarch64-linux-gnu"
    assert (root / "usr/include/aarch64-linux-gnu/python3.11/pyconfig.h").is_file()
    for name in ("libm.so", "libz.so", "libblas.so", "libopenblas.so", "pkgconfig/openblas.pc", "libc_nonshared.a"):
        assert (lib / name).is_file(), name
    outside = [path for path in root.rglob("*") if path.is_symlink() and not within(path, root)]
    assert not outside
    qemu = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    if qemu is None and platform.machine() != "aarch64":
        pytest.skip("needs qemu-aarch64 to start it")
    code = "import ssl, ctypes, zlib, sqlite3, platform; print(platform.machine())"
    command = [*([qemu, "-L", str(root)] if qemu else []), str(root / "usr/bin/python3.11"), "-c", code]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "aarch64\n"


def within(link: Path, root: Path) -> bool:
    return Path(os.path.realpath(link)).is_relative_to(os.path.realpath(root))


def test_an_endless_answer_is_cut(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 100)
    with pytest.raises(DownloadError, match="larger than the 10 bytes"):
        fetching.fetch((tmp_path / "big").as_uri(), limit=10)

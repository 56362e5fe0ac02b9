"""Makes a tiny Debian archive: packages, index, release, and a signature where gpg is there."""

from __future__ import annotations

import hashlib
import io
import lzma
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class HardLink:
    """A second name of a member that came before."""

    goal: str


Member = tuple[str, bytes | str | HardLink | None]


def tar(members: list[Member], mode: int = 0o644) -> bytes:
    """A tar archive: bytes make a file, a text a symbolic link to it, None a directory."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.mode = mode
            if content is None:
                member.type = tarfile.DIRTYPE
                archive.addfile(member)
            elif isinstance(content, HardLink):
                member.type, member.linkname = tarfile.LNKTYPE, content.goal
                archive.addfile(member)
            elif isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def ar(members: list[tuple[str, bytes]]) -> bytes:
    data = b"!<arch>\n"
    for name, content in members:
        data += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}".encode() + b"`\n" + content
        data += b"\n" * (len(content) % 2)
    return data


def deb(members: list[Member]) -> bytes:
    return ar([("debian-binary", b"2.0\n"), ("control.tar.xz", b""), ("data.tar.xz", lzma.compress(tar(members)))])


def sign(plain: Path, signed: Path, home: Path) -> None:
    """Sign a file with every key of a gpg home."""
    gpg = ["gpg", "--homedir", str(home), "--batch", "--yes"]
    listed = subprocess.run([*gpg, "--list-secret-keys", "--with-colons"], check=True, capture_output=True, text=True)
    users = [f"--local-user={line.split(':')[4]}" for line in listed.stdout.splitlines() if line.startswith("sec:")]
    try:
        subprocess.run([*gpg, *users, "--clearsign", "-o", str(signed), str(plain)], check=True, capture_output=True)
    finally:
        stop_agent(home)


def stop_agent(home: Path) -> None:
    """End the agent that gpg starts for a home with secret keys: it would outlive the tests."""
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False, capture_output=True)


class Archive:
    """An archive in a directory, served as file://."""

    def __init__(self, directory: Path, suite: str = "bookworm", architecture: str = "arm64") -> None:
        self.directory, self.suite, self.architecture = directory, suite, architecture
        self.stanzas: list[str] = []

    @property
    def mirror(self) -> str:
        return self.directory.as_uri()

    def add(self, name: str, members: list[Member], version: str = "1", **fields: str) -> Path:
        data = deb(members)
        path = self.directory / f"pool/{name}_{version}.deb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        lines = [f"Package: {name}", f"Version: {version}"]
        lines += [f"{key.replace('_', '-')}: {value}" for key, value in fields.items()]
        lines += [f"Filename: pool/{path.name}", f"Size: {len(data)}", f"SHA256: {hashlib.sha256(data).hexdigest()}"]
        self.stanzas.append("\n".join(lines))
        return path

    def tamper(self, name: str) -> None:
        """Change a package and leave its size."""
        path = self.directory / "pool" / name
        path.write_bytes(b"x" * path.stat().st_size)

    def publish(self, keyring: Path | None = None, codename: str | None = None, extra: str = "") -> None:
        """Write the index and the release; signed with every key of a gpg home if one is given."""
        index = lzma.compress("\n\n".join(self.stanzas).encode() + b"\n")
        dists = self.directory / "dists" / self.suite
        place = dists / f"main/binary-{self.architecture}"
        place.mkdir(parents=True, exist_ok=True)
        (place / "Packages.xz").write_bytes(index)
        digest = hashlib.sha256(index).hexdigest()
        release = (
            f"Origin: Debian\nCodename: {codename or self.suite}\nDate: Sat, 01 Aug 2026 00:00:00 UTC\n{extra}SHA256:\n"
            f" {digest} {len(index)} main/binary-{self.architecture}/Packages.xz\n"
        )
        if keyring is None:
            (dists / "InRelease").write_text(release)
            return
        (dists / "Release").write_text(release)
        sign(dists / "Release", dists / "InRelease", keyring)


BASE = ("python3.11", "libpython3.11-dev", "libc6-dev", "libstdc++6", "libgcc-s1", "zlib1g-dev")


def small_archive(directory: Path) -> Archive:
    """All base packages of bookworm, with hardly anything in them."""
    archive = Archive(directory)
    # Says which Python is the release's own.
    archive.add("python3", [], version="3.11.2-1+b1")
    archive.add(
        "python3.11",
        [
            ("./usr/bin/python3.11", b"\x7fELF"),
            ("./usr/share/doc/python3.11/copyright", b"long"),
            ("./etc/python3.11/sitecustomize.py", b""),
        ],
        Depends="libpython3.11-stdlib (= 1), media-types | mime-support",
    )
    archive.add("libpython3.11-stdlib", [("./usr/lib/python3.11/os.py", b"")], Depends="libc6 (>= 0.5), libdb-virtual")
    archive.add(
        "libpython3.11-dev", [("./usr/include/python3.11/Python.h", b""), ("./usr/lib/x/libpython3.11.a", b"!")]
    )
    archive.add("libc6-dev", [("./usr/lib/x/libm.so", "/lib/x/libm.so.6")], Depends="libc6 (= 1)")
    archive.add(
        "libc6", [("./lib/x/libm.so.6", b"m"), ("./lib/ld-linux-aarch64.so.1", "x/ld.so"), ("./lib/x/ld.so", b"")]
    )
    archive.add("libstdc++6", [("./usr/lib/x/libstdc++.so.6", b"")])
    archive.add("libgcc-s1", [("./lib/x/libgcc_s.so.1", b"")])
    archive.add("zlib1g-dev", [("./usr/include/zlib.h", b"")])
    archive.add("libdb5.3", [("./usr/lib/x/libdb.so", b"")], Provides="libdb-virtual (= 5)")
    archive.add("libyaml-dev", [("./usr/include/yaml.h", b"")])
    return archive

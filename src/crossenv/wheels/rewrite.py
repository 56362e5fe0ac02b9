"""Give a finished wheel the platform tag of its target, or leave files out; write or place a wheel (PEP 427)."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import shutil
import zipfile
from collections.abc import Container, Mapping
from pathlib import Path
from typing import BinaryIO

from crossenv.errors import UsageError, reason_of

# The general purpose flag of a zip member whose name is in UTF-8 (APPNOTE.TXT 4.4.4).
_ZIP_UTF8 = 0x800
# Zip's own oldest date: a wheel does not depend on when it is made.
_DATE = (1980, 1, 1, 0, 0, 0)


def retag(path: Path, old_tag: str, tag: str) -> Path:
    """Replace the platform tag `old_tag` of the wheel at `path` by `tag`: in its name, its WHEEL and its RECORD.

    Everything else stays as it is: the members' order, dates, permissions and compressed bytes. (`wheel tags` would
    write the archive anew.)

    Returns:
        The wheel's new path; `path` itself if it has no such tag.

    Raises:
        zipfile.BadZipFile: The files to change cannot be read.
    """
    stem, _, platforms = path.name.removesuffix(".whl").rpartition("-")
    replaced = [tag if platform == old_tag else platform for platform in platforms.split(".")]
    made = path.with_name(f"{stem}-{'.'.join(dict.fromkeys(replaced))}.whl")
    if made == path:
        return path
    _rewrite(path, made, tags=(old_tag, tag))
    path.unlink()
    return made


def write_wheel(path: Path, files: Mapping[str, bytes], executable: Container[str]) -> None:
    """Write a wheel of these files, and its RECORD.

    Args:
        path: The wheel; its directory is made if necessary.
        files: The contents by name; a RECORD among them counts for nothing.
        executable: The files to install as programs.
    """
    files = {name: content for name, content in files.items() if not is_metadata(name, "RECORD")}
    info = next(name.rpartition("/")[0] for name in files if is_metadata(name, "WHEEL"))
    record = io.StringIO(newline="")
    writer = csv.writer(record, lineterminator="\n")
    for name, content in files.items():
        writer.writerow([name, *_recorded(content)])
    writer.writerow([f"{info}/RECORD", "", ""])
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            # Metadata last, as PEP 427 recommends.
            ordered = sorted(files, key=lambda name: (name.startswith(f"{info}/"), name))
            for name in [*ordered, f"{info}/RECORD"]:
                member = zipfile.ZipInfo(name, _DATE)
                member.external_attr = (0o100755 if name in executable else 0o100644) << 16
                member.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(member, files.get(name, record.getvalue().encode("utf-8")))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def leave_out(path: Path, names: Container[str]) -> None:
    """Take the files of these names out of the wheel at `path`, and out of its RECORD.

    Raises:
        zipfile.BadZipFile: What it has to change cannot be read.
    """
    _rewrite(path, path, without=names)


def _rewrite(path: Path, made: Path, tags: tuple[str, str] | None = None, without: Container[str] = ()) -> None:
    partial = path.with_name(f".{made.name}.part")
    try:
        with path.open("rb") as source, zipfile.ZipFile(source) as old, zipfile.ZipFile(partial, "w") as new:
            _copy(source, old, new, tags, without)
        partial.chmod(path.stat().st_mode & 0o777)
        partial.replace(made)
    finally:
        partial.unlink(missing_ok=True)


def _copy(
    source: BinaryIO,
    old: zipfile.ZipFile,
    new: zipfile.ZipFile,
    tags: tuple[str, str] | None,
    without: Container[str],
) -> None:
    """Copy `old`, which is read from `source`, to `new`."""
    new.comment = old.comment
    changed: dict[str, bytes] = {}
    for info in old.infolist():
        if tags is not None and is_metadata(info.filename, "WHEEL"):
            changed[info.filename] = _retagged_text(old.read(info), *tags)
    for info in old.infolist():
        if is_metadata(info.filename, "RECORD"):
            changed[info.filename] = _record_of(old.read(info), changed, without)
        elif not info.filename.isascii() and not info.flag_bits & _ZIP_UTF8:
            # The directory's entry will be in UTF-8; readers require that the member's header agrees.
            changed[info.filename] = old.read(info)
    # The directory follows the last member.
    starts = sorted(info.header_offset for info in old.infolist())
    ends = dict(zip(starts, [*starts[1:], old.start_dir], strict=True))
    for info in old.infolist():
        if info.filename in without:
            continue
        if info.filename in changed:
            made = zipfile.ZipInfo(info.filename, info.date_time)
            made.external_attr, made.create_system = info.external_attr, info.create_system
            made.internal_attr, made.comment = info.internal_attr, info.comment
            new.writestr(made, changed[info.filename], compress_type=info.compress_type)
        else:
            _copy_member(source, info, ends[info.header_offset], new)


def placed(source: Path, name: str, directory: Path) -> Path:
    """Copy a wheel into a directory, whole or not at all.

    Raises:
        UsageError: The directory cannot be written.
    """
    made = directory / name
    partial = directory / f".{name}.part"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if made.exists() and made.samefile(source):
            return made
        try:
            shutil.copyfile(source, partial)
            partial.chmod(0o666 & ~_umask())
            partial.replace(made)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"{made} cannot be written: {reason_of(error)}",
            hint="name a directory that you may write to, on a disk with room",
        ) from None
    return made


def _umask() -> int:
    old = os.umask(0)
    os.umask(old)
    return old


def is_metadata(path: str, name: str) -> bool:
    """Whether the path of a wheel's file is that of its metadata of this name, such as "RECORD"."""
    parent, _, base = path.rpartition("/")
    return base == name and parent.endswith(".dist-info") and "/" not in parent


def _copy_member(source: BinaryIO, info: zipfile.ZipInfo, end: int, new: zipfile.ZipFile) -> None:
    """Append a member as it is. Compressing it again would take long and change its bytes."""
    assert new.fp is not None
    left = end - info.header_offset
    source.seek(info.header_offset)
    info.header_offset = new.start_dir
    new.fp.seek(new.start_dir)
    while left > 0 and (block := source.read(min(left, 1 << 20))):
        new.fp.write(block)
        left -= len(block)
    new.start_dir = new.fp.tell()
    new.filelist.append(info)
    new.NameToInfo[info.filename] = info


def _retagged_text(data: bytes, old_tag: str, tag: str) -> bytes:
    lines = _decoded(data).split("\n")
    for number, line in enumerate(lines):
        if line.startswith("Tag:"):
            head, _, platform = line.rstrip("\r").rpartition("-")
            if platform == old_tag:
                lines[number] = f"{head}-{tag}" + ("\r" if line.endswith("\r") else "")
    return "\n".join(lines).encode("utf-8")


def _record_of(data: bytes, changed: dict[str, bytes], without: Container[str]) -> bytes:
    try:
        rows = [row for row in csv.reader(io.StringIO(_decoded(data), newline="")) if not row or row[0] not in without]
    except csv.Error as error:
        raise zipfile.BadZipFile(f"its RECORD is damaged: {error}") from None
    for row in rows:
        if row and row[0] in changed:
            row[1:3] = _recorded(changed[row[0]])
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")


def _recorded(content: bytes) -> list[str]:
    """What RECORD says of a file."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode("ascii")
    return [f"sha256={digest}", str(len(content))]


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise zipfile.BadZipFile("its metadata is not in UTF-8") from None

"""What is inside a wheel must be the host's."""

from __future__ import annotations

import functools
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest
from _crossenv import hooks, verify

from makers import AARCH64, ARMEL, ARMHF, S390X, X86_64, elf_bytes

ARMHF_FACTS = {"machine": 40, "bits": 32, "byte_order": "little", "abi_flags": 0x400}
AARCH64_FACTS = {"machine": 183, "bits": 64, "byte_order": "little", "abi_flags": 0}
SUFFIX = ".cpython-311-aarch64-linux-gnu.so"


def facts(**changes: Any) -> dict[str, Any]:
    return {
        "root": "/e",
        "machine": "aarch64",
        "elf": AARCH64_FACTS,
        "extension_suffixes": [SUFFIX, ".abi3.so", ".so"],
        "allow_pure": [],
    } | changes


def wheel(directory: Path, files: dict[str, bytes], tag: str = "cp311-cp311-linux_aarch64") -> str:
    path = directory / f"toy-1-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return str(path)


def archive(*members: tuple[str, bytes]) -> bytes:
    """A static library (ar(5))."""
    data = b"!<arch>\n"
    for name, content in members:
        data += f"{name + '/':<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}".encode() + b"`\n" + content
        data += b"\n" * (len(content) % 2)
    return data


GOOD = {f"toy/_toy{SUFFIX}": elf_bytes(AARCH64), "toy/__init__.py": b""}


def test_a_wheel_of_the_host_passes(tmp_path: Path) -> None:
    assert verify.findings(wheel(tmp_path, GOOD), facts()) == []


def test_a_pure_wheel_passes(tmp_path: Path) -> None:
    assert verify.findings(wheel(tmp_path, {"toy.py": b""}, "py3-none-any"), facts()) == []


@pytest.mark.parametrize(
    ("files", "tag", "says"),
    [
        pytest.param({f"toy/_toy{SUFFIX}": elf_bytes(X86_64)}, None, "is for x86-64", id="planted x86_64 .so"),
        pytest.param({"toy/lib.so.1": elf_bytes(X86_64)}, None, "toy/lib.so.1 is for x86-64", id="a bundled library"),
        pytest.param({"toy-1.data/scripts/tool": elf_bytes(X86_64)}, None, "scripts/tool is for", id="a program"),
        pytest.param({"toy/x.so": elf_bytes(S390X)}, None, "big-endian", id="byte order"),
        pytest.param({"toy/x.so": elf_bytes(ARMHF)}, None, "32-bit", id="class"),
        pytest.param(
            {"toy/lib.a": archive(("a.o", elf_bytes(AARCH64)), ("b.o", elf_bytes(X86_64)))},
            None,
            "toy/lib.a(b.o) is for x86-64",
            id="a member of a static library",
        ),
        pytest.param(
            {"toy/_toy.cpython-311-x86_64-linux-gnu.so": elf_bytes(AARCH64)}, None, "has the suffix", id="suffix"
        ),
        pytest.param({f"toy/_toy{SUFFIX}": b""}, None, "is not an ELF file", id="an empty output"),
        pytest.param({f"toy/_toy{SUFFIX}": elf_bytes()[:40]}, None, "cut off", id="a truncated file"),
        pytest.param(GOOD, "cp311-cp311-linux_x86_64", "is tagged linux_x86_64", id="the wrong tag"),
        pytest.param(GOOD, "py3-none-any", "says that it runs anywhere", id="a pure tag"),
        pytest.param(
            {"toy/__init__.py": b""}, None, "tagged for a machine and holds no native code", id="nothing native"
        ),
    ],
)
def test_a_wheel_for_another_machine_is_refused(
    tmp_path: Path, files: dict[str, bytes], tag: str | None, says: str
) -> None:
    path = wheel(tmp_path, files, tag or "cp311-cp311-linux_aarch64")
    assert says in " ".join(verify.findings(path, facts()))


def test_arm_float_abi_is_told_apart(tmp_path: Path) -> None:
    arm = facts(machine="armv7l", elf=ARMHF_FACTS)
    tag = "cp311-cp311-linux_armv7l"
    assert verify.findings(wheel(tmp_path, {"toy/x.so": elf_bytes(ARMHF)}, tag), arm) == []
    assert (
        "ABI flags 0x400"
        in verify.findings(wheel(tmp_path, {"toy/x.so": elf_bytes(ARMEL, flags=0x05000200)}, tag), arm)[0]
    )


def test_a_refused_wheel_is_deleted_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = wheel(tmp_path, {f"toy/_toy{SUFFIX}": elf_bytes(X86_64)})
    with pytest.raises(SystemExit) as stop:
        verify.require_host_wheel(path, facts())
    assert stop.value.code == 7
    assert not Path(path).exists()
    message = capsys.readouterr().err
    assert f"refused toy-1-cp311-cp311-linux_aarch64.whl: toy/_toy{SUFFIX} is for x86-64" in message
    assert "hint:" in message


def test_a_damaged_member_is_refused(tmp_path: Path) -> None:
    path = Path(wheel(tmp_path, {"toy/data.bin": bytes(range(256)) * 9, **GOOD}))
    data = bytearray(path.read_bytes())
    data[60:300] = b"\xff" * 240
    path.write_bytes(data)
    with pytest.raises(SystemExit):
        verify.require_host_wheel(str(path), facts())
    assert not path.exists()


def test_what_is_no_wheel_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "toy-1-py3-none-any.whl"
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(SystemExit):
        verify.require_host_wheel(str(path), facts())


# Extensions that got lost

PURE = {"toy/__init__.py": b""}


@pytest.mark.parametrize(
    ("attempted", "files", "tag", "says"),
    [
        ({"toy._toy": "command failed"}, PURE, "py3-none-any", "toy._toy was not built: command failed"),
        ({"toy._toy": "command failed", "toy._b": ""}, GOOD, "cp311-cp311-linux_aarch64", "toy._toy was not built"),
        ({"toy._toy": ""}, PURE, "py3-none-any", "holds no native code, though toy._toy was built"),
        ({"toy._toy": ""}, GOOD, "cp311-cp311-linux_aarch64", ""),
        ({}, PURE, "py3-none-any", ""),
    ],
)
def test_lost_extensions(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    attempted: dict[str, str],
    files: dict[str, bytes],
    tag: str,
    says: str,
) -> None:
    monkeypatch.setattr(verify, "attempted", attempted)
    found = " ".join(verify.findings(wheel(tmp_path, files, tag), facts()))
    assert says in found
    assert bool(found) == bool(says)
    for allowed in ("toy", "*"):
        assert verify.findings(wheel(tmp_path, files, tag), facts(allow_pure=[allowed])) == []
    assert bool(verify.findings(wheel(tmp_path, files, tag), facts(allow_pure=["other"]))) == bool(says)
    monkeypatch.setenv("CROSSENV_ALLOW_PURE", "other,Toy")
    assert verify.findings(wheel(tmp_path, files, tag), facts()) == []
    monkeypatch.undo()


@pytest.mark.parametrize("tag", ["0.editable-py3-none-any", "cp311-cp311-linux_aarch64"])
def test_an_editable_wheel_only_points_to_its_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tag: str
) -> None:
    """setuptools tags it pure, meson-python for the machine; but no module may be lost."""
    path = wheel(tmp_path, PURE, tag)
    monkeypatch.setattr(verify, "attempted", {"toy._toy": ""})
    assert verify.findings(path, facts(), editable=True) == []
    assert verify.findings(path, facts()) != []
    monkeypatch.setattr(verify, "attempted", {"toy._toy": "no such luck"})
    assert verify.findings(path, facts(), editable=True) == ["toy._toy was not built: no such luck"]
    monkeypatch.undo()


def test_hooks_are_checked_whatever_they_are(tmp_path: Path) -> None:
    """PyYAML's back end has partial objects for hooks, which have no name."""

    def build(directory: str, settings: object = None, *, files: dict[str, bytes]) -> str:
        return Path(wheel(Path(directory), files)).name

    backend = types.SimpleNamespace(
        build_wheel=functools.partial(build, files=GOOD),
        build_editable=functools.partial(build, files={"toy.so": elf_bytes(X86_64)}),
    )
    hooks.check_results(backend, facts())
    assert backend.build_wheel(str(tmp_path)).endswith("linux_aarch64.whl")
    with pytest.raises(SystemExit):
        backend.build_editable(str(tmp_path))

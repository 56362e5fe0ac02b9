"""What a user calls a target, and the facts that follow from it."""

from __future__ import annotations

import re

import pytest

from crossenv.binaries import Machine
from crossenv.errors import UsageError
from crossenv.platforms.architectures import (
    ARCHITECTURES,
    architecture_of,
    default_floor,
    elf_identity_of,
    identity_of,
    target_architectures,
)
from crossenv.targets import Target, parse_target

EIGHT = ["x86_64", "i686", "aarch64", "armv7l", "ppc64le", "s390x", "riscv64", "loongarch64"]


@pytest.mark.parametrize(
    ("text", "tag", "triplet", "multiarch", "zig"),
    [
        (
            "manylinux_2_28_aarch64",
            "manylinux_2_28_aarch64",
            "aarch64-linux-gnu",
            "aarch64-linux-gnu",
            "aarch64-linux-gnu.2.28",
        ),
        (
            "manylinux2014_x86_64",
            "manylinux_2_17_x86_64",
            "x86_64-linux-gnu",
            "x86_64-linux-gnu",
            "x86_64-linux-gnu.2.17",
        ),
        ("manylinux2010_i686", "manylinux_2_12_i686", "i686-linux-gnu", "i386-linux-gnu", "x86-linux-gnu.2.12"),
        ("manylinux1_x86_64", "manylinux_2_5_x86_64", "x86_64-linux-gnu", "x86_64-linux-gnu", "x86_64-linux-gnu.2.5"),
        (
            "musllinux_1_2_armv7l",
            "musllinux_1_2_armv7l",
            "arm-linux-musleabihf",
            "arm-linux-musleabihf",
            "arm-linux-musleabihf",
        ),
        ("linux_riscv64", "linux_riscv64", "riscv64-linux-gnu", "riscv64-linux-gnu", "riscv64-linux-gnu.2.31"),
        ("aarch64-linux-gnu", "linux_aarch64", "aarch64-linux-gnu", "aarch64-linux-gnu", "aarch64-linux-gnu.2.28"),
        (
            "arm-none-linux-gnueabihf",
            "linux_armv7l",
            "arm-linux-gnueabihf",
            "arm-linux-gnueabihf",
            "arm-linux-gnueabihf.2.28",
        ),
        ("x86_64-pc-linux-musl", "linux_x86_64", "x86_64-linux-musl", "x86_64-linux-musl", "x86_64-linux-musl"),
        ("i386-linux-gnu", "linux_i686", "i686-linux-gnu", "i386-linux-gnu", "x86-linux-gnu.2.28"),
        ("aarch64", "manylinux_2_28_aarch64", "aarch64-linux-gnu", "aarch64-linux-gnu", "aarch64-linux-gnu.2.28"),
        (" arm64\n", "manylinux_2_28_aarch64", "aarch64-linux-gnu", "aarch64-linux-gnu", "aarch64-linux-gnu.2.28"),
        (
            "armhf",
            "manylinux_2_28_armv7l",
            "arm-linux-gnueabihf",
            "arm-linux-gnueabihf",
            "arm-linux-gnueabihf.2.28",
        ),
        ("riscv64", "manylinux_2_31_riscv64", "riscv64-linux-gnu", "riscv64-linux-gnu", "riscv64-linux-gnu.2.31"),
        (
            "loong64",
            "manylinux_2_36_loongarch64",
            "loongarch64-linux-gnu",
            "loongarch64-linux-gnu",
            "loongarch64-linux-gnu.2.36",
        ),
        ("Win_AMD64", "win_amd64", "x86_64-w64-mingw32", "", "x86_64-windows-gnu"),
        ("AArch64-Linux-GNU", "linux_aarch64", "aarch64-linux-gnu", "aarch64-linux-gnu", "aarch64-linux-gnu.2.28"),
    ],
)
def test_spellings(text: str, tag: str, triplet: str, multiarch: str, zig: str) -> None:
    target = parse_target(text)
    assert (target.platform_tag, target.gnu_triplet, target.multiarch, target.zig_triple) == (
        tag,
        triplet,
        multiarch,
        zig,
    )
    assert target.text == text


@pytest.mark.parametrize(
    ("docker", "machine"),
    [
        ("linux/amd64", "x86_64"),
        ("linux/386", "i686"),
        ("linux/arm64", "aarch64"),
        ("linux/arm64/v8", "aarch64"),
        ("linux/arm", "armv7l"),
        ("linux/arm/v7", "armv7l"),
        ("linux/ppc64le", "ppc64le"),
        ("linux/s390x", "s390x"),
        ("linux/riscv64", "riscv64"),
        ("linux/loong64", "loongarch64"),
    ],
)
def test_docker_names_the_usual_targets(docker: str, machine: str) -> None:
    assert parse_target(docker).platform_tag == parse_target(machine).platform_tag


@pytest.mark.parametrize("name", EIGHT)
@pytest.mark.parametrize("libc", ["glibc", "musl"])
def test_every_architecture_and_libc_is_a_target_in_each_spelling(name: str, libc: str) -> None:
    row = next(row for row in target_architectures() if row.name == name)
    floor = default_floor(row, libc)
    family = "musllinux" if libc == "musl" else "manylinux"
    target = parse_target(f"{family}_{floor[0]}_{floor[1]}_{name}")
    assert (target.machine, target.libc, target.floor, target.policy) == (name, libc, floor, True)
    for triplet in (target.gnu_triplet, target.gnu_type):
        again = parse_target(triplet)
        assert (again.architecture, again.libc, again.policy) == (row, libc, False)
        assert again.platform_tag == f"linux_{name}"
    oldest = row.oldest(libc)
    assert parse_target(f"{family}_{oldest[0]}_{oldest[1]}_{name}").floor == oldest
    assert target.rust_triple.count("-unknown-linux-") == 1
    assert target.loader.startswith("/lib")
    assert ("musl" in target.loader) == (libc == "musl")


def test_the_eight_are_the_targets() -> None:
    assert [row.name for row in target_architectures()] == EIGHT


@pytest.mark.parametrize(
    ("text", "attribute", "value"),
    [
        ("i686", "rust_triple", "i686-unknown-linux-gnu"),
        ("armv7l", "rust_triple", "armv7-unknown-linux-gnueabihf"),
        ("musllinux_1_2_riscv64", "rust_triple", "riscv64gc-unknown-linux-musl"),
        ("ppc64le", "rust_triple", "powerpc64le-unknown-linux-gnu"),
        ("i686", "loader", "/lib/ld-linux.so.2"),
        ("musllinux_1_1_i686", "loader", "/lib/ld-musl-i386.so.1"),
        ("musllinux_1_1_armv7l", "loader", "/lib/ld-musl-armhf.so.1"),
        ("s390x", "gnu_type", "s390x-ibm-linux-gnu"),
        ("x86_64", "gnu_type", "x86_64-pc-linux-gnu"),
        ("aarch64", "floor_text", "2.28"),
    ],
)
def test_facts(text: str, attribute: str, value: str) -> None:
    assert getattr(parse_target(text), attribute) == value


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("manylinux_2_28_arch64", "no target", "manylinux_2_28_aarch64"),
        ("aarhc64", "no target", "aarch64"),
        ("arm-linux-gnueabi", "no target", "arm-linux-gnueabihf"),
        ("x86_64-linux-gnux32", "no target", "x86_64-linux-gnu"),
        (
            "foo",
            "no target",
            "`crossenv targets` lists them: manylinux_2_28_aarch64, musllinux_1_2_x86_64, macosx_11_0_arm64, win_amd64",
        ),
        ("", "no target", "`crossenv targets`"),
        ("mips", "no target", "`crossenv targets`"),
        ("linux/arm/v6", "no platform for ARM before version 7", "Raspberry Pi Zero"),
        ("arm64ec", "no target 'arm64ec'", "arm64"),
        ("linux/amd64/v3", "no target", ""),
        ("alpine", "no target 'alpine' for Linux with musl", "musllinux_1_2_aarch64"),
        ("musl", "for Linux with musl", "musllinux_1_2_aarch64"),
        ("debian:bookworm", "for Linux with glibc", "manylinux_2_28_aarch64"),
        ("Linux", "for Linux with glibc", "manylinux_2_31_riscv64"),
        ("mac", "for macOS", "macosx_10_13_x86_64 or a later release: macosx_14_0_arm64; `crossenv targets` lists all"),
        ("osx", "for macOS", "macosx_11_0_arm64"),
        ("darwin", "for macOS", "macosx_11_0_arm64"),
        ("ios", "for iOS", "ios_13_0_arm64_iphoneos"),
        ("aarch64_be", "no target", "aarch64"),
        ("manylinux_2_28", "no target", "manylinux_2_28_"),
        ("musllinux_1_3_x86_64", "musl 1.3: there is none (1.1 and 1.2 exist)", "musllinux_1_2_x86_64"),
        ("manylinux_3_1_x86_64", "glibc 3.1: there is none", "manylinux_2_28_x86_64"),
        ("manylinux_2_99_x86_64", "glibc 2.99: there is none", "manylinux_2_28_x86_64"),
        ("manylinux_2_17_riscv64", "oldest manylinux policy for riscv64 is manylinux_2_31", "manylinux_2_31_riscv64"),
        ("manylinux2014_loongarch64", "is manylinux_2_36", "manylinux_2_36_loongarch64"),
        ("musllinux_1_1_loongarch64", "is musllinux_1_2", "musllinux_1_2_loongarch64"),
        ("manylinux_2_16_aarch64", "is manylinux_2_17", "manylinux_2_28_aarch64"),
        ("win_arm32", "no target 'win_arm32' for Windows", "use win_amd64, win32, win_arm64"),
        ("windows", "for Windows", "win_amd64"),
        ("macos", "no target 'macos' for macOS", "macosx_11_0_arm64"),
        ("Darwin-arm64", "for macOS", "macosx_11_0_arm64"),
        ("s390x-w64-mingw32", "there are no wheels for Windows on s390x", "win_amd64"),
        ("x86_64-w64-mingw32msvcrt", "asks for the C runtime msvcrt", "use --target win_amd64"),
        ("android_21_mips", "no target 'android_21_mips' for Android", "android_24_arm64_v8a"),
        ("ios_13_0_armv7_iphoneos", "no target 'ios_13_0_armv7_iphoneos' for iOS", "ios_13_0_arm64_iphoneos"),
        ("wasi_0_2_wasm32", "for WebAssembly", "pyemscripten_2026_0_wasm32"),
        ("pyodide_2023_0_wasm32", "an ABI of Pyodide that is not known", "2024_0, 2025_0"),
    ],
)
def test_what_is_no_target(text: str, says: str, hint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)) as caught:
        parse_target(text)
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2
    assert text.lower() in caught.value.message.lower()


def test_what_a_hint_suggests_is_a_target() -> None:
    for text in ("manylinux_2_28_arch64", "aarhc64", "arm-linux-gnueabi", "manylinux2014_x86-46"):
        with pytest.raises(UsageError) as caught:
            parse_target(text)
        names = re.sub(r"^did you mean |\?$", "", caught.value.hint).split(" or ")
        assert all(isinstance(parse_target(name), Target) for name in names)


def test_no_two_rows_are_one_machine() -> None:
    assert len({row.elf for row in ARCHITECTURES}) == len({row.name for row in ARCHITECTURES}) == len(ARCHITECTURES)
    assert all(architecture_of(row.elf) is row for row in ARCHITECTURES)


@pytest.mark.parametrize("form", ["elf", "pe", "macho", "wasm"])
def test_every_format_can_say_what_a_file_is_for(form: str) -> None:
    """A host of another format has an identity like any other; it is none of ELF's."""
    for row in ARCHITECTURES:
        identity = row.identity(form)
        assert (identity.format, identity.machine, str(identity)) == (form, row.name, row.name)
        assert architecture_of(identity) is row
        if identity.number:
            assert (
                identity_of(form, identity.number, identity.bits, identity.byte_order, identity.abi_flags) == identity
            )
        here = row.identity("elf")
        assert Machine(identity=identity, words="").fits(here) == (form == "elf")


def test_an_identity_that_is_in_no_table() -> None:
    soft, unknown = elf_identity_of(243, 64, "little"), identity_of("pe", 0xA641, 64, "little")
    assert (soft.machine, str(soft)) == ("", "riscv64 with ABI flags 0x0")
    assert (unknown.machine, str(unknown)) == ("", "PE machine 42561, 64-bit, little-endian")

"""Audits of wheels for Android and iOS: as the index has them, and with one fault each. Nothing is built for them."""

from __future__ import annotations

from pathlib import Path

import pytest

import macos_files
from crossenv.platforms import platform_of_config
from crossenv.platforms.architectures import ARCHITECTURES
from crossenv.targets import target_of_tag
from crossenv.wheels.audit import audit_wheel
from wheels import extension, linked, make_wheel

ANDROID = "cp314-cp314-android_24_arm64_v8a"
PHONE = "cp314-cp314-ios_13_0_arm64_iphoneos"
SIMULATOR = "cp314-cp314-ios_13_0_arm64_iphonesimulator"
ON_ANDROID = "toy/m.cpython-314-aarch64-linux-android.so"
ON_PHONE, ON_SIMULATOR = (f"toy/m.cpython-314-{name}.so" for name in ("iphoneos", "iphonesimulator"))
PYTHON, SYSTEM = "@rpath/Python.framework/Python", "/usr/lib/libSystem.B.dylib"
X86_64 = next(row for row in ARCHITECTURES if row.name == "x86_64").elf


def android(**changes: object) -> bytes:
    """A module as the NDK links it."""
    facts = {
        "needed": ("libpython3.14.so", "libm.so", "libc.so"),
        "imports": {"PyModule_Create2": None, "__sF": ("libc.so", "LIBC")},
        "android": 24,
        "page_size": 16384,
    }
    return extension("m", **{**facts, **changes})


def ios(system: int = 2, oldest: tuple[int, int] = (13, 0), libraries: tuple[str, ...] = (PYTHON, SYSTEM)) -> bytes:
    """A module as Xcode links it."""
    wanted = {library: ["PyModule_Create2"] if number == 0 else [] for number, library in enumerate(libraries)}
    return macos_files.module(system=system, oldest=oldest, imports=wanted, rpaths=["@loader_path"], signed=system == 1)


@pytest.mark.parametrize(
    ("files", "tag"),
    [
        ({ON_ANDROID: android()}, ANDROID),
        ({ON_ANDROID: android(android=21)}, ANDROID),
        (
            {"toy/m.cpython-314-x86_64-linux-android.so": android(identity=X86_64)},
            "cp314-cp314-android_24_x86_64",
        ),
        ({"toy/m.abi3.so": android(needed=("libpython3.so", "libc.so"))}, "cp311-abi3-android_24_arm64_v8a"),
        (
            {
                ON_ANDROID: android(needed=("libpython3.14.so", "liba.so")),
                "toy/liba.so": linked(needed=("libc.so",), imports={}, android=24, page_size=16384),
            },
            ANDROID,
        ),
        ({ON_PHONE: ios()}, PHONE),
        # Its linker writes the first release of that simulator.
        ({ON_SIMULATOR: ios(7, (14, 0))}, SIMULATOR),
    ],
)
def test_good_wheels(tmp_path: Path, files: dict[str, bytes], tag: str) -> None:
    report = audit_wheel(make_wheel(tmp_path, files, tag))
    assert (report.findings, report.unchecked) == ((), ())
    assert not report.policies


@pytest.mark.parametrize(
    ("files", "tag", "fault", "severity", "says"),
    [
        ({ON_ANDROID: android(android=28)}, ANDROID, "policy", "error", "is for Android 28 and later"),
        ({ON_ANDROID: android(android=0)}, ANDROID, "machine", "warning", "does not say that it is for Android"),
        ({ON_ANDROID: android(page_size=4096)}, ANDROID, "page-size", "warning", "pages of 4096 bytes"),
        ({ON_ANDROID: android(needed=("libc.so",))}, ANDROID, "libpython", "error", "does not name its library"),
        (
            {ON_ANDROID: android(needed=("libpython3.14.so", "libc++_shared.so"))},
            ANDROID,
            *("library", "error", "needs libc++_shared.so, which is not in the wheel"),
        ),
        ({ON_ANDROID: android(identity=X86_64)}, ANDROID, "machine", "error", "is for x86-64"),
        ({"toy/m.cpython-314-aarch64-linux-gnu.so": android()}, ANDROID, "extension-suffix", "error", "has the suffix"),
        ({ON_PHONE: ios(7, (14, 0))}, PHONE, "machine", "error", "is for iOS Simulator; the wheel is for iOS"),
        ({ON_PHONE: ios(1)}, PHONE, "machine", "error", "is for macOS; the wheel is for iOS"),
        ({ON_PHONE: ios(oldest=(16, 0))}, PHONE, "policy", "error", "is for iOS 16.0 and later"),
        ({ON_PHONE: ios(libraries=("", SYSTEM))}, PHONE, "libpython", "error", "does not name its library"),
    ],
)
def test_one_fault_each(
    tmp_path: Path, files: dict[str, bytes], tag: str, fault: str, severity: str, says: str
) -> None:
    found = audit_wheel(make_wheel(tmp_path, files, tag)).findings
    assert [one for one in found if (one.id, one.severity) == (fault, severity) and says in one.message], found


@pytest.mark.parametrize(
    "tag",
    [
        *("android_24_arm64_v8a", "android_21_x86_64", "ios_13_0_arm64_iphoneos", "ios_17_4_arm64_iphonesimulator"),
        "ios_13_0_x86_64_iphonesimulator",
    ],
)
def test_tags(tag: str) -> None:
    target = target_of_tag(tag, "")
    assert target is not None and target.platform_tag == tag


def test_machines_that_there_are_not() -> None:
    for tag in ("android_24_mips", "ios_13_0_x86_64_iphoneos", "ios_13_arm64_iphoneos"):
        assert target_of_tag(tag, "") is None


def test_pythons_of_before_the_pep_are_known_by_their_level() -> None:
    """Chaquopy's say Linux everywhere else."""
    config = {"MACHDEP": "linux", "SOABI": "cpython-311"}
    assert platform_of_config({**config, "ANDROID_API_LEVEL": 24}, "a file").name == "android"
    assert platform_of_config({**config, "ANDROID_API_LEVEL": 0}, "a file").name == "linux"

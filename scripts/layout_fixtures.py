"""Lays a real host Python, Debian's for arm64, out as other distributions and build systems do: fixtures.

Each function makes one layout below a directory and returns what a user would name. Files are Debian's; where they lie
and what `_sysconfigdata` records (prefix, compilers, triplet) is what the maker in question documents.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

from crossenv.pythons.model import ConfigValue
from crossenv.pythons.sysconfigdata import parse_sysconfigdata

VERSION, FULL_VERSION = "3.11", "3.11.2"
TRIPLET = "aarch64-linux-gnu"
DATA = f"lib/python{VERSION}/_sysconfigdata__linux_{TRIPLET}.py"
PLACEHOLDER = "/home/conda/feedstock_root/build_artifacts/python-split_1/_h_env_placehold_placehold_placehold"


def linked_tree(source: Path, place: Path) -> Path:
    """A copy of a tree that shares its files; they are replaced, never written to."""

    def link(one: str, other: str) -> None:
        try:
            os.link(one, other)
        except OSError:
            shutil.copy2(one, other)

    shutil.copytree(source, place, symlinks=True, copy_function=link)
    return place


def replaced(path: Path, content: str) -> Path:
    """Write a file anew, leaving the one that shared its content alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def record(prefix: Path, recorded: str, /, name: str = DATA, **changes: ConfigValue) -> Path:
    """Give a prefix the configuration of a Python that was built for `recorded`."""
    stdlib = next(prefix.glob(f"lib*/python{VERSION}"))
    old = next(iter(sorted(stdlib.glob("_sysconfigdata*.py"))))
    config: dict[str, ConfigValue] = {}
    for key, value in parse_sysconfigdata(old).items():
        moved = re.sub(r"(?<![\w/.])/usr(?=[/'\s]|$)", lambda _: recorded, value) if isinstance(value, str) else value
        config[key] = moved
    config |= {"CONFIG_ARGS": f"'--prefix={recorded}'", **changes}
    rows = "".join(f" {key!r}: {value!r},\n" for key, value in sorted(config.items()))
    # The first line is the one that uv looks for.
    text = f"# system configuration generated and used by the sysconfig module\nbuild_time_vars = {{\n{rows}}}\n"
    if name == DATA:
        for file in stdlib.glob("_sysconfigdata*.py"):
            file.unlink()
    return replaced(stdlib / Path(name).name, text)


def prefix_from(root: Path, place: Path) -> Path:
    """The interpreter, headers and library of a sysroot as a prefix of their own, as `make install` lays them out."""
    usr = root / "usr"
    linked_tree(usr / f"lib/python{VERSION}", place / f"lib/python{VERSION}")
    linked_tree(usr / f"include/python{VERSION}", place / f"include/python{VERSION}")
    # Debian's is a wrapper around one for each architecture.
    own = usr / f"include/{TRIPLET}/python{VERSION}/pyconfig.h"
    replaced(place / f"include/python{VERSION}/pyconfig.h", own.read_text(encoding="utf-8"))
    (place / "bin").mkdir()
    shutil.copy2(usr / f"bin/python{VERSION}", place / f"bin/python{VERSION}")
    (place / "bin/python3").symlink_to(f"python{VERSION}")
    return place


def compiler(directory: Path, name: str) -> None:
    """A cross compiler by the name that a build system gives it."""
    directory.mkdir(parents=True)
    for kind in ("gcc", "g++"):
        found = shutil.which(f"{TRIPLET}-{kind}")
        if found:
            (directory / f"{name}-{kind}").symlink_to(found)


def fedora(root: Path, place: Path) -> Path:
    """`lib64`, no multiarch directories, and libpython's configuration below it."""
    tree = linked_tree(root, place / "root")
    usr = tree / "usr"
    (usr / f"lib/{TRIPLET}").rename(usr / "lib64")
    (usr / f"lib/python{VERSION}").rename(usr / f"lib64/python{VERSION}")
    headers = usr / f"include/{TRIPLET}"
    own = (headers / f"python{VERSION}/pyconfig.h").read_text(encoding="utf-8")
    replaced(usr / f"include/python{VERSION}/pyconfig-64.h", own)
    replaced(usr / f"include/python{VERSION}/pyconfig.h", '#include "pyconfig-64.h"\n')
    shutil.rmtree(headers / f"python{VERSION}")
    for entry in headers.iterdir():
        target = usr / "include" / entry.name
        if not target.exists():
            entry.rename(target)
    for script in ("libc.so", "libm.so"):
        file = usr / "lib64" / script
        if file.is_file() and not file.is_symlink() and not file.read_bytes().startswith(b"\x7fELF"):
            replaced(file, re.sub(rf"(/usr)?/lib/{TRIPLET}/", "/lib64/", file.read_text(encoding="utf-8")))
    (tree / "lib64").symlink_to("usr/lib64")
    record(
        usr,
        "/usr",
        CC="gcc",
        CXX="g++",
        HOST_GNU_TYPE="aarch64-redhat-linux-gnu",
        LIBDIR="/usr/lib64",
        LIBPL=f"/usr/lib64/python{VERSION}/config-{VERSION}-{TRIPLET}",
    )
    replaced(tree / "etc/os-release", 'ID=fedora\nPRETTY_NAME="Fedora Linux 37"\n')
    return tree


def alpine(root: Path, place: Path) -> Path:
    """Names of musl, without an interpreter, for Debian's is glibc's."""
    usr = prefix_from(root, place / "root/usr")
    shutil.rmtree(usr / "bin")
    shutil.rmtree(usr / f"lib/python{VERSION}/lib-dynload")
    triplet = "aarch64-linux-musl"
    record(
        usr,
        "/usr",
        CC="gcc",
        CXX="g++",
        EXT_SUFFIX=f".cpython-311-{triplet}.so",
        HOST_GNU_TYPE="aarch64-alpine-linux-musl",
        MULTIARCH=triplet,
        SOABI=f"cpython-311-{triplet}",
    ).rename(usr / f"lib/python{VERSION}/_sysconfigdata__linux_{triplet}.py")
    replaced(place / "root/etc/os-release", 'ID=alpine\nPRETTY_NAME="Alpine Linux v3.17"\n')
    return place / "root"


def buildroot(root: Path, place: Path) -> Path:
    """`output/`: the staging directory is a link into `host`, where the compiler is, too."""
    name = "aarch64-buildroot-linux-gnu"
    tree = linked_tree(root, place / f"output/host/{name}/sysroot")
    (place / "output/staging").symlink_to(f"host/{name}/sysroot")
    compiler(place / "output/host/bin", name)
    bin_ = "/builder/output/host/bin"
    tools = {"CC": f"{bin_}/{name}-gcc", "CXX": f"{bin_}/{name}-g++", "AR": f"{bin_}/{name}-gcc-ar"}
    record(tree / "usr", "/usr", HOST_GNU_TYPE=name, **tools)
    return place / "output"


def yocto(root: Path, place: Path) -> Path:
    """An installed SDK: one sysroot for the host, one with the SDK's own programs."""
    tree = linked_tree(root, place / "sdk/sysroots/cortexa57-poky-linux")
    compiler(place / "sdk/sysroots/x86_64-pokysdk-linux/usr/bin/aarch64-poky-linux", "aarch64-poky-linux")
    tools = {"CC": "aarch64-poky-linux-gcc", "CXX": "aarch64-poky-linux-g++", "AR": "aarch64-poky-linux-gcc-ar"}
    record(tree / "usr", "/usr", HOST_GNU_TYPE="aarch64-poky-linux", **tools)
    return place / "sdk"


def openwrt(root: Path, place: Path) -> Path:
    """`staging_dir/target-*` beside `toolchain-*`."""
    staging = place / "openwrt/staging_dir"
    tree = linked_tree(root, staging / "target-aarch64_generic_glibc")
    compiler(staging / "toolchain-aarch64_generic_gcc-12.3.0_glibc/bin", "aarch64-openwrt-linux-gnu")
    tools = {"CC": "aarch64-openwrt-linux-gnu-gcc", "CXX": "aarch64-openwrt-linux-gnu-g++"}
    record(tree / "usr", "/usr", HOST_GNU_TYPE="aarch64-openwrt-linux-gnu", **tools)
    return place / "openwrt"


def nix(root: Path, place: Path) -> Path:
    """A store path, copied."""
    store = "/nix/store/0a1b2c3d4e5f6g7h8i9j0kalbmcndpfq-python3-3.11.2"
    prefix = prefix_from(root, place / store.lstrip("/"))
    record(prefix, store, CC="gcc", CXX="g++")
    return prefix


def conda(root: Path, place: Path) -> Path:
    """An unpacked prefix: three configurations, and a placeholder for its path in each."""
    prefix = prefix_from(root, place / "env")
    replaced(prefix / f"conda-meta/python-{FULL_VERSION}-h0_cpython.json", "{}")
    record(prefix, PLACEHOLDER, CC="gcc", CXX="g++")
    for vendor in ("conda_cos7", "conda"):
        words = {"CC": f"aarch64-{vendor}-linux-gnu-gcc", "HOST_GNU_TYPE": f"aarch64-{vendor}-linux-gnu"}
        flags = f"-O2 -isystem {PLACEHOLDER}/include -L{PLACEHOLDER}/lib -Wl,-rpath,{PLACEHOLDER}/lib"
        name = f"_sysconfigdata_aarch64_{vendor}_linux_gnu.py"
        record(prefix, "/usr", name, CFLAGS=flags, prefix=PLACEHOLDER, **words)
    return prefix


def standalone(root: Path, place: Path) -> Path:
    """python-build-standalone's "install_only" archive, unpacked."""
    prefix = prefix_from(root, place / "python")
    tools = {"CC": "clang -pthread", "CXX": "clang++ -pthread", "AR": "/tools/llvm/bin/llvm-ar"}
    shared = "clang -pthread -shared -Wl,--exclude-libs,ALL -LModules/_hacl"
    arguments = "'--build=x86_64-unknown-linux-gnu' '--host=aarch64-unknown-linux-gnu' '--prefix=/install' 'CC=clang'"
    record(
        prefix,
        "/install",
        BINDIR="/install/bin",
        LDSHARED=shared,
        HOST_GNU_TYPE="aarch64-unknown-linux-gnu",
        **{**tools, "CONFIG_ARGS": arguments},
    )
    return place / "python"


def uv_archive(root: Path, place: Path) -> tuple[Path, Path]:
    """The same as the archive that `uv python install` fetches, and uv's list of archives."""
    tree = standalone(root, place / "unpacked")
    name = f"cpython-{FULL_VERSION}+20230116-aarch64-unknown-linux-gnu-install_only.tar.gz"
    archive = place / name
    with tarfile.open(archive, "w:gz", compresslevel=1) as out:
        out.add(tree, "python")
    row = {
        "name": "cpython",
        "arch": {"family": "aarch64", "variant": None},
        "os": "linux",
        "libc": "gnu",
        "major": 3,
        "minor": 11,
        "patch": 2,
        "prerelease": "",
        "url": archive.as_uri(),
        "sha256": None,
        "variant": None,
        "build": "20230116",
    }
    downloads = replaced(place / "downloads.json", json.dumps({f"cpython-{FULL_VERSION}-linux-aarch64-gnu": row}))
    return archive, downloads


def details_only(root: Path, place: Path) -> Path:
    """A prefix whose only description is a `build-details.json`, with an empty platform and no suffix."""
    prefix = prefix_from(root, place / "root/usr")
    for file in prefix.glob(f"lib/python{VERSION}/_sysconfigdata*.py"):
        file.unlink()
    shutil.rmtree(prefix / f"lib/python{VERSION}/config-{VERSION}-{TRIPLET}", ignore_errors=True)
    major, minor, micro = map(int, FULL_VERSION.split("."))
    info = {"major": major, "minor": minor, "micro": micro, "releaselevel": "final", "serial": 0}
    details = {
        "schema_version": "1.0",
        "base_prefix": "/usr",
        "base_interpreter": f"/usr/bin/python{VERSION}",
        "platform": "",
        "language": {"version": VERSION, "version_info": info},
        "implementation": {"name": "cpython", "version": info, "_multiarch": TRIPLET},
        "abi": {"flags": []},
        "c_api": {"headers": f"/usr/include/python{VERSION}"},
    }
    return replaced(prefix / f"lib/python{VERSION}/build-details..{TRIPLET}.json", json.dumps(details, indent=2))


def android(root: Path, place: Path) -> Path:
    """CPython's archive for Android (PEP 738), without libpython, which nothing here can make."""
    prefix = prefix_from(root, place / "android/prefix")
    triplet = "aarch64-linux-android"
    shutil.rmtree(prefix / "bin")
    shutil.rmtree(prefix / f"lib/python{VERSION}/lib-dynload")
    record(
        prefix,
        "/usr/local",
        ANDROID_API_LEVEL=24,
        CC="/ndk/toolchains/llvm/prebuilt/linux-x86_64/bin/aarch64-linux-android24-clang",
        EXT_SUFFIX=f".cpython-311-{triplet}.so",
        HOST_GNU_TYPE="aarch64-unknown-linux-android",
        MACHDEP="android",
        MULTIARCH=triplet,
        SOABI=f"cpython-311-{triplet}",
    )
    return place / "android"


def ios(root: Path, place: Path) -> Path:
    """An XCframework (PEP 730), without its binaries."""
    slice_ = prefix_from(root, place / "Python.xcframework/ios-arm64")
    shutil.rmtree(slice_ / "bin")
    shutil.rmtree(slice_ / f"lib/python{VERSION}/lib-dynload")
    (slice_ / "Python.framework").mkdir()
    (slice_ / f"include/python{VERSION}").rename(slice_ / "Python.framework/Headers")
    record(
        slice_,
        "/Users/me/iOS/Frameworks/arm64-iphoneos",
        CC="arm64-apple-ios-clang",
        EXT_SUFFIX=".cpython-311-iphoneos.so",
        HOST_GNU_TYPE="aarch64-apple-ios",
        IPHONEOS_DEPLOYMENT_TARGET="13.0",
        MACHDEP="ios",
        MULTIARCH="arm64-iphoneos",
        SOABI="cpython-311-iphoneos",
    )
    return place


FIXTURES: Mapping[str, Callable[[Path, Path], Path]] = {
    "Fedora's `lib64`": fedora,
    "Alpine": alpine,
    "Buildroot's output directory": buildroot,
    "Yocto's SDK": yocto,
    "OpenWrt's tree": openwrt,
    "Nix store path": nix,
    "conda prefix, three configurations": conda,
    "python-build-standalone archive, unpacked": standalone,
    "`build-details.json` alone, with three known faults": details_only,
    "Android archive": android,
    "iOS XCframework": ios,
}

"""Makes an Android NDK and Android's Python as far as tests need them: the real ones cannot be had from a registry."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from pathlib import Path

from crossenv.platforms.architectures import Identity
from hosts import own_pyconfig
from makers import AARCH64, config_text, elf_bytes, make_compiler, make_program, write

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
TRIPLET = "aarch64-linux-android"
PREBUILT = "toolchains/llvm/prebuilt/linux-x86_64"
MACROS = {"__clang__": "1", "__clang_major__": "18", "__clang_minor__": "0", "__clang_patchlevel__": "3"}
MACROS |= {"__GNUC__": "4", "__ANDROID__": "1", "__SIZEOF_POINTER__": "8"}
TOOLS = ("ar", "ranlib", "strip", "nm", "objcopy", "objdump", "readelf")
# What CPython's script for Android (Android/android-env.sh) and its configure leave in `build_time_vars`.
_NDK = "/Users/runner/Library/Android/sdk/ndk/27.3.13750724/toolchains/llvm/prebuilt/darwin-x86_64/bin"
_LINK = "-Wl,--build-id=sha1 -Wl,--no-rosegment -Wl,-z,max-page-size=16384 -Wl,--no-undefined -lm"
_LINK += " -L/Users/runner/cpython/cross-build/aarch64-linux-android/prefix/lib"


def config_of_android(triplet: str = TRIPLET, *, level: int = 24, **changes: object) -> dict[str, object]:
    """`build_time_vars` of CPython's own release, cut down."""
    cpu = triplet.partition("-")[0]
    clang = f"{_NDK}/{triplet}{level}-clang"
    soabi = f"cpython-{VERSION.replace('.', '')}-{triplet}"
    return {
        "ABIFLAGS": "",
        "ANDROID_API_LEVEL": level,
        "AR": f"{_NDK}/llvm-ar",
        "ARFLAGS": "rcs",
        "BINDIR": "/usr/local/bin",
        "BLDLIBRARY": f"-L. -lpython{VERSION}",
        "CC": clang,
        "CCSHARED": "-fPIC",
        "CFLAGS": "-DNDEBUG -g -O3 -Wall -D__BIONIC_NO_PAGE_SIZE_MACRO"
        " -I/Users/runner/cpython/cross-build/aarch64-linux-android/prefix/include",
        "CXX": f"{clang}++",
        "EXT_SUFFIX": f".{soabi}.so",
        "HOST_GNU_TYPE": f"{cpu}-unknown-linux-android",
        "INCLUDEPY": f"/usr/local/include/python{VERSION}",
        "LDFLAGS": _LINK,
        "LDLIBRARY": f"libpython{VERSION}.so",
        "LDSHARED": f"{clang} -shared {_LINK}",
        "LDCXXSHARED": f"{clang}++ -shared {_LINK}",
        "LDVERSION": VERSION,
        "LIBDIR": "/usr/local/lib",
        "LIBPYTHON": f"-lpython{VERSION}",
        "MACHDEP": "android",
        "MULTIARCH": triplet,
        "Py_DEBUG": 0,
        "Py_ENABLE_SHARED": 1,
        "Py_GIL_DISABLED": 0,
        "SHLIB_SUFFIX": ".so",
        "SIZEOF_VOID_P": 8,
        "SOABI": soabi,
        "VERSION": VERSION,
        "prefix": "/usr/local",
        **changes,
    }


def make_prefix(
    directory: Path,
    triplet: str = TRIPLET,
    *,
    level: int = 24,
    libraries: Mapping[str, bytes] | None = None,
    identity: Identity = AARCH64,
) -> Path:
    """`prefix/` of CPython's release for Android, of the running version; by default its libraries hold no code."""
    prefix = directory / "prefix"
    config = config_text(config_of_android(triplet, level=level))
    write(prefix / f"lib/python{VERSION}/_sysconfigdata__android_{triplet}.py", config)
    if libraries is None:
        data = elf_bytes(identity, needed=["libc.so"])
        libraries = {f"libpython{VERSION}.so": data, "libpython3.so": data}
    for name, data in libraries.items():
        write(prefix / "lib" / name, data)
    include = prefix / f"include/python{VERSION}"
    shutil.copytree(sysconfig.get_path("include"), include)
    write(include / "pyconfig.h", own_pyconfig())
    return prefix


def make_ndk(
    directory: Path,
    triplet: str = TRIPLET,
    *,
    levels: Iterable[int] = (21, 24, 35),
    identity: Identity = AARCH64,
    macros: Mapping[str, str] = MACROS,
) -> Path:
    """An NDK whose compilers copy a prepared object, and whose other programs do nothing."""
    programs = directory / PREBUILT / "bin"
    for level in levels:
        for name in (f"{triplet}{level}-clang", f"{triplet}{level}-clang++"):
            make_compiler(programs / name, identity=identity, macros=macros, says=f"{triplet}{level}")
    for name in (*(f"llvm-{tool}" for tool in TOOLS), "ld.lld"):
        make_program(programs / name)
    (directory / PREBUILT / "sysroot/usr/include").mkdir(parents=True)
    write(
        directory / "source.properties", "Pkg.Desc = Android NDK\nPkg.Revision = 27.3.13750724\nPkg.BaseRevision = 27\n"
    )
    return directory

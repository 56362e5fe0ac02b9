"""Made-up files for iOS: an SDK of Apple's, and an XCframework as CPython's releases have them."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import crossenv.compilers.zig
import makers
import projects
from crossenv.compilers.zig.apple import find_linker
from crossenv.pythons.pyconfig import edit_pyconfig, parse_pyconfig
from crossenv.synthesis.macos_pyconfig import changes
from hosts import own_pyconfig

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
# By the name of the slice, what it is for.
SLICES = {
    "ios-arm64": ("arm64-iphoneos",),
    "ios-arm64_x86_64-simulator": ("arm64-iphonesimulator", "x86_64-iphonesimulator"),
}
# What the projects of these tests use.
_NAMES = ("PyLong_FromLong", "PyModule_Create2", "PyModuleDef_Init")


def zig_library() -> Path:
    """The directory with zig's headers and descriptions of libraries."""
    return zig_program().parent / "lib"


def zig_program() -> Path:
    """The `zig` of the package ziglang."""
    package = importlib.util.find_spec("ziglang")
    assert package is not None and package.origin is not None
    return Path(package.origin).parent / "zig"


def sdk(directory: Path, name: str = "iphoneos", version: str = "18.2") -> Path:
    """An SDK: macOS' headers and libraries, as zig has them, under the names of iOS."""
    system = "ios" if name == "iphoneos" else "ios-simulator"
    lib = directory / "usr/lib"
    projects.write(directory, {"SDKSettings.json": json.dumps({"CanonicalName": name + version, "Version": version})})
    lib.mkdir(parents=True)
    text = (zig_library() / "libc/darwin/libSystem.tbd").read_text()
    text = re.sub(r",\s*arm64e\.x1-\w+(?=[\s,\]])", "", text)
    (lib / "libSystem.tbd").write_text(text.replace("-macos", f"-{system}"))
    (lib / "libm.tbd").symlink_to("libSystem.tbd")
    names = (Path(crossenv.compilers.zig.__file__).parent / "libcxx.txt").read_text().split()
    targets = f"[ x86_64-{system}, arm64-{system} ]"
    (lib / "libc++.tbd").write_text(
        f"--- !tapi-tbd\ntbd-version: 4\ntargets: {targets}\ninstall-name: '/usr/lib/libc++.1.dylib'\nexports:\n"
        f"  - targets: {targets}\n    symbols: [ {', '.join(map(repr, names))} ]\n...\n"
    )
    (directory / "usr/include").symlink_to(zig_library() / "libc/include/any-darwin-any")
    return directory


def config(multiarch: str, **changed: int | str) -> dict[str, int | str]:
    """A part of what CPython's configure records (its `configure.ac`, at iOS)."""
    machine, _, system = multiarch.partition("-")
    triplet = f"{machine}-apple-ios{'' if system == 'iphoneos' else '-simulator'}"
    oldest = "-mios-version-min=13.0" if system == "iphoneos" else "-mios-simulator-version-min=13.0"
    shared = f"{triplet}-clang -dynamiclib -F . -framework Python"
    soabi = f"cpython-{VERSION.replace('.', '')}-{system}"
    return {
        **makers.config_of(multiarch, version=VERSION, prefix="/Users/me/Apple/iOS/Frameworks", SIZEOF_VOID_P=8),
        "BLDSHARED": shared,
        "CC": f"{triplet}-clang",
        "CCSHARED": "",
        "CFLAGS": f"-fno-strict-overflow -Wsign-compare -DNDEBUG -g -O3 -Wall {oldest}",
        "CXX": f"{triplet}-clang++",
        "EXT_SUFFIX": f".{soabi}.so",
        "HOST_GNU_TYPE": triplet.replace("arm64", "aarch64"),
        "IPHONEOS_DEPLOYMENT_TARGET": "13.0",
        "LDFLAGS": oldest,
        "LDCXXSHARED": shared.replace("clang", "clang++"),
        "LDSHARED": shared,
        "MACHDEP": "ios",
        "MULTIARCH": multiarch,
        "PYTHONFRAMEWORK": "Python",
        "SHLIB_SUFFIX": ".so",
        "SOABI": soabi,
        **changed,
    }


def xcframework(directory: Path, *, linked: str = "", version: str = sys.version.split()[0]) -> Path:
    """Python.xcframework: framework, configuration and headers of each slice.

    Args:
        directory: Where it goes.
        linked: The multiarch name of the machine whose framework is a real library, which modules are linked to.
        version: Of Python, as its header says it.
    """
    root = directory / "Python.xcframework"
    for name, machines in SLICES.items():
        headers = root / name / "Python.framework/Headers"
        own = Path(sysconfig.get_path("include"))
        headers.parent.mkdir(parents=True)
        for part in ("cpython", "internal", *(path.name for path in own.glob("*.h"))):
            headers.mkdir(exist_ok=True)
            if part not in ("pyconfig.h", "patchlevel.h"):
                (headers / part).symlink_to(own / part)
        text = own_pyconfig()
        changed = changes(parse_pyconfig(text), machine="arm64", free_threaded=False)
        (headers / "pyconfig.h").write_text(edit_pyconfig(text, changed))
        patchlevel = (own / "patchlevel.h").read_text()
        (headers / "patchlevel.h").write_text(re.sub(r'(PY_VERSION\s+)"[^"]+"', rf'\1"{version}"', patchlevel))
        include = root / name / f"include/python{VERSION}"
        include.parent.mkdir()
        include.symlink_to("../Python.framework/Headers")
        for multiarch in machines:
            place = root / name / f"lib-{multiarch.partition('-')[0]}/python{VERSION}"
            projects.write(place, {f"_sysconfigdata__ios_{multiarch}.py": makers.config_text(config(multiarch))})
        if linked in machines:
            _framework(root / name / "Python.framework/Python", linked)
    return root


def _framework(library: Path, multiarch: str) -> None:
    """A dynamic library with a few of Python's names."""
    machine, _, system = multiarch.partition("-")
    cpu, suffix = {"arm64": "aarch64"}.get(machine, machine), "" if system == "iphoneos" else "-simulator"
    source, made = library.parent / "python.c", library.parent / "python.o"
    source.write_text("".join(f"void {name}(void) {{}}\n" for name in _NAMES))
    zig = zig_program()
    target = f"{cpu}-ios.14.0{suffix}"
    subprocess.run([zig, "cc", "-target", target, "-g0", "-fno-sanitize=all", "-c", source, "-o", made], check=True)
    linker = find_linker(os.environ["PATH"])
    assert linker is not None
    words = ["-arch", machine, "-platform_version", f"ios{suffix}", "14.0", "18.2", "-dylib"]
    name = "@rpath/Python.framework/Python"
    subprocess.run([*linker, *words, "-install_name", name, "-o", library, made], check=True)

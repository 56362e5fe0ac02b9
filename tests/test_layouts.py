"""Every layout of a host Python is found through the one option, and told apart."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import makers
from crossenv.cli.main import main
from crossenv.compilers.choose import Wishes, replaced_compiler, require_linkable
from crossenv.compilers.find import find_toolchain
from crossenv.environment.localise import flag_directories, localise
from crossenv.errors import HostPythonError, ToolchainError, UsageError
from crossenv.pythons.build_python import find_build_python
from crossenv.pythons.model import HostPython
from crossenv.pythons.read import read_host_python
from makers import HostTree, config_of, config_text, write

MUSL = {"identity": makers.AARCH64, "loader": makers.MUSL_LOADER, "triplet": "aarch64-linux-musl"}


def refused(path: Path) -> HostPythonError:
    with pytest.raises(HostPythonError) as caught:
        read_host_python(path)
    assert caught.value.hint and "\n" not in caught.value.message
    return caught.value


# Directories that distributions and build systems make: fixtures, from the layouts that they document.


@pytest.mark.parametrize(
    ("named", "prefix", "changes", "origin", "recorded"),
    [
        pytest.param(".", "usr", {}, "Debian or a relative", "/usr", id="Debian"),
        pytest.param(
            *(".", "usr", {"HOST_GNU_TYPE": "aarch64-redhat-linux-gnu"}, "Fedora or a relative", "/usr"), id="Fedora"
        ),
        pytest.param(
            *(".", "host/aarch64-buildroot-linux-gnu/sysroot/usr"),
            *({"HOST_GNU_TYPE": "aarch64-buildroot-linux-gnu"}, "Buildroot", "/usr"),
            id="Buildroot",
        ),
        pytest.param(
            *(".", "sysroots/cortexa57-poky-linux/usr"),
            *({"CC": "aarch64-poky-linux-gcc -mcpu=cortex-a57"}, "Yocto", "/usr"),
            id="Yocto",
        ),
        pytest.param(*(".", "staging_dir/target-aarch64_generic_glibc/usr", {}, "OpenWrt", "/usr"), id="OpenWrt"),
        pytest.param(
            *("nix/store/q1-python3-3.11.9", "nix/store/q1-python3-3.11.9", {}, "Nix"),
            "/nix/store/q1-python3-3.11.9",
            id="Nix",
        ),
        pytest.param(".", "nix/store/q1-python3-3.11.9", {}, "Nix", "/nix/store/q1-python3-3.11.9", id="Nix store"),
        pytest.param(
            "python", "python", {"CC": "clang -pthread"}, "python-build-standalone", "/install", id="standalone"
        ),
        pytest.param(".", "python", {"CC": "clang"}, "python-build-standalone", "/install", id="standalone archive"),
        pytest.param(".", "python/install", {}, "python-build-standalone", "/install", id="standalone full archive"),
        pytest.param(
            *("cpython-3.11.9-linux-aarch64-gnu", "cpython-3.11.9-linux-aarch64-gnu"),
            *({"CC": "cc -pthread", "CONFIG_ARGS": "'--build=x' '--prefix=/install' 'CC=clang'"},),
            *("python-build-standalone, installed by uv", "/home/me/cpython-3.11.9-linux-aarch64-gnu"),
            id="uv",
        ),
    ],
)
def test_whoever_made_it(
    tmp_path: Path, named: str, prefix: str, changes: dict[str, str], origin: str, recorded: str
) -> None:
    tree = HostTree(prefix=tmp_path / prefix, recorded=recorded, changes=changes).make()
    if "Debian" in origin:
        (tmp_path / "usr/lib/aarch64-linux-gnu").mkdir()
    host = read_host_python(tmp_path / named)
    assert (host.layout, host.origin) == ("prefix", origin)
    assert host.sysconfigdata == tree.data
    assert (host.prefix, host.recorded_prefix) == (tree.prefix, recorded)
    assert host.include_dirs == (tree.include,)
    assert host.executable == tree.program
    assert (host.sysroot is not None) == (recorded == "/usr")
    provisional = recorded == "/install"
    assert provisional == any("--host-prefix" in note for note in host.notes)
    assert not read_host_python(tmp_path / named, host_prefix="/opt/python").notes


def test_the_name_of_a_distribution(tmp_path: Path) -> None:
    HostTree(prefix=tmp_path / "usr", recorded="/usr").make()
    write(tmp_path / "etc/os-release", 'ID=alpine\nPRETTY_NAME="Alpine Linux v3.20"\n')
    assert read_host_python(tmp_path).origin == "Alpine Linux v3.20"


def test_alpine(tmp_path: Path) -> None:
    tree = HostTree(prefix=tmp_path / "usr", **MUSL, changes={"HOST_GNU_TYPE": "aarch64-alpine-linux-musl"}).make()  # type: ignore[arg-type]
    host = read_host_python(tmp_path)
    assert (host.origin, host.libc.family) == ("Alpine Linux", "musl")
    assert host.ext_suffix == ".cpython-311-aarch64-linux-musl.so"
    assert host.sysconfigdata == tree.data


@pytest.mark.parametrize("sdk", ["x86_64-pokysdk-linux", "x86_64-distrosdk-mingw32"])
def test_the_python_of_an_sdk_itself_is_passed_over(tmp_path: Path, sdk: str) -> None:
    """Yocto's SDK holds a Python for the machine that it runs on."""
    tree = HostTree(prefix=tmp_path / "sysroots/armv8a-poky-linux/usr").make()
    HostTree(prefix=tmp_path / f"sysroots/{sdk}/usr", triplet="x86_64-linux-gnu", identity=makers.X86_64).make()
    assert read_host_python(tmp_path).sysconfigdata == tree.data
    other = replace(tree, prefix=tmp_path / "sysroots/cortexa53-poky-linux/usr").make()
    error = refused(tmp_path)
    assert str(tree.stdlib) in error.message and str(other.stdlib) in error.message


# Several configurations.


def conda(tmp_path: Path) -> HostTree:
    """A conda prefix: one more configuration for each name that its compilers have."""
    placeholder = "/home/conda/feedstock_root/_h_env_placehold_placehold_placehold"
    tree = HostTree(prefix=tmp_path / "env", recorded=placeholder).make()
    for name in ("aarch64_conda_cos7_linux_gnu", "aarch64_conda_linux_gnu"):
        compiler = f"{name.replace('_linux_gnu', '-linux-gnu').replace('aarch64_', 'aarch64-')}-cc"
        text = config_text(config_of(prefix=placeholder, CC=compiler))
        write(tree.stdlib / f"_sysconfigdata_{name}.py", text)
    return tree


def test_conda(tmp_path: Path) -> None:
    tree = conda(tmp_path)
    for named in (tree.prefix, tree.program):
        host = read_host_python(named)
        assert host.sysconfigdata == tree.data
        assert host.origin == "conda"
        assert any("--host-prefix" in note for note in host.notes)
    named = tree.stdlib / "_sysconfigdata_aarch64_conda_linux_gnu.py"
    assert read_host_python(named).config["CC"] == "aarch64-conda-linux-gnu-cc"


def test_of_several_machines_the_interpreters(tmp_path: Path) -> None:
    tree = HostTree(prefix=tmp_path / "usr").make()
    other = "_sysconfigdata__linux_x86_64-linux-gnu.py"
    write(tree.stdlib / other, config_text(config_of("x86_64-linux-gnu")))
    assert read_host_python(tree.prefix).sysconfigdata == tree.data
    tree.program.unlink()
    error = refused(tree.prefix)
    assert "several configurations that differ" in error.message
    assert str(tree.data) in error.message and other in error.message


@pytest.mark.parametrize("flags", ["", "d"])
def test_of_a_release_and_a_debug_build_the_one_that_was_named(tmp_path: Path, flags: str) -> None:
    trees = {flags: HostTree(prefix=tmp_path / "usr", flags=flags).make() for flags in ("", "d")}
    host = read_host_python(trees[flags].program)
    assert (host.abi_flags, host.sysconfigdata) == (flags, trees[flags].data)
    assert host.host_executable == f"/usr/bin/python3.11{flags}"


@pytest.mark.parametrize("flags", ["t", "td"])
def test_free_threaded_and_debug(tmp_path: Path, flags: str) -> None:
    tree = HostTree(prefix=tmp_path / "usr/local", version="3.13", flags=flags, recorded="/usr/local").make()
    host = read_host_python(tmp_path)
    assert (host.abi_flags, host.free_threaded, host.directory_name) == (flags, True, "python3.13t")
    assert host.ext_suffix == f".cpython-313{flags}-aarch64-linux-gnu.so"
    assert host.include_dirs == (tree.include,)


# build-details.json (PEP 739).


def details_of(tree: HostTree) -> dict[str, object]:
    """What CPython 3.14 and later write, as far as it is read."""
    numbers = [*map(int, tree.version.split(".")), 2]
    info = dict(zip(("major", "minor", "micro"), numbers, strict=True)) | {"releaselevel": "final", "serial": 0}
    return {
        "schema_version": "1.0",
        "base_prefix": tree.recorded,
        "base_interpreter": f"{tree.recorded}/bin/python{tree.version}{tree.flags}",
        "platform": "linux-aarch64",
        "language": {"version": tree.version, "version_info": info},
        "implementation": {"name": "cpython", "_multiarch": tree.triplet, "version": info},
        "abi": {
            "flags": list(tree.flags),
            "extension_suffix": f".cpython-{tree.version.replace('.', '')}{tree.flags}-{tree.triplet}.so",
        },
        "suffixes": {"extensions": [f".cpython-{tree.version.replace('.', '')}{tree.flags}-{tree.triplet}.so", ".so"]},
        "c_api": {"headers": f"{tree.recorded}/include/python{tree.version}{tree.flags}"},
    }


def write_details(tree: HostTree, details: dict[str, object], name: str = "build-details.json") -> Path:
    return write(tree.stdlib / name, json.dumps(details))


@pytest.fixture
def tree(tmp_path: Path) -> HostTree:
    return HostTree(prefix=tmp_path / "root/usr", version="3.14").make()


def test_details_that_agree_change_nothing(tree: HostTree) -> None:
    without = read_host_python(tree.prefix)
    file = write_details(tree, details_of(tree))
    assert read_host_python(tree.prefix) == without
    by_details = read_host_python(file)
    assert replace(by_details, source=tree.prefix) == without


@pytest.mark.parametrize("flags", ["", "t"])
def test_details_alone(tmp_path: Path, flags: str) -> None:
    """All of a configuration that a build needs follows from them and the headers."""
    tree = HostTree(prefix=tmp_path / "root/usr", version="3.14", flags=flags).make()
    recorded = read_host_python(tree.prefix)
    file = write_details(tree, details_of(tree))
    tree.data.unlink()
    for named in (file, tree.prefix, tree.prefix.parent, tree.program):
        host = read_host_python(named)
        assert host.layout == "build-details.json"
        kept = ("version", "full_version", "abi_flags", "soabi", "ext_suffix", "multiarch", "include_dirs", "sysroot")
        for name in (*kept, "machine", "identity", "libc", "host_executable"):
            assert getattr(host, name) == getattr(recorded, name), name
        for name in ("SOABI", "EXT_SUFFIX", "VERSION", "SIZEOF_VOID_P", "prefix", "INCLUDEPY", "Py_GIL_DISABLED"):
            assert host.config[name] == recorded.config[name], name
        assert any("no compiler flags" in note for note in host.notes)


def test_details_alone_with_relative_paths(tree: HostTree) -> None:
    details = details_of(tree) | {"base_prefix": "../..", "base_interpreter": "bin/python3.14"}
    details["c_api"] = {"headers": "include/python3.14"}
    file = write_details(tree, details)
    tree.data.unlink()
    host = read_host_python(file)
    assert host.include_dirs == (tree.include,)
    assert host.host_executable == f"{tree.prefix}/bin/python3.14"


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize(
    ("name", "changes", "note"),
    [
        ("build-details.json", {"platform": ""}, "has an empty platform; taken to be linux-aarch64"),
        ("build-details..aarch64-linux-gnu.json", {}, "has two dots in its name"),
        ("build-details.json", {"abi": {"flags": []}}, "taken to be .cpython-314-aarch64-linux-gnu.so"),
        ("build-details.json", {"abi": {"flags": []}, "suffixes": {}}, "taken to be .cpython-314-aarch64-linux-gnu.so"),
    ],
)
def test_what_is_known_to_be_wrong_is_mended(
    tree: HostTree, name: str, changes: dict[str, object], note: str, alone: bool
) -> None:
    write_details(tree, details_of(tree) | changes, name)
    if alone:
        tree.data.unlink()
    host = read_host_python(tree.prefix)
    assert any(note in text for text in host.notes)
    assert (host.machine, host.ext_suffix) == ("aarch64", ".cpython-314-aarch64-linux-gnu.so")


def test_the_build_machines_values_are_not_believed(tree: HostTree) -> None:
    """python/cpython#136267: of a build for another machine."""
    details = details_of(tree) | {"platform": "linux-x86_64"}
    suffix = ".cpython-314-x86_64-linux-gnu.so"
    details |= {"abi": {"flags": ["d"], "extension_suffix": suffix}}
    details |= {"implementation": {"name": "cpython", "_multiarch": "x86_64-linux-gnu"}}
    write_details(tree, details)
    host = read_host_python(tree.prefix)
    assert (host.machine, host.abi_flags, host.ext_suffix) == ("aarch64", "", ".cpython-314-aarch64-linux-gnu.so")
    text = "\n".join(host.notes)
    for said in (suffix, "'linux-x86_64'", "'x86_64-linux-gnu'", "'d'"):
        assert said in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is cut short or damaged"),
        ("[" * 100_000, "is cut short or damaged"),
        ("[]", "expected an object at the top"),
        ("{}", "nothing at 'schema_version'"),
        ('{"schema_version": "2.0"}', "is of schema '2.0'"),
        ('{"schema_version": "1.0"}', "nothing at 'language'"),
        ('{"schema_version": "1.0", "language": "3.14"}', "expected an object at 'language'"),
        ('{"schema_version": "1.0", "language": {"version": 3.14}}', "expected a string at 'language.version'"),
        (
            '{"schema_version": "1.0", "language": {"version": "3.14"}, "implementation": {"name": "cpython"}}',
            "no 'abi.extension_suffix'",
        ),
        (
            '{"schema_version": "1.0", "language": {"version": "3.14"}, "implementation": {"name": "cpython"},'
            ' "abi": {"flags": "t"}}',
            "expected a list of strings at 'abi.flags'",
        ),
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_damaged_details_are_one_line_with_the_key(tree: HostTree, content: str, message: str, alone: bool) -> None:
    file = write(tree.stdlib / "build-details.json", content)
    if alone:
        tree.data.unlink()
    for named in (file, tree.prefix):
        error = refused(named)
        assert message in error.message and str(file) in error.message


# Recorded paths and compilers.


def test_recorded_paths_move_with_the_prefix_or_go(tmp_path: Path) -> None:
    flags = (
        "-O2 -isystem /build/env/include -L/build/env/lib -L /build/gone -I /build/env/include -B /build/compat -fPIC"
    )
    run_path = "-Wl,-rpath,/build/env/lib -Wl,-rpath-link,/build/env/lib"
    linker = "gcc -shared -g -O2 -ggdb3 -Wl,-z,relro"
    changes = {"CFLAGS": flags, "LDSHARED": linker, "LDFLAGS": run_path, "LIBPL": "/build/env/lib/python3.11/config"}
    tree = HostTree(prefix=tmp_path / "env", recorded="/build/env", changes=changes).make()
    host = read_host_python(tree.prefix)
    config = localise(
        host,
        commands={"cc": "gcc", "ar": "ar"},
        include_dirs=host.include_dirs,
        lib_dir=host.lib_dir,
        directories=flag_directories(host),
    )
    here = tree.prefix
    assert config["CFLAGS"] == f"-O2 -isystem {here}/include -L{here}/lib -I {here}/include -fPIC"
    assert config["LDFLAGS"] == f"-Wl,-rpath-link,{here}/lib", "nothing of this machine gets into what is linked"
    assert config["LDSHARED"] == "gcc -shared -O2 -Wl,-z,relro", "zig would keep debug information in each wheel"
    assert config["LIBPL"] == f"{here}/lib/python3.11/config"


@pytest.mark.parametrize(
    ("prefix", "tools"),
    [
        ("host/aarch64-buildroot-linux-gnu/sysroot/usr", "host/bin"),
        ("sysroots/cortexa57-poky-linux/usr", "sysroots/x86_64-pokysdk-linux/usr/bin/aarch64-poky-linux"),
        ("staging_dir/target-aarch64_generic_glibc/usr", "staging_dir/toolchain-aarch64_gcc-12/bin"),
    ],
)
def test_recorded_compilers_are_found_beside_the_sysroot(tmp_path: Path, prefix: str, tools: str) -> None:
    recorded = {"CC": "/builder/bin/aarch64-x-linux-gnu-gcc", "CXX": "/builder/bin/aarch64-x-linux-gnu-g++"}
    HostTree(prefix=tmp_path / prefix, changes=recorded).make()
    gcc = makers.make_compiler(tmp_path / tools / "aarch64-x-linux-gnu-gcc")
    makers.make_compiler(tmp_path / tools / "aarch64-x-linux-gnu-g++")
    host = read_host_python(tmp_path)
    toolchain = find_toolchain(host, environ_path=os.defpath, sysroot=None, overrides={})
    assert toolchain.cc.path == gcc
    assert toolchain.cxx is not None and toolchain.cxx.path.parent == gcc.parent
    assert not replaced_compiler(host, toolchain)


def test_a_recorded_compiler_that_is_not_here_is_replaced_and_that_is_said(tmp_path: Path) -> None:
    tree = HostTree(
        prefix=tmp_path / "python", recorded="/install", changes={"CC": "clang-of-the-maker -pthread"}
    ).make()
    host = read_host_python(tree.prefix)
    makers.make_compiler(tmp_path / "bin/aarch64-linux-gnu-gcc")
    path = os.pathsep.join((str(tmp_path / "bin"), os.defpath))
    said = replaced_compiler(host, find_toolchain(host, environ_path=path, sysroot=None, overrides={}))
    assert "clang-of-the-maker" in said and "aarch64-linux-gnu-gcc on PATH takes its place" in said


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("t", ("a free-threaded CPython 3.13", "python3.13t")),
        ("td", ("free-threaded", "debug build", "--with-pydebug")),
    ],
)
def test_a_missing_build_python_is_named(tmp_path: Path, flags: str, words: tuple[str, ...]) -> None:
    tree = HostTree(prefix=tmp_path / "usr", version="3.13", flags=flags).make()
    with pytest.raises(UsageError) as caught:
        find_build_python(sys.executable, read_host_python(tree.prefix))
    for word in words:
        assert word in caught.value.hint


def test_show_says_what_was_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = conda(tmp_path).prefix
    assert main(["show", "--host-python", str(named)]) == 0
    out, err = capsys.readouterr()
    rows = dict(
        line.split(maxsplit=1) for line in out.splitlines() if line[:9] in ("layout   ", "extension", "machine  ")
    )
    assert rows["layout"] == "prefix" and rows["extensions"] == ".cpython-311-aarch64-linux-gnu.so"
    assert "made by         conda" in out and f"here {named}" in out
    assert "--host-prefix" in err
    assert main(["show", "--json", "--host-python", str(named)]) == 0
    assert json.loads(capsys.readouterr().out)["origin"] == "conda"


# PyPy: never run.


def make_pypy(prefix: Path, *, static: bool) -> Path:
    """A PyPy 3.11 as Debian installs it."""
    stdlib = prefix / "lib/pypy3.11"
    mark = prefix / "was run"
    write(stdlib / "_sysconfigdata.py", f"import _imp\nopen({str(mark)!r}, 'w')\nbuild_time_vars = dict(A=_imp.x())\n")
    write(stdlib / "_audioop_cffi.pypy311-pp73-aarch64-linux-gnu.so", makers.elf_bytes(needed=["libc.so.6"]))
    if static:
        config = config_of(SOABI="pypy311-pp73", EXT_SUFFIX=".pypy311-pp73-aarch64-linux-gnu.so", BINDIR=None)
        # Debian's says neither.
        del config["prefix"]
        config |= {"INCLUDEPY": "/usr/include/pypy3.11", "CONFINCLUDEPY": "/usr/include/pypy3.11"}
        write(stdlib / "_sysconfigdata__aarch64-linux-gnu.py", config_text(config))
    write(prefix / "include/pypy3.11/Python.h", "")
    write(prefix / "include/pypy3.11/pyconfig.h", "")
    write(prefix / "include/pypy3.11/patchlevel.h", makers.patchlevel("3.11.11"))
    write(prefix / "bin/pypy3.11", makers.elf_bytes(interpreter=makers.GLIBC_LOADER), mode=0o755)
    (prefix / "bin/pypy3").symlink_to("pypy3.11")
    return prefix


@pytest.mark.parametrize("static", [True, False])
def test_pypy(tmp_path: Path, static: bool) -> None:
    prefix = make_pypy(tmp_path / "usr", static=static)
    for named in (tmp_path, prefix, prefix / "bin/pypy3", prefix / "lib/pypy3.11"):
        host = read_host_python(named)
        assert (host.implementation, host.version, host.full_version) == ("pypy", "3.11", "3.11.11")
        assert (host.soabi, host.ext_suffix) == ("pypy311-pp73", ".pypy311-pp73-aarch64-linux-gnu.so")
        assert (host.machine, host.multiarch) == ("aarch64", "aarch64-linux-gnu")
        assert host.include_dirs == (prefix / "include/pypy3.11",)
        assert host.host_executable == "/usr/bin/pypy3.11"
        assert host.directory_name == "pypy3.11"
        assert any("is code and not run" in note for note in host.notes) != static
    assert not (prefix / "was run").exists()


def test_pypy_that_does_not_tell(tmp_path: Path) -> None:
    prefix = make_pypy(tmp_path / "usr", static=False)
    next((prefix / "lib/pypy3.11").glob("*.so")).unlink()
    assert "is code that answers for the machine it runs on" in refused(prefix).message


def test_pypy_and_cpython_in_one_root_are_the_users_choice(tmp_path: Path) -> None:
    prefix = make_pypy(tmp_path / "usr", static=True)
    tree = HostTree(prefix=prefix).make()
    assert "several Pythons" in refused(tmp_path).message
    assert read_host_python(tree.program).implementation == "cpython"
    assert read_host_python(prefix / "bin/pypy3.11").implementation == "pypy"


# Android and iOS: read, whatever else builds for them need.


def android(tmp_path: Path) -> Path:
    """CPython's archive for Android: `android.py package` (PEP 738); a fixture."""
    triplet = "aarch64-linux-android"
    config = config_of(triplet, version="3.13", prefix="/usr/local", MACHDEP="android", ANDROID_API_LEVEL=24)
    prefix = tmp_path / "android/prefix"
    write(prefix / f"lib/python3.13/_sysconfigdata__android_{triplet}.py", config_text(config))
    write(prefix / "lib/libpython3.13.so", makers.elf_bytes(needed=["libc.so"]))
    for name, text in (("Python.h", ""), ("pyconfig.h", ""), ("patchlevel.h", makers.patchlevel("3.13.5"))):
        write(prefix / "include/python3.13" / name, text)
    return prefix.parent


def ios(tmp_path: Path) -> Path:
    """The slice of an XCframework (PEP 730); a fixture."""
    triplet = "arm64-iphoneos"
    config = config_of(triplet, version="3.13", prefix="/Users/me/iOS", MACHDEP="ios", SIZEOF_VOID_P=8)
    config |= {"SOABI": "cpython-313-iphoneos", "EXT_SUFFIX": ".cpython-313-iphoneos.so"}
    config |= {"HOST_GNU_TYPE": "aarch64-apple-ios", "IPHONEOS_DEPLOYMENT_TARGET": "13.0"}
    slice_ = tmp_path / "Python.xcframework/ios-arm64"
    write(slice_ / f"lib-arm64/python3.13/_sysconfigdata__ios_{triplet}.py", config_text(config))
    for name, text in (("Python.h", ""), ("pyconfig.h", ""), ("patchlevel.h", makers.patchlevel("3.13.5"))):
        write(slice_ / "Python.framework/Headers" / name, text)
    return tmp_path


@pytest.mark.parametrize(
    ("make", "system", "libc", "suffix", "needs", "hint"),
    [
        (android, "android", "24", ".cpython-313-aarch64-linux-android.so", "NDK", "show --host-python"),
        (ios, "ios", "13.0", ".cpython-313-iphoneos.so", "does not tell enough", "Python.xcframework"),
    ],
)
def test_mobile_systems(
    tmp_path: Path, make: object, system: str, libc: str, suffix: str, needs: str, hint: str
) -> None:
    assert callable(make)
    host: HostPython = read_host_python(make(tmp_path))
    assert (host.system, host.libc.version, host.machine, host.ext_suffix) == (system, libc, "aarch64", suffix)
    assert host.full_version == "3.13.5"
    with pytest.raises(ToolchainError) as caught:
        require_linkable(host, Wishes(kind="auto", environ_path="", sysroot=None, overrides={}, cpu=None))
    assert needs in caught.value.message and hint in caught.value.hint
    env = tmp_path / "env"
    # Or there is no build Python of that version here.
    expected = (ToolchainError.exit_code, UsageError.exit_code)
    assert main(["create", "--host-python", str(host.source), str(env)]) in expected
    assert not env.exists()


def test_a_debian_tree_of_several_architectures(tmp_path: Path) -> None:
    """The headers of the host's own architecture are taken, and no other's."""
    tree = HostTree(prefix=tmp_path / "usr").make()
    makers.make_debian_headers(tree, architectures=["s390x-linux-gnu", tree.triplet])
    assert read_host_python(tmp_path).include_dirs[-1] == tree.prefix / f"include/{tree.triplet}/python3.11"
    shutil.rmtree(tree.prefix / f"include/{tree.triplet}")
    assert "no pyconfig.h for aarch64-linux-gnu" in refused(tmp_path).message

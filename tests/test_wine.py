"""Windows programs under wine; and what is found in the directories of Pythons for Windows."""

from __future__ import annotations

import json
import os
import platform
import shutil
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

import projects
import windows_files
from crossenv.emulation.wine import find_wine, windows_path
from crossenv.errors import EmulatorError, HostPythonError
from crossenv.platforms.architectures import PE, Identity, identity_of
from crossenv.pythons import crossenv_dump
from crossenv.pythons.windows_layout import find_windows_python
from crossenv.record import load_record

AMD64 = identity_of(PE, 0x8664, 64, "little")
ARM64 = identity_of(PE, 0xAA64, 64, "little")


def python_dll(tag: str = "win_amd64") -> bytes:
    return windows_files.module(tag=tag, imports={}, exports=["Py_GetVersion", "PyModule_Create2"])


def make_python(directory: Path, *, dll: str = "python313.dll", tag: str = "win_amd64", headers: bool = True) -> Path:
    """A directory that looks like an installation: a DLL, a program, headers, import libraries."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / dll).write_bytes(python_dll(tag))
    (directory / "python.exe").write_bytes(windows_files.launcher("t64"))
    if headers:
        (directory / "include").mkdir()
        (directory / "include/Python.h").touch()
        (directory / "include/patchlevel.h").write_text('#define PY_VERSION             "3.13.5+"\n')
        (directory / "libs").mkdir()
        (directory / f"libs/{dll.removesuffix('.dll')}.lib").write_bytes(b"!<arch>\n")
    return directory


@pytest.mark.parametrize(
    "place",
    [
        "",
        "tools",
        "python",
        "org/bytedeco/cpython/windows-x86_64",
        "python.3.13.5/tools",
        "cpython-3.13.5-windows/python",
    ],
)
def test_layouts(tmp_path: Path, place: str) -> None:
    """An installation and uv's; a NuGet package; an unpacked archive; a jar; each with the directory above."""
    directory = make_python(tmp_path / place)
    found = find_windows_python(tmp_path)
    assert found is not None
    assert (found.directory, found.version, found.flags, found.full_version) == (directory, "3.13", "", "3.13.5+")
    assert found.identity == AMD64 and found.program == directory / "python.exe"
    assert found.include == directory / "include" and list(found.libraries) == ["python313.lib"]
    assert "PyModule_Create2" in found.exports
    assert find_windows_python(directory / "python.exe") == found == find_windows_python(found.dll)


def test_an_import_library_for_another_machine(tmp_path: Path) -> None:
    python = make_python(tmp_path)
    library = python / "libs/python313.lib"
    for tag, number in (("win_amd64", 0x8664), ("win32", 0x14C)):
        # The header of an import object (PE format, "Import Library Format"), in an archive.
        content = struct.pack("<HHHHIIHH", 0, 0xFFFF, 0, number, 0, 14, 0, 4) + b"Py_X\0python.dll\0"
        head = f"{'python313.dll/':<16}{0:<12}{0:<6}{0:<6}{0:<8}{len(content):<10}`\n".encode()
        library.write_bytes(b"!<arch>\n" + head + content + b"\n" * (len(content) % 2))
        if tag == "win_amd64":
            assert find_windows_python(tmp_path) is not None
            continue
        with pytest.raises(HostPythonError, match=r"python313\.lib is for .*x86, and python313\.dll for .*x86-64"):
            find_windows_python(tmp_path)


def test_an_embeddable_zip_has_no_headers(tmp_path: Path) -> None:
    found = find_windows_python(make_python(tmp_path, dll="python314t.dll", tag="win_arm64", headers=False))
    assert found is not None
    assert (found.version, found.flags, found.full_version, found.include) == ("3.14", "t", "", None)
    assert found.identity == ARM64


def test_what_is_no_python(tmp_path: Path) -> None:
    assert find_windows_python(tmp_path) is None
    (tmp_path / "python313.dll").write_bytes(windows_files.module())
    with pytest.raises(HostPythonError, match="is not a Python: it has no Py_GetVersion"):
        find_windows_python(tmp_path)
    (tmp_path / "python313.dll").write_bytes(python_dll()[:700])
    with pytest.raises(HostPythonError, match=r"python313\.dll is cut off"):
        find_windows_python(tmp_path)
    (tmp_path / "python312.dll").write_bytes(python_dll())
    with pytest.raises(HostPythonError, match="several Pythons for Windows"):
        find_windows_python(tmp_path)


def test_paths() -> None:
    assert windows_path("/tmp/a b") == "Z:\\tmp\\a b"
    assert windows_path("a/b") == "a\\b"


@pytest.mark.parametrize(
    ("identity", "given", "says", "hint"),
    [
        (AMD64, None, "needs wine, and there is none", "apt-get install wine64"),
        (AMD64, "nowine", "there is no program nowine", "apt-get install wine64"),
        (ARM64, None, "does not run programs for Windows on aarch64", "crossenv audit"),
    ],
)
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="wine runs programs of its own machine")
def test_without_wine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, identity: Identity, given: str | None, says: str, hint: str
) -> None:
    monkeypatch.setattr("crossenv.emulation.wine.PLACES", ())
    with pytest.raises(EmulatorError, match=says) as caught:
        find_wine(identity, given=given, environ={"PATH": str(tmp_path)})
    assert hint in caught.value.hint


def crossenv(*words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crossenv", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=check)


def test_a_python_is_described(tmp_path: Path) -> None:
    make_python(tmp_path / "python")
    said = crossenv("show", "--host-python", tmp_path).stdout
    assert "target          win_amd64\n" in said and "host Python     CPython 3.13" in said
    document = json.loads(crossenv("show", "--host-python", tmp_path, "--json").stdout)
    assert (document["target"], document["version"], document["flags"]) == ("win_amd64", "3.13", "")
    assert "Py_GetVersion" in document["exports"]


_NO_32_BITS = """#!/bin/sh
case $1 in
--version) echo wine-9.0 ;;
wineboot) mkdir -p "$WINEPREFIX/drive_c/windows/system32"; echo >"$WINEPREFIX/system.reg" ;;
esac
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="wine runs programs of its own machine")
def test_a_wine_without_its_part_for_32_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    projects.write(tmp_path / "bin", {"wine": _NO_32_BITS, "wineserver": "#!/bin/sh\n"})
    for program in (tmp_path / "bin").iterdir():
        program.chmod(0o755)
    make_python(tmp_path / "python", tag="win32")
    words = ("--emulator", tmp_path / "bin/wine", "--target", "win32", "--host-root", tmp_path / "python")
    done = crossenv("run", *words, "--", "python", "-V", check=False)
    assert done.returncode == EmulatorError.exit_code
    assert "bin/wine does not run 32-bit programs" in done.stderr
    assert "apt-get install wine32:i386" in done.stderr


def test_the_python_has_to_fit(tmp_path: Path) -> None:
    if shutil.which("wine") is None and shutil.which("wine64") is None:
        pytest.skip("no wine")
    make_python(tmp_path / "python")
    for options, says in (
        (["--target", "win32"], "is for x86_64, and the target is i686"),
        (["--target", "win_amd64", "--python", "3.12"], "is Python 3.13, and the target's is 3.12"),
    ):
        done = crossenv("run", *options, "--host-root", tmp_path, "--", "python", "-V", check=False)
        assert done.returncode == EmulatorError.exit_code and says in done.stderr
    done = crossenv("run", "--target", "win_amd64", "--", "python", "-V", check=False)
    assert "no Python for Windows is named" in done.stderr and "--host-root" in done.stderr


@pytest.fixture(scope="module")
def host_root() -> Path:
    """A real Python for Windows: WINDOWS_PYTHONS names what scripts/windows_pythons.py has fetched."""
    place = os.environ.get("WINDOWS_PYTHONS")
    found = sorted(Path(place).glob("3.13*-x86_64")) if place else []
    if not found or shutil.which("wine") is None:
        pytest.skip("needs wine, and WINDOWS_PYTHONS with a Python 3.13 (scripts/windows_pythons.py)")
    return found[0]


@pytest.mark.integration
def test_a_real_python_runs(host_root: Path, tmp_path: Path) -> None:
    """Output into a file and a pipe, errors, exit status; and nothing is left behind."""
    # Each in one write: the two may come in either order.
    say = "print(f'{sys.platform} {sys.argv[1:]}', end=''); print('bad', end='', file=sys.stderr)"
    code = f"import sys; {say}; sys.exit(5)"
    words = [sys.executable, "-m", "crossenv", "run", "--target", "win_amd64", "--host-root", str(host_root)]
    log = tmp_path / "log"
    with log.open("w") as file:
        done = subprocess.run([*words, "--", "python", "-c", code, "a b"], stdout=file, stderr=file, check=False)
    assert done.returncode == 5
    assert "win32 ['a b']" in log.read_text() and "bad" in log.read_text()
    piped = subprocess.run(
        [*words, "--", "python", "-c", "print(input())"], input="x\n", capture_output=True, text=True, check=True
    )
    assert piped.stdout.strip() == "x"
    runs = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "crossenv/wine"
    assert not list(runs.glob("*/run-*"))


@pytest.mark.integration
@pytest.mark.parametrize("headers", [True, False])
def test_an_environment_for_a_python_that_is_there(tmp_path: Path, headers: bool) -> None:
    """An installation, and an embeddable zip, whose import library is made from what its DLL has."""
    version = ".".join(platform.python_version_tuple()[:2])
    dll = f"python{version.replace('.', '')}.dll"
    python = make_python(tmp_path / "python", dll=dll, headers=False)
    if headers:
        shutil.copytree(sysconfig.get_path("include"), python / "include")
        (python / "libs").mkdir()
        (python / f"libs/{dll.removesuffix('.dll')}.lib").write_bytes(b"!<arch>\n")
    crossenv("create", "--host-python", python, "--python", sys.executable, tmp_path / "env")
    record = load_record(tmp_path / "env")
    assert record.host.platform_tag == "win_amd64" and record.host.source == str(python)
    library = (Path(record.host.lib_dir or "") / f"{dll.removesuffix('.dll')}.lib").read_bytes()
    if headers:
        assert library == b"!<arch>\n"
    else:
        assert b"PyModule_Create2" in library and b"PyType_Ready" not in library
    other = "3.10" if version != "3.10" else "3.11"
    make_python(tmp_path / "other", dll=f"python{other.replace('.', '')}.dll", headers=False)
    words = ("create", "--host-python", tmp_path / "other", "--python", sys.executable, tmp_path / "env2")
    done = crossenv(*words, check=False)
    assert done.returncode == 2 and f"is Python {other}, and the build Python is {version}" in done.stderr
    assert not (tmp_path / "env2").exists()


@pytest.mark.integration
def test_a_dump_taken_there_says_what_an_environment_answers(host_root: Path, tmp_path: Path) -> None:
    program = Path(crossenv_dump.__file__)
    dump = tmp_path / "host.json"
    words = ("run", "--target", "win_amd64", "--host-root", host_root, "--", "python", program)
    dump.write_text(crossenv(*words).stdout)
    build = find_windows_python(host_root)
    assert build is not None
    crossenv("create", "--host-python", dump, "--python", build.version, "--fetch-python", tmp_path / "env")
    document = json.loads(dump.read_text())
    ours = document["arbitrary_data"]["crossenv"]
    asked = "import json, sysconfig; print(json.dumps([sysconfig.get_platform(), sysconfig.get_config_vars()]))"
    python = tmp_path / "env/cross/bin/python"
    said = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True).stdout
    platform_name, variables = json.loads(said)
    assert platform_name == document["platform"]
    for name in ("EXT_SUFFIX", "SOABI", "LDLIBRARY", "LIBRARY", "VERSION", "Py_GIL_DISABLED"):
        assert variables[name] == ours["variables"][name], name
    record = load_record(tmp_path / "env")
    assert list(record.host.extension_suffixes) == document["suffixes"]["extensions"]
    assert f"cp{build.version.replace('.', '')}-abi3-{record.host.platform_tag}" in ours["tags"]


@pytest.fixture(scope="module")
def env_of_host_root(host_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("wine") / "env"
    crossenv("create", "--host-python", host_root, "--python", "3.13", "--fetch-python", root)
    return root


@pytest.mark.integration
@pytest.mark.parametrize("make", [projects.setuptools_c, projects.meson, projects.scikit_build_core])
def test_what_is_built_runs(make: Callable[[Path], Path], env_of_host_root: Path, tmp_path: Path) -> None:
    """Built here, sealed, imported by a real Python for Windows."""
    project = make(tmp_path / "project")
    pip = [env_of_host_root / "bin/cross-pip", "wheel", "-q", "--no-deps", "-w", tmp_path, project]
    subprocess.run(list(map(str, pip)), check=True)
    (wheel,) = tmp_path.glob("*-cp313-cp313-win_amd64.whl")
    done = crossenv("test", "--json", "--no-index", "--env", env_of_host_root, wheel)
    report = json.loads(done.stdout)
    assert report["passed"], report
    assert all(one["outcome"] == "imported" for one in report["imports"])


@pytest.mark.integration
def test_the_stable_abi_loads_in_each_version(env_of_host_root: Path, host_root: Path, tmp_path: Path) -> None:
    """A wheel of 3.13 with the least Python in its name, imported by what else there is."""
    versions = sorted(
        one.name.partition("-")[0].rpartition(".")[0] for one in host_root.parent.glob("3.1[1-9]*-x86_64")
    )
    script = Path(__file__).parent.parent / "scripts/windows_pythons.py"
    # Neither has a python3.dll of its own.
    words = [sys.executable, script, host_root.parent, *versions, "--stable-abi"]
    roots = subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True).stdout.splitlines()
    project = projects.limited_api(tmp_path / "project")
    setup = project / "setup.py"
    limited = "setup(options={'bdist_wheel': {'py_limited_api': 'cp310'}}, "
    setup.write_text(setup.read_text().replace("setup(", limited))
    pip = [env_of_host_root / "bin/cross-pip", "wheel", "-q", "--no-deps", "-w", tmp_path, project]
    subprocess.run(list(map(str, pip)), check=True)
    (wheel,) = tmp_path.glob("*-cp310-abi3-win_amd64.whl")
    for root in roots:
        done = crossenv("test", "--json", "--no-index", "--target", "win_amd64", "--host-root", root, wheel)
        report = json.loads(done.stdout)
        assert report["passed"], report
        assert "toy._toy" in [one["module"] for one in report["imports"] if one["outcome"] == "imported"]


@pytest.mark.integration
@pytest.mark.thorough
def test_exceptions_from_one_module_to_another(env_of_host_root: Path, tmp_path: Path) -> None:
    """One throws, the other catches by the type: each is linked to a C++ library of its own."""
    project = projects.exceptions(tmp_path / "project")
    pip = [env_of_host_root / "bin/cross-pip", "wheel", "-q", "--no-deps", "-w", tmp_path, project]
    subprocess.run(list(map(str, pip)), check=True)
    (wheel,) = tmp_path.glob("*-cp313-cp313-win_amd64.whl")
    code = "import toy._catches, toy._throws; print(toy._catches.call(toy._throws.function))"
    done = crossenv("test", "--no-index", "--env", env_of_host_root, wheel, "--", "python", "-c", code)
    assert "caught thrown in another module, then std::out_of_range" in done.stdout


_LONG_DOUBLE = r"""
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define ONE(name) bad += name##l(x) != name(d) ? (puts(#name), 1) : 0;
#define TWO(name) bad += name##l(x, 0.75L) != name(d, 0.75) ? (puts(#name), 1) : 0;
int main(int count, char **words) {
    long double x = count > 1 ? strtold(words[1], NULL) : 0, part;
    double d = (double)x, whole;
    int bad = 0, one, two;
    ONE(sin) ONE(cos) ONE(tan) ONE(asin) ONE(acos) ONE(atan) ONE(sinh) ONE(cosh) ONE(tanh) ONE(exp) ONE(exp2) ONE(expm1)
    ONE(log) ONE(log2) ONE(log10) ONE(log1p) ONE(sqrt) ONE(cbrt) ONE(floor) ONE(ceil) ONE(rint) ONE(trunc) ONE(fabs)
    ONE(erf) ONE(tgamma) ONE(lgamma)
    TWO(pow) TWO(fmod) TWO(atan2) TWO(hypot) TWO(nextafter) TWO(copysign) TWO(fmax) TWO(fmin)
    bad += modfl(x * 7, &part) != modf(d * 7, &whole) || part != whole;
    bad += frexpl(x, &one) != frexp(d, &two) || one != two || ldexpl(x, 3) != ldexp(d, 3);
    char text[80];
    snprintf(text, sizeof text, "%.17Lg %Le %.3Lf", x, x, x);
    long double back = 0;
    bad += sscanf(text, "%Lg", &back) != 1 || back != x;
    printf("%d %d %d %s", (int)sizeof x, LDBL_MANT_DIG, bad, text);
    return 0;
}
"""


@pytest.mark.integration
@pytest.mark.parametrize("tool", ["clang", "clang++"])
def test_long_double_when_it_runs(env_of_host_root: Path, tmp_path: Path, tool: str) -> None:
    """It is a double by another name, as Microsoft's: its functions, and what is printed and read."""
    source = tmp_path / ("x.cc" if tool == "clang++" else "x.c")
    source.write_text(_LONG_DOUBLE)
    compiler = env_of_host_root / f"etc/bin/x86_64-w64-mingw32-{tool}"
    subprocess.run([compiler, "-O1", source, "-o", tmp_path / "x.exe"], check=True)
    done = crossenv("run", "--env", env_of_host_root, "--", tmp_path / "x.exe", "0.3")
    assert done.stdout == "8 53 0 0.29999999999999999 3.000000e-01 0.300"

"""Dumps: what the program says of the Python that runs it, and what is made of it on the build machine."""

from __future__ import annotations

import ast
import datetime
import gzip
import hashlib
import importlib
import io
import json
import os
import platform
import shutil
import struct
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path
from typing import Any

import packaging.markers
import packaging.tags
import pytest

from conftest import CrossenvCommand
from crossenv.errors import HostPythonError
from crossenv.pythons import crossenv_dump
from crossenv.pythons.compare import compare_configurations
from crossenv.pythons.crossenv_dump import (
    android_platforms,
    header_archive,
    ios_platforms,
    libraries,
    linux_platforms,
    long_double_format,
    mac_platforms,
    read_elf_header,
    wheel_abi,
    wheel_tags,
)
from crossenv.pythons.dump_document import OURS, load_dump, parse_dump
from crossenv.pythons.dump_from_files import describe_host
from crossenv.pythons.dump_headers import adapted_headers, derived_pyconfig, find_headers, read_archive
from crossenv.pythons.from_dump import host_of_dump
from crossenv.pythons.known import LIBRARY, KnownHost, known_hosts
from crossenv.pythons.pyconfig import parse_pyconfig
from crossenv.pythons.read import read_host_python
from dumps import differences, ours, schema_faults, with_value
from makers import AARCH64, ARMHF, MUSL_LOADER, X86_64, elf_bytes

SCRIPT = Path(crossenv_dump.__file__)
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
TODAY = datetime.date(2026, 1, 2)


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dump of the running Python, with its headers beside it."""
    directory = tmp_path_factory.mktemp("dump")
    words: list[str | Path] = [sys.executable, "-I", SCRIPT, "--output", directory / "own.json"]
    subprocess.run([*words, "--with-headers", directory / "own.tar.gz"], check=True)
    return directory / "own.json"


@pytest.fixture(scope="session")
def made(host_prefix: Path) -> dict[str, Any]:
    """The dump of the made-up aarch64 host, read from its files."""
    return describe_host(read_host_python(host_prefix), today=TODAY)


# The program


def test_the_program_stands_alone() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 8))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= set(sys.stdlib_module_names)


def test_what_it_says_is_what_the_interpreter_says(own: Path) -> None:
    document = json.loads(own.read_text(encoding="ascii"))
    assert not schema_faults(document)
    said = ours(document)
    name = sysconfig._get_sysconfigdata_name()  # type: ignore[attr-defined]
    assert said["variables"] == dict(sorted(importlib.import_module(name).build_time_vars.items()))
    assert said["markers"] == {**packaging.markers.default_environment(), **said["markers"]}
    assert set(said["tags"]) == {str(tag) for tag in packaging.tags.sys_tags()}
    assert said["tags"][0].startswith(wheel_abi("cpython", "", sys.version_info[:2], sys.abiflags) + "-")
    assert document["platform"] == sysconfig.get_platform()
    assert document["base_prefix"] == sys.base_prefix
    assert said["machine"]["pointer_size"] == struct.calcsize("P")
    assert said["libc"] == dict(zip(("family", "version"), platform.libc_ver(), strict=True))
    # Nothing of the user or the network.
    assert os.uname().nodename not in json.dumps(said["uname"]) + json.dumps(said["platform"])
    assert str(Path.home() / ".local") not in own.read_text(encoding="ascii")


def test_the_headers_are_an_archive_that_is_the_same_each_time(own: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.tar.gz"
    subprocess.run([sys.executable, SCRIPT, "--output", tmp_path / "x.json", "--with-headers", again], check=True)
    data = own.with_name("own.tar.gz").read_bytes()
    assert again.read_bytes() == data
    headers = json.loads(own.read_text())["arbitrary_data"]["crossenv"]["headers"]
    assert headers == {"present": True, "archive": "own.tar.gz", "sha256": hashlib.sha256(data).hexdigest()}
    files = read_archive(own.with_name("own.tar.gz")).files
    include = Path(sysconfig.get_path("include", vars={"installed_base": sys.base_prefix}))
    assert files["Python.h"] == (include / "Python.h").read_bytes()
    assert {"pyconfig.h", "patchlevel.h", "cpython/object.h"} <= set(files)
    assert b"TRIPLET" not in files["pyconfig.h"]


def test_the_host_side_of_an_environment_is_no_host(env: Path) -> None:
    done = subprocess.run([env / "bin/cross-python", SCRIPT], text=True, capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "the host side of a cross environment" in done.stderr


def interpreter(minor: int) -> str | None:
    """A CPython 3.`minor` that works, on PATH or among pyenv's."""
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    if not os.access(versions, os.R_OK):
        versions = Path("no such directory")
    found = [shutil.which(f"python3.{minor}"), *map(str, versions.glob(f"3.{minor}.*/bin/python3.{minor}"))]
    works = (p for p in found if p and subprocess.run([p, "-c", ""], check=False, capture_output=True).returncode == 0)
    return next(works, None)


@pytest.mark.parametrize("minor", range(8, 16))
def test_every_version_here_runs_it(minor: int, tmp_path: Path) -> None:
    python = interpreter(minor)
    if python is None:
        pytest.skip(f"needs a CPython 3.{minor}")
    subprocess.run([python, "-I", SCRIPT, "--output", tmp_path / "dump.json"], check=True)
    document = json.loads((tmp_path / "dump.json").read_text(encoding="ascii"))
    assert not schema_faults(document)
    assert document["language"]["version"] == f"3.{minor}"
    assert load_dump(tmp_path / "dump.json").pointer_size == struct.calcsize("P")


def test_tags_of_other_pythons_are_those_of_packaging() -> None:
    for version, abi in (((3, 11), "cp311"), ((3, 13), "cp313t"), ((3, 13), "cp313td"), ((3, 12), "cp312d")):
        abis = [abi, *([abi.replace("d", "")] if "d" in abi else [])]
        expected = [str(tag) for tag in packaging.tags.cpython_tags(version, abis, ["one", "two"])]
        digits = f"cp{version[0]}{version[1]}"
        expected += [str(tag) for tag in packaging.tags.compatible_tags(version, digits, ["one", "two"])]
        assert list(wheel_tags(version, abi, "cpython", ["one", "two"])) == expected
    abi = wheel_abi("pypy", ".pypy310-pp73-aarch64-linux-gnu.so", (3, 10), "")
    expected = [str(tag) for tag in packaging.tags.generic_tags("pp310", ["pypy310_pp73"], ["one"])]
    expected += [str(tag) for tag in packaging.tags.compatible_tags((3, 10), "pp3", ["one"])]
    assert list(wheel_tags((3, 10), abi, "pypy", ["one"])) == expected


def test_platforms_of_other_systems_are_those_of_packaging() -> None:
    for version, machine in (((14, 2), "arm64"), ((13, 0), "x86_64"), ((10, 15), "x86_64")):
        expected = list(packaging.tags.mac_platforms(version, machine))
        assert list(mac_platforms(version, machine)) == expected
    assert list(ios_platforms((13, 3), "arm64-iphoneos")) == list(
        packaging.tags.ios_platforms((13, 3), "arm64-iphoneos")
    )
    assert list(android_platforms(24, "arm64-v8a")) == list(packaging.tags.android_platforms(24, "arm64-v8a"))


def anything(_major: int, _minor: int, _machine: str) -> bool:
    return True


def test_platforms_of_linux() -> None:
    glibc, musl = {"family": "glibc", "version": "2.18"}, {"family": "musl", "version": "1.2.3"}
    aarch64 = ["linux_aarch64", "manylinux_2_18_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"]
    assert list(linux_platforms("aarch64", glibc, None, anything)) == aarch64
    assert [*linux_platforms("i686", glibc, {"machine": 3, "flags": 0}, anything)][-2:] == [
        "manylinux_2_5_i686",
        "manylinux1_i686",
    ]
    assert [*linux_platforms("aarch64", musl, None, anything)][1:] == [f"musllinux_1_{n}_aarch64" for n in (2, 1, 0)]
    hard, soft = {"machine": 40, "flags": 0x05000400}, {"machine": 40, "flags": 0x05000200}
    assert "manylinux_2_17_armv7l" in linux_platforms("armv7l", glibc, hard, anything)
    assert list(linux_platforms("armv7l", glibc, soft, anything)) == ["linux_armv7l"]
    # An ARM Python of a 64-bit kernel.
    assert [*linux_platforms("armv8l", glibc, hard, anything)][:2] == ["linux_armv8l", "linux_armv7l"]
    assert list(linux_platforms("aarch64", glibc, None, lambda *_: False)) == ["linux_aarch64"]
    assert list(linux_platforms("mips64", glibc, None, anything)) == ["linux_mips64"]


@pytest.mark.parametrize(
    ("data", "order", "name"),
    [
        ("c19d6f3454000000", "big", "IEEE_DOUBLE_BE"),
        ("00000054346f9dc1", "little", "IEEE_DOUBLE_LE"),
        ("00000000a0a279eb19c0ffffffffffff", "little", "INTEL_EXTENDED_16_BYTES_LE"),
        ("00000000a0a279eb19c00000", "little", "INTEL_EXTENDED_12_BYTES_LE"),
        ("000000000000000000004045f3d619c0", "little", "IEEE_QUAD_LE"),
        ("c019d6f3454000000000000000000000", "big", "IEEE_QUAD_BE"),
        ("00000054346f9dc10000000000000000", "little", "IBM_DOUBLE_DOUBLE_LE"),
        ("c19d6f34540000000000000000000000", "big", "IBM_DOUBLE_DOUBLE_BE"),
        ("00" * 16, "little", None),
    ],
)
def test_the_format_of_a_long_double_is_seen_in_its_bytes(data: str, order: str, name: str | None) -> None:
    assert long_double_format(bytes.fromhex(data), order) == name


def test_an_elf_header(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_bytes(elf_bytes(AARCH64, interpreter=MUSL_LOADER))
    expected = {"machine": 183, "bits": 64, "byte_order": "little", "flags": 0, "loader": MUSL_LOADER}
    assert read_elf_header(str(program)) == expected
    program.write_bytes(elf_bytes(ARMHF, flags=0x05000400))
    header = read_elf_header(str(program))
    assert header is not None
    assert (header["bits"], header["flags"], header["loader"]) == (32, 0x05000400, "")
    for damaged in (b"", b"MZ", elf_bytes(X86_64, interpreter="/lib/ld.so")[:70]):
        program.write_bytes(damaged)
        assert read_elf_header(str(program)) is None


def test_libraries_where_they_are() -> None:
    windows = {
        "C:\\py\\python313.dll",
        "C:\\py\\python3.dll",
        "C:\\py\\libs\\python313.lib",
        "C:\\py\\libs\\python3.lib",
    }
    found = libraries({"prefix": "C:\\py"}, "C:\\py", "3.13", windows.__contains__, windows=True)
    assert found == {
        "dynamic": "C:\\py\\python313.dll",
        "dynamic_stableabi": "C:\\py\\python3.dll",
        "import_library": "C:\\py\\libs\\python313.lib",
        "import_library_stableabi": "C:\\py\\libs\\python3.lib",
        "link_name": "python313",
    }
    variables: dict[str, int | str] = {
        "prefix": "/install",
        "LIBDIR": "/install/lib",
        "INSTSONAME": "libpython3.13t.so.1.0",
        "LIBRARY": "libpython3.13t.a",
    }
    there = {"/opt/py/lib/libpython3.13t.so.1.0", "/opt/py/lib/libpython3.so"}
    found = libraries(variables, "/opt/py", "3.13", there.__contains__)
    assert found["dynamic"] == "/opt/py/lib/libpython3.13t.so.1.0"
    assert found["link_name"] == "python3.13t"
    assert libraries(variables, "/opt/py", "3.13", lambda _: False) == {"link_name": "python3.13t"}


# The command


def test_crossenv_dump(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path, own: Path) -> None:
    assert crossenv("dump", "--script").stdout == SCRIPT.read_text(encoding="utf-8")
    # What points an interpreter at another machine does not reach the one that is asked.
    taken = json.loads(crossenv("dump", _PYTHON_HOST_PLATFORM="linux-s390x", PYTHONHOME="").stdout)
    before = json.loads(own.read_text())
    for document in (taken, before):
        document["arbitrary_data"]["crossenv"].pop("headers")
    assert taken == before
    crossenv("dump", "--host-python", host_prefix, "--output", tmp_path / "read.json")
    document = json.loads((tmp_path / "read.json").read_text())
    assert not schema_faults(document)
    assert document["platform"] == "linux-aarch64"
    # A dump is passed on as it is.
    assert json.loads(crossenv("dump", "--host-python", tmp_path / "read.json").stdout) == document


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--script", "--with-headers", "x.tar.gz"], 2, "--with-headers cannot be used"),
        (["--host-python", "/nowhere"], 3, "/nowhere does not exist"),
        (["--python", "9.9"], 2, "no Python found for '9.9'"),
        (["--sysroot", "/"], 2, "go with --host-python"),
        (["--host-python", "known:debian-bookworm-arm65"], 2, "no known host 'debian-bookworm-arm65'"),
    ],
)
def test_what_crossenv_dump_refuses(crossenv: CrossenvCommand, words: list[str], code: int, says: str) -> None:
    done = crossenv("dump", *words, check=False)
    assert done.returncode == code
    assert says in done.stderr
    assert "hint:" in done.stderr
    assert done.stdout == ""


# What is made of a dump


def test_an_environment_from_a_dump_alone(
    crossenv: CrossenvCommand, env: Path, made: dict[str, Any], tmp_path: Path
) -> None:
    """The build Python's headers do, and the record is the one that the host's own files give."""
    dump = tmp_path / "dump.json"
    dump.write_text(json.dumps(made))
    directory = tmp_path / "env"
    crossenv("create", "--python", sys.executable, "--host-python", dump, directory)
    one, other = (json.loads((place / "crossenv.json").read_text())["host"] for place in (env, directory))
    different = {key for key in one if one[key] != other[key]}
    assert different == {"source", "layout", "sysroot", "include_dirs", "lib_dir", "sysconfigdata", "site_packages"}
    assert other["layout"] == "dump"
    include = Path(other["include_dirs"][0])
    assert include.is_relative_to(directory / "host/python")
    base = Path(sysconfig.get_config_h_filename())
    if not base.read_text(errors="replace").count("/pyconfig.h>"):
        old, new = (parse_pyconfig(path.read_text()) for path in (base, include / "pyconfig.h"))
        assert {name: macro.value for name, macro in new.items()} == {name: macro.value for name, macro in old.items()}
    ask = "import sysconfig as s, platform as p; print(s.get_config_var('EXT_SUFFIX'), p.machine(), p.libc_ver())"
    answer = subprocess.run([directory / "bin/python", "-c", ask], text=True, capture_output=True, check=True).stdout
    assert answer == f"{one['extension_suffixes'][0]} aarch64 ('glibc', '2.36')\n"


def test_headers_that_were_taken_with_the_dump(
    crossenv: CrossenvCommand, host_prefix: Path, made: dict[str, Any], tmp_path: Path
) -> None:
    include = next((host_prefix / "include").glob("python3*"))
    files = {path.name: path.read_bytes() for path in include.glob("*.h")}
    archive = header_archive(include.name, {**files, "pyconfig.h": files["pyconfig.h"] + b"/* the target's */\n"})
    (tmp_path / "dump.tar.gz").write_bytes(archive)
    document = with_value(
        made,
        f"{OURS}.headers",
        {"present": True, "archive": "dump.tar.gz", "sha256": hashlib.sha256(archive).hexdigest()},
    )
    (tmp_path / "dump.json").write_text(json.dumps(document))
    done = crossenv("create", "--python", sys.executable, "--host-python", tmp_path / "dump.json", tmp_path / "beside")
    assert "headers: the archive" in done.stderr
    # By name, for a dump that does not know of it; compressed.
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/dump.json.gz").write_bytes(gzip.compress(json.dumps(made).encode()))
    words: list[str | Path] = [
        "create",
        "--python",
        sys.executable,
        "--host-python",
        tmp_path / "elsewhere/dump.json.gz",
        "--headers",
    ]
    for named, says in ((tmp_path / "dump.tar.gz", f"the archive {tmp_path}/dump.tar.gz"), (include, str(include))):
        assert f"headers: {says}" in crossenv(*words, named, "--dry-run", tmp_path / "named").stderr
    assert "the target's" in next((tmp_path / "beside/host/python/include").glob("*/pyconfig.h")).read_text()
    # The sysroot's are used where they are.
    sysroot = host_prefix.parent
    words = [
        "create",
        "--python",
        sys.executable,
        "--host-python",
        tmp_path / "elsewhere/dump.json.gz",
        "--sysroot",
        sysroot,
    ]
    crossenv(*words, tmp_path / "sysroot")
    assert not (tmp_path / "sysroot/host/python").exists()
    record = json.loads((tmp_path / "sysroot/crossenv.json").read_text())
    assert record["host"]["include_dirs"][0] == str(include)
    # Another archive of the same name.
    (tmp_path / "dump.tar.gz").write_bytes(header_archive(include.name, files))
    words = ["create", "--python", sys.executable, "--host-python", tmp_path / "dump.json", tmp_path / "never"]
    done = crossenv(*words, check=False)
    assert done.returncode == 3
    assert "is not the archive that was made with the dump" in done.stderr
    assert not (tmp_path / "never").exists()


def test_headers_go_with_a_dump(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path) -> None:
    words: list[str | Path] = [
        "create",
        "--python",
        sys.executable,
        "--host-python",
        host_prefix,
        "--headers",
        tmp_path,
        tmp_path / "never",
    ]
    done = crossenv(*words, check=False)
    assert (done.returncode, "--headers goes with a dump" in done.stderr) == (2, True)


def member(name: str, content: bytes = b"", **attributes: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info, content


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (member("../include/python3.11/Python.h"), "no header of Python's"),
        (member("include/python3.11/../../../etc/x.h"), "no header of Python's"),
        (member("/include/python3.11/Python.h"), "no header of Python's"),
        (member("include/python3.11/x.py"), "no header of Python's"),
        (member("include/python3.11/x.h", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "a link"),
        (member("include/python3.11/x.h", type=tarfile.LNKTYPE, linkname="../../x"), "a link"),
        (member("include/python3.11/x.h", type=tarfile.FIFOTYPE), "no header of Python's"),
    ],
)
def test_archives_hold_headers_and_nothing_else(
    tmp_path: Path, entry: tuple[tarfile.TarInfo, bytes], says: str
) -> None:
    path = tmp_path / "headers.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(entry[0], io.BytesIO(entry[1]))
    with pytest.raises(HostPythonError, match=says):
        read_archive(path)
    assert [file.name for file in tmp_path.iterdir()] == ["headers.tar.gz"]


def test_damaged_and_swollen_archives(tmp_path: Path, own: Path) -> None:
    path = tmp_path / "headers.tar.gz"
    data = own.with_name("own.tar.gz").read_bytes()
    for damaged in (b"", b"no archive", data[: len(data) // 2], data[:200] + b"\xff" * 64 + data[264:]):
        path.write_bytes(damaged)
        with pytest.raises(HostPythonError, match="cannot read the headers"):
            read_archive(path)
    with tarfile.open(path, "w:gz") as archive:
        for number in range(70):
            archive.addfile(*((m := member(f"include/python3.11/x{number}.h", b"\0" * 2**20))[0], io.BytesIO(m[1])))
    with pytest.raises(HostPythonError, match="larger than all headers"):
        read_archive(path)


def test_headers_of_another_python(made: dict[str, Any], own: Path, tmp_path: Path) -> None:
    files = dict(read_archive(own.with_name("own.tar.gz")).files)
    dump = parse_dump(made, tmp_path / "dump.json")
    path = tmp_path / "headers.tar.gz"
    for changes, says in (
        ({"patchlevel.h": b'#define PY_VERSION "3.7.1"\n'}, "are of Python 3.7 and the dump"),
        ({"pyconfig.h": b"#define SIZEOF_LONG 16\n"}, f"SIZEOF_LONG is 16 .* and 8 at '{OURS}.variables.SIZEOF_LONG'"),
        ({"Python.h": None}, "no Python.h in"),
    ):
        changed = {name: content for name, content in {**files, **changes}.items() if content is not None}
        path.write_bytes(header_archive(f"python{VERSION}", changed))
        with pytest.raises(HostPythonError, match=says):
            find_headers(dump, path)


def test_pyconfig_from_recorded_variables() -> None:
    text = "\n".join(
        [
            "/* The size of `long', as computed by sizeof. */", "#define SIZEOF_LONG 8",
            "/* Define to 1 if you have the declaration of `a', and to 0 if you don't. */", "#define HAVE_DECL_A 1",
            "/* Define to 1 if you have the `b' function. */", "#define HAVE_B 1",
            "/* Define to 1 if you have the `c' function. */", "/* #undef HAVE_C */",
            "/* Define to 1 if you have the `d' function. */", "/* #undef HAVE_D */",
            "#define ENCODING \"x\"", "#define _GNU_SOURCE 1",
            "#if defined AC_APPLE", "# define WORDS_BIGENDIAN 1", "#else", "# ifndef WORDS_BIGENDIAN",
            "/* #  undef WORDS_BIGENDIAN */", "# endif", "#endif", "",
        ]
    )  # fmt: skip
    variables: dict[str, int | str] = {
        "SIZEOF_LONG": 4,
        "HAVE_DECL_A": 0,
        "HAVE_B": 0,
        "HAVE_C": 1,
        "HAVE_D": 0,
        "ENCODING": '"y"',
    }
    derived = derived_pyconfig(text, variables, "big").splitlines()
    assert [line for line in derived if "SIZEOF_LONG" in line] == ["#define SIZEOF_LONG 4"]
    assert next(line for line in derived if "_A" in line) == "#define HAVE_DECL_A 0"
    assert [line for line in derived if "HAVE_" in line and "DECL" not in line] == [
        "/* #undef HAVE_B */", "#define HAVE_C 1", "/* #undef HAVE_D */",
    ]  # fmt: skip
    assert '#define ENCODING "y"' in derived
    assert "#define _GNU_SOURCE 1" in derived
    assert [line for line in derived if "WORDS" in line][-1] == "#  define WORDS_BIGENDIAN 1"
    assert derived_pyconfig(text, {}, "little") == text


# What is refused


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("schema_version", "2.0", "expected '1.0' at 'schema_version'"),
        ("abi.flags", "t", "expected a list of strings at 'abi.flags'"),
        ("abi.flags", [1], "expected a string at 'abi.flags[0]'"),
        ("abi.extension_suffix", ..., "nothing at 'abi.extension_suffix'"),
        ("abi.extension_suffix", None, "expected a string at 'abi.extension_suffix'"),
        ("abi.extension_suffix", ".so\n", "expected a suffix like '.cpython-311.so' at 'abi.extension_suffix'"),
        ("abi", [], "expected an object at 'abi'"),
        ("language.version", "2.7", "expected a version like '3.11' at 'language.version'"),
        ("language.version_info.releaselevel", "gold", "or 'final' at 'language.version_info.releaselevel'"),
        ("language.version_info.micro", True, "expected an integer at 'language.version_info.micro'"),
        ("language.version_info.minor", 1, "'language.version_info' says '3.1'"),
        ("base_interpreter", "/usr/bin/python\n#!", "expected a path at 'base_interpreter'"),
        ("c_api.headers", "/usr/../../etc", "expected a path without '..' at 'c_api.headers'"),
        ("arbitrary_data", ..., "nothing at 'arbitrary_data'"),
        (OURS, "x", f"expected an object at '{OURS}'"),
        (f"{OURS}.schema", 2, f"expected 1 at '{OURS}.schema', which is 2"),
        (f"{OURS}.machine.pointer_size", "8", f"expected an integer at '{OURS}.machine.pointer_size'"),
        (f"{OURS}.machine.byte_order", "middle", f"'little' or 'big' at '{OURS}.machine.byte_order'"),
        (f"{OURS}.machine.byte_order", "big", "they exclude each other"),
        (f"{OURS}.machine.elf.bits", 16, f"expected 32 or 64 at '{OURS}.machine.elf.bits'"),
        (f"{OURS}.machine.elf.machine", 62, "is for x86_64 but MULTIARCH"),
        (f"{OURS}.machine.elf.machine", -1, f"from 0 to 65535 at '{OURS}.machine.elf.machine'"),
        (f"{OURS}.libc.version", "2.36; rm", f"at '{OURS}.libc.version'"),
        (f"{OURS}.libc.family", "bionic", "is a dump of linux with bionic"),
        (f"{OURS}.markers.sys_platform", "win32", "is a dump of Windows"),
        ("implementation.name", "graalpy", "is a dump of graalpy"),
        (f"{OURS}.variables", ["SOABI"], f"expected an object at '{OURS}.variables'"),
        (f"{OURS}.variables.CC", ["gcc"], f"expected a string or an integer at '{OURS}.variables.CC'"),
        (f"{OURS}.variables.CC", "\0", f"expected text without NUL or lone surrogates at '{OURS}.variables.CC'"),
        (f"{OURS}.variables.SOABI", 7, f"expected a string at '{OURS}.variables.SOABI'"),
        (f"{OURS}.variables.SIZEOF_VOID_P", "8", f"expected an integer at '{OURS}.variables.SIZEOF_VOID_P'"),
        (f"{OURS}.variables.SIZEOF_VOID_P", 4, f"'{OURS}.variables.SIZEOF_VOID_P' says 4"),
        (f"{OURS}.variables.EXT_SUFFIX", ".x.so", f"'{OURS}.variables.EXT_SUFFIX' says '.x.so'"),
        (f"{OURS}.variables.MULTIARCH", "x86_64-linux-gnu", "'implementation._multiarch' says 'aarch64-linux-gnu'"),
        (f"{OURS}.headers", {"archive": "../x.tar.gz"}, f"expected a file's name at '{OURS}.headers.archive'"),
    ],
)
def test_a_fault_is_named_by_its_keys(made: dict[str, Any], tmp_path: Path, path: str, value: Any, says: str) -> None:
    file = tmp_path / "dump.json"
    file.write_text(json.dumps(with_value(made, path, value)))
    with pytest.raises(HostPythonError) as caught:
        read_host_python(file)
    assert says in caught.value.message
    assert str(file) in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 3


def test_damaged_files(made: dict[str, Any], tmp_path: Path, crossenv: CrossenvCommand) -> None:
    text = json.dumps(made)
    for name, data in (
        ("cut.json", text[: len(text) // 2].encode()),
        ("empty.json", b""),
        ("latin.json", text.replace("linux", "l\xefnux").encode("latin-1")),
        ("deep.json", b"[" * 100_000),
        ("nan.json", text.replace('"schema": 1', '"schema": NaN').encode()),
        ("list.json", b"[]"),
        ("cut.json.gz", gzip.compress(text.encode())[:-400]),
        ("plain.json.gz", text.encode()),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(HostPythonError, match=name):
            read_host_python(tmp_path / name)
    done = crossenv("create", "--host-python", tmp_path / "cut.json", tmp_path / "env", check=False)
    assert (done.returncode, "is cut short or damaged" in done.stderr, "Traceback" in done.stderr) == (3, True, False)
    assert not (tmp_path / "env").exists()


def test_a_dump_without_an_elf_header(made: dict[str, Any], tmp_path: Path) -> None:
    """Whoever took it could not read the interpreter's file."""
    document = with_value(made, f"{OURS}.machine.elf", None)
    host = host_of_dump(parse_dump(document, tmp_path / "dump.json"))
    assert host.identity == AARCH64
    document = with_value(document, "implementation._multiarch", "")
    variables = document["arbitrary_data"]["crossenv"]["variables"]
    del variables["MULTIARCH"]
    variables["HOST_GNU_TYPE"] = "vax-dec-ultrix"
    with pytest.raises(HostPythonError, match="cannot tell the target's machine"):
        host_of_dump(parse_dump(document, tmp_path / "dump.json"))


def test_a_dump_of_pypy_needs_headers_of_its_own(made: dict[str, Any], tmp_path: Path) -> None:
    document = with_value(made, "implementation.name", "pypy")
    soabi = f"pypy{VERSION.replace('.', '')}-pp73"
    document["abi"] = {"flags": [], "extension_suffix": f".{soabi}-aarch64-linux-gnu.so"}
    document["suffixes"]["extensions"] = [document["abi"]["extension_suffix"]]
    names = {"SOABI": soabi, "EXT_SUFFIX": document["abi"]["extension_suffix"], "VERSION": VERSION, "SIZEOF_VOID_P": 8}
    document = with_value(document, f"{OURS}.variables", names)
    dump = parse_dump(document, tmp_path / "dump.json")
    host = host_of_dump(dump)
    assert (host.implementation, host.soabi, host.directory_name) == ("pypy", soabi, f"pypy{VERSION}")
    with pytest.raises(HostPythonError, match="those of another pypy will not do"):
        adapted_headers(host, dump)


# Reading


def test_what_is_read_of_the_running_python_is_what_it_says(own: Path) -> None:
    """The static reading of this installation against its own word."""
    taken = json.loads(own.read_text())
    read = describe_host(read_host_python(Path(taken["base_interpreter"])), today=TODAY)
    assert not schema_faults(read)
    # Without a root of the host's, nothing tells its C library's version, so neither which wheels it takes.
    more = () if ours(read)["libc"]["version"] else ("libc", "tags", "platform.libc_ver")
    assert differences(taken, read, *more) == []


@pytest.mark.parametrize("host", known_hosts(), ids=lambda host: host.name)
def test_known_hosts(host: KnownHost) -> None:
    dump = load_dump(host.path)
    assert not schema_faults(dump.document)
    found = read_host_python(host.path)
    assert (found.full_version, found.machine, f"{found.libc.family} {found.libc.version}") == (
        host.version, host.machine, host.libc,
    )  # fmt: skip
    assert host.tag == f"linux_{host.machine}"
    assert host.name.split("-")[1] in host.origin
    assert dump.document["arbitrary_data"]["crossenv"]["taken"]["on"] == host.date


def test_the_library_is_listed_and_whole(crossenv: CrossenvCommand) -> None:
    listed = json.loads(crossenv("targets", "--known", "--json").stdout)
    assert {f"{host['name']}.json.gz" for host in listed} == {path.name for path in LIBRARY.glob("*.gz")}
    assert {"debian-bookworm-arm64", "debian-bookworm-s390x", "debian-trixie-riscv64"} <= {
        host["name"] for host in listed
    }
    table = crossenv("targets", "--known").stdout
    assert "known:debian-trixie-riscv64" in table
    assert "s390x, 64-bit, big-endian" in crossenv("show", "--host-python", "known:debian-bookworm-s390x").stdout
    done = crossenv("targets", "--compare", "debian-bookworm-mips64el", check=False)
    assert (done.returncode, "nothing can be synthesised for mips64" in done.stderr) == (2, True)


def test_an_environment_for_a_known_host(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    release = {"3.11": "bookworm", "3.13": "trixie"}.get(VERSION)
    if release is None:
        pytest.skip(f"there is no known host of Python {VERSION}")
    name = f"known:debian-{release}-arm64"
    crossenv("create", "--python", sys.executable, "--host-python", name, tmp_path / "env")
    host = json.loads((tmp_path / "env/crossenv.json").read_text())["host"]
    assert host["soabi"] == f"cpython-{VERSION.replace('.', '')}-aarch64-linux-gnu"
    assert host["executable"] == f"/usr/bin/python{VERSION}"


def test_comparing_configurations() -> None:
    real: dict[str, int | str] = {
        "SIZEOF_TIME_T": 8,
        "SIZEOF_LONG": 4,
        "HAVE_X": 1,
        "HAVE_Y": 0,
        "SOABI": "a",
        "CC": "gcc",
    }
    made: dict[str, int | str] = {
        "SIZEOF_TIME_T": 4,
        "SIZEOF_LONG": 4,
        "HAVE_X": 0,
        "HAVE_Y": 0,
        "SOABI": "a",
        "CC": "cc",
    }
    found = compare_configurations(real, made, {"SIZEOF_TIME_T", "SIZEOF_LONG", "HAVE_X", "HAVE_Y", "HAVE_Z"})
    assert (found.machine, found.others) == (3, 2)
    assert [(d.name, d.machine, d.real, d.synthesised) for d in found.differences] == [
        ("SIZEOF_TIME_T", True, 8, 4),
        ("HAVE_X", False, 1, 0),
    ]

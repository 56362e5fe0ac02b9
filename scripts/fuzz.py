"""Damage input of every kind at random, and see that it is refused in words or answered.

    python scripts/fuzz.py [--count 10000] [--seed 1]

Wheels, ELF files in wheels, `_sysconfigdata` files, dumps of hosts, their archives of headers and package indexes are
made as the tests make them, and damaged: bytes changed, cut out, doubled, cut off; of dumps single values replaced.
What counts as a fault: an exception that is not the tool's own, more than ten seconds, a file outside the working
directory. Writes docs/explanation/fuzzing.md.
"""

from __future__ import annotations

import argparse
import copy
import datetime
import gzip
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "tests"))

import hosts  # noqa: E402
from crossenv.environment.localise import flag_directories, localise  # noqa: E402
from crossenv.errors import CrossenvError  # noqa: E402
from crossenv.pythons.build_details import build_details_text  # noqa: E402
from crossenv.pythons.crossenv_dump import header_archive  # noqa: E402
from crossenv.pythons.dump_headers import derived_pyconfig, read_archive  # noqa: E402
from crossenv.pythons.known import LIBRARY  # noqa: E402
from crossenv.pythons.read import read_host_python  # noqa: E402
from crossenv.pythons.sysconfigdata import number_of, parse_sysconfigdata, text_of  # noqa: E402
from crossenv.sysroots.archive import parse_packages  # noqa: E402
from crossenv.sysroots.resolve import resolve  # noqa: E402
from crossenv.wheels.audit import audit_wheel  # noqa: E402
from wheels import SUFFIX, extension, make_wheel  # noqa: E402

PAGE = CHECKOUT / "docs/explanation/fuzzing.md"
PATIENCE_SECONDS = 10
PYCONFIG = "/* The size of `long', as computed by sizeof. */\n#define SIZEOF_LONG 8\n#define HAVE_FORK 1\n"
NAME = "toy-1-cp311-cp311-manylinux_2_28_aarch64.whl"
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 2**70, 1.5, "", "\0", "\ud800", "../../x", "/\n#!", "9" * 5000, [], [[]], {}, {"": 0}, ["x"]),
)
EDGES = (b"\xff" * 8, b"\0" * 8, b"\x7f\xff\xff\xff", b"\x80" + b"\0" * 7, b"../" * 3, b"'\"\\(", b"\n\n")
INDEX = "\n".join(
    f"Package: {name}\nVersion: 1:2.{number}-1\nArchitecture: arm64\nFilename: pool/{name}.deb\nSize: {number}\n"
    f"SHA256: {number:064x}\nDepends: {needs}\n"
    for number, (name, needs) in enumerate(
        (("one", "two (>= 1:2.0), three | four"), ("two", "four"), ("three", "one"), ("four", "libc6 | two"))
    )
)


def mutate(data: bytes, source: random.Random) -> bytes:
    """The data with one to sixteen kinds of damage."""
    body = bytearray(data)
    for _ in range(source.choice((1, 1, 2, 4, 16))):
        if not body:
            break
        place = source.randrange(len(body))
        kind = source.randrange(6)
        if kind == 0:
            body[place] = source.randrange(256)
        elif kind == 1:
            edge = source.choice(EDGES)
            body[place : place + len(edge)] = edge
        elif kind == 2:
            del body[place:]
        elif kind == 3:
            del body[place : place + source.randrange(1, 64)]
        elif kind == 4:
            body[place:place] = body[source.randrange(len(body)) :][: source.randrange(1, 64)]
        else:
            body[place] ^= 1 << source.randrange(8)
    return bytes(body)


def wheel_case(work: Path) -> Callable[[random.Random], str]:
    """A damaged archive."""
    good = make_wheel(work).read_bytes()

    def one(source: random.Random) -> str:
        (work / NAME).write_bytes(mutate(good, source))
        return "refused" if audit_wheel(work / NAME).failed() else "passed"

    return one


def elf_case(work: Path) -> Callable[[random.Random], str]:
    """A sound archive with a damaged extension module in it."""
    good = extension()

    def one(source: random.Random) -> str:
        make_wheel(work, {f"toy/_toy{SUFFIX}": mutate(good, source), "toy/__init__.py": b""})
        return "refused" if audit_wheel(work / NAME).failed() else "passed"

    return one


def sysconfigdata_case(work: Path) -> Callable[[random.Random], str]:
    """A host Python's configuration."""
    good = f"build_time_vars = {hosts.host_config()!r}\n".encode()
    path = work / "_sysconfigdata__linux_aarch64-linux-gnu.py"

    def one(source: random.Random) -> str:
        path.write_bytes(mutate(good, source))
        config = parse_sysconfigdata(path)
        for key in ("SOABI", "EXT_SUFFIX", "MULTIARCH", "CC"):
            text_of(config, key, path, "")
        number_of(config, "SIZEOF_VOID_P", path)
        return "passed"

    return one


def known_dump() -> bytes:
    """A real host's dump: the smallest of the library."""
    return gzip.decompress(min(LIBRARY.glob("*.gz"), key=lambda path: path.stat().st_size).read_bytes())


def use_dump(path: Path) -> str:
    """What `create` makes of a dump before anything is compiled."""
    host = read_host_python(path)
    commands = {"cc": "cc", "ar": "ar"}
    include_dirs = [Path("/include/python3.11")]
    localise(host, commands=commands, include_dirs=include_dirs, lib_dir=None, directories=flag_directories(host))
    derived_pyconfig(PYCONFIG, host.config, host.identity.byte_order)
    build_details_text(host, headers=path, pkgconfig=path)
    return "passed"


def dump_case(work: Path) -> Callable[[random.Random], str]:
    """A dump, as `create` reads it."""
    good = known_dump()
    path = work / "dump.json"

    def one(source: random.Random) -> str:
        path.write_bytes(mutate(good, source))
        return use_dump(path)

    return one


def dump_value_case(work: Path) -> Callable[[random.Random], str]:
    """A dump that is sound JSON, with other values in it."""
    text = known_dump().decode()
    path = work / "dump.json"

    def one(source: random.Random) -> str:
        document = json.loads(text)
        for _ in range(source.choice((1, 1, 2, 4))):
            node: Any = document
            while True:
                # Of an object's members, each as likely as the others, not the thousand variables.
                key = source.choice(list(node) if isinstance(node, dict) else range(len(node)))
                if not isinstance(node[key], (dict, list)) or not node[key] or source.random() < 1 / 8:
                    break
                node = node[key]
            if source.random() < 1 / 4:
                del node[key]
            else:
                node[key] = copy.deepcopy(source.choice(VALUES))
        path.write_text(json.dumps(document), encoding="ascii")
        return use_dump(path)

    return one


def archive_case(work: Path) -> Callable[[random.Random], str]:
    """The headers that go with a dump: damage of the tar file inside, so that the compression does not hide it."""
    headers = dict.fromkeys(("Python.h", "pyconfig.h", "cpython/object.h"), b"#define X 1\n")
    good = gzip.decompress(header_archive("python3.11", headers))
    path = work / "headers.tar.gz"

    def one(source: random.Random) -> str:
        path.write_bytes(gzip.compress(mutate(good, source), compresslevel=1))
        read_archive(path)
        return "passed"

    return one


def index_case(_work: Path) -> Callable[[random.Random], str]:
    """A package index, behind its signature."""

    def one(source: random.Random) -> str:
        packages = parse_packages(mutate(INDEX.encode(), source).decode("utf-8", "replace"))
        resolve(["one"], packages)
        return "passed"

    return one


CASES = {
    "wheels": wheel_case,
    "ELF files in wheels": elf_case,
    "sysconfigdata files": sysconfigdata_case,
    "dumps": dump_case,
    "values in dumps": dump_value_case,
    "archives of headers": archive_case,
    "package indexes": index_case,
}


def run_case(one: Callable[[random.Random], str], count: int, seed: int) -> tuple[Counter[str], float]:
    """How the inputs of one kind ended, and the longest that one took."""
    ends: Counter[str] = Counter()
    longest = 0.0
    for number in range(count):
        begin = time.monotonic()
        signal.alarm(PATIENCE_SECONDS)
        try:
            ends[one(random.Random(f"{seed} {number}"))] += 1  # noqa: S311 - damage, not secrets
        except CrossenvError:
            ends["refused"] += 1
        except Exception as error:
            ends["fault"] += 1
            print(f"seed {seed} {number}: {type(error).__name__}: {error}", file=sys.stderr)
        finally:
            signal.alarm(0)
        longest = max(longest, time.monotonic() - begin)
    return ends, longest


def _late(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"not done after {PATIENCE_SECONDS} seconds")


def main() -> int:
    """Run all kinds and write the page; the exit status is 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="inputs of each kind")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, _late)
    rows, faults = [], 0
    with tempfile.TemporaryDirectory(prefix="crossenv-fuzz-") as name:
        top = Path(name)
        os.chdir(top)
        for kind, make in CASES.items():
            work = top / kind.replace(" ", "-") / "in" / "side"
            work.mkdir(parents=True)
            one = make(work)
            before = {path for path in top.rglob("*") if not path.is_relative_to(work)}
            ends, longest = run_case(one, options.count, options.seed)
            after = {path for path in top.rglob("*") if not path.is_relative_to(work)}
            ends["fault"] += len(after - before)
            faults += ends["fault"]
            numbers = [options.count, ends["refused"], ends["passed"], ends["fault"]]
            rows.append(f"| {kind} | {' | '.join(map(str, numbers))} | {longest:.2f} s |")
            print(rows[-1], file=sys.stderr, flush=True)
    date = datetime.datetime.now(datetime.timezone.utc).date()
    lines = [
        "# Damaged input",
        "",
        f"Written by `nox -s fuzz` on {date}, seed {options.seed}. Input of each kind was damaged at random and read:",
        "the wheels by `crossenv audit`, the others by what `create` and `sysroot` read them with. *Refused* is a",
        "finding or one line of error; *passed* is damage that did no harm (padding, a name, a comment). A fault would",
        f"be any other exception, more than {PATIENCE_SECONDS} seconds, or a file outside the working directory.",
        "",
        "| input | tried | refused | passed | faults | longest |",
        "| --- | --- | --- | --- | --- | --- |",
        *rows,
        "",
    ]
    PAGE.write_text("\n".join(lines), encoding="utf-8")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())

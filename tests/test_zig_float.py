"""The arithmetic that zig's runtime lacks or gets wrong: ours, against that of gcc's runtime, under an emulator."""

from __future__ import annotations

import importlib.util
import os
import shutil
import struct
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from conftest import Run, with_thorough
from crossenv.compilers.zig.locate import usable_cache
from crossenv.compilers.zig.runtime_library import long_double_link_options, long_double_options, runtime_library
from crossenv.targets import Target, parse_target

pytestmark = pytest.mark.integration

DATA = Path(__file__).parent / "data"
# -O1: the drivers are large, and what they call is compiled apart.
COMPILE: tuple[str, ...] = ("-std=c11", "-O1", "-Wall", "-Wextra", "-Werror")


class Machine(NamedTuple):
    """A machine to compile for and to emulate."""

    name: str
    target: Target

    @property
    def zig_target(self) -> str:
        return self.target.zig_triple

    @property
    def options(self) -> tuple[str, ...]:
        return long_double_options(self.target)


AARCH64 = Machine("aarch64", parse_target("manylinux_2_28_aarch64"))
RISCV64 = Machine("riscv64", parse_target("manylinux_2_31_riscv64"))
PPC64LE = Machine("powerpc64le", parse_target("manylinux_2_28_ppc64le"))


class Compilers:
    """Both compilers for one machine, and what runs their programs."""

    def __init__(self, machine: Machine, zig: Path, directory: Path, run: Run) -> None:
        gcc = shutil.which(f"{machine.name}-linux-gnu-gcc")
        emulated = machine.name.replace("powerpc", "ppc")
        qemu = shutil.which(f"qemu-{emulated}-static") or shutil.which(f"qemu-{emulated}")
        if gcc is None:
            pytest.skip(f"needs {machine.name}-linux-gnu-gcc")
        if qemu is None:
            pytest.skip(f"needs qemu-{emulated} or qemu-{emulated}-static")
        libc = Path(f"/usr/{machine.name}-linux-gnu")
        # Debian's cross compilers only recommend their C library's headers and static libraries.
        if not (libc / "lib/libc.a").exists():
            pytest.skip(f"needs {libc}/lib/libc.a: apt install libc6-dev-{_debian(machine.name)}-cross")
        sysroots = os.environ.get("CROSSENV_TEST_SYSROOTS")
        if sysroots and (Path(sysroots) / f"bookworm-{_debian(machine.name)}").is_dir():
            libc = Path(sysroots) / f"bookworm-{_debian(machine.name)}"
        elif not (libc / "lib/libm.so.6").exists():
            pytest.skip(f"needs a C library for {machine.name}, in {libc} or CROSSENV_TEST_SYSROOTS")
        self.machine, self.zig, self.directory, self._run = machine, zig, directory, run
        self.gcc, self.qemu, self.libc = gcc, qemu, libc

    def library(self) -> Path:
        """What an environment's launchers link."""
        cache = usable_cache()
        library = runtime_library(self.machine.target, self.machine.zig_target, "")
        assert library is not None
        made = cache / library.place("tested")
        library.make(self.zig, made, cache)
        return made

    def of_gcc(self, source: str, *arguments: str) -> list[str]:
        program = self.directory / "of-gcc"
        self._run(self.gcc, *self.machine.options, *COMPILE, "-static", DATA / source, "-o", program, "-lm")
        return self._run(self.qemu, program, *arguments).splitlines()

    def of_zig(self, source: str, *arguments: str, library: Path | None) -> list[str]:
        program = self.directory / ("of-zig" if library else "of-plain-zig")
        driver, words = "cc", COMPILE
        if source.endswith(".cpp"):
            driver, words = "c++", ("-std=c++17", *COMPILE[1:], *long_double_link_options(self.machine.target))
        ours = (library,) if library else ()
        self._run(
            self.zig, driver, "-target", self.machine.zig_target, *self.machine.options, *words, DATA / source, *ours,
            "-o", program,
        )  # fmt: skip
        return self._run(self.qemu, "-L", self.libc, program, *arguments).splitlines()


def _debian(machine: str) -> str:
    return {"aarch64": "arm64", "powerpc64le": "ppc64el"}.get(machine, machine)


@pytest.fixture(scope="module")
def zig() -> Path:
    given = os.environ.get("CROSSENV_TEST_ZIG")
    if given:
        return Path(given)
    found = importlib.util.find_spec("ziglang")
    if found is None or found.origin is None:
        pytest.skip("needs zig: the module ziglang, or its path in CROSSENV_TEST_ZIG")
    return Path(found.origin).parent / "zig"


@pytest.fixture
def compilers(request: pytest.FixtureRequest, zig: Path, tmp_path: Path, run: Run) -> Compilers:
    return Compilers(request.param, zig, tmp_path, run)


def on(*machines: Machine, thorough: tuple[Machine, ...] = ()) -> pytest.MarkDecorator:
    parameters = with_thorough(machines, thorough)
    return pytest.mark.parametrize("compilers", parameters, indirect=True, ids=lambda machine: machine.name)


@on(AARCH64, thorough=(RISCV64,))
def test_binary128_is_libgccs(compilers: Compilers) -> None:
    """Each function's bits and flags in each rounding mode, NaN payloads included."""
    expected = compilers.of_gcc("binary128_driver.c", "300")
    assert len(expected) > 40000
    assert compilers.of_zig("binary128_driver.c", "300", library=compilers.library()) == expected
    # Else there is nothing to mend, or this test cannot see it.
    plain = compilers.of_zig("binary128_driver.c", "300", library=None)
    inexact = [(line, other) for line, other in zip(expected, plain, strict=True) if line.endswith(" X")]
    assert inexact
    assert all(line != other for line, other in inexact if line.startswith("div "))


@on(AARCH64, RISCV64, PPC64LE)
def test_programs_say_the_same(compilers: Compilers) -> None:
    """A program's operators, its use of the C library and its complex numbers."""
    expected = compilers.of_gcc("zig_operators.c")
    assert compilers.of_zig("zig_operators.c", library=compilers.library()) == expected


@on(AARCH64, PPC64LE)
def test_an_extension_keeps_them_to_itself(compilers: Compilers, run: Run) -> None:
    """What two extensions export, the first one loaded would lend to the second."""
    shared = compilers.directory / "shared.so"
    library = compilers.library()
    for order in ((library, DATA / "zig_operators.c"), (DATA / "zig_operators.c", library)):
        run(
            compilers.zig, "cc", "-target", compilers.machine.zig_target, *compilers.machine.options, *COMPILE,
            "-shared", "-fPIC", *order, "-o", shared,
        )  # fmt: skip
        with shared.open("rb") as file:
            table = ELFFile(file).get_section_by_name(".dynsym")
            assert isinstance(table, SymbolTableSection)
            symbols = list(table.iter_symbols())
        assert [symbol.name for symbol in symbols if symbol["st_shndx"] != "SHN_UNDEF" and symbol.name] == ["main"]
        # From the C library, and so not from zig's runtime.
        assert {"sinl", "sqrtl", "fmal", "exp"} <= {symbol.name for symbol in symbols}
        assert not any(symbol.name.startswith(("__gcc_q", "__multf3")) for symbol in symbols)


def test_zig_alone_replaces_glibcs_mathematics(zig: Path, tmp_path: Path, run: Run) -> None:
    """Why its library is linked behind ours; if this fails, zig has been mended."""
    compilers = Compilers(AARCH64, zig, tmp_path, run)
    assert "exp inf 0" in compilers.of_zig("zig_operators.c", library=None)
    assert "exp inf 1" in compilers.of_zig("zig_operators.c", library=compilers.library())


CXX_SAYS = """\
0.666666666666666666666666666667|*****-0.6667|0.6667|6.6667E-01|0X1.A20BD700C2C3DFC042CC1AED7878P-1
1.1 -2.2e-10 0 1
1
0.0025 6 1.3 0.666667 1
invalid
out of range
(-0.5,1.5) 2.2360679774997896964091736687313 (-1.1312043837568136384312552555108,2.4717266720048189276169308935517)
g 0.66666666666666666666666666666666
1.1
2
106
"""


@pytest.mark.thorough
@on(PPC64LE)
def test_cxx_knows_the_double_double(compilers: Compilers) -> None:
    """Streams, conversions and exceptions, which zig's libc++ has for binary128 only."""
    library = compilers.library()
    assert compilers.of_zig("zig_operators.cpp", library=library) == CXX_SAYS.splitlines()


def _value(text: str) -> Fraction | None:
    """The exact value of a printed double-double."""
    parts = text.split(":")
    if len(parts) != 2:
        return None
    return sum((Fraction(struct.unpack(">d", bytes.fromhex(part))[0]) for part in parts), Fraction(0))


def _integer(text: str, *, signed: bool) -> int:
    number = int(text, 16)
    return number - 2**128 if signed and number >> 127 else number


def _relative_error(ours: list[str], theirs: list[str]) -> Fraction:
    """How far two results are apart, seen from the larger part of a complex one."""
    assert [text for text in ours if ":" not in text] == [text for text in theirs if ":" not in text]
    pairs = [(_value(a) or Fraction(0), _value(b) or Fraction(0)) for a, b in zip(ours, theirs, strict=True)]
    size = max(abs(b) for _, b in pairs)
    # Where the second double is subnormal there are fewer bits.
    return max(abs(a - b) for a, b in pairs) / max(size, Fraction(1, 2**960))


@on(PPC64LE)
def test_double_double_is_libgccs(compilers: Compilers) -> None:
    """Sums, products, quotients and powers to the bit or nearly; conversions as they should be, exact."""
    expected = compilers.of_gcc("ibm128_driver.c", "1000")
    ours = compilers.of_zig("ibm128_driver.c", "1000", library=compilers.library())
    assert len(ours) == len(expected) > 20000
    seen = set()
    for line, other in zip(ours, expected, strict=True):
        (name, *operands), result = line.split(" = ")[0].split(), line.split(" = ")[1].split()
        seen.add(name)
        if name.startswith("fix"):
            value = _value(operands[0])
            assert value is not None
            signed = "uns" not in name
            assert _integer(result[0], signed=signed) == int(value), line
        elif name in {"pow", "ti", "unti", "mulc", "divc"} and line != other:
            if "nan" in other.split(" = ")[1] and "nan" not in line:
                continue  # libgcc's division loses a quotient by a subnormal number
            assert _relative_error(result, other.split(" = ")[1].split()) < Fraction(8, 2**106), (line, other)
        else:
            assert line == other
    assert seen == {
        "add", "sub", "mul", "div", "pow", "fixdi", "fixunsdi", "fixti", "fixunsti", "di", "undi", "ti", "unti",
        "mulc", "divc",
    }  # fmt: skip

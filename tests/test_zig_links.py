"""What options of gcc and GNU ld do with zig: real compiles and links for aarch64, and what is in their results."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from conftest import CrossenvCommand
from makers import write

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="needs ziglang from PyPI"),
]

INSIDE = "int inside(void) { return 1; }\n"
SOURCE = """
int inside(void);
__attribute__((noinline)) int shown(void) { return inside() + 1; }
int caller(void) { return shown(); }
"""


class Zig:
    """The compilers of an environment, in a directory with a blank in its name."""

    def __init__(self, env: Path, directory: Path) -> None:
        self.env, self.directory = env, directory
        directory.mkdir(exist_ok=True)

    def tool(self, name: str) -> Path:
        return self.env / f"etc/bin/aarch64-linux-gnu-{name}"

    def run(self, *words: str | Path, tool: str = "clang", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.tool(tool), *words], text=True, capture_output=True, check=False, cwd=cwd or self.directory
        )

    def compiled(self, text: str, *words: str, name: str = "x.c", tool: str = "clang") -> Path:
        made = self.directory / f"{name}.o"
        result = self.run(*words, "-O2", "-fPIC", "-c", write(self.directory / name, text), "-o", made, tool=tool)
        assert result.returncode == 0, result.stderr
        return made

    def linked(self, *words: str | Path, tool: str = "clang") -> ELFFile:
        made = self.directory / "x.so"
        result = self.run("-shared", *words, "-o", made, tool=tool)
        assert result.returncode == 0, result.stderr
        return ELFFile(BytesIO(made.read_bytes()))


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("links") / "an env"
    CrossenvCommand(os.environ["PATH"])(
        "create", "--python", sys.executable, "--toolchain", "zig", "--target", "manylinux_2_28_aarch64", made
    )
    return made


@pytest.fixture
def zig(env: Path, tmp_path: Path) -> Zig:
    return Zig(env, tmp_path / "a directory")


def exported(elf: ELFFile) -> set[str]:
    table: Any = elf.get_section_by_name(".dynsym")
    return {symbol.name for symbol in table.iter_symbols() if symbol["st_shndx"] != "SHN_UNDEF"} - {""}


def calls(elf: ELFFile) -> set[str]:
    """The functions that are called by way of the loader."""
    table: Any = elf.get_section_by_name(".dynsym")
    found: set[str] = set()
    for section in elf.iter_sections():
        if section["sh_type"] in ("SHT_RELA", "SHT_REL"):
            relocations: Any = section
            found |= {table.get_symbol(entry["r_info_sym"]).name for entry in relocations.iter_relocations()}
    return found - {""}


def static_library(zig: Zig) -> Path:
    made = zig.directory / "libinside.a"
    result = zig.run("rcs", made, zig.compiled(INSIDE, name="inside.c"), tool="ar")
    assert result.returncode == 0, result.stderr
    return made


def test_exclude_libs(zig: Zig) -> None:
    made, library = zig.compiled(SOURCE), static_library(zig)
    assert "inside" in exported(zig.linked(made, library))
    for option in ("-Wl,--exclude-libs,ALL", "-Wl,--exclude-libs=libinside.a"):
        assert "inside" not in exported(zig.linked(made, library, option))
        assert "shown" in exported(zig.linked(made, library, option))


def test_binding_within_the_library(zig: Zig) -> None:
    made, library = zig.compiled(SOURCE), static_library(zig)
    assert {"inside", "shown"} <= calls(zig.linked(made, library))
    for option in ("-Wl,-Bsymbolic-functions", "-Wl,-Bsymbolic"):
        assert not {"inside", "shown"} & calls(zig.linked(made, library, option))
    names = write(zig.directory / "names.txt", "{ shown; };\n")
    assert {"inside", "shown"} & calls(zig.linked(made, library, f"-Wl,--dynamic-list={names}")) == {"shown"}


def test_a_version_script_may_name_what_is_not_there(zig: Zig) -> None:
    made, script = zig.compiled(INSIDE), write(zig.directory / "a script", "V { global: inside; gone; local: *; };\n")
    option = f"-Wl,--version-script={script}"
    assert "inside" in exported(zig.linked(made, option))
    result = zig.run("-shared", made, option, "-Wl,--no-undefined-version", "-o", zig.directory / "no.so")
    assert result.returncode != 0
    assert "gone" in result.stderr


@pytest.mark.parametrize("option", ["-Wl,--allow-multiple-definition", "-Wl,-z,muldefs"])
def test_multiple_definitions(zig: Zig, option: str) -> None:
    one, two = zig.compiled(INSIDE, name="1.c"), zig.compiled(INSIDE, name="2.c")
    assert "inside" in exported(zig.linked(one, two, option))
    result = zig.run("-shared", one, two, "-o", zig.directory / "no.so")
    assert result.returncode != 0
    assert "duplicate symbol: inside" in result.stderr
    assert "ld.lld -" not in result.stderr, "how zig links is no news"


def test_symbols_of_the_command_line(zig: Zig) -> None:
    made = zig.compiled(INSIDE)
    assert "another" in exported(zig.linked(made, "-Wl,--defsym=another=inside"))
    listing = zig.directory / "a map"
    zig.linked(made, f"-Wl,-Map,{listing}")
    assert "inside" in listing.read_text()


@pytest.mark.parametrize("words", [("-l:libinside.a",), ("-Wl,-l:libinside.a",), ("-linside",)])
def test_libraries_by_name(zig: Zig, words: tuple[str, ...]) -> None:
    made, library = zig.compiled(SOURCE), static_library(zig)
    assert "inside" in exported(zig.linked(made, "-L", library.parent, *words))


def test_a_pushed_state_ends(zig: Zig) -> None:
    """What stands behind it is linked whole no more."""
    made, library = zig.compiled("int own;\n"), static_library(zig)
    whole = ("-Wl,--push-state,--whole-archive", "-Wl,--pop-state")
    assert "inside" in exported(zig.linked(made, whole[0], library, whole[1]))
    assert "inside" not in exported(zig.linked(made, *whole, library))


def test_sections_that_are_known_by_name_stay(zig: Zig) -> None:
    """Of GNU ld's own accord; lld alone would drop the entries and find an empty table at run time."""
    table = """
    #define ENTRY(name) static const int name __attribute__((section("entries"), used)) = 1
    ENTRY(a); ENTRY(b);
    extern const int __start_entries[], __stop_entries[];
    long count(void) { return __stop_entries - __start_entries; }
    """
    section: Any = zig.linked(zig.compiled(table)).get_section_by_name("entries")
    assert section is not None
    assert section["sh_size"] == 8


def test_debug_information(zig: Zig) -> None:
    def has_it(elf: ELFFile) -> bool:
        return elf.get_section_by_name(".debug_info") is not None

    made = zig.compiled(INSIDE, "-g")
    assert not has_it(zig.linked(made))
    assert has_it(zig.linked(made, "-g"))
    assert not has_it(zig.linked(made, "-g", "-s"))
    assert has_it(zig.linked("-g", zig.directory / "x.c"))


def test_unaligned_access(zig: Zig) -> None:
    source = "struct __attribute__((packed)) s { char c; int i; }; int get(struct s *p) { return p->i; }\n"

    def size(*options: str) -> int:
        code: Any = ELFFile(BytesIO(zig.compiled(source, *options).read_bytes())).get_section_by_name(".text")
        return int(code["sh_size"])

    assert size("-mstrict-align") > size()


@pytest.mark.parametrize(
    "option", ["-stdlib=libstdc++", "-ffloat-store", "-fopenmp", "--coverage", "-fsanitize=address", "-Wl,-r"]
)
def test_what_zig_cannot_do_is_refused_in_one_line(zig: Zig, option: str) -> None:
    result = zig.run(option, "-shared", write(zig.directory / "x.c", INSIDE), "-o", zig.directory / "x.so")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert "--toolchain gnu" in result.stderr


@pytest.mark.parametrize(
    "option",
    ["-fipa-pta", "-fno-lifetime-dse", "-fhardened", "-mabi=lp64", "-mlong-double-128", "-Wno-maybe-uninitialized",
     "-mfix-cortex-a53-843419", "-fsched-pressure", "-march=armv8-a", "-mtune=native"],
)  # fmt: skip
def test_gccs_own_options_are_silent(zig: Zig, option: str) -> None:
    source = write(zig.directory / "x.c", INSIDE)
    result = zig.run(option, "-Werror", "-O2", "-c", source, "-o", zig.directory / "x.o")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(("tool", "ending"), [("clang", "i"), ("clang++", "ii")])
def test_preprocessed_sources(zig: Zig, tool: str, ending: str) -> None:
    """ccache and distcc may hand on what the preprocessor has made."""
    source = write(zig.directory / "x.cc", "#include <stdio.h>\nint told() { return puts(__FILE__); }\n")
    text, assembly, made = (zig.directory / f"x.{end}" for end in (ending, "s", "o"))
    language = "c" if ending == "i" else "c++"
    for words in (
        ("-x", language, "-E", source, "-o", text),
        ("-S", "-Werror", text, "-o", assembly),
        ("-c", "-Werror", assembly, "-o", made),
        ("-c", "-Werror", text, "-o", made),
        ("-shared", text, made, "-Wl,-z,muldefs", "-o", zig.directory / "x.so"),
    ):
        result = zig.run(*words, tool=tool)
        assert (result.returncode, result.stderr) == (0, ""), words


def test_its_version_is_said(zig: Zig) -> None:
    result = zig.run("-v")
    assert result.returncode == 0, result.stderr
    assert "Target: aarch64-unknown-linux-gnu\n" in result.stdout + result.stderr


def test_directories_of_this_machine_do_not_reach_it(zig: Zig) -> None:
    own = Path("/usr/include/sys/sdt.h"), Path("/usr/include/zlib.h"), Path("/usr/include/ncurses.h")
    header = next((file for file in own if file.exists()), None)
    if header is None:
        pytest.skip("needs a header of some library in /usr/include")
    source = write(zig.directory / "h.c", f"#include <{header.relative_to('/usr/include')}>\n")
    words = ["-I", "/usr/include", "-isystem/usr/include", "-idirafter", "/usr/include", "-iquote", "/usr/include/"]
    response = write(zig.directory / "words.rsp", " ".join(words))
    for given in (words, [f"@{response}"]):
        assert "file not found" in zig.run(*given, "-c", source, "-o", zig.directory / "h.o").stderr


@pytest.mark.thorough
def test_libraries_are_the_same_whoever_needs_them_first(env: Path, tmp_path: Path) -> None:
    """zig's C++ library, made during a link with -g, had the directory of that link's project in it."""
    source = "#include <iostream>\nvoid say(int n) { std::cout << n; }\n"
    wheels = []
    for name in ("one", "another"):
        zig = Zig(env, tmp_path / name)
        # A cache of its own: this project is the first.
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        made = tmp_path / "say.o"
        words = (zig.tool("clang++"), "-O2", "-c", write(tmp_path / "say.cc", source), "-o", made)
        environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(tmp_path / "cache")}
        subprocess.run(words, check=True, env=environment)
        words = (zig.tool("clang++"), "-g", "-shared", made, "-o", tmp_path / "say.so")
        subprocess.run(words, check=True, env=environment, cwd=zig.directory)
        wheels.append((tmp_path / "say.so").read_bytes())
        assert str(tmp_path).encode() not in wheels[-1]
    assert wheels[0] == wheels[1]

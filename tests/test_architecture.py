"""The house: data flows one way, and the shim stands alone."""

from __future__ import annotations

import ast
import dataclasses
import graphlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _crossenv import facts_types
from _crossenv.facts_types import Facts

import crossenv
from crossenv.environment.isolation_base import START_FILES
from crossenv.platforms import Libc
from crossenv.platforms.architectures import Identity
from crossenv.record import BackendRecord
from crossenv.variables import OWN, PUBLIC

SOURCE = Path(crossenv.__file__).parent
RUNTIME = SOURCE / "shim"

# From the user's words to the files on disk; a module imports only what stands before it.
ORDER = (
    "crossenv.errors",
    "crossenv.report",
    "crossenv.files",
    "crossenv.children",
    "crossenv.codec",
    "crossenv.config",
    "crossenv.variables",
    "crossenv.platforms",
    "crossenv.targets",
    "crossenv.binaries",
    "crossenv.libc",
    "crossenv.sysroots",
    "crossenv.pythons",
    "crossenv.compilers",
    "crossenv.synthesis",
    "crossenv.record",
    "crossenv.backends",
    "crossenv.export",
    "crossenv.environment",
    "crossenv.wheels",
    "crossenv.emulation",
    "crossenv.farm",
    "crossenv.testing",
    "crossenv.cli",
    "crossenv.__main__",
)


def imports(path: Path) -> Iterator[str]:
    """The absolute names that a file imports, type-checking blocks included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} imports relatively"
            if node.module == "_crossenv":
                # A module of the package, or a name in it.
                places = [(RUNTIME / f"_crossenv/{alias.name}.py", alias.name) for alias in node.names]
                yield from (f"_crossenv.{name}" if file.exists() else "_crossenv" for file, name in places)
                continue
            yield node.module
            if node.module == "crossenv":
                yield from (f"crossenv.{alias.name}" for alias in node.names)


def rank(module: str) -> int | None:
    """A module's place in ORDER, by its longest prefix there."""
    places = [(len(name), index) for index, name in enumerate(ORDER) if f"{module}.".startswith(f"{name}.")]
    return max(places)[1] if places else None


def modules() -> list[Path]:
    return [path for path in sorted(SOURCE.rglob("*.py")) if not path.is_relative_to(RUNTIME)]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_import_points_backwards(path: Path) -> None:
    name = ".".join(("crossenv", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
    own = rank(name)
    if name == "crossenv":
        return
    assert own is not None, f"{name} has no place in ORDER"
    for imported in imports(path):
        other = rank(imported)
        assert other is None or other <= own, f"{name} imports {imported}"
        # What the two sides tell each other, and both tell the user, is written once, on the shim's side.
        shared = imported in ("_crossenv.facts_types", "_crossenv.mends", "_crossenv.seal_types")
        assert not imported.startswith("_crossenv") or shared, f"{name} imports the shim"


def test_no_circles() -> None:
    """Neither between modules, those of the shim included, nor between folders."""
    paths = {_name(path): path for path in SOURCE.rglob("*.py")}
    graph = {name: {found for found in imports(path) if found in paths} - {name} for name, path in paths.items()}
    folders: dict[str, set[str]] = {}
    for name, imported in graph.items():
        others = {_folder(other) for other in imported} - {_folder(name), "crossenv"}
        folders.setdefault(_folder(name), set()).update(others)
    # Raises a CycleError that names the circle.
    graphlib.TopologicalSorter(graph).prepare()
    graphlib.TopologicalSorter(folders).prepare()


def _name(path: Path) -> str:
    """A module's dotted name; the shim is a package of its own."""
    top, prefix = (RUNTIME, ()) if path.is_relative_to(RUNTIME) else (SOURCE, ("crossenv",))
    return ".".join((*prefix, *path.relative_to(top).with_suffix("").parts)).removesuffix(".__init__")


def _folder(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "crossenv" else parts[0]


@pytest.mark.parametrize("path", sorted(RUNTIME.rglob("*.py")), ids=lambda path: path.name)
def test_the_shim_stands_alone(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    # Its floor.
    ast.parse(text, feature_version=(3, 10))
    for name in imports(path):
        top = name.partition(".")[0]
        # pip's own modules are imported where pip is running.
        assert top in sys.stdlib_module_names or top == "_crossenv" or name.startswith("pip._"), name


def test_each_fact_is_read_and_each_read_is_a_fact() -> None:
    read: set[str] = set()
    for path in (RUNTIME / "_crossenv").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            holder = key = None
            if isinstance(node, ast.Subscript):
                holder, key = node.value, node.slice
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
                holder, key = node.func.value, node.args[0]
            name = holder.id if isinstance(holder, ast.Name) else getattr(holder, "attr", "")
            if name == "facts":
                assert isinstance(key, ast.Constant), f"{path.name} reads a fact by a name that is computed"
                read.add(str(key.value))
    assert read == set(Facts.__annotations__)


@pytest.mark.parametrize(
    ("fact", "ours"),
    [(facts_types.Identity, Identity), (facts_types.Libc, Libc), (facts_types.Backend, BackendRecord)],
)
def test_facts_that_are_a_dataclass_have_its_fields(fact: type, ours: Any) -> None:
    assert set(fact.__annotations__) == {field.name for field in dataclasses.fields(ours)}


# A name that ends here, in words that are put together: `CROSSENV_...`.
OWN_VARIABLE = re.compile(r"(?<![A-Z_])CROSSENV_[A-Z_]*[A-Z]\b")


def test_each_variable_of_ours_is_in_the_table() -> None:
    places: dict[str, set[str]] = {}
    table = SOURCE / "variables.py"
    for path in [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.c"), *SOURCE.rglob("*.sh")]:
        for name in OWN_VARIABLE.findall(path.read_text(encoding="utf-8")) if path != table else ():
            places.setdefault(name, set()).add(_name(path).removeprefix("crossenv."))
    assert set(places) - PUBLIC == set(OWN)
    assert {name: {*it.set_by, *it.read_by} for name, it in OWN.items()} == {name: places[name] for name in OWN}
    assert all(it.set_by and it.read_by and it.value for it in OWN.values())


def test_the_pages_know_the_variables_that_are_for_users() -> None:
    docs = SOURCE.parent.parent / "docs"
    page = set(OWN_VARIABLE.findall((docs / "reference/variables.md").read_text(encoding="utf-8")))
    assert page == PUBLIC
    for path in docs.rglob("*.md"):
        assert set(OWN_VARIABLE.findall(path.read_text(encoding="utf-8"))) <= PUBLIC, path


def test_what_the_start_imports_is_there_already() -> None:
    """Each further module costs every start."""
    tree = ast.parse((RUNTIME / "_crossenv/__init__.py").read_text(encoding="utf-8"))
    at_once = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    assert at_once <= {"marshal", "os", "sys"}


@pytest.mark.parametrize("name", START_FILES)
def test_a_start_file_has_one_import_line(name: str) -> None:
    """`site` runs no other lines, and ends at the first line break."""
    (line,) = (text for text in (RUNTIME / name).read_text(encoding="ascii").splitlines() if text[:1] != "#")
    assert line.startswith("import ")
    ast.parse(line)


def test_the_page_shows_the_rooms_in_their_order() -> None:
    page = (SOURCE.parent.parent / "docs/explanation/architecture.md").read_text(encoding="utf-8")
    rooms = re.findall(r"^\| `(\w+)` \|", page.split("## Where to look")[0], re.MULTILINE)
    assert [f"crossenv.{room}" for room in rooms] == [name for name in ORDER if name != "crossenv.__main__"]


# Who may decide by the words of a system, a format or a C library; and what Debian and QEMU are about anyway.
AT_HOME = ("platforms", "binaries", "libc", "sysroots", "emulation")
# What still decides elsewhere, and why. An entry that is not needed any more fails the test.
REMAIN: dict[str, str] = {
    # Folders: what is in them is not looked at.
    "shim/": "stands alone and imports no room: it gets facts, and patches what pip and uv say about Linux",
    # Programs and documents with a form of their own.
    "pythons/crossenv_dump.py": "a program by itself, which runs on the target without this package",
    # Words of other tools.
    "cli/guide.py": "shows examples to people",
    "cli/init.py": "names cibuildwheel's images and variables",
    "cli/older.py": "translates the option `--manylinux` of crossenv 1",
    "compilers/zig/options.py": "lists options of GCC, one of which is -mabi=aapcs-linux",
}
# Names by which code would ask what system or C library there is.
DECIDING_NAMES = frozenset({"GLIBC", "MUSL", "LINUX", "libc_family"})
# `linux` and the like as words, also within tags (manylinux_2_28), triplets and suffixes.
DECIDING_WORDS = re.compile(r"(?i)linux|glibc|musl|(?<![a-z])elf(?![a-z])|\.so\b")
# Their arguments are for people. `Finding` has an `id` too, which is published with its name.
FOR_PEOPLE = frozenset({"note", "warning", "step", "result", "error", "Finding", "_damaged", "add_argument"})
# Variables that hold a message until it is raised or reported.
MESSAGES = frozenset({"says", "problem", "hint", "_HINTS"})


def decisions(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The lines of a module, and the words there, that decide by a system, a format or a C library."""
    silent = {id(part) for node in ast.walk(tree) for part in _not_deciding(node)}
    for node in ast.walk(tree):
        if id(node) in silent:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)):
            text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            if DECIDING_WORDS.search(text):
                yield node.lineno, repr(text)
        elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if name in DECIDING_NAMES:
                yield node.lineno, name


def _not_deciding(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that are for people: docstrings, messages, help."""
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            yield first.value
    elif isinstance(node, ast.Call):
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if name in FOR_PEOPLE or name.endswith("Error"):
            for part in (*node.args, *node.keywords):
                yield from _texts(part)
    elif isinstance(node, ast.Assign) and {getattr(one, "id", "") for one in node.targets} & MESSAGES:
        yield from _texts(node.value)


def _texts(node: ast.AST) -> Iterator[ast.Constant]:
    """The texts of an expression, without those that it compares something with."""
    if isinstance(node, ast.Constant):
        yield node
    elif not isinstance(node, ast.Compare):
        for inner in ast.iter_child_nodes(node):
            yield from _texts(inner)


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_their_rooms_decide(path: Path) -> None:
    name = path.relative_to(SOURCE).as_posix()
    if name.startswith(tuple(f"{room}/" for room in AT_HOME)):
        return
    found = [f"{name}:{line}: {words}" for line, words in decisions(ast.parse(path.read_text(encoding="utf-8")))]
    if name in REMAIN:
        assert found, f"{name} decides nothing any more: take it out of REMAIN"
    elif not name.startswith(tuple(folder for folder in REMAIN if folder.endswith("/"))):
        assert not found, "\n".join(found)


def test_what_remains_is_there() -> None:
    assert [name for name in REMAIN if not (SOURCE / name).exists()] == []


@pytest.mark.parametrize(
    "line",
    [
        'host.system == "linux"',
        'name in ("libc.so.6", "x")',
        'tag.startswith("linux_")',
        'directory.glob("*.so")',
        're.fullmatch(r".*-linux-(gnu|musl)", triplet)',
        'table = {"musllinux": 1}',
        'tag = f"linux_{machine}"',
        "libc == GLIBC",
        'host.libc_family == "x"',
        'platform.native_format == "elf"',
        'data.startswith(b"\\x7fELF")',
        'raise UsageError("a" if libc == "glibc" else "b")',
    ],
)
def test_a_decision_is_seen(line: str) -> None:
    assert list(decisions(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    [
        '"""Reads ELF files of Linux."""',
        'raise UsageError("no glibc", hint="name one for Linux")',
        'parser.add_argument("--target", help="a tag (manylinux_2_28_aarch64)")',
        "self.elf.bits == 64",
        'says = f"needs {name} of glibc"',
    ],
)
def test_messages_do_not_decide(line: str) -> None:
    assert not list(decisions(ast.parse(line)))

"""The house: data flows one way, and the shim stands alone."""

from __future__ import annotations

import ast
import graphlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import crossenv
from crossenv.environment.isolation_base import START_FILES

SOURCE = Path(crossenv.__file__).parent
RUNTIME = SOURCE / "shim"

# From the user's words to the files on disk; a module imports only what stands before it.
ORDER = (
    "crossenv.errors",
    "crossenv.report",
    "crossenv.files",
    "crossenv.codec",
    "crossenv.config",
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
        # What a build and its judge tell each other is described once, on the shim's side.
        types = (name, imported) == ("crossenv.wheels.seal", "_crossenv.seal_types")
        assert not imported.startswith("_crossenv") or types, f"{name} imports the shim"


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

"""Finds the libraries that a build leaves in its source tree: an editable installation loads them from there."""

import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from _crossenv.facts_types import Facts

_LIBRARY = re.compile(r"\.(so(\.[0-9]+)*|pyd|dll|dylib)$")
# Marks of directories that no build leaves its results in: virtual environments, and cargo's `target`, where what cargo
# itself loads is this machine's.
_PASSED_OVER = {"pyvenv.cfg", "CACHEDIR.TAG"}


def libraries(directory: str) -> "dict[str, tuple[int, int]]":
    """The libraries below `directory`, each with what tells one file from the next of that name."""
    found = {}
    for path in _walk(directory):
        try:
            state = os.stat(path)
        except OSError:
            # A link to nothing.
            continue
        # Not the time of its content, which copies keep.
        found[path] = (state.st_ctime_ns, state.st_ino)
    return found


def written(directory: str, before: "Mapping[str, tuple[int, int]]") -> "list[str]":
    """The libraries below `directory` that are not as they were `before`."""
    return sorted(path for path, state in libraries(directory).items() if before.get(path) != state)


def importable(directory: str, suffixes: "list[str]") -> "list[str]":
    """The extension modules in packages below `directory` that the target imports, whoever left them there."""
    # "_toy.so" may as well be data.
    ends = tuple(suffix for suffix in suffixes if suffix.count(".") > 1)
    build = tuple(os.path.join(directory, name) + os.sep for name in ("build", "_skbuild"))
    return [
        path
        for path in _walk(directory)
        if path.endswith(ends)
        and not path.startswith(build)
        and os.path.exists(os.path.join(os.path.dirname(path), "__init__.py"))
    ]


def _walk(directory: str) -> "Iterator[str]":
    for place, directories, files in os.walk(directory):
        if not _PASSED_OVER.isdisjoint(files):
            directories.clear()
            continue
        directories[:] = [name for name in directories if name not in (".git", ".hg", "node_modules")]
        for name in files:
            if _LIBRARY.search(name):
                yield os.path.join(place, name)


def check_at_exit(facts: "Facts") -> None:
    """Have this process, a `setup.py` that builds in place, end with an error if it leaves a native library."""
    import atexit

    from _crossenv import elf, refusal

    directory = os.getcwd()
    before = libraries(directory)
    own = facts["identity"]["number"], facts["identity"]["bits"], facts["identity"]["byte_order"]

    def check() -> None:
        for path in written(directory, before):
            with open(path, "rb") as file:
                found = elf.machine(file.read(20))
            if found is not None and found != own:
                refusal.fail(
                    f"{path}, which this build left in the source tree, is not for the target ({facts['machine']})",
                    "a part of the build did not use the target's compiler: remove that file, mend setup.py",
                    7,
                )

    atexit.register(check)

"""Finds the libraries that a build leaves in its source tree: an editable installation loads them from there."""

import contextlib
import os
import re
import sys
import time

from _crossenv import ask_judge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

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


def check_at_exit(facts: "Facts", *, in_place: bool) -> None:
    """Have this process, a `setup.py` that is run by hand, end with an error if it leaves a native library.

    Args:
        facts: The environment's.
        in_place: Whether all of the source tree is where its results may lie.
    """
    import atexit

    from _crossenv import elf, refusal

    directory = os.getcwd()
    before = libraries(directory) if in_place else {}
    # Clocks of file systems are coarse.
    started = time.time_ns() - 1_000_000_000
    own = facts["identity"]["number"], facts["identity"]["bits"], facts["identity"]["byte_order"]

    def is_native(path: str) -> bool:
        with open(path, "rb") as file:
            found = elf.machine(file.read(20))
        return found is not None and found != own

    def check() -> None:
        users = ask_judge.tools_of_user(os.environ, facts["root"])
        mend = "".join(["mend setup.py", *(f", or unset {name}={value}" for name, value in users)])
        hint = "a part of the build did not use the target's compiler: "
        places = _places_of_results()
        native = [path for path in _new_libraries(places, started) if is_native(path)]
        for path in (*native, *(_archives(places, started) if native else ())):
            with contextlib.suppress(OSError):
                os.unlink(path)
        if native:
            refusal.fail(f"{native[0]} was not for the target ({facts['machine']}) and is deleted", hint + mend, 7)
        for path in written(directory, before) if in_place else ():
            if is_native(path):
                refusal.fail(
                    f"{path}, which this build left in the source tree, is not for the target ({facts['machine']})",
                    f"{hint}remove that file, {mend}",
                    7,
                )

    def check_or_fail() -> None:
        try:
            check()
        except BaseException as error:
            # Python ignores what is raised here, and what was not checked may be native.
            said = f"{type(error).__name__}: {error}"
            refusal.fail(f"what setup.py has built could not be checked: {said}", "report this", 7)

    atexit.register(check_or_fail)


def _distribution() -> "Any":
    """What `setup` was called for; None if it was not."""
    return getattr(sys.modules.get("distutils.core"), "_setup_distribution", None)


def _places_of_results() -> "list[str]":
    """Where the commands of setuptools have built and installed."""
    commands = getattr(_distribution(), "command_obj", {}).values()
    named = (getattr(one, name, None) for one in commands for name in ("build_lib", "install_dir", "install_lib"))
    places = {os.path.abspath(place) for place in named if isinstance(place, str) and place}
    return sorted(filter(os.path.isdir, places))


def _new_libraries(places: "list[str]", started: int) -> "list[str]":
    return sorted({path for place in places for path, state in libraries(place).items() if state[0] >= started})


def _archives(places: "list[str]", started: int) -> "list[str]":
    """What the commands have made of their results; wheels are judged by themselves."""
    made = getattr(_distribution(), "dist_files", ())
    found = [path for command, _version, path in made if command.startswith("bdist") and command != "bdist_wheel"]
    for place in places:
        eggs = [os.path.join(place, name) for name in os.listdir(place) if name.endswith(".egg")]
        found += [path for path in eggs if os.path.isfile(path) and os.stat(path).st_ctime_ns >= started]
    return found

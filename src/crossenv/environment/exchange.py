"""Replace a tree by a new one, so that a failure or a kill can be undone.

The new tree is made in a scratch directory inside its place, which is on the same disk, needs no permission for the
directory above, and may be a mount point. Renames then move the old entries out and the new ones in. A journal is
written before the first rename, so that the next process can undo those of a killed one.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from crossenv.errors import UsageError
from crossenv.files import write_file

# The scratch directory, in the place itself.
SCRATCH = ".crossenv-creating"
# It contains the new files, the old ones, and a list of the renames.
NEW, _OLD, _JOURNAL = "new", "old", "journal.json"

Move = tuple[Path, Path]


def staged(place: Path) -> Path:
    """Return the scratch directory for the tree of `place`."""
    return place / SCRATCH / NEW


def moves_in(
    place: Path, *, removed: Collection[str] = (), whole: Collection[str] = (), last: str = "", replace: bool = True
) -> list[Move]:
    """Yield the renames that bring the tree from `staged(place)` into `place`.

    Args:
        place: The tree's place.
        removed: The entries of `place` to remove first. Other directories are merged with the new ones.
        whole: The directories, by path, that replace old ones instead of being merged.
        last: The entry that is removed first and added last; it marks a complete tree.
        replace: Whether to replace existing files.

    Raises:
        UsageError: Files exist, and `replace` is not set.
    """
    old, new = place / SCRATCH / _OLD, staged(place)
    moves = [(place / name, old / name) for name in sorted(removed, key=lambda name: name != last)]

    def merge(name: str) -> Iterator[Move]:
        source, goal = new / name, place / name
        if name not in removed and os.path.lexists(goal):
            if _is_directory(source) and _is_directory(goal) and name not in whole:
                for entry in sorted(os.listdir(source)):  # noqa: PTH208
                    yield from merge(f"{name}/{entry}")
                return
            if not replace:
                raise UsageError(
                    f"{goal} is in the way of the environment", hint="name a directory without it, or an empty one"
                )
            yield goal, old / name
        yield source, goal

    for entry in sorted(os.listdir(new), key=lambda name: name == last):  # noqa: PTH208
        moves += merge(entry)
    return moves


@contextlib.contextmanager
def scratch_in(place: Path) -> Iterator[None]:
    """Make an empty scratch directory in `place`, and remove it at the end unless its files are still needed."""
    scratch = place / SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        (scratch / NEW).mkdir(parents=True)
        yield
    finally:
        if not (scratch / _JOURNAL).exists():
            shutil.rmtree(scratch, ignore_errors=True)


def carry_out(places: Sequence[Path], moves: Sequence[Move]) -> None:
    """Do all renames, or none.

    Args:
        places: The places of the trees.
        moves: The results of `moves_in`, in the order of the places.
    """
    journal = json.dumps({"places": [str(place) for place in places], "moves": [[*map(str, move)] for move in moves]})
    for place in places:
        write_file(place / SCRATCH / _JOURNAL, journal)
    try:
        for source, goal in moves:
            goal.parent.mkdir(parents=True, exist_ok=True)
            source.rename(goal)
    except BaseException:
        # If this fails too, the journals stay, and the next creation undoes the renames.
        _undo(moves)
        _forget(places)
        raise
    _forget(places)


def is_interrupted(place: Path) -> bool:
    """Whether renames in `place` have begun and are not complete."""
    return (place / SCRATCH / _JOURNAL).exists()


def take_back(place: Path) -> None:
    """Undo the incomplete renames of a killed process in `place`, and remove its scratch."""
    scratch = place / SCRATCH
    with contextlib.suppress(FileNotFoundError, ValueError):
        journal = json.loads((scratch / _JOURNAL).read_text(encoding="utf-8"))
        moves = [(Path(source), Path(goal)) for source, goal in journal["moves"]]
        if moves and os.path.lexists(moves[-1][0]):
            _undo(moves)
        # A second undo, from another of the places, would mistake other files for new ones.
        for other in journal["places"]:
            shutil.rmtree(Path(other) / SCRATCH, ignore_errors=True)
    shutil.rmtree(scratch, ignore_errors=True)


def _undo(moves: Sequence[Move]) -> None:
    for source, goal in reversed(moves):
        # A rename that was not made yet has a source, or no goal.
        if os.path.lexists(goal) and not os.path.lexists(source):
            source.parent.mkdir(parents=True, exist_ok=True)
            goal.rename(source)


def _forget(places: Iterable[Path]) -> None:
    for place in places:
        (place / SCRATCH / _JOURNAL).unlink(missing_ok=True)


def _is_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()

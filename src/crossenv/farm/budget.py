"""Share the cores among the builds of a run."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator

# What the kernel, GCC, make and ninja print when a process is killed, and compilers that get no memory. A build that is
# killed by something else runs once more, too.
_KILLED = re.compile(r"(?m)Killed signal|signal terminated program|\bKilled$|out of memory|Cannot allocate memory")


class Budget:
    """The cores of this machine: all builds together never get more of them.

    A GNU make jobserver would let builds borrow idle cores of others, but only a fifo passes Python's `subprocess`.
    make before 4.4 ends when it reads the address of one, later ones run Makefiles in parallel that are not made for
    it, and ninja before 1.13 does not see it and uses all cores.

    Args:
        cores: How many there are.
    """

    def __init__(self, cores: int) -> None:
        self._total = self._free = cores
        self._changed = threading.Condition()
        self._alone = 0

    @contextlib.contextmanager
    def share(self, wanted: int) -> Iterator[int]:
        """Wait for a core, and hold up to this many.

        Yields:
            How many.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._free and not self._alone)
            got = min(max(1, wanted), self._free)
            self._free -= got
        try:
            yield got
        finally:
            self._give_back(got)

    @contextlib.contextmanager
    def alone(self) -> Iterator[int]:
        """Wait until nobody else has a core, and hold all of them.

        Yields:
            One: what needs the machine for itself needs its memory, not its cores.
        """
        with self._changed:
            self._alone += 1
            self._changed.wait_for(lambda: self._free == self._total)
            self._alone -= 1
            self._free = 0
        try:
            yield 1
        finally:
            self._give_back(self._total)

    def _give_back(self, cores: int) -> None:
        with self._changed:
            self._free += cores
            self._changed.notify_all()


def was_killed(status: int, output: str) -> bool:
    """Whether a build seems to have ended for want of memory."""
    return status in (-9, 137) or _KILLED.search(output) is not None

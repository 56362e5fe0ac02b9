"""A cache of compilers' answers in the user's directory: the same file with the same input answers the same."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossenv.files import write_file


@dataclass(frozen=True, slots=True)
class Memory:
    """The answers of one compiler with the same first options.

    Only for a compiler that brings all its headers and libraries along: those of others change without the compiler.

    Attributes:
        directory: The cache's directory.
    """

    directory: Path

    @classmethod
    def of(cls, cache: Path, program: Path, about: Iterable[str]) -> Memory:
        """Return the cache for this very file; `about` lists everything else on which its answers depend."""
        state = program.stat()
        identity = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
        key = "\0".join([str(program.resolve()), *map(str, identity), *about])
        return cls(cache / "answers" / hashlib.sha256(key.encode()).hexdigest()[:32])

    def recall(self, question: str) -> Any:
        """Return the answer as a JSON value; None if there is none yet."""
        try:
            return json.loads(self._file(question).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def keep(self, question: str, answer: Any) -> None:
        """Keep an answer, if the cache can be written."""
        with contextlib.suppress(OSError):
            self.directory.mkdir(parents=True, exist_ok=True)
            write_file(self._file(question), json.dumps(answer))

    def _file(self, question: str) -> Path:
        return self.directory / f"{hashlib.sha256(question.encode()).hexdigest()[:32]}.json"

"""Recorded tools by their names alone: the directories that the host Python recorded are of another machine."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import PurePosixPath

from crossenv.compilers.commands import WRAPPERS
from crossenv.pythons.model import HostPython

_TOOL_VARIABLES = ("CC", "CXX", "AR", "RANLIB", "NM", "READELF", "OBJCOPY", "STRIP")


def with_relative_tools(host: HostPython) -> HostPython:
    """`host` with its recorded tools named without their directories, to be looked up on PATH."""
    config = dict(host.config)
    for name in _TOOL_VARIABLES:
        value = config.get(name)
        if isinstance(value, str):
            config[name] = _relative(value)
    return dataclasses.replace(host, config=config)


def _relative(command: str) -> str:
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    for index, word in enumerate(words):
        words[index] = PurePosixPath(word).name
        if words[index] not in WRAPPERS:
            break
    return shlex.join(words)

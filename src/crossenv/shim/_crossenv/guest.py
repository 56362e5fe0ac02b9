"""Start-up of the host's own interpreter under an emulator, where the kernel cannot start programs of the host.

A program that the emulator runs starts its children through this machine's kernel, which does not know the host's
programs unless binfmt_misc says so. `crossenv run` sets CROSSENV_LAUNCHER where it does not: then children that are
started by way of `sys.executable` go through a launcher, and others that are programs of the host are refused with a
message instead of the kernel's, or instead of running with this machine's interpreter.

Also copied, as a module of its own, into the trees that `crossenv test` makes. Standard library only.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LAUNCHER_VARIABLE = "CROSSENV_LAUNCHER"
# Where scripts of the host say that their interpreter is.
HOST_PATH_VARIABLE = "CROSSENV_HOST_PATH"
_EVENTS = ("subprocess.Popen", "os.exec", "os.posix_spawn")


def install() -> None:
    """Let children of this interpreter find the launcher, and refuse those that cannot be started."""
    launcher = os.environ.get(LAUNCHER_VARIABLE)
    if launcher:
        sys.executable = launcher
        sys.addaudithook(_watch)


def _watch(event: str, arguments: "tuple[Any, ...]") -> None:
    if event not in _EVENTS:
        return
    environment = arguments[-1] if isinstance(arguments[-1], dict) else os.environ
    program = _found(os.fsdecode(arguments[0] or arguments[1][0]), environment)
    if is_of_host(program):
        raise OSError(
            8,
            "this is a program of the target, and without binfmt_misc only Python is started from a target's program"
            " (crossenv run)",
            program,
        )


def _found(program: str, environment: "Any") -> str:
    if "/" in program:
        return program
    for directory in str(environment.get("PATH", os.defpath)).split(os.pathsep):
        path = os.path.join(directory or ".", program)
        if os.access(path, os.X_OK):
            return path
    return program


def is_of_host(path: str) -> bool:
    """Whether `path` is an ELF file for the machine that this interpreter is for, or a script of its Python."""
    try:
        # The running interpreter; under an emulator `sys.executable` is the launcher.
        with open(os.path.join(sys.prefix, "bin", "python"), "rb") as own, open(path, "rb") as file:
            mine, header = own.read(20), file.read(256)
    except OSError:
        return False
    if header[:4] == b"\x7fELF":
        return header[4:6] == mine[4:6] and header[18:20] == mine[18:20]
    # For a script, the kernel would start this machine's interpreter of that path.
    interpreter = os.fsdecode(header.split(b"\n", 1)[0])[2:].strip().split(" ")[0]
    directory, _slash, name = interpreter.rpartition("/")
    hosts = os.environ.get(HOST_PATH_VARIABLE, "").rpartition("/")[0]
    return header[:2] == b"#!" and name.startswith("python") and bool(hosts) and directory == hosts

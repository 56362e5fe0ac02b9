"""Starts a command in namespaces of its own, in which the kernel runs the host's programs through an emulator.

    python -I -S enter.py JOB WORD...

JOB is JSON: `registration`, the line for binfmt_misc (the kernel's Documentation/admin-guide/binfmt-misc.rst), and
`bind`, pairs of a file and the place where it is seen instead. The command takes this process's place, so signals and
its exit status are the command's own. Nothing of it needs root: since Linux 6.7 each user namespace may have a
binfmt_misc of its own.

Standard library only; also imported by the tool itself, for `works`.
"""

import ctypes
import json
import os
import sys

_CLONE_NEWNS, _CLONE_NEWUSER, _MS_BIND = 0x20000, 0x10000000, 0x1000
_DIRECTORY = "/proc/sys/fs/binfmt_misc"


def enter(registration: str, bind: "list[list[str]]") -> None:
    """Put this process into namespaces with a registration of their own.

    Raises:
        OSError: The kernel does not allow it; its `filename` says what failed.
    """
    uid, gid = os.getuid(), os.getgid()
    _unshare(_CLONE_NEWUSER | _CLONE_NEWNS)
    # binfmt_misc belongs to the namespace's root.
    _map_ids(0, uid, 0, gid)
    _mount("binfmt_misc", _DIRECTORY, "binfmt_misc", 0)
    # Bytes that are not ASCII are escaped already.
    with open(f"{_DIRECTORY}/register", "w", encoding="ascii") as file:
        file.write(registration)
    for source, place in bind:
        _mount(source, place, "none", _MS_BIND)
    # The command is the user that it was; the registration of a namespace holds for those inside it.
    _unshare(_CLONE_NEWUSER)
    _map_ids(uid, 0, gid, 0)


def works(registration: str) -> str:
    """Why `enter` would fail; "" if it would not. Tried in a child."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        reason = ""
        try:
            enter(registration, [])
        except OSError as error:
            reason = f"{error.filename}: {error.strerror}"
        except BaseException as error:  # the child must not return into its parent's code
            reason = repr(error)
        finally:
            os.write(writing, reason.encode()[:1000])
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as file:
        reason = file.read().decode()
    os.waitpid(child, 0)
    return reason


def _unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "user namespaces")


def _mount(source: str, place: str, kind: str, flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(os.fsencode(source), os.fsencode(place), kind.encode(), ctypes.c_ulong(flags), None):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"mounting {source}")


def _map_ids(uid: int, outer_uid: int, gid: int, outer_gid: int) -> None:
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outer_uid} 1"),
        ("gid_map", f"{gid} {outer_gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def main(job: str, words: "list[str]") -> int:
    """Enter and become the command."""
    data = json.loads(job)
    try:
        enter(data["registration"], data["bind"])
    except OSError as error:
        sys.stderr.write(f"crossenv: error: no private binfmt_misc: {error.filename}: {error.strerror}\n")
        return 8
    try:
        os.execvp(words[0], words)
    except OSError as error:
        sys.stderr.write(f"crossenv: error: {words[0]} cannot be started: {error.strerror}\n")
        return 8


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

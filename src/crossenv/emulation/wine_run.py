"""Runs one Windows program under wine, with a server of its own that ends with it.

    python -I wine_run.py JOB WORD...

JOB is JSON: `wine`, the program, and `prefix`, a directory that wine has set up. Each run gets a prefix of its own
beside it, which shares the disk of that one: wine has one server a prefix, so nothing of another run is met or ended.
Output goes through pipes, because a Python under wine cannot write to regular files ("WinError 6").

Standard library only.
"""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

# A registry of its own, and what says that it is up to date.
_COPIED = ("system.reg", "user.reg", "userdef.reg", ".update-timestamp")


def private_prefix(place: Path, prefix: Path) -> None:
    """Make `place` a prefix with the disk of `prefix`."""
    for name in _COPIED:
        if (prefix / name).exists():
            shutil.copy(prefix / name, place)
    drives = place / "dosdevices"
    drives.mkdir()
    (drives / "c:").symlink_to(prefix / "drive_c")
    (drives / "z:").symlink_to("/")
    (place / "drive_c").symlink_to(prefix / "drive_c")


def copied(source: "BinaryIO", goal: int) -> None:
    """Write what comes out of a pipe to a descriptor, and drop the rest where nobody reads it."""
    lost = False
    while block := source.read1(1 << 16) if hasattr(source, "read1") else source.read(1 << 16):
        while block and not lost:
            try:
                block = block[os.write(goal, block) :]
            except OSError:
                lost = True


def end_server(server: str, environment: "dict[str, str]") -> None:
    """End every program of the prefix, and wait until its server has gone."""
    for option in ("-k", "-w"):
        subprocess.run(
            [server, option],
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def main(job: str, words: "list[str]") -> int:
    """Run the program; return its exit status."""
    data = json.loads(job)
    with tempfile.TemporaryDirectory(dir=data["runs"], prefix="run-") as place:
        private_prefix(Path(place), Path(data["prefix"]))
        environment = {**os.environ, "WINEPREFIX": place}
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # So that the server is ended whatever ends this.
            signal.signal(number, _interrupted)
        child = None
        try:
            child = subprocess.Popen(
                [data["wine"], *words],
                env=environment,
                stdin=None if _is_pipe(0) else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            streams = ((child.stdout, 1), (child.stderr, 2))
            threads = [threading.Thread(target=copied, args=stream, daemon=True) for stream in streams]
            for thread in threads:
                thread.start()
            status = child.wait()
            # wine's own processes hold the other ends of the pipes until their server ends.
            for thread in threads:
                thread.join(0.5)
            end_server(data["server"], environment)
            for thread in threads:
                thread.join()
            return status if status >= 0 else 128 - status
        except OSError as error:
            sys.stderr.write(f"crossenv: error: {data['wine']} cannot be started: {error.strerror}\n")
            return 8
        except KeyboardInterrupt:
            if child is not None:
                child.kill()
            return 130
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            end_server(data["server"], environment)


def _is_pipe(descriptor: int) -> bool:
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _interrupted(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

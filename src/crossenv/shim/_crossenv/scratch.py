"""A temporary directory of a hook process."""

import functools
import os

# As `crossenv.files.scratch_directory` names its own, and looks for left-overs.
_PREFIX = f"crossenv-tmp-{os.uname().nodename}-hook-"


@functools.cache
def directory() -> str:
    """Return the directory, which is removed at the end; it carries a lock by which others see that it is in use."""
    import atexit
    import fcntl
    import shutil
    import tempfile

    while True:
        path = tempfile.mkdtemp(prefix=_PREFIX)
        try:
            # It stays open, and the lock with it, until the process ends.
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                break
        except FileNotFoundError:
            # Another process was quicker, and took it for a left-over.
            continue
        except OSError:
            # No locks on this file system.
            break
    process = os.getpid()

    def remove() -> None:
        # Not at the end of a process that was forked from this one.
        if os.getpid() == process:
            shutil.rmtree(path, ignore_errors=True)

    atexit.register(remove)
    return path

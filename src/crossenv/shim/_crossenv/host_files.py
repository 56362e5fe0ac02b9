"""Where a setup.py looks for headers and libraries in the directories of this machine, it sees the host's.

Some decide by the existence of /usr/include/zlib.h or /usr/lib/x86_64-linux-gnu/libjpeg.so what they compile (pillow).
The answers would be the build machine's; the compiler looks into the sysroot.
"""

import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_HEADER = re.compile(r"/usr/(local/)?include/")
_LIBRARY = re.compile(
    r"(?P<top>(/usr|/usr/local)?/lib(64)?)/((?P<multiarch>[^/]+-linux-[^/]+)/)?(?P<name>lib[^/]+\.(so|a))"
)


def counterparts(path: str, root: "str | None", multiarch: str) -> "tuple[str, ...] | None":
    """Where the host's counterpart of a file of this machine may be.

    Args:
        path: An absolute path.
        root: The sysroot; "" where the host's files are among this machine's; None where there are none.
        multiarch: The name of the host's library directories, "aarch64-linux-gnu"; "" for none.

    Returns:
        The places to look, () for nowhere; None for a path that is neither a header nor a library.
    """
    if _HEADER.match(path):
        return () if root is None else (root + path,)
    match = _LIBRARY.fullmatch(path)
    if match is None:
        return None
    if root is None:
        return ()
    within = root + match["top"]
    places = [f"{within}/{multiarch}/{match['name']}"] if multiarch else []
    if not match["multiarch"] and (root or not multiarch):
        places.append(f"{within}/{match['name']}")
    return tuple(places)


def answer_for_host(facts: "dict[str, Any]") -> None:
    """Make `os.path.exists` and `os.path.isfile` answer so from now on, in this process."""
    root, multiarch = facts["files_root"], facts["multiarch"]

    def answering(original: "Callable[[Any], bool]") -> "Callable[[Any], bool]":
        def answer(path: "Any") -> bool:
            if isinstance(path, (str, os.PathLike)):
                text = os.fspath(path)
                if isinstance(text, str) and text.startswith(("/usr/", "/lib")):
                    places = counterparts(os.path.normpath(text), root, multiarch)
                    if places is not None:
                        return any(original(place) for place in places)
            return original(path)

        return answer

    os.path.exists = answering(os.path.exists)  # type: ignore[assignment]
    os.path.isfile = answering(os.path.isfile)  # type: ignore[assignment]

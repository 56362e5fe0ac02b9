"""Headers and libraries in the directories of this machine are the target's, for the processes of a build.

Some packages decide by /usr/include/zlib.h or /usr/lib/x86_64-linux-gnu/libjpeg.so what they compile (pillow), or read
a header to generate code from it (evdev). The build machine's answer is wrong, so every way in which Python asks for
these files leads to those that the target's compiler finds: `open`, `os.stat`, `os.scandir` and their like, and with
them `os.path`, `pathlib`, `glob` and `shutil`. What is written is not redirected, and other programs are not.
"""

import builtins
import errno
import io
import os
import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from _crossenv.facts_types import Facts

# Whose processes see the target's files: the environment's root; then, for the children of the process that has asked
# the target's compiler, where that looks for headers. Inherited by what a hook starts.
MARK = "CROSSENV_FILES"
_SEPARATOR = "\x1f"

_HEADERS = re.compile(r"/usr/(?P<local>local/)?include(?P<triplet>/[^/]+-linux-[^/]+)?(?P<rest>/.*)?")
_DIRECTORY = re.compile(r"(?P<top>(/usr|/usr/local)?/lib(64)?)(/(?P<triplet>[^/]+-linux-[^/]+))?")
_NAME = re.compile(r"lib[^/]+\.(so|a|la)(\.[0-9]+)*|pkgconfig")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
# Of the C library, under these names on every machine.
_OF_LIBC = ("c", "m", "dl", "pthread", "rt", "util", "resolv", "crypt")


class Places:
    """Where the target's counterparts of this machine's files are.

    Args:
        root: The sysroot; "" where the target's files are among this machine's; None where there are none.
        multiarch: The name of the target's library directories, "aarch64-linux-gnu"; "" for none.
        headers: Says where the compiler looks for headers.
        own: Directories of this machine that are the target's.
    """

    def __init__(
        self,
        root: "str | None",
        multiarch: str,
        headers: "Callable[[], list[str]]" = list,
        own: "tuple[str, ...]" = (),
    ) -> None:
        self.root = root
        self.multiarch = multiarch
        self.headers = headers
        self.own = own

    def of(self, path: str) -> "list[str] | None":
        """Return the places to look for an absolute, normalised path, best first; None for one that means itself."""
        if path.startswith(self.own) and any(path == own or path.startswith(own + "/") for own in self.own):
            return None
        match = _HEADERS.fullmatch(path)
        if match is not None:
            return self._headers(match)
        above, _, name = path.partition("/pkgconfig/") if "/pkgconfig/" in path else path.rpartition("/")
        name = f"pkgconfig/{name}" if "/pkgconfig/" in path else name
        match = _DIRECTORY.fullmatch(above)
        if match is None or not _NAME.fullmatch(name.partition("/")[0]):
            return None
        return [f"{directory}/{name}" for directory in self._libraries(match)]

    def _headers(self, match: "re.Match[str]") -> "list[str]":
        rest = match["rest"] or ""
        within = f"/usr/{match['local'] or ''}include"
        places = [] if match["local"] else [directory + rest for directory in self.headers()]
        if match["triplet"] and not match["local"]:
            # A directory of this name holds what differs between machines.
            places += [f"{directory}/{self.multiarch}{rest}" for directory in self.headers() if self.multiarch]
        if self.root is None or (match["local"] and not self.root):
            return places
        triplet = f"/{self.multiarch}" if match["triplet"] else ""
        return [*places, f"{self.root}{within}{triplet}{rest}"]

    def _libraries(self, match: "re.Match[str]") -> "list[str]":
        if self.root is None:
            return []
        within = self.root + match["top"]
        places = [f"{within}/{self.multiarch}"] if self.multiarch else []
        if not match["triplet"] and (self.root or not self.multiarch):
            places.append(within)
        return places

    def in_directory(self, path: str) -> "list[str] | None":
        """Return the directory that replaces the directory of libraries `path`; None if it is not one."""
        match = _DIRECTORY.fullmatch(path)
        return None if match is None else self._libraries(match)


def is_library(name: str) -> bool:
    """Whether an entry of a directory of libraries is one, or a directory that describes them."""
    return _NAME.fullmatch(name) is not None


class _Asked:
    """A function whose first argument is a path: called with the path of the target's file.

    An object, because some versions of pathlib and glob keep such functions as attributes of a class.
    """

    def __init__(self, original: "Callable[..., Any]", places: Places, reads: "Callable[..., bool]") -> None:
        self.original = original
        self.places = places
        self.reads = reads
        self.__name__ = original.__name__
        self.__doc__ = original.__doc__

    def __call__(self, path: "Any" = None, *args: "Any", **kwargs: "Any") -> "Any":
        if path is None and "file" in kwargs:
            path = kwargs.pop("file")
        text = _text(path)
        if text is None or kwargs.get("dir_fd") is not None or not self.reads(*args, **kwargs):
            return self.original(*(() if path is None else (path,)), *args, **kwargs)
        return self.answer(path, text, args, kwargs)

    def answer(self, path: "Any", text: str, args: "tuple[Any, ...]", kwargs: "dict[str, Any]") -> "Any":
        """Return the original's answer for the first place that exists."""
        places = self.places.of(text)
        if places is None:
            return self.original(path, *args, **kwargs)
        missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        found: Any = None
        for place in places:
            try:
                found = self.original(_like(path, place), *args, **kwargs)
            except (FileNotFoundError, NotADirectoryError):
                continue
            if found is not False:
                return found
        if found is False or self.original is _ORIGINALS["access"]:
            return False
        raise missing


class _Opened(_Asked):
    """`open`, `os.open`: who opens a file needs it, so a hidden one is named. Who only asks for it hears nothing."""

    def answer(self, path: "Any", text: str, args: "tuple[Any, ...]", kwargs: "dict[str, Any]") -> "Any":
        """Return the original's answer for the first place that exists."""
        try:
            return super().answer(path, text, args, kwargs)
        except FileNotFoundError:
            places = self.places.of(text)
            if places is not None and text not in places and text not in _named and _is_here(text):
                _named.add(text)
                where = f"the target's would be {' or '.join(places)}"
                if not places:
                    where = "there is no sysroot with the target's (crossenv create --sysroot DIR)"
                sys.stderr.write(f"crossenv: warning: {text} is hidden: it is the build machine's; {where}\n")
            raise


# The hidden files that were named in this process.
_named: "set[str]" = set()


def _is_here(text: str) -> bool:
    try:
        _ORIGINALS["stat"](text)
    except OSError:
        return False
    return True


class _Listed(_Asked):
    """`os.listdir`, `os.scandir`: the entries of all places, each name once."""

    def answer(self, path: "Any", text: str, args: "tuple[Any, ...]", kwargs: "dict[str, Any]") -> "Any":
        """Return the entries; those of a directory of libraries that are none stay this machine's."""
        libraries = self.places.in_directory(text)
        places = self.places.of(text)
        if libraries is None and places is None:
            return self.original(path, *args, **kwargs)
        wanted = libraries if libraries is not None else places or []
        found: dict[str, Any] = {}
        seen = False
        for place in [*wanted, *([path] if libraries is not None else [])]:
            try:
                entries = list(self.original(_like(path, place)))
            except (FileNotFoundError, NotADirectoryError):
                continue
            seen = True
            for entry in entries:
                name = os.fsdecode(getattr(entry, "name", entry))
                if libraries is None or is_library(name) == (place is not path):
                    found.setdefault(name, entry)
        if not seen:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return _Entries(found.values()) if self.__name__ == "scandir" else list(found.values())


class _Entries:
    """What `os.scandir` returns: an iterator and a context manager."""

    def __init__(self, entries: "Any") -> None:
        self._entries = iter(entries)

    def __iter__(self) -> "Iterator[Any]":
        return self

    def __next__(self) -> "Any":
        return next(self._entries)

    def __enter__(self) -> "_Entries":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is open any more."""


def _text(path: "Any") -> "str | None":
    """Return a path that may have to be redirected, normalised; None for every other."""
    if isinstance(path, (str, bytes, os.PathLike)):
        text = os.fsdecode(path)
        if text.startswith(("/usr/", "/lib", "//")):
            text = os.path.normpath(text)
            return text[1:] if text.startswith("//") else text
    return None


def _like(path: "Any", place: "Any") -> "Any":
    return os.fsencode(place) if isinstance(path, bytes) else place


def _always(*_args: "Any", **_kwargs: "Any") -> bool:
    return True


def _open_reads(mode: "Any" = "r", *_args: "Any", **_kwargs: "Any") -> bool:
    return isinstance(mode, str) and not set(mode) & set("wax+")


def _os_open_reads(flags: int = 0, *_args: "Any", **_kwargs: "Any") -> bool:
    return not flags & _WRITES


_READS = {"open": _os_open_reads}
_ORIGINALS: "dict[str, Any]" = {
    name: getattr(os, name)
    for name in ("stat", "lstat", "access", "readlink", "open", "listdir", "scandir", "chdir", "statvfs", "getxattr")
    if hasattr(os, name)
}
# In this process.
_places: "Places | None" = None


def is_marked(root: str, environ: "Mapping[str, str]") -> bool:
    """Whether this is a process that a hook of the environment in `root` has started."""
    return environ.get(MARK, "").partition(_SEPARATOR)[0] == root


def answer_for_host(facts: "Facts") -> None:
    """Redirect this process, and those Python processes that it starts in role "host", from now on."""
    global _places  # noqa: PLW0603 - the one state of this module
    if _places is not None:
        return
    if not is_marked(facts["root"], os.environ):
        os.environ[MARK] = facts["root"]
    headers: list[str] = []

    def include_path() -> "list[str]":
        if not headers:
            headers.extend(_include_path(facts["compiler"]) or [""])
        return [directory for directory in headers if directory]

    _places = Places(facts["files_root"], facts["multiarch"], include_path, tuple(facts["include_dirs"]))
    replaced: dict[str, _Asked] = {}
    for name, original in _ORIGINALS.items():
        kind = _Listed if name in ("listdir", "scandir") else _Opened if name == "open" else _Asked
        replaced[name] = kind(original, _places, _READS.get(name, _always))
        setattr(os, name, replaced[name])
        for supported in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids):
            if original in supported:
                supported.add(replaced[name])
    opened = _Opened(builtins.open, _places, _open_reads)
    builtins.open = opened  # type: ignore[assignment]
    io.open = opened  # type: ignore[assignment]
    _replace_captured({**{_ORIGINALS[name]: function for name, function in replaced.items()}, opened.original: opened})


def _replace_captured(replaced: "dict[Any, _Asked]") -> None:
    """Replace what modules that are imported already keep in their classes (pathlib in 3.10, glob from 3.13 on)."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("pathlib", "glob")]:
        for holder in [value for value in vars(sys.modules[name]).values() if isinstance(value, type)]:
            for attribute, value in list(vars(holder).items()):
                kept = value.__func__ if isinstance(value, staticmethod) else value
                if isinstance(kept, type(len)) and kept in replaced:
                    setattr(holder, attribute, replaced[kept])


def _include_path(compiler: str) -> "list[str]":
    """Return the directories in which the target's compiler looks for `#include <...>`."""
    root, found, known = os.environ.get(MARK, "").partition(_SEPARATOR)
    if not found:
        import subprocess

        # Asking is not compiling (`_crossenv.verify`).
        environment = {**os.environ, "LC_ALL": "C"}
        environment.pop("CROSSENV_COMPILER_CALLED", None)
        for name in ("CPATH", "C_INCLUDE_PATH"):
            environment.pop(name, None)
        words = [compiler, "-E", "-v", "-x", "c", os.devnull]
        try:
            done = subprocess.run(
                words, capture_output=True, text=True, errors="replace", env=environment, cwd="/", check=False
            )
        except OSError:
            return []
        _, _, after = done.stderr.partition("#include <...> search starts here:\n")
        lines = after.partition("End of search list.")[0].splitlines()
        known = os.pathsep.join(os.path.normpath(os.path.join("/", line.strip())) for line in lines)
        os.environ[MARK] = root + _SEPARATOR + known
    return known.split(os.pathsep)


def find_library(name: str, native: "Callable[[str], str | None]") -> "str | None":
    """Answer `ctypes.util.find_library` in a redirected process: the name under which the target loads a library."""
    if _places is None:
        return native(name)
    for top in ("/usr/local/lib", "/usr/lib", "/lib", "/usr/lib64", "/lib64"):
        for directory in _places.in_directory(top) or []:
            try:
                entries = _ORIGINALS["listdir"](directory)
            except OSError:
                continue
            names = [entry for entry in entries if entry == f"lib{name}.so" or entry.startswith(f"lib{name}.so.")]
            if names:
                # libz.so.1, not libz.so.1.2.13 or libz.so.
                return str(min(names, key=lambda entry: (entry.endswith(".so"), len(entry), entry)))
    return native(name) if name in _OF_LIBC else None

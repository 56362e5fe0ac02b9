"""Replaces the headers and libraries of build requirements, which run here, by the target's.

The isolated environment of a build holds its requirements for the build machine. Where one of them also ships what is
compiled against or linked, the same version of it for the host is laid over: generated headers, static libraries,
link-only shared libraries, `.pc` and CMake files. Python code, extension modules, programs and what these need stay
the build machine's. Which requirements that concerns is read from their contents, not from a list of names.
"""

import contextlib
import functools
import json
import os
import sys
import zipfile

from _crossenv import elf
from _crossenv.distribution import CMAKE_PACKAGE, HEADERS, Distribution, is_library
from _crossenv.host_wheels import host_wheel, missing, run_pip, say
from _crossenv.project import host_distributions, missing_requirements, pyproject, text_of
from _crossenv.variables import outer_environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from _crossenv.facts_types import Facts

# In the environment of a build: what is known of the overlay, for the compilers' and pkg-config's launchers and for
# ctypes in the build's own processes.
LINK_VARIABLE = "CROSSENV_LINK_DIRECTORY"
PKG_CONFIG_VARIABLE = "CROSSENV_PKG_CONFIG_PATH"

_HOME = ".crossenv-overlay"
# Beside the directory that LINK_VARIABLE names: what the host's libraries were laid over.
_NATIVE = "native.json"


def lay_over(facts: "Facts") -> None:
    """Lay the host's flavour over the build requirements of this process, once for each of them.

    Called with the environment that the front end gave, before anything of ours is put into it. What cannot be had is
    said, and the build goes on: it may not need it.
    """
    sites = list(_own_sites(facts))
    if not sites:
        return
    home = os.path.join(sites[0], _HOME)
    state = _read_state(home)
    done, said = state["done"], state["said"]
    # Each hook has an output of its own, and only that of the one that fails is seen.
    for words in said:
        say(words)
    environment = outer_environment()
    provided = _target_requirements(home, facts, environment, said)
    for site in sites:
        for entry in sorted(os.listdir(site)):
            if not entry.endswith(".dist-info"):
                continue
            # The build side may get the same version again.
            installed = [site, os.stat(os.path.join(site, entry)).st_mtime_ns]
            if done.get(entry) == installed:
                continue
            distribution = Distribution(site, entry)
            if distribution.is_linked_from():
                reason = _lay_over_one(distribution, home, facts, [*provided, facts["cross_site"]], environment)
                if reason:
                    said.append(missing(distribution, reason))
                    say(said[-1])
            done[entry] = installed
    if state != _read_state(home):
        _write(os.path.join(home, "done.json"), json.dumps(state).encode())
    _announce(home, [*sites, *provided])


def _own_sites(facts: "Facts") -> "Iterator[str]":
    """Yield the site directories that were made for this build, or are the environment's build side."""
    isolated = sys.prefix not in (sys.base_prefix, facts["root"], facts["root"] + "/cross", facts["uv_prefix"])
    for entry in sys.path:
        if not os.path.isdir(entry) or not entry.rstrip("/").endswith(("site-packages", "dist-packages")):
            continue
        made = "/pip-build-env-" in entry or (isolated and entry.startswith(sys.prefix + "/"))
        if made or entry == facts["build_site"]:
            yield entry


def _read_state(home: str) -> "dict[str, Any]":
    """Return the actions and messages of earlier hooks of the same build."""
    try:
        with open(os.path.join(home, "done.json"), encoding="utf-8") as file:
            return {"done": {}, "said": [], **json.load(file)}
    except (OSError, ValueError):
        return {"done": {}, "said": []}


def _announce(home: str, sites: "list[str]") -> None:
    """Tell this process's children where things are."""
    link = os.path.join(home, "link")
    if os.path.exists(os.path.join(home, _NATIVE)):
        os.makedirs(link, exist_ok=True)
    if os.path.isdir(link):
        os.environ[LINK_VARIABLE] = link
    directories = []
    for site in sites:
        for entry in os.listdir(site):
            if entry.endswith(".dist-info"):
                files = Distribution(site, entry).files
                directories += [os.path.dirname(os.path.join(site, file)) for file in files if file.endswith(".pc")]
    if directories:
        os.environ[PKG_CONFIG_VARIABLE] = os.pathsep.join(dict.fromkeys(map(os.path.normpath, directories)))


def _lay_over_one(
    distribution: Distribution,
    home: str,
    facts: "Facts",
    installed: "list[str]",
    environment: "dict[str, str]",
) -> str:
    """Lay the host's flavour of one distribution over it, from where it is installed for the host or from a wheel.

    Returns:
        Why there is none; "" where all is well.
    """
    directory = f"{distribution.name}-{distribution.version}.dist-info"
    for site in installed:
        if os.path.isdir(os.path.join(site, directory)):
            other = Distribution(site, directory)
            members = {file: functools.partial(_bytes, os.path.join(site, file)) for file in other.files}
            _copy(distribution, members, home, facts)
            return ""
    try:
        wheel, reason = host_wheel(distribution, facts, environment)
        if not wheel:
            return reason
        with zipfile.ZipFile(wheel) as archive:
            found = {}
            for name in archive.namelist():
                place = _installed_name(name, distribution)
                if place:
                    found[place] = functools.partial(archive.read, name)
            _copy(distribution, found, home, facts)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        return str(error)
    return ""


def _bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _installed_name(name: str, distribution: Distribution) -> str:
    """Return a wheel member's path below the site directory (PEP 427); "" for places that nothing is linked from."""
    first, _, rest = name.partition("/")
    if name.endswith("/") or ".." in name.split("/") or name.startswith("/"):
        return ""
    if not first.endswith(".data"):
        return name
    scheme, _, below = rest.partition("/")
    if scheme in ("purelib", "platlib"):
        return below
    if scheme == "data" and distribution.site.count("/") > 3:
        return "../../../" + below
    return ""


def _copy(distribution: Distribution, members: "Mapping[str, Callable[[], bytes]]", home: str, facts: "Facts") -> None:
    """Put the host's files beside or over the build machine's, each as a new file: the old may be a hard link."""
    needed = distribution.needed_here()
    native: dict[str, str] = {}
    for file, read in members.items():
        path = os.path.normpath(os.path.join(distribution.site, file))
        if is_library(file):
            data = read()
            if not _is_host_library(data, facts):
                continue
            name = os.path.basename(file)
            if name in needed or (os.path.exists(path) and _soname_needed(path, needed)):
                # The build machine's own modules load it: the host's gets a place of its own, which is searched first.
                _write(os.path.join(home, "link", name), data)
                _link_plain_name(os.path.join(home, "link"), name)
                continue
            if os.path.exists(path):
                kept = os.path.join(home, "native", file)
                os.makedirs(os.path.dirname(kept), exist_ok=True)
                os.replace(path, kept)
                native[path] = kept
            _write(path, data)
        elif file.endswith((".a", ".pc", *HEADERS)) or CMAKE_PACKAGE.search(file):
            data = read()
            if not os.path.exists(path) or _bytes(path) != data:
                _write(path, data)
    if native:
        path = os.path.join(home, _NATIVE)
        with contextlib.suppress(OSError, ValueError):
            native = {**json.loads(_bytes(path)), **native}
        _write(path, json.dumps(native).encode())


def _soname_needed(path: str, needed: "set[str]") -> bool:
    """Whether a library is loaded by another of its names: a link to it, its SONAME."""
    real = os.path.basename(os.path.realpath(path))
    return any(name.startswith(real) or real.startswith(name) for name in needed)


def _is_host_library(data: bytes, facts: "Facts") -> bool:
    host = facts["identity"]
    # A linker script has no machine.
    return elf.machine(data[:64]) in (None, (host["number"], host["bits"], host["byte_order"]))


def _write(path: str, data: bytes) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.crossenv-{os.getpid()}"
    with open(temporary, "wb") as file:
        file.write(data)
    os.replace(temporary, path)


def _link_plain_name(directory: str, name: str) -> None:
    """Make libX.so lead to libX.so.1, for -lX; a wheel has no symbolic links."""
    plain = os.path.join(directory, name[: name.index(".so") + 3])
    if not os.path.lexists(plain):
        with contextlib.suppress(FileExistsError):
            os.symlink(name, plain)


def _target_requirements(home: str, facts: "Facts", environment: "dict[str, str]", said: "list[str]") -> "list[str]":
    """Return the directories of the project's declared host requirements; [] for none.

    That is `[build-system] target-requires` (xbuild's) and `[external] host-requires` (PEP 725).
    """
    text = text_of("pyproject.toml")
    if "target-requires" not in text and "host-requires" not in text:
        return []
    from _crossenv.refusal import fail

    project = pyproject(facts)
    for line in missing_requirements(project, facts):
        if line not in said:
            said.append(line)
            say(line)
    wanted = project.get("build-system", {}).get("target-requires", [])
    if not isinstance(wanted, list) or not all(isinstance(word, str) for word in wanted):
        fail("[build-system] target-requires in pyproject.toml is not a list of texts", "write it as PEP 518 has it")
    wanted = [*wanted, *host_distributions(project)]
    directory = os.path.join(home, "host")
    if wanted and not os.path.isdir(directory):
        good, words = run_pip(facts, ["install", "--quiet", "--target", directory, *wanted], environment)
        if not good:
            fail(f"what the project requires for the target cannot be installed: {words}", "provide wheels of it", 6)
    return [directory] if wanted else []


def native_library(name: "Any") -> "Any":
    """Return the library of this machine for `ctypes` to load, where the target's has replaced it."""
    link = os.environ.get(LINK_VARIABLE)
    if not link or not isinstance(name, (str, os.PathLike)):
        return name
    try:
        moved = json.loads(_bytes(os.path.join(os.path.dirname(link), _NATIVE)))
    except (OSError, ValueError):
        return name
    return moved.get(os.path.realpath(name), moved.get(os.path.normpath(os.fspath(name)), name))

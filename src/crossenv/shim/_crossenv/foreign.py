"""Says why a library or an extension module cannot be loaded here: it is the target's.

The system's own words are "cannot open shared object file: No such file or directory", of a file that is there, and
"No module named ...", of a module whose name has the target's suffix.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn


def refuse_module(name: str, path: str, facts: "dict[str, Any]") -> None:
    """Raise the error of an import that no finder could serve; return where somebody only asks for a spec."""
    # Two callers up: the finder, and `_find_spec` of importlib.
    frame = sys._getframe(2)
    if frame.f_code.co_name == "_find_spec" and frame.f_back and frame.f_back.f_code.co_name.startswith("_find_and"):
        raise ModuleNotFoundError(f"No module named {name!r} for this machine: {_words(path, facts)}", name=name)


def explain(error: "Exception", path: "Any", facts: "dict[str, Any]") -> None:
    """Raise `error`, of loading the file `path`, with the reason if that is that it is the target's."""
    try:
        text = os.fsdecode(path)
        foreign = os.path.isfile(text) and (_is_foreign(text) or text.startswith(facts["cross_site"] + "/"))
    except (TypeError, ValueError, OSError):
        foreign = False
    if foreign:
        _raise_with(error, f"{error}: {_words(text, facts)}")


def _raise_with(error: "Exception", text: str) -> "NoReturn":
    if isinstance(error, ImportError):
        raise ImportError(text, name=error.name, path=error.path) from error
    raise OSError(text) from error


def _words(path: str, facts: "dict[str, Any]") -> str:
    return (
        f"{path} is for the target ({facts['machine']}) and cannot be loaded here; run the program with"
        f" {facts['root']}/bin/cross-run, or, in a build, let CMake and Meson run such programs:"
        " `crossenv create --emulator`"
    )


def _is_foreign(path: str) -> bool:
    """Whether `path` is an ELF file for another machine than this one."""
    with open("/proc/self/exe", "rb") as own, open(path, "rb") as file:
        mine, header = own.read(20), file.read(20)
    return header[:4] == b"\x7fELF" and (header[4:6], header[18:20]) != (mine[4:6], mine[18:20])

"""Says why a library or an extension module cannot be loaded here: it is the target's.

The system's own words are "cannot open shared object file: No such file or directory", of a file that is there, and
"No module named ...", of a module whose name has the target's suffix.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from _crossenv.facts_types import Facts


_MEND = (
    "run the program with `cross-run python`, which has an emulator; a build that imports what it has compiled can only"
    " leave that step out"
)


def refuse_module(name: str, path: str, facts: "Facts") -> None:
    """Raise the error of an import that no finder could serve; return where somebody only asks for a spec."""
    # Two callers up: the finder, and `_find_spec` of importlib.
    frame = sys._getframe(2)
    if frame.f_code.co_name == "_find_spec" and frame.f_back and frame.f_back.f_code.co_name.startswith("_find_and"):
        raise ModuleNotFoundError(
            f"{path} is an extension module for the target ({facts['machine']}), which this machine cannot load;"
            f" {_MEND}",
            name=name,
        )


def explain(error: "Exception", path: "Any", facts: "Facts") -> None:
    """Raise `error`, of loading the file `path`, with the reason if that is that it is the target's."""
    try:
        text = os.fsdecode(path)
        if not os.path.isfile(text) or not (_is_foreign(text) or text.startswith(facts["cross_site"] + "/")):
            return
    except (TypeError, ValueError, OSError):
        return
    words = f"{text} cannot be loaded on this machine: it is for the target ({facts['machine']}); {_MEND} ({error})"
    if isinstance(error, ImportError):
        raise ImportError(words, name=error.name, path=error.path) from error
    raise OSError(words) from error


def _is_foreign(path: str) -> bool:
    """Whether `path` is an ELF file for another machine than this one."""
    with open("/proc/self/exe", "rb") as own, open(path, "rb") as file:
        mine, header = own.read(20), file.read(20)
    return header[:4] == b"\x7fELF" and (header[4:6], header[18:20]) != (mine[4:6], mine[18:20])

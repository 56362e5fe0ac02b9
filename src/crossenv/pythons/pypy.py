"""What PyPy's files tell where its configuration is code: that one answers for the machine that it runs on."""

from __future__ import annotations

import re
from pathlib import Path

from crossenv.errors import HostPythonError
from crossenv.platforms import DEFAULT
from crossenv.pythons.data_files import LIVE_NAME
from crossenv.pythons.model import ConfigValue

_SUFFIX = DEFAULT.module_suffix
_MODULE = re.compile(rf"[^.]+(\.(pypy3\d+-pp\d+)-([a-z0-9_]+(?:-[a-z0-9_]+)*){re.escape(_SUFFIX)})")


def is_live(file: Path) -> bool:
    """Whether a configuration is PyPy's code, which is not run."""
    return file.name == LIVE_NAME and file.parent.name.startswith("pypy3")


def configuration_by_names(file: Path) -> dict[str, ConfigValue]:
    """The configuration that PyPy's own extension modules tell by their names.

    Args:
        file: The live `_sysconfigdata.py`, in `lib/pypy3.X`.

    Raises:
        HostPythonError: There are none, or of several machines.
    """
    stdlib = file.parent
    matches = {
        match[1]: match for match in map(_MODULE.fullmatch, (path.name for path in stdlib.glob(f"*{_SUFFIX}"))) if match
    }
    if len(matches) != 1:
        raise HostPythonError(
            f"{file} is code that answers for the machine it runs on, and no extension module beside it names a target",
            hint="name a PyPy that has a static _sysconfigdata__TRIPLET.py (7.3.17 or later)",
        )
    (match,) = matches.values()
    version = stdlib.name.removeprefix("pypy")
    return {
        "ABIFLAGS": "",
        "AR": "ar",
        "ARFLAGS": "rc",
        "CC": "cc -pthread",
        "CCSHARED": "-fPIC",
        "CFLAGS": "-DNDEBUG -O2",
        "CXX": "c++ -pthread",
        "EXT_SUFFIX": match[1],
        "LDFLAGS": "-Wl,-Bsymbolic-functions",
        "LDSHARED": "cc -pthread -shared -Wl,-Bsymbolic-functions",
        "LDVERSION": version,
        "MULTIARCH": match[3],
        "OPT": "-DNDEBUG -O2",
        "Py_DEBUG": 0,
        "Py_ENABLE_SHARED": 0,
        "SHLIB_SUFFIX": _SUFFIX,
        "SOABI": match[2],
        "VERSION": version,
    }

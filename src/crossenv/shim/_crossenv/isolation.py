"""Takes the shim into the isolated environments that front ends make for a build, and into no others."""

import os
import sys

from _crossenv.refusal import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

START_FILES = ("000_crossenv.pth", "000_crossenv_check.pth")
# The modules that make environments for builds.
_MAKERS = ("build.env.", "pip._internal.build_env.")


def adapt_environment(env_dir: str, facts: "dict[str, Any]") -> None:
    """Link the shim into `env_dir` if a front end makes it for a build; say that it is native if somebody else does."""
    if not _is_for_build():
        sys.stderr.write(
            f"crossenv: {env_dir} is an environment for this machine: what is built in it is not for the target\n"
        )
        return
    home = facts["shim"]
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}{'t' if 't' in sys.abiflags else ''}"
    site_packages = os.path.join(env_dir, "lib", version, "site-packages")
    if not os.path.isdir(site_packages):
        fail(
            f"the isolated environment {env_dir} was made for another Python than this one",
            "take VIRTUALENV_PYTHON out of the environment, and `python` out of virtualenv.ini",
        )
    # Links, not copies: they tell `_crossenv.find_place` an isolated environment from a site directory that was copied
    # elsewhere.
    for name in ("_crossenv", *START_FILES):
        link = os.path.join(site_packages, name)
        if not os.path.lexists(link):
            os.symlink(os.path.join(home, name), link)


def _is_for_build() -> bool:
    """Whether one of the callers is a front end that makes itself an environment for a build."""
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if f"{frame.f_globals.get('__name__')}.".startswith(_MAKERS):
            return True
    return False

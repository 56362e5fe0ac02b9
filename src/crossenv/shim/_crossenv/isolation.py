"""Takes the shim into the isolated environments that front ends make for a build."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# `crossenv.environment.write.start_file` says why.
START_FILE = "000_crossenv.pth" if sys.version_info < (3, 18) else "000_crossenv.start"


def link_shim(env_dir: str, facts: "dict[str, Any]") -> None:
    """Link the shim into the virtual environment `env_dir`.

    A link, not a copy: it is how `_crossenv.find_place` knows an isolated environment from a site directory that was
    copied elsewhere.
    """
    home = facts["shim"]
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}{'t' if 't' in sys.abiflags else ''}"
    site_packages = os.path.join(env_dir, "lib", version, "site-packages")
    if not os.path.isdir(site_packages):
        return
    for name in ("_crossenv", START_FILE):
        link = os.path.join(site_packages, name)
        if not os.path.lexists(link):
            os.symlink(os.path.join(home, name), link)

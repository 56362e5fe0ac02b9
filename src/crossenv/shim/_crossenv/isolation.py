"""Takes the shim into the isolated environments that front ends make for a build."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _crossenv.facts_types import Facts

START_FILES = ("000_crossenv.pth", "000_crossenv_check.pth")
# Of the front ends that make an environment for a build: `build`, and pip with venv-isolation.
_FRONT_ENDS = ("build.env", "pip._internal.build_env")


def adopt(env_dir: str, facts: "Facts") -> None:
    """Take the shim into a new virtual environment if a front end made it for a build; say that others are native."""
    if _is_for_build():
        link_shim(env_dir, facts)
    elif sys.stderr is not None:
        sys.stderr.write(f"crossenv: note: {env_dir} is an environment for this machine; what it builds is native\n")


def _is_for_build() -> bool:
    """Whether one of the callers is a front end that makes itself an environment for a build."""
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        # A module, or one in the package of that name.
        if f"{frame.f_globals.get('__name__')}.".startswith(tuple(f"{name}." for name in _FRONT_ENDS)):
            return True
    return False


def starts_shim(python: str, facts: "Facts") -> bool:
    """Whether the interpreter `python` starts this environment's shim: its own, or one made for a build."""
    prefix = os.path.dirname(os.path.dirname(os.path.abspath(python)))
    try:
        if facts["in_place"]:
            # All environments of a converted installation start the shim.
            return os.path.samefile(python, sys.executable)
        if any(os.path.samefile(prefix, own) for own in (facts["root"], facts["root"] + "/cross")):
            return True
        return os.path.samefile(
            os.path.join(_site_packages(prefix, facts), "_crossenv"), facts["cross_site"] + "/_crossenv"
        )
    except OSError:
        return False


def _site_packages(prefix: str, facts: "Facts") -> str:
    """Return the directory of packages of another environment of this interpreter, named as this environment's is."""
    version = os.path.basename(os.path.dirname(facts["cross_site"]))
    return os.path.join(prefix, "lib", version, "site-packages")


def link_shim(env_dir: str, facts: "Facts") -> None:
    """Link the shim into the virtual environment `env_dir`.

    A link, not a copy: it is how `_crossenv.find_place` knows an isolated environment from a site directory that was
    copied elsewhere.
    """
    home = facts["cross_site"]
    site_packages = _site_packages(env_dir, facts)
    if not os.path.isdir(site_packages):
        from _crossenv.refusal import fail

        fail(
            f"the environment {env_dir}, made for a build, is of another Python than {sys.version.partition(' ')[0]}",
            "unset VIRTUALENV_PYTHON, and take `python` out of virtualenv's configuration file",
        )
    for name in ("_crossenv", *START_FILES):
        link = os.path.join(site_packages, name)
        if not os.path.lexists(link):
            os.symlink(os.path.join(home, name), link)

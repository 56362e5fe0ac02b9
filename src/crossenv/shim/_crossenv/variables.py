"""Environment variables of the processes in a build: the user's own (`crossenv create --env`), and the hooks'.

The user's own are set once and inherited, so that a value is appended once. A process in role "build" takes them back:
flags for the target's compiler are not for native builds. The hooks' variables are taken back likewise, and also where
another environment or back end starts. `outer_environment` is for front ends that a hook starts.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping, Sequence

# Whose variables are in place: the environment's root, their names separated by commas, and "NAME=VALUE" of those that
# were there before. Parts are separated by a character that no value has.
MARK = "CROSSENV_VARIABLES"
# What hook processes have been given: "NAME=VALUE", separated likewise.
DEFAULTS_MARK = "CROSSENV_HOOK_VARIABLES"
_SEPARATOR = "\x1f"


def apply(variables: "Sequence[tuple[str, str, str]]", root: str, environ: "MutableMapping[str, str]") -> None:
    """Put `variables`, of (name, operator, value), of the environment in `root` into `environ`."""
    names = list(dict.fromkeys(name for name, _operator, _value in variables))
    mark = [root, ",".join(names)]
    if environ.get(MARK, "").split(_SEPARATOR)[:2] == mark:
        return
    # Another environment's, where its build starts one of this one.
    take_back(environ)
    before = [f"{name}={environ[name]}" for name in names if name in environ]
    environ[MARK] = _SEPARATOR.join([*mark, *before])
    for name, operator, value in variables:
        old = environ.get(name)
        if operator == "?=" and old is not None:
            continue
        separator = {"+=": "", ":=": ":"}.get(operator)
        environ[name] = value if old is None or separator is None else old + separator + value


def take_back(environ: "MutableMapping[str, str]") -> None:
    """Make `environ` what it was before `apply`."""
    _root, names, *before = [*environ.pop(MARK, "").split(_SEPARATOR), ""]
    for name in filter(None, names.split(",")):
        environ.pop(name, None)
    environ.update(_pairs(before))


def set_defaults(variables: "Mapping[str, str]", environ: "MutableMapping[str, str]") -> None:
    """Put `variables` into `environ` where they are not set."""
    ours = {name: value for name, value in variables.items() if name not in environ}
    environ.update(ours)
    environ[DEFAULTS_MARK] = _SEPARATOR.join(f"{name}={value}" for name, value in ours.items())


def defaults(environ: "Mapping[str, str]") -> "dict[str, str]":
    """Return the variables of `environ` that `set_defaults` set and that have not changed since."""
    given = _pairs(environ.get(DEFAULTS_MARK, "").split(_SEPARATOR))
    return {name: value for name, value in given.items() if environ.get(name) == value}


def _pairs(items: "Iterable[str]") -> "dict[str, str]":
    pairs = (item.partition("=") for item in items)
    return {name: value for name, _, value in pairs if name}


def take_back_defaults(environ: "MutableMapping[str, str]") -> None:
    """Undo `set_defaults`; what the build itself has changed since then stays."""
    for name in defaults(environ):
        del environ[name]
    environ.pop(DEFAULTS_MARK, None)


class WithoutDefaults:
    """A context in which `environ` lacks what `set_defaults` has put into it."""

    def __init__(self, environ: "MutableMapping[str, str]") -> None:
        self.environ = environ
        self.hidden: dict[str, str] = {}

    def __enter__(self) -> None:
        self.hidden = defaults(self.environ)
        for name in self.hidden:
            del self.environ[name]

    def __exit__(self, *_: object) -> None:
        self.environ.update(self.hidden)


# pip's record of the current build, and its settings for the user's own command.
_OF_THIS_BUILD = frozenset(
    (
        *("CROSSENV_ROLE", "CROSSENV_STATUS_DIRECTORY", "PYTHONNOUSERSITE", "PIP_BUILD_TRACKER", "PIP_REQ_TRACKER"),
        *("PIP_REQUIRE_HASHES", "PIP_NO_BUILD_ISOLATION", "PIP_REQUIREMENT", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"),
        *("PIP_PYTHON", "PIP_NO_BINARY", "PIP_ONLY_BINARY", "PIP_PREFER_BINARY", "PIP_WHEEL_DIR", "PIP_NO_DEPS"),
    )
)


def outer_environment() -> "dict[str, str]":
    """Return the environment variables for a front end of our own: without those that describe the build we are in."""
    environment = dict(os.environ)
    for name in list(environment):
        if name.startswith(("_PYPROJECT_HOOKS_", "PEP517_")) or name in _OF_THIS_BUILD:
            del environment[name]
    for name in ("PATH", "PYTHONPATH"):
        entries = environment.get(name, "").split(os.pathsep)
        kept = [entry for entry in entries if "/pip-build-env-" not in entry]
        if any(kept):
            environment[name] = os.pathsep.join(kept)
        else:
            environment.pop(name, None)
    return environment

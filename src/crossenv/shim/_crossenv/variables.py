"""The user's own environment variables of the processes that answer for the host (`crossenv create --env`).

They are put in place once and inherited from then on: what is appended is appended once. A process that works for the
build machine takes them back: flags for the host's compiler are not for native builds.

The variables that hook processes get where the user has not set them are taken back likewise, and also where another
environment or back end starts.
"""

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

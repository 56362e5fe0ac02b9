"""The user's own environment variables of the processes that answer for the host (`crossenv create --env`).

They are put in place once and inherited from then on: what is appended is appended once. A process that works for the
build machine takes them back: flags for the host's compiler are not for native builds.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

# Whose variables are in place, and their names: "ROOT:NAME,NAME". What they were before is in variables of their own.
MARK = "CROSSENV_VARIABLES"
_BEFORE = "CROSSENV_BEFORE_"


def apply(variables: "Sequence[tuple[str, str, str]]", root: str, environ: "MutableMapping[str, str]") -> None:
    """Put `variables`, of (name, operator, value), of the environment in `root` into `environ`."""
    names = list(dict.fromkeys(name for name, _operator, _value in variables))
    mark = f"{root}:{','.join(names)}"
    if environ.get(MARK) == mark:
        return
    # Another environment's, where its build starts one of this one.
    take_back(environ)
    for name in names:
        if name in environ:
            environ[_BEFORE + name] = environ[name]
    environ[MARK] = mark
    for name, operator, value in variables:
        old = environ.get(name)
        if operator == "?=" and old is not None:
            continue
        separator = {"+=": "", ":=": ":"}.get(operator)
        environ[name] = value if old is None or separator is None else old + separator + value


def take_back(environ: "MutableMapping[str, str]") -> None:
    """Make `environ` what it was before `apply`."""
    _root, _, names = environ.pop(MARK, "").rpartition(":")
    for name in filter(None, names.split(",")):
        before = environ.pop(_BEFORE + name, None)
        if before is None:
            environ.pop(name, None)
        else:
            environ[name] = before

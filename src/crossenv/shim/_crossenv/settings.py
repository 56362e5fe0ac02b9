"""What the environment's record declares for single build back ends (`handover.backends`)."""

import functools
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from _crossenv.facts_types import Backend, Facts

# Where each hook has `config_settings` among its arguments (PEP 517, PEP 660).
_POSITIONS = {
    "build_wheel": 1,
    "build_editable": 1,
    "prepare_metadata_for_build_wheel": 1,
    "prepare_metadata_for_build_editable": 1,
    "get_requires_for_build_wheel": 0,
    "get_requires_for_build_editable": 0,
}
_MARK = "crossenv_settings"
_NOTHING: "Backend" = {
    "settings": {},
    "environment": {},
    "fails_by_itself": False,
    "falls_back": "",
    "build_directory": [],
    "jobs_setting": "",
}


def declared(facts: "Facts", module: str) -> "Backend":
    """What is declared for `module`, for the nearest package that holds it, or for every back end not listed."""
    backends = facts["backends"]
    name = module
    while name and name not in backends:
        name = name.rpartition(".")[0]
    return backends.get(name, _NOTHING)


def adapt(backend: "Any", facts: "Facts", module: str, *, known: bool = True) -> None:
    """Give the hooks of `backend`, a module or an object of `module`, the declared settings before the user's."""
    ours = declared(facts, module)
    settings = dict(ours["settings"])
    # Set by `crossenv wheel`, which runs several builds at a time.
    jobs = os.environ.get("CROSSENV_JOBS", "")
    if jobs.isdigit() and ours["jobs_setting"]:
        settings[ours["jobs_setting"]] = ["-j" + jobs]
    if not settings and not ours["build_directory"]:
        return

    def merge(users: "Any", hook: str) -> "dict[str, Any]":
        from _crossenv import build_directories

        given = merged(settings, users)
        editable = hook.endswith("editable")
        return build_directories.settled(ours["build_directory"], given, facts, os.environ, editable=editable)

    change(backend, merge, _MARK, known=known)


def _takes_settings(function: "Any") -> bool:
    code = getattr(function, "__code__", None)
    return code is not None and "config_settings" in code.co_varnames


def change(backend: "Any", merge: "Callable[[Any, str], dict[str, Any]]", mark: str, *, known: bool = True) -> None:
    """Call the hooks of `backend` with `merge(config_settings, name of the hook)`, once for each `mark`.

    Where it is not known to be a back end, a function counts as a hook if it takes `config_settings`:
    scikit_build_core.build.wheel has a `build_wheel` of its own.
    """

    def changed(name: str, hook: "Any", position: int) -> "Any":
        @functools.wraps(hook)
        def call(*args: "Any", **kwargs: "Any") -> "Any":
            words = list(args)
            if len(words) > position:
                words[position] = merge(words[position], name)
            else:
                kwargs["config_settings"] = merge(kwargs.get("config_settings"), name)
            return hook(*words, **kwargs)

        setattr(call, mark, True)
        return call

    for name, position in _POSITIONS.items():
        hook = getattr(backend, name, None)
        if hook is not None and not hasattr(hook, mark) and (known or _takes_settings(hook)):
            setattr(backend, name, changed(name, hook, position))


def merged(ours: "dict[str, list[str]]", users: "dict[str, Any] | None") -> "dict[str, Any]":
    """`users` with the values of `ours` put before those of the same key, in the way of pip's `-C KEY=VALUE`."""
    result: dict[str, Any] = dict(users or {})
    for key, values in ours.items():
        old = result.get(key, [])
        together = [*values, *([old] if isinstance(old, str) else old)]
        result[key] = together[0] if len(together) == 1 else together
    return result

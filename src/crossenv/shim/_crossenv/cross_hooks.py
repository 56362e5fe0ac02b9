"""Tells a back end that asks for it which machine it builds for: docs/explanation/pep-cross-builds.md.

A back end asks in one of two ways, by attributes of the back-end object (PEP 517):

- `cross_build_info_versions`, a sequence of integers: its hooks want the path of a description of the cross build in
  `config_settings`, under the key `cross-build-info`, where one of these major versions can be had.
- `cross_build_wheel`: a hook that is called in place of `build_wheel`, with that description itself.

Every other back end is called as ever.
"""

import functools
import os
import sys

from _crossenv import settings
from _crossenv.refusal import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from _crossenv.facts_types import Facts

KEY = "cross-build-info"
VERSIONS = "cross_build_info_versions"
HOOK = "cross_build_wheel"


def tell(backend: "Any", facts: "Facts") -> None:
    """Make `backend` (a module or an object) hear of the host in the way that it asks for."""
    declared = getattr(backend, VERSIONS, None)
    hook = getattr(backend, HOOK, None)
    if declared is None and hook is None:
        return
    if declared is not None and not _accepts(backend, declared):
        return
    path = facts["root"] + "/crossenv.json"
    if declared is not None:
        settings.change(backend, lambda users, _hook: _merged(users, path), "crossenv_told")
    if hook is not None:
        backend.build_wheel = _instead(hook, path, with_setting=declared is not None)


def _accepts(backend: "Any", declared: "Any") -> bool:
    """Whether the back end reads the version of the description that there is."""
    name = getattr(backend, "__name__", type(backend).__name__)
    if not isinstance(declared, (tuple, list)) or not all(type(version) is int for version in declared):
        fail(f"{VERSIONS} of the back end {name} is not a tuple of integers", "write it as (1,)", 6)
    from _crossenv import crossenv_info

    if crossenv_info.MAJOR_VERSION in declared:
        return True
    sys.stderr.write(
        f"crossenv: warning: the back end {name} reads descriptions of a cross build of version"
        f" {', '.join(map(str, declared)) or 'none'}; this is version {crossenv_info.MAJOR_VERSION}, so it gets none\n"
    )
    return False


def _merged(given: "Any", path: str) -> "dict[str, Any]":
    """The settings with ours; a user's own wins."""
    return {KEY: path, **(given or {})}


def _instead(hook: "Any", path: str, *, with_setting: bool) -> "Any":
    """A `build_wheel` that calls the hook for cross builds."""
    from _crossenv import crossenv_info

    @functools.wraps(hook)
    def build_wheel(
        wheel_directory: str,
        config_settings: "dict[str, Any] | None" = None,
        metadata_directory: "str | None" = None,
    ) -> str:
        settings = _merged(config_settings, path) if with_setting else config_settings
        # A copy of its own, of the file that the user names if the user names one.
        try:
            described = crossenv_info.read_document(str((settings or {}).get(KEY) or path))
        except crossenv_info.CrossInfoError as error:
            fail(str(error), f"name a crossenv.json with --config-settings {KEY}=PATH, or leave that out", 6)
        name = hook(wheel_directory, described, settings, metadata_directory)
        if not isinstance(name, str) or os.path.basename(name) != name:
            fail(
                f"{HOOK} of the back end returned {name!r}",
                "it has to return the name of the wheel, as build_wheel does",
                6,
            )
        return name

    return build_wheel

"""The environment variables for a front end that is started within a build."""

import os

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

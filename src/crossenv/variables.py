"""The environment variables of this tool's own, `CROSSENV_...`: all of them, in one table.

Users set or read those of `PUBLIC`, which docs/reference/variables.md explains. Those of `OWN` go from one process of a
build to another and may change with any release.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crossenv.config import CHOICES, FLAGS, TEXTS, WITHOUT_VARIABLE, variable_name

PUBLIC: frozenset[str] = frozenset(
    (
        # The settings' own.
        *(variable_name(name) for name in (*TEXTS, *FLAGS, *CHOICES) if name not in WITHOUT_VARIABLE),
        *("CROSSENV_ALLOW_PURE", "CROSSENV_DEBIAN_MIRROR", "CROSSENV_JOBS", "CROSSENV_RECORD", "CROSSENV_ROLE"),
        *("CROSSENV_PROJECT_PLATFORM", "CROSSENV_STATUS_DIRECTORY"),
    )
)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of this tool's own.

    Attributes:
        value: What it holds.
        set_by: The modules that set it; those of the shim begin with `_crossenv`.
        read_by: The modules that read it, or that write the files which do.
    """

    value: str
    set_by: tuple[str, ...]
    read_by: tuple[str, ...]


OWN: Mapping[str, Variable] = {
    "CROSSENV_BUILD_ROOTS": Variable(
        "The site directories of a hook process, joined with `:`.", ("_crossenv.hooks",), ("backends.cmake",)
    ),
    "CROSSENV_COMPILER_CALLED": Variable(
        "A file to which compilers write when they are called, where a back end may go on after a failed compile.",
        ("_crossenv.attempts",),
        ("_crossenv.attempts", "_crossenv.host_files", "compilers.launchers", "compilers.zig.launcher"),
    ),
    "CROSSENV_DEPENDENCIES": Variable(
        "Options by which the preprocessor that ccache starts writes a file of dependencies.",
        ("compilers.cache",),
        ("compilers.cache",),
    ),
    "CROSSENV_ENVIRONMENT_DIRECTORY": Variable(
        "The environment's directory, kept out of results.",
        ("_crossenv.hooks",),
        ("compilers.launchers", "compilers.zig.launcher"),
    ),
    "CROSSENV_FILES": Variable(
        "The root of the environment whose files Python sees below a hook; then where its compiler looks for headers.",
        ("_crossenv.host_files",),
        ("_crossenv", "_crossenv.host_files", "_crossenv.patches"),
    ),
    "CROSSENV_HOOK_VARIABLES": Variable(
        "The variables that a hook process was given, with their values.",
        ("_crossenv.variables",),
        ("_crossenv", "_crossenv.variables"),
    ),
    "CROSSENV_HOST_PATH": Variable(
        "The path of the interpreter on the target, where the kernel cannot start it.",
        ("emulation.command",),
        ("_crossenv.guest",),
    ),
    "CROSSENV_LAUNCHER": Variable(
        "What starts the target's interpreter there.", ("emulation.command",), ("_crossenv", "_crossenv.guest")
    ),
    "CROSSENV_LINK_DIRECTORY": Variable(
        "Libraries of the target with the names of those that build requirements load here.",
        ("_crossenv.overlay",),
        ("_crossenv.overlay", "_crossenv.patches", "compilers.launchers", "compilers.zig.launcher"),
    ),
    "CROSSENV_MORE_REQUIREMENTS_DIRECTORY": Variable(
        "pip's second prefix of build requirements.",
        ("_crossenv.hooks",),
        ("compilers.cache", "compilers.launchers", "compilers.zig.launcher"),
    ),
    "CROSSENV_OVERLAY_STACK": Variable(
        "The build requirements that are being built for the target, one within another.",
        ("_crossenv.host_wheels",),
        ("_crossenv.host_wheels", "_crossenv.patches"),
    ),
    "CROSSENV_PIP_OPTIONS": Variable(
        "The index options of the command that runs, as JSON.",
        ("_crossenv.hooks", "_crossenv.pip_commands", "_crossenv.uv_command"),
        ("_crossenv.host_wheels",),
    ),
    "CROSSENV_PKG_CONFIG_PATH": Variable(
        "Directories with `.pc` files of build requirements.", ("_crossenv.overlay",), ("backends.pkg_config",)
    ),
    "CROSSENV_PYTHON": Variable(
        "`sys.executable` of a hook process.", ("_crossenv.hooks",), ("backends.cmake", "backends.meson")
    ),
    "CROSSENV_REQUIREMENTS_DIRECTORY": Variable(
        "The prefix of build requirements, kept out of results.",
        ("_crossenv.hooks",),
        ("compilers.cache", "compilers.launchers", "compilers.zig.launcher"),
    ),
    "CROSSENV_SOURCE_DIRECTORY": Variable(
        "The project's directory, likewise.",
        ("_crossenv.hooks",),
        ("compilers.cache", "compilers.launchers", "compilers.zig.launcher"),
    ),
    "CROSSENV_UV": Variable(
        "uv's command: `build` or `pip install`.", ("_crossenv.uv_command",), ("_crossenv", "_crossenv.hooks")
    ),
    "CROSSENV_VARIABLES": Variable(
        "Which variables of `create --env` are in place, and what they were before.",
        ("_crossenv.variables",),
        ("_crossenv", "_crossenv.variables"),
    ),
}

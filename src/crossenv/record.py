"""The record of an environment: the one hand-over between creating it and living in it.

`ENV/crossenv.json` holds a `Record` with absolute, resolved values. Every command
that works with an existing environment reads it, and finds nothing out anew. Readers refuse another `SCHEMA`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossenv.codec import WrongValueError, decode, encode
from crossenv.errors import UsageError, reason_of
from crossenv.libc.policies import Policy
from crossenv.pythons.model import Host

SCHEMA = 11
RECORD_NAME = "crossenv.json"
# Runs the target's programs; below the environment's root.
CROSS_RUN = "bin/cross-run"
# The target's Python in the layout of an installation: `lib/pythonX.Y`, `include/pythonX.Y`, `lib/pkgconfig`. Build
# scripts find one of these directories from another.
PREFIX = "host"


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildRecord:
    """The build side.

    Attributes:
        python: The build Python's own executable (what the environment's interpreters are made from).
        version: Its full version, "3.11.7".
        machine: The build machine, `os.uname().machine`.
        site_packages: Where build-side packages are.
    """

    python: str
    version: str
    machine: str
    site_packages: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HostRecord(Host):
    """The host Python and its machine, as the environment's processes see them.

    The shim's facts, `crossenv_info` and the judge's expectations follow from it.

    Attributes:
        source: What the user named.
        extension_suffixes: The suffixes of extension modules that it imports, the full one first.
        executable: The interpreter's path on the target.
        sysroot: The root of the target's files here; None if there is none.
        include_dirs: Where its headers are.
        lib_dir: Where its libpython is, if anywhere.
        sysconfigdata: The localised `_sysconfigdata_*.py`.
        site_packages: Where host-side packages are installed.
        platform_tag: The platform tag of the wheels built here (PEP 425, PEP 600): with a promise if the target makes
            one, else `plain_tag`.
    """

    source: str
    extension_suffixes: tuple[str, ...]
    executable: str
    sysroot: str | None
    include_dirs: tuple[str, ...]
    lib_dir: str | None
    sysconfigdata: str
    site_packages: str
    platform_tag: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolRecord:
    """One tool.

    Attributes:
        command: The path that builds call: the tool's, or that of our launcher where it needs arguments.
        path: The tool.
        args: The arguments that the launcher puts first.
        origin: How the tool was chosen.
    """

    command: str
    path: str
    args: tuple[str, ...]
    origin: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolchainRecord:
    """The toolchain; see `crossenv.compilers.model.Toolchain`.

    Attributes:
        family: "gcc" or "clang".
        version: The compiler's version.
        triplet: "aarch64-linux-gnu".
        sysroot: The launchers' --sysroot; None if they pass none.
        tools: The tools by usual name: cc, cxx, fc, ar, strip, ...
        macros: The compiler's predefined macros for the target.
        pkg_config_libdir: Where the target's `.pc` files are.
    """

    family: str
    version: str
    triplet: str
    sysroot: str | None
    tools: dict[str, ToolRecord]
    macros: dict[str, str]
    pkg_config_libdir: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class VariableRecord:
    """An environment variable of the processes that answer for the target.

    Attributes:
        name: Its name.
        operator: "=" sets it, "?=" where it is not set, "+=" appends, ":=" appends behind a colon.
        value: Its value, or the text to append.
    """

    name: str
    operator: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BackendRecord:
    """The shim's work for one build back end.

    Attributes:
        settings: The `config_settings` (PEP 517) that its hooks get; the user's own come last.
        environment: Variables for the processes that run its hooks, unless the user has set them.
        fails_by_itself: Whether a failing compile ends its builds. Such back ends also compile probes, so a wheel
            without native code is not suspect.
        falls_back: A regular expression. If pyproject.toml matches it, a build goes on after a failed compile all the
            same; "" for none.
        build_directory: The places that name a build directory inside the source tree, the strongest first:
            "setting:NAME", "variable:NAME", "project:TABLE.KEY" of pyproject.toml, "path:DIRECTORY"; for editable
            builds "default:DIRECTORY" and "tree:tool.NAME.KEY" (see `_crossenv.build_directories.settled`).
        jobs_setting: The setting for `-jN`, of back ends that use all cores and read no variable.
    """

    settings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    fails_by_itself: bool = False
    falls_back: str = ""
    build_directory: tuple[str, ...] = ()
    jobs_setting: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class HandoverRecord:
    """What the processes that run build back ends get.

    Attributes:
        environment: Variables for all of them, unless the user has set them.
        backends: The shim's work for each back end, by the module or package of its hooks ("mesonpy"); the key "" is
            for back ends that are not listed.
        allow_pure: Projects, by normalised name, that may lose their extension modules; "*" for all.
        repair: Whether to put the target's libraries into wheels that need them; a build can say otherwise.
        emulator: Whether Meson and CMake may run the target's programs, through `bin/cross-run`.
        policy: The policy that wheels must keep; None if nothing was promised.
        variables: The user's own variables, for every process that answers for the target, in their order.
        accepted_platforms: The platform tags of ready-made wheels that may be installed; empty for all that the target
            can load.
    """

    environment: dict[str, str]
    backends: dict[str, BackendRecord]
    allow_pure: tuple[str, ...]
    repair: bool = False
    emulator: bool = False
    policy: Policy | None = None
    variables: tuple[VariableRecord, ...] = ()
    accepted_platforms: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Everything that an environment knows about itself.

    Attributes:
        schema: The format's number, `SCHEMA`.
        crossenv: The version of the tool that made the environment.
        crossenv_python: The interpreter that has this tool; "" if environments may not call it.
        root: The environment's directory.
        prompt: What activation shows.
        in_place: Whether the environment is an installation that was converted.
        pip: Whether the host side has pip.
        build_pip: Whether the build side has pip.
        cross_prefix: The host side's directory outside the environment, to which `cross` links; None for inside.
        found: The entries of `root` that are older than the environment; --clear leaves them.
        config_vars: The configuration variables of the host Python that the user has set.
        pip_cache: The environment's pip cache.
        requirements_cache: Where wheels of build requirements for the target are kept.
        build_key: A hash in the names of build directories; it differs where builds would make other files.
        build: The build side.
        host: The host side.
        toolchain: How to compile for the target.
        handover: What back ends get.
        cross_build_info: The public part, which has a version of its own (docs/reference/crossenv-info.md).
    """

    schema: int = SCHEMA
    crossenv: str
    crossenv_python: str
    root: str
    prompt: str
    in_place: bool
    pip: bool
    build_pip: bool
    cross_prefix: str | None
    found: tuple[str, ...]
    config_vars: dict[str, str]
    pip_cache: str
    requirements_cache: str
    build_key: str
    build: BuildRecord
    host: HostRecord
    toolchain: ToolchainRecord
    handover: HandoverRecord = field(default_factory=lambda: HandoverRecord(environment={}, backends={}, allow_pure=()))
    cross_build_info: dict[str, Any] = field(default_factory=dict)

    @property
    def sysroot(self) -> str | None:
        """The root of the target's files, for compilers and loaders; None if there is none."""
        return self.toolchain.sysroot or self.host.sysroot

    @property
    def made_libraries(self) -> str | None:
        """The directory of Python's library and its `build-details.json`, if crossenv made them; else None."""
        place = self.host.lib_dir
        return place if place is not None and Path(place).is_relative_to(self.root) else None

    @property
    def library_directories(self) -> tuple[Path, ...]:
        """Where the target's loader looks for libraries, below that root; none without one."""
        root = self.sysroot
        return () if root is None else self.host.platform.library_directories(Path(root), self.host.multiarch)

    def to_json(self) -> str:
        """The record as the text of `crossenv.json`."""
        return encode(self)


def parse_record(text: str, source: Path) -> Record:
    """Read a record from its text.

    Raises:
        UsageError: It is not JSON, of another schema, or a key is missing or of the wrong type; the message names
            the key's path.
    """
    hint = "create the environment again: crossenv create --clear ..."
    try:
        data = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{source} is not a record: {error}", hint=hint) from None
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise UsageError(f"{source} is of schema {schema!r}; this crossenv reads schema {SCHEMA}", hint=hint)
    try:
        return decode(Record, data)
    except WrongValueError as error:
        raise UsageError(f"{source} is damaged: {error}", hint=hint) from None


def load_record(environment: Path) -> Record:
    """The record of the environment in `environment`.

    Raises:
        UsageError: There is no environment, a half-made one, or its record is unusable.
    """
    path = environment / RECORD_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        fault = f"is not a cross environment (it has no {RECORD_NAME})" if environment.exists() else "does not exist"
        raise UsageError(
            f"{environment} {fault}",
            hint="name one made by `crossenv create`, or activate it first",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {reason_of(error)}", hint="check its permissions") from None
    record = parse_record(text, path)
    here = environment.resolve()
    if here != Path(record.root).resolve():
        raise UsageError(
            f"{environment} was created as {record.root} and has been moved or copied",
            hint="create it again where it is now",
        )
    return record

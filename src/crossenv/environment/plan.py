"""Plan an environment: decide its record, files and links. Nothing here touches the disk."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import canonicalize_name

import crossenv
from crossenv.backends import BACKENDS
from crossenv.compilers.cache import CACHED, DIRECT, PROGRAMS, cached_files
from crossenv.compilers.launchers import (
    COMPILERS,
    launcher_name,
    launcher_text,
    leading_arguments,
    maps_prefixes,
    trailing_arguments,
)
from crossenv.compilers.model import Tool, Toolchain
from crossenv.compilers.zig.launchers import CONFIGURATION_NAME
from crossenv.environment.build_info import public_part
from crossenv.environment.fingerprint import NO_MATTER
from crossenv.environment.isolation_base import base_copies, base_files, base_links
from crossenv.environment.localise import data_module_text, localise
from crossenv.files import script_body
from crossenv.libc.policies import policy_of
from crossenv.pythons.build_details import build_details
from crossenv.pythons.build_python import BuildPython
from crossenv.pythons.model import Host, HostPython
from crossenv.record import (
    CROSS_RUN,
    PREFIX,
    RECORD_NAME,
    BackendRecord,
    BuildRecord,
    HandoverRecord,
    HostRecord,
    Record,
    ToolchainRecord,
    ToolRecord,
    VariableRecord,
)
from crossenv.targets import Target

_NOTHING: Mapping[Path, str | bytes | Path] = {}
# Where files of the host Python that are made for the environment are, below its root.
HOST_FILES = "host/python"
# Where the environment's own compilers are, below its root.
LAUNCHERS = "etc/bin"
# Scripts of the shim that launchers start.
_HELPERS = ("response_words", "foreign_objects")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The user's choices besides the host Python, the toolchain and the build Python.

    Attributes:
        prompt: The prompt of an activated shell; None for the directory's name.
        pip: Whether the host side gets pip.
        build_pip: Whether the build side gets pip.
        system_site_packages: Whether the build side sees the build Python's own packages.
        allow_pure: Projects that may lose their extension modules; "*" for all.
        user_pip_cache: The user's ordinary pip cache, whose downloads are shared; None for none.
        repair: Whether to put the target's libraries into wheels that need them.
        emulator: Whether Meson and CMake may run the target's programs under an emulator.
        crossenv_python: The interpreter that has this tool; "" if environments may not call it.
        programs: The directory of this tool's scripts, which may hold uv too.
        user_cache: The directory for wheels that environments share; None if they share none.
        cross_prefix: The directory of the host side; None for one in the environment.
        config_vars: New values for configuration variables of the host Python.
        variables: Environment variables for the processes that answer for the target.
        accepted_platforms: The platform tags of ready-made wheels; none for all that the target can load.
        compile_cache: ccache or sccache, for compilers to go through; None for neither.
        beside: Whether the directory may hold other files.
        found: The entries that are older than any environment in the directory.
        in_place: Whether the installation that it is made from will start the shim (`crossenv.environment.in_place`).
    """

    prompt: str | None = None
    pip: bool = True
    build_pip: bool = True
    system_site_packages: bool = False
    allow_pure: tuple[str, ...] = ()
    user_pip_cache: Path | None = None
    repair: bool = False
    emulator: bool = False
    crossenv_python: str = ""
    programs: Path | None = None
    user_cache: Path | None = None
    cross_prefix: Path | None = None
    config_vars: Mapping[str, str] = field(default_factory=dict)
    variables: tuple[VariableRecord, ...] = ()
    accepted_platforms: tuple[str, ...] = ()
    compile_cache: Path | None = None
    beside: bool = False
    found: tuple[str, ...] = ()
    in_place: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """All that `write_environment` writes.

    Attributes:
        root: The environment's directory.
        record: The contents of `crossenv.json`.
        build: The build Python.
        options: The user's choices.
        files: By path below the root, the content or the file to copy; those below a `bin` directory are programs.
        links: By path below the root, the goal of a symbolic link.
        copies: By path below the root, the program to copy.
        header_farm: Directories whose entries are linked into `ENV/host/include/pythonX.Y`, the first of a name wins;
            empty where the target's headers already lie in such a directory.
    """

    root: Path
    record: Record
    build: BuildPython
    options: Options
    files: Mapping[str, str | bytes | Path]
    links: Mapping[str, str]
    copies: Mapping[str, Path]
    header_farm: tuple[Path, ...]


def make_plan(
    root: Path,
    *,
    build: BuildPython,
    host: HostPython,
    toolchain: Toolchain,
    options: Options,
    target: Target | None = None,
    host_files: Mapping[Path, str | bytes | Path] = _NOTHING,
    flag_directories: Collection[Path] = (),
    surroundings: str = "",
) -> Plan:
    """Plan the environment in `root` (absolute, resolved), without a look at the disk.

    Args:
        root: The environment's directory.
        build: The build Python.
        host: The host Python.
        toolchain: The compilers and tools.
        options: The user's choices.
        target: The user's target, whose policy the wheels keep; None where the user named a host Python.
        host_files: Files of a derived host Python, to be written below `root`.
        flag_directories: The result of `crossenv.environment.localise.flag_directories`.
        surroundings: The result of `crossenv.environment.fingerprint.surroundings`.
    """
    directory = host.directory_name
    # Packages for a free-threaded target lie where this interpreter looks, which may have the GIL.
    packages = directory if "t" in build.abi_flags else directory.rstrip("t")
    include_name = f"{directory.rstrip('t')}{host.abi_flags}"
    first = host.include_dirs[0]
    farm = () if first.name == include_name and first.parent.name == "include" else host.include_dirs
    include_dirs = (root / PREFIX / "include" / include_name,) if farm else host.include_dirs
    shim = root / "cross/lib" / packages / "site-packages/_crossenv"
    tools, launchers, copies = _tools(
        root,
        toolchain,
        "" if toolchain.sysroot else host.multiarch,
        helpers={name: (str(build.executable), "-I", str(shim / f"{name}.py")) for name in _HELPERS},
    )
    if options.compile_cache is not None:
        _put_behind_cache(root, options.compile_cache, tools, launchers, copies, surroundings)
    data_name = host.platform.data_module(host.abi_flags, host.multiarch)
    data_file = f"{PREFIX}/lib/{directory}/{data_name}.py"
    config = localise(
        host,
        commands={name: tool.command for name, tool in tools.items()},
        include_dirs=include_dirs,
        lib_dir=host.lib_dir,
        directories=flag_directories,
    )
    config |= options.config_vars
    record = Record(
        crossenv=crossenv.__version__,
        crossenv_python=options.crossenv_python,
        root=str(root),
        prompt=options.prompt or root.name,
        in_place=options.in_place,
        pip=options.pip,
        build_pip=options.build_pip,
        cross_prefix=None if options.cross_prefix is None else str(options.cross_prefix),
        found=options.found,
        config_vars=dict(options.config_vars),
        pip_cache=str(root / "cache/pip"),
        requirements_cache="",
        build_key="",
        build=BuildRecord(
            python=str(build.executable),
            version=build.full_version,
            machine=build.machine,
            site_packages=str(root / "build/lib" / packages / "site-packages"),
        ),
        host=_host_record(root, host, include_dirs, root / data_file, packages, target),
        toolchain=ToolchainRecord(
            family=toolchain.family,
            version=toolchain.version,
            triplet=toolchain.triplet,
            sysroot=None if toolchain.sysroot is None else str(toolchain.sysroot),
            tools=tools,
            macros=dict(toolchain.macros),
            pkg_config_libdir=pkg_config_libdir(host, toolchain),
        ),
    )
    variables = host.platform.build_variables(host.as_machine, f"{root}/{host.platform.sdk_link}")
    record = dataclasses.replace(record, handover=_handover(record, options, target, variables))
    pkgconfig = None if host.lib_dir is None else host.lib_dir / "pkgconfig"
    details = build_details(host, headers=include_dirs[0], pkgconfig=pkgconfig, libraries=host.libraries)
    record = dataclasses.replace(record, cross_build_info=public_part(record, config, details))
    files: dict[str, str | bytes | Path] = {
        str(path.relative_to(root)): content for path, content in (host_files or {}).items()
    }
    files |= {**launchers, **_commands(record, options), data_file: data_module_text(config, host.sysconfigdata)}
    files |= base_files(root, build, packages)
    for backend in BACKENDS:
        files |= backend.files(record)
    # The interpreter's directory and nothing beside it: activation puts ENV/lib/pkgconfig on the shell's search path.
    links = {f"lib/{packages}": f"../cross/lib/{packages}"}
    for name in ("python", "python3", f"python{host.version}"):
        links[f"bin/cross-{name}"] = "python"
        if name != "python":
            links[f"bin/build-{name}"] = "build-python"
    links |= base_links(build, packages)
    if not farm:
        links[f"{PREFIX}/include/{include_name}"] = str(first)
    if sdk := _sdk(toolchain):
        links[host.platform.sdk_link] = sdk
    for library in host.libraries:
        links[f"{PREFIX}/lib/{library.name}"] = str(library)
        # PyO3 has programs that embed Python linked from where its configuration is.
        links[f"{PREFIX}/lib/{directory}/{library.name}"] = f"../{library.name}"
    if options.pip:
        names = ("bin/pip", "bin/pip3", f"bin/pip{host.version}", "bin/cross-pip3", f"bin/cross-pip{host.version}")
        links |= dict.fromkeys(names, "cross-pip")
    if options.build_pip:
        links |= dict.fromkeys(("bin/build-pip3", f"bin/build-pip{host.version}"), "build-pip")
    plan = Plan(
        root=root,
        record=record,
        build=build,
        options=options,
        files=files,
        links=links,
        copies={**copies, **base_copies(build)},
        header_farm=farm,
    )
    kept = str(_requirements_cache(plan, target, surroundings))
    record = dataclasses.replace(record, requirements_cache=kept)
    key = f"{toolchain.triplet}-{_content_key(plan, str(root))[:10]}"
    return dataclasses.replace(plan, record=dataclasses.replace(record, build_key=key))


def _content_key(plan: Plan, more: str) -> str:
    """A hash of everything that shapes a build's result, except the place of the environment."""
    said = {name: value for name, value in dataclasses.asdict(plan.record).items() if name not in NO_MATTER}
    made = [(name, str(content)) for name, content in sorted(plan.files.items())]
    text = json.dumps([said, made, sorted(map(str, plan.copies.values()))], sort_keys=True)
    return hashlib.sha256((text.replace(str(plan.root), "ENV") + more).encode(errors="surrogateescape")).hexdigest()


def _requirements_cache(plan: Plan, target: Target | None, surroundings: str) -> Path:
    """Where wheels of build requirements are kept.

    Environments for the same target and toolchain share them; one for a host Python that the user named does not.
    """
    cache = plan.options.user_cache
    if target is None or cache is None or policy_of(target) is None:
        return plan.root / "cache/requirements"
    key = _content_key(plan, surroundings)[:16]
    record = plan.record
    return cache / "requirements" / f"{record.host.soabi}-{target.platform_tag}-{record.toolchain.family}-{key}"


def _sdk(toolchain: Toolchain) -> str:
    """The directory with descriptions of the system's libraries; "" for none."""
    if toolchain.sdk is not None:
        return str(toolchain.sdk)
    settings = {} if toolchain.zig is None else toolchain.zig.settings
    return settings.get("own_sdk") or settings.get("sdk") or ""


def _host_record(
    root: Path,
    host: HostPython,
    include_dirs: tuple[Path, ...],
    data_file: Path,
    packages: str,
    target: Target | None,
) -> HostRecord:
    return HostRecord(
        **{item.name: getattr(host, item.name) for item in dataclasses.fields(Host)},
        source=str(host.source),
        extension_suffixes=host.extension_suffixes,
        executable=host.host_executable,
        sysroot=None if host.sysroot is None else str(host.sysroot),
        include_dirs=tuple(map(str, include_dirs)),
        lib_dir=None if host.lib_dir is None else str(host.lib_dir),
        sysconfigdata=str(data_file),
        site_packages=str(root / "cross/lib" / packages / "site-packages"),
        platform_tag=host.plain_tag if target is None else target.platform_tag,
    )


def _tools(
    root: Path, toolchain: Toolchain, multiarch: str, helpers: Mapping[str, Sequence[str]]
) -> tuple[dict[str, ToolRecord], dict[str, str], dict[str, Path]]:
    """The record's tools, the launchers of those that need arguments, and zig's launchers.

    `multiarch` is the name of this machine's directories with the target's libraries ("" for none), `helpers` the
    commands that launchers start, by name.
    """
    chosen: dict[str, Tool | None] = {
        "cc": toolchain.cc,
        "cxx": toolchain.cxx,
        "fc": toolchain.fc,
        **toolchain.binutils,
    }
    tools: dict[str, ToolRecord] = {}
    launchers: dict[str, str] = {}
    copies: dict[str, Path] = {}
    if toolchain.zig is not None:
        text = toolchain.zig.configuration(objects=root / "cache/zig", explainer=helpers["foreign_objects"][-1])
        launchers[f"{LAUNCHERS}/{CONFIGURATION_NAME}"] = text
    for name, tool in chosen.items():
        if tool is None:
            continue
        if toolchain.zig is not None and tool.launcher:
            copies[f"{LAUNCHERS}/{tool.path.name}"] = toolchain.zig.program
            command = str(root / LAUNCHERS / tool.path.name)
            tools[name] = ToolRecord(command=command, path=toolchain.zig.settings["zig"], args=(), origin=tool.origin)
            continue
        leading = leading_arguments(name, tool, toolchain)
        trailing = trailing_arguments(name, toolchain)
        command = str(tool.path)
        if leading or trailing or name in COMPILERS or toolchain.environment:
            relative = f"{LAUNCHERS}/{launcher_name(name, toolchain, tool)}"
            launchers[relative] = launcher_text(
                name,
                tool.path,
                leading,
                trailing,
                multiarch=multiarch,
                sysroot=toolchain.sysroot,
                map_prefixes=maps_prefixes(toolchain),
                expander=helpers["response_words"],
                explainer=helpers["foreign_objects"],
                environment=toolchain.environment,
                rewrite=toolchain.rewrite,
            )
            command = str(root / relative)
        tools[name] = ToolRecord(command=command, path=str(tool.path), args=leading, origin=tool.origin)
    return tools, launchers, copies


def _put_behind_cache(
    root: Path,
    program: Path,
    tools: Mapping[str, ToolRecord],
    launchers: dict[str, str],
    copies: dict[str, Path],
    surroundings: str,
) -> None:
    """Move the launchers of the C and C++ compilers, and put scripts in their place that go through a compile cache."""
    configuration = launchers.get(f"{LAUNCHERS}/{CONFIGURATION_NAME}")
    if configuration is not None:
        launchers[f"{DIRECT}/{CONFIGURATION_NAME}"] = configuration
    for tool in {"cc", "cxx"} & tools.keys():
        name = Path(tools[tool].command).name
        place = f"{LAUNCHERS}/{name}"
        if Path(tools[tool].path).name.startswith(PROGRAMS) or not CACHED.search(name):
            # The user's own choice (--cc "ccache gcc"), or nothing that ccache knows (emcc).
            continue
        if place in copies:
            copies[f"{DIRECT}/{name}"] = copies.pop(place)
            said = f"{configuration} {copies[f'{DIRECT}/{name}']}"
        else:
            said = launchers[f"{DIRECT}/{name}"] = launchers.pop(place)
        said = "\0".join((name, said.replace(str(root), "ENV"), surroundings))
        key = hashlib.sha256(said.encode(errors="surrogateescape")).hexdigest()
        launchers |= cached_files(name, program, root, LAUNCHERS, key)


def pkg_config_libdir(host: HostPython, toolchain: Toolchain) -> tuple[str, ...]:
    """The directories in which pkg-config looks for the target's `.pc` files; they need not exist yet."""
    root = toolchain.sysroot or host.sysroot
    if root is None:
        return () if host.lib_dir is None else (str(host.lib_dir / "pkgconfig"),)
    return tuple(str(root / place) for place in host.platform.pkg_config_directories(host.as_machine))


def _handover(record: Record, options: Options, target: Target | None, variables: Mapping[str, str]) -> HandoverRecord:
    environment = dict(variables)
    backends: dict[str, BackendRecord] = {}
    for backend in BACKENDS:
        environment |= backend.environment(record)
        backends |= backend.modules(record)
    allowed = tuple(name if name == "*" else canonicalize_name(name) for name in options.allow_pure)
    policy = None if target is None else policy_of(target)
    return HandoverRecord(
        environment=environment,
        backends=backends,
        allow_pure=allowed,
        repair=options.repair,
        emulator=options.emulator,
        policy=policy,
        variables=options.variables,
        accepted_platforms=options.accepted_platforms,
    )


def _commands(record: Record, options: Options) -> dict[str, str]:
    """The environment's own commands beside the interpreters of `ENV/bin`."""
    build, cross = f"{record.root}/build/bin/python", f"{record.root}/cross/bin/python"
    programs = shlex.quote(str(options.programs or ""))
    shim = shlex.quote(f"{record.host.site_packages}/_crossenv")
    # Also where a process of the host side starts them.
    native = f"unset PYTHON_CROSSENV CROSSENV_RECORD\n{_take_back(record)}exec"
    # The program that each starts, the shell commands before it, and its arguments.
    scripts = {
        "bin/build-python": (build, native, '"$@"'),
        "bin/cross-uv": (build, "exec", f'-I {shim}/uv_command.py {programs} "$@"'),
        "bin/cross-expose": (build, "exec", f'-I {shim}/expose_command.py "$@"'),
    }
    if record.crossenv_python:
        # Isolated: what PYTHONPATH names is for the program that is run.
        run = f'-I -m crossenv run --env {shlex.quote(record.root)} -- "$@"'
        scripts[CROSS_RUN] = (record.crossenv_python, "exec", run)
        # Activating takes the directory that crossenv is installed in off PATH.
        active = f"VIRTUAL_ENV={shlex.quote(record.root)}\nexport VIRTUAL_ENV\nexec"
        scripts["bin/crossenv"] = (record.crossenv_python, active, '-I -m crossenv "$@"')
    if record.pip:
        # pip makes addresses of paths, in UTF-8 whatever the locale, and so do build back ends.
        scripts["bin/cross-pip"] = (cross, "PYTHONUTF8=1\nexport PYTHONUTF8\nexec", '-m pip "$@"')
    if record.build_pip:
        scripts["bin/build-pip"] = (build, native, '-m pip "$@"')
    mend = "create the environment again: a Python that it needs was removed"
    # Each of these moves an interpreter's own prefix: it would start without the shim, or not at all.
    before = f"{_OPEN_STREAMS}{_refuse_elsewhere(record.root)}unset {_MOVING}\n"
    return {
        name: f"#!/bin/sh\n{before}{script_body(program, f'{command} {shlex.quote(program)} {rest}', mend)}"
        for name, (program, command, rest) in scripts.items()
    }


_MOVING = "PYTHONHOME PYTHONPLATLIBDIR PYTHONEXECUTABLE __PYVENV_LAUNCHER__"
# Opens streams that are closed: without standard output pip ends in a traceback.
_OPEN_STREAMS = "true 3>&2 2>/dev/null || exec 2>/dev/null\ntrue 2>/dev/null 3>&1 || exec >/dev/null\n"


def _refuse_elsewhere(root: str) -> str:
    """Shell lines that end a script whose environment was moved or copied."""
    bin_directory = shlex.quote(f"{root}/bin")
    fault = shlex.quote(f"crossenv: error: this environment was created as {root} and has been moved or copied")
    return (
        f'if [ -e "${{0%/*}}/../{RECORD_NAME}" ] && ! [ "${{0%/*}}" -ef {bin_directory} ]; then\n'
        f"  printf '%s\\n' {fault} 'crossenv: hint: create it again where it is now' >&2\n  exit 2\nfi\n"
    )


def _take_back(record: Record) -> str:
    """Shell lines that unset the variables of hook processes, which are not for the build side."""
    given = [record.handover.environment, *(backend.environment for backend in record.handover.backends.values())]
    pairs = {(name, value) for variables in given for name, value in variables.items()}
    return "".join(f'[ "${{{name}-}}" != {shlex.quote(value)} ] || unset {name}\n' for name, value in sorted(pairs))

"""What every host Python that is synthesised has, whatever its system: its description and its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from crossenv.errors import HostPythonError, reason_of
from crossenv.platforms import Libc, platform_of_target
from crossenv.pythons.build_details import build_details_text, pkg_config_texts
from crossenv.pythons.model import ConfigValue, HostPython
from crossenv.synthesis.config import config_variables
from crossenv.targets import Target

LAYOUT = "synthesised"
# Python's own; what else lies beside them belongs to packages of the build machine.
_HEADER_DIRECTORIES = ("cpython", "internal")


def made_host(
    target: Target,
    build: HostPython,
    config: Mapping[str, ConfigValue],
    directory: Path,
    *,
    host_executable: str,
    libc: Libc,
    libraries: tuple[Path, ...] = (),
) -> HostPython:
    """Describe the host Python whose files will be in `directory`.

    Args:
        target: The host.
        build: The build Python that it is derived from.
        config: Its configuration.
        directory: Where its files will be.
        host_executable: Its interpreter on the target.
        libc: Its C library.
        libraries: Its libpythons, as files to link to.
    """
    multiarch = str(config["MULTIARCH"])
    data = platform_of_target(target).data_module(build.abi_flags, multiarch)
    return HostPython(
        source=directory,
        layout=LAYOUT,
        sysconfigdata=directory / f"{data}.py",
        config=config,
        implementation=build.implementation,
        version=build.version,
        full_version=build.full_version,
        abi_flags=build.abi_flags,
        soabi=str(config["SOABI"]),
        ext_suffix=str(config["EXT_SUFFIX"]),
        multiarch=multiarch,
        gnu_type=target.gnu_type,
        include_dirs=(directory / "include" / f"python{build.version}{build.abi_flags}",),
        lib_dir=directory / "lib",
        libraries=libraries,
        executable=None,
        host_executable=host_executable,
        sysroot=None,
        identity=target.identity,
        machine=target.machine,
        libc=libc,
        system=target.system,
    )


def data_text(config: Mapping[str, ConfigValue], build: HostPython) -> str:
    """The data module with these variables."""
    lines = [f"# Synthesised by crossenv from CPython {build.full_version}.", "build_time_vars = {"]
    lines += [f"    {name!r}: {config[name]!r}," for name in sorted(config)]
    return "\n".join([*lines, "}"]) + "\n"


def copied_headers(headers: Path, include: Path) -> dict[Path, Path]:
    """The build Python's headers, by where they will be."""
    found = [*headers.glob("*.h"), *(path for name in _HEADER_DIRECTORIES for path in (headers / name).rglob("*.h"))]
    return {include / path.relative_to(headers): path for path in sorted(found)}


def made_files(
    host: HostPython, build: HostPython, config: Mapping[str, ConfigValue], pyconfig: str, host_prefix: str
) -> dict[Path, str]:
    """The texts of a host Python without import libraries, by where they will be."""
    directory = host.source
    pkgconfig = directory / "lib/pkgconfig"
    files = {
        host.sysconfigdata: data_text(config, build),
        host.include_dirs[0] / "pyconfig.h": pyconfig,
        directory / "build-details.json": build_details_text(host, headers=host.include_dirs[0], pkgconfig=pkgconfig),
    }
    files |= {pkgconfig / name: text for name, text in pkg_config_texts(host).items()}
    if tuple(map(int, host.version.split("."))) >= (3, 14):
        name = host.sysconfigdata.stem.replace("_sysconfigdata", "_sysconfig_vars") + ".json"
        variables = config_variables(config, build, host_prefix)
        files[directory / name] = json.dumps(variables, indent=2, sort_keys=True) + "\n"
    return files


def pyconfig_of(build: HostPython) -> str:
    """Return the text of a Python's `pyconfig.h`.

    Raises:
        HostPythonError: It cannot be read.
    """
    header = build.include_dirs[-1] / "pyconfig.h"
    try:
        return header.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HostPythonError(
            f"cannot read {header}: {reason_of(error)}", hint="install this Python's headers again"
        ) from error

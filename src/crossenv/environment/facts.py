"""The shim's facts: what of the record each interpreter of an environment needs when it starts."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossenv.environment.fingerprint import SESSION
from crossenv.environment.isolation_base import BASE, UV
from crossenv.platforms import HERE, link_name
from crossenv.record import HostRecord, Record

if TYPE_CHECKING:
    from _crossenv.facts_types import Facts, System


def shim_facts(record: Record) -> Facts:
    """The projection of a record; `_crossenv.facts_types.Facts` says what each is."""
    host, handover = record.host, record.handover
    return {
        "root": record.root,
        "in_place": record.in_place,
        "build_key": record.build_key,
        "crossenv_python": record.crossenv_python,
        "build_python": record.build.python,
        "build_machine": record.build.machine,
        "build_site": record.build.site_packages,
        "cross_site": host.site_packages,
        "base": f"{record.root}/{BASE}/bin/python{host.version}",
        "uv_prefix": f"{record.root}/{UV}",
        "uv_cache": f"{record.root}/cache/uv",
        "pip_cache": record.pip_cache,
        "requirements_cache": record.requirements_cache,
        "session_variables": SESSION,
        "machine": host.machine,
        "multiarch": host.multiarch,
        "abi_flags": host.abi_flags,
        # Of the directories of packages: this interpreter's, which may have the GIL where the host has none.
        "abi_thread": "t" if Path(host.site_packages).parent.name.endswith("t") else "",
        "identity": _plain(host.identity),
        "libc": _plain(host.libc),
        "system": _system(host),
        "extension_suffixes": list(host.extension_suffixes),
        "accepted_platforms": list(handover.accepted_platforms),
        "host_executable": host.executable,
        "sysconfigdata": host.sysconfigdata,
        # The first is BASE/include/pythonX.Y.
        "header_base": str(Path(host.include_dirs[0]).parent.parent),
        "include_dirs": list(host.include_dirs),
        "files_root": _files_root(record),
        "compiler": record.toolchain.tools["cc"].command,
        "fortran": "fc" in record.toolchain.tools,
        "repair": handover.repair,
        "hook_environment": dict(handover.environment),
        "variables": [(item.name, item.operator, item.value) for item in handover.variables],
        "backends": {module: _plain(backend) for module, backend in handover.backends.items()},
    }


def _system(host: HostRecord) -> System | None:
    platform, machine = host.platform, host.as_machine
    if platform is HERE:
        return None
    return {
        "title": platform.title,
        "platform": platform.get_platform(machine),
        "tags": list(platform.accepted_tags(machine)),
        "os_name": platform.os_name,
        "sys_platform": platform.name,
        "system": platform.system,
        "stable_suffix": platform.stable_suffix,
        "libraries": [link_name(name) for name in platform.python_libraries(host.version, host.abi_flags)],
    }


def _plain(value: Any) -> Any:
    """The fields of a dataclass, which are those of its type among the facts."""
    return dataclasses.asdict(value)


def _files_root(record: Record) -> str | None:
    """What stands before the paths of the host's headers and libraries here; None where there are none."""
    sysroot = record.sysroot
    if sysroot is not None:
        return "" if sysroot == "/" else sysroot
    # A GNU cross compiler finds those that the distribution's package manager installs for the host's architecture.
    return "" if record.toolchain.family == "gcc" else None

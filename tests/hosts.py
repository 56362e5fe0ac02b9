"""Makes host Pythons and compilers for tests out of what every machine has."""

from __future__ import annotations

import importlib
import shutil
import sys
import sysconfig
from pathlib import Path

from crossenv.platforms.architectures import Identity
from makers import AARCH64, elf_bytes, make_compiler, make_tools


def build_config() -> dict[str, object]:
    """The running Python's own configuration, as its file says it."""
    name = sysconfig._get_sysconfigdata_name()  # type: ignore[attr-defined]
    return dict(importlib.import_module(name).build_time_vars)


def own_pyconfig() -> str:
    """The running Python's `pyconfig.h`: Debian's includes that of the machine, which lies elsewhere."""
    include = Path(sysconfig.get_path("include"))
    machines = include.parent / str(sysconfig.get_config_var("MULTIARCH")) / include.name
    return next(path for place in (machines, include) if (path := place / "pyconfig.h").is_file()).read_text()


def host_config(triplet: str = "aarch64-linux-gnu", prefix: str = "/usr") -> dict[str, object]:
    """The running Python's configuration, as a build of it for `triplet` would have recorded it."""
    own = build_config()
    old_triplet = str(own.get("MULTIARCH") or "x86_64-linux-gnu")
    old_prefix = str(own["prefix"])
    config: dict[str, object] = {}
    for key, value in own.items():
        if isinstance(value, str):
            config[key] = value.replace(old_triplet, triplet).replace(old_prefix, prefix)
        else:
            config[key] = value
    config |= {
        "MULTIARCH": triplet,
        "HOST_GNU_TYPE": triplet.replace("-linux", "-unknown-linux", 1),
        "BUILD_GNU_TYPE": triplet.replace("-linux", "-unknown-linux", 1),
        "CC": f"{triplet}-gcc -pthread",
        "CXX": f"{triplet}-g++ -pthread",
        "AR": f"{triplet}-ar",
        "LDSHARED": f"{triplet}-gcc -pthread -shared",
        "LDCXXSHARED": f"{triplet}-g++ -pthread -shared",
        "BLDSHARED": f"{triplet}-gcc -pthread -shared",
        "LINKCC": f"{triplet}-gcc -pthread",
    }
    return config


def make_prefix(directory: Path, triplet: str = "aarch64-linux-gnu", identity: Identity = AARCH64) -> Path:
    """An installed prefix of a host Python of the running version, below `directory`/usr."""
    prefix = directory / "usr"
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    stdlib = prefix / f"lib/python{version}{sys.abiflags}"
    stdlib.mkdir(parents=True)
    config = host_config(triplet)
    name = f"_sysconfigdata_{sys.abiflags}_linux_{triplet}.py"
    (stdlib / name).write_text(f"build_time_vars = {config!r}\n")
    (stdlib / "os.py").write_text("")
    include = prefix / f"include/python{version}{sys.abiflags}"
    own_include = Path(sysconfig.get_path("include"))
    shutil.copytree(own_include, include)
    # Debian's pyconfig.h includes that of the architecture, which lies in a directory of its own.
    by_architecture = own_include.parent / sys.implementation._multiarch / own_include.name
    if by_architecture.is_dir():
        shutil.copytree(by_architecture, include.parent / triplet / include.name)
    (include.parent / "features.h").write_text("#define __GLIBC__ 2\n#define __GLIBC_MINOR__ 36\n")
    (prefix / "bin").mkdir()
    executable = prefix / f"bin/python{version}"
    executable.write_bytes(elf_bytes(identity))
    executable.chmod(0o755)
    return prefix


def make_cross_tools(directory: Path, triplet: str = "aarch64-linux-gnu", identity: Identity = AARCH64) -> Path:
    """Programs named like a GNU cross toolchain whose compilers write objects for `identity`."""
    for name in ("gcc", "g++"):
        make_compiler(directory / f"{triplet}-{name}", identity=identity, says=triplet)
    tools = ("ar", "ranlib", "strip", "nm", "objcopy", "objdump", "readelf", "ld")
    return make_tools(directory, *(f"{triplet}-{name}" for name in tools))

"""Makes host Pythons and compilers for tests out of what every machine has."""

from __future__ import annotations

import importlib
import shlex
import shutil
import struct
import sys
import sysconfig
from pathlib import Path

# machine, bits, byte order, ABI flags of e_flags
AARCH64 = (183, 64, "little", 0)
X86_64 = (62, 64, "little", 0)
ARMHF = (40, 32, "little", 0x05000400)
S390X = (22, 64, "big", 0)

ET_REL, ET_EXEC, ET_DYN = 1, 2, 3


def elf_header(identity: tuple[int, int, str, int] = AARCH64, kind: int = ET_DYN) -> bytes:
    """An ELF file that is a header and nothing else."""
    machine, bits, order, flags = identity
    prefix = "<" if order == "little" else ">"
    ident = b"\x7fELF" + bytes([1 if bits == 32 else 2, 1 if order == "little" else 2, 1]) + bytes(9)
    address, size = ("I", 52) if bits == 32 else ("Q", 64)
    rest = struct.pack(f"{prefix}HHI{address * 3}IHHHHHH", kind, machine, 1, 0, 0, 0, flags, size, 0, 0, 0, 0, 0)
    return ident + rest


def build_config() -> dict[str, object]:
    """The running Python's own configuration, as its file says it."""
    name = sysconfig._get_sysconfigdata_name()  # type: ignore[attr-defined]
    return dict(importlib.import_module(name).build_time_vars)


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


def make_prefix(
    directory: Path, triplet: str = "aarch64-linux-gnu", identity: tuple[int, int, str, int] = AARCH64
) -> Path:
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
    shutil.copytree(sysconfig.get_path("include"), include)
    (include.parent / "features.h").write_text("#define __GLIBC__ 2\n#define __GLIBC_MINOR__ 36\n")
    (prefix / "bin").mkdir()
    executable = prefix / f"bin/python{version}"
    executable.write_bytes(elf_header(identity, ET_EXEC))
    executable.chmod(0o755)
    return prefix


_COMPILER = """#!/bin/sh
# Stands for a cross compiler where none is installed: writes a prepared object, whatever it is given.
case " $* " in
*" -dumpmachine "*) echo {triplet}; exit 0 ;;
*" -print-sysroot "*) echo; exit 0 ;;
*" --version "*) echo "{triplet}-gcc (fake) 12.2.0"; exit 0 ;;
*" -dM "*) printf '#define __GNUC__ 12\\n#define __GNUC_MINOR__ 2\\n#define __GNUC_PATCHLEVEL__ 0\\n'
  printf '#define __SIZEOF_POINTER__ 8\\n#define __LDBL_MANT_DIG__ 113\\n#define __SIZEOF_LONG_DOUBLE__ 16\\n'
  exit 0 ;;
esac
out=a.out
while [ $# -gt 0 ]; do
  case "$1" in -o) out="$2"; shift ;; esac
  shift
done
cp {object} "$out"
"""


def make_fake_compiler(
    directory: Path, triplet: str = "aarch64-linux-gnu", identity: tuple[int, int, str, int] = AARCH64
) -> Path:
    """Programs named like a GNU cross toolchain whose compilers write objects for `identity`."""
    prepared = directory / "prepared.o"
    prepared.write_bytes(elf_header(identity, ET_REL))
    for name in ("gcc", "g++"):
        program = directory / f"{triplet}-{name}"
        program.write_text(_COMPILER.format(triplet=triplet, object=shlex.quote(str(prepared))))
        program.chmod(0o755)
    for name in ("ar", "ranlib", "strip", "nm", "objcopy", "objdump", "readelf", "ld"):
        program = directory / f"{triplet}-{name}"
        program.write_text("#!/bin/sh\nexit 0\n")
        program.chmod(0o755)
    return directory

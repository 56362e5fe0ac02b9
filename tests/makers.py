"""Makes the inputs of tests of the reading side: ELF files, configurations, host trees and compilers."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crossenv.platforms.architectures import EF_ARM_ABI_FLOAT_HARD, Identity, elf_identity_of

AARCH64 = elf_identity_of(183, 64, "little")
X86_64 = elf_identity_of(62, 64, "little")
ARMHF = elf_identity_of(40, 32, "little", EF_ARM_ABI_FLOAT_HARD)
ARMEL = elf_identity_of(40, 32, "little")
S390X = elf_identity_of(22, 64, "big")
RISCV64 = elf_identity_of(243, 64, "little", 4)
SPARC64 = elf_identity_of(43, 64, "big")

GLIBC_LOADER = "/lib/ld-linux-aarch64.so.1"
MUSL_LOADER = "/lib/ld-musl-aarch64.so.1"


def elf_bytes(
    identity: Identity = AARCH64,
    *,
    flags: int | None = None,
    interpreter: str = "",
    needed: Sequence[str] = (),
    soname: str = "",
    versions: Sequence[str] = (),
    arm_vfp_args: int | None = None,
) -> bytes:
    """An ELF file that says what it is told to and holds no code.

    Args:
        identity: The machine.
        flags: `e_flags`; the identity's ABI flags if None.
        interpreter: PT_INTERP.
        needed: DT_NEEDED.
        soname: DT_SONAME.
        versions: Symbol versions to define, after the base version.
        arm_vfp_args: Tag_ABI_VFP_args of an `.ARM.attributes` section.
    """
    wide = identity.bits == 64
    e = "<" if identity.byte_order == "little" else ">"
    word = "Q" if wide else "I"
    header_size, segment_size, section_size = (64, 56, 64) if wide else (52, 32, 40)

    strings = b"\0"
    offsets: dict[str, int] = {}
    for text in (*needed, soname, *versions, "base"):
        offsets.setdefault(text, len(strings))
        strings += text.encode() + b"\0"

    blobs: dict[str, bytes] = {".dynstr": strings}
    if interpreter:
        blobs[".interp"] = interpreter.encode() + b"\0"
    if versions:
        blobs[".gnu.version_d"] = b"".join(
            struct.pack(e + "HHHHIII", 1, int(index == 0), index + 1, 1, 0, 20, 28)
            + struct.pack(e + "II", offsets[name], 0)
            for index, name in enumerate(["base", *versions])
        )
    if arm_vfp_args is not None:
        attributes = bytes([28, arm_vfp_args])
        scope = b"\x01" + struct.pack(e + "I", 5 + len(attributes)) + attributes
        blobs[".ARM.attributes"] = b"A" + struct.pack(e + "I", 4 + 6 + len(scope)) + b"aeabi\0" + scope
    names = b"\0" + b"".join(name.encode() + b"\0" for name in (*blobs, ".dynamic", ".shstrtab"))
    blobs[".shstrtab"] = names

    segments = 2 + bool(interpreter)
    position = header_size + segments * segment_size
    places: dict[str, int] = {}
    body = b""
    for name, blob in blobs.items():
        places[name] = position + len(body)
        body += blob + bytes(-len(blob) % 8)
    tags = [(1, offsets[name]) for name in needed] + ([(14, offsets[soname])] if soname else [])
    if versions:
        tags += [(0x6FFFFFFC, places[".gnu.version_d"]), (0x6FFFFFFD, len(versions) + 1)]
    tags += [(5, places[".dynstr"]), (10, len(strings)), (0, 0)]
    blobs[".dynamic"] = b"".join(struct.pack(e + word * 2, *tag) for tag in tags)
    places[".dynamic"] = position + len(body)
    body += blobs[".dynamic"]

    def segment(kind: int, offset: int, size: int) -> bytes:
        if wide:
            return struct.pack(e + "IIQQQQQQ", kind, 4, offset, offset, offset, size, size, 8)
        return struct.pack(e + "IIIIIIII", kind, offset, offset, offset, size, size, 4, 4)

    def section(name: str, kind: int, link: int = 0, info: int = 0) -> bytes:
        if not name:
            return bytes(section_size)
        at = names.index(name.encode() + b"\0")
        size = len(blobs[name])
        return struct.pack(
            e + f"II{word * 4}II{word * 2}", at, kind, 0, places[name], places[name], size, link, info, 1, 0
        )

    table = segment(1, 0, position + len(body))
    table += segment(2, places[".dynamic"], len(blobs[".dynamic"]))
    if interpreter:
        table += segment(3, places[".interp"], len(blobs[".interp"]))
    sections = [section("", 0), section(".dynstr", 3), section(".shstrtab", 3), section(".dynamic", 6, 1)]
    if versions:
        sections.append(section(".gnu.version_d", 0x6FFFFFFD, 1, len(versions) + 1))
    if arm_vfp_args is not None:
        sections.append(section(".ARM.attributes", 0x70000003))

    ident = b"\x7fELF" + bytes([1 + wide, 1 if e == "<" else 2, 1]) + bytes(9)
    flags = identity.abi_flags if flags is None else flags
    rest = struct.pack(
        e + f"HHI{word * 3}IHHHHHH",
        3,
        identity.number,
        1,
        0,
        header_size,
        position + len(body),
        flags,
        header_size,
        segment_size,
        segments,
        section_size,
        len(sections),
        2,
    )
    return ident + rest + table + body + b"".join(sections)


def write(path: Path, content: str | bytes, *, mode: int | None = None) -> Path:
    """Write a file and the directories above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    if mode is not None:
        path.chmod(mode)
    return path


def config_of(
    triplet: str = "aarch64-linux-gnu",
    *,
    version: str = "3.11",
    flags: str = "",
    prefix: str = "/usr",
    **changes: int | str | None,
) -> dict[str, int | str]:
    """A host's `build_time_vars`, cut down; `changes` replace entries, None removes one."""
    soabi = f"cpython-{version.replace('.', '')}{flags}-{triplet}"
    name = f"python{version}{flags}"
    wide = triplet.startswith(("aarch64", "x86_64", "s390x", "riscv64"))
    cpu, _, system = triplet.partition("-")
    config: dict[str, int | str | None] = {
        "ABIFLAGS": flags,
        "AR": f"{triplet}-gcc-ar",
        "BINDIR": f"{prefix}/bin",
        "CC": f"{triplet}-gcc",
        "CONFINCLUDEPY": f"{prefix}/include/{name}",
        "CXX": f"{triplet}-g++",
        "EXT_SUFFIX": f".{soabi}.so",
        "HOST_GNU_TYPE": f"{cpu}-unknown-{system}",
        "INCLUDEPY": f"{prefix}/include/{name}",
        "LIBDIR": f"{prefix}/lib",
        "LIBPL": f"{prefix}/lib/python{version}/config-{version}{flags}-{triplet}",
        "MACHDEP": "linux",
        "MULTIARCH": triplet,
        "Py_DEBUG": int("d" in flags),
        "Py_GIL_DISABLED": int("t" in flags),
        "READELF": "readelf",
        "SIZEOF_VOID_P": 8 if wide else 4,
        "SOABI": soabi,
        "VERSION": version,
        "prefix": prefix,
        "srcdir": ".",
    }
    config.update(changes)
    return {key: value for key, value in config.items() if value is not None}


def config_text(config: Mapping[str, object]) -> str:
    """A `_sysconfigdata*.py` with that configuration."""
    rows = "".join(f" {key!r}: {value!r},\n" for key, value in sorted(config.items()))
    return f"# system configuration generated and used by the sysconfig module\nbuild_time_vars = {{\n{rows}}}\n"


def patchlevel(version: str) -> str:
    """CPython's `patchlevel.h`, the one line of it that is read."""
    return f'#define PY_VERSION      \t"{version}"\n'


@dataclass(frozen=True, kw_only=True, slots=True)
class HostTree:
    """A host Python on disk.

    Attributes:
        prefix: Where it is.
        triplet: Its multiarch triplet.
        version: "3.11".
        flags: Its ABI flags.
        identity: The machine of its interpreter.
        loader: The interpreter's PT_INTERP.
        recorded: The prefix in its configuration.
        changes: Entries of its configuration that differ; None removes one.
    """

    prefix: Path
    triplet: str = "aarch64-linux-gnu"
    version: str = "3.11"
    flags: str = ""
    identity: Identity = AARCH64
    loader: str = GLIBC_LOADER
    recorded: str = "/usr"
    changes: Mapping[str, int | str | None] = field(default_factory=dict)

    @property
    def stdlib(self) -> Path:
        """Its `lib/python3.X`."""
        return self.prefix / f"lib/python{self.version}{'t' if 't' in self.flags else ''}"

    @property
    def data(self) -> Path:
        """Its recorded configuration."""
        return self.stdlib / f"_sysconfigdata_{self.flags}_linux_{self.triplet}.py"

    @property
    def include(self) -> Path:
        """Its headers."""
        return self.prefix / f"include/python{self.version}{self.flags}"

    @property
    def program(self) -> Path:
        """Its interpreter."""
        return self.prefix / f"bin/python{self.version}{self.flags}"

    def config(self) -> dict[str, int | str]:
        """Its configuration."""
        return config_of(self.triplet, version=self.version, flags=self.flags, prefix=self.recorded, **self.changes)

    def make(self) -> HostTree:
        """Write it, as `make install` would."""
        write(self.data, config_text(self.config()))
        write(self.include / "Python.h", '#include "pyconfig.h"\n')
        write(self.include / "pyconfig.h", f"#define SIZEOF_VOID_P {self.identity.bits // 8}\n")
        write(self.include / "patchlevel.h", patchlevel(f"{self.version}.2"))
        write(self.program, elf_bytes(self.identity, interpreter=self.loader), mode=0o755)
        return self


def make_debian_headers(tree: HostTree, *, architectures: Sequence[str]) -> None:
    """Turn a tree's headers into Debian's: a wrapper, and `pyconfig.h` for some architectures."""
    name = tree.include.name
    wrapper = "".join(f"#  include <{triplet}/{name}/pyconfig.h>\n" for triplet in ("s390x-linux-gnu", tree.triplet))
    write(tree.include / "pyconfig.h", f"#if 1\n{wrapper}#endif\n")
    for triplet in architectures:
        write(
            tree.prefix / f"include/{triplet}/{name}/pyconfig.h", f"#define SIZEOF_VOID_P {tree.identity.bits // 8}\n"
        )


GCC_12 = {
    "__GNUC__": "12",
    "__GNUC_MINOR__": "2",
    "__GNUC_PATCHLEVEL__": "0",
    "__GLIBC__": "2",
    "__GLIBC_MINOR__": "36",
    "__LDBL_MANT_DIG__": "113",
    "__BYTE_ORDER__": "__ORDER_LITTLE_ENDIAN__",
}
CLANG_17 = {
    "__clang__": "1",
    "__clang_major__": "17",
    "__clang_minor__": "0",
    "__clang_patchlevel__": "6",
    "__GLIBC__": "2",
    "__GLIBC_MINOR__": "36",
}
NO_HEADERS = "fatal error: stdio.h: No such file or directory"


def make_compiler(
    path: Path,
    *,
    identity: Identity = AARCH64,
    made: bytes | None = None,
    macros: Mapping[str, str] = GCC_12,
    headers: str = "anywhere",
    link_fault: str = "",
    says: str = "aarch64-linux-gnu",
) -> Path:
    """A compiler that copies a prepared object, whatever it is given.

    Args:
        path: The script; `.log` beside it gets its arguments, one line a run.
        identity: The machine of what it makes.
        made: The object itself.
        macros: Its predefined macros.
        headers: Where it finds `<stdio.h>`: "anywhere", "nowhere", "own" (only without a sysroot).
        link_fault: What a link says before it fails; "" for one that succeeds.
        says: Its answer to -dumpmachine.
    """
    data = path.parent / ".data"
    the_object = write(data / f"{path.name}.o", elf_bytes(identity) if made is None else made)
    the_macros = write(
        data / f"{path.name}.macros", "".join(f"#define {name} {value}\n" for name, value in macros.items())
    )
    fails_for = {"anywhere": "none", "own": "*--sysroot=*headers.c*", "nowhere": "*headers.c*"}[headers]
    cat, cp, grep = (shutil.which(name) for name in ("cat", "cp", "grep"))
    script = f"""#!/bin/sh
all="$*"
echo "$all" >> '{data}/{path.name}.log'
while [ $# -gt 0 ]; do
  case "$1" in
    -c|-E|-shared|-dumpmachine) mode=$1 ;;
    -o) out=$2 ;;
    *.c) source=$1 ;;
  esac
  shift
done
case "$mode" in
  -c) {cp} '{the_object}' "$out" ;;
  -E)
    if {grep} -q stdio "$source"; then
      case "$all" in {fails_for}) echo '{NO_HEADERS}' >&2; exit 1 ;; esac
    fi
    {cat} '{the_macros}' ;;
  -shared) if [ -n '{link_fault}' ]; then echo '{link_fault}' >&2; exit 1; fi; : > "$out" ;;
  -dumpmachine) echo '{says}' ;;
esac
"""
    return write(path, script, mode=0o755)


def calls_of(compiler: Path) -> list[str]:
    """The arguments of each run of a compiler that `make_compiler` made."""
    return (compiler.parent / f".data/{compiler.name}.log").read_text().splitlines()


def make_program(path: Path) -> Path:
    """A program that does nothing."""
    return write(path, "#!/bin/sh\n", mode=0o755)


def make_tools(directory: Path, *names: str) -> Path:
    """Programs that do nothing, in one directory."""
    for name in names:
        make_program(directory / name)
    return directory


def debian_sysroot(name: str) -> Path:
    """A real Debian tree with Python's headers, by suite and architecture; without it the test is skipped."""
    base = os.environ.get("CROSSENV_TEST_SYSROOTS")
    if not base:
        pytest.skip(f"needs CROSSENV_TEST_SYSROOTS, a directory with {name} in it")
    root = Path(base) / name
    if not root.is_dir():
        pytest.skip(f"CROSSENV_TEST_SYSROOTS has no {name}")
    return root

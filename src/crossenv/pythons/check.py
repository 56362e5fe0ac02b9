"""Check that a host Python's facts agree."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from crossenv.errors import HostPythonError
from crossenv.platforms import Libc
from crossenv.platforms.architectures import EF_ARM_ABI_FLOAT_HARD, Identity
from crossenv.platforms.target import Target
from crossenv.platforms.triplets import identity_of_triplet, may_share_a_compiler
from crossenv.pythons.model import HostPython
from crossenv.pythons.sysconfigdata import number_of


def check_host_python(host: HostPython, *, stdlib: Path, elf_file: Path | None) -> None:
    """Compare the facts in the files with the recorded ones.

    Args:
        host: The host Python.
        stdlib: The directory of its configuration.
        elf_file: The file with the identity; None if that was derived.

    Raises:
        HostPythonError: Facts contradict each other; the message names all of them.
    """
    faults = [*_abi_faults(host), *_place_faults(host, stdlib)]
    if elf_file is not None:
        faults += _machine_faults(host, elf_file)
    if faults:
        raise HostPythonError(
            f"the host Python {host.source} contradicts itself: {'; '.join(faults)}",
            hint="its files come from different Pythons: name one whole installation with --host-python",
        )


def host_for_target(host: HostPython, target: Target) -> HostPython:
    """The host Python as one for a target's floor, which may be higher than the Python's own.

    Raises:
        HostPythonError: It is for another system or machine, or does not run on systems as old as the target's.
    """
    if (host.system, host.identity) != (target.system, target.identity):
        raise HostPythonError(
            f"{host.source} is a Python for {host.platform.title} on {host.machine}, and the target is {target}",
            hint="name the Python of the target's machine with --host-python, or leave --target out",
        )
    own = host.platform.target_of_machine(target.architecture, host.libc)
    if own is None or target.floor < own.floor:
        raise HostPythonError(
            f"{host.source} is a Python for {host.platform.describe(host.libc)} and later, and the target {target}"
            f" promises {target.floor_text}",
            hint=f"name {own or 'a later version'} with --target, or leave it out",
        )
    libc = Libc(family=target.libc, version=target.floor_text)
    return dataclasses.replace(host, libc=libc, config={**host.config, **target.floor_variables})


def _abi_faults(host: HostPython) -> Iterator[str]:
    config, file = host.config, host.sysconfigdata
    if host.soabi not in host.ext_suffix:
        yield f"EXT_SUFFIX is {host.ext_suffix!r} but SOABI is {host.soabi!r}"
    match = re.match(r"(?:cpython-|pypy)3(\d+)([a-z]*)", host.soabi)
    if match is None or f"3.{match[1]}" != host.version:
        yield f"SOABI is {host.soabi!r} but VERSION is {host.version!r}"
    elif match[2] != host.abi_flags:
        yield f"SOABI is {host.soabi!r} but the ABI flags are {host.abi_flags!r}"
    for name, flag in (("Py_DEBUG", "d"), ("Py_GIL_DISABLED", "t")):
        number = number_of(config, name, file)
        if number is not None and bool(number) != (flag in host.abi_flags):
            yield f"{name} is {number} but the ABI flags are {host.abi_flags!r}"


def _place_faults(host: HostPython, stdlib: Path) -> Iterator[str]:
    match = re.fullmatch(r"(?:python|pypy)(3\.\d+)(t?)", stdlib.name)
    if match and (match[1] != host.version or (match[2] == "t" and not host.free_threaded)):
        flags = f" and the ABI flags are {host.abi_flags!r}" if match[1] == host.version else ""
        yield f"its directory is {stdlib} but VERSION is {host.version!r}{flags}"
    if host.full_version and not re.match(rf"{re.escape(host.version)}\.\d", host.full_version):
        header = host.include_dirs[0] / "patchlevel.h"
        yield f"{header} says {host.full_version} but VERSION is {host.version!r}"


def _machine_faults(host: HostPython, file: Path) -> Iterator[str]:
    identity, data = host.identity, host.sysconfigdata
    size = number_of(host.config, "SIZEOF_VOID_P", data)
    # x32 and MIPS n32 have 64-bit registers in 32-bit files, so only the file's class is compared.
    if size is not None and size * 8 != identity.bits:
        yield f"{file} is {identity.bits}-bit but SIZEOF_VOID_P is {size}"
    named = identity_of_triplet(host.multiarch, pointer_bytes=size) if host.multiarch else None
    if named is not None and not _same_machine(named, identity):
        yield f"{file} is for {identity} but MULTIARCH is {host.multiarch!r}"
    compiled = identity_of_triplet(host.gnu_type) if host.gnu_type else None
    if compiled is not None and not may_share_a_compiler(compiled, identity):
        yield f"{file} is for {identity} but HOST_GNU_TYPE is {host.gnu_type!r}"
    for name, order in (
        ("WORDS_BIGENDIAN", "big"),
        ("DOUBLE_IS_BIG_ENDIAN_IEEE754", "big"),
        ("DOUBLE_IS_LITTLE_ENDIAN_IEEE754", "little"),
    ):
        number = number_of(host.config, name, data)
        # An undefined macro is recorded as 0 or left out, depending on its spelling in pyconfig.h: only 1 is certain.
        if number and order != identity.byte_order:
            yield f"{file} is {identity.byte_order}-endian but {name} is {number}"


def _same_machine(named: Identity, identity: Identity) -> bool:
    # A triplet names ARM's float ABI; those of RISC-V and LoongArch are in the file's header only.
    mask = EF_ARM_ABI_FLOAT_HARD if identity.number == 40 else 0
    return (named.numbers, named.abi_flags & mask) == (identity.numbers, identity.abi_flags & mask)

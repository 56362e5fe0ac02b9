"""A host Python in words, as `create` and `show` print it."""

from __future__ import annotations

from crossenv.pythons.model import HostPython
from crossenv.synthesis.files import LAYOUT as SYNTHESISED

_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy"}


def python_words(implementation: str, version: str, abi_flags: str) -> str:
    """Return words such as "CPython 3.13.5t" or "PyPy 3.11.11"."""
    return f"{_IMPLEMENTATIONS.get(implementation, implementation)} {version}{abi_flags}"


def host_words(host: HostPython) -> str:
    """Describe a host Python in one line."""
    name = python_words(host.implementation, host.full_version or host.version, host.abi_flags)
    system = host.platform.describe(host.libc)
    if host.layout == SYNTHESISED:
        return f"{name} for {host.machine}, {system} and newer (headers made by crossenv)"
    made = f"{host.layout}, {host.origin}" if host.origin else host.layout
    return f"{name} for {host.machine}, {system} ({made})"


def host_rows(host: HostPython) -> list[tuple[str, str]]:
    """Describe a host Python as labels and values."""
    recorded = host.recorded_prefix
    if host.prefix is not None and str(host.prefix) != recorded:
        recorded += f", here {host.prefix}"
    rows = [
        ("host Python", python_words(host.implementation, host.full_version or host.version, host.abi_flags)),
        ("named", str(host.source)),
        ("layout", host.layout),
        ("made by", host.origin or "unknown"),
        ("machine", f"{host.machine}, {host.identity.bits}-bit, {host.identity.byte_order}-endian"),
        ("system", host.platform.describe(host.libc)),
        ("platform tag", host.own_tag),
        ("extensions", host.ext_suffix),
        ("multiarch", host.multiarch or "none"),
        ("configuration", str(host.sysconfigdata)),
        ("headers", ", ".join(map(str, host.include_dirs))),
        ("libraries", str(host.lib_dir or "none")),
        ("interpreter", str(host.executable or "none")),
        ("on the target", host.host_executable),
        ("prefix", recorded),
        ("sysroot", str(host.sysroot or "none")),
    ]
    if host.config.get("CC"):
        rows.append(("compiler", f"{host.config['CC']} (recorded)"))
    return rows

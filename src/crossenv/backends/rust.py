"""Cargo, for maturin and setuptools-rust: the target, its linker and C compiler, and PyO3's settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from crossenv.record import BackendRecord, Record


class Rust:
    """maturin and setuptools-rust, through variables of cargo, the crate cc and PyO3."""

    def files(self, record: Record) -> Mapping[str, str]:
        """None."""
        return {}

    def environment(self, record: Record) -> Mapping[str, str]:
        """Return the variables of cargo, the cc and pkg-config crates and PyO3's build scripts."""
        triple = record.host.platform.rust_target(record.host.as_machine)
        if triple is None:
            return {}
        name = triple.replace("-", "_")
        host, tools = record.host, record.toolchain.tools
        # If modules link to Python, PyO3 looks for its library here, and maturin for build-details.json.
        linked = host.platform.python_libraries(host.version, host.abi_flags)
        # Build scripts expect PREFIX/lib/pythonX.Y here, beside PREFIX/include/pythonX.Y (cryptography).
        libraries = (record.made_libraries if linked else None) or str(Path(host.sysconfigdata).parent)
        variables = {
            "CARGO_BUILD_TARGET": triple,
            f"CARGO_TARGET_{name.upper()}_LINKER": tools["cc"].command,
            "PKG_CONFIG_ALLOW_CROSS": "1",
            "PYO3_CROSS_LIB_DIR": libraries,
            "PYO3_CROSS_PYTHON_VERSION": host.version,
            "PYO3_CROSS_PYTHON_IMPLEMENTATION": "PyPy" if host.implementation == "pypy" else "CPython",
        }
        for variable, tool in (("CC", "cc"), ("CXX", "cxx"), ("AR", "ar"), ("RANLIB", "ranlib")):
            if tool in tools:
                variables[f"{variable}_{name}"] = tools[tool].command
        return variables

    def modules(self, record: Record) -> Mapping[str, BackendRecord]:
        """Return maturin's; setuptools-rust is a part of setuptools."""
        return {"maturin": BackendRecord(fails_by_itself=True)}

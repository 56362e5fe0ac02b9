"""Cargo: a configuration file (The Cargo Book, "Configuration")."""

from __future__ import annotations

import json

from crossenv.backends.pkg_config import launcher_path
from crossenv.backends.rust import Rust
from crossenv.errors import UsageError
from crossenv.record import CROSS_RUN, Record


def cargo_configuration(record: Record) -> str:
    """For `.cargo/config.toml`, or for `cargo --config FILE`.

    Raises:
        UsageError: Rust has no name for the host.
    """
    triple = record.host.platform.rust_target(record.host.as_machine)
    if triple is None:
        raise UsageError(
            f"Rust has no target that is {record.host.machine} as the host is",
            hint="use another format; `crossenv targets` lists the machines with one",
        )
    # Those that cargo has a table for are said there. A user's own variables win over [env].
    variables = {name: value for name, value in Rust().environment(record).items() if not name.startswith("CARGO_")}
    # The crate pkg-config takes programs by target, which leaves build scripts' own libraries alone.
    variables[f"PKG_CONFIG_{triple.replace('-', '_')}"] = launcher_path(record)
    lines = [
        "# Made by crossenv: the host machine for cargo.",
        "[build]",
        f"target = {quoted(triple)}",
        "",
        f"[target.{triple}]",
        f"linker = {quoted(record.toolchain.tools['cc'].command)}",
        *([f"runner = [{quoted(f'{record.root}/{CROSS_RUN}')}]"] if record.handover.emulator else []),
        "",
        "[env]",
        *(f"{name} = {quoted(value)}" for name, value in variables.items()),
    ]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """Return a basic string of TOML, whose escapes are JSON's; DEL has to be one, too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

"""Compile the launcher once for a user, and write its configuration."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path

from crossenv.children import run_text
from crossenv.compilers.zig.locate import Zig
from crossenv.compilers.zig.options import header_text
from crossenv.errors import ToolchainError
from crossenv.files import scratch_directory
from crossenv.libc.version import libc_of_this_machine
from crossenv.platforms.architectures import target_architectures
from crossenv.platforms.ios import IOS
from crossenv.platforms.linux_targets import target_of_machine
from crossenv.platforms.macos import MACOS
from crossenv.platforms.windows import WINDOWS
from crossenv.targets import Target

CONFIGURATION_NAME = "zig.conf"
# What a launcher is, by the end of its name, and the tool that it stands for.
ENDINGS = {"cc": "clang", "cxx": "clang++", "ar": "ar", "ranlib": "ranlib", "ld": "ld"}
# Further ones for Windows.
WINDOWS_ENDINGS = {"dlltool": "dlltool", "windres": "windres"}
# A further one for macOS.
APPLE_ENDINGS = {"install_name_tool": "install_name_tool"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Launchers:
    """What the launchers of one target are made of.

    Attributes:
        program: The compiled launcher; each tool is a copy of it under another name.
        settings: Its configuration by key; see `Configuration` in launcher.c.
        compile: Options of every compile.
        link: Words that end every link line.
        linker: The command of another linker than zig's.
        make_runtime: How the run-time library is made that is linked before zig's own; see `RuntimeLibrary.words`.
    """

    program: Path
    settings: Mapping[str, str]
    compile: Sequence[str] = ()
    link: Sequence[str] = ()
    linker: Sequence[str] = ()
    make_runtime: Sequence[str] = ()

    def configuration(self, *, objects: Path, explainer: str = "") -> str:
        """Return the text of `zig.conf`.

        Args:
            objects: Where zig keeps what it compiles.
            explainer: The script that links are explained by.
        """
        rows = [*self.settings.items(), ("objects", str(objects)), ("explainer", explainer)]
        lists = (
            ("compile", self.compile),
            ("link", self.link),
            ("linker", self.linker),
            ("make_runtime", self.make_runtime),
        )
        for key, words in lists:
            rows += [(key, word) for word in words]
        return "".join(f"{key} {value}\n" for key, value in rows)


def compiled_launcher(zig: Zig, cache: Path, target: Target, cpu: str) -> Path:
    """Return the launcher for this machine, compiled if it is not in the cache yet.

    Both the launcher and the first question about the target need a C library. zig makes each on one processor, so the
    target's is made meanwhile.

    Args:
        zig: The compiler.
        cache: The user's cache.
        target: What the toolchain is for.
        cpu: Its least processor, in zig's words; "" for zig's own.

    Raises:
        ToolchainError: zig cannot compile, or the cache cannot be written.
    """
    source = package_files("crossenv.compilers.zig").joinpath("launcher.c").read_bytes()
    tables = header_text().encode()
    key = hashlib.sha256(source + tables + zig.version.encode()).hexdigest()[:16]
    program = cache / "launchers" / f"{platform.machine()}-{key}"
    if program.is_file():
        return program
    with ThreadPoolExecutor(max_workers=1) as pool:
        if target.system not in (WINDOWS, MACOS, IOS):
            pool.submit(_make_c_library, zig, cache, target, cpu)
        return _compiled(zig, cache, program, source, tables)


def _compiled(zig: Zig, cache: Path, program: Path, source: bytes, tables: bytes) -> Path:
    try:
        program.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=program.parent) as directory:
            text, made = Path(directory) / "launcher.c", Path(directory) / "launcher"
            text.write_bytes(source)
            text.with_name("options.h").write_bytes(tables)
            words = [
                "-target",
                _build_machine(),
                # Static, as zig would have it for musl, takes the whole C library.
                "-dynamic",
                # Optimised, it compiles for most of a second more, and no faster start of it can be measured.
                "-O0",
                "-g0",
                "-s",
                "-fno-sanitize=undefined",
                "-o",
                str(made),
                str(text),
            ]
            environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(cache), "ZIG_LOCAL_CACHE_DIR": directory}
            # Making zig's run-time library takes seconds, and hardly any machine needs it for this program.
            for extra in (["-rtlib=none"], []):
                done = run_text([zig.path, "cc", *words, *extra], environment=environment, directory=Path(directory))
                if done.returncode == 0:
                    break
            if done.returncode:
                lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
                raise ToolchainError(f"{zig.path} cannot compile for this machine: {lines[0]}", hint="try another zig")
            made.replace(program)
    except OSError as error:
        raise ToolchainError(
            f"zig's cache {cache} cannot be written: {error.strerror}", hint="name another with XDG_CACHE_HOME"
        ) from None
    return program


def _make_c_library(zig: Zig, cache: Path, target: Target, cpu: str) -> None:
    """Have zig make the target's C library as the launcher's links need it; a failure shows itself in those."""
    words = [
        "cc",
        "-target",
        target.zig_triple,
        *([f"-mcpu={cpu}"] if cpu else []),
        "-rtlib=none",
        "-shared",
        "-dynamic",
    ]
    words += ["-O2", "-fno-sanitize=undefined", "-Wl,--strip-debug", "-x", "c", os.devnull]
    with scratch_directory("library") as directory:
        environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(cache), "ZIG_LOCAL_CACHE_DIR": str(directory)}
        run_text([zig.path, *words, "-o", directory / "empty"], environment=environment, directory=directory)


def place_launchers(launchers: Launchers, names: Mapping[str, str], directory: Path, *, objects: Path) -> None:
    """Make `directory` with the launchers, each tool under its name, and their configuration."""
    directory.mkdir()
    for name in names.values():
        shutil.copy2(launchers.program, directory / name)
    text = launchers.configuration(objects=objects)
    (directory / CONFIGURATION_NAME).write_text(text, encoding="utf-8")


def _build_machine() -> str:
    """Return this machine in zig's words, with the oldest C library: the launcher asks for nothing newer."""
    machine = {"armv8l": "armv7l", "i386": "i686", "i586": "i686"}.get(platform.machine(), platform.machine())
    libc = libc_of_this_machine()
    row = next((row for row in target_architectures() if row.name == machine), None)
    if row is None:
        raise ToolchainError(
            f"the zig toolchain is not for build machines of the kind {platform.machine()}",
            hint="use installed compilers: --toolchain gnu or clang",
        )
    return target_of_machine(row, libc, row.oldest(libc)).zig_triple

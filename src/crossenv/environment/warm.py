"""Have zig make its libraries for a target before the first build waits for them."""

from __future__ import annotations

from pathlib import Path

from crossenv.children import run_text
from crossenv.compilers.zig.launchers import CONFIGURATION_NAME
from crossenv.errors import ToolchainError
from crossenv.files import scratch_directory
from crossenv.record import Record
from crossenv.report import Reporter


def warm(record: Record, reporter: Reporter) -> None:
    """Link an empty C and C++ library with the launchers of an environment; nothing where its compiler is not zig.

    Raises:
        ToolchainError: zig cannot link.
    """
    for tool, language, library in (("cc", "c", "C library"), ("cxx", "c++", "C++ library")):
        found = record.toolchain.tools.get(tool)
        if found is None or not Path(found.command).with_name(CONFIGURATION_NAME).is_file():
            continue
        with (
            scratch_directory("warm") as directory,
            reporter.working(f"making zig's {library} for {record.toolchain.triplet}", slow=True),
        ):
            words = [
                found.command,
                "-shared",
                "-x",
                language,
                "/dev/null",
                "-o",
                f"{directory}/empty{record.host.platform.library_suffix}",
            ]
            done = run_text(words, directory=directory)
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if "error" in line] or [f"exit status {done.returncode}"]
            raise ToolchainError(f"{found.command} cannot link: {lines[0]}", hint="see `crossenv doctor`")

"""Has crossenv put the host's libraries into a wheel that was just built (`crossenv repair`).

That is done in the hook process, before the front end has the wheel: whatever the front end is, and while the host's
libraries that build requirements brought along still lie in the isolated environment.
"""

import os
import subprocess
import sys
import zipfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

VARIABLE = "CROSSENV_REPAIR"
# Nothing of these may reach crossenv's own interpreter: they speak of this build.
_FOREIGN = ("PYTHON", "CROSSENV_", "PIP_", "AUDITWHEEL_")
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def is_wanted(facts: "dict[str, Any]") -> bool:
    """Whether wheels are repaired: CROSSENV_REPAIR decides, then what the environment was made with."""
    said = os.environ.get(VARIABLE, "").lower()
    if said in _YES or said in _NO:
        return said in _YES
    return bool(facts.get("repair"))


def repaired(path: str, facts: "dict[str, Any]") -> "tuple[int, str]":
    """Repair the wheel at `path`.

    Returns:
        The exit status of `crossenv repair`, and where the wheel is now.
    """
    python = facts["crossenv_python"]
    words = [python, "-m", "crossenv", "repair", "--env", facts["root"], "--replace"]
    for directory in _library_directories(path, facts):
        words += ["--library-dir", directory]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    try:
        done = subprocess.run(
            [*words, path], stdout=subprocess.PIPE, text=True, check=False, env=environment, cwd=facts["root"]
        )
    except OSError as error:
        sys.stderr.write(
            f"crossenv: error: the Python that this environment was made with cannot be started: {python} ({error})\n"
            "crossenv: hint: create the environment again\n"
        )
        return 2, path
    return done.returncode, done.stdout.strip() or path


def _library_directories(path: str, facts: "dict[str, Any]") -> "list[str]":
    """Where on the search path libraries of the host lie that the wheel needs (build requirements may bring some)."""
    from _crossenv import policy, verify

    needed: set[str] = set()
    inside: set[str] = set()
    try:
        with zipfile.ZipFile(path) as wheel:
            for info in wheel.infolist():
                inside.add(info.filename.rpartition("/")[2])
                with wheel.open(info) as member:
                    header = member.read(64)
                    if policy.is_linked(header):
                        needed.update(policy.Dynamic(header + member.read()).needed)
    except (OSError, ValueError, zipfile.BadZipFile):
        # crossenv says what is wrong with it.
        return []
    needed -= inside
    found: dict[str, None] = {}
    for directory, name in _files_on_path():
        if name in needed:
            with open(os.path.join(directory, name), "rb") as file:
                identity = verify.elf_identity(file.read(64))
            if identity is not None and all(identity[key] == facts["elf"][key] for key in facts["elf"]):
                found.setdefault(directory)
    return list(found)


def _files_on_path() -> "Iterator[tuple[str, str]]":
    for entry in dict.fromkeys(sys.path):
        if os.path.basename(entry.rstrip("/")) in ("site-packages", "dist-packages"):
            for directory, _directories, names in os.walk(entry):
                for name in names:
                    if ".so" in name and os.path.isfile(os.path.join(directory, name)):
                        yield directory, name


def add_option(original: "Any") -> "Any":
    """Wrap `WheelCommand.add_options`: `--repair` and `--no-repair`."""

    def add_options(self: "Any") -> None:
        original(self)
        self.cmd_opts.add_option(
            "--repair",
            dest="crossenv_repair",
            action="store_true",
            default=None,
            help="Put the host's libraries into the wheels and tag them (crossenv).",
        )
        self.cmd_opts.add_option(
            "--no-repair", dest="crossenv_repair", action="store_false", help="Leave the wheels as they are (crossenv)."
        )

    return add_options


def sweeping(facts: "dict[str, Any]") -> "Callable[[Any], Any]":
    """Wrap `WheelCommand.run`: hand the option on to the hooks, and repair what pip took from its cache of wheels."""

    def make_run(original: "Any") -> "Any":
        def run(self: "Any", options: "Any", args: "list[str]") -> int:
            said = getattr(options, "crossenv_repair", None)
            if said is not None:
                os.environ[VARIABLE] = "1" if said else "0"
            before = _plain_wheels(options.wheel_dir)
            status = int(original(self, options, args))
            if status or not is_wanted(facts):
                return status
            for path, stamp in _plain_wheels(options.wheel_dir).items():
                if before.get(path) != stamp:
                    status = status or repaired(path, facts)[0]
            return status

        return run

    return make_run


def _plain_wheels(directory: str) -> "dict[str, tuple[int, int]]":
    """The wheels in `directory` that promise no policy, with what tells one file from the next."""
    found = {}
    place = os.path.abspath(directory)
    for name in os.listdir(place) if os.path.isdir(place) else ():
        if name.endswith(".whl") and name.removesuffix(".whl").rpartition("-")[2].startswith("linux_"):
            path = os.path.join(place, name)
            state = os.stat(path)
            found[path] = (state.st_mtime_ns, state.st_ino)
    return found

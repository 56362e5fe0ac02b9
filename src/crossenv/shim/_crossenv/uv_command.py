"""`cross-uv`: uv, told which interpreter answers for which machine.

Run by the build side's Python, without the shim, as `uv_command.py DIRECTORY ARGUMENTS...`; DIRECTORY is where the
programs beside crossenv are, "" for nowhere.

uv takes the tags and markers of one interpreter for what it installs and for what it builds with. So it is given
`ENV/etc/uv`, which answers for the build machine and whose isolated environments bring the shim along, and beside it
the platform (`--python-platform`) and the prefix (`--prefix`) of what it installs. Where it knows no such platform, and
for commands that build nothing, it is given the cross python.
"""

import json
import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from _crossenv.facts_types import Facts

USAGE = 2
REFUSED = 7
# Options before the command that take a word of their own.
_WITH_VALUE = frozenset(
    (
        "--allow-insecure-host",
        "--cache-dir",
        "--color",
        "--config-file",
        "--directory",
        "--preview-features",
        "--project",
        "--python-fetch",
        "--python-preference",
    )
)
_INSTALLING = ("install", "sync")
_RESOLVING = (*_INSTALLING, "compile")
_READING = ("uninstall", "list", "freeze", "show", "check", "tree")
_HARMLESS = ("cache", "help", "version")
# Of the user's environment: they would choose another interpreter or platform than the arguments do.
_REPLACED = ("UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_PYTHON_PLATFORM", "UV_MANAGED_PYTHON", "UV_NO_MANAGED_PYTHON")
_INDEX_OPTIONS = {
    "--index-url": "--index-url",
    "-i": "--index-url",
    "--default-index": "--index-url",
    "--extra-index-url": "--extra-index-url",
    "--index": "--extra-index-url",
    "--find-links": "--find-links",
    "-f": "--find-links",
}
_INDEX_VARIABLES = {
    "UV_INDEX_URL": "--index-url",
    "UV_DEFAULT_INDEX": "--index-url",
    "UV_EXTRA_INDEX_URL": "--extra-index-url",
    "UV_INDEX": "--extra-index-url",
    "UV_FIND_LINKS": "--find-links",
}


def main() -> int:
    """Run uv; the exit status is uv's."""
    with open(os.path.dirname(os.path.abspath(__file__)) + "/facts.marshal", "rb") as file:
        facts = marshal.load(file)  # noqa: S302 - written by `crossenv create` into this very directory
    directory, *words = sys.argv[1:]
    uv = find_uv(facts["root"], directory, os.environ.get("PATH", os.defpath))
    if not uv:
        hint = f"install it: {facts['root']}/bin/build-pip install uv"
        fail("there is no uv in the build side, on PATH or beside crossenv", hint)
    command = find_command(words)
    platform = ""
    if command[:1] == ("pip",) and command[-1] in _RESOLVING and not _given(words, "--python-platform"):
        platform = choose_platform(known_platforms(uv), facts)
    arguments = cross_arguments(words, command, facts, platform)
    environ = cross_environment(os.environ, words, command, facts)
    if not command or command[-1] not in _INSTALLING:
        os.execve(uv, [uv, *arguments], environ)
    import subprocess

    before = _distributions(facts["cross_site"])
    try:
        status = subprocess.call([uv, *arguments], env=environ)
    except KeyboardInterrupt:
        return 130
    correct_scripts(script_directory(words, facts), facts)
    return status or check_installed(facts, before)


def _distributions(site: str) -> "dict[str, int]":
    """Return the distributions that are installed in `site`, with what tells one installation from the next."""
    return {entry.path: entry.stat().st_ino for entry in os.scandir(site) if entry.name.endswith(".dist-info")}


# How Mach-O and WebAssembly files begin.
_OTHERS = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\0asm")


def check_installed(facts: "Facts", before: "Mapping[str, int]") -> int:
    """Say which wheels that uv has installed since `before` hold code of another machine; the exit status."""
    refused = []
    for path, inode in sorted(_distributions(facts["cross_site"]).items()):
        file, kinds, fits = ("", 0, True) if before.get(path) == inode else foreign_file(path, facts)
        if not file:
            continue
        name = os.path.basename(path).partition("-")[0]
        with open(path + "/WHEEL", encoding="utf-8") as stream:
            anywhere = all(line.strip().endswith("-any") for line in stream if line.startswith("Tag:"))
        # As the judge does: a package for every machine may bring files for several, to choose from.
        if anywhere and (kinds > 1 or _may_be_pure(name)):
            if not fits:
                sys.stderr.write(f"crossenv: warning: {name}: {file} is not for the target ({facts['machine']})\n")
            continue
        refused.append(name)
        sys.stderr.write(
            f"crossenv: error: uv has installed {name}, and {file} in it is not for the target ({facts['machine']})\n"
        )
    if refused:
        names = " ".join(refused)
        sys.stderr.write(
            f"crossenv: hint: remove it (cross-uv pip uninstall {names}), and take a wheel for the target or its"
            " source (cross-uv pip install --no-binary NAME NAME)\n"
        )
    return REFUSED if refused else 0


def foreign_file(dist_info: str, facts: "Facts") -> "tuple[str, int, bool]":
    """Return the first native file of an installed distribution that is not for the target, "" if there is none.

    Returns:
        Its name, how many machines the distribution's native files are for, and whether one of them is the target.
    """
    import csv

    first, kinds = "", set()

    identity = facts["identity"]
    own = bytes((identity["bits"] // 32, 1 if identity["byte_order"] == "little" else 2)), identity["number"]
    with open(dist_info + "/RECORD", encoding="utf-8", newline="") as file:
        names = [row[0] for row in csv.reader(file) if row]
    for name in names:
        try:
            with open(os.path.join(os.path.dirname(dist_info), name), "rb") as stream:
                head = stream.read(20)
        except OSError:
            continue
        kind = head[4:6], int.from_bytes(head[18:20], "little" if head[5:6] == b"\1" else "big")
        if head[:4] == b"\x7fELF":
            kinds.add(kind)
            first = first or (name if kind != own else "")
        elif head[:2] == b"MZ" or head[:4] in _OTHERS:
            kinds.add((head[:2], 0))
            first = first or (name if name.endswith((".pyd", ".so")) else "")
    return first, len(kinds), own in kinds


def fail(message: str, hint: str) -> "NoReturn":
    """End with one line and a hint."""
    sys.stderr.write(f"crossenv: error: {message}\ncrossenv: hint: {hint}\n")
    raise SystemExit(USAGE)


def find_uv(root: str, directory: str, search_path: str) -> str:
    """Find the uv to run: the build side's, the first on PATH, or one beside crossenv; "" if there is none."""
    places = [root + "/build/bin", *search_path.split(os.pathsep), directory]
    programs = [os.path.join(place, "uv") for place in places if place]
    return next((path for path in programs if os.path.isfile(path) and os.access(path, os.X_OK)), "")


def find_command(words: "Sequence[str]") -> "tuple[str, ...]":
    """Return the command that `words` name, () if none: ("build",), ("pip", "install")."""
    command: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word in _WITH_VALUE
        else:
            command.append(word)
            if word != "pip" or len(command) == 2:
                break
    return tuple(command)


def _given(words: "Sequence[str]", *options: str) -> bool:
    """Whether one of `options` is among `words`, spelled in any of the ways that uv takes."""
    for word in words:
        if word == "--":
            return False
        name = word.partition("=")[0] if word.startswith("--") else word[:2]
        if name in options:
            return True
    return False


def known_platforms(uv: str) -> "list[str]":
    """Return the value of `--python-platform` for this uv."""
    import re
    import subprocess

    done = subprocess.run([uv, "help", "pip", "install"], capture_output=True, text=True, errors="replace", check=False)
    return re.findall(r"^\s*- ([\w.-]+-(?:manylinux\w+|unknown-linux-\w+|linux-\w+)):?", done.stdout, re.MULTILINE)


def choose_platform(known: "Sequence[str]", facts: "Facts") -> str:
    """Return the latest of the platforms `known` to uv whose wheels run on the host; "" if there is none."""
    machine = facts["machine"]
    floor = _version(facts["libc"]["version"])
    if facts["libc"]["family"] == "musl":
        # uv means musl 1.2 by it.
        name = f"{machine}-unknown-linux-musl"
        return name if name in known and floor >= (1, 2) else ""
    fitting = []
    for name in known:
        prefix, _, version = name.partition("-manylinux_")
        if prefix == machine and version and floor and _version(version) <= floor:
            fitting.append((_version(version), name))
    return max(fitting)[1] if fitting else ""


def _version(text: str) -> "tuple[int, ...]":
    words = text.replace("_", ".").split(".")
    return tuple(map(int, words)) if all(word.isdigit() for word in words) else ()


def cross_arguments(words: "Sequence[str]", command: "tuple[str, ...]", facts: "Facts", platform: str) -> "list[str]":
    """Uv's arguments for what the user asked for with `words`.

    Args:
        words: The user's arguments.
        command: What `find_command` found in them.
        facts: The environment's.
        platform: What uv calls the host's platform; "" if it has no name for it.
    """
    if not command or command == ("pip",) or command[0] in _HARMLESS or _given(words, "--help", "-h"):
        return list(words)
    native, cross = facts["uv_prefix"] + "/bin/python", facts["root"] + "/cross/bin/python"
    if command == ("build",):
        added = ["--python", native]
    elif command[0] == "pip" and command[1] in _RESOLVING:
        platform_given = _given(words, "--python-platform")
        added = ["--python", native if platform or platform_given else cross]
        if platform:
            added += ["--python-platform", platform]
        if command[1] in _INSTALLING and added[1] == native and not _given(words, "--prefix", "--target", "-t"):
            added += ["--prefix", facts["root"] + "/cross"]
    elif command[0] == "pip" and command[1] in _READING:
        added = ["--python", cross]
    else:
        fail(
            f"cross-uv has no command {' '.join(command)!r}; it has build and pip",
            "what works on projects and environments of uv's own is uv's: run uv itself"
            " (`uv export | cross-uv pip install -r -` installs a locked project)",
        )
    if _given(words, "--python", "-p", "--system"):
        fail("cross-uv chooses the interpreter", "leave --python and --system out, or run uv itself")
    # Behind the command: these are its own options.
    position = _after(words, command)
    return [*words[:position], *added, *words[position:]]


def _after(words: "Sequence[str]", command: "tuple[str, ...]") -> int:
    """Return the index behind the last word of `command`, as `find_command` found it."""
    return next(index for index in range(len(words) + 1) if find_command(words[:index]) == command)


def cross_environment(
    environ: "Mapping[str, str]", words: "Sequence[str]", command: "tuple[str, ...]", facts: "Facts"
) -> "dict[str, str]":
    """Return the environment of uv: what it builds and caches is this environment's."""
    changed = {name: value for name, value in environ.items() if name not in _REPLACED}
    if changed.get("CROSSENV_ROLE") == "host":
        # cross-uv in a hook; a role is what each process below decides anew.
        del changed["CROSSENV_ROLE"]
    _require_own_start(environ.get("PYTHONPATH", ""))
    # Both are read by the shim in the processes that uv starts.
    changed |= {"CROSSENV_UV": " ".join(command), "CROSSENV_PIP_OPTIONS": json.dumps(index_options(words, environ))}
    changed["UV_CACHE_DIR"] = cache_of_build(facts["uv_cache"], changed)
    if command == ("pip", "compile"):
        import shlex

        # What the head of its output says.
        changed.setdefault("UV_CUSTOM_COMPILE_COMMAND", shlex.join(("cross-uv", *words)))
    return changed


def _allowed_pure(environ: "Mapping[str, str]") -> "set[str]":
    return {name.strip() for name in environ.get("CROSSENV_ALLOW_PURE", "").split(",")} - {""}


def _may_be_pure(project: str) -> bool:
    import re

    names = {re.sub(r"[-_.]+", "-", name).lower() for name in _allowed_pure(os.environ)}
    return bool({"*", re.sub(r"[-_.]+", "-", project).lower()} & names)


def cache_of_build(cache: str, environ: "Mapping[str, str]") -> str:
    """Return where a front end keeps its wheels: `cache`, or a directory in it where projects may lose modules.

    What was accepted for one build is not to be taken by the next, which does not accept it.
    """
    names = sorted(_allowed_pure(environ))
    if not names:
        return cache
    import hashlib

    return f"{cache}/pure-{hashlib.sha256(','.join(names).encode(errors='surrogateescape')).hexdigest()[:16]}"


def _require_own_start(search_path: str) -> None:
    """End if another `sitecustomize` would be found before that of the base, which starts the shim."""
    for directory in filter(None, search_path.split(os.pathsep)):
        if any(os.path.exists(os.path.join(directory, name)) for name in ("sitecustomize.py", "sitecustomize")):
            fail(
                f"the sitecustomize in {directory} would keep crossenv out of uv's environments",
                "take that directory off PYTHONPATH, or use cross-pip",
            )


def index_options(words: "Sequence[str]", environ: "Mapping[str, str]") -> "list[str]":
    """Return uv's index options in pip's words; pip fetches the target's build requirements."""
    found: list[tuple[str, str]] = []
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == "--no-index":
            found.append((name, ""))
        elif name in _INDEX_OPTIONS:
            found.append((_INDEX_OPTIONS[name], value if equals else "".join(words[index + 1 : index + 2])))
    if not found:
        found += [
            (option, value) for name, option in _INDEX_VARIABLES.items() for value in environ.get(name, "").split()
        ]
        found += [("--no-index", "")] if environ.get("UV_NO_INDEX", "").lower() in ("1", "true", "yes", "on") else []
    options = []
    for option, value in found:
        # uv lets an index have a name: "name=address".
        name, equals, address = value.partition("=")
        place = address if equals and "/" not in name else value
        # Hooks run in another directory than this.
        place = os.path.abspath(place) if os.path.exists(place) else place
        options.append(f"{option}={place}" if place else option)
    return options


def script_directory(words: "Sequence[str]", facts: "Facts") -> str:
    """Return the directories in which uv has put scripts."""
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in ("--prefix", "--target", "-t"):
            return os.path.join(value if equals else words[index + 1], "bin")
    return str(facts["root"]) + "/cross/bin"


def correct_scripts(scripts: str, facts: "Facts") -> None:
    """Have the scripts that uv installed into the directory `scripts` start the host's interpreter."""
    changed = {}
    programs = [facts["uv_prefix"] + "/bin/python", facts["root"] + "/cross/bin/python"]
    for entry in os.scandir(scripts) if os.path.isdir(scripts) else ():
        if not entry.is_file(follow_symlinks=False):
            continue
        with open(entry.path, "rb") as file:
            if file.read(2) != b"#!":
                continue
            data = b"#!" + file.read()
        rest = _behind_interpreter(data, [os.fsencode(program) for program in programs])
        if rest is not None:
            data = b"#!" + os.fsencode(facts["host_executable"]) + b"\n" + rest
            with open(entry.path, "wb") as file:
                file.write(data)
            changed[entry.name] = data
    if changed:
        _correct_records(os.path.dirname(scripts), changed)


def _behind_interpreter(data: bytes, programs: "list[bytes]") -> "bytes | None":
    """Return a script without the lines that start one of `programs`; None if it starts something else."""
    for program in programs:
        # Paths with blanks and long ones cannot be in a `#!` line.
        trampolines = [b"#!/bin/sh\n'''exec' %s \"$0\" \"$@\"\n' '''\n" % word for word in (program, b"'%s'" % program)]
        for start in (b"#!" + program + b"\n", *trampolines):
            if data.startswith(start):
                return data[len(start) :]
    return None


def _correct_records(prefix: str, changed: "Mapping[str, bytes]") -> None:
    """Write the new hashes and sizes of scripts into the RECORD files (PEP 376) below `prefix`."""
    import base64
    import csv
    import glob
    import hashlib
    import io

    for path in glob.glob(glob.escape(prefix) + "/**/*.dist-info/RECORD", recursive=True):
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        found = False
        for row in rows:
            directory, _, name = row[0].rpartition("/") if row else ("", "", "")
            if name in changed and (directory == "bin" or directory.endswith("../bin")):
                digest = base64.urlsafe_b64encode(hashlib.sha256(changed[name]).digest()).rstrip(b"=").decode()
                row[1:] = [f"sha256={digest}", str(len(changed[name]))]
                found = True
        if found:
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(rows)
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(text.getvalue())


if __name__ == "__main__":
    sys.exit(main())

"""Read names, paths, requirements files and options as pip does.

By hand, because pip's own reader is private, and the libraries lose what pip has to be given again: requirements-parser
0.13 skips paths, options and constraints, pip-requirements-parser 32 rejects lines with `--config-settings`.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Parsed
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename

from crossenv.errors import UsageError, reason_of
from crossenv.farm.model import Requirement

ARCHIVES = (".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz")
_COMMENT = re.compile(r"(^|\s+)#.*$")
# Options of pip that belong to the one requirement on their line.
_OWN_OPTIONS = re.compile(r"\s+(?=--(hash|config-settings|config-setting|global-option)\b)|\s+(?=-C\b)")
_PATH_OPTIONS = ("-c", "--constraint", "-f", "--find-links", "--build-constraint")
_DEEPEST = 20
# Options of pip that reach `python -m build`, which makes sdists, as variables.
_VARIABLES = {
    "-i": "PIP_INDEX_URL",
    "--index-url": "PIP_INDEX_URL",
    "--extra-index-url": "PIP_EXTRA_INDEX_URL",
    "-f": "PIP_FIND_LINKS",
    "--find-links": "PIP_FIND_LINKS",
    "--trusted-host": "PIP_TRUSTED_HOST",
    "--no-index": "PIP_NO_INDEX",
    "--pre": "PIP_PRE",
}
_SWITCHES = ("--no-index", "--pre")


def read_requirement(word: str, directory: Path, options: tuple[str, ...] = ()) -> Requirement:
    """Read one requirement: a name with specifiers, an address, or the path of a source tree or an sdist.

    Args:
        word: As the user wrote it.
        directory: What a relative path is relative to.
        options: Lines of pip's options from the file that it comes from.

    Raises:
        UsageError: It is none of these.
    """
    stated, own = _split(word)
    if _looks_like_path(stated):
        return _of_path(stated, directory, own, options)
    if re.match(r"[\w.+-]+://|git\+", stated):
        label = stated.rpartition("#egg=")[2] if "#egg=" in stated else stated.rstrip("/").rpartition("/")[2]
        return Requirement(label=label, line=word, options=options)
    try:
        parsed = Parsed(stated)
    except InvalidRequirement as error:
        raise UsageError(
            f"{stated!r} is not a requirement: {str(error).splitlines()[0]}",
            hint="write a name (markupsafe==3.0.2), a path (./project) or -r FILE",
        ) from None
    exact = any(one.operator in ("==", "===") and not one.version.endswith(".*") for one in parsed.specifier)
    return Requirement(
        label=parsed.name + str(parsed.specifier),
        line=word,
        options=options,
        name=canonicalize_name(parsed.name),
        open=not exact and parsed.url is None,
    )


def pinned(line: str, version: str) -> str:
    """Return a requirement's line with its specifiers replaced by this version."""
    stated, own = _split(line)
    parsed = Parsed(stated)
    extras = f"[{','.join(sorted(parsed.extras))}]" if parsed.extras else ""
    marker = f" ; {parsed.marker}" if parsed.marker else ""
    return f"{parsed.name}{extras}=={version}{marker} {own}".rstrip()


def specifier_of(requirement: Requirement) -> SpecifierSet:
    """Return which versions a requirement of an index allows."""
    return Parsed(_split(requirement.line)[0]).specifier


def pip_arguments(line: str, options: Sequence[str], settings: Sequence[str], file: Path) -> list[str]:
    """Return pip's arguments for building one requirement.

    pip hands `--config-settings` of its command line to requirements of the command line only, and takes options that
    belong to one requirement, such as `--hash`, in files only. So a requirement with options of its own goes into
    `file`, with the settings on its line (pip 23.1 or later), and so does an address with a password, which the list
    of processes would show. All others are named on the command line.

    Args:
        line: The requirement.
        options: Lines of pip's options from the file that it came from.
        settings: The settings for the back end, as `settings_in` finds them.
        file: The requirements file to write, if one is needed.
    """
    lines = list(options)
    stated, own = _split(line)
    in_file = bool(own) or re.search(r"://[^/@\s]+@", stated) is not None
    if in_file:
        lines.append(" ".join([line, *(f"--config-settings {_quoted(setting)}" for setting in settings)]))
    if lines:
        file.write_text("".join(f"{one}\n" for one in lines), encoding="utf-8")
    return [*(["-r", str(file)] if lines else []), *([] if in_file else [stated])]


def _quoted(value: str) -> str:
    """Quote a value for a requirements file, where pip looks for comments and variables inside quotes too."""
    return shlex.quote(value).replace("#", "''#").replace("${", "$''{")


def _split(word: str) -> tuple[str, str]:
    """Split a line into a requirement and the options that belong to it."""
    match = _OWN_OPTIONS.search(word)
    return (word.strip(), "") if match is None else (word[: match.start()].strip(), word[match.start() :].strip())


def _looks_like_path(word: str) -> bool:
    """Decide as pip does: a plain word is a name, even if there is a directory of that name."""
    if "://" in word or re.search(r"\s@\s", word):
        return False
    return word.startswith((".", "~")) or os.sep in word or word.endswith((*ARCHIVES, ".whl"))


def _of_path(word: str, directory: Path, own: str, options: tuple[str, ...]) -> Requirement:
    path = Path(os.path.abspath(directory / Path(word).expanduser()))  # noqa: PTH100 - a link keeps its name
    if path.is_dir():
        if not any((path / name).is_file() for name in ("pyproject.toml", "setup.py")):
            raise UsageError(
                f"{path} is not a source tree: it has neither pyproject.toml nor setup.py",
                hint="name the directory that has one of them",
            )
        return Requirement(label=word, line=own, options=options, path=path)
    if not path.is_file():
        raise UsageError(f"there is no {path}", hint="name a source tree or an sdist; a project's name has no /")
    if path.suffix == ".whl":
        raise UsageError(f"{path.name} is built already", hint="look at it with crossenv audit, or crossenv repair")
    if not path.name.endswith(ARCHIVES):
        raise UsageError(f"{path.name} is not an sdist", hint=f"an sdist's name ends in {ARCHIVES[0]}")
    try:
        name = str(parse_sdist_filename(path.name)[0])
    except InvalidSdistFilename:
        name = ""
    return Requirement(label=path.name, line=own, options=options, name=name, path=path)


def read_requirements_file(path: Path, depth: int = 0) -> list[Requirement]:
    """Read a requirements file; its options apply to all of it, as with pip.

    Raises:
        UsageError: It cannot be read, or names something that cannot become a wheel.
    """
    if depth > _DEEPEST:
        raise UsageError(f"{path} includes itself", hint="remove the -r line that leads back to it")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read: {reason_of(error)}", hint="name a requirements file with -r FILE"
        ) from None
    words: list[str] = []
    options: list[str] = []
    nested: list[Path] = []
    for line in _lines(text):
        if not line.startswith("-"):
            words.append(line)
            continue
        option, value = _option(line)
        if option in ("-r", "--requirement"):
            nested.append(path.parent / value)
        elif option in ("-e", "--editable"):
            raise UsageError(f"{path}: {line!r} is editable, and a wheel is not", hint="take out the -e")
        elif option in _PATH_OPTIONS and (path.parent / value).exists():
            options.append(f"{option} {shlex.quote(os.path.abspath(path.parent / value))}")  # noqa: PTH100
        else:
            options.append(line)
    found = [read_requirement(word, path.parent, tuple(options)) for word in words]
    for one in nested:
        found += read_requirements_file(one, depth + 1)
    return found


def _lines(text: str) -> Iterator[str]:
    joined = re.sub(r"\\\r?\n\s*", " ", text)
    for line in joined.splitlines():
        bare = os.path.expandvars(_COMMENT.sub("", line)).strip()
        if bare:
            yield bare


def _option(line: str) -> tuple[str, str]:
    """Return the name and value of an option line: "-r FILE", "-rFILE", "--requirement=FILE"."""
    if line.startswith("--"):
        name, _, value = line.replace("=", " ", 1).partition(" ")
    else:
        name, value = line[:2], line[2:]
    return name, value.strip().strip("\"'")


def pip_variables(words: Iterable[str], lines: Iterable[str] = ()) -> Mapping[str, str]:
    """Return pip's variables for these options.

    Args:
        words: A command line's.
        lines: A requirements file's.
    """
    left = [*(word for line in lines for word in shlex.split(line)), *words]
    found: dict[str, str] = {}
    while left:
        word, has_value, value = left.pop(0).partition("=")
        variable = _VARIABLES.get(word)
        if variable is None:
            continue
        if word in _SWITCHES:
            found[variable] = "1"
            continue
        if not has_value:
            value = left.pop(0) if left else ""
        several = variable != "PIP_INDEX_URL" and variable in found
        found[variable] = f"{found[variable]} {value}" if several else value
    return found


def settings_in(words: Iterable[str]) -> tuple[str, ...]:
    """Return the back end's settings (PEP 517) among pip's options: "KEY=VALUE"."""
    left, found = list(words), []
    while left:
        word = left.pop(0)
        if word in ("-C", "--config-settings", "--config-setting") and left:
            found.append(left.pop(0))
        elif match := re.match(r"(?:--config-settings?=|-C)(?=.)", word):
            found.append(word[match.end() :])
    return tuple(found)


def without_secrets(words: Iterable[str]) -> str:
    """Return a command for a log, without the names and passwords in addresses."""
    return re.sub(r"://[^/@\s]+@", "://", shlex.join(words))

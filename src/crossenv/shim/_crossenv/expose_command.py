"""`cross-expose`: lets the host side see that a package of the build side is installed.

Run by the build side's Python, without the shim. Exposed is the package's metadata, no code: what looks for a
requirement of its own on the host side (`setup.py` with `setup_requires`, `pip check`) finds it met, and what imports
the package in a build gets the build side's.

In the host side it is a `.dist-info` directory with a name, a version and the INSTALLER "cross-expose" (PEP 376).
"""

import argparse
import importlib.metadata
import marshal
import os
import shutil
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

USAGE = 2
INSTALLER = "cross-expose"
ALL = ":all:"
# Both sides have their own.
_OF_THE_SIDE = ("pip", "setuptools", "distribute", "wheel")


def main(arguments: "Sequence[str] | None" = None) -> int:
    """Run the command line; the exit status."""
    with open(os.path.dirname(os.path.abspath(__file__)) + "/facts.marshal", "rb") as file:
        facts = marshal.load(file)  # noqa: S302 - written by `crossenv create` into this very directory
    options = _parser().parse_args(arguments)
    build, host = facts["build_site"], facts["cross_site"]
    if options.list or not options.names:
        for name in sorted(exposed(host)):
            sys.stdout.write(name + "\n")
        return 0
    if options.unexpose:
        hide(list(exposed(host)) if ALL in options.names else options.names, host, verbose=options.verbose)
    else:
        available = installed(build)
        names = [*options.names]
        if ALL in names:
            there = installed(host)
            names = [name for name in available if name not in _OF_THE_SIDE and name not in there]
            names += exposed(host)
        expose(dict.fromkeys(names), available, host, verbose=options.verbose, root=facts["root"])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cross-expose",
        description="Let the host side see that a package of the build side is installed: its metadata, not its code.",
    )
    parser.add_argument("-l", "--list", action="store_true", help="list what is exposed; the default without a name")
    parser.add_argument("-u", "--unexpose", action="store_true", help="undo it")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="say what is being done")
    parser.add_argument(
        "names", metavar="PACKAGE", nargs="*", help=f"a package of the build side; {ALL} for every one of them"
    )
    return parser


def fail(message: str, hint: str) -> "NoReturn":
    """End with one line and a hint."""
    sys.stderr.write(f"crossenv: error: {message}\ncrossenv: hint: {hint}\n")
    raise SystemExit(USAGE)


def normalised(name: str) -> str:
    """Return a project's name as the index has it."""
    words = name.lower().replace("_", "-").replace(".", "-").split("-")
    return "-".join(word for word in words if word)


def installed(site_packages: str) -> "dict[str, str]":
    """Return the versions of what is installed in a site directory, by name."""
    found = {}
    for distribution in importlib.metadata.distributions(path=[site_packages]):
        name = distribution.metadata["Name"]
        if name:
            found[normalised(name)] = distribution.version
    return found


def exposed(site_packages: str) -> "dict[str, str]":
    """Return the directories of what `cross-expose` has put into a site directory, by name."""
    found = {}
    for entry in os.scandir(site_packages):
        if not entry.name.endswith(".dist-info"):
            continue
        try:
            with open(entry.path + "/INSTALLER", encoding="utf-8") as file:
                ours = file.read().strip() == INSTALLER
        except OSError:
            continue
        if ours:
            found[normalised(entry.name.partition("-")[0])] = entry.path
    return found


def expose(
    names: "dict[str, None]", available: "dict[str, str]", host: str, *, verbose: int = 0, root: str = "ENV"
) -> None:
    """Expose each of `names`, or none of them if one cannot be."""
    there, before = installed(host), exposed(host)
    for name in map(normalised, names):
        if name not in available:
            fail(f"{name} is not installed in the build side", f"install it: {root}/bin/build-pip install {name}")
        if name in there and name not in before:
            fail(f"{name} {there[name]} is installed in the host side itself", "there is nothing to expose")
    for name in map(normalised, names):
        version = available[name]
        if name in before:
            if there[name] == version:
                continue
            shutil.rmtree(before[name])
        _write(name, version, host)
        if verbose:
            sys.stderr.write(f"crossenv: {name} {version} is exposed\n")


def _write(name: str, version: str, host: str) -> None:
    directory = f"{name.replace('-', '_')}-{version}.dist-info"
    texts = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        "Summary: Exposed by cross-expose: the package is in the build side\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: crossenv\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "INSTALLER": INSTALLER + "\n",
        # With it `cross-pip uninstall` can take it away too.
        "RECORD": "".join(f"{directory}/{file},,\n" for file in ("METADATA", "WHEEL", "INSTALLER", "RECORD")),
    }
    os.mkdir(os.path.join(host, directory))
    for file_name, text in texts.items():
        with open(os.path.join(host, directory, file_name), "w", encoding="utf-8") as file:
            file.write(text)


def hide(names: "Sequence[str]", host: str, *, verbose: int = 0) -> None:
    """Undo the exposure of each of `names`, or of none if one is not exposed."""
    before = exposed(host)
    for name in map(normalised, names):
        if name not in before:
            fail(f"{name} is not exposed", "`cross-expose --list` lists what is")
    for name in dict.fromkeys(map(normalised, names)):
        shutil.rmtree(before[name])
        if verbose:
            sys.stderr.write(f"crossenv: {name} is not exposed any more\n")


if __name__ == "__main__":
    sys.exit(main())

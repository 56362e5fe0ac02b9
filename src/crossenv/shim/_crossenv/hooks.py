"""Prepares a process that runs the hooks of a build back end (PEP 517) for the host.

Environment variables are set here and nowhere else, so that neither pip, nor the activated shell, nor the installation
of build requirements sees them. Settings of the user always win.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any, Protocol

    from _crossenv.facts_types import Facts

    class Finder(Protocol):
        """What waits for modules: `_crossenv.Finder`."""

        before: dict[str, "Callable[[], None]"]
        after: dict[str, "Callable[[ModuleType], None]"]


# Where front ends of different age name the back end: pyproject-hooks, and pep517 before it.
_BACKEND_VARIABLES = ("_PYPROJECT_HOOKS_BUILD_BACKEND", "PEP517_BUILD_BACKEND")


def prepare(facts: "Facts", hook: str, finder: "Finder") -> None:
    """Set up this process for running `hook`, named as `_crossenv.decide_role` names it."""
    if hook == "setup.py":
        # No hook returns. In place builds `build_ext --inplace`, and `develop` of pip before 25.
        from _crossenv import source_tree

        source_tree.check_at_exit(facts, in_place="develop" in sys.argv or "build_ext" in sys.argv)
        enter_environment(facts)
        return
    if hook.startswith("uv:"):
        # uv imports the back end by a plain statement, after it has put the project's own directories on sys.path.
        name, _, attribute = hook.removeprefix("uv:").partition(":")
        package = name.partition(".")[0]
        finder.before[package] = lambda: enter_environment(facts, name)
        finder.after[name] = lambda module: adapt_backend(module, attribute, facts)
        if facts["in_place"]:
            _announce_index()
        _require_runnable_requirements(facts)
        return

    import importlib

    import_module = importlib.import_module
    wanted = next((os.environ[name] for name in _BACKEND_VARIABLES if os.environ.get(name)), "")
    backend, _, attributes = wanted.partition(":")

    def import_backend(name: str, package: "str | None" = None) -> "ModuleType":
        """`importlib.import_module`; `_in_process.py` loads the back end with it, wherever it lies."""
        if name != backend or package is not None:
            return import_module(name, package)
        # Only now are the isolated environment's directories on sys.path.
        enter_environment(facts, backend)
        module = import_module(name)
        adapt_backend(module, attributes, facts)
        return module

    importlib.import_module = import_backend


def _announce_index() -> None:
    """Have what a build links from fetched for the host from where uv, which started this process, fetches."""
    import json

    from _crossenv import front_ends, uv_command

    words = json.dumps(uv_command.index_options(front_ends.command_line_of_parent(), os.environ))
    os.environ.setdefault("CROSSENV_PIP_OPTIONS", words)


def adapt_backend(module: "ModuleType", attributes: str, facts: "Facts") -> None:
    """Tell the back end, which is `module` or an object of it, of the host if it asks, and check what it builds."""
    from _crossenv import cross_hooks, settings

    target: Any = module
    for attribute in attributes.split(".") if attributes else ():
        target = getattr(target, attribute, None)
    if target is not None:
        settings.adapt(target, facts, module.__name__)
        cross_hooks.tell(target, facts)
        check_results(target, facts)


def enter_environment(facts: "Facts", backend: str = "") -> None:
    """Put the build's settings into `os.environ` and the search path in order, for the back end of this name."""
    from _crossenv import build_directories, settings, variables

    root = facts["root"]
    # Those of another environment or back end, where its build starts this one.
    variables.take_back_defaults(os.environ)
    if sys.prefix == facts["uv_prefix"]:
        # cross-uv without isolation.
        sys.path.append(facts["cross_site"])
    isolated = facts["cross_site"] not in sys.path
    if not isolated:
        # What the build runs comes from the build side, before anything of the host's.
        _show_build_side(facts)
    _use_both_flavours(facts)
    # ENV/etc/bin: the compilers' launchers and pythonX.Y-config, under the names that builds look for.
    # `python` on PATH is the one that has the build requirements.
    programs = "" if facts["in_place"] else root + "/bin"
    _prepend_to_path(root + "/etc/bin", _pkg_config(root), programs, "" if isolated else root + "/build/bin")
    ours = settings.declared(facts, backend)
    wanted = {**facts["hook_environment"], **ours["environment"]}
    variables.set_defaults({**wanted, **build_directories.cargo_variables(facts, os.environ)}, os.environ)
    from _crossenv import build_machine, host_files

    build_machine.drop_search_paths(facts, os.environ)
    build_machine.watch_programs(facts)
    os.environ["CROSSENV_PYTHON"] = sys.executable
    host_files.answer_for_host(facts)
    _name_directories(facts)
    if facts["system"]:
        from _crossenv import project_platform

        project_platform.install(os.getcwd(), facts, facts["system"])
    _require_rust_target()
    if not ours["fails_by_itself"] or _falls_back(ours["falls_back"]):
        from _crossenv import attempts

        attempts.watch_compiler(part_of_build=not backend)
    # Prefixes below which CMake may look for what build requirements ship (pybind11's and nanobind's modules).
    os.environ["CROSSENV_BUILD_ROOTS"] = os.pathsep.join(
        entry for entry in sys.path if entry.rstrip("/").endswith(("site-packages", "dist-packages"))
    )


def _falls_back(pattern: str) -> bool:
    """Whether the project has its build go on after a failed compile; `pattern` finds that in pyproject.toml."""
    import re

    return bool(pattern) and re.search(pattern, _pyproject_text()) is not None


def _pyproject_text() -> str:
    try:
        with open("pyproject.toml", encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _name_directories(facts: "Facts") -> None:
    """Say which directories are not to be seen in the result; the compilers' launchers read it.

    Editable builds keep them: their sources stay where they are, and a debugger looks for them there.
    """
    words = " ".join(sys.argv[:2]) + " ".join(sys.orig_argv)
    if "build_editable" in words or not ("build_wheel" in words or "prepare_metadata_for_build_wheel" in words):
        return
    directories = {"CROSSENV_ENVIRONMENT_DIRECTORY": facts["root"], "CROSSENV_SOURCE_DIRECTORY": os.getcwd()}
    if sys.prefix != sys.base_prefix:
        directories["CROSSENV_REQUIREMENTS_DIRECTORY"] = sys.prefix
    for entry in sys.path:
        head, found, rest = entry.partition("/pip-build-env-")
        if found:
            # pip has two prefixes: what pyproject.toml names, and what the back end asks for.
            top = head + found + rest.partition("/")[0]
            directories["CROSSENV_REQUIREMENTS_DIRECTORY"] = f"{top}/overlay"
            directories["CROSSENV_MORE_REQUIREMENTS_DIRECTORY"] = f"{top}/normal"
            break
    for name, directory in directories.items():
        # It would be taken for the end of the old name.
        if "=" not in directory:
            os.environ[name] = directory


def _require_runnable_requirements(facts: "Facts") -> None:
    """End the process if uv has installed the host's wheels as build requirements.

    It does so where it is given the cross python, because it chooses everything by the tags of one interpreter; and
    `uv pip install` does so with a build requirement that it has built from source.
    """
    ours, hosts = "_" + facts["build_machine"], "_" + facts["machine"]
    if ours == hosts or facts["cross_site"] in sys.path:
        return
    foreign = []
    for directory in sys.path:
        if not directory.startswith(sys.prefix) or not os.path.isdir(directory):
            continue
        for entry in os.scandir(directory):
            if not entry.name.endswith(".dist-info"):
                continue
            try:
                with open(entry.path + "/WHEEL", encoding="utf-8") as file:
                    tags = [line.split("-")[-1].strip() for line in file if line.startswith("Tag:")]
            except OSError:
                continue
            if any(tag.endswith(hosts) for tag in tags) and not any(tag.endswith(ours) for tag in tags):
                foreign.append(entry.name.partition("-")[0])
    if foreign:
        from _crossenv.refusal import fail

        through = os.environ.get("CROSSENV_UV")
        fail(
            f"uv has installed the target's {', '.join(sorted(foreign))} as build requirements, which cannot run here",
            f"use {facts['root']}/bin/" + ("cross-pip in place of cross-uv" if through else "cross-uv in place of uv"),
        )


def _pkg_config(root: str) -> str:
    """The directory with a `pkg-config` that answers for the host; "" where the build machine has none to ask."""
    import shutil

    return root + "/etc/pkg-config/bin" if shutil.which("pkg-config") else ""


def _use_both_flavours(facts: "Facts") -> None:
    """Let what is linked from the build requirements be the host's; before anything else is changed."""
    from _crossenv import overlay

    try:
        overlay.lay_over(facts)
    except OSError as error:
        from _crossenv.refusal import fail

        fail(
            f"the target's flavour of the build requirements cannot be laid over them ({error})", "make room, try again"
        )


def _require_rust_target() -> None:
    """End the process if the project is in Rust and the compiler has no standard library for the host.

    Cargo would say so too, for each crate, with advice that is not for this situation.
    """
    target = os.environ.get("CARGO_BUILD_TARGET", "")
    text = _pyproject_text()
    if not target or not any(name in text for name in ("maturin", "setuptools-rust", "setuptools_rust")):
        return
    import shutil
    import subprocess

    rustc = shutil.which("rustc")
    if rustc is None:
        return
    words = [rustc, "--print", "target-libdir", "--target", target]
    done = subprocess.run(words, capture_output=True, text=True, errors="surrogateescape", check=False)
    if done.returncode or not os.path.isdir(done.stdout.strip()):
        from _crossenv.refusal import fail

        hint = f"install it: rustup target add {target} (or your distribution's package of it)"
        fail(f"Rust has no standard library for {target}", hint)


def _show_build_side(facts: "Facts") -> None:
    import site

    before = list(sys.path)
    site.addsitedir(facts["build_site"])
    added = [entry for entry in sys.path if entry not in before]
    where = before.index(facts["cross_site"])
    sys.path[:] = before[:where] + added + before[where:]


def _prepend_to_path(*directories: str) -> None:
    """Put `directories` on PATH, behind the scripts of the isolated environment."""
    old = os.environ.get("PATH", os.defpath).split(os.pathsep)
    first = 1 if old and "pip-build-env-" in old[0] else 0
    if sys.prefix != sys.base_prefix and old and old[0].startswith(sys.prefix):
        first = 1
    new = [directory for directory in directories if directory and directory not in old]
    os.environ["PATH"] = os.pathsep.join(old[:first] + new + old[first:])


def check_results(backend: "Any", facts: "Facts") -> None:
    """Check every wheel that `backend` (a module or an object) builds."""
    import functools
    import tempfile

    from _crossenv import ask_judge, source_tree

    def checked(hook: "Any", *, editable: bool) -> "Any":
        @functools.wraps(hook)
        def call(wheel_directory: str, *args: "Any", **kwargs: "Any") -> str:
            directory = os.getcwd()
            before = source_tree.libraries(directory) if editable else {}
            # In a directory of its own: a build that is killed leaves no wheel that nobody has judged.
            place = os.path.abspath(wheel_directory)
            os.makedirs(place, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".crossenv-", dir=place) as own:
                path = os.path.join(own, str(hook(own, *args, **kwargs)))
                written = set()
                if editable:
                    written.update(source_tree.written(directory, before))
                    written.update(source_tree.importable(directory, facts["extension_suffixes"]))
                sealed = ask_judge.require_sealed(path, facts, editable=editable, written=sorted(written))
                # The wheel last; a back end may put something beside it.
                for entry in sorted(os.listdir(own), key=lambda entry: entry == os.path.basename(sealed)):
                    os.replace(os.path.join(own, entry), os.path.join(place, entry))
            return os.path.basename(sealed)

        return call

    for name in ("build_wheel", "build_editable"):
        hook = getattr(backend, name, None)
        if hook is not None:
            setattr(backend, name, checked(hook, editable=name == "build_editable"))

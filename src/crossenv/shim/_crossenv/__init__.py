"""The start-up shim of a cross environment: makes this interpreter report the target machine.

`000_crossenv.pth` calls `start` while `site` runs, that is before any user code. `start` finds out three things, each
from what this process can see of itself:

1. The *place*: the environment's host side ("cross"), an isolated environment made from it ("isolated"), an
   installation that `crossenv create --in-place` converted or an environment made from that one ("in-place"), or
   none of them, in which case the shim does nothing: the site directory was copied to a device, a host Python reads
   it under an emulator, or somebody made an ordinary environment from ours.
2. The *role*, "build" or "host": see `decide_role`.
3. Whether the process runs the hooks of a build back end; then `_crossenv.hooks` prepares it.

In role "build" the interpreter is left as it is. In role "host" it answers for the target: a few cheap replacements in
`sys` and `os` at once, everything else at the moment when a module is imported (`Finder`), so that a start that needs
none of it pays for none of it. Facts come from `facts.marshal` beside this file, which `crossenv create` derives from
the record `crossenv.json` (reading JSON would double the cost of a start).

Never silently native: whatever goes wrong in here ends the process, and so does `000_crossenv_check.pth` where this
module was not reached at all.

Floor: CPython 3.10 (`sys.orig_argv`). Standard library only. What every start needs is in this file, and nothing else:
each further module costs every start.
"""

import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, NoReturn

    from _crossenv.facts_types import Facts

ROLE_VARIABLE = "CROSSENV_ROLE"
RECORD_VARIABLE = "CROSSENV_RECORD"
# "1" where `crossenv_info` can be imported.
CROSS_VARIABLE = "PYTHON_CROSSENV"
# Set by `cross-uv` to uv's command.
UV_VARIABLE = "CROSSENV_UV"

# What `start` found out, for the rest of the shim, the doctor and the curious. Empty until it has succeeded.
place: str = ""
role: str = ""
facts: "Facts" = {}  # type: ignore[typeddict-item]


def start(site_directory: str) -> None:
    """Make this process what its role asks for, or end it.

    Args:
        site_directory: The directory of the start-up file.
    """
    if "%d.%d" % sys.version_info[:2] not in site_directory:  # noqa: UP031 - other Pythons read it
        # Below pip every Python of whatever version runs the start-up files of the host side.
        return
    if role:
        # Up to Python 3.13 `site` goes through the directories of `sys.prefix` twice, and `enter_cross_prefix` has
        # changed its spelling in between.
        sys.path[:] = dict.fromkeys(sys.path)
        return
    try:
        _start(site_directory)
    except BaseException as error:
        from _crossenv import refusal

        refusal.unexpected(error)


def _start(site_directory: str) -> None:
    global place, role, facts  # noqa: PLW0603 - the one state of this package
    here = os.path.dirname(__file__)
    if here != site_directory + "/_crossenv":
        _require_own(here, site_directory)
    try:
        with open(here + "/facts.marshal", "rb") as file:
            # Not `load`, which calls `file.read` for each byte: four times the cost.
            facts = marshal.loads(file.read())  # noqa: S302 - written by `crossenv create` into this very directory
        if sys.getfilesystemencoding() != "utf-8":
            # LC_ALL=C PYTHONUTF8=0: paths are spelled with surrogates, as everywhere in this process.
            facts = _as_file_names(facts)
        root = facts["root"]
    except (OSError, ValueError, EOFError, TypeError, KeyError) as error:
        fail(f"the environment's facts cannot be read from {here} ({error})", "make it anew with --clear")
    place = find_place(here, root)
    if not place:
        if "CROSSENV_LAUNCHER" in os.environ:
            from _crossenv import guest

            guest.install()
        role = "none"
        return
    found, export, hook = decide_role(place, sys.argv, sys.orig_argv, os.environ, os.getcwd, root=root)
    if place == "cross":
        enter_cross_prefix(root)
    if facts["system"] and _asked_by_uv(sys.orig_argv):
        fail(f"uv cannot build for {facts['system']['title']} with crossenv yet", f"use {root}/bin/cross-pip")
    if sys.argv[:1] == ["-c"] and _asked_by_uv(sys.orig_argv) and sys.prefix in (root + "/cross", facts["uv_prefix"]):
        # uv makes its isolated environments from what it is told here; this base brings the shim along.
        sys._base_executable = facts["base"]  # type: ignore[attr-defined]
    if export:
        os.environ[ROLE_VARIABLE] = found
    if found == "build" and os.environ.get(ROLE_VARIABLE) != "host":
        # Meson, below a hook, hands on what the hook has set.
        _forget_host()
    if found == "host":
        if facts["variables"]:
            from _crossenv import variables

            variables.apply(facts["variables"], root, os.environ)
        finder = install(facts)
        if hook:
            from _crossenv import hooks

            hooks.prepare(facts, hook, finder)
        elif "CROSSENV_FILES" in os.environ:
            from _crossenv import host_files

            if host_files.is_marked(root, os.environ):
                host_files.answer_for_host(facts)
    role = found


def _as_file_names(value: "Any") -> "Any":
    """`value` with its texts as this process spells file names."""
    if isinstance(value, str):
        return os.fsdecode(value.encode("utf-8", "surrogateescape"))
    if isinstance(value, dict):
        return {_as_file_names(key): _as_file_names(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_as_file_names, value))
    return value


def _require_own(here: str, site_directory: str) -> None:
    """End if this is the shim of another environment than the one whose start-up file has called."""
    try:
        own = os.path.samefile(here, site_directory + "/_crossenv")
    except OSError:
        own = False
    if not own:
        fail(
            f"the shim in {site_directory} is hidden by that of another environment, {here}",
            "take the other environment off PYTHONPATH",
        )


def find_place(here: str, root: str) -> str:
    """Where this interpreter runs: "cross", "isolated", "in-place", or "" for none of them."""
    prefix = sys.prefix
    if prefix in (root, root + "/cross"):
        return "cross"
    linked = os.path.islink(here)
    if linked and not facts["in_place"]:
        # `_crossenv.isolation` links the shim into the environments that front ends make for a build. Those that uv
        # makes have it from their base, and so do those that users make with uv, which are native.
        by_uv = here.startswith(root + "/etc/base/") and prefix != facts["uv_prefix"]
        if not by_uv or "/builds-v" in prefix:
            return "isolated"
        if UV_VARIABLE in os.environ and _runs_backend(sys.orig_argv):
            fail(f"uv builds in {prefix}, and crossenv knows other places for that", "use an older uv, or cross-pip")
        _leave_ordinary()
        return ""
    try:
        # The environment reached by another name: a symbolic link, a bind mount.
        if os.path.samefile(prefix, root) or os.path.samefile(prefix, root + "/cross"):
            return "cross"
        if linked and os.path.samefile(prefix, root + "/build"):
            # The build side of the environment in a converted installation starts the shim like all that is made
            # from that one. It and what it starts are native.
            os.environ[ROLE_VARIABLE] = "build"
            _forget_host()
            return ""
    except OSError:
        pass
    if linked:
        return "in-place"
    # Not beside the build side: that loads the shim where it is started below pip, whose `sitecustomize` brings the
    # host side's start-up files along.
    above, name = os.path.split(prefix)
    for directory in (prefix, above if name == "cross" else prefix):
        if os.path.exists(directory + "/crossenv.json"):
            fault = f"this environment was created as {root} and has been moved or copied"
            fail(fault, "create it again where it is now")
    if here.startswith(prefix + "/") and _is_side(prefix):
        fail(f"this is a part of an environment that was created as {root}", "create it again where it is now")
    return ""


def _leave_ordinary() -> None:
    """Leave an environment alone that somebody has made from ours with uv: it is for this machine, for good."""
    if os.environ.get(ROLE_VARIABLE) == "host":
        del os.environ[ROLE_VARIABLE]
    _forget_host()
    if _asked_by_uv(sys.orig_argv):
        # What uv makes for builds in it is made from the build Python itself.
        sys._base_executable = facts["build_python"]  # type: ignore[attr-defined]


def _is_side(prefix: str) -> bool:
    """Whether `crossenv create` has made the virtual environment `prefix`; it leaves a word in each host side."""
    try:
        with open(prefix + "/pyvenv.cfg", "rb") as file:
            return b"\ncrossenv = " in file.read()
    except FileNotFoundError:
        return False


def _forget_host() -> None:
    """Take away what a parent in role "host" has set: nothing that this process starts is for the host."""
    for name in (RECORD_VARIABLE, CROSS_VARIABLE):
        os.environ.pop(name, None)
    if "CROSSENV_VARIABLES" in os.environ or "CROSSENV_HOOK_VARIABLES" in os.environ:
        from _crossenv import variables

        variables.take_back_defaults(os.environ)
        variables.take_back(os.environ)


def decide_role(
    place: str,
    argv: "Sequence[str]",
    orig_argv: "Sequence[str]",
    environ: "Mapping[str, str]",
    getcwd: "Callable[[], str]",
    get_parent: "Callable[[], Sequence[str]] | None" = None,
    root: str = "",
) -> "tuple[str, bool, str]":
    """What this process is for.

    Args:
        place: "cross", "isolated" or "in-place".
        argv: `sys.argv` as `site` sees it: the script's path or "-c" or "-m" first.
        orig_argv: `sys.orig_argv`.
        environ: The process's environment.
        getcwd: Says the working directory.
        get_parent: Says the command line of the process that started this one; for tests.
        root: The environment's directory.

    Returns:
        The role ("build" or "host"), whether children inherit it, and what the process runs: the name of a PEP 517
        hook, "setup.py" for a direct run of one, "uv:MODULE" or "uv:MODULE:OBJECT" where uv calls that back end; "" for
        none of them.
    """
    asked = environ.get(ROLE_VARIABLE, "")
    if asked == "build":
        return "build", False, ""
    script = argv[0].rpartition("/")[2] if argv else ""
    # pip installs build requirements in a child of its own, into a temporary prefix: they are for this machine,
    # and so is everything that is built on the way.
    if script == "__pip-runner__.py" and "install" in argv[1:2] and _names_build_prefix(argv):
        return "build", True, ""
    # So it is where a front end has made an environment for the build and has pip fill it (`build`).
    if place == "isolated" and asked != "host" and (script == "__pip-runner__.py" or _runs_pip(orig_argv)):
        return "build", True, ""
    # Meson decides what the build machine is by asking `platform`.
    if script in ("meson", "meson.py"):
        return "build", False, ""
    if script == "_in_process.py" and len(argv) > 1:
        # pyproject-hooks. A source distribution is not for a machine: back ends that configure the project to
        # make one do it natively.
        if argv[1].endswith("build_sdist"):
            return "build", True, ""
        return "host", True, argv[1]
    if script == "-c" and _runs_backend(orig_argv):
        from _crossenv import front_ends

        if backend := front_ends.uv_backend(orig_argv):
            command = environ.get(UV_VARIABLE)
            if place == "in-place":
                # uv itself: what it builds to install it are tools, with the project's own `uv build` for an exception.
                command = front_ends.uv_command((get_parent or front_ends.command_line_of_parent)())
                if command != "build":
                    return "build", True, ""
            elif command is None:
                parent = (get_parent or front_ends.command_line_of_parent)()
                if front_ends.uv_serves_another(parent, root):
                    return "build", True, ""
            if backend == "sdist" or (command == "build" and front_ends.is_requirement_of_uv(getcwd())):
                return "build", True, ""
            return "host", True, f"uv:{backend}"
    if script == "setup.py" and (place == "cross" or asked == "host"):
        return "host", True, "setup.py"
    if asked == "host":
        return "host", False, ""
    if "_PYPROJECT_HOOKS_BUILD_BACKEND" in environ or (script == "-c" and _runs_backend(orig_argv)):
        from _crossenv import front_ends

        front_ends.require_known_runner(script, orig_argv, environ)
    if place == "in-place" and "pip" in f"{script} {orig_argv}":
        from _crossenv import front_ends

        if command := front_ends.pip_command(script, argv, orig_argv):
            # Wheels are for the target, by whatever pip. What it installs is tools, and so is what it builds for that.
            return ("host", False, "") if command == "wheel" else ("build", True, "")
    return ("host" if place == "cross" else "build"), False, ""


def _names_build_prefix(argv: "Sequence[str]") -> bool:
    # Both spellings of the option; the prefix is pip's own invention, so no other word looks like it.
    return any("/pip-build-env-" in word for word in argv[2:]) and any(word.startswith("--prefix") for word in argv)


def _runs_pip(orig_argv: "Sequence[str]") -> bool:
    pairs = zip(orig_argv[1:], orig_argv[2:], strict=False)  # noqa: RUF007 - itertools would cost an import
    return any(word[:1] == "-" and word[-1:] == "m" and after == "pip" for word, after in pairs)


def _runs_backend(orig_argv: "Sequence[str]") -> bool:
    """Whether a script on the command line may be one of uv's that runs a build back end."""
    return any("backend" in word for word in orig_argv)


def _asked_by_uv(orig_argv: "Sequence[str]") -> bool:
    """Whether uv asks this interpreter what it is."""
    return any("from python.get_interpreter_info import main" in word for word in orig_argv)


def enter_cross_prefix(root: str) -> None:
    """Make ENV/bin/python and ENV/cross/bin/python the same interpreter: the one whose prefix is ENV/cross.

    ENV itself is a virtual environment, so that ENV/bin/python needs no wrapper; its `lib/pythonX.Y` is a link to
    that of ENV/cross. Only the names differ, and packages must see one of them.
    """
    cross = root + "/cross"
    old = sys.prefix
    if old == cross:
        return
    sys.prefix = sys.exec_prefix = cross
    name = sys.executable.rpartition("/")[2]
    sys.executable = cross + "/bin/" + (name if name.startswith("python") else "python")
    sys.path[:] = [cross + entry[len(old) :] if entry.startswith(old + "/lib") else entry for entry in sys.path]


def fail(message: str, hint: str, status: int = 1) -> "NoReturn":
    """End the process at once with one line and a hint."""
    from _crossenv import refusal

    refusal.fail(message, hint, status)


def install(facts: "Facts") -> "Finder":
    """Make `sys`, `os` and what is imported from now on answer for the host described by `facts`."""
    # Read by sysconfig, which derives the name of its data module from it.
    sys.implementation._multiarch = facts["multiarch"]  # type: ignore[attr-defined]
    # Also of that name; a free-threaded host's interpreter here may have the GIL.
    sys.abiflags = facts["abi_flags"]
    sys.cross_compiling = True  # type: ignore[attr-defined]
    os.environ["CROSSENV_RECORD"] = facts["root"] + "/crossenv.json"
    os.environ["PYTHON_CROSSENV"] = "1"
    if sys.version_info >= (3, 15):
        # Read for the markers of PEP 780.
        sys.abi_info.pointer_bits = facts["identity"]["bits"]
        sys.abi_info.byteorder = facts["identity"]["byte_order"]
    _replace_uname(facts["machine"])
    _replace_confstr(facts["libc"]["family"], facts["libc"]["version"])
    finder = Finder(facts)
    sys.meta_path.insert(0, finder)
    sys.meta_path.append(LastFinder(facts))
    _explain_extensions(facts)
    for name in [name for name in sys.modules if _patcher_name(name)]:
        # Another start-up file was faster.
        _patch(name, sys.modules[name], facts)
    return finder


def _replace_uname(machine: str) -> None:
    # Read by platform, sysconfig.get_platform, setuptools and by setup.py files.
    uname = os.uname

    def host_uname() -> os.uname_result:
        """The build machine's `uname`, with the host's machine."""
        return os.uname_result((*uname()[:4], machine))

    os.uname = host_uname


def _replace_confstr(family: str, version: str) -> None:
    # Read by packaging (PEP 600: the glibc version decides which manylinux wheels fit) and by platform.libc_ver.
    confstr = os.confstr

    def host_confstr(name: "str | int", /) -> "str | None":
        """`os.confstr` with the host's C library version."""
        if name in ("CS_GNU_LIBC_VERSION", os.confstr_names.get("CS_GNU_LIBC_VERSION")):
            return f"glibc {version}" if family == "glibc" and version else None
        return confstr(name)

    os.confstr = host_confstr


def _explain_extensions(facts: "Facts") -> None:
    """Have the import of an extension module of the target say what is wrong with it."""
    # importlib.machinery would cost an import.
    loader = sys.modules["_frozen_importlib_external"].ExtensionFileLoader
    create_module = loader.create_module

    def create(self: "Any", spec: "ModuleSpec") -> "ModuleType":
        try:
            module: ModuleType = create_module(self, spec)
        except ImportError as error:
            from _crossenv import foreign

            foreign.explain(error, spec.origin, facts)
            raise
        return module

    loader.create_module = create


_BY_NAME = {
    "sysconfig": "sysconfig_module",
    "platform": "platform_module",
    "distutils.sysconfig": "distutils_sysconfig",
    "setuptools._distutils.sysconfig": "distutils_compiler",
    "distutils.util": "distutils_util",
    "setuptools._distutils.util": "distutils_util",
    "distutils.command.build": "distutils_build",
    "setuptools._distutils.command.build": "distutils_build",
    "skbuild.constants": "skbuild_constants",
    "ctypes": "ctypes_module",
    "ctypes.util": "ctypes_util_module",
    "venv": "venv_module",
    "virtualenv.run.session": "virtualenv_module",
    "build.env": "build_env_module",
    "uv._find_uv": "uv_finder_module",
    "pip": "pip_module",
    "pip._internal.utils.misc": "pip_misc_module",
    "pip._internal.build_env": "pip_build_env_module",
    "pip._internal.cli.main_parser": "pip_main_parser",
    "pip._internal.cli.spinners": "pip_spinners",
    "pip._vendor.distlib.scripts": "distlib_scripts",
    "pip._internal.operations.install.wheel": "pip_install_wheel",
    "pip._internal.operations.prepare": "pip_prepare",
    "pip._internal.req": "pip_requirements",
    "pip._internal.commands.wheel": "pip_wheel_command",
    "pip._internal.utils.subprocess": "pip_subprocess",
    "pip._internal.commands.install": "pip_building_command",
    "pip._internal.commands.download": "pip_building_command",
    "pip._internal.commands.lock": "pip_building_command",
    "distutils.command.build_ext": "distutils_build_ext",
    "setuptools._distutils.command.build_ext": "distutils_build_ext",
    "setuptools.command.build_ext": "build_ext_module",
    "setuptools_rust.build": "build_rust_module",
    "setuptools.command.build_py": "build_py_module",
    "packaging._manylinux": "packaging_manylinux",
    "packaging._musllinux": "packaging_musllinux",
    "packaging.tags": "packaging_tags",
    "packaging.markers": "packaging_markers",
    "wheel.bdist_wheel": "bdist_wheel_module",
    "wheel._bdist_wheel": "bdist_wheel_module",
    "setuptools.command.bdist_wheel": "bdist_wheel_module",
}


def _patcher_name(name: str) -> "str | None":
    # Its own, and the copies in pip, setuptools and others.
    if "packaging." in name:
        found = _BY_NAME.get(name[name.rindex("packaging.") :])
        if found:
            return found
    return _BY_NAME.get(name)


def _patch(name: str, module: "ModuleType", facts: "Facts") -> None:
    from _crossenv import patches

    patches.apply(str(_patcher_name(name)), module, facts)


def _adapt_settings(module: "ModuleType", facts: "Facts") -> None:
    from _crossenv import settings

    settings.adapt(module, facts, module.__name__, known=False)


class Finder:
    """Serves the host's `_sysconfigdata` and adapts a few modules right after they are executed.

    A finder rather than a directory on `sys.path`: pip deletes site directories from `sys.path` in the processes
    that run back ends, and leaves `sys.meta_path` alone.
    """

    def __init__(self, facts: "Facts") -> None:
        self.facts = facts
        # The packages of the back ends that get settings, whoever imports them: an in-tree back end often wraps one.
        self.backends = {
            name.partition(".")[0] for name, it in facts["backends"].items() if it["settings"] or it["build_directory"]
        }
        # Modules that a hook process waits for: what to call before the search, and after the execution.
        self.before: dict[str, Callable[[], None]] = {}
        self.after: dict[str, Callable[[ModuleType], None]] = {}

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """The spec of the host's data module, of `crossenv_info`, or of a module to adapt; None for every other."""
        # PyPy falls back to the name without more in it.
        if name.startswith("_sysconfigdata_") or name == "_sysconfigdata":
            from importlib.util import spec_from_file_location

            spec = spec_from_file_location(name, self.facts["sysconfigdata"])
            if spec is not None and sys.getfilesystemencoding() != "utf-8":
                _call_when_executed(spec, [_decode_configuration])
            return spec
        if name == "crossenv_info":
            from importlib.util import spec_from_file_location

            return spec_from_file_location(name, os.path.dirname(__file__) + "/crossenv_info.py")
        after = []
        if _patcher_name(name):
            after.append(lambda module: _patch(name, module, self.facts))
        if name.partition(".")[0] in self.backends:
            after.append(lambda module: _adapt_settings(module, self.facts))
        if name in self.before:
            _or_end(self.before.pop(name))
        if name in self.after:
            after.append(self.after.pop(name))
        if not after:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                _call_when_executed(spec, after)
                return spec
        return None


class LastFinder:
    """Says why a module is missing that is there for the target."""

    def __init__(self, facts: "Facts") -> None:
        self.facts = facts

    def find_spec(self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None) -> None:
        """Raise an error that says so; nothing for every other name."""
        if name in ("sitecustomize", "usercustomize"):
            # Every start looks for them.
            return
        file = name.rpartition(".")[2] + self.facts["extension_suffixes"][0]
        for directory in sys.path if path is None else path:
            found = os.path.join(directory, file)
            if os.path.exists(found):
                from _crossenv import foreign

                foreign.refuse_module(name, found, self.facts)


def _call_when_executed(spec: "ModuleSpec", after: "list[Callable[[ModuleType], None]]") -> None:
    """Have `after` called with the module of `spec` once it is executed."""
    loader: Any = spec.loader
    if loader is None:
        # A namespace package: a directory without code of its own.
        return
    if not hasattr(loader, "exec_module"):
        fail(f"{spec.name} cannot be adapted: it is loaded by {loader!r}", "install it as a directory of files")
    execute = loader.exec_module

    def exec_module(module: "ModuleType") -> None:
        execute(module)
        # The loader of a zip file is one for all modules in it.
        if module.__name__ == spec.name:
            for call in after:
                _or_end(call, module)

    loader.exec_module = exec_module


def _or_end(call: "Callable[..., None]", *arguments: "ModuleType") -> None:
    """Call it, and end the process if it fails: whoever imports a module may catch the exception and go on."""
    try:
        call(*arguments)
    except Exception as error:
        from _crossenv import refusal

        refusal.unexpected(error)


def _decode_configuration(module: "ModuleType") -> None:
    """The file is in UTF-8; paths in it have to be in the encoding of this process."""
    module.build_time_vars = _as_file_names(module.build_time_vars)  # type: ignore[attr-defined]

"""What an interpreter in role "host" answers about the machine.

Eager are only a few cheap replacements in `sys` and `os`. Everything else is done by `Finder` at the moment a module
is first imported, so that a start that needs none of it pays for none of it.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any


def install(facts: "dict[str, Any]") -> "Finder":
    """Make `sys`, `os` and what is imported from now on answer for the host described by `facts`."""
    # Read by sysconfig, which derives the name of its data module from it.
    sys.implementation._multiarch = facts["multiarch"]  # type: ignore[attr-defined]
    sys.cross_compiling = True  # type: ignore[attr-defined]
    os.environ["CROSSENV_RECORD"] = facts["root"] + "/crossenv.json"
    os.environ["PYTHON_CROSSENV"] = "1"
    if sys.version_info >= (3, 15):
        # Read for the markers of PEP 780.
        sys.abi_info.pointer_bits = facts["elf"]["bits"]
        sys.abi_info.byteorder = facts["elf"]["byte_order"]
    _replace_uname(facts["machine"])
    _replace_confstr(facts["libc_family"], facts["libc_version"])
    finder = Finder(facts)
    sys.meta_path.insert(0, finder)
    sys.meta_path.append(TargetModules(facts["extension_suffixes"][0]))
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


_BY_NAME = {
    "sysconfig": "sysconfig_module",
    "platform": "platform_module",
    "distutils.sysconfig": "distutils_sysconfig",
    "setuptools._distutils.sysconfig": "distutils_compiler",
    "distutils.command.build": "distutils_build",
    "setuptools._distutils.command.build": "distutils_build",
    "skbuild.constants": "skbuild_constants",
    "ctypes": "ctypes_module",
    "ctypes.util": "ctypes_util_module",
    "venv": "venv_module",
    "virtualenv": "virtualenv_module",
    "build.env": "build_env_module",
    "uv._find_uv": "uv_finder_module",
    "pip": "pip_module",
    "pip._internal.cli.main_parser": "pip_main_parser",
    "pip._internal.cli.spinners": "pip_spinners",
    "pip._vendor.distlib.scripts": "distlib_scripts",
    "pip._internal.operations.install.wheel": "pip_install_wheel",
    "pip._internal.commands.wheel": "pip_wheel_command",
    "pip._internal.commands.install": "pip_building_command",
    "pip._internal.commands.download": "pip_building_command",
    "pip._internal.commands.lock": "pip_building_command",
    "setuptools.command.build_ext": "build_ext_module",
    "wheel.bdist_wheel": "bdist_wheel_module",
    "wheel._bdist_wheel": "bdist_wheel_module",
    "setuptools.command.bdist_wheel": "bdist_wheel_module",
}


def _patcher_name(name: str) -> "str | None":
    if name.endswith("packaging._manylinux"):
        return "packaging_manylinux"
    if name.endswith("packaging._musllinux"):
        return "packaging_musllinux"
    if name.endswith("packaging.tags"):
        return "packaging_tags"
    return _BY_NAME.get(name)


def _patch(name: str, module: "ModuleType", facts: "dict[str, Any]") -> None:
    from _crossenv import patches

    patcher: Callable[[ModuleType, dict[str, Any]], None] = getattr(patches, str(_patcher_name(name)))
    try:
        patcher(module, facts)
    except Exception as error:
        # The importing code might catch it and go on with what is native.
        from _crossenv import fail

        fail(f"{name} cannot be adapted to the target: {error!a}", "install an earlier version of that package")


class TargetModules:
    """Explains why an extension module of the target is not found; last on `sys.meta_path`."""

    def __init__(self, suffix: str) -> None:
        self.suffix = suffix

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """None; raises ModuleNotFoundError where the target's module of that name lies on the search path."""
        file = name.rpartition(".")[2] + self.suffix
        for entry in sys.path if path is None else path:
            found = os.path.join(entry, file)
            if os.path.exists(found):
                message = (
                    f"{found} is an extension module for the target, which this machine cannot load;"
                    " `cross-run python` runs Python under an emulator, and a build that must import it needs an"
                    " environment made with `crossenv create --emulator`"
                )
                raise ModuleNotFoundError(message, name=name)
        return None


def _adapt_settings(module: "ModuleType", facts: "dict[str, Any]") -> None:
    from _crossenv import settings

    settings.adapt(module, facts, module.__name__)


class Finder:
    """Serves the host's `_sysconfigdata` and adapts a few modules right after they are executed.

    A finder rather than a directory on `sys.path`: pip deletes site directories from `sys.path` in the processes
    that run back ends, and leaves `sys.meta_path` alone.
    """

    def __init__(self, facts: "dict[str, Any]") -> None:
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

            return spec_from_file_location(name, self.facts["sysconfigdata"])
        if name == "crossenv_info":
            from importlib.util import spec_from_file_location

            return spec_from_file_location(name, os.path.dirname(__file__) + "/crossenv_info.py")
        after = []
        if _patcher_name(name):
            after.append(lambda module: _patch(name, module, self.facts))
        if name.partition(".")[0] in self.backends:
            after.append(lambda module: _adapt_settings(module, self.facts))
        if name in self.before:
            self.before.pop(name)()
        if name in self.after:
            after.append(self.after.pop(name))
        if not after:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    _call_when_executed(spec.loader, after)
                return spec
        return None


def _call_when_executed(loader: "Loader", after: "list[Callable[[ModuleType], None]]") -> None:
    """Change `loader`, and no other: each spec of the path finder has a loader of its own."""
    execute = loader.exec_module

    def exec_module(module: "ModuleType") -> None:
        execute(module)
        for call in after:
            call(module)

    loader.exec_module = exec_module  # type: ignore[method-assign]

"""Adaptations of modules that look at the running interpreter, each applied right after the module's import.

A patch replaces a name that is there. Where a version of a package has no such name, nobody knows what reads the
running interpreter in its place: the process ends, with the package's version (`replace`). The few names that only
some versions have, and that nothing depends on, are replaced where they are (`replace_if_there`).
"""

import contextlib
import os
import sys

from _crossenv import refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType
    from typing import Any, NoReturn

    Facts = dict[str, Any]

_PIP_MISC = "pip._internal.utils.misc"


def apply(patcher: str, module: "ModuleType", facts: "Facts") -> None:
    """Call the function of this module that is named `patcher`."""
    adapt: Callable[[ModuleType, Facts], None] = globals()[patcher]
    adapt(module, facts)


def replace(module: "ModuleType | type", name: str, make: "Callable[[Any], Any]") -> None:
    """Replace `module.name` by `make(module.name)`; end the process if there is no such name."""
    if not hasattr(module, name):
        unknown(module, name)
    setattr(module, name, make(getattr(module, name)))


def replace_if_there(module: "ModuleType | type", name: str, make: "Callable[[Any], Any]") -> None:
    """Replace `module.name` by `make(module.name)`, where there is such a name."""
    if hasattr(module, name):
        replace(module, name, make)


def unknown(module: "ModuleType | type", name: str) -> "NoReturn":
    """End the process: this version of the package is one that crossenv cannot adapt."""
    full_name = module.__name__ if isinstance(module, type(sys)) else f"{module.__module__}.{module.__name__}"
    package, version = _version(full_name)
    refusal.fail(
        f"{full_name} of {package} {version} has no {name}, so it cannot be made to answer for the target",
        f"install an earlier {package}, or a later crossenv",
    )


def _version(name: str) -> "tuple[str, str]":
    """The package that the module `name` belongs to, and its version."""
    package = name.partition(".")[0]
    if package in sys.stdlib_module_names:
        return "Python", sys.version.partition(" ")[0]
    version = getattr(sys.modules.get(package), "__version__", "")
    if not version:
        from importlib import metadata

        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            version = "of unknown version"
    return package, str(version)


def _is_this_interpreter(executable: "str | None") -> bool:
    return not executable or executable == sys.executable


def platform_module(platform: "ModuleType", facts: "Facts") -> None:
    """`platform`: what it reads from the interpreter's file or asks a program (uname -p, file)."""

    def make_libc_ver(original: "Any") -> "Any":
        def libc_ver(
            executable: "str | None" = None, lib: str = "", version: str = "", chunksize: int = 16384
        ) -> "tuple[str, str]":
            if _is_this_interpreter(executable):
                return facts["libc_family"], facts["libc_version"]
            result: tuple[str, str] = original(executable, lib, version, chunksize)
            return result

        return libc_ver

    def make_architecture(original: "Any") -> "Any":
        def architecture(executable: str = sys.executable, bits: str = "", linkage: str = "") -> "tuple[str, str]":
            if _is_this_interpreter(executable):
                return bits or f"{facts['elf']['bits']}bit", linkage or "ELF"
            result: tuple[str, str] = original(executable, bits, linkage)
            return result

        return architecture

    def make_uname(original: "Any") -> "Any":
        def uname() -> "Any":
            result = original()
            # Else it runs `uname -p`, which speaks of the build machine.
            result.__dict__.setdefault("processor", "")
            return result

        return uname

    replace(platform, "libc_ver", make_libc_ver)
    replace(platform, "architecture", make_architecture)
    replace(platform, "uname", make_uname)


def distutils_sysconfig(module: "ModuleType", facts: "Facts") -> None:
    """The standard library's distutils (3.10, 3.11) derives the include directory from `sys.base_prefix`."""

    def make_get_python_inc(original: "Any") -> "Any":
        def get_python_inc(plat_specific: int = 0, prefix: "str | None" = None) -> str:
            if prefix is not None:
                return str(original(plat_specific, prefix))
            return str(module.get_config_var("CONFINCLUDEPY" if plat_specific else "INCLUDEPY"))

        return get_python_inc

    replace(module, "get_python_inc", make_get_python_inc)
    distutils_compiler(module, facts)


def distutils_compiler(module: "ModuleType", facts: "Facts") -> None:
    """Setuptools takes compilers and their options from the configuration: CC without its options would replace them.

    A user's own CC is obeyed as ever.
    """
    from _crossenv import variables

    def make_customize_compiler(original: "Any") -> "Any":
        def customize_compiler(compiler: "Any") -> None:
            with variables.WithoutDefaults(os.environ):
                original(compiler)

        return customize_compiler

    replace(module, "customize_compiler", make_customize_compiler)


def packaging_manylinux(module: "ModuleType", facts: "Facts") -> None:
    """`packaging._manylinux` (any copy): reads the C library of this process and the interpreter's ELF header."""
    version = facts["libc_version"] if facts["libc_family"] == "glibc" else ""
    replace(module, "_glibc_version_string", lambda _original: lambda: version or None)

    elf = facts["elf"]

    class HostElf:
        capacity = 1 if elf["bits"] == 32 else 2
        encoding = 1 if elf["byte_order"] == "little" else 2
        machine = elf["machine"]
        # packaging wants ARM's EABI version 5 beside the float flag.
        flags = elf["abi_flags"] | (0x05000000 if elf["machine"] == 40 else 0)
        interpreter = None
        # The names up to packaging 22, which has the format's numbers as attributes of the header besides.
        e_ident_class, e_ident_data, e_machine, e_flags = capacity, encoding, machine, flags

    def make_parse_elf(original: "Any") -> "Any":
        @contextlib.contextmanager
        def parse_elf(path: str) -> "Iterator[Any]":
            if _is_this_interpreter(path):
                yield HostElf
            else:
                with original(path) as parsed:
                    yield parsed

        return parse_elf

    def make_get_elf_header(original: "Any") -> "Any":
        class HostHeader(HostElf, module._ELFFileHeader):  # type: ignore[name-defined,misc] # its numbers
            def __init__(self) -> None:
                """Read nothing."""

        return HostHeader

    if hasattr(module, "_get_elf_header"):
        replace(module, "_get_elf_header", make_get_elf_header)
    else:
        replace(module, "_parse_elf", make_parse_elf)


def packaging_musllinux(module: "ModuleType", facts: "Facts") -> None:
    """`packaging._musllinux` (any copy): runs the interpreter's ELF loader to learn musl's version."""
    if not hasattr(module, "_MuslVersion"):
        unknown(module, "_MuslVersion")

    def make_get_musl_version(original: "Any") -> "Any":
        def get_musl_version(executable: str) -> "Any":
            if not _is_this_interpreter(executable):
                return original(executable)
            if facts["libc_family"] != "musl" or not facts["libc_version"]:
                return None
            major, minor = facts["libc_version"].split(".")[:2]
            return module._MuslVersion(major=int(major), minor=int(minor))

        return get_musl_version

    replace(module, "_get_musl_version", make_get_musl_version)


def packaging_tags(module: "ModuleType", facts: "Facts") -> None:
    """`packaging.tags` (any copy): the platform tags that the user named are all there are."""
    if hasattr(module, "_have_compatible_manylinux_abi"):
        # Up to packaging 20, before these were modules of their own.
        packaging_manylinux(module, facts)
    platforms = facts["accepted_platforms"]
    # Not for what build requirements are laid over with (`host_wheels`): it is linked from here, and not installed.
    if platforms and "CROSSENV_OVERLAY_STACK" not in os.environ:
        replace(module, "platform_tags", lambda _original: lambda: iter(platforms))


def ctypes_module(module: "ModuleType", facts: "Facts") -> None:
    """`ctypes`: a library that the host's was laid over still loads here."""

    def make_dlopen(original: "Any") -> "Any":
        def dlopen(name: "Any", *args: "Any") -> "Any":
            if "CROSSENV_NATIVE_LIBRARIES" in os.environ:
                from _crossenv import overlay

                name = overlay.native_library(name)
            return original(name, *args)

        return dlopen

    replace(module, "_dlopen", make_dlopen)


def venv_module(module: "ModuleType", facts: "Facts") -> None:
    """`venv`: environments that a front end makes for a build get the shim too (`build`, pip's venv isolation)."""

    def make_create(original: "Any") -> "Any":
        def create(self: "Any", env_dir: "Any") -> None:
            original(self, env_dir)
            from _crossenv import isolation

            isolation.adapt_environment(os.fspath(env_dir), facts)

        return create

    replace(module.EnvBuilder, "create", make_create)


def virtualenv_module(module: "ModuleType", facts: "Facts") -> None:
    """`virtualenv`: `build` makes its isolated environment with it where it is installed."""

    def make_cli_run(original: "Any") -> "Any":
        def cli_run(*args: "Any", **kwargs: "Any") -> "Any":
            session = original(*args, **kwargs)
            from _crossenv import isolation

            isolation.adapt_environment(str(session.creator.dest), facts)
            return session

        return cli_run

    replace(module, "cli_run", make_cli_run)


def build_env_module(module: "ModuleType", facts: "Facts") -> None:
    """`build --installer uv` looks for uv on PATH: the build side's programs are on it, last."""
    os.environ["PATH"] = os.environ.get("PATH", os.defpath) + os.pathsep + facts["root"] + "/build/bin"


def hook_runner_module(module: "ModuleType", facts: "Facts") -> None:
    """`pyproject_hooks._in_process` (any copy): the script that runs hooks is known by its name (`decide_role`)."""

    def make_script_path(original: "Any") -> "Any":
        @contextlib.contextmanager
        def script_path() -> "Iterator[Any]":
            with original() as path:
                if os.path.basename(path) != "_in_process.py":
                    unknown(module, "_in_process.py")
                yield path

        return script_path

    replace(module, "_in_proc_script_path", make_script_path)


def pip_misc_module(module: "ModuleType", facts: "Facts") -> None:
    """Pip's installation of build requirements is known by the name of its script (`decide_role`)."""

    def make_get_runnable_pip(original: "Any") -> "Any":
        def get_runnable_pip() -> str:
            path = str(original())
            if os.path.basename(path) != "__pip-runner__.py":
                unknown(module, "__pip-runner__.py")
            return path

        return get_runnable_pip

    replace_if_there(module, "get_runnable_pip", make_get_runnable_pip)


def pip_build_env_module(module: "ModuleType", facts: "Facts") -> None:
    """Up to pip 24 the name of that script was found here."""
    pip_misc_module(module, facts)
    if not any(hasattr(sys.modules.get(name), "get_runnable_pip") for name in (module.__name__, _PIP_MISC)):
        unknown(module, "get_runnable_pip")


def pip_main_parser_module(module: "ModuleType", facts: "Facts") -> None:
    """Pip's `--python`, PIP_PYTHON and `python =` of pip.conf would start another interpreter."""
    from _crossenv import pip_commands

    replace(module, "identify_python_interpreter", lambda original: pip_commands.refusing_python(original, facts))


def uv_finder_module(module: "ModuleType", facts: "Facts") -> None:
    """`uv` in the host side (`cross-pip install build[uv]`) has the host's program."""
    from _crossenv import uv_command

    def make_find_uv_bin(_original: "Any") -> "Any":
        return lambda: uv_command.find_uv(facts["root"], "", os.environ.get("PATH", os.defpath))

    replace_if_there(module, "find_uv_bin", make_find_uv_bin)


def pip_module(module: "ModuleType", facts: "Facts") -> None:
    """Pip's wheel cache is not keyed by platform: wheels built here go to a cache of this environment.

    Its HTTP half is a link to the user's own.
    """
    os.environ["PIP_CACHE_DIR"] = facts["pip_cache"]


def distlib_scripts(module: "ModuleType", facts: "Facts") -> None:
    """Console scripts that are installed into the host side start the host's interpreter."""
    replace(module.ScriptMaker, "executable", lambda _original: facts["host_executable"])

    def make_build_shebang(original: "Any") -> "Any":
        def build_shebang(self: "Any", executable: bytes, post_interp: bytes) -> bytes:
            # Where `sys.cross_compiling` is set distlib makes every script start a shell first, because a cross
            # python may be a script itself. The host's is not.
            line = b"#!" + executable + post_interp + b"\n"
            if len(line) <= 127 and b" " not in executable:
                return line
            return bytes(original(self, executable, post_interp))

        return build_shebang

    replace(module.ScriptMaker, "_build_shebang", make_build_shebang)


def pip_install_wheel(module: "ModuleType", facts: "Facts") -> None:
    """Scripts of a wheel's `.data/scripts` likewise (`#!python` is theirs to replace, PEP 427)."""

    def make_fix_script(original: "Any") -> "Any":
        def fix_script(path: str) -> bool:
            with open(path, "rb") as file:
                first = file.readline()
                rest = file.read()
            if not first.startswith(b"#!python"):
                return False
            with open(path, "wb") as file:
                file.write(b"#!" + os.fsencode(facts["host_executable"]) + b"\n" + rest)
            return True

        return fix_script

    replace(module, "fix_script", make_fix_script)


def pip_wheel_command(module: "ModuleType", facts: "Facts") -> None:
    """`cross-pip wheel NAME` builds what it is asked for by name, on the command line or in a requirements file.

    Requirements of it may come ready-made.

    Any of pip's own options on binaries, on the command line, in its configuration or in a requirements file, turns
    this off.
    """
    from _crossenv import judge, pip_commands

    replace(module.WheelCommand, "get_requirements", pip_commands.building_by_name)
    replace(module.WheelCommand, "run", pip_commands.refusing_unsafe_features)
    replace(module.WheelCommand, "run", pip_commands.announcing_index)
    replace(module.WheelCommand, "add_options", judge.add_option)
    replace(module.WheelCommand, "run", judge.sweeping(facts))


def pip_building_command(module: "ModuleType", facts: "Facts") -> None:
    """`cross-pip install`, `download` and `lock` keep build requirements native."""
    from _crossenv import pip_commands

    for name in ("InstallCommand", "DownloadCommand", "LockCommand"):
        if hasattr(module, name):
            replace(getattr(module, name), "run", pip_commands.refusing_unsafe_features)
            replace(getattr(module, name), "run", pip_commands.announcing_index)


def build_ext_module(module: "ModuleType", facts: "Facts") -> None:
    """setuptools: an extension that is optional may fail to compile, and the build goes on without it."""
    from _crossenv import attempts

    def make_build_extension(original: "Any") -> "Any":
        def build_extension(self: "Any", ext: "Any") -> None:
            complaints = attempts.watch_commands(self.compiler)
            try:
                original(self, ext)
            except Exception as error:
                text = " ".join(str(error).split()) or type(error).__name__
                # A compiler's command line is in the build's output above.
                text = text if len(text) < 120 else f"{text[:60]} ... {text[-50:]}"
                attempts.attempted[ext.name] = complaints[-1] if complaints else text
                raise
            # Also after a failure: a package may try again with other flags.
            attempts.attempted[ext.name] = ""

        return build_extension

    replace(module.build_ext, "build_extension", make_build_extension)


def bdist_wheel_module(module: "ModuleType", facts: "Facts") -> None:
    """`setup.py bdist_wheel` run by hand: no hook returns, so the command checks its wheels itself."""
    from _crossenv import judge

    def make_run(original: "Any") -> "Any":
        def run(self: "Any") -> None:
            original(self)
            files = self.distribution.dist_files
            for index, (command, version, path) in enumerate(files):
                if command == "bdist_wheel":
                    files[index] = (command, version, judge.require_sealed(path, facts))

        return run

    bdist_wheel = getattr(module, "bdist_wheel", None)
    # A module that only passes the name on from another one, which has been adapted.
    if bdist_wheel is not None and bdist_wheel.__module__ == module.__name__:
        replace(bdist_wheel, "run", make_run)

"""Adaptations of modules that look at the running interpreter, each applied right after the module's import.

A patch replaces a name and never creates one. Where a wheel could come out native without the patch, a missing name
ends the process: that version of the package is not known. Other names are left alone where they are missing.
"""

import contextlib
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import ModuleType
    from typing import Any, NoReturn

    from _crossenv.facts_types import Facts, System


def apply(patcher: str, module: "ModuleType", facts: "Facts") -> None:
    """Call the function of this module that is named `patcher`; end the process if it fails."""
    adapt: Callable[[ModuleType, Facts], None] = globals()[patcher]
    try:
        adapt(module, facts)
    except Exception as error:
        # The importing code might catch it and go on with what is native.
        from _crossenv.refusal import fail

        fail(f"{module.__name__} cannot be adapted to the target: {error!a}", "install an earlier version of it")


def _replace(owner: "ModuleType | type", name: str, make: "Callable[[Any], Any]") -> None:
    """Replace `owner.name` by `make(owner.name)`; end the process if there is no such name."""
    old = getattr(owner, name, None)
    if old is None:
        _fail_for(owner, name)
    setattr(owner, name, make(old))


def _replace_if_there(owner: "ModuleType | type", name: str, make: "Callable[[Any], Any]") -> None:
    """Replace `owner.name` by `make(owner.name)` if there is such a name; no wheel becomes native without it."""
    if getattr(owner, name, None) is not None:
        _replace(owner, name, make)


def _fail_for(owner: "ModuleType | type", name: str) -> "NoReturn":
    """End the process: this version of the package is one that crossenv cannot adapt."""
    from _crossenv.refusal import fail

    place = f"{owner.__module__}.{owner.__name__}" if isinstance(owner, type) else owner.__name__
    package, version = _version(place.partition(".")[0])
    fail(
        f"{package} {version} has no {place}.{name}, which crossenv replaces",
        f"install an earlier {package}: docs/how-to/front-ends.md lists what was tried",
    )


def _version(package: str) -> "tuple[str, str]":
    if package in sys.stdlib_module_names:
        return "Python", sys.version.partition(" ")[0]
    version = getattr(sys.modules.get(package), "__version__", "")
    if not version:
        from importlib import metadata

        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            version = "of this version"
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
                # Of a system with one C library Python says nothing.
                return ("", "") if facts["system"] else (facts["libc"]["family"], facts["libc"]["version"])
            result: tuple[str, str] = original(executable, lib, version, chunksize)
            return result

        return libc_ver

    def make_architecture(original: "Any") -> "Any":
        def architecture(executable: str = sys.executable, bits: str = "", linkage: str = "") -> "tuple[str, str]":
            if _is_this_interpreter(executable):
                return bits or f"{facts['identity']['bits']}bit", linkage or facts["identity"]["format"].upper()
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

    _replace(platform, "libc_ver", make_libc_ver)
    _replace(platform, "architecture", make_architecture)
    _replace(platform, "uname", make_uname)
    if facts["system"] and facts["system"]["sys_platform"] == "darwin":
        # meson-python makes the wheel's tag of it.
        release = (facts["libc"]["version"], ("", "", ""), facts["machine"])
        _replace(platform, "mac_ver", lambda _original: lambda *_arguments, **_options: release)
    if facts["system"] and facts["system"]["sys_platform"] == "ios":
        from collections import namedtuple

        # It asks this too, which Pythons before 3.13 do not have.
        IOSVersionInfo = namedtuple("IOSVersionInfo", "system release model is_simulator")
        simulated = facts["multiarch"].endswith("simulator")
        ios = IOSVersionInfo(facts["system"]["system"], facts["libc"]["version"], "iPhone", simulated)
        platform.ios_ver = lambda *_arguments, **_options: ios  # type: ignore[attr-defined]


def sysconfig_module(module: "ModuleType", facts: "Facts") -> None:
    """`sysconfig`: the headers are below the host's base, and packages where this interpreter looks for them.

    Up to Python 3.13 the host's data say so. From 3.14 on `sysconfig` sets the two bases after it has read them. Where
    a free-threaded host's interpreter here has the GIL, `abi_thread` is the interpreter's; below a prefix that is
    copied to the target (`pip install --prefix`), the directories are the host's.
    """
    bases = dict.fromkeys(("installed_base", "installed_platbase"), facts["header_base"])
    known = {**(bases if sys.version_info >= (3, 14) else {}), "abi_thread": facts["abi_thread"]}

    def make_get_config_vars(original: "Any") -> "Any":
        def get_config_vars(*names: str) -> "Any":
            variables = original()
            variables.update(known)
            return [variables.get(name) for name in names] if names else variables

        return get_config_vars

    def make_get_paths(original: "Any") -> "Any":
        def get_paths(
            scheme: str = module.get_default_scheme(), vars: "dict[str, Any] | None" = None, expand: bool = True
        ) -> "Any":
            if vars and _is_for_the_target(vars.get("base") or ""):
                vars = {"abi_thread": "t", **vars}
            return original(scheme, vars, expand)

        return get_paths

    if sys.version_info >= (3, 14) or "t" in facts["abi_flags"]:
        _replace(module, "get_config_vars", make_get_config_vars)
    if "t" in facts["abi_flags"] and not facts["abi_thread"]:
        _replace(module, "get_paths", make_get_paths)
    if system := facts["system"]:
        _replace(module, "get_platform", lambda _original: lambda: system["platform"])


def _is_for_the_target(prefix: str) -> bool:
    """Whether what is installed below a prefix is not for an interpreter of this machine: pip's or an environment's."""
    return (
        os.path.isabs(prefix)
        and prefix not in (sys.prefix, sys.base_prefix)
        and "pip-build-env-" not in prefix
        and not os.path.exists(os.path.join(prefix, "pyvenv.cfg"))
    )


def distutils_sysconfig(module: "ModuleType", facts: "Facts") -> None:
    """The standard library's distutils (3.10, 3.11) derives the include directory from `sys.base_prefix`."""

    def make_get_python_inc(original: "Any") -> "Any":
        def get_python_inc(plat_specific: int = 0, prefix: "str | None" = None) -> str:
            if prefix is not None:
                return str(original(plat_specific, prefix))
            return str(module.get_config_var("CONFINCLUDEPY" if plat_specific else "INCLUDEPY"))

        return get_python_inc

    _replace(module, "get_python_inc", make_get_python_inc)
    distutils_compiler(module, facts)


def distutils_util(module: "ModuleType", facts: "Facts") -> None:
    """distutils: before it asked `sysconfig` for the name of the platform it made one from `os.uname`."""
    if system := facts["system"]:
        _replace_if_there(module, "get_host_platform", lambda _original: lambda: system["platform"])


def distutils_compiler(module: "ModuleType", facts: "Facts") -> None:
    """Setuptools takes compilers and their options from the configuration: CC without its options would replace them.

    A user's own CC is obeyed as ever.
    """
    from _crossenv import variables

    def make_customize_compiler(original: "Any") -> "Any":
        def customize_compiler(compiler: "Any") -> None:
            with variables.WithoutDefaults(os.environ):
                original(compiler)
            if facts["system"] and facts["system"]["sys_platform"] == "win32":
                _take_resources(compiler)

        return customize_compiler

    _replace(module, "customize_compiler", make_customize_compiler)


def _take_resources(compiler: "Any") -> None:
    """Let the compiler take `.rc` files among its sources, as distutils' compilers for Windows do."""
    # A project may have set up this one before.
    if ".rc" in compiler.src_extensions or not os.environ.get("WINDRES"):
        return
    original, original_names = compiler._compile, compiler.object_filenames

    def compile_(obj: str, src: str, ext: str, cc_args: "Any", extra: "Any", options: "list[str]") -> None:
        if ext == ".rc":
            compiler.spawn([os.environ["WINDRES"], *options, "-i", src, "-o", obj])
        else:
            original(obj, src, ext, cc_args, extra, options)

    def object_filenames(sources: "Any", *args: "Any", **kwargs: "Any") -> "list[str]":
        return [
            # Beside toy.c there may be a toy.rc.
            name[: -len(compiler.obj_extension)] + ".res" + compiler.obj_extension
            if str(source).endswith(".rc")
            else name
            for source, name in zip(sources, original_names(sources, *args, **kwargs), strict=True)
        ]

    compiler.src_extensions = [*compiler.src_extensions, ".rc"]
    compiler._compile, compiler.object_filenames = compile_, object_filenames


def packaging_manylinux(module: "ModuleType", facts: "Facts") -> None:
    """`packaging._manylinux` (any copy): reads the C library of this process and the interpreter's ELF header."""
    version = facts["libc"]["version"] if facts["libc"]["family"] == "glibc" else ""
    _replace(module, "_glibc_version_string", lambda _original: lambda: version or None)

    elf = facts["identity"]

    class HostElf:
        capacity = 1 if elf["bits"] == 32 else 2
        encoding = 1 if elf["byte_order"] == "little" else 2
        machine = elf["number"]
        # packaging wants ARM's EABI version 5 beside the float flag.
        flags = elf["abi_flags"] | (0x05000000 if elf["number"] == 40 else 0)
        interpreter = None

    def make_parse_elf(original: "Any") -> "Any":
        @contextlib.contextmanager
        def parse_elf(path: str) -> "Iterator[Any]":
            if _is_this_interpreter(path):
                yield HostElf
            else:
                with original(path) as parsed:
                    yield parsed

        return parse_elf

    if hasattr(module, "_get_elf_header"):
        # Before packaging 22, which pip had until 23.
        header = type("HostHeader", (module._ELFFileHeader,), {"__init__": lambda self: None})()
        header.e_ident_class = header.ELFCLASS32 if elf["bits"] == 32 else header.ELFCLASS64
        header.e_ident_data = header.ELFDATA2LSB if elf["byte_order"] == "little" else header.ELFDATA2MSB
        header.e_machine, header.e_flags = HostElf.machine, HostElf.flags
        _replace(module, "_get_elf_header", lambda _original: lambda: header)
    else:
        _replace(module, "_parse_elf", make_parse_elf)


def packaging_musllinux(module: "ModuleType", facts: "Facts") -> None:
    """`packaging._musllinux` (any copy): runs the interpreter's ELF loader to learn musl's version."""

    def make_get_musl_version(original: "Any") -> "Any":
        def get_musl_version(executable: str) -> "Any":
            if not _is_this_interpreter(executable):
                return original(executable)
            if facts["libc"]["family"] != "musl" or not facts["libc"]["version"]:
                return None
            major, minor = facts["libc"]["version"].split(".")[:2]
            return module._MuslVersion(major=int(major), minor=int(minor))

        return get_musl_version

    _replace(module, "_get_musl_version", make_get_musl_version)


def packaging_tags(module: "ModuleType", facts: "Facts") -> None:
    """`packaging.tags` (any copy): the platform tags that the user named are all there are."""
    if hasattr(module, "_have_compatible_manylinux_abi"):
        # Up to packaging 20, before these were modules of their own.
        packaging_manylinux(module, facts)
    if facts["system"]:
        tags = facts["system"]["tags"]
        _replace(module, "platform_tags", lambda _original: lambda: iter(tags))
    platforms = facts["accepted_platforms"]
    # Not for what build requirements are laid over with (`host_wheels`): it is linked from here, and not installed.
    if platforms and "CROSSENV_OVERLAY_STACK" not in os.environ:
        _replace(module, "platform_tags", lambda _original: lambda: iter(platforms))


def packaging_markers(module: "ModuleType", facts: "Facts") -> None:
    """`packaging.markers` (any copy): what is resolved for the target is for its system (PEP 508)."""
    system = facts["system"]
    if system is None:
        return
    answers = {
        "os_name": system["os_name"],
        "sys_platform": system["sys_platform"],
        "platform_system": system["system"],
        "platform_machine": facts["machine"],
        "platform_release": "",
        "platform_version": "",
    }
    _replace(module, "default_environment", lambda original: lambda: {**original(), **answers})


def ctypes_module(module: "ModuleType", facts: "Facts") -> None:
    """`ctypes`: a library that the host's was laid over still loads here."""

    def make_dlopen(original: "Any") -> "Any":
        def dlopen(name: "Any", *args: "Any") -> "Any":
            if "CROSSENV_LINK_DIRECTORY" in os.environ:
                from _crossenv import overlay

                name = overlay.native_library(name)
            try:
                return original(name, *args)
            except OSError as error:
                from _crossenv import foreign

                foreign.explain(error, name, facts)
                raise

        return dlopen

    _replace(module, "_dlopen", make_dlopen)


def distutils_build(module: "ModuleType", facts: "Facts") -> None:
    """distutils, setuptools: `build/temp.linux-aarch64-cpython-311` would be that of every environment for aarch64."""
    from _crossenv import build_directories

    own = ("build_purelib", "build_platlib", "build_temp", "build_scripts")

    def make_finalize_options(original: "Any") -> "Any":
        def finalize_options(self: "Any") -> None:
            suffix = "-" + build_directories.key(facts, os.environ)
            asked = {name: getattr(self, name) for name in (*own, "build_lib")}
            original(self)
            before = self.build_lib
            for name in own:
                if asked[name] is None:
                    place = getattr(self, name)
                    setattr(self, name, place + suffix)
                    if asked["build_lib"] is None and before == place and name != "build_temp":
                        self.build_lib = place + suffix

        return finalize_options

    _replace(module.build, "finalize_options", make_finalize_options)


def skbuild_constants(module: "ModuleType", facts: "Facts") -> None:
    """scikit-build: `_skbuild/linux-aarch64-3.11` likewise."""
    from _crossenv import build_directories

    def make_directory(original: "Any") -> "Any":
        return lambda: f"{original()}-{build_directories.key(facts, os.environ)}"

    _replace(module, "SKBUILD_DIR", make_directory)


def ctypes_util_module(module: "ModuleType", facts: "Facts") -> None:
    """`ctypes.util` asks ldconfig and the compiler of this machine."""
    if "CROSSENV_FILES" not in os.environ:
        return
    from _crossenv import host_files

    def make_find_library(original: "Any") -> "Any":
        return lambda name: host_files.find_library(name, original)

    _replace(module, "find_library", make_find_library)


def venv_module(module: "ModuleType", facts: "Facts") -> None:
    """`venv`: environments that a front end makes for a build get the shim too (`build`, pip's venv isolation)."""
    from _crossenv import isolation

    def make_create(original: "Any") -> "Any":
        def create(self: "Any", env_dir: "Any") -> None:
            original(self, env_dir)
            isolation.adopt(os.fspath(env_dir), facts)

        return create

    _replace(module.EnvBuilder, "create", make_create)


def virtualenv_module(module: "ModuleType", facts: "Facts") -> None:
    """`virtualenv`: `build` makes its isolated environment with it where it is installed; tox and hatch call it too."""
    from _crossenv import isolation

    def make_run(original: "Any") -> "Any":
        def run(self: "Any") -> None:
            original(self)
            isolation.adopt(str(self.creator.dest), facts)

        return run

    _replace(module.Session, "run", make_run)


def build_env_module(module: "ModuleType", facts: "Facts") -> None:
    """`build --installer uv` looks for uv on PATH: the build side's programs are on it, last."""
    os.environ["PATH"] = os.environ.get("PATH", os.defpath) + os.pathsep + facts["root"] + "/build/bin"


def uv_finder_module(module: "ModuleType", facts: "Facts") -> None:
    """`uv` in the host side (`cross-pip install build[uv]`) has the host's program."""
    from _crossenv import uv_command

    def make_find_uv_bin(_original: "Any") -> "Any":
        def find_uv_bin() -> str:
            found = uv_command.find_uv(facts["root"], "", os.environ.get("PATH", os.defpath))
            if not found:
                # As uv itself: build and nox then do without, or look for it elsewhere.
                raise FileNotFoundError(f"there is no uv for this machine: {facts['root']}/bin/build-pip install uv")
            return found

        return find_uv_bin

    _replace_if_there(module, "find_uv_bin", make_find_uv_bin)


def pip_module(module: "ModuleType", facts: "Facts") -> None:
    """Pip's wheel cache is not keyed by platform: wheels built here go to a cache of this environment.

    Its HTTP half is a link to the user's own.
    """
    usual = os.environ["PIP_CACHE_DIR"] = facts["pip_cache"]
    if not os.environ.get("CROSSENV_ALLOW_PURE"):
        return
    from _crossenv import uv_command

    os.environ["PIP_CACHE_DIR"] = cache = uv_command.cache_of_build(usual, os.environ)
    if cache != usual and os.path.isdir(usual + "/http-v2"):
        # A cache is for speed: pip does without one that cannot be made.
        with contextlib.suppress(OSError):
            os.makedirs(cache, exist_ok=True)
            os.symlink("../http-v2", cache + "/http-v2")


def distlib_scripts(module: "ModuleType", facts: "Facts") -> None:
    """Console scripts that are installed into the host side start the host's interpreter."""
    module.ScriptMaker.executable = facts["host_executable"]

    def make_build_shebang(original: "Any") -> "Any":
        def build_shebang(self: "Any", executable: bytes, post_interp: bytes) -> bytes:
            # Where `sys.cross_compiling` is set distlib makes every script start a shell first, because a cross
            # python may be a script itself. The host's is not.
            line = b"#!" + executable + post_interp + b"\n"
            if len(line) <= 127 and b" " not in executable:
                return line
            return bytes(original(self, executable, post_interp))

        return build_shebang

    _replace_if_there(module.ScriptMaker, "_build_shebang", make_build_shebang)


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

    _replace_if_there(module, "fix_script", make_fix_script)


def pip_misc_module(module: "ModuleType", facts: "Facts") -> None:
    """Pip's installation of build requirements is known by the name of its script (`decide_role`)."""

    def make_get_runnable_pip(original: "Any") -> "Any":
        def get_runnable_pip() -> str:
            path = str(original())
            if os.path.basename(path) != "__pip-runner__.py":
                _fail_for(module, "__pip-runner__.py")
            return path

        return get_runnable_pip

    _replace_if_there(module, "get_runnable_pip", make_get_runnable_pip)


def pip_build_env_module(module: "ModuleType", facts: "Facts") -> None:
    """Up to pip 24 the name of that script was found here."""
    pip_misc_module(module, facts)
    if not any(
        hasattr(sys.modules.get(name), "get_runnable_pip") for name in (module.__name__, "pip._internal.utils.misc")
    ):
        _fail_for(module, "get_runnable_pip")


def pip_main_parser(module: "ModuleType", facts: "Facts") -> None:
    """`pip --python`, PIP_PYTHON and `python` in pip.conf: pip would go on in an interpreter that is native."""

    def make_identify(original: "Any") -> "Any":
        def identify_python_interpreter(python: str) -> "str | None":
            found: str | None = original(python)
            if found is not None and not isolation.starts_shim(found, facts):
                from _crossenv import pip_commands

                pip_commands.refuse_python(found)
            return found

        return identify_python_interpreter

    from _crossenv import isolation

    # `--python` came with pip 22.3.
    if hasattr(module, "subprocess"):
        _replace(module, "identify_python_interpreter", make_identify)


def pip_spinners(module: "ModuleType", facts: "Facts") -> None:
    """Pip's spinner shows for how long a build has been running; it hides the build's output."""
    from _crossenv import pip_commands

    spinner = getattr(module, "InteractiveSpinner", None)
    # For people only: a pip without it builds as well.
    if spinner is not None and hasattr(spinner, "_write"):
        _replace(spinner, "_write", pip_commands.telling_time)


def pip_subprocess(module: "ModuleType", facts: "Facts") -> None:
    """What pip says of a build that has failed tells what helps, where it is about the cross build."""
    from _crossenv import pip_commands

    _replace_if_there(module, "InstallationSubprocessError", pip_commands.hinting)


def pip_wheel_command(module: "ModuleType", facts: "Facts") -> None:
    """`cross-pip wheel NAME` builds what it is asked for by name, on the command line or in a requirements file.

    Requirements of it may come ready-made.

    Any of pip's own options on binaries, on the command line, in its configuration or in a requirements file, turns
    this off.
    """
    from _crossenv import ask_judge, pip_commands

    _replace(module.WheelCommand, "get_requirements", pip_commands.building_by_name)
    _replace(module.WheelCommand, "run", pip_commands.refusing_unsafe_features)
    _replace(module.WheelCommand, "run", pip_commands.announcing_index)
    _replace(module.WheelCommand, "run", pip_commands.naming_wheels)
    _replace(module.WheelCommand, "add_options", ask_judge.add_option)
    _replace(module.WheelCommand, "run", ask_judge.sweeping(facts))


def pip_requirements(module: "ModuleType", facts: "Facts") -> None:
    """`cross-pip install`: ready-made wheels are checked before anything is installed."""
    from _crossenv import ask_judge

    check = ask_judge.checking_ready_made(facts, lambda requirements, *_args, **_kwargs: list(requirements))
    _replace(module, "install_given_reqs", check)


def pip_prepare(module: "ModuleType", facts: "Facts") -> None:
    """`cross-pip wheel` and `download`: ready-made wheels are checked before they are saved."""
    from _crossenv import ask_judge

    check = ask_judge.checking_ready_made(facts, lambda _self, requirement: [requirement])
    _replace(module.RequirementPreparer, "save_linked_requirement", check)


def pip_building_command(module: "ModuleType", facts: "Facts") -> None:
    """`cross-pip install`, `download` and `lock` keep build requirements native."""
    from _crossenv import pip_commands

    for name in ("InstallCommand", "DownloadCommand", "LockCommand"):
        if hasattr(module, name):
            _replace(getattr(module, name), "run", pip_commands.refusing_unsafe_features)
            _replace(getattr(module, name), "run", pip_commands.announcing_index)


def build_ext_module(module: "ModuleType", facts: "Facts") -> None:
    """setuptools: an extension that is optional may fail to compile, and the build goes on without it."""
    _replace(module.build_ext, "build_extension", _noting_attempts)
    if facts["system"]:
        if facts["system"]["libraries"]:
            _link_to_python(module, facts["system"])
        suffix = facts["system"]["stable_suffix"]
        _replace_if_there(module, "get_abi3_suffix", lambda _original: lambda: suffix)


def distutils_build_ext(module: "ModuleType", facts: "Facts") -> None:
    """distutils: likewise. Projects derive their commands from this one too, and may compile in a way of their own."""
    from _crossenv import attempts

    def make_filter(original: "Any") -> "Any":
        @contextlib.contextmanager
        def filter_build_errors(self: "Any", ext: "Any") -> "Iterator[None]":
            with original(self, ext):
                try:
                    yield
                except Exception as error:
                    if not attempts.attempted().get(ext.name):
                        attempts.note(ext.name, _in_short(error))
                    raise

        return filter_build_errors

    _replace(module.build_ext, "build_extension", _noting_attempts)
    _replace_if_there(module.build_ext, "_filter_build_errors", make_filter)


def _noting_attempts(original: "Any") -> "Any":
    """Wrap `build_ext.build_extension`: the judge is told what was tried, and what went wrong."""
    from _crossenv import attempts

    def build_extension(self: "Any", ext: "Any") -> None:
        if getattr(self, "inplace", False) or getattr(self, "editable_mode", False):
            # What lies in the source tree is of whatever environment built last, under the same name.
            self.force = True
        with _noted(ext.name, attempts.watch_commands(self.compiler)):
            original(self, ext)

    return build_extension


@contextlib.contextmanager
def _noted(name: str, complaints: "Sequence[str]" = ()) -> "Iterator[None]":
    """Note an attempt to build an extension module, and how it ends: the last of `complaints` that came meanwhile."""
    from _crossenv import attempts

    before = len(complaints)
    try:
        yield
    except Exception as error:
        attempts.note(name, complaints[-1] if len(complaints) > before else _in_short(error))
        raise
    # Also after a failure: a package may try again with other flags.
    attempts.note(name, "")


def _in_short(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    # A compiler's command line is in the build's output above.
    return text if len(text) < 120 else f"{text[:60]} ... {text[-50:]}"


def build_rust_module(module: "ModuleType", facts: "Facts") -> None:
    """setuptools-rust: likewise, and an optional extension may do without a compiler."""
    from _crossenv import attempts

    def make_run(original: "Any") -> "Any":
        def run(self: "Any") -> None:
            for ext in self.extensions or ():
                attempts.note(ext.name, "its compiler was not called")
            original(self)

        return run

    def make_run_for_extension(original: "Any") -> "Any":
        def run_for_extension(self: "Any", ext: "Any") -> None:
            with _noted(ext.name):
                original(self, ext)

        return run_for_extension

    _replace(module.build_rust, "run", make_run)
    _replace(module.build_rust, "run_for_extension", make_run_for_extension)


def build_py_module(module: "ModuleType", facts: "Facts") -> None:
    """setuptools: projects that build modules in place name them `*.so` as package data, and mean modules."""
    ending = os.path.splitext(facts["extension_suffixes"][0])[1]
    if ending == ".so":
        return

    def make_finalize(original: "Any") -> "Any":
        def finalize_options(self: "Any") -> None:
            original(self)
            self.package_data = {
                package: [*patterns, *(one[:-3] + ending for one in patterns if one.endswith(".so"))]
                for package, patterns in self.package_data.items()
            }

        return finalize_options

    _replace(module.build_py, "finalize_options", make_finalize)


def _link_to_python(module: "ModuleType", system: "System") -> None:
    """Where modules are linked to Python, if they are: to the library of the version, or that of the stable ABI."""

    def make_get_libraries(original: "Any") -> "Any":
        def get_libraries(self: "Any", ext: "Any") -> "list[str]":
            found: list[str] = list(original(self, ext))
            stable = getattr(ext, "py_limited_api", False) and len(system["libraries"]) > 1
            library = system["libraries"][1 if stable else 0]
            return found if library in found else [*found, library]

        return get_libraries

    _replace(module.build_ext, "get_libraries", make_get_libraries)


def bdist_wheel_module(module: "ModuleType", facts: "Facts") -> None:
    """`setup.py bdist_wheel` run by hand: no hook returns, so the command checks its wheels itself."""
    from _crossenv import ask_judge

    def make_run(original: "Any") -> "Any":
        def run(self: "Any") -> None:
            original(self)
            files = self.distribution.dist_files
            for index, (command, version, path) in enumerate(files):
                if command == "bdist_wheel":
                    files[index] = (command, version, ask_judge.require_sealed(path, facts))

        return run

    bdist_wheel = getattr(module, "bdist_wheel", None)
    # A module that only passes the name on from another one, which has been adapted.
    if bdist_wheel is not None and bdist_wheel.__module__ == module.__name__:
        _replace(bdist_wheel, "run", make_run)

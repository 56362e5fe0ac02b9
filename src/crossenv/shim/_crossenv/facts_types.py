"""What the shim is told of its environment's record: the one table of the facts, for both sides.

`crossenv.environment.facts` writes them, `_crossenv.facts` holds them. Nobody imports this module to run: types are all
that is in it.
"""

from typing import TypedDict


class Identity(TypedDict):
    """What the target's native files say of their machine; see `crossenv.platforms.architectures.Identity`."""

    format: str
    machine: str
    bits: int
    byte_order: str
    number: int
    abi_flags: int


class Libc(TypedDict):
    """The target's C library: "glibc", "2.36"; the version is "" if unknown."""

    family: str
    version: str


class System(TypedDict):
    """A target's system that is another than this machine's.

    Attributes:
        title: Its name for people.
        platform: `sysconfig.get_platform()` there.
        tags: The platform tags that an installer there takes, best first.
        os_name: `os.name` there.
        sys_platform: `sys.platform` there.
        system: `platform.system()` there.
        stable_suffix: How the name of an extension module for the stable ABI ends.
        libraries: What extension modules are linked to for Python's names: the version's library, the stable ABI's.
    """

    title: str
    platform: str
    tags: "list[str]"
    os_name: str
    sys_platform: str
    system: str
    stable_suffix: str
    libraries: "list[str]"


class Backend(TypedDict):
    """What is done for one back end; see `crossenv.record.BackendRecord`."""

    settings: "dict[str, list[str]]"
    environment: "dict[str, str]"
    fails_by_itself: bool
    falls_back: str
    build_directory: "list[str]"
    jobs_setting: str


class Facts(TypedDict):
    """The facts, in types that `marshal` takes.

    Attributes:
        root: The environment's directory.
        in_place: Whether the environment is an installation that was converted.
        build_key: Stands for what builds make here, in the names of build directories.
        crossenv_python: The interpreter that has the tool, for the judge; "" if it may not be called.
        build_python: The build Python's own executable.
        build_machine: `os.uname().machine` of the build machine.
        build_site: Where build-side packages are.
        cross_site: Where host-side packages are, and the shim.
        base: The interpreter that uv makes its isolated environments from.
        uv_prefix: The prefix that uv installs into.
        uv_cache: uv's cache.
        pip_cache: pip's cache.
        requirements_cache: Where wheels of build requirements for the target are kept.
        session_variables: A pattern of variables that change no build.
        machine: `os.uname().machine` of the target.
        multiarch: `sys.implementation._multiarch` there.
        abi_flags: `sys.abiflags` there.
        abi_thread: "t" if this interpreter, and with it the directories of packages, is free-threaded; else "".
        identity: What its native files say.
        libc: Its C library.
        system: Its system, if that is another than this machine's.
        extension_suffixes: What its import system takes, the full one first.
        accepted_platforms: The platform tags of ready-made wheels that may be installed; empty for all.
        host_executable: The path of its interpreter there.
        sysconfigdata: Its configuration variables.
        header_base: The prefix of its headers here.
        include_dirs: Their directories.
        files_root: What stands before the paths of its headers and libraries here; None where there are none.
        compiler: The C compiler.
        fortran: Whether there is a Fortran compiler.
        repair: Whether wheels get the target's libraries that they need.
        hook_environment: Variables of the processes that run back ends, where the user has not set them.
        variables: The user's own: name, operator, value.
        backends: By module or package, what is done for that back end; "" for those that are not listed.
    """

    root: str
    in_place: bool
    build_key: str
    crossenv_python: str
    build_python: str
    build_machine: str
    build_site: str
    cross_site: str
    base: str
    uv_prefix: str
    uv_cache: str
    pip_cache: str
    requirements_cache: str
    session_variables: str
    machine: str
    multiarch: str
    abi_flags: str
    abi_thread: str
    identity: Identity
    libc: Libc
    system: "System | None"
    extension_suffixes: "list[str]"
    accepted_platforms: "list[str]"
    host_executable: str
    sysconfigdata: str
    header_base: str
    include_dirs: "list[str]"
    files_root: "str | None"
    compiler: str
    fortran: bool
    repair: bool
    hook_environment: "dict[str, str]"
    variables: "list[tuple[str, str, str]]"
    backends: "dict[str, Backend]"

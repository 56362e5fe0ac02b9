"""What every operating system answers for a target: the interface of the modules beside this one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from crossenv.platforms.architectures import Architecture, Identity
from crossenv.platforms.target import Target


@dataclass(frozen=True, kw_only=True, slots=True)
class Libc:
    """A C library.

    Attributes:
        family: "glibc" or "musl"; what a system with one library calls it: "bionic" on Android, "apple" on iOS.
        version: "2.36"; "" if unknown, or where there are none to tell apart. The API level on Android, the oldest
            release on iOS.
    """

    family: str
    version: str

    @property
    def numbers(self) -> tuple[int, ...]:
        """The first two numbers of the version, (2, 36); () if unknown."""
        numbers = self.version.split(".")[:2]
        return tuple(map(int, numbers)) if len(numbers) == 2 and all(map(str.isdigit, numbers)) else ()


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildSystemNames:
    """A system's names in build systems.

    Attributes:
        meson_system: `system` in Meson's machine files.
        meson_subsystem: `subsystem` there.
        meson_kernel: `kernel` there.
        cmake: CMAKE_SYSTEM_NAME.
        conan: The setting `os`.
        runs_programs: Whether there are programs there beside Python.
        vcpkg: VCPKG_CMAKE_SYSTEM_NAME; "" if it is the name that CMake has.
    """

    meson_system: str
    meson_subsystem: str
    meson_kernel: str
    cmake: str
    conan: str
    vcpkg: str = ""
    runs_programs: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """A machine and what runs on it, as far as names and tags depend on it.

    Attributes:
        name: `os.uname().machine`: "aarch64".
        libc: Its C library.
        multiarch: `sys.implementation._multiarch`: "aarch64-linux-gnu"; "" for none.
        identity: What its native files say of themselves.
    """

    name: str
    libc: Libc
    multiarch: str
    identity: Identity


class Platform(Protocol):
    """One operating system.

    Attributes:
        name: `sys.platform` there, and the key in `crossenv.platforms.PLATFORMS`.
        title: Its name for people.
        os_name: `os.name` there.
        system: `platform.system()` there.
        names: What build systems call it.
        native_format: The format of its native files, a key of `crossenv.binaries.FORMATS`.
        module_suffix: How the plainest name of an extension module ends.
        stable_suffix: How the name of one for the stable ABI ends.
        library_suffix: How the names of shared libraries end, before a version.
        libcs: The C libraries that it may have.
        toolchains: The kinds of compilers that can be used for it (`--toolchain`); () for every kind.
        linked_by: What links for it, if the user has to provide that; "" if not.
        link_hint: What a user can do then.
        later_versions: Whether later versions of the system run what is built for an older one.
        can_repair: Whether libraries that wheels need are put into them.
        can_run: Whether programs for it run here under an emulator.
        sdk_link: Where environments link to descriptions of its libraries, below their root; "" for a system that has
            none.
    """

    name: str
    title: str
    os_name: str
    system: str
    names: BuildSystemNames
    native_format: str
    module_suffix: str
    stable_suffix: str
    library_suffix: str
    libcs: tuple[str, ...]
    toolchains: tuple[str, ...]
    linked_by: str
    link_hint: str
    later_versions: bool
    can_repair: bool
    can_run: bool
    sdk_link: str

    def parse_target(self, name: str) -> Target | None:
        """The target that a user names so; None if it is not one of this system.

        Raises:
            UsageError: It is one that does not exist.
        """

    def target_of_tag(self, tag: str, libc: str) -> Target | None:
        """The target that a wheel's platform tag names; None if it is not one of this system.

        Args:
            tag: The platform tag.
            libc: The C library that the wheel's files need, for tags that name none; "" if they do not tell.
        """

    def target_of_machine(self, architecture: Architecture, libc: Libc) -> Target | None:
        """The target of one machine with its C library, whose wheels promise nothing; None if there is none."""

    def target_names(self) -> Iterable[str]:
        """Every target by its usual names, for suggestions."""

    def usual_targets(self) -> Iterable[Target]:
        """Every machine and C library that can be a target, with the floor of a target that names none."""

    def recognises(self, config: Mapping[str, int | str]) -> bool:
        """Whether a Python with these configuration variables is for this system."""

    def only_libc(self, config: Mapping[str, int | str]) -> Libc | None:
        """The C library of a system that has only one; None where the files have to tell."""

    def describe(self, libc: Libc) -> str:
        """The system's version for people: "glibc 2.36", "Android 24"."""

    def libc_ver(self, libc: Libc) -> tuple[str, str]:
        """`platform.libc_ver()` there."""

    def plain_tag(self, machine: Machine) -> str:
        """The platform tag of wheels for this one machine, without a promise: "linux_aarch64" (PEP 425)."""

    def accepted_tags(self, machine: Machine) -> tuple[str, ...]:
        """The platform tags that an installer there takes, best first."""

    def declared_tags(self, tags: Iterable[str], *, machine: str, libc: Libc) -> tuple[str, ...]:
        """The full platform tags that tags of the user's stand for (`--accept-tag`), in their order.

        Args:
            tags: With or without the machine.
            machine: The target's.
            libc: Its C library; the version is "" if it is not known.

        Raises:
            UsageError: Wheels of such a tag do not load there.
        """

    def get_platform(self, machine: Machine) -> str:
        """`sysconfig.get_platform()` there."""

    def data_module(self, abi_flags: str, multiarch: str) -> str:
        """The name of the module with CPython's configuration variables."""

    def python_libraries(self, version: str, abi_flags: str) -> tuple[str, ...]:
        """The files that extension modules are linked to for Python's own names: the version's and the stable ABI's.

        None where the program that loads them has the names.

        Args:
            version: "3.13".
            abi_flags: `sys.abiflags` there.
        """

    def default_prefix(self, version: str) -> str:
        """`sys.prefix` of a Python that somebody has installed there without saying where."""

    def rust_target(self, machine: Machine) -> str | None:
        """Rust's name of the machine; None if it has none."""

    def library_directories(self, root: Path, multiarch: str) -> tuple[Path, ...]:
        """The directories below `root` that the system's loader searches, in its order.

        Links are followed inside `root` only: an absolute link of the target's would lead to this machine's files.
        """

    def pkg_config_directories(self, machine: Machine) -> tuple[str, ...]:
        """Where `.pc` files lie, relative to a root."""

    def build_variables(self, machine: Machine, sdk: str) -> Mapping[str, str]:
        """Return the variables that build systems read of the system.

        Args:
            machine: The target.
            sdk: Where descriptions of its libraries are, for systems that have them.
        """

    def cmake_variables(self, machine: Machine, sdk: str) -> Mapping[str, str]:
        """Return CMake's variables for the system alone; see `build_variables`."""


class NoVariables:
    """The variables of a platform about which build systems ask nothing."""

    sdk_link = ""

    def build_variables(self, machine: Machine, sdk: str) -> Mapping[str, str]:
        """None."""
        return {}

    def cmake_variables(self, machine: Machine, sdk: str) -> Mapping[str, str]:
        """None."""
        return {}

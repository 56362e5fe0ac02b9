"""Linux with glibc or musl."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from crossenv.platforms.accept_tags import accepted_platforms
from crossenv.platforms.architectures import GLIBC, MUSL, Architecture, architecture_of, target_architectures
from crossenv.platforms.linux_targets import (
    OLD_POLICIES,
    Target,
    default_target,
    examples,
    parse,
    require_machine,
    target_of_machine,
    target_of_tag,
)
from crossenv.platforms.model import BuildSystemNames, Libc, Machine, NoVariables

# Installers still take these names.
_OLD_NAMES = {version: name for name, version in OLD_POLICIES.items()}


class Linux(NoVariables):
    """Linux (PEP 600 and 656 for its tags)."""

    name = "linux"
    title = "Linux"
    os_name = "posix"
    system = "Linux"
    names = BuildSystemNames(
        meson_system="linux", meson_subsystem="linux", meson_kernel="linux", cmake="Linux", conan="Linux"
    )
    native_format = "elf"
    module_suffix = ".so"
    stable_suffix = ".abi3.so"
    library_suffix = ".so"
    libcs: tuple[str, ...] = (GLIBC, MUSL)
    toolchains: tuple[str, ...] = ()
    linked_by = ""
    link_hint = ""
    later_versions = True
    can_repair = True
    can_run = True

    def parse_target(self, name: str) -> Target | None:
        """A policy's tag, `linux_...`, a triplet, the name of a machine or one of Docker's platforms.

        Raises:
            UsageError: Its C library does not exist in that version or for that machine, or it names no machine.
        """
        target = parse(name)
        if target is None:
            require_machine(name)
        return target

    def target_of_tag(self, tag: str, libc: str) -> Target | None:
        """`linux_...` is for either C library: the files decide."""
        return target_of_tag(tag, libc)

    def target_of_machine(self, architecture: Architecture, libc: Libc) -> Target | None:
        """With glibc the machine's own version is the floor, if it is known; None for one that is not a target."""
        if architecture.oldest_libcs is None:
            return None
        return target_of_machine(architecture, libc.family, libc.numbers)

    def target_names(self) -> Iterable[str]:
        """Machines, tags and triplets."""
        return examples()

    def usual_targets(self) -> Iterable[Target]:
        """Those with glibc, then those with musl."""
        return (default_target(row, libc) for libc in self.libcs for row in target_architectures())

    def recognises(self, config: Mapping[str, int | str]) -> bool:
        """Whether MACHDEP says Linux; where it is missing, whether SOABI names no other system."""
        system, soabi = str(config.get("MACHDEP", "")), str(config.get("SOABI", ""))
        return system.startswith("linux") or (not system and "-darwin" not in soabi and "wasm" not in soabi)

    def only_libc(self, config: Mapping[str, int | str]) -> Libc | None:
        """None: glibc or musl, which the files tell."""
        return None

    def describe(self, libc: Libc) -> str:
        """The C library stands for the system's version."""
        return f"{libc.family} {libc.version}".strip()

    def libc_ver(self, libc: Libc) -> tuple[str, str]:
        """The C library, whose name packaging asks for."""
        return libc.family, libc.version

    def plain_tag(self, machine: Machine) -> str:
        """`linux_aarch64`."""
        return f"linux_{machine.name}"

    def accepted_tags(self, machine: Machine) -> tuple[str, ...]:
        """Every policy from the C library's own version down to the oldest."""
        tags = [self.plain_tag(machine)]
        if not machine.libc.numbers:
            return tuple(tags)
        major, minor = machine.libc.numbers
        if machine.libc.family == MUSL:
            tags += [f"musllinux_{major}_{number}_{machine.name}" for number in range(minor, -1, -1)]
        elif machine.libc.family == GLIBC and major == 2:
            # packaging begins with CentOS 5 on the two x86 architectures, and with CentOS 7 elsewhere.
            oldest = 5 if machine.name in ("x86_64", "i686") else 17
            for number in range(minor, oldest - 1, -1):
                tags.append(f"manylinux_2_{number}_{machine.name}")
                if old := _OLD_NAMES.get((2, number)):
                    tags.append(f"{old}_{machine.name}")
        return tuple(tags)

    def declared_tags(self, tags: Iterable[str], *, machine: str, libc: Libc) -> tuple[str, ...]:
        """Return the policies by their old and new names, `linux`, or the user's own."""
        return accepted_platforms(tags, machine=machine, libc=libc.family, version=libc.version)

    def get_platform(self, machine: Machine) -> str:
        """`linux-aarch64`."""
        return f"linux-{machine.name}"

    def data_module(self, abi_flags: str, multiarch: str) -> str:
        """`_sysconfigdata__linux_aarch64-linux-gnu`."""
        return f"_sysconfigdata_{abi_flags}_linux_{multiarch}"

    def python_libraries(self, version: str, abi_flags: str) -> tuple[str, ...]:
        """None."""
        return ()

    def default_prefix(self, version: str) -> str:
        """What CPython's configure says by default."""
        return "/usr/local"

    def rust_target(self, machine: Machine) -> str | None:
        """`aarch64-unknown-linux-gnu`; None for an architecture that is not a target."""
        row = architecture_of(machine.identity)
        if row is None or row.oldest_libcs is None:
            return None
        system = "musl" if machine.libc.family == MUSL else "gnu"
        return f"{row.rust_cpu}-unknown-linux-{system}{row.abi}"

    def library_directories(self, root: Path, multiarch: str) -> tuple[Path, ...]:
        """The loader's directories: /usr/local before /usr, multiarch names before plain ones."""
        names = [f"{place}/{multiarch}" for place in ("usr/local/lib", "usr/lib", "lib") if multiarch]
        names += ["usr/local/lib64", "usr/local/lib", "usr/lib64", "lib64", "usr/lib", "lib"]
        real_root = root.resolve()
        found: dict[Path, Path] = {}
        for name in names:
            try:
                real = (root / name).resolve(strict=True)
            except (OSError, RuntimeError):
                continue
            if real.is_dir() and real.is_relative_to(real_root):
                found.setdefault(real, root / name)
        return tuple(found.values())

    def pkg_config_directories(self, machine: Machine) -> tuple[str, ...]:
        """Those of pkg-config itself and of Debian's and Fedora's layouts."""
        places = ["usr/local/lib/pkgconfig", "usr/local/share/pkgconfig"]
        places += [f"usr/lib/{machine.multiarch}/pkgconfig"] if machine.multiarch else []
        places += ["usr/lib64/pkgconfig"] if machine.identity.bits == 64 else []
        return (*places, "usr/lib/pkgconfig", "usr/share/pkgconfig")

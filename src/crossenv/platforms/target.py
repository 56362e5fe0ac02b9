"""What the user wants wheels for: a machine, what runs on it and the oldest version of that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from crossenv.errors import UsageError
from crossenv.platforms.architectures import Architecture, Identity

# PEP 803. The same Pythons take modules for the stable ABI with the multiarch in their names, too.
FIRST_ABI3T = (3, 15)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target(ABC):
    """A kind of machine to build for; each platform has a class of its own.

    Attributes:
        text: What the user said.
        architecture: The machine.
        libc: Its C library: "glibc", "musl", "ucrt" ...
        floor: The oldest version that the wheels shall run with: of the C library, or of the system that it is part of.
        policy: Whether the wheels keep a manylinux or musllinux policy.
    """

    text: str
    architecture: Architecture
    libc: str
    floor: tuple[int, int]
    policy: bool = False

    @property
    @abstractmethod
    def system(self) -> str:
        """The platform's name, the key in `crossenv.platforms.PLATFORMS`."""

    @property
    @abstractmethod
    def platform_tag(self) -> str:
        """The platform tag of its wheels (PEP 425)."""

    @property
    def python(self) -> str:
        """The one version of Python that it has: "3.14"; "" for any."""
        return ""

    @property
    def built_for(self) -> str:
        """What its native files say of the system, as `crossenv.binaries.Linked` has it; "" where they say nothing."""
        return ""

    @property
    def python_library(self) -> str:
        """A pattern of the library that extension modules load for Python's names; "" where the program has them."""
        return ""

    @property
    def page_size(self) -> int:
        """The largest pages of memory that machines of it have, where files differ in that; 0 where they do not."""
        return 0

    @property
    def system_libraries(self) -> frozenset[str]:
        """All libraries that files may name without bringing them along; none where other rules tell."""
        return frozenset()

    @property
    def machine(self) -> str:
        """`platform.machine()` there."""
        return self.architecture.name

    @property
    @abstractmethod
    def identity(self) -> Identity:
        """What its native files say; of several machines the first."""

    @property
    def identities(self) -> tuple[Identity, ...]:
        """The same for each machine, of targets that stand for several."""
        return (self.identity,)

    @property
    def parts(self) -> tuple[Target, ...]:
        """The targets whose wheels are merged into one for it; none if its wheels are built in one piece."""
        return ()

    def floor_of(self, identity: Identity) -> tuple[int, int]:
        """Return the floor on one of its machines."""
        return self.floor

    @property
    def floor_text(self) -> str:
        """The floor as text: "2.28"."""
        return f"{self.floor[0]}.{self.floor[1]}"

    def release_text(self, version: tuple[int, int]) -> str:
        """Return a version of the system as people write it."""
        return f"{version[0]}.{version[1]}"

    @property
    def floor_variables(self) -> Mapping[str, int | str]:
        """The configuration variables of its Python that say the floor; {} where none do."""
        return {}

    @property
    def oldest_floor(self) -> tuple[int, int]:
        """The oldest floor that a target of this machine can have."""
        return self.floor

    @property
    @abstractmethod
    def gnu_triplet(self) -> str:
        """The name of its cross compiler: "arm-linux-gnueabihf", "x86_64-w64-mingw32"."""

    @property
    def gnu_type(self) -> str:
        """HOST_GNU_TYPE of a Python built there: "aarch64-unknown-linux-gnu"."""
        return self.gnu_triplet

    @property
    @abstractmethod
    def multiarch(self) -> str:
        """`sys.implementation._multiarch` of a CPython 3.11 or later there; "" for none."""

    def multiarch_for(self, version: tuple[int, ...]) -> str:
        """Return the same, as CPython of that version says it."""
        return self.multiarch

    def soabi_for(self, version: tuple[int, ...], flags: str) -> str:
        """Return SOABI of a CPython of that version and with these ABI flags; by default as on Unix."""
        return f"cpython-{version[0]}{version[1]}{flags}-{self.multiarch_for(version)}"

    def extension_suffixes(self, version: tuple[int, ...], flags: str, *, libc_known: bool) -> tuple[str, ...]:
        """Return what the import system of a CPython takes there; by default as on Unix (its `dynload_shlib.c`).

        Args:
            version: (3, 11).
            flags: Its ABI flags.
            libc_known: Whether the C library is more than a guess; if not, the suffixes of either are taken.
        """
        stable = self._imported_stable(version, flags, libc_known=libc_known)
        return (".so", f".{self.soabi_for(version, flags)}.so", *stable)

    def stable_suffixes(self, version: tuple[int, ...], flags: str, *, libc_known: bool) -> tuple[str, ...]:
        """Return what the names of modules for the stable ABI may end in there (PEP 803); by default as on Unix."""
        # No Python has abi3t before 3.15, whatever the tags name.
        first = max(version, FIRST_ABI3T) if flags else version
        return (".so", *self._imported_stable(first, flags, libc_known=libc_known))

    def _imported_stable(self, version: tuple[int, ...], flags: str, *, libc_known: bool) -> Iterator[str]:
        """Yield those of them that say so, as the import system of a CPython of that version takes them on Unix."""
        newer = version >= FIRST_ABI3T
        for abi in (*([] if "t" in flags else ["abi3"]), *(["abi3t"] if newer else [])):
            yield f".{abi}.so"
            if newer:
                yield from (f".{abi}-{name}.so" for name in self._multiarches(version, libc_known=libc_known))

    def _multiarches(self, version: tuple[int, ...], *, libc_known: bool) -> Sequence[str]:
        """Return the names of the machine that may stand in those of modules."""
        return [self.multiarch_for(version)]

    @property
    def support_tier(self) -> int:
        """The tier of PEP 11 with the compiler that it names; 0 for none."""
        return 0

    @property
    def has_perf_trampoline(self) -> bool:
        """Whether CPython has one there."""
        return False

    @property
    @abstractmethod
    def zig_triple(self) -> str:
        """`zig cc -target`."""

    @property
    def zig_floor(self) -> tuple[int, int]:
        """The oldest version from the floor on that zig can compile against."""
        return self.floor

    @property
    @abstractmethod
    def rust_triple(self) -> str:
        """`rustc --target`."""

    @property
    def loader(self) -> str:
        """The program interpreter that programs name there; "" where they name none."""
        return ""

    def __str__(self) -> str:
        return self.platform_tag


def no_target(name: str, title: str, hint: str) -> UsageError:
    """Return the error for a name that means a system and is not a target.

    Args:
        name: What the user said.
        title: The system.
        hint: Which names to use.
    """
    return UsageError(f"there is no target {name!r} for {title}", hint=f"{hint}; `crossenv targets` lists all")

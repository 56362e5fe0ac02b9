"""How the corpus inspects a wheel and runs code with it: one class for each operating system."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

from inspection import WrongWheelError, inspected, inspected_mach_o, inspected_pe, pe_exports
from wine_complex import fill_from, make_complex_functions

from crossenv.emulation.wine import windows_path

Words = tuple[list[str | Path], dict[str, str]]


class Host(Protocol):
    """What the corpus asks of an operating system.

    Attributes:
        record: The environment's record.
        root: Where the target's Python is; None if nothing can be run here.
    """

    def __init__(self, record: dict[str, Any], root: Path | None) -> None: ...

    def inspect(self, wheel: Path) -> str:
        """What the wheel needs.

        Raises:
            WrongWheelError: Its name or a native file is not the target's.
        """
        ...

    def command(self, code: str, place: Path) -> Words:
        """The command that runs Python code with the packages in `place`, and its variables."""
        ...


class LinuxHost:
    """Runs programs under qemu-user in a root directory."""

    def __init__(self, record: dict[str, Any], root: Path | None) -> None:
        self.host, self.policy, self.root = record["host"], record["handover"]["policy"], root

    def inspect(self, wheel: Path) -> str:
        """The newest glibc that the wheel needs."""
        machine, elf = self.host["machine"], self.host["identity"]
        _require_tag(wheel, self.host["platform_tag"], f"linux_{machine}")
        floor = self.policy and tuple(self.policy["floor"])
        return inspected(wheel, machine, elf["byte_order"], elf["bits"], floor)

    def command(self, code: str, place: Path) -> Words:
        """The root's own Python, under qemu-user."""
        assert self.root is not None
        python = next(self.root.glob("usr/bin/python3.[0-9]*[0-9]"))
        qemu = {"armv7l": "arm", "i686": "i386"}.get(self.host["machine"], self.host["machine"])
        extra = {"PYTHONPATH": str(place)}
        if qemu == "aarch64":
            extra["QEMU_CPU"] = "max,pauth-impdef=on,sve=off"
        return [f"qemu-{qemu}-static", "-L", self.root, python, "-c", code], extra


class WindowsHost:
    """Runs programs under wine, whose own DLLs say what Windows has."""

    _DLLS: ClassVar[Sequence[str]] = ("usr/lib/*/wine/x86_64-windows", "opt/wine-*/lib*/wine/x86_64-windows")
    # Of a Python that is not there: DLLs that its installers bring, and one that wine 8 lacks.
    _ALWAYS: ClassVar[frozenset[str]] = frozenset({"vcruntime140.dll", "vcruntime140_1.dll", "bcryptprimitives.dll"})

    def __init__(self, record: dict[str, Any], root: Path | None) -> None:
        self.host, self.root, self.environment = record["host"], root, Path(record["root"])
        places = [place for pattern in self._DLLS for place in Path("/").glob(pattern)]
        self.at_hand = {path.name.lower() for place in places for path in place.glob("*.dll")} | self._ALWAYS
        self.library = f"python{self.host['version'].replace('.', '')}{self.host['abi_flags']}.dll"
        self.exported = pe_exports(next(root.rglob(self.library))) if root else set()

    def inspect(self, wheel: Path) -> str:
        """The DLLs that the wheel needs besides those of Windows."""
        _require_tag(wheel, self.host["platform_tag"])
        return inspected_pe(wheel, self.host["identity"]["machine"], self.library, self.at_hand, self.exported)

    def command(self, code: str, place: Path) -> Words:
        """The Python below the root, under wine."""
        assert self.root is not None
        crossenv = Path(sys.executable).parent / "crossenv"
        words: list[str | Path] = [crossenv, "run", "-q", "--target", self.host["platform_tag"]]
        code = f"import sys; sys.path.insert(0, {windows_path(str(place))!r})\n{self._complex_functions()}\n{code}"
        return [*words, "--host-root", self.root, "--", "python", "-c", code], {}

    def _complex_functions(self) -> str:
        """Code that gives wine what numpy's wheels of the index call when they are imported."""
        if self.host["platform_tag"] != "win_amd64":
            return ""
        directory = self.environment.with_name("of_musl")
        dll = directory / "complex.dll"
        if not dll.exists():
            with tempfile.TemporaryDirectory(dir=directory.parent) as name:
                made = make_complex_functions(self.environment, Path(name) / "made")
                directory.mkdir(exist_ok=True)
                made.replace(dll)
        return fill_from(dll)


class MacOSHost:
    """Looks at files only: nothing here runs them."""

    def __init__(self, record: dict[str, Any], root: Path | None) -> None:
        self.tag = record["host"]["platform_tag"]

    def inspect(self, wheel: Path) -> str:
        """The oldest release that the wheel runs on."""
        _require_tag(wheel, self.tag)
        _system, major, minor, machine = self.tag.split("_", 3)
        machines = ("x86_64", "arm64") if machine == "universal2" else (machine,)
        return inspected_mach_o(wheel, machines, (int(major), int(minor)))

    def command(self, code: str, place: Path) -> Words:
        """None."""
        raise AssertionError("no program of macOS runs here")


HOSTS: dict[str, type[Host]] = {"linux": LinuxHost, "win32": WindowsHost, "darwin": MacOSHost}


def _require_tag(wheel: Path, *tags: str) -> None:
    if not wheel.stem.endswith(tuple(f"-{tag}" for tag in tags)):
        raise WrongWheelError(f"tagged {wheel.name}")

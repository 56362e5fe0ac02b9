"""Checks that what is inside a wheel is for the host: never silently native.

Runs inside the process that built the wheel, so it reads ELF headers itself (System V ABI, chapter 4): that process
has nothing but the standard library.
"""

import os
import struct
import sys
import zipfile
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# The extension modules that this process has tried to build, each with what went wrong ("" for nothing).
attempted: "dict[str, str]" = {}

# Names a file that the environment's compilers write to when they are called; set in hook processes.
CALLED_VARIABLE = "CROSSENV_COMPILER_CALLED"

_ABI_FLAGS = {40: 0x400, 243: 0x6, 21: 0x3, 258: 0x7}
_ET_REL = 1


def describe(identity: "dict[str, Any]") -> str:
    """One ELF identity in words."""
    names = {3: "i386", 8: "MIPS", 21: "PowerPC64", 22: "S/390", 40: "ARM", 62: "x86-64", 183: "AArch64"}
    names |= {243: "RISC-V", 258: "LoongArch"}
    machine = names.get(identity["machine"], f"machine {identity['machine']}")
    words = f"{machine}, {identity['bits']}-bit, {identity['byte_order']}-endian"
    return words + (f", ABI flags {identity['abi_flags']:#x}" if identity["abi_flags"] else "")


def elf_identity(header: bytes) -> "dict[str, Any] | None":
    """What the first 64 bytes of a file say of its machine; None if it is no ELF file.

    Raises:
        ValueError: An ELF file that ends within its header.
    """
    if header[:4] != b"\x7fELF":
        return None
    if len(header) < 52:
        raise ValueError("is cut off within its ELF header")
    bits = {1: 32, 2: 64}.get(header[4], 0)
    byte_order = {1: "little", 2: "big"}.get(header[5], "")
    if not bits or not byte_order:
        raise ValueError("has an ELF header that is neither 32 nor 64 bits, or of no byte order")
    order = "<" if byte_order == "little" else ">"
    kind, machine = struct.unpack_from(order + "HH", header, 16)
    (flags,) = struct.unpack_from(order + "I", header, 36 if bits == 32 else 48)
    # Relocatable ARM objects carry the float ABI in a section instead.
    mask = 0 if machine == 40 and kind == _ET_REL else _ABI_FLAGS.get(machine, 0)
    return {"machine": machine, "bits": bits, "byte_order": byte_order, "abi_flags": flags & mask, "kind": kind}


def archive_members(data: bytes) -> "Iterator[tuple[str, bytes]]":
    """The names and first bytes of the members of a static library (ar(5), GNU's variant)."""
    offset = 8
    while offset + 60 <= len(data):
        name = data[offset : offset + 16].decode("ascii", "replace").strip()
        size_text = data[offset + 48 : offset + 58].strip()
        if not size_text.isdigit():
            return
        start = offset + 60
        # "/" and "//" are the index and the table of long names.
        if name not in ("/", "//", "/SYM64/"):
            yield name.rstrip("/"), data[start : start + 64]
        offset = start + int(size_text) + int(size_text) % 2


def findings(path: str, facts: "dict[str, Any]", *, editable: bool = False) -> "list[str]":
    """What is wrong with the wheel at `path` for the host, one line each; empty if nothing is.

    An `editable` one (PEP 660) points to its modules and need not hold any.
    """
    faults: list[str] = []
    with zipfile.ZipFile(path) as wheel:
        names = [name for name in wheel.namelist() if not name.endswith("/")]
        native = False
        for name in names:
            with wheel.open(name) as member:
                header = member.read(64)
                objects = [(name, header)]
                if header.startswith(b"!<arch>\n"):
                    objects = [(f"{name}({inner})", head) for inner, head in archive_members(header + member.read())]
            found = None
            for label, head in objects:
                try:
                    found = elf_identity(head)
                except ValueError as error:
                    faults.append(f"{label} {error}")
                    continue
                if found is not None:
                    native = True
                    faults += _machine_findings(label, found, facts["elf"])
            faults += _suffix_findings(name, facts, native=found is not None)
    filename = os.path.basename(path)
    return faults + _tag_findings(filename, facts, native) + _loss_findings(filename, facts, native=native or editable)


def _machine_findings(name: str, found: "dict[str, Any]", wanted: "dict[str, Any]") -> "list[str]":
    keys = ["machine", "bits", "byte_order"]
    if not (found["kind"] == _ET_REL and found["machine"] == 40):
        keys.append("abi_flags")
    if all(found[key] == wanted[key] for key in keys):
        return []
    return [f"{name} is for {describe(found)}; the host is {describe(wanted)}"]


def _suffix_findings(name: str, facts: "dict[str, Any]", *, native: bool) -> "list[str]":
    """An extension module whose suffix the host's import system would not take, or that is no ELF file."""
    base = name.rpartition("/")[2]
    if base.endswith(".so") and not native:
        return [f"{name} is not an ELF file"]
    _stem, dot, rest = base.partition(".")
    if not dot or not rest.endswith(".so") or not rest.startswith(("cpython-", "abi3", "pypy")):
        return []
    if "." + rest in facts["extension_suffixes"]:
        return []
    return [f"{name} has the suffix .{rest}; the host's Python takes {' '.join(facts['extension_suffixes'])}"]


def _tag_findings(filename: str, facts: "dict[str, Any]", native: bool) -> "list[str]":
    platforms = filename.removesuffix(".whl").rpartition("-")[2].split(".")
    if platforms == ["any"]:
        return [f"{filename} says that it runs anywhere and holds native code"] if native else []
    wrong = [tag for tag in platforms if tag != "any" and not tag.endswith("_" + facts["machine"])]
    return [f"{filename} is tagged {tag}; the host is {facts['machine']}" for tag in wrong]


def _loss_findings(filename: str, facts: "dict[str, Any]", *, native: bool) -> "list[str]":
    """Extension modules that the build has tried and failed to make, or that the tag promises and nobody made."""
    project = filename.partition("-")[0].lower().replace("_", "-").replace(".", "-")
    allowed = facts["allow_pure"] + os.environ.get("CROSSENV_ALLOW_PURE", "").lower().replace("_", "-").split(",")
    if "*" in allowed or project in allowed:
        return []
    failed = [f"{name} was not built: {error}" for name, error in attempted.items() if error]
    if failed or native:
        return failed
    if attempted:
        return [f"{filename} holds no native code, though {', '.join(attempted)} was built"]
    if not filename.endswith("-any.whl"):
        return [f"{filename} is tagged for a machine and holds no native code"]
    if compiler_was_called():
        return [f"{filename} holds no native code, though the build called a compiler"]
    return []


def first_complaint(command: "list[str]") -> str:
    """The first error of a command that has failed: it is run again, because its output has gone by."""
    import subprocess

    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=300, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() or "undefined" in line.lower()]
    return (telling or lines or [f"{command[0]} failed with exit status {done.returncode}"])[0][:300]


def watch_compiler() -> None:
    """Have this process's children note that they compile; see `compiler_was_called`."""
    import atexit
    import tempfile

    file, path = tempfile.mkstemp(prefix="crossenv-called-")
    os.close(file)
    os.environ[CALLED_VARIABLE] = path

    def forget() -> None:
        if os.path.exists(path):
            os.unlink(path)

    atexit.register(forget)


def compiler_was_called() -> bool:
    """Whether a launcher has compiled anything for this process."""
    try:
        return os.path.getsize(os.environ.get(CALLED_VARIABLE, "")) > 0
    except OSError:
        return False


def _has_plain_tag(path: str) -> bool:
    platforms = os.path.basename(path).removesuffix(".whl").rpartition("-")[2].split(".")
    return any(platform.startswith("linux_") for platform in platforms)


def _report_outside(path: str, outside: "list[str]", promise: "dict[str, Any]") -> None:
    lines = [f"crossenv: warning: {os.path.basename(path)} is not tagged {promise['tag']}: {line}" for line in outside]
    lines.append(
        "crossenv: hint: `cross-pip wheel --repair` or `crossenv repair` puts such libraries into the wheel and tags it"
    )
    sys.stderr.write("\n".join(lines) + "\n")


def _mended(path: str, facts: "dict[str, Any]") -> str:
    """The path of the repaired wheel; a wheel that cannot be repaired ends the build and is deleted."""
    from _crossenv import repair

    status, made = repair.repaired(path, facts)
    if status == 0:
        return made
    if os.path.exists(path):
        os.unlink(path)
    sys.stderr.flush()
    raise SystemExit(7)


def require_host_wheel(path: str, facts: "dict[str, Any]", *, editable: bool = False) -> str:
    """End the build with an error if the wheel at `path` is not the host's; the wheel is deleted then.

    A wheel that keeps the promise of the target's policy gets its tag, except one that is `editable` and never leaves
    this machine.

    Returns:
        Where the wheel is now.
    """
    from _crossenv import policy, repair

    mend = not editable and repair.is_wanted(facts)
    promise = None if editable else facts.get("policy")
    late: list[str] = []
    promised: list[str] = []
    try:
        faults = findings(path, facts, editable=editable)
        if promise and not faults:
            with zipfile.ZipFile(path) as wheel:
                late, outside = policy.findings(wheel, promise)
            if not _has_plain_tag(path):
                # The back end has promised it already.
                promised = outside
            elif outside and not late:
                if not mend:
                    _report_outside(path, outside, promise)
                    return path
                promise = None
            faults = late + promised
        if not faults and promise:
            return policy.retag(path, promise["tag"])
        if not faults:
            return _mended(path, facts) if mend and _has_plain_tag(path) else path
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        faults = [f"{path} cannot be read as a wheel ({error})"]
    if os.path.exists(path):
        os.unlink(path)
    lines = [f"crossenv: error: refused {os.path.basename(path)}: {fault}" for fault in faults]
    lost = any("was not built" in fault or "holds no native code" in fault for fault in faults)
    lines.append(
        "crossenv: hint: make the environment for a later policy, with an older C library (--sysroot), or with"
        " --toolchain zig, which has one of every age"
        if late
        else "crossenv: hint: have the back end tag the wheel linux_..., so that `crossenv repair` can put such"
        " libraries into it, or link them statically"
        if promised
        else "crossenv: hint: the compiler's errors are in the output above; if the package may do without,"
        " say so with CROSSENV_ALLOW_PURE=NAME or `crossenv create --allow-pure NAME`"
        if lost
        else "crossenv: hint: a part of this build did not take the host's compiler or Python;"
        f" `crossenv doctor {facts['root']}` checks the environment"
    )
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()
    raise SystemExit(7)

"""Gives a Python under wine the C runtime's complex functions, of which wine (8 and 10) has stubs that end a process.

numpy's own wheels call them when they are imported. They are musl's, which zig brings, compiled for Windows; `FILL` is
code that puts a jump to them into each stub of wine's `ucrtbase.dll`. For tests alone: nothing of it gets into a wheel.
"""

from __future__ import annotations

import subprocess
from importlib.resources import files
from pathlib import Path

from crossenv.emulation.wine import windows_path

NAMES = (
    *("cabs", "cacos", "cacosh", "carg", "casin", "casinh", "catan", "catanh", "ccos", "ccosh", "cexp", "cimag"),
    *("clog", "conj", "cpow", "cproj", "creal", "csin", "csinh", "csqrt", "ctan", "ctanh"),
)
# musl has macros of these names, with which its functions are written, and MinGW's headers have none.
PARTS = "".join(
    f"{real} of_musl_{name}{end}({real} _Complex z) {{ return {part} z; }}\n"
    for name, part in (("creal", "__real__"), ("cimag", "__imag__"))
    for real, end in (("double", ""), ("float", "f"))
)
# Starts with the stub's code: `sub rsp, 40; lea rcx, [...]; lea rdx, [...]`, the names of DLL and function.
FILL = """
import ctypes
def fill(dll, names):
    kernel = ctypes.WinDLL("kernel32")
    for function in (kernel.GetModuleHandleW, kernel.GetProcAddress):
        function.restype = ctypes.c_void_p
    kernel.GetProcAddress.argtypes = ctypes.c_void_p, ctypes.c_char_p
    kernel.VirtualProtect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_ulong, ctypes.POINTER(ctypes.c_ulong)
    runtime, made = kernel.GetModuleHandleW("ucrtbase"), ctypes.WinDLL(dll)
    for name in [name + end for name in names for end in ("", "f", "l")]:
        stub = kernel.GetProcAddress(runtime, name.encode())
        code = ctypes.string_at(stub, 16) if stub else b""
        if code[:7] == b"\\x48\\x83\\xec\\x28\\x48\\x8d\\x0d" and code[11:14] == b"\\x48\\x8d\\x15":
            goal = ctypes.cast(made["of_musl_" + name.removesuffix("l")], ctypes.c_void_p).value
            # mov rax, goal; jmp rax
            jump = b"\\x48\\xb8" + goal.to_bytes(8, "little") + b"\\xff\\xe0"
            old = ctypes.c_ulong()
            kernel.VirtualProtect(stub, len(jump), 0x40, ctypes.byref(old))
            ctypes.memmove(stub, jump, len(jump))
"""


def fill_from(dll: Path) -> str:
    """Code that a Python under wine runs before it imports anything of numpy's."""
    return f"{FILL}\nfill({windows_path(str(dll))!r}, {NAMES!r})\n"


def make_complex_functions(environment: Path, directory: Path) -> Path:
    """Compile the functions with a cross environment's compiler; return the DLL."""
    musl = Path(str(files("ziglang"))) / "lib/libc/musl"
    directory.mkdir(parents=True)
    compiler = str(environment / "etc/bin/x86_64-w64-mingw32-clang")
    names = [name + end for name in NAMES for end in ("", "f")]
    renamed = [f"-D{name}=of_musl_{name}" for name in names]
    (directory / "endian.h").write_text("#define __BYTE_ORDER 1\n#define __LITTLE_ENDIAN 1\n#define __BIG_ENDIAN 2\n")
    options = [
        "-O2",
        "-w",
        "-fno-builtin",
        "-Dhidden=",
        *(f"-I{musl / one}" for one in ("src/internal", "arch/generic")),
        f"-I{directory}",
        *renamed,
    ]
    (directory / "parts.c").write_text(PARTS)
    sources = [directory / "parts.c", *(musl / f"src/complex/{name}.c" for name in ("__cexp", "__cexpf"))]
    sources += [musl / f"src/complex/{name}.c" for name in names if not name.startswith(("creal", "cimag"))]
    objects = [f"{source.name}.o" for source in sources]
    for source, made in zip(sources, objects, strict=True):
        subprocess.run([compiler, *options, "-c", str(source), "-o", made], cwd=directory, check=True)
    lines = ["LIBRARY complex.dll", "EXPORTS", *(f" of_musl_{name}" for name in names), ""]
    (directory / "complex.def").write_text("\n".join(lines))
    subprocess.run([compiler, "-shared", *objects, "complex.def", "-o", "complex.dll"], cwd=directory, check=True)
    return directory / "complex.dll"

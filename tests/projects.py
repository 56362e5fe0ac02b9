"""Small projects for each build back end, written where a test wants them."""

from __future__ import annotations

from pathlib import Path

MODULE_C = """
#include <Python.h>
{top}
static PyObject *answer(PyObject *self, PyObject *args) {{ return PyLong_FromLong({answer}); }}
static PyMethodDef methods[] = {{{{"answer", answer, METH_NOARGS, NULL}}, {{NULL, NULL, 0, NULL}}}};
static struct PyModuleDef module = {{PyModuleDef_HEAD_INIT, "_toy", NULL, -1, methods}};
PyMODINIT_FUNC PyInit__toy(void) {{ return PyModule_Create(&module); }}
"""
PLAIN_C = MODULE_C.format(top="", answer="(long)sizeof(void *)")


def _pyproject(requires: list[str], backend: str, name: str, extra: str = "") -> str:
    system = f'[build-system]\nrequires = {requires!r}\nbuild-backend = "{backend}"\n{extra}\n'
    return f'{system}[project]\nname = "{name}"\nversion = "1"\n'


def write(directory: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    return directory


def setuptools_c(directory: Path, name: str = "toy", requires: tuple[str, ...] = ("setuptools",)) -> Path:
    return write(
        directory,
        {
            "pyproject.toml": _pyproject(list(requires), "setuptools.build_meta", name)
            + f'scripts = {{ "{name}-tool" = "{name}:main" }}\n',
            "setup.py": "from setuptools import Extension, setup\n"
            f"setup(packages=['{name}'], ext_modules=[Extension('{name}._toy', ['toy.c'])])\n",
            f"{name}/__init__.py": "def main(): print('toy')\n",
            "toy.c": PLAIN_C,
        },
    )


def limited_api(directory: Path) -> Path:
    """Setuptools with a module whose name is the same on every machine (PEP 384)."""
    project = setuptools_c(directory)
    setup = project / "setup.py"
    macro = "define_macros=[('Py_LIMITED_API', '0x030a0000')], py_limited_api=True"
    setup.write_text(setup.read_text().replace("['toy.c']", f"['toy.c'], {macro}"))
    return project


def setuptools_cxx(directory: Path) -> Path:
    return write(
        directory,
        {
            "pyproject.toml": _pyproject(["setuptools"], "setuptools.build_meta", "toy"),
            "setup.py": "from setuptools import Extension, setup\n"
            "setup(packages=['toy'], ext_modules=[Extension('toy._toy', ['toy.cc'], language='c++')])\n",
            "toy/__init__.py": "",
            "toy.cc": MODULE_C.format(
                top="#include <string>\n#include <vector>", answer='(long)std::string("abc").size()'
            ),
        },
    )


EXCEPTIONS_H = """
#include <Python.h>
#include <stdexcept>
#include <string>
struct Problem : std::runtime_error { using std::runtime_error::runtime_error; };
typedef void function_t(int);
"""
THROWS_CC = """
#include "toy.h"
static void throws(int what) {
    if (what == 0) throw Problem("thrown in another module");
    std::string().at(1);
}
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_throws"};
PyMODINIT_FUNC PyInit__throws(void) {
    PyObject *made = PyModule_Create(&module);
    PyModule_AddObject(made, "function", PyCapsule_New((void *)throws, NULL, NULL));
    return made;
}
"""
CATCHES_CC = """
#include "toy.h"
static PyObject *call(PyObject *self, PyObject *capsule) {
    function_t *function = (function_t *)PyCapsule_GetPointer(capsule, NULL);
    std::string caught = "caught ";
    /* More than the system provides of a stack at once. */
    volatile char large[300000];
    large[0] = 1;
    try { function(0); } catch (const Problem &problem) { caught += problem.what(); }
    try { function(1); } catch (const std::out_of_range &) { caught += ", then std::out_of_range"; }
    return PyUnicode_FromString(caught.c_str());
}
static PyMethodDef methods[] = {{"call", call, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_catches", NULL, -1, methods};
PyMODINIT_FUNC PyInit__catches(void) { return PyModule_Create(&module); }
"""


def exceptions(directory: Path) -> Path:
    """Two modules in C++: one calls a function of the other's, which throws."""
    return write(
        directory,
        {
            "pyproject.toml": _pyproject(["setuptools"], "setuptools.build_meta", "toy"),
            "setup.py": "from setuptools import Extension, setup\n"
            "names = ('throws', 'catches')\n"
            "setup(packages=['toy'], ext_modules=[Extension('toy._' + name, [name + '.cc'], include_dirs=['.'],\n"
            "      depends=['toy.h'], language='c++') for name in names])\n",
            "toy/__init__.py": "",
            "toy.h": EXCEPTIONS_H,
            "throws.cc": THROWS_CC,
            "catches.cc": CATCHES_CC,
        },
    )


def cython(directory: Path) -> Path:
    return write(
        directory,
        {
            "pyproject.toml": _pyproject(["setuptools", "cython"], "setuptools.build_meta", "toy"),
            "setup.py": "from Cython.Build import cythonize\nfrom setuptools import Extension, setup\n"
            "setup(packages=['toy'], ext_modules=cythonize([Extension('toy._toy', ['toy/_toy.pyx'])]))\n",
            "toy/__init__.py": "",
            "toy/_toy.pyx": "def answer():\n    return sizeof(void *)\n",
        },
    )


def cffi(directory: Path) -> Path:
    return write(
        directory,
        {
            "pyproject.toml": _pyproject(["setuptools", "cffi"], "setuptools.build_meta", "toy"),
            "setup.py": "from setuptools import setup\nsetup(packages=['toy'], cffi_modules=['build_toy.py:ffi'])\n",
            "build_toy.py": "from cffi import FFI\nffi = FFI()\nffi.cdef('long answer(void);')\n"
            "ffi.set_source('toy._toy', 'static long answer(void) { return (long)sizeof(void *); }')\n",
            "toy/__init__.py": "",
        },
    )


def meson(directory: Path, extra: str = "") -> Path:
    """With a generator program that has to run on the build machine."""
    return write(
        directory,
        {
            "pyproject.toml": _pyproject(["meson-python"], "mesonpy", "toy"),
            "meson.build": "project('toy', 'c', version: '1')\n"
            "assert(meson.is_cross_build(), 'meson does not know that it is cross-compiling')\n"
            "py = import('python').find_installation(pure: false)\n"
            "generator = executable('generate', 'generate.c', native: true)\n"
            "header = custom_target('header', output: 'generated.h', command: [generator], capture: true)\n"
            f"{extra}"
            "py.install_sources('toy/__init__.py', subdir: 'toy')\n"
            "py.extension_module('_toy', 'toy.c', header, install: true, subdir: 'toy')\n",
            "generate.c": '#include <stdio.h>\nint main(void) { puts("#define ANSWER 42"); return 0; }\n',
            "toy/__init__.py": "",
            "toy.c": MODULE_C.format(top='#include "generated.h"', answer="ANSWER"),
        },
    )


def scikit_build_core(
    directory: Path, requires: tuple[str, ...] = (), find: str = "Python", policy: str = "3.15...4.1"
) -> Path:
    return write(
        directory,
        {
            "pyproject.toml": _pyproject(["scikit-build-core", *requires], "scikit_build_core.build", "toy"),
            "CMakeLists.txt": f"cmake_minimum_required(VERSION {policy})\nproject(toy LANGUAGES C)\n"
            "if(NOT CMAKE_CROSSCOMPILING)\n  message(FATAL_ERROR native)\nendif()\n"
            f"find_package({find} REQUIRED COMPONENTS Interpreter Development.Module)\n"
            f"{find}_add_library(_toy MODULE toy.c WITH_SOABI)\n"
            "install(TARGETS _toy DESTINATION toy)\n",
            "toy.c": PLAIN_C,
        },
    )


# Which machine a program runs on, in the words of ELF.
ASKS_C = r"""
#include <stdio.h>
#ifdef __aarch64__
#define MACHINE 183
#else
#define MACHINE 62
#endif
int main(void) { printf("%d", MACHINE); return 0; }
"""


def asks_meson(directory: Path) -> Path:
    """Runs a program of the host when it is configured."""
    return write(
        directory,
        {
            "pyproject.toml": _pyproject(["meson-python"], "mesonpy", "toy"),
            "meson.build": "project('toy', 'c', version: '1')\n"
            "answer = meson.get_compiler('c').run(files('asks.c'), name: 'asks').stdout()\n"
            "py = import('python').find_installation(pure: false)\n"
            "py.install_sources('toy/__init__.py', subdir: 'toy')\n"
            "py.extension_module('_toy', 'toy.c', c_args: '-DANSWER=' + answer, install: true, subdir: 'toy')\n",
            "asks.c": ASKS_C,
            "toy/__init__.py": "",
            "toy.c": MODULE_C.format(top="", answer="ANSWER"),
        },
    )


def asks_cmake(directory: Path) -> Path:
    """Runs a program of the host when it is configured."""
    return write(
        directory,
        {
            "pyproject.toml": _pyproject(["scikit-build-core"], "scikit_build_core.build", "toy"),
            "CMakeLists.txt": "cmake_minimum_required(VERSION 3.15...4.1)\nproject(toy LANGUAGES C)\n"
            "find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)\n"
            "try_run(status compiled ${CMAKE_BINARY_DIR}/asks ${CMAKE_SOURCE_DIR}/asks.c RUN_OUTPUT_VARIABLE answer)\n"
            'if(NOT status EQUAL 0)\n  message(FATAL_ERROR "asks.c does not run")\nendif()\n'
            "Python_add_library(_toy MODULE toy.c WITH_SOABI)\n"
            "target_compile_definitions(_toy PRIVATE ANSWER=${answer})\n"
            "install(TARGETS _toy DESTINATION toy)\n",
            "asks.c": ASKS_C,
            "toy.c": MODULE_C.format(top="", answer="ANSWER"),
        },
    )


def pybind11(directory: Path, requirement: str = "pybind11", *, classic: bool = False) -> Path:
    """A module of pybind11, which finds Python in CMake's own way or (`classic`) in that of before CMake 3.12."""
    # Before this version the policy does not remove FindPythonInterp.
    newest = "3.26" if classic else "3.31"
    return write(
        directory,
        {
            "pyproject.toml": _pyproject(["scikit-build-core", requirement], "scikit_build_core.build", "toy"),
            "CMakeLists.txt": f"cmake_minimum_required(VERSION 3.15...{newest})\nproject(toy LANGUAGES CXX)\n"
            f"set(PYBIND11_FINDPYTHON {'OFF' if classic else 'ON'})\nfind_package(pybind11 CONFIG REQUIRED)\n"
            "pybind11_add_module(_toy toy.cc)\ninstall(TARGETS _toy DESTINATION toy)\n",
            "toy.cc": "#include <pybind11/pybind11.h>\n"
            'PYBIND11_MODULE(_toy, m) { m.def("answer", [] { return sizeof(void *); }); }\n',
        },
    )


def nanobind(directory: Path) -> Path:
    return write(
        directory,
        {
            "pyproject.toml": _pyproject(["scikit-build-core", "nanobind"], "scikit_build_core.build", "toy"),
            "CMakeLists.txt": "cmake_minimum_required(VERSION 3.18...3.31)\nproject(toy LANGUAGES CXX)\n"
            "find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module)\n"
            "find_package(nanobind CONFIG REQUIRED)\n"
            "nanobind_add_module(_toy toy.cc)\ninstall(TARGETS _toy DESTINATION toy)\n",
            "toy.cc": "#include <nanobind/nanobind.h>\n"
            'NB_MODULE(_toy, m) { m.def("answer", [] { return sizeof(void *); }); }\n',
        },
    )


def mypyc(directory: Path) -> Path:
    """mypyc makes one extension module of a group that holds the code, and one for each Python module."""
    return write(
        directory,
        {
            "pyproject.toml": _pyproject(["setuptools", "mypy"], "setuptools.build_meta", "toy"),
            "setup.py": "from mypyc.build import mypycify\nfrom setuptools import setup\n"
            "setup(packages=['toy'], ext_modules=mypycify(['toy/_toy.py']))\n",
            "toy/__init__.py": "",
            "toy/_toy.py": "def answer() -> int:\n    return 42\n",
        },
    )


ADD_F90 = """
subroutine add(n, x, total) bind(c, name='add')
  use iso_c_binding
  integer(c_int), value :: n
  real(c_double), intent(in) :: x(n)
  real(c_double), intent(out) :: total
  total = sum(x)
  if (n < 0) print *, x
end subroutine
"""
FORTRAN_C = MODULE_C.format(
    top="void add(int n, const double *x, double *total);\n"
    "static long ask(void) { double x[2] = {40, 2}, t; add(2, x, &t); return (long)t; }",
    answer="ask()",
)


def fortran(directory: Path, backend: str) -> Path:
    """A Fortran routine that C calls ("meson-python", "scikit-build-core"), or one that f2py wraps ("f2py")."""
    if backend == "scikit-build-core":
        files = {
            "pyproject.toml": _pyproject(["scikit-build-core"], "scikit_build_core.build", "toy"),
            "CMakeLists.txt": "cmake_minimum_required(VERSION 3.15...3.31)\nproject(toy LANGUAGES C Fortran)\n"
            "find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)\n"
            "Python_add_library(_toy MODULE toy.c add.f90 WITH_SOABI)\ninstall(TARGETS _toy DESTINATION toy)\n",
            "toy.c": FORTRAN_C,
            "add.f90": ADD_F90,
        }
    elif backend == "meson-python":
        files = {
            "pyproject.toml": _pyproject(["meson-python"], "mesonpy", "toy"),
            "meson.build": "project('toy', 'c', 'fortran', version: '1')\n"
            "py = import('python').find_installation(pure: false)\n"
            "py.extension_module('_toy', 'toy.c', 'add.f90', install: true, subdir: 'toy')\n",
            "toy.c": FORTRAN_C,
            "add.f90": ADD_F90,
        }
    else:
        files = {
            "pyproject.toml": _pyproject(["meson-python", "numpy"], "mesonpy", "toy"),
            "meson.build": "project('toy', 'c', 'fortran', version: '1')\n"
            "py = import('python').find_installation(pure: false)\n"
            "numpy = dependency('numpy')\n"
            "top = run_command(py, '-c', 'import numpy.f2py; print(numpy.f2py.get_include())', check: true)\n"
            "source = custom_target('wrapper', input: 'add.f90', output: ['_toymodule.c', '_toy-f2pywrappers2.f90'],\n"
            "  command: [py, '-m', 'numpy.f2py', '@INPUT@', '-m', '_toy', '--lower', '--build-dir', '@OUTDIR@'])\n"
            "py.extension_module('_toy', source, 'add.f90', top.stdout().strip() / 'fortranobject.c',\n"
            "  include_directories: include_directories(top.stdout().strip()), dependencies: numpy,\n"
            "  install: true, subdir: 'toy')\n",
            "add.f90": "module adder\ncontains\nfunction add(x) result(total)\n  real(8), intent(in) :: x(:)\n"
            "  real(8) :: total\n  total = sum(x)\n  if (total < 0) print *, x\nend function\nend module\n",
        }
    return write(directory, {**files, "toy/__init__.py": ""})


MODULE_RUST = """
use pyo3::prelude::*;
#[pymodule]
fn _toy(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("answer", usize::BITS)
}
"""


def rust(directory: Path, backend: str) -> Path:
    """A PyO3 module, built by "maturin" for one Python or by "setuptools-rust" for the stable ABI."""
    features = '"abi3-py310"' if backend == "setuptools-rust" else '"extension-module"'
    files = {
        "Cargo.toml": '[package]\nname = "toy"\nversion = "1.0.0"\nedition = "2021"\n'
        '[lib]\nname = "_toy"\ncrate-type = ["cdylib"]\n'
        f'[dependencies]\npyo3 = {{ version = "0.27", features = [{features}] }}\n',
        "src/lib.rs": MODULE_RUST,
    }
    if backend == "maturin":
        files["pyproject.toml"] = _pyproject(
            ["maturin>=1.9"], "maturin", "toy", '[tool.maturin]\nmodule-name = "_toy"\n'
        )
    else:
        files["pyproject.toml"] = _pyproject(["setuptools", "setuptools-rust"], "setuptools.build_meta", "toy")
        files["setup.py"] = (
            "from setuptools import setup\nfrom setuptools_rust import Binding, RustExtension\n"
            "setup(rust_extensions=[RustExtension('_toy', binding=Binding.PyO3, py_limited_api=True)],"
            " options={'bdist_wheel': {'py_limited_api': 'cp310'}})\n"
        )
    return write(directory, files)


EMBEDDING_RUST = """
use pyo3::prelude::*;
fn main() {
    Python::attach(|py| {
        let sys = py.import("sys").unwrap();
        let major: u8 = sys.getattr("version_info").unwrap().get_item(0).unwrap().extract().unwrap();
        println!("Python {} in a program of {} bits", major, usize::BITS);
    });
}
"""


def rust_bindings(directory: Path, bindings: str) -> Path:
    """What maturin makes of Rust without an extension module: a "cffi" library, or a "bin" that embeds Python."""
    if bindings == "cffi":
        kind, dependencies = '[lib]\nname = "toy"\ncrate-type = ["cdylib"]\n', ""
        source = "src/lib.rs", '#[no_mangle]\npub extern "C" fn answer() -> usize { usize::BITS as usize }\n'
    else:
        kind = ""
        dependencies = '[dependencies]\npyo3 = { version = "0.27", features = ["auto-initialize"] }\n'
        source = "src/main.rs", EMBEDDING_RUST
    requires = ["maturin>=1.9", "cffi"] if bindings == "cffi" else ["maturin>=1.9"]
    files = {
        "Cargo.toml": f'[package]\nname = "toy"\nversion = "1.0.0"\nedition = "2021"\n{kind}{dependencies}',
        "pyproject.toml": _pyproject(requires, "maturin", "toy", f'[tool.maturin]\nbindings = "{bindings}"\n'),
        source[0]: source[1],
    }
    if bindings == "cffi":
        # maturin asks the header generator cbindgen unless there is a header.
        files["target/header.h"] = "uintptr_t answer(void);\n"
    return write(directory, files)


def configured(directory: Path) -> Path:
    """A setup.py that configures and makes a bundled library, as those of uvloop and pynacl do."""
    return write(
        directory,
        {
            "pyproject.toml": _pyproject(["setuptools"], "setuptools.build_meta", "toy"),
            "setup.py": "import subprocess\nfrom setuptools import Extension, setup\n"
            "subprocess.run(['sh', './configure', '--prefix=/x'], check=True)\n"
            "subprocess.run(['make'], check=True)\n"
            "setup(packages=['toy'], ext_modules=[Extension('toy._toy', ['toy.c'], extra_objects=['bundled.o'])])\n",
            "toy/__init__.py": "",
            "toy.c": PLAIN_C,
            "bundled.c": "int bundled(int x) { return x; }\n",
            # What Autoconf generates reads its site file so, before it looks for a compiler or for the host.
            "configure": 'for site in $CONFIG_SITE; do . "$site"; done\n'
            'test "$cross_compiling" = yes || { echo "configure: not cross compiling" >&2; exit 1; }\n'
            'printf "bundled.o: bundled.c\\n\\t%s -fPIC -c bundled.c -o bundled.o\\n" "$CC" > Makefile\n',
        },
    )


def pure(directory: Path, backend: str) -> Path:
    requires, module = {
        "hatchling": ("hatchling", "hatchling.build"),
        "flit": ("flit_core", "flit_core.buildapi"),
        "poetry": ("poetry-core", "poetry.core.masonry.api"),
        "pdm": ("pdm-backend", "pdm.backend"),
    }[backend]
    extra = 'description = "a toy"\n'
    return write(
        directory,
        {
            "pyproject.toml": _pyproject([requires], module, "toy") + extra,
            "toy/__init__.py": '"""A toy."""\n',
        },
    )


def hatchling(directory: Path) -> Path:
    """A build hook of the project's own that runs a setup.py, as those of real packages do."""
    return write(
        directory,
        {
            "pyproject.toml": _pyproject(["hatchling", "setuptools"], "hatchling.build", "toy")
            + '[tool.hatch.build.targets.wheel]\npackages = ["toy"]\n[tool.hatch.build.hooks.custom]\n',
            "hatch_build.py": "import subprocess, sys\n"
            "from hatchling.builders.hooks.plugin.interface import BuildHookInterface\n"
            "class Hook(BuildHookInterface):\n"
            "    def initialize(self, version, build_data):\n"
            "        command = [sys.executable, 'build_toy.py', '-q', 'build_ext', '--inplace']\n"
            "        subprocess.run(command, cwd=self.root, check=True)\n"
            "        build_data.update(infer_tag=True, pure_python=False, artifacts=['toy/*.so'])\n",
            "build_toy.py": "from setuptools import Extension, setup\n"
            "setup(name='toy', ext_modules=[Extension('toy._toy', ['toy.c'])])\n",
            "toy/__init__.py": "",
            "toy.c": PLAIN_C,
        },
    )


# Code for back ends that pack their wheels themselves.
RECORD = """
def write_record(wheel, info):
    import base64, hashlib
    rows = [f"{info}/RECORD,,\\n"]
    for name in wheel.namelist():
        digest = base64.urlsafe_b64encode(hashlib.sha256(wheel.read(name)).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},{len(wheel.read(name))}\\n")
    wheel.writestr(f"{info}/RECORD", "".join(rows))
"""
IN_TREE = (
    RECORD
    + '''
"""A back end that lies in the project and asks for nothing."""
import pathlib, sysconfig, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    tag = "py3-none-" + sysconfig.get_platform().replace("-", "_")
    name = f"toy-1-{tag}.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as wheel:
        wheel.write("payload", "toy/_toy" + sysconfig.get_config_var("EXT_SUFFIX"))
        wheel.writestr("toy-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: toy\\nVersion: 1\\n")
        wheel.writestr("toy-1.dist-info/WHEEL", f"Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: {tag}\\n")
        write_record(wheel, "toy-1.dist-info")
    return name
'''
)


def in_tree(directory: Path, payload: bytes) -> Path:
    """A back end in the project, which puts `payload` into its wheel as an extension module."""
    write(
        directory,
        {
            "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["tools"]\n',
            "tools/backend.py": IN_TREE,
        },
    )
    (directory / "payload").write_bytes(payload)
    return directory


CROSS_BACK_END = '''
"""A back end that compiles for the machine it is told of, and for the one it runs on where it is told of none."""
import base64, hashlib, json, os, shlex, subprocess, sys, sysconfig, zipfile

def describe_this():
    """What a back end without support asks: the running interpreter."""
    get = sysconfig.get_config_var
    return {
        "compile": shlex.split(get("CC")) + shlex.split(get("CFLAGS")) + shlex.split(get("CCSHARED")),
        "link": shlex.split(get("LDSHARED")),
        "include": [sysconfig.get_path("include"), sysconfig.get_path("platinclude")],
        "suffix": get("EXT_SUFFIX"),
        "tag": "cp%d%d-cp%d%d" % (sys.version_info[:2] * 2) + "-" + sysconfig.get_platform().replace("-", "_"),
    }

def describe_told(info):
    """The same from a description of the cross build, and from nothing else."""
    host, toolchain = info["host"], info["toolchain"]
    cc = toolchain["tools"]["cc"]
    wheel = host["wheel"]
    return {
        "compile": [cc, *toolchain["flags"]["c"]],
        "link": [cc, *toolchain["flags"]["link_module"]],
        "include": host["python"]["include_dirs"],
        "suffix": host["python"]["extension_suffixes"][0],
        "tag": "-".join((wheel["python_tag"], wheel["abi_tag"], wheel["platform_tag"])),
    }

def make(directory, how, told_by):
    includes = ["-I" + path for path in how["include"]]
    subprocess.run([*how["compile"], *includes, "-c", "toy.c", "-o", "toy.o"], check=True)
    subprocess.run([*how["link"], "toy.o", "-o", "toy.so"], check=True)
    name = "toy-1-" + how["tag"] + ".whl"
    with open("toy.so", "rb") as file:
        module = file.read()
    members = {
        "toy/_toy" + how["suffix"]: module,
        "toy/told_by": told_by.encode(),
        "toy-1.dist-info/METADATA": b"Metadata-Version: 2.1\\nName: toy\\nVersion: 1\\n",
        "toy-1.dist-info/WHEEL": f"Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: {how['tag']}\\n".encode(),
    }
    record = ""
    with zipfile.ZipFile(os.path.join(directory, name), "w") as wheel:
        for member, data in members.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += f"{member},sha256={digest},{len(data)}\\n"
            wheel.writestr(member, data)
        wheel.writestr("toy-1.dist-info/RECORD", record + "toy-1.dist-info/RECORD,,\\n")
    return name

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return make(wheel_directory, describe_this(), "nobody")

def get_requires_for_build_sdist(config_settings=None):
    return []

def build_sdist(sdist_directory, config_settings=None):
    import tarfile
    with tarfile.open(os.path.join(sdist_directory, "toy-1.tar.gz"), "w:gz") as sdist:
        for name in ("pyproject.toml", "toy.c", "back_ends"):
            sdist.add(name, "toy-1/" + name)
        with open("PKG-INFO", "w") as file:
            file.write("Metadata-Version: 2.1\\nName: toy\\nVersion: 1\\n")
        sdist.add("PKG-INFO", "toy-1/PKG-INFO")
    return "toy-1.tar.gz"
'''
_CROSS_VARIANTS = {
    # It has nothing of its own.
    "neither": ("variant", "from common import *\n"),
    "hook": (
        "variant:back_end",
        "import common\n"
        "class BackEnd:\n"
        "    build_wheel = staticmethod(common.build_wheel)\n"
        "    build_sdist = staticmethod(common.build_sdist)\n"
        "    def cross_build_wheel(self, wheel_directory, cross_build_info, config_settings=None,"
        " metadata_directory=None):\n"
        "        assert not config_settings, config_settings\n"
        "        how = common.describe_told(cross_build_info)\n"
        "        return common.make(wheel_directory, how, 'cross_build_wheel')\n"
        "back_end = BackEnd()\n",
    ),
    "settings": (
        "variant",
        "import json\nimport common\nfrom common import build_sdist\n"
        "cross_build_info_versions = (1,)\n"
        "def get_requires_for_build_wheel(config_settings=None):\n"
        "    assert list(config_settings) == ['cross-build-info'], config_settings\n"
        "    return []\n"
        "def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):\n"
        "    with open(config_settings['cross-build-info'], encoding='utf-8') as file:\n"
        "        how = common.describe_told(json.load(file)['cross_build_info'])\n"
        "    return common.make(wheel_directory, how, 'config_settings')\n",
    ),
    "module": (
        "variant",
        "import common\nfrom common import build_sdist\n"
        "def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):\n"
        "    try:\n"
        "        import crossenv_info\n"
        "    except ImportError:\n"
        "        return common.build_wheel(wheel_directory)\n"
        "    how = common.describe_told(crossenv_info.as_dict())\n"
        "    return common.make(wheel_directory, how, 'crossenv_info')\n",
    ),
    # As many a script does: the compiler of the machine it runs on.
    "wrong": (
        "variant",
        "import common\nfrom common import build_sdist\n"
        "def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):\n"
        "    how = common.describe_this()\n"
        "    how.update(compile=['cc', '-fPIC'], link=['cc', '-shared'])\n"
        "    return common.make(wheel_directory, how, 'nobody')\n",
    ),
}


def cross_back_end(directory: Path, variant: str) -> Path:
    """A back end in the project, which hears of the cross build in one of the ways there are, or in none."""
    name, text = _CROSS_VARIANTS[variant]
    return write(
        directory,
        {
            "pyproject.toml": f'[build-system]\nrequires = []\nbuild-backend = "{name}"\nbackend-path = ["back_ends"]\n'
            '[project]\nname = "toy"\nversion = "1"\n',
            "back_ends/common.py": CROSS_BACK_END,
            "back_ends/variant.py": text,
            "toy.c": PLAIN_C,
        },
    )

"""Have the real cibuildwheel build for another machine, in the build machine's own container images.

    python scripts/cibuildwheel_proof.py --python 3.9=PREFIX --python 3.11=PREFIX ... [--sysroot 3.11=DIR ...]

Needs Linux on x86-64, root, podman with runc, buildah, mmdebstrap, cibuildwheel beside this Python, and prefixes of
Pythons 3.9 (cibuildwheel's own helper in the image) and of the versions to build for. It makes a root file system
(Debian bookworm, with what a manylinux image has: `/opt/python/cp3X-cp3X`, pip, build, uv), imports it as an image, and
runs cibuildwheel, unpatched. Wheels are audited, and those for glibc imported under qemu-user where a sysroot with a
Python of the version is named. What was proved stays for the next run, which adds to it. Writes
docs/explanation/cibuildwheel-proof.md.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "tests"))

import crossenv  # noqa: E402
import projects  # noqa: E402
from crossenv.emulation.session import registration_line  # noqa: E402
from crossenv.targets import parse_target  # noqa: E402

WORK = CHECKOUT / ".cache/cibuildwheel"
PAGE = CHECKOUT / "docs/explanation/cibuildwheel-proof.md"
PROGRAMS = ("podman", "runc", "buildah", "mmdebstrap", "qemu-aarch64-static")
PACKAGES = (
    "gcc,g++,make,git,ca-certificates,patchelf,libssl3,libsqlite3-0,libffi8,libbz2-1.0,liblzma5,libreadline8,"
    "libncursesw6,zlib1g,xz-utils,bzip2,pkg-config,libexpat1"
)
# The machine's ways to its package index.
PASSED = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
TIMED = ("markupsafe", "regex", "pycryptodome")
FRONT_ENDS = ("pip", "build", "build[uv]", "uv")
PROJECTS = {
    "C extension": projects.setuptools_c,
    "Cython": projects.cython,
    "meson-python": projects.meson,
    "scikit-build-core": projects.scikit_build_core,
}
EMULATED = {"QEMU_CPU": "max,pauth-impdef=on"}
CREATE = "crossenv create --in-place"
REPAIR = "crossenv repair --dest {dest_dir} {wheel}"
GLIBC_TARGET, MUSL_TARGET = "manylinux_2_28_aarch64", "musllinux_1_2_aarch64"
# Prints a digest of all that a directory holds: kinds, modes, times, contents and the targets of links.
SNAPSHOT = """
import hashlib, os, sys
digest, count = hashlib.sha256(), 0
for top, directories, names in os.walk(os.path.realpath(sys.argv[1])):
    directories.sort()
    for name in ["."] + sorted(names + [d for d in directories if os.path.islink(os.path.join(top, d))]):
        path = os.path.join(top, name)
        state = os.lstat(path)
        content = os.readlink(path).encode() if os.path.islink(path) else b""
        if os.path.isfile(path) and not os.path.islink(path):
            content = open(path, "rb").read()
        line = "%s %o %d " % (path, state.st_mode, state.st_mtime_ns)
        digest.update(line.encode() + hashlib.sha256(content).digest())
        count += 1
print(count, digest.hexdigest())
"""


class FailedError(Exception):
    """A step did not end as it should."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run of cibuildwheel.

    Attributes:
        name: What it is called in the results.
        project: What to build.
        front_end: cibuildwheel's build-frontend.
        build: The identifiers.
        before: The before-build command.
        repair: The repair-wheel-command.
        audit: Whether cibuildwheel may look at abi3 wheels with abi3audit; with pip as the front end it fetches a
            virtualenv from outside the package index for that.
    """

    name: str
    project: Path
    front_end: str
    build: str
    before: str
    repair: str = REPAIR
    audit: bool = True


def call(
    *words: str | Path, check: bool = True, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command with both streams in one text."""
    done = subprocess.run(
        [str(word) for word in words],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        env={**os.environ, **(env or {})},
    )
    if check and done.returncode:
        raise FailedError(f"{words[0]}: {done.stdout.strip()[-1500:]}")
    return done


def missing(pythons: dict[str, Path]) -> str:
    """What is not here, by name; "" if all is."""
    for name in PROGRAMS:
        if shutil.which(name) is None:
            return name
    if os.geteuid() != 0:
        return "root (podman runs rootful here)"
    if not (Path(sys.executable).parent / "cibuildwheel").exists():
        return "cibuildwheel beside this Python"
    if "3.9" not in pythons or len(pythons) < 2:
        return "prefixes of Python 3.9 and of one to build for (--python 3.9=PREFIX --python 3.11=PREFIX)"
    programs = (path / f"bin/python{version}" for version, path in pythons.items())
    return next((str(program) for program in programs if not program.exists()), "")


def make_root(root: Path, pythons: dict[str, Path]) -> None:
    """Make what a manylinux image holds."""
    if not (root / "etc").exists():
        call("mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", root)
    shutil.copy(CA_BUNDLE, root / CA_BUNDLE[1:])
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    chroot: list[str] = [*("env", "-i", "PATH=/usr/sbin:/usr/bin:/bin", "HOME=/root", f"PIP_CERT={CA_BUNDLE}")]
    chroot += [f"{name}={os.environ[name]}" for name in PASSED if name in os.environ]
    chroot += [shutil.which("chroot") or "chroot", str(root)]
    for version, source in pythons.items():
        tag = f"cp{version.replace('.', '')}"
        place = root / f"opt/_internal/cpython-{version}"
        if place.exists():
            continue
        ignored = shutil.ignore_patterns("site-packages", "test", "__pycache__", "libpython*.a")
        for part in ("include", "lib"):
            shutil.copytree(source / part, place / part, symlinks=True, ignore=ignored)
        (place / "bin").mkdir()
        (place / f"lib/python{version}/site-packages").mkdir()
        shutil.copy2(source / f"bin/python{version}", place / "bin")
        for link, name in (("python3", f"python{version}"), ("python", "python3")):
            (place / "bin" / link).symlink_to(name)
        (root / "opt/python").mkdir(exist_ok=True)
        (root / f"opt/python/{tag}-{tag}").symlink_to(f"../_internal/cpython-{version}")
        inside = f"/opt/_internal/cpython-{version}"
        call(*chroot, "patchelf", "--set-rpath", f"{inside}/lib", f"{inside}/bin/python{version}")
        # What records where it was installed: sysconfig's data, Makefile, .pc files.
        for path in place.rglob("*"):
            if path.is_file() and not path.is_symlink() and path.stat().st_size < 10**6:
                data = path.read_bytes()
                if os.fsencode(source) in data and b"\0" not in data:
                    path.write_bytes(data.replace(os.fsencode(source), inside.encode()))
        python = f"/opt/python/{tag}-{tag}/bin/python"
        if version != "3.9":
            call(*chroot, python, "-m", "ensurepip")
            call(*chroot, python, "-m", "pip", "install", "-q", "-U", "pip", "build")
        # Byte code that a later start would write else.
        call(*chroot, python, "-m", "compileall", "-q", f"{inside}/lib", check=False)
    newest = f"cp{max(pythons, key=lambda text: int(text.split('.')[1])).replace('.', '')}"
    if not (root / "usr/local/bin/uv").is_symlink():
        call(*chroot, f"/opt/python/{newest}-{newest}/bin/python", "-m", "venv", "/opt/_internal/tools")
        call(*chroot, "/opt/_internal/tools/bin/pip", "install", "-q", "uv")
        (root / "usr/local/bin/uv").symlink_to("/opt/_internal/tools/bin/uv")
    # crossenv of this checkout, in an environment of its own.
    shutil.rmtree(root / "wheels", ignore_errors=True)
    call(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", root / "wheels", CHECKOUT)
    (wheel,) = (root / "wheels").glob("*.whl")
    if not (root / "opt/crossenv").exists():
        call(*chroot, f"/opt/python/{newest}-{newest}/bin/python", "-m", "venv", "/opt/crossenv")
    call(*chroot, "/opt/crossenv/bin/pip", "install", "-q", f"/wheels/{wheel.name}[zig]")
    call(*chroot, "/opt/crossenv/bin/pip", "install", "-q", "--no-deps", "--force-reinstall", f"/wheels/{wheel.name}")
    (root / "usr/local/bin/crossenv").unlink(missing_ok=True)
    (root / "usr/local/bin/crossenv").symlink_to("/opt/crossenv/bin/crossenv")
    (root / "snapshot.py").write_text(SNAPSHOT, encoding="utf-8")


def settings_of_podman() -> dict[str, str]:
    """Rootful podman with a store of its own, on the machine's network, within a small machine's limits."""
    store = WORK / "storage.conf"
    store.write_text(f'[storage]\ndriver = "overlay"\nrunroot = "{WORK}/run"\ngraphroot = "{WORK}/graph"\n')
    containers = WORK / "containers.conf"
    containers.write_text(
        '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\nnetns = "host"\ncgroupns = "host"\n'
        'ipcns = "host"\nutsns = "host"\nlog_driver = "k8s-file"\n'
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n'
    )
    return {"CONTAINERS_CONF": str(containers), "CONTAINERS_STORAGE_CONF": str(store)}


def make_images(root: Path, podman: dict[str, str]) -> None:
    """The build machine's image, and the same one labelled with the host's architecture."""
    archive = WORK / "image.tar"
    call("tar", "-C", root, "--exclude=./proc/*", "--exclude=./sys/*", "-cf", archive, ".")
    settings = ["ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    settings += ["ENV AUDITWHEEL_PLAT=manylinux_2_28_x86_64", "ENV AUDITWHEEL_POLICY=manylinux_2_28"]
    changes = [word for setting in settings for word in ("--change", setting)]
    call("podman", "import", "-q", "--arch", "amd64", *changes, archive, "localhost/manylinux:x86_64", env=podman)
    archive.unlink()
    label = (
        "c=$(buildah from localhost/manylinux:x86_64) && buildah config --arch arm64 $c"
        " && buildah commit -q --rm $c localhost/manylinux:aarch64"
    )
    call("sh", "-c", label, env=podman)


def cibuildwheel(run: Run, podman: dict[str, str]) -> tuple[int, str, list[Path]]:
    """Run it; its exit status, what it printed, and the wheels."""
    out = WORK / "wheels" / run.name
    shutil.rmtree(out, ignore_errors=True)
    variables = f"PIP_CERT={CA_BUNDLE} SSL_CERT_FILE={CA_BUNDLE}"
    images = {
        f"CIBW_{family}_{machine.upper()}_IMAGE": f"localhost/manylinux:{machine}"
        for family in ("MANYLINUX", "MUSLLINUX")
        for machine in ("x86_64", "aarch64")
    }
    program = Path(sys.executable).parent / "cibuildwheel"
    done = subprocess.run(
        [program, "--platform", "linux", "--archs", "x86_64,aarch64", "--output-dir", out],
        cwd=run.project,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("CIBW_")},
            **podman,
            **images,
            # What pip, uv and zig keep serves the next container too.
            "CIBW_CONTAINER_ENGINE": f"podman; create_args: --volume={WORK}/cache:/root/.cache;"
            " disable_host_mount: true",
            "CIBW_BUILD": run.build,
            "CIBW_BUILD_FRONTEND": run.front_end,
            "CIBW_BEFORE_BUILD": run.before,
            "CIBW_REPAIR_WHEEL_COMMAND": run.repair,
            "CIBW_ENVIRONMENT": variables,
            # As it is by default, but for the versions of what it requires: an index may not have all of them.
            "CIBW_AUDIT_REQUIRES": "abi3audit>=0.0.20",
            **({} if run.audit else {"CIBW_AUDIT_COMMAND": ""}),
            "CIBW_ENVIRONMENT_PASS_LINUX": " ".join(name for name in PASSED if name in os.environ),
        },
    )
    log = WORK / "logs" / f"{run.name}.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text(done.stdout, encoding="utf-8")
    return done.returncode, done.stdout, sorted(out.glob("*.whl"))


def require_wheels(run: Run, podman: dict[str, str], target: str, count: int, sysroots: dict[str, Path]) -> str:
    """Run it, look at the wheels, and use those for glibc on the host; what is to be said of it."""
    status, text, wheels = cibuildwheel(run, podman)
    if status:
        raise FailedError(next((line for line in text.splitlines()[::-1] if "error" in line), "cibuildwheel failed"))
    if len(wheels) != count or not all(wheel.name.endswith(f"{target}.whl") for wheel in wheels):
        raise FailedError(f"made {[wheel.name for wheel in wheels]}")
    call(Path(sys.executable).parent / "crossenv", "audit", *wheels)
    imported = 0
    for wheel in wheels if target == GLIBC_TARGET else ():
        for version, sysroot in sysroots.items():
            python = wheel.name.split("-")[2].removeprefix("cp")
            if python == version.replace(".", "") or "-abi3-" in wheel.name:
                place = WORK / "installed"
                shutil.rmtree(place, ignore_errors=True)
                shutil.unpack_archive(wheel, place, "zip")
                words = ["qemu-aarch64-static", "-L", str(sysroot), f"{sysroot}/usr/bin/python{version}"]
                code = "import toy._toy as t; assert t.answer() in (8, 42), t.answer()"
                call(*words, "-c", code, env={"PYTHONPATH": str(place), **EMULATED})
                imported += 1
    return "audited" + (f", {imported} imported under qemu" if imported else "")


def abi3_project(directory: Path) -> Path:
    """One wheel for Python 3.11 and all that come later."""
    project = projects.setuptools_c(directory)
    (project / "setup.py").write_text(
        "from setuptools import Extension, setup\n"
        "macros = [('Py_LIMITED_API', '0x030b0000')]\n"
        "module = Extension('toy._toy', ['toy.c'], define_macros=macros, py_limited_api=True)\n"
        "setup(packages=['toy'], ext_modules=[module], options={'bdist_wheel': {'py_limited_api': 'cp311'}})\n"
    )
    return project


def linked_project(directory: Path) -> Path:
    """It links a library of the host that no policy promises, and that its before-build compiles."""
    project = projects.setuptools_c(directory)
    (project / "toy.c").write_text(projects.MODULE_C.format(top="extern int greet(void);", answer="greet()"))
    setup = (project / "setup.py").read_text()
    (project / "setup.py").write_text(
        setup.replace("['toy.c']", "['toy.c'], libraries=['greet'], library_dirs=['/tmp/greet']")
    )
    (project / "greet.c").write_text("int greet(void) { return 42; }\n")
    return project


def emulated(root: Path, *words: str) -> float:
    """Run a command of an arm64 root file system in it, under the emulator; the seconds that it took."""
    (qemu,) = (shutil.which("qemu-aarch64-static"),)
    line = registration_line(parse_target("aarch64").identity, Path(qemu or ""))
    for name in ("dev", "proc", "tmp", "project"):
        (root / name).mkdir(exist_ok=True)
    (root / CA_BUNDLE[1:]).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(CA_BUNDLE, root / CA_BUNDLE[1:])
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    enter = (
        "mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc"
        ' && printf %s "$1" > /proc/sys/fs/binfmt_misc/register && mount --rbind /dev "$2/dev"'
        ' && mount --rbind /proc "$2/proc" && r=$2 && shift 2 && exec chroot "$r" "$@"'
    )
    settings = {"PATH": "/usr/bin:/bin:/usr/sbin", "HOME": "/root", "PIP_CERT": CA_BUNDLE, "CC": "gcc", "CXX": "g++"}
    settings |= {name: os.environ[name] for name in PASSED if name in os.environ}
    within = ["env", "-i", *(f"{name}={value}" for name, value in settings.items()), *words]
    start = time.monotonic()
    call("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", enter, "enter", line, root, *within)
    return time.monotonic() - start


def compare(package: str, version: str, root: Path, podman: dict[str, str]) -> str:
    """Build one package with cibuildwheel, and the same wheel under emulation: how many times longer that takes."""
    sources = WORK / "sources" / package
    if not sources.exists():
        fetched = WORK / "sources/fetched" / package
        call(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", fetched, package)
        (archive,) = fetched.iterdir()
        shutil.unpack_archive(archive, WORK / "sources/unpacked" / package)
        (directory,) = (WORK / "sources/unpacked" / package).iterdir()
        directory.rename(sources)
    run = Run(
        name=f"timed-{package}",
        project=sources,
        front_end="pip",
        build=f"cp{version.replace('.', '')}-manylinux_x86_64",
        before=f"{CREATE} --target {GLIBC_TARGET}",
        audit=False,
    )
    status, text, wheels = cibuildwheel(run, podman)
    steps = re.findall(r"(Running before_build|Building wheel|Repairing wheel)\.\.\..*?✓ +([0-9.]+)s", text, re.DOTALL)
    if status or len(wheels) != 1 or len(steps) != 3:
        raise FailedError(f"cibuildwheel of {package} failed")
    seconds = {name: float(value) for name, value in steps}
    shutil.rmtree(root / "project", ignore_errors=True)
    shutil.copytree(sources, root / "project")
    pip = (f"/usr/bin/python{version}", "-m", "pip", "wheel", "-q", "--no-deps", "-w", "/tmp/built", "/project")
    slow = emulated(root, *pip)
    build = seconds["Building wheel"]
    return (
        f"build {slow / build:.1f} times, with the conversion and the repair {slow / sum(seconds.values()):.1f} times"
    )


class Proofs:
    """What there is to prove.

    Args:
        versions: The Pythons to build for.
        podman: Its settings.
        sysroots: Roots with the host's Python, by version.
        emulated_root: An arm64 root to build in under emulation; None for no comparison.
    """

    def __init__(
        self, versions: list[str], podman: dict[str, str], sysroots: dict[str, Path], emulated_root: Path | None
    ) -> None:
        self._versions, self._podman, self._sysroots = versions, podman, sysroots
        self._emulated_root = emulated_root
        self._tags = [f"cp{version.replace('.', '')}" for version in versions]

    def project(self, title: str) -> Path:
        """A fresh copy of a project."""
        directory = WORK / "projects" / title.replace(" ", "-")
        shutil.rmtree(directory, ignore_errors=True)
        return PROJECTS[title](directory)

    def cell(self, title: str, front_end: str, target: str) -> str:
        """One project by one front end for one target."""
        # Both ways of asking: the image as it is, and one that is labelled with the host's architecture.
        machine, words = ("x86_64", f"{CREATE} --target {target}") if target == GLIBC_TARGET else ("aarch64", CREATE)
        family = target.partition("_")[0]
        run = Run(
            name=f"{title}-{front_end}-{family}".replace(" ", "-"),
            project=self.project(title),
            front_end=front_end,
            build=" ".join(f"{tag}-{family}_{machine}" for tag in self._tags),
            before=words,
        )
        return require_wheels(run, self._podman, target, len(self._tags), self._sysroots)

    def pasted(self) -> str:
        """As the guide begins."""
        directory = self.project("C extension")
        with (directory / "pyproject.toml").open("a", encoding="utf-8") as file:
            file.write(f'[tool.crossenv]\ntarget = "{GLIBC_TARGET}"\n')
        run = Run(
            name="pasted",
            project=directory,
            front_end="build",
            build=" ".join(f"{tag}-manylinux_x86_64" for tag in self._tags),
            before=f'pip install -q --find-links /wheels "crossenv2[zig]=={crossenv.__version__}" && {CREATE}',
        )
        return require_wheels(run, self._podman, GLIBC_TARGET, len(self._tags), self._sysroots)

    def abi3(self) -> str:
        """One wheel for several Pythons."""
        directory = WORK / "projects/abi3"
        shutil.rmtree(directory, ignore_errors=True)
        identifiers = " ".join(f"{tag}-manylinux_aarch64" for tag in self._tags)
        # With uv, cibuildwheel's own audit of such wheels needs nothing but the package index.
        run = Run(name="abi3", project=abi3_project(directory), front_end="build[uv]", build=identifiers, before=CREATE)
        said = require_wheels(run, self._podman, GLIBC_TARGET, 1, self._sysroots)
        return f"{said}; one wheel for both Pythons; cibuildwheel's own check with abi3audit passed"

    def graft(self) -> str:
        """A library of the host's goes into the wheel."""
        directory = WORK / "projects/graft"
        shutil.rmtree(directory, ignore_errors=True)
        compile_it = (
            'mkdir -p /tmp/greet && tools=$(crossenv export env) && env -S "$tools" sh -c \'$CC -shared -fPIC'
            " -Wl,-soname,libgreet.so.1 -o /tmp/greet/libgreet.so.1 {project}/greet.c'"
            " && ln -sf libgreet.so.1 /tmp/greet/libgreet.so"
        )
        run = Run(
            name="graft",
            project=linked_project(directory),
            front_end="build",
            build=f"{self._tags[0]}-manylinux_x86_64",
            before=f"{CREATE} --target {GLIBC_TARGET} && {compile_it}",
            repair=f"{REPAIR} --library-dir /tmp/greet",
        )
        said = require_wheels(run, self._podman, GLIBC_TARGET, 1, self._sysroots)
        (wheel,) = (WORK / "wheels/graft").glob("*.whl")
        inside = call(sys.executable, "-m", "zipfile", "-l", wheel).stdout
        if "toy.libs/libgreet-" not in inside:
            raise FailedError("the library is not in the wheel")
        return said + "; `libgreet.so.1` is in `toy.libs`"

    def slip(self) -> str:
        """A front end that builds natively is caught."""
        run = Run(
            name="slip",
            project=self.project("C extension"),
            front_end="uv",
            build=f"{self._tags[0]}-manylinux_x86_64",
            before=f"{CREATE} --target {GLIBC_TARGET} && rm -r $(python -c 'import sysconfig as s;"
            ' print(s.get_path("stdlib"))\')/sitecustomize',
        )
        status, text, wheels = cibuildwheel(run, self._podman)
        found = [line for line in text.splitlines() if line.startswith("crossenv: error")]
        if not status or wheels or not found:
            raise FailedError("a native wheel went through")
        return f"the run failed: `{found[-1]}`"

    def undo(self) -> str:
        """The installation is what it was, afterwards."""
        snapshot = "/opt/python/cp39-cp39/bin/python /snapshot.py $(python -c 'import sys; print(sys.prefix)')"
        run = Run(
            name="undo",
            project=self.project("C extension"),
            front_end="build",
            build=" ".join(f"{tag}-manylinux_x86_64" for tag in self._tags),
            before=f"{snapshot} > /tmp/before && {CREATE} --target {GLIBC_TARGET}",
            repair=f"{REPAIR} && {CREATE} --undo && {snapshot} > /tmp/after && cat /tmp/before /tmp/after"
            " && cmp /tmp/before /tmp/after",
        )
        said = require_wheels(run, self._podman, GLIBC_TARGET, len(self._tags), self._sysroots)
        return f"{said}; kinds, modes, times and contents of all that is in each installation are the same"

    def trial(self) -> str:
        """Tests run in the container."""
        run = Run(
            name="trial",
            project=self.project("C extension"),
            front_end="build",
            build=f"{self._tags[0]}-manylinux_x86_64",
            before=f"{CREATE} --target {GLIBC_TARGET}",
            # Elsewhere: in the project its sources would be imported.
            repair=f"{REPAIR} && cd /tmp && crossenv test {{dest_dir}}/*.whl -- python -c 'import platform, toy._toy;"
            ' print("on", platform.machine(), toy._toy.answer())\'',
        )
        said = require_wheels(run, self._podman, GLIBC_TARGET, 1, self._sysroots)
        if "on aarch64 8" not in (WORK / "logs/trial.log").read_text(encoding="utf-8"):
            raise FailedError("the test did not run on the host")
        return f"{said}; emulator and interpreter were fetched in the container, the tests ran there"

    def all(self) -> dict[str, Callable[[], str]]:
        """Each by name, as something to call."""
        found: dict[str, Callable[[], str]] = {}
        # Each project and each front end early, so that a run that is cut short has seen them all.
        order = [
            (title, FRONT_ENDS[(index + shift) % len(FRONT_ENDS)])
            for shift in range(len(FRONT_ENDS))
            for index, title in enumerate(PROJECTS)
        ]
        cells = [(title, front_end, target) for title, front_end in order for target in (GLIBC_TARGET, MUSL_TARGET)]
        for number, (title, front_end, target) in enumerate(cells):
            if number == 8:
                found |= {
                    "pasted": self.pasted,
                    "abi3": self.abi3,
                    "graft": self.graft,
                    "slip": self.slip,
                    "undo": self.undo,
                    "trial": self.trial,
                }
            found[f"{title}|{front_end}|{target}"] = functools.partial(self.cell, title, front_end, target)
        if self._emulated_root is not None:
            for package in TIMED:
                found[f"timed {package}"] = functools.partial(
                    compare, package, self._versions[0], self._emulated_root, self._podman
                )
        return found


OTHERS = {
    "pasted": "The guide's first lines: crossenv in the interpreter that it converts, the target in `pyproject.toml`",
    "abi3": "An abi3 project, image labelled arm64, identifiers `cp3X-manylinux_aarch64`",
    "graft": "A library of the host that the module links",
    "slip": "Planted: uv's environments lose the start-up file, and build natively",
    "undo": "`crossenv create --in-place --undo` after the build, the installation compared with before",
    "trial": "`crossenv test` behind the repair: the project's tests under an emulator, in the container",
}


def page(results: dict[str, str], about: dict[str, str]) -> str:
    """The page, from all results so far."""
    lines = [
        "# cibuildwheel without emulation: the proof",
        "",
        "Written by `nox -s cibuildwheel`. The real cibuildwheel, unpatched, under rootful podman with runc. The",
        "image is made on the spot: Debian bookworm for x86-64 with `/opt/python/cp3X-cp3X`, pip, build and uv",
        "where a manylinux image has them. For `manylinux_2_28_aarch64` it is used as it is (identifiers",
        "`cp3X-manylinux_x86_64`, `crossenv create --in-place --target manylinux_2_28_aarch64`), for",
        "`musllinux_1_2_aarch64` labelled with the host's architecture (identifiers `cp3X-musllinux_aarch64`,",
        "`crossenv create --in-place`). The image in the musllinux slot is this glibc one: there was no Alpine",
        "image with these Pythons. The compiler is zig. Every wheel passed `crossenv audit`; those for glibc were",
        "imported by Debian's arm64 Python of the same version under qemu-user.",
        "",
        f"{about.get('versions', '')}, {about.get('date', '')}.",
        "",
        f"| project | target | {' | '.join(f'`{name}`' for name in FRONT_ENDS)} |",
        f"| --- | --- | {' | '.join('---' for _ in FRONT_ENDS)} |",
    ]
    for title in PROJECTS:
        for target in (GLIBC_TARGET, MUSL_TARGET):
            cells = [results.get(f"{title}|{front_end}|{target}", "not run") for front_end in FRONT_ENDS]
            lines.append(f"| {title} | `{target}` | {' | '.join(cells)} |")
    lines += ["", "| what else | result |", "| --- | --- |"]
    lines += [f"| {text} | {results.get(name, 'not run')} |" for name, text in OTHERS.items()]
    lines += ["", "## Against emulation", ""]
    lines += [
        "The same wheel by `pip wheel` in an arm64 Debian under qemu-user (its binfmt_misc in a user namespace), on",
        "the same machine, right after the run of cibuildwheel: how many times longer that took. Of the emulated side",
        "the build alone is counted, not what its container would need to start, or a repair.",
        "",
        "| package | emulated against cross |",
        "| --- | --- |",
    ]
    lines += [f"| {package} | {results.get(f'timed {package}', 'not run')} |" for package in TIMED]
    return "\n".join([*lines, ""])


def main() -> int:
    """Prove what is not proved yet, write the page; the exit status is 1 if something fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", action="append", default=[], metavar="VERSION=PREFIX")
    parser.add_argument(
        "--sysroot", action="append", default=[], metavar="VERSION=DIR", help="a root with the host's Python"
    )
    parser.add_argument(
        "--emulated", metavar="DIR", help="an arm64 root with gcc, pip and the first Python, for a timed comparison"
    )
    parser.add_argument("--only", action="append", default=[], metavar="WORD", help="only what has this in its name")
    parser.add_argument("--again", action="store_true", help="what was proved before too, in a new image")
    options = parser.parse_args()
    pythons = {name: Path(path).resolve() for name, path in (text.split("=", 1) for text in options.python)}
    sysroots = {name: Path(path).resolve() for name, path in (text.split("=", 1) for text in options.sysroot)}
    emulated_root = None if options.emulated is None else Path(options.emulated).resolve()
    lacking = missing(pythons)
    if lacking:
        print(f"skipped: needs {lacking}", file=sys.stderr)
        return 0
    (WORK / "cache").mkdir(parents=True, exist_ok=True)
    podman = settings_of_podman()
    store = WORK / "results.json"
    results = json.loads(store.read_text(encoding="utf-8")) if store.exists() and not options.again else {}
    if (
        options.again
        or call("podman", "image", "exists", "localhost/manylinux:aarch64", check=False, env=podman).returncode
    ):
        print("making the image", file=sys.stderr, flush=True)
        make_root(WORK / "root", pythons)
        make_images(WORK / "root", podman)
    works = call("podman", "run", "--rm", "localhost/manylinux:x86_64", "true", check=False, env=podman)
    if works.returncode:
        print(f"skipped: podman cannot run a container here: {works.stdout.strip().splitlines()[-1]}", file=sys.stderr)
        return 0
    versions = [version for version in pythons if version != "3.9"]
    about = {
        "versions": f"cibuildwheel {importlib.metadata.version('cibuildwheel')}, Pythons {' and '.join(versions)}",
        "date": str(datetime.datetime.now(datetime.timezone.utc).date()),
    }
    failed = False
    for name, prove in Proofs(versions, podman, sysroots, emulated_root).all().items():
        if name in results or (options.only and not any(word in name for word in options.only)):
            continue
        try:
            results[name] = prove()
            store.write_text(json.dumps(results, indent=1), encoding="utf-8")
            said = results[name]
        except FailedError as error:
            failed, said = True, f"FAILED: {error}"
        print(f"{name}: {said}", file=sys.stderr, flush=True)
        PAGE.write_text(page(results, about), encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

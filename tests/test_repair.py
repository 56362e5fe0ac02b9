"""`crossenv repair` and `cross-pip wheel --repair`: a library of the host goes into a wheel, under the right tag."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import hosts
import projects
from conftest import CrossenvCommand, Run
from crossenv.binaries import Linked
from crossenv.binaries.elf import Elf, elf_identity
from crossenv.wheels import run_auditwheel
from crossenv.wheels.sysroot_libraries import Libraries
from makers import AARCH64, X86_64, write
from wheels import linked, make_wheel

NUMBER = f"{sys.version_info[0]}{sys.version_info[1]}"
# What the machines' C libraries have that these call: pthread_create moved in glibc 2.34.
GREET_C = "int greet(void) {{ {} return 42; }}\n"
LATER = "extern int pthread_create(void *, void *, void *, void *); pthread_create(0, 0, 0, 0);"


def test_without_native_files_there_is_nothing_to_do(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"toy/__init__.py": b""}, "py3-none-any")
    done = crossenv("repair", "--dest", tmp_path / "out", wheel)
    assert done.stdout == f"{tmp_path}/out/{wheel.name}\n"
    assert (tmp_path / "out" / wheel.name).read_bytes() == wheel.read_bytes()
    assert "nothing to repair" in done.stderr


@pytest.mark.parametrize(
    ("wheel", "says"),
    [
        ("native", "is for x86-64"),
        ("truncated", "cannot be repaired"),
        ("foreign tag", "is for armv7l, and the environment's target is aarch64"),
    ],
)
def test_what_no_repair_can_mend_is_refused(
    wheel: str, says: str, crossenv: CrossenvCommand, env: Path, tmp_path: Path
) -> None:
    """A wheel of the build machine first of all."""
    tag = f"cp{NUMBER}-cp{NUMBER}-linux_aarch64"
    suffix = f".cpython-{NUMBER}-aarch64-linux-gnu.so"
    if wheel == "native":
        path = make_wheel(tmp_path, {f"_toy{suffix}": linked(X86_64, exports=("PyInit__toy",))}, tag)
    elif wheel == "truncated":
        path = make_wheel(tmp_path, {f"_toy{suffix}": linked(exports=("PyInit__toy",))[:200]}, tag)
    else:
        files = {f"_toy{suffix}": linked(exports=("PyInit__toy",))}
        path = make_wheel(tmp_path, files, tag.replace("aarch64", "armv7l"))
    before = path.read_bytes()
    done = crossenv("repair", "--env", env, "--dest", tmp_path / "out", path, check=False)
    assert done.returncode == 7, done.stderr
    assert says in done.stderr
    assert not list(tmp_path.glob("out/*"))
    assert path.read_bytes() == before


def greeting(directory: Path, gcc: str, body: str = "") -> Path:
    """A library of the host that no policy promises."""
    directory.mkdir(parents=True)
    source = directory / "greet.c"
    source.write_text(GREET_C.format(body))
    library = directory / "libgreet.so.1"
    words = [gcc, "-shared", "-fPIC", "-w", "-Wl,-soname,libgreet.so.1", "-o", str(library), str(source)]
    subprocess.run(words, check=True)
    (directory / "libgreet.so").symlink_to(library.name)
    return library


def greeter(directory: Path) -> Path:
    """A project whose extension module links it."""
    project = projects.setuptools_c(directory)
    source = projects.MODULE_C.format(top="extern int greet(void);", answer="greet()")
    (project / "toy.c").write_text(source)
    setup = (project / "setup.py").read_text()
    (project / "setup.py").write_text(setup.replace("['toy.c']", "['toy.c'], libraries=['greet']"))
    return project


def members(wheel: Path, directory: Path) -> dict[str, Linked]:
    """The linked files of a wheel, by name; all of them are the host's."""
    shutil.unpack_archive(wheel, directory, "zip")
    found = {str(path.relative_to(directory)): path for path in directory.rglob("*.so*")}
    assert all(elf_identity(path).number == 183 for path in found.values())
    return {name: linked for name, path in found.items() if (linked := Elf().linked(path.read_bytes()))}


@pytest.fixture
def linked_wheel(real_env: Path, cross_gcc: str, tmp_path: Path, run: Run) -> Path:
    """A wheel built in `real_env` that needs tmp_path/libraries/libgreet.so.1."""
    library = greeting(tmp_path / "libraries", cross_gcc, LATER)
    words: list[str | Path] = [real_env / "bin/cross-pip", "wheel", "--no-deps", "-w", tmp_path / "built"]
    run(*words, greeter(tmp_path / "project"), LDFLAGS=f"-L{library.parent}")
    (wheel,) = (tmp_path / "built").glob("*.whl")
    assert wheel.name.endswith("-linux_aarch64.whl")
    return wheel


@pytest.mark.integration
def test_a_library_goes_into_a_wheel(linked_wheel: Path, real_env: Path, tmp_path: Path, run: Run) -> None:
    crossenv: list[str | Path] = [sys.executable, "-m", "crossenv"]
    found = ("--library-dir", tmp_path / "libraries")
    said = run(*crossenv, "repair", "--json", "--env", real_env, *found, "--dest", tmp_path / "out", linked_wheel)
    (answer,) = json.loads(said)
    wheel = Path(answer["wheel"])
    assert wheel.parent == tmp_path / "out"
    assert linked_wheel.exists()
    assert answer["grafted"] == {"libgreet.so.1": str(tmp_path / "libraries/libgreet.so.1")}
    # pthread_create is libc's since 2.34, and there is no policy between that and what the compiler's libc has.
    assert re.search(r"-manylinux_2_3\d_aarch64\.whl$", wheel.name)
    files = members(wheel, tmp_path / "site")
    (module,) = [name for name in files if name.startswith("toy/")]
    (library,) = [name for name in files if name.startswith("toy.libs/libgreet-")]
    assert Path(library).name in files[module].needed
    assert "libgreet.so.1" not in files[module].needed
    assert files[module].search_path == ("$ORIGIN/../toy.libs",)
    run(*crossenv, "audit", "--env", real_env, wheel)
    # Beside the old one, which goes.
    name = run(*crossenv, "repair", "--env", real_env, *found, "--replace", linked_wheel).strip()
    assert [str(path) for path in linked_wheel.parent.iterdir()] == [name]


@pytest.mark.integration
def test_what_a_repair_cannot_do_it_says(linked_wheel: Path, real_env: Path, tmp_path: Path) -> None:
    def refused(*words: str | Path, status: int = 7) -> str:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "crossenv", "repair", "--env", real_env),
                *("--dest", tmp_path / "out", *words, linked_wheel),
            ],
            text=True, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
        assert not list(tmp_path.glob("out/*"))
        return done.stderr

    says = refused()
    assert "needs libgreet.so.1, which was not found" in says
    assert "--library-dir DIR" in says
    found = ("--library-dir", tmp_path / "libraries")
    assert "libgreet.so.1 needs pthread_create@GLIBC_2.34" in refused(*found, "--plat", "manylinux_2_28_aarch64")
    assert "is not a policy for that" in refused(*found, "--plat", "manylinux_2_28_x86_64", status=2)
    assert "is not a directory" in refused("--library-dir", tmp_path / "nowhere", status=2)


def test_a_part_of_auditwheels_that_is_gone_ends_the_repair() -> None:
    """It would ask the build machine again, and say nothing."""
    with pytest.raises(RuntimeError, match=r"auditwheel 6\.8\.\d+ has no gone, which crossenv replaces"):
        run_auditwheel._replace(Linked, "gone", len)


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("libx.so.1.0", "usr/lib/libx.so.1.0"),
        ("/etc/alternatives/libx", "usr/lib/libx.so.1.0"),
        ("../../etc/alternatives/libx", "usr/lib/libx.so.1.0"),
        # The target's root has nothing above it.
        ("../../../../../../../usr/lib/libx.so.1.0", "usr/lib/libx.so.1.0"),
        ("{outside}/libx.so.1", None),
        ("{relative}/libx.so.1", None),
        ("{root}/usr/lib/libx.so.1.0", "usr/lib/libx.so.1.0"),
        ("libx.so.1", None),
        ("nowhere", None),
    ],
)
def test_a_link_in_a_sysroot_is_followed_as_on_the_target(tmp_path: Path, link: str, found: str | None) -> None:
    """An absolute one, opened as it stands, leads to the build machine's own library."""
    root, outside = tmp_path / "root", tmp_path / "build-machine"
    data = linked(soname="libx.so.1")
    write(root / "usr/lib/libx.so.1.0", data)
    write(outside / "libx.so.1", data)
    (root / "etc/alternatives").mkdir(parents=True)
    (root / "etc/alternatives/libx").symlink_to("/usr/lib/libx.so.1.0")
    place = link.format(outside=outside, root=root, relative=os.path.relpath(outside, root / "usr/lib"))
    (root / "usr/lib/libx.so.1").symlink_to(place)
    libraries = Libraries(AARCH64, root, (root / "usr/lib",))
    assert libraries.find("libx.so.1") == (None if found is None else root / found)
    assert (libraries.load("libx.so.1") is None) == (found is None)
    # What a user names lies on this machine.
    own = Libraries(AARCH64, root, (), first=(outside,))
    assert own.closure(["libx.so.1"]) == {"libx.so.1": outside / "libx.so.1"}


@pytest.mark.integration
def test_no_library_of_the_build_machine_is_grafted(cross_gcc: str, tmp_path: Path, run: Run) -> None:
    """The sysroot's own link names the library by its path on the target; the build machine has one there too."""
    prefix = hosts.make_prefix(tmp_path / "root")
    library = greeting(tmp_path / "build-machine", cross_gcc)
    place = prefix / "lib/aarch64-linux-gnu"
    place.mkdir(parents=True, exist_ok=True)
    (place / "libgreet.so.1").symlink_to(library)
    env = tmp_path / "env"
    run(
        *(sys.executable, "-m", "crossenv", "create", "--python", sys.executable, "--host-python", prefix),
        *("--cc", cross_gcc, env),
    )  # fmt: skip
    project = greeter(tmp_path / "project")
    words: list[str | Path] = [
        env / "bin/cross-pip",
        "wheel",
        "--no-cache-dir",
        "--no-deps",
        "--repair",
        "-w",
        tmp_path / "out",
        project,
    ]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env={**os.environ, "LDFLAGS": f"-L{library.parent}"}
    )
    assert done.returncode != 0
    assert "needs libgreet.so.1, which was not found in the environment's sysroot" in done.stdout + done.stderr
    assert not list(tmp_path.glob("out/*.whl"))


@pytest.mark.integration
def test_wheels_are_repaired_as_they_are_built(cross_gcc: str, tmp_path: Path, run: Run) -> None:
    """By the option of `cross-pip wheel`, and by the environment's own setting for another front end."""
    prefix = hosts.make_prefix(tmp_path / "root")
    library = greeting(tmp_path / "libraries", cross_gcc)
    place = prefix / "lib/aarch64-linux-gnu"
    shutil.copytree(library.parent, place, symlinks=True)
    project = greeter(tmp_path / "project")
    crossenv: list[str | Path] = [sys.executable, "-m", "crossenv", "create", "--python", sys.executable]
    crossenv += ["--host-python", prefix, "--cc", cross_gcc]
    env = tmp_path / "env"
    for option in ("--no-repair", "--repair"):
        run(*crossenv, option, "--clear", env)
        record = json.loads((env / "crossenv.json").read_text())
        root = record["toolchain"]["sysroot"] or record["host"]["sysroot"]
        assert root, "the target's root is where its libraries are looked for"
        assert place.is_relative_to(root)
        pip: list[str | Path] = [env / "bin/cross-pip", "wheel", "--no-cache-dir", "--no-deps"]
        for number, said in enumerate(("", "--repair", "--no-repair")):
            out = tmp_path / f"out{option}{number}"
            run(*pip, *([said] if said else []), "-w", out, project, LDFLAGS=f"-L{place}")
            (wheel,) = out.glob("*.whl")
            wanted = (said or option) == "--repair"
            assert ("-manylinux" in wheel.name) == wanted, wheel.name
            with zipfile.ZipFile(wheel) as archive:
                assert any("toy.libs/libgreet-" in name for name in archive.namelist()) == wanted

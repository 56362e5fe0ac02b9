"""What a build tool may know of the host: `crossenv_info`, its variables, and their mock."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from _crossenv import crossenv_info as reader

import crossenv
from conftest import Run
from crossenv import record as record_module
from crossenv import testing
from crossenv.environment.build_info import public_part
from crossenv.environment.plan import Options, make_plan
from crossenv.errors import UsageError
from crossenv.platforms import Libc
from crossenv.platforms.architectures import architecture_of
from crossenv.record import parse_record
from crossenv.targets import parse_target

SOURCE = Path(crossenv.__file__).parent
MODULE = SOURCE / "shim/_crossenv/crossenv_info.py"
STUB = SOURCE.parent / "crossenv_info-stubs/__init__.pyi"
REFERENCE = SOURCE.parents[1] / "docs/reference/crossenv-info.md"


def answer(run: Run, env: Path, code: str, **extra: str) -> Any:
    return json.loads(run(env / "bin/python", "-c", f"import json\n{code}", **extra))


def test_the_host_side_can_ask(env: Path, run: Run) -> None:
    code = (
        "import crossenv_info as c, os, sys\n"
        "print(json.dumps([c.version, c.host.machine, c.host.elf.machine, c.host.bits, c.host.libc.version,\n"
        "    c.build.machine, c.toolchain.tools['cc'], c.host.python.build_details['schema_version'],\n"
        "    os.environ['PYTHON_CROSSENV'], os.environ['CROSSENV_RECORD'], sys.cross_compiling]))"
    )
    compiler = str(env / "etc/bin/aarch64-linux-gnu-gcc")
    assert answer(run, env, code) == [
        *("1.0", "aarch64", 183, 64, "2.36", os.uname().machine, compiler, "1.0"),
        *("1", str(env / "crossenv.json"), True),
    ]


def test_everything_is_in_the_record(env: Path, run: Run) -> None:
    """Also for tools that are not Python, which find it by CROSSENV_RECORD."""
    public = json.loads((env / "crossenv.json").read_text())["cross_build_info"]
    assert answer(run, env, "import crossenv_info\nprint(json.dumps(crossenv_info.as_dict()))") == public
    record = json.loads((env / "crossenv.json").read_text())
    assert public["host"]["python"]["sysconfigdata"] == record["host"]["sysconfigdata"]
    assert public["toolchain"]["tools"] == {k: t["command"] for k, t in record["toolchain"]["tools"].items()}


@pytest.mark.parametrize(
    "words",
    [["bin/build-python"], ["build/bin/python"], ["bin/python", "CROSSENV_ROLE=build"], ["etc/uv/bin/python"]],
    ids=" ".join,
)
def test_nobody_else_can(env: Path, run: Run, words: list[str]) -> None:
    """Not the build side, not a process in role build; the variables of a parent in role host are not passed on."""
    code = (
        "import os, sys\n"
        "try:\n    import crossenv_info\nexcept ImportError:\n    pass\nelse:\n    sys.exit('importable')\n"
        "names = [name for name in ('PYTHON_CROSSENV', 'CROSSENV_RECORD') if name in os.environ]\n"
        "print(hasattr(sys, 'cross_compiling'), *names)"
    )
    extra = dict([words[1].split("=")]) if len(words) > 1 else {}
    assert run(env / words[0], "-c", code, **extra).split() == ["False"]
    if words[0] != "build/bin/python" and words[0] != "etc/uv/bin/python":
        inherited = {"PYTHON_CROSSENV": "1", "CROSSENV_RECORD": "/x/crossenv.json", **extra}
        assert run(env / words[0], "-c", code, **inherited).split() == ["False"]
    native = subprocess.run([sys.executable, "-c", "import crossenv_info"], capture_output=True, check=False)
    assert b"ModuleNotFoundError" in native.stderr


def test_what_a_hook_has_set_is_handed_on_by_meson(env: Path, tmp_path: Path, run: Run) -> None:
    """Meson itself is of the build machine; what it starts below a hook works for the host."""
    (tmp_path / "meson").write_text(
        "import os, subprocess, sys\n"
        "assert not hasattr(sys, 'cross_compiling')\n"
        "subprocess.run([sys.executable, '-c', 'import crossenv_info; print(crossenv_info.host.machine)'])\n"
    )
    extra = {"CROSSENV_ROLE": "host", "PYTHON_CROSSENV": "1", "CROSSENV_RECORD": str(env / "crossenv.json")}
    assert run(env / "bin/python", tmp_path / "meson", **extra) == "aarch64\n"


def test_a_start_pays_nothing_for_it(env: Path, run: Run) -> None:
    loaded = set(answer(run, env, "import sys\nprint(json.dumps(sorted(sys.modules)))"))
    bare = set(
        json.loads(
            run(env / "bin/python", "-c", "import sys; m = sorted(sys.modules); import json; print(json.dumps(m))")
        )
    )
    assert "crossenv_info" not in loaded
    assert not bare & {"crossenv_info", "_crossenv.crossenv_info", "dataclasses", "json", "importlib.util"}


def test_tags_and_markers_are_those_of_installers(env: Path, run: Run) -> None:
    code = (
        "import crossenv_info as c\n"
        "from pip._vendor.packaging import markers, tags\n"
        "best = next(tags.sys_tags())\n"
        "print(json.dumps([sorted({t.platform for t in tags.sys_tags()} - {'any'}), markers.default_environment(),\n"
        "    [best.interpreter, best.abi]]))"
    )
    platforms, markers, best = answer(run, env, code)
    info = json.loads((env / "crossenv.json").read_text())["cross_build_info"]["host"]
    assert sorted(info["wheel"]["accepted_platforms"]) == platforms
    assert [info["wheel"]["python_tag"], info["wheel"]["abi_tag"]] == best
    assert set(info["markers"]) == set(markers)
    kernel = ("platform_release", "platform_version")
    assert {k: v for k, v in info["markers"].items() if k not in kernel} == {
        k: v for k, v in markers.items() if k not in kernel
    }


@pytest.mark.parametrize(
    ("target", "first", "last"),
    [
        ("manylinux_2_28_aarch64", "manylinux_2_28_aarch64", "manylinux2014_aarch64"),
        ("manylinux_2_17_x86_64", "manylinux_2_17_x86_64", "manylinux1_x86_64"),
        ("musllinux_1_2_armv7l", "musllinux_1_2_armv7l", "musllinux_1_0_armv7l"),
    ],
)
def test_the_policies_that_a_host_takes(target: str, first: str, last: str) -> None:
    tags = testing.made_up(target)["host"]["wheel"]["accepted_platforms"]
    assert tags[0] == f"linux_{target.split('_', 3)[3]}"
    assert (tags[1], tags[-1]) == (first, last)
    assert len(tags) == len(set(tags))


def test_the_tags_of_pypy() -> None:
    target, suffix = parse_target("aarch64"), ".pypy311-pp73-aarch64-linux-gnu.so"
    host = dataclasses.replace(
        testing._host_python(target, "3.11"), implementation="pypy", soabi="pypy311-pp73", ext_suffix=suffix
    )
    build, toolchain = testing._build_python("3.11"), testing._toolchain(target)
    plan = make_plan(Path("/env"), build=build, host=host, toolchain=toolchain, options=Options())
    public = plan.record.cross_build_info["host"]
    assert (public["wheel"]["python_tag"], public["wheel"]["abi_tag"]) == ("pp311", "pypy311_pp73")
    assert public["markers"]["platform_python_implementation"] == "PyPy"
    assert public["python"]["extension_suffixes"] == [suffix]
    assert public["python"]["build_details"] is None


# The format


def leaves(value: Any, where: str = "") -> dict[str, Any]:
    """The key paths of a description, those of objects whose keys are data left out."""
    found = {}
    for key, item in value.items():
        path = f"{where}.{key}" if where else key
        found[path] = item
        if isinstance(item, dict) and path not in ("host.markers", "host.python.build_details", "toolchain.tools"):
            found |= leaves(item, path)
    return found


def test_every_key_is_documented() -> None:
    documented = set()
    for row in re.findall(
        r"^\| (`(?:version|generator|build\.|host\.|toolchain\.).*?) \|", REFERENCE.read_text(), re.MULTILINE
    ):
        first, *others = re.findall(r"`([\w.]+)`", row)
        documented |= {first, *(first.rpartition(".")[0] + other for other in others)}
    described = {
        path for path, value in leaves(testing.made_up("aarch64")).items() if not path.endswith(("elf", "libc"))
    }
    objects = {"build", "host", "toolchain", "host.wheel", "host.python", "toolchain.flags", "toolchain.pkg_config"}
    assert documented == described - objects


def test_every_key_is_an_attribute() -> None:
    description = testing.made_up("aarch64")
    with testing.mock("aarch64") as module:
        for path, value in leaves(description).items():
            found: Any = module
            for name in path.split("."):
                found = getattr(found, name)
            if not isinstance(value, (dict, list)):
                assert found == value, path
        assert module.as_dict() == description


def test_the_stub_says_what_the_module_has() -> None:
    """Type checkers read the one, programs the other."""

    def classes(path: Path) -> dict[str, dict[str, str]]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = {}
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
                found[node.name] = {
                    ast.unparse(field.target): ast.unparse(field.annotation).strip("'\"") for field in fields
                }
        return found

    assert classes(MODULE) == classes(STUB)
    stub = ast.parse(STUB.read_text(encoding="utf-8"))
    attributes = {ast.unparse(n.target): ast.unparse(n.annotation) for n in stub.body if isinstance(n, ast.AnnAssign)}
    assert attributes == {**reader._ATTRIBUTES, "MAJOR_VERSION": "Final"}
    for node in stub.body:
        if isinstance(node, ast.FunctionDef):
            assert callable(getattr(reader, node.name))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"host": {"bits": "64"}}, "expected int at 'host.bits'"),
        ({"host": {"bits": True}}, "expected int at 'host.bits'"),
        ({"host": {"elf": 40}}, "expected Elf at 'host.elf'"),
        ({"toolchain": {"flags": {"c": "-O2"}}}, r"expected tuple\[str, ...\] at 'toolchain.flags.c'"),
        ({"toolchain": {"tools": []}}, r"expected Mapping\[str, str\] at 'toolchain.tools'"),
        ({"version": "2.0"}, "of version 2.0; this reads 1.x"),
    ],
)
def test_a_wrong_description_is_refused_with_its_key(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(Exception, match=says) as caught, testing.mock(changes=changes):
        pass
    assert type(caught.value).__name__ == "CrossInfoError"


def test_a_host_of_another_format_and_another_c_library() -> None:
    """Nothing of a record is of Linux or ELF alone."""
    record = testing.made_up_record("aarch64")
    identity = architecture_of(record.host.identity).identity("pe")  # type: ignore[union-attr]
    host = dataclasses.replace(record.host, identity=identity, libc=Libc(family="ucrt", version=""))
    record = dataclasses.replace(record, host=host)
    assert parse_record(record.to_json(), Path("crossenv.json")) == record
    description = public_part(record, {}, None)
    assert description["host"]["pe"] == {"machine": 0xAA64, "abi_flags": 0}
    del description["host"]["pe"]
    assert "elf" not in description["host"]
    with testing.mock() as module:
        module._use(description)
        assert module.host.elf is None
        assert (module.host.libc.family, module.host.libc.version) == ("ucrt", None)


def test_later_minor_versions_may_have_more_keys() -> None:
    with testing.mock(changes={"version": "1.9", "host": {"colour": "red"}, "new": 1}) as module:
        assert module.version == "1.9"
        assert not hasattr(module.host, "colour")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cross_build_info": 1}', '{"cross_build_info": {"version": 1}}'])
def test_a_file_that_describes_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "info.json"
    path.write_text(text)
    with pytest.raises(reader.CrossInfoError, match="does not describe a cross build"):
        reader.read_document(str(path))
    with pytest.raises(reader.CrossInfoError, match=r"missing\.json"):
        reader.read_document(str(tmp_path / "missing.json"))


def test_the_record_keeps_it(env: Path) -> None:
    path = env / "crossenv.json"
    record = record_module.parse_record(path.read_text(), path)
    assert json.loads(record.to_json()) == json.loads(path.read_text())


# The mock


def test_the_mock_comes_and_goes() -> None:
    with testing.mock("manylinux_2_28_s390x", python="3.12") as module:
        import crossenv_info

        assert crossenv_info is module
        assert getattr(sys, "cross_compiling", None) is True
        assert os.environ["PYTHON_CROSSENV"] == "1"
        found = json.loads(Path(os.environ["CROSSENV_RECORD"]).read_text())
        assert found["cross_build_info"] == crossenv_info.as_dict()
        assert crossenv_info.host.byte_order == "big"
        assert crossenv_info.host.wheel.abi_tag == "cp312"
        with testing.mock("i686"):
            assert importlib.import_module("crossenv_info").host.bits == 32
        assert importlib.import_module("crossenv_info") is module
    assert not hasattr(sys, "cross_compiling")
    assert "PYTHON_CROSSENV" not in os.environ
    with pytest.raises(ImportError):
        importlib.import_module("crossenv_info")


def test_the_mock_leaves_after_an_error_too() -> None:
    with pytest.raises(ZeroDivisionError), testing.mock():
        _ = 1 / 0
    assert "crossenv_info" not in sys.modules


@testing.mock("armv7l", changes={"host": {"emulator": ["qemu-arm"]}, "toolchain": {"tools": {"cc": "/x/cc"}}})
def test_the_mock_as_a_decorator() -> None:
    import crossenv_info

    assert crossenv_info.host.emulator == ("qemu-arm",)
    assert crossenv_info.toolchain.tools["cc"] == "/x/cc"
    assert "cxx" in crossenv_info.toolchain.tools


def test_everything_is_read_only() -> None:
    with testing.mock() as module:
        with pytest.raises(dataclasses.FrozenInstanceError):
            module.host.machine = "x86_64"
        for mapping in (module.toolchain.tools, module.host.markers, module.host.python.build_details["language"]):
            assert isinstance(mapping, Mapping)
            with pytest.raises(TypeError):
                mapping["a"] = "b"  # type: ignore[index]
        module.as_dict()["host"]["machine"] = "x86_64"
        assert module.as_dict()["host"]["machine"] == "aarch64"


@pytest.mark.parametrize(
    ("words", "says"), [(("vax",), "no target 'vax'"), (("aarch64", "2.7"), "'2.7' is not a version")]
)
def test_what_cannot_be_made_up(words: tuple[str, ...], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        testing.made_up(words[0], python=words[1] if len(words) > 1 else "")

"""The commands that the documentation shows: read by the real parsers, and the tutorials' run."""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.utils import parse_wheel_filename

import windows_files
from conftest import VERSION, Run, with_thorough
from crossenv.cli.main import read_words
from crossenv.cli.parser import COMMANDS, build_parser
from crossenv.errors import CrossenvError
from crossenv.record import SCHEMA

CHECKOUT = Path(__file__).parent.parent
EXPLANATION = CHECKOUT / "docs/explanation"
# What of a data file has a row in a table.
PER_ROW = ("packages", "targets", "releases", "builds", "parts", "differences", "long double")
PAGES = [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
TUTORIALS = [path.stem for path in sorted((CHECKOUT / "docs/tutorial").glob("*.md")) if "<!-- run" in path.read_text()]
MARK = re.compile(r"<!-- (file|run)(?:: ([^>]*?))? -->")
SHELLS = ("", "sh", "console", "bash")
CONTROL = {"&&", "||", "|", ";", "&", ">", ">>", "<", "2>", "2>&1"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A block of code in a page.

    Attributes:
        line: Where it begins.
        language: What the fence says; empty for an indented block.
        text: Its lines, without the indentation.
        mark: "file" or "run" where a comment before it says so, with what follows the colon.
    """

    line: int
    language: str
    text: str
    mark: tuple[str, str] | None = None


def blocks(page: Path) -> list[Block]:
    """The blocks of code in a page, fenced and indented."""
    found: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    number, mark = 0, None
    while number < len(lines):
        line, start = lines[number], number + 1
        fence = re.match(r" *(`{3,}|~{3,})\{?([\w-]*)", line)
        number += 1
        if fence:
            inside = []
            while number < len(lines) and not lines[number].lstrip().startswith(fence[1]):
                inside.append(lines[number])
                number += 1
            number += 1
            found.append(Block(line=start, language=fence[2], text="\n".join(inside), mark=mark))
            mark = None
        elif line.startswith("    ") and (start == 1 or not lines[start - 2].strip()):
            inside = [line[4:]]
            while number < len(lines) and (lines[number].startswith("    ") or not lines[number].strip()):
                inside.append(lines[number][4:])
                number += 1
            found.append(Block(line=start, language="", text="\n".join(inside)))
        elif comment := MARK.fullmatch(line.strip()):
            mark = (comment[1], (comment[2] or "").strip())
    return found


def command_lines(block: Block) -> list[str]:
    """What a block asks the reader to type; where it shows prompts, only what follows one."""
    lines = block.text.replace("\\\n", " ").splitlines()
    prompted = [re.sub(r"^(?:\([\w.-]+\) )?\$ ", "", line) for line in lines if re.match(r"(?:\([\w.-]+\) )?\$ ", line)]
    return prompted or lines


def commands(line: str) -> list[list[str]]:
    """The simple commands of a shell line; none where it is not shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    try:
        words = list(lexer)
    except ValueError:
        return []
    found: list[list[str]] = [[]]
    redirected = False
    for word in words:
        if re.fullmatch(r"[&|;]+", word):
            found.append([])
        elif re.fullmatch(r"[<>&|;]+", word):
            redirected = True
        elif redirected:
            redirected = False
        else:
            found[-1].append(word)
    return [command for command in found if command]


def shown(name: str) -> list[tuple[str, list[str]]]:
    """Each command of this name in the documentation, with its place; also those in running text."""
    found = []
    for page in PAGES:
        text = re.sub(r"`{3}.*?`{3}", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        # Spans with brackets or dots are forms, not commands, and a bare command is only a name.
        spans = re.findall(rf"`((?:env/bin/)?{name} [^`\[\]()|…]+ [^`\[\]()|…]+)`", text)
        lines = [(f"{page.relative_to(CHECKOUT)}: {span}", span) for span in spans if "..." not in span]
        for block in blocks(page):
            if block.language in SHELLS:
                at = f"{page.relative_to(CHECKOUT)}:{block.line}"
                lines.extend((f"{at}: {line.strip()}", line) for line in command_lines(block))
        for place, line in lines:
            for command in commands(line):
                words = list(itertools.dropwhile(re.compile(r"\w+=").match, command))
                if words and (words[0] == name or words[0].endswith(f"/bin/{name}")):
                    found.append((place, words[1:]))
    return found


def test_the_documentation_shows_commands() -> None:
    assert len(shown("crossenv")) > 60
    assert len(shown("cross-pip")) > 20


def test_each_crossenv_command_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = []
    for place, words in shown("crossenv"):
        if "..." in words:
            continue
        # Running text names an option without its value, or a command without its operands.
        form = not re.search(r":\d+: ", place)
        try:
            read_words(words)
        except CrossenvError as error:
            if not form or "has no option" in error.message or "no command" in error.message:
                wrong.append(f"{place}: {error.message}")
        except SystemExit:  # --help and --version
            capsys.readouterr()
    assert wrong == []


def test_each_cross_pip_command_has_options_of_pip() -> None:
    from pip._internal.commands import commands_dict, create_command

    ours = {"--repair"}
    wrong = []
    for place, command in shown("cross-pip"):
        words = list(itertools.dropwhile({"-v", "-q"}.__contains__, command))
        if not words or words[0] not in commands_dict:
            wrong.append(f"{place}: pip has no such command")
            continue
        parser = create_command(words[0]).parser
        for word in words[1:]:
            option = re.match(r"--[\w-]+|-[A-Za-z]", word)
            if option and option[0] not in ours and not parser.has_option(option[0]):
                wrong.append(f"{place}: pip {words[0]} has no {option[0]}")
    assert wrong == []


def test_configuration_that_is_shown_is_valid(tmp_path: Path) -> None:
    """Tables of pyproject.toml, workflows of GitHub and pipelines of GitLab fit the schemas of their readers."""
    files: dict[str, list[str]] = {"pyproject": [], "github-workflows": [], "gitlab-ci": []}
    for page in PAGES:
        for block in blocks(page):
            text = block.text
            if block.language == "toml" and re.search(r"^\[(tool\.|project\]|build-system\])", text, re.MULTILINE):
                kind = "pyproject"
                if "[project]" not in text:
                    text = f'[project]\nname = "toy"\nversion = "1"\n{text}'
            elif block.language == "yaml" and "runs-on" in text:
                kind = "github-workflows"
                text = text if "\non:" in text else f"on: push\n{text}"
            elif block.language == "yaml" and "script:" in text:
                kind = "gitlab-ci"
            else:
                continue
            place = tmp_path / f"{page.stem}-{block.line}.{'toml' if kind == 'pyproject' else 'yml'}"
            place.write_text(text, encoding="utf-8")
            files[kind].append(str(place))
    assert all(files.values())
    readers = {"pyproject": [sys.executable, "-m", "validate_pyproject"]}
    for kind, found in files.items():
        check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{kind}"]
        done = subprocess.run([*readers.get(kind, check), *found], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    if shutil.which("actionlint"):
        words = ["actionlint", *files["github-workflows"]]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_scripts_that_are_shown_exist() -> None:
    for page in PAGES:
        for block in blocks(page):
            for path in re.findall(r"python3? (scripts/[\w./-]+)", block.text):
                assert (CHECKOUT / path).exists(), f"{page.name}: {path}"


@pytest.mark.integration
@pytest.mark.parametrize("name", with_thorough(["setuptools"], [name for name in TUTORIALS if name != "setuptools"]))
def test_a_tutorial(name: str, tmp_path: Path, run: Run) -> None:
    """Its files are written and its commands run, in the order of the page."""
    page = CHECKOUT / f"docs/tutorial/{name}.md"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    missing = {
        "debian": VERSION != "3.11" or not (shutil.which("gpgv") and shutil.which("aarch64-linux-gnu-g++")),
        "rust": not (shutil.which("cargo") and shutil.which("cc") and _has_rust_target("aarch64-unknown-linux-gnu")),
        "qemu": not (shutil.which("gpgv") or shutil.which("qemu-aarch64-static")),
    }
    for block in blocks(page):
        if block.mark is None:
            continue
        kind, words = block.mark
        if kind == "file":
            file = tmp_path / words
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{block.text}\n", encoding="utf-8")
            continue
        for tool in words.split():
            if missing[tool]:
                pytest.skip(f"{page.name}:{block.line} needs {tool}")
        for line in command_lines(block):
            try:
                run("bash", "-euo", "pipefail", "-c", line, cwd=tmp_path, PATH=path)
            except AssertionError as error:
                # Debian's next release, on a mirror that has stopped; a Python that Debian does not have, off line.
                if re.search("is stale: it was valid until|Debian has no Python .*; uv could not fetch", str(error)):
                    pytest.skip(f"{page.name}:{block.line} needs Debian's Python {VERSION}, or uv's")
                raise


def _has_rust_target(target: str) -> bool:
    if shutil.which("rustc") is None:
        return False
    words = ("rustc", "--print", "target-libdir", "--target", target)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode == 0 and Path(done.stdout.strip()).is_dir()


def test_the_readme_is_short() -> None:
    """Its first screens, up to the comparison, have at most 400 words besides tables."""
    screens, _, _ = (CHECKOUT / "README.md").read_text(encoding="utf-8").partition("## How it compares")
    text = re.sub(r"<[^>]+>|\]\([^)]*\)|^\|.*$", "", screens, flags=re.MULTILINE)
    assert len(text.split()) <= 400


def test_the_pictures_show_the_figures_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(CHECKOUT / "scripts")
    pictures = importlib.import_module("pictures")
    older = [
        f"{draw.__name__}-{name}.svg"
        for name, theme in pictures.THEMES.items()
        for draw in pictures.DRAWN
        if (pictures.PICTURES / f"{draw.__name__}-{name}.svg").read_text("utf-8") != draw(theme)
    ]
    assert older == [], "python3 scripts/pictures.py draws them again"
    for picture in pictures.PICTURES.glob("*.svg"):
        words = re.sub(r"<[^>]*>", "", picture.read_text("utf-8"))
        assert re.findall(r"(?<![\w.])/(?!home/me\b|usr/bin/)\w+/\S*", words) == [], picture.name
    number = len(pictures.known("every-target", "3.13")["targets"])
    badges = re.search(r"<title>(.*)</title>", pictures.badges(pictures.THEMES["light"]))
    assert badges and f'alt="{badges[1]}"' in (CHECKOUT / "README.md").read_text("utf-8")
    for page in (CHECKOUT / "README.md", CHECKOUT / "docs/index.md"):
        assert set(re.findall(r"the (\d+) wheels", page.read_text("utf-8"))) == {str(number)}, page.name


# The targets that a row of the README's table stands for, by the first word of its name.
POLICIES = {
    "glibc": r"manylinux\w+_{}",
    "musl": r"musllinux\w+_{}",
    "Windows": r"win_?{}",
    "macOS": r"macosx\w+_{}",
    "Pyodide": r"pyemscripten\w+_wasm32|pyodide\w+_wasm32",
}


def test_the_readme_claims_what_was_measured(proofs: ModuleType) -> None:
    """Each mark in its table of targets is a figure in the data of the proofs."""
    targets, variants, corpus, every, pyodide = (
        proofs.results(EXPLANATION, name) for name in ("targets", "variants", "corpus", "every-target", "pyodide")
    )
    cells = [cell for section in every.values() for cell in section["targets"].values() if cell["result"] == "right"]
    wheels = [wheel for section in (*variants.values(), *cells) for wheel in section["wheels"]]
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    header, *rows = re.findall(r"^\| (?:target|glibc:|musl:|Windows:|macOS:|Pyodide) .*", readme, re.MULTILINE)
    versions = [cell.strip() for cell in header.strip("|").split("|")[1:]]
    checked = 0
    for row in rows:
        name, *marks = (cell.strip() for cell in row.strip("|").split("|"))
        system, _, machines = name.partition(": ")
        for machine in machines.split(", "):
            named = POLICIES[system].format(machine.removesuffix("-bit"))
            for version, mark in zip(versions, marks, strict=True):
                tag = f"cp{version.replace('.', '')}"
                single = re.compile(rf"-{tag}-(?:{named})\.whl")
                proved = [
                    "works" in section["packages"].values()
                    for name, section in targets.items()
                    if re.fullmatch(named, name) and section["about"]["version"] == version
                ]
                counts = [
                    Counter(row["result"] for row in section["packages"].values())
                    for section in corpus.values()
                    if re.fullmatch(named, section["about"]["platform"]) and section["about"]["version"] == version
                ]
                ran = [
                    row
                    for section in pyodide.values()
                    for row in section["packages"].values()
                    if single.search(row["wheel"]) and not re.search(r"\bfailed\b", row["tests"])
                ]
                used = any(count["works"] >= 10 for count in counts) or any(proved) or len(ran) >= 10
                inspected = any(count["works"] + count["inspected"] >= 10 for count in counts)
                built = inspected or bool(proved) or any(single.search(wheel) for wheel in wheels)
                assert {"●": used, "○": built, "": True}[mark], f"{name}, Python {version}: {mark}"
                checked += mark != ""
    assert checked > 60


@pytest.fixture
def proofs(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that draws the pages of measurements."""
    monkeypatch.syspath_prepend(CHECKOUT / "docs/_extensions")
    return importlib.import_module("proofs")


def test_the_page_of_proofs_counts_every_row(proofs: ModuleType) -> None:
    page = (EXPLANATION / "proofs.md").read_text(encoding="utf-8")
    for name in re.findall(r"\{crossenv-proof\} ([\w-]+)", page):
        columns, rows = proofs.summary(EXPLANATION, name)
        assert rows and all(len(row) == len(columns) for row in rows), name
        assert re.search(r"`nox -s [\w-]+.*?`, 20\d\d-", proofs.origin(EXPLANATION, name)[0]), name
    (_, total), rows = proofs.summary(EXPLANATION, "corpus")
    good = {kind: int(count) for kind, count in rows}
    counted = proofs.counts("corpus", proofs.results(EXPLANATION, "corpus"))
    assert int(total) == sum(good.values()) == sum(of for *_, of in counted)
    assert sum(works for _, works, _, _ in counted) == good["works"] + good["pure, as its native build is"]


def test_every_data_file_is_drawn(proofs: ModuleType) -> None:
    pages = {path.name for path in (EXPLANATION / "data").iterdir()}
    for name in pages:
        assert f"```{{crossenv-data}} {name}\n" in (EXPLANATION / f"{name}.md").read_text(encoding="utf-8")
        data = proofs.results(EXPLANATION, name)
        lines = proofs.drawn(name, data)
        drawn = sum(len(rows) for _, rows in proofs.tables("\n".join(lines)))
        rows = (len(value) for section in data.values() for key, value in section.items() if key in PER_ROW)
        # A target's packages are columns.
        assert drawn == (len(data) if name == "targets" else sum(rows)), name
        widths = {len(columns) - len(row) for columns, rows in proofs.tables("\n".join(lines)) for row in rows}
        assert widths == {0}, name
        # Markdown reads the underscores of a symbol as emphasis.
        bare = [line for line in lines if re.search(r"(?<![\w/])_+[A-Za-z]", re.sub(r"`[^`]*`", "", line))]
        assert bare == [], name


def test_data_files_name_no_directory_of_a_machine() -> None:
    for path in (EXPLANATION / "data").rglob("*.json"):
        found = re.findall(r"""(?<![\w.}/:-])/(?!usr/include)[\w.-]+/[\w./-]+""", path.read_text(encoding="utf-8"))
        assert found == [], path.name


def test_results_of_one_configuration_leave_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(CHECKOUT / "scripts")
    results = importlib.import_module("results")
    first = {"about": {"command": "crossenv create"}, "packages": {"lz4": {"error": f'{CHECKOUT}/src: no "x" | ü'}}}
    kept = results.keep("corpus", "gcc", first, root=tmp_path)
    before = kept.read_text(encoding="utf-8")
    results.keep("corpus", "zig", {"packages": {}, "wheels": ["a", "b"]}, root=tmp_path)
    assert kept.read_text(encoding="utf-8") == before
    assert results.known("corpus", "gcc", root=tmp_path)["packages"]["lz4"] == {"error": 'DIR/src: no "x" | ü'}
    assert results.known("corpus", "zig", root=tmp_path) == {"packages": {}, "wheels": ["a", "b"]}
    assert [results.has_failed(said) for said in ("1 failed, 2 passed", "2 passed, 1 xfailed")] == [True, False]
    words = ["crossenv", "create", "--host-python", f"{tmp_path}/root/usr/bin/python3.11", f"--sysroot={tmp_path}/root"]
    assert results.command_shown(words) == "crossenv create --host-python DIR/usr/bin/python3.11 --sysroot=DIR"


def test_wheels_are_compared_with_what_pip_would_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(CHECKOUT / "scripts")
    parity, index = importlib.import_module("parity"), importlib.import_module("index")
    names = [
        "x-1-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "x-1-cp313-cp313-musllinux_1_2_aarch64.whl",
        "x-1-cp312-cp312-manylinux_2_28_aarch64.whl",
        "x-1-cp39-abi3-manylinux2014_aarch64.whl",
        "x-2-cp313-cp313-manylinux_2_28_aarch64.whl",
        "x-1-cp313-cp313-win_arm64.whl",
        "x-1-cp313-cp313-macosx_10_13_x86_64.whl",
    ]

    def offer(name: str) -> Any:
        _, version, _, tags = parse_wheel_filename(name)
        return index.Offered(name=name, version=version, tags=tags, url="", sha256="")

    def taken(wheel: str, offered: list[str]) -> str | None:
        found = parity.counterpart(wheel, (3, 13), [offer(name) for name in offered])
        return None if found is None else str(found.name)

    ours = "x-1-cp313-cp313-manylinux_2_28_aarch64.whl"
    assert taken(ours, names) == "x-1-cp39-abi3-manylinux2014_aarch64.whl"
    assert taken("x-1-cp313-cp313-linux_aarch64.whl", [*names, ours]) == ours
    assert taken("x-1-cp313-cp313-musllinux_1_2_x86_64.whl", names) is None
    assert taken("x-1-cp313-cp313-win_amd64.whl", names) is None
    assert taken("x-1-cp313-cp313-macosx_11_0_x86_64.whl", names) == names[-1]

    program = Path(shutil.which("true") or "/bin/true").read_bytes()
    contents: dict[str, dict[str, bytes]] = {
        "ours": {"x/_a.cpython-313-aarch64-linux-gnu.so": program, "x/_b.so": program, "x/v.py": b"1", "x/only": b""},
        "index": {"x/_a.abi3.so": program, "x/v.py": b"2", "x.libs/libz.so.1": program, "x-1.dist-info/RECORD": b""},
    }
    wheels = []
    for side, members in contents.items():
        wheels.append(tmp_path / f"{side}.whl")
        with zipfile.ZipFile(wheels[-1], "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
    found = parity.compared(*wheels)
    assert (found["modules"], found["modules_ours"], found["modules_index"]) == (2, ["x/_b"], [])
    assert (found["files"], found["files_ours"], found["files_index"]) == (1, ["x/only"], [])
    assert (found["changed"], found["bundled"]) == (["x/v.py"], [0, 1])
    assert re.fullmatch(r"glibc 2\.\d+", found["needs"][0])


def test_the_corpus_looks_into_wheels_for_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(CHECKOUT / "scripts")
    inspection = importlib.import_module("inspection")
    imports = {"python313.dll": ["PyModule_Create2"], "KERNEL32.dll": ["GetVersion"], "zlib1.dll": ["inflate"]}
    members = {
        "toy/_toy.cp313-win_amd64.pyd": windows_files.module(imports=imports),
        "toy.libs/zlib1.dll": windows_files.module(imports={}, exports=["inflate"]),
        f"msvcp140-{'0a' * 16}.dll": windows_files.module(imports={}, exports=["f"]),
        "toy-1.data/platlib/other.pyd": windows_files.module(imports={"python3.dll": ["PyModule_Create2"]}),
    }

    def wheel(names: Iterable[str]) -> Path:
        path = tmp_path / "toy-1-cp313-cp313-win_amd64.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, members.get(name, b""))
        return path

    windows = ("x86_64", "python313.dll", {"kernel32.dll"})
    exported = {"PyModule_Create2"}
    whole = wheel(members)
    assert inspection.modules(whole) == {"toy/_toy", "other"}
    assert inspection.inspected_pe(whole, *windows, exported) == "python3.dll python313.dll"
    for names, machine, python, names_of_python, says in (
        (members, "i686", "python313.dll", exported, "is for machine 0x8664"),
        (members, "x86_64", "python312.dll", exported, "needs python313.dll"),
        (members, "x86_64", "python313.dll", {"Py_Main"}, "wants ['PyModule_Create2'] of python313.dll"),
        (list(members)[:1], "x86_64", "python313.dll", exported, "needs zlib1.dll, which is neither in the wheel"),
        (["toy.py"], "x86_64", "python313.dll", exported, "no native code"),
    ):
        with pytest.raises(inspection.WrongWheelError, match=re.escape(says)):
            inspection.inspected_pe(wheel(names), machine, python, {"kernel32.dll"}, names_of_python)


def test_the_corpus_publishes_what_it_knows_and_keeps_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With everything built, a run writes the data of its own configuration, from the kept results."""
    monkeypatch.syspath_prepend(CHECKOUT / "scripts")
    corpus, results = importlib.import_module("corpus"), importlib.import_module("results")
    monkeypatch.setattr(results, "DATA", tmp_path / "data")
    collection = corpus.Collection(names=("lz4", "regex", "mypy-extensions"), work=tmp_path / "work", page="corpus")
    monkeypatch.setitem(corpus.SETS, "fifty", collection)
    host, toolchain = {"platform_tag": "linux_aarch64", "version": "3.11"}, {"family": "gcc", "version": "12"}
    environment = tmp_path / "work/gcc/env"
    environment.mkdir(parents=True)
    (environment / "crossenv.json").write_text(json.dumps({"host": host, "toolchain": toolchain}))
    row = {"back_end": "setuptools", "wheel": "lz4-1-cp311-cp311-linux_aarch64.whl", "needs": "", "result": "works"}
    failed = {"back_end": "setuptools", "wheel": "", "needs": "", "result": "failed", "error": f"no {CHECKOUT}/x.h"}
    kept = {"about": {"date": "2026-01-02"}, "packages": {"lz4": {**row, "seconds": 7}, "regex": failed}}
    (tmp_path / "work/gcc/results.json").write_text(json.dumps(kept))
    earlier = {"packages": {"mypy-extensions": {"result": "pure"}, "lz4": {"result": "failed"}}}
    results.keep("corpus", "gcc", earlier, root=tmp_path / "data")
    words = ["corpus.py", "gcc", "--host-root", str(tmp_path), "--data-only", "--", "--sysroot", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", words)
    assert corpus.main() == 1
    found = results.known("corpus", "gcc", root=tmp_path / "data")
    assert found["about"]["command"] == "crossenv create --sysroot DIR"
    assert list(found["packages"]) == ["lz4", "regex", "mypy-extensions"]
    assert found["packages"]["lz4"] == {
        "back_end": "setuptools",
        "version": "1",
        "tag": "cp311-cp311-linux_aarch64",
        "needs": "",
        "date": "2026-01-02",
        "result": "works",
    }
    assert found["packages"]["regex"]["error"] == "no DIR/x.h"
    assert found["packages"]["mypy-extensions"] == {"result": "pure"}


def test_the_pages_show_records_of_this_schema() -> None:
    numbers = [
        (page.name, number)
        for page in PAGES
        for number in re.findall(
            r'record schema (\d+)|^ *"schema": (\d+), *\n? *"crossenv"', page.read_text("utf-8"), re.M
        )
    ]
    assert len(numbers) >= 2
    assert [(page, found) for page, found in numbers if str(SCHEMA) not in found] == []


def test_the_reference_has_every_option() -> None:
    """docs/reference/cli.md is written by hand; docs/reference/commands.md names the commands to generate from."""
    written = (CHECKOUT / "docs/reference/cli.md").read_text(encoding="utf-8")
    generated = (CHECKOUT / "docs/reference/commands.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"{{crossenv-options}} {name}" not in generated] == []
    (commands,) = (action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))
    missing = [
        f"{name} {action.option_strings[-1]}"
        for name, parser in commands.choices.items()
        for action in parser._actions
        if action.option_strings
        and action.help != argparse.SUPPRESS
        and not any(re.search(rf"(?<![\w-]){option}(?![\w-])", written) for option in action.option_strings)
    ]
    assert missing == []

"""What a mistyped command line is told."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import CrossenvCommand
from crossenv.cli.guide import EXAMPLES, GROUPS
from crossenv.cli.main import main, read_words
from crossenv.cli.parser import COMMANDS, build_parser, closest
from crossenv.errors import CrossenvError

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("crate x", ("no command 'crate'", "did you mean `crossenv create`?")),
        ("--targets", ("--targets stands before the command", "did you mean `crossenv targets`?")),
        ("--target aarch64 env", ("--target stands before the command", "crossenv create --target")),
        ("-v", ("no command", "init, create")),
        ("create aarch64 env", ("no further argument 'env'", "did you mean `crossenv create --target aarch64 env`?")),
        ("create --tagret aarch64 env", ("create has no option --tagret", "did you mean --target?")),
        ("create --cc", ("--cc: expected one argument", "crossenv create --help")),
        ("create --target aarch64,armv7l env", ("names several targets", "repeat the option")),
        ("wheel . --target aarch64,armv7l", ("names several targets", "repeat the option")),
        ("create --target armv6l env", ("no platform for ARM before version 7", "armv7l code does not run there")),
        ("create --target linux_armv6l env", ("no platform for ARM before version 7", "build on the machine itself")),
        ("wheel . --no-cache-dir", ("no option --no-cache-dir", "after `--`: crossenv wheel . -- --no-cache-dir")),
        ("test a.whl pytest -q", ("no wheel pytest", "after `--`: crossenv test a.whl -- pytest")),
        ("test a.whl pytest -x", ("no option -x", "after `--`: crossenv test WHEEL -- pytest -x")),
        ("create --target aarch64 ''", ("ENV: the value is empty", "crossenv create --help")),
        ("create --target aarch64 --cc '' env", ("--cc: the value is empty", "crossenv create --help")),
        ("create --target aarch64 --prompt= env", ("--prompt: the value is empty", "crossenv create --help")),
        ("create --host-python '' env", ("--host-python: the value is empty", "crossenv create --help")),
        ("create --target aarch64 --keep build --accept-tag '' env", ("--accept-tag: the value is empty", "--help")),
        ("--sysroot= /usr/bin/python3 env", ("--sysroot: the value is empty", "python -m crossenv --help")),
        ("wheel --target aarch64 ''", ("REQ: the value is empty", "crossenv wheel --help")),
        ("wheel --target aarch64 -r ''", ("-r/--requirement: the value is empty", "crossenv wheel --help")),
        ("wheel --target aarch64 -r nosuch.txt", ("nosuch.txt cannot be read: No such file or directory", "-r FILE")),
        ("wheel toy --target aarch64 -- -w elsewhere", ("-w is among the options of pip", "before `--`")),
        ("wheel toy --target aarch64 -- --wheel-dir=elsewhere", ("--wheel-dir is among", "before `--`")),
        ("wheel toy --target aarch64 -- -r more.txt", ("-r is among the options of pip", "before `--`")),
        ("audit ''", ("WHEEL: the value is empty", "crossenv audit --help")),
        ("show nosuch", ("nosuch does not exist", "crossenv create")),
        ("export", ("required: format", "name one of meson, cmake, cargo")),
        ("store lst", ("invalid choice: 'lst'", "did you mean list?")),
        ("sysroot creat", ("invalid choice: 'creat'", "did you mean create?")),
        ("store list --jsno .", ("no option --jsno", "did you mean --json?")),
        ("store gc --oldr-than 3 .", ("no option --oldr-than", "did you mean --older-than?")),
        ("export carg", ("invalid choice: 'carg'", "did you mean cargo?")),
        ("create --toolchain gcc env", ("invalid choice: 'gcc'", "crossenv create --help")),
        ("--verison", ("--verison stands before the command", "did you mean `crossenv --version`?")),
        ("help crate", ("no command 'crate'", "did you mean `crossenv create`?; `crossenv --help`")),
        ("nosuch", ("no command 'nosuch'", "`crossenv --help` explains the commands")),
        ("run --version-of it", ("no option --version-of", "after `--`: crossenv run -- python --version-of")),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(
    crossenv: CrossenvCommand, tmp_path: Path, words: str, says: tuple[str, str]
) -> None:
    result = crossenv(*shlex.split(words), check=False, HOME=str(tmp_path))
    assert result.returncode == 2
    error, hint = result.stderr.splitlines()
    assert error.startswith("crossenv: error: ") and says[0] in error
    assert hint.startswith("crossenv: hint: ") and says[1] in hint
    assert not Path("env").exists()


def test_version_by_either_name(crossenv: CrossenvCommand) -> None:
    assert crossenv("-V").stdout == crossenv("--version").stdout != ""


def test_an_unwritable_working_directory_is_no_obstacle(tmp_path: Path, host_prefix: Path) -> None:
    """Root cannot write to /proc either."""
    words = [sys.executable, "-m", "crossenv", "create", "--dry-run", "--python", sys.executable]
    words += ["--host-python", str(host_prefix), str(tmp_path / "env")]
    done = subprocess.run(words, cwd="/proc", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "would create" in done.stdout


def test_the_line_that_activates_is_quoted(crossenv: CrossenvCommand, host_prefix: Path, tmp_path: Path) -> None:
    env = tmp_path / "my env"
    result = crossenv("create", "--python", sys.executable, "--host-python", host_prefix, env)
    line = next(line for line in result.stderr.splitlines() if "activate it with" in line)
    command = line.partition("`")[2].partition("`")[0]
    done = subprocess.run(
        ["sh", "-c", f'{command} && printf %s "$VIRTUAL_ENV"'], capture_output=True, text=True, check=True
    )
    assert done.stdout == str(env)


def test_a_name_that_is_also_a_directory_is_warned_of(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    """`crossenv wheel toyc` fetches a stranger's project, as pip does."""
    (tmp_path / "toyc").mkdir()
    words = [sys.executable, "-m", "crossenv", "wheel", "toyc", "--target", "aarch64", "--no-index"]
    done = subprocess.run(words, cwd=tmp_path, text=True, capture_output=True, check=False)
    assert "taking toyc from the index; write ./toyc for the directory" in done.stderr


def test_one_environment_is_for_one_target(crossenv: CrossenvCommand, tmp_path: Path) -> None:
    done = crossenv("create", "--target", "aarch64", "--target", "armv7l", tmp_path / "env", check=False)
    assert done.returncode == 2
    assert "--target is given twice; an environment takes only one" in done.stderr
    assert not (tmp_path / "env").exists()


def test_alone_it_shows_a_guide_whose_commands_are_right(crossenv: CrossenvCommand) -> None:
    said = crossenv().stdout
    lines = [line.strip() for line in said.splitlines() if line.startswith("  crossenv")]
    assert len(lines) >= 4
    for line in lines:
        read_words(shlex.split(line)[1:])


@pytest.mark.parametrize("words", [["targets"], ["targets", "--known"]])
def test_columns_of_targets_do_not_touch(crossenv: CrossenvCommand, words: list[str]) -> None:
    header, *rows = crossenv(*words).stdout.splitlines()
    wanted = len(re.split(r" {2,}", header))
    assert [row for row in rows if len(re.split(r" {2,}", row)) != wanted] == []


@pytest.mark.parametrize("command", ["", "create", "sysroot", "sysroot create"])
def test_help_is_a_command_too(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for words in (["help", *command.split()], [*command.split(), "--help"]):
        assert main(words) == 0
        said.append(capsys.readouterr())
    assert said[0] == said[1]
    assert said[0].out.startswith(f"usage: crossenv {command}".rstrip())


def test_help_shows_each_command_once_and_in_a_group() -> None:
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(COMMANDS)
    said = build_parser().format_help()
    for title in GROUPS:
        assert f"\n{title}:\n" in said
    for name in COMMANDS:
        assert len(re.findall(rf"^  +{name} ", said, re.MULTILINE)) == 1, name


@pytest.mark.parametrize("command", EXAMPLES)
def test_examples_end_the_help_and_are_right(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_words([*command.split(), "--help"])
    said = capsys.readouterr().out
    lines = said.partition("\nexamples:\n")[2].splitlines()
    assert lines
    for line in lines:
        assert f"{line} ".startswith(f"  crossenv {command} ")
        read_words(shlex.split(line.partition(" > ")[0])[1:])


def test_each_command_has_examples() -> None:
    parsers = [(name, parser) for name, parser in build_parser()._parsers() if name != "seal"]
    names = [name for name, _ in parsers]
    names += [f"{name} {below}" for name, parser in parsers for below, _ in parser._parsers()]
    assert "store gc" in names
    assert [name for name in names if name not in EXAMPLES] == []


@pytest.mark.parametrize(("variable", "bold"), [("FORCE_COLOR", True), ("NO_COLOR", False)])
def test_help_is_coloured_where_it_may_be(monkeypatch: pytest.MonkeyPatch, variable: str, bold: bool) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "1")
    assert ("\x1b[" in build_parser().format_help()) is bold


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(crossenv: CrossenvCommand, tmp_path: Path, shell: str) -> None:
    script = crossenv("completion", shell).stdout
    assert "host-python" in script and "doctor" in script
    if shell == "bash":
        (tmp_path / "complete").write_text(script)
        ask = (
            ". ./complete; COMP_WORDS=(crossenv cre); COMP_CWORD=1; COMP_LINE='crossenv cre';"
            " $(complete -p crossenv | sed 's/.*-F \\([^ ]*\\).*/\\1/') crossenv cre crossenv; echo \"${COMPREPLY[@]}\""
        )
        done = subprocess.run(["bash", "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["create"], done.stderr


def _commands_in_messages() -> list[tuple[str, str]]:
    """The commands between backquotes in the texts of this package, with a word for each value that is filled in."""
    source = Path(__file__).parent.parent / "src/crossenv"
    found: list[tuple[str, str]] = []
    for path in sorted(source.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        first = [node.body[0] for node in ast.walk(tree) if isinstance(node, _DOCUMENTED) and node.body]
        silent = parts | {id(node.value) for node in first if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(one.value) if isinstance(one, ast.Constant) else "VALUE" for one in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
                text = node.value
            else:
                continue
            at = f"{path.relative_to(source)}:{node.lineno}"
            found.extend((at, command) for command in re.findall(r"`crossenv ([^`]+)`", text))
            ends = re.findall(r"(?:: |^)crossenv (([a-z]+)[^`;:()]*)$", text)
            # A sentence may begin with the name: "crossenv finds ...".
            found.extend((at, command) for command, first in ends if closest(first, COMMANDS))
    return found


def test_hints_name_commands_that_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    """Only what is complete is parsed whole; running text names a command without its operands."""
    wrong = []
    shown = _commands_in_messages()
    assert len(shown) > 40
    for at, text in shown:
        words = shlex.split(text.partition(" > ")[0].replace("...", "VALUE"))
        if words[0] in ("VALUE", "COMMAND") or "--VALUE" in words:
            continue
        try:
            read_words(words)
        except CrossenvError as error:
            if "required" not in error.message and "expected one argument" not in error.message:
                wrong.append(f"{at}: {text}: {error.message}")
        except SystemExit:
            capsys.readouterr()
    assert wrong == []

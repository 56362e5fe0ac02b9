"""Draw the pictures of the README and the documentation, light and dark, as SVG.

    python3 scripts/pictures.py             # what is drawn from committed figures and from words
    python3 scripts/pictures.py --terminal  # also the terminal: runs the commands that it shows

Everything goes to docs/pictures. The terminal needs the package and zig (`pip install -e '.[zig]'`).
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from html import escape
from pathlib import Path

from results import CHECKOUT, known

PICTURES = CHECKOUT / "docs/pictures"
EXPLANATION = CHECKOUT / "docs/explanation"
SANS = "-apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


@dataclass(frozen=True, kw_only=True, slots=True)
class Theme:
    """Colours."""

    ground: str
    panel: str
    line: str
    text: str
    faint: str
    build: str
    target: str
    strong: str
    prompt: str


THEMES = {
    "light": Theme(
        ground="#ffffff", panel="#f6f8fa", line="#d0d7de", text="#1f2328", faint="#59636e",
        build="#8c959f", target="#bf5b17", strong="#0969da", prompt="#1a7f37",
    ),
    "dark": Theme(
        ground="#0d1117", panel="#161b22", line="#3d444d", text="#e6edf3", faint="#9198a1",
        build="#7d8590", target="#f0883e", strong="#4493f8", prompt="#3fb950",
    ),
}  # fmt: skip


class Drawing:
    """An SVG picture in the making."""

    def __init__(self, width: int, height: int, title: str, theme: Theme) -> None:
        self.theme = theme
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
            f' role="img" aria-label="{escape(title)}">',
            f"<title>{escape(title)}</title>",
        ]

    def box(self, x: float, y: float, width: float, height: float, *, fill: str, line: str = "none") -> None:
        """Draw a rectangle with round corners."""
        self._parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" fill="{fill}" stroke="{line}"/>'
        )

    def text(
        self, x: float, y: float, words: str, *, fill: str = "", size: int = 14, at: str = "start", font: str = SANS,
        bold: bool = False, length: float | None = None,
    ) -> None:  # fmt: skip
        """Write one line; `length` makes it that wide whatever font is there."""
        stretched = f' textLength="{length:g}" lengthAdjust="spacingAndGlyphs"' if length else ""
        weight = ' font-weight="600"' if bold else ""
        self._parts.append(
            f'<text x="{x:g}" y="{y:g}" fill="{fill or self.theme.text}" font-family="{font}" font-size="{size}"'
            f' text-anchor="{at}" xml:space="preserve"{weight}{stretched}>{escape(words)}</text>'
        )

    def arrow(self, x: float, y: float, to_x: float, to_y: float) -> None:
        """Draw a line with a head, by way of a corner where it is not straight."""
        colour = self.theme.faint
        if x == to_x:
            path, head = f"V{to_y:g}", f"{to_x - 4:g},{to_y - 7:g} {to_x + 4:g},{to_y - 7:g}"
        else:
            path = f"H{(x + to_x) / 2:g} V{to_y:g} H{to_x:g}"
            head = f"{to_x - 7:g},{to_y - 4:g} {to_x - 7:g},{to_y + 4:g}"
        self._parts.append(
            f'<path d="M{x:g} {y:g} {path}" stroke="{colour}" fill="none"/>'
            f'<polygon points="{to_x:g},{to_y:g} {head}" fill="{colour}"/>'
        )

    def card(self, x: float, y: float, width: float, height: float, lines: tuple[str, ...], *, line: str = "") -> None:
        """Draw a box with a title and lines below it."""
        self.box(x, y, width, height, fill=self.theme.panel, line=line or self.theme.line)
        top = y + height / 2 - 9 * (len(lines) - 1) + 5
        for index, words in enumerate(lines):
            faint = index > 0
            self.text(
                x + width / 2, top + 18 * index, words, at="middle", bold=not faint, size=12 if faint else 14,
                fill=self.theme.faint if faint else "",
            )  # fmt: skip

    def svg(self) -> str:
        """The whole document."""
        return "\n".join([*self._parts, "</svg>\n"])


def ratio(pattern: str, page: str) -> float:
    """A measured figure of a page; the page's own script wrote it there."""
    match = re.search(pattern, (EXPLANATION / page).read_text(encoding="utf-8"), re.DOTALL)
    if match is None:
        raise SystemExit(f"{page}: nothing there matches {pattern!r}")
    return float(match[1])


def speed(theme: Theme) -> str:
    """How long a wheel takes: cross, native and emulated, from the figures of speed.md and cibuildwheel-proof.md."""
    bars: list[tuple[str, str, float]] = []
    native = 1 / ratio(r"### regex.*?\| zig \| ([\d.]+)", "speed.md")
    for package in ("regex", "markupsafe", "pycryptodome"):
        bars.append((package, "cross", 1.0))
        if package == "regex":
            bars.append(("", "native", native))
        bars.append(("", "emulated", ratio(rf"\| {package} \| build ([\d.]+) times", "cibuildwheel-proof.md")))
    colours = {"cross": theme.target, "native": theme.build, "emulated": theme.line}
    drawing = Drawing(760, 44 + 26 * len(bars) + 46, "Time to build a wheel for arm64 on an x86-64 machine", theme)
    drawing.text(0, 18, "Time to build a wheel for arm64 on an x86-64 machine", size=15, bold=True)
    drawing.text(760, 18, "times the cross build; shorter is better", size=12, at="end", fill=theme.faint)
    longest = max(value for _, _, value in bars)
    y = 36.0
    for package, kind, value in bars:
        y += 8 if package and y > 40 else 0
        drawing.text(100, y + 15, package, at="end", bold=True)
        drawing.text(170, y + 15, kind, at="end", size=13, fill=theme.faint)
        width = 500 * value / longest
        drawing.box(180, y, width, 20, fill=colours[kind])
        drawing.text(188 + width, y + 15, f"{value:.1f}", size=13)
        y += 26
    drawing.text(
        0, y + 18, "native: the x86-64 wheel, gcc; cross: zig; emulated: pip in an arm64 Debian under QEMU.", size=12,
        fill=theme.faint,
    )  # fmt: skip
    return drawing.svg()


def data(theme: Theme) -> str:
    """The way of the data: from what the user names to a wheel that was judged."""
    drawing = Drawing(760, 250, "From a target's name to a checked wheel", theme)
    top = (
        ("--target aarch64", "or --host-python PATH"),
        ("the target's Python", "read or derived, never run"),
        ("compilers", "found, then proved"),
        ("the environment", "written once, with a record"),
    )
    for index, lines in enumerate(top):
        drawing.card(4 + 192 * index, 10, 172, 66, lines, line=theme.strong if index == 3 else "")
        if index:
            drawing.arrow(176 + 192 * (index - 1) + 2, 43, 4 + 192 * index - 1, 43)
    drawing.arrow(666, 78, 666, 158)
    drawing.text(656, 122, "cross-pip wheel, build, uv", at="end", size=12, fill=theme.faint)
    bottom = (
        ("the project's build", "told about the target"),
        ("the judge", "every file in the wheel"),
        ("repair, tag", "libraries, manylinux tag"),
        ("a wheel", "or an error that says why"),
    )
    for index, lines in enumerate(bottom):
        x = 580 - 192 * index
        drawing.card(x, 160, 172, 66, lines, line=theme.target if index == 3 else "")
        if index:
            drawing.text(x + 182, 198, "←", at="middle", size=18, fill=theme.faint)
    return drawing.svg()


def environment(theme: Theme) -> str:
    """What is in an environment: two prefixes, one interpreter, one record."""
    drawing = Drawing(760, 290, "An environment: a build side and a target side", theme)
    drawing.box(2, 2, 756, 286, fill="none", line=theme.line)
    drawing.text(18, 26, "env/", font=MONO, bold=True)
    drawing.card(
        18,
        44,
        350,
        120,
        ("build/", "build-python, build-pip", "an ordinary virtual environment", "packages that run here"),
    )
    drawing.card(
        392, 44, 350, 120,
        ("cross/", "python, pip, cross-python, cross-pip", "the same interpreter,", "reporting the target"),
        line=theme.target,
    )  # fmt: skip
    drawing.card(
        18,
        186,
        350,
        84,
        ("crossenv.json", "the record: target, compilers, paths", "everything else reads it"),
        line=theme.strong,
    )
    drawing.card(
        392, 186, 350, 84, ("etc/", "compiler launchers, pkg-config", "Meson cross file, CMake toolchain file")
    )
    return drawing.svg()


def roles(theme: Theme) -> str:
    """Which process of `cross-pip wheel` answers for which machine."""
    drawing = Drawing(760, 300, "Who answers for which machine during cross-pip wheel", theme)
    drawing.card(4, 10, 150, 62, ("cross-pip wheel", "pip itself"), line=theme.target)
    drawing.card(230, 10, 240, 62, ("installs build requirements", "setuptools, Cython, numpy"), line=theme.build)
    drawing.card(230, 100, 240, 62, ("runs the back end's hooks", "setuptools, meson-python, ..."), line=theme.target)
    drawing.card(546, 100, 210, 62, ("the compiler", "makes the target's code"), line=theme.target)
    drawing.card(546, 190, 210, 62, ("Meson, Cython, ninja", "run here, as on any machine"), line=theme.build)
    drawing.arrow(154, 41, 228, 41)
    drawing.arrow(154, 56, 228, 131)
    drawing.arrow(470, 131, 544, 131)
    drawing.arrow(470, 146, 544, 221)
    drawing.box(4, 268, 14, 14, fill="none", line=theme.target)
    drawing.text(26, 280, "answers for the target (role host)", size=12, fill=theme.faint)
    drawing.box(270, 268, 14, 14, fill="none", line=theme.build)
    drawing.text(292, 280, "answers for this machine (role build)", size=12, fill=theme.faint)
    return drawing.svg()


def architecture(theme: Theme) -> str:
    """The way of the data through the code, up to the record and on from it."""
    drawing = Drawing(760, 330, "The way of the data: to the record, and on from it", theme)
    steps = ("command line", "Target", "HostPython", "Toolchain", "synthesis", "Plan")
    for index, words in enumerate(steps):
        drawing.card(4 + 127 * index, 10, 112, 48, (words,))
        if index:
            drawing.arrow(4 + 127 * index - 15, 34, 4 + 127 * index - 2, 34)
    drawing.arrow(695, 58, 695, 106)
    drawing.card(600, 108, 156, 56, ("crossenv.json", "the record"), line=theme.strong)
    drawing.text(
        590, 142, "crossenv create ends here; everything below reads the record", at="end", size=12, fill=theme.faint
    )
    drawing.arrow(640, 164, 640, 204)
    drawing.arrow(722, 164, 722, 264)
    drawing.card(544, 206, 150, 44, ("start-up shim",))
    drawing.card(368, 206, 150, 44, ("back ends' hooks",))
    drawing.card(192, 206, 150, 44, ("judge", "crossenv seal"), line=theme.target)
    drawing.card(4, 206, 162, 44, ("sealed wheel",))
    for x in (531, 355, 179):
        drawing.text(x, 233, "\u2190", at="middle", size=16, fill=theme.faint)
    drawing.card(544, 266, 212, 48, ("show, doctor, export",))
    drawing.card(4, 266, 338, 48, ("audit, repair, run, test, store",))
    drawing.arrow(85, 250, 85, 264)
    return drawing.svg()


def farm(theme: Theme) -> str:
    """The way of a plan's jobs: to this machine, a cluster or a scheduler, and by the store back."""
    drawing = Drawing(
        760, 250, "A plan's jobs run here, on a cluster or by a scheduler; their wheels go to the store", theme
    )
    drawing.card(4, 92, 130, 56, ("crossenv plan", "jobs with keys"))
    ways = (
        ("this machine", "crossenv wheel"),
        ("a Dask cluster", "--executor dask:..."),
        ("GitHub, GitLab, Slurm", "--format, then --job KEY"),
    )
    for index, words in enumerate(ways):
        y = 10 + 82 * index
        drawing.card(190, y, 200, 60, words)
        drawing.arrow(134, 120, 188, y + 30)
        drawing.arrow(390, y + 30, 444, 120)
    drawing.card(446, 82, 130, 76, ("the store", "wheels by digest,", "jobs by key"), line=theme.strong)
    for index, lines in enumerate(
        (("wheelhouse",), ("store index", "pip install"), ("the next plan", "what is there"))
    ):
        y = 10 + 82 * index
        drawing.card(632, y, 124, 60, lines, line=theme.target if index == 0 else "")
        drawing.arrow(576, 120, 630, y + 30)
    return drawing.svg()


def targets(theme: Theme) -> str:
    """One command's wheels, from the figures of every_target.py."""
    measured = known("every-target", "3.13")
    about, rows = measured["about"], measured["targets"]
    right = sum(row["result"] == "right" for row in rows.values())
    families = (
        (("Linux, glibc", "manylinux"),),
        (("Linux, musl", "musllinux"),),
        (("Windows", "win"), ("macOS", "macosx"), ("Pyodide", "pyemscripten")),
    )
    title = f"crossenv wheel {about['package']}: {right} of {len(rows)} wheels are right"
    drawing = Drawing(760, 330, title, theme)
    command = f"crossenv wheel {about['package']} --target manylinux_2_28_x86_64 --target ..."
    drawing.box(0.5, 0.5, 759, 34, fill=theme.panel, line=theme.line)
    drawing.text(14, 22, "$", font=MONO, size=13, fill=theme.prompt, bold=True)
    drawing.text(30, 22, command, font=MONO, size=13, bold=True)
    for column, sections in enumerate(families):
        x, y = 14 + 258 * column, 62
        for heading, prefix in sections:
            drawing.text(x, y, heading, size=13, bold=True)
            y += 24
            for target, row in rows.items():
                if not re.match(rf"{prefix}(32|_)", target):
                    continue
                good = row["result"] == "right"
                drawing.text(
                    x, y, "\u2713" if good else "\u2717", fill=theme.prompt if good else theme.target, bold=True
                )
                drawing.text(x + 18, y, target, font=MONO, size=11)
                y += 22
            y += 8
    drawing.text(
        0, 322, f"{right} of {len(rows)} wheels have the right tag and pass the strict audit; all were built in "
        f"{about['seconds'] // 60}:{about['seconds'] % 60:02} minutes on {about['cores']} cores.",
        size=12, fill=theme.faint,
    )  # fmt: skip
    return drawing.svg()


def badges(theme: Theme) -> str:
    """What pyproject.toml and the figures say, in a line."""
    project = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    pythons = re.findall(r"Python :: (3\.\d+)", project)
    license_ = re.search(r'^license = "(.*)"', project, re.MULTILINE)
    packages = known("corpus", "gcc-aarch64")["packages"].values()
    works = sum(row["result"] != "failed" for row in packages)
    wheels = known("every-target", "3.13")["targets"].values()
    facts = (
        ("Python", f"{pythons[0]} to {pythons[-1]}"),
        ("targets", f"{sum(row['result'] == 'right' for row in wheels)} of {len(wheels)} built"),
        ("popular packages", f"{works} of {len(packages)} for arm64"),
        ("license", license_[1] if license_ else "unknown"),
    )
    spaces = [(5.3 * len(name) + 14, 5.9 * len(fact) + 14) for name, fact in facts]
    title = "; ".join(f"{name}: {fact}" for name, fact in facts)
    drawing, x = Drawing(round(sum(map(sum, spaces))) + 8 * len(facts), 22, title, theme), 0.5
    for (name, fact), widths in zip(facts, spaces, strict=True):
        drawing.box(x, 0.5, sum(widths), 21, fill=theme.panel, line=theme.line)
        drawing.text(x + widths[0] / 2, 15, name, at="middle", size=11, fill=theme.faint)
        drawing.text(x + widths[0] + widths[1] / 2, 15, fact, at="middle", size=11, bold=True, fill=theme.strong)
        x += sum(widths) + 8
    return drawing.svg()


def report() -> None:
    """Build some wheels, one of which fails, and have a browser draw the page about them."""
    broken = {
        "pyproject.toml": '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "broken"\nversion = "1"\n',
        "setup.py": 'from setuptools import Extension, setup\nsetup(ext_modules=[Extension("broken", ["broken.c"])])\n',
        "broken.c": '#include "missing.h"\n',
    }
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for file, text in broken.items():
            (directory / "broken").mkdir(exist_ok=True)
            (directory / "broken" / file).write_text(text, encoding="utf-8")
        places = ("--target", "aarch64", "--target", "x86_64", "--python", "3.12", "--python", "3.13")
        words = ("wheel", "markupsafe==3.0.2", "./broken", *places, "--no-binary", ":all:", "--report", "report.html")
        subprocess.run([sys.executable, "-m", "crossenv", *words], cwd=directory, check=False)
        # As if a click had opened the failures.
        page = (directory / "report.html").read_text(encoding="utf-8").replace(name, "/home/me/wheels")
        (directory / "report.html").write_text(page.replace('"failed"><details>', '"failed"><details open>', 1))
        photograph(directory / "report.html", "report.png", "900,760")


def photograph(page: Path, picture: str, size: str) -> None:
    """Have chromium draw a page."""
    with tempfile.TemporaryDirectory() as profile:
        browser = ("chromium", "--headless", "--no-sandbox", "--hide-scrollbars", f"--user-data-dir={profile}")
        drawn = (f"--screenshot={PICTURES / picture}", f"--window-size={size}", page.absolute().as_uri())
        subprocess.run([*browser, *drawn], check=True, capture_output=True)


COMMANDS = (
    "crossenv create --target aarch64 env",
    "env/bin/cross-pip wheel -q markupsafe",
    "ls *.whl",
    "crossenv test *.whl",
    "crossenv wheel -q markupsafe --target musllinux_1_2_armv7l --target win_amd64 --target macosx_11_0_arm64",
)
COLUMNS = 104


def run_commands() -> list[tuple[str, list[str]]]:
    """Run what the picture shows, in an empty directory; returns each command with what it printed."""
    shown = []
    with tempfile.TemporaryDirectory() as directory:
        tools = Path(sys.executable).parent
        for command in COMMANDS:
            print("+", command, file=sys.stderr, flush=True)
            done = subprocess.run(
                ["sh", "-c", f"PATH={tools}:$PATH; {command}"],
                cwd=directory, text=True, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            # Whoever looks at the picture has other directories.
            words = done.stdout.replace(directory, "/home/me").replace(str(tools.parent), "/home/me/tools")
            words = re.sub(r"/\S+/(python3\.\d+)\)", r"/usr/bin/\1)", words)
            # And another speed.
            words = re.sub(r"(?m) in (\d+ s|\d+:\d+)$", "", words)
            shown.append((command, words.splitlines()))
    return shown


def terminal(theme: Theme, shown: list[tuple[str, list[str]]]) -> str:
    """A terminal in which the commands were run."""
    lines: list[tuple[str, str]] = []
    for command, output in shown:
        lines.append(("$", command))
        lines.extend(
            (line[:10], line if len(line) <= COLUMNS else f"{line[: COLUMNS - 1].rstrip()}…") for line in output
        )
    advance, height = 7.3, 19
    drawing = Drawing(round((COLUMNS + 2) * advance) + 40, height * len(lines) + 62, "crossenv in a terminal", theme)
    drawing.box(0.5, 0.5, (COLUMNS + 2) * advance + 39, height * len(lines) + 61, fill=theme.panel, line=theme.line)
    for index, colour in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        drawing.box(16 + 20 * index, 14, 12, 12, fill=colour)
    y = 52.0
    for kind, line in lines:
        x = 20.0
        if kind == "$":
            drawing.text(x, y, "$", font=MONO, size=12, fill=theme.prompt, bold=True)
            x += 2 * advance
        fill = theme.text if kind == "$" else theme.faint
        fill = (
            theme.prompt if line.startswith("ok ") else theme.strong if line.endswith(".whl") and kind != "$" else fill
        )
        if line:
            drawing.text(x, y, line, font=MONO, size=12, fill=fill, bold=kind == "$", length=len(line) * advance)
        y += height
    return drawing.svg()


# From committed figures and from words: drawn again, they are the same.
DRAWN = (badges, speed, data, environment, roles, architecture, farm, targets)


def main() -> int:
    """Draw all; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--terminal", action="store_true", help="run the commands of the terminal's picture again")
    parser.add_argument(
        "--report", action="store_true", help="build wheels, and have chromium draw the page about them"
    )
    options = parser.parse_args()
    if options.report:
        report()
    shown = run_commands() if options.terminal else []
    for name, theme in THEMES.items():
        for draw in DRAWN:
            (PICTURES / f"{draw.__name__}-{name}.svg").write_text(draw(theme), encoding="utf-8")
        if shown:
            (PICTURES / f"terminal-{name}.svg").write_text(terminal(theme, shown), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

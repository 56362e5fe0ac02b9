"""Draws what the proofs measured: tables and counts, from data files or from short pages that scripts wrote.

No figure is typed here. docs/explanation/data/PAGE/LABEL.json has the results of one configuration.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Rows = list[tuple[str, ...]]
Data = dict[str, dict[str, Any]]
_DATE = re.compile(r"20\d\d-\d\d-\d\d")
_PURE = "pure, as its native build is"
_MACS = ("arm64", "x86_64")
_DEVIATION = re.compile(r"(.*?(?:theirs|no library|no load commands|no imports of|no exports of|release|kind)) (.*)")


def results(explanation: Path, page: str) -> Data:
    """Return the data of a page by label; empty for a page that a script writes itself."""
    paths = sorted((explanation / "data" / page).glob("*.json"), key=lambda path: path.stem)
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """A Markdown table."""
    columns = tuple(columns)
    lines = [f"| {' | '.join(columns)} |", f"| {' | '.join('---' for _ in columns)} |"]
    return [*lines, *(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows), ""]


def tables(text: str) -> list[tuple[tuple[str, ...], Rows]]:
    """Return the tables of a Markdown page: the columns and the rows of each."""
    found: list[tuple[tuple[str, ...], Rows]] = []
    inside = False
    for line in text.splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1]))
        if not inside:
            found.append((cells, []))
        elif not set("".join(cells)) <= set("-: "):
            found[-1][1].append(cells)
        inside = True
    return found


def origin(explanation: Path, page: str) -> list[str]:
    """Return the command that measured what a page shows, and the days on which it ran."""
    text = (explanation / f"{page}.md").read_text(encoding="utf-8")
    command = re.search(r"`nox -s [\w-]+.*?`", text)
    dates = _DATE.findall(text) + _DATE.findall(json.dumps(results(explanation, page)))
    when = _days({"date": date} for date in dates) if dates else "no date"
    return [f"{command[0] if command else 'By hand'}, {when}; [every figure]({page}.md)."]


def drawn(page: str, data: Data) -> list[str]:
    """Return every figure of a page as Markdown."""
    draw = {
        "audited-wheels": _audited_wheels,
        "corpus": _packages,
        "every-target": _every_target,
        "free-threaded": _free_threaded,
        "hard-packages": _packages,
        "macos": _macos,
        "own-tests": _own_tests,
        "parity": _parity,
        "pyodide": _pyodide,
        "small-set": _small_set,
        "targets": _targets,
        "variants": _variants,
        "windows": _windows,
        "windows-numpy": _windows_numpy,
    }[page]
    return draw(data)


def _packages(data: Data) -> list[str]:
    lines = []
    for section in data.values():
        about, packages = section["about"], section["packages"]
        lines += [f"## {_configuration(section)}: {_good(packages)} of {len(packages)}", ""]
        lines += [f"`{about['command']}`, {_days(packages.values())}.", ""]
        columns = ["package", "built with", "wheel", "needs", "result"]
        rows = [
            [name, row["back_end"], f"{row['version']} `{row['tag']}`" if row["tag"] else "", row["needs"], _said(row)]
            for name, row in packages.items()
        ]
        if any("index" in row for row in packages.values()):
            columns.append("native modules and the index's")
            for cells, row in zip(rows, packages.values(), strict=True):
                cells.append(row.get("index", ""))
        lines += table(columns, rows)
    return lines


def _configuration(section: dict[str, Any]) -> str:
    about = section["about"]
    return f"{about['platform']}, Python {about['version']}, {about['compiler']}{_sysroot(section)}"


def _sysroot(section: dict[str, Any]) -> str:
    return ", with a sysroot" if "--sysroot" in section["about"]["command"] else ""


def _days(rows: Iterable[dict[str, Any]]) -> str:
    days = sorted({row["date"] for row in rows})
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _good(packages: dict[str, dict[str, Any]]) -> int:
    return sum(row["result"] != "failed" for row in packages.values())


def _said(row: dict[str, Any]) -> str:
    if row["result"] != "failed":
        return str(row["result"]).replace("pure", _PURE)
    native = {"": "", "pure": "; a native build is pure"}.get(
        row.get("native", ""), f"; a native build {row.get('native')}"
    )
    return f"**{row['kind'] or 'failed'}**: `{row['error']}`{native}"


def _own_tests(data: Data) -> list[str]:
    found = [(section["about"], name, row) for section in data.values() for name, row in section["packages"].items()]
    rows = [(f"`{row['wheel']}`", about["compiler"], row["said"], row["date"]) for about, _, row in found]
    lines = table(("wheel", "built with", "result", "date"), rows)
    for _, name, row in found:
        remark = f". {row['remark']}" if row["remark"] else ""
        lines.append(f"- **{name}**: {', '.join(f'`{file}`' for file in row['files'])}{remark}")
    return [*lines, ""]


def _windows(data: Data) -> list[str]:
    lines = []
    for section in data.values():
        about, packages = section["about"], section["packages"]
        lines += [f"## {about['python']} under wine {about['wine']}, {about['compiler']}", ""]
        lines += [f"{_days(packages.values())}.", ""]
        columns = ("package", "wheel", "the index's", "own tests")
        rows = [
            (
                name,
                f"`{row['wheel']}`" if "wheel" in row else "",
                row.get("index", ""),
                row.get("error") or row["tests"],
            )
            for name, row in packages.items()
        ]
        lines += table(columns, rows)
    return lines


def _windows_numpy(data: Data) -> list[str]:
    lines = []
    for section in data.values():
        about = section["about"]
        lines += [f"## Python {about['python']} under wine {about['wine']}", ""]
        lines += [f"`{about['wheel']}` and the index's of the same name, {about['date']}.", ""]
        rows = [(name, row["ours"], row["index"]) for name, row in section["parts"].items()]
        lines += table(("tests of", "built here", "the index's"), rows)
        lines += ["Tests that end differently:", ""] if section["differences"] else ["Every test ends the same.", ""]
        different = [
            (f"`{name}`", row["ours"], row["index"], row["why"] or "**unexplained**")
            for name, row in section["differences"].items()
        ]
        lines += table(("test", "built here", "the index's", "why"), different) if different else []
        lines += ["What both say of `numpy.longdouble`:", ""]
        answers = [(what, str(row["ours"]), str(row["index"])) for what, row in section["long double"].items()]
        lines += table(("question", "built here", "the index's"), answers)
    return lines


def _every_target(data: Data) -> list[str]:
    lines = []
    for section in data.values():
        about, found = section["about"], section["targets"]
        took = f"{about['seconds'] // 60}:{about['seconds'] % 60:02}"
        lines += [f"## {about['package']}, Python {about['python']}: {took} minutes on {about['cores']} cores", ""]
        lines += [f"{about['date']}.", ""]
        rows = [
            (target, row["result"], ", ".join(row["wheels"]), f"{row['seconds']:.0f}", f"{row['size'] / 1024:.0f}")
            for target, row in found.items()
        ]
        lines += table(("target", "result", "wheel", "seconds", "KiB"), rows)
    return lines


def _macos(data: Data) -> list[str]:
    lines = []
    for section in data.values():
        about, packages = section["about"], section["packages"]
        lines += [f"## Python {about['version']}", "", f"{_days(packages.values())}.", ""]
        rows = [
            (f"{name} {row['version']}".rstrip(), *_of_each_mac(row), row.get("tests", ""))
            for name, row in packages.items()
        ]
        lines += table(("package", "arm64", "x86_64", "universal2", "own tests (x86_64)"), rows)
    return lines


def _of_each_mac(row: dict[str, Any]) -> Iterable[str]:
    """How the modules differ from the index's; those for both machines mostly as those for each do."""
    parts = {kind: set(row[kind].split("; ")) for kind in (*_MACS, "universal2")}
    for kind, found in parts.items():
        if kind == "universal2" and found <= parts["arm64"] | parts["x86_64"]:
            yield "as the two"
        else:
            yield "; ".join(f"{what} {_few(names)}".strip() for what, names in _deviations(row[kind]).items())


def _deviations(said: str) -> dict[str, list[str]]:
    """Return what differs, and the names: {"no imports of": ["_ZdlPv", "calloc", "2 more"]}."""
    found: dict[str, list[str]] = {}
    for part in said.split("; "):
        match = _DEVIATION.fullmatch(part)
        what, names = match.groups() if match else (part, "")
        known = found.setdefault(what, [])
        known += [name for name in re.split(r", (?![^(]*\))| and (?=\d+ more)", names) if name and name not in known]
    return found


def _few(names: list[str]) -> str:
    """Up to three names, long ones shortened: a mangled name may be wider than the page."""
    shown = [f"`{name if len(name) <= 26 else name[:24] + '…'}`" for name in names[:3]]
    return ", ".join(shown) + (" and more" if len(names) > len(shown) else "")


def _noun(what: str) -> str:
    """What differs, in a word: "imports" for "no imports of" and for "imports beside theirs"."""
    return re.sub(r"\bno | of$| beside theirs$", "", what)


def _pyodide(data: Data) -> list[str]:
    lines = []
    for section in data.values():
        about, packages = section["about"], section["packages"]
        lines += [f"## {about['tag']}: Pyodide {about['pyodide']}, {about['compiler']}", ""]
        lines += [f"{_days(packages.values())}.", ""]
        rows = [
            (
                name,
                f"`{row['wheel']}`" if "wheel" in row else "",
                row.get("error") or row["tests"],
                row.get("index", ""),
            )
            for name, row in packages.items()
        ]
        lines += table(("package", "wheel", "own tests", "own tests with the index's wheel"), rows)
    return lines


def _parity(data: Data) -> list[str]:
    lines = []
    for section in data.values():
        about, packages = section["about"], section["packages"]
        pairs = {name: row for name, row in packages.items() if "index" in row}
        lines += [f"## {about['platform']}, Python {about['version']}: {len(pairs)} pairs", "", f"{about['date']}.", ""]
        columns = ("package", "native modules", "other files", "KiB", "index: KiB", "glibc", "index: glibc")
        rows = [
            (
                f"{name} {row['version']}",
                f"{row['modules']}, {_differences(row, 'modules')}",
                f"{row['files']}, {_differences(row, 'files')}",
                *(f"{size / 1024:.0f}" for size in row["size"]),
                *(needs.removeprefix("glibc ") or "none" for needs in row["needs"]),
            )
            for name, row in pairs.items()
        ]
        lines += table(columns, rows)
        alone = [f"{name} {row['version']}" for name, row in packages.items() if "index" not in row]
        lines += [f"The index has no such wheel of {', '.join(alone)}.", ""] if alone else []
    return lines


def _differences(row: dict[str, Any], kind: str) -> str:
    ours, index = row[f"{kind}_ours"], row[f"{kind}_index"]
    shown = [f"only here: {_some(ours)}"] * bool(ours) + [f"only there: {_some(index)}"] * bool(index)
    return "; ".join(shown) or "the same"


def _some(names: list[str]) -> str:
    more = [f"{len(names) - 3} more"] if len(names) > 3 else []
    return ", ".join([*(f"`{name}`" for name in names[:3]), *more])


def _free_threaded(data: Data) -> list[str]:
    lines = []
    for section in data.values():
        about, packages = section["about"], section["packages"]
        lines += [f"## CPython {about['version']} for aarch64, {about['compiler']}, {_days(packages.values())}", ""]
        columns = ("package", "built with", "wheel", "code", "`PYTHON_GIL=0`", "as it says itself")
        rows = [
            (
                name,
                row["back_end"],
                f"`{row['wheel']}`",
                row["error"] if "error" in row else row["differs"] or "the same",
                *(row.get("used", {}).get(one, "") for one in ("forced", "free")),
            )
            for name, row in packages.items()
        ]
        lines += table(columns, rows)
    return lines


def _small_set(data: Data) -> list[str]:
    lines = []
    for section in data.values():
        about = section["about"]
        lines += [f"## {about['machine']}: {about['bits']} bits, {about['byte_order']}-endian, {about['libc']}", ""]
        lines += [f"{about['date']}.", ""]
        rows = [
            (name, row["back_end"], f"`{row['wheel']}`", row["result"]) for name, row in section["packages"].items()
        ]
        lines += table(("package", "built with", "wheel", "under emulation"), rows)
    return lines


def _targets(data: Data) -> list[str]:
    names = list(dict.fromkeys(name for section in data.values() for name in section["packages"]))
    rows = [
        (
            f"`{tag}`",
            f"Python {section['about']['version']}, {section['about']['date']}",
            *(section["packages"].get(name, "") for name in names),
            section["about"]["needs"].removeprefix("glibc ") or "none",
        )
        for tag, section in data.items()
    ]
    return table(("target", "built with", *names, "newest glibc needed"), rows)


def _audited_wheels(data: Data) -> list[str]:
    lines = []
    for section in data.values():
        rows = [
            (
                name,
                str(row["wheels"]),
                str(row["files"]),
                str(sum(row["passed"].values())),
                ", ".join(f"{count} {kind}" for kind, count in row["passed"].items()),
            )
            for name, row in section["releases"].items()
        ]
        lines += table(("release", "wheels", "native files", "passed", "of them"), rows)
        lines += ["## Findings", "", *([f"- {finding}" for finding in section["findings"]] or ["None."]), ""]
    return lines


def _variants(data: Data) -> list[str]:
    lines = []
    for section in data.values():
        about, builds, wheels = section["about"], section["builds"], section["wheels"]
        counts = Counter(row["status"] for row in builds)
        second = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
        lines += ["```console", f"$ {about['command']}", "```", ""]
        lines += [
            f"Run on {about['date']}. It was killed (SIGKILL) when {about['killed_at']} wheels were there, and given",
            f"again. What the second run reported of {len(builds)} combinations: {second}. Each of the {len(wheels)}",
            f"wheels {about['audit']} `crossenv audit`:",
            "",
            *(f"- `{name}`" for name in wheels),
            "",
        ]
        rows = [
            (
                row["requirement"],
                row["python"],
                row["platform"],
                f"covered by `{row['by']}`"
                if "by" in row
                else ": ".join(filter(None, (row["status"], row.get("error")))),
            )
            for row in builds
        ]
        lines += table(("requirement", "Python", "for", "second run"), rows)
    return lines


def counts(page: str, data: Data) -> list[tuple[str, int, int, int]]:
    """Return what a page counts, for bars: a label, how many work, how many could only be inspected, of how many."""
    if page == "corpus":
        found = []
        for section in data.values():
            rows = section["packages"].values()
            inspected = sum(row["result"] == "inspected" for row in rows)
            label = f"{section['about']['platform']}, {section['about']['version']}{_sysroot(section)}"
            found.append((label, _good(section["packages"]) - inspected, inspected, len(rows)))
        return found
    if page == "targets":
        marks = {tag: list(section["packages"].values()) for tag, section in data.items()}
        return [(tag, each.count("works"), each.count("inspected"), len(each)) for tag, each in marks.items()]
    return []


def summary(explanation: Path, page: str) -> tuple[tuple[str, ...], Rows]:
    """Return a small table on a page."""
    data = results(explanation, page)
    if page == "targets":
        counted = Counter(mark for section in data.values() for mark in section["packages"].values())
        return ("wheels", str(counted.total())), [(mark, str(count)) for mark, count in counted.most_common()]
    if page == "corpus":
        rows = [row for section in data.values() for row in section["packages"].values()]
        counted = Counter(_said(row).split(":")[0].replace("*", "") for row in rows)
        ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        return ("builds, one for each package and set", str(len(rows))), [(kind, str(count)) for kind, count in ordered]
    if page == "own-tests":
        rows = [row for section in data.values() for row in section["packages"].values()]
        return ("wheel", "result"), [(f"`{row['wheel']}`", row["said"]) for row in rows]
    if page in ("windows", "pyodide"):
        key, column = {"windows": ("version", "Python"), "pyodide": ("tag", "target")}[page]
        found = [(section["about"][key], *item) for section in data.values() for item in section["packages"].items()]
        said = [(name, of, row.get("error") or row["tests"]) for of, name, row in found]
        return ("package", column, "own tests"), said
    if page == "every-target":
        results_ = (row["result"] for section in data.values() for row in section["targets"].values())
        counted = Counter(result.partition(":")[0] for result in results_)
        return ("wheels, one for each target and Python", str(counted.total())), [
            (result, str(count)) for result, count in counted.most_common()
        ]
    if page == "macos":
        each = [row for section in data.values() for row in section["packages"].items()]
        differ = [[", ".join(dict.fromkeys(map(_noun, _deviations(row[of])))) for of in _MACS] for _, row in each]
        of_each = [(name, *nouns, row.get("tests", "")) for (name, row), nouns in zip(each, differ, strict=True)]
        return ("package", *(f"{machine}: differs in" for machine in _MACS), "own tests (x86_64)"), of_each
    if page == "windows-numpy":
        parts = [item for section in data.values() for item in section["parts"].items()]
        return ("tests of", "built here", "the index's"), [(name, row["ours"], row["index"]) for name, row in parts]
    if page == "audited-wheels":
        releases = [row for section in data.values() for row in section["releases"].values()]
        sums = [sum(row[key] for row in releases) for key in ("wheels", "files")]
        sums.append(sum(sum(row["passed"].values()) for row in releases))
        return ("releases", "wheels", "native files", "passed"), [tuple(map(str, (len(releases), *sums)))]
    if page == "parity":
        pairs = [row for section in data.values() for row in section["packages"].values() if "index" in row]
        same = [sum(_differences(row, kind) == "the same" for row in pairs) for kind in ("modules", "files")]
        smaller = sum(row["size"][0] < row["size"][1] for row in pairs)
        older = sum(row["needs"][0] == row["needs"][1] for row in pairs)
        columns = ("pairs", "same native modules", "same other files", "smaller than the index's", "same glibc")
        return columns, [tuple(map(str, (len(pairs), *same, smaller, older)))]
    columns, table_rows = tables((explanation / f"{page}.md").read_text(encoding="utf-8"))[0]
    wanted = {
        "trials": ("wheel", "on the target", "native", "differences"),
        "speed": columns,
        "fuzzing": ("input", "tried", "refused", "faults"),
        "numpy-proof": columns,
    }[page]
    places = [columns.index(column) for column in wanted]
    return tuple(wanted), [tuple(row[place] for place in places) for row in table_rows]

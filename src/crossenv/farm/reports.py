"""Write reports of a run: a page for people, JSON for programs, JUnit's XML for CI."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from packaging.version import Version

from crossenv.errors import UsageError, reason_of
from crossenv.farm.model import COVERED, FAILED, NOT_NEEDED, REFUSED, STOPPED, UNTESTED, Build, Result
from crossenv.farm.progress import result_words
from crossenv.files import write_file
from crossenv.report import clock
from crossenv.wheels.audit import audit_wheel

_ELSEWHERE = "name another file"
# How much of a failed build's log a report holds.
_TAIL = 20_000
# A log is shown from its end: only a box that fills from below begins there without a script.
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #2a83; --bad: #d224; --dull: #8882 }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem; max-width: 90rem }
h2 { margin: 2rem 0 .5rem; font-size: 1.15rem }
.grid { overflow-x: auto }
table { border-collapse: collapse }
th, td { border: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top }
td.built, td.kept, td.covered { background: var(--good) }
td.failed, td.refused { background: var(--bad) }
td.stopped, td.untested, td.not { background: var(--dull) }
small { display: block; opacity: .75 }
summary { cursor: pointer }
.log { max-height: 18rem; max-width: 60rem; overflow: auto; display: flex; flex-direction: column-reverse }
pre { margin: 0; font-size: 12px; white-space: pre-wrap }
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A combination in a report.

    Attributes:
        build: The combination.
        result: Its result.
        size: The size of its wheels in bytes.
        needs: The newest version of each library's symbols that its own wheel needs: "GLIBC 2.17".
        log: The end of a failure's log.
    """

    build: Build
    result: Result
    size: int
    needs: str
    log: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A run in a report.

    Attributes:
        rows: Its combinations.
        data: What `crossenv wheel --json` prints.
    """

    rows: tuple[Row, ...]
    data: Mapping[str, Any]

    @property
    def summary(self) -> str:
        """How many combinations ended how: "3 built, 1 failed"."""
        statuses = [row.result.status for row in self.rows]
        return ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses))


def report_of(
    builds: Sequence[Build], results: Mapping[Build, Result], wheel_dir: Path, data: Mapping[str, Any]
) -> Report:
    """Look at the wheels and logs of a run."""
    return Report(rows=tuple(_row(build, results[build], wheel_dir) for build in builds), data=data)


def _row(build: Build, result: Result, wheel_dir: Path) -> Row:
    wheels = [path for path in (wheel_dir / name for name in result.wheels) if path.is_file()]
    versions: dict[str, str] = {}
    for file in audit_wheel(wheels[0]).files if wheels else ():
        for name, version in file.versions.items():
            versions[name] = max(versions.get(name, "0"), version, key=Version)
    log = ""
    if result.log is not None and result.complaint and result.log.is_file():
        log = result.log.read_text(encoding="utf-8", errors="replace")[-_TAIL:]
    return Row(
        build=build,
        result=result,
        size=sum(path.stat().st_size for path in wheels),
        needs=", ".join(f"{name} {version}" for name, version in sorted(versions.items())),
        log=log,
    )


def as_page(report: Report) -> str:
    """Return a page that needs no other file: a grid of targets and Pythons for each requirement."""
    parts = [
        f'<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>crossenv wheel: {html.escape(report.summary)}'
        f'</title><meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>crossenv wheel</h1><p>{html.escape(report.summary)}</p>\n"
    ]
    for requirement in dict.fromkeys(row.build.requirement for row in report.rows):
        rows = [row for row in report.rows if row.build.requirement == requirement]
        pythons = list(dict.fromkeys(row.build.python.label for row in rows))
        cells = {(row.build.destination.label, row.build.python.label): _cell(row) for row in rows}
        head = "".join(f"<th>{python}" for python in pythons)
        lines = [
            f"<tr><th>{html.escape(target)}{''.join(cells.get((target, python), '<td>') for python in pythons)}\n"
            for target in dict.fromkeys(row.build.destination.label for row in rows)
        ]
        title = html.escape(requirement.label)
        parts.append(f'<h2>{title}</h2><div class="grid"><table><tr><th>{head}\n{"".join(lines)}</table></div>\n')
    return "".join(parts)


def _cell(row: Row) -> str:
    result = row.result
    facts = [
        clock(result.seconds) if result.seconds else "",
        f"{row.size / 1024:.0f} KiB" if row.size and result.status != COVERED else "",
        row.needs,
    ]
    small = "".join(f"<small>{html.escape(fact)}</small>" for fact in (" · ".join(filter(None, facts)),) if fact)
    more = [f"<small>{html.escape(name)}</small>" for name in result.wheels]
    more += [f"<p>{html.escape(words)}</p>" for words in (result.complaint, result.hint) if words]
    more += [f'<div class="log"><pre>{html.escape(row.log)}</pre></div>'] if row.log else []
    if result.log is not None and result.log.is_file():
        more.append(f'<a href="{html.escape(result.log.as_uri())}">log</a>')
    inside = f"<details><summary>{result.status}</summary>{''.join(more)}</details>" if more else result.status
    return f'<td class="{result.status}">{inside}{small}</td>'


def as_data(report: Report) -> str:
    """Return what `--json` prints, with the sizes and needs of the wheels."""
    builds = [
        {**told, "size": row.size, "needs": row.needs}
        for told, row in zip(report.data["builds"], report.rows, strict=True)
    ]
    return json.dumps({**report.data, "builds": builds}, indent=2, ensure_ascii=False) + "\n"


def as_junit(report: Report) -> str:
    """Return JUnit's XML: a test case for each combination, an untested wheel counting as skipped."""
    suite = ElementTree.Element("testsuite", name="crossenv wheel", tests=str(len(report.rows)))
    counts = {"failures": 0, "errors": 0, "skipped": 0}
    for row in report.rows:
        build, result = row.build, row.result
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=build.requirement.label,
            name=f"{build.python.label} {build.destination.label}",
            time=str(result.seconds),
        )
        if result.status in (FAILED, REFUSED):
            counts["failures"] += 1
            fault = ElementTree.SubElement(case, "failure", type=result.status, message=result.complaint)
            fault.text = _for_xml("\n".join(filter(None, (result.hint, row.log))))
        elif result.status in (STOPPED, UNTESTED, NOT_NEEDED):
            counts["skipped"] += 1
            ElementTree.SubElement(case, "skipped", message=result_words(result))
    suite.attrib.update({name: str(count) for name, count in counts.items()})
    suite.set("time", str(round(sum(row.result.seconds for row in report.rows), 1)))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    return _for_xml(ElementTree.tostring(suites, encoding="unicode", xml_declaration=False))


def _for_xml(text: str) -> str:
    """Leave out control characters, which XML 1.0 does not have."""
    return "".join(one for one in text if one >= " " or one in "\t\n")


_KINDS: Mapping[str, Callable[[Report], str]] = {".html": as_page, ".json": as_data, ".xml": as_junit}


def require_places(paths: Sequence[Path]) -> None:
    """Refuse places where no report can be written, before anything is built.

    Raises:
        UsageError: The ending says nothing, there is no such directory, or it is read-only.
    """
    for path in paths:
        if path.suffix not in _KINDS:
            raise UsageError(f"--report cannot be {path}", hint=f"its name ends in {', '.join(_KINDS)}")
        if not path.parent.is_dir():
            raise UsageError(f"--report: there is no directory {path.parent}", hint="make it first")
        if not os.access(path.parent, os.W_OK):
            raise UsageError(f"the report {path} cannot be written: {path.parent} is read-only", hint=_ELSEWHERE)


def write_reports(paths: Sequence[Path], report: Report) -> Iterator[UsageError]:
    """Write reports; yield the faults of those that cannot be written."""
    for path in paths:
        try:
            write_file(path, _KINDS[path.suffix](report))
        except OSError as error:
            yield UsageError(f"the report {path} cannot be written: {reason_of(error)}", hint=_ELSEWHERE)

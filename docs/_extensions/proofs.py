"""Sums up the pages of measurements that scripts wrote. The figures are read from their tables, none is typed here."""

from __future__ import annotations

import re

Rows = list[tuple[str, ...]]
_DATE = re.compile(r"20\d\d-\d\d-\d\d")


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


def origin(name: str, text: str) -> list[str]:
    """Return the command that wrote a page and the days on which it ran."""
    command = re.search(r"`nox -s [\w-]+`", text)
    days = sorted(set(_DATE.findall(text)))
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}" if days else "no date"
    return [f"{command[0] if command else 'By hand'}, {when}; [every figure]({name}.md)."]


def counts(name: str, text: str) -> list[tuple[str, int, int]]:
    """Return what a page counts, for bars: a label, how many, of how many."""
    if name == "corpus":
        found = re.findall(r"^## (.*): (\d+) of (\d+)$", text, re.MULTILINE)
        return [(label, int(good), int(total)) for label, good, total in found]
    if name == "targets":
        ((_, rows),) = tables(text)
        marks = [(row[0].strip("`"), row[2:-1]) for row in rows]
        # What could only be inspected is no failure.
        names = [f"{name}{'' if 'works' in cells else ' (inspected)'}" for name, cells in marks]
        return [(name, cells.count("works"), len(cells)) for name, (_, cells) in zip(names, marks, strict=True)]
    return []


def summary(name: str, text: str) -> tuple[tuple[str, ...], Rows]:
    """Return a small table on a page."""
    every = tables(text)
    if name == "targets":
        rows = every[0][1]
        cells = [cell for row in rows for cell in row[2:-1]]
        counted = [(mark, str(cells.count(mark))) for mark in sorted(set(cells), key=cells.index)]
        return ("wheels", str(len(cells))), counted
    if name == "corpus":
        cells = [row[-1].split(":")[0] for columns, rows in every if columns[-1] == "result" for row in rows]
        kinds = sorted(set(cells), key=lambda kind: (-cells.count(kind), kind))
        rows = [(kind.replace("*", ""), str(cells.count(kind))) for kind in kinds]
        return ("builds, one for each package and set", str(len(cells))), rows
    columns, rows = every[0]
    if name == "audited-wheels":
        sums = tuple(str(sum(int(row[column]) for row in rows)) for column in (1, 2, 3))
        return ("releases", *columns[1:4]), [(str(len(rows)), *sums)]
    wanted = {
        "own-tests": ("wheel", "result"),
        "trials": ("wheel", "on the host", "native", "differences"),
        "speed": columns,
        "fuzzing": ("input", "tried", "refused", "faults"),
        "numpy-proof": columns,
    }[name]
    places = [columns.index(column) for column in wanted]
    return tuple(wanted), [tuple(row[place] for place in places) for row in rows]

"""Plots of the proofs, as SVG in the page: they take the page's colours, light or dark."""

from __future__ import annotations

import io
import re
from collections import Counter

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from proofs import Data

# No page has this colour: where matplotlib wrote it, the page's own is put.
_INK = "#123457"
matplotlib.rcParams.update(
    {
        "axes.edgecolor": _INK,
        "axes.labelcolor": _INK,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "font.size": 9,
        "legend.frameon": False,
        "legend.labelcolor": _INK,
        "savefig.transparent": True,
        "svg.fonttype": "none",
        "svg.hashsalt": "crossenv",
        "text.color": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
    }
)
_OURS, _INDEX = "#d9722b", "#4493f8"


def inline(figure: Figure, label: str) -> list[str]:
    """The figure as Markdown, with words for those who do not see it."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    _, _, svg = file.getvalue().partition("<svg ")
    words = f' width="100%" role="img" aria-label="{label}"'
    svg = re.sub(r' (?:width|height)="[\d.]+pt"', "", svg, count=2)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL).replace(_INK, "currentColor")
    # An empty line would end the block.
    lines = [line for line in f"<svg{words} {svg}".splitlines() if line.strip()]
    return ["```{raw} html", '<div class="plot">', *lines, "</div>", "```", ""]


def bars(rows: list[tuple[str, int, int, int]]) -> Figure:
    """A bar for each row: a label, how many work, how many could only be inspected, of how many."""
    figure = Figure(figsize=(7.5, 0.28 * len(rows) + 0.2), layout="constrained")
    axes = figure.subplots()
    places = range(len(rows), 0, -1)
    longest = max(total for *_, total in rows)
    for place, (_, works, inspected, total) in zip(places, rows, strict=True):
        for width, color, opacity in ((total, _INK, 0.12), (works + inspected, _OURS, 0.4), (works, _OURS, 1)):
            axes.barh(place, width, color=color, alpha=opacity, height=0.7)
        said = f"{works} of {total}" if works or not inspected else ""
        said = ", ".join(filter(None, (said, f"{inspected} inspected" if inspected else "")))
        axes.text(total + longest * 0.02, place, said, va="center")
    axes.set_yticks(places, [label for label, *_ in rows])
    # Room for the words behind the bars: so every plot has the same width, and its words the same size.
    axes.set(xlim=(0, longest * 1.4), xticks=[])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def parity(data: Data) -> Figure:
    """Our wheels beside the index's: their sizes, and the glibc that they need."""
    pairs = [row for section in data.values() for row in section["packages"].values() if "index" in row]
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    sizes, needs = figure.subplots(1, 2)
    _sizes(sizes, [(row["size"][0] / 1024, row["size"][1] / 1024) for row in pairs])
    versions = [[row["needs"][side].removeprefix("glibc ") or "none" for row in pairs] for side in (0, 1)]
    names = sorted({name for side in versions for name in side}, key=_version)
    for shift, side, color, label in ((-0.2, versions[0], _OURS, "cross-built"), (0.2, versions[1], _INDEX, "index")):
        counts = Counter(side)
        places = [place + shift for place in range(len(names))]
        needs.bar(places, [counts[name] for name in names], width=0.4, color=color, label=label)
    needs.set_xticks(range(len(names)), names)
    needs.set_xlabel("newest glibc needed")
    needs.set_ylabel("wheels")
    needs.legend()
    return figure


def _sizes(axes: Axes, pairs: list[tuple[float, float]]) -> None:
    low, high = min(map(min, pairs)) / 1.5, max(map(max, pairs)) * 1.5
    axes.plot([low, high], [low, high], color=_INK, alpha=0.4, linewidth=1)
    axes.scatter([index for _, index in pairs], [ours for ours, _ in pairs], color=_OURS, s=14)
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    axes.set_xlabel("the index's wheel, KiB")
    axes.set_ylabel("cross-built wheel, KiB")


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split(".")) if name != "none" else ()


def drawn(page: str, data: Data, counts: list[tuple[str, int, int, int]]) -> list[str]:
    """The plot of a page; nothing where there is none."""
    if page == "parity":
        label = "Sizes of cross-built wheels and of the index's, and the glibc that they need"
        return inline(parity(data), label)
    return inline(bars(counts), f"How many of the builds on the page {page} work") if counts else []

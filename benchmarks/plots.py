"""Bar plots as SVG: medians with a line from minimum to maximum, ours in colour. Same figures, same file."""

from __future__ import annotations

from typing import NamedTuple
from xml.sax.saxutils import escape

from benchmarks.tables import number

WIDTH, LABELS, BAR, GAP, TOP, END = 720, 290, 18, 8, 40, 76
OURS, OTHERS, SPAN, TEXT = "#0969da", "#afb8c1", "#57606a", "#24292f"


class Bar(NamedTuple):
    """A bar: its label, its value, the minimum and maximum, and whether it is ours."""

    label: str
    value: float
    least: float
    most: float
    ours: bool = False


def bars(title: str, found: list[Bar]) -> str:
    """Return an SVG document of horizontal bars from zero, on a white background."""
    height = TOP + len(found) * (BAR + GAP) + GAP
    longest = max([max(each.value, each.most) for each in found] or [1]) or 1
    scale = (WIDTH - LABELS - END) / longest
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    style = f'font-family="sans-serif" font-size="13" fill="{TEXT}" role="img" aria-label="{_text(title)}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{GAP}" y="{TOP - 16}" font-size="15" font-weight="bold">{_text(title)}</text>',
    ]
    for place, each in enumerate(found):
        top = TOP + place * (BAR + GAP)
        middle, end = top + BAR / 2, LABELS + each.value * scale
        least, most = (LABELS + value * scale for value in (each.least, each.most))
        colour = OURS if each.ours else OTHERS
        lines += [
            f'<text x="{LABELS - GAP}" y="{top + 14}" text-anchor="end">{_text(each.label)}</text>',
            f'<rect x="{LABELS}" y="{top}" width="{end - LABELS:.1f}" height="{BAR}" rx="2" fill="{colour}"/>',
            f'<path d="M{least:.1f} {middle:g}H{most:.1f}" stroke="{SPAN}" stroke-width="1.5"/>',
            f'<text x="{max(end, most) + 5:.1f}" y="{top + 14}">{number(each.value)}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def _text(text: str) -> str:
    return escape(text, {'"': "&quot;"})

"""Charts of office documents (DrawingML): what is drawn, as the numbers it was drawn from."""

from collections.abc import Iterator
from typing import Any

CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
MOST_POINTS = 1_000  # a series


def lines_of(chart: Any) -> Iterator[str]:
    """The title of a chart, then for each series the value of each category."""
    title = chart.find(f".//{CHART}title")
    if title is not None and (said := "".join(text.text or "" for text in title.iter(f"{DRAWING}t"))):
        yield said
    for series in chart.iter(f"{CHART}ser"):
        names = points(series.find(f"{CHART}cat"))
        values = points(series.find(f"{CHART}val"))
        name = next(iter(points(series.find(f"{CHART}tx")).values()), "")
        pairs = "; ".join(f"{names.get(place, place + 1)}: {value}" for place, value in values.items())
        if pairs:
            yield f"{name}: {pairs}" if name else pairs


def points(holder: Any) -> dict[int, str]:
    """The values a chart keeps of its sheet, by their place; numbers without what floating point adds."""
    found: dict[int, str] = {}
    for point in holder.iter(f"{CHART}pt") if holder is not None else ():
        place, value = point.get("idx", ""), point.findtext(f"{CHART}v") or ""
        if place.isdecimal() and len(found) < MOST_POINTS:
            found[int(place)] = _short(value)
    return found


def _short(value: str) -> str:
    try:
        return f"{float(value):.10g}"
    except ValueError:
        return value

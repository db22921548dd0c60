"""Line charts with two logarithmic axes, as SVG that is legible on light and on dark pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from typing import NamedTuple

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 24, 96, 62  # margins around the plot

_MARGIN = 1.3  # between the data and the ends of an axis, as a factor
_STEPS = (1, 2, 5)  # an axis has a tick at these multiples of each power of ten

# Mid-tones, which stand out from both white and black.
_INK, _GRID = "#737980", "#8a9099"
_COLOURS = ("#2f81f7", "#d9700a", "#8f6fd6", "#1f9e6d")
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


class Series(NamedTuple):
    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class _Axis:
    """A logarithmic axis from the value `low`, at the pixel `start`, to `high`, at the pixel `end`."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        share = log10(value / self.low) / log10(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[tuple[float, bool]]:
        """The values that get a tick, and whether each is a power of ten."""
        powers = range(floor(log10(self.low)), ceil(log10(self.high)))
        marked = [(step * 10.0**power, step == 1) for power in powers for step in _STEPS]
        return [(value, strong) for value, strong in marked if self.low <= value <= self.high]


def draw(title: str, x_label: str, y_label: str, series: Sequence[Series]) -> str:
    """Draws a chart of up to four series; all numbers must be positive."""
    x = _axis([x for one in series for x, _ in one.points], _LEFT, _WIDTH - _RIGHT)
    y = _axis([y for one in series for _, y in one.points], _HEIGHT - _BOTTOM, _TOP)
    parts = [*_frame(title, x_label, y_label), *_x_ticks(x), *_y_ticks(y), *_legend(series)]
    for one, colour in zip(series, _COLOURS, strict=False):
        parts += _line([(x.place(a), y.place(b)) for a, b in one.points], colour)
    return "\n".join((_head(title), *parts, "</svg>\n"))


def _axis(values: Sequence[float], start: float, end: float) -> _Axis:
    return _Axis(min(values) / _MARGIN, max(values) * _MARGIN, start, end)


def _head(title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}" font-family="{_FONT}" font-size="14" fill="{_INK}">'
    )


def _frame(title: str, x_label: str, y_label: str) -> Iterator[str]:
    yield _text(_LEFT, 30, title, 'font-size="18" font-weight="600"')
    yield _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 14, x_label, 'text-anchor="middle"')
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    yield _text(22, middle, y_label, f'text-anchor="middle" transform="rotate(-90 22 {middle:g})"')


def _x_ticks(axis: _Axis) -> Iterator[str]:
    bottom = _HEIGHT - _BOTTOM
    for value, strong in axis.ticks():
        x = axis.place(value)
        yield _rule(x, _TOP, x, bottom, strong=strong)
        yield _text(x, bottom + 22, f"{value:,g}", 'text-anchor="middle"')


def _y_ticks(axis: _Axis) -> Iterator[str]:
    for value, strong in axis.ticks():
        y = axis.place(value)
        yield _rule(_LEFT, y, _WIDTH - _RIGHT, y, strong=strong)
        yield _text(_LEFT - 10, y + 5, f"{value:,g}", 'text-anchor="end"')


def _legend(series: Sequence[Series]) -> Iterator[str]:
    left = float(_LEFT)
    for one, colour in zip(series, _COLOURS, strict=False):
        yield f'<path d="M{left:g} 57h22" stroke="{colour}" stroke-width="3" stroke-linecap="round"/>'
        yield f'<circle cx="{left + 11:g}" cy="57" r="4" fill="{colour}"/>'
        yield _text(left + 30, 62, one.name)
        left += 62 + 7.2 * len(one.name)


def _line(places: Sequence[tuple[float, float]], colour: str) -> Iterator[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    stroke = f'stroke="{colour}" stroke-width="2.5" stroke-linejoin="round"'
    yield f'<polyline points="{path}" fill="none" {stroke}/>'
    yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in places)


def _rule(x1: float, y1: float, x2: float, y2: float, *, strong: bool) -> str:
    stroke = f'stroke="{_GRID}" stroke-opacity="{0.45 if strong else 0.2}"'
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" {stroke}/>'


def _text(x: float, y: float, text: str, attributes: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{escape(text)}</text>'

"""Reads and labels a flame graph by py-spy: an SVG with a rectangle for each frame of the stacks."""

import re
from collections import Counter
from xml.sax.saxutils import escape

from defusedxml import ElementTree

_SVG, _INFERNO = "{http://www.w3.org/2000/svg}", "{http://github.com/jonhoo/inferno}"
_TITLE = re.compile(r'(<text id="title"[^>]*>)[^<]*')  # by default, the command line of py-spy
_COUNT = re.compile(r" \([\d,]+ samples, [\d.]+%\)$")


def titled(svg: str, title: str) -> str:
    """Replaces the title of a flame graph."""
    return _TITLE.sub(lambda match: match[1] + escape(title), svg, count=1)


def running_functions(svg: str) -> Counter[str]:
    """Counts the samples in which each function itself was running, rather than a function that it called.

    A function is named with its file and first line, such as `fill_in (app/server/head.py:55)`. py-spy draws
    callers above the functions that they call, and a sample as one column. So the function that was running
    is the lowest one in the column.
    """
    frames = ElementTree.fromstring(svg).find(f".//{_SVG}svg[@id='frames']")
    running = [""] * int(frames.get("total_samples"))
    for frame in sorted(frames.iter(f"{_SVG}g"), key=lambda frame: float(frame.find(f"{_SVG}rect").get("y"))):
        rectangle = frame.find(f"{_SVG}rect")
        first, width = (int(rectangle.get(f"{_INFERNO}{name}")) for name in "xw")
        running[first : first + width] = [_COUNT.sub("", frame.find(f"{_SVG}title").text)] * width
    return Counter(function for function in running if function)

"""Written forms of values, and what each normaliser reads: examples for the import guide and the tests.

`python -m tests.importing.examples` prints the guide's table of normalisers.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from app.importing.values import NORMALISERS, Column, options

Value = Any  # what a normaliser returns


class Example(NamedTuple):
    """A column of one cell, the options of a mapping, and the value that is read."""

    cell: object
    value: Value
    given: Mapping[str, Any] = {}


E = Example

EXAMPLES: Mapping[str, tuple[str, list[Example]]] = {
    "text": (
        "A trimmed text, with plain spaces and line ends, without control characters.",
        [E("  a\u00a0b ", "a b"), E(12, "12"), E(3.0, "3")],
    ),
    "line": (
        "One line of plain text, for titles and names. HTML is read as by `plain`.",
        [E("Statics\nfor all", "Statics for all"), E("<b>Heat</b>", "Heat")],
    ),
    "plain": (
        "HTML as plain text. Only closed elements of HTML, or `<br>` and the like, make a text HTML.",
        [E("<p>One <b>two</b></p>", "One two"), E("List<String>", "List<String>"), E("R &amp; D", "R & D")],
    ),
    "markdown": (
        "HTML as Markdown, without scripts and styles. Links to other schemes than http, https and mailto"
        " become text.",
        [
            E("<p>One <b>two</b></p>", "One **two**"),
            E("The <h1> tag", "The <h1> tag"),
            E("a &lt;b&gt;", "a \\<b>"),
            E('<a href="javascript:x()">x</a>', "x"),
        ],
    ),
    "slug": (
        "Part of a URL. Letters of any script are kept, with their marks; Latin letters lose theirs.",
        [E("Node.JS", "node-js"), E("Économie", "economie"), E("データ入門", "データ入門")],
    ),
    "list": (
        "A JSON or Python list, or a text split at the column's separator: the first of `|`, `;`, line"
        " ends, `、` and `,`"
        " that the column has.",
        [
            E("a; b, c", ["a", "b, c"]),
            E("a, b", ["a", "b"]),
            E('["a", "b"]', ["a", "b"]),
            E("a-b", ["a", "b"], {"separator": "-"}),
        ],
    ),
    "references": (
        "A list of ids, slugs or codes. Hyphens are part of them.",
        [E("CS-1-A; CS-2-B", ["CS-1-A", "CS-2-B"]), E([{"id": 5, "title": "Go"}], ["5"])],
    ),
    "people": (
        "A list of names. A column whose cells have one comma each, mostly between two parts of a name,"
        " has one person a cell, and one of nothing but pairs of single words has each pair as one"
        " (`last_first`). Words such as “and” separate full names (`conjunctions`). Degrees belong to the"
        " name before.",
        [
            E("Moe, Ada", ["Moe, Ada"]),
            E("Ada Moe, Ben Roe", ["Ada Moe", "Ben Roe"]),
            E("Ada Moe, PhD", ["Ada Moe, PhD"]),
            E("Moe, Ada; Roe, Ben", ["Moe, Ada", "Roe, Ben"]),
            E("Moe, Ada and Roe, Ben", ["Moe, Ada", "Roe, Ben"]),
            E("Moe, Ada, Roe, Ben", ["Moe, Ada", "Roe, Ben"]),
            E("Ada Moe, Ben Roe and Cy Doe", ["Ada Moe", "Ben Roe", "Cy Doe"]),
        ],
    ),
    "constant": ("A word in capitals, as in the enums of the schema.", [E("in progress", "IN_PROGRESS")]),
    "boolean": ("`true`, `yes`, `y`, `1`, `on`, and their opposites.", [E("yes", True), E("0", False)]),
    "integer": (
        "A whole number, zero or more.",
        [
            E("124,980", 124_980),
            E("1,24,980", 124_980),
            E("12 500", 12_500),
            E("1.299", 1299),
            E("1.2k", 1200),
            E("3.0", 3),
        ],
    ),
    "decimal": (
        "A number. In `1.299`, which could have thousands or decimals, the point is what the column's"
        " other numbers show.",
        [
            E("1.299,50", 1299.5),
            E("1,299.50", 1299.5),
            E("4,5", 4.5),
            E("1'250.5", 1250.5),
            E("1.299", 1.299, {"decimal": "."}),
            E("1.299", 1299.0, {"decimal": ","}),
        ],
    ),
    "fraction": (
        "A share from 0 to 1. Numbers without a sign are per cent if the column has more numbers above 1"
        " than below, or has only 0 and 1 but “percent” in its name.",
        [E("50 %", 0.5), E("0.5", 0.5), E("85", 0.85), E("6/12", 0.5), E(1, 0.01, {"scale": 100})],
    ),
    "stars": (
        "A rating as a whole number from 1 to 5. Numbers without a scale have the column's: up to 5, 10 or"
        " 100. Halves are"
        " rounded up, if the column has fractions.",
        [
            E("4", 4),
            E("4.5", 5),
            E("9/10", 5),
            E("85 %", 4),
            E("★★★★☆", 4),
            E("4½ stars", 5),
            E("4.7 out of 5 (55 reviews)", 5),
            E("8", 4),
        ],
    ),
    "hours": (
        "A number of hours. A range becomes its middle.",
        [E("2-3 hours per week", 2.5), E("90 min", 1.5), E("10+", 10.0), E(1.5, 1.5)],
    ),
    "duration": (
        "Days, rounded up. Months have 30 days. A range becomes its middle; what stands in brackets, and"
        " hours per week,"
        " don't count, nor does the same length said again."
        " `unit` is the unit of a bare number: that in the column's name, else the only one"
        " of the column,"
        " else days. Hours are working hours: `hours_per_day` (8) make a day. The units are read in about"
        " 20 languages.",
        [
            E("45 days", 45),
            E("8 weeks", 56),
            E("1.5 months", 45),
            E("4-6 weeks", 35),
            E("90 minutes", 1),
            E("33 hours", 5),
            E("2 weeks 3 days", 17),
            E("45 days (6 weeks)", 45),
            E("2 days / 16 hours", 2),
            E("13h45m", 2),
            E("12 x 2 hours", 3),
            E("two and a half days", 3),
            E("3 months at 10 hours a week", 90),
            E("3+ months", 90),
            E("4 bis 6 Wochen", 35),
            E("6 semaines", 42),
            E("3か月", 90),
            E("PT90M", 1),
            E("12", 84, {"unit": "weeks"}),
        ],
    ),
    "rating": (
        "An average on a scale of 5, with its count, which can be in another column"
        ' (`count = { column = "..." }`). An average without a count is only shown. Whole numbers in a'
        " column of `ratings` are counts, and not read.",
        [
            E("4.7 (55)", {"average": 4.7, "count": 55}),
            E("4.7/5 (1.2k ratings)", {"average": 4.7, "count": 1200}),
            E("94% (55)", {"average": 4.7, "count": 55}),
            E("8.5/10 (20)", {"average": 4.25, "count": 20}),
            E("4.7", {"average": 4.7, "count": None}),
        ],
    ),
    "credits": (
        "A number of credits. A range is left out, and so is any other text.",
        [
            E("3", 3.0),
            E("7,5 hp", 7.5),
            E("6 ECTS (180 hours)", 6.0),
            E("Credits: 4", 4.0),
            E("3.000", 3.0),
            E("4 学分", 4.0),
        ],
    ),
    "url": (
        "A URL with http or https, of at most 2,000 characters, without a user name.",
        [E("https://example.org/c?a=1&amp;b=2", "https://example.org/c?a=1&b=2")],
    ),
    "image_url": ("A URL with https.", [E("https://example.org/a.jpg", "https://example.org/a.jpg")]),
    "price": (
        "An amount in the currency's minor unit. `currency` is for prices that name none, or only a sign"
        " of several"
        " currencies. Without it, `$` is USD, `¥` is JPY and `Rs` is INR, and prices without a currency"
        " have the only one"
        " of the column. Words that multiply a number are read, or the price is left out (`1.5L`). So is a"
        " price that names two currencies. Beside prices of at most two decimals, `1.299` has thousands.",
        [
            E("1.299 €", {"amountMinor": 129_900, "currency": "EUR"}),
            E("1 299,50 €", {"amountMinor": 129_950, "currency": "EUR"}),
            E("£1.5k", {"amountMinor": 150_000, "currency": "GBP"}),
            E("2 tys. zł", {"amountMinor": 200_000, "currency": "PLN"}),
            E("C$ 100", {"amountMinor": 10_000, "currency": "CAD"}),
            E("Rs. 4,999/-", {"amountMinor": 499_900, "currency": "INR"}),
            E("¥5000", {"amountMinor": 5_000, "currency": "JPY"}),
            E("Free", {"amountMinor": 0, "currency": "EUR"}, {"currency": "EUR"}),
            E("$49", {"amountMinor": 4_900, "currency": "CAD"}, {"currency": "CAD"}),
        ],
    ),
    "modes": (
        "ONLINE and ONSITE, from the usual words of about ten languages, and from services such as Zoom.",
        [
            E("Online & Class Room", ["ONLINE", "ONSITE"]),
            E("offline", ["ONSITE"]),
            E("hybrid", ["ONLINE", "ONSITE"]),
            E("zdalnie", ["ONLINE"]),
        ],
    ),
    "mode": (
        "ONLINE or ONSITE: the one mode of a run.",
        [E("Virtual", "ONLINE"), E("MS Teams", "ONLINE"), E("in person", "ONSITE")],
    ),
    "seats": (
        "A number of seats, or UNLIMITED from words such as `unlimited`.",
        [
            E("30", 30),
            E("max. 30 places", 30),
            E("1,200", 1200),
            E("no limit", "UNLIMITED"),
            E("∞", "UNLIMITED"),
        ],
    ),
    "level": (
        "BEGINNER, INTERMEDIATE, ADVANCED or ALL_LEVELS, from the usual words of about ten languages.",
        [E("Introductory", "BEGINNER"), E("Beginner to Advanced", "ALL_LEVELS")],
    ),
    "language": (
        "A BCP 47 tag, from a tag, a code of ISO 639, or a name in English or another language.",
        [
            E("pt_br", "pt-BR"),
            E("Español", "es"),
            E("日本語", "ja"),
            E("Chinese (Simplified)", "zh-Hans"),
            E("English (US)", "en-US"),
        ],
    ),
    "country": (
        "A code of ISO 3166-1, from a code of two or three letters, or a name in English or another"
        " language.",
        [E("in", "IN"), E("DEU", "DE"), E("Germany", "DE"), E("España", "ES"), E("UK", "GB")],
    ),
    "date": (
        "Any style of ISO 8601, a written date, epoch seconds or milliseconds; UTC unless it names a time"
        " zone."
        " `06/11/2015` has the order that the column's other dates show, or `day_first`. `format` is a"
        " strptime pattern."
        " With `excel`, a number is a spreadsheet's day: a column of nothing else is read so.",
        [
            E("June 11, 2015", datetime(2015, 6, 11)),
            E("11 Jun 2015 09:30", datetime(2015, 6, 11, 9, 30)),
            E("Monday, 31 August 2020, 10:05 AM", datetime(2020, 8, 31, 10, 5)),
            E("8/31/2020 10:05:22 PM", datetime(2020, 8, 31, 22, 5, 22)),
            E("31.12.2015", datetime(2015, 12, 31)),
            E("2020-01-31 10:00:00 UTC", datetime(2020, 1, 31, 10)),
            E("31 août 2020", datetime(2020, 8, 31)),
            E("44197", datetime(2021, 1, 1)),
            E(1433980800, datetime(2015, 6, 11)),
            E("06/11/2015", datetime(2015, 11, 6), {"day_first": True}),
        ],
    ),
    "end_date": (
        "A date, like `date`; without a time, it is the last second of its day.",
        [
            E("31.12.2015", datetime(2015, 12, 31, 23, 59, 59)),
            E("2015-12-31T00:00:00Z", datetime(2015, 12, 31)),
            E("31 Dec 2015 18:00", datetime(2015, 12, 31, 18)),
        ],
    ),
    "day_offset": (
        "A number of days from the date `start`.",
        [E("-159", datetime(2020, 1, 1), {"start": "2020-06-08"})],
    ),
}


def read(name: str, cell: object, given: Mapping[str, Any]) -> Value:
    """Reads a column of one cell."""
    normaliser = NORMALISERS[name]
    decision = normaliser.decide(Column("", [cell]), given)
    return normaliser.read(cell, **{**given, **decision.options})


def table() -> str:
    """Returns the guide's table of normalisers, with their examples and options."""
    lines = ["| name | what it reads | for example | options |", "|---|---|---|---|"]
    for name, (words, examples) in EXAMPLES.items():
        shown = "; ".join(_shown(example) for example in examples)
        listed = ", ".join(f"`{option}`" for option in options(name))
        lines.append(f"| `{name}` | {words.replace('|', chr(92) + '|')} | {shown} | {listed or ' '} |")
    return "\n".join(lines)


def _shown(example: Example) -> str:
    given = ", ".join(
        f"{option} = {json.dumps(value, ensure_ascii=False)}" for option, value in example.given.items()
    )
    return f"`{_cell(example.cell)}`{f' with `{given}`' if given else ''} → {_value(example.value)}"


def _cell(cell: object) -> str:
    return str(cell).replace("\n", "↵").replace("\u00a0", " ").strip().replace("|", "\\|")


def _value(value: Value) -> str:
    if isinstance(value, datetime):
        return value.isoformat(" ").removesuffix(" 00:00:00").removesuffix(":00")
    if isinstance(value, dict):
        return (
            f"{value['amountMinor']} {value['currency']}"
            if "currency" in value
            else f"{value['average']} ({value['count'] or 'no count'})"
        )
    return json.dumps(value, ensure_ascii=False).replace("|", "\\|")


if __name__ == "__main__":
    print(table())

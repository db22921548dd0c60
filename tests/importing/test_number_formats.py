"""Workbooks whose cells show a currency or a unit that only their number format names."""

import pytest
from openpyxl import Workbook

from app.importing.files.number_formats import as_shown
from tests.importing.shell import Shell


@pytest.mark.parametrize(
    ("number_format", "shown"),
    [
        ("[$€-407] #,##0.00", "€ 1299"),
        ('#,##0.00 "zł"', "1299 zł"),
        ('#,##0.00\u00a0"Kč";[Red]-#,##0.00\u00a0"Kč"', "1299 Kč"),
        ("[$USD] #,##0", "USD 1299"),
        ("_-* #,##0.00\\ [$€-1]_-;-* #,##0.00\\ [$€-1]_-", "1299 €"),
        ("$#,##0.00_);[Red]($#,##0.00)", "$ 1299"),
        ('General" kr"', "1299 kr"),
        ('0" h"', "1299 h"),
        ("[$$-1009]#,##0.00", "CAD 1299"),
        ("[$$-0409]#,##0.00", "USD 1299"),
        ("[$¥-804]#,##0", "CNY 1299"),
        ("#,##0.00 [$kr-414]", "1299 NOK"),
        ('#,##0 "Ft"', "1299 Ft"),
        ("0.00", None),
        ("General", None),
        ("[$-409]0.00", None),
        ("00000", None),
        ("0.00%", None),
        ("0.00E+00", None),
        ("# ?/?", None),
        ('#,##0.0,"k"', None),
        ('0 "places"', None),
        ('"ID"0000', None),
        ('"No. "0', None),
        ('0" x"', None),
        ('0 "weeks"', "1299 weeks"),
        ("@", None),
        ("", None),
        ('0"', None),
    ],
)
def test_a_number_as_its_cell_shows_it(number_format: str, shown: str | None) -> None:
    assert as_shown(1299, number_format) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (1.299, "€ 1.2990"),
        (49.9, "€ 49.9"),
        (0.1 + 0.2, "€ 0.3"),
        (-5, "€ -5"),
        (999_999_999_999, "€ 999999999999"),
        (10**12, None),
        (1e20, None),
        (10**400, None),
        (float("inf"), None),
        (float("nan"), None),
    ],
)
def test_its_digits(number: float, shown: str | None) -> None:
    assert as_shown(number, "[$€-407]0.00") == shown


def priced(shell: Shell, header: str, formats: list[tuple[float | str, str]]) -> list[object]:
    """Imports one course for each price. Returns what the courses have as their price."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["id", "title", header])
    for number, (value, number_format) in enumerate(formats):
        sheet.append([f"c{number}", f"Course {number}", value])
        sheet.cell(number + 2, 3).number_format = number_format
    file = shell.directory / "c.xlsx"
    book.save(file)
    shell.ok("import", "courses", file, "--source", "s")
    return [course["price"] for course in sorted(shell.all("courses"), key=lambda c: c["title"])]


def test_prices_are_in_the_currency_of_their_format(shell: Shell) -> None:
    zloty, euro = '#,##0.00 "zł"', "[$€-407] #,##0.00"
    assert priced(shell, "price", [(1299.5, zloty), (49, euro), (1.299, zloty), ("12 €", "General")]) == [
        {"amountMinor": 129_950, "currency": "PLN"},
        {"amountMinor": 4900, "currency": "EUR"},
        {"amountMinor": 130, "currency": "PLN"},
        {"amountMinor": 1200, "currency": "EUR"},
    ]


def test_a_format_outweighs_the_column_s_name(shell: Shell) -> None:
    assert priced(shell, "Price (EUR)", [(49, "[$£-809]#,##0.00"), (49, "0.00")]) == [
        {"amountMinor": 4900, "currency": "GBP"},
        {"amountMinor": 4900, "currency": "EUR"},
    ]


def test_the_currency_of_a_built_in_format_is_the_reader_s(shell: Shell) -> None:
    """Excel shows it in the currency of the system on which the workbook is opened."""
    built_in = '_("$"* #,##0.00_)_("$"* \\(#,##0.00\\)_("$"* "-"??_)_(@_)'
    assert priced(shell, "Price (EUR)", [(49, built_in)]) == [{"amountMinor": 4900, "currency": "EUR"}]

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importing.values.columns import Column
from app.importing.values.prices import decide_price, price
from loaders.codes import minor_units


@pytest.mark.parametrize(
    ("text", "minor", "currency"),
    [
        ("₹1,299", 129_900, "INR"),
        ("49.99 EUR", 4_999, "EUR"),
        ("eur 49", 4_900, "EUR"),
        ("49 (EUR)", 4_900, "EUR"),
        ("€ 49,-", 4_900, "EUR"),
        ("1 299 €", 129_900, "EUR"),
        ("1.299 €", 129_900, "EUR"),
        ("1.299,00 €", 129_900, "EUR"),
        ("49 € incl. VAT", 4_900, "EUR"),
        ("CHF 1\u2019250.\u2013", 125_000, "CHF"),
        ("¥5000", 5_000, "JPY"),
        ("1299円", 1_299, "JPY"),
        ("$19.99", 1_999, "USD"),
        ("US$ 1,299.00", 129_900, "USD"),
        ("C$ 100", 10_000, "CAD"),
        ("R$ 99", 9_900, "BRL"),
        ("HK$500", 50_000, "HKD"),
        ("£1.5k", 150_000, "GBP"),
        ("KWD 1.250", 1_250, "KWD"),
        ("1500 UYI", 1_500, "UYI"),
        ("XCG 10", 1_000, "XCG"),
        ("Rs. 18,500", 1_850_000, "INR"),
        ("Rs 4999/-", 499_900, "INR"),
        ("rs.500", 50_000, "INR"),
        ("1 299,00 zł", 129_900, "PLN"),
        ("$49 (students: $29)", 4_900, "USD"),
        ("49 dollars", 4_900, "USD"),
        ("20 Pounds", 2_000, "GBP"),
        ("1.005 €", 100_500, "EUR"),
        ("1.500.000đ", 1_500_000, "VND"),
        ("Rp 1,5 juta", 150_000_000, "IDR"),
        ("2 tys. zł", 200_000, "PLN"),
        ("5 тыс. \u0440\u0443\u0431", 500_000, "RUB"),
        ("1,5 Mio. €", 150_000_000, "EUR"),
        ("JPY 5万", 50_000, "JPY"),
        ("₹1.5 lakh", 15_000_000, "INR"),
        ("A$ 100 AUD", 10_000, "AUD"),
        ("$ 49 CAD", 4_900, "CAD"),
        ("49.00 €/Person", 4_900, "EUR"),
    ],
)
def test_price(text: str, minor: int, currency: str) -> None:
    assert price(text) == {"amountMinor": minor, "currency": currency}


def test_price_with_the_currency_option() -> None:
    for text in ("Free", "gratis", "kostenlos", "Free!"):
        assert price(text, currency="EUR") == {"amountMinor": 0, "currency": "EUR"}
    assert price(12.5, currency="EUR") == {"amountMinor": 1250, "currency": "EUR"}
    assert price("$49", currency="CAD") == {"amountMinor": 4900, "currency": "CAD"}
    assert price("49 €", currency="CAD") == {"amountMinor": 4900, "currency": "EUR"}
    assert price("49 kr", currency="SEK") == {"amountMinor": 4900, "currency": "SEK"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("12.50", "has no known currency"),
        ("Free", "has no known currency"),
        ("SQL 99", "has no known currency"),
        ("49 all inclusive", "has no known currency"),
        ("49 kr", "has no known currency"),
        ("€49 - €99", "more than one amount"),
        ("$49/month", "per period"),
        ("49 € pro Monat", "per period"),
        ("-5 €", "is negative"),
        ("€", "is not a price"),
        ("INR 1.5L", "has the word “L”"),
        ("2 Cr INR", "has the word “Cr”"),
        ("1.5 mil USD", "has the word “mil”"),
        ("49X €", "has the word “X”"),
        ("$49 ALL INCLUSIVE", r"names more than one currency \(ALL, USD\)"),
        ("USD/EUR 49", "more than one currency"),
        ("€49 / $55", "more than one currency"),
    ],
)
def test_not_a_price(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        price(text)


def test_a_sign_that_isn_t_of_the_given_currency_has_its_usual_one() -> None:
    assert price("$49", currency="EUR") == {"amountMinor": 4900, "currency": "USD"}
    assert decide_price(Column("fee", ["$49"]), {"currency": "EUR"}).assumed == {"currency": "“$” is USD"}


@pytest.mark.parametrize(
    ("name", "cells", "read"),
    [
        ("fee", ["$49", "99", "Free"], [("USD", 4900), ("USD", 9900), ("USD", 0)]),
        ("price usd", ["20", "0"], [("USD", 2000), ("USD", 0)]),
        ("price (€)".replace("(", "").replace(")", ""), ["20"], [("EUR", 2000)]),
        ("fee", ["49 €", "$5", "Free"], [("EUR", 4900), ("USD", 500), ("EUR", 0)]),
        ("fee", ["49 €", "99", "$5"], [("EUR", 4900), None, ("USD", 500)]),
        (
            "fee",
            ["C$ 100", "5,000 + 18% GST", "Free", "$10", "$5"],
            [("CAD", 10000), None, ("USD", 0), ("USD", 1000), ("USD", 500)],
        ),
        ("fee", ["20", "0"], [None, None]),
        ("fee", ["1.299 €", "49,90 €"], [("EUR", 129_900), ("EUR", 4_990)]),
    ],
)
def test_a_price_without_a_currency_has_that_of_its_column(
    name: str, cells: list[object], read: list[tuple[str, int] | None]
) -> None:
    decision = decide_price(Column(name, cells), {})
    found: list[tuple[str, int] | None] = []
    for cell in cells:
        try:
            money = price(cell, **decision.options)
            found.append((money["currency"], money["amountMinor"]))
        except ValueError:
            found.append(None)
    assert found == read


@pytest.mark.parametrize(
    ("cells", "minor", "assumed"),
    [
        (["1.299 €", "12.50 €"], 129_900, "“1.299” is read with thousands, not decimals"),
        (["1,299 €", "49,90 €"], 129_900, "“1,299” is read with thousands, not decimals"),
        (["1.299 €", "1,299.00 €"], 129_900, "“1.299” is read with thousands, not decimals"),
        (["1.299 €", "1.299,00 €"], 129_900, None),
        (["1.299 €", "0.125 €"], 130, None),
        (["12.345 €", "9.9912 €"], 1_235, None),
        (["KWD 1.250", "KWD 3"], 1_250, "points begin decimals"),
        (["KWD 1.250", "2.500 €"], 1_250, "“2.500” is read with thousands, not decimals"),
    ],
)
def test_three_digits_after_a_mark_are_thousands_unless_prices_have_more_than_two_decimals(
    cells: list[object], minor: int, assumed: str | None
) -> None:
    decision = decide_price(Column("fee", cells), {})
    assert price(cells[0], **decision.options)["amountMinor"] == minor
    assert decision.assumed.get("decimal") == assumed


def test_what_is_assumed_is_told() -> None:
    decision = decide_price(Column("fee", ["$1.299", "50"]), {})
    assert decision.assumed == {
        "decimal": "“1.299” is read with thousands, not decimals",
        "currency": "“$” is USD; prices that name none are in USD",
    }


#: How a price is written: thousands separator, decimal mark, and where the currency stands.
FORMS = st.tuples(
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("\u202f", ","), ("'", "."), ("", "."), ("", ",")]),
    st.sampled_from(["{} {}", "{}{}"]),
    st.booleans(),
)
CURRENCIES = st.sampled_from(
    [("€", "EUR"), ("£", "GBP"), ("USD", "USD"), ("C$", "CAD"), ("zł", "PLN"), ("₹", "INR"), ("CHF", "CHF")]
)


@given(FORMS, st.lists(st.tuples(CURRENCIES, st.integers(0, 10**8)), min_size=1), st.booleans())
def test_a_column_of_prices_is_read_as_it_means_or_told(
    form: tuple[tuple[str, str], str, bool], prices: list[tuple[tuple[str, str], int]], whole: bool
) -> None:
    (thousands, mark), layout, first = form
    cells = []
    for (sign, _), minor in prices:
        amount = f"{minor // 100:,}" if whole else f"{minor / 100:,.2f}"
        amount = amount.replace(",", "T").replace(".", mark).replace("T", thousands)
        cells.append(layout.format(*((sign, amount) if first else (amount, sign))))
    decision = decide_price(Column("fee", cells), {})
    for ((_, code), minor), cell in zip(prices, cells, strict=True):
        money = price(cell, **decision.options)
        assert money == {"amountMinor": minor // 100 * 100 if whole else minor, "currency": code}


@given(st.text(), st.sampled_from([None, "EUR", "KWD", "JPY"]))
def test_any_text_is_a_price_or_raises_value_error(text: str, currency: str | None) -> None:
    with suppress(ValueError):
        money = price(text, currency=currency)
        assert money["amountMinor"] >= 0
        assert minor_units(money["currency"]) is not None


@pytest.mark.parametrize(
    "text", ["-€50", "- EUR 50", "\u2212 $50", "($50)", "(49.00 EUR)", "49.00-", "€ 49,00 \u2212"]
)
def test_price_below_zero_is_left_out(text: str) -> None:
    with pytest.raises(ValueError, match="is negative"):
        price(text, currency="EUR")


@pytest.mark.parametrize("text", ["€ 5 Mrd", "USD 50 cents", "€ 5 mila", "£ 99 pence"])
def test_price_with_a_word_that_multiplies_or_divides_it_is_left_out(text: str) -> None:
    with pytest.raises(ValueError, match="may multiply it"):
        price(text)

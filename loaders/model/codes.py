"""The codes of currencies (ISO 4217) and countries (ISO 3166-1), from the tables of pycountry.

The tables are loaded when they are first used.
"""

from functools import lru_cache

import pycountry

#: Currencies whose minor unit is not a hundredth, with their number of decimals.
_MINOR_UNITS = (
    dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    )
    | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)
    | {"CLF": 4, "UYW": 4}
)
#: ISO 4217 codes in which nothing is priced: those for precious metals, for units of account and for tests.
_NO_PRICES = frozenset(
    ("XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX")
)


@lru_cache(maxsize=512)
def minor_units(currency: str) -> int | None:
    """Returns a currency's number of decimals: 2 for most, 0 for the yen, 3 for the Kuwaiti dinar.

    Returns None if ISO 4217 has no such code, if it isn't in capitals, or if nothing is priced in it.
    """
    if currency in _NO_PRICES or not currency.isupper() or pycountry.currencies.get(alpha_3=currency) is None:
        return None
    return _MINOR_UNITS.get(currency, 2)


def is_country(code: str) -> bool:
    """Returns whether a code is an ISO 3166-1 alpha-2 code in capitals."""
    return code.isupper() and pycountry.countries.get(alpha_2=code) is not None

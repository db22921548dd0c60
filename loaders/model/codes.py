"""The codes of currencies (ISO 4217) and countries (ISO 3166-1), from the tables of pycountry.

They are loaded at the first use.
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
#: Codes of ISO 4217 in which nothing has a price: precious metals, units of account, tests.
_NO_PRICES = frozenset(
    ("XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX")
)


@lru_cache(maxsize=512)
def minor_units(currency: str) -> int | None:
    """Returns a currency's number of decimals: 2 for most, 0 for the yen, 3 for the Kuwaiti dinar.

    Returns None if ISO 4217 has no such currency. The code is in capitals.
    """
    if currency in _NO_PRICES or not currency.isupper() or pycountry.currencies.get(alpha_3=currency) is None:
        return None
    return _MINOR_UNITS.get(currency, 2)


def is_country(code: str) -> bool:
    """Returns whether a code in capitals is an alpha-2 code of ISO 3166-1."""
    return code.isupper() and pycountry.countries.get(alpha_2=code) is not None
